/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Directories of procfs: which names they have.
 *
 * Concepts.  The fixed names of a directory are numbered from 0;
 * procfs_child() returns name and node of a number, for lookup and readdir.
 * After the fixed names the root has processes and fd/ has descriptors, at
 * cookie DYNAMIC plus the number itself, so that a listing continues at the
 * right place after processes or descriptors have come or gone.
 */
#include "vfs/procfs/procfs_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "mem/vm_types.h"
#include "vfs/core/file.h"
#include "vfs/core/mode.h"
#include "vfs/core/mount.h"
#include "vfs/core/vnode.h"
#include "vfs/procfs/procfs.h"

#define DYNAMIC ((uint64_t)1 << 32)

/* Fixed name i of the root. */
static const char *
procfs_root_child(
    const struct procfs_ops *ops, unsigned i, struct procfs_node *n)
{
	static const struct {
		const char *name;
		enum procfs_kind kind;
		unsigned idx;
	} fixed[] = {
	    {"self", PN_SELF, 0},
	    {"thread-self", PN_THREADSELF, 0},
	    {"mounts", PN_MOUNTS, 0},
	    {"sys", PN_SYSCTLDIR, 0},
	    {"sysvipc", PN_SYSCTLDIR, PROCFS_SYSVIPC},
	    {"tty", PN_SYSCTLDIR, PROCFS_TTY},
	    {"net", PN_MOUNTS, 1},
	};
	const unsigned nfixed =
	    sizeof(fixed) / sizeof(fixed[0]) - (ops->net_names == NULL ? 1 : 0);

	if (i < nfixed) {
		n->kind = fixed[i].kind;
		n->idx = fixed[i].idx;
		return (fixed[i].name);
	}
	n->kind = PN_SYSTEXT;
	n->idx = i - nfixed;
	return (ops->sys_nodes[n->idx].name);
}

/* Fixed name i of a process or thread, after its texts and links. */
static const char *
procfs_pid_dir(const struct procfs_ops *ops, const struct procfs_node *dir,
    unsigned i, struct procfs_node *n)
{
	static const struct {
		const char *name;
		enum procfs_kind kind;
	} names[] = {
	    {"fd", PN_FDDIR},
	    {"mem", PN_MEM},
	    {"pagemap", PN_PAGEMAP},
	    {"ns", PN_NSDIR},
	    {"fdinfo", PN_FDINFODIR},
	    {"attr", PN_ATTRDIR},
	    {"net", PN_NETDIR},
	    {"map_files", PN_MAPDIR},
	    {"task", PN_TASKDIR},
	};

	for (unsigned j = 0; j < sizeof(names) / sizeof(names[0]); j++) {
		if ((names[j].kind == PN_TASKDIR && dir->thread) ||
		    (names[j].kind == PN_FDINFODIR && ops->fdinfo == NULL) ||
		    (names[j].kind == PN_NETDIR && ops->net_names == NULL) ||
		    (names[j].kind == PN_MAPDIR &&
			(ops->mapnext == NULL || dir->thread)) ||
		    (names[j].kind == PN_PAGEMAP && ops->pagemap_read == NULL))
			continue;
		if (i-- == 0) {
			n->kind = names[j].kind;
			return (names[j].name);
		}
	}
	return (NULL);
}

static bool
is_attr(const char *name)
{
	return (strncmp(name, PROCFS_ATTR, strlen(PROCFS_ATTR)) == 0);
}

/* Name i of the directory attr. */
static const char *
procfs_attr_child(const struct procfs_ops *ops, const struct procfs_node *dir,
    unsigned i, struct procfs_node *n)
{
	const struct procfs_pid_node *text = ops->pid_nodes;

	for (; text->name != NULL; text++)
		if (is_attr(text->name) && i-- == 0)
			break;
	if (text->name == NULL)
		return (NULL);
	n->kind = PN_TEXT;
	n->pid = dir->pid;
	n->thread = dir->thread;
	n->idx = (unsigned)(text - ops->pid_nodes);
	return (text->name + strlen(PROCFS_ATTR));
}

/* Fixed name i of a process or thread. */
static const char *
procfs_pid_child(const struct procfs_ops *ops, const struct procfs_node *dir,
    unsigned i, struct procfs_node *n)
{
	const struct procfs_pid_node *text = ops->pid_nodes;

	n->pid = dir->pid;
	n->thread = dir->thread;
	for (; text->name != NULL; text++) {
		if ((text->mode &
			(dir->thread ? PROCFS_PROCESS : PROCFS_TASK)) != 0 ||
		    is_attr(text->name))
			continue;
		if (i == 0) {
			n->kind = PN_TEXT;
			n->idx = (unsigned)(text - ops->pid_nodes);
			return (text->name);
		}
		i--;
	}
	if (i < PROCFS_NLINKS) {
		n->kind = PN_LINK;
		n->idx = i;
		return (procfs_links[i]);
	}
	i -= PROCFS_NLINKS;
	return (procfs_pid_dir(ops, dir, i, n));
}

