/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Scheduling policies and their structures, priorities of I/O, personalities,
 * kcmp, and arguments of prctl that must be 0.
 */
#include "guest.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/utsname.h>

#define USER 1000
#define RESET_ON_FORK 0x40000000
#ifndef PR_SET_THP_DISABLE
#define PR_SET_THP_DISABLE 41
#define PR_GET_THP_DISABLE 42
#endif

/* musl's sched_setscheduler() and the like are ENOSYS. */
#define SCHED(name, ...) syscall(SYS_sched_##name, __VA_ARGS__)

static int zero, five = 5;

static void
policies(void)
{
	CHECK(SCHED(getscheduler, 0) == SCHED_OTHER);
	CHECK(SCHED(setscheduler, 0, SCHED_BATCH, &zero) == 0);
	CHECK(SCHED(getscheduler, 0) == SCHED_BATCH);
	CHECK(SCHED(setparam, 0, &zero) == 0);
	CHECK(SCHED(getscheduler, 0) == SCHED_BATCH);
	if (geteuid() == 0) { /* others cannot leave it */
		CHECK(SCHED(setscheduler, 0, SCHED_IDLE, &zero) == 0);
		CHECK(SCHED(getscheduler, 0) == SCHED_IDLE);
	}
	CHECK(SCHED(setscheduler, 0, SCHED_OTHER, &zero) == 0);
	/* The order of the checks. */
	CHECK_ERRNO(SCHED(setscheduler, 0, 0, NULL), EINVAL);
	CHECK_ERRNO(SCHED(setscheduler, -1, 0, BAD), EINVAL);
	CHECK_ERRNO(SCHED(setscheduler, 0, 0, BAD), EFAULT);
	CHECK_ERRNO(SCHED(setscheduler, 99999999, 0, BAD), EFAULT);
	CHECK_ERRNO(SCHED(setscheduler, 99999999, 77, &zero), ESRCH);
	CHECK_ERRNO(SCHED(setscheduler, 0, 77, &zero), EINVAL);
	CHECK_ERRNO(SCHED(setscheduler, 0, SCHED_OTHER, &five), EINVAL);
	CHECK_ERRNO(SCHED(setscheduler, 0, SCHED_FIFO, &zero), EINVAL);
	CHECK_ERRNO(SCHED(setscheduler, 0, 6, &zero), EINVAL);
	CHECK_ERRNO(SCHED(setparam, 0, NULL), EINVAL);
	CHECK_ERRNO(SCHED(getparam, 0, NULL), EINVAL);
	CHECK_ERRNO(SCHED(getparam, 0, BAD), EFAULT);
	CHECK_ERRNO(SCHED(getparam, 99999999, &zero), ESRCH);
	CHECK_ERRNO(SCHED(getscheduler, -1), EINVAL);
	CHECK(SCHED(get_priority_max, 6) == 0);
	CHECK(SCHED(get_priority_min, 6) == 0);
	CHECK(SCHED(get_priority_max, SCHED_FIFO) == 99);
	CHECK_ERRNO(SCHED(get_priority_max, 4), EINVAL);
	say("policies");
}

static void
inherit(void *arg)
{
	CHECK(SCHED(getscheduler, 0) == SCHED_BATCH);
}

static void
reset(void *arg)
{
	CHECK(SCHED(getscheduler, 0) == SCHED_BATCH);
	CHECK(getpriority(PRIO_PROCESS, 0) == 0);
}

static void
forks(void)
{
	CHECK(SCHED(setscheduler, 0, SCHED_BATCH, &zero) == 0);
	in_child(inherit, NULL);
	if (geteuid() == 0) { /* others cannot clear the flag */
		CHECK(SCHED(setscheduler, 0, SCHED_BATCH | RESET_ON_FORK,
			  &zero) == 0);
		CHECK(SCHED(getscheduler, 0) == (SCHED_BATCH | RESET_ON_FORK));
		CHECK(setpriority(PRIO_PROCESS, 0, -5) == 0);
		in_child(reset, NULL);
	}
	CHECK(setpriority(PRIO_PROCESS, 0, 0) == 0);
	CHECK(SCHED(setscheduler, 0, SCHED_OTHER, &zero) == 0);
	say("forks");
}

struct attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t util_min, util_max;
	uint64_t more[4];
};

