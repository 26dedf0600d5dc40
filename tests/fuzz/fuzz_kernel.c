/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The kernel under test.
 *
 * Concepts. One kernel runs many inputs, so that what one of them leaves is
 * there for the next; then it is destroyed and must have given everything back:
 * zone items and frames (vkernel_destroy_check), the state that
 * vm_check_system() walks, descriptors of this process, and most of its memory.
 *
 * Idle programs. A program may sleep for ever. When no process has made a step
 * for idle_ns, every process is killed: the kernel must then end all their
 * sleeps, or the alarm of the driver (the time limit of libFuzzer) reports it.
 * On a busy host this ends some inputs early and has no other effect.
 *
 * With FUZZ_VERBOSE in the environment, log lines and a trace of system calls
 * go to standard error.
 *
 * RLIMIT_FSIZE protects the host from large files. The root directory is
 * read-only for the guest except /rw, which is emptied with each kernel.
 */
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "kern/base/proc.h"
#include "api/vkernel_int.h"
#include "vmspace/vkernel.h"
#include "abi/signal.h"
#include "kern/sig/ksignal.h"
#include "vm/vmspace.h"
#include "kern/proc/process.h"

#define POLL_NS 50000
#define FILE_MAX ((rlim_t)128 << 20)
#define RSS_MAX_KB (3l << 20)

static void
quiet(void *arg, int level, const char *line)
{
	if (getenv("FUZZ_VERBOSE") != NULL)
		fprintf(stderr, "[%d] %s\n", level, line);
}

/* ---- the root directory ---- */

static void
dir_make(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", fuzz_kernel.dir, name);
	if (mkdir(path, 0755) != 0)
		fuzz_fail("%s: %s", path, strerror(errno));
}

static int
dir_remove(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	if (flag == FTW_DNR || flag == FTW_DP || flag == FTW_D)
		(void)chmod(path, 0700);
	return (remove(path));
}

static void
dir_clear(const char *path)
{
	struct stat st;

	/* Guests may have removed their own rights. */
	(void)chmod(path, 0700);
	while (stat(path, &st) == 0)
		if (nftw(path, dir_remove, 16, FTW_DEPTH | FTW_PHYS) != 0 &&
		    errno != EACCES)
			fuzz_fail(
			    "%s: cannot be removed: %s", path, strerror(errno));
}

void
fuzz_file(const char *name, const void *data, size_t len, unsigned mode)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", fuzz_kernel.dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
	if (fd < 0 || write(fd, data, len) != (ssize_t)len ||
	    fchmod(fd, mode) != 0)
		fuzz_fail("%s: %s", path, strerror(errno));
	close(fd);
}

void
fuzz_remove(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", fuzz_kernel.dir, name);
	(void)unlink(path);
}

static void
dir_create(void)
{
	static const char *const dirs[] = {"tmp", "proc", "dev", "dir"};
	const struct rlimit files = {
	    .rlim_cur = FILE_MAX, .rlim_max = FILE_MAX};

	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	(void)setrlimit(RLIMIT_FSIZE, &files);
	strcpy(fuzz_kernel.dir, "/tmp/vmspace-fuzz.XXXXXX");
	if (mkdtemp(fuzz_kernel.dir) == NULL)
		fuzz_fail("mkdtemp: %s", strerror(errno));
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		dir_make(dirs[i]);
	fuzz_kernel.populate();
}

/* ---- the kernel ---- */

/* Counts the descriptors of this process. */
static unsigned
count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	if (d == NULL)
		return (0);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return (n);
}

