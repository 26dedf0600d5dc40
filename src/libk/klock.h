/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Locks with ranks.
 *
 * Every lock has a rank.  A thread may acquire a lock only if its rank is
 * greater than the rank of every lock that the thread holds.  Equal ranks are
 * permitted where both locks were initialised with KLOCK_DUPOK: two maps at
 * fork, and objects along a shadow chain, front before back.  Debug builds keep
 * a stack of held locks per thread and panic on a violation, with the names of
 * both locks; release builds check nothing.
 *
 * All waits are uninterruptible, and unbounded unless a deadline is given.
 */
#ifndef LIBK_KLOCK_H
#define LIBK_KLOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* The lock order of the whole system, outermost first. */
enum klock_rank {
	KRANK_PAUSE = 5,      /* pauses and resumes of a kernel */
	KRANK_SIGIO = 8,      /* files whose owners get signals */
	KRANK_PROCTREE = 10,  /* process tree, pid table */
	KRANK_SIGFD = 15,     /* pollers of signals */
	KRANK_PROC = 20,      /* struct proc */
	KRANK_TIMER = 22,     /* armed timers of a kernel instance */
	KRANK_SIGNAL = 25,    /* signal and lwp run state */
	KRANK_FDTABLE = 30,   /* descriptor table */
	KRANK_FILE = 32,      /* struct file (offset) */
	KRANK_MOUNT = 34,     /* mount table */
	KRANK_VNIO = 35,      /* writers of a vnode, held across its I/O */
	KRANK_VNODE = 36,     /* struct vnode, tmpfs nodes */
	KRANK_VNHASH = 38,    /* vnode hash of a mount */
	KRANK_MAP = 40,       /* struct vm_map */
	KRANK_OBJLIST = 48,   /* list of all objects */
	KRANK_OBJECT = 50,    /* struct vm_object, front before back */
	KRANK_TOPOLOGY = 55,  /* shadow lists, object -> entry lists */
	KRANK_FLUSH = 68,     /* one flusher of a pmap's machine at a time */
	KRANK_PMAP = 70,      /* struct pmap */
	KRANK_STUB = 75,      /* stub and machine state */
	KRANK_SWAP = 80,      /* swap space */
	KRANK_PHYS = 85,      /* buddy allocator */
	KRANK_ZONE = 90,      /* zone allocator */
	KRANK_RUN = 95,       /* threads of an embedder, around an interrupt */
	KRANK_INTERRUPT = 97, /* a thread of a stub is valid */
	KRANK_LEAF = 99,      /* no lock is acquired under it */
};

#define KLOCK_DUPOK 0x1 /* a thread may hold several of this rank */

struct kmutex {
	pthread_mutex_t m;
#ifdef VMSPACE_DEBUG
	const char *name;
	uint8_t rank;
	uint8_t flags;
	_Atomic(uintptr_t) owner; /* pthread_self() of the holder, or 0 */
#endif
};

struct krwlock {
	pthread_rwlock_t rw;
#ifdef VMSPACE_DEBUG
	const char *name;
	uint8_t rank;
	uint8_t flags;
	_Atomic(uintptr_t) owner; /* pthread_self() of the writer, or 0 */
	_Atomic(int) readers;
#endif
};

/* Condition variable on CLOCK_MONOTONIC. */
struct kcond {
	pthread_cond_t c;
};

/* Initialise; cannot fail.  `name` must outlive the lock. */
void kmutex_init(
    struct kmutex *m, const char *name, enum klock_rank rank, int flags);
/* The lock must not be held. */
void kmutex_destroy(struct kmutex *m);
void kmutex_lock(struct kmutex *m);
/* True if acquired.  Not checked for rank: a trylock cannot deadlock. */
bool kmutex_trylock(struct kmutex *m);
void kmutex_unlock(struct kmutex *m);

/* Writers are preferred, so that a stream of readers cannot starve a writer.
 * A thread must not acquire the same lock for reading twice. */
void krwlock_init(
    struct krwlock *l, const char *name, enum klock_rank rank, int flags);
void krwlock_destroy(struct krwlock *l);
void krwlock_rdlock(struct krwlock *l);
void krwlock_wrlock(struct krwlock *l);
bool krwlock_trywrlock(struct krwlock *l);
bool krwlock_tryrdlock(struct krwlock *l);
void krwlock_unlock(struct krwlock *l);

void kcond_init(struct kcond *c);
void kcond_destroy(struct kcond *c);
void kcond_wait(struct kcond *c, struct kmutex *m);
/*
 * Wait until `deadline_ns` on CLOCK_MONOTONIC (UINT64_MAX: for ever).
 * 0: woken, perhaps spuriously; ETIMEDOUT: the deadline has passed.
 */
int kcond_timedwait(struct kcond *c, struct kmutex *m, uint64_t deadline_ns);
void kcond_signal(struct kcond *c);
void kcond_broadcast(struct kcond *c);

/* Assertions of ownership: debug builds check, release builds do nothing. */
#ifdef VMSPACE_DEBUG
void kmutex_assert_owned(const struct kmutex *m);
void kmutex_assert_not_owned(const struct kmutex *m);
void krwlock_assert_locked(const struct krwlock *l); /* read or write */
void krwlock_assert_wlocked(const struct krwlock *l);
/* The calling thread holds no lock (before I/O and long waits). */
void klock_assert_none(void);
#else
static inline void
kmutex_assert_owned(const struct kmutex *m)
{
	(void)m;
}
static inline void
kmutex_assert_not_owned(const struct kmutex *m)
{
	(void)m;
}
static inline void
krwlock_assert_locked(const struct krwlock *l)
{
	(void)l;
}
static inline void
krwlock_assert_wlocked(const struct krwlock *l)
{
	(void)l;
}
static inline void
klock_assert_none(void)
{
}
#endif

#endif /* LIBK_KLOCK_H */
