/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Asynchronous I/O: io_setup, io_submit, io_getevents, io_pgetevents,
 * io_cancel, io_destroy, and the ring that programs read without a call.
 */
#include "guest.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#define PREAD 0
#define PWRITE 1
#define FSYNC 2
#define FDSYNC 3
#define POLL 5
#define NOOP 6
#define PREADV 7
#define PWRITEV 8
#define RESFD 1
#define IOPRIO 2

struct iocb {
	uint64_t data;
	uint32_t key, rw_flags;
	uint16_t opcode;
	int16_t reqprio;
	uint32_t fd;
	uint64_t buf, nbytes;
	int64_t offset;
	uint64_t reserved2;
	uint32_t flags, resfd;
};

struct event {
	uint64_t data, obj;
	int64_t res, res2;
};

struct ring {
	uint32_t id, nr;
	volatile uint32_t head, tail;
	uint32_t magic, compat, incompat, header_length;
	struct event ev[];
};

struct sigarg {
	const void *mask;
	size_t size;
};

static struct event ev[256];
static const struct timespec now = {0, 0}, some = {20, 0};

static uint64_t
setup(unsigned n)
{
	uint64_t c = 0;

	CHECK(syscall(SYS_io_setup, n, &c) == 0 && c != 0);
	return (c);
}

static struct iocb
request(int op, int fd, const void *buf, size_t n, int64_t off)
{
	return ((struct iocb){.data = 7,
	    .key = 9,
	    .opcode = (uint16_t)op,
	    .fd = (uint32_t)fd,
	    .buf = (uintptr_t)buf,
	    .nbytes = n,
	    .offset = off});
}

static long
submit(uint64_t c, struct iocb *io)
{
	return (syscall(SYS_io_submit, c, 1L, &io));
}

static long
events(uint64_t c, long min, long n, const struct timespec *t)
{
	return (syscall(SYS_io_getevents, c, min, n, ev, t));
}

/* The request ends with this result. */
static void
ends(uint64_t c, struct iocb *io, int64_t res)
{
	memset(ev, 1, sizeof(ev));
	CHECK(events(c, 1, 2, &some) == 1);
	CHECK(ev[0].data == io->data && ev[0].obj == (uintptr_t)io);
	if (ev[0].res != res)
		say("result %ld, want %ld", (long)ev[0].res, (long)res);
	CHECK(ev[0].res == res && ev[0].res2 == 0);
}

static void
runs(uint64_t c, struct iocb io, int64_t res)
{
	CHECK(submit(c, &io) == 1);
	CHECK(io.key == 0);
	ends(c, &io, res);
}

static void
refused(uint64_t c, struct iocb io, int want)
{
	CHECK_ERRNO(submit(c, &io), want);
	CHECK(events(c, 0, 1, &now) == 0);
}

static void
contexts(void)
{
	uint64_t c = 0, one = 1;
	struct ring *r;
	char b[8];
	pid_t pid;
	int st;

	CHECK_ERRNO(syscall(SYS_io_setup, 0, &c), EINVAL);
	CHECK_ERRNO(syscall(SYS_io_setup, 0, BAD), EFAULT);
	CHECK_ERRNO(syscall(SYS_io_setup, 1, &one), EINVAL);
	CHECK_ERRNO(syscall(SYS_io_setup, 70000, &c), EAGAIN);
	CHECK_ERRNO(syscall(SYS_io_setup, 0x7fffffff, &c), EINVAL);
	CHECK_ERRNO(syscall(SYS_io_destroy, 0L), EINVAL);
	CHECK_ERRNO(syscall(SYS_io_destroy, (long)(uintptr_t)b), EINVAL);
	c = setup(4);
	r = (struct ring *)(uintptr_t)c;
	CHECK(r->magic == 0xa10a10a1 && r->compat == 1 && r->incompat == 0);
	CHECK(r->header_length == 32 && r->nr >= 8);
	CHECK(r->head == 0 && r->tail == 0);
	/* A fork does not inherit it. */
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK_ERRNO(syscall(SYS_io_destroy, c), EINVAL);
		CHECK_ERRNO(events(c, 0, 1, &now), EINVAL);
		CHECK(r->magic == 0xa10a10a1); /* the mapping is */
		c = setup(4);
		_exit(0); /* with a context */
	}
	CHECK(waitpid(pid, &st, 0) == pid && st == 0);
	CHECK(syscall(SYS_io_destroy, c) == 0);
	CHECK_ERRNO(msync(r, PAGE, MS_ASYNC), ENOMEM);
	CHECK_ERRNO(syscall(SYS_io_destroy, c), EINVAL);
	say("contexts");
}

