/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * /proc/PID/fdinfo/N: an open file as its descriptor has it.
 *
 * Concepts.  The first lines are the same for each file; the file's own
 * operations add what is special to its kind (fileops.info), and its locks
 * follow.
 *
 * Locking: the file is ref'ed; its operations take their locks.  Its offset is
 * read without waiting for a transfer, which may be that of this very text.
 *
 * Limits.  The count of an eventfd is the host's and cannot be read without
 * taking it; the clock of a timerfd is not kept.
 */
#include "kern/proctext/kern_procfs_int.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "vfs/core/fd.h"
#include "vfs/core/file.h"
#include "vfs/core/lock.h"
#include "vfs/core/mount.h"

static void
fdinfo_line(void *b, const char *line)
{
	procfs_write(b, line, strlen(line));
}

static void
fdinfo_text(struct fdtable *fdt, int fd, struct file *f, struct procfs_buf *b)
{
	int flags = atomic_load(&f->flags);
	bool cloexec = false;
	uint64_t off;

	if (fd_get_cloexec(fdt, fd, &cloexec) == 0 && cloexec)
		flags |= O_CLOEXEC;
	off = __atomic_load_n(&f->off, __ATOMIC_RELAXED);
	procfs_printf(b, "pos:\t%llu\nflags:\t0%o\nmnt_id:\t%u\nino:\t%llu\n",
	    (ull)off, (unsigned)flags, mnt_id(f->mnt), (ull)f->ino);
	if (f->ops->info != NULL)
		f->ops->info(f, fdinfo_line, b);
	vfs_lock_info(fdt, f, fdinfo_line, b);
}

int
kern_procfs_fdinfo(struct procfs_proc *pi, int fd, struct procfs_buf *b)
{
	struct fdtable *fdt = proc_fdt_ref(pi->p);
	struct file *f;
	int error;

	if (fdt == NULL)
		return (ENOENT);
	error = fd_get(fdt, fd, &f);
	if (error == 0) {
		fdinfo_text(fdt, fd, f, b);
		file_free(f);
	}
	fdtable_free(fdt);
	return (error == EBADF ? ENOENT : error);
}
