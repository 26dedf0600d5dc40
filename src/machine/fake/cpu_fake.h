/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The scripted machine: a cpu back-end for tests.
 */
#ifndef MACHINE_FAKE_CPU_FAKE_H
#define MACHINE_FAKE_CPU_FAKE_H

#include "cpu/cpu.h"

extern const struct cpu_ops cpu_fake_ops;

/*
 * The `machine` argument of cpu_fake_ops.  step() stands for user code:
 * cpu_run() calls it on the lwp's host thread.  It fills in the event, may
 * change tf, and accesses user memory by pmap_extract_hold().  A pending
 * cpu_interrupt() is reported before the next step.
 */
struct cpu_fake {
	void (*step)(
	    void *arg, struct cpu_thread *, struct pmap *, struct cpu_event *);
	void *arg;
};

#endif /* MACHINE_FAKE_CPU_FAKE_H */
