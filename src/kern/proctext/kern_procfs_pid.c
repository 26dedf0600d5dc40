/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * procfs texts of one process, in Linux's formats: the snapshot that they are
 * made from, and the table of them.
 *
 * Concepts: a text is generated from a snapshot (struct procfs_proc) that is
 * taken in one go under proctree and the proc lock, and from the vmspace the
 * process had then, which is held.  The texts about memory are in
 * kern_procfs_maps.c, stat and status in kern_procfs_status.c, mounts in
 * kern_procfs_mount.c, and what can be written in kern_procfs_set.c.
 *
 * The snapshot is that of a thread.  /proc/PID means the first thread where
 * Linux shows a value of a thread (state, name, niceness, pending signals), and
 * the whole process where it shows sums (times).
 *
 * Limits.  Of a thread, faults are those of its process.
 */
#include "kern/proctext/kern_procfs_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/resource.h"
#include "abi/signal.h"
#include "host/host.h"
#include "kern/base/seccomp.h"
#include "kern/base/session.h"
#include "vfs/devfs/tty.h"
#include "vfs/procfs/procfs.h"
#include "vm/vmspace.h"

/* Of the thread, l, which is NULL if it has ended before its process.  Proc
 * lock held. */
static char
pinfo_state(struct proc *p, const struct lwp *l)
{
	if (p->state == PROC_ZOMBIE)
		return ('Z');
	/* After its last thread the process still gives back its memory. */
	if (l == NULL)
		return (p->nlwps > 0 ? 'Z' : 'R');
	if (l->stop != NULL)
		return ('t');
	if (p->state == PROC_STOPPED)
		return ('T');
	return (atomic_load(&l->state) == LWP_RUN ? 'R' : 'S');
}

static void
pinfo_signals(struct proc *p, struct procfs_proc *pi)
{
	struct sigacts *sa = p->sigacts;
	const struct lwp *l = proc_lwp_locked(p, pi->tid);

	pi->shdpnd = p->sigpend.set;
	if (l != NULL) {
		pi->sigpnd = l->sigpend.set;
		pi->blocked = l->sigmask;
	}
	kmutex_lock(&sa->lock);
	for (int s = 1; s <= KNSIG; s++) {
		if (sa->sa[s].handler == LX_SIG_IGN)
			pi->ignored |= KSIGBIT(s);
		else if (sa->sa[s].handler != LX_SIG_DFL)
			pi->caught |= KSIGBIT(s);
	}
	kmutex_unlock(&sa->lock);
}

/* The CPUs that a thread without a set of its own may use. */
static void
pinfo_host_cpus(uint8_t mask[LWP_CPUS / 8])
{
	int cpus[LWP_CPUS], n = host_cpus(cpus, LWP_CPUS);

	memset(mask, 0, LWP_CPUS / 8);
	for (int i = 0; i < n; i++)
		if (cpus[i] >= 0 && cpus[i] < LWP_CPUS)
			mask[cpus[i] / 8] |= (uint8_t)(1u << cpus[i] % 8);
}

/* What is a thread's own.  Proc lock held. */
static void
pinfo_thread(struct proc *p, struct procfs_proc *pi)
{
	const struct lwp *l = proc_lwp_locked(p, pi->tid);

	pi->state = pinfo_state(p, l);
	memcpy(pi->comm, p->comm, sizeof(pi->comm));
	if (l == NULL)
		return;
	memcpy(pi->comm, l->comm, sizeof(pi->comm));
	pi->tracer = trace_tracer_pid_locked(l);
	pi->nice = l->nice;
	pi->slack_ns = l->slack_ns;
	pi->seccomp = seccomp_mode(l, &pi->seccomp_filters);
	pi->user_ns = lwp_cpu_ns(l, host_now_ns(), false);
	pi->sys_ns = atomic_load(&l->sys_ns);
	if (l->cpus_set)
		memcpy(pi->cpus, l->cpus, sizeof(pi->cpus));
}

