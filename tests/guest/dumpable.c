/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Which process may look into which: a process looks into its child by
 * /proc/PID and process_vm_readv, after the child has changed its ids, has made
 * itself dumpable or not, or has executed a file that it cannot read. Needs
 * root, to change ids.
 */
#include "guest.h"

#include <dirent.h>
#include <sys/prctl.h>
#include <sys/uio.h>

#define USER 4711

static const char secret[] = "contents of the child";

/* A child that has done `what`; the parent looks, then ends it. */
struct child {
	pid_t pid;
};

enum what { NOTHING, DUMPABLE, NOT_DUMPABLE, SAVED_ROOT, OTHER_GID, HIDDEN };

static void __attribute__((noreturn)) child_main(enum what what, int ready)
{
	switch (what) {
	case DUMPABLE:
		CHECK(prctl(PR_SET_DUMPABLE, 1) == 0);
		CHECK(prctl(PR_GET_DUMPABLE) == 1);
		break;
	case NOT_DUMPABLE:
		CHECK(prctl(PR_SET_DUMPABLE, 1) == 0);
		CHECK(prctl(PR_SET_DUMPABLE, 0) == 0);
		break;
	case HIDDEN:
		CHECK(dup2(ready, 100) == 100);
		execl("./hidden", "hidden", "wait", NULL);
		CHECK(!"exec");
	default:
		break;
	}
	CHECK(write(ready, "", 1) == 1);
	for (;;)
		pause();
}

/* SAVED_ROOT and OTHER_GID are made by root, the others by the user itself. */
static struct child
child_start(enum what what)
{
	int ready[2];
	struct child ch;
	char c;

	CHECK(pipe2(ready, O_CLOEXEC) == 0);
	ch.pid = fork();
	CHECK(ch.pid >= 0);
	if (ch.pid == 0) {
		if (what == SAVED_ROOT)
			CHECK(setresgid(USER, USER, USER) == 0 &&
			      setresuid(USER, USER, 0) == 0);
		if (what == OTHER_GID)
			CHECK(setresgid(USER, USER, USER + 1) == 0 &&
			      setresuid(USER, USER, USER) == 0);
		child_main(
		    what == SAVED_ROOT || what == OTHER_GID ? DUMPABLE : what,
		    ready[1]);
	}
	close(ready[1]);
	CHECK(read(ready[0], &c, 1) == 1);
	close(ready[0]);
	return (ch);
}

static void
child_end(const struct child *ch)
{
	int status;

	CHECK(kill(ch->pid, SIGKILL) == 0);
	CHECK(waitpid(ch->pid, &status, 0) == ch->pid && status == SIGKILL);
}

/* Open a file of a process: 0 or the errno. */
static int
opens(pid_t pid, const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return (errno);
	close(fd);
	return (0);
}

/* Read a byte of a file of a process: 0 or the errno of open or read. */
static int
shows(pid_t pid, const char *name)
{
	char path[64], c;
	int fd, error = 0;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return (errno);
	if (read(fd, &c, 1) < 0)
		error = errno;
	close(fd);
	return (error);
}

static int
links(pid_t pid, const char *name)
{
	char path[64], to[256];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	return (readlink(path, to, sizeof(to)) < 0 ? errno : 0);
}

static int
lists(pid_t pid)
{
	char path[64];
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	d = opendir(path);
	if (d == NULL)
		return (errno);
	closedir(d);
	return (0);
}

static int
reads(pid_t pid)
{
	char buf[sizeof(secret)] = "";
	struct iovec to = {buf, sizeof(buf)};
	struct iovec from = {(void *)(uintptr_t)secret, sizeof(secret)};

	if (process_vm_readv(pid, &to, 1, &from, 1, 0) != sizeof(secret))
		return (errno);
	CHECK(strcmp(buf, secret) == 0);
	return (0);
}

/* Is the stack's address shown in /proc/PID/stat? */
static bool
shows_stack(pid_t pid)
{
	char path[64], text[1024], *p;
	unsigned long v = 1;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY);
	CHECK(fd >= 0);
	n = read(fd, text, sizeof(text) - 1);
	CHECK(n > 0);
	text[n] = '\0';
	close(fd);
	p = strrchr(text, ')') + 2;
	for (int i = 3; i < 28; i++) /* field 28 is startstack */
		p = strchr(p, ' ') + 1;
	CHECK(sscanf(p, "%lu", &v) == 1);
	return (v != 0);
}

/* All ways into a process, with the same answer, but for the list of its
 * descriptors: that is the owner's, who is root if the process is not
 * dumpable. */
