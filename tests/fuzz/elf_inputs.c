/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Inputs of the exec fuzzer: correct files, and ways to damage them.
 *
 * Concepts. The seeds are composed here, byte by byte, so that the suite needs
 * no compiler for them. A change depends on what the bytes claim to be: an ELF
 * file whose program headers are inside it is damaged at the points where
 * checks can fail (numbers at the edges of pages, words and the address space;
 * order, overlap, number and place of headers; the path of the interpreter; the
 * end of the file); a script gets pieces of first lines; and any file gets
 * random bytes.
 */
#include "fuzz_elf.h"

#include <stdio.h>
#include <string.h>

/* Numbers at the edges of arithmetic, with a small offset added. */
static uint64_t
edge_number(uint64_t *r)
{
	static const uint64_t v[] = {0, 1, 2, 7, 8, 55, 56, 57, 63, 64, 0x200,
	    0xfff, 0x1000, 0x1001, 0xffff, 0x10000, 0x200000, 0x400000,
	    0x7fffffff, 0x80000000, 0xffffffff, UINT64_C(1) << 32,
	    UINT64_C(1) << 46, 0x7ffdffffe000, 0x7ffdfffff000, 0x7ffe00000000,
	    0x7ffffffff000, UINT64_C(1) << 47, INT64_MAX - 0x10000,
	    INT64_MAX - 0xfff, INT64_MAX, UINT64_C(1) << 63,
	    UINT64_MAX - 0xffff, UINT64_MAX - 0xfff, UINT64_MAX};
	uint64_t x = FUZZ_PICK(r, v);

	switch (rnd_below(r, 6)) {
	case 0:
		return (x + rnd_below(r, 16));
	case 1:
		return (x - rnd_below(r, 16));
	case 2:
		x = rnd_next(r);
		return (x >> rnd_below(r, 64));
	case 3:
		return (rnd_below(r, 0x20000));
	default:
		return (x);
	}
}

/* ---- correct files ---- */

#define INTERP_OFF 0x180
#define TEXT_OFF 0x1c0
#define DATA_OFF 0x200
#define GOOD_LEN 0x300

static void
put_segment(uint8_t *buf, unsigned i, uint32_t type, uint32_t flags,
    uint64_t off, uint64_t va, uint64_t filesz, uint64_t memsz)
{
	const Elf64_Phdr ph = {
	    .p_type = type,
	    .p_flags = flags,
	    .p_offset = off,
	    .p_vaddr = va,
	    .p_paddr = va,
	    .p_filesz = filesz,
	    .p_memsz = memsz,
	    .p_align = 4096,
	};

	memcpy(buf + sizeof(Elf64_Ehdr) + i * sizeof(ph), &ph, sizeof(ph));
}

/* Header, text, data with bss, stack, one more segment, and an interpreter
 * or none. */
size_t
elf_good(uint8_t *buf, bool pie, const char *interp)
{
	const uint64_t base = pie ? 0 : 0x400000;
	const Elf64_Ehdr eh = {
	    .e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB,
		EV_CURRENT},
	    .e_type = pie ? ET_DYN : ET_EXEC,
	    .e_machine = EM_X86_64,
	    .e_version = EV_CURRENT,
	    .e_entry = base + TEXT_OFF,
	    .e_phoff = sizeof(eh),
	    .e_ehsize = sizeof(eh),
	    .e_phentsize = sizeof(Elf64_Phdr),
	    .e_phnum = interp != NULL ? 5 : 4,
	};

	for (size_t i = 0; i < GOOD_LEN; i++)
		buf[i] = (uint8_t)(0x90 + i % 61);
	memcpy(buf, &eh, sizeof(eh));
	put_segment(buf, 0, PT_LOAD, PF_R | PF_X, 0, base, DATA_OFF, DATA_OFF);
	put_segment(buf, 1, PT_LOAD, PF_R | PF_W, DATA_OFF,
	    base + 0x3000 + DATA_OFF, GOOD_LEN - DATA_OFF, 0x4321);
	put_segment(buf, 2, PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0);
	put_segment(
	    buf, 3, PT_TLS, PF_R, DATA_OFF, base + 0x3000 + DATA_OFF, 16, 64);
	if (interp != NULL) {
		put_segment(buf, 4, PT_INTERP, PF_R, INTERP_OFF,
		    base + INTERP_OFF, strlen(interp) + 1, strlen(interp) + 1);
		strcpy((char *)buf + INTERP_OFF, interp);
	}
	return (GOOD_LEN);
}

