/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Resident images: which programs are kept loaded, and whether an image may
 * still be used.
 *
 * Purpose.  A dynamic program spends its first milliseconds in the loader: it
 * maps libraries, relocates them and runs their constructors, the same each
 * time.  A program that is marked resident goes through this once, in a trial
 * (resident_trial.c); the result is kept as a vmspace without a process.  A
 * later exec of the same program starts from a copy-on-write copy of it, at the
 * program's entry point, with a stack, arguments, environment and entropy of
 * its own (imgact_resident.c).
 *
 * Identity.  The image is made from files: program, loader, libraries, the
 * loader's cache.  Each name that the loader has looked at is kept with what it
 * led to: device, inode, size, times of modification and change, or the error.
 * Before the image is used every name is looked up again; if one of them leads
 * elsewhere the image is dropped, and this exec is a cold one.  So a new
 * library in an earlier directory counts as a change, as does the appearance of
 * a file that was not there.  The exec after that makes a new image.
 *
 * Cold starts.  The loader of an image has not seen the environment of a later
 * exec, and what it would have done with it is not known.  So a program starts
 * cold when variables of the loader or of malloc are set (env_refuses), and
 * when the stack limit, an id, or the root directory differs from those that
 * the image was made with.
 *
 * Memory.  An image is a vmspace like others: its pages are counted, paged out
 * and shared with the copies.  It is discarded when the program is unmarked and
 * when a file has changed.  All images are discarded before the out-of-memory
 * policy kills a process.  Copies keep the pages that they still share.
 *
 * Locking and lifetime. k->resident_lock protects the marks; an image has refs,
 * one of them the mark's.  No lock is held while one is made: while a mark is
 * MAKING, other execs of the program start cold.
 *
 * Limits.  Copies of one image have their libraries at the same addresses,
 * share the pointer guard and whatever else constructors drew at random; the
 * stack and the stack protector's canary are new each time.  A constructor sees
 * neither the environment nor the arguments of the program.
 */
#include "kern/resident/resident_trial.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "abi/resource.h"
#include "host/host.h"
#include "libk/kassert.h"
#include "vfs/core/lookup.h"
#include "vfs/core/mount.h"
#include "vfs/core/vnode.h"
#include "vfs/procfs/procfs.h"
#include "vm/vmspace.h"

/* Key: [I], [r] k->resident_lock */
struct resident_mark {
	char *path;                                             /* [I] */
	enum { RM_COLD, RM_MAKING, RM_READY, RM_FAILED } state; /* [r] */
	struct resident_image *image;                           /* [r] READY */
	struct resident_id failed; /* [r] FAILED: what could not be kept */
	uint64_t warm, cold;       /* [r] execs */
	LIST_ENTRY(resident_mark) link;
};

void
resident_init(struct vkernel *k)
{
	k->resident = &resident_ops;
	LIST_INIT(&k->marks);
	LIST_INIT(&k->trials);
	kmutex_init(&k->resident_lock, "resident", KRANK_LEAF, 0);
}

void
resident_free(struct resident_image *ri)
{
	if (atomic_fetch_sub(&ri->refs, 1) != 1)
		return;
	if (ri->vm != NULL)
		vmspace_free(ri->vm);
	if (ri->root != NULL)
		vrele(ri->root);
	for (unsigned i = 0; i < ri->nfiles; i++)
		free(ri->file[i].path);
	free(ri);
}

/* Take the image away from a mark.  Locked; the caller frees it, unlocked. */
static struct resident_image *
mark_clear(struct resident_mark *m)
{
	struct resident_image *ri = m->image;

	m->image = NULL;
	if (m->state == RM_READY)
		m->state = RM_COLD;
	return (ri);
}

static void
mark_free(struct resident_mark *m)
{
	if (m->image != NULL)
		resident_free(m->image);
	free(m->path);
	free(m);
}

void
resident_destroy(struct vkernel *k)
{
	struct resident_mark *m;

	while ((m = LIST_FIRST(&k->marks)) != NULL) {
		LIST_REMOVE(m, link);
		mark_free(m);
	}
	kmutex_destroy(&k->resident_lock);
}

