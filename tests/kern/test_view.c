/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Inspection of processes and the calls of the embedder: procfs texts,
 * configuration, spawn.
 */
#include "fixture.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/host_file.h"
#include "vfs/core/ctx.h"
#include "vfs/core/file.h"
#include "vfs/core/lookup.h"
#include "vfs/core/uio.h"
#include "vfs/core/vfs.h"
#include "kern/proctext/kern_procfs.h"
#include "kern/base/vkernel.h"

static _Atomic(bool) release;

static void
prog_wait(struct user *u)
{
	U_BEGIN
	U_SYS(SYS_mmap, 0, 1 << 20, 3, 0x22, (uint64_t)-1, 0);
	u_put64(u, u->tf->rax, 1);
	while (!atomic_load(&release))
		U_PAUSE();
	U_EXIT(0);
	U_END;
}

static char text[65536];

static int
read_file(const char *path)
{
	struct vfs_ctx ctx = {
	    .vfs = fx.k->vfs,
	    .caps = VFS_CAPS_ALL,
	    .cwd = fx.k->vfs->root,
	    .root = fx.k->vfs->root,
	};
	struct host_iovec iov;
	struct file *f;
	struct uio uio;
	int error;

	memset(text, 0, sizeof(text));
	error = vfs_open(&ctx, NULL, path, O_RDONLY, 0, &f);
	if (error != 0)
		return (error);
	for (int pass = 0; pass < 2 && error == 0; pass++) {
		uint64_t pos;

		uio_init1(&uio, &iov, text, sizeof(text) - 1, 0, false);
		error = file_read(f, &uio, &ctx.waiter, false);
		if (error == 0)
			error = file_seek(f, 0, SEEK_SET, &pos);
	}
	file_free(f);
	return (error);
}

static void
test_procfs(void **state)
{
	char path[64], perms[8], name[128];
	unsigned long start, end, off, ino;
	unsigned maj, min;
	int pid, status, fields = 0;
	const struct procfs_sys_node *nodes = kern_procfs_ops.sys_nodes;

	atomic_store(&release, false);
	fx.prog[0] = prog_wait;
	fx_boot(&fx);
	pid = fx_spawn(&fx, 0);
	host_sleep_ns(5000000);
	for (int i = 0; kern_pid_nodes[i].name != NULL; i++) {
		if (kern_pid_nodes[i].text == NULL ||
		    strchr(kern_pid_nodes[i].name, '/') != NULL ||
		    (kern_pid_nodes[i].mode & PROCFS_TASK) != 0)
			continue; /* only written, of threads, or EINVAL */
		snprintf(path, sizeof(path), "/proc/%d/%s", pid,
		    kern_pid_nodes[i].name);
		if (read_file(path) != 0)
			fail_msg("%s", path);
	}
	for (int i = 0; nodes[i].name != NULL; i++) {
		snprintf(path, sizeof(path), "/proc/%s", nodes[i].name);
		if (read_file(path) != 0)
			fail_msg("%s", path);
	}
	assert_int_equal(read_file("/proc/1/stat"), 0);
	for (char *p = strtok(text, " \n"); p != NULL; p = strtok(NULL, " \n"))
		fields++;
	assert_int_equal(fields, 52);
	assert_int_equal(read_file("/proc/1/maps"), 0);
	assert_int_equal(sscanf(text, "%lx-%lx %4s %lx %x:%x %lu %127s", &start,
			     &end, perms, &off, &maj, &min, &ino, name),
	    8);
	assert_int_equal(start, 0x400000);
	assert_string_equal(perms, "r-xp");
	assert_string_equal(name, "/bin/p0");
	assert_ptr_equal(strchr(text, '/'), text + 73);
	assert_non_null(strstr(text, "[stack]\n"));
	assert_int_equal(read_file("/proc/1/cmdline"), 0);
	assert_memory_equal(text, "prog\0one\0two", 13);
	assert_int_equal(read_file("/proc/1/environ"), 0);
	assert_memory_equal(text, "A=1\0PATH=", 9);
	assert_int_equal(read_file("/proc/meminfo"), 0);
	assert_non_null(strstr(text, "MemTotal:          65536 kB\n"));
	assert_int_equal(read_file("/proc/1/status"), 0);
	assert_non_null(strstr(text, "Name:\tp0\n"));
	assert_int_equal(read_file("/proc/77/stat"), ENOENT);
	atomic_store(&release, true);
	assert_int_equal(vkernel_wait(fx.k, pid, &status), 0);
	assert_int_equal(read_file("/proc/1/stat"), ENOENT);
	fx_shutdown(&fx);
}

