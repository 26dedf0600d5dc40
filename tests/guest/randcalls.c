/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Programs of random system calls: randcalls DIRECTORY SEED PROGRAMS CALLS.
 *
 * Program number i of a seed is always the same sequence of calls, on files of
 * a directory of its own, descriptors, pipes, sockets, epoll, memory, signals
 * and futexes.  Each call is printed with its result, and what it read as a
 * checksum.  The runner (tests/differential/run_random.py) compares what is
 * printed natively and inside.
 *
 * A call draws its arguments before it is made, so that the sequence does not
 * depend on results.  Nothing is printed that may differ between two correct
 * kernels: addresses, numbers of processes and inodes, times, orders that no
 * standard gives.  No call blocks: pipes and sockets are non-blocking, waits
 * have no time; a program that hangs is ended by SIGALRM.
 */
#include "guest.h"

#include <dirent.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#define SLOTS 12
#define MAPS 4
#define MAP_PAGES 6
#define BUF 20000
#define LEN(a) (sizeof(a) / sizeof((a)[0]))
#define PICK(a) ((a)[below(LEN(a))])

static uint64_t rng;
static int fds[SLOTS];
static char *maps[MAPS];
static char buf[BUF];
static int step;
static volatile sig_atomic_t caught[65];
static sigjmp_buf fault;
static volatile sig_atomic_t in_access;

static const char *const names[] = {
    "a", "b", "c", "D", "D/a", "D/b", "E", "E/c", "l", "D/l", "a/x", ""};

static uint64_t
below(uint64_t n)
{
	return (rnd_below(&rng, n));
}

static const char *
name(void)
{
	return (PICK(names));
}

/* A length or an offset: small, at a page, or large. */
static long
size(void)
{
	static const long near[] = {0, 1, 4095, 4096, 4097, 8192, 12288, 16384};

	switch (below(4)) {
	case 0:
		return (PICK(near));
	case 1:
		return ((long)below(20000));
	default:
		return ((long)below(300));
	}
}

static unsigned
sum(const char *p, long n)
{
	unsigned h = 2166136261u;

	for (long i = 0; i < n; i++)
		h = (h ^ (unsigned char)p[i]) * 16777619u;
	return (h);
}

/* Numbers of processes and times in what a signalfd has returned are no result
 * of the program. */
static void
forget_times(int fd, long r)
{
	char path[64], link[64] = "";

	if (r < 128 || r % 128 != 0)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (readlink(path, link, sizeof(link) - 1) < 0 ||
	    strcmp(link, "anon_inode:[signalfd]") != 0)
		return;
	for (long i = 0; i < r / 128; i++) {
		struct signalfd_siginfo *si =
		    (struct signalfd_siginfo *)(void *)buf + i;

		si->ssi_pid = 0;
		si->ssi_utime = si->ssi_stime = 0;
	}
}

/* ---- the report of a call ---- */

static long
report(const char *what, long a, long b, long c, long r)
{
	if (r == -1)
		say("%d %s(%ld, %ld, %ld) = %s", step, what, a, b, c,
		    strerror(errno));
	else
		say("%d %s(%ld, %ld, %ld) = %ld", step, what, a, b, c, r);
	return (r);
}

static long
report_data(const char *what, long a, long b, long c, long r)
{
	if (r <= 0)
		return (report(what, a, b, c, r));
	say("%d %s(%ld, %ld, %ld) = %ld, %08x", step, what, a, b, c, r,
	    sum(buf, r < BUF ? r : BUF));
	return (r);
}

static long
report_name(const char *what, const char *n, const char *m, long b, long r)
{
	if (r == -1)
		say("%d %s(%s, %s, %#lo) = %s", step, what, n, m, b,
		    strerror(errno));
	else
		say("%d %s(%s, %s, %#lo) = %ld", step, what, n, m, b, r);
	return (r);
}

/* ---- slots ---- */

static int
slot(void)
{
	return ((int)below(SLOTS));
}

/* Put a new descriptor into a slot; what is there is closed. */
static void
keep(int s, int fd)
{
	if (fd < 0)
		return;
	if (fds[s] >= 0 && fds[s] != fd)
		close(fds[s]);
	fds[s] = fd;
}

