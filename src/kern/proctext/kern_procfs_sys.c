/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Files of /proc itself: texts of the system.
 *
 * Concepts.  The texts describe the guest: memory is config.mem, uptime and
 * processes are those of the kernel instance.  Processors are the host's.
 * There are no block devices and no interrupts; the files that list these are
 * there for programs that expect them.
 *
 * Locking: no lock is held while text is made, except the list lock of objects
 * while those are listed.
 */
#include "kern/ipc/keys.h"
#include "kern/proctext/kern_procfs.h"
#include "abi/system.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "host/host_file.h"
#include "mem/vm_zone.h"
#include "vfs/core/lock.h"
#include "vfs/procfs/procfs.h"
#include "vm/object/vm_object.h"
#include "vm/swap/swap_space.h"
#include "vm/vmspace.h"

#define NS UINT64_C(1000000000)
#define HUGE_PAGE ((uint64_t)2 << 20)
#define KIB(bytes) ((unsigned long long)((bytes) >> 10))

static void
meminfo_line(struct procfs_buf *b, const char *name, uint64_t bytes)
{
	procfs_printf(b, "%-15s %8llu kB\n", name, KIB(bytes));
}

/* What this kernel does not have, or does not take from guest memory. */
static void
meminfo_none(struct procfs_buf *b, const char *const *name)
{
	for (; *name != NULL; name++)
		meminfo_line(b, *name, 0);
}

static void
meminfo_lists(
    const struct vm_system_stat *st, uint64_t cached, struct procfs_buf *b)
{
	const uint64_t anon = st->anon_pages * PAGE_SIZE;
	const char *const none[] = {"Unevictable:", "Mlocked:", NULL};

	meminfo_line(b, "Active:", anon);
	meminfo_line(b, "Inactive:", cached);
	meminfo_line(b, "Active(anon):", anon);
	meminfo_line(b, "Inactive(anon):", 0);
	meminfo_line(b, "Active(file):", 0);
	meminfo_line(b, "Inactive(file):", cached);
	meminfo_none(b, none);
}

static void
meminfo_rest(const struct vm_system_stat *st, struct procfs_buf *b)
{
	const char *const slabs[] = {"KReclaimable:", "Slab:", "SReclaimable:",
	    "SUnreclaim:", "KernelStack:", "PageTables:", "SecPageTables:",
	    "NFS_Unstable:", "Bounce:", "WritebackTmp:", NULL};
	const char *const none[] = {"VmallocUsed:", "VmallocChunk:", "Percpu:",
	    "AnonHugePages:", "ShmemHugePages:", "ShmemPmdMapped:",
	    "FileHugePages:", "FilePmdMapped:", NULL};

	meminfo_line(b, "Shmem:", st->named);
	meminfo_none(b, slabs);
	meminfo_line(b, "CommitLimit:", st->commit_limit);
	meminfo_line(b, "Committed_AS:", st->committed);
	meminfo_line(b, "VmallocTotal:", 0);
	meminfo_none(b, none);
	procfs_printf(b,
	    "HugePages_Total: %7u\nHugePages_Free:  %7u\n"
	    "HugePages_Rsvd:  %7u\nHugePages_Surp:  %7u\n",
	    0, 0, 0, 0);
	meminfo_line(b, "Hugepagesize:", HUGE_PAGE);
	meminfo_line(b, "Hugetlb:", 0);
}

