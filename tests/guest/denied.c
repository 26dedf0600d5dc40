/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Tries everything that a guest must not be able to do; fault/denied.py says
 * what the outcome must be.
 *
 *   denied writes DIR            every way to change DIR (read-only, with a
 *                                file f, a directory d and a link l to f)
 *   denied tricks TEXT OUTSIDE   every way out of the root to the file
 *                                OUTSIDE, which contains TEXT; /w is writable
 *   denied race TEXT SECONDS     the same, while a second thread moves things
 *   denied outside TEXT SECONDS  the same, while a process on the host does
 *   denied sockets PATH NAME     every kind of socket; a socket of a host
 *                                process listens on PATH and on NAME
 *   denied listen PATH           serve one connection and one datagram
 *
 * Prints a line for each try: what was tried, and the name of the errno or what
 * the try returned.
 */
#include "guest.h"

#include <sched.h>
#include <sys/mount.h>

#include <pthread.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE 2
#endif
#define DIRECTORY_UP 64

static const char *
error_name(int e)
{
	static char buf[16];

	switch (e) {
	case 0:
		return ("done");
	case EROFS:
		return ("EROFS");
	case EACCES:
		return ("EACCES");
	case EPERM:
		return ("EPERM");
	case ECONNREFUSED:
		return ("ECONNREFUSED");
	case EAFNOSUPPORT:
		return ("EAFNOSUPPORT");
	case EOPNOTSUPP:
		return ("EOPNOTSUPP");
	case EXDEV:
		return ("EXDEV");
	default:
		snprintf(buf, sizeof(buf), "errno %d", e);
		return (buf);
	}
}

#define TRY(what, call)                                             \
	do {                                                        \
		errno = 0;                                          \
		say("%s: %s", what,                                 \
		    (long)(call) < 0 ? error_name(errno) : "done"); \
	} while (0)

static void
writes(const char *dir)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "sock"};
	struct timespec times[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}};
	char proc[64];
	int fd, s;

	CHECK(chdir(dir) == 0);
	TRY("open for writing", open("f", O_WRONLY));
	TRY("open for both", open("f", O_RDWR));
	TRY("open through a link", open("l", O_WRONLY));
	TRY("open and truncate", open("f", O_RDONLY | O_TRUNC));
	TRY("open to append", open("f", O_WRONLY | O_APPEND));
	TRY("create", open("new", O_CREAT | O_WRONLY, 0600));
	TRY("create exclusively", open("new", O_CREAT | O_EXCL, 0600));
	TRY("temporary file", open(".", O_TMPFILE | O_RDWR, 0600));
	TRY("mkdir", mkdir("new", 0700));
	TRY("rmdir", rmdir("d"));
	TRY("unlink", unlink("f"));
	TRY("unlink a link", unlink("l"));
	TRY("rename", rename("f", "g"));
	TRY("exchange", syscall(SYS_renameat2, AT_FDCWD, "f", AT_FDCWD, "d",
			    RENAME_EXCHANGE));
	TRY("rename away", rename("f", "/tmp/f"));
	TRY("link", link("f", "g"));
	TRY("link away", link("f", "/tmp/f"));
	TRY("symlink", symlink("f", "g"));
	TRY("truncate", truncate("f", 0));
	TRY("chmod", chmod("f", 0777));
	TRY("chmod a directory", chmod("d", 0777));
	TRY("chown", chown("f", 1, 1));
	TRY("utimes", utimensat(AT_FDCWD, "f", times, 0));
	TRY("fifo", mknod("new", S_IFIFO | 0600, 0));
	s = socket(AF_UNIX, SOCK_STREAM, 0);
	TRY("bind", bind(s, (struct sockaddr *)&un, sizeof(un)));
	fd = open("f", O_RDONLY);
	CHECK(fd >= 0);
	TRY("fchmod", fchmod(fd, 0777));
	TRY("fchown", fchown(fd, 1, 1));
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	TRY("open the descriptor anew", open(proc, O_WRONLY));
	TRY("truncate by the descriptor", truncate(proc, 0));
	say("shared mapping: %s", mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				      MAP_SHARED, fd, 0) == MAP_FAILED
				      ? "refused"
				      : "done");
	say("write: %s", write(fd, "x", 1) < 0 ? "refused" : "done");
	say("ftruncate: %s", ftruncate(fd, 0) < 0 ? "refused" : "done");
	fd = open("d", O_RDONLY | O_DIRECTORY);
	CHECK(fd >= 0);
	TRY("create below a descriptor",
	    openat(fd, "new", O_CREAT | O_WRONLY, 0600));
	TRY("create above a descriptor",
	    openat(fd, "../new", O_CREAT | O_WRONLY, 0600));
}

