/* SPDX-License-Identifier: Apache-2.0 */
/* pki.c - the command line client: global options, finding and running a
 * command, help, the interactive shell and batches.
 * Owns:    the one struct pki of the process.
 * Trusts:  its user.
 * Threads: none. */
#include "tools/pki.h"

#include <ctype.h>
#include <limits.h>
#include <netdb.h>
#include <sys/socket.h>

#include "base/cfg.h"
#include "base/log.h"
#include "base/path.h"
#include "base/text.h"

static const struct opt global_opts[] = {
	OPT_LETTER("U", 'U', "uri", "Server URI"),
	OPT_LETTER("P", 'P', "protocol", "Protocol (default: https)"),
	OPT_LETTER("h", 'h', "host", "Host name (default: this host)"),
	OPT_LETTER("p", 'p', "port", "Port number (default: 8443)"),
	OPT_LETTER(
	    "d", 'd', "folder", "NSS database (default: ~/.dogtag/nssdb)"),
	{ "c", 'c', "password", "NSS database password", true, NULL },
	OPT_LETTER("C", 'C', "file", "File with the NSS database password"),
	OPT_LETTER("f", 'f', "file", "Password configuration file"),
	OPT_LETTER("n", 'n', "nickname",
	    "Client certificate for authentication (excludes -u)"),
	OPT_LETTER(
	    "u", 'u', "user", "User name for authentication (excludes -n)"),
	{ "w", 'w', "password", "Password of the user", true, NULL },
	OPT_LETTER("W", 'W', "file", "File with the password of the user"),
	OPT("token", "name", "Security token name"),
	OPT("api", "version", "API version: v1, v2 (default: v2)"),
	OPT("message-format", "format", "Message format: json (default)"),
	OPT("ignore-cert-status", "list",
	    "Server certificate problems to accept"),
	OPT("reject-cert-status", "list",
	    "Server certificate problems to refuse"),
	OPT_FLAG("skip-revocation-check",
	    "The default: whether the server certificate is revoked is not "
	    "checked"),
	OPT_FLAG("ignore-banner", "Do not show the access banner"),
	OPT("http-output", "folder", "Store the HTTP messages there"),
	OPT_SAME("output", "http-output"),
	OPT("root", "folder", "Folder that stands before every path"),
	OPT_LETTER("e", 'e', NULL, "End a batch at the first error"),
	OPT_LETTER(
	    "t", 't', "subsystem", "Subsystem of the command (deprecated)"),
	OPT_LETTER("verbose", 'v', NULL, "Run in verbose mode."),
	OPT_FLAG("debug", "Run in debug mode."),
	OPT_FLAG("help", "Show help."),
	OPT_FLAG("version", "Show the version number."),
	OPT_END,
};

static const char *const subsystems[] = { "ca", "kra", "ocsp", "tks", "tps",
	"acme", "est", NULL };

static const char *
subsystem_of(const char *name)
{
	for (size_t i = 0; subsystems[i] != NULL; i++) {
		size_t n = strlen(subsystems[i]);

		if (strncmp(name, subsystems[i], n) == 0 &&
		    (name[n] == '-' || name[n] == '\0'))
			return subsystems[i];
	}
	return NULL;
}

/* A command of a generic family is found behind any subsystem's name. */
static const struct cmd *
find_cmd(const char *name)
{
	const char *sub = subsystem_of(name);
	const char *rest = sub != NULL ? name + strlen(sub) : "";

	if (*rest == '-')
		rest++;
	for (const struct family *f = families; f->name != NULL; f++) {
		const char *want = f->generic ? rest : name;

		for (const struct cmd *c = f->cmds; c->name != NULL; c++)
			if (strcmp(c->name, want) == 0)
				return c;
	}
	return NULL;
}

static void
print_row(const char *sub, const char *name, const char *text)
{
	char left[80];

	snprintf(
	    left, sizeof(left), "%s%s%s", sub, *sub != '\0' ? "-" : "", name);
	printf(" %-33s %s\n", left, text);
}

/* The commands and families below a word; "" lists the families that are not
 * below another. Returns how many rows there are; prints them if asked. */
static size_t
list_group(const char *word, bool print)
{
	const char *sub = subsystem_of(word);
	size_t n = 0;

	for (const struct family *f = families; f->name != NULL; f++) {
		const char *s = f->generic && sub != NULL ? sub : "";
		char full[96];

		if (f->generic && sub == NULL)
			continue;
		snprintf(full, sizeof(full), "%s%s%s", s, *s != '\0' ? "-" : "",
		    f->name);
		if (strcmp(full, word) == 0) {
			for (const struct cmd *c = f->cmds; c->name != NULL;
			     c++, n++)
				if (print)
					print_row(s, c->name, c->text);
		} else if (strncmp(full, word, strlen(word)) == 0 &&
		    (*word == '\0' || full[strlen(word)] == '-')) {
			if (print)
				print_row(s, f->name, f->text);
			n++;
		}
	}
	return n;
}

