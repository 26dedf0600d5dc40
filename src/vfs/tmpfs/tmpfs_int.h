/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * tmpfs: what its files share.  See tmpfs.c for the theory.
 */
#ifndef VFS_TMPFS_TMPFS_INT_H
#define VFS_TMPFS_TMPFS_INT_H

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>

#include "abi/fcntl.h"
#include "libk/kassert.h"
#include "vfs/core/vnode.h"
#include "vm/object/vm_object.h"

struct tmpfs_node;

/* Key: [I] immutable, [t] tmpfs_mount.lock */
struct tmpfs_dirent {
	RB_ENTRY(tmpfs_dirent) by_name;   /* [t] */
	RB_ENTRY(tmpfs_dirent) by_cookie; /* [t] */
	struct tmpfs_node *node;          /* [t] one of its nlink */
	uint64_t cookie;                  /* [I] readdir position */
	char name[];                      /* [I] */
};
RB_HEAD(tmpfs_names, tmpfs_dirent);
RB_HEAD(tmpfs_cookies, tmpfs_dirent);

/* Key: [I] immutable, [t] tmpfs_mount.lock */
struct tmpfs_xattr {
	RB_ENTRY(tmpfs_xattr) by_name; /* [t] */
	size_t namelen, len;           /* [I] of the name, with NUL; value */
	char name[];                   /* [I] and then the value */
};
RB_HEAD(tmpfs_xattrs, tmpfs_xattr);

struct tmpfs_waiter {
	TAILQ_ENTRY(tmpfs_waiter) link;
	int evfd;
};

/* Key: [I] immutable, [t] tmpfs_mount.lock, [w] the thread that has set
 * `writing` */
struct tmpfs_node {
	struct tmpfs_mount *tm;      /* [I] */
	enum vtype type;             /* [I] */
	uint64_t ino;                /* [I] */
	uint64_t rdev;               /* [I] */
	int64_t btime;               /* [I] */
	uint32_t mode;               /* [t] permission bits only */
	uint32_t nlink;              /* [t] 0: no name leads here */
	uint32_t uid, gid;           /* [t] */
	int64_t atime, mtime, ctime; /* [t] */
	struct vnode *vp;            /* [t] weak: the current vnode, or NULL */
	unsigned nvnodes; /* [t] vnodes whose reclaim is still to come */
	struct tmpfs_xattrs xattrs; /* [t] */
	size_t xattr_names;         /* [t] bytes of their names */
	union {
		struct {                              /* VDIR */
			struct tmpfs_names names;     /* [t] */
			struct tmpfs_cookies cookies; /* [t] */
			uint64_t next_cookie;         /* [t] */
			uint64_t nentries;            /* [t] */
			struct tmpfs_node *parent;    /* [t] root: itself */
		} dir;
		struct {                          /* VREG */
			struct vm_object *object; /* [t] to set; our ref */
			uint64_t size;            /* [tw] bytes */
			uint64_t charged;         /* [t] pages in tm->pages */
			bool writing;             /* [t] write or truncate */
			bool linkable;    /* [t] O_TMPFILE: may get a name */
			uint32_t seals;   /* [tw] LX_F_SEAL_* */
			uint32_t mapping; /* [t] mmap calls in progress */
			LIST_ENTRY(tmpfs_node) link; /* [t] tm->files */
		} reg;
		struct {                /* VLNK */
			char *target;   /* [I] */
			uint64_t pages; /* [I] charged for it */
		} lnk;
		struct {            /* VFIFO */
			int anchor; /* [t] O_PATH of the host pipe, or -1 */
			unsigned readers, writers;          /* [t] open now */
			uint64_t nreads, nwrites;           /* [t] opens ever */
			TAILQ_HEAD(, tmpfs_waiter) waiters; /* [t] */
		} fifo;
	};
};

/* Key: [I] immutable, [t] lock */
struct tmpfs_mount {
	struct vmount *mp;             /* [I] */
	const struct vops *vops;       /* [I] of all its vnodes */
	struct vm_system *sys;         /* [I] */
	uint64_t max_pages;            /* [I] */
	bool nameless;                 /* [I] the files are memfds */
	uint64_t max_names;            /* [I] */
	struct kmutex lock;            /* rank VNODE: names and attributes */
	struct kcond cond;             /* a node's `writing` went */
	struct tmpfs_node *root;       /* [I] */
	uint64_t next_ino;             /* [t] */
	uint64_t pages;                /* [t] charged */
	uint64_t names;                /* [t] directory entries, and the root */
	LIST_HEAD(, tmpfs_node) files; /* [t] regular */
};

static inline struct tmpfs_node *
tmpfs_node(const struct vnode *vp)
{
	return (vp->data);
}

RB_PROTOTYPE(tmpfs_names, tmpfs_dirent, by_name, tmpfs_name_cmp)
RB_PROTOTYPE(tmpfs_cookies, tmpfs_dirent, by_cookie, tmpfs_cookie_cmp)
RB_PROTOTYPE(tmpfs_xattrs, tmpfs_xattr, by_name, tmpfs_xattr_cmp)

/* ---- tmpfs_node.c ---- */

/* The vnode of a node with a new ref.  Locked.  0, ENOMEM. */
int tmpfs_vget(struct tmpfs_node *, struct vnode **);
/* A name of the node went or a vnode was reclaimed.  Locked.  True: nothing
 * leads to it any more; the caller unlocks and calls tmpfs_node_free(). */
bool tmpfs_node_unused(struct tmpfs_node *);
void tmpfs_node_free(struct tmpfs_node *);
void tmpfs_reclaim(struct vnode *);
/* Zeroed memory for names and attributes, which outlive the processes that make
 * them: charged to the account of all tmpfs, vfs->tmpfs_kmem.  NULL: ENOSPC.
 * Given back by kmem_free(). */
