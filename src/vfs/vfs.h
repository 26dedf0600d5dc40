/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The file system layer: vnodes, mounts, name lookup, open files and
 * descriptor tables.  Knows vm (for file pages) and host, never kern.
 *
 * Identity of the caller and what a call may wait for are passed in a
 * struct vfs_ctx.  Numbers of flags, modes, errno and ioctls are Linux's.
 */
#ifndef VFS_VFS_H
#define VFS_VFS_H

#include <bsd/sys/queue.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/host_iovec.h"
#include "libk/klock.h"
#include "mem/vm_types.h"

#define VFS_NAME_MAX 255
#define VFS_PATH_MAX 4096
#define VFS_MAXSYMLINKS 40

struct vnode;
struct vmount;
struct file;
struct fdtable;
struct vfs;
struct vfs_statfs;
struct vn_range; /* vfs_int.h */

/* ---- context of a call ---- */

/*
 * How a call waits.  kern provides the functions; a NULL `wait` means that
 * waiting is uninterruptible poll on the host.
 */
struct vfs_ctx {
	struct vfs *vfs;
	uint32_t uid, gid; /* effective */
	uint32_t umask;
	int pid;            /* 0: the kernel itself */
	struct vnode *cwd;  /* borrowed */
	struct vnode *root; /* borrowed: the root this process sees */
	void *lwp;          /* opaque, for `wait` */
	/*
	 * Wait until the host descriptor `hostfd` has one of `events`
	 * (POLLIN...), or a signal is pending: EINTR, or the time is over:
	 * ETIMEDOUT.  deadline_ns is CLOCK_MONOTONIC, UINT64_MAX never.
	 */
	int (*wait)(void *lwp, int hostfd, short events, uint64_t deadline_ns);
};

/* ---- uio: kernel or pinned user memory ---- */

/*
 * A list of memory pieces in this process; drivers either pass it to the host
 * (readv) or use uiomove().  `resid` is what is left.
 */
struct uio {
	struct host_iovec *iov; /* current piece first; consumed in place */
	int niov;
	size_t resid; /* bytes */
	uint64_t off; /* file offset, advanced by uiomove and by drivers */
	bool write;   /* true: from memory to the file */
};

void uio_init1(struct uio *, struct host_iovec *one, void *buf, size_t len,
    uint64_t off, bool write);
/* Copy min(n, resid) between p and the uio, advance; returns bytes. */
size_t uiomove(void *p, size_t n, struct uio *);
size_t uiozero(size_t n, struct uio *); /* read side only */
/* Advance by n bytes that somebody else transferred. */
void uio_advance(struct uio *, size_t n);

/* ---- vnodes ---- */

enum vtype { VNON, VREG, VDIR, VLNK, VCHR, VBLK, VFIFO, VSOCK };

/* Attributes; times in ns since the epoch. */
struct vattr {
	enum vtype type;
	uint32_t mode; /* permission bits and S_IFMT */
	uint32_t nlink, uid, gid;
	uint64_t dev, ino, rdev, size, blksize, blocks;
	int64_t atime, mtime, ctime, btime;
};
#define VA_MODE 0x1 /* which of them setattr changes */
#define VA_UID 0x2
#define VA_GID 0x4
#define VA_SIZE 0x8
#define VA_ATIME 0x10
#define VA_MTIME 0x20

/* readdir callback: false stops (buffer full). `off` is the cookie of the
 * NEXT entry. */
typedef bool vfs_dirent_fn(void *arg, const char *name, size_t len,
    uint64_t ino, uint8_t dtype, uint64_t off);

/*
 * Vnode operations.  Vnodes come in with a ref owned by the caller; those
 * that go out (*vpp) carry a new ref.  Names are single components, not "."
 * or "..", NUL-terminated, at most VFS_NAME_MAX bytes.  A NULL operation is
 * EINVAL/ENOTDIR/EPERM as fits (see vnode.c).
 */
