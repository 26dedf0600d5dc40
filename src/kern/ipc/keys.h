/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Keys and keyrings (keys.c, keys_ring.c, keys_caller.c, keys_ctl.c).
 */
#ifndef KERN_IPC_KEYS_H
#define KERN_IPC_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lwp;
struct procfs_buf;
struct vkernel;

/* ENOMEM.  destroy: no lwp is left. */
int keys_init(struct vkernel *);
void keys_destroy(struct vkernel *);

/*
 * ---- Of an lwp.  No locks held; own host thread, of `from`. ----
 * inherit: the keyrings of a new thread (thread), or of the first one of a
 * new process.  EDQUOT, ENOMEM.
 * exec: the keyrings that a new program does not get go.
 */
int keys_inherit(struct lwp *from, struct lwp *to, bool thread);
void keys_exec(struct lwp *);
void keys_lwp_exit(struct lwp *);

/*
 * ---- Calls.  No locks held; for the calling lwp. ----
 *
 * A key is named by its serial number, or by a number LX_KEY_SPEC_*.  All
 * results are 0 or a positive errno; those of more than one call:
 * - ENOKEY: no such key; EKEYREVOKED, EKEYEXPIRED: it is not valid any more.
 * - EACCES: the key does not permit that to the caller.
 * - ENOTDIR: a keyring is needed; EDQUOT, ENOMEM, ENFILE: no room.
 */

/* Add a key to a keyring, or update the key of that name in it.  The payload
 * (kmem_alloc(), may be NULL) is consumed if the result is 0.  desc may be
 * NULL.  ENODEV: no such type. */
int keys_add(struct lwp *, const char *type, const char *desc, void *payload,
    size_t len, int ring, int *serial);
/* Find a key in the keyrings of the caller; and link it into `ring`, if that is
 * not 0. */
int keys_request(
    struct lwp *, const char *type, const char *desc, int ring, int *serial);
/* The same in the tree of one keyring. */
int keys_search(struct lwp *, int from, const char *type, const char *desc,
    int ring, int *serial);
int keys_id(struct lwp *, int id, bool create, int *serial);
/* A new session keyring; with a name, the one of that name if it exists. */
int keys_join_session(struct lwp *, const char *name, int *serial);
/* Consumes the payload if the result is 0.  EOPNOTSUPP. */
int keys_update(struct lwp *, int id, void *payload, size_t len);
int keys_revoke(struct lwp *, int id);
int keys_invalidate(struct lwp *, int id);
/* UINT32_MAX: unchanged. */
int keys_chown(struct lwp *, int id, uint32_t uid, uint32_t gid);
int keys_setperm(struct lwp *, int id, uint32_t perm);
int keys_set_timeout(struct lwp *, int id, uint32_t seconds); /* 0: never */
int keys_clear(struct lwp *, int ring);
/* EDEADLK: the key contains the keyring; ELOOP: it is nested too deep. */
int keys_link(struct lwp *, int id, int ring);
int keys_unlink(struct lwp *, int id, int ring);                  /* ENOENT */
int keys_move(struct lwp *, int id, int from, int to, bool excl); /* EEXIST */
/* kmem_alloc()ed text or data, which the caller frees; *len with the NUL. */
int keys_describe(struct lwp *, int id, char **text, size_t *len);
/* Data that is larger than `room` is not returned: *data is NULL, and *len its
 * size.  EOPNOTSUPP: the type cannot be read. */
int keys_read(struct lwp *, int id, size_t room, void **data, size_t *len);
int keys_may_view(struct lwp *, int id);
/* Where request_key(2) puts new keys: stored only.  *old: the former one. */
int keys_reqkey(struct lwp *, int where, int *old);

/* Texts of /proc: struct procfs_sys_node.text. */
int keys_text_keys(void *vkernel, struct procfs_buf *);
int keys_text_users(void *vkernel, struct procfs_buf *);

#endif /* KERN_IPC_KEYS_H */
