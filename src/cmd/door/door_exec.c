/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * `vmspace exec`: run a program in a running kernel.
 *
 * Concepts.  Without --tty the program gets this process's standard
 * descriptors, and signals that this process receives are sent on to it by a
 * second connection, because the first one waits for its end.  With --tty it
 * gets a terminal of the guest, whose other side is the connection: this
 * process's terminal is put into raw mode, so that Ctrl-C and all other keys
 * are bytes for the guest's terminal, which makes signals of them.
 *
 * Signals are received by a signalfd.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "cmd/door/door.h"

#define IO_MAX 65536
#define ENV_MAX 256

enum { OPT_ENV = 'e', OPT_CWD = 'w', OPT_USER = 'u', OPT_TTY = 't' };
enum { OPT_INTERACTIVE = 'i', OPT_DETACH = 'd' };

struct exec {
	struct door d;
	bool tty, interactive, detach;
	const char *env[ENV_MAX + 8];
	size_t nenv;
	char text[4][4096]; /* variables of this process */
	struct vkernel_user user;
	struct vkernel_spawn sp;
	const char *name;
	char **argv;
	struct vmspace_control *second; /* for signals; NULL with --tty */
	int pid;
	/* --tty */
	int sigfd;
	bool raw;             /* the terminal was changed.. */
	struct termios saved; /* ..from this */
	char in[IO_MAX];      /* typed, to be sent: from, to */
	size_t from, to;
	bool eof; /* of standard input */
	char out[IO_MAX];
};

static const struct argp_option options[] = {
    {"env", OPT_ENV, "NAME=VALUE", 0,
	"Set a variable in the program's environment", 0},
    {"cwd", OPT_CWD, "DIR", 0, "Start in DIR (default /)", 0},
    {"user", OPT_USER, "UID[:GID]", 0,
	"Run as this user and group (default: as the kernel's first program; "
	"GID: default UID)",
	0},
    {"tty", OPT_TTY, 0, 0, "Give it a terminal", 0},
    {"interactive", OPT_INTERACTIVE, 0, 0, "Pass standard input to it", 0},
    {"detach", OPT_DETACH, 0, 0,
	"Do not wait for it; its standard descriptors are /dev/null", 0},
    {0},
};

/* A number of a user or group: what follows it.  NULL: none. */
static const char *
parse_id(const char *arg, uint32_t *id)
{
	uint64_t n = 0;
	const char *at = arg;

	for (; *at >= '0' && *at <= '9' && n < UINT32_MAX; at++)
		n = 10 * n + (uint64_t)(*at - '0');
	if (at == arg || n >= UINT32_MAX)
		return (NULL);
	*id = (uint32_t)n;
	return (at);
}

static void
parse_user(struct argp_state *st, struct exec *e, const char *arg)
{
	uint32_t uid = 0, gid;
	const char *end = parse_id(arg, &uid);

	gid = uid;
	if (end != NULL && *end == ':')
		end = parse_id(end + 1, &gid);
	if (end == NULL || *end != '\0')
		argp_error(st, "--user '%s': use UID or UID:GID", arg);
	e->user = (struct vkernel_user){.uid = uid, .gid = gid};
	e->sp.user = &e->user;
}

static error_t
parse_exec(int key, char *arg, struct argp_state *st)
{
	struct exec *e = st->input;

	switch (key) {
	case OPT_ENV:
		if (strchr(arg, '=') == NULL || arg[0] == '=')
			argp_error(st, "--env '%s': use NAME=VALUE", arg);
		if (e->nenv == ENV_MAX)
			argp_error(st, "too many --env (at most %d)", ENV_MAX);
		e->env[e->nenv++] = arg;
		return (0);
	case OPT_CWD:
		e->sp.cwd = arg;
		return (0);
	case OPT_USER:
		parse_user(st, e, arg);
		return (0);
	case OPT_TTY:
		e->tty = true;
		return (0);
	case OPT_INTERACTIVE:
		e->interactive = true;
		return (0);
	case OPT_DETACH:
		e->detach = true;
		return (0);
	case ARGP_KEY_ARG:
		if (e->name == NULL) {
			e->name = arg;
			return (0);
		}
		e->argv = st->argv + st->next - 1;
		st->next = st->argc;
		return (0);
	case ARGP_KEY_END:
		if (e->name == NULL || e->argv == NULL)
			argp_error(st, "use NAME -- PROGRAM [ARGS...]");
		if (e->detach && (e->tty || e->interactive))
			argp_error(st, "--detach goes without --tty and "
				       "--interactive");
		return (0);
	default:
		return (ARGP_ERR_UNKNOWN);
	}
}