/* Name and node of fixed child i, NULL past the last. */
static const char *
procfs_child(const struct vnode *dvp, unsigned i, struct procfs_node *n)
{
	const struct procfs_node *dir = procfs_node(dvp);
	const struct procfs_ops *ops;
	unsigned idx = 0;
	void *arg;

	ops = procfs_ops_of(dvp, &arg);
	memset(n, 0, sizeof(*n));
	switch (dir->kind) {
	case PN_ROOT:
		return (procfs_root_child(ops, i, n));
	case PN_PID:
	case PN_TID:
		return (procfs_pid_child(ops, dir, i, n));
	case PN_ATTRDIR:
		return (procfs_attr_child(ops, dir, i, n));
	case PN_NETDIR: /* the tables are those of all processes */
		n->kind = PN_NETTEXT;
		n->idx = i;
		return (ops->net_names[i]);
	case PN_NSDIR:
		if (i >= PROCFS_NNAMESPACES)
			return (NULL);
		n->kind = PN_NS;
		n->pid = dir->pid;
		n->thread = dir->thread;
		n->idx = i;
		return (procfs_namespaces[i].name);
	case PN_SYSCTLDIR:
		do {
			idx = procfs_sysctl_next(dir->idx, idx + 1);
		} while (idx != 0 && i-- > 0);
		if (idx == 0)
			return (NULL);
		n->kind = procfs_sysctl_isdir(idx) ? PN_SYSCTLDIR : PN_SYSCTL;
		n->idx = idx;
		return (procfs_sysctl_name(idx));
	default:
		return (NULL);
	}
}

/* Is the process that a directory belongs to still there? */
static bool
procfs_alive(struct vnode *dvp)
{
	const struct procfs_node *dir = procfs_node(dvp);
	const struct procfs_ops *ops;
	uint64_t id;
	void *arg;

	if (dir->pid == 0)
		return (true);
	ops = procfs_ops_of(dvp, &arg);
	id = ops->lookup != NULL ? ops->lookup(arg, dir->pid) : 0;
	return (id != 0 && (dir->id == 0 || dir->id == id));
}

/* Smallest tid >= tid in a task directory, or 0. */
static int
procfs_tidnext(const struct procfs_ops *ops, void *arg, int pid, int tid)
{
	if (ops->tidnext != NULL)
		return (ops->tidnext(arg, pid, tid));
	return (tid <= pid ? pid : 0);
}

/* A name that is a number: a process, a thread or a descriptor. */
static int
procfs_dynamic(struct vnode *dvp, int num, struct procfs_node *n)
{
	const struct procfs_node *dir = procfs_node(dvp);
	const struct procfs_ops *ops;
	struct file *f;
	uint64_t id;
	void *arg;

	ops = procfs_ops_of(dvp, &arg);
	if (dir->kind == PN_ROOT || dir->kind == PN_TASKDIR)
		num = procfs_pid_in(dvp, num);
	if (dir->kind == PN_ROOT) {
		id =
		    num != 0 && ops->lookup != NULL ? ops->lookup(arg, num) : 0;
		if (id == 0)
			return (ENOENT);
		*n = (struct procfs_node){.kind = PN_PID, .pid = num, .id = id};
		return (0);
	}
	if (dir->kind == PN_TASKDIR) {
		if (num == 0 || procfs_tidnext(ops, arg, dir->pid, num) != num)
			return (ENOENT);
		*n = (struct procfs_node){
		    .kind = PN_TID, .pid = num, .thread = true};
		return (0);
	}
	if ((dir->kind != PN_FDDIR && dir->kind != PN_FDINFODIR) ||
	    ops->file == NULL || ops->file(arg, dir->pid, num, &f) != 0)
		return (ENOENT);
	file_free(f);
	*n = (struct procfs_node){
	    .kind = dir->kind == PN_FDDIR ? PN_FD : PN_FDINFO,
	    .pid = dir->pid,
	    .idx = (unsigned)num};
	return (0);
}

/* A name of map_files: the bounds of a mapping. */
static int
procfs_lookup_map(struct vnode *dvp, const char *name, struct vnode **vpp)
{
	const struct procfs_node *dir = procfs_node(dvp);
	struct procfs_node n = {.kind = PN_MAP, .pid = dir->pid};
	const struct procfs_ops *ops;
	unsigned long long start, end;
	struct vnode *vp;
	char again[40];
	void *arg;
	int error;

	if (sscanf(name, "%llx-%llx", &start, &end) != 2)
		return (ENOENT);
	(void)snprintf(again, sizeof(again), "%llx-%llx", start, end);
	if (strcmp(name, again) != 0)
		return (ENOENT);
	ops = procfs_ops_of(dvp, &arg);
	error = ops->mapfile(arg, dir->pid, start, end, &vp);
	if (error != 0)
		return (ENOENT);
	vrele(vp);
	n.start = start;
	n.end = end;
	return (procfs_vget(dvp->mount, &n, vpp));
}

