/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Scalars and constants of the VM system, and struct vm_system: the VM state
 * of one kernel instance.
 */
#ifndef MEM_VM_TYPES_H
#define MEM_VM_TYPES_H

#include <bsd/sys/queue.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/host.h"
#include "libk/counter.h"
#include "libk/klock.h"
#include "libk/klog.h"
#include "libk/ktrace.h"
#include "mem/kmem.h"

typedef uint64_t vm_offset_t;  /* user virtual address, bytes */
typedef uint64_t vm_ooffset_t; /* offset in an object, bytes */
typedef uint64_t vm_pindex_t;  /* offset in an object, pages */
typedef uint32_t vm_frame_t;   /* frame number in the arena */
typedef uint8_t vm_prot_t;

#define PAGE_SHIFT 12
#define PAGE_SIZE ((uint64_t)1 << PAGE_SHIFT)
#define PAGE_MASK (PAGE_SIZE - 1)
#define trunc_page(x) ((x) & ~PAGE_MASK)
#define round_page(x) (((x) + PAGE_MASK) & ~PAGE_MASK)
#define OFF_TO_IDX(x) ((vm_pindex_t)((x) >> PAGE_SHIFT))
#define IDX_TO_OFF(x) ((vm_ooffset_t)(x) << PAGE_SHIFT)

#define VM_PROT_NONE 0x0
#define VM_PROT_READ 0x1
#define VM_PROT_WRITE 0x2
#define VM_PROT_EXECUTE 0x4
#define VM_PROT_ALL 0x7
/* What memory of protection p allows: on x86-64 a page that can be written or
 * executed can be read. */
#define VM_PROT_USABLE(p) ((p) != VM_PROT_NONE ? (p) | VM_PROT_READ : (p))

/* User addresses: [VM_MIN_ADDRESS, VM_MAX_ADDRESS).  The stub machine lives
 * above, see docs/stub.md. */
#define VM_MIN_ADDRESS ((vm_offset_t)0x10000)
#define VM_MAX_ADDRESS ((vm_offset_t)0x7ffe00000000)

struct pmap_ops;
struct vm_page;
struct vm_object;
struct vmspace;
struct vm_zone;
struct vm_zone_set;
struct vm_phys;
struct vm_pageout;
struct vm_reclaim_ops;
struct vm_entry_ops;
struct swap_space;

TAILQ_HEAD(vm_object_list, vm_object);
TAILQ_HEAD(vmspace_list, vmspace);
TAILQ_HEAD(vm_page_list, vm_page);

/* Event counts of a VM system; see vm_stat_name(). */
enum vm_stat {
	VMST_FAULTS,    /* vm_fault() calls that did something */
	VMST_ZFOD,      /* pages zero-filled on demand */
	VMST_COW,       /* pages copied on write */
	VMST_COW_OPT,   /* write faults that needed no copy */
	VMST_FILE_IN,   /* pages read from files */
	VMST_FILE_OUT,  /* pages written to files */
	VMST_SOFT,      /* page was resident: only a translation was made */
	VMST_AROUND,    /* translations entered around a fault */
	VMST_AHEAD,     /* anonymous pages allocated ahead of a fault */
	VMST_COPYIO,    /* faults taken on behalf of copyin/copyout */
	VMST_SEGV,      /* faults that ended in an error */
	VMST_ENTRIES,   /* mappings refused: VM_MAP_ENTRIES_MAX */
	VMST_COLLAPSE,  /* shadow objects collapsed (pages moved) */
	VMST_BYPASS,    /* shadow objects bypassed */
	VMST_RECLAIM,   /* pages of files given back under pressure */
	VMST_SWAPIN,    /* pages read from swap */
	VMST_SWAPOUT,   /* pages written to swap */
	VMST_SWAPDROP,  /* pages dropped because swap has them already */
	VMST_SWAPFAIL,  /* pages that no area could take, or that were lost */
	VMST_READAHEAD, /* of the pages read from swap: besides the fault's */
	VMST_CACHEOUT,  /* of the pages written to swap: clean ones of files */
	VMST_CACHEIN,   /* of the pages read from swap: pages of files */
	VMST_DEACT,     /* pages unmapped to see whether they are used */
	VMST_SCAN,      /* frames looked at by pageout */
	VMST_OOM,       /* calls of the out-of-memory policy */
	VMST_THRASH,    /* times that guests were found to be thrashing */
	VMST_FORGET,    /* tables given up by a process without budget */
	VMST_FORK,      /* vmspace_fork() calls */
	VMST_N
};

/* See vm_swapcache.c.  Key: [a] atomic, [c] lock */
struct vm_swapcache {
	struct kmutex lock;      /* rank LEAF */
	_Atomic(uint64_t) limit; /* [a] pages, 0: off */
	uint64_t rate;           /* [c] pages a second, 0: no limit */
	uint64_t tokens;         /* [c] pages that may be written now */
	uint64_t filled_ns;      /* [c] when tokens were last added */
	uint64_t estimate;       /* [c] pages of files in swap */
	uint64_t last_id;        /* [c] where the cleaner stopped */
};

/*
 * VM state of one kernel instance.
 * Key: [I] immutable after vm_system_init, [a] atomic, [l] list_lock,
 *      [t] topology
 */
