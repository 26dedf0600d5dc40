/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * tmpfs: against a model, by hand where a model does not reach, and from
 * several threads.
 */
#include "vfs_nodes_testlib.h"
#include "abi/stat.h"
#include "testrand.h"
#include "vfs/core/ctx.h"
#include "vfs/core/file.h"
#include "vfs/core/lookup.h"
#include "vfs/core/mode.h"
#include "vfs/core/mount.h"
#include "vfs/core/uio.h"
#include "vfs/core/vnode.h"

/* ---- tmpfs by hand ---- */

static void
test_tmpfs_attributes(void **state)
{
	struct fx *fx = *state;
	struct vattr va, was;
	struct vplace at;
	struct file *f;
	char buf[64];
	size_t len;
	struct nameidata nd;

	fx->ctx.umask = 022;
	fx->ctx.uid = fx->ctx.gid = 7;
	fx->ctx.caps = 0;
	assert_int_equal(vfs_mkdir(&fx->ctx, NULL, "/tmp/d", 02777), 0);
	assert_int_equal(xattr(fx, "/tmp/d", &va), 0);
	assert_int_equal(va.mode, LX_S_IFDIR | 0755);
	assert_int_equal(va.uid, 7);
	assert_int_equal(va.nlink, 2);
	f = xopen(fx, "/tmp/d/f", O_RDWR | O_CREAT | O_EXCL);
	assert_int_equal(eopen(fx, "/tmp/d/f", O_CREAT | O_EXCL), EEXIST);
	assert_int_equal(xwrite(fx, f, "hello", 5, 10000), 5);
	assert_int_equal(xattr(fx, "/tmp/d/f", &was), 0);
	assert_int_equal(was.mode, LX_S_IFREG | 0644);
	assert_int_equal(was.size, 10005);
	assert_int_equal(was.blocks, 8);
	va = (struct vattr){.mode = 04755, .uid = 9, .mtime = 5, .atime = 6};
	assert_int_equal(
	    vn_setattr(f->vp, &va, VA_MODE | VA_MTIME | VA_ATIME), 0);
	assert_int_equal(file_getattr(f, &va), 0);
	assert_int_equal(va.mode, LX_S_IFREG | 04755);
	assert_true(va.mtime == 5 && va.atime == 6 && va.ctime >= was.ctime);
	va.uid = 9;
	assert_int_equal(vn_setattr(f->vp, &va, VA_UID), 0);
	assert_int_equal(file_getattr(f, &va), 0);
	assert_int_equal(va.mode & VS_PERM, 0755);
	assert_int_equal(va.uid, 9);

	/* Sticky /tmp: neither the file's nor the directory's owner. */
	fx->ctx.uid = 0;
	put(fx, "/tmp/root", "x");
	fx->ctx.uid = 7;
	assert_int_equal(vfs_unlink(&fx->ctx, NULL, "/tmp/root", false), EPERM);
	assert_int_equal(xrename(fx, "/tmp/root", "/tmp/mine", 0), EPERM);
	fx->ctx.uid = 0;
	fx->ctx.caps = VFS_CAPS_ALL;

	/* Unlinked while open; hard links. */
	assert_int_equal(
	    vfs_link(&fx->ctx, NULL, "/tmp/d/f", NULL, "/tmp/l", false), 0);
	assert_int_equal(nlink_of(fx, "/tmp/l"), 2);
	assert_int_equal(
	    vfs_link(&fx->ctx, NULL, "/tmp/d", NULL, "/tmp/l2", false), EPERM);
	assert_int_equal(vfs_unlink(&fx->ctx, NULL, "/tmp/d/f", false), 0);
	assert_int_equal(vfs_unlink(&fx->ctx, NULL, "/tmp/l", false), 0);
	assert_int_equal(file_getattr(f, &va), 0);
	assert_int_equal(va.nlink, 0);
	assert_int_equal(xread(fx, f, buf, sizeof(buf), 9998), 7);
	assert_memory_equal(buf, "\0\0hello", 7);
	file_free(f);

	assert_int_equal(vfs_symlink(&fx->ctx, "root", NULL, "/tmp/sym"), 0);
	expect_text(fx, "/tmp/sym", "x");
	assert_int_equal(
	    namei(&fx->ctx, NULL, "/tmp/sym", NAMEI_NOFOLLOW, &nd), 0);
	assert_int_equal(
	    nd.vp->ops->readlink(nd.vp, NULL, buf, sizeof(buf), &len), 0);
	assert_int_equal(len, 4);
	vrele(nd.vp);

	/* No file can be created in a removed directory. */
	f = xopen(fx, "/tmp/d", O_RDONLY);
	at = (struct vplace){f->mnt, f->vp};
	assert_int_equal(vfs_unlink(&fx->ctx, NULL, "/tmp/d", true), 0);
	assert_int_equal(vfs_mkdir(&fx->ctx, &at, "sub", 0755), ENOENT);
	file_free(f);
}

