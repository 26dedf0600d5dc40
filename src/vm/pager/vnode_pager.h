/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The vnode pager: objects whose pages are those of a file.
 */
#ifndef VM_PAGER_VNODE_PAGER_H
#define VM_PAGER_VNODE_PAGER_H

#include "vm/object/vm_object.h"

/*
 * The object of a vnode, made once and kept by the vnode: the caller stores
 * the one ref that is returned (it does not ref the vnode).
 */
int vnode_pager_alloc(struct vm_system *, void *handle,
    const struct vm_vnode_ops *, struct vm_object **);
/* At reclaim of the vnode, when nothing maps it: writes back dirty pages,
 * frees all pages and the owner's ref. */
void vnode_pager_dealloc(struct vm_object *);
/* Write dirty pages of [off, off+len) back (len 0: to the end).  First
 * error is returned, all are tried.  No locks held. */
int vnode_pager_sync(struct vm_object *, uint64_t off, uint64_t len);
/*
 * One cache with read(2)/write(2): copy from resident pages (or not):
 * read: for each byte range of [off, off+len) with a resident valid DIRTY
 *   page copies it over what the caller has read from the file into buf.
 * write: after the file was written, updates resident pages from buf.
 */
void vnode_pager_overlay(
    struct vm_object *, uint64_t off, void *buf, size_t len);
void vnode_pager_update(
    struct vm_object *, uint64_t off, const void *buf, size_t len);
/* The file has a new size: cut pages beyond, zero the tail of the last. */
void vnode_pager_setsize(struct vm_object *, uint64_t size);

/* ---- for faults and for madvise ---- */

/*
 * Fill `n` busy pages of a vnode object, frames and indices consecutive from
 * `run`, by one read.  Caller: no locks, owns a hold and one paging count,
 * which this call ends.  Pages that could be filled become valid, the others
 * are freed; none is busy afterwards.
 * - 0: page number `want` of the run was valid; EIO.
 */
int vnode_pager_fill(
    struct vm_object *, struct vm_page *run, unsigned n, unsigned want);
/* Look at the size of the file again; the same conditions.  0, EIO. */
int vnode_pager_refresh(struct vm_object *, vm_pindex_t want);

#endif /* VM_PAGER_VNODE_PAGER_H */
