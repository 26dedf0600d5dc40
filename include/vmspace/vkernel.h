/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * vkernel: a kernel instance inside this process.  Any number may live side
 * by side; each has its own memory, processes and file system view.
 *
 * Every function returns 0 or a positive errno; out-pointers come last and
 * stay untouched on failure.  A zeroed config means defaults.
 */
#ifndef VMSPACE_VKERNEL_H
#define VMSPACE_VKERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct vkernel;

enum vkernel_mount_kind {
	VKERNEL_MOUNT_RW,     /* src: path inside the root, made writable */
	VKERNEL_MOUNT_BIND,   /* host directory or file src at dst */
	VKERNEL_MOUNT_TMPFS,  /* empty tmpfs at dst */
	VKERNEL_MOUNT_DEVICE, /* host file src as /dev/dst */
};

struct vkernel_mount {
	enum vkernel_mount_kind kind;
	const char *src; /* RW: guest path; BIND, DEVICE: host path */
	const char *dst; /* BIND, TMPFS: guest path; DEVICE: a name */
	bool rdonly;     /* BIND, DEVICE */
};

enum vkernel_swap_kind {
	VKERNEL_SWAP_FILE, /* file or block device */
	VKERNEL_SWAP_LZ4,  /* compressed memory of the host */
	VKERNEL_SWAP_ZSTD,
};

/* For tests: every n-th transfer goes wrong; 0: none. */
struct vkernel_swap_inject {
	uint32_t write_eio;
	uint32_t write_enospc;
	uint32_t write_torn; /* half of it is written, success reported */
	uint32_t read_eio;
	uint32_t damage; /* a bit of what was written is flipped */
};

/* Where pages go that find no room in guest memory. */
struct vkernel_swap {
	enum vkernel_swap_kind kind;
	int fd;        /* FILE: open for reading and writing; it is dup'ed.
			  Its contents are overwritten. */
	uint64_t size; /* bytes of guest memory that fit, 1 page..1 TiB */
	int priority;  /* higher first; equal ones are used in turn */
	const char
	    *name; /* for messages and /proc/swaps; copied; NULL: the kind */
	struct vkernel_swap_inject inject;
};
#define VKERNEL_NSWAP_MAX 32

struct vkernel_config {
	uint64_t mem;     /* guest memory, bytes; 0: 1 GiB */
	uint64_t devmem;  /* device memory, bytes; 0: 1 GiB, or none where the
			     host limits file sizes (it costs what is used) */
	const char *root; /* host directory that is /; NULL: "/" */
	const struct vkernel_mount *mounts; /* in order */
	size_t nmounts;
	const struct vkernel_swap *swap; /* areas 1..nswap; none by default */
	size_t nswap;
	/* Keep at most so many bytes of file pages in swap, and write at most
	 * so many a second; 0: none, no limit. */
	uint64_t swapcache, swapcache_rate;
	const char *hostname; /* NULL: the host's */
	bool no_aslr;         /* fixed guest addresses */
	bool net_host;        /* Internet sockets are the host's; otherwise
				 refused with EACCES */
	bool fake_machine;    /* software only: no user code can run (tests) */
	FILE *trace;          /* strace-like lines, NULL: none */
	int log_level;        /* 0 errors, 1 warnings, 2 info, 3 debug */
	/* Log lines, without newline, go here; NULL: standard error.  May be
	 * called under locks of the kernel: it must not call back. */
	void (*log)(void *arg, int level, const char *line);
	void *log_arg;
};

/* What to start, for vkernel_spawn(). */
struct vkernel_spawn {
	const char *path;        /* absolute, or searched in the PATH of envp
				    when it has no slash */
	const char *const *argv; /* NULL-terminated; NULL: { path } */
	const char *const *envp; /* NULL-terminated; NULL: empty */
	const char *cwd;         /* guest path; NULL: "/" */
	bool cwd_optional;       /* "/" if the guest does not see cwd */
	/* Host descriptors for the guest's 0..nfds-1; -1: closed.  NULL with
	 * nfds 0: those of this process's 0, 1, 2 that were open when the
	 * kernel was created.  They are dup'ed. */
	const int *fds;
	int nfds;
};

