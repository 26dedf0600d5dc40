/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Streams and generated files: pipes, fifos, adopted descriptors, devfs, and
 * procfs over made-up processes.
 */
#include "vfs_nodes_testlib.h"

#include "abi/ioctl.h"
#include "abi/poll.h"
#include "abi/stat.h"
#include "vfs/core/ctx.h"
#include "vfs/core/file.h"
#include "vfs/core/hostfd.h"
#include "vfs/core/ioctl.h"
#include "vfs/core/lookup.h"
#include "vfs/core/mount.h"
#include "vfs/core/uio.h"
#include "vfs/core/vfs.h"
#include "vfs/core/vnode.h"
#include "vfs/procfs/procfs.h"
#include "vfs/tmpfs/tmpfs.h"

/* ---- pipes and fifos ---- */

struct pipe_side {
	struct fx *fx;
	struct file *f;
	const char *path;
	int flags;
	size_t len;
	int result;
	unsigned char sum;
};

static void
pipe_writer(void *arg)
{
	struct pipe_side *s = arg;
	unsigned char *buf = malloc(s->len);

	for (size_t i = 0; i < s->len; i++)
		buf[i] = (unsigned char)(i * 31 >> 3);
	s->result = xwrite(s->fx, s->f, buf, s->len, -1);
	free(buf);
	file_free(s->f);
}

static void
test_pipe(void **state)
{
	struct fx *fx = *state;
	struct pipe_side w = {.fx = fx, .len = 1 << 20};
	struct host_thread *th;
	struct file *p[2];
	struct vattr va;
	char buf[5000];
	size_t total = 0;
	long ret;
	int n, hostfd;

	assert_int_equal(pipe_create(fx->vfs, NULL, 0, p), 0);
	assert_int_equal(file_getattr(p[0], &va), 0);
	assert_int_equal(va.type, VFIFO);
	assert_int_equal(p[0]->ops->poll(p[0], LX_POLLIN, &hostfd), 0);
	assert_true(hostfd >= 0);
	assert_int_equal(xread(fx, p[1], buf, 1, -1), -EBADF);
	assert_int_equal(file_seek(p[0], 0, SEEK_SET, &va.size), ESPIPE);
	/* A blocking write of much more than fits meets a slow reader. */
	w.f = p[1];
	assert_int_equal(host_thread_create(&th, "writer", pipe_writer, &w), 0);
	while ((n = xread(fx, p[0], buf, sizeof(buf), -1)) > 0) {
		for (int i = 0; i < n; i++, total++)
			assert_int_equal((unsigned char)buf[i],
			    (unsigned char)(total * 31 >> 3));
	}
	host_thread_join(th);
	assert_int_equal(n, 0);
	assert_int_equal(total, w.len);
	assert_int_equal(w.result, w.len);
	file_free(p[0]);

	/* Not blocking: EAGAIN, partial writes; EPIPE. */
	assert_int_equal(pipe_create(fx->vfs, NULL, O_NONBLOCK, p), 0);
	assert_int_equal(xread(fx, p[0], buf, 1, -1), -EAGAIN);
	for (total = 0; (n = xwrite(fx, p[1], buf, sizeof(buf), -1)) > 0;)
		total += (size_t)n;
	assert_int_equal(n, -EAGAIN);
	n = 0;
	assert_int_equal(
	    file_ioctl(p[0], LX_FIONREAD, &n, sizeof(n), 0, &ret), 0);
	assert_int_equal(n, total);
	assert_int_equal(
	    file_ioctl(p[0], LX_TIOCGPGRP, &n, sizeof(n), 0, &ret), ENOTTY);
	file_free(p[0]);
	assert_int_equal(xwrite(fx, p[1], buf, 1, -1), -EPIPE);
	file_free(p[1]);
}

/* Waits once, then is interrupted. */
static int
wait_once(void *lwp, int hostfd, short events, uint64_t deadline_ns)
{
	int *left = lwp;

	return (--*left < 0 ? EINTR : 0);
}