static void
fill(void)
{
	const unsigned v = (unsigned)below(1000);

	for (int i = 0; i < BUF; i++)
		buf[i] = (char)(v + (unsigned)i * 3 + (unsigned)i / 255);
}

/* ---- files ---- */

static void
do_open(void)
{
	static const int access[] = {O_RDONLY, O_WRONLY, O_RDWR, O_RDWR};
	static const int more[] = {O_CREAT, O_EXCL, O_TRUNC, O_APPEND,
	    O_DIRECTORY, O_NOFOLLOW, O_CLOEXEC, O_PATH};
	int flags = PICK(access) | O_NONBLOCK, s = slot(), fd;
	const char *n = name();
	mode_t mode = (mode_t)below(01000) | 0600;

	if (below(3) != 0)
		flags |= O_CREAT;
	for (unsigned i = 0; i < LEN(more); i++)
		if (below(8) == 0)
			flags |= more[i];
	/* Linux 6.4 has changed what these are together. */
	if ((flags & O_CREAT) != 0)
		flags &= ~O_DIRECTORY;
	fd = open(n, flags, mode);
	report_name("open", n, "", flags, fd);
	keep(s, fd);
}

static void
do_close(void)
{
	int s = slot();

	report("close", fds[s], 0, 0, close(fds[s]));
	fds[s] = -1;
}

static void
do_rw(void)
{
	int s = slot(), how = (int)below(6);
	long n = size(), off = size(), m = (long)below(300), r;
	struct iovec v[3] = {{buf, (size_t)m}, {buf + m, 0},
	    {buf + m, (size_t)(n + m < BUF ? n : 0)}};

	fill();
	switch (how) {
	case 0:
		/* No bytes of an inotify descriptor: EINVAL or EAGAIN. */
		n += n == 0;
		r = read(fds[s], buf, (size_t)n);
		forget_times(fds[s], r);
		report_data("read", fds[s], n, 0, r);
		break;
	case 1:
		report("write", fds[s], n, 0, write(fds[s], buf, (size_t)n));
		break;
	case 2:
		report_data("pread", fds[s], n, off,
		    pread(fds[s], buf, (size_t)n, off));
		break;
	case 3:
		report("pwrite", fds[s], n, off,
		    pwrite(fds[s], buf, (size_t)n, off));
		break;
	case 4:
		report_data("readv", fds[s], n, m, readv(fds[s], v, 3));
		break;
	default:
		report("writev", fds[s], n, m, writev(fds[s], v, 3));
	}
}

static void
do_seek(void)
{
	int s = slot(), whence = (int)below(6);
	long off = size() - (below(4) == 0 ? 5000 : 0);

	report("lseek", fds[s], off, whence, lseek(fds[s], off, whence));
}

static void
do_size(void)
{
	static const int modes[] = {0, 1, 2, 3, 8, 16, 17, 32, 64};
	int s = slot(), mode = PICK(modes);
	long a = size() - (below(8) == 0 ? 1 : 0), b = size();
	const char *n = name();

	switch (below(4)) {
	case 0:
		report("ftruncate", fds[s], a, 0, ftruncate(fds[s], a));
		break;
	case 1:
		report_name("truncate", n, "", a, truncate(n, a));
		break;
	default:
		/* Collapse, insert, and zeroing are not for all file systems.
		 */
		if (mode == 8 || (mode & 16) != 0 || mode == 32)
			mode = 0;
		report("fallocate", mode, a, b,
		    syscall(SYS_fallocate, fds[s], mode, a, b));
	}
}

static void
show_stat(const char *what, const char *n, int fd, int r, const struct stat *st)
{
	const bool dir = S_ISDIR(st->st_mode);

	if (r == -1)
		say("%d %s(%s, %d) = %s", step, what, n, fd, strerror(errno));
	else
		say("%d %s(%s, %d) = %o, %ld links, %ld bytes, %u:%u", step,
		    what, n, fd, st->st_mode, (long)st->st_nlink,
		    dir ? 0L : (long)st->st_size, st->st_uid, st->st_gid);
}

static void
do_stat(void)
{
	const char *n = name();
	struct stat st = {0};
	int s = slot();

	switch (below(3)) {
	case 0:
		show_stat("stat", n, 0, stat(n, &st), &st);
		break;
	case 1:
		show_stat("lstat", n, 0, lstat(n, &st), &st);
		break;
	default:
		show_stat("fstat", "", fds[s], fstat(fds[s], &st), &st);
	}
}