static void
transfers(void)
{
	char name[] = "/tmp/aioXXXXXX", buf[64] = "hello, world", in[64];
	int fd = mkstemp(name), ro, wo, dir = open("/", O_RDONLY);
	struct iovec iov[2] = {{buf, 5}, {buf + 5, 7}};
	struct iovec back[2] = {{in, 3}, {in + 3, 9}};
	uint64_t c = setup(8);
	struct iocb io;

	CHECK(fd >= 0 && dir >= 0);
	ro = open(name, O_RDONLY);
	wo = open(name, O_WRONLY);
	runs(c, request(PWRITE, fd, buf, 12, 0), 12);
	runs(c, request(PREAD, ro, in, 64, 7), 5);
	CHECK(memcmp(in, "world", 5) == 0);
	runs(c, request(PREAD, fd, in, 64, 12), 0);
	runs(c, request(PWRITEV, wo, iov, 2, 100), 12);
	runs(c, request(PREADV, fd, back, 2, 100), 12);
	CHECK(memcmp(in, buf, 12) == 0);
	CHECK(lseek(fd, 0, SEEK_CUR) == 0);
	runs(c, request(FSYNC, fd, NULL, 0, 0), 0);
	runs(c, request(FDSYNC, fd, NULL, 0, 0), 0);
	runs(c, request(PREAD, fd, BAD, 8, 0), -EFAULT);
	runs(c, request(PWRITEV, fd, iov, 0, 0), 0);
	io = request(PWRITE, fd, "end", 3, 0);
	io.rw_flags = 0x10; /* RWF_APPEND */
	runs(c, io, 3);
	CHECK(pread(fd, in, 64, 100) == 15 && memcmp(in + 12, "end", 3) == 0);
	io = request(PWRITE, fd, "x", 1, 0);
	io.rw_flags = 0x2; /* RWF_DSYNC */
	io.flags = IOPRIO;
	io.reqprio = 2 << 13 | 4;
	runs(c, io, 1);

	refused(c, request(PREAD, -1, in, 1, 0), EBADF);
	refused(c, request(PREAD, wo, in, 1, 0), EBADF);
	refused(c, request(PWRITE, ro, in, 1, 0), EBADF);
	refused(c, request(PREAD, dir, in, 1, 0), EINVAL);
	refused(c, request(PREAD, fd, in, 1, -1), EINVAL);
	refused(c, request(PREAD, fd, in, 5, INT64_MAX - 1), EINVAL);
	refused(c, request(PREAD, fd, in, SIZE_MAX, 0), EINVAL);
	refused(c, request(NOOP, fd, in, 1, 0), EINVAL);
	refused(c, request(99, fd, in, 1, 0), EINVAL);
	refused(c, request(PREADV, fd, back, 2000, 0), EINVAL);
	refused(c, request(PREADV, fd, BAD, 1, 0), EFAULT);
	refused(c, request(FSYNC, fd, NULL, 1, 0), EINVAL);
	refused(c, request(FSYNC, fd, in, 0, 0), EINVAL);
	io = request(PREAD, fd, in, 1, 0);
	io.reserved2 = 1;
	refused(c, io, EINVAL);
	io.reserved2 = 0;
	io.rw_flags = 0x40000000;
	refused(c, io, EOPNOTSUPP);
	io.rw_flags = 0;
	io.flags = IOPRIO;
	io.reqprio = (int16_t)(7 << 13);
	refused(c, io, EINVAL);
	CHECK(syscall(SYS_io_destroy, c) == 0);
	close(fd), close(ro), close(wo), close(dir), unlink(name);
	say("transfers");
}

