/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Keys: the operations of add_key(2), request_key(2) and keyctl(2).
 *
 * Each takes the lock of the keys, finds what its numbers name, with the
 * permission that it needs, and acts; nothing is left half done after an error.
 * Payloads come and go in kernel memory, so that no user memory is touched with
 * the lock held.
 *
 * Revoking a key frees its data at once.  Invalidating one removes all links to
 * it; an expired one stays linked for five minutes, so that a search can say
 * why it fails.
 */
#include "kern/ipc/keys_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "abi/capability.h"
#include "mem/kmem.h"

/* ---- adding and finding ---- */

/* Are description and payload of the kind that the type wants? */
static int
check_new(enum key_type type, const char *desc, const void *payload, size_t len)
{
	const struct key_type_info *t = &key_types[type];
	const char *colon;

	if (t->max == 0 ? len != 0
			: len == 0 || len > t->max || payload == NULL)
		return (EINVAL);
	if (desc == NULL)
		return (EINVAL);
	if (type != KEY_LOGON)
		return (0);
	colon = strchr(desc, ':');
	return (colon == NULL || colon == desc ? EINVAL : 0);
}

static uint32_t
default_perm(enum key_type type)
{
	uint32_t pos = LX_KEY_VIEW | LX_KEY_SEARCH | LX_KEY_LINK |
		       LX_KEY_SETATTR | LX_KEY_WRITE;

	if (key_types[type].readable)
		pos |= LX_KEY_READ;
	return (pos << 24 | (uint32_t)LX_KEY_VIEW << 16);
}

/* Give the key in the keyring new data. */
static int
add_update(struct lwp *l, const struct key_ref *ring, struct key *k,
    void *payload, size_t len)
{
	const struct key_ref r = {k, ring->possessed};
	int error;

	if (!key_permits(l, &r, LX_KEY_WRITE))
		return (EACCES);
	error = key_set_data(k, payload, len);
	if (error == 0)
		k->expiry = KEY_NEVER;
	return (error);
}

static int
add_locked(struct lwp *l, enum key_type type, const char *desc, void *payload,
    size_t len, const struct key_ref *ring, int *serial)
{
	const struct key_owner who = {l->cred->fsuid, l->cred->fsgid, false};
	struct key_state *ks = key_state(l);
	struct key *k;
	int error;

	if (ring->k->type != KEY_RING)
		return (ENOTDIR);
	k = ring_find(ring->k, type, desc);
	if (k != NULL && key_types[type].updatable && !k->invalid &&
	    !k->revoked) {
		*serial = k->serial;
		return (add_update(l, ring, k, payload, len));
	}
	error = key_create(ks, type, desc, &who, default_perm(type), &k);
	if (error != 0)
		return (error);
	error = ring_link(ks, ring->k, k);
	if (error == 0 && payload != NULL) {
		error = key_set_data(k, payload, len);
		if (error != 0)
			(void)ring_unlink(ks, ring->k, k);
	}
	*serial = k->serial;
	key_drop(ks, k);
	return (error);
}

int
keys_add(struct lwp *l, const char *typename, const char *desc, void *payload,
    size_t len, int ring, int *serial)
{
	struct key_state *ks;
	const int type = key_type_find(typename);
	struct key_ref r;
	int error;

	ks = keys_enter(l);
	error = key_lookup(l, ring, KEY_CREATE, LX_KEY_WRITE, &r);
	if (error == 0 && type < 0)
		error = ENODEV;
	if (error == 0)
		error = check_new((enum key_type)type, desc, payload, len);
	if (error == 0)
		error = add_locked(
		    l, (enum key_type)type, desc, payload, len, &r, serial);
	kmutex_unlock(&ks->lock);
	return (error);
}

/* Link what a search has found into `dest`, if that is not NULL. */
static int
found_link(struct lwp *l, const struct key_ref *found, struct key *dest)
{
	if (dest == NULL)
		return (0);
	if (!key_permits(l, found, LX_KEY_LINK))
		return (EACCES);
	return (ring_link(key_state(l), dest, found->k));
}

int
keys_request(struct lwp *l, const char *typename, const char *desc, int ring,
    int *serial)
{
	struct key_state *ks;
	const int type = key_type_find(typename);
	struct key_ref dest = {NULL, false}, r;
	int error = 0;

	ks = keys_enter(l);
	if (ring != 0)
		error = key_lookup(l, ring, KEY_CREATE, LX_KEY_WRITE, &dest);
	if (error == 0 && (type < 0 || desc == NULL))
		error = ENOKEY;
	if (error == 0)
		error = ring_search_caller(l, (enum key_type)type, desc, &r);
	if (error == EAGAIN)
		error = ENOKEY;
	if (error == 0)
		error = found_link(l, &r, dest.k);
	if (error == 0)
		*serial = r.k->serial;
	kmutex_unlock(&ks->lock);
	return (error);
}

