/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Texts about the memory of a process: its mappings, and what is in it.
 *
 * Concepts.  A text with a part for each mapping is made in pieces, whose
 * positions are addresses.  Memory (cmdline, environ) is read through the held
 * vmspace: a process that execs meanwhile shows its old strings, one that exits
 * shows none; it never shows those of another process.
 *
 * The vdso is no entry of the map: it is the host's, at the same address in all
 * processes whose auxiliary vector names it (AT_SYSINFO_EHDR).  It is shown as
 * the last mapping.
 *
 * Guarantees.  The memory that a text takes does not depend on the number of
 * mappings; smaps_rollup visits all of them for three lines.
 *
 * Limits.  Which process has written a page is not known, only the object that
 * it belongs to.  So the division into clean and dirty, private and shared is
 * an estimate: translated pages that anonymous objects can have count as dirty,
 * the others as pages of a file.  There are no referenced and no soft-dirty
 * bits.
 */
#include "kern/proctext/kern_procfs_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/auxv.h"
#include "host/host.h"
#include "kern/exec/exec.h"
#include "vm/map/vm_map.h"
#include "vm/vmspace.h"

#define MAPS_NAME_COLUMN 73
#define CHAIN_SHOWN 8 /* objects of a chain; longer ones are rare */
#define KIB(bytes) ((bytes) >> 10)
#define COPY_AT_ONCE ((size_t)64 << 10)

static void
maps_line(const struct vm_entry_info *e, struct procfs_buf *b)
{
	char line[128];
	int n;

	n = snprintf(line, sizeof(line),
	    "%08llx-%08llx %c%c%c%c %08llx %02x:%02x %llu ", (ull)e->start,
	    (ull)e->end, (e->prot & VM_PROT_READ) != 0 ? 'r' : '-',
	    (e->prot & VM_PROT_WRITE) != 0 ? 'w' : '-',
	    (e->prot & VM_PROT_EXECUTE) != 0 ? 'x' : '-',
	    (e->eflags & MAP_ENTRY_SHARED) != 0 ? 's' : 'p', (ull)e->offset,
	    (unsigned)(e->dev >> 8 & 0xfff),
	    (unsigned)((e->dev & 0xff) | (e->dev >> 12 & 0xfff00)),
	    (ull)e->ino);
	if (e->name[0] != '\0')
		procfs_printf(b, "%-*s%s\n",
		    n < MAPS_NAME_COLUMN ? MAPS_NAME_COLUMN : n, line, e->name);
	else
		procfs_printf(b, "%s\n", line);
}

/* The vdso as a mapping, if it is at va or above.  A process that has unmapped
 * everything (va 0) has none. */
static bool
pid_vdso(const struct procfs_proc *pi, vm_offset_t va, struct vm_entry_info *e)
{
	vm_offset_t at = 0;

	for (unsigned i = 0; i + 1 < PROC_AUXV && pi->auxv[i] != 0; i += 2)
		if (pi->auxv[i] == LX_AT_SYSINFO_EHDR)
			at = pi->auxv[i + 1];
	if (at == 0 || va == 0 || va > at || pi->vm == NULL)
		return (false);
	*e = (struct vm_entry_info){.start = at,
	    .end = at + host_vdso_size(),
	    .prot = VM_PROT_READ | VM_PROT_EXECUTE,
	    .max_prot = VM_PROT_ALL,
	    .name = "[vdso]"};
	return (e->end > at);
}

/*
 * The next mapping for a text with a part for each of them, whose positions are
 * addresses.  False: there is none, or the piece is full.  vdso: count it.
 */
static bool
pid_next_entry(struct procfs_proc *pi, struct procfs_buf *b, bool vdso,
    struct vm_entry_info *e)
{
	vm_offset_t va = b->next != 0 ? b->next : b->from;
	int error;

	b->next = 0;
	if (pi->vm == NULL)
		return (false);
	error = vmspace_entry_info(pi->vm, va, e);
	if (error != 0 && (error == ESRCH || !vdso || !pid_vdso(pi, va, e)))
		return (false);
	if (procfs_buf_full(b)) {
		b->next = e->start;
		return (false);
	}
	b->next = e->end;
	return (true);
}

