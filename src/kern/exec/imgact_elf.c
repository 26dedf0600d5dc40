/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * ELF images, x86-64: ET_EXEC, ET_DYN (PIE and static PIE), and the program
 * interpreter.
 *
 * Concepts.  A file is first read and checked (elf_read), then placed
 * (elf_place), then mapped (elf_map).  The file is hostile input: every number
 * is checked before it is used, once, in elf_read(); placing and mapping rely
 * on these facts:
 *
 *	- phnum headers of the right size, at most 64 KiB, were read whole;
 *	- at least one PT_LOAD that is not empty; they ascend by address and do
 *	  not overlap; file size <= memory size;
 *	- addresses and offsets are congruent modulo the page size;
 *	- no sum of address and size, or offset and size, wraps; every segment
 *	  ends at or below VM_MAX_ADDRESS.
 *
 * Placing.  ET_EXEC is mapped at the addresses in its headers.  ET_DYN goes to
 * PIE_BASE plus a random offset, an interpreter to the top of the mmap area, in
 * one hole that is large enough for all its segments.
 *
 * Mapping.  The file part of a segment is a private mapping of the file's
 * object.  The rest of its last page is zeroed if the segment has more memory
 * than file (bss starts there); further bss is anonymous.  Two segments may
 * share a page; the page then belongs to the later one, as on Linux.
 *
 * The heap starts behind the highest segment, at a random distance.
 *
 * Errors: ENOEXEC (no x86-64 ELF file, or a broken one), ELIBBAD (the
 * interpreter is broken), ENOENT/EACCES (no such interpreter), ENOMEM (memory,
 * or no room).
 */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kern/exec/imgact.h"
#include "libk/kassert.h"
#include "vfs/core/lookup.h"
#include "vfs/core/vnode.h"
#include "vm/object/vm_object.h"
#include "vm/vmspace.h"

#define PHDRS_MAX (65536 / sizeof(Elf64_Phdr))
#define PIE_BASE UINT64_C(0x555555554000)
#define PIE_RANDOM_BITS 28
#define BRK_RANDOM_BITS 13 /* 32 MiB */
#define ALIGN_MAX (UINT64_C(1) << 30)

struct elf_file {
	struct vnode *vp; /* borrowed */
	Elf64_Ehdr eh;
	Elf64_Phdr *ph;
	uint64_t lo, hi; /* all segments, page bounds, unbiased */
	uint64_t align;  /* largest p_align, at least a page */
	uint64_t bias;
};

static bool
elf_header_ok(const Elf64_Ehdr *eh)
{
	return (memcmp(eh->e_ident, ELFMAG, SELFMAG) == 0 &&
		eh->e_ident[EI_CLASS] == ELFCLASS64 &&
		eh->e_ident[EI_DATA] == ELFDATA2LSB &&
		eh->e_ident[EI_VERSION] == EV_CURRENT &&
		eh->e_machine == EM_X86_64 &&
		(eh->e_type == ET_EXEC || eh->e_type == ET_DYN) &&
		eh->e_phentsize == sizeof(Elf64_Phdr) && eh->e_phnum > 0 &&
		eh->e_phnum <= PHDRS_MAX &&
		eh->e_phoff <=
		    (uint64_t)INT64_MAX - PHDRS_MAX * sizeof(Elf64_Phdr));
}

/* Check one PT_LOAD.  *end: the end of the PT_LOAD before it, then its own. */
static bool
elf_segment_ok(const Elf64_Phdr *ph, uint64_t *end)
{
	if (ph->p_filesz > ph->p_memsz || ph->p_vaddr < *end ||
	    ph->p_vaddr > VM_MAX_ADDRESS ||
	    ph->p_memsz > VM_MAX_ADDRESS - ph->p_vaddr ||
	    ph->p_offset > (uint64_t)INT64_MAX ||
	    ph->p_filesz > (uint64_t)INT64_MAX - PAGE_SIZE ||
	    ph->p_offset > (uint64_t)INT64_MAX - PAGE_SIZE - ph->p_filesz ||
	    ((ph->p_vaddr ^ ph->p_offset) & PAGE_MASK) != 0)
		return (false);
	*end = ph->p_vaddr + ph->p_memsz;
	return (true);
}

static bool
elf_loadable(const Elf64_Phdr *ph)
{
	return (ph->p_type == PT_LOAD && ph->p_memsz > 0);
}

static int
elf_check_segments(struct elf_file *ef)
{
	const Elf64_Phdr *ph = ef->ph;
	uint64_t end = 0;
	bool any = false;

	ef->align = PAGE_SIZE;
	for (unsigned i = 0; i < ef->eh.e_phnum; i++, ph++) {
		if (!elf_loadable(ph))
			continue;
		if (!elf_segment_ok(ph, &end))
			return (ENOEXEC);
		if (!any)
			ef->lo = trunc_page(ph->p_vaddr);
		any = true;
		if (ph->p_align > ef->align && ph->p_align <= ALIGN_MAX &&
		    (ph->p_align & (ph->p_align - 1)) == 0)
			ef->align = ph->p_align;
	}
	ef->hi = round_page(end);
	return (any && ef->hi > ef->lo ? 0 : ENOEXEC);
}

