/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Budgets of a kernel: its own memory and the host's descriptors, as far as
 * guests cause their use.  See kmem.c for the theory.
 */
#ifndef MEM_KMEM_H
#define MEM_KMEM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum kmem_kind {
	KMEM_BYTES, /* memory of the kernel process */
	KMEM_FDS,   /* descriptors of the host */
	KMEM_KINDS,
};

/* Key: [I] immutable after kmem_init, [a] atomic */
struct kmem_pool {
	uint64_t limit;            /* [I] UINT64_MAX: none */
	uint64_t open;             /* [I] of it, without the reserve */
	uint64_t small;            /* [I] who holds less may use the reserve */
	_Atomic(uint64_t) used;    /* [a] never above the limit for long */
	_Atomic(uint64_t) peak;    /* [a] */
	_Atomic(uint64_t) refused; /* [a] charges */
};

/* The budgets of one kernel. */
struct kmem {
	struct kmem_pool pool[KMEM_KINDS];
};

/* What one process has of each.  Key: [I] immutable, [a] atomic */
struct kmem_acct {
	struct kmem *km;                    /* [I] */
	_Atomic(uint64_t) used[KMEM_KINDS]; /* [a] bytes 0: it is freed */
};

/* The account of a thread.  Key: [T] owning thread only */
struct kmem_thread {
	struct kmem_acct *acct; /* [T] NULL: nothing is charged */
	uint64_t credit;        /* [T] bytes charged and not yet used */
	uint64_t refused;       /* [T] charges of this thread */
};
extern _Thread_local struct kmem_thread kmem_self;

/* Limits of 0: none. */
void kmem_init(struct kmem *, uint64_t bytes, uint64_t fds);

/* An account with the hold of its creator.  NULL: no memory, or no budget. */
struct kmem_acct *kmem_acct_create(struct kmem *);
/* Give up the creator's hold.  The account goes with its last charge. */
void kmem_acct_free(struct kmem_acct *);
/* Bytes charged to the account, credits of threads included. */
uint64_t kmem_acct_used(const struct kmem_acct *);
/* Is the account small enough to use the reserve? */
bool kmem_acct_small(const struct kmem_acct *);

/*
 * What the calling thread allocates from now on is charged to the account,
 * which must be alive (NULL: to none).  The thread keeps the account alive
 * until it switches again.
 */
void kmem_switch(struct kmem_acct *);
/* The account of the calling thread.  It may end when the thread switches. */
static inline struct kmem_acct *
kmem_current(void)
{
	return (kmem_self.acct);
}

bool kmem_charge_slow(size_t n);
void kmem_uncharge_slow(struct kmem_acct *, size_t n);

/*
 * Charge n bytes to the account of the calling thread, which goes to *who for
 * the uncharge.  False: the budget is used up.  Does not block.
 */
static inline bool
kmem_charge(size_t n, struct kmem_acct **who)
{
	struct kmem_thread *t = &kmem_self;

	*who = t->acct;
	if (t->acct == NULL)
		return (true);
	if (__builtin_expect(t->credit < n, 0))
		return (kmem_charge_slow(n));
	t->credit -= n;
	return (true);
}

/* The same for an account `who` (NULL: none) that other charges keep alive. */
bool kmem_charge_on(struct kmem_acct *who, size_t n);
/* Has the account of the calling thread less than an eighth of the limit?  If
 * not, buffers are made small. */
bool kmem_plenty(void);

/* Give back what kmem_charge() has charged; by any thread. */
static inline void
kmem_uncharge(struct kmem_acct *who, size_t n)
{
	if (who != NULL)
		kmem_uncharge_slow(who, n);
}

/*
 * n more descriptors of the host, likewise.
 * - 0; ENFILE: the kernel has no more; EMFILE: the process has its share;
 *   ENOMEM.
 */
int kmem_fd_charge(unsigned n, struct kmem_acct **who);
void kmem_fd_uncharge(struct kmem_acct *who, unsigned n);

/*
 * malloc, calloc, strdup and free with a charge.  NULL: no memory, or no
 * budget.  kmem_free() may be called by any thread; NULL is legal.
 */
void *kmem_alloc(size_t n);
void *kmem_zalloc(size_t n);
/* Charged to the account `who` (NULL: none), which other charges keep alive. */
void *kmem_zalloc_on(struct kmem_acct *who, size_t n);
void *kmem_calloc(size_t n, size_t size); /* NULL also if n * size overflows */
/* As realloc: NULL leaves p as it was. */
void *kmem_realloc(void *p, size_t n);
char *kmem_strdup(const char *);
void kmem_free(void *);

#endif /* MEM_KMEM_H */
