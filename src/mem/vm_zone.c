/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Zones.
 *
 * Purpose: fixed-size kernel structures at the cost of a few instructions,
 * from memory that never changes its type, with counts that show a leak.
 *
 * Concepts.  A zone takes slabs from the host and cuts them into items.  A
 * slab is freed only when its zone is destroyed, so a pointer to an item
 * points to an item of that zone for ever: a read through a stale pointer
 * gives an old or a new item, never something else.  Because slabs stay, a free
 * item need not know its slab: free items are pointers on stacks, and neither a
 * link nor a header is kept inside the item.  This leaves the constructed state
 * alone, keeps 4 KiB items page-aligned and dense, and lets one cache line
 * of pointers describe eight free items.
 *
 * Data structures.
 *	magazine  the stack of one thread for one zone; the fast path touches
 *		  nothing else.  Refilled and flushed by halves, so a thread
 *		  that alternates around a boundary does not pay each time.
 *	slab	  items, and a piece of the zone's depot: an array with one
 *		  pointer for each of the slab's items.  The pieces in slab
 *		  order make one stack: all before `top` are full, all behind
 *		  it are empty.  There is always room for every item, so a
 *		  free can never fail.
 *	fresh	  items of the newest slab that were never handed out; not
 *		  touched (unless there is a constructor), so not backed.
 *	slot	  index of the zone in the table that each thread has of its
 *		  magazines (zone_tls, thread-local).  Slots are reused; the
 *		  generation of a zone never is, so it shows whether a table
 *		  entry belongs to a zone that was destroyed.
 *	process   slots are the process's, as threads are: zone_slots,
 *		  zone_nslots, zone_last_gen and zone_key, which gives a
 *		  thread's items back at its end.
 * Magazines come from an inner zone of the set, which has none itself.
 *
 * An item of a zone with ZF_CHARGE is charged to the account of the thread that
 * takes it (kmem.c).  The account is a word behind the item, since the thread
 * that frees the item may have another one.
 *
 * Debug builds put a trailer behind each item: a red zone, and a state that
 * names zone and item, changed by atomic exchange, so that a double free, a
 * free into the wrong zone and a write past the end are panics at zfree().
 * Free items of zones without a constructor are filled with a pattern that
 * the next zalloc() checks; AddressSanitizer traps reads of them.
 *
 * Locking and lifetime.  A magazine belongs to its thread; the counters in it
 * are atomics that only the owner writes and every thread may read.  The zone
 * lock guards depot, slabs and the list of magazines.  zone_slot_lock guards
 * the process-wide slot table and comes before zone locks.  A thread that ends
 * gives its items back under zone_slot_lock, after finding that the zone is
 * still there; a set that is destroyed withdraws its slots under the same lock
 * first, and then frees items and magazines itself.  Destruction needs a
 * quiescent set: no thread is inside zalloc() or zfree(), but threads that
 * still have cached items may live on.  Constructors run under the zone lock
 * and must not allocate.
 *
 * Guarantees: zfree() never fails; zalloc() neither blocks for memory nor
 * calls the host while a slab has items; live counts are exact when no thread
 * is in the middle of a call; the limit is never exceeded.
 *
 * Limits: memory of a zone does not shrink.  Items in magazines of other
 * threads are not found by a thread that has none: at most 60 items or 64 KiB
 * for each thread and zone.  A zone with a limit pays one shared atomic a call.
 * `peak` counts items in magazines as live.
 */
#include "mem/vm_zone.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "libk/kassert.h"
#include "mem/kmem.h"
#include "mem/vm_zone_int.h"

#define ZONE_POISON ((uint64_t)0xdbdbdbdbdbdbdbdb)
#define ZONE_RED ((uint64_t)0x9e3779b97f4a7c15)
#define ZONE_LIVE ((uint64_t)0x6c6976650000)
#define ZONE_FREE ((uint64_t)0x667265650000)

/* Not inlined: without them zalloc() and zfree() need no stack. */
#define ZONE_SLOW __attribute__((noinline, cold))

