/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * inotify: which events are reported, in which order, with which names and
 * cookies; flags of watches; reading, polling, overflow; the end of files and
 * of watches.
 */
#include "guest.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/ioctl.h>

static char dir[] = "/tmp/inotifyXXXXXX";
static int in;

/* The letter that stands for each watch in the text that expect() compares. */
static char letter[64];

static const char *
path(const char *name)
{
	static char p[4][128];
	static int n;

	n = (n + 1) % 4;
	snprintf(p[n], sizeof(p[n]), "%s%s%s", dir, name[0] != '\0' ? "/" : "",
	    name);
	return (p[n]);
}

static int
watch(const char *name, uint32_t mask, char as)
{
	int wd = inotify_add_watch(in, path(name), mask);

	CHECK(wd > 0 && wd < (int)sizeof(letter));
	letter[wd] = as;
	return (wd);
}

static void
name_mask(uint32_t mask, char *out)
{
	static const char *const names[] = {"access", "modify", "attrib",
	    "close_write", "close_nowrite", "open", "moved_from", "moved_to",
	    "create", "delete", "delete_self", "move_self", NULL, "unmount",
	    "overflow", "ignored"};

	*out = '\0';
	for (unsigned i = 0; i < 16; i++)
		if (mask & 1u << i)
			strcat(out, names[i] != NULL ? names[i] : "?");
	if (mask & IN_ISDIR)
		strcat(out, "/");
	CHECK((mask & ~(0xffffu | IN_ISDIR)) == 0);
}

/* All queued events as text: "D create a; F open". Cookies must match. */
static void
events(char *out, size_t size)
{
	char buf[8192] __attribute__((aligned(8))), word[64], one[400];
	uint32_t cookie = 0;
	ssize_t n;

	*out = '\0';
	while ((n = read(in, buf, sizeof(buf))) > 0) {
		for (char *p = buf; p < buf + n;) {
			struct inotify_event *e = (struct inotify_event *)p;

			CHECK(e->len % 16 == 0);
			CHECK(e->len == 0 ||
			      e->len == (strlen(e->name) / 16 + 1) * 16);
			name_mask(e->mask, word);
			snprintf(one, sizeof(one), "%s%c %s%s%s",
			    *out != '\0' ? "; " : "",
			    e->wd > 0 ? letter[e->wd] : '-', word,
			    e->len > 0 ? " " : "", e->len > 0 ? e->name : "");
			if (e->mask & IN_MOVED_FROM) {
				CHECK(e->cookie != 0 && e->cookie != cookie);
				cookie = e->cookie;
			} else if (e->mask & IN_MOVED_TO) {
				CHECK(e->cookie != 0 &&
				      (cookie == 0 || e->cookie == cookie));
			} else
				CHECK(e->cookie == 0);
			CHECK(strlen(out) + strlen(one) < size);
			strcat(out, one);
			p += sizeof(*e) + e->len;
		}
	}
	CHECK(n < 0 && errno == EAGAIN);
}

static void
expect_at(int line, const char *want)
{
	char got[4096];

	events(got, sizeof(got));
	if (strcmp(got, want) != 0) {
		say("FAIL line %d:\n got  %s\n want %s", line, got, want);
		_exit(1);
	}
}
#define EXPECT(want) expect_at(__LINE__, want)

