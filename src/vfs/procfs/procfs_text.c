/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Texts of procfs.
 *
 * Concepts.  A text is generated when it is read, piece by piece: an open file
 * has one piece, its place in the text, and the position of the generator after
 * it.  A long text (of mappings) therefore costs no more memory than a short
 * one, and a file that was read to its end costs none.  A read at the start
 * begins anew, as ps and top do with one descriptor; a read before the piece
 * begins anew and skips.
 *
 * A piece is consistent in itself; between two pieces the process may have
 * changed.  A text never goes on with another process that has got the number,
 * nor, if it shows memory, with another program of the process: there it ends.
 *
 * Locking.  A piece is used and replaced by the thread that has set text->busy,
 * since generators take locks of every rank.  text->lock protects the flag.
 */
#include "vfs/procfs/procfs_int.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "abi/poll.h"
#include "mem/kmem.h"
#include "vfs/core/file.h"
#include "vfs/core/hostfd.h"
#include "vfs/core/uio.h"
#include "vfs/core/vnode.h"
#include "vfs/procfs/procfs.h"
#include "host/host_file.h"

/* Key: [I] immutable, [l] lock, [b] the thread that has set `busy` */
struct procfs_text {
	struct kmutex lock;    /* rank LEAF */
	struct kcond cond;     /* `busy` became false */
	bool busy;             /* [l] */
	bool started;          /* [b] there is a piece */
	struct procfs_buf buf; /* [b] the piece */
	uint64_t base;         /* [b] its offset in the text */
	uint64_t end;          /* [b] of the text, 0: not known */
	uint64_t id;           /* [b] of what the text is about */
	bool may_look;         /* [I] the opener may look into the process */
	bool bound;            /* [I] after open: `id` is that of the open */
};

/* The flags PROCFS_* of the node. */
static uint32_t
procfs_flags(const struct vnode *vp)
{
	const struct procfs_node *n = procfs_node(vp);
	void *arg;

	if (n->kind == PN_FDINFO)
		return (PROCFS_CHECKED);
	if (n->kind != PN_TEXT)
		return (0);
	return (procfs_ops_of(vp, &arg)->pid_nodes[n->idx].mode);
}

/* Is the text about the memory of the process? */
static bool
procfs_private(const struct vnode *vp)
{
	return ((procfs_flags(vp) & PROCFS_PRIVATE) != 0);
}

/* May only a process that may look into the process open the node? */
static bool
procfs_checked(const struct vnode *vp)
{
	return ((procfs_flags(vp) & (PROCFS_PRIVATE | PROCFS_CHECKED)) != 0);
}

/* Has the node a function for writing? */
static bool
procfs_writable(struct vnode *vp)
{
	const struct procfs_node *n = procfs_node(vp);
	void *arg;

	if (n->kind == PN_SYSCTL)
		return ((procfs_sysctl_mode(vp) & 0222) != 0);
	return (n->kind == PN_TEXT &&
		procfs_ops_of(vp, &arg)->pid_nodes[n->idx].write != NULL);
}

/* What the process of a node is to be asked for. */
static unsigned
procfs_how(const struct vnode *vp, const struct procfs_text *t)
{
	return ((t->may_look ? PROCFS_MAY_LOOK : 0) |
		(procfs_node(vp)->thread ? PROCFS_THREAD : 0));
}

/* A piece of a node of a process; b NULL: only note what it is about.  ESRCH:
 * there is no such process, or it is another one than was noted. */
static int
procfs_pid_text(struct vnode *vp, struct procfs_text *t, struct procfs_buf *b)
{
	const struct procfs_node *n = procfs_node(vp);
	const struct procfs_ops *ops;
	struct procfs_proc *p;
	uint64_t id = 0;
	void *arg;
	int error;

	ops = procfs_ops_of(vp, &arg);
	error = ops->proc_open(arg, n->pid, procfs_how(vp, t), &p);
	if (error != 0)
		return (error);
	if (ops->proc_id != NULL)
		id = ops->proc_id(p, procfs_private(vp));
	if (t->id == 0)
		t->id = id;
	/* As on Linux, the text of memory that has gone is empty. */
	if (t->id != id)
		error = procfs_private(vp) ? 0 : ESRCH;
	else if (b == NULL)
		error = 0;
	else if (n->kind == PN_FDINFO)
		error = ops->fdinfo(p, (int)n->idx, b);
	else if (ops->pid_nodes[n->idx].text == NULL)
		error = EINVAL;
	else
		error = ops->pid_nodes[n->idx].text(p, b);
	ops->proc_close(p);
	return (error);
}

/* One write to a node of a process, of the process that it was opened for. */
static int
procfs_pid_write(
    struct vnode *vp, struct procfs_text *t, const char *text, size_t len)
{
	const struct procfs_node *n = procfs_node(vp);
	const struct procfs_ops *ops;
	struct procfs_proc *p;
	void *arg;
	int error;

	ops = procfs_ops_of(vp, &arg);
	error = ops->proc_open(arg, n->pid, procfs_how(vp, t), &p);
	if (error != 0)
		return (error);
	if (ops->proc_id != NULL &&
	    ops->proc_id(p, procfs_private(vp)) != t->id)
		error = ESRCH;
	else
		error = ops->pid_nodes[n->idx].write(p, text, len);
	ops->proc_close(p);
	return (error);
}

