/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/* The directory of kernels, for the client.  Public part: control.h. */
#ifndef CONTROL_CONTROL_DIR_H
#define CONTROL_CONTROL_DIR_H

#include "vmspace/control.h"

/* Connect to the socket of a kernel.  0 and *fd; errors as
 * vmspace_connect(). */
int control_dir_socket(const char *name, int *fd);

#endif /* CONTROL_CONTROL_DIR_H */
