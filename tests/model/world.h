/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The pair under test: a VM system, and the model of each of its vmspaces.
 */
#ifndef MODEL_WORLD_H
#define MODEL_WORLD_H

#include "host/host_fake.h"
#include "model.h"

#define W_SPACES 6
#define W_FILES 3
/*
 * A write to a private mapping may copy neighbours of the page as well, so
 * whether a page that was not written shows later changes of the file is not
 * specified.  The last file therefore does not change, and it is the only one
 * that private mappings can write to; those of the others must show changes.
 */
#define W_CONST (&w.file[W_FILES - 1])
#define FILE_MAX ((uint64_t)160 * PAGE_SIZE)

/* A file: what is on disk, and what a reader must see. */
struct mfile {
	struct vm_object *obj;
	struct sobj *so;
	uint8_t *disk;
	uint64_t size;
	int refs; /* vnode refs by the object */
};

struct wspace {
	struct vmspace *vm; /* NULL: none */
	struct mspace *ms;
};

struct world {
	struct vm_system sys;
	struct host_fake fake;
	struct mfile file[W_FILES];
	struct wspace sp[W_SPACES];
	struct vm_iov pin; /* frames that host I/O still has pinned */
	uint64_t rng;
	uint64_t seed;
	long op;    /* current */
	bool tight; /* memory is short: ENOMEM is a valid result */
	bool trace; /* print each operation */
	bool swap;  /* memory is paged to swap */
	unsigned nareas, area[3];
	uint64_t enomem;   /* times that it was */
	uint64_t done[32]; /* operations by kind */
};

extern struct world w;

/* Prints seed and operation, and exits with status 1. */
_Noreturn void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void trace(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
uint64_t rnd(uint64_t n); /* 0..n-1 */

void world_create(uint64_t seed, bool tight);
void world_destroy(void);
/* Compare every byte of every vmspace and file; run the checkers. */
void world_verify(void);
void world_check(void);
void world_stats(void);
void world_op(void);
void wspace_free(struct wspace *);
/* ENOMEM where memory is short: true, and memory is freed. */
bool excused(int error);

/* ops_data.c */
void op_copyout(struct wspace *);
void op_copyin(struct wspace *);
void op_string(struct wspace *);
void op_fault(struct wspace *);
void op_word(struct wspace *);
void op_iov(struct wspace *);
void op_pin(struct wspace *);
void op_file_rw(struct wspace *);
void op_msync(struct wspace *);
void op_truncate(struct wspace *);
void op_reclaim(struct wspace *);
void op_meter(struct wspace *);

/* ops_more.c */
void op_mlock(struct wspace *);
void op_populate(struct wspace *);
void op_remove(struct wspace *);
void op_duplicate(struct wspace *);
void op_futex_key(struct wspace *);
void op_entry_info(struct wspace *);
void op_swap(struct wspace *);

#endif /* MODEL_WORLD_H */
