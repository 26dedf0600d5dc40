/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Operations on the contents of memory: user copies, faults, pins, files.
 */
#include "world.h"

#include <errno.h>
#include <string.h>

#include "vm/object/vm_object.h"
#include "vm/pager/vnode_pager.h"
#include "vm/pageout/vm_pageout.h"

#define ULL(x) ((unsigned long long)(x))

/* A random place and length; mostly short, sometimes many pages. */
static vm_offset_t
any_range(struct wspace *s, uint64_t *len, uint64_t max)
{
	vm_offset_t va;

	/* Rather where something is. */
	for (int i = 0; i < 5; i++) {
		va = M_BASE + rnd(M_PAGES * PAGE_SIZE);
		if (s->ms->pg[OFF_TO_IDX(va - M_BASE)].prot != VM_PROT_NONE)
			break;
	}

	switch (rnd(8)) {
	case 0:
		*len = 1 + rnd(max);
		break;
	case 1:
		va = trunc_page(va);
		*len = PAGE_SIZE * (1 + rnd(3));
		break;
	case 2:
		*len = rnd(3);
		break;
	default:
		*len = 1 + rnd(200);
		break;
	}
	if (*len > max)
		*len = max;
	if (va + *len > M_END)
		*len = M_END - va;
	return (va);
}

/* The rest of the last page behind the end of a file is unspecified. */
static bool
touches_file_tail(struct wspace *s, vm_offset_t va, uint64_t len)
{
	for (vm_offset_t a = trunc_page(va); a < va + len; a += PAGE_SIZE) {
		const struct mpage *p = &s->ms->pg[OFF_TO_IDX(a - M_BASE)];

		if (p->mapped && p->kind == MK_FILE_S &&
		    IDX_TO_OFF(p->idx + 1) > p->so->size)
			return (true);
	}
	return (false);
}

static void
model_write(struct wspace *s, vm_offset_t va, const uint8_t *buf, uint64_t len)
{
	while (len > 0) {
		uint64_t n = PAGE_SIZE - (va & PAGE_MASK);

		if (n > len)
			n = len;
		memcpy(m_write(&s->ms->pg[OFF_TO_IDX(va - M_BASE)]) +
			   (va & PAGE_MASK),
		    buf, n);
		va += n;
		buf += n;
		len -= n;
	}
}

static void
model_compare(struct wspace *s, vm_offset_t va, const uint8_t *buf,
    uint64_t len, const char *who)
{
	for (uint64_t i = 0; i < len; i++, va++) {
		const struct mpage *p = &s->ms->pg[OFF_TO_IDX(va - M_BASE)];
		uint8_t want = m_read(p)[va & PAGE_MASK];

		if (buf[i] != want)
			fail("%s at %llx (page %llu): %02x, should be %02x",
			    who, ULL(va), ULL(OFF_TO_IDX(va - M_BASE)), buf[i],
			    want);
	}
}

static uint8_t iobuf[64 * 4096];

static void
fill(uint64_t len)
{
	uint8_t a = (uint8_t)rnd(256), b = (uint8_t)(1 + rnd(255));

	for (uint64_t i = 0; i < len; i++)
		iobuf[i] = (uint8_t)(a + i * b);
}

/* done and error of a copy against what the model allows. */
static void
check_copy(
    const char *who, int error, uint64_t done, uint64_t good, uint64_t len)
{
	if (excused(error)) {
		if (done > good)
			fail("%s: %llu bytes, only %llu are possible", who,
			    ULL(done), ULL(good));
		return;
	}
	if (error != (good == len ? 0 : EFAULT) || done != good)
		fail("%s: error %d after %llu bytes, should be %d after %llu",
		    who, error, ULL(done), good == len ? 0 : EFAULT, ULL(good));
}

void
op_copyout(struct wspace *s)
{
	uint64_t len, good;
	size_t done = 0;
	vm_offset_t va = any_range(s, &len, 8 * PAGE_SIZE);
	bool zero = rnd(10) == 0;
	int error;

	if (touches_file_tail(s, va, len))
		return;
	good = m_prefix(s->ms, va, len, VM_PROT_WRITE);
	trace("copyout %llx+%llx good %llx%s", ULL(va), ULL(len), ULL(good),
	    zero ? " zero" : "");
	fill(len);
	if (zero && good == len && !w.tight) {
		memset(iobuf, 0, len);
		error = copyout_zero(s->vm, va, len);
		done = error == 0 ? len : 0;
	} else if (rnd(2) == 0 && good == len && !w.tight) {
		error = copyout(s->vm, iobuf, va, len);
		done = error == 0 ? len : 0;
	} else
		error = copyout_part(s->vm, iobuf, va, len, &done);
	check_copy("copyout", error, done, good, len);
	model_write(s, va, iobuf, done);
}

