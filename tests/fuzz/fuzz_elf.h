/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The parts of the exec fuzzer: inputs (elf_inputs.c), the expected result of
 * one (elf_rules.c), the target (fuzz_elf.c).
 *
 * An input is an executable file; if its first byte is ELF_AS_INTERP, the rest
 * is the interpreter of a correct program.
 */
#ifndef FUZZ_FUZZ_ELF_H
#define FUZZ_FUZZ_ELF_H

#include <elf.h>

#include "fuzz.h"

#define ELF_INPUT_MAX ((size_t)128 << 10)
#define ELF_AS_INTERP 0xfe

/* elf_inputs.c: as in struct fuzz_target. */
size_t elf_seed(unsigned i, uint8_t *buf, const char **name);
size_t elf_make(uint64_t *, uint8_t *buf);
size_t elf_mutate(uint64_t *, uint8_t *buf, size_t len);
/* A correct image, PIE or not, with an interpreter unless NULL. Returns its
 * size. */
size_t elf_good(uint8_t *buf, bool pie, const char *interp);

/* elf_rules.c */
enum elf_verdict {
	ELF_MUST_REFUSE,
	ELF_MAY,         /* depends on other files, or on memory */
	ELF_MUST_ACCEPT, /* small and correct */
};
/*
 * The result that exec must have for these bytes, by rules that share no code
 * with the kernel. *why names the rule.
 */
enum elf_verdict elf_verdict_of(
    const uint8_t *data, size_t len, bool interp, const char **why);
/*
 * Compares the memory of a process that executed the file, read through get()
 * (false: not readable), with the file. Returns the first difference or NULL.
 * `bias` is the address of file address 0.
 */
const char *elf_compare(const uint8_t *data, size_t len, uint64_t bias,
    bool (*get)(void *arg, uint64_t addr, void *buf, size_t len), void *arg);
/* The lowest page of the segments; 0 without segments. */
uint64_t elf_lowest(const uint8_t *data, size_t len);

#endif /* FUZZ_FUZZ_ELF_H */