static void
test_pipe_signals(void **state)
{
	struct fx *fx = *state;
	struct file *p[2], *g;
	char *buf = calloc(1, 1 << 20);
	int left = 3, on = 1, fds[2];
	size_t got;
	long ret;

	fx->ctx.waiter.wait = wait_once;
	fx->ctx.waiter.lwp = &left;
	assert_int_equal(pipe_create(fx->vfs, NULL, 0, p), 0);
	assert_int_equal(xread(fx, p[0], buf, 1, -1), -EINTR);
	left = 2;
	/* Interrupted after a part: the part counts. */
	assert_int_equal(xwrite(fx, p[1], buf, 1 << 20, -1), 65536);
	left = 0;
	assert_int_equal(xwrite(fx, p[1], buf, 1, -1), -EINTR);
	assert_int_equal(
	    file_ioctl(p[1], LX_FIONBIO, &on, sizeof(on), 0, &ret), 0);
	assert_int_equal(xwrite(fx, p[1], buf, 1, -1), -EAGAIN);
	file_free(p[0]);
	file_free(p[1]);

	/* Inherited: the host's descriptor stays blocking. */
	assert_int_equal(host_pipe(0, fds), 0);
	assert_int_equal(vfs_inherit(fx->vfs, fds[1], &g), 0);
	left = 100;
	assert_int_equal(xwrite(fx, g, buf, 10000, -1), 10000);
	assert_int_equal(100 - left, 3);
	assert_int_equal(host_getfl(fds[1], &on), 0);
	assert_int_equal(on & O_NONBLOCK, 0);
	fx->ctx.waiter.wait = NULL;
	assert_int_equal(file_setfl(g, O_NONBLOCK), 0);
	got = 10000;
	for (int n; (n = xwrite(fx, g, buf, 10000, -1)) > 0;)
		got += (size_t)n;
	assert_true(got > 30000 && got <= 65536);
	file_free(g);
	assert_int_equal(vfs_inherit(fx->vfs, fds[0], &g), 0);
	(void)host_close(fds[0]);
	(void)host_close(fds[1]);
	while (got > 0) {
		int n = xread(fx, g, buf, 7000, -1);

		assert_true(n > 0);
		got -= (size_t)n;
	}
	assert_int_equal(xread(fx, g, buf, 7000, -1), 0);
	file_free(g);
	free(buf);
}

static void
test_adopt(void **state)
{
	struct fx *fx = *state;
	struct host_iovec iov[2];
	struct uio uio = {.iov = iov, .niov = 2, .resid = 8, .write = true};
	uint64_t one = 5, out = 0;
	struct file *f;
	char buf[64];
	int fd;

	assert_int_equal(host_eventfd(0, 0, &fd), 0);
	assert_int_equal(hostfd_file_adopt(fx->vfs, fd, O_RDWR | O_NONBLOCK,
			     &eventfd_fileops, &f),
	    0);
	file_describe(f, buf, sizeof(buf));
	assert_string_equal(buf, "anon_inode:[eventfd]");
	assert_int_equal(xread(fx, f, &out, 8, -1), -EAGAIN);
	/* A record in two pieces. */
	iov[0] = (struct host_iovec){&one, 3};
	iov[1] = (struct host_iovec){(char *)&one + 3, 100};
	assert_int_equal(file_write(f, &uio, &fx->ctx.waiter, false), 0);
	assert_int_equal(uio.resid, 0);
	iov[0] = (struct host_iovec){&out, 4};
	iov[1] = (struct host_iovec){(char *)&out + 4, 4};
	uio = (struct uio){.iov = iov, .niov = 2, .resid = 8};
	assert_int_equal(file_read(f, &uio, &fx->ctx.waiter, false), 0);
	assert_int_equal(out, 5);
	file_free(f);
}

static void
fifo_opener(void *arg)
{
	struct pipe_side *s = arg;
	struct vfs_ctx ctx = s->fx->ctx;

	s->result = vfs_open(&ctx, NULL, s->path, s->flags, 0, &s->f);
}