/* The files of a zombie can be read. */
static void
prog_zombie(struct user *u)
{
	U_BEGIN
	U_SYS(SYS_fork);
	if (U_RET == 0)
		U_EXIT(0);
	while (!atomic_load(&release))
		U_PAUSE();
	U_EXIT(0);
	U_END;
}

static void
test_zombie_texts(void **state)
{
	char path[64];
	int status, pid;

	atomic_store(&release, false);
	fx.prog[0] = prog_zombie;
	fx_boot(&fx);
	pid = fx_spawn(&fx, 0);
	for (int i = 0; i < 1000 && strstr(text, ") Z ") == NULL; i++) {
		host_sleep_ns(1000000);
		(void)read_file("/proc/2/stat");
	}
	assert_non_null(strstr(text, ") Z "));
	for (int i = 0; kern_pid_nodes[i].name != NULL; i++) {
		const char *name = kern_pid_nodes[i].name;

		snprintf(path, sizeof(path), "/proc/2/%s", name);
		if ((kern_pid_nodes[i].mode & PROCFS_TASK) != 0)
			continue;
		/* As on Linux: there is no memory to sum up, and no name
		 * space. */
		if (kern_pid_nodes[i].text != NULL)
			assert_int_equal(read_file(path),
			    strcmp(name, "smaps_rollup") == 0 ? ESRCH
			    : strncmp(name, "attr/", 5) == 0  ? EINVAL
			    : strncmp(name, "mount", 5) == 0  ? EINVAL
							      : 0);
	}
	assert_int_equal(read_file("/proc/2/exe"), ENOENT);
	atomic_store(&release, true);
	assert_int_equal(vkernel_wait(fx.k, pid, &status), 0);
	fx_shutdown(&fx);
}

/* ---- configuration ---- */

static void
test_config(void **state)
{
	const struct vkernel_mount none = {VKERNEL_MOUNT_TMPFS, NULL, NULL, 0};
	const struct vkernel_mount rel = {VKERNEL_MOUNT_TMPFS, NULL, "tmp", 0};
	const struct vkernel_mount absent = {
	    VKERNEL_MOUNT_TMPFS, NULL, "/absent", 0};
	const struct vkernel_mount denied = {
	    VKERNEL_MOUNT_TMPFS, NULL, "/dev/absent", 0};
	const struct vkernel_mount nosrc = {
	    VKERNEL_MOUNT_BIND, "/absent-on-host", "/tmp/x", 0};
	struct vkernel_config bad[] = {
	    {.mem = 4096},
	    {.mem = ((uint64_t)1 << 20) + 1},
	    {.mem = (uint64_t)1 << 60},
	    {.nmounts = 1},
	    {.nmounts = 1, .mounts = &none},
	    {.nmounts = 1, .mounts = &rel},
	    {.nmounts = 1, .mounts = &absent, .root = fx.dir},
	    {.nmounts = 1, .mounts = &denied, .root = fx.dir},
	    {.nmounts = 1, .mounts = &nosrc, .root = fx.dir},
	    {.root = "/absent-on-host"},
	    {.root = "/etc/passwd"},
	};
	const int errors[] = {EINVAL, EINVAL, EINVAL, EINVAL, EINVAL, EINVAL,
	    ENOENT, EACCES, ENOENT, ENOENT, ENOTDIR};
	struct vkernel *k = NULL;
	int fds = host_count_fds();

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		bad[i].fake_machine = true;
		assert_int_equal(vkernel_create(&bad[i], &k), errors[i]);
		assert_null(k);
	}
	assert_int_equal(host_count_fds(), fds);
}

