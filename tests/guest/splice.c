/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * splice, tee and vmsplice: every byte arrives once and in order; offsets; the
 * rest when the target cannot take all; waiting; errors.
 */
#include "guest.h"

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define TOTAL (3 * MIB + 12345)

static char dir[] = "/tmp/spliceXXXXXX";

static unsigned char
byte_at(size_t i)
{
	return ((unsigned char)(i * 2654435761u >> 13));
}

static int
open_in(const char *name, int flags)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, flags, 0600);
	CHECK(fd >= 0);
	return (fd);
}

static void
remove_in(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	CHECK(unlink(path) == 0);
}

static void
check_bytes(const unsigned char *b, size_t from, size_t n)
{
	for (size_t i = 0; i < n; i++)
		CHECK(b[i] == byte_at(from + i));
}

/* A file of bytes that depend on their position. */
static int
make_file(const char *name, size_t size)
{
	static unsigned char buf[65536];
	int fd = open_in(name, O_RDWR | O_CREAT | O_TRUNC);

	for (size_t o = 0; o < size; o += sizeof(buf)) {
		size_t n = size - o < sizeof(buf) ? size - o : sizeof(buf);

		for (size_t i = 0; i < n; i++)
			buf[i] = byte_at(o + i);
		CHECK(write(fd, buf, n) == (ssize_t)n);
	}
	CHECK(lseek(fd, 0, SEEK_SET) == 0);
	return (fd);
}

static size_t
in_pipe(int fd)
{
	int n;

	CHECK(ioctl(fd, FIONREAD, &n) == 0);
	return ((size_t)n);
}

/* file -> pipe -> pipe -> socket -> pipe -> file, with a process for each
 * step. */
static void
chain(void)
{
	static unsigned char buf[65536];
	int fd = make_file("a", TOTAL), out, p[2], q[2], r[2], s[2];
	size_t done = 0;
	pid_t pid[4];
	ssize_t n;

	CHECK(pipe(p) == 0 && pipe(q) == 0 && pipe(r) == 0);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	for (int k = 0; k < 4; k++) {
		static const size_t step[4] = {100000, 30011, 77777, 4097};
		const int from[4] = {fd, p[0], q[0], s[1]};
		const int to[4] = {p[1], q[1], s[0], r[1]};

		pid[k] = fork();
		CHECK(pid[k] >= 0);
		if (pid[k] != 0)
			continue;
		for (int i = 0; i < 2; i++) {
			if (p[i] != from[k] && p[i] != to[k])
				close(p[i]);
			if (q[i] != from[k] && q[i] != to[k])
				close(q[i]);
			if (r[i] != from[k] && r[i] != to[k])
				close(r[i]);
			if (s[i] != from[k] && s[i] != to[k])
				close(s[i]);
		}
		while ((n = splice(from[k], NULL, to[k], NULL, step[k], 0)) > 0)
			;
		CHECK(n == 0);
		_exit(0);
	}
	close(p[0]), close(p[1]), close(q[0]), close(q[1]);
	close(r[1]), close(s[0]), close(s[1]);
	out = open_in("b", O_RDWR | O_CREAT | O_TRUNC);
	while ((n = splice(r[0], NULL, out, NULL, 50000, SPLICE_F_MOVE)) > 0)
		done += (size_t)n;
	CHECK(n == 0 && done == TOTAL);
	for (int k = 0; k < 4; k++)
		wait_ok(pid[k]);
	CHECK(lseek(out, 0, SEEK_CUR) == (off_t)TOTAL);
	for (size_t o = 0; o < TOTAL; o += (size_t)n) {
		n = pread(out, buf, sizeof(buf), (off_t)o);
		CHECK(n > 0);
		check_bytes(buf, o, (size_t)n);
	}
	close(out), close(fd), close(r[0]);
	remove_in("a");
	remove_in("b");
	say("%zu bytes through files, pipes and sockets", TOTAL);
}

