/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * execve of ELF files that this program composes: a small one that runs, and
 * damaged ones. Each damaged one must be refused with the errno of Linux, and
 * must leave the caller unchanged.
 */
#include "guest.h"

#include <elf.h>

/* mov $60, %eax; mov $7, %edi; syscall */
static const unsigned char code[] = {
    0xb8, 60, 0, 0, 0, 0xbf, 7, 0, 0, 0, 0x0f, 0x05};

struct image {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[3];
	char interp[64];
	unsigned char text[64];
};

static struct image img;

static void
reset(void)
{
	memset(&img, 0, sizeof(img));
	memcpy(img.eh.e_ident, ELFMAG, SELFMAG);
	img.eh.e_ident[EI_CLASS] = ELFCLASS64;
	img.eh.e_ident[EI_DATA] = ELFDATA2LSB;
	img.eh.e_ident[EI_VERSION] = EV_CURRENT;
	img.eh.e_type = ET_EXEC;
	img.eh.e_machine = EM_X86_64;
	img.eh.e_version = EV_CURRENT;
	img.eh.e_entry = 0x400000 + offsetof(struct image, text);
	img.eh.e_phoff = offsetof(struct image, ph);
	img.eh.e_ehsize = sizeof(img.eh);
	img.eh.e_phentsize = sizeof(Elf64_Phdr);
	img.eh.e_phnum = 2;
	img.ph[0].p_type = PT_LOAD;
	img.ph[0].p_flags = PF_R | PF_X;
	img.ph[0].p_vaddr = img.ph[0].p_paddr = 0x400000;
	img.ph[0].p_filesz = img.ph[0].p_memsz = sizeof(img);
	img.ph[0].p_align = PAGE;
	img.ph[1].p_type = PT_GNU_STACK;
	img.ph[1].p_flags = PF_R | PF_W;
	img.ph[1].p_align = 16;
	memcpy(img.text, code, sizeof(code));
}

static char *mem;

/* The errno of execve; if the file ran, the negative of its exit status, or
 * of 1000 + the signal that ended it. */
static int
try_len(size_t len)
{
	char *argv[] = {(char *)(uintptr_t) "./elf", NULL};
	char *envp[] = {NULL};
	int *shared = map_shared(PAGE);
	int status, r;
	pid_t pid;

	CHECK(unlink("elf") == 0 || errno == ENOENT);
	write_file("elf", &img, len, 0700);
	*shared = -1;
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		*shared = 0;
		execve("./elf", argv, envp);
		*shared = errno;
		for (size_t i = 0; i < 16; i++)
			CHECK(check_page(mem + i * PAGE, 11, i));
		_exit(0);
	}
	status = wait_status(pid);
	r = *shared;
	CHECK(munmap(shared, PAGE) == 0);
	if (r != 0) {
		CHECK(status == 0);
		return (r);
	}
	return (WIFEXITED(status) ? -WEXITSTATUS(status)
				  : -1000 - WTERMSIG(status));
}

static void
expect(const char *what, int want)
{
	int r = try_len(sizeof(img));

	if (r != want)
		say("FAIL %s: %d (want %d)", what, r, want);
	CHECK(r == want);
	say("%s: %s", what, want > 0 ? strerror(want) : "ran");
	reset();
}

static void
header(void)
{
	expect("as it is", -7);
	img.eh.e_ident[EI_CLASS] = 9;
	img.eh.e_machine = EM_AARCH64;
	expect("another machine", ENOEXEC);
	img.eh.e_type = ET_REL;
	expect("an object file", ENOEXEC);
	img.eh.e_type = ET_CORE;
	expect("a core file", ENOEXEC);
	img.eh.e_ident[0] = 'X';
	expect("no magic", ENOEXEC);
	img.eh.e_phnum = 0;
	expect("no segments", ENOEXEC);
	img.eh.e_phentsize = 32;
	expect("small program headers", ENOEXEC);
	img.eh.e_phoff = 1 << 20;
	expect("headers behind the end", ENOEXEC);
	img.eh.e_phnum = 1000;
	expect("more headers than file", ENOEXEC);
}

static void
truncated(void)
{
	static const size_t sizes[] = {1, 3, 4, 16, 20, 63, 64, 70, 119, 120};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++)
		say("truncated to %zu: %s", sizes[i],
		    strerror(try_len(sizes[i])));
}

static void
interpreters(void)
{
	img.eh.e_phnum = 3;
	img.ph[2].p_type = PT_INTERP;
	img.ph[2].p_offset = offsetof(struct image, interp);
	img.ph[2].p_filesz = sizeof("/nonexistent/ld.so");
	memcpy(img.interp, "/nonexistent/ld.so", 19);
	expect("interpreter missing", ENOENT);

	img.eh.e_phnum = 3;
	img.ph[2].p_type = PT_INTERP;
	img.ph[2].p_offset = offsetof(struct image, interp);
	img.ph[2].p_filesz = sizeof("/tmp");
	memcpy(img.interp, "/tmp", 5);
	expect("interpreter is a directory", EACCES);

	write_file("text", "text", 4, 0600);
	img.eh.e_phnum = 3;
	img.ph[2].p_type = PT_INTERP;
	img.ph[2].p_offset = offsetof(struct image, interp);
	img.ph[2].p_filesz = sizeof("./text");
	memcpy(img.interp, "./text", 7);
	expect("interpreter is not executable", EACCES);
	CHECK(unlink("text") == 0);

	img.eh.e_phnum = 3;
	img.ph[2].p_type = PT_INTERP;
	img.ph[2].p_offset = offsetof(struct image, interp);
	img.ph[2].p_filesz = 4;
	memcpy(img.interp, "/tmp", 5);
	expect("interpreter's path has no end", ENOEXEC);

	img.eh.e_phnum = 3;
	img.ph[2].p_type = PT_INTERP;
	img.ph[2].p_offset = 1 << 20;
	img.ph[2].p_filesz = 20;
	CHECK(try_len(sizeof(img)) > 0); /* EIO or ENOEXEC */
	reset();

	write_file("text",
	    "text of no meaning, longer than an ELF header is, "
	    "to be read whole",
	    66, 0700);
	img.eh.e_phnum = 3;
	img.ph[2].p_type = PT_INTERP;
	img.ph[2].p_offset = offsetof(struct image, interp);
	img.ph[2].p_filesz = sizeof("./text");
	memcpy(img.interp, "./text", 7);
	expect("interpreter is not ELF", ELIBBAD);
	CHECK(unlink("text") == 0);
}

int
main(void)
{
	mem = map_anon(16 * PAGE);
	for (size_t i = 0; i < 16; i++)
		fill_page(mem + i * PAGE, 11, i);
	scratch_enter("execelf");
	reset();
	header();
	truncated();
	interpreters();
	/* A large bss, and an entry point that is not mapped. */
	img.ph[0].p_memsz = 64 * MIB;
	img.ph[0].p_flags = PF_R | PF_W | PF_X;
	expect("a large bss", -7);
	img.eh.e_entry = 0x10000000;
	expect("entry not mapped", -1000 - SIGSEGV);
	img.ph[0].p_flags = PF_R;
	expect("text not executable", -1000 - SIGSEGV);
	CHECK(unlink("elf") == 0);
	scratch_remove();
	return (0);
}
