/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The host boundary: memory (host_linux and host_fake), threads, futexes, time,
 * files, and spawning of images.  The images are a program of a few system
 * calls, assembled here, and a static busybox if the host has one.
 */
#include "host/host.h"
#include "abi/poll.h"
#include "abi/stat.h"
#include "host/host_fake.h"
#include "host/host_file.h"

#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define PG 4096
#define MS UINT64_C(1000000)

static int base_fds;

static int
count_base(void **state)
{
	base_fds = host_count_fds();
	return (0);
}

/* Teardown of every test: no descriptor may be left open. */
static int
check_fds(void **state)
{
	return (host_count_fds() == base_fds ? 0 : -1);
}

/* ---- memory ---- */

static bool
is_zero(const unsigned char *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (p[i] != 0)
			return (false);
	}
	return (true);
}

/* The arena grows, new memory is zero, and shrinking gives the memory back. */
static void
arena_sizes(struct host h, int fd, unsigned char *p, size_t size)
{
	struct stat st;

	assert_int_equal(h.ops->arena_resize(h.self, fd, p, size + 8 * PG), 0);
	assert_true(is_zero(p + size, 8 * PG));
	memset(p + size, 5, 8 * PG);
	assert_int_equal(h.ops->arena_resize(h.self, fd, p, size), 0);
	if (fd < 0)
		return;
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, size);
	assert_int_equal(h.ops->arena_resize(h.self, fd, p, size + 8 * PG), 0);
	assert_true(is_zero(p + size, 8 * PG));
}

static void
memory_contract(struct host h)
{
	const size_t size = 64 * PG;
	unsigned char *p;
	void *v, *alias;
	int fd;

	assert_int_equal(h.ops->mem_alloc(h.self, 3 * PG, &v), 0);
	assert_true(is_zero(v, 3 * PG));
	memset(v, 1, 3 * PG);
	h.ops->mem_free(h.self, v, 3 * PG);

	assert_int_equal(
	    h.ops->arena_create(h.self, size, size + 8 * PG, &fd, &v), 0);
	p = v;
	assert_true(is_zero(p, size));
	memset(p, 0xee, size);
	if (fd >= 0) {
		assert_int_equal(
		    host_map_shared(fd, 8 * PG, 8 * PG, &alias), 0);
		assert_int_equal(*(unsigned char *)alias, 0xee);
	}
	h.ops->arena_discard(h.self, fd, v, 8 * PG, 8 * PG);
	assert_true(is_zero(p + 8 * PG, 8 * PG));
	assert_int_equal(p[8 * PG - 1], 0xee);
	assert_int_equal(p[16 * PG], 0xee);
	if (fd >= 0) {
		assert_true(is_zero(alias, 8 * PG));
		p[9 * PG] = 3;
		assert_int_equal(((unsigned char *)alias)[PG], 3);
		host_unmap(alias, 8 * PG);
	}
	h.ops->arena_populate(h.self, v, 8 * PG, 8 * PG);
	assert_true(is_zero(p + 10 * PG, 6 * PG)); /* nothing is changed */
	assert_int_equal(p[16 * PG], 0xee);
	arena_sizes(h, fd, v, size);
	h.ops->arena_destroy(h.self, fd, v, size + 8 * PG);
}

static void
test_memory(void **state)
{
	struct host_fake f = {0};

	memory_contract(host_linux());
	memory_contract(host_fake(&f));
	assert_int_equal(f.live, 0);
	assert_int_equal(f.calls, 4);
}

