/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Swap space: areas, their blocks, and the transfer of pages to and from
 * them.  It knows pages only as 4096 bytes of memory, and nothing of objects;
 * swap_pager.c is its user.  Files: swap_space.c (areas, blocks),
 * swap_io.c (transfers), swap_zpool.c (compressed memory).
 */
#ifndef VM_SWAP_SWAP_SPACE_H
#define VM_SWAP_SWAP_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/host.h"
#include "libk/klog.h"

/*
 * One page in swap: area number (1..SWAP_AREAS) in bits 48..55, block in that
 * area below.  0 is no block.  Fits into 62 bits, so that an object's index
 * can tag it.
 */
typedef uint64_t swblk_t;
#define SWBLK_NONE ((swblk_t)0)
#define SWAP_AREAS 32
#define SWBLK_AREA(b) ((unsigned)((b) >> 48) & 0xff)
#define SWBLK_BLOCK(b) ((b) & (((uint64_t)1 << 48) - 1))

/* Pages in one transfer. */
#define SWAP_CLUSTER 32

enum swap_kind {
	SWAP_FILE, /* file or block device */
	SWAP_LZ4,  /* compressed memory of the host */
	SWAP_ZSTD,
};

/* Deliberate faults, for tests: every n-th transfer; 0: never. */
struct swap_inject {
	uint32_t write_eio;
	uint32_t write_enospc;
	uint32_t write_torn; /* half of it is written, success reported */
	uint32_t read_eio;
	uint32_t damage;  /* a bit of what was written is flipped */
	uint32_t read_ms; /* each read takes so many milliseconds longer */
};

struct swap_area_config {
	enum swap_kind kind;
	int fd;           /* FILE: open read-write; the area takes it over on
			     success.  Its contents are overwritten. */
	uint64_t size;    /* bytes, rounded down to pages: how much guest memory
			     fits.  Compressed areas never use more host memory
			     than that, and usually a third. */
	int priority;     /* higher first; equal ones are striped */
	const char *name; /* for messages and /proc/swaps; copied */
	struct swap_inject inject;
};

struct swap_area_stat {
	unsigned area;
	enum swap_kind kind;
	char name[64];
	int priority;
	bool draining;
	uint64_t size, used; /* bytes of guest memory */
	uint64_t stored;     /* bytes used: compressed size, or = used */
	uint64_t pages_in, pages_out, reads, writes;           /* transfers */
	uint64_t write_errors, read_errors, damaged, rejected; /* pages;
	    rejected: incompressible, passed on */
};

struct swap_space;
struct swap_writer;

/* An empty space.  0, ENOMEM. */
int swap_space_create(struct host, const struct klog *, struct swap_space **);
/* Closes all areas.  KVERIFYs that every block is free. */
void swap_space_destroy(struct swap_space *);

/*
 * Add an area.
 * - Any thread, no locks held.
 * - 0 and *area (1..SWAP_AREAS, the lowest free number); EINVAL (size below
 *   one page or above 1 TiB, bad kind, descriptor not open for reading and
 *   writing), EOPNOTSUPP (the codec was not built), ENOMEM, ENOSPC
 *   (SWAP_AREAS are in use).
 */
int swap_area_add(
    struct swap_space *, const struct swap_area_config *, unsigned *area);
/*
 * swapoff, in steps: after begin no block of the area is handed out any more
 * (blocks of transfers under way may still become used: they count as used
 * from their allocation on).  Free what is used, then remove; or cancel.
 * begin: 0, ENOENT, EBUSY (already draining).  remove: 0, EBUSY (blocks in
 * use; still draining).
 */
int swap_area_drain_begin(struct swap_space *, unsigned area);
void swap_area_drain_cancel(struct swap_space *, unsigned area);
int swap_area_remove(struct swap_space *, unsigned area);

/* Pages that could be stored now / are stored, all areas.  No lock. */
uint64_t swap_space_free(const struct swap_space *);
uint64_t swap_space_used(const struct swap_space *);
uint64_t swap_space_size(const struct swap_space *);
/* Area number >= *area that exists: true, *area and *st set. */
bool swap_area_stat(
    struct swap_space *, unsigned *area, struct swap_area_stat *st);

/*
 * Free n blocks in a row.  Never fails, does not block for I/O.  Locks up to
 * rank PMAP may be held.
 */
void swap_free(struct swap_space *, swblk_t first, unsigned n);

/* ---- writing ---- */

/*
 * A request: n pages to store, anywhere.  The caller fills n and page[]; the
 * pages must stay readable, and unchanged, until the request is done.
 */
struct swap_write {
	unsigned n; /* 1..SWAP_CLUSTER */
	void *page[SWAP_CLUSTER];
	/* Set when done: where each page is, SWBLK_NONE where it could not be
	 * stored (no space, or every area failed). */
	swblk_t blk[SWAP_CLUSTER];
	void *arg; /* the caller's */
	/* Private to swap_io.c. */
	void *priv;
};

/*
 * A writer owns the requests it has in flight, and is used by one thread at a
 * time.  `depth` requests (1..64) can be in flight at once; with `sync`,
 * or where the host refuses io_uring, they are written one after the other when
 * submitted. 0, ENOMEM.
 */
int swap_writer_create(
    struct swap_space *, unsigned depth, bool sync, struct swap_writer **);
/* Nothing may be in flight. */
void swap_writer_destroy(struct swap_writer *);
/*
 * Start a request.  EAGAIN: depth requests are in flight, reap first.  0: it
 * will be given by reap, perhaps at once.
 *
 * Where pages go: areas by priority, equal ones in turn, a cluster in a row of
 * blocks as long as can be had.  A compressed area rejects a page that does
 * not shrink to 3/4; it then goes to the next area, and only when no other
 * takes it is it stored in the compressed one as it is.  Pages of a failed
 * write are tried on the other areas; an area that has failed is asked last
 * for a while.
 */
int swap_write_submit(struct swap_writer *, struct swap_write *);
/* The next finished request, or NULL: none in flight, or (wait false) none
 * finished yet. */
struct swap_write *swap_write_reap(struct swap_writer *, bool wait);
/* Both in one, for one request and no writer: synchronous. */
void swap_write_sync(struct swap_space *, struct swap_write *);

/* ---- reading ---- */

/*
 * Read n blocks in a row (1..SWAP_CLUSTER) into page[0..n-1], each 4096 bytes,
 * and check them.  The blocks must be in use and stay so.
 * - No locks held; blocks for I/O.
 * - err[i]: 0, EIO (read error), EBADMSG (checksum: damaged, torn or
 *   misplaced).  Contents of a page with an error are undefined.  Errors are
 *   logged, one line a second for each area at most.
 */
void swap_read(struct swap_space *, swblk_t first, unsigned n,
    void *const *page, int *err);

#endif /* VM_SWAP_SWAP_SPACE_H */
