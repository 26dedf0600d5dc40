/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * /proc/PID/stat, status and schedstat, in Linux's formats.
 *
 * Concepts.  The numbers come from the snapshot, from where the system calls
 * get them: limits, niceness, set of CPUs, capabilities, signals.  A reader
 * that may not look into the process sees 0 (or 1) for addresses.
 *
 * Limits.  What is not counted is 0: switches of context, waits in a queue to
 * run, the bounds of initialised data, guest time.  io counts read(2), write(2)
 * and their like, not sendfile(2), splice(2) and messages of sockets.
 */
#include "kern/proctext/kern_procfs_int.h"

#include <stdio.h>
#include <string.h>

#include "abi/capability.h"
#include "abi/resource.h"
#include "host/host.h"
#include "vm/vmspace.h"

#define FLAG_FORKNOEXEC 0x40u /* field 9 of stat */
#define FLAG_RANDOMIZE 0x400000u
#define PTE_BYTES 8 /* of the page tables, for each page */

/* A name in status: a newline or backslash in it as two characters. */
static void
print_name(const char *comm, struct procfs_buf *b)
{
	for (; *comm != '\0'; comm++) {
		if (*comm == '\n')
			procfs_write(b, "\\n", 2);
		else if (*comm == '\\')
			procfs_write(b, "\\\\", 2);
		else
			procfs_write(b, comm, 1);
	}
}

/* ---- stat ---- */

/* The times and faults that stat shows, of the thread or the process. */
static void
stat_usage(const struct procfs_proc *pi, struct proc_rusage *ru)
{
	proc_rusage(pi->p, ru);
	if (pi->thread) {
		ru->utime = pi->user_ns;
		ru->stime = pi->sys_ns;
	}
}

int
pid_text_stat(struct procfs_proc *pi, struct procfs_buf *b)
{
	struct vmspace_stat st = {0};
	struct vmspace *vm = pi->vm;
	const struct vmspace *seen = pi->may_look ? vm : NULL;
	struct proc_rusage ru;

	stat_usage(pi, &ru);
	if (vm != NULL)
		vmspace_stat(vm, &st);
	procfs_printf(b, "%d (%s", pi->seen.tid, pi->comm);
	procfs_printf(b, ") %c %d %d %d %d %d %u %llu %llu %llu %llu ",
	    pi->state, pi->seen.ppid, pi->seen.pgid, pi->seen.sid, pi->tty,
	    pi->seen.fg, FLAG_RANDOMIZE | (pi->execed ? 0 : FLAG_FORKNOEXEC),
	    (ull)ru.minflt, (ull)pi->cru.minflt, (ull)ru.majflt,
	    (ull)pi->cru.majflt);
	procfs_printf(b, "%llu %llu %llu %llu %d %d %d 0 %llu %llu %llu %llu ",
	    (ull)(ru.utime / TICK_NS), (ull)(ru.stime / TICK_NS),
	    (ull)(pi->cru.utime / TICK_NS), (ull)(pi->cru.stime / TICK_NS),
	    20 + pi->nice, pi->nice, pi->nlwps,
	    (ull)((pi->start_ns - pi->p->k->boot_ns) / TICK_NS), (ull)st.size,
	    (ull)(st.resident / PAGE_SIZE), (ull)pi->rlim[LX_RLIMIT_RSS].cur);
	procfs_printf(b, "%llu %llu %llu 0 0 %llu %llu %llu %llu %d 0 0 %d ",
	    seen != NULL ? (ull)seen->code_start : vm != NULL,
	    seen != NULL ? (ull)seen->code_end : vm != NULL,
	    seen != NULL ? (ull)seen->stack_top : 0ULL,
	    (ull)((pi->sigpnd | pi->shdpnd) & INT32_MAX),
	    (ull)(pi->blocked & INT32_MAX), (ull)(pi->ignored & INT32_MAX),
	    (ull)(pi->caught & INT32_MAX), pi->may_look && pi->state == 'S',
	    pi->tid == pi->pid ? pi->exit_signal : -1);
	procfs_printf(b, "0 0 0 0 0 0 0 0 %llu %llu %llu %llu %llu %d\n",
	    seen != NULL ? (ull)seen->brk_start : 0ULL,
	    seen != NULL ? (ull)seen->arg_start : 0ULL,
	    seen != NULL ? (ull)seen->arg_end : 0ULL,
	    seen != NULL ? (ull)seen->env_start : 0ULL,
	    seen != NULL ? (ull)seen->env_end : 0ULL,
	    pi->may_look ? pi->exit_status : 0);
	return (0);
}

