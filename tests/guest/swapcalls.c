/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Calls on memory that is in swap: madvise, mincore, mlock, msync, mremap,
 * fixed mappings, growing stacks, inheritance, and very many mappings.
 *
 * Inside, memory is small and there is swap, so that MADV_PAGEOUT really writes
 * the pages to swap; mincore and /proc confirm it. Natively there may be no
 * swap: then the same calls must have the same effect on the data.
 */
#include "guest.h"

#include <sys/sysinfo.h>

#ifndef MADV_COLD
#define MADV_COLD 20
#define MADV_PAGEOUT 21
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

#define PAGES ((size_t)256)
#define OTHER_UID 65534
#define RW (PROT_READ | PROT_WRITE)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define STACK_GAP (256 * PAGE)

/* The number of pages, at most PAGES, that mincore reports as resident. */
static size_t
resident(char *m, size_t pages)
{
	unsigned char v[PAGES];
	size_t n = 0;

	CHECK(pages <= PAGES && mincore(m, pages * PAGE, v) == 0);
	for (size_t i = 0; i < pages; i++)
		n += v[i] & 1;
	return (n);
}

/* A line of /proc/self/status, in KiB. */
static uint64_t
status_kib(const char *name)
{
	char buf[4096], *at;

	read_file("/proc/self/status", buf, sizeof(buf));
	at = strstr(buf, name);
	CHECK(at != NULL);
	return (strtoull(at + strlen(name), NULL, 10));
}

/* Page out; inside, the pages must not be resident afterwards. */
static void
out(char *m, size_t pages)
{
	CHECK(madvise(m, pages * PAGE, MADV_PAGEOUT) == 0);
	if (inside())
		CHECK(resident(m, pages) == 0);
}

/* An area that is filled and in swap. */
static char *
swapped(size_t pages, uint64_t owner)
{
	char *m = map_anon(pages * PAGE);

	fill_pages(m, pages, owner);
	out(m, pages);
	return (m);
}

static void
no_map(char *p)
{
	unsigned char v;

	CHECK_ERRNO(mincore(p, PAGE, &v), ENOMEM);
}

/* ---- advice ---- */

static void
out_and_in(void)
{
	static char buf[16384];
	struct rusage a, b;
	char *m, *at;

	m = swapped(PAGES, 1);
	if (inside()) {
		CHECK(status_kib("VmSwap:") >= PAGES * PAGE / 1024);
		read_file("/proc/self/vmspace", buf, sizeof(buf));
		CHECK((at = strstr(buf, "\nswap ")) != NULL);
		CHECK(strtoull(at + 6, NULL, 10) >= PAGES);
		CHECK(strstr(buf, "\nentry ") != NULL);
		CHECK(status_kib("RssAnon:") < 4096);
	}
	CHECK(getrusage(RUSAGE_SELF, &a) == 0);
	check_pages(m, PAGES, 1);
	CHECK(getrusage(RUSAGE_SELF, &b) == 0);
	if (inside()) {
		CHECK(b.ru_majflt > a.ru_majflt);
		CHECK(resident(m, PAGES) == PAGES);
	}
	/* A page that was only read needs no new copy in swap; a page that
	 * was written does. */
	m[5 * PAGE] ^= 1;
	out(m, PAGES);
	m[5 * PAGE] ^= 1;
	check_pages(m, PAGES, 1);
	CHECK(munmap(m, PAGES * PAGE) == 0);
	say("paged out and in");
}

