/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Memory of the host.
 *
 * Concepts: metadata is private anonymous memory, returned to the host when it
 * is freed.  The arena (guest memory) is a sparse memfd mapped shared, so that
 * stubs can map pages of it.  It is mapped with MAP_NORESERVE, so that unused
 * parts are not charged, and excluded from core dumps, which would otherwise
 * contain all guest memory.
 *
 * The arena's file has the size that is in use (guest memory, and device memory
 * while there is some), because a stub can map any part of the file.
 *
 * Guarantees: new memory reads as zero.  A discarded range reads as zero
 * through every mapping of the arena.  Where the host cannot punch holes, the
 * range is overwritten with zeros, and its memory is not returned to the host.
 */
#include "host/host.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "libk/kassert.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif

/* Beyond RLIMIT_FSIZE ftruncate() would raise SIGXFSZ. */
static int
memfd_resize(int fd, size_t size)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && size > limit.rlim_cur)
		return (EFBIG);
	return (ftruncate(fd, (off_t)size) == 0 ? 0 : errno);
}

static int
linux_mem_alloc(void *self, size_t size, void **out)
{
	void *p;

	p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return (errno);
	*out = p;
	return (0);
}

static void
linux_mem_free(void *self, void *p, size_t size)
{
	host_unmap(p, size);
}

static int
linux_arena_create(void *self, size_t size, size_t room, int *fd, void **base)
{
	void *p;
	int error, mfd = -1;

	error = host_memfd("vmspace-arena", size, &mfd);
	if (error != 0)
		return (error);
	p = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
	    mfd, 0);
	if (p == MAP_FAILED) {
		error = errno;
		close(mfd);
		return (error);
	}
	(void)madvise(p, room, MADV_DONTDUMP);
	*fd = mfd;
	*base = p;
	return (0);
}

static int
linux_arena_resize(void *self, int fd, void *base, size_t size)
{
	return (memfd_resize(fd, size));
}

static void
linux_arena_destroy(void *self, int fd, void *base, size_t room)
{
	host_unmap(base, room);
	close(fd);
}

static void
linux_arena_discard(void *self, int fd, void *base, size_t off, size_t len)
{
	int r;

	if (len == 0)
		return;
	do {
		r = fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		    (off_t)off, (off_t)len);
	} while (r != 0 && errno == EINTR);
	if (r != 0)
		memset((char *)base + off, 0, len);
}

static void
linux_arena_populate(void *self, void *base, size_t off, size_t len)
{
	(void)madvise((char *)base + off, len, MADV_POPULATE_WRITE);
}

const struct host_mem_ops host_linux_mem = {
    .mem_alloc = linux_mem_alloc,
    .mem_free = linux_mem_free,
    .arena_create = linux_arena_create,
    .arena_resize = linux_arena_resize,
    .arena_destroy = linux_arena_destroy,
    .arena_discard = linux_arena_discard,
    .arena_populate = linux_arena_populate,
};

struct host
host_linux(void)
{
	return ((struct host){.ops = &host_linux_mem, .self = NULL});
}

int
host_map_shared(int fd, uint64_t off, size_t len, void **out)
{
	void *p;

	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)off);
	if (p == MAP_FAILED)
		return (errno);
	*out = p;
	return (0);
}

void
host_unmap(void *p, size_t len)
{
	/* munmap() of whole mappings does not fail: only splitting a mapping
	 * can exceed the host's limit of mappings. */
	KVERIFY(len == 0 || munmap(p, len) == 0);
}

int
host_memfd(const char *name, size_t size, int *fd)
{
	int error, mfd;

	mfd = memfd_create(name, MFD_CLOEXEC);
	if (mfd < 0 && errno == EACCES) {
		/* With vm.memfd_noexec=2 the host requires MFD_NOEXEC_SEAL. */
		mfd = memfd_create(name, MFD_CLOEXEC | MFD_NOEXEC_SEAL);
	}
	if (mfd < 0)
		return (errno);
	error = memfd_resize(mfd, size);
	if (error != 0) {
		close(mfd);
		return (error);
	}
	*fd = mfd;
	return (0);
}
