/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * procfs_buf: text that grows by doubling.  A failure is remembered and makes
 * every later append a no-op, so that generators need not check; the owner of
 * the buffer looks at `error` at the end.  A buffer belongs to one thread.
 */
#include "mem/kmem.h"
#include "vfs/procfs/procfs.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define CAP_MIN 512 /* bytes */

void
procfs_buf_init(struct procfs_buf *b)
{
	memset(b, 0, sizeof(*b));
}

void
procfs_buf_destroy(struct procfs_buf *b)
{
	kmem_free(b->data);
	memset(b, 0, sizeof(*b));
}

/* Room for n more bytes. */
static bool
procfs_buf_room(struct procfs_buf *b, size_t n)
{
	size_t cap = b->cap != 0 ? b->cap : CAP_MIN;
	char *p;

	if (b->error != 0)
		return (false);
	if (n <= b->cap - b->len)
		return (true);
	if (n > PROCFS_TEXT_MAX - b->len) {
		b->error = EFBIG;
		return (false);
	}
	while (cap - b->len < n)
		cap *= 2;
	p = kmem_realloc(b->data, cap);
	if (p == NULL) {
		b->error = ENOMEM;
		return (false);
	}
	b->data = p;
	b->cap = cap;
	return (true);
}

void
procfs_write(struct procfs_buf *b, const void *data, size_t len)
{
	if (len == 0 || !procfs_buf_room(b, len))
		return;
	memcpy(b->data + b->len, data, len);
	b->len += len;
}

void
procfs_printf(struct procfs_buf *b, const char *fmt, ...)
{
	va_list ap;
	size_t room = b->cap - b->len;
	int n;

	if (b->error != 0)
		return;
	va_start(ap, fmt);
	n = vsnprintf(room > 0 ? b->data + b->len : NULL, room, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->error = EINVAL;
		return;
	}
	if ((size_t)n >= room) {
		/* One more for the NUL, which is not kept. */
		if (!procfs_buf_room(b, (size_t)n + 1))
			return;
		va_start(ap, fmt);
		vsnprintf(b->data + b->len, (size_t)n + 1, fmt, ap);
		va_end(ap);
	}
	b->len += (size_t)n;
}
