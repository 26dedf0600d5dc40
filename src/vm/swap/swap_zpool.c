/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Compressed pages in memory of the host.
 *
 * Purpose: to keep the compressed form of pages dense, and to give unused
 * memory back to the host.
 *
 * Concepts.  Sizes are rounded up to one of 16 classes, multiples of 256
 * bytes.  Memory comes in slabs of 64 KiB out of one sparse arena; a slab
 * serves one class as long as it has an item in use.  An empty slab can serve
 * any class; a few are kept as they are, the memory of the others goes back
 * to the host at once.  When no slab is left, an item of a larger class is
 * used.
 *
 * A page that does not shrink to 3/4 is refused, unless the caller has no
 * other place for it (raw): then it is kept as it is, in class 4096.  A page
 * of one repeated byte compresses to a few bytes and takes 256; pages of
 * zeroes do not come here at all.
 *
 * Data structures: place[block] says where the form of a block is and how long
 * it is; slabs are linked by number, one list for each class with those that
 * have room, and one of the empty ones.
 *
 * Locking and lifetime: the lock guards slabs and counts, and is never held
 * while bytes move.  place[block] and the bytes belong to the owner of the
 * block, which stores, loads and drops, one call at a time.  Contexts of zstd
 * are kept on a list and taken for the time of a call.
 *
 * Guarantees: nothing is allocated from guest memory; dropping never fails.
 * Lengths are checked when decompressing: damaged bytes are an error, never
 * written past the page.
 *
 * Limits: 1/8 of a page is lost to rounding on average.  With one item left a
 * slab is held: after many pages that shrank well, a few here and there can
 * keep larger ones from being stored although blocks are free.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "libk/kassert.h"
#include "vm/swap/swap_int.h"

#ifdef HAVE_LZ4
#include <lz4.h>
#endif
#ifdef HAVE_ZSTD
#include <zstd.h>
#endif

#define CLASS_STEP ((size_t)256)
#define NCLASSES 16u
#define SLAB_SIZE ((size_t)64 << 10)
#define SLAB_ITEMS (SLAB_SIZE / CLASS_STEP)
#define ZLEN_MAX (SWAP_PAGE * 3 / 4)
#define NONE UINT32_MAX
#define EMPTY_KEEP 32 /* empty slabs whose memory is kept */
#define ZSTD_FAST 1

/* Where a block's form is.  len 0: nowhere; SWAP_PAGE: not compressed. */
struct zplace {
	uint32_t slab;
	uint16_t item;
	uint16_t len;
};

/* Key: [z] lock */
struct zslab {
	uint64_t map[SLAB_ITEMS / 64]; /* [z] items in use */
	uint32_t next, prev;           /* [z] in a list, NONE at its ends */
	uint16_t used;                 /* [z] */
	uint8_t class;                 /* [z] (class + 1) * CLASS_STEP bytes */
	bool backed;                   /* [z] empty, but has memory */
};

struct zctx {
	struct zctx *next;
	void *comp, *decomp;
};

/* Key: [I] immutable, [z] lock, [b] owner of the block, [a] atomic */
struct swap_zpool {
	struct host host;         /* [I] */
	enum swap_kind kind;      /* [I] */
	uint64_t npages;          /* [I] */
	uint32_t nslabs;          /* [I] */
	int fd;                   /* [I] of the arena */
	char *base;               /* [I] */
	struct zplace *place;     /* [b] */
	struct zslab *slab;       /* [z] */
	struct kmutex lock;       /* rank SWAP, DUPOK: no other is taken */
	uint32_t room[NCLASSES];  /* [z] lists: slabs with a free item */
	uint32_t empty;           /* [z] list */
	uint32_t fresh;           /* [z] slabs from here on were never used */
	uint32_t nbacked;         /* [z] empty slabs that have memory */
	struct zctx *ctxs;        /* [z] */
	_Atomic(uint64_t) stored; /* [a] bytes of items in use */
};

