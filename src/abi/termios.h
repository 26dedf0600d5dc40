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

/* The older form (TCGETA). */
struct lx_termio {
	uint16_t iflag, oflag, cflag, lflag;
	uint8_t line, cc[8], pad;
};
_Static_assert(sizeof(struct lx_termio) == 18, "struct termio");

/* The same with the speeds (TCGETS2). */
struct lx_termios2 {
	uint32_t iflag, oflag, cflag, lflag;
	uint8_t line, cc[19];
	uint32_t ispeed, ospeed;
};
_Static_assert(sizeof(struct lx_termios2) == 44, "struct termios2");

/* iflag */
#define LX_ISTRIP 0x20u
#define LX_INLCR 0x40u
#define LX_IGNCR 0x80u
#define LX_ICRNL 0x100u
#define LX_IXON 0x400u
#define LX_IMAXBEL 0x2000u
#define LX_IUTF8 0x4000u
/* oflag */
#define LX_OPOST 0x01u
#define LX_OLCUC 0x02u
#define LX_ONLCR 0x04u
#define LX_OCRNL 0x08u
#define LX_ONOCR 0x10u
#define LX_ONLRET 0x20u
#define LX_XTABS 0x1800u
/* cflag */
#define LX_B38400 0xfu
#define LX_CS8 0x30u
#define LX_CREAD 0x80u
/* lflag */
#define LX_ISIG 0x01u
#define LX_ICANON 0x02u
#define LX_ECHO 0x08u
#define LX_ECHOE 0x10u
#define LX_ECHOK 0x20u
#define LX_ECHONL 0x40u
#define LX_NOFLSH 0x80u
#define LX_TOSTOP 0x100u
#define LX_ECHOCTL 0x200u
#define LX_ECHOKE 0x800u
#define LX_IEXTEN 0x8000u
/* Indices of cc[]. */
#define LX_VINTR 0
#define LX_VQUIT 1
#define LX_VERASE 2
#define LX_VKILL 3
#define LX_VEOF 4
#define LX_VTIME 5
#define LX_VMIN 6
#define LX_VSTART 8
#define LX_VSTOP 9
#define LX_VSUSP 10
#define LX_VEOL 11
#define LX_VREPRINT 12
#define LX_VDISCARD 13
#define LX_VWERASE 14
#define LX_VLNEXT 15
#define LX_VEOL2 16

#endif /* ABI_TERMIOS_H */
