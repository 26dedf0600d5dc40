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

/* Replace the program (exec.c).  On success registers are those of the new
 * image.  Errors as execve(2), the caller unharmed; after the commit point a
 * failure kills with SIGKILL. argv/envp: kernel copies. */
struct exec_args {
	const char *path; /* for AT_EXECFN and comm */
	struct vnode *vp; /* ref'ed by the caller; resolved program */
	size_t argc, envc;
	char **argv, **envp; /* NUL-terminated strings, kernel memory */
	size_t bytes;        /* of all strings */
	void *chunks;        /* exec_args.c: memory of the strings */
};
#define EXEC_ARG_MAX (2u << 20)
#define EXEC_STRLEN_MAX (128u << 10)
/* Borrows everything in args; on success the lwp's registers are those of
 * the new image: the caller returns EJUSTRETURN. */
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
