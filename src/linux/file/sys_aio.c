/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * System calls of asynchronous I/O.  kern/ipc/aio.c has the contexts.
 *
 * A read, write or sync is done by io_submit() itself, which may wait for a
 * pipe or socket, as on Linux; its event is there when the call returns.  An
 * interrupted one reports EINTR, because io_submit() cannot be restarted when
 * some of its requests are done.  IOCB_CMD_POLL waits without a thread of the
 * guest.
 *
 * The checks come in the order of Linux.  A refused request ends io_submit(),
 * which reports the number of those before it, if there are any.
 */
#include <errno.h>
#include <fcntl.h>

#include "abi/aio.h"
#include "abi/poll.h"
#include "kern/ipc/aio.h"
#include "linux/file/sys_uio.h"
#include "mem/kmem.h"
#include "vfs/core/hostfd.h"
#include "vfs/core/vnode.h"

sys_fn sys_io_setup, sys_io_destroy, sys_io_submit, sys_io_cancel,
    sys_io_getevents, sys_io_pgetevents;

/* A request that is being submitted. */
struct aio_call {
	struct aio_ctx *ctx;
	struct lx_iocb io;
	struct file *f;
	struct aio_done done;
};

int
sys_io_setup(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct vmspace *vm = lwp_vmspace(l);
	struct aio_ctx *c;
	uint64_t id;
	int error;

	if (copyin(vm, &id, a[1], sizeof(id)) != 0)
		return (EFAULT);
	if (id != 0 || (uint32_t)a[0] == 0)
		return (EINVAL);
	error = aio_ctx_create(l, (uint32_t)a[0], &id);
	if (error != 0 || copyout(vm, &id, a[1], sizeof(id)) == 0)
		return (error);
	if (aio_ctx_get(l, id, &c) == 0) {
		(void)aio_ctx_remove(l, c);
		aio_ctx_free(c);
	}
	return (EFAULT);
}

int
sys_io_destroy(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct aio_ctx *c;
	int error = aio_ctx_get(l, a[0], &c);

	if (error != 0)
		return (error);
	error = aio_ctx_remove(l, c);
	aio_ctx_free(c);
	return (error);
}

/* ---- submitting ---- */

/* The ranges of a request; *vec is to be freed. */
static int
aio_ranges(struct lwp *l, const struct lx_iocb *io, bool vectored,
    struct lx_iovec *one, struct lx_iovec **vec, int *n)
{
	if (vectored)
		return (sys_copyin_iov(l, io->buf, io->nbytes, vec, n));
	*one = (struct lx_iovec){.base = io->buf, .len = io->nbytes};
	if (one->len > LX_MAX_RW_COUNT)
		one->len = LX_MAX_RW_COUNT;
	*vec = NULL;
	*n = 1;
	return (0);
}

static int
aio_rw(struct lwp *l, struct aio_call *c, bool write, bool vectored)
{
	const struct lx_iocb *io = &c->io;
	struct lx_iovec one, *vec;
	int64_t end, res = 0;
	int n, error = 0;

	if ((io->flags & LX_IOCB_FLAG_IOPRIO) != 0)
		error = sys_ioprio_check(l, io->reqprio);
	if (error == 0)
		error = sys_io_rwf_check(io->rw_flags, write);
	if (error != 0)
		return (error);
	if (!file_flags_permit(atomic_load(&c->f->flags), write))
		return (EBADF);
	if (c->f->ops->rw == NULL ||
	    (c->f->vp != NULL && c->f->vp->type == VDIR))
		return (EINVAL);
	error = aio_ranges(l, io, vectored, &one, &vec, &n);
	if (error != 0)
		return (error);
	if (io->offset < 0 ||
	    __builtin_add_overflow(io->offset,
		(int64_t)sys_iov_total(vec != NULL ? vec : &one, n), &end)) {
		kmem_free(vec);
		return (EINVAL);
	}
	error = sys_io_file_rw(l, c->f, vec != NULL ? vec : &one, n, write,
	    io->rw_flags, io->offset, &res);
	kmem_free(vec);
	if (error == ERESTARTSYS)
		error = EINTR;
	aio_complete(c->ctx, &c->done, error != 0 ? -error : res);
	return (0);
}

