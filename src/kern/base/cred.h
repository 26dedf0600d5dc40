/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Credentials: the ids, groups and capabilities of a thread (cred.c).
 */
#ifndef KERN_BASE_CRED_H
#define KERN_BASE_CRED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct group_set;
struct userns;

/*
 * Key: [a] atomic, [n] changed only by the thread that has made it, until
 * another one can see it; then immutable
 */
struct cred {
	_Atomic(uint32_t) refs;          /* [a] */
	_Atomic(uint64_t) *serials;      /* [n] the last serial of the kernel */
	uint64_t serial;                 /* [n] never that of another one */
	uint32_t uid, euid, suid, fsuid; /* [n] */
	uint32_t gid, egid, sgid, fsgid; /* [n] */
	uint32_t securebits;             /* [n] LX_SECBIT_* */
	struct group_set *groups;        /* [n] own ref; NULL: none */
	struct userns *userns;           /* [n] own ref; NULL: the first one */
	/* [n] Bits 1 << LX_CAP_*, in userns and those below. */
	uint64_t cap_inh, cap_perm, cap_eff, cap_bset, cap_amb;
};

/*
 * - create: ids and groups 0, all capabilities if `all`, else none; a full
 *   bounding set; one ref.  Its copies get their serials from `serials`, too.
 *   NULL: no memory.
 * - copy: a copy to change, with one ref.  NULL: no memory.
 * - ref: one more ref; returns its argument.
 * - free: gives up a ref; NULL is permitted.
 * None of them blocks or takes a lock.
 */
struct cred *cred_create(bool all, _Atomic(uint64_t) *serials);
struct cred *cred_copy(const struct cred *);
struct cred *cred_ref(struct cred *);
void cred_free(struct cred *);
/* Consumes the ref of the groups. */
void cred_set_groups(struct cred *, struct group_set *);

/*
 * May the holder do what LX_CAP_... is needed for?  Every check of a privilege
 * of a thread asks one of these, or cred_ns_capable() (ns.h).
 * - capable: to all, of the first user namespace.  No thread of another one.
 * - capable_here: to itself, or to what is of its own user namespace.
 */
static inline bool
cred_capable_here(const struct cred *c, int cap)
{
	return ((c->cap_eff >> cap & 1) != 0);
}
static inline bool
cred_capable(const struct cred *c, int cap)
{
	return (c->userns == NULL && cred_capable_here(c, cap));
}
/* The effective capabilities that cred_capable() knows. */
static inline uint64_t
cred_caps(const struct cred *c)
{
	return (c->userns == NULL ? c->cap_eff : 0);
}
/* Put the holder into the user namespace, with all capabilities there. */
void cred_enter_userns(struct cred *, struct userns *);
/* Is gid the file system group or a supplementary group? */
bool cred_in_group(const struct cred *, uint32_t gid);
/* The effective capabilities that access(2) uses, which goes by the real
 * user. */
uint64_t cred_real_caps(const struct cred *);
/* Does `new` have what `old` has not, so that other threads of its former user
 * must not see its memory? */
bool cred_differs(const struct cred *new, const struct cred *old);

/* Adjust the capabilities of `new` after the user ids, or with fs the file
 * system id, have been changed from those of `old`. */
void cred_fix_setuid(struct cred *new, const struct cred *old, bool fs);
/*
 * What exec of a file without set-id bits makes of `old`: *out with one ref,
 * and whether the program must distrust its environment (AT_SECURE).  ENOMEM.
 */
int cred_exec(
    const struct cred *old, bool no_new_privs, struct cred **out, bool *secure);

#endif /* KERN_BASE_CRED_H */