static void
lists(void)
{
	struct iocb a = request(POLL, 0, (void *)POLLOUT, 0, 0), b = a;
	uint64_t c = setup(64), i, n;
	struct iocb *list[70] = {&a, &b, BAD};
	int p[2];

	CHECK(pipe(p) == 0);
	a.fd = b.fd = (uint32_t)p[1];
	CHECK(syscall(SYS_io_submit, c, 0L, list) == 0);
	CHECK_ERRNO(syscall(SYS_io_submit, c, -1L, list), EINVAL);
	CHECK_ERRNO(syscall(SYS_io_submit, c, 1L, BAD), EFAULT);
	CHECK_ERRNO(syscall(SYS_io_submit, 0L, 1L, list), EINVAL);
	CHECK_ERRNO(syscall(SYS_io_submit, c, 1L, list + 2), EFAULT);
	CHECK(syscall(SYS_io_submit, c, 3L, list) == 2);
	/* None is taken by a call that fails. */
	CHECK_ERRNO(syscall(SYS_io_getevents, c, 1L, 2L, BAD, &now), EFAULT);
	CHECK(events(c, 0, 0, &now) == 0);
	CHECK(events(c, 1, 1, &now) == 1 && ev[0].obj == (uintptr_t)&a);
	CHECK(events(c, 1, 9, &now) == 1 && ev[0].obj == (uintptr_t)&b);
	CHECK_ERRNO(events(c, -1, 1, &now), EINVAL);
	CHECK_ERRNO(events(c, 2, 1, &now), EINVAL);
	CHECK_ERRNO(events(0, 0, 1, &now), EINVAL);
	CHECK_ERRNO(events(c, 0, 1, BAD), EFAULT);
	CHECK_ERRNO(events(0, 2, 1, BAD), EFAULT);
	/* Slots are taken until their events are. */
	for (n = 0; submit(c, &a) == 1; n++)
		continue;
	CHECK(errno == EAGAIN && n >= 64);
	CHECK(n < ((struct ring *)(uintptr_t)c)->nr);
	for (i = 0; i < n;) {
		long got = events(c, 1, 50, &now);

		CHECK(got > 0);
		i += (uint64_t)got;
	}
	CHECK(i == n && events(c, 0, 1, &now) == 0);
	for (i = 0; i < 1000; i++) {
		CHECK(submit(c, &a) == 1);
		CHECK(events(c, 1, 1, NULL) == 1);
	}
	CHECK(syscall(SYS_io_destroy, c) == 0);
	close(p[0]), close(p[1]);
	say("lists");
}

/* Take an event as libaio and fio do, without a call. */
static bool
ring_take(struct ring *r, struct event *out)
{
	uint32_t head = r->head;

	if (head == r->tail)
		return (false);
	__sync_synchronize();
	*out = r->ev[head];
	r->head = (head + 1) % r->nr;
	return (true);
}

static void
rings(void)
{
	struct iocb io = request(POLL, 0, (void *)POLLOUT, 0, 0);
	uint64_t c = setup(16);
	struct ring *r = (struct ring *)(uintptr_t)c;
	struct event e;
	int p[2];

	CHECK(pipe(p) == 0);
	io.fd = (uint32_t)p[1];
	for (io.data = 0; io.data < 3 * r->nr; io.data++) {
		CHECK(submit(c, &io) == 1);
		CHECK(ring_take(r, &e) && e.data == io.data);
		CHECK(e.obj == (uintptr_t)&io && (e.res & POLLOUT) != 0);
		CHECK(!ring_take(r, &e));
	}
	CHECK(events(c, 0, 1, &now) == 0);
	/* A later event appears there, too. */
	io = request(POLL, p[0], (void *)POLLIN, 0, 0);
	CHECK(submit(c, &io) == 1 && !ring_take(r, &e));
	CHECK(write(p[1], "x", 1) == 1);
	while (!ring_take(r, &e))
		sched_yield();
	CHECK(e.obj == (uintptr_t)&io && (e.res & POLLIN) != 0);
	/* What is written to the ring harms its program only. */
	r->head = 0x7fffffff;
	r->tail = 0xfffffff0;
	r->nr = 3;
	r->magic = 0;
	CHECK(submit(c, &io) == 1 || errno == EAGAIN);
	CHECK(events(c, 0, 200, &now) >= 0);
	r->id += 5;
	CHECK_ERRNO(submit(c, &io), EINVAL);
	CHECK_ERRNO(syscall(SYS_io_destroy, c), EINVAL);
	r->id -= 5;
	/* It may be read-only or lie elsewhere, but not be absent. */
	CHECK(mprotect(r, PAGE, PROT_READ) == 0);
	while (events(c, 0, 200, &now) > 0)
		continue;
	CHECK(submit(c, &io) == 1 && events(c, 1, 1, &some) == 1);
	CHECK(munmap(r, PAGE) == 0);
	CHECK_ERRNO(submit(c, &io), EINVAL);
	c = setup(1);
	CHECK(submit(c, &io) == 1 && events(c, 1, 1, &some) == 1);
	CHECK(syscall(SYS_io_destroy, c) == 0);
	close(p[0]), close(p[1]);
	say("the ring");
}

