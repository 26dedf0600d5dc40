/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Making and unmaking one mount.  vfs_mount.c puts it into the table.
 */
#include "vfs/core/mount.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "libk/kassert.h"
#include "vfs/core/fs.h"
#include "vfs/core/vfs.h"

int
vmount_create(struct vfs *vfs, const char *fstype, const char *source,
    unsigned flags, void (*destroy)(struct vmount *), struct vmount **mpp)
{
	struct vmount *mp;

	mp = calloc(1, sizeof(*mp));
	if (mp == NULL)
		return (ENOMEM);
	mp->vfs = vfs;
	mp->fstype = fstype;
	(void)snprintf(mp->source, sizeof(mp->source), "%s", source);
	mp->flags = flags;
	mp->destroy = destroy;
	mp->dev =
	    atomic_fetch_add_explicit(&vfs->next_dev, 1, memory_order_relaxed);
	mp->id = VFS_MNT_FIRST + atomic_fetch_add(&vfs->next_mount, 1);
	kmutex_init(&mp->hash_lock, "vnode hash", KRANK_VNHASH, 0);
	for (unsigned i = 0; i < sizeof(mp->hash) / sizeof(mp->hash[0]); i++)
		LIST_INIT(&mp->hash[i]);
	TAILQ_INIT(&mp->inactive);
	*mpp = mp;
	return (0);
}

void
vmount_destroy(struct vmount *mp)
{
	vnode_flush_inactive(mp);
	vrele(mp->root);
	vnode_flush_inactive(mp);
	for (unsigned i = 0; i < sizeof(mp->hash) / sizeof(mp->hash[0]); i++)
		KVERIFY(LIST_EMPTY(&mp->hash[i]));
	if (mp->destroy != NULL)
		mp->destroy(mp);
	kmutex_destroy(&mp->hash_lock);
	free(mp);
}
