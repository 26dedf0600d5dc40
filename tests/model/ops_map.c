/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Operations on mappings and on the life of vmspaces, and the choice of the
 * next operation.
 */
#include <errno.h>
#include <stdlib.h>

#include "abi/mman.h"
#include "world.h"

#define ULL(x) ((unsigned long long)(x))
#define VA(pg) (M_BASE + (vm_offset_t)(pg)*PAGE_SIZE)

static const vm_prot_t prots[] = {VM_PROT_NONE, VM_PROT_READ,
    VM_PROT_READ | VM_PROT_WRITE, VM_PROT_READ | VM_PROT_WRITE,
    VM_PROT_READ | VM_PROT_WRITE, VM_PROT_READ | VM_PROT_EXECUTE, VM_PROT_ALL};

static vm_prot_t
any_prot(void)
{
	return (prots[rnd(sizeof(prots))]);
}

static unsigned
any_run(unsigned *n)
{
	unsigned pg = (unsigned)rnd(M_PAGES);

	*n = 1 + (unsigned)rnd(rnd(5) == 0 ? 60 : 8);
	if (pg + *n > M_PAGES)
		*n = M_PAGES - pg;
	return (pg);
}

/* ---- mmap ---- */

static void
model_map(struct wspace *s, unsigned pg, unsigned n, enum mkind kind,
    vm_prot_t prot, vm_prot_t maxp, struct sobj *so, unsigned idx)
{
	for (unsigned i = 0; i < n; i++) {
		struct mpage *p = &s->ms->pg[pg + i];

		m_clear(p);
		p->mapped = true;
		p->prot = prot;
		p->maxp = maxp;
		p->kind = (uint8_t)kind;
		p->inherit = VM_INHERIT_COPY;
		if (so != NULL) {
			p->so = so;
			p->idx = (uint16_t)(idx + i);
			so->ref++;
		}
	}
}

/* Where must the mapping go?  Page, or -error. */
static int
expect_place(struct wspace *s, unsigned pg, unsigned n, int flags)
{
	int at;

	if ((flags & VMM_NOREPLACE) != 0)
		return (m_free_run(s->ms, pg, n) ? (int)pg : -EEXIST);
	if ((flags & VMM_FIXED) != 0 || m_free_run(s->ms, pg, n))
		return ((int)pg);
	at = m_place(s->ms, n);
	return (at < 0 ? -ENOMEM : at);
}

static void
op_mmap(struct wspace *s)
{
	enum mkind kind = (enum mkind)(rnd(3) == 0 ? MK_ANON : rnd(4));
	vm_prot_t prot = any_prot(), maxp = VM_PROT_ALL;
	int flags =
	    (const int[]){0, 0, VMM_FIXED, VMM_FIXED, VMM_NOREPLACE}[rnd(5)];
	struct mfile *f = NULL;
	struct sobj *so = NULL;
	unsigned n, pg = any_run(&n), idx = 0;
	vm_offset_t addr = VA(pg);
	int error, want;

	if (kind == MK_ANON_S || kind == MK_FILE_S)
		flags |= VMM_SHARED;
	if (kind == MK_FILE_P || kind == MK_FILE_S) {
		f = &w.file[rnd(W_FILES)];
		idx = (unsigned)rnd(OFF_TO_IDX(f->size) + 2);
		so = f->so;
		/* See world.h: the constant file is for private writing. */
		if (kind == MK_FILE_P && f != W_CONST)
			maxp = VM_PROT_READ | VM_PROT_EXECUTE;
		else if (kind == MK_FILE_S && (f == W_CONST || rnd(4) == 0))
			maxp = VM_PROT_READ;
		prot &= maxp;
	} else if (rnd(5) == 0)
		flags |= VMM_POPULATE;
	if (rnd(10) == 0)
		flags |= VMM_NORESERVE;
	want = expect_place(s, pg, n, flags);
	trace("mmap page %u+%u kind %d flags %x prot %x max %x file%d idx %u: "
	      "want %d",
	    pg, n, (int)kind, (unsigned)flags, prot, maxp,
	    f == NULL ? -1 : (int)(f - w.file), idx, want);
	error = vm_mmap(s->vm, &addr, n * PAGE_SIZE, prot, maxp, flags,
	    f == NULL ? NULL : f->obj, IDX_TO_OFF(idx));
	if (want >= 0 && excused(error))
		return;
	if (error != (want < 0 ? -want : 0))
		fail("mmap: error %d, should be %d", error,
		    want < 0 ? -want : 0);
	if (error != 0)
		return;
	if (addr != VA(want))
		fail("mmap: at page %lld, should be %d",
		    (long long)((addr - M_BASE) >> PAGE_SHIFT), want);
	if (kind == MK_ANON_S)
		so = sobj_new(false, 0);
	model_map(s, (unsigned)want, n, kind, prot, maxp, so, idx);
	for (unsigned i = 0; i < n; i++)
		s->ms->pg[(unsigned)want + i].noreserve =
		    (flags & VMM_NORESERVE) != 0;
	if (kind == MK_ANON_S)
		sobj_put(so);
}

