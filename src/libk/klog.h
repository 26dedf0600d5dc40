/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Log: one line per event, to a sink that the creator of the kernel chooses.
 * There is no global log: each kernel instance has its own and passes a pointer
 * to its subsystems.  A NULL pointer is legal everywhere and drops the line.
 */
#ifndef LIBK_KLOG_H
#define LIBK_KLOG_H

#include <stdarg.h>

enum klog_level { KLOG_ERR, KLOG_WARN, KLOG_INFO, KLOG_DEBUG };

struct klog {
	enum klog_level max; /* [I] lines above this level are dropped */
	/* [I] Called from any thread; `line` has no newline. NULL: stderr,
	 * as "vmspace: LINE" in one write(2). */
	void (*sink)(void *arg, enum klog_level lvl, const char *line);
	void *arg; /* [I] */
};

void klog(const struct klog *log, enum klog_level lvl, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif /* LIBK_KLOG_H */
