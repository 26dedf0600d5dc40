/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Random operation sequences on vmspaces against a naive model.
 *
 * Each operation draws from a generator that is seeded from the seed and its
 * own number, so that operations can be left out and the others stay what
 * they are.  This is what --shrink does with a failing run: it tries ever
 * smaller parts of the sequence in forked children, as long as something
 * still fails, and prints what is left.
 *
 * usage: model [--seed N] [--ops N] [--runs N] [--tight] [--check N]
 *		[--stats] [--trace] [--shrink]
 * Without --seed, `runs` sequences from the current default seeds, one half of
 * them with little memory and refusing host.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "world.h"

struct run {
	uint64_t seed;
	long ops;
	long check; /* operations between two checks */
	bool tight;
	bool stats;       /* print what has happened inside */
	const char *skip; /* skip[i]: leave operation i out; NULL: none */
};

static void
sequence(const struct run *r)
{
	world_create(r->seed, r->tight);
	for (long i = 0; i < r->ops; i++) {
		if (r->skip != NULL && r->skip[i] != 0)
			continue;
		w.op = i;
		w.rng = r->seed * 0x100000001b3 + (uint64_t)i;
		world_op();
		if (r->check != 0 && (i + 1) % r->check == 0)
			world_check();
		if (r->check != 0 && (i + 1) % (r->check * 16) == 0)
			world_verify();
	}
	world_verify();
	if (r->stats)
		world_stats();
	world_destroy();
}

/* After a panic (or from a sanitizer): what was running. */
static void
say_where(void)
{
	char buf[128];
	int n = snprintf(buf, sizeof(buf), "FAIL seed %llu%s op %ld: died\n",
	    (unsigned long long)w.seed, w.tight ? " --tight" : "", w.op);

	if (n > 0 && write(STDERR_FILENO, buf, (size_t)n) < 0)
		_exit(1);
}

static void
on_signal(int sig)
{
	say_where();
	signal(sig, SIG_DFL);
	raise(sig);
}

void __sanitizer_set_death_callback(void (*fn)(void)) __attribute__((weak));

static void
catch_death(void)
{
	signal(SIGABRT, on_signal);
	signal(SIGALRM, on_signal);
	if (__sanitizer_set_death_callback != NULL)
		__sanitizer_set_death_callback(say_where);
	else {
		signal(SIGSEGV, on_signal);
		signal(SIGBUS, on_signal);
	}
}

/* Does this sequence fail?  In a child, silently. */
static bool
fails(const struct run *r)
{
	int status;
	pid_t pid = fork();

	if (pid < 0) {
		perror("fork");
		exit(2);
	}
	if (pid == 0) {
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(0);
		alarm(20);
		sequence(r);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		exit(2);
	return (status != 0);
}

/* Remove parts of the sequence, halves first, then ever smaller ones. */
static void
shrink(struct run *r)
{
	char *skip = calloc(1, (size_t)r->ops);
	char *old = malloc((size_t)r->ops);
	long left = 0;

	r->skip = skip;
	if (!fails(r)) {
		printf(
		    "seed %llu: nothing fails\n", (unsigned long long)r->seed);
		exit(0);
	}
	/* The shortest prefix that fails. */
	for (long step = r->ops / 2; step > 0; step /= 2)
		while (r->ops > step) {
			r->ops -= step;
			if (!fails(r)) {
				r->ops += step;
				break;
			}
		}
	for (long part = r->ops / 2; part > 0; part /= 2) {
		for (long at = 0; at < r->ops; at += part) {
			long n = r->ops - at < part ? r->ops - at : part;

			memcpy(old, skip, (size_t)r->ops);
			memset(skip + at, 1, (size_t)n);
			if (memcmp(old, skip, (size_t)r->ops) != 0 && !fails(r))
				memcpy(skip, old, (size_t)r->ops);
		}
	}
	for (long i = 0; i < r->ops; i++)
		left += skip[i] == 0;
	printf("shrunk to %ld operations:\n", left);
	fflush(stdout);
	w.trace = true;
	alarm(20);
	sequence(r);
	exit(1);
}

static void
one_run(const struct run *r)
{
	printf("model: seed %llu ops %ld%s\n", (unsigned long long)r->seed,
	    r->ops, r->tight ? " --tight" : "");
	fflush(stdout);
	sequence(r);
	if (r->tight)
		printf("model: %llu refusals\n", (unsigned long long)w.enomem);
}

int
main(int argc, char **argv)
{
	static const struct option opts[] = {
	    {"seed", required_argument, NULL, 's'},
	    {"ops", required_argument, NULL, 'o'},
	    {"runs", required_argument, NULL, 'r'},
	    {"check", required_argument, NULL, 'c'},
	    {"tight", no_argument, NULL, 'T'},
	    {"stats", no_argument, NULL, 'V'},
	    {"trace", no_argument, NULL, 't'},
	    {"shrink", no_argument, NULL, 'S'},
	    {NULL, 0, NULL, 0},
	};
	struct run r = {.ops = 10000, .check = 250};
	bool seeded = false, small = false;
	long runs = 60;
	int c;

	while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
		switch (c) {
		case 's':
			r.seed = strtoull(optarg, NULL, 0);
			seeded = true;
			break;
		case 'o':
			r.ops = atol(optarg);
			break;
		case 'r':
			runs = atol(optarg);
			break;
		case 'c':
			r.check = atol(optarg);
			break;
		case 'T':
			r.tight = true;
			break;
		case 'V':
			r.stats = true;
			break;
		case 't':
			w.trace = true;
			break;
		case 'S':
			small = true;
			break;
		default:
			return (2);
		}
	}
	catch_death();
	if (small)
		shrink(&r);
	if (seeded) {
		one_run(&r);
		return (0);
	}
	for (long i = 0; i < runs; i++) {
		r.seed = 1 + (uint64_t)i;
		r.tight = i % 2 != 0;
		one_run(&r);
	}
	printf("model: ok\n");
	return (0);
}
