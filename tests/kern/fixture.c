/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

#include "fixture.h"

#include <elf.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libk/kassert.h"
#include "kern/base/lwp.h"
#include "vm/vmspace.h"

struct fixture fx;

static void
fx_log(void *arg, int level, const char *line)
{
	struct fixture *f = arg;

	if (f->logword != NULL && strstr(line, f->logword) != NULL)
		atomic_fetch_add(&f->logged, 1);
	if (getenv("FX_VERBOSE") != NULL)
		fprintf(stderr, "[%d] %s\n", level, line);
}

/*
 * User code: the page offset of rip selects the program or the handler. A
 * restarted system call comes back with rip two bytes lower and its arguments
 * in place.
 */
static void
fx_step(
    void *arg, struct cpu_thread *ct, struct pmap *pmap, struct cpu_event *ev)
{
	struct fixture *f = arg;
	struct trapframe *tf = &ct->tf;
	struct user u = {.l = lwp_current(), .tf = tf, .ev = ev};
	unsigned off, n;

	if ((tf->rip & 0xf) == 0xe) {
		tf->rip += 2;
		tf->orig_rax = tf->rax;
		ev->type = CPU_EV_SYSCALL;
		return;
	}
	off = (unsigned)(tf->rip & PAGE_MASK);
	n = off >= FX_HANDLER ? (off - FX_HANDLER) / 32 : (off - FX_ENTRY) / 16;
	if (off >= FX_HANDLER && n < FX_PROGRAMS && f->handler[n] != NULL) {
		if ((tf->rip & 0x10) == 0) { /* first step of the handler */
			tf->rip += 0x10;
			tf->r15 = 0;
		}
		f->handler[n](&u);
	} else if (off >= FX_ENTRY && n < FX_PROGRAMS && f->prog[n] != NULL) {
		f->prog[n](&u);
	} else {
		u_sys(&u, SYS_exit_group, (const uint64_t[6]){97});
	}
}

void
u_sys(struct user *u, long nr, const uint64_t a[6])
{
	struct trapframe *tf = u->tf;

	tf->rax = tf->orig_rax = (uint64_t)nr;
	tf->rdi = a[0];
	tf->rsi = a[1];
	tf->rdx = a[2];
	tf->r10 = a[3];
	tf->r8 = a[4];
	tf->r9 = a[5];
	u->ev->type = CPU_EV_SYSCALL;
}

uint64_t
u_buf(struct user *u, int slot)
{
	return (
	    ((u->tf->rsp - 16384) & ~(uint64_t)0xff) + (uint64_t)slot * 256);
}

uint64_t
u_str(struct user *u, int slot, const char *s)
{
	uint64_t at = u_buf(u, slot);

	KVERIFY(copyout(u->l->p->vmspace, s, at, strlen(s) + 1) == 0);
	return (at);
}

uint64_t
u_get64(struct user *u, uint64_t addr)
{
	uint64_t v;

	KVERIFY(copyin(u->l->p->vmspace, &v, addr, sizeof(v)) == 0);
	return (v);
}

int
u_get32(struct user *u, uint64_t addr)
{
	int v;

	KVERIFY(copyin(u->l->p->vmspace, &v, addr, sizeof(v)) == 0);
	return (v);
}

void
u_put64(struct user *u, uint64_t addr, uint64_t val)
{
	KVERIFY(copyout(u->l->p->vmspace, &val, addr, sizeof(val)) == 0);
}

void
u_fail(struct user *u, const char *file, int line, const char *what, long got)
{
	struct fixture *f = ((struct cpu_fake *)u->l->p->k->machine)->arg;

	fprintf(stderr, "%s:%d: pid %d: %s (got %ld)\n", file, line,
	    u->l->p->pid, what, got);
	atomic_fetch_add(&f->failed, 1);
}

