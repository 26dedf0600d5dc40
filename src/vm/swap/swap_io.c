/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Transfers of pages to and from swap.
 *
 * Purpose: to store clusters of pages in any area that works, and to bring them
 * back unchanged or report an error.
 *
 * Concepts.  A request goes from area to area until all of its pages have a
 * place or no area is left:
 *
 *	file	    runs of blocks in a row, each one write; several requests
 *		    of a writer are in flight at once
 *	compressed  page by page, done when submitted; what does not shrink
 *		    goes on to the next area
 *	raw	    a last round: compressed areas take what is left
 *
 * Pages of a write that failed lose their blocks and go on to the areas that
 * were not tried yet; the area is used last for a while.
 *
 * Each block has a checksum in the kernel's memory: XXH3 of the contents with
 * the block's number as seed, so that a block which was damaged, torn, never
 * written or written elsewhere is found when it is read.  Bit 0 of the word
 * says "all zeroes": such a page is not transferred at all unless it lies
 * inside a run.
 *
 * Locking and lifetime.  A writer belongs to one thread; its requests are on
 * lists of its own.  Blocks of a request are its own until it is given back.
 * No lock is held during a transfer.
 *
 * Guarantees.  Each request is given back, with each page either stored or
 * SWBLK_NONE, and no block is leaked.  A page that swap_read() reports as good
 * has the bytes that were written.
 *
 * Limits.  The checksum is not a secret: it protects against errors, not
 * against an attacker that can write to the swap device.
 */
#include "vm/swap/swap_space.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "host/host_file.h"
#include "host/host_ring.h"
#include "libk/kassert.h"
#include "vm/swap/swap_int.h"

#define SUM_ZERO UINT64_C(1)
#define RING_RUNS 4 /* runs in flight for each request, on average */
#define LOG_NS UINT64_C(1000000000)

_Static_assert(SWAP_CLUSTER <= 32, "masks are 32 bits");

/* One write: pages in a row of blocks. */
struct swap_run {
	struct swap_rq *rq;
	swblk_t first;
	unsigned n;
	uint8_t page[SWAP_CLUSTER]; /* which of the request */
};

/* Key: all of it belongs to the writer's thread. */
struct swap_rq {
	struct swap_rq *next; /* in a list */
	struct swap_write *req;
	uint32_t todo;     /* pages without a place */
	uint64_t tried;    /* areas that did not take them */
	unsigned inflight; /* runs being written */
	bool working;      /* rq_work() is at it */
	unsigned nruns;
	struct swap_run run[SWAP_CLUSTER];
};

struct swap_writer {
	struct swap_space *ss;
	struct host_ring *ring; /* NULL: write at once */
	unsigned depth;
	struct swap_rq *rqs;   /* depth of them */
	struct swap_rq *spare; /* list */
	struct swap_rq *done;  /* list, newest first */
	struct swap_rq **tail; /* of done: oldest first */
	struct swap_rq *again; /* list: runs are over, pages are left */
	unsigned active;       /* submitted, not reaped */
};

/* ---- messages and faults on purpose ---- */

static void
area_log(struct swap_space *ss, struct swap_area *a, const char *what,
    int error, uint64_t block)
{
	uint64_t now = host_now_ns(), last = atomic_load(&a->log_ns);

	if ((last != 0 && now - last < LOG_NS) ||
	    !atomic_compare_exchange_strong(&a->log_ns, &last, now))
		return;
	klog(ss->log, KLOG_WARN, "swap %s: %s block %llu: %s", a->name, what,
	    (unsigned long long)block, strerror(error));
}

static bool
inject(uint64_t count, uint32_t every)
{
	return (every != 0 && count % every == 0);
}

/* ---- contents ---- */

static bool
page_is_zero(const void *page)
{
	const uint64_t *w = page;

	if (w[0] != 0)
		return (false);
	return (memcmp(w, w + 1, SWAP_PAGE - sizeof(*w)) == 0);
}

static uint64_t
page_sum(const void *page, uint64_t block)
{
	return (XXH3_64bits_withSeed(page, SWAP_PAGE, block + 1) & ~SUM_ZERO);
}

/* ---- writing ---- */

static int
write_all(int fd, const struct host_iovec *iov, int n, uint64_t off)
{
	size_t done = 0, len = (size_t)n * SWAP_PAGE, in;
	int error = host_pwritev(fd, iov, n, off, &done);

	/* Short: what is left, page by page. */
	while (error == 0 && done < len) {
		in = done % SWAP_PAGE;
		error = host_pwrite_full(fd,
		    (char *)iov[done / SWAP_PAGE].base + in, SWAP_PAGE - in,
		    off + done);
		done += SWAP_PAGE - in;
	}
	return (error);
}

