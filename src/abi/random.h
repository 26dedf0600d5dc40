/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Random bytes.
 * Source: getrandom(2).
 */
#ifndef ABI_RANDOM_H
#define ABI_RANDOM_H

#define LX_GRND_NONBLOCK 1
#define LX_GRND_RANDOM 2
#define LX_GRND_INSECURE 4

#endif /* ABI_RANDOM_H */
