/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * fork and the end of children: statuses, wait4 and waitid with their options,
 * zombies, orphans, SIGCHLD, process groups and sessions, vfork, posix_spawn.
 */
#include "guest.h"

#include <pthread.h>

#include <spawn.h>

static char self[256];
extern char **environ;

static void
statuses(void)
{
	static const int sigs[] = {
	    SIGTERM, SIGKILL, SIGUSR1, SIGALRM, SIGPIPE, SIGHUP};
	int status;
	pid_t pid;

	for (int code = 0; code < 300; code += 37) {
		pid = fork();
		CHECK(pid >= 0);
		if (pid == 0)
			_exit(code);
		status = wait_status(pid);
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == (code & 255));
	}
	for (size_t i = 0; i < sizeof(sigs) / sizeof(*sigs); i++) {
		pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			kill(getpid(), sigs[i]);
			_exit(0);
		}
		status = wait_status(pid);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == sigs[i]);
	}
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		abort();
	status = wait_status(pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	say("statuses");
}

static pid_t
child_exits(int code)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0)
		_exit(code);
	return (pid);
}

static void
wait_options(void)
{
	int go[2], status;
	struct rusage ru;
	siginfo_t si;
	pid_t pid;
	char c;

	CHECK_ERRNO(waitpid(-1, &status, 0), ECHILD);
	CHECK_ERRNO(waitpid(getpid(), &status, 0), ECHILD);
	CHECK_ERRNO(waitpid(-1, &status, 0x40), EINVAL);
	CHECK(pipe(go) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		close(go[1]);
		_exit(read(go[0], &c, 1) == 0 ? 21 : 22);
	}
	CHECK(waitpid(pid, &status, WNOHANG) == 0);
	CHECK(waitpid(-1, &status, WNOHANG) == 0);
	memset(&si, 0xff, sizeof(si));
	CHECK(waitid(P_ALL, 0, &si, WEXITED | WNOHANG) == 0);
	CHECK(si.si_pid == 0 && si.si_signo == 0);
	close(go[0]);
	close(go[1]);
	/* WNOWAIT leaves the zombie. */
	memset(&si, 0, sizeof(si));
	CHECK(waitid(P_PID, (id_t)pid, &si, WEXITED | WNOWAIT) == 0);
	CHECK(si.si_signo == SIGCHLD && si.si_code == CLD_EXITED &&
	      si.si_pid == pid && si.si_status == 21);
	CHECK(kill(pid, 0) == 0); /* the zombie still exists */
	CHECK(wait4(pid, &status, 0, &ru) == pid && WEXITSTATUS(status) == 21);
	CHECK_ERRNO(kill(pid, 0), ESRCH);
	CHECK_ERRNO(waitpid(pid, &status, 0), ECHILD);
	pid = child_exits(3);
	memset(&si, 0, sizeof(si));
	CHECK(waitid(P_PID, (id_t)pid, &si, WEXITED) == 0);
	CHECK(si.si_code == CLD_EXITED && si.si_status == 3);
	CHECK_ERRNO(waitid(P_PID, (id_t)pid, &si, WEXITED), ECHILD);
	CHECK_ERRNO(waitid(P_ALL, 0, &si, 0), EINVAL);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		for (;;)
			pause();
	CHECK(kill(pid, SIGKILL) == 0);
	memset(&si, 0, sizeof(si));
	CHECK(waitid(P_PID, (id_t)pid, &si, WEXITED) == 0);
	CHECK(si.si_code == CLD_KILLED && si.si_status == SIGKILL);
	/* A status pointer that cannot be written. */
	pid = child_exits(0);
	CHECK_ERRNO(waitpid(pid, (int *)8, 0), EFAULT);
	say("options of wait");
}

static volatile int chld_count;

static void
on_chld(int sig, siginfo_t *si, void *uc)
{
	CHECK(si->si_code == CLD_EXITED && si->si_pid > 0);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		chld_count++;
}

/* A child whose end sends no SIGCHLD: a clone. */
static pid_t
cloned(int status)
{
	pid_t pid = (pid_t)syscall(SYS_clone, 0L, 0L, 0L, 0L, 0L);

	CHECK(pid >= 0);
	if (pid == 0)
		_exit(status);
	return (pid);
}

static void *
other_thread(void *arg)
{
	int status;

	CHECK_ERRNO(waitpid(-1, &status, WNOHANG | __WNOTHREAD), ECHILD);
	CHECK(waitpid(-1, &status, __WALL) == *(pid_t *)arg);
	return (NULL);
}

