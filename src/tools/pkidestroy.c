/* SPDX-License-Identifier: Apache-2.0 */
/* pkidestroy.c - remove a subsystem and its instance (spec deployment 2.1).
 * Owns:    the process.
 * Trusts:  nothing on its command line.
 * Threads: one. */
#include <getopt.h>
#include <stdio.h>
#include <unistd.h>

#include "base/path.h"
#include "base/text.h"
#include "deploy/install_ca.h"

static void
usage(FILE *f)
{
	fputs("usage: pkidestroy [--root DIR] -s CA [-i INSTANCE]\n"
	      "\n"
	      "Stops and removes a subsystem; the instance goes with its last\n"
	      "one. Configuration and logs stay unless they are named.\n"
	      "\n"
	      "  -s SUBSYSTEM    CA\n"
	      "  -i INSTANCE     default pki-tomcat\n"
	      "  --force         go on where parts are missing\n"
	      "  --remove-conf   remove the configuration too\n"
	      "  --remove-logs   remove the logs too\n"
	      "  --root DIR      stands before every path (or PKI_ROOT)\n"
	      "  -v, --verbose   accepted\n"
	      "  -h, --help      this text\n"
	      "  --version       the version\n",
	    f);
}

struct command {
	struct destroy_params p;
	const char *root;
};

/* Reads the command line. Returns -1 to go on, or the status to exit with. */
static int
parse(struct command *o, int argc, char **argv)
{
	enum {
		ROOT = 256,
		FORCE,
		CONF,
		LOGS,
		VERSION
	};
	static const struct option longs[] = {
		{ "root", required_argument, NULL, ROOT },
		{ "force", no_argument, NULL, FORCE },
		{ "remove-conf", no_argument, NULL, CONF },
		{ "remove-logs", no_argument, NULL, LOGS },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, VERSION },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "s:i:vh", longs, NULL)) != -1) {
		switch (c) {
		case 's':
			o->p.subsystem = optarg;
			break;
		case 'i':
			o->p.instance = optarg;
			break;
		case 'v':
			break;
		case ROOT:
			o->root = optarg;
			break;
		case FORCE:
			o->p.force = true;
			break;
		case CONF:
			o->p.remove_conf = true;
			break;
		case LOGS:
			o->p.remove_logs = true;
			break;
		case 'h':
			usage(stdout);
			return 0;
		case VERSION:
			puts("pkidestroy " SIGNET_VERSION);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (o->p.subsystem != NULL && optind >= argc)
		return -1;
	usage(stderr);
	return 2;
}

int
main(int argc, char **argv)
{
	struct command o = { .p = { .instance = "pki-tomcat" } };
	struct err e = { RC_OK, "" };
	int status = parse(&o, argc, argv);
	enum rc rc;

	if (status >= 0)
		return status;
	rc = path_set_root(o.root != NULL ? o.root : getenv("PKI_ROOT"), &e);
	if (rc == RC_OK) {
		printf("Uninstalling %s from %s/var/lib/pki/%s.\n",
		    o.p.subsystem, path_root(), o.p.instance);
		fflush(stdout);
		rc = spawn_destroy(&o.p, &e);
	}
	if (rc != RC_OK) {
		fprintf(stderr, "ERROR: %s\n", e.text);
		return rc_exit(rc);
	}
	puts("\nUninstallation complete.");
	return 0;
}