/* Read and check the headers.  On success the caller frees ef->ph. */
static int
elf_read(struct vnode *vp, struct elf_file *ef)
{
	size_t size, done;
	int error;

	memset(ef, 0, sizeof(*ef));
	ef->vp = vp;
	error = vn_pread(vp, &ef->eh, sizeof(ef->eh), 0, &done);
	if (error != 0)
		return (error);
	if (done != sizeof(ef->eh) || !elf_header_ok(&ef->eh))
		return (ENOEXEC);
	size = ef->eh.e_phnum * sizeof(Elf64_Phdr);
	ef->ph = malloc(size);
	if (ef->ph == NULL)
		return (ENOMEM);
	error = vn_pread(vp, ef->ph, size, ef->eh.e_phoff, &done);
	if (error == 0)
		error = done != size ? ENOEXEC : elf_check_segments(ef);
	if (error != 0) {
		free(ef->ph);
		ef->ph = NULL;
	}
	return (error);
}

/* Choose the bias of an ET_DYN interpreter: a hole below mmap_top. */
static int
elf_place_interp(struct exec_image *img, struct elf_file *ef)
{
	uint64_t len = ef->hi - ef->lo + ef->align - PAGE_SIZE;
	vm_offset_t addr = 0;
	int error;

	error = vm_mmap(img->vm, &addr, len, VM_PROT_NONE, VM_PROT_ALL,
	    VMM_NORESERVE, NULL, 0);
	if (error != 0)
		return (ENOMEM);
	error = vm_munmap(img->vm, addr, len);
	if (error != 0)
		return (error);
	/* Modulo 2^64: the bias of a file linked high is "negative". */
	ef->bias = (addr - ef->lo + ef->align - 1) & ~(ef->align - 1);
	return (0);
}

static int
elf_place(struct exec_image *img, struct elf_file *ef)
{
	uint64_t base;

	if (ef->eh.e_type == ET_EXEC)
		return (ef->lo < VM_MIN_ADDRESS ? ENOEXEC : 0);
	base = PIE_BASE + exec_random_pages(img, PIE_RANDOM_BITS);
	if (ef->hi - ef->lo > img->vm->mmap_top - base)
		return (ENOMEM);
	ef->bias = (base - ef->lo) & ~(ef->align - 1);
	return (0);
}

static vm_prot_t
elf_prot(const Elf64_Phdr *ph)
{
	vm_prot_t prot = VM_PROT_NONE;

	if ((ph->p_flags & PF_R) != 0)
		prot |= VM_PROT_READ;
	if ((ph->p_flags & PF_W) != 0)
		prot |= VM_PROT_WRITE;
	if ((ph->p_flags & PF_X) != 0)
		prot |= VM_PROT_EXECUTE;
	return (prot);
}

static int
elf_map_segment(struct exec_image *img, const struct elf_file *ef,
    const Elf64_Phdr *ph, struct vm_object *obj)
{
	const vm_prot_t prot = elf_prot(ph);
	const uint64_t start = ph->p_vaddr + ef->bias;
	const uint64_t fend = start + ph->p_filesz, mend = start + ph->p_memsz;
	uint64_t anon = trunc_page(start);
	vm_offset_t addr;
	int error;

	if (ph->p_filesz > 0) {
		addr = trunc_page(start);
		anon = round_page(fend);
		error = vm_mmap(img->vm, &addr, anon - addr, prot, VM_PROT_ALL,
		    VMM_FIXED, obj, trunc_page(ph->p_offset));
		if (error != 0)
			return (error);
		if (mend > fend && fend < anon && (prot & VM_PROT_WRITE) != 0) {
			/* Zero to the end of the page, as Linux does: loaders
			 * use the memory behind their bss. */
			error = copyout_zero(img->vm, fend, anon - fend);
			if (error != 0)
				return (error == ENOMEM ? ENOMEM : ENOEXEC);
		}
	}
	if (round_page(mend) > anon) {
		addr = anon;
		error = vm_mmap(img->vm, &addr, round_page(mend) - anon, prot,
		    VM_PROT_ALL, VMM_FIXED, NULL, 0);
		if (error != 0)
			return (error);
	}
	return (0);
}

static int
elf_map(struct exec_image *img, const struct elf_file *ef)
{
	const Elf64_Phdr *ph = ef->ph;
	struct vm_object *obj;
	int error;

	error = vnode_object(ef->vp, &obj);
	if (error != 0)
		return (error == ENODEV ? ENOEXEC : error);
	for (unsigned i = 0; i < ef->eh.e_phnum; i++, ph++) {
		if (!elf_loadable(ph))
			continue;
		error = elf_map_segment(img, ef, ph, obj);
		if (error != 0)
			return (error == EINVAL ? ENOEXEC : error);
	}
	return (0);
}