const struct argp exec_argp = {
    .options = options,
    .parser = parse_exec,
    .args_doc = "NAME -- PROGRAM [ARGS...]",
    .doc = "Run PROGRAM in the running kernel NAME.\v"
	   "Exit status: the program's; 128+N if signal N ended it; 127 no "
	   "such program; 126 not executable; 125 vmspace failed; 2 bad "
	   "option.",
};

/* What the program gets if --env does not say otherwise. */
static void
default_env(struct exec *e)
{
	static const char *const names[] = {"HOME", "LANG", "PATH", "TERM"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = getenv(names[i]);
		const size_t len = strlen(names[i]);
		bool given = false;

		for (size_t j = 0; j < e->nenv; j++)
			given =
			    given || (strncmp(e->env[j], names[i], len) == 0 &&
					 e->env[j][len] == '=');
		if (value == NULL || given ||
		    snprintf(e->text[i], sizeof(e->text[i]), "%s=%s", names[i],
			value) >= (int)sizeof(e->text[i]))
			continue;
		e->env[e->nenv++] = e->text[i];
	}
	e->env[e->nenv] = NULL;
}

static int
exec_failed(struct exec *e, int error)
{
	(void)door_fail(&e->d, e->argv[0], error);
	if (error == ENOENT || error == ENOTDIR)
		return (EX_NOTFOUND);
	return (error == EACCES || error == ENOEXEC ? EX_NOEXEC : EX_FAILURE);
}

/* The signals that are passed on, by e->sigfd. */
static int
signals_open(struct exec *e)
{
	static const int list[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGWINCH,
	    SIGUSR1, SIGUSR2, SIGALRM};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		sigaddset(&set, list[i]);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
	e->sigfd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return (e->sigfd < 0 ? errno : 0);
}

/* ---- with this process's descriptors ---- */

static int
exec_fds(struct exec *e, int fds[3])
{
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return (errno);
	for (int i = 0; i < 3; i++)
		fds[i] = e->detach || (i == 0 && !e->interactive) ||
				 (cmd_closed_fds & 1u << i) != 0
			     ? null
			     : i;
	e->sp.fds = fds;
	e->sp.nfds = 3;
	return (0);
}

/* Wait for the end, and pass signals on. */
static int
exec_wait(struct exec *e)
{
	struct pollfd p[2] = {
	    {vmspace_control_fd(e->d.c), POLLIN, 0}, {e->sigfd, POLLIN, 0}};
	struct signalfd_siginfo si;
	int error, status;

	error = vmspace_control_wait_begin(e->d.c, e->pid);
	while (error == 0) {
		if (poll(p, 2, -1) < 0)
			continue;
		while (read(e->sigfd, &si, sizeof(si)) == sizeof(si))
			(void)vmspace_control_kill(
			    e->second, e->pid, (int)si.ssi_signo);
		if (p[0].revents == 0)
			continue;
		error = vmspace_control_wait_end(e->d.c, &status);
		if (error == 0)
			return (door_status(status));
	}
	return (door_fail(&e->d, e->name, error));
}

static int
exec_plain(struct exec *e)
{
	int error, fds[3], ret;

	error = exec_fds(e, fds);
	if (error == 0)
		error = vmspace_connect(e->name, &e->second);
	if (error == 0)
		error = signals_open(e);
	if (error != 0)
		return (door_fail(&e->d, e->name, error));
	error = vmspace_control_spawn(e->d.c, &e->sp, &e->pid);
	if (error != 0)
		ret = exec_failed(e, error);
	else
		ret = e->detach ? 0 : exec_wait(e);
	vmspace_disconnect(e->second);
	return (ret);
}

/* ---- on a terminal ---- */

static void
window_size(uint16_t size[2])
{
	struct winsize ws;

	size[0] = 24;
	size[1] = 80;
	for (int fd = 0; fd < 3; fd++)
		if (ioctl(fd, TIOCGWINSZ, &ws) == 0 && ws.ws_row != 0) {
			size[0] = ws.ws_row;
			size[1] = ws.ws_col;
			return;
		}
}