static void
sys_meminfo(struct vkernel *k, struct procfs_buf *b)
{
	struct vm_system_stat st;
	uint64_t cached, avail;

	vm_system_stat(&k->vm, &st);
	/* Counters are read one after the other while guests run. */
	if (st.swap_used > st.swap_size)
		st.swap_used = st.swap_size;
	if (st.swapped_pages > st.swap_used / PAGE_SIZE)
		st.swapped_pages = st.swap_used / PAGE_SIZE;
	cached = st.file_pages * PAGE_SIZE;
	avail = st.free + cached < st.mem ? st.free + cached : st.mem;
	meminfo_line(b, "MemTotal:", st.mem);
	meminfo_line(b, "MemFree:", st.free);
	meminfo_line(b, "MemAvailable:", avail);
	meminfo_line(b, "Buffers:", 0);
	meminfo_line(b, "Cached:", cached);
	meminfo_line(
	    b, "SwapCached:", st.swap_used - st.swapped_pages * PAGE_SIZE);
	meminfo_lists(&st, cached, b);
	meminfo_line(b, "SwapTotal:", st.swap_size);
	meminfo_line(b, "SwapFree:", st.swap_size - st.swap_used);
	meminfo_line(b, "Dirty:", 0);
	meminfo_line(b, "Writeback:", 0);
	meminfo_line(b, "AnonPages:", st.anon_pages * PAGE_SIZE);
	meminfo_line(b, "Mapped:", cached);
	meminfo_rest(&st, b);
}

void
kern_cpu_times(struct vkernel *k, uint64_t *user, uint64_t *sys)
{
	struct proc_rusage ru;
	struct proc *p;
	int pid = 0;

	*user = *sys = 0;
	while ((pid = kern_procfs_next(k, pid + 1)) != 0) {
		p = proc_find_hold(k, pid);
		if (p == NULL)
			continue;
		proc_rusage(p, &ru);
		proc_drop(p);
		*user += ru.utime;
		*sys += ru.stime;
	}
}

static void
sys_stat(struct vkernel *k, struct procfs_buf *b)
{
	int cpus[LWP_CPUS];
	const int ncpu = host_cpus(cpus, LWP_CPUS);
	const uint64_t now = host_now_ns(),
		       up = (now - k->boot_ns) / (NS / 100);
	uint64_t user, sys, idle, procs;

	kern_cpu_times(k, &user, &sys);
	user /= NS / 100;
	sys /= NS / 100;
	idle = up * (uint64_t)ncpu;
	idle = idle > user + sys ? idle - user - sys : 0;
	procfs_printf(b, "cpu  %llu 0 %llu %llu 0 0 0 0 0 0\n",
	    (unsigned long long)user, (unsigned long long)sys,
	    (unsigned long long)idle);
	for (int i = 0; i < ncpu; i++)
		procfs_printf(b, "cpu%d %llu 0 %llu %llu 0 0 0 0 0 0\n",
		    cpus[i], (unsigned long long)user / (unsigned)ncpu,
		    (unsigned long long)sys / (unsigned)ncpu,
		    (unsigned long long)idle / (unsigned)ncpu);
	kmutex_lock(&k->proctree);
	procs = k->nlive;
	kmutex_unlock(&k->proctree);
	procfs_printf(b,
	    "intr 0\nctxt %llu\nbtime %llu\nprocesses %llu\n"
	    "procs_running %llu\nprocs_blocked 0\n"
	    "softirq 0 0 0 0 0 0 0 0 0 0 0\n",
	    (unsigned long long)atomic_load(&k->nsyscalls),
	    (unsigned long long)((host_realtime_ns() - (now - k->boot_ns)) /
				 NS),
	    (unsigned long long)atomic_load(&k->lwps_created),
	    (unsigned long long)procs);
}

static void
sys_loadavg(struct vkernel *k, struct procfs_buf *b)
{
	uint64_t running = 0, total = 0;
	struct proc *p;
	struct lwp *l;
	int last;

	kmutex_lock(&k->proctree);
	LIST_FOREACH (p, &k->procs, all) {
		kmutex_lock(&p->lock);
		LIST_FOREACH (l, &p->lwps, link) {
			total++;
			running += atomic_load(&l->state) == LWP_RUN;
		}
		kmutex_unlock(&p->lock);
	}
	last = k->next_pid - 1;
	kmutex_unlock(&k->proctree);
	procfs_printf(b, "%llu.00 %llu.00 %llu.00 %llu/%llu %d\n",
	    (unsigned long long)running, (unsigned long long)running,
	    (unsigned long long)running, (unsigned long long)running,
	    (unsigned long long)total, last);
}

