/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Descriptors of processes: pidfd_open, pidfd_send_signal, pidfd_getfd,
 * CLONE_PIDFD, waitid with P_PIDFD; and what waitid reports of a zombie, and
 * the links of /proc/PID/task.
 */
#include "guest.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif
#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif
#ifndef SYS_pidfd_open
#define SYS_pidfd_send_signal 424
#define SYS_pidfd_open 434
#define SYS_pidfd_getfd 438
#endif

static int
pidfd_open(pid_t pid, unsigned flags)
{
	return ((int)syscall(SYS_pidfd_open, pid, flags));
}

static int
send_signal(int fd, int sig)
{
	return ((int)syscall(SYS_pidfd_send_signal, fd, sig, NULL, 0));
}

static int
wait_pidfd(int fd, siginfo_t *si, int options)
{
	si->si_pid = 0;
	return ((int)syscall(SYS_waitid, P_PIDFD, fd, si, options, NULL));
}

static short
polled(int fd, int ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	CHECK(poll(&p, 1, ms) >= 0);
	return (p.revents);
}

/* A child that ends when it is killed, or when p[1] is closed. */
static pid_t
child(int p[2])
{
	pid_t pid;
	char c;

	CHECK(pipe(p) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		close(p[1]);
		_exit(read(p[0], &c, 1) == 0 ? 3 : 4);
	}
	close(p[0]);
	return (pid);
}

static void
lives(void)
{
	struct epoll_event ev = {.events = EPOLLIN};
	int p[2], fd, ep = epoll_create1(0), again;
	siginfo_t si;
	pid_t pid = child(p);

	fd = pidfd_open(pid, 0);
	CHECK(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
	CHECK(ep >= 0 && epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) == 0);
	CHECK(polled(fd, 0) == 0 && epoll_wait(ep, &ev, 1, 0) == 0);
	CHECK(send_signal(fd, 0) == 0);
	CHECK(wait_pidfd(fd, &si, WEXITED | WNOHANG) == 0 && si.si_pid == 0);
	close(p[1]);
	CHECK(polled(fd, 20000) == POLLIN);
	CHECK(epoll_wait(ep, &ev, 1, 20000) == 1 && ev.events == EPOLLIN);
	CHECK(send_signal(fd, SIGTERM) == 0); /* a zombie */
	again = pidfd_open(pid, 0);
	CHECK(again >= 0 && polled(again, 0) == POLLIN);
	CHECK(wait_pidfd(fd, &si, WEXITED | WNOWAIT) == 0);
	CHECK(si.si_pid == pid && si.si_status == 3);
	CHECK(wait_pidfd(fd, &si, WEXITED) == 0);
	CHECK(si.si_pid == pid && si.si_code == CLD_EXITED);
	CHECK_ERRNO(wait_pidfd(fd, &si, WEXITED), ECHILD);
	CHECK_ERRNO(send_signal(fd, SIGTERM), ESRCH);
	CHECK((polled(fd, 0) & POLLIN) != 0);
	CHECK_ERRNO(pidfd_open(pid, 0), ESRCH);
	close(fd), close(again), close(ep);
	say("from life to death");
}

static void
signals(void)
{
	int p[2], fd;
	siginfo_t si;
	pid_t pid = child(p);

	fd = pidfd_open(pid, O_NONBLOCK);
	CHECK(fd >= 0);
	CHECK_ERRNO(wait_pidfd(fd, &si, WEXITED), EAGAIN);
	CHECK_ERRNO(send_signal(fd, 200), EINVAL);
	CHECK_ERRNO(syscall(SYS_pidfd_send_signal, fd, 9, NULL, 0x100), EINVAL);
	CHECK(send_signal(fd, SIGKILL) == 0);
	CHECK(polled(fd, 20000) == POLLIN);
	CHECK(wait_pidfd(fd, &si, WEXITED) == 0);
	CHECK(si.si_code == CLD_KILLED && si.si_status == SIGKILL);
	close(fd), close(p[1]);
	CHECK_ERRNO(pidfd_open(0, 0), EINVAL);
	CHECK_ERRNO(pidfd_open(-5, 0), EINVAL);
	CHECK_ERRNO(pidfd_open(getpid(), 0x100000), EINVAL);
	CHECK_ERRNO(send_signal(1, 0), EBADF);
	CHECK_ERRNO(send_signal(999, 0), EBADF);
	CHECK_ERRNO(wait_pidfd(1, &si, WEXITED), EBADF);
	fd = pidfd_open(getpid(), 0);
	CHECK(fd >= 0 && send_signal(fd, 0) == 0 && polled(fd, 0) == 0);
	CHECK_ERRNO(wait_pidfd(fd, &si, WEXITED | WNOHANG), ECHILD);
	CHECK_ERRNO(read(fd, &si, 8), EINVAL);
	close(fd);
	say("signals");
}

/* The directory of a process in /proc is as good as a descriptor of it. */
static void
by_directory(void)
{
	int p[2], fd, gone;
	char name[32];
	siginfo_t si;
	pid_t pid;

	pid = child(p);
	snprintf(name, sizeof(name), "/proc/%d", (int)pid);
	fd = open(name, O_RDONLY | O_DIRECTORY);
	gone = open(name, O_PATH);
	CHECK(fd >= 0 && gone >= 0);
	CHECK(send_signal(fd, 0) == 0);
	CHECK_ERRNO(send_signal(gone, 0), EBADF);
	CHECK_ERRNO(send_signal(fd, 65), EINVAL);
	CHECK_ERRNO(wait_pidfd(fd, &si, WEXITED), EBADF);
	CHECK(send_signal(fd, SIGKILL) == 0);
	CHECK(waitpid(pid, NULL, 0) == pid);
	CHECK_ERRNO(send_signal(fd, 0), ESRCH);
	CHECK(close(fd) == 0 && close(gone) == 0);
	fd = open("/proc/self/task", O_RDONLY | O_DIRECTORY);
	CHECK(fd >= 0);
	CHECK_ERRNO(send_signal(fd, 0), EBADF);
	close(fd);
	close(p[1]);
	say("directories of processes");
}

