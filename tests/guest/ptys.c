/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Pseudo-terminals: names, the line discipline, sessions with a controlling
 * terminal, signals from keys, and the closing of either end.
 */
#include "guest.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <termios.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif

static int m, s;
static char name[64];

static void
open_pty(void)
{
	m = posix_openpt(O_RDWR | O_NOCTTY);
	CHECK(m >= 0 && unlockpt(m) == 0);
	CHECK(ptsname_r(m, name, sizeof(name)) == 0);
	s = open(name, O_RDWR | O_NOCTTY);
	CHECK(s >= 0);
}

static void
close_pty(void)
{
	close(s), close(m);
}

static bool
canonical(void)
{
	struct termios t;

	return (tcgetattr(s, &t) == 0 && (t.c_lflag & ICANON) != 0);
}

/* Compare what can be read, with control characters made visible and a bar
 * after each line that was read. Reads until the text has the expected
 * length or nothing arrives in time. */
static void
expect_at(int line, int fd, const char *want)
{
	bool lines = fd == s && canonical();
	struct pollfd p = {fd, POLLIN, 0};
	unsigned char buf[200];
	char got[1024] = "";
	ssize_t n;

	while (poll(&p, 1, strcmp(got, want) == 0 ? 30 : 2000) == 1 &&
	       (p.revents & POLLIN)) {
		n = read(fd, buf, sizeof(buf));
		if (n <= 0) {
			strcat(got, n == 0 ? "<end>" : "<error>");
			break;
		}
		for (ssize_t i = 0; i < n; i++)
			sprintf(got + strlen(got),
			    buf[i] < 32 || buf[i] > 126 ? "<%02x>" : "%c",
			    buf[i]);
		if (lines)
			strcat(got, "|");
	}
	if (strcmp(got, want) == 0)
		return;
	say("FAIL line %d: got \"%s\", want \"%s\"", line, got, want);
	_exit(1);
}
#define EXPECT(fd, want) expect_at(__LINE__, fd, want)

static void
type(const char *keys)
{
	CHECK(write(m, keys, strlen(keys)) == (ssize_t)strlen(keys));
}

/* Type keys, and compare the echo on the master and the input of the slave. */
static void
typed_at(int line, const char *keys, const char *screen, const char *program)
{
	type(keys);
	expect_at(line, m, screen);
	expect_at(line, s, program);
}
#define TYPED(keys, screen, program) typed_at(__LINE__, keys, screen, program)

static void
names(void)
{
	struct winsize ws = {24, 80, 1, 2}, got;
	char tty[64];
	struct stat st;
	int fd, n;

	m = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	CHECK(m >= 0 && fcntl(m, F_GETFD) == FD_CLOEXEC);
	CHECK(ptsname_r(m, name, sizeof(name)) == 0);
	CHECK(ioctl(m, TIOCGPTN, &n) == 0 && n == atoi(name + 9));
	CHECK_ERRNO(open(name, O_RDWR | O_NOCTTY), EIO); /* locked */
	CHECK(unlockpt(m) == 0);
	s = open(name, O_RDWR | O_NOCTTY);
	CHECK(s >= 0 && isatty(s) && isatty(m));
	CHECK(ttyname_r(s, tty, sizeof(tty)) == 0 && strcmp(tty, name) == 0);
	CHECK(fstat(s, &st) == 0 && S_ISCHR(st.st_mode) &&
	      (int)(st.st_rdev & 0xff) == n && st.st_uid == getuid());
	CHECK_ERRNO(lseek(s, 0, SEEK_CUR), ESPIPE);
	CHECK_ERRNO(ioctl(s, TIOCGPTN, &n), ENOTTY);
	CHECK(ioctl(m, TIOCSWINSZ, &ws) == 0);
	CHECK(ioctl(s, TIOCGWINSZ, &got) == 0 && got.ws_col == 80 &&
	      got.ws_row == 24 && got.ws_ypixel == 2);
	/* No session has this terminal. */
	CHECK_ERRNO(tcgetpgrp(s), ENOTTY);
	/* A second pty has another name; a closed pty has none. */
	fd = m;
	n = s;
	strcpy(tty, name);
	open_pty();
	CHECK(strcmp(tty, name) != 0);
	close_pty();
	CHECK_ERRNO(open(name, O_RDWR | O_NOCTTY), ENOENT);
	m = fd;
	s = n;
	close_pty();
	say("names");
}

