/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Keys and keyrings: what the files of keys.c share.
 */
#ifndef KERN_IPC_KEYS_INT_H
#define KERN_IPC_KEYS_INT_H

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>

#include "abi/keyctl.h"
#include "kern/base/lwp.h"
#include "kern/base/vkernel.h"
#include "kern/ipc/keys.h"
#include "libk/klock.h"

#define KEY_NEVER INT64_MAX
#define KEY_DEPTH 6 /* of nested keyrings that a search enters, as on Linux */
#define KEYS_MAX 65536       /* in a kernel, and of user 0 */
#define KEY_LINKS_MAX 16384u /* in a keyring */
#define KEY_USERS_MAX 1024   /* that have keys */

/* The order is that of key_types. */
enum key_type { KEY_USER, KEY_LOGON, KEY_RING, KEY_BIG, KEY_NTYPES };

struct key_type_info {
	const char *name;
	bool readable, updatable;
	size_t max; /* bytes of a payload; 0: it has none */
};
extern const struct key_type_info key_types[KEY_NTYPES];

/* Key: [k] ks->lock; [I] immutable */
struct key_user {
	LIST_ENTRY(key_user) link;  /* [k] */
	uint32_t uid;               /* [I] */
	uint64_t nkeys, bytes;      /* [k] of its keys */
	struct key *ring, *session; /* [k] own refs, or NULL */
};

struct key {
	RB_ENTRY(key) link;    /* [k] by serial number */
	int serial;            /* [I] */
	enum key_type type;    /* [I] */
	unsigned refs;         /* [k] links, and keyrings of lwps and users */
	struct key_user *user; /* [k] whose quota it is in */
	uint32_t uid, gid;     /* [k] */
	uint32_t perm;         /* [k] */
	bool revoked, invalid; /* [k] */
	bool of_uid;           /* [I] a keyring of a user */
	int64_t expiry;        /* [k] seconds since 1970, or KEY_NEVER */
	size_t desclen;        /* [I] with the NUL */
	char *desc;            /* [I] */
	void *data;            /* [k] of len bytes */
	size_t len;            /* [k] */
	struct key **links;    /* [k] of a keyring: own refs */
	unsigned nlinks, room; /* [k] */
	uint64_t mark;         /* [k] last search that came here.. */
	unsigned mark_depth;   /* [k] ..and how deep it was */
	uint64_t possessed;    /* [k] last one that found it possessed */
	struct key *dead_next; /* [k] being freed */
};

RB_HEAD(key_tree, key);

struct key_state {
	struct kmutex lock; /* rank FDTABLE */
	struct key_tree keys;
	LIST_HEAD(, key_user) users;
	unsigned nkeys, nusers;
	uint64_t mark; /* number of the last search */
	int64_t gc_at; /* when the next expired key is to be unlinked */
};

/* A key, and whether the caller possesses it.  Borrowed under the lock. */
struct key_ref {
	struct key *k;
	bool possessed;
};

static inline struct key_state *
key_state(const struct lwp *l)
{
	return (l->p->k->keys);
}

/* Acquire the lock for an operation of the calling lwp.  What is to be freed
 * with time is freed now, as long as no key is borrowed. */
struct key_state *keys_enter(struct lwp *);

/* Lock held for all that follow. */

/* ---- keys.c ---- */

/* LX_KEY_* that are needed: does the key grant them? */
bool key_permits(const struct lwp *, const struct key_ref *, unsigned need);
int key_validate(const struct key *); /* ENOKEY, EKEYREVOKED, EKEYEXPIRED */
int key_type_find(const char *name);  /* an enum key_type, or -1 */
struct key *key_by_serial(struct key_state *, int serial);
struct key *key_next(struct key *); /* by serial number; NULL: none */
struct key *key_first(struct key_state *);
/* A key without a link or data, with one ref.  EDQUOT, ENOMEM. */
struct key_owner {
	uint32_t uid, gid;
	bool overrun; /* the quota of the user does not count */
};
int key_create(struct key_state *, enum key_type, const char *desc,
    const struct key_owner *, uint32_t perm, struct key **);
struct key *key_hold(struct key *);
/* NULL is legal. */
void key_drop(struct key_state *, struct key *);
/* The bytes that a key takes of the quota change by `delta`.  EDQUOT. */
int key_charge(struct key *, int64_t delta);
size_t key_quota_bytes(enum key_type, size_t len);
int key_chown_user(struct key_state *, struct key *, uint32_t uid);
/* Replace the data; `data` is consumed.  EDQUOT. */
int key_set_data(struct key *, void *data, size_t len);
/* The user's own keyrings, borrowed.  EDQUOT, ENOMEM. */
int key_user_rings(struct lwp *, struct key **ring, struct key **session);
struct key_user *key_user_find(struct key_state *, uint32_t uid);
int64_t key_now(void);
uint64_t key_max_keys(uint32_t uid);
uint64_t key_max_bytes(uint32_t uid);

/* ---- keys_ring.c ---- */

/* A key of that type and description in the keyring itself; NULL: none. */
struct key *ring_find(const struct key *ring, enum key_type, const char *desc);
/* Link the key, in the place of one of the same name.  EKEYREVOKED, EDEADLK,
 * ELOOP, EDQUOT, ENFILE, ENOMEM, ENOTDIR. */
int ring_link(struct key_state *, struct key *ring, struct key *);
/* ENOENT */
int ring_unlink(struct key_state *, struct key *ring, struct key *);
void ring_clear(struct key_state *, struct key *ring);
/* Unlink invalid keys everywhere, and those that have expired long ago. */
void ring_collect(struct key_state *);
/* Search the tree of a keyring.  EAGAIN: not found, or an error of what was
 * found. */
int ring_search(struct lwp *, const struct key_ref *ring, enum key_type,
    const char *desc, struct key_ref *);
/* The same in all keyrings of the caller, without expired keys. */
int ring_search_caller(
    struct lwp *, enum key_type, const char *desc, struct key_ref *);
/* Set k->possessed to the returned number for each key that the caller
 * possesses. */
uint64_t ring_mark_possessed(const struct lwp *);
bool ring_possesses(const struct lwp *, const struct key *);

/* ---- keys_caller.c ---- */

#define KEY_CREATE 1    /* make a keyring of the caller that does not exist */
#define KEY_ANY_STATE 2 /* also a key that is not valid any more */
/* The key of a number.  EINVAL: there is no such keyring; EDQUOT, ENOMEM. */
int key_lookup(
    struct lwp *, int id, unsigned flags, unsigned need, struct key_ref *);
/* A new session keyring of the caller; name NULL: without one. */
int key_join_session(struct lwp *, const char *name);

#endif /* KERN_IPC_KEYS_INT_H */
