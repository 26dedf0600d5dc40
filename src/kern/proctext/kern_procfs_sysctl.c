/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Settings in /proc/sys, and /proc/sysvipc: those whose values the kernel
 * instance has.  The others are constants of procfs (procfs_sysctl.c).
 */
#include "kern/proctext/kern_procfs.h"
#include "kern/resident/resident.h"

#include <errno.h>
#include <string.h>

#include "kern/ipc/aio.h"
#include "kern/ipc/mqueue.h"
#include "kern/ipc/sysvipc.h"
#include "mem/vm_zone.h"
#include "vfs/procfs/procfs.h"

typedef unsigned long long ull;

/* The name spaces of the reader, ref'ed; of the embedder: the first ones. */
static struct ns_set *
reader_ns(struct vkernel *k)
{
	const struct lwp *l = lwp_current();

	if (l != NULL)
		return (proc_ns_ref(l->p));
	ns_set_ref(k->ns);
	return (k->ns);
}

static void
uts_text(struct vkernel *k, bool domain, struct procfs_buf *b)
{
	struct ns_set *set = reader_ns(k);
	struct utsns *uts = (struct utsns *)set->of[NS_UTS];

	kmutex_lock(&uts->lock);
	procfs_printf(b, "%s\n", domain ? uts->domainname : uts->hostname);
	kmutex_unlock(&uts->lock);
	ns_set_free(set);
}

static int
text_hostname(void *arg, struct procfs_buf *b)
{
	uts_text(arg, false, b);
	return (0);
}

static int
text_domainname(void *arg, struct procfs_buf *b)
{
	uts_text(arg, true, b);
	return (0);
}

/* The first line is the name; what is too long is cut.  As on Linux the mode of
 * the file decides who may write, not a capability. */
static void
uts_write(struct vkernel *k, bool domain, const char *text, size_t len)
{
	struct ns_set *set = reader_ns(k);
	struct utsns *uts = (struct utsns *)set->of[NS_UTS];
	char name[NS_HOSTNAME + 1] = "";

	for (size_t i = 0; i < len && i < NS_HOSTNAME; i++) {
		if (text[i] == '\n' || text[i] == '\0')
			break;
		name[i] = text[i];
	}
	kmutex_lock(&uts->lock);
	memcpy(domain ? uts->domainname : uts->hostname, name, sizeof(name));
	kmutex_unlock(&uts->lock);
	ns_set_free(set);
}

static int
write_hostname(void *arg, const char *text, size_t len)
{
	uts_write(arg, false, text, len);
	return (0);
}

static int
write_domainname(void *arg, const char *text, size_t len)
{
	uts_write(arg, true, text, len);
	return (0);
}

static int
text_version(void *arg, struct procfs_buf *b)
{
	procfs_printf(b, "#1 vmspace %s\n", kern_version());
	return (0);
}

static int
text_threads_max(void *arg, struct procfs_buf *b)
{
	const struct vkernel *k = arg;

	procfs_printf(b, "%u\n", k->config.max_threads);
	return (0);
}

/* How many items does a zone have? */
struct zone_query {
	const char *name;
	uint64_t live, cached;
};

static void
zone_match(void *arg, const struct vm_zone_stats *st)
{
	struct zone_query *q = arg;

	if (strcmp(st->name, q->name) == 0) {
		q->live = st->live;
		q->cached = st->cached;
	}
}

/* Open files, free ones, and their limit: there is only that of memory. */
static int
text_file_nr(void *arg, struct procfs_buf *b)
{
	struct zone_query q = {.name = "file"};
	struct vkernel *k = arg;

	vm_zone_foreach(k->vm.zones, zone_match, &q);
	procfs_printf(b, "%llu\t0\t%u\n", (ull)q.live, 1048576u);
	return (0);
}

static void
inode_counts(struct vkernel *k, const char *rest, struct procfs_buf *b)
{
	struct zone_query q = {.name = "vnode"};

	vm_zone_foreach(k->vm.zones, zone_match, &q);
	procfs_printf(
	    b, "%llu\t%llu%s\n", (ull)(q.live + q.cached), (ull)q.cached, rest);
}

static int
text_inode_nr(void *arg, struct procfs_buf *b)
{
	inode_counts(arg, "", b);
	return (0);
}

static int
text_inode_state(void *arg, struct procfs_buf *b)
{
	inode_counts(arg, "\t0\t0\t0\t0\t0", b);
	return (0);
}

static int
text_pid_max(void *arg, struct procfs_buf *b)
{
	procfs_printf(b, "%d\n", PID_MAX);
	return (0);
}