static void
advice(void)
{
	char *m = swapped(PAGES, 2);

	CHECK(madvise(m, PAGES * PAGE, MADV_WILLNEED) == 0);
	if (inside())
		CHECK(resident(m, PAGES) == PAGES);
	check_pages(m, PAGES, 2);
	CHECK(madvise(m, PAGES * PAGE, MADV_COLD) == 0);
	check_pages(m, PAGES, 2);
	out(m, PAGES);
	CHECK(madvise(m, PAGES * PAGE, MADV_COLD) == 0);
	/* MADV_DONTNEED in the middle: the rest stays in swap. */
	CHECK(madvise(m + 64 * PAGE, 64 * PAGE, MADV_DONTNEED) == 0);
	CHECK(all_zero(m + 64 * PAGE, 64 * PAGE));
	check_pages(m, 64, 2);
	for (size_t i = 128; i < PAGES; i++)
		CHECK(check_page(m + i * PAGE, 2, i));
	fill_pages(m, PAGES, 3);
	out(m, PAGES);
	/* MADV_FREE: the old contents or zeros, until a page is written
	 * again. */
	CHECK(madvise(m, PAGES * PAGE, MADV_FREE) == 0);
	for (size_t i = 0; i < PAGES; i++)
		CHECK(all_zero(m + i * PAGE, PAGE) ||
		      check_page(m + i * PAGE, 3, i));
	fill_pages(m, PAGES, 4);
	out(m, PAGES);
	check_pages(m, PAGES, 4);
	CHECK_ERRNO(madvise(m + 1, PAGE, MADV_PAGEOUT), EINVAL);
	CHECK(munmap(m + PAGE, PAGE) == 0);
	CHECK_ERRNO(madvise(m, 3 * PAGE, MADV_PAGEOUT), ENOMEM);
	CHECK_ERRNO(madvise(m, 3 * PAGE, MADV_COLD), ENOMEM);
	CHECK_ERRNO(madvise(m, 3 * PAGE, MADV_WILLNEED), ENOMEM);
	CHECK(check_page(m, 4, 0) && check_page(m + 2 * PAGE, 4, 2));
	CHECK(munmap(m, PAGES * PAGE) == 0);
	say("advice");
}

static void
given_back(void)
{
	uint64_t before, most;
	char *m;

	before = status_kib("VmSwap:");
	m = swapped(PAGES, 5);
	most = status_kib("VmSwap:");
	CHECK(madvise(m, PAGES / 2 * PAGE, MADV_DONTNEED) == 0);
	if (inside())
		CHECK(status_kib("VmSwap:") <= most - PAGES / 2 * 4);
	CHECK(munmap(m, PAGES * PAGE) == 0);
	if (inside())
		CHECK(status_kib("VmSwap:") <= before);
	say("swap is given back");
}

/* ---- mlock ---- */

/* The limit, 16 pages, holds for all calls that lock; a call that fails
 * locks nothing. */
static void
lock_limits(void)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS,
		  rw = PROT_READ | PROT_WRITE;
	char *m, *p;

	m = mmap(NULL, 8 * PAGE, rw, flags | MAP_LOCKED, -1, 0);
	CHECK(m != MAP_FAILED && resident(m, 8) == 8);
	p = mmap(NULL, 9 * PAGE, rw, flags | MAP_LOCKED, -1, 0);
	CHECK(p == MAP_FAILED && errno == EAGAIN);
	p = mremap(m, 8 * PAGE, 17 * PAGE, MREMAP_MAYMOVE);
	CHECK(p == MAP_FAILED && errno == EAGAIN);
	CHECK_ERRNO(mlockall(MCL_CURRENT), ENOMEM);
	CHECK_ERRNO(mlockall(0), EINVAL);
	CHECK_ERRNO(mlockall(MCL_ONFAULT), EINVAL);
	CHECK(mlockall(MCL_FUTURE) == 0);
	p = mmap(NULL, 9 * PAGE, rw, flags, -1, 0);
	CHECK(p == MAP_FAILED && errno == EAGAIN);
	p = map_anon(8 * PAGE);
	CHECK(resident(p, 8) == 8);
	CHECK(munlockall() == 0);
	CHECK(munmap(p, 8 * PAGE) == 0 && munmap(m, 8 * PAGE) == 0);
	p = map_anon(32 * PAGE);
	CHECK(resident(p, 32) == 0);
	CHECK(munmap(p, 32 * PAGE) == 0);
}

