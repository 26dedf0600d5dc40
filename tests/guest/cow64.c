/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * 64 processes, alive at the same time, share 16 MiB copy-on-write. Each one
 * rewrites every fourth page, forks a grandchild that rewrites other pages, and
 * then verifies all 16 MiB: it must see its own pages, and those of its parent
 * as they were at the fork, and no page of another process. The first process
 * writes at the same time.
 */
#include "guest.h"

#define PROCS 64
#define PAGES (16 * MIB / PAGE)
#define OWNER_BASE 1000
#define OWNER_LATE 1001

static char *mem;

static void
verify(uint64_t owner, size_t mod, uint64_t grandchild)
{
	uint64_t want;

	for (size_t i = 0; i < PAGES; i++) {
		want = OWNER_BASE;
		if (i % 4 == mod)
			want = owner;
		if (grandchild != 0 && i % 8 == (mod + 1) % 8)
			want = grandchild;
		if (!check_page(mem + i * PAGE, want, i)) {
			say("FAIL process %lu page %zu is not of %lu",
			    (unsigned long)owner, i, (unsigned long)want);
			_exit(1);
		}
	}
}

static void
grandchild(uint64_t owner, size_t mod)
{
	uint64_t id = owner + 500;

	for (size_t i = (mod + 1) % 8; i < PAGES; i += 8)
		fill_page(mem + i * PAGE, id, i);
	verify(owner, mod, id);
	_exit(0);
}

static void
child(uint64_t owner, int ready, int go)
{
	size_t mod = owner % 4;
	pid_t pid;
	char c;

	for (size_t i = mod; i < PAGES; i += 4)
		fill_page(mem + i * PAGE, owner, i);
	CHECK(write(ready, "r", 1) == 1);
	CHECK(read(go, &c, 1) == 0); /* all write, then all verify */
	verify(owner, mod, 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		grandchild(owner, mod);
	verify(owner, mod, 0);
	wait_ok(pid);
	verify(owner, mod, 0);
	_exit(0);
}

int
main(void)
{
	int ready[2], go[2];
	pid_t pid[PROCS];
	char c;

	mem = map_anon(16 * MIB);
	for (size_t i = 0; i < PAGES; i++)
		fill_page(mem + i * PAGE, OWNER_BASE, i);
	CHECK(pipe(ready) == 0 && pipe(go) == 0);
	for (int n = 0; n < PROCS; n++) {
		pid[n] = fork();
		CHECK(pid[n] >= 0);
		if (pid[n] == 0) {
			close(go[1]);
			child((uint64_t)n + 1, ready[1], go[0]);
		}
	}
	for (int n = 0; n < PROCS; n++)
		CHECK(read(ready[0], &c, 1) == 1);
	say("%d processes have written", PROCS);
	for (size_t i = 0; i < PAGES; i += 3)
		fill_page(mem + i * PAGE, OWNER_LATE, i);
	close(go[1]);
	for (int n = 0; n < PROCS; n++)
		wait_ok(pid[n]);
	for (size_t i = 0; i < PAGES; i++)
		CHECK(check_page(
		    mem + i * PAGE, i % 3 == 0 ? OWNER_LATE : OWNER_BASE, i));
	say("all verified");
	return (0);
}
