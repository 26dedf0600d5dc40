/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Keys and keyrings: the keys themselves, their rights and their quota.
 *
 * Concepts.  A key is data with a type, a description, an owner and
 * permissions; a keyring is a key that holds links to keys.  Keys are found by
 * serial number, or by a search of the keyrings that a caller has: those of its
 * thread, its process, its session, and its user (keyrings(7)).  A caller
 * possesses what such a search can find, which gives it the possessor's
 * permissions.
 *
 *	keys.c		the keys, users and quotas
 *	keys_ring.c	links, searches, cycles
 *	keys_caller.c	the keyrings of an lwp, and what a number names
 *	keys_ctl.c	the operations
 *
 * Locking and lifetime.  One lock of the kernel protects everything.  No user
 * memory is touched under it.  A key has a ref from each keyring that links it,
 * from each lwp whose keyring it is, and from the user whose keyring it is;
 * when the last one goes, the key is freed.  Keyrings cannot contain each
 * other, so that refs are enough.  A chain of keyrings may be long, so that
 * freeing does not recurse.
 *
 * Limits.  A user has 200 keys with 20,000 bytes, user 0 more, as on Linux;
 * a kernel has KEYS_MAX keys, of KEY_USERS_MAX users.  Memory is charged to the
 * process that makes a key.  There is no program that makes keys on request.
 */
#include "kern/ipc/keys_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/host.h"
#include "kern/time/ktime.h"
#include "libk/kassert.h"
#include "mem/kmem.h"
#include "vfs/procfs/procfs.h"

const struct key_type_info key_types[KEY_NTYPES] = {
    {"user", true, true, LX_KEY_USER_MAX},
    {"logon", false, true, LX_KEY_USER_MAX},
    {"keyring", true, false, 0},
    {"big_key", true, true, LX_KEY_PAYLOAD_MAX},
};

static int
key_compare(const struct key *a, const struct key *b)
{
	return (a->serial < b->serial ? -1 : a->serial > b->serial);
}

RB_GENERATE_INTERNAL(
    key_tree, key, link, key_compare, __attribute__((unused)) static)

int64_t
key_now(void)
{
	return ((int64_t)(host_realtime_ns() / NS_PER_SEC));
}

int
key_type_find(const char *name)
{
	for (int i = 0; i < KEY_NTYPES; i++)
		if (strcmp(name, key_types[i].name) == 0)
			return (i);
	return (-1);
}

struct key *
key_by_serial(struct key_state *ks, int serial)
{
	struct key want = {.serial = serial};

	kmutex_assert_owned(&ks->lock);
	return (RB_FIND(key_tree, &ks->keys, &want));
}

struct key *
key_first(struct key_state *ks)
{
	return (RB_MIN(key_tree, &ks->keys));
}

struct key *
key_next(struct key *k)
{
	return (RB_NEXT(key_tree, &ks->keys, k));
}

/* ---- rights ---- */

int
key_validate(const struct key *k)
{
	if (k->invalid)
		return (ENOKEY);
	if (k->revoked)
		return (EKEYREVOKED);
	return (
	    k->expiry != KEY_NEVER && key_now() >= k->expiry ? EKEYEXPIRED : 0);
}

bool
key_permits(const struct lwp *l, const struct key_ref *r, unsigned need)
{
	const struct cred *c = l->cred;
	const struct key *k = r->k;
	uint32_t have = k->perm;

	if (k->uid == c->fsuid)
		have = k->perm >> 16;
	else if (k->gid != UINT32_MAX && (k->perm >> 8 & LX_KEY_ALL) != 0 &&
		 cred_in_group(c, k->gid))
		have = k->perm >> 8;
	if (r->possessed)
		have |= k->perm >> 24;
	return ((need & ~have) == 0);
}

/* ---- users and quotas ---- */

uint64_t
key_max_keys(uint32_t uid)
{
	return (uid == 0 ? KEYS_MAX : LX_KEY_QUOTA_KEYS);
}

uint64_t
key_max_bytes(uint32_t uid)
{
	return (uid == 0 ? LX_KEY_QUOTA_ROOT_BYTES : LX_KEY_QUOTA_BYTES);
}

struct key_user *
key_user_find(struct key_state *ks, uint32_t uid)
{
	struct key_user *u;

	LIST_FOREACH (u, &ks->users, link)
		if (u->uid == uid)
			return (u);
	return (NULL);
}

