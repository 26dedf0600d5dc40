/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Locks with ranks: pthread locks, and in debug builds a check of the lock
 * order.
 *
 * Concepts: for each thread there is an array of the locks that it holds, in
 * order of acquisition.  A blocking acquire is checked against all of them
 * before it blocks, so that the first run through a wrong order panics, not
 * only the rare run that deadlocks.  A try-lock cannot deadlock and is only
 * recorded.  A wait on a condition acquires the mutex again at its end, while
 * the thread holds its other locks, and is checked like an acquire.
 *
 * Locking: only the thread itself uses its array.  Only the holder of a lock
 * writes `owner`; another thread that reads it can conclude only that it is
 * not the owner itself.
 *
 * Thread-local (debug builds): held[] and nheld are the array described above.
 * The lock functions have no argument for the calling thread, and threads of
 * an embedder, which call them too, have no structure of ours.
 *
 * Guarantees: debug builds panic, with the names of the locks, on a wrong
 * order, on a recursive acquire, on an unlock by a thread that does not hold
 * the lock, and on the destruction of a held lock.  Release builds check only
 * the results of pthread calls.
 *
 * Limits: KLOCK_HELD_MAX locks per thread, which limits the length of a shadow
 * chain that is locked as a whole.
 */
#include "libk/klock.h"

#include <errno.h>
#include <stdatomic.h>
#include <time.h>

#include "libk/kassert.h"

#define NSEC UINT64_C(1000000000)

#ifdef VMSPACE_DEBUG

#define KLOCK_HELD_MAX 256

struct klock_held {
	const void *lock;
	const char *name;
	uint8_t rank;
	uint8_t flags;
	bool writer;
};

static _Thread_local struct klock_held held[KLOCK_HELD_MAX];
static _Thread_local unsigned nheld;

static struct klock_held *
held_find(const void *lock)
{
	for (unsigned i = nheld; i-- > 0;) {
		if (held[i].lock == lock)
			return (&held[i]);
	}
	return (NULL);
}

/* Panic if the calling thread must not block for `lock` with the locks that it
 * holds. */
static void
held_check(const void *lock, const char *name, uint8_t rank, uint8_t flags)
{
	for (unsigned i = nheld; i-- > 0;) {
		const struct klock_held *h = &held[i];

		if (h->lock == lock)
			kpanic("lock %s (rank %u): recursion", name, rank);
		if (h->rank < rank ||
		    (h->rank == rank && (h->flags & flags & KLOCK_DUPOK) != 0))
			continue;
		kpanic("lock order: acquiring %s (rank %u) "
		       "while holding %s (rank %u)",
		    name, rank, h->name, h->rank);
	}
}

static void
held_push(const void *lock, const char *name, uint8_t rank, uint8_t flags,
    bool writer)
{
	if (nheld == KLOCK_HELD_MAX)
		kpanic("lock %s (rank %u): too many locks held", name, rank);
	held[nheld++] = (struct klock_held){
	    .lock = lock,
	    .name = name,
	    .rank = rank,
	    .flags = flags,
	    .writer = writer,
	};
}

/* Returns whether the lock was held for writing. */
static bool
held_pop(const void *lock, const char *name)
{
	struct klock_held *h = held_find(lock);
	bool writer;

	if (h == NULL)
		kpanic(
		    "lock %s: unlock by a thread that does not hold it", name);
	writer = h->writer;
	nheld--;
	for (; h < &held[nheld]; h++)
		h[0] = h[1];
	return (writer);
}

static void
mutex_check(struct kmutex *m)
{
	held_check(m, m->name, m->rank, m->flags);
}

static void
mutex_acquired(struct kmutex *m)
{
	atomic_store_explicit(
	    &m->owner, (uintptr_t)pthread_self(), memory_order_relaxed);
	held_push(m, m->name, m->rank, m->flags, true);
}

static void
mutex_release(struct kmutex *m)
{
	held_pop(m, m->name);
	atomic_store_explicit(&m->owner, 0, memory_order_relaxed);
}