static int
aio_sync(struct aio_call *c)
{
	const struct lx_iocb *io = &c->io;

	if (io->buf != 0 || io->offset != 0 || io->nbytes != 0 ||
	    io->rw_flags != 0 || !file_can(c->f, FCAP_SYNC))
		return (EINVAL);
	aio_complete(c->ctx, &c->done, -vn_fsync(c->f->vp));
	return (0);
}

static int
aio_wait_file(struct aio_call *c)
{
	const struct lx_iocb *io = &c->io;
	short events, now;
	int hostfd;

	if (io->buf > UINT16_MAX || io->offset != 0 || io->nbytes != 0 ||
	    io->rw_flags != 0)
		return (EINVAL);
	events = (short)(io->buf | LX_POLLERR | LX_POLLHUP);
	now = (short)(sys_file_poll(c->f, events, &hostfd) & events);
	if (now == 0)
		return (hostfd < 0
			    ? EINVAL
			    : aio_poll(c->ctx, c->f, hostfd, events, &c->done));
	aio_complete(c->ctx, &c->done, (uint16_t)now);
	return (0);
}

static int
aio_start(struct lwp *l, struct aio_call *c)
{
	switch (c->io.opcode) {
	case LX_IOCB_CMD_PREAD:
		return (aio_rw(l, c, false, false));
	case LX_IOCB_CMD_PWRITE:
		return (aio_rw(l, c, true, false));
	case LX_IOCB_CMD_PREADV:
		return (aio_rw(l, c, false, true));
	case LX_IOCB_CMD_PWRITEV:
		return (aio_rw(l, c, true, true));
	case LX_IOCB_CMD_FSYNC:
	case LX_IOCB_CMD_FDSYNC:
		return (aio_sync(c));
	case LX_IOCB_CMD_POLL:
		return (aio_wait_file(c));
	default:
		return (EINVAL);
	}
}

/* Take the files of a request and start it.  The slot is the caller's after an
 * error. */
static int
aio_request(struct lwp *l, struct aio_call *c, uint64_t uiocb)
{
	const uint32_t key = 0;
	int error;

	error = sys_get_open_file(l, (int)c->io.fd, &c->f);
	if (error != 0)
		return (error);
	if ((c->io.flags & LX_IOCB_FLAG_RESFD) != 0) {
		error = sys_get_open_file(l, (int)c->io.resfd, &c->done.resfd);
		if (error != 0)
			goto out;
		if (c->done.resfd->ops != &eventfd_fileops) {
			error = EINVAL;
			goto out_resfd;
		}
	}
	error = copyout(lwp_vmspace(l), &key,
	    uiocb + offsetof(struct lx_iocb, key), sizeof(key));
	if (error == 0)
		error = aio_start(l, c);
out_resfd:
	if (c->done.resfd != NULL)
		file_free(c->done.resfd);
out:
	file_free(c->f);
	return (error);
}

static int
aio_submit_one(struct lwp *l, struct aio_ctx *ctx, uint64_t uiocb)
{
	struct aio_call c = {.ctx = ctx};
	int error;

	if (copyin(lwp_vmspace(l), &c.io, uiocb, sizeof(c.io)) != 0)
		return (EFAULT);
	if (c.io.reserved2 != 0 || (int64_t)c.io.nbytes < 0)
		return (EINVAL);
	error = aio_begin(ctx);
	if (error != 0)
		return (error);
	c.done.data = c.io.data;
	c.done.obj = uiocb;
	error = aio_request(l, &c, uiocb);
	if (error != 0)
		aio_abort(ctx);
	return (error);
}