/* A thread's magazines, by slot. */
struct zone_tls_ent {
	uint64_t gen;
	struct zone_mag *mag;
};
static _Thread_local struct zone_tls {
	struct zone_tls_ent *ent;
	uint32_t n;
} zone_tls;

/* Process-wide: which zone has which slot.  Guarded by zone_slot_lock. */
static pthread_mutex_t zone_slot_lock = PTHREAD_MUTEX_INITIALIZER;
static struct vm_zone **zone_slots;
static uint32_t zone_nslots;
static uint64_t zone_last_gen;
static pthread_key_t zone_key;
static bool zone_key_made;

/* ---- depot and slabs: zone locked ---- */

static void
depot_push(struct vm_zone *z, void *const *item, uint32_t n)
{
	uint32_t k;

	z->ndepot += n;
	for (; n > 0; n -= k, item += k) {
		if (z->top->nstack == z->slab_items)
			z->top = TAILQ_NEXT(z->top, link);
		k = z->slab_items - z->top->nstack;
		if (k > n)
			k = n;
		memcpy(z->top->stack + z->top->nstack, item, k * sizeof(*item));
		z->top->nstack += k;
	}
}

/* Up to n of the last ones, in the order of the stack; 0 if it is empty. */
static uint32_t
depot_pop(struct vm_zone *z, void **item, uint32_t n)
{
	struct zone_slab *s = z->top;

	if (z->ndepot == 0)
		return (0);
	if (s->nstack == 0)
		s = z->top = TAILQ_PREV(s, zone_slab_list, link);
	if (n > s->nstack)
		n = s->nstack;
	z->ndepot -= n;
	s->nstack -= n;
	memcpy(item, s->stack + s->nstack, n * sizeof(*item));
	return (n);
}

static bool
zone_grow(struct vm_zone *z)
{
	struct zone_slab *s;
	void *p;
	uintptr_t a;

	if (z->set->host.ops->mem_alloc(z->set->host.self, z->slab_bytes, &p) !=
	    0)
		return (false);
	s = p;
	a = (uintptr_t)(s->stack + z->slab_items);
	s->items = (char *)p + (zone_round(a, z->align) - (uintptr_t)p);
	s->nstack = s->fresh = 0;
	if (z->ctor != NULL)
		for (uint32_t i = 0; i < z->slab_items; i++)
			z->ctor(s->items + i * z->stride);
	TAILQ_INSERT_TAIL(&z->slabs, s, link);
	if (z->top == NULL)
		z->top = s;
	z->nslabs++;
	return (true);
}

static void *
zone_take(struct vm_zone *z, bool grow)
{
	struct zone_slab *s;
	void *item;

	if (depot_pop(z, &item, 1) == 1)
		return (item);
	s = TAILQ_LAST(&z->slabs, zone_slab_list);
	if (s == NULL || s->fresh == z->slab_items) {
		if (!grow || !zone_grow(z))
			return (NULL);
		s = TAILQ_LAST(&z->slabs, zone_slab_list);
	}
	z->ncarved++;
	return (s->items + s->fresh++ * z->stride);
}

static void
zone_note_peak(struct vm_zone *z)
{
	uint64_t out = z->ncarved - z->ndepot;

	if (out > z->peak)
		z->peak = out;
}

/* One item without a magazine. */
static ZONE_SLOW void *
zone_take_one(struct vm_zone *z)
{
	void *item;

	kmutex_lock(&z->lock);
	item = zone_take(z, true);
	if (item != NULL) {
		z->allocs++;
		zone_note_peak(z);
	} else
		z->fails++;
	kmutex_unlock(&z->lock);
	return (item);
}

static ZONE_SLOW void
zone_put_one(struct vm_zone *z, void *item)
{
	kmutex_lock(&z->lock);
	depot_push(z, &item, 1);
	z->frees++;
	kmutex_unlock(&z->lock);
}

/* ---- magazines ---- */