static void
touch(const char *name, const char *text)
{
	int fd = open(path(name), O_WRONLY | O_CREAT, 0644);

	CHECK(fd >= 0);
	CHECK(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void
names(void)
{
	int d, fd;

	watch("", IN_ALL_EVENTS, 'D');
	touch("a", "x");
	EXPECT("D create a; D open a; D modify a; D close_write a");
	fd = open(path("a"), O_RDWR);
	CHECK(fd >= 0 && pread(fd, letter + 60, 1, 0) == 1);
	EXPECT("D open a; D access a");
	CHECK(pread(fd, letter + 60, 1, 5) == 0); /* no bytes: no event */
	CHECK(write(fd, "x", 1) == 1 && write(fd, "y", 1) == 1);
	CHECK(ftruncate(fd, 0) == 0);
	EXPECT("D modify a"); /* three equal events are merged */
	CHECK(fchmod(fd, 0600) == 0);
	close(fd);
	EXPECT("D attrib a; D close_write a");
	CHECK(chmod(path("a"), 0644) == 0);
	CHECK(utimensat(AT_FDCWD, path("a"), NULL, 0) == 0);
	CHECK(truncate(path("a"), 3) == 0);
	EXPECT("D attrib a; D modify a");
	fd = open(path("a"), O_WRONLY | O_TRUNC);
	close(fd);
	EXPECT("D open a; D modify a; D close_write a");
	CHECK(mkdir(path("sub"), 0755) == 0);
	CHECK(symlink("a", path("l")) == 0 && link(path("a"), path("h")) == 0);
	CHECK(mknod(path("fifo"), S_IFIFO | 0600, 0) == 0);
	EXPECT("D create/ sub; D create l; D create h; D create fifo");
	d = open(path("sub"), O_RDONLY | O_DIRECTORY);
	CHECK(d >= 0);
	EXPECT("D open/ sub");
	close(d);
	EXPECT("D close_nowrite/ sub");
	CHECK(rename(path("a"), path("b")) == 0);
	EXPECT("D moved_from a; D moved_to b");
	CHECK(rename(path("b"), path("sub/c")) == 0);
	EXPECT("D moved_from b");
	CHECK(rename(path("sub/c"), path("a name that is longer")) == 0);
	EXPECT("D moved_to a name that is longer");
	CHECK(rename(path("sub"), path("dir")) == 0);
	EXPECT("D moved_from/ sub; D moved_to/ dir");
	CHECK(unlink(path("a name that is longer")) == 0);
	CHECK(unlink(path("l")) == 0 && unlink(path("h")) == 0);
	CHECK(unlink(path("fifo")) == 0 && rmdir(path("dir")) == 0);
	EXPECT("D delete a name that is longer; D delete l; D delete h; "
	       "D delete fifo; D delete/ dir");
	/* A call that fails causes no event. */
	CHECK_ERRNO(mkdir(path("no/such"), 0755), ENOENT);
	CHECK_ERRNO(unlink(path("a")), ENOENT);
	EXPECT("");
	CHECK(rmdir(dir) == 0);
	EXPECT("D delete_self; D ignored");
	CHECK(mkdir(dir, 0700) == 0);
	EXPECT("");
	say("names in a directory");
}

static void
files(void)
{
	int f, d, fd, other;
	char c;

	touch("f", "abc");
	touch("g", "def");
	CHECK(mkdir(path("d"), 0755) == 0);
	f = watch("f", IN_ALL_EVENTS, 'F');
	d = watch("d", IN_ALL_EVENTS, 'S');
	CHECK(f != d && watch("f", IN_ALL_EVENTS, 'F') == f);
	fd = open(path("f"), O_RDONLY);
	CHECK(read(fd, &c, 1) == 1);
	close(fd);
	EXPECT("F open; F access; F close_nowrite");
	fd = open(path("f"), O_PATH); /* O_PATH does not open the file */
	close(fd);
	EXPECT("");
	fd = open(path("d"), O_RDONLY);
	other = open(path("d/x"), O_WRONLY | O_CREAT, 0600);
	close(fd), close(other);
	EXPECT("S open/; S create x; S open x; S close_nowrite/; "
	       "S close_write x");
	CHECK(rename(path("f"), path("d/f")) == 0);
	EXPECT("S moved_to f; F move_self");
	CHECK(rename(path("d/f"), path("f")) == 0);
	EXPECT("S moved_from f; F move_self");
	CHECK(link(path("f"), path("d/h")) == 0);
	EXPECT("F attrib; S create h");
	CHECK(unlink(path("f")) == 0);
	EXPECT("F attrib"); /* the file has another name left */
	CHECK(rename(path("g"), path("d/h")) == 0);
	EXPECT("S moved_to h; F attrib; F delete_self; F ignored");
	CHECK_ERRNO(inotify_rm_watch(in, f), EINVAL);

	/* An open file outlives its name. */
	f = watch("d/h", IN_ALL_EVENTS, 'F');
	fd = open(path("d/h"), O_RDWR);
	EXPECT("S open h; F open");
	CHECK(unlink(path("d/h")) == 0);
	EXPECT("F attrib; S delete h");
	CHECK(write(fd, "x", 1) == 1);
	EXPECT("S modify h; F modify");
	other = dup(fd);
	close(fd);
	EXPECT("");
	close(other);
	EXPECT("S close_write h; F close_write; F delete_self; F ignored");

	/* Events of names that were unlinked are not reported. */
	CHECK(inotify_rm_watch(in, d) == 0);
	EXPECT("S ignored");
	d = watch("d", IN_MODIFY | IN_CLOSE | IN_EXCL_UNLINK, 'S');
	fd = open(path("d/x"), O_WRONLY);
	CHECK(write(fd, "x", 1) == 1);
	CHECK(unlink(path("d/x")) == 0 && write(fd, "x", 1) == 1);
	close(fd);
	EXPECT("S modify x");
	CHECK(rmdir(path("d")) == 0);
	EXPECT("S ignored");
	say("files, open files, and the end of both");
}

static void
flags(void)
{
	int d, e, f, fd;

	touch("f", "abc");
	CHECK(symlink("f", path("l")) == 0 && symlink(".", path("ld")) == 0);
	CHECK_ERRNO(inotify_add_watch(in, path("f"), 0), EINVAL);
	CHECK_ERRNO(inotify_add_watch(in, path("nothing"), IN_OPEN), ENOENT);
	CHECK_ERRNO(
	    inotify_add_watch(in, path("f"), IN_OPEN | IN_ONLYDIR), ENOTDIR);
	CHECK_ERRNO(inotify_add_watch(in, BAD, IN_OPEN), EFAULT);
	CHECK_ERRNO(inotify_add_watch(-1, path("f"), IN_OPEN), EBADF);
	CHECK_ERRNO(inotify_add_watch(1, path("f"), IN_OPEN), EINVAL);
	CHECK_ERRNO(inotify_rm_watch(1, 1), EINVAL);
	CHECK_ERRNO(inotify_rm_watch(-1, 1), EBADF);
	CHECK_ERRNO(inotify_rm_watch(in, 12345), EINVAL);
	CHECK_ERRNO(inotify_add_watch(
			in, path("f"), IN_OPEN | IN_MASK_ADD | IN_MASK_CREATE),
	    EINVAL);
	CHECK_ERRNO(inotify_init1(1), EINVAL);
	f = watch("f", IN_OPEN | IN_MASK_CREATE, 'F');
	CHECK_ERRNO(inotify_add_watch(in, path("f"), IN_CLOSE | IN_MASK_CREATE),
	    EEXIST);
	/* The link is followed; the new mask replaces the old one. */
	CHECK(watch("l", IN_CLOSE, 'F') == f);
	fd = open(path("f"), O_RDONLY);
	close(fd);
	EXPECT("F close_nowrite");
	CHECK(watch("f", IN_OPEN | IN_MASK_ADD, 'F') == f);
	fd = open(path("l"), O_RDONLY);
	close(fd);
	EXPECT("F open; F close_nowrite");
	e = watch("l", IN_ALL_EVENTS | IN_DONT_FOLLOW, 'L');
	CHECK(e != f && rename(path("l"), path("m")) == 0);
	EXPECT("L move_self");
	CHECK(inotify_rm_watch(in, e) == 0);
	EXPECT("L ignored");
	CHECK(watch("f", IN_OPEN | IN_ONESHOT, 'F') == f);
	fd = open(path("f"), O_RDONLY);
	close(fd);
	EXPECT("F open; F ignored");
	d = watch("ld", IN_CREATE | IN_DELETE | IN_ONLYDIR, 'D');
	CHECK(watch("", IN_CREATE | IN_MASK_ADD, 'D') == d);
	CHECK(unlink(path("ld")) == 0 && unlink(path("m")) == 0);
	EXPECT("D delete ld; D delete m");
	CHECK(inotify_rm_watch(in, d) == 0);
	CHECK_ERRNO(inotify_rm_watch(in, d), EINVAL);
	CHECK(unlink(path("f")) == 0);
	EXPECT("D ignored");
	say("flags");
}

/* An event that another process causes ends a wait. */
static void
waiting(void)
{
	char buf[512];
	struct epoll_event ev = {.events = EPOLLIN}, out;
	int n, ep, blocking;
	pid_t pid;

	ep = epoll_create1(0);
	CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, in, &ev) == 0);
	CHECK(epoll_wait(ep, &out, 1, 0) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		sleep_ms(30);
		CHECK(unlink(path("x")) == 0);
		_exit(0);
	}
	CHECK(epoll_wait(ep, &out, 1, -1) == 1);
	wait_ok(pid);
	EXPECT("D delete x");
	CHECK(epoll_wait(ep, &out, 1, 0) == 0);
	close(ep);
	blocking = inotify_init1(IN_CLOEXEC);
	CHECK(blocking >= 0 && fcntl(blocking, F_GETFD) == FD_CLOEXEC);
	CHECK(inotify_add_watch(blocking, dir, IN_MOVE) == 1);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		sleep_ms(30);
		CHECK(rename(path("0123456789abcdef"), path("y")) == 0);
		_exit(0);
	}
	n = (int)read(blocking, buf, sizeof(buf));
	CHECK(n == 48 || n == 48 + 32);
	wait_ok(pid);
	/* Closed while events are queued and watches exist. */
	close(blocking);
	CHECK(unlink(path("y")) == 0);
	EXPECT("D delete y");
}

