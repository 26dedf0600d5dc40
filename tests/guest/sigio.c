/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Owners of files and the signals that they get: F_SETOWN, F_SETOWN_EX,
 * F_SETSIG, O_ASYNC, FIOASYNC, SIGURG.
 */
#include "guest.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#ifndef F_SETSIG
#define F_SETSIG 10
#define F_GETSIG 11
#endif
#ifndef POLL_IN
#define POLL_IN 1
#define POLL_OUT 2
#define POLL_HUP 6
#endif
#define GETOWN_EX 16
#define SETOWN_EX 15
#define GETOWNER_UIDS 17
#define SIG (SIGRTMIN + 3)

struct owner {
	int type, pid;
};

static volatile int count;
static siginfo_t last;
static volatile pid_t last_tid;

static void
handler(int sig, siginfo_t *si, void *uc)
{
	last = *si;
	last_tid = (pid_t)syscall(SYS_gettid);
	count++;
}

static void
handle(int sig)
{
	struct sigaction sa = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};

	CHECK(sigaction(sig, &sa, NULL) == 0);
}

/* The signals since the last question; waits for the first. */
static int
signals(void)
{
	int n;

	for (int i = 0; i < 400 && count == 0; i++)
		usleep(5000);
	n = count;
	count = 0;
	return (n);
}

/* No signal comes, although there was time. */
static bool
silence(void)
{
	usleep(20000);
	return (count == 0);
}

static void
async(int fd, bool on)
{
	int fl = fcntl(fd, F_GETFL);

	CHECK(fcntl(fd, F_SETFL, on ? fl | O_ASYNC : fl & ~O_ASYNC) == 0);
	CHECK(((fcntl(fd, F_GETFL) & O_ASYNC) != 0) == on);
}

static void
owners(void)
{
	struct owner o = {7, 0};
	uint32_t uids[2] = {9, 9};
	int p[2], st;
	pid_t child;

	CHECK(pipe(p) == 0);
	CHECK(fcntl(p[0], F_GETOWN) == 0 && fcntl(p[0], F_GETSIG) == 0);
	CHECK(fcntl(p[0], F_SETOWN, getpid()) == 0);
	CHECK(fcntl(p[0], F_GETOWN) == getpid() && fcntl(p[1], F_GETOWN) == 0);
	CHECK(fcntl(p[0], GETOWN_EX, &o) == 0 && o.type == 1);
	CHECK(o.pid == getpid());
	CHECK(fcntl(p[0], GETOWNER_UIDS, uids) == 0);
	CHECK(uids[0] == getuid() && uids[1] == geteuid());
	CHECK(syscall(SYS_fcntl, p[0], F_SETOWN, -getpgrp()) == 0);
	CHECK(syscall(SYS_fcntl, p[0], GETOWN_EX, &o) == 0 && o.type == 2);
	CHECK(o.pid == getpgrp());
	o = (struct owner){0, (int)syscall(SYS_gettid)};
	CHECK(fcntl(p[0], SETOWN_EX, &o) == 0);
	o.pid = 0;
	CHECK(fcntl(p[0], GETOWN_EX, &o) == 0 && o.type == 0 && o.pid > 0);
	o.type = 3;
	CHECK_ERRNO(fcntl(p[0], SETOWN_EX, &o), EINVAL);
	CHECK_ERRNO(syscall(SYS_fcntl, p[0], SETOWN_EX, 16L), EFAULT);
	CHECK_ERRNO(fcntl(p[0], F_SETOWN, 0x3ffffff), ESRCH);
	CHECK_ERRNO(fcntl(p[0], F_SETOWN, INT32_MIN), EINVAL);
	CHECK(fcntl(p[0], F_SETOWN, 0) == 0 && fcntl(p[0], F_GETOWN) == 0);
	CHECK_ERRNO(fcntl(p[0], F_SETSIG, 65), EINVAL);
	CHECK_ERRNO(fcntl(p[0], F_SETSIG, -1), EINVAL);
	CHECK(fcntl(p[0], F_SETSIG, 64) == 0 && fcntl(p[0], F_GETSIG) == 64);
	child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	CHECK(fcntl(p[0], F_SETOWN, child) == 0);
	CHECK(fcntl(p[0], F_GETOWN) == child);
	CHECK(kill(child, SIGKILL) == 0 && waitpid(child, &st, 0) == child);
	CHECK(fcntl(p[0], F_GETOWN) == 0);
	close(p[0]);
	close(p[1]);
	/* A file that causes no signals has an owner, too. */
	p[0] = open("/dev/null", O_RDWR);
	CHECK(fcntl(p[0], F_SETOWN, getpid()) == 0);
	CHECK(fcntl(p[0], F_GETOWN) == getpid());
	close(p[0]);
	say("owners are kept");
}