void
op_copyin(struct wspace *s)
{
	uint64_t len, good;
	size_t done = 0;
	vm_offset_t va = any_range(s, &len, 8 * PAGE_SIZE);
	int error;

	good = m_prefix(s->ms, va, len, VM_PROT_READ);
	trace("copyin %llx+%llx good %llx", ULL(va), ULL(len), ULL(good));
	memset(iobuf, 0xa5, len);
	if (rnd(2) == 0) {
		error = copyin(s->vm, iobuf, va, len);
		done = error == 0 ? len : good;
		if (error != 0)
			return (check_copy("copyin", error, good, good, len));
	} else
		error = copyin_part(s->vm, iobuf, va, len, &done);
	check_copy("copyin", error, done, good, len);
	model_compare(s, va, iobuf, done, "copyin");
}

void
op_string(struct wspace *s)
{
	uint64_t len, good, n = 0;
	size_t got = 77;
	vm_offset_t va = any_range(s, &len, 2 * PAGE_SIZE);
	int error, want;

	if (len == 0)
		return;
	trace("copyinstr %llx max %llx", ULL(va), ULL(len));
	good = m_prefix(s->ms, va, len, VM_PROT_READ);
	while (n < good && m_read(&s->ms->pg[OFF_TO_IDX(
			       va + n - M_BASE)])[(va + n) & PAGE_MASK] != 0)
		n++;
	want = n < good ? 0 : good < len ? EFAULT : ENAMETOOLONG;
	error = copyinstr(s->vm, (char *)iobuf, va, len, &got);
	if (excused(error))
		return;
	if (error != want)
		fail("copyinstr: error %d, should be %d", error, want);
	if (error != 0)
		return;
	if (got != n + 1)
		fail("copyinstr: %zu bytes, should be %llu", got, ULL(n + 1));
	model_compare(s, va, iobuf, got, "copyinstr");
}

void
op_fault(struct wspace *s)
{
	static const vm_prot_t accesses[] = {VM_PROT_READ, VM_PROT_WRITE,
	    VM_PROT_READ | VM_PROT_WRITE, VM_PROT_EXECUTE};
	unsigned pg = (unsigned)rnd(M_PAGES);
	vm_offset_t va = M_BASE + pg * PAGE_SIZE;
	struct mpage *p = &s->ms->pg[pg];
	vm_prot_t access = accesses[rnd(4)], prot;
	int error, want;

	if (access == VM_PROT_WRITE && (p->prot & VM_PROT_READ) == 0)
		access = VM_PROT_READ;
	want = m_access(p, access);
	trace("fault page %u access %x want %d", pg, access, want);
	error = vm_fault(s->vm, va + rnd(PAGE_SIZE), access, 0);
	if (excused(error))
		return;
	if (error != want)
		fail("fault page %u access %x: error %d, should be %d", pg,
		    access, error, want);
	if (error != 0)
		return;
	if (!pmap_lookup(s->vm->pmap, va, NULL, &prot) || (access & ~prot) != 0)
		fail("fault page %u access %x: not translated", pg, access);
	if ((access & VM_PROT_WRITE) != 0)
		(void)m_write(p);
}

void
op_word(struct wspace *s)
{
	vm_offset_t va = M_BASE + (rnd(M_PAGES * PAGE_SIZE) & ~(uint64_t)3);
	struct mpage *p = &s->ms->pg[OFF_TO_IDX(va - M_BASE)];
	uint32_t cur = 0, got = 0, cmp, val = (uint32_t)rnd(1u << 31);
	bool cas = rnd(2) == 0;
	int error, want;

	if (touches_file_tail(s, va, 4))
		return;
	want =
	    m_access(p, cas ? VM_PROT_READ | VM_PROT_WRITE : VM_PROT_READ) == 0
		? 0
		: EFAULT;
	trace("%s %llx want %d", cas ? "cas" : "fetch", ULL(va), want);
	if (want == 0)
		memcpy(&cur, m_read(p) + (va & PAGE_MASK), 4);
	cmp = p->kind == MK_FILE_P || rnd(3) != 0 ? cur : cur + 1;
	error = cas ? vm_cas32(s->vm, va, cmp, val, &got)
		    : vm_fetch32(s->vm, va, &got);
	if (excused(error))
		return;
	if (error != want)
		fail("word %llx: error %d, should be %d", ULL(va), error, want);
	if (error != 0)
		return;
	if (got != cur)
		fail("word %llx: %x, should be %x", ULL(va), got, cur);
	if (cas && cmp == cur)
		memcpy(m_write(p) + (va & PAGE_MASK), &val, 4);
	if (vm_fetch32(s->vm, va + 1, &got) != EINVAL)
		fail("fetch32 of a misaligned word");
}

