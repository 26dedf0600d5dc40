/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * execve: a failure of any kind leaves the caller unchanged, with the errno of
 * Linux; scripts; a program that executes itself 200 times; what an exec keeps
 * and what it resets. (Damaged executables are tested by execelf.c.)
 */
#include "guest.h"

#include <sys/auxv.h>

static char self[256];
static char *mem;
static char *const no_env[] = {NULL};

static void
unharmed(void)
{
	for (size_t i = 0; i < 64; i++)
		CHECK(check_page(mem + i * PAGE, 42, i));
	CHECK(fcntl(STDOUT_FILENO, F_GETFD) == 0);
}

static void
refused(const char *path, int want)
{
	char *argv[] = {(char *)(uintptr_t)path, NULL};

	execve(path, argv, no_env);
	if (errno != want)
		say("execve(%.40s): errno %d (%s)", path, errno,
		    strerror(errno));
	CHECK(errno == want);
	unharmed();
}

static void
script(const char *name, const char *text, mode_t mode)
{
	write_file(name, text, strlen(text), mode);
}

static void
paths(void)
{
	char longname[300], longpath[5000];

	memset(longname, 'n', sizeof(longname));
	longname[sizeof(longname) - 1] = '\0';
	memset(longpath, '/', sizeof(longpath));
	longpath[sizeof(longpath) - 1] = '\0';
	refused("missing", ENOENT);
	refused("", ENOENT);
	refused("missing/x", ENOENT);
	refused(".", EACCES);
	refused("/", EACCES);
	refused(longname, ENAMETOOLONG);
	refused(longpath, ENAMETOOLONG);
	script("plain", "just text\n", 0700);
	refused("plain", ENOEXEC);
	refused("plain/x", ENOTDIR);
	script("noexec", "#!/bin/sh\n", 0600);
	refused("noexec", EACCES);
	script("empty", "", 0700);
	refused("empty", ENOEXEC);
	CHECK(symlink("loop2", "loop1") == 0 && symlink("loop1", "loop2") == 0);
	refused("loop1", ELOOP);
	CHECK(symlink("nowhere", "dangling") == 0);
	refused("dangling", ENOENT);
	refused("/dev/null", EACCES);
	CHECK_ERRNO(syscall(SYS_execve, 8, no_env, no_env), EFAULT);
	CHECK_ERRNO(syscall(SYS_execve, self, 8, no_env), EFAULT);
	CHECK_ERRNO(syscall(SYS_execve, self, no_env, -4096), EFAULT);
	unharmed();
	CHECK(unlink("loop1") == 0 && unlink("loop2") == 0 &&
	      unlink("dangling") == 0 && unlink("noexec") == 0 &&
	      unlink("empty") == 0 && unlink("plain") == 0);
	say("paths");
}

static void
scripts(void)
{
	char text[400];
	int fd;

	script("s", "#!/nonexistent/interpreter\n", 0700);
	refused("s", ENOENT);
	script("s", "#!/tmp\n", 0700);
	refused("s", EACCES);
	script("s", "#!\n", 0700);
	refused("s", ENOEXEC);
	script("s", "#! \t \n", 0700);
	refused("s", ENOEXEC);
	script("s", "#!./s\n", 0700); /* a script that is its own interpreter */
	refused("s", ELOOP);
	script("noexec", "#!/bin/sh\n", 0600);
	script("s", "#!./noexec\n", 0700);
	refused("s", EACCES);
	/* A file that is open for writing is busy. */
	snprintf(text, sizeof(text), "#!%s\n", self);
	script("s", text, 0700);
	fd = open("s", O_WRONLY);
	CHECK(fd >= 0);
	refused("s", ETXTBSY);
	CHECK(close(fd) == 0 && unlink("s") == 0 && unlink("noexec") == 0);
	say("scripts that fail");
}

/* argv with `n` strings of `len` characters. */
static void
too_big(size_t n, size_t len)
{
	char *s = map_anon(len + 1), **argv;

	memset(s, 'a', len);
	argv = map_anon((n + 2) * sizeof(*argv));
	argv[0] = self;
	for (size_t i = 0; i < n; i++)
		argv[1 + i] = s;
	CHECK_ERRNO(execve(self, argv, no_env), E2BIG);
	CHECK_ERRNO(execve(self, no_env, argv), E2BIG);
	unharmed();
	CHECK(munmap(s, len + 1) == 0);
	CHECK(munmap(argv, (n + 2) * sizeof(*argv)) == 0);
}

