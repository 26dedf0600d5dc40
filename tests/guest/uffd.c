/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * userfaultfd: faults of one thread that another one serves, write protection,
 * ends (close, signal, fork), faults of system calls, and errors.
 */
#include "guest.h"

#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>

#define API 0xc018aa3ful
#define REGISTER 0xc020aa00ul
#define UNREGISTER 0x8010aa01ul
#define WAKE 0x8010aa02ul
#define COPY 0xc028aa03ul
#define ZEROPAGE 0xc020aa04ul
#define WRITEPROTECT 0xc018aa06ul
#define USER_ONLY 1
#define F_SIGBUS 0x80u
#define F_TID 0x100u
#define F_EXACT 0x800u
#define F_UNPOPULATED 0x2000u
#define MISSING 1
#define WP 2
#define DONTWAKE 1

struct msg {
	uint8_t event, pad[7];
	uint64_t flags, address;
	uint32_t tid, pad2;
};
struct api {
	uint64_t api, features, ioctls;
};
struct reg {
	uint64_t start, len, mode, ioctls;
};
struct copy {
	uint64_t dst, src, len, mode;
	int64_t copy;
};
struct zero {
	uint64_t start, len, mode;
	int64_t zeropage;
};

static char source[2 * PAGE] __attribute__((aligned(4096)));

static int
open_uffd(int flags, uint64_t features)
{
	struct api a = {0xaa, features, 0};
	int fd = (int)syscall(SYS_userfaultfd, flags);

	CHECK(fd >= 0);
	CHECK(ioctl(fd, API, &a) == 0);
	CHECK((a.features & features) == features);
	CHECK((a.ioctls & 3) == 3 && (a.ioctls >> 63) == 1);
	return (fd);
}

static char *
map(size_t pages)
{
	char *p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	CHECK(p != MAP_FAILED);
	return (p);
}

static uint64_t
reg(int fd, const void *p, size_t pages, uint64_t mode)
{
	struct reg r = {(uint64_t)p, pages * PAGE, mode, 0};

	CHECK(ioctl(fd, REGISTER, &r) == 0);
	return (r.ioctls);
}

static int64_t
copy(int fd, const void *dst, const void *src, size_t pages, uint64_t mode)
{
	struct copy c = {(uint64_t)dst, (uint64_t)src, pages * PAGE, mode, 0};
	int r = ioctl(fd, COPY, &c);

	CHECK(r == 0 || c.copy <= 0 || errno == EAGAIN);
	return (c.copy);
}

static int
protect(int fd, const void *p, size_t pages, uint64_t mode)
{
	struct reg r = {(uint64_t)p, pages * PAGE, mode, 0};

	return (ioctl(fd, WRITEPROTECT, &r));
}

static struct msg
get(int fd)
{
	struct msg m;
	ssize_t n;

	while ((n = read(fd, &m, sizeof(m))) < 0 && errno == EINTR)
		continue;
	CHECK(n == sizeof(m) && m.event == 0x12);
	return (m);
}

/* A thread that touches a page. */
struct toucher {
	pthread_t t;
	volatile char *p;
	int write; /* what to store, or -1: load */
	volatile int tid;
	volatile int got;
	volatile bool done;
};

static void *
touch_main(void *arg)
{
	struct toucher *t = arg;

	t->tid = (int)syscall(SYS_gettid);
	if (t->write >= 0)
		*t->p = (char)t->write;
	t->got = *t->p;
	t->done = true;
	return (NULL);
}

static void
touch(struct toucher *t, char *p, int write)
{
	*t = (struct toucher){.p = p, .write = write};
	CHECK(pthread_create(&t->t, NULL, touch_main, t) == 0);
}

static int
join(struct toucher *t)
{
	CHECK(pthread_join(t->t, NULL) == 0);
	return (t->got);
}

static void
pause_ms(int ms)
{
	struct timespec ts = {0, ms * 1000000L};

	nanosleep(&ts, NULL);
}

