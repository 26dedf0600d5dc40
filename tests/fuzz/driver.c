/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Runs a fuzz target without libFuzzer, with inputs that are the same each
 * time.
 *
 *   fuzz_TARGET [--runs N] [--seed S] [--index I] [--limit SECONDS]
 *               [--write-seeds DIR] [FILE
 * DIR ...]
 *
 * First the files (those of a directory in the order of their names),
 * unchanged; then N inputs, each made from the seed S and its own number alone,
 * so that one of them can be run again with --index. The default is 1,000
 * inputs, or none when there are files.
 *
 * A failure is an abort, a signal, a finding of a sanitizer, or an input that
 * takes more than --limit seconds (60). A hook then prints which input it was
 * and writes it to ./crash-TARGET-S-I, or prints the name of the file. The
 * state of the kernel is carried from one input to the next: an input that does
 * not fail alone may need those before it (run them with --runs I+1).
 *
 * --write-seeds writes the seeds of the target, one to a file.
 */
#include "fuzz.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const unsigned fuzz_other_fds = 0;

static struct {
	uint8_t *buf;
	size_t len;
	unsigned long seed, index;
	const char *file; /* NULL: a made input */
	unsigned limit;
	unsigned long inputs;
} now;

/* Uses only what a signal handler may use. */
static void
say_where(void)
{
	char text[512], path[64];
	int fd, n;

	if (now.file != NULL) {
		n = snprintf(text, sizeof(text), "FAIL target %s file %s\n",
		    fuzz_target.name, now.file);
	} else {
		snprintf(path, sizeof(path), "crash-%s-%lu-%lu",
		    fuzz_target.name, now.seed, now.index);
		n = snprintf(text, sizeof(text),
		    "FAIL target %s --seed %lu --index %lu (%zu bytes, %s)\n",
		    fuzz_target.name, now.seed, now.index, now.len, path);
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		if (fd >= 0) {
			if (write(fd, now.buf, now.len) < 0)
				path[0] = '\0';
			close(fd);
		}
	}
	if (n > 0 && write(STDERR_FILENO, text, (size_t)n) < 0)
		_exit(1);
}

static void
on_signal(int sig)
{
	static const char slow[] = "fuzz: took too long\n";

	if (sig == SIGALRM && write(STDERR_FILENO, slow, sizeof(slow) - 1) < 0)
		_exit(1);
	say_where();
	signal(sig, SIG_DFL);
	signal(SIGABRT, SIG_DFL);
	if (sig == SIGALRM)
		abort();
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
		signal(SIGFPE, on_signal);
	}
}

/* A copy of exactly the input's size, so that a sanitizer reports reads
 * beyond it. */
static void
run_input(void)
{
	uint8_t *copy = malloc(now.len != 0 ? now.len : 1);

	if (copy == NULL)
		fuzz_fail("no memory");
	memcpy(copy, now.buf, now.len);
	alarm(now.limit);
	fuzz_target.run(copy, now.len);
	alarm(0);
	free(copy);
	now.inputs++;
}

static void
run_made(unsigned long i)
{
	uint64_t r = now.seed;

	r = rnd_next(&r) ^ i;
	now.file = NULL;
	now.index = i;
	now.len = fuzz_target.make(&r, now.buf);
	run_input();
}

static void
run_file(const char *path)
{
	FILE *f = fopen(path, "rb");

	if (f == NULL)
		fuzz_fail("%s: %s", path, strerror(errno));
	now.file = path;
	now.len = fread(now.buf, 1, fuzz_target.max, f);
	fclose(f);
	run_input();
}

static void
run_path(const char *path)
{
	struct dirent **ents;
	struct stat st;
	char sub[512];
	int n;

	if (stat(path, &st) != 0)
		fuzz_fail("%s: %s", path, strerror(errno));
	if (!S_ISDIR(st.st_mode)) {
		run_file(path);
		return;
	}
	n = scandir(path, &ents, NULL, alphasort);
	if (n < 0)
		fuzz_fail("%s: %s", path, strerror(errno));
	for (int i = 0; i < n; i++) {
		snprintf(sub, sizeof(sub), "%s/%s", path, ents[i]->d_name);
		if (ents[i]->d_name[0] != '.')
			run_file(sub);
		free(ents[i]);
	}
	free(ents);
}

static void
write_seeds(const char *dir)
{
	const char *name = NULL;
	char path[512];
	size_t len;
	FILE *f;

	for (unsigned i = 0;; i++) {
		len = fuzz_target.seed(i, now.buf, &name);
		if (len == SIZE_MAX)
			return;
		snprintf(path, sizeof(path), "%s/%s", dir, name);
		f = fopen(path, "wb");
		if (f == NULL || fwrite(now.buf, 1, len, f) != len ||
		    fclose(f) != 0)
			fuzz_fail("%s: %s", path, strerror(errno));
	}
}

int
main(int argc, char **argv)
{
	static const struct option opts[] = {
	    {"runs", required_argument, NULL, 'r'},
	    {"seed", required_argument, NULL, 's'},
	    {"index", required_argument, NULL, 'i'},
	    {"limit", required_argument, NULL, 'l'},
	    {"write-seeds", required_argument, NULL, 'w'},
	    {NULL, 0, NULL, 0},
	};
	unsigned long runs = ULONG_MAX, first = 0;
	bool ok;
	int c;

	now.buf = malloc(fuzz_target.max);
	now.seed = 1;
	now.limit = 60;
	while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
		switch (c) {
		case 'r':
			runs = strtoul(optarg, NULL, 0);
			break;
		case 's':
			now.seed = strtoul(optarg, NULL, 0);
			break;
		case 'i':
			first = strtoul(optarg, NULL, 0);
			runs = 1;
			break;
		case 'l':
			now.limit = (unsigned)strtoul(optarg, NULL, 0);
			break;
		case 'w':
			write_seeds(optarg);
			return (0);
		default:
			return (2);
		}
	}
	if (runs == ULONG_MAX)
		runs = optind < argc ? 0 : 1000;
	catch_death();
	for (int i = optind; i < argc; i++)
		run_path(argv[i]);
	for (unsigned long i = 0; i < runs; i++)
		run_made(first + i);
	now.file = "(none: after the last one)";
	alarm(now.limit);
	ok = fuzz_target.finish(true, now.inputs);
	alarm(0);
	free(now.buf);
	if (!ok)
		fprintf(stderr, "fuzz: the inputs are too one-sided\n");
	return (ok ? 0 : 1);
}
