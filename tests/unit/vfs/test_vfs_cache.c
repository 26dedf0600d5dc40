/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Contents of host files through the vfs: pages that mappings and read/write
 * share, appends, deleted and inactive files, many threads, a fifo; and that
 * nothing is left at the end.
 */
#include "vfs_testlib.h"
#include "abi/stat.h"
#include "testrand.h"
#include "vfs/core/file.h"
#include "vfs/core/fs.h"
#include "vfs/core/lookup.h"
#include "vfs/core/mount.h"
#include "vfs/core/vnode.h"
#include "vfs/core/vnode_io.h"
#include "vm/pager/vnode_pager.h"
#include "vm/pageout/vm_pageout.h"

/* ---- one cache ---- */

static struct vmspace *
map_file(struct env *e, struct file *f, uint64_t len, bool shared)
{
	struct vm_object *obj;
	struct vmspace *vm;
	vm_offset_t va = BASE;

	assert_int_equal(vmspace_alloc(&e->sys, &vm), 0);
	assert_int_equal(vnode_object(f->vp, &obj), 0);
	assert_int_equal(
	    vm_mmap(vm, &va, len, VM_PROT_READ | VM_PROT_WRITE, VM_PROT_ALL,
		VMM_FIXED | (shared ? VMM_SHARED : 0), obj, 0),
	    0);
	return (vm);
}

static void
test_read_write_and_mmap_share_pages(void **state)
{
	static char big[3 * 4096 + 100], got[sizeof(big)];
	struct vattr va = {0};
	struct vmspace *vm, *priv;
	struct file *f;
	struct env e;

	env_init(&e, false);
	memset(big, 'a', sizeof(big));
	hwrite(&e, "f", big, sizeof(big));
	f = xopen(&e, "f", O_RDWR);
	vm = map_file(&e, f, 8 * 4096, true);
	priv = map_file(&e, f, 8 * 4096, false);
	assert_int_equal(copyin(vm, got, BASE, sizeof(big)), 0);
	assert_memory_equal(got, big, sizeof(big));
	/* A store is seen by read, a write by both mappings. */
	assert_int_equal(copyout(vm, "MAP", BASE + 4090, 3), 0);
	assert_int_equal(xread(&e, f, got, 5, 4089), 5);
	assert_memory_equal(got, "aMAPa", 5);
	xwrite(&e, f, "WRITE", 5, 4094);
	assert_int_equal(copyin(vm, got, BASE + 4089, 12), 0);
	assert_memory_equal(got, "aMAPaWRITEaa", 12);
	assert_int_equal(copyin(priv, got, BASE + 4089, 12), 0);
	assert_memory_equal(got, "aMAPaWRITEaa", 12);
	/* Other mappings do not see a private store. */
	assert_int_equal(copyout(priv, "mine", BASE, 4), 0);
	assert_int_equal(xread(&e, f, got, 4, 0), 4);
	assert_memory_equal(got, "aaaa", 4);
	/* Growth by write, seen through the mapping. */
	assert_int_equal(copyin(vm, got, BASE + 4 * 4096, 1), EFAULT);
	xwrite(&e, f, "end", 3, 5 * 4096);
	assert_int_equal(copyin(vm, got, BASE + 5 * 4096, 4), 0);
	assert_memory_equal(got, "end\0", 4);
	/* Write-back. */
	assert_int_equal(vn_fsync(f->vp), 0);
	assert_int_equal(hread(&e, "f", got, sizeof(got)), sizeof(got));
	assert_memory_equal(got + 4089, "aMAPaWRITEaa", 12);
	/* Truncated pages are removed, and are zero when the file grows again.
	 */
	assert_int_equal(copyout(vm, "xx", BASE + 2 * 4096 + 50, 2), 0);
	va.size = 2 * 4096 + 10;
	assert_int_equal(vn_setattr(f->vp, &va, VA_SIZE), 0);
	assert_int_equal(copyin(vm, got, BASE + 3 * 4096, 1), EFAULT);
	va.size = 4 * 4096;
	assert_int_equal(vn_setattr(f->vp, &va, VA_SIZE), 0);
	assert_int_equal(copyin(vm, got, BASE + 2 * 4096, 100), 0);
	assert_memory_equal(got, "aaaaaaaaaa\0\0\0", 13);
	assert_int_equal(got[50], 0);
	assert_int_equal(vn_getattr(f->vp, &va), 0);
	assert_int_equal(va.size, 4 * 4096);
	vmspace_free(priv);
	vmspace_free(vm);
	file_free(f);
	env_fini(&e);
}

