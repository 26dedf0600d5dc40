/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Keyrings: links, searches, and the refusal of cycles.
 *
 * Concepts.  A keyring has an array of links, at most one of a type and
 * description.  A search goes through a keyring, then into the keyrings that it
 * links, KEY_DEPTH levels deep; it enters only those that permit it.  Several
 * keyrings may link the same one, so that paths can be many more than links: a
 * search numbers itself, marks what it enters with that number and the depth,
 * and enters it again only if it can then go deeper.
 *
 * Cycles.  Before a keyring is linked into another one, the tree of the former
 * is searched for the latter.  A tree that is too deep to be searched whole is
 * refused, so that no cycle is ever made.
 *
 * Limits.  A keyring is searched from its start: KEY_LINKS_MAX bounds that.
 */
#include "kern/ipc/keys_int.h"

#include <errno.h>
#include <string.h>

#include "libk/kassert.h"
#include "mem/kmem.h"

#define LINKS_FIRST 8u

static bool
named(const struct key *k, enum key_type type, const char *desc)
{
	return (k->type == type && strcmp(k->desc, desc) == 0);
}

/* ---- links ---- */

static unsigned
link_index(const struct key *ring, enum key_type type, const char *desc)
{
	unsigned i = 0;

	while (i < ring->nlinks && !named(ring->links[i], type, desc))
		i++;
	return (i);
}

struct key *
ring_find(const struct key *ring, enum key_type type, const char *desc)
{
	const unsigned i = link_index(ring, type, desc);

	return (i < ring->nlinks ? ring->links[i] : NULL);
}

/* Is `what` in the tree of k?  EDEADLK; ELOOP: the tree is too deep to tell. */
static int
cycle_check(
    uint64_t mark, const struct key *what, struct key *k, unsigned depth)
{
	struct key *o;
	int error = 0;

	if (k->mark == mark && k->mark_depth >= depth)
		return (0);
	k->mark = mark;
	k->mark_depth = depth;
	for (unsigned i = 0; i < k->nlinks && error == 0; i++) {
		o = k->links[i];
		if (o == what)
			error = EDEADLK;
		else if (o->type == KEY_RING)
			error = depth >= KEY_DEPTH
				    ? ELOOP
				    : cycle_check(mark, what, o, depth + 1);
	}
	return (error);
}

static int
link_room(struct key *ring)
{
	unsigned room = ring->room == 0 ? LINKS_FIRST : ring->room * 2;
	struct key **links;

	if (ring->nlinks < ring->room)
		return (0);
	if (ring->nlinks >= KEY_LINKS_MAX)
		return (ENFILE);
	links = kmem_realloc(ring->links, room * sizeof(struct key *));
	if (links == NULL)
		return (ENOMEM);
	ring->links = links;
	ring->room = room;
	return (0);
}

int
ring_link(struct key_state *ks, struct key *ring, struct key *k)
{
	struct key *old;
	unsigned i;
	int error;

	kmutex_assert_owned(&ks->lock);
	if (ring->type != KEY_RING)
		return (ENOTDIR);
	if (ring->revoked)
		return (EKEYREVOKED);
	if (k->type == KEY_RING) {
		error =
		    ring == k ? EDEADLK : cycle_check(++ks->mark, ring, k, 0);
		if (error != 0)
			return (error);
	}
	i = link_index(ring, k->type, k->desc);
	if (i < ring->nlinks) {
		old = ring->links[i];
		ring->links[i] = key_hold(k);
		key_drop(ks, old);
		return (0);
	}
	error = link_room(ring);
	if (error == 0)
		error = key_charge(ring, LX_KEY_QUOTA_LINK);
	if (error == 0)
		ring->links[ring->nlinks++] = key_hold(k);
	return (error);
}

/* The order of the others is kept. */
static void
unlink_index(struct key_state *ks, struct key *ring, unsigned i)
{
	struct key *k = ring->links[i];

	ring->nlinks--;
	memmove(&ring->links[i], &ring->links[i + 1],
	    (ring->nlinks - i) * sizeof(struct key *));
	(void)key_charge(ring, -LX_KEY_QUOTA_LINK);
	key_drop(ks, k);
}

int
ring_unlink(struct key_state *ks, struct key *ring, struct key *k)
{
	const unsigned i = link_index(ring, k->type, k->desc);

	kmutex_assert_owned(&ks->lock);
	if (i == ring->nlinks)
		return (ENOENT);
	unlink_index(ks, ring, i);
	return (0);
}

void
ring_clear(struct key_state *ks, struct key *ring)
{
	while (ring->nlinks > 0)
		unlink_index(ks, ring, ring->nlinks - 1);
}

/* Unlink the dead keys of one keyring. */
static void
collect_ring(struct key_state *ks, struct key *ring, int64_t now)
{
	const struct key *k;
	int64_t at;

	for (unsigned i = ring->nlinks; i-- > 0;) {
		k = ring->links[i];
		at = k->expiry < KEY_NEVER - LX_KEY_GC_DELAY
			 ? k->expiry + LX_KEY_GC_DELAY
			 : KEY_NEVER;
		if (k->invalid || at <= now)
			unlink_index(ks, ring, i);
		else if (at < ks->gc_at)
			ks->gc_at = at;
	}
}

