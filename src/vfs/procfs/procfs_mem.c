/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * /proc/PID/mem: a file whose offsets are addresses.  What it leads to is
 * decided when it is opened, and belongs to the file (kern_procfs_mem.c).
 * Reading and writing begin anywhere and stop before the first page that
 * cannot be had; there is no end, and no size.
 *
 * /proc/PID/pagemap: a table of words, one for each page of the address space,
 * of the same memory.
 */
#include "vfs/procfs/procfs_int.h"

#include <errno.h>

#include "vfs/core/file.h"
#include "vfs/core/uio.h"
#include "vfs/procfs/procfs.h"

static int
mem_rw(struct file *f, struct uio *uio, const struct vfs_waiter *waiter)
{
	const struct procfs_ops *ops;
	void *arg;

	ops = procfs_ops_of(f->vp, &arg);
	return (uio->resid == 0 ? 0 : ops->mem_rw(f->data, uio));
}

static void
mem_close(struct file *f)
{
	const struct procfs_ops *ops;
	void *arg;

	ops = procfs_ops_of(f->vp, &arg);
	ops->mem_close(f->data);
}

static int
pagemap_rw(struct file *f, struct uio *uio, const struct vfs_waiter *waiter)
{
	const struct procfs_ops *ops;
	void *arg;

	if (uio->write)
		return (EINVAL);
	ops = procfs_ops_of(f->vp, &arg);
	return (uio->resid == 0 ? 0 : ops->pagemap_read(f->data, uio));
}

static const struct fileops procfs_pagemap_fileops = {
    .caps = FCAP_SEEK | FCAP_AT | FCAP_OFFSET,
    .rw = pagemap_rw,
    .poll = procfs_text_poll,
    .getattr = procfs_text_getattr,
    .seek = procfs_text_seek,
    .close = mem_close,
    .name = "pagemap",
};

static const struct fileops procfs_mem_fileops = {
    .caps = FCAP_SEEK | FCAP_AT | FCAP_OFFSET,
    .rw = mem_rw,
    .poll = procfs_text_poll,
    .getattr = procfs_text_getattr,
    .seek = procfs_text_seek,
    .close = mem_close,
    .name = "mem",
};

/*
 * - EACCES (the caller may not read it), ESRCH (gone, or a zombie).
 */
int
procfs_mem_open(
    struct vnode *vp, int flags, struct file *f, const struct vfs_ctx *ctx)
{
	const struct procfs_ops *ops;
	void *arg, *mem = NULL;
	int error;

	(void)flags;
	ops = procfs_ops_of(vp, &arg);
	if (ops->mem_open == NULL)
		return (EACCES);
	error = ops->mem_open(arg, procfs_node(vp)->pid, ctx, &mem);
	if (error != 0)
		return (error);
	f->data = mem;
	f->ops = procfs_node(vp)->kind == PN_MEM ? &procfs_mem_fileops
						 : &procfs_pagemap_fileops;
	return (0);
}
