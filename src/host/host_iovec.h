/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/* struct iovec under a name of our own, so that the layers above need no host
 * header. */
#ifndef HOST_HOST_IOVEC_H
#define HOST_HOST_IOVEC_H

#include <stddef.h>

struct host_iovec {
	void *base;
	size_t len; /* bytes */
};

#endif /* HOST_HOST_IOVEC_H */
