/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Trials of a program's loader: what resident_trial.c (which runs them) and
 * resident_compare.c (which explains how two of them differ) share.
 */
#ifndef KERN_RESIDENT_RESIDENT_TRIAL_H
#define KERN_RESIDENT_RESIDENT_TRIAL_H

#include "kern/resident/resident.h"

/* Numbers that differ between the two trials, and that occur nowhere else by
 * chance. */
extern const unsigned trial_argc[2];
extern const int trial_tid[2];
#define TRIAL_BASE(nr) (7 + (nr)) /* of argv[0]: behind its last slash */

struct resident_trial {
	struct exec_image *img; /* of the exec that needs the image */
	unsigned nr;            /* 0 or 1 */
	uint64_t seed, draws;
	struct proc *p;
	struct lwp *l;
	struct exec_layout lay;
	struct exec_prog prog;
	uint64_t trap, sp;
	vm_offset_t stack_lo, stack_hi;
	uint64_t tsc[2]; /* the machine's clock before and after it */
	char why[160];
	int error;
	struct resident_image
	    *ri; /* records the names; the second trial's becomes the image */
	struct host_thread *thread;
	struct kmutex lock; /* rank LEAF */
	struct kcond cond;
	bool over;             /* lock */
	_Atomic(bool) expired; /* it is to end */
	bool late;             /* it ended because TRIAL_NS had passed */
	_Atomic(bool) itself;  /* it has looked up its own process */
	unsigned opening;      /* number of the name that is being opened */
	LIST_ENTRY(resident_trial) link; /* k->resident_lock */
};

/* Record a name that the loader looks up; nofollow: the link itself.  *which:
 * its index. 0, ENOEXEC (too many), ENOMEM. */
int trial_name(struct resident_image *, struct exec_image *, const char *path,
    bool nofollow, unsigned *which);
/* Refuse the trial with a reason; the first reason is kept.  ENOEXEC. */
int trial_refuse(struct resident_trial *, const char *fmt, unsigned long long,
    unsigned long long);
/* Run the trial until the loader is done. 0, or an errno. */
int trial_run(struct resident_trial *);
/* Has it done anything but prepare memory?  0, ENOEXEC. */
int trial_check(struct resident_trial *);
/* Free the trial's process and lwp, in any state. */
void trial_end(struct resident_trial *);

/* resident_compare.c: explain every difference, by patches of b->ri. */
int trial_compare(struct resident_trial *a, struct resident_trial *b);

#endif /* KERN_RESIDENT_RESIDENT_TRIAL_H */
