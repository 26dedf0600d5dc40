/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * epoll: registrations by file and descriptor, their ends, edge-triggered and
 * one-shot ones, many events in one call, nested instances, files that cannot
 * be registered.
 */
#include "guest.h"

#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

static int
add(int ep, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event ev = {.events = events, .data.u64 = data};

	return (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev));
}

static int
mod(int ep, int fd, uint32_t events, uint64_t data)
{
	struct epoll_event ev = {.events = events, .data.u64 = data};

	return (epoll_ctl(ep, EPOLL_CTL_MOD, fd, &ev));
}

/* The sum of the data of the events that are ready now. */
static uint64_t
ready(int ep)
{
	struct epoll_event out[16];
	uint64_t sum = 0;
	int n = epoll_wait(ep, out, 16, 0);

	CHECK(n >= 0);
	for (int i = 0; i < n; i++)
		sum += out[i].data.u64;
	return (sum);
}

/* Wait until the sum is this. */
static bool
becomes(int ep, uint64_t sum)
{
	for (int ms = 0; ready(ep) != sum; ms++) {
		if (ms == 5000)
			return (false);
		sleep_ms(1);
	}
	return (true);
}

static int
instance(void)
{
	int ep = epoll_create1(0);

	CHECK(ep >= 0);
	return (ep);
}

static void
duplicates(void)
{
	int ep = instance(), s[2], d, e;
	char c;

	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	d = dup(s[0]);
	CHECK(d >= 0);
	CHECK(add(ep, s[0], EPOLLIN, 1) == 0);
	CHECK(add(ep, d, EPOLLOUT, 2) == 0);
	CHECK_ERRNO(add(ep, d, EPOLLOUT, 2), EEXIST);
	CHECK_ERRNO(add(ep, s[0], EPOLLOUT, 2), EEXIST);
	CHECK(ready(ep) == 2);
	CHECK(write(s[1], "x", 1) == 1 && ready(ep) == 3);
	/* Each has events and data of its own. */
	CHECK(mod(ep, d, EPOLLIN, 10) == 0 && ready(ep) == 11);
	/* The file is still open: closing a descriptor removes nothing. */
	CHECK(close(s[0]) == 0 && ready(ep) == 11);
	CHECK(epoll_ctl(ep, EPOLL_CTL_DEL, d, NULL) == 0 && ready(ep) == 1);
	CHECK_ERRNO(mod(ep, d, EPOLLIN, 1), ENOENT);
	/* The same number for another file is another registration. */
	CHECK(eventfd(1, 0) == s[0]);
	e = dup(s[0]);
	CHECK(e >= 0);
	CHECK_ERRNO(mod(ep, s[0], EPOLLIN, 1), ENOENT);
	CHECK(add(ep, s[0], EPOLLIN, 100) == 0 && ready(ep) == 101);
	CHECK(add(ep, d, EPOLLIN, 20) == 0 && ready(ep) == 121);
	/* The last descriptor of the file takes both its registrations. */
	CHECK(close(d) == 0 && ready(ep) == 100);
	CHECK(read(s[1], &c, 1) <= 0);
	CHECK(close(s[0]) == 0 && ready(ep) == 100);
	CHECK(close(e) == 0 && ready(ep) == 0);
	close(s[1]), close(ep);
	say("duplicates");
}

/* Both ends of a pipe are seen by the other one when its last descriptor is
 * closed, although it is in an instance. */
static void
hangup(void)
{
	int ep = instance(), p[2], d;
	char path[32];
	char c;

	CHECK(pipe(p) == 0);
	d = dup(p[1]);
	CHECK(add(ep, p[1], EPOLLOUT, 1) == 0 && add(ep, d, EPOLLOUT, 2) == 0);
	CHECK(ready(ep) == 3);
	CHECK(close(p[1]) == 0 && close(d) == 0);
	CHECK(ready(ep) == 0 && read(p[0], &c, 1) == 0);
	close(p[0]);
	/* Opened again, it is another file. */
	CHECK(pipe(p) == 0 && write(p[1], "x", 1) == 1);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", p[0]);
	d = open(path, O_RDONLY);
	CHECK(d >= 0 && add(ep, p[0], EPOLLIN, 1) == 0);
	CHECK(add(ep, d, EPOLLIN, 2) == 0 && ready(ep) == 3);
	CHECK(close(d) == 0 && ready(ep) == 1);
	CHECK(close(p[0]) == 0 && ready(ep) == 0);
	close(p[1]);
	/* An instance goes, and its files stay usable. */
	CHECK(pipe(p) == 0);
	d = dup(p[0]);
	CHECK(add(ep, p[0], EPOLLIN, 1) == 0 && add(ep, d, EPOLLIN, 1) == 0);
	close(ep);
	CHECK(write(p[1], "y", 1) == 1 && read(d, &c, 1) == 1 && c == 'y');
	close(p[0]), close(p[1]), close(d);
	say("hang-up and close");
}

