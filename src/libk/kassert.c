/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Panic.
 *
 * Concepts: the line is built in a buffer on the stack and written by one
 * write(2).  It is therefore complete even when several threads panic at once,
 * and a panic needs neither malloc nor a stdio lock, which the panicking thread
 * may already hold.  abort() follows: the core file shows the broken state, and
 * the host kills the stubs through their parent-death signal.
 *
 * Limits: a message longer than the buffer is truncated.
 */
#include "libk/kassert.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PANIC_LINE 1024

void
kpanic_at(const char *file, int line, const char *func, const char *fmt, ...)
{
	char buf[PANIC_LINE];
	va_list ap;
	int n, m;

	n = snprintf(buf, sizeof(buf) / 2, "vmspace: panic: %s:%d: %s: ", file,
	    line, func);
	if (n < 0)
		n = 0;
	if (n >= (int)sizeof(buf) / 2)
		n = (int)sizeof(buf) / 2 - 1;
	va_start(ap, fmt);
	m = vsnprintf(buf + n, sizeof(buf) - (size_t)n - 1, fmt, ap);
	va_end(ap);
	if (m > 0)
		n += m;
	if (n > (int)sizeof(buf) - 2)
		n = (int)sizeof(buf) - 2;
	buf[n++] = '\n';
	if (write(STDERR_FILENO, buf, (size_t)n) < 0) {
		/* Standard error is closed: there is no other place. */
	}
	abort();
}