static void
descriptors(void)
{
	int p[2], q[2], fd, got;
	pid_t pid;
	char c;

	CHECK(pipe(p) == 0 && pipe(q) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(dup2(q[1], 77) == 77);
		CHECK(write(p[1], "r", 1) == 1);
		pause();
		_exit(0);
	}
	CHECK(read(p[0], &c, 1) == 1);
	close(q[1]);
	fd = pidfd_open(pid, 0);
	got = (int)syscall(SYS_pidfd_getfd, fd, 77, 0);
	CHECK(got >= 0 && fcntl(got, F_GETFD) == FD_CLOEXEC);
	CHECK(write(got, "z", 1) == 1 && read(q[0], &c, 1) == 1 && c == 'z');
	CHECK_ERRNO(syscall(SYS_pidfd_getfd, fd, 78, 0), EBADF);
	CHECK_ERRNO(syscall(SYS_pidfd_getfd, fd, 77, 1), EINVAL);
	CHECK_ERRNO(syscall(SYS_pidfd_getfd, q[0], 77, 0), EBADF);
	CHECK(send_signal(fd, SIGKILL) == 0);
	CHECK(WIFSIGNALED(wait_status(pid)));
	CHECK_ERRNO(syscall(SYS_pidfd_getfd, fd, 77, 0), ESRCH);
	close(got), close(fd), close(p[0]), close(p[1]), close(q[0]);
	say("descriptors of another process");
}

static void
cloned(void)
{
	struct rlimit old, low;
	int fd = -1, used, next = dup(1);
	siginfo_t si;
	long pid;

	CHECK(next >= 0 && close(next) == 0);
	pid = syscall(SYS_clone, SIGCHLD | CLONE_PIDFD, 0, &fd, 0, 0);
	CHECK(pid >= 0);
	if (pid == 0) {
		/* The child does not have it. */
		_exit(fcntl(next, F_GETFD) == -1 ? 5 : 1);
	}
	CHECK(fd == next && fcntl(fd, F_GETFD) == FD_CLOEXEC);
	CHECK(polled(fd, 20000) == POLLIN);
	CHECK(wait_pidfd(fd, &si, WEXITED) == 0);
	CHECK(si.si_pid == pid && si.si_status == 5);
	close(fd);
	CHECK_ERRNO(
	    syscall(SYS_clone, SIGCHLD | CLONE_PIDFD | CLONE_PARENT_SETTID, 0,
		&fd, 0, 0),
	    EINVAL);
	/* Without a number for it, and without a place, there is no child. */
	used = dup(1);
	CHECK(used >= 0 && getrlimit(RLIMIT_NOFILE, &old) == 0);
	low = old;
	low.rlim_cur = (rlim_t)used + 1;
	CHECK(setrlimit(RLIMIT_NOFILE, &low) == 0);
	CHECK_ERRNO(
	    syscall(SYS_clone, SIGCHLD | CLONE_PIDFD, 0, &fd, 0, 0), EMFILE);
	CHECK(setrlimit(RLIMIT_NOFILE, &old) == 0);
	CHECK_ERRNO(
	    syscall(SYS_clone, SIGCHLD | CLONE_PIDFD, 0, BAD, 0, 0), EFAULT);
	CHECK_ERRNO(waitpid(-1, NULL, 0), ECHILD);
	next = dup(1);
	CHECK(next > used);
	close(used), close(next);
	say("CLONE_PIDFD");
}

/* A zombie reports neither stops nor continuations: no call waits for them. */
static void
zombie(void)
{
	siginfo_t si = {0};
	pid_t pid = fork();
	int fd;

	CHECK(pid >= 0);
	if (pid == 0)
		_exit(5);
	fd = pidfd_open(pid, 0);
	CHECK(fd >= 0 && polled(fd, 20000) == POLLIN);
	CHECK_ERRNO(waitid(P_PID, (id_t)pid, &si, WCONTINUED), ECHILD);
	CHECK_ERRNO(waitid(P_ALL, 0, &si, WSTOPPED), ECHILD);
	CHECK_ERRNO(waitid(P_PID, (id_t)pid, &si, WSTOPPED | WNOHANG), ECHILD);
	CHECK(waitid(P_PID, (id_t)pid, &si, WEXITED) == 0);
	close(fd);
	say("waitid of a zombie");
}

static void *
sleeper(void *arg)
{
	char c;

	CHECK(read(*(int *)arg, &c, 1) == 0);
	return (NULL);
}

static void
task_links(void)
{
	pthread_t t[2];
	struct stat st;
	int p[2];

	CHECK(stat("/proc/self/task", &st) == 0 && st.st_nlink == 3);
	CHECK(pipe(p) == 0);
	for (int i = 0; i < 2; i++)
		CHECK(pthread_create(&t[i], NULL, sleeper, &p[0]) == 0);
	CHECK(stat("/proc/self/task", &st) == 0 && st.st_nlink == 5);
	close(p[1]);
	for (int i = 0; i < 2; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	close(p[0]);
	say("links of the directory of threads");
}

int
main(void)
{
	lives();
	signals();
	by_directory();
	descriptors();
	cloned();
	zombie();
	task_links();
	return (0);
}
