/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Address spaces: fork by inheritance, refusals of memory at every step, life
 * in two stages, accounting, and threads.
 */
#include "vm_testlib.h"

#include <pthread.h>

#include "abi/mman.h"
#include "libk/kassert.h"
#include "vm/map/vm_map_int.h"
#include "testrand.h"

/* ---- fork ---- */

static void
test_fork_inherit(void **state)
{
	struct fixture ts;
	struct vmspace *vm, *c;
	struct vm_object *obj;
	vm_offset_t p, s, s0, w, n, f;
	struct vm_entry_info info;

	ts_init(&ts, 8 << 20);
	obj = paged_file_open(&ts);
	vm = space(&ts);
	vm->brk_start = vm->brk_end = BASE;
	vm->stack_top = BASE + 77;
	p = map_anon(vm, 4, RW, 0);
	s = map_anon(vm, 4, RW, VMM_SHARED);
	s0 = map_anon(vm, 4, R | VM_PROT_EXECUTE, VMM_SHARED);
	w = map_anon(vm, 4, RW, VMM_NORESERVE);
	n = map_anon(vm, 4, R, VMM_NORESERVE);
	f = map_file(vm, obj, 4, RW, 0, 0);
	assert_int_equal(vm_madvise(vm, w, 4 * PG, LX_MADV_WIPEONFORK), 0);
	assert_int_equal(vm_madvise(vm, n, 4 * PG, LX_MADV_DONTFORK), 0);
	assert_int_equal(vm_mlock(vm, p, PG, true), 0);
	ts_put(vm, p, 1);
	ts_put(vm, s, 2);
	ts_put(vm, w, 3);
	ts_put(vm, f, 4);
	assert_int_equal(vmspace_fork(vm, &c), 0);
	ts_check(vm);
	ts_check(c);
	assert_int_equal(pmap_count(c->pmap, 0, VM_MAX_ADDRESS), 0);
	assert_int_equal(c->stack_top, BASE + 77);
	assert_int_equal(c->map.locked, 0);
	assert_int_equal(vm->map.locked, PG);
	assert_int_equal(ts_get(c, p), 1);
	assert_int_equal(ts_get(c, s), 2);
	assert_int_equal(ts_get(c, s0), 0);
	assert_int_equal(ts_get(c, w), 0);
	assert_int_equal(ts_get(c, f), 4);
	assert_int_equal(copyin(c, &info, n, 1), EFAULT);
	ts_put(c, p, 10);
	ts_put(c, s, 20);
	ts_put(vm, f, 40);
	ts_put(vm, p + PG, 11);
	assert_int_equal(ts_get(vm, p), 1);
	assert_int_equal(ts_get(vm, s), 20);
	assert_int_equal(ts_get(vm, w), 3);
	assert_int_equal(ts_get(c, f), 4);
	assert_int_equal(ts_get(c, p + PG), 0);
	assert_int_equal(vmspace_entry_info(c, f, &info), 0);
	assert_string_equal(info.name, "/a/file");
	assert_int_equal(info.dev, 5);
	assert_int_equal(info.ino, 6);
	assert_int_equal(info.start, f);
	assert_true(info.depth >= 2);
	assert_int_equal(vmspace_entry_info(c, VM_MAX_ADDRESS, &info), ENOENT);
	ts_check(vm);
	ts_check(c);
	assert_int_equal(vm_check_system(&ts.sys), 0);
	vmspace_free(vm);
	assert_int_equal(ts_get(c, p), 10);
	assert_int_equal(ts_get(c, f), 4);
	ts_check(c);
	vmspace_free(c);
	file_close(&file, obj);
	fixture_fini(&ts);
}

/* Generations of forks with memory that is never touched before. */
static void
test_fork_untouched(void **state)
{
	struct fixture ts;
	struct vmspace *vm, *c;
	vm_offset_t a;

	ts_init(&ts, 8 << 20);
	vm = space(&ts);
	a = map_anon(vm, 4, RW, 0);
	for (uint64_t i = 0; i < 50; i++) {
		assert_int_equal(vmspace_fork(vm, &c), 0);
		ts_put(c, a, i);
		ts_put(vm, a + PG, i);
		assert_int_equal(ts_get(c, a + PG), 0);
		vmspace_free(vm);
		vm = c;
		ts_check(vm);
	}
	assert_true(vm_object_chain_depth(ts_entry(vm, a).object) <= 2);
	vmspace_free(vm);
	fixture_fini(&ts);
}