int
keys_search(struct lwp *l, int from, const char *typename, const char *desc,
    int ring, int *serial)
{
	struct key_state *ks;
	const int type = key_type_find(typename);
	struct key_ref top, dest = {NULL, false}, r;
	int error;

	ks = keys_enter(l);
	error = key_lookup(l, from, 0, LX_KEY_SEARCH, &top);
	if (error == 0 && ring != 0)
		error = key_lookup(l, ring, KEY_CREATE, LX_KEY_WRITE, &dest);
	if (error == 0 && type < 0)
		error = ENOKEY;
	if (error == 0)
		error = ring_search(l, &top, (enum key_type)type, desc, &r);
	if (error == EAGAIN)
		error = ENOKEY;
	if (error == 0)
		error = found_link(l, &r, dest.k);
	if (error == 0)
		*serial = r.k->serial;
	kmutex_unlock(&ks->lock);
	return (error);
}

/* ---- keyrings of the caller ---- */

int
keys_id(struct lwp *l, int id, bool create, int *serial)
{
	struct key_state *ks;
	struct key_ref r;
	int error;

	ks = keys_enter(l);
	error = key_lookup(l, id, create ? KEY_CREATE : 0, LX_KEY_SEARCH, &r);
	if (error == 0)
		*serial = r.k->serial;
	kmutex_unlock(&ks->lock);
	return (error);
}

/* A keyring of that name that the caller may search. */
static struct key *
ring_named(struct lwp *l, const char *name)
{
	struct key_ref r = {NULL, false};

	for (r.k = key_first(key_state(l)); r.k != NULL; r.k = key_next(r.k))
		if (r.k->type == KEY_RING && !r.k->of_uid && !r.k->revoked &&
		    strcmp(r.k->desc, name) == 0 &&
		    key_permits(l, &r, LX_KEY_SEARCH))
			return (r.k);
	return (NULL);
}

int
keys_join_session(struct lwp *l, const char *name, int *serial)
{
	struct key_state *ks;
	struct key *k, *old = l->keyring[LWP_KEYS_SESSION];
	int error = 0;

	ks = keys_enter(l);
	k = name != NULL ? ring_named(l, name) : NULL;
	if (k == NULL) {
		error = key_join_session(l, name);
	} else if (k != old) {
		l->keyring[LWP_KEYS_SESSION] = key_hold(k);
		key_drop(ks, old);
	}
	if (error == 0) /* Linux returns 0 for the present one */
		*serial = k != NULL && k == old
			      ? 0
			      : l->keyring[LWP_KEYS_SESSION]->serial;
	kmutex_unlock(&ks->lock);
	return (error);
}

int
keys_reqkey(struct lwp *l, int where, int *old)
{
	struct key_state *ks;
	struct key_ref r;
	int error = 0;

	*old = l->reqkey;
	if (where == LX_KEY_REQKEY_DEFL_NO_CHANGE)
		return (0);
	if (where < 0 || where > LX_KEY_REQKEY_DEFL_REQUESTOR_KEYRING ||
	    where == LX_KEY_REQKEY_DEFL_GROUP_KEYRING)
		return (EINVAL);
	if (where == LX_KEY_REQKEY_DEFL_THREAD_KEYRING ||
	    where == LX_KEY_REQKEY_DEFL_PROCESS_KEYRING) {
		ks = keys_enter(l);
		error = key_lookup(l, -where, KEY_CREATE, 0, &r);
		kmutex_unlock(&ks->lock);
	}
	if (error == 0)
		l->reqkey = where;
	return (error);
}

/* ---- links ---- */

int
keys_clear(struct lwp *l, int ring)
{
	struct key_state *ks;
	struct key_ref r;
	int error;

	ks = keys_enter(l);
	error = key_lookup(l, ring, KEY_CREATE, LX_KEY_WRITE, &r);
	if (error == 0 && r.k->type != KEY_RING)
		error = ENOTDIR;
	if (error == 0)
		ring_clear(ks, r.k);
	kmutex_unlock(&ks->lock);
	return (error);
}

