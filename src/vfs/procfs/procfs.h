/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The growing text that nodes of procfs are generated into; for kern's
 * procfs_ops and for whoever shows the same texts elsewhere.
 */
#ifndef VFS_PROCFS_PROCFS_H
#define VFS_PROCFS_PROCFS_H

#include <stddef.h>

#define PROCFS_TEXT_MAX ((size_t)64 << 20) /* bytes of one text */

struct procfs_buf {
	char *data; /* malloc'ed, not terminated; NULL when empty */
	size_t len;
	size_t cap;
	int error; /* first failure: ENOMEM, EFBIG */
};

void procfs_buf_init(struct procfs_buf *);
void procfs_buf_destroy(struct procfs_buf *);

#endif /* VFS_PROCFS_PROCFS_H */
