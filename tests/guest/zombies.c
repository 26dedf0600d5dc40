/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * 1,000 processes that have ended and have not been waited for: none keeps
 * memory, and all memory can be used before the first wait.
 */
#include "guest.h"

#define ZOMBIES 1000
#define TOUCHED (64 * PAGE)

static char buf[65536];

/* A number of /proc/meminfo, in KiB. */
static long
meminfo(const char *name)
{
	char *p;

	read_file("/proc/meminfo", buf, sizeof(buf));
	p = strstr(buf, name);
	CHECK(p != NULL);
	return (strtol(p + strlen(name), NULL, 10));
}

static void
child(void)
{
	char *m = map_anon(TOUCHED);

	memset(m, 1, TOUCHED);
	/* Part of it goes to swap, where there is swap. */
	(void)madvise(m, TOUCHED / 2, MADV_PAGEOUT);
	_exit(7);
}

static void
look(pid_t pid)
{
	static const char *const none[] = {"flags NONE\n", "resident 0\n",
	    "entries 0\n", "anonymous 0\n", "swap 0\n"};
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/statm", (int)pid);
	read_file(path, buf, sizeof(buf));
	CHECK(strcmp(buf, "0 0 0 0 0 0 0\n") == 0);
	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	read_file(path, buf, sizeof(buf));
	CHECK(buf[0] == '\0');
	if (!inside())
		return;
	snprintf(path, sizeof(path), "/proc/%d/vmspace", (int)pid);
	read_file(path, buf, sizeof(buf));
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		CHECK(strstr(buf, none[i]) != NULL);
	CHECK(strstr(buf, "entry") == NULL && strstr(buf, "object") == NULL);
}

int
main(void)
{
	static pid_t pid[ZOMBIES];
	long memfree = 0, swapfree = 0;
	siginfo_t si;

	for (int i = -1; i < ZOMBIES; i++) {
		pid_t p = fork();

		CHECK(p >= 0);
		if (p == 0)
			child();
		CHECK(waitid(P_PID, (id_t)p, &si, WEXITED | WNOWAIT) == 0);
		CHECK(si.si_code == CLD_EXITED && si.si_status == 7);
		if (i >= 0) {
			pid[i] = p;
			continue;
		}
		/* The first child makes the kernel allocate what it keeps. */
		CHECK(wait_status(p) == 7 << 8);
		memfree = meminfo("MemFree:");
		swapfree = meminfo("SwapFree:");
	}
	if (inside()) {
		CHECK(meminfo("MemFree:") >= memfree - 1024);
		CHECK(meminfo("SwapFree:") == swapfree);
	}
	for (int i = 0; i < ZOMBIES; i++)
		look(pid[i]);
	for (int i = 0; i < ZOMBIES; i++)
		CHECK(wait_status(pid[i]) == 7 << 8);
	say("no zombie has memory");
	return (0);
}
