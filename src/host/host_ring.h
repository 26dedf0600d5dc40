/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Asynchronous transfers between memory and files of the host: several in
 * flight, completed in any order.
 *
 * Only one thread may use a ring at a time.  The caller must not change or free
 * the buffers of a transfer before the transfer is reaped.
 */
#ifndef HOST_HOST_RING_H
#define HOST_HOST_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "host/host_iovec.h"

struct host_ring;

#define HOST_RING_IOV 32 /* pieces of one transfer */

/*
 * At most `depth` transfers (1..1024) are in flight at a time.  They are given
 * to io_uring.  Where io_uring was not built in, the host refuses it, or `sync`
 * is set, each transfer is carried out when it is submitted.  0, ENOMEM.
 */
int host_ring_create(unsigned depth, bool sync, struct host_ring **);
/* No transfer may be in flight. */
void host_ring_destroy(struct host_ring *);
/* True if transfers are asynchronous (io_uring). */
bool host_ring_async(const struct host_ring *);
/*
 * Start a transfer of all bytes of iov[0..n-1] (n <= HOST_RING_IOV; copied).
 * 0: it will be reaped with `token`; EAGAIN: `depth` transfers are in flight.
 */
int host_ring_pwritev(struct host_ring *, int fd, const struct host_iovec *,
    int n, uint64_t off, void *token);
int host_ring_preadv(struct host_ring *, int fd, const struct host_iovec *,
    int n, uint64_t off, void *token);
/*
 * Reap a transfer that has ended.  True: *token, and *error: 0 (all bytes were
 * transferred) or a positive errno, EIO for a read at the end of the file.
 * False: none is in flight or, with `wait` false, none has ended yet.
 */
bool host_ring_reap(struct host_ring *, bool wait, void **token, int *error);

#endif /* HOST_HOST_RING_H */