/* __WCLONE, __WALL and __WNOTHREAD. */
static void
kinds(void)
{
	siginfo_t si;
	pthread_t t;
	int status;
	pid_t pid;

	pid = cloned(5);
	CHECK_ERRNO(waitpid(-1, &status, 0), ECHILD);
	CHECK_ERRNO(waitpid(pid, &status, WNOHANG), ECHILD);
	CHECK_ERRNO(waitid(P_ALL, 0, &si, WEXITED), ECHILD);
	CHECK(waitpid(-1, &status, __WCLONE) == pid);
	CHECK(WEXITSTATUS(status) == 5);
	pid = cloned(6);
	CHECK(waitpid(pid, &status, __WALL) == pid && WEXITSTATUS(status) == 6);
	pid = child_exits(7);
	CHECK_ERRNO(waitpid(-1, &status, __WCLONE), ECHILD);
	CHECK_ERRNO(waitpid(pid, &status, __WCLONE | WNOHANG), ECHILD);
	CHECK(waitpid(-1, &status, __WALL) == pid && WEXITSTATUS(status) == 7);
	/* A program that a clone executes is a child like others. */
	pid = (pid_t)syscall(SYS_clone, 0L, 0L, 0L, 0L, 0L);
	CHECK(pid >= 0);
	if (pid == 0) {
		execl(self, self, "exit", NULL);
		_exit(99);
	}
	do
		status = waitpid(-1, NULL, WNOHANG);
	while (status == 0 || (status == -1 && errno == ECHILD));
	CHECK(status == pid);
	pid = child_exits(8);
	CHECK(pthread_create(&t, NULL, other_thread, &pid) == 0);
	CHECK(pthread_join(t, NULL) == 0);
	pid = child_exits(9);
	CHECK(waitpid(-1, &status, __WNOTHREAD) == pid);
	CHECK(WEXITSTATUS(status) == 9);
	say("kinds");
}

static void
sigchld(void)
{
	sigset_t set, old;

	set_handler(SIGCHLD, on_chld, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	CHECK(sigprocmask(SIG_BLOCK, &set, &old) == 0);
	for (int i = 0; i < 10; i++)
		child_exits(i);
	while (chld_count < 10)
		sigsuspend(&old);
	CHECK(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
	/* With SIGCHLD ignored the kernel reaps the children. */
	set_disposition(SIGCHLD, SIG_IGN);
	for (int i = 0; i < 5; i++)
		child_exits(0);
	CHECK_ERRNO(waitpid(-1, NULL, 0), ECHILD);
	set_disposition(SIGCHLD, SIG_DFL);
	say("SIGCHLD: %d children", chld_count);
}

/* An orphan is given a new parent, and continues. */
static void
orphans(void)
{
	int out[2];
	pid_t pid, first;
	char c = 0;

	CHECK(pipe(out) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		first = getpid();
		if (fork() == 0) {
			while (getppid() == first)
				sleep_ms(1);
			CHECK(write(out[1], "o", 1) == 1);
		}
		_exit(0);
	}
	wait_ok(pid);
	close(out[1]);
	CHECK(read(out[0], &c, 1) == 1 && c == 'o');
	CHECK(read(out[0], &c, 1) == 0); /* end of file: the orphan has ended */
	close(out[0]);
	CHECK_ERRNO(waitpid(-1, NULL, 0), ECHILD);
	say("orphans");
}

static void
groups(void)
{
	int ready[2], status;
	pid_t a, b;
	char c;

	CHECK(pipe(ready) == 0);
	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (pid == 0) {
			CHECK(setpgid(0, i == 0 ? 0 : a) == 0);
			CHECK(write(ready[1], "r", 1) == 1);
			for (;;)
				pause();
		}
		*(i == 0 ? &a : &b) = pid;
		CHECK(read(ready[0], &c, 1) == 1);
	}
	CHECK(getpgid(a) == a && getpgid(b) == a && getpgrp() != a);
	CHECK_ERRNO(setpgid(a, 999999), EPERM);
	CHECK_ERRNO(setpgid(0, -1), EINVAL);
	CHECK(waitpid(0, &status, WNOHANG) == -1 && errno == ECHILD);
	CHECK(waitpid(-a, &status, WNOHANG) == 0);
	CHECK(kill(-a, SIGTERM) == 0);
	CHECK(waitpid(-a, &status, 0) > 0 && WTERMSIG(status) == SIGTERM);
	CHECK(waitpid(-a, &status, 0) > 0 && WTERMSIG(status) == SIGTERM);
	CHECK_ERRNO(kill(-a, 0), ESRCH);
	a = fork();
	CHECK(a >= 0);
	if (a == 0) {
		CHECK(setsid() == getpid() && getsid(0) == getpid() &&
		      getpgrp() == getpid());
		CHECK_ERRNO(setsid(), EPERM);
		_exit(0);
	}
	wait_ok(a);
	close(ready[0]);
	close(ready[1]);
	say("groups and sessions");
}

static volatile int vfork_value;

static void
vforked(void)
{
	char *argv[] = {self, (char *)(uintptr_t) "exit", NULL};
	int status;
	pid_t pid;

	vfork_value = 1;
	pid = vfork();
	CHECK(pid >= 0);
	if (pid == 0) {
		vfork_value = 2; /* shared with the parent */
		_exit(9);
	}
	CHECK(vfork_value == 2);
	status = wait_status(pid);
	CHECK(WEXITSTATUS(status) == 9);
	pid = vfork();
	CHECK(pid >= 0);
	if (pid == 0) {
		vfork_value = 3;
		execv(self, argv);
		_exit(1);
	}
	CHECK(vfork_value == 3);
	status = wait_status(pid);
	CHECK(WEXITSTATUS(status) == 17);
	pid = vfork();
	CHECK(pid >= 0);
	if (pid == 0) {
		execv("/nonexistent", argv);
		_exit(errno == ENOENT ? 33 : 34);
	}
	status = wait_status(pid);
	CHECK(WEXITSTATUS(status) == 33);
	say("vfork");
}

static void
spawned(void)
{
	char *argv[] = {self, (char *)(uintptr_t) "exit", NULL};
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	char buf[8] = {0};
	int p[2], error;
	sigset_t set;
	pid_t pid;

	error = posix_spawn(&pid, self, NULL, NULL, argv, environ);
	CHECK(error == 0 && WEXITSTATUS(wait_status(pid)) == 17);
	error = posix_spawn(&pid, "/nonexistent", NULL, NULL, argv, environ);
	CHECK(error == ENOENT);
	error = posix_spawn(&pid, "/", NULL, NULL, argv, environ);
	CHECK(error == EACCES);
	CHECK(pipe(p) == 0);
	CHECK(posix_spawn_file_actions_init(&fa) == 0);
	CHECK(posix_spawn_file_actions_adddup2(&fa, p[1], 1) == 0);
	CHECK(posix_spawn_file_actions_addclose(&fa, p[0]) == 0);
	CHECK(posix_spawnattr_init(&attr) == 0);
	sigfillset(&set);
	CHECK(posix_spawnattr_setsigdefault(&attr, &set) == 0);
	CHECK(posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF) == 0);
	argv[1] = (char *)(uintptr_t) "hello";
	error = posix_spawn(&pid, self, &fa, &attr, argv, environ);
	CHECK(error == 0);
	close(p[1]);
	CHECK(read(p[0], buf, sizeof(buf)) == 6 &&
	      memcmp(buf, "hello\n", 6) == 0);
	close(p[0]);
	wait_ok(pid);
	CHECK_ERRNO(waitpid(-1, NULL, 0), ECHILD);
	say("posix_spawn");
}

