/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Pseudo-terminals: their limit, buffers that are full because no thread reads,
 * random keys and settings, and many threads.  What a terminal
 * does with keys is tested by a guest, next to Linux.
 */
#include "vfs_nodes_testlib.h"

#include "abi/ioctl.h"
#include "abi/poll.h"
#include "abi/termios.h"
#include "host/host.h"
#include "vfs/core/file.h"
#include "vfs/core/ioctl.h"
#include "vfs/core/lookup.h"
#include "vfs/core/vfs.h"
#include "vfs/devfs/pty.h"
#include "vfs/devfs/tty.h"

static uint64_t signals;
static unsigned hangups;

static void
on_signal(void *arg, struct pty *pty, int signo)
{
	assert_true(pty_number(pty) < PTY_MAX);
	__atomic_fetch_or(&signals, UINT64_C(1) << signo, __ATOMIC_RELAXED);
}

static void
on_hangup(void *arg, struct pty *pty)
{
	assert_false(pty_live(pty));
	__atomic_fetch_add(&hangups, 1, __ATOMIC_RELAXED);
}

static int
controlling(void *arg, const struct vfs_ctx *ctx, struct pty **pty)
{
	return (ENXIO);
}

static const struct vfs_tty_ops ops = {on_signal, on_hangup, controlling};

static long
call(struct fx *fx, struct file *f, unsigned long cmd, void *arg, size_t size)
{
	long ret = 0;

	return (file_ioctl(f, cmd, arg, size, (uint64_t)(uintptr_t)arg, &ret));
}

/* A pty with its name in path. */
static struct file *
master(struct fx *fx, char path[32])
{
	struct file *m = xopen(fx, "/dev/ptmx", O_RDWR | O_NONBLOCK);
	int32_t v = 0, nr;

	fx->vfs->tty_ops = &ops;
	assert_int_equal(call(fx, m, LX_TIOCGPTN, &nr, 4), 0);
	snprintf(path, 32, "/dev/pts/%d", nr);
	assert_int_equal(eopen(fx, path, O_RDWR), EIO);
	assert_int_equal(call(fx, m, LX_TIOCSPTLCK, &v, 4), 0);
	return (m);
}

static void
test_limit_of_ptys(void **state)
{
	struct fx *fx = *state;
	struct file *m[PTY_MAX], *s;
	struct names ns;
	char path[32];

	for (int i = 0; i < PTY_MAX; i++) {
		m[i] = master(fx, path);
		assert_int_equal(atoi(path + 9), i);
	}
	assert_int_equal(eopen(fx, "/dev/ptmx", O_RDWR), ENOSPC);
	listing(fx, "/dev/pts", &ns);
	assert_int_equal(ns.n, PTY_MAX + 2);
	assert_true(has(&ns, "0") && has(&ns, "255"));
	s = xopen(fx, "/dev/pts/7", O_RDWR);
	file_free(m[7]);
	/* The number stays taken as long as a slave is there; the name has
	 * gone. */
	assert_int_equal(eopen(fx, "/dev/pts/7", O_RDWR), ENOENT);
	listing(fx, "/dev/pts", &ns);
	assert_true(has(&ns, "6") && !has(&ns, "7"));
	assert_int_equal(eopen(fx, "/dev/ptmx", O_RDWR), ENOSPC);
	assert_int_equal(xwrite(fx, s, "x", 1, -1), -EIO);
	file_free(s);
	assert_int_equal(eopen(fx, "/dev/pts/7", O_RDWR), ENOENT);
	assert_int_equal(eopen(fx, "/dev/pts/07", O_RDWR), ENOENT);
	assert_int_equal(eopen(fx, "/dev/pts/256", O_RDWR), ENOENT);
	assert_int_equal(eopen(fx, "/dev/pts/99999999999", O_RDWR), ENOENT);
	m[7] = master(fx, path);
	assert_string_equal(path, "/dev/pts/7");
	hangups = 0;
	for (int i = 0; i < PTY_MAX; i++)
		file_free(m[i]);
	assert_int_equal(hangups, PTY_MAX);
}

static bool
ready(struct file *f, short events)
{
	int hostfd;

	return ((f->ops->poll(f, events, &hostfd) & events) != 0);
}

