/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The name space of mounts that a process is in, which it has by its proc_fs.
 */
#ifndef KERN_BASE_MOUNTNS_H
#define KERN_BASE_MOUNTNS_H

#include <stdbool.h>

struct lwp;
struct mntns;
struct proc;
struct proc_fs;
struct userns;
struct vkernel;
struct vplace;

/* The name space of the calling process, ref'ed. */
struct mntns *kern_mountns_ref(struct proc *);
/* May the caller change the mounts of the name space? */
bool kern_mounts_capable(struct lwp *, const struct mntns *);
/* Processes whose root or working directory is `from` get `to`. */
void kern_mounts_moved(
    struct vkernel *, const struct vplace *from, const struct vplace *to);
/* Give fs a name space of its own, a copy of the one it has, which `owner`
 * owns.  No locks held. ENOSPC, ENOMEM. */
int kern_mounts_unshare(struct proc_fs *, struct userns *owner);
/* Give fs the name space, whose ref passes on success, with its root as root
 * and working directory.  EINVAL: it has no mounts any more. */
int kern_mounts_enter(struct proc_fs *, struct mntns *);

#endif /* KERN_BASE_MOUNTNS_H */