static void
op_munmap(struct wspace *s)
{
	unsigned n, pg = any_run(&n);
	int error;

	trace("munmap page %u+%u", pg, n);
	error = vm_munmap(s->vm, VA(pg), n * PAGE_SIZE);
	if (excused(error))
		return;
	if (error != 0)
		fail("munmap: error %d", error);
	m_clear_range(s->ms, pg, n);
}

static void
op_mprotect(struct wspace *s)
{
	unsigned n, pg = any_run(&n), i;
	vm_prot_t prot = any_prot();
	int error, want = 0;

	trace("mprotect page %u+%u prot %x", pg, n, prot);
	atomic_store(&w.fake.fail_every, 0);
	error = vm_mprotect(s->vm, VA(pg), n * PAGE_SIZE, prot);
	for (i = 0; i < n && want == 0; i++) {
		struct mpage *p = &s->ms->pg[pg + i];

		if (!p->mapped)
			want = ENOMEM;
		else if ((prot & ~p->maxp) != 0)
			want = EACCES;
		else
			p->prot = prot;
	}
	if (error != want)
		fail("mprotect: error %d, should be %d", error, want);
}

/* ---- mremap ---- */

/* Page i behind a mapping whose last page is `last`, i from 1. */
static void
model_tail(struct mpage *to, const struct mpage *last, unsigned i)
{
	m_dup(to, last);
	m_fresh(to);
	to->idx = (uint16_t)(to->so != NULL ? last->idx + i : 0);
}

static void
model_remap(struct wspace *s, unsigned old, unsigned on, unsigned new,
    unsigned nn, bool keep)
{
	struct mpage tmp[M_PAGES] = {0};
	bool moved = old != new;

	for (unsigned i = 0; i < nn; i++) {
		if (i < on)
			m_dup(&tmp[i], &s->ms->pg[old + i]);
		else
			model_tail(
			    &tmp[i], &s->ms->pg[old + on - 1], i - on + 1);
		if (moved)
			tmp[i].heap = false;
	}
	m_clear_range(s->ms, new, nn);
	for (unsigned i = 0; i < on; i++) {
		if (!moved && i < nn)
			continue;
		if (keep) {
			m_fresh(&s->ms->pg[old + i]);
			s->ms->pg[old + i].locked = false;
		} else
			m_clear(&s->ms->pg[old + i]);
	}
	for (unsigned i = 0; i < nn; i++)
		s->ms->pg[new + i] = tmp[i];
}