static void
test_tmpfs_readdir(void **state)
{
	struct fx *fx = *state;
	struct names ns = {.stop = 20};
	char path[64];
	struct file *f;

	assert_int_equal(xmkdir(fx, "/tmp/d"), 0);
	for (int i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), "/tmp/d/n%d", i);
		put(fx, path, "");
	}
	f = xopen(fx, "/tmp/d", O_RDONLY);
	assert_int_equal(file_getdents(f, names_add, &ns), 0);
	assert_int_equal(ns.n, 20);
	/* Names that are removed and created between two calls do not affect
	 * the others. */
	for (int i = 0; i < 100; i += 3) {
		snprintf(path, sizeof(path), "/tmp/d/n%d", i);
		assert_int_equal(vfs_unlink(&fx->ctx, NULL, path, false), 0);
	}
	put(fx, "/tmp/d/late", "");
	ns.stop = 0;
	assert_int_equal(file_getdents(f, names_add, &ns), 0);
	for (int i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), "n%d", i);
		if (i % 3 != 0)
			assert_true(has(&ns, path));
		else if (i > 20)
			assert_false(has(&ns, path));
	}
	assert_true(has(&ns, "late") && has(&ns, ".") && has(&ns, ".."));
	assert_int_equal(ns.n, 2 + 100 + 1 - (34 - 6));
	file_free(f);
}

/* What a name refers to: nothing, a file, a link to the file of the other name,
 * an empty or a full directory. */
enum thing { NOTHING, FILE_, SAME, EMPTY, FULL, NTHINGS };

static void
make_thing(struct fx *fx, const char *path, enum thing t, const char *other)
{
	char sub[64];

	switch (t) {
	case NOTHING:
		break;
	case FILE_:
		put(fx, path, path);
		break;
	case SAME:
		assert_int_equal(
		    vfs_link(&fx->ctx, NULL, other, NULL, path, false), 0);
		break;
	default:
		assert_int_equal(xmkdir(fx, path), 0);
		snprintf(sub, sizeof(sub), "%s/sub", path);
		if (t == FULL)
			assert_int_equal(xmkdir(fx, sub), 0);
		break;
	}
}

static int
rename_expected(enum thing a, enum thing b, unsigned flags)
{
	if (a == NOTHING)
		return (ENOENT);
	if ((flags & NOREPLACE) != 0 && b != NOTHING)
		return (EEXIST);
	if ((flags & EXCHANGE) != 0)
		return (b == NOTHING ? ENOENT : 0);
	if (b == NOTHING || b == SAME)
		return (0);
	if (a == FILE_)
		return (b == FILE_ ? 0 : EISDIR);
	if (b == FILE_)
		return (ENOTDIR);
	return (b == FULL ? ENOTEMPTY : 0);
}

