/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/* The options of `vmspace run`, and what they say about the run. */
#ifndef CMD_CMD_OPTIONS_H
#define CMD_CMD_OPTIONS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "cmd/lib/cmd.h"
#include "confine/confine.h"
#include "vmspace/control.h"
#include "vmspace/vkernel.h"

#define MAXMOUNTS 64
#define MAXENV 256
#define MAXSWAP VKERNEL_NSWAP_MAX
#define MAXRESIDENT 64
#define MAXLABELS 64
#define CMD_TEXT_MAX 16384 /* bytes of the command as it is shown */

struct cmd_options {
	struct vkernel_config config;
	struct vkernel_mount mounts[MAXMOUNTS];
	const char *env[MAXENV];
	size_t nenv;
	struct cmd_swap swap[MAXSWAP];
	struct vkernel_swap areas[MAXSWAP];
	size_t nswap;
	const char *resident[MAXRESIDENT];
	size_t nresident;
	struct confine_options confine;
	bool net_loopback; /* --net loopback */
	const char *probe; /* --confine-probe, debug builds only */
	const char *cwd;
	const char *name; /* --name, or NULL */
	const char *labels[MAXLABELS + 1];
	size_t nlabels;
	bool detach;
	const char *log_file; /* --log, or NULL */
	int detached[2];      /* cmd_detach(): what 0, and 1 and 2, become */
	int news;             /* to the parent, -1: none */
	/* cmd_control_enter() */
	char *command;
	struct vmspace_dir *dir; /* NULL: there is no socket */
	int control_fd;          /* listening, -1: the server has it */
	uid_t owner;
	struct vkernel_control *control; /* NULL: no server */
	bool stat;
	bool env_host;             /* pass the caller's whole environment */
	char **argv;               /* of the guest */
	_Atomic(unsigned) nerrors; /* lines logged at error level */
};

/* Parse the arguments into *r, which is zeroed.  A wrong argument ends the
 * process with EX_BADUSAGE, after a message. */
void cmd_options_parse(int argc, char **argv, struct cmd_options *);
/* Free what parsing has allocated. */
void cmd_options_free(struct cmd_options *);
/* cmd_env.c: the environment of the guest, malloc'ed; its strings are those of
 * the process and of the options.  NULL: no memory. */
const char **cmd_environment(const struct cmd_options *);

/* cmd_detach.c: 0 in the child; the parent does not return.  An errno, after a
 * line on standard error. */
int cmd_detach(struct cmd_options *);
/* The program runs: let the parent print the name. */
void cmd_detach_done(struct cmd_options *, const char *name);

/* cmd_control.c.  enter: while there is one thread and no confinement.  0, or
 * an errno, after a line on standard error. */
int cmd_control_enter(struct cmd_options *);
int cmd_control_start(struct cmd_options *, struct vkernel *);
void cmd_control_free(struct cmd_options *);

/* cmd_stat.c: the statistics of --stat, to standard error. */
void cmd_stat_print(const struct vkernel_stat *, double seconds);
void cmd_stat_missing(struct vkernel *);

#endif /* CMD_CMD_OPTIONS_H */