static void
test_fifo(void **state)
{
	struct fx *fx = *state;
	struct pipe_side r = {.fx = fx, .path = "/tmp/ff", .flags = O_RDONLY};
	struct host_thread *th;
	struct file *f, *g;
	char buf[16];
	int left = 0;

	assert_int_equal(
	    vfs_mknod(&fx->ctx, NULL, "/tmp/ff", LX_S_IFIFO | 0666, 0), 0);
	assert_int_equal(eopen(fx, "/tmp/ff", O_WRONLY | O_NONBLOCK), ENXIO);
	fx->ctx.waiter.wait = wait_once;
	fx->ctx.waiter.lwp = &left;
	assert_int_equal(eopen(fx, "/tmp/ff", O_RDONLY), EINTR);
	fx->ctx.waiter.wait = NULL;
	for (int i = 0; i < 20; i++) {
		r.flags = i % 2 == 0 ? O_RDONLY : O_WRONLY;
		assert_int_equal(
		    host_thread_create(&th, "opener", fifo_opener, &r), 0);
		f = xopen(fx, "/tmp/ff", i % 2 == 0 ? O_WRONLY : O_RDONLY);
		host_thread_join(th);
		assert_int_equal(r.result, 0);
		g = i % 2 == 0 ? r.f : f;
		f = i % 2 == 0 ? f : r.f;
		assert_int_equal(xwrite(fx, f, "word", 4, -1), 4);
		assert_int_equal(xread(fx, g, buf, sizeof(buf), -1), 4);
		if (i < 10) {
			file_free(f);
			assert_int_equal(xread(fx, g, buf, 1, -1), 0);
			file_free(g);
		} else {
			file_free(g);
			assert_int_equal(xwrite(fx, f, "x", 1, -1), -EPIPE);
			file_free(f);
		}
	}
	f = xopen(fx, "/tmp/ff", O_RDWR);
	assert_int_equal(xwrite(fx, f, "self", 4, -1), 4);
	g = xopen(fx, "/tmp/ff", O_RDONLY | O_NONBLOCK);
	assert_int_equal(xread(fx, g, buf, sizeof(buf), -1), 4);
	assert_int_equal(xread(fx, g, buf, sizeof(buf), -1), -EAGAIN);
	assert_int_equal(vfs_unlink(&fx->ctx, NULL, "/tmp/ff", false), 0);
	file_free(f);
	assert_int_equal(xread(fx, g, buf, sizeof(buf), -1), 0);
	file_free(g);
}

/* ---- devfs ---- */

static void
test_devfs(void **state)
{
	struct fx *fx = *state;
	struct vm_object *o;
	struct names ns;
	struct vattr va;
	struct file *f;
	char buf[64], buf2[64];
	uint64_t pos;
	int n;
	long ret;

	assert_int_equal(xattr(fx, "/dev/null", &va), 0);
	assert_int_equal(va.mode, LX_S_IFCHR | 0666);
	assert_int_equal(va.rdev, 0x103);
	f = xopen(fx, "/dev/null", O_WRONLY | O_CREAT | O_TRUNC);
	assert_int_equal(xwrite(fx, f, buf, sizeof(buf), -1), sizeof(buf));
	assert_int_equal(file_ioctl(f, LX_TCGETS, buf, 36, 0, &ret), ENOTTY);
	assert_int_equal(vnode_object(f->vp, &o), ENODEV);
	assert_int_equal(file_seek(f, 100, SEEK_SET, &pos), 0);
	assert_int_equal(pos, 0);
	file_free(f);
	expect_text(fx, "/dev/null", "");
	f = xopen(fx, "/dev/zero", O_RDWR);
	memset(buf, 1, sizeof(buf));
	assert_int_equal(xread(fx, f, buf, sizeof(buf), -1), sizeof(buf));
	memset(buf2, 0, sizeof(buf2));
	assert_memory_equal(buf, buf2, sizeof(buf));
	assert_int_equal(f->vp->flags & VN_ZERO, VN_ZERO);
	assert_int_equal(vnode_object(f->vp, &o), 0);
	file_free(f);
	f = xopen(fx, "/dev/full", O_RDWR);
	assert_int_equal(xwrite(fx, f, buf, 1, -1), -ENOSPC);
	file_free(f);
	f = xopen(fx, "/dev/urandom", O_RDONLY);
	assert_int_equal(xread(fx, f, buf, sizeof(buf), -1), sizeof(buf));
	assert_int_equal(xread(fx, f, buf2, sizeof(buf), -1), sizeof(buf));
	assert_memory_not_equal(buf, buf2, sizeof(buf));
	assert_int_equal(file_ioctl(f, LX_RNDGETENTCNT, &n, 4, 0, &ret), 0);
	assert_int_equal(n, 256);
	file_free(f);
	assert_int_equal(eopen(fx, "/dev/tty", O_RDWR), ENXIO);
	assert_int_equal(eopen(fx, "/dev/new", O_RDWR | O_CREAT), EACCES);
	assert_int_equal(xmkdir(fx, "/dev/d"), EACCES);
	assert_int_equal(
	    vfs_unlink(&fx->ctx, NULL, "/dev/null", false), EACCES);
	listing(fx, "/dev", &ns);
	assert_true(has(&ns, "null") && has(&ns, "stdin") && has(&ns, "shm"));
	assert_int_equal(ns.n, 15);
	listing(fx, "/dev/pts", &ns);
	assert_int_equal(ns.n, 2);
}

