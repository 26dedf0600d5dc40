/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * `vmspace run`: parse the options, create a kernel, run one program in it, and
 * exit with the program's status.
 *
 * Concepts: the command can replace the program in a shell: standard
 * descriptors, terminal, signals and exit status pass through.  Options grant
 * the guest access to anything else.
 *
 * Limits: when the program ends, the command ends, and the kernel kills the
 * other guest processes.
 */

#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cmd/cmd.h"
#include "vmspace/vkernel.h"

#define MAXMOUNTS 64
#define MAXENV 256
#define MAXSWAP VKERNEL_NSWAP_MAX
#define MAXRESIDENT 64
#define MEM_MIN (UINT64_C(1) << 20)
#define MEM_MAX (UINT64_C(1) << 40)

enum {
	OPT_MEM = 1000,
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
};

static const struct argp_option options[] = {
    {"mem", OPT_MEM, "SIZE", 0,
	"Guest memory, for example 64M or 2G (default 1G)", 0},
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
    {"net", OPT_NET, "none|host", 0,
	"Internet sockets: none (default), or of the host", 0},
    {"env", OPT_ENV, "NAME=VALUE", 0,
	"Set a variable in the guest's environment", 0},
    {"cwd", OPT_CWD, "DIR", 0,
	"Start in DIR (default: the current directory, if the guest has it)",
	0},
    {"hostname", OPT_HOSTNAME, "NAME", 0, "Host name in the guest", 0},
    {"trace", OPT_TRACE, 0, 0,
	"Write each system call of the guest to standard error", 0},
    {"stat", OPT_STAT, 0, 0,
	"At the end, write statistics of the run to standard error", 0},
    {"no-aslr", OPT_NOASLR, 0, 0, "Do not randomise guest addresses", 0},
    {"verbose", OPT_VERBOSE, 0, 0, "Log more (repeatable)", 0},
    {0},
};

struct run {
	struct vkernel_config config;
	struct vkernel_mount mounts[MAXMOUNTS];
	const char *env[MAXENV];
	size_t nenv;
	struct cmd_swap swap[MAXSWAP];
	struct vkernel_swap areas[MAXSWAP];
	size_t nswap;
	const char *resident[MAXRESIDENT];
	size_t nresident;
	const char *cwd;
	bool stat;
	char **argv;               /* of the guest */
	_Atomic(unsigned) nerrors; /* lines logged at error level */
};

static void
add_mount(struct argp_state *st, struct run *r, const struct vkernel_mount *m)
{
	if (r->config.nmounts == MAXMOUNTS)
		argp_error(st,
		    "too many --rw, --bind, --device and --tmpfs (at most %d)",
		    MAXMOUNTS);
	r->mounts[r->config.nmounts++] = *m;
}

static void
parse_bind(struct argp_state *st, struct run *r, const char *arg)
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
parse_device(struct argp_state *st, struct run *r, const char *arg)
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

static void
parse_mem(struct argp_state *st, struct run *r, const char *arg)
{
	uint64_t v;

	if (cmd_parse_size(arg, &v) != 0)
		argp_error(st,
		    "--mem '%s': not a size; use a number and a unit, such as "
		    "64M",
		    arg);
	if (v < MEM_MIN || v > MEM_MAX)
		argp_error(
		    st, "--mem '%s': the size must be from 1M to 1T", arg);
	r->config.mem = (v + 4095) & ~UINT64_C(4095);
}

static const char swapcache_usage[] =
    "--swapcache '%s': use SIZE[,rate=SIZE], such as 64M,rate=10M";

static void
parse_swapcache(struct argp_state *st, struct run *r, const char *arg)
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
parse_swap(struct argp_state *st, struct run *r, const char *arg)
{
	const char *bad;

	if (r->nswap == MAXSWAP)
		argp_error(st, "too many --swap (at most %d)", MAXSWAP);
	bad = cmd_swap_parse(arg, &r->swap[r->nswap++]);
	if (bad != NULL)
		argp_error(st, "--swap '%s': %s", arg, bad);
}

static void
parse_resident(struct argp_state *st, struct run *r, const char *arg)
{
	if (r->nresident == MAXRESIDENT)
		argp_error(st, "too many --resident (at most %d)", MAXRESIDENT);
	if (arg[0] == '\0' || (strchr(arg, '/') != NULL && arg[0] != '/'))
		argp_error(
		    st, "--resident '%s': use a name or an absolute path", arg);
	r->resident[r->nresident++] = arg;
}

static void
parse_net(struct argp_state *st, struct run *r, const char *arg)
{
	r->config.net_host = strcmp(arg, "host") == 0;
	if (!r->config.net_host && strcmp(arg, "none") != 0)
		argp_error(st, "--net '%s': use none or host", arg);
}

/* --rw and --tmpfs. */
static void
parse_path(struct argp_state *st, struct run *r, const char *option,
    const char *arg, struct vkernel_mount m)
{
	if (arg[0] != '/')
		argp_error(st, "%s '%s': use an absolute path", option, arg);
	add_mount(st, r, &m);
}

