/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The rules of exec, written a second time: which files must run.
 *
 * Concepts. A fuzzer that only waits for crashes does not notice a check that
 * has been removed, as long as later code refuses most of the files that the
 * check refused. So the rules that src/kern/exec/imgact_elf.c documents are
 * written here again, in another way: in 128-bit arithmetic, where no sum
 * wraps, and from the bytes alone. A file that breaks a rule must not be
 * started; a small file that breaks none and needs no other file must be
 * started; and a process that was started must have the bytes of its file in
 * its memory.
 *
 * No rule here is stricter than execve. The answer is ELF_MAY where these rules
 * do not decide: scripts, interpreters, large or high images.
 */
#include "fuzz_elf.h"

#include <string.h>

#define USER_MIN UINT64_C(0x10000)
#define USER_MAX UINT64_C(0x7ffe00000000)
#define PAGE UINT64_C(4096)
#define HEADERS_MAX 65536u
#define PATH_LIMIT 4096u
#define SCRIPT_HEAD 256u
#define SMALL ((uint64_t)4 << 20)
#define LOW_ENOUGH (UINT64_C(1) << 46)
#define SAME_PAGES 4 /* pages compared at each end of a segment */

typedef unsigned __int128 wide;

static bool
in_file(uint64_t off, uint64_t n, size_t len)
{
	return ((wide)off + n <= len);
}

static Elf64_Ehdr
header(const uint8_t *data)
{
	Elf64_Ehdr eh;

	memcpy(&eh, data, sizeof(eh));
	return (eh);
}

static Elf64_Phdr
segment(const uint8_t *data, const Elf64_Ehdr *eh, unsigned i)
{
	Elf64_Phdr ph;

	memcpy(&ph, data + eh->e_phoff + i * sizeof(ph), sizeof(ph));
	return (ph);
}

static const char *
header_wrong(const uint8_t *data, size_t len)
{
	static const uint8_t ident[] = {
	    0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT};
	Elf64_Ehdr eh;

	if (len < sizeof(eh))
		return ("short header");
	eh = header(data);
	if (memcmp(data, ident, sizeof(ident)) != 0)
		return ("ident");
	if (eh.e_machine != EM_X86_64)
		return ("machine");
	if (eh.e_type != ET_EXEC && eh.e_type != ET_DYN)
		return ("type");
	if (eh.e_phentsize != sizeof(Elf64_Phdr))
		return ("phentsize");
	if (eh.e_phnum == 0 || eh.e_phnum * sizeof(Elf64_Phdr) > HEADERS_MAX)
		return ("phnum");
	if (!in_file(eh.e_phoff, eh.e_phnum * sizeof(Elf64_Phdr), len))
		return ("headers outside the file");
	return (NULL);
}

/* The segments: the range that they cover, and whether all of it is in the
 * file. */
struct span {
	wide lo, hi;
	bool any, whole, odd_align;
};

static const char *
segment_wrong(const Elf64_Phdr *ph, size_t len, struct span *s)
{
	const wide end = (wide)ph->p_vaddr + ph->p_memsz;

	if (ph->p_filesz > ph->p_memsz)
		return ("more file than memory");
	if (s->any && ph->p_vaddr < s->hi)
		return ("descending or overlapping");
	if (end > USER_MAX)
		return ("too high");
	if ((wide)ph->p_offset + ph->p_filesz > INT64_MAX)
		return ("offset wraps");
	if (ph->p_vaddr % PAGE != ph->p_offset % PAGE)
		return ("offset not congruent");
	if (!s->any) {
		s->lo = ph->p_vaddr - ph->p_vaddr % PAGE;
		s->whole = true;
	}
	s->any = true;
	s->hi = end;
	s->whole &= in_file(ph->p_offset, ph->p_filesz, len);
	s->odd_align |= ph->p_align > SMALL;
	return (NULL);
}

static const char *
interp_wrong(const uint8_t *data, size_t len, const Elf64_Phdr *ph)
{
	if (ph->p_filesz < 2 || ph->p_filesz > PATH_LIMIT)
		return ("length of the interpreter's path");
	if (!in_file(ph->p_offset, ph->p_filesz, len))
		return ("interpreter's path outside the file");
	if (data[ph->p_offset] == '\0')
		return ("empty interpreter's path");
	if (data[ph->p_offset + ph->p_filesz - 1] != '\0')
		return ("unterminated interpreter's path");
	return (NULL);
}

/* A path that is not complete in the first 256 bytes is never cut off. */
static const char *
script_wrong(const uint8_t *data, size_t len)
{
	size_t at = 2;

	while (at < len && (data[at] == ' ' || data[at] == '\t'))
		at++;
	/* And NUL. */
	while (at < len && at < SCRIPT_HEAD &&
	       memchr(" \t\n", data[at], 4) == NULL)
		at++;
	return (at >= SCRIPT_HEAD ? "interpreter's path too long" : NULL);
}