static void
sys_uptime(struct vkernel *k, struct procfs_buf *b)
{
	uint64_t cs = (host_now_ns() - k->boot_ns) / (NS / 100);
	uint64_t all = cs * (uint64_t)host_ncpu();

	procfs_printf(b, "%llu.%02llu %llu.%02llu\n",
	    (unsigned long long)cs / 100, (unsigned long long)cs % 100,
	    (unsigned long long)all / 100, (unsigned long long)all % 100);
}

static void
sys_vmstat(struct vkernel *k, struct procfs_buf *b)
{
	struct vm_system_stat st;

	vm_system_stat(&k->vm, &st);
	procfs_printf(b,
	    "nr_free_pages %llu\nnr_file_pages %llu\n"
	    "nr_anon_pages %llu\nobjects %llu\nvmspaces %llu\n",
	    (unsigned long long)(st.free / PAGE_SIZE),
	    (unsigned long long)st.file_pages,
	    (unsigned long long)st.anon_pages, (unsigned long long)st.objects,
	    (unsigned long long)st.vmspaces);
	/* The names by which procps knows these; the others are ours. */
	procfs_printf(b,
	    "pgpgin %lld\npgpgout %lld\npswpin %lld\npswpout %lld\n"
	    "pgfault %lld\npgmajfault %lld\noom_kill %llu\n",
	    (long long)st.stat[VMST_FILE_IN] * (PAGE_SIZE / 1024),
	    (long long)st.stat[VMST_FILE_OUT] * (PAGE_SIZE / 1024),
	    (long long)st.stat[VMST_SWAPIN], (long long)st.stat[VMST_SWAPOUT],
	    (long long)st.stat[VMST_FAULTS],
	    (long long)(st.stat[VMST_SWAPIN] + st.stat[VMST_FILE_IN]),
	    (unsigned long long)atomic_load(&k->noom));
	for (int i = 0; i < VMST_N; i++)
		procfs_printf(b, "%s %lld\n", vm_stat_name((enum vm_stat)i),
		    (long long)st.stat[i]);
}

static int
sys_cpuinfo(struct procfs_buf *b)
{
	char buf[4096];
	size_t done;
	int error, fd;

	error = host_openat(AT_FDCWD, "/proc/cpuinfo", O_RDONLY, 0, &fd);
	if (error != 0)
		return (error);
	while (
	    (error = host_read(fd, buf, sizeof(buf), &done)) == 0 && done > 0)
		procfs_write(b, buf, done);
	host_close(fd);
	return (error);
}

static void
sys_zone(void *arg, const struct vm_zone_stats *st)
{
	procfs_printf(arg,
	    "%-16s %6zu %10llu %10llu %10llu %12llu %12llu %6llu\n", st->name,
	    st->size, (unsigned long long)st->live,
	    (unsigned long long)st->peak, (unsigned long long)st->cached,
	    (unsigned long long)st->slabs, (unsigned long long)st->allocs,
	    (unsigned long long)st->fails);
}

static void
sys_objects(struct vkernel *k, struct procfs_buf *b)
{
	static const char *const types[] = {
	    "default", "swap", "vnode", "device"};
	struct vm_object *o;

	procfs_printf(b, "%8s %-8s %12s %12s %12s %8s %6s %8s\n", "id", "type",
	    "pages", "resident", "swapped", "shadows", "refs", "backing");
	kmutex_lock(&k->vm.list_lock);
	TAILQ_FOREACH (o, &k->vm.objects, link) {
		kmutex_lock(&o->lock);
		procfs_printf(b,
		    "%8llu %-8s %12llu %12llu %12llu %8u %6u %8llu\n",
		    (unsigned long long)o->id, types[o->type],
		    (unsigned long long)o->size,
		    (unsigned long long)o->resident,
		    (unsigned long long)o->swapped, o->shadow_count,
		    vm_life_refs(&o->life),
		    o->backing == NULL ? 0ULL
				       : (unsigned long long)o->backing->id);
		kmutex_unlock(&o->lock);
	}
	kmutex_unlock(&k->vm.list_lock);
}