static void
triggers(void)
{
	int ep = instance(), p[2], d;
	struct epoll_event out[4];
	char c[2];

	CHECK(pipe(p) == 0);
	d = dup(p[0]);
	CHECK(add(ep, p[0], EPOLLIN | EPOLLET, 1) == 0);
	CHECK(add(ep, d, EPOLLIN | EPOLLONESHOT, 2) == 0);
	CHECK(ready(ep) == 0);
	CHECK(write(p[1], "a", 1) == 1);
	CHECK(ready(ep) == 3 && ready(ep) == 0);
	CHECK(write(p[1], "b", 1) == 1);
	CHECK(ready(ep) == 1 && ready(ep) == 0);
	CHECK(mod(ep, d, EPOLLIN | EPOLLONESHOT, 2) == 0);
	CHECK(ready(ep) == 2 && ready(ep) == 0);
	CHECK(read(p[0], c, 2) == 2);
	CHECK(mod(ep, d, 0, 4) == 0 && ready(ep) == 0);
	CHECK(close(p[1]) == 0);
	/* Errors and hang-ups need not be asked for. */
	CHECK(epoll_wait(ep, out, 4, 1000) == 2);
	CHECK(((out[0].events | out[1].events) & EPOLLHUP) != 0);
	close(p[0]), close(d), close(ep);
	say("edges, one shot");
}

/* One call returns all that is ready; smaller calls take turns. */
static void
many(void)
{
	static struct epoll_event out[400];
	int ep = instance(), e[300];
	uint8_t seen[300] = {0};
	int n, total = 0;

	for (int i = 0; i < 300; i++) {
		e[i] = eventfd(1, 0);
		CHECK(e[i] >= 0);
		CHECK(add(ep, e[i], EPOLLIN, (uint64_t)i) == 0);
	}
	CHECK(epoll_wait(ep, out, 400, 1000) == 300);
	for (int i = 0; i < 300; i++) {
		CHECK(out[i].data.u64 < 300 && out[i].events == EPOLLIN);
		seen[out[i].data.u64]++;
	}
	for (int i = 0; i < 300; i++)
		CHECK(seen[i] == 1);
	for (int k = 0; k < 30; k++) {
		n = epoll_wait(ep, out, 10, 1000);
		CHECK(n == 10);
		for (int i = 0; i < n; i++)
			total += ++seen[out[i].data.u64] == 2;
	}
	CHECK(total == 300);
	CHECK_ERRNO(epoll_wait(ep, BAD, 400, 1000), EFAULT);
	CHECK_ERRNO(epoll_wait(ep, out, 0, 0), EINVAL);
	CHECK_ERRNO(epoll_wait(ep, out, -1, 0), EINVAL);
	for (int i = 0; i < 300; i++)
		close(e[i]);
	CHECK(epoll_wait(ep, out, 400, 0) == 0);
	close(ep);
	say("many events");
}

