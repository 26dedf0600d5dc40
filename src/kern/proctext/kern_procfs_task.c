/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * What a thread does, for debuggers: syscall, stack, sched; and timers, attr.
 *
 * A thread in a system call shows its number and arguments.  It has no stack in
 * the kernel that could be shown; stack names the call.  No security module is
 * there, so that reading and writing attr is EINVAL, as on Linux then.
 */
#include "kern/proctext/kern_procfs_int.h"

#include <errno.h>

#include "abi/signal.h"
#include "kern/time/ptimer.h"

#define NS_PER_MS UINT64_C(1000000)

/* The system call of the thread; -1: it is in none.  seen: its arguments, stack
 * pointer and instruction pointer. */
static int
call_of(const struct procfs_proc *pi, uint64_t seen[LWP_SEEN])
{
	const struct lwp *l;
	int nr = -1;

	kmutex_lock(&pi->p->lock);
	l = proc_lwp_locked(pi->p, pi->tid);
	if (l != NULL) {
		nr = atomic_load_explicit(&l->sc_now, memory_order_acquire);
		for (int i = 0; i < LWP_SEEN; i++)
			seen[i] = atomic_load_explicit(
			    &l->sc_seen[i], memory_order_relaxed);
	}
	kmutex_unlock(&pi->p->lock);
	return (nr);
}

int
pid_text_syscall(struct procfs_proc *pi, struct procfs_buf *b)
{
	uint64_t seen[LWP_SEEN];
	int nr = call_of(pi, seen);

	if (nr < 0) {
		procfs_printf(b, "running\n");
		return (0);
	}
	procfs_printf(b, "%d", nr);
	for (int i = 0; i < LWP_SEEN; i++)
		procfs_printf(b, " 0x%llx", (ull)seen[i]);
	procfs_printf(b, "\n");
	return (0);
}

int
pid_text_stack(struct procfs_proc *pi, struct procfs_buf *b)
{
	const struct syscall_ops *ops = pi->p->k->sysops;
	uint64_t seen[LWP_SEEN];
	const char *name;
	int nr = call_of(pi, seen);

	if (nr < 0 || ops == NULL)
		return (0);
	name = ops->name((unsigned)nr);
	if (name != NULL)
		procfs_printf(b, "[<0>] sys_%s\n", name);
	return (0);
}

static void
sched_line(struct procfs_buf *b, const char *name, uint64_t value)
{
	procfs_printf(b, "%-45s:%21llu\n", name, (ull)value);
}

static void
sched_time(struct procfs_buf *b, const char *name, uint64_t ns)
{
	procfs_printf(b, "%-45s:%14llu.%06llu\n", name, (ull)(ns / NS_PER_MS),
	    (ull)(ns % NS_PER_MS));
}

/* The times are the thread's; the host schedules it, and its counts are not
 * known. */
int
pid_text_sched(struct procfs_proc *pi, struct procfs_buf *b)
{
	const uint64_t ran = pi->user_ns + pi->sys_ns;

	procfs_printf(b,
	    "%s (%d, #threads: %d)\n"
	    "------------------------------------------------------------------"
	    "-\n",
	    pi->comm, pi->tid, pi->nlwps);
	sched_time(b, "se.exec_start", pi->start_ns);
	sched_time(b, "se.vruntime", ran);
	sched_time(b, "se.sum_exec_runtime", ran);
	sched_line(b, "se.nr_migrations", 0);
	sched_line(b, "nr_switches", 0);
	sched_line(b, "nr_voluntary_switches", 0);
	sched_line(b, "nr_involuntary_switches", 0);
	sched_line(b, "se.load.weight", 1048576);
	sched_line(b, "policy", 0);
	sched_line(b, "prio", (uint64_t)(120 + pi->nice));
	return (0);
}

/* On Linux the counts begin anew; there are none. */
int
pid_write_sched(struct procfs_proc *pi, const char *text, size_t len)
{
	return (0);
}

int
pid_text_timers(struct procfs_proc *pi, struct procfs_buf *b)
{
	static const char *const how[] = {[LX_SIGEV_SIGNAL] = "signal",
	    [LX_SIGEV_NONE] = "none",
	    [LX_SIGEV_THREAD] = "thread"};
	const struct ptimer *t;

	kmutex_lock(&pi->p->lock);
	LIST_FOREACH (t, &pi->p->timers, link)
		procfs_printf(b,
		    "ID: %d\nsignal: %d/%016llx\nnotify: %s/%s.%d\n"
		    "ClockID: %d\n",
		    t->id, t->signo, (ull)t->value,
		    how[t->notify & ~LX_SIGEV_THREAD_ID],
		    t->notify & LX_SIGEV_THREAD_ID ? "tid" : "pid",
		    t->notify & LX_SIGEV_THREAD_ID ? t->notify_tid : pi->pid,
		    t->clock);
	kmutex_unlock(&pi->p->lock);
	return (0);
}

int
pid_text_attr(struct procfs_proc *pi, struct procfs_buf *b)
{
	return (EINVAL);
}

int
pid_write_attr(struct procfs_proc *pi, const char *text, size_t len)
{
	return (EINVAL);
}
