/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Files of the host: names and attributes.  Reading and writing is in
 * host_io.c.
 *
 * Concepts: vfs holds a file that it has not opened by an O_PATH descriptor.
 * Some calls refuse such a descriptor (fchmod, reopening) or require privilege
 * (linkat with AT_EMPTY_PATH).  These calls use the magic link
 * /proc/self/fd/N instead, which leads to the same file even after its path was
 * renamed or removed.
 *
 * Limits: where the host has no /proc, those calls fail with the error of the
 * first attempt, and reopening with ENOENT.  Birth times need statx(2).
 */
#include "host/host_file.h"

#include "abi/fcntl.h"
#include "abi/stat.h"

#include <errno.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define NSEC INT64_C(1000000000)
#define OPENAT2_TRIES 32
#define FD_PATH 32 /* bytes of "/proc/self/fd/N" */

_Static_assert(LX_S_IFMT == S_IFMT && LX_S_IFSOCK == S_IFSOCK &&
		   LX_S_IFLNK == S_IFLNK && LX_S_IFREG == S_IFREG &&
		   LX_S_IFBLK == S_IFBLK && LX_S_IFDIR == S_IFDIR &&
		   LX_S_IFCHR == S_IFCHR && LX_S_IFIFO == S_IFIFO,
    "file types");
_Static_assert(LX_RESOLVE_NO_XDEV == RESOLVE_NO_XDEV &&
		   LX_RESOLVE_NO_MAGICLINKS == RESOLVE_NO_MAGICLINKS &&
		   LX_RESOLVE_NO_SYMLINKS == RESOLVE_NO_SYMLINKS &&
		   LX_RESOLVE_BENEATH == RESOLVE_BENEATH &&
		   LX_RESOLVE_IN_ROOT == RESOLVE_IN_ROOT,
    "resolve flags");

static inline int
give(long r)
{
	return (r < 0 ? errno : 0);
}

static inline int
give_fd(int r, int *fd)
{
	if (r < 0)
		return (errno);
	*fd = r;
	return (0);
}

static const char *
fd_path(int fd, char buf[FD_PATH])
{
	snprintf(buf, FD_PATH, "/proc/self/fd/%d", fd);
	return (buf);
}

int
host_openat(int dirfd, const char *path, int flags, uint32_t mode, int *fd)
{
	return (give_fd(
	    TEMP_FAILURE_RETRY(openat(dirfd, path, flags | O_CLOEXEC, mode)),
	    fd));
}

