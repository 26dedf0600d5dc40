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

struct uio;
struct vfs;
struct vfs_waiter;

#define VPOLLRDNORM 0x040
#define VPOLLWRNORM 0x100

/* Any stream of the host: pipe, terminal, eventfd.  The file owns hostfd; data
 * is a struct hostfd_kind. */
extern const struct fileops hostfd_fileops;

/* A pipe: f[0] reads, f[1] writes.  flags: O_NONBLOCK. */
int pipe_create(struct vfs *, int flags, struct file *f[2]);
/*
 * A file over a host descriptor that is shared with processes outside.  fd
 * passes in any case.  The host's errors, ENOMEM.
 */
int hostfd_inherit(struct vfs *, int fd, int flags, struct file **);
/* Eventfd, timerfd, epoll: host objects behind files. */
int hostfd_file_adopt(
    struct vfs *, int hostfd, int flags, const char *name, struct file **);

/* What `data` of a file with hostfd_fileops points to; NULL: inherited. */
struct hostfd_kind {
	const char *name;
	bool owned; /* the host side is O_NONBLOCK: nobody else's */
};
extern const struct hostfd_kind hostfd_kind_tty; /* inherited terminal */

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
/*
 * Transfer between a host stream and uio with the guest's blocking rules;
 * `owned` as above.  0 with what was done taken off the uio.  EAGAIN, EINTR,
 * EPIPE and the host's errors, all only when nothing was done.
 */
int hostfd_do_read(
    int fd, bool owned, bool nonblock, struct uio *, const struct vfs_waiter *);
int hostfd_do_write(
    int fd, bool owned, bool nonblock, struct uio *, const struct vfs_waiter *);
short hostfd_ready(int fd, short events);
/* hostfd_fileops' operations for files that add to them (fifos). */
short hostfd_poll(struct file *, short events, int *hostfd);
int hostfd_ioctl(struct file *, unsigned long cmd, void *kbuf, size_t size,
    uint64_t arg, long *ret);
int hostfd_setfl(struct file *, int flags);
/*
 * Make `f`, fresh from vfs_open(), another file over the host descriptor of
 * `from`.  EACCES when from's access mode does not cover f's, ENXIO when
 * from is not a host stream.  EMFILE.
 */
int hostfd_reopen(struct file *f, struct file *from);

#endif /* VFS_CORE_HOSTFD_H */
