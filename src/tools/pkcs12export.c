/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs12export.c - PKCS12Export: all certificates of an NSS database with their
 * keys, chain and trust as one PKCS #12 file (spec deployment 7.9).
 * Owns:    the database and passwords of one run.
 * Trusts:  the user's database.
 * Threads: none. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "keys/names.h"
#include "keys/pkcs12.h"

struct options {
	const char *dir, *nss_password, *p12_password, *output;
	bool debug, help;
};

static void
usage(FILE *f)
{
	fprintf(f,
	    "Usage: PKCS12Export [OPTIONS]\n\n"
	    "  -d <folder>   NSS database\n"
	    "  -p <file>     File with the NSS database password\n"
	    "  -w <file>     File with the PKCS #12 password\n"
	    "  -o <file>     PKCS #12 file to write\n"
	    "  -debug        Run in debug mode\n"
	    "  -s            Accepted and ignored\n"
	    "  -help         Show this\n");
}

static bool
read_options(struct options *o, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const struct {
			const char *name;
			const char **value;
		} with_value[] = {
			{ "-d", &o->dir },
			{ "-p", &o->nss_password },
			{ "-w", &o->p12_password },
			{ "-o", &o->output },
		};
		bool taken = false;

		for (size_t j = 0; j < 4 && i + 1 < argc && !taken; j++) {
			if (strcmp(argv[i], with_value[j].name) == 0) {
				*with_value[j].value = argv[++i];
				taken = true;
			}
		}
		if (taken || strcmp(argv[i], "-s") == 0)
			continue;
		if (strcmp(argv[i], "-debug") == 0)
			o->debug = true;
		else if (strcmp(argv[i], "-help") == 0 ||
		    strcmp(argv[i], "--help") == 0)
			o->help = true;
		else
			return false;
	}
	return o->help ||
	    (o->dir != NULL && o->nss_password != NULL &&
		o->p12_password != NULL && o->output != NULL);
}

/* The walk over the certificates. */
struct walk {
	struct pkcs12 *p12;
	struct keystore *ks;
	bool debug;
	enum rc rc;
	struct err *e;
};

static bool
add(void *arg, const struct keystore_cert *c)
{
	struct walk *w = arg;
	AUTO_BUF name = buf_empty(0);

	/* the token is named so that a colon in the nickname stays one */
	buf_addf(&name, "%s:%s", NAMES_INTERNAL, c->nickname);
	w->rc = buf_check(&name, w->e);
	if (w->rc == RC_OK)
		w->rc = pkcs12_add_from(
		    w->p12, w->ks, buf_cstr(&name), false, false, w->e);
	if (w->rc == RC_OK && w->debug)
		fprintf(stderr, "DEBUG: certificate \"%s\" %s\n", c->nickname,
		    c->has_key ? "with its key" : "without key");
	return w->rc == RC_OK;
}

static struct secret *
give_pin(void *arg, const char *token)
{
	return names_is_internal(token) ? secret_new(secret_view(arg)) : NULL;
}

static enum rc
run(const struct options *o, struct err *e)
{
	AUTO(secret) nss = NULL;
	AUTO(secret) password = NULL;
	AUTO(keystore) ks = NULL;
	AUTO(pkcs12) p12 = pkcs12_new();
	AUTO_BUF der = buf_empty(0);
	enum rc rc;

	if (p12 == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	if ((rc = secret_read_file(&nss, o->nss_password, e)) != RC_OK ||
	    (rc = secret_read_file(&password, o->p12_password, e)) != RC_OK)
		return rc;
	struct keystore_open_params p = { .dir = o->dir,
		.read_only = true,
		.pin = give_pin,
		.pin_arg = nss };
	if ((rc = keystore_open(&ks, &p, e)) != RC_OK)
		return rc;
	struct walk w = { p12, ks, o->debug, RC_OK, e };
	rc = keystore_each_cert(ks, NAMES_INTERNAL, add, &w, e);
	if (rc == RC_OK)
		rc = w.rc;
	if (rc == RC_OK)
		rc = pkcs12_encode(&der, p12, password, e);
	if (rc != RC_OK)
		return rc;
	return file_write(o->output, buf_view(&der), 0600, e);
}

int
main(int argc, char **argv)
{
	struct options o = { 0 };
	struct err e = { .rc = RC_OK };
	bool locked;

	if (!read_options(&o, argc, argv)) {
		usage(stderr);
		return 1;
	}
	if (o.help) {
		usage(stdout);
		return 0;
	}
	if (secret_setup(&locked, &e) != RC_OK || run(&o, &e) != RC_OK) {
		fprintf(stderr, "Unable to export PKCS #12 file: %s\n", e.text);
		return 1;
	}
	printf("Export complete.\n");
	return 0;
}