static void
parse_env(struct argp_state *st, struct run *r, const char *arg)
{
	if (strchr(arg, '=') == NULL || arg[0] == '=')
		argp_error(st, "--env '%s': use NAME=VALUE", arg);
	if (r->nenv == MAXENV)
		argp_error(st, "too many --env (at most %d)", MAXENV);
	r->env[r->nenv++] = arg;
}

static void
parse_hostname(struct argp_state *st, struct run *r, const char *arg)
{
	if (strlen(arg) > 64)
		argp_error(st,
		    "--hostname '%s': the name must not be longer than 64 "
		    "bytes",
		    arg);
	r->config.hostname = arg;
}

static error_t
parse_opt(int key, char *arg, struct argp_state *st)
{
	struct run *r = st->input;

	switch (key) {
	case OPT_MEM:
		parse_mem(st, r, arg);
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
	case OPT_TRACE:
		r->config.trace = stderr;
		return (0);
	case OPT_STAT:
		r->stat = true;
		return (0);
	case OPT_NOASLR:
		r->config.no_aslr = true;
		return (0);
	case OPT_NET:
		parse_net(st, r, arg);
		return (0);
	case OPT_VERBOSE:
		r->config.log_level++;
		return (0);
	case ARGP_KEY_ARGS:
		r->argv = st->argv + st->next;
		return (0);
	case ARGP_KEY_NO_ARGS:
		argp_error(st, "no program given; use -- PROGRAM [ARGS...]");
		return (0);
	default:
		return (ARGP_ERR_UNKNOWN);
	}
}

static const struct argp argp = {
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

/* The caller's environment, with the variables of --env replaced or added.
 * NULL: no memory. */
static const char **
make_env(const struct run *r)
{
	const char **envp;
	size_t n = 0, k, len;

	while (environ[n] != NULL)
		n++;
	envp = calloc(n + r->nenv + 1, sizeof(*envp));
	if (envp == NULL)
		return (NULL);
	n = 0;
	for (char **e = environ; *e != NULL; e++) {
		for (k = 0; k < r->nenv; k++) {
			len = (size_t)(strchr(r->env[k], '=') - r->env[k]) + 1;
			if (strncmp(*e, r->env[k], len) == 0)
				break;
		}
		if (k == r->nenv)
			envp[n++] = *e;
	}
	for (k = 0; k < r->nenv; k++)
		envp[n++] = r->env[k];
	return (envp);
}

static void
print_stat(const struct vkernel_stat *s, double seconds)
{
	fprintf(stderr,
	    "vmspace: processes %lu, execs %lu, forks %lu, system calls %lu\n"
	    "vmspace: faults %lu: zero-filled %lu pages, copied on write %lu "
	    "(%lu without a copy), file pages read %lu, already resident %lu, "
	    "mapped around %lu, ahead %lu, refused %lu\n"
	    "vmspace: memory peak %.1f MiB of %.1f MiB, out-of-memory kills "
	    "%lu\n"
	    "vmspace: host mappings %lu made, %lu removed, %lu protected; "
	    "hand-overs %lu (%lu caught spinning); stub processes %lu\n"
	    "vmspace: wall time %.3f s\n",
	    s->procs_created, s->execs, s->forks, s->syscalls, s->faults,
	    s->zfod, s->cow, s->cow_opt, s->file_in, s->soft, s->around,
	    s->ahead, s->segv, (double)s->mem_peak / 1048576,
	    (double)s->mem / 1048576, s->oom_kills, s->host_maps,
	    s->host_unmaps, s->host_protects, s->handovers, s->spins,
	    s->stubs_created, seconds);
}

static void
print_missing(void *arg, const char *name, uint64_t calls, uint64_t missing)
{
	int *n = arg;

	if (missing == 0)
		return;
	fprintf(stderr, "%s %s %lu",
	    (*n)++ == 0 ? "vmspace: missing system calls:" : ",", name,
	    missing);
}

static void
print_swap_stat(const struct vkernel_stat *s)
{
	if (s->swap_size == 0)
		return;
	fprintf(stderr,
	    "vmspace: swap %.1f MiB, at the end %.1f MiB used (taking %.1f "
	    "MiB); pages in %lu, out %lu, errors %lu\n",
	    (double)s->swap_size / 1048576, (double)s->swap_used / 1048576,
	    (double)s->swap_stored / 1048576, s->swap_ins, s->swap_outs,
	    s->swap_errors);
}

static int
spawn_status(const char *prog, int error)
{
	fprintf(stderr, "vmspace: cannot run '%s': %s\n", prog,
	    error == ENOENT
		? "no such program; check the guest's PATH, --root and --bind"
		: strerror(error));
	if (error == ENOENT || error == ENOTDIR)
		return (EX_NOTFOUND);
	if (error == ENOMEM || error == EAGAIN || error == EMFILE)
		return (EX_FAILURE);
	return (EX_NOEXEC);
}

static void
log_line(void *arg, int level, const char *line)
{
	struct run *r = arg;

	if (level == 0)
		r->nerrors++;
	fprintf(stderr, "vmspace: %s\n", line);
}

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((double)ts.tv_sec + (double)ts.tv_nsec / 1e9);
}

