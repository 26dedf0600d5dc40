/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Capabilities.
 * Source: capget(2), include/uapi/linux/capability.h.
 */
#ifndef ABI_CAPABILITY_H
#define ABI_CAPABILITY_H

#include <stdint.h>

struct lx_cap_header {
	uint32_t version;
	int32_t pid;
};
struct lx_cap_data {
	uint32_t effective, permitted, inheritable;
};
#define LX_CAP_VERSION_1 UINT32_C(0x19980330)
#define LX_CAP_VERSION_2 UINT32_C(0x20071026)
#define LX_CAP_VERSION_3 UINT32_C(0x20080522)
#define LX_CAP_LAST 40
#define LX_CAP_ALL ((UINT64_C(1) << (LX_CAP_LAST + 1)) - 1)
#define LX_CAP_CHOWN 0
#define LX_CAP_DAC_OVERRIDE 1
#define LX_CAP_DAC_READ_SEARCH 2
#define LX_CAP_FOWNER 3
#define LX_CAP_FSETID 4
#define LX_CAP_KILL 5
#define LX_CAP_SETGID 6
#define LX_CAP_SETUID 7
#define LX_CAP_SETPCAP 8
#define LX_CAP_LINUX_IMMUTABLE 9
#define LX_CAP_NET_BIND_SERVICE 10
#define LX_CAP_IPC_OWNER 15
#define LX_CAP_SYS_CHROOT 18
#define LX_CAP_SYS_PTRACE 19
#define LX_CAP_SYS_ADMIN 21
#define LX_CAP_SYS_NICE 23
#define LX_CAP_SYS_RESOURCE 24
#define LX_CAP_MKNOD 27
#define LX_CAP_AUDIT_CONTROL 30
#define LX_CAP_SETFCAP 31
#define LX_CAP_MAC_OVERRIDE 32
#define LX_CAP_WAKE_ALARM 35
#define LX_CAP_CHECKPOINT_RESTORE 40

/* Bits of PR_SET_SECUREBITS; each has a lock one bit above. */
#define LX_SECBIT_NOROOT 0x1
#define LX_SECBIT_NO_SETUID_FIXUP 0x4
#define LX_SECBIT_KEEP_CAPS 0x10
#define LX_SECBIT_NO_CAP_AMBIENT_RAISE 0x40
#define LX_SECBIT_KEEP_CAPS_LOCKED 0x20
#define LX_SECBIT_ALL 0x55
#define LX_SECBIT_ALL_LOCKS 0xaa

#endif /* ABI_CAPABILITY_H */