/* Proc lock held. */
static void
pinfo_io(struct proc *p, struct procfs_proc *pi)
{
	const struct lwp *l;

	if (!pi->thread)
		memcpy(pi->io, p->io, sizeof(pi->io));
	LIST_FOREACH (l, &p->lwps, link)
		for (int i = 0; i < PROC_NIO; i++)
			if (!pi->thread || l->tid == pi->tid)
				pi->io[i] += atomic_load(&l->io[i]);
}

static void
pinfo_locked(struct proc *p, struct procfs_proc *pi)
{
	struct lwp *l;

	pinfo_thread(p, pi);
	pinfo_io(p, pi);
	pi->nlwps = p->nlwps;
	pi->exit_signal = p->exit_signal;
	pi->exit_status = p->exit_status;
	pi->execed = p->traced_exec;
	pi->oom_adj = p->oom_adj;
	pi->coredump_filter = p->coredump_filter;
	pi->loginuid = p->loginuid;
	pi->sessionid = p->sessionid;
	l = proc_lwp_locked(p, pi->tid);
	pi->cred = cred_ref(l != NULL ? l->cred : p->cred);
	pi->no_new_privs = p->no_new_privs;
	pi->start_ns = p->start_ns;
	pi->cru = p->cru;
	memcpy(pi->rlim, p->rlim, sizeof(pi->rlim));
	memcpy(pi->auxv, p->saved_auxv, sizeof(pi->auxv));
	pinfo_signals(p, pi);
	pi->vm = p->vmspace;
	if (pi->vm != NULL)
		vmspace_hold(pi->vm);
	if (p->fs != NULL) {
		kmutex_lock(&p->fs->lock);
		pi->umask = p->fs->umask;
		kmutex_unlock(&p->fs->lock);
	}
}

/* The number of /dev/pts/N, of which the kernel's terminal is 0. */
static int
tty_device(const struct vkernel *k, const struct session *s)
{
	if (s->tty == NULL)
		return (0);
	return (0x8800 | (s->tty == k ? 0 : (int)pty_number(s->tty)));
}

/* proctree held. */
static void
pinfo_seen(struct vkernel *k, struct procfs_proc *pi)
{
	const struct lwp *l = lwp_current();
	struct pidns *ns =
	    l != NULL ? l->p->pidns : (struct pidns *)k->ns->of[NS_PID];

	pi->seen.pid = pidns_out_locked(k, ns, pi->pid);
	pi->seen.tid = pidns_out_locked(k, ns, pi->tid);
	pi->seen.ppid = pidns_out_locked(k, ns, pi->ppid);
	pi->seen.pgid = pidns_out_locked(k, ns, pi->pgid);
	pi->seen.sid = pidns_out_locked(k, ns, pi->sid);
	pi->seen.fg = pidns_out_locked(k, ns, pi->fg);
	pi->seen.tracer = pidns_out_locked(k, ns, pi->tracer);
}

static int
pinfo_get(struct vkernel *k, int pid, unsigned how, struct procfs_proc *pi)
{
	struct proc *p;

	memset(pi, 0, sizeof(*pi));
	pi->may_look = (how & PROCFS_MAY_LOOK) != 0;
	pi->thread = (how & PROCFS_THREAD) != 0;
	pinfo_host_cpus(pi->cpus);
	kmutex_lock(&k->proctree);
	p = proc_find_tid_locked(k, pid);
	if (p != NULL) {
		proc_hold(p);
		pi->p = p;
		pi->pid = p->pid;
		pi->tid = pid;
		pi->ppid = p->parent != NULL ? p->parent->pid : 0;
		pi->pgid = p->pgid;
		pi->sid = p->sid;
		pi->fg = p->session->tty != NULL ? p->session->fg_pgid : -1;
		pi->tty = tty_device(k, p->session);
		kmutex_lock(&p->lock);
		pinfo_locked(p, pi);
		kmutex_unlock(&p->lock);
		pinfo_seen(k, pi);
	}
	kmutex_unlock(&k->proctree);
	return (p == NULL ? ESRCH : 0);
}

