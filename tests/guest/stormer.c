/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * stormer MS SEED PROCESSES: processes that fork, exec, map, page and exit, for
 * readers outside that inspect their memory.
 *
 * Each process that lives for a while has TAGGED pages at TAG_BASE. Every word
 * of them says which process wrote it: TAG_MAGIC
 * generation, a number that no other process of the run has. The process
 * publishes its number in the first word of TAG_SELF before it fills the pages.
 * So a reader that reads TAG_SELF, then pages, then TAG_SELF again, and finds
 * the same number twice, must have found only words with that number, zeros, or
 * words of the ancestors, which are listed in the second page. Any other word
 * is stale.
 */
#include "guest.h"

#include <stdatomic.h>

#define TAG_SELF ((char *)(uintptr_t)0x700000000000)
#define TAG_BASE (TAG_SELF + 16 * PAGE)
#define TAG_PAGES 64
#define TAG_MAGIC (UINT64_C(0x7a67) << 48)

struct shared {
	_Atomic(uint64_t) next; /* generation */
	_Atomic(int) stop;
};

static struct shared *sh;
static uint64_t state;

static uint64_t
rnd(uint64_t n)
{
	return (rnd_below(&state, n));
}

static void
map_fixed(char *at, size_t pages)
{
	CHECK(mmap(at, pages * PAGE, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == at);
}

/* Take number g: publish it, then write it to all tagged pages. */
static void
tag(uint64_t g)
{
	_Atomic(uint64_t) *self = (void *)TAG_SELF;
	uint64_t *w = (void *)TAG_BASE;

	map_fixed(TAG_SELF, 1);
	atomic_store(self, TAG_MAGIC | g);
	map_fixed(TAG_BASE, TAG_PAGES);
	for (size_t i = 0; i < TAG_PAGES * PAGE / 8; i++)
		w[i] = TAG_MAGIC | g;
}

static void
verify(uint64_t g)
{
	const uint64_t *w = (void *)TAG_BASE;

	for (size_t i = 0; i < TAG_PAGES * PAGE / 8; i += 37)
		CHECK(w[i] == (TAG_MAGIC | g));
}

/* One process: fork children with a smaller depth, page, exit. */
static void
live(int depth)
{
	uint64_t g = atomic_fetch_add(&sh->next, 1);
	pid_t pid;

	tag(g);
	for (uint64_t n = 1 + rnd(3); n > 0; n--) {
		if (rnd(2) == 0)
			CHECK(madvise(TAG_BASE, TAG_PAGES * PAGE,
				  MADV_PAGEOUT) == 0);
		if (depth > 0) {
			pid = fork();
			CHECK(pid >= 0);
			if (pid == 0) {
				state += (uint64_t)getpid();
				/* The child has the parent's pages until it
				 * writes its own number. */
				live(depth - 1);
				_exit(0);
			}
			if (rnd(4) == 0)
				kill(pid, SIGKILL);
			(void)wait_status(pid);
		}
		verify(g);
	}
	CHECK(munmap(TAG_BASE, TAG_PAGES * PAGE) == 0);
	CHECK(munmap(TAG_SELF, PAGE) == 0);
}

static void
worker(char **argv)
{
	while (!atomic_load(&sh->stop)) {
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (pid == 0) {
			state += (uint64_t)getpid();
			live(1);
			if (rnd(3) == 0) {
				argv[1] = (char *)(uintptr_t) "exit";
				argv[2] = NULL;
				execv("/proc/self/exe", argv);
				_exit(9);
			}
			_exit(0);
		}
		CHECK(WIFEXITED(wait_status(pid)));
	}
	_exit(0);
}

int
main(int argc, char **argv)
{
	long ms = argc > 1 ? atol(argv[1]) : 1000;
	int n = argc > 3 ? atoi(argv[3]) : 8;
	pid_t pid[64];

	if (argc > 1 && strcmp(argv[1], "exit") == 0)
		return (0);
	CHECK(n > 0 && n <= 64);
	state = strtoull(argc > 2 ? argv[2] : "1", NULL, 0) *
		    UINT64_C(0x9e3779b97f4a7c15) +
		1;
	sh = map_shared(sizeof(*sh));
	atomic_store(&sh->next, 1);
	for (int i = 0; i < n; i++) {
		pid[i] = fork();
		CHECK(pid[i] >= 0);
		if (pid[i] == 0) {
			state += (uint64_t)i * 7919;
			worker(argv);
		}
	}
	sleep_ms(ms);
	atomic_store(&sh->stop, 1);
	for (int i = 0; i < n; i++)
		wait_ok(pid[i]);
	say("lives %s", atomic_load(&sh->next) > (uint64_t)n ? "many" : "few");
	return (0);
}
