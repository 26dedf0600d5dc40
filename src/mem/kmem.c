/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Budgets.
 *
 * Purpose: guests cause the kernel process to use memory (map entries, tables,
 * files, messages) and descriptors of the host.  A guest that asks for these
 * without end gets an error, and the others go on.
 *
 * Concepts.  A kernel has a pool of each kind, with a limit.  Each process has
 * an account, and what a thread allocates is charged to the account that the
 * thread has at that time (kmem_switch()).  What was charged remembers its
 * account, so that any thread may free it.  A thread without an account, of the
 * embedder or of the kernel itself, is charged nothing.
 *
 * The rule.  The last eighth of a pool is its reserve.  With `open` the rest of
 * the pool, a charge is granted if
 *
 *	used + 3 * mine <= open          or
 *	mine <= small, and used <= limit
 *
 * where used and mine are what the pool and the account have with the charge.
 * So one greedy process gets a quarter of `open`, and n of them get open / (n +
 * 3) each: the share of everyone shrinks with what is left, and something is
 * always left (Choudhury and Hahne, "Dynamic queue length thresholds for
 * shared-memory packet switching", 1998).  The reserve is for processes that
 * hold little, so that a small program starts and ends beside a greedy tree.
 *
 * Data structures.  Charges of bytes are made in batches: a thread has a
 * credit, which is charged to its account and not yet used.  So the ordinary
 * charge is a subtraction in memory of the thread, and every other charge two
 * atomic additions.  Memory from kmem_alloc() has a header with its account.
 *
 * Thread-local: kmem_self, account, credit and refusals of the thread.
 *
 * Locking and lifetime: atomics only.  An account is freed with its last byte.
 * Its creator and each thread that uses it hold it by a charge of some bytes,
 * and so does each descriptor.
 *
 * Guarantees: what is granted never exceeds the limit.  A refused charge
 * changes nothing.  kmem_uncharge() cannot fail.
 *
 * Limits: small processes share the reserve, so it is the limit of processes
 * (--max-procs) that bounds what very many of them hold together.  A credit of
 * up to two batches for each thread counts as used.  What malloc() and the
 * zones lose between objects is not counted.
 */
#include "mem/kmem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libk/kassert.h"

#define BATCH ((uint64_t)8 << 10)       /* bytes */
#define SMALL_BYTES ((uint64_t)1 << 20) /* at most an eighth of the limit */
#define SMALL_FDS UINT64_C(64)          /* the same */
#define HOLD ((uint64_t)16)             /* bytes, of a thread */
#define FD_BYTES ((size_t)256)          /* charged with a descriptor */
#define MALLOC_COST ((size_t)16)        /* of malloc() for a block */

_Thread_local struct kmem_thread kmem_self;

/* In front of memory from kmem_alloc(). */
struct kmem_head {
	struct kmem_acct *who;
	size_t cost;
};
_Static_assert(sizeof(struct kmem_head) % 16 == 0, "alignment of malloc");

static void
pool_init(struct kmem_pool *p, uint64_t limit, uint64_t small)
{
	memset(p, 0, sizeof(*p));
	p->limit = limit != 0 ? limit : UINT64_MAX;
	p->open = p->limit - p->limit / 8;
	p->small = small < p->limit / 8 ? small : p->limit / 8;
}

void
kmem_init(struct kmem *km, uint64_t bytes, uint64_t fds)
{
	pool_init(&km->pool[KMEM_BYTES], bytes, SMALL_BYTES);
	pool_init(&km->pool[KMEM_FDS], fds, SMALL_FDS);
}

/* ---- accounts ---- */

static void
acct_add(struct kmem_acct *a, enum kmem_kind kind, uint64_t n, uint64_t *used,
    uint64_t *mine)
{
	*used = n + atomic_fetch_add_explicit(
			&a->km->pool[kind].used, n, memory_order_relaxed);
	*mine = n + atomic_fetch_add_explicit(
			&a->used[kind], n, memory_order_relaxed);
}

/* Give n back.  True: it was the last byte. */
static bool
acct_less(struct kmem_acct *a, enum kmem_kind kind, uint64_t n)
{
	struct kmem_pool *p = &a->km->pool[kind];
	uint64_t old;

	old = atomic_fetch_sub_explicit(&p->used, n, memory_order_relaxed);
	KVERIFY(old >= n);
	old =
	    atomic_fetch_sub_explicit(&a->used[kind], n, memory_order_acq_rel);
	KVERIFY(old >= n);
	return (kind == KMEM_BYTES && old == n);
}

/* Give n back; the last byte frees the account. */
static void
acct_sub(struct kmem_acct *a, enum kmem_kind kind, uint64_t n)
{
	if (acct_less(a, kind, n))
		free(a);
}

static void
pool_note_peak(struct kmem_pool *p, uint64_t used)
{
	uint64_t peak = atomic_load_explicit(&p->peak, memory_order_relaxed);

	while (used > peak &&
	       !atomic_compare_exchange_weak_explicit(&p->peak, &peak, used,
		   memory_order_relaxed, memory_order_relaxed))
		;
}

/* Charge n by the rule.  False: not granted, and nothing has changed. */
static bool
acct_try(struct kmem_acct *a, enum kmem_kind kind, uint64_t n)
{
	struct kmem_pool *p = &a->km->pool[kind];
	uint64_t used, mine;

	if (n > p->limit)
		return (false);
	acct_add(a, kind, n, &used, &mine);
	if ((mine <= p->open / 3 && used <= p->open - 3 * mine) ||
	    (mine <= p->small && used <= p->limit)) {
		pool_note_peak(p, used);
		return (true);
	}
	KVERIFY(!acct_less(a, kind, n)); /* the caller keeps it alive */
	return (false);
}

static void
acct_refused(struct kmem_acct *a, enum kmem_kind kind)
{
	atomic_fetch_add_explicit(
	    &a->km->pool[kind].refused, 1, memory_order_relaxed);
	kmem_self.refused++;
}

struct kmem_acct *
kmem_acct_create(struct kmem *km)
{
	struct kmem_acct *a = calloc(1, sizeof(*a));
	uint64_t used, mine;

	if (a == NULL)
		return (NULL);
	a->km = km;
	/* A second hold, so that a refusal does not free it. */
	acct_add(a, KMEM_BYTES, HOLD, &used, &mine);
	if (!acct_try(a, KMEM_BYTES, sizeof(*a))) {
		acct_refused(a, KMEM_BYTES);
		acct_sub(a, KMEM_BYTES, HOLD);
		return (NULL);
	}
	KVERIFY(!acct_less(a, KMEM_BYTES, HOLD));
	return (a);
}

void
kmem_acct_free(struct kmem_acct *a)
{
	acct_sub(a, KMEM_BYTES, sizeof(*a));
}

uint64_t
kmem_acct_used(const struct kmem_acct *a)
{
	return (
	    atomic_load_explicit(&a->used[KMEM_BYTES], memory_order_relaxed));
}

bool
kmem_acct_small(const struct kmem_acct *a)
{
	return (kmem_acct_used(a) <= a->km->pool[KMEM_BYTES].small);
}

void
kmem_switch(struct kmem_acct *to)
{
	struct kmem_thread *t = &kmem_self;
	struct kmem_acct *from = t->acct;
	uint64_t used, mine;

	if (from == to)
		return;
	if (to != NULL)
		acct_add(to, KMEM_BYTES, HOLD, &used, &mine);
	if (from != NULL)
		acct_sub(from, KMEM_BYTES, HOLD + t->credit);
	t->acct = to;
	t->credit = 0;
}

/* ---- bytes ---- */

/* The credit is less than n. */
bool
kmem_charge_slow(size_t n)
{
	struct kmem_thread *t = &kmem_self;
	uint64_t need = n - t->credit;

	if (acct_try(t->acct, KMEM_BYTES, need + BATCH))
		t->credit = BATCH;
	else if (acct_try(t->acct, KMEM_BYTES, need))
		t->credit = 0;
	else {
		acct_refused(t->acct, KMEM_BYTES);
		return (false);
	}
	return (true);
}

void
kmem_uncharge_slow(struct kmem_acct *who, size_t n)
{
	struct kmem_thread *t = &kmem_self;

	if (who != t->acct) {
		acct_sub(who, KMEM_BYTES, n);
		return;
	}
	t->credit += n;
	if (t->credit > 2 * BATCH) {
		acct_sub(who, KMEM_BYTES, t->credit - BATCH);
		t->credit = BATCH;
	}
}

void *
kmem_alloc(size_t n)
{
	struct kmem_acct *who;
	struct kmem_head *h;
	size_t cost = n + sizeof(*h) + MALLOC_COST;

	if (cost < n || !kmem_charge(cost, &who))
		return (NULL);
	h = malloc(sizeof(*h) + n);
	if (h == NULL) {
		kmem_uncharge(who, cost);
		return (NULL);
	}
	h->who = who;
	h->cost = cost;
	return (h + 1);
}

void *
kmem_zalloc(size_t n)
{
	void *p = kmem_alloc(n);

	if (p != NULL)
		memset(p, 0, n);
	return (p);
}

bool
kmem_charge_on(struct kmem_acct *who, size_t n)
{
	if (who == NULL || acct_try(who, KMEM_BYTES, n))
		return (true);
	acct_refused(who, KMEM_BYTES);
	return (false);
}

bool
kmem_plenty(void)
{
	const struct kmem_acct *a = kmem_self.acct;

	return (
	    a == NULL || kmem_acct_used(a) < a->km->pool[KMEM_BYTES].limit / 8);
}

void *
kmem_zalloc_on(struct kmem_acct *who, size_t n)
{
	struct kmem_head *h;
	size_t cost = n + sizeof(*h) + MALLOC_COST;

	if (cost < n || !kmem_charge_on(who, cost))
		return (NULL);
	h = calloc(1, sizeof(*h) + n);
	if (h == NULL) {
		kmem_uncharge(who, cost);
		return (NULL);
	}
	h->who = who;
	h->cost = cost;
	return (h + 1);
}

void *
kmem_calloc(size_t n, size_t size)
{
	size_t bytes;

	return (__builtin_mul_overflow(n, size, &bytes) ? NULL
							: kmem_zalloc(bytes));
}

void *
kmem_realloc(void *p, size_t n)
{
	struct kmem_head *h;
	struct kmem_acct *who;
	size_t cost = n + sizeof(*h) + MALLOC_COST;

	if (p == NULL)
		return (kmem_alloc(n));
	if (cost < n || !kmem_charge(cost, &who))
		return (NULL);
	h = realloc((struct kmem_head *)p - 1, sizeof(*h) + n);
	if (h == NULL) {
		kmem_uncharge(who, cost);
		return (NULL);
	}
	kmem_uncharge(h->who, h->cost);
	h->who = who;
	h->cost = cost;
	return (h + 1);
}

char *
kmem_strdup(const char *s)
{
	size_t n = strlen(s) + 1;
	char *copy = kmem_alloc(n);

	if (copy != NULL)
		memcpy(copy, s, n);
	return (copy);
}

void
kmem_free(void *p)
{
	struct kmem_head *h;
	struct kmem_acct *who;
	size_t cost;

	if (p == NULL)
		return;
	h = (struct kmem_head *)p - 1;
	who = h->who;
	cost = h->cost;
	free(h);
	kmem_uncharge(who, cost);
}

/* ---- descriptors ---- */

int
kmem_fd_charge(unsigned n, struct kmem_acct **whop)
{
	struct kmem_acct *who;
	struct kmem_pool *p;

	if (!kmem_charge(n * FD_BYTES, &who))
		return (ENOMEM);
	if (who != NULL && !acct_try(who, KMEM_FDS, n)) {
		p = &who->km->pool[KMEM_FDS];
		acct_refused(who, KMEM_FDS);
		kmem_uncharge(who, n * FD_BYTES);
		return (atomic_load(&p->used) >= p->open ? ENFILE : EMFILE);
	}
	*whop = who;
	return (0);
}

void
kmem_fd_uncharge(struct kmem_acct *who, unsigned n)
{
	if (who == NULL)
		return;
	acct_sub(who, KMEM_FDS, n);
	kmem_uncharge(who, n * FD_BYTES);
}
