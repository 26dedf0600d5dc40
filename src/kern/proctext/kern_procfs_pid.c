/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * procfs texts of one process, in Linux's formats.
 *
 * Concepts: a text is generated from a snapshot (struct procfs_proc) that is
 * taken in one go under proctree and the proc lock, and from the vmspace the
 * process had then, which is held.  Memory (cmdline, environ) is read through
 * the held vmspace: a process that execs meanwhile shows its old strings, one
 * that exits shows none; it never shows those of another process.
 */
#include "kern/proctext/kern_procfs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/resource.h"
#include "abi/signal.h"
#include "abi/time.h"
#include "kern/base/session.h"
#include "kern/exec/exec.h"
#include "libk/kassert.h"
#include "vfs/core/mount.h"
#include "vfs/core/vfs.h"
#include "vfs/devfs/tty.h"
#include "vfs/procfs/procfs.h"
#include "vm/map/vm_map.h"
#include "vm/vmspace.h"

#define TICK_NS (UINT64_C(1000000000) / LX_USER_HZ)
#define MAPS_NAME_COLUMN 73
#define CHAIN_SHOWN 8 /* objects of a chain; longer ones are rare */
#define COPY_AT_ONCE ((size_t)64 << 10)

/* printf's %llu takes nothing else. */
typedef unsigned long long ull;

struct procfs_proc {
	struct proc *p;     /* held */
	struct vmspace *vm; /* held; NULL for a zombie */
	int pid, tid, ppid, pgid, sid, tty, fg, nlwps, nice, exit_signal,
	    exit_status, tracer;
	char state, comm[16];
	uint32_t uid, euid, suid, gid, egid, sgid, umask;
	struct group_set *groups; /* own ref */
	bool no_new_privs;
	bool may_look; /* the reader may see addresses */
	uint64_t sigpnd, shdpnd, blocked, ignored, caught;
	uint64_t start_ns;
	struct proc_rusage cru;
	struct proc_rlimit rlim[PROC_NRLIMITS];
	uint64_t auxv[PROC_AUXV];
};

/* Proc lock held. */
static char
pinfo_state(struct proc *p, const struct lwp *of)
{
	struct lwp *l;

	if (p->state == PROC_ZOMBIE)
		return ('Z');
	if (of != NULL && of->stop != NULL)
		return ('t');
	if (p->state == PROC_STOPPED)
		return ('T');
	LIST_FOREACH (l, &p->lwps, link)
		if ((of == NULL || of == l) &&
		    atomic_load(&l->state) == LWP_RUN)
			return ('R');
	return ('S');
}

