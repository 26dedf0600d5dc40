/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * mmap, munmap, mremap, madvise, mincore and mprotect: their effect on data,
 * and their errors.
 */
#include "guest.h"

static bool
mapped(char *p)
{
	unsigned char v;

	return (mincore(p, PAGE, &v) == 0);
}

static void
fixed(void)
{
	char *m = map_anon(16 * PAGE), *r;
	const int prot = PROT_READ | PROT_WRITE,
		  flags = MAP_PRIVATE | MAP_ANONYMOUS;

	fill_pages(m, 16, 1);
	r = mmap(m + 4 * PAGE, 4 * PAGE, prot, flags | MAP_FIXED, -1, 0);
	CHECK(r == m + 4 * PAGE && all_zero(r, 4 * PAGE));
	CHECK(check_page(m + 3 * PAGE, 1, 3) && check_page(m + 8 * PAGE, 1, 8));
	r = mmap(m + 2 * PAGE, PAGE, prot, flags | MAP_FIXED_NOREPLACE, -1, 0);
	CHECK(r == MAP_FAILED && errno == EEXIST);
	CHECK(munmap(m + 2 * PAGE, PAGE) == 0 && !mapped(m + 2 * PAGE));
	r = mmap(m + 2 * PAGE, PAGE, prot, flags | MAP_FIXED_NOREPLACE, -1, 0);
	CHECK(r == m + 2 * PAGE && all_zero(r, PAGE));
	CHECK(munmap(m + 3 * PAGE, 2 * PAGE) == 0);
	/* The address is only a hint. */
	r = mmap(m + 3 * PAGE, PAGE, prot, flags, -1, 0);
	CHECK(r == m + 3 * PAGE);
	r = mmap(m + 1, PAGE, prot, flags | MAP_FIXED, -1, 0);
	CHECK(r == MAP_FAILED && errno == EINVAL);
	r = mmap(NULL, 0, prot, flags, -1, 0);
	CHECK(r == MAP_FAILED && errno == EINVAL);
	r = mmap(NULL, SIZE_MAX - PAGE, prot, flags, -1, 0);
	CHECK(r == MAP_FAILED && errno == ENOMEM);
	r = mmap((void *)(uintptr_t)0x7ffffffff000, PAGE, prot,
	    flags | MAP_FIXED, -1, 0);
	CHECK(r == MAP_FAILED && errno == ENOMEM);
	CHECK_ERRNO(munmap(m + 1, PAGE), EINVAL);
	CHECK_ERRNO(munmap(m, 0), EINVAL);
	CHECK(munmap(m, 16 * PAGE) == 0);
	CHECK(munmap(m, 16 * PAGE) == 0); /* an empty range is not an error */
	CHECK(!mapped(m) && !mapped(m + 15 * PAGE));
	say("fixed mappings");
}

