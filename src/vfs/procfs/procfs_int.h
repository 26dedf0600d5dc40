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
	PN_MOUNTS,     /* link */
	PN_SYSTEXT,    /* idx: ops->sys_nodes */
	PN_SYSCTLDIR,  /* idx: sysctl table */
	PN_SYSCTL,     /* idx: sysctl table */
	PN_PID,        /* directory of a process */
	PN_TASKDIR,
	PN_TID, /* directory of a thread */
	PN_FDDIR,
	PN_TEXT, /* idx: ops->pid_nodes */
	PN_MEM,
	PN_LINK,   /* idx: procfs_links */
	PN_FD,     /* idx: descriptor */
	PN_FDFILE, /* what PN_FD leads to if it has no vnode */
	PN_KINDS,
};

/* v_data.  All [I]. */
struct procfs_node {
	enum procfs_kind kind;
	int pid;
	unsigned idx;
	bool thread;       /* below task/ */
	struct file *file; /* PN_FDFILE: ref */
};

struct procfs_mount {
	const struct vops *const *vops; /* [I] by kind of node */
	int64_t birth;                  /* [I] ns: all times */
	char boot_id[40];               /* [I] */
};

static inline const struct procfs_node *
procfs_node(const struct vnode *vp)
{
	return (vp->data);
}

#define PROCFS_NLINKS 3
extern const char *const procfs_links[PROCFS_NLINKS]; /* exe, cwd, root */

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

/* ---- procfs.c ---- */

/* May the caller look into the process of the node?  0, EPERM, ESRCH. */
int procfs_may_look(struct vnode *, const struct vfs_ctx *);

/* ---- procfs_dir.c ---- */

int procfs_lookup(struct vnode *, const char *, struct vnode **);
int procfs_readdir(struct vnode *, uint64_t, vfs_dirent_fn *, void *);

/* ---- procfs_link.c ---- */

int procfs_readlink(
    struct vnode *, const struct vfs_ctx *, char *, size_t, size_t *);
int procfs_follow(struct vnode *, const struct vfs_ctx *, struct vnode **);

/* ---- procfs_text.c ---- */

int procfs_text_open(
    struct vnode *, int, struct file *, const struct vfs_ctx *);
int procfs_text_read(struct vnode *, struct uio *, int);
/* Of any file without contents of its own: always ready, any offset. */
short procfs_text_poll(struct file *, short events, int *hostfd);
int procfs_text_getattr(struct file *, struct vattr *);
int procfs_text_seek(struct file *, int64_t off, int whence, uint64_t *res);

/* ---- procfs_mem.c ---- */

int procfs_mem_open(struct vnode *, int, struct file *, const struct vfs_ctx *);

/* ---- procfs_sysctl.c ---- */

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
