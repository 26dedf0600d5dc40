/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Trace ring.
 *
 * Concepts: a writer gets an index by one fetch-add.  It claims the slot
 * index & mask by exchanging the slot's sequence number for SEQ_BUSY,
 * stores the fields, and then stores index + 1 as the sequence number.  A slot
 * that was never written holds 0: the ring has no memory before events come.
 *
 * Ordering: the fields are written by release stores and read by acquire loads.
 * A reader that has read a field of a newer event therefore reads that event's
 * SEQ_BUSY, or a later number, when it reads the sequence number again, and
 * reports the slot as torn.  On x86-64 all of these are plain moves.
 *
 * Thread-local: ktrace_tid caches the host thread's id, because a system call
 * per event would cost more than the event.
 *
 * Guarantees: writers never wait, and two writers never mix fields in a slot.
 * A writer drops its event in two cases: the slot is busy (its last writer was
 * preempted while it wrote), or the slot already holds a newer event.  A dump
 * reports the event of such a slot as torn.
 */
#include "libk/ktrace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "libk/kassert.h"

#define SEQ_BUSY UINT64_MAX
#define SLOTS_MAX ((size_t)1 << 32)

_Static_assert(sizeof(struct ktrace_event) == 48, "trace event layout");

static const char *const ktrace_names[KT_NCODES] = {
    [KT_NONE] = "none",
    [KT_SYSCALL_ENTER] = "syscall-enter",
    [KT_SYSCALL_EXIT] = "syscall-exit",
    [KT_FAULT] = "fault",
    [KT_RESUME] = "resume",
    [KT_EVENT] = "event",
    [KT_FORK] = "fork",
    [KT_EXEC] = "exec",
    [KT_EXIT] = "exit",
    [KT_SIGNAL] = "signal",
    [KT_STUB] = "stub",
    [KT_LIFE] = "life",
    [KT_OOM] = "oom",
};

static _Thread_local uint32_t ktrace_tid;

int
ktrace_init(struct ktrace *t, size_t slots)
{
	struct ktrace_event *ring;
	size_t n = 1;

	if (slots > SLOTS_MAX)
		return (ENOMEM);
	while (n < slots)
		n <<= 1;
	ring = calloc(n, sizeof(*ring));
	if (ring == NULL)
		return (ENOMEM);
	atomic_init(&t->next, 0);
	t->mask = n - 1;
	t->ring = ring;
	return (0);
}

void
ktrace_destroy(struct ktrace *t)
{
	free(t->ring);
	t->ring = NULL;
}

/* Claim the slot for event `idx`.  False: drop the event. */
static bool
ktrace_claim(struct ktrace_event *e, uint64_t idx)
{
	uint64_t old = atomic_load_explicit(&e->seq, memory_order_relaxed);

	do {
		if (old == SEQ_BUSY || old > idx)
			return (false);
	} while (!atomic_compare_exchange_weak_explicit(&e->seq, &old, SEQ_BUSY,
	    memory_order_acquire, memory_order_relaxed));
	return (true);
}

void
ktrace(
    struct ktrace *t, enum ktrace_code code, uint64_t a, uint64_t b, uint64_t c)
{
	struct ktrace_event *e;
	struct timespec ts;
	uint64_t idx;

	if (t == NULL)
		return;
	KASSERT(code < KT_NCODES);
	if (ktrace_tid == 0)
		ktrace_tid = (uint32_t)gettid();
	clock_gettime(CLOCK_MONOTONIC, &ts);
	idx = atomic_fetch_add_explicit(&t->next, 1, memory_order_relaxed);
	e = &t->ring[idx & t->mask];
	if (!ktrace_claim(e, idx))
		return;
	__atomic_store_n(&e->ns,
	    (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec,
	    __ATOMIC_RELEASE);
	__atomic_store_n(&e->code, (uint32_t)code, __ATOMIC_RELEASE);
	__atomic_store_n(&e->tid, ktrace_tid, __ATOMIC_RELEASE);
	__atomic_store_n(&e->a, a, __ATOMIC_RELEASE);
	__atomic_store_n(&e->b, b, __ATOMIC_RELEASE);
	__atomic_store_n(&e->c, c, __ATOMIC_RELEASE);
	atomic_store_explicit(&e->seq, idx + 1, memory_order_release);
}

/* Copy event `idx`.  False: the slot is torn or holds another event. */
static bool
ktrace_copy(
    const struct ktrace_event *e, uint64_t idx, struct ktrace_event *out)
{
	if (atomic_load_explicit(&e->seq, memory_order_acquire) != idx + 1)
		return (false);
	out->ns = __atomic_load_n(&e->ns, __ATOMIC_ACQUIRE);
	out->code = __atomic_load_n(&e->code, __ATOMIC_ACQUIRE);
	out->tid = __atomic_load_n(&e->tid, __ATOMIC_ACQUIRE);
	out->a = __atomic_load_n(&e->a, __ATOMIC_ACQUIRE);
	out->b = __atomic_load_n(&e->b, __ATOMIC_ACQUIRE);
	out->c = __atomic_load_n(&e->c, __ATOMIC_ACQUIRE);
	return (atomic_load_explicit(&e->seq, memory_order_relaxed) == idx + 1);
}

void
ktrace_dump(const struct ktrace *t, FILE *f)
{
	struct ktrace_event ev;
	uint64_t end, idx;

	end = atomic_load_explicit(&t->next, memory_order_acquire);
	idx = end > t->mask + 1 ? end - (t->mask + 1) : 0;
	for (; idx < end; idx++) {
		if (!ktrace_copy(&t->ring[idx & t->mask], idx, &ev)) {
			fprintf(f, "%" PRIu64 " torn\n", idx);
			continue;
		}
		fprintf(f,
		    "%" PRIu64 " %" PRIu64 ".%09" PRIu64 " tid=%" PRIu32
		    " %s a=%#" PRIx64 " b=%#" PRIx64 " c=%#" PRIx64 "\n",
		    idx, ev.ns / 1000000000, ev.ns % 1000000000, ev.tid,
		    ev.code < KT_NCODES ? ktrace_names[ev.code] : "?", ev.a,
		    ev.b, ev.c);
	}
}
