/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Files of /proc about sockets (net), locks, mapped files (map_files), and what
 * a thread does (syscall, sched, attr, timers).
 */
#include "guest.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/prctl.h>

static char text[1 << 18];

static const char *
slurp(const char *path)
{
	size_t n = 0;
	ssize_t r;
	int fd = open(path, O_RDONLY);

	CHECK(fd >= 0);
	while ((r = read(fd, text + n, sizeof(text) - 1 - n)) > 0)
		n += (size_t)r;
	CHECK(r == 0);
	text[n] = '\0';
	close(fd);
	return (text);
}

static unsigned long
ino_of(int fd)
{
	struct stat st;

	CHECK(fstat(fd, &st) == 0);
	return ((unsigned long)st.st_ino);
}

/* The line of a table that has `what`, with its newline; or NULL. */
static const char *
line_with(const char *path, const char *what)
{
	const char *at = strstr(slurp(path), what);

	while (at != NULL && at > text && at[-1] != '\n')
		at--;
	return (at);
}

static void
internet(void)
{
	struct sockaddr_in sin = {.sin_family = AF_INET};
	socklen_t len = sizeof(sin);
	unsigned long ino;
	unsigned state;
	char what[64];
	const char *line;
	int s;

	CHECK(strncmp(slurp("/proc/net/dev"), "Inter-|   Receive", 17) == 0);
	CHECK(strstr(text, "    lo:") != NULL);
	CHECK(strncmp(slurp("/proc/self/net/route"), "Iface\t", 6) == 0);
	CHECK(strncmp(slurp("/proc/net/udp"), "   sl  local_address", 20) == 0);
	CHECK(strncmp(slurp("/proc/net/tcp6"), "  sl  local_address", 19) == 0);
	CHECK(strncmp(slurp("/proc/net/sockstat"), "sockets: used ", 14) == 0);
	if (no_internet()) {
		say("tables of the network");
		return;
	}
	s = socket(AF_INET, SOCK_STREAM, 0);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	CHECK(bind(s, (void *)&sin, sizeof(sin)) == 0 && listen(s, 1) == 0);
	CHECK(getsockname(s, (void *)&sin, &len) == 0);
	snprintf(what, sizeof(what), ": 0100007F:%04X 00000000:0000",
	    ntohs(sin.sin_port));
	line = line_with("/proc/net/tcp", what);
	CHECK(line != NULL);
	CHECK(sscanf(line, "%*d: %*s %*s %x %*s %*s %*s %*d %*d %lu", &state,
		  &ino) == 2);
	CHECK(state == 10 && ino == ino_of(s));
	close(s);
	CHECK(line_with("/proc/net/tcp", what) == NULL);
	say("tables of the network");
}

static void
local(void)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	unsigned refs, flags, type, state;
	unsigned long ino;
	const char *line;
	int s, n;

	s = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	n = snprintf(
	    sun.sun_path + 1, sizeof(sun.sun_path) - 1, "procnet-%d", getpid());
	CHECK(bind(s, (void *)&sun,
		  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
			      (size_t)n)) == 0);
	sun.sun_path[0] = '@';
	CHECK(strncmp(slurp("/proc/net/unix"), "Num       RefCount", 18) == 0);
	for (int i = 0; i < 2; i++) {
		line = line_with("/proc/net/unix", sun.sun_path);
		CHECK(line != NULL);
		CHECK(sscanf(line, "%*x: %x %*x %x %x %x %lu", &refs, &flags,
			  &type, &state, &ino) == 5);
		CHECK(refs == 2 && type == SOCK_SEQPACKET && state == 1);
		CHECK(ino == ino_of(s) && flags == (i == 0 ? 0u : 0x10000u));
		CHECK(listen(s, 1) == 0);
	}
	close(s);
	CHECK(line_with("/proc/net/unix", sun.sun_path) == NULL);
	say("UNIX sockets");
}

static void
locks(void)
{
	char name[] = "/tmp/procnetXXXXXX", what[64];
	int fd = mkstemp(name);
	const char *line;

	CHECK(fd >= 0 && unlink(name) == 0 && flock(fd, LOCK_EX) == 0);
	snprintf(what, sizeof(what), ":%lu 0 EOF\n", ino_of(fd));
	line = line_with("/proc/locks", what);
	CHECK(
	    line != NULL && strstr(line, ": FLOCK  ADVISORY  WRITE ") != NULL);
	close(fd);
	CHECK(line_with("/proc/locks", what) == NULL);
	say("locks");
}

