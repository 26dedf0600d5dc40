/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * VM objects: what is mapped.  An object maps a page index to a resident page
 * or to a block in swap, in one radix index.  Anonymous objects may be backed
 * by another object that they shadow.
 */
#ifndef VM_OBJECT_VM_OBJECT_H
#define VM_OBJECT_VM_OBJECT_H

#include "libk/radix.h"
#include "mem/vm_life.h"
#include "mem/vm_types.h"
#include "vm/object/vm_object_page.h"

enum vm_objtype {
	OBJT_DEFAULT, /* anonymous, nothing was ever swapped */
	OBJT_SWAP,    /* anonymous, swap blocks may be in the index */
	OBJT_VNODE,   /* pages of a file */
	OBJT_DEVICE,  /* pages supplied by a device */
};

#define OBJ_DEAD 0x1   /* stage 1 has begun */
#define OBJ_NAMED 0x2  /* anonymous, shared by name: never collapsed into */
#define OBJ_SYSV 0x4   /* a System V segment: see vm_munmap_sysv() */
#define OBJ_CAPPED 0x8 /* its pages count in sys->named_pages */

struct vm_map_entry;
LIST_HEAD(vm_entry_list, vm_map_entry);
LIST_HEAD(vm_shadow_list, vm_object);

/*
 * What vm knows of a vnode; the vfs registers it.  `h` is the vnode.
 * No vm lock is held during any of these calls.
 */
struct vm_vnode_ops {
	/* Read up to len bytes at off into buf.  *done < len at end of file.
	 * 0, EIO, ... */
	int (*read)(void *h, uint64_t off, void *buf, size_t len, size_t *done);
	int (*write)(
	    void *h, uint64_t off, const void *buf, size_t len, size_t *done);
	int (*size)(void *h, uint64_t *size); /* bytes */
	void (*ref)(void *h);  /* vnode ref, caller owns one via the object */
	void (*rele)(void *h); /* may be called from any thread, may block */
	/* Path of the file for maps, snprintf-like; for messages only. */
	void (*name)(void *h, char *buf, size_t size);
	/* A digest that changes when the file's contents do, as far as its
	 * size and times tell.  NULL: never kept in swap. */
	int (*stamp)(void *h, uint64_t *stamp);
	/* Identity for maps: device, inode. */
	void (*ident)(void *h, uint64_t *dev, uint64_t *ino);
	/* Make whole pages a hole, also those that are resident.  EOPNOTSUPP;
	 * NULL: the same. */
	int (*punch)(void *h, uint64_t off, uint64_t len);
};

/*
 * What vm knows of a device, for OBJT_DEVICE.  No vm lock is held during any
 * of these calls.
 */
struct cdev_pager_ops {
	/* Which frame is page `idx` of the device?  0 and *frame (of the device
	 * part, and in no other object); any errno makes the touch of the
	 * page SIGBUS. */
	int (*fault)(
	    void *dev, vm_pindex_t idx, vm_prot_t access, vm_frame_t *frame);
	/* The object has ended: nothing maps or pages it any more.  May be
	 * NULL. */
	void (*dtor)(void *dev);
};

/*
 * Key: [I] immutable, [a] atomic, [o] lock, [t] sys->topology, [l]
 *      sys->list_lock; [ot] written with both, read with either
 */
struct vm_object {
	struct vm_life life;    /* [a] refs: map entries, shadows, owner */
	struct kmutex lock;     /* rank OBJECT, DUPOK: front before back */
	struct kcond busy_cond; /* busy pages, paging */
	struct vm_system *sys;  /* [I] */
	uint64_t id;            /* [I] generation id */
	enum vm_objtype type;   /* [o] */
	uint32_t flags;         /* [o] OBJ_* */
	vm_pindex_t size;       /* [o] pages; for vnodes as last seen */
	struct radix index;     /* [o] pindex -> page or swap block */
	uint64_t resident;      /* [o] pages in the index */
	uint64_t swapped;       /* [o] swap blocks in the index */
	uint64_t counted;       /* [o] pages in sys->named_pages */
	uint64_t committed;     /* [o] bytes in sys->committed */
	uint64_t cache_stamp;   /* [o] of the file, see vm_swapcache.c */
	uint32_t cache_filled;  /* [o] cache_stamp was taken */
	uint32_t paging;        /* [o] I/O in progress: no collapse, no free */
	uint64_t busy;          /* [o] busy pages in the index */
	struct vm_object *backing;     /* [ot] */
	vm_ooffset_t backing_off;      /* [ot] bytes, of our offset 0 in it */
	uint32_t shadow_count;         /* [ot] objects on `shadows` */
	struct vm_shadow_list shadows; /* [t] objects backed by this */
	LIST_ENTRY(vm_object) shadow_link; /* [t] */
	struct vm_entry_list entries;      /* [t] map entries that name this */
	const struct vm_vnode_ops *vops;   /* [I] OBJT_VNODE */
	const struct cdev_pager_ops *cdev; /* [I] OBJT_DEVICE */
	void *handle;                      /* [I] the vnode or device */
	TAILQ_ENTRY(vm_object) link;       /* [l] */
};

/*
 * A new object with one ref, locked, and on the list of all objects.  Every
 * field is set and the object is locked before it is on the list, so a scanner
 * never finds an incomplete one.  size in pages.  0, ENOMEM.
 */
int vm_object_allocate_hold(
    struct vm_system *, enum vm_objtype, vm_pindex_t size, struct vm_object **);