int
pid_text_maps(struct procfs_proc *pi, struct procfs_buf *b)
{
	struct vm_entry_info e;

	while (pid_next_entry(pi, b, true, &e))
		maps_line(&e, b);
	return (0);
}

/* ---- smaps ---- */

/* Bytes of one mapping, or of all. */
struct smaps {
	uint64_t rss, pss, pss_dirty, shared_clean, shared_dirty, private_clean,
	    private_dirty, anon, swap, locked;
};

static void
smaps_add(struct vmspace *vm, const struct vm_entry_info *e, struct smaps *s)
{
	struct vm_entry_pages pg = {0};
	uint64_t rss = e->resident, anon, pss;

	(void)vmspace_entry_pages(vm, e->start, &pg);
	anon = pg.anon < rss ? pg.anon : rss;
	pss = pg.share < rss ? pg.share : rss;
	s->rss += rss;
	s->pss += pss;
	s->pss_dirty += anon < pss ? anon : pss;
	s->anon += anon;
	s->swap += pg.swapped;
	/* Pages of a file count as shared. */
	s->shared_clean += rss - anon;
	if ((e->eflags & MAP_ENTRY_SHARED) != 0)
		s->shared_dirty += anon;
	else
		s->private_dirty += anon;
	/* The share of a private object is too small where the object has
	 * several mappings of this process. */
	if ((e->eflags & MAP_ENTRY_WIRED) != 0)
		s->locked += (e->eflags & MAP_ENTRY_SHARED) != 0 ? pss : rss;
}

static void
smaps_line(struct procfs_buf *b, const char *name, uint64_t bytes)
{
	procfs_printf(b, "%-15s %8llu kB\n", name, (ull)KIB(bytes));
}

/* The lines that a mapping and the sum of all have. */
static void
smaps_print(const struct smaps *s, bool rollup, struct procfs_buf *b)
{
	smaps_line(b, "Rss:", s->rss);
	smaps_line(b, "Pss:", s->pss);
	smaps_line(b, "Pss_Dirty:", s->pss_dirty);
	if (rollup) {
		smaps_line(b, "Pss_Anon:", s->pss_dirty);
		smaps_line(b, "Pss_File:", s->pss - s->pss_dirty);
		smaps_line(b, "Pss_Shmem:", 0);
	}
	smaps_line(b, "Shared_Clean:", s->shared_clean);
	smaps_line(b, "Shared_Dirty:", s->shared_dirty);
	smaps_line(b, "Private_Clean:", s->private_clean);
	smaps_line(b, "Private_Dirty:", s->private_dirty);
	smaps_line(b, "Referenced:", s->rss);
	smaps_line(b, "Anonymous:", s->anon);
	smaps_line(b, "LazyFree:", 0);
	smaps_line(b, "AnonHugePages:", 0);
	smaps_line(b, "ShmemPmdMapped:", 0);
	smaps_line(b, "FilePmdMapped:", 0);
	smaps_line(b, "Shared_Hugetlb:", 0);
	smaps_line(b, "Private_Hugetlb:", 0);
	smaps_line(b, "Swap:", s->swap);
	smaps_line(b, "SwapPss:", s->swap);
	smaps_line(b, "Locked:", s->locked);
}

/* ---- numa_maps ---- */

/* There is one node. */
static void
numa_line(
    struct procfs_proc *pi, const struct vm_entry_info *e, struct procfs_buf *b)
{
	const uint64_t pages = e->resident / PAGE_SIZE;
	struct vm_entry_pages pg = {0};
	uint64_t anon;

	(void)vmspace_entry_pages(pi->vm, e->start, &pg);
	anon = pg.anon / PAGE_SIZE < pages ? pg.anon / PAGE_SIZE : pages;
	procfs_printf(b, "%08llx default", (ull)e->start);
	if (e->name[0] == '/')
		procfs_printf(b, " file=%s", e->name);
	else if ((e->eflags & MAP_ENTRY_HEAP) != 0)
		procfs_printf(b, " heap");
	else if ((e->eflags & MAP_ENTRY_STACK) != 0)
		procfs_printf(b, " stack");
	if (anon != 0)
		procfs_printf(b, " anon=%llu dirty=%llu", (ull)anon, (ull)anon);
	if (pages != anon)
		procfs_printf(b, " mapped=%llu", (ull)pages);
	if (pages != 0)
		procfs_printf(b, " N0=%llu kernelpagesize_kB=4", (ull)pages);
	procfs_printf(b, "\n");
}

