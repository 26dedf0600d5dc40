/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Various system calls: bad pointers are EFAULT everywhere, unknown calls are
 * ENOSYS; identity, resource limits, random numbers, prctl.
 */
#include "guest.h"

#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <sys/utsname.h>

#define KERNEL_BAD ((void *)0xffffffff80000000)

static void
bad_pointers(void)
{
	static const long out[] = {SYS_uname, SYS_pipe, SYS_times, SYS_sysinfo};
	int zero = open("/dev/zero", O_RDWR), p[2];
	char *m = map_anon(2 * PAGE);

	for (size_t i = 0; i < sizeof(out) / sizeof(*out); i++) {
		CHECK_ERRNO(syscall(out[i], BAD), EFAULT);
		CHECK_ERRNO(syscall(out[i], KERNEL_BAD), EFAULT);
	}
	CHECK_ERRNO(syscall(SYS_open, BAD, O_RDONLY), EFAULT);
	CHECK_ERRNO(syscall(SYS_open, KERNEL_BAD, O_RDONLY), EFAULT);
	CHECK_ERRNO(syscall(SYS_stat, "/", BAD), EFAULT);
	CHECK_ERRNO(syscall(SYS_getcwd, BAD, 100), EFAULT);
	CHECK_ERRNO(syscall(SYS_read, zero, BAD, 10), EFAULT);
	CHECK_ERRNO(syscall(SYS_nanosleep, BAD, NULL), EFAULT);
	CHECK_ERRNO(syscall(SYS_rt_sigaction, SIGUSR1, BAD, NULL, 8), EFAULT);
	CHECK_ERRNO(syscall(SYS_rt_sigprocmask, 0, BAD, NULL, 8), EFAULT);
	CHECK_ERRNO(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 7), EINVAL);
	CHECK_ERRNO(syscall(SYS_writev, zero, BAD, 1), EFAULT);
	CHECK_ERRNO(syscall(SYS_poll, BAD, 1, 0), EFAULT);
	/* A transfer that ends at the last mapped byte is partial. */
	CHECK(munmap(m + PAGE, PAGE) == 0);
	CHECK(pipe(p) == 0 && write(p[1], "0123456789", 10) == 10);
	CHECK(read(zero, m + PAGE - 5, 5) == 5);
	CHECK(read(zero, m + PAGE - 5, 10) <= 5);
	/* A string without NUL at the end of mapped memory. */
	memcpy(m + PAGE - 5, "/tmp", 5);
	CHECK(access(m + PAGE - 5, F_OK) == 0);
	memcpy(m + PAGE - 4, "/tmp", 4);
	CHECK_ERRNO(access(m + PAGE - 4, F_OK), EFAULT);
	close(zero), close(p[0]), close(p[1]);
	CHECK(munmap(m, PAGE) == 0);
	CHECK_ERRNO(syscall(9999), ENOSYS);
	CHECK_ERRNO(syscall(-1), ENOSYS);
	say("bad pointers and unknown calls");
}

static void
vectors(void)
{
	char a[8], b[8];
	struct iovec iov[4] = {{a, 8}, {NULL, 0}, {b, 8}, {BAD, 0}};
	int fd = open("/dev/zero", O_RDWR);

	memset(a, 1, 8);
	memset(b, 1, 8);
	CHECK(fd >= 0 && readv(fd, iov, 4) == 16);
	CHECK(all_zero(a, 8) && all_zero(b, 8));
	iov[1].iov_len = (size_t)-1;
	CHECK_ERRNO(readv(fd, iov, 4), EINVAL);
	CHECK_ERRNO(syscall(SYS_readv, fd, iov, -1), EINVAL);
	CHECK_ERRNO(syscall(SYS_readv, fd, iov, 2000), EINVAL);
	close(fd);
	say("vectors");
}

static void
limits(void)
{
	struct rlimit rl, old;
	int fd[64], n = 0;

	CHECK(getrlimit(RLIMIT_NOFILE, &old) == 0 && old.rlim_cur >= 64);
	rl = old;
	rl.rlim_cur = 20;
	CHECK(setrlimit(RLIMIT_NOFILE, &rl) == 0);
	while (n < 64 && (fd[n] = open("/dev/null", O_RDONLY)) >= 0)
		n++;
	CHECK(errno == EMFILE && n > 10 && n <= 17);
	while (n > 0)
		close(fd[--n]);
	CHECK(setrlimit(RLIMIT_NOFILE, &old) == 0);
	rl.rlim_cur = 10;
	rl.rlim_max = 5;
	CHECK_ERRNO(setrlimit(RLIMIT_NOFILE, &rl), EINVAL);
	CHECK_ERRNO(getrlimit(999, &rl), EINVAL);
	say("limits");
}

