/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The texts of /sys: CPUs and the one node of memory, huge pages, and empty
 * directories where a machine has devices.
 *
 * Concepts.  The CPUs are those that the kernel process may use, with the
 * numbers that sched_getaffinity(2) gives; the mount has a directory for each
 * (procfs_tree.c).  The node has all of them, and the memory of the guest.
 *
 * Limits.  Caches, frequencies and which CPUs are threads of one core are not
 * shown: each CPU is a core of its own, all of one package.
 */
#include "kern/proctext/kern_procfs.h"

#include "host/host.h"
#include "vfs/procfs/procfs.h"
#include "vm/vmspace.h"

#define CPUS_MAX LWP_CPUS

static void
print_cpus(struct procfs_buf *b, const int *num, int n, bool mask)
{
	int all[CPUS_MAX], nall = host_cpus(all, CPUS_MAX);

	if (mask)
		kern_print_mask(b, num, n, nall > 0 ? all[nall - 1] : 0);
	else
		kern_print_ranges(b, num, n);
	procfs_printf(b, "\n");
}

static int
text_cpu_list(void *arg, int num, struct procfs_buf *b)
{
	int all[CPUS_MAX], n = host_cpus(all, CPUS_MAX);

	print_cpus(b, all, n, false);
	return (0);
}

static int
text_cpu_map(void *arg, int num, struct procfs_buf *b)
{
	int all[CPUS_MAX], n = host_cpus(all, CPUS_MAX);

	print_cpus(b, all, n, true);
	return (0);
}

static int
text_own_list(void *arg, int num, struct procfs_buf *b)
{
	print_cpus(b, &num, 1, false);
	return (0);
}

static int
text_own_map(void *arg, int num, struct procfs_buf *b)
{
	print_cpus(b, &num, 1, true);
	return (0);
}

static int
text_number(void *arg, int num, struct procfs_buf *b)
{
	procfs_printf(b, "%d\n", num);
	return (0);
}

static int
text_zero(void *arg, int num, struct procfs_buf *b)
{
	procfs_printf(b, "0\n");
	return (0);
}

/* An empty list. */
static int
text_none(void *arg, int num, struct procfs_buf *b)
{
	procfs_printf(b, "\n");
	return (0);
}

static int
text_kernel_max(void *arg, int num, struct procfs_buf *b)
{
	procfs_printf(b, "%d\n", CPUS_MAX - 1);
	return (0);
}

static int
text_smt_control(void *arg, int num, struct procfs_buf *b)
{
	procfs_printf(b, "notsupported\n");
	return (0);
}

static int
text_node_meminfo(void *arg, int num, struct procfs_buf *b)
{
	struct vkernel *k = arg;
	struct vm_system_stat st;

	vm_system_stat(&k->vm, &st);
	procfs_printf(b,
	    "Node 0 MemTotal:       %8llu kB\nNode 0 MemFree:        %8llu kB\n"
	    "Node 0 MemUsed:        %8llu kB\nNode 0 FilePages:      %8llu kB\n"
	    "Node 0 AnonPages:      %8llu kB\n",
	    (unsigned long long)(st.mem >> 10),
	    (unsigned long long)(st.free >> 10),
	    (unsigned long long)((st.mem - st.free) >> 10),
	    (unsigned long long)(st.file_pages * PAGE_SIZE >> 10),
	    (unsigned long long)(st.anon_pages * PAGE_SIZE >> 10));
	return (0);
}

static int
text_distance(void *arg, int num, struct procfs_buf *b)
{
	procfs_printf(b, "10\n");
	return (0);
}

/* madvise(MADV_HUGEPAGE) has no effect. */
static int
text_thp(void *arg, int num, struct procfs_buf *b)
{
	procfs_printf(b, "always madvise [never]\n");
	return (0);
}

static int
text_thp_size(void *arg, int num, struct procfs_buf *b)
{
	procfs_printf(b, "2097152\n");
	return (0);
}

#define CPU "devices/system/cpu/"
#define TOPOLOGY CPU "cpu%d/topology/"
#define NODE "devices/system/node/"
#define THP "kernel/mm/transparent_hugepage/"

const struct procfs_tree_file kern_sysfs_files[] = {
    {CPU "online", text_cpu_list},
    {CPU "possible", text_cpu_list},
    {CPU "present", text_cpu_list},
    {CPU "offline", text_none},
    {CPU "isolated", text_none},
    {CPU "kernel_max", text_kernel_max},
    {CPU "smt/active", text_zero},
    {CPU "smt/control", text_smt_control},
    {TOPOLOGY "core_id", text_number},
    {TOPOLOGY "die_id", text_zero},
    {TOPOLOGY "physical_package_id", text_zero},
    {TOPOLOGY "core_cpus", text_own_map},
    {TOPOLOGY "core_cpus_list", text_own_list},
    {TOPOLOGY "thread_siblings", text_own_map},
    {TOPOLOGY "thread_siblings_list", text_own_list},
    {TOPOLOGY "core_siblings", text_cpu_map},
    {TOPOLOGY "core_siblings_list", text_cpu_list},
    {TOPOLOGY "die_cpus", text_cpu_map},
    {TOPOLOGY "die_cpus_list", text_cpu_list},
    {TOPOLOGY "package_cpus", text_cpu_map},
    {TOPOLOGY "package_cpus_list", text_cpu_list},
    {NODE "online", text_zero},
    {NODE "possible", text_zero},
    {NODE "has_cpu", text_zero},
    {NODE "has_memory", text_zero},
    {NODE "has_normal_memory", text_zero},
    {NODE "node0/cpulist", text_cpu_list},
    {NODE "node0/cpumap", text_cpu_map},
    {NODE "node0/distance", text_distance},
    {NODE "node0/meminfo", text_node_meminfo},
    {THP "enabled", text_thp},
    {THP "defrag", text_thp},
    {THP "hpage_pmd_size", text_thp_size},
    {"kernel/mm/hugepages/", NULL},
    {"block/", NULL},
    {"bus/", NULL},
    {"class/block/", NULL},
    {"dev/block/", NULL},
    {"dev/char/", NULL},
    {"firmware/", NULL},
    {"fs/cgroup/", NULL},
    {"module/", NULL},
    {NULL, NULL},
};
