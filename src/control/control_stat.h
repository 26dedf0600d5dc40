/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/* struct vkernel_stat as an object, for both sides. */
#ifndef CONTROL_CONTROL_STAT_H
#define CONTROL_CONTROL_STAT_H

#include <jansson.h>

#include "vmspace/vkernel.h"

/* A new object with a member for each field.  NULL: no memory. */
json_t *control_stat_pack(const struct vkernel_stat *);
/* Members that are missing are 0. */
void control_stat_unpack(const json_t *, struct vkernel_stat *);

#endif /* CONTROL_CONTROL_STAT_H */