int
sys_io_submit(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	int64_t nr = (int64_t)a[1], i;
	struct aio_ctx *c;
	uint64_t uiocb;
	int error;

	if (nr < 0)
		return (EINVAL);
	error = aio_ctx_get(l, a[0], &c);
	if (error != 0)
		return (error);
	if (nr > aio_ctx_size(c))
		nr = aio_ctx_size(c);
	for (i = 0; i < nr && error == 0; i++) {
		if (copyin(lwp_vmspace(l), &uiocb, a[2] + (uint64_t)i * 8,
			sizeof(uiocb)) != 0)
			error = EFAULT;
		else
			error = aio_submit_one(l, c, uiocb);
		if (error != 0 || lwp_killed(l))
			break;
	}
	aio_ctx_free(c);
	if (i == 0 && error != 0)
		return (error);
	*ret = i;
	return (0);
}

int
sys_io_cancel(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct aio_ctx *c;
	uint32_t key;
	int error;

	if (copyin(lwp_vmspace(l), &key, a[1] + offsetof(struct lx_iocb, key),
		sizeof(key)) != 0)
		return (EFAULT);
	if (key != 0)
		return (EINVAL);
	error = aio_ctx_get(l, a[0], &c);
	if (error != 0)
		return (error);
	error = aio_ctx_cancel(c, a[1]);
	aio_ctx_free(c);
	return (error);
}

/* ---- events ---- */

/* The deadline of a timeout; uaddr 0: none.  As on Linux, a negative one never
 * expires.  EFAULT. */
static int
aio_deadline(struct lwp *l, uint64_t uaddr, uint64_t *deadline)
{
	struct lx_timespec ts;
	int64_t ns;

	*deadline = UINT64_MAX;
	if (uaddr == 0)
		return (0);
	if (copyin(lwp_vmspace(l), &ts, uaddr, sizeof(ts)) != 0)
		return (EFAULT);
	if (__builtin_mul_overflow(ts.sec, (int64_t)NS_PER_SEC, &ns) ||
	    __builtin_add_overflow(ns, ts.nsec, &ns) || ns < 0)
		return (0);
	*deadline = ns == 0 ? 0 : ktime_deadline((uint64_t)ns);
	return (0);
}

static int
aio_getevents(struct lwp *l, const uint64_t *a, uint64_t deadline, int64_t *ret)
{
	int64_t min = (int64_t)a[1], nr = (int64_t)a[2];
	struct aio_ctx *c;
	int error = aio_ctx_get(l, a[0], &c);

	if (error != 0)
		return (error);
	if (min < 0 || min > nr)
		error = EINVAL;
	else
		error = aio_events(l, c, min, nr, a[3], deadline, ret);
	aio_ctx_free(c);
	return (error);
}

int
sys_io_getevents(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	uint64_t deadline;
	int error = aio_deadline(l, a[4], &deadline);

	return (error != 0 ? error : aio_getevents(l, a, deadline, ret));
}

int
sys_io_pgetevents(struct lwp *l, const uint64_t *a, int64_t *ret)
{
	struct lx_aio_sigset sig = {0, 0};
	struct vmspace *vm = lwp_vmspace(l);
	uint64_t deadline, mask;
	int error = aio_deadline(l, a[4], &deadline);

	if (error != 0)
		return (error);
	if (a[5] != 0 && copyin(vm, &sig, a[5], sizeof(sig)) != 0)
		return (EFAULT);
	if (sig.mask != 0) {
		if (sig.size != sizeof(mask))
			return (EINVAL);
		if (copyin(vm, &mask, sig.mask, sizeof(mask)) != 0)
			return (EFAULT);
		ksig_tmpmask(l, mask);
	}
	error = aio_getevents(l, a, deadline, ret);
	return (error == EINTR ? ERESTARTNOHAND : error);
}