struct vops {
	int (*lookup)(struct vnode *dvp, const char *name, struct vnode **vpp);
	int (*getattr)(struct vnode *, struct vattr *);
	int (*setattr)(struct vnode *, const struct vattr *, unsigned what);
	/* Open: O_* flags without O_CREAT/O_EXCL.  May replace f->ops and
	 * f->data (devices, fifos). */
	int (*open)(
	    struct vnode *, int flags, struct file *, const struct vfs_ctx *);
	/* Regular files: at uio->off, advancing it. Short at end of file. */
	int (*read)(struct vnode *, struct uio *, int flags);
	int (*write)(struct vnode *, struct uio *, int flags);
	int (*readdir)(
	    struct vnode *, uint64_t off, vfs_dirent_fn *, void *arg);
	int (*readlink)(struct vnode *, char *buf, size_t size, size_t *len);
	/* Drop pages that are not the file's any more.  May be NULL. */
	void (*revalidate)(struct vnode *);
	/* Magic links (/proc/self/exe, fd/N): the target itself. */
	int (*follow)(
	    struct vnode *, const struct vfs_ctx *, struct vnode **vpp);
	int (*create)(struct vnode *dvp, const char *name, uint32_t mode,
	    const struct vfs_ctx *, struct vnode **vpp); /* regular, EEXIST */
	int (*mkdir)(struct vnode *dvp, const char *name, uint32_t mode,
	    const struct vfs_ctx *);
	int (*mknod)(struct vnode *dvp, const char *name, uint32_t mode,
	    uint64_t rdev, const struct vfs_ctx *);
	int (*symlink)(struct vnode *dvp, const char *name, const char *target,
	    const struct vfs_ctx *);
	int (*link)(struct vnode *dvp, const char *name, struct vnode *vp);
	int (*unlink)(struct vnode *dvp, const char *name); /* not dirs */
	int (*rmdir)(struct vnode *dvp, const char *name);
	int (*rename)(struct vnode *odvp, const char *oname, struct vnode *ndvp,
	    const char *nname, unsigned flags);
	int (*fsync)(struct vnode *);
	int (*statfs)(struct vnode *, struct vfs_statfs *);
	/* The last ref is about to go (no locks held, may do I/O).  True: a
	 * hashed vnode is kept with its pages on mount->inactive for a while.
	 * NULL: never kept. */
	bool (*inactive)(struct vnode *);
	/* The last ref went: free v_data.  Cannot fail. */
	void (*reclaim)(struct vnode *);
	/* The vm object for mapping; default: a vnode pager object over
	 * read/write/getattr. NULL op and not VREG: ENODEV. */
	int (*object)(struct vnode *, struct vm_object **);
};

/*
 * Key: [I] immutable, [v] vnode lock, [a] atomic, [h] mount's hash lock,
 *      [n] vfs->mount_lock and vnode lock to write, either to read
 */
struct vnode {
	_Atomic(uint32_t) refs;    /* [a] */
	_Atomic(uint32_t) writers; /* [a] open for writing */
	_Atomic(uint32_t) texts;   /* [a] running or being exec'ed: ETXTBSY */
	enum vtype type;           /* [I] */
	uint32_t flags;            /* [I] VN_* */
	const struct vops *ops;    /* [I] */
	struct vmount *mount;      /* [I] */
	struct vmount *covered_by; /* [a] mount table lock: mounted here */
	void *data;                /* [I] file system's own */
	struct vnode *parent;      /* [n] ref'ed; NULL at root; set by
				      vnode_set_name() */
	char *name;                /* [n] last component as found; may be
				      NULL; for paths and messages */
	struct kmutex lock;        /* rank VNODE */
	struct kmutex iolock;      /* rank VNIO: writers of VN_PAGED files */
	struct vn_range *writing;  /* [v] what the holder of iolock writes */
	LIST_HEAD(, vn_range) pgouts; /* [v] write-backs in progress */
	_Atomic(uint32_t) npgouts;    /* [a] write-backs that have ended */
	struct vm_object *object;     /* [a] owner's ref; NULL: none yet */
	uint64_t ino, dev;            /* [I] identity in vattr terms */
	uint64_t id;                  /* [I] generation id */
	bool hashed;                  /* [h] on mount->hash */
	bool idle;                    /* [h] on mount->inactive, refs is 0 */
	TAILQ_ENTRY(vnode) lru;       /* [h] */
	LIST_ENTRY(vnode) hash;       /* [h] */
	_Atomic(uint32_t) watches;    /* [a] see inotify.c */
	_Atomic(uint8_t) unlinked;    /* [a] enum vnode_names */
};
#define VN_ROOT 0x1 /* root of its mount */
#define VN_TTY 0x2
#define VN_ZERO 0x8  /* /dev/zero: mmap of it is anonymous memory */
#define VN_PAGED 0x4 /* mapped pages are a cache of read and write */

