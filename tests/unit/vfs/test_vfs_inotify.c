/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * inotify: its limits, overflow, the end of what is watched, and many threads.
 * Which events come in which order is tested by a guest, next to Linux.
 */
#include "vfs_nodes_testlib.h"

#include "abi/inotify.h"
#include "abi/poll.h"
#include "host/host.h"
#include "vfs/core/file.h"
#include "vfs/core/hostfd.h"
#include "vfs/core/inotify.h"
#include "vfs/core/inotify_event.h"
#include "vfs/core/lookup.h"
#include "vfs/core/vfs.h"
#include "vfs/core/vnode.h"

struct record {
	int32_t wd;
	uint32_t mask, cookie, len;
};

static struct file *
instance(struct fx *fx)
{
	struct file *f;

	assert_int_equal(inotify_create(fx->vfs, O_NONBLOCK, &f), 0);
	return (f);
}

static int
watch(struct fx *fx, struct file *in, const char *path, uint32_t mask, int *wd)
{
	struct nameidata nd;
	int error = namei(&fx->ctx, NULL, path, NAMEI_NOFOLLOW, &nd);

	if (error != 0)
		return (error);
	error = inotify_add(in, nd.vp, mask, wd);
	vrele(nd.vp);
	return (error);
}

/* How many events of `mask` are there?  All others are counted in *rest. */
static unsigned
drain(struct fx *fx, struct file *in, uint32_t mask, unsigned *rest)
{
	unsigned n = 0;
	char buf[4096];
	struct record r;
	int got;

	*rest = 0;
	while ((got = xread(fx, in, buf, sizeof(buf), -1)) > 0)
		for (int at = 0; at < got; at += (int)(sizeof(r) + r.len)) {
			memcpy(&r, buf + at, sizeof(r));
			assert_true(at + (int)(sizeof(r) + r.len) <= got);
			if ((r.mask & mask) != 0)
				n++;
			else
				++*rest;
		}
	assert_int_equal(got, -EAGAIN);
	return (n);
}

static void
test_limits_of_instances_and_watches(void **state)
{
	struct fx *fx = *state;
	struct file *in[INOTIFY_MAX_INSTANCES], *more;
	char path[32];
	int wd = 0, hostfd;
	unsigned n = 0, rest;

	for (int i = 0; i < 1024; i++) {
		snprintf(path, sizeof(path), "/f%d", i);
		put(fx, path, "x");
	}
	for (int i = 0; i < INOTIFY_MAX_INSTANCES; i++)
		in[i] = instance(fx);
	assert_int_equal(inotify_create(fx->vfs, 0, &more), EMFILE);
	for (; n < INOTIFY_MAX_WATCHES; n++) {
		snprintf(path, sizeof(path), "/f%d", n % 1024);
		assert_int_equal(
		    watch(fx, in[n / 1024], path, LX_IN_MODIFY, &wd), 0);
		assert_int_equal(wd, n % 1024 + 1);
	}
	assert_int_equal(watch(fx, in[9], "/f0", LX_IN_MODIFY, &wd), ENOSPC);
	assert_int_equal(watch(fx, in[0], "/f0", LX_IN_MODIFY, &wd), 0);
	assert_int_equal(wd, 1);
	assert_int_equal(inotify_remove(in[0], 1), 0);
	assert_int_equal(inotify_remove(in[0], 1), EINVAL);
	assert_int_equal(watch(fx, in[9], "/f0", LX_IN_MODIFY, &wd), 0);
	file_free(in[0]);
	in[0] = instance(fx);
	/* Each instance that watches the file gets the event once. */
	put(fx, "/f5", "y");
	for (int i = 0; i < 8; i++) {
		assert_int_equal(in[i]->ops->poll(in[i], LX_POLLIN, &hostfd),
		    i == 0 ? 0 : LX_POLLIN);
		assert_int_equal(
		    hostfd_ready(hostfd, LX_POLLIN), i == 0 ? 0 : LX_POLLIN);
		assert_int_equal(
		    drain(fx, in[i], LX_IN_MODIFY, &rest), i == 0 ? 0 : 1);
		assert_int_equal(rest, 0);
		assert_int_equal(hostfd_ready(hostfd, LX_POLLIN), 0);
	}
	for (int i = 0; i < INOTIFY_MAX_INSTANCES; i++)
		file_free(in[i]);
	assert_false(vfs_watched(fx->vfs));
}

