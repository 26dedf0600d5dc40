/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The tables of the network that a process is in: /proc/self/net.  They are
 * opened before the process gives up its rights, and read later.
 */
#ifndef CONFINE_NETTABLES_H
#define CONFINE_NETTABLES_H

#define NETTABLES 20

/* Those that the host has; -1 for the others. */
struct nettables {
	int fd[NETTABLES];
};

void nettables_open(struct nettables *);
void nettables_close(struct nettables *);
/* The index of a table, -1: there is none of that name. */
int nettables_index(const char *name);
/* Of the type of struct vkernel_config's net_table, with a struct nettables as
 * argument: another descriptor of an open table.  ENOENT. */
int nettables_dup(void *tables, const char *name, int *fd);

#endif /* CONFINE_NETTABLES_H */
