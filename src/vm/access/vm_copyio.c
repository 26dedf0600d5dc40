/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Access to user memory by the kernel.
 *
 * Concepts: page by page.  The software tables of the pmap say whether a
 * page is translated with the right that the access needs; if so its frame is
 * held and used through the kernel's mapping of the arena, without any lock.
 * Otherwise vm_fault() makes the translation, and the walk is tried again, a
 * bounded number of times, since another thread may remove the translation.
 *
 * A held frame keeps its storage, not its place: by the time the bytes are
 * copied the page may have been made copy-on-write by a fork, or been found
 * clean and written to its file.  A store into it would then be lost.  So
 * after storing the translation is looked at again: if it is not the same
 * frame, writable, the page is stored once more through the new translation.
 * Storing the same bytes twice does no harm.  An atomic operation cannot be
 * repeated; vm_cas32() keeps the map read-locked instead, which keeps forks
 * out (pages of files that may be cleaned meanwhile are marked dirty again).
 * vm_iov_commit() does for pins what copyout does for its stores.
 *
 * Guest threads change the same memory at the same time and natively, so the
 * raw copies are races by design (vm_rawcopy.h).
 *
 * Locking: no lock is held on entry or across a fault.
 *
 * Guarantees: *done counts bytes that were copied.  No address at or above
 * VM_MAX_ADDRESS is touched.
 *
 * Limits: a child may see a store that was under way, in another thread or
 * through a pin, when it was forked; the parent sees it in any case.
 */
#include "vm/access/vm_copyio.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#include "libk/kassert.h"
#include "vm/fault/vm_fault.h"
#include "vm/map/vm_map_int.h"
#include "mem/vm_rawcopy.h"

#define COPYIO_TRIES 4096
#define COPYIO_SPIN 8 /* tries before giving way to the other thread */
#define STR_CHUNK 256 /* bytes fetched at once by copyinstr */

/*
 * Before try number i.  A try fails only because another thread took the
 * translation away again; one that forks in a loop can do that many times.
 */
static inline void
retry_pause(int i)
{
	if (i >= COPYIO_SPIN)
		host_yield();
}

static bool
range_ok(vm_offset_t va, size_t len)
{
	return (va <= VM_MAX_ADDRESS && len <= VM_MAX_ADDRESS - va);
}

/* The error that a guest gets. */
static int
fault_error(int error)
{
	return (
	    error == 0 || error == ENOMEM || error == ESRCH ? error : EFAULT);
}

int
vm_page_get(
    struct vmspace *vm, vm_offset_t va, vm_prot_t access, struct vm_page **out)
{
	struct vm_page *m;
	int error;

	for (int i = 0; i < COPYIO_TRIES; i++) {
		retry_pause(i);
		m = pmap_extract_hold(vm->pmap, va, access);
		if (m != NULL) {
			*out = m;
			return (0);
		}
		error = vm_fault(vm, va, access, VM_FAULT_COPYIO);
		if (error != 0)
			return (error == EACCES ? EFAULT : error);
	}
	return (EFAULT);
}

static int
page_hold(
    struct vmspace *vm, vm_offset_t va, vm_prot_t access, struct vm_page **out)
{
	return (fault_error(vm_page_get(vm, va, access, out)));
}

static inline char *
user_ptr(const struct vmspace *vm, const struct vm_page *m, vm_offset_t va)
{
	return ((char *)vm_page_ptr(vm->sys->phys, m) + (va & PAGE_MASK));
}

static int
load_page(struct vmspace *vm, void *dst, vm_offset_t va, size_t n)
{
	struct vm_page *m;
	int error;

	error = page_hold(vm, va, VM_PROT_READ, &m);
	if (error != 0)
		return (error);
	raw_copy(dst, user_ptr(vm, m, va), n);
	vm_page_unhold(vm->sys->phys, m);
	return (0);
}

/* Is va still translated to that frame, for writing? */
static bool
still_writable(struct vmspace *vm, vm_offset_t va, const struct vm_page *m)
{
	vm_frame_t frame;
	vm_prot_t prot;

	return (pmap_lookup(vm->pmap, va, &frame, &prot) &&
		(prot & VM_PROT_WRITE) != 0 &&
		frame == vm_page_frame(vm->sys->phys, m));
}

static int
store_page(struct vmspace *vm, const void *src, vm_offset_t va, size_t n)
{
	struct vm_page *m;
	bool stays;
	int error;

	for (int i = 0; i < COPYIO_TRIES; i++) {
		retry_pause(i);
		error = page_hold(vm, va, VM_PROT_WRITE, &m);
		if (error != 0)
			return (error);
		raw_copy(user_ptr(vm, m, va), src, n);
		stays = still_writable(vm, va, m);
		vm_page_unhold(vm->sys->phys, m);
		if (stays)
			return (0);
	}
	return (EFAULT);
}