static void
test_mounts(void **state)
{
	const struct vkernel_mount m[] = {
	    {VKERNEL_MOUNT_RW, "/bin", NULL, false},
	    {VKERNEL_MOUNT_BIND, fx.dir, "/tmp/a/b", true},
	    {VKERNEL_MOUNT_TMPFS, NULL, "/lib", false},
	};
	const struct vkernel_config cf = {
	    .mem = (uint64_t)16 << 20,
	    .root = fx.dir,
	    .mounts = m,
	    .nmounts = 3,
	    .fake_machine = true,
	};
	struct vfs_ctx ctx = {0};
	uint32_t uid, gid;
	struct file *f;

	assert_int_equal(vkernel_create(&cf, &fx.k), 0);
	ctx.vfs = fx.k->vfs;
	ctx.root = ctx.cwd = fx.k->vfs->root;
	host_ids(&uid, &ctx.uid, &gid, &ctx.gid);
	ctx.caps = VFS_CAPS_ALL;
	assert_int_equal(
	    vfs_open(&ctx, NULL, "/x", O_CREAT | O_WRONLY, 0644, &f), EROFS);
	assert_int_equal(
	    vfs_open(&ctx, NULL, "/tmp/a/b/x", O_CREAT | O_WRONLY, 0644, &f),
	    EROFS);
	assert_int_equal(
	    vfs_open(&ctx, NULL, "/bin/x", O_CREAT | O_WRONLY, 0644, &f), 0);
	file_free(f);
	assert_int_equal(
	    vfs_open(&ctx, NULL, "/lib/x", O_CREAT | O_WRONLY, 0644, &f), 0);
	file_free(f);
	assert_int_equal(
	    vfs_open(&ctx, NULL, "/tmp/a/b/bin/p0", O_RDONLY, 0, &f), 0);
	file_free(f);
	fx_shutdown(&fx);
}

/* A link in the root does not lead the writable mount out of the root. */
static void
test_rw_link(void **state)
{
	const struct vkernel_mount m = {VKERNEL_MOUNT_RW, "/out", NULL, false};
	const struct vkernel_config cf = {
	    .mem = (uint64_t)16 << 20,
	    .root = fx.dir,
	    .mounts = &m,
	    .nmounts = 1,
	    .fake_machine = true,
	};
	char path[128];

	snprintf(path, sizeof(path), "%s/out", fx.dir);
	assert_int_equal(symlink("/var", path), 0);
	assert_int_equal(vkernel_create(&cf, &fx.k), ENOENT);
}

/* ---- spawn ---- */

static int
spawn(const char *path, const char *const *envp, const char *cwd)
{
	const struct vkernel_spawn sp = {
	    .path = path, .envp = envp, .cwd = cwd};
	int error, pid, status;

	error = vkernel_spawn(fx.k, &sp, &pid);
	if (error != 0)
		return (error);
	assert_int_equal(vkernel_wait(fx.k, pid, &status), 0);
	return (0);
}

static void
test_spawn(void **state)
{
	const char *const env[] = {"PATH=/absent::/lib:/bin", NULL};
	const struct vkernel_spawn badfd = {
	    .path = "/bin/p0", .fds = (const int[]){9999}, .nfds = 1};
	struct vkernel_stat st;
	int fds, pid;

	atomic_store(&release, true);
	fx.prog[0] = prog_wait;
	fx_file(&fx, "lib/denied", "x", 1, 0644);
	fx_file(&fx, "bin/text", "hello", 5, 0755);
	fx_boot(&fx);
	fds = host_count_fds();
	assert_int_equal(spawn("/bin/p0", NULL, NULL), 0);
	assert_int_equal(spawn("p0", NULL, NULL), 0);
	assert_int_equal(spawn("p0", env, "/bin"), 0);
	assert_int_equal(spawn("", NULL, NULL), ENOENT);
	assert_int_equal(spawn("p99", env, NULL), ENOENT);
	assert_int_equal(spawn("denied", env, NULL), EACCES);
	assert_int_equal(spawn("/bin", NULL, NULL), EACCES);
	assert_int_equal(spawn("/bin/text", NULL, NULL), ENOEXEC);
	assert_int_equal(spawn("/bin/p0", NULL, "/absent"), ENOENT);
	assert_int_equal(spawn("/bin/p0", NULL, "/bin/p0"), ENOTDIR);
	assert_int_equal(vkernel_spawn(fx.k, &badfd, &pid), EBADF);
	vkernel_stat(fx.k, &st);
	assert_int_equal(st.vmspaces, 0);
	assert_int_equal(st.procs_live, 0);
	assert_int_equal(st.procs_created, 3);
	assert_true(host_count_fds() <= fds + 4); /* cached files */
	fx_shutdown(&fx);
}

/* ---- the tree of processes, read by the embedder ---- */

