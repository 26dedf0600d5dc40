/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The options of `vmspace run`.
 *
 * Purpose: say what the guest gets.  Without options it can read the files of
 * the host and write to its own /tmp; options grant or limit more.  Each value
 * is checked here, and a wrong one ends the command with a message that names
 * the option, the value and the form that is expected.
 */
#include <argp.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/run/cmd_options.h"

#define MEM_MIN (UINT64_C(1) << 20)
#define MEM_MAX (UINT64_C(1) << 40)
#define KMEM_MIN (UINT64_C(8) << 20)
#define TASKS_MAX 4194304 /* as the kernel's numbers of processes */

enum {
	OPT_MEM = 1000,
	OPT_KMEM,
	OPT_OVERCOMMIT,
	OPT_ROOT,
	OPT_RW,
	OPT_BIND,
	OPT_TMPFS,
	OPT_ENV,
	OPT_CWD,
	OPT_TRACE,
	OPT_STAT,
	OPT_NOASLR,
	OPT_VERBOSE,
	OPT_HOSTNAME,
	OPT_SWAP,
	OPT_DEVICE,
	OPT_SWAPCACHE,
	OPT_RESIDENT,
	OPT_NET,
	OPT_ISOLATION,
	OPT_ALLOW_CHOWN,
	OPT_ENV_HOST,
	OPT_MAX_PROCS,
	OPT_MAX_THREADS,
	OPT_CONFINE,
	OPT_USER,
	OPT_CONFINE_PROBE,
	OPT_NAME,
	OPT_LABEL,
	OPT_LOG,
	OPT_DETACH = 'd',
};

static const struct argp_option options[] = {
    {"mem", OPT_MEM, "SIZE", 0,
	"Guest memory, for example 64M or 2G (default 1G)", 0},
    {"kmem", OPT_KMEM, "SIZE", 0,
	"Memory of the kernel itself that the guest may cause it to use "
	"(default 256M)",
	0},
    {"overcommit", OPT_OVERCOMMIT, "always|never", 0,
	"Mappings that memory and swap could not hold: made, so that only "
	"touched memory counts (always, the default), or refused (never)",
	0},
    {"swap", OPT_SWAP, "[PATH:|lz4:|zstd:]SIZE[,pri=N]", 0,
	"Page to a file (default: a temporary one) or to compressed memory; "
	"repeatable, highest pri first, equal pri in turn (default: none)",
	0},
    {"swapcache", OPT_SWAPCACHE, "SIZE[,rate=SIZE]", 0,
	"Keep up to SIZE of file pages in swap, written at up to rate per "
	"second (default: none)",
	0},
    {"resident", OPT_RESIDENT, "PROGRAM", 0,
	"Keep PROGRAM loaded and linked, so that later runs start from a copy "
	"(repeatable)",
	0},
    {"root", OPT_ROOT, "DIR", 0,
	"Host directory that is / in the guest, read-only (default /)", 0},
    {"rw", OPT_RW, "PATH", 0,
	"Let the guest write to PATH and below (a path in the guest)", 0},
    {"bind", OPT_BIND, "SRC:DST[:ro]", 0,
	"Make SRC of the host visible at DST in the guest", 0},
    {"device", OPT_DEVICE, "NAME=FILE[:ro]", 0,
	"Make FILE of the host visible as /dev/NAME in the guest", 0},
    {"tmpfs", OPT_TMPFS, "PATH", 0,
	"Mount an empty file system in memory at PATH (/tmp has one)", 0},
    {"isolation", OPT_ISOLATION, "sandbox|process", 0,
	"What guest code that escapes from its program can map: any page of "
	"guest memory, or only those of its process",
	0},
    {"net", OPT_NET, "loopback|none|host", 0,
	"Internet sockets: of a network of this sandbox that has only "
	"127.0.0.1 and ::1 (default), none, or of the host",
	0},
    {"allow-chown", OPT_ALLOW_CHOWN, 0, 0,
	"Let the guest give the files of --rw and --bind other owners", 0},
    {"confine", OPT_CONFINE, "require|auto|off", 0,
	"Give up the rights that the kernel process does not need: as far as "
	"the host permits (auto, the default), or not at all (off, for "
	"debugging); require refuses to run with less than files, network, "
	"system calls and privileges",
	0},
    {"user", OPT_USER, "UID[:GID]", 0,
	"Become this user and group before the guest starts (needs root; GID: "
	"default UID)",
	0},
#ifdef VMSPACE_DEBUG
    {"confine-probe", OPT_CONFINE_PROBE, "TARGETS", OPTION_HIDDEN,
	"Attack from within the kernel process (tests)", 0},
#endif
    {"max-procs", OPT_MAX_PROCS, "N", 0,
	"Most processes at a time, zombies included (default 4096)", 0},
    {"max-threads", OPT_MAX_THREADS, "N", 0,
	"Most threads of all processes at a time (default 16384)", 0},
    {"env", OPT_ENV, "NAME=VALUE", 0,
	"Set a variable in the guest's environment", 0},
    {"env-host", OPT_ENV_HOST, 0, 0,
	"Pass the caller's whole environment (default: HOME, LANG, LC_*, PATH, "
	"TERM, TZ)",
	0},
    {"cwd", OPT_CWD, "DIR", 0,
	"Start in DIR (default: the current directory, if the guest has it)",
	0},
    {"hostname", OPT_HOSTNAME, "NAME", 0, "Host name in the guest", 0},
    {"name", OPT_NAME, "NAME", 0,
	"Name of the kernel for vmspace ps and other commands (default: one "
	"made from the program's)",
	0},
    {"label", OPT_LABEL, "KEY=VALUE", 0, "Shown by vmspace ps (repeatable)", 0},
    {"detach", OPT_DETACH, 0, 0,
	"Run in the background, and print the kernel's name", 0},
    {"log", OPT_LOG, "FILE", 0,
	"With --detach: append the program's output to FILE (default: nowhere)",
	0},
    {"trace", OPT_TRACE, 0, 0,
	"Write each system call of the guest to standard error", 0},
    {"stat", OPT_STAT, 0, 0,
	"At the end, write statistics of the run to standard error", 0},
    {"no-aslr", OPT_NOASLR, 0, 0, "Do not randomise guest addresses", 0},
    {"verbose", OPT_VERBOSE, 0, 0, "Log more (repeatable)", 0},
    {0},
};

