/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * vkernel: a kernel instance inside this process.  A process can have any
 * number of them; each has its own memory, processes and file system view.
 *
 * Every function returns 0 or a positive errno.  Out-pointers come last and
 * stay untouched on failure.  A field of a configuration that is 0 selects the
 * default.
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
struct vkernel_pty;

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

/* For tests: every n-th transfer fails in the named way, or each is slow; 0:
 * none. */
struct vkernel_swap_inject {
	uint32_t write_eio;
	uint32_t write_enospc;
	uint32_t write_torn; /* only half is written, but success is reported */
	uint32_t read_eio;
	uint32_t damage;  /* one bit of the written data is flipped */
	uint32_t read_ms; /* each read takes so many milliseconds longer */
};

/* An area for pages that do not fit in guest memory. */
struct vkernel_swap {
	enum vkernel_swap_kind kind;
	int fd; /* FILE: open for reading and writing; duplicated. Its contents
		   are overwritten. */
	uint64_t size; /* capacity in bytes of guest memory, 1 page..1 TiB */
	int priority;  /* higher first; areas of one priority in turn */
	/* For messages and /proc/swaps; copied; NULL: the kind. */
	const char *name;
	struct vkernel_swap_inject inject;
};
#define VKERNEL_NSWAP_MAX 32

#define VKERNEL_NMOUNTS_MAX 1024

/* What guest code that has taken over the host process which runs it (see
 * docs/security.md) can map. */
enum vkernel_isolation {
	/* The mode of VKERNEL_ISOLATION_DEFAULT, where the host offers it. */
	VKERNEL_ISOLATE_AUTO,
	/* Any page of guest memory of this kernel. */
	VKERNEL_ISOLATE_SANDBOX,
	/* Only pages of its own process.  vkernel_create() is ENOTSUP where
	 * the host has no seccomp user notification. */
	VKERNEL_ISOLATE_PROCESS,
};

/* What happens when guests map more memory than there is; the names are those
 * of vm.overcommit_memory of Linux. */
enum vkernel_overcommit {
	/* Only touched pages count, as in a memory cgroup.  A touch that finds
	 * no memory is a case for the out-of-memory policy. */
	VKERNEL_OVERCOMMIT_ALWAYS,
	/* A mapping that memory and swap could not hold, with all others, is
	 * refused with ENOMEM. */
	VKERNEL_OVERCOMMIT_NEVER,
};

struct vkernel_config {
	uint64_t mem; /* guest memory, bytes; 0: 1 GiB */
	enum vkernel_overcommit overcommit;
	/* Most device memory at a time, bytes; 0: 1 GiB.  Memory of the host
	 * is reserved for it only by vkernel_devmem_alloc(). */
	uint64_t devmem;
	/* Most memory of this process that guests may cause the kernel to use
	 * besides `mem`, bytes, at least 8 MiB; 0: 256 MiB.  A call that needs
	 * more, or more than the share of its process, is ENOMEM or the error
	 * that Linux has for it. */
	uint64_t kmem;
	/* Most processes (zombies included), and most threads of all processes
	 * together, at a time; 0: 4096 and 16384.  A fork or clone beyond them
	 * is EAGAIN. */
	uint32_t max_procs, max_threads;
	enum vkernel_isolation isolation;
	/* Guests may give files of the host below writable mounts another
	 * owner, if this process is root. */
	bool allow_chown;
	const char *root; /* host directory that becomes /; NULL: "/" */
	const struct vkernel_mount *mounts; /* in order */
	size_t nmounts;
	const struct vkernel_swap *swap; /* areas 1..nswap; none by default */
	size_t nswap;
	/* Keep at most this many bytes of file pages in swap (0: none), and
	 * write at most this many bytes per second (0: no limit). */
	uint64_t swapcache, swapcache_rate;
	const char *hostname; /* NULL: the host's */
	bool no_aslr;         /* fixed guest addresses */
	/*
	 * Sockets of the families AF_INET, AF_INET6 (streams and datagrams) and
	 * AF_NETLINK (routes and socket tables), which are sockets of the host:
	 * - net_socket makes them, in a network of the caller's choice, with
	 *   net_arg.  It is called by many threads at once; it returns 0 and a
	 *   descriptor, non-blocking and close-on-exec, or an errno.  ENONET:
	 *   there is no network.
	 * - net_socket NULL, net_host: in the network namespace of this
	 *   process.
	 * - Neither, or ENONET, and net_loopback: the kernel has streams and
	 *   datagrams of its own for 127.0.0.0/8 and ::1, between its guests.
	 * - None of these: Internet sockets are refused with EACCES.
	 */
	int (*net_socket)(
	    void *arg, int domain, int type, int protocol, int *fd);
	void *net_arg;
	/*
	 * The table `name` ("tcp", "dev"...) of that network, as /proc/net has
	 * it: 0 and a descriptor that is read from its start and closed; or an
	 * errno.  Called by many threads at once, with net_arg.  NULL: guests
	 * see empty tables.
	 */
	int (*net_table)(void *arg, const char *name, int *fd);
	bool net_host;
	bool net_loopback;
	bool fake_machine; /* software only: cannot run user code (tests) */
	FILE *trace;       /* strace-like lines, NULL: none */
	int log_level;     /* 0 errors, 1 warnings, 2 info, 3 debug */
	/* Called for each log line, without its newline; NULL: standard error.
	 * The kernel may hold locks during the call, so that the function must
	 * not call the kernel. */
	void (*log)(void *arg, int level, const char *line);
	void *log_arg;
};