static void
locked_child(void *arg)
{
	struct rlimit rl = {64 * 1024, 64 * 1024};
	char *m = arg;
	bool limited = inside();

	CHECK(setrlimit(RLIMIT_MEMLOCK, &rl) == 0);
	/* Natively the limit does not hold for root. */
	if (!inside() &&
	    (geteuid() != 0 || setresuid(OTHER_UID, OTHER_UID, OTHER_UID) == 0))
		limited = true;
	if (limited)
		lock_limits();
	CHECK(mlock(m, 16 * PAGE) == 0);
	CHECK(resident(m, 16) == 16); /* it comes back from swap */
	if (limited) {
		CHECK_ERRNO(mlock(m + 16 * PAGE, PAGE), ENOMEM);
		/* A page that is locked twice is counted once. */
		CHECK(mlock(m, 16 * PAGE) == 0);
	}
	if (inside())
		CHECK(status_kib("VmLck:") == 64);
	CHECK_ERRNO(madvise(m, 16 * PAGE, MADV_PAGEOUT), EINVAL);
	CHECK_ERRNO(madvise(m, 16 * PAGE, MADV_COLD), EINVAL);
	CHECK_ERRNO(madvise(m, 16 * PAGE, MADV_DONTNEED), EINVAL);
	CHECK(resident(m, 16) == 16);
	check_pages(m, 16, 6);
	/* Locked pages stay while memory is short. */
	for (int i = 0; inside() && i < 3; i++) {
		char *big = map_anon(24 * MIB);

		for (size_t p = 0; p < 24 * MIB / PAGE; p++)
			fill_page(big + p * PAGE, 7, p);
		CHECK(resident(m, 16) == 16);
		CHECK(munmap(big, 24 * MIB) == 0);
	}
	CHECK(munlock(m, 16 * PAGE) == 0);
	fill_pages(m, 16, 6); /* the child's copy as well */
	out(m, 16);
	CHECK(mlock(m + 16 * PAGE, PAGE) == 0);
	CHECK(munlock(m + 16 * PAGE, PAGE) == 0);
	CHECK(munmap(m + 2 * PAGE, PAGE) == 0);
	CHECK_ERRNO(mlock(m, 4 * PAGE), ENOMEM);
	CHECK_ERRNO(munlock(m, 4 * PAGE), ENOMEM);
	rl.rlim_cur = rl.rlim_max = 0;
	CHECK(setrlimit(RLIMIT_MEMLOCK, &rl) == 0);
	if (limited)
		CHECK_ERRNO(mlock(m, PAGE), EPERM);
}

/* Locks are not inherited; locked pages are resident. */
static void
locked(void)
{
	char *m = swapped(32, 6);

	in_child(locked_child, m);
	check_pages(m, 32, 6);
	CHECK(mlock(m, 4 * PAGE) == 0);
	in_child(locked_child, m);
	CHECK(resident(m, 4) == 4);
	CHECK(munmap(m, 32 * PAGE) == 0);
	say("mlock");
}

/* ---- files and shared memory ---- */

static void
synced(void)
{
	int fd = open("data", O_RDWR | O_CREAT | O_TRUNC, 0600);
	char page[PAGE], *f;

	CHECK(fd >= 0 && ftruncate(fd, (off_t)(64 * PAGE)) == 0);
	f = mmap(NULL, 64 * PAGE, RW, MAP_SHARED, fd, 0);
	CHECK(f != MAP_FAILED);
	fill_pages(f, 64, 8);
	CHECK(madvise(f, 64 * PAGE, MADV_PAGEOUT) == 0);
	check_pages(f, 64, 8);
	fill_page(f + 9 * PAGE, 9, 9);
	CHECK(msync(f, 64 * PAGE, MS_ASYNC) == 0);
	CHECK(msync(f, 64 * PAGE, MS_SYNC) == 0);
	CHECK(msync(f, 64 * PAGE, MS_SYNC | MS_INVALIDATE) == 0);
	for (size_t i = 0; i < 64; i++) {
		CHECK(
		    pread(fd, page, PAGE, (off_t)(i * PAGE)) == (ssize_t)PAGE);
		CHECK(check_page(page, i == 9 ? 9 : 8, i));
	}
	CHECK(mlock(f, PAGE) == 0);
	CHECK_ERRNO(msync(f, 64 * PAGE, MS_SYNC | MS_INVALIDATE), EBUSY);
	CHECK(munlock(f, PAGE) == 0);
	CHECK(munmap(f + PAGE, PAGE) == 0);
	CHECK_ERRNO(msync(f, 3 * PAGE, MS_SYNC), ENOMEM);
	CHECK(munmap(f, 64 * PAGE) == 0 && close(fd) == 0);
	CHECK(unlink("data") == 0);
	f = swapped(4, 9);
	CHECK(msync(f, 4 * PAGE, MS_SYNC) == 0);
	check_pages(f, 4, 9);
	CHECK(munmap(f, 4 * PAGE) == 0);
	say("msync");
}