static void
add_mount(
    struct argp_state *st, struct cmd_options *r, const struct vkernel_mount *m)
{
	if (r->config.nmounts == MAXMOUNTS)
		argp_error(st,
		    "too many --rw, --bind, --device and --tmpfs (at most %d)",
		    MAXMOUNTS);
	r->mounts[r->config.nmounts++] = *m;
}

static void
parse_bind(struct argp_state *st, struct cmd_options *r, const char *arg)
{
	struct vkernel_mount m = {.kind = VKERNEL_MOUNT_BIND};
	char *copy = strdup(arg), *dst, *opt;

	if (copy == NULL) {
		argp_failure(st, EX_FAILURE, ENOMEM, "--bind");
		return;
	}
	dst = strchr(copy, ':');
	if (dst == NULL || dst == copy || dst[1] != '/') {
		argp_error(st,
		    "--bind '%s': use SRC:DST[:ro] with an absolute DST", arg);
		free(copy);
		return;
	}
	*dst++ = '\0';
	opt = strchr(dst, ':');
	if (opt != NULL) {
		*opt++ = '\0';
		if (strcmp(opt, "ro") == 0)
			m.rdonly = true;
		else if (strcmp(opt, "rw") != 0)
			argp_error(st,
			    "--bind '%s': the last part must be ro or rw", arg);
	}
	m.src = copy;
	m.dst = dst;
	add_mount(st, r, &m);
}

static void
parse_device(struct argp_state *st, struct cmd_options *r, const char *arg)
{
	struct vkernel_mount m = {.kind = VKERNEL_MOUNT_DEVICE};
	char *copy = strdup(arg), *file;
	size_t len;

	if (copy == NULL) {
		argp_failure(st, EX_FAILURE, ENOMEM, "--device");
		return;
	}
	file = strchr(copy, '=');
	if (file == NULL || file == copy || file[1] == '\0') {
		argp_error(st, "--device '%s': use NAME=FILE[:ro]", arg);
		free(copy);
		return;
	}
	*file++ = '\0';
	if (strchr(copy, '/') != NULL || strlen(copy) > 255)
		argp_error(st,
		    "--device '%s': NAME must not contain a slash or be "
		    "longer than 255 bytes",
		    arg);
	len = strlen(file);
	if (len > 3 && strcmp(file + len - 3, ":ro") == 0) {
		file[len - 3] = '\0';
		m.rdonly = true;
	}
	m.dst = copy;
	m.src = file;
	add_mount(st, r, &m);
}

