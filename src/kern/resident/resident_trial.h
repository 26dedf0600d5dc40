/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Trials of a program's loader: what resident_trial.c (which runs them) and
 * resident_compare.c (which explains how two of them differ) share.
 */
#ifndef KERN_RESIDENT_RESIDENT_TRIAL_H
#define KERN_RESIDENT_RESIDENT_TRIAL_H

#include "kern/resident/resident.h"

/* What tells the two apart: numbers that nothing else has by chance. */
extern const unsigned trial_argc[2];
extern const int trial_tid[2];
#define TRIAL_BASE(nr) (7 + (nr)) /* of argv[0]: behind its last slash */

struct resident_trial {
	struct exec_image *img; /* on whose behalf */
	unsigned nr;            /* 0 or 1 */
	uint64_t seed, draws;
	struct proc *p;
	struct lwp *l;
	struct exec_layout lay;
	struct exec_prog prog;
	uint64_t trap, sp;
	vm_offset_t stack_lo, stack_hi;
	uint64_t tsc[2]; /* the machine's clock around it */
	char why[160];
	int error;
	struct resident_image *ri; /* takes the names; the second trial's */
	struct host_thread *thread;
	struct kmutex lock; /* rank LEAF */
	struct kcond cond;
	bool over;             /* lock */
	_Atomic(bool) expired; /* it is to end */
	bool late;             /* because of the time */
	_Atomic(bool) itself;  /* it has asked who it is */
	unsigned opening;      /* number of the name that is being opened */
	LIST_ENTRY(resident_trial) link; /* k->resident_lock */
};

/* A name that is looked at.  0, ENOEXEC (too many), ENOMEM. */
/* nofollow: the link itself is looked at.  *which: its number. */
int trial_name(struct resident_image *, struct exec_image *, const char *path,
    bool nofollow, unsigned *which);
/* Why it cannot be: the first reason counts.  ENOEXEC. */
int trial_refuse(struct resident_trial *, const char *fmt, unsigned long long,
    unsigned long long);
/* Run it until the loader is done.  0, or why not. */
int trial_run(struct resident_trial *);
/* Has it done anything but prepare memory?  0, ENOEXEC. */
int trial_check(struct resident_trial *);
/* Process and lwp go, in any state. */
void trial_end(struct resident_trial *);

/* resident_compare.c: explain every difference, by patches of b->ri. */
int trial_compare(struct resident_trial *a, struct resident_trial *b);

#endif /* KERN_RESIDENT_RESIDENT_TRIAL_H */