static void
shared_child(void *arg)
{
	char *s = arg;

	check_pages(s, 64, 10);
	fill_page(s + 7 * PAGE, 11, 7);
	CHECK(madvise(s, 64 * PAGE, MADV_PAGEOUT) == 0);
}

static void
shared(void)
{
	char *s = map_shared(64 * PAGE);

	fill_pages(s, 64, 10);
	out(s, 64);
	in_child(shared_child, s);
	for (size_t i = 0; i < 64; i++)
		CHECK(check_page(s + i * PAGE, i == 7 ? 11 : 10, i));
	/* MADV_DONTNEED on shared memory keeps the data, in memory or in
	 * swap. */
	out(s, 64);
	CHECK(madvise(s, 64 * PAGE, MADV_DONTNEED) == 0);
	CHECK(check_page(s, 10, 0) && check_page(s + 7 * PAGE, 11, 7));
	out(s, 64);
	CHECK(madvise(s + 8 * PAGE, 8 * PAGE, MADV_REMOVE) == 0);
	CHECK(all_zero(s + 8 * PAGE, 8 * PAGE));
	CHECK(check_page(s + 16 * PAGE, 10, 16));
	/* What counts is whether it could be made writable. */
	CHECK(mprotect(s, 64 * PAGE, PROT_READ) == 0);
	CHECK(madvise(s + 16 * PAGE, 8 * PAGE, MADV_REMOVE) == 0);
	CHECK(all_zero(s + 16 * PAGE, 8 * PAGE));
	CHECK(munmap(s, 64 * PAGE) == 0);
	/* The same of a file. */
	const int fd = memfd_create("remove", 0);

	CHECK(fd >= 0 && ftruncate(fd, 8 * PAGE) == 0);
	s = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(s != MAP_FAILED);
	fill_pages(s, 8, 12);
	CHECK(madvise(s + 2 * PAGE, 3 * PAGE, MADV_REMOVE) == 0);
	CHECK(check_page(s + PAGE, 12, 1) && check_page(s + 5 * PAGE, 12, 5));
	CHECK(all_zero(s + 2 * PAGE, 3 * PAGE));
	CHECK(munmap(s, 8 * PAGE) == 0);
	close(fd);
	say("shared memory");
}

/* ---- moving and replacing ---- */