static void
print_help(void)
{
	printf("usage: pki [OPTIONS..] <command> [ARGS..]\n\n");
	args_help(global_opts);
	printf("\nCommands:\n");
	list_group("", true);
	printf(
	    "\nEvery subsystem (kra, ocsp, tks, tps) has its own user, group,"
	    " audit, selftest,\njob and config commands: pki kra-user-find."
	    "\nHelp of a command: pki help <command>\n");
}

static enum rc
help_of(const char *name, struct err *e)
{
	const struct cmd *c = find_cmd(name);

	if (c != NULL) {
		printf("usage: %s%s%s [OPTIONS...]\n\n%s\n\n", name,
		    *c->operands != '\0' ? " " : "", c->operands, c->text);
		args_help(c->opts);
		return RC_OK;
	}
	if (list_group(name, false) == 0)
		return err_set(e, RC_USAGE, "Invalid module \"%s\".", name);
	printf("Commands:\n");
	list_group(name, true);
	return RC_OK;
}

/* "<serial number>..." and n operands too few: "Missing serial number". */
static enum rc
check_operands(const struct cmd *c, const struct args *a, struct err *e)
{
	const char *s = c->operands, *end;

	if (c->max >= 0 && args_count(a) > (size_t)c->max)
		return err_set(e, RC_USAGE, "Too many arguments specified");
	if (args_count(a) >= (size_t)c->min)
		return RC_OK;
	for (size_t i = 0; i < args_count(a) && s != NULL; i++)
		s = strchr(s, '>') != NULL ? strchr(s, '>') + 1 : NULL;
	s = s != NULL ? strchr(s, '<') : NULL;
	end = s != NULL ? strchr(s, '>') : NULL;
	if (end == NULL)
		return err_set(e, RC_USAGE, "Missing argument");
	return err_set(e, RC_USAGE, "Missing %.*s", (int)(end - s - 1), s + 1);
}

static enum rc
run_words(struct pki *p, char **words, size_t n, struct err *e)
{
	const char *prefix = args_get(p->global, "t");
	AUTO_BUF name = buf_empty(256);
	AUTO(args) a = NULL;
	const struct cmd *c;
	const char *sub;
	enum rc rc;

	if (strcmp(words[0], "help") == 0) {
		if (n > 1)
			return help_of(words[1], e);
		print_help();
		return RC_OK;
	}
	if (prefix != NULL && !text_starts(words[0], "client-"))
		buf_addf(&name, "%s-", prefix);
	buf_add_str(&name, words[0]);
	if ((c = find_cmd(buf_cstr(&name))) == NULL)
		return help_of(buf_cstr(&name), e);
	rc = args_parse(&a, c->opts, words + 1, n - 1, false, NULL, e);
	if (rc != RC_OK)
		return rc;
	if (args_has(a, "help"))
		return help_of(buf_cstr(&name), e);
	if (args_has(a, "verbose") || args_has(a, "debug"))
		p->verbose = true;
	if ((rc = check_operands(c, a, e)) != RC_OK)
		return rc;
	sub = subsystem_of(buf_cstr(&name));
	p->sub = sub != NULL ? sub : "ca";
	p->fault[0] = '\0';
	return c->run(p, a, e);
}

/* Prints what went wrong, once. */
static int
report(const struct pki *p, const struct err *e)
{
	fflush(stdout);
	if (p->fault[0] != '\0')
		fprintf(stderr, "%s: %s\n", p->fault, buf_cstr(&p->fault_text));
	else
		fprintf(stderr, "ERROR: %s\n", e->text);
	return PKI_EXIT_ERROR;
}

/* Commands from standard input, one a line; with a prompt on standard error,
 * so that what a script reads from us is the answers alone. */
static int
run_lines(struct pki *p, bool prompt)
{
	AUTO_STR line = NULL;
	size_t cap = 0;
	int status = 0;

	p->batch = !prompt;
	for (;;) {
		char *words[PKI_WORDS_MAX];
		struct err e = { 0 };
		size_t n = 0;
		enum rc rc;

		if (prompt) {
			fprintf(stderr, "pki> ");
			fflush(stderr);
		}
		if (getline(&line, &cap, stdin) < 0)
			return status;
		rc = args_split(line, words, &n, &e);
		if (rc == RC_OK && n == 0)
			continue;
		if (rc == RC_OK &&
		    (strcmp(words[0], "exit") == 0 ||
			strcmp(words[0], "quit") == 0))
			return status;
		p->fault[0] = '\0';
		if (rc == RC_OK)
			rc = run_words(p, words, n, &e);
		/* who feeds us through a pipe waits for this answer */
		fflush(stdout);
		if (rc == RC_OK)
			continue;
		status = report(p, &e);
		if (args_has(p->global, "e"))
			return status;
	}
}