static bool
saw_name(void *arg, const char *name, enum vkernel_proc_type type)
{
	char *list = arg;

	snprintf(list + strlen(list), 2048 - strlen(list), "%s%c ", name,
	    "f/@"[type]);
	return (true);
}

static void
test_proc_access(void **state)
{
	uint64_t at, word = 0, text_at;
	char list[2048] = "", buf[256];
	int pid, status;
	size_t done;

	atomic_store(&release, false);
	fx.prog[0] = prog_wait;
	fx_boot(&fx);
	pid = fx_spawn(&fx, 0);
	assert_int_equal(pid, 1);
	host_sleep_ns(5000000);
	assert_int_equal(vkernel_proc_list(fx.k, "", saw_name, list), 0);
	assert_non_null(strstr(list, "1/ "));
	assert_non_null(strstr(list, "self@ "));
	assert_non_null(strstr(list, "meminfof "));
	list[0] = '\0';
	assert_int_equal(vkernel_proc_list(fx.k, "/1", saw_name, list), 0);
	assert_non_null(strstr(list, "memf "));
	assert_non_null(strstr(list, "exe@ "));
	assert_int_equal(
	    vkernel_proc_read(fx.k, "1/exe", 0, buf, sizeof(buf), &done), 0);
	assert_int_equal(done, 7);
	assert_memory_equal(buf, "/bin/p0", 7);
	assert_int_equal(vkernel_proc_read(fx.k, "1/exe", 5, buf, 2, &done), 0);
	assert_memory_equal(buf, "p0", 2);
	assert_int_equal(
	    vkernel_proc_read(fx.k, "1/maps", 0, buf, sizeof(buf), &done), 0);
	assert_int_equal(sscanf(buf, "%lx-%lx", &text_at, &at), 2);
	/* Memory, including text that its owner may not write. */
	assert_int_equal(
	    vkernel_proc_read(fx.k, "1/mem", text_at, &word, 4, &done), 0);
	assert_memory_equal(&word, "\177ELF", 4);
	assert_int_equal(
	    vkernel_proc_write(fx.k, "1/mem", text_at, "abcd", 4, &done), 0);
	assert_int_equal(done, 4);
	assert_int_equal(
	    vkernel_proc_read(fx.k, "1/mem", text_at, &word, 4, &done), 0);
	assert_memory_equal(&word, "abcd", 4);
	assert_int_equal(
	    vkernel_proc_read(fx.k, "1/mem", 4096, &word, 4, &done), EIO);
	/* No path leads out of the tree, and read-only files are not
	 * written. */
	assert_int_equal(
	    vkernel_proc_read(fx.k, "1/root/bin/p0", 0, buf, 1, &done),
	    ENOTDIR);
	assert_int_equal(
	    vkernel_proc_read(fx.k, "../bin/p0", 0, buf, 1, &done), ENOENT);
	assert_int_equal(
	    vkernel_proc_read(fx.k, "self/mem", 0, buf, 1, &done), ENOTDIR);
	assert_int_equal(
	    vkernel_proc_read(fx.k, "1", 0, buf, 1, &done), EISDIR);
	assert_int_equal(
	    vkernel_proc_read(fx.k, "77/maps", 0, buf, 1, &done), ENOENT);
	assert_int_equal(
	    vkernel_proc_list(fx.k, "1/maps", saw_name, list), ENOTDIR);
	assert_int_equal(
	    vkernel_proc_write(fx.k, "1/maps", 0, "x", 1, &done), EACCES);
	assert_int_equal(
	    vkernel_proc_write(fx.k, "1/exe", 0, "x", 1, &done), EACCES);
	assert_int_equal(
	    vkernel_proc_read(NULL, "1/exe", 0, buf, 1, &done), EINVAL);
	atomic_store(&release, true);
	assert_int_equal(vkernel_wait(fx.k, pid, &status), 0);
	assert_int_equal(
	    vkernel_proc_read(fx.k, "1/exe", 0, buf, 1, &done), ENOENT);
	fx_shutdown(&fx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    FX_TEST(test_procfs),
	    FX_TEST(test_proc_access),
	    FX_TEST(test_zombie_texts),
	    FX_TEST(test_config),
	    FX_TEST(test_mounts),
	    FX_TEST(test_rw_link),
	    FX_TEST(test_spawn),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
