/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/* The stub program as data.  The build defines its path, STUB_IMAGE. */
	.section .rodata
	.globl	stub_image, stub_image_end
	.hidden	stub_image, stub_image_end
	.balign	16
stub_image:
	.incbin	STUB_IMAGE
stub_image_end:
	.byte	0
	.section .note.GNU-stack, "", @progbits
