/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Pipes and descriptors: large transfers between processes, atomic writes,
 * EPIPE, non-blocking ends, poll, select and epoll, dup, fcntl, close-on-exec,
 * eventfd and socketpair.
 */
#include "guest.h"

#include <grp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>

#define TOTAL (8 * MIB)

/* Writes bytes that depend on their position, in pieces of changing size. */
static void
produce(int fd)
{
	static unsigned char buf[70000];
	size_t done = 0, n, step = 1;
	ssize_t w;

	while (done < TOTAL) {
		n = step = step * 7 % 69997 + 1;
		if (n > TOTAL - done)
			n = TOTAL - done;
		for (size_t i = 0; i < n; i++)
			buf[i] =
			    (unsigned char)((done + i) * 2654435761u >> 13);
		for (size_t o = 0; o < n; o += (size_t)w) {
			w = write(fd, buf + o, n - o);
			CHECK(w > 0);
		}
		done += n;
	}
}

static void
consume(int fd)
{
	static unsigned char buf[50000];
	size_t done = 0, step = 3;
	ssize_t n;

	for (;;) {
		step = step * 11 % 49999 + 1;
		n = read(fd, buf, step);
		CHECK(n >= 0);
		if (n == 0)
			break;
		for (size_t i = 0; i < (size_t)n; i++)
			CHECK(buf[i] ==
			      (unsigned char)((done + i) * 2654435761u >> 13));
		done += (size_t)n;
	}
	CHECK(done == TOTAL);
}

static void
transfer(void)
{
	int p[2], q[2];
	pid_t a, b;

	CHECK(pipe(p) == 0 && pipe(q) == 0);
	a = fork();
	CHECK(a >= 0);
	if (a == 0) {
		close(p[0]), close(q[0]), close(q[1]);
		produce(p[1]);
		_exit(0);
	}
	b = fork();
	CHECK(b >= 0);
	if (b == 0) {
		static char buf[65536];
		ssize_t n, w;

		close(p[1]), close(q[0]);
		while ((n = read(p[0], buf, sizeof(buf))) > 0)
			for (ssize_t o = 0; o < n; o += w) {
				w = write(q[1], buf + o, (size_t)(n - o));
				CHECK(w > 0);
			}
		CHECK(n == 0);
		_exit(0);
	}
	close(p[0]), close(p[1]), close(q[1]);
	consume(q[0]);
	close(q[0]);
	wait_ok(a);
	wait_ok(b);
	say("%zu bytes through two pipes", TOTAL);
}

/* A write of up to PIPE_BUF bytes is atomic, whatever other processes write. */
static void
atomic(void)
{
	unsigned char rec[512];
	int p[2], counts[4] = {0};
	pid_t pid[4];
	ssize_t n;

	CHECK(pipe(p) == 0);
	for (int i = 0; i < 4; i++) {
		pid[i] = fork();
		CHECK(pid[i] >= 0);
		if (pid[i] == 0) {
			memset(rec, 'a' + i, sizeof(rec));
			for (int k = 0; k < 500; k++)
				CHECK(write(p[1], rec, sizeof(rec)) == 512);
			_exit(0);
		}
	}
	close(p[1]);
	for (;;) {
		size_t got = 0;

		while (got < sizeof(rec) &&
		       (n = read(p[0], rec + got, sizeof(rec) - got)) > 0)
			got += (size_t)n;
		if (got == 0)
			break;
		CHECK(got == sizeof(rec));
		for (size_t i = 1; i < sizeof(rec); i++)
			CHECK(rec[i] == rec[0]);
		counts[rec[0] - 'a']++;
	}
	for (int i = 0; i < 4; i++) {
		CHECK(counts[i] == 500);
		wait_ok(pid[i]);
	}
	close(p[0]);
	say("writes up to PIPE_BUF are atomic");
}

static volatile int pipes_broken;

static void
on_pipe(int sig, siginfo_t *si, void *uc)
{
	pipes_broken++;
}