/* The zone has forgotten the magazine's items; fold its counts in. */
static void
mag_retire(struct vm_zone *z, struct zone_mag *m)
{
	kmutex_lock(&z->lock);
	depot_push(z, m->item, m->n);
	m->n = 0;
	z->allocs += atomic_load_explicit(&m->allocs, memory_order_relaxed);
	z->frees += atomic_load_explicit(&m->frees, memory_order_relaxed);
	LIST_REMOVE(m, link);
	kmutex_unlock(&z->lock);
	zone_put_one(z->set->magzone, m);
}

/* End of a thread: give its items back to the zones that still exist. */
static void
zone_thread_exit(void *arg)
{
	struct zone_tls *t = &zone_tls;

	pthread_mutex_lock(&zone_slot_lock);
	for (uint32_t i = 0; i < t->n; i++) {
		struct zone_tls_ent *e = &t->ent[i];
		struct vm_zone *z = i < zone_nslots ? zone_slots[i] : NULL;

		if (e->mag != NULL && z != NULL && z->gen == e->gen)
			mag_retire(z, e->mag);
	}
	pthread_mutex_unlock(&zone_slot_lock);
	free(t->ent);
	t->ent = NULL;
	t->n = 0;
}

static bool
zone_tls_grow(uint32_t slot)
{
	struct zone_tls *t = &zone_tls;
	struct zone_tls_ent *ent;
	uint32_t n = t->n == 0 ? 16 : t->n;

	while (n <= slot)
		n *= 2;
	if (t->n == 0 && pthread_setspecific(zone_key, t) != 0)
		return (false);
	ent = realloc(t->ent, n * sizeof(*ent));
	if (ent == NULL)
		return (false);
	memset(ent + t->n, 0, (n - t->n) * sizeof(*ent));
	t->ent = ent;
	t->n = n;
	return (true);
}

/* First use of the zone by this thread.  NULL: there is no magazine. */
static ZONE_SLOW struct zone_mag *
mag_create(struct vm_zone *z)
{
	struct zone_mag *m;

	if (z->slot == ZONE_NOSLOT)
		return (NULL);
	if (z->slot >= zone_tls.n && !zone_tls_grow(z->slot))
		return (NULL);
	m = zone_take_one(z->set->magzone);
	if (m == NULL)
		return (NULL);
	m->n = 0;
	m->cap = z->mag_cap;
	atomic_init(&m->allocs, 0);
	atomic_init(&m->frees, 0);
	kmutex_lock(&z->lock);
	LIST_INSERT_HEAD(&z->mags, m, link);
	kmutex_unlock(&z->lock);
	zone_tls.ent[z->slot].gen = z->gen;
	zone_tls.ent[z->slot].mag = m;
	return (m);
}

static inline struct zone_mag *
mag_get(struct vm_zone *z)
{
	const struct zone_tls *t = &zone_tls;

	if (__builtin_expect(
		z->slot < t->n && t->ent[z->slot].gen == z->gen, 1))
		return (t->ent[z->slot].mag);
	return (mag_create(z));
}

/* Half a magazine of items that were never out, lowest address on top. */
static void
mag_carve(struct vm_zone *z, struct zone_mag *m, uint32_t want)
{
	uint32_t n = 0;

	while (n < want && (m->item[n] = zone_take(z, n == 0)) != NULL)
		n++;
	for (uint32_t i = 0; i < n / 2; i++) {
		void *item = m->item[i];

		m->item[i] = m->item[n - 1 - i];
		m->item[n - 1 - i] = item;
	}
	m->n = n;
}

/* Up to half a magazine for an empty one.  False: nothing. */
static ZONE_SLOW bool
mag_refill(struct vm_zone *z, struct zone_mag *m)
{
	uint32_t want = m->cap / 2;

	kmutex_lock(&z->lock);
	m->n = depot_pop(z, m->item, want);
	if (m->n == 0)
		mag_carve(z, m, want);
	if (m->n == 0)
		z->fails++;
	zone_note_peak(z);
	kmutex_unlock(&z->lock);
	return (m->n > 0);
}

/* The colder half of a full magazine goes to the depot. */
static ZONE_SLOW void
mag_flush(struct vm_zone *z, struct zone_mag *m)
{
	uint32_t n = m->cap / 2;

	kmutex_lock(&z->lock);
	depot_push(z, m->item, n);
	kmutex_unlock(&z->lock);
	m->n -= n;
	memmove(m->item, m->item + n, m->n * sizeof(m->item[0]));
}

