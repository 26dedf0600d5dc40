/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Files of a process that can be written: its name, and settings.
 *
 * Concepts.  One write(2) is one value.  Owner and mode of the file decide who
 * may open it; further rules are those of Linux, for the thread that writes:
 * only a thread of the process may change a name, and only one with
 * CAP_SYS_RESOURCE may lower oom_score_adj below the value that such a thread
 * has set last.
 *
 * Locking.  A value is changed under the proc lock.  The process is that for
 * which the file was opened (procfs_text.c).
 *
 * Guarantees.  A value that is refused changes nothing.
 *
 * Limits.  coredump_filter and the timer slack are stored and reported only.
 * clear_refs accepts its commands; of these only that for the peak of the
 * resident size has an effect, because there are neither referenced nor
 * soft-dirty bits.
 */
#include "kern/proctext/kern_procfs_int.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi/capability.h"
#include "abi/resource.h"
#include "kern/proc/process.h"
#include "vm/vmspace.h"

#define CLEAR_REFS_MIN 1
#define CLEAR_REFS_PEAK 5 /* the resident size is the peak from now on */

/*
 * A number as the kernel of Linux reads it: a sign if `negative`, 0x and 0 for
 * the other bases, blanks around it.  *n is in [min, max], else EINVAL.
 */
static int
set_number(const char *text, size_t len, int64_t min, int64_t max, int64_t *n)
{
	char buf[32], *end;
	long long v;

	while (len > 0 && isspace((unsigned char)text[len - 1]))
		len--;
	while (len > 0 && isspace((unsigned char)*text)) {
		text++;
		len--;
	}
	if (len == 0 || len >= sizeof(buf))
		return (EINVAL);
	memcpy(buf, text, len);
	buf[len] = '\0';
	if (!isdigit((unsigned char)buf[*buf == '-' || *buf == '+']))
		return (EINVAL);
	errno = 0;
	v = strtoll(buf, &end, 0);
	if (errno != 0 || *end != '\0' || v < min || v > max)
		return (EINVAL);
	*n = v;
	return (0);
}

/* Has the thread that reads or writes the capability?  (NULL: the embedder.) */
static bool
set_capable(int cap)
{
	const struct lwp *l = lwp_current();

	return (l == NULL || lwp_capable(l, cap));
}

/* ---- name ---- */

int
pid_text_comm(struct procfs_proc *pi, struct procfs_buf *b)
{
	procfs_printf(b, "%s\n", pi->comm);
	return (0);
}

int
pid_write_comm(struct procfs_proc *pi, const char *text, size_t len)
{
	const struct lwp *self = lwp_current();
	char comm[sizeof(pi->comm)] = "";
	struct lwp *l;

	if (self != NULL && self->p != pi->p)
		return (EINVAL);
	memcpy(comm, text, len < sizeof(comm) - 1 ? len : sizeof(comm) - 1);
	kmutex_lock(&pi->p->lock);
	l = proc_lwp_locked(pi->p, pi->tid);
	if (l != NULL)
		lwp_set_comm_locked(l, comm);
	else
		memcpy(pi->p->comm, comm, sizeof(pi->p->comm));
	kmutex_unlock(&pi->p->lock);
	return (0);
}

/* ---- out of memory ---- */

int
pid_text_oom_score(struct procfs_proc *pi, struct procfs_buf *b)
{
	procfs_printf(b, "%u\n", kern_oom_score(pi->p));
	return (0);
}

int
pid_text_oom_score_adj(struct procfs_proc *pi, struct procfs_buf *b)
{
	procfs_printf(b, "%d\n", pi->oom_adj);
	return (0);
}

int
pid_text_oom_adj(struct procfs_proc *pi, struct procfs_buf *b)
{
	int v = LX_OOM_ADJUST_MAX;

	if (pi->oom_adj != LX_OOM_SCORE_ADJ_MAX)
		v = pi->oom_adj * -LX_OOM_DISABLE / LX_OOM_SCORE_ADJ_MAX;
	procfs_printf(b, "%d\n", v);
	return (0);
}

/* old: by the older file, whose value never becomes the bound. */
static int
set_oom_adj(struct proc *p, int adj, bool old)
{
	const bool resource = set_capable(LX_CAP_SYS_RESOURCE);
	int error = 0;

	kmutex_lock(&p->lock);
	if (!resource && adj < (old ? p->oom_adj : p->oom_adj_min)) {
		error = EACCES;
	} else {
		p->oom_adj = adj;
		if (resource && !old)
			p->oom_adj_min = adj;
	}
	kmutex_unlock(&p->lock);
	return (error);
}

