/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/* Pausing all guests of a kernel from outside.  Theory in pause.c. */
#ifndef KERN_SIG_PAUSE_H
#define KERN_SIG_PAUSE_H

#include <stdbool.h>

struct lwp;
struct vkernel;

/* Let no lwp run user code.  0: none does; EAGAIN: some still did after ten
 * seconds, and all go on.  No locks held. */
int kern_pause(struct vkernel *);
void kern_resume(struct vkernel *);
bool kern_paused(struct vkernel *);

/* For an lwp on its way to user code: wait while the kernel is paused, unless
 * the lwp is killed.  No locks held. */
void kern_pause_wait(struct lwp *);

#endif /* KERN_SIG_PAUSE_H */
