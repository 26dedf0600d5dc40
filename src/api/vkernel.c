/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Kernel instances: creation, destruction, and the calls of the embedder.
 * vkernel_spawn.c starts programs, vkernel_mounts.c sets up the mounts,
 * vkernel_swap.c manages swap.
 *
 * Concepts.  All state belongs to a struct vkernel and nothing is global, so
 * that any number of kernels can exist at the same time.  Creation goes from
 * the bottom up: the VM system, the machine (which needs the arena), zones and
 * tables, the file systems, swap, the pageout daemon.  vkernel_teardown()
 * undoes these steps in reverse order.  It accepts a kernel at any stage of its
 * creation, so that it also undoes a failed creation.
 *
 * Destruction.  vkernel_destroy() first forbids new processes (`dying`, tested
 * under proctree where children are linked).  Then it kills until no process is
 * live, reaps the zombies that were not waited for, and waits for the host
 * threads, because a process is gone a moment before its last thread.  Only
 * after that does it free anything.
 *
 * Locking and lifetime: the embedder may make its calls from any thread until
 * it calls vkernel_destroy(); no call may be running then.
 *
 * Guarantees: vkernel_destroy_check() counts the objects that are still alive
 * when everything should have been freed.  If the count is not 0, the VM system
 * is leaked instead of being destroyed while it is in use.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi/signal.h"
#include "api/vkernel_int.h"
#include "host/host_file.h"
#include "kern/base/session.h"
#include "kern/ipc/futex.h"
#include "kern/ipc/aio.h"
#include "kern/ipc/keys.h"
#include "kern/ipc/mqueue.h"
#include "kern/ipc/sysvipc.h"
#include "kern/proc/process.h"
#include "kern/proctext/kern_procfs.h"
#include "kern/resident/resident.h"
#include "kern/sig/ctty.h"
#include "kern/sig/ksignal.h"
#include "kern/sig/signalfd.h"
#include "kern/sig/sigio.h"
#include "kern/time/ktime.h"
#include "libk/kassert.h"
#include "linux/lib/syscall.h"
#include "machine/fake/cpu_fake.h"
#include "machine/fake/pmap_soft.h"
#include "machine/stub/stub_machine.h"
#include "mem/vm_page.h"
#include "mem/vm_zone.h"
#include "vfs/core/vfs.h"
#include "vfs/vfs_create.h"
#include "vm/pageout/vm_pageout.h"
#include "vm/swap/swap_space.h"
#include "vm/vmspace.h"

#define MEM_DEFAULT ((uint64_t)1 << 30)
#define MEM_MIN ((uint64_t)1 << 20)
#define MEM_MAX ((uint64_t)1 << 40)
#define KMEM_DEFAULT ((uint64_t)256 << 20)
#define KMEM_MIN ((uint64_t)8 << 20)
#define PROCS_DEFAULT 4096
#define THREADS_DEFAULT 16384
#define TRACE_SLOTS 16384
#define PID_MAP_BYTES (PID_MAX / 8)

/* ---- configuration ---- */

static int
config_check(const struct vkernel_config *c)
{
	if (c->mem != 0 &&
	    (c->mem < MEM_MIN || c->mem > MEM_MAX || c->mem % PAGE_SIZE != 0))
		return (EINVAL);
	if (c->devmem > MEM_MAX || c->devmem % PAGE_SIZE != 0)
		return (EINVAL);
	if ((unsigned)c->isolation > VKERNEL_ISOLATE_PROCESS ||
	    (unsigned)c->overcommit > VKERNEL_OVERCOMMIT_NEVER)
		return (EINVAL);
	if (c->kmem != 0 && (c->kmem < KMEM_MIN || c->kmem > MEM_MAX))
		return (EINVAL);
	if (c->max_procs > PID_MAX || c->max_threads > PID_MAX)
		return (EINVAL);
	if (c->nmounts > VKERNEL_NMOUNTS_MAX ||
	    (c->nmounts > 0 && c->mounts == NULL))
		return (EINVAL);
	if (c->hostname != NULL && strlen(c->hostname) > 64)
		return (EINVAL);
	if (c->nswap > VKERNEL_NSWAP_MAX || (c->nswap > 0 && c->swap == NULL))
		return (EINVAL);
	for (size_t i = 0; i < c->nswap; i++)
		if (vkernel_swap_check(&c->swap[i]) != 0)
			return (EINVAL);
	for (size_t i = 0; i < c->nmounts; i++) {
		const struct vkernel_mount *m = &c->mounts[i];
		const char *guest =
		    m->kind == VKERNEL_MOUNT_RW ? m->src : m->dst;

		if ((unsigned)m->kind > VKERNEL_MOUNT_DEVICE || guest == NULL ||
		    (guest[0] != '/') != (m->kind == VKERNEL_MOUNT_DEVICE) ||
		    ((m->kind == VKERNEL_MOUNT_BIND ||
			 m->kind == VKERNEL_MOUNT_DEVICE) &&
			m->src == NULL))
			return (EINVAL);
	}
	return (0);
}