int
keys_link(struct lwp *l, int id, int ring)
{
	struct key_state *ks;
	struct key_ref to, r;
	int error;

	ks = keys_enter(l);
	error = key_lookup(l, ring, KEY_CREATE, LX_KEY_WRITE, &to);
	if (error == 0)
		error = key_lookup(l, id, KEY_CREATE, LX_KEY_LINK, &r);
	if (error == 0)
		error = ring_link(ks, to.k, r.k);
	kmutex_unlock(&ks->lock);
	return (error);
}

int
keys_unlink(struct lwp *l, int id, int ring)
{
	struct key_state *ks;
	struct key_ref from, r;
	int error;

	ks = keys_enter(l);
	error = key_lookup(l, ring, 0, LX_KEY_WRITE, &from);
	if (error == 0)
		error = key_lookup(l, id, KEY_ANY_STATE, 0, &r);
	if (error == 0 && from.k->type != KEY_RING)
		error = ENOTDIR;
	if (error == 0)
		error = ring_unlink(ks, from.k, r.k);
	kmutex_unlock(&ks->lock);
	return (error);
}

static int
move_locked(struct key_state *ks, struct key *k, struct key *from,
    struct key *to, bool excl)
{
	struct key *there;
	int error;

	if (from->type != KEY_RING || to->type != KEY_RING)
		return (ENOTDIR);
	if (from == to)
		return (0);
	if (ring_find(from, k->type, k->desc) != k)
		return (ENOENT);
	there = ring_find(to, k->type, k->desc);
	if (excl && there != NULL && there != k)
		return (EEXIST);
	key_hold(k);
	error = ring_link(ks, to, k);
	if (error == 0)
		error = ring_unlink(ks, from, k);
	key_drop(ks, k);
	return (error);
}

int
keys_move(struct lwp *l, int id, int from, int to, bool excl)
{
	struct key_state *ks;
	struct key_ref f, t, r;
	int error;

	ks = keys_enter(l);
	error = key_lookup(l, id, KEY_CREATE, LX_KEY_LINK, &r);
	if (error == 0)
		error = key_lookup(l, from, 0, LX_KEY_WRITE, &f);
	if (error == 0)
		error = key_lookup(l, to, KEY_CREATE, LX_KEY_WRITE, &t);
	if (error == 0)
		error = move_locked(ks, r.k, f.k, t.k, excl);
	kmutex_unlock(&ks->lock);
	return (error);
}

/* ---- one key ---- */

int
keys_update(struct lwp *l, int id, void *payload, size_t len)
{
	struct key_state *ks;
	struct key_ref r;
	int error;

	ks = keys_enter(l);
	error = key_lookup(l, id, 0, LX_KEY_WRITE, &r);
	if (error == 0 && !key_types[r.k->type].updatable)
		error = EOPNOTSUPP;
	if (error == 0)
		error = check_new(r.k->type, r.k->desc, payload, len);
	if (error == 0)
		error = key_set_data(r.k, payload, len);
	if (error == 0)
		r.k->expiry = KEY_NEVER;
	kmutex_unlock(&ks->lock);
	return (error);
}

int
keys_revoke(struct lwp *l, int id)
{
	struct key_state *ks;
	struct key_ref r;
	int error;

	ks = keys_enter(l);
	error = key_lookup(l, id, 0, LX_KEY_WRITE, &r);
	if (error == EACCES)
		error = key_lookup(l, id, 0, LX_KEY_SETATTR, &r);
	if (error == 0) {
		r.k->revoked = true;
		key_hold(r.k);
		ring_clear(ks, r.k);
		(void)key_set_data(r.k, NULL, 0); /* gives quota back */
		key_drop(ks, r.k);
	}
	kmutex_unlock(&ks->lock);
	return (error);
}

int
keys_invalidate(struct lwp *l, int id)
{
	struct key_state *ks;
	struct key_ref r;
	int error;

	ks = keys_enter(l);
	error = key_lookup(l, id, 0, LX_KEY_SEARCH, &r);
	if (error == 0) {
		r.k->invalid = true;
		ring_collect(ks);
	}
	kmutex_unlock(&ks->lock);
	return (error);
}