/* Each process forks the next generation. */
static void
generation(int n)
{
	pid_t pid;

	for (; n > 0; n--) {
		pid = fork();
		CHECK(pid >= 0);
		if (pid > 0) {
			wait_ok(pid);
			break;
		}
	}
	_exit(0);
}

static void
many(void)
{
	pid_t pid[100];
	int sum = 0;

	pid[0] = fork();
	CHECK(pid[0] >= 0);
	if (pid[0] == 0)
		generation(40);
	wait_ok(pid[0]);
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 100; i++)
			pid[i] = child_exits(i);
		for (int i = 99; i >= 0; i--)
			sum += WEXITSTATUS(wait_status(pid[i]));
	}
	say("500 children, sum %d", sum);
}

static void
usage(void)
{
	struct rusage ru;
	struct timespec ts;

	CHECK(getrusage(RUSAGE_SELF, &ru) == 0 && ru.ru_maxrss > 0 &&
	      ru.ru_minflt > 0);
	CHECK(getrusage(RUSAGE_CHILDREN, &ru) == 0 && ru.ru_minflt > 0);
	CHECK_ERRNO(getrusage(77, &ru), EINVAL);
	CHECK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts) == 0);
	say("usage");
}

/* RLIMIT_NPROC counts the processes and threads of a user, zombies included. */
static void
limited(void *arg)
{
	struct rlimit r = {5, 5};
	pid_t pid[4], p;
	int e[2];
	char c;

	CHECK(pipe(e) == 0 && setgid(54321) == 0 && setuid(54321) == 0);
	CHECK(setrlimit(RLIMIT_NPROC, &r) == 0);
	for (int i = 0; i < 4; i++) {
		pid[i] = fork();
		CHECK(pid[i] >= 0);
		if (pid[i] == 0) {
			close(e[1]);
			_exit(read(e[0], &c, 1) == 0 ? 0 : 1);
		}
	}
	CHECK_ERRNO(fork(), EAGAIN);
	CHECK(kill(pid[0], SIGKILL) == 0);
	CHECK(waitid(P_PID, (id_t)pid[0], NULL, WEXITED | WNOWAIT) == 0);
	CHECK_ERRNO(fork(), EAGAIN);
	CHECK(WIFSIGNALED(wait_status(pid[0])));
	p = fork();
	CHECK(p >= 0);
	if (p == 0)
		_exit(0);
	wait_ok(p);
	close(e[1]);
	for (int i = 1; i < 4; i++)
		wait_ok(pid[i]);
}

static void
process_limit(void)
{
	if (getuid() == 0)
		in_child(limited, NULL);
	say("a limit of processes");
}

int
main(int argc, char **argv)
{
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	CHECK(n > 0);
	if (argc > 1 && strcmp(argv[1], "exit") == 0)
		return (17);
	if (argc > 1) {
		say("%s", argv[1]);
		return (0);
	}
	statuses();
	wait_options();
	kinds();
	sigchld();
	orphans();
	groups();
	vforked();
	spawned();
	many();
	usage();
	process_limit();
	return (0);
}