static void
test_errors(void)
{
	int fd, bad = (int)syscall(SYS_userfaultfd, 0x100);
	struct api a = {0xab, 0, 7};
	struct reg r = {0, PAGE, MISSING, 0};
	struct msg m;
	char *p = map(4);

	CHECK(bad == -1 && errno == EINVAL);
	fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	CHECK(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
	CHECK((fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
	r.start = (uint64_t)p;
	CHECK_ERRNO(ioctl(fd, REGISTER, &r), EINVAL);
	CHECK_ERRNO(read(fd, &m, sizeof(m)), EINVAL);
	CHECK_ERRNO(ioctl(fd, API, &a), EINVAL);
	CHECK(a.api == 0 && a.ioctls == 0);
	a = (struct api){0xaa, UINT64_C(1) << 60, 0};
	CHECK_ERRNO(ioctl(fd, API, &a), EINVAL);
	a = (struct api){0xaa, 0, 0};
	CHECK(ioctl(fd, API, &a) == 0);
	a = (struct api){0xaa, 0, 0};
	CHECK_ERRNO(ioctl(fd, API, &a), EINVAL);
	CHECK_ERRNO(ioctl(fd, API, BAD), EFAULT);
	CHECK_ERRNO(ioctl(fd, REGISTER, BAD), EFAULT);
	r.mode = 0;
	CHECK_ERRNO(ioctl(fd, REGISTER, &r), EINVAL);
	r.mode = 8;
	CHECK_ERRNO(ioctl(fd, REGISTER, &r), EINVAL);
	r = (struct reg){(uint64_t)p + 1, PAGE, MISSING, 0};
	CHECK_ERRNO(ioctl(fd, REGISTER, &r), EINVAL);
	r = (struct reg){(uint64_t)p, 0, MISSING, 0};
	CHECK_ERRNO(ioctl(fd, REGISTER, &r), EINVAL);
	r = (struct reg){(uint64_t)p, PAGE + 5, MISSING, 0};
	CHECK_ERRNO(ioctl(fd, REGISTER, &r), EINVAL);
	r = (struct reg){UINT64_MAX - PAGE + 1, PAGE, MISSING, 0};
	CHECK_ERRNO(ioctl(fd, REGISTER, &r), EINVAL);
	CHECK_ERRNO(read(fd, &m, sizeof(m)), EAGAIN);
	CHECK_ERRNO(read(fd, &m, sizeof(m) - 1), EINVAL);
	CHECK_ERRNO(write(fd, &m, sizeof(m)), EBADF);
	CHECK_ERRNO(ioctl(fd, 0x5401, &m), EINVAL);
	CHECK(copy(fd, p, source, 1, 0) == -ENOENT);
	CHECK_ERRNO(protect(fd, p, 1, WP >> 1), ENOENT);
	CHECK_ERRNO(protect(fd, p, 1, 3), EINVAL);
	reg(fd, p, 2, MISSING);
	CHECK_ERRNO(protect(fd, p, 1, 1), ENOENT);
	CHECK(copy(fd, p, source, 1, 2) == -EINVAL);
	CHECK(copy(fd, p + PAGE, source, 2, 0) == -ENOENT);
	CHECK(copy(fd, p, source, 1, 0) == (int64_t)PAGE);
	CHECK(copy(fd, p, source, 1, 0) == -EEXIST);
	close(fd);
	CHECK(p[1] == source[1] && p[PAGE] == 0);
	munmap(p, 4 * PAGE);
	say("errors ok");
}

/* Another server has the range; a file; a private mapping of one. */
static void
test_kinds(void)
{
	int fd = open_uffd(O_NONBLOCK, 0), other = open_uffd(O_NONBLOCK, 0);
	struct reg r = {0, PAGE, MISSING, 0};
	char *p = map(2), *f;
	int file = open("/tmp/uffd.file", O_RDWR | O_CREAT | O_TRUNC, 0600);

	CHECK(file >= 0 && ftruncate(file, 4096) == 0);
	f = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, file, 0);
	CHECK(f != MAP_FAILED);
	r.start = (uint64_t)f;
	CHECK_ERRNO(ioctl(fd, REGISTER, &r), EINVAL);
	CHECK((reg(fd, p, 1, MISSING) & 0x1c) == 0x1c);
	r.start = (uint64_t)p;
	CHECK_ERRNO(ioctl(other, REGISTER, &r), EBUSY);
	CHECK((reg(fd, p, 2, MISSING | WP) & 0x5c) == 0x5c);
	CHECK(ioctl(fd, UNREGISTER, &r) == 0);
	CHECK(ioctl(other, REGISTER, &r) == 0);
	munmap(f, PAGE);
	close(file);
	unlink("/tmp/uffd.file");
	close(fd);
	close(other);
	munmap(p, 2 * PAGE);
	say("kinds ok");
}

static void
test_missing(void)
{
	int fd = open_uffd(0, F_TID | F_EXACT);
	char *p = map(8);
	struct zero z = {0, PAGE, 0, 0};
	struct toucher t, t2;
	struct msg m;

	reg(fd, p, 8, MISSING);
	memset(source, 7, PAGE);
	touch(&t, p + PAGE + 100, -1);
	m = get(fd);
	CHECK(m.flags == 0 && m.address == (uint64_t)p + PAGE + 100);
	CHECK(m.tid == (uint32_t)t.tid);
	CHECK(!t.done);
	CHECK(copy(fd, p + PAGE, source, 1, 0) == (int64_t)PAGE);
	CHECK(join(&t) == 7);
	say("a load got what was copied");

	touch(&t, p + 2 * PAGE, 9);
	m = get(fd);
	CHECK(m.flags == 1 && m.address == (uint64_t)p + 2 * PAGE);
	z.start = (uint64_t)p + 2 * PAGE;
	CHECK(ioctl(fd, ZEROPAGE, &z) == 0 && z.zeropage == (int64_t)PAGE);
	CHECK(join(&t) == 9 && p[2 * PAGE + 1] == 0);
	say("a store went to a page of zeroes");

	/* Two threads, one page, no wake-up at first. */
	touch(&t, p + 3 * PAGE, -1);
	touch(&t2, p + 3 * PAGE + 1, -1);
	(void)get(fd);
	(void)get(fd);
	CHECK(copy(fd, p + 3 * PAGE, source, 1, DONTWAKE) == (int64_t)PAGE);
	pause_ms(20);
	CHECK(!t.done && !t2.done);
	z = (struct zero){(uint64_t)p + 3 * PAGE, PAGE, 0, 0};
	CHECK(ioctl(fd, WAKE, &z) == 0);
	CHECK(join(&t) == 7 && join(&t2) == 7);
	say("a wake-up wakes all");

	/* Gone again, and a wake-up without a page. */
	CHECK(madvise(p + PAGE, PAGE, MADV_DONTNEED) == 0);
	touch(&t, p + PAGE, -1);
	(void)get(fd);
	z = (struct zero){(uint64_t)p + PAGE, PAGE, 0, 0};
	CHECK(ioctl(fd, WAKE, &z) == 0);
	(void)get(fd);
	CHECK(ioctl(fd, ZEROPAGE, &z) == 0);
	CHECK(join(&t) == 0);
	say("a page that was given up is missing again");

	/* Unregistering wakes. */
	touch(&t, p + 5 * PAGE, -1);
	(void)get(fd);
	z = (struct zero){(uint64_t)p, 8 * PAGE, 0, 0};
	CHECK(ioctl(fd, UNREGISTER, &z) == 0);
	CHECK(join(&t) == 0 && p[7 * PAGE] == 0);
	close(fd);
	munmap(p, 8 * PAGE);
}

static void
test_wp(void)
{
	int fd = open_uffd(0, 0);
	char *p = map(4);
	struct toucher t;
	struct msg m;

	reg(fd, p, 4, WP);
	p[0] = 1;
	CHECK(protect(fd, p, 2, 1) == 0);
	CHECK(p[0] == 1);
	p[PAGE] = 2; /* it was absent: not protected */
	touch(&t, p, 5);
	m = get(fd);
	CHECK(m.flags == 3 && m.address == (uint64_t)p);
	CHECK(p[0] == 1 && !t.done);
	CHECK(protect(fd, p, 1, 0) == 0);
	CHECK(join(&t) == 5);
	say("a protected page was written when it was unprotected");

	/* mprotect does not end it. */
	CHECK(protect(fd, p, 1, 1) == 0);
	CHECK(mprotect(p, PAGE, PROT_READ) == 0);
	CHECK(mprotect(p, PAGE, PROT_READ | PROT_WRITE) == 0);
	touch(&t, p, 6);
	m = get(fd);
	CHECK(m.flags == 3);
	CHECK(protect(fd, p, 4, 2) == 0); /* without a wake-up */
	pause_ms(10);
	CHECK(!t.done);
	CHECK(protect(fd, p, 1, 0) == 0);
	CHECK(join(&t) == 6);

	/* Both. */
	reg(fd, p, 4, MISSING | WP);
	CHECK(copy(fd, p + 2 * PAGE, source, 1, 2) == (int64_t)PAGE);
	CHECK(p[2 * PAGE] == source[0]);
	touch(&t, p + 2 * PAGE, 8);
	m = get(fd);
	CHECK(m.flags == 3 && m.address == (uint64_t)p + 2 * PAGE);
	CHECK(protect(fd, p + 2 * PAGE, 1, 0) == 0);
	CHECK(join(&t) == 8);
	touch(&t, p + 3 * PAGE, 8);
	m = get(fd);
	CHECK(m.flags == 1);
	CHECK(copy(fd, p + 3 * PAGE, source, 1, 0) == (int64_t)PAGE);
	CHECK(join(&t) == 8);
	close(fd);
	munmap(p, 4 * PAGE);

	fd = open_uffd(0, F_UNPOPULATED);
	p = map(2);
	reg(fd, p, 2, WP);
	CHECK(protect(fd, p, 1, 1) == 0);
	touch(&t, p, 4);
	m = get(fd);
	CHECK(m.flags == 3);
	close(fd);
	CHECK(join(&t) == 4);
	munmap(p, 2 * PAGE);
	say("write protection ok");
}

static volatile sig_atomic_t signals;

static void
on_signal(int signo)
{
	signals++;
}

static void
test_ends(void)
{
	int fd = open_uffd(O_NONBLOCK, 0), status;
	struct pollfd pf = {.fd = fd, .events = POLLIN};
	struct sigaction sa = {.sa_handler = on_signal};
	char *p = map(4), *q;
	struct toucher t, t2;
	struct msg m;
	pid_t pid;

	memset(source, 11, PAGE);
	reg(fd, p, 4, MISSING);
	CHECK(poll(&pf, 1, 0) == 0);
	touch(&t, p, -1);
	CHECK(poll(&pf, 1, 5000) == 1 && pf.revents == POLLIN);
	CHECK(read(fd, &m, sizeof(m)) == sizeof(m));
	CHECK(poll(&pf, 1, 0) == 0);

	/* A signal is handled while the thread waits. */
	CHECK(sigaction(SIGUSR1, &sa, NULL) == 0);
	CHECK(pthread_kill(t.t, SIGUSR1) == 0);
	CHECK(poll(&pf, 1, 5000) == 1); /* it has come back */
	CHECK(signals == 1 && !t.done);
	say("a signal interrupts the wait");

	/* A child has no server. */
	pid = fork();
	if (pid == 0)
		_exit(p[PAGE] == 0 && p[0] == 0 ? 3 : 4);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 3);
	/* What it has made for itself is not there for the parent. */
	touch(&t2, p + PAGE, -1);
	CHECK(poll(&pf, 1, 5000) == 1);
	while (read(fd, &m, sizeof(m)) == sizeof(m))
		continue;
	CHECK(copy(fd, p + PAGE, source, 1, 0) == (int64_t)PAGE);
	CHECK(join(&t2) == source[0]);
	say("a child finds zeroes");

	/* What moves is not served any more. */
	q = mremap(p + 2 * PAGE, 2 * PAGE, 2 * PAGE,
	    MREMAP_MAYMOVE | MREMAP_FIXED, map(2));
	CHECK(q != MAP_FAILED && q[0] == 0);

	close(fd);
	CHECK(join(&t) == 0);
	say("close ends the wait");
	munmap(p, 2 * PAGE);
	munmap(q, 2 * PAGE);
}

/* The server of a fault within a system call. */
static void *
serve_main(void *arg)
{
	int fd = *(int *)arg;
	struct msg m = get(fd);

	CHECK(copy(fd, (void *)(m.address & ~(PAGE - 1)), source, 1, 0) ==
	      (int64_t)PAGE);
	return (NULL);
}

static void
test_kernel(void)
{
	int fd = open_uffd(0, 0), fds[2], status;
	char *p = map(2), buf[4] = {0};
	pthread_t t;
	pid_t pid;

	reg(fd, p, 2, MISSING);
	memcpy(source, "abc", 4);
	CHECK(pipe(fds) == 0);
	CHECK(pthread_create(&t, NULL, serve_main, &fd) == 0);
	CHECK(write(fds[1], p, 4) == 4);
	CHECK(read(fds[0], buf, 4) == 4 && strcmp(buf, "abc") == 0);
	CHECK(pthread_join(t, NULL) == 0);
	CHECK(pthread_create(&t, NULL, serve_main, &fd) == 0);
	CHECK(write(fds[1], "xy", 2) == 2);
	CHECK(read(fds[0], p + PAGE + 1, 2) == 2);
	CHECK(memcmp(p + PAGE, "axy", 4) == 0);
	CHECK(pthread_join(t, NULL) == 0);
	close(fd);
	say("faults of system calls are served");

	/* A process without a server can be killed. */
	pid = fork();
	if (pid == 0) {
		fd = open_uffd(0, 0);
		p = map(1);
		reg(fd, p, 1, MISSING);
		(void)!write(fds[1], p, 1);
		_exit(1);
	}
	pause_ms(50);
	CHECK(waitpid(pid, &status, WNOHANG) == 0);
	CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status));

	fd = open_uffd(USER_ONLY, 0);
	p = map(1);
	reg(fd, p, 1, MISSING);
	CHECK_ERRNO(write(fds[1], p, 1), EFAULT);
	close(fd);
	close(fds[0]);
	close(fds[1]);
	say("system calls ok");
}