enum elf_verdict
elf_verdict_of(const uint8_t *data, size_t len, bool interp, const char **why)
{
	struct span s = {0};
	bool other = false;
	Elf64_Ehdr eh;
	Elf64_Phdr ph;

	*why = NULL;
	if (!interp && len >= 2 && data[0] == '#' && data[1] == '!') {
		*why = script_wrong(data, len);
		return (*why != NULL ? ELF_MUST_REFUSE : ELF_MAY);
	}
	*why = header_wrong(data, len);
	if (*why != NULL)
		return (ELF_MUST_REFUSE);
	eh = header(data);
	if (interp && eh.e_type != ET_DYN)
		*why = "interpreter has a fixed address";
	for (unsigned i = 0; *why == NULL && i < eh.e_phnum; i++) {
		ph = segment(data, &eh, i);
		if (ph.p_type == PT_LOAD && ph.p_memsz > 0)
			*why = segment_wrong(&ph, len, &s);
		if (ph.p_type == PT_INTERP && !other && !interp) {
			other = true;
			*why = interp_wrong(data, len, &ph);
		}
	}
	if (*why == NULL && !s.any)
		*why = "nothing to load";
	if (*why == NULL && eh.e_type == ET_EXEC && s.lo < USER_MIN)
		*why = "too low";
	if (*why == NULL && eh.e_type == ET_EXEC && eh.e_entry >= USER_MAX)
		*why = "entry";
	if (*why != NULL)
		return (ELF_MUST_REFUSE);
	if (other || !s.whole || s.odd_align || s.hi - s.lo > SMALL ||
	    s.hi > LOW_ENOUGH || eh.e_entry < s.lo || eh.e_entry >= s.hi)
		return (ELF_MAY);
	*why = "small and correct";
	return (ELF_MUST_ACCEPT);
}

uint64_t
elf_lowest(const uint8_t *data, size_t len)
{
	Elf64_Ehdr eh;
	Elf64_Phdr ph;

	if (header_wrong(data, len) != NULL)
		return (0);
	eh = header(data);
	for (unsigned i = 0; i < eh.e_phnum; i++) {
		ph = segment(data, &eh, i);
		if (ph.p_type == PT_LOAD && ph.p_memsz > 0)
			return (ph.p_vaddr - ph.p_vaddr % PAGE);
	}
	return (0);
}

/* ---- the memory of a process that was started ---- */

struct compare {
	const uint8_t *data;
	size_t len;
	uint64_t bias;
	bool (*get)(void *, uint64_t, void *, size_t);
	void *arg;
};

/* Is the page of file address va mapped by a segment after number i? */
static bool
covered(const uint8_t *data, const Elf64_Ehdr *eh, unsigned i, uint64_t va)
{
	Elf64_Phdr ph;

	while (++i < eh->e_phnum) {
		ph = segment(data, eh, i);
		if (ph.p_type == PT_LOAD && ph.p_memsz > 0 &&
		    va / PAGE >= ph.p_vaddr / PAGE &&
		    va / PAGE <= (ph.p_vaddr + ph.p_memsz - 1) / PAGE)
			return (true);
	}
	return (false);
}

/* One page, or the part of it that the segment has. */
static const char *
page_wrong(const struct compare *c, const Elf64_Phdr *ph, uint64_t va)
{
	const uint64_t fend = ph->p_vaddr + ph->p_filesz;
	const uint64_t mend = ph->p_vaddr + ph->p_memsz;
	uint64_t end = va - va % PAGE + PAGE;
	uint8_t buf[PAGE];

	if (end > mend)
		end = mend;
	if (!c->get(c->arg, va + c->bias, buf, end - va))
		return ("a page that cannot be read");
	for (uint64_t a = va; a < end; a++) {
		if (a < fend &&
		    buf[a - va] != c->data[ph->p_offset + (a - ph->p_vaddr)])
			return ("not the bytes of the file");
		/* Bss. Where it shares a page with the file, it is cleared
		 * only in segments that can be written. */
		if (a >= fend && buf[a - va] != 0 &&
		    ((ph->p_flags & PF_W) != 0 || ph->p_filesz == 0 ||
			a / PAGE != (fend - 1) / PAGE))
			return ("bss is not zero");
	}
	return (NULL);
}

static const char *
segment_compare(
    const struct compare *c, const Elf64_Ehdr *eh, unsigned i, Elf64_Phdr ph)
{
	const uint64_t end = ph.p_vaddr + ph.p_memsz;
	const char *wrong = NULL;
	uint64_t va = ph.p_vaddr, n = 0;

	while (wrong == NULL && va < end) {
		if (!covered(c->data, eh, i, va))
			wrong = page_wrong(c, &ph, va);
		va = va - va % PAGE + PAGE;
		if (++n == SAME_PAGES && end - va > SAME_PAGES * PAGE &&
		    va < end)
			va = (end - SAME_PAGES * PAGE) / PAGE * PAGE;
	}
	return (wrong);
}

const char *
elf_compare(const uint8_t *data, size_t len, uint64_t bias,
    bool (*get)(void *, uint64_t, void *, size_t), void *arg)
{
	const struct compare c = {data, len, bias, get, arg};
	const Elf64_Ehdr eh = header(data);
	const char *wrong = NULL;
	Elf64_Phdr ph;

	for (unsigned i = 0; wrong == NULL && i < eh.e_phnum; i++) {
		ph = segment(data, &eh, i);
		if (ph.p_type != PT_LOAD || ph.p_memsz == 0 ||
		    (ph.p_flags & PF_R) == 0 ||
		    !in_file(ph.p_offset, ph.p_filesz, len))
			continue;
		wrong = segment_compare(&c, &eh, i, ph);
	}
	return (wrong);
}
