/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The texts of /sys/fs/cgroup: one cgroup (version 2), in which all processes
 * of the kernel are, with the kernel's budgets as its limits.
 *
 * Concepts.  It looks like the root of a cgroup namespace of a container:
 * /proc/PID/cgroup says "/", and the limits are in its files.  Programs that
 * size themselves by memory.max, pids.max and cpu.max find the values that
 * /proc/meminfo, fork(2) and sched_getaffinity(2) agree with.
 *
 * Locking: lists are walked as /proc walks them, process by process.
 *
 * Limits.  Nothing can be written, and no cgroup can be made.  The time that
 * processes use is that of the processes that there are.
 */
#include "kern/proctext/kern_procfs.h"

#include "host/host.h"
#include "vfs/procfs/procfs.h"
#include "vm/vmspace.h"

#define PERIOD_US 100000 /* of cpu.max */

typedef unsigned long long ull;

static int
print_value(struct procfs_buf *b, uint64_t v)
{
	procfs_printf(b, "%llu\n", (ull)v);
	return (0);
}

static struct vm_system_stat
memory(struct vkernel *k)
{
	struct vm_system_stat st;

	vm_system_stat(&k->vm, &st);
	return (st);
}

/* ---- the cgroup itself ---- */

static int
text_controllers(void *arg, int num, struct procfs_buf *b)
{
	procfs_printf(b, "cpuset cpu memory pids\n");
	return (0);
}

static int
text_empty(void *arg, int num, struct procfs_buf *b)
{
	return (0);
}

static int
text_type(void *arg, int num, struct procfs_buf *b)
{
	procfs_printf(b, "domain\n");
	return (0);
}

static int
text_events(void *arg, int num, struct procfs_buf *b)
{
	procfs_printf(b, "populated 1\nfrozen 0\n");
	return (0);
}

static int
text_max(void *arg, int num, struct procfs_buf *b)
{
	procfs_printf(b, "max\n");
	return (0);
}

static int
text_zero(void *arg, int num, struct procfs_buf *b)
{
	return (print_value(b, 0));
}

/* Positions are numbers of processes. */
static int
text_procs(void *arg, int num, struct procfs_buf *b)
{
	int pid = (int)b->from;

	while ((pid = kern_procfs_next(arg, pid + 1)) != 0) {
		procfs_printf(b, "%d\n", pid);
		if (procfs_buf_full(b)) {
			b->next = (uint64_t)pid;
			return (0);
		}
	}
	return (0);
}

/* ---- memory ---- */

static int
text_memory_max(void *arg, int num, struct procfs_buf *b)
{
	return (print_value(b, memory(arg).mem));
}

static int
text_memory_current(void *arg, int num, struct procfs_buf *b)
{
	const struct vm_system_stat st = memory(arg);

	return (print_value(b, st.mem - st.free));
}

static int
text_memory_peak(void *arg, int num, struct procfs_buf *b)
{
	return (print_value(b, memory(arg).peak));
}

static int
text_swap_max(void *arg, int num, struct procfs_buf *b)
{
	return (print_value(b, memory(arg).swap_size));
}

static int
text_swap_current(void *arg, int num, struct procfs_buf *b)
{
	return (print_value(b, memory(arg).swap_used));
}

static int
text_memory_events(void *arg, int num, struct procfs_buf *b)
{
	const ull kills = atomic_load(&((struct vkernel *)arg)->noom);

	procfs_printf(b,
	    "low 0\nhigh 0\nmax 0\noom %llu\noom_kill %llu\n"
	    "oom_group_kill 0\n",
	    kills, kills);
	return (0);
}

static int
text_memory_stat(void *arg, int num, struct procfs_buf *b)
{
	const struct vm_system_stat st = memory(arg);

	procfs_printf(b,
	    "anon %llu\nfile %llu\nshmem %llu\ninactive_anon 0\n"
	    "active_anon %llu\ninactive_file %llu\nactive_file 0\n"
	    "pgfault %lld\n",
	    (ull)(st.anon_pages * PAGE_SIZE), (ull)(st.file_pages * PAGE_SIZE),
	    (ull)st.named, (ull)(st.anon_pages * PAGE_SIZE),
	    (ull)(st.file_pages * PAGE_SIZE), (long long)st.stat[VMST_FAULTS]);
	return (0);
}

/* ---- tasks and time ---- */

static int
text_pids_max(void *arg, int num, struct procfs_buf *b)
{
	return (print_value(b, ((struct vkernel *)arg)->config.max_threads));
}

static int
text_pids_current(void *arg, int num, struct procfs_buf *b)
{
	struct vkernel *k = arg;
	uint64_t n;

	kmutex_lock(&k->proctree);
	n = k->nids;
	kmutex_unlock(&k->proctree);
	return (print_value(b, n));
}

static int
text_cpu_max(void *arg, int num, struct procfs_buf *b)
{
	procfs_printf(b, "max %d\n", PERIOD_US);
	return (0);
}

static int
text_cpu_weight(void *arg, int num, struct procfs_buf *b)
{
	return (print_value(b, 100));
}

static int
text_cpu_stat(void *arg, int num, struct procfs_buf *b)
{
	uint64_t user, sys;

	kern_cpu_times(arg, &user, &sys);
	procfs_printf(b,
	    "usage_usec %llu\nuser_usec %llu\nsystem_usec %llu\n"
	    "nr_periods 0\nnr_throttled 0\nthrottled_usec 0\n",
	    (ull)((user + sys) / 1000), (ull)(user / 1000), (ull)(sys / 1000));
	return (0);
}

static int
text_cpus(void *arg, int num, struct procfs_buf *b)
{
	int all[LWP_CPUS], n = host_cpus(all, LWP_CPUS);

	kern_print_ranges(b, all, n);
	procfs_printf(b, "\n");
	return (0);
}

const struct procfs_tree_file kern_cgroup_files[] = {
    {"cgroup.controllers", text_controllers},
    {"cgroup.events", text_events},
    {"cgroup.max.depth", text_max},
    {"cgroup.max.descendants", text_max},
    {"cgroup.procs", text_procs},
    {"cgroup.subtree_control", text_empty},
    {"cgroup.type", text_type},
    {"cpu.max", text_cpu_max},
    {"cpu.stat", text_cpu_stat},
    {"cpu.weight", text_cpu_weight},
    {"cpuset.cpus.effective", text_cpus},
    {"cpuset.mems.effective", text_zero},
    {"memory.current", text_memory_current},
    {"memory.events", text_memory_events},
    {"memory.high", text_max},
    {"memory.low", text_zero},
    {"memory.max", text_memory_max},
    {"memory.min", text_zero},
    {"memory.peak", text_memory_peak},
    {"memory.stat", text_memory_stat},
    {"memory.swap.current", text_swap_current},
    {"memory.swap.max", text_swap_max},
    {"pids.current", text_pids_current},
    {"pids.max", text_pids_max},
    {NULL, NULL},
};
