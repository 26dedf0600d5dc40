/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Texts of procfs.
 *
 * Concepts.  Opening a text node generates it, once, into a buffer that the
 * open file owns; reads and seeks are on this snapshot.  So a reader with a
 * small buffer sees one consistent state, and the process may be gone by
 * then.  Reading from the start again (as ps and top do with one descriptor)
 * generates it anew.
 *
 * Locking.  The buffer is used by the thread that has the file's offset
 * (file.c) or, with pread, by several: text->lock makes its replacement safe.
 */
#include "vfs/procfs/procfs_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/poll.h"
#include "vfs/core/file.h"
#include "vfs/core/hostfd.h"
#include "vfs/core/uio.h"
#include "vfs/core/vnode.h"
#include "vfs/procfs/procfs.h"
#include "host/host_file.h"

struct procfs_text {
	struct kmutex lock;    /* rank LEAF */
	struct procfs_buf buf; /* under lock */
	bool used;             /* under lock: was read since generated */
	bool may_look;         /* [I] the opener may look into the process */
};

/* The text of a node of a process. */
static int
procfs_pid_text(struct vnode *vp, bool may_look, struct procfs_buf *b)
{
	const struct procfs_node *n = procfs_node(vp);
	const struct procfs_ops *ops;
	struct procfs_proc *p;
	void *arg;
	int error;

	ops = procfs_ops_of(vp, &arg);
	error = ops->proc_open(arg, n->pid, may_look, &p);
	if (error != 0)
		return (error);
	error = ops->pid_nodes[n->idx].text(p, b);
	ops->proc_close(p);
	return (error);
}

/* May only a process that may look into the process open the node? */
static bool
procfs_private(const struct vnode *vp)
{
	const struct procfs_node *n = procfs_node(vp);
	void *arg;

	return (n->kind == PN_TEXT &&
		(procfs_ops_of(vp, &arg)->pid_nodes[n->idx].mode &
		    PROCFS_PRIVATE) != 0);
}

static int
procfs_generate(struct vnode *vp, bool may_look, struct procfs_buf *b)
{
	const struct procfs_node *n = procfs_node(vp);
	const struct procfs_ops *ops;
	void *arg;
	int error;

	procfs_buf_init(b);
	if (n->kind == PN_SYSCTL)
		error = procfs_sysctl_text(vp, b);
	else if (n->kind == PN_SYSTEXT) {
		ops = procfs_ops_of(vp, &arg);
		error = ops->sys_nodes[n->idx].text(arg, b);
	} else
		error = procfs_pid_text(vp, may_look, b);
	if (error == 0)
		error = b->error;
	if (error != 0)
		procfs_buf_destroy(b);
	return (error);
}

static void
procfs_slice(const struct procfs_buf *b, struct uio *uio)
{
	if (uio->off < b->len)
		uiomove(b->data + uio->off, b->len - (size_t)uio->off, uio);
}

int
procfs_text_read(struct vnode *vp, struct uio *uio, int flags)
{
	struct procfs_buf b;
	int error;

	/* Without an open file there is no caller whose rights are known. */
	if (procfs_private(vp))
		return (EACCES);
	error = procfs_generate(vp, false, &b);
	if (error != 0)
		return (error);
	procfs_slice(&b, uio);
	procfs_buf_destroy(&b);
	return (0);
}

static int
text_read(struct file *f, struct uio *uio)
{
	struct procfs_text *t = f->data;
	struct procfs_buf b, old;
	bool again;
	int error;

	kmutex_lock(&t->lock);
	again = t->used && uio->off == 0;
	kmutex_unlock(&t->lock);
	procfs_buf_init(&old);
	if (again) {
		error = procfs_generate(f->vp, t->may_look, &b);
		if (error != 0)
			return (error);
	}
	kmutex_lock(&t->lock);
	if (again) {
		old = t->buf;
		t->buf = b;
	}
	t->used = true;
	procfs_slice(&t->buf, uio);
	kmutex_unlock(&t->lock);
	procfs_buf_destroy(&old);
	return (0);
}

int
procfs_text_seek(struct file *f, int64_t off, int whence, uint64_t *res)
{
	if (whence == SEEK_CUR &&
	    __builtin_add_overflow(off, (int64_t)f->off, &off))
		return (EOVERFLOW);
	if ((whence != SEEK_SET && whence != SEEK_CUR) || off < 0)
		return (EINVAL);
	*res = (uint64_t)off;
	return (0);
}

short
procfs_text_poll(struct file *f, short events, int *hostfd)
{
	*hostfd = -1;
	return (events & (LX_POLLIN | LX_POLLRDNORM));
}

int
procfs_text_getattr(struct file *f, struct vattr *va)
{
	return (vn_getattr(f->vp, va));
}

static void
text_close(struct file *f)
{
	struct procfs_text *t = f->data;

	procfs_buf_destroy(&t->buf);
	kmutex_destroy(&t->lock);
	free(t);
}

/* A setting: each write is one. */
static int
text_write(struct file *f, struct uio *uio)
{
	char text[VFS_PATH_MAX + 16];
	size_t len = uio->resid;
	int error;

	if (len > sizeof(text))
		return (EINVAL);
	uiomove(text, len, uio);
	error = procfs_sysctl_write(f->vp, text, len);
	if (error != 0)
		uio->resid = len; /* nothing was written */
	return (error);
}

static int
text_rw(struct file *f, struct uio *uio, const struct vfs_waiter *waiter)
{
	return (uio->write ? text_write(f, uio) : text_read(f, uio));
}

static const struct fileops procfs_text_fileops = {
    .caps = FCAP_SEEK | FCAP_AT | FCAP_OFFSET,
    .rw = text_rw,
    .poll = procfs_text_poll,
    .getattr = procfs_text_getattr,
    .seek = procfs_text_seek,
    .close = text_close,
    .name = "proc",
};

/*
 * - EACCES for writing, and when the caller may not look into the process;
 *   ESRCH when the process has gone; errors of the generator.
 */
int
procfs_text_open(
    struct vnode *vp, int flags, struct file *f, const struct vfs_ctx *ctx)
{
	const struct procfs_node *n = procfs_node(vp);
	struct procfs_text *t;
	bool may_look = false;
	int error;

	if ((flags & O_ACCMODE) != O_RDONLY &&
	    (n->kind != PN_SYSCTL || (procfs_sysctl_mode(vp) & 0222) == 0))
		return (EACCES);
	if (n->kind == PN_TEXT) {
		error = procfs_may_look(vp, ctx);
		may_look = error == 0;
		if (error == ESRCH || (error != 0 && procfs_private(vp)))
			return (error == ESRCH ? ESRCH : EACCES);
	}
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return (ENOMEM);
	t->may_look = may_look;
	error = procfs_generate(vp, may_look, &t->buf);
	if (error != 0) {
		free(t);
		return (error);
	}
	kmutex_init(&t->lock, "proc text", KRANK_LEAF, 0);
	f->data = t;
	f->ops = &procfs_text_fileops;
	return (0);
}
