/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Making, comparing and unmaking the pair of system and model.
 *
 * The window [M_BASE, M_END) is all that operations use.  The rest of each
 * address space is one inaccessible mapping (the fence), so that placement
 * and growth end at the window as they end in the model, and ENOMEM for want
 * of room can be predicted.
 */
#include "vm/pager/vm_swapcache.h"
#include "world.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libk/kassert.h"
#include "machine/fake/pmap_soft.h"
#include "pmap/pmap.h"
#include "vm/object/vm_object.h"
#include "mem/vm_zone.h"
#include "testrand.h"
#include "vm/pager/vnode_pager.h"

struct world w;

void
fail(const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "FAIL seed %llu%s op %ld: ", (unsigned long long)w.seed,
	    w.tight ? " --tight" : "", w.op);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	_exit(1);
}

void
trace(const char *fmt, ...)
{
	va_list ap;

	if (!w.trace)
		return;
	printf("%6ld ", w.op);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

uint64_t
rnd(uint64_t n)
{
	return (rnd_below(&w.rng, n));
}

bool
excused(int error)
{
	if (error != ENOMEM || !w.tight)
		return (false);
	w.enomem++;
	atomic_store(&w.fake.fail_every, 0);
	return (true);
}

/* ---- files ---- */

static int
file_read(void *h, uint64_t off, void *buf, size_t len, size_t *done)
{
	struct mfile *f = h;

	klock_assert_none();
	*done = off >= f->size ? 0 : f->size - off < len ? f->size - off : len;
	memcpy(buf, f->disk + (*done != 0 ? off : 0), *done);
	return (0);
}

static int
file_write(void *h, uint64_t off, const void *buf, size_t len, size_t *done)
{
	struct mfile *f = h;

	klock_assert_none();
	if (off > f->size || len > f->size - off)
		fail("pager writes %llu+%zu of a file of %llu",
		    (unsigned long long)off, len, (unsigned long long)f->size);
	memcpy(f->disk + off, buf, len);
	*done = len;
	return (0);
}

static int
file_size(void *h, uint64_t *size)
{
	*size = ((struct mfile *)h)->size;
	return (0);
}

static void
file_ref(void *h)
{
	((struct mfile *)h)->refs++;
}

static void
file_rele(void *h)
{
	if (--((struct mfile *)h)->refs < 0)
		fail("vnode released too often");
}

static void
file_name(void *h, char *buf, size_t size)
{
	snprintf(buf, size, "file%d", (int)((struct mfile *)h - w.file));
}

static void
file_ident(void *h, uint64_t *dev, uint64_t *ino)
{
	*dev = 1;
	*ino = (uint64_t)((struct mfile *)h - w.file) + 1;
}

/* Files change through the pager only, which must keep count of its dirty
 * pages. */
static int
file_stamp(void *h, uint64_t *stamp)
{
	(void)h;
	*stamp = 1;
	return (0);
}

static const struct vm_vnode_ops file_ops = {
    .read = file_read,
    .write = file_write,
    .size = file_size,
    .ref = file_ref,
    .rele = file_rele,
    .name = file_name,
    .stamp = file_stamp,
    .ident = file_ident,
};

static void
file_create(struct mfile *f, uint64_t size)
{
	f->size = size;
	f->disk = calloc(1, FILE_MAX);
	f->so = sobj_new(true, size);
	f->refs = 0;
	for (uint64_t i = 0; i < size; i++)
		f->disk[i] = (uint8_t)(1 + i / PAGE_SIZE * 7 + i % 251);
	for (uint64_t off = 0; off < size; off += PAGE_SIZE)
		memcpy(sobj_page(f->so, (unsigned)OFF_TO_IDX(off)),
		    f->disk + off,
		    size - off < PAGE_SIZE ? size - off : PAGE_SIZE);
	if (vnode_pager_alloc(&w.sys, f, &file_ops, &f->obj) != 0)
		fail("vnode_pager_alloc");
}

static void
file_destroy(struct mfile *f)
{
	if (f->refs != 0)
		fail("file%d: %d vnode refs left", (int)(f - w.file), f->refs);
	vnode_pager_dealloc(f->obj);
	for (uint64_t off = 0; off < f->size; off += PAGE_SIZE)
		if (memcmp(f->disk + off,
			sobj_page(f->so, (unsigned)OFF_TO_IDX(off)),
			f->size - off < PAGE_SIZE ? f->size - off
						  : PAGE_SIZE) != 0)
			fail("file%d: page %llu on disk is wrong at the end",
			    (int)(f - w.file),
			    (unsigned long long)OFF_TO_IDX(off));
	sobj_put(f->so);
	free(f->disk);
}

/* ---- the world ---- */

static void
first_space(struct wspace *s)
{
	vm_offset_t fence = M_END;
	int error;

	error = vmspace_alloc(&w.sys, &s->vm);
	if (error == 0) {
		s->vm->mmap_top = M_END;
		s->vm->brk_start = s->vm->brk_end = M_BASE + 40 * PAGE_SIZE;
		error =
		    vm_mmap(s->vm, &fence, VM_MAX_ADDRESS - M_END, VM_PROT_NONE,
			VM_PROT_NONE, VMM_FIXED | VMM_NORESERVE, NULL, 0);
	}
	if (error != 0)
		fail("first vmspace: error %d", error);
	s->ms = calloc(1, sizeof(*s->ms));
	s->ms->brk_start = s->ms->brk = s->vm->brk_start;
}

void
world_create(uint64_t seed, bool tight)
{
	struct vm_system_config cf = {
	    .mem = (tight ? 160 : 6000) * PAGE_SIZE,
	    .pmap_ops = &pmap_soft_ops,
	};
	bool tr = w.trace;

	memset(&w, 0, sizeof(w));
	w.trace = tr;
	w.seed = seed;
	w.tight = tight;
	w.swap = seed % 3 != 0;
	cf.host = host_fake(&w.fake);
	if (vm_system_init(&w.sys, &cf) != 0)
		fail("vm_system_init");
	if (w.swap)
		vm_swapcache_set(&w.sys, seed % 7 * 20, 0);
	file_create(&w.file[0], 40 * PAGE_SIZE + 1000);
	file_create(&w.file[1], 3 * PAGE_SIZE);
	file_create(&w.file[2], 100 * PAGE_SIZE + 1);
	vm_iov_init(&w.pin, &w.sys);
	first_space(&w.sp[0]);
}

void
wspace_free(struct wspace *s)
{
	vmspace_free(s->vm);
	m_clear_range(s->ms, 0, M_PAGES);
	free(s->ms);
	s->vm = NULL;
	s->ms = NULL;
}

void
world_destroy(void)
{
	atomic_store(&w.fake.fail_every, 0);
	for (int i = 0; i < W_SPACES; i++)
		if (w.sp[i].vm != NULL)
			wspace_free(&w.sp[i]);
	vm_iov_release(&w.pin);
	if (vm_check_system(&w.sys) != 0)
		fail("vm_check_system after the last vmspace");
	for (int i = 0; i < W_FILES; i++)
		file_destroy(&w.file[i]);
	if (vm_zone_set_live(w.sys.zones) != 0)
		fail("zones: %llu items live at the end",
		    (unsigned long long)vm_zone_set_live(w.sys.zones));
	if (atomic_load(&w.sys.phys->nfree) != w.sys.phys->npages)
		fail("%llu of %llu frames free at the end",
		    (unsigned long long)atomic_load(&w.sys.phys->nfree),
		    (unsigned long long)w.sys.phys->npages);
	vm_system_destroy(&w.sys);
	if (atomic_load(&w.fake.live) != 0)
		fail("%lld bytes of the host left",
		    (long long)atomic_load(&w.fake.live));
	if (m_live != 0)
		fail("the model leaks: %ld", m_live);
}

/* ---- comparing ---- */

void
world_check(void)
{
	int bad = 0;

	for (int i = 0; i < W_SPACES; i++)
		if (w.sp[i].vm != NULL)
			bad += vm_check_vmspace(w.sp[i].vm);
	bad += vm_check_system(&w.sys);
	if (bad != 0)
		fail("%d broken invariants", bad);
}

static void
verify_page(int space, unsigned pg)
{
	struct wspace *s = &w.sp[space];
	const struct mpage *p = &s->ms->pg[pg];
	uint8_t buf[4096];
	int error, want;

	want = m_access(p, VM_PROT_READ) == 0 ? 0 : EFAULT;
	error = copyin(s->vm, buf, M_BASE + pg * PAGE_SIZE, sizeof(buf));
	if (excused(error))
		return;
	if (error != want)
		fail("verify: space %d page %u: error %d, should be %d", space,
		    pg, error, want);
	if (error != 0)
		return;
	for (unsigned i = 0; i < sizeof(buf); i++)
		if (buf[i] != m_read(p)[i])
			fail("verify: space %d page %u byte %u: %02x, should "
			     "be %02x",
			    space, pg, i, buf[i], m_read(p)[i]);
}

void
world_verify(void)
{
	world_check();
	for (int i = 0; i < W_SPACES; i++) {
		if (w.sp[i].vm == NULL)
			continue;
		for (unsigned pg = 0; pg < M_PAGES; pg++)
			verify_page(i, pg);
	}
	world_check();
}

/* Evidence that the sequences reach what they are meant to reach. */
void
world_stats(void)
{
	struct vm_system_stat st;

	vm_system_stat(&w.sys, &st);
	for (int i = 0; i < VMST_N; i++)
		printf("%s %lld, ", vm_stat_name((enum vm_stat)i),
		    (long long)st.stat[i]);
	printf("\nobjects %llu, peak %llu pages, refusals %llu\n",
	    (unsigned long long)st.objects,
	    (unsigned long long)(st.peak >> PAGE_SHIFT),
	    (unsigned long long)w.enomem);
}