static void
polls(void)
{
	struct iocb io, many[20];
	int p[2], s[2], fd = open("/", O_RDONLY), efd = eventfd(0, 0);
	uint64_t c = setup(32), v;

	CHECK(pipe(p) == 0 && efd >= 0);
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
	/* A file that is always ready, and one that never will be. */
	runs(c, request(POLL, fd, (void *)POLLIN, 0, 0), POLLIN);
	refused(c, request(POLL, fd, (void *)POLLPRI, 0, 0), EINVAL);
	refused(c, request(POLL, fd, (void *)0x10001, 0, 0), EINVAL);
	refused(c, request(POLL, p[0], (void *)POLLIN, 1, 0), EINVAL);
	refused(c, request(POLL, p[0], (void *)POLLIN, 0, 1), EINVAL);
	io = request(POLL, p[0], (void *)POLLIN, 0, 0);
	CHECK(submit(c, &io) == 1 && events(c, 0, 1, &now) == 0);
	CHECK(write(p[1], "x", 1) == 1);
	CHECK(events(c, 1, 1, &some) == 1 && (ev[0].res & POLLIN) != 0);
	CHECK(events(c, 0, 1, &now) == 0); /* once */
	CHECK(read(p[0], &v, 1) == 1);
	/* The eventfd of a request, and a descriptor that is closed. */
	io.flags = RESFD;
	io.resfd = (uint32_t)efd;
	CHECK(submit(c, &io) == 1);
	close(p[1]);
	CHECK(read(efd, &v, 8) == 8 && v == 1);
	CHECK(events(c, 1, 1, &now) == 1 && (ev[0].res & POLLHUP) != 0);
	io.resfd = (uint32_t)p[0];
	refused(c, io, EINVAL);
	io.resfd = (uint32_t)-1;
	refused(c, io, EBADF);
	/* Many at once, on one file. */
	for (int i = 0; i < 20; i++) {
		many[i] = request(POLL, s[0], (void *)POLLIN, 0, 0);
		many[i].data = (uint64_t)i;
		CHECK(submit(c, &many[i]) == 1);
	}
	CHECK(write(s[1], "x", 1) == 1);
	v = 0;
	CHECK(events(c, 20, 20, &some) == 20);
	for (int i = 0; i < 20; i++) {
		CHECK((ev[i].res & POLLIN) != 0);
		v |= UINT64_C(1) << ev[i].data;
	}
	CHECK(v == (1 << 20) - 1);
	close(p[0]), close(s[0]), close(s[1]), close(fd), close(efd);
	CHECK(syscall(SYS_io_destroy, c) == 0);
	say("polls");
}