static sigjmp_buf env;
static volatile sig_atomic_t bus_code;

static void
on_bus(int signo, siginfo_t *si, void *uc)
{
	bus_code = si->si_code;
	siglongjmp(env, 1);
}

static void
test_sigbus(void)
{
	struct sigaction sa = {.sa_sigaction = on_bus, .sa_flags = SA_SIGINFO};
	int fd = open_uffd(0, F_SIGBUS);
	char *volatile p = map(1);

	reg(fd, p, 1, MISSING);
	CHECK(sigaction(SIGBUS, &sa, NULL) == 0);
	if (sigsetjmp(env, 1) == 0) {
		*p = 1;
		CHECK(false);
	}
	say("SIGBUS, code %d", (int)bus_code);
	CHECK(copy(fd, p, source, 1, 0) == (int64_t)PAGE);
	CHECK(p[0] == source[0]);
	close(fd);
}

/* Many threads, many pages, one server. */
#define STORM 6
#define STORM_PAGES 64
static char *storm_at;
static void *
storm_main(void *arg)
{
	unsigned first = (unsigned)(uintptr_t)arg;

	for (unsigned i = 0; i < STORM_PAGES; i++) {
		unsigned n = (first * 7 + i * 5) % STORM_PAGES;

		CHECK(storm_at[n * PAGE + 5] == (char)n);
	}
	return (NULL);
}