bool
resident_shed(struct vkernel *k)
{
	struct resident_image *ri;
	struct resident_mark *m;
	struct resident_trial *t;
	bool any = false;

	kmutex_lock(&k->resident_lock);
	LIST_FOREACH (t, &k->trials, link) {
		any = any || !atomic_load(&t->expired);
		resident_expire(t);
	}
	kmutex_unlock(&k->resident_lock);
	do {
		ri = NULL;
		kmutex_lock(&k->resident_lock);
		LIST_FOREACH (m, &k->marks, link)
			if (ri == NULL && m->image != NULL)
				ri = mark_clear(m);
		kmutex_unlock(&k->resident_lock);
		if (ri != NULL) {
			resident_free(ri);
			any = true;
		}
	} while (ri != NULL);
	return (any);
}

/* ---- marks ---- */

static struct resident_mark *
mark_find(struct vkernel *k, const char *path)
{
	struct resident_mark *m;

	LIST_FOREACH (m, &k->marks, link)
		if (strcmp(m->path, path) == 0)
			break;
	return (m);
}

static int
mark_add(struct vkernel *k, const char *path)
{
	struct resident_mark *m = calloc(1, sizeof(*m)), *o;
	unsigned n = 0;
	int error = 0;

	if (m == NULL)
		return (ENOMEM);
	m->path = strdup(path);
	if (m->path == NULL) {
		free(m);
		return (ENOMEM);
	}
	kmutex_lock(&k->resident_lock);
	LIST_FOREACH (o, &k->marks, link)
		n++;
	if (mark_find(k, path) != NULL)
		error = EEXIST;
	else if (n >= RESIDENT_MARKS)
		error = ENOSPC;
	else
		LIST_INSERT_HEAD(&k->marks, m, link);
	kmutex_unlock(&k->resident_lock);
	if (error != 0)
		mark_free(m);
	return (error);
}

static int
mark_remove(struct vkernel *k, const char *path)
{
	struct resident_mark *m;

	kmutex_lock(&k->resident_lock);
	m = mark_find(k, path);
	if (m != NULL && m->state != RM_MAKING)
		LIST_REMOVE(m, link);
	else if (m != NULL) {
		kmutex_unlock(&k->resident_lock);
		return (EBUSY);
	}
	kmutex_unlock(&k->resident_lock);
	if (m == NULL)
		return (ENOENT);
	mark_free(m);
	return (0);
}

int
resident_control(struct vkernel *k, const char *line, size_t len)
{
	char path[VFS_PATH_MAX];
	bool add;

	while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == ' '))
		len--;
	if (len > 4 && memcmp(line, "add ", 4) == 0) {
		add = true;
		line += 4, len -= 4;
	} else if (len > 7 && memcmp(line, "remove ", 7) == 0) {
		add = false;
		line += 7, len -= 7;
	} else if (len > 1 && (line[0] == '+' || line[0] == '-')) {
		add = line[0] == '+';
		line++, len--;
	} else
		return (EINVAL);
	if (len >= sizeof(path) || line[0] != '/' ||
	    memchr(line, '\0', len) != NULL || memchr(line, '\n', len) != NULL)
		return (EINVAL);
	memcpy(path, line, len);
	path[len] = '\0';
	return (add ? mark_add(k, path) : mark_remove(k, path));
}

void
resident_text(struct vkernel *k, struct procfs_buf *b)
{
	static const char *const states[] = {
	    [RM_COLD] = "cold",
	    [RM_MAKING] = "making",
	    [RM_READY] = "ready",
	    [RM_FAILED] = "refused",
	};
	struct vmspace *vm[RESIDENT_MARKS] = {NULL};
	struct resident_mark *m;
	struct vmspace_stat st;
	unsigned i = 0;

	/* The figures of a vmspace take its locks. */
	kmutex_lock(&k->resident_lock);
	LIST_FOREACH (m, &k->marks, link) {
		procfs_printf(b, "%s %s warm %llu cold %llu", m->path,
		    states[m->state], (unsigned long long)m->warm,
		    (unsigned long long)m->cold);
		if (m->image != NULL) {
			procfs_printf(b, " names %u patches %u generation %llu",
			    m->image->nfiles, m->image->npatches,
			    (unsigned long long)m->image->vm->id);
			vm[i] = m->image->vm;
			vmspace_hold(vm[i++]);
		}
		procfs_printf(b, "\n");
	}
	kmutex_unlock(&k->resident_lock);
	for (unsigned j = 0; j < i; j++) {
		vmspace_stat(vm[j], &st);
		procfs_printf(b,
		    "generation %llu size %llu anonymous %llu swap %llu\n",
		    (unsigned long long)st.id, (unsigned long long)st.size,
		    (unsigned long long)st.anon, (unsigned long long)st.swap);
		vmspace_drop(vm[j]);
	}
}