static size_t
up(size_t n)
{
	return ((n + SWAP_PAGE - 1) & ~(SWAP_PAGE - 1));
}

static bool
kind_built(enum swap_kind kind)
{
#ifdef HAVE_LZ4
	if (kind == SWAP_LZ4)
		return (true);
#endif
#ifdef HAVE_ZSTD
	if (kind == SWAP_ZSTD)
		return (true);
#endif
	return (false);
}

int
swap_zpool_create(struct host host, enum swap_kind kind, uint64_t npages,
    struct swap_zpool **out)
{
	struct swap_zpool *z;
	void *p, *base;
	int error;

	if (!kind_built(kind))
		return (EOPNOTSUPP);
	z = calloc(1, sizeof(*z));
	if (z == NULL)
		return (ENOMEM);
	z->host = host;
	z->kind = kind;
	z->npages = npages;
	/* All pages raw, and one slab of each class nearly empty. */
	z->nslabs = (uint32_t)(npages * SWAP_PAGE / SLAB_SIZE + 1 + NCLASSES);
	error = host.ops->mem_alloc(
	    host.self, up(npages * sizeof(struct zplace)), &p);
	if (error != 0)
		goto free_pool;
	z->place = p;
	error = host.ops->mem_alloc(
	    host.self, up(z->nslabs * sizeof(struct zslab)), &p);
	if (error != 0)
		goto free_place;
	z->slab = p;
	error = host.ops->arena_create(host.self, z->nslabs * SLAB_SIZE,
	    z->nslabs * SLAB_SIZE, &z->fd, &base);
	if (error != 0)
		goto free_slab;
	z->base = base;
	for (unsigned c = 0; c < NCLASSES; c++)
		z->room[c] = NONE;
	z->empty = NONE;
	kmutex_init(&z->lock, "swap_zpool", KRANK_SWAP, KLOCK_DUPOK);
	*out = z;
	return (0);

free_slab:
	host.ops->mem_free(
	    host.self, z->slab, up(z->nslabs * sizeof(struct zslab)));
free_place:
	host.ops->mem_free(
	    host.self, z->place, up(npages * sizeof(struct zplace)));
free_pool:
	free(z);
	return (error);
}

static void
ctx_free(struct zctx *c)
{
#ifdef HAVE_ZSTD
	ZSTD_freeCCtx(c->comp);
	ZSTD_freeDCtx(c->decomp);
#endif
	free(c);
}

void
swap_zpool_destroy(struct swap_zpool *z)
{
	struct host host = z->host;
	struct zctx *c;

	KVERIFY(atomic_load(&z->stored) == 0);
	while ((c = z->ctxs) != NULL) {
		z->ctxs = c->next;
		ctx_free(c);
	}
	kmutex_destroy(&z->lock);
	host.ops->arena_destroy(
	    host.self, z->fd, z->base, z->nslabs * SLAB_SIZE);
	host.ops->mem_free(
	    host.self, z->slab, up(z->nslabs * sizeof(struct zslab)));
	host.ops->mem_free(
	    host.self, z->place, up(z->npages * sizeof(struct zplace)));
	free(z);
}

uint64_t
swap_zpool_stored(const struct swap_zpool *z)
{
	return (atomic_load_explicit(&z->stored, memory_order_relaxed));
}

/* ---- slabs: lock held ---- */

static size_t
class_size(unsigned class)
{
	return ((class + 1) * CLASS_STEP);
}

static unsigned
class_items(unsigned class)
{
	return ((unsigned)(SLAB_SIZE / class_size(class)));
}

static void
list_push(struct swap_zpool *z, uint32_t *head, uint32_t s)
{
	z->slab[s].prev = NONE;
	z->slab[s].next = *head;
	if (*head != NONE)
		z->slab[*head].prev = s;
	*head = s;
}

static void
list_remove(struct swap_zpool *z, uint32_t *head, uint32_t s)
{
	struct zslab *sl = &z->slab[s];

	if (sl->prev != NONE)
		z->slab[sl->prev].next = sl->next;
	else
		*head = sl->next;
	if (sl->next != NONE)
		z->slab[sl->next].prev = sl->prev;
}

