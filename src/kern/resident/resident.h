/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Resident images: programs that are kept loaded and linked.  See resident.c
 * for the theory; exec uses it through imgact_resident().
 */
#ifndef KERN_RESIDENT_RESIDENT_H
#define KERN_RESIDENT_RESIDENT_H

#include "kern/exec/imgact.h"

#define RESIDENT_MARKS 64    /* programs */
#define RESIDENT_FILES 256   /* names that one loader looks at */
#define RESIDENT_PATCHES 256 /* words to change in a copy */

/* What a word of a copy must be set to. */
enum resident_kind {
	RP_SP,       /* where argc is */
	RP_ARGV,     /* &argv[0] */
	RP_ENVP,     /* &envp[0] */
	RP_AUXV,     /* the auxiliary vector */
	RP_RANDOM,   /* the bytes of AT_RANDOM */
	RP_PLATFORM, /* the string of AT_PLATFORM */
	RP_EXECFN,   /* the string of AT_EXECFN */
	RP_ARG0,     /* the string argv[0] */
	RP_ARG0BASE, /* behind the last slash of argv[0] */
	RP_ENTRY,    /* the program's entry point */
	RP_ARGC,     /* 32 bits */
	RP_TID,      /* 32 bits */
};

struct resident_patch {
	vm_offset_t at;
	enum resident_kind kind;
};

/* Identity of the file that a path leads to.  error not 0: the look-up failed,
 * all other fields are 0. */
struct resident_id {
	int error;
	bool special; /* neither a file nor a directory */
	uint64_t dev, ino, size;
	int64_t mtime, ctime; /* ctime is the host's change counter */
};

struct resident_file {
	char *path;
	bool nofollow; /* the link itself was looked up */
	struct resident_id id;
};

/* All [I] but refs. */
struct resident_image {
	_Atomic(uint32_t) refs;
	struct vkernel *k;
	struct vmspace *vm; /* own ref; no stack is mapped */
	struct exec_prog prog;
	struct exec_loaded loaded;
	bool canary;
	uint64_t stack_limit;          /* RLIMIT_STACK it was made with */
	uint32_t uid, euid, gid, egid; /* and the ids */
	struct vnode *root;            /* and the root: ref */
	struct resident_patch patch[RESIDENT_PATCHES];
	unsigned npatches;
	struct resident_file file[RESIDENT_FILES]; /* [0]: the program */
	unsigned nfiles;
};

/* ---- resident.c ---- */

/* Both are called once for each kernel. */
void resident_init(struct vkernel *);
void resident_destroy(struct vkernel *); /* no process is left */
/*
 * "+PATH" or "add PATH" marks a program, "-PATH" or "remove PATH" unmarks it
 * and discards its image; copies continue.  EINVAL, ENOENT, EEXIST, ENOSPC.
 */
int resident_control(struct vkernel *, const char *line, size_t len);
/* A line for each marked program. */
void resident_text(struct vkernel *, struct procfs_buf *);
/* resident_ops.shed: discard all images and trials. */
bool resident_shed(struct vkernel *);
/*
 * A ref of the image of img->vp, if it is marked, nothing has changed, and this
 * exec may use it; made now if need be.  NULL: a cold exec.
 */
struct resident_image *resident_get(struct exec_image *);
void resident_free(struct resident_image *);
/* Look the path up now, and return the identity of what it leads to. */
struct resident_id resident_identify(
    const struct vfs_ctx *, const char *path, bool nofollow);
bool resident_same(const struct resident_id *, const struct resident_id *);
struct resident_id resident_id_of(struct vnode *);

/* ---- imgact_resident.c ---- */

/* resident_ops.activate: a copy of a resident image, stack included. */
int imgact_resident(struct exec_image *);

/* ---- resident_trial.c ---- */

/* Load the program of img in two trials, and make an image of it. 0, or the
 * reason as an errno and a log line. */
int resident_make(struct exec_image *, struct resident_image **);
extern const struct resident_ops resident_ops;
/* Make the trial end soon. k->resident_lock held. */
void resident_expire(struct resident_trial *);
/* The numbers that a trial gets instead of random ones. */
void resident_bytes(struct resident_trial *, void *buf, size_t len);

#endif /* KERN_RESIDENT_RESIDENT_H */
