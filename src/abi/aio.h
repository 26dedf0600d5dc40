/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Asynchronous I/O of Linux (io_setup and its relatives): requests, events and
 * the ring that programs may read.
 */
#ifndef ABI_AIO_H
#define ABI_AIO_H

#include <stdint.h>

#define LX_IOCB_CMD_PREAD 0
#define LX_IOCB_CMD_PWRITE 1
#define LX_IOCB_CMD_FSYNC 2
#define LX_IOCB_CMD_FDSYNC 3
#define LX_IOCB_CMD_POLL 5
#define LX_IOCB_CMD_PREADV 7
#define LX_IOCB_CMD_PWRITEV 8

#define LX_IOCB_FLAG_RESFD 0x1  /* resfd is an eventfd */
#define LX_IOCB_FLAG_IOPRIO 0x2 /* reqprio is valid */

#define LX_AIO_RING_MAGIC UINT32_C(0xa10a10a1)
#define LX_AIO_RING_COMPAT 1
#define LX_AIO_MAX_BYTES UINT32_C(0x10000000) /* of the events of a ring */

struct lx_iocb {
	uint64_t data;
	uint32_t key;
	uint32_t rw_flags;
	uint16_t opcode;
	uint16_t reqprio;
	uint32_t fd;
	uint64_t buf;
	uint64_t nbytes;
	int64_t offset;
	uint64_t reserved2;
	uint32_t flags;
	uint32_t resfd;
};
_Static_assert(sizeof(struct lx_iocb) == 64, "struct iocb");

struct lx_io_event {
	uint64_t data; /* of the request */
	uint64_t obj;  /* address of its iocb */
	int64_t res;
	int64_t res2;
};
_Static_assert(sizeof(struct lx_io_event) == 32, "struct io_event");

/* The head of the ring; the events follow. */
struct lx_aio_ring {
	uint32_t id;
	uint32_t nr; /* events in the ring */
	uint32_t head;
	uint32_t tail;
	uint32_t magic;
	uint32_t compat;
	uint32_t incompat;
	uint32_t header_length;
};
_Static_assert(sizeof(struct lx_aio_ring) == 32, "struct aio_ring");

/* Last argument of io_pgetevents. */
struct lx_aio_sigset {
	uint64_t mask; /* address */
	uint64_t size;
};

#endif /* ABI_AIO_H */