static void
broken(void)
{
	int p[2], status;
	pid_t pid;
	char c;

	CHECK(pipe(p) == 0);
	close(p[0]);
	set_handler(SIGPIPE, on_pipe, 0);
	CHECK_ERRNO(write(p[1], "x", 1), EPIPE);
	CHECK(pipes_broken == 1);
	set_disposition(SIGPIPE, SIG_IGN);
	CHECK_ERRNO(write(p[1], "x", 1), EPIPE);
	set_disposition(SIGPIPE, SIG_DFL);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		(void)!write(p[1], "x", 1);
		_exit(0);
	}
	status = wait_status(pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
	close(p[1]);
	CHECK(pipe(p) == 0);
	close(p[1]);
	CHECK(read(p[0], &c, 1) == 0);
	CHECK_ERRNO(write(p[0], "x", 1), EBADF);
	CHECK_ERRNO(read(p[1], &c, 1), EBADF);
	CHECK_ERRNO(read(-1, &c, 1), EBADF);
	close(p[0]);
	say("EPIPE and SIGPIPE");
}

/* Reads and writes that are larger than what the kernel moves at a time. */
static void
large(void)
{
	const size_t size = MIB;
	char *buf = map_anon(size + PAGE), *back = map_anon(size);
	struct iovec iov[200];
	int p[2];
	pid_t pid;

	for (size_t i = 0; i < size + PAGE; i++)
		buf[i] = (char)(i * 7 / 5);
	CHECK(pipe(p) == 0);
	/* A pipe takes as much as its size says, from any address on. */
	CHECK(fcntl(p[1], F_SETPIPE_SZ, size) == (int)size);
	CHECK(write(p[1], buf + 5, size) == (ssize_t)size);
	CHECK(fcntl(p[1], F_SETFL, O_NONBLOCK) == 0);
	CHECK_ERRNO(write(p[1], buf, 1), EAGAIN);
	/* A read takes all that is there. */
	CHECK(read(p[0], back, size) == (ssize_t)size);
	CHECK(memcmp(buf + 5, back, size) == 0);
	CHECK(fcntl(p[1], F_SETFL, 0) == 0);
	memset(back, 0, size);
	for (int i = 0; i < 200; i++)
		iov[i] = (struct iovec){buf + (size_t)i * 100, 10};
	CHECK(writev(p[1], iov, 200) == 2000);
	for (int i = 0; i < 200; i++)
		iov[i].iov_base = back + (size_t)i * 100;
	CHECK(readv(p[0], iov, 200) == 2000);
	for (size_t i = 0; i < 200; i++)
		CHECK(memcmp(buf + i * 100, back + i * 100, 10) == 0);
	close(p[0]), close(p[1]);
	/* A reader that ends in the middle of a write: the signal comes, and
	 * the call returns what was written. */
	CHECK(pipe(p) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		close(p[1]);
		sleep_ms(30);
		CHECK(read(p[0], back, 5000) == 5000);
		_exit(0);
	}
	close(p[0]);
	pipes_broken = 0;
	set_handler(SIGPIPE, on_pipe, 0);
	CHECK(write(p[1], buf, size) < (ssize_t)size && pipes_broken == 1);
	set_disposition(SIGPIPE, SIG_DFL);
	wait_ok(pid);
	close(p[1]);
	CHECK(munmap(buf, size + PAGE) == 0 && munmap(back, size) == 0);
	say("large transfers");
}

static void
nonblocking(void)
{
	static char buf[PAGE];
	size_t total = 0;
	ssize_t n;
	int p[2];

	CHECK(pipe2(p, O_NONBLOCK | O_CLOEXEC) == 0);
	CHECK(fcntl(p[0], F_GETFL) == O_NONBLOCK);
	CHECK(fcntl(p[0], F_GETFD) == FD_CLOEXEC);
	CHECK_ERRNO(read(p[0], buf, 1), EAGAIN);
	while ((n = write(p[1], buf, sizeof(buf))) > 0)
		total += (size_t)n;
	CHECK(errno == EAGAIN && total == 65536);
	CHECK(read(p[0], buf, sizeof(buf)) == (ssize_t)sizeof(buf));
	CHECK(write(p[1], buf, sizeof(buf)) == (ssize_t)sizeof(buf));
	CHECK(fcntl(p[0], F_SETFL, 0) == 0 && fcntl(p[0], F_GETFL) == 0);
	CHECK(read(p[0], buf, 100) == 100);
	CHECK_ERRNO(lseek(p[0], 0, SEEK_CUR), ESPIPE);
	CHECK_ERRNO(pread(p[0], buf, 1, 0), ESPIPE);
	CHECK_ERRNO(read(p[0], BAD, 1), EFAULT);
	close(p[0]), close(p[1]);
	say("O_NONBLOCK");
}

