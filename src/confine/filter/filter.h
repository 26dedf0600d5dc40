/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/* The programs that mkfilter makes at build time. */
#ifndef CONFINE_FILTER_FILTER_H
#define CONFINE_FILTER_FILTER_H

#include <linux/filter.h>
#include <stddef.h>

/* Variants: sums of these. */
#define FILTER_NET_HOST 1    /* --net host */
#define FILTER_ALLOW_CHOWN 2 /* --allow-chown */
#define FILTER_NVARIANTS 4

struct confine_program {
	const struct sock_filter *insns;
	unsigned short n;
	unsigned ncalls; /* that are permitted, with or without conditions */
};

extern const struct confine_program confine_programs[FILTER_NVARIANTS];
/* Of the broker of a network (netns.c). */
extern const struct confine_program confine_broker_program;
/* Names of the host's calls by their number; NULL: none. */
extern const char *const confine_call_names[];
extern const size_t confine_ncall_names;

#endif /* CONFINE_FILTER_FILTER_H */
