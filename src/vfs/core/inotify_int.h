/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * What inotify.c (instances as files) and inotify_event.c (events and
 * watches) share.
 */
#ifndef VFS_CORE_INOTIFY_INT_H
#define VFS_CORE_INOTIFY_INT_H

#include <bsd/sys/queue.h>
#include <stdbool.h>
#include <stdint.h>

struct vfs;
struct vnode;

/* Flags of inotify_add_watch. */

/* struct inotify_event of Linux, without the name. */
struct inotify_record {
	int32_t wd;
	uint32_t mask, cookie, len;
};
_Static_assert(sizeof(struct inotify_record) == 16, "struct inotify_event");

struct inotify_queued {
	STAILQ_ENTRY(inotify_queued) link;
	struct inotify_record r;
	char name[]; /* r.len bytes, padded with zeros */
};

/* Key: [I] immutable, the rest under vfs->watch_lock */
struct inotify {
	struct vfs *vfs;           /* [I] */
	int eventfd;               /* [I] */
	struct kmem_acct *fd_cost; /* [I] of its creator, who pays for events */
	int last_wd;
	unsigned nqueued;
	bool overflowed; /* `overflow` is in the queue */
	struct inotify_queued overflow;
	STAILQ_HEAD(, inotify_queued) queue;
	LIST_HEAD(, inotify_watch) watches;
};

struct inotify_watch {
	struct inotify *in; /* [I] */
	struct vnode *vp;   /* [I] ref'ed; NULL: see inotify_add() */
	int wd;             /* [I] */
	uint32_t mask;
	LIST_ENTRY(inotify_watch) hash, link;
};

/* All below: vfs->watch_lock is held. */

struct inotify_watch_list *inotify_bucket(struct vfs *, const struct vnode *);
/* Put an event into the queue, or note the overflow. */
void inotify_queue(
    struct inotify *, int wd, uint32_t mask, uint32_t cookie, const char *name);
/* Take the first event; free it with inotify_event_free(). */
struct inotify_queued *inotify_dequeue(struct inotify *);
void inotify_event_free(struct inotify *, struct inotify_queued *);
/* Off all lists; its ref is the caller's to give up. */
void inotify_watch_remove(struct inotify_watch *);
struct inotify_watch *inotify_watch_by_wd(const struct inotify *, int wd);

#endif /* VFS_CORE_INOTIFY_INT_H */