/* The page at which the mapping must be afterwards, or -error. */
static int
expect_remap(struct wspace *s, unsigned old, unsigned on, unsigned new,
    unsigned nn, int flags)
{
	bool fixed = (flags & LX_MREMAP_FIXED) != 0;

	if (fixed && old + on > new &&new + nn > old)
		return (-EINVAL);
	if (!s->ms->pg[old].mapped)
		return (-EFAULT);
	if ((flags & (LX_MREMAP_FIXED | LX_MREMAP_DONTUNMAP)) == 0 && nn <= on)
		return ((int)old);
	if (!m_mapped_run(s->ms, old, on))
		return (-EFAULT);
	if (fixed)
		return ((int)new);
	if ((flags & LX_MREMAP_DONTUNMAP) == 0 &&
	    m_free_run(s->ms, old + on, nn - on))
		return ((int)old);
	if ((flags & LX_MREMAP_MAYMOVE) == 0)
		return (-ENOMEM);
	return (m_place(s->ms, nn) < 0 ? -ENOMEM : m_place(s->ms, nn));
}

static void
op_mremap(struct wspace *s)
{
	unsigned on, old = any_run(&on), nn, new = any_run(&nn);
	int flags = (const int[]){0, LX_MREMAP_MAYMOVE, LX_MREMAP_MAYMOVE,
	    LX_MREMAP_MAYMOVE | LX_MREMAP_FIXED,
	    LX_MREMAP_MAYMOVE | LX_MREMAP_FIXED,
	    LX_MREMAP_MAYMOVE | LX_MREMAP_DONTUNMAP,
	    LX_MREMAP_MAYMOVE | LX_MREMAP_FIXED | LX_MREMAP_DONTUNMAP}[rnd(7)];
	vm_offset_t addr;
	int error, want;

	if ((flags & LX_MREMAP_DONTUNMAP) != 0)
		nn = on;
	if ((flags & LX_MREMAP_FIXED) != 0 && new + nn > M_PAGES)
		return;
	/* What is one mapping and what is several may differ in detail. */
	if (m_mapped_run(s->ms, old, on) && !m_uniform(s->ms, old, on))
		return;
	/* CAVEATS: growing shared anonymous memory. */
	if (nn > on && s->ms->pg[old].kind == MK_ANON_S)
		return;
	/* Growth of locked memory is filled in, and so copied. */
	if (nn > on && s->ms->pg[old].locked &&
	    s->ms->pg[old].kind == MK_FILE_P)
		return;
	if (nn > on && s->ms->pg[old].so != NULL &&
	    s->ms->pg[old].idx + nn > SOBJ_PAGES)
		return;
	want = expect_remap(s, old, on, new, nn, flags);
	addr = (flags & LX_MREMAP_FIXED) != 0 ? VA(new) : 0;
	trace("mremap page %u+%u -> %u+%u flags %d: want %d", old, on, new, nn,
	    flags, want);
	error = vm_mremap(
	    s->vm, VA(old), on * PAGE_SIZE, nn * PAGE_SIZE, flags, &addr);
	if (want >= 0 && excused(error))
		return;
	if (error != (want < 0 ? -want : 0))
		fail("mremap: error %d, should be %d", error,
		    want < 0 ? -want : 0);
	if (error != 0)
		return;
	if (addr != VA(want))
		fail("mremap: at page %lld, should be %d",
		    (long long)((addr - M_BASE) >> PAGE_SHIFT), want);
	if ((flags & (LX_MREMAP_FIXED | LX_MREMAP_DONTUNMAP)) == 0 && nn <= on)
		m_clear_range(s->ms, old + nn, on - nn);
	else
		model_remap(s, old, on, (unsigned)want, nn,
		    (flags & LX_MREMAP_DONTUNMAP) != 0);
}

/* ---- madvise ---- */

