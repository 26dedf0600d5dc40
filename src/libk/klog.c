/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Log lines.
 *
 * Concepts: a line is formatted on the caller's stack, so that logging acquires
 * no lock and allocates no memory; the sink does its own locking.  Control
 * characters are replaced by '?': parts of a line (file names, program names)
 * come from guests, and a guest must not be able to forge lines or to control
 * the operator's terminal.  errno is preserved, so that an error path may log
 * before it reads errno.
 *
 * Limits: a line is truncated to KLOG_LINE bytes.  A line that cannot be
 * written to standard error is dropped.
 */
#include "libk/klog.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define KLOG_LINE 1024

void
klog(const struct klog *log, enum klog_level lvl, const char *fmt, ...)
{
	static const char prefix[] = "vmspace: ";
	char buf[sizeof(prefix) - 1 + KLOG_LINE + 1], *line;
	size_t len, i;
	va_list ap;
	int n, saved;

	if (log == NULL || lvl > log->max)
		return;
	saved = errno;
	line = buf + snprintf(buf, sizeof(buf), "%s", prefix);
	va_start(ap, fmt);
	n = vsnprintf(line, KLOG_LINE, fmt, ap);
	va_end(ap);
	len = n < 0 ? 0 : (size_t)n < KLOG_LINE ? (size_t)n : KLOG_LINE - 1;
	for (i = 0; i < len; i++) {
		unsigned char ch = (unsigned char)line[i];

		if ((ch < 0x20 && ch != '\t') || ch == 0x7f)
			line[i] = '?';
	}
	line[len] = '\0';
	if (log->sink != NULL) {
		log->sink(log->arg, lvl, line);
	} else {
		line[len] = '\n';
		if (write(STDERR_FILENO, buf, (size_t)(line - buf) + len + 1) <
		    0) {
			/* Dropped; see Limits. */
		}
	}
	errno = saved;
}
