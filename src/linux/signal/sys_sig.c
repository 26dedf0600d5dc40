/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System calls on signals: dispositions, masks, sending, waiting, alternate
 * stacks.  Posting is in sig.c, delivery in sig_deliver.c, frames in
 * sigframe.c.
 *
 * Calls that sleep with another mask (rt_sigsuspend, ppoll, pselect6,
 * epoll_pwait) install it with ksig_tmpmask(); delivery puts the old mask into
 * the handler's frame or restores it.  rt_sigtimedwait leaves the mask
 * unchanged and stores the signals that it waits for in lwp->sigwait.
 */
#include "host/host.h"
#include "abi/signal.h"
#include "linux/lib/sys_int.h"
#include "linux/signal/sys_sig.h"

#include <errno.h>
#include <string.h>

sys_fn sys_rt_sigaction, sys_rt_sigprocmask, sys_rt_sigreturn,
    sys_rt_sigpending, sys_rt_sigtimedwait, sys_rt_sigqueueinfo,
    sys_rt_tgsigqueueinfo, sys_rt_sigsuspend, sys_sigaltstack, sys_pause,
    sys_kill, sys_tkill, sys_tgkill, sys_restart_syscall;

int
sys_rt_sigaction(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct lx_sigaction new, old;
	int signo = (int)a[0];

	if (a[3] != LX_SIGSET_SIZE || signo < 1 || signo > KNSIG)
		return (EINVAL);
	if (a[1] != 0) {
		if (signo == LX_SIGKILL || signo == LX_SIGSTOP)
			return (EINVAL);
		if (copyin(lwp_vmspace(l), &new, a[1], sizeof(new)) != 0)
			return (EFAULT);
	}
	ksig_action(l->p, signo, a[1] != 0 ? &new : NULL, &old);
	if (a[2] != 0)
		return (copyout(lwp_vmspace(l), &old, a[2], sizeof(old)));
	return (0);
}

int
sys_rt_sigprocmask(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint64_t set, old, mask;

	if (a[3] != LX_SIGSET_SIZE)
		return (EINVAL);
	if (a[1] != 0 && copyin(lwp_vmspace(l), &set, a[1], sizeof(set)) != 0)
		return (EFAULT);
	kmutex_lock(&l->p->lock);
	old = mask = l->sigmask;
	kmutex_unlock(&l->p->lock);
	if (a[1] != 0) {
		switch ((int)a[0]) {
		case LX_SIG_BLOCK:
			mask |= set;
			break;
		case LX_SIG_UNBLOCK:
			mask &= ~set;
			break;
		case LX_SIG_SETMASK:
			mask = set;
			break;
		default:
			return (EINVAL);
		}
		/* Only this lwp changes its mask, so that no change is lost. */
		kmutex_lock(&l->p->lock);
		ksig_setmask_locked(l, mask);
		kmutex_unlock(&l->p->lock);
	}
	if (a[2] != 0)
		return (copyout(lwp_vmspace(l), &old, a[2], sizeof(old)));
	return (0);
}

int
sys_rt_sigreturn(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	if (sigframe_return(l) != 0)
		ksig_force(l, &(struct ksiginfo){.signo = LX_SIGSEGV,
				  .code = LX_SI_KERNEL,
				  .forced = true});
	return (EJUSTRETURN);
}

int
sys_rt_sigpending(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint64_t set;

	if (a[1] > LX_SIGSET_SIZE)
		return (EINVAL);
	kmutex_lock(&l->p->lock);
	set = (l->sigpend.set | l->p->sigpend.set) & l->sigmask;
	kmutex_unlock(&l->p->lock);
	return (copyout(lwp_vmspace(l), &set, a[0], (size_t)a[1]));
}

/* ---- waiting ---- */

/* Wait for a signal of `set`.  0, EAGAIN (the time is over), EINTR (another
 * signal). */
static int
sig_timedwait(
    struct lwp *l, uint64_t set, uint64_t deadline, struct ksiginfo *info)
{
	struct proc *p = l->p;
	int error = 0;
	bool got;

	for (;;) {
		lwp_sleep_prepare(l);
		kmutex_lock(&p->lock);
		got = ksig_take_locked(l, set, info);
		l->sigwait = got || error != 0 ? 0 : set & ~KSIG_UNMASKABLE;
		kmutex_unlock(&p->lock);
		if (got)
			return (0);
		if (error != 0)
			return (error == ETIMEDOUT ? EAGAIN : error);
		error = lwp_sleep(l, deadline);
	}
}

int
sys_rt_sigtimedwait(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint64_t set, deadline;
	struct ksiginfo info;
	uint8_t abi[128];
	int error;

	if (a[3] != LX_SIGSET_SIZE)
		return (EINVAL);
	if (copyin(lwp_vmspace(l), &set, a[0], sizeof(set)) != 0)
		return (EFAULT);
	error = sys_copyin_deadline(l, a[2], &deadline);
	if (error != 0)
		return (error);
	error = sig_timedwait(l, set & ~KSIG_UNMASKABLE, deadline, &info);
	if (error != 0)
		return (error);
	*ret = info.signo;
	if (a[1] == 0)
		return (0);
	ksiginfo_encode(&info, abi);
	return (copyout(lwp_vmspace(l), abi, a[1], sizeof(abi)));
}

/* Sleep until a signal has been delivered. */
static int
sig_wait_any(struct lwp *l)
{
	int error;

	do {
		lwp_sleep_prepare(l);
		error = lwp_sleep(l, UINT64_MAX);
	} while (error == 0);
	return (ERESTARTNOHAND);
}