static void
remap(void)
{
	char *m = map_anon(8 * PAGE), *r, *to;

	fill_pages(m, 8, 2);
	r = mremap(m, 8 * PAGE, 4 * PAGE, 0); /* shrink */
	CHECK(r == m && !mapped(m + 4 * PAGE));
	check_pages(m, 4, 2);
	r = mremap(m, 4 * PAGE, 64 * PAGE, MREMAP_MAYMOVE);
	CHECK(r != MAP_FAILED);
	check_pages(r, 4, 2);
	CHECK(all_zero(r + 4 * PAGE, 60 * PAGE));
	CHECK(r == m || !mapped(m));
	m = r;
	to = map_anon(64 * PAGE);
	r = mremap(m, 64 * PAGE, 32 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	CHECK(r == to && !mapped(m));
	check_pages(r, 4, 2);
	/* The part that it did not cover stays. */
	CHECK(mapped(to + 63 * PAGE));
	/* A mapping is in the way, and the call may not move. */
	m = mmap(to + 32 * PAGE, PAGE, PROT_READ,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	CHECK(m != MAP_FAILED);
	CHECK(mremap(to, 32 * PAGE, 33 * PAGE, 0) == MAP_FAILED &&
	      errno == ENOMEM);
	CHECK(mremap(to + 1, PAGE, PAGE, 0) == MAP_FAILED && errno == EINVAL);
	CHECK(mremap(to, PAGE, 0, 0) == MAP_FAILED && errno == EINVAL);
	CHECK(munmap(to, 64 * PAGE) == 0);
	CHECK(mremap(to, PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED &&
	      errno == EFAULT);
	say("mremap");
}

static void
remap_shared(void)
{
	char *m = map_shared(4 * PAGE), *r;
	pid_t pid;

	fill_pages(m, 4, 3);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		r = mremap(m, 4 * PAGE, 4 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
		    map_anon(4 * PAGE));
		CHECK(r != MAP_FAILED);
		check_pages(r, 4, 3);
		fill_page(r + PAGE, 4, 1);
		_exit(0);
	}
	wait_ok(pid);
	CHECK(check_page(m + PAGE, 4, 1) && check_page(m, 3, 0));
	CHECK(munmap(m, 4 * PAGE) == 0);
	say("mremap of shared memory");
}

static void
advise(void)
{
	char *m = map_anon(16 * PAGE), *s = map_shared(4 * PAGE);
	int fd = open("data", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char page[PAGE], *f;

	fill_pages(m, 16, 5);
	CHECK(madvise(m + 4 * PAGE, 8 * PAGE, MADV_DONTNEED) == 0);
	check_pages(m, 4, 5);
	CHECK(all_zero(m + 4 * PAGE, 8 * PAGE));
	CHECK(check_page(m + 12 * PAGE, 5, 12));
	fill_pages(s, 4, 6);
	CHECK(madvise(s, 4 * PAGE, MADV_DONTNEED) == 0);
	check_pages(s, 4, 6); /* shared memory keeps its data */
	fill_page(page, 8, 0);
	CHECK(fd >= 0 && write(fd, page, PAGE) == (ssize_t)PAGE);
	f = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(f != MAP_FAILED);
	memset(f, 'x', PAGE);
	CHECK(madvise(f, PAGE, MADV_DONTNEED) == 0);
	CHECK(check_page(f, 8, 0)); /* the contents of the file again */
	CHECK(munmap(f, PAGE) == 0 && close(fd) == 0 && unlink("data") == 0);
	CHECK(madvise(m, 16 * PAGE, MADV_WILLNEED) == 0);
	CHECK(madvise(m, 16 * PAGE, MADV_SEQUENTIAL) == 0);
	CHECK(madvise(m, 16 * PAGE, MADV_NORMAL) == 0);
	CHECK_ERRNO(madvise(m + 1, PAGE, MADV_DONTNEED), EINVAL);
	CHECK_ERRNO(madvise(m, PAGE, 9999), EINVAL);
	CHECK(munmap(m + 8 * PAGE, PAGE) == 0);
	CHECK_ERRNO(madvise(m, 16 * PAGE, MADV_DONTNEED), ENOMEM);
	CHECK(all_zero(m, 8 * PAGE) && all_zero(m + 9 * PAGE, 7 * PAGE));
	CHECK(munmap(m, 16 * PAGE) == 0 && munmap(s, 4 * PAGE) == 0);
	say("madvise");
}

static void
dontfork_child(void *arg)
{
	char *m = arg;

	CHECK(mapped(m) && !mapped(m + PAGE) && mapped(m + 2 * PAGE));
	CHECK(check_page(m, 9, 0));
}

static void
inheritance(void)
{
	char *m = map_anon(3 * PAGE);

	fill_pages(m, 3, 9);
	CHECK(madvise(m + PAGE, PAGE, MADV_DONTFORK) == 0);
	in_child(dontfork_child, m);
	CHECK(madvise(m + PAGE, PAGE, MADV_DOFORK) == 0);
	check_pages(m, 3, 9);
	CHECK(munmap(m, 3 * PAGE) == 0);
	say("inheritance");
}

static void
core_and_protect(void)
{
	char *m = map_anon(8 * PAGE);
	unsigned char v[8];

	CHECK(mincore(m, 8 * PAGE, v) == 0);
	for (int i = 0; i < 8; i++)
		CHECK((v[i] & 1) == 0);
	m[2 * PAGE] = 1;
	m[5 * PAGE] = 1;
	CHECK(mincore(m, 8 * PAGE, v) == 0);
	CHECK((v[2] & 1) == 1 && (v[5] & 1) == 1);
	CHECK_ERRNO(mincore(m + 1, PAGE, v), EINVAL);
	CHECK_ERRNO(mincore(m, PAGE, (unsigned char *)8), EFAULT);
	CHECK(mprotect(m, 8 * PAGE, PROT_READ) == 0);
	CHECK_ERRNO(read(open("/dev/zero", O_RDONLY), m, PAGE), EFAULT);
	CHECK(mprotect(m + 3 * PAGE, PAGE, PROT_READ | PROT_WRITE) == 0);
	m[3 * PAGE] = 1;
	CHECK(munmap(m + 6 * PAGE, PAGE) == 0);
	CHECK_ERRNO(mprotect(m, 8 * PAGE, PROT_READ), ENOMEM);
	CHECK_ERRNO(mincore(m, 8 * PAGE, v), ENOMEM);
	CHECK_ERRNO(syscall(SYS_mprotect, m + 1, PAGE, PROT_READ), EINVAL);
	CHECK_ERRNO(syscall(SYS_mprotect, m, PAGE, 0x1234), EINVAL);
	CHECK_ERRNO(msync(m + 1, PAGE, MS_SYNC), EINVAL);
	CHECK_ERRNO(msync(m, PAGE, MS_SYNC | MS_ASYNC), EINVAL);
	CHECK_ERRNO(msync(m, 8 * PAGE, MS_SYNC), ENOMEM);
	CHECK(munmap(m, 8 * PAGE) == 0);
	say("mincore and mprotect");
}

static void
populated(void)
{
	char *m = mmap(NULL, 4 * MIB, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	static unsigned char v[4 * MIB / PAGE];

	CHECK(m != MAP_FAILED && mincore(m, 4 * MIB, v) == 0);
	for (size_t i = 0; i < sizeof(v); i++)
		CHECK((v[i] & 1) == 1);
	CHECK(all_zero(m, 4 * MIB));
	CHECK(munmap(m, 4 * MIB) == 0);
	say("populated");
}

/* Each shared mapping of /dev/zero is memory of its own, which children share.
 */
static void
zero_device(void)
{
	int fd = open("/dev/zero", O_RDWR);
	char *a, *b;

	CHECK(fd >= 0);
	a = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	b = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(a != MAP_FAILED && b != MAP_FAILED);
	a[0] = 1;
	CHECK(b[0] == 0);
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		a[1] = 2;
		_exit(0);
	}
	wait_ok(pid);
	CHECK(a[1] == 2 && b[1] == 0);
	CHECK(munmap(a, PAGE) == 0 && munmap(b, PAGE) == 0);
	CHECK(close(fd) == 0);
	say("zero_device");
}

/* Offsets and addresses at the end of what there is. */
static void
edges(void)
{
	char *const top = (char *)0x7ffffffff000;
	char *const beyond = (char *)0x800000000000;
	int fd = open("edge", O_RDWR | O_CREAT, 0600);

	CHECK(fd >= 0);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0x7ffffffffffff000) ==
	      MAP_FAILED);
	CHECK(errno == EOVERFLOW);
	CHECK(mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE, fd,
		  0x7fffffffffffe000) == MAP_FAILED);
	CHECK(errno == EOVERFLOW);
	CHECK(close(fd) == 0 && unlink("edge") == 0);
	CHECK(munmap(top - PAGE, PAGE) == 0);
	CHECK_ERRNO(munmap(top - PAGE, 2 * PAGE), EINVAL);
	CHECK_ERRNO(munmap(top, PAGE), EINVAL);
	CHECK_ERRNO(munmap(beyond, PAGE), EINVAL);
	CHECK_ERRNO(munmap(top - PAGE, 0), EINVAL);
	CHECK_ERRNO(madvise(top, PAGE, MADV_DONTNEED), ENOMEM);
	CHECK_ERRNO(madvise(beyond, PAGE, MADV_NORMAL), ENOMEM);
	CHECK_ERRNO(madvise(beyond, PAGE, 77), EINVAL);
	CHECK_ERRNO(madvise(beyond + 1, PAGE, MADV_NORMAL), EINVAL);
	CHECK_ERRNO(madvise(beyond, (size_t)-1, MADV_NORMAL), EINVAL);
	CHECK(madvise(beyond, 0, MADV_NORMAL) == 0);
	say("edges");
}

