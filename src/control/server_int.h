/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/* What the files of the server share: server.c (connections), server_ops.c
 * (requests), server_spawn.c (programs and their terminals). */
#ifndef CONTROL_SERVER_INT_H
#define CONTROL_SERVER_INT_H

#include <bsd/sys/queue.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "control/message.h"
#include "libk/klock.h"

#define CLIENTS_MAX 64
#define CLIENT_PIDS 1024 /* programs that one client can wait for */

struct host_thread;

/* Key: [I] immutable, [C] its thread only, [l] lock of the server */
struct client {
	LIST_ENTRY(client) link;    /* [l] */
	struct vkernel_control *sv; /* [I] */
	struct host_thread *thread; /* [I] after start */
	int fd;                     /* [I] the connection, non-blocking */
	int wake;                   /* [I] eventfd: stop, or a process ended */
	bool done;                  /* [l] its thread is about to end */
	int *pids;                  /* [C] started and not waited for */
	size_t npids;               /* [C] */
	char *data;                 /* [C] malloc'ed, follows the answer.. */
	size_t ndata;               /* [C] ..with so many bytes */
	struct vkernel_pty *pty; /* [C] a session begins after the answer.. */
	int session;             /* [C] ..of this program */
	struct message in;       /* [C] */
};

/* Key: as above */
struct vkernel_control {
	struct vkernel *k; /* [I] */
	char name[VMSPACE_NAME_MAX + 1];
	char *command;                /* [I] */
	uid_t uid;                    /* [I] */
	int fd;                       /* [I] listening */
	int wake;                     /* [I] eventfd of the listener */
	struct host_thread *listener; /* [I] */
	_Atomic(bool) stopping;       /* [a] */
	struct kmutex lock;           /* rank LEAF */
	LIST_HEAD(, client) clients;  /* [l] */
	unsigned nclients;            /* [l] */
	int main;                     /* [l] guest pid; 0: not yet */
	bool ended;                   /* [l] main has.. */
	int status;                   /* [l] ..with this status */
};

/*
 * A request: c->in has its message.  The members of *reply go into the answer.
 * 0; an errno, and perhaps a string "message" in *reply.
 */
typedef int request_fn(struct client *c, const json_t *req, json_t *reply);

/* The function of a request; NULL: unknown.  server_ops.c. */
request_fn *request_find(const char *name);
request_fn request_spawn, request_wait; /* server_spawn.c */
/* Give up the programs that were not waited for. */
void client_release(struct client *);

/*
 * Wait until the client has sent something or has gone, or c->wake is readable,
 * which is cleared.  0: the client; EINTR: wake; ECANCELED: the server stops.
 */
int client_wait(struct client *);
/* Receive a message into c->in.  Errors as message_recv(); ECANCELED. */
int client_recv(struct client *);
/* Answer a request: "ok", or the error.  Takes the ref of reply. */
int client_reply(struct client *, int error, json_t *reply);
/* Receive the data message that follows a request into c->in. */
int client_data(struct client *);
bool client_stopping(const struct client *);
/* Data that follows the answer; buf is malloc'ed and passes.  0. */
int client_keep(struct client *, char *buf, size_t len);
/* Send data or an object, and wait for room unless the server stops. */
int client_send_data(struct client *, const void *buf, size_t len);
int client_send(struct client *, json_t *obj);
/* server_spawn.c: be the other side of c->pty until the program ends.  Not 0:
 * the connection ends. */
int client_session(struct client *);

/* Say what was wrong; returns error. */
int reply_error(json_t *reply, int error, const char *text);

#endif /* CONTROL_SERVER_INT_H */
