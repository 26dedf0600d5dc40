/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * epoll: instances and what is registered with them.
 */
#ifndef VFS_CORE_EVENTPOLL_H
#define VFS_CORE_EVENTPOLL_H

#include <stdbool.h>
#include <stdint.h>

struct file;
struct vfs;

/* A new instance.  0, EMFILE, ENFILE, ENOMEM, the host's errors. */
int eventpoll_create(struct vfs *, struct file **);
bool eventpoll_is(const struct file *);
/*
 * Register file f under the descriptor number fd with the instance ep; change
 * or remove that registration.  events: EPOLL* bits.  No locks held; none of
 * them waits.
 * - eventpoll_add: hostfd is what f's poll operation names.  EEXIST; EPERM: the
 *   host cannot poll it; ELOOP, EINVAL: a loop or too deep a chain of
 *   instances; EMFILE, ENFILE, ENOSPC, ENOMEM.
 * - eventpoll_modify, eventpoll_delete: ENOENT; EINVAL: EPOLLEXCLUSIVE.
 */
int eventpoll_add(struct file *ep, struct file *f, int fd, int hostfd,
    uint32_t events, uint64_t data);
int eventpoll_modify(
    struct file *ep, struct file *f, int fd, uint32_t events, uint64_t data);
int eventpoll_delete(struct file *ep, struct file *f, int fd);
/* How many registrations there are. */
unsigned eventpoll_count(const struct file *ep);
/* The descriptor that f's poll names refers to another host file from now on:
 * register f again where it is registered.  If the host has no memory for that,
 * the registration is silent until it is modified or added again. */
void eventpoll_file_moved(struct file *f);
/* The last ref of f went: its registrations go.  Before ops->close. */
void eventpoll_file_closed(struct file *f);

#endif /* VFS_CORE_EVENTPOLL_H */
