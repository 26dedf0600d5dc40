/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * --swap: parsing of the option, and opening of the file.
 *
 * The argument is SIZE, PATH:SIZE, lz4:SIZE or zstd:SIZE, followed by any of
 * ",pri=N" and, for tests, ",inject=FAULT:N" (every N-th transfer fails in that
 * way, or each read takes N ms longer).  The command opens the files before it
 * confines itself, so that the kernel process needs no right to create or open
 * them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/lib/cmd.h"
#include "vmspace/vkernel.h"

#define PRI_COMPRESSED 100
#define PRI_MAX 32767

/* Parse a decimal number from min to max; false: it is none. */
static bool
parse_number(const char *s, long min, long max, long *out)
{
	char *end;

	errno = 0;
	*out = strtol(s, &end, 10);
	return (errno == 0 && end != s && *end == '\0' && *out >= min &&
		*out <= max);
}

static const char *
parse_inject(struct vkernel_swap_inject *in, const char *what)
{
	const struct {
		const char *name;
		uint32_t *n;
	} faults[] = {
	    {"write_eio:", &in->write_eio},
	    {"write_enospc:", &in->write_enospc},
	    {"write_torn:", &in->write_torn},
	    {"read_eio:", &in->read_eio},
	    {"damage:", &in->damage},
	    {"read_ms:", &in->read_ms},
	};
	long n;

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		size_t len = strlen(faults[i].name);

		if (strncmp(what, faults[i].name, len) != 0)
			continue;
		if (!parse_number(what + len, 1, 1000000000, &n))
			return ("inject: N must be a number from 1 on");
		*faults[i].n = (uint32_t)n;
		return (NULL);
	}
	return ("inject: no such fault; use write_eio:N, write_enospc:N, "
		"write_torn:N, read_eio:N, damage:N or read_ms:N");
}

/* Parse each ",key=value" at the end of the text and cut it off. */
static const char *
parse_suffixes(char *text, struct vkernel_swap *s)
{
	const char *bad;
	char *comma;
	long n;

	while ((comma = strrchr(text, ',')) != NULL) {
		if (strncmp(comma, ",pri=", 5) == 0) {
			if (!parse_number(comma + 5, -1, PRI_MAX, &n))
				return ("pri must be a number from -1 to "
					"32767");
			s->priority = (int)n;
		} else if (strncmp(comma, ",inject=", 8) == 0) {
			bad = parse_inject(&s->inject, comma + 8);
			if (bad != NULL)
				return (bad);
		} else
			return (strchr(comma, ':') != NULL
				    ? NULL /* part of a path */
				    : "only pri=N may follow a comma");
		*comma = '\0';
	}
	return (NULL);
}

const char *
cmd_swap_parse(const char *arg, struct cmd_swap *cs)
{
	struct vkernel_swap *s = &cs->area;
	char *text = strdup(arg), *colon;
	const char *bad, *size = text;

	memset(cs, 0, sizeof(*cs));
	if (text == NULL)
		return ("out of memory");
	cs->text = text;
	s->fd = -1;
	s->name = text;
	colon = strrchr(text, ':');
	if (strncmp(text, "lz4:", 4) == 0 || strncmp(text, "zstd:", 5) == 0) {
		s->kind = text[0] == 'l' ? VKERNEL_SWAP_LZ4 : VKERNEL_SWAP_ZSTD;
		s->priority = PRI_COMPRESSED;
		colon = strchr(text, ':');
	}
	bad = parse_suffixes(text, s);
	if (bad != NULL)
		return (bad);
	/* A suffix that was cut off may have contained a colon. */
	if (s->kind == VKERNEL_SWAP_FILE)
		colon = strrchr(text, ':');
	if (colon != NULL) {
		*colon = '\0';
		size = colon + 1;
		if (s->kind == VKERNEL_SWAP_FILE)
			cs->path = text;
	} else
		s->name = "swapfile";
	if (cmd_parse_size(size, &s->size) != 0)
		return ("not a size; use a number and a unit, such as 64M");
	if (s->size < 4096 || s->size > UINT64_C(1) << 40)
		return ("the size must be from 4K to 1T");
	if (cs->path != NULL && cs->path[0] == '\0')
		return ("there is no path before the colon");
	return (NULL);
}

int
cmd_swap_open(struct cmd_swap *cs)
{
	struct vkernel_swap *s = &cs->area;
	int error;

	if (s->kind != VKERNEL_SWAP_FILE)
		return (0);
	error = vkernel_swap_open(cs->path, &s->size, &s->fd);
	if (error == 0)
		return (0);
	if (cs->path == NULL)
		fprintf(stderr,
		    "vmspace: --swap: cannot create a temporary file: %s; set "
		    "TMPDIR to a directory that you can write\n",
		    strerror(error));
	else if (error == EEXIST)
		fprintf(stderr,
		    "vmspace: --swap: '%s' has contents and is not "
		    "overwritten; choose another file, or run mkswap on it\n",
		    cs->path);
	else if (error == EBUSY)
		fprintf(stderr,
		    "vmspace: --swap: '%s' is in use as swap; choose another "
		    "file\n",
		    cs->path);
	else
		fprintf(stderr,
		    "vmspace: --swap: cannot open '%s': %s; choose a file or "
		    "device that you can write\n",
		    cs->path, strerror(error));
	return (error);
}

void
cmd_swap_close(struct cmd_swap *cs)
{
	if (cs->area.fd >= 0)
		close(cs->area.fd);
	cs->area.fd = -1;
	free(cs->text);
	cs->text = NULL;
}