/* The run is over: its pages have a place, or not yet. */
static void
run_done(struct swap_writer *w, struct swap_run *run, int error)
{
	struct swap_rq *rq = run->rq;
	struct swap_area *a = swap_area_of(w->ss, run->first);

	rq->inflight--;
	if (error == 0) {
		for (unsigned i = 0; i < run->n; i++)
			rq->req->blk[run->page[i]] = run->first + i;
		atomic_fetch_add(&a->pages_out, run->n);
	} else {
		for (unsigned i = 0; i < run->n; i++)
			rq->todo |= UINT32_C(1) << run->page[i];
		rq->tried |= UINT64_C(1) << a->nr;
		atomic_fetch_add(&a->write_errors, run->n);
		area_log(w->ss, a, "write of", error, SWBLK_BLOCK(run->first));
		swap_area_bad(w->ss, a);
		swap_free(w->ss, run->first, run->n);
	}
}

/* Damage what a run has written, if fault injection says so. */
static void
run_spoil(struct swap_area *a, const struct swap_run *run, uint64_t count)
{
	static const char garbage[SWAP_PAGE / 2] = "spoiled";
	uint64_t off = SWBLK_BLOCK(run->first) * SWAP_PAGE;

	if (inject(count, a->inject.write_torn))
		(void)host_pwrite_full(a->fd, garbage, sizeof(garbage),
		    off + run->n * SWAP_PAGE - sizeof(garbage));
	if (inject(count, a->inject.damage))
		(void)host_pwrite_full(a->fd, garbage, 1, off + 100);
}

static bool
run_all_zero(const struct swap_area *a, const struct swap_run *run)
{
	for (unsigned i = 0; i < run->n; i++)
		if (a->sum[SWBLK_BLOCK(run->first) + i] != SUM_ZERO)
			return (false);
	return (true);
}

static void reap_one(struct swap_writer *w);

static void
run_start(struct swap_writer *w, struct swap_area *a, struct swap_run *run)
{
	struct host_iovec iov[SWAP_CLUSTER];
	uint64_t count = atomic_fetch_add(&a->nwrites, 1) + 1;
	uint64_t off = SWBLK_BLOCK(run->first) * SWAP_PAGE;
	struct swap_write *req = run->rq->req;
	bool spoil = a->inject.write_torn != 0 || a->inject.damage != 0;
	int error;

	run->rq->inflight++;
	for (unsigned i = 0; i < run->n; i++) {
		iov[i].base = req->page[run->page[i]];
		iov[i].len = SWAP_PAGE;
	}
	if (inject(count, a->inject.write_eio))
		error = EIO;
	else if (inject(count, a->inject.write_enospc))
		error = ENOSPC;
	else if (run_all_zero(a, run))
		error = 0;
	else if (w->ring == NULL || spoil) {
		error = write_all(a->fd, iov, (int)run->n, off);
		atomic_fetch_add(&a->writes, 1);
		if (error == 0)
			run_spoil(a, run, count);
	} else {
		atomic_fetch_add(&a->writes, 1);
		while ((error = host_ring_pwritev(w->ring, a->fd, iov,
			    (int)run->n, off, run)) == EAGAIN)
			reap_one(w);
		if (error == 0)
			return;
	}
	run_done(w, run, error);
}

/* Store what is left of the request in a file area, as far as there is room. */
static void
rq_to_file(struct swap_writer *w, struct swap_rq *rq, struct swap_area *a)
{
	struct swap_run *run;
	unsigned n;

	while (rq->todo != 0) {
		/* Runs are never used twice: a request of n pages that was
		 * written in r runs and failed has been in at most n. */
		if (rq->nruns == SWAP_CLUSTER) {
			if (rq->inflight != 0)
				return;
			rq->nruns = 0;
		}
		run = &rq->run[rq->nruns];
		n = (unsigned)__builtin_popcount(rq->todo);
		run->n = swap_area_alloc(w->ss, a, n, &run->first);
		if (run->n == 0)
			break;
		run->rq = rq;
		rq->nruns++;
		for (unsigned i = 0; i < run->n; i++) {
			unsigned p = (unsigned)__builtin_ctz(rq->todo);
			const void *page = rq->req->page[p];
			uint64_t block = SWBLK_BLOCK(run->first) + i;

			rq->todo &= rq->todo - 1;
			run->page[i] = (uint8_t)p;
			a->sum[block] = page_is_zero(page)
					    ? SUM_ZERO
					    : page_sum(page, block);
		}
		run_start(w, a, run);
		if ((rq->tried >> a->nr & 1) != 0)
			return; /* it has failed already */
	}
	if (rq->todo != 0)
		rq->tried |= UINT64_C(1) << a->nr;
}