struct vkernel_stat {
	uint64_t mem, mem_free, mem_peak; /* bytes */
	uint64_t procs_created, procs_live, lwps_created;
	uint64_t syscalls;
	uint64_t faults, zfod, cow, cow_opt, file_in, file_out, soft, around,
	    ahead, segv, oom_kills;
	uint64_t forks, execs;
	uint64_t host_maps, host_unmaps, host_protects; /* calls in stubs */
	uint64_t handovers; /* user/kernel switches */
	uint64_t spins;     /* of these, caught by spinning */
	uint64_t stubs_created, stubs_live, stub_resets;
	uint64_t objects, vmspaces, zone_items;     /* live */
	uint64_t swap_size, swap_used, swap_stored; /* bytes: of all areas, of
	    guest memory there, of what that takes (less when compressed) */
	uint64_t swap_ins, swap_outs;               /* pages */
	uint64_t swap_errors; /* pages not written, read or found damaged */
};

/*
 * 0; EINVAL (config: mem is 1 MiB to 1 TiB, at most 1024 mounts and a host name
 * of 64 bytes; or what a swap area is not given), ENOENT/ENOTDIR/EISDIR/EACCES/
 * EEXIST/ENXIO (root, mounts or devices), ENOMEM, EMFILE, EFBIG (the limit on
 * file sizes is below mem), EOPNOTSUPP (swap that was not built in), EPERM
 * (the host refuses what the stub machine needs; a log line says what).  Which
 * mount or path was refused is said in one log line.
 *
 * Guest code runs in child processes of this one: the embedder must not wait
 * for children that are not its own (waitpid(-1)), nor ignore SIGCHLD.
 */
int vkernel_create(const struct vkernel_config *, struct vkernel **);
/* Kills what still runs, waits for it, gives everything back. */
void vkernel_destroy(struct vkernel *);
/*
 * Start a program as a new process without parent.  0 and *pid; the errors of
 * execve(2).  ENOENT: not found; EACCES/ENOEXEC: not executable.
 */
int vkernel_spawn(struct vkernel *, const struct vkernel_spawn *, int *pid);
/* Wait until the process started by vkernel_spawn() has ended; *status as
 * wait(2) has it.  Each pid can be waited for once: ECHILD after that. */
int vkernel_wait(struct vkernel *, int pid, int *status);
/* Wait until no guest process is left at all. */
void vkernel_wait_all(struct vkernel *);
/* Signal a process (pid > 0), its group (pid < 0) or, with pid 0, the
 * foreground process group of the terminal.  Signal 0 only looks whether it is
 * there.  ESRCH, EINVAL. */
int vkernel_kill(struct vkernel *, int pid, int sig);
/* Is the process stopped by job control?  False also when it is gone. */
bool vkernel_stopped(struct vkernel *, int pid);
void vkernel_stat(struct vkernel *, struct vkernel_stat *);
/* Call fn for each system call that guests have made: its name, how often, and
 * how many of these were ENOSYS because it is missing. */
void vkernel_syscalls(struct vkernel *,
    void (*fn)(void *arg, const char *name, uint64_t calls, uint64_t missing),
    void *arg);

/*
 * Open a file for use as swap, as FILE of struct vkernel_swap.  path NULL: an
 * unlinked file in the directory for temporary files; a directory: an unlinked
 * file there; a new name: made and unlinked; an existing file or block device
 * must be empty or carry the signature of mkswap(8).
 * - *size: bytes wanted.  0, *size (what the device has, if that is less) and
 *   *fd, which the caller closes when the kernel has it.
 * - EEXIST (it has other contents), EBUSY (in use as swap by another), and the
 *   errors of open(2).
 */
int vkernel_swap_open(const char *path, uint64_t *size, int *fd);
/* Add an area to a running kernel.  0 and *area; EINVAL, EBADF, ENOMEM, ENOSPC
 * (VKERNEL_NSWAP_MAX are in use), EMFILE, EOPNOTSUPP (not built in). */
int vkernel_swapon(
    struct vkernel *, const struct vkernel_swap *, unsigned *area);
/*
 * Bring home what an area holds, and remove it; takes as long as reading it.
 * 0; ENOENT (no such area), EBUSY (under way), ENOMEM (memory and the other
 * areas cannot take it: it stays in use), EAGAIN (no progress for ten seconds,
 * with somebody using the last pages: the same).
 */
