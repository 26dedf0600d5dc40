/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Contexts of asynchronous I/O, for aio.c and aio_poll.c.
 */
#ifndef KERN_IPC_AIO_INT_H
#define KERN_IPC_AIO_INT_H

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>
#include <stdbool.h>
#include <stdint.h>

#include "abi/aio.h"
#include "kern/ipc/aio.h"
#include "libk/klock.h"

struct host_thread;
struct vmspace;

/* An lwp that waits for events; on its stack. */
struct aio_wait {
	LIST_ENTRY(aio_wait) link; /* [q] */
	struct lwp *l;             /* [I] */
};

/*
 * Key: [I] immutable, [a] atomic, [q] lock of struct aio_state, [s] the thread
 * that set `showing`, [r] the thread that set `reaping`
 */
struct aio_ctx {
	RB_ENTRY(aio_ctx) by_key; /* [q] unless dead */
	struct aio_state *as;     /* [I] */
	_Atomic(uint32_t) refs;   /* [a] one is the tree's */
	struct vmspace *vm;       /* [I] not held: it outlives the entry in the
				     tree */
	uint64_t addr, size;      /* [I] of the ring, bytes */
	uint32_t id;              /* [I] as the ring has it */
	uint32_t max;             /* [I] counted in as->nr */
	uint32_t nr;              /* [I] events in the ring */
	struct file *ring;        /* [I] own ref: its memory */
	struct lx_io_event *ev;   /* [q] the events themselves */
	uint32_t head, tail;      /* [q] head: as it was last read */
	uint32_t shown;           /* [q] events up to here are in the ring */
	uint32_t active;          /* [q] slots of requests under way */
	bool dead;                /* [q] not in the tree any more */
	bool showing;             /* [q] a thread copies to the ring */
	bool reaping;             /* [q] a thread takes events */
	struct kcond reaped;      /* [q] reaping became false */
	LIST_HEAD(, aio_wait) waits; /* [q] */
	LIST_HEAD(, aio_req) polls;  /* [q] */
};
RB_HEAD(aio_ctxs, aio_ctx);

/* A request that waits for a file.  A thread that sets `busy` owns it, and
 * other threads leave it a mark. */
struct aio_req {
	RB_ENTRY(aio_req) by_id;    /* [q] */
	LIST_ENTRY(aio_req) of_ctx; /* [q] */
	TAILQ_ENTRY(aio_req) later; /* by the poll thread */
	struct aio_ctx *ctx;        /* [I] own ref */
	struct file *f;             /* [I] own ref */
	struct aio_done done;       /* [I] own ref of resfd */
	uint64_t id;                /* [I] */
	short events;               /* [I] */
	bool busy;                  /* [q] */
	bool fired;                 /* [q] an event came while it was busy */
	bool cancelled;             /* [q] */
};
RB_HEAD(aio_reqs, aio_req);

struct aio_state {
	struct kmutex lock;   /* rank FDTABLE */
	struct vkernel *k;    /* [I] */
	struct aio_ctxs ctxs; /* [q] by vmspace, address and id */
	uint64_t nr;          /* [q] sum of their max */
	uint32_t next_ctx;    /* [q] */

	/* aio_poll.c */
	struct aio_reqs reqs;       /* [q] by id */
	uint64_t next_req;          /* [q] */
	struct file *epoll;         /* [q] set once; NULL: no thread yet */
	struct host_thread *thread; /* [q] likewise */
	int kickfd;                 /* [q] likewise; wakes the thread to stop */
	_Atomic(bool) stop;         /* [a] */
};

/* Cancel the requests of a context that is dead, or those that have this obj.
 * True: there was one.  No locks held. */
bool aio_poll_cancel(struct aio_ctx *, const uint64_t *obj);
void aio_poll_stop(struct aio_state *);
void aio_ctx_ref(struct aio_ctx *);

#endif /* KERN_IPC_AIO_INT_H */
