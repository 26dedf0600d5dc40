/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * signalfd: what is read, when it is ready, masks that change, processes that
 * share a descriptor, threads, and signals that arrive while a process waits.
 */
#include "guest.h"

#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/time.h>

#define MANY 2000
#define INFO sizeof(struct signalfd_siginfo)

static sigset_t
set_of(int a, int b, int c)
{
	sigset_t s;

	sigemptyset(&s);
	sigaddset(&s, a);
	if (b != 0)
		sigaddset(&s, b);
	if (c != 0)
		sigaddset(&s, c);
	return (s);
}

static int
ready(int fd, int ms)
{
	struct pollfd p = {fd, POLLIN, 0};
	int n = poll(&p, 1, ms);

	CHECK(n == 0 || (n == 1 && p.revents == POLLIN));
	return (n);
}

static void
basics(void)
{
	sigset_t s = set_of(SIGUSR1, SIGUSR2, SIGRTMIN);
	struct signalfd_siginfo si[4];
	char link[64], path[64];
	sigset_t all;
	int fd, p[2];
	ssize_t n;

	CHECK(sigprocmask(SIG_BLOCK, &s, NULL) == 0);
	fd = signalfd(-1, &s, SFD_NONBLOCK | SFD_CLOEXEC);
	CHECK(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
	CHECK(fcntl(fd, F_GETFL) == (O_RDWR | O_NONBLOCK));
	CHECK_ERRNO(read(fd, si, sizeof(si)), EAGAIN);
	CHECK_ERRNO(read(fd, si, INFO - 1), EINVAL);
	CHECK_ERRNO(write(fd, si, INFO), EINVAL);
	CHECK(ready(fd, 0) == 0);
	CHECK(kill(getpid(), SIGUSR1) == 0 && kill(getpid(), SIGUSR1) == 0);
	CHECK(raise(SIGUSR2) == 0);
	CHECK(
	    sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 7}) == 0);
	CHECK(
	    sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 8}) == 0);
	CHECK(ready(fd, 0) == 1);
	/* A signal for this thread comes before those for the process. */
	memset(si, 0xa5, sizeof(si));
	n = read(fd, si, 2 * INFO + 1);
	CHECK(n == 2 * INFO);
	CHECK(si[0].ssi_signo == SIGUSR2 && si[0].ssi_code == SI_TKILL &&
	      si[0].ssi_pid == (uint32_t)getpid() &&
	      si[0].ssi_uid == getuid() && si[0].ssi_ptr == 0);
	CHECK(si[1].ssi_signo == SIGUSR1 && si[1].ssi_code == SI_USER &&
	      si[1].ssi_pid == (uint32_t)getpid() && si[1].ssi_errno == 0 &&
	      si[1].ssi_addr == 0 && si[1].ssi_utime == 0);
	CHECK(ready(fd, 0) == 1);
	CHECK(read(fd, si, sizeof(si)) == 2 * INFO);
	CHECK(si[0].ssi_signo == (uint32_t)SIGRTMIN &&
	      si[0].ssi_code == SI_QUEUE && si[0].ssi_int == 7 &&
	      si[1].ssi_int == 8);
	CHECK(ready(fd, 0) == 0);
	CHECK_ERRNO(read(fd, si, sizeof(si)), EAGAIN);

	/* sigwait takes the signal: the descriptor is not ready any more. */
	CHECK(kill(getpid(), SIGUSR1) == 0 && ready(fd, 0) == 1);
	CHECK(sigwaitinfo(&s, NULL) == SIGUSR1 && ready(fd, 0) == 0);
	CHECK(kill(getpid(), SIGUSR1) == 0 && ready(fd, 0) == 1);
	set_disposition(SIGUSR1, SIG_IGN);
	CHECK(ready(fd, 0) == 0);
	/* A signal that is ignored and blocked can still be read. */
	CHECK(kill(getpid(), SIGUSR1) == 0 && ready(fd, 0) == 1);
	set_disposition(SIGUSR1, SIG_DFL);
	CHECK(read(fd, si, sizeof(si)) == INFO);

	sigfillset(&all);
	CHECK_ERRNO(signalfd(-1, &all, 1), EINVAL);
	CHECK_ERRNO(signalfd(999, &all, 0), EBADF);
	CHECK(pipe(p) == 0);
	CHECK_ERRNO(signalfd(p[0], &all, 0), EINVAL);
	close(p[0]), close(p[1]);
	CHECK_ERRNO(syscall(SYS_signalfd4, -1, &all, 4, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_signalfd4, -1, BAD, 8, 0), EFAULT);
	CHECK(signalfd(fd, &all, 0) == fd); /* KILL and STOP left out */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, link, sizeof(link) - 1);
	CHECK(n > 0);
	link[n] = '\0';
	say("signalfd: %s", link);
	close(fd);
	CHECK(sigprocmask(SIG_UNBLOCK, &s, NULL) == 0);
}