/* ---- refusals ---- */

/* Live items, but for objects: shared memory may get its object early. */
static uint64_t
live_items(struct fixture *ts)
{
	return (
	    vm_zone_set_live(ts->sys.zones) - vm_zone_live(ts->sys.z_object));
}

static void
refuse_fork(struct fixture *ts, struct vmspace *vm, struct vm_zone *zone)
{
	static struct dry d;
	struct vmspace *c = NULL;
	uint64_t live;
	int error = ENOMEM;

	for (size_t left = 0; error != 0; left++) {
		assert_true(left < 64);
		live = live_items(ts);
		dry_begin(&d, ts, zone, left);
		error = vmspace_fork(vm, &c);
		dry_end(&d);
		if (error != 0) {
			assert_int_equal(error, ENOMEM);
			assert_null(c);
			assert_int_equal(live_items(ts), live);
		}
		ts_check(vm);
	}
	ts_check(c);
	vmspace_free(c);
}

static void
test_fork_refused(void **state)
{
	struct fixture ts;
	struct vmspace *vm;
	vm_offset_t a;

	ts_init(&ts, 8 << 20);
	vm = space(&ts);
	a = map_anon(vm, 4, RW, 0);
	ts_put(vm, a, 1);
	(void)map_anon(vm, 4, RW, VMM_SHARED);
	/* Shared, without an object yet. */
	vm_map_lock(&vm->map);
	for (uint64_t i = 0; i < 3; i++)
		assert_int_equal(
		    vm_map_insert(&vm->map, NULL, 0, BASE + 2 * i * PG,
			BASE + (2 * i + 1) * PG, RW, ALL, VM_INHERIT_SHARE,
			MAP_ENTRY_SHARED),
		    0);
	vm_map_unlock(&vm->map);
	refuse_fork(&ts, vm, ts.sys.z_object);
	refuse_fork(&ts, vm, ts.sys.z_entry);
	refuse_fork(&ts, vm, ts.sys.z_vmspace);
	refuse_fork(&ts, vm, ts.sys.z_pmap);
	assert_int_equal(ts_get(vm, a), 1);
	ts_put(vm, a, 2);
	ts_check(vm);
	vmspace_free(vm);
	fixture_fini(&ts);
}

/* The host refuses its n-th request, at creation, mmap, fork or a fault. */
static void
test_host_refuses(void **state)
{
	struct fixture ts;
	struct vm_system_config cf = {
	    .mem = 4 << 20, .pmap_ops = &pmap_soft_ops};
	struct vmspace *vm = NULL, *c = NULL;
	vm_offset_t a, b;
	bool done = false;
	int error;

	for (int n = 1; !done; n++) {
		assert_true(n < 200);
		memset(&ts, 0, sizeof(ts));
		cf.host = host_fake(&ts.host);
		atomic_store(&ts.host.fail_at, n);
		error = vm_system_init(&ts.sys, &cf);
		if (error != 0) {
			assert_int_equal(atomic_load(&ts.host.live), 0);
			continue;
		}
		ts.frames = ts.sys.phys->npages;
		a = b = 0;
		error = vmspace_alloc(&ts.sys, &vm);
		if (error == 0) {
			error = vm_mmap(
			    vm, &a, 8 * PG, RW, ALL, VMM_SHARED, NULL, 0);
			if (error == 0)
				error = vm_mmap(
				    vm, &b, 8 * PG, RW, ALL, 0, NULL, 0);
			if (error == 0)
				error = copyout(vm, "abc", b, 4);
			if (error == 0 && vmspace_fork(vm, &c) == 0) {
				(void)copyout(c, "abc", b, 4);
				ts_check(c);
				vmspace_free(c);
				done = atomic_load(&ts.host.calls) < n;
			}
			ts_check(vm);
			vmspace_free(vm);
		}
		fixture_fini(&ts);
	}
}