static void
moved(void)
{
	char *m = swapped(PAGES, 12), *to, *r;

	r = mremap(m, PAGES * PAGE, 2 * PAGES * PAGE, MREMAP_MAYMOVE);
	CHECK(r != MAP_FAILED);
	CHECK(all_zero(r + PAGES * PAGE, PAGES * PAGE));
	if (inside())
		CHECK(resident(r, PAGES) == 0);
	check_pages(r, PAGES, 12);
	out(r, PAGES);
	m = mremap(r, 2 * PAGES * PAGE, PAGES / 2 * PAGE, 0);
	CHECK(m == r);
	no_map(m + PAGES / 2 * PAGE);
	to = map_anon(PAGES * PAGE);
	r = mremap(m, PAGES / 2 * PAGE, PAGES / 2 * PAGE,
	    MREMAP_MAYMOVE | MREMAP_FIXED, to);
	CHECK(r == to);
	no_map(m);
	check_pages(to, PAGES / 2, 12);
	out(to, PAGES / 2);
	/* The old range stays mapped, and reads as zeros. */
	r = mremap(to, PAGES / 2 * PAGE, PAGES / 2 * PAGE,
	    MREMAP_MAYMOVE | MREMAP_DONTUNMAP);
	CHECK(r != MAP_FAILED && r != to);
	CHECK(all_zero(to, PAGES / 2 * PAGE));
	check_pages(r, PAGES / 2, 12);
	CHECK(munmap(r, PAGES / 2 * PAGE) == 0);
	CHECK(munmap(to, PAGES * PAGE) == 0);
	say("mremap");
}

static void
replaced(void)
{
	char *m = swapped(32, 13), *r;

	r = mmap(m + 4 * PAGE, 4 * PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0);
	CHECK(r == MAP_FAILED && errno == EEXIST);
	r = mmap(m + 4 * PAGE, 4 * PAGE, RW, ANON | MAP_FIXED, -1, 0);
	CHECK(r == m + 4 * PAGE && all_zero(r, 4 * PAGE));
	CHECK(mprotect(m, 2 * PAGE, PROT_READ) == 0);
	CHECK_ERRNO(read(open("/dev/zero", O_RDONLY), m, PAGE), EFAULT);
	CHECK(mprotect(m, 2 * PAGE, PROT_NONE) == 0);
	CHECK(madvise(m, 2 * PAGE, MADV_PAGEOUT) == 0);
	CHECK(mprotect(m, 2 * PAGE, RW) == 0);
	check_pages(m, 4, 13);
	for (size_t i = 8; i < 32; i++)
		CHECK(check_page(m + i * PAGE, 13, i));
	CHECK(munmap(m, 32 * PAGE) == 0);
	r = mmap(m, 32 * PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0);
	CHECK(r == m && all_zero(m, 32 * PAGE));
	CHECK(munmap(m, 32 * PAGE) == 0);
	say("fixed mappings");
}

/* ---- stacks ---- */

static sigjmp_buf env;

static void
on_segv(int sig, siginfo_t *si, void *uc)
{
	siglongjmp(env, 1);
}

/* Does a write fault? */
static bool
faults(char *p)
{
	if (sigsetjmp(env, 1) != 0)
		return (true);
	*(volatile char *)p = 1;
	return (false);
}

static void
stacks(void)
{
	char *hole = map_anon(4 * MIB), *top = hole + 4 * MIB, *s;

	CHECK(munmap(hole, 4 * MIB) == 0);
	s = mmap(top - 4 * PAGE, 4 * PAGE, RW, ANON | MAP_GROWSDOWN | MAP_FIXED,
	    -1, 0);
	CHECK(s != MAP_FAILED);
	/* A mapping that is nearer than the gap when the stack grows. */
	CHECK(mmap(hole, PAGE, RW, ANON | MAP_FIXED, -1, 0) == hole);
	set_handler(SIGSEGV, on_segv, 0);
	for (size_t i = 1; i <= 64; i++)
		fill_page(top - i * PAGE, 14, i);
	CHECK(madvise(top - 64 * PAGE, 64 * PAGE, MADV_PAGEOUT) == 0);
	/* One page at a time, down to the gap and not further. */
	for (s = top - 65 * PAGE; s >= hole + PAGE + STACK_GAP; s -= PAGE)
		CHECK(!faults(s));
	CHECK(faults(s) && faults(hole + PAGE));
	for (size_t i = 1; i <= 64; i++)
		CHECK(check_page(top - i * PAGE, 14, i));
	CHECK(*hole == 0);
	set_disposition(SIGSEGV, SIG_DFL);
	CHECK(munmap(hole, 4 * MIB) == 0);
	say("stack growth and its gap");
}

/* ---- inheritance ---- */

