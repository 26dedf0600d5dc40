/* SPDX-License-Identifier: BSD-2-Clause */
/* Copyright (c) 2026 The vmspace authors */

/*
 * `vmspace completion`: scripts by which shells complete command lines.
 *
 * Concepts.  The scripts are made from the table of commands and the argp of
 * each, so that they know an option as soon as --help does.  The text that
 * --help prints for an argument says what it is: "a|b|c" are words to choose
 * from, DIR, FILE, PATH and SRC are files, and a first argument NAME is
 * a kernel, which `vmspace ps` lists when the key is pressed.
 */
#include <argp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "cmd/commands.h"

/* For all shells: the running kernels, one in a line. */
#define LIST_KERNELS \
	"command vmspace ps 2>/dev/null | awk 'NR > 1 { print $1 }'"

/* ---- what the tables say ---- */

typedef void option_fn(const struct command *, const struct argp_option *);

static const struct argp_option own_options[] = {
    {"help", 0, 0, 0, "Print the options", 0},
    {"usage", 0, 0, 0, "Print a short usage message", 0},
};

static void
argp_options(const struct command *c, const struct argp *argp, option_fn *fn)
{
	const struct argp_option *o = argp->options;
	const struct argp_child *child = argp->children;

	for (; o != NULL && (o->name != NULL || o->key != 0); o++)
		if ((o->flags & OPTION_HIDDEN) == 0)
			fn(c, o);
	for (; child != NULL && child->argp != NULL; child++)
		argp_options(c, child->argp, fn);
}

/* Call fn for each option of a command. */
static void
each_option(const struct command *c, option_fn *fn)
{
	argp_options(c, c->argp, fn);
	fn(c, &own_options[0]);
	fn(c, &own_options[1]);
}

/* The letter of an option; 0: none. */
static char
option_letter(const struct argp_option *o)
{
	return (o->key > ' ' && o->key < 0x7f ? (char)o->key : '\0');
}

/* "a|b|c": words to choose from. */
static bool
is_words(const char *arg)
{
	return (strchr(arg, '|') != NULL &&
		arg[strspn(arg, "abcdefghijklmnopqrstuvwxyz|")] == '\0');
}

static bool
is_file(const char *arg)
{
	static const char *const files[] = {"DIR", "FILE", "PATH", "SRC"};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (strncmp(arg, files[i], strlen(files[i])) == 0)
			return (true);
	return (false);
}

static void
print_words(const char *arg)
{
	for (; *arg != '\0'; arg++)
		putchar(*arg == '|' ? ' ' : *arg);
}

/* The arguments of a command that are not options. */
static const char *
arguments(const struct command *c)
{
	const char *doc = c->argp->args_doc;

	return (doc == NULL ? "" : doc + strspn(doc, "["));
}

static bool
takes_kernel(const struct command *c)
{
	return (strncmp(arguments(c), "NAME", 4) == 0);
}

static bool
takes_kernels(const struct command *c)
{
	return (strncmp(arguments(c), "NAME...", 7) == 0);
}

static bool
takes_program(const struct command *c)
{
	return (strstr(arguments(c), "PROGRAM") != NULL);
}

/* Print text between single quotes, each character of `special` after a
 * backslash. */
static void
print_quoted(const char *text, const char *special)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'') {
			printf("'\\''");
			continue;
		}
		if (strchr(special, *text) != NULL)
			putchar('\\');
		putchar(*text);
	}
}

/* ---- bash ---- */

static void
bash_name(const struct command *c, const struct argp_option *o)
{
	printf(" --%s", o->name);
	if (option_letter(o) != '\0')
		printf(" -%c", option_letter(o));
}

static void
bash_valued(const struct command *c, const struct argp_option *o)
{
	if (o->arg != NULL)
		bash_name(c, o);
}

static void
bash_choice(const struct command *c, const struct argp_option *o)
{
	if (o->arg == NULL || !is_words(o->arg))
		return;
	printf("\t'%s --%s') words='", c->name, o->name);
	print_words(o->arg);
	printf("' ;;\n");
}

static void
bash_command(const struct command *c)
{
	printf("\t%s)\n\t\toptions='", c->name);
	each_option(c, bash_name);
	printf("'\n\t\tvalued='");
	each_option(c, bash_valued);
	printf(" '\n\t\tkernels=%d", takes_kernels(c)  ? 1000
				     : takes_kernel(c) ? 1
						       : 0);
	if (is_words(arguments(c))) {
		printf("\n\t\twords='");
		print_words(arguments(c));
		printf("'");
	}
	printf("\n\t\t;;\n");
}