static void
nested(void)
{
	int ep[8], p[2], loop[2];

	for (int i = 0; i < 8; i++)
		ep[i] = instance();
	CHECK(pipe(p) == 0);
	CHECK(add(ep[0], p[0], EPOLLIN, 1) == 0);
	CHECK(add(ep[1], ep[0], EPOLLIN, 2) == 0);
	CHECK(add(ep[2], ep[1], EPOLLIN, 3) == 0);
	CHECK(ready(ep[2]) == 0 && write(p[1], "x", 1) == 1);
	CHECK(ready(ep[2]) == 3 && ready(ep[1]) == 2 && ready(ep[0]) == 1);
	CHECK_ERRNO(add(ep[0], ep[2], EPOLLIN, 4), ELOOP);
	CHECK_ERRNO(add(ep[0], ep[0], EPOLLIN, 4), EINVAL);
	CHECK(add(ep[3], ep[2], EPOLLIN, 4) == 0);
	CHECK(add(ep[4], ep[3], EPOLLIN, 5) == 0);
	CHECK_ERRNO(add(ep[5], ep[4], EPOLLIN, 6), ELOOP);
	CHECK_ERRNO(add(ep[6], ep[0], EPOLLIN | EPOLLEXCLUSIVE, 6), EINVAL);
	CHECK(close(ep[0]) == 0 && ready(ep[2]) == 0);
	for (int i = 1; i < 8; i++)
		close(ep[i]);
	/* A refused loop left nothing behind. */
	loop[0] = instance(), loop[1] = instance();
	CHECK(add(loop[0], loop[1], EPOLLIN, 1) == 0);
	CHECK_ERRNO(add(loop[1], loop[0], EPOLLIN, 1), ELOOP);
	CHECK(epoll_ctl(loop[0], EPOLL_CTL_DEL, loop[1], NULL) == 0);
	CHECK(add(loop[1], loop[0], EPOLLIN, 1) == 0);
	close(loop[0]), close(loop[1]), close(p[0]), close(p[1]);
	say("nested");
}

static void
refused(void)
{
	struct epoll_event ev = {.events = EPOLLIN};
	int ep = instance(), e = eventfd(0, 0), f, o;

	f = open("file", O_RDWR | O_CREAT, 0600);
	CHECK(e >= 0 && f >= 0);
	CHECK_ERRNO(add(ep, f, EPOLLIN, 0), EPERM);
	CHECK_ERRNO(mod(ep, f, EPOLLIN, 0), EPERM);
	o = open(".", O_RDONLY | O_DIRECTORY);
	CHECK(o >= 0);
	CHECK_ERRNO(add(ep, o, EPOLLIN, 0), EPERM);
	close(o);
	o = open("file", O_PATH);
	CHECK(o >= 0);
	CHECK_ERRNO(add(ep, o, EPOLLIN, 0), EBADF);
	CHECK_ERRNO(epoll_ctl(o, EPOLL_CTL_ADD, e, &ev), EBADF);
	CHECK_ERRNO(epoll_wait(o, &ev, 1, 0), EBADF);
	CHECK_ERRNO(epoll_ctl(f, EPOLL_CTL_ADD, e, &ev), EINVAL);
	CHECK_ERRNO(epoll_ctl(e, EPOLL_CTL_ADD, ep, &ev), EINVAL);
	CHECK_ERRNO(epoll_wait(e, &ev, 1, 0), EINVAL);
	CHECK_ERRNO(epoll_ctl(ep, 17, e, &ev), EINVAL);
	CHECK_ERRNO(epoll_ctl(ep, 17, f, &ev), EPERM);
	CHECK_ERRNO(epoll_ctl(ep, EPOLL_CTL_ADD, e, BAD), EFAULT);
	CHECK_ERRNO(epoll_ctl(ep, EPOLL_CTL_ADD, 999, &ev), EBADF);
	CHECK_ERRNO(epoll_ctl(999, EPOLL_CTL_ADD, e, &ev), EBADF);
	CHECK_ERRNO(mod(ep, e, EPOLLIN, 0), ENOENT);
	CHECK(add(ep, e, EPOLLIN | EPOLLEXCLUSIVE, 1) == 0);
	CHECK_ERRNO(mod(ep, e, EPOLLIN, 0), EINVAL);
	CHECK_ERRNO(mod(ep, e, EPOLLIN | EPOLLEXCLUSIVE, 0), EINVAL);
	CHECK_ERRNO(read(ep, &ev, sizeof(ev)), EINVAL);
	close(f), close(o), close(e), close(ep);
	CHECK(unlink("file") == 0);
	say("refused");
}