/* A descriptor of the kernel's terminal is /dev/pts/0, as a file and a name. */
static void
check_tty_name(struct fx *fx, int fd)
{
	struct vattr named, given;
	struct names ns;
	struct file *f;
	char text[64];

	listing(fx, "/dev/pts", &ns);
	assert_true(has(&ns, "0"));
	assert_int_equal(ns.n, 3);
	f = xopen(fx, "/dev/pts/0", O_RDWR);
	assert_int_equal(f->vp->flags & VN_TTY, VN_TTY);
	assert_int_equal(file_getattr(f, &named), 0);
	file_free(f);
	assert_int_equal(vfs_inherit(fx->vfs, fd, &f), 0);
	assert_int_equal(file_getattr(f, &given), 0);
	assert_int_equal(given.type, VCHR);
	assert_int_equal(given.dev, named.dev);
	assert_int_equal(given.ino, named.ino);
	assert_int_equal(given.rdev, named.rdev);
	assert_int_equal(given.mode, named.mode);
	file_describe(f, text, sizeof(text));
	assert_string_equal(text, "/dev/pts/0");
	file_free(f);
}

static void
test_devfs_mount_and_tty(void **state)
{
	struct fx *fx = *state;
	struct vmount *mp;
	struct file *f;
	char winsz[8], tio[36];
	size_t size;
	int fd, dir;
	long ret;

	assert_int_equal(tmpfs_mount_create(fx->vfs, 1 << 20, 01777, &mp), 0);
	assert_int_equal(vfs_mount(fx->vfs, mp, "/dev/shm"), 0);
	put(fx, "/dev/shm/seg", "shared");
	expect_text(fx, "/dev/shm/seg", "shared");
	if (host_openat(AT_FDCWD, "/dev/ptmx", O_RDWR | O_NOCTTY, 0, &fd) != 0)
		return;
	fx->vfs->tty_fd = fd;
	check_tty_name(fx, fd);
	f = xopen(fx, "/dev/tty", O_RDWR);
	assert_int_equal(ioctl_size(LX_TCGETS, &size, &dir), 0);
	assert_int_equal(size, sizeof(tio));
	assert_int_equal(
	    file_ioctl(f, LX_TCGETS, tio, sizeof(tio), 0, &ret), 0);
	assert_int_equal(
	    file_ioctl(f, LX_TCSETS, tio, sizeof(tio), 0, &ret), 0);
	memset(winsz, 7, sizeof(winsz));
	assert_int_equal(file_ioctl(f, LX_TIOCSWINSZ, winsz, 8, 0, &ret), 0);
	memset(winsz, 0, sizeof(winsz));
	assert_int_equal(file_ioctl(f, LX_TIOCGWINSZ, winsz, 8, 0, &ret), 0);
	assert_int_equal(winsz[0], 7);
	assert_int_equal(file_ioctl(f, LX_TCGETS, tio, 8, 0, &ret), EINVAL);
	file_free(f);
	fx->vfs->tty_fd = -1;
	(void)host_close(fd);
	assert_int_equal(ioctl_size(0x80086601, &size, &dir), ENOTTY);
}

/* ---- procfs ---- */

/* Processes 5 (self) and 70000, and their files. */
struct procs {
	struct fx *fx;
	bool gone;            /* 70000 */
	struct file *file[3]; /* of 5 */
	struct vnode *exe;
	unsigned generated;
};