static void
bash_script(void)
{
	printf("# Completion of vmspace for bash, made by `vmspace completion "
	       "bash`.\n\n"
	       "_vmspace() {\n"
	       "\tlocal cur=${COMP_WORDS[COMP_CWORD]} i given=0\n"
	       "\tlocal prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	       "\tlocal options= valued= words= kernels=0\n"
	       "\tCOMPREPLY=()\n"
	       "\tif ((COMP_CWORD == 1)); then\n\t\twords='");
	for (size_t i = 0; i < cmd_ncommands; i++)
		printf("%s ", cmd_commands[i].name);
	printf("--help --version'\n"
	       "\t\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- "
	       "\"$cur\")\n\t\treturn\n\tfi\n"
	       "\tcase ${COMP_WORDS[1]} in\n");
	for (size_t i = 0; i < cmd_ncommands; i++)
		bash_command(&cmd_commands[i]);
	printf("\t*) return ;;\n\tesac\n"
	       "\tif [[ $valued == *\" $prev \"* ]]; then\n"
	       "\t\twords=\n"
	       "\t\tcase \"${COMP_WORDS[1]} $prev\" in\n");
	for (size_t i = 0; i < cmd_ncommands; i++)
		each_option(&cmd_commands[i], bash_choice);
	/* Without words, bash completes files. */
	printf("\t\t*) return ;;\n\t\tesac\n"
	       "\t\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- "
	       "\"$cur\")\n\t\treturn\n\tfi\n"
	       "\tfor ((i = 2; i < COMP_CWORD; i++)); do\n"
	       "\t\tif [[ $valued == *\" ${COMP_WORDS[i]} \"* ]]; then\n"
	       "\t\t\t((i++))\n"
	       "\t\telif [[ ${COMP_WORDS[i]} == -- ]]; then\n"
	       "\t\t\toptions=\n"
	       "\t\telif [[ ${COMP_WORDS[i]} != -* ]]; then\n"
	       "\t\t\t((given++))\n"
	       "\t\tfi\n"
	       "\tdone\n"
	       "\tif ((given > 0 && given >= kernels)); then\n"
	       "\t\treturn\n"
	       "\tfi\n"
	       "\tif [[ $cur == -* ]]; then\n"
	       "\t\twords=$options\n"
	       "\telif ((given < kernels)); then\n"
	       "\t\twords=$(" LIST_KERNELS ")\n"
	       "\tfi\n"
	       "\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- "
	       "\"$cur\")\n"
	       "}\n"
	       "complete -o default -F _vmspace vmspace\n");
}

/* ---- zsh ---- */

static void
zsh_one(const struct argp_option *o, const char *dashes, const char *name)
{
	const bool value = o->arg != NULL;

	/* A long option takes "=VALUE", a letter the next word or the rest. */
	printf(" \\\n\t\t\t'*%s%s%s[", dashes, name,
	    !value             ? ""
	    : dashes[1] == '-' ? "="
			       : "+");
	print_quoted(o->doc, "[]:\\");
	putchar(']');
	if (value) {
		putchar(':');
		print_quoted(o->arg, "[]:\\");
		putchar(':');
		if (is_words(o->arg)) {
			putchar('(');
			print_words(o->arg);
			putchar(')');
		} else if (is_file(o->arg)) {
			printf("_files");
		}
	}
	putchar('\'');
}

static void
zsh_option(const struct command *c, const struct argp_option *o)
{
	const char letter[2] = {option_letter(o), '\0'};

	zsh_one(o, "--", o->name);
	if (letter[0] != '\0')
		zsh_one(o, "-", letter);
}

static void
zsh_command(const struct command *c)
{
	printf("\t%s)\n\t\t_arguments -s -S", c->name);
	each_option(c, zsh_option);
	if (is_words(arguments(c))) {
		printf(" \\\n\t\t\t'1:argument:(");
		print_words(arguments(c));
		printf(")'");
	}
	if (takes_kernels(c))
		printf(" \\\n\t\t\t'*:kernel:_vmspace_kernels'");
	else if (takes_kernel(c))
		printf(" \\\n\t\t\t'1:kernel:_vmspace_kernels'");
	if (takes_program(c))
		printf(" \\\n\t\t\t'*::program:_normal'");
	printf("\n\t\t;;\n");
}

