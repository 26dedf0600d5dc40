/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * A memory back-end for tests: memory from malloc, counted, with planned
 * failures.  Thread-safe.
 */
#ifndef HOST_HOST_FAKE_H
#define HOST_HOST_FAKE_H

#include "host/host.h"

struct host_fake {
	_Atomic(int64_t) live;       /* bytes allocated and not freed */
	_Atomic(int64_t) calls;      /* mem_alloc, arena_create calls so far */
	_Atomic(int64_t) populated;  /* bytes asked for by arena_populate */
	_Atomic(int64_t) fail_at;    /* fail call number n (from 1), once;
					0: never */
	_Atomic(int64_t) fail_every; /* fail each n-th call; 0: never */
};

/* A struct host whose ops use `f` (zeroed by the caller beforehand). */
struct host host_fake(struct host_fake *f);

#endif /* HOST_HOST_FAKE_H */