/* One page to a compressed area.  False: it does not take it. */
static bool
page_to_zpool(struct swap_writer *w, struct swap_area *a, const void *page,
    bool raw, swblk_t *blk)
{
	uint64_t count = atomic_fetch_add(&a->nwrites, 1) + 1, block;
	bool zero = page_is_zero(page);
	int error = 0;

	if (swap_area_alloc(w->ss, a, 1, blk) == 0)
		return (false);
	block = SWBLK_BLOCK(*blk);
	if (inject(count, a->inject.write_eio))
		error = EIO;
	else if (inject(count, a->inject.write_enospc))
		error = ENOSPC;
	else if (!zero)
		error = swap_zpool_store(a->zpool, block, page, raw);
	if (error != 0) {
		swap_free(w->ss, *blk, 1);
		*blk = SWBLK_NONE;
		atomic_fetch_add(
		    error == E2BIG ? &a->rejected : &a->write_errors, 1);
		return (false);
	}
	a->sum[block] = zero ? SUM_ZERO : page_sum(page, block);
	if (inject(count, a->inject.damage) ||
	    inject(count, a->inject.write_torn))
		swap_zpool_damage(a->zpool, block);
	atomic_fetch_add(&a->pages_out, 1);
	return (true);
}

static void
rq_to_zpool(
    struct swap_writer *w, struct swap_rq *rq, struct swap_area *a, bool raw)
{
	uint32_t left = rq->todo;

	for (; left != 0; left &= left - 1) {
		unsigned p = (unsigned)__builtin_ctz(left);

		if (page_to_zpool(
			w, a, rq->req->page[p], raw, &rq->req->blk[p]))
			rq->todo &= ~(UINT32_C(1) << p);
	}
	atomic_fetch_add(&a->writes, 1);
	rq->tried |= UINT64_C(1) << a->nr;
}

static void
rq_finish(struct swap_writer *w, struct swap_rq *rq)
{
	rq->next = NULL;
	*w->tail = rq;
	w->tail = &rq->next;
}

/* Go on with a request of which nothing is in flight. */
static void
rq_work(struct swap_writer *w, struct swap_rq *rq)
{
	struct swap_area *a;
	bool raw = false;

	rq->working = true;
	while (rq->todo != 0) {
		if (!swap_area_choose(w->ss, rq->tried, raw, &a)) {
			if (raw)
				break;
			raw = true;
			rq->tried = 0;
			continue;
		}
		if (a->zpool != NULL)
			rq_to_zpool(w, rq, a, raw);
		else
			rq_to_file(w, rq, a);
		swap_area_release(w->ss, a);
		if (rq->inflight != 0)
			break; /* the last run goes on */
	}
	rq->working = false;
	if (rq->inflight == 0)
		rq_finish(w, rq);
}

/* A run of the ring has ended; its request may need more work. */
static void
run_reaped(struct swap_writer *w, struct swap_run *run, int error)
{
	struct swap_rq *rq = run->rq;

	run_done(w, run, error);
	if (rq->inflight == 0 && !rq->working) {
		rq->next = w->again;
		w->again = rq;
	}
}

/* Wait for one write of the ring, there is one. */
static void
reap_one(struct swap_writer *w)
{
	void *token;
	int error;
	bool ok = host_ring_reap(w->ring, true, &token, &error);

	KVERIFY(ok);
	run_reaped(w, token, error);
}

static void
work_again(struct swap_writer *w)
{
	struct swap_rq *rq;

	while ((rq = w->again) != NULL) {
		w->again = rq->next;
		rq_work(w, rq);
	}
}

int
swap_write_submit(struct swap_writer *w, struct swap_write *req)
{
	struct swap_rq *rq = w->spare;

	KASSERT(req->n >= 1 && req->n <= SWAP_CLUSTER);
	if (rq == NULL)
		return (EAGAIN);
	w->spare = rq->next;
	w->active++;
	rq->req = req;
	req->priv = rq;
	rq->todo = req->n == 32 ? UINT32_MAX : (UINT32_C(1) << req->n) - 1;
	rq->tried = 0;
	rq->inflight = 0;
	rq->nruns = 0;
	for (unsigned i = 0; i < req->n; i++)
		req->blk[i] = SWBLK_NONE;
	rq_work(w, rq);
	work_again(w);
	return (0);
}

struct swap_write *
swap_write_reap(struct swap_writer *w, bool wait)
{
	struct swap_rq *rq;
	void *token;
	int error;

	while (w->done == NULL && w->active != 0) {
		KASSERT(w->ring != NULL);
		if (!host_ring_reap(w->ring, wait, &token, &error))
			return (NULL);
		run_reaped(w, token, error);
		work_again(w);
	}
	rq = w->done;
	if (rq == NULL)
		return (NULL);
	w->done = rq->next;
	if (w->done == NULL)
		w->tail = &w->done;
	w->active--;
	rq->next = w->spare;
	w->spare = rq;
	return (rq->req);
}

