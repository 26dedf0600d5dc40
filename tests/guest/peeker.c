/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * peeker STORMER MS SEED PROCESSES READERS: readers in the same kernel as the
 * processes of stormer.c, through /proc/PID/mem, maps and process_vm_readv.
 *
 * A page that was read belongs to one address space: every word is zero, or
 * holds a number that is at most the number that the process has in TAG_SELF
 * afterwards (see stormer.c). Any other word is stale.
 */
#include "guest.h"

#include <dirent.h>
#include <stdatomic.h>
#include <sys/uio.h>

#define TAG_SELF ((uintptr_t)0x700000000000)
#define TAG_BASE (TAG_SELF + 16 * PAGE)
#define TAG_PAGES 64
#define TAG_MAGIC (UINT64_C(0x7a67) << 48)
#define TAG_MASK (UINT64_C(0xffff) << 48)

struct shared {
	_Atomic(int) stop;
	_Atomic(uint64_t) looked, pages, gone;
};

static struct shared *sh;
static uint64_t state;
static uint64_t page[PAGE / 8];

static void
check_page_words(uint64_t after)
{
	CHECK(after == 0 || (after & TAG_MASK) == TAG_MAGIC);
	if (after == 0)
		return;
	for (size_t i = 0; i < PAGE / 8; i++)
		CHECK(page[i] == 0 ||
		      ((page[i] & TAG_MASK) == TAG_MAGIC && page[i] <= after));
	atomic_fetch_add(&sh->pages, 1);
}

static void
missing(int e)
{
	CHECK(e == ESRCH || e == EIO || e == EFAULT || e == ENOMEM ||
	      e == ENOENT);
	atomic_fetch_add(&sh->gone, 1);
}

/* Several pages through one descriptor belong to one address space. */
static void
by_file(int pid)
{
	uint64_t after = 0;
	char path[64];
	off_t va;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	fd = open(path, O_RDONLY);
	if (fd < 0) {
		missing(errno);
		return;
	}
	for (int i = 0; i < 4; i++) {
		va = (off_t)(TAG_BASE + rnd_below(&state, TAG_PAGES) * PAGE);
		if (pread(fd, page, PAGE, va) != (ssize_t)PAGE ||
		    pread(fd, &after, 8, (off_t)TAG_SELF) != 8) {
			missing(errno);
			break;
		}
		check_page_words(after);
	}
	close(fd);
}

/* A page and the number, read by one call. */
static void
by_call(int pid)
{
	uint64_t after = 0;
	struct iovec l[2] = {{page, PAGE}, {&after, 8}};
	struct iovec r[2] = {
	    {(void *)(TAG_BASE + rnd_below(&state, TAG_PAGES) * PAGE), PAGE},
	    {(void *)TAG_SELF, 8}};
	ssize_t n = process_vm_readv(pid, l, 2, r, 2, 0);

	if (n == (ssize_t)PAGE + 8)
		check_page_words(after);
	else
		missing(n < 0 ? errno : EFAULT);
}

static void
by_text(int pid)
{
	static const char *const names[] = {
	    "maps", "status", "statm", "vmspace", "stat"};
	char path[64], buf[8192];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid,
	    names[rnd_below(&state, 5)]);
	fd = open(path, O_RDONLY);
	if (fd < 0) {
		missing(errno);
		return;
	}
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		continue;
	/* As on Linux, a process may end between open and read. */
	CHECK(n == 0 || errno == ESRCH);
	close(fd);
}

static void
reader(void)
{
	struct dirent *d;
	DIR *dir;
	int pid;

	while (!atomic_load(&sh->stop)) {
		dir = opendir("/proc");
		CHECK(dir != NULL);
		while ((d = readdir(dir)) != NULL) {
			pid = atoi(d->d_name);
			if (pid == 0 || rnd_below(&state, 3) == 0)
				continue;
			atomic_fetch_add(&sh->looked, 1);
			switch (rnd_below(&state, 4)) {
			case 0:
				by_text(pid);
				break;
			case 1:
				by_call(pid);
				break;
			default:
				by_file(pid);
				break;
			}
		}
		closedir(dir);
	}
	_exit(0);
}

int
main(int argc, char **argv)
{
	pid_t storm, pid[64];
	int n = argc > 5 ? atoi(argv[5]) : 4;

	CHECK(argc > 4 && n > 0 && n <= 64);
	state = strtoull(argv[3], NULL, 0) * UINT64_C(0x9e3779b97f4a7c15) + 3;
	sh = map_shared(sizeof(*sh));
	storm = fork();
	CHECK(storm >= 0);
	if (storm == 0) {
		execl(argv[1], argv[1], argv[2], argv[3], argv[4], NULL);
		_exit(9);
	}
	for (int i = 0; i < n; i++) {
		pid[i] = fork();
		CHECK(pid[i] >= 0);
		if (pid[i] == 0) {
			state += (uint64_t)i * 104729;
			reader();
		}
	}
	wait_ok(storm);
	atomic_store(&sh->stop, 1);
	for (int i = 0; i < n; i++)
		wait_ok(pid[i]);
	say("%llu reads, %llu complete pages, %llu processes missing",
	    (unsigned long long)atomic_load(&sh->looked),
	    (unsigned long long)atomic_load(&sh->pages),
	    (unsigned long long)atomic_load(&sh->gone));
	CHECK(atomic_load(&sh->pages) > 0);
	return (0);
}
