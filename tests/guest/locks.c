/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Advisory locks: record locks of processes and of open files, and flock: which
 * locks exclude each other, ranges that are split and joined, waiting,
 * deadlock, and what releases a lock.
 */
#include "guest.h"

#include <sys/file.h>

static char path[] = "/tmp/locks-XXXXXX";

static int
wait_any(void)
{
	int status;

	CHECK(wait(&status) > 0);
	return (status);
}

static int
record(int fd, int cmd, short type, off_t start, off_t len)
{
	struct flock k = {.l_type = type, .l_start = start, .l_len = len};

	return (fcntl(fd, cmd, &k));
}

/* In another process: can it lock the record at once? */
static bool
other_can(short type, off_t start, off_t len)
{
	pid_t pid = fork();
	int fd;

	CHECK(pid >= 0);
	if (pid == 0) {
		fd = open(path, O_RDWR);
		if (record(fd, F_SETLK, type, start, len) == 0)
			_exit(0);
		_exit(errno == EAGAIN || errno == EACCES ? 1 : 2);
	}
	return (wait_status(pid) == 0);
}

static bool
other_can_flock(int op)
{
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		int fd = open(path, O_RDONLY);

		if (flock(fd, op | LOCK_NB) == 0)
			_exit(0);
		_exit(errno == EWOULDBLOCK ? 1 : 2);
	}
	return (wait_status(pid) == 0);
}

static void
records(int fd)
{
	struct flock k;
	int fd2;

	CHECK(record(fd, F_SETLK, F_WRLCK, 100, 100) == 0);
	CHECK(!other_can(F_RDLCK, 150, 1) && !other_can(F_WRLCK, 0, 0));
	CHECK(other_can(F_WRLCK, 0, 100) && other_can(F_WRLCK, 200, 0));
	/* A hole in the middle of the lock; one part is made shared. */
	CHECK(record(fd, F_SETLK, F_UNLCK, 140, 20) == 0);
	CHECK(other_can(F_WRLCK, 140, 20) && !other_can(F_WRLCK, 139, 1));
	CHECK(record(fd, F_SETLK, F_RDLCK, 180, 40) == 0);
	CHECK(other_can(F_RDLCK, 180, 20) && !other_can(F_WRLCK, 219, 1));
	CHECK(!other_can(F_RDLCK, 179, 1));
	/* F_GETLK reports the owner. */
	memset(&k, 0, sizeof(k));
	k.l_type = F_WRLCK;
	CHECK(fcntl(fd, F_GETLK, &k) == 0 && k.l_type == F_UNLCK);
	if (fork() == 0) {
		k = (struct flock){.l_type = F_WRLCK, .l_start = 130};
		CHECK(fcntl(fd, F_GETLK, &k) == 0 && k.l_type == F_WRLCK);
		CHECK(k.l_pid == getppid() && k.l_whence == SEEK_SET);
		CHECK((k.l_start == 100 && k.l_len == 40) ||
		      (k.l_start == 160 && k.l_len == 20));
		/* A child does not inherit the locks of its parent. */
		CHECK_ERRNO(record(fd, F_SETLK, F_WRLCK, 100, 1), EAGAIN);
		_exit(0);
	}
	CHECK(wait_any() == 0);
	/* Ranges relative to the position and to the end; negative lengths. */
	CHECK(record(fd, F_SETLK, F_UNLCK, 0, 0) == 0);
	CHECK(ftruncate(fd, 1000) == 0 && lseek(fd, 500, SEEK_SET) == 500);
	k = (struct flock){
	    .l_type = F_WRLCK, .l_whence = SEEK_CUR, .l_len = -10};
	CHECK(fcntl(fd, F_SETLK, &k) == 0);
	CHECK(!other_can(F_WRLCK, 490, 10) && other_can(F_WRLCK, 500, 1));
	k = (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_END};
	CHECK(fcntl(fd, F_SETLK, &k) == 0 && !other_can(F_RDLCK, 5000, 1));
	/* Closing any descriptor of the file releases all locks that the
	 * process has on it. */
	fd2 = open(path, O_RDONLY);
	CHECK_ERRNO(record(fd2, F_SETLK, F_WRLCK, 0, 1), EBADF);
	CHECK(close(fd2) == 0 && other_can(F_WRLCK, 0, 0));
	CHECK_ERRNO(record(fd, F_SETLK, F_WRLCK, -1, 1), EINVAL);
	CHECK_ERRNO(record(fd, F_SETLK, 77, 0, 1), EINVAL);
	CHECK_ERRNO(fcntl(fd, F_SETLK, BAD), EFAULT);
	say("records");
}

static void
on_alarm(int sig)
{
	(void)sig;
}

static void
waiting(int fd)
{
	int to[2], back[2];
	char c = 0;
	pid_t pid;

	CHECK(pipe(to) == 0 && pipe(back) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(record(fd, F_SETLK, F_WRLCK, 0, 10) == 0);
		CHECK(write(back[1], &c, 1) == 1 && read(to[0], &c, 1) == 1);
		/* The end of a process releases its locks. */
		_exit(0);
	}
	CHECK(read(back[0], &c, 1) == 1);
	CHECK_ERRNO(record(fd, F_SETLK, F_WRLCK, 5, 1), EAGAIN);
	/* A signal ends the wait. */
	struct sigaction sa = {.sa_handler = on_alarm};
	struct itimerval it = {.it_value = {.tv_usec = 100000}};

	CHECK(sigaction(SIGALRM, &sa, NULL) == 0);
	CHECK(setitimer(ITIMER_REAL, &it, NULL) == 0);
	CHECK_ERRNO(record(fd, F_SETLKW, F_WRLCK, 5, 1), EINTR);
	if (fork() == 0) {
		sleep_ms(100);
		CHECK(write(to[1], &c, 1) == 1);
		_exit(0);
	}
	CHECK(record(fd, F_SETLKW, F_WRLCK, 5, 1) == 0);
	CHECK(wait_any() == 0 && wait_any() == 0);
	CHECK(record(fd, F_SETLK, F_UNLCK, 0, 0) == 0);
	say("waiting");
}