/* More than a page of the file in one segment, and the next segment in the
 * same page. */
static size_t
good_large(uint8_t *buf)
{
	const uint64_t base = 0x10000;
	size_t len = 0x2a40;
	Elf64_Ehdr eh;

	for (size_t i = 0; i < len; i++)
		buf[i] = (uint8_t)(i * 7 + (i >> 8));
	elf_good(buf, false, NULL);
	memcpy(&eh, buf, sizeof(eh));
	eh.e_entry = base + TEXT_OFF;
	memcpy(buf, &eh, sizeof(eh));
	put_segment(buf, 0, PT_LOAD, PF_R | PF_X, 0, base, 0x1f00, 0x1f00);
	put_segment(buf, 1, PT_LOAD, PF_R | PF_W, 0x1f00, base + 0x1f00,
	    len - 0x1f00, 0x8000);
	return (len);
}

static size_t
text(uint8_t *buf, const char *s)
{
	size_t len = strlen(s);

	memcpy(buf, s, len);
	return (len);
}

size_t
elf_seed(unsigned i, uint8_t *buf, const char **name)
{
	static const char *const names[] = {"static", "pie", "dynamic",
	    "interpreter", "large", "script", "script-chain", "script-loop",
	    "script-dynamic", "script-cut", "empty"};

	if (i >= sizeof(names) / sizeof(names[0]))
		return (SIZE_MAX);
	*name = names[i];
	switch (i) {
	case 0:
		return (elf_good(buf, false, NULL));
	case 1:
		return (elf_good(buf, true, NULL));
	case 2:
		return (elf_good(buf, true, "/ld"));
	case 3:
		buf[0] = ELF_AS_INTERP;
		return (1 + elf_good(buf + 1, true, NULL));
	case 4:
		return (good_large(buf));
	case 5:
		return (text(buf, "#!/sh arg\nrest\n"));
	case 6:
		return (text(buf, "#! /s one two \n"));
	case 7:
		return (text(buf, "#!/loop\n"));
	case 8:
		return (text(buf, "#!/dyn"));
	case 9: /* "/sh": the rest of "/shx" is cut off */
		memset(buf, '/', 254);
		memcpy(buf, "#!", 2);
		return (253 + text(buf + 253, "/shx"));
	default:
		return (0);
	}
}

/* ---- damage ---- */

static void
damage_header(uint64_t *r, uint8_t *buf)
{
	const uint64_t x = edge_number(r);
	Elf64_Ehdr eh;

	memcpy(&eh, buf, sizeof(eh));
	switch (rnd_below(r, 10)) {
	case 0:
		eh.e_phnum = (uint16_t)x;
		break;
	case 1:
	case 2:
		eh.e_phoff = x;
		break;
	case 3:
		eh.e_phentsize = (uint16_t)x;
		break;
	case 4:
	case 5:
		eh.e_entry = x;
		break;
	case 6:
		eh.e_type = (uint16_t)rnd_below(r, 6);
		break;
	case 7:
		eh.e_machine = (uint16_t)x;
		break;
	case 8:
		eh.e_ident[rnd_below(r, EI_NIDENT)] = (uint8_t)x;
		break;
	default:
		eh.e_phnum = (uint16_t)(eh.e_phnum + rnd_below(r, 5) - 2);
		break;
	}
	memcpy(buf, &eh, sizeof(eh));
}

