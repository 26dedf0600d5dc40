/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * A stub machine without a kernel, for tests: one pmap, one page of code, one
 * page of data, and cpu_threads that start at the code.
 */
#ifndef TESTS_UNIT_STUB_FIXTURE_H
#define TESTS_UNIT_STUB_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cpu/cpu.h"
#include "machine/stub/stub_int.h"
#include "machine/stub/stub_machine.h"
#include "mem/vm_page.h"

#define CODE 0x400000UL
#define DATA 0x500000UL

struct env {
	struct vm_system sys;
	struct stub_machine *sm;
	struct pmap *pm;
	struct vm_page *code, *data;
	int fds;
};

/* The mode of the machines that env_setup() makes. */
extern enum stub_isolation env_isolation;
/* Isolate from now on.  False, with a line on standard error: the host does not
 * offer it. */
bool env_isolate(void);
/* For main(): isolate if the argument is "isolated".  77: skip the test. */
int env_choose(int argc, char **argv);
/* Setup and teardown for cmocka; teardown fails if descriptors are left open.
 */
int env_setup(void **state);
int env_teardown(void **state);
/* Copy `code` to CODE and make a cpu_thread that starts there. */
struct cpu_thread *start(struct env *, const void *code, size_t len);
/* Map the data page at DATA. */
void map_data(struct env *, vm_prot_t prot);

#define STUB_TEST(fn) \
	cmocka_unit_test_setup_teardown(fn, env_setup, env_teardown)

#endif /* TESTS_UNIT_STUB_FIXTURE_H */
