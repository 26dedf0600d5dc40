/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The line discipline of guests' terminals: what happens between the keys and
 * the program, and between the program and the screen.
 *
 * Concepts.  Two host sockets carry the bytes: m, the master's, and s, the
 * slave's.  Input is edited here, and sent to s when a program may read it: a
 * line at a time in canonical mode, at once otherwise.  A list of records says
 * how what is in the socket is to be read, for a read returns one line at
 * most.  End of file is a byte in the socket which nobody sees, so that a
 * reader wakes up for it.  Output, and the echo of input, go from s to m.
 *
 * Locking: pty->lock for everything.  The callers have seen that the socket
 * has room; what does not fit nevertheless (echo nobody reads) is dropped.
 *
 * Limits.  Output is never stopped: the characters for that are swallowed.  No
 * parity marks, no delays but tabs, no upper-case terminals, no packet mode.
 */
#include "vfs/devfs/pty.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define SIG_INT 2
#define SIG_QUIT 3
#define SIG_TSTP 20

/* Bytes on their way to m. */
struct out {
	struct pty *pty;
	size_t n;
	uint8_t b[8 * PTY_STEP];
};

void
pty_ldisc_init(struct pty *pty)
{
	static const uint8_t cc[19] = {[CC_INTR] = 3,
	    [CC_QUIT] = 28,
	    [CC_ERASE] = 127,
	    [CC_KILL] = 21,
	    [CC_EOF] = 4,
	    [CC_MIN] = 1,
	    [CC_START] = 17,
	    [CC_STOP] = 19,
	    [CC_SUSP] = 26,
	    [CC_REPRINT] = 18,
	    [13] = 15,
	    [CC_WERASE] = 23,
	    [CC_LNEXT] = 22};

	pty->tio = (struct pty_termios){
	    .iflag = TT_ICRNL | TT_IXON,
	    .oflag = TT_OPOST | TT_ONLCR,
	    .cflag = 0xbf, /* 38400, 8 bits, receiver */
	    .lflag = TT_ISIG | TT_ICANON | TT_ECHO | TT_ECHOE | TT_ECHOK |
		     TT_ECHOCTL | TT_ECHOKE | TT_IEXTEN,
	    .ispeed = 38400,
	    .ospeed = 38400,
	};
	memcpy(pty->tio.cc, cc, sizeof(cc));
}

static bool
lflag(const struct pty *pty, uint32_t bits)
{
	return ((pty->tio.lflag & bits) == bits);
}

static bool
is_cc(const struct pty *pty, unsigned which, uint8_t c)
{
	return (c != 0 && pty->tio.cc[which] == c);
}

/* ---- output ---- */

static void
out_flush(struct out *o)
{
	size_t done;

	if (o->n > 0)
		(void)host_write(o->pty->s, o->b, o->n, &done);
	o->n = 0;
}

static void
out_raw(struct out *o, uint8_t c)
{
	if (o->n == sizeof(o->b))
		out_flush(o);
	o->b[o->n++] = c;
}

static unsigned
next_column(unsigned column, uint8_t c)
{
	if (c == '\t')
		return ((column | 7) + 1);
	if (c == '\b')
		return (column > 0 ? column - 1 : 0);
	if (c == '\r' || c == '\n')
		return (0);
	/* Not the later bytes of a UTF-8 character. */
	return (
	    c >= 32 && c != 127 && (c & 0xc0) != 0x80 ? column + 1 : column);
}

/* One byte as the program meant it. */
static void
out_post(struct out *o, uint8_t c)
{
	struct pty *pty = o->pty;
	uint32_t fl = pty->tio.oflag;
	unsigned to;

	if ((fl & TT_OPOST) == 0) {
		out_raw(o, c);
		return;
	}
	if (c == '\n' && (fl & TT_ONLCR) != 0)
		out_raw(o, '\r');
	else if (c == '\n' && (fl & TT_ONLRET) == 0) {
		out_raw(o, c); /* the column stays */
		return;
	}
	if (c == '\r' && (fl & TT_ONOCR) != 0 && pty->column == 0)
		return;
	if (c == '\r' && (fl & TT_OCRNL) != 0)
		c = '\n';
	if ((fl & TT_OLCUC) != 0)
		c = (uint8_t)toupper(c);
	to = next_column(pty->column, c);
	if (c == '\t' && (fl & TT_XTABS) == TT_XTABS)
		for (unsigned i = pty->column; i < to; i++)
			out_raw(o, ' ');
	else
		out_raw(o, c);
	pty->column = to;
}

int
pty_output(struct pty *pty, const uint8_t *b, size_t n)
{
	struct out o = {.pty = pty};
	size_t done;

	for (size_t i = 0; i < n; i++)
		out_post(&o, b[i]);
	return (host_write(pty->s, o.b, o.n, &done));
}

static void
echo(struct out *o, uint8_t c)
{
	struct pty *pty = o->pty;

	if (!lflag(pty, TT_ECHO) &&
	    !(c == '\n' && lflag(pty, TT_ECHONL | TT_ICANON)))
		return;
	if (lflag(pty, TT_ECHOCTL) && (c < 32 || c == 127) && c != '\t' &&
	    c != '\n') {
		out_post(o, '^');
		out_post(o, c ^ 0x40);
	} else
		out_post(o, c);
}

