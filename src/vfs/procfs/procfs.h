/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * /proc: the mount, the functions by which kern shows its processes, and the
 * growing text that the contents of a node are generated into.
 */
#ifndef VFS_PROCFS_PROCFS_H
#define VFS_PROCFS_PROCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct file;
struct uio;
struct vfs;
struct vfs_ctx;
struct vmount;
struct vnode;
struct vplace;

#define PROCFS_TEXT_MAX ((size_t)64 << 20) /* bytes of one text */

#define PROCFS_PIECE                                            \
	((size_t)16 << 10) /* bytes after which a piece may end \
			    */

/*
 * A text, or a piece of it.  A generator that can go on where it has stopped
 * starts at `from`, a position of its own (0: the start), stops when
 * procfs_buf_full(), and stores in `next` where the next piece starts.  Other
 * generators make the whole text at once.
 */
struct procfs_buf {
	char *data; /* from kmem_alloc, not terminated; NULL when empty */
	size_t len;
	size_t cap;
	uint64_t from;
	uint64_t next; /* 0: this is the end of the text */
	int error;     /* first failure: ENOMEM, EFBIG */
};

static inline bool
procfs_buf_full(const struct procfs_buf *b)
{
	return (b->len >= PROCFS_PIECE || b->error != 0);
}