static void
editing(void)
{
	struct termios t;

	open_pty();
	TYPED("hello\r", "hello<0d><0a>", "hello<0a>|");
	TYPED("one\ntwo\n", "one<0d><0a>two<0d><0a>", "one<0a>|two<0a>|");
	TYPED("abc\x7f\x7fX\n", "abc<08> <08><08> <08>X<0d><0a>", "aX<0a>|");
	TYPED("\x7f\n", "<0d><0a>", "<0a>|");
	TYPED("ls foo bar\x17\n",
	    "ls foo bar<08> <08><08> <08><08> <08><0d><0a>", "ls foo <0a>|");
	TYPED("ab \x17\n", "ab <08> <08><08> <08><08> <08><0d><0a>", "<0a>|");
	TYPED(
	    "abc\x15z\n", "abc<08> <08><08> <08><08> <08>z<0d><0a>", "z<0a>|");
	TYPED("a\x01\x7f\n", "a^A<08> <08><08> <08><0d><0a>", "a<0a>|");
	TYPED("a\tb\x7f\x7f.\n",
	    "a<09>b<08> <08><08><08><08><08><08><08><08>.<0d><0a>", "a.<0a>|");
	TYPED("x\x16\x03y\n", "x^<08>^Cy<0d><0a>", "x<03>y<0a>|");
	TYPED("ab\x12q\n", "ab^R<0d><0a>abq<0d><0a>", "abq<0a>|");
	TYPED("part\x04", "part", "part|");
	CHECK(tcgetattr(s, &t) == 0);
	t.c_lflag &= ~(tcflag_t)ECHO;
	t.c_cc[VEOL] = ';';
	CHECK(tcsetattr(s, TCSANOW, &t) == 0);
	TYPED("secret\n", "", "secret<0a>|");
	TYPED("a;b\n", "", "a;|b<0a>|");
	t.c_lflag |= ECHONL;
	t.c_iflag |= IGNCR;
	CHECK(tcsetattr(m, TCSANOW, &t) == 0);
	TYPED("x\ry\n", "<0d><0a>", "xy<0a>|");
	/* A line may be read in pieces; the end of file is reported once. */
	type("0123456789\n\x04more\n");
	{
		char b[16];

		CHECK(read(s, b, 4) == 4 && memcmp(b, "0123", 4) == 0);
		CHECK(read(s, b, 16) == 7 && b[6] == '\n');
		CHECK(read(s, b, 16) == 0);
		CHECK(read(s, b, 16) == 5);
	}
	/* An incomplete line cannot be read until canonical mode is off. */
	type("half");
	EXPECT(s, "");
	t.c_lflag &= ~(tcflag_t)ICANON;
	CHECK(tcsetattr(s, TCSANOW, &t) == 0);
	EXPECT(s, "half");
	type("gone");
	CHECK(poll(&(struct pollfd){s, POLLIN, 0}, 1, 2000) == 1);
	CHECK(tcsetattr(s, TCSAFLUSH, &t) == 0);
	EXPECT(s, "");
	close_pty();
	say("editing");
}

/* Counts the bytes that can be read until nothing arrives. */
static size_t
drain(int fd)
{
	struct pollfd p = {fd, POLLIN, 0};
	char b[4096];
	size_t total = 0;
	ssize_t n;

	while (poll(&p, 1, 100) == 1 && (n = read(fd, b, sizeof(b))) > 0)
		total += (size_t)n;
	return (total);
}

static void
set_lflag(tcflag_t off)
{
	struct termios t;

	CHECK(tcgetattr(s, &t) == 0);
	t.c_lflag = (t.c_lflag | ICANON | ECHO) & ~off;
	CHECK(tcsetattr(s, TCSANOW, &t) == 0);
}

/* Write pieces as long as they are accepted, with time for Linux to move
 * them. */
static size_t
push(int fd, const char *b, size_t size, size_t piece)
{
	struct pollfd p = {fd, POLLOUT, 0};
	size_t total = 0;
	ssize_t n;

	while (total < size) {
		n = write(
		    fd, b + total, piece < size - total ? piece : size - total);
		if (n > 0)
			total += (size_t)n;
		else if (poll(&p, 1, 200) != 1)
			break;
	}
	return (total);
}