/* ---- out of the root ---- */

static const char *secret;

/* Does what fd refers to contain the secret? Closes fd. */
static bool
leaks(int fd)
{
	char buf[512];
	ssize_t n;

	if (fd < 0)
		return (false);
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	buf[n > 0 ? n : 0] = '\0';
	return (n > 0 && strstr(buf, secret) != NULL);
}

static void
try_fd(const char *what, int fd)
{
	say("%s: %s", what, leaks(fd) ? "LEAK" : "safe");
}

static void
try_path(const char *path)
{
	try_fd(path, open(path, O_RDONLY));
	try_fd(path, open(path, O_RDONLY | O_CREAT, 0600));
	/* Opened with O_PATH, then opened again by its name in /proc. */
	int fd = open(path, O_PATH);
	char proc[64];

	if (fd < 0)
		return;
	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	try_fd("by O_PATH", open(proc, O_RDONLY));
	close(fd);
}

static void
try_paths(const char *outside)
{
	static const char *const prefix[] = {"", "/..", "/../..", "/w/../..",
	    "/proc/self/root/..", "/proc/self/cwd/..", "/proc/1/root/../..",
	    "/proc/self/task/../root/..", "/dev/fd/3/..", "/dev/fd/3/../..",
	    "/w/up", "/w/up/..", "/rel", "/rel/..", "/abs", "/w/.././../."};
	char path[512];

	for (size_t i = 0; i < sizeof(prefix) / sizeof(prefix[0]); i++) {
		snprintf(path, sizeof(path), "%s/secret", prefix[i]);
		try_path(path);
		snprintf(path, sizeof(path), "%s%s", prefix[i], outside);
		try_path(path);
	}
	try_path("/rel");
	try_path("/abs");
	try_path("/w/up");
}

static void
climb(const char *what)
{
	int fd;

	for (int i = 0; i < DIRECTORY_UP; i++)
		if (chdir("..") != 0)
			break;
	try_fd(what, open("secret", O_RDONLY));
	fd = open(".", O_PATH | O_DIRECTORY);
	for (int i = 0; i < DIRECTORY_UP && fd >= 0; i++) {
		int up = openat(fd, "..", O_PATH | O_DIRECTORY);

		close(fd);
		fd = up;
	}
	try_fd(what, openat(fd, "secret", O_RDONLY));
	close(fd);
}

/* Mounts of its own give a guest no more files.  What fails, because the guest
 * is not root, is no way out either. */
static void
by_mounts(const char *outside)
{
	pid_t pid = fork();
	int fd, status;

	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(mkdir("/w/m", 0700) == 0);
		(void)unshare(CLONE_NEWNS);
		(void)mount("/", "/w/m", NULL, MS_BIND | MS_REC, NULL);
		(void)mount(NULL, "/w/m", NULL, MS_REMOUNT | MS_BIND, NULL);
		try_paths(outside);
		try_fd("above a bind", open("/w/m/../../secret", O_RDONLY));
		fd = open("/w/m/bin/new", O_CREAT | O_WRONLY, 0600);
		say("write by a bind: %s", fd >= 0 ? "LEAK" : "safe");
		(void)mount(outside, "/w/m", NULL, MS_BIND, NULL);
		try_fd("bind of a file", open("/w/m", O_RDONLY));
		CHECK(chdir("/w/m") == 0);
		climb("climb from a bind");
		(void)chroot("/w");
		climb("climb out of a root");
		(void)umount2("/", MNT_DETACH);
		climb("climb from a detached mount");
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && status == 0);
	CHECK(rmdir("/w/m") == 0);
}