static void
rename_case(struct fx *fx, enum thing a, enum thing b, unsigned flags)
{
	struct vattr va, vb, na, nb;
	int want = rename_expected(a, b, flags);
	bool hadb = b != NOTHING;
	uint32_t links;

	assert_int_equal(xmkdir(fx, "/tmp/x"), 0);
	assert_int_equal(xmkdir(fx, "/tmp/y"), 0);
	make_thing(fx, "/tmp/x/a", a, NULL);
	make_thing(fx, "/tmp/y/b", b, "/tmp/x/a");
	if (a != NOTHING)
		assert_int_equal(xattr(fx, "/tmp/x/a", &va), 0);
	if (hadb)
		assert_int_equal(xattr(fx, "/tmp/y/b", &vb), 0);
	assert_int_equal(xrename(fx, "/tmp/x/a", "/tmp/y/b", flags), want);
	if (want != 0) {
		assert_int_equal(
		    xattr(fx, "/tmp/x/a", &na), a == NOTHING ? ENOENT : 0);
		assert_int_equal(xattr(fx, "/tmp/y/b", &nb), hadb ? 0 : ENOENT);
	} else {
		assert_int_equal(xattr(fx, "/tmp/y/b", &nb), 0);
		assert_int_equal(nb.ino, va.ino);
		if (b == SAME || (flags & EXCHANGE) != 0) {
			assert_int_equal(xattr(fx, "/tmp/x/a", &na), 0);
			assert_int_equal(na.ino, vb.ino);
		} else
			assert_int_equal(xattr(fx, "/tmp/x/a", &na), ENOENT);
		links = 2 + (nb.type == VDIR);
		assert_int_equal(nlink_of(fx, "/tmp/y"), links);
		if (nb.type == VDIR)
			assert_int_equal(nb.nlink, va.nlink);
	}
	(void)vfs_unlink(&fx->ctx, NULL, "/tmp/x/a/sub", true);
	(void)vfs_unlink(&fx->ctx, NULL, "/tmp/y/b/sub", true);
	for (int i = 0; i < 2; i++) {
		(void)vfs_unlink(&fx->ctx, NULL, "/tmp/x/a", i);
		(void)vfs_unlink(&fx->ctx, NULL, "/tmp/y/b", i);
	}
	assert_int_equal(vfs_unlink(&fx->ctx, NULL, "/tmp/x", true), 0);
	assert_int_equal(vfs_unlink(&fx->ctx, NULL, "/tmp/y", true), 0);
}

static void
test_tmpfs_rename_matrix(void **state)
{
	static const unsigned flags[] = {0, NOREPLACE, EXCHANGE};
	struct fx *fx = *state;
	struct file *f;
	char path[256];

	for (int k = 0; k < 3; k++)
		for (enum thing a = NOTHING; a < NTHINGS; a++)
			for (enum thing b = NOTHING; b < NTHINGS; b++)
				if (a != SAME && (b != SAME || a == FILE_))
					rename_case(fx, a, b, flags[k]);

	/* Loops, the directory itself, the same parent, bad flags. */
	assert_int_equal(xmkdir(fx, "/tmp/d"), 0);
	assert_int_equal(xmkdir(fx, "/tmp/d/e"), 0);
	assert_int_equal(xmkdir(fx, "/tmp/d/e/f"), 0);
	assert_int_equal(xrename(fx, "/tmp/d", "/tmp/d/e/g", 0), EINVAL);
	assert_int_equal(xrename(fx, "/tmp/d", "/tmp/d/e", 0), EINVAL);
	assert_int_equal(xrename(fx, "/tmp/d/e", "/tmp/d", 0), ENOTEMPTY);
	assert_int_equal(xrename(fx, "/tmp/d/e", "/tmp/d", EXCHANGE), EINVAL);
	assert_int_equal(xrename(fx, "/tmp/d", "/tmp/d/e", EXCHANGE), EINVAL);
	assert_int_equal(xrename(fx, "/tmp/d", "/tmp/d", 0), 0);
	assert_int_equal(xrename(fx, "/tmp/d", "/x", 0), EXDEV);
	assert_int_equal(xrename(fx, "/tmp/d", "/tmp/z", 3), EINVAL);
	f = xopen(fx, "/tmp/d/e", O_RDONLY);
	assert_int_equal(xrename(fx, "/tmp/d/e", "/tmp/moved", 0), 0);
	assert_int_equal(vnode_path(f->vp, NULL, path, sizeof(path)), 0);
	assert_string_equal(path, "/tmp/moved");
	assert_int_equal(nlink_of(fx, "/tmp/d"), 2);
	assert_int_equal(nlink_of(fx, "/tmp/moved"), 3);
	file_free(f);
}

/* ---- tmpfs contents ---- */

