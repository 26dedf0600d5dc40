/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Copies from and to user memory, which guest threads change natively at the
 * same time: the one place of racing plain accesses, kept from ThreadSanitizer.
 */
#ifndef VM_VM_RAWCOPY_H
#define VM_VM_RAWCOPY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define COPYIO_TSAN 1
#endif
#endif
#ifdef __SANITIZE_THREAD__
#define COPYIO_TSAN 1
#endif

/* src NULL stores zeroes. */
__attribute__((no_sanitize("thread"))) static inline void
raw_copy(void *dst, const void *src, size_t len)
{
#ifdef COPYIO_TSAN
	/* memcpy() itself is instrumented. */
	if (src != NULL && (uintptr_t)dst - (uintptr_t)src < len)
		memmove(dst, src, len); /* a page onto itself */
	else if (src != NULL)
		__asm__ volatile("rep movsb"
				 : "+D"(dst), "+S"(src), "+c"(len)
				 :
				 : "memory");
	else
		__asm__ volatile("rep stosb"
				 : "+D"(dst), "+c"(len)
				 : "a"(0)
				 : "memory");
#else
	if (src != NULL)
		memmove(dst, src, len);
	else
		memset(dst, 0, len);
#endif
}

#endif /* VM_VM_RAWCOPY_H */