static void
polling(void)
{
	struct timeval tv = {0, 0};
	struct pollfd pf[3];
	int p[2], q[2];
	fd_set r;
	char c;

	CHECK(pipe(p) == 0 && pipe(q) == 0);
	pf[0] = (struct pollfd){p[0], POLLIN, 0};
	pf[1] = (struct pollfd){q[1], POLLOUT, 0};
	pf[2] = (struct pollfd){-1, POLLIN, 0};
	CHECK(poll(pf, 1, 0) == 0 && poll(pf, 1, 10) == 0);
	CHECK(poll(pf, 3, -1) == 1 && pf[1].revents == POLLOUT);
	CHECK(write(p[1], "x", 1) == 1);
	CHECK(poll(pf, 3, 1000) == 2 && pf[0].revents == POLLIN);
	FD_ZERO(&r);
	FD_SET(p[0], &r);
	FD_SET(q[0], &r);
	CHECK(select(q[0] + 1, &r, NULL, NULL, &tv) == 1 &&
	      FD_ISSET(p[0], &r) && !FD_ISSET(q[0], &r));
	CHECK(read(p[0], &c, 1) == 1);
	close(p[1]);
	CHECK(poll(pf, 1, 0) == 1 && (pf[0].revents & POLLHUP));
	close(q[0]);
	CHECK(poll(pf + 1, 1, 0) == 1 && (pf[1].revents & POLLERR));
	pf[2].fd = 500;
	CHECK(poll(pf + 2, 1, 0) == 1 && pf[2].revents == POLLNVAL);
	close(p[0]), close(q[1]);
	say("poll and select");
}

static void
epolling(void)
{
	struct epoll_event ev = {.events = EPOLLIN}, out[4];
	int ep = epoll_create1(EPOLL_CLOEXEC), p[2], e;
	uint64_t v = 5;
	pid_t pid;
	char c;

	e = eventfd(0, 0);
	CHECK(ep >= 0 && e >= 0 && pipe(p) == 0);
	ev.data.u64 = 0x1234567890;
	CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev) == 0);
	CHECK_ERRNO(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev), EEXIST);
	ev.data.u64 = 42;
	CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, e, &ev) == 0);
	CHECK(epoll_wait(ep, out, 4, 0) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		sleep_ms(20);
		CHECK(write(p[1], "x", 1) == 1);
		_exit(0);
	}
	CHECK(epoll_wait(ep, out, 4, -1) == 1 &&
	      out[0].data.u64 == 0x1234567890 && out[0].events == EPOLLIN);
	wait_ok(pid);
	CHECK(write(e, &v, 8) == 8 && write(e, &v, 8) == 8);
	CHECK(epoll_wait(ep, out, 4, -1) == 2);
	CHECK(read(e, &v, 8) == 8 && v == 10 && read(p[0], &c, 1) == 1);
	CHECK(epoll_wait(ep, out, 4, 10) == 0);
	CHECK(epoll_ctl(ep, EPOLL_CTL_DEL, e, NULL) == 0);
	CHECK_ERRNO(epoll_ctl(ep, EPOLL_CTL_DEL, e, NULL), ENOENT);
	close(ep), close(e), close(p[0]), close(p[1]);
	say("epoll and eventfd");
}

