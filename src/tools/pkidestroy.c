/* SPDX-License-Identifier: Apache-2.0 */
/* pkidestroy.c - remove a subsystem and its instance (spec deployment 2.1).
 * Owns:    the process.
 * Trusts:  nothing on its command line.
 * Threads: one. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/log.h"
#include "base/path.h"
#include "base/text.h"
#include "deploy/install_ca.h"

enum {
	ANSWER_MAX = 128,
	ROOT = 256,
	FORCE,
	CONF,
	LOGS,
	LOG_FILE,
	VERSION
};

static void
usage(FILE *f)
{
	fputs("usage: pkidestroy [--root DIR] -s CA [-i INSTANCE]\n"
	      "\n"
	      "Stops and removes a subsystem; the instance goes with its last\n"
	      "one. Configuration and logs stay unless they are named. On a\n"
	      "terminal it asks for what is not given.\n"
	      "\n"
	      "  -s SUBSYSTEM      CA\n"
	      "  -i INSTANCE       default pki-tomcat\n"
	      "  --force           go on where parts are missing\n"
	      "  --remove-conf     remove the configuration too\n"
	      "  --remove-logs     remove the logs too\n"
	      "  --log-file FILE   write what is done to FILE\n"
	      "  --root DIR        stands before every path (or PKI_ROOT)\n"
	      "  -u USER, -W FILE, -v, --verbose, --debug\n"
	      "                    accepted, without effect\n"
	      "  -h, --help        this text\n"
	      "  --version         the version\n",
	    f);
}

struct options {
	struct destroy_params p;
	const char *root, *log_file;
	bool instance_given;
};

/* One option; 0 = go on, else exit status + 1. */
static int
take_option(struct options *o, int c)
{
	switch (c) {
	case 's':
		o->p.subsystem = optarg;
		return 0;
	case 'i':
		o->p.instance = optarg;
		o->instance_given = true;
		return 0;
	case 'u':
	case 'W':
	case 'v':
		return 0;
	case ROOT:
		o->root = optarg;
		return 0;
	case FORCE:
		o->p.force = true;
		return 0;
	case CONF:
		o->p.remove_conf = true;
		return 0;
	case LOGS:
		o->p.remove_logs = true;
		return 0;
	case LOG_FILE:
		o->log_file = optarg;
		return 0;
	case 'h':
		usage(stdout);
		return 1;
	case VERSION:
		puts("pkidestroy " SIGNET_VERSION);
		return 1;
	default:
		usage(stderr);
		return 3;
	}
}

/* A line of the terminal, or def for an empty one; false at its end. */
static bool
ask(char out[ANSWER_MAX], const char *question, const char *def)
{
	char line[ANSWER_MAX], *s;

	printf("%s [%s]: ", question, def);
	fflush(stdout);
	if (fgets(line, sizeof(line), stdin) == NULL)
		return false;
	s = text_trim(line);
	snprintf(out, ANSWER_MAX, "%s", s[0] != '\0' ? s : def);
	return true;
}

/* Without -s: which, where, and whether. */
static bool
interview(struct options *o)
{
	static char subsystem[ANSWER_MAX], instance[ANSWER_MAX];
	char sure[ANSWER_MAX];

	if (!ask(subsystem, "Subsystem (CA/KRA/OCSP/TKS/TPS)", "CA") ||
	    (!o->instance_given && !ask(instance, "Instance", "pki-tomcat")))
		return false;
	puts("");
	if (!ask(sure, "Begin uninstallation (Yes/No)", "No") ||
	    (sure[0] != 'y' && sure[0] != 'Y'))
		return false;
	o->p.subsystem = subsystem;
	if (!o->instance_given)
		o->p.instance = instance;
	return true;
}

static enum rc
destroy(const struct options *o, struct err *e)
{
	enum rc rc =
	    path_set_root(o->root != NULL ? o->root : getenv("PKI_ROOT"), e);

	if (rc == RC_OK && o->log_file != NULL &&
	    (rc = log_open(o->log_file, LOG_LEVEL_INFO, e)) == RC_OK)
		printf("Uninstallation log: %s\n", o->log_file);
	if (rc != RC_OK)
		return rc;
	printf("Uninstalling %s from %s/var/lib/pki/%s.\n", o->p.subsystem,
	    path_root(), o->p.instance);
	fflush(stdout);
	rc = spawn_destroy(&o->p, e);
	if (o->log_file != NULL)
		log_info("destroy", "subsystem=%s instance=%s %s",
		    o->p.subsystem, o->p.instance,
		    rc == RC_OK ? "removed" : e->text);
	return rc;
}

int
main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "root", required_argument, NULL, ROOT },
		{ "force", no_argument, NULL, FORCE },
		{ "remove-conf", no_argument, NULL, CONF },
		{ "remove-logs", no_argument, NULL, LOGS },
		{ "log-file", required_argument, NULL, LOG_FILE },
		{ "verbose", no_argument, NULL, 'v' },
		{ "debug", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, VERSION },
		{ NULL, 0, NULL, 0 },
	};
	struct options o = { .p = { .instance = "pki-tomcat" } };
	struct err e = { RC_OK, "" };
	int c, n = 0;
	enum rc rc;

	while (n == 0 &&
	    (c = getopt_long(argc, argv, "s:i:u:W:vh", longs, NULL)) != -1)
		n = take_option(&o, c);
	if (n != 0)
		return n - 1;
	if (optind < argc ||
	    (o.p.subsystem == NULL && (!isatty(0) || !isatty(1)))) {
		usage(stderr);
		return 2;
	}
	if (o.p.subsystem == NULL && !interview(&o)) {
		fputs("ERROR: uninstallation cancelled\n", stderr);
		return 1;
	}
	rc = destroy(&o, &e);
	if (rc == RC_NOTFOUND && o.p.force) {
		/* what a failed installation left: nothing */
		fprintf(stderr, "WARNING: %s\n", e.text);
		rc = RC_OK;
	}
	if (rc != RC_OK) {
		fprintf(stderr, "ERROR: %s\n", e.text);
		return rc_exit(rc);
	}
	puts("\nUninstallation complete.");
	return 0;
}