static void
test_tmpfs_mapping(void **state)
{
	struct fx *fx = *state;
	struct file *f = xopen(fx, "/tmp/m", O_RDWR | O_CREAT);
	struct vm_object *o;
	struct vmspace *vm;
	vm_offset_t sh = 0x10000000, pr = 0x20000000;
	char buf[64];

	assert_int_equal(trunc_to(f, 3 * PG), 0);
	assert_int_equal(vnode_object(f->vp, &o), 0);
	assert_int_equal(vmspace_alloc(&fx->sys, &vm), 0);
	assert_int_equal(
	    vm_mmap(vm, &sh, 4 * PG, 3, 7, VMM_FIXED | VMM_SHARED, o, 0), 0);
	assert_int_equal(vm_mmap(vm, &pr, 4 * PG, 3, 7, VMM_FIXED, o, 0), 0);
	/* Mapping and read/write share the pages, in both directions. */
	assert_int_equal(xwrite(fx, f, "file", 4, 100), 4);
	assert_int_equal(copyin(vm, buf, sh + 100, 4), 0);
	assert_memory_equal(buf, "file", 4);
	assert_int_equal(copyout(vm, "mmap", sh + PG, 4), 0);
	assert_int_equal(xread(fx, f, buf, 4, (int64_t)PG), 4);
	assert_memory_equal(buf, "mmap", 4);
	assert_int_equal(copyin(vm, buf, pr + PG, 4), 0);
	assert_memory_equal(buf, "mmap", 4);
	/* Private stores stay private. */
	assert_int_equal(copyout(vm, "priv", pr + 100, 4), 0);
	assert_int_equal(xread(fx, f, buf, 4, 100), 4);
	assert_memory_equal(buf, "file", 4);
	/* Beyond the end; then the file grows into it. */
	assert_int_equal(copyout(vm, "x", sh + 3 * PG, 1), EFAULT);
	assert_int_equal(xwrite(fx, f, "end", 3, 3 * (int64_t)PG), 3);
	assert_int_equal(copyout(vm, "x", sh + 3 * PG + 10, 1), 0);
	/* What was stored behind the end is not in the file that grows. */
	assert_int_equal(trunc_to(f, 4 * PG), 0);
	assert_int_equal(xread(fx, f, buf, 20, 3 * (int64_t)PG), 20);
	assert_memory_equal(buf, "end\0\0\0\0\0\0\0\0", 11);
	/* Truncation takes the pages away from the mapping too. */
	assert_int_equal(trunc_to(f, 102), 0);
	assert_int_equal(copyin(vm, buf, sh + PG, 4), EFAULT);
	assert_int_equal(copyin(vm, buf, sh + 100, 4), 0);
	assert_memory_equal(buf, "fi\0\0", 4);
	assert_int_equal(trunc_to(f, 2 * PG), 0);
	assert_int_equal(xread(fx, f, buf, 4, (int64_t)PG), 4);
	assert_memory_equal(buf, "\0\0\0\0", 4);
	/* The mapping outlives the file. */
	file_free(f);
	assert_int_equal(vfs_unlink(&fx->ctx, NULL, "/tmp/m", false), 0);
	assert_int_equal(copyin(vm, buf, sh + 100, 2), 0);
	assert_memory_equal(buf, "fi", 2);
	assert_int_equal(vm_check_vmspace(vm), 0);
	vmspace_free(vm);
}

static void
test_tmpfs_full(void **state)
{
	struct fx *fx = *state;
	struct vfs_statfs sf;
	struct file *f = xopen(fx, "/tmp/big", O_RDWR | O_CREAT);
	struct vattr va;
	char *buf = malloc(TMP_LIMIT);
	char path[32];
	int i;

	memset(buf, 'b', TMP_LIMIT);
	assert_int_equal(trunc_to(f, (uint64_t)1 << 40), 0); /* sparse */
	assert_int_equal(trunc_to(f, 0), 0);
	assert_int_equal(xwrite(fx, f, buf, TMP_LIMIT - PG, 0), TMP_LIMIT - PG);
	/* One page is left: a partial write, then none. */
	assert_int_equal(xwrite(fx, f, buf, 3 * PG, TMP_LIMIT - PG), PG);
	assert_int_equal(xwrite(fx, f, buf, 1, TMP_LIMIT), -ENOSPC);
	assert_int_equal(file_getattr(f, &va), 0);
	assert_int_equal(va.size, TMP_LIMIT);
	assert_int_equal(f->vp->ops->statfs(f->vp, &sf), 0);
	assert_int_equal(sf.bfree, 0);
	assert_int_equal(sf.blocks, TMP_LIMIT / PG);
	/* Names count against a limit, too; removal frees both. */
	for (i = 0;; i++) {
		snprintf(path, sizeof(path), "/tmp/%d", i);
		if (xmkdir(fx, path) != 0)
			break;
		assert_true(i < 2000);
	}
	assert_int_equal(xmkdir(fx, path), ENOSPC);
	while (i-- > 0) {
		snprintf(path, sizeof(path), "/tmp/%d", i);
		assert_int_equal(vfs_unlink(&fx->ctx, NULL, path, true), 0);
	}
	assert_int_equal(trunc_to(f, PG), 0);
	assert_int_equal(xwrite(fx, f, buf, 10, TMP_LIMIT), 10);
	assert_int_equal(f->vp->ops->statfs(f->vp, &sf), 0);
	assert_int_equal(sf.bfree, sf.blocks - 2);
	file_free(f);
	/* The limit of the other mount is all of memory, so that frames run out
	 * first. */
	f = xopen(fx, "/huge", O_RDWR | O_CREAT);
	for (i = 0; (i = xwrite(fx, f, buf, TMP_LIMIT, -1)) > 0;)
		;
	assert_int_equal(i, -ENOSPC);
	assert_int_equal(atomic_load(&fx->sys.phys->nfree), fx->sys.reserve);
	assert_int_equal(trunc_to(f, 0), 0);
	file_free(f);
	free(buf);
}

