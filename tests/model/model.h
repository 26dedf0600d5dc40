/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The naive model of an address space: one record for each page of a small
 * window, contents in plain arrays, no laziness but a count on each array.
 */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "vm/vmspace.h"

#define M_PAGES 256
#define M_BASE VM_MIN_ADDRESS
#define M_END (M_BASE + M_PAGES * PAGE_SIZE)
#define SOBJ_PAGES 512

enum mkind { MK_ANON, MK_FILE_P, MK_ANON_S, MK_FILE_S };

/* Contents of a page. */
struct cell {
	unsigned ref;
	uint8_t b[4096];
};

/* Shared contents: shared anonymous memory, or a file. NULL pages: zero. */
struct sobj {
	unsigned ref;
	unsigned id;
	bool file;
	uint64_t size; /* bytes, files only */
	struct cell *pg[SOBJ_PAGES];
};

struct mpage {
	bool mapped;
	bool heap;
	bool noreserve;
	bool locked;
	uint8_t advice; /* NORMAL, RANDOM, SEQUENTIAL */
	vm_prot_t prot, maxp;
	uint8_t kind;      /* enum mkind */
	uint8_t inherit;   /* enum vm_inherit; COPY stands for the default */
	uint16_t idx;      /* page in so */
	struct sobj *so;   /* all but MK_ANON */
	struct cell *priv; /* private copy; NULL: none */
};

struct mspace {
	struct mpage pg[M_PAGES];
	vm_offset_t brk_start, brk;
};

void cell_put(struct cell *);
struct sobj *sobj_new(bool file, uint64_t size);
void sobj_put(struct sobj *);
/* Contents for writing; made if they were zero. */
uint8_t *sobj_page(struct sobj *, unsigned idx);
void sobj_truncate(struct sobj *, uint64_t size);

void m_clear(struct mpage *);
void m_clear_range(struct mspace *, unsigned pg, unsigned n);
void m_dup(struct mpage *to, const struct mpage *from);
/* Forget private contents (DONTNEED). */
void m_fresh(struct mpage *);
const uint8_t *m_read(const struct mpage *);
/* Contents for writing: breaks private sharing. */
uint8_t *m_write(struct mpage *);
/* 0, EFAULT, EACCES, EIO: what vm_fault() must return. */
int m_access(const struct mpage *, vm_prot_t access);
/* Bytes of [va, va+len) that can be accessed before the first that cannot. */
uint64_t m_prefix(
    struct mspace *, vm_offset_t va, uint64_t len, vm_prot_t access);
bool m_free_run(const struct mspace *, unsigned pg, unsigned n);
bool m_mapped_run(const struct mspace *, unsigned pg, unsigned n);
/* Highest place for n pages, or -1. */
int m_place(const struct mspace *, unsigned n);
/* Are these pages one mapping as far as a user can tell? */
bool m_uniform(const struct mspace *, unsigned pg, unsigned n);
void m_fork(const struct mspace *from, struct mspace *to);
/* Cells and shared objects alive (leak check of the model itself). */
extern long m_live;

#endif /* MODEL_MODEL_H */