/* Small pieces use no more room than large ones. */
static void
pieces(void)
{
	static char b[20480];
	struct epoll_event ev = {.events = EPOLLIN | EPOLLET};
	int n, ep;

	open_pty();
	CHECK(fcntl(m, F_SETFL, O_NONBLOCK) == 0);
	CHECK(fcntl(s, F_SETFL, O_NONBLOCK) == 0);
	for (size_t i = 0; i < 800; i++)
		memcpy(b + i * 5, "line\n", 5);
	set_lflag(ECHO);
	CHECK(write(m, b, 4000) == 4000);
	CHECK(read(s, b + 5000, 100) == 5 && drain(s) == 3995);
	for (size_t i = 0; i < sizeof(b); i++)
		b[i] = i % 2 == 0 ? 'x' : '\n';
	CHECK(push(m, b, 10240, 10240) == 10240 && drain(s) == 10240);
	set_lflag(ECHO | ICANON);
	CHECK(push(m, b, 20480, 1) == 20480 && drain(s) == 20480);
	CHECK(push(s, b, 4096, 1) == 4096 && drain(m) == 6144);
	set_lflag(0);
	memset(b, 'e', sizeof(b));
	CHECK(push(m, b, 1000, 1) == 1000 && write(m, "\n", 1) == 1 &&
	      drain(m) == 1002);
	CHECK(drain(s) == 1001);
	/* Until there is no room; writing goes on when there is room again. */
	set_lflag(ECHO | ICANON);
	while (write(s, b, 100) > 0)
		;
	CHECK(poll(&(struct pollfd){s, POLLOUT, 0}, 1, 0) == 0);
	CHECK(poll(&(struct pollfd){m, POLLIN, 0}, 1, 1000) == 1);
	CHECK(drain(m) >= 4096);
	CHECK(poll(&(struct pollfd){s, POLLOUT, 0}, 1, 1000) == 1);
	while (write(m, b, 100) > 0)
		;
	CHECK(poll(&(struct pollfd){m, POLLOUT, 0}, 1, 0) == 0);
	CHECK(drain(s) >= 4096);
	CHECK(poll(&(struct pollfd){m, POLLOUT, 0}, 1, 1000) == 1);
	/* An edge for each piece, although the first piece has not been
	 * read. */
	ep = epoll_create1(0);
	CHECK(ep >= 0 && epoll_ctl(ep, EPOLL_CTL_ADD, m, &ev) == 0);
	CHECK(epoll_wait(ep, &ev, 1, 0) == 0);
	for (int i = 0; i < 20; i++) {
		CHECK(write(s, "e", 1) == 1);
		CHECK(epoll_wait(ep, &ev, 1, 1000) == 1);
		CHECK((ev.events & (EPOLLIN | EPOLLHUP)) == EPOLLIN);
	}
	CHECK(epoll_wait(ep, &ev, 1, 50) == 0);
	CHECK(ioctl(m, FIONREAD, &n) == 0 && n == 20 && drain(m) == 20);
	CHECK(epoll_wait(ep, &ev, 1, 0) == 0);
	close(ep);
	close_pty();
	say("small pieces");
}

static double
elapsed(struct timespec *a)
{
	struct timespec b;

	clock_gettime(CLOCK_MONOTONIC, &b);
	return ((double)(b.tv_sec - a->tv_sec) +
		(double)(b.tv_nsec - a->tv_nsec) / 1e9);
}