static void
children(void)
{
	sigset_t s = set_of(SIGCHLD, SIGALRM, 0);
	struct itimerval it = {.it_value = {0, 20000}};
	struct signalfd_siginfo si;
	int fd, status;
	pid_t pid;

	CHECK(sigprocmask(SIG_BLOCK, &s, NULL) == 0);
	fd = signalfd(-1, &s, 0);
	CHECK(fd >= 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		_exit(37);
	CHECK(read(fd, &si, INFO) == INFO);
	CHECK(si.ssi_signo == SIGCHLD && si.ssi_code == CLD_EXITED &&
	      si.ssi_status == 37 && si.ssi_pid == (uint32_t)pid &&
	      si.ssi_uid == getuid() && si.ssi_ptr == 0);
	CHECK(waitpid(pid, &status, 0) == pid);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		pause();
		_exit(0);
	}
	CHECK(kill(pid, SIGTERM) == 0);
	CHECK(read(fd, &si, INFO) == INFO);
	CHECK(si.ssi_signo == SIGCHLD && si.ssi_code == CLD_KILLED &&
	      si.ssi_status == SIGTERM);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(setitimer(ITIMER_REAL, &it, NULL) == 0);
	CHECK(read(fd, &si, INFO) == INFO && si.ssi_signo == SIGALRM &&
	      si.ssi_code == SI_KERNEL);
	close(fd);
	CHECK(sigprocmask(SIG_UNBLOCK, &s, NULL) == 0);
	say("children and timers");
}

static volatile int handled;

static void
on_signal(int sig, siginfo_t *si, void *uc)
{
	handled++;
}

static void
send_later(pid_t *pid, int sig)
{
	pid_t to = getpid();

	*pid = fork();
	CHECK(*pid >= 0);
	if (*pid == 0) {
		sleep_ms(30);
		CHECK(kill(to, sig) == 0);
		_exit(0);
	}
}