/* The effective capabilities, of those permitted. */
static void
set_effective(uint64_t caps)
{
	struct {
		uint32_t version;
		int pid;
	} head = {0x20080522, 0};
	struct {
		uint32_t effective, permitted, inheritable;
	} data[2];

	CHECK(syscall(SYS_capget, &head, data) == 0);
	data[0].effective = (uint32_t)caps;
	data[1].effective = (uint32_t)(caps >> 32);
	CHECK(syscall(SYS_capset, &head, data) == 0);
}

/* A capability decides who may follow a link of map_files, not the user. */
static void
mapped_rights(void *path)
{
	const int sys_admin = 21, checkpoint_restore = 40;
	int fd;

	set_effective(0);
	CHECK_ERRNO(open(path, O_RDONLY), EPERM);
	set_effective(UINT64_C(1) << checkpoint_restore);
	fd = open(path, O_RDONLY);
	CHECK(fd >= 0 && close(fd) == 0);
	set_effective(UINT64_C(1) << 7); /* CAP_SETUID */
	CHECK(prctl(PR_SET_KEEPCAPS, 1) == 0);
	CHECK(setresuid(1000, 1000, 1000) == 0);
	CHECK(prctl(PR_SET_DUMPABLE, 1) == 0);
	CHECK_ERRNO(open(path, O_RDONLY), EPERM);
	set_effective(UINT64_C(1) << sys_admin);
	fd = open(path, O_RDONLY);
	CHECK(fd >= 0 && close(fd) == 0);
}

static void
mapped(void)
{
	char name[512], path[128], to[512];
	int fd = open("/proc/self/exe", O_RDONLY), again, found = 0;
	const struct dirent *de;
	char *m;
	ssize_t n;
	DIR *d;

	n = readlink("/proc/self/exe", name, sizeof(name) - 1);
	CHECK(fd >= 0 && n > 0);
	name[n] = '\0';
	m = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(m != MAP_FAILED);
	snprintf(path, sizeof(path), "%lx-%lx", (unsigned long)m,
	    (unsigned long)m + 8192);
	d = opendir("/proc/self/map_files");
	CHECK(d != NULL);
	while ((de = readdir(d)) != NULL)
		found += strcmp(de->d_name, path) == 0;
	closedir(d);
	CHECK(found == 1);
	snprintf(path, sizeof(path), "/proc/self/map_files/%lx-%lx",
	    (unsigned long)m, (unsigned long)m + 8192);
	n = readlink(path, to, sizeof(to) - 1);
	CHECK(n > 0);
	to[n] = '\0';
	CHECK(strcmp(to, name) == 0);
	if (geteuid() == 0) {
		again = open(path, O_RDONLY);
		CHECK(again >= 0 && ino_of(again) == ino_of(fd));
		close(again);
		in_child(mapped_rights, path);
	}
	CHECK(munmap(m, 8192) == 0);
	CHECK_ERRNO(readlink(path, to, sizeof(to)), ENOENT);
	CHECK_ERRNO(open("/proc/self/map_files/x-y", O_RDONLY), ENOENT);
	close(fd);
	say("mapped files");
}

static void
doing(void)
{
	char path[64], b[8];
	timer_t t;
	int end, fd;
	pid_t child = waiting_child(&end);

	for (int i = 0; i < 200; i++) {
		snprintf(path, sizeof(path), "/proc/%d/syscall", child);
		if (strncmp(slurp(path), "0 0x", 4) == 0)
			break;
		usleep(5000);
	}
	CHECK(strncmp(text, "0 0x", 4) == 0); /* read */
	close(end);
	CHECK(waitpid(child, NULL, 0) == child);
	CHECK(strncmp(slurp("/proc/self/syscall"), "0 0x", 4) == 0);
	snprintf(path, sizeof(path), "procnet (%d, #threads: 1)\n", getpid());
	CHECK(strncmp(slurp("/proc/self/sched"), path, strlen(path)) == 0);
	CHECK(strstr(text, "se.sum_exec_runtime") != NULL);
	CHECK(timer_create(CLOCK_MONOTONIC, NULL, &t) == 0);
	CHECK(
	    strncmp(slurp("/proc/self/timers"), "ID: 0\nsignal: 14/", 17) == 0);
	snprintf(path, sizeof(path), "notify: signal/pid.%d\nClockID: 1\n",
	    getpid());
	CHECK(strstr(text, path) != NULL && timer_delete(t) == 0);
	fd = open("/proc/self/attr/current", O_RDWR);
	CHECK(fd >= 0);
	CHECK_ERRNO(read(fd, b, sizeof(b)), EINVAL);
	CHECK_ERRNO(write(fd, "x", 1), EINVAL);
	close(fd);
	CHECK(strstr(slurp("/proc/self/numa_maps"), " default") != NULL);
	say("what a thread does");
}

int
main(void)
{
	internet();
	local();
	locks();
	mapped();
	doing();
	return (0);
}
