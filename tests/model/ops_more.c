/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Operations on the edges: locked memory, population, duplicates and holes
 * of shared memory, identities.
 */
#include <errno.h>

#include "abi/mman.h"
#include "host/host.h"
#include "vm/pager/swap_pager.h"
#include "world.h"
#include "vm/pageout/vm_pageout.h"

#define ULL(x) ((unsigned long long)(x))
#define VA(pg) (M_BASE + (vm_offset_t)(pg)*PAGE_SIZE)

static unsigned
some_run(unsigned *n)
{
	unsigned pg = (unsigned)rnd(M_PAGES);

	*n = 1 + (unsigned)rnd(rnd(5) == 0 ? 40 : 6);
	if (pg + *n > M_PAGES)
		*n = M_PAGES - pg;
	return (pg);
}

/* Fill pages in as mlock does; 0 or the error of the first that cannot be. */
static int
model_populate(struct mspace *ms, unsigned pg, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct mpage *p = &ms->pg[pg + i];
		bool shared = p->kind == MK_ANON_S || p->kind == MK_FILE_S;
		int error;

		if (p->prot == VM_PROT_NONE)
			return (EACCES);
		if (!shared && (p->prot & VM_PROT_WRITE) != 0) {
			error = m_access(p, VM_PROT_WRITE);
			if (error == 0)
				(void)m_write(p);
		} else
			error = m_access(p, VM_PROT_READ);
		if (error != 0)
			return (error);
	}
	return (0);
}

void
op_mlock(struct wspace *s)
{
	unsigned n, pg = some_run(&n);
	bool lock = rnd(3) == 0;
	int error, want = 0;

	if (w.tight || (lock && !m_mapped_run(s->ms, pg, n)))
		return;
	trace("%s page %u+%u", lock ? "mlock" : "munlock", pg, n);
	error = vm_mlock(s->vm, VA(pg), n * PAGE_SIZE, lock);
	if (!m_mapped_run(s->ms, pg, n))
		want = ENOMEM;
	for (unsigned i = 0; i < n; i++)
		s->ms->pg[pg + i].locked = lock && s->ms->pg[pg + i].mapped;
	if (lock && model_populate(s->ms, pg, n) != 0)
		want = ENOMEM;
	if (error != want)
		fail("%s: error %d, should be %d", lock ? "mlock" : "munlock",
		    error, want);
}

/* MADV_POPULATE_READ, MADV_POPULATE_WRITE */
void
op_populate(struct wspace *s)
{
	unsigned n, pg = some_run(&n), i;
	/* After a refused call the model would have to know how far it came. */
	bool write = rnd(2) == 0 && !w.tight;
	int error, want = 0;

	trace("populate page %u+%u %s", pg, n, write ? "write" : "read");
	error = vm_madvise(s->vm, VA(pg), n * PAGE_SIZE,
	    write ? LX_MADV_POPULATE_WRITE : LX_MADV_POPULATE_READ);
	if (excused(error))
		return;
	for (i = 0; i < n && want == 0; i++) {
		struct mpage *p = &s->ms->pg[pg + i];

		want = m_access(p, write ? VM_PROT_WRITE : VM_PROT_READ);
		if (want == 0 && write)
			(void)m_write(p);
	}
	want = want == EACCES   ? EINVAL
	       : want == EIO    ? EFAULT
	       : want == EFAULT ? ENOMEM
				: want;
	if (error != want)
		fail("populate: error %d, should be %d", error, want);
}

/* MADV_REMOVE of shared anonymous memory: zeroes for every process that shares
 * it. */
void
op_remove(struct wspace *s)
{
	unsigned n, pg = some_run(&n);
	int error;

	if (!m_uniform(s->ms, pg, n) || s->ms->pg[pg].kind != MK_ANON_S ||
	    (s->ms->pg[pg].prot & VM_PROT_WRITE) == 0 || s->ms->pg[pg].locked)
		return;
	trace("remove page %u+%u", pg, n);
	error = vm_madvise(s->vm, VA(pg), n * PAGE_SIZE, LX_MADV_REMOVE);
	if (error != 0)
		fail("madvise REMOVE: error %d", error);
	for (unsigned i = 0; i < n; i++) {
		struct mpage *p = &s->ms->pg[pg + i];

		cell_put(p->so->pg[p->idx]);
		p->so->pg[p->idx] = NULL;
	}
}