int
pid_text_numa_maps(struct procfs_proc *pi, struct procfs_buf *b)
{
	struct vm_entry_info e;

	while (pid_next_entry(pi, b, false, &e))
		numa_line(pi, &e, b);
	return (0);
}

/* The flags of a mapping in the order of Linux's bits. */
static void
smaps_flags(const struct vm_entry_info *e, struct procfs_buf *b)
{
	const uint32_t f = e->eflags;
	const bool shared = (f & MAP_ENTRY_SHARED) != 0;
	const struct {
		const char *name;
		bool set;
	} flags[] = {
	    {"rd", (e->prot & VM_PROT_READ) != 0},
	    {"wr", (e->prot & VM_PROT_WRITE) != 0},
	    {"ex", (e->prot & VM_PROT_EXECUTE) != 0},
	    /* A file that was opened for reading cannot be changed here. */
	    {"sh", shared && (e->max_prot & VM_PROT_WRITE) != 0},
	    {"mr", (e->max_prot & VM_PROT_READ) != 0},
	    {"mw", (e->max_prot & VM_PROT_WRITE) != 0},
	    {"me", (e->max_prot & VM_PROT_EXECUTE) != 0},
	    {"ms", shared},
	    {"gd", (f & (MAP_ENTRY_GROWSDOWN | MAP_ENTRY_STACK)) != 0},
	    {"lo", (f & MAP_ENTRY_WIRED) != 0},
	    {"sr", (f & MAP_ENTRY_SEQUENTIAL) != 0},
	    {"rr", (f & MAP_ENTRY_RANDOM) != 0},
	    {"dc", e->inherit == VM_INHERIT_NONE},
	    {"ac", (f & MAP_ENTRY_ACCOUNT) != 0},
	    {"nr", (f & MAP_ENTRY_NORESERVE) != 0},
	    {"wf", e->inherit == VM_INHERIT_ZERO},
	    {"dd", (f & MAP_ENTRY_DONTDUMP) != 0},
	};

	procfs_printf(b, "VmFlags: ");
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
		if (flags[i].set)
			procfs_printf(b, "%s ", flags[i].name);
	procfs_printf(b, "\n");
}

int
pid_text_smaps(struct procfs_proc *pi, struct procfs_buf *b)
{
	struct vm_entry_info e;

	while (pid_next_entry(pi, b, true, &e)) {
		struct smaps s = {0};

		smaps_add(pi->vm, &e, &s);
		maps_line(&e, b);
		smaps_line(b, "Size:", e.end - e.start);
		smaps_line(b, "KernelPageSize:", PAGE_SIZE);
		smaps_line(b, "MMUPageSize:", PAGE_SIZE);
		smaps_print(&s, false, b);
		procfs_printf(b, "THPeligible:    %8d\n", 0);
		smaps_flags(&e, b);
	}
	return (0);
}

int
pid_text_smaps_rollup(struct procfs_proc *pi, struct procfs_buf *b)
{
	struct vm_entry_info e, all = {.name = "[rollup]"};
	struct smaps s = {0};
	vm_offset_t va = 0;

	if (pi->vm == NULL)
		return (ESRCH);
	while (vmspace_entry_info(pi->vm, va, &e) == 0) {
		if (all.end == 0)
			all.start = e.start;
		all.end = va = e.end;
		smaps_add(pi->vm, &e, &s);
		if (lwp_self_killed())
			return (EINTR);
	}
	maps_line(&all, b);
	smaps_print(&s, true, b);
	return (0);
}

/* ---- the project's own ---- */

/* The objects behind the entry at va, one to a line. */
static void
pid_chain(struct vmspace *vm, vm_offset_t va, struct procfs_buf *b)
{
	struct vm_chain_info c[CHAIN_SHOWN];
	unsigned n = vmspace_entry_chain(vm, va, c, CHAIN_SHOWN);

	for (unsigned i = 0; i < n; i++)
		procfs_printf(b,
		    "  object %llu %s refs %u holds %u pages %llu swapped "
		    "%llu\n",
		    (ull)c[i].id, c[i].type, c[i].refs, c[i].holds,
		    (ull)c[i].resident, (ull)c[i].swapped);
}

