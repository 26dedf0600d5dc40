/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Page faults that user code serves.
 * Source: userfaultfd(2), ioctl_userfaultfd(2),
 * include/uapi/linux/userfaultfd.h.
 */
#ifndef ABI_USERFAULT_H
#define ABI_USERFAULT_H

#include <stdint.h>

#define LX_UFFD_USER_MODE_ONLY 1 /* flag of userfaultfd() */
#define LX_UFFD_API 0xaaul

/* Requests of ioctl, and their numbers as bits of `ioctls`. */
#define LX_UFFDIO_API 0xc018aa3fu
#define LX_UFFDIO_REGISTER 0xc020aa00u
#define LX_UFFDIO_UNREGISTER 0x8010aa01u
#define LX_UFFDIO_WAKE 0x8010aa02u
#define LX_UFFDIO_COPY 0xc028aa03u
#define LX_UFFDIO_ZEROPAGE 0xc020aa04u
#define LX_UFFDIO_WRITEPROTECT 0xc018aa06u
#define LX_UFFDIO_BIT_REGISTER (UINT64_C(1) << 0x00)
#define LX_UFFDIO_BIT_UNREGISTER (UINT64_C(1) << 0x01)
#define LX_UFFDIO_BIT_WAKE (UINT64_C(1) << 0x02)
#define LX_UFFDIO_BIT_COPY (UINT64_C(1) << 0x03)
#define LX_UFFDIO_BIT_ZEROPAGE (UINT64_C(1) << 0x04)
#define LX_UFFDIO_BIT_WRITEPROTECT (UINT64_C(1) << 0x06)
#define LX_UFFDIO_BIT_API (UINT64_C(1) << 0x3f)

#define LX_UFFD_FEATURE_PAGEFAULT_FLAG_WP 0x0001u
#define LX_UFFD_FEATURE_SIGBUS 0x0080u
#define LX_UFFD_FEATURE_THREAD_ID 0x0100u
#define LX_UFFD_FEATURE_EXACT_ADDRESS 0x0800u
#define LX_UFFD_FEATURE_WP_UNPOPULATED 0x2000u

#define LX_UFFDIO_REGISTER_MODE_MISSING 1u
#define LX_UFFDIO_REGISTER_MODE_WP 2u
#define LX_UFFDIO_COPY_MODE_DONTWAKE 1u
#define LX_UFFDIO_COPY_MODE_WP 2u
#define LX_UFFDIO_ZEROPAGE_MODE_DONTWAKE 1u
#define LX_UFFDIO_WRITEPROTECT_MODE_WP 1u
#define LX_UFFDIO_WRITEPROTECT_MODE_DONTWAKE 2u

#define LX_UFFD_EVENT_PAGEFAULT 0x12
#define LX_UFFD_PAGEFAULT_FLAG_WRITE 1u
#define LX_UFFD_PAGEFAULT_FLAG_WP 2u

struct lx_uffd_msg {
	uint8_t event;
	uint8_t pad[7];
	uint64_t flags; /* of a page fault */
	uint64_t address;
	uint32_t tid;
	uint32_t pad2;
};
_Static_assert(sizeof(struct lx_uffd_msg) == 32, "struct uffd_msg");

struct lx_uffdio_api {
	uint64_t api, features, ioctls;
};

struct lx_uffdio_range {
	uint64_t start, len;
};

struct lx_uffdio_register {
	struct lx_uffdio_range range;
	uint64_t mode, ioctls;
};

struct lx_uffdio_copy {
	uint64_t dst, src, len, mode;
	int64_t copy;
};

struct lx_uffdio_zeropage {
	struct lx_uffdio_range range;
	uint64_t mode;
	int64_t zeropage;
};

struct lx_uffdio_writeprotect {
	struct lx_uffdio_range range;
	uint64_t mode;
};

#endif /* ABI_USERFAULT_H */
