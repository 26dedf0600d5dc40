/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Extended attributes.
 * Source: xattr(7), setxattr(2), include/uapi/linux/{xattr,limits}.h.
 */
#ifndef ABI_XATTR_H
#define ABI_XATTR_H

#define LX_XATTR_CREATE 0x1
#define LX_XATTR_REPLACE 0x2

#define LX_XATTR_NAME_MAX 255   /* bytes of a name */
#define LX_XATTR_SIZE_MAX 65536 /* bytes of a value */
#define LX_XATTR_LIST_MAX 65536 /* bytes of a list of names */

#endif /* ABI_XATTR_H */