/* Stores, writes and write-backs of one page at once; none may be lost. */
struct cacher {
	struct env *e;
	struct file *f;
	struct vmspace *vm;
	_Atomic(bool) stop;
	_Atomic(int) bad;
};

#define ROUNDS 3000

static void *
cache_store(void *arg)
{
	struct cacher *c = arg;
	uint32_t got;
	size_t done;

	for (uint32_t i = 1; i <= ROUNDS; i++) {
		if (copyout(c->vm, &i, BASE + 64, sizeof(i)) != 0 ||
		    fread_(c->e, c->f, &got, sizeof(got), 64, &done) != 0 ||
		    got != i)
			atomic_fetch_add(&c->bad, 1);
	}
	return (NULL);
}

static void *
cache_write(void *arg)
{
	struct cacher *c = arg;
	uint32_t got;
	size_t done;

	for (uint32_t i = 1; i <= ROUNDS; i++) {
		if (fwrite_(c->e, c->f, &i, sizeof(i), 128, &done) != 0 ||
		    copyin(c->vm, &got, BASE + 128, sizeof(got)) != 0 ||
		    got != i ||
		    fread_(c->e, c->f, &got, sizeof(got), 128, &done) != 0 ||
		    got != i)
			atomic_fetch_add(&c->bad, 1);
	}
	return (NULL);
}

static void *
cache_sync(void *arg)
{
	struct cacher *c = arg;
	struct vm_object *obj;

	if (vnode_object(c->f->vp, &obj) != 0)
		return (NULL);
	while (!atomic_load(&c->stop)) {
		if (vnode_pager_sync(obj, 0, 0) != 0)
			atomic_fetch_add(&c->bad, 1);
		(void)vm_pageout_reclaim(&c->e->sys, 4);
	}
	return (NULL);
}

static void
test_stores_and_writes_race(void **state)
{
	struct cacher c = {0};
	pthread_t pt[3];
	struct env e;
	uint32_t got[2];
	char page[4096];

	env_init(&e, false);
	memset(page, 0, sizeof(page));
	hwrite(&e, "f", page, sizeof(page));
	c.e = &e;
	c.f = xopen(&e, "f", O_RDWR);
	c.vm = map_file(&e, c.f, 4096, true);
	assert_int_equal(pthread_create(&pt[0], NULL, cache_store, &c), 0);
	assert_int_equal(pthread_create(&pt[1], NULL, cache_write, &c), 0);
	assert_int_equal(pthread_create(&pt[2], NULL, cache_sync, &c), 0);
	assert_int_equal(pthread_join(pt[0], NULL), 0);
	assert_int_equal(pthread_join(pt[1], NULL), 0);
	atomic_store(&c.stop, true);
	assert_int_equal(pthread_join(pt[2], NULL), 0);
	assert_int_equal(atomic_load(&c.bad), 0);
	vmspace_free(c.vm);
	file_free(c.f);
	assert_int_equal(hread(&e, "f", page, sizeof(page)), sizeof(page));
	memcpy(&got[0], page + 64, 4);
	memcpy(&got[1], page + 128, 4);
	assert_int_equal(got[0], ROUNDS);
	assert_int_equal(got[1], ROUNDS);
	env_fini(&e);
}

/*
 * The two races of read and write with a write-back, made to happen: the
 * write-back of the whole object runs right behind the host's transfer.
 */
static const struct vops *hook_ops;
static _Atomic(int) hook_left;

static void
hook_sync(struct vnode *vp)
{
	if (atomic_fetch_sub(&hook_left, 1) > 0)
		assert_int_equal(
		    vnode_pager_sync(vnode_object_peek(vp), 0, 0), 0);
}

