/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Sizes on the command line: a decimal number and an optional unit, powers of
 * 1024.  Any other text is refused, so that a typing error does not become
 * another size.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/lib/cmd.h"

int
cmd_parse_size(const char *s, uint64_t *bytes)
{
	static const char units[] = "KMGT";
	unsigned long long v;
	unsigned shift = 0;
	const char *u;
	char *end;

	if (*s < '0' || *s > '9')
		return (EINVAL);
	errno = 0;
	v = strtoull(s, &end, 10);
	if (errno != 0)
		return (ERANGE);
	if (*end != '\0' && *end != 'B') {
		u = strchr(units, *end >= 'a' ? *end - 'a' + 'A' : *end);
		if (u == NULL)
			return (EINVAL);
		shift = 10 * (unsigned)(u - units + 1);
		end++;
		if (end[0] == 'i' && end[1] == 'B')
			end++;
	}
	if (*end == 'B')
		end++;
	if (*end != '\0')
		return (EINVAL);
	if (v > UINT64_MAX >> shift)
		return (ERANGE);
	*bytes = (uint64_t)v << shift;
	return (0);
}