/* Through pinned frames, as host I/O does. */
void
op_iov(struct wspace *s)
{
	struct vm_iov v;
	uint64_t len, good, at = 0;
	size_t done = 0;
	vm_offset_t va = any_range(s, &len, 20 * PAGE_SIZE);
	bool out = rnd(2) == 0;
	int error;

	if (len == 0 || (out && touches_file_tail(s, va, len)))
		return;
	good = m_prefix(s->ms, va, len, out ? VM_PROT_WRITE : VM_PROT_READ);
	trace("iov %s %llx+%llx good %llx", out ? "write" : "read", ULL(va),
	    ULL(len), ULL(good));
	fill(len);
	vm_iov_init(&v, &w.sys);
	error = vm_iov_add(
	    &v, s->vm, va, len, out ? VM_PROT_WRITE : VM_PROT_READ, &done);
	if (!excused(error) &&
	    (done != good || error != (good == 0 ? EFAULT : 0)) && !w.tight)
		fail("iov: error %d, %zu bytes, should be %llu", error, done,
		    ULL(good));
	if (done > good)
		fail("iov: %zu bytes, should be %llu", done, ULL(good));
	if (error == 0 && v.len != done)
		fail("iov: len %zu, done %zu", v.len, done);
	for (int i = 0; error == 0 && i < v.niov; i++) {
		if (out)
			memcpy(v.iov[i].base, iobuf + at, v.iov[i].len);
		else
			memcpy(iobuf + at, v.iov[i].base, v.iov[i].len);
		at += v.iov[i].len;
	}
	if (error == 0 && out)
		model_write(s, va, iobuf, done);
	if (error == 0 && !out)
		model_compare(s, va, iobuf, done, "iov");
	vm_iov_release(&v);
}

/* Pins that outlive operations, and perhaps mapping, page and vmspace. */
void
op_pin(struct wspace *s)
{
	uint64_t len;
	size_t done;
	vm_offset_t va = any_range(s, &len, 12 * PAGE_SIZE);

	trace("pin %llx+%llx", ULL(va), ULL(len));
	vm_iov_release(&w.pin);
	vm_iov_init(&w.pin, &w.sys);
	if (len != 0)
		(void)excused(
		    vm_iov_add(&w.pin, s->vm, va, len, VM_PROT_READ, &done));
}

/* read(2) and write(2) on a file that may be mapped. */
void
op_file_rw(struct wspace *s)
{
	struct mfile *f = &w.file[rnd(W_FILES)];
	uint64_t off, len;

	(void)s;
	if (f->size == 0)
		return;
	off = rnd(f->size);
	len = 1 + rnd(rnd(4) == 0 ? 6 * PAGE_SIZE : 300);
	if (len > f->size - off)
		len = f->size - off;
	if (f != W_CONST && rnd(2) == 0) {
		trace("file%d write %llx+%llx", (int)(f - w.file), ULL(off),
		    ULL(len));
		fill(len);
		memcpy(f->disk + off, iobuf, len);
		vnode_pager_update(f->obj, off, iobuf, len);
		for (uint64_t i = 0; i < len; i++)
			sobj_page(f->so, (unsigned)OFF_TO_IDX(
					     off + i))[(off + i) & PAGE_MASK] =
			    iobuf[i];
		return;
	}
	trace("file%d read %llx+%llx", (int)(f - w.file), ULL(off), ULL(len));
	memcpy(iobuf, f->disk + off, len);
	vnode_pager_overlay(f->obj, off, iobuf, len);
	for (uint64_t i = 0; i < len; i++)
		if (iobuf[i] !=
		    sobj_page(f->so,
			(unsigned)OFF_TO_IDX(off + i))[(off + i) & PAGE_MASK])
			fail("file%d: read at %llx is stale", (int)(f - w.file),
			    ULL(off + i));
}

