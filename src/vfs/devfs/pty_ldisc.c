/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The line discipline of guests' terminals: what happens between the keys and
 * the program, and between the program and the screen.
 *
 * Concepts.  Two queues hold the bytes: `in`, what slaves read, and `out`, what
 * the master reads.  Input is edited here, and put into `in` when a program may
 * read it: a line at a time in canonical mode, at once otherwise.  A bit for
 * each byte says where lines end, for a read returns one line at most.  The end
 * of the file is a byte with that bit which no read returns, so that a reader
 * wakes up for it.  Output, and the echo of input, go to `out`.
 *
 * Room.  A writer checks for room first, and waits (pty.c) if there is none.
 * A byte typed takes no more than one byte of the line or of `in`, and the line
 * is counted to `in`.  Input does not wait for room for its echo: one thread
 * may type first and read the echo afterwards.
 * PTY_ECHO bytes are reserved for echo, and echo beyond that is dropped, as
 * Linux does.
 *
 * Locking: pty->lock for everything.  The callers call pty_bells().
 *
 * Limits.  Output is never stopped: the characters for that are dropped.  No
 * parity marks, no delays except tabs, no upper-case terminals, no packets that
 * report changes of the state.
 */
#include "vfs/devfs/pty.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "abi/signal.h"
#include "abi/termios.h"
#include "libk/kassert.h"

/* Bytes on their way to m. */
struct out {
	struct pty *pty;
	size_t n;
	uint8_t b[8 * PTY_STEP];
};