static void
inheriting_child(void *arg)
{
	char *m = arg;

	CHECK(all_zero(m, 16 * PAGE));
	no_map(m + 16 * PAGE);
	for (size_t i = 32; i < 48; i++)
		CHECK(check_page(m + i * PAGE, 15, i));
	fill_pages(m, 16, 16);
	out(m, 16);
	check_pages(m, 16, 16);
	fill_page(m + 40 * PAGE, 17, 40);
}

static void
inheritance(void)
{
	char *m = map_anon(48 * PAGE);

	fill_pages(m, 48, 15);
	CHECK(madvise(m, 16 * PAGE, MADV_WIPEONFORK) == 0);
	CHECK(madvise(m + 16 * PAGE, 16 * PAGE, MADV_DONTFORK) == 0);
	for (int round = 0; round < 3; round++) {
		CHECK(madvise(m, 48 * PAGE, MADV_PAGEOUT) == 0);
		in_child(inheriting_child, m);
		check_pages(m, 48, 15);
	}
	CHECK(madvise(m, 16 * PAGE, MADV_KEEPONFORK) == 0);
	CHECK(madvise(m + 16 * PAGE, 16 * PAGE, MADV_DOFORK) == 0);
	CHECK(munmap(m, 48 * PAGE) == 0);
	say("inheritance");
}

/* ---- very many mappings ---- */

/* Nearly as many as the limit (65,530, natively vm.max_map_count) allows. */
static void
many(void)
{
	size_t n = inside() ? 65000 : 40000, step = 1000;
	char *m = mmap(NULL, n * PAGE, PROT_NONE, ANON | MAP_NORESERVE, -1, 0);

	CHECK(m != MAP_FAILED);
	for (size_t i = 0; i < n; i += 2)
		CHECK(mprotect(m + i * PAGE, PAGE, RW) == 0);
	for (size_t i = 0; i < n; i += step)
		fill_page(m + i * PAGE, 18, i);
	CHECK(madvise(m, n * PAGE, MADV_PAGEOUT) == 0);
	if (inside())
		CHECK(resident(m, 1) == 0 && resident(m + step * PAGE, 1) == 0);
	for (size_t i = 0; i < n; i += step)
		CHECK(check_page(m + i * PAGE, 18, i));
	set_handler(SIGSEGV, on_segv, 0);
	CHECK(faults(m + PAGE) && faults(m + (n - 1) * PAGE));
	set_disposition(SIGSEGV, SIG_DFL);
	CHECK(munmap(m + n / 4 * PAGE, n / 2 * PAGE) == 0);
	CHECK(check_page(m, 18, 0));
	CHECK(munmap(m, n * PAGE) == 0);
	say("many mappings");
}

static void
swap_statistics(void)
{
	struct sysinfo si;
	char buf[4096];

	CHECK(sysinfo(&si) == 0 && si.freeswap <= si.totalswap);
	read_file("/proc/swaps", buf, sizeof(buf));
	CHECK(strncmp(buf, "Filename", 8) == 0);
	if (inside()) {
		CHECK(si.totalswap > 0 && strstr(buf, "/dev/swap1 ") != NULL);
		read_file("/proc/vmstat", buf, sizeof(buf));
		CHECK(strstr(buf, "\npswpin ") != NULL &&
		      strstr(buf, "\npswpin 0\n") == NULL);
		CHECK(strstr(buf, "\npswpout ") != NULL &&
		      strstr(buf, "\npswpout 0\n") == NULL);
		read_file("/proc/meminfo", buf, sizeof(buf));
		CHECK(strstr(buf, "SwapTotal:") != NULL &&
		      strstr(buf, "SwapTotal:             0 kB") == NULL);
	}
	say("swap in sysinfo and /proc");
}

int
main(void)
{
	scratch_enter("swapcalls");
	out_and_in();
	advice();
	given_back();
	locked();
	synced();
	shared();
	moved();
	replaced();
	stacks();
	inheritance();
	many();
	swap_statistics();
	scratch_remove();
	return (0);
}