/* A slab with room for an item of the class, or NONE. */
static uint32_t
slab_get(struct swap_zpool *z, unsigned class)
{
	uint32_t s = z->room[class];

	if (s != NONE)
		return (s);
	s = z->empty;
	if (s != NONE) {
		list_remove(z, &z->empty, s);
		z->nbacked -= z->slab[s].backed;
		z->slab[s].backed = false;
	} else if (z->fresh < z->nslabs)
		s = z->fresh++;
	else {
		while (s == NONE && ++class < NCLASSES)
			s = z->room[class];
		return (s);
	}
	z->slab[s].class = (uint8_t) class;
	list_push(z, &z->room[class], s);
	return (s);
}

static bool
item_alloc(struct swap_zpool *z, size_t len, struct zplace *where)
{
	unsigned class = (unsigned)((len - 1) / CLASS_STEP);
	struct zslab *sl;
	unsigned i = 0;
	uint32_t s;

	kmutex_lock(&z->lock);
	s = slab_get(z, class);
	if (s == NONE) {
		kmutex_unlock(&z->lock);
		return (false);
	}
	sl = &z->slab[s];
	class = sl->class;
	while (sl->map[i / 64] == UINT64_MAX)
		i += 64;
	i += (unsigned)__builtin_ctzll(~sl->map[i / 64]);
	KVERIFY(i < class_items(class));
	sl->map[i / 64] |= UINT64_C(1) << (i % 64);
	if (++sl->used == class_items(class))
		list_remove(z, &z->room[class], s);
	kmutex_unlock(&z->lock);
	atomic_fetch_add_explicit(
	    &z->stored, class_size(class), memory_order_relaxed);
	where->slab = s;
	where->item = (uint16_t)i;
	where->len = (uint16_t)len;
	return (true);
}

/* The slab has become empty.  Lock held. */
static void
slab_put(struct swap_zpool *z, uint32_t s)
{
	struct zslab *sl = &z->slab[s];

	list_remove(z, &z->room[sl->class], s);
	if (z->nbacked < EMPTY_KEEP) {
		sl->backed = true;
		z->nbacked++;
	} else
		z->host.ops->arena_discard(
		    z->host.self, z->fd, z->base, s * SLAB_SIZE, SLAB_SIZE);
	list_push(z, &z->empty, s);
}

static void
item_free(struct swap_zpool *z, const struct zplace *where)
{
	struct zslab *sl = &z->slab[where->slab];
	uint64_t bit = UINT64_C(1) << (where->item % 64);
	unsigned class;

	kmutex_lock(&z->lock);
	class = sl->class;
	KVERIFY((sl->map[where->item / 64] & bit) != 0);
	sl->map[where->item / 64] &= ~bit;
	if (sl->used-- == class_items(class))
		list_push(z, &z->room[class], where->slab);
	if (sl->used == 0)
		slab_put(z, where->slab);
	kmutex_unlock(&z->lock);
	atomic_fetch_sub_explicit(
	    &z->stored, class_size(class), memory_order_relaxed);
}

static char *
item_ptr(const struct swap_zpool *z, const struct zplace *where)
{
	return (z->base + where->slab * SLAB_SIZE +
		where->item * class_size(z->slab[where->slab].class));
}

/* ---- codecs ---- */

#ifdef HAVE_ZSTD
/* NULL: no memory of the host. */
static struct zctx *
ctx_take(struct swap_zpool *z)
{
	struct zctx *c;

	kmutex_lock(&z->lock);
	c = z->ctxs;
	if (c != NULL)
		z->ctxs = c->next;
	kmutex_unlock(&z->lock);
	if (c != NULL)
		return (c);
	c = calloc(1, sizeof(*c));
	if (c == NULL)
		return (NULL);
	c->comp = ZSTD_createCCtx();
	c->decomp = ZSTD_createDCtx();
	if (c->comp == NULL || c->decomp == NULL) {
		ctx_free(c);
		return (NULL);
	}
	return (c);
}

