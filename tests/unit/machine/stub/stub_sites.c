/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/* See stub_sites.h. */

#include "stub_sites.h"

#include <elf.h>
#include <stdlib.h>

extern const char stub_image[], stub_image_end[];

/* jmp *%r12; mov %rax,%rbx; mov $MARK,%eax; syscall; jmp . */
static const uint8_t code_jump[] = {0x41, 0xff, 0xe4, 0x48, 0x89, 0xc3, 0xb8,
    SITE_MARK, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xfe};
#define BACK (CODE + 3)

uint64_t
site_address(const char *name)
{
	const Elf64_Ehdr *eh = (const void *)stub_image;
	const Elf64_Shdr *sh = (const void *)(stub_image + eh->e_shoff);
	const Elf64_Sym *sym;
	const char *strings;
	size_t n;

	for (unsigned i = 0; i < eh->e_shnum; i++) {
		if (sh[i].sh_type != SHT_SYMTAB)
			continue;
		sym = (const void *)(stub_image + sh[i].sh_offset);
		strings = stub_image + sh[sh[i].sh_link].sh_offset;
		n = sh[i].sh_size / sizeof(*sym);
		for (size_t s = 0; s < n; s++)
			if (strcmp(strings + sym[s].st_name, name) == 0)
				return (sym[s].st_value);
	}
	fail_msg("the stub program has no symbol %s", name);
	return (0);
}

struct cpu_thread *
site_thread(struct env *e)
{
	struct cpu_thread *ct = start(e, code_jump, sizeof(code_jump));
	uint64_t *stack = vm_page_ptr(e->sys.phys, e->data);

	for (unsigned i = 0; i < PAGE_SIZE / sizeof(*stack); i++)
		stack[i] = BACK;
	map_data(e, VM_PROT_READ | VM_PROT_WRITE);
	return (ct);
}

enum site_result
site_call(struct env *e, struct cpu_thread *ct, uint64_t site, uint64_t nr,
    const uint64_t arg[6], int64_t *value)
{
	struct cpu_event ev;

	ct->tf.rip = CODE;
	ct->tf.rsp = DATA + PAGE_SIZE / 2;
	ct->tf.r12 = site - 2; /* the system call before the label */
	ct->tf.rax = nr;
	ct->tf.rdi = arg[0];
	ct->tf.rsi = arg[1];
	ct->tf.rdx = arg[2];
	ct->tf.r10 = arg[3];
	ct->tf.r8 = arg[4];
	ct->tf.r9 = arg[5];
	assert_int_equal(cpu_run(ct, e->pm, &ev), 0);
	if (ev.type == CPU_EV_DEAD)
		return (SITE_KILLED);
	if (ev.type == CPU_EV_SYSCALL && ct->tf.rip == site)
		return (SITE_TRAPPED);
	if (ev.type == CPU_EV_SYSCALL && ct->tf.rip == BACK + 10) {
		*value = (int64_t)ct->tf.rbx;
		return (SITE_RETURNED);
	}
	return (SITE_OTHER);
}
