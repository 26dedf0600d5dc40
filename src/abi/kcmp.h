/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Comparing objects of two threads.
 * Source: kcmp(2), include/uapi/linux/kcmp.h.
 */
#ifndef ABI_KCMP_H
#define ABI_KCMP_H

#define LX_KCMP_FILE 0
#define LX_KCMP_VM 1
#define LX_KCMP_FILES 2
#define LX_KCMP_FS 3
#define LX_KCMP_SIGHAND 4
#define LX_KCMP_IO 5
#define LX_KCMP_SYSVSEM 6
#define LX_KCMP_EPOLL_TFD 7

#endif /* ABI_KCMP_H */
