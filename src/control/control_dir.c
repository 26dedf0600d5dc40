/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The directory of kernels: where clients find the socket of a kernel.
 *
 * Concepts.  BASE has one directory for each kernel, named after it, with its
 * socket and state.json.  BASE belongs to one user and is closed to all others,
 * so that these learn nothing and cannot connect.  A kernel lives as
 * long as its process: the number and the start time that state.json has are
 * those of a process of the host.
 *
 * The kernel process gives up its access to files before guest code runs, so
 * that it cannot remove its directory.  Its keeper does that: a process that is
 * forked before, has nothing but the directory and the read end of a pipe, and
 * waits for the end of file.  So the directory is also removed when the kernel
 * process is killed.  If the keeper is killed as well, the next list or enter
 * finds a stale directory and removes it.
 *
 * Locking.  A process that makes or removes a directory in BASE holds a
 * flock() on BASE, so that one that is being made is not taken for a stale one.
 * It is held for a few file operations only.
 *
 * Guarantees.  Only a directory that BASE has is removed, with the two files
 * that belong there; another file in it keeps it.  A symbolic link at BASE or
 * at a name is never followed.
 *
 * Limits.  One host: the numbers of processes of another pid namespace that
 * shares BASE are taken for dead ones.
 */
#include "control/control_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "control/message.h"

#define SOCKET_FILE "control.sock"
#define STATE_FILE "state.json"
#define STATE_MAX 65536 /* bytes of state.json */
#define BACKLOG 16
#define FREE_NAMES 100000

struct vmspace_dir {
	char name[VMSPACE_NAME_MAX + 1];
	int alive;    /* write end of the keeper's pipe */
	pid_t keeper; /* 0: none yet */
	int base;     /* BASE, only while it is entered */
	int dir;      /* its directory, likewise */
};

/* ---- BASE ---- */

static int
base_path(char *buf, size_t size)
{
	const char *run = getenv("XDG_RUNTIME_DIR");
	struct stat st;
	int n;

	if (geteuid() == 0)
		n = snprintf(buf, size, "/run/vmspace");
	else if (run != NULL && run[0] == '/' && stat(run, &st) == 0 &&
		 st.st_uid == geteuid())
		n = snprintf(buf, size, "%s/vmspace", run);
	else
		n = snprintf(buf, size, "/tmp/vmspace-%u", geteuid());
	return (n < 0 || (size_t)n >= size ? ENAMETOOLONG : 0);
}

/* A descriptor of BASE, which is made first if `make`.  ENOENT: there is none.
 */
static int
base_open(bool make, int *out)
{
	char path[4096];
	struct stat st;
	int error, fd;

	error = base_path(path, sizeof(path));
	if (error != 0)
		return (error);
	if (make && mkdir(path, 0700) != 0 && errno != EEXIST)
		return (errno);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return (errno);
	if (fstat(fd, &st) != 0 || st.st_uid != geteuid() ||
	    (st.st_mode & 077) != 0) {
		(void)close(fd);
		return (EPERM);
	}
	*out = fd;
	return (0);
}

/* base_open(), and lock BASE until it is closed. */
static int
base_lock(bool make, int *out)
{
	int error = base_open(make, out);

	while (error == 0 && flock(*out, LOCK_EX) != 0)
		if (errno != EINTR) {
			error = errno;
			(void)close(*out);
		}
	return (error);
}

/* ---- one directory; BASE locked ---- */

/* The start time of a process in ticks since boot.  ESRCH: no such process, or
 * it has ended and its parent has not waited for it. */
static int
process_start(pid_t pid, uint64_t *start)
{
	char path[64], buf[4096], *at;
	ssize_t n = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return (errno == ENOENT ? ESRCH : errno);
	n = read(fd, buf, sizeof(buf) - 1);
	(void)close(fd);
	if (n <= 0)
		return (ESRCH);
	buf[n] = '\0';
	/* The name may have spaces and brackets; the third field follows the
	 * last bracket, and the time is the 22nd. */
	at = strrchr(buf, ')');
	if (at != NULL && strncmp(at, ") Z", 3) == 0)
		return (ESRCH);
	for (int field = 2; at != NULL && field < 22; field++)
		at = strchr(at + 1, ' ');
	if (at == NULL)
		return (EIO);
	*start = strtoull(at + 1, NULL, 10);
	return (0);
}

/* Remove the directory `name` and what belongs there. */
static void
dir_remove(int base, int dir, const char *name)
{
	(void)unlinkat(dir, SOCKET_FILE, 0);
	(void)unlinkat(dir, STATE_FILE, 0);
	(void)unlinkat(base, name, AT_REMOVEDIR);
}

