/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Copies from and to user memory, which guest threads change natively at the
 * same time: the one place of racing plain accesses, kept from ThreadSanitizer.
 */
#ifndef MEM_VM_RAWCOPY_H
#define MEM_VM_RAWCOPY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Sanitizers check memcpy() and, for that, may move single bytes: words of the
 * guest must not be torn. */
#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define RAWCOPY_ASM 1
#endif
#endif
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define RAWCOPY_ASM 1
#endif

/* src NULL stores zeroes. */
__attribute__((no_sanitize("thread"))) static inline void
raw_copy(void *dst, const void *src, size_t len)
{
#ifdef RAWCOPY_ASM
	size_t words = len / 8, rest = len % 8;

	if (len == 0)
		return;
#ifdef __SANITIZE_ADDRESS__
	/* Check at least that the ends lie in valid memory. */
	(void)*(volatile const char *)dst;
	(void)*((volatile const char *)dst + len - 1);
	if (src != NULL) {
		(void)*(volatile const char *)src;
		(void)*((volatile const char *)src + len - 1);
	}
#endif
	if (src != NULL && (uintptr_t)dst - (uintptr_t)src < len)
		memmove(dst, src, len); /* a page onto itself */
	else if (src != NULL)
		__asm__ volatile("rep movsq\n\t"
				 "mov %3, %2\n\t"
				 "rep movsb"
				 : "+D"(dst), "+S"(src), "+c"(words)
				 : "r"(rest)
				 : "memory");
	else
		__asm__ volatile("rep stosq\n\t"
				 "mov %2, %1\n\t"
				 "rep stosb"
				 : "+D"(dst), "+c"(words)
				 : "r"(rest), "a"((uint64_t)0)
				 : "memory");
#else
	if (src != NULL)
		memmove(dst, src, len);
	else
		memset(dst, 0, len);
#endif
}

#endif /* MEM_VM_RAWCOPY_H */
