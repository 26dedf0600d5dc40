/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Numbers of processes in system calls of a process that is not in the first
 * name space of them.
 *
 * The kernel and all handlers use the numbers of the kernel.  This file has the
 * arguments and results of each call that are such numbers, and translates them
 * before and after the handler, in one place: an argument that was forgotten
 * would let a guest name processes outside of its name space.  A number that
 * means no process becomes one that is never in use (NO_PROCESS).
 *
 * What a call stores in memory is translated where it is made: wait (wait.c),
 * the numbers of new processes (fork.c), the sender of a signal (sig.c).
 */
#include "linux/lib/sys_int.h"

#include "abi/resource.h"
#include "abi/syscall.h"
#include "abi/wait.h"

#include <errno.h>
#include <string.h>

#include "linux/proc/sys_pidns.h"

#define NO_PROCESS (PID_MAX + 1)

/* How an argument is read. */
enum kind {
	ARG_NONE,
	ARG_ID,     /* 0: the caller */
	ARG_SIGNED, /* below -1: a group */
	ARG_WAITID, /* as the first argument says */
	ARG_WHO,    /* likewise, of priorities */
	ARG_IOPRIO, /* likewise, of I/O priorities */
};

static const struct {
	const char *name;
	uint8_t arg[3]; /* enum kind */
	bool result;
} calls[] = {
    {"kill", {ARG_SIGNED}, false},
    {"tkill", {ARG_ID}, false},
    {"tgkill", {ARG_ID, ARG_ID}, false},
    {"rt_sigqueueinfo", {ARG_ID}, false},
    {"rt_tgsigqueueinfo", {ARG_ID, ARG_ID}, false},
    {"wait4", {ARG_SIGNED}, false},
    {"waitid", {ARG_NONE, ARG_WAITID}, false},
    {"setpgid", {ARG_ID, ARG_ID}, false},
    {"getpgid", {ARG_ID}, true},
    {"getpgrp", {ARG_NONE}, true},
    {"getsid", {ARG_ID}, true},
    {"setsid", {ARG_NONE}, true},
    {"getpid", {ARG_NONE}, true},
    {"gettid", {ARG_NONE}, true},
    {"getppid", {ARG_NONE}, true},
    {"set_tid_address", {ARG_NONE}, true},
    {"sched_setparam", {ARG_ID}, false},
    {"sched_getparam", {ARG_ID}, false},
    {"sched_setscheduler", {ARG_ID}, false},
    {"sched_getscheduler", {ARG_ID}, false},
    {"sched_rr_get_interval", {ARG_ID}, false},
    {"sched_setaffinity", {ARG_ID}, false},
    {"sched_getaffinity", {ARG_ID}, false},
    {"sched_setattr", {ARG_ID}, false},
    {"sched_getattr", {ARG_ID}, false},
    {"getpriority", {ARG_NONE, ARG_WHO}, false},
    {"setpriority", {ARG_NONE, ARG_WHO}, false},
    {"ioprio_set", {ARG_NONE, ARG_IOPRIO}, false},
    {"ioprio_get", {ARG_NONE, ARG_IOPRIO}, false},
    {"prlimit64", {ARG_ID}, false},
    {"ptrace", {ARG_NONE, ARG_ID}, false},
    {"process_vm_readv", {ARG_ID}, false},
    {"process_vm_writev", {ARG_ID}, false},
    {"pidfd_open", {ARG_ID}, false},
    {"kcmp", {ARG_ID, ARG_ID}, false},
    {"get_robust_list", {ARG_ID}, false},
    {"migrate_pages", {ARG_ID}, false},
    {"move_pages", {ARG_ID}, false},
};

static uint64_t
number_in(struct lwp *l, uint64_t arg, bool group)
{
	const int id = (int)arg;
	int out;

	if (id > 0) {
		out = pidns_in(l->p->k, l->p->pidns, id);
		return ((uint64_t)(out != 0 ? out : NO_PROCESS));
	}
	if (!group || id >= -1 || id == INT32_MIN)
		return (arg);
	out = pidns_in(l->p->k, l->p->pidns, -id);
	return ((uint64_t)(int64_t) - (out != 0 ? out : NO_PROCESS));
}

static uint64_t
arg_in(struct lwp *l, enum kind kind, const uint64_t *a, uint64_t arg)
{
	const int which = (int)a[0];

	switch (kind) {
	case ARG_ID:
		return (number_in(l, arg, false));
	case ARG_SIGNED:
		return (number_in(l, arg, true));
	case ARG_WAITID:
		return (which == LX_P_PID || which == LX_P_PGID
			    ? number_in(l, arg, false)
			    : arg);
	case ARG_WHO:
		return (which == LX_PRIO_USER ? arg : number_in(l, arg, false));
	case ARG_IOPRIO:
		return (which == LX_IOPRIO_WHO_USER ? arg
						    : number_in(l, arg, false));
	default:
		return (arg);
	}
}

int
sys_pidns_call(struct lwp *l, const struct syscall_desc *d,
    const uint64_t *args, int64_t *ret)
{
	uint64_t in[6];
	size_t i = 0;
	int error;

	while (i < sizeof(calls) / sizeof(calls[0]) &&
	       strcmp(calls[i].name, d->name) != 0)
		i++;
	if (i == sizeof(calls) / sizeof(calls[0]))
		return (d->fn(l, args, ret));
	memcpy(in, args, sizeof(in));
	for (int j = 0; j < 3; j++)
		in[j] = arg_in(l, calls[i].arg[j], args, in[j]);
	error = d->fn(l, in, ret);
	if (error == 0 && calls[i].result)
		*ret = pidns_out(l->p->k, l->p->pidns, (int)*ret);
	return (error);
}