/* --mem and --kmem: whole pages. */
static uint64_t
parse_memory(
    struct argp_state *st, const char *option, const char *arg, uint64_t min)
{
	uint64_t v;

	if (cmd_parse_size(arg, &v) != 0)
		argp_error(st,
		    "%s '%s': not a size; use a number and a unit, such as 64M",
		    option, arg);
	if (v < min || v > MEM_MAX)
		argp_error(st, "%s '%s': the size must be from %lluM to 1T",
		    option, arg, (unsigned long long)min >> 20);
	return ((v + 4095) & ~UINT64_C(4095));
}

static const char swapcache_usage[] =
    "--swapcache '%s': use SIZE[,rate=SIZE], such as 64M,rate=10M";

static void
parse_swapcache(struct argp_state *st, struct cmd_options *r, const char *arg)
{
	char text[64], *comma;

	if (strlen(arg) >= sizeof(text)) {
		argp_error(st, swapcache_usage, arg);
		return;
	}
	strcpy(text, arg);
	comma = strchr(text, ',');
	if (comma != NULL) {
		*comma = '\0';
		if (strncmp(comma + 1, "rate=", 5) != 0 ||
		    cmd_parse_size(comma + 6, &r->config.swapcache_rate) != 0)
			argp_error(st, swapcache_usage, arg);
	}
	if (cmd_parse_size(text, &r->config.swapcache) != 0)
		argp_error(st, swapcache_usage, arg);
}

static void
parse_swap(struct argp_state *st, struct cmd_options *r, const char *arg)
{
	const char *bad;

	if (r->nswap == MAXSWAP)
		argp_error(st, "too many --swap (at most %d)", MAXSWAP);
	bad = cmd_swap_parse(arg, &r->swap[r->nswap++]);
	if (bad != NULL)
		argp_error(st, "--swap '%s': %s", arg, bad);
}

static void
parse_resident(struct argp_state *st, struct cmd_options *r, const char *arg)
{
	if (r->nresident == MAXRESIDENT)
		argp_error(st, "too many --resident (at most %d)", MAXRESIDENT);
	if (arg[0] == '\0' || (strchr(arg, '/') != NULL && arg[0] != '/'))
		argp_error(
		    st, "--resident '%s': use a name or an absolute path", arg);
	r->resident[r->nresident++] = arg;
}

static void
parse_name(struct argp_state *st, struct cmd_options *r, const char *arg)
{
	const char *bad = vmspace_name_check(arg);

	if (bad != NULL)
		argp_error(st, "--name '%s': %s", arg, bad);
	r->name = arg;
}

static void
parse_label(struct argp_state *st, struct cmd_options *r, const char *arg)
{
	json_t *text = json_string(arg);

	if (strchr(arg, '=') == NULL || arg[0] == '=' || text == NULL)
		argp_error(st, "--label '%s': use KEY=VALUE, in UTF-8", arg);
	json_decref(text);
	if (r->nlabels == MAXLABELS)
		argp_error(st, "too many --label (at most %d)", MAXLABELS);
	r->labels[r->nlabels++] = arg;
}

static void
parse_net(struct argp_state *st, struct cmd_options *r, const char *arg)
{
	r->config.net_host = strcmp(arg, "host") == 0;
	r->net_loopback = strcmp(arg, "loopback") == 0;
	if (!r->config.net_host && !r->net_loopback && strcmp(arg, "none") != 0)
		argp_error(st, "--net '%s': use loopback, none or host", arg);
}

static void
parse_isolation(struct argp_state *st, struct cmd_options *r, const char *arg)
{
	if (strcmp(arg, "sandbox") == 0)
		r->config.isolation = VKERNEL_ISOLATE_SANDBOX;
	else if (strcmp(arg, "process") == 0)
		r->config.isolation = VKERNEL_ISOLATE_PROCESS;
	else
		argp_error(st, "--isolation '%s': use sandbox or process", arg);
}

static void
parse_overcommit(struct argp_state *st, struct cmd_options *r, const char *arg)
{
	if (strcmp(arg, "always") == 0)
		r->config.overcommit = VKERNEL_OVERCOMMIT_ALWAYS;
	else if (strcmp(arg, "never") == 0)
		r->config.overcommit = VKERNEL_OVERCOMMIT_NEVER;
	else
		argp_error(st, "--overcommit '%s': use always or never", arg);
}