/* Two signalfds, which a process waits for in one instance. */
static void
signalfds(void)
{
	int ep = instance(), s[2], d;
	sigset_t set[2];
	pid_t pid;

	for (int i = 0; i < 2; i++) {
		sigemptyset(&set[i]);
		sigaddset(&set[i], i == 0 ? SIGUSR1 : SIGUSR2);
		CHECK(sigprocmask(SIG_BLOCK, &set[i], NULL) == 0);
		s[i] = signalfd(-1, &set[i], 0);
		CHECK(s[i] >= 0);
		CHECK(add(ep, s[i], EPOLLIN, (uint64_t)i + 1) == 0);
	}
	d = dup(s[1]);
	CHECK(add(ep, d, EPOLLIN, 4) == 0 && ready(ep) == 0);
	CHECK(kill(getpid(), SIGUSR2) == 0 && ready(ep) == 6);
	CHECK(kill(getpid(), SIGUSR1) == 0 && ready(ep) == 7);
	CHECK(close(s[1]) == 0 && ready(ep) == 7);
	CHECK(close(d) == 0 && ready(ep) == 1);
	/* A child that registers, and exits, leaves nothing dangling. */
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(epoll_ctl(ep, EPOLL_CTL_DEL, s[0], NULL) == 0);
		CHECK(add(ep, s[0], EPOLLIN, 1) == 0);
		_exit(0);
	}
	wait_ok(pid);
	for (int i = 0; i < 20; i++) {
		d = eventfd(1, 0);
		CHECK(d >= 0 && add(ep, d, EPOLLIN, 8) == 0);
		CHECK((ready(ep) & ~(uint64_t)1) == 8 && close(d) == 0);
	}
	CHECK(epoll_ctl(ep, EPOLL_CTL_DEL, s[0], NULL) == 0);
	CHECK(ready(ep) == 0);
	close(s[0]), close(ep);
	say("signalfds");
}

/* The master of a pty stays registered when the slave is opened again. */
static void
terminal(void)
{
	int ep = instance(), m = open("/dev/ptmx", O_RDWR | O_NOCTTY), s, d;
	struct epoll_event out[4];
	const char *name;
	char c;

	CHECK(m >= 0 && unlockpt(m) == 0);
	d = dup(m);
	name = ptsname(m);
	CHECK(name != NULL && d >= 0);
	s = open(name, O_RDWR | O_NOCTTY);
	CHECK(s >= 0);
	CHECK(add(ep, m, EPOLLIN, 1) == 0 && add(ep, d, EPOLLIN, 2) == 0);
	for (int i = 0; i < 3; i++) {
		CHECK(ready(ep) == 0);
		CHECK(write(s, "x", 1) == 1 && becomes(ep, 3));
		CHECK(read(m, &c, 1) == 1 && c == 'x' && ready(ep) == 0);
		CHECK(close(s) == 0 && becomes(ep, 3));
		CHECK(epoll_wait(ep, out, 4, 1000) == 2);
		CHECK((out[0].events & EPOLLHUP) != 0);
		s = open(name, O_RDWR | O_NOCTTY);
		CHECK(s >= 0);
	}
	CHECK(mod(ep, m, EPOLLIN, 10) == 0 && write(s, "y", 1) == 1);
	CHECK(becomes(ep, 12));
	close(m), close(d), close(s);
	CHECK(ready(ep) == 0);
	close(ep);
	say("a terminal that is opened again");
}

static int churn_ep, churn_end[2];

static void *
churn(void *arg)
{
	uint64_t n = (uint64_t)(uintptr_t)arg;
	int d;

	for (int i = 0; i < 300; i++) {
		d = dup(churn_end[n & 1]);
		CHECK(d >= 0);
		if (add(churn_ep, d, EPOLLIN | EPOLLOUT, n) == 0 && (i & 1))
			(void)epoll_ctl(churn_ep, EPOLL_CTL_DEL, d, NULL);
		CHECK(close(d) == 0);
		(void)ready(churn_ep);
	}
	return (NULL);
}

/* Registrations come and go from several threads, also by the close of their
 * file or of the instance. */
static void
threads(void)
{
	pthread_t t[4];

	for (int round = 0; round < 3; round++) {
		churn_ep = instance();
		CHECK(pipe(churn_end) == 0);
		for (uintptr_t i = 0; i < 4; i++)
			CHECK(
			    pthread_create(&t[i], NULL, churn, (void *)i) == 0);
		for (int i = 0; i < 4; i++)
			CHECK(pthread_join(t[i], NULL) == 0);
		if (round & 1)
			close(churn_ep);
		close(churn_end[0]), close(churn_end[1]);
		if (!(round & 1)) {
			CHECK(ready(churn_ep) == 0);
			close(churn_ep);
		}
	}
	say("threads");
}

int
main(void)
{
	scratch_enter("epoll");
	duplicates();
	hangup();
	triggers();
	many();
	nested();
	refused();
	signalfds();
	terminal();
	threads();
	scratch_remove();
	return (0);
}