static int
hook_read(struct vnode *vp, struct uio *uio, int flags)
{
	int error = hook_ops->read(vp, uio, flags);

	if (flags != 0) /* not the pager's */
		hook_sync(vp);
	return (error);
}

static int
hook_write(struct vnode *vp, struct uio *uio, int flags)
{
	int error = hook_ops->write(vp, uio, flags);

	if (flags != 0)
		hook_sync(vp);
	return (error);
}

static void
test_read_and_write_during_writeback(void **state)
{
	struct vmspace *vm;
	struct vops ops;
	struct file *f;
	struct env e;
	char buf[8];

	env_init(&e, false);
	hwrite(&e, "f", "aaaaaaaa", 8);
	f = xopen(&e, "f", O_RDWR);
	vm = map_file(&e, f, 4096, true);
	hook_ops = f->vp->ops;
	ops = *hook_ops;
	ops.read = hook_read;
	ops.write = hook_write;
	f->vp->ops = &ops;
	/* The read gets the old bytes, then the page is no longer dirty. */
	assert_int_equal(copyout(vm, "S", BASE, 1), 0);
	atomic_store(&hook_left, 1);
	assert_int_equal(xread(&e, f, buf, 8, 0), 8);
	assert_memory_equal(buf, "Saaaaaaa", 8);
	/* The write-back puts the page's old bytes over what was written. */
	assert_int_equal(copyout(vm, "T", BASE, 1), 0);
	atomic_store(&hook_left, 1);
	xwrite(&e, f, "W", 1, 4);
	assert_int_equal(hread(&e, "f", buf, 8), 8);
	assert_memory_equal(buf, "TaaaWaaa", 8);
	assert_int_equal(copyin(vm, buf, BASE, 8), 0);
	assert_memory_equal(buf, "TaaaWaaa", 8);
	f->vp->ops = hook_ops;
	vmspace_free(vm);
	file_free(f);
	env_fini(&e);
}

/*
 * Write-backs of other pages end during each read of the host: the read must
 * not begin again because of them.
 */
static struct vmspace *far_vm;
static unsigned far_reads;

static int
far_read(struct vnode *vp, struct uio *uio, int flags)
{
	int error = hook_ops->read(vp, uio, flags);

	/* A read of the pager (flags 0), or a read(2) that starves. */
	if (flags == 0 || ++far_reads > 16)
		return (error);
	assert_int_equal(copyout(far_vm, "F", BASE + 8192, 1), 0);
	assert_int_equal(vnode_pager_sync(vnode_object_peek(vp), 0, 0), 0);
	return (error);
}

static void
test_read_during_other_writebacks(void **state)
{
	struct vops ops;
	struct file *f;
	struct env e;
	char buf[12288];

	env_init(&e, false);
	memset(buf, 'a', sizeof(buf));
	hwrite(&e, "f", buf, sizeof(buf));
	f = xopen(&e, "f", O_RDWR);
	far_vm = map_file(&e, f, 12288, true);
	far_reads = 0;
	hook_ops = f->vp->ops;
	ops = *hook_ops;
	ops.read = far_read;
	f->vp->ops = &ops;
	assert_int_equal(xread(&e, f, buf, 8, 0), 8);
	assert_memory_equal(buf, "aaaaaaaa", 8);
	assert_in_range(far_reads, 1, 2);
	f->vp->ops = hook_ops;
	vmspace_free(far_vm);
	file_free(f);
	env_fini(&e);
}

/* Appends do not overlap, and neither do writes at a shared offset. */
static void *
append_run(void *arg)
{
	struct cacher *c = arg;
	char rec[16] = "0123456789abcde";
	size_t done;

	for (int i = 0; i < 500; i++) {
		if (fwrite_(c->e, c->f, rec, 16, -1, &done) != 0 || done != 16)
			atomic_fetch_add(&c->bad, 1);
	}
	return (NULL);
}