static void
zsh_script(void)
{
	printf("#compdef vmspace\n"
	       "# Completion of vmspace for zsh, made by `vmspace completion "
	       "zsh`.\n\n"
	       "_vmspace_kernels() {\n"
	       "\tlocal -a kernels\n"
	       "\tkernels=(${(f)\"$(" LIST_KERNELS ")\"})\n"
	       "\tcompadd -a kernels\n"
	       "}\n\n"
	       "_vmspace() {\n"
	       "\tlocal -a commands\n"
	       "\tif ((CURRENT == 2)); then\n"
	       "\t\tcommands=(");
	for (size_t i = 0; i < cmd_ncommands; i++) {
		printf("\n\t\t\t'%s:", cmd_commands[i].name);
		print_quoted(cmd_commands[i].what, ":\\");
		putchar('\'');
	}
	printf("\n\t\t)\n"
	       "\t\t_describe command commands\n"
	       "\t\treturn\n"
	       "\tfi\n"
	       "\tshift words\n"
	       "\t((CURRENT--))\n"
	       "\tcase $words[1] in\n");
	for (size_t i = 0; i < cmd_ncommands; i++)
		zsh_command(&cmd_commands[i]);
	printf("\tesac\n"
	       "}\n\n"
	       "# It is read by compinit, or by `source`.\n"
	       "if [[ $funcstack[1] == _vmspace ]]; then\n"
	       "\t_vmspace \"$@\"\n"
	       "else\n"
	       "\tcompdef _vmspace vmspace\n"
	       "fi\n");
}

/* ---- fish ---- */

static void
fish_option(const struct command *c, const struct argp_option *o)
{
	printf(
	    "complete -c vmspace -n '__vmspace_is %s' -l %s", c->name, o->name);
	if (option_letter(o) != '\0')
		printf(" -s %c", option_letter(o));
	if (o->arg != NULL && is_words(o->arg)) {
		printf(" -x -a '");
		print_words(o->arg);
		putchar('\'');
	} else if (o->arg != NULL) {
		printf(is_file(o->arg) ? " -r -F" : " -x");
	}
	printf(" -d '");
	print_quoted(o->doc, "");
	printf("'\n");
}

static void
fish_command(const struct command *c)
{
	printf("complete -c vmspace -n '__vmspace_is' -a %s -d '", c->name);
	print_quoted(c->what, "");
	printf("'\n");
	each_option(c, fish_option);
	if (takes_kernel(c) || is_words(arguments(c))) {
		printf(
		    "complete -c vmspace -n '__vmspace_is %s' -a '", c->name);
		if (takes_kernel(c))
			printf("(__vmspace_kernels)");
		else
			print_words(arguments(c));
		printf("'\n");
	}
	if (takes_program(c))
		printf(
		    "complete -c vmspace -n '__vmspace_is %s' -F\n", c->name);
}

static void
fish_script(void)
{
	printf("# Completion of vmspace for fish, made by `vmspace completion "
	       "fish`.\n\n"
	       "function __vmspace_kernels\n"
	       "\t" LIST_KERNELS "\n"
	       "end\n\n"
	       "# Is the command $argv[1]?  Without an argument: is there "
	       "none yet?\n"
	       "function __vmspace_is\n"
	       "\tset -l words (commandline -opc)\n"
	       "\ttest \"$words[2]\" = \"$argv[1]\"\n"
	       "end\n\n"
	       "complete -c vmspace -f\n");
	for (size_t i = 0; i < cmd_ncommands; i++)
		fish_command(&cmd_commands[i]);
}

/* ---- the command ---- */

static const struct {
	const char *name;
	void (*fn)(void);
} shells[] = {
    {"bash", bash_script}, {"zsh", zsh_script}, {"fish", fish_script}};

static error_t
parse_completion(int key, char *arg, struct argp_state *st)
{
	void (**script)(void) = st->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (*script != NULL)
			argp_error(st, "too many arguments: '%s'", arg);
		for (size_t i = 0; i < sizeof(shells) / sizeof(*shells); i++)
			if (strcmp(shells[i].name, arg) == 0)
				*script = shells[i].fn;
		if (*script == NULL)
			argp_error(st, "no script for '%s'", arg);
		return (0);
	case ARGP_KEY_END:
		if (*script == NULL)
			argp_error(st, "which shell?");
		return (0);
	default:
		return (ARGP_ERR_UNKNOWN);
	}
}

const struct argp completion_argp = {
    .parser = parse_completion,
    .args_doc = "bash|zsh|fish",
    .doc = "Print a script by which the shell completes vmspace's commands, "
	   "options and names of kernels.  For bash: source <(vmspace "
	   "completion bash)",
};

int
cmd_completion(int argc, char **argv)
{
	char name[] = "vmspace completion";
	void (*script)(void) = NULL;

	argv[0] = name;
	argp_err_exit_status = EX_BADUSAGE;
	argp_parse(&completion_argp, argc, argv, ARGP_IN_ORDER, NULL, &script);
	script();
	if (fflush(stdout) == 0)
		return (0);
	perror("vmspace completion: standard output");
	return (EX_FAILURE);
}