void *tmpfs_alloc(struct tmpfs_mount *, size_t);
/* A node without a name, nlink 0.  Not locked.  0, ENOSPC. */
int tmpfs_node_create(struct tmpfs_mount *, enum vtype, uint32_t mode,
    uint32_t uid, uint32_t gid, struct tmpfs_node **);
/* Bring the pages charged for a file up to date.  Locked. */
void tmpfs_account(struct tmpfs_node *);
/* Pages that the mount, and all mounts together, may still get.  Locked. */
uint64_t tmpfs_left(const struct tmpfs_mount *);

/* ---- tmpfs_dir.c: locked ---- */

struct tmpfs_dirent *tmpfs_dir_find(struct tmpfs_node *dir, const char *name);
/* An entry without node, and its end.  NULL: no memory.  Not locked. */
struct tmpfs_dirent *tmpfs_dirent_alloc(struct tmpfs_mount *, const char *name);
/* Enter de -> node, or take de out: trees, counts and times, not nlink. */
void tmpfs_dir_attach(
    struct tmpfs_node *dir, struct tmpfs_dirent *de, struct tmpfs_node *node);
void tmpfs_dir_detach(struct tmpfs_node *dir, struct tmpfs_dirent *de);
/* Take de out and the node's link; the caller frees de and looks at the
 * node's use. */
void tmpfs_dir_remove(struct tmpfs_node *dir, struct tmpfs_dirent *de);
void tmpfs_dir_touch(struct tmpfs_node *dir, struct tmpfs_node *node);
/* 0, EEXIST, ENOENT (dir was removed), ENOSPC. */
int tmpfs_dir_check_new(struct tmpfs_node *dir, const char *name);

int tmpfs_lookup(struct vnode *, const char *, struct vnode **);
int tmpfs_create(struct vnode *, const char *, uint32_t, const struct vfs_ctx *,
    struct vnode **);
int tmpfs_tmpfile(struct vnode *, uint32_t, bool linkable,
    const struct vfs_ctx *, struct vnode **);
int tmpfs_mkdir(struct vnode *, const char *, uint32_t, const struct vfs_ctx *);
int tmpfs_mknod(
    struct vnode *, const char *, uint32_t, uint64_t, const struct vfs_ctx *);
int tmpfs_symlink(
    struct vnode *, const char *, const char *, const struct vfs_ctx *);
int tmpfs_link(struct vnode *, const char *, struct vnode *);
int tmpfs_unlink(struct vnode *, const char *);
int tmpfs_rmdir(struct vnode *, const char *);
int tmpfs_readdir(struct vnode *, uint64_t, vfs_dirent_fn *, void *);
/* tmpfs_rename.c */
int tmpfs_rename(
    struct vnode *, const char *, struct vnode *, const char *, unsigned);

/* Either one forbids write(2). */
#define TMPFS_NO_WRITE (LX_F_SEAL_WRITE | LX_F_SEAL_FUTURE_WRITE)

/* ---- tmpfs_file.c: not locked ---- */

int tmpfs_object(struct vnode *, struct vm_object **);
int tmpfs_read(struct vnode *, struct uio *, int);
int tmpfs_write(struct vnode *, struct uio *, int);
int tmpfs_truncate(struct tmpfs_node *, uint64_t size);
/* Begin and end a change of contents, size or seals. */
void tmpfs_writing_begin(struct tmpfs_node *);
void tmpfs_writing_end(struct tmpfs_node *, bool changed);
void tmpfs_set_size(struct tmpfs_node *, struct vm_object *, uint64_t size);
/* The file's object, made now if there is none.  0, ENOMEM. */
int tmpfs_node_object(struct tmpfs_node *, struct vm_object **);
/* Zero n bytes from `off` on, all in one page.  0; ENOSPC; EIO: the page is in
 * swap and cannot be read. */
int tmpfs_zero(struct vm_object *, uint64_t off, size_t n);
/* The page at idx for a write: held with *fresh false, or new, busy, not valid
 * and zeroed if `zero`, with *fresh true.  0, ENOSPC, EIO. */
int tmpfs_page_get(struct tmpfs_node *, struct vm_object *, vm_pindex_t idx,
    bool zero, struct vm_page **, bool *fresh);

/* ---- tmpfs_space.c: not locked ---- */

int tmpfs_allocate(struct vnode *, int mode, uint64_t off, uint64_t len);
int tmpfs_extent(struct vnode *, uint64_t off, bool hole, uint64_t *res);

/* ---- tmpfs_seal.c: not locked ---- */

int tmpfs_seal(struct vnode *, uint32_t add, uint32_t *seals);
int tmpfs_map_begin(struct vnode *, bool write, bool *may_write);
void tmpfs_map_end(struct vnode *);

/* ---- tmpfs_xattr.c: not locked ---- */

int tmpfs_getxattr(
    struct vnode *, const char *name, void *buf, size_t size, size_t *len);
int tmpfs_setxattr(
    struct vnode *, const char *name, const void *value, size_t len, int flags);
int tmpfs_listxattr(
    struct vnode *, bool trusted, char *buf, size_t size, size_t *len);
/* All attributes of a node that nothing leads to any more. */
void tmpfs_xattrs_free(struct tmpfs_node *);

/* ---- tmpfs_fifo.c ---- */

int tmpfs_fifo_open(struct vnode *, int, struct file *, const struct vfs_ctx *);

#endif /* VFS_TMPFS_TMPFS_INT_H */
