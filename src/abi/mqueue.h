/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * POSIX message queues of Linux.
 */
#ifndef ABI_MQUEUE_H
#define ABI_MQUEUE_H

#include <stdint.h>

#define LX_MQ_PRIO_MAX 32768u
#define LX_MQ_COOKIE_LEN 32 /* bytes that SIGEV_THREAD sends to a socket */

/* What Linux counts for RLIMIT_MSGQUEUE besides the bytes of the messages:
 * for each message of the queue, and for each priority that there can be. */
#define LX_MQ_MSG_COST 48u
#define LX_MQ_PRIO_COST 48u

struct lx_mq_attr {
	int64_t flags, maxmsg, msgsize, curmsgs;
	int64_t reserved[4];
};
_Static_assert(sizeof(struct lx_mq_attr) == 64, "struct mq_attr");

#endif /* ABI_MQUEUE_H */