static void
tricks(const char *outside)
{
	int root = open("/", O_RDONLY | O_DIRECTORY), fd;
	struct {
		uint64_t flags, mode, resolve;
	} how = {O_RDONLY, 0, 0};

	CHECK(root == 3);
	CHECK(symlink("../..", "/w/up") == 0);
	try_paths(outside);
	try_fd("openat ..", openat(root, "../secret", O_RDONLY));
	fd = openat(root, "..", O_PATH | O_DIRECTORY);
	try_fd("openat of ..", openat(fd, "secret", O_RDONLY));
	try_fd("openat2",
	    (int)syscall(SYS_openat2, root, "../secret", &how, sizeof(how)));
	/* Directories that are moved or removed while a process is in them. */
	CHECK(mkdir("/w/a", 0700) == 0 && mkdir("/w/a/b", 0700) == 0);
	CHECK(mkdir("/w/a/b/c", 0700) == 0 && chdir("/w/a/b/c") == 0);
	fd = open(".", O_RDONLY | O_DIRECTORY);
	CHECK(rename("/w/a/b/c", "/w/c") == 0);
	try_fd("moved", openat(fd, "../../../secret", O_RDONLY));
	try_fd("moved", openat(fd, "../../../../secret", O_RDONLY));
	climb("climb from a moved directory");
	CHECK(chdir("/w/c") == 0 && rmdir("/w/c") == 0);
	try_fd("removed", open("../../secret", O_RDONLY));
	try_fd("removed", openat(fd, "../../secret", O_RDONLY));
	climb("climb from a removed directory");
	CHECK(chdir("/w") == 0);
	climb("climb");
	by_mounts(outside);
	CHECK(unlink("/w/up") == 0);
}

static volatile bool stop;
static unsigned long moves;

/* Replaces by turns: a directory and a link that leads up; and moves another
 * directory up. */
static void *
mover(void *arg)
{
	while (!stop) {
		syscall(SYS_renameat2, AT_FDCWD, "/w/d", AT_FDCWD, "/w/l",
		    RENAME_EXCHANGE);
		rename("/w/p/q/r", "/w/r");
		rename("/w/r", "/w/p/q/r");
		moves++;
	}
	return (NULL);
}

static void
race(int seconds)
{
	static const char *const path[] = {"/w/d/secret", "/w/d/../secret",
	    "/w/p/q/r/../../../../secret", "/w/p/q/r/../../../secret",
	    "/w/d/../../secret", "/proc/self/cwd/../../secret"};
	uint64_t end = now_ns() + (uint64_t)seconds * 1000000000u;
	unsigned long tries = 0, bad = 0;
	pthread_t t;

	CHECK(mkdir("/w/d", 0700) == 0 && symlink("../..", "/w/l") == 0);
	CHECK(mkdir("/w/p", 0700) == 0 && mkdir("/w/p/q", 0700) == 0);
	CHECK(mkdir("/w/p/q/r", 0700) == 0);
	CHECK(pthread_create(&t, NULL, mover, NULL) == 0);
	while (now_ns() < end)
		for (size_t i = 0; i < sizeof(path) / sizeof(path[0]); i++) {
			(void)!chdir("/w/p/q/r");
			bad += leaks(open(path[i], O_RDONLY));
			bad += leaks(open("../../../../secret", O_RDONLY));
			tries += 2;
		}
	stop = true;
	CHECK(pthread_join(t, NULL) == 0);
	CHECK(tries > 100 && moves > 100);
	say("race: %s", bad != 0 ? "LEAK" : "safe");
}

/* A process on the host replaces /w/h by turns with a directory and with a
 * link to a directory outside. */
static void
outside_race(int seconds)
{
	uint64_t end = now_ns() + (uint64_t)seconds * 1000000000u;
	unsigned long bad = 0, got = 0, made = 0;
	int fd;

	while (now_ns() < end) {
		fd = open("/w/h/inside", O_RDONLY);
		got += fd >= 0;
		close(fd);
		bad += leaks(open("/w/h/secret", O_RDONLY));
		fd = open("/w/h/made", O_CREAT | O_WRONLY, 0600);
		made += fd >= 0;
		close(fd);
		unlink("/w/h/made");
		(void)!mkdir("/w/h/made.d", 0700);
		rmdir("/w/h/made.d");
	}
	CHECK(got > 0 && made > 0);
	say("outside race: %s", bad != 0 ? "LEAK" : "safe");
}

