/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * storm SECONDS SEED WORKERS: processes that fork, exec, map, write patterns,
 * verify them and exit, while others read their /proc files and memory. The
 * sequence is random, the data must be right. For the stress suite; the output
 * is one line, the same each time.
 */
#include "guest.h"

#include <pthread.h>
#include <stdatomic.h>

#define REGIONS 8
#define MAXPAGES 256
#define MAXWORKERS 64

struct region {
	char *mem;
	size_t pages;
	uint64_t owner;
};

struct shared {
	_Atomic(int) pid[MAXWORKERS];
	_Atomic(uint64_t) actions;
	_Atomic(int) stop;
};

static struct shared *sh;
static struct region regions[REGIONS];
static uint64_t state;
static int workers;

static uint64_t
rnd(uint64_t n)
{
	return (rnd_below(&state, n));
}

static void
verify(const struct region *r)
{
	for (size_t i = 0; i < r->pages; i++)
		CHECK(check_page(r->mem + i * PAGE, r->owner, i));
}

static void
drop(struct region *r)
{
	if (r->mem != NULL)
		CHECK(munmap(r->mem, r->pages * PAGE) == 0);
	r->mem = NULL;
	r->pages = 0;
}

static void
map_some(void)
{
	struct region *r = &regions[rnd(REGIONS)];

	verify(r);
	drop(r);
	r->pages = 1 + rnd(MAXPAGES);
	r->mem = map_anon(r->pages * PAGE);
	r->owner = state;
	for (size_t i = 0; i < r->pages; i++)
		fill_page(r->mem + i * PAGE, r->owner, i);
}

/* Protect, unmap the end, grow or move: the data stays. */
static void
change_some(void)
{
	struct region *r = &regions[rnd(REGIONS)];
	size_t n;
	char *m;

	if (r->pages < 2)
		return;
	n = 1 + rnd(r->pages - 1);
	switch (rnd(4)) {
	case 0:
		CHECK(mprotect(r->mem, n * PAGE, PROT_READ) == 0);
		verify(r);
		CHECK(mprotect(r->mem, n * PAGE, PROT_READ | PROT_WRITE) == 0);
		break;
	case 1:
		CHECK(munmap(r->mem + n * PAGE, (r->pages - n) * PAGE) == 0);
		r->pages = n;
		break;
	case 2:
		m = mremap(r->mem, r->pages * PAGE, (r->pages + n) * PAGE,
		    MREMAP_MAYMOVE);
		CHECK(m != MAP_FAILED);
		CHECK(all_zero(m + r->pages * PAGE, n * PAGE));
		CHECK(munmap(m + r->pages * PAGE, n * PAGE) == 0);
		r->mem = m;
		break;
	default:
		r->owner++;
		for (size_t i = 0; i < r->pages; i++)
			fill_page(r->mem + i * PAGE, r->owner, i);
		break;
	}
	verify(r);
}

static void
child_work(void)
{
	char *argv[] = {
	    (char *)(uintptr_t) "storm", (char *)(uintptr_t) "exit", NULL};

	for (int i = 0; i < REGIONS; i++)
		verify(&regions[i]);
	for (uint64_t n = rnd(4); n > 0; n--)
		change_some();
	for (int i = 0; i < REGIONS; i++)
		verify(&regions[i]);
	if (rnd(3) == 0)
		execv("/proc/self/exe", argv);
	_exit(7);
}