static void
model_advise(struct mpage *p, int advice)
{
	switch (advice) {
	case LX_MADV_DONTNEED:
	case LX_MADV_FREE:
		m_fresh(p);
		break;
	case LX_MADV_DONTFORK:
		p->inherit = VM_INHERIT_NONE;
		break;
	case LX_MADV_DOFORK:
	case LX_MADV_KEEPONFORK:
		p->inherit = VM_INHERIT_COPY;
		break;
	case LX_MADV_WIPEONFORK:
		p->inherit = VM_INHERIT_ZERO;
		break;
	case LX_MADV_NORMAL:
	case LX_MADV_RANDOM:
	case LX_MADV_SEQUENTIAL:
		p->advice = (uint8_t)advice;
		break;
	default:
		break;
	}
}

static void
op_madvise(struct wspace *s)
{
	static const int advices[] = {LX_MADV_NORMAL, LX_MADV_RANDOM,
	    LX_MADV_SEQUENTIAL, LX_MADV_WILLNEED, LX_MADV_DONTNEED,
	    LX_MADV_DONTNEED, LX_MADV_DONTNEED, LX_MADV_DONTNEED, LX_MADV_FREE,
	    LX_MADV_DONTFORK, LX_MADV_DOFORK, LX_MADV_WIPEONFORK,
	    LX_MADV_KEEPONFORK, LX_MADV_COLD, LX_MADV_PAGEOUT};
	int advice = advices[rnd(sizeof(advices) / sizeof(advices[0]))];
	unsigned n, pg = any_run(&n);
	bool hole = !m_mapped_run(s->ms, pg, n);
	int error, want;

	if (advice == LX_MADV_FREE || advice == LX_MADV_WIPEONFORK ||
	    advice == LX_MADV_KEEPONFORK)
		for (unsigned i = 0; i < n; i++) {
			const struct mpage *p = &s->ms->pg[pg + i];

			if (p->mapped && p->kind != MK_ANON)
				return;
			if (advice == LX_MADV_KEEPONFORK &&
			    p->inherit == VM_INHERIT_NONE)
				return;
		}
	trace("madvise page %u+%u advice %d", pg, n, advice);
	atomic_store(&w.fake.fail_every, 0);
	error = vm_madvise(s->vm, VA(pg), n * PAGE_SIZE, advice);
	want = hole ? ENOMEM : 0;
	for (unsigned i = 0; i < n; i++) {
		struct mpage *p = &s->ms->pg[pg + i];

		if (p->locked &&
		    (advice == LX_MADV_DONTNEED || advice == LX_MADV_FREE ||
			advice == LX_MADV_COLD || advice == LX_MADV_PAGEOUT)) {
			want = EINVAL;
			break;
		}
		if (p->mapped)
			model_advise(p, advice);
	}
	if (error != want)
		fail("madvise: error %d, should be %d", error, want);
}

/* ---- brk ---- */

static void
op_brk(struct wspace *s)
{
	struct mspace *ms = s->ms;
	vm_offset_t want = ms->brk_start + rnd(60 * PAGE_SIZE), cur;
	unsigned from = (unsigned)OFF_TO_IDX(round_page(ms->brk) - M_BASE), to;
	bool ok = true;

	if (rnd(10) == 0)
		want = ms->brk_start - rnd(PAGE_SIZE) - 1;
	trace("brk %llx -> %llx", ULL(ms->brk), ULL(want));
	to = (unsigned)OFF_TO_IDX(round_page(want) - M_BASE);
	if (want < ms->brk_start)
		ok = false;
	else if (to > from)
		ok = m_free_run(ms, from, to - from);
	cur = want;
	vm_brk(s->vm, &cur);
	if (ok && cur == ms->brk && cur != want && excused(ENOMEM))
		return;
	if (cur != (ok ? want : ms->brk))
		fail("brk: %llx, should be %llx", ULL(cur),
		    ULL(ok ? want : ms->brk));
	if (!ok)
		return;
	ms->brk = want;
	if (to < from)
		m_clear_range(ms, to, from - to);
	else if (to > from) {
		model_map(s, from, to - from, MK_ANON,
		    VM_PROT_READ | VM_PROT_WRITE, VM_PROT_ALL, NULL, 0);
		for (unsigned i = from; i < to; i++)
			ms->pg[i].heap = true;
	}
}

