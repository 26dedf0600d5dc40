/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System calls that take long end soon after SIGKILL.  Each runs in a child
 * that repeats it, and that is killed in the middle.
 */
#include "guest.h"

#include <sys/uio.h>

#define MOST_MS 3000 /* from the signal to the end */
#define PIECES 1024

static char *
huge(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CHECK(p != MAP_FAILED);
	return (p);
}

/* Each piece is the same memory. */
static void
many_pieces(struct iovec *v, size_t size)
{
	char *mem = huge(size);

	for (int i = 0; i < PIECES; i++)
		v[i] = (struct iovec){.iov_base = mem, .iov_len = size};
}

static void
read_random(void)
{
	struct iovec v[PIECES];
	int fd = open("/dev/urandom", O_RDONLY);

	many_pieces(v, 2 * MIB);
	CHECK(readv(fd, v, PIECES) > 0);
}

static void
look_for_pages(void)
{
	const size_t size = (size_t)1 << 40;
	char *mem = huge(size);

	CHECK(mincore(mem, size, (unsigned char *)mem) == 0);
}

static void
read_process(void)
{
	struct iovec v[PIECES];

	many_pieces(v, 2 * MIB);
	CHECK(process_vm_readv(getpid(), v, PIECES, v, PIECES, 0) > 0);
}

static void
bring_in(void)
{
	const size_t size = 64 * MIB;
	char *mem = huge(size);

	for (;;) {
		CHECK(madvise(mem, size, 23 /* MADV_POPULATE_WRITE */) == 0);
		CHECK(madvise(mem, size, MADV_DONTNEED) == 0);
	}
}

static uint64_t
now_ms(void)
{
	struct timespec ts;

	CHECK(clock_gettime(CLOCK_MONOTONIC, &ts) == 0);
	return ((uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000);
}

static void
killed_in_time(const char *name, void (*call)(void))
{
	pid_t pid = fork();
	uint64_t began;
	int status;

	CHECK(pid >= 0);
	if (pid == 0) {
		for (;;)
			call();
	}
	sleep_ms(200);
	began = now_ms();
	CHECK(kill(pid, SIGKILL) == 0);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CHECK(now_ms() - began < MOST_MS);
	say("%s", name);
}

int
main(void)
{
	killed_in_time("readv", read_random);
	killed_in_time("mincore", look_for_pages);
	killed_in_time("process_vm_readv", read_process);
	killed_in_time("madvise", bring_in);
	return (0);
}
