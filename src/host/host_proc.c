/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Processes of the host: signals, reaping, /proc, and the identity and limits
 * of this process.  Starting a process is in host_spawn.c.
 *
 * Limits: where the host has no /proc mounted, host_count_fds() returns -1 and
 * host_proc_read() ENOENT.
 */
#include "host/host.h"
#include "abi/prctl.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int
host_pidfd_open(int pid, int *fd)
{
	long r = syscall(SYS_pidfd_open, pid, 0);

	if (r < 0)
		return (errno);
	*fd = (int)r; /* close-on-exec by definition */
	return (0);
}

void
host_pidfd_kill(int fd)
{
	(void)syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
}

void
host_pidfd_wait(int fd)
{
	siginfo_t si;

	while (
	    waitid(P_PIDFD, (id_t)fd, &si, WEXITED | WNOWAIT | __WALL) != 0 &&
	    errno == EINTR)
		continue;
}

void
host_pidfd_reap(int fd)
{
	siginfo_t si;

	while (waitid(P_PIDFD, (id_t)fd, &si, WEXITED | __WALL) != 0 &&
	       errno == EINTR)
		continue;
}

int
host_kill(int pid, int sig)
{
	return (kill(pid, sig) != 0 ? errno : 0);
}

int
host_tgkill(int tgid, int tid, int sig)
{
	return (syscall(SYS_tgkill, tgid, tid, sig) != 0 ? errno : 0);
}

int
host_reap(int pid, bool block, int *status)
{
	pid_t r;
	int st;

	do {
		r = waitpid(pid, &st, block ? 0 : WNOHANG);
	} while (r < 0 && errno == EINTR);
	if (r < 0)
		return (errno);
	if (r == 0)
		return (EAGAIN);
	*status = st;
	return (0);
}

int
host_proc_read(int pid, const char *name, char *buf, size_t size, size_t *len)
{
	char path[128];
	size_t done = 0;
	ssize_t n;
	int fd, r, error = 0;

	if (size == 0)
		return (EINVAL);
	r = snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	if (r < 0 || (size_t)r >= sizeof(path))
		return (ENAMETOOLONG);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return (errno);
	while (done < size - 1) {
		n = read(fd, buf + done, size - 1 - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			error = errno;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	close(fd);
	if (error != 0)
		return (error);
	buf[done] = '\0';
	*len = done;
	return (0);
}

uint64_t
host_raise_nofile(void)
{
	struct rlimit rl;
	rlim_t soft;

	if (getrlimit(RLIMIT_NOFILE, &rl) != 0)
		return (0);
	soft = rl.rlim_cur;
	rl.rlim_cur = rl.rlim_max;
	return (setrlimit(RLIMIT_NOFILE, &rl) == 0 ? rl.rlim_max : soft);
}

int
host_count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;
	int n = 0;

	if (d == NULL)
		return (-1);
	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	closedir(d);
	return (n - 1); /* not counting the directory's descriptor */
}

uint64_t
host_auxval(uint64_t type)
{
	return (getauxval(type));
}

size_t
host_vdso_size(void)
{
	const uint64_t at = getauxval(AT_SYSINFO_EHDR);
	const Elf64_Ehdr *h = (const Elf64_Ehdr *)(uintptr_t)at;

	/* The table of sections is the last part of the host's image. */
	if (at == 0)
		return (0);
	return ((h->e_shoff + (size_t)h->e_shnum * h->e_shentsize + 4095) &
		~(size_t)4095);
}

int
host_speculation(unsigned kind)
{
	return (prctl(LX_PR_GET_SPECULATION_CTRL, kind, 0UL, 0UL, 0UL));
}

void
host_ids(uint32_t *uid, uint32_t *euid, uint32_t *gid, uint32_t *egid)
{
	*uid = getuid();
	*euid = geteuid();
	*gid = getgid();
	*egid = getegid();
}

int
host_groups(uint32_t **gids, size_t *n)
{
	gid_t *g;
	int have, got, error;

	_Static_assert(sizeof(gid_t) == sizeof(uint32_t), "gid_t");
	for (;;) {
		have = getgroups(0, NULL);
		if (have < 0)
			return (errno);
		g = calloc(have > 0 ? (size_t)have : 1, sizeof(*g));
		if (g == NULL)
			return (ENOMEM);
		got = getgroups(have, g);
		/* have 0 would ask for the number, not for the groups. */
		if (have == 0)
			got = 0;
		if (got >= 0)
			break;
		error = errno;
		free(g);
		if (error != EINVAL)
			return (error);
		/* There are more groups than a moment ago. */
	}
	*gids = g;
	*n = (size_t)got;
	return (0);
}