static inline size_t
page_rest(vm_offset_t va, size_t len)
{
	size_t n = PAGE_SIZE - (va & PAGE_MASK);

	return (n < len ? n : len);
}

int
copyin_part(
    struct vmspace *vm, void *dst, vm_offset_t src, size_t len, size_t *done)
{
	size_t at = 0, n;
	int error = range_ok(src, len) ? 0 : EFAULT;

	for (; error == 0 && at < len; at += n) {
		n = page_rest(src + at, len - at);
		error = load_page(vm, (char *)dst + at, src + at, n);
		if (error != 0)
			break;
	}
	*done = at;
	return (error);
}

/* src NULL: zeroes. */
static int
store_part(struct vmspace *vm, const void *src, vm_offset_t dst, size_t len,
    size_t *done)
{
	size_t at = 0, n;
	int error = range_ok(dst, len) ? 0 : EFAULT;

	for (; error == 0 && at < len; at += n) {
		n = page_rest(dst + at, len - at);
		error = store_page(vm,
		    src != NULL ? (const char *)src + at : NULL, dst + at, n);
		if (error != 0)
			break;
	}
	*done = at;
	return (error);
}

int
copyin(struct vmspace *vm, void *dst, vm_offset_t src, size_t len)
{
	size_t done;

	return (copyin_part(vm, dst, src, len, &done));
}

int
copyout_part(struct vmspace *vm, const void *src, vm_offset_t dst, size_t len,
    size_t *done)
{
	KASSERT(src != NULL || len == 0);
	return (store_part(vm, src, dst, len, done));
}

int
copyout(struct vmspace *vm, const void *src, vm_offset_t dst, size_t len)
{
	size_t done;

	return (copyout_part(vm, src, dst, len, &done));
}

int
copyout_zero(struct vmspace *vm, vm_offset_t dst, size_t len)
{
	size_t done;

	return (store_part(vm, NULL, dst, len, &done));
}

int
copyinstr(
    struct vmspace *vm, char *dst, vm_offset_t src, size_t max, size_t *len)
{
	size_t at = 0, n;
	char *nul;
	int error;

	while (at < max) {
		n = page_rest(src + at, max - at);
		if (at == 0 && n > STR_CHUNK)
			n = STR_CHUNK;
		if (!range_ok(src + at, 1) || src + at >= VM_MAX_ADDRESS)
			return (EFAULT);
		error = load_page(vm, dst + at, src + at, n);
		if (error != 0)
			return (error);
		nul = memchr(dst + at, '\0', n);
		if (nul != NULL) {
			if (len != NULL)
				*len = (size_t)(nul - dst) + 1;
			return (0);
		}
		at += n;
	}
	return (ENAMETOOLONG);
}

/* ---- words ---- */

int
vm_fetch32(struct vmspace *vm, vm_offset_t va, uint32_t *val)
{
	struct vm_page *m;
	int error;

	if ((va & 3) != 0)
		return (EINVAL);
	if (!range_ok(va, sizeof(*val)))
		return (EFAULT);
	error = page_hold(vm, va, VM_PROT_READ, &m);
	if (error != 0)
		return (error);
	*val = atomic_load((_Atomic(uint32_t) *)(void *)user_ptr(vm, m, va));
	vm_page_unhold(vm->sys->phys, m);
	return (0);
}

/*
 * A page that was written through a pin may have been cleaned in between:
 * say that it is dirty.  The page is held; it need not belong to anything.
 */
static void
page_redirty(struct vm_page *m)
{
	struct vm_object *obj = vm_page_owner(m);

	if (obj == NULL || !vm_object_tryhold(obj))
		return;
	if (obj->vops != NULL) {
		vm_object_lock(obj);
		if (vm_page_owner(m) == obj)
			m->flags |= PG_DIRTY;
		vm_object_unlock(obj);
	}
	vm_object_drop(obj);
}

void
vm_page_put(struct vm_system *sys, struct vm_page *m, bool stored)
{
	if (stored)
		page_redirty(m);
	vm_page_unhold(sys->phys, m);
}

int
vm_cas32_once(struct vmspace *vm, vm_offset_t va, uint32_t cmp, uint32_t val,
    uint32_t *old)
{
	struct vm_page *m;
	uint32_t was = cmp;

	if ((va & 3) != 0)
		return (EINVAL);
	if (!range_ok(va, sizeof(val)))
		return (EFAULT);
	vm_map_lock_read(&vm->map);
	m = pmap_extract_hold(vm->pmap, va, VM_PROT_WRITE);
	if (m != NULL)
		atomic_compare_exchange_strong(
		    (_Atomic(uint32_t) *)(void *)user_ptr(vm, m, va), &was,
		    val);
	vm_map_unlock_read(&vm->map);
	if (m == NULL)
		return (EFAULT);
	if (!still_writable(vm, va, m))
		page_redirty(m);
	vm_page_unhold(vm->sys->phys, m);
	*old = was;
	return (0);
}

