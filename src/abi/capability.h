/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Capabilities.
 * Source: capget(2), include/uapi/linux/capability.h.
 */
#ifndef ABI_CAPABILITY_H
#define ABI_CAPABILITY_H

#include <stdint.h>

struct lx_cap_header {
	uint32_t version;
	int32_t pid;
};
struct lx_cap_data {
	uint32_t effective, permitted, inheritable;
};
#define LX_CAP_VERSION_1 UINT32_C(0x19980330)
#define LX_CAP_VERSION_2 UINT32_C(0x20071026)
#define LX_CAP_VERSION_3 UINT32_C(0x20080522)
#define LX_CAP_LAST 40

#endif /* ABI_CAPABILITY_H */