/* Without keys, and keyrings that may be another user's now, the record
 * goes. */
static void
user_release(struct key_state *ks, struct key_user *u)
{
	if (u->nkeys != 0 || u->ring != NULL)
		return;
	KASSERT(u->bytes == 0 && u->session == NULL);
	LIST_REMOVE(u, link);
	ks->nusers--;
	kmem_free(u);
}

/* Give up the keyrings of a user; its record may go with them. */
static void
user_forget(struct key_state *ks, struct key_user *u)
{
	struct key *ring = u->ring, *session = u->session;

	u->ring = u->session = NULL;
	u->nkeys++; /* the record stays until both are dropped */
	key_drop(ks, session);
	key_drop(ks, ring);
	u->nkeys--;
	user_release(ks, u);
}

/* Forget the keyrings of users who have no other keys and do not use them.  No
 * key is borrowed. */
static void
users_collect(struct key_state *ks)
{
	struct key_user *u, *next;

	for (u = LIST_FIRST(&ks->users); u != NULL; u = next) {
		next = LIST_NEXT(u, link);
		if (u->nkeys == 2 && u->ring != NULL && u->ring->user == u &&
		    u->session->user == u && u->ring->refs == 2 &&
		    u->session->refs == 1 && u->ring->nlinks == 0 &&
		    u->session->nlinks == 1 && u->session->links[0] == u->ring)
			user_forget(ks, u);
	}
}

/* The record of a user, which the caller gives a key or releases.  EDQUOT,
 * ENOMEM. */
static int
user_get(struct key_state *ks, uint32_t uid, struct key_user **out)
{
	struct key_user *u = key_user_find(ks, uid);

	if (u == NULL) {
		if (ks->nusers >= KEY_USERS_MAX)
			return (EDQUOT);
		u = kmem_zalloc(sizeof(*u));
		if (u == NULL)
			return (ENOMEM);
		u->uid = uid;
		LIST_INSERT_HEAD(&ks->users, u, link);
		ks->nusers++;
	}
	*out = u;
	return (0);
}

size_t
key_quota_bytes(enum key_type type, size_t len)
{
	return (type == KEY_BIG ? LX_KEY_QUOTA_BIG : len);
}

int
key_charge(struct key *k, int64_t delta)
{
	struct key_user *u = k->user;

	if (delta > 0 && u->bytes + (uint64_t)delta > key_max_bytes(u->uid))
		return (EDQUOT);
	u->bytes += (uint64_t)delta;
	return (0);
}

/* What the key takes of its user's quota now. */
static uint64_t
key_quota(const struct key *k)
{
	uint64_t n = k->desclen;

	if (k->type == KEY_RING)
		return (n + (uint64_t)k->nlinks * LX_KEY_QUOTA_LINK);
	return (k->data != NULL ? n + key_quota_bytes(k->type, k->len) : n);
}

int
key_chown_user(struct key_state *ks, struct key *k, uint32_t uid)
{
	struct key_user *old = k->user, *u;
	const uint64_t n = key_quota(k);
	int error;

	error = user_get(ks, uid, &u);
	if (error != 0)
		return (error);
	if (u->nkeys + 1 > key_max_keys(uid) ||
	    u->bytes + n > key_max_bytes(uid)) {
		user_release(ks, u);
		return (EDQUOT);
	}
	u->nkeys++;
	u->bytes += n;
	k->user = u;
	k->uid = uid;
	old->nkeys--;
	old->bytes -= n;
	user_release(ks, old);
	return (0);
}

int
key_set_data(struct key *k, void *data, size_t len)
{
	const int64_t old =
	    k->data != NULL ? (int64_t)key_quota_bytes(k->type, k->len) : 0;
	const int64_t new =
	    data != NULL ? (int64_t)key_quota_bytes(k->type, len) : 0;
	int error = key_charge(k, new - old);

	if (error != 0)
		return (error);
	kmem_free(k->data);
	k->data = data;
	k->len = len;
	return (0);
}

struct key_state *
keys_enter(struct lwp *l)
{
	struct key_state *ks = key_state(l);

	kmutex_lock(&ks->lock);
	if (ks->nusers >= KEY_USERS_MAX)
		users_collect(ks);
	if (ks->gc_at != KEY_NEVER && key_now() >= ks->gc_at)
		ring_collect(ks);
	return (ks);
}

