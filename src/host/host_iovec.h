/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/* struct iovec by another name, so that no host header is needed above. */
#ifndef HOST_HOST_IOVEC_H
#define HOST_HOST_IOVEC_H

#include <stddef.h>

struct host_iovec {
	void *base;
	size_t len; /* bytes */
};

#endif /* HOST_HOST_IOVEC_H */