static void
still_nice(void *arg)
{
	CHECK(getpriority(PRIO_PROCESS, 0) == 19);
}

static void
nicer(void *arg)
{
	const int *uid = arg;

	CHECK(setpgid(0, 0) == 0);
	CHECK(setpriority(PRIO_PROCESS, 0, 7) == 0);
	CHECK(getpriority(PRIO_PROCESS, 0) == 7);
	CHECK(setpriority(PRIO_PGRP, 0, 9) == 0);
	CHECK(getpriority(PRIO_PGRP, getpgrp()) == 9);
	CHECK(getpriority(PRIO_PROCESS, getpid()) == 9);
	CHECK(setpriority(PRIO_PROCESS, 0, 100) == 0);
	CHECK(getpriority(PRIO_PROCESS, 0) == 19);
	CHECK(setuid(65534) == 0 || geteuid() != 0);
	CHECK_ERRNO(setpriority(PRIO_PROCESS, 0, 3), EACCES);
	/* The priority of a process of another user cannot be set. */
	if (*uid == 0)
		CHECK_ERRNO(setpriority(PRIO_PROCESS, getppid(), 19), EPERM);
	CHECK_ERRNO(getpriority(PRIO_PROCESS, 1 << 22), ESRCH);
	CHECK_ERRNO(setpriority(9, 0, 0), EINVAL);
	in_child(still_nice, NULL);
}

/* Niceness is inherited, and can only be increased. */
static void
niceness(void)
{
	int uid = (int)geteuid(), was = getpriority(PRIO_PROCESS, 0);

	in_child(nicer, &uid);
	CHECK(getpriority(PRIO_PROCESS, 0) == was);
	say("niceness");
}

static void
same_cpus(void *arg)
{
	cpu_set_t set;

	CHECK(sched_getaffinity(0, sizeof(set), &set) == 0);
	CHECK(CPU_EQUAL(&set, (cpu_set_t *)arg));
}

/* A thread that is bound to a CPU runs there when the call returns. */
static void
on_cpus(const cpu_set_t *all)
{
	cpu_set_t one;
	int at = 0;

	for (int i = 0; i < 100; i++) {
		do
			at = (at + 1) % CPU_SETSIZE;
		while (!CPU_ISSET(at, all));
		CPU_ZERO(&one);
		CPU_SET(at, &one);
		CHECK(sched_setaffinity(0, sizeof(one), &one) == 0);
		CHECK(sched_getcpu() == at);
		for (volatile int spin = 0; spin < 10000; spin++)
			;
		CHECK(sched_getcpu() == at);
	}
}

/* The set of CPUs is kept and inherited. */
static void
cpus(void)
{
	cpu_set_t all, one, none;
	int cpu = 0;

	CHECK(sched_getaffinity(0, sizeof(all), &all) == 0);
	while (!CPU_ISSET(cpu, &all))
		cpu++;
	CPU_ZERO(&none);
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	CHECK_ERRNO(sched_setaffinity(0, sizeof(none), &none), EINVAL);
	CHECK(sched_setaffinity(0, sizeof(one), &one) == 0);
	same_cpus(&one);
	in_child(same_cpus, &one);
	on_cpus(&all);
	CHECK(sched_setaffinity(getpid(), sizeof(all), &all) == 0);
	same_cpus(&all);
	CHECK_ERRNO(sched_getaffinity(-1, sizeof(all), &all), ESRCH);
	CHECK_ERRNO(sched_getaffinity(0, 0, &all), EINVAL);
	say("processors");
}

static void
identity(void)
{
	struct utsname u;
	struct sysinfo si;
	char name[16];

	CHECK(uname(&u) == 0 && strcmp(u.sysname, "Linux") == 0 &&
	      strcmp(u.machine, "x86_64") == 0 && atoi(u.release) >= 4);
	CHECK(sysinfo(&si) == 0 && si.totalram > 0 && si.mem_unit > 0);
	CHECK(getpid() > 0 && getppid() >= 0 && getpgrp() > 0);
	CHECK(prctl(PR_SET_NAME, "renamed") == 0);
	CHECK(prctl(PR_GET_NAME, name) == 0 && strcmp(name, "renamed") == 0);
	CHECK_ERRNO(prctl(9999, 0, 0, 0, 0), EINVAL);
	CHECK(sysconf(_SC_PAGESIZE) == 4096);
	CHECK(sysconf(_SC_NPROCESSORS_ONLN) >= 1);
	say("identity");
}