void vref(struct vnode *);
void vrele(struct vnode *); /* NULL is legal */
/* New vnode with one ref, not hashed.  0, ENOMEM. */
int vnode_create(struct vmount *, enum vtype, const struct vops *, void *data,
    uint64_t ino, struct vnode **);
/* The object to map the file, created on first use; borrowed from the vnode:
 * the caller owns a vnode ref as long as it uses it, or takes an object ref.
 * 0, ENODEV, ENOMEM. */
int vnode_object(struct vnode *, struct vm_object **);
/* Path as seen from `root` (NULL: the vfs root); " (deleted)" is not added.
 * ENAMETOOLONG, ENOENT (not reachable). */
int vnode_path(
    struct vnode *, const struct vnode *root, char *buf, size_t size);
/* read/write of regular files through one cache with mapped pages. */
int vn_read(struct vnode *, struct uio *, int flags);
int vn_write(struct vnode *, struct uio *, int flags);
int vn_getattr(struct vnode *, struct vattr *);
int vn_setattr(struct vnode *, const struct vattr *, unsigned what);
/* Read exactly `len` bytes into buf: ENOEXEC-friendly helper for exec.
 * *done < len at end of file. */
int vn_pread(struct vnode *, void *buf, size_t len, uint64_t off, size_t *done);
/* Access check: 0, EACCES, EROFS.  bits: 4 r, 2 w, 1 x. */
int vn_access(struct vnode *, unsigned bits, const struct vfs_ctx *);
/* Dirty pages and what the host caches reach the disk. */
int vn_fsync(struct vnode *);
/* Pages that are kept of a file which others have changed go, if the file
 * system can tell. */
void vn_revalidate(struct vnode *);
/* Text use: ETXTBSY when open for writing. */
int vn_text_ref(struct vnode *);
void vn_text_rele(struct vnode *);

/* ---- mounts ---- */

#define VMNT_RDONLY 0x1

struct vmount {
	TAILQ_ENTRY(vmount) link;
	struct vfs *vfs;      /* [I] */
	struct vnode *root;   /* [I] ref'ed */
	struct vnode *covers; /* [I] ref'ed; NULL: root mount */
	const char *fstype;   /* [I] "hostfs", "tmpfs", "proc", "devtmpfs" */
	char source[256];     /* [I] for /proc/mounts */
	char target[VFS_PATH_MAX]; /* [I] for /proc/mounts */
	unsigned flags;            /* [I] VMNT_* */
	uint64_t dev;              /* [I] st_dev of vnodes without a host's */
	void *data;                /* [I] */
	void (*destroy)(struct vmount *); /* free data; no vnode is left */
	/* Vnodes by (dev, ino): hostfs keeps one vnode per host file */
	struct kmutex hash_lock; /* rank VNHASH */
	LIST_HEAD(, vnode) hash[256];
	TAILQ_HEAD(, vnode) inactive; /* refs 0, kept for their pages */
	unsigned ninactive;
};

struct vfs_statfs {
	uint64_t type, bsize, blocks, bfree, bavail, files, ffree, namelen;
};

#define VFS_LOCK_BUCKETS 64
#define VFS_WATCH_BUCKETS 256
struct vfs_lock;
struct vfs_lock_wait;

