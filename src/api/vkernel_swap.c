/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Swap for the embedder: add and remove areas while the kernel runs.
 *
 * Purpose: to check arguments and pass them to vm, which implements areas
 * (swap_pager.h) and whose errors are returned unchanged.  A descriptor is
 * duplicated, so that the embedder keeps its own whether the call fails or not.
 *
 * The figures are the sums over the areas in use: the counts of an area that
 * was removed are gone.
 *
 * Locking: none of its own; the calls may come from any thread.
 */
#include <errno.h>
#include <string.h>

#include "abi/stat.h"
#include "host/host_file.h"
#include "api/vkernel_int.h"
#include "vm/pager/swap_pager.h"
#include "vm/pageout/vm_pageout.h"
#include "vm/pager/vm_swapcache.h"

#define SWAP_MAX ((uint64_t)1 << 40)

_Static_assert(VKERNEL_NSWAP_MAX == SWAP_AREAS, "areas");

int
vkernel_swap_check(const struct vkernel_swap *s)
{
	if ((unsigned)s->kind > VKERNEL_SWAP_ZSTD || s->size < PAGE_SIZE ||
	    s->size > SWAP_MAX || (s->kind == VKERNEL_SWAP_FILE && s->fd < 0))
		return (EINVAL);
	return (0);
}

static const char *
swap_name(const struct vkernel_swap *s)
{
	static const char *const kinds[] = {
	    [VKERNEL_SWAP_FILE] = "file",
	    [VKERNEL_SWAP_LZ4] = "lz4",
	    [VKERNEL_SWAP_ZSTD] = "zstd",
	};

	return (s->name != NULL ? s->name : kinds[s->kind]);
}

/* A descriptor of a kind that keeps what is written.  EINVAL. */
static int
swap_file_check(int fd)
{
	struct host_stat st;
	int error = host_fstat(fd, &st);
	const uint32_t type = error == 0 ? st.mode & LX_S_IFMT : 0;

	if (error != 0)
		return (error);
	return (type == LX_S_IFREG || type == LX_S_IFBLK ? 0 : EINVAL);
}

int
vkernel_swapon(struct vkernel *k, const struct vkernel_swap *s, unsigned *area)
{
	static const enum swap_kind kinds[] = {
	    [VKERNEL_SWAP_FILE] = SWAP_FILE,
	    [VKERNEL_SWAP_LZ4] = SWAP_LZ4,
	    [VKERNEL_SWAP_ZSTD] = SWAP_ZSTD,
	};
	struct swap_area_config cf = {.fd = -1};
	int error;

	if (k == NULL || s == NULL || area == NULL)
		return (EINVAL);
	error = vkernel_swap_check(s);
	if (error == 0 && s->kind == VKERNEL_SWAP_FILE)
		error = swap_file_check(s->fd);
	if (error == 0 && s->kind == VKERNEL_SWAP_FILE)
		error = host_dup(s->fd, &cf.fd);
	if (error != 0)
		return (error);
	cf.kind = kinds[s->kind];
	cf.size = s->size;
	cf.priority = s->priority;
	cf.name = swap_name(s);
	cf.inject = (struct swap_inject){
	    .write_eio = s->inject.write_eio,
	    .write_enospc = s->inject.write_enospc,
	    .write_torn = s->inject.write_torn,
	    .read_eio = s->inject.read_eio,
	    .damage = s->inject.damage,
	    .read_ms = s->inject.read_ms,
	};
	error = vm_swapon(&k->vm, &cf, area);
	if (error != 0 && cf.fd >= 0)
		host_close(cf.fd);
	return (error);
}

int
vkernel_swapoff(struct vkernel *k, unsigned area)
{
	return (k == NULL ? EINVAL : vm_swapoff(&k->vm, area));
}

int
vkernel_swap_config(struct vkernel *k, const struct vkernel_swap *s, size_t n)
{
	unsigned area;
	int error;

	vm_swapcache_set(&k->vm, k->config.swapcache >> PAGE_SHIFT,
	    (k->config.swapcache_rate + PAGE_MASK) >> PAGE_SHIFT);
	for (size_t i = 0; i < n; i++) {
		error = vkernel_swapon(k, &s[i], &area);
		if (error != 0) {
			klog(&k->log, KLOG_ERR,
			    "cannot use swap area %zu of the configuration: %s",
			    i + 1, strerror(error));
			return (error);
		}
	}
	return (0);
}

int
vkernel_shrink(struct vkernel *k, uint64_t target, uint64_t *given_back)
{
	if (k == NULL || given_back == NULL)
		return (EINVAL);
	*given_back = vm_system_shrink(&k->vm, target);
	return (0);
}

int
vkernel_swap_open(const char *path, uint64_t *size, int *fd)
{
	if (size == NULL || fd == NULL)
		return (EINVAL);
	return (host_swap_open(path, size, fd));
}

void
vkernel_swap_stat(struct vkernel *k, struct vkernel_stat *st)
{
	struct swap_area_stat as;

	st->swap_size = st->swap_used = st->swap_stored = 0;
	st->swap_ins = st->swap_outs = st->swap_errors = 0;
	for (unsigned a = 1; swap_area_stat(k->vm.swap, &a, &as); a++) {
		st->swap_size += as.size;
		st->swap_used += as.used;
		st->swap_stored += as.stored;
		st->swap_ins += as.pages_in;
		st->swap_outs += as.pages_out;
		st->swap_errors +=
		    as.write_errors + as.read_errors + as.damaged;
	}
}