int
procfs_lookup(struct vnode *dvp, const char *name, struct vnode **vpp)
{
	const enum procfs_kind kind = procfs_node(dvp)->kind;
	struct procfs_node n;
	const char *have;
	int num, error;

	/* Linux looks for the process when it checks the permissions of its
	 * directory, and for names in directories below when it looks up. */
	if (!procfs_alive(dvp))
		return (kind == PN_PID || kind == PN_TID ? ESRCH : ENOENT);
	if (kind == PN_MAPDIR)
		return (procfs_lookup_map(dvp, name, vpp));
	for (unsigned i = 0; (have = procfs_child(dvp, i, &n)) != NULL; i++) {
		if (strcmp(have, name) == 0)
			return (procfs_vget(dvp->mount, &n, vpp));
	}
	if (!procfs_number(name, &num))
		return (ENOENT);
	error = procfs_dynamic(dvp, num, &n);
	if (error != 0)
		return (error);
	return (procfs_vget(dvp->mount, &n, vpp));
}

static uint8_t
procfs_dtype(enum procfs_kind kind)
{
	switch (kind) {
	case PN_SYSTEXT:
	case PN_SYSCTL:
	case PN_TEXT:
	case PN_MEM:
	case PN_PAGEMAP:
	case PN_FDINFO:
	case PN_NETTEXT:
		return (vtype_dtype(VREG));
	case PN_SELF:
	case PN_THREADSELF:
	case PN_MOUNTS:
	case PN_LINK:
	case PN_FD:
	case PN_MAP:
	case PN_NS:
		return (vtype_dtype(VLNK));
	default:
		return (vtype_dtype(VDIR));
	}
}

static bool
procfs_emit(const char *name, const struct procfs_node *n, uint64_t next,
    vfs_dirent_fn *fn, void *arg)
{
	return (fn(arg, name, strlen(name), procfs_ino(n),
	    procfs_dtype(n->kind), next));
}

/* Processes, threads or descriptors from number `from` on. */
static void
procfs_readdir_dynamic(
    struct vnode *vp, uint64_t from, vfs_dirent_fn *fn, void *fnarg)
{
	const struct procfs_node *dir = procfs_node(vp);
	const struct procfs_ops *ops;
	struct procfs_node n = {0};
	char buf[16];
	void *arg;
	int num;

	ops = procfs_ops_of(vp, &arg);
	while (from <= INT32_MAX) {
		if (dir->kind == PN_ROOT && ops->next != NULL) {
			num = ops->next(arg, from > 0 ? (int)from : 1);
			if (num <= 0)
				return;
			n.kind = PN_PID;
			n.pid = num;
		} else if (dir->kind == PN_TASKDIR) {
			num = procfs_tidnext(
			    ops, arg, dir->pid, from > 0 ? (int)from : 1);
			if (num <= 0)
				return;
			n.kind = PN_TID;
			n.pid = num;
			n.thread = true;
		} else if ((dir->kind == PN_FDDIR ||
			       dir->kind == PN_FDINFODIR) &&
			   ops->fdnext != NULL) {
			num = ops->fdnext(arg, dir->pid, (int)from);
			if (num < 0)
				return;
			n.kind = dir->kind == PN_FDDIR ? PN_FD : PN_FDINFO;
			n.pid = dir->pid;
			n.idx = (unsigned)num;
		} else
			return;
		from = (uint64_t)num + 1;
		if (dir->kind == PN_ROOT || dir->kind == PN_TASKDIR)
			num = procfs_pid_out(vp, num);
		if (num == 0 && dir->kind == PN_ROOT)
			continue; /* in another name space */
		snprintf(buf, sizeof(buf), "%d", num);
		if (!procfs_emit(buf, &n, DYNAMIC + from, fn, fnarg))
			return;
	}
}

/* Mappings of files from page `page` on. */
static void
procfs_readdir_maps(
    struct vnode *vp, uint64_t page, vfs_dirent_fn *fn, void *fnarg)
{
	const struct procfs_node *dir = procfs_node(vp);
	struct procfs_node n = {.kind = PN_MAP, .pid = dir->pid};
	const struct procfs_ops *ops;
	char name[40];
	void *arg;

	ops = procfs_ops_of(vp, &arg);
	while (ops->mapnext(
		   arg, dir->pid, page * PAGE_SIZE, &n.start, &n.end) == 0) {
		(void)snprintf(name, sizeof(name), "%llx-%llx",
		    (unsigned long long)n.start, (unsigned long long)n.end);
		page = n.end / PAGE_SIZE;
		if (!procfs_emit(name, &n, DYNAMIC + page, fn, fnarg))
			return;
	}
}

int
procfs_readdir(struct vnode *vp, uint64_t off, vfs_dirent_fn *fn, void *arg)
{
	struct procfs_node n;
	const char *name;

	if (!procfs_alive(vp))
		return (ENOENT);
	for (; off < DYNAMIC; off++) {
		name = procfs_child(vp, (unsigned)off, &n);
		if (name == NULL)
			off = DYNAMIC - 1;
		else if (!procfs_emit(name, &n, off + 1, fn, arg))
			return (0);
	}
	if (procfs_node(vp)->kind == PN_MAPDIR)
		procfs_readdir_maps(vp, off - DYNAMIC, fn, arg);
	else
		procfs_readdir_dynamic(vp, off - DYNAMIC, fn, arg);
	return (0);
}
