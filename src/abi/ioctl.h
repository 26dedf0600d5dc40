/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Requests of ioctl.
 * Source: ioctl_tty(2), ioctl_list(2), include/uapi/asm-generic/ioctls.h.
 */
#ifndef ABI_IOCTL_H
#define ABI_IOCTL_H

#include <stdint.h>

#define LX_FIGETBSZ 0x2ul
#define LX_TCGETS 0x5401ul
#define LX_TCSETS 0x5402ul
#define LX_TCSETSW 0x5403ul
#define LX_TCSETSF 0x5404ul
#define LX_TCGETA 0x5405ul
#define LX_TCSETA 0x5406ul
#define LX_TCSETAW 0x5407ul
#define LX_TCSETAF 0x5408ul
#define LX_TCSBRK 0x5409ul
#define LX_TCXONC 0x540aul
#define LX_TCFLSH 0x540bul
#define LX_TIOCEXCL 0x540cul
#define LX_TIOCNXCL 0x540dul
#define LX_TIOCSCTTY 0x540eul
#define LX_TIOCGPGRP 0x540ful
#define LX_TIOCSPGRP 0x5410ul
#define LX_TIOCOUTQ 0x5411ul
#define LX_TIOCSTI 0x5412ul
#define LX_TIOCGWINSZ 0x5413ul
#define LX_TIOCSWINSZ 0x5414ul
#define LX_FIONREAD 0x541bul
#define LX_TIOCPKT 0x5420ul
#define LX_FIONBIO 0x5421ul
#define LX_TIOCNOTTY 0x5422ul
#define LX_TIOCGETD 0x5424ul
#define LX_TCSBRKP 0x5425ul
#define LX_TIOCGSID 0x5429ul
#define LX_TCGETS2 0x802c542aul
#define LX_TCSETS2 0x402c542bul
#define LX_TCSETSW2 0x402c542cul
#define LX_TCSETSF2 0x402c542dul
#define LX_TIOCGPTN 0x80045430ul
#define LX_TIOCSPTLCK 0x40045431ul
#define LX_TIOCGPKT 0x80045438ul
#define LX_TIOCGPTLCK 0x80045439ul
#define LX_TIOCGEXCL 0x80045440ul
#define LX_TIOCGPTPEER 0x5441ul
#define LX_FIONCLEX 0x5450ul
#define LX_FIOCLEX 0x5451ul
#define LX_FIOASYNC 0x5452ul
#define LX_FIOQSIZE 0x5460ul
#define LX_RNDGETENTCNT 0x80045200ul

/* Of files whose blocks are shared: ioctl_ficlone(2), ioctl_fideduperange(2),
 * include/uapi/linux/fs.h; Documentation/filesystems/fiemap.rst. */
#define LX_FICLONE 0x40049409ul
#define LX_FICLONERANGE 0x4020940dul
#define LX_FIDEDUPERANGE 0xc0189436ul
#define LX_FS_IOC_FIEMAP 0xc020660bul

struct lx_file_clone_range {
	int64_t src_fd;
	uint64_t src_offset, src_length, dest_offset;
};

struct lx_file_dedupe_range_info {
	int64_t dest_fd;
	uint64_t dest_offset, bytes_deduped;
	int32_t status;
	uint32_t reserved;
};

/* `dest_count` times struct lx_file_dedupe_range_info follow. */
struct lx_file_dedupe_range {
	uint64_t src_offset, src_length;
	uint16_t dest_count, reserved1;
	uint32_t reserved2;
};

/* Of sockets: netdevice(7), socket(7). */
#define LX_FIOSETOWN 0x8901ul
#define LX_SIOCSPGRP 0x8902ul
#define LX_FIOGETOWN 0x8903ul
#define LX_SIOCGPGRP 0x8904ul
#define LX_SIOCATMARK 0x8905ul
#define LX_SIOCGIFNAME 0x8910ul
#define LX_SIOCGIFCONF 0x8912ul
#define LX_SIOCGIFFLAGS 0x8913ul
#define LX_SIOCSIFFLAGS 0x8914ul
#define LX_SIOCGIFADDR 0x8915ul
#define LX_SIOCSIFADDR 0x8916ul
#define LX_SIOCSIFNETMASK 0x891cul
#define LX_SIOCSIFMTU 0x8922ul
/* All of them: 0x89xx. */
#define LX_SIOC_IS_SOCKET(cmd) (((cmd) & ~0xfful) == 0x8900)
#define LX_SIOCGIFDSTADDR 0x8917ul
#define LX_SIOCGIFBRDADDR 0x8919ul
#define LX_SIOCGIFNETMASK 0x891bul
#define LX_SIOCGIFMETRIC 0x891dul
#define LX_SIOCGIFMTU 0x8921ul
#define LX_SIOCGIFHWADDR 0x8927ul
#define LX_SIOCGIFINDEX 0x8933ul
#define LX_SIOCGIFTXQLEN 0x8942ul
#define LX_SIOCGIFMAP 0x8970ul

/* Of a file of a namespace (ioctl_ns(2)). */
#define LX_NS_GET_USERNS 0xb701
#define LX_NS_GET_PARENT 0xb702
#define LX_NS_GET_NSTYPE 0xb703
#define LX_NS_GET_OWNER_UID 0xb704

#endif /* ABI_IOCTL_H */
