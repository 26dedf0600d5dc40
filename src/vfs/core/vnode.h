/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Vnodes: the files, directories and special files of all file systems, the
 * operations that a file system implements, and the calls on one vnode.
 * Numbers of flags, modes, errno and ioctls are Linux's.
 */
#ifndef VFS_CORE_VNODE_H
#define VFS_CORE_VNODE_H

#include <bsd/sys/queue.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/capability.h"
#include "libk/klock.h"

#define VFS_NAME_MAX 255
#define VFS_PATH_MAX 4096

struct file;
struct uio;
struct vfs_ctx;
struct vfs_statfs;
struct vm_object;
struct vmount;
struct vnode;
struct vplace;
struct vn_range; /* vnode_io.c */

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
	/* The file of a handle (open_by_handle_at) in the mount of `root`.
	 * ESTALE.  NULL: the file system gives out no handles. */
	int (*by_id)(
	    struct vnode *root, uint64_t dev, uint64_t ino, struct vnode **vpp);
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
	/* ctx NULL: the kernel itself. */
	int (*readlink)(struct vnode *, const struct vfs_ctx *, char *buf,
	    size_t size, size_t *len);
	/* Rights beyond owner and mode bits, asked when those refuse.  May be
	 * NULL. */
	bool (*grants)(struct vnode *, const struct vfs_ctx *);
	/* Drop pages that are not the file's any more.  May be NULL. */
	void (*revalidate)(struct vnode *);
	/* Magic links (/proc/self/exe, fd/N): the target itself.  mnt NULL: the
	 * file system does not know a mount of it. */
	int (*follow)(struct vnode *, const struct vfs_ctx *, struct vplace *);
	int (*create)(struct vnode *dvp, const char *name, uint32_t mode,
	    const struct vfs_ctx *, struct vnode **vpp); /* regular, EEXIST */
	/* A regular file without a name; linkable: link may give it one.
	 * NULL: EOPNOTSUPP. */
	int (*tmpfile)(struct vnode *dvp, uint32_t mode, bool linkable,
	    const struct vfs_ctx *, struct vnode **vpp);
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
	/* fallocate(2) of a regular file; mode: LX_FALLOC_*, checked by
	 * vn_allocate().  NULL: EOPNOTSUPP. */
	int (*allocate)(struct vnode *, int mode, uint64_t off, uint64_t len);
	/* The first data, or hole, at or after off, which is below the size.
	 * NULL: the file is one run of data.  ENXIO: no data follow. */
	int (*extent)(struct vnode *, uint64_t off, bool hole, uint64_t *res);
	/* Seals of the file, after adding some (LX_F_SEAL_*).  NULL: EINVAL.
	 * EPERM, EBUSY (a writable mapping). */
	int (*seal)(struct vnode *, uint32_t add, uint32_t *seals);
	/* A shared mapping is made between the two; no seal against writing
	 * comes into force meanwhile.  *may_write is set to false if it must
	 * never be writable; EPERM if `write` asks for that.  May be NULL. */
	int (*map_begin)(struct vnode *, bool write, bool *may_write);
	void (*map_end)(struct vnode *);
	/* Bytes were written for a process that is not root, or the size was
	 * set: a program must not stay set-id.  NULL: such files have no set-id
	 * bits. */
	void (*drop_setid)(struct vnode *);
	/* Extended attributes (xattr.h); buffers as there.  value NULL: remove
	 * the attribute.  trusted: also list names that begin so.  NULL:
	 * EOPNOTSUPP, or an empty list. */
	int (*getxattr)(struct vnode *, const char *name, void *buf,
	    size_t size, size_t *len);
	int (*setxattr)(struct vnode *, const char *name, const void *value,
	    size_t len, int flags);
	int (*listxattr)(
	    struct vnode *, bool trusted, char *buf, size_t size, size_t *len);
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
	_Atomic(uint32_t) refs;     /* [a] */
	_Atomic(uint32_t) writers;  /* [a] open for writing */
	_Atomic(uint32_t) ro_files; /* [a] open to read only */
	_Atomic(uint32_t) leases;   /* [a] see lease.c */
	_Atomic(uint32_t) texts;    /* [a] running or being exec'ed: ETXTBSY */
	enum vtype type;            /* [I] */
	uint32_t flags;             /* [I] VN_* */
	const struct vops *ops;     /* [I] */
	struct vmount *mount;       /* [I] */
	_Atomic(uint32_t) nmounts;  /* [a] mount table lock: mounts whose
				       covered vnode it is */
	void *data;                 /* [I] file system's own */
	struct vnode *parent;       /* [n] ref'ed; NULL at root; set by
				       vnode_set_name() */
	char *name;                 /* [n] last component as found; may be
				       NULL; for paths and messages */
	struct kmutex lock;         /* rank VNODE */
	struct kmutex iolock;       /* rank VNIO: writers of VN_PAGED files */
	struct vn_range *writing;   /* [v] what the holder of iolock writes */
	LIST_HEAD(, vn_range) pgouts;  /* [v] write-backs in progress */
	LIST_HEAD(, vn_range) readers; /* [v] reads that a write-back met */
	_Atomic(uint32_t) npgouts;     /* [a] write-backs that have ended */
	struct vm_object *object;      /* [a] owner's ref; NULL: none yet */
	uint64_t ino, dev;             /* [I] identity in vattr terms */
	uint64_t id;                   /* [I] generation id */
	bool hashed;                   /* [h] on mount->hash */
	bool idle;                     /* [h] on mount->inactive, refs is 0 */
	TAILQ_ENTRY(vnode) lru;        /* [h] */
	LIST_ENTRY(vnode) hash;        /* [h] */
	_Atomic(uint32_t) watches;     /* [a] see inotify.c */
	_Atomic(struct vfs_lock_file *) locks; /* [a] see lock.c */
	_Atomic(uint8_t) unlinked;             /* [a] enum vnode_names */
};
#define VN_ROOT 0x1 /* root of its mount */
#define VN_TTY 0x2
#define VN_ZERO 0x8     /* /dev/zero: mmap of it is anonymous memory */
#define VN_NO_BIND 0x20 /* a mount of it, or on it, could keep itself alive */
#define VN_HOLDS_FILE 0x10 /* it stands for an open file, which it holds */
#define VN_PAGED 0x4       /* mapped pages are a cache of read and write */