/* ---- sockets ---- */

static int
connect_unix(const char *text, int type)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	size_t n = strlen(text);
	int s = socket(AF_UNIX, type, 0), r;

	memcpy(un.sun_path, text, n);
	if (text[0] == '@')
		un.sun_path[0] = '\0';
	r = connect(s, (struct sockaddr *)&un,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
	close(s);
	return (r);
}

static int
connect_inet(const char *port)
{
	struct sockaddr_in in = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)atoi(port)),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int s = socket(AF_INET, SOCK_STREAM, 0), r;

	if (s < 0)
		return (-1);
	r = connect(s, (struct sockaddr *)&in, sizeof(in));
	close(s);
	return (r);
}

static void
sockets(const char *path, const char *name, const char *port)
{
	TRY("inet stream", socket(AF_INET, SOCK_STREAM, 0));
	TRY("inet datagram", socket(AF_INET, SOCK_DGRAM, 0));
	TRY("inet6 stream", socket(AF_INET6, SOCK_STREAM, 0));
	TRY("inet raw", socket(AF_INET, SOCK_RAW, 1));
	TRY("inet icmp", socket(AF_INET, SOCK_DGRAM, 1));
	TRY("netlink", socket(16, SOCK_RAW, 0));
	TRY("packet", socket(17, SOCK_RAW, 0));
	TRY("alg", socket(38, SOCK_SEQPACKET, 0));
	TRY("vsock", socket(40, SOCK_STREAM, 0));
	TRY("path outside", connect_unix(path, SOCK_STREAM));
	TRY("name outside", connect_unix(name, SOCK_STREAM));
	TRY("datagram outside", connect_unix(path, SOCK_DGRAM));
	TRY("port outside", connect_inet(port));
}

/* Serve until a guest process connects. */
static void
serve(const char *path)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int s = socket(AF_UNIX, SOCK_STREAM, 0), d, c;
	char buf[64];
	ssize_t n;
	pid_t pid;

	strcpy(un.sun_path, path);
	CHECK(bind(s, (struct sockaddr *)&un, sizeof(un)) == 0);
	CHECK(listen(s, 8) == 0);
	d = socket(AF_UNIX, SOCK_DGRAM, 0);
	un.sun_path[0] = '\0';
	CHECK(bind(d, (struct sockaddr *)&un, sizeof(un)) == 0);
	say("listening");
	sleep_ms(1500); /* time for host processes to connect */
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		c = socket(AF_UNIX, SOCK_DGRAM, 0);
		CHECK(sendto(c, "ours", 4, 0, (struct sockaddr *)&un,
			  sizeof(un)) == 4);
		strcpy(un.sun_path, path);
		c = socket(AF_UNIX, SOCK_STREAM, 0);
		CHECK(connect(c, (struct sockaddr *)&un, sizeof(un)) == 0);
		CHECK(write(c, "ours", 4) == 4);
		_exit(0);
	}
	n = recv(d, buf, sizeof(buf), 0);
	say("datagram: %.*s", (int)n, buf);
	c = accept(s, NULL, NULL);
	CHECK(c >= 0);
	n = read(c, buf, sizeof(buf));
	say("connection: %.*s", (int)n, buf);
	wait_ok(pid);
}

int
main(int argc, char **argv)
{
	CHECK(argc >= 3);
	secret = argv[2];
	if (strcmp(argv[1], "writes") == 0)
		writes(argv[2]);
	else if (strcmp(argv[1], "listen") == 0)
		serve(argv[2]);
	else if (argc < 4)
		return (2);
	else if (strcmp(argv[1], "tricks") == 0)
		tricks(argv[3]);
	else if (strcmp(argv[1], "race") == 0)
		race(atoi(argv[3]));
	else if (strcmp(argv[1], "outside") == 0)
		outside_race(atoi(argv[3]));
	else if (strcmp(argv[1], "sockets") == 0)
		sockets(argv[2], argv[3], argv[4]);
	else
		return (2);
	return (0);
}
