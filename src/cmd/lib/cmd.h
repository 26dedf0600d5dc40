/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/* The `vmspace` command: shared by its subcommands. */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include <limits.h>
#include <stdint.h>

#include "vmspace/vkernel.h"

/* Exit statuses, as the shell and env(1) use them. */
enum {
	EX_BADUSAGE = 2,   /* options */
	EX_FAILURE = 125,  /* vmspace itself failed */
	EX_NOEXEC = 126,   /* found, but cannot be executed */
	EX_NOTFOUND = 127, /* no such program */
	EX_SIGBASE = 128,  /* + signal number */
};

/* Each takes its arguments, its name first, and returns its exit status. */
typedef int cmd_fn(int argc, char **argv);
cmd_fn cmd_cat, cmd_exec, cmd_kill, cmd_maps, cmd_pause, cmd_ps, cmd_resume,
    cmd_run, cmd_shrink, cmd_stat, cmd_stop, cmd_swapoff, cmd_swapon, cmd_top,
    cmd_wait;
/* The options and arguments of each. */
struct argp;
extern const struct argp cat_argp, exec_argp, kill_argp, maps_argp, pause_argp,
    ps_argp, resume_argp, run_argp, shrink_argp, stat_argp, stop_argp,
    swapoff_argp, swapon_argp, top_argp, wait_argp;

/* Bit mask of the descriptors 0..2 that were closed when the command started.
 */
extern unsigned cmd_closed_fds;
/* Open /dev/null on them, so that no other file gets these numbers. */
void cmd_plug_fds(void);

/* "64M" -> bytes; K, M, G, T (powers of 1024), an optional B or iB.  0,
 * EINVAL (not a size), ERANGE. */
int cmd_parse_size(const char *s, uint64_t *bytes);

/* One --swap option. */
struct cmd_swap {
	struct vkernel_swap area; /* fd is -1 until it is opened */
	const char *path;         /* NULL: a temporary file, or compressed */
	char *text;               /* path and name point into it */
};
/* NULL, or a message that names the error in the argument. */
const char *cmd_swap_parse(const char *arg, struct cmd_swap *);
/* Open the file of the area.  0; an errno, after a line on standard error. */
int cmd_swap_open(struct cmd_swap *);
void cmd_swap_close(struct cmd_swap *);

/* The path of a program in the guest: `name` itself, or where it is found in
 * the PATH of envp, by the paths of the host.  0, ENOENT. */
int cmd_resident_find(const char *name, const char *root,
    const char *const *envp, char path[PATH_MAX]);
/* Make the program resident.  0; an errno, after a line on standard error; it
 * names the program as the option did. */
int cmd_resident(struct vkernel *, const char *name, const char *path);

/* Between start and stop, signals to this process are forwarded to the guest.
 * block: before the first thread.  start: 0 or errno. */
struct vkernel;
int cmd_signals_start(struct vkernel *, int pid);
void cmd_signals_stop(void);
void cmd_signals_block(void);

#endif /* CMD_CMD_H */