static void
pinfo_put(struct procfs_proc *pi)
{
	if (pi->vm != NULL)
		vmspace_drop(pi->vm);
	cred_free(pi->cred);
	proc_drop(pi->p);
}

static void
pid_limits(struct procfs_proc *pi, struct procfs_buf *b)
{
	static const struct {
		const char *name, *unit;
	} names[PROC_NRLIMITS] = {
	    {"Max cpu time", "seconds"},
	    {"Max file size", "bytes"},
	    {"Max data size", "bytes"},
	    {"Max stack size", "bytes"},
	    {"Max core file size", "bytes"},
	    {"Max resident set", "bytes"},
	    {"Max processes", "processes"},
	    {"Max open files", "files"},
	    {"Max locked memory", "bytes"},
	    {"Max address space", "bytes"},
	    {"Max file locks", "locks"},
	    {"Max pending signals", "signals"},
	    {"Max msgqueue size", "bytes"},
	    {"Max nice priority", ""},
	    {"Max realtime priority", ""},
	    {"Max realtime timeout", "us"},
	};
	char v[2][24];

	procfs_printf(b, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit",
	    "Hard Limit", "Units");
	for (int i = 0; i < PROC_NRLIMITS; i++) {
		const uint64_t n[2] = {pi->rlim[i].cur, pi->rlim[i].max};

		for (int j = 0; j < 2; j++) {
			if (n[j] == LX_RLIM_INFINITY)
				strcpy(v[j], "unlimited");
			else
				snprintf(v[j], sizeof(v[j]), "%llu", (ull)n[j]);
		}
		procfs_printf(b, "%-25s %-20s %-20s %-10s\n", names[i].name,
		    v[0], v[1], names[i].unit);
	}
}

static size_t
auxv_bytes(const uint64_t *auxv)
{
	size_t n = 0;

	while (n + 2 < PROC_AUXV && auxv[n] != 0)
		n += 2;
	return ((n + 2) * sizeof(*auxv));
}

/* The rest are nodes of struct procfs_pid_node. */

static int
text_auxv(struct procfs_proc *pi, struct procfs_buf *b)
{
	procfs_write(b, pi->auxv, auxv_bytes(pi->auxv));
	return (0);
}

static int
text_limits(struct procfs_proc *pi, struct procfs_buf *b)
{
	pid_limits(pi, b);
	return (0);
}

static int
text_personality(struct procfs_proc *pi, struct procfs_buf *b)
{
	procfs_printf(b, "%08x\n", 0);
	return (0);
}

/* The kernel has no names of places to wait at, as Linux says without
 * symbols. */
static int
text_wchan(struct procfs_proc *pi, struct procfs_buf *b)
{
	procfs_write(b, "0", 1);
	return (0);
}

/* Is the child one of the thread's?  The first thread has those of threads that
 * have ended, and of other processes.  proctree and the proc lock held. */
static bool
is_child_of(struct procfs_proc *pi, const struct proc *child)
{
	if (child->parent_tid == pi->tid)
		return (true);
	return (pi->tid == pi->pid &&
		proc_lwp_locked(pi->p, child->parent_tid) == NULL);
}

/* The children of the thread, oldest first.  The newest one is first in the
 * list. */
static int
text_children(struct procfs_proc *pi, struct procfs_buf *b)
{
	struct vkernel *k = pi->p->k;
	struct proc *p, *first = NULL;

	kmutex_lock(&k->proctree);
	kmutex_lock(&pi->p->lock);
	LIST_FOREACH (p, &pi->p->children, sibling)
		first = p;
	for (p = first; p != NULL;
	     p = LIST_PREV(p, &pi->p->children, proc, sibling))
		if (is_child_of(pi, p))
			procfs_printf(b, "%d ", p->pid);
	kmutex_unlock(&pi->p->lock);
	kmutex_unlock(&k->proctree);
	return (0);
}