static void
test_overflow(void **state)
{
	const unsigned pairs = INOTIFY_MAX_QUEUED / 2 + 10;
	struct fx *fx = *state;
	struct file *in[5];
	unsigned rest;
	int wd;

	for (int i = 0; i < 5; i++) {
		in[i] = instance(fx);
		assert_int_equal(
		    watch(fx, in[i], "/tmp", LX_IN_CREATE | LX_IN_DELETE, &wd),
		    0);
	}
	assert_int_equal(inotify_remove(in[4], wd), 0);
	for (unsigned i = 0; i < pairs; i++) {
		assert_int_equal(xmkdir(fx, "/tmp/d"), 0);
		assert_int_equal(vfs_unlink(&fx->ctx, NULL, "/tmp/d", true), 0);
	}
	/* The most events of one instance, and the overflow event. */
	assert_int_equal(drain(fx, in[3], LX_IN_Q_OVERFLOW, &rest), 1);
	assert_int_equal(rest, INOTIFY_MAX_QUEUED);
	assert_int_equal(xmkdir(fx, "/tmp/d"), 0);
	assert_int_equal(drain(fx, in[3], LX_IN_Q_OVERFLOW, &rest), 0);
	assert_int_equal(rest, 1);
	/* The most events of all instances together. */
	for (int i = 0; i < 3; i++)
		(void)drain(fx, in[i], LX_IN_Q_OVERFLOW, &rest);
	assert_int_equal(fx->vfs->nevents, 1);
	assert_int_equal(drain(fx, in[4], LX_IN_IGNORED, &rest), 1);
	for (unsigned k = 0; k < 4; k++) {
		assert_int_equal(
		    watch(fx, in[4], "/tmp", LX_IN_CREATE | LX_IN_DELETE, &wd),
		    0);
		for (unsigned i = 0; i < pairs; i++) {
			assert_int_equal(
			    vfs_unlink(&fx->ctx, NULL, "/tmp/d", true), 0);
			assert_int_equal(xmkdir(fx, "/tmp/d"), 0);
		}
	}
	assert_true(fx->vfs->nevents <= INOTIFY_MAX_EVENTS + 5);
	/* Close the instances while their queues are full. */
	for (int i = 0; i < 5; i++)
		file_free(in[i]);
	assert_int_equal(fx->vfs->nevents, 0);
}

/* Removed directories, each the parent of the next; an open file keeps the last
 * one.  Its close frees all of them, without deep recursion. */
static void
test_deep_chain_of_removed_dirs(void **state)
{
#ifdef __SANITIZE_THREAD__ /* 15 times slower, and paths cost their depth */
	enum { DEPTH = 500 };
#else
	enum { DEPTH = 2000 };
#endif
	static char path[2 * DEPTH + 1];
	struct fx *fx = *state;
	struct file *in = instance(fx), *in2 = instance(fx), *f;
	unsigned rest;
	int wd;

	for (int i = 0; i < DEPTH; i++) {
		memcpy(path + 2 * (size_t)i, "/a", 3);
		assert_int_equal(xmkdir(fx, path), 0);
		assert_int_equal(
		    watch(fx, in, path, LX_IN_DELETE_SELF, &wd), 0);
		assert_int_equal(watch(fx, in2, path, LX_IN_OPEN, &wd), 0);
	}
	f = xopen(fx, path, O_RDONLY);
	for (int i = DEPTH; i > 0; i--) {
		path[2 * (size_t)i] = '\0';
		assert_int_equal(vfs_unlink(&fx->ctx, NULL, path, true), 0);
	}
	assert_int_equal(drain(fx, in, UINT32_MAX, &rest), 0);
	file_free(f);
	assert_int_equal(drain(fx, in, LX_IN_DELETE_SELF, &rest), DEPTH);
	assert_int_equal(rest, DEPTH);
	/* LX_IN_OPEN goes to the directory and to the file itself. */
	assert_int_equal(drain(fx, in2, LX_IN_IGNORED, &rest), DEPTH);
	assert_int_equal(rest, 2);
	assert_false(vfs_watched(fx->vfs));
	file_free(in);
	file_free(in2);
}

