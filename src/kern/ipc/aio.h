/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Contexts of asynchronous I/O: slots, events, the ring in guest memory, and
 * requests that wait for a file to become ready.
 */
#ifndef KERN_IPC_AIO_H
#define KERN_IPC_AIO_H

#include <stdint.h>

struct aio_ctx;
struct file;
struct lwp;
struct procfs_buf;
struct vkernel;

#define AIO_MAX_NR 65536u /* requests of all contexts, fs.aio-max-nr */

/* What a completed request reports. */
struct aio_done {
	uint64_t data, obj;
	struct file *resfd; /* an eventfd that is signalled, or NULL */
};

/* ENOMEM.  destroy: no process is left. */
int aio_state_create(struct vkernel *);
void aio_state_destroy(struct vkernel *);

/* ---- contexts.  No locks held. ---- */

/* A context for at most nr requests; *id is the address of its ring.  EINVAL,
 * EAGAIN (too many requests in all contexts), ENOMEM. */
int aio_ctx_create(struct lwp *, unsigned nr, uint64_t *id);
/* A ref of the context whose ring is at id in the caller's memory.  EINVAL. */
int aio_ctx_get(struct lwp *, uint64_t id, struct aio_ctx **);
void aio_ctx_free(struct aio_ctx *); /* gives up a ref */
/*
 * Take the context out of its address space, unmap its ring, cancel what can be
 * cancelled and wait until all requests are complete.
 * - The wait ends early only if the lwp must end.  EINVAL: another thread was
 *   first.
 */
int aio_ctx_remove(struct lwp *, struct aio_ctx *);

/* ---- requests ---- */

uint32_t aio_ctx_size(const struct aio_ctx *); /* events in the ring */
/* Reserve a slot; every request then ends in one of the next three calls.
 * EAGAIN: none is free. */
int aio_begin(struct aio_ctx *);
void aio_abort(struct aio_ctx *); /* the request was refused */
void aio_complete(struct aio_ctx *, const struct aio_done *, int64_t res);
/*
 * Complete the request when f, whose poll operation names hostfd, has one of
 * `events` (POLL*).
 * - 0: the call has its own refs of the files.  An error (ENOMEM, EAGAIN,
 *   EINVAL, EMFILE, ENFILE): the caller still owns the slot.
 */
int aio_poll(struct aio_ctx *, struct file *f, int hostfd, short events,
    const struct aio_done *);
/* Cancel the request with that obj; it completes with 0.  EINPROGRESS: done;
 * EINVAL: there is none that can be cancelled. */
int aio_ctx_cancel(struct aio_ctx *, uint64_t obj);
/*
 * Copy events to the user address uev, at most max, waiting for `min` of them
 * until the deadline (CLOCK_MONOTONIC ns, 0: do not wait, UINT64_MAX: never).
 * - 0 and *got, which may be less than min; EINTR (none), EFAULT, EINVAL (the
 *   context was removed).
 */
int aio_events(struct lwp *, struct aio_ctx *, int64_t min, int64_t max,
    uint64_t uev, uint64_t deadline, int64_t *got);

/* Settings in /proc/sys/fs: struct procfs_sys_node.text. */
int aio_text_nr(void *vkernel, struct procfs_buf *);
int aio_text_max_nr(void *vkernel, struct procfs_buf *);

#endif /* KERN_IPC_AIO_H */
