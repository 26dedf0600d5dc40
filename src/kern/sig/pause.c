/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Pausing all guests of a kernel.
 *
 * Purpose.  An operator stops a sandbox for a while, and nothing in it can
 * tell, as with the freezer of a cgroup: no signal, no state of job control, no
 * interrupted system call.
 *
 * Concepts.  `paused` belongs to the kernel.  An lwp looks at it where it looks
 * at signals, before user code, and sleeps there.  kern_pause() marks each lwp
 * (sigcheck) and interrupts its user code; it does not wake sleepers, which
 * find the pause when their system call ends.  Then it waits until no lwp is in
 * user code.  A system call that is under way still has its effects; that is
 * all that can happen in a paused kernel.
 *
 * Locking and lifetime.  `paused` is set before the lwps are marked, each under
 * its proc lock.  An lwp tests it after it has taken that lock, or starts with
 * the mark (lwp_main()), so that none is missed.  pause_lock orders pauses and
 * resumes.
 *
 * Guarantees.  SIGKILL, exit and exec of another thread end the wait of an lwp
 * at once.
 *
 * Limits.  Time goes on: timers expire, and their signals are pending at the
 * end.
 */
#include "kern/sig/pause.h"

#include <errno.h>

#include "host/host.h"
#include "kern/base/lwp.h"
#include "kern/base/proc.h"
#include "kern/base/vkernel.h"
#include "libk/kassert.h"

#define WAIT_NS UINT64_C(10000000000)
#define LOOK_NS UINT64_C(200000)

bool
kern_paused(struct vkernel *k)
{
	return (atomic_load(&k->paused));
}

void
kern_pause_wait(struct lwp *l)
{
	const bool killonly = l->killonly;
	struct proc *p = l->p;
	bool killed;

	klock_assert_none();
	l->killonly = true;
	for (;;) {
		lwp_sleep_prepare(l);
		kmutex_lock(&p->lock);
		killed = lwp_killed_locked(l);
		kmutex_unlock(&p->lock);
		if (killed || !kern_paused(p->k))
			break;
		(void)lwp_sleep(l, UINT64_MAX);
	}
	l->killonly = killonly;
}

/* Each lwp: mark and interrupt it (pause), or wake it. */
static void
each_lwp(struct vkernel *k, bool pause)
{
	struct proc *p;
	struct lwp *l;

	kmutex_lock(&k->proctree);
	LIST_FOREACH (p, &k->procs, all) {
		kmutex_lock(&p->lock);
		LIST_FOREACH (l, &p->lwps, link) {
			if (pause) {
				atomic_store(&l->sigcheck, true);
				cpu_interrupt(l->cpu);
			} else {
				lwp_wakeup(l);
			}
		}
		kmutex_unlock(&p->lock);
	}
	kmutex_unlock(&k->proctree);
}

/* Is an lwp in user code? */
static bool
some_run(struct vkernel *k)
{
	struct proc *p;
	struct lwp *l;
	bool run = false;

	kmutex_lock(&k->proctree);
	LIST_FOREACH (p, &k->procs, all) {
		kmutex_lock(&p->lock);
		LIST_FOREACH (l, &p->lwps, link)
			run = run || lwp_in_user(l);
		kmutex_unlock(&p->lock);
		if (run)
			break;
	}
	kmutex_unlock(&k->proctree);
	return (run);
}

static void
resume_locked(struct vkernel *k)
{
	atomic_store(&k->paused, false);
	each_lwp(k, false);
}

int
kern_pause(struct vkernel *k)
{
	const uint64_t end = host_now_ns() + WAIT_NS;
	int error = 0;

	kmutex_lock(&k->pause_lock);
	if (!kern_paused(k)) {
		atomic_store(&k->paused, true);
		each_lwp(k, true);
	}
	while (error == 0 && some_run(k)) {
		if (host_now_ns() > end) {
			resume_locked(k);
			error = EAGAIN;
			break;
		}
		host_sleep_ns(LOOK_NS);
	}
	kmutex_unlock(&k->pause_lock);
	return (error);
}

void
kern_resume(struct vkernel *k)
{
	kmutex_lock(&k->pause_lock);
	resume_locked(k);
	kmutex_unlock(&k->pause_lock);
}
