/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Internet sockets of this kernel's own, for 127.0.0.0/8 and ::1, where the
 * host gives none.  Theory: inet.c.  The calls of socket.h apply to them.
 */
#ifndef VFS_SOCKET_INET_H
#define VFS_SOCKET_INET_H

#include <stddef.h>
#include <stdint.h>

#include "vfs/core/file.h"

struct vfs;
struct vfs_waiter;

/*
 * A socket of LX_AF_INET or LX_AF_INET6, LX_SOCK_STREAM or LX_SOCK_DGRAM; a
 * socket of LX_AF_NETLINK for routes, which knows one interface (inet_route.c).
 * flags: O_NONBLOCK.  EMFILE, ENFILE, ENOMEM, ENOBUFS.
 */
int inet_create(struct vfs *, int domain, int type, int flags,
    const struct vfs_waiter *, struct file **);
/*
 * Options of such a socket but those that the caller keeps for all kinds. value
 * has `room` bytes, zeroed; *len: how many were used.
 * - ENOPROTOOPT, EINVAL, ENOTCONN...
 */
int inet_getopt(struct file *, int level, int option, void *value, size_t room,
    uint32_t *len);
int inet_setopt(
    struct file *, int level, int option, const void *value, uint32_t len);
/* Lines of /proc/net/tcp and its like for the sockets of this vfs.  No locks
 * held. */
void inet_lines(struct vfs *, int domain, int type, file_info_fn *, void *arg);

#endif /* VFS_SOCKET_INET_H */