int
pid_text_schedstat(struct procfs_proc *pi, struct procfs_buf *b)
{
	procfs_printf(b, "%llu 0 0\n", (ull)(pi->user_ns + pi->sys_ns));
	return (0);
}

/* No block device is read or written by a process itself. */
int
pid_text_io(struct procfs_proc *pi, struct procfs_buf *b)
{
	procfs_printf(b,
	    "rchar: %llu\nwchar: %llu\nsyscr: %llu\nsyscw: %llu\n"
	    "read_bytes: 0\nwrite_bytes: 0\ncancelled_write_bytes: 0\n",
	    (ull)pi->io[PROC_RCHAR], (ull)pi->io[PROC_WCHAR],
	    (ull)pi->io[PROC_SYSCR], (ull)pi->io[PROC_SYSCW]);
	return (0);
}

/* ---- status ---- */

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

/* An id as the reader sees it. */
static uint32_t
seen_id(const struct procfs_proc *pi, bool group, uint32_t id)
{
	const struct lwp *l = lwp_current();

	return (proc_id_shown(l != NULL ? l->p : pi->p, group, id));
}

static void
status_ids(const struct procfs_proc *pi, struct procfs_buf *b)
{
	const struct cred *c = pi->cred;

	procfs_printf(b, "Name:\t");
	print_name(pi->comm, b);
	procfs_printf(b,
	    "\nUmask:\t%04o\nState:\t%s\nTgid:\t%d\nNgid:\t0\n"
	    "Pid:\t%d\nPPid:\t%d\nTracerPid:\t%d\n"
	    "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\nFDSize:\t256\n"
	    "Groups:\t",
	    pi->umask, state_name(pi->state), pi->seen.pid, pi->seen.tid,
	    pi->seen.ppid, pi->seen.tracer, seen_id(pi, false, c->uid),
	    seen_id(pi, false, c->euid), seen_id(pi, false, c->suid),
	    seen_id(pi, false, c->fsuid), seen_id(pi, true, c->gid),
	    seen_id(pi, true, c->egid), seen_id(pi, true, c->sgid),
	    seen_id(pi, true, c->fsgid));
	for (size_t i = 0; i < group_set_count(c->groups); i++)
		procfs_printf(b, "%u ", seen_id(pi, true, c->groups->gid[i]));
	procfs_printf(b,
	    "\nNStgid:\t%d\nNSpid:\t%d\nNSpgid:\t%d\nNSsid:\t%d\n"
	    "Kthread:\t0\n",
	    pi->seen.pid, pi->seen.tid, pi->seen.pgid, pi->seen.sid);
}

static void
status_size(struct procfs_buf *b, const char *name, uint64_t bytes)
{
	procfs_printf(b, "%s\t%8llu kB\n", name, (ull)(bytes >> 10));
}

static void
status_memory(const struct procfs_proc *pi, struct procfs_buf *b)
{
	struct vmspace_stat st;
	struct vm_sizes sz;
	uint64_t code;

	vmspace_stat(pi->vm, &st);
	vmspace_sizes(pi->vm, &sz);
	code = round_page(pi->vm->code_end) - trunc_page(pi->vm->code_start);
	status_size(b, "VmPeak:", sz.peak > st.size ? sz.peak : st.size);
	status_size(b, "VmSize:", st.size);
	status_size(b, "VmLck:", st.wired);
	status_size(b, "VmPin:", 0);
	status_size(b, "VmHWM:",
	    st.resident_peak > st.resident ? st.resident_peak : st.resident);
	status_size(b, "VmRSS:", st.resident);
	status_size(b, "RssAnon:", st.anon);
	status_size(b, "RssFile:", st.resident - st.anon);
	status_size(b, "RssShmem:", 0);
	status_size(b, "VmData:", sz.data);
	status_size(b, "VmStk:", sz.stack);
	status_size(b, "VmExe:", code);
	status_size(b, "VmLib:", sz.text > code ? sz.text - code : 0);
	status_size(
	    b, "VmPTE:", round_page(st.resident / PAGE_SIZE * PTE_BYTES));
	status_size(b, "VmSwap:", st.swap);
	status_size(b, "HugetlbPages:", 0);
	procfs_printf(b, "CoreDumping:\t0\nTHP_enabled:\t0\n"
			 "untag_mask:\t0xffffffffffffffff\n");
}

