/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Control of a running kernel from other processes: the server, which a kernel
 * process starts beside its kernel, the directory in which clients find it,
 * and the client.  The protocol between both is described in docs/control.md:
 * a program in another language needs JSON and a UNIX socket.
 *
 * Every function returns 0 or a positive errno.  Out-pointers come last and
 * stay untouched on failure.
 */
#ifndef VMSPACE_CONTROL_H
#define VMSPACE_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "vmspace/vkernel.h"

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define VMSPACE_CONTROL_VERSION 1
/* Bytes of a message of either side, and descriptors with it. */
#define VMSPACE_MESSAGE_MAX 131072
#define VMSPACE_MESSAGE_FDS 16
#define VMSPACE_NAME_MAX 63 /* bytes of a kernel's name */

/* ---- the directory of kernels ---- */

/*
 * Each kernel has a directory BASE/NAME with its socket (control.sock) and a
 * description (state.json).  BASE is $XDG_RUNTIME_DIR/vmspace; /run/vmspace for
 * root; without XDG_RUNTIME_DIR, /tmp/vmspace-UID, which must belong to the
 * user and be closed to others.  Only the user can enter it.
 */

/* What a kernel says of itself when it is entered. */
struct vmspace_entry {
	char name[VMSPACE_NAME_MAX + 1];
	pid_t pid;       /* of the kernel process */
	uint64_t start;  /* its start time, as /proc/PID/stat has it */
	int64_t created; /* seconds since 1970 */
	char *command;   /* malloc'ed; the program and its arguments */
	char **labels;   /* malloc'ed, "KEY=VALUE", NULL-terminated */
};
void vmspace_entry_free(struct vmspace_entry *);

/* An entered kernel. */
struct vmspace_dir;

/* NULL, or what is wrong with a name: letters, digits, '_', '.' and '-', the
 * first one a letter or a digit, at most VMSPACE_NAME_MAX bytes. */
const char *vmspace_name_check(const char *name);
/*
 * Enter the calling process as a kernel.
 * - name NULL: a free name is chosen.
 * - A small process, the keeper, is forked, which removes the directory when
 *   this process has ended, however it ends.  So this must be called while the
 *   process has one thread.
 * - *fd: the listening socket, close-on-exec, for vkernel_control_start().
 * - EEXIST (a live kernel has that name), EINVAL (the name), EILSEQ (command or
 *   a label is not UTF-8), EPERM (BASE is another user's, or open to others),
 *   and those of mkdir, bind and fork.
 */
int vmspace_dir_enter(const char *name, const char *command,
    const char *const *labels, struct vmspace_dir **, int *fd);
const char *vmspace_dir_name(const struct vmspace_dir *);
/* Remove the directory, end the keeper, and wait for it. */
void vmspace_dir_leave(struct vmspace_dir *);
/*
 * Call fn for each kernel of this user, by name, until it returns false.
 * Directories of kernels that have ended are removed.
 */
int vmspace_dir_list(
    bool (*fn)(void *arg, const struct vmspace_entry *), void *arg);

/* ---- the server ---- */

struct vkernel_control;

struct vkernel_control_config {
	int fd;           /* listening SOCK_SEQPACKET; becomes the server's */
	const char *name; /* for clients */
	const char *command; /* the program and its arguments */
	uid_t uid;           /* only its clients are served */
};
/*
 * Serve clients of a kernel, by threads of the server's own.
 * - 0, EINVAL, ENOMEM, EAGAIN, EMFILE.  After a failure the caller has fd.
 */
int vkernel_control_start(struct vkernel *,
    const struct vkernel_control_config *, struct vkernel_control **);
/* The program that is `main` for clients; they may ask before it is set. */
void vkernel_control_main(struct vkernel_control *, int pid);
/* It has ended: tell the clients that wait.  `status` as of wait(2). */
void vkernel_control_ended(struct vkernel_control *, int status);
/* Close all connections and join the threads: before the kernel is destroyed,
 * after its processes were killed (vkernel_kill_all()).  NULL: nothing. */
void vkernel_control_stop(struct vkernel_control *);

/* ---- the client ---- */

/* A connection.  One thread uses it at a time. */
struct vmspace_control;

struct vmspace_control_info {
	char name[VMSPACE_NAME_MAX + 1];
	unsigned version; /* of the protocol */
	char vmspace[32]; /* version of the kernel */
	pid_t pid;        /* host process of the kernel */
	int main;         /* guest pid of the main program; 0: not yet */
	bool paused;
	char *command; /* belongs to the connection */
};

