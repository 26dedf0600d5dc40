/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/* Device objects: pages that a device supplies, and takes back. */
#include "vm_fixture.h"

#include "abi/mman.h"
#include "vm/pager/device_pager.h"
#include "vm/pageout/vm_pageout.h"

#define DEV_PAGES 16

static struct fixture fx;

struct dev {
	vm_frame_t first;
	char *base;
	int faults, gone;
	int error;    /* of the next faults */
	int64_t skew; /* added to the frame that the device returns */
};

static int
dev_fault(void *arg, vm_pindex_t idx, vm_prot_t access, vm_frame_t *frame)
{
	struct dev *d = arg;

	klock_assert_none();
	d->faults++;
	*frame = (vm_frame_t)((int64_t)d->first + (int64_t)idx + d->skew);
	return (d->error);
}

static void
dev_dtor(void *arg)
{
	klock_assert_none();
	((struct dev *)arg)->gone++;
}

static const struct cdev_pager_ops dev_ops = {
    .fault = dev_fault,
    .dtor = dev_dtor,
};

static struct vm_object *
begin(struct dev *d)
{
	struct vm_system_config cf = {.mem = 64 * PG,
	    .devmem = 64 * PG,
	    .pmap_ops = &lazy_ops,
	    .machine = &fx.lazy,
	    .oom = fixture_oom,
	    .oom_arg = &fx};
	struct vm_object *o;
	void *base;

	memset(&fx, 0, sizeof(fx));
	memset(d, 0, sizeof(*d));
	pthread_mutex_init(&fx.lazy.lock, NULL);
	cf.host = host_fake(&fx.host);
	assert_int_equal(vm_system_init(&fx.sys, &cf), 0);
	fx.frames = atomic_load(&fx.sys.phys->nfree);
	assert_int_equal(fx.frames, 64);
	fx.lazy.ph = fx.sys.phys;
	assert_int_equal(
	    vm_phys_device_alloc(fx.sys.phys, DEV_PAGES, &d->first, &base), 0);
	d->base = base;
	assert_int_equal(
	    device_pager_alloc(&fx.sys, d, &dev_ops, DEV_PAGES, &o), 0);
	return (o);
}

static void
end(struct dev *d, struct vm_object *o)
{
	vm_object_free(o);
	assert_int_equal(d->gone, 1);
	vm_phys_device_free(fx.sys.phys, d->first, DEV_PAGES);
	fixture_fini(&fx);
}

static void
test_shared(void **state)
{
	struct vmspace *vm, *c;
	struct vm_object *o;
	struct dev d;

	o = begin(&d);
	vm = space(&fx);
	map_at(vm, BASE, DEV_PAGES * PG, RW, VMM_SHARED, o, 0);
	store(vm, BASE + 3 * PG, 77);
	assert_int_equal(*(uint64_t *)(void *)(d.base + 3 * PG), 77);
	*(uint64_t *)(void *)(d.base + 3 * PG + 8) = 78;
	c = fork_of(vm);
	assert_int_equal(load(c, BASE + 3 * PG + 8), 78);
	store(c, BASE + 3 * PG, 79);
	assert_int_equal(load(vm, BASE + 3 * PG), 79);
	assert_int_equal(d.faults, 1);
	/* Only page tables use guest memory, and nothing is paged out. */
	assert_int_equal(fixture_used(&fx), 0);
	assert_int_equal(vm_pageout_reclaim(&fx.sys, 100), 0);
	assert_int_equal(
	    vm_madvise(vm, BASE, DEV_PAGES * PG, LX_MADV_PAGEOUT), 0);
	assert_int_equal(
	    vm_madvise(vm, BASE, DEV_PAGES * PG, LX_MADV_DONTNEED), 0);
	assert_int_equal(load(vm, BASE + 3 * PG), 79);
	assert_int_equal(vm_msync(vm, BASE, DEV_PAGES * PG, true), 0);
	assert_int_equal(vm_mlock(vm, BASE, PG, true), 0);
	check_all(&fx, vm);
	check_all(&fx, c);
	vmspace_free(c);
	vmspace_free(vm);
	end(&d, o);
}

static void
test_private(void **state)
{
	struct vmspace *vm;
	struct vm_object *o;
	struct dev d;

	o = begin(&d);
	vm = space(&fx);
	memset(d.base, 5, PG);
	map_at(vm, BASE, DEV_PAGES * PG, RW, 0, o, 0);
	assert_int_equal(load(vm, BASE), UINT64_C(0x0505050505050505));
	check_all(&fx, vm);
	store(vm, BASE, 1);
	store(vm, BASE + PG, 2);
	assert_int_equal(
	    *(uint64_t *)(void *)d.base, UINT64_C(0x0505050505050505));
	assert_int_equal(*(uint64_t *)(void *)(d.base + PG), 0);
	assert_int_equal(load(vm, BASE + 8), UINT64_C(0x0505050505050505));
	assert_true(fixture_used(&fx) >= 2);
	check_all(&fx, vm);
	vmspace_free(vm);
	end(&d, o);
}

