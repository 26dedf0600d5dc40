/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * A network of the sandbox's own: sockets of a network namespace that has only
 * a loopback interface.  Theory: netns.c.
 */
#ifndef CONFINE_NETNS_H
#define CONFINE_NETNS_H

struct netns;

/* Start the broker.  Call it before the first thread starts and before
 * confine_start().  0 and *out, which the caller stops; an errno. */
int netns_start(struct netns **out);
/*
 * A socket of the network, non-blocking and close-on-exec; of the type of
 * struct vkernel_config's net_socket, with the struct netns as argument.
 * - 0 and *fd.
 * - An errno of socket(2).
 * - ENONET: the host permits no network namespace.
 * - ENETDOWN: the broker has ended.
 */
int netns_socket(void *netns, int domain, int type, int protocol, int *fd);
/* A table of the network; of the type of net_table, with the struct netns as
 * argument.  0 and *fd; ENOENT; ENONET and ENETDOWN as above. */
int netns_table(void *netns, const char *name, int *fd);
/* Let the broker end, while the caller does other work: no more sockets are
 * made (ENETDOWN).  NULL is allowed, here and below. */
void netns_shutdown(struct netns *);
/* Wait for the end of the broker and free what is left. */
void netns_stop(struct netns *);

#endif /* CONFINE_NETNS_H */
