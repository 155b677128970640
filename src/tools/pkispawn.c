/* SPDX-License-Identifier: Apache-2.0 */
/* pkispawn.c - make an instance with a subsystem (spec deployment 2.1, 2.7).
 * Owns:    the process.
 * Trusts:  nothing on its command line or in its file.
 * Threads: one. */
#include <getopt.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/path.h"
#include "base/secret.h"
#include "base/text.h"
#include "deploy/install_ca.h"
#include "tools/pkispawn_ask.h"

enum {
	DEFINES_MAX = 256
};

struct options {
	const char *subsystem, *file, *root, *log_file, *conf, *logs;
	char *defines[DEFINES_MAX];
	size_t n_defines;
	bool precheck, verbose, no_start, enforce_hostname, ask_subsystem;
};

static void
usage(FILE *f)
{
	fputs(
	    "usage: pkispawn [--root DIR] -s CA [-f FILE] [-D name=value]...\n"
	    "\n"
	    "Makes an instance of a certificate authority on this machine and\n"
	    "starts it. Without -f, on a terminal, it asks for what it needs;\n"
	    "without a terminal it takes the defaults. Passwords that nobody\n"
	    "gives are generated and written to files of mode 0600.\n"
	    "\n"
	    "  -s SUBSYSTEM         CA\n"
	    "  -f FILE              deployment parameters "
	    "(pki_default.cfg(5))\n"
	    "  -D NAME=VALUE        one parameter, after the file\n"
	    "  --precheck           only check whether it would work\n"
	    "  --skip-configuration step one: make the instance only\n"
	    "  --skip-installation  step two: configure an instance that is "
	    "there\n"
	    "  --no-start           do not start the server\n"
	    "  --enforce-hostname   refuse a host name like localhost\n"
	    "  --conf DIR, --logs DIR\n"
	    "                       other folders for configuration and logs\n"
	    "  --log-file FILE      write what is done to FILE\n"
	    "  --root DIR           stands before every path (or PKI_ROOT)\n"
	    "  --with-maven-deps    accepted, without effect\n"
	    "  -v, --verbose        tell each step\n"
	    "  --debug              as -v, with debugging lines\n"
	    "  -h, --help           this text\n"
	    "  --version            the version\n",
	    f);
}

/* The user typed it; what the process list shows is overwritten. */
static char *
take_secret_arg(char *arg)
{
	char *copy = strdup(arg), *eq = strchr(arg, '=');

	if (eq != NULL) {
		*eq = '\0';
		bool secret = values_is_sensitive(arg);
		*eq = '=';
		if (secret)
			memset(eq + 1, '*', strlen(eq + 1));
	}
	return copy;
}

/* Options that are only switches, set by getopt_long itself. */
static int opt_precheck, opt_no_start, opt_enforce, opt_verbose, opt_debug,
    opt_skip_configuration, opt_skip_installation;

enum {
	OPT_ROOT = 256,
	OPT_LOG_FILE,
	OPT_CONF,
	OPT_LOGS,
	OPT_MAVEN,
	OPT_VERSION
};

