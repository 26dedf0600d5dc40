/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * --resident: programs that the kernel keeps loaded.  A name is searched in the
 * guest's PATH, below the guest's root, as the guest would search it, while the
 * process can still resolve paths of the host.  The path is later written to
 * /proc/sys/vm/resident, the file that guests use as well.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/lib/cmd.h"

#define PATH_DEFAULT "/usr/local/bin:/usr/bin:/bin"

int
cmd_resident_find(const char *name, const char *root, const char *const *envp,
    char path[PATH_MAX])
{
	const char *dirs = PATH_DEFAULT, *end;
	char host[2 * PATH_MAX];

	if (strchr(name, '/') != NULL) {
		if (name[0] != '/' || strlen(name) >= PATH_MAX)
			return (ENOENT);
		strcpy(path, name);
		return (0);
	}
	for (; envp != NULL && *envp != NULL; envp++)
		if (strncmp(*envp, "PATH=", 5) == 0)
			dirs = *envp + 5;
	for (;; dirs = end + 1) {
		end = dirs + strcspn(dirs, ":");
		if (dirs[0] == '/' &&
		    snprintf(path, PATH_MAX, "%.*s/%s", (int)(end - dirs), dirs,
			name) < PATH_MAX) {
			snprintf(host, sizeof(host), "%s%s",
			    root != NULL ? root : "", path);
			if (access(host, X_OK) == 0)
				return (0);
		}
		if (*end == '\0')
			return (ENOENT);
	}
}

int
cmd_resident(struct vkernel *k, const char *name, const char *path)
{
	char line[PATH_MAX + 1];
	size_t done;
	int error = ENOENT;

	if (path == NULL)
		goto fail;
	snprintf(line, sizeof(line), "+%s", path);
	error = vkernel_proc_write(
	    k, "sys/vm/resident", 0, line, strlen(line), &done);
	/* EEXIST: the same program was given twice. */
	if (error != 0 && error != EEXIST)
		goto fail;
	return (0);
fail:
	fprintf(stderr, "vmspace: --resident: cannot keep '%s' loaded: %s%s\n",
	    name, strerror(error),
	    error == ENOENT ? "; check the guest's PATH and --root" : "");
	return (error);
}