/* The queue is full: one event without a watch says that others are lost. */
static void
overflow(void)
{
	char buf[512];
	int n, fd;

	/* Events of different kinds in turn, so that none are merged. */
	for (int i = 0; i < 9000; i++) {
		fd = open(path("z"), O_WRONLY | O_CREAT, 0600);
		CHECK(fd >= 0 && close(fd) == 0 && unlink(path("z")) == 0);
	}
	n = 0;
	for (ssize_t r; (r = read(in, buf, sizeof(buf))) > 0;)
		for (char *q = buf; q < buf + r; n++) {
			struct inotify_event *e = (struct inotify_event *)q;

			q += sizeof(*e) + e->len;
			if (e->mask & IN_Q_OVERFLOW)
				CHECK(
				    e->wd == -1 && e->len == 0 && q == buf + r);
		}
	CHECK(n > 100 && n <= 18000);
}

static void
reading(void)
{
	char buf[512], link[64], fdpath[64];
	struct pollfd p = {in, POLLIN, 0};
	int d, n;

	d = watch("", IN_CREATE | IN_DELETE, 'D');
	CHECK(poll(&p, 1, 0) == 0);
	CHECK(ioctl(in, FIONREAD, &n) == 0 && n == 0);
	touch("0123456789abcdef", "");
	touch("x", "");
	CHECK(poll(&p, 1, 0) == 1 && p.revents == POLLIN);
	CHECK(ioctl(in, FIONREAD, &n) == 0 && n == 48 + 32);
	CHECK_ERRNO(read(in, buf, 47), EINVAL);
	CHECK(read(in, buf, 79) == 48);
	CHECK(read(in, buf, sizeof(buf)) == 32);
	CHECK_ERRNO(read(in, buf, sizeof(buf)), EAGAIN);
	CHECK_ERRNO(write(in, buf, 16), EBADF);
	CHECK(poll(&p, 1, 0) == 0);
	snprintf(fdpath, sizeof(fdpath), "/proc/self/fd/%d", in);
	n = (int)readlink(fdpath, link, sizeof(link) - 1);
	CHECK(n > 0);
	link[n] = '\0';
	say("a file descriptor: %s", link);

	waiting();
	overflow();
	touch("x", "");
	CHECK(unlink(path("x")) == 0);
	EXPECT("D create x; D delete x");
	CHECK(inotify_rm_watch(in, d) == 0);
	EXPECT("D ignored");
	say("reading and waiting");
}