static void
test_errors(void **state)
{
	struct vmspace *vm;
	struct vm_object *o, *o2;
	struct dev d;
	uint64_t v;

	o = begin(&d);
	vm = space(&fx);
	map_at(vm, BASE, (DEV_PAGES + 4) * PG, RW, VMM_SHARED, o, 0);
	d.error = EPERM;
	assert_int_equal(try_load(vm, BASE, &v), EIO);
	d.error = 0;
	/* Frames that are not of the device part. */
	d.skew = -(int64_t)d.first;
	assert_int_equal(try_load(vm, BASE, &v), EIO);
	d.skew = 1000;
	assert_int_equal(try_load(vm, BASE, &v), EIO);
	d.skew = 0;
	assert_int_equal(load(vm, BASE), 0);
	/* One frame as two pages. */
	d.skew = -1;
	assert_int_equal(try_load(vm, BASE + PG, &v), EIO);
	d.skew = 0;
	/* Beyond the end. */
	assert_int_equal(try_load(vm, BASE + DEV_PAGES * PG, &v), EIO);
	/* Another object with the same frames. */
	assert_int_equal(
	    device_pager_alloc(&fx.sys, &d, &dev_ops, DEV_PAGES, &o2), 0);
	map_at(vm, BASE + 64 * PG, PG, RW, VMM_SHARED, o2, 0);
	assert_int_equal(try_load(vm, BASE + 64 * PG, &v), EIO);
	check_all(&fx, vm);
	vmspace_free(vm);
	vm_object_free(o2);
	d.gone = 0;
	end(&d, o);
}

/* The device removes its pages; a pinned page stays usable. */
static void
test_remove(void **state)
{
	struct vmspace *vm;
	struct vm_object *o;
	struct vm_iov iov;
	struct dev d;
	size_t done;

	o = begin(&d);
	vm = space(&fx);
	map_at(vm, BASE, DEV_PAGES * PG, RW, VMM_SHARED, o, 0);
	for (uint64_t i = 0; i < DEV_PAGES; i++)
		store(vm, BASE + i * PG, i);
	vm_iov_init(&iov, &fx.sys);
	assert_int_equal(
	    vm_iov_add(&iov, vm, BASE + PG, PG, VM_PROT_WRITE, &done), 0);
	assert_int_equal(d.faults, DEV_PAGES);
	device_pager_remove(o, 0, 4);
	assert_int_equal(o->resident, DEV_PAGES - 4);
	check_all(&fx, vm);
	assert_int_equal(load(vm, BASE + PG), 1);
	assert_int_equal(d.faults, DEV_PAGES + 1);
	vm_iov_release(&iov);
	check_all(&fx, vm);
	vmspace_free(vm);
	end(&d, o);
}

/* Each allocation of a first touch refused in turn. */
static void
test_nomem(void **state)
{
	struct vm_object *o;
	struct vmspace *vm;
	struct dev d;
	uint64_t v;
	int refused = 0, error;

	o = begin(&d);
	for (int64_t n = 1;; n++) {
		vm = space(&fx);
		map_at(vm, BASE, DEV_PAGES * PG, RW, VMM_SHARED, o, 0);
		atomic_store(
		    &fx.host.fail_at, (int64_t)atomic_load(&fx.host.calls) + n);
		error = try_load(vm, BASE, &v);
		atomic_store(&fx.host.fail_at, 0);
		check_all(&fx, vm);
		vmspace_free(vm);
		if (error == 0)
			break;
		assert_int_equal(error, ENOMEM);
		refused++;
		if (refused > 20)
			break;
	}
	assert_true(refused <= 20);
	end(&d, o);
}

/* Runs of device memory: first fit, no overlap, zeroed when used again. */
static void
test_memory(void **state)
{
	struct vm_object *o;
	struct dev d;
	vm_frame_t a, b, c;
	void *pa, *pb, *pc;
	struct vm_phys *ph;

	o = begin(&d);
	ph = fx.sys.phys;
	assert_int_equal(vm_phys_device_alloc(ph, 0, &a, &pa), EINVAL);
	assert_int_equal(vm_phys_device_alloc(ph, 49, &a, &pa), ENOMEM);
	assert_int_equal(vm_phys_device_alloc(ph, 20, &a, &pa), 0);
	assert_int_equal(vm_phys_device_alloc(ph, 28, &b, &pb), 0);
	assert_int_equal(vm_phys_device_alloc(ph, 1, &c, &pc), ENOMEM);
	assert_int_equal(a, d.first + DEV_PAGES);
	assert_int_equal(b, a + 20);
	memset(pa, 9, PG);
	vm_phys_device_free(ph, a, 20);
	assert_int_equal(vm_phys_device_alloc(ph, 4, &c, &pc), 0);
	assert_int_equal(c, a);
	assert_int_equal(*(char *)pc, 0);
	vm_phys_device_free(ph, b, 28);
	vm_phys_device_free(ph, c, 4);
	end(&d, o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_shared),
	    cmocka_unit_test(test_private),
	    cmocka_unit_test(test_errors),
	    cmocka_unit_test(test_remove),
	    cmocka_unit_test(test_nomem),
	    cmocka_unit_test(test_memory),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
