/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * A list of memory pieces of a transfer: kernel memory, or pinned memory of a
 * guest.
 */
#ifndef VFS_CORE_UIO_H
#define VFS_CORE_UIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/host_iovec.h"

/*
 * A driver either passes the pieces to the host (readv) or copies with
 * uiomove().  Both consume the pieces.
 */
struct uio {
	struct host_iovec *iov; /* current piece first; consumed in place */
	int niov;
	size_t resid;  /* bytes that are left */
	uint64_t off;  /* file offset, advanced by uiomove and by drivers */
	bool write;    /* true: from memory to the file */
	bool at;       /* `off` is where to move; false: where the host is */
	bool append;   /* a write goes to the end of the file */
	bool noappend; /* it does not, in spite of O_APPEND */
};

void uio_init1(struct uio *, struct host_iovec *one, void *buf, size_t len,
    uint64_t off, bool write);
/* Copy min(n, resid) bytes between p and the uio and advance it; returns how
 * many. */
size_t uiomove(void *p, size_t n, struct uio *);
size_t uiozero(size_t n, struct uio *); /* read side only */
/* The pieces of the next `max` bytes, at most n of them, for a call of the
 * host; returns how many.  The uio is not advanced. */
int uio_vector(const struct uio *, size_t max, struct host_iovec *iov, int n);
/* Advance by n bytes that the caller has transferred in another way. */
void uio_advance(struct uio *, size_t n);

#endif /* VFS_CORE_UIO_H */