static void
pipes(void)
{
	char b[16];
	int p[2];

	CHECK(pipe(p) == 0);
	CHECK(fcntl(p[0], F_SETOWN, getpid()) == 0);
	CHECK(write(p[1], "old", 3) == 3);
	async(p[0], true);
	CHECK(silence());
	CHECK(write(p[1], "x", 1) == 1);
	/* Its own write: at once. */
	CHECK(count == 1 && signals() == 1);
	CHECK(last.si_signo == SIGIO && last.si_code == SI_KERNEL);
	CHECK(fcntl(p[0], F_SETSIG, SIG) == 0);
	CHECK(write(p[1], "y", 1) == 1 && signals() == 1);
	CHECK(last.si_signo == SIG && last.si_code == POLL_IN);
	CHECK(last.si_fd == p[0] && last.si_band == 0x41);
	async(p[0], false);
	CHECK(write(p[1], "z", 1) == 1 && silence());
	async(p[0], true);
	CHECK(read(p[0], b, sizeof(b)) == 6 && silence());
	close(p[1]);
	CHECK(signals() == 1 && last.si_code == POLL_IN);
	close(p[0]);

	CHECK(pipe2(p, O_NONBLOCK) == 0);
	CHECK(fcntl(p[1], F_SETOWN, getpid()) == 0);
	CHECK(fcntl(p[1], F_SETSIG, SIG) == 0);
	while (write(p[1], b, sizeof(b)) > 0)
		continue;
	async(p[1], true);
	CHECK(silence());
	for (int i = 0; i < 256; i++)
		CHECK(read(p[0], b, sizeof(b)) == sizeof(b));
	CHECK(signals() >= 1 && last.si_code == POLL_OUT);
	CHECK(last.si_fd == p[1] && last.si_band == 0x304);
	close(p[0]);
	close(p[1]);
	count = 0;
	say("pipes");
}

static void
stream_pair(int p[2])
{
	CHECK(fcntl(p[0], F_SETOWN, getpid()) == 0);
	CHECK(fcntl(p[0], F_SETSIG, SIG) == 0);
	async(p[0], true);
	CHECK(silence());
	CHECK(write(p[1], "a", 1) == 1 && signals() == 1);
	CHECK(last.si_code == POLL_IN && last.si_fd == p[0]);
	CHECK(shutdown(p[1], SHUT_WR) == 0 && signals() == 1);
	CHECK(last.si_code == POLL_IN);
	CHECK(close(p[1]) == 0);
	(void)signals();
	close(p[0]);
}

static void
local(void)
{
	int p[2];

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, p) == 0);
	stream_pair(p);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, p) == 0);
	CHECK(fcntl(p[0], F_SETOWN, getpid()) == 0);
	CHECK(fcntl(p[0], F_SETSIG, SIG) == 0);
	async(p[0], true);
	CHECK(close(p[1]) == 0 && signals() == 1 && last.si_code == POLL_HUP);
	CHECK(last.si_band == 0x18);
	close(p[0]);
}

