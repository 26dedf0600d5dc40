/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Files of the host: the file system calls that vfs, pipes, devices and
 * pagers need, without the headers of the host.
 *
 * Rules for every function here:
 * - It returns 0 or a positive errno; out-pointers come last and stay
 *   untouched on failure.
 * - EINTR is retried.  Threads of the kernel have all signals blocked, so that
 *   a call that waits cannot be interrupted.  To wait interruptibly, make the
 *   descriptor non-blocking and host_poll() it together with an eventfd.
 * - Every new descriptor is close-on-exec and belongs to the caller.
 * - Flags (O_*, AT_*, F_*, FALLOC_FL_*, LOCK_*) are those of <fcntl.h>,
 *   POLL*, S_IF*, RESOLVE_* and EFD_* those of src/abi,
 *   RENAME_* those of <stdio.h>, R_OK etc. those of <unistd.h>.
 * - Sizes and offsets are bytes, times nanoseconds since the epoch.
 */
#ifndef HOST_HOST_FILE_H
#define HOST_HOST_FILE_H

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/host_iovec.h"

struct host_pollfd {
	int fd; /* negative: ignored */
	short events;
	short revents;
};

struct host_stat {
	uint64_t dev;
	uint64_t ino;
	uint32_t mode; /* type and permission bits */
	uint32_t nlink;
	uint32_t uid;
	uint32_t gid;
	uint64_t rdev;
	uint64_t size;
	uint64_t blksize;
	uint64_t blocks; /* of 512 bytes */
	int64_t atime_ns;
	int64_t mtime_ns;
	int64_t ctime_ns;
	int64_t btime_ns; /* 0: unknown */
};

struct host_statfs {
	uint64_t type; /* magic number */
	uint64_t bsize;
	uint64_t frsize;
	uint64_t blocks, bfree, bavail;
	uint64_t files, ffree;
	uint64_t fsid;
	uint64_t namelen;
	uint64_t flags; /* ST_* */
};

/* ---- descriptors ---- */

int host_openat(int dirfd, const char *path, int flags, uint32_t mode, int *fd);
/*
 * Open with openat2(2), with a confined path walk.
 * - ENOSYS: the host has no openat2, or forbids it; EXDEV: the path leaves
 *   dirfd; EAGAIN: concurrent renames disturbed the walk several times.
 */
int host_openat2(int dirfd, const char *path, int flags, uint32_t mode,
    unsigned resolve, int *fd);
/* host_openat2 with RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | resolve. */
int host_openat2_beneath(int dirfd, const char *path, int flags, uint32_t mode,
    unsigned resolve, int *fd);
/* Open the file of a descriptor (O_PATH or not) again; needs /proc. */
int host_reopen(int fd, int flags, int *out);
/* The descriptor is closed also on failure (EIO etc. of delayed writes). */
int host_close(int fd);
int host_dup(int fd, int *out);
/* Duplicate to the lowest free number >= min. */
int host_dup_min(int fd, int min, int *out);
/* dup2(2): `fd` refers to the file of `of`; its old file is closed. */
int host_dup_over(int of, int fd);
/* Status flags (O_APPEND, O_NONBLOCK...) of the open file. */
int host_getfl(int fd, int *flags);
int host_setfl(int fd, int flags);
bool host_isatty(int fd);
/* True if the terminal stops background processes that write to it. */
bool host_tty_tostop(int fd);
/* A pair of descriptors: fds[0] reads, fds[1] writes.  O_NONBLOCK etc. */
int host_pipe(int flags, int fds[2]);
int host_pipe_size(int fd, size_t *size);
int host_set_pipe_size(int fd, size_t size);
/* flags: O_NONBLOCK, LX_EFD_SEMAPHORE. */
int host_eventfd(uint32_t init, int flags, int *fd);
/* Add 1 to an eventfd; set it to 0 (no error if it is 0 and non-blocking). */
int host_eventfd_signal(int fd);
int host_eventfd_drain(int fd);
/* timeout_ns is relative, UINT64_MAX waits for ever; *nready is 0 after a
 * timeout. */
int host_poll(
    struct host_pollfd *fds, unsigned n, uint64_t timeout_ns, int *nready);
int host_ioctl(int fd, unsigned long request, void *arg, long *ret);
/* op: LOCK_SH, LOCK_EX, LOCK_UN, | LOCK_NB (EWOULDBLOCK). */
int host_flock(int fd, int op);
/* cmd: F_SETLK, F_SETLKW, F_GETLK or their F_OFD_ forms. */
int host_lock(int fd, int cmd, struct flock *fl);

/*
 * Open a file for use as swap and lock it against other kernels.  Its contents
 * will be overwritten.  `path` is one of: NULL, for an unlinked file in $TMPDIR
 * or /var/tmp; a directory, for an unlinked file there; a new name, for a file
 * that is created and unlinked at once; a regular file or block device that is
 * empty or has the signature of mkswap(8).
 * - *size: the requested size; set to the size of the device if that is
 *   smaller, or if *size is 0.
 * - EEXIST: the file has other contents; EBUSY: locked by another process, or a
 *   device that the host uses; ELOOP: a symbolic link; EINVAL: another type, or
 *   no size; errors of open(2).
 */
int host_swap_open(const char *path, uint64_t *size, int *fd);

/* ---- input and output: *done may be short ---- */