/* The user of a program.  User 0 has all capabilities; what the program may do
 * with files of the host is limited by what this process may do. */
struct vkernel_user {
	uint32_t uid, gid;
	const uint32_t *groups; /* supplementary, at most 65,536 */
	size_t ngroups;
};

/* The program that vkernel_spawn() starts. */
struct vkernel_spawn {
	const char *path; /* a path, or a name without slash, which is searched
			     in the PATH of envp */
	const char *const *argv; /* NULL-terminated; NULL: { path } */
	const char *const *envp; /* NULL-terminated; NULL: empty */
	const char *cwd;         /* guest path; NULL: "/" */
	bool cwd_optional; /* use "/" if the guest has no such directory */
	/* Host descriptors for the guest's 0..nfds-1; -1: closed.  NULL with
	 * nfds 0: those of this process's 0, 1, 2 that were open when the
	 * kernel was created.  They are duplicated. */
	const int *fds;
	int nfds;
	/* The program's terminal: descriptors 0 to 2, and the controlling
	 * terminal of its session.  NULL: fds.  Not both. */
	struct vkernel_pty *pty;
	const struct vkernel_user *user; /* NULL: that of this process */
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
	uint64_t spins;     /* of these, answered while spinning */
	uint64_t stubs_created, stubs_live, stub_resets;
	uint64_t objects, vmspaces, zone_items; /* live */
	/* Calls of guests that a limit of the kernel has refused: fork, clone
	 * of a thread, a mapping beyond 65,530 in a map. */
	uint64_t refused_procs, refused_threads, refused_entries;
	/* Calls of host processes that run guest code, which the kernel did
	 * not order: attempts to map what belongs to others.  Each ended that
	 * process. */
	uint64_t refused_calls;
	bool isolates; /* mode VKERNEL_ISOLATE_PROCESS */
	/* Calls that need memory of the kernel or a descriptor of the host
	 * beyond the budget. */
	uint64_t refused_kmem, refused_host_fds;
	/* Budget of kernel memory, bytes of it in use, and the most ever. */
	uint64_t kmem, kmem_used, kmem_peak;
	/* Host descriptors that guests may cause, and those in use. */
	uint64_t host_fds, host_fds_used;
	uint64_t swap_size;   /* bytes of all areas */
	uint64_t swap_used;   /* bytes of guest memory in them */
	uint64_t swap_stored; /* bytes that these take (less if compressed) */
	uint64_t swap_ins, swap_outs; /* pages */
	uint64_t swap_errors; /* pages that were not written or not read, or
				 were damaged */
};

/*
 * Create a kernel.
 * - 0.
 * - Raises this process's soft limit of descriptors to the hard limit; guests
 *   get at most three quarters of it.
 * - EINVAL: the configuration is wrong (mem is 1 MiB to 1 TiB, kmem is 8 MiB to
 *   1 TiB, at most 1024
 *   mounts, 4,194,304 processes and threads, a host name of at most 64 bytes;
 *   or a swap area lacks something).
 * - ENOENT, ENOTDIR, EISDIR, EACCES, EEXIST, ENXIO: the root, a mount or a
 *   device was refused.  One log line names it.
 * - ENOMEM, EMFILE; EFBIG: the limit on file sizes is below mem.
 * - EOPNOTSUPP: a kind of swap that was not built in.
 * - EPERM: the host refuses what the stub machine needs; a log line says what.
 *
 * Guest code runs in child processes of this process.  The embedder must not
 * wait for children that are not its own (waitpid(-1)), nor ignore SIGCHLD.
 */
int vkernel_create(const struct vkernel_config *, struct vkernel **);
/* Kill all guest processes, wait for them, and free everything. */
void vkernel_destroy(struct vkernel *);
/*
 * Start a program as a new process without parent.  0 and *pid, or the errors
 * of execve(2): ENOENT: not found; EACCES, ENOEXEC: not executable.
 */
