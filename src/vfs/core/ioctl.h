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

#define VIOC_TCGETS 0x5401ul
#define VIOC_TCSETS 0x5402ul
#define VIOC_TCSETSW 0x5403ul
#define VIOC_TCSETSF 0x5404ul
#define VIOC_TCSBRK 0x5409ul
#define VIOC_TCXONC 0x540aul
#define VIOC_TCFLSH 0x540bul
#define VIOC_TIOCEXCL 0x540cul
#define VIOC_TIOCNXCL 0x540dul
#define VIOC_TIOCSCTTY 0x540eul
#define VIOC_TIOCGPGRP 0x540ful
#define VIOC_TIOCSPGRP 0x5410ul
#define VIOC_TIOCOUTQ 0x5411ul
#define VIOC_TIOCGWINSZ 0x5413ul
#define VIOC_TIOCSWINSZ 0x5414ul
#define VIOC_FIONREAD 0x541bul
#define VIOC_TIOCPKT 0x5420ul
#define VIOC_FIONBIO 0x5421ul
#define VIOC_TIOCNOTTY 0x5422ul
#define VIOC_TIOCGETD 0x5424ul
#define VIOC_TCSBRKP 0x5425ul
#define VIOC_TIOCGSID 0x5429ul
#define VIOC_TCGETS2 0x802c542aul
#define VIOC_TCSETS2 0x402c542bul
#define VIOC_TCSETSW2 0x402c542cul
#define VIOC_TCSETSF2 0x402c542dul
#define VIOC_FIONCLEX 0x5450ul
#define VIOC_FIOCLEX 0x5451ul
#define VIOC_FIOASYNC 0x5452ul
#define VIOC_TIOCGPTN 0x80045430ul
#define VIOC_TIOCSPTLCK 0x40045431ul
#define VIOC_TIOCGPKT 0x80045438ul
#define VIOC_TIOCGPTLCK 0x80045439ul
#define VIOC_TIOCGEXCL 0x80045440ul
#define VIOC_RNDGETENTCNT 0x80045200ul

#endif /* VFS_CORE_IOCTL_H */