static void
waiting(void)
{
	sigset_t s = set_of(SIGUSR1, 0, 0), none;
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = 9}, out;
	struct signalfd_siginfo si;
	int fd, ep;
	fd_set r;
	pid_t pid;

	CHECK(sigprocmask(SIG_BLOCK, &s, NULL) == 0);
	fd = signalfd(-1, &s, 0);
	ep = epoll_create1(0);
	CHECK(fd >= 0 && ep >= 0);
	send_later(&pid, SIGUSR1);
	CHECK(read(fd, &si, INFO) == INFO && si.ssi_pid == (uint32_t)pid);
	wait_ok(pid);
	send_later(&pid, SIGUSR1);
	CHECK(ready(fd, -1) == 1 && read(fd, &si, INFO) == INFO);
	wait_ok(pid);
	send_later(&pid, SIGUSR1);
	FD_ZERO(&r);
	FD_SET(fd, &r);
	CHECK(select(fd + 1, &r, NULL, NULL, NULL) == 1 && FD_ISSET(fd, &r));
	CHECK(read(fd, &si, INFO) == INFO);
	wait_ok(pid);
	CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) == 0);
	send_later(&pid, SIGUSR1);
	CHECK(epoll_wait(ep, &out, 1, -1) == 1 && out.data.u64 == 9);
	CHECK(epoll_wait(ep, &out, 1, 0) == 1);
	CHECK(read(fd, &si, INFO) == INFO);
	CHECK(epoll_wait(ep, &out, 1, 0) == 0);
	wait_ok(pid);
	ev.events = EPOLLIN | EPOLLET;
	CHECK(epoll_ctl(ep, EPOLL_CTL_MOD, fd, &ev) == 0);
	CHECK(kill(getpid(), SIGUSR1) == 0);
	CHECK(epoll_wait(ep, &out, 1, -1) == 1);
	CHECK(epoll_wait(ep, &out, 1, 0) == 0);
	CHECK(read(fd, &si, INFO) == INFO);
	CHECK(kill(getpid(), SIGUSR1) == 0);
	CHECK(epoll_wait(ep, &out, 1, -1) == 1);
	CHECK(read(fd, &si, INFO) == INFO);
	close(ep);

	/* Another signal interrupts the read, except with SA_RESTART. */
	set_handler(SIGUSR2, on_signal, 0);
	send_later(&pid, SIGUSR2);
	CHECK_ERRNO(read(fd, &si, INFO), EINTR);
	CHECK(handled == 1);
	wait_ok(pid);
	set_handler(SIGUSR2, on_signal, SA_RESTART);
	send_later(&pid, SIGUSR2);
	alarm(0);
	if (fork() == 0) {
		sleep_ms(90);
		kill(getppid(), SIGUSR1);
		_exit(0);
	}
	CHECK(read(fd, &si, INFO) == INFO && si.ssi_signo == SIGUSR1);
	CHECK(handled == 2);
	CHECK(wait(NULL) > 0 && wait(NULL) > 0);

	/* A new mask for an existing descriptor. */
	CHECK(kill(getpid(), SIGUSR1) == 0 && ready(fd, 0) == 1);
	sigemptyset(&none);
	CHECK(signalfd(fd, &none, SFD_NONBLOCK) == fd && ready(fd, 0) == 0);
	CHECK((fcntl(fd, F_GETFL) & O_NONBLOCK) == 0);
	CHECK(signalfd(fd, &s, 0) == fd && ready(fd, 0) == 1);
	CHECK(read(fd, &si, INFO) == INFO);
	close(fd);
	set_disposition(SIGUSR2, SIG_DFL);
	CHECK(sigprocmask(SIG_UNBLOCK, &s, NULL) == 0);
	say("poll, select, epoll, EINTR, new masks");
}

/* One file, two processes: each reads its own signals. */
static void
shared(void)
{
	sigset_t s = set_of(SIGUSR1, SIGUSR2, 0);
	struct signalfd_siginfo si;
	int fd, d;
	pid_t pid;

	CHECK(sigprocmask(SIG_BLOCK, &s, NULL) == 0);
	fd = signalfd(-1, &s, SFD_NONBLOCK);
	CHECK(fd >= 0 && kill(getpid(), SIGUSR1) == 0 && ready(fd, 0) == 1);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(ready(fd, 0) == 0);
		CHECK_ERRNO(read(fd, &si, INFO), EAGAIN);
		CHECK(raise(SIGUSR2) == 0 && ready(fd, 0) == 1);
		CHECK(read(fd, &si, INFO) == INFO && si.ssi_signo == SIGUSR2);
		CHECK(raise(SIGUSR2) == 0 && ready(fd, 0) == 1);
		_exit(0); /* ends with a signal pending */
	}
	wait_ok(pid);
	d = dup(fd);
	CHECK(d >= 0 && close(fd) == 0);
	CHECK(ready(d, 0) == 1 && read(d, &si, INFO) == INFO &&
	      si.ssi_signo == SIGUSR1);
	CHECK(ready(d, 0) == 0);
	/* Closed here while the child has it open. */
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(ready(d, 2000) == 1);
		CHECK(read(d, &si, INFO) == INFO && si.ssi_signo == SIGUSR1);
		_exit(0);
	}
	close(d);
	CHECK(raise(SIGUSR2) == 0 && kill(pid, SIGUSR1) == 0);
	wait_ok(pid);
	CHECK(sigwaitinfo(&s, NULL) == SIGUSR2);
	CHECK(sigprocmask(SIG_UNBLOCK, &s, NULL) == 0);
	say("one file, two processes");
}

