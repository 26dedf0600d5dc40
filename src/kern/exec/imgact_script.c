/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * `#!` scripts.
 *
 * Concepts: the first line names an interpreter and at most one argument (the
 * rest of the line, blanks trimmed at both ends).  The vector becomes
 *
 *	interpreter [argument] script argv[1] ...
 *
 * and the exec starts again with the interpreter, which may be a script too,
 * IMGACT_DEPTH times (ELOOP).  AT_EXECFN and the process's name stay those of
 * the first script, as on Linux.
 *
 * Limits: a line of IMGACT_HEAD - 1 bytes.  The argument in a longer line is
 * cut; an interpreter's path that does not fit is ENOEXEC.
 */
#include <errno.h>
#include <string.h>

#include "kern/exec/imgact.h"
#include "vfs/core/lookup.h"
#include "vfs/core/vnode.h"

static bool
blank(char c)
{
	return (c == ' ' || c == '\t');
}

/* Split the line: *arg is NULL without an argument.  Writes NULs into
 * line[len]. */
static int
script_parse(char *line, size_t len, bool cut, char **interp, char **arg)
{
	char *p = line, *end = line + len;

	while (p < end && blank(*p))
		p++;
	while (!cut && end > p && blank(end[-1]))
		end--;
	*interp = p;
	while (p < end && !blank(*p) && *p != '\0')
		p++;
	if (p == *interp || (cut && p == end))
		return (ENOEXEC);
	*end = '\0';
	*arg = NULL;
	if (p == end || *p == '\0')
		return (0);
	*p++ = '\0';
	while (p < end && blank(*p))
		p++;
	while (end > p && blank(end[-1]))
		*--end = '\0';
	if (*p != '\0')
		*arg = p;
	return (0);
}

/* Fill `new` with the argument vector of the interpreter. */
static int
script_fill(const struct exec_image *img, const char *interp, const char *arg,
    struct exec_args *new)
{
	const struct exec_args *old = &img->args;
	int error;

	error = exec_args_add(new, interp, false);
	if (error != 0)
		return (error);
	if (arg != NULL) {
		error = exec_args_add(new, arg, false);
		if (error != 0)
			return (error);
	}
	error = exec_args_add(
	    new, img->depth == 0 ? img->path : img->interp, false);
	if (error != 0)
		return (error);
	for (size_t i = 1; i < old->argc; i++) {
		error = exec_args_add(new, old->argv[i], false);
		if (error != 0)
			return (error);
	}
	for (size_t i = 0; i < old->envc; i++) {
		error = exec_args_add(new, old->envp[i], true);
		if (error != 0)
			return (error);
	}
	return (0);
}

/* Replace the argument vector by that of the interpreter. */
static int
script_args(struct exec_image *img, const char *interp, const char *arg)
{
	struct exec_args new;
	int error;

	exec_args_init(&new);
	error = script_fill(img, interp, arg, &new);
	if (error != 0) {
		exec_args_free(&new);
		return (error);
	}
	if (img->args_own)
		exec_args_free(&img->args);
	img->args = new;
	img->args_own = true;
	return (0);
}

int
imgact_script(struct exec_image *img)
{
	char line[IMGACT_HEAD + 1], *interp, *arg, *nl;
	struct nameidata nd = {0};
	size_t len;
	int error;

	if (img->headlen < 2 || img->head[0] != '#' || img->head[1] != '!')
		return (ENOEXEC);
	len = img->headlen - 2;
	memcpy(line, img->head + 2, len);
	nl = memchr(line, '\n', len);
	if (nl != NULL)
		len = (size_t)(nl - line);
	error = script_parse(line, len,
	    nl == NULL && img->headlen == IMGACT_HEAD, &interp, &arg);
	if (error != 0)
		return (error);
	if (img->depth == 0 && img->hidden)
		return (ENOENT);
	if (img->depth >= IMGACT_DEPTH)
		return (ELOOP);
	error = exec_namei(img, interp, &nd);
	if (error != 0)
		return (error);
	error = script_args(img, interp, arg);
	if (error != 0) {
		vrele(nd.vp);
		return (error);
	}
	strcpy(img->interp, interp); /* shorter than IMGACT_HEAD */
	img->depth++;
	return (exec_set_vnode(img, nd.vp));
}