/* ---- tmpfs against a model ---- */

#define M_NAMES 4
#define M_MAX 64
#define M_SIZE 20000

struct mnode {
	enum vtype type;
	unsigned nlink;
	size_t size;
	char *data;
	struct mnode *kid[M_NAMES]; /* directories */
};

struct model {
	struct fx *fx;
	struct mnode *root;
	uint64_t seed;
	unsigned live;
};

static unsigned
rnd(struct model *m, unsigned n)
{
	return ((unsigned)rnd_below(&m->seed, n));
}

static struct mnode *
m_new(struct model *m, enum vtype type)
{
	struct mnode *n = calloc(1, sizeof(*n));

	n->type = type;
	if (type == VREG)
		n->data = calloc(1, M_SIZE);
	m->live++;
	return (n);
}

/* One name less. */
static void
m_drop(struct model *m, struct mnode *n)
{
	if (n == NULL || (n->type != VDIR && --n->nlink > 0))
		return;
	free(n->data);
	free(n);
	m->live--;
}

static bool
m_empty(const struct mnode *n)
{
	for (int i = 0; i < M_NAMES; i++)
		if (n->kid[i] != NULL)
			return (false);
	return (true);
}

struct mpath {
	char text[64];
	struct mnode *dir; /* NULL: error */
	struct mnode *up[4];
	int error;
	int name;
};

/* A random path of up to 3 components and what the model says about it. */
static struct mnode **
m_path(struct model *m, struct mpath *p)
{
	unsigned depth = rnd(m, 3);
	struct mnode *at = m->root;

	memset(p, 0, sizeof(*p));
	strcpy(p->text, "/tmp");
	for (unsigned i = 0; i <= depth; i++) {
		p->name = (int)rnd(m, M_NAMES);
		sprintf(p->text + strlen(p->text), "/%c", 'a' + p->name);
		if (i == depth)
			break;
		p->up[i] = at;
		if (p->error == 0) {
			at = at->kid[p->name];
			if (at == NULL || at->type == VLNK)
				p->error = ENOENT;
			else if (at->type != VDIR)
				p->error = ENOTDIR;
		}
	}
	if (p->error != 0)
		return (NULL);
	p->dir = at;
	p->up[depth] = at;
	return (&at->kid[p->name]);
}

static void
m_make(struct model *m)
{
	struct fx *fx = m->fx;
	struct mpath p;
	struct mnode **at = m_path(m, &p);
	unsigned how = rnd(m, 3);
	int want = at == NULL ? p.error : *at != NULL ? EEXIST : 0;
	int got;

	if (how == 0)
		got = xmkdir(fx, p.text);
	else if (how == 1)
		got = eopen(fx, p.text, O_CREAT | O_EXCL | O_RDWR);
	else
		got = vfs_symlink(&fx->ctx, "nowhere", NULL, p.text);
	assert_int_equal(got, want);
	if (got == 0) {
		*at = m_new(m, how == 0 ? VDIR : how == 1 ? VREG : VLNK);
		(*at)->nlink = 1;
	}
}

static void
m_remove(struct model *m)
{
	struct mpath p;
	struct mnode **at = m_path(m, &p);
	bool dir = rnd(m, 2);
	int want = at == NULL ? p.error : *at == NULL ? ENOENT : 0;

	if (want == 0 && dir)
		want = (*at)->type != VDIR ? ENOTDIR
		       : m_empty(*at)      ? 0
					   : ENOTEMPTY;
	else if (want == 0)
		want = (*at)->type == VDIR ? EISDIR : 0;
	assert_int_equal(vfs_unlink(&m->fx->ctx, NULL, p.text, dir), want);
	if (want == 0) {
		m_drop(m, *at);
		*at = NULL;
	}
}

