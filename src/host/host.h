/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The one boundary to the host kernel: memory, threads, time, processes.
 * (Files have a header of their own, host_file.h.)  Every function returns 0
 * or a positive errno; the host's errno variable is read here and nowhere
 * else.  Interrupted calls (EINTR) are retried unless the contract says
 * otherwise.
 */
#ifndef HOST_HOST_H
#define HOST_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- memory: an op table, so that tests can count and refuse ---- */

/*
 * Memory back-end.  `host_linux` maps real memory; `host_fake` (host_fake.h)
 * counts, and refuses the n-th request, so that every error path can be
 * walked.  All sizes are bytes and multiples of 4096.
 */
struct host_mem_ops {
	/* Zeroed private memory for kernel metadata.  0, ENOMEM. */
	int (*mem_alloc)(void *self, size_t size, void **out);
	void (*mem_free)(void *self, void *p, size_t size);
	/* A sparse, zeroed, shareable arena mapped read-write in this process;
	 * *fd is a descriptor for it (close-on-exec), -1 where there is none
	 * (fake).  0, ENOMEM, EMFILE. */
	int (*arena_create)(void *self, size_t size, int *fd, void **base);
	void (*arena_destroy)(void *self, int fd, void *base, size_t size);
	/* Give the host its memory back; the range reads as zero afterwards. */
	void (*arena_discard)(
	    void *self, int fd, void *base, size_t off, size_t len);
};

struct host {
	const struct host_mem_ops *ops;
	void *self;
};

extern const struct host_mem_ops host_linux_mem;

/* Convenience: a struct host on the real machine. */
struct host host_linux(void);

/* Map an fd shared read-write at an address of the host's choosing. */
int host_map_shared(int fd, uint64_t off, size_t len, void **out);
void host_unmap(void *p, size_t len);
/* memfd, close-on-exec, of `size` bytes (sparse).  EFBIG: RLIMIT_FSIZE. */
int host_memfd(const char *name, size_t size, int *fd);

/* ---- threads ---- */

struct host_thread; /* opaque */

/* Start fn(arg) in a new thread with all signals blocked, named `name` (15
 * bytes at most are kept).  0, EAGAIN, ENOMEM. */
int host_thread_create(
    struct host_thread **out, const char *name, void (*fn)(void *), void *arg);
/* Wait for its end and free the handle. */
void host_thread_join(struct host_thread *t);
/* Free the handle; the thread cleans up by itself at its end. */
void host_thread_detach(struct host_thread *t);
int host_gettid(void);
int host_getpid(void);
int host_ncpu(void); /* CPUs this process may run on */
/* CPU numbers this process may run on: fills up to max, returns how many. */
int host_cpus(int *cpus, int max);
/* Pin thread `tid` (0: caller) of any own or child process to a CPU;
 * cpu < 0: all CPUs in `cpus`/`n`.  Best effort: errno or 0. */
int host_setaffinity(int tid, int cpu);
int host_getcpu(void);
void host_yield(void);

/* Futex on shared memory (or private when `shared` is false).
 * host_futex_wait: 0 woken or value differs, ETIMEDOUT; EINTR -> 0 (callers
 * re-check).  timeout_ns is relative; UINT64_MAX waits for ever. */
int host_futex_wait(
    _Atomic(uint32_t) *word, uint32_t val, uint64_t timeout_ns, bool shared);
int host_futex_wake(_Atomic(uint32_t) *word, int n, bool shared);

/* ---- time ---- */

uint64_t host_now_ns(void);      /* CLOCK_MONOTONIC */
uint64_t host_realtime_ns(void); /* CLOCK_REALTIME */
/* clock_gettime of any host clock id.  0, EINVAL. */
int host_clock_get(int clock, uint64_t *ns);
int host_clock_res(int clock, uint64_t *ns);
void host_sleep_ns(uint64_t ns);

/* Cryptographic random bytes; cannot fail after boot. */
void host_random(void *buf, size_t len);

/* ---- processes ---- */

/*
 * Start a host process from an executable image in memory.  The image is
 * exec'd from a memfd, or from an unlinked temporary file where memfds cannot
 * be executed.  In the child, before exec: descriptors fds[i] are moved to
 * number i (0..nfds-1) and all others are closed; a new session; no address
 * randomisation where the host permits; parent-death signal SIGKILL (it is
 * bound to the calling thread, which must live as long as the child).
 * - 0 and *pid; ENOMEM, EAGAIN, EACCES (nothing executable), ENOEXEC.
 */
int host_spawn_image(const void *image, size_t size, char *const argv[],
    const int *fds, int nfds, int *pid);
int host_pidfd_open(int pid, int *fd);
/* SIGKILL; no effect on a process that has ended. */
void host_pidfd_kill(int fd);
/* Wait for the end of a child and reap it, unless another thread has. */
void host_pidfd_reap(int fd);
int host_kill(int pid, int sig);
int host_tgkill(int tgid, int tid, int sig);
/* Reap a child of this process.  0 and *status (wait(2) format); ECHILD.
 * block=false: EAGAIN while it still runs. */
int host_reap(int pid, bool block, int *status);
/* Read a file below /proc/<pid>/ into buf (NUL-terminated, truncated). */
int host_proc_read(
    int pid, const char *name, char *buf, size_t size, size_t *len);

/* Raise the soft limit on descriptors to the hard limit. */
void host_raise_nofile(void);
/* Number of open descriptors of this process, or -1 (leak checks). */
int host_count_fds(void);

/* What the host's kernel told this process in its auxiliary vector (AT_* of
 * <elf.h>); 0 when it did not say. */
uint64_t host_auxval(uint64_t type);

/* uid/gid of this process. */
void host_ids(uint32_t *uid, uint32_t *euid, uint32_t *gid, uint32_t *egid);
/* Supplementary groups of this process: an array of *n ids, which the caller
 * frees with free(3); NULL for *n == 0.  ENOMEM. */
int host_groups(uint32_t **gids, size_t *n);

#endif /* HOST_HOST_H */