int
sys_rt_sigsuspend(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint64_t mask;

	if (a[1] != LX_SIGSET_SIZE)
		return (EINVAL);
	if (copyin(lwp_vmspace(l), &mask, a[0], sizeof(mask)) != 0)
		return (EFAULT);
	ksig_tmpmask(l, mask);
	return (sig_wait_any(l));
}

int
sys_pause(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	return (sig_wait_any(l));
}

int
sys_restart_syscall(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	int (*fn)(struct lwp *, int64_t *) = l->restart_fn;

	if (fn == NULL)
		return (EINTR);
	l->restart_fn = NULL;
	return (fn(l, ret));
}

/* ---- sending ---- */

struct ksiginfo
sys_sig_from(struct lwp *l, int signo, int code)
{
	return ((struct ksiginfo){.signo = signo,
	    .code = code,
	    .pid = l->p->pid,
	    .uid = l->cred->uid});
}

int
sys_kill(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct ksiginfo info = sys_sig_from(l, (int)a[1], LX_SI_USER);

	return (ksig_kill(l->p->k, l, (int)a[0], &info));
}

/* Send to one lwp; tgid 0: of any process. */
static int
sig_thread_kill(struct lwp *l, int tgid, int tid, const struct ksiginfo *info)
{
	struct ksiginfo seen = *info;
	struct proc *p;
	struct lwp *to;
	int error;

	if (info->signo < 0 || info->signo > KNSIG || tid <= 0 || tgid < 0)
		return (EINVAL);
	p = proc_find_tid_hold(l->p->k, tid);
	if (p == NULL)
		return (ESRCH);
	if (tgid != 0 && p->pid != tgid) {
		proc_drop(p);
		return (ESRCH);
	}
	error = ksig_permitted(l, p, info->signo);
	seen.pid = pidns_out(p->k, p->pidns, info->pid);
	if (error == 0 && info->signo != 0) {
		/* If the lwp ends between the lookup and the post, the signal
		 * is dropped, as if it had been sent after the end. */
		kmutex_lock(&p->lock);
		to = proc_lwp_locked(p, tid);
		if (to != NULL)
			ksig_post_lwp_locked(to, &seen);
		else if (tgid == 0 || p->state == PROC_ZOMBIE)
			error = 0;
		else
			error = ESRCH;
		kmutex_unlock(&p->lock);
	}
	proc_drop(p);
	return (error);
}

int
sys_tkill(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct ksiginfo info = sys_sig_from(l, (int)a[1], LX_SI_TKILL);

	return (sig_thread_kill(l, 0, (int)a[0], &info));
}

int
sys_tgkill(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct ksiginfo info = sys_sig_from(l, (int)a[2], LX_SI_TKILL);

	if ((int)a[0] <= 0)
		return (EINVAL);
	return (sig_thread_kill(l, (int)a[0], (int)a[1], &info));
}

int
sys_sig_copyin_info(
    struct lwp *l, uint64_t uinfo, int signo, bool self, struct ksiginfo *info)
{
	uint8_t abi[128];
	int error;

	if (signo < 0 || signo > KNSIG)
		return (EINVAL);
	if (copyin(lwp_vmspace(l), abi, uinfo, sizeof(abi)) != 0)
		return (EFAULT);
	memcpy(abi, &signo, sizeof(signo));
	error = ksiginfo_decode(abi, info);
	if (error == 0 && (info->code >= 0 || info->code == LX_SI_TKILL) &&
	    !self)
		error = EPERM;
	return (error);
}

static bool
sig_queue_full(struct proc *p)
{
	bool full;

	kmutex_lock(&p->lock);
	full = p->sigpend.count >= KSIGQ_MAX;
	kmutex_unlock(&p->lock);
	return (full);
}

int
sys_rt_sigqueueinfo(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	int pid = (int)a[0], signo = (int)a[1], error;
	struct ksiginfo info;
	struct proc *p;

	error = sys_sig_copyin_info(l, a[2], signo, pid == l->p->pid, &info);
	if (error != 0)
		return (error);
	if (pid <= 0)
		return (ESRCH);
	p = proc_find_tid_hold(l->p->k, pid);
	if (p == NULL)
		return (ESRCH);
	if (signo >= LX_SIGRTMIN && sig_queue_full(p))
		error = EAGAIN;
	proc_drop(p);
	return (error != 0 ? error : ksig_kill(l->p->k, l, pid, &info));
}

int
sys_rt_tgsigqueueinfo(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	int tgid = (int)a[0], tid = (int)a[1], signo = (int)a[2], error;
	struct ksiginfo info;

	if (tgid <= 0 || tid <= 0)
		return (EINVAL);
	error = sys_sig_copyin_info(l, a[3], signo, tgid == l->p->pid, &info);
	if (error != 0)
		return (error);
	return (sig_thread_kill(l, tgid, tid, &info));
}

/* ---- alternate stack ---- */

int
sys_sigaltstack(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint64_t rsp = l->cpu->tf.rsp;
	struct ksigaltstack new, old = l->altstack;
	int error = 0;

	old.flags = ksig_altstack_state(l, rsp) |
		    (l->altstack.flags & LX_SS_AUTODISARM);
	if (a[0] != 0) {
		if (copyin(lwp_vmspace(l), &new, a[0], sizeof(new)) != 0)
			return (EFAULT);
		error = ksig_set_altstack(l, &new, rsp);
	}
	if (error == 0 && a[1] != 0)
		error = copyout(lwp_vmspace(l), &old, a[1], sizeof(old));
	return (error);
}
