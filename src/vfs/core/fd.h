/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Descriptor tables.  A table has its own lock; threads share it and fork
 * copies it.
 */
#ifndef VFS_CORE_FD_H
#define VFS_CORE_FD_H

#include <stdbool.h>
#include <stdint.h>

struct fdtable;
struct file;
struct vfs;

int fdtable_create(struct vfs *, struct fdtable **);
void fdtable_ref(struct fdtable *);
void fdtable_free(struct fdtable *); /* last: closes everything */
int fdtable_fork(struct fdtable *, struct fdtable **);
void fdtable_cloexec(struct fdtable *); /* at exec */
/* No number below limit is free. */
bool fd_full(struct fdtable *, uint32_t limit);
/* Lowest free >= min below limit; takes over the file's ref on success.
 * EMFILE. */
int fd_alloc(struct fdtable *, struct file *, int min, bool cloexec,
    uint32_t limit, int *fd);
/* Install at fd, closing what was there (dup2).  EBADF beyond limit. */
int fd_install(
    struct fdtable *, struct file *, int fd, bool cloexec, uint32_t limit);
/* New ref, EBADF. */
int fd_get(struct fdtable *, int fd, struct file **);
int fd_close(struct fdtable *, int fd);
int fd_close_range(struct fdtable *, unsigned lo, unsigned hi, bool cloexec);
int fd_get_cloexec(struct fdtable *, int fd, bool *cloexec);
int fd_set_cloexec(struct fdtable *, int fd, bool cloexec);
/* Smallest open fd >= *fd: true; file ref'ed when f is not NULL. */
bool fd_next(struct fdtable *, int *fd, struct file **f);

#endif /* VFS_CORE_FD_H */