static void
offsets(void)
{
	int fd = make_file("a", 200000), p[2], n;
	static unsigned char buf[200000];
	loff_t off = 1000;

	CHECK(pipe(p) == 0);
	CHECK(splice(fd, &off, p[1], NULL, 500, 0) == 500);
	CHECK(off == 1500 && lseek(fd, 0, SEEK_CUR) == 0);
	CHECK(splice(fd, NULL, p[1], NULL, 500, 0) == 500);
	CHECK(lseek(fd, 0, SEEK_CUR) == 500);
	CHECK(read(p[0], buf, sizeof(buf)) == 1000);
	check_bytes(buf, 1000, 500);
	check_bytes(buf + 500, 0, 500);

	/* More than the pipe has room for: it is filled and not more is
	 * taken. */
	off = 7;
	n = (int)splice(fd, &off, p[1], NULL, sizeof(buf), 0);
	CHECK(
	    n > 0 && n <= 65536 && off == 7 + n && in_pipe(p[0]) == (size_t)n);
	CHECK(read(p[0], buf, (size_t)n) == n);
	check_bytes(buf, 7, (size_t)n);

	/* At the end, and beyond it. */
	off = 200000 - 10;
	CHECK(splice(fd, &off, p[1], NULL, 100, 0) == 10);
	CHECK(splice(fd, &off, p[1], NULL, 100, 0) == 0 && off == 200000);
	off = 999999;
	CHECK(splice(fd, &off, p[1], NULL, 100, 0) == 0 && off == 999999);
	CHECK(read(p[0], buf, sizeof(buf)) == 10);

	/* Into the middle of a file. */
	CHECK(write(p[1], "abcdef", 6) == 6);
	off = 100;
	CHECK(splice(p[0], NULL, fd, &off, 4, 0) == 4 && off == 104);
	CHECK(pread(fd, buf, 6, 99) == 6 && memcmp(buf + 1, "abcd", 4) == 0 &&
	      buf[0] == byte_at(99) && buf[5] == byte_at(104));
	CHECK(in_pipe(p[0]) == 2 && lseek(fd, 0, SEEK_CUR) == 500);
	CHECK(splice(p[0], NULL, fd, NULL, 4, 0) == 2);
	CHECK(lseek(fd, 0, SEEK_CUR) == 502);
	close(p[0]), close(p[1]), close(fd);
	remove_in("a");
	say("offsets");
}