static void
raw(void)
{
	struct termios t;
	struct timespec t0;
	char b[64];
	pid_t pid;
	int n;

	open_pty();
	CHECK(tcgetattr(s, &t) == 0);
	cfmakeraw(&t);
	CHECK(tcsetattr(s, TCSANOW, &t) == 0);
	TYPED("a\r\x03\x04\x7f", "", "a<0d><03><04><7f>");
	CHECK(write(s, "x\ny\t", 4) == 4);
	EXPECT(m, "x<0a>y<09>");
	t.c_cc[VMIN] = 0;
	CHECK(tcsetattr(s, TCSANOW, &t) == 0);
	CHECK(read(s, b, sizeof(b)) == 0);
	t.c_cc[VTIME] = 1;
	CHECK(tcsetattr(s, TCSANOW, &t) == 0);
	clock_gettime(CLOCK_MONOTONIC, &t0);
	CHECK(read(s, b, sizeof(b)) == 0 && elapsed(&t0) > 0.08);
	t.c_cc[VMIN] = 5;
	t.c_cc[VTIME] = 0;
	CHECK(tcsetattr(s, TCSANOW, &t) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		for (int i = 0; i < 5; i++) {
			type("k");
			sleep_ms(5);
		}
		_exit(0);
	}
	CHECK(read(s, b, sizeof(b)) == 5);
	wait_ok(pid);
	CHECK(fcntl(s, F_SETFL, O_NONBLOCK) == 0);
	CHECK_ERRNO(read(s, b, sizeof(b)), EAGAIN);
	CHECK(fcntl(m, F_SETFL, O_NONBLOCK) == 0);
	CHECK_ERRNO(read(m, b, sizeof(b)), EAGAIN);
	type("12345678");
	CHECK(poll(&(struct pollfd){s, POLLIN, 0}, 1, 1000) == 1);
	CHECK(ioctl(s, FIONREAD, &n) == 0 && n == 8);
	CHECK(tcflush(s, TCIFLUSH) == 0);
	CHECK(ioctl(s, FIONREAD, &n) == 0 && n == 0);
	/* Output processing follows the flags. */
	t.c_oflag = OPOST | ONLCR | XTABS;
	CHECK(tcsetattr(s, TCSANOW, &t) == 0);
	CHECK(write(s, "a\tb\n\t.", 6) == 6);
	EXPECT(m, "a       b<0d><0a>        .");
	close_pty();
	say("raw mode");
}

/* More output than fits, with a reader that is slow at first. */
static void
much_output(void)
{
	size_t total = 0, want = 400000;
	char b[1000];
	pid_t pid;
	ssize_t n;

	open_pty();
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		close(m);
		memset(b, 'f', sizeof(b));
		for (size_t i = 0; i < want; i += sizeof(b))
			CHECK(write(s, b, sizeof(b)) == (ssize_t)sizeof(b));
		_exit(0);
	}
	close(s);
	sleep_ms(50);
	while ((n = read(m, b, sizeof(b))) > 0) {
		CHECK(b[0] == 'f' && b[n - 1] == 'f');
		total += (size_t)n;
	}
	CHECK(n == -1 && errno == EIO && total == want);
	wait_ok(pid);
	close(m);
	say("%zu bytes of output", total);
}

static volatile int seen[65];

static void
on_signal(int sig, siginfo_t *si, void *uc)
{
	seen[sig]++;
}

