/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Assertions.  KASSERT() checks an invariant in debug builds only; KVERIFY()
 * checks in all builds and is used where memory safety depends on the
 * condition. Both write one line to standard error and end the host process by
 * abort(), because a kernel whose invariants are broken must not continue to
 * run guests.
 */
#ifndef LIBK_KASSERT_H
#define LIBK_KASSERT_H

/* Prints "vmspace: panic: FILE:LINE: FUNC: message" and aborts. */
_Noreturn void kpanic_at(const char *file, int line, const char *func,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

#define kpanic(...) kpanic_at(__FILE__, __LINE__, __func__, __VA_ARGS__)

#define KVERIFY(cond)                                \
	do {                                         \
		if (__builtin_expect(!(cond), 0))    \
			kpanic("failed: %s", #cond); \
	} while (0)

#ifdef VMSPACE_DEBUG
#define KASSERT(cond) KVERIFY(cond)
#else
#define KASSERT(cond)                 \
	do {                          \
		if (0)                \
			(void)(cond); \
	} while (0)
#endif

#endif /* LIBK_KASSERT_H */
