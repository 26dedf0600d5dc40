/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The maps of a user namespace: which ids of users and groups it has.
 *
 * A map is written once, by a process in the name space or its parent, and then
 * read without a lock: its ranges are complete before their number is stored.
 * Who may write it follows Linux: a process that has rights over the parent may
 * map all ids it has there; another one only its own effective id, and for
 * groups only after setgroups(2) was given up, so that no process sheds a group
 * that takes rights away.
 */
#include "kern/base/ns.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi/capability.h"
#include "kern/base/cred.h"
#include "kern/base/lwp.h"
#include "kern/base/proc.h"
#include "mem/kmem.h"

/* The user namespace of p, ref'ed; NULL: the first one, where each id is
 * itself.
 */
static struct userns *
map_userns(struct proc *p)
{
	struct ns *ns;

	kmutex_lock(&p->lock);
	ns = p->ns->of[NS_USER];
	if (ns->owner != NULL)
		ns_ref(ns);
	kmutex_unlock(&p->lock);
	return (ns->owner != NULL ? (struct userns *)ns : NULL);
}

uint32_t
proc_id_shown(struct proc *p, bool group, uint32_t id)
{
	struct userns *u = map_userns(p);

	if (u == NULL)
		return (id);
	id = id_shown(group ? &u->gid_map : &u->uid_map, id);
	ns_free(&u->ns);
	return (id);
}

uint32_t
proc_id_kernel(struct proc *p, bool group, uint32_t id)
{
	struct userns *u = map_userns(p);

	if (u == NULL || id == UINT32_MAX) {
		if (u != NULL)
			ns_free(&u->ns);
		return (id);
	}
	id = id_to_kernel(group ? &u->gid_map : &u->uid_map, id);
	ns_free(&u->ns);
	return (id);
}

/* One number of a line.  False: none. */
static bool
map_number(const char **s, uint32_t *out)
{
	unsigned long n;
	char *end;

	while (**s == ' ' || **s == '\t')
		(*s)++;
	if (!isdigit((unsigned char)**s))
		return (false);
	errno = 0;
	n = strtoul(*s, &end, 10);
	if (errno != 0 || n > UINT32_MAX)
		return (false);
	*s = end;
	*out = (uint32_t)n;
	return (true);
}

static bool
ranges_clash(uint32_t a, uint32_t b, const struct id_range *r, bool below)
{
	const uint32_t first = below ? r->below : r->first;

	return (a <= first + (r->count - 1) && first <= b);
}

/* Read the lines of a map into r.  EINVAL. */
static int
map_parse(const char *s, struct id_range *r, unsigned *out)
{
	struct id_range *x;
	unsigned n = 0;

	while (*s != '\0') {
		if (n == ID_RANGES)
			return (EINVAL);
		x = &r[n];
		if (!map_number(&s, &x->first) || !map_number(&s, &x->below) ||
		    !map_number(&s, &x->count))
			return (EINVAL);
		while (*s == ' ' || *s == '\t')
			s++;
		if (*s != '\n' && *s != '\0')
			return (EINVAL);
		if (*s == '\n')
			s++;
		if (x->count == 0 || x->first + x->count < x->first ||
		    x->below + x->count < x->below)
			return (EINVAL);
		for (unsigned i = 0; i < n; i++)
			if (ranges_clash(x->first, x->first + x->count - 1,
				&r[i], false) ||
			    ranges_clash(
				x->below, x->below + x->count - 1, &r[i], true))
				return (EINVAL);
		n++;
	}
	*out = n;
	return (n == 0 ? EINVAL : 0);
}

/* Replace the ids of the parent by those of the kernel.  EPERM: the parent
 * has no such ids. */
static int
map_lower(const struct id_map *parent, struct id_range *r, unsigned n)
{
	uint32_t first, last;

	for (unsigned i = 0; i < n; i++) {
		first = id_to_kernel(parent, r[i].below);
		last = id_to_kernel(parent, r[i].below + (r[i].count - 1));
		if (first == UINT32_MAX || last == UINT32_MAX ||
		    last - first != r[i].count - 1)
			return (EPERM);
		r[i].below = first;
	}
	return (0);
}

/* May the caller write this map? */
static bool
map_permitted(const struct lwp *l, const struct userns *u, bool group,
    const struct id_range *r, unsigned n)
{
	const uint32_t uid = l->cred->euid, gid = l->cred->egid;

	if (n == 1 && r[0].count == 1 && u->uid == uid) {
		if (!group && r[0].below == uid)
			return (true);
		if (group && r[0].below == gid && atomic_load(&u->no_setgroups))
			return (true);
	}
	return (cred_ns_capable(
	    l->cred, u->ns.owner, group ? LX_CAP_SETGID : LX_CAP_SETUID));
}

int
userns_map_write(
    struct lwp *l, struct userns *u, bool group, const char *text, size_t len)
{
	struct id_map *m = group ? &u->gid_map : &u->uid_map, *new;
	struct userns *own, *parent = u->ns.owner;
	char *copy;
	unsigned n;
	int error;

	if (len >= PAGE_SIZE || memchr(text, '\0', len) != NULL)
		return (EINVAL);
	own = proc_userns_ref(l->p);
	new = kmem_alloc(sizeof(*new));
	copy = kmem_zalloc(len + 1);
	error = new == NULL || copy == NULL ? ENOMEM : 0;
	if (error == 0)
		memcpy(copy, text, len);
	if (error == 0 && (parent == NULL || (own != u && own != parent) ||
			      !cred_ns_capable(l->cred, u, LX_CAP_SYS_ADMIN) ||
			      atomic_load(&m->n) != 0))
		error = EPERM;
	if (error == 0)
		error = map_parse(copy, new->range, &n);
	if (error == 0)
		error = map_lower(
		    group ? &parent->gid_map : &parent->uid_map, new->range, n);
	if (error == 0 && !map_permitted(l, u, group, new->range, n))
		error = EPERM;
	if (error == 0) {
		kmutex_lock(&u->lock);
		if (atomic_load(&m->n) != 0)
			error = EPERM;
		else {
			memcpy(m->range, new->range, sizeof(m->range[0]) * n);
			atomic_store_explicit(&m->n, n, memory_order_release);
		}
		kmutex_unlock(&u->lock);
	}
	kmem_free(copy);
	kmem_free(new);
	ns_free(&own->ns);
	return (error);
}

int
userns_setgroups_write(
    struct lwp *l, struct userns *u, const char *text, size_t len)
{
	bool deny;
	int error = 0;

	while (len > 0 && isspace((unsigned char)text[len - 1]))
		len--;
	deny = len == 4 && memcmp(text, "deny", 4) == 0;
	if (!deny && !(len == 5 && memcmp(text, "allow", 5) == 0))
		return (EINVAL);
	if (!cred_ns_capable(l->cred, u, LX_CAP_SYS_ADMIN))
		return (EPERM);
	kmutex_lock(&u->lock);
	if (deny ? atomic_load(&u->gid_map.n) != 0
		 : atomic_load(&u->no_setgroups))
		error = EPERM;
	else if (deny)
		atomic_store(&u->no_setgroups, true);
	kmutex_unlock(&u->lock);
	return (error);
}