static void
config_free(struct vkernel *k)
{
	struct vkernel_mount *m = (void *)(uintptr_t)k->config.mounts;

	for (size_t i = 0; m != NULL && i < k->config.nmounts; i++) {
		free((void *)(uintptr_t)m[i].src);
		free((void *)(uintptr_t)m[i].dst);
	}
	free(m);
	free((void *)(uintptr_t)k->config.root);
}

/* Copy everything that the caller may free. */
static int
config_copy(struct vkernel *k, const struct vkernel_config *c)
{
	struct vkernel_mount *m;

	k->config = *c;
	k->config.nmounts = 0;
	k->config.mounts = NULL;
	k->config.nswap = 0;
	k->config.swap = NULL;
	if (c->mem == 0)
		k->config.mem = MEM_DEFAULT;
	if (c->kmem == 0)
		k->config.kmem = KMEM_DEFAULT;
	if (c->max_procs == 0)
		k->config.max_procs = PROCS_DEFAULT;
	if (c->max_threads == 0)
		k->config.max_threads = THREADS_DEFAULT;
	k->config.root = strdup(c->root != NULL ? c->root : "/");
	m = calloc(c->nmounts + 1, sizeof(*m));
	k->config.mounts = m;
	if (k->config.root == NULL || m == NULL)
		return (ENOMEM);
	for (size_t i = 0; i < c->nmounts; i++) {
		const struct vkernel_mount *from = &c->mounts[i];

		m[i] = *from;
		m[i].src = from->src != NULL ? strdup(from->src) : NULL;
		m[i].dst = from->dst != NULL ? strdup(from->dst) : NULL;
		k->config.nmounts++;
		if ((from->src != NULL && m[i].src == NULL) ||
		    (from->dst != NULL && m[i].dst == NULL))
			return (ENOMEM);
	}
	if (c->hostname != NULL)
		strcpy(k->hostname, c->hostname);
	else if (gethostname(k->hostname, sizeof(k->hostname) - 1) != 0)
		strcpy(k->hostname, "vmspace");
	k->config.hostname = k->hostname;
	return (0);
}

static void
vkernel_log(void *arg, enum klog_level lvl, const char *line)
{
	const struct vkernel *k = arg;

	k->config.log(k->config.log_arg, (int)lvl, line);
}

/* ---- creation ---- */

static int
vkernel_zones(struct vkernel *k)
{
	const struct {
		const char *name;
		size_t size;
		struct vm_zone **out;
	} zones[] = {
	    {"proc", sizeof(struct proc), &k->z_proc},
	    {"lwp", sizeof(struct lwp), &k->z_lwp},
	    {"sigacts", sizeof(struct sigacts), &k->z_sigacts},
	    {"session", sizeof(struct session), &k->z_session},
	    {"proc_fs", sizeof(struct proc_fs), &k->z_fs},
	    {"sigq", sizeof(struct ksigq), &k->z_sigq},
	};
	int error;

	for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
		error = vm_zone_create(k->vm.zones, zones[i].name,
		    zones[i].size, 64, ZF_CHARGE, NULL, NULL, 0, zones[i].out);
		if (error != 0)
			return (error);
	}
	return (0);
}

/* Locks and tables.  ENOMEM is the only error. */
static int
vkernel_tables(struct vkernel *k)
{
	int error;

	k->sc_count = calloc(k->sysops->ncalls + 1, sizeof(*k->sc_count));
	k->pid_map = calloc(1, PID_MAP_BYTES);
	if (k->sc_count == NULL || k->pid_map == NULL)
		return (ENOMEM);
	k->next_pid = 1;
	error = vkernel_zones(k);
	if (error != 0)
		return (error);
	error = futex_table_create(k, &k->futexes);
	if (error != 0)
		return (error);
	return (ktimers_create(k));
}