struct vkernel *
fuzz_kernel_get(void)
{
	struct fuzz_kernel *fk = &fuzz_kernel;
	const struct vkernel_mount rw = {
	    .kind = VKERNEL_MOUNT_RW,
	    .src = "/rw",
	};
	const struct vkernel_config config = {
	    .mem = fk->mem,
	    .root = fk->dir,
	    .mounts = &rw,
	    .nmounts = 1,
	    .hostname = "fuzz",
	    .no_aslr = true,
	    .trace = getenv("FUZZ_VERBOSE") != NULL ? stderr : NULL,
	    .log = quiet,
	    .log_level = 3,
	};
	int error;

	if (fk->k != NULL && fk->inputs >= fk->per_kernel)
		fuzz_kernel_done(false);
	fk->inputs++;
	if (fk->k != NULL)
		return (fk->k);
	if (fk->dir[0] == '\0')
		dir_create();
	dir_make("rw");
	if (fk->fds == 0)
		fk->fds = count_fds();
	fk->fake.step = fk->step;
	error = vkernel_create_fake(&config, &fk->fake, &fk->k);
	if (error != 0)
		fuzz_fail("vkernel_create_fake: %s", strerror(error));
	fk->inputs = 1;
	return (fk->k);
}

static uint64_t
live(struct vkernel *k)
{
	uint64_t n;

	kmutex_lock(&k->proctree);
	n = k->nlive;
	kmutex_unlock(&k->proctree);
	return (n);
}

static void
kill_all(struct vkernel *k)
{
	const struct ksiginfo ksi = {
	    .signo = LX_SIGKILL,
	    .code = LX_SI_KERNEL,
	};
	struct proc *p;

	kmutex_lock(&k->proctree);
	LIST_FOREACH (p, &k->procs, all) {
		if (p->state == PROC_ZOMBIE)
			continue;
		kmutex_lock(&p->lock);
		ksig_post_proc_locked(p, &ksi);
		kmutex_unlock(&p->lock);
	}
	kmutex_unlock(&k->proctree);
}

int
fuzz_kernel_wait(int pid)
{
	const struct timespec ts = {.tv_nsec = POLL_NS};
	struct fuzz_kernel *fk = &fuzz_kernel;
	uint64_t seen = UINT64_MAX, now, since = 0;
	bool kicked = false;
	int error, status;

	while (live(fk->k) > 0) {
		(void)nanosleep(&ts, NULL);
		now = host_now_ns();
		if (atomic_load(&fk->progress) != seen) {
			seen = atomic_load(&fk->progress);
			since = now;
		} else if (now - since > fk->idle_ns) {
			fk->kicked += !kicked;
			kicked = true;
			kill_all(fk->k);
			since = now;
		}
	}
	error = vkernel_wait(fk->k, pid, &status);
	if (error != 0)
		fuzz_fail("vkernel_wait(%d): %s", pid, strerror(error));
	return (status);
}

void
fuzz_kernel_done(bool last)
{
	struct fuzz_kernel *fk = &fuzz_kernel;
	struct rusage ru;
	char path[128];
	uint64_t leaks;
	unsigned fds;

	if (fk->k != NULL) {
		lwp_threads_drain(fk->k);
		if (fk->k->nprocs != 0)
			fuzz_fail("%llu processes were not reaped",
			    (unsigned long long)fk->k->nprocs);
		if (vm_check_system(&fk->k->vm) != 0)
			fuzz_fail("vm_check_system() found damage");
		vkernel_destroy_check(fk->k, &leaks);
		fk->k = NULL;
		if (leaks != 0)
			fuzz_fail("%llu items left after the kernel",
			    (unsigned long long)leaks);
		fds = count_fds();
		if (fds < fk->fds || fds > fk->fds + fuzz_other_fds)
			fuzz_fail(
			    "%u descriptors open, %u before the first input",
			    fds, fk->fds);
		fk->kernels++;
		snprintf(path, sizeof(path), "%s/rw", fk->dir);
		dir_clear(path);
	}
	(void)getrusage(RUSAGE_SELF, &ru);
	if (ru.ru_maxrss > RSS_MAX_KB)
		fuzz_fail("too much memory: %ld KiB resident", ru.ru_maxrss);
	if (last && fk->dir[0] != '\0') {
		dir_clear(fk->dir);
		fk->dir[0] = '\0';
	}
}
