/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Rings of transfers.  The tests run with io_uring and with the synchronous
 * back-end.  A test that needs transfers which wait is skipped, with a message,
 * where the host refuses io_uring.
 */
#include "host/host_ring.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "host/host.h"
#include "host/host_file.h"
#include "testchild.h"
#include "testrand.h"

#define PG ((size_t)4096)

static int base_fds;

static int
setup(void **state)
{
	base_fds = host_count_fds();
	return (0);
}

/* Teardown of every test: no descriptor may be left open. */
static int
teardown(void **state)
{
	return (host_count_fds() == base_fds ? 0 : -1);
}

static struct host_ring *
ring(unsigned depth, bool sync)
{
	struct host_ring *r = NULL;

	assert_int_equal(host_ring_create(depth, sync, &r), 0);
	if (sync)
		assert_false(host_ring_async(r));
	return (r);
}

/* A ring whose transfers can wait; skips the test if there is none. */
static struct host_ring *
async_ring(unsigned depth)
{
	struct host_ring *r = ring(depth, false);

	if (!host_ring_async(r)) {
		host_ring_destroy(r);
		print_message("skipped: the host refuses io_uring\n");
		skip();
	}
	return (r);
}

static int
memory_file(size_t size)
{
	int fd;

	assert_int_equal(host_memfd("ring", size, &fd), 0);
	return (fd);
}

/* Wait for the only transfer in flight; returns its error. */
static int
finish(struct host_ring *r, void *token)
{
	void *got = NULL;
	int error = -1;

	assert_true(host_ring_reap(r, true, &got, &error));
	assert_ptr_equal(got, token);
	assert_false(host_ring_reap(r, true, &got, &error));
	return (error);
}

static int
write_one(struct host_ring *r, int fd, void *buf, size_t len, uint64_t off)
{
	struct host_iovec iov = {buf, len};

	assert_int_equal(host_ring_pwritev(r, fd, &iov, 1, off, buf), 0);
	return (finish(r, buf));
}

static int
read_one(struct host_ring *r, int fd, void *buf, size_t len, uint64_t off)
{
	struct host_iovec iov = {buf, len};

	assert_int_equal(host_ring_preadv(r, fd, &iov, 1, off, buf), 0);
	return (finish(r, buf));
}

static void
put(int fd, const char *bytes, size_t len)
{
	size_t done = 0;

	assert_int_equal(host_write(fd, bytes, len, &done), 0);
	assert_int_equal(done, len);
}

/* ---- depth ---- */

static void
depth(bool sync)
{
	enum { DEPTH = 7 };
	struct host_ring *r = ring(DEPTH, sync);
	int fd = memory_file(PG), error = -1;
	char bytes[DEPTH];
	struct host_iovec iov;
	unsigned seen = 0;
	void *token = NULL;

	assert_false(host_ring_reap(r, true, &token, &error));
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < DEPTH; i++) {
			bytes[i] = (char)('a' + i + round);
			iov = (struct host_iovec){&bytes[i], 1};
			assert_int_equal(host_ring_pwritev(r, fd, &iov, 1,
					     (uint64_t)i, &bytes[i]),
			    0);
		}
		assert_int_equal(
		    host_ring_pwritev(r, fd, &iov, 1, 0, NULL), EAGAIN);
		assert_int_equal(
		    host_ring_preadv(r, fd, &iov, 1, 0, NULL), EAGAIN);
		/* Each is reaped once. */
		seen = 0;
		while (host_ring_reap(r, true, &token, &error)) {
			assert_int_equal(error, 0);
			seen += 1U << ((char *)token - bytes);
		}
		assert_int_equal(seen, (1U << DEPTH) - 1);
		memset(bytes, 0, sizeof(bytes));
		assert_int_equal(read_one(r, fd, bytes, DEPTH, 0), 0);
		for (int i = 0; i < DEPTH; i++)
			assert_int_equal(bytes[i], 'a' + i + round);
	}
	host_ring_destroy(r);
	host_close(fd);
}

static void
test_depth_limits_transfers(void **state)
{
	depth(false);
	depth(true);
}