/* Only the owning thread writes; a plain add without a locked cycle. */
static inline void
mag_count(_Atomic(uint64_t) *c)
{
	atomic_store_explicit(c,
	    atomic_load_explicit(c, memory_order_relaxed) + 1,
	    memory_order_relaxed);
}

/* ---- debug checks ---- */

#ifdef VMSPACE_DEBUG
static struct zone_trailer *
zone_trailer(const struct vm_zone *z, void *item)
{
	return ((void *)((char *)item + zone_round(z->size, 8) +
			 (z->acct_at != 0 ? sizeof(struct kmem_acct *) : 0)));
}

static uint64_t
zone_mark(const struct vm_zone *z, const void *item, uint64_t what)
{
	return (what ^ (z->gen * ZONE_RED) ^ (uintptr_t)item);
}

static void
zone_debug_alloc(struct vm_zone *z, void *item)
{
	struct zone_trailer *t = zone_trailer(z, item);
	uint64_t *w = item;
	uint64_t old =
	    atomic_exchange(&t->state, zone_mark(z, item, ZONE_LIVE));

	if (old != 0 && old != zone_mark(z, item, ZONE_FREE))
		kpanic(
		    "zone %s: %p on the free list is not free", z->name, item);
	if (old != 0 && t->red != zone_mark(z, item, ZONE_RED))
		kpanic(
		    "zone %s: %p: red zone written while free", z->name, item);
	t->red = zone_mark(z, item, ZONE_RED);
	if (z->ctor != NULL)
		return;
	ASAN_UNPOISON_MEMORY_REGION(item, zone_round(z->size, 8));
	for (size_t i = 0; i < zone_round(z->size, 8) / 8; i++) {
		if (old != 0 && w[i] != ZONE_POISON)
			kpanic("zone %s: %p: written at +%zu while free",
			    z->name, item, i * 8);
		w[i] = ZONE_POISON;
	}
}

static void
zone_debug_free(struct vm_zone *z, void *item)
{
	struct zone_trailer *t = zone_trailer(z, item);
	uint64_t *w = item;
	uint64_t old =
	    atomic_exchange(&t->state, zone_mark(z, item, ZONE_FREE));

	if (old == zone_mark(z, item, ZONE_FREE))
		kpanic("zone %s: double free of %p", z->name, item);
	if (old != zone_mark(z, item, ZONE_LIVE))
		kpanic("zone %s: free of %p, which is not its item", z->name,
		    item);
	if (t->red != zone_mark(z, item, ZONE_RED))
		kpanic("zone %s: %p: written past the end", z->name, item);
	if (z->ctor != NULL)
		return;
	for (size_t i = 0; i < zone_round(z->size, 8) / 8; i++)
		w[i] = ZONE_POISON;
	ASAN_POISON_MEMORY_REGION(item, zone_round(z->size, 8));
}
#else
static inline void
zone_debug_alloc(struct vm_zone *z, void *item)
{
}

static inline void
zone_debug_free(struct vm_zone *z, void *item)
{
}
#endif

/* ---- slots ---- */

/* Give the zone a generation and, unless it is ZONE_NOSLOT, a slot.  0, ENOMEM.
 */
int
vm_zone_slot_take(struct vm_zone *z)
{
	struct vm_zone **tab;
	uint32_t i = 0, n;
	int error = 0;

	pthread_mutex_lock(&zone_slot_lock);
	if (!zone_key_made) {
		if (pthread_key_create(&zone_key, zone_thread_exit) != 0) {
			error = ENOMEM;
			goto out;
		}
		zone_key_made = true;
	}
	if (z->slot != ZONE_NOSLOT) {
		while (i < zone_nslots && zone_slots[i] != NULL)
			i++;
		if (i == zone_nslots) {
			n = zone_nslots == 0 ? 64 : 2 * zone_nslots;
			tab = realloc(zone_slots, n * sizeof(struct vm_zone *));
			if (tab == NULL) {
				error = ENOMEM;
				goto out;
			}
			memset(tab + i, 0, (n - i) * sizeof(struct vm_zone *));
			zone_slots = tab;
			zone_nslots = n;
		}
		zone_slots[i] = z;
		z->slot = i;
	}
	z->gen = ++zone_last_gen;
out:
	pthread_mutex_unlock(&zone_slot_lock);
	return (error);
}