static void
rwlock_check(struct krwlock *l)
{
	held_check(l, l->name, l->rank, l->flags);
}

static void
rwlock_acquired(struct krwlock *l, bool writer)
{
	if (writer)
		atomic_store_explicit(
		    &l->owner, (uintptr_t)pthread_self(), memory_order_relaxed);
	else
		atomic_fetch_add_explicit(&l->readers, 1, memory_order_relaxed);
	held_push(l, l->name, l->rank, l->flags, writer);
}

static void
rwlock_release(struct krwlock *l)
{
	if (held_pop(l, l->name))
		atomic_store_explicit(&l->owner, 0, memory_order_relaxed);
	else
		atomic_fetch_sub_explicit(&l->readers, 1, memory_order_relaxed);
}

void
kmutex_assert_owned(const struct kmutex *m)
{
	if (atomic_load_explicit(&m->owner, memory_order_relaxed) !=
	    (uintptr_t)pthread_self())
		kpanic("lock %s: not owned", m->name);
}

void
kmutex_assert_not_owned(const struct kmutex *m)
{
	if (atomic_load_explicit(&m->owner, memory_order_relaxed) ==
	    (uintptr_t)pthread_self())
		kpanic("lock %s: owned", m->name);
}

void
krwlock_assert_locked(const struct krwlock *l)
{
	if (held_find(l) == NULL)
		kpanic("lock %s: not held", l->name);
}

void
krwlock_assert_wlocked(const struct krwlock *l)
{
	if (atomic_load_explicit(&l->owner, memory_order_relaxed) !=
	    (uintptr_t)pthread_self())
		kpanic("lock %s: not held for writing", l->name);
}

void
klock_assert_none(void)
{
	if (nheld != 0)
		kpanic("lock %s (rank %u) is held, %u locks in all",
		    held[nheld - 1].name, held[nheld - 1].rank, nheld);
}

#else /* !VMSPACE_DEBUG */

static inline void
mutex_check(struct kmutex *m)
{
}

static inline void
mutex_acquired(struct kmutex *m)
{
}

static inline void
mutex_release(struct kmutex *m)
{
}

static inline void
rwlock_check(struct krwlock *l)
{
}

static inline void
rwlock_acquired(struct krwlock *l, bool writer)
{
}

static inline void
rwlock_release(struct krwlock *l)
{
}

#endif /* VMSPACE_DEBUG */

/* A pthread call that cannot fail on a sound lock. */
static inline void
must(int error, const char *what)
{
	if (__builtin_expect(error != 0, 0))
		kpanic("%s: error %d", what, error);
}

void
kmutex_init(struct kmutex *m, const char *name, enum klock_rank rank, int flags)
{
	must(pthread_mutex_init(&m->m, NULL), "mutex init");
#ifdef VMSPACE_DEBUG
	m->name = name;
	m->rank = (uint8_t)rank;
	m->flags = (uint8_t)flags;
	atomic_init(&m->owner, 0);
#endif
}

void
kmutex_destroy(struct kmutex *m)
{
#ifdef VMSPACE_DEBUG
	if (atomic_load_explicit(&m->owner, memory_order_relaxed) != 0)
		kpanic("lock %s: destroyed while held", m->name);
#endif
	must(pthread_mutex_destroy(&m->m), "mutex destroy");
}

void
kmutex_lock(struct kmutex *m)
{
	mutex_check(m);
	must(pthread_mutex_lock(&m->m), "mutex lock");
	mutex_acquired(m);
}

bool
kmutex_trylock(struct kmutex *m)
{
	int error = pthread_mutex_trylock(&m->m);

	if (error == EBUSY)
		return (false);
	must(error, "mutex trylock");
	mutex_acquired(m);
	return (true);
}

void
kmutex_unlock(struct kmutex *m)
{
	mutex_release(m);
	must(pthread_mutex_unlock(&m->m), "mutex unlock");
}

