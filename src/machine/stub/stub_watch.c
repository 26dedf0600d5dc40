/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The stub machine: finding a stub thread that will not answer.
 *
 * Purpose: other processes of the kernel wait in pmap_sync() until a stub
 * thread has answered its interrupt, or has carried out a list of operations.
 * Guest code that controls its stub can block the interrupt (rt_sigreturn takes
 * the signal mask from memory that the guest writes), or sleep.  Such a stub
 * must be killed soon, and a stub that is only slow must never be killed.
 *
 * Concepts: the kernel thread that waits for the answer looks at the stub
 * thread every STUB_WATCH_NS.  An honest thread that owes an answer does one of
 * these things, of which the first two can take long:
 *
 *   - it carries out operations, which is system time, and is bounded by the
 *     number of pages of the operations;
 *   - it waits for a CPU, and then uses no CPU time;
 *   - it runs a few microseconds of the signal handler.
 *
 * It does not sleep on the futex of its context, because it does so only after
 * an event, and it does not compute, because a signal that is not blocked is
 * delivered before the next instruction of user code.  Therefore a thread is
 * killed when, since the watch began,
 *
 *   USER    it has used DEAF_USER_NS of user time, and at most half as much
 *           system time;
 *   TOTAL   it has used DEAF_TOTAL_NS, and PAGE_NS for each page of its
 *           operations, of user and system time together;
 *   ASLEEP  it was found asleep in a futex for ASLEEP_NS.  To an ordinary user
 *           the host does not tell the call that a thread is in.  There it was
 *           found asleep with the interrupt pending and blocked; the signal
 *           handler, where it is blocked, sleeps only after an event, or where
 *           its calls are asked for (stub_notify.c);
 *   SILENT  it was found in another state, which it cannot leave by itself, for
 *           watchdog_ns (stopped by a signal) or six times as long (waiting for
 *           the host's disk).  A thread stopped by a debugger has all the time.
 *
 * What the host reports is checked against its errors:
 *
 *   - The host counts the time of a tick for the thread that the tick finds, so
 *     that one tick after a pause of the virtual machine may stand for all of
 *     the pause.  One look adds at most LOOK_MAX_NS to each sum, and GROWN_MIN
 *     looks must have seen growth.
 *   - It divides run time between user and system time by the ticks of the
 *     thread's whole life.  The user time of the process, which it counts
 *     without that division, must have grown as well.
 *   - A thread that has not run since the interrupt was sent has that signal
 *     pending, and not blocked.  Its CPU time is not counted.
 *
 * Trust: nothing is taken from the context, which the guest can write.
 *
 * Locking: the lwp's host thread makes all calls; it is bound to the stub, so
 * that the host has not given the thread's number to another thread.
 *
 * Limits: where /proc of the host cannot be read (a kernel process that root
 * has started is confined to a root without it), only user time is known, and
 * only of a stub with one thread; all other silence counts for watchdog_ns, and
 * a busy host makes an honest thread silent.
 */

#include "machine/stub/stub_int.h"

#include "abi/syscall.h"

#define WATCH_MIN_NS (STUB_WATCH_NS / 2)
#define LOOK_MAX_NS UINT64_C(10000000)
#define SILENCE_MAX_NS UINT64_C(200000000)
#define GROWN_MIN 3
#define DEAF_USER_NS UINT64_C(20000000)
#define DEAF_TOTAL_NS UINT64_C(250000000)
#define PAGE_NS UINT64_C(2000)
#define ASLEEP_NS UINT64_C(100000000)
#define DISK_SHARE 6

static uint64_t
at_most(uint64_t v, uint64_t max)
{
	return (v < max ? v : max);
}

/* Forget what was seen so far: the thread has shown that it is only slow. */
static void
watch_restart(struct stub_watch *w)
{
	w->user_ns = w->total_ns = w->asleep_ns = w->silent_ns = 0;
	w->grown = 0;
	w->raw_base = w->raw_ns;
}

/* Is the interrupt pending, and is it blocked as told? */
static bool
interrupt_pends(const struct stub_cpu *sc, bool is_blocked)
{
	const uint64_t bit = UINT64_C(1) << (STUB_SIG_INTERRUPT - 1);
	uint64_t blocked, pending;

	return (host_task_signals(sc->stub->pid, sc->tid, &blocked, &pending) ==
		    0 &&
		((blocked & bit) != 0) == is_blocked && (pending & bit) != 0);
}

/* Does a thread in state S sleep by its own choice? */
static bool
sleeps(const struct stub_cpu *sc, bool owes)
{
	int nr;

	if (host_task_syscall(sc->stub->pid, sc->tid, &nr) == 0)
		return (nr == LX_NR_FUTEX);
	/* Only root may ask which call it is in.  A call that is asked for
	 * sleeps, too. */
	return (!owes && !sc->sm->isolates && interrupt_pends(sc, true));
}

/* Add the CPU time since the last look. */
static void
count_time(struct stub_watch *w, const struct host_task *t)
{
	uint64_t user = t->user_ns - w->last.user_ns;
	uint64_t sys = t->sys_ns - w->last.sys_ns;

	w->grown += user + sys != 0;
	w->user_ns += at_most(user, LOOK_MAX_NS);
	w->total_ns += at_most(user + sys, LOOK_MAX_NS);
}

/* Add the time since the last look to what the thread's state means. */
static void
count_state(const struct stub_cpu *sc, struct stub_watch *w, char state,
    uint64_t ns, bool owes)
{
	ns = at_most(ns, SILENCE_MAX_NS);
	switch (state) {
	case 'R':
	case 't':
		break;
	case 'D':
		w->silent_ns += ns / DISK_SHARE;
		break;
	case 'S':
		if (sleeps(sc, owes)) {
			w->asleep_ns += at_most(ns, ASLEEP_NS / 4);
			break;
		}
		/* FALLTHROUGH */
	default:
		w->silent_ns += ns;
		break;
	}
}

/* Has the thread used more CPU time than it takes to answer? */
static bool
computes(const struct stub_cpu *sc, const struct stub_watch *w)
{
	const uint64_t sys = w->total_ns - w->user_ns;

	if (w->grown < GROWN_MIN)
		return (false);
	return ((w->user_ns >= DEAF_USER_NS && sys <= w->user_ns / 2 &&
		    w->raw_ns - w->raw_base >= DEAF_USER_NS / 2) ||
		w->total_ns >= DEAF_TOTAL_NS + sc->op_pages * PAGE_NS);
}

static const char *
verdict(struct stub_cpu *sc, struct stub_watch *w, bool owes)
{
	if (w->silent_ns > atomic_load(&sc->sm->watchdog_ns))
		return ("is stopped");
	if (w->asleep_ns >= ASLEEP_NS)
		return ("sleeps");
	if (!computes(sc, w))
		return (NULL);
	if (owes || !interrupt_pends(sc, false))
		return ("computes");
	watch_restart(w);
	return (NULL);
}

const char *
stub_watch_look(struct stub_cpu *sc, struct stub_watch *w, bool owes)
{
	const uint64_t now = host_now_ns();
	struct host_task t;
	bool known;

	/* Most threads answer before the second look, which is the first that
	 * costs something. */
	if (w->looks == 0) {
		*w = (struct stub_watch){.looks = 1, .last_ns = now};
		return (NULL);
	}
	if (now - w->last_ns < WATCH_MIN_NS)
		return (NULL);
	/* Sent again, so that the thread has it pending or has handled it. */
	if (!owes)
		stub_notify_interrupt(sc);
	w->raw_ns = host_process_user_ns(sc->stub->pid);
	known = host_task_read(sc->stub->pid, sc->tid, &t) == 0;
	if (!known)
		t = (struct host_task){.state = '?', .user_ns = w->raw_ns};
	/* The user time of the process is that of its only thread. */
	known = known || atomic_load(&sc->stub->nctx) == 1;
	if (w->looks++ == 1) {
		watch_restart(w);
	} else {
		count_state(sc, w, t.state, now - w->last_ns, owes);
		if (known)
			count_time(w, &t);
	}
	w->last_ns = now;
	w->last = t;
	return (verdict(sc, w, owes));
}