static void
test_mremap_refused(void **state)
{
	static struct dry d;
	struct fixture ts;
	struct vmspace *vm;
	vm_offset_t a, b;
	int error;

	ts_init(&ts, 8 << 20);
	for (int flags = 1; flags <= 5; flags += 4) {
		error = ENOMEM;
		vm = space(&ts);
		a = map_anon(vm, 8, RW, 0);
		ts_put(vm, a + 3 * PG, 33);
		for (size_t left = 0; error != 0; left++) {
			assert_true(left < 16);
			b = 0;
			dry_begin(&d, &ts, ts.sys.z_entry, left);
			error = vm_mremap(vm, a + 2 * PG, 4 * PG,
			    (flags == 1 ? 5 : 4) * PG, flags, &b);
			if (error != 0) {
				assert_int_equal(error, ENOMEM);
				assert_int_equal(ts_get(vm, a + 3 * PG), 33);
			}
			dry_end(&d);
			ts_check(vm);
		}
		assert_int_equal(ts_get(vm, b + PG), 33);
		vmspace_free(vm);
	}
	fixture_fini(&ts);
}

/* ---- life ---- */

static void
test_life(void **state)
{
	struct fixture ts;
	struct vmspace *vm, *c = NULL;
	struct vmspace_stat st;
	struct vm_entry_info info;
	vm_offset_t a;
	uint8_t vec;
	uint64_t x = 0;

	ts_init(&ts, 4 << 20);
	vm = space(&ts);
	a = map_anon(vm, 8, RW, 0);
	ts_put(vm, a, 1);
	vmspace_ref(vm);
	assert_int_equal(vmspace_tryref(vm), 0);
	vmspace_hold(vm);
	vmspace_free(vm);
	vmspace_free(vm);
	assert_int_equal(ts_get(vm, a), 1);
	vmspace_stat(vm, &st);
	assert_int_equal(st.refs, 1);
	assert_int_equal(st.holds, 2);
	assert_int_equal(st.size, 8 * PG);
	assert_false(st.exiting);
	/* The last ref is given up: memory is freed, the structure stays. */
	vmspace_free(vm);
	assert_int_equal(atomic_load(&ts.sys.phys->nfree), ts.sys.phys->npages);
	assert_int_equal(vm_zone_live(ts.sys.z_vmspace), 1);
	assert_int_equal(vm_zone_live(ts.sys.z_object), 0);
	assert_int_equal(vm_zone_live(ts.sys.z_entry), 0);
	assert_int_equal(vmspace_tryref(vm), ESRCH);
	vmspace_stat(vm, &st);
	assert_true(st.exiting);
	assert_int_equal(st.refs, 0);
	assert_int_equal(st.holds, 1);
	assert_int_equal(st.size + st.resident + st.anon + st.entries, 0);
	/* Every call returns ESRCH. */
	assert_int_equal(copyin(vm, &x, a, 8), ESRCH);
	assert_int_equal(copyout(vm, &x, a, 8), ESRCH);
	assert_int_equal(vm_cas32(vm, a, 0, 1, (uint32_t *)&x), ESRCH);
	assert_int_equal(vm_mmap(vm, &a, PG, R, ALL, 0, NULL, 0), ESRCH);
	assert_int_equal(vm_munmap(vm, a, PG), ESRCH);
	assert_int_equal(vm_mprotect(vm, a, PG, R), ESRCH);
	assert_int_equal(
	    vm_mremap(vm, a, PG, 2 * PG, LX_MREMAP_MAYMOVE, &x), ESRCH);
	assert_int_equal(vm_madvise(vm, a, PG, LX_MADV_DONTNEED), ESRCH);
	assert_int_equal(vm_madvise(vm, a, PG, LX_MADV_RANDOM), ESRCH);
	assert_int_equal(vm_madvise(vm, a, PG, LX_MADV_COLD), ESRCH);
	assert_int_equal(vm_msync(vm, a, PG, true), ESRCH);
	assert_int_equal(vm_mincore(vm, a, PG, &vec), ESRCH);
	assert_int_equal(vm_mlock(vm, a, PG, true), ESRCH);
	assert_int_equal(vm_map_growstack(vm, a), ESRCH);
	assert_int_equal(vmspace_entry_info(vm, 0, &info), ESRCH);
	assert_int_equal(vmspace_fork(vm, &c), ESRCH);
	assert_int_equal(vmspace_anonymous_count(vm), 0);
	ts_check(vm);
	/* The last hold. */
	assert_true(vmspace_tryhold(vm));
	vmspace_drop(vm);
	vmspace_drop(vm);
	assert_int_equal(vm_zone_live(ts.sys.z_vmspace), 0);
	/* Type-stable: a stale pointer is refused. */
	assert_false(vmspace_tryhold(vm));
	fixture_fini(&ts);
}