void
krwlock_init(
    struct krwlock *l, const char *name, enum klock_rank rank, int flags)
{
	pthread_rwlockattr_t attr;

	must(pthread_rwlockattr_init(&attr), "rwlock attributes");
	must(pthread_rwlockattr_setkind_np(
		 &attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP),
	    "rwlock attributes");
	must(pthread_rwlock_init(&l->rw, &attr), "rwlock init");
	pthread_rwlockattr_destroy(&attr);
#ifdef VMSPACE_DEBUG
	l->name = name;
	l->rank = (uint8_t)rank;
	l->flags = (uint8_t)flags;
	atomic_init(&l->owner, 0);
	atomic_init(&l->readers, 0);
#endif
}

void
krwlock_destroy(struct krwlock *l)
{
#ifdef VMSPACE_DEBUG
	if (atomic_load_explicit(&l->owner, memory_order_relaxed) != 0 ||
	    atomic_load_explicit(&l->readers, memory_order_relaxed) != 0)
		kpanic("lock %s: destroyed while held", l->name);
#endif
	must(pthread_rwlock_destroy(&l->rw), "rwlock destroy");
}

void
krwlock_rdlock(struct krwlock *l)
{
	rwlock_check(l);
	must(pthread_rwlock_rdlock(&l->rw), "rwlock rdlock");
	rwlock_acquired(l, false);
}

void
krwlock_wrlock(struct krwlock *l)
{
	rwlock_check(l);
	must(pthread_rwlock_wrlock(&l->rw), "rwlock wrlock");
	rwlock_acquired(l, true);
}

bool
krwlock_trywrlock(struct krwlock *l)
{
	int error = pthread_rwlock_trywrlock(&l->rw);

	if (error == EBUSY)
		return (false);
	must(error, "rwlock trywrlock");
	rwlock_acquired(l, true);
	return (true);
}

bool
krwlock_tryrdlock(struct krwlock *l)
{
	int error = pthread_rwlock_tryrdlock(&l->rw);

	/* EAGAIN: too many readers for the host; reported as busy. */
	if (error == EBUSY || error == EAGAIN)
		return (false);
	must(error, "rwlock tryrdlock");
	rwlock_acquired(l, false);
	return (true);
}

void
krwlock_unlock(struct krwlock *l)
{
	rwlock_release(l);
	must(pthread_rwlock_unlock(&l->rw), "rwlock unlock");
}

void
kcond_init(struct kcond *c)
{
	pthread_condattr_t attr;

	must(pthread_condattr_init(&attr), "cond attributes");
	must(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC),
	    "cond attributes");
	must(pthread_cond_init(&c->c, &attr), "cond init");
	pthread_condattr_destroy(&attr);
}

void
kcond_destroy(struct kcond *c)
{
	must(pthread_cond_destroy(&c->c), "cond destroy");
}

void
kcond_wait(struct kcond *c, struct kmutex *m)
{
	(void)kcond_timedwait(c, m, UINT64_MAX);
}

int
kcond_timedwait(struct kcond *c, struct kmutex *m, uint64_t deadline_ns)
{
	struct timespec ts;
	int error;

	mutex_release(m);
	mutex_check(m);
	if (deadline_ns == UINT64_MAX) {
		error = pthread_cond_wait(&c->c, &m->m);
	} else {
		ts.tv_sec = (time_t)(deadline_ns / NSEC);
		ts.tv_nsec = (long)(deadline_ns % NSEC);
		error = pthread_cond_timedwait(&c->c, &m->m, &ts);
	}
	mutex_acquired(m);
	if (error != ETIMEDOUT)
		must(error, "cond wait");
	return (error);
}

void
kcond_signal(struct kcond *c)
{
	must(pthread_cond_signal(&c->c), "cond signal");
}

void
kcond_broadcast(struct kcond *c)
{
	must(pthread_cond_broadcast(&c->c), "cond broadcast");
}
