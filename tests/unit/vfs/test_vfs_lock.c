/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Advisory locks of files: random changes by several owners against a model of
 * one cell for each byte and owner, and the limits.  Waiting, deadlock and what
 * a close releases are in tests/guest/locks.c.
 */
#include "testrand.h"
#include "vfs/core/lock.h"
#include "vfs/core/vfs.h"
#include "vfs_nodes_testlib.h"

#define OWNERS 5
#define BYTES 24
#define STEPS 20000

/* ---- the model ---- */

static char owner_tag[OWNERS + 1]; /* addresses that stand for owners */
static enum vfs_lock_type cell[OWNERS][BYTES];

static enum vfs_lock_kind
kind_of(int o)
{
	return (o == OWNERS - 1 ? VFS_LOCK_OFD : VFS_LOCK_POSIX);
}

static struct vfs_lock_req
request(struct file *f, int o, enum vfs_lock_type type, uint64_t start,
    uint64_t end)
{
	return ((struct vfs_lock_req){.vp = f->vp,
	    .kind = o < OWNERS ? kind_of(o) : VFS_LOCK_POSIX,
	    .owner = &owner_tag[o],
	    .type = type,
	    .start = start,
	    .end = end,
	    .pid = o + 1});
}

static bool
model_refuses(int o, enum vfs_lock_type type, unsigned start, unsigned end)
{
	if (type == VFS_LOCK_NONE)
		return (false);
	for (int i = 0; i < OWNERS; i++)
		for (unsigned b = start; i != o && b <= end; b++)
			if (cell[i][b] == VFS_LOCK_EXCLUSIVE ||
			    (cell[i][b] == VFS_LOCK_SHARED &&
				type == VFS_LOCK_EXCLUSIVE))
				return (true);
	return (false);
}

/* The end of the run of equal cells that begins at `start`. */
static unsigned
run_end(int o, unsigned start)
{
	unsigned b = start;

	while (b + 1 < BYTES && cell[o][b + 1] == cell[o][start])
		b++;
	return (b);
}

static unsigned
model_locks(void)
{
	unsigned n = 0;

	for (int o = 0; o < OWNERS; o++)
		for (unsigned b = 0; b < BYTES; b = run_end(o, b) + 1)
			n += cell[o][b] != VFS_LOCK_NONE;
	return (n);
}

/* Is the lock that *r describes one of the model, and the first in the way of
 * `type` at byte b or behind it? */
static bool
model_has(const struct vfs_lock_req *r, enum vfs_lock_type type, unsigned b)
{
	unsigned first = BYTES;
	bool found = false;

	for (int o = 0; o < OWNERS; o++)
		for (unsigned s = 0; s < BYTES; s = run_end(o, s) + 1) {
			if (cell[o][s] == VFS_LOCK_NONE || run_end(o, s) < b ||
			    (cell[o][s] == VFS_LOCK_SHARED &&
				type == VFS_LOCK_SHARED))
				continue;
			if (s < first)
				first = s;
			if (r->start == s && r->end == run_end(o, s) &&
			    r->type == cell[o][s] &&
			    r->pid == (kind_of(o) == VFS_LOCK_OFD ? -1 : o + 1))
				found = true;
		}
	return (found && r->start == first);
}

/* Ask, as another process, what is in the way of each byte and all behind. */
static void
compare(struct fx *fx, struct file *f)
{
	static const enum vfs_lock_type types[] = {
	    VFS_LOCK_SHARED, VFS_LOCK_EXCLUSIVE};
	struct vfs_lock_req r;

	assert_int_equal(fx->vfs->nlocks, model_locks());
	for (unsigned b = 0; b < BYTES; b++)
		for (int t = 0; t < 2; t++) {
			r = request(f, OWNERS, types[t], b, BYTES - 1);
			if (vfs_lock_test(fx->vfs, &r))
				assert_true(model_has(&r, types[t], b));
			else
				assert_false(model_refuses(
				    OWNERS, types[t], b, BYTES - 1));
		}
}

