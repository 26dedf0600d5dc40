/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * What any layer may ask of a kernel instance: its version, and how often each
 * system call was made.
 */
#include "kern/base/vkernel.h"

#define VERSION "0.1.0"

const char *
kern_version(void)
{
	return (VERSION);
}

void
kern_syscall_counts(struct vkernel *k,
    void (*fn)(void *arg, const char *name, uint64_t calls, uint64_t missing),
    void *arg)
{
	const char *name;
	uint64_t calls;

	for (unsigned i = 0; i < k->sysops->ncalls; i++) {
		calls = atomic_load_explicit(
		    &k->sc_count[i].calls, memory_order_relaxed);
		name = k->sysops->name(i);
		if (calls != 0 && name != NULL)
			fn(arg, name, calls,
			    atomic_load_explicit(
				&k->sc_count[i].enosys, memory_order_relaxed));
	}
}