/* The numbers of Linux: 1 always, 2 never. */
static int
text_overcommit(void *arg, struct procfs_buf *b)
{
	const struct vkernel *k = arg;

	procfs_printf(b, "%d\n",
	    k->config.overcommit == VKERNEL_OVERCOMMIT_NEVER ? 2 : 1);
	return (0);
}

/* CommitLimit has all of memory in it. */
static int
text_overcommit_ratio(void *arg, struct procfs_buf *b)
{
	procfs_printf(b, "100\n");
	return (0);
}

static int
text_resident(void *arg, struct procfs_buf *b)
{
	resident_text(arg, b);
	return (0);
}

static int
write_resident(void *arg, const char *text, size_t len)
{
	return (resident_control(arg, text, len));
}

static int
text_tty_drivers(void *arg, struct procfs_buf *b)
{
	procfs_printf(b,
	    "/dev/tty             /dev/tty        5       0 system:/dev/tty\n"
	    "/dev/ptmx            /dev/ptmx       5       2 system\n"
	    "pty_slave            /dev/pts      136 0-1048575 pty:slave\n"
	    "pty_master           /dev/ptm      128 0-1048575 pty:master\n");
	return (0);
}

/* File pages are dropped when their memory is needed. */
static int
write_drop_caches(void *arg, const char *text, size_t len)
{
	return (len > 0 && text[0] >= '1' && text[0] <= '4' ? 0 : EINVAL);
}

static int
text_nothing(void *arg, struct procfs_buf *b)
{
	return (0);
}

const struct procfs_sys_node kern_settings[] = {
    {.name = "tty/drivers", .mode = 0444, .text = text_tty_drivers},
    {.name = "vm/drop_caches",
	.mode = 0200,
	.text = text_nothing,
	.write = write_drop_caches},
    {.name = "kernel/hostname",
	.mode = 0644,
	.text = text_hostname,
	.write = write_hostname},
    {.name = "kernel/domainname",
	.mode = 0644,
	.text = text_domainname,
	.write = write_domainname},
    {.name = "kernel/pid_max", .mode = 0444, .text = text_pid_max},
    {.name = "kernel/threads-max", .mode = 0444, .text = text_threads_max},
    {.name = "kernel/version", .mode = 0444, .text = text_version},
    {.name = "fs/file-nr", .mode = 0444, .text = text_file_nr},
    {.name = "fs/inode-nr", .mode = 0444, .text = text_inode_nr},
    {.name = "fs/inode-state", .mode = 0444, .text = text_inode_state},
    {.name = "sysvipc/msg", .mode = 0444, .text = sysvmsg_text},
    {.name = "sysvipc/sem", .mode = 0444, .text = sysvsem_text},
    {.name = "sysvipc/shm", .mode = 0444, .text = sysvshm_text},
    {.name = "kernel/sem", .mode = 0444, .text = sysvipc_text_sem},
    {.name = "kernel/msgmax", .mode = 0444, .text = sysvipc_text_msgmax},
    {.name = "kernel/msgmnb", .mode = 0444, .text = sysvipc_text_msgmnb},
    {.name = "kernel/msgmni", .mode = 0444, .text = sysvipc_text_msgmni},
    {.name = "kernel/shmall", .mode = 0444, .text = sysvipc_text_shmall},
    {.name = "kernel/shmmax", .mode = 0444, .text = sysvipc_text_shmmax},
    {.name = "kernel/shmmni", .mode = 0444, .text = sysvipc_text_shmmni},
    {.name = "fs/aio-max-nr", .mode = 0444, .text = aio_text_max_nr},
    {.name = "fs/aio-nr", .mode = 0444, .text = aio_text_nr},
    {.name = "fs/mqueue/msg_default", .mode = 0444, .text = mqueue_text_msg},
    {.name = "fs/mqueue/msg_max", .mode = 0444, .text = mqueue_text_msg},
    {.name = "fs/mqueue/msgsize_default",
	.mode = 0444,
	.text = mqueue_text_msgsize},
    {.name = "fs/mqueue/msgsize_max",
	.mode = 0444,
	.text = mqueue_text_msgsize},
    {.name = "fs/mqueue/queues_max", .mode = 0444, .text = mqueue_text_queues},
    {.name = "vm/overcommit_memory", .mode = 0444, .text = text_overcommit},
    {.name = "vm/overcommit_ratio",
	.mode = 0444,
	.text = text_overcommit_ratio},
    {.name = "vm/resident",
	.mode = 0644,
	.text = text_resident,
	.write = write_resident},
    {.name = NULL},
};