/* A file that is removed before it is watched. */
static void
test_watch_after_unlink(void **state)
{
	struct fx *fx = *state;
	struct file *in = instance(fx), *f;
	unsigned rest;
	int wd;

	f = xopen(fx, "/tmp/f", O_RDWR | O_CREAT);
	assert_int_equal(vfs_unlink(&fx->ctx, NULL, "/tmp/f", false), 0);
	assert_int_equal(inotify_add(in, f->vp, LX_IN_ALL_EVENTS, &wd), 0);
	assert_int_equal(xwrite(fx, f, "x", 1, -1), 1);
	assert_int_equal(drain(fx, in, LX_IN_MODIFY, &rest), 1);
	file_free(f);
	assert_int_equal(
	    drain(fx, in, LX_IN_DELETE_SELF | LX_IN_IGNORED, &rest), 2);
	assert_int_equal(rest, 1); /* close */
	/* A file that is not removed. */
	put(fx, "/tmp/f", "x");
	assert_int_equal(watch(fx, in, "/tmp/f", LX_IN_ALL_EVENTS, &wd), 0);
	assert_int_equal(wd, 2);
	file_free(in);
}

struct race {
	struct fx *fx;
	struct file *in; /* shared */
	unsigned seed;
};

static void
race_thread(void *arg)
{
	struct race *r = arg;
	struct fx *fx = r->fx;
	struct file *own = instance(fx), *f;
	char a[32], b[32];
	unsigned rest, x = r->seed;
	int wd;

	for (int i = 0; i < 3000; i++) {
		x = x * 1664525 + 1013904223;
		snprintf(a, sizeof(a), "/tmp/%u", x >> 28 & 3);
		snprintf(b, sizeof(b), "/tmp/%u", x >> 26 & 3);
		switch (x >> 20 & 7) {
		case 0:
		case 1:
			if (vfs_open(&fx->ctx, NULL, a, O_RDWR | O_CREAT, 0600,
				&f) != 0)
				break;
			(void)watch(fx, r->in, a, LX_IN_ALL_EVENTS, &wd);
			(void)vfs_unlink(&fx->ctx, NULL, a, false);
			(void)xwrite(fx, f, "x", 1, 0);
			file_free(f);
			break;
		case 2:
			(void)vfs_unlink(&fx->ctx, NULL, a, false);
			break;
		case 3:
			(void)xrename(fx, a, b, x >> 24 & 1 ? EXCHANGE : 0);
			break;
		case 4:
			(void)watch(fx, x & 256 ? own : r->in, a,
			    LX_IN_ALL_EVENTS | 0x80000000u, &wd);
			break;
		case 5:
			(void)inotify_remove(
			    x & 256 ? own : r->in, (int)(x >> 9 & 63) + 1);
			break;
		case 6:
			(void)watch(fx, own, x & 512 ? "/tmp" : b,
			    LX_IN_ALL_EVENTS, &wd);
			break;
		default:
			(void)drain(
			    fx, x & 256 ? own : r->in, LX_IN_ALL_EVENTS, &rest);
		}
		if (i % 500 == 499) {
			file_free(own);
			own = instance(fx);
		}
	}
	file_free(own);
}

static void
test_watch_and_remove_race(void **state)
{
	struct fx *fx = *state;
	struct host_thread *th[4];
	struct race r[4];

	for (unsigned i = 0; i < 4; i++) {
		r[i] = (struct race){fx, i == 0 ? instance(fx) : r[0].in, i};
		assert_int_equal(
		    host_thread_create(&th[i], "race", race_thread, &r[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++)
		host_thread_join(th[i]);
	file_free(r[0].in);
	assert_false(vfs_watched(fx->vfs));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_limits_of_instances_and_watches),
	    T(test_overflow),
	    T(test_deep_chain_of_removed_dirs),
	    T(test_watch_after_unlink),
	    T(test_watch_and_remove_race),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