static void
test_fake_refusals(void **state)
{
	struct host_fake f = {0};
	struct host h = host_fake(&f);
	void *p[6] = {0}, *mark = &f;
	int fd = 77;

	f.fail_at = 2;
	assert_int_equal(h.ops->mem_alloc(h.self, PG, &p[0]), 0);
	p[1] = mark;
	assert_int_equal(h.ops->mem_alloc(h.self, PG, &p[1]), ENOMEM);
	assert_ptr_equal(p[1], mark);
	assert_int_equal(h.ops->mem_alloc(h.self, 2 * PG, &p[1]), 0);
	assert_int_equal(f.live, 3 * PG);
	f.fail_at = 4;
	assert_int_equal(
	    h.ops->arena_create(h.self, PG, PG, &fd, &p[2]), ENOMEM);
	assert_int_equal(fd, 77);
	h.ops->mem_free(h.self, p[0], PG);
	h.ops->mem_free(h.self, p[1], 2 * PG);
	assert_int_equal(f.live, 0);
	f = (struct host_fake){.fail_every = 3};
	for (int i = 0; i < 6; i++)
		assert_int_equal(h.ops->mem_alloc(h.self, PG, &p[i]),
		    i % 3 == 2 ? ENOMEM : 0);
	for (int i = 0; i < 6; i++) {
		if (i % 3 != 2)
			h.ops->mem_free(h.self, p[i], PG);
	}
	assert_int_equal(f.live, 0);
	assert_int_equal(f.calls, 6);
}

/* ---- threads, futexes, time ---- */

struct pingpong {
	_Atomic(uint32_t) word;
	_Atomic(uint32_t) done;
	int rounds;
	bool shared, blocked;
};

static void
pong(void *arg)
{
	struct pingpong *p = arg;
	sigset_t set;

	pthread_sigmask(SIG_SETMASK, NULL, &set);
	p->blocked =
	    sigismember(&set, SIGINT) == 1 && sigismember(&set, SIGUSR1) == 1;
	for (int i = 0; i < p->rounds; i++) {
		while (p->word != 1)
			host_futex_wait(&p->word, 0, UINT64_MAX, p->shared);
		p->word = 0;
		host_futex_wake(&p->word, 1, p->shared);
	}
	p->done = 1;
	host_futex_wake(&p->done, 1, p->shared);
}

static void
ping(struct pingpong *p)
{
	for (int i = 0; i < p->rounds; i++) {
		p->word = 1;
		host_futex_wake(&p->word, 1, p->shared);
		while (p->word != 0)
			host_futex_wait(&p->word, 1, UINT64_MAX, p->shared);
	}
}

static void
test_thread_futex(void **state)
{
	/* Static, because the detached thread wakes `done` after this function
	 * may have returned. */
	static struct pingpong p = {.rounds = 1000};
	struct host_thread *t;

	for (int shared = 0; shared < 2; shared++) {
		p.shared = shared;
		assert_int_equal(
		    host_thread_create(&t, "a name that is too long", pong, &p),
		    0);
		ping(&p);
		host_thread_join(t);
		assert_true(p.blocked);
	}
	p.done = 0;
	assert_int_equal(host_thread_create(&t, "detached", pong, &p), 0);
	host_thread_detach(t);
	ping(&p);
	while (p.done == 0)
		host_futex_wait(&p.done, 0, UINT64_MAX, p.shared);
}

static void
test_futex_timeout(void **state)
{
	_Atomic(uint32_t) word = 4;
	uint64_t start = host_now_ns();

	assert_int_equal(host_futex_wait(&word, 5, UINT64_MAX, false), 0);
	assert_int_equal(host_futex_wait(&word, 4, 3 * MS, false), ETIMEDOUT);
	assert_true(host_now_ns() - start >= 3 * MS);
	assert_int_equal(host_futex_wake(&word, 1, true), 0);
}

static void
test_cpus(void **state)
{
	int cpus[512], n, ncpu = host_ncpu();

	n = host_cpus(cpus, 512);
	assert_true(n >= 1);
	assert_true(n == ncpu || n == 512);
	assert_int_equal(host_setaffinity(0, cpus[n - 1]), 0);
	assert_int_equal(host_getcpu(), cpus[n - 1]);
	assert_int_equal(host_ncpu(), ncpu);
	assert_int_equal(host_setaffinity(host_gettid(), -1), 0);
	assert_int_equal(host_setaffinity(0, 1 << 20), EINVAL);
	host_yield();
}

