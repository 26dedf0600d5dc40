/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Opening files and block devices for use as swap.
 *
 * Concepts: a file opened here will be overwritten.  An existing file is
 * therefore accepted only if it has no data to lose: it is empty, or has the
 * signature that mkswap(8) writes.  New files are unlinked at once, so that
 * they vanish with the last descriptor, even if the process crashes.
 *
 * Guarantees: the descriptor is locked exclusively (flock), so that two kernels
 * do not share a file.  A device that the host has mounted or swaps to is
 * refused (O_EXCL), although it may have the signature.  A symbolic link as the
 * last component is not followed.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <linux/fs.h>
#include <unistd.h>

#include "abi/stat.h"
#include "host/host_file.h"

#define SWAP_MAGIC "SWAPSPACE2"
#define SWAP_MAGIC_OFF 4086

/* An unlinked file in a directory. */
static int
open_temporary(const char *dir, int *fd)
{
	char name[PATH_MAX];
	int n;

	*fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (*fd >= 0)
		return (0);
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT)
		return (errno);
	n = snprintf(name, sizeof(name), "%s/vmspace-swap-XXXXXX", dir);
	if (n < 0 || (size_t)n >= sizeof(name))
		return (ENAMETOOLONG);
	*fd = mkostemp(name, O_CLOEXEC);
	if (*fd < 0)
		return (errno);
	(void)unlink(name);
	return (0);
}

/* Create a file and unlink it. */
static int
open_new(const char *path, int *fd)
{
	*fd = open(
	    path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (*fd < 0)
		return (errno);
	(void)unlink(path);
	return (0);
}

static int
check_contents(int fd, const struct host_stat *st)
{
	char magic[sizeof(SWAP_MAGIC) - 1];
	size_t done = 0;
	int error;

	if ((st->mode & LX_S_IFMT) == LX_S_IFREG && st->size == 0)
		return (0);
	error =
	    host_pread_full(fd, magic, sizeof(magic), SWAP_MAGIC_OFF, &done);
	if (error != 0)
		return (error);
	if (done != sizeof(magic) ||
	    memcmp(magic, SWAP_MAGIC, sizeof(magic)) != 0)
		return (EEXIST);
	return (0);
}

static int
set_size(int fd, const struct host_stat *st, uint64_t *size)
{
	uint64_t bytes;

	if ((st->mode & LX_S_IFMT) == LX_S_IFBLK) {
		if (ioctl(fd, BLKGETSIZE64, &bytes) != 0)
			return (errno);
		if (*size == 0 || *size > bytes)
			*size = bytes;
		return (0);
	}
	if (*size == 0)
		*size = st->size;
	if (*size == 0)
		return (EINVAL);
	return (st->size >= *size ? 0 : host_ftruncate(fd, *size));
}

static int
open_path(const char *path, int *fd)
{
	const char *tmp = getenv("TMPDIR");
	int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW, error;
	struct host_stat st;

	if (path == NULL) {
		path = tmp != NULL && tmp[0] == '/' ? tmp : "/var/tmp";
		return (open_temporary(path, fd));
	}
	error = host_fstatat(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, &st);
	if (error == ENOENT)
		return (open_new(path, fd));
	if (error != 0)
		return (error);
	if ((st.mode & LX_S_IFMT) == LX_S_IFDIR)
		return (open_temporary(path, fd));
	if ((st.mode & LX_S_IFMT) == LX_S_IFLNK)
		return (ELOOP);
	if ((st.mode & LX_S_IFMT) == LX_S_IFBLK)
		flags |= O_EXCL; /* refuse a device that the host uses */
	else if ((st.mode & LX_S_IFMT) != LX_S_IFREG)
		return (EINVAL);
	return (host_openat(AT_FDCWD, path, flags, 0, fd));
}

int
host_swap_open(const char *path, uint64_t *size, int *fd)
{
	uint64_t actual = *size;
	struct host_stat st;
	int error, f;

	error = open_path(path, &f);
	if (error != 0)
		return (error);
	error = host_flock(f, LOCK_EX | LOCK_NB);
	if (error == EWOULDBLOCK)
		error = EBUSY;
	if (error != 0)
		goto fail;
	error = host_fstat(f, &st);
	if (error != 0)
		goto fail;
	error = check_contents(f, &st);
	if (error != 0)
		goto fail;
	error = set_size(f, &st, &actual);
	if (error != 0)
		goto fail;
	*size = actual;
	*fd = f;
	return (0);
fail:
	host_close(f);
	return (error);
}