/* mremap with an old length of 0: a second view of shared memory. */
void
op_duplicate(struct wspace *s)
{
	unsigned n, pg = some_run(&n), to = (unsigned)rnd(M_PAGES);
	const struct mpage *p = &s->ms->pg[pg];
	int flags = (const int[]){0, LX_MREMAP_MAYMOVE, LX_MREMAP_MAYMOVE,
		LX_MREMAP_MAYMOVE | LX_MREMAP_FIXED}[rnd(4)],
	    want, error;
	bool shared = p->kind == MK_ANON_S || p->kind == MK_FILE_S;
	vm_offset_t addr = VA(to);

	if (!p->mapped || to + n > M_PAGES || (to <= pg && pg < to + n))
		return;
	if (shared && !m_uniform(s->ms, pg, n))
		return;
	want = !shared                            ? -EINVAL
	       : (flags & LX_MREMAP_MAYMOVE) == 0 ? -ENOMEM
	       : (flags & LX_MREMAP_FIXED) != 0   ? (int)to
	       : m_place(s->ms, n) < 0            ? -ENOMEM
						  : m_place(s->ms, n);
	trace("duplicate page %u+%u flags %d to %u want %d", pg, n, flags, to,
	    want);
	error = vm_mremap(s->vm, VA(pg), 0, n * PAGE_SIZE, flags, &addr);
	if (want >= 0 && excused(error))
		return;
	if (error != (want < 0 ? -want : 0))
		fail("duplicate: error %d, should be %d", error,
		    want < 0 ? -want : 0);
	if (error != 0)
		return;
	if (addr != VA(want))
		fail("duplicate: at %llx, should be %llx", ULL(addr),
		    ULL(VA(want)));
	for (unsigned i = 0; i < n; i++) {
		struct mpage tmp = {0};

		/* By way of a copy: the target may be part of the source. */
		m_dup(&tmp, &s->ms->pg[pg]);
		tmp.idx = (uint16_t)(s->ms->pg[pg].idx + i);
		tmp.heap = false;
		m_clear(&s->ms->pg[want + (int)i]);
		s->ms->pg[want + (int)i] = tmp;
	}
}

static int
key_of(struct wspace *s, unsigned pg, unsigned off, struct vm_futex_key *k)
{
	int error = vm_futex_key(s->vm, VA(pg) + off, true, k);

	if (error == ENOMEM && excused(error))
		return (-1);
	if (error != (m_access(&s->ms->pg[pg], VM_PROT_READ) == 0 ? 0 : EFAULT))
		fail("futex key of page %u: error %d", pg, error);
	return (error);
}

void
op_futex_key(struct wspace *s)
{
	struct wspace *t = &w.sp[rnd(W_SPACES)];
	unsigned a = (unsigned)rnd(M_PAGES), b = (unsigned)rnd(M_PAGES);
	unsigned ao = (unsigned)rnd(2) * 4, bo = (unsigned)rnd(2) * 4;
	const struct mpage *p, *q;
	struct vm_futex_key ka, kb;
	bool ps, qs, same;

	if (t->vm == NULL)
		return;
	trace("futex keys of page %u, space %d page %u", a, (int)(t - w.sp), b);
	if (key_of(s, a, ao, &ka) != 0 || key_of(t, b, bo, &kb) != 0)
		return;
	p = &s->ms->pg[a];
	q = &t->ms->pg[b];
	ps = p->kind == MK_ANON_S || p->kind == MK_FILE_S;
	qs = q->kind == MK_ANON_S || q->kind == MK_FILE_S;
	if (ps && qs)
		same = p->so == q->so && p->idx == q->idx && ao == bo;
	else
		same = !ps && !qs && s == t && a == b && ao == bo;
	if (same != (ka.a == kb.a && ka.b == kb.b))
		fail("futex keys of pages %u and %u: %s", a, b,
		    same ? "should be equal" : "should differ");
}

