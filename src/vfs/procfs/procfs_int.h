/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * procfs: what its files share.  See procfs.c for the theory.
 */
#ifndef VFS_PROCFS_PROCFS_INT_H
#define VFS_PROCFS_PROCFS_INT_H

#include "vfs/core/vnode.h"
#include "vfs/procfs/procfs.h"

enum procfs_kind {
	PN_ROOT,
	PN_SELF,       /* link */
	PN_THREADSELF, /* link */
	PN_MOUNTS,     /* link; idx: procfs_self_links */
	PN_SYSTEXT,    /* idx: ops->sys_nodes */
	PN_SYSCTLDIR,  /* idx: sysctl table */
	PN_SYSCTL,     /* idx: sysctl table */
	PN_PID,        /* directory of a process */
	PN_TASKDIR,
	PN_TID, /* directory of a thread */
	PN_FDDIR,
	PN_FDINFODIR,
	PN_NSDIR,
	PN_TEXT, /* idx: ops->pid_nodes */
	PN_MEM,
	PN_PAGEMAP,
	PN_LINK,   /* idx: procfs_links */
	PN_FD,     /* idx: descriptor */
	PN_FDINFO, /* idx: descriptor */
	PN_ATTRDIR,
	PN_NETDIR,
	PN_NETTEXT, /* idx: ops->net_names */
	PN_MAPDIR,
	PN_MAP,     /* link; start, end */
	PN_NS,      /* link; idx: procfs_namespaces */
	PN_NSFILE,  /* what PN_NS leads to */
	PN_TREEDIR, /* idx: in the tree of the mount */
	PN_TREE,    /* likewise */
	PN_FDFILE,  /* what PN_FD leads to if it has no vnode */
	PN_KINDS,
};

/* v_data.  All [I]. */
struct procfs_node {
	enum procfs_kind kind;
	int pid;
	uint64_t id; /* PN_PID: of the process, see procfs_ops.lookup */
	unsigned idx;
	bool thread;         /* below task/ */
	int num;             /* PN_TREE*: what %d in the path stands for */
	uint64_t start, end; /* PN_MAP */
	struct file *file;   /* PN_FDFILE: ref */
	void *ns;            /* PN_NSFILE: ref, or NULL */
	uint32_t nsino;      /* PN_NSFILE: its number */
};

struct procfs_mount {
	const struct vops *const *vops; /* [I] by kind of node */
	int64_t birth;                  /* [I] ns: all times */
	char boot_id[40];               /* [I] */
	struct procfs_tree *tree;       /* [I] own; NULL: /proc */
	void *ns; /* [I] own ref: whose processes are shown; NULL: all */
};

static inline const struct procfs_node *
procfs_node(const struct vnode *vp)
{
	return (vp->data);
}

#define PROCFS_NLINKS 3
extern const char *const procfs_links[PROCFS_NLINKS]; /* exe, cwd, root */

/* Names in the root that lead to one of the process: mounts, net. */
#define PROCFS_NSELFLINKS 2
extern const char *const procfs_self_links[PROCFS_NSELFLINKS];

/* A name in ns/, and the namespace that it leads to: the first ones of Linux,
 * which have the same numbers on each machine. */
struct procfs_namespace {
	const char *name, *kind;
	uint32_t ino;
	uint32_t flag; /* of clone(2) */
};
#define PROCFS_NNAMESPACES 10
extern const struct procfs_namespace procfs_namespaces[PROCFS_NNAMESPACES];

/* ---- procfs_node.c ---- */

/* A new vnode for what `n` describes.  0, ENOMEM. */
int procfs_vget(struct vmount *, const struct procfs_node *n, struct vnode **);
/* Everything a directory may hold by a name that is a number. */
bool procfs_number(const char *name, int *n);
const struct procfs_ops *procfs_ops_of(const struct vnode *, void **arg);
uint64_t procfs_ino(const struct procfs_node *);
/* The file of a PN_FDFILE vnode; NULL for any other vnode. */
struct file *procfs_fdfile(const struct vnode *);
void procfs_reclaim(struct vnode *);
/* The name of a process, and a process by it.  0: none. */
int procfs_pid_out(const struct vnode *, int pid);
int procfs_pid_in(const struct vnode *, int num);
/* The name space that a PN_NS leads to: the parts of a PN_NSFILE.  ENOENT,
 * ESRCH.
 */
int procfs_ns_target(struct vnode *, struct procfs_node *);
void procfs_ns_put(struct vnode *, struct procfs_node *);

/* ---- procfs.c ---- */

/* May the caller look into the process of the node?  0, EPERM, ESRCH. */
int procfs_may_look(struct vnode *, const struct vfs_ctx *);

/* A mount with `root`, read-only or not; procfs.c has the operations of all
 * kinds of nodes.  tree passes to the mount, also on failure.  0, ENOMEM. */
int procfs_mount_make(struct vfs *, const char *fstype, unsigned flags,
    const struct procfs_node *root, struct procfs_tree *tree, struct vmount **);

/* ---- procfs_tree.c ---- */

int procfs_tree_lookup(struct vnode *, const char *, struct vnode **);
int procfs_tree_readdir(struct vnode *, uint64_t, vfs_dirent_fn *, void *);
int procfs_tree_text(struct vnode *, struct procfs_buf *);
int procfs_tree_statfs(struct vnode *, struct vfs_statfs *);
void procfs_tree_free(struct procfs_tree *);

/* ---- procfs_dir.c ---- */

int procfs_lookup(struct vnode *, const char *, struct vnode **);
int procfs_readdir(struct vnode *, uint64_t, vfs_dirent_fn *, void *);

/* ---- procfs_ns.c ---- */

int procfs_ns_open(struct vnode *, int, struct file *, const struct vfs_ctx *);

/* ---- procfs_link.c ---- */

int procfs_readlink(
    struct vnode *, const struct vfs_ctx *, char *, size_t, size_t *);
int procfs_follow(struct vnode *, const struct vfs_ctx *, struct vplace *);

/* ---- procfs_text.c ---- */

int procfs_text_open(
    struct vnode *, int, struct file *, const struct vfs_ctx *);
int procfs_text_read(struct vnode *, struct uio *, int);
/* Of any file without contents of its own: always ready, any offset. */
short procfs_text_poll(struct file *, short events, int *hostfd);
int procfs_text_getattr(struct file *, struct vattr *);
int procfs_text_seek(struct file *, int64_t off, int whence, uint64_t *res);

/* ---- procfs_mem.c ---- */

/* Of mem and pagemap. */
int procfs_mem_open(struct vnode *, int, struct file *, const struct vfs_ctx *);

/* ---- procfs_sysctl.c ---- */

#define PROCFS_SYSVIPC 8 /* number of the directory sysvipc */
#define PROCFS_TTY 11    /* and of tty */

/* Smallest child of dir >= from, or 0. */
unsigned procfs_sysctl_next(unsigned dir, unsigned from);
const char *procfs_sysctl_name(unsigned);
bool procfs_sysctl_isdir(unsigned);
uint32_t procfs_sysctl_mode(const struct vnode *);
/* One write(2) is one setting. */
int procfs_sysctl_write(struct vnode *, const char *text, size_t len);
void procfs_boot_id(char *buf, size_t size);
int procfs_sysctl_text(struct vnode *, struct procfs_buf *);

#endif /* VFS_PROCFS_PROCFS_INT_H */
