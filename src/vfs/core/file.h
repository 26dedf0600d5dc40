/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Open files: what a descriptor points to, the operations of each kind of
 * file, and the calls on one file.
 */
#ifndef VFS_CORE_FILE_H
#define VFS_CORE_FILE_H

#include <bsd/sys/queue.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libk/klock.h"
#include "vfs/core/vnode.h"

struct epoll_item;
struct file_owner;
struct kmem_acct;
struct mnt;
struct uio;
struct vfs;
struct vfs_waiter;

/*
 * What an open file can do.  These bits are the one place where it is decided:
 * calls ask for them and not for the kind of a file.
 */
#define FCAP_SEEK 0x001   /* lseek; without it ESPIPE */
#define FCAP_AT 0x002     /* transfers at an offset; without it ESPIPE */
#define FCAP_OFFSET 0x004 /* file.off is the offset, and transfers move it */
#define FCAP_STREAM 0x008 /* a read takes what is there; to go on may wait */
#define FCAP_RECORD 0x010 /* a transfer is one message, perhaps empty */
#define FCAP_PIPE 0x020   /* hostfd is an end of a pipe */
#define FCAP_HOSTFD 0x040 /* hostfd answers for the file in poll and splice */
#define FCAP_OWNED 0x080  /* hostfd is O_NONBLOCK: no call on it waits */
/* An object of the host: opening it again gives another file over hostfd, and
 * the host knows what kind of object it is. */
#define FCAP_HOSTOBJ 0x100
#define FCAP_TTY 0x200  /* a terminal: job control applies */
#define FCAP_SYNC 0x400 /* fsync; without it EINVAL */
/* The descriptor that poll names is the file's as long as it is open.  (So it
 * is with FCAP_HOSTFD.) */
#define FCAP_POLLFD 0x800
#define FCAP_WHOLE 0x1000 /* a transfer of no bytes is EINVAL */
#define FCAP_ASYNC 0x2000 /* O_ASYNC: its owner gets signals */
#define FCAP_EMPTY 0x4000 /* a write of no bytes is made, and can fail */

/* One line, with its newline.  Takes no lock. */
typedef void file_info_fn(void *arg, const char *line);

/*
 * File operations.  NULL operation: EINVAL (rw), ESPIPE (seek), ENOTTY
 * (ioctl), always ready (poll).
 */
struct fileops {
	unsigned caps; /* FCAP_* */
	/*
	 * Move the bytes of the uio in the direction that it says.  Every
	 * transfer of the file comes here: read, write and their vectored and
	 * positioned forms, sendfile, copy_file_range and splice.
	 * - uio->at: move at uio->off.  Always set for FCAP_OFFSET; for others
	 *   with FCAP_AT when the call has an offset.
	 * - Waits by the waiter unless O_NONBLOCK (EAGAIN).
	 */
	int (*rw)(struct file *, struct uio *, const struct vfs_waiter *);
	/* Transfers have a timeout, so that a signal ends them for good.
	 * NULL: they have none. */
	bool (*timed)(const struct file *, bool write);
	int (*ioctl)(struct file *, unsigned long cmd, void *kbuf, size_t size,
	    uint64_t arg, long *ret);
	/* Ready events now (POLLIN...).  *hostfd: descriptor to poll for a
	 * change, or -1 if the answer never changes. */
	short (*poll)(struct file *, short events, int *hostfd);
	int (*getattr)(struct file *, struct vattr *);
	/* Of a file without vnode: VA_MODE, VA_UID and VA_GID.  NULL: EPERM. */
	int (*setattr)(struct file *, const struct vattr *, unsigned what);
	int (*seek)(struct file *, int64_t off, int whence, uint64_t *res);
	int (*setfl)(struct file *, int flags); /* O_NONBLOCK, O_APPEND */
	void (*flush)(struct file *);           /* a descriptor was closed */
	void (*close)(struct file *);           /* last ref */
	/* Its lines in /proc/.../fdinfo beyond those of each file.  NULL:
	 * none.  No locks held. */
	void (*info)(struct file *, file_info_fn *, void *arg);
	/* The text of its link in /proc/.../fd; NULL: "anon_inode:[name]". */
	void (*describe)(struct file *, char *buf, size_t size);
	const char *name; /* what kind of file it is: "pipe", "eventfd" */
};