static void
test_stats(void **state)
{
	struct fixture ts;
	struct vmspace *vm, *c;
	struct vm_system_stat st;
	struct vmspace_stat vs;
	struct vm_entry_info info;
	struct vm_object *obj;
	vm_offset_t a, b = 0, f;

	ts_init(&ts, 4 << 20);
	obj = paged_file_open(&ts);
	vm = space(&ts);
	vm->brk_start = vm->brk_end = BASE;
	b = BASE + PG;
	vm_brk(vm, &b);
	ts_put(vm, BASE, 1);
	assert_int_equal(vmspace_entry_info(vm, 0, &info), 0);
	assert_string_equal(info.name, "[heap]");
	assert_int_equal(info.resident, PG);
	assert_int_equal(info.depth, 1);
	a = map_anon(vm, 16, RW, 0);
	assert_int_equal(vm_fault_range(vm, a, 16 * PG, VM_PROT_WRITE), 0);
	assert_int_equal(vmspace_anonymous_count(vm), 17);
	f = map_file(vm, obj, 4, R, 0, 3);
	assert_int_equal(ts_get(vm, f), 4);
	assert_int_equal(vmspace_anonymous_count(vm), 17);
	assert_int_equal(vmspace_entry_info(vm, f, &info), 0);
	assert_int_equal(info.offset, 3 * PG);
	assert_int_equal(vmspace_fork(vm, &c), 0);
	assert_int_equal(vmspace_anonymous_count(c), 17);
	vm_system_stat(&ts.sys, &st);
	assert_int_equal(st.mem, 4 << 20);
	assert_int_equal(st.vmspaces, 2);
	assert_int_equal(st.objects, 3);
	assert_int_equal(st.anon_pages, 17);
	assert_true(st.file_pages >= 1);
	assert_int_equal(st.stat[VMST_FORK], 1);
	assert_true(st.peak >= st.mem - st.free);
	vmspace_stat(vm, &vs);
	assert_int_equal(vs.anon, 17 * PG);
	assert_int_equal(vs.entries, 3);
	assert_true(vs.resident >= 18 * PG);
	for (int i = 0; i < VMST_N; i++)
		assert_non_null(vm_stat_name((enum vm_stat)i));
	vmspace_free(c);
	vmspace_free(vm);
	file_close(&file, obj);
	fixture_fini(&ts);
}

/* ---- threads ---- */

#define READERS 3

struct race {
	struct fixture ts;
	struct vmspace *_Atomic vm; /* the current one */
	pthread_mutex_t lock;       /* publishes vm */
	_Atomic(bool) stop;
	vm_offset_t a;
	_Atomic(uint64_t) reads, gone;
};

/* A reader of another process: takes a hold under the lock, then reads. */
static void *
race_reader(void *arg)
{
	struct race *r = arg;
	struct vm_entry_info info;
	struct vmspace_stat st;
	struct vmspace *vm;
	uint64_t x;
	int error;

	while (!atomic_load(&r->stop)) {
		pthread_mutex_lock(&r->lock);
		vm = atomic_load(&r->vm);
		vmspace_hold(vm);
		pthread_mutex_unlock(&r->lock);
		for (int i = 0; i < 20; i++) {
			error = copyin(vm, &x, r->a, sizeof(x));
			KVERIFY(error == 0 || error == ESRCH);
			if (error == 0)
				KVERIFY(x == vm->id);
			atomic_fetch_add(error == 0 ? &r->reads : &r->gone, 1);
			vmspace_stat(vm, &st);
			error = vmspace_entry_info(vm, 0, &info);
			KVERIFY(error == 0 || error == ESRCH);
			(void)vmspace_anonymous_count(vm);
		}
		vmspace_drop(vm);
	}
	return (NULL);
}

static struct vmspace *
race_space(struct race *r)
{
	struct vmspace *vm = space(&r->ts);
	vm_offset_t a = r->a;

	assert_int_equal(
	    vm_mmap(vm, &a, 64 * PG, RW, ALL, VMM_FIXED, NULL, 0), 0);
	ts_put(vm, a, vm->id);
	return (vm);
}