/* The leader of a session on the pty; reports each event through a pipe. */
static void
leader(int out)
{
	char b[64];
	pid_t bg;
	int st, fd;

	close(m);
	CHECK(setsid() == getpid());
	CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
	fd = open(name, O_RDWR); /* becomes the controlling terminal */
	CHECK(fd >= 0 && tcgetpgrp(fd) == getpgrp());
	CHECK(tcgetsid(s) == getpid() && ioctl(s, TIOCSCTTY, 0) == 0);
	close(fd);
	fd = open("/dev/tty", O_RDWR);
	CHECK(fd >= 0 && isatty(fd));
	set_handler(SIGINT, on_signal, 0);
	set_handler(SIGQUIT, on_signal, 0);
	set_handler(SIGWINCH, on_signal, 0);
	set_handler(SIGHUP, on_signal, 0);
	CHECK(write(out, "r", 1) == 1);
	CHECK_ERRNO(read(s, b, sizeof(b)), EINTR);
	CHECK(seen[SIGINT] == 1 && write(out, "i", 1) == 1);
	CHECK_ERRNO(read(s, b, sizeof(b)), EINTR);
	CHECK(seen[SIGQUIT] == 1 && write(out, "q", 1) == 1);
	CHECK_ERRNO(read(s, b, sizeof(b)), EINTR);
	CHECK(seen[SIGWINCH] == 1 && write(out, "w", 1) == 1);

	/* A process group in the background is stopped when it reads. */
	bg = fork();
	CHECK(bg >= 0);
	if (bg == 0) {
		set_disposition(SIGINT, SIG_DFL);
		set_disposition(SIGQUIT, SIG_DFL);
		set_disposition(SIGHUP, SIG_DFL);
		setpgid(0, 0);
		st = read(s, b, sizeof(b)) == 3 ? 7 : 8;
		_exit(st);
	}
	setpgid(bg, bg);
	CHECK(waitpid(bg, &st, WUNTRACED) == bg && WIFSTOPPED(st) &&
	      WSTOPSIG(st) == SIGTTIN);
	set_disposition(SIGTTOU, SIG_IGN);
	CHECK(tcsetpgrp(fd, bg) == 0 && tcgetpgrp(s) == bg);
	CHECK(kill(-bg, SIGCONT) == 0);
	CHECK(write(out, "f", 1) == 1);
	/* ^Z stops the foreground group and not this process; then the group
	 * reads. */
	CHECK(waitpid(bg, &st, WUNTRACED) == bg && WIFSTOPPED(st) &&
	      WSTOPSIG(st) == SIGTSTP);
	CHECK(kill(-bg, SIGCONT) == 0 && write(out, "z", 1) == 1);
	CHECK(
	    waitpid(bg, &st, 0) == bg && WIFEXITED(st) && WEXITSTATUS(st) == 7);
	CHECK_ERRNO(tcsetpgrp(fd, 999999), ESRCH);
	CHECK(tcsetpgrp(fd, getpgrp()) == 0);
	/* The other end is closed: SIGHUP, and neither reading nor writing
	 * is possible. */
	CHECK(write(out, "h", 1) == 1);
	while (seen[SIGHUP] == 0)
		sleep_ms(5);
	CHECK(read(s, b, sizeof(b)) == 0);
	CHECK_ERRNO(write(s, "x", 1), EIO);
	CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
	_exit(0);
}

static void
await(int fd, char want)
{
	char c;

	CHECK(read(fd, &c, 1) == 1 && c == want);
	sleep_ms(30); /* until the reader waits */
}

static void
sessions(void)
{
	struct winsize ws = {10, 20, 0, 0};
	int p[2];
	pid_t pid;

	open_pty();
	CHECK(pipe(p) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0)
		leader(p[1]);
	close(p[1]);
	await(p[0], 'r');
	CHECK(tcgetpgrp(m) == pid && tcgetsid(m) == pid);
	type("abc\x03");
	EXPECT(m, "^C");
	await(p[0], 'i');
	type("\x1c");
	EXPECT(m, "^\\");
	await(p[0], 'q');
	CHECK(ioctl(m, TIOCSWINSZ, &ws) == 0);
	await(p[0], 'w');
	await(p[0], 'f');
	type("\x1a");
	await(p[0], 'z');
	EXPECT(m, "^Z");
	type("go\n");
	await(p[0], 'h');
	close(s), close(m);
	wait_ok(pid);
	close(p[0]);
	say("sessions and signals");
}

/* When the leader ends, other processes that have the terminal open go on. */
static void
end_of_leader(void)
{
	int p[2], st;
	pid_t pid;
	char b[16];

	open_pty();
	CHECK(pipe(p) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		close(m);
		CHECK(setsid() > 0 && ioctl(s, TIOCSCTTY, 0) == 0);
		if (fork() == 0) {
			set_handler(SIGHUP, on_signal, SA_RESTART);
			CHECK(write(p[1], "r", 1) == 1);
			CHECK(read(s, b, sizeof(b)) == 6);
			CHECK(seen[SIGHUP] == 1);
			CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
			CHECK(write(s, "there\n", 6) == 6);
			CHECK(write(p[1], "e", 1) == 1);
			_exit(0);
		}
		await(p[0], 'r');
		CHECK(write(s, "bye\n", 4) == 4);
		_exit(5);
	}
	CHECK(waitpid(pid, &st, 0) == pid && WEXITSTATUS(st) == 5);
	type("still\n");
	await(p[0], 'e');
	EXPECT(m, "bye<0d><0a>still<0d><0a>there<0d><0a>");
	close(s);
	sleep_ms(30);
	{
		struct pollfd f = {m, POLLIN, 0};

		CHECK(poll(&f, 1, 1000) == 1 && f.revents == POLLHUP);
		CHECK_ERRNO(read(m, b, sizeof(b)), EIO);
	}
	/* Opened again. */
	s = open(name, O_RDWR | O_NOCTTY);
	CHECK(s >= 0);
	TYPED("again\n", "again<0d><0a>", "again<0a>|");
	CHECK(write(s, "last\n", 5) == 5);
	close(s);
	s = open(name, O_RDWR | O_NOCTTY);
	EXPECT(m, "last<0d><0a>");
	close(m);
	{
		struct pollfd f = {s, POLLIN, 0};

		CHECK(poll(&f, 1, 1000) == 1 && (f.revents & POLLHUP));
		CHECK(read(s, b, sizeof(b)) == 0);
	}
	close(s), close(p[0]), close(p[1]);
	say("the end of a leader");
}

