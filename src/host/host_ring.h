/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Asynchronous transfers between memory and files of the host: several in
 * flight, completions in any order.
 *
 * One thread at a time uses a ring.  Buffers must stay as they are until the
 * transfer is reaped.
 */
#ifndef HOST_HOST_RING_H
#define HOST_HOST_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "host/host_iovec.h"

struct host_ring;

#define HOST_RING_IOV 32 /* pieces of one transfer */

/*
 * `depth` transfers (1..1024) can be in flight at once.  They are given to
 * io_uring; where that was not built, the host refuses it, or `sync` is set,
 * each is done when it is submitted.  0, ENOMEM.
 */
int host_ring_create(unsigned depth, bool sync, struct host_ring **);
/* Nothing may be in flight. */
void host_ring_destroy(struct host_ring *);
/* Are transfers really asynchronous? */
bool host_ring_async(const struct host_ring *);
/*
 * Start a transfer of all bytes of iov[0..n-1] (n <= HOST_RING_IOV; copied).
 * 0: it will be reaped, with `token`; EAGAIN: `depth` are in flight.
 */
int host_ring_pwritev(struct host_ring *, int fd, const struct host_iovec *,
    int n, uint64_t off, void *token);
int host_ring_preadv(struct host_ring *, int fd, const struct host_iovec *,
    int n, uint64_t off, void *token);
/*
 * The next transfer that has ended: true, its token, and its error: 0 (all
 * bytes were moved), or a positive errno; EIO for a read at end of file.
 * false: none is in flight or, with wait false, none has ended yet.
 */
bool host_ring_reap(struct host_ring *, bool wait, void **token, int *error);

#endif /* HOST_HOST_RING_H */
