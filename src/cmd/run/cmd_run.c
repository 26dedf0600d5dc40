/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * `vmspace run`: create a kernel, run one program in it, and exit with the
 * program's status.
 *
 * Concepts: the command can replace the program in a shell: standard
 * descriptors, terminal, signals and exit status pass through.  Options grant
 * the guest access to anything else.
 *
 * Limits: when the program ends, the command ends, and the kernel kills the
 * other guest processes.
 */

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cmd/run/cmd_options.h"
#include "confine/confine.h"
#include "confine/netns.h"
#include "confine/nettables.h"
#include "vmspace/vkernel.h"

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
	struct cmd_options *r = arg;

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

/* What has to be looked up while the paths of the host are valid. */
struct run_paths {
	char cwd[PATH_MAX]; /* "": unknown */
	char *resident[MAXRESIDENT];
};

static int
run_paths_find(
    struct run_paths *p, const struct cmd_options *r, const char *const *envp)
{
	char path[PATH_MAX];

	if (getcwd(p->cwd, sizeof(p->cwd)) == NULL)
		p->cwd[0] = '\0';
	for (size_t i = 0; i < r->nresident; i++) {
		if (cmd_resident_find(
			r->resident[i], r->config.root, envp, path) != 0)
			continue; /* cmd_resident() says so */
		p->resident[i] = strdup(path);
		if (p->resident[i] == NULL) {
			fprintf(stderr, "vmspace: out of memory\n");
			return (ENOMEM);
		}
	}
	return (0);
}

static void
run_paths_free(struct run_paths *p)
{
	for (size_t i = 0; i < MAXRESIDENT; i++)
		free(p->resident[i]);
}

/* With --verbose: what holds. */
static void
run_log_confined(const struct cmd_options *r, const struct confine *c)
{
	char line[1024];

	if (r->config.log_level < 2)
		return;
	confine_describe(c, line, sizeof(line));
	fprintf(stderr, "vmspace: %s\n", line);
}

/* --confine-probe: 0: all attempts were refused; 1: some were not. */
static int
run_probe(struct confine *c, const char *targets)
{
#ifdef VMSPACE_DEBUG
	return (confine_probe(c, targets) == 0 ? 0 : 1);
#else
	return (EX_FAILURE);
#endif
}

/* Run one program in the kernel; returns its exit status. */
static int
run_in(struct vkernel *k, struct cmd_options *r, const struct run_paths *paths,
    const char **envp)
{
	struct vkernel_spawn sp = {.path = r->argv[0],
	    .argv = (const char *const *)r->argv,
	    .envp = envp,
	    .cwd = r->cwd};
	int pid, status, error, fds[3];

	for (int i = 0; i < 3; i++)
		fds[i] = r->detach                         ? r->detached[i > 0]
			 : (cmd_closed_fds & 1u << i) != 0 ? -1
							   : i;
	sp.fds = fds;
	sp.nfds = 3;
	if (sp.cwd == NULL && r->config.root == NULL && paths->cwd[0] != '\0')
		sp.cwd = paths->cwd, sp.cwd_optional = true;
	for (size_t i = 0; i < r->nresident; i++)
		if (cmd_resident(k, r->resident[i], paths->resident[i]) != 0)
			return (EX_FAILURE);
	error = vkernel_spawn(k, &sp, &pid);
	if (error != 0 && r->nerrors != 0)
		return (EX_FAILURE); /* the kernel has logged the reason */
	if (error != 0)
		return (spawn_status(r->argv[0], error));
	if (r->control != NULL)
		vkernel_control_main(r->control, pid);
	if (r->detach)
		cmd_detach_done(r, vmspace_dir_name(r->dir));
	error = cmd_signals_start(k, pid);
	if (error != 0)
		fprintf(stderr,
		    "vmspace: cannot start the signal thread: %s; signals are "
		    "not forwarded to the guest\n",
		    strerror(error));
	error = vkernel_wait(k, pid, &status);
	cmd_signals_stop();
	if (error == 0 && r->control != NULL)
		vkernel_control_ended(r->control, status);
	if (r->stat)
		cmd_stat_missing(k);
	if (error != 0)
		return (EX_FAILURE);
	return (WIFSIGNALED(status) ? EX_SIGBASE + WTERMSIG(status)
				    : WEXITSTATUS(status));
}