/*
 * Connect to a kernel by name, or (vmspace_connect_path) by its socket.
 * - ENOENT: no kernel has that name; ECONNREFUSED: it has ended; EACCES: it is
 *   another user's; EPROTO: the peer does not speak this protocol;
 *   EUSERS: it serves as many clients as it can; ETIMEDOUT: it does not answer
 *   within five seconds; ENAMETOOLONG: the path; EPERM: the directory of
 *   kernels is another user's, or open to others.
 */
int vmspace_connect(const char *name, struct vmspace_control **);
int vmspace_connect_path(const char *path, struct vmspace_control **);
void vmspace_disconnect(struct vmspace_control *);
/* What the kernel said about the last failure of a call, for people; "" if
 * nothing.  Valid until the next call. */
const char *vmspace_control_message(const struct vmspace_control *);

/*
 * The calls.  Besides the errors of the functions of vkernel.h that they stand
 * for: ECONNRESET (the kernel has ended), EPROTO (its answer makes no sense).
 */
int vmspace_control_info(
    struct vmspace_control *, struct vmspace_control_info *);
int vmspace_control_stat(struct vmspace_control *, struct vkernel_stat *);
int vmspace_control_syscalls(struct vmspace_control *,
    void (*fn)(void *arg, const char *name, uint64_t calls, uint64_t missing),
    void *arg);
int vmspace_control_proc_list(struct vmspace_control *, const char *path,
    vkernel_proc_entry_fn *, void *arg);
/* Up to 64 KiB at a time. */
int vmspace_control_proc_read(struct vmspace_control *, const char *path,
    uint64_t off, void *buf, size_t len, size_t *done);
int vmspace_control_proc_write(struct vmspace_control *, const char *path,
    uint64_t off, const void *buf, size_t len, size_t *done);
int vmspace_control_kill(struct vmspace_control *, int pid, int sig);
/* The main program.  ESRCH: it was not started yet, or has ended. */
int vmspace_control_kill_main(struct vmspace_control *, int sig);
/* Let no guest thread run user code, or let all of them go on. */
int vmspace_control_pause(struct vmspace_control *, bool paused);
int vmspace_control_shrink(
    struct vmspace_control *, uint64_t target, uint64_t *given_back);
/* area->fd is passed; area->inject is not. */
int vmspace_control_swapon(struct vmspace_control *,
    const struct vkernel_swap *area, unsigned *number);
int vmspace_control_swapoff(struct vmspace_control *, unsigned number);
/*
 * Start a program.  *pid can be waited for on this connection only; when it is
 * closed, the program goes on.
 * - sp->nfds is at most VMSPACE_MESSAGE_FDS; sp->pty is not used.
 *   With sp->argv, sp->path is not used; sp->cwd NULL is "/".
 * - E2BIG: arguments and environment do not fit in a message; EILSEQ: one of
 *   them is not UTF-8; EBADF: a descriptor is not open.
 */
int vmspace_control_spawn(
    struct vmspace_control *, const struct vkernel_spawn *sp, int *pid);
/*
 * The same on a new terminal of the guest, whose size in rows and columns is
 * given.  From then on the connection is its other side, and serves only the
 * functions below (vmspace_control_session_read()...); when the program has
 * ended it is closed by vmspace_disconnect().
 */
int vmspace_control_spawn_tty(struct vmspace_control *,
    const struct vkernel_spawn *sp, const uint16_t size[2], int *pid);
/* Wait for a program: one that this connection has started, or with pid 0 the
 * main program.  ECHILD. */
int vmspace_control_wait(struct vmspace_control *, int pid, int *status);
/* The same in two parts: between them the connection can be polled, and is
 * readable when the second part does not block.  Any other call in between ends
 * the wait, and gets its answer first: ECANCELED. */
int vmspace_control_wait_begin(struct vmspace_control *, int pid);
int vmspace_control_wait_end(struct vmspace_control *, int *status);

enum vmspace_session_event { VMSPACE_SESSION_OUTPUT, VMSPACE_SESSION_EXIT };
/* The socket of the connection, for poll(2): readable when
 * vmspace_control_session_read() has something. */
int vmspace_control_fd(const struct vmspace_control *);
/*
 * The next thing of a session (spawn_tty): output, *done bytes in buf, of at
 * least 64 KiB; or the end of the program, and *status.  Blocks.
 */
int vmspace_control_session_read(struct vmspace_control *, void *buf,
    size_t len, enum vmspace_session_event *, size_t *done, int *status);
/* Input, at most 64 KiB.  EAGAIN: the guest does not read; the connection is
 * writable when it does. */
int vmspace_control_session_write(
    struct vmspace_control *, const void *buf, size_t len);
int vmspace_control_session_resize(
    struct vmspace_control *, const uint16_t size[2]);
int vmspace_control_session_kill(struct vmspace_control *, int sig);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif /* VMSPACE_CONTROL_H */
