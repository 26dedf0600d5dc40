/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Tracing of system calls, one strace-like line each:
 *
 * [12] openat(AT_FDCWD, "/etc/passwd", 0x80000, 00) = 3 [12] read(3,
 * 0x7ffd1000, 4096) = -1 EINTR (Interrupted system call) [12] exit_group(0) = ?
 *
 * Arguments are formatted before the call, because exec replaces the memory
 * that they point to.  The line is written after the call with one fwrite, so
 * that lines of different lwps do not mix.  Restart codes appear as "?
 * ERESTARTSYS".
 */
#include "linux/lib/sys_int.h"

#include "abi/fcntl.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define TRACE_STR 128 /* bytes of a string argument that are shown */

struct line {
	char *buf;
	size_t size, len;
};

static void __attribute__((format(printf, 2, 3)))
line_add(struct line *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(b->buf + b->len, b->size - b->len, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	b->len += (size_t)n;
	if (b->len >= b->size)
		b->len = b->size - 1;
}

static void
line_add_str(struct line *b, struct lwp *l, uint64_t va)
{
	char s[TRACE_STR + 1];
	size_t len;
	int error;

	if (va == 0) {
		line_add(b, "NULL");
		return;
	}
	s[0] = '\0';
	error = copyinstr(lwp_vmspace(l), s, va, sizeof(s), NULL);
	if (error != 0 && error != ENAMETOOLONG) {
		line_add(b, "0x%llx", (unsigned long long)va);
		return;
	}
	s[TRACE_STR] = '\0';
	len = strlen(s);
	line_add(b, "\"");
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c == '"' || c == '\\')
			line_add(b, "\\%c", c);
		else if (c == '\n')
			line_add(b, "\\n");
		else if (c < 0x20 || c >= 0x7f)
			line_add(b, "\\%03o", c);
		else
			line_add(b, "%c", c);
	}
	line_add(b, error != 0 ? "\"..." : "\"");
}

static void
line_add_arg(
    struct line *b, struct lwp *l, const char *kind, size_t klen, uint64_t v)
{
	if (klen == 3 && memcmp(kind, "str", 3) == 0)
		line_add_str(b, l, v);
	else if (klen == 2 && memcmp(kind, "fd", 2) == 0 &&
		 (int)v == LX_AT_FDCWD)
		line_add(b, "AT_FDCWD");
	else if ((klen == 2 && memcmp(kind, "fd", 2) == 0) ||
		 (klen == 3 && (memcmp(kind, "int", 3) == 0 ||
				   memcmp(kind, "sig", 3) == 0)))
		line_add(b, "%d", (int)v);
	else if (klen == 4 && memcmp(kind, "uint", 4) == 0)
		line_add(b, "%u", (unsigned)v);
	else if (klen == 4 && memcmp(kind, "size", 4) == 0)
		line_add(b, "%llu", (unsigned long long)v);
	else if ((klen == 4 && memcmp(kind, "long", 4) == 0) ||
		 (klen == 3 && memcmp(kind, "off", 3) == 0))
		line_add(b, "%lld", (long long)v);
	else if (klen == 4 && memcmp(kind, "mode", 4) == 0)
		line_add(b, "0%o", (unsigned)v);
	else if (klen == 3 && memcmp(kind, "ptr", 3) == 0 && v == 0)
		line_add(b, "NULL");
	else
		line_add(b, "0x%llx", (unsigned long long)v);
}

size_t
sys_trace_format(struct lwp *l, const struct syscall_desc *d, unsigned nr,
    const uint64_t *args, char *buf, size_t size)
{
	/* Room for the result is reserved at the end. */
	struct line b = {.buf = buf, .size = size - 128};
	const char *kind, *end;
	int i = 0;

	line_add(&b, "[%d] ", l->tid);
	if (d == NULL || d->name == NULL) {
		line_add(&b, "syscall_%u(0x%llx, 0x%llx, 0x%llx)", nr,
		    (unsigned long long)args[0], (unsigned long long)args[1],
		    (unsigned long long)args[2]);
		return (b.len);
	}
	line_add(&b, "%s(", d->name);
	for (kind = d->kinds; *kind != '\0' && *kind != '-' && i < 6; i++) {
		end = strchrnul(kind, ',');
		if (i > 0)
			line_add(&b, ", ");
		line_add_arg(&b, l, kind, (size_t)(end - kind), args[i]);
		kind = *end == ',' ? end + 1 : end;
	}
	line_add(&b, ")");
	return (b.len);
}

void
sys_trace_result(
    struct vkernel *k, char *buf, size_t len, int error, int64_t ret)
{
	struct line b = {.buf = buf, .size = len + 128, .len = len};
	const char *name;

	switch (error) {
	case 0:
		if (ret >= 0 && ret < 0x10000000)
			line_add(&b, " = %lld\n", (long long)ret);
		else
			line_add(&b, " = 0x%llx\n", (unsigned long long)ret);
		break;
	case EJUSTRETURN:
		line_add(&b, " = ?\n");
		break;
	case ERESTARTSYS:
	case ERESTARTNOINTR:
	case ERESTARTNOHAND:
	case ERESTART_BLOCK:
		line_add(&b, " = ? ERESTARTSYS\n");
		break;
	default:
		name = strerrorname_np(error);
		line_add(&b, " = -1 %s (%s)\n", name != NULL ? name : "E?",
		    strerrordesc_np(error) != NULL ? strerrordesc_np(error)
						   : "?");
	}
	(void)fwrite(b.buf, 1, b.len, k->strace);
	(void)fflush(k->strace);
}
