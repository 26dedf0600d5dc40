/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * tiny_kernel PROGRAM: a kernel in about a hundred lines.  It loads a static
 * program (ET_EXEC) into a vmspace, runs it, and serves write and exit.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vmspace/vkernel.h"
#include "vmspace/vmspace.h"

#define RWX (PROT_READ | PROT_WRITE | PROT_EXEC)
#define FIXED (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
#define STACK ((uintptr_t)0x7ff000000000)
#define STACK_SIZE ((size_t)1 << 20)

static struct vmspace *vm;
static struct vmspace_frame frame;

static void
must(int error, const char *what)
{
	if (error == 0)
		return;
	fprintf(stderr, "tiny_kernel: %s: %s\n", what, strerror(error));
	exit(125);
}

static void
fill(uintptr_t at, size_t size, uintptr_t to, const void *from, size_t len)
{
	size_t done;

	must(vmspace_mmap(vm, &at, size, RWX, FIXED, -1, 0), "mmap");
	must(vmspace_pwrite(vm, from, len, to, &done), "pwrite");
}

static void
load(const char *path)
{
	int fd = open(path, O_RDONLY);
	const Elf64_Phdr *ph;
	const Elf64_Ehdr *eh;
	struct stat st;
	const char *f;

	if (fd < 0 || fstat(fd, &st) != 0)
		must(errno, path);
	f = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	eh = (const void *)f;
	if (f == MAP_FAILED || (size_t)st.st_size < sizeof(*eh) ||
	    memcmp(f, ELFMAG, SELFMAG) != 0 || eh->e_type != ET_EXEC)
		must(ENOEXEC, path);
	ph = (const void *)(f + eh->e_phoff);
	for (int i = 0; i < eh->e_phnum; i++)
		if (ph[i].p_type == PT_LOAD)
			fill(ph[i].p_vaddr & ~4095ul,
			    (ph[i].p_vaddr & 4095) + ph[i].p_memsz,
			    ph[i].p_vaddr, f + ph[i].p_offset, ph[i].p_filesz);
	frame.regs.rip = eh->e_entry;
	close(fd);
}

static int64_t
system_call(struct vmspace_regs *r)
{
	char buf[4096];
	size_t done, len = r->rdx < sizeof(buf) ? r->rdx : sizeof(buf);

	switch (r->rax) {
	case SYS_write:
		if (vmspace_pread(vm, buf, len, r->rsi, &done) != 0)
			return (-EFAULT);
		return (write((int)r->rdi == 2 ? 2 : 1, buf, done));
	case SYS_arch_prctl: /* the C library sets its thread pointer */
		r->fs_base = r->rsi;
		return (0);
	default:
		return (-ENOSYS);
	}
}

int
main(int argc, char **argv)
{
	const struct vkernel_config config = {.mem = 64ul << 20};
	const uint64_t stack[] = {0, 0, 0, AT_PAGESZ, 4096, AT_NULL, 0};
	struct vkernel *kernel;

	must(argc == 2 ? 0 : EINVAL, "usage: tiny_kernel PROGRAM");
	must(vkernel_create(&config, &kernel), "kernel");
	must(vmspace_create(kernel, &vm), "vmspace");
	load(argv[1]);
	frame.regs.rsp = STACK - 4096;
	fill(STACK - STACK_SIZE, STACK_SIZE, frame.regs.rsp, stack,
	    sizeof(stack));
	do {
		must(vmspace_ctl(vm, VMSPACE_CTL_RUN, &frame), "run");
		if (frame.event == VMSPACE_EV_FAULT ||
		    frame.event == VMSPACE_EV_EXCEPTION)
			must(EFAULT, "the program crashed");
		if (frame.event != VMSPACE_EV_SYSCALL)
			continue;
		if (frame.regs.rax == SYS_exit ||
		    frame.regs.rax == SYS_exit_group)
			break;
		frame.regs.rax = (uint64_t)system_call(&frame.regs);
	} while (true);
	(void)vmspace_ctl(vm, VMSPACE_CTL_DONE, &frame);
	vmspace_free(vm);
	vkernel_destroy(kernel);
	return ((int)frame.regs.rdi);
}
