/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The boundary to the host kernel: memory, threads, time, processes.  Files are
 * in host_file.h.  A function that can fail returns 0 or a positive errno, so
 * that callers do not read the host's errno variable.  Interrupted calls
 * (EINTR) are retried unless a function says otherwise.
 */
#ifndef HOST_HOST_H
#define HOST_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- memory: an op table, so that tests can count and fail requests ---- */

/*
 * Memory back-end.  `host_linux` maps memory of the host; `host_fake`
 * (host_fake.h) counts requests and fails the n-th, so that a test can reach
 * every error path.  All sizes are in bytes and multiples of 4096.
 */
struct host_mem_ops {
	/* Zeroed private memory for kernel metadata.  0, ENOMEM. */
	int (*mem_alloc)(void *self, size_t size, void **out);
	void (*mem_free)(void *self, void *p, size_t size);
	/* A sparse, zeroed, shareable arena of `size` bytes, mapped read-write
	 * in this process, with room to grow to `room` bytes (room >= size).
	 * *fd is a descriptor of it (close-on-exec); -1 in the fake.
	 * 0, ENOMEM, EMFILE, EFBIG (RLIMIT_FSIZE). */
	int (*arena_create)(
	    void *self, size_t size, size_t room, int *fd, void **base);
	/* The arena has `size` bytes from now on.  What lies beyond is given
	 * back to the host, and no process can use it, whatever it has mapped;
	 * new bytes read as zero.  0, ENOMEM, EFBIG. */
	int (*arena_resize)(void *self, int fd, void *base, size_t size);
	void (*arena_destroy)(void *self, int fd, void *base, size_t room);
	/* Return the range's memory to the host; it reads as zero afterwards.
	 */
	void (*arena_discard)(
	    void *self, int fd, void *base, size_t off, size_t len);
	/* Back the range with memory now, in one call instead of a fault for
	 * each page.  An attempt: where the host refuses (before Linux 5.14,
	 * or at a limit), pages get memory when they are touched. */
	void (*arena_populate)(void *self, void *base, size_t off, size_t len);
};

struct host {
	const struct host_mem_ops *ops;
	void *self;
};

extern const struct host_mem_ops host_linux_mem;

/* A struct host with host_linux_mem. */
struct host host_linux(void);

/* Map an fd shared read-write at an address of the host's choosing. */
int host_map_shared(int fd, uint64_t off, size_t len, void **out);
void host_unmap(void *p, size_t len);
/* memfd, close-on-exec, of `size` bytes (sparse).  EFBIG: RLIMIT_FSIZE. */
int host_memfd(const char *name, size_t size, int *fd);

/* ---- threads ---- */

struct host_thread; /* opaque */

/* Start fn(arg) in a new thread with all signals blocked but SIGSYS, named
 * `name` (15 bytes at most are kept).  0, EAGAIN, ENOMEM. */
int host_thread_create(
    struct host_thread **out, const char *name, void (*fn)(void *), void *arg);
/* Wait for the end of the thread and free the handle. */
void host_thread_join(struct host_thread *t);
/* Free the handle; the thread goes on running. */
void host_thread_detach(struct host_thread *t);
int host_gettid(void);
int host_getpid(void);
int host_ncpu(void); /* CPUs this process may run on */
/* The numbers of the CPUs that this process may run on, at most max.  Returns
 * how many. */
int host_cpus(int *cpus, int max);
/* Pin thread `tid` (0: caller) of this process or a child to a CPU; cpu < 0:
 * unpin it.  0 or errno, which a caller may ignore. */
int host_setaffinity(int tid, int cpu);
int host_getcpu(void);
/* membarrier(2): commands MEMBARRIER_CMD_QUERY (*result: bits) and GLOBAL (all
 * threads that run on the host pass a full barrier; takes milliseconds).
 * EINVAL; ENOSYS, EPERM where the host does not permit it. */
int host_membarrier(int cmd, int *result);
void host_yield(void);

/* Futex on shared memory (or private when `shared` is false).
 * host_futex_wait: 0: woken, interrupted, or the value differs (the caller
 * checks its condition again); ETIMEDOUT.  timeout_ns is relative; UINT64_MAX
 * waits for ever. */
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

/* Cryptographic random bytes.  Panics where the host has none. */
void host_random(void *buf, size_t len);

/* ---- processes ---- */

/*
 * Start a host process from an executable image in memory.  The image is
 * executed from a memfd, or from an unlinked temporary file where memfds cannot
 * be executed.  The child, before exec: moves descriptors fds[i] to number i
 * (0..nfds-1) and closes all others; starts a session; turns off address
 * randomisation where the host permits that; sets its parent-death signal to
 * SIGKILL.  That signal is bound to the calling thread, which must live as long
 * as the child.
 * - 0 and *pid; ENOMEM, EAGAIN, EACCES (no place is executable), ENOEXEC.
 */
int host_spawn_image(const void *image, size_t size, char *const argv[],
    const int *fds, int nfds, int *pid);
int host_pidfd_open(int pid, int *fd);
/* SIGKILL; no effect on a process that has ended. */
void host_pidfd_kill(int fd);
/* Wait for the end of a child and reap it, unless another thread has. */
void host_pidfd_reap(int fd);
/* Wait until the child has ended; it is still to be reaped. */
void host_pidfd_wait(int fd);
int host_kill(int pid, int sig);
int host_tgkill(int tgid, int tid, int sig);
/* Reap a child of this process.  0 and *status (wait(2) format); ECHILD;
 * EAGAIN with block false while it runs. */
int host_reap(int pid, bool block, int *status);
/* Read a file below /proc/<pid>/ into buf (NUL-terminated, truncated). */
int host_proc_read(
    int pid, const char *name, char *buf, size_t size, size_t *len);

/* A thread of a process of the host (host_task.c). */
struct host_task {
	char state;               /* as in proc(5): R, S, D, T, t, ... */
	uint64_t user_ns, sys_ns; /* in steps of a tick of the host */
};
/* 0; ENOENT: no such thread, or no /proc; another errno of the host; EPROTO. */
int host_task_read(int pid, int tid, struct host_task *);
/* Its blocked and its own pending signals; bit n - 1 is signal n. */
int host_task_signals(int pid, int tid, uint64_t *blocked, uint64_t *pending);
/* The number of the system call that it sleeps in, -1 in none.  EAGAIN: it
 * runs; EACCES, EPERM: the host does not tell. */
int host_task_syscall(int pid, int tid, int *nr);
/* User time of all threads of a process; 0: no such process. */
uint64_t host_process_user_ns(int pid);

/* Raise the soft limit on descriptors to the hard limit.  The limit now. */
uint64_t host_raise_nofile(void);
/* Number of open descriptors of this process, or -1 (leak checks). */
int host_count_fds(void);

/* An entry of this process's auxiliary vector (AT_* of <elf.h>); 0 if absent.
 */
uint64_t host_auxval(uint64_t type);
/* Bytes of the vdso, a multiple of the page size; 0: there is none. */
size_t host_vdso_size(void);

/* User and group ids of this process. */
void host_ids(uint32_t *uid, uint32_t *euid, uint32_t *gid, uint32_t *egid);
/* Supplementary groups of this process: an array of *n ids, which the caller
 * frees with free(3); NULL for *n == 0.  ENOMEM. */
int host_groups(uint32_t **gids, size_t *n);
/* PR_GET_SPECULATION_CTRL of this process; kind: LX_PR_SPEC_STORE_BYPASS..
 * -1: the host does not tell.  Not once confined. */
int host_speculation(unsigned kind);

#endif /* HOST_HOST_H */