struct vfs {
	struct vm_system *sys;                  /* [I] */
	struct kmutex mount_lock;               /* rank MOUNT */
	TAILQ_HEAD(vmount_list, vmount) mounts; /* mount_lock */
	struct vnode *root; /* [I] ref'ed, root of the first mount */
	struct vm_zone *z_vnode, *z_file;
	_Atomic(uint64_t) next_dev;
	const struct procfs_ops *procfs_ops; /* registered by kern */
	void *procfs_arg;
	/* Host descriptors 0,1,2 and the terminal, as devfs shows them. */
	int tty_fd; /* host fd of the controlling terminal, -1 none */
	struct devfs_mount *devfs;         /* the last one made, or NULL */
	const struct vfs_tty_ops *tty_ops; /* registered by kern, or NULL */
	void *tty_arg;
	/* Advisory locks, see lock.c. */
	struct kmutex lock_lock; /* rank FILE */
	LIST_HEAD(vfs_lock_list,
	    vfs_lock) locks[VFS_LOCK_BUCKETS]; /* lock_lock */
	LIST_HEAD(, vfs_lock_wait) lock_waits; /* lock_lock */
	unsigned nlocks;                       /* lock_lock */
	_Atomic(unsigned) nposix; /* [a] of them, records of processes */
	/* Sockets, see socket.h. */
	struct vm_zone *z_socket;
	struct kmutex sock_lock; /* rank FILE */
	uint64_t sock_key;       /* [I] marks this kernel's names at the host */
	LIST_HEAD(, socket) socks;        /* sock_lock; those with a name */
	LIST_HEAD(, sock_parcel) parcels; /* sock_lock; under way */
	_Atomic(unsigned) nparcels;       /* [a] */
	bool collecting, collect_again;   /* sock_lock */
	_Atomic(uint64_t) sock_id;        /* [a] last one given */
	_Atomic(bool) passcred_used;      /* [a] some socket wants creds */
	/* Watches of files, see inotify.c. */
	struct kmutex watch_lock; /* rank LEAF */
	LIST_HEAD(inotify_watch_list,
	    inotify_watch) watches[VFS_WATCH_BUCKETS]; /* watch_lock */
	_Atomic(unsigned) nwatches; /* [a] written under watch_lock */
	unsigned ninotify, nevents; /* watch_lock */
	_Atomic(uint32_t) watch_cookie;
};

/* ---- advisory locks (lock.c) ---- */

enum vfs_lock_kind {
	VFS_LOCK_POSIX, /* owner: a descriptor table */
	VFS_LOCK_OFD,   /* owner: an open file */
	VFS_LOCK_FLOCK, /* the same; another world than the two above */
};
enum vfs_lock_type { VFS_LOCK_NONE, VFS_LOCK_SHARED, VFS_LOCK_EXCLUSIVE };

struct vfs_lock_req {
	struct vnode *vp; /* of an open file, which stays so */
	enum vfs_lock_kind kind;
	const void *owner;
	enum vfs_lock_type type; /* NONE: unlock */
	uint64_t start, end;     /* bytes; end inclusive, UINT64_MAX: all */
	int pid;                 /* for others to see */
};
/* Somebody who waits: wake() is called under a lock. */
struct vfs_lock_wait {
	void (*wake)(void *arg);
	void *arg;
	const struct vnode *vp;
	const void *owner, *blocker; /* of POSIX records, else NULL */
	LIST_ENTRY(vfs_lock_wait) link;
};
/*
 * Set or remove a lock.
 * - 0; EAGAIN: somebody else has it, and w, if given, is called when that may
 * have changed (until vfs_lock_unwait); EDEADLK (POSIX, only with w); ENOLCK.
 */
int vfs_lock_set(
    struct vfs *, const struct vfs_lock_req *, struct vfs_lock_wait *w);
void vfs_lock_unwait(struct vfs *, struct vfs_lock_wait *);
/* Is anything in the way?  Then *r is what; pid -1 if no process owns it. */
bool vfs_lock_test(struct vfs *, struct vfs_lock_req *r);

/* ---- terminals of guests (devfs/pty.c) ---- */