struct range {
	void *base;
	size_t len;
};

static long
advise_process(int fd, const struct range *r, size_t n, int advice, int flags)
{
	return (syscall(440, fd, r, n, advice, flags));
}

static void
process_advice(void)
{
	char *m = map_anon(8 * PAGE);
	struct range r[3] = {
	    {m, 2 * PAGE}, {m + 4 * PAGE, PAGE}, {m + 1, PAGE}};
	int self, other, fds[2];
	pid_t pid;

	fill_pages(m, 8, 1);
	self = (int)syscall(434, getpid(), 0);
	CHECK(self >= 0 && pipe(fds) == 0);
	CHECK(advise_process(self, r, 2, MADV_COLD, 0) == 3 * (long)PAGE);
	CHECK(advise_process(self, r, 3, MADV_COLD, 0) == 3 * (long)PAGE);
	CHECK_ERRNO(advise_process(self, r + 2, 1, MADV_COLD, 0), EINVAL);
	CHECK(advise_process(self, r, 0, MADV_COLD, 0) == 0);
	CHECK_ERRNO(advise_process(self, r, 1, MADV_COLD, 1), EINVAL);
	CHECK_ERRNO(advise_process(self, r, 5000, MADV_COLD, 0), EINVAL);
	CHECK_ERRNO(advise_process(self, BAD, 1, MADV_COLD, 0), EFAULT);
	CHECK_ERRNO(advise_process(self, r, 1, 99, 0), EINVAL);
	CHECK_ERRNO(advise_process(-1, r, 1, MADV_COLD, 0), EBADF);
	CHECK_ERRNO(advise_process(fds[0], r, 1, MADV_COLD, 0), EBADF);
	check_pages(m, 8, 1);
	/* Another process: only what keeps the contents. */
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		char c;

		close(fds[1]);
		CHECK(read(fds[0], &c, 1) == 1);
		check_pages(m, 8, 1);
		_exit(0);
	}
	other = (int)syscall(434, pid, 0);
	CHECK(other >= 0);
	if (geteuid() == 0) {
		CHECK(advise_process(other, r, 2, MADV_PAGEOUT, 0) ==
		      3 * (long)PAGE);
		CHECK(advise_process(other, r, 2, MADV_WILLNEED, 0) ==
		      3 * (long)PAGE);
	}
	CHECK_ERRNO(advise_process(other, r, 2, MADV_DONTNEED, 0), EINVAL);
	CHECK(write(fds[1], "x", 1) == 1);
	wait_ok(pid);
	CHECK_ERRNO(advise_process(other, r, 2, MADV_COLD, 0), ESRCH);
	CHECK(close(self) == 0 && close(other) == 0);
	CHECK(close(fds[0]) == 0 && close(fds[1]) == 0);
	CHECK(munmap(m, 8 * PAGE) == 0);
	say("process_advice");
}