/* Two processes that wait for each other: one of them must receive EDEADLK. */
static void
deadlock(int fd)
{
	int to[2], back[2];
	char c = 0;
	pid_t pid;
	int r;

	CHECK(pipe(to) == 0 && pipe(back) == 0);
	CHECK(record(fd, F_SETLK, F_WRLCK, 0, 1) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(record(fd, F_SETLK, F_WRLCK, 1, 1) == 0);
		CHECK(write(back[1], &c, 1) == 1);
		/* Waits until the parent has received EDEADLK and has
		 * released its lock. */
		CHECK(record(fd, F_SETLKW, F_WRLCK, 0, 1) == 0);
		_exit(0);
	}
	CHECK(read(back[0], &c, 1) == 1);
	sleep_ms(200);
	r = record(fd, F_SETLKW, F_WRLCK, 1, 1);
	CHECK(r == -1 && errno == EDEADLK);
	CHECK(record(fd, F_SETLK, F_UNLCK, 0, 0) == 0);
	CHECK(wait_status(pid) == 0);
	say("deadlock");
}

static void
open_files(void)
{
	int a = open(path, O_RDWR), b = open(path, O_RDWR), d = dup(a);

	CHECK(a >= 0 && b >= 0 && d >= 0);
	CHECK(record(a, F_OFD_SETLK, F_WRLCK, 0, 10) == 0);
	CHECK_ERRNO(record(b, F_OFD_SETLK, F_RDLCK, 5, 1), EAGAIN);
	CHECK_ERRNO(record(b, F_SETLK, F_RDLCK, 5, 1), EAGAIN);
	CHECK(record(d, F_OFD_SETLK, F_RDLCK, 0, 10) == 0);
	CHECK(record(b, F_OFD_SETLK, F_RDLCK, 5, 1) == 0);
	/* Released with the last descriptor of the open file. */
	CHECK(close(a) == 0 && !other_can(F_WRLCK, 0, 1));
	CHECK(close(d) == 0 && other_can(F_WRLCK, 0, 1));
	CHECK(close(b) == 0);
	say("open files");
}

static void
whole_files(void)
{
	int a = open(path, O_RDONLY), b = open(path, O_RDONLY), d;
	pid_t pid;

	CHECK(flock(a, LOCK_SH) == 0 && flock(b, LOCK_SH | LOCK_NB) == 0);
	CHECK(other_can_flock(LOCK_SH) && !other_can_flock(LOCK_EX));
	CHECK_ERRNO(flock(a, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	CHECK(flock(b, LOCK_UN) == 0 && flock(a, LOCK_EX | LOCK_NB) == 0);
	CHECK(!other_can_flock(LOCK_SH));
	/* Record locks and flock do not exclude each other. */
	CHECK(other_can(F_WRLCK, 0, 0));
	/* Shared with duplicates and children, until the last descriptor is
	 * closed. */
	d = dup(a);
	CHECK(close(a) == 0 && !other_can_flock(LOCK_SH));
	pid = fork();
	if (pid == 0) {
		sleep_ms(150);
		_exit(0);
	}
	CHECK(close(d) == 0);
	CHECK(flock(b, LOCK_EX) == 0);
	CHECK(wait_status(pid) == 0 && close(b) == 0);
	CHECK(other_can_flock(LOCK_EX));
	CHECK_ERRNO(flock(-1, LOCK_EX), EBADF);
	say("whole files");
}

/* Several processes increment a number in one file, each step under a lock. */
static void
counter(int fd, bool whole)
{
	long n = 0;

	CHECK(pwrite(fd, &n, sizeof(n), 0) == sizeof(n));
	for (int i = 0; i < 4; i++) {
		if (fork() != 0)
			continue;
		int own = open(path, O_RDWR);

		for (int j = 0; j < 200; j++) {
			if (whole)
				CHECK(flock(own, LOCK_EX) == 0);
			else
				CHECK(
				    record(own, F_SETLKW, F_WRLCK, 0, 8) == 0);
			CHECK(pread(own, &n, sizeof(n), 0) == sizeof(n));
			n++;
			CHECK(pwrite(own, &n, sizeof(n), 0) == sizeof(n));
			if (whole)
				CHECK(flock(own, LOCK_UN) == 0);
			else
				CHECK(record(own, F_SETLK, F_UNLCK, 0, 8) == 0);
		}
		_exit(0);
	}
	for (int i = 0; i < 4; i++)
		CHECK(wait_any() == 0);
	CHECK(pread(fd, &n, sizeof(n), 0) == sizeof(n) && n == 800);
	say("counter");
}

int
main(void)
{
	int fd = mkstemp(path);

	CHECK(fd >= 0);
	records(fd);
	waiting(fd);
	deadlock(fd);
	open_files();
	whole_files();
	counter(fd, false);
	counter(fd, true);
	CHECK(unlink(path) == 0);
	return (0);
}