static void
errors(void)
{
	int fd = make_file("a", 100), p[2], q[2], ap, wr, null, d;
	loff_t off = -1, zero = 0;
	char buf[16];

	ap = open_in("a", O_WRONLY | O_APPEND);
	wr = open_in("a", O_WRONLY);
	d = open(dir, O_RDONLY);
	null = open("/dev/null", O_RDWR);
	CHECK(pipe(p) == 0 && pipe(q) == 0 && null >= 0 && d >= 0);
	CHECK(splice(-1, NULL, -1, NULL, 0, 0) == 0);
	CHECK_ERRNO(splice(-1, NULL, p[1], NULL, 1, 0), EBADF);
	CHECK_ERRNO(splice(p[0], NULL, -1, NULL, 1, 0), EBADF);
	CHECK_ERRNO(splice(p[1], NULL, q[1], NULL, 1, 0), EBADF);
	CHECK_ERRNO(splice(p[0], NULL, q[0], NULL, 1, 0), EBADF);
	CHECK_ERRNO(splice(wr, NULL, p[1], NULL, 1, 0), EBADF);
	CHECK_ERRNO(splice(fd, NULL, p[1], NULL, 1, 0x100), EINVAL);
	CHECK_ERRNO(splice(fd, NULL, wr, NULL, 1, 0), EINVAL);
	CHECK_ERRNO(splice(p[0], &zero, fd, NULL, 1, 0), ESPIPE);
	CHECK_ERRNO(splice(fd, NULL, p[1], &zero, 1, 0), ESPIPE);
	CHECK_ERRNO(splice(fd, &off, p[1], NULL, 1, 0), EINVAL);
	CHECK_ERRNO(splice(fd, BAD, p[1], NULL, 1, 0), EFAULT);
	CHECK_ERRNO(splice(p[0], NULL, p[1], NULL, 1, 0), EINVAL);
	CHECK_ERRNO(splice(d, NULL, p[1], NULL, 1, 0), EINVAL);
	CHECK(write(p[1], "0123456789", 10) == 10);
	CHECK_ERRNO(splice(p[0], NULL, ap, NULL, 1, 0), EINVAL);
	CHECK(splice(p[0], NULL, null, NULL, 3, 0) == 3);
	CHECK_ERRNO(tee(p[0], p[1], 1, 0), EINVAL);
	CHECK_ERRNO(tee(p[0], fd, 1, 0), EINVAL);
	CHECK_ERRNO(tee(p[0], q[1], 1, 0x100), EINVAL);
	CHECK_ERRNO(tee(q[0], p[1], 1, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK(tee(p[0], q[1], 5, 0) == 5 && tee(p[0], q[1], 5, 0) == 5);
	CHECK(in_pipe(p[0]) == 7 && in_pipe(q[0]) == 10);
	CHECK(read(q[0], buf, 16) == 10 && memcmp(buf, "3456734567", 10) == 0);

	/* No data, and no room. */
	CHECK_ERRNO(splice(q[0], NULL, fd, NULL, 9, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK_ERRNO(
	    splice(q[0], NULL, p[1], NULL, 9, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK(fcntl(q[1], F_SETFL, O_NONBLOCK) == 0);
	CHECK(fcntl(q[0], F_SETFL, O_NONBLOCK) == 0);
	CHECK_ERRNO(splice(q[0], NULL, fd, NULL, 9, 0), EAGAIN);
	while (write(q[1], dir, sizeof(dir)) > 0)
		;
	CHECK_ERRNO(splice(fd, NULL, q[1], NULL, 9, 0), EAGAIN);
	CHECK_ERRNO(splice(p[0], NULL, q[1], NULL, 9, 0), EAGAIN);

	/* The end of a pipe, and a pipe without a reader. */
	close(p[1]);
	CHECK(splice(p[0], NULL, fd, NULL, 100, 0) == 7);
	CHECK(splice(p[0], NULL, fd, NULL, 100, 0) == 0);
	close(q[0]);
	set_disposition(SIGPIPE, SIG_IGN);
	CHECK_ERRNO(splice(fd, &zero, q[1], NULL, 9, 0), EPIPE);
	set_disposition(SIGPIPE, SIG_DFL);
	if (fork() == 0) {
		(void)!splice(fd, &zero, q[1], NULL, 9, 0);
		_exit(0);
	}
	CHECK(wait(&d) > 0 && WIFSIGNALED(d) && WTERMSIG(d) == SIGPIPE);
	close(p[0]), close(q[1]), close(fd), close(ap), close(wr);
	close(null);
	remove_in("a");
	say("errors");
}

/* The file takes a part: the rest stays in the pipe. */
static void
leftover(void)
{
	int fd = open_in("a", O_RDWR | O_CREAT | O_TRUNC), p[2];
	struct rlimit lim, old;
	char buf[64];

	CHECK(pipe(p) == 0 && write(p[1], "0123456789abcdef", 16) == 16);
	CHECK(getrlimit(RLIMIT_FSIZE, &old) == 0);
	lim = (struct rlimit){10, old.rlim_max};
	set_disposition(SIGXFSZ, SIG_IGN);
	CHECK(setrlimit(RLIMIT_FSIZE, &lim) == 0);
	CHECK(splice(p[0], NULL, fd, NULL, 16, 0) == 10);
	CHECK_ERRNO(splice(p[0], NULL, fd, NULL, 16, 0), EFBIG);
	CHECK(setrlimit(RLIMIT_FSIZE, &old) == 0);
	set_disposition(SIGXFSZ, SIG_DFL);
	CHECK(in_pipe(p[0]) == 6);
	CHECK(read(p[0], buf, 64) == 6 && memcmp(buf, "abcdef", 6) == 0);
	close(p[0]), close(p[1]), close(fd);
	remove_in("a");
	say("the rest that a file cannot take");
}

static volatile int handled;

static void
on_signal(int sig, siginfo_t *si, void *uc)
{
	handled++;
}

static void
waiting(void)
{
	static unsigned char buf[65536];
	int fd = make_file("a", 100000), p[2], q[2];
	pid_t me = getpid(), pid;
	loff_t off = 0;

	CHECK(pipe(p) == 0 && pipe(q) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		sleep_ms(30);
		CHECK(write(p[1], "hello", 5) == 5);
		sleep_ms(30);
		CHECK(write(p[1], "again", 5) == 5);
		sleep_ms(30);
		CHECK(read(q[0], buf, 65536) == 65536);
		_exit(0);
	}
	CHECK(splice(p[0], NULL, fd, &off, 100, 0) == 5 && off == 5);
	CHECK(splice(p[0], NULL, q[1], NULL, 100, 0) == 5);
	CHECK(read(q[0], buf, 10) == 5);
	memset(buf, 1, sizeof(buf));
	CHECK(write(q[1], buf, 65536) == 65536);
	/* Waits until the child has read. */
	CHECK(splice(fd, NULL, q[1], NULL, 10, 0) == 10);
	wait_ok(pid);
	CHECK(in_pipe(q[0]) == 10 && read(q[0], buf, 10) == 10 &&
	      memcmp(buf, "hello", 5) == 0);
	set_handler(SIGUSR1, on_signal, 0);
	for (int i = 0; i < 2; i++) {
		pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			sleep_ms(30);
			CHECK(kill(me, SIGUSR1) == 0);
			_exit(0);
		}
		if (i == 0)
			CHECK_ERRNO(splice(p[0], NULL, fd, NULL, 1, 0), EINTR);
		else
			CHECK_ERRNO(
			    splice(p[0], NULL, q[1], NULL, 1, 0), EINTR);
		CHECK(handled == i + 1);
		wait_ok(pid);
	}
	set_disposition(SIGUSR1, SIG_DFL);
	close(p[0]), close(p[1]), close(q[0]), close(q[1]), close(fd);
	remove_in("a");
	say("waiting");
}

static void
memory(void)
{
	static unsigned char a[200000], b[200000];
	struct iovec v[3] = {{a, 10}, {a + 100, 0}, {a + 200, 20}};
	int p[2], n;

	for (size_t i = 0; i < sizeof(a); i++)
		a[i] = byte_at(i);
	CHECK(pipe(p) == 0);
	CHECK(vmsplice(p[1], v, 3, 0) == 30);
	CHECK(read(p[0], b, sizeof(b)) == 30);
	check_bytes(b, 0, 10);
	check_bytes(b + 10, 200, 20);
	v[0] = (struct iovec){a, sizeof(a)};
	n = (int)vmsplice(p[1], v, 1, SPLICE_F_NONBLOCK);
	CHECK(n > 30000 && n <= 65536 && in_pipe(p[0]) == (size_t)n);
	memset(b, 0, sizeof(b));
	v[0] = (struct iovec){b, 1000};
	v[1] = (struct iovec){b + 1000, sizeof(b) - 1000};
	for (int got = 0, r; got < n; got += r) {
		v[0] = (struct iovec){b + got, sizeof(b) - (size_t)got};
		r = (int)vmsplice(p[0], v, 1, 0);
		CHECK(r > 0);
	}
	check_bytes(b, 0, (size_t)n);
	CHECK_ERRNO(vmsplice(p[0], v, 1, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK(vmsplice(p[1], v, 0, 0) == 0);
	CHECK_ERRNO(vmsplice(p[1], v, 1, 0x100), EINVAL);
	CHECK_ERRNO(vmsplice(-1, v, 1, 0), EBADF);
	v[0] = (struct iovec){BAD, 10};
	CHECK_ERRNO(vmsplice(p[1], v, 1, 0), EFAULT);
	close(p[0]), close(p[1]);
	n = open("/dev/null", O_RDWR);
	v[0] = (struct iovec){a, 10};
	CHECK_ERRNO(vmsplice(n, v, 1, 0), EBADF);
	close(n);
	say("vmsplice");
}

int
main(void)
{
	CHECK(mkdtemp(dir) != NULL);
	chain();
	offsets();
	errors();
	leftover();
	waiting();
	memory();
	CHECK(rmdir(dir) == 0);
	return (0);
}
