/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Memory for tests: counted, and failing on demand.
 *
 * Concepts: every request (metadata or arena) has a number, counted from 1;
 * requests whose number matches `fail_at` or `fail_every` get ENOMEM.  A loop
 * over fail_at = 1, 2, 3... until the tested call succeeds reaches all of its
 * error paths.  Metadata comes from the heap, so that a sanitizer sees overruns
 * and leaks; the arena is an anonymous mapping without a descriptor.
 *
 * Guarantees: `live` is 0 when all memory was freed with its true size.
 */
#include "host/host_fake.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "libk/kassert.h"

#define FAKE_PAGE 4096

/* Number this request.  True: fail it. */
static bool
fake_refuses(struct host_fake *f)
{
	int64_t call = atomic_fetch_add(&f->calls, 1) + 1;
	int64_t every = atomic_load(&f->fail_every);

	return (call == atomic_load(&f->fail_at) ||
		(every > 0 && call % every == 0));
}

static int
fake_mem_alloc(void *self, size_t size, void **out)
{
	struct host_fake *f = self;
	void *p;

	KVERIFY(size > 0 && size % FAKE_PAGE == 0);
	if (fake_refuses(f))
		return (ENOMEM);
	p = aligned_alloc(FAKE_PAGE, size);
	if (p == NULL)
		return (ENOMEM);
	memset(p, 0, size);
	atomic_fetch_add(&f->live, (int64_t)size);
	*out = p;
	return (0);
}

static void
fake_mem_free(void *self, void *p, size_t size)
{
	struct host_fake *f = self;

	free(p);
	KVERIFY(atomic_fetch_sub(&f->live, (int64_t)size) >= (int64_t)size);
}

static int
fake_arena_create(void *self, size_t size, size_t room, int *fd, void **base)
{
	struct host_fake *f = self;
	void *p;

	KVERIFY(size > 0 && size % FAKE_PAGE == 0);
	KVERIFY(room >= size && room % FAKE_PAGE == 0);
	if (fake_refuses(f))
		return (ENOMEM);
	p = mmap(NULL, room, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return (ENOMEM);
	atomic_fetch_add(&f->live, (int64_t)room);
	*fd = -1;
	*base = p;
	return (0);
}

/* The memory is there in any case; only the refusals are those of a host. */
static int
fake_arena_resize(void *self, int fd, void *base, size_t size)
{
	KVERIFY(fd == -1 && size % FAKE_PAGE == 0);
	return (fake_refuses(self) ? ENOMEM : 0);
}

static void
fake_arena_destroy(void *self, int fd, void *base, size_t room)
{
	struct host_fake *f = self;

	KVERIFY(fd == -1);
	host_unmap(base, room);
	KVERIFY(atomic_fetch_sub(&f->live, (int64_t)room) >= (int64_t)room);
}

static void
fake_arena_discard(void *self, int fd, void *base, size_t off, size_t len)
{
	KVERIFY(off % FAKE_PAGE == 0 && len % FAKE_PAGE == 0);
	KVERIFY(
	    len == 0 || madvise((char *)base + off, len, MADV_DONTNEED) == 0);
}

static void
fake_arena_populate(void *self, void *base, size_t off, size_t len)
{
	struct host_fake *f = self;

	KVERIFY(off % FAKE_PAGE == 0 && len % FAKE_PAGE == 0 && len > 0);
	atomic_fetch_add(&f->populated, (int64_t)len);
}

static const struct host_mem_ops host_fake_mem = {
    .mem_alloc = fake_mem_alloc,
    .mem_free = fake_mem_free,
    .arena_create = fake_arena_create,
    .arena_resize = fake_arena_resize,
    .arena_destroy = fake_arena_destroy,
    .arena_discard = fake_arena_discard,
    .arena_populate = fake_arena_populate,
};

struct host
host_fake(struct host_fake *f)
{
	return ((struct host){.ops = &host_fake_mem, .self = f});
}
