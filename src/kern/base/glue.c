/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Swapping out whole processes: which one, and when.
 *
 * Concepts: pageout calls sys->swap_idle when memory is short, before it takes
 * pages from processes that run.  The process that has been stopped by job
 * control for the longest time, and for at least GLUE_IDLE_NS, is swapped out,
 * once for each stop.  When it is continued, its first thread to run brings
 * back what fits (vmspace_swapin); the rest comes by faults.
 *
 * Locking: the choice is made under proctree; the work is done with the vmspace
 * held and no lock.
 */
#include "kern/base/lwp.h"
#include "kern/base/proc.h"
#include "kern/base/vkernel.h"
#include "vm/vm_glue.h"

#define GLUE_IDLE_NS UINT64_C(1000000000)

/* The vmspace, held, of the process that has been stopped longest, or NULL. */
static struct vmspace *
glue_choose(struct vkernel *k, int *pid)
{
	uint64_t now = host_now_ns(), since = UINT64_MAX;
	struct proc *p, *best = NULL;
	struct vmspace *vm = NULL;

	kmutex_lock(&k->proctree);
	LIST_FOREACH (p, &k->procs, all) {
		kmutex_lock(&p->lock);
		if (p->state == PROC_STOPPED && !p->swapped_out &&
		    p->vmspace != NULL && now - p->stopped_ns >= GLUE_IDLE_NS &&
		    p->stopped_ns < since) {
			since = p->stopped_ns;
			best = p;
		}
		kmutex_unlock(&p->lock);
	}
	if (best != NULL) {
		kmutex_lock(&best->lock);
		vm = best->vmspace;
		if (vm != NULL)
			vmspace_hold(vm);
		best->swapped_out = true;
		*pid = best->pid;
		kmutex_unlock(&best->lock);
	}
	kmutex_unlock(&k->proctree);
	return (vm);
}

uint64_t
kern_swap_idle(void *arg)
{
	struct vkernel *k = arg;
	struct vmspace *vm;
	uint64_t pages;
	int pid = 0;

	vm = glue_choose(k, &pid);
	if (vm == NULL)
		return (0);
	pages = vmspace_swapout(vm);
	vmspace_drop(vm);
	klog(&k->log, KLOG_INFO, "pid %d is stopped: %llu pages swapped out",
	    pid, (unsigned long long)pages);
	return (pages);
}

void
kern_swap_back(struct lwp *l)
{
	struct proc *p = l->p;
	bool back;

	kmutex_lock(&p->lock);
	back = p->swapped_out && p->state == PROC_ALIVE;
	if (back)
		p->swapped_out = false;
	kmutex_unlock(&p->lock);
	if (back)
		vmspace_swapin(lwp_vmspace(l));
}