static void
test_storm(void)
{
	int fd = open_uffd(O_NONBLOCK, 0);
	struct pollfd pf = {.fd = fd, .events = POLLIN};
	pthread_t t[STORM];
	unsigned served = 0;
	struct msg m;
	int64_t r;

	storm_at = map(STORM_PAGES);
	reg(fd, storm_at, STORM_PAGES, MISSING);
	for (uintptr_t i = 0; i < STORM; i++)
		CHECK(pthread_create(&t[i], NULL, storm_main, (void *)i) == 0);
	while (served < STORM_PAGES) {
		CHECK(poll(&pf, 1, 10000) == 1);
		if (read(fd, &m, sizeof(m)) != sizeof(m))
			continue;
		memset(source, (int)((m.address - (uint64_t)storm_at) / PAGE),
		    PAGE);
		r = copy(fd, (void *)m.address, source, 1, 0);
		CHECK(r == (int64_t)PAGE || r == -EEXIST);
		if (r > 0)
			served++;
	}
	for (int i = 0; i < STORM; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
	close(fd);
	munmap(storm_at, STORM_PAGES * PAGE);
	say("%u pages served", served);
}

int
main(void)
{
	/* Of users, vm.unprivileged_userfaultfd decides natively. */
	if (geteuid() != 0)
		return (0);
	alarm(60);
	test_errors();
	test_kinds();
	test_missing();
	test_wp();
	test_ends();
	test_kernel();
	test_sigbus();
	test_storm();
	return (0);
}
