/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Terminal settings.
 * Source: ioctl_tty(2), termios(3), include/uapi/asm-generic/termbits.h.
 */
#ifndef ABI_TERMIOS_H
#define ABI_TERMIOS_H

#include <stdint.h>

/* The kernel's struct termios (TCGETS). */
struct lx_termios {
	uint32_t iflag, oflag, cflag, lflag;
	uint8_t line, cc[19];
};
_Static_assert(sizeof(struct lx_termios) == 36, "struct termios");

#endif /* ABI_TERMIOS_H */
