/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/* What pty.c (files), pty_names.c, pty_ldisc.c (the line discipline),
 * pty_queue.c and devfs.c share. */
#ifndef VFS_DEVFS_PTY_H
#define VFS_DEVFS_PTY_H

#include "abi/termios.h"
#include "vfs/core/vnode.h"

#define PTY_MAX 256
#define PTS_INO (1u << 20) /* of the first one */
#define PTY_LINE 4096      /* bytes of a line that is being typed */
#define PTY_QUEUE 65536u   /* bytes that wait, in each direction */
#define PTY_ECHO 4096u     /* of those of the output, for echo only */
#define PTY_EXPAND 8u      /* bytes that one may become when printed */
#define PTY_STEP 512       /* bytes taken of a write at a time */

/* All of it: the pty's lock. */
struct pty_queue {
	uint32_t first, n; /* ring */
	uint32_t bells;    /* bytes in the socket beside it */
	bool full;         /* as the socket shows it */
	bool news;         /* bytes have come since it was made to show */
	uint8_t b[PTY_QUEUE];
};

/* Key: [I] immutable, [a] atomic, [p] lock, [t] lock of the table */
struct pty {
	_Atomic(uint32_t) refs;  /* [a] files */
	struct pty_table *table; /* [I] */
	unsigned nr;             /* [I] */
	_Atomic(uint32_t) uid,
	    gid;                  /* [a] at first of the opener of the master */
	_Atomic(uint32_t) mode;   /* [a] of the name */
	int m, s;                 /* [p] bells; m -1: master is closed */
	struct file *master;      /* [p] not ref'ed; NULL: closed */
	struct kmutex lock;       /* rank LEAF */
	bool locked;              /* [p] TIOCSPTLCK */
	bool closed;              /* [p] s is shut down */
	bool packet;              /* [p] TIOCPKT */
	bool exclusive[2];        /* [p] TIOCEXCL: slave, master */
	unsigned slaves;          /* [p] open files */
	struct lx_termios2 tio;   /* [p] */
	uint16_t winsize[4];      /* [p] */
	unsigned column;          /* [p] of the output */
	unsigned line_column;     /* [p] where the line began */
	bool quote;               /* [p] after LNEXT */
	unsigned nline;           /* [p] in.n + nline <= PTY_QUEUE */
	uint8_t line[PTY_LINE];   /* [p] */
	struct pty_queue in, out; /* [p] */
	/* [p] Bits of bytes in `in`: the last one of a line, or, if it is 0, a
	 * mark that is no part of it, for the end of the file. */
	uint8_t ends[PTY_QUEUE / 8];
	unsigned nends; /* [p] such bits */
};

struct pty_table {
	struct vmount *mp;         /* [I] */
	struct kmutex lock;        /* rank VNODE */
	struct pty *pty[PTY_MAX];  /* [t] weak */
	struct vnode *vp[PTY_MAX]; /* [t] weak */
};

int pty_table_create(struct vmount *, struct pty_table **);
void pty_table_destroy(struct pty_table *);
/* Open /dev/ptmx, or /dev/tty on a pty whose ref passes.  EMFILE, ENOSPC,
 * ENOMEM, EIO, EBUSY (TIOCEXCL). */
int pty_open_master(
    struct pty_table *, struct file *f, const struct vfs_ctx *ctx);
int pty_open_slave(struct pty *, struct file *f, const struct vfs_ctx *ctx);
/* Names in /dev/pts (pty_names.c). */
int pty_lookup(struct pty_table *, const char *name, struct vnode **vpp);
int pty_readdir(struct pty_table *, uint64_t off, vfs_dirent_fn *, void *arg);

/* ---- pty_queue.c; all with the lock held ---- */

/* The two ends of the bells, as host sockets. */
int pty_bells_create(int fds[2]);
/* Put and get up to n bytes, as many as fit or are there. */
size_t pty_queue_put(struct pty_queue *, const uint8_t *b, size_t n);
size_t pty_queue_get(struct pty_queue *, uint8_t *b, size_t n);
void pty_queue_clear(struct pty_queue *);
/* Show how both queues are, after changes; reset: by new sockets. */
void pty_bells(struct pty *);
void pty_bells_reset(struct pty *);

/* ---- pty_ldisc.c; all with the lock held ---- */

void pty_ldisc_init(struct pty *);
/* How much may be typed or printed now, at most PTY_STEP. */
size_t pty_input_room(const struct pty *);
size_t pty_output_room(const struct pty *);
/* What is typed: n bytes, for which there is room.  Signals to send are
 * added to *signals, as bits 1 << number. */
void pty_input(struct pty *, const uint8_t *b, size_t n, uint64_t *signals);
/* What is printed: n bytes, for which there is room. */
void pty_output(struct pty *, const uint8_t *b, size_t n);
/* Read as one read of a terminal does: 0 with *got 0 at the end of a file.
 * EAGAIN: nothing is there. */
int pty_take(struct pty *, uint8_t *b, size_t size, size_t *got);
/* Bytes that a slave may read. */
size_t pty_readable(const struct pty *);
void pty_set_termios(struct pty *, const struct lx_termios2 *);
/* which: 1 input, 2 output. */
void pty_flush(struct pty *, unsigned which);

#endif /* VFS_DEVFS_PTY_H */