/* Three processes create, watch and remove the same files. */
static void
race(void)
{
	static char buf[65536] __attribute__((aligned(8)));
	pid_t pid[3];

	for (int k = 0; k < 3; k++) {
		pid[k] = fork();
		CHECK(pid[k] >= 0);
		if (pid[k] != 0)
			continue;
		int mine = inotify_init1(IN_NONBLOCK);
		char name[16];

		CHECK(mine >= 0);
		for (int i = 0; i < 1500; i++) {
			int wd, fd;

			snprintf(name, sizeof(name), "r%d", i % 5);
			fd = open(path(name), O_RDWR | O_CREAT, 0600);
			wd = inotify_add_watch(mine, path(name), IN_ALL_EVENTS);
			CHECK(wd > 0 || errno == ENOENT);
			(void)inotify_add_watch(
			    mine, dir, IN_ALL_EVENTS | IN_ONESHOT);
			if (fd >= 0) {
				CHECK(write(fd, "x", 1) == 1);
				(void)unlink(path(name));
				close(fd);
			}
			if (i % 3 == 0 && wd > 0)
				(void)inotify_rm_watch(mine, wd);
			if (i % 7 == 0)
				(void)!read(mine, buf, sizeof(buf));
			if (i % 100 == 99) {
				close(mine);
				mine = inotify_init1(IN_NONBLOCK);
				CHECK(mine >= 0);
			}
		}
		_exit(0);
	}
	for (int k = 0; k < 3; k++)
		wait_ok(pid[k]);
	for (int i = 0; i < 5; i++) {
		char name[16];

		snprintf(name, sizeof(name), "r%d", i);
		(void)unlink(path(name));
	}
	say("files that come and go");
}