static void
internet(void)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	socklen_t len = sizeof(sin);
	sigset_t set;
	int p[2], l;

	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	l = socket(AF_INET, SOCK_STREAM, 0);
	CHECK(bind(l, (void *)&sin, sizeof(sin)) == 0 && listen(l, 2) == 0);
	CHECK(getsockname(l, (void *)&sin, &len) == 0);
	CHECK(fcntl(l, F_SETOWN, getpid()) == 0);
	async(l, true);
	p[1] = socket(AF_INET, SOCK_STREAM, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	CHECK(connect(p[1], (void *)&sin, sizeof(sin)) == 0);
	CHECK(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
	CHECK(signals() >= 1 && last.si_signo == SIGIO);
	p[0] = accept(l, NULL, NULL);
	CHECK(p[0] >= 0);
	/* Urgent data is for the owner, with or without O_ASYNC. */
	CHECK(send(p[1], "u", 1, MSG_OOB) == 1 && silence());
	CHECK(ioctl(p[0], FIOSETOWN, &(int){getpid()}) == 0);
	CHECK(ioctl(p[0], FIOGETOWN, &len) == 0 && (int)len == getpid());
	CHECK(send(p[1], "v", 1, MSG_OOB) == 1);
	CHECK(signals() >= 1 && last.si_signo == SIGURG);
	CHECK(last.si_code == SI_KERNEL);
	close(p[0]);
	close(p[1]);
	close(l);
	(void)silence();
	count = 0;
}

static void
others(void)
{
	int in = inotify_init(), m, s, on = 1, fd;
	char name[] = "/tmp/sigioXXXXXX", b[64];

	CHECK(mkdtemp(name) != NULL);
	CHECK(inotify_add_watch(in, name, IN_CREATE) > 0);
	CHECK(fcntl(in, F_SETOWN, getpid()) == 0);
	CHECK(fcntl(in, F_SETSIG, SIG) == 0);
	CHECK(ioctl(in, FIOASYNC, &on) == 0);
	CHECK((fcntl(in, F_GETFL) & O_ASYNC) != 0 && silence());
	snprintf(b, sizeof(b), "%s/x", name);
	fd = open(b, O_CREAT | O_RDWR, 0600);
	CHECK(signals() == 1 && last.si_code == POLL_IN && last.si_fd == in);
	close(in);
	CHECK_ERRNO(ioctl(fd, FIOASYNC, &on), ENOTTY);
	CHECK(fcntl(fd, F_SETFL, O_ASYNC) == 0);
	CHECK((fcntl(fd, F_GETFL) & O_ASYNC) == 0);
	close(fd);
	CHECK(unlink(b) == 0 && rmdir(name) == 0);
	fd = eventfd(0, 0);
	CHECK_ERRNO(ioctl(fd, FIOASYNC, &on), ENOTTY);
	close(fd);

	m = posix_openpt(O_RDWR | O_NOCTTY);
	CHECK(m >= 0 && unlockpt(m) == 0);
	s = open(ptsname(m), O_RDWR | O_NOCTTY);
	CHECK(s >= 0 && fcntl(s, F_GETOWN) == 0);
	CHECK(fcntl(s, F_SETSIG, SIG) == 0);
	async(s, true);
	CHECK(fcntl(s, F_GETOWN) == getpid());
	CHECK(write(m, "line\n", 5) == 5);
	CHECK(signals() >= 1 && last.si_code == POLL_IN && last.si_fd == s);
	close(s);
	close(m);
	(void)silence();
	count = 0;
	say("inotify, terminals, files without signals");
}

static int pipe_of_thread[2];

static void *
thread(void *arg)
{
	struct owner o = {0, (int)syscall(SYS_gettid)};

	CHECK(fcntl(pipe_of_thread[0], SETOWN_EX, &o) == 0);
	async(pipe_of_thread[0], true);
	*(volatile int *)arg = o.pid;
	for (int i = 0; i < 400 && count == 0; i++)
		usleep(5000);
	return (NULL);
}

static void
receivers(void)
{
	volatile int tid = 0;
	pthread_t t;
	pid_t child;
	int p[2], st;

	CHECK(pipe(pipe_of_thread) == 0);
	CHECK(pthread_create(&t, NULL, thread, (void *)&tid) == 0);
	while (tid == 0)
		usleep(1000);
	CHECK(write(pipe_of_thread[1], "x", 1) == 1);
	CHECK(pthread_join(t, NULL) == 0);
	CHECK(count == 1 && last_tid == tid);
	count = 0;
	close(pipe_of_thread[0]);
	close(pipe_of_thread[1]);

	/* The owner is another process than the writer. */
	CHECK(pipe(p) == 0);
	CHECK(fcntl(p[0], F_SETOWN, getpid()) == 0);
	async(p[0], true);
	child = fork();
	if (child == 0)
		_exit(write(p[1], "x", 1) == 1 ? 0 : 1);
	CHECK(waitpid(child, &st, 0) == child || errno == EINTR);
	(void)waitpid(child, &st, 0);
	CHECK(signals() == 1);

	/* A group. */
	child = fork();
	if (child == 0) {
		CHECK(setpgid(0, 0) == 0);
		CHECK(fcntl(p[0], F_SETOWN, -getpid()) == 0);
		CHECK(write(p[1], "x", 1) == 1);
		_exit(count == 1 ? 0 : 1);
	}
	CHECK(waitpid(child, &st, 0) == child && st == 0 && count == 0);

	/* Not to a process that its setter might not signal. */
	child = fork();
	if (child == 0) {
		if (geteuid() != 0)
			_exit(0);
		CHECK(syscall(SYS_setresuid, 77, 77, 77) == 0);
		CHECK(fcntl(p[0], F_SETOWN, getppid()) == 0);
		CHECK(write(p[1], "x", 1) == 1);
		_exit(0);
	}
	CHECK(waitpid(child, &st, 0) == child && st == 0);
	CHECK(silence());
	close(p[0]);
	close(p[1]);
	say("threads, processes, groups");
}

int
main(void)
{
	handle(SIGIO);
	handle(SIGURG);
	handle(SIG);
	owners();
	pipes();
	local();
	if (!no_internet())
		internet();
	say("sockets");
	others();
	receivers();
	return (0);
}