/* ---- may an image be used? ---- */

bool
resident_same(const struct resident_id *a, const struct resident_id *b)
{
	return (a->error == b->error && a->dev == b->dev && a->ino == b->ino &&
		a->size == b->size && a->mtime == b->mtime &&
		a->ctime == b->ctime);
}

struct resident_id
resident_id_of(struct vnode *vp)
{
	struct resident_id id = {0};
	struct vattr va;

	id.error = vn_getattr(vp, &va);
	if (id.error != 0)
		return (id);
	id.special = vp->type != VREG && vp->type != VDIR;
	id.dev = va.dev;
	id.ino = va.ino;
	/* A file of the kernel (procfs) has no identity but its name. */
	if (strcmp(vp->mount->fstype, "proc") == 0)
		return (id);
	id.size = va.size;
	id.mtime = va.mtime;
	id.ctime = va.ctime;
	return (id);
}

struct resident_id
resident_identify(const struct vfs_ctx *ctx, const char *path, bool nofollow)
{
	struct resident_id id = {0};
	struct nameidata nd = {0};

	id.error = namei(ctx, NULL, path, nofollow ? NAMEI_NOFOLLOW : 0, &nd);
	if (id.error == 0) {
		id = resident_id_of(nd.vp);
		vrele(nd.vp);
	}
	return (id);
}

/* Is a variable set that could change what the loader or a constructor does? */
static bool
env_refuses(const struct exec_args *a)
{
	static const char *const prefixes[] = {"LD_",
	    "GLIBC_TUNABLES=", "MALLOC_", "OMP_", "GOMP_", "KMP_", "OPENBLAS_",
	    "MKL_", "OPENSSL_", "GLIBCXX_", "G_", "GOBJECT_", "GNUTLS_",
	    "GCRYPT_", "TCMALLOC_", "MIMALLOC_", "HEAP", "CPUPROFILE", "GCOV_",
	    "ASAN_OPTIONS=", "UBSAN_OPTIONS=", "TSAN_OPTIONS=", "LSAN_OPTIONS=",
	    "MSAN_OPTIONS=", "LIBC_FATAL_STDERR_=", "GCONV_PATH=", "LOCPATH=",
	    "NLSPATH="};

	for (size_t i = 0; i < a->envc; i++)
		for (size_t j = 0; j < sizeof(prefixes) / sizeof(prefixes[0]);
		     j++)
			if (strncmp(a->envp[i], prefixes[j],
				strlen(prefixes[j])) == 0)
				return (true);
	return (false);
}

static bool
circumstances_same(struct exec_image *img, const struct resident_image *ri)
{
	const struct cred *c = img->cred;
	struct proc *p = img->p;
	bool same;

	kmutex_lock(&p->lock);
	same = c->uid == ri->uid && c->euid == ri->euid && c->gid == ri->gid &&
	       c->egid == ri->egid && img->ctx.root.vp == ri->root &&
	       p->rlim[LX_RLIMIT_STACK].cur == ri->stack_limit;
	kmutex_unlock(&p->lock);
	return (same);
}

static bool
files_same(struct exec_image *img, const struct resident_image *ri)
{
	struct resident_id id = resident_id_of(img->vp);

	if (!resident_same(&id, &ri->file[0].id))
		return (false);
	for (unsigned i = 1; i < ri->nfiles; i++) {
		id = resident_identify(
		    &img->ctx, ri->file[i].path, ri->file[i].nofollow);
		if (!resident_same(&id, &ri->file[i].id))
			return (false);
	}
	return (true);
}

/* Does the path of the mark lead to the program? */
static bool
mark_names(struct exec_image *img, const char *path)
{
	struct nameidata nd = {0};
	bool same;

	if (namei(&img->ctx, NULL, path, 0, &nd) != 0)
		return (false);
	same = nd.vp == img->vp;
	vrele(nd.vp);
	return (same);
}

/* The path of a mark that names the program, to be freed; NULL: none. */
static char *
mark_path(struct exec_image *img)
{
	char *paths[RESIDENT_MARKS], *found = NULL;
	struct vkernel *k = img->k;
	struct resident_mark *m;
	unsigned n = 0;

	/* Copy the paths: namei() must not be called with the lock held. */
	kmutex_lock(&k->resident_lock);
	LIST_FOREACH (m, &k->marks, link)
		if (n < RESIDENT_MARKS && (paths[n] = strdup(m->path)) != NULL)
			n++;
	kmutex_unlock(&k->resident_lock);
	for (unsigned i = 0; i < n; i++) {
		if (found == NULL && mark_names(img, paths[i]))
			found = paths[i];
		else
			free(paths[i]);
	}
	return (found);
}

