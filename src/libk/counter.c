/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Sharded counters.
 *
 * Concepts: a thread gets its shard when it counts for the first time,
 * round-robin, and keeps it.  Eight long-lived threads therefore never share a
 * cache line, and more threads are spread evenly.  A hash of the thread id
 * would guarantee neither.
 *
 * Thread-local: counter_my_shard is the shard of the calling thread.  It has no
 * owner that could be passed as an argument, because it belongs to no kernel
 * instance.  A stale value does no harm: any shard is correct for any thread.
 *
 * Guarantees: no count is lost.  A read concurrent with writers is a sum of
 * values each of which was current at some moment during the read.
 */
#include "libk/counter.h"

static _Atomic(unsigned) counter_next_shard;
static _Thread_local unsigned counter_my_shard; /* shard + 1; 0: none yet */

unsigned
counter_shard(void)
{
	if (__builtin_expect(counter_my_shard == 0, 0)) {
		counter_my_shard =
		    atomic_fetch_add_explicit(
			&counter_next_shard, 1, memory_order_relaxed) %
			COUNTER_SHARDS +
		    1;
	}
	return (counter_my_shard - 1);
}

int64_t
counter_read(const struct counter *c)
{
	int64_t sum = 0;

	for (unsigned i = 0; i < COUNTER_SHARDS; i++)
		sum +=
		    atomic_load_explicit(&c->shard[i].v, memory_order_relaxed);
	return (sum);
}