static void
damage_segment(uint64_t *r, Elf64_Phdr *ph)
{
	const uint64_t x = edge_number(r);

	switch (rnd_below(r, 11)) {
	case 0:
		ph->p_vaddr = x;
		break;
	case 1:
		ph->p_offset = x;
		break;
	case 2:
		ph->p_filesz = x;
		break;
	case 3:
		ph->p_memsz = x;
		break;
	case 4:
		ph->p_align =
		    rnd_below(r, 2) ? x : UINT64_C(1) << rnd_below(r, 64);
		break;
	case 5:
		ph->p_flags = (uint32_t)rnd_below(r, 16);
		break;
	case 6:
		ph->p_type = (uint32_t)rnd_below(r, 8);
		break;
	case 7: /* congruent, at another offset */
		ph->p_vaddr = (x & ~UINT64_C(0xfff)) | (ph->p_offset & 0xfff);
		break;
	case 8:
		ph->p_memsz += x;
		break;
	case 9: /* up to the top of the address space */
		ph->p_memsz = x - ph->p_vaddr;
		break;
	default: /* the part in the file moves, congruent */
		ph->p_offset = (x & ~UINT64_C(0xfff)) | (ph->p_vaddr & 0xfff);
		break;
	}
}

/* Order, overlap and identity of two segments. */
static void
damage_pair(uint64_t *r, Elf64_Phdr *a, Elf64_Phdr *b)
{
	const Elf64_Phdr t = *a;

	switch (rnd_below(r, 4)) {
	case 0:
		*a = *b;
		*b = t;
		break;
	case 1:
		*a = *b;
		break;
	case 2: /* b begins inside a, or at its end */
		b->p_vaddr =
		    a->p_vaddr +
		    (rnd_below(r, 2) ? a->p_memsz : rnd_below(r, 0x2000));
		b->p_offset = b->p_vaddr & 0xfff;
		break;
	default: /* a extends until it meets b */
		a->p_memsz = b->p_vaddr - a->p_vaddr + rnd_below(r, 3) - 1;
		break;
	}
}

/* Headers: more of them, or at another offset. */
static size_t
damage_table(uint64_t *r, uint8_t *buf, size_t len, Elf64_Ehdr *eh)
{
	static const uint16_t counts[] = {
	    6, 40, 73, 585, 1169, 1170, 1171, 2000};
	const size_t each = sizeof(Elf64_Phdr);
	size_t n = rnd_below(r, 2) ? eh->e_phnum : FUZZ_PICK(r, counts);
	const size_t old = eh->e_phnum, at = len;

	if (at + n * each > ELF_INPUT_MAX - 1)
		return (len);
	for (size_t i = 0; i < n; i++)
		memcpy(buf + at + i * each,
		    buf + eh->e_phoff + (i < old ? i : old - 1) * each, each);
	if (n > old && rnd_below(r, 2)) /* the copies load nothing */
		for (size_t i = old; i < n; i++)
			memset(buf + at + i * each, 0, 4);
	eh->e_phoff = at;
	eh->e_phnum = (uint16_t)n;
	memcpy(buf, eh, sizeof(*eh));
	return (at + n * each);
}

static void
damage_interp(uint64_t *r, uint8_t *buf, size_t len, Elf64_Phdr *ph)
{
	static const char *const paths[] = {"/ld", "/", "ld", "/noexec",
	    "/nothing", "/dir/../ld", "/s", "/self", "/sh", "/proc/self/exe",
	    "/dev/null", "/ld/", ""};
	const char *path = FUZZ_PICK(r, paths);

	if (ph->p_type != PT_INTERP && rnd_below(r, 4) == 0)
		ph->p_type = PT_INTERP;
	switch (rnd_below(r, 5)) {
	case 0:
		ph->p_filesz = edge_number(r);
		break;
	case 1: /* up to the end of the file, unterminated or not */
		ph->p_filesz = len - (ph->p_offset < len ? ph->p_offset : 0);
		break;
	case 2:
		ph->p_filesz = 4090 + rnd_below(r, 12);
		break;
	default:
		ph->p_offset = INTERP_OFF;
		ph->p_filesz = strlen(path) + 1 - rnd_below(r, 2);
		if (INTERP_OFF + strlen(path) + 1 <= len)
			strcpy((char *)buf + INTERP_OFF, path);
		break;
	}
}

