/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System calls that report on the system and the process: uname, sysinfo,
 * usage, random numbers, prctl, arch_prctl.  (Limits and scheduling are in
 * sys_limit.c.)
 *
 * The memory they report is the guest's.  Random numbers come from the host.
 */
#include "host/host.h"
#include "abi/capability.h"
#include "abi/prctl.h"
#include "abi/random.h"
#include "abi/resource.h"
#include "abi/system.h"
#include "abi/uio.h"
#include "kern/base/seccomp.h"
#include "linux/proc/sys_cap.h"
#include "linux/proc/sys_seccomp.h"
#include "linux/proc/sys_speculation.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

sys_fn sys_uname, sys_sysinfo, sys_getrandom, sys_getrusage, sys_prctl,
    sys_arch_prctl, sys_personality, sys_syslog, sys_getcpu;

#define RANDOM_CHUNK 1024
#define USER_TOP (UINT64_C(1) << 47)
#define PERSONALITY_QUERY UINT32_MAX

int
sys_uname(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct ns_set *set = proc_ns_ref(l->p);
	struct utsns *uts = (struct utsns *)set->of[NS_UTS];
	struct lx_utsname u;

	memset(&u, 0, sizeof(u));
	kmutex_lock(&uts->lock);
	snprintf(u.nodename, sizeof(u.nodename), "%s", uts->hostname);
	snprintf(u.domainname, sizeof(u.domainname), "%s", uts->domainname);
	kmutex_unlock(&uts->lock);
	ns_set_free(set);
	snprintf(u.sysname, sizeof(u.sysname), "Linux");
	snprintf(u.release, sizeof(u.release), "%s", LX_UTS_RELEASE);
	snprintf(u.version, sizeof(u.version), "#1 vmspace %s", kern_version());
	snprintf(u.machine, sizeof(u.machine), "%s",
	    (atomic_load(&l->p->personality) & LX_PER_MASK) == LX_PER_LINUX32
		? "i686"
		: "x86_64");
	return (copyout(lwp_vmspace(l), &u, a[0], sizeof(u)));
}

int
sys_sysinfo(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct vkernel *k = l->p->k;
	struct vm_system_stat st;
	struct lx_sysinfo si;
	uint64_t n;

	memset(&si, 0, sizeof(si));
	vm_system_stat(&k->vm, &st);
	kmutex_lock(&k->proctree);
	n = k->nlive;
	kmutex_unlock(&k->proctree);
	si.uptime = (int64_t)((host_now_ns() - k->boot_ns) / NS_PER_SEC);
	si.totalram = st.mem;
	si.freeram = st.free;
	si.sharedram = st.named;
	si.totalswap = st.swap_size;
	si.freeswap =
	    st.swap_used < st.swap_size ? st.swap_size - st.swap_used : 0;
	si.procs = n > UINT16_MAX ? UINT16_MAX : (uint16_t)n;
	si.mem_unit = 1;
	return (copyout(lwp_vmspace(l), &si, a[0], sizeof(si)));
}

int
sys_getrandom(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint8_t buf[RANDOM_CHUNK];
	uint64_t done = 0, len = a[1];
	size_t n, part;
	int error = 0, flags = (int)a[2];

	if ((flags & ~(LX_GRND_NONBLOCK | LX_GRND_RANDOM | LX_GRND_INSECURE)) !=
		0 ||
	    (flags & (LX_GRND_RANDOM | LX_GRND_INSECURE)) ==
		(LX_GRND_RANDOM | LX_GRND_INSECURE))
		return (EINVAL);
	if (len > LX_MAX_RW_COUNT)
		len = LX_MAX_RW_COUNT;
	while (done < len && error == 0) {
		n = len - done < sizeof(buf) ? (size_t)(len - done)
					     : sizeof(buf);
		host_random(buf, n);
		part = 0;
		error =
		    copyout_part(lwp_vmspace(l), buf, a[0] + done, n, &part);
		done += part;
		/* A long request can be interrupted, as on Linux. */
		if (done >= 256 &&
		    atomic_load_explicit(&l->sigcheck, memory_order_relaxed))
			break;
	}
	if (done == 0 && error != 0)
		return (error);
	*ret = (int64_t)done;
	return (0);
}

/* ---- usage ---- */

static void
rusage_self(struct lwp *l, struct proc_rusage *ru)
{
	struct vmspace_stat st;

	vmspace_stat(lwp_vmspace(l), &st);
	kmutex_lock(&l->p->lock);
	*ru = l->p->ru;
	proc_times_locked(l->p, &ru->utime, &ru->stime);
	kmutex_unlock(&l->p->lock);
	if (st.resident_peak > ru->maxrss)
		ru->maxrss = st.resident_peak;
	ru->minflt += st.minflt;
	ru->majflt += st.majflt;
}