static void __attribute__((noreturn)) run_self(char **argv, char **envp)
{
	execve(self, argv, envp);
	say("FAIL execve of itself: errno %d (%s)", errno, strerror(errno));
	_exit(1);
}

/* About 1 MiB of arguments arrives complete. */
static void
big(void *arg)
{
	static char one[1024];
	static char *argv[1003];

	memset(one, 'b', sizeof(one) - 1);
	argv[0] = self;
	argv[1] = (char *)(uintptr_t) "count";
	for (int i = 2; i < 1002; i++)
		argv[i] = one;
	run_self(argv, argv + 2);
}

static int
mode_count(int argc, char **argv, char **envp)
{
	size_t n = 0, e = 0;

	for (int i = 2; i < argc; i++)
		n += strlen(argv[i]);
	while (envp[e] != NULL)
		n += strlen(envp[e++]);
	CHECK(n == 2000 * 1023 && argc == 1002 && e == 1000);
	return (0);
}

static void
run_script(void *arg)
{
	char *argv[] = {(char *)(uintptr_t) "zero", (char *)(uintptr_t) "x y",
	    (char *)(uintptr_t) "", NULL};

	execve(arg, argv, no_env);
	say("FAIL execve(%s): %s", (char *)arg, strerror(errno));
	_exit(1);
}

static void
scripts_run(void)
{
	char text[400];

	snprintf(text, sizeof(text), "#! %s  script  a b \nrest\n", self);
	script("s1", text, 0700);
	in_child(run_script, (void *)(uintptr_t) "./s1");
	/* A script whose interpreter is a script. */
	snprintf(text, sizeof(text), "#!./s1 second\n");
	script("s2", text, 0700);
	in_child(run_script, (void *)(uintptr_t) "./s2");
	snprintf(text, sizeof(text), "#!%s script", self); /* no newline */
	script("s3", text, 0700);
	in_child(run_script, (void *)(uintptr_t) "s3");
	CHECK(unlink("s1") == 0 && unlink("s2") == 0 && unlink("s3") == 0);
}

static int
mode_script(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		say("script argv[%d] = \"%s\"", i, argv[i]);
	return (0);
}

/* Executes itself 200 times with a counter in argv: the pid stays, and
 * memory is new each time. */
static void
chain(void *arg)
{
	static char pid[16];
	char *argv[] = {self, (char *)(uintptr_t) "chain",
	    (char *)(uintptr_t) "200", pid, NULL};

	snprintf(pid, sizeof(pid), "%d", getpid());
	run_self(argv, (char **)(uintptr_t)no_env);
}

static int
mode_chain(char **argv)
{
	static char data[3 * PAGE] = {1}, bss[4 * PAGE];
	static char next[16];
	int n = atoi(argv[2]);

	CHECK(atoi(argv[3]) == getpid());
	CHECK(data[0] == 1 && all_zero(data + 1, sizeof(data) - 1) &&
	      all_zero(bss, sizeof(bss)));
	memset(data, n, sizeof(data));
	memset(bss, n, sizeof(bss));
	memset(map_anon(MIB), n, MIB);
	if (n == 0)
		return (0);
	snprintf(next, sizeof(next), "%d", n - 1);
	argv[2] = next;
	run_self(argv, (char **)(uintptr_t)no_env);
}

/* What an exec keeps. */
static void
state(void *arg)
{
	char fds[32], *argv[] = {self, (char *)(uintptr_t) "state", fds, NULL};
	char *envp[] = {(char *)(uintptr_t) "ONE=1", NULL};
	stack_t ss = {.ss_sp = mem, .ss_size = 64 * PAGE};
	int keep, gone;
	sigset_t set;

	keep = open("/dev/zero", O_RDONLY);
	gone = open("/dev/null", O_RDONLY | O_CLOEXEC);
	CHECK(keep >= 0 && gone >= 0);
	snprintf(fds, sizeof(fds), "%d,%d", keep, gone);
	set_disposition(SIGUSR1, _exit);
	set_disposition(SIGUSR2, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGRTMIN);
	CHECK(sigprocmask(SIG_BLOCK, &set, NULL) == 0);
	CHECK(kill(getpid(), SIGTERM) == 0);
	CHECK(sigaltstack(&ss, NULL) == 0);
	umask(027);
	CHECK(alarm(1000) == 0);
	run_self(argv, envp);
}