/*
 * End RM_MAKING.  ri: the image; NULL: none was made, because of the file
 * (refused: not tried again until the file changes) or for the moment.
 * Returns a ref of ri for the caller.
 */
static struct resident_image *
mark_made(struct exec_image *img, const char *path, struct resident_image *ri,
    bool refused)
{
	struct resident_id id = resident_id_of(img->vp);
	struct vkernel *k = img->k;
	struct resident_mark *m;

	kmutex_lock(&k->resident_lock);
	m = mark_find(k, path);
	KVERIFY(m != NULL && m->state == RM_MAKING);
	if (ri != NULL) {
		m->image = ri;
		m->state = RM_READY;
		atomic_fetch_add(&ri->refs, 1);
	} else if (refused) {
		m->state = RM_FAILED;
		m->failed = id;
	} else
		m->state = RM_COLD;
	kmutex_unlock(&k->resident_lock);
	return (ri);
}

/* *make: this exec must make the image. */
static struct resident_image *
mark_get(struct exec_image *img, const char *path, bool *make)
{
	struct resident_id id = resident_id_of(img->vp);
	struct vkernel *k = img->k;
	struct resident_image *ri = NULL;
	struct resident_mark *m;

	*make = false;
	kmutex_lock(&k->resident_lock);
	m = mark_find(k, path);
	if (m != NULL && m->state == RM_READY) {
		ri = m->image;
		atomic_fetch_add(&ri->refs, 1);
	} else if (m != NULL && (m->state == RM_COLD ||
				    (m->state == RM_FAILED &&
					!resident_same(&id, &m->failed)))) {
		m->state = RM_MAKING;
		*make = true;
	}
	kmutex_unlock(&k->resident_lock);
	return (ri);
}

/* The image is out of date. */
static void
mark_stale(struct vkernel *k, const char *path, struct resident_image *ri)
{
	struct resident_image *mine = NULL;
	struct resident_mark *m;

	kmutex_lock(&k->resident_lock);
	m = mark_find(k, path);
	if (m != NULL && m->image == ri)
		mine = mark_clear(m);
	kmutex_unlock(&k->resident_lock);
	if (mine != NULL)
		resident_free(mine);
}

static void
mark_count(struct vkernel *k, const char *path, bool warm)
{
	struct resident_mark *m;

	kmutex_lock(&k->resident_lock);
	m = mark_find(k, path);
	if (m != NULL && warm)
		m->warm++;
	else if (m != NULL)
		m->cold++;
	kmutex_unlock(&k->resident_lock);
}

static struct resident_image *
get_for(struct exec_image *img, const char *path)
{
	struct resident_image *ri = NULL;
	bool make;
	int error;

	if (env_refuses(&img->args))
		return (NULL);
	ri = mark_get(img, path, &make);
	if (make) {
		error = resident_make(img, &ri);
		ri = mark_made(
		    img, path, error == 0 ? ri : NULL, error == ENOEXEC);
	}
	if (ri == NULL)
		return (NULL);
	if (!files_same(img, ri)) {
		mark_stale(img->k, path, ri);
		resident_free(ri);
		/* The image kept the program's vnode in use, with pages that
		 * may be older than the file. */
		vn_revalidate(img->vp);
		return (NULL);
	}
	if (circumstances_same(img, ri))
		return (ri);
	resident_free(ri);
	return (NULL);
}

/* Is the process in the first name spaces?  An image has ids and the name of
 * the host as they are seen there. */
static bool
in_first_ns(const struct exec_image *img)
{
	bool first;

	kmutex_lock(&img->p->lock);
	first = img->p->ns == img->k->ns;
	kmutex_unlock(&img->p->lock);
	return (first);
}

struct resident_image *
resident_get(struct exec_image *img)
{
	struct resident_image *ri;
	char *path;

	/* An image has the environment's effect on the loader, which AT_SECURE
	 * changes. */
	if (img->p->trial != NULL || img->secure || !in_first_ns(img))
		return (NULL);
	path = mark_path(img);
	if (path == NULL)
		return (NULL);
	ri = get_for(img, path);
	mark_count(img->k, path, ri != NULL);
	free(path);
	return (ri);
}