int
sys_getrusage(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct proc_rusage ru;
	struct lx_rusage out;

	switch ((int)a[0]) {
	case LX_RUSAGE_SELF:
		rusage_self(l, &ru);
		break;
	case LX_RUSAGE_THREAD:
		rusage_self(l, &ru);
		ru.utime = atomic_load(&l->user_ns);
		ru.stime = atomic_load(&l->sys_ns);
		break;
	case LX_RUSAGE_CHILDREN:
		kmutex_lock(&l->p->lock);
		ru = l->p->cru;
		kmutex_unlock(&l->p->lock);
		break;
	default:
		return (EINVAL);
	}
	memset(&out, 0, sizeof(out));
	out.utime = lx_timeval_of(ru.utime);
	out.stime = lx_timeval_of(ru.stime);
	out.maxrss = (int64_t)(ru.maxrss >> 10);
	out.minflt = (int64_t)ru.minflt;
	out.majflt = (int64_t)ru.majflt;
	return (copyout(lwp_vmspace(l), &out, a[1], sizeof(out)));
}

/* ---- prctl ---- */

static int
prctl_set_name(struct lwp *l, uint64_t uaddr)
{
	char name[sizeof(l->comm)] = "";
	int error;

	error = copyinstr(lwp_vmspace(l), name, uaddr, sizeof(name) - 1, NULL);
	if (error != 0 && error != ENAMETOOLONG)
		return (error);
	kmutex_lock(&l->p->lock);
	lwp_set_comm_locked(l, name);
	kmutex_unlock(&l->p->lock);
	return (0);
}

static int
prctl_get_name(struct lwp *l, uint64_t uaddr)
{
	char name[sizeof(l->comm)];

	kmutex_lock(&l->p->lock);
	memcpy(name, l->comm, sizeof(name));
	kmutex_unlock(&l->p->lock);
	return (copyout(lwp_vmspace(l), name, uaddr, sizeof(name)));
}

static int
prctl_out_int(struct lwp *l, int32_t v, uint64_t uaddr)
{
	return (copyout(lwp_vmspace(l), &v, uaddr, sizeof(v)));
}

/* Options that change or return a field of the process.  ENOSYS: no such
 * option. */
static int
prctl_field(struct lwp *l, int option, uint64_t arg, int64_t *ret)
{
	struct proc *p = l->p;
	int error = 0;

	kmutex_lock(&p->lock);
	switch (option) {
	case LX_PR_SET_PDEATHSIG:
		if (arg > KNSIG)
			error = EINVAL;
		else
			p->pdeathsig = (int)arg;
		break;
	case LX_PR_GET_DUMPABLE:
		*ret = p->dumpable;
		break;
	case LX_PR_SET_DUMPABLE:
		if (arg > 1)
			error = EINVAL;
		else
			p->dumpable = arg != 0;
		break;
	case LX_PR_SET_NO_NEW_PRIVS:
		if (arg != 1)
			error = EINVAL;
		else
			p->no_new_privs = true;
		break;
	case LX_PR_GET_NO_NEW_PRIVS:
		*ret = p->no_new_privs;
		break;
	case LX_PR_SET_CHILD_SUBREAPER:
		p->child_subreaper = arg != 0;
		break;
	case LX_PR_SET_TIMERSLACK:
		lwp_set_slack_locked(l, (int64_t)arg > 0 ? arg : 0);
		break;
	case LX_PR_GET_TIMERSLACK:
		*ret = (int64_t)l->slack_ns;
		break;
	case LX_PR_SET_IO_FLUSHER:
		if (arg > 1)
			error = EINVAL;
		else
			l->io_flusher = arg != 0;
		break;
	case LX_PR_GET_IO_FLUSHER:
		*ret = l->io_flusher;
		break;
	case LX_PR_SET_THP_DISABLE:
		p->thp_disable = arg != 0;
		break;
	case LX_PR_GET_THP_DISABLE:
		*ret = p->thp_disable;
		break;
	default:
		error = ENOSYS;
	}
	kmutex_unlock(&p->lock);
	return (error);
}

static int
prctl_get_pdeathsig(struct lwp *l, uint64_t uaddr)
{
	int sig;

	kmutex_lock(&l->p->lock);
	sig = l->p->pdeathsig;
	kmutex_unlock(&l->p->lock);
	return (prctl_out_int(l, sig, uaddr));
}

/* Options whose arguments from a certain one on must be 0. */
static const struct {
	int option;
	unsigned from;
} prctl_exact[] = {
    {LX_PR_SET_NO_NEW_PRIVS, 2},
    {LX_PR_GET_NO_NEW_PRIVS, 1},
    {LX_PR_SET_THP_DISABLE, 2},
    {LX_PR_GET_THP_DISABLE, 1},
    {LX_PR_MCE_KILL_GET, 1},
    {LX_PR_GET_SPECULATION_CTRL, 2},
    {LX_PR_SET_SPECULATION_CTRL, 3},
    {LX_PR_SET_IO_FLUSHER, 2},
    {LX_PR_GET_IO_FLUSHER, 1},
};