/* There is one cgroup, the root. */
static int
text_cgroup(struct procfs_proc *pi, struct procfs_buf *b)
{
	procfs_printf(b, "0::/\n");
	return (0);
}

static int
text_cpuset(struct procfs_proc *pi, struct procfs_buf *b)
{
	procfs_printf(b, "/\n");
	return (0);
}

/* The lower ids are shown as the reader's user namespace has them; in a map of
 * that itself, as its parent has them. */
static void
id_map_text(struct procfs_proc *pi, bool group, struct procfs_buf *b)
{
	const struct lwp *l = lwp_current();
	struct userns *u = proc_userns_ref(pi->p), *reader;
	const struct userns *low;
	const struct id_map *m = group ? &u->gid_map : &u->uid_map;
	const unsigned n = atomic_load(&m->n);

	reader = proc_userns_ref(l != NULL ? l->p : pi->p);
	low = reader == u && u->ns.owner != NULL ? u->ns.owner : reader;
	for (unsigned i = 0; i < n; i++)
		procfs_printf(b, "%10u %10u %10u\n", m->range[i].first,
		    id_from_kernel(group ? &low->gid_map : &low->uid_map,
			m->range[i].below),
		    m->range[i].count);
	ns_free(&reader->ns);
	ns_free(&u->ns);
}

static int
text_uid_map(struct procfs_proc *pi, struct procfs_buf *b)
{
	id_map_text(pi, false, b);
	return (0);
}

static int
text_gid_map(struct procfs_proc *pi, struct procfs_buf *b)
{
	id_map_text(pi, true, b);
	return (0);
}

static int
text_setgroups(struct procfs_proc *pi, struct procfs_buf *b)
{
	struct userns *u = proc_userns_ref(pi->p);

	procfs_printf(
	    b, "%s\n", atomic_load(&u->no_setgroups) ? "deny" : "allow");
	ns_free(&u->ns);
	return (0);
}

static int
text_projid_map(struct procfs_proc *pi, struct procfs_buf *b)
{
	procfs_printf(b, "%10u %10u %10u\n", 0, 0, UINT32_MAX);
	return (0);
}

/* The embedder, which is no process, changes no map. */
static int
write_map(struct procfs_proc *pi, const char *text, size_t len,
    int (*write)(struct lwp *, struct userns *, const char *, size_t))
{
	struct lwp *l = lwp_current();
	struct userns *u;
	int error;

	if (l == NULL)
		return (EPERM);
	u = proc_userns_ref(pi->p);
	error = write(l, u, text, len);
	ns_free(&u->ns);
	return (error);
}

static int
put_uid_map(struct lwp *l, struct userns *u, const char *text, size_t len)
{
	return (userns_map_write(l, u, false, text, len));
}

static int
put_gid_map(struct lwp *l, struct userns *u, const char *text, size_t len)
{
	return (userns_map_write(l, u, true, text, len));
}

static int
write_uid_map(struct procfs_proc *pi, const char *text, size_t len)
{
	return (write_map(pi, text, len, put_uid_map));
}

static int
write_gid_map(struct procfs_proc *pi, const char *text, size_t len)
{
	return (write_map(pi, text, len, put_gid_map));
}

static int
write_setgroups(struct procfs_proc *pi, const char *text, size_t len)
{
	return (write_map(pi, text, len, userns_setgroups_write));
}

/* Project ids are no ids of any file. */
static int
write_projid_map(struct procfs_proc *pi, const char *text, size_t len)
{
	return (EPERM);
}

#define CHECKED PROCFS_CHECKED
#define PRIVATE PROCFS_PRIVATE
#define PROCESS PROCFS_PROCESS
#define TASK PROCFS_TASK

