/* SPDX-License-Identifier: Apache-2.0 */
/* pki_db.c - the user's NSS database and the passwords of one run.
 * Owns:    the keystore of the session.
 * Trusts:  the user's files.
 * Threads: none. */
#include "tools/pki.h"

#include <unistd.h>

#include "base/cfg.h"
#include "base/file.h"
#include "base/text.h"

static bool
is_internal(const char *token)
{
	return token == NULL || *token == '\0' || text_ieq(token, "internal") ||
	    text_ieq(token, "Internal Key Storage Token");
}

/* internal=... and hardware-TOKEN=... of -f; -c and -C are for the token that
 * --token names, else for the database. */
static struct secret *
pin(void *arg, const char *token)
{
	const struct pki *p = arg;
	const char *name = args_get(p->global, "token"), *s = NULL;

	if (p->pins != NULL) {
		s = is_internal(token)
		    ? cfg_get(p->pins, "internal")
		    : cfg_getf(p->pins, "hardware-%s", token);
		return s != NULL ? secret_new(view_str(s)) : NULL;
	}
	if (p->db_pin != NULL &&
	    (is_internal(token) || (name != NULL && text_ieq(name, token))))
		return secret_new(secret_view(p->db_pin));
	return is_internal(token) ? secret_new(view_str("")) : NULL;
}

static bool
pin_given(const struct pki *p)
{
	return p->db_pin != NULL || p->pins != NULL;
}

/* locked: only as far as goes without the password of the database. */
static struct secret *
pin_if_given(void *arg, const char *token)
{
	const struct pki *p = arg;

	return pin_given(p) ? pin(arg, token) : NULL;
}

static enum rc
open_db(struct pki *p, bool locked, struct err *e)
{
	struct keystore_open_params o = { .dir = p->dir,
		.create = true,
		.pin = locked ? pin_if_given : pin,
		.pin_arg = p };
	enum rc rc;

	pki_say(p, "Opening NSS database %s", p->dir);
	if (!file_exists(p->dir) &&
	    (rc = file_mkdirs(p->dir, 0755, e)) != RC_OK)
		return rc;
	rc = keystore_open(&p->ks, &o, e);
	p->ks_locked = rc == RC_OK && locked && !pin_given(p);
	return rc;
}

/* The password, where people and scripts give it: on the terminal, else as a
 * line of standard input. */
static enum rc
ask_pin(struct pki *p, struct err *e)
{
	if (isatty(STDIN_FILENO))
		return secret_ask(
		    &p->db_pin, "Password of the NSS database: ", e);
	if (p->batch)
		return err_set(e, RC_NOTFOUND, "no password");
	return secret_read_fd(&p->db_pin, STDIN_FILENO, "standard input", e);
}

enum rc
pki_keystore(struct pki *p, struct keystore **out, struct err *e)
{
	enum rc rc = RC_OK;

	if (p->ks != NULL && p->ks_locked)
		pki_keystore_close(p);
	if (p->ks == NULL) {
		rc = open_db(p, false, e);
		if (rc == RC_AUTH && !pin_given(p) &&
		    ask_pin(p, NULL) == RC_OK &&
		    (rc = open_db(p, false, e)) == RC_AUTH) {
			secret_free(p->db_pin); /* the next command may ask */
			p->db_pin = NULL;
		}
	}
	if (rc == RC_AUTH)
		return err_set(e, rc,
		    "%.200s; the password of the NSS database is given "
		    "with -C FILE, before the command",
		    e->text);
	if (rc == RC_OK)
		*out = p->ks;
	return rc;
}

enum rc
pki_keystore_certs(struct pki *p, struct keystore **out, struct err *e)
{
	enum rc rc = RC_OK;

	if (pin_given(p))
		return pki_keystore(p, out, e);
	if (p->ks == NULL)
		rc = open_db(p, true, e);
	if (rc == RC_OK)
		*out = p->ks;
	return rc;
}

void
pki_keystore_close(struct pki *p)
{
	keystore_free(p->ks);
	p->ks = NULL;
}

/* More than one of them set? */
static bool
several(const struct args *g, const char *a, const char *b, const char *c)
{
	int n = args_has(g, a) + args_has(g, b);

	return n + (c != NULL && args_has(g, c)) > 1;
}

/* A password file's lines are checked as the server checks password.conf. */
static enum rc
load_pins(struct pki *p, const char *path, struct err *e)
{
	AUTO_BUF text = buf_empty(0);
	enum rc rc = file_read(&text, path, e);
	char *line, *rest;
	int number = 0;

	if (rc != RC_OK)
		return rc;
	if ((p->pins = cfg_new()) == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	rest = (char *)text.data;
	while (rest != NULL && (line = strsep(&rest, "\n")) != NULL) {
		char *eq = strchr(line, '=');

		number++;
		line = text_trim(line);
		if (*line == '\0' || *line == '#')
			continue;
		if (eq == NULL) {
			rc = err_set(e, RC_INVALID,
			    "Missing delimiter in %s:%d", path, number);
			break;
		}
		*eq = '\0';
		rc = cfg_set(p->pins, text_trim(line), text_trim(eq + 1), e);
		if (rc != RC_OK)
			break;
	}
	buf_wipe(&text);
	return rc;
}

enum rc
pki_passwords(struct pki *p, struct err *e)
{
	const struct args *g = p->global;
	enum rc rc;

	if (several(g, "c", "C", "f"))
		return err_set(e, RC_USAGE,
		    "The -c, -C, -f options are mutually exclusive.");
	if (several(g, "n", "u", NULL))
		return err_set(e, RC_USAGE,
		    "The -n and -u options are mutually exclusive.");
	if (several(g, "w", "W", NULL))
		return err_set(e, RC_USAGE,
		    "The -w and -W options are mutually exclusive.");
	if (args_has(g, "f") &&
	    (rc = load_pins(p, args_get(g, "f"), e)) != RC_OK)
		return rc;
	if ((rc = args_password(g, "c", "C", &p->db_pin, e)) != RC_OK)
		return rc;
	if ((rc = args_password(g, "w", "W", &p->password, e)) != RC_OK)
		return rc;
	if (args_has(g, "u") && p->password == NULL)
		return secret_ask(&p->password, "Enter Password: ", e);
	return RC_OK;
}