/* ---- input: what a program may read ---- */

/* A record of len bytes.  Whoever calls sends them. */
static bool
record_add(struct pty *pty, uint32_t len, enum pty_kind kind)
{
	struct pty_record *last;

	last = &pty->rec[(pty->first + pty->nrecords + PTY_RECORDS - 1) %
			 PTY_RECORDS];
	if (kind == PTY_RAW && pty->nrecords > 0 && last->kind == PTY_RAW) {
		last->len += len;
		return (true);
	}
	if (pty->nrecords == PTY_RECORDS)
		return (false);
	pty->rec[(pty->first + pty->nrecords++) % PTY_RECORDS] =
	    (struct pty_record){len, kind};
	return (true);
}

static void
record_done(struct pty *pty)
{
	pty->first = (pty->first + 1) % PTY_RECORDS;
	pty->nrecords--;
}

static void
send_input(struct pty *pty, const uint8_t *b, size_t n, enum pty_kind kind)
{
	const uint8_t mark = 0;
	size_t done;

	if (!record_add(pty, (uint32_t)n, kind))
		return;
	if (n > 0)
		(void)host_write(pty->m, b, n, &done);
	if (kind == PTY_EOF)
		(void)host_write(pty->m, &mark, 1, &done);
}

int
pty_take(struct pty *pty, uint8_t *b, size_t size, size_t *got)
{
	const bool canon = lflag(pty, TT_ICANON);
	struct pty_record *r;
	size_t total = 0, n;
	uint8_t mark;

	while (pty->nrecords > 0 && total < size) {
		r = &pty->rec[pty->first];
		n = r->len < size - total ? r->len : size - total;
		if (n > 0 && host_read(pty->s, b + total, n, &n) != 0)
			n = 0;
		/* Shorter than its record: the socket has refused some. */
		if (n == 0 && r->len > 0)
			r->len = 0;
		r->len -= (uint32_t)n;
		total += n;
		if (r->len > 0)
			break;
		if (r->kind == PTY_EOF)
			(void)host_read(pty->s, &mark, 1, &n);
		mark = r->kind != PTY_RAW;
		record_done(pty);
		if (canon && mark) {
			*got = total;
			return (0);
		}
	}
	*got = total;
	return (total > 0 ? 0 : EAGAIN);
}

static void
drain_socket(int fd)
{
	uint8_t buf[1024];
	size_t n;

	while (host_read(fd, buf, sizeof(buf), &n) == 0 && n > 0)
		;
}

void
pty_flush(struct pty *pty, unsigned which)
{
	if ((which & 1) != 0) {
		drain_socket(pty->s);
		pty->nrecords = pty->first = 0;
		pty->nline = 0;
		pty->quote = false;
	}
	if ((which & 2) != 0 && pty->m >= 0)
		drain_socket(pty->m);
}

void
pty_set_termios(struct pty *pty, const struct pty_termios *t)
{
	bool was = lflag(pty, TT_ICANON);

	pty->tio = *t;
	pty->quote = false;
	/* What has been typed of a line can be read now. */
	if (was && !lflag(pty, TT_ICANON) && pty->nline > 0 && pty->m >= 0) {
		send_input(pty, pty->line, pty->nline, PTY_RAW);
		pty->nline = 0;
	}
}

/* ---- input: editing a line ---- */

static unsigned
column_at(const struct pty *pty, unsigned n)
{
	unsigned col = pty->line_column;
	uint8_t c;

	for (unsigned i = 0; i < n; i++) {
		c = pty->line[i];
		if ((c < 32 || c == 127) && c != '\t')
			col += lflag(pty, TT_ECHOCTL) ? 2 : 0;
		else
			col = next_column(col, c);
	}
	return (col);
}

/* Take the last character from the line, and from the screen. */
static void
erase_one(struct out *o)
{
	struct pty *pty = o->pty;
	unsigned from = column_at(pty, pty->nline), to;
	uint8_t c;

	do {
		c = pty->line[--pty->nline];
	} while (pty->nline > 0 && (pty->tio.iflag & TT_IUTF8) != 0 &&
		 (c & 0xc0) == 0x80);
	if (!lflag(pty, TT_ECHO))
		return;
	if (!lflag(pty, TT_ECHOE)) {
		echo(o, pty->tio.cc[CC_ERASE]);
		return;
	}
	to = column_at(pty, pty->nline);
	for (unsigned i = to; i < from; i++) {
		out_raw(o, '\b');
		if (c != '\t') {
			out_raw(o, ' ');
			out_raw(o, '\b');
		}
	}
	pty->column = to;
}

static void
erase_word(struct out *o)
{
	struct pty *pty = o->pty;
	bool seen = false, word;

	while (pty->nline > 0) {
		uint8_t c = pty->line[pty->nline - 1];

		word = isalnum(c) || c == '_' || c >= 128;
		if (seen && !word)
			break;
		seen = seen || word;
		erase_one(o);
	}
}

