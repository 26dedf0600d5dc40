/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Trace ring: the last N events of a kernel, in binary, lock-free for writers.
 * It is always on, because an event costs only one fetch-add and 48 bytes of
 * stores.  A reader gets each event complete or learns that it is torn.
 */
#ifndef LIBK_KTRACE_H
#define LIBK_KTRACE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum ktrace_code {
	KT_NONE,
	KT_SYSCALL_ENTER, /* a=pid b=nr c=arg0 */
	KT_SYSCALL_EXIT,  /* a=pid b=nr c=result */
	KT_FAULT,         /* a=vmspace id b=va c=access|error<<8 */
	KT_RESUME,        /* a=pid b=rip c=nops */
	KT_EVENT,         /* a=pid b=event type c=detail */
	KT_FORK,          /* a=parent b=child */
	KT_EXEC,          /* a=pid */
	KT_EXIT,          /* a=pid b=status */
	KT_SIGNAL,        /* a=pid b=signo c=action */
	KT_STUB,          /* a=stub b=what c=detail */
	KT_LIFE,          /* a=vmspace id b=life word before c=after */
	KT_OOM,           /* a=pid b=pages */
	KT_NCODES
};

struct ktrace_event {
	_Atomic(uint64_t) seq; /* index+1 when complete, 0 never written */
	uint64_t ns;           /* CLOCK_MONOTONIC */
	uint32_t code;
	uint32_t tid; /* host thread */
	uint64_t a, b, c;
};

struct ktrace {
	_Atomic(uint64_t) next;
	size_t mask; /* [I] slots - 1 */
	struct ktrace_event *ring;
};

/* `slots` is rounded up to a power of two.  0, ENOMEM. */
int ktrace_init(struct ktrace *t, size_t slots);
void ktrace_destroy(struct ktrace *t);
/* Callable from any thread; t may be NULL. */
void ktrace(struct ktrace *t, enum ktrace_code code, uint64_t a, uint64_t b,
    uint64_t c);
/* Print the events, oldest first, one line each, to `f`. */
void ktrace_dump(const struct ktrace *t, FILE *f);

#endif /* LIBK_KTRACE_H */
