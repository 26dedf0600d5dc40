/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Opening, reading and writing files, for both fixtures of the vfs tests:
 * vfs_testlib.h (a hostfs) and vfs_nodes_testlib.h (tmpfs, devfs, procfs).
 */
#ifndef TESTS_UNIT_VFS_IO_TESTLIB_H
#define TESTS_UNIT_VFS_IO_TESTLIB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vfs/core/ctx.h"
#include "vfs/core/file.h"
#include "vfs/core/lookup.h"
#include "vfs/core/uio.h"

/* Open a file and close it again; returns the errno. */
static inline int
io_try_open(
    const struct vfs_ctx *ctx, const char *path, int flags, uint32_t mode)
{
	struct file *f;
	int error = vfs_open(ctx, NULL, path, flags, mode, &f);

	if (error == 0)
		file_free(f);
	return (error);
}

static inline struct file *
io_open(const struct vfs_ctx *ctx, const char *path, int flags, uint32_t mode)
{
	struct file *f = NULL;

	assert_int_equal(vfs_open(ctx, NULL, path, flags, mode, &f), 0);
	return (f);
}

/* Transfer len bytes at offset `at`, or with a negative `at` at the file's own
 * offset.  *done: the bytes moved, also before an error. */
static inline int
io_move(const struct vfs_ctx *ctx, struct file *f, void *buf, size_t len,
    int64_t at, bool write, size_t *done)
{
	struct host_iovec iov;
	struct uio uio;
	int error;

	uio_init1(&uio, &iov, buf, len, at < 0 ? 0 : (uint64_t)at, write);
	error = write ? file_write(f, &uio, &ctx->waiter, at >= 0)
		      : file_read(f, &uio, &ctx->waiter, at >= 0);
	*done = len - uio.resid;
	return (error);
}

#endif /* TESTS_UNIT_VFS_IO_TESTLIB_H */