void
pty_ldisc_init(struct pty *pty)
{
	static const uint8_t cc[19] = {[LX_VINTR] = 3,
	    [LX_VQUIT] = 28,
	    [LX_VERASE] = 127,
	    [LX_VKILL] = 21,
	    [LX_VEOF] = 4,
	    [LX_VMIN] = 1,
	    [LX_VSTART] = 17,
	    [LX_VSTOP] = 19,
	    [LX_VSUSP] = 26,
	    [LX_VREPRINT] = 18,
	    [LX_VDISCARD] = 15,
	    [LX_VWERASE] = 23,
	    [LX_VLNEXT] = 22};

	pty->tio = (struct lx_termios2){
	    .iflag = LX_ICRNL | LX_IXON,
	    .oflag = LX_OPOST | LX_ONLCR,
	    .cflag = LX_B38400 | LX_CS8 | LX_CREAD,
	    .lflag = LX_ISIG | LX_ICANON | LX_ECHO | LX_ECHOE | LX_ECHOK |
		     LX_ECHOCTL | LX_ECHOKE | LX_IEXTEN,
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
	(void)pty_queue_put(&o->pty->out, o->b, o->n);
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

	if ((fl & LX_OPOST) == 0) {
		out_raw(o, c);
		return;
	}
	if (c == '\n' && (fl & LX_ONLCR) != 0)
		out_raw(o, '\r');
	else if (c == '\n' && (fl & LX_ONLRET) == 0) {
		out_raw(o, c); /* the column stays */
		return;
	}
	if (c == '\r' && (fl & LX_ONOCR) != 0 && pty->column == 0)
		return;
	if (c == '\r' && (fl & LX_OCRNL) != 0)
		c = '\n';
	if ((fl & LX_OLCUC) != 0)
		c = (uint8_t)toupper(c);
	to = next_column(pty->column, c);
	if (c == '\t' && (fl & LX_XTABS) == LX_XTABS)
		for (unsigned i = pty->column; i < to; i++)
			out_raw(o, ' ');
	else
		out_raw(o, c);
	pty->column = to;
}

size_t
pty_output_room(const struct pty *pty)
{
	size_t room = PTY_QUEUE - pty->out.n;

	room = room > PTY_ECHO ? (room - PTY_ECHO) / PTY_EXPAND : 0;
	return (room < PTY_STEP ? room : PTY_STEP);
}

void
pty_output(struct pty *pty, const uint8_t *b, size_t n)
{
	struct out o = {.pty = pty};

	KASSERT(n <= pty_output_room(pty));
	for (size_t i = 0; i < n; i++)
		out_post(&o, b[i]);
	out_flush(&o);
}

static void
echo(struct out *o, uint8_t c)
{
	struct pty *pty = o->pty;

	if (!lflag(pty, LX_ECHO) &&
	    !(c == '\n' && lflag(pty, LX_ECHONL | LX_ICANON)))
		return;
	if (lflag(pty, LX_ECHOCTL) && (c < 32 || c == 127) && c != '\t' &&
	    c != '\n') {
		out_post(o, '^');
		out_post(o, c ^ 0x40);
	} else
		out_post(o, c);
}

/* ---- input: what a program may read ---- */

enum piece { RAW, LINE_END, END_OF_FILE };

static void
send_input(struct pty *pty, const uint8_t *b, size_t n, enum piece kind)
{
	const uint8_t mark = 0;
	size_t done;
	uint32_t last;

	done = pty_queue_put(&pty->in, b, n);
	if (kind == END_OF_FILE)
		done += pty_queue_put(&pty->in, &mark, 1);
	KASSERT(done == n + (kind == END_OF_FILE));
	if (kind == RAW || done == 0)
		return;
	last = (pty->in.first + pty->in.n - 1) % PTY_QUEUE;
	pty->ends[last / 8] |= (uint8_t)(1u << last % 8);
	pty->nends++;
}

static bool
ends_at(const struct pty *pty, uint32_t at)
{
	return ((pty->ends[at / 8] >> at % 8 & 1) != 0);
}

size_t
pty_input_room(const struct pty *pty)
{
	size_t room = PTY_QUEUE - pty->in.n - pty->nline;

	return (room < PTY_STEP ? room : PTY_STEP);
}

size_t
pty_readable(const struct pty *pty)
{
	size_t n = pty->in.n;
	uint32_t at;

	for (uint32_t i = 0; i < pty->in.n; i++) {
		at = (pty->in.first + i) % PTY_QUEUE;
		n -= ends_at(pty, at) && pty->in.b[at] == 0;
	}
	return (n);
}

int
pty_take(struct pty *pty, uint8_t *b, size_t size, size_t *got)
{
	const bool canon = lflag(pty, LX_ICANON);
	struct pty_queue *q = &pty->in;
	bool end = false, mark;
	size_t total = 0;
	uint32_t at;

	if (pty->nends == 0)
		total = pty_queue_get(q, b, size);
	while (q->n > 0 && !(canon && end)) {
		at = q->first;
		end = ends_at(pty, at);
		mark = end && q->b[at] == 0;
		/* A mark belongs to what is before it. */
		if (total == size && !mark)
			break;
		pty->ends[at / 8] &= (uint8_t) ~(1u << at % 8);
		pty->nends -= end;
		if (!mark)
			b[total++] = q->b[at];
		q->first = (at + 1) % PTY_QUEUE;
		q->n--;
	}
	*got = total;
	return (total > 0 || (canon && end) ? 0 : EAGAIN);
}

void
pty_flush(struct pty *pty, unsigned which)
{
	if ((which & 1) != 0) {
		pty_queue_clear(&pty->in);
		memset(pty->ends, 0, sizeof(pty->ends));
		pty->nends = 0;
		pty->nline = 0;
		pty->quote = false;
	}
	if ((which & 2) != 0)
		pty_queue_clear(&pty->out);
}

void
pty_set_termios(struct pty *pty, const struct lx_termios2 *t)
{
	bool was = lflag(pty, LX_ICANON);

	pty->tio = *t;
	pty->quote = false;
	/* What has been typed of a line can be read now. */
	if (was && !lflag(pty, LX_ICANON) && pty->nline > 0) {
		send_input(pty, pty->line, pty->nline, RAW);
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
			col += lflag(pty, LX_ECHOCTL) ? 2 : 0;
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
	} while (pty->nline > 0 && (pty->tio.iflag & LX_IUTF8) != 0 &&
		 (c & 0xc0) == 0x80);
	if (!lflag(pty, LX_ECHO))
		return;
	if (!lflag(pty, LX_ECHOE)) {
		echo(o, pty->tio.cc[LX_VERASE]);
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

	if (lflag(pty, LX_ECHO | LX_ECHOE | LX_ECHOK | LX_ECHOKE)) {
		while (pty->nline > 0)
			erase_one(o);
		return;
	}
	pty->nline = 0;
	echo(o, pty->tio.cc[LX_VKILL]);
	if (lflag(pty, LX_ECHOK))
		out_post(o, '\n');
}

static void
line_add(struct out *o, uint8_t c)
{
	struct pty *pty = o->pty;

	/* Room for the end of the line. */
	if (pty->nline >= PTY_LINE - 1) {
		if ((pty->tio.iflag & LX_IMAXBEL) != 0)
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
	send_input(pty, pty->line, pty->nline, eof ? END_OF_FILE : LINE_END);
	pty->nline = 0;
}

/* Editing.  False: c is an ordinary character. */
static bool
edit(struct out *o, uint8_t c)
{
	struct pty *pty = o->pty;

	if (is_cc(pty, LX_VERASE, c)) {
		if (pty->nline > 0)
			erase_one(o);
	} else if (is_cc(pty, LX_VKILL, c))
		kill_line(o);
	else if (lflag(pty, LX_IEXTEN) && is_cc(pty, LX_VWERASE, c))
		erase_word(o);
	else if (lflag(pty, LX_IEXTEN | LX_ECHO) &&
		 is_cc(pty, LX_VREPRINT, c)) {
		echo(o, c);
		out_post(o, '\n');
		pty->line_column = pty->column;
		for (unsigned i = 0; i < pty->nline; i++)
			echo(o, pty->line[i]);
	} else if (is_cc(pty, LX_VEOF, c))
		line_end(o, 0, true);
	else if (c == '\n' || is_cc(pty, LX_VEOL, c) ||
		 (lflag(pty, LX_IEXTEN) && is_cc(pty, LX_VEOL2, c)))
		line_end(o, c, false);
	else
		return (false);
	return (true);
}

/* A signal that c stands for, or 0. */
static int
signal_of(const struct pty *pty, uint8_t c)
{
	if (!lflag(pty, LX_ISIG))
		return (0);
	if (is_cc(pty, LX_VINTR, c))
		return (LX_SIGINT);
	if (is_cc(pty, LX_VQUIT, c))
		return (LX_SIGQUIT);
	return (is_cc(pty, LX_VSUSP, c) ? LX_SIGTSTP : 0);
}

/* What c becomes; false: nothing. */
static bool
translate(const struct pty *pty, uint8_t *c)
{
	uint32_t fl = pty->tio.iflag;

	if ((fl & LX_ISTRIP) != 0)
		*c &= 0x7f;
	if (*c == '\r') {
		if ((fl & LX_IGNCR) != 0)
			return (false);
		if ((fl & LX_ICRNL) != 0)
			*c = '\n';
	} else if (*c == '\n' && (fl & LX_INLCR) != 0)
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
	if ((pty->tio.iflag & LX_IXON) != 0 &&
	    (is_cc(pty, LX_VSTART, c) || is_cc(pty, LX_VSTOP, c)))
		return;
	sig = signal_of(pty, c);
	if (sig != 0) {
		if (!lflag(pty, LX_NOFLSH)) {
			*nraw = o->n = 0;
			pty_flush(pty, 3);
		}
		echo(o, c);
		*sigs |= UINT64_C(1) << sig;
		return;
	}
	if (!lflag(pty, LX_ICANON)) {
		raw[(*nraw)++] = c;
		echo(o, c);
	} else if (lflag(pty, LX_IEXTEN) && is_cc(pty, LX_VLNEXT, c)) {
		pty->quote = true;
		if (lflag(pty, LX_ECHO | LX_ECHOCTL)) {
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

	KASSERT(n <= pty_input_room(pty));
	for (size_t i = 0; i < n; i++)
		input_one(&o, b[i], raw, &nraw, signals);
	if (nraw > 0)
		send_input(pty, raw, nraw, RAW);
	out_flush(&o);
}
