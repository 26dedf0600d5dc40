/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Numbers of Linux that the in-memory file systems and stream files need,
 * and what they share: types and modes, waiting, host streams.
 */
#ifndef VFS_VFS_NODE_H
#define VFS_VFS_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/host_file.h"
#include "vfs/vfs.h"

#define VS_ISUID 04000
#define VS_ISGID 02000
#define VS_ISVTX 01000
#define VS_PERM 07777

#define VPOLLRDNORM 0x040
#define VPOLLWRNORM 0x100

#define VFS_MKDEV(maj, min) (((uint64_t)(maj) << 8) | (uint64_t)(min))

/* Numbers of directory entries (d_type) and of S_IFMT are one scheme. */
static inline uint32_t
vtype_ifmt(enum vtype type)
{
	static const uint32_t ifmt[] = {
	    [VNON] = 0,
	    [VREG] = HOST_S_IFREG,
	    [VDIR] = HOST_S_IFDIR,
	    [VLNK] = HOST_S_IFLNK,
	    [VCHR] = HOST_S_IFCHR,
	    [VBLK] = HOST_S_IFBLK,
	    [VFIFO] = HOST_S_IFIFO,
	    [VSOCK] = HOST_S_IFSOCK,
	};

	return (ifmt[type]);
}

static inline uint8_t
vtype_dtype(enum vtype type)
{
	return ((uint8_t)(vtype_ifmt(type) >> 12));
}

static inline enum vtype
vtype_of_mode(uint32_t mode)
{
	switch (mode & HOST_S_IFMT) {
	case HOST_S_IFREG:
		return (VREG);
	case HOST_S_IFDIR:
		return (VDIR);
	case HOST_S_IFLNK:
		return (VLNK);
	case HOST_S_IFCHR:
		return (VCHR);
	case HOST_S_IFBLK:
		return (VBLK);
	case HOST_S_IFIFO:
		return (VFIFO);
	case HOST_S_IFSOCK:
		return (VSOCK);
	default:
		return (VNON);
	}
}

/* ---- host streams (hostfd_file.c) ---- */

/* What `data` of a file with hostfd_fileops points to; NULL: inherited. */
struct hostfd_kind {
	const char *name;
	bool owned; /* the host side is O_NONBLOCK: nobody else's */
};
extern const struct hostfd_kind hostfd_kind_tty; /* inherited terminal */

/* Wait by ctx->wait, or by polling the host without it (also ctx NULL). */
int vfs_wait(
    const struct vfs_ctx *, int hostfd, short events, uint64_t deadline_ns);
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
int vfs_wait_retry(const struct vfs_ctx *, int hostfd, struct vfs_retry *);
/*
 * Transfer between a host stream and uio with the guest's blocking rules;
 * `owned` as above.  0 with what was done taken off the uio.  EAGAIN, EINTR,
 * EPIPE and the host's errors, all only when nothing was done.
 */
int hostfd_do_read(
    int fd, bool owned, bool nonblock, struct uio *, const struct vfs_ctx *);
int hostfd_do_write(
    int fd, bool owned, bool nonblock, struct uio *, const struct vfs_ctx *);
short hostfd_ready(int fd, short events);
/* hostfd_fileops' operations for files that add to them (fifos). */
short hostfd_poll(struct file *, short events, int *hostfd);
int hostfd_ioctl(struct file *, unsigned long cmd, void *kbuf, size_t size,
    uint64_t arg, long *ret, const struct vfs_ctx *);
int hostfd_setfl(struct file *, int flags);
/* Name of what a file without a path is: "pipe:[12]". */
void file_describe(struct file *, char *buf, size_t size);
/*
 * Make `f`, fresh from vfs_open(), another file over the host descriptor of
 * `from`.  EACCES when from's access mode does not cover f's, ENXIO when
 * from is not a host stream.  EMFILE.
 */
int hostfd_reopen(struct file *f, struct file *from);

/* ---- ioctl.c ---- */

/* The requests that a host terminal or stream answers itself. */
int hostfd_host_ioctl(int fd, unsigned long cmd, void *kbuf, size_t size,
    uint64_t arg, long *ret);

#define VIOC_TCGETS 0x5401ul
#define VIOC_TCSETS 0x5402ul
#define VIOC_TCSETSW 0x5403ul
#define VIOC_TCSETSF 0x5404ul
#define VIOC_TCSBRK 0x5409ul
#define VIOC_TCXONC 0x540aul
#define VIOC_TCFLSH 0x540bul
#define VIOC_TIOCEXCL 0x540cul
#define VIOC_TIOCNXCL 0x540dul
#define VIOC_TIOCSCTTY 0x540eul
#define VIOC_TIOCGPGRP 0x540ful
#define VIOC_TIOCSPGRP 0x5410ul
#define VIOC_TIOCOUTQ 0x5411ul
#define VIOC_TIOCGWINSZ 0x5413ul
#define VIOC_TIOCSWINSZ 0x5414ul
#define VIOC_FIONREAD 0x541bul
#define VIOC_TIOCPKT 0x5420ul
#define VIOC_FIONBIO 0x5421ul
#define VIOC_TIOCNOTTY 0x5422ul
#define VIOC_TIOCGETD 0x5424ul
#define VIOC_TCSBRKP 0x5425ul
#define VIOC_TIOCGSID 0x5429ul
#define VIOC_TCGETS2 0x802c542aul
#define VIOC_TCSETS2 0x402c542bul
#define VIOC_TCSETSW2 0x402c542cul
#define VIOC_TCSETSF2 0x402c542dul
#define VIOC_FIONCLEX 0x5450ul
#define VIOC_FIOCLEX 0x5451ul
#define VIOC_FIOASYNC 0x5452ul
#define VIOC_TIOCGPTN 0x80045430ul
#define VIOC_TIOCSPTLCK 0x40045431ul
#define VIOC_TIOCGPKT 0x80045438ul
#define VIOC_TIOCGPTLCK 0x80045439ul
#define VIOC_TIOCGEXCL 0x80045440ul
#define VIOC_RNDGETENTCNT 0x80045200ul

#endif /* VFS_VFS_NODE_H */
