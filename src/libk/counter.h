/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Statistics counters: relaxed atomics in eight shards, each in a cache line of
 * its own; the thread chooses the shard, and a read sums them.  A read is exact
 * while no thread writes.
 */
#ifndef LIBK_COUNTER_H
#define LIBK_COUNTER_H

#include <stdatomic.h>
#include <stdint.h>

#define COUNTER_SHARDS 8

struct counter {
	struct {
		_Alignas(64) _Atomic(int64_t) v;
	} shard[COUNTER_SHARDS];
};

unsigned counter_shard(void); /* this thread's shard, 0..COUNTER_SHARDS-1 */

static inline void
counter_add(struct counter *c, int64_t n)
{
	atomic_fetch_add_explicit(
	    &c->shard[counter_shard()].v, n, memory_order_relaxed);
}

int64_t counter_read(const struct counter *c);

#endif /* LIBK_COUNTER_H */