static void
pinfo_signals(struct proc *p, struct procfs_proc *pi)
{
	struct sigacts *sa = p->sigacts;
	struct lwp *l = pi->tid != pi->pid ? proc_lwp_locked(p, pi->tid)
					   : LIST_FIRST(&p->lwps);

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

static void
pinfo_locked(struct proc *p, struct procfs_proc *pi)
{
	const struct lwp *l, *of = NULL;

	pi->nlwps = p->nlwps;
	/* The nice value of one thread, or that of the first thread, which is
	 * last in the list. */
	l = proc_lwp_locked(p, pi->tid);
	if (l != NULL)
		pi->tracer = trace_tracer_pid_locked(l);
	if (pi->tid != pi->pid || (l != NULL && l->stop != NULL))
		of = l;
	LIST_FOREACH (l, &p->lwps, link)
		pi->nice = of != NULL ? of->nice : l->nice;
	pi->exit_signal = p->exit_signal;
	pi->exit_status = p->exit_status;
	pi->state = pinfo_state(p, of);
	memcpy(pi->comm, p->comm, sizeof(pi->comm));
	pi->uid = p->uid;
	pi->euid = p->euid;
	pi->suid = p->suid;
	pi->gid = p->gid;
	pi->egid = p->egid;
	pi->sgid = p->sgid;
	pi->groups = group_set_ref(p->groups);
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

static int
pinfo_get(struct vkernel *k, int pid, struct procfs_proc *pi)
{
	struct proc *p;

	memset(pi, 0, sizeof(*pi));
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
	}
	kmutex_unlock(&k->proctree);
	return (p == NULL ? ESRCH : 0);
}

static void
pinfo_put(struct procfs_proc *pi)
{
	if (pi->vm != NULL)
		vmspace_drop(pi->vm);
	group_set_free(pi->groups);
	proc_drop(pi->p);
}

/* ---- memory ---- */

static void
maps_line(const struct vm_entry_info *e, struct procfs_buf *b)
{
	char line[128];
	int n;

	n = snprintf(line, sizeof(line),
	    "%08llx-%08llx %c%c%c%c %08llx %02x:%02x %llu ", (ull)e->start,
	    (ull)e->end, (e->prot & VM_PROT_READ) != 0 ? 'r' : '-',
	    (e->prot & VM_PROT_WRITE) != 0 ? 'w' : '-',
	    (e->prot & VM_PROT_EXECUTE) != 0 ? 'x' : '-',
	    (e->eflags & MAP_ENTRY_SHARED) != 0 ? 's' : 'p', (ull)e->offset,
	    (unsigned)(e->dev >> 8 & 0xfff),
	    (unsigned)((e->dev & 0xff) | (e->dev >> 12 & 0xfff00)),
	    (ull)e->ino);
	if (e->name[0] != '\0')
		procfs_printf(b, "%-*s%s\n",
		    n < MAPS_NAME_COLUMN ? MAPS_NAME_COLUMN : n, line, e->name);
	else
		procfs_printf(b, "%s\n", line);
}

/*
 * The next mapping for a text with a part for each of them, whose positions are
 * addresses.  False: there is none, or the piece is full.
 */
static bool
pid_next_entry(
    struct procfs_proc *pi, struct procfs_buf *b, struct vm_entry_info *e)
{
	vm_offset_t va = b->next != 0 ? b->next : b->from;

	b->next = 0;
	if (pi->vm == NULL || vmspace_entry_info(pi->vm, va, e) != 0)
		return (false);
	if (procfs_buf_full(b)) {
		b->next = e->start;
		return (false);
	}
	b->next = e->end;
	return (true);
}

static void
pid_maps(struct procfs_proc *pi, struct procfs_buf *b)
{
	struct vm_entry_info e;

	while (pid_next_entry(pi, b, &e))
		maps_line(&e, b);
}

/*
 * In Linux's format, with an estimate of Private_Dirty and similar fields: it
 * is known which object a page belongs to, but not which process has written
 * it.  Translated pages that anonymous objects can have count as dirty, the
 * others as pages of a file.
 */
static void
smaps_entry(
    struct vmspace *vm, const struct vm_entry_info *e, struct procfs_buf *b)
{
	const char *of[4] = {"Shared_Clean:", "Shared_Dirty:", "Private_Clean:",
	    "Private_Dirty:"};
	struct vm_entry_pages pg = {0};
	uint64_t rss = e->resident, anon, value;
	bool shared = (e->eflags & MAP_ENTRY_SHARED) != 0;

	(void)vmspace_entry_pages(vm, e->start, &pg);
	anon = pg.anon < rss ? pg.anon : rss;
	procfs_printf(b,
	    "Size:           %8llu kB\nKernelPageSize: %8llu kB\n"
	    "MMUPageSize:    %8llu kB\nRss:            %8llu kB\n"
	    "Pss:            %8llu kB\n",
	    (ull)(e->end - e->start) / 1024, (ull)PAGE_SIZE / 1024,
	    (ull)PAGE_SIZE / 1024, (ull)rss / 1024,
	    (ull)(pg.share < rss ? pg.share : rss) / 1024);
	for (unsigned i = 0; i < 4; i++) {
		value = (i & 1) != 0 ? anon : rss - anon;
		/* Pages of a file count as shared. */
		if (((i & 2) == 0) != (shared || (i & 1) == 0))
			value = 0;
		procfs_printf(b, "%-15s %8llu kB\n", of[i], (ull)value / 1024);
	}
	procfs_printf(b,
	    "Referenced:     %8llu kB\nAnonymous:      %8llu kB\n"
	    "Swap:           %8llu kB\nVmFlags:%s%s%s%s\n",
	    (ull)rss / 1024, (ull)anon / 1024, (ull)pg.swapped / 1024,
	    (e->prot & VM_PROT_READ) != 0 ? " rd" : "",
	    (e->prot & VM_PROT_WRITE) != 0 ? " wr" : "",
	    (e->prot & VM_PROT_EXECUTE) != 0 ? " ex" : "", shared ? " sh" : "");
}

static void
pid_smaps(struct procfs_proc *pi, struct procfs_buf *b)
{
	struct vm_entry_info e;

	while (pid_next_entry(pi, b, &e)) {
		maps_line(&e, b);
		smaps_entry(pi->vm, &e, b);
	}
}

/* The objects behind the entry at va, one to a line. */
static void
pid_chain(struct vmspace *vm, vm_offset_t va, struct procfs_buf *b)
{
	struct vm_chain_info c[CHAIN_SHOWN];
	unsigned n = vmspace_entry_chain(vm, va, c, CHAIN_SHOWN);

	for (unsigned i = 0; i < n; i++)
		procfs_printf(b,
		    "  object %llu %s refs %u holds %u pages %llu swapped "
		    "%llu\n",
		    (ull)c[i].id, c[i].type, c[i].refs, c[i].holds,
		    (ull)c[i].resident, (ull)c[i].swapped);
}

static void
pid_vmspace_head(struct procfs_proc *pi, struct procfs_buf *b)
{
	struct vmspace_stat st;

	/* A zombie has no memory: no page, no block, no entry. */
	memset(&st, 0, sizeof(st));
	if (pi->vm != NULL)
		vmspace_stat(pi->vm, &st);
	procfs_printf(b,
	    "generation %llu\nrefs %llu\nholds %llu\nflags %s\nsize %llu\n"
	    "resident %llu\npeak %llu\nproportional %llu\nwired %llu\n"
	    "entries %llu\nanonymous %llu\nswap %llu\n"
	    "minflt %llu\nmajflt %llu\nzfod %llu\ncow %llu\nswapin %llu\n",
	    (ull)st.id, (ull)st.refs, (ull)st.holds,
	    pi->vm == NULL ? "NONE"
	    : st.exiting   ? "EXIT1"
			   : "LIVE",
	    (ull)st.size, (ull)st.resident, (ull)st.resident_peak, (ull)st.pss,
	    (ull)st.wired, (ull)st.entries, (ull)(st.anon / PAGE_SIZE),
	    (ull)(st.swap / PAGE_SIZE), (ull)st.minflt, (ull)st.majflt,
	    (ull)st.zfod, (ull)st.cow, (ull)st.swapin);
}

static void
pid_vmspace(struct procfs_proc *pi, struct procfs_buf *b)
{
	struct vm_entry_info e;

	if (b->from == 0)
		pid_vmspace_head(pi, b);
	while (pid_next_entry(pi, b, &e)) {
		procfs_printf(b,
		    "entry %llx-%llx prot %u flags %#x object %llu chain %u "
		    "resident %llu %s\n",
		    (ull)e.start, (ull)e.end, e.prot, e.eflags,
		    (ull)e.object_id, e.depth, (ull)e.resident, e.name);
		pid_chain(pi->vm, e.start, b);
	}
}

/* Bytes [start, end) of the process. */
static int
pid_memory(struct procfs_proc *pi, vm_offset_t start, vm_offset_t end,
    struct procfs_buf *b)
{
	size_t n, done;
	char *tmp;
	int error = 0;

	if (pi->vm == NULL || end <= start)
		return (0);
	if (end - start > EXEC_ARG_MAX)
		end = start + EXEC_ARG_MAX;
	tmp = malloc(COPY_AT_ONCE);
	if (tmp == NULL)
		return (ENOMEM);
	while (start < end && error == 0) {
		n = end - start < COPY_AT_ONCE ? end - start : COPY_AT_ONCE;
		done = 0;
		error = copyin_part(pi->vm, tmp, start, n, &done);
		procfs_write(b, tmp, done);
		start += done;
	}
	free(tmp);
	return (error == EFAULT || error == ESRCH ? 0 : error);
}

static void
pid_statm(struct procfs_proc *pi, struct procfs_buf *b)
{
	struct vmspace_stat st = {0};
	uint64_t anon = 0, text = 0, res;

	if (pi->vm != NULL) {
		vmspace_stat(pi->vm, &st);
		anon = st.anon / PAGE_SIZE;
		text = round_page(pi->vm->code_end) -
		       trunc_page(pi->vm->code_start);
	}
	res = st.resident / PAGE_SIZE;
	procfs_printf(b, "%llu %llu %llu %llu 0 %llu 0\n",
	    (ull)(st.size / PAGE_SIZE), (ull)res,
	    (ull)(res > anon ? res - anon : 0), (ull)(text / PAGE_SIZE),
	    (ull)(st.size > text ? (st.size - text) / PAGE_SIZE : 0));
}

/* ---- numbers ---- */

static void
pid_stat(struct procfs_proc *pi, struct procfs_buf *b)
{
	struct vmspace_stat st = {0};
	struct vmspace *vm = pi->vm;
	const struct vmspace *seen = pi->may_look ? vm : NULL;
	struct proc_rusage ru;

	proc_rusage(pi->p, &ru);
	if (vm != NULL)
		vmspace_stat(vm, &st);
	procfs_printf(b, "%d (%s) %c %d %d %d %d %d 0 %llu %llu %llu %llu ",
	    pi->tid, pi->comm, pi->state, pi->ppid, pi->pgid, pi->sid, pi->tty,
	    pi->fg, (ull)ru.minflt, (ull)pi->cru.minflt, (ull)ru.majflt,
	    (ull)pi->cru.majflt);
	procfs_printf(b, "%llu %llu %llu %llu %d %d %d 0 %llu %llu %llu %llu ",
	    (ull)(ru.utime / TICK_NS), (ull)(ru.stime / TICK_NS),
	    (ull)(pi->cru.utime / TICK_NS), (ull)(pi->cru.stime / TICK_NS),
	    20 + pi->nice, pi->nice, pi->nlwps,
	    (ull)((pi->start_ns - pi->p->k->boot_ns) / TICK_NS), (ull)st.size,
	    (ull)(st.resident / PAGE_SIZE), (ull)pi->rlim[LX_RLIMIT_RSS].cur);
	procfs_printf(b, "%llu %llu %llu 0 0 %llu %llu %llu %llu 0 0 0 %d ",
	    seen != NULL ? (ull)seen->code_start : vm != NULL,
	    seen != NULL ? (ull)seen->code_end : vm != NULL,
	    seen != NULL ? (ull)seen->stack_top : 0ULL,
	    (ull)((pi->sigpnd | pi->shdpnd) & INT32_MAX),
	    (ull)(pi->blocked & INT32_MAX), (ull)(pi->ignored & INT32_MAX),
	    (ull)(pi->caught & INT32_MAX), pi->exit_signal);
	procfs_printf(b, "0 0 0 0 0 0 0 0 %llu %llu %llu %llu %llu %d\n",
	    seen != NULL ? (ull)seen->brk_start : 0ULL,
	    seen != NULL ? (ull)seen->arg_start : 0ULL,
	    seen != NULL ? (ull)seen->arg_end : 0ULL,
	    seen != NULL ? (ull)seen->env_start : 0ULL,
	    seen != NULL ? (ull)seen->env_end : 0ULL,
	    pi->may_look ? pi->exit_status : 0);
}

static const char *
state_name(char c)
{
	switch (c) {
	case 'R':
		return ("R (running)");
	case 'T':
		return ("T (stopped)");
	case 't':
		return ("t (tracing stop)");
	case 'Z':
		return ("Z (zombie)");
	default:
		return ("S (sleeping)");
	}
}

static void
pid_status_vm(struct procfs_proc *pi, struct procfs_buf *b)
{
	struct vmspace_stat st;

	vmspace_stat(pi->vm, &st);
	procfs_printf(b,
	    "VmPeak:\t%8llu kB\nVmSize:\t%8llu kB\nVmLck:\t%8llu kB\n"
	    "VmHWM:\t%8llu kB\nVmRSS:\t%8llu kB\nRssAnon:\t%8llu kB\n"
	    "VmSwap:\t%8llu kB\n",
	    (ull)(st.size >> 10), (ull)(st.size >> 10), (ull)(st.wired >> 10),
	    (ull)(st.resident_peak >> 10), (ull)(st.resident >> 10),
	    (ull)(st.anon >> 10), (ull)(st.swap >> 10));
}

static void
pid_status(struct procfs_proc *pi, struct procfs_buf *b)
{
	procfs_printf(b,
	    "Name:\t%s\nUmask:\t%04o\nState:\t%s\nTgid:\t%d\nNgid:\t0\n"
	    "Pid:\t%d\nPPid:\t%d\nTracerPid:\t%d\n"
	    "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\nFDSize:\t256\n"
	    "Groups:\t",
	    pi->comm, pi->umask, state_name(pi->state), pi->pid, pi->tid,
	    pi->ppid, pi->tracer, pi->uid, pi->euid, pi->suid, pi->euid,
	    pi->gid, pi->egid, pi->sgid, pi->egid);
	for (size_t i = 0; i < group_set_count(pi->groups); i++)
		procfs_printf(b, "%u ", pi->groups->gid[i]);
	procfs_printf(b, "\nNStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\n",
	    pi->pid, pi->tid, pi->pgid, pi->sid);
	if (pi->vm != NULL)
		pid_status_vm(pi, b);
	procfs_printf(b,
	    "Threads:\t%d\nSigQ:\t0/%llu\nSigPnd:\t%016llx\nShdPnd:\t%016llx\n"
	    "SigBlk:\t%016llx\nSigIgn:\t%016llx\nSigCgt:\t%016llx\n"
	    "CapInh:\t%016x\nCapPrm:\t%016x\nCapEff:\t%016x\n"
	    "NoNewPrivs:\t%d\nSeccomp:\t0\n",
	    pi->nlwps, (ull)pi->rlim[LX_RLIMIT_SIGPENDING].cur, (ull)pi->sigpnd,
	    (ull)pi->shdpnd, (ull)pi->blocked, (ull)pi->ignored,
	    (ull)pi->caught, 0, 0, 0, pi->no_new_privs);
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

/* A field of /proc/mounts: blanks and backslashes as \ooo. */
static void
mount_field(struct procfs_buf *b, const char *s)
{
	for (; *s != '\0'; s++) {
		if (strchr(" \t\n\\", *s) != NULL)
			procfs_printf(b, "\\%03o", (unsigned char)*s);
		else
			procfs_write(b, s, 1);
	}
	procfs_write(b, " ", 1);
}

static void
pid_mounts(struct procfs_proc *pi, struct procfs_buf *b)
{
	struct vfs *vfs = pi->p->k->vfs;
	struct vmount *mp;

	kmutex_lock(&vfs->mount_lock);
	TAILQ_FOREACH (mp, &vfs->mounts, link) {
		mount_field(b, mp->source);
		mount_field(b, mp->target);
		procfs_printf(b, "%s %s,relatime 0 0\n", mp->fstype,
		    (mp->flags & VMNT_RDONLY) != 0 ? "ro" : "rw");
	}
	kmutex_unlock(&vfs->mount_lock);
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
text_maps(struct procfs_proc *pi, struct procfs_buf *b)
{
	pid_maps(pi, b);
	return (0);
}

static int
text_smaps(struct procfs_proc *pi, struct procfs_buf *b)
{
	pid_smaps(pi, b);
	return (0);
}

static int
text_stat(struct procfs_proc *pi, struct procfs_buf *b)
{
	pid_stat(pi, b);
	return (0);
}

static int
text_status(struct procfs_proc *pi, struct procfs_buf *b)
{
	pid_status(pi, b);
	return (0);
}

static int
text_statm(struct procfs_proc *pi, struct procfs_buf *b)
{
	pid_statm(pi, b);
	return (0);
}

static int
text_cmdline(struct procfs_proc *pi, struct procfs_buf *b)
{
	const struct vmspace *vm = pi->vm;

	return (vm == NULL ? 0 : pid_memory(pi, vm->arg_start, vm->arg_end, b));
}

static int
text_environ(struct procfs_proc *pi, struct procfs_buf *b)
{
	const struct vmspace *vm = pi->vm;

	return (vm == NULL ? 0 : pid_memory(pi, vm->env_start, vm->env_end, b));
}

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
text_comm(struct procfs_proc *pi, struct procfs_buf *b)
{
	procfs_printf(b, "%s\n", pi->comm);
	return (0);
}

static int
text_mounts(struct procfs_proc *pi, struct procfs_buf *b)
{
	pid_mounts(pi, b);
	return (0);
}

static int
text_oom_score_adj(struct procfs_proc *pi, struct procfs_buf *b)
{
	procfs_printf(b, "0\n");
	return (0);
}

static int
text_vmspace(struct procfs_proc *pi, struct procfs_buf *b)
{
	pid_vmspace(pi, b);
	return (0);
}

const struct procfs_pid_node kern_pid_nodes[] = {
    {"maps", 0444 | PROCFS_PRIVATE, text_maps},
    {"smaps", 0444 | PROCFS_PRIVATE, text_smaps},
    {"stat", 0444, text_stat},
    {"status", 0444, text_status},
    {"statm", 0444, text_statm},
    {"cmdline", 0444, text_cmdline},
    {"environ", 0400 | PROCFS_PRIVATE, text_environ},
    {"auxv", 0400 | PROCFS_PRIVATE, text_auxv},
    {"limits", 0444, text_limits},
    {"comm", 0444, text_comm},
    {"mounts", 0444, text_mounts},
    {"oom_score_adj", 0444, text_oom_score_adj},
    {"vmspace", 0444 | PROCFS_PRIVATE, text_vmspace},
    {NULL, 0, NULL},
};

int
kern_procfs_open(
    void *vkernel, int pid, bool may_look, struct procfs_proc **out)
{
	struct procfs_proc *pi;
	int error;

	pi = malloc(sizeof(*pi));
	if (pi == NULL)
		return (ENOMEM);
	error = pinfo_get(vkernel, pid, pi);
	if (error != 0) {
		free(pi);
		return (error);
	}
	pi->may_look = may_look;
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