struct pty;
/* Registered by kern.  No locks are held. */
struct vfs_tty_ops {
	/* To the foreground group of the session that has pty. */
	void (*signal)(void *arg, struct pty *pty, int signo);
	/* Its master is closed: no session has pty when this returns. */
	void (*hangup)(void *arg, struct pty *pty);
	/* The caller's terminal: a pty with a ref, or NULL: the kernel's.
	 * ENXIO. */
	int (*controlling)(
	    void *arg, const struct vfs_ctx *ctx, struct pty **pty);
};
/* The pty of a file, which is as good as the file; NULL: it has none. */
struct pty *pty_of_file(const struct file *f, bool *master);
/* Open the slave of a master with those of `flags` that suit a terminal.  As
 * vfs_open(). */
int pty_open_peer(const struct file *master, int flags, const struct vfs_ctx *,
    struct file **);
unsigned pty_number(const struct pty *);
/* Background output stops (TOSTOP). */
bool pty_tostop(struct pty *);
/* May it become somebody's terminal? */
bool pty_live(struct pty *);
/* A ref, unless the last is being given up; give one up, without locks. */
bool pty_tryref(struct pty *);
void pty_free(struct pty *);

/* ---- inotify (inotify.c) ---- */

/* A new instance; flags: O_NONBLOCK.  0, EMFILE, ENFILE, ENOMEM. */
int inotify_create(struct vfs *, int flags, struct file **);
bool inotify_is(const struct file *);
/* Watch vp, which the caller may read, with IN_* bits: *wd.  f is an instance.
 * 0, EEXIST (IN_MASK_CREATE), ENOSPC, ENOMEM. */
int inotify_add(struct file *f, struct vnode *vp, uint32_t mask, int *wd);
int inotify_remove(struct file *f, int wd); /* EINVAL: no such watch */

int vfs_create(struct vm_system *, struct vfs **);
/* All files are closed, all vnodes released: KVERIFYs that. */
void vfs_destroy(struct vfs *);
/* Mount `mp` (from one of the makers below) on path (NULL: the root).  The
 * maker's mount is consumed, also on failure. ENOENT, ENOTDIR. */
int vfs_mount(struct vfs *, struct vmount *mp, const char *path);

/* Makers. */
int hostfs_mount_create(
    struct vfs *, const char *hostpath, bool rdonly, struct vmount **);
int tmpfs_mount_create(
    struct vfs *, uint64_t limit_bytes, uint32_t mode, struct vmount **);
int devfs_mount_create(struct vfs *, struct vmount **);
/* If rdev is the kernel's terminal on the host: true, and what /dev/pts/0 has
 * as attributes.  Blocks; no locks. */
bool devfs_tty_getattr(struct vfs *, uint64_t rdev, struct vattr *);

/* A device that the embedder adds to /dev; it stays as long as the mount. */
struct vfs_device {
	const char *name; /* copied */
	uint32_t mode;    /* permission bits */
	uint64_t size;    /* bytes */
	/* What mmap maps, with a ref that passes to devfs; NULL: nothing. */
	struct vm_object *object;
	/* Move bytes at uio->off, which is below size; NULL: ENXIO. */
	int (*rw)(void *arg, struct uio *);
	void *arg;
};
/* 0; EINVAL (name), EEXIST, ENXIO (no devfs), ENOMEM: the ref stays. */
int devfs_device_add(struct vfs *, const struct vfs_device *);
int procfs_mount_create(struct vfs *, struct vmount **);

/* ---- name lookup ---- */

#define NAMEI_NOFOLLOW 0x1  /* do not follow a symlink at the end */
#define NAMEI_PARENT 0x2    /* want the parent: *dvp and last component */
#define NAMEI_EMPTY 0x4     /* "" means the start itself (AT_EMPTY_PATH) */
#define NAMEI_DIRECTORY 0x8 /* must be a directory */

struct nameidata {
	struct vnode *vp;  /* ref'ed result; NULL with PARENT if absent */
	struct vnode *dvp; /* ref'ed parent (PARENT only) */
	char last[VFS_NAME_MAX + 1]; /* PARENT: last component */
	bool trailing_slash;
};

/*
 * Resolve path from `start` (NULL: cwd of ctx; absolute paths from ctx->root)
 * component by component with search permission; never leaves ctx->root, by
 * "..", symlinks or races.  With PARENT, a missing last component is no
 * error.  ENOENT, ENOTDIR, EACCES, ELOOP, ENAMETOOLONG.
 */
