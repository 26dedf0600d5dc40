/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Files over host descriptors: pipes, inherited streams, and host objects such
 * as eventfds; and the waits that they share with other files.
 */
#ifndef VFS_CORE_HOSTFD_H
#define VFS_CORE_HOSTFD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vfs/core/file.h"
#include "vfs/core/vnode.h"

struct uio;
struct vfs;
struct vfs_waiter;

struct host_stat;

/* Files over an object of the host, whose hostfd they own. */
extern const struct fileops eventfd_fileops, timerfd_fileops;
extern const struct fileops hostfd_tty_fileops; /* the kernel's terminal */

/* Attributes as the host has them. */
struct vattr hostfd_vattr(const struct host_stat *);
/* A pipe of the maker's fsuid and fsgid (NULL: of root): f[0] reads, f[1]
 * writes.  flags: O_NONBLOCK, O_DIRECT. */
int pipe_create(
    struct vfs *, const struct vfs_waiter *maker, int flags, struct file *f[2]);
/* F_GETPIPE_SZ, F_SETPIPE_SZ.  EBADF: no pipe; EPERM: more than
 * PIPE_SIZE_MAX, or than the budget allows; errors of the host. */
int pipe_size(struct file *, size_t *);
int pipe_set_size(struct file *, size_t);
#define PIPE_SIZE_MAX ((size_t)1 << 20) /* as Linux for ordinary users */
/* A file over an inherited pipe, terminal or other stream; fd passes to it in
 * any case.  flags: access mode, O_APPEND. */
int hostfd_inherit(
    struct vfs *, int fd, int flags, const struct host_stat *, struct file **);
/* Eventfd, timerfd: objects of the host behind files. */
int hostfd_file_adopt(struct vfs *, int hostfd, int flags,
    const struct fileops *, struct file **);

/* Wait by the waiter, or, without one or its function, by polling the host. */
int vfs_wait(
    const struct vfs_waiter *, int hostfd, short events, uint64_t deadline_ns);
/* A call that tries and waits in turns. */
struct vfs_retry {
	short events;
	uint64_t deadline; /* CLOCK_MONOTONIC ns, UINT64_MAX never */
	uint64_t pause;    /* ns; 0 at first */
};
#define VFS_PAUSE_MIN UINT64_C(1000000) /* ns, doubled up to.. */
#define VFS_PAUSE_MAX UINT64_C(16000000)
/*
 * Wait until the host says that a call that was EAGAIN may go on.  It may say
 * so although it may not (a counter with no room for what is added, urgent data
 * before the rest, others who take it first): then the next wait begins with a
 * pause, which a signal ends; a caller that got on sets it to 0.  As
 * vfs_wait().
 */
int vfs_wait_retry(const struct vfs_waiter *, int hostfd, struct vfs_retry *);
short hostfd_ready(int fd, short events);
/*
 * Operations of files with FCAP_HOSTFD, also for those that add to them
 * (fifos).
 * - hostfd_rw: 0 with what was done taken off the uio.  EAGAIN, EINTR, EPIPE
 *   and the host's errors, all only when nothing was done.
 */
int hostfd_rw(struct file *, struct uio *, const struct vfs_waiter *);
short hostfd_poll(struct file *, short events, int *hostfd);
int hostfd_ioctl(struct file *, unsigned long cmd, void *kbuf, size_t size,
    uint64_t arg, long *ret);
int hostfd_seek(struct file *, int64_t off, int whence, uint64_t *res);
int hostfd_setfl(struct file *, int flags);
/*
 * Make `f`, fresh from vfs_open(), another file over the host descriptor of
 * `from`.  EACCES when from's access mode does not cover f's, ENXIO when
 * from is not a host stream.  EMFILE.
 */
int hostfd_reopen(struct file *f, struct file *from);

#endif /* VFS_CORE_HOSTFD_H */