void
ring_collect(struct key_state *ks)
{
	const int64_t now = key_now();
	struct key *ring, *next;

	kmutex_assert_owned(&ks->lock);
	ks->gc_at = KEY_NEVER;
	ring = key_first(ks);
	if (ring != NULL)
		key_hold(ring);
	while (ring != NULL) {
		if (ring->type == KEY_RING)
			collect_ring(ks, ring, now);
		next = key_next(ring);
		if (next != NULL)
			key_hold(next);
		key_drop(ks, ring);
		ring = next;
	}
}

/* ---- searches ---- */

struct search {
	const struct lwp *l;
	enum key_type type;
	const char *desc;
	const struct key *want; /* not NULL: this key, valid or not */
	bool marking;           /* mark what is possessed, and find nothing */
	bool skip_expired;      /* as if it were not there */
	bool possessed;         /* what is found */
	uint64_t mark;
	struct key *found;
	int error; /* of a key that was found and cannot be used */
};

static bool
search_permits(const struct search *s, struct key *k)
{
	const struct key_ref r = {k, s->possessed};

	return (key_permits(s->l, &r, LX_KEY_SEARCH));
}

/* Is that the key?  Sets found or error. */
static bool
search_match(struct search *s, struct key *k)
{
	int error;

	if (s->marking) {
		if (search_permits(s, k))
			k->possessed = s->mark;
		return (false);
	}
	if (s->want != NULL ? k != s->want : !named(k, s->type, s->desc))
		return (false);
	error = s->want == NULL ? key_validate(k) : 0;
	if (error == EKEYEXPIRED && s->skip_expired)
		return (false);
	if (error == ENOKEY)
		error = EKEYREVOKED;
	if (error == 0 && !search_permits(s, k))
		error = EACCES;
	if (error != 0) {
		s->error = error;
		return (false);
	}
	s->found = k;
	return (true);
}

static bool
search_tree(struct search *s, struct key *ring, unsigned depth)
{
	struct key *k;

	if (ring->mark == s->mark && ring->mark_depth <= depth)
		return (false);
	ring->mark = s->mark;
	ring->mark_depth = depth;
	if (ring->revoked || ring->invalid)
		return (false);
	for (unsigned i = 0; i < ring->nlinks; i++)
		if (search_match(s, ring->links[i]))
			return (true);
	if (depth >= KEY_DEPTH)
		return (false);
	for (unsigned i = 0; i < ring->nlinks; i++) {
		k = ring->links[i];
		if (k->type == KEY_RING && search_permits(s, k) &&
		    search_tree(s, k, depth + 1))
			return (true);
	}
	return (false);
}

/* EAGAIN: not found. */
static int
search_top(struct search *s, const struct key_ref *ring)
{
	s->possessed = ring->possessed;
	s->error = EAGAIN;
	if (ring->k->type != KEY_RING)
		return (ENOTDIR);
	if (!key_permits(s->l, ring, LX_KEY_SEARCH))
		return (EACCES);
	if (search_match(s, ring->k) ||
	    (s->error == EAGAIN && search_tree(s, ring->k, 0)))
		return (0);
	return (s->error);
}

/*
 * Search the keyrings of the calling lwp, in the order of Linux; all that is
 * found there is possessed.  An error of what was found in one keyring counts
 * if no later one is without the key.
 */
static int
search_caller(const struct lwp *l, struct search *s)
{
	const struct key_user *u;
	struct key_ref r = {NULL, true};
	int error, none = 0, bad = EAGAIN;

	s->l = l;
	s->mark = ++key_state(l)->mark;
	for (int i = 0; i < LWP_KEYRINGS; i++) {
		r.k = l->keyring[i];
		if (r.k == NULL && i == LWP_KEYS_SESSION) {
			u = key_user_find(key_state(l), l->cred->uid);
			r.k = u != NULL ? u->session : NULL;
		}
		if (r.k == NULL)
			continue;
		error = search_top(s, &r);
		if (error == 0)
			return (0);
		if (error != EAGAIN || i == LWP_KEYS_THREAD)
			bad = error;
		else
			none = EAGAIN;
	}
	return (none != 0 ? none : bad);
}

int
ring_search(struct lwp *l, const struct key_ref *ring, enum key_type type,
    const char *desc, struct key_ref *out)
{
	struct search s = {.l = l, .type = type, .desc = desc};
	int error;

	kmutex_assert_owned(&key_state(l)->lock);
	s.mark = ++key_state(l)->mark;
	error = search_top(&s, ring);
	if (error == 0)
		*out = (struct key_ref){s.found, s.possessed};
	return (error);
}

int
ring_search_caller(
    struct lwp *l, enum key_type type, const char *desc, struct key_ref *out)
{
	struct search s = {.type = type, .desc = desc, .skip_expired = true};
	int error = search_caller(l, &s);

	if (error == 0)
		*out = (struct key_ref){s.found, true};
	return (error);
}

bool
ring_possesses(const struct lwp *l, const struct key *k)
{
	struct search s = {.want = k};

	return (search_caller(l, &s) == 0);
}

uint64_t
ring_mark_possessed(const struct lwp *l)
{
	struct search s = {.marking = true};

	(void)search_caller(l, &s);
	return (s.mark);
}