static void
do_names(void)
{
	const char *n = name(), *m = name();
	mode_t mode = (mode_t)below(01000);
	long r;

	/* Linux looks up the first name before it refuses an empty second. */
	if (m[0] == '\0')
		m = "c";

	switch (below(12)) {
	case 0:
		report_name("mkdir", n, "", mode | 0700, mkdir(n, mode | 0700));
		break;
	case 1:
		report_name("rmdir", n, "", 0, rmdir(n));
		break;
	case 2:
		report_name("unlink", n, "", 0, unlink(n));
		break;
	case 3:
		report_name("rename", n, m, 0, rename(n, m));
		break;
	case 4:
		r = syscall(SYS_renameat2, AT_FDCWD, n, AT_FDCWD, m, mode % 4);
		report_name("renameat2", n, m, mode % 4, r);
		break;
	case 5:
		report_name("link", n, m, 0, link(n, m));
		break;
	case 6:
		report_name("symlink", n, m, 0, symlink(n, m));
		break;
	case 7:
		r = readlink(n, buf, 100);
		report_name("readlink", n, "", 0, r);
		break;
	case 8:
		report_name("chmod", n, "", mode, chmod(n, mode));
		break;
	case 9:
		report_name("access", n, "", mode & 7, access(n, mode & 7));
		break;
	case 10:
		report_name("linkat", n, m, 0,
		    linkat(AT_FDCWD, n, AT_FDCWD, m, AT_SYMLINK_FOLLOW));
		break;
	default:
		report_name("unlinkat", n, "", 0,
		    unlinkat(AT_FDCWD, n, below(2) ? AT_REMOVEDIR : 0));
	}
}

static void
do_list(void)
{
	const char *n = name();
	DIR *d = opendir(n[0] != '\0' ? n : ".");
	unsigned count = 0, all = 0;
	struct dirent *e;

	if (d == NULL) {
		report_name("opendir", n, "", 0, -1);
		return;
	}
	while ((e = readdir(d)) != NULL) {
		count++;
		all += sum(e->d_name, (long)strlen(e->d_name)) ^ e->d_type;
	}
	say("%d readdir(%s) = %u, %08x", step, n, count, all);
	closedir(d);
}

/* ---- descriptors ---- */

static void
do_make(void)
{
	int s = slot(), t = slot(), pair[2] = {-1, -1}, r;
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
	int type = PICK(types), how = (int)below(6);

	switch (how) {
	case 0:
		r = pipe2(pair, O_NONBLOCK);
		report("pipe2", 0, pair[0], pair[1], r);
		break;
	case 1:
		r = socketpair(AF_UNIX, type | SOCK_NONBLOCK, 0, pair);
		report("socketpair", type, pair[0], pair[1], r);
		break;
	case 2:
		pair[0] = eventfd((unsigned)type, EFD_NONBLOCK);
		report("eventfd", type, 0, 0, pair[0]);
		break;
	case 3:
		pair[0] = epoll_create1(0);
		report("epoll_create1", 0, 0, 0, pair[0]);
		break;
	case 4:
		pair[0] = (int)syscall(SYS_memfd_create, "m", type % 2 * 2);
		report("memfd_create", type % 2 * 2, 0, 0, pair[0]);
		break;
	default:
		pair[0] = open(".", O_RDONLY | O_DIRECTORY);
		report("open_dir", 0, 0, 0, pair[0]);
	}
	keep(s, pair[0]);
	if (s != t)
		keep(t, pair[1]);
	else if (pair[1] >= 0)
		close(pair[1]);
}

static void
do_dup(void)
{
	int s = slot(), t = slot(), u = slot(), fd;

	switch (below(3)) {
	case 0:
		fd = dup(fds[s]);
		report("dup", fds[s], 0, 0, fd);
		keep(u, fd);
		break;
	case 1:
		fd = fcntl(fds[s], F_DUPFD, 20);
		report("dupfd", fds[s], 20, 0, fd);
		keep(u, fd);
		break;
	default:
		fd = fds[t] < 0 ? -1 : dup2(fds[s], fds[t]);
		if (fds[t] >= 0)
			report("dup2", fds[s], fds[t], 0, fd);
	}
}

