/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * Registers survive: general registers, flags, the red zone, x87, SSE and AVX;
 * over page faults that the kernel resolves silently, over signal handlers that
 * overwrite all of them, over system calls, and into a forked child.
 */
#include "guest.h"

#include <cpuid.h>

struct regs {
	uint64_t gpr[15]; /* rax rbx rcx rdx rsi rdi rbp r8..r15 */
	uint64_t flags;
	unsigned char vec[16][32];
	double st[2];
	uint32_t mxcsr;
	uint16_t cw;
};

static bool avx;

static void
load_vec(const struct regs *r)
{
	if (avx)
		__asm__ volatile("vzeroupper" ::: "memory");
	__asm__ volatile("ldmxcsr %0\n\tfldcw %1" ::"m"(r->mxcsr), "m"(r->cw));
}

/* Load all vector registers from r->vec, do the access, and store them in
 * out. */
#define V(n, op) "vmovdqu " #n "*32(%[in]), %%ymm" #n "\n\t"
#define VO(n) "vmovdqu %%ymm" #n ", " #n "*32(%[out])\n\t"
#define X(n) "movdqu " #n "*32(%[in]), %%xmm" #n "\n\t"
#define XO(n) "movdqu %%xmm" #n ", " #n "*32(%[out])\n\t"
#define ALL(m)                                                              \
	m(0) m(1) m(2) m(3) m(4) m(5) m(6) m(7) m(8) m(9) m(10) m(11) m(12) \
	    m(13) m(14) m(15)
#define VL(n) V(n, 0)
#define VECS                                                             \
	"xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",  \
	    "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", \
	    "xmm15"

/* `op` may use %[p], and rax as a result; rcx and r11 are free for it. */
#define AROUND(op, in_, out_, p_, res_)                                        \
	do {                                                                   \
		if (avx)                                                       \
			__asm__ volatile(                                      \
			    ALL(VL) "fldl %[st0]\n\tfldl "                     \
				    "%[st1]\n\t" op                            \
				    "\n\tfstpl %[o1]\n\tfstpl "                \
				    "%[o0]\n\t" ALL(VO)                        \
			    : "=a"(res_), [o0] "=m"((out_)->st[0]),            \
			    [o1] "=m"((out_)->st[1])                           \
			    : [in] "r"((in_)->vec), [out] "r"((out_)->vec),    \
			    [st0] "m"((in_)->st[0]), [st1] "m"((in_)->st[1]),  \
			    [p] "D"(p_), "a"(res_)                             \
			    : "rcx", "r11", "memory", VECS);                   \
		else                                                           \
			__asm__ volatile(                                      \
			    ALL(X) "fldl %[st0]\n\tfldl "                      \
				   "%[st1]\n\t" op "\n\tfstpl %[o1]\n\tfstpl " \
				   "%[o0]\n\t" ALL(XO)                         \
			    : "=a"(res_), [o0] "=m"((out_)->st[0]),            \
			    [o1] "=m"((out_)->st[1])                           \
			    : [in] "r"((in_)->vec), [out] "r"((out_)->vec),    \
			    [st0] "m"((in_)->st[0]), [st1] "m"((in_)->st[1]),  \
			    [p] "D"(p_), "a"(res_)                             \
			    : "rcx", "r11", "memory", VECS);                   \
	} while (0)

static void
make(struct regs *r, uint64_t seed)
{
	memset(r, 0, sizeof(*r));
	for (uint64_t i = 0; i < 16; i++)
		for (uint64_t j = 0; j < 32; j++)
			r->vec[i][j] = (unsigned char)pattern(seed, i, j);
	r->st[0] = (double)seed + 0.25;
	r->st[1] = -3.5 * (double)seed;
	r->mxcsr = 0x1f80 | (seed & 1 ? 0x2000 : 0x4000); /* rounding */
	r->cw = 0x037f | (seed & 1 ? 0x400 : 0x800);
}

static void
same_vec(const struct regs *a, const struct regs *b)
{
	uint32_t mxcsr;
	uint16_t cw;

	__asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(mxcsr), "=m"(cw));
	for (size_t i = 0; i < 16; i++)
		CHECK(memcmp(a->vec[i], b->vec[i], avx ? 32 : 16) == 0);
	CHECK(a->st[0] == b->st[0] && a->st[1] == b->st[1]);
	CHECK((mxcsr & 0xffc0) == a->mxcsr && cw == a->cw);
}

