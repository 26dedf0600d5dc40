/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * What a system says of itself.
 * Source: sysinfo(2), uname(2).
 */
#ifndef ABI_SYSTEM_H
#define ABI_SYSTEM_H

#include <stdint.h>

struct lx_sysinfo {
	int64_t uptime;
	uint64_t loads[3];
	uint64_t totalram, freeram, sharedram, bufferram, totalswap, freeswap;
	uint16_t procs, pad;
	uint64_t totalhigh, freehigh;
	uint32_t mem_unit;
};
_Static_assert(sizeof(struct lx_sysinfo) == 112, "struct sysinfo");

struct lx_utsname {
	char sysname[65], nodename[65], release[65], version[65], machine[65],
	    domainname[65];
};
_Static_assert(sizeof(struct lx_utsname) == 390, "struct utsname");
#define LX_UTS_RELEASE "6.6.0-vmspace"

/* personality(2) */
#define LX_PER_MASK 0xffu
#define LX_PER_LINUX32 0x8u

#endif /* ABI_SYSTEM_H */