static void
m_link(struct model *m)
{
	struct mpath p, q;
	struct mnode **from = m_path(m, &p), **to = m_path(m, &q);
	int want = from == NULL ? p.error : *from == NULL ? ENOENT : 0;

	if (want == 0)
		want = to == NULL ? q.error : *to != NULL ? EEXIST : 0;
	if (want == 0 && (*from)->type == VDIR)
		want = EPERM;
	assert_int_equal(
	    vfs_link(&m->fx->ctx, NULL, p.text, NULL, q.text, false), want);
	if (want == 0) {
		*to = *from;
		(*to)->nlink++;
	}
}

static bool
m_below(const struct mpath *p, const struct mnode *top)
{
	for (int i = 0; i < 4; i++)
		if (p->up[i] == top)
			return (true);
	return (false);
}

static void
m_rename(struct model *m)
{
	static const unsigned kinds[] = {0, 0, NOREPLACE, EXCHANGE};
	struct mpath p, q;
	struct mnode **from = m_path(m, &p), **to = m_path(m, &q), *t;
	unsigned flags = kinds[rnd(m, 4)];
	int got = xrename(m->fx, p.text, q.text, flags);
	int want = 0;

	if (from == NULL || to == NULL) {
		assert_int_equal(got, from == NULL ? p.error : q.error);
		return;
	}
	if (*from == NULL)
		want = ENOENT;
	else if (flags == NOREPLACE && *to != NULL)
		want = EEXIST;
	else if (flags == EXCHANGE && *to == NULL)
		want = ENOENT;
	else if ((*from)->type == VDIR && m_below(&q, *from))
		want = EINVAL;
	else if (*to != NULL && (*to)->type == VDIR && m_below(&p, *to))
		want = flags == EXCHANGE ? EINVAL : ENOTEMPTY;
	else if (*to != NULL && *to != *from && flags != EXCHANGE) {
		if (((*from)->type == VDIR) != ((*to)->type == VDIR))
			want = (*from)->type == VDIR ? ENOTDIR : EISDIR;
		else if ((*to)->type == VDIR && !m_empty(*to))
			want = ENOTEMPTY;
	}
	assert_int_equal(got, want);
	if (want != 0 || *to == *from)
		return;
	t = *to;
	*to = *from;
	*from = flags == EXCHANGE ? t : NULL;
	if (flags != EXCHANGE)
		m_drop(m, t);
}

static void
m_io(struct model *m)
{
	static char buf[M_SIZE], back[M_SIZE];
	struct fx *fx = m->fx;
	struct mpath p;
	struct mnode **at = m_path(m, &p), *n;
	size_t off = rnd(m, M_SIZE), len = rnd(m, M_SIZE - (unsigned)off);
	struct file *f;

	if (at == NULL || *at == NULL || (*at)->type != VREG)
		return;
	n = *at;
	f = xopen(fx, p.text, O_RDWR);
	switch (rnd(m, 4)) {
	case 0:
		assert_int_equal(trunc_to(f, off), 0);
		if (off < n->size)
			memset(n->data + off, 0, n->size - off);
		n->size = off;
		break;
	case 1:
		len %= 64;
		/* fall through */
	case 2:
		memset(buf, (int)(1 + rnd(m, 255)), len);
		assert_int_equal(xwrite(fx, f, buf, len, (int64_t)off), len);
		memcpy(n->data + off, buf, len);
		if (len > 0 && off + len > n->size)
			n->size = off + len;
		break;
	default:
		break;
	}
	assert_int_equal(xread(fx, f, back, M_SIZE, 0), n->size);
	assert_memory_equal(back, n->data, n->size);
	file_free(f);
}