static void
pid_vmspace_head(struct procfs_proc *pi, struct procfs_buf *b)
{
	struct vmspace_stat st;

	/* A zombie has no memory: no page, no block, no entry. */
	memset(&st, 0, sizeof(st));
	if (pi->vm != NULL)
		vmspace_stat(pi->vm, &st);
	procfs_printf(b,
	    "generation %llu\nrefs %llu\nholds %llu\nflags %s\nsize %llu\n"
	    "resident %llu\npeak %llu\nproportional %llu\nwired %llu\n"
	    "entries %llu\nanonymous %llu\nswap %llu\n"
	    "minflt %llu\nmajflt %llu\nzfod %llu\ncow %llu\nswapin %llu\n",
	    (ull)st.id, (ull)st.refs, (ull)st.holds,
	    pi->vm == NULL ? "NONE"
	    : st.exiting   ? "EXIT1"
			   : "LIVE",
	    (ull)st.size, (ull)st.resident, (ull)st.resident_peak, (ull)st.pss,
	    (ull)st.wired, (ull)st.entries, (ull)(st.anon / PAGE_SIZE),
	    (ull)(st.swap / PAGE_SIZE), (ull)st.minflt, (ull)st.majflt,
	    (ull)st.zfod, (ull)st.cow, (ull)st.swapin);
}

int
pid_text_vmspace(struct procfs_proc *pi, struct procfs_buf *b)
{
	struct vm_entry_info e;

	if (b->from == 0)
		pid_vmspace_head(pi, b);
	while (pid_next_entry(pi, b, false, &e)) {
		procfs_printf(b,
		    "entry %llx-%llx prot %u flags %#x object %llu chain %u "
		    "resident %llu %s\n",
		    (ull)e.start, (ull)e.end, e.prot, e.eflags,
		    (ull)e.object_id, e.depth, (ull)e.resident, e.name);
		pid_chain(pi->vm, e.start, b);
	}
	return (0);
}

/* ---- contents ---- */

/* Bytes [start, end) of the process. */
static int
pid_memory(struct procfs_proc *pi, vm_offset_t start, vm_offset_t end,
    struct procfs_buf *b)
{
	size_t n, done;
	char *tmp;
	int error = 0;

	if (pi->vm == NULL || end <= start)
		return (0);
	if (end - start > EXEC_ARG_MAX)
		end = start + EXEC_ARG_MAX;
	tmp = malloc(COPY_AT_ONCE);
	if (tmp == NULL)
		return (ENOMEM);
	while (start < end && error == 0) {
		n = end - start < COPY_AT_ONCE ? end - start : COPY_AT_ONCE;
		done = 0;
		error = copyin_part(pi->vm, tmp, start, n, &done);
		procfs_write(b, tmp, done);
		start += done;
	}
	free(tmp);
	return (error == EFAULT || error == ESRCH ? 0 : error);
}

int
pid_text_cmdline(struct procfs_proc *pi, struct procfs_buf *b)
{
	const struct vmspace *vm = pi->vm;

	return (vm == NULL ? 0 : pid_memory(pi, vm->arg_start, vm->arg_end, b));
}

int
pid_text_environ(struct procfs_proc *pi, struct procfs_buf *b)
{
	const struct vmspace *vm = pi->vm;

	return (vm == NULL ? 0 : pid_memory(pi, vm->env_start, vm->env_end, b));
}

int
pid_text_statm(struct procfs_proc *pi, struct procfs_buf *b)
{
	struct vmspace_stat st = {0};
	uint64_t anon = 0, text = 0, res;

	if (pi->vm != NULL) {
		vmspace_stat(pi->vm, &st);
		anon = st.anon / PAGE_SIZE;
		text = round_page(pi->vm->code_end) -
		       trunc_page(pi->vm->code_start);
	}
	res = st.resident / PAGE_SIZE;
	procfs_printf(b, "%llu %llu %llu %llu 0 %llu 0\n",
	    (ull)(st.size / PAGE_SIZE), (ull)res,
	    (ull)(res > anon ? res - anon : 0), (ull)(text / PAGE_SIZE),
	    (ull)(st.size > text ? (st.size - text) / PAGE_SIZE : 0));
	return (0);
}