void procfs_buf_init(struct procfs_buf *);
void procfs_buf_destroy(struct procfs_buf *);
/* printf-append; ENOMEM is remembered and returned at the end. */
void procfs_printf(struct procfs_buf *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void procfs_write(struct procfs_buf *, const void *data, size_t len);

/* The name space that f, a file of /proc/PID/ns, stands for, and its CLONE_NEW*
 * flag; borrowed from f.  NULL: f is another file. */
void *procfs_ns_of(const struct file *f, uint64_t *flag);
int procfs_mount_create(struct vfs *, struct vmount **);
/* The same, of the processes of a name space of numbers, whose ref passes to
 * the mount, also on failure; ns_put of the registered procfs_ops gives it up.
 */
int procfs_mount_create_in(struct vfs *, void *ns, struct vmount **);

/*
 * A file of a fixed tree that only reads (sysfs, cgroup2), by its path; a path
 * that ends with a slash is that of an empty directory.  A %d in the path
 * stands for each of the numbers of the mount, and text() gets the number.
 * Tables end with a NULL path.  arg is that of the registered procfs_ops.
 */
struct procfs_tree_file {
	const char *path;
	int (*text)(void *arg, int num, struct procfs_buf *);
};
/* numbers: copied, of each %d.  files: borrowed for ever.  0, ENOMEM. */
int procfs_tree_mount_create(struct vfs *, const char *fstype,
    const struct procfs_tree_file *files, const int *numbers, unsigned nnumbers,
    struct vmount **);
/* The process whose directory in a procfs vp is: its number by
 * procfs_ops.lookup, and *pid.  0: vp is something else. */
uint64_t procfs_process(const struct vnode *vp, int *pid);

struct procfs_proc; /* kern's */

/* With the mode of a node: only a process that may look into the process (the
 * may_look of procfs_ops) can open it, whatever the permission bits say. */
#define PROCFS_PRIVATE 0x10000u
/* As PROCFS_PRIVATE, but the text is about the process and not about its
 * memory, so that it goes on after an exec. */
#define PROCFS_CHECKED 0x20000u
/* The directories of threads do not have the node. */
#define PROCFS_PROCESS 0x40000u
/* Only the directories of threads have the node. */
#define PROCFS_TASK 0x80000u

/*
 * A file of a process, of mode `mode` (permission bits, PROCFS_*).  Tables of
 * nodes end with a NULL name.  Names that begin with PROCFS_ATTR are in the
 * directory attr.
 * - text: any errno.  NULL: reading is EINVAL.
 * - write: one write(2), of the calling thread; any errno.  NULL: EACCES.
 */
#define PROCFS_ATTR "attr/"
struct procfs_pid_node {
	const char *name;
	uint32_t mode;
	int (*text)(struct procfs_proc *, struct procfs_buf *);
	int (*write)(struct procfs_proc *, const char *text, size_t len);
};

/* What proc_open() is asked for. */
#define PROCFS_MAY_LOOK 0x1u /* the reader may look into the process */
#define PROCFS_THREAD 0x2u   /* a node in the directory of a thread */

/* A file of the system.  write: one setting, at once; NULL: EACCES. */
struct procfs_sys_node {
	const char *name;
	uint32_t mode;
	int (*text)(void *arg, struct procfs_buf *);
	int (*write)(void *arg, const char *text, size_t len);
};

/*
 * Registered by kern.  A process is named by pid; every call looks it up anew
 * and answers ESRCH when it is gone.  A tid is accepted for a pid.
 */
struct procfs_ops {
	/* pid of the calling process, 0 if the caller is not a guest. */
	int (*self)(void *arg, const struct vfs_ctx *);
	/* tid of the calling thread; NULL: as self. */
	int (*selftid)(void *arg, const struct vfs_ctx *);
	/* The number that a process has in the name space of a mount, 0: none;
	 * and its pid by that number. */
	int (*pid_out)(void *arg, void *ns, int pid);
	int (*pid_in)(void *arg, void *ns, int num);
	/* Smallest live pid >= pid (zombies included), or 0. */
	int (*next)(void *arg, int pid);
	/* Smallest tid >= tid of its threads, or 0; NULL: itself alone.  All
	 * below take a tid for a pid. */
	int (*tidnext)(void *arg, int pid, int tid);
	/* A number of the process that is never given to another one; 0: there
	 * is no such process. */
	uint64_t (*lookup)(void *arg, int pid);
	/* Owner for the nodes.  open: of a directory that every process may
	 * list; the other nodes of a process that is not dumpable are root's.
	 */
	int (*owner)(
	    void *arg, int pid, bool open, uint32_t *uid, uint32_t *gid);
	/* May the caller look into the process: its memory, environment, links
	 * and descriptors?  ctx NULL: the kernel itself.  0, EPERM, ESRCH. */
	int (*may_look)(void *arg, int pid, const struct vfs_ctx *);
	/* Is it the caller's own process? */
	bool (*own)(void *arg, int pid, const struct vfs_ctx *);
	/* exe, cwd, root: ref'ed place.  which: "exe", "cwd", "root". */
	int (*place)(void *arg, int pid, const char *which, struct vplace *);
	/*
	 * The name space of a kind, a CLONE_NEW* flag, that a process is in
	 * (children: that new processes of it are in): ref'ed, until ns_put().
	 * *ino: its number.  ENOENT: a zombie has none.  NULL: each process is
	 * in the first ones of Linux.
	 */
	int (*ns_get)(void *arg, int pid, uint64_t flag, bool children,
	    void **ns, uint32_t *ino);
	void (*ns_put)(uint64_t flag, void *ns);
	/* fd/N: ref'ed file.  fdnext: smallest open fd >= fd, or -1. */
	int (*file)(void *arg, int pid, int fd, struct file **);
	int (*fdnext)(void *arg, int pid, int fd);
	/* map_files: the next mapping of a file at `from` or after; ENOENT,
	 * ESRCH.  mapfile: the ref'ed vnode of that mapping.  NULL: no process
	 * has map_files. */
	int (*mapnext)(
	    void *arg, int pid, uint64_t from, uint64_t *start, uint64_t *end);
	int (*mapfile)(
	    void *arg, int pid, uint64_t start, uint64_t end, struct vnode **);
	/* Tables of the network, as PID/net has them: their names, the last of
	 * which is NULL, and their texts.  NULL: there is no net. */
	const char *const *net_names;
	int (*net_text)(void *arg, unsigned idx, struct procfs_buf *);
	/*
	 * What the text of a node of a process is generated from, for one
	 * text.  how: PROCFS_MAY_LOOK, without which addresses are shown as 0;
	 * PROCFS_THREAD.  ESRCH.
	 */
	int (*proc_open)(
	    void *arg, int pid, unsigned how, struct procfs_proc **);
	void (*proc_close)(struct procfs_proc *);
	/* A number of the process, or of the memory that it has now, that is
	 * never given to another. */
	uint64_t (*proc_id)(const struct procfs_proc *, bool memory);
	/* fdinfo/N.  ENOENT.  NULL: no process has fdinfo. */
	int (*fdinfo)(struct procfs_proc *, int fd, struct procfs_buf *);
	const struct procfs_pid_node *pid_nodes; /* of each process */
	const struct procfs_sys_node *sys_nodes; /* of /proc itself */
	/* Settings in /proc/sys by their path in there ("kernel/hostname"):
	 * those without an entry have the constant value of procfs. */
	const struct procfs_sys_node *settings;
	/*
	 * The memory that a process has now, until it has another one: mem_rw
	 * moves bytes at address uio->off, and is ESRCH after exit and exec,
	 * EIO where nothing is mapped.  ctx NULL: the kernel itself. mem_open:
	 * ESRCH, EACCES.
	 */
	int (*mem_open)(
	    void *arg, int pid, const struct vfs_ctx *ctx, void **mem);
	int (*mem_rw)(void *mem, struct uio *);
	/* Reads words, one for each page, from byte uio->off of that table on.
	 * EINVAL: no whole words.  NULL: no process has a pagemap. */
	int (*pagemap_read)(void *mem, struct uio *);
	void (*mem_close)(void *mem);
};

#endif /* VFS_PROCFS_PROCFS_H */
