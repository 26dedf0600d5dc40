/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Inside of pageout: vm_pageout.c (when to scan), vm_pageout_scan.c
 * (which pages) and vm_pageout_page.c (how pages leave).
 */
#ifndef VM_PAGEOUT_VM_PAGEOUT_INT_H
#define VM_PAGEOUT_VM_PAGEOUT_INT_H

#include "vm/swap/swap_space.h"
#include "vm/object/vm_object_int.h"
#include "vm/pageout/vm_stall.h"

#define PAGEOUT_DEPTH 8 /* clusters being written at a time */

/* How hard a scan tries; each level includes the levels before it. */
enum pageout_level {
	PAGEOUT_CLEAN, /* not used lately, and nothing to write */
	PAGEOUT_IDLE,  /* not used lately */
	PAGEOUT_QUICK, /* unmapped, or not used since the last look */
	PAGEOUT_ANY,   /* all that can be freed */
};

/* Pages of one object on their way to swap. */
struct pageout_cluster {
	struct swap_write req;
	struct vm_object *o; /* held, counts one paging */
	unsigned n;
	struct vm_page *page[SWAP_CLUSTER]; /* busy */
};

/* Key: [I] immutable, [p] lock, [s] the thread that has set `scanning`, [a]
 * atomic */
struct vm_pageout {
	struct vm_system *sys;      /* [I] */
	struct kmutex lock;         /* rank LEAF */
	struct kcond work;          /* for the daemon */
	struct kcond done;          /* progress, or the end of a scan */
	struct host_thread *thread; /* [I] the daemon, or NULL */
	bool stop;                  /* [p] */
	bool started;               /* [I] after vm_pageout_start() */
	bool scanning;              /* [p] a thread scans */
	_Atomic(bool) woken;        /* [a] the daemon has work */
	uint64_t ended;             /* [p] scans that have ended */
	uint64_t freed;             /* [p] frames ever freed by scans */
	uint32_t waiting;           /* [p] threads that wait for frames */
	struct vm_stall stall;
	/* The hands: frame numbers. */
	uint64_t front, back, clean; /* [s] */
	uint64_t lead;               /* [s] frames the front hand is ahead */
	struct swap_writer *writer;  /* [s] NULL: none was needed, or
					could be made */
	struct pageout_cluster cluster[PAGEOUT_DEPTH]; /* [s] */
	struct pageout_cluster *spare[PAGEOUT_DEPTH];  /* [s] */
	unsigned nspare;                               /* [s] */
};

/* One scan, or one request to page out a range. */
struct pageout_ctx {
	struct vm_system *sys;
	struct vm_pageout *po; /* NULL: write synchronously */
	enum pageout_level level;
	uint64_t want;
	uint64_t freed;
	uint64_t inflight; /* pages being written */
	bool no_swap;      /* nothing more could be stored */
};

/* ---- vm_pageout_page.c ---- */

/*
 * Page out what the level allows of the object's pages [lo, hi), at most one
 * cluster.  Object locked by the caller, which owns a hold; it is unlocked and
 * locked again if there is something to write.
 */
void pageout_cluster(
    struct pageout_ctx *, struct vm_object *, vm_pindex_t lo, vm_pindex_t hi);
/* Finish writes: those that are done, or all.  No locks held. */
void pageout_reap(struct pageout_ctx *, bool all);
/* Could the page be taken at this level?  Object locked. */
bool pageout_wants(struct pageout_ctx *, struct vm_page *);

/* ---- vm_pageout_scan.c ---- */

/* Until ctx->want frames are freed or all was seen.  Called by the owner of
 * `scanning`, no locks held. */
void pageout_scan(struct pageout_ctx *, enum pageout_level max);

#endif /* VM_PAGEOUT_VM_PAGEOUT_INT_H */