static void
m_check(struct model *m, const char *path, const struct mnode *n)
{
	struct names ns;
	struct vattr va;
	char sub[1024], name[2] = "";
	unsigned dirs = 0, count = 2;

	listing(m->fx, path, &ns);
	for (int i = 0; i < M_NAMES; i++) {
		name[0] = (char)('a' + i);
		assert_int_equal(has(&ns, name), n->kid[i] != NULL);
		if (n->kid[i] == NULL)
			continue;
		count++;
		snprintf(sub, sizeof(sub), "%s/%s", path, name);
		assert_int_equal(xattr(m->fx, sub, &va), 0);
		assert_int_equal(va.type, n->kid[i]->type);
		if (n->kid[i]->type == VDIR) {
			dirs++;
			m_check(m, sub, n->kid[i]);
		} else
			assert_int_equal(va.nlink, n->kid[i]->nlink);
		if (n->kid[i]->type == VREG)
			assert_int_equal(va.size, n->kid[i]->size);
	}
	assert_int_equal(ns.n, count);
	assert_int_equal(nlink_of(m->fx, path), 2 + dirs);
}

/* Remove all files and directories by vfs calls. */
static void
m_empty_dir(struct model *m, const char *path, struct mnode *n)
{
	char sub[1024];
	bool dir;

	for (int i = 0; i < M_NAMES; i++) {
		if (n->kid[i] == NULL)
			continue;
		snprintf(sub, sizeof(sub), "%s/%c", path, 'a' + i);
		dir = n->kid[i]->type == VDIR;
		if (dir)
			m_empty_dir(m, sub, n->kid[i]);
		assert_int_equal(vfs_unlink(&m->fx->ctx, NULL, sub, dir), 0);
		m_drop(m, n->kid[i]);
		n->kid[i] = NULL;
	}
}

static void
m_free(struct model *m, struct mnode *n)
{
	for (int i = 0; i < M_NAMES; i++)
		if (n->kid[i] != NULL)
			m_free(m, n->kid[i]);
	m_drop(m, n);
}

static void
test_tmpfs_model(void **state)
{
	for (uint64_t seed = 1; seed <= 8; seed++) {
		struct model m = {.fx = *state, .seed = seed * 0x9e3779b9u};

		m.root = m_new(&m, VDIR);
		for (int i = 0; i < 3000; i++) {
			switch (rnd(&m, 8)) {
			case 0:
			case 1:
				m_make(&m);
				break;
			case 2:
				m_remove(&m);
				break;
			case 3:
				m_link(&m);
				break;
			case 4:
				m_rename(&m);
				break;
			default:
				m_io(&m);
				break;
			}
			if (i % 200 == 0)
				m_check(&m, "/tmp", m.root);
		}
		m_check(&m, "/tmp", m.root);
		m_empty_dir(&m, "/tmp", m.root);
		m_check(&m, "/tmp", m.root);
		for (int i = 0; i < M_NAMES; i++)
			assert_null(m.root->kid[i]);
		m_free(&m, m.root);
		assert_int_equal(m.live, 0);
	}
}

/* ---- tmpfs from several threads ---- */

#define T_ROUNDS 400

struct tstress {
	struct fx *fx;
	unsigned id;
	_Atomic(unsigned) *failed;
};

static void
stress_thread(void *arg)
{
	struct tstress *t = arg;
	struct vfs_ctx ctx = t->fx->ctx;
	struct file *f;
	struct host_iovec iov;
	struct uio uio;
	struct vattr va;
	char rec[100], name[32], other[32];

	memset(rec, 'A' + (int)t->id, sizeof(rec));
	for (unsigned i = 0; i < T_ROUNDS; i++) {
		if (vfs_open(&ctx, NULL, "/tmp/log",
			O_CREAT | O_WRONLY | O_APPEND, 0666, &f) != 0) {
			atomic_fetch_add(t->failed, 1);
			return;
		}
		uio_init1(&uio, &iov, rec, sizeof(rec), 0, true);
		if (file_write(f, &uio, &ctx.waiter, false) != 0 ||
		    uio.resid != 0)
			atomic_fetch_add(t->failed, 1);
		file_free(f);
		snprintf(name, sizeof(name), "/tmp/r%u", i % 3);
		snprintf(other, sizeof(other), "/tmp/r%u", (i + t->id) % 3);
		if (vfs_open(&ctx, NULL, name, O_CREAT | O_RDWR, 0666, &f) ==
		    0) {
			uio_init1(&uio, &iov, rec, 50, i % 9000, true);
			(void)file_write(f, &uio, &ctx.waiter, true);
			va.size = i % 5000;
			(void)vn_setattr(f->vp, &va, VA_SIZE);
			uio_init1(&uio, &iov, rec, 50, i % 9000, false);
			(void)file_read(f, &uio, &ctx.waiter, true);
			file_free(f);
			memset(rec, 'A' + (int)t->id, sizeof(rec));
		}
		(void)vfs_rename(&ctx, NULL, name, NULL, other, 0);
		(void)vfs_unlink(&ctx, NULL, other, false);
		(void)vfs_mkdir(&ctx, NULL, "/tmp/dir", 0777);
		(void)vfs_unlink(&ctx, NULL, "/tmp/dir", true);
	}
}