static void
do_fcntl(void)
{
	int s = slot(), append = below(2) ? O_APPEND : 0, v = (int)below(3);
	struct flock l = {.l_type = (short)v, /* read, write, unlock */
	    .l_whence = SEEK_SET,
	    .l_start = size(),
	    .l_len = size()};
	static const int locks[] = {LOCK_SH, LOCK_EX, LOCK_UN};
	int r;

	switch (below(8)) {
	case 0:
		/* O_LARGEFILE is in it or not, as libc asks for it. */
		r = fcntl(fds[s], F_GETFL);
		report("getfl", fds[s], 0, 0, r < 0 ? r : r & ~0100000);
		break;
	case 1:
		report("setfl", fds[s], append, 0,
		    fcntl(fds[s], F_SETFL, append | O_NONBLOCK));
		break;
	case 2:
		report("getfd", fds[s], 0, 0, fcntl(fds[s], F_GETFD));
		break;
	case 3:
		report(
		    "setfd", fds[s], v & 1, 0, fcntl(fds[s], F_SETFD, v & 1));
		break;
	case 4:
		report(
		    "setlk", fds[s], v, l.l_start, fcntl(fds[s], F_SETLK, &l));
		break;
	case 5:
		r = fcntl(fds[s], F_GETLK, &l);
		report("getlk", fds[s], v, r == 0 ? l.l_type : -1, r);
		break;
	case 6:
		report("flock", fds[s], v, 0, flock(fds[s], PICK(locks) | 4));
		break;
	default:
		report("seals", fds[s], 1 << v, 0, fcntl(fds[s], 1033, 1 << v));
	}
}

static void
do_copy(void)
{
	int s = slot(), t = slot(), how = (int)below(4);
	long n = size(), r;
	off_t off = size(), o2 = size();

	switch (how) {
	case 0:
		r = sendfile(fds[s], fds[t], &off, (size_t)n);
		report("sendfile", fds[s], fds[t], n, r);
		break;
	case 1:
		r = syscall(SYS_copy_file_range, fds[s], &off, fds[t], &o2,
		    (size_t)n, 0);
		report("copy_file_range", fds[s], fds[t], n, r);
		break;
	case 2:
		r = splice(
		    fds[s], NULL, fds[t], NULL, (size_t)n, SPLICE_F_NONBLOCK);
		report("splice", fds[s], fds[t], n, r);
		break;
	default:
		r = tee(fds[s], fds[t], (size_t)n, SPLICE_F_NONBLOCK);
		report("tee", fds[s], fds[t], n, r);
	}
}

static void
do_sync(void)
{
	int s = slot(), left = -1, r;

	switch (below(3)) {
	case 0:
		report("fsync", fds[s], 0, 0, fsync(fds[s]));
		break;
	case 1:
		report("fdatasync", fds[s], 0, 0, fdatasync(fds[s]));
		break;
	default:
		r = ioctl(fds[s], FIONREAD, &left);
		/* Of an epoll descriptor since Linux 6.9. */
		if (r == -1 && errno == EINVAL)
			errno = ENOTTY;
		report("fionread", fds[s], left, 0, r);
	}
}

static void
do_socket(void)
{
	static const int flags[] = {
	    0, MSG_PEEK, MSG_TRUNC, MSG_PEEK | MSG_TRUNC, MSG_OOB, MSG_WAITALL};
	int s = slot(), f = PICK(flags), how = (int)below(3), v = -1, r;
	static const int options[] = {SO_TYPE, SO_DOMAIN, SO_ERROR,
	    SO_ACCEPTCONN, SO_PROTOCOL, SO_PASSCRED, SO_KEEPALIVE};
	int option = PICK(options);
	socklen_t len = sizeof(v);
	long n = size();

	switch (below(4)) {
	case 0:
		fill();
		report("send", fds[s], n, 0,
		    send(fds[s], buf, (size_t)n, MSG_NOSIGNAL));
		break;
	case 1:
		report_data("recv", fds[s], n, f,
		    recv(fds[s], buf, (size_t)n, f | MSG_DONTWAIT));
		break;
	case 2:
		report("shutdown", fds[s], how, 0, shutdown(fds[s], how));
		break;
	default:
		r = getsockopt(fds[s], SOL_SOCKET, option, &v, &len);
		report("getsockopt", fds[s], option, r == 0 ? v : -1, r);
	}
}