static void
fork_some(void)
{
	bool hit = rnd(4) == 0;
	pid_t pid = fork();
	int status;

	CHECK(pid >= 0);
	if (pid == 0) {
		state += (uint64_t)getpid();
		child_work();
	}
	change_some();
	if (hit)
		kill(pid, SIGKILL);
	status = wait_status(pid);
	CHECK((WIFEXITED(status) && WEXITSTATUS(status) == 7) ||
	      (hit && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
	for (int i = 0; i < REGIONS; i++)
		verify(&regions[i]);
}

static void *
thread_main(void *arg)
{
	char *m = map_anon(4 * PAGE);

	for (size_t i = 0; i < 4; i++)
		fill_page(m + i * PAGE, (uintptr_t)arg, i);
	for (size_t i = 0; i < 4; i++)
		CHECK(check_page(m + i * PAGE, (uintptr_t)arg, i));
	CHECK(munmap(m, 4 * PAGE) == 0);
	return (NULL);
}

static void
thread_some(void)
{
	pthread_t t[3];

	for (uintptr_t i = 0; i < 3; i++)
		CHECK(pthread_create(&t[i], NULL, thread_main, (void *)i) == 0);
	change_some();
	for (int i = 0; i < 3; i++)
		CHECK(pthread_join(t[i], NULL) == 0);
}

/* The /proc files of another process, which may end meanwhile. */
static void
read_proc(void)
{
	static const char *const names[] = {
	    "maps", "status", "stat", "statm", "cmdline", "mem"};
	const char *name = names[rnd(sizeof(names) / sizeof(*names))];
	int pid = atomic_load(&sh->pid[rnd((uint64_t)workers)]), fd;
	char path[64], buf[PAGE];
	ssize_t n;

	/* In some cases a short-lived child instead. */
	if (rnd(3) == 0)
		pid += (int)rnd(64);
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return;
	if (strcmp(name, "mem") == 0) {
		struct region *r = &regions[rnd(REGIONS)];

		n = pread(fd, buf, sizeof(buf), (off_t)(uintptr_t)r->mem);
		if (n == (ssize_t)sizeof(buf) && pid == getpid())
			CHECK(check_page(buf, r->owner, 0));
	} else {
		for (int i = 0; i < 4 && read(fd, buf, sizeof(buf)) > 0; i++)
			continue;
	}
	close(fd);
}

static void
file_some(void)
{
	char name[64], page[PAGE], *m;
	size_t pages = 1 + rnd(16);
	int fd;

	snprintf(name, sizeof(name), "storm-%d", getpid());
	fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(fd >= 0 && ftruncate(fd, (off_t)(pages * PAGE)) == 0);
	m = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(m != MAP_FAILED);
	for (size_t i = 0; i < pages; i++)
		fill_page(m + i * PAGE, 5, i);
	for (size_t i = 0; i < pages; i++)
		CHECK(
		    pread(fd, page, PAGE, (off_t)(i * PAGE)) == (ssize_t)PAGE &&
		    check_page(page, 5, i));
	CHECK(munmap(m, pages * PAGE) == 0 && close(fd) == 0);
	CHECK(unlink(name) == 0);
}

static void
worker(int id, uint64_t seed)
{
	static void (*const acts[])(void) = {map_some, map_some, change_some,
	    change_some, fork_some, fork_some, thread_some, read_proc,
	    read_proc, file_some};

	state = seed * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)id + 1;
	atomic_store(&sh->pid[id], getpid());
	while (!atomic_load(&sh->stop)) {
		acts[rnd(sizeof(acts) / sizeof(*acts))]();
		atomic_fetch_add(&sh->actions, 1);
	}
	for (int i = 0; i < REGIONS; i++)
		verify(&regions[i]);
	_exit(0);
}

int
main(int argc, char **argv)
{
	int seconds = argc > 1 ? atoi(argv[1]) : 2;
	uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	pid_t pid[MAXWORKERS];

	if (argc > 1 && strcmp(argv[1], "exit") == 0)
		return (7);
	workers = argc > 3 ? atoi(argv[3]) : 4;
	CHECK(workers > 0 && workers <= MAXWORKERS);
	scratch_enter("storm");
	sh = map_shared(sizeof(*sh));
	for (int i = 0; i < workers; i++) {
		pid[i] = fork();
		CHECK(pid[i] >= 0);
		if (pid[i] == 0)
			worker(i, seed);
	}
	sleep_ms(seconds * 1000L);
	atomic_store(&sh->stop, 1);
	for (int i = 0; i < workers; i++)
		wait_ok(pid[i]);
	CHECK(atomic_load(&sh->actions) >= (uint64_t)workers);
	say("%d workers, all verified", workers);
	scratch_remove();
	return (0);
}
