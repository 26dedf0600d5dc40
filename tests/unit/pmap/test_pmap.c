/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/* Translation tables against an array, on machines that prefer to rebuild and
 * on machines that do not. */
#include "testrand.h"
#include "vm_fixture.h"

#define SPAN 2560 /* pages: five leaves, and none of them whole */
#define VA(i) (BASE + 3 * PG + (uint64_t)(i)*PG)
#define RX (VM_PROT_READ | VM_PROT_EXECUTE)

static struct fixture fx;

struct want {
	bool valid;
	vm_frame_t frame;
	vm_prot_t prot;
};

static uint64_t seed;

static void
compare(struct pmap *pm, const struct want *w)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < SPAN; i++) {
		vm_frame_t frame = 0;
		vm_prot_t prot = 0;
		bool valid = pmap_lookup(pm, VA(i), &frame, &prot);

		assert_int_equal(valid, w[i].valid);
		if (!valid)
			continue;
		n++;
		assert_int_equal(frame, w[i].frame);
		assert_int_equal(prot, w[i].prot);
		if (i % 64 == 0) {
			struct vm_page *m =
			    pmap_extract_hold(pm, VA(i), VM_PROT_WRITE);

			assert_int_equal(
			    m != NULL, (w[i].prot & VM_PROT_WRITE) != 0);
			if (m != NULL)
				vm_page_unhold(pm->sys->phys, m);
		}
	}
	assert_int_equal(atomic_load(&pm->resident), n);
	assert_int_equal(pmap_count(pm, VA(0), VA(SPAN)), n);
}

static void
one_op(struct pmap *pm, struct want *w)
{
	static const vm_prot_t prots[] = {VM_PROT_READ, RW, RX, VM_PROT_ALL};
	unsigned a = (unsigned)rnd_below(&seed, SPAN),
		 n = 1 + (unsigned)rnd_below(&seed, 64), b;
	vm_prot_t prot = prots[rnd_below(&seed, 4)];
	vm_frame_t frame;
	bool replaces = false;

	switch (rnd_below(&seed, 8)) {
	case 0:
	case 1:
	case 2:
		if (a + n > SPAN)
			n = SPAN - a;
		frame = (vm_frame_t)rnd_below(&seed, fx.sys.phys->npages - n);
		for (unsigned i = 0; i < n; i++)
			replaces |=
			    w[a + i].valid && (w[a + i].frame != frame + i ||
						  (w[a + i].prot & ~prot) != 0);
		assert_int_equal(pmap_enter(pm, VA(a), frame, n, prot), 0);
		if (pm->ops == &lazy_ops)
			assert_int_equal(fx.lazy.replaces, replaces);
		for (unsigned i = 0; i < n; i++)
			w[a + i] = (struct want){true, frame + i, prot};
		return;
	case 3:
		b = a + n < SPAN ? a + n : SPAN;
		pmap_remove(pm, VA(a), VA(b));
		for (; a < b; a++)
			w[a].valid = false;
		return;
	case 4: /* all or nearly all of it, as a fork does */
		a = (unsigned)rnd_below(&seed, 3);
		b = SPAN - (unsigned)rnd_below(&seed, 3);
		prot = RX;
		break;
	case 5: /* a large part */
		b = a + 500 + (unsigned)rnd_below(&seed, 1500);
		prot = RX;
		break;
	default:
		b = a + n;
		break;
	}
	if (b > SPAN)
		b = SPAN;
	pmap_protect(pm, VA(a), VA(b), prot);
	for (; a < b; a++)
		w[a].prot &= prot;
}

static void
model(bool lazy, uint64_t s)
{
	static struct want w[SPAN];
	struct vmspace *vm;

	assert_int_equal(fixture_init(&fx, 4096 * PG, lazy), 0);
	memset(w, 0, sizeof(w));
	seed = s;
	vm = space(&fx);
	for (int i = 0; i < 4000; i++) {
		one_op(vm->pmap, w);
		if (i % 20 == 0)
			compare(vm->pmap, w);
	}
	compare(vm->pmap, w);
	/* The frames belong to no object. */
	pmap_remove(vm->pmap, 0, VM_MAX_ADDRESS);
	fx.lazy.n = 0;
	vmspace_free(vm);
	fixture_fini(&fx);
}

static void
test_model(void **state)
{
	for (uint64_t s = 1; s < 5; s++) {
		model(false, s);
		model(true, s);
	}
}

/* A leaf that is read-only as a whole, and one page of it made writable. */
static void
test_push_down(void **state)
{
	struct vmspace *vm;
	vm_offset_t base = (vm_offset_t)1 << 30;
	vm_prot_t prot;

	assert_int_equal(fixture_init(&fx, 4096 * PG, false), 0);
	vm = space(&fx);
	assert_int_equal(pmap_enter(vm->pmap, base, 0, 1024, RW), 0);
	pmap_protect(vm->pmap, base, base + 1024 * PG, RX);
	assert_true(pmap_lookup(vm->pmap, base + 600 * PG, NULL, &prot));
	assert_int_equal(prot, VM_PROT_READ);
	assert_false(pmap_refill(vm->pmap, base + 600 * PG, VM_PROT_WRITE));
	assert_true(pmap_refill(vm->pmap, base + 600 * PG, VM_PROT_READ));
	assert_int_equal(pmap_enter(vm->pmap, base + 600 * PG, 9, 1, RW), 0);
	for (unsigned i = 0; i < 1024; i++) {
		assert_true(pmap_lookup(vm->pmap, base + i * PG, NULL, &prot));
		assert_int_equal(prot, i == 600 ? RW : VM_PROT_READ);
	}
	pmap_remove(vm->pmap, 0, VM_MAX_ADDRESS);
	vmspace_free(vm);
	fixture_fini(&fx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_model),
	    cmocka_unit_test(test_push_down),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
