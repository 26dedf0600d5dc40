/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/* ioctl of sockets. */
#ifndef LINUX_FILE_SYS_NETIF_H
#define LINUX_FILE_SYS_NETIF_H

#include <stdint.h>

struct file;
struct lwp;

/* ioctl of a socket, 0x89xx (sys_netif.c).  ENOTTY: not one that is known. */
int sys_sock_ioctl(struct lwp *, struct file *, uint32_t cmd, uint64_t arg);

#endif /* LINUX_FILE_SYS_NETIF_H */