static void
terminal_raw(struct exec *e)
{
	struct termios raw;

	if (!e->interactive || tcgetattr(0, &e->saved) != 0)
		return;
	raw = e->saved;
	cfmakeraw(&raw);
	e->raw = tcsetattr(0, TCSADRAIN, &raw) == 0;
}

static void
tty_signals(struct exec *e)
{
	struct signalfd_siginfo si;
	uint16_t size[2];

	while (read(e->sigfd, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGWINCH) {
			window_size(size);
			(void)vmspace_control_session_resize(e->d.c, size);
		} else {
			(void)vmspace_control_session_kill(
			    e->d.c, (int)si.ssi_signo);
		}
	}
}

/* Read what was typed, and send it as far as the guest takes it. */
static int
tty_input(struct exec *e, bool readable)
{
	ssize_t n;
	int error;

	if (readable && e->from == e->to) {
		n = read(0, e->in, sizeof(e->in));
		e->eof = n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN);
		e->from = 0;
		e->to = n > 0 ? (size_t)n : 0;
		/* The end of a file is what Ctrl-D makes on a terminal. */
		if (e->eof && !e->raw) {
			e->in[0] = 4;
			e->to = 1;
		}
	}
	if (e->from == e->to)
		return (0);
	error = vmspace_control_session_write(
	    e->d.c, e->in + e->from, e->to - e->from);
	if (error == 0)
		e->from = e->to;
	return (error == EAGAIN ? 0 : error);
}

static int
write_all(const char *buf, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(1, buf, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return (errno);
		buf += n;
		len -= (size_t)n;
	}
	return (0);
}

/* The next thing of the session.  *over: the program has ended. */
static int
tty_output(struct exec *e, bool *over, int *status)
{
	enum vmspace_session_event event;
	size_t n = 0;
	int error;

	error = vmspace_control_session_read(
	    e->d.c, e->out, sizeof(e->out), &event, &n, status);
	if (error != 0)
		return (error);
	*over = event == VMSPACE_SESSION_EXIT;
	return (*over ? 0 : write_all(e->out, n));
}

static int
tty_run(struct exec *e, int *status)
{
	const int fd = vmspace_control_fd(e->d.c);
	bool over = false;
	int error = 0;

	while (error == 0 && !over) {
		const bool full = e->from < e->to;
		const bool wants = e->interactive && !e->eof && !full;
		struct pollfd p[3] = {
		    {fd, (short)(POLLIN | (full ? POLLOUT : 0)), 0},
		    {e->sigfd, POLLIN, 0}, {wants ? 0 : -1, POLLIN, 0}};

		if (poll(p, 3, -1) < 0)
			continue;
		if (p[1].revents != 0)
			tty_signals(e);
		if (p[0].revents & (POLLIN | POLLHUP | POLLERR))
			error = tty_output(e, &over, status);
		if (error == 0 && !over)
			error = tty_input(e, p[2].revents != 0);
	}
	return (error);
}

static int
exec_tty(struct exec *e)
{
	uint16_t size[2];
	int error, status = 0, ret;

	error = signals_open(e);
	if (error != 0)
		return (door_fail(&e->d, e->name, error));
	window_size(size);
	error = vmspace_control_spawn_tty(e->d.c, &e->sp, size, &e->pid);
	if (error != 0)
		return (exec_failed(e, error));
	terminal_raw(e);
	error = tty_run(e, &status);
	if (e->raw)
		(void)tcsetattr(0, TCSADRAIN, &e->saved);
	ret =
	    error != 0 ? door_fail(&e->d, e->name, error) : door_status(status);
	return (ret);
}

int
cmd_exec(int argc, char **argv)
{
	struct exec *e = calloc(1, sizeof(*e));
	int ret;

	if (e == NULL)
		return (EX_FAILURE);
	e->d.command = "exec";
	door_parse("exec", &exec_argp, argc, argv, e);
	default_env(e);
	e->sp.path = e->argv[0];
	e->sp.argv = (const char *const *)e->argv;
	e->sp.envp = e->env;
	ret = door_connect(&e->d, e->name);
	if (ret == 0)
		ret = e->tty ? exec_tty(e) : exec_plain(e);
	door_close(&e->d);
	free(e);
	return (ret);
}
