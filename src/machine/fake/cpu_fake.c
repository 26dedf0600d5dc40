/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The scripted machine: user code is a C function that fills in events.
 *
 * Concepts: `machine` is a struct cpu_fake or NULL.  cpu_run() calls its
 * step() on the lwp's own host thread; tf after step() is the register file
 * after the event.  Without a script (NULL) no user code can run, and every
 * run reports a dead machine.
 *
 * The extended state consists of a legacy FXSAVE area and an XSAVE header,
 * with the software bytes of a signal frame, so that signal frames can be
 * tested.  Its contents are stored and never loaded into a processor.
 *
 * Guarantees: an interrupt is never lost: the next run reports it, before the
 * next step.
 */
#include "machine/fake/cpu_fake.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "abi/sigframe.h"

#define XHDR_SIZE 64
#define XAREA (LX_FXSAVE_SIZE + XHDR_SIZE)
#define FX_FCW_DEFAULT 0x37f
#define FX_MXCSR_DEFAULT 0x1f80
#define FX_MXCSR_OFFSET 24

struct fake_thread {
	_Atomic(bool) interrupted; /* [a] */
	uint8_t xstate[XAREA];     /* owner only */
};

static void
fake_xstate_init(struct fake_thread *ft)
{
	const uint16_t fcw = FX_FCW_DEFAULT;
	const uint32_t mxcsr = FX_MXCSR_DEFAULT;

	memset(ft->xstate, 0, sizeof(ft->xstate));
	memcpy(ft->xstate, &fcw, sizeof(fcw));
	memcpy(ft->xstate + FX_MXCSR_OFFSET, &mxcsr, sizeof(mxcsr));
	ft->xstate[LX_FXSAVE_SIZE] = 0x3; /* xstate_bv: x87, SSE */
}

static int
fake_thread_create(struct cpu_thread *ct)
{
	struct fake_thread *ft;

	ft = calloc(1, sizeof(*ft));
	if (ft == NULL)
		return (ENOMEM);
	fake_xstate_init(ft);
	ct->md = ft;
	return (0);
}

static void
fake_thread_destroy(struct cpu_thread *ct)
{
	free(ct->md);
}

static int
fake_run(struct cpu_thread *ct, struct pmap *pmap, struct cpu_event *ev)
{
	struct fake_thread *ft = ct->md;
	struct cpu_fake *cf = ct->machine;

	if (atomic_exchange(&ft->interrupted, false)) {
		ev->type = CPU_EV_INTERRUPT;
		return (0);
	}
	if (cf == NULL) {
		ev->type = CPU_EV_DEAD;
		return (0);
	}
	cf->step(cf->arg, ct, pmap, ev);
	return (0);
}

static void
fake_interrupt(struct cpu_thread *ct)
{
	struct fake_thread *ft = ct->md;

	atomic_store(&ft->interrupted, true);
}

static void
fake_unbind(struct cpu_thread *ct)
{
}

static int
fake_share(struct cpu_thread *child, struct cpu_thread *parent)
{
	return (0);
}

static int
fake_prepare(struct cpu_thread *ct, struct pmap *pmap)
{
	return (0);
}

static size_t
fake_xstate_size(struct cpu_thread *ct)
{
	return (XAREA + sizeof(uint32_t));
}

static int
fake_xstate_get(struct cpu_thread *ct, void *buf, size_t size)
{
	struct fake_thread *ft = ct->md;
	uint8_t frame[XAREA + sizeof(uint32_t)];
	const uint32_t magic1 = LX_FP_XSTATE_MAGIC1,
		       magic2 = LX_FP_XSTATE_MAGIC2;
	const uint32_t extended = sizeof(frame), xsize = XAREA;
	const uint64_t features = 0x3;
	uint8_t *sw = frame + LX_FPX_SW_OFFSET;

	memcpy(frame, ft->xstate, XAREA);
	memset(sw, 0, LX_FXSAVE_SIZE - LX_FPX_SW_OFFSET);
	memcpy(sw, &magic1, 4);
	memcpy(sw + 4, &extended, 4);
	memcpy(sw + 8, &features, 8);
	memcpy(sw + 16, &xsize, 4);
	memcpy(frame + XAREA, &magic2, 4);
	memcpy(buf, frame, size < sizeof(frame) ? size : sizeof(frame));
	return (0);
}

static int
fake_xstate_set(struct cpu_thread *ct, const void *buf, size_t size)
{
	struct fake_thread *ft = ct->md;
	const uint8_t *p = buf;
	uint32_t magic1, magic2;

	if (p == NULL) {
		fake_xstate_init(ft);
		return (0);
	}
	if (size != XAREA + sizeof(uint32_t))
		return (EINVAL);
	memcpy(&magic1, p + LX_FPX_SW_OFFSET, 4);
	memcpy(&magic2, p + XAREA, 4);
	if (magic1 != LX_FP_XSTATE_MAGIC1 || magic2 != LX_FP_XSTATE_MAGIC2)
		return (EINVAL);
	memcpy(ft->xstate, p, XAREA);
	return (0);
}

static int
fake_xstate_copy(struct cpu_thread *dst, struct cpu_thread *src)
{
	struct fake_thread *d = dst->md, *s = src->md;

	memcpy(d->xstate, s->xstate, sizeof(d->xstate));
	return (0);
}

static uint64_t
fake_vdso(void *machine)
{
	return (0);
}

const struct cpu_ops cpu_fake_ops = {
    .name = "fake",
    .thread_create = fake_thread_create,
    .thread_destroy = fake_thread_destroy,
    .run = fake_run,
    .interrupt = fake_interrupt,
    .unbind = fake_unbind,
    .share = fake_share,
    .prepare = fake_prepare,
    .xstate_size = fake_xstate_size,
    .xstate_get = fake_xstate_get,
    .xstate_set = fake_xstate_set,
    .xstate_copy = fake_xstate_copy,
    .vdso = fake_vdso,
};