/* ---- life ---- */

/* A serial number that is not in use: random, so that it tells nothing. */
static int
serial_new(struct key_state *ks)
{
	uint32_t n;

	do {
		host_random(&n, sizeof(n));
		n >>= 1;
	} while (n < 3 || key_by_serial(ks, (int)n) != NULL);
	return ((int)n);
}

int
key_create(struct key_state *ks, enum key_type type, const char *desc,
    const struct key_owner *who, uint32_t perm, struct key **out)
{
	const uint32_t uid = who->uid;
	struct key_user *u;
	struct key *k;
	int error;

	kmutex_assert_owned(&ks->lock);
	if (ks->nkeys >= KEYS_MAX)
		return (EDQUOT);
	error = user_get(ks, uid, &u);
	if (error != 0)
		return (error);
	error = ENOMEM;
	k = kmem_zalloc(sizeof(*k));
	if (k == NULL)
		goto fail;
	k->desc = kmem_strdup(desc);
	if (k->desc == NULL)
		goto fail_key;
	k->desclen = strlen(desc) + 1;
	error = EDQUOT;
	if (!who->overrun && (u->nkeys + 1 > key_max_keys(uid) ||
				 u->bytes + k->desclen > key_max_bytes(uid)))
		goto fail_desc;
	k->serial = serial_new(ks);
	k->type = type;
	k->refs = 1;
	k->user = u;
	k->uid = uid;
	k->gid = who->gid;
	k->perm = perm;
	k->expiry = KEY_NEVER;
	u->nkeys++;
	u->bytes += k->desclen;
	ks->nkeys++;
	RB_INSERT(key_tree, &ks->keys, k);
	*out = k;
	return (0);
fail_desc:
	kmem_free(k->desc);
fail_key:
	kmem_free(k);
fail:
	user_release(ks, u);
	return (error);
}

struct key *
key_hold(struct key *k)
{
	KVERIFY(k->refs != 0 && k->refs < UINT32_MAX);
	k->refs++;
	return (k);
}

void
key_drop(struct key_state *ks, struct key *k)
{
	struct key *dead = NULL, *o;
	struct key_user *u;

	kmutex_assert_owned(&ks->lock);
	if (k == NULL)
		return;
	KVERIFY(k->refs != 0);
	if (--k->refs == 0)
		dead = k;
	while ((k = dead) != NULL) {
		dead = k->dead_next;
		u = k->user;
		u->nkeys--;
		u->bytes -= key_quota(k);
		for (unsigned i = 0; i < k->nlinks; i++) {
			o = k->links[i];
			KVERIFY(o->refs != 0);
			if (--o->refs == 0) {
				o->dead_next = dead;
				dead = o;
			}
		}
		RB_REMOVE(key_tree, &ks->keys, k);
		ks->nkeys--;
		kmem_free(k->links);
		kmem_free(k->data);
		kmem_free(k->desc);
		kmem_free(k);
		user_release(ks, u);
	}
}

/* ---- the keyrings of a user ---- */

static int
user_ring(struct lwp *l, const char *prefix, struct key **out)
{
	const uint32_t perm = (uint32_t)(LX_KEY_ALL & ~LX_KEY_SETATTR) << 24 |
			      (uint32_t)LX_KEY_ALL << 16;
	const struct key_owner who = {l->cred->uid, UINT32_MAX, false};
	char name[32];
	int error;

	(void)snprintf(name, sizeof(name), "%s.%u", prefix, who.uid);
	error = key_create(key_state(l), KEY_RING, name, &who, perm, out);
	if (error == 0)
		(*out)->of_uid = true;
	return (error);
}

int
key_user_rings(struct lwp *l, struct key **ringp, struct key **sessionp)
{
	struct key_state *ks = key_state(l);
	const uint32_t uid = l->cred->uid;
	struct key *ring, *session;
	struct key_user *u = key_user_find(ks, uid);
	int error;

	if (u == NULL || u->ring == NULL) {
		error = user_ring(l, "_uid", &ring);
		if (error != 0)
			return (error);
		error = user_ring(l, "_uid_ses", &session);
		if (error == 0) {
			error = ring_link(ks, session, ring);
			if (error != 0)
				key_drop(ks, session);
		}
		if (error != 0) {
			key_drop(ks, ring);
			return (error);
		}
		u = ring->user; /* made with it, if it is new */
		u->ring = ring;
		u->session = session;
	}
	*ringp = u->ring;
	*sessionp = u->session;
	return (0);
}