/* Reads of an empty pipe wait, while later transfers complete. */
static void
test_waiting_reads_do_not_block_others(void **state)
{
	enum { DEPTH = 4 };
	struct host_ring *r = async_ring(DEPTH);
	char byte[DEPTH] = {0}, x = 'x';
	int p[2], fd = memory_file(PG), error = -1;
	struct host_iovec iov;
	void *token = NULL;

	assert_int_equal(host_pipe(0, p), 0);
	for (int i = 0; i < DEPTH - 1; i++) {
		iov = (struct host_iovec){&byte[i], 1};
		assert_int_equal(
		    host_ring_preadv(r, p[0], &iov, 1, 0, &byte[i]), 0);
	}
	assert_false(host_ring_reap(r, false, &token, &error));
	iov = (struct host_iovec){&x, 1};
	assert_int_equal(host_ring_pwritev(r, fd, &iov, 1, 9, &x), 0);
	assert_int_equal(host_ring_pwritev(r, fd, &iov, 1, 9, &x), EAGAIN);
	assert_true(host_ring_reap(r, true, &token, &error));
	assert_ptr_equal(token, &x);
	assert_int_equal(error, 0);
	put(p[1], "abc", 3);
	for (int i = 0; i < DEPTH - 1; i++) {
		assert_true(host_ring_reap(r, true, &token, &error));
		assert_int_equal(error, 0);
	}
	assert_false(host_ring_reap(r, true, &token, &error));
	assert_int_equal(byte[0] + byte[1] + byte[2], 'a' + 'b' + 'c');
	host_ring_destroy(r);
	host_close(p[0]);
	host_close(p[1]);
	host_close(fd);
}

/* Data that arrives in small parts is assembled across pieces. */
static void
test_short_reads_assembled(void **state)
{
	static const char text[] = "in parts, never at once";
	struct host_ring *r = async_ring(1);
	char a[5], b[1], c[sizeof(text) - 6];
	struct host_iovec iov[3] = {
	    {a, sizeof(a)}, {b, sizeof(b)}, {c, sizeof(c)}};
	int p[2], error = -1;
	void *token = NULL;

	assert_int_equal(host_pipe(0, p), 0);
	assert_int_equal(host_ring_preadv(r, p[0], iov, 3, 0, a), 0);
	for (size_t i = 0; i < sizeof(text); i++) {
		assert_false(host_ring_reap(r, false, &token, &error));
		put(p[1], &text[i], 1);
	}
	assert_int_equal(finish(r, a), 0);
	assert_memory_equal(a, text, 5);
	assert_memory_equal(b, text + 5, 1);
	assert_memory_equal(c, text + 6, sizeof(c));
	/* The writer closes the pipe in the middle of a transfer. */
	assert_int_equal(host_ring_preadv(r, p[0], iov, 3, 0, b), 0);
	put(p[1], text, 7);
	host_close(p[1]);
	assert_int_equal(finish(r, b), EIO);
	assert_memory_equal(c, text + 6, 1);
	host_ring_destroy(r);
	host_close(p[0]);
}

/* ---- errors ---- */

static void
errors(bool sync)
{
	struct host_ring *r = ring(2, sync);
	int fd = memory_file(10000), ro, wo, full;
	char buf[3 * 4096], name[64];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	assert_int_equal(host_openat(AT_FDCWD, name, O_RDONLY, 0, &ro), 0);
	assert_int_equal(host_openat(AT_FDCWD, name, O_WRONLY, 0, &wo), 0);
	assert_int_equal(
	    host_openat(AT_FDCWD, "/dev/full", O_RDWR, 0, &full), 0);
	memset(buf, 'b', sizeof(buf));
	assert_int_equal(write_one(r, -1, buf, 10, 0), EBADF);
	assert_int_equal(read_one(r, -1, buf, 10, 0), EBADF);
	assert_int_equal(write_one(r, ro, buf, 10, 0), EBADF);
	assert_int_equal(read_one(r, wo, buf, 10, 0), EBADF);
	assert_int_equal(write_one(r, full, buf, sizeof(buf), 4096), ENOSPC);
	/* A read across the end of the file has the bytes before the end. */
	assert_int_equal(write_one(r, wo, buf, 10, 9990), 0);
	memset(buf, 'x', sizeof(buf));
	assert_int_equal(read_one(r, ro, buf, 4096, 9990), EIO);
	assert_memory_equal(buf, "bbbbbbbbbbx", 11);
	assert_int_equal(read_one(r, ro, buf, 10, 10000), EIO);
	assert_int_equal(read_one(r, ro, buf, 10, 9990), 0);
	/* The ring is still usable. */
	assert_int_equal(write_one(r, fd, buf, 10, 20), 0);
	host_ring_destroy(r);
	host_close(full);
	host_close(ro);
	host_close(wo);
	host_close(fd);
}