/* The next piece.  On failure nothing has changed. */
static int
text_piece(struct vnode *vp, struct procfs_text *t)
{
	const struct procfs_node *n = procfs_node(vp);
	const struct procfs_ops *ops;
	struct procfs_buf b;
	void *arg;
	int error;

	procfs_buf_init(&b);
	if (t->started)
		b.from = t->buf.next;
	if (n->kind == PN_SYSCTL)
		error = procfs_sysctl_text(vp, &b);
	else if (n->kind == PN_TREE)
		error = procfs_tree_text(vp, &b);
	else if (n->kind == PN_NETTEXT) {
		ops = procfs_ops_of(vp, &arg);
		error = ops->net_text(arg, n->idx, &b);
	} else if (n->kind == PN_SYSTEXT) {
		ops = procfs_ops_of(vp, &arg);
		error = ops->sys_nodes[n->idx].text(arg, &b);
	} else
		error = procfs_pid_text(vp, t, &b);
	if (error == 0)
		error = b.error;
	if (error != 0) {
		procfs_buf_destroy(&b);
		return (error);
	}
	t->base += t->buf.len;
	procfs_buf_destroy(&t->buf);
	t->buf = b;
	t->started = true;
	if (b.next == 0)
		t->end = t->base + b.len;
	return (0);
}

/* Forget the piece. */
static void
text_reset(struct procfs_text *t)
{
	procfs_buf_destroy(&t->buf);
	t->base = 0;
	t->started = false;
}

/* Read at uio->off, from as many pieces as it needs. */
static int
text_slice(struct vnode *vp, struct procfs_text *t, struct uio *uio)
{
	const size_t before = uio->resid;
	uint64_t in;
	int error;

	while (uio->resid > 0 && (t->end == 0 || uio->off < t->end)) {
		in = uio->off - t->base;
		if (uio->off < t->base)
			text_reset(t);
		else if (t->started && in < t->buf.len)
			uiomove(t->buf.data + in, t->buf.len - (size_t)in, uio);
		else if (t->started && t->buf.next == 0)
			break;
		else {
			error = text_piece(vp, t);
			if (error != 0)
				return (uio->resid < before ? 0 : error);
		}
	}
	return (0);
}

int
procfs_text_read(struct vnode *vp, struct uio *uio, int flags)
{
	struct procfs_text t = {.may_look = false};
	int error;

	/* Without an open file there is no caller whose rights are known. */
	if (procfs_checked(vp))
		return (EACCES);
	error = text_slice(vp, &t, uio);
	text_reset(&t);
	return (error);
}

static int
text_read(struct file *f, struct uio *uio)
{
	struct procfs_text *t = f->data;
	int error;

	kmutex_lock(&t->lock);
	while (t->busy)
		kcond_wait(&t->cond, &t->lock);
	t->busy = true;
	kmutex_unlock(&t->lock);
	if (uio->off == 0) {
		text_reset(t);
		t->end = 0;
		if (!t->bound)
			t->id = 0;
	}
	error = text_slice(f->vp, t, uio);
	if (error == 0 && t->end != 0 && uio->off >= t->end)
		text_reset(t);
	kmutex_lock(&t->lock);
	t->busy = false;
	kcond_signal(&t->cond);
	kmutex_unlock(&t->lock);
	return (error);
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
	kcond_destroy(&t->cond);
	kmutex_destroy(&t->lock);
	kmem_free(t);
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
	if (procfs_node(f->vp)->kind == PN_SYSCTL)
		error = procfs_sysctl_write(f->vp, text, len);
	else
		error = procfs_pid_write(f->vp, f->data, text, len);
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
 *   ESRCH when the process has gone; ENOMEM.
 */
int
procfs_text_open(
    struct vnode *vp, int flags, struct file *f, const struct vfs_ctx *ctx)
{
	const struct procfs_node *n = procfs_node(vp);
	const bool write = (flags & O_ACCMODE) != O_RDONLY;
	struct procfs_text *t;
	bool may_look = false;
	int error;

	if (write && !procfs_writable(vp))
		return (EACCES);
	if (n->kind == PN_TEXT || n->kind == PN_FDINFO) {
		error = procfs_may_look(vp, ctx);
		may_look = error == 0;
		if (error == ESRCH || (error != 0 && procfs_checked(vp)))
			return (error == ESRCH ? ESRCH : EACCES);
	}
	t = kmem_zalloc(sizeof(*t));
	if (t == NULL)
		return (ENOMEM);
	t->may_look = may_look;
	/* The right was checked for the process, or the memory, of now. */
	t->bound = procfs_checked(vp) || (write && n->kind == PN_TEXT);
	error = t->bound ? procfs_pid_text(vp, t, NULL) : 0;
	if (error != 0) {
		kmem_free(t);
		return (error);
	}
	kmutex_init(&t->lock, "proc text", KRANK_LEAF, 0);
	kcond_init(&t->cond);
	f->data = t;
	f->ops = &procfs_text_fileops;
	return (0);
}