static size_t
damage_bytes(uint64_t *r, uint8_t *buf, size_t len)
{
	size_t n, at;

	switch (rnd_below(r, 4)) {
	case 0: /* cut */
		return (rnd_below(r, len + 1));
	case 1: /* longer */
		n = 1 + rnd_below(r, rnd_below(r, 2) ? 16 : 6000);
		while (n-- > 0 && len < ELF_INPUT_MAX - 1)
			buf[len++] = (uint8_t)rnd_next(r);
		return (len);
	default: /* some bytes, at the front most of the time */
		n = len > 0x180 && rnd_below(r, 3) ? 0x180 : len;
		for (uint64_t i = rnd_below(r, 6); n > 0 && i < 6; i++) {
			at = rnd_below(r, n);
			buf[at] = (uint8_t)rnd_next(r);
		}
		return (len);
	}
}

static size_t
damage_script(uint64_t *r, uint8_t *buf, size_t len)
{
	static const char *const parts[] = {"#!", "#!/sh", "#!/s", "#!/dyn",
	    "#!/loop", "#!/", " ", "\t", "\n", "/self", "arg", "#!/noexec",
	    "#!/dir", "#!/ld", "#!sh", "#!/proc/self/exe", "#!\n", "#! \t ",
	    "/../../sh"};
	static const char fill[] = {'x', ' ', '/', '/', '\0'};
	size_t at = rnd_below(r, 3) == 0 ? 0 : rnd_below(r, len + 1), n;
	const char *part = FUZZ_PICK(r, parts);

	if (rnd_below(r, 4) == 0) { /* near the longest line */
		n = 244 + rnd_below(r, 16);
		if (rnd_below(r, 2) && len >= 2) { /* in the path */
			memmove(buf + 2 + n, buf + 2, len - 2);
			at = 2;
			len += n;
		}
		memset(buf + at, FUZZ_PICK(r, fill), n);
		return (at + n > len ? at + n : len);
	}
	n = strlen(part) + (rnd_below(r, 8) == 0); /* with its NUL */
	memcpy(buf + at, part, n);
	return (at + n > len ? at + n : len);
}

static size_t
damage_elf(uint64_t *r, uint8_t *buf, size_t len, Elf64_Ehdr *eh)
{
	Elf64_Phdr ph[2];
	uint8_t *at[2];

	for (int i = 0; i < 2; i++) {
		at[i] = buf + eh->e_phoff +
			rnd_below(r, eh->e_phnum < 6 ? eh->e_phnum : 6) *
			    sizeof(ph[0]);
		memcpy(&ph[i], at[i], sizeof(ph[0]));
	}
	switch (rnd_below(r, 8)) {
	case 0:
	case 1:
		damage_header(r, buf);
		return (len);
	case 2:
		damage_pair(r, &ph[0], &ph[1]);
		break;
	case 3:
		return (damage_table(r, buf, len, eh));
	case 4:
		damage_interp(r, buf, len, &ph[0]);
		break;
	default:
		damage_segment(r, &ph[0]);
		break;
	}
	/* The path of the interpreter may have been written over headers. */
	memcpy(at[1], &ph[1], sizeof(ph[1]));
	memcpy(at[0], &ph[0], sizeof(ph[0]));
	return (len);
}

size_t
elf_mutate(uint64_t *r, uint8_t *buf, size_t len)
{
	const size_t skip = len > 0 && buf[0] == ELF_AS_INTERP;
	Elf64_Ehdr eh = {0};

	buf += skip;
	len -= skip;
	if (len >= sizeof(eh))
		memcpy(&eh, buf, sizeof(eh));
	if (rnd_below(r, 8) == 0 || len == 0)
		len = damage_bytes(r, buf, len);
	else if (len < 4096 && buf[0] == '#')
		len = damage_script(r, buf, len);
	else if (eh.e_phnum > 0 && eh.e_phoff < len &&
		 eh.e_phnum * sizeof(Elf64_Phdr) <= len - eh.e_phoff)
		len = damage_elf(r, buf, len, &eh);
	else
		len = damage_bytes(r, buf, len);
	return (len + skip);
}

size_t
elf_make(uint64_t *r, uint8_t *buf)
{
	static const unsigned seeds[] = {
	    0, 0, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6, 7, 8, 9, 10};
	const char *name;
	size_t len = elf_seed(FUZZ_PICK(r, seeds), buf, &name);

	for (uint64_t n = rnd_below(r, 5); n > 0; n--)
		len = elf_mutate(r, buf, len);
	return (len);
}
