/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/* See stub_fixture.h. */

#include "stub_fixture.h"

#include <stdlib.h>

enum stub_isolation env_isolation = STUB_ISOLATE_SANDBOX;

int
env_setup(void **state)
{
	struct vm_system_config cfg = {
	    .host = host_linux(), .mem = 16 << 20, .pmap_ops = &pmap_stub_ops};
	struct env *e = calloc(1, sizeof(*e));

	if (e == NULL)
		return (-1);
	e->fds = host_count_fds();
	if (vm_system_init(&e->sys, &cfg) != 0 ||
	    stub_machine_create(&e->sys, env_isolation, &e->sm) != 0 ||
	    stub_machine_wait(e->sm) != 0)
		return (-1);
	e->sys.machine = e->sm;
	if (pmap_create(&e->sys, e->sys.pmap_ops, e->sys.machine, &e->pm) != 0)
		return (-1);
	e->code = vm_phys_alloc(e->sys.phys, 0);
	e->data = vm_phys_alloc(e->sys.phys, 0);
	memset(vm_page_ptr(e->sys.phys, e->data), 0, PAGE_SIZE);
	*state = e;
	return (0);
}

bool
env_isolate(void)
{
	void *state = NULL;
	struct env *e;
	bool offered;

	env_isolation = STUB_ISOLATE_AUTO;
	if (env_setup(&state) != 0)
		return (false);
	e = state;
	offered = e->sm->listens;
	env_isolation = STUB_ISOLATE_PROCESS;
	if (env_teardown(&state) != 0)
		return (false);
	if (!offered)
		print_error("no seccomp user notification on this host\n");
	return (offered);
}

int
env_choose(int argc, char **argv)
{
	if (argc < 2 || strcmp(argv[1], "isolated") != 0)
		return (0);
	return (env_isolate() ? 0 : 77);
}

int
env_teardown(void **state)
{
	struct env *e = *state;
	struct stub_pmap *sp = e->pm->md;
	bool clean;

	/* After a failed assertion cpu_threads are left.  Keep the machine as
	 * well, because destroying it would panic and hide the assertion. */
	if (sp->nbound != 0)
		return (-1);
	pmap_remove(e->pm, 0, VM_MAX_ADDRESS);
	pmap_sync(e->pm);
	pmap_destroy(e->pm);
	vm_phys_free(e->sys.phys, e->code);
	vm_phys_free(e->sys.phys, e->data);
	stub_machine_destroy(e->sm);
	vm_system_destroy(&e->sys);
	clean = host_count_fds() == e->fds;
	free(e);
	return (clean ? 0 : -1);
}

struct cpu_thread *
start(struct env *e, const void *code, size_t len)
{
	struct cpu_thread *ct;

	memcpy(vm_page_ptr(e->sys.phys, e->code), code, len);
	assert_int_equal(cpu_thread_create(&cpu_stub_ops, e->sm, &ct), 0);
	assert_int_equal(
	    pmap_enter(e->pm, CODE, vm_page_frame(e->sys.phys, e->code), 1,
		VM_PROT_READ | VM_PROT_EXECUTE),
	    0);
	ct->tf.rip = CODE;
	return (ct);
}

void
map_data(struct env *e, vm_prot_t prot)
{
	assert_int_equal(pmap_enter(e->pm, DATA,
			     vm_page_frame(e->sys.phys, e->data), 1, prot),
	    0);
}