static void
test_time(void **state)
{
	uint64_t a = host_now_ns(), ns;
	unsigned char r1[300], r2[300] = {0};

	host_sleep_ns(2 * MS);
	assert_true(host_now_ns() - a >= 2 * MS);
	assert_true(host_realtime_ns() > UINT64_C(1600000000000000000));
	assert_int_equal(host_clock_get(CLOCK_MONOTONIC, &ns), 0);
	assert_true(ns > a);
	assert_int_equal(host_clock_res(CLOCK_MONOTONIC, &ns), 0);
	assert_true(ns >= 1);
	assert_int_equal(host_clock_get(1000, &ns), EINVAL);
	host_random(r1, sizeof(r1));
	host_random(r2, sizeof(r2));
	assert_memory_not_equal(r1, r2, sizeof(r1));
}

/* ---- files ---- */

static char dir_name[64];
static int dir_fd = -1;

static int
dir_setup(void **state)
{
	count_base(state);
	snprintf(dir_name, sizeof(dir_name), "/tmp/vmspace-test.XXXXXX");
	if (mkdtemp(dir_name) == NULL)
		return (-1);
	return (host_openat(
	    AT_FDCWD, dir_name, O_RDONLY | O_DIRECTORY, 0, &dir_fd));
}

static int
dir_teardown(void **state)
{
	host_close(dir_fd);
	if (rmdir(dir_name) != 0)
		return (-1);
	return (check_fds(state));
}

