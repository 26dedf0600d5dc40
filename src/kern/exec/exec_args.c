/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Argument and environment vectors of exec, as kernel copies.
 *
 * Data structures: strings are packed into chunks that are freed together; argv
 * and envp are arrays of pointers into them, NULL-terminated.
 *
 * Limits: EXEC_ARG_MAX bytes in all, pointers counted as Linux counts them;
 * EXEC_STRLEN_MAX bytes a string.  Both are E2BIG.
 */
#include <errno.h>
#include <string.h>

#include "kern/exec/imgact.h"
#include "libk/kassert.h"
#include "mem/kmem.h"
#include "vm/vmspace.h"

#define CHUNK_MIN ((size_t)16 << 10)
#define PTRS_AT_ONCE 64

struct exec_chunk {
	struct exec_chunk *next;
	size_t used, size;
	char data[];
};

void
exec_args_init(struct exec_args *a)
{
	memset(a, 0, sizeof(*a));
}

void
exec_args_free(struct exec_args *a)
{
	struct exec_chunk *c = a->chunks, *next;

	for (; c != NULL; c = next) {
		next = c->next;
		kmem_free(c);
	}
	kmem_free(a->argv);
	kmem_free(a->envp);
	a->chunks = NULL;
	a->argv = a->envp = NULL;
	a->argc = a->envc = a->bytes = 0;
}

/* A chunk with at least `len` bytes free. */
static struct exec_chunk *
args_chunk(struct exec_args *a, size_t len)
{
	struct exec_chunk *c = a->chunks;
	size_t size = len > CHUNK_MIN ? len : CHUNK_MIN;

	if (c != NULL && c->size - c->used >= len)
		return (c);
	c = kmem_alloc(sizeof(*c) + size);
	if (c == NULL)
		return (NULL);
	c->next = a->chunks;
	c->used = 0;
	c->size = size;
	a->chunks = c;
	return (c);
}

/* Append the string s of len bytes (NUL included), already in a chunk. */
static int
args_append(struct exec_args *a, char *s, size_t len, bool env)
{
	char ***vec = env ? &a->envp : &a->argv, **grown;
	size_t *n = env ? &a->envc : &a->argc;

	if (a->bytes + len + (a->argc + a->envc + 1) * sizeof(char *) >
	    EXEC_ARG_MAX)
		return (E2BIG);
	/* Room for this string and the NULL, doubled at powers of two. */
	if (*n == 0 || (*n >= 8 && (*n & (*n - 1)) == 0)) {
		grown = kmem_realloc(
		    *vec, (*n < 8 ? 9 : *n * 2 + 1) * sizeof(*grown));
		if (grown == NULL)
			return (ENOMEM);
		*vec = grown;
	}
	(*vec)[*n] = s;
	(*vec)[++*n] = NULL;
	a->bytes += len;
	return (0);
}

int
exec_args_add(struct exec_args *a, const char *s, bool env)
{
	size_t len = strlen(s) + 1;
	struct exec_chunk *c;
	char *copy;

	if (len > EXEC_STRLEN_MAX)
		return (E2BIG);
	c = args_chunk(a, len);
	if (c == NULL)
		return (ENOMEM);
	copy = c->data + c->used;
	memcpy(copy, s, len);
	c->used += len;
	return (args_append(a, copy, len, env));
}

int
exec_args_set(
    struct exec_args *a, const char *const *argv, const char *const *envp)
{
	int error;

	for (; argv != NULL && *argv != NULL; argv++) {
		error = exec_args_add(a, *argv, false);
		if (error != 0)
			return (error);
	}
	for (; envp != NULL && *envp != NULL; envp++) {
		error = exec_args_add(a, *envp, true);
		if (error != 0)
			return (error);
	}
	return (0);
}

static int
args_copyinstr(
    struct exec_args *a, struct vmspace *vm, vm_offset_t src, bool env)
{
	struct exec_chunk *c = args_chunk(a, 1);
	char *dst;
	size_t len;
	int error;

	if (c == NULL)
		return (ENOMEM);
	error = copyinstr(vm, c->data + c->used, src, c->size - c->used, &len);
	if (error == ENAMETOOLONG && c->size - c->used < EXEC_STRLEN_MAX) {
		c = args_chunk(a, EXEC_STRLEN_MAX);
		if (c == NULL)
			return (ENOMEM);
		error = copyinstr(
		    vm, c->data + c->used, src, EXEC_STRLEN_MAX, &len);
	}
	if (error != 0)
		return (error == ENAMETOOLONG ? E2BIG : error);
	dst = c->data + c->used;
	c->used += len;
	return (args_append(a, dst, len, env));
}

static int
args_copyin_vec(
    struct exec_args *a, struct vmspace *vm, vm_offset_t vec, bool env)
{
	uint64_t ptr[PTRS_AT_ONCE];
	size_t done, n;
	int error;

	if (vec == 0)
		return (0);
	for (;;) {
		done = 0;
		error = copyin_part(vm, ptr, vec, sizeof(ptr), &done);
		n = done / sizeof(ptr[0]);
		if (n == 0)
			return (error != 0 ? error : EFAULT);
		for (size_t i = 0; i < n; i++) {
			if (ptr[i] == 0)
				return (0);
			error = args_copyinstr(a, vm, ptr[i], env);
			if (error != 0)
				return (error);
		}
		vec += n * sizeof(ptr[0]);
	}
}

int
exec_args_copyin(
    struct lwp *l, vm_offset_t argv, vm_offset_t envp, struct exec_args *a)
{
	struct vmspace *vm = l->p->vmspace;
	int error;

	error = args_copyin_vec(a, vm, argv, false);
	if (error == 0)
		error = args_copyin_vec(a, vm, envp, true);
	return (error);
}
