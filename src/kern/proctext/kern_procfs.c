/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The data of procfs: look-ups of processes, and the texts of the system.  The
 * texts of processes are in kern_procfs_pid.c.
 *
 * Concepts: procfs knows processes by number.  Every call finds the process
 * anew, holds it for the duration of the call, and reads it under the process's
 * own locks (proc_vmspace_hold() and similar calls).  So a node of a process
 * that was reaped is ESRCH, and a node of a process that is ending shows what
 * it still has.
 *
 * The texts describe the guest: memory is config.mem, uptime and processes are
 * those of the kernel instance.  Processors are the host's.
 *
 * Locking: no lock is held while text is made, except the list locks of mounts
 * and objects while those are listed.
 */
#include "kern/proctext/kern_procfs.h"
#include "abi/system.h"
#include "kern/resident/resident.h"

#include <errno.h>
#include <string.h>

#include "host/host_file.h"
#include "kern/ipc/sysvipc.h"
#include "libk/kassert.h"
#include "mem/vm_zone.h"
#include "vfs/core/ctx.h"
#include "vfs/core/fd.h"
#include "vfs/core/vnode.h"
#include "vfs/procfs/procfs.h"
#include "vm/object/vm_object.h"
#include "vm/swap/swap_space.h"
#include "vm/vmspace.h"

#define NS UINT64_C(1000000000)
#define KIB(bytes) ((unsigned long long)((bytes) >> 10))

static int
pf_self(void *arg, const struct vfs_ctx *ctx)
{
	const struct lwp *l = ctx != NULL ? ctx->waiter.lwp : NULL;

	/* Reading the link itself has no context: use the calling thread. */
	if (l == NULL)
		l = lwp_current();
	if (l != NULL && l->p->trial != NULL)
		l->p->k->resident->self(l->p->trial);
	return (l != NULL ? l->p->pid : 0);
}

static int
pf_selftid(void *arg, const struct vfs_ctx *ctx)
{
	const struct lwp *l = ctx != NULL ? ctx->waiter.lwp : NULL;

	if (l == NULL)
		l = lwp_current();
	return (l != NULL ? l->tid : 0);
}

static int
pf_tidnext(void *arg, int pid, int tid)
{
	struct proc *p = proc_find_tid_hold(arg, pid);
	struct lwp *l;
	int best = 0;

	if (p == NULL)
		return (0);
	kmutex_lock(&p->lock);
	if (p->nlwps == 0 && p->pid >= tid)
		best = p->pid; /* a zombie */
	LIST_FOREACH (l, &p->lwps, link)
		if (l->tid >= tid && (best == 0 || l->tid < best))
			best = l->tid;
	kmutex_unlock(&p->lock);
	proc_drop(p);
	return (best);
}

static int
pf_next(void *arg, int pid)
{
	struct vkernel *k = arg;
	struct proc *p;
	int best = 0;

	kmutex_lock(&k->proctree);
	LIST_FOREACH (p, &k->procs, all) {
		if (p->pid >= pid && (best == 0 || p->pid < best))
			best = p->pid;
	}
	kmutex_unlock(&k->proctree);
	return (best);
}

static bool
pf_exists(void *arg, int pid)
{
	struct proc *p = proc_find_tid_hold(arg, pid);

	if (p != NULL)
		proc_drop(p);
	return (p != NULL);
}

static int
pf_owner(void *arg, int pid, bool open, uint32_t *uid, uint32_t *gid)
{
	struct proc *p = proc_find_tid_hold(arg, pid);

	if (p == NULL)
		return (ESRCH);
	kmutex_lock(&p->lock);
	*uid = open || p->dumpable ? p->euid : 0;
	*gid = open || p->dumpable ? p->egid : 0;
	kmutex_unlock(&p->lock);
	proc_drop(p);
	return (0);
}

static int
pf_may_look(void *arg, int pid, const struct vfs_ctx *ctx)
{
	const struct proc_caller caller = proc_caller_of_ctx(ctx);
	struct proc *p = proc_find_tid_hold(arg, pid);
	int error;

	if (p == NULL)
		return (ESRCH);
	error = proc_may_access(p, &caller);
	proc_drop(p);
	return (error);
}

static bool
pf_own(void *arg, int pid, const struct vfs_ctx *ctx)
{
	const struct lwp *l = ctx != NULL ? ctx->waiter.lwp : NULL;
	struct proc *p = proc_find_tid_hold(arg, pid);
	bool own = p != NULL && l != NULL && l->p == p;

	if (p != NULL)
		proc_drop(p);
	return (own);
}

