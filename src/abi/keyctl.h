/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Keys and keyrings.
 * Source: keyctl(2), keyrings(7), include/uapi/linux/keyctl.h.
 */
#ifndef ABI_KEYCTL_H
#define ABI_KEYCTL_H

/* Numbers that name keyrings of the caller. */
#define LX_KEY_SPEC_THREAD_KEYRING (-1)
#define LX_KEY_SPEC_PROCESS_KEYRING (-2)
#define LX_KEY_SPEC_SESSION_KEYRING (-3)
#define LX_KEY_SPEC_USER_KEYRING (-4)
#define LX_KEY_SPEC_USER_SESSION_KEYRING (-5)
#define LX_KEY_SPEC_GROUP_KEYRING (-6)
#define LX_KEY_SPEC_REQKEY_AUTH_KEY (-7)
#define LX_KEY_SPEC_REQUESTOR_KEYRING (-8)

#define LX_KEY_REQKEY_DEFL_NO_CHANGE (-1)
#define LX_KEY_REQKEY_DEFL_THREAD_KEYRING 1
#define LX_KEY_REQKEY_DEFL_PROCESS_KEYRING 2
#define LX_KEY_REQKEY_DEFL_USER_SESSION_KEYRING 5
#define LX_KEY_REQKEY_DEFL_GROUP_KEYRING 6
#define LX_KEY_REQKEY_DEFL_REQUESTOR_KEYRING 7

/* Permissions; for the possessor, the owner, the group and others they are
 * shifted by 24, 16, 8 and 0 bits. */
#define LX_KEY_VIEW 0x01
#define LX_KEY_READ 0x02
#define LX_KEY_WRITE 0x04
#define LX_KEY_SEARCH 0x08
#define LX_KEY_LINK 0x10
#define LX_KEY_SETATTR 0x20
#define LX_KEY_ALL 0x3f
#define LX_KEY_PERM_ALL 0x3f3f3f3fu

#define LX_KEYCTL_GET_KEYRING_ID 0
#define LX_KEYCTL_JOIN_SESSION_KEYRING 1
#define LX_KEYCTL_UPDATE 2
#define LX_KEYCTL_REVOKE 3
#define LX_KEYCTL_CHOWN 4
#define LX_KEYCTL_SETPERM 5
#define LX_KEYCTL_DESCRIBE 6
#define LX_KEYCTL_CLEAR 7
#define LX_KEYCTL_LINK 8
#define LX_KEYCTL_UNLINK 9
#define LX_KEYCTL_SEARCH 10
#define LX_KEYCTL_READ 11
#define LX_KEYCTL_INSTANTIATE 12
#define LX_KEYCTL_NEGATE 13
#define LX_KEYCTL_SET_REQKEY_KEYRING 14
#define LX_KEYCTL_SET_TIMEOUT 15
#define LX_KEYCTL_ASSUME_AUTHORITY 16
#define LX_KEYCTL_GET_SECURITY 17
#define LX_KEYCTL_REJECT 19
#define LX_KEYCTL_INSTANTIATE_IOV 20
#define LX_KEYCTL_INVALIDATE 21
#define LX_KEYCTL_MOVE 30
#define LX_KEYCTL_CAPABILITIES 31

#define LX_KEYCTL_MOVE_EXCL 1

#define LX_KEYCTL_CAPS0_CAPABILITIES 0x01
#define LX_KEYCTL_CAPS0_BIG_KEY 0x10
#define LX_KEYCTL_CAPS0_INVALIDATE 0x20
#define LX_KEYCTL_CAPS0_MOVE 0x80

/* Bounds of arguments, in bytes with the NUL. */
#define LX_KEY_TYPE_MAX 32
#define LX_KEY_DESC_MAX 4096
#define LX_KEY_PAYLOAD_MAX (1024 * 1024 - 1)
#define LX_KEY_USER_MAX 32767
#define LX_KEY_UPDATE_MAX 4096

/* Quotas of a user; those of user 0 are larger. */
#define LX_KEY_QUOTA_KEYS 200
#define LX_KEY_QUOTA_BYTES 20000
#define LX_KEY_QUOTA_ROOT_BYTES 25000000
#define LX_KEY_QUOTA_LINK 4 /* bytes of a link */
#define LX_KEY_QUOTA_BIG 16 /* bytes of a big_key, whatever it holds */
#define LX_KEY_GC_DELAY 300 /* seconds that an expired key stays linked */

#endif /* ABI_KEYCTL_H */