static struct regs in, out, other, junk;
static volatile int handled;

/* Overwrites all registers, and repairs the protection if there was a fault. */
static void
on_signal(int sig, siginfo_t *si, void *uc)
{
	long res = 0;

	handled++;
	if (sig == SIGSEGV)
		CHECK(mprotect((void *)((uintptr_t)si->si_addr & ~(PAGE - 1)),
			  PAGE, PROT_READ | PROT_WRITE) == 0);
	load_vec(&other);
	AROUND("nop", &other, &junk, 0L, res);
	__asm__ volatile("fninit");
}

static void
vectors(void)
{
	char *m = map_anon(8 * PAGE);
	long res = 0;

	make(&in, 1);
	make(&other, 2);
	load_vec(&in);
	AROUND("movb $1, (%[p])", &in, &out, m, res); /* zero-filled */
	same_vec(&in, &out);
	CHECK(mprotect(m + PAGE, PAGE, PROT_NONE) == 0);
	set_handler(SIGSEGV, on_signal, 0);
	set_handler(SIGUSR1, on_signal, 0);
	memset(&out, 0, sizeof(out));
	load_vec(&in);
	AROUND("movb $1, (%[p])", &in, &out, m + PAGE, res);
	CHECK(handled == 1);
	same_vec(&in, &out);
	memset(&out, 0, sizeof(out));
	res = SYS_getpid;
	load_vec(&in);
	AROUND("syscall", &in, &out, m, res);
	CHECK(res == getpid());
	same_vec(&in, &out);
	/* kill(self, SIGUSR1): the handler runs before the call returns. */
	memset(&out, 0, sizeof(out));
	res = SYS_kill;
	load_vec(&in);
	AROUND("movl $10, %%esi\n\tsyscall", &in, &out, (long)getpid(), res);
	CHECK(res == 0 && handled == 2);
	same_vec(&in, &out);
	say("vector and floating point registers");
}

static void
forked(void)
{
	long res = SYS_fork;
	bool child;

	make(&in, 5);
	memset(&out, 0, sizeof(out));
	load_vec(&in);
	AROUND("syscall", &in, &out, 0L, res);
	CHECK(res >= 0);
	child = res == 0;
	same_vec(&in, &out);
	if (child)
		_exit(0);
	wait_ok((pid_t)res);
	say("registers of a forked child");
}

/*
 * General registers: load all but rsp, do `op` with the address in rax, and
 * store them again. Also the red zone and the carry and direction flags.
 */
#define GENERAL(op)                                                          \
	__asm__ volatile(                                                    \
	    "pushq %%rbp\n\tpushq %%rbx\n\t"                                 \
	    "movq %%rdi, save_rdi(%%rip)\n\t"                                \
	    "movq $0x7a7a, -8(%%rsp)\n\tmovq $0x7b7b, -120(%%rsp)\n\t"       \
	    "movq 8(%%rdi), %%rbx\n\tmovq 16(%%rdi), %%rcx\n\t"              \
	    "movq 24(%%rdi), %%rdx\n\tmovq 32(%%rdi), %%rsi\n\t"             \
	    "movq 48(%%rdi), %%rbp\n\tmovq 56(%%rdi), %%r8\n\t"              \
	    "movq 64(%%rdi), %%r9\n\tmovq 72(%%rdi), %%r10\n\t"              \
	    "movq 80(%%rdi), %%r11\n\tmovq 88(%%rdi), %%r12\n\t"             \
	    "movq 96(%%rdi), %%r13\n\tmovq 104(%%rdi), %%r14\n\t"            \
	    "movq 112(%%rdi), %%r15\n\tmovq (%%rdi), %%rax\n\t"              \
	    "movq 40(%%rdi), %%rdi\n\tstc\n\t" op "\n\t"                     \
	    "movq %%rdi, save_tmp(%%rip)\n\tmovq save_rdi(%%rip), %%rdi\n\t" \
	    "movq %%rax, 528(%%rdi)\n\tmovq %%rbx, 536(%%rdi)\n\t"           \
	    "movq %%rcx, 544(%%rdi)\n\tmovq %%rdx, 552(%%rdi)\n\t"           \
	    "movq %%rsi, 560(%%rdi)\n\tmovq %%rbp, 576(%%rdi)\n\t"           \
	    "movq %%r8, 584(%%rdi)\n\tmovq %%r9, 592(%%rdi)\n\t"             \
	    "movq %%r10, 600(%%rdi)\n\tmovq %%r11, 608(%%rdi)\n\t"           \
	    "movq %%r12, 616(%%rdi)\n\tmovq %%r13, 624(%%rdi)\n\t"           \
	    "movq %%r14, 632(%%rdi)\n\tmovq %%r15, 640(%%rdi)\n\t"           \
	    "movq save_tmp(%%rip), %%rax\n\tmovq %%rax, 568(%%rdi)\n\t"      \
	    "movq -8(%%rsp), %%rax\n\tmovq %%rax, 648(%%rdi)\n\t"            \
	    "movq -120(%%rsp), %%rax\n\tmovq %%rax, 656(%%rdi)\n\t"          \
	    "lahf\n\tmovzbl %%ah, %%eax\n\tmovq %%rax, 664(%%rdi)\n\t"       \
	    "popq %%rbx\n\tpopq %%rbp"                                       \
	    :                                                                \
	    : "D"(gprs)                                                      \
	    : "rax", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "r12",   \
	    "r13", "r14", "r15", "memory", "cc")

