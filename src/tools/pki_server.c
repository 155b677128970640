/* SPDX-License-Identifier: Apache-2.0 */
/* pki_server.c - pki-server: global options, finding and running a command,
 * help (spec deployment 7.1).
 * Owns:    the one struct server of the process.
 * Trusts:  its user.
 * Threads: none. */
#include "tools/pki_server.h"

#include "base/log.h"
#include "base/path.h"
#include "base/text.h"

enum {
	SERVER_EXIT_ERROR = 1,
	NAME_MAX_LEN = 96,
};

static const struct opt global_opts[] = {
	SERVER_OPTS,
	OPT("root", "folder", "Folder that stands before every path"),
	OPT_LETTER("verbose", 'v', NULL, "Run in verbose mode."),
	OPT_FLAG("debug", "Run in debug mode."),
	OPT_FLAG("help", "Show help."),
	OPT_FLAG("version", "Show the version number."),
	OPT_END,
};

/* The subsystem that a command's name begins with ("ca" of "ca-user-find"), or
 * NULL. */
static const char *
subsystem_of(const char *name)
{
	for (size_t i = 0; i < SERVER_SUBSYSTEMS; i++) {
		size_t n = strlen(server_subsystems[i]);

		if (strncmp(name, server_subsystems[i], n) == 0 &&
		    (name[n] == '-' || name[n] == '\0'))
			return server_subsystems[i];
	}
	return NULL;
}

/* Is the subsystem named in the family's list? */
static bool
family_of(const struct server_family *f, const char *sub)
{
	const char *at = f->subs;
	size_t n = sub != NULL ? strlen(sub) : 0;

	if (f->subs == NULL || sub == NULL)
		return f->subs == NULL && sub == NULL;
	for (; (at = strstr(at, sub)) != NULL; at += n)
		if ((at == f->subs || at[-1] == ' ') &&
		    (at[n] == '\0' || at[n] == ' '))
			return true;
	return false;
}

/* "ca-user" of family and subsystem. */
static void
full_name(char out[NAME_MAX_LEN], const char *sub, const char *name)
{
	snprintf(out, NAME_MAX_LEN, "%s%s%s", sub != NULL ? sub : "",
	    sub != NULL && *name != '\0' ? "-" : "", name);
}

static const struct server_cmd *
find_cmd(const char *name, const char **sub)
{
	const char *of = subsystem_of(name);

	for (const struct server_family *f = server_families; f->name != NULL;
	     f++) {
		bool own = family_of(f, NULL);

		if (!own && !family_of(f, of))
			continue;
		for (const struct server_cmd *c = f->cmds; c->name != NULL;
		     c++) {
			char full[NAME_MAX_LEN];

			full_name(full, own ? NULL : of, c->name);
			if (strcmp(full, name) == 0) {
				*sub = own ? NULL : of;
				return c;
			}
		}
	}
	return NULL;
}

static void
print_row(const char *sub, const char *name, const char *text)
{
	char full[NAME_MAX_LEN];

	full_name(full, sub, name);
	printf(" %-33s %s\n", full, text);
}

/* Is word all of name, or name up to a '-'? */
static bool
below(const char *name, const char *word)
{
	size_t n = strlen(word);

	return strncmp(name, word, n) == 0 &&
	    (name[n] == '-' || name[n] == '\0');
}

/* Prints (if asked) what is below a word: the families of a subsystem, or the
 * commands whose names go on from it; returns how many rows there are. */
static size_t
list_group(const char *word, bool print)
{
	const char *of = subsystem_of(word);
	bool bare = of != NULL && strcmp(word, of) == 0;
	size_t rows = 0;

	for (const struct server_family *f = server_families; f->name != NULL;
	     f++) {
		if (!family_of(f, of))
			continue;
		if (bare && *f->name != '\0') {
			/* a family may be in two files */
			if (f > server_families &&
			    strcmp(f->name, f[-1].name) == 0)
				continue;
			if (print)
				print_row(of, f->name, f->text);
			rows++;
			continue;
		}
		for (const struct server_cmd *c = f->cmds; c->name != NULL;
		     c++) {
			char full[NAME_MAX_LEN];

			full_name(full, of, c->name);
			if (!below(full, word))
				continue;
			if (print)
				print_row(of, c->name, c->text);
			rows++;
		}
	}
	return rows;
}

/* Commands of the instance whose family has no word of its own. */
static void
list_all(void)
{
	for (const struct server_family *f = server_families; f->name != NULL;
	     f++) {
		/* a family may be in two files */
		if (f->subs != NULL ||
		    (f > server_families && *f->name != '\0' &&
			strcmp(f->name, f[-1].name) == 0))
			continue;
		if (*f->name != '\0') {
			print_row(NULL, f->name, f->text);
			continue;
		}
		for (const struct server_cmd *c = f->cmds; c->name != NULL; c++)
			print_row(NULL, c->name, c->text);
	}
	for (size_t i = 0; i < SERVER_SUBSYSTEMS; i++) {
		char text[64];

		snprintf(text, sizeof(text), "%s management commands",
		    server_type(server_subsystems[i]));
		print_row(NULL, server_subsystems[i], text);
	}
}

static void
print_help(void)
{
	printf("usage: pki-server [OPTIONS..] <command> [ARGS..]\n\n");
	args_help(global_opts);
	printf("\nCommands:\n");
	list_all();
	printf("\nCommands of one of these: pki-server ca-user"
	       "\nHelp of a command: pki-server help <command>\n");
}