struct vm_system {
	struct host host;                /* [I] */
	const struct klog *log;          /* [I] may be NULL */
	struct ktrace *trace;            /* [I] may be NULL */
	struct vm_zone_set *zones;       /* [I] */
	struct kmem kmem;                /* budgets, see mem/kmem.h */
	struct vm_phys *phys;            /* [I] the arena */
	const struct pmap_ops *pmap_ops; /* [I] machine for new vmspaces */
	void *machine;                   /* [I] argument of pmap_ops->init */

	/* Zones of this layer. */
	struct vm_zone *z_vmspace, *z_entry, *z_object, *z_radix, *z_pmap,
	    *z_pmap_node;           /* [I] */
	const void *radix_alloc;    /* [I] struct radix_alloc on z_radix */
	struct swap_space *swap;    /* [I] may have no area */
	struct vm_pageout *pageout; /* [I] */
	struct vm_swapcache cache;
	uint64_t reserve; /* [I] last frames, see mem/vm_reserve.h */
	uint64_t low;     /* [I] reclaim->low is called below it */
	const struct vm_reclaim_ops *reclaim; /* [I] pageout, or NULL */
	const struct vm_entry_ops *entry_ops; /* [I] vm/map */
	_Atomic(uint64_t) committed;          /* [a] bytes, see vm_commit.c */
	uint64_t commit_max;           /* [I] besides swap; UINT64_MAX: none */
	_Atomic(uint64_t) named_pages; /* [a] of objects with OBJ_CAPPED */
	uint64_t named_max;            /* [I] most of them, 0 no cap */
	_Atomic(bool) any_wired;       /* [a] mlock was used at some time */

	struct kmutex list_lock;       /* rank OBJLIST */
	struct vm_object_list objects; /* [l] every live object */
	struct vmspace_list vmspaces;  /* [l] every vmspace before stage 2 */

	/* Shadow lists and object -> entry lists of all objects. */
	struct kmutex topology; /* rank TOPOLOGY */

	_Atomic(uint64_t) next_id; /* [a] generation ids, never reused */

	/*
	 * Out-of-memory policy, called without locks when a fault for `vm`
	 * finds neither free frames nor anything to reclaim.  0: memory was or
	 * will be freed, try again; ENOMEM: the process of the caller must
	 * die.  NULL: always ENOMEM.
	 */
	int (*oom)(void *arg, struct vmspace *vm); /* [I] */
	void *oom_arg;                             /* [I] */
	/* Swap out a process that does not run; called without locks with
	 * oom_arg; returns frames freed.  May be NULL. */
	uint64_t (*swap_idle)(void *arg); /* [I] */
	/* CPU time of all guests in ns, and what to do when they are thrashing
	 * (vm_stall.c); called by pageout without locks with oom_arg.  Both or
	 * neither may be NULL. */
	uint64_t (*work)(void *arg);  /* [I] */
	void (*thrashing)(void *arg); /* [I] */
	/*
	 * Must the process of the calling thread end?  A long operation then
	 * stops with EINTR, with the rest undone, which that process cannot
	 * see.  Called without locks.  NULL: never.
	 */
	bool (*killed)(void); /* [I] */
	/* The last ref of a vmspace that has `kept` set has gone; its contents
	 * go next.  Called without locks.  Set before there is one. */
	void (*space_gone)(void *arg, struct vmspace *vm); /* [I] */
	void *space_gone_arg;                              /* [I] */

	struct counter stat[VMST_N];
	_Atomic(uint64_t) peak_used; /* [a] most frames in use ever */
};

struct vm_system_config {
	struct host host;
	uint64_t mem;    /* bytes of guest memory, multiple of PAGE_SIZE */
	uint64_t devmem; /* bytes for windows of devices, likewise */
	uint64_t named;  /* bytes of `mem` for tmpfs and shm, 0 no cap */
	uint64_t kmem;   /* bytes of the kernel for guests, 0 no limit */
	uint64_t kfds;   /* descriptors of the host for guests, likewise */
	bool reserve;    /* refuse mappings that memory and swap cannot hold */
	const struct klog *log;
	struct ktrace *trace;
	const struct pmap_ops *pmap_ops;
	void *machine;
	int (*oom)(void *arg, struct vmspace *vm);
	void *oom_arg;
	uint64_t (*swap_idle)(void *arg);
	uint64_t (*work)(void *arg);
	void (*thrashing)(void *arg);
	bool (*killed)(void);
};

/*
 * - Makes zones, arena and locks.  0; ENOMEM, EMFILE, EINVAL (mem is 0, not
 *   page-aligned or above 1 TiB).
 * - The arena fd exists after this call, but `machine` may be set later, as
 *   long as it is set before the first vmspace is created.
 */
int vm_system_init(struct vm_system *, const struct vm_system_config *);
/*
 * KVERIFYs that no vmspace, object or page is left and that the zones of this
 * layer are empty.
 */
void vm_system_destroy(struct vm_system *);

/* Ask between the pieces of a long operation. */
static inline bool
vm_killed(const struct vm_system *sys)
{
	return (sys->killed != NULL && sys->killed());
}

static inline void
vm_stat_add(struct vm_system *sys, enum vm_stat s, int64_t n)
{
	counter_add(&sys->stat[s], n);
}

#endif /* MEM_VM_TYPES_H */