/* Run one program in the kernel; returns its exit status. */
static int
run_in(struct vkernel *k, struct run *r, const char **envp)
{
	struct vkernel_spawn sp = {.path = r->argv[0],
	    .argv = (const char *const *)r->argv,
	    .envp = envp,
	    .cwd = r->cwd};
	char here[PATH_MAX];
	int pid, status, error, fds[3], missing = 0;

	for (int i = 0; i < 3; i++)
		fds[i] = (cmd_closed_fds & 1u << i) != 0 ? -1 : i;
	sp.fds = fds;
	sp.nfds = 3;
	if (sp.cwd == NULL && r->config.root == NULL &&
	    getcwd(here, sizeof(here)) != NULL)
		sp.cwd = here, sp.cwd_optional = true;
	for (size_t i = 0; i < r->nresident; i++)
		if (cmd_resident(k, r->resident[i], r->config.root, envp) != 0)
			return (EX_FAILURE);
	error = vkernel_spawn(k, &sp, &pid);
	if (error != 0 && r->nerrors != 0)
		return (EX_FAILURE); /* the kernel has logged the reason */
	if (error != 0)
		return (spawn_status(r->argv[0], error));
	error = cmd_signals_start(k, pid);
	if (error != 0)
		fprintf(stderr,
		    "vmspace: cannot start the signal thread: %s; signals are "
		    "not forwarded to the guest\n",
		    strerror(error));
	error = vkernel_wait(k, pid, &status);
	cmd_signals_stop();
	if (r->stat) {
		vkernel_syscalls(k, print_missing, &missing);
		if (missing != 0)
			fprintf(stderr, "\n");
	}
	if (error != 0)
		return (EX_FAILURE);
	return (WIFSIGNALED(status) ? EX_SIGBASE + WTERMSIG(status)
				    : WEXITSTATUS(status));
}

/* Open the files of --swap; called before cmd_confine(). */
static int
run_swap_open(struct run *r)
{
	int error;

	for (size_t i = 0; i < r->nswap; i++) {
		error = cmd_swap_open(&r->swap[i]);
		if (error != 0)
			return (error);
		r->areas[i] = r->swap[i].area;
	}
	r->config.swap = r->areas;
	r->config.nswap = r->nswap;
	return (0);
}

/* Close the files of --swap: the kernel has duplicates of the descriptors. */
static void
run_swap_close(struct run *r)
{
	for (size_t i = 0; i < r->nswap; i++)
		cmd_swap_close(&r->swap[i]);
}

/* Free the copies that parse_bind() and parse_device() made. */
static void
run_mounts_free(struct run *r)
{
	for (size_t i = 0; i < r->config.nmounts; i++)
		if (r->mounts[i].kind == VKERNEL_MOUNT_BIND)
			free((void *)(uintptr_t)r->mounts[i].src);
		else if (r->mounts[i].kind == VKERNEL_MOUNT_DEVICE)
			free((void *)(uintptr_t)r->mounts[i].dst);
}

int
cmd_run(int argc, char **argv)
{
	static char name[] = "vmspace run";
	struct run r = {0};
	struct vkernel_stat st;
	struct vkernel *k;
	const char **envp;
	uint64_t leaks = 0;
	double start = now();
	int error, ret = EX_FAILURE;

	argv[0] = name;
	argp_err_exit_status = EX_BADUSAGE;
	r.config.mounts = r.mounts;
	r.config.log_level = 1;
	r.config.log = log_line;
	r.config.log_arg = &r;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &r);
	envp = make_env(&r);
	if (envp == NULL) {
		fprintf(stderr, "vmspace: out of memory\n");
		goto out_mounts;
	}
	cmd_signals_block();
	if (run_swap_open(&r) != 0) {
		run_swap_close(&r);
		goto out_env;
	}
	cmd_confine(&r.config);
	error = vkernel_create(&r.config, &k);
	run_swap_close(&r);
	if (error != 0) {
		if (r.nerrors == 0)
			fprintf(stderr, "vmspace: cannot start a kernel: %s\n",
			    strerror(error));
		goto out_env;
	}
	ret = run_in(k, &r, envp);
	vkernel_stat(k, &st);
	vkernel_destroy_check(k, &leaks);
	if (r.stat) {
		print_swap_stat(&st);
		print_stat(&st, now() - start);
	}
	if (leaks != 0)
		fprintf(stderr,
		    "vmspace: internal error: %lu objects were not freed; "
		    "please report this\n",
		    leaks);
out_env:
	free(envp);
out_mounts:
	run_mounts_free(&r);
	return (ret);
}