/* A slave whose master is closed. */
static void
master_closed(void)
{
	struct termios t;
	struct winsize ws;
	pid_t pg = getpgrp();
	char fd[32];
	int v = 1;

	open_pty();
	type("left\n");
	close(m);
	CHECK_ERRNO(tcgetattr(s, &t), EIO);
	CHECK_ERRNO(ioctl(s, TCSETS, &t), EIO);
	CHECK_ERRNO(ioctl(s, TIOCGWINSZ, &ws), EIO);
	CHECK_ERRNO(ioctl(s, FIONREAD, &v), EIO);
	CHECK_ERRNO(ioctl(s, TIOCGPGRP, &v), EIO);
	CHECK_ERRNO(ioctl(s, TIOCSPGRP, &pg), ENOTTY);
	CHECK_ERRNO(ioctl(s, TIOCGSID, &v), EIO);
	CHECK_ERRNO(ioctl(s, TIOCSCTTY, 0), EIO);
	CHECK_ERRNO(ioctl(s, TIOCNOTTY), EIO);
	CHECK_ERRNO(ioctl(s, 0x5499, &v), EIO);
	CHECK_ERRNO(tcflush(s, TCIFLUSH), EIO);
	CHECK(ioctl(s, FIONBIO, &v) == 0);
	CHECK(read(s, fd, sizeof(fd)) == 0);
	CHECK_ERRNO(write(s, "x", 1), EIO);
	CHECK_ERRNO(access(name, F_OK), ENOENT);
	CHECK_ERRNO(open(name, O_RDWR | O_NOCTTY), ENOENT);
	close(s);
	say("a slave without a master");
}

