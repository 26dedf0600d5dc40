/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * uio: a transfer described by pieces of memory in this process.
 *
 * The list is consumed in place: the first piece shrinks from its front and
 * is skipped when empty, so that at any time the iov describes exactly what
 * is still to be moved (plus a tail beyond resid, which is never touched).
 * A uio belongs to one thread; nothing here blocks or can fault, since user
 * memory is pinned before it gets into a uio.
 */

#include <string.h>

#include "libk/kassert.h"
#include "mem/vm_rawcopy.h"
#include "vfs/core/uio.h"

/*
 * Describe one piece of memory.
 * - `one` must live as long as the uio.
 */
void
uio_init1(struct uio *uio, struct host_iovec *one, void *buf, size_t len,
    uint64_t off, bool write)
{
	one->base = buf;
	one->len = len;
	uio->iov = one;
	uio->niov = 1;
	uio->resid = len;
	uio->off = off;
	uio->write = write;
	uio->append = false;
	uio->noappend = false;
}

/* Skip empty pieces; bytes to move at the front, at most n. */
static size_t
uio_front(struct uio *uio, size_t n)
{
	while (uio->niov > 0 && uio->iov->len == 0) {
		uio->iov++;
		uio->niov--;
	}
	if (uio->niov == 0)
		return (0);
	if (n > uio->resid)
		n = uio->resid;
	return (n < uio->iov->len ? n : uio->iov->len);
}

static void
uio_consume(struct uio *uio, size_t n)
{
	uio->iov->base = (char *)uio->iov->base + n;
	uio->iov->len -= n;
	uio->resid -= n;
	uio->off += n;
}

/*
 * Move min(n, resid) bytes between p and the uio.
 * - Returns the bytes moved; off and resid are advanced by them.
 * - They may overlap: a file can be written from a mapping of itself.
 * - Both may change meanwhile: a file that is read and written at once.
 */
size_t
uiomove(void *p, size_t n, struct uio *uio)
{
	size_t done = 0, c;

	while (done < n && (c = uio_front(uio, n - done)) > 0) {
		if (uio->write)
			raw_copy((char *)p + done, uio->iov->base, c);
		else
			raw_copy(uio->iov->base, (char *)p + done, c);
		uio_consume(uio, c);
		done += c;
	}
	return (done);
}

/*
 * Fill min(n, resid) bytes with zeroes.
 * - A read only: the uio's memory is the destination.
 */
size_t
uiozero(size_t n, struct uio *uio)
{
	size_t done = 0, c;

	KASSERT(!uio->write);
	while (done < n && (c = uio_front(uio, n - done)) > 0) {
		raw_copy(uio->iov->base, NULL, c);
		uio_consume(uio, c);
		done += c;
	}
	return (done);
}

int
uio_vector(const struct uio *uio, size_t max, struct host_iovec *iov, int n)
{
	int i = 0;

	for (; i < uio->niov && i < n && max > 0; i++) {
		iov[i] = uio->iov[i];
		if (iov[i].len > max)
			iov[i].len = max;
		max -= iov[i].len;
	}
	return (i);
}

/*
 * Account for n bytes that the host moved.
 * - n must not exceed resid.
 */
void
uio_advance(struct uio *uio, size_t n)
{
	size_t c;

	KVERIFY(n <= uio->resid);
	while (n > 0) {
		c = uio_front(uio, n);
		KVERIFY(c > 0);
		uio_consume(uio, c);
		n -= c;
	}
}
