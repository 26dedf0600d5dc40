/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Requests of ioctl.
 * Source: ioctl_tty(2), ioctl_list(2), include/uapi/asm-generic/ioctls.h.
 */
#ifndef ABI_IOCTL_H
#define ABI_IOCTL_H

#define LX_TIOCSCTTY 0x540E
#define LX_TIOCGPGRP 0x540F
#define LX_TIOCSPGRP 0x5410
#define LX_FIONREAD 0x541B
#define LX_FIONBIO 0x5421
#define LX_TIOCNOTTY 0x5422
#define LX_TIOCGSID 0x5429
#define LX_TIOCGPTPEER 0x5441
#define LX_FIONCLEX 0x5450
#define LX_FIOCLEX 0x5451
#define LX_FIOASYNC 0x5452

#define LX_TCSETS 0x5402
#define LX_TCFLSH 0x540B
#define LX_TIOCSTI 0x5412

#endif /* ABI_IOCTL_H */
