/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * ELF files as hostile input: for each check a file that fails it; and random
 * damage, which may run or be refused, but must leave nothing behind.
 */
#include "fixture.h"
#include "testrand.h"

#include <elf.h>

static int
setup(void **state)
{
	fx_init(&fx);
	fx.mem = (uint64_t)128 << 20;
	fx_boot(&fx);
	return (0);
}

/* Spawn the image: its errno, or 0 after it has run and ended. */
static int
try_image(const unsigned char *elf, size_t len)
{
	const struct vkernel_spawn sp = {.path = "/bin/image"};
	int error, pid, status;

	fx_file(&fx, "bin/image", elf, len, 0755);
	error = vkernel_spawn(fx.k, &sp, &pid);
	if (error != 0)
		return (error);
	assert_int_equal(vkernel_wait(fx.k, pid, &status), 0);
	return (0);
}

struct damage {
	const char *what;
	size_t off;
	size_t size;
	uint64_t val;
	int error;
};

#define EH(f) offsetof(Elf64_Ehdr, f), sizeof(((Elf64_Ehdr *)0)->f)
#define PH(n, f)                                                         \
	4096 - 512 + (n) * sizeof(Elf64_Phdr) + offsetof(Elf64_Phdr, f), \
	    sizeof(((Elf64_Phdr *)0)->f)

static const struct damage damages[] = {
    {"none", EH(e_version), EV_CURRENT, 0},
    {"magic", 1, 1, 'F', ENOEXEC},
    {"class", EI_CLASS, 1, ELFCLASS32, ENOEXEC},
    {"data", EI_DATA, 1, ELFDATA2MSB, ENOEXEC},
    {"ident version", EI_VERSION, 1, 7, ENOEXEC},
    {"type", EH(e_type), ET_REL, ENOEXEC},
    {"machine", EH(e_machine), EM_386, ENOEXEC},
    {"phentsize", EH(e_phentsize), 32, ENOEXEC},
    {"phnum 0", EH(e_phnum), 0, ENOEXEC},
    {"phnum huge", EH(e_phnum), 65535, ENOEXEC},
    {"phnum past end", EH(e_phnum), 1000, ENOEXEC},
    {"phoff wraps", EH(e_phoff), UINT64_MAX - 8, ENOEXEC},
    {"phoff past end", EH(e_phoff), 1 << 20, ENOEXEC},
    {"entry high", EH(e_entry), UINT64_C(1) << 63, ENOEXEC},
    {"entry nowhere", EH(e_entry), 0x10000, 0},
    {"no load", PH(0, p_memsz), 0, ENOEXEC},
    {"filesz > memsz", PH(1, p_filesz), 10001, ENOEXEC},
    {"memsz wraps", PH(1, p_memsz), UINT64_MAX - 0x402000 + 1, ENOEXEC},
    {"memsz huge", PH(1, p_memsz), UINT64_MAX, ENOEXEC},
    {"past the top", PH(1, p_memsz), VM_MAX_ADDRESS, ENOEXEC},
    {"vaddr high", PH(1, p_vaddr), UINT64_C(1) << 63, ENOEXEC},
    {"vaddr low", PH(0, p_vaddr), 0x1000, ENOEXEC},
    {"vaddr null", PH(0, p_vaddr), 0, ENOEXEC},
    {"order", PH(1, p_vaddr), 0x3ff000, ENOEXEC},
    {"overlap", PH(1, p_vaddr), 0x400000, ENOEXEC},
    {"congruence", PH(1, p_offset), 4097, ENOEXEC},
    {"offset high", PH(1, p_offset), UINT64_C(0xfffffffffffff000), ENOEXEC},
    {"offset past end", PH(1, p_offset), 1 << 20, ENOEXEC},
    {"align odd", PH(1, p_align), 3, 0},
    {"align huge", PH(1, p_align), UINT64_C(1) << 60, 0},
    {"bss read-only", PH(1, p_flags), PF_R, 0},
    {"prot none", PH(1, p_flags), 0, 0},
    {"exec stack", PH(2, p_flags), PF_R | PF_W | PF_X, 0},
    {"stack is interp, empty", PH(2, p_type), PT_INTERP, ENOEXEC},
};

static void
apply(unsigned char *elf, const struct damage *d)
{
	memcpy(elf + d->off, &d->val, d->size);
	/* Without the first segment, the second alone would be a valid
	 * program. */
	if (strcmp(d->what, "no load") == 0) {
		Elf64_Phdr ph = {.p_type = PT_NULL};

		memcpy(elf + 4096 - 512 + sizeof(ph), &ph, sizeof(ph));
	}
	if (strcmp(d->what, "memsz huge") == 0)
		memset(elf + 4096 - 512 + sizeof(Elf64_Phdr) +
			   offsetof(Elf64_Phdr, p_filesz),
		    0xff, 8);
}

static void
test_header_checks(void **state)
{
	unsigned char elf[8192];
	int error;

	for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
		const struct damage *d = &damages[i];
		size_t len = fx_elf(elf, 0, false, NULL);

		apply(elf, d);
		error = try_image(elf, len);
		if (error != d->error)
			print_error(
			    "%s: %d, not %d\n", d->what, error, d->error);
		assert_int_equal(error, d->error);
	}
}

static void
test_interp_checks(void **state)
{
	static const struct damage interp[] = {
	    {"none", PH(3, p_vaddr), 0, ENOENT},
	    {"one byte", PH(3, p_filesz), 1, ENOEXEC},
	    {"too long", PH(3, p_filesz), 4097, ENOEXEC},
	    {"no NUL", PH(3, p_filesz), 5, ENOEXEC},
	    {"offset wraps", PH(3, p_offset), UINT64_MAX - 2, ENOEXEC},
	    {"past end", PH(3, p_offset), 1 << 20, ENOEXEC},
	};
	unsigned char elf[8192];

	for (size_t i = 0; i < sizeof(interp) / sizeof(interp[0]); i++) {
		size_t len = fx_elf(elf, 0, false, "/lib/none.so");

		apply(elf, &interp[i]);
		assert_int_equal(try_image(elf, len), interp[i].error);
	}
}

/* Every prefix of a program, and random damage to its headers. */
static void
test_random_damage(void **state)
{
	unsigned char elf[8192];
	uint64_t seed = 12345;
	size_t len;

	for (size_t cut = 0; cut < 4096; cut += 61) {
		(void)fx_elf(elf, 0, false, NULL);
		(void)try_image(elf, cut);
	}
	for (int i = 0; i < 1500; i++) {
		len = fx_elf(
		    elf, 0, (i & 1) != 0, (i & 6) == 0 ? "/bin/pie1" : NULL);
		for (int n = 1 + i % 4; n > 0; n--) {
			size_t at;

			at = rnd_below(&seed, 256);
			if (at >= 64)
				at += 4096 - 512 - 64;
			if (rnd_below(&seed, 2) == 0)
				elf[at] = (unsigned char)rnd_next(&seed);
			else
				elf[at] ^=
				    (unsigned char)(1u << rnd_below(&seed, 8));
		}
		(void)try_image(elf, len);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, fx_teardown)
	    T(test_header_checks),
	    T(test_interp_checks),
	    T(test_random_damage),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