static int
pf_self(void *arg, const struct vfs_ctx *ctx)
{
	return (ctx->waiter.lwp != NULL ? 5 : 0);
}

static bool
pf_exists(void *arg, int pid)
{
	const struct procs *p = arg;

	return (pid == 5 || (pid == 70000 && !p->gone));
}

static uint64_t
pf_lookup(void *arg, int pid)
{
	return (pf_exists(arg, pid) ? (uint64_t)pid : 0);
}

static int
pf_next(void *arg, int pid)
{
	return (pid <= 5                                ? 5
		: pid <= 70000 && pf_exists(arg, 70000) ? 70000
							: 0);
}

static int
pf_owner(void *arg, int pid, bool open, uint32_t *uid, uint32_t *gid)
{
	if (!pf_exists(arg, pid))
		return (ESRCH);
	*uid = *gid = (uint32_t)pid;
	return (0);
}

/* User 6 may not look into a process. */
static int
pf_may_look(void *arg, int pid, const struct vfs_ctx *ctx)
{
	if (!pf_exists(arg, pid))
		return (ESRCH);
	return (ctx != NULL && ctx->uid == 6 ? EPERM : 0);
}

static int
pf_place(void *arg, int pid, const char *which, struct vplace *at)
{
	struct procs *p = arg;

	if (pid != 5)
		return (ESRCH);
	*at = strcmp(which, "exe") == 0 ? (struct vplace){NULL, p->exe}
					: p->fx->vfs->root;
	vplace_ref(at);
	return (0);
}

static int
pf_file(void *arg, int pid, int fd, struct file **fp)
{
	struct procs *p = arg;

	if (pid != 5)
		return (ESRCH);
	if (fd < 0 || fd > 2 || p->file[fd] == NULL)
		return (EBADF);
	file_ref(p->file[fd]);
	*fp = p->file[fd];
	return (0);
}

static int
pf_fdnext(void *arg, int pid, int fd)
{
	struct procs *p = arg;

	for (; pid == 5 && fd < 3; fd++)
		if (p->file[fd] != NULL)
			return (fd);
	return (-1);
}

/* A process that a text is generated for. */
struct procfs_proc {
	struct procs *procs;
	int pid;
};

static int
pf_proc_open(void *arg, int pid, unsigned how, struct procfs_proc **out)
{
	if (!pf_exists(arg, pid))
		return (ESRCH);
	*out = malloc(sizeof(**out));
	**out = (struct procfs_proc){.procs = arg, .pid = pid};
	return (0);
}

static void
pf_proc_close(struct procfs_proc *p)
{
	free(p);
}

static int
text_comm(struct procfs_proc *p, struct procfs_buf *b)
{
	procfs_printf(b, "%d comm %u\n", p->pid, p->procs->generated++);
	return (0);
}

static int
text_mounts(struct procfs_proc *p, struct procfs_buf *b)
{
	procfs_printf(b, "%d mounts %u\n", p->pid, p->procs->generated++);
	return (0);
}

static int
text_maps(struct procfs_proc *p, struct procfs_buf *b)
{
	procfs_printf(b, "%d maps %u\n", p->pid, p->procs->generated++);
	for (int i = 0; i < 1000; i++)
		procfs_printf(b, "line %d\n", i);
	return (0);
}

static int
write_limits(struct procfs_proc *p, const char *text, size_t len)
{
	if (len != 3 || memcmp(text, "new", 3) != 0)
		return (EINVAL);
	p->procs->generated = 100;
	return (0);
}

static int
text_meminfo(void *arg, struct procfs_buf *b)
{
	procfs_write(b, "meminfo", 7);
	return (0);
}

static int
text_hostname(void *arg, struct procfs_buf *b)
{
	procfs_write(b, "kernel/hostname", 15);
	return (0);
}

