/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * exec: replacing the program of a process.  Theory in exec.c.
 */
#ifndef KERN_EXEC_EXEC_H
#define KERN_EXEC_EXEC_H

#include <stddef.h>

#include "mem/vm_types.h"

struct lwp;
struct vnode;

/* The program and its arguments, as kernel copies. */
struct exec_args {
	const char *path; /* for AT_EXECFN and comm */
	struct vnode *vp; /* ref'ed by the caller; resolved program */
	bool hidden;      /* path does not lead to it after the exec */
	size_t argc, envc;
	char **argv, **envp; /* NUL-terminated strings, kernel memory */
	size_t bytes;        /* of all strings */
	void *chunks;        /* exec_args.c: memory of the strings */
};
#define EXEC_ARG_MAX (2u << 20)
#define EXEC_STRLEN_MAX (128u << 10)
/*
 * Replace the program of the process.
 * - Borrows everything in args.  No locks held; blocks.
 * - 0: the lwp's registers are those of the new image; the caller returns
 *   EJUSTRETURN.
 * - An error of execve(2): the process is unchanged, or it is ending (see step
 *   2 in exec.c).
 */
int kern_exec(struct lwp *, struct exec_args *);
/*
 * exec_args.c: argument vectors as kernel copies.  init, then either copyin
 * (user vectors; 0 address: empty) or set (kernel vectors; NULL: empty), and
 * in any case free.  E2BIG, EFAULT, ENOMEM.
 */
void exec_args_init(struct exec_args *);
int exec_args_copyin(
    struct lwp *, vm_offset_t argv, vm_offset_t envp, struct exec_args *);
int exec_args_set(
    struct exec_args *, const char *const *argv, const char *const *envp);
void exec_args_free(struct exec_args *);
#endif /* KERN_EXEC_EXEC_H */