/* Sockets with names in the directory; each is closed as others are. */
static void
do_named(void)
{
	static const int types[] = {
	    SOCK_STREAM, SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
	static const char *const where[] = {"s1", "s2", "D/s", "a"};
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int s = slot(), t = slot(), type = PICK(types), fd, r;
	socklen_t len = sizeof(un);

	strcpy(un.sun_path, PICK(where));
	switch (below(6)) {
	case 0:
		fd = socket(AF_UNIX, type | SOCK_NONBLOCK, 0);
		report("socket", type, 0, 0, fd);
		keep(s, fd);
		break;
	case 1:
		r = bind(fds[s], (struct sockaddr *)&un, sizeof(un));
		report_name("bind", un.sun_path, "", fds[s], r);
		break;
	case 2:
		report("listen", fds[s], 3, 0, listen(fds[s], 3));
		break;
	case 3:
		r = connect(fds[s], (struct sockaddr *)&un, sizeof(un));
		report_name("connect", un.sun_path, "", fds[s], r);
		break;
	case 4:
		fd = accept4(fds[s], NULL, NULL, SOCK_NONBLOCK);
		report("accept4", fds[s], 0, 0, fd);
		keep(t, fd);
		break;
	default:
		memset(&un, 0, sizeof(un));
		r = type == SOCK_DGRAM
			? getpeername(fds[s], (struct sockaddr *)&un, &len)
			: getsockname(fds[s], (struct sockaddr *)&un, &len);
		/* A name that was chosen by the kernel is random. */
		if (r == 0 && len > 2 && un.sun_path[0] == '\0')
			len = 2;
		report_name("name", len > 2 ? un.sun_path : "-", "", fds[s], r);
	}
}

static void
do_inotify(void)
{
	static const uint32_t masks[] = {
	    0xfff, 0x2, 0x100, 0x3c0, 0x1000002, 0};
	int s = slot(), t = slot(), fd;
	uint32_t mask = PICK(masks);
	const char *n = name();
	long r;

	switch (below(4)) {
	case 0:
		fd = (int)syscall(SYS_inotify_init1, O_NONBLOCK);
		report("inotify_init1", 0, 0, 0, fd);
		keep(s, fd);
		break;
	case 1:
		report_name("inotify_add_watch", n, "", mask,
		    syscall(SYS_inotify_add_watch, fds[s], n, mask));
		break;
	case 2:
		report("inotify_rm_watch", fds[s], (long)mask % 4, 0,
		    syscall(SYS_inotify_rm_watch, fds[s], (int)mask % 4));
		break;
	default:
		/* Cookies of renames differ: not the data. */
		r = read(fds[t], buf, BUF);
		report("read_all", fds[t], 0, 0, r);
	}
}

static void
do_poll(void)
{
	struct pollfd p[SLOTS];
	struct epoll_event ev[SLOTS], e = {0};
	static const int ops[] = {
	    EPOLL_CTL_ADD, EPOLL_CTL_ADD, EPOLL_CTL_MOD, EPOLL_CTL_DEL};
	static const uint32_t bits[] = {EPOLLIN, EPOLLOUT, EPOLLIN | EPOLLOUT,
	    EPOLLIN | EPOLLET, EPOLLOUT | EPOLLONESHOT, EPOLLRDHUP};
	int s = slot(), t = slot(), op = PICK(ops), r;
	char text[3 * SLOTS + 1];
	unsigned all = 0;

	e.events = PICK(bits);
	e.data.u64 = (uint64_t)t;
	switch (below(3)) {
	case 0:
		for (int i = 0; i < SLOTS; i++)
			p[i] = (struct pollfd){fds[i], 0x3f, 0};
		r = poll(p, SLOTS, 0);
		for (int i = 0; i < SLOTS; i++)
			snprintf(text + 3 * i, 4, " %02x",
			    (unsigned)p[i].revents & 0xff);
		say("%d poll() = %d,%s", step, r, text);
		break;
	case 1:
		report("epoll_ctl", fds[s], op, fds[t],
		    epoll_ctl(fds[s], op, fds[t], &e));
		break;
	default:
		r = epoll_wait(fds[s], ev, SLOTS, 0);
		for (int i = 0; i < r; i++) /* in any order */
			all += ev[i].events * 97 + (unsigned)ev[i].data.u64;
		report("epoll_wait", fds[s], (long)all, 0, r);
	}
}

/* ---- memory ---- */

static void
on_fault(int sig, siginfo_t *si, void *uc)
{
	if (in_access)
		siglongjmp(fault, sig * 1000 + si->si_code);
	_exit(100 + sig);
}

/* Read or write a byte of a map; what happens. */
static void
do_access(void)
{
	int m = (int)below(MAPS), page = (int)below(MAP_PAGES), how;
	const bool write = below(2);
	volatile char *p;
	char c = 0;

	if (maps[m] == NULL)
		return;
	p = maps[m] + (size_t)page * PAGE + below(PAGE);
	how = sigsetjmp(fault, 1);
	if (how == 0) {
		in_access = 1;
		if (write)
			*p = (char)step;
		else
			c = *p;
	}
	in_access = 0;
	say("%d %s(map %d, page %d) = %d, %d", step, write ? "store" : "load",
	    m, page, how, c);
}

static void
do_map(void)
{
	static const int prots[] = {PROT_NONE, PROT_READ,
	    PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE};
	int m = (int)below(MAPS), s = slot(), prot = PICK(prots),
	    shared = below(2) ? MAP_SHARED : MAP_PRIVATE;
	const bool file = below(2);
	long off = (long)below(4) * 4096 + (below(10) == 0);
	char *at;

	if (maps[m] != NULL)
		munmap(maps[m], MAP_PAGES * PAGE);
	at = mmap(NULL, MAP_PAGES * PAGE, prot,
	    shared | (file ? 0 : MAP_ANONYMOUS), file ? fds[s] : -1, off);
	maps[m] = at == MAP_FAILED ? NULL : at;
	report("mmap", m, prot | shared << 8, file ? fds[s] : -1,
	    at == MAP_FAILED ? -1 : 0);
}

static void
do_maps(void)
{
	static const int prots[] = {
	    PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE};
	static const int advice[] = {MADV_NORMAL, MADV_WILLNEED, MADV_DONTNEED,
	    MADV_RANDOM, MADV_REMOVE, 77};
	static const int syncs[] = {
	    MS_SYNC, MS_ASYNC, MS_SYNC | MS_ASYNC, MS_INVALIDATE};
	int m = (int)below(MAPS), prot = PICK(prots), adv = PICK(advice),
	    sync = PICK(syncs);
	size_t page = below(MAP_PAGES), n = 1 + below(MAP_PAGES - page);
	char *at = maps[m];

	if (at == NULL)
		return;
	at += page * PAGE;
	switch (below(4)) {
	case 0:
		report("mprotect", m, (long)page, prot,
		    mprotect(at, n * PAGE, prot));
		break;
	case 1:
		report("munmap", m, (long)page, (long)n, munmap(at, n * PAGE));
		break;
	case 2:
		report(
		    "madvise", m, (long)page, adv, madvise(at, n * PAGE, adv));
		break;
	default:
		report("msync", m, (long)page, sync, msync(at, n * PAGE, sync));
	}
}

/* ---- signals, futexes, processes ---- */

static void
on_signal(int sig)
{
	caught[sig]++;
}

static int
a_signal(void)
{
	static const int signals[] = {
	    SIGUSR1, SIGUSR2, SIGWINCH, SIGURG, 40, 41, SIGCONT};

	return (PICK(signals));
}

static void
do_signal(void)
{
	const struct timespec now = {0, 0};
	static const int how[] = {SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK};
	int sig = a_signal(), h = PICK(how), s = slot(), r;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	sigaddset(&set, a_signal());
	switch (below(6)) {
	case 0:
		report("sigprocmask", h, sig, 0, sigprocmask(h, &set, NULL));
		break;
	case 1:
		signal(sig, below(4) == 0 ? SIG_IGN : on_signal);
		break;
	case 2:
	case 3:
		r = kill(getpid(), sig);
		report("kill", sig, caught[sig], 0, r);
		break;
	case 4:
		sigpending(&set);
		report("sigpending", sig, sigismember(&set, sig), 0, 0);
		break;
	default:
		if (below(2)) {
			r = sigtimedwait(&set, NULL, &now);
			report("sigtimedwait", sig, caught[sig], 0, r);
		} else {
			r = signalfd(-1, &set, SFD_NONBLOCK);
			report("signalfd", sig, 0, 0, r);
			keep(s, r);
		}
	}
}

static void
do_futex(void)
{
	static const int ops[] = {0, 1, 3, 4, 9, 10, 128, 129};
	const struct timespec now = {0, 0};
	static uint32_t word[2];
	int op = PICK(ops);
	uint32_t v = (uint32_t)below(2);

	word[0] = (uint32_t)below(2);
	report("futex", op, v, word[0],
	    syscall(SYS_futex, &word[0], op, v,
		op == 3 || op == 4 ? (void *)1L : (void *)&now, &word[1], v));
}

static void one_call(void);

/* A child makes some calls, which share files with its parent. */
static void
do_fork(void)
{
	int calls = (int)below(6), code = (int)below(256), status;
	uint64_t mine = rnd_next(&rng);
	pid_t pid = fork();

	if (pid < 0) {
		report("fork", 0, 0, 0, -1);
		return;
	}
	if (pid == 0) {
		rng = mine;
		step += 1000;
		while (calls-- > 0)
			one_call();
		_exit(code);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	say("%d wait() = %#x", step, status);
}

static void
do_process(void)
{
	struct rlimit l;
	int m = (int)below(01000), n = (int)below(30) + 8;

	switch (below(3)) {
	case 0:
		report("umask", m, 0, 0, umask((mode_t)m));
		break;
	case 1:
		l.rlim_cur = (rlim_t)n;
		l.rlim_max = 1024;
		report("setrlimit", n, 0, 0, setrlimit(RLIMIT_NOFILE, &l));
		break;
	default:
		l.rlim_cur = (rlim_t)size();
		l.rlim_max = RLIM_INFINITY;
		report("setfsize", (long)l.rlim_cur, 0, 0,
		    below(4) == 0 ? setrlimit(RLIMIT_FSIZE, &l) : 0);
	}
}

/* ---- programs ---- */

static void
one_call(void)
{
	static void (*const calls[])(void) = {do_open, do_open, do_open, do_rw,
	    do_rw, do_rw, do_rw, do_seek, do_size, do_stat, do_stat, do_names,
	    do_names, do_names, do_list, do_make, do_make, do_dup, do_fcntl,
	    do_fcntl, do_copy, do_sync, do_socket, do_socket, do_poll, do_poll,
	    do_access, do_access, do_access, do_map, do_maps, do_close,
	    do_signal, do_signal, do_futex, do_named, do_named, do_inotify,
	    do_inotify};

	step++;
	/* Rare: they change all that follows. */
	if (below(40) == 0)
		do_process();
	else if (below(25) == 0 && step < 1000)
		do_fork();
	else
		PICK(calls)();
}

static void
program(const char *dir, int calls)
{
	struct sigaction sa = {
	    .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};

	CHECK(mkdir(dir, 0700) == 0 && chdir(dir) == 0);
	CHECK(close(STDIN_FILENO) == 0 && open("/", O_RDONLY) == 0);
	for (int i = 0; i < SLOTS; i++)
		fds[i] = -1;
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
	for (int i = 34; i < 65; i++)
		signal(i, on_signal);
	signal(SIGUSR1, on_signal);
	signal(SIGUSR2, on_signal);
	signal(SIGXFSZ, on_signal);
	signal(SIGPIPE, on_signal);
	umask(022);
	alarm(20);
	while (calls-- > 0)
		one_call();
	_exit(0);
}

int
main(int argc, char **argv)
{
	uint64_t seed;
	int status;

	CHECK(argc == 5 && chdir(argv[1]) == 0);
	for (int fd = 3; fd < 100; fd++)
		close(fd); /* what the caller has left open */
	seed = strtoull(argv[2], NULL, 0);
	for (int i = 0; i < atoi(argv[3]); i++) {
		char dir[32];
		pid_t pid;

		snprintf(dir, sizeof(dir), "p%d", i);
		say("program %d", i);
		pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			rng = seed * 1000003 + (uint64_t)i;
			program(dir, atoi(argv[4]));
		}
		CHECK(waitpid(pid, &status, 0) == pid);
		say("end %#x", status);
	}
	return (0);
}