/* [0..14] in, [66..80] out, then the red zone's two words and the flags. */
static uint64_t gprs[96];
__attribute__((used)) uint64_t save_rdi __asm__("save_rdi"), save_tmp
    __asm__("save_tmp");

static void
same_general(bool syscall_)
{
	for (int i = 0; i < 15; i++) {
		if (syscall_ && (i == 0 || i == 2 || i == 10))
			continue; /* rax, rcx, r11 */
		CHECK(gprs[66 + i] == gprs[i]);
	}
	CHECK(gprs[81] == 0x7a7a && gprs[82] == 0x7b7b);
	CHECK(gprs[83] & 1); /* carry */
}

static void
general(void)
{
	char *m = map_anon(4 * PAGE);

	for (uint64_t i = 0; i < 15; i++)
		gprs[i] = pattern(9, 9, i);
	gprs[0] = (uintptr_t)m;
	GENERAL("movb $1, (%%rax)"); /* zero-filled */
	same_general(false);
	CHECK(mprotect(m, PAGE, PROT_READ) == 0);
	handled = 0;
	memset(gprs + 66, 0, 30 * sizeof(*gprs));
	GENERAL("movb $2, (%%rax)");
	CHECK(handled == 1);
	same_general(false);
	gprs[0] = SYS_getpid;
	memset(gprs + 66, 0, 30 * sizeof(*gprs));
	GENERAL("syscall");
	same_general(true);
	gprs[0] = SYS_kill;
	gprs[5] = (uint64_t)getpid();
	gprs[4] = SIGUSR1;
	memset(gprs + 66, 0, 30 * sizeof(*gprs));
	GENERAL("syscall");
	CHECK(handled == 2 && gprs[66] == 0);
	same_general(true);
	say("general registers, flags and the red zone");
}

static void
on_alarm(int sig, siginfo_t *si, void *uc)
{
	on_signal(sig, si, uc);
}

/* Asynchronous signals at any instruction. */
static void
asynchronous(void)
{
	/* A signal that arrives while one is pending is lost, so the child
	 * goes on until enough have arrived. */
	volatile int *done = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	long res = 0;
	pid_t pid;

	CHECK(done != MAP_FAILED);
	set_handler(SIGUSR2, on_alarm, SA_RESTART);
	handled = 0;
	make(&in, 3);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		for (int i = 0; i < 10000 && !*done; i++) {
			kill(getppid(), SIGUSR2);
			sleep_ms(2);
		}
		_exit(0);
	}
	while (handled < 5) {
		memset(&out, 0, sizeof(out));
		load_vec(&in);
		res = 100000;
		AROUND("1: subq $1, %%rax\n\tjnz 1b", &in, &out, 0L, res);
		same_vec(&in, &out);
	}
	*done = 1;
	wait_ok(pid);
	munmap((void *)(uintptr_t)done, 4096);
	say("asynchronous signals");
}

int
main(void)
{
	unsigned a, b, c, d;

	avx = __get_cpuid(1, &a, &b, &c, &d) && (c & (1u << 28)) != 0 &&
	      (c & (1u << 27)) != 0;
	vectors();
	forked();
	general();
	asynchronous();
	return (0);
}
