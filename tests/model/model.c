/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * The naive model: every rule in its simplest form, page by page, so that a
 * reader can check it.
 */
#include "model.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libk/kassert.h"

long m_live;
static unsigned next_sobj;
static const uint8_t zeroes[4096];

static struct cell *
cell_new(const uint8_t *from)
{
	struct cell *c = malloc(sizeof(*c));

	KVERIFY(c != NULL);
	c->ref = 1;
	memcpy(c->b, from, sizeof(c->b));
	m_live++;
	return (c);
}

void
cell_put(struct cell *c)
{
	if (c != NULL && --c->ref == 0) {
		free(c);
		m_live--;
	}
}

struct sobj *
sobj_new(bool file, uint64_t size)
{
	struct sobj *so = calloc(1, sizeof(*so));

	KVERIFY(so != NULL);
	so->ref = 1;
	so->id = ++next_sobj;
	so->file = file;
	so->size = size;
	m_live++;
	return (so);
}

void
sobj_put(struct sobj *so)
{
	if (so == NULL || --so->ref != 0)
		return;
	for (unsigned i = 0; i < SOBJ_PAGES; i++)
		cell_put(so->pg[i]);
	free(so);
	m_live--;
}

uint8_t *
sobj_page(struct sobj *so, unsigned idx)
{
	KVERIFY(idx < SOBJ_PAGES);
	if (so->pg[idx] == NULL)
		so->pg[idx] = cell_new(zeroes);
	return (so->pg[idx]->b);
}

void
sobj_truncate(struct sobj *so, uint64_t size)
{
	unsigned first = (unsigned)OFF_TO_IDX(round_page(size));
	unsigned tail = (unsigned)(size & PAGE_MASK);

	so->size = size;
	for (unsigned i = first; i < SOBJ_PAGES; i++) {
		cell_put(so->pg[i]);
		so->pg[i] = NULL;
	}
	if (tail != 0)
		memset(sobj_page(so, first - 1) + tail, 0, PAGE_SIZE - tail);
}

void
m_clear(struct mpage *p)
{
	cell_put(p->priv);
	sobj_put(p->so);
	memset(p, 0, sizeof(*p));
}

void
m_clear_range(struct mspace *ms, unsigned pg, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		m_clear(&ms->pg[pg + i]);
}

void
m_dup(struct mpage *to, const struct mpage *from)
{
	KVERIFY(!to->mapped);
	*to = *from;
	if (to->so != NULL)
		to->so->ref++;
	if (to->priv != NULL)
		to->priv->ref++;
}

void
m_fresh(struct mpage *p)
{
	cell_put(p->priv);
	p->priv = NULL;
}

const uint8_t *
m_read(const struct mpage *p)
{
	if (p->priv != NULL)
		return (p->priv->b);
	if (p->so != NULL && p->so->pg[p->idx] != NULL)
		return (p->so->pg[p->idx]->b);
	return (zeroes);
}

uint8_t *
m_write(struct mpage *p)
{
	struct cell *c;

	if (p->kind == MK_ANON_S || p->kind == MK_FILE_S)
		return (sobj_page(p->so, p->idx));
	if (p->priv == NULL || p->priv->ref > 1) {
		c = cell_new(m_read(p));
		cell_put(p->priv);
		p->priv = c;
	}
	return (p->priv->b);
}

int
m_access(const struct mpage *p, vm_prot_t access)
{
	if (!p->mapped)
		return (EFAULT);
	if ((access & ~p->prot) != 0)
		return (EACCES);
	if (p->priv == NULL && p->so != NULL && p->so->file &&
	    IDX_TO_OFF(p->idx) >= p->so->size)
		return (EIO);
	return (0);
}

uint64_t
m_prefix(struct mspace *ms, vm_offset_t va, uint64_t len, vm_prot_t access)
{
	vm_offset_t at = va, end = va + len;

	while (at < end && at >= M_BASE && at < M_END &&
	       m_access(&ms->pg[OFF_TO_IDX(at - M_BASE)], access) == 0)
		at = trunc_page(at) + PAGE_SIZE;
	return (at > end ? len : at <= va ? 0 : at - va);
}

bool
m_free_run(const struct mspace *ms, unsigned pg, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (pg + i >= M_PAGES || ms->pg[pg + i].mapped)
			return (false);
	return (true);
}

bool
m_mapped_run(const struct mspace *ms, unsigned pg, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (pg + i >= M_PAGES || !ms->pg[pg + i].mapped)
			return (false);
	return (true);
}

int
m_place(const struct mspace *ms, unsigned n)
{
	for (int pg = M_PAGES - (int)n; pg >= 0; pg--)
		if (m_free_run(ms, (unsigned)pg, n))
			return (pg);
	return (-1);
}

bool
m_uniform(const struct mspace *ms, unsigned pg, unsigned n)
{
	const struct mpage *a = &ms->pg[pg];

	if (!m_mapped_run(ms, pg, n))
		return (false);
	for (unsigned i = 1; i < n; i++) {
		const struct mpage *b = a + i;

		if (b->kind != a->kind || b->prot != a->prot ||
		    b->maxp != a->maxp || b->inherit != a->inherit ||
		    b->heap != a->heap || b->so != a->so ||
		    b->noreserve != a->noreserve || b->advice != a->advice ||
		    b->locked != a->locked)
			return (false);
		if (a->so != NULL && b->idx != a->idx + i)
			return (false);
	}
	return (true);
}

void
m_fork(const struct mspace *from, struct mspace *to)
{
	to->brk_start = from->brk_start;
	to->brk = from->brk;
	for (unsigned i = 0; i < M_PAGES; i++) {
		const struct mpage *p = &from->pg[i];

		if (!p->mapped || p->inherit == VM_INHERIT_NONE)
			continue;
		m_dup(&to->pg[i], p);
		to->pg[i].locked = false;
		if (p->inherit == VM_INHERIT_ZERO)
			m_fresh(&to->pg[i]);
	}
}