int host_read(int fd, void *buf, size_t len, size_t *done);
int host_write(int fd, const void *buf, size_t len, size_t *done);
int host_pread(int fd, void *buf, size_t len, uint64_t off, size_t *done);
int host_pwrite(
    int fd, const void *buf, size_t len, uint64_t off, size_t *done);
int host_readv(int fd, const struct host_iovec *iov, int n, size_t *done);
int host_writev(int fd, const struct host_iovec *iov, int n, size_t *done);
int host_preadv(
    int fd, const struct host_iovec *iov, int n, uint64_t off, size_t *done);
int host_pwritev(
    int fd, const struct host_iovec *iov, int n, uint64_t off, size_t *done);
/* As pread and pwrite, but a read is short only at the end of the file, and a
 * write never.  On an error some of the bytes may have been transferred. */
int host_pread_full(int fd, void *buf, size_t len, uint64_t off, size_t *done);
int host_pwrite_full(int fd, const void *buf, size_t len, uint64_t off);
/*
 * splice(2) and tee(2), never waiting for a pipe.  An offset is NULL or the
 * position to begin at, and is advanced.  0, with *done 0 at the end; EAGAIN.
 */
int host_splice(int in, uint64_t *in_off, int out, uint64_t *out_off,
    size_t len, size_t *done);
int host_tee(int in, int out, size_t len, size_t *done);
int host_lseek(int fd, int64_t off, int whence, uint64_t *pos);
int host_ftruncate(int fd, uint64_t size);
int host_fallocate(int fd, int mode, uint64_t off, uint64_t len);
int host_fsync(int fd);
int host_fdatasync(int fd);
int host_syncfs(int fd);

/* ---- attributes; `fd` forms work on O_PATH descriptors too ---- */

int host_fstat(int fd, struct host_stat *st);
int host_fstatat(
    int dirfd, const char *path, int atflags, struct host_stat *st);
int host_fstatfs(int fd, struct host_statfs *st);
int host_fchmod(int fd, uint32_t mode);
int host_fchmodat(int dirfd, const char *path, uint32_t mode, int atflags);
/* UINT32_MAX leaves an id as it is. */
int host_fchown(int fd, uint32_t uid, uint32_t gid);
int host_fchownat(
    int dirfd, const char *path, uint32_t uid, uint32_t gid, int atflags);
#define HOST_TIME_NOW INT64_MAX
#define HOST_TIME_OMIT INT64_MIN
int host_futimens(int fd, int64_t atime_ns, int64_t mtime_ns);
int host_utimensat(int dirfd, const char *path, int64_t atime_ns,
    int64_t mtime_ns, int atflags);
/* mode: R_OK | W_OK | X_OK or F_OK; atflags: AT_EACCESS etc. */
int host_faccessat(int dirfd, const char *path, int mode, int atflags);
/* An extended attribute, or the list of their names, of a descriptor that is
 * not O_PATH; size 0 asks for *len only.  ENODATA, ERANGE, EOPNOTSUPP. */
int host_fgetxattr(
    int fd, const char *name, void *buf, size_t size, size_t *len);
int host_flistxattr(int fd, char *buf, size_t size, size_t *len);
/* Set the file mode mask of this process.  Returns the previous mask. */
uint32_t host_umask(uint32_t mask);

/* ---- names ---- */

/* Not NUL-terminated; *len: bytes stored.  `path` "": the link of dirfd
 * itself. */
int host_readlinkat(
    int dirfd, const char *path, char *buf, size_t size, size_t *len);
/* struct linux_dirent64 records; *done 0 at the end. */
int host_getdents(int fd, void *buf, size_t size, size_t *done);
int host_mkdirat(int dirfd, const char *path, uint32_t mode);
/* atflags: AT_REMOVEDIR. */
int host_unlinkat(int dirfd, const char *path, int atflags);
/* flags: RENAME_NOREPLACE, RENAME_EXCHANGE. */
int host_renameat(
    int ofd, const char *opath, int nfd, const char *npath, unsigned flags);
/* opath "": the file of ofd itself; needs no privilege. */
int host_linkat(
    int ofd, const char *opath, int nfd, const char *npath, int atflags);
int host_symlinkat(const char *target, int dirfd, const char *path);
int host_mknodat(int dirfd, const char *path, uint32_t mode, uint64_t rdev);

/* ---- epoll and timerfd (host_ipc.c): created non-blocking; none of these
 * calls waits ---- */

/* EPOLL* bits as Linux has them. */
struct host_epoll_event {
	uint32_t events;
	uint64_t data;
};
int host_epoll_create(int *fd);
/* op: 1 add, 2 delete, 3 modify.  EEXIST, ENOENT, EPERM, ELOOP, ENOSPC, EINVAL
 * (epfd is not an epoll). */
int host_epoll_ctl(int epfd, int op, int fd, uint32_t events, uint64_t data);
/* The events that are ready, at most `max`. */
int host_epoll_take(int epfd, struct host_epoll_event *out, int max, int *n);
int host_timerfd(int clock, int *fd);
/* flags: 1 absolute, 2 cancel when the clock is set.  Times in ns. */
int host_timerfd_set(int fd, int flags, uint64_t value, uint64_t interval,
    uint64_t *old_value, uint64_t *old_interval);
int host_timerfd_get(int fd, uint64_t *value, uint64_t *interval);

#endif /* HOST_HOST_FILE_H */