int
swap_writer_create(
    struct swap_space *ss, unsigned depth, bool sync, struct swap_writer **out)
{
	struct swap_writer *w;

	KASSERT(depth >= 1 && depth <= 64);
	w = calloc(1, sizeof(*w));
	if (w == NULL)
		return (ENOMEM);
	w->ss = ss;
	w->depth = depth;
	w->tail = &w->done;
	w->rqs = calloc(depth, sizeof(*w->rqs));
	if (w->rqs == NULL ||
	    host_ring_create(depth * RING_RUNS, sync, &w->ring) != 0) {
		free(w->rqs);
		free(w);
		return (ENOMEM);
	}
	for (unsigned i = 0; i < depth; i++) {
		w->rqs[i].next = w->spare;
		w->spare = &w->rqs[i];
	}
	*out = w;
	return (0);
}

void
swap_writer_destroy(struct swap_writer *w)
{
	KVERIFY(w->active == 0);
	host_ring_destroy(w->ring);
	free(w->rqs);
	free(w);
}

void
swap_write_sync(struct swap_space *ss, struct swap_write *req)
{
	struct swap_rq rq = {.next = NULL};
	struct swap_writer w = {.ss = ss, .spare = &rq};
	int error;

	w.tail = &w.done;
	error = swap_write_submit(&w, req);
	KVERIFY(error == 0 && w.done == &rq);
}

/* ---- reading ---- */

/* Read a run of a file area; err[] for each page. */
static void
read_file(struct swap_area *a, uint64_t block, unsigned n, void *const *page,
    int *err)
{
	struct host_iovec iov[SWAP_CLUSTER] = {{.len = 0}};
	uint64_t off = block * SWAP_PAGE;
	size_t done = 0;
	int error;

	for (unsigned i = 0; i < n; i++) {
		iov[i].base = page[i];
		iov[i].len = SWAP_PAGE;
		err[i] = 0;
	}
	error = host_preadv(a->fd, iov, (int)n, off, &done);
	if (error == 0 && done == n * SWAP_PAGE)
		return;
	/* Which of them? */
	for (unsigned i = 0; i < n; i++) {
		error = host_pread_full(
		    a->fd, page[i], SWAP_PAGE, off + i * SWAP_PAGE, &done);
		if (error == 0 && done < SWAP_PAGE)
			/* The file ends here: a hole that was never written. */
			memset((char *)page[i] + done, 0, SWAP_PAGE - done);
		err[i] = error;
	}
}

/* The first of the blocks that is not a zero page, n if all are. */
static unsigned
first_data(const struct swap_area *a, uint64_t block, unsigned n)
{
	unsigned i = 0;

	while (i < n && a->sum[block + i] == SUM_ZERO)
		i++;
	return (i);
}

static void
read_check(struct swap_space *ss, struct swap_area *a, uint64_t block,
    void *page, int *err)
{
	if (*err == 0 && page_sum(page, block) != a->sum[block])
		*err = EBADMSG;
	if (*err == 0)
		return;
	atomic_fetch_add(*err == EBADMSG ? &a->damaged : &a->read_errors, 1);
	area_log(ss, a, *err == EBADMSG ? "damaged" : "read of", *err, block);
}

void
swap_read(struct swap_space *ss, swblk_t first, unsigned n, void *const *page,
    int *err)
{
	struct swap_area *a = swap_area_of(ss, first);
	uint64_t block = SWBLK_BLOCK(first), count;

	KVERIFY(n >= 1 && n <= SWAP_CLUSTER && n <= a->npages - block);
	count = atomic_fetch_add(&a->nreads, 1) + 1;
	if (a->inject.read_ms != 0)
		host_sleep_ns((uint64_t)a->inject.read_ms * 1000000);
	if (a->zpool == NULL && first_data(a, block, n) < n) {
		atomic_fetch_add(&a->reads, 1);
		read_file(a, block, n, page, err);
	}
	for (unsigned i = 0; i < n; i++) {
		if (a->sum[block + i] == SUM_ZERO) {
			memset(page[i], 0, SWAP_PAGE);
			err[i] = 0;
			continue;
		}
		if (a->zpool != NULL)
			err[i] = swap_zpool_load(a->zpool, block + i, page[i]);
		if (i == 0 && inject(count, a->inject.read_eio))
			err[i] = EIO;
		read_check(ss, a, block + i, page[i], &err[i]);
	}
	atomic_fetch_add(&a->pages_in, n);
}
