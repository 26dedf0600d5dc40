/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Numbers and sizes of the ioctl requests of this layer.
 */
#ifndef VFS_CORE_IOCTL_H
#define VFS_CORE_IOCTL_H

#include <stddef.h>
#include <stdint.h>

/* Size and direction (1 in, 2 out) of an ioctl's argument that any driver
 * here knows; ENOTTY when unknown. size 0: the argument is a plain number. */
int ioctl_size(unsigned long cmd, size_t *size, int *dir);
/* The requests that a host terminal or stream answers itself. */
int hostfd_host_ioctl(int fd, unsigned long cmd, void *kbuf, size_t size,
    uint64_t arg, long *ret);

#endif /* VFS_CORE_IOCTL_H */
