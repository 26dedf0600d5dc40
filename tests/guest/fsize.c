/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * RLIMIT_FSIZE in every call that makes a file larger: what is moved, the
 * errno, and whether SIGXFSZ is sent.  Also which descriptors sendfile and
 * copy_file_range take as a target.
 */
#include "guest.h"

#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define LIMIT 1000

static volatile sig_atomic_t signals, code;
static char path[] = "/tmp/fsizeXXXXXX";

static void
on_xfsz(int signo, siginfo_t *info, void *uc)
{
	signals++;
	code = info->si_code;
}

/* How many signals have come since the last call. */
static int
taken(void)
{
	int n = signals;

	signals = 0;
	return (n);
}

static void
set_limit(rlim_t cur)
{
	struct rlimit r;

	CHECK(getrlimit(RLIMIT_FSIZE, &r) == 0);
	r.rlim_cur = cur;
	CHECK(setrlimit(RLIMIT_FSIZE, &r) == 0);
}

/* An empty file, which has no name. */
static int
empty_file(int flags)
{
	char name[] = "/tmp/fsizetXXXXXX";
	int fd = mkostemp(name, flags);

	CHECK(fd >= 0 && unlink(name) == 0);
	return (fd);
}

/* A file of n bytes, to be read from its start. */
static int
source_file(size_t n)
{
	static char buf[65536];
	int fd = empty_file(0);

	struct rlimit old;

	CHECK(n <= sizeof(buf) && getrlimit(RLIMIT_FSIZE, &old) == 0);
	memset(buf, 's', n);
	set_limit(RLIM_INFINITY);
	CHECK(write(fd, buf, n) == (ssize_t)n && lseek(fd, 0, SEEK_SET) == 0);
	set_limit(old.rlim_cur);
	return (fd);
}

static void
test_write(void)
{
	struct iovec v[2] = {{(char[]){"aaaa"}, 4}, {(char[]){"bbbb"}, 4}};
	char buf[200] = "";
	int fd = empty_file(0), ap = empty_file(O_APPEND);

	CHECK(pwrite(fd, buf, sizeof(buf), LIMIT - 100) == 100);
	CHECK(taken() == 0 && size_of(fd) == LIMIT);
	CHECK_ERRNO(pwrite(fd, buf, 1, LIMIT), EFBIG);
	CHECK(taken() == 1);
	CHECK(code == SI_USER);
	CHECK(lseek(fd, LIMIT, SEEK_SET) == LIMIT);
	CHECK_ERRNO(write(fd, buf, 1), EFBIG);
	CHECK(taken() == 1);
	CHECK(lseek(fd, LIMIT - 6, SEEK_SET) == LIMIT - 6);
	CHECK(writev(fd, v, 2) == 6 && taken() == 0);
	CHECK_ERRNO(writev(fd, v, 2), EFBIG);
	CHECK(taken() == 1);
	/* A write of no bytes is no error at any offset. */
	CHECK(write(fd, buf, 0) == 0 && pwrite(fd, buf, 0, LIMIT + 5) == 0);
	v[0].iov_len = v[1].iov_len = 0;
	CHECK(writev(fd, v, 2) == 0 && taken() == 0);
	/* With O_APPEND the position is the end of the file, not the offset. */
	CHECK(ftruncate(ap, LIMIT - 10) == 0);
	CHECK(pwrite(ap, buf, 20, 0) == 10 && taken() == 0);
	CHECK_ERRNO(pwrite(ap, buf, 20, 0), EFBIG);
	CHECK(taken() == 1 && write(ap, buf, 0) == 0 && taken() == 0);
	close(fd);
	close(ap);
	say("write");
}

