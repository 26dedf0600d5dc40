/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Files that the embedder maps by descriptor.
 *
 * Concepts.  A vkfile is one file of the host, identified by device and inode,
 * with the object that caches its pages: all mappings of the file share these
 * pages.  It has up to two descriptors, one for reading and one for writing,
 * which are duplicates of the embedder's.  It lives as long as its object is
 * mapped: each ref of the object is a ref of the file (vm_vnode_ops), and
 * dropping the last one writes back and closes.
 *
 * Locking and lifetime.  k->file_lock protects the list, refs and descriptors.
 * A file whose last ref has gone stays on the list with refs 0 until it is
 * written back; a thread that maps it meanwhile waits for that.
 *
 * Limits.  Guests that reach the same file by a mount use another cache.  A
 * change that another process makes to the file is not seen in pages that are
 * resident.
 */
#include "api/vkernel_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "abi/stat.h"
#include "host/host_file.h"
#include "libk/kassert.h"
#include "vfs/core/file.h"
#include "vm/pager/vnode_pager.h"

/* Key: [I] immutable, [f] k->file_lock */
struct vkfile {
	struct vkernel *k;        /* [I] */
	uint64_t dev, ino;        /* [I] */
	struct vm_object *object; /* [I] the owner's ref */
	uint64_t refs;            /* [f] */
	int rfd, wfd;             /* [f] set once; -1 none */
	LIST_ENTRY(vkfile) link;  /* [f] */
};

static int
vkfile_read(void *h, uint64_t off, void *buf, size_t len, size_t *done)
{
	struct vkfile *f = h;

	return (host_pread(f->rfd, buf, len, off, done));
}

static int
vkfile_write(void *h, uint64_t off, const void *buf, size_t len, size_t *done)
{
	struct vkfile *f = h;
	int fd;

	kmutex_lock(&f->k->file_lock);
	fd = f->wfd;
	kmutex_unlock(&f->k->file_lock);
	return (fd < 0 ? EBADF : host_pwrite(fd, buf, len, off, done));
}

static int
vkfile_size(void *h, uint64_t *size)
{
	struct vkfile *f = h;
	struct host_stat st;
	int error = host_fstat(f->rfd, &st);

	if (error == 0)
		*size = st.size;
	return (error);
}

static void
vkfile_ref(void *h)
{
	struct vkfile *f = h;

	kmutex_lock(&f->k->file_lock);
	KASSERT(f->refs > 0);
	f->refs++;
	kmutex_unlock(&f->k->file_lock);
}

static void
vkfile_destroy(struct vkfile *f)
{
	if (f->object != NULL)
		vnode_pager_dealloc(f->object);
	if (f->rfd >= 0)
		host_close(f->rfd);
	if (f->wfd >= 0)
		host_close(f->wfd);
	free(f);
}

static void
vkfile_rele(void *h)
{
	struct vkfile *f = h;
	struct vkernel *k = f->k;
	bool last;

	kmutex_lock(&k->file_lock);
	last = --f->refs == 0;
	kmutex_unlock(&k->file_lock);
	if (!last)
		return;
	/* The file stays on the list until it is written back: a mapping that
	 * is made meanwhile waits, and then reads what was written. */
	vnode_pager_dealloc(f->object);
	f->object = NULL;
	kmutex_lock(&k->file_lock);
	LIST_REMOVE(f, link);
	kcond_broadcast(&k->file_cond);
	kmutex_unlock(&k->file_lock);
	vkfile_destroy(f);
}

void
vkfile_put(struct vkfile *f)
{
	vkfile_rele(f);
}

static void
vkfile_name(void *h, char *buf, size_t size)
{
	struct vkfile *f = h;

	snprintf(buf, size, "file %llx:%llu", (unsigned long long)f->dev,
	    (unsigned long long)f->ino);
}

static void
vkfile_ident(void *h, uint64_t *dev, uint64_t *ino)
{
	struct vkfile *f = h;

	*dev = f->dev;
	*ino = f->ino;
}

