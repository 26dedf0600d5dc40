/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Keyrings: those of an lwp, and what a number names.
 *
 * Concepts.  An lwp has up to three keyrings: that of the thread, which no
 * other lwp gets; that of the process, which new threads share; and that of the
 * session, which children share as well.  The first two are made when they are
 * asked for, and end with exec.  An lwp without a session keyring uses that of
 * its user.
 *
 * Locking and lifetime.  lwp.keyring is changed by its own host thread only,
 * with the lock of the keys for the refs.
 */
#include "kern/ipc/keys_int.h"

#include <errno.h>

#define PERM_OWN ((uint32_t)LX_KEY_ALL << 24 | (uint32_t)LX_KEY_VIEW << 16)
#define PERM_SESSION                                                        \
	((uint32_t)LX_KEY_ALL << 24 | (uint32_t)(LX_KEY_VIEW | LX_KEY_READ) \
					  << 16)

/* ---- of an lwp ---- */

static void
install(struct lwp *l, int which, struct key *k)
{
	key_drop(key_state(l), l->keyring[which]);
	l->keyring[which] = k;
}

/* A new keyring of the user of `l` for the lwp `to`. */
static int
make_own(const struct lwp *l, struct lwp *to, int which)
{
	const struct key_owner who = {l->cred->uid, l->cred->gid, true};
	const char *name = which == LWP_KEYS_THREAD ? "_tid" : "_pid";
	struct key *k;
	int error;

	error = key_create(key_state(l), KEY_RING, name, &who, PERM_OWN, &k);
	if (error == 0)
		install(to, which, k);
	return (error);
}

int
keys_inherit(struct lwp *from, struct lwp *to, bool thread)
{
	struct key_state *ks = key_state(from);
	struct key *const *k = from->keyring;
	int error = 0;

	to->reqkey = from->reqkey;
	if (k[LWP_KEYS_THREAD] == NULL && k[LWP_KEYS_PROCESS] == NULL &&
	    k[LWP_KEYS_SESSION] == NULL)
		return (0);
	kmutex_lock(&ks->lock);
	/* A new thread gets a keyring if its maker has one. */
	if (thread && k[LWP_KEYS_THREAD] != NULL)
		error = make_own(from, to, LWP_KEYS_THREAD);
	if (thread && k[LWP_KEYS_PROCESS] != NULL)
		install(to, LWP_KEYS_PROCESS, key_hold(k[LWP_KEYS_PROCESS]));
	if (k[LWP_KEYS_SESSION] != NULL)
		install(to, LWP_KEYS_SESSION, key_hold(k[LWP_KEYS_SESSION]));
	kmutex_unlock(&ks->lock);
	return (error);
}

/* The first n keyrings of the lwp go. */
static void
drop_keyrings(struct lwp *l, int n)
{
	struct key_state *ks = key_state(l);

	for (int i = 0; i < n; i++) {
		if (l->keyring[i] == NULL)
			continue;
		kmutex_lock(&ks->lock);
		key_drop(ks, l->keyring[i]);
		kmutex_unlock(&ks->lock);
		l->keyring[i] = NULL;
	}
}

void
keys_exec(struct lwp *l)
{
	drop_keyrings(l, LWP_KEYS_SESSION);
}

void
keys_lwp_exit(struct lwp *l)
{
	drop_keyrings(l, LWP_KEYRINGS);
}

/* ---- what a number names ---- */

int
key_join_session(struct lwp *l, const char *name)
{
	const struct key_owner who = {l->cred->uid, l->cred->gid,
	    name == NULL && l->keyring[LWP_KEYS_SESSION] == NULL};
	uint32_t perm = PERM_SESSION;
	struct key *k;
	int error;

	if (name != NULL)
		perm |= (uint32_t)LX_KEY_LINK << 16;
	error = key_create(key_state(l), KEY_RING, name != NULL ? name : "_ses",
	    &who, perm, &k);
	if (error == 0)
		install(l, LWP_KEYS_SESSION, k);
	return (error);
}

/* The session keyring of the caller; without one that of its user becomes it,
 * or a new one if keys are to be added. */
static int
lookup_session(struct lwp *l, bool create)
{
	struct key *ring, *session, *own = l->keyring[LWP_KEYS_SESSION];
	int error;

	if (own != NULL && !(own->of_uid && create))
		return (0);
	if (own == NULL) {
		error = key_user_rings(l, &ring, &session);
		if (error != 0)
			return (error);
		if (!create) {
			install(l, LWP_KEYS_SESSION, key_hold(session));
			return (0);
		}
	}
	return (key_join_session(l, NULL));
}

static int
lookup_own(struct lwp *l, int which, bool create)
{
	if (l->keyring[which] != NULL)
		return (0);
	return (create ? make_own(l, l, which) : ENOKEY);
}

/* A keyring of the caller. */
static int
lookup_special(struct lwp *l, int id, bool create, struct key **out)
{
	struct key *ring, *session;
	int error, which;

	switch (id) {
	case LX_KEY_SPEC_THREAD_KEYRING:
		which = LWP_KEYS_THREAD;
		error = lookup_own(l, which, create);
		break;
	case LX_KEY_SPEC_PROCESS_KEYRING:
		which = LWP_KEYS_PROCESS;
		error = lookup_own(l, which, create);
		break;
	case LX_KEY_SPEC_SESSION_KEYRING:
		which = LWP_KEYS_SESSION;
		error = lookup_session(l, create);
		break;
	case LX_KEY_SPEC_USER_KEYRING:
	case LX_KEY_SPEC_USER_SESSION_KEYRING:
		error = key_user_rings(l, &ring, &session);
		if (error == 0)
			*out = id == LX_KEY_SPEC_USER_KEYRING ? ring : session;
		return (error);
	case LX_KEY_SPEC_REQKEY_AUTH_KEY:
	case LX_KEY_SPEC_REQUESTOR_KEYRING:
		return (ENOKEY);
	default:
		return (EINVAL);
	}
	if (error == 0)
		*out = l->keyring[which];
	return (error);
}

int
key_lookup(
    struct lwp *l, int id, unsigned flags, unsigned need, struct key_ref *out)
{
	struct key_state *ks = key_state(l);
	struct key_ref r = {NULL, true};
	int error = 0;

	kmutex_assert_owned(&ks->lock);
	if (id <= 0) {
		error = lookup_special(l, id, (flags & KEY_CREATE) != 0, &r.k);
		if (error != 0)
			return (error);
	} else {
		r.k = key_by_serial(ks, id);
		if (r.k == NULL)
			return (ENOKEY);
		r.possessed = ring_possesses(l, r.k);
	}
	if ((flags & KEY_ANY_STATE) == 0)
		error = key_validate(r.k);
	if (error == 0 && !key_permits(l, &r, need))
		error = EACCES;
	if (error == 0)
		*out = r;
	return (error);
}