static void
test_appends_do_not_overlap(void **state)
{
	struct cacher c = {0};
	pthread_t pt[4];
	struct vattr va;
	struct file *own[2];
	struct env e;

	env_init(&e, false);
	c.e = &e;
	for (int pass = 0; pass < 2; pass++) {
		int fl =
		    O_RDWR | O_CREAT | O_TRUNC | (pass == 0 ? O_APPEND : 0);

		c.f = own[pass] = xopen(&e, pass == 0 ? "ap" : "sh", fl);
		for (int i = 0; i < 4; i++)
			assert_int_equal(
			    pthread_create(&pt[i], NULL, append_run, &c), 0);
		for (int i = 0; i < 4; i++)
			assert_int_equal(pthread_join(pt[i], NULL), 0);
		assert_int_equal(file_getattr(c.f, &va), 0);
		assert_int_equal(va.size, 4 * 500 * 16);
		file_free(own[pass]);
	}
	assert_int_equal(atomic_load(&c.bad), 0);
	env_fini(&e);
}

static void
test_unlinked_file_stays_usable(void **state)
{
	struct vmspace *vm;
	struct vattr va;
	struct file *f;
	struct env e;
	char buf[8];

	env_init(&e, false);
	f = xopen(&e, "t", O_RDWR | O_CREAT);
	xwrite(&e, f, "gone", 4, -1);
	vm = map_file(&e, f, 4096, true);
	assert_int_equal(copyout(vm, "G", BASE, 1), 0);
	assert_int_equal(vfs_unlink(&e.ctx, NULL, "t", false), 0);
	assert_int_equal(look(&e, "t", 0, NULL), ENOENT);
	assert_int_equal(xread(&e, f, buf, 8, 0), 4);
	assert_memory_equal(buf, "Gone", 4);
	assert_int_equal(file_getattr(f, &va), 0);
	assert_int_equal(va.nlink, 0);
	/* A new file of this name is another file. */
	assert_int_equal(try_open(&e, "t", O_CREAT | O_WRONLY), 0);
	file_free(f);
	assert_int_equal(copyin(vm, buf, BASE, 4), 0);
	assert_memory_equal(buf, "Gone", 4);
	assert_int_equal(e.vfs->root.vp->mount->ninactive, 0);
	vmspace_free(vm);
	assert_int_equal(e.vfs->root.vp->mount->ninactive, 0);
	env_fini(&e);
}

static void
touch_pages(struct env *e, const char *name, char want)
{
	struct vmspace *vm;
	struct file *f;
	char c;

	f = xopen(e, name, O_RDONLY);
	vm = map_file(e, f, 4096, false);
	file_free(f);
	assert_int_equal(copyin(vm, &c, BASE, 1), 0);
	assert_int_equal(c, want);
	vmspace_free(vm);
}

static void
test_unused_vnodes_keep_pages(void **state)
{
	struct vmount *mp;
	struct env e;
	char name[16];
	int64_t in;

	host_raise_nofile();
	env_init(&e, true);
	mp = e.vfs->root.vp->mount;
	hwrite(&e, "f", "old", 3);
	touch_pages(&e, "f", 'o');
	assert_int_equal(mp->ninactive, 1);
	in = counter_read(&e.sys.stat[VMST_FILE_IN]);
	touch_pages(&e, "f", 'o'); /* from the pages that were kept */
	assert_int_equal(counter_read(&e.sys.stat[VMST_FILE_IN]), in);
	usleep(20000); /* the host's clock ticks */
	hwrite(&e, "f", "New", 3);
	touch_pages(&e, "f", 'N');
	assert_int_equal(counter_read(&e.sys.stat[VMST_FILE_IN]), in + 1);
	for (int i = 0; i < VFS_MAXINACTIVE + 100; i++) {
		(void)snprintf(name, sizeof(name), "f%d", i);
		hwrite(&e, name, name, strlen(name));
		touch_pages(&e, name, 'f');
	}
	assert_int_equal(mp->ninactive, VFS_MAXINACTIVE);
	assert_true(host_count_fds() <= e.fds + 2 * VFS_MAXINACTIVE + 16);
	env_fini(&e);
}

/* ---- everything at once, for the sanitizers ---- */

