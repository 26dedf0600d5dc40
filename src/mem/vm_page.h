/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Physical memory: the arena (struct vm_phys), and struct vm_page, one cache
 * line for each frame.  Pages of objects: vm/object/vm_object_page.h.  Frames
 * when memory is short: mem/vm_reserve.h.
 */
#ifndef MEM_VM_PAGE_H
#define MEM_VM_PAGE_H

#include "mem/vm_types.h"

#define VM_PHYS_DEVRUNS 64 /* runs of device frames at a time */
#define VM_PHYS_ORDERS 10  /* runs of 1 << 0 .. 1 << 9 frames */

/* vm_page.flags, under the object lock */
#define PG_BUSY 0x01   /* in transit: I/O or COW copy; owner is one thread */
#define PG_WANTED 0x02 /* a thread waits for PG_BUSY on object->busy_cond */
#define PG_DIRTY 0x04  /* differs from its file */
#define PG_ZEROED 0x08 /* free frame known to read as zero */
#define PG_MAPPED 0x10 /* a translation may exist in some pmap */
#define PG_VALID 0x20  /* contents are what they should be */
#define PG_FICTITIOUS 0x40 /* device page, no arena frame */
#define PG_RETURNED 0x80   /* came back from swap, see vm_stall.c */

/* vm_page.free */
#define PHYS_USED 0    /* handed out, or fresh */
#define PHYS_HEAD 1    /* head of a free run, on freelist[order] */
#define PHYS_HOTFREE 2 /* single free frame on the hot list */
#define PHYS_INNER 3   /* inside a free run */

/* vm_page.hold: the number of holds, and this bit when freed while held */
#define PG_HOLD_FREE ((uint32_t)1 << 31)

/*
 * Key: [o] lock of the object that owns the page, [a] atomic, [f] vm_phys lock
 *      while free
 */
struct vm_page {
	_Alignas(64) struct vm_object *object; /* [o] NULL: free or orphan */
	vm_pindex_t pindex;                    /* [o] */
	TAILQ_ENTRY(vm_page) link;             /* [f] */
	uint32_t flags;                        /* [o] PG_* */
	_Atomic(uint32_t) hold;                /* [a] pins; see above */
	uint32_t wire;                         /* [o] */
	uint8_t order;                         /* [f] */
	uint8_t free;                          /* [f] PHYS_* */
	uint8_t act; /* [o] activity, see vm_pageout.c */
	/* Block with the same contents, or 0.  While it is set no translation
	 * allows writing: vm_page_dirty() frees the block first. */
	uint64_t swap; /* [o] swblk_t */
};

_Static_assert(sizeof(struct vm_page) == 64, "vm_page is one cache line");

/*
 * The arena.  `pages` and `base` are [I]; frame f is at base + f * PAGE_SIZE.
 */
struct vm_phys {
	struct kmutex lock;      /* rank PHYS */
	struct host host;        /* [I] */
	int fd;                  /* [I] arena descriptor, -1 on host_fake */
	char *base;              /* [I] mapping in this process */
	struct vm_page *pages;   /* [I] */
	uint64_t npages;         /* [I] frames of guest memory */
	uint64_t ndev;           /* [I] frames behind them, for devices */
	_Atomic(uint64_t) nfree; /* [a] free frames, thread caches included */
	struct vm_page_list freelist[VM_PHYS_ORDERS]; /* under lock */
	struct vm_page_list hot; /* under lock: freed last, not merged yet */
	uint32_t nhot;           /* under lock */
	/* Frames from here on were never handed out: zero, and not backed by
	 * the host. */
	uint64_t fresh; /* under lock */
	/* Frames below this one have memory of the host, or had their chance:
	 * up to PHYS_AHEAD - 1 more than were handed out. */
	uint64_t populated; /* under lock */
	/* Runs of the device part in use, in order, from its start. The arena
	 * ends behind the last one. */
	unsigned ndevruns; /* under lock */
	struct {
		uint64_t first, n;
	} devrun[VM_PHYS_DEVRUNS]; /* under lock */
};

/* mem bytes for guests, devmem bytes for devices (vm_phys_device.c). */
int vm_phys_create(
    struct host, uint64_t mem, uint64_t devmem, struct vm_phys **);
/* All frames must be free (KVERIFY). */
void vm_phys_destroy(struct vm_phys *);

static inline vm_frame_t
vm_page_frame(const struct vm_phys *ph, const struct vm_page *m)
{
	return ((vm_frame_t)(m - ph->pages));
}
static inline void *
vm_page_ptr(const struct vm_phys *ph, const struct vm_page *m)
{
	return (ph->base + (uint64_t)(m - ph->pages) * PAGE_SIZE);
}
static inline struct vm_page *
vm_phys_page(const struct vm_phys *ph, vm_frame_t f)
{
	return (&ph->pages[f]);
}

/*
 * Allocate a naturally aligned run of 1 << order frames; the first page is
 * returned, the others follow it in the array.  Every page: object NULL,
 * hold 0, wire 0, flags 0 or PG_ZEROED (reads as zero).
 * - NULL when no such run is free (a smaller order may succeed).
 * - Does not block, does not reclaim.  Any locks up to PMAP may be held.
 */
struct vm_page *vm_phys_alloc(struct vm_phys *, unsigned order);
/*
 * Give back single frames (of any earlier run; buddies coalesce).  The page
 * must be unmapped everywhere, out of its object, hold 0.
 */
void vm_phys_free(struct vm_phys *, struct vm_page *);
void vm_phys_free_run(struct vm_phys *, struct vm_page *, unsigned npages);
/* Give the memory of free 2 MiB runs back to the host; returns bytes. */
uint64_t vm_phys_trim(struct vm_phys *);

/* ---- frames of devices (vm_phys_device.c) ---- */

/* Allocate a run of frames of the device part, zeroed at first use.  0,
 * ENOMEM, EINVAL.  *base is their address in the kernel process. */
int vm_phys_device_alloc(
    struct vm_phys *, uint64_t npages, vm_frame_t *first, void **base);
/* No object may have them any more; the host gets the memory back. */
void vm_phys_device_free(struct vm_phys *, vm_frame_t first, uint64_t npages);

/* ---- pages (vm_page.c) ---- */

/*
 * The page leaves its object, or the object that it belonged to is taken
 * apart: it has no owner any more.  True: the caller must free the frame;
 * false: the last unhold frees it.
 * - Lock of its object held, page not busy; the caller removes the page from
 *   the index.
 */
bool vm_page_orphan(struct vm_page *);

/*
 * Pin: the frame keeps its contents' storage until unhold, even when the
 * page is freed.  Legal under the object lock or the pmap lock of a pmap
 * that translates to it, or for the owner of another hold.
 */
void vm_page_hold(struct vm_page *);
void vm_page_unhold(struct vm_phys *, struct vm_page *);

/*
 * Zero a run of busy pages, in two steps, because the flags need the object
 * lock and zeroing should not have it.  prepare: object locked; notes in
 * map[] (bit i of word i / 64) what is not known to read as zero, and drops
 * PG_ZEROED.  zero_run: any locks or none.
 */
#define VM_PAGE_RUN_WORDS (((size_t)1 << (VM_PHYS_ORDERS - 1)) / 64)
void vm_page_zero_prepare(
    struct vm_page *run, unsigned n, uint64_t map[VM_PAGE_RUN_WORDS]);
void vm_page_zero_run(struct vm_phys *, struct vm_page *run, unsigned n,
    const uint64_t map[VM_PAGE_RUN_WORDS]);

#endif /* MEM_VM_PAGE_H */