/* ---- the kernel's ---- */

int
keys_init(struct vkernel *k)
{
	struct key_state *ks = calloc(1, sizeof(*ks));

	if (ks == NULL)
		return (ENOMEM);
	kmutex_init(&ks->lock, "keys", KRANK_FDTABLE, 0);
	RB_INIT(&ks->keys);
	LIST_INIT(&ks->users);
	ks->gc_at = KEY_NEVER;
	k->keys = ks;
	return (0);
}

void
keys_destroy(struct vkernel *k)
{
	struct key_state *ks = k->keys;
	struct key_user *u;

	if (ks == NULL)
		return;
	kmutex_lock(&ks->lock);
	do { /* a user may take the record of another one along */
		LIST_FOREACH (u, &ks->users, link)
			if (u->ring != NULL)
				break;
		if (u != NULL)
			user_forget(ks, u);
	} while (u != NULL);
	KVERIFY(ks->nkeys == 0 && ks->nusers == 0);
	kmutex_unlock(&ks->lock);
	kmutex_destroy(&ks->lock);
	free(ks);
	k->keys = NULL;
}

/* ---- texts of /proc ---- */

static void
text_time(const struct key *k, char out[16])
{
	static const struct {
		int64_t unit;
		char name;
	} units[] = {
	    {7 * INT64_C(86400), 'w'}, {86400, 'd'}, {3600, 'h'}, {60, 'm'}};
	int64_t left;

	if (k->expiry == KEY_NEVER) {
		strcpy(out, "perm");
		return;
	}
	left = k->expiry - key_now();
	if (left <= 0) {
		strcpy(out, "expd");
		return;
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (left >= units[i].unit) {
			snprintf(out, 16, "%u%c",
			    (unsigned)(left / units[i].unit), units[i].name);
			return;
		}
	}
	snprintf(out, 16, "%us", (unsigned)left);
}

static void
text_key(const struct key *k, struct procfs_buf *b)
{
	char time[16];

	text_time(k, time);
	procfs_printf(b, "%08x I%c-Q--%c %5u %4s %08x %5d %5d %-9.9s %s",
	    (unsigned)k->serial, k->revoked ? 'R' : '-', k->invalid ? 'i' : '-',
	    k->refs, time, k->perm, (int)k->uid, (int)k->gid,
	    key_types[k->type].name, k->desc);
	if (k->type == KEY_RING && k->nlinks == 0)
		procfs_printf(b, ": empty\n");
	else if (k->type == KEY_RING)
		procfs_printf(b, ": %u\n", k->nlinks);
	else
		procfs_printf(b, ": %zu\n", k->len);
}

/* The keys that the reading thread may view; the embedder sees all. */
int
keys_text_keys(void *arg, struct procfs_buf *b)
{
	struct lwp *l = lwp_current();
	struct vkernel *vk = arg;
	struct key_state *ks = vk->keys;
	struct key_ref r;
	uint64_t mark = 0;

	kmutex_lock(&ks->lock);
	if (l != NULL)
		mark = ring_mark_possessed(l);
	RB_FOREACH (r.k, key_tree, &ks->keys) {
		r.possessed = l != NULL && r.k->possessed == mark;
		if (l == NULL || key_permits(l, &r, LX_KEY_VIEW))
			text_key(r.k, b);
	}
	kmutex_unlock(&ks->lock);
	return (0);
}

int
keys_text_users(void *arg, struct procfs_buf *b)
{
	typedef unsigned long long ull;
	struct vkernel *vk = arg;
	struct key_state *ks = vk->keys;
	const struct key_user *u;

	kmutex_lock(&ks->lock);
	LIST_FOREACH (u, &ks->users, link)
		procfs_printf(b, "%5u: %5llu %llu/%llu %llu/%llu %llu/%llu\n",
		    u->uid, (ull)u->nkeys, (ull)u->nkeys, (ull)u->nkeys,
		    (ull)u->nkeys, (ull)key_max_keys(u->uid), (ull)u->bytes,
		    (ull)key_max_bytes(u->uid));
	kmutex_unlock(&ks->lock);
	return (0);
}