int vkernel_swapoff(struct vkernel *, unsigned area);
/*
 * Page out what can be until at most `target` bytes of guest memory are in
 * use, and give the free memory back to the host.  *given_back: bytes, of what
 * could be done: always 0.
 */
int vkernel_shrink(struct vkernel *, uint64_t target, uint64_t *given_back);
/* ---- looking at processes ---- */

enum vkernel_proc_type {
	VKERNEL_PROC_FILE,
	VKERNEL_PROC_DIR,
	VKERNEL_PROC_LINK,
};
/* Sees a name; false ends the list. */
typedef bool vkernel_proc_entry_fn(
    void *arg, const char *name, enum vkernel_proc_type);
/*
 * The tree that guests have as /proc, from outside and without limits of
 * rights: path is relative to it ("1/maps"; "" is the root).  Reading a link
 * gives what it says; links are not followed.
 * - ENOENT, ENOTDIR, ESRCH (the process has gone meanwhile).
 */
int vkernel_proc_list(
    struct vkernel *, const char *path, vkernel_proc_entry_fn *, void *arg);
/*
 * Read or write len bytes at off; *done: how many were.  0 of them: the end.  A
 * text is made anew by each call; PID/mem is the memory of the process, off the
 * address.
 * - As above; EISDIR; EACCES (cannot be written); EIO (nothing is mapped).
 */
int vkernel_proc_read(struct vkernel *, const char *path, uint64_t off,
    void *buf, size_t len, size_t *done);
int vkernel_proc_write(struct vkernel *, const char *path, uint64_t off,
    const void *buf, size_t len, size_t *done);

/* ---- devices ---- */

/*
 * A device whose pages the embedder supplies.  Called without locks, by
 * several threads at once; 0 or a positive errno.
 */
struct vkernel_device_ops {
	/* Page number `page` of the device (4096 bytes; below its size) was
	 * touched for the first time: where in device memory is it?  A multiple
	 * of 4096 from vkernel_devmem_alloc(); no two pages at one place.  An
	 * errno is SIGBUS to the guest.  Asked once: it stays mapped, for
	 * writing as well, whatever `write` is. */
	int (*fault)(void *arg, uint64_t page, bool write, uint64_t *offset);
	/* read(2), write(2): bytes [off, off+len) lie within the device; NULL:
	 * EPERM. */
	int (*read)(
	    void *arg, uint64_t off, void *buf, size_t len, size_t *done);
	int (*write)(
	    void *arg, uint64_t off, const void *buf, size_t len, size_t *done);
};
/*
 * Zeroed device memory: *ptr is the embedder's mapping of it, *offset where it
 * is for ops->fault.  Freed with the kernel.  0, EINVAL (size 0), ENOMEM.
 */
int vkernel_devmem_alloc(
    struct vkernel *, size_t size, uint64_t *offset, void **ptr);
/*
 * /dev/NAME, of `size` bytes, until the kernel ends.  ops must live as long.
 * 0; EINVAL (name, size above 1 TiB, no fault function), EEXIST, ENXIO (the
 * guest's root has no /dev), ENOMEM (also: 64 runs of device memory are in
 * use).
 */
int vkernel_device_add(struct vkernel *, const char *name, uint64_t size,
    const struct vkernel_device_ops *ops, void *arg);
/*
 * /dev/NAME as a window of `size` zeroed bytes that guests and the embedder
 * share: *buf is the same memory, at once, without system calls or copies.
 * Freed with the kernel.  Errors as above.
 */
int vkernel_window_create(
    struct vkernel *, const char *name, size_t size, void **buf);
/*
 * Wake up to n guest threads that wait (FUTEX_WAIT, not private) on the word
 * at byte `off` of a window or device, which they have mapped shared.  The
 * other way round there is nothing: the embedder looks at the word.
 * 0; ENOENT (no such device), EINVAL (off not a multiple of 4 or beyond, n
 * below 0).
 */
int vkernel_window_wake(
    struct vkernel *, const char *name, uint64_t off, int n);

/* As vkernel_destroy, and *leaks = zone items, frames, swap blocks and
 * stubs that were still alive when everything should have been gone (0 is
 * right). */
void vkernel_destroy_check(struct vkernel *, uint64_t *leaks);
/* Write the trace ring, newest last. */
void vkernel_dump_trace(struct vkernel *, FILE *);

const char *vkernel_version(void);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif /* VMSPACE_VKERNEL_H */