int namei(const struct vfs_ctx *, struct vnode *start, const char *path,
    int flags, struct nameidata *);

/* Path calls, as the system calls of these names (dirfd resolved to start). */
int vfs_open(const struct vfs_ctx *, struct vnode *start, const char *path,
    int flags, uint32_t mode, struct file **);
int vfs_mkdir(const struct vfs_ctx *, struct vnode *start, const char *path,
    uint32_t mode);
int vfs_mknod(const struct vfs_ctx *, struct vnode *start, const char *path,
    uint32_t mode, uint64_t rdev);
int vfs_unlink(
    const struct vfs_ctx *, struct vnode *start, const char *path, bool rmdir);
int vfs_rename(const struct vfs_ctx *, struct vnode *ostart, const char *opath,
    struct vnode *nstart, const char *npath, unsigned flags);
int vfs_link(const struct vfs_ctx *, struct vnode *ostart, const char *opath,
    struct vnode *nstart, const char *npath, bool follow);
int vfs_symlink(const struct vfs_ctx *, const char *target, struct vnode *start,
    const char *path);

/* ---- open files ---- */

/*
 * File operations.  `read`/`write` block by ctx->wait unless O_NONBLOCK
 * (EAGAIN).  NULL operation: EINVAL (read/write/seek), ENOTTY (ioctl).
 */
struct fileops {
	int (*read)(struct file *, struct uio *, const struct vfs_ctx *);
	int (*write)(struct file *, struct uio *, const struct vfs_ctx *);
	int (*ioctl)(struct file *, unsigned long cmd, void *kbuf, size_t size,
	    uint64_t arg, long *ret, const struct vfs_ctx *);
	/* Ready events now (POLLIN...).  *hostfd: descriptor to poll for a
	 * change, or -1 if the answer never changes. */
	short (*poll)(struct file *, short events, int *hostfd);
	int (*getattr)(struct file *, struct vattr *);
	int (*seek)(struct file *, int64_t off, int whence, uint64_t *res);
	int (*setfl)(struct file *, int flags); /* O_NONBLOCK, O_APPEND */
	void (*close)(struct file *);           /* last ref */
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

extern const struct fileops vnode_fileops;  /* regular files, directories */
extern const struct fileops hostfd_fileops; /* pipes, ttys, eventfd...:
	any host stream; data unused, hostfd owned */

/* One ref. vp's ref passes to the file on success.  A regular vp opened for
 * writing counts as a writer until the last file_free(): ETXTBSY.  ENOMEM. */
int file_create(struct vfs *, const struct fileops *, struct vnode *vp,
    int flags, int hostfd, void *data, struct file **);
void file_ref(struct file *);
void file_free(struct file *); /* last: close */
/* read/write at the file's own offset (off == NULL) or at *off. */
int file_read(struct file *, struct uio *, const struct vfs_ctx *, bool at);
int file_write(struct file *, struct uio *, const struct vfs_ctx *, bool at);
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
    uint64_t arg, long *ret, const struct vfs_ctx *);
/* Size and direction (1 in, 2 out) of an ioctl's argument that any driver
 * here knows; ENOTTY when unknown. size 0: the argument is a plain number. */
int ioctl_size(unsigned long cmd, size_t *size, int *dir);
/* A pipe pair: f[0] reads. flags O_NONBLOCK, O_CLOEXEC ignored here. */
int pipe_create(struct vfs *, int flags, struct file *f[2]);
/* Wrap a host descriptor that the kernel was given (stdin...): it is dup'ed.
 */
int hostfd_file_create(struct vfs *, int hostfd, struct file **);
/* Eventfd, timerfd, epoll: host objects behind files. */
int hostfd_file_adopt(
    struct vfs *, int hostfd, int flags, const char *name, struct file **);

/* ---- descriptor tables (fd.c) ---- */