const struct procfs_pid_node kern_pid_nodes[] = {
    {"maps", 0444 | PRIVATE, pid_text_maps, NULL},
    {"smaps", 0444 | PRIVATE, pid_text_smaps, NULL},
    {"smaps_rollup", 0444 | PRIVATE, pid_text_smaps_rollup, NULL},
    {"stat", 0444, pid_text_stat, NULL},
    {"status", 0444, pid_text_status, NULL},
    {"statm", 0444, pid_text_statm, NULL},
    {"schedstat", 0444, pid_text_schedstat, NULL},
    {"io", 0400 | CHECKED, pid_text_io, NULL},
    {"cmdline", 0444, pid_text_cmdline, NULL},
    {"environ", 0400 | PRIVATE, pid_text_environ, NULL},
    {"auxv", 0400 | PRIVATE, text_auxv, NULL},
    {"limits", 0444, text_limits, NULL},
    {"comm", 0644, pid_text_comm, pid_write_comm},
    {"mounts", 0444, pid_text_mounts, NULL},
    {"mountinfo", 0444, pid_text_mountinfo, NULL},
    {"mountstats", 0400 | PROCESS, pid_text_mountstats, NULL},
    {"oom_score", 0444, pid_text_oom_score, NULL},
    {"oom_adj", 0644, pid_text_oom_adj, pid_write_oom_adj},
    {"oom_score_adj", 0644, pid_text_oom_score_adj, pid_write_oom_score_adj},
    {"coredump_filter", 0644 | PROCESS, pid_text_coredump_filter,
	pid_write_coredump_filter},
    {"clear_refs", 0200, NULL, pid_write_clear_refs},
    {"timerslack_ns", 0666 | PROCESS, pid_text_timerslack,
	pid_write_timerslack},
    {"loginuid", 0644, pid_text_loginuid, pid_write_loginuid},
    {"sessionid", 0444, pid_text_sessionid, NULL},
    {"personality", 0400 | CHECKED, text_personality, NULL},
    {"wchan", 0444, text_wchan, NULL},
    {"syscall", 0400 | CHECKED, pid_text_syscall, NULL},
    {"stack", 0400 | CHECKED, pid_text_stack, NULL},
    {"sched", 0644, pid_text_sched, pid_write_sched},
    {"timers", 0444 | PROCESS, pid_text_timers, NULL},
    {"numa_maps", 0444 | PRIVATE, pid_text_numa_maps, NULL},
    {"attr/current", 0666, pid_text_attr, pid_write_attr},
    {"attr/prev", 0444, pid_text_attr, NULL},
    {"attr/exec", 0666, pid_text_attr, pid_write_attr},
    {"attr/fscreate", 0666, pid_text_attr, pid_write_attr},
    {"attr/keycreate", 0666, pid_text_attr, pid_write_attr},
    {"attr/sockcreate", 0666, pid_text_attr, pid_write_attr},
    {"cgroup", 0444, text_cgroup, NULL},
    {"cpuset", 0444, text_cpuset, NULL},
    {"uid_map", 0644, text_uid_map, write_uid_map},
    {"gid_map", 0644, text_gid_map, write_gid_map},
    {"projid_map", 0644, text_projid_map, write_projid_map},
    {"setgroups", 0644, text_setgroups, write_setgroups},
    {"children", 0444 | TASK, text_children, NULL},
    {"vmspace", 0444 | PRIVATE, pid_text_vmspace, NULL},
    {NULL, 0, NULL, NULL},
};

int
kern_procfs_open(void *vkernel, int pid, unsigned how, struct procfs_proc **out)
{
	struct procfs_proc *pi;
	int error;

	pi = malloc(sizeof(*pi));
	if (pi == NULL)
		return (ENOMEM);
	error = pinfo_get(vkernel, pid, how, pi);
	if (error != 0) {
		free(pi);
		return (error);
	}
	*out = pi;
	return (0);
}

uint64_t
kern_procfs_id(const struct procfs_proc *pi, bool memory)
{
	return (memory && pi->vm != NULL ? pi->vm->id : pi->p->id);
}

void
kern_procfs_close(struct procfs_proc *pi)
{
	pinfo_put(pi);
	free(pi);
}