static int
pf_vnode(void *arg, int pid, const char *which, struct vnode **vpp)
{
	struct proc *p = proc_find_tid_hold(arg, pid);
	struct vnode *vp = NULL;
	struct proc_fs *fs;

	if (p == NULL)
		return (ESRCH);
	if (strcmp(which, "exe") == 0) {
		vp = proc_textvp_ref(p);
	} else if ((fs = proc_fs_ref(p)) != NULL) {
		kmutex_lock(&fs->lock);
		vp = strcmp(which, "cwd") == 0 ? fs->cwd : fs->root;
		vref(vp);
		kmutex_unlock(&fs->lock);
		proc_fs_free(p->k, fs);
	}
	proc_drop(p);
	if (vp == NULL)
		return (ENOENT);
	*vpp = vp;
	return (0);
}

static int
pf_file(void *arg, int pid, int fd, struct file **fp)
{
	struct proc *p = proc_find_tid_hold(arg, pid);
	struct fdtable *fdt;
	int error = ENOENT;

	if (p == NULL)
		return (ESRCH);
	fdt = proc_fdt_ref(p);
	if (fdt != NULL) {
		error = fd_get(fdt, fd, fp);
		fdtable_free(fdt);
	}
	proc_drop(p);
	return (error == EBADF ? ENOENT : error);
}

static int
pf_fdnext(void *arg, int pid, int fd)
{
	struct proc *p = proc_find_tid_hold(arg, pid);
	struct fdtable *fdt;
	int next = -1;

	if (p == NULL)
		return (-1);
	fdt = proc_fdt_ref(p);
	if (fdt != NULL) {
		if (fd_next(fdt, &fd, NULL))
			next = fd;
		fdtable_free(fdt);
	}
	proc_drop(p);
	return (next);
}

/* ---- texts of the system ---- */

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
	procfs_printf(b,
	    "MemTotal:       %8llu kB\nMemFree:        %8llu kB\n"
	    "MemAvailable:   %8llu kB\nBuffers:        %8u kB\n"
	    "Cached:         %8llu kB\nSwapCached:     %8llu kB\n",
	    KIB(st.mem), KIB(st.free), KIB(avail), 0, KIB(cached),
	    KIB(st.swap_used - st.swapped_pages * PAGE_SIZE));
	procfs_printf(b,
	    "Active:         %8llu kB\nInactive:       %8llu kB\n"
	    "SwapTotal:      %8llu kB\nSwapFree:       %8llu kB\n"
	    "Dirty:          %8u kB\nWriteback:      %8u kB\n"
	    "AnonPages:      %8llu kB\nMapped:         %8llu kB\n"
	    "Shmem:          %8llu kB\nCommitLimit:    %8llu kB\n"
	    "Committed_AS:   %8llu kB\n",
	    KIB(st.anon_pages * PAGE_SIZE), KIB(cached), KIB(st.swap_size),
	    KIB(st.swap_size - st.swap_used), 0, 0,
	    KIB(st.anon_pages * PAGE_SIZE), KIB(cached), KIB(st.named),
	    KIB(st.commit_limit), KIB(st.committed));
}

static void
sys_stat(struct vkernel *k, struct procfs_buf *b)
{
	const int ncpu = host_ncpu();
	const uint64_t now = host_now_ns(),
		       up = (now - k->boot_ns) / (NS / 100);
	uint64_t user = 0, sys = 0, idle, procs;
	struct proc_rusage ru;
	struct proc *p;
	int pid = 0;

	while ((pid = pf_next(k, pid + 1)) != 0) {
		p = proc_find_hold(k, pid);
		if (p == NULL)
			continue;
		proc_rusage(p, &ru);
		proc_drop(p);
		user += ru.utime / (NS / 100);
		sys += ru.stime / (NS / 100);
	}
	idle = up * (uint64_t)ncpu;
	idle = idle > user + sys ? idle - user - sys : 0;
	procfs_printf(b, "cpu  %llu 0 %llu %llu 0 0 0 0 0 0\n",
	    (unsigned long long)user, (unsigned long long)sys,
	    (unsigned long long)idle);
	for (int i = 0; i < ncpu; i++)
		procfs_printf(b, "cpu%d %llu 0 %llu %llu 0 0 0 0 0 0\n", i,
		    (unsigned long long)user / (unsigned)ncpu,
		    (unsigned long long)sys / (unsigned)ncpu,
		    (unsigned long long)idle / (unsigned)ncpu);
	kmutex_lock(&k->proctree);
	procs = k->nlive;
	kmutex_unlock(&k->proctree);
	procfs_printf(b,
	    "intr 0\nctxt %llu\nbtime %llu\nprocesses %llu\n"
	    "procs_running %llu\nprocs_blocked 0\n",
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
	procfs_printf(b, "pswpin %lld\npswpout %lld\n",
	    (long long)st.stat[VMST_SWAPIN], (long long)st.stat[VMST_SWAPOUT]);
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
	    "Linux version " LX_UTS_RELEASE " (vmspace %s) #1 SMP vmspace\n",
	    kern_version());
	return (0);
}