/* One thread reads while another one receives signals of its own. */
static int thread_fd;

static void *
reader(void *arg)
{
	struct signalfd_siginfo si;

	for (int i = 0; i < 200; i++) {
		CHECK(read(thread_fd, &si, INFO) == INFO);
		CHECK(si.ssi_signo == SIGUSR1);
		CHECK(write(*(int *)arg, "x", 1) == 1);
	}
	return (NULL);
}

static void
threads(void)
{
	sigset_t s = set_of(SIGUSR1, 0, 0);
	struct signalfd_siginfo si;
	pthread_t t;
	int p[2];
	char c;

	CHECK(sigprocmask(SIG_BLOCK, &s, NULL) == 0 && pipe(p) == 0);
	thread_fd = signalfd(-1, &s, 0);
	CHECK(thread_fd >= 0);
	CHECK(pthread_create(&t, NULL, reader, &p[1]) == 0);
	for (int i = 0; i < 200; i++) {
		CHECK((i % 2 != 0 ? kill(getpid(), SIGUSR1)
				  : pthread_kill(t, SIGUSR1)) == 0);
		CHECK(read(p[0], &c, 1) == 1);
	}
	CHECK(pthread_join(t, NULL) == 0);
	CHECK(ready(thread_fd, 0) == 0);
	CHECK(fcntl(thread_fd, F_SETFL, O_NONBLOCK) == 0);
	CHECK_ERRNO(read(thread_fd, &si, INFO), EAGAIN);
	close(thread_fd), close(p[0]), close(p[1]);
	CHECK(sigprocmask(SIG_UNBLOCK, &s, NULL) == 0);
	say("threads");
}

/* No signal is lost between a check and a wait. */
static void
storm(void)
{
	sigset_t s = set_of(SIGRTMIN + 1, SIGRTMIN + 2, 0);
	struct epoll_event ev = {.events = EPOLLIN}, out;
	struct signalfd_siginfo si[3];
	int fd, ep, got[2] = {0, 0};
	pid_t pid[2], me = getpid();
	ssize_t n;

	CHECK(sigprocmask(SIG_BLOCK, &s, NULL) == 0);
	fd = signalfd(-1, &s, SFD_NONBLOCK);
	ep = epoll_create1(0);
	CHECK(fd >= 0 && ep >= 0 && epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) == 0);
	for (int k = 0; k < 2; k++) {
		pid[k] = fork();
		CHECK(pid[k] >= 0);
		if (pid[k] != 0)
			continue;
		for (int i = 0; i < MANY; i++) {
			while (sigqueue(me, SIGRTMIN + 1 + k,
				   (union sigval){.sival_int = i}) != 0) {
				CHECK(errno == EAGAIN);
				sleep_ms(1);
			}
			if (i % 50 == 49)
				sleep_ms(1);
		}
		_exit(0);
	}
	while (got[0] + got[1] < 2 * MANY) {
		CHECK(epoll_wait(ep, &out, 1, 20000) == 1);
		n = read(fd, si, sizeof(si));
		CHECK(n >= (ssize_t)INFO);
		for (size_t i = 0; i < (size_t)n / INFO; i++) {
			int k = (int)si[i].ssi_signo - SIGRTMIN - 1;

			CHECK((k == 0 || k == 1) && si[i].ssi_int == got[k]);
			got[k]++;
		}
	}
	wait_ok(pid[0]);
	wait_ok(pid[1]);
	close(fd), close(ep);
	CHECK(sigprocmask(SIG_UNBLOCK, &s, NULL) == 0);
	say("%d signals through epoll", got[0] + got[1]);
}

int
main(void)
{
	basics();
	children();
	waiting();
	shared();
	threads();
	storm();
	return (0);
}