static void
status_signals(const struct procfs_proc *pi, struct procfs_buf *b)
{
	const struct cred *c = pi->cred;

	procfs_printf(b,
	    "Threads:\t%d\nSigQ:\t0/%llu\nSigPnd:\t%016llx\nShdPnd:\t%016llx\n"
	    "SigBlk:\t%016llx\nSigIgn:\t%016llx\nSigCgt:\t%016llx\n",
	    pi->nlwps, (ull)pi->rlim[LX_RLIMIT_SIGPENDING].cur, (ull)pi->sigpnd,
	    (ull)pi->shdpnd, (ull)pi->blocked, (ull)pi->ignored,
	    (ull)pi->caught);
	procfs_printf(b,
	    "CapInh:\t%016llx\nCapPrm:\t%016llx\nCapEff:\t%016llx\n"
	    "CapBnd:\t%016llx\nCapAmb:\t%016llx\n"
	    "NoNewPrivs:\t%d\nSeccomp:\t%d\nSeccomp_filters:\t%u\n"
	    "Speculation_Store_Bypass:\tunknown\n"
	    "SpeculationIndirectBranch:\tunknown\n",
	    (ull)c->cap_inh, (ull)c->cap_perm, (ull)c->cap_eff,
	    (ull)c->cap_bset, (ull)c->cap_amb, pi->no_new_privs, pi->seccomp,
	    pi->seccomp_filters);
}

/* Numbers as ranges: "0-3,8". */
void
kern_print_ranges(struct procfs_buf *b, const int *num, int n)
{
	for (int i = 0, last; i < n; i = last + 1) {
		last = i;
		while (last + 1 < n && num[last + 1] == num[last] + 1)
			last++;
		procfs_printf(b, last > i ? "%s%d-%d" : "%s%d",
		    i > 0 ? "," : "", num[i], num[last]);
	}
}

/* Numbers as a mask, in words of 32 bits; the first word has the digits that
 * are needed for the highest number of all, `top`. */
void
kern_print_mask(struct procfs_buf *b, const int *num, int n, int top)
{
	uint32_t word;

	for (int w = top / 32; w >= 0; w--) {
		word = 0;
		for (int i = 0; i < n; i++)
			if (num[i] / 32 == w)
				word |= UINT32_C(1) << num[i] % 32;
		procfs_printf(b, "%0*x%s", w == top / 32 ? top % 32 / 4 + 1 : 8,
		    word, w > 0 ? "," : "");
	}
}

/* A set of CPUs as a mask, and as ranges. */
static void
status_cpus(const uint8_t mask[LWP_CPUS / 8], struct procfs_buf *b)
{
	int all[LWP_CPUS], num[LWP_CPUS], n = 0;
	const int nall = host_cpus(all, LWP_CPUS);

	for (int i = 0; i < LWP_CPUS; i++)
		if ((mask[i / 8] >> i % 8 & 1) != 0)
			num[n++] = i;
	procfs_printf(b, "Cpus_allowed:\t");
	kern_print_mask(b, num, n, nall > 0 ? all[nall - 1] : 0);
	procfs_printf(b, "\nCpus_allowed_list:\t");
	kern_print_ranges(b, num, n);
	procfs_printf(b, "\n");
}

int
pid_text_status(struct procfs_proc *pi, struct procfs_buf *b)
{
	status_ids(pi, b);
	if (pi->vm != NULL)
		status_memory(pi, b);
	status_signals(pi, b);
	status_cpus(pi->cpus, b);
	procfs_printf(b,
	    "Mems_allowed:\t1\nMems_allowed_list:\t0\n"
	    "voluntary_ctxt_switches:\t0\nnonvoluntary_ctxt_switches:\t0\n");
	return (0);
}
