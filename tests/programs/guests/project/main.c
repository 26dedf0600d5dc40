/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/* js FILE: run it, with print(). */
#include <stdio.h>
#include <stdlib.h>

#include "duktape.h"

extern const int table[];

static duk_ret_t
print(duk_context *ctx)
{
	duk_push_string(ctx, " ");
	duk_insert(ctx, 0);
	duk_join(ctx, duk_get_top(ctx) - 1);
	puts(duk_safe_to_string(ctx, -1));
	return (0);
}

static duk_ret_t
square(duk_context *ctx)
{
	duk_push_int(ctx, table[duk_require_int(ctx, 0) % 2000]);
	return (1);
}

int
main(int argc, char **argv)
{
	duk_context *ctx = duk_create_heap_default();
	static char text[1 << 16];
	FILE *f = fopen(argc > 1 ? argv[1] : "script.js", "r");
	size_t n;
	int error;

	if (ctx == NULL || f == NULL)
		return (2);
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	duk_push_c_function(ctx, print, DUK_VARARGS);
	duk_put_global_string(ctx, "print");
	duk_push_c_function(ctx, square, 1);
	duk_put_global_string(ctx, "square");
	error = duk_peval_lstring(ctx, text, n);
	if (error != 0)
		printf("error: %s\n", duk_safe_to_string(ctx, -1));
	duk_destroy_heap(ctx);
	return (error != 0);
}