int
keys_chown(struct lwp *l, int id, uint32_t uid, uint32_t gid)
{
	struct key_state *ks;
	struct key_ref r;
	bool foreign;
	int error;

	if (uid == UINT32_MAX && gid == UINT32_MAX)
		return (0);
	ks = keys_enter(l);
	error = key_lookup(l, id, KEY_CREATE, LX_KEY_SETATTR, &r);
	if (error != 0)
		goto out;
	foreign = (uid != UINT32_MAX && uid != r.k->uid) ||
		  (gid != UINT32_MAX && gid != r.k->gid &&
		      !cred_in_group(l->cred, gid));
	error = foreign && !lwp_capable(l, LX_CAP_SYS_ADMIN) ? EACCES : 0;
	if (error == 0 && uid != UINT32_MAX && uid != r.k->uid)
		error = key_chown_user(ks, r.k, uid);
	if (error == 0 && gid != UINT32_MAX)
		r.k->gid = gid;
out:
	kmutex_unlock(&ks->lock);
	return (error);
}

int
keys_setperm(struct lwp *l, int id, uint32_t perm)
{
	struct key_state *ks;
	struct key_ref r;
	int error;

	if ((perm & ~LX_KEY_PERM_ALL) != 0)
		return (EINVAL);
	ks = keys_enter(l);
	error = key_lookup(l, id, KEY_CREATE, LX_KEY_SETATTR, &r);
	if (error == 0 && r.k->uid != l->cred->fsuid &&
	    !lwp_capable(l, LX_CAP_SYS_ADMIN))
		error = EACCES;
	if (error == 0)
		r.k->perm = perm;
	kmutex_unlock(&ks->lock);
	return (error);
}

int
keys_set_timeout(struct lwp *l, int id, uint32_t seconds)
{
	struct key_state *ks;
	struct key_ref r;
	int error;

	ks = keys_enter(l);
	error = key_lookup(l, id, KEY_CREATE, LX_KEY_SETATTR, &r);
	if (error == 0) {
		r.k->expiry = seconds == 0 ? KEY_NEVER : key_now() + seconds;
		if (seconds != 0 && r.k->expiry + LX_KEY_GC_DELAY < ks->gc_at)
			ks->gc_at = r.k->expiry + LX_KEY_GC_DELAY;
	}
	kmutex_unlock(&ks->lock);
	return (error);
}

int
keys_may_view(struct lwp *l, int id)
{
	struct key_state *ks;
	struct key_ref r;
	int error;

	ks = keys_enter(l);
	error = key_lookup(l, id, 0, LX_KEY_VIEW, &r);
	kmutex_unlock(&ks->lock);
	return (error);
}

int
keys_describe(struct lwp *l, int id, char **text, size_t *len)
{
	struct key_state *ks;
	struct key_ref r;
	size_t room;
	char *p;
	int error;

	ks = keys_enter(l);
	error = key_lookup(l, id, 0, LX_KEY_VIEW, &r);
	if (error != 0)
		goto out;
	room = r.k->desclen + 64; /* type, ids, permissions */
	p = kmem_alloc(room);
	if (p == NULL) {
		error = ENOMEM;
		goto out;
	}
	*len = (size_t)snprintf(p, room, "%s;%d;%d;%08x;%s",
		   key_types[r.k->type].name, (int)r.k->uid, (int)r.k->gid,
		   r.k->perm, r.k->desc) +
	       1;
	*text = p;
out:
	kmutex_unlock(&ks->lock);
	return (error);
}

/* The data of the key, or the numbers of what a keyring links. */
static void
read_data(const struct key *k, void *data)
{
	int32_t *serial = data;

	if (k->type != KEY_RING)
		memcpy(data, k->data, k->len);
	else
		for (unsigned i = 0; i < k->nlinks; i++)
			serial[i] = k->links[i]->serial;
}

static int
read_locked(const struct key *k, size_t room, void **data, size_t *len)
{
	int error = key_validate(k);

	if (error != 0)
		return (error);
	if (!key_types[k->type].readable)
		return (EOPNOTSUPP);
	*len = k->type == KEY_RING ? k->nlinks * sizeof(int32_t) : k->len;
	*data = NULL;
	if (*len == 0 || *len > room)
		return (0);
	*data = kmem_alloc(*len);
	if (*data == NULL)
		return (ENOMEM);
	read_data(k, *data);
	return (0);
}

int
keys_read(struct lwp *l, int id, size_t room, void **data, size_t *len)
{
	struct key_state *ks;
	struct key_ref r;
	int error;

	ks = keys_enter(l);
	error = key_lookup(l, id, KEY_ANY_STATE, 0, &r);
	/* What a caller finds in its keyrings, it may read. */
	if (error == 0 && !key_permits(l, &r, LX_KEY_READ) && !r.possessed)
		error = EACCES;
	if (error == 0)
		error = read_locked(r.k, room, data, len);
	kmutex_unlock(&ks->lock);
	return (error);
}