static void *
stress_run(void *arg)
{
	struct env *e = arg;
	uint64_t s = (uint64_t)pthread_self();
	char a[16], b[16], buf[64];
	struct nameidata nd;
	struct file *f;
	size_t done;

	for (int i = 0; i < 1500; i++) {
		(void)snprintf(a, sizeof(a), "d%u/f%u",
		    (unsigned)rnd_below(&s, 2), (unsigned)rnd_below(&s, 4));
		(void)snprintf(b, sizeof(b), "d%u/f%u",
		    (unsigned)rnd_below(&s, 2), (unsigned)rnd_below(&s, 4));
		switch (rnd_below(&s, 8)) {
		case 0:
			(void)vfs_rename(&e->ctx, NULL, a, NULL, b,
			    (unsigned)rnd_below(&s, 3));
			break;
		case 1:
			(void)vfs_unlink(&e->ctx, NULL, a, false);
			break;
		case 2:
			(void)vfs_link(&e->ctx, NULL, a, NULL, b, false);
			break;
		case 3:
			if (namei(&e->ctx, NULL, a, 0, &nd) == 0) {
				(void)vnode_path(nd.vp, NULL, buf, sizeof(buf));
				vrele(nd.vp);
			}
			break;
		case 4:
			(void)vfs_rename(&e->ctx, NULL, "d0", NULL, "d1", 2);
			break;
		default:
			if (fopen_(e, a, O_RDWR | O_CREAT, &f) != 0)
				break;
			(void)fwrite_(e, f, a, strlen(a), -1, &done);
			(void)fread_(e, f, buf, sizeof(buf), 0, &done);
			file_free(f);
			break;
		}
	}
	return (NULL);
}

static void
test_names_and_data_race(void **state)
{
	pthread_t pt[4];
	struct env e;

	env_init(&e, false);
	hmkdir(&e, "d0");
	hmkdir(&e, "d1");
	for (int i = 0; i < 4; i++)
		assert_int_equal(
		    pthread_create(&pt[i], NULL, stress_run, &e), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_join(pt[i], NULL), 0);
	env_fini(&e);
}

static void *
fifo_writer(void *arg)
{
	struct env *e = arg;
	struct file *f;
	size_t done;

	if (fopen_(e, "fifo", O_WRONLY, &f) != 0)
		return (NULL);
	(void)fwrite_(e, f, "ping", 4, -1, &done);
	file_free(f);
	return (NULL);
}

static void
test_fifo(void **state)
{
	struct file *f;
	struct env e;
	pthread_t pt;
	char buf[8];
	size_t n = 0;

	env_init(&e, false);
	assert_int_equal(
	    vfs_mknod(&e.ctx, NULL, "fifo", LX_S_IFIFO | 0666, 0), 0);
	assert_int_equal(try_open(&e, "fifo", O_WRONLY | O_NONBLOCK), ENXIO);
	assert_int_equal(try_open(&e, "fifo", O_RDONLY | O_NONBLOCK), 0);
	assert_int_equal(pthread_create(&pt, NULL, fifo_writer, &e), 0);
	f = xopen(&e, "fifo", O_RDONLY);
	n = xread(&e, f, buf, 8, -1);
	assert_int_equal(n, 4);
	assert_memory_equal(buf, "ping", 4);
	assert_int_equal(pthread_join(pt, NULL), 0);
	assert_int_equal(xread(&e, f, buf, 8, -1), 0);
	assert_int_equal(fread_(&e, f, buf, 8, 0, &n), ESPIPE);
	file_free(f);
	env_fini(&e);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_read_write_and_mmap_share_pages),
	    cmocka_unit_test(test_stores_and_writes_race),
	    cmocka_unit_test(test_read_and_write_during_writeback),
	    cmocka_unit_test(test_read_during_other_writebacks),
	    cmocka_unit_test(test_appends_do_not_overlap),
	    cmocka_unit_test(test_unlinked_file_stays_usable),
	    cmocka_unit_test(test_unused_vnodes_keep_pages),
	    cmocka_unit_test(test_names_and_data_race),
	    cmocka_unit_test(test_fifo),
	};

	return (cmocka_run_group_tests_name("vfs_cache", tests, NULL, NULL));
}