int
host_openat2(int dirfd, const char *path, int flags, uint32_t mode,
    unsigned resolve, int *fd)
{
	struct open_how how = {0};
	long r;

	/* openat2(2) refuses mode bits that openat(2) ignores. */
	how.flags = (unsigned)flags | O_CLOEXEC;
	if ((flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE)
		how.mode = mode & 07777;
	how.resolve = resolve;
	for (int i = 0; i < OPENAT2_TRIES; i++) {
		r = TEMP_FAILURE_RETRY(
		    syscall(SYS_openat2, dirfd, path, &how, sizeof(how)));
		if (r >= 0 || errno != EAGAIN)
			return (give_fd((int)r, fd));
	}
	return (EAGAIN);
}

int
host_openat2_beneath(int dirfd, const char *path, int flags, uint32_t mode,
    unsigned resolve, int *fd)
{
	return (host_openat2(dirfd, path, flags, mode,
	    resolve | RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS, fd));
}

int
host_reopen(int fd, int flags, int *out)
{
	char buf[FD_PATH];

	/* Always follow: the path is a magic link. */
	return (host_openat(AT_FDCWD, fd_path(fd, buf),
	    flags & ~(O_NOFOLLOW | O_CREAT | O_EXCL), 0, out));
}

static inline int64_t
statx_ns(const struct statx_timestamp *t)
{
	return (t->tv_sec * NSEC + (int64_t)t->tv_nsec);
}

static inline int64_t
ts_ns(const struct timespec *t)
{
	return ((int64_t)t->tv_sec * NSEC + (int64_t)t->tv_nsec);
}

/* For hosts that do not have statx(2), or forbid it. */
static int
stat_old(int dirfd, const char *path, int atflags, struct host_stat *out)
{
	struct stat st;

	if (fstatat(dirfd, path, &st, atflags) != 0)
		return (errno);
	*out = (struct host_stat){
	    .dev = st.st_dev,
	    .ino = st.st_ino,
	    .mode = st.st_mode,
	    .nlink = (uint32_t)st.st_nlink,
	    .uid = st.st_uid,
	    .gid = st.st_gid,
	    .rdev = st.st_rdev,
	    .size = (uint64_t)st.st_size,
	    .blksize = (uint64_t)st.st_blksize,
	    .blocks = (uint64_t)st.st_blocks,
	    .atime_ns = ts_ns(&st.st_atim),
	    .mtime_ns = ts_ns(&st.st_mtim),
	    .ctime_ns = ts_ns(&st.st_ctim),
	};
	return (0);
}

int
host_fstat(int fd, struct host_stat *st)
{
	return (host_fstatat(fd, "", AT_EMPTY_PATH, st));
}

int
host_fstatat(int dirfd, const char *path, int atflags, struct host_stat *out)
{
	struct statx st;

	if (statx(dirfd, path, atflags, STATX_BASIC_STATS | STATX_BTIME, &st) !=
	    0) {
		if (errno == ENOSYS || errno == EPERM)
			return (stat_old(dirfd, path, atflags, out));
		return (errno);
	}
	*out = (struct host_stat){
	    .dev = makedev(st.stx_dev_major, st.stx_dev_minor),
	    .ino = st.stx_ino,
	    .mode = st.stx_mode,
	    .nlink = st.stx_nlink,
	    .uid = st.stx_uid,
	    .gid = st.stx_gid,
	    .rdev = makedev(st.stx_rdev_major, st.stx_rdev_minor),
	    .size = st.stx_size,
	    .blksize = st.stx_blksize,
	    .blocks = st.stx_blocks,
	    .atime_ns = statx_ns(&st.stx_atime),
	    .mtime_ns = statx_ns(&st.stx_mtime),
	    .ctime_ns = statx_ns(&st.stx_ctime),
	};
	if ((st.stx_mask & STATX_BTIME) != 0)
		out->btime_ns = statx_ns(&st.stx_btime);
	return (0);
}

int
host_fstatfs(int fd, struct host_statfs *out)
{
	struct statfs st;

	if (TEMP_FAILURE_RETRY(fstatfs(fd, &st)) != 0)
		return (errno);
	*out = (struct host_statfs){
	    .type = (uint64_t)st.f_type,
	    .bsize = (uint64_t)st.f_bsize,
	    .frsize = (uint64_t)st.f_frsize,
	    .blocks = st.f_blocks,
	    .bfree = st.f_bfree,
	    .bavail = st.f_bavail,
	    .files = st.f_files,
	    .ffree = st.f_ffree,
	    .namelen = (uint64_t)st.f_namelen,
	    .flags = (uint64_t)st.f_flags,
	};
	_Static_assert(sizeof(st.f_fsid) == sizeof(out->fsid), "fsid");
	memcpy(&out->fsid, &st.f_fsid, sizeof(out->fsid));
	return (0);
}

int
host_fchmod(int fd, uint32_t mode)
{
	char buf[FD_PATH];

	if (fchmod(fd, mode) == 0)
		return (0);
	if (errno != EBADF)
		return (errno);
	/* EBADF: an O_PATH descriptor, or none; without a descriptor there is
	 * no link, and the call below fails. */
	if (chmod(fd_path(fd, buf), mode) == 0)
		return (0);
	return (errno == ENOENT ? EBADF : errno);
}

int
host_fchmodat(int dirfd, const char *path, uint32_t mode, int atflags)
{
	return (give(fchmodat(dirfd, path, mode, atflags)));
}

int
host_fchown(int fd, uint32_t uid, uint32_t gid)
{
	return (host_fchownat(fd, "", uid, gid, AT_EMPTY_PATH));
}

int
host_fchownat(
    int dirfd, const char *path, uint32_t uid, uint32_t gid, int atflags)
{
	return (give(fchownat(dirfd, path, uid, gid, atflags)));
}

static struct timespec
utime_ts(int64_t ns)
{
	struct timespec ts = {0};

	if (ns == HOST_TIME_NOW) {
		ts.tv_nsec = UTIME_NOW;
	} else if (ns == HOST_TIME_OMIT) {
		ts.tv_nsec = UTIME_OMIT;
	} else {
		ts.tv_sec = ns / NSEC;
		ts.tv_nsec = ns % NSEC;
		if (ts.tv_nsec < 0) {
			ts.tv_sec--;
			ts.tv_nsec += NSEC;
		}
	}
	return (ts);
}

int
host_futimens(int fd, int64_t atime_ns, int64_t mtime_ns)
{
	struct timespec ts[2] = {utime_ts(atime_ns), utime_ts(mtime_ns)};
	char buf[FD_PATH];

	if (futimens(fd, ts) == 0)
		return (0);
	if (errno != EBADF)
		return (errno);
	if (utimensat(AT_FDCWD, fd_path(fd, buf), ts, 0) == 0)
		return (0);
	return (errno == ENOENT ? EBADF : errno);
}

int
host_utimensat(int dirfd, const char *path, int64_t atime_ns, int64_t mtime_ns,
    int atflags)
{
	struct timespec ts[2] = {utime_ts(atime_ns), utime_ts(mtime_ns)};

	return (give(utimensat(dirfd, path, ts, atflags)));
}

int
host_faccessat(int dirfd, const char *path, int mode, int atflags)
{
	if (syscall(SYS_faccessat2, dirfd, path, mode, atflags) == 0)
		return (0);
	if (errno != ENOSYS && errno != EPERM)
		return (errno);
	return (give(faccessat(dirfd, path, mode, atflags)));
}

int
host_fgetxattr(int fd, const char *name, void *buf, size_t size, size_t *len)
{
	ssize_t n = fgetxattr(fd, name, buf, size);

	if (n < 0)
		return (errno);
	*len = (size_t)n;
	return (0);
}

int
host_flistxattr(int fd, char *buf, size_t size, size_t *len)
{
	ssize_t n = flistxattr(fd, buf, size);

	if (n < 0)
		return (errno);
	*len = (size_t)n;
	return (0);
}

uint32_t
host_umask(uint32_t mask)
{
	return (umask((mode_t)mask));
}

int
host_readlinkat(
    int dirfd, const char *path, char *buf, size_t size, size_t *len)
{
	ssize_t n = readlinkat(dirfd, path, buf, size);

	if (n < 0)
		return (errno);
	*len = (size_t)n;
	return (0);
}

int
host_getdents(int fd, void *buf, size_t size, size_t *done)
{
	long n = TEMP_FAILURE_RETRY(syscall(SYS_getdents64, fd, buf, size));

	if (n < 0)
		return (errno);
	*done = (size_t)n;
	return (0);
}

int
host_mkdirat(int dirfd, const char *path, uint32_t mode)
{
	return (give(mkdirat(dirfd, path, mode)));
}

int
host_unlinkat(int dirfd, const char *path, int atflags)
{
	return (give(unlinkat(dirfd, path, atflags)));
}

int
host_renameat(
    int ofd, const char *opath, int nfd, const char *npath, unsigned flags)
{
	if (flags == 0)
		return (give(renameat(ofd, opath, nfd, npath)));
	return (give(renameat2(ofd, opath, nfd, npath, flags)));
}

int
host_linkat(int ofd, const char *opath, int nfd, const char *npath, int atflags)
{
	char buf[FD_PATH];

	if (opath[0] != '\0')
		return (give(linkat(ofd, opath, nfd, npath, atflags)));
	if (linkat(ofd, "", nfd, npath, AT_EMPTY_PATH) == 0)
		return (0);
	/* ENOENT is the host's error for a caller without privilege. */
	if (errno != ENOENT && errno != EPERM && errno != EINVAL)
		return (errno);
	return (give(linkat(
	    AT_FDCWD, fd_path(ofd, buf), nfd, npath, AT_SYMLINK_FOLLOW)));
}

int
host_symlinkat(const char *target, int dirfd, const char *path)
{
	return (give(symlinkat(target, dirfd, path)));
}

int
host_mknodat(int dirfd, const char *path, uint32_t mode, uint64_t rdev)
{
	return (give(mknodat(dirfd, path, mode, (dev_t)rdev)));
}
