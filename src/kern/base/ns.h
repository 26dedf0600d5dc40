/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Name spaces of processes other than those of mounts.  See ns.c.
 */
#ifndef KERN_BASE_NS_H
#define KERN_BASE_NS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "libk/klock.h"

struct cred;
struct lwp;
struct pid_entry;
struct pidns;
struct proc;
struct userns;
struct vkernel;

enum ns_kind {
	NS_CGROUP,
	NS_IPC,
	NS_MNT, /* not in a set: the proc_fs has it */
	NS_NET,
	NS_PID, /* in a set: of the children */
	NS_TIME,
	NS_USER,
	NS_UTS,
	NS_KINDS,
};

#define NS_MAX 4096      /* of a kernel, all kinds together */
#define USERNS_LEVELS 32 /* nested */
#define PIDNS_LEVELS 8   /* nested, without the first */
#define ID_RANGES 340
#define ID_OVERFLOW 65534u /* an id without a number in a name space */
#define NS_HOSTNAME 64

/* Key: [I] immutable, [a] atomic */
struct ns {
	_Atomic(uint32_t) refs; /* [a] */
	enum ns_kind kind;      /* [I] */
	uint32_t ino;           /* [I] number of its file */
	struct vkernel *k;      /* [I] */
	struct userns *owner;   /* [I] ref'ed; NULL: the first user namespace
				   has no parent */
};

struct id_range {
	uint32_t first; /* in the name space */
	uint32_t below; /* of the kernel */
	uint32_t count;
};

/* Written once, then read without a lock. */
struct id_map {
	_Atomic(unsigned) n; /* [a] 0: not written */
	struct id_range range[ID_RANGES];
};

/* Key: [I] immutable, [l] lock to write */
struct userns {
	struct ns ns;                   /* its owner is the parent */
	unsigned level;                 /* [I] */
	uint32_t uid, gid;              /* [I] effective ids of its creator */
	struct kmutex lock;             /* rank LEAF */
	struct id_map uid_map, gid_map; /* [l] */
	_Atomic(bool) no_setgroups;     /* [l] */
};

/* Key: [l] lock */
struct utsns {
	struct ns ns;
	struct kmutex lock; /* rank LEAF */
	char hostname[NS_HOSTNAME + 1], domainname[NS_HOSTNAME + 1]; /* [l] */
};

/* Key: [I] immutable, [t] proctree */
struct pidns {
	struct ns ns;
	struct pidns *parent; /* [I] ref'ed */
	unsigned level;       /* [I] the first one: 0 */
	struct proc *init;    /* [t] weak: number 1; NULL: not yet, or gone */
	int next;             /* [t] number to try */
	bool dead;            /* [t] init has ended: no more processes */
	bool wrapped;         /* [t] numbers have been given out again */
};

/* What a process is in.  Immutable; shared by fork. */
struct ns_set {
	_Atomic(uint32_t) refs;
	struct ns *of[NS_KINDS]; /* ref'ed; NS_MNT: NULL */
};

int ns_init(struct vkernel *); /* the first ones.  0, ENOMEM */
void ns_fini(struct vkernel *);

/* A name space with one ref, empty but for its owner; ino 0: the next number.
 * ENOSPC, ENOMEM. */
int ns_create(struct vkernel *, enum ns_kind, uint32_t ino,
    struct userns *owner, struct ns **);
void ns_ref(struct ns *);
void ns_free(struct ns *); /* NULL is legal */
/* Does a process of the set have no network? */
bool ns_set_offline(const struct ns_set *);
void ns_set_ref(struct ns_set *);
void ns_set_free(struct ns_set *); /* NULL is legal */
/* The set of the process now, ref'ed.  No locks at or above PROC held. */
struct ns_set *proc_ns_ref(struct proc *);
/* The user namespace of the process, ref'ed. */
struct userns *proc_userns_ref(struct proc *);
/* A set like that of p with new name spaces for the CLONE_NEW* in flags.
 * EPERM, EINVAL, ENOSPC, ENOMEM. */
int ns_set_unshare(struct lwp *, uint64_t flags, struct ns_set **);
/* A set like that of p with ns, whose ref does not pass. */
int ns_set_replace(struct proc *, struct ns *, struct ns_set **);
/* Give the process the set, whose ref passes. */
void proc_ns_set(struct proc *, struct ns_set *);
/* The number of the IPC name space of the calling thread; 0: the embedder,
 * which sees the objects of all. */
uint32_t ipc_ns(void);
/* The CLONE_NEW* flag of a kind. */
uint64_t ns_flag(enum ns_kind);

/*
 * Have the credentials the capability in the user namespace?  It is theirs or
 * below it, and they have the bit or own it (cred_ns_owns()).  NULL: the first
 * one.
 */
bool cred_ns_capable(const struct cred *, const struct userns *, int cap);
/* Did the user of the credentials, from their user namespace, make this one or
 * one that it is below? */
bool cred_ns_owns(const struct cred *, const struct userns *);

/* ids: UINT32_MAX for none, ID_OVERFLOW for what is shown. */
uint32_t id_to_kernel(const struct id_map *, uint32_t id);
uint32_t id_from_kernel(const struct id_map *, uint32_t id);
uint32_t id_shown(const struct id_map *, uint32_t id);
/* An id as the process sees it, and an id that the process means; group: of
 * groups.  UINT32_MAX: it has no such id, or the id was UINT32_MAX. */
uint32_t proc_id_shown(struct proc *, bool group, uint32_t id);
uint32_t proc_id_kernel(struct proc *, bool group, uint32_t id);
/* One write of uid_map or gid_map (group) by the calling thread. */
int userns_map_write(struct lwp *caller, struct userns *, bool group,
    const char *text, size_t len);
int userns_setgroups_write(
    struct lwp *caller, struct userns *, const char *text, size_t len);

/* ---- pidns.c: numbers of processes in a name space ---- */

/* proctree held: give the entry its numbers in ns and above (ns NULL or the
 * first one: none). */
void pidns_enter(struct pidns *, struct pid_entry *);
/* The number that `id` of the kernel has in ns; 0: none. */
int pidns_out(struct vkernel *, struct pidns *, int id);
int pidns_out_locked(struct vkernel *, struct pidns *, int id);
/* The number of the kernel of number `id` in ns; 0: none. */
int pidns_in(struct vkernel *, struct pidns *, int id);
/* Is the process in ns, or below it? */
bool pidns_has(const struct pidns *, const struct proc *);
/* The number of p in its own name space. */
int pidns_own(const struct proc *);
/* Is p the init of its name space, which is not the first one? */
bool pidns_is_init(const struct proc *);

#endif /* KERN_BASE_NS_H */
