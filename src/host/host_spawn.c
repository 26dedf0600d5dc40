/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Start a process from an executable image in memory.
 *
 * Concepts: the child is made by clone(CLONE_VM | CLONE_VFORK) on a stack of
 * its own.  The host copies no page tables, so that the cost does not grow with
 * the arena, and the caller waits until the child has executed the image or has
 * ended.  The child shares all memory with a process whose other threads
 * continue to run.  It may therefore only make raw system calls: no malloc, no
 * locks, no code that a sanitizer instruments or intercepts.  (A sanitizer
 * turns vfork() into fork(), and its bookkeeping for clone() must not run twice
 * on the same memory; hence the inline clone.)  The child reports a failure by
 * storing an errno in the shared struct spawn.
 *
 * The image is executed by descriptor: first from a sealed memfd; where the
 * host forbids that, from an unlinked temporary file.
 *
 * Descriptors: source and target numbers may overlap, so that all sources are
 * first duplicated to numbers above the targets and then down to them.  The
 * image gets the number after the last target, close-on-exec.  All higher
 * numbers are closed.
 *
 * Guarantees: no signal handler of this process runs in the child: all signals
 * are blocked around the clone, and handlers are reset before signals are
 * unblocked.  On failure no child, descriptor or file is left.
 */
#include "host/host.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SPAWN_FDS_MAX 64
#define SPAWN_STACK ((size_t)64 << 10)
#define SPAWN_NSIG 64
#define SPAWN_BUSY_TRIES 50
#define SPAWN_CLOSE_MAX 1048576 /* only without close_range(2) */

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

#ifndef __has_attribute
#define __has_attribute(x) 0
#endif
#if __has_attribute(disable_sanitizer_instrumentation)
#define SPAWN_RAW __attribute__((disable_sanitizer_instrumentation, noinline))
#else
#define SPAWN_RAW \
	__attribute__((no_sanitize("address", "thread", "undefined"), noinline))
#endif

/* The child's arguments.  The parent reads `error` after clone() returns. */
struct spawn {
	char *const *argv;       /* [I] */
	char *const *envp;       /* [I] */
	const int *fds;          /* [I] */
	int nfds;                /* [I] */
	int image;               /* [I] descriptor of the image */
	long ppid;               /* [I] */
	rlim_t fd_limit;         /* [I] */
	char path[32];           /* [I] /proc/self/fd/ of the image's number */
	int high[SPAWN_FDS_MAX]; /* child only */
	_Atomic(int) error;      /* child, then parent */
};

/* The host kernel's sigaction; all zeros: the default action, empty mask. */
struct spawn_sigaction {
	uint64_t handler, flags, restorer, mask;
};

SPAWN_RAW static void
child_signals(void)
{
	struct spawn_sigaction dfl = {0, 0, 0, 0};
	uint64_t none = 0;

	for (int sig = 1; sig <= SPAWN_NSIG; sig++)
		(void)syscall(
		    SYS_rt_sigaction, sig, &dfl, NULL, sizeof(dfl.mask));
	(void)syscall(
	    SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof(none));
}

SPAWN_RAW static int
child_fds(struct spawn *s)
{
	int base = s->nfds + 1, image, i;

	for (i = 0; i < s->nfds; i++) {
		s->high[i] =
		    (int)syscall(SYS_fcntl, s->fds[i], F_DUPFD_CLOEXEC, base);
		if (s->high[i] < 0)
			return (errno);
	}
	image = (int)syscall(SYS_fcntl, s->image, F_DUPFD_CLOEXEC, base);
	if (image < 0)
		return (errno);
	for (i = 0; i < s->nfds; i++) {
		if (syscall(SYS_dup3, s->high[i], i, 0) < 0)
			return (errno);
	}
	if (syscall(SYS_dup3, image, s->nfds, O_CLOEXEC) < 0)
		return (errno);
	if (syscall(SYS_close_range, base, ~0U, 0) == 0)
		return (0);
	for (rlim_t fd = (rlim_t)base; fd < s->fd_limit; fd++)
		(void)syscall(SYS_close, fd);
	return (0);
}

SPAWN_RAW static int
child_setup(struct spawn *s)
{
	long persona;
	int error;

	if (syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
		return (errno);
	if (syscall(SYS_getppid) != s->ppid)
		return (ESRCH); /* the parent died before the prctl */
	(void)syscall(SYS_setsid);
	(void)syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	persona = syscall(SYS_personality, 0xffffffffUL);
	if (persona >= 0)
		(void)syscall(SYS_personality, persona | ADDR_NO_RANDOMIZE);
	error = child_fds(s);
	if (error != 0)
		return (error);
	child_signals();
	return (0);
}

SPAWN_RAW static void
child_main(struct spawn *s)
{
	int error;

	error = child_setup(s);
	if (error != 0)
		goto fail;
	(void)syscall(
	    SYS_execveat, s->nfds, "", s->argv, s->envp, AT_EMPTY_PATH);
	error = errno;
	if (error != ENOSYS && error != EPERM)
		goto fail;
	(void)syscall(SYS_execve, s->path, s->argv, s->envp);
	if (errno != ENOENT)
		error = errno;
fail:
	s->error = error;
	for (;;)
		(void)syscall(SYS_exit_group, 127);
}

/*
 * clone() whose child calls fn(arg) on its own stack and does not return.
 * Returns the child's pid or -errno.
 */
SPAWN_RAW static long
spawn_clone(void *stack_top, void (*fn)(struct spawn *), struct spawn *arg)
{
	register void *child_fn __asm__("r12") = (void *)(uintptr_t)fn;
	register void *child_arg __asm__("r13") = arg;
	register long zero_r10 __asm__("r10") = 0;
	register long zero_r8 __asm__("r8") = 0;
	long ret;

	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xor %%ebp, %%ebp\n\t"
			 "mov %%r13, %%rdi\n\t"
			 "call *%%r12\n\t"
			 "ud2\n"
			 "1:"
			 : "=a"(ret)
			 : "a"((long)SYS_clone),
			 "D"((long)(CLONE_VM | CLONE_VFORK | SIGCHLD)),
			 "S"(stack_top), "d"(0L), "r"(zero_r10), "r"(zero_r8),
			 "r"(child_fn), "r"(child_arg)
			 : "rcx", "r11", "memory", "cc");
	return (ret);
}

