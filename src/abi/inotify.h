/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Events and flags of inotify.
 * Source: inotify(7), include/uapi/linux/inotify.h.
 */
#ifndef ABI_INOTIFY_H
#define ABI_INOTIFY_H

#include <stdint.h>

#define LX_IN_ACCESS 0x001u
#define LX_IN_MODIFY 0x002u
#define LX_IN_ATTRIB 0x004u
#define LX_IN_CLOSE_WRITE 0x008u
#define LX_IN_CLOSE_NOWRITE 0x010u
#define LX_IN_OPEN 0x020u
#define LX_IN_MOVED_FROM 0x040u
#define LX_IN_MOVED_TO 0x080u
#define LX_IN_CREATE 0x100u
#define LX_IN_DELETE 0x200u
#define LX_IN_DELETE_SELF 0x400u
#define LX_IN_MOVE_SELF 0x800u
/* Every event that a watch can ask for. */
#define LX_IN_ALL_EVENTS 0xfffu

/* In events only. */
#define LX_IN_UNMOUNT 0x2000u
#define LX_IN_Q_OVERFLOW 0x4000u
#define LX_IN_IGNORED 0x8000u
#define LX_IN_ISDIR 0x40000000u

/* Of inotify_add_watch(2) only. */
#define LX_IN_ONLYDIR 0x01000000u
#define LX_IN_DONT_FOLLOW 0x02000000u
#define LX_IN_EXCL_UNLINK 0x04000000u
#define LX_IN_MASK_CREATE 0x10000000u
#define LX_IN_MASK_ADD 0x20000000u
#define LX_IN_ONESHOT 0x80000000u

/* What read(2) gives, without the name. */
struct lx_inotify_event {
	int32_t wd;
	uint32_t mask, cookie, len;
};
_Static_assert(sizeof(struct lx_inotify_event) == 16, "inotify_event");

#endif /* ABI_INOTIFY_H */