/* ---- lives ---- */

static void
op_fork(struct wspace *s)
{
	struct wspace *c = NULL;
	int error;

	for (int i = 0; i < W_SPACES; i++)
		if (w.sp[i].vm == NULL)
			c = &w.sp[i];
	if (c == NULL)
		return;
	trace("fork %d -> %d", (int)(s - w.sp), (int)(c - w.sp));
	error = vmspace_fork(s->vm, &c->vm);
	if (excused(error))
		return;
	if (error != 0)
		fail("fork: error %d", error);
	c->ms = calloc(1, sizeof(*c->ms));
	m_fork(s->ms, c->ms);
}

/* The last ref is given up while a third party has a hold. */
static void
op_free(struct wspace *s)
{
	struct vmspace *vm = s->vm;
	vm_offset_t addr = VA(0);
	uint8_t b;
	int n = 0;

	for (int i = 0; i < W_SPACES; i++)
		n += w.sp[i].vm != NULL;
	if (n == 1)
		return;
	trace("free %d", (int)(s - w.sp));
	if (rnd(2) == 0) {
		wspace_free(s);
		return;
	}
	vmspace_hold(vm);
	wspace_free(s);
	if (vmspace_tryref(vm) != ESRCH)
		fail("tryref of a dead vmspace");
	if (copyin(vm, &b, VA(0), 1) == 0 ||
	    vm_mmap(vm, &addr, PAGE_SIZE, VM_PROT_READ, VM_PROT_ALL, 0, NULL,
		0) != ESRCH)
		fail("a dead vmspace still works");
	if (vm_check_vmspace(vm) != 0)
		fail("dead vmspace is not in order");
	vmspace_drop(vm);
}

static const struct {
	void (*fn)(struct wspace *);
	unsigned weight;
} ops[] = {
    {op_mmap, 80},
    {op_munmap, 40},
    {op_mprotect, 50},
    {op_mremap, 50},
    {op_madvise, 50},
    {op_brk, 20},
    {op_fork, 30},
    {op_free, 24},
    {op_copyout, 260},
    {op_copyin, 200},
    {op_string, 20},
    {op_fault, 100},
    {op_word, 40},
    {op_iov, 40},
    {op_pin, 15},
    {op_file_rw, 30},
    {op_msync, 15},
    {op_truncate, 5},
    {op_reclaim, 10},
    {op_meter, 20},
    {op_mlock, 15},
    {op_populate, 15},
    {op_remove, 10},
    {op_duplicate, 15},
    {op_futex_key, 15},
    {op_entry_info, 20},
    {op_swap, 25},
};
#define NOPS (sizeof(ops) / sizeof(ops[0]))

/*
 * Each seed has its own mixture, in which some kinds are frequent and some do
 * not occur: so states are reached that an even mixture never visits.
 */
static unsigned
weight(unsigned i)
{
	static const unsigned factor[] = {0, 1, 2, 2, 3, 8};
	uint64_t x = (w.seed * 31 + i + 1) * 0x9e3779b97f4a7c15;

	if (w.seed % 4 == 0 || ops[i].fn == op_mmap || ops[i].fn == op_copyout)
		return (2 * ops[i].weight);
	return (ops[i].weight * factor[(x >> 33) % 6]);
}

void
world_op(void)
{
	struct wspace *s;
	unsigned total = 0, pick, i;

	do
		s = &w.sp[rnd(W_SPACES)];
	while (s->vm == NULL);
	if (w.tight && rnd(20) == 0)
		atomic_store(&w.fake.fail_every, (int64_t)rnd(3));
	for (i = 0; i < NOPS; i++)
		total += weight(i);
	pick = (unsigned)rnd(total);
	for (i = 0; pick >= weight(i); i++)
		pick -= weight(i);
	if (w.trace)
		trace("-- space %d", (int)(s - w.sp));
	ops[i].fn(s);
	w.done[i]++;
}