/* Clone and wait for the exec; reap the child if it failed. */
static int
spawn_once(struct spawn *s, int image, int *pid)
{
	uint64_t all = ~UINT64_C(0), saved;
	char *stack;
	long r;

	stack = mmap(NULL, SPAWN_STACK, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (stack == MAP_FAILED)
		return (ENOMEM);
	s->image = image;
	s->error = 0;
	(void)syscall(
	    SYS_rt_sigprocmask, SIG_SETMASK, &all, &saved, sizeof(all));
	r = spawn_clone(stack + SPAWN_STACK, child_main, s);
	(void)syscall(
	    SYS_rt_sigprocmask, SIG_SETMASK, &saved, NULL, sizeof(saved));
	munmap(stack, SPAWN_STACK);
	if (r < 0)
		return ((int)-r);
	if (s->error != 0) {
		while (waitpid((pid_t)r, NULL, 0) < 0 && errno == EINTR)
			continue;
		return (s->error);
	}
	*pid = (int)r;
	return (0);
}

/*
 * While another thread of this process spawns a child, that child holds, until
 * its exec, a copy of every descriptor, among them the writable descriptor of
 * our image file, and the exec of the file fails with ETXTBSY: retry.
 */
static int
spawn_retry(struct spawn *s, int image, int *pid)
{
	int error;

	for (int i = 0;; i++) {
		error = spawn_once(s, image, pid);
		if (error != ETXTBSY || i == SPAWN_BUSY_TRIES)
			return (error);
		host_sleep_ns(1000000);
	}
}

static int
write_all(int fd, const char *p, size_t size)
{
	ssize_t n;

	while (size > 0) {
		n = write(fd, p, size);
		if (n < 0) {
			if (errno == EINTR)
				continue;
			return (errno);
		}
		p += n;
		size -= (size_t)n;
	}
	return (0);
}

static int
image_memfd(const void *image, size_t size, int *out)
{
	const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int error, fd;

	fd = memfd_create("vmspace-image", flags | MFD_EXEC);
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("vmspace-image", flags);
	if (fd < 0)
		return (errno);
	error = write_all(fd, image, size);
	if (error != 0) {
		close(fd);
		return (error);
	}
	(void)fcntl(fd, F_ADD_SEALS,
	    F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	*out = fd;
	return (0);
}

/* A read-only descriptor of an unlinked file in `dir`. */
static int
image_file(const char *dir, const void *image, size_t size, int *out)
{
	char path[64];
	int error, rfd, wfd;

	snprintf(path, sizeof(path), "%s/vmspace.XXXXXX", dir);
	wfd = mkostemp(path, O_CLOEXEC);
	if (wfd < 0)
		return (errno);
	error = write_all(wfd, image, size);
	if (error != 0)
		goto out;
	if (fchmod(wfd, S_IRUSR | S_IXUSR) != 0) {
		error = errno;
		goto out;
	}
	rfd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (rfd < 0) {
		error = errno;
		goto out;
	}
	*out = rfd;
out:
	unlink(path);
	close(wfd);
	return (error);
}

/* True for an error that may not occur with the image in another place. */
static bool
spawn_elsewhere(int error)
{
	return (error == EACCES || error == EPERM || error == ENOSYS);
}

int
host_spawn_image(const void *image, size_t size, char *const argv[],
    const int *fds, int nfds, int *pid)
{
	static const char *const dirs[] = {"/tmp", "/var/tmp", "/dev/shm"};
	static char *const no_env[] = {NULL};
	struct spawn s = {.argv = argv, .envp = no_env, .fds = fds};
	struct rlimit rl;
	int error, fd = -1;

	if (nfds < 0 || nfds > SPAWN_FDS_MAX)
		return (EINVAL);
	s.nfds = nfds;
	s.ppid = getpid();
	s.fd_limit = SPAWN_CLOSE_MAX;
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0 && rl.rlim_cur < s.fd_limit)
		s.fd_limit = rl.rlim_cur;
	snprintf(s.path, sizeof(s.path), "/proc/self/fd/%d", nfds);
	error = image_memfd(image, size, &fd);
	if (error == 0) {
		error = spawn_retry(&s, fd, pid);
		close(fd);
	}
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		if (!spawn_elsewhere(error))
			return (error);
		if (image_file(dirs[i], image, size, &fd) != 0)
			continue;
		error = spawn_retry(&s, fd, pid);
		close(fd);
	}
	return (spawn_elsewhere(error) ? EACCES : error);
}