static const struct procfs_pid_node pid_nodes[] = {
    {"maps", 0444 | PROCFS_PRIVATE, text_maps, NULL},
    {"comm", 0444, text_comm, NULL},
    {"environ", 0400, text_comm, NULL},
    {"mounts", 0444, text_mounts, NULL},
    {"limits", 0644 | PROCFS_PROCESS, text_mounts, write_limits},
    {NULL, 0, NULL, NULL},
};
static const struct procfs_sys_node sys_nodes[] = {
    {.name = "meminfo", .mode = 0444, .text = text_meminfo},
    {.name = NULL},
};
static const struct procfs_sys_node settings[] = {
    {.name = "kernel/hostname", .mode = 0444, .text = text_hostname},
    {.name = NULL},
};

static const struct procfs_ops fake_procfs = {
    .self = pf_self,
    .next = pf_next,
    .lookup = pf_lookup,
    .owner = pf_owner,
    .may_look = pf_may_look,
    .place = pf_place,
    .file = pf_file,
    .fdnext = pf_fdnext,
    .proc_open = pf_proc_open,
    .proc_close = pf_proc_close,
    .pid_nodes = pid_nodes,
    .sys_nodes = sys_nodes,
    .settings = settings,
};

static void
expect_link(struct fx *fx, const char *path, const char *text)
{
	char buf[4096];
	struct nameidata nd;
	size_t len;

	assert_int_equal(namei(&fx->ctx, NULL, path, NAMEI_NOFOLLOW, &nd), 0);
	assert_int_equal(nd.vp->type, VLNK);
	assert_int_equal(
	    nd.vp->ops->readlink(nd.vp, NULL, buf, sizeof(buf) - 1, &len), 0);
	buf[len] = '\0';
	assert_string_equal(buf, text);
	vrele(nd.vp);
}

static void
test_procfs_tree(void **state)
{
	struct fx *fx = *state;
	struct procs p = {.fx = fx};
	struct vattr va;
	struct names ns;
	struct vplace at;
	struct file *f;
	char buf[64];

	/* Before procfs_ops are registered. */
	assert_int_equal(eopen(fx, "/proc/self/maps", O_RDONLY), ENOENT);
	fx->vfs->procfs_ops = &fake_procfs;
	fx->vfs->procfs_arg = &p;
	fx->ctx.waiter.lwp = &p;
	listing(fx, "/proc", &ns);
	assert_true(has(&ns, "5") && has(&ns, "70000") && has(&ns, "self") &&
		    has(&ns, "meminfo") && has(&ns, "sys"));
	listing(fx, "/proc/70000", &ns);
	assert_true(has(&ns, "maps") && has(&ns, "exe") && has(&ns, "fd") &&
		    has(&ns, "task") && !has(&ns, "vmspace"));
	listing(fx, "/proc/5/task", &ns);
	assert_string_equal(ns.text, " . .. 5");
	assert_int_equal(xattr(fx, "/proc/70000/environ", &va), 0);
	assert_int_equal(va.uid, 70000);
	assert_int_equal(va.mode, LX_S_IFREG | 0400);
	assert_int_equal(va.ino >> 16, 70000);
	assert_int_equal(eopen(fx, "/proc/6", O_RDONLY), ENOENT);
	assert_int_equal(eopen(fx, "/proc/05", O_RDONLY), ENOENT);
	assert_int_equal(eopen(fx, "/proc/self/comm", O_WRONLY), EACCES);
	assert_int_equal(
	    eopen(fx, "/proc/self/new", O_WRONLY | O_CREAT), ENOENT);
	assert_int_equal(
	    vfs_unlink(&fx->ctx, NULL, "/proc/5/comm", false), EPERM);
	assert_true(xmkdir(fx, "/proc/d") != 0);
	expect_text(fx, "/proc/meminfo", "meminfo");
	expect_text(fx, "/proc/sys/kernel/hostname", "kernel/hostname");
	expect_text(fx, "/proc/sys/kernel/ostype", "Linux\n");
	expect_text(fx, "/proc/thread-self/../../comm", "5 comm 0\n");
	p.generated = 0;
	expect_text(fx, "/proc/mounts", "5 mounts 0\n");
	f = xopen(fx, "/proc/sys/kernel/random/uuid", O_RDONLY);
	assert_int_equal(xread(fx, f, buf, sizeof(buf), -1), 37);
	file_free(f);
	/* A process that ends. */
	f = xopen(fx, "/proc/70000", O_RDONLY);
	at = (struct vplace){f->mnt, f->vp};
	p.gone = true;
	assert_int_equal(file_getdents(f, names_add, &ns), ENOENT);
	assert_int_equal(vn_getattr(f->vp, &va), ESRCH);
	assert_int_equal(
	    vfs_open(&fx->ctx, &at, "maps", 0, 0, &p.file[0]), ESRCH);
	file_free(f);
}