static int
vkernel_machine(struct vkernel *k, struct cpu_fake *fake)
{
	struct stub_machine *sm;
	int error;

	if (fake != NULL || k->config.fake_machine) {
		k->cpu_ops = &cpu_fake_ops;
		k->machine = fake;
		return (0);
	}
	error = stub_machine_create(
	    &k->vm, (enum stub_isolation)k->config.isolation, &sm);
	if (error != 0)
		return (error);
	k->vm.pmap_ops = &pmap_stub_ops;
	k->vm.machine = sm;
	k->cpu_ops = &cpu_stub_ops;
	k->machine = sm;
	k->stub = sm;
	return (0);
}

/* Descriptors of the host for guests: a quarter is for the kernel itself, that
 * is for stubs, swap and descriptors in use for a moment. */
static uint64_t
vkernel_fds(void)
{
	uint64_t limit = host_raise_nofile();

	return (limit - limit / 4);
}

static int
vkernel_vm(struct vkernel *k, const struct host *host)
{
	struct vm_system_config cf = {
	    .host = host != NULL ? *host : host_linux(),
	    .mem = k->config.mem,
	    .devmem = k->config.devmem != 0 ? k->config.devmem : MEM_DEFAULT,
	    .named = k->config.mem / 2,
	    .kmem = k->config.kmem,
	    .kfds = vkernel_fds(),
	    .reserve = k->config.overcommit == VKERNEL_OVERCOMMIT_NEVER,
	    .log = &k->log,
	    .trace = &k->trace,
	    .pmap_ops = &pmap_soft_ops,
	    .oom = kern_oom,
	    .oom_arg = k,
	    .swap_idle = kern_swap_idle,
	    .work = kern_oom_work,
	    .thrashing = kern_oom_thrashing,
	    .killed = lwp_self_killed,
	};
	int error;

	error = vm_system_init(&k->vm, &cf);
	if (error == 0)
		k->vm_ready = true;
	return (error);
}

static int
vkernel_files(struct vkernel *k)
{
	int error;

	error = vfs_create(&k->vm, &k->vfs);
	if (error != 0)
		return (error);
	error = ns_init(k);
	if (error != 0)
		return (error);
	k->vfs->procfs_ops = &kern_procfs_ops;
	k->vfs->procfs_arg = k;
	k->vfs->tty_ops = &session_tty_ops;
	k->vfs->tty_arg = k;
	k->vfs->owner_ops = &sigio_owner_ops;
	k->vfs->owner_arg = k;
	return (vkernel_mounts(k));
}

/* Only on a machine that runs user code can memory run short without a call of
 * a test, so that only there a daemon is needed. */
static int
vkernel_pageout(struct vkernel *k)
{
	int error;

	if (k->stub == NULL)
		return (0);
	error = vm_pageout_start(&k->vm);
	if (error == 0)
		k->pageout = true;
	return (error);
}

/* Free everything that has been created.  Returns the number of objects that
 * were still alive. */
static uint64_t
vkernel_teardown(struct vkernel *k)
{
	uint64_t leaks = 0;

	resident_destroy(k);
	aio_state_destroy(k);
	mqueue_destroy(k);
	keys_destroy(k);
	sysvipc_destroy(k);
	if (k->timer != NULL)
		ktimers_destroy(k);
	if (k->pageout)
		vm_pageout_stop(&k->vm);
	if (k->vfs != NULL)
		vfs_destroy(k->vfs);
	sigio_destroy(k);
	if (k->ns != NULL)
		ns_fini(k);
	if (k->vm_ready)
		vkernel_devices_destroy(k);
	if (k->futexes != NULL)
		futex_table_destroy(k, k->futexes);
	if (k->stub != NULL)
		stub_machine_destroy(k->stub);
	if (k->vm_ready) {
		leaks = vm_zone_set_live(k->vm.zones) + k->vm.phys->npages -
			atomic_load(&k->vm.phys->nfree) +
			swap_space_used(k->vm.swap);
		if (leaks == 0)
			vm_system_destroy(&k->vm);
		else
			klog(&k->log, KLOG_ERR,
			    "vkernel_destroy: %llu zone items, frames or swap "
			    "blocks are still in use; the VM system is leaked",
			    (unsigned long long)leaks);
	}
	if (k->tty_fd >= 0)
		host_close(k->tty_fd);
	ktrace_destroy(&k->trace);
	kcond_destroy(&k->thread_cond);
	kmutex_destroy(&k->thread_lock);
	sigfd_destroy(k);
	kcond_destroy(&k->file_cond);
	kmutex_destroy(&k->file_lock);
	kcond_destroy(&k->run_cond);
	kmutex_destroy(&k->run_lock);
	kcond_destroy(&k->all_gone);
	kmutex_destroy(&k->proctree);
	kmutex_destroy(&k->pause_lock);
	free(k->sc_count);
	free(k->pid_map);
	config_free(k);
	free(k);
	return (leaks);
}