void
vm_zone_slots_drop(struct vm_zone *first)
{
	pthread_mutex_lock(&zone_slot_lock);
	for (; first != NULL; first = atomic_load(&first->next))
		zone_slots[first->slot] = NULL;
	pthread_mutex_unlock(&zone_slot_lock);
}

/* ---- items ---- */

static ZONE_SLOW bool
zone_charge(struct vm_zone *z)
{
	uint64_t n = atomic_load_explicit(&z->charged, memory_order_relaxed);

	do {
		if (n >= z->limit) {
			kmutex_lock(&z->lock);
			z->fails++;
			kmutex_unlock(&z->lock);
			return (false);
		}
	} while (!atomic_compare_exchange_weak_explicit(&z->charged, &n, n + 1,
	    memory_order_relaxed, memory_order_relaxed));
	return (true);
}

static void
zone_uncharge(struct vm_zone *z)
{
	atomic_fetch_sub_explicit(&z->charged, 1, memory_order_relaxed);
}

/* Where an item has the account that it is charged to. */
static inline struct kmem_acct **
zone_acct(const struct vm_zone *z, void *item)
{
	return ((void *)((char *)item + z->acct_at));
}

static ZONE_SLOW void *
zone_refused(struct vm_zone *z)
{
	kmutex_lock(&z->lock);
	z->fails++;
	kmutex_unlock(&z->lock);
	return (NULL);
}

/* What the fast path does not do: refill, limits, no magazine. */
static ZONE_SLOW void *
zalloc_slow(struct vm_zone *z, struct zone_mag *m)
{
	void *item = NULL;

	if (z->limit != 0 && !zone_charge(z))
		return (NULL);
	if (m == NULL)
		item = zone_take_one(z);
	else if (m->n > 0 || mag_refill(z, m)) {
		item = m->item[--m->n];
		mag_count(&m->allocs);
	}
	if (item == NULL) {
		if (z->limit != 0)
			zone_uncharge(z);
		return (NULL);
	}
	zone_debug_alloc(z, item);
	if ((z->flags & ZF_ZERO) != 0)
		memset(item, 0, z->size);
	return (item);
}

static inline void *
zalloc_uncharged(struct vm_zone *z)
{
	struct zone_mag *m = mag_get(z);
	void *item;

	if (__builtin_expect(m == NULL || m->n == 0 || z->limit != 0 ||
				 (z->flags & ZF_ZERO) != 0,
		0))
		return (zalloc_slow(z, m));
	item = m->item[--m->n];
	mag_count(&m->allocs);
	zone_debug_alloc(z, item);
	return (item);
}

void *
zalloc(struct vm_zone *z)
{
	struct kmem_acct *who;
	void *item;

	if (z->acct_at == 0)
		return (zalloc_uncharged(z));
	if (__builtin_expect(!kmem_charge(z->stride, &who), 0))
		return (zone_refused(z));
	item = zalloc_uncharged(z);
	if (__builtin_expect(item == NULL, 0))
		kmem_uncharge(who, z->stride);
	else
		*zone_acct(z, item) = who;
	return (item);
}

void
zfree(struct vm_zone *z, void *item)
{
	struct zone_mag *m = mag_get(z);

	zone_debug_free(z, item);
	if (z->acct_at != 0)
		kmem_uncharge(*zone_acct(z, item), z->stride);
	if (__builtin_expect(m == NULL, 0))
		zone_put_one(z, item);
	else {
		if (m->n == m->cap)
			mag_flush(z, m);
		m->item[m->n++] = item;
		mag_count(&m->frees);
	}
	if (z->limit != 0)
		zone_uncharge(z);
}