void vref(struct vnode *);
void vrele(struct vnode *); /* NULL is legal */
/* New vnode with one ref, not hashed.  0, ENOMEM. */
int vnode_create(struct vmount *, enum vtype, const struct vops *, void *data,
    uint64_t ino, struct vnode **);
/* The object to map the file, created on first use; borrowed from the vnode:
 * the caller owns a vnode ref as long as it uses it, or takes an object ref.
 * 0, ENODEV, ENOMEM. */
int vnode_object(struct vnode *, struct vm_object **);
/* Path in the first name space, by the first mount that shows the vnode, as
 * seen from `root` (NULL: from the top); " (deleted)" is not added.
 * ENAMETOOLONG, ENOENT (not reachable). */
int vnode_path(
    struct vnode *, const struct vnode *root, char *buf, size_t size);
/* read/write of regular files through one cache with mapped pages. */
int vn_read(struct vnode *, struct uio *, int flags);
int vn_write(struct vnode *, struct uio *, int flags);
int vn_getattr(struct vnode *, struct vattr *);
int vn_setattr(struct vnode *, const struct vattr *, unsigned what);
/* fallocate(2).  EOPNOTSUPP, EINVAL, EFBIG, ENOSPC, EPERM, EROFS, EINTR. */
int vn_allocate(struct vnode *, int mode, uint64_t off, uint64_t len);
/* lseek(2) with SEEK_HOLE (hole) or SEEK_DATA.  ENXIO. */
int vn_extent(struct vnode *, int64_t off, bool hole, uint64_t *res);
/* Read exactly `len` bytes into buf: ENOEXEC-friendly helper for exec.
 * *done < len at end of file. */
int vn_pread(struct vnode *, void *buf, size_t len, uint64_t off, size_t *done);
/* Access check: 0, EACCES, EROFS.  bits: 4 r, 2 w, 1 x. */
int vn_access(struct vnode *, unsigned bits, const struct vfs_ctx *);
/* Does the caller own the file, or has it CAP_FOWNER? */
bool vn_owned(struct vnode *, const struct vfs_ctx *);
/* A thread with these capabilities has changed the contents. */
static inline void
vn_modified(struct vnode *vp, uint64_t caps)
{
	if ((caps >> LX_CAP_FSETID & 1) == 0 && vp->ops->drop_setid != NULL)
		vp->ops->drop_setid(vp);
}
/* Dirty pages and what the host caches reach the disk. */
int vn_fsync(struct vnode *);
/* Pages that are kept of a file which others have changed go, if the file
 * system can tell. */
void vn_revalidate(struct vnode *);
/* Text use: ETXTBSY when open for writing. */
int vn_text_ref(struct vnode *);
void vn_text_rele(struct vnode *);

#endif /* VFS_CORE_VNODE_H */