static bool
prctl_surplus(const uint64_t *a)
{
	for (size_t i = 0; i < sizeof(prctl_exact) / sizeof(*prctl_exact); i++)
		if ((int)a[0] == prctl_exact[i].option)
			for (unsigned n = prctl_exact[i].from; n <= 4; n++)
				if (a[n] != 0)
					return (true);
	return (false);
}

int
sys_prctl(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	int option = (int)a[0], error;
	unsigned filters;

	if ((option == LX_PR_SET_IO_FLUSHER ||
		option == LX_PR_GET_IO_FLUSHER) &&
	    !lwp_capable(l, LX_CAP_SYS_RESOURCE))
		return (EPERM);
	if (prctl_surplus(a))
		return (EINVAL);
	error = prctl_field(l, option, a[1], ret);
	if (error == ENOSYS)
		error = sys_prctl_cap(l, a, ret);
	if (error == ENOSYS)
		error = sys_prctl_speculation(l, a, ret);
	if (error != ENOSYS)
		return (error);
	switch (option) {
	case LX_PR_SET_NAME:
		return (prctl_set_name(l, a[1]));
	case LX_PR_GET_NAME:
		return (prctl_get_name(l, a[1]));
	case LX_PR_GET_PDEATHSIG:
		return (prctl_get_pdeathsig(l, a[1]));
	case LX_PR_GET_CHILD_SUBREAPER:
		return (prctl_out_int(l, l->p->child_subreaper, a[1]));
	case LX_PR_GET_TID_ADDRESS:
		return (copyout(
		    lwp_vmspace(l), &l->clear_tid, a[1], sizeof(l->clear_tid)));
	case LX_PR_GET_SECCOMP:
		*ret = seccomp_mode(l, &filters);
		return (0);
	case LX_PR_SET_SECCOMP:
		return (sys_prctl_seccomp(l, a[1], a[2], ret));
	case LX_PR_TASK_PERF_EVENTS_DISABLE:
	case LX_PR_TASK_PERF_EVENTS_ENABLE:
		return (0);
	case LX_PR_GET_TIMING:
		*ret = LX_PR_TIMING_STATISTICAL;
		return (0);
	case LX_PR_SET_TIMING:
		return (a[1] == LX_PR_TIMING_STATISTICAL ? 0 : EINVAL);
	case LX_PR_GET_TSC:
		return (prctl_out_int(l, LX_PR_TSC_ENABLE, a[1]));
	case LX_PR_SET_TSC:
		return (a[1] == LX_PR_TSC_ENABLE ? 0 : EINVAL);
	case LX_PR_MCE_KILL_GET:
		*ret = LX_PR_MCE_KILL_DEFAULT;
		return (0);
	default:
		return (EINVAL);
	}
}

int
sys_arch_prctl(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct trapframe *tf = &l->cpu->tf;

	switch ((int)a[0]) {
	case LX_ARCH_SET_FS:
		if (a[1] >= USER_TOP)
			return (EPERM);
		tf->fs_base = a[1];
		return (0);
	case LX_ARCH_SET_GS:
		if (a[1] >= USER_TOP)
			return (EPERM);
		tf->gs_base = a[1];
		return (0);
	case LX_ARCH_GET_FS:
		return (copyout(
		    lwp_vmspace(l), &tf->fs_base, a[1], sizeof(tf->fs_base)));
	case LX_ARCH_GET_GS:
		return (copyout(
		    lwp_vmspace(l), &tf->gs_base, a[1], sizeof(tf->gs_base)));
	default:
		return (EINVAL);
	}
}

/* The value is kept, inherited and reported.  It has no effect but on the
 * machine that uname(2) says. */
int
sys_personality(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	const uint32_t want = (uint32_t)a[0];

	*ret = want == PERSONALITY_QUERY
		   ? atomic_load(&l->p->personality)
		   : atomic_exchange(&l->p->personality, want);
	return (0);
}

int
sys_syslog(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (EPERM);
}

int
sys_getcpu(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint32_t cpu = (uint32_t)host_getcpu(), node = 0;
	int error = 0;

	/* This thread may be on another CPU than user code. */
	for (int i = 0; i < CPU_MAX && !cpu_may_use(l->cpu, (int)cpu); i++)
		cpu = (uint32_t)i;
	if (a[0] != 0)
		error = copyout(lwp_vmspace(l), &cpu, a[0], sizeof(cpu));
	if (error == 0 && a[1] != 0)
		error = copyout(lwp_vmspace(l), &node, a[1], sizeof(node));
	return (error);
}