/* Write more bytes than are read, in both directions. */
static void
test_full_buffers(void **state)
{
	struct fx *fx = *state;
	char path[32], buf[8192];
	struct file *m = master(fx, path), *s;
	unsigned n = 0, typed = 0;
	int got;

	s = xopen(fx, path, O_RDWR | O_NONBLOCK);
	memset(buf, 'x', sizeof(buf));
	/* A line without an end: what fits is kept. */
	for (int i = 0; i < 10; i++)
		assert_int_equal(xwrite(fx, m, buf, 1000, -1), 1000);
	assert_int_equal(xread(fx, s, buf, sizeof(buf), -1), -EAGAIN);
	assert_int_equal(xwrite(fx, m, "\n", 1, -1), 1);
	assert_int_equal(xread(fx, s, buf, sizeof(buf), -1), PTY_LINE);
	/* Lines until there is no room for input; none is lost. */
	while ((got = xwrite(fx, m, "ab\n", 3, -1)) == 3)
		typed += 3;
	assert_true((got > 0 || got == -EAGAIN) && typed > 20480);
	typed += got > 0 ? (unsigned)got : 0;
	assert_false(ready(m, LX_POLLOUT));
	while ((got = xread(fx, s, buf, sizeof(buf), -1)) > 0)
		n += (unsigned)got;
	assert_true(got == -EAGAIN && n == typed - typed % 3);
	assert_true(ready(m, LX_POLLOUT));
	assert_false(ready(s, LX_POLLIN));
	/* Output until the buffer is full; then a signal discards it. */
	while ((got = xwrite(fx, s, buf, 4096, -1)) > 0)
		;
	assert_int_equal(got, -EAGAIN);
	assert_false(ready(s, LX_POLLOUT));
	signals = 0;
	assert_int_equal(xwrite(fx, m, "\x03", 1, -1), 1);
	assert_int_equal(signals, UINT64_C(1) << SIGINT);
	assert_int_equal(xread(fx, m, buf, sizeof(buf), -1), 2);
	assert_memory_equal(buf, "^C", 2);
	assert_true(ready(s, LX_POLLOUT));
	assert_int_equal(xwrite(fx, s, "y", 1, -1), 1);
	file_free(s);
	assert_int_equal(xread(fx, m, buf, sizeof(buf), -1), 1);
	assert_int_equal(xread(fx, m, buf, sizeof(buf), -1), -EIO);
	file_free(m);
}

struct race {
	struct fx *fx;
	struct file *m;
	const char *path;
	unsigned seed;
};

/* Random operations. */
static void
race_thread(void *arg)
{
	struct race *r = arg;
	struct fx *fx = r->fx;
	struct file *s = NULL, *f;
	unsigned x = r->seed * 7919 + 1;
	uint8_t buf[512];
	int hostfd;

	for (int i = 0; i < 4000; i++) {
		x = x * 1664525 + 1013904223;
		for (size_t k = 0; k < sizeof(buf); k++)
			buf[k] = (uint8_t)((x >> 8) * (k + 1) >> (k % 13));
		f = s != NULL && (x >> 30 & 1) != 0 ? s : r->m;
		switch (x >> 24 & 15) {
		case 0:
			if (s != NULL)
				file_free(s);
			s = NULL;
			break;
		case 1:
		case 2:
			if (s == NULL && vfs_open(&fx->ctx, NULL, r->path,
					     O_RDWR | O_NONBLOCK, 0, &s) != 0)
				s = NULL;
			break;
		case 3:
			(void)call(
			    fx, f, LX_TCSETS, buf, sizeof(struct lx_termios));
			break;
		case 4:
			(void)call(fx, f, LX_TCSETSF2, buf, 44);
			break;
		case 5:
			(void)call(fx, f, LX_TIOCSWINSZ, buf, 8);
			break;
		case 6:
			(void)file_ioctl(
			    f, LX_TCFLSH, NULL, 0, x & 3, &(long){0});
			break;
		case 7:
			(void)f->ops->poll(f, LX_POLLIN, &hostfd);
			break;
		case 8:
		case 9:
		case 10:
			(void)xread(fx, f, buf, x >> 4 & 511, -1);
			break;
		default:
			(void)xwrite(fx, f, buf, x >> 4 & 511, -1);
		}
	}
	if (s != NULL)
		file_free(s);
}

static void
test_open_and_close_race(void **state)
{
	struct fx *fx = *state;
	struct host_thread *th[4];
	char path[32];
	struct file *m = master(fx, path);
	struct race r[4];

	for (unsigned i = 0; i < 4; i++) {
		r[i] = (struct race){fx, m, path, i};
		assert_int_equal(
		    host_thread_create(&th[i], "pty", race_thread, &r[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++)
		host_thread_join(th[i]);
	file_free(m);
	assert_int_equal(eopen(fx, path, O_RDWR), ENOENT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_limit_of_ptys),
	    T(test_full_buffers),
	    T(test_open_and_close_race),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