static void
look(const char *title, const struct child *ch, bool allowed, bool owner)
{
	const int no = allowed ? 0 : EACCES;

	CHECK(opens(ch->pid, "mem") == no);
	CHECK(opens(ch->pid, "maps") == no);
	CHECK(opens(ch->pid, "smaps") == no);
	CHECK(opens(ch->pid, "environ") == no);
	CHECK(opens(ch->pid, "auxv") == no);
	CHECK(links(ch->pid, "exe") == no);
	CHECK(links(ch->pid, "cwd") == no);
	CHECK(links(ch->pid, "root") == no);
	CHECK(opens(ch->pid, "smaps_rollup") == no);
	CHECK(opens(ch->pid, "pagemap") == no);
	CHECK(opens(ch->pid, "fdinfo/1") == no);
	CHECK(links(ch->pid, "ns/mnt") == no);
	CHECK(shows(ch->pid, "io") == no);
	CHECK(lists(ch->pid) == (owner ? 0 : EACCES));
	CHECK(reads(ch->pid) == (allowed ? 0 : EPERM));
	CHECK(shows_stack(ch->pid) == allowed);
	/* These are open to everybody. */
	CHECK(opens(ch->pid, "stat") == 0 && opens(ch->pid, "status") == 0);
	CHECK(opens(ch->pid, "cmdline") == 0 && opens(ch->pid, "statm") == 0);
	CHECK(shows(ch->pid, "oom_score") == 0 && shows(ch->pid, "comm") == 0);
	CHECK(shows(ch->pid, "cgroup") == 0 && shows(ch->pid, "limits") == 0);
	say("%s: %s", title, allowed ? "allowed" : "refused");
}

static void
one(const char *title, enum what what, bool allowed)
{
	struct child ch = child_start(what);

	look(title, &ch, allowed, allowed);
	child_end(&ch);
}

/* The process itself, whatever it has said. */
static void
myself(void)
{
	struct stat st;

	CHECK(prctl(PR_GET_DUMPABLE) == 0);
	CHECK(opens(getpid(), "mem") == EACCES); /* the file is root's */
	CHECK(opens(getpid(), "environ") == EACCES);
	CHECK(opens(getpid(), "maps") == 0);
	CHECK(links(getpid(), "exe") == 0);
	CHECK(lists(getpid()) == 0);
	CHECK(opens(getpid(), "fdinfo/1") == 0);
	CHECK(links(getpid(), "ns/mnt") == 0);
	CHECK(reads(getpid()) == 0);
	CHECK(stat("/proc/self/status", &st) == 0 && st.st_uid == 0);
	CHECK(stat("/proc/self", &st) == 0 && st.st_uid == USER);
	CHECK(prctl(PR_SET_DUMPABLE, 1) == 0);
	CHECK(opens(getpid(), "environ") == 0);
	CHECK(stat("/proc/self/status", &st) == 0 && st.st_uid == USER);
	say("itself");
}

static void
as_user(void *arg)
{
	struct child *made = arg;

	CHECK(setresgid(USER, USER, USER) == 0);
	CHECK(setresuid(USER, USER, USER) == 0);
	myself();
	one("a child of a dumpable process", NOTHING, true);
	one("a child that is dumpable", DUMPABLE, true);
	one("a child that is not dumpable", NOT_DUMPABLE, false);
	one("a file that cannot be read", HIDDEN, false);
	look("another saved user id", &made[0], false, true);
	look("another saved group id", &made[1], false, true);
}

static void
copy_program(const char *from, const char *to, mode_t mode)
{
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT, mode);
	char buf[65536];
	ssize_t n;

	CHECK(in >= 0 && out >= 0);
	while ((n = read(in, buf, sizeof(buf))) > 0)
		CHECK(write(out, buf, (size_t)n) == n);
	CHECK(n == 0 && fchmod(out, mode) == 0);
	close(in);
	close(out);
}

int
main(int argc, char **argv)
{
	char dir[] = "/tmp/dumpable-XXXXXX", self[4096];
	struct child made[2], hostile;
	ssize_t n;

	if (argc > 1) /* ./hidden */
		child_main(NOTHING, 100);
	if (getuid() != 0) {
		say("skipped: not root");
		return (0);
	}
	n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	CHECK(n > 0);
	self[n] = '\0';
	CHECK(mkdtemp(dir) != NULL && chmod(dir, 0755) == 0);
	CHECK(chdir(dir) == 0);
	copy_program(self, "hidden", 0711);
	made[0] = child_start(SAVED_ROOT);
	made[1] = child_start(OTHER_GID);
	in_child(as_user, made);
	child_end(&made[0]);
	child_end(&made[1]);
	hostile = child_start(NOT_DUMPABLE);
	look("by root, not dumpable", &hostile, true, true);
	child_end(&hostile);
	CHECK(unlink("hidden") == 0 && chdir("/") == 0 && rmdir(dir) == 0);
	return (0);
}