static void
cancels(void)
{
	struct iocb io, two;
	uint64_t c = setup(8);
	int p[2];

	CHECK(pipe(p) == 0);
	io = request(POLL, p[0], (void *)POLLIN, 0, 0);
	two = io;
	CHECK(submit(c, &io) == 1 && submit(c, &two) == 1);
	CHECK_ERRNO(syscall(SYS_io_cancel, c, BAD, ev), EFAULT);
	CHECK_ERRNO(syscall(SYS_io_cancel, 0L, &io, ev), EINVAL);
	CHECK_ERRNO(syscall(SYS_io_cancel, c, &io, ev), EINPROGRESS);
	ends(c, &io, 0);
	CHECK_ERRNO(syscall(SYS_io_cancel, c, &io, ev), EINVAL);
	two.key = 1;
	CHECK_ERRNO(syscall(SYS_io_cancel, c, &two, ev), EINVAL);
	/* The rest goes with the context. */
	CHECK(syscall(SYS_io_destroy, c) == 0);
	CHECK(write(p[1], "x", 1) == 1);
	close(p[0]), close(p[1]);
	say("cancellation");
}

static uint64_t shared;
static int blocked[2];
static struct iocb slow;
static char slow_byte;

static void *
submitter(void *arg)
{
	CHECK(submit(shared, &slow) == 1);
	return (NULL);
}

static void *
destroyer(void *arg)
{
	CHECK(syscall(SYS_io_destroy, shared) == 0);
	CHECK(slow_byte == 'x'); /* it has waited */
	return (NULL);
}

static void *
getter(void *arg)
{
	struct event e;

	CHECK_ERRNO(
	    syscall(SYS_io_getevents, shared, 1L, 1L, &e, NULL), EINVAL);
	return (NULL);
}