int
vm_cas32(struct vmspace *vm, vm_offset_t va, uint32_t cmp, uint32_t val,
    uint32_t *old)
{
	int error;

	if ((va & 3) != 0)
		return (EINVAL);
	if (!range_ok(va, sizeof(val)))
		return (EFAULT);
	for (int i = 0; i < COPYIO_TRIES; i++) {
		retry_pause(i);
		if (vm_cas32_once(vm, va, cmp, val, old) == 0)
			return (0);
		error = vm_fault(vm, va, VM_PROT_WRITE, VM_FAULT_COPYIO);
		if (error != 0)
			return (fault_error(error));
	}
	return (EFAULT);
}

/* Shared: the object and the offset of va in it. */
static int
futex_key_shared(struct vmspace *vm, vm_offset_t va, struct vm_futex_key *key)
{
	const struct vm_map_entry *e;
	int error = 0;

	vm_map_lock_read(&vm->map);
	e = vm_map_lookup(&vm->map, va, NULL);
	if (vm->map.dead)
		error = ESRCH;
	else if (e == NULL)
		error = EFAULT;
	else if ((e->eflags & MAP_ENTRY_SHARED) != 0 && e->object != NULL) {
		key->a = e->object->id;
		key->b = e->offset + (va - e->start);
	} else {
		key->a = vm->id;
		key->b = va;
	}
	vm_map_unlock_read(&vm->map);
	return (error);
}

int
vm_futex_key(
    struct vmspace *vm, vm_offset_t va, bool shared, struct vm_futex_key *key)
{
	struct vm_page *m;
	int error;

	if ((va & 3) != 0)
		return (EINVAL);
	if (!range_ok(va, 4))
		return (EFAULT);
	if (!shared) {
		key->a = vm->id;
		key->b = va;
		return (0);
	}
	error = page_hold(vm, va, VM_PROT_READ, &m);
	if (error != 0)
		return (error);
	vm_page_unhold(vm->sys->phys, m);
	return (futex_key_shared(vm, va, key));
}

/* ---- pinned ranges ---- */

void
vm_iov_init(struct vm_iov *v, struct vm_system *sys)
{
	v->sys = sys;
	v->vm = NULL;
	v->len = 0;
	v->niov = 0;
	v->npages = 0;
	v->write = false;
}

static void
iov_append(struct vm_iov *v, char *p, size_t n)
{
	struct host_iovec *last = v->niov > 0 ? &v->iov[v->niov - 1] : NULL;

	if (last != NULL && (char *)last->base + last->len == p)
		last->len += n;
	else {
		v->iov[v->niov].base = p;
		v->iov[v->niov].len = n;
		v->niov++;
	}
	v->len += n;
}

int
vm_iov_add(struct vm_iov *v, struct vmspace *vm, vm_offset_t va, size_t len,
    vm_prot_t access, size_t *done)
{
	struct vm_page *m;
	size_t at = 0, n;
	int error = 0;

	KASSERT(v->vm == NULL || v->vm == vm);
	if (!range_ok(va, len))
		return (EFAULT);
	v->vm = vm;
	while (at < len && v->npages < VM_IOV_MAX) {
		n = page_rest(va + at, len - at);
		error = page_hold(vm, va + at, access, &m);
		if (error != 0)
			break;
		v->page[v->npages] = m;
		v->va[v->npages] = va + at;
		v->bytes[v->npages++] = (uint16_t)n;
		if ((access & VM_PROT_WRITE) != 0)
			v->write = true;
		iov_append(v, user_ptr(vm, m, va + at), n);
		at += n;
	}
	if (at == 0 && error != 0)
		return (error);
	*done = at;
	return (0);
}

void
vm_iov_commit(struct vm_iov *v, size_t done)
{
	size_t n, ignored;

	for (int i = 0; i < v->npages && done > 0; i++) {
		n = v->bytes[i] < done ? v->bytes[i] : done;
		if (!still_writable(v->vm, v->va[i], v->page[i]))
			(void)store_part(v->vm,
			    user_ptr(v->vm, v->page[i], v->va[i]), v->va[i], n,
			    &ignored);
		done -= n;
	}
}

void
vm_iov_release(struct vm_iov *v)
{
	for (int i = 0; i < v->npages; i++)
		vm_page_put(v->sys, v->page[i], v->write);
	vm_iov_init(v, v->sys);
}