const char *
vkernel_version(void)
{
	return (kern_version());
}

void
vkernel_syscalls(struct vkernel *k,
    void (*fn)(void *arg, const char *name, uint64_t calls, uint64_t missing),
    void *arg)
{
	kern_syscall_counts(k, fn, arg);
}

static struct vkernel *
vkernel_alloc(const struct vkernel_config *config)
{
	struct vkernel *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return (NULL);
	kmutex_init(&k->pause_lock, "pause", KRANK_PAUSE, 0);
	kmutex_init(&k->proctree, "proctree", KRANK_PROCTREE, 0);
	kcond_init(&k->all_gone);
	kmutex_init(&k->thread_lock, "threads", KRANK_LEAF, 0);
	kcond_init(&k->thread_cond);
	LIST_INIT(&k->procs);
	LIST_INIT(&k->sessions);
	LIST_INIT(&k->devices);
	LIST_INIT(&k->devmem);
	LIST_INIT(&k->files);
	k->sysops = &linux_syscall_ops;
	resident_init(k);
	sigfd_init(k);
	LIST_INIT(&k->runs);
	kmutex_init(&k->run_lock, "runs", KRANK_RUN, 0);
	kcond_init(&k->run_cond);
	kmutex_init(&k->file_lock, "files", KRANK_LEAF, 0);
	kcond_init(&k->file_cond);
	k->tty_fd = -1;
	k->boot_ns = host_now_ns();
	host_random(k->kcmp_key, sizeof(k->kcmp_key));
	k->strace = config->trace;
	k->log.max = config->log_level < KLOG_ERR ? KLOG_ERR
		     : config->log_level > KLOG_DEBUG
			 ? KLOG_DEBUG
			 : (enum klog_level)config->log_level;
	if (config->log != NULL) {
		k->log.sink = vkernel_log;
		k->log.arg = k;
	}
	return (k);
}

int
vkernel_create_fake_on(const struct vkernel_config *config,
    struct cpu_fake *fake, const struct host *host, struct vkernel **out)
{
	struct vkernel *k;
	int error;

	error = config_check(config);
	if (error != 0)
		return (error);
	k = vkernel_alloc(config);
	if (k == NULL)
		return (ENOMEM);
	for (int fd = 0, fl; fd < 3; fd++)
		k->std_open |= host_getfl(fd, &fl) == 0 ? 1u << fd : 0;
	for (unsigned i = 0; i < LX_PR_SPEC_KINDS; i++)
		k->speculation[i] = host_speculation(i);
	error = config_copy(k, config);
	if (error != 0)
		goto fail;
	error = sysvipc_init(k);
	if (error != 0)
		goto fail;
	error = mqueue_init(k);
	if (error != 0)
		goto fail;
	error = keys_init(k);
	if (error != 0)
		goto fail;
	error = ktrace_init(&k->trace, TRACE_SLOTS);
	if (error != 0)
		goto fail;
	error = vkernel_vm(k, host);
	if (error != 0)
		goto fail;
	error = aio_state_create(k);
	if (error != 0)
		goto fail;
	error = sigio_create(k);
	if (error != 0)
		goto fail;
	error = vkernel_machine(k, fake);
	if (error != 0)
		goto fail;
	error = vkernel_tables(k);
	if (error != 0)
		goto fail;
	error = vkernel_files(k);
	if (error != 0)
		goto fail;
	error = vkernel_swap_config(k, config->swap, config->nswap);
	if (error != 0)
		goto fail;
	error = vkernel_pageout(k);
	if (error != 0)
		goto fail;
	if (k->stub != NULL)
		error = stub_machine_wait(k->stub);
	if (error != 0)
		goto fail;
	*out = k;
	return (0);
fail:
	(void)vkernel_teardown(k);
	return (error);
}

int
vkernel_create_fake(const struct vkernel_config *config, struct cpu_fake *fake,
    struct vkernel **out)
{
	return (vkernel_create_fake_on(config, fake, NULL, out));
}