/* Other kinds of files have no size to limit. */
static void
test_not_regular(void)
{
	static char buf[LIMIT * 4];
	int p[2], s[2], null = open("/dev/null", O_WRONLY);

	CHECK(pipe(p) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	CHECK(write(p[1], buf, sizeof(buf)) == sizeof(buf));
	CHECK(write(s[1], buf, sizeof(buf)) == sizeof(buf));
	CHECK(write(null, buf, sizeof(buf)) == sizeof(buf));
	CHECK(taken() == 0);
	for (int i = 0; i < 2; i++) {
		close(p[i]);
		close(s[i]);
	}
	close(null);
	say("pipes, sockets and devices");
}

static void
test_truncate(void)
{
	int fd = open(path, O_RDWR);

	CHECK(fd >= 0);
	CHECK(ftruncate(fd, LIMIT) == 0 && taken() == 0);
	CHECK_ERRNO(ftruncate(fd, LIMIT + 1), EFBIG);
	CHECK(taken() == 1 && size_of(fd) == LIMIT);
	CHECK_ERRNO(truncate(path, LIMIT + 1), EFBIG);
	CHECK(taken() == 1 && size_of(fd) == LIMIT);
	CHECK_ERRNO(fallocate(fd, 0, 0, LIMIT + 1), EFBIG);
	CHECK(taken() == 1 && size_of(fd) == LIMIT);
	CHECK(fallocate(fd, 0, 0, LIMIT) == 0 && taken() == 0);
	/* A file that is larger already may shrink, to any size. */
	set_limit(RLIM_INFINITY);
	CHECK(ftruncate(fd, LIMIT * 3) == 0);
	set_limit(LIMIT);
	CHECK(ftruncate(fd, LIMIT * 2) == 0 && truncate(path, LIMIT * 2) == 0);
	CHECK(fallocate(fd, 0, 0, LIMIT * 2) == 0);
	CHECK(taken() == 0 && size_of(fd) == LIMIT * 2);
	CHECK_ERRNO(ftruncate(fd, LIMIT * 2 + 1), EFBIG);
	CHECK(taken() == 1);
	CHECK(ftruncate(fd, 0) == 0);
	close(fd);
	say("truncate, ftruncate and fallocate");
}

static void
test_copy_file_range(void)
{
	int in = source_file(3000), out = empty_file(0);
	loff_t from = 0, to = LIMIT - 100;

	CHECK(copy_file_range(in, &from, out, &to, 500, 0) == 100);
	CHECK(from == 100 && to == LIMIT && taken() == 0);
	CHECK_ERRNO(copy_file_range(in, &from, out, &to, 500, 0), EFBIG);
	CHECK(from == 100 && to == LIMIT && taken() == 1);
	CHECK(size_of(out) == LIMIT);
	/* The position is checked before the length. */
	CHECK_ERRNO(copy_file_range(in, &from, out, &to, 0, 0), EFBIG);
	CHECK(taken() == 1);
	from = 5000;
	CHECK_ERRNO(copy_file_range(in, &from, out, &to, 10, 0), EFBIG);
	CHECK(taken() == 1);
	to = 0;
	CHECK(copy_file_range(in, &from, out, &to, 10, 0) == 0);
	CHECK(lseek(out, LIMIT, SEEK_SET) == LIMIT);
	CHECK_ERRNO(copy_file_range(in, NULL, out, NULL, 10, 0), EFBIG);
	CHECK(taken() == 1 && lseek(in, 0, SEEK_CUR) == 0);
	close(in);
	close(out);
	say("copy_file_range");
}

static void
test_sendfile(void)
{
	int in = source_file(3000), out = empty_file(0);
	off_t from = 0;

	CHECK(lseek(out, LIMIT - 100, SEEK_SET) == LIMIT - 100);
	CHECK(sendfile(out, in, &from, 500) == 100);
	CHECK(taken() == 1 && from == 100 && size_of(out) == LIMIT);
	CHECK_ERRNO(sendfile(out, in, &from, 500), EFBIG);
	CHECK(taken() == 1 && from == 100);
	CHECK(sendfile(out, in, &from, 0) == 0 && taken() == 0);
	from = 3000;
	CHECK(sendfile(out, in, &from, 10) == 0 && taken() == 0);
	CHECK_ERRNO(sendfile(out, in, NULL, 10), EFBIG);
	CHECK(taken() == 1 && lseek(in, 0, SEEK_CUR) == 0);
	close(in);
	close(out);
	say("sendfile");
}

static void
test_splice(void)
{
	char buf[300] = "";
	int out = empty_file(0), p[2];
	loff_t to = LIMIT - 100;

	CHECK(pipe(p) == 0 && write(p[1], buf, 300) == 300);
	CHECK(splice(p[0], NULL, out, &to, 300, 0) == 100 && to == LIMIT);
	CHECK(taken() == 1);
	CHECK_ERRNO(splice(p[0], NULL, out, &to, 300, 0), EFBIG);
	CHECK(taken() == 1 && read(p[0], buf, sizeof(buf)) == 200);
	close(p[0]);
	close(p[1]);
	close(out);
	say("splice");
}

/* O_APPEND of a target: only a pipe may have it. */
static void
test_append_targets(void)
{
	int in = source_file(100), ap = empty_file(O_APPEND), p[2], s[2];
	int null = open("/dev/null", O_WRONLY | O_APPEND);

	CHECK_ERRNO(sendfile(ap, in, NULL, 10), EINVAL);
	CHECK_ERRNO(sendfile(null, in, NULL, 10), EINVAL);
	CHECK_ERRNO(copy_file_range(in, NULL, ap, NULL, 10, 0), EBADF);
	CHECK(pipe(p) == 0 && socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	CHECK(fcntl(p[1], F_SETFL, O_APPEND) == 0);
	CHECK(sendfile(p[1], in, NULL, 10) == 10);
	CHECK(fcntl(s[1], F_SETFL, O_APPEND) == 0);
	CHECK_ERRNO(sendfile(s[1], in, NULL, 10), EINVAL);
	CHECK(fcntl(s[1], F_SETFL, 0) == 0);
	CHECK(sendfile(s[1], in, NULL, 10) == 10);
	CHECK(lseek(in, 0, SEEK_CUR) == 20 && size_of(ap) == 0);
	for (int i = 0; i < 2; i++) {
		close(p[i]);
		close(s[i]);
	}
	close(in);
	close(ap);
	close(null);
	say("O_APPEND");
}

int
main(void)
{
	struct sigaction sa = {.sa_sigaction = on_xfsz, .sa_flags = SA_SIGINFO};
	int fd = mkstemp(path);

	CHECK(fd >= 0 && sigaction(SIGXFSZ, &sa, NULL) == 0);
	close(fd);
	test_append_targets();
	set_limit(LIMIT);
	test_write();
	test_not_regular();
	test_truncate();
	test_copy_file_range();
	test_sendfile();
	test_splice();
	set_limit(RLIM_INFINITY);
	CHECK(unlink(path) == 0);
	return (0);
}
