/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The environment of the guest.
 *
 * Purpose.  Environments hold secrets: tokens of a build, keys of a cloud, the
 * address of an agent.  A guest gets of the caller's environment only the
 * variables in passed[], without which programs do not find each other, the
 * user's language or the terminal; what --env gives; and everything with
 * --env-host.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/run/cmd_options.h"

/* A name that ends in '_' stands for all names that begin with it. */
static const char *const passed[] = {
    "HOME", "LANG", "LC_", "PATH", "TERM", "TZ"};

/* Has the variable ("NAME=VALUE") this name? */
static bool
env_has_name(const char *var, const char *name)
{
	size_t n = strlen(name);

	return (strncmp(var, name, n) == 0 &&
		(name[n - 1] == '_' || var[n] == '='));
}

static bool
env_passes(const struct cmd_options *r, const char *var)
{
	size_t len;

	for (size_t i = 0; i < r->nenv; i++) { /* replaced */
		len = (size_t)(strchr(r->env[i], '=') - r->env[i]) + 1;
		if (strncmp(var, r->env[i], len) == 0)
			return (false);
	}
	if (r->env_host)
		return (true);
	for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
		if (env_has_name(var, passed[i]))
			return (true);
	return (false);
}

const char **
cmd_environment(const struct cmd_options *r)
{
	const char **envp;
	size_t n = 0;

	while (environ[n] != NULL)
		n++;
	envp = calloc(n + r->nenv + 1, sizeof(*envp));
	if (envp == NULL)
		return (NULL);
	n = 0;
	for (char **e = environ; *e != NULL; e++)
		if (env_passes(r, *e))
			envp[n++] = *e;
	for (size_t i = 0; i < r->nenv; i++)
		envp[n++] = r->env[i];
	return (envp);
}