/* Path of the interpreter, malloc'ed; NULL if there is none. */
static int
elf_interp_path(const struct elf_file *ef, char **out)
{
	const Elf64_Phdr *ph = ef->ph;
	unsigned i = 0;
	size_t done;
	char *path;
	int error;

	*out = NULL;
	while (i < ef->eh.e_phnum && ph[i].p_type != PT_INTERP)
		i++;
	if (i == ef->eh.e_phnum)
		return (0);
	ph += i;
	if (ph->p_filesz < 2 || ph->p_filesz > VFS_PATH_MAX ||
	    ph->p_offset > (uint64_t)INT64_MAX - VFS_PATH_MAX)
		return (ENOEXEC);
	path = malloc(ph->p_filesz);
	if (path == NULL)
		return (ENOMEM);
	error = vn_pread(ef->vp, path, ph->p_filesz, ph->p_offset, &done);
	if (error == 0 &&
	    (done != ph->p_filesz || path[ph->p_filesz - 1] != '\0' ||
		path[0] == '\0'))
		error = ENOEXEC;
	if (error != 0) {
		free(path);
		return (error);
	}
	*out = path;
	return (0);
}

/* Find the interpreter: a regular file that the process may execute, ref'ed. */
static int
elf_open_interp(struct exec_image *img, const char *path, struct vnode **out)
{
	struct nameidata nd = {0};
	int error;

	error = exec_namei(img, path, &nd);
	if (error != 0)
		return (error);
	error = nd.vp->type != VREG ? EACCES : vn_access(nd.vp, 1, &img->ctx);
	if (error != 0)
		goto fail;
	if (img->p->trial != NULL) {
		error = img->k->resident->name(img->p->trial, path, nd.vp);
		if (error != 0)
			goto fail;
	}
	img->unreadable |= vn_access(nd.vp, 4, &img->ctx) != 0;
	*out = nd.vp;
	return (0);
fail:
	vrele(nd.vp);
	return (error);
}

/* Check, place and map the interpreter. */
static int
elf_map_interp(struct exec_image *img, struct vnode *vp)
{
	struct elf_file ef;
	int error;

	error = elf_read(vp, &ef);
	if (error != 0)
		return (error);
	error = ENOEXEC;
	if (ef.eh.e_type != ET_DYN)
		goto out;
	error = elf_place_interp(img, &ef);
	if (error != 0)
		goto out;
	error = elf_map(img, &ef);
	if (error != 0)
		goto out;
	error = ENOEXEC;
	if (ef.eh.e_entry + ef.bias >= VM_MAX_ADDRESS)
		goto out;
	error = 0;
	img->prog.base = ef.bias;
	img->entry = ef.eh.e_entry + ef.bias;
out:
	free(ef.ph);
	return (error);
}

static int
elf_load_interp(struct exec_image *img, const char *path)
{
	struct vnode *vp;
	int error;

	error = elf_open_interp(img, path, &vp);
	if (error != 0)
		return (error);
	error = elf_map_interp(img, vp);
	vrele(vp);
	return (error == ENOEXEC ? ELIBBAD : error);
}

/* Set the facts of exec_prog, and the addresses of code and heap. */
static int
elf_facts(struct exec_image *img, const struct elf_file *ef)
{
	const Elf64_Phdr *ph = ef->ph;
	struct vmspace *vm = img->vm;
	uint64_t code_end = 0;

	if (ef->eh.e_entry + ef->bias >= VM_MAX_ADDRESS)
		return (ENOEXEC);
	img->entry = img->prog.aentry = ef->eh.e_entry + ef->bias;
	img->prog.phnum = ef->eh.e_phnum;
	vm->code_start = ef->lo + ef->bias;
	for (unsigned i = 0; i < ef->eh.e_phnum; i++, ph++) {
		if (ph->p_type == PT_GNU_STACK)
			img->prog.stack_exec = (ph->p_flags & PF_X) != 0;
		if (!elf_loadable(ph))
			continue;
		if (ph->p_offset <= ef->eh.e_phoff &&
		    ef->eh.e_phoff - ph->p_offset < ph->p_filesz)
			img->prog.phdr = ef->eh.e_phoff - ph->p_offset +
					 ph->p_vaddr + ef->bias;
		if ((ph->p_flags & PF_X) != 0)
			code_end = ph->p_vaddr + ph->p_filesz;
	}
	vm->code_end = code_end + ef->bias;
	vm->brk_start = vm->brk_end = ef->hi + ef->bias + PAGE_SIZE +
				      exec_random_pages(img, BRK_RANDOM_BITS);
	return (0);
}

int
imgact_elf(struct exec_image *img)
{
	struct elf_file ef;
	char *interp = NULL;
	int error;

	error = elf_read(img->vp, &ef);
	if (error != 0)
		return (error);
	error = elf_interp_path(&ef, &interp);
	if (error != 0)
		goto out;
	error = exec_new_vmspace(img);
	if (error != 0)
		goto out;
	error = elf_place(img, &ef);
	if (error != 0)
		goto out;
	error = elf_map(img, &ef);
	if (error != 0)
		goto out;
	error = elf_facts(img, &ef);
	if (error != 0)
		goto out;
	if (interp != NULL)
		error = elf_load_interp(img, interp);
out:
	free(interp);
	free(ef.ph);
	return (error);
}
