/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Vectored I/O.
 * Source: readv(2), include/uapi/linux/uio.h.
 */
#ifndef ABI_UIO_H
#define ABI_UIO_H

#include <stdint.h>

struct lx_iovec {
	uint64_t base, len;
};
_Static_assert(sizeof(struct lx_iovec) == 16, "struct iovec");
#define LX_IOV_MAX 1024
#define LX_MAX_RW_COUNT UINT64_C(0x7ffff000)

/* preadv2(2), pwritev2(2) */
#define LX_RWF_HIPRI 0x1
#define LX_RWF_DSYNC 0x2
#define LX_RWF_SYNC 0x4
#define LX_RWF_NOWAIT 0x8
#define LX_RWF_APPEND 0x10
#define LX_RWF_NOAPPEND 0x20

#endif /* ABI_UIO_H */