static int
text_filesystems(void *arg, struct procfs_buf *b)
{
	procfs_printf(b, "nodev\tproc\nnodev\ttmpfs\nnodev\tdevtmpfs\n"
			 "nodev\thostfs\n");
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

static int
text_hostname(void *arg, struct procfs_buf *b)
{
	const struct vkernel *k = arg;

	procfs_printf(b, "%s\n", k->hostname);
	return (0);
}

static int
text_pid_max(void *arg, struct procfs_buf *b)
{
	procfs_printf(b, "%d\n", PID_MAX);
	return (0);
}

/* The numbers of Linux: 1 always, 2 never. */
static int
text_overcommit(void *arg, struct procfs_buf *b)
{
	const struct vkernel *k = arg;

	procfs_printf(b, "%d\n",
	    k->config.overcommit == VKERNEL_OVERCOMMIT_NEVER ? 2 : 1);
	return (0);
}

/* CommitLimit has all of memory in it. */
static int
text_overcommit_ratio(void *arg, struct procfs_buf *b)
{
	procfs_printf(b, "100\n");
	return (0);
}

static int
text_resident(void *arg, struct procfs_buf *b)
{
	resident_text(arg, b);
	return (0);
}

static int
write_resident(void *arg, const char *text, size_t len)
{
	return (resident_control(arg, text, len));
}

static const struct procfs_sys_node sys_nodes[] = {
    {.name = "meminfo", .mode = 0444, .text = text_meminfo},
    {.name = "stat", .mode = 0444, .text = text_stat},
    {.name = "uptime", .mode = 0444, .text = text_uptime},
    {.name = "loadavg", .mode = 0444, .text = text_loadavg},
    {.name = "vmstat", .mode = 0444, .text = text_vmstat},
    {.name = "cpuinfo", .mode = 0444, .text = text_cpuinfo},
    {.name = "version", .mode = 0444, .text = text_version},
    {.name = "filesystems", .mode = 0444, .text = text_filesystems},
    {.name = "swaps", .mode = 0444, .text = text_swaps},
    {.name = "cmdline", .mode = 0444, .text = text_cmdline},
    {.name = "zones", .mode = 0444, .text = text_zones},
    {.name = "objects", .mode = 0444, .text = text_objects},
    {.name = "syscalls", .mode = 0444, .text = text_syscalls},
    {.name = NULL},
};

static const struct procfs_sys_node settings[] = {
    {.name = "kernel/hostname", .mode = 0444, .text = text_hostname},
    {.name = "kernel/pid_max", .mode = 0444, .text = text_pid_max},
    {.name = "kernel/sem", .mode = 0444, .text = sysvipc_text_sem},
    {.name = "kernel/msgmax", .mode = 0444, .text = sysvipc_text_msgmax},
    {.name = "kernel/msgmnb", .mode = 0444, .text = sysvipc_text_msgmnb},
    {.name = "kernel/msgmni", .mode = 0444, .text = sysvipc_text_msgmni},
    {.name = "kernel/shmall", .mode = 0444, .text = sysvipc_text_shmall},
    {.name = "kernel/shmmax", .mode = 0444, .text = sysvipc_text_shmmax},
    {.name = "kernel/shmmni", .mode = 0444, .text = sysvipc_text_shmmni},
    {.name = "vm/overcommit_memory", .mode = 0444, .text = text_overcommit},
    {.name = "vm/overcommit_ratio",
	.mode = 0444,
	.text = text_overcommit_ratio},
    {.name = "vm/resident",
	.mode = 0644,
	.text = text_resident,
	.write = write_resident},
    {.name = NULL},
};

const struct procfs_ops kern_procfs_ops = {
    .self = pf_self,
    .selftid = pf_selftid,
    .next = pf_next,
    .tidnext = pf_tidnext,
    .exists = pf_exists,
    .owner = pf_owner,
    .may_look = pf_may_look,
    .own = pf_own,
    .vnode = pf_vnode,
    .file = pf_file,
    .fdnext = pf_fdnext,
    .proc_open = kern_procfs_open,
    .proc_close = kern_procfs_close,
    .proc_id = kern_procfs_id,
    .pid_nodes = kern_pid_nodes,
    .sys_nodes = sys_nodes,
    .settings = settings,
    .mem_open = kern_procfs_mem_open,
    .mem_rw = kern_procfs_mem_rw,
    .mem_close = kern_procfs_mem_close,
};