/* A node with a function for writing; what it was opened for is kept. */
static void
test_procfs_write(void **state)
{
	struct fx *fx = *state;
	struct procs p = {.fx = fx};
	struct names ns;
	struct file *f;

	fx->vfs->procfs_ops = &fake_procfs;
	fx->vfs->procfs_arg = &p;
	fx->ctx.waiter.lwp = &p;
	assert_int_equal(eopen(fx, "/proc/5/mounts", O_WRONLY), EACCES);
	f = xopen(fx, "/proc/5/limits", O_RDWR);
	assert_int_equal(xwrite(fx, f, "old", 3, -1), -EINVAL);
	assert_int_equal(p.generated, 0);
	assert_int_equal(xwrite(fx, f, "new", 3, -1), 3);
	assert_int_equal(p.generated, 100);
	file_free(f);
	f = xopen(fx, "/proc/70000/limits", O_WRONLY);
	p.gone = true;
	assert_int_equal(xwrite(fx, f, "new", 3, -1), -ESRCH);
	file_free(f);
	/* A thread has no files of its process. */
	listing(fx, "/proc/5", &ns);
	assert_true(has(&ns, "limits") && has(&ns, "ns") && has(&ns, "task"));
	listing(fx, "/proc/5/task/5", &ns);
	assert_true(!has(&ns, "limits") && has(&ns, "ns") && !has(&ns, "task"));
	expect_link(fx, "/proc/5/ns/mnt", "mnt:[4026531832]");
}

static void
test_procfs_text(void **state)
{
	struct fx *fx = *state;
	struct procs p = {.fx = fx};
	char a[16384], b[16384];
	struct vattr va;
	struct file *f;
	uint64_t pos;
	size_t len = 0;
	int n;

	fx->vfs->procfs_ops = &fake_procfs;
	fx->vfs->procfs_arg = &p;
	f = xopen(fx, "/proc/70000/maps", O_RDONLY);
	assert_int_equal(file_getattr(f, &va), 0);
	assert_int_equal(va.size, 0);
	while ((n = xread(fx, f, a + len, 700, -1)) > 0)
		len += (size_t)n;
	assert_int_equal(p.generated, 1);
	assert_memory_equal(a, "70000 maps 0\nline 0\n", 20);
	assert_memory_equal(a + len - 9, "line 999\n", 9);
	/* At its end the text is forgotten; a pread makes it again, and so does
	 * a read at 0. */
	assert_int_equal(xread(fx, f, b, sizeof(b), (int)len), 0);
	assert_int_equal(p.generated, 1);
	assert_int_equal(xread(fx, f, b, sizeof(b), 13), len - 13);
	assert_memory_equal(b, a + 13, len - 13);
	assert_int_equal(p.generated, 2);
	assert_int_equal(file_seek(f, 0, SEEK_SET, &pos), 0);
	assert_int_equal(xread(fx, f, b, 13, -1), 13);
	assert_memory_equal(b, "70000 maps 2\n", 13);
	assert_int_equal(file_seek(f, 0, SEEK_END, &pos), EINVAL);
	p.gone = true;
	assert_int_equal(xread(fx, f, b, 10, 100), 10);
	assert_int_equal(xread(fx, f, b, 10, 0), -ESRCH);
	file_free(f);
	assert_int_equal(vn_pread(fx->vfs->root.vp, a, 1, 0, &len), EISDIR);
}