static void
test_tmpfs_threads(void **state)
{
	struct fx *fx = *state;
	struct host_thread *th[4];
	struct tstress t[4];
	_Atomic(unsigned) failed = 0;
	unsigned seen[4] = {0};
	char rec[100];
	struct file *f;

	for (unsigned i = 0; i < 4; i++) {
		t[i] = (struct tstress){fx, i, &failed};
		assert_int_equal(
		    host_thread_create(&th[i], "stress", stress_thread, &t[i]),
		    0);
	}
	for (unsigned i = 0; i < 4; i++)
		host_thread_join(th[i]);
	assert_int_equal(failed, 0);
	f = xopen(fx, "/tmp/log", O_RDONLY);
	while (xread(fx, f, rec, sizeof(rec), -1) == sizeof(rec)) {
		for (size_t i = 1; i < sizeof(rec); i++)
			assert_int_equal(rec[i], rec[0]);
		seen[rec[0] - 'A']++;
	}
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(seen[i], T_ROUNDS);
	file_free(f);
}

/* Stores through a mapping against truncation and writes. */
#define MAP_PAGES 8
#define MAP_ROUNDS 3000

struct mapper {
	struct vmspace *vm;
	vm_offset_t va;
	unsigned odd; /* copies that gave neither 0 nor EFAULT */
};

static void
mapper_thread(void *arg)
{
	struct mapper *t = arg;
	char c = 'm';

	for (unsigned i = 0; i < MAP_ROUNDS; i++) {
		vm_offset_t va = t->va + i * 997 % (MAP_PAGES * PG);
		int error = i % 2 == 0 ? copyout(t->vm, &c, va, 1)
				       : copyin(t->vm, &c, va, 1);

		if (error != 0 && error != EFAULT)
			t->odd++;
		c = 'm';
	}
}

static void
test_tmpfs_mapped_threads(void **state)
{
	struct fx *fx = *state;
	struct file *f = xopen(fx, "/tmp/m", O_RDWR | O_CREAT);
	struct mapper t = {.va = 0x10000000};
	struct host_thread *th[2];
	struct vm_object *o;
	char buf[3 * PG];

	assert_int_equal(trunc_to(f, MAP_PAGES * PG), 0);
	assert_int_equal(vnode_object(f->vp, &o), 0);
	assert_int_equal(vmspace_alloc(&fx->sys, &t.vm), 0);
	assert_int_equal(vm_mmap(t.vm, &t.va, MAP_PAGES * PG, 3, 7,
			     VMM_FIXED | VMM_SHARED, o, 0),
	    0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(
		    host_thread_create(&th[i], "mapper", mapper_thread, &t), 0);
	for (unsigned i = 0; i < MAP_ROUNDS; i++) {
		uint64_t end = i * 1237 % (MAP_PAGES * PG);
		int n;

		memset(buf, 'w', sizeof(buf));
		assert_int_equal(trunc_to(f, end), 0);
		assert_true(xwrite(fx, f, buf, i * 7 % sizeof(buf),
				(int64_t)(end + i % 500)) >= 0);
		n = xread(fx, f, buf, sizeof(buf), (int64_t)end);
		assert_true(n >= 0);
		/* Zeroes of the hole, bytes of this thread, or a mapped store.
		 */
		for (int k = 0; k < n; k++)
			assert_true(
			    buf[k] == 0 || buf[k] == 'w' || buf[k] == 'm');
	}
	for (int i = 0; i < 2; i++)
		host_thread_join(th[i]);
	assert_int_equal(t.odd, 0);
	assert_int_equal(vm_check_vmspace(t.vm), 0);
	vmspace_free(t.vm);
	file_free(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_tmpfs_attributes),
	    T(test_tmpfs_readdir),
	    T(test_tmpfs_rename_matrix),
	    T(test_tmpfs_mapping),
	    T(test_tmpfs_full),
	    T(test_tmpfs_model),
	    T(test_tmpfs_threads),
	    T(test_tmpfs_mapped_threads),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