static void
test_errors(void **state)
{
	errors(false);
	errors(true);
}

/* The host accepts a part of a write and refuses the rest. */
static void
no_space(bool sync)
{
	struct host_ring *r = ring(2, sync);
	struct rlimit old, low;
	char *buf = malloc(4 * PG), *back = calloc(1, 4 * PG);
	struct host_iovec iov[4];
	int fd = memory_file(0), error;
	size_t done = 0;

	for (size_t i = 0; i < 4 * PG; i++)
		buf[i] = (char)(i * 7 / 3);
	for (size_t i = 0; i < 4; i++)
		iov[i] = (struct host_iovec){buf + i * PG, PG};
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	low = old;
	low.rlim_cur = 6000;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
	assert_int_equal(host_ring_pwritev(r, fd, iov, 4, 0, buf), 0);
	error = finish(r, buf);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(error, EFBIG);
	assert_int_equal(host_pread_full(fd, back, 4 * PG, 0, &done), 0);
	assert_int_equal(done, 6000);
	assert_memory_equal(back, buf, 6000);
	assert_int_equal(write_one(r, fd, buf, 4 * PG, 0), 0);
	host_ring_destroy(r);
	host_close(fd);
	free(back);
	free(buf);
}

static void
test_no_space(void **state)
{
	void (*old)(int) = signal(SIGXFSZ, SIG_IGN);

	no_space(false);
	no_space(true);
	signal(SIGXFSZ, old);
}

/* Empty pieces at any position. */
static void
empty_pieces(bool sync)
{
	struct host_ring *r = ring(2, sync);
	int fd = memory_file(PG);
	char a[] = "first", b[] = "second", back[11] = {0};
	struct host_iovec iov[6] = {
	    {a, 0}, {a, 5}, {b, 0}, {b, 0}, {b, 6}, {b, 0}};

	assert_int_equal(host_ring_pwritev(r, fd, iov, 6, 100, a), 0);
	assert_int_equal(finish(r, a), 0);
	iov[1].base = back;
	iov[4].base = back + 5;
	assert_int_equal(host_ring_preadv(r, fd, iov, 6, 100, b), 0);
	assert_int_equal(finish(r, b), 0);
	assert_memory_equal(back, "firstsecond", 11);
	/* A transfer of 0 bytes completes, at the end of the file too. */
	assert_int_equal(host_ring_preadv(r, fd, iov, 1, PG, b), 0);
	assert_int_equal(finish(r, b), 0);
	host_ring_destroy(r);
	host_close(fd);
}

static void
test_empty_pieces(void **state)
{
	empty_pieces(false);
	empty_pieces(true);
}

/* ---- many ---- */

#define REGION ((size_t)64 << 10)
#define REGIONS 24

struct region {
	char *image; /* contents of the file after the transfers */
	char *buf;   /* destination of reads */
	size_t off;  /* of the transfer, within the region */
	size_t len;
	bool busy, reading;
};

/* Cut a part of mem into pieces; returns the number of bytes. */
static size_t
cut(uint64_t *s, char *mem, size_t room, struct host_iovec *iov, int *n)
{
	size_t len = 0, piece;
	int pieces = 1 + (int)(rnd_below(s, HOST_RING_IOV));

	for (*n = 0; *n < pieces; (*n)++) {
		piece = 1 + rnd_below(s, 4500);
		if (piece > room - len)
			break;
		iov[*n] = (struct host_iovec){mem + len, piece};
		len += piece;
	}
	return (len);
}

static int
region_start(
    struct host_ring *r, int fd, uint64_t *s, struct region *g, uint64_t base)
{
	struct host_iovec iov[HOST_RING_IOV];
	bool reading = rnd_below(s, 2) == 0;
	int n, error;

	g->off = rnd_below(s, (REGION - 4500));
	g->len = cut(s, (reading ? g->buf : g->image) + g->off, REGION - g->off,
	    iov, &n);
	if (reading)
		memset(g->buf, 0xee, REGION);
	else
		for (size_t i = 0; i < g->len; i++)
			g->image[g->off + i] = (char)rnd_next(s);
	error = reading ? host_ring_preadv(r, fd, iov, n, base + g->off, g)
			: host_ring_pwritev(r, fd, iov, n, base + g->off, g);
	/* The ring has copied iov. */
	memset(iov, 0xff, sizeof(iov));
	g->busy = true;
	g->reading = reading;
	return (error);
}

