/* SPDX-License-Identifier: Apache-2.0 */
/* pki_session.c - a session of the pki client without its command line.
 * Owns:    what hangs in the struct pki it made.
 * Trusts:  its caller.
 * Threads: none. */
#include "tools/pki_session.h"

#include "base/path.h"

/* The names of the client's own options that its REST calls look at. */
static const struct opt client_opts[] = {
	OPT_LETTER("n", 'n', "nickname", ""),
	OPT_LETTER("u", 'u', "user", ""),
	OPT("token", "name", ""),
	OPT("ignore-cert-status", "list", ""),
	OPT("reject-cert-status", "list", ""),
	OPT("http-output", "folder", ""),
	OPT_FLAG("ignore-banner", ""),
	OPT_END,
};

enum rc
pki_session_open(struct pki *p, const struct pki_session *who, struct err *e)
{
	const char *name = who->nickname != NULL ? who->nickname : who->user;
	char *words[] = { who->nickname != NULL ? (char[]){ "-n" }
						: (char[]){ "-u" },
		(char *)(uintptr_t)name };
	size_t used;

	*p = (struct pki){
		.sub = "ca", .api = "v2", .fault_text = buf_empty(0)
	};
	if (who->dir != NULL)
		p->dir = strdup(who->dir);
	else if (asprintf(&p->dir, "%s/.dogtag/nssdb", path_home()) < 0)
		p->dir = NULL;
	if (p->dir == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	return args_parse(&p->global, client_opts, words, name != NULL ? 2 : 0,
	    false, &used, e);
}

void
pki_session_close(struct pki *p)
{
	rest_close(p);
	pki_keystore_close(p);
	args_free(p->global);
	secret_free(p->db_pin);
	secret_free(p->password);
	buf_done(&p->fault_text);
	free(p->dir);
	free(p->uri);
	*p = (struct pki){ .dir = NULL };
}

enum rc
pki_session_turn(struct pki *p, const char *address, struct err *e)
{
	rest_close(p);
	free(p->uri);
	if (asprintf(&p->uri, "https://%s", address) < 0) {
		p->uri = NULL;
		return err_set(e, RC_NOMEM, "out of memory");
	}
	return RC_OK;
}
