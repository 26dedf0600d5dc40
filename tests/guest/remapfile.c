/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * remap_file_pages: the order of the pages of a shared mapping.  And mlock2,
 * which does not touch pages.
 */
#include "guest.h"

#define SHARED (MAP_SHARED | MAP_ANONYMOUS)
#define RW (PROT_READ | PROT_WRITE)

static long
remap(char *p, size_t pages, int prot, size_t pgoff)
{
	return (syscall(SYS_remap_file_pages, p, pages * PAGE, prot, pgoff, 0));
}

static void
reverse(char *p, const char *what)
{
	for (int i = 0; i < 4; i++)
		p[i * PAGE] = (char)('a' + i);
	for (int i = 0; i < 4; i++)
		CHECK(remap(p + i * PAGE, 1, 0, (size_t)(3 - i)) == 0);
	say("%s: %c%c%c%c", what, p[0], p[PAGE], p[2 * PAGE], p[3 * PAGE]);
	p[0] = 'x';
	CHECK(remap(p, 2, 0, 2) == 0);
	say("%s: %c%c%c%c", what, p[0], p[PAGE], p[2 * PAGE], p[3 * PAGE]);
}

static void
test_remap(void)
{
	int fd = open("/tmp/remapfile", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char *p = mmap(NULL, 4 * PAGE, RW, SHARED, -1, 0);

	CHECK(p != MAP_FAILED);
	reverse(p, "memory");
	CHECK_ERRNO(remap(p, 1, PROT_READ, 0), EINVAL);
	CHECK_ERRNO(remap(p, 0, 0, 0), EINVAL);
	CHECK_ERRNO(remap(p, 8, 0, 0), EINVAL);
	CHECK_ERRNO(remap(p, 1, 0, SIZE_MAX), EINVAL);
	CHECK(munmap(p, 4 * PAGE) == 0);
	CHECK_ERRNO(remap(p, 1, 0, 0), EINVAL);

	CHECK(fd >= 0 && ftruncate(fd, 4 * (off_t)PAGE) == 0);
	p = mmap(NULL, 4 * PAGE, RW, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	reverse(p, "file");
	CHECK(munmap(p, 4 * PAGE) == 0);
	p = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE, fd, 0);
	CHECK(p != MAP_FAILED);
	CHECK_ERRNO(remap(p, 1, 0, 1), EINVAL);
	CHECK(munmap(p, 4 * PAGE) == 0);

	/* A mapping that may not be written stays so. */
	p = mmap(NULL, 4 * PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED && remap(p, 1, 0, 2) == 0);
	CHECK_ERRNO(read(fd, p, 1), EFAULT);
	CHECK(munmap(p, 4 * PAGE) == 0);
	close(fd);
	unlink("/tmp/remapfile");
}

static void
test_mlock2(void)
{
	char *p = mmap(NULL, 4 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned char vec[4] = {0};

	CHECK(p != MAP_FAILED);
	CHECK(syscall(SYS_mlock2, p, 4 * PAGE, 1) == 0);
	CHECK(mincore(p, 4 * PAGE, vec) == 0);
	say("locked on fault: %d%d%d%d", vec[0] & 1, vec[1] & 1, vec[2] & 1,
	    vec[3] & 1);
	CHECK_ERRNO(madvise(p, PAGE, MADV_DONTNEED), EINVAL);
	CHECK(syscall(SYS_mlock2, p, 4 * PAGE, 0) == 0);
	CHECK(mincore(p, 4 * PAGE, vec) == 0);
	say("locked: %d%d%d%d", vec[0] & 1, vec[1] & 1, vec[2] & 1, vec[3] & 1);
	CHECK_ERRNO(syscall(SYS_mlock2, p, PAGE, 2), EINVAL);
	CHECK(munlock(p, 4 * PAGE) == 0);
	CHECK(munmap(p + PAGE, PAGE) == 0);
	CHECK_ERRNO(syscall(SYS_mlock2, p, 4 * PAGE, 1), ENOMEM);
	CHECK(munmap(p, 4 * PAGE) == 0);
}

int
main(void)
{
	test_remap();
	test_mlock2();
	return (0);
}