int vkernel_spawn(struct vkernel *, const struct vkernel_spawn *, int *pid);
/* Wait until a process that vkernel_spawn() started has ended; *status as of
 * wait(2).  Each pid can be waited for once; afterwards ECHILD. */
int vkernel_wait(struct vkernel *, int pid, int *status);
/* The same without waiting: EAGAIN while the process lives. */
int vkernel_trywait(struct vkernel *, int pid, int *status);
/* Do not wait for this process: it leaves nothing when it ends.  ECHILD as
 * above. */
int vkernel_release(struct vkernel *, int pid);
/* Call fn for each process that can be waited for when it has ended, before
 * vkernel_wait() returns; NULL: no more.  The kernel holds locks during the
 * call, so that fn must not call the kernel. */
void vkernel_watch_exits(
    struct vkernel *, void (*fn)(void *arg, int pid), void *arg);
/* Wait until no guest process is left. */
void vkernel_wait_all(struct vkernel *);
/* Kill all guest processes and wait for them; vkernel_spawn() is EINVAL from
 * now on.  vkernel_destroy() begins with it. */
void vkernel_kill_all(struct vkernel *);
/*
 * Let no guest thread run user code from the return of this call, or (pause
 * false) let all go on.  Guests cannot tell; time goes on, and SIGKILL works.
 * - 0; EAGAIN: a thread could not be stopped within ten seconds, and all go on.
 */
int vkernel_pause(struct vkernel *, bool pause);
bool vkernel_paused(struct vkernel *);
/* Signal a process (pid > 0), its group (pid < 0) or, with pid 0, the
 * foreground process group of the terminal.  Signal 0 only tests whether the
 * process exists.  ESRCH, EINVAL. */
int vkernel_kill(struct vkernel *, int pid, int sig);
/* True: the process is stopped by job control.  False also when it has exited.
 */
bool vkernel_stopped(struct vkernel *, int pid);
void vkernel_stat(struct vkernel *, struct vkernel_stat *);
/* Call fn for each system call that guests have made: its name, the number of
 * calls, and how many of these failed with ENOSYS because the call is not
 * implemented. */
void vkernel_syscalls(struct vkernel *,
    void (*fn)(void *arg, const char *name, uint64_t calls, uint64_t missing),
    void *arg);

/*
 * Open a file for use as swap, as FILE of struct vkernel_swap.
 * - path: NULL: an unlinked file in the directory for temporary files; a
 *   directory: an unlinked file there; a new name: the file is made and
 *   unlinked; an existing file or block device: it must be empty or carry the
 *   signature of mkswap(8).
 * - *size: the bytes to reserve.
 * - 0, *size (the size of the device, if that is less) and *fd, which the
 *   caller closes after passing it to the kernel.
 * - EEXIST (the file has other contents), EBUSY (another process uses it as
 *   swap), and the errors of open(2).
 */
int vkernel_swap_open(const char *path, uint64_t *size, int *fd);
/* Add an area to a running kernel.  0 and *area; EINVAL (also for a descriptor
 * that is neither a file nor a block device), EBADF, ENOMEM, ENOSPC
 * (VKERNEL_NSWAP_MAX areas are in use), EMFILE, EOPNOTSUPP (not built in). */
int vkernel_swapon(
    struct vkernel *, const struct vkernel_swap *, unsigned *area);
/*
 * Read all pages of an area back, and remove it.  The call takes as long as
 * reading them.
 * - 0.
 * - ENOENT (no such area), EBUSY (its removal is under way).
 * - ENOMEM (memory and the other areas cannot take the pages), EAGAIN (no
 *   progress for ten seconds, because the last pages are in use): the area
 *   stays in use.
 */
int vkernel_swapoff(struct vkernel *, unsigned area);
/*
 * Page out until at most `target` bytes of guest memory are in use, as far as
 * possible, and return free memory to the host.  0, and *given_back: the bytes
 * that were returned.
 */
int vkernel_shrink(struct vkernel *, uint64_t target, uint64_t *given_back);

/* ---- terminals ---- */

/*
 * A terminal of the guest, /dev/pts/N, for vkernel_spawn.pty.  The embedder has
 * its other side, as a terminal emulator has.
 * - 0; EINVAL; ENXIO (the guest has no /dev/ptmx); EMFILE, ENOSPC (256 are in
 *   use), ENOMEM.
 */
int vkernel_pty_create(
    struct vkernel *, uint16_t rows, uint16_t columns, struct vkernel_pty **);
/* A descriptor for poll(2): what can be read and written now. */
int vkernel_pty_fd(const struct vkernel_pty *);
/* Neither waits: 0 and *done; EAGAIN; EIO: the last program that had the
 * terminal open has closed it. */