static void
descriptors(void)
{
	char buf[16], path[32];
	struct iovec iov[3] = {{buf, 2}, {buf + 4, 3}, {buf + 8, 4}};
	int p[2], d, s[2];

	CHECK(pipe(p) == 0);
	d = dup(p[1]);
	CHECK(d > p[1]);
	CHECK(fcntl(p[1], F_SETFD, FD_CLOEXEC) == 0);
	/* The flag belongs to the descriptor, not to the file. */
	CHECK(fcntl(d, F_GETFD) == 0);
	CHECK(dup2(p[1], 77) == 77 && fcntl(77, F_GETFD) == 0);
	CHECK(dup2(p[1], p[1]) == p[1] && fcntl(p[1], F_GETFD) == FD_CLOEXEC);
	CHECK(dup3(p[1], 78, O_CLOEXEC) == 78);
	CHECK_ERRNO(dup3(p[1], p[1], 0), EINVAL);
	CHECK_ERRNO(dup2(999, 5), EBADF);
	CHECK_ERRNO(dup2(p[1], -1), EBADF);
	CHECK(fcntl(p[1], F_DUPFD, 80) == 80);
	CHECK(fcntl(p[1], F_DUPFD_CLOEXEC, 80) == 81);
	CHECK(write(80, "0123456789", 10) == 10);
	CHECK(readv(p[0], iov, 3) == 9);
	CHECK(memcmp(buf, "01", 2) == 0 && memcmp(buf + 4, "234", 3) == 0 &&
	      memcmp(buf + 8, "5678", 4) == 0);
	CHECK(close(80) == 0);
	CHECK_ERRNO(close(80), EBADF);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", p[0]);
	CHECK(readlink(path, buf, 5) == 5 && memcmp(buf, "pipe:", 5) == 0);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	CHECK(write(s[0], "ping", 4) == 4 && read(s[1], buf, 16) == 4);
	CHECK(write(s[1], "pong", 4) == 4 && read(s[0], buf, 16) == 4);
	CHECK(memcmp(buf, "pong", 4) == 0);
	close(s[0]);
	CHECK(read(s[1], buf, 16) == 0);
	close(s[1]);
	say("descriptors");
}

static void
is_pipe_of(int fd, uid_t uid, gid_t gid, mode_t mode)
{
	struct stat st;

	CHECK(fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode));
	CHECK(st.st_uid == uid && st.st_gid == gid);
	CHECK((st.st_mode & 07777) == mode);
}

/* As a user, with a pipe of root. */
static void
user_pipe(void *arg)
{
	const gid_t more = 1002;
	int *theirs = arg, p[2];

	if (geteuid() != 0)
		return;
	CHECK(setgroups(1, &more) == 0 && setresgid(1001, 1001, 1001) == 0);
	CHECK(setresuid(1000, 1000, 1000) == 0);
	CHECK(pipe(p) == 0);
	is_pipe_of(p[0], 1000, 1001, 0600);
	is_pipe_of(p[1], 1000, 1001, 0600);
	CHECK(fchmod(p[0], 0640) == 0);
	is_pipe_of(p[1], 1000, 1001, 0640);
	CHECK(fchown(p[1], -1, 1002) == 0 && fchown(p[1], 1000, -1) == 0);
	is_pipe_of(p[0], 1000, 1002, 0640);
	CHECK_ERRNO(fchown(p[0], 1001, -1), EPERM);
	CHECK_ERRNO(fchown(p[0], -1, 1003), EPERM);
	CHECK_ERRNO(fchmod(theirs[0], 0666), EPERM);
	CHECK_ERRNO(fchown(theirs[0], 1000, -1), EPERM);
	is_pipe_of(theirs[1], 0, 5, 0604);
}

/* Owner and mode are those of the pipe, the same at both ends. */
static void
attributes(void)
{
	char path[32];
	int p[2], fd;

	CHECK(pipe(p) == 0);
	is_pipe_of(p[0], geteuid(), getegid(), 0600);
	is_pipe_of(p[1], geteuid(), getegid(), 0600);
	CHECK(fchmod(p[1], 0604) == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", p[0]);
	fd = open(path, O_RDONLY);
	CHECK(fd >= 0);
	is_pipe_of(fd, geteuid(), getegid(), 0604);
	if (geteuid() == 0) {
		CHECK(fchown(fd, -1, 5) == 0);
		is_pipe_of(p[1], 0, 5, 0604);
	}
	in_child(user_pipe, p);
	close(fd), close(p[0]);
	is_pipe_of(p[1], geteuid(), geteuid() == 0 ? 5 : getegid(), 0604);
	close(p[1]);
	say("owner and mode");
}

int
main(void)
{
	transfer();
	atomic();
	broken();
	large();
	nonblocking();
	polling();
	epolling();
	descriptors();
	attributes();
	return (0);
}