static void
check_disk(const struct mpage *p)
{
	const struct mfile *f = w.file;
	uint64_t off = IDX_TO_OFF(p->idx), n;

	if (!p->mapped || p->kind != MK_FILE_S || off >= p->so->size)
		return;
	while (f->so != p->so)
		f++;
	n = f->size - off < PAGE_SIZE ? f->size - off : PAGE_SIZE;
	if (memcmp(f->disk + off, sobj_page(f->so, p->idx), n) != 0)
		fail("file%d: page %u not on disk after msync",
		    (int)(f - w.file), p->idx);
}

void
op_msync(struct wspace *s)
{
	unsigned pg = (unsigned)rnd(M_PAGES);
	unsigned n = 1 + (unsigned)rnd(rnd(3) == 0 ? M_PAGES - pg : 1);
	int error, want = m_mapped_run(s->ms, pg, n) ? 0 : ENOMEM;

	trace("msync page %u+%u want %d", pg, n, want);
	error = vm_msync(s->vm, M_BASE + pg * PAGE_SIZE, n * PAGE_SIZE, true);
	if (error != want)
		fail("msync: error %d, should be %d", error, want);
	for (unsigned i = 0; i < n; i++)
		check_disk(&s->ms->pg[pg + i]);
}

void
op_truncate(struct wspace *s)
{
	struct mfile *f = &w.file[rnd(W_FILES - 1)];
	uint64_t size =
	    rnd(4) == 0 ? f->size + rnd(8 * PAGE_SIZE) : rnd(120 * PAGE_SIZE);

	(void)s;
	if (size > FILE_MAX - PAGE_SIZE)
		size = FILE_MAX - PAGE_SIZE;
	if (rnd(3) == 0)
		size = trunc_page(size);
	trace("file%d truncate %llx -> %llx", (int)(f - w.file), ULL(f->size),
	    ULL(size));
	if (size < f->size)
		memset(f->disk + size, 0, f->size - size);
	f->size = size;
	vnode_pager_setsize(f->obj, size);
	sobj_truncate(f->so, size);
}

void
op_reclaim(struct wspace *s)
{
	(void)s;
	trace("reclaim and trim");
	(void)vm_pageout_reclaim(&w.sys, 1 + rnd(40));
	if (rnd(4) == 0)
		(void)vm_phys_trim(&w.sys.phys[0]);
}

void
op_meter(struct wspace *s)
{
	struct vmspace_stat st;
	unsigned pg = (unsigned)rnd(M_PAGES), n = 1 + (unsigned)rnd(20);
	uint64_t mapped = 0, locked = 0;
	uint8_t vec[32];
	int error, want;

	if (pg + n > M_PAGES)
		n = M_PAGES - pg;
	want = m_mapped_run(s->ms, pg, n) ? 0 : ENOMEM;
	trace("mincore page %u+%u, stat", pg, n);
	error = vm_mincore(s->vm, M_BASE + pg * PAGE_SIZE, n * PAGE_SIZE, vec);
	if (error != want)
		fail("mincore: error %d, should be %d", error, want);
	for (unsigned i = 0; error == 0 && i < n; i++)
		if ((vec[i] & 1) == 0 && s->ms->pg[pg + i].priv != NULL &&
		    (!w.swap || s->ms->pg[pg + i].locked))
			fail("mincore: page %u has contents, not resident",
			    pg + i);
	vmspace_stat(s->vm, &st);
	for (unsigned i = 0; i < M_PAGES; i++) {
		mapped += s->ms->pg[i].mapped;
		locked += s->ms->pg[i].locked;
	}
	if (s->vm->map.locked != locked * PAGE_SIZE)
		fail("locked %llu bytes, should be %llu",
		    ULL(s->vm->map.locked), ULL(locked * PAGE_SIZE));
	if (st.size != mapped * PAGE_SIZE + (VM_MAX_ADDRESS - M_END))
		fail("stat: size %llu, should be %llu", ULL(st.size),
		    ULL(mapped * PAGE_SIZE + (VM_MAX_ADDRESS - M_END)));
	if (st.refs != 1 || st.holds != 1 || st.exiting)
		fail(
		    "stat: %llu refs, %llu holds", ULL(st.refs), ULL(st.holds));
}