static void
send_fd(int sock, int fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} c = {0};
	struct iovec iov = {"f", 1};
	struct msghdr h = {.msg_iov = &iov,
	    .msg_iovlen = 1,
	    .msg_control = &c,
	    .msg_controllen = sizeof(c)};

	c.head.cmsg_level = SOL_SOCKET;
	c.head.cmsg_type = SCM_RIGHTS;
	c.head.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&c.head), &fd, sizeof(fd));
	CHECK(sendmsg(sock, &h, MSG_NOSIGNAL) == 1);
}

/* Watches of files without a name, and instances that watch themselves: nothing
 * keeps anything alive, so instances do not run out. */
static void
itself(void)
{
	int n, p[2], s[2], wd;
	char path[64];

	for (int i = 0; i < 600; i++) {
		n = inotify_init1(IN_NONBLOCK);
		CHECK(n >= 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", n);
		wd = inotify_add_watch(n, path, IN_ALL_EVENTS);
		/* The file of an instance is root's. */
		CHECK(geteuid() == 0 ? wd >= 1 : wd == -1 && errno == EACCES);
		if (i % 2 == 0 && wd >= 1)
			CHECK(inotify_rm_watch(n, wd) == 0);
		CHECK(pipe(p) == 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", p[0]);
		CHECK(inotify_add_watch(n, path, IN_ALL_EVENTS) >= 1);
		CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, s) == 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", s[0]);
		CHECK(inotify_add_watch(n, path, IN_ALL_EVENTS) >= 1);
		if (i <
		    20) /* the instance lies in the socket that it watches */
			send_fd(s[1], n);
		close(n);
		close(p[0]);
		close(p[1]);
		close(s[0]);
		close(s[1]);
	}
	say("watches of itself");
}

int
main(void)
{
	CHECK(mkdtemp(dir) != NULL);
	in = inotify_init1(IN_NONBLOCK);
	CHECK(in >= 0 && fcntl(in, F_GETFL) == O_NONBLOCK);
	names();
	files();
	flags();
	reading();
	race();
	itself();
	close(in);
	CHECK(rmdir(dir) == 0);
	return (0);
}