int vkernel_pty_read(struct vkernel_pty *, void *buf, size_t len, size_t *done);
int vkernel_pty_write(
    struct vkernel_pty *, const void *buf, size_t len, size_t *done);
/* A new size: the foreground programs get SIGWINCH. */
int vkernel_pty_resize(struct vkernel_pty *, uint16_t rows, uint16_t columns);
/* The programs on it are hung up.  Before the kernel is destroyed. */
void vkernel_pty_close(struct vkernel_pty *);

/* ---- inspecting processes ---- */

enum vkernel_proc_type {
	VKERNEL_PROC_FILE,
	VKERNEL_PROC_DIR,
	VKERNEL_PROC_LINK,
};
/* Called for each name; returning false ends the list. */
typedef bool vkernel_proc_entry_fn(
    void *arg, const char *name, enum vkernel_proc_type);
/*
 * The tree that guests have as /proc, without checks of permissions.
 * - path: relative to the tree ("1/maps"; "" is its root).
 * - Reading a link gives its text; links are not followed.
 * - ENOENT, ENOTDIR, ESRCH (the process has exited meanwhile).
 */
int vkernel_proc_list(
    struct vkernel *, const char *path, vkernel_proc_entry_fn *, void *arg);
/*
 * Read or write len bytes at off.
 * - *done: the bytes that were moved; 0: the end.
 * - Each call generates a text anew.  PID/mem is the memory of the process, and
 *   off the address.
 * - Errors as above; EISDIR; EACCES (not writable); EIO (nothing is mapped
 *   there).
 */
int vkernel_proc_read(struct vkernel *, const char *path, uint64_t off,
    void *buf, size_t len, size_t *done);
int vkernel_proc_write(struct vkernel *, const char *path, uint64_t off,
    const void *buf, size_t len, size_t *done);

/* ---- devices ---- */

/*
 * A device whose pages the embedder supplies.  The kernel calls these functions
 * without locks, from several threads at once.  They return 0 or a positive
 * errno.
 */
struct vkernel_device_ops {
	/* The first access to page number `page` of the device (4096 bytes
	 * each; below its size): return its place in device memory, a multiple
	 * of 4096 from vkernel_devmem_alloc(), in *offset.  No two pages may
	 * have the same place.  An errno is SIGBUS to the guest.  The function
	 * is called once for each page: the page stays mapped, also for
	 * writing, independently of `write`. */
	int (*fault)(void *arg, uint64_t page, bool write, uint64_t *offset);
	/* read(2) and write(2).  The bytes [off, off+len) lie within the
	 * device.  NULL: EPERM. */
	int (*read)(
	    void *arg, uint64_t off, void *buf, size_t len, size_t *done);
	int (*write)(
	    void *arg, uint64_t off, const void *buf, size_t len, size_t *done);
};
/*
 * Allocate zeroed device memory: *ptr is the embedder's mapping of it, *offset
 * its place for ops->fault.  It is freed with the kernel.  0, EINVAL (size 0),
 * ENOMEM, EFBIG (the host's limit on file sizes).
 */
int vkernel_devmem_alloc(
    struct vkernel *, size_t size, uint64_t *offset, void **ptr);
/*
 * Add the device /dev/NAME of `size` bytes.  It exists until the kernel ends,
 * and so must ops.
 * - 0; EINVAL (name, size above 1 TiB, no fault function), EEXIST, ENXIO (the
 *   guest's root has no /dev), ENOMEM (also: 64 runs of device memory are in
 *   use).
 */
int vkernel_device_add(struct vkernel *, const char *name, uint64_t size,
    const struct vkernel_device_ops *ops, void *arg);
/*
 * Add /dev/NAME as a window: `size` zeroed bytes that guests and the embedder
 * share.  *buf is the same memory, without system calls or copies.  It is freed
 * with the kernel.  Errors as above, and EFBIG as of vkernel_devmem_alloc().
 */
int vkernel_window_create(
    struct vkernel *, const char *name, size_t size, void **buf);
/*
 * Wake up to n guest threads that wait (FUTEX_WAIT, not private) on the word at
 * byte `off` of a window or device that they have mapped shared.  There is no
 * call for the other direction: the embedder polls the word.
 * - 0; ENOENT (no such device), EINVAL (off is not a multiple of 4 or is beyond
 *   the end, n below 0).
 */
int vkernel_window_wake(
    struct vkernel *, const char *name, uint64_t off, int n);

/* As vkernel_destroy(); *leaks is the number of zone items, frames, swap blocks
 * and stubs that were not freed (0 is right). */
void vkernel_destroy_check(struct vkernel *, uint64_t *leaks);
/* Write the trace ring, the newest event last. */
void vkernel_dump_trace(struct vkernel *, FILE *);

const char *vkernel_version(void);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif /* VMSPACE_VKERNEL_H */