static void
requests(void)
{
	char b[8];
	int v = 7, fd;

	open_pty();
	CHECK(ioctl(s, TIOCEXCL) == 0);
	CHECK(ioctl(s, TIOCGEXCL, &v) == 0 && v == 1);
	CHECK(ioctl(m, TIOCGEXCL, &v) == 0 && v == 0);
	fd = open(name, O_RDWR | O_NOCTTY);
	CHECK(getuid() == 0 ? fd >= 0 : fd == -1 && errno == EBUSY);
	close(fd);
	CHECK(ioctl(s, TIOCNXCL) == 0);
	fd = open(name, O_RDWR | O_NOCTTY);
	CHECK(fd >= 0 && close(fd) == 0);
	CHECK(ioctl(m, TIOCGETD, &v) == 0 && v == 0);
	/* Open the slave through its master. */
	fd = ioctl(m, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	CHECK(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
	CHECK(isatty(fd) && write(fd, "peer", 4) == 4);
	EXPECT(m, "peer");
	CHECK(ttyname_r(fd, b, sizeof(b)) == ERANGE);
	close(fd);
	CHECK_ERRNO(ioctl(s, TIOCGPTPEER, O_RDWR | O_NOCTTY), EIO);
	CHECK_ERRNO(ioctl(1000, TIOCGPTPEER, O_RDWR), EBADF);
	/* Packet mode. */
	v = 0;
	CHECK_ERRNO(ioctl(s, TIOCPKT, &v), ENOTTY);
	CHECK(ioctl(m, TIOCPKT, &v) == 0);
	v = 1;
	CHECK(ioctl(m, TIOCPKT, &v) == 0);
	CHECK(ioctl(m, TIOCGPKT, &v) == 0 && v == 1);
	CHECK(write(s, "abc", 3) == 3);
	CHECK(read(m, b, 2) == 2 && b[0] == 0 && b[1] == 'a');
	CHECK(ioctl(m, FIONREAD, &v) == 0 && v == 2);
	CHECK(read(m, b, 8) == 3 && b[0] == 0 && b[2] == 'c');
	close_pty();
	say("requests");
}

/* Writes "HC" to out for SIGHUP and SIGCONT. */
static void
report(int out)
{
	char b[3] = "..";

	sleep_ms(100);
	if (seen[SIGHUP] != 0)
		b[0] = 'H';
	if (seen[SIGCONT] != 0)
		b[1] = 'C';
	CHECK(write(out, b, 2) == 2);
	_exit(0);
}

/* The signals of the foreground group when the leader gives up the terminal. */
static void
release_terminal(bool notty, const char *want)
{
	char b[3] = "";
	int p[2];
	pid_t pid;

	open_pty();
	CHECK(pipe(p) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK(setsid() > 0 && ioctl(m, TIOCSCTTY, 0) == 0);
		CHECK(tcgetsid(s) == getpid() && tcgetpgrp(s) == getpid());
		set_disposition(SIGTTOU, SIG_IGN);
		set_handler(SIGHUP, on_signal, 0);
		set_handler(SIGCONT, on_signal, 0);
		pid = fork();
		CHECK(pid >= 0);
		if (pid == 0) {
			setpgid(0, 0);
			CHECK(tcsetpgrp(s, getpid()) == 0);
			CHECK(write(p[1], "r", 1) == 1);
			while (seen[SIGHUP] == 0)
				sleep_ms(5);
			report(p[1]);
		}
		await(p[0], 'r');
		if (notty) {
			CHECK_ERRNO(ioctl(m, TIOCNOTTY), ENOTTY);
			CHECK(ioctl(s, TIOCNOTTY) == 0);
			CHECK_ERRNO(open("/dev/tty", O_RDWR), ENXIO);
			sleep_ms(200);
			CHECK(seen[SIGHUP] == 0 && seen[SIGCONT] == 0);
		}
		_exit(0);
	}
	wait_ok(pid);
	CHECK(read(p[0], b, 2) == 2 && strcmp(b, want) == 0);
	close(p[0]), close(p[1]);
	close_pty();
	say("signals after the release: %s", b);
}

/* The older requests, with struct termio. */
static void
older_form(void)
{
	struct {
		unsigned short iflag, oflag, cflag, lflag;
		unsigned char line, cc[8];
	} old;
	struct termios t;

	open_pty();
	CHECK(tcgetattr(s, &t) == 0);
	CHECK(ioctl(s, 0x5405 /* TCGETA */, &old) == 0);
	CHECK(old.lflag == (unsigned short)t.c_lflag);
	CHECK(old.iflag == (unsigned short)t.c_iflag);
	CHECK(old.cc[VINTR] == t.c_cc[VINTR] && old.cc[VEOF] == 4);
	old.lflag &= (unsigned short)~ECHO;
	old.cc[VINTR] = 7;
	CHECK(ioctl(s, 0x5406 /* TCSETA */, &old) == 0);
	CHECK(tcgetattr(s, &t) == 0);
	CHECK((t.c_lflag & ECHO) == 0 && (t.c_lflag & ICANON) != 0);
	CHECK(t.c_cc[VINTR] == 7 && t.c_cc[VSUSP] == 26);
	old.lflag |= ECHO;
	CHECK(ioctl(s, 0x5407 /* TCSETAW */, &old) == 0);
	CHECK(ioctl(m, 0x5408 /* TCSETAF */, &old) == 0);
	CHECK(tcgetattr(s, &t) == 0 && (t.c_lflag & ECHO) != 0);
	CHECK_ERRNO(ioctl(s, 0x5405, BAD), EFAULT);
	close_pty();
	say("older form");
}

int
main(void)
{
	names();
	editing();
	raw();
	pieces();
	much_output();
	sessions();
	end_of_leader();
	master_closed();
	requests();
	older_form();
	release_terminal(true, "HC");
	release_terminal(false, "H.");
	return (0);
}