static void
test_file_io(void **state)
{
	char a[8], b[8], text[] = "hello, world";
	struct host_iovec iov[2] = {{a, 5}, {b, 8}};
	struct host_stat st;
	uint64_t pos;
	size_t n;
	int fd, fd2, fl;

	assert_int_equal(host_openat(dir_fd, "none", O_RDONLY, 0, &fd), ENOENT);
	assert_int_equal(
	    host_openat(dir_fd, "f", O_RDWR | O_CREAT | O_EXCL, 0600, &fd), 0);
	assert_int_equal(host_pwrite_full(fd, text, 12, 100), 0);
	assert_int_equal(host_preadv(fd, iov, 2, 100, &n), 0);
	assert_int_equal(n, 12);
	assert_memory_equal(a, "hello", 5);
	assert_memory_equal(b, ", world", 7);
	assert_int_equal(host_pwritev(fd, iov, 1, 0, &n), 0);
	assert_int_equal(n, 5);
	assert_int_equal(host_lseek(fd, -2, SEEK_END, &pos), 0);
	assert_int_equal(pos, 110);
	assert_int_equal(host_read(fd, a, 8, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(host_write(fd, "!", 1, &n), 0);
	assert_int_equal(host_pread_full(fd, a, 8, 110, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(host_fstat(fd, &st), 0);
	assert_int_equal(st.size, 113);
	assert_int_equal(st.mode, LX_S_IFREG | 0600);
	assert_int_equal(st.nlink, 1);
	assert_true(st.mtime_ns > INT64_C(1600000000) * 1000000000);
	assert_int_equal(host_ftruncate(fd, 4096), 0);
	assert_int_equal(host_fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 8192), 0);
	assert_int_equal(host_fsync(fd), 0);
	assert_int_equal(host_fdatasync(fd), 0);
	assert_int_equal(host_dup_min(fd, 200, &fd2), 0);
	assert_true(fd2 >= 200);
	assert_int_equal(host_getfl(fd2, &fl), 0);
	assert_int_equal(fl & O_ACCMODE, O_RDWR);
	assert_int_equal(host_setfl(fd2, O_APPEND), 0);
	assert_int_equal(host_close(fd2), 0);
	assert_int_equal(host_close(fd2), EBADF);
	assert_false(host_isatty(fd));
	assert_int_equal(host_close(fd), 0);
	assert_int_equal(host_unlinkat(dir_fd, "f", 0), 0);
}

/* Attributes and links through an O_PATH descriptor. */
static void
test_file_opath(void **state)
{
	struct host_stat st, st2;
	struct host_statfs sf;
	int fd, fd2;

	assert_int_equal(
	    host_openat(dir_fd, "f", O_WRONLY | O_CREAT, 0600, &fd), 0);
	assert_int_equal(host_close(fd), 0);
	assert_int_equal(host_openat(dir_fd, "f", O_PATH, 0, &fd), 0);
	assert_int_equal(host_fchmod(fd, 0640), 0);
	assert_int_equal(host_fchmod(9999, 0640), EBADF);
	assert_int_equal(host_futimens(fd, -1500000000, HOST_TIME_OMIT), 0);
	assert_int_equal(host_fchown(fd, UINT32_MAX, UINT32_MAX), 0);
	assert_int_equal(host_fstat(fd, &st), 0);
	assert_int_equal(st.mode & 07777, 0640);
	assert_int_equal(st.atime_ns, -1500000000);
	assert_int_equal(host_linkat(fd, "", dir_fd, "g", 0), 0);
	assert_int_equal(host_fstatat(dir_fd, "g", 0, &st2), 0);
	assert_int_equal(st2.ino, st.ino);
	assert_int_equal(st2.nlink, 2);
	assert_int_equal(host_unlinkat(dir_fd, "f", 0), 0);
	assert_int_equal(host_reopen(fd, O_RDWR | O_NOFOLLOW, &fd2), 0);
	assert_int_equal(host_pwrite_full(fd2, "x", 1, 0), 0);
	assert_int_equal(host_fstatfs(fd2, &sf), 0);
	assert_true(sf.bsize > 0 && sf.namelen >= 255);
	assert_int_equal(host_close(fd2), 0);
	assert_int_equal(host_close(fd), 0);
	assert_int_equal(host_fchmodat(dir_fd, "g", 0600, 0), 0);
	assert_int_equal(host_faccessat(dir_fd, "g", R_OK, AT_EACCESS), 0);
	assert_int_equal(host_faccessat(dir_fd, "f", F_OK, 0), ENOENT);
	assert_int_equal(host_utimensat(dir_fd, "g", HOST_TIME_NOW, 5, 0), 0);
	assert_int_equal(host_fstatat(dir_fd, "g", 0, &st), 0);
	assert_int_equal(st.mtime_ns, 5);
	assert_int_equal(host_unlinkat(dir_fd, "g", 0), 0);
}

static void
test_file_names(void **state)
{
	char buf[1024];
	struct host_stat st;
	size_t n;
	int error, fd;

	assert_int_equal(host_mkdirat(dir_fd, "d", 0700), 0);
	assert_int_equal(host_mkdirat(dir_fd, "d", 0700), EEXIST);
	assert_int_equal(host_symlinkat("../..", dir_fd, "d/up"), 0);
	assert_int_equal(
	    host_readlinkat(dir_fd, "d/up", buf, sizeof(buf), &n), 0);
	assert_int_equal(n, 5);
	assert_int_equal(
	    host_fstatat(dir_fd, "d/up", AT_SYMLINK_NOFOLLOW, &st), 0);
	assert_int_equal(st.mode & LX_S_IFMT, LX_S_IFLNK);
	error = host_openat2_beneath(dir_fd, "d/up", O_RDONLY, 0600, 0, &fd);
	assert_true(error == EXDEV || error == ENOSYS);
	if (error != ENOSYS) {
		assert_int_equal(host_openat2_beneath(dir_fd, "d",
				     O_RDONLY | O_DIRECTORY, 0, 0, &fd),
		    0);
		assert_int_equal(host_close(fd), 0);
	}
	assert_int_equal(
	    host_mknodat(dir_fd, "d/fifo", LX_S_IFIFO | 0600, 0), 0);
	assert_int_equal(host_renameat(dir_fd, "d/fifo", dir_fd, "d/up", 1),
	    EEXIST); /* RENAME_NOREPLACE */
	assert_int_equal(host_renameat(dir_fd, "d/fifo", dir_fd, "d/up", 0), 0);
	assert_int_equal(host_getdents(dir_fd, buf, sizeof(buf), &n), 0);
	assert_true(n > 0);
	assert_int_equal(host_getdents(dir_fd, buf, sizeof(buf), &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(host_unlinkat(dir_fd, "d", 0), EISDIR);
	assert_int_equal(host_unlinkat(dir_fd, "d/up", 0), 0);
	assert_int_equal(host_unlinkat(dir_fd, "d", AT_REMOVEDIR), 0);
}

static void
test_pipe_poll(void **state)
{
	struct host_pollfd pfd[2] = {0};
	struct flock fl = {.l_type = F_WRLCK};
	uint64_t start;
	size_t n;
	long ret;
	char c;
	int fds[2], efd, mfd, ready = -1, avail = 0;

	assert_int_equal(host_pipe(O_NONBLOCK, fds), 0);
	assert_int_equal(host_eventfd(0, O_NONBLOCK, &efd), 0);
	pfd[0] = (struct host_pollfd){.fd = fds[0], .events = LX_POLLIN};
	pfd[1] = (struct host_pollfd){.fd = efd, .events = LX_POLLIN};
	assert_int_equal(host_read(fds[0], &c, 1, &n), EAGAIN);
	start = host_now_ns();
	assert_int_equal(host_poll(pfd, 2, 2 * MS, &ready), 0);
	assert_int_equal(ready, 0);
	assert_true(host_now_ns() - start >= 2 * MS);
	assert_int_equal(host_eventfd_signal(efd), 0);
	assert_int_equal(host_poll(pfd, 2, UINT64_MAX, &ready), 0);
	assert_int_equal(ready, 1);
	assert_int_equal(pfd[1].revents, LX_POLLIN);
	assert_int_equal(host_eventfd_drain(efd), 0);
	assert_int_equal(host_eventfd_drain(efd), 0);
	assert_int_equal(host_write(fds[1], "abc", 3, &n), 0);
	assert_int_equal(host_ioctl(fds[0], 0x541b, &avail, &ret), 0);
	assert_int_equal(avail, 3); /* FIONREAD */
	assert_int_equal(host_close(fds[1]), 0);
	assert_int_equal(host_poll(pfd, 2, 0, &ready), 0);
	assert_int_equal(pfd[0].revents, LX_POLLIN | LX_POLLHUP);
	assert_int_equal(host_pipe_size(fds[0], &n), 0);
	assert_true(n >= PG);
	assert_int_equal(host_memfd("lock", PG, &mfd), 0);
	assert_int_equal(host_lock(mfd, F_SETLK, &fl), 0);
	assert_int_equal(host_flock(mfd, LOCK_EX | LOCK_NB), 0);
	host_close(mfd);
	host_close(efd);
	host_close(fds[0]);
}

/* ---- processes ---- */

/*
 * write(0, "A", 1); write(1, "B", 1); then n = read(2, stack, 1);
 * exit(n + 40)
 */
static const unsigned char tiny_code[] = {
    0xb8, 1, 0, 0, 0,  /* mov eax, SYS_write */
    0x31, 0xff,        /* xor edi, edi */
    0x6a, 0x41,        /* push 'A' */
    0x48, 0x89, 0xe6,  /* mov rsi, rsp */
    0xba, 1, 0, 0, 0,  /* mov edx, 1 */
    0x0f, 0x05,        /* syscall */
    0xb8, 1, 0, 0, 0,  /* mov eax, SYS_write */
    0xbf, 1, 0, 0, 0,  /* mov edi, 1 */
    0x6a, 0x42,        /* push 'B' */
    0x48, 0x89, 0xe6,  /* mov rsi, rsp */
    0x0f, 0x05,        /* syscall */
    0x31, 0xc0,        /* xor eax, eax (SYS_read) */
    0xbf, 2, 0, 0, 0,  /* mov edi, 2 */
    0x48, 0x89, 0xe6,  /* mov rsi, rsp */
    0x0f, 0x05,        /* syscall */
    0x8d, 0x78, 0x28,  /* lea edi, [rax + 40] */
    0xb8, 60, 0, 0, 0, /* mov eax, SYS_exit */
    0x0f, 0x05,        /* syscall */
};

struct tiny {
	Elf64_Ehdr eh;
	Elf64_Phdr ph;
	unsigned char code[sizeof(tiny_code)];
};

static struct tiny
tiny_image(void)
{
	const Elf64_Addr at = 0x400000;
	struct tiny t = {
	    .eh = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
		       ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_entry = at + offsetof(struct tiny, code),
		.e_phoff = offsetof(struct tiny, ph),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 1},
	    .ph = {.p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_vaddr = at,
		.p_filesz = sizeof(struct tiny),
		.p_memsz = sizeof(struct tiny),
		.p_align = PG},
	};

	memcpy(t.code, tiny_code, sizeof(tiny_code));
	return (t);
}

static void
test_spawn_tiny(void **state)
{
	struct tiny t = tiny_image();
	char *argv[] = {(char *)(uintptr_t) "tiny", NULL};
	int p0[2], p1[2], p2[2], fds[3], pid = -1, st, pfd;
	size_t n;
	char c;

	assert_int_equal(host_pipe(0, p0), 0);
	assert_int_equal(host_pipe(0, p1), 0);
	assert_int_equal(host_pipe(0, p2), 0);
	fds[0] = p0[1];
	fds[1] = p1[1];
	fds[2] = p2[0];
	assert_int_equal(
	    host_spawn_image(&t, sizeof(t), argv, fds, 3, &pid), 0);
	assert_int_equal(host_close(p0[1]), 0);
	assert_int_equal(host_close(p1[1]), 0);
	assert_int_equal(host_read(p0[0], &c, 1, &n), 0);
	assert_int_equal(n == 1 ? c : 0, 'A');
	assert_int_equal(host_read(p1[0], &c, 1, &n), 0);
	assert_int_equal(n == 1 ? c : 0, 'B');
	assert_int_equal(host_reap(pid, false, &st), EAGAIN);
	assert_int_equal(host_pidfd_open(pid, &pfd), 0);
	/* The child has no write end of its own input, so that closing ours is
	 * an end of file for it. */
	assert_int_equal(host_close(p2[1]), 0);
	assert_int_equal(host_reap(pid, true, &st), 0);
	assert_true(WIFEXITED(st) && WEXITSTATUS(st) == 40);
	assert_int_equal(host_reap(pid, true, &st), ECHILD);
	host_close(pfd);
	host_close(p0[0]);
	host_close(p1[0]);
	host_close(p2[0]);
}

/* In a child of the test: spawn with its descriptors 0..2 as sources. */
static int
spawn_overlap_child(int w0, int w1, int r2)
{
	struct tiny t = tiny_image();
	char *argv[] = {(char *)(uintptr_t) "tiny", NULL};
	int fds[3] = {2, 0, 1}, pid, st;

	/* target 0 <- 2, target 1 <- 0, target 2 <- 1 */
	dup2(w0, 2);
	dup2(w1, 0);
	dup2(r2, 1);
	close(w0);
	close(w1);
	close(r2);
	if (host_spawn_image(&t, sizeof(t), argv, fds, 3, &pid) != 0 ||
	    host_reap(pid, true, &st) != 0 || !WIFEXITED(st))
		return (1);
	return (WEXITSTATUS(st));
}

static void
test_spawn_overlap(void **state)
{
	int p0[2], p1[2], p2[2], st;
	size_t n;
	char c;
	pid_t pid;

	assert_int_equal(host_pipe(0, p0), 0);
	assert_int_equal(host_pipe(0, p1), 0);
	assert_int_equal(host_pipe(0, p2), 0);
	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(spawn_overlap_child(p0[1], p1[1], p2[0]));
	assert_int_equal(host_write(p2[1], "z", 1, &n), 0);
	assert_int_equal(host_read(p0[0], &c, 1, &n), 0);
	assert_int_equal(c, 'A');
	assert_int_equal(host_read(p1[0], &c, 1, &n), 0);
	assert_int_equal(c, 'B');
	assert_int_equal(host_reap(pid, true, &st), 0);
	assert_true(WIFEXITED(st) && WEXITSTATUS(st) == 41);
	for (int i = 0; i < 2; i++) {
		host_close(p0[i]);
		host_close(p1[i]);
		host_close(p2[i]);
	}
}

static void
test_spawn_kill(void **state)
{
	struct tiny t = tiny_image();
	char *argv[] = {(char *)(uintptr_t) "tiny", NULL};
	char status[4096];
	int out[2], in[2], fds[3], pid, st;
	size_t n;

	assert_int_equal(host_pipe(0, out), 0);
	assert_int_equal(host_pipe(0, in), 0);
	fds[0] = fds[1] = out[1];
	fds[2] = in[0];
	signal(SIGUSR2, SIG_IGN); /* an exec keeps SIG_IGN */
	assert_int_equal(
	    host_spawn_image(&t, sizeof(t), argv, fds, 3, &pid), 0);
	signal(SIGUSR2, SIG_DFL);
	assert_int_equal(
	    host_proc_read(pid, "status", status, sizeof(status), &n), 0);
	assert_non_null(strstr(status, "SigBlk:\t0000000000000000"));
	assert_non_null(strstr(status, "SigIgn:\t0000000000000000"));
	assert_non_null(strstr(status, "NoNewPrivs:\t1"));
	assert_int_equal(getsid(pid), pid);
	assert_int_equal(host_tgkill(pid, pid, 0), 0);
	assert_int_equal(host_kill(pid, SIGUSR2), 0);
	assert_int_equal(host_reap(pid, true, &st), 0);
	assert_true(WIFSIGNALED(st) && WTERMSIG(st) == SIGUSR2);
	for (int i = 0; i < 2; i++) {
		host_close(out[i]);
		host_close(in[i]);
	}
}

static void
test_spawn_errors(void **state)
{
	static const char junk[] = "not an executable";
	struct tiny t = tiny_image();
	char *argv[] = {(char *)(uintptr_t) "x", NULL};
	int bad = 9999, pid = -5, st;

	assert_int_equal(
	    host_spawn_image(junk, sizeof(junk), argv, NULL, 0, &pid), ENOEXEC);
	assert_int_equal(
	    host_spawn_image(&t, sizeof(t), argv, &bad, 1, &pid), EBADF);
	assert_int_equal(
	    host_spawn_image(&t, sizeof(t), argv, &bad, -1, &pid), EINVAL);
	assert_int_equal(pid, -5);
	assert_int_equal(host_reap(-1, false, &st), ECHILD); /* none left */
}

static void
spawner(void *arg)
{
	struct tiny t = tiny_image();
	char *argv[] = {(char *)(uintptr_t) "tiny", NULL};
	_Atomic(uint32_t) *good = arg;
	int out[2], in[2], fds[3], pid, st;

	if (host_pipe(0, out) != 0 || host_pipe(0, in) != 0)
		return;
	fds[0] = fds[1] = out[1];
	fds[2] = in[0];
	for (int i = 0; i < 20; i++) {
		if (host_spawn_image(&t, sizeof(t), argv, fds, 3, &pid) == 0 &&
		    host_kill(pid, SIGKILL) == 0 &&
		    host_reap(pid, true, &st) == 0 && WIFSIGNALED(st))
			++*good;
	}
	for (int i = 0; i < 2; i++) {
		host_close(out[i]);
		host_close(in[i]);
	}
}

static void
test_spawn_threads(void **state)
{
	struct host_thread *t[4];
	_Atomic(uint32_t) good = 0;

	for (int i = 0; i < 4; i++)
		assert_int_equal(
		    host_thread_create(&t[i], "spawner", spawner, &good), 0);
	for (int i = 0; i < 4; i++)
		host_thread_join(t[i]);
	assert_int_equal(good, 80);
}

/* A real program, which also lists the descriptors that it inherited. */
static void
test_spawn_busybox(void **state)
{
	char *argv[] = {(char *)(uintptr_t) "ls", (char *)(uintptr_t) "-1",
	    (char *)(uintptr_t) "/proc/self/fd", NULL};
	struct host_stat st;
	char out[256] = {0};
	size_t n, len = 0;
	void *image;
	int fd, nul, p[2], fds[3], pid, status;

	if (host_openat(AT_FDCWD, "/bin/busybox", O_RDONLY, 0, &fd) != 0)
		skip();
	assert_int_equal(host_fstat(fd, &st), 0);
	image = malloc(st.size);
	assert_non_null(image);
	assert_int_equal(host_pread_full(fd, image, st.size, 0, &n), 0);
	assert_int_equal(host_close(fd), 0);
	assert_int_equal(
	    host_openat(AT_FDCWD, "/dev/null", O_RDWR, 0, &nul), 0);
	assert_int_equal(host_pipe(0, p), 0);
	fds[0] = fds[2] = nul;
	fds[1] = p[1];
	assert_int_equal(
	    host_spawn_image(image, st.size, argv, fds, 3, &pid), 0);
	free(image);
	host_close(p[1]);
	host_close(nul);
	while (len < sizeof(out) - 1 &&
	       host_read(p[0], out + len, sizeof(out) - 1 - len, &n) == 0 &&
	       n > 0)
		len += n;
	host_close(p[0]);
	assert_int_equal(host_reap(pid, true, &status), 0);
	/* 3 is the directory that ls reads. */
	assert_string_equal(out, "0\n1\n2\n3\n");
	assert_int_equal(status, 0);
}

static void
test_misc(void **state)
{
	uint32_t uid, euid, gid, egid;
	char small[8];
	size_t n;

	host_ids(&uid, &euid, &gid, &egid);
	assert_int_equal(uid, getuid());
	assert_int_equal(egid, getegid());
	assert_int_equal(
	    host_proc_read(host_getpid(), "status", small, 8, &n), 0);
	assert_int_equal(n, 7);
	assert_string_equal(small, "Name:\tu");
	assert_int_equal(
	    host_proc_read(host_getpid(), "none", small, 8, &n), ENOENT);
	host_raise_nofile();
	assert_true(host_count_fds() >= 3);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, count_base, check_fds)
#define D(f) cmocka_unit_test_setup_teardown(f, dir_setup, dir_teardown)
	const struct CMUnitTest tests[] = {
	    T(test_memory),
	    T(test_fake_refusals),
	    T(test_thread_futex),
	    T(test_futex_timeout),
	    T(test_cpus),
	    T(test_time),
	    D(test_file_io),
	    D(test_file_opath),
	    D(test_file_names),
	    T(test_pipe_poll),
	    T(test_spawn_tiny),
	    T(test_spawn_overlap),
	    T(test_spawn_kill),
	    T(test_spawn_errors),
	    T(test_spawn_threads),
	    T(test_spawn_busybox),
	    T(test_misc),
	};

	return (cmocka_run_group_tests(tests, NULL, NULL));
}
