/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * ITIMER_REAL and alarm(2): the one alarm of a process.
 *
 * The deadline and the interval are kept under the lock of the process; its
 * timer is armed whenever the deadline is not 0.  Both survive exec, and fork
 * gives the child none.
 */
#include "abi/signal.h"
#include "kern/base/ktimer.h"
#include "kern/base/proc.h"
#include "kern/base/vkernel.h"
#include "kern/sig/ksignal.h"
#include "kern/time/ktime.h"

static void
alarm_fire(struct ktimer *t, struct ktimer_batch *batch)
{
	struct ksiginfo ksi = {.signo = LX_SIGALRM, .code = LX_SI_KERNEL};
	struct proc *p = batch->p;
	uint64_t n;

	ksig_post_proc_locked(p, &ksi);
	if (p->alarm_interval == 0) {
		p->alarm_ns = 0;
		return;
	}
	p->alarm_ns =
	    ktime_forward(p->alarm_ns, p->alarm_interval, batch->now, &n);
	ktimer_arm(t, p->alarm_ns);
}

int
proc_set_alarm(struct proc *p, uint64_t deadline, uint64_t interval,
    uint64_t *old_deadline, uint64_t *old_interval)
{
	uint64_t deadline_was, interval_was;
	int error = 0;

	kmutex_lock(&p->lock);
	deadline_was = p->alarm_ns;
	interval_was = p->alarm_interval;
	if (deadline != 0)
		error = ktimers_start(p->k);
	if (p->alarm_timer.fire == NULL)
		ktimer_init(&p->alarm_timer, p, alarm_fire);
	p->alarm_ns = error == 0 ? deadline : 0;
	p->alarm_interval = interval;
	if (p->alarm_ns != 0)
		ktimer_arm(&p->alarm_timer, p->alarm_ns);
	else
		ktimer_disarm(&p->alarm_timer);
	kmutex_unlock(&p->lock);
	if (error != 0)
		return (error);
	if (old_deadline != NULL)
		*old_deadline = deadline_was;
	if (old_interval != NULL)
		*old_interval = interval_was;
	return (0);
}

void
proc_get_alarm(struct proc *p, uint64_t *deadline, uint64_t *interval)
{
	kmutex_lock(&p->lock);
	*deadline = p->alarm_ns;
	*interval = p->alarm_interval;
	kmutex_unlock(&p->lock);
}