static void
region_end(struct region *g, int error)
{
	assert_int_equal(error, 0);
	assert_true(g->busy);
	g->busy = false;
	if (g->reading)
		assert_memory_equal(g->buf + g->off, g->image + g->off, g->len);
}

static void
many(bool sync, uint64_t seed)
{
	struct host_ring *r = ring(REGIONS, sync);
	static struct region g[REGIONS];
	int fd = memory_file(REGIONS * REGION), error = -1;
	uint64_t s = seed, k;
	char *back = malloc(REGION);
	size_t done;
	void *token;

	for (int i = 0; i < REGIONS; i++) {
		g[i].image = calloc(1, REGION);
		g[i].buf = malloc(REGION);
	}
	for (int i = 0; i < 4000; i++) {
		k = rnd_below(&s, REGIONS);
		while (g[k].busy) {
			assert_true(host_ring_reap(r, true, &token, &error));
			region_end(token, error);
		}
		assert_int_equal(region_start(r, fd, &s, &g[k], k * REGION), 0);
		if (rnd_below(&s, 3) == 0 &&
		    host_ring_reap(r, false, &token, &error))
			region_end(token, error);
	}
	while (host_ring_reap(r, true, &token, &error))
		region_end(token, error);
	for (int i = 0; i < REGIONS; i++) {
		assert_false(g[i].busy);
		assert_int_equal(host_pread_full(fd, back, REGION,
				     (uint64_t)i * REGION, &done),
		    0);
		assert_memory_equal(back, g[i].image, REGION);
		free(g[i].image);
		free(g[i].buf);
	}
	free(back);
	host_ring_destroy(r);
	host_close(fd);
}

static void
test_random_transfers(void **state)
{
	many(false, 1);
	many(false, 2);
	many(true, 3);
}

/* ---- life ---- */

static void
test_descriptors(void **state)
{
	struct host_ring *r[4];

	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 4; i++)
			r[i] = ring(1U << i, i == 3);
		assert_int_equal(host_count_fds(),
		    base_fds + (host_ring_async(r[0]) ? 3 : 0));
		for (int i = 0; i < 4; i++)
			host_ring_destroy(r[i]);
		assert_int_equal(host_count_fds(), base_fds);
	}
	r[0] = ring(1024, false);
	host_ring_destroy(r[0]);
}

/* Where the host refuses io_uring, transfers are synchronous. */
static void
test_synchronous_without_io_uring(void **state)
{
	struct rlimit old, low;
	struct host_ring *r;
	char x = 'x', y = 0;
	int fd = memory_file(PG);

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	low = old;
	low.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	r = ring(8, false);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_false(host_ring_async(r));
	assert_int_equal(write_one(r, fd, &x, 1, 5), 0);
	assert_int_equal(read_one(r, fd, &y, 1, 5), 0);
	assert_int_equal(y, 'x');
	host_ring_destroy(r);
	host_close(fd);
}

struct destroy_case {
	bool reap; /* the one transfer, before the ring is destroyed */
};

static void
destroy_ring(void *arg)
{
	const struct destroy_case *c = arg;
	struct host_ring *r;
	char data[4] = {0};
	struct host_iovec iov = {data, sizeof(data)};
	int fd, error = 1;
	void *token;

	if (host_memfd("ring", PG, &fd) != 0 ||
	    host_ring_create(1, true, &r) != 0 ||
	    host_ring_pwritev(r, fd, &iov, 1, 0, NULL) != 0 ||
	    (c->reap && !host_ring_reap(r, true, &token, &error)))
		_exit(1);
	host_ring_destroy(r);
	_exit(c->reap && error == 0 ? 0 : 1);
}

/* A ring is destroyed only when every transfer has been reaped. */
static void
test_destroy_panics(void **state)
{
	struct destroy_case reaped = {true}, not_reaped = {false};

	assert_true(child_panics(destroy_ring, &not_reaped));
	assert_false(child_fails(destroy_ring, &reaped));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_depth_limits_transfers),
	    T(test_waiting_reads_do_not_block_others),
	    T(test_short_reads_assembled),
	    T(test_errors),
	    T(test_no_space),
	    T(test_empty_pieces),
	    T(test_random_transfers),
	    T(test_descriptors),
	    T(test_synchronous_without_io_uring),
	    T(test_destroy_panics),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