int
pid_write_oom_score_adj(struct procfs_proc *pi, const char *text, size_t len)
{
	int64_t n;
	int error;

	error = set_number(
	    text, len, LX_OOM_SCORE_ADJ_MIN, LX_OOM_SCORE_ADJ_MAX, &n);
	if (error != 0)
		return (error);
	return (set_oom_adj(pi->p, (int)n, false));
}

int
pid_write_oom_adj(struct procfs_proc *pi, const char *text, size_t len)
{
	int64_t n;
	int error;

	error = set_number(text, len, LX_OOM_DISABLE, LX_OOM_ADJUST_MAX, &n);
	if (error != 0)
		return (error);
	/* The highest value is the highest, although it is not a multiple. */
	if (n == LX_OOM_ADJUST_MAX)
		n = LX_OOM_SCORE_ADJ_MAX;
	else
		n = n * LX_OOM_SCORE_ADJ_MAX / -LX_OOM_DISABLE;
	return (set_oom_adj(pi->p, (int)n, true));
}

/* ---- what is stored only ---- */

int
pid_text_coredump_filter(struct procfs_proc *pi, struct procfs_buf *b)
{
	if (pi->vm != NULL)
		procfs_printf(b, "%08x\n", pi->coredump_filter);
	return (0);
}

int
pid_write_coredump_filter(struct procfs_proc *pi, const char *text, size_t len)
{
	int64_t n;
	int error;

	error = set_number(text, len, 0, UINT32_MAX, &n);
	if (error != 0)
		return (error);
	if (pi->vm == NULL)
		return (ESRCH);
	kmutex_lock(&pi->p->lock);
	pi->p->coredump_filter = (uint32_t)n & LX_COREDUMP_FILTER_BITS;
	kmutex_unlock(&pi->p->lock);
	return (0);
}

int
pid_write_clear_refs(struct procfs_proc *pi, const char *text, size_t len)
{
	struct pmap *pm;
	int64_t n;
	int error;

	error = set_number(text, len, CLEAR_REFS_MIN, CLEAR_REFS_PEAK, &n);
	if (error != 0)
		return (error);
	if (n == CLEAR_REFS_PEAK && pi->vm != NULL &&
	    (pm = pi->vm->pmap) != NULL)
		atomic_store(&pm->resident_peak, atomic_load(&pm->resident));
	return (0);
}

/* Only CAP_SYS_NICE may see and set the slack of another thread. */
static bool
slack_allowed(const struct procfs_proc *pi)
{
	const struct lwp *self = lwp_current();

	return (self == NULL || self->tid == pi->tid ||
		set_capable(LX_CAP_SYS_NICE));
}

int
pid_text_timerslack(struct procfs_proc *pi, struct procfs_buf *b)
{
	if (!slack_allowed(pi))
		return (EPERM);
	procfs_printf(b, "%llu\n", (ull)pi->slack_ns);
	return (0);
}

int
pid_write_timerslack(struct procfs_proc *pi, const char *text, size_t len)
{
	struct lwp *l;
	int64_t n;
	int error;

	error = set_number(text, len, 0, INT64_MAX, &n);
	if (error != 0)
		return (error);
	if (!slack_allowed(pi))
		return (EPERM);
	kmutex_lock(&pi->p->lock);
	l = proc_lwp_locked(pi->p, pi->tid);
	if (l != NULL)
		lwp_set_slack_locked(l, (uint64_t)n);
	kmutex_unlock(&pi->p->lock);
	return (l == NULL ? ESRCH : 0);
}

/* ---- the audit's ids ---- */

int
pid_text_loginuid(struct procfs_proc *pi, struct procfs_buf *b)
{
	procfs_printf(b, "%u", pi->loginuid);
	return (0);
}

int
pid_text_sessionid(struct procfs_proc *pi, struct procfs_buf *b)
{
	procfs_printf(b, "%u", pi->sessionid);
	return (0);
}

/* A process may set its own id once, and with CAP_AUDIT_CONTROL again; each
 * time it gets another session number. */
int
pid_write_loginuid(struct procfs_proc *pi, const char *text, size_t len)
{
	const struct lwp *self = lwp_current();
	const bool audit = set_capable(LX_CAP_AUDIT_CONTROL);
	struct proc *p = pi->p;
	int64_t n;
	int error;

	if (self != NULL && self->p != p)
		return (EPERM);
	error = set_number(text, len, 0, UINT32_MAX, &n);
	if (error != 0)
		return (error);
	kmutex_lock(&p->lock);
	if (p->loginuid != UINT32_MAX && !audit)
		error = EPERM;
	else {
		p->loginuid = (uint32_t)n;
		p->sessionid = UINT32_MAX;
		if (n != UINT32_MAX)
			p->sessionid =
			    (uint32_t)atomic_fetch_add(&p->k->next_session, 1) +
			    1;
	}
	kmutex_unlock(&p->lock);
	return (error);
}