/* The entry that /proc would show at or above an address. */
void
op_entry_info(struct wspace *s)
{
	unsigned pg = (unsigned)rnd(M_PAGES), i = pg, last;
	struct vm_entry_info info;
	int error;

	trace("entry info page %u", pg);
	error = vmspace_entry_info(s->vm, VA(pg), &info);
	if (error != 0)
		fail("entry info: error %d", error);
	while (i < M_PAGES && !s->ms->pg[i].mapped)
		i++;
	if (i == M_PAGES) {
		if (info.start != M_END)
			fail("entry info: %llx, should be the fence",
			    ULL(info.start));
		return;
	}
	if (info.start > VA(i) || info.end <= VA(i) ||
	    (i != pg && info.start != VA(i)))
		fail("entry info: %llx-%llx does not begin at page %u",
		    ULL(info.start), ULL(info.end), i);
	last = (unsigned)OFF_TO_IDX(info.end - M_BASE) - 1;
	for (i = (unsigned)OFF_TO_IDX(info.start - M_BASE); i <= last; i++) {
		const struct mpage *p = &s->ms->pg[i];

		if (!p->mapped || p->prot != info.prot ||
		    p->locked != ((info.eflags & MAP_ENTRY_WIRED) != 0))
			fail("entry info: page %u does not belong to %llx-%llx",
			    i, ULL(info.start), ULL(info.end));
		if (p->so != NULL && p->so->file &&
		    (info.ino == 0 || w.file[info.ino - 1].so != p->so ||
			info.offset + (VA(i) - info.start) !=
			    IDX_TO_OFF(p->idx)))
			fail("entry info: page %u is of another file or "
			     "offset",
			    i);
	}
}

/* ---- swap ---- */

static void
swap_on(void)
{
	struct swap_area_config cf = {.kind = (enum swap_kind)rnd(3),
	    .size = (50 + rnd(400)) * PAGE_SIZE,
	    .priority = (int)rnd(2),
	    .fd = -1};
	int error = 0;

	if (w.nareas == 3)
		return;
	if (rnd(3) == 0)
		cf.inject.write_eio = 3 + (uint32_t)rnd(10);
	if (cf.kind == SWAP_FILE)
		error = host_memfd("model", cf.size, &cf.fd);
	trace("swapon kind %d, %llu pages", (int)cf.kind,
	    ULL(cf.size / PAGE_SIZE));
	if (error == 0)
		error = vm_swapon(&w.sys, &cf, &w.area[w.nareas]);
	if (error == 0)
		w.nareas++;
	else if (error != EOPNOTSUPP && !excused(error))
		fail("swapon: error %d", error);
}

static void
swap_off(void)
{
	unsigned i;
	int error;

	if (w.nareas == 0)
		return;
	i = (unsigned)rnd(w.nareas);
	trace("swapoff %u", w.area[i]);
	atomic_store(&w.fake.fail_every, 0);
	error = vm_swapoff(&w.sys, w.area[i]);
	if (error == 0)
		w.area[i] = w.area[--w.nareas];
	else if (!excused(error))
		fail("swapoff: error %d", error);
}

void
op_swap(struct wspace *s)
{
	unsigned n, pg = some_run(&n);

	if (!w.swap)
		return;
	switch (rnd(8)) {
	case 0:
		swap_on();
		break;
	case 1:
		if (rnd(4) == 0)
			swap_off();
		break;
	case 2:
		trace("shrink");
		(void)vm_system_shrink(&w.sys, rnd(50) * PAGE_SIZE);
		break;
	case 3:
		trace("madvise PAGEOUT and WILLNEED page %u+%u", pg, n);
		(void)vm_madvise(s->vm, VA(pg), n * PAGE_SIZE, LX_MADV_PAGEOUT);
		(void)vm_madvise(
		    s->vm, VA(pg), n * PAGE_SIZE, LX_MADV_WILLNEED);
		break;
	default:
		trace("pageout");
		(void)vm_pageout_reclaim(&w.sys, 1 + rnd(200));
		break;
	}
}