/* Open the files of --swap; called before confine_start(). */
static int
run_swap_open(struct cmd_options *r)
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
run_swap_close(struct cmd_options *r)
{
	for (size_t i = 0; i < r->nswap; i++)
		cmd_swap_close(&r->swap[i]);
}

/* --net loopback. */
static int
run_net_start(struct cmd_options *r, struct netns **out)
{
	int error = netns_start(out);

	if (error != 0) {
		fprintf(stderr,
		    "vmspace: cannot start the network of the sandbox: %s; use "
		    "--net none to run without\n",
		    strerror(error));
		return (error);
	}
	/* Where the host permits no namespace. */
	r->config.net_loopback = true;
	r->config.net_socket = netns_socket;
	r->config.net_table = netns_table;
	r->config.net_arg = *out;
	return (0);
}

/* --net host: the tables of the host's network. */
static void
run_tables_open(struct cmd_options *r, struct nettables *t)
{
	for (int i = 0; i < NETTABLES; i++)
		t->fd[i] = -1;
	if (!r->config.net_host)
		return;
	nettables_open(t);
	r->config.net_table = nettables_dup;
	r->config.net_arg = t;
}

/* Create the kernel, confined, run the program in it, and destroy it. */
static int
run_kernel(struct cmd_options *r, const char **envp)
{
	struct run_paths paths = {0};
	struct nettables tables;
	struct netns *net = NULL;
	struct confine *c = NULL;
	struct vkernel_stat st;
	struct vkernel *k;
	uint64_t leaks = 0;
	double start = now();
	int error, ret = EX_FAILURE;

	run_tables_open(r, &tables);
	error = run_paths_find(&paths, r, envp);
	if (error == 0)
		error = run_swap_open(r);
	if (error == 0)
		error = cmd_control_enter(r);
	if (error == 0 && r->net_loopback)
		error = run_net_start(r, &net);
	if (error == 0)
		error = confine_start(&r->confine, &r->config, &c);
	if (error != 0)
		goto out;
	error = vkernel_create(&r->config, &k);
	if (error != 0) {
		if (r->nerrors == 0)
			fprintf(stderr, "vmspace: cannot start a kernel: %s\n",
			    strerror(error));
		goto out;
	}
	run_swap_close(r);
	error = confine_finish(c);
	if (error == 0)
		error = cmd_control_start(r, k);
	if (error == 0) {
		run_log_confined(r, c);
		ret = r->probe != NULL ? run_probe(c, r->probe)
				       : run_in(k, r, &paths, envp);
	}
	netns_shutdown(net);
	vkernel_stat(k, &st);
	vkernel_kill_all(k);
	vkernel_control_stop(r->control);
	vkernel_destroy_check(k, &leaks);
	if (r->stat)
		cmd_stat_print(&st, now() - start);
	if (leaks != 0)
		fprintf(stderr,
		    "vmspace: internal error: %lu objects were not freed; "
		    "please report this\n",
		    leaks);
out:
	run_swap_close(r);
	cmd_control_free(r);
	confine_free(c);
	netns_stop(net);
	nettables_close(&tables);
	run_paths_free(&paths);
	return (ret);
}

int
cmd_run(int argc, char **argv)
{
	struct cmd_options r = {0};
	const char **envp;
	int ret = EX_FAILURE;

	cmd_options_parse(argc, argv, &r);
	r.config.log = log_line;
	r.config.log_arg = &r;
	envp = cmd_environment(&r);
	if (envp == NULL) {
		fprintf(stderr, "vmspace: out of memory\n");
		goto out;
	}
	if (r.detach && cmd_detach(&r) != 0)
		goto out_env;
	cmd_signals_block();
	ret = run_kernel(&r, envp);
out_env:
	free(envp);
out:
	cmd_options_free(&r);
	return (ret);
}
