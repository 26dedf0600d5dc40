/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Files of the embedder as objects that can be mapped.
 */
#ifndef API_VKERNEL_FILE_H
#define API_VKERNEL_FILE_H

#include "api/vkernel_int.h"

struct vkfile;

/*
 * The file of a host descriptor, which is duplicated.
 * - 0: a ref of the file; its object, for vm_mmap(); the rights that the
 *   descriptor permits in a shared mapping.
 * - EBADF, EACCES (not open for reading), ENODEV (not a regular file), EMFILE,
 *   ENOMEM.
 */
int vkfile_get(struct vkernel *, int fd, struct vkfile **, struct vm_object **,
    vm_prot_t *max);
void vkfile_put(struct vkfile *);

#endif /* API_VKERNEL_FILE_H */