static int
dir_open(int base, const char *name, int *out)
{
	*out =
	    openat(base, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return (*out < 0 ? errno : 0);
}

static int
labels_parse(const json_t *list, char ***out)
{
	const size_t n = json_array_size(list);
	char **labels = calloc(n + 1, sizeof(*labels));

	if (labels == NULL)
		return (ENOMEM);
	for (size_t i = 0, at = 0; i < n; i++) {
		const char *s = json_string_value(json_array_get(list, i));

		if (s != NULL && (labels[at++] = strdup(s)) == NULL)
			break;
	}
	*out = labels;
	return (0);
}

/* The description in a directory.  ENOENT: none, or it makes no sense.  Other
 * errors say nothing of the kernel. */
static int
state_read(int dir, const char *name, struct vmspace_entry *e)
{
	int fd = openat(dir, STATE_FILE, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char *buf = malloc(STATE_MAX);
	json_t *o = NULL;
	ssize_t n = -1;
	int error = ENOENT;

	memset(e, 0, sizeof(*e));
	if (fd < 0 && errno != ENOENT && errno != ELOOP)
		error = errno;
	else if (buf == NULL)
		error = ENOMEM;
	else if (fd >= 0 && (n = read(fd, buf, STATE_MAX)) < 0)
		error = errno == EISDIR ? ENOENT : errno;
	if (n > 0)
		o = json_loadb(buf, (size_t)n, 0, NULL);
	if (json_is_object(o)) {
		snprintf(e->name, sizeof(e->name), "%s", name);
		e->pid = (pid_t)json_integer_value(json_object_get(o, "pid"));
		e->start =
		    (uint64_t)json_integer_value(json_object_get(o, "start"));
		e->created = json_integer_value(json_object_get(o, "created"));
		if (json_is_string(json_object_get(o, "command")))
			e->command = strdup(
			    json_string_value(json_object_get(o, "command")));
		error = e->command == NULL
			    ? ENOENT
			    : labels_parse(
				  json_object_get(o, "labels"), &e->labels);
	}
	if (error != 0)
		vmspace_entry_free(e);
	json_decref(o);
	free(buf);
	if (fd >= 0)
		(void)close(fd);
	return (error);
}

/* Does the process of an entry live?  0, ENOENT, or an errno: unknown. */
static int
entry_check(const struct vmspace_entry *e)
{
	uint64_t start = 0;
	int error = e->pid > 0 ? process_start(e->pid, &start) : ESRCH;

	if (error == 0 && start != e->start)
		error = ESRCH;
	return (error == ESRCH ? ENOENT : error);
}

/* The entry `name`, if its kernel lives: 0 and *e.  ENOENT: it does not, and
 * the directory has been removed.  Another error: that is unknown. */
static int
dir_check(int base, const char *name, struct vmspace_entry *e)
{
	int dir, error;

	error = dir_open(base, name, &dir);
	if (error != 0)
		return (error == ENOTDIR || error == ELOOP ? ENOENT : error);
	error = state_read(dir, name, e);
	if (error == 0 && (error = entry_check(e)) != 0)
		vmspace_entry_free(e);
	if (error == ENOENT)
		dir_remove(base, dir, name);
	(void)close(dir);
	return (error);
}

static json_t *
state_json(const char *name, const char *command, const char *const *labels)
{
	json_t *list = json_array();
	uint64_t start = 0;

	if (process_start(getpid(), &start) != 0) {
		json_decref(list);
		return (NULL);
	}
	for (; labels != NULL && *labels != NULL; labels++)
		(void)json_array_append_new(list, json_string(*labels));
	return (json_pack("{s:i, s:s, s:I, s:I, s:I, s:s, s:s, s:o}", "version",
	    VMSPACE_CONTROL_VERSION, "name", name, "pid", (json_int_t)getpid(),
	    "start", (json_int_t)start, "created", (json_int_t)time(NULL),
	    "status", "running", "command", command, "labels", list));
}

/* Write the description, whole or not at all. */
static int
state_write(int dir, json_t *state)
{
	char *text = state != NULL ? json_dumps(state, JSON_INDENT(1)) : NULL;
	size_t len = text != NULL ? strlen(text) : 0;
	int fd = -1, error = text == NULL ? ENOMEM : 0;

	if (error == 0 && len >= STATE_MAX)
		error = E2BIG;
	if (error == 0)
		fd = openat(dir, STATE_FILE,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (error == 0 && fd < 0)
		error = errno;
	if (error == 0 && write(fd, text, len) != (ssize_t)len)
		error = ENOSPC;
	if (fd >= 0)
		(void)close(fd);
	free(text);
	json_decref(state);
	return (error);
}

/* The address of the socket in a directory.  Its path may be longer than an
 * address has room for, so that the way leads through a descriptor. */
static void
socket_address(int dir, struct sockaddr_un *un)
{
	memset(un, 0, sizeof(*un));
	un->sun_family = AF_UNIX;
	snprintf(un->sun_path, sizeof(un->sun_path), "/proc/self/fd/%d/%s", dir,
	    SOCKET_FILE);
}

static int
socket_listen(int dir, int *out)
{
	struct sockaddr_un un;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), error;

	if (fd < 0)
		return (errno);
	socket_address(dir, &un);
	if (bind(fd, (struct sockaddr *)&un, sizeof(un)) != 0 ||
	    listen(fd, BACKLOG) != 0) {
		error = errno;
		(void)close(fd);
		return (error);
	}
	*out = fd;
	return (0);
}

/* ---- the keeper ---- */

enum { KEEPER_PIPE, KEEPER_BASE, KEEPER_DIR, KEEPER_FDS };

static _Noreturn void
keeper_main(int alive, int base, int dir, const char *name)
{
	const int from[KEEPER_FDS] = {alive, base, dir};
	int high[KEEPER_FDS];
	sigset_t all;
	char c;

	sigfillset(&all);
	(void)sigprocmask(SIG_BLOCK, &all, NULL);
	(void)prctl(PR_SET_NAME, "vmspace-keeper", 0, 0, 0);
	/* Each number is moved out of the way before one is taken. */
	for (int i = 0; i < KEEPER_FDS; i++)
		if ((high[i] = fcntl(from[i], F_DUPFD, KEEPER_FDS)) < 0)
			_exit(1);
	for (int i = 0; i < KEEPER_FDS; i++)
		if (dup2(high[i], i) < 0)
			_exit(1);
	(void)close_range(KEEPER_FDS, ~0u, 0);
	while (read(KEEPER_PIPE, &c, 1) < 0 && errno == EINTR)
		;
	while (flock(KEEPER_BASE, LOCK_EX) != 0 && errno == EINTR)
		;
	dir_remove(KEEPER_BASE, KEEPER_DIR, name);
	_exit(0);
}

static int
keeper_start(struct vmspace_dir *d)
{
	int fds[2], error;

	if (pipe2(fds, O_CLOEXEC) != 0)
		return (errno);
	d->keeper = fork();
	if (d->keeper < 0) {
		error = errno;
		(void)close(fds[0]);
		(void)close(fds[1]);
		d->keeper = 0;
		return (error);
	}
	if (d->keeper == 0) {
		int base = -1;

		/* Its own open file, because a lock belongs to that. */
		(void)close(fds[1]);
		if (base_open(false, &base) != 0)
			_exit(1);
		keeper_main(fds[0], base, d->dir, d->name);
	}
	(void)close(fds[0]);
	d->alive = fds[1];
	return (0);
}

/* ---- entering and leaving ---- */

const char *
vmspace_name_check(const char *name)
{
	const char first[] = "abcdefghijklmnopqrstuvwxyz"
			     "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	const size_t len = strlen(name);

	if (len == 0 || len > VMSPACE_NAME_MAX)
		return ("a name has 1 to 63 characters");
	if (strchr(first, name[0]) == NULL)
		return ("a name begins with a letter or a digit");
	if (strspn(name + 1,
		"abcdefghijklmnopqrstuvwxyz"
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") != len - 1)
		return ("a name has only letters, digits, '_', '.' and '-'");
	return (NULL);
}

/* Make the directory `name`, for which no kernel lives. */
static int
dir_make(struct vmspace_dir *d, const char *name)
{
	struct vmspace_entry e;
	int error = dir_check(d->base, name, &e);

	if (error == 0) {
		vmspace_entry_free(&e);
		return (EEXIST);
	}
	if (error != ENOENT)
		return (error);
	if (mkdirat(d->base, name, 0700) != 0)
		return (errno);
	strcpy(d->name, name); /* vmspace_name_check() */
	return (dir_open(d->base, name, &d->dir));
}

/* Make a directory whose name begins with that of the program. */
static int
dir_make_free(struct vmspace_dir *d, const char *command)
{
	char stem[VMSPACE_NAME_MAX - 6], name[VMSPACE_NAME_MAX + 1];
	const char *end = command + strcspn(command, " "), *at = end;
	int error = EEXIST;

	while (at > command && at[-1] != '/')
		at--;
	snprintf(stem, sizeof(stem), "%.*s", (int)(end - at), at);
	if (vmspace_name_check(stem) != NULL)
		strcpy(stem, "kernel");
	for (int i = 1; error == EEXIST && i < FREE_NAMES; i++) {
		snprintf(name, sizeof(name), "%s-%d", stem, i);
		error = dir_make(d, name);
	}
	return (error);
}

/* Make the directory and fill it; BASE is locked. */
static int
dir_fill(struct vmspace_dir *d, const char *name, const char *command,
    const char *const *labels, int *fd)
{
	int error;

	error = name != NULL ? dir_make(d, name) : dir_make_free(d, command);
	if (error != 0)
		return (error);
	error = socket_listen(d->dir, fd);
	if (error == 0)
		error =
		    state_write(d->dir, state_json(d->name, command, labels));
	if (error == 0)
		error = keeper_start(d);
	if (error != 0)
		dir_remove(d->base, d->dir, d->name);
	return (error);
}

/* Can JSON have the command and the labels? */
static bool
is_text(const char *command, const char *const *labels)
{
	json_t *o = json_string(command);
	bool text = o != NULL;

	json_decref(o);
	for (; text && labels != NULL && *labels != NULL; labels++) {
		o = json_string(*labels);
		text = o != NULL;
		json_decref(o);
	}
	return (text);
}

int
vmspace_dir_enter(const char *name, const char *command,
    const char *const *labels, struct vmspace_dir **out, int *fd)
{
	struct vmspace_dir *d;
	int error, sock = -1;

	if (command == NULL || out == NULL || fd == NULL ||
	    (name != NULL && vmspace_name_check(name) != NULL))
		return (EINVAL);
	if (!is_text(command, labels))
		return (EILSEQ);
	d = calloc(1, sizeof(*d));
	if (d == NULL)
		return (ENOMEM);
	d->dir = d->alive = -1;
	error = base_lock(true, &d->base);
	if (error != 0) {
		free(d);
		return (error);
	}
	error = dir_fill(d, name, command, labels, &sock);
	(void)close(d->base);
	if (d->dir >= 0)
		(void)close(d->dir);
	if (error != 0) {
		if (sock >= 0)
			(void)close(sock);
		free(d);
		return (error);
	}
	*out = d;
	*fd = sock;
	return (0);
}

const char *
vmspace_dir_name(const struct vmspace_dir *d)
{
	return (d->name);
}

void
vmspace_dir_leave(struct vmspace_dir *d)
{
	if (d == NULL)
		return;
	(void)close(d->alive);
	while (waitpid(d->keeper, NULL, 0) < 0 && errno == EINTR)
		;
	free(d);
}

/* ---- looking ---- */

void
vmspace_entry_free(struct vmspace_entry *e)
{
	for (char **l = e->labels; l != NULL && *l != NULL; l++)
		free(*l);
	free(e->labels);
	free(e->command);
	memset(e, 0, sizeof(*e));
}

static int
by_name(const struct dirent **a, const struct dirent **b)
{
	return (strcmp((*a)->d_name, (*b)->d_name));
}

static int
is_name(const struct dirent *d)
{
	return (vmspace_name_check(d->d_name) == NULL);
}

/* The kernels that live, malloc'ed, by name; BASE locked. */
static int
list_read(int base, struct vmspace_entry **out, size_t *nout)
{
	struct vmspace_entry *es;
	struct dirent **list;
	size_t n = 0;
	int all;

	all = scandirat(base, ".", &list, is_name, by_name);
	if (all < 0)
		return (errno);
	es = calloc((size_t)all + 1, sizeof(*es));
	for (int i = 0; i < all; i++) {
		if (es != NULL && dir_check(base, list[i]->d_name, &es[n]) == 0)
			n++;
		free(list[i]);
	}
	free(list);
	if (es == NULL)
		return (ENOMEM);
	*out = es;
	*nout = n;
	return (0);
}

int
vmspace_dir_list(bool (*fn)(void *arg, const struct vmspace_entry *), void *arg)
{
	struct vmspace_entry *es = NULL;
	bool go_on = true;
	int base = -1, error;
	size_t n = 0;

	error = base_lock(false, &base);
	if (error != 0)
		return (error == ENOENT ? 0 : error);
	error = list_read(base, &es, &n);
	(void)close(base);
	if (error != 0)
		return (error);
	for (size_t i = 0; i < n; i++) {
		go_on = go_on && fn(arg, &es[i]);
		vmspace_entry_free(&es[i]);
	}
	free(es);
	return (0);
}

int
control_dir_socket(const char *name, int *out)
{
	struct sockaddr_un un;
	int base = -1, dir = -1, error, fd;

	if (vmspace_name_check(name) != NULL)
		return (ENOENT);
	error = base_open(false, &base);
	if (error != 0)
		return (error);
	error = dir_open(base, name, &dir);
	(void)close(base);
	if (error != 0)
		return (error);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		error = errno;
	else
		message_timeout(fd, CONNECT_SECONDS);
	socket_address(dir, &un);
	if (error == 0 &&
	    connect(fd, (struct sockaddr *)&un, sizeof(un)) != 0) {
		error = errno == EAGAIN ? ETIMEDOUT : errno;
		(void)close(fd);
	}
	(void)close(dir);
	if (error == 0)
		*out = fd;
	return (error);
}