static void
attributes(void)
{
	struct attr at = {.size = sizeof(at), .nice = 3, .policy = SCHED_BATCH};

	CHECK(SCHED(setattr, 0, &at, 0) == 0);
	CHECK(SCHED(getscheduler, 0) == SCHED_BATCH);
	CHECK(getpriority(PRIO_PROCESS, 0) == 3);
	at.more[3] = 1;
	CHECK_ERRNO(SCHED(setattr, 0, &at, 0), E2BIG);
	CHECK(at.size == 56);
	at.size = 47;
	CHECK_ERRNO(SCHED(setattr, 0, &at, 0), E2BIG);
	CHECK(at.size == 56);
	at.size = 5000;
	CHECK_ERRNO(SCHED(setattr, 0, &at, 0), E2BIG);
	at.size = 0; /* the first version */
	at.policy = SCHED_OTHER;
	CHECK(SCHED(setattr, 0, &at, 0) == 0);
	CHECK_ERRNO(SCHED(setattr, 0, &at, 1), EINVAL);
	CHECK_ERRNO(SCHED(setattr, 0, NULL, 0), EINVAL);
	CHECK_ERRNO(SCHED(setattr, -1, &at, 0), EINVAL);
	CHECK_ERRNO(SCHED(setattr, 0, BAD, 0), EFAULT);
	at.size = 48;
	at.flags = 1 << 20;
	CHECK_ERRNO(SCHED(setattr, 0, &at, 0), EINVAL);
	at.flags = 0;
	at.policy = 99;
	CHECK_ERRNO(SCHED(setattr, 0, &at, 0), EINVAL);
	at.policy = 6; /* a deadline needs its times */
	CHECK_ERRNO(SCHED(setattr, 0, &at, 0), EINVAL);
	/* Keeping the policy, or what belongs to it. */
	at.policy = SCHED_BATCH;
	at.flags = 0x08;
	at.nice = 5;
	CHECK(SCHED(setattr, 0, &at, 0) == 0);
	CHECK(SCHED(getscheduler, 0) == SCHED_OTHER);
	CHECK(getpriority(PRIO_PROCESS, 0) == 5);
	at.flags = 0x10;
	at.nice = 9;
	CHECK(SCHED(setattr, 0, &at, 0) == 0);
	CHECK(SCHED(getscheduler, 0) == SCHED_OTHER);
	CHECK(getpriority(PRIO_PROCESS, 0) == 5);
	at.flags = 0;
	at.nice = 6;
	CHECK(SCHED(setattr, 0, &at, 0) == 0);
	/* Reading. */
	memset(&at, 0xff, sizeof(at));
	CHECK(SCHED(getattr, 0, &at, 48, 0) == 0);
	CHECK(at.size == 48 && at.policy == SCHED_BATCH && at.nice == 6);
	CHECK(at.util_min == UINT32_MAX);
	CHECK(SCHED(getattr, 0, &at, sizeof(at), 0) == 0);
	CHECK(at.size == 56 && at.more[0] == 0 && at.more[3] == 0);
	CHECK_ERRNO(SCHED(getattr, 0, &at, 47, 0), EINVAL);
	CHECK_ERRNO(SCHED(getattr, 0, &at, 5000, 0), EINVAL);
	CHECK_ERRNO(SCHED(getattr, 0, NULL, 48, 0), EINVAL);
	CHECK_ERRNO(SCHED(getattr, 0, &at, 48, 1), EINVAL);
	CHECK(SCHED(setscheduler, 0, SCHED_OTHER, &zero) == 0);
	say("attributes");
}

/* A user and the threads of root, and no better priority. */
static void
as_user(void *arg)
{
	CHECK(setresuid(USER, USER, USER) == 0);
	CHECK_ERRNO(SCHED(setparam, getppid(), &zero), EPERM);
	CHECK_ERRNO(SCHED(setscheduler, getppid(), SCHED_BATCH, &zero), EPERM);
	CHECK_ERRNO(SCHED(setscheduler, 0, SCHED_FIFO, &five), EPERM);
	CHECK(SCHED(setscheduler, 0, SCHED_BATCH, &zero) == 0);
	CHECK(SCHED(setscheduler, 0, SCHED_BATCH | RESET_ON_FORK, &zero) == 0);
	CHECK_ERRNO(SCHED(setscheduler, 0, SCHED_BATCH, &zero), EPERM);
	CHECK(SCHED(setscheduler, 0, SCHED_IDLE | RESET_ON_FORK, &zero) == 0);
	CHECK_ERRNO(
	    SCHED(setscheduler, 0, SCHED_OTHER | RESET_ON_FORK, &zero), EPERM);
	CHECK_ERRNO(syscall(SYS_ioprio_set, 1, getppid(), 2 << 13), EPERM);
	CHECK_ERRNO(syscall(SYS_ioprio_set, 1, 0, 1 << 13), EPERM);
	CHECK(syscall(SYS_ioprio_set, 1, 0, 3 << 13) == 0);
}

static void
inherit_io(void *arg)
{
	CHECK(syscall(SYS_ioprio_get, 1, 0) == (2 << 13 | 4));
}