int
vkernel_create(const struct vkernel_config *config, struct vkernel **out)
{
	if (config == NULL || out == NULL)
		return (EINVAL);
	return (vkernel_create_fake_on(config, NULL, NULL, out));
}

/* ---- destruction ---- */

void
vkernel_destroy_check(struct vkernel *k, uint64_t *leaks)
{
	vkernel_kill_all(k);
	*leaks = vkernel_teardown(k);
}

void
vkernel_destroy(struct vkernel *k)
{
	uint64_t leaks;

#ifdef VMSPACE_DEBUG
	vkernel_kill_all(k);
	(void)resident_shed(k);
	kmutex_lock(&k->vm.list_lock);
	if (!TAILQ_EMPTY(&k->vm.vmspaces))
		kpanic("vkernel_destroy: a vmspace is still in use");
	kmutex_unlock(&k->vm.list_lock);
#endif
	vkernel_destroy_check(k, &leaks);
}

/* ---- calls of the embedder ---- */

static void
stat_machine(struct vkernel *k, struct vkernel_stat *st)
{
	struct stub_machine_stats ms;

	if (k->stub == NULL)
		return;
	stub_machine_stats(k->stub, &ms);
	st->host_maps = ms.maps;
	st->host_unmaps = ms.unmaps;
	st->host_protects = ms.protects;
	st->handovers = ms.handovers;
	st->spins = ms.spins;
	st->stubs_created = ms.stubs_created;
	st->refused_calls = ms.refused;
	st->isolates = ms.isolates;
	st->stubs_live = ms.stubs_live;
	st->stub_resets = ms.resets;
}

static void
stat_budgets(const struct kmem *km, struct vkernel_stat *st)
{
	const struct kmem_pool *bytes = &km->pool[KMEM_BYTES];
	const struct kmem_pool *fds = &km->pool[KMEM_FDS];

	st->kmem = bytes->limit;
	st->kmem_used = atomic_load(&bytes->used);
	st->kmem_peak = atomic_load(&bytes->peak);
	st->refused_kmem = atomic_load(&bytes->refused);
	st->host_fds = fds->limit;
	st->host_fds_used = atomic_load(&fds->used);
	st->refused_host_fds = atomic_load(&fds->refused);
}

void
vkernel_stat(struct vkernel *k, struct vkernel_stat *st)
{
	struct vm_system_stat vs;

	memset(st, 0, sizeof(*st));
	vm_system_stat(&k->vm, &vs);
	st->mem = vs.mem;
	st->mem_free = vs.free;
	st->mem_peak = vs.peak;
	st->objects = vs.objects;
	st->vmspaces = vs.vmspaces;
	st->zone_items = vm_zone_set_live(k->vm.zones);
	st->faults = (uint64_t)vs.stat[VMST_FAULTS];
	st->zfod = (uint64_t)vs.stat[VMST_ZFOD];
	st->cow = (uint64_t)vs.stat[VMST_COW];
	st->cow_opt = (uint64_t)vs.stat[VMST_COW_OPT];
	st->file_in = (uint64_t)vs.stat[VMST_FILE_IN];
	st->file_out = (uint64_t)vs.stat[VMST_FILE_OUT];
	st->soft = (uint64_t)vs.stat[VMST_SOFT];
	st->around = (uint64_t)vs.stat[VMST_AROUND];
	st->ahead = (uint64_t)vs.stat[VMST_AHEAD];
	st->segv = (uint64_t)vs.stat[VMST_SEGV];
	st->refused_entries = (uint64_t)vs.stat[VMST_ENTRIES];
	stat_budgets(&k->vm.kmem, st);
	st->forks = (uint64_t)vs.stat[VMST_FORK];
	st->oom_kills = atomic_load(&k->noom);
	st->execs = atomic_load(&k->nexecs);
	st->procs_created = atomic_load(&k->procs_created);
	st->lwps_created = atomic_load(&k->lwps_created);
	st->syscalls = atomic_load(&k->nsyscalls);
	kmutex_lock(&k->proctree);
	st->procs_live = k->nlive;
	st->refused_procs = k->refused_procs;
	st->refused_threads = k->refused_threads;
	kmutex_unlock(&k->proctree);
	stat_machine(k, st);
	vkernel_swap_stat(k, st);
}

void
vkernel_dump_trace(struct vkernel *k, FILE *f)
{
	ktrace_dump(&k->trace, f);
}
