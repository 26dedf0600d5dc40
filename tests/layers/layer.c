/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * A program that does nothing.  Linked with all objects of one layer, it shows
 * that the layer needs nothing from the layers above it.
 */

int
main(void)
{
	return (0);
}