static void
child_random(void *arg)
{
	CHECK(syscall(SYS_getrandom, arg, 32, 0) == 32);
}

static void
randomness(void)
{
	unsigned char *m = map_shared(PAGE);

	CHECK(syscall(SYS_getrandom, m, 32, 0) == 32);
	in_child(child_random, m + 32);
	in_child(child_random, m + 64);
	CHECK(memcmp(m, m + 32, 32) != 0 && memcmp(m + 32, m + 64, 32) != 0);
	CHECK_ERRNO(syscall(SYS_getrandom, BAD, 32, 0), EFAULT);
	CHECK_ERRNO(syscall(SYS_getrandom, m, 32, 0x100), EINVAL);
	say("random numbers");
}

/* What a machine says whose mitigations a process cannot choose; natively also
 * what one says where it can. */
static void
speculation(void)
{
	const int branch = prctl(PR_GET_SPECULATION_CTRL, 1, 0, 0, 0);

	CHECK_ERRNO(prctl(PR_GET_SPECULATION_CTRL, 9, 0, 0, 0), ENODEV);
	CHECK_ERRNO(prctl(PR_SET_SPECULATION_CTRL, 9, 2, 0, 0), ENODEV);
	CHECK_ERRNO(prctl(PR_GET_SPECULATION_CTRL, 9, 1, 0, 0), EINVAL);
	CHECK_ERRNO(prctl(PR_SET_SPECULATION_CTRL, 9, 2, 1, 0), EINVAL);
	for (unsigned long i = 0; i < 3; i++) {
		int r = prctl(PR_GET_SPECULATION_CTRL, i, 0, 0, 0);

		CHECK(r >= 0 && r < 32);
		if (!inside() && (r & 1) != 0)
			continue;
		CHECK((r & 1) == 0);
		if (i == 0)
			CHECK_ERRNO(
			    prctl(PR_SET_SPECULATION_CTRL, i, 2, 0, 0), ENXIO);
		if (i == 2)
			CHECK_ERRNO(
			    prctl(PR_SET_SPECULATION_CTRL, i, 2, 0, 0), EPERM);
	}
	if ((branch & 1) == 0) {
		bool off = branch == 4; /* PR_SPEC_DISABLE */

		CHECK_ERRNO(prctl(PR_SET_SPECULATION_CTRL, 1, 0, 0, 0), ERANGE);
		CHECK_ERRNO(
		    prctl(PR_SET_SPECULATION_CTRL, 1, off ? 2 : 4, 0, 0),
		    EPERM);
		CHECK(
		    prctl(PR_SET_SPECULATION_CTRL, 1, off ? 4 : 2, 0, 0) == 0);
	}
	say("speculation");
}

static void
flusher_cleared(void *arg)
{
	CHECK(prctl(PR_GET_IO_FLUSHER, 0, 0, 0, 0) == 1); /* inherited */
	CHECK(prctl(PR_SET_IO_FLUSHER, 0, 0, 0, 0) == 0);
	CHECK(prctl(PR_GET_IO_FLUSHER, 0, 0, 0, 0) == 0);
}

static void
flusher_denied(void *arg)
{
	CHECK(geteuid() != 0 || setuid(1000) == 0);
	CHECK_ERRNO(prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0), EPERM);
	CHECK_ERRNO(prctl(PR_SET_IO_FLUSHER, 9, 9, 0, 0), EPERM);
	CHECK_ERRNO(prctl(PR_GET_IO_FLUSHER, 0, 0, 0, 0), EPERM);
}

static void
io_flusher(void)
{
	/* Natively also root may lack the capability. */
	if (prctl(PR_GET_IO_FLUSHER, 0, 0, 0, 0) == 0) {
		CHECK_ERRNO(prctl(PR_SET_IO_FLUSHER, 2, 0, 0, 0), EINVAL);
		CHECK_ERRNO(prctl(PR_SET_IO_FLUSHER, 1, 1, 0, 0), EINVAL);
		CHECK_ERRNO(prctl(PR_GET_IO_FLUSHER, 1, 0, 0, 0), EINVAL);
		CHECK(prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0) == 0);
		in_child(flusher_cleared, NULL);
		CHECK(prctl(PR_GET_IO_FLUSHER, 0, 0, 0, 0) == 1);
	} else
		CHECK(errno == EPERM && (!inside() || geteuid() != 0));
	in_child(flusher_denied, NULL);
	say("IO flusher");
}

int
main(void)
{
	bad_pointers();
	vectors();
	limits();
	niceness();
	cpus();
	identity();
	randomness();
	speculation();
	io_flusher();
	return (0);
}
