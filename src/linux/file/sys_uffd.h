/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/* Requests of ioctl on a userfaultfd. */
#ifndef LINUX_FILE_SYS_UFFD_H
#define LINUX_FILE_SYS_UFFD_H

#include <stdint.h>

struct lwp;
struct vm_uffd;

/* An ioctl of the server of a file that the caller has a ref of. */
int sys_uffd_ioctl(struct lwp *, struct vm_uffd *, uint32_t cmd, uint64_t arg);

#endif /* LINUX_FILE_SYS_UFFD_H */