static void
test_readers_against_free(void **state)
{
	static struct race r;
	pthread_t t[READERS];
	struct vmspace *old;

	memset(&r, 0, sizeof(r));
	ts_init(&r.ts, 16 << 20);
	pthread_mutex_init(&r.lock, NULL);
	r.a = BASE;
	atomic_store(&r.vm, race_space(&r));
	for (int i = 0; i < READERS; i++)
		pthread_create(&t[i], NULL, race_reader, &r);
	for (int i = 0; i < 300; i++) {
		struct vmspace *vm = race_space(&r);

		pthread_mutex_lock(&r.lock);
		old = atomic_exchange(&r.vm, vm);
		pthread_mutex_unlock(&r.lock);
		if (i % 16 == 0)
			host_sleep_ns(1000000);
		vmspace_free(old);
	}
	while (atomic_load(&r.reads) == 0)
		host_yield();
	atomic_store(&r.stop, true);
	for (int i = 0; i < READERS; i++)
		pthread_join(t[i], NULL);
	vmspace_free(atomic_load(&r.vm));
	pthread_mutex_destroy(&r.lock);
	fixture_fini(&r.ts);
}

/* Threads of one vmspace: each its own range, all calls, beside forks. */
struct worker {
	struct vmspace *vm;
	vm_offset_t base;
	uint64_t seed;
	int rounds;
};

/* Threads count errors: cmocka's assertions work in the main thread only. */
#define MUST(x) KVERIFY((x) == 0)

static void
put(struct vmspace *vm, vm_offset_t va, uint64_t v)
{
	MUST(copyout(vm, &v, va, sizeof(v)));
}

static uint64_t
get(struct vmspace *vm, vm_offset_t va)
{
	uint64_t v;

	MUST(copyin(vm, &v, va, sizeof(v)));
	return (v);
}

static void *
worker_run(void *arg)
{
	struct worker *w = arg;
	struct vmspace *vm = w->vm;
	vm_offset_t to, va;
	uint64_t v;

	for (int i = 0; i < w->rounds; i++) {
		va = w->base + rnd_below(&w->seed, 16) * PG;
		v = rnd_next(&w->seed);
		to = w->base;
		MUST(vm_mmap(vm, &to, 32 * PG, RW, ALL, VMM_FIXED, NULL, 0));
		put(vm, va, v);
		MUST(vm_mprotect(vm, va, PG, R));
		KVERIFY(get(vm, va) == v);
		MUST(vm_mprotect(vm, w->base, 32 * PG, RW));
		to = w->base + 64 * PG;
		MUST(vm_mremap(vm, w->base, 32 * PG, 40 * PG,
		    LX_MREMAP_MAYMOVE | LX_MREMAP_FIXED, &to));
		va += 64 * PG;
		KVERIFY(get(vm, va) == v);
		put(vm, va, v + 1);
		MUST(vm_madvise(vm, to + 16 * PG, 8 * PG, LX_MADV_DONTNEED));
		KVERIFY(get(vm, va) == v + 1);
		MUST(vm_madvise(vm, va, PG, LX_MADV_DONTNEED));
		KVERIFY(get(vm, va) == 0);
		MUST(vm_munmap(vm, to, 40 * PG));
	}
	return (NULL);
}

static void
test_threads_and_forks(void **state)
{
	static struct fixture ts;
	struct worker w[READERS];
	pthread_t t[READERS];
	struct vmspace *vm, *c;
	vm_offset_t keep = BASE - 64 * PG;

	ts_init(&ts, 32 << 20);
	vm = space(&ts);
	ts_map(vm, keep, 4, RW);
	ts_put(vm, keep, 1);
	for (int i = 0; i < READERS; i++) {
		w[i] = (struct worker){.vm = vm,
		    .base = BASE + (uint64_t)i * 256 * PG,
		    .seed = (uint64_t)i + 1,
		    .rounds = 300};
		pthread_create(&t[i], NULL, worker_run, &w[i]);
	}
	for (uint64_t i = 0; i < 200; i++) {
		assert_int_equal(vmspace_fork(vm, &c), 0);
		ts_put(vm, keep, i + 2);
		assert_int_equal(ts_get(c, keep), i + 1);
		ts_put(c, keep, 0);
		assert_int_equal(ts_get(vm, keep), i + 2);
		vmspace_free(c);
	}
	for (int i = 0; i < READERS; i++)
		pthread_join(t[i], NULL);
	ts_check(vm);
	vmspace_free(vm);
	fixture_fini(&ts);
}