size_t
fx_elf(unsigned char buf[8192], int n, bool pie, const char *interp)
{
	const uint64_t base = pie ? 0 : 0x400000;
	Elf64_Ehdr eh = {
	    .e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB,
		EV_CURRENT},
	    .e_type = pie ? ET_DYN : ET_EXEC,
	    .e_machine = EM_X86_64,
	    .e_version = EV_CURRENT,
	    .e_entry = base + FX_ENTRY + (uint64_t)n * 16,
	    .e_phoff = 4096 - 512,
	    .e_ehsize = sizeof(eh),
	    .e_phentsize = sizeof(Elf64_Phdr),
	    .e_phnum = interp != NULL ? 4 : 3,
	};
	Elf64_Phdr ph[4] = {
	    {.p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_vaddr = base,
		.p_filesz = 4096,
		.p_memsz = 4096,
		.p_align = 4096},
	    {.p_type = PT_LOAD,
		.p_flags = PF_R | PF_W,
		.p_offset = 4096,
		.p_vaddr = base + 0x2000,
		.p_filesz = 100,
		.p_memsz = 10000,
		.p_align = 4096},
	    {.p_type = PT_GNU_STACK, .p_flags = PF_R | PF_W},
	    {.p_type = PT_INTERP, .p_offset = 64},
	};

	memset(buf, 0x5a, 8192);
	memcpy(buf, &eh, sizeof(eh));
	if (interp != NULL) {
		ph[3].p_filesz = strlen(interp) + 1;
		strcpy((char *)buf + 64, interp);
	}
	memcpy(buf + eh.e_phoff, ph, sizeof(ph));
	return (4096 + 100);
}

void
fx_file(struct fixture *f, const char *path, const void *data, size_t len,
    unsigned mode)
{
	char full[256];
	int fd;

	snprintf(full, sizeof(full), "%s/%s", f->dir, path);
	fd = open(full, O_WRONLY | O_CREAT | O_TRUNC, 0700);
	KVERIFY(fd >= 0);
	KVERIFY(write(fd, data, len) == (ssize_t)len);
	KVERIFY(fchmod(fd, mode) == 0);
	close(fd);
}

void
fx_init(struct fixture *f)
{
	static const char *const dirs[] = {"bin", "tmp", "proc", "dev", "lib"};
	unsigned char elf[8192];
	char path[256];
	size_t len;

	memset(f, 0, sizeof(*f));
	strcpy(f->dir, "/tmp/vmspace-kern.XXXXXX");
	KVERIFY(mkdtemp(f->dir) != NULL);
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", f->dir, dirs[i]);
		KVERIFY(mkdir(path, 0755) == 0);
	}
	for (int n = 0; n < FX_PROGRAMS; n++) {
		len = fx_elf(elf, n, false, NULL);
		snprintf(path, sizeof(path), "bin/p%d", n);
		fx_file(f, path, elf, len, 0755);
		len = fx_elf(elf, n, true, NULL);
		snprintf(path, sizeof(path), "bin/pie%d", n);
		fx_file(f, path, elf, len, 0755);
	}
}

int
fx_try_boot(struct fixture *f)
{
	struct vkernel_config cf = {
	    .mem = f->mem != 0 ? f->mem : (uint64_t)64 << 20,
	    .root = f->dir,
	    .log = fx_log,
	    .log_arg = f,
	    .log_level = 3,
	};
	struct host h = host_fake(&f->hf);

	f->fake.step = fx_step;
	f->fake.arg = f;
	return (vkernel_create_fake_on(
	    &cf, &f->fake, f->use_hf ? &h : NULL, &f->k));
}

void
fx_boot(struct fixture *f)
{
	assert_int_equal(fx_try_boot(f), 0);
}

void
fx_shutdown(struct fixture *f)
{
	uint64_t leaks;

	vkernel_destroy_check(f->k, &leaks);
	f->k = NULL;
	assert_int_equal(leaks, 0);
	assert_int_equal(atomic_load(&f->failed), 0);
	if (f->use_hf)
		assert_int_equal(atomic_load(&f->hf.live), 0);
}

static int
fx_unlink(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return (remove(path));
}

void
fx_done(struct fixture *f)
{
	KVERIFY(nftw(f->dir, fx_unlink, 8, FTW_DEPTH | FTW_PHYS) == 0);
}

int
fx_spawn(struct fixture *f, int n)
{
	char path[32];
	const char *const env[] = {"A=1", "PATH=/nowhere:/bin", NULL};
	const char *const argv[] = {"prog", "one", "two", NULL};
	const struct vkernel_spawn sp = {
	    .path = path,
	    .argv = argv,
	    .envp = env,
	};
	int pid;

	snprintf(path, sizeof(path), "/bin/p%d", n);
	assert_int_equal(vkernel_spawn(f->k, &sp, &pid), 0);
	return (pid);
}

int
fx_run(struct fixture *f, int n)
{
	int pid = fx_spawn(f, n), status;

	assert_int_equal(vkernel_wait(f->k, pid, &status), 0);
	return (status);
}

int
fx_setup(void **state)
{
	fx_init(&fx);
	return (0);
}

int
fx_setup_booted(void **state)
{
	fx_init(&fx);
	fx_boot(&fx);
	return (0);
}

int
fx_teardown(void **state)
{
	if (fx.k != NULL)
		fx_shutdown(&fx);
	fx_done(&fx);
	return (0);
}
