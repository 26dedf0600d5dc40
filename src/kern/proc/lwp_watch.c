/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Running user code for a tracer: single steps, and debug registers.
 *
 * Concepts.  A single step is one run with the trap flag of the processor set.
 * No guest sees the flag, but for one that has set it itself.
 *
 * There are no debug registers of the processor for guests, because the host
 * would have to load them into the stub.  A tracer that sets them gets their
 * effect by single steps: the watched bytes are read before and after each
 * instruction, and a difference is a hit; an address of code is hit when the
 * instruction pointer arrives there.  The tracer sees SIGTRAP with TRAP_HWBKPT
 * and the bit in DR6, as on a processor.  Steps without a hit are not reported.
 *
 * Locking: the registers are read under the proc lock before each run; the
 * tracer changes them only while the lwp has stopped.
 *
 * Limits.  Code runs thousands of times slower while a register is enabled.  A
 * write of the value that is there is no hit, and one of another thread may be
 * one.  What a system call writes is no hit, as on Linux.
 */
#include "abi/ptrace.h"
#include "abi/signal.h"
#include "kern/proc/process.h"
#include "vm/access/vm_rwmem.h"

/* The values of the watched places. */
struct watch_values {
	uint64_t val[TRACE_WATCHES];
};

static void
watch_load(struct lwp *l, const struct trace_watch *w, struct watch_values *v)
{
	size_t done;

	for (int i = 0; i < TRACE_WATCHES; i++) {
		v->val[i] = 0;
		if (trace_watch_enabled(w->dr7, i) &&
		    trace_watch_type(w->dr7, i) != LX_DR_TYPE_EXECUTE)
			(void)vm_pread(lwp_vmspace(l), &v->val[i],
			    trace_watch_len(w->dr7, i), w->addr[i],
			    VM_FAULT_FORCE, &done);
	}
}

/* The registers that are hit, a bit each. */
static uint64_t
watch_hits(struct lwp *l, const struct trace_watch *w,
    const struct watch_values *before)
{
	struct watch_values now;
	uint64_t hits = 0;

	watch_load(l, w, &now);
	for (int i = 0; i < TRACE_WATCHES; i++) {
		if (!trace_watch_enabled(w->dr7, i))
			continue;
		if (trace_watch_type(w->dr7, i) == LX_DR_TYPE_EXECUTE
			? l->cpu->tf.rip == w->addr[i]
			: now.val[i] != before->val[i])
			hits |= UINT64_C(1) << i;
	}
	return (hits);
}

/* An instruction was executed for `hits`, or the tracer's step, or none. */
static void
watch_event(struct lwp *l, uint64_t hits, bool own, struct cpu_event *ev)
{
	struct proc *p = l->p;
	bool step = (atomic_load(&l->tflags) & LWP_TRACE_STEP) != 0;

	if (hits != 0)
		ev->code = LX_TRAP_HWBKPT;
	else if (!step && !own)
		ev->type = CPU_EV_INTERRUPT;
	kmutex_lock(&p->lock);
	if (l->traced != NULL)
		l->traced->watch.dr6 |= hits | (step ? LX_DR6_STEP : 0);
	kmutex_unlock(&p->lock);
}

static int
run_step(struct lwp *l, bool *own, struct cpu_event *ev)
{
	struct trapframe *tf = &l->cpu->tf;
	int error;

	*own = (tf->rflags & TF_RFLAGS_STEP) != 0;
	tf->rflags |= TF_RFLAGS_STEP;
	error = cpu_run(l->cpu, l->p->vmspace->pmap, ev);
	if (!*own)
		tf->rflags &= ~TF_RFLAGS_STEP;
	return (error);
}

static int
run_watched(struct lwp *l, struct cpu_event *ev)
{
	struct trace_watch w = {0};
	struct watch_values before;
	struct proc *p = l->p;
	bool own;
	int error;

	kmutex_lock(&p->lock);
	if (l->traced != NULL)
		w = l->traced->watch;
	kmutex_unlock(&p->lock);
	watch_load(l, &w, &before);
	error = run_step(l, &own, ev);
	if (error == 0 && ev->type == CPU_EV_EXCEPTION &&
	    ev->signo == LX_SIGTRAP && ev->code == LX_TRAP_TRACE)
		watch_event(l, watch_hits(l, &w, &before), own, ev);
	return (error);
}

int
lwp_run(struct lwp *l, struct cpu_event *ev)
{
	const unsigned flags =
	    atomic_load_explicit(&l->tflags, memory_order_relaxed);
	bool own;

	if ((flags & LWP_TRACE_WATCH) != 0)
		return (run_watched(l, ev));
	if ((flags & LWP_TRACE_STEP) != 0)
		return (run_step(l, &own, ev));
	return (cpu_run(l->cpu, l->p->vmspace->pmap, ev));
}