static int
mode_state(char **argv, char **envp)
{
	struct sigaction sa;
	sigset_t set, pending;
	stack_t ss;
	int keep, gone;

	CHECK(sscanf(argv[2], "%d,%d", &keep, &gone) == 2);
	CHECK(fcntl(keep, F_GETFD) == 0);
	CHECK_ERRNO(fcntl(gone, F_GETFD), EBADF);
	CHECK(sigaction(SIGUSR1, NULL, &sa) == 0 && sa.sa_handler == SIG_DFL);
	CHECK(sigaction(SIGUSR2, NULL, &sa) == 0 && sa.sa_handler == SIG_IGN);
	CHECK(sigprocmask(SIG_BLOCK, NULL, &set) == 0);
	CHECK(sigismember(&set, SIGTERM) && sigismember(&set, SIGRTMIN) &&
	      !sigismember(&set, SIGINT));
	CHECK(sigpending(&pending) == 0 && sigismember(&pending, SIGTERM));
	CHECK(sigaltstack(NULL, &ss) == 0 && (ss.ss_flags & SS_DISABLE));
	CHECK(umask(022) == 027 && alarm(0) > 900);
	CHECK(strcmp(envp[0], "ONE=1") == 0 && envp[1] == NULL);
	CHECK(getauxval(AT_PAGESZ) == PAGE && getauxval(AT_PHNUM) > 0);
	CHECK(strcmp((char *)getauxval(AT_EXECFN), self) == 0);
	CHECK(getauxval(AT_RANDOM) != 0 && getauxval(AT_UID) == getuid());
	CHECK(getauxval(AT_SECURE) == 0);
	return (0);
}

static void
by_descriptor(void *arg)
{
	char *argv[] = {
	    (char *)(uintptr_t) "fexecve", (char *)(uintptr_t) "nothing", NULL};
	int fd = open(self, O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	CHECK_ERRNO(syscall(SYS_execveat, fd, "", argv, no_env, 0), ENOENT);
	CHECK_ERRNO(syscall(SYS_execveat, -1, "x", argv, no_env, 0), EBADF);
	syscall(SYS_execveat, fd, "", argv, no_env, AT_EMPTY_PATH);
	say("FAIL execveat: %s", strerror(errno));
	_exit(1);
}

/* A copy of this program, from a file system that is mounted writable. */
static void
copied(void *arg)
{
	char *argv[] = {
	    (char *)(uintptr_t) "copy", (char *)(uintptr_t) "nothing", NULL};

	execve("./copy", argv, (char **)(uintptr_t)no_env);
	_exit(1);
}

static void
copy_self(void)
{
	static char buf[8 * MIB];
	size_t n = read_file(self, buf, sizeof(buf));

	write_file("copy", buf, n, 0700);
	in_child(copied, NULL);
	CHECK(unlink("copy") == 0);
	say("a copy");
}

int
main(int argc, char **argv, char **envp)
{
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	CHECK(n > 0);
	if (argc > 1 && strcmp(argv[1], "count") == 0)
		return (mode_count(argc, argv, envp));
	if (argc > 1 && strcmp(argv[1], "chain") == 0)
		return (mode_chain(argv));
	if (argc > 1 && strcmp(argv[1], "state") == 0)
		return (mode_state(argv, envp));
	if (argc > 1 && strcmp(argv[1], "nothing") == 0)
		return (0);
	if (argc > 1)
		return (mode_script(argc, argv));
	mem = map_anon(64 * PAGE);
	for (size_t i = 0; i < 64; i++)
		fill_page(mem + i * PAGE, 42, i);
	scratch_enter("execs");
	paths();
	scripts();
	too_big(1, 131072);
	too_big(100, 100000);
	too_big(200000, 50);
	in_child(big, NULL);
	say("argument sizes");
	scripts_run();
	in_child(chain, NULL);
	say("itself 200 times");
	in_child(state, NULL);
	say("what survives");
	in_child(by_descriptor, NULL);
	say("by descriptor");
	copy_self();
	unharmed();
	scratch_remove();
	return (0);
}