static void
test_procfs_links(void **state)
{
	struct fx *fx = *state;
	struct procs p = {.fx = fx};
	struct file *pp[2], *f, *g;
	struct nameidata nd;
	struct names ns;
	char buf[64], want[64];
	size_t len;

	fx->vfs->procfs_ops = &fake_procfs;
	fx->vfs->procfs_arg = &p;
	fx->ctx.waiter.lwp = &p;
	put(fx, "/tmp/prog", "#!prog");
	p.file[0] = xopen(fx, "/tmp/prog", O_RDONLY);
	assert_int_equal(pipe_create(fx->vfs, NULL, 0, pp), 0);
	p.file[2] = pp[1];
	p.exe = p.file[0]->vp;
	expect_link(fx, "/proc/5/exe", "/tmp/prog");
	expect_link(fx, "/proc/self/cwd", "/");
	expect_link(fx, "/proc/self/fd/0", "/tmp/prog");
	expect_link(fx, "/dev/stdin", "/proc/self/fd/0");
	snprintf(
	    want, sizeof(want), "pipe:[%llu]", (unsigned long long)pp[1]->ino);
	expect_link(fx, "/proc/self/fd/2", want);
	expect_text(fx, "/dev/stdin", "#!prog");
	expect_text(fx, "/proc/self/exe", "#!prog");
	expect_text(fx, "/proc/5/task/5/root/tmp/prog", "#!prog");
	listing(fx, "/dev/fd", &ns);
	assert_string_equal(ns.text, " . .. 0 2");
	assert_int_equal(eopen(fx, "/proc/self/fd/1", O_RDONLY), ENOENT);
	/* A pipe is opened by its name, in its own direction only. */
	assert_int_equal(eopen(fx, "/dev/stderr", O_RDONLY), EACCES);
	f = xopen(fx, "/dev/stderr", O_WRONLY | O_CREAT | O_TRUNC);
	assert_int_equal(xwrite(fx, f, "via", 3, -1), 3);
	assert_int_equal(xread(fx, pp[0], buf, sizeof(buf), -1), 3);
	p.file[1] = f;
	expect_link(fx, "/proc/self/fd/1", want);
	g = xopen(fx, "/proc/self/fd/1", O_WRONLY);
	assert_int_equal(xwrite(fx, g, "two", 3, -1), 3);
	assert_int_equal(xread(fx, pp[0], buf, sizeof(buf), -1), 3);
	file_free(g);
	file_free(f);
	/* A link works after its file was unlinked; other users may not follow
	 * it. */
	assert_int_equal(vfs_unlink(&fx->ctx, NULL, "/tmp/prog", false), 0);
	expect_link(fx, "/proc/5/exe", "/tmp/prog (deleted)");
	expect_text(fx, "/proc/5/exe", "#!prog");
	fx->ctx.uid = 6;
	fx->ctx.caps = 0;
	assert_int_equal(eopen(fx, "/proc/5/exe", O_RDONLY), EACCES);
	assert_int_equal(eopen(fx, "/proc/5/fd", O_RDONLY), EACCES);
	assert_int_equal(
	    namei(&fx->ctx, NULL, "/proc/5/exe", NAMEI_NOFOLLOW, &nd), 0);
	assert_int_equal(
	    nd.vp->ops->readlink(nd.vp, &fx->ctx, buf, sizeof(buf), &len),
	    EACCES);
	vrele(nd.vp);
	assert_int_equal(eopen(fx, "/proc/5/maps", O_RDONLY), EACCES);
	f = xopen(fx, "/proc/5/comm", O_RDONLY);
	file_free(f);
	file_free(p.file[0]);
	file_free(pp[0]);
	file_free(pp[1]);
}

static void
test_procfs_buf(void **state)
{
	struct procfs_buf b;
	char *big = calloc(1, 1 << 20);

	procfs_buf_init(&b);
	for (int i = 0; i < 10000; i++)
		procfs_printf(&b, "%d,", i);
	assert_int_equal(b.error, 0);
	assert_int_equal(b.len, 48890);
	assert_memory_equal(b.data + b.len - 5, "9999,", 5);
	while (b.error == 0)
		procfs_write(&b, big, 1 << 20);
	assert_int_equal(b.error, EFBIG);
	procfs_printf(&b, "no more");
	procfs_buf_destroy(&b);
	free(big);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    T(test_pipe),
	    T(test_pipe_signals),
	    T(test_adopt),
	    T(test_fifo),
	    T(test_devfs),
	    T(test_devfs_mount_and_tty),
	    T(test_procfs_tree),
	    T(test_procfs_write),
	    T(test_procfs_text),
	    T(test_procfs_links),
	    cmocka_unit_test(test_procfs_buf),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