static void
test_model(void **state)
{
	struct fx *fx = *state;
	struct file *f = xopen(fx, "/tmp/locked", O_RDWR | O_CREAT);
	uint64_t rnd = 1;
	struct vfs_lock_req r;
	int error;

	memset(cell, 0, sizeof(cell));
	for (unsigned i = 0; i < STEPS; i++) {
		int o = (int)rnd_below(&rnd, OWNERS);
		enum vfs_lock_type type =
		    (enum vfs_lock_type)rnd_below(&rnd, 3);
		unsigned start = (unsigned)rnd_below(&rnd, BYTES);
		unsigned end = start + (unsigned)rnd_below(&rnd, BYTES - start);

		r = request(f, o, type, start, end);
		error = vfs_lock_set(fx->vfs, &r, NULL);
		assert_int_equal(
		    error, model_refuses(o, type, start, end) ? EAGAIN : 0);
		for (unsigned b = start; error == 0 && b <= end; b++)
			cell[o][b] = type;
		compare(fx, f);
	}
	for (int o = 0; o < OWNERS; o++) {
		vfs_lock_fd_closed((const struct fdtable *)&owner_tag[o], f);
		memset(cell[o], 0, sizeof(cell[o]));
		compare(fx, f);
	}
	file_free(f);
}

/* ---- limits ---- */

/* Locks of single bytes that do not touch, by process number o, until one is
 * refused; returns how many. */
static unsigned
lock_many(struct fx *fx, struct file *f, int o)
{
	struct vfs_lock_req r;

	for (unsigned n = 0;; n++) {
		r = (struct vfs_lock_req){.vp = f->vp,
		    .kind = VFS_LOCK_POSIX,
		    .owner = (char *)fx + o,
		    .type = VFS_LOCK_SHARED,
		    .start = n * UINT64_C(2),
		    .end = n * UINT64_C(2),
		    .pid = o};
		if (vfs_lock_set(fx->vfs, &r, NULL) == ENOLCK)
			return (n);
	}
}

static void
unlock_all(struct fx *fx, struct file *f, int o)
{
	vfs_lock_fd_closed((const struct fdtable *)((char *)fx + o), f);
}

/* A process can use up its own share only. */
static void
test_share_of_process(void **state)
{
	struct fx *fx = *state;
	struct file *f = xopen(fx, "/tmp/locked", O_RDWR | O_CREAT);
	unsigned n = lock_many(fx, f, 1);

	assert_true(n > 1000 && n <= 8192);
	assert_int_equal(lock_many(fx, f, 1), 0);
	assert_int_equal(lock_many(fx, f, 2), n);
	unlock_all(fx, f, 1);
	assert_int_equal(lock_many(fx, f, 1), n);
	unlock_all(fx, f, 1);
	unlock_all(fx, f, 2);
	file_free(f);
}

/* An unlock that cuts a lock in two makes one more lock, and is refused like
 * one; any other unlock succeeds. */
static void
test_cuts_are_counted(void **state)
{
	struct fx *fx = *state;
	struct file *f = xopen(fx, "/tmp/locked", O_RDWR | O_CREAT);
	struct file *g = xopen(fx, "/tmp/cut", O_RDWR | O_CREAT);
	struct vfs_lock_req r = {.vp = g->vp,
	    .kind = VFS_LOCK_POSIX,
	    .owner = fx,
	    .type = VFS_LOCK_EXCLUSIVE,
	    .end = UINT64_MAX,
	    .pid = 100};
	int error = 0, o = 1;

	assert_int_equal(vfs_lock_set(fx->vfs, &r, NULL), 0);
	while (lock_many(fx, f, o) != 0)
		o++;
	r.type = VFS_LOCK_NONE;
	for (unsigned i = 1; i < 100 && error == 0; i++) {
		r.start = r.end = i * UINT64_C(2);
		error = vfs_lock_set(fx->vfs, &r, NULL);
	}
	assert_int_equal(error, ENOLCK);
	r.start = 1;
	r.end = UINT64_MAX;
	assert_int_equal(vfs_lock_set(fx->vfs, &r, NULL), 0);
	assert_int_equal(lock_many(fx, f, o), 0);
	unlock_all(fx, f, 1);
	assert_true(lock_many(fx, f, o) != 0);
	for (; o > 0; o--)
		unlock_all(fx, f, o);
	unlock_all(fx, g, 0);
	assert_int_equal(fx->vfs->nlocks, 0);
	file_free(f);
	file_free(g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_model),
	    T(test_share_of_process),
	    T(test_cuts_are_counted),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
