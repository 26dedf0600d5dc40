/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The statistics that --stat prints at the end of a run, to standard error: a
 * line for each subject, and none for a subject without events.
 */
#include <stdio.h>

#include "cmd/run/cmd_options.h"

static void
print_swap_stat(const struct vkernel_stat *s)
{
	if (s->swap_size == 0)
		return;
	fprintf(stderr,
	    "vmspace: swap %.1f MiB, at the end %.1f MiB used (taking %.1f "
	    "MiB); pages in %lu, out %lu, errors %lu\n",
	    (double)s->swap_size / 1048576, (double)s->swap_used / 1048576,
	    (double)s->swap_stored / 1048576, s->swap_ins, s->swap_outs,
	    s->swap_errors);
}

/* What was refused; no line if there is nothing. */
static void
print_refused(const struct vkernel_stat *s)
{
	if (s->refused_calls != 0)
		fprintf(stderr,
		    "vmspace: attacks on the host processes of guests: "
		    "%lu\n",
		    s->refused_calls);
	if (s->refused_procs + s->refused_threads + s->refused_entries +
		s->refused_kmem + s->refused_host_fds ==
	    0)
		return;
	fprintf(stderr,
	    "vmspace: refused by a limit: processes %lu, threads %lu, mappings "
	    "%lu, kernel memory %lu, host descriptors %lu\n",
	    s->refused_procs, s->refused_threads, s->refused_entries,
	    s->refused_kmem, s->refused_host_fds);
}

void
cmd_stat_print(const struct vkernel_stat *s, double seconds)
{
	print_swap_stat(s);
	print_refused(s);
	fprintf(stderr,
	    "vmspace: processes %lu, execs %lu, forks %lu, system calls %lu\n"
	    "vmspace: faults %lu: zero-filled %lu pages, copied on write %lu "
	    "(%lu without a copy), file pages read %lu, already resident %lu, "
	    "mapped around %lu, ahead %lu, refused %lu\n"
	    "vmspace: memory peak %.1f MiB of %.1f MiB, out-of-memory kills "
	    "%lu\n"
	    "vmspace: kernel memory peak %.1f MiB of %.1f MiB, at the end "
	    "%.1f MiB; host descriptors at the end %lu of %lu\n"
	    "vmspace: host mappings %lu made, %lu removed, %lu protected; "
	    "hand-overs %lu (%lu caught spinning); stub processes %lu\n"
	    "vmspace: wall time %.3f s\n",
	    s->procs_created, s->execs, s->forks, s->syscalls, s->faults,
	    s->zfod, s->cow, s->cow_opt, s->file_in, s->soft, s->around,
	    s->ahead, s->segv, (double)s->mem_peak / 1048576,
	    (double)s->mem / 1048576, s->oom_kills,
	    (double)s->kmem_peak / 1048576, (double)s->kmem / 1048576,
	    (double)s->kmem_used / 1048576, s->host_fds_used, s->host_fds,
	    s->host_maps, s->host_unmaps, s->host_protects, s->handovers,
	    s->spins, s->stubs_created, seconds);
}

static void
print_missing(void *arg, const char *name, uint64_t calls, uint64_t missing)
{
	int *n = arg;

	if (missing == 0)
		return;
	fprintf(stderr, "%s %s %lu",
	    (*n)++ == 0 ? "vmspace: missing system calls:" : ",", name,
	    missing);
}

void
cmd_stat_missing(struct vkernel *k)
{
	int missing = 0;

	vkernel_syscalls(k, print_missing, &missing);
	if (missing != 0)
		fprintf(stderr, "\n");
}