static void
print_usage(FILE *f, const char *name, const struct server_cmd *c)
{
	fprintf(f, "usage: pki-server %s [OPTIONS...]%s%s\n", name,
	    *c->operands != '\0' ? " " : "", c->operands);
}

static enum rc
help_of(const char *name, struct err *e)
{
	const char *sub;
	const struct server_cmd *c = find_cmd(name, &sub);

	if (c != NULL) {
		print_usage(stdout, name, c);
		printf("\n%s\n\n", c->text);
		args_help(c->opts != NULL ? c->opts : server_opts);
		return RC_OK;
	}
	if (list_group(name, false) == 0)
		return err_set(e, RC_USAGE, "Invalid module \"%s\".", name);
	printf("Commands:\n");
	list_group(name, true);
	return RC_OK;
}

/* "<cert ID>" and no operand: usage, then "Missing cert ID". */
static enum rc
check_operands(const char *name, const struct server_cmd *c,
    const struct args *a, struct err *e)
{
	const char *s = c->operands, *end;

	if (c->max >= 0 && args_count(a) > (size_t)c->max)
		return err_set(e, RC_USAGE, "Too many arguments specified");
	if (args_count(a) >= (size_t)c->min)
		return RC_OK;
	print_usage(stderr, name, c);
	for (size_t i = 0; i < args_count(a) && s != NULL; i++)
		s = strchr(s, '>') != NULL ? strchr(s, '>') + 1 : NULL;
	s = s != NULL ? strchr(s, '<') : NULL;
	end = s != NULL ? strchr(s, '>') : NULL;
	if (end == NULL)
		return err_set(e, RC_USAGE, "Missing argument");
	return err_set(e, RC_USAGE, "Missing %.*s", (int)(end - s - 1), s + 1);
}

/* The instance and subsystem that the command needs. */
static enum rc
prepare(struct server *s, const struct server_cmd *c, const struct args *a,
    const char *sub, struct err *e)
{
	const char *name = args_get(a, "instance");
	enum rc rc;

	if (name == NULL)
		name = args_str(s->global, "instance", "pki-tomcat");
	if (c->need == NEED_OPERAND && args_count(a) > 0)
		name = args_at(a, 0);
	if (c->need == NEED_NOTHING) {
		s->name = name;
		return RC_OK;
	}
	if ((rc = server_find(s, name, e)) != RC_OK)
		return rc;
	if (c->need == NEED_NO_SUBSYSTEM) {
		s->sub = sub;
		s->type = server_type(sub);
		return RC_OK;
	}
	return sub != NULL ? server_use(s, sub, e) : RC_OK;
}

static enum rc
run_words(struct server *s, char **words, size_t n, struct err *e)
{
	const struct server_cmd *c;
	AUTO(args) a = NULL;
	const char *sub = NULL;
	enum rc rc;

	if (strcmp(words[0], "help") == 0) {
		if (n > 1)
			return help_of(words[1], e);
		print_help();
		return RC_OK;
	}
	if ((c = find_cmd(words[0], &sub)) == NULL)
		return help_of(words[0], e);
	rc = args_parse(&a, c->opts != NULL ? c->opts : server_opts, words + 1,
	    n - 1, false, NULL, e);
	if (rc != RC_OK)
		return rc;
	if (args_has(a, "help"))
		return help_of(words[0], e);
	if (args_has(a, "verbose") || args_has(a, "debug"))
		s->verbose = true;
	if ((rc = check_operands(words[0], c, a, e)) != RC_OK ||
	    (rc = prepare(s, c, a, sub, e)) != RC_OK)
		return rc;
	rc = c->run(s, a, e);
	if (rc == RC_USAGE && text_starts(e->text, "Missing "))
		print_usage(stderr, words[0], c);
	return rc;
}

static int
report(const struct err *e)
{
	fflush(stdout);
	fprintf(stderr, "ERROR: %s\n", e->text);
	return SERVER_EXIT_ERROR;
}

static int
run(struct server *s, char **words, size_t n)
{
	struct err e = { 0 };
	size_t used = 0;
	bool locked;

	if (secret_setup(&locked, &e) != RC_OK ||
	    args_parse(&s->global, global_opts, words, n, true, &used, &e) !=
		RC_OK)
		return report(&e);
	if (args_has(s->global, "version")) {
		printf(
		    "PKI Server Command-Line Interface %s\n", SIGNET_VERSION);
		return 0;
	}
	if (args_has(s->global, "help") || used == n) {
		print_help();
		return 0;
	}
	s->verbose =
	    args_has(s->global, "verbose") || args_has(s->global, "debug");
	if (args_has(s->global, "debug") &&
	    log_open(NULL, LOG_LEVEL_DEBUG, &e) != RC_OK)
		return report(&e);
	if (path_set_root(
		args_str(s->global, "root", getenv("PKI_ROOT")), &e) != RC_OK ||
	    run_words(s, words + used, n - used, &e) != RC_OK)
		return report(&e);
	return 0;
}

int
main(int argc, char **argv)
{
	struct server s = { 0 };
	int status = run(&s, argv + 1, argc > 0 ? (size_t)argc - 1 : 0);

	if (fflush(stdout) != 0 && status == 0) {
		perror("ERROR: standard output");
		status = SERVER_EXIT_ERROR;
	}
	server_done(&s);
	return status;
}