static const struct option longs[] = {
	{ "root", required_argument, NULL, OPT_ROOT },
	{ "precheck", no_argument, &opt_precheck, 1 },
	{ "no-start", no_argument, &opt_no_start, 1 },
	{ "enforce-hostname", no_argument, &opt_enforce, 1 },
	{ "log-file", required_argument, NULL, OPT_LOG_FILE },
	{ "with-maven-deps", no_argument, NULL, OPT_MAVEN },
	{ "conf", required_argument, NULL, OPT_CONF },
	{ "logs", required_argument, NULL, OPT_LOGS },
	{ "skip-configuration", no_argument, &opt_skip_configuration, 1 },
	{ "skip-installation", no_argument, &opt_skip_installation, 1 },
	{ "verbose", no_argument, NULL, 'v' },
	{ "debug", no_argument, &opt_debug, 1 },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

/* One option; 0 = go on, else exit status + 1. */
static int
take_option(struct options *o, int c)
{
	switch (c) {
	case 0:
		return 0;
	case 's':
		o->subsystem = optarg;
		return 0;
	case 'f':
		o->file = optarg;
		return 0;
	case 'D':
		if (o->n_defines == DEFINES_MAX) {
			fprintf(stderr,
			    "ERROR: more than %d options -D: write them into "
			    "a file\n",
			    DEFINES_MAX);
			return 3;
		}
		o->defines[o->n_defines++] = take_secret_arg(optarg);
		return 0;
	case 'v':
		opt_verbose = 1;
		return 0;
	case OPT_ROOT:
		o->root = optarg;
		return 0;
	case OPT_CONF:
		o->conf = optarg;
		return 0;
	case OPT_LOGS:
		o->logs = optarg;
		return 0;
	case OPT_LOG_FILE:
		o->log_file = optarg;
		return 0;
	case OPT_MAVEN: /* there is no servlet container */
		return 0;
	case 'h':
		usage(stdout);
		return 1;
	case OPT_VERSION:
		puts("pkispawn " SIGNET_VERSION);
		return 1;
	default:
		usage(stderr);
		return 3;
	}
}

/* 0 = go on, else exit status + 1. */
static int
parse_options(struct options *o, int argc, char **argv)
{
	int c, n = 0;

	while (n == 0 &&
	    (c = getopt_long(argc, argv, "s:f:D:vh", longs, NULL)) != -1)
		n = take_option(o, c);
	if (n != 0)
		return n;
	o->precheck = opt_precheck != 0;
	o->no_start = opt_no_start != 0;
	o->enforce_hostname = opt_enforce != 0;
	o->verbose = opt_verbose != 0 || opt_debug != 0;
	if (o->precheck && o->file == NULL) {
		fputs("ERROR: --precheck needs -f\n", stderr);
		return 3;
	}
	if (optind < argc) {
		usage(stderr);
		return 3;
	}
	return 0;
}

static void
notice(void *arg, const char *line)
{
	(void)arg;
	printf("%s\n", line);
}

static void
say(void *arg, const char *line)
{
	const struct options *o = arg;

	if (o->verbose)
		printf("INFO: %s\n", line);
	if (o->log_file != NULL)
		log_info("spawn", "%s", line);
}

/* --- work --------------------------------------------------------------------- */

static enum rc
read_values(struct options *o, struct values *v, struct err *e)
{
	enum rc rc;

	if (o->file != NULL) {
		printf("Loading deployment configuration from %s.\n", o->file);
		if ((rc = values_load(v, o->file, notice, NULL, e)) != RC_OK)
			return rc;
	}
	for (size_t i = 0; i < o->n_defines; i++) {
		rc = values_define(v, o->defines[i], notice, NULL, e);
		if (rc != RC_OK)
			return rc;
	}
	values_inert(v, notice, NULL);
	if (o->file == NULL && o->n_defines == 0 && isatty(0) && isatty(1))
		return pkispawn_ask(v, o->ask_subsystem, e);
	return RC_OK;
}

static enum rc
check_host(const struct options *o, struct values *v, struct err *e)
{
	const char *h = values_str(v, "pki_hostname");

	if (o->enforce_hostname &&
	    (text_starts(h, "localhost") || strchr(h, '.') == NULL))
		return err_set(e, RC_INVALID,
		    "host name %.128s is no fully qualified name", h);
	if (strchr(h, '.') == NULL)
		puts("DNS domain name has not been set - using the hostname "
		     "instead.");
	return RC_OK;
}

static enum rc
spawn(struct options *o, struct err *e)
{
	AUTO(values) v = NULL;
	struct spawn_params p = { .precheck = o->precheck,
		.no_start = o->no_start,
		.skip_configuration = opt_skip_configuration != 0,
		.skip_installation = opt_skip_installation != 0,
		.folders = { o->conf, o->logs },
		.say = say,
		.arg = o };
	struct spawn_result r = { buf_empty(0) };
	bool locked;
	enum rc rc;

	o->ask_subsystem = o->subsystem == NULL;
	if (o->subsystem == NULL)
		o->subsystem = "CA";
	if (strcmp(o->subsystem, "CA") != 0)
		return err_set(e, RC_UNSUPPORTED,
		    "subsystem %.16s is not supported by this version",
		    o->subsystem);
	if ((rc = path_set_root(
		 o->root != NULL ? o->root : getenv("PKI_ROOT"), e)) != RC_OK ||
	    (rc = secret_setup(&locked, e)) != RC_OK ||
	    (rc = values_new(&v, o->subsystem, e)) != RC_OK ||
	    (rc = read_values(o, v, e)) != RC_OK ||
	    (rc = values_check(v, e)) != RC_OK ||
	    (rc = check_host(o, v, e)) != RC_OK)
		return rc;
	if (opt_debug)
		log_set_level(LOG_LEVEL_DEBUG);
	if (o->log_file != NULL) {
		rc = log_open(o->log_file,
		    opt_debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, e);
		if (rc != RC_OK)
			return rc;
		printf("Installation log: %s\n", o->log_file);
	}
	p.values = v;
	if (!o->precheck)
		printf("Installing %s into %s.\n", o->subsystem,
		    values_str(v, "pki_instance_path"));
	fflush(stdout);
	umask(0007);
	rc = spawn_ca(&p, &r, e);
	if (rc == RC_OK && o->precheck)
		puts("pre-checks completed successfully.");
	else if (rc == RC_OK)
		fputs(buf_cstr(&r.summary), stdout);
	buf_done(&r.summary);
	return rc;
}

/* Is the error stream another file than the output? */
static bool
errors_apart(void)
{
	struct stat out, err;

	return fstat(STDOUT_FILENO, &out) == 0 &&
	    fstat(STDERR_FILENO, &err) == 0 &&
	    (out.st_dev != err.st_dev || out.st_ino != err.st_ino);
}

/* The model tells a failure among its output, between empty lines; here it is
 * on the error stream too. */
static void
tell_failure(const struct options *o, const struct err *e)
{
	const char *what =
	    text_starts(e->text, "ERROR:") ? "" : "Installation failed: ";

	printf("\n%s%s\n\n", what, e->text);
	if (o->log_file != NULL)
		printf("Please check pkispawn logs in %s\n", o->log_file);
	fflush(stdout);
	if (!errors_apart())
		return;
	fprintf(stderr, "%s%s\n", what, e->text);
	if (o->log_file != NULL)
		fprintf(
		    stderr, "Please check pkispawn logs in %s\n", o->log_file);
}

int
main(int argc, char **argv)
{
	static struct options o;
	struct err e = { RC_OK, "" };
	int n = parse_options(&o, argc, argv);
	enum rc rc;

	if (n != 0)
		return n - 1;
	rc = spawn(&o, &e);
	for (size_t i = 0; i < o.n_defines; i++) {
		memset(o.defines[i], 0, strlen(o.defines[i]));
		free(o.defines[i]);
	}
	if (rc == RC_OK)
		return 0;
	tell_failure(&o, &e);
	return rc_exit(rc);
}