/* A read that waits is executed by the thread that submits it. */
static void
threads(void)
{
	pthread_t t[3];

	CHECK(pipe(blocked) == 0);
	shared = setup(4);
	slow = request(PREAD, blocked[0], &slow_byte, 1, 1234);
	CHECK(pthread_create(&t[0], NULL, submitter, NULL) == 0);
	CHECK(pthread_create(&t[2], NULL, getter, NULL) == 0);
	usleep(50000);
	CHECK(pthread_create(&t[1], NULL, destroyer, NULL) == 0);
	usleep(50000);
	CHECK(write(blocked[1], "x", 1) == 1);
	for (int i = 0; i < 3; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	CHECK(slow_byte == 'x');
	close(blocked[0]), close(blocked[1]);
	say("threads");
}

static volatile sig_atomic_t alarms;

static void
on_alarm(int sig)
{
	alarms++;
}

static void
signals(void)
{
	struct timespec tick = {0, 20000000};
	struct sigaction sa = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
	struct itimerval it = {.it_value = {0, 50000}};
	uint64_t c = setup(4), none = 0, blocking = 1 << (SIGALRM - 1);
	struct sigarg arg = {&none, sizeof(none)};
	char byte;
	int p[2];

	CHECK(pipe(p) == 0 && sigaction(SIGALRM, &sa, NULL) == 0);
	CHECK(events(c, 1, 1, &tick) == 0);
	CHECK(setitimer(ITIMER_REAL, &it, NULL) == 0);
	CHECK_ERRNO(events(c, 1, 1, NULL), EINTR);
	CHECK(alarms == 1);
	/* With a mask for the time of the call. */
	CHECK(sigprocmask(SIG_BLOCK, (sigset_t *)&blocking, NULL) == 0);
	CHECK(setitimer(ITIMER_REAL, &it, NULL) == 0);
	CHECK_ERRNO(
	    syscall(SYS_io_pgetevents, c, 1L, 1L, ev, NULL, &arg), EINTR);
	CHECK(alarms == 2);
	CHECK(raise(SIGALRM) == 0 && alarms == 2);
	CHECK(sigprocmask(SIG_UNBLOCK, (sigset_t *)&blocking, NULL) == 0);
	CHECK(alarms == 3);
	arg.size = 4;
	CHECK_ERRNO(
	    syscall(SYS_io_pgetevents, c, 0L, 1L, ev, &now, &arg), EINVAL);
	arg = (struct sigarg){BAD, 8};
	CHECK_ERRNO(
	    syscall(SYS_io_pgetevents, c, 0L, 1L, ev, &now, &arg), EFAULT);
	CHECK_ERRNO(
	    syscall(SYS_io_pgetevents, c, 0L, 1L, ev, &now, BAD), EFAULT);
	CHECK(syscall(SYS_io_pgetevents, c, 0L, 1L, ev, &now, NULL) == 0);
	/* A read that a signal interrupts is not restarted. */
	CHECK(setitimer(ITIMER_REAL, &it, NULL) == 0);
	runs(c, request(PREAD, p[0], &byte, 1, 0), -EINTR);
	CHECK(alarms == 4);
	/* A write without readers. */
	close(p[0]);
	CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	runs(c, request(PWRITE, p[1], "x", 1, 0), -EPIPE);
	close(p[1]);
	CHECK(syscall(SYS_io_destroy, c) == 0);
	say("signals");
}

#define STORM_NS UINT64_C(700000000)
static uint64_t storm_ctx[4], storm_end;
static int storm_pipe[2];

/* Submit, cancel, take, make ready, and replace contexts, all at once. */
static void *
stormer(void *arg)
{
	uint64_t r = (uint64_t)(uintptr_t)arg;
	struct event e[8];
	struct iocb io[8];
	char b[64];

	memset(io, 0, sizeof(io));
	while (now_ns() < storm_end) {
		unsigned i = (unsigned)rnd_next(&r) % 8;
		uint64_t *at = &storm_ctx[rnd_next(&r) % 4], fresh = 0;
		uint64_t c = __atomic_load_n(at, __ATOMIC_SEQ_CST);

		switch (rnd_next(&r) % 8) {
		case 0:
		case 1:
		case 2:
			io[i] =
			    request(POLL, storm_pipe[0], (void *)POLLIN, 0, 0);
			(void)submit(c, &io[i]);
			break;
		case 3:
			(void)syscall(SYS_io_cancel, c, &io[i], e);
			break;
		case 4:
			(void)syscall(SYS_io_getevents, c, 0L, 8L, e, &now);
			break;
		case 5:
			(void)!write(storm_pipe[1], "x", 1);
			break;
		case 6:
			(void)!read(storm_pipe[0], b, sizeof(b));
			break;
		case 7:
			if (syscall(SYS_io_setup, 8, &fresh) != 0)
				break;
			c = __atomic_exchange_n(at, fresh, __ATOMIC_SEQ_CST);
			CHECK(syscall(SYS_io_destroy, c) == 0);
			break;
		}
	}
	return (NULL);
}

static void
storm(void)
{
	pthread_t t[4];

	CHECK(pipe2(storm_pipe, O_NONBLOCK) == 0);
	storm_end = now_ns() + STORM_NS;
	for (int i = 0; i < 4; i++)
		storm_ctx[i] = setup(8);
	for (long i = 0; i < 4; i++)
		CHECK(
		    pthread_create(&t[i], NULL, stormer, (void *)(i + 1)) == 0);
	for (int i = 0; i < 4; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	for (int i = 0; i < 4; i++)
		CHECK(syscall(SYS_io_destroy, storm_ctx[i]) == 0);
	close(storm_pipe[0]), close(storm_pipe[1]);
	say("storm");
}

/* Contexts go with the address space, whatever waits in them. */
static void
ending(char **argv)
{
	char *again[] = {argv[0], (char *)"again", NULL};
	struct iocb io;
	int p[2], st;
	pid_t pid;

	CHECK(pipe(p) == 0);
	for (int i = 0; i < 2; i++) {
		pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			io = request(POLL, p[0], (void *)POLLIN, 0, 0);
			for (int k = 0; k < 10; k++) {
				uint64_t c = setup(3000);

				CHECK(submit(c, &io) == 1);
				CHECK(submit(c, &io) == 1);
			}
			if (i == 0)
				_exit(0);
			execv("/proc/self/exe", again);
			_exit(9);
		}
		CHECK(waitpid(pid, &st, 0) == pid && st == 0);
	}
	close(p[0]), close(p[1]);
	say("the end of an address space");
}

/* Run by ending(): all that the old program had is free again. */
static int
again(void)
{
	for (int i = 0; i < 5; i++)
		(void)setup(10000);
	return (0);
}

int
main(int argc, char **argv)
{
	if (argc > 1)
		return (again());
	contexts();
	transfers();
	lists();
	rings();
	polls();
	cancels();
	threads();
	signals();
	storm();
	ending(argv);
	return (0);
}