static void
parse_confine(struct argp_state *st, struct cmd_options *r, const char *arg)
{
	if (strcmp(arg, "auto") == 0)
		r->confine.mode = CONFINE_AUTO;
	else if (strcmp(arg, "require") == 0)
		r->confine.mode = CONFINE_REQUIRE;
	else if (strcmp(arg, "off") == 0)
		r->confine.mode = CONFINE_OFF;
	else
		argp_error(st, "--confine '%s': use require, auto or off", arg);
}

/* A number below 2^32 - 1, which is no id; false: it is none. */
static bool
parse_id(const char *s, char **end, uint32_t *id)
{
	unsigned long v;

	errno = 0;
	v = strtoul(s, end, 10);
	*id = (uint32_t)v;
	return (errno == 0 && s[0] >= '0' && s[0] <= '9' && v < UINT32_MAX);
}

static void
parse_user(struct argp_state *st, struct cmd_options *r, const char *arg)
{
	struct confine_options *c = &r->confine;
	char *end;

	c->user = parse_id(arg, &end, &c->uid);
	c->gid = c->uid;
	if (c->user && *end == ':')
		c->user = parse_id(end + 1, &end, &c->gid);
	if (!c->user || *end != '\0')
		argp_error(st, "--user '%s': use UID[:GID], two numbers", arg);
}

/* --rw and --tmpfs. */
static void
parse_path(struct argp_state *st, struct cmd_options *r, const char *option,
    const char *arg, struct vkernel_mount m)
{
	if (arg[0] != '/')
		argp_error(st, "%s '%s': use an absolute path", option, arg);
	add_mount(st, r, &m);
}

static void
parse_env(struct argp_state *st, struct cmd_options *r, const char *arg)
{
	if (strchr(arg, '=') == NULL || arg[0] == '=')
		argp_error(st, "--env '%s': use NAME=VALUE", arg);
	if (r->nenv == MAXENV)
		argp_error(st, "too many --env (at most %d)", MAXENV);
	r->env[r->nenv++] = arg;
}

static void
parse_hostname(struct argp_state *st, struct cmd_options *r, const char *arg)
{
	if (strlen(arg) > 64)
		argp_error(st,
		    "--hostname '%s': the name must not be longer than 64 "
		    "bytes",
		    arg);
	r->config.hostname = arg;
}

static uint32_t
parse_tasks(struct argp_state *st, const char *option, const char *arg)
{
	unsigned long v;
	char *end;

	errno = 0;
	v = strtoul(arg, &end, 10);
	if (errno != 0 || arg[0] < '0' || arg[0] > '9' || *end != '\0' ||
	    v == 0 || v > TASKS_MAX)
		argp_error(st, "%s '%s': use a number from 1 to %d", option,
		    arg, TASKS_MAX);
	return ((uint32_t)v);
}

/* How other commands reach the kernel. */
static error_t
parse_door(int key, char *arg, struct argp_state *st)
{
	struct cmd_options *r = st->input;

	switch (key) {
	case OPT_NAME:
		parse_name(st, r, arg);
		return (0);
	case OPT_LABEL:
		parse_label(st, r, arg);
		return (0);
	case OPT_LOG:
		r->log_file = arg;
		return (0);
	case OPT_DETACH:
		r->detach = true;
		return (0);
	default:
		return (ARGP_ERR_UNKNOWN);
	}
}

/* Options without a value, and the rest. */
static error_t
parse_switch(int key, char *arg, struct argp_state *st)
{
	struct cmd_options *r = st->input;

	switch (key) {
	case OPT_CONFINE_PROBE:
		r->probe = arg;
		return (0);
	case ARGP_KEY_ARGS:
		r->argv = st->argv + st->next;
		return (0);
	case ARGP_KEY_NO_ARGS:
		argp_error(st, "no program given; use -- PROGRAM [ARGS...]");
		return (0);
	case ARGP_KEY_SUCCESS:
		if (r->confine.user && r->confine.uid != 0 &&
		    r->config.allow_chown)
			argp_error(st,
			    "--allow-chown needs uid 0: leave out one of "
			    "--allow-chown and --user");
		if (r->log_file != NULL && !r->detach)
			argp_error(st, "--log goes with --detach");
		return (0);
	case OPT_TRACE:
		r->config.trace = stderr;
		return (0);
	case OPT_STAT:
		r->stat = true;
		return (0);
	case OPT_NOASLR:
		r->config.no_aslr = true;
		return (0);
	case OPT_ENV_HOST:
		r->env_host = true;
		return (0);
	case OPT_ALLOW_CHOWN:
		r->config.allow_chown = true;
		return (0);
	case OPT_VERBOSE:
		r->config.log_level++;
		return (0);
	default:
		return (parse_door(key, arg, st));
	}
}