/* Key: [I], [a], [f] file lock, [e] vfs->epoll_lock */
struct file {
	_Atomic(uint32_t) refs;
	_Atomic(int) flags;        /* [a] O_* status flags and access mode */
	const struct fileops *ops; /* [I] after open */
	struct vnode *vp;          /* [I] ref'ed; NULL: pipe, socket... */
	struct mnt *mnt;           /* [I] after open: ref'ed; NULL: not opened
				      by a name */
	uint64_t off;              /* [f] by the thread that set `busy`;
				      fdinfo reads it at any time */
	bool busy;                 /* [f] a read, write or seek uses `off` */
	struct kcond cond;         /* `busy` became false */
	_Atomic(bool) locked;      /* [a] has had locks of its own */
	bool opened;               /* [I] after open: by a name */
	uint64_t cred;        /* [I] after open: vfs_ctx.cred of the open */
	bool writer;          /* [I] after open: counts in vp->writers */
	bool reader;          /* [I] counts in vp->ro_files */
	bool mnt_writer;      /* [I] after open: in mnt->writers */
	_Atomic(bool) polled; /* [a] has been in an epoll */
	LIST_HEAD(, epoll_item) polls; /* [e] */
	struct kmutex lock;            /* rank FILE; never held across I/O */
	int hostfd;                    /* [I] host descriptor, -1 none */
	bool fd_charged;               /* [I] the descriptor is counted.. */
	struct kmem_acct *fd_cost;     /* [I] ..in this account */
	size_t buffer;                 /* [f] bytes charged for its buffers */
	void *data;                    /* [I] */
	_Atomic(struct file_owner *) owner; /* [a] set once; NULL: none */
	uint64_t ino;    /* [I] for fstat of vnode-less files */
	struct vfs *vfs; /* [I] */
};

extern const struct fileops vnode_fileops; /* regular files, directories */

static inline bool
file_can(const struct file *f, unsigned caps)
{
	return ((f->ops->caps & caps) == caps);
}

/* One ref. vp's ref passes to the file on success.  A regular vp opened for
 * writing counts as a writer until the last file_free(): ETXTBSY.  ENOMEM. */
int file_create(struct vfs *, const struct fileops *, struct vnode *vp,
    int flags, int hostfd, void *data, struct file **);
/* During open: a file that is open for writing is no writer for ETXTBSY. */
void file_not_writer(struct file *);
/* During open: fd of the host, which ops->close closes, becomes the file's.
 * 0; EMFILE, ENFILE, ENOMEM: the caller still owns fd. */
int file_take_hostfd(struct file *, int fd);
/*
 * The buffers of the host behind the file, which hold data of guests, have n
 * bytes from now on: charge the file's account for the difference.
 * - 0; ENOBUFS: nothing has changed.
 */
int file_charge_buffer(struct file *, size_t n);
void file_ref(struct file *);
/* For weak pointers: false if the last ref has gone. */
bool file_tryref(struct file *);
void file_free(struct file *); /* last: close */
/* Read or write at uio->off (`at`), or at the file's own offset, which the
 * call advances. */
int file_read(struct file *, struct uio *, const struct vfs_waiter *, bool at);
int file_write(struct file *, struct uio *, const struct vfs_waiter *, bool at);
int file_seek(struct file *, int64_t off, int whence, uint64_t *res);
/* The `seek` of a file that has no positions: it is at 0 always. */
int file_seek_nowhere(struct file *, int64_t off, int whence, uint64_t *res);
int file_getattr(struct file *, struct vattr *);
int file_getdents(struct file *, vfs_dirent_fn *, void *arg);
int file_setfl(struct file *, int flags);
/* Is a transfer that a signal has interrupted started again? */
bool file_restarts(const struct file *, bool write);
/* May a descriptor with these flags read (write: write) its file?  Not with
 * O_PATH, and not with both bits of O_ACCMODE, which only give ioctl. */
bool file_flags_permit(int flags, bool write);
/* For drivers: one thread at a time may use the offset of the file.  No locks
 * held; waits for the other threads. */
void file_offset_lock(struct file *);
void file_offset_unlock(struct file *);
/*
 * ioctl: the caller copies in/out `size` bytes (from the vfs's own table
 * ioctl_size()) through kbuf.
 */
int file_ioctl(struct file *, unsigned long cmd, void *kbuf, size_t size,
    uint64_t arg, long *ret);

/* What the link of a file without a path says: "pipe:[12]". */
void file_describe(struct file *, char *buf, size_t size);

#endif /* VFS_CORE_FILE_H */