static void
kill_line(struct out *o)
{
	struct pty *pty = o->pty;

	if (lflag(pty, TT_ECHO | TT_ECHOE | TT_ECHOK | TT_ECHOKE)) {
		while (pty->nline > 0)
			erase_one(o);
		return;
	}
	pty->nline = 0;
	echo(o, pty->tio.cc[CC_KILL]);
	if (lflag(pty, TT_ECHOK))
		out_post(o, '\n');
}

static void
line_add(struct out *o, uint8_t c)
{
	struct pty *pty = o->pty;

	/* Room for the end of the line. */
	if (pty->nline >= PTY_LINE - 1) {
		if ((pty->tio.iflag & TT_IMAXBEL) != 0)
			out_raw(o, '\a');
		return;
	}
	if (pty->nline == 0)
		pty->line_column = pty->column;
	pty->line[pty->nline++] = c;
	echo(o, c);
}

static void
line_end(struct out *o, uint8_t c, bool eof)
{
	struct pty *pty = o->pty;

	if (!eof) {
		pty->line[pty->nline++] = c;
		echo(o, c);
	}
	send_input(pty, pty->line, pty->nline, eof ? PTY_EOF : PTY_LINE_END);
	pty->nline = 0;
}

/* Editing.  False: c is an ordinary character. */
static bool
edit(struct out *o, uint8_t c)
{
	struct pty *pty = o->pty;

	if (is_cc(pty, CC_ERASE, c)) {
		if (pty->nline > 0)
			erase_one(o);
	} else if (is_cc(pty, CC_KILL, c))
		kill_line(o);
	else if (lflag(pty, TT_IEXTEN) && is_cc(pty, CC_WERASE, c))
		erase_word(o);
	else if (lflag(pty, TT_IEXTEN | TT_ECHO) && is_cc(pty, CC_REPRINT, c)) {
		echo(o, c);
		out_post(o, '\n');
		pty->line_column = pty->column;
		for (unsigned i = 0; i < pty->nline; i++)
			echo(o, pty->line[i]);
	} else if (is_cc(pty, CC_EOF, c))
		line_end(o, 0, true);
	else if (c == '\n' || is_cc(pty, CC_EOL, c) ||
		 (lflag(pty, TT_IEXTEN) && is_cc(pty, CC_EOL2, c)))
		line_end(o, c, false);
	else
		return (false);
	return (true);
}

/* A signal that c stands for, or 0. */
static int
signal_of(const struct pty *pty, uint8_t c)
{
	if (!lflag(pty, TT_ISIG))
		return (0);
	if (is_cc(pty, CC_INTR, c))
		return (SIG_INT);
	if (is_cc(pty, CC_QUIT, c))
		return (SIG_QUIT);
	return (is_cc(pty, CC_SUSP, c) ? SIG_TSTP : 0);
}

/* What c becomes; false: nothing. */
static bool
translate(const struct pty *pty, uint8_t *c)
{
	uint32_t fl = pty->tio.iflag;

	if ((fl & TT_ISTRIP) != 0)
		*c &= 0x7f;
	if (*c == '\r') {
		if ((fl & TT_IGNCR) != 0)
			return (false);
		if ((fl & TT_ICRNL) != 0)
			*c = '\n';
	} else if (*c == '\n' && (fl & TT_INLCR) != 0)
		*c = '\r';
	return (true);
}

static void
input_one(struct out *o, uint8_t c, uint8_t *raw, size_t *nraw, uint64_t *sigs)
{
	struct pty *pty = o->pty;
	int sig;

	if (pty->quote) {
		pty->quote = false;
		line_add(o, c);
		return;
	}
	if (!translate(pty, &c))
		return;
	if ((pty->tio.iflag & TT_IXON) != 0 &&
	    (is_cc(pty, CC_START, c) || is_cc(pty, CC_STOP, c)))
		return;
	sig = signal_of(pty, c);
	if (sig != 0) {
		if (!lflag(pty, TT_NOFLSH)) {
			*nraw = o->n = 0;
			pty_flush(pty, 3);
		}
		echo(o, c);
		*sigs |= UINT64_C(1) << sig;
		return;
	}
	if (!lflag(pty, TT_ICANON)) {
		raw[(*nraw)++] = c;
		echo(o, c);
	} else if (lflag(pty, TT_IEXTEN) && is_cc(pty, CC_LNEXT, c)) {
		pty->quote = true;
		if (lflag(pty, TT_ECHO | TT_ECHOCTL)) {
			out_raw(o, '^');
			out_raw(o, '\b');
		}
	} else if (!edit(o, c))
		line_add(o, c);
}

void
pty_input(struct pty *pty, const uint8_t *b, size_t n, uint64_t *signals)
{
	struct out o = {.pty = pty};
	uint8_t raw[PTY_STEP];
	size_t nraw = 0;

	for (size_t i = 0; i < n && i < PTY_STEP; i++)
		input_one(&o, b[i], raw, &nraw, signals);
	if (nraw > 0)
		send_input(pty, raw, nraw, PTY_RAW);
	out_flush(&o);
}
