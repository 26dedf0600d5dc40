/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Open files: what a descriptor points to, the operations of each kind of
 * file, and the calls on one file.
 */
#ifndef VFS_CORE_FILE_H
#define VFS_CORE_FILE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libk/klock.h"
#include "vfs/core/vnode.h"

struct uio;
struct vfs;
struct vfs_waiter;

/*
 * File operations.  `read`/`write` wait by the waiter unless O_NONBLOCK
 * (EAGAIN).  NULL operation: EINVAL (read/write/seek), ENOTTY (ioctl).
 */
struct fileops {
	int (*read)(struct file *, struct uio *, const struct vfs_waiter *);
	int (*write)(struct file *, struct uio *, const struct vfs_waiter *);
	int (*ioctl)(struct file *, unsigned long cmd, void *kbuf, size_t size,
	    uint64_t arg, long *ret);
	/* Ready events now (POLLIN...).  *hostfd: descriptor to poll for a
	 * change, or -1 if the answer never changes. */
	short (*poll)(struct file *, short events, int *hostfd);
	int (*getattr)(struct file *, struct vattr *);
	int (*seek)(struct file *, int64_t off, int whence, uint64_t *res);
	int (*setfl)(struct file *, int flags); /* O_NONBLOCK, O_APPEND */
	void (*close)(struct file *);           /* last ref */
	/* The text of its link in /proc/.../fd; NULL: "anon_inode:[name]". */
	void (*describe)(struct file *, char *buf, size_t size);
	const char *name; /* "pipe", "eventfd": for /proc/.../fd links */
};

/* Key: [I], [a], [f] file lock */
struct file {
	_Atomic(uint32_t) refs;
	_Atomic(int) flags;        /* [a] O_* status flags and access mode */
	const struct fileops *ops; /* [I] after open */
	struct vnode *vp;          /* [I] ref'ed; NULL: pipe, socket... */
	uint64_t off;              /* [f] by whoever has set `busy` */
	bool busy;                 /* [f] a read, write or seek uses `off` */
	struct kcond cond;         /* `busy` went */
	_Atomic(bool) locked;      /* [a] has had locks of its own */
	bool opened;               /* [I] after open: by a name */
	struct kmutex lock;        /* rank FILE; never held across I/O */
	int hostfd;                /* [I] host descriptor, -1 none */
	void *data;                /* [I] */
	uint64_t ino;              /* [I] for fstat of vnode-less files */
	struct vfs *vfs;           /* [I] */
};

extern const struct fileops vnode_fileops; /* regular files, directories */

/* One ref. vp's ref passes to the file on success.  A regular vp opened for
 * writing counts as a writer until the last file_free(): ETXTBSY.  ENOMEM. */
int file_create(struct vfs *, const struct fileops *, struct vnode *vp,
    int flags, int hostfd, void *data, struct file **);
void file_ref(struct file *);
void file_free(struct file *); /* last: close */
/* Read or write at uio->off (`at`), or at the file's own offset, which the
 * call advances. */
int file_read(struct file *, struct uio *, const struct vfs_waiter *, bool at);
int file_write(struct file *, struct uio *, const struct vfs_waiter *, bool at);
int file_seek(struct file *, int64_t off, int whence, uint64_t *res);
int file_getattr(struct file *, struct vattr *);
int file_getdents(struct file *, vfs_dirent_fn *, void *arg);
int file_setfl(struct file *, int flags);
/* Its host descriptor speaks for it in poll. */
bool file_polls_host(const struct file *);
/*
 * ioctl: the caller copies in/out `size` bytes (from the vfs's own table
 * ioctl_size()) through kbuf.
 */
int file_ioctl(struct file *, unsigned long cmd, void *kbuf, size_t size,
    uint64_t arg, long *ret);

/* What the link of a file without a path says: "pipe:[12]". */
void file_describe(struct file *, char *buf, size_t size);

#endif /* VFS_CORE_FILE_H */