static void
sys_swaps(struct vkernel *k, struct procfs_buf *b)
{
	static const char *const types[] = {
	    [SWAP_FILE] = "file", [SWAP_LZ4] = "lz4", [SWAP_ZSTD] = "zstd"};
	struct swap_area_stat st;
	char name[80];

	procfs_printf(b, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	for (unsigned a = 1; swap_area_stat(k->vm.swap, &a, &st); a++) {
		/* A guest must not learn paths of the host. */
		snprintf(name, sizeof(name), "/dev/swap%u", a);
		procfs_printf(b, "%-39s %-15s %llu\t\t%llu\t\t%d\n", name,
		    types[st.kind], KIB(st.size), KIB(st.used), st.priority);
	}
}

static void
sys_syscall(void *arg, const char *name, uint64_t calls, uint64_t missing)
{
	procfs_printf(arg, "%-24s %12llu %12llu\n", name,
	    (unsigned long long)calls, (unsigned long long)missing);
}

/* ---- tables of nodes ---- */

static int
text_meminfo(void *arg, struct procfs_buf *b)
{
	sys_meminfo(arg, b);
	return (0);
}

static int
text_stat(void *arg, struct procfs_buf *b)
{
	sys_stat(arg, b);
	return (0);
}

static int
text_loadavg(void *arg, struct procfs_buf *b)
{
	sys_loadavg(arg, b);
	return (0);
}

static int
text_uptime(void *arg, struct procfs_buf *b)
{
	sys_uptime(arg, b);
	return (0);
}

static int
text_vmstat(void *arg, struct procfs_buf *b)
{
	sys_vmstat(arg, b);
	return (0);
}

static int
text_objects(void *arg, struct procfs_buf *b)
{
	sys_objects(arg, b);
	return (0);
}

static int
text_swaps(void *arg, struct procfs_buf *b)
{
	sys_swaps(arg, b);
	return (0);
}

static int
text_cpuinfo(void *arg, struct procfs_buf *b)
{
	return (sys_cpuinfo(b));
}

static int
text_version(void *arg, struct procfs_buf *b)
{
	procfs_printf(b,
	    "Linux version " LX_UTS_RELEASE " (vmspace) (C17) #1 vmspace %s\n",
	    kern_version());
	return (0);
}

const char *const kern_filesystems[] = {
    "sysfs", "tmpfs", "proc", "cgroup2", "devtmpfs", "hostfs", NULL};

static int
text_filesystems(void *arg, struct procfs_buf *b)
{
	for (int i = 0; kern_filesystems[i] != NULL; i++)
		procfs_printf(b, "nodev\t%s\n", kern_filesystems[i]);
	return (0);
}

static int
text_cmdline(void *arg, struct procfs_buf *b)
{
	procfs_printf(b, "vmspace\n");
	return (0);
}

static int
text_zones(void *arg, struct procfs_buf *b)
{
	struct vkernel *k = arg;

	procfs_printf(b, "%-16s %6s %10s %10s %10s %12s %12s %6s\n", "zone",
	    "size", "live", "peak", "cached", "bytes", "allocs", "fails");
	vm_zone_foreach(k->vm.zones, sys_zone, b);
	return (0);
}

static int
text_syscalls(void *arg, struct procfs_buf *b)
{
	procfs_printf(b, "%-24s %12s %12s\n", "call", "calls", "missing");
	kern_syscall_counts(arg, sys_syscall, b);
	return (0);
}

/* The devices that devfs has; there are no block devices. */
static int
text_devices(void *arg, struct procfs_buf *b)
{
	procfs_printf(b,
	    "Character devices:\n  1 mem\n  5 /dev/tty\n  5 /dev/console\n"
	    "  5 /dev/ptmx\n136 pts\n\nBlock devices:\n");
	return (0);
}

/* All controllers are in the one hierarchy of version 2, which is 0. */
static int
text_cgroups(void *arg, struct procfs_buf *b)
{
	static const char *const names[] = {
	    "cpuset", "cpu", "cpuacct", "memory", "pids"};

	procfs_printf(b, "#subsys_name\thierarchy\tnum_cgroups\tenabled\n");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		procfs_printf(b, "%s\t0\t1\t1\n", names[i]);
	return (0);
}

static int
text_partitions(void *arg, struct procfs_buf *b)
{
	procfs_printf(b, "major minor  #blocks  name\n\n");
	return (0);
}

static int
text_empty(void *arg, struct procfs_buf *b)
{
	return (0);
}

/* The guest has CPUs and sees none of the host's interrupts. */
static int
text_interrupts(void *arg, struct procfs_buf *b)
{
	int cpus[LWP_CPUS];
	const int ncpu = host_cpus(cpus, LWP_CPUS);

	procfs_printf(b, "           ");
	for (int i = 0; i < ncpu; i++)
		procfs_printf(b, "CPU%-8d", cpus[i]);
	procfs_printf(b, "\nERR:          0\n");
	return (0);
}

/* One zone of one node. */
static int
text_zoneinfo(void *arg, struct procfs_buf *b)
{
	struct vkernel *k = arg;
	struct vm_system_stat st;

	vm_system_stat(&k->vm, &st);
	procfs_printf(b,
	    "Node 0, zone   Normal\n  pages free     %llu\n"
	    "        min      0\n        low      0\n        high     0\n"
	    "        spanned  %llu\n        present  %llu\n"
	    "        managed  %llu\n",
	    (unsigned long long)(st.free / PAGE_SIZE),
	    (unsigned long long)(st.mem / PAGE_SIZE),
	    (unsigned long long)(st.mem / PAGE_SIZE),
	    (unsigned long long)(st.mem / PAGE_SIZE));
	return (0);
}

static void
locks_line(void *b, const char *line)
{
	procfs_write(b, line, strlen(line));
}

static int
text_locks(void *arg, struct procfs_buf *b)
{
	struct vkernel *k = arg;

	vfs_lock_lines(k->vfs, locks_line, b);
	return (0);
}

const struct procfs_sys_node kern_sys_nodes[] = {
    {.name = "meminfo", .mode = 0444, .text = text_meminfo},
    {.name = "stat", .mode = 0444, .text = text_stat},
    {.name = "uptime", .mode = 0444, .text = text_uptime},
    {.name = "loadavg", .mode = 0444, .text = text_loadavg},
    {.name = "vmstat", .mode = 0444, .text = text_vmstat},
    {.name = "cpuinfo", .mode = 0444, .text = text_cpuinfo},
    {.name = "version", .mode = 0444, .text = text_version},
    {.name = "filesystems", .mode = 0444, .text = text_filesystems},
    {.name = "swaps", .mode = 0444, .text = text_swaps},
    {.name = "devices", .mode = 0444, .text = text_devices},
    {.name = "cgroups", .mode = 0444, .text = text_cgroups},
    {.name = "partitions", .mode = 0444, .text = text_partitions},
    {.name = "diskstats", .mode = 0444, .text = text_empty},
    {.name = "modules", .mode = 0444, .text = text_empty},
    {.name = "locks", .mode = 0444, .text = text_locks},
    {.name = "misc", .mode = 0444, .text = text_empty},
    {.name = "interrupts", .mode = 0444, .text = text_interrupts},
    {.name = "zoneinfo", .mode = 0444, .text = text_zoneinfo},
    {.name = "cmdline", .mode = 0444, .text = text_cmdline},
    {.name = "keys", .mode = 0444, .text = keys_text_keys},
    {.name = "key-users", .mode = 0444, .text = keys_text_users},
    {.name = "zones", .mode = 0444, .text = text_zones},
    {.name = "objects", .mode = 0444, .text = text_objects},
    {.name = "syscalls", .mode = 0444, .text = text_syscalls},
    {.name = NULL},
};
