/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The owner of an open file: which process or group gets the signals that the
 * file causes (F_SETOWN, F_SETSIG of fcntl(2)).
 */
#ifndef VFS_CORE_OWNER_H
#define VFS_CORE_OWNER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "libk/klock.h"

struct vfs;
struct file;
struct sigio;

enum owner_type { OWNER_NONE, OWNER_THREAD, OWNER_PROC, OWNER_GROUP };

struct owner_id {
	enum owner_type type;
	int id;             /* of the thread, process or group */
	uint64_t since_ns;  /* when it was set: a process that started later and
			       has the number is another one */
	uint32_t uid, euid; /* of the process that has set it */
	int signo;          /* F_SETSIG; 0: SIGIO */
};

/* Key: [a] atomic, [o] lock, [s] lock of kern/sig/sigio.c */
struct file_owner {
	_Atomic(uint32_t) refs; /* [a] */
	struct kmutex lock;     /* rank LEAF */
	struct owner_id who;    /* [o] */
	struct sigio *watch;    /* [s] the file is watched for events */
};

/* Reasons for a signal, as si_code has them. */
enum owner_reason {
	OWNER_NOTHING,
	OWNER_IN,
	OWNER_OUT,
	OWNER_MSG,
	OWNER_ERR,
	OWNER_PRI,
	OWNER_HUP
};

/*
 * What kern does for the owners of files.  No locks held.
 * - send: a signal about descriptor `fd` to the owner, if the process that has
 *   set it might send one.
 * - closing: the last reference of a file with an owner has gone.
 */
struct vfs_owner_ops {
	void (*send)(
	    void *arg, const struct owner_id *, int fd, enum owner_reason);
	void (*closing)(void *arg, struct file *);
};

/* The owner of a file, made if need be; it belongs to the file.  ENOMEM. */
int file_owner_get(struct file *, struct file_owner **);
/* The same, NULL: nothing has been set. */
static inline struct file_owner *
file_owner_of(_Atomic(struct file_owner *) *at)
{
	return (atomic_load_explicit(at, memory_order_acquire));
}
void file_owner_ref(struct file_owner *);
void file_owner_free(struct file_owner *);
struct owner_id file_owner_read(struct file_owner *);
/* Send the owner the signal of a mark or lease that fd has made.  Consumes the
 * ref.  No locks held. */
void file_owner_tell(struct vfs *, struct file_owner *, int fd);
/* Set all but the signal.  only_first: unless there is an owner. */
void file_owner_set(
    struct file_owner *, const struct owner_id *, bool only_first);
/* No owner, and no signal of its own. */
void file_owner_clear(struct file_owner *);
void file_owner_set_signal(struct file_owner *, int signo);

#endif /* VFS_CORE_OWNER_H */
