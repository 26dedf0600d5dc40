/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * userfaultfd: page faults of a process as a file.  Theory in uffd.c.
 */
#ifndef KERN_IPC_UFFD_H
#define KERN_IPC_UFFD_H

#include <stdbool.h>
#include <stdint.h>

#include "mem/vm_types.h"

struct file;
struct lwp;
struct vm_uffd;

/* Features that there are: LX_UFFD_FEATURE_*. */
#define UFFD_FEATURES 0x2981u

/* A file that serves faults of the lwp's address space.  flags: O_NONBLOCK;
 * user_only: not those of the kernel.  0 and *f with one ref; ENOMEM, EMFILE,
 * ENFILE. */
int uffd_create(struct lwp *, int flags, bool user_only, struct file **f);
/* The server of the file, which lives as long; NULL: it is another file. */
struct vm_uffd *uffd_of_file(const struct file *);
/* Set the features, once, and so permit all else.  EINVAL: they are set. */
int uffd_start(struct vm_uffd *, uint64_t features);
bool uffd_started(const struct vm_uffd *);
/* Wake the threads that wait for pages of the range.  No locks held. */
void uffd_wake(struct vm_uffd *, vm_offset_t start, vm_offset_t end);

#endif /* KERN_IPC_UFFD_H */