/* A purge must not remove pages of a child that is forked meanwhile: while a
 * purge waits for a busy page, forks wait. */
struct purge {
	struct vmspace *vm, *child;
	_Atomic(int) purged, forked;
};

static void *
purge_run(void *arg)
{
	struct purge *p = arg;

	MUST(vm_madvise(p->vm, BASE, 8 * PG, LX_MADV_DONTNEED));
	atomic_store(&p->purged, 1);
	return (NULL);
}

static void *
fork_run(void *arg)
{
	struct purge *p = arg;

	MUST(vmspace_fork(p->vm, &p->child));
	atomic_store(&p->forked, 1);
	return (NULL);
}

static void
test_purge_against_fork(void **state)
{
	struct fixture ts;
	struct purge p = {0};
	struct vm_object *obj;
	struct vm_page *m;
	pthread_t t1, t2;

	ts_init(&ts, 8 << 20);
	p.vm = space(&ts);
	ts_map(p.vm, BASE, 8, RW);
	for (uint64_t i = 0; i < 8; i++)
		ts_put(p.vm, BASE + i * PG, i + 1);
	obj = ts_entry(p.vm, BASE).object;
	vm_object_lock(obj);
	m = vm_page_lookup(obj, 5);
	assert_true(vm_page_busy_try(m));
	vm_object_unlock(obj);
	pthread_create(&t1, NULL, purge_run, &p);
	while (vm_mincore(p.vm, BASE, PG, &(uint8_t){0}) != 0 ||
	       atomic_load(&ts.sys.phys->nfree) != ts.sys.phys->npages - 1)
		host_sleep_ns(100000);
	pthread_create(&t2, NULL, fork_run, &p);
	host_sleep_ns(50000000);
	assert_int_equal(atomic_load(&p.purged), 0);
	assert_int_equal(atomic_load(&p.forked), 0);
	vm_object_lock(obj);
	vm_page_unbusy(m);
	vm_object_unlock(obj);
	pthread_join(t1, NULL);
	pthread_join(t2, NULL);
	for (uint64_t i = 0; i < 8; i++)
		assert_int_equal(ts_get(p.child, BASE + i * PG), 0);
	ts_check(p.vm);
	ts_check(p.child);
	vmspace_free(p.child);
	vmspace_free(p.vm);
	fixture_fini(&ts);
}

/* Each allocation of vm_system_init() refused; then wrong sizes of memory. */
static void
test_system_init_refused(void **state)
{
	struct host_fake fake = {0};
	struct vm_system_config cf = {
	    .host = host_fake(&fake),
	    .mem = 64 * PAGE_SIZE,
	};
	struct vm_system s;
	int error;

	(void)state;
	for (int64_t at = 1;; at++) {
		atomic_store(&fake.calls, 0);
		atomic_store(&fake.fail_at, at);
		error = vm_system_init(&s, &cf);
		if (error == 0)
			break;
		assert_int_equal(error, ENOMEM);
		assert_int_equal(atomic_load(&fake.live), 0);
	}
	atomic_store(&fake.fail_at, 0);
	vm_system_destroy(&s);
	cf.mem = 0;
	assert_int_equal(vm_system_init(&s, &cf), EINVAL);
	cf.mem = 5000;
	assert_int_equal(vm_system_init(&s, &cf), EINVAL);
	cf.mem = ((uint64_t)1 << 40) + PAGE_SIZE;
	assert_int_equal(vm_system_init(&s, &cf), EINVAL);
	assert_int_equal(atomic_load(&fake.live), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_fork_inherit),
	    cmocka_unit_test(test_fork_untouched),
	    cmocka_unit_test(test_fork_refused),
	    cmocka_unit_test(test_host_refuses),
	    cmocka_unit_test(test_mremap_refused),
	    cmocka_unit_test(test_life),
	    cmocka_unit_test(test_stats),
	    cmocka_unit_test(test_readers_against_free),
	    cmocka_unit_test(test_threads_and_forks),
	    cmocka_unit_test(test_purge_against_fork),
	    cmocka_unit_test(test_system_init_refused),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
