/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Image activators: what turns a file into the contents of a new vmspace.
 * Used by exec.c; see there for the order of things.
 */
#ifndef KERN_EXEC_IMGACT_H
#define KERN_EXEC_IMGACT_H

#include "kern/base/lwp.h"
#include "kern/base/proc.h"
#include "kern/base/vkernel.h"
#include "kern/exec/exec.h"
#include "vfs/core/ctx.h"

#define IMGACT_HEAD 256 /* bytes of the file that activators look at first */
#define IMGACT_DEPTH 5  /* #! interpreters that are themselves scripts */

/* Where things are on the first stack. */
struct exec_layout {
	uint64_t envp, auxv, random, platform, execfn, arg0;
};

/* Facts about the program from its file, for exec and the auxv. */
struct exec_prog {
	uint64_t base;                /* AT_BASE */
	uint64_t phdr, phnum, aentry; /* AT_PHDR, AT_PHNUM, AT_ENTRY */
	bool stack_exec;              /* PT_GNU_STACK asks for it */
};

/* What the loader of a resident image had set when it jumped to the entry. */
struct exec_loaded {
	uint64_t rdx, fs_base;
	vm_offset_t clear_tid, robust_list;
	vm_offset_t tid_at; /* where it stored its thread id; 0: nowhere */
	uint64_t robust_len;
};

struct nameidata;

struct exec_image {
	struct lwp *l;
	struct proc *p;
	struct vkernel *k;
	struct vfs_ctx ctx;
	struct cred *cred;     /* own ref: of the new program */
	bool secure;           /* AT_SECURE */
	struct exec_args args; /* borrowed, or own after a script */
	bool args_own;
	const char *path;         /* AT_EXECFN and comm */
	char interp[IMGACT_HEAD]; /* path of the script of the next level */
	unsigned depth;
	bool hidden; /* as in exec_args: a script cannot be named */

	struct vnode *vp; /* own ref and text ref */
	bool unreadable;  /* the caller cannot read one of the files */
	char head[IMGACT_HEAD];
	size_t headlen;

	struct vmspace *vm;      /* own ref; NULL before an activator made it */
	struct sigacts *sigacts; /* own copy; NULL: not shared */
	struct fdtable *fdt;     /* the same */
	uint64_t entry;          /* first instruction */
	struct exec_prog prog;
	uint64_t sp;
	struct exec_layout lay;
	uint8_t random[16]; /* AT_RANDOM */
	/* From a resident image: what the loader had at the entry. */
	bool resident;
	struct exec_loaded loaded;
	uint64_t auxv[PROC_AUXV];
	unsigned nauxv; /* words */
};

/* Look up an interpreter.  EACCES: its mount forbids to execute it. */
int exec_namei(struct exec_image *, const char *path, struct nameidata *);
/* Replace img->vp: regular, executable, not open for writing; reads head. On
 * failure img->vp is NULL. vp's ref is consumed. */
int exec_set_vnode(struct exec_image *, struct vnode *vp);
/* The new vmspace with its layout (stack top, mmap top). */
int exec_new_vmspace(struct exec_image *);
/* Up to 2^bits - 1 random pages, in bytes; 0 with no_aslr. */
uint64_t exec_random_pages(struct exec_image *, unsigned bits);
/* A random address for the top of a stack; and the room below it that stays
 * free of mappings, for a stack that may grow to `limit`. */
vm_offset_t exec_stack_top(struct exec_image *);
uint64_t exec_stack_gap(uint64_t limit);
#define STACK_GUARD ((uint64_t)1 << 20) /* between that room and mappings */
/* exec_args.c */
int exec_args_add(struct exec_args *, const char *s, bool env);

/*
 * Activators: ENOEXEC when the file is not of their kind.
 * script: on 0 vp and args are those of the interpreter; try again.
 * elf: on 0 everything but the stack is in img->vm, and entry etc. are set.
 */
int imgact_script(struct exec_image *);
int imgact_elf(struct exec_image *);

/* exec_stack.c: the stack with arguments, environment and auxv; sets sp. */
int exec_stack(struct exec_image *);

#endif /* KERN_EXEC_IMGACT_H */