/* The same, unlocked. */
int vm_object_allocate(
    struct vm_system *, enum vm_objtype, vm_pindex_t size, struct vm_object **);

/* The caller owns a ref (or the lock of something that does).  A ref of an
 * OBJT_VNODE object refs the vnode as well; free releases it. */
void vm_object_ref(struct vm_object *);
/* For the owner of a hold on anonymous memory: false after the last free. */
bool vm_object_tryref(struct vm_object *);
/*
 * Give up a ref.  May free pages, collapse the chain, and do I/O for dirty file
 * pages.
 * - No vm lock may be held by the caller.  All translations to the pages
 *   that came from the caller's use of the object are removed and synced.
 */
void vm_object_free(struct vm_object *);
void vm_object_hold(struct vm_object *);
bool vm_object_tryhold(struct vm_object *);
void vm_object_drop(struct vm_object *);

static inline void
vm_object_lock(struct vm_object *o)
{
	kmutex_lock(&o->lock);
}
static inline bool
vm_object_trylock(struct vm_object *o)
{
	return (kmutex_trylock(&o->lock));
}
static inline void
vm_object_unlock(struct vm_object *o)
{
	kmutex_unlock(&o->lock);
}

/*
 * Put a new shadow in front of en->object, for the range of the entry, and
 * link the entry to it; its ref passes to the shadow.  When the object is
 * private (one ref, anonymous, unnamed) nothing is done.
 * - Map write-locked by the caller; no object lock held.
 * - 0, ENOMEM (nothing changed).
 */
int vm_object_shadow_entry(struct vm_map_entry *en);
/*
 * The same where no entry is linked: put a new shadow in front of *obj at
 * *off for `len` bytes; on success *obj is the shadow (the caller's ref of the
 * old one now belongs to it) and *off is 0.  When *obj is private (one ref,
 * anonymous, unnamed) nothing is done.
 * - No object lock held.  0, ENOMEM (nothing changed).
 */
int vm_object_shadow(struct vm_object **obj, vm_ooffset_t *off, uint64_t len);
/*
 * Shorten the chain behind obj: move pages in or bypass, as cheap.  Any
 * thread, no vm lock held; the caller owns a ref or a hold.  obj may be
 * replaced by its backing object in the map entry that names it.
 */
void vm_object_collapse(struct vm_object *obj);
/* Length of the chain: 1 for an object without backing. */
unsigned vm_object_chain_depth(struct vm_object *obj);
/*
 * Free the pages [start, end) of an anonymous object or drop clean/dirty
 * pages of a file (truncate).  Removes translations everywhere first.
 * - No vm lock held.  Waits for busy pages.
 * - The object is locked for one piece of the range at a time: pages that other
 *   threads add meanwhile may stay.
 */
void vm_object_page_remove(
    struct vm_object *, vm_pindex_t start, vm_pindex_t end);
/*
 * A file has shrunk to `start` pages: as vm_object_page_remove() to the end,
 * and private copies of the pages beyond go as well, in all shadows (a touch
 * is SIGBUS then).  No vm lock held.
 */
void vm_object_truncate(struct vm_object *, vm_pindex_t start);
/*
 * Remove every translation of the page by walking object -> entries and
 * object -> shadows -> entries, and sync.  Object locked and page busy.
 * Never sleeps on a map lock: uses the topology lock.
 */
void vm_page_remove_all(struct vm_page *);
/* The same, but only drops write permission. */
void vm_page_protect_all(struct vm_page *);

/* Object locked.  Read elsewhere under the lock, or by the reverse mapping
 * without it, to which a value that is just changing makes no difference. */
static inline void
vm_object_set_size(struct vm_object *o, vm_pindex_t size)
{
	__atomic_store_n(&o->size, size, __ATOMIC_RELAXED);
}

/*
 * Memory that outlives the processes that use it, of tmpfs files and System V
 * segments, has one cap in a kernel, because the end of a process would not
 * free it.  Such an object is OBJ_CAPPED.
 * - count: bring sys->named_pages up to date.  Object locked.
 * - full: may it get no more pages?
 */
static inline void
vm_object_count_named(struct vm_object *o)
{
	uint64_t now = o->resident + o->swapped;

	kmutex_assert_owned(&o->lock);
	atomic_fetch_add_explicit(
	    &o->sys->named_pages, now - o->counted, memory_order_relaxed);
	o->counted = now;
}
static inline bool
vm_object_named_full(const struct vm_system *sys)
{
	return (sys->named_max != 0 &&
		atomic_load_explicit(&sys->named_pages, memory_order_relaxed) >=
		    sys->named_max);
}

/* Is the object mapped by an entry that is shared and may be made writable?  No
 * lock of this rank or above is held. */
bool vm_object_shared_writable(struct vm_object *);
/* Smallest index >= *idx with a page, in memory or swap.  Object locked. */
bool vm_object_next_data(const struct vm_object *, vm_pindex_t *idx);
/* Charge more bytes for the object, given back when it ends (vm_commit.h).
 * Object locked.  0, ENOMEM. */
int vm_object_commit(struct vm_object *, uint64_t bytes);

/* Is there neither a page nor a block?  Object locked. */
static inline bool
vm_object_empty_at(const struct vm_object *o, vm_pindex_t idx)
{
	return (radix_lookup(&o->index, idx) == 0);
}

#endif /* VM_OBJECT_VM_OBJECT_H */
