/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Arguments of the host calls that the stub program makes and that its seccomp
 * filter permits: both must use the same.
 */
#ifndef MACHINE_STUB_PROGRAM_STUB_SYS_H
#define MACHINE_STUB_PROGRAM_STUB_SYS_H

#include "abi/mman.h"
#include "abi/sched.h"

/* Of mmap and mprotect. */
#define PROT_BITS (LX_PROT_READ | LX_PROT_WRITE | LX_PROT_EXEC)
/* Of mmap, besides LX_MAP_POPULATE. */
#define MAP_SHARED_FIXED (LX_MAP_SHARED | LX_MAP_FIXED)
/* Of clone: a thread of the same stub, whose stack starts at this offset of its
 * context. */
#define THREAD_STACK_OFF (CTX_STRIDE - 32)
#define THREAD_FLAGS                                                     \
	(LX_CLONE_VM | LX_CLONE_FS | LX_CLONE_FILES | LX_CLONE_SIGHAND | \
	    LX_CLONE_THREAD | LX_CLONE_SYSVSEM)

#endif /* MACHINE_STUB_PROGRAM_STUB_SYS_H */
