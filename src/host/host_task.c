/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * What a thread of another process of the host is doing, from /proc.
 *
 * Limits: times of a thread are in steps of the host's clock tick (10 ms).
 * Where the host has no /proc mounted, all of it is ENOENT.
 */
#include "host/host.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define NSEC UINT64_C(1000000000)

static int
task_file(int pid, int tid, const char *name, char *buf, size_t size)
{
	char path[64];
	size_t len;

	(void)snprintf(path, sizeof(path), "task/%d/%s", tid, name);
	return (host_proc_read(pid, path, buf, size, &len));
}

int
host_task_read(int pid, int tid, struct host_task *out)
{
	uint64_t user, sys, tick;
	char buf[512], state, *p;
	int error;

	error = task_file(pid, tid, "stat", buf, sizeof(buf));
	if (error != 0)
		return (error);
	/* The name of the program may contain anything. */
	p = strrchr(buf, ')');
	if (p == NULL ||
	    sscanf(p,
		") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64
		" %" SCNu64,
		&state, &user, &sys) != 3)
		return (EPROTO);
	tick = NSEC / (uint64_t)sysconf(_SC_CLK_TCK);
	out->state = state;
	out->user_ns = user * tick;
	out->sys_ns = sys * tick;
	return (0);
}

static bool
status_mask(const char *text, const char *name, uint64_t *mask)
{
	const char *at = strstr(text, name);

	return (at != NULL && sscanf(at + strlen(name), "%" SCNx64, mask) == 1);
}

int
host_task_signals(int pid, int tid, uint64_t *blocked, uint64_t *pending)
{
	char buf[4096];
	int error;

	error = task_file(pid, tid, "status", buf, sizeof(buf));
	if (error != 0)
		return (error);
	return (status_mask(buf, "\nSigBlk:", blocked) &&
			status_mask(buf, "\nSigPnd:", pending)
		    ? 0
		    : EPROTO);
}

int
host_task_syscall(int pid, int tid, int *nr)
{
	char buf[256], *end;
	long n;
	int error;

	error = task_file(pid, tid, "syscall", buf, sizeof(buf));
	if (error != 0)
		return (error);
	n = strtol(buf, &end, 10);
	if (end == buf) /* "running" */
		return (EAGAIN);
	*nr = (int)n;
	return (0);
}

uint64_t
host_process_user_ns(int pid)
{
	/* The clock of the user time of a process: posix-timers(7) of Linux. */
	const clockid_t id = (clockid_t)(~(unsigned)pid << 3 | 1u);
	struct timespec ts;

	if (clock_gettime(id, &ts) != 0)
		return (0);
	return ((uint64_t)ts.tv_sec * NSEC + (uint64_t)ts.tv_nsec);
}