/* Locks inside.  Shared by threads, copied by fork. */
int fdtable_create(struct vfs *, struct fdtable **);
void fdtable_ref(struct fdtable *);
void fdtable_free(struct fdtable *); /* last: closes everything */
int fdtable_fork(struct fdtable *, struct fdtable **);
void fdtable_cloexec(struct fdtable *); /* at exec */
/* Lowest free >= min below limit; takes over the file's ref on success.
 * EMFILE. */
int fd_alloc(struct fdtable *, struct file *, int min, bool cloexec,
    uint32_t limit, int *fd);
/* Install at fd, closing what was there (dup2).  EBADF beyond limit. */
int fd_install(
    struct fdtable *, struct file *, int fd, bool cloexec, uint32_t limit);
/* New ref, EBADF. */
int fd_get(struct fdtable *, int fd, struct file **);
int fd_close(struct fdtable *, int fd);
int fd_close_range(struct fdtable *, unsigned lo, unsigned hi, bool cloexec);
int fd_get_cloexec(struct fdtable *, int fd, bool *cloexec);
int fd_set_cloexec(struct fdtable *, int fd, bool cloexec);
/* Smallest open fd >= *fd: true; file ref'ed when f is not NULL. */
bool fd_next(struct fdtable *, int *fd, struct file **f);

/* ---- procfs: what kern shows of its processes ---- */

struct procfs_buf; /* growing text; see procfs.h */

/*
 * Registered by kern.  A process is named by pid; every call looks it up anew
 * and answers ESRCH when it is gone.  `who` is 0 for "self".
 */
struct procfs_ops {
	/* pid of the calling process, 0 if the caller is not a guest. */
	int (*self)(void *arg, const struct vfs_ctx *);
	/* tid of the calling thread; NULL: as self. */
	int (*selftid)(void *arg, const struct vfs_ctx *);
	/* Smallest live pid >= pid (zombies included), or 0. */
	int (*next)(void *arg, int pid);
	/* Smallest tid >= tid of its threads, or 0; NULL: itself alone.  All
	 * below take a tid for a pid. */
	int (*tidnext)(void *arg, int pid, int tid);
	bool (*exists)(void *arg, int pid);
	/* Owner for the nodes. */
	int (*owner)(void *arg, int pid, uint32_t *uid, uint32_t *gid);
	/* exe, cwd, root: ref'ed vnode.  which: "exe", "cwd", "root". */
	int (*vnode)(void *arg, int pid, const char *which, struct vnode **);
	/* fd/N: ref'ed file.  fdnext: smallest open fd >= fd, or -1. */
	int (*file)(void *arg, int pid, int fd, struct file **);
	int (*fdnext)(void *arg, int pid, int fd);
	/* Text of a per-process node ("maps", "stat", "status", "cmdline",
	 * "environ", "auxv", "statm", "limits", "comm", ...). */
	int (*text)(void *arg, int pid, const char *node, struct procfs_buf *);
	/* Text of a system node ("meminfo", "stat", "uptime", "loadavg",
	 * "vmstat", "cpuinfo", "version", "mounts" ...). */
	int (*systext)(void *arg, const char *node, struct procfs_buf *);
	/* A write to a setting, at once: EACCES, EINVAL... */
	int (*syswrite)(
	    void *arg, const char *node, const char *text, size_t len);
	/*
	 * The memory of a process, for as long as it is the one that it has
	 * now: mem_rw moves bytes at address uio->off, and is ESRCH after exit
	 * and exec, EIO where nothing is mapped.  ctx NULL: the kernel itself.
	 * mem_open: ESRCH, EACCES.
	 */
	int (*mem_open)(
	    void *arg, int pid, const struct vfs_ctx *ctx, void **mem);
	int (*mem_rw)(void *mem, struct uio *);
	void (*mem_close)(void *mem);
};
/* Node names that exist, NULL-terminated; procfs makes files of them. */
extern const char *const procfs_pid_nodes[];
extern const char *const procfs_sys_nodes[];
/* printf-append; ENOMEM is remembered and returned at the end. */
void procfs_printf(struct procfs_buf *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void procfs_write(struct procfs_buf *, const void *data, size_t len);

#endif /* VFS_VFS_H */
