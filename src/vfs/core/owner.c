/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Owners of open files.
 *
 * Concepts.  A file gets the structure with the first call that sets an owner
 * or a signal; most files never have one.  Which signals the owner gets is
 * decided elsewhere: input and output by kern/sig/sigio.c, leases by lease.c,
 * changes of directories by dnotify.c.  Those two keep a reference of the
 * owner, so that they can send the signal without a reference of the file.
 *
 * The owner is kept as a number and a time, not as a reference, because a file
 * may outlive it.  Numbers of processes are reused late; a process that has the
 * number and started after the owner was set gets no signal.
 *
 * Locking and lifetime.  The lock of the structure is a leaf.  The last
 * reference frees; one is the file's.
 */
#include "vfs/core/owner.h"

#include <errno.h>

#include "libk/kassert.h"
#include "mem/kmem.h"
#include "vfs/core/file.h"
#include "vfs/core/vfs.h"

int
file_owner_get(struct file *f, struct file_owner **out)
{
	struct file_owner *fo = file_owner_of(&f->owner), *new;

	if (fo == NULL) {
		new = kmem_zalloc(sizeof(*new));
		if (new == NULL)
			return (ENOMEM);
		atomic_init(&new->refs, 1);
		kmutex_init(&new->lock, "owner", KRANK_LEAF, 0);
		if (atomic_compare_exchange_strong(&f->owner, &fo, new))
			fo = new;
		else
			file_owner_free(new);
	}
	*out = fo;
	return (0);
}

void
file_owner_ref(struct file_owner *fo)
{
	KVERIFY(atomic_fetch_add_explicit(&fo->refs, 1, memory_order_relaxed) !=
		UINT32_MAX);
}

void
file_owner_free(struct file_owner *fo)
{
	if (atomic_fetch_sub_explicit(&fo->refs, 1, memory_order_acq_rel) > 1)
		return;
	KASSERT(fo->watch == NULL);
	kmutex_destroy(&fo->lock);
	kmem_free(fo);
}

struct owner_id
file_owner_read(struct file_owner *fo)
{
	struct owner_id who;

	kmutex_lock(&fo->lock);
	who = fo->who;
	kmutex_unlock(&fo->lock);
	return (who);
}

void
file_owner_tell(struct vfs *vfs, struct file_owner *fo, int fd)
{
	struct owner_id who = file_owner_read(fo);

	if (vfs->owner_ops != NULL)
		vfs->owner_ops->send(vfs->owner_arg, &who, fd, OWNER_MSG);
	file_owner_free(fo);
}

void
file_owner_set(
    struct file_owner *fo, const struct owner_id *who, bool only_first)
{
	int signo;

	kmutex_lock(&fo->lock);
	if (!only_first || fo->who.type == OWNER_NONE) {
		signo = fo->who.signo;
		fo->who = *who;
		fo->who.signo = signo;
	}
	kmutex_unlock(&fo->lock);
}

void
file_owner_clear(struct file_owner *fo)
{
	kmutex_lock(&fo->lock);
	fo->who = (struct owner_id){.type = OWNER_NONE};
	kmutex_unlock(&fo->lock);
}

void
file_owner_set_signal(struct file_owner *fo, int signo)
{
	kmutex_lock(&fo->lock);
	fo->who.signo = signo;
	kmutex_unlock(&fo->lock);
}