static error_t
parse_opt(int key, char *arg, struct argp_state *st)
{
	struct cmd_options *r = st->input;

	switch (key) {
	case OPT_MEM:
		r->config.mem = parse_memory(st, "--mem", arg, MEM_MIN);
		return (0);
	case OPT_KMEM:
		r->config.kmem = parse_memory(st, "--kmem", arg, KMEM_MIN);
		return (0);
	case OPT_RESIDENT:
		parse_resident(st, r, arg);
		return (0);
	case OPT_SWAPCACHE:
		parse_swapcache(st, r, arg);
		return (0);
	case OPT_DEVICE:
		parse_device(st, r, arg);
		return (0);
	case OPT_SWAP:
		parse_swap(st, r, arg);
		return (0);
	case OPT_ROOT:
		r->config.root = arg;
		return (0);
	case OPT_RW:
		parse_path(st, r, "--rw", arg,
		    (struct vkernel_mount){
			.kind = VKERNEL_MOUNT_RW, .src = arg, .dst = arg});
		return (0);
	case OPT_BIND:
		parse_bind(st, r, arg);
		return (0);
	case OPT_TMPFS:
		parse_path(st, r, "--tmpfs", arg,
		    (struct vkernel_mount){
			.kind = VKERNEL_MOUNT_TMPFS, .dst = arg});
		return (0);
	case OPT_ENV:
		parse_env(st, r, arg);
		return (0);
	case OPT_CWD:
		r->cwd = arg;
		return (0);
	case OPT_HOSTNAME:
		parse_hostname(st, r, arg);
		return (0);
	case OPT_NET:
		parse_net(st, r, arg);
		return (0);
	case OPT_ISOLATION:
		parse_isolation(st, r, arg);
		return (0);
	case OPT_OVERCOMMIT:
		parse_overcommit(st, r, arg);
		return (0);
	case OPT_CONFINE:
		parse_confine(st, r, arg);
		return (0);
	case OPT_USER:
		parse_user(st, r, arg);
		return (0);
	case OPT_MAX_PROCS:
		r->config.max_procs = parse_tasks(st, "--max-procs", arg);
		return (0);
	case OPT_MAX_THREADS:
		r->config.max_threads = parse_tasks(st, "--max-threads", arg);
		return (0);
	default:
		return (parse_switch(key, arg, st));
	}
}

const struct argp run_argp = {
    .options = options,
    .parser = parse_opt,
    .args_doc = "-- PROGRAM [ARGS...]",
    .doc = "Run PROGRAM, unmodified, in address spaces that vmspace "
	   "manages itself.\v"
	   "The guest can read the host's files, and can write only to "
	   "/tmp (in memory) and to the paths of --rw and --bind.  Exit "
	   "status: the program's; 128+N if signal N ended it; 127 no "
	   "such program; 126 not executable; 125 vmspace failed; 2 bad "
	   "option.",
};

void
cmd_options_parse(int argc, char **argv, struct cmd_options *r)
{
	static char name[] = "vmspace run";

	argv[0] = name;
	argp_err_exit_status = EX_BADUSAGE;
	r->config.mounts = r->mounts;
	r->config.log_level = 1;
	r->net_loopback = true;
	r->news = -1;
	argp_parse(&run_argp, argc, argv, ARGP_IN_ORDER, NULL, r);
}

void
cmd_options_free(struct cmd_options *r)
{
	for (size_t i = 0; i < r->config.nmounts; i++)
		if (r->mounts[i].kind == VKERNEL_MOUNT_BIND)
			free((void *)(uintptr_t)r->mounts[i].src);
		else if (r->mounts[i].kind == VKERNEL_MOUNT_DEVICE)
			free((void *)(uintptr_t)r->mounts[i].dst);
}