static void
ctx_give(struct swap_zpool *z, struct zctx *c)
{
	kmutex_lock(&z->lock);
	c->next = z->ctxs;
	z->ctxs = c;
	kmutex_unlock(&z->lock);
}

static size_t
zstd_pack(struct swap_zpool *z, const void *page, void *buf, size_t cap)
{
	struct zctx *c = ctx_take(z);
	size_t n;

	if (c == NULL)
		return (0);
	n = ZSTD_compressCCtx(c->comp, buf, cap, page, SWAP_PAGE, ZSTD_FAST);
	ctx_give(z, c);
	return (ZSTD_isError(n) ? 0 : n);
}

static bool
zstd_unpack(struct swap_zpool *z, const void *buf, size_t len, void *page)
{
	struct zctx *c = ctx_take(z);
	size_t n;

	if (c == NULL)
		return (
		    ZSTD_decompress(page, SWAP_PAGE, buf, len) == SWAP_PAGE);
	n = ZSTD_decompressDCtx(c->decomp, page, SWAP_PAGE, buf, len);
	ctx_give(z, c);
	return (n == SWAP_PAGE);
}
#endif

/* Bytes of the compressed form, 0 if it would be longer than cap. */
static size_t
pack(struct swap_zpool *z, const void *page, void *buf, size_t cap)
{
#ifdef HAVE_LZ4
	if (z->kind == SWAP_LZ4)
		return ((size_t)LZ4_compress_default(
		    page, buf, (int)SWAP_PAGE, (int)cap));
#endif
#ifdef HAVE_ZSTD
	if (z->kind == SWAP_ZSTD)
		return (zstd_pack(z, page, buf, cap));
#endif
	return (0);
}

static bool
unpack(struct swap_zpool *z, const void *buf, size_t len, void *page)
{
#ifdef HAVE_LZ4
	if (z->kind == SWAP_LZ4)
		return (LZ4_decompress_safe(buf, page, (int)len,
			    (int)SWAP_PAGE) == (int)SWAP_PAGE);
#endif
#ifdef HAVE_ZSTD
	if (z->kind == SWAP_ZSTD)
		return (zstd_unpack(z, buf, len, page));
#endif
	return (false);
}

/* ---- blocks ---- */

int
swap_zpool_store(
    struct swap_zpool *z, uint64_t block, const void *page, bool raw)
{
	struct zplace *where = &z->place[block];
	char buf[ZLEN_MAX];
	const void *form = buf;
	size_t len = raw ? 0 : pack(z, page, buf, sizeof(buf));

	KVERIFY(block < z->npages && where->len == 0);
	if (len == 0) {
		if (!raw)
			return (E2BIG);
		form = page;
		len = SWAP_PAGE;
	}
	if (!item_alloc(z, len, where))
		return (ENOMEM);
	memcpy(item_ptr(z, where), form, len);
	return (0);
}

int
swap_zpool_load(struct swap_zpool *z, uint64_t block, void *page)
{
	const struct zplace *where = &z->place[block];
	const char *form = item_ptr(z, where);

	KVERIFY(block < z->npages && where->len != 0);
	if (where->len == SWAP_PAGE)
		memcpy(page, form, SWAP_PAGE);
	else if (!unpack(z, form, where->len, page))
		return (EBADMSG);
	return (0);
}

void
swap_zpool_drop(struct swap_zpool *z, uint64_t block)
{
	struct zplace *where = &z->place[block];

	KVERIFY(block < z->npages);
	if (where->len == 0)
		return;
	item_free(z, where);
	where->len = 0;
}

void
swap_zpool_damage(struct swap_zpool *z, uint64_t block)
{
	const struct zplace *where = &z->place[block];

	if (where->len != 0)
		item_ptr(z, where)[where->len / 2] ^= 0x10;
}