static void
io_priority(void)
{
	CHECK(syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 4) == 0);
	CHECK(syscall(SYS_ioprio_get, 1, 0) == (2 << 13 | 4));
	CHECK(syscall(SYS_ioprio_get, 1, getpid()) == (2 << 13 | 4));
	in_child(inherit_io, NULL);
	CHECK_ERRNO(syscall(SYS_ioprio_set, 1, 0, 4), EINVAL);
	CHECK_ERRNO(syscall(SYS_ioprio_set, 1, 0, 4 << 13), EINVAL);
	CHECK_ERRNO(syscall(SYS_ioprio_set, 1, 0, -1), EINVAL);
	CHECK_ERRNO(syscall(SYS_ioprio_set, 0, 0, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_ioprio_set, 4, 0, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_ioprio_get, 4, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_ioprio_set, 1, 99999999, 0), ESRCH);
	CHECK_ERRNO(syscall(SYS_ioprio_get, 1, 99999999), ESRCH);
	CHECK(syscall(SYS_ioprio_get, 1, 0) == (2 << 13 | 4));
	CHECK(syscall(SYS_ioprio_set, 1, 0, 0) == 0);
	CHECK(syscall(SYS_ioprio_get, 1, 0) == 0);
	say("io_priority");
}

static void
personal_child(void *arg)
{
	CHECK(syscall(SYS_personality, 0xffffffff) == 0x0040008);
}

static void
personalities(void)
{
	struct utsname u;

	CHECK(syscall(SYS_personality, 0xffffffff) == 0);
	CHECK(syscall(SYS_personality, 0x0040008) == 0);
	CHECK(uname(&u) == 0 && strcmp(u.machine, "i686") == 0);
	in_child(personal_child, NULL);
	CHECK(syscall(SYS_personality, 0) == 0x0040008);
	CHECK(uname(&u) == 0 && strcmp(u.machine, "x86_64") == 0);
	say("personalities");
}

#define KCMP(type, x, y) syscall(SYS_kcmp, me, me, type, x, y)

static void
compare(void)
{
	const pid_t me = getpid();
	int fd = open("/dev/null", O_RDONLY),
	    other = open("/dev/null", O_RDONLY);
	int same = dup(fd);
	long order;
	pid_t pid;

	CHECK(fd >= 0 && other >= 0 && same >= 0);
	CHECK(KCMP(0, fd, fd) == 0 && KCMP(0, fd, same) == 0);
	order = KCMP(0, fd, other);
	CHECK(order == 1 || order == 2);
	CHECK(KCMP(0, other, fd) == 3 - order);
	CHECK_ERRNO(KCMP(0, fd, 999), EBADF);
	CHECK_ERRNO(KCMP(99, 0, 0), EINVAL);
	for (int type = 1; type <= 4; type++)
		CHECK(KCMP(type, 0, 0) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		pause();
		_exit(0);
	}
	CHECK(syscall(SYS_kcmp, me, pid, 0, fd, same) == 0);
	for (int type = 1; type <= 4; type++)
		CHECK(syscall(SYS_kcmp, me, pid, type, 0, 0) != 0);
	CHECK(kill(pid, SIGKILL) == 0 && WIFSIGNALED(wait_status(pid)));
	CHECK_ERRNO(syscall(SYS_kcmp, me, pid, 1, 0, 0), ESRCH);
	CHECK(close(fd) == 0 && close(other) == 0 && close(same) == 0);
	say("compare");
}

static void
surplus(void)
{
	CHECK_ERRNO(prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0), EINVAL);
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0);
	CHECK_ERRNO(prctl(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0), EINVAL);
	CHECK_ERRNO(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0), EINVAL);
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	CHECK_ERRNO(prctl(PR_GET_THP_DISABLE, 1, 0, 0, 0), EINVAL);
	CHECK_ERRNO(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 5), EINVAL);
	CHECK(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 0);
	CHECK(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) == 0);
	CHECK(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1);
	CHECK(prctl(PR_GET_TIMING, 0, 0, 0, 0) == 0);
	CHECK_ERRNO(prctl(PR_SET_TIMING, 1, 0, 0, 0), EINVAL);
	CHECK(prctl(PR_GET_TSC, &zero, 0, 0, 0) == 0 && zero == 1);
	say("surplus");
}

/* Without inheritable capabilities none is ambient, and none can be. */
static void
ambient(void)
{
	CHECK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 1, 0, 0) == 0);
	CHECK_ERRNO(
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, 1, 0, 0), EPERM);
	CHECK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, 1, 0, 0) == 0);
	CHECK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0);
	CHECK_ERRNO(
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 1, 0, 0), EINVAL);
	CHECK_ERRNO(
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 99, 0, 0), EINVAL);
	CHECK_ERRNO(
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 1, 1, 0), EINVAL);
	CHECK_ERRNO(prctl(PR_CAP_AMBIENT, 9, 0, 0, 0), EINVAL);
	CHECK(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0) == PR_MCE_KILL_DEFAULT);
	CHECK_ERRNO(prctl(PR_MCE_KILL_GET, 0, 0, 0, 1), EINVAL);
	say("ambient");
}

int
main(void)
{
	policies();
	forks();
	attributes();
	io_priority();
	if (geteuid() == 0)
		in_child(as_user, NULL);
	personalities();
	compare();
	surplus();
	ambient();
	return (0);
}