static char *
local_host(void)
{
	struct addrinfo hints = { .ai_flags = AI_CANONNAME }, *ai = NULL;
	char name[HOST_NAME_MAX + 1] = "localhost";
	char *out;

	rc_ignore(gethostname(name, sizeof(name) - 1) == 0 ? RC_OK : RC_IO);
	if (strchr(name, '.') == NULL &&
	    getaddrinfo(name, NULL, &hints, &ai) == 0 && ai != NULL &&
	    ai->ai_canonname != NULL)
		out = strdup(ai->ai_canonname);
	else
		out = strdup(name);
	if (ai != NULL)
		freeaddrinfo(ai);
	return out;
}

/* The server as scheme://host:port. */
static enum rc
set_uri(struct pki *p, struct err *e)
{
	const char *uri = args_get(p->global, "U"), *host, *path;
	AUTO_STR own = NULL;
	AUTO_BUF b = buf_empty(PATH_TEXT_MAX);

	if (uri != NULL) {
		if ((host = strstr(uri, "://")) == NULL)
			return err_set(
			    e, RC_USAGE, "Invalid server URI: %s", uri);
		path = strchr(host + 3, '/');
		buf_add(
		    &b, uri, path != NULL ? (size_t)(path - uri) : strlen(uri));
	} else {
		if ((host = args_get(p->global, "h")) == NULL)
			host = own = local_host();
		buf_addf(&b, "%s://%s:%s", args_str(p->global, "P", "https"),
		    host, args_str(p->global, "p", "8443"));
	}
	if ((p->uri = buf_steal_str(&b)) == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	return RC_OK;
}

static enum rc
setup(struct pki *p, struct err *e)
{
	const struct args *g = p->global;
	const char *dir = args_get(g, "d"), *format;
	enum rc rc;

	p->verbose = args_has(g, "verbose") || args_has(g, "debug");
	if (args_has(g, "debug") &&
	    (rc = log_open(NULL, LOG_LEVEL_DEBUG, e)) != RC_OK)
		return rc;
	if ((rc = path_set_root(args_str(g, "root", getenv("PKI_ROOT")), e)) !=
	    RC_OK)
		return rc;
	p->api = args_str(g, "api", "v2");
	if (strcmp(p->api, "v1") != 0 && strcmp(p->api, "v2") != 0)
		return err_set(
		    e, RC_USAGE, "Unsupported API version: %s", p->api);
	format = args_str(g, "message-format", "json");
	if (!text_ieq(format, "json"))
		return err_set(
		    e, RC_USAGE, "Unsupported message format: %s", format);
	if (dir != NULL)
		p->dir = strdup(dir);
	else if (asprintf(&p->dir, "%s/.dogtag/nssdb", path_home()) < 0)
		p->dir = NULL;
	if (p->dir == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	if ((rc = set_uri(p, e)) != RC_OK)
		return rc;
	return pki_passwords(p, e);
}

static void
teardown(struct pki *p)
{
	rest_close(p);
	pki_keystore_close(p);
	args_free(p->global);
	secret_free(p->db_pin);
	secret_free(p->password);
	cfg_free(p->pins);
	free(p->uri);
	free(p->dir);
	buf_done(&p->fault_text);
}

static int
run(struct pki *p, char **words, size_t n)
{
	struct err e = { 0 };
	bool locked;

	/* a client goes on where its memory cannot be locked */
	if (secret_setup(&locked, &e) != RC_OK)
		return report(p, &e);
	size_t used = 0;
	if (args_parse(&p->global, global_opts, words, n, true, &used, &e) !=
	    RC_OK)
		return report(p, &e);
	if (args_has(p->global, "version")) {
		printf("PKI Command-Line Interface %s\n", SIGNET_VERSION);
		return 0;
	}
	if (args_has(p->global, "help")) {
		print_help();
		return 0;
	}
	if (setup(p, &e) != RC_OK)
		return report(p, &e);
	if (used == n) {
		printf("PKI Command-Line Interface %s\n", SIGNET_VERSION);
		fflush(stdout);
		return run_lines(p, true);
	}
	if (strcmp(words[used], "-") == 0)
		return run_lines(p, false);
	if (run_words(p, words + used, n - used, &e) != RC_OK)
		return report(p, &e);
	return 0;
}

int
main(int argc, char **argv)
{
	struct pki p = { .fault_text = { .max = BUF_MAX_DEFAULT } };
	int status = run(&p, argv + 1, argc > 0 ? (size_t)argc - 1 : 0);

	if (fflush(stdout) != 0 && status == 0) {
		perror("ERROR: standard output");
		status = PKI_EXIT_ERROR;
	}
	teardown(&p);
	return status;
}