/* Where the processor has none, no key can be had, and that of none is -1. */
static void
protection_keys(void)
{
	char *m = map_anon(2 * PAGE);

	CHECK_ERRNO(syscall(SYS_pkey_alloc, 1, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_pkey_alloc, 0, 4), EINVAL);
	CHECK_ERRNO(syscall(SYS_pkey_free, -1), EINVAL);
	CHECK_ERRNO(syscall(SYS_pkey_free, 15), EINVAL);
	CHECK(syscall(SYS_pkey_mprotect, m, PAGE, PROT_NONE, -1) == 0);
	CHECK(syscall(SYS_pkey_mprotect, m, 0, PROT_READ, 15) == 0);
	CHECK_ERRNO(syscall(SYS_pkey_mprotect, m, PAGE, PROT_READ, 15), EINVAL);
	CHECK_ERRNO(syscall(SYS_pkey_mprotect, m, PAGE, PROT_READ, -2), EINVAL);
	CHECK_ERRNO(syscall(SYS_pkey_mprotect, m, PAGE, 1 << 20, -1), EINVAL);
	CHECK_ERRNO(
	    syscall(SYS_pkey_mprotect, m + 1, PAGE, PROT_READ, -1), EINVAL);
	CHECK(munmap(m, 2 * PAGE) == 0);
	CHECK_ERRNO(syscall(SYS_pkey_mprotect, m, PAGE, PROT_READ, -1), ENOMEM);
	say("protection keys");
}

int
main(void)
{
	scratch_enter("mapcalls");
	fixed();
	remap();
	remap_shared();
	advise();
	inheritance();
	core_and_protect();
	populated();
	zero_device();
	edges();
	process_advice();
	protection_keys();
	scratch_remove();
	return (0);
}
