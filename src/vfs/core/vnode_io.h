/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * What vnode_io.c shares with the rest of the core and with file systems:
 * ranges in transfer, the object of a vnode, the count of writers.
 */
#ifndef VFS_CORE_VNODE_IO_H
#define VFS_CORE_VNODE_IO_H

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stdint.h>

#include "vfs/core/vnode.h"

/* A byte range in transfer; see vnode_io.c. */
struct vn_range {
	uint64_t off, end;         /* [I] end exclusive */
	bool clash;                /* [v] writer, reader: transfer it again */
	LIST_ENTRY(vn_range) link; /* [v] on vnode.pgouts or .readers */
};

static inline struct vm_object *
vnode_object_peek(const struct vnode *vp)
{
	return (__atomic_load_n(&vp->object, __ATOMIC_ACQUIRE));
}

/* Count as a writer: ETXTBSY while the text runs. */
int vn_writer_ref(struct vnode *);
void vn_writer_rele(struct vnode *);

#endif /* VFS_CORE_VNODE_IO_H */