static const struct vm_vnode_ops vkfile_ops = {
    .read = vkfile_read,
    .write = vkfile_write,
    .size = vkfile_size,
    .ref = vkfile_ref,
    .rele = vkfile_rele,
    .name = vkfile_name,
    .ident = vkfile_ident,
};

/* A ref to a file that is already mapped; NULL: it is not mapped. */
static struct vkfile *
vkfile_find(struct vkernel *k, const struct host_stat *st)
{
	struct vkfile *f;

again:
	LIST_FOREACH (f, &k->files, link) {
		if (f->dev != st->dev || f->ino != st->ino)
			continue;
		if (f->refs == 0) {
			kcond_wait(&k->file_cond, &k->file_lock);
			goto again;
		}
		f->refs++;
		return (f);
	}
	return (NULL);
}

/* Create a vkfile.  It is not on the list. */
static int
vkfile_make(
    struct vkernel *k, int fd, const struct host_stat *st, struct vkfile **out)
{
	struct vkfile *f = calloc(1, sizeof(*f));
	int error;

	if (f == NULL)
		return (ENOMEM);
	f->k = k;
	f->dev = st->dev;
	f->ino = st->ino;
	f->refs = 1;
	f->wfd = f->rfd = -1;
	error = host_dup(fd, &f->rfd);
	if (error == 0)
		error = vnode_pager_alloc(&k->vm, f, &vkfile_ops, &f->object);
	if (error != 0) {
		vkfile_destroy(f);
		return (error);
	}
	*out = f;
	return (0);
}

/* Give the file a descriptor for writing, unless it has one. */
static int
vkfile_writable(struct vkfile *f, int fd)
{
	int dup, error = host_dup(fd, &dup);

	if (error != 0)
		return (error);
	kmutex_lock(&f->k->file_lock);
	if (f->wfd < 0) {
		f->wfd = dup;
		dup = -1;
	}
	kmutex_unlock(&f->k->file_lock);
	if (dup >= 0)
		host_close(dup);
	return (0);
}

int
vkfile_get(struct vkernel *k, int fd, struct vkfile **out,
    struct vm_object **object, vm_prot_t *max)
{
	struct vkfile *f, *fresh = NULL;
	struct host_stat st;
	int error, mode;
	bool writable;

	error = host_fstat(fd, &st);
	if (error != 0)
		return (error);
	if ((st.mode & LX_S_IFMT) != LX_S_IFREG)
		return (ENODEV);
	error = host_getfl(fd, &mode);
	if (error != 0 || (mode & O_PATH) != 0)
		return (EBADF);
	/* Writing back needs writes at an offset: O_APPEND does not honour the
	 * offset, and O_DIRECT does not allow every offset. */
	writable = (mode & (O_ACCMODE | O_APPEND | O_DIRECT)) == O_RDWR;
	mode &= O_ACCMODE;
	if (mode == O_WRONLY)
		return (EACCES);
	kmutex_lock(&k->file_lock);
	f = vkfile_find(k, &st);
	kmutex_unlock(&k->file_lock);
	if (f == NULL) {
		error = vkfile_make(k, fd, &st, &fresh);
		if (error != 0)
			return (error);
		kmutex_lock(&k->file_lock);
		f = vkfile_find(k, &st);
		if (f == NULL) {
			f = fresh;
			fresh = NULL;
			LIST_INSERT_HEAD(&k->files, f, link);
		}
		kmutex_unlock(&k->file_lock);
		if (fresh != NULL)
			vkfile_destroy(fresh);
	}
	if (writable)
		error = vkfile_writable(f, fd);
	if (error != 0) {
		vkfile_put(f);
		return (error);
	}
	*max = VM_PROT_ALL;
	if (!writable)
		*max &= (vm_prot_t)~VM_PROT_WRITE;
	*object = f->object;
	*out = f;
	return (0);
}
