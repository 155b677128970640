/* SPDX-License-Identifier: Apache-2.0 */
/* conformance_389ds.c - the conformance suite over a real 389 Directory Server.
 * Owns:    one server for all cases; a base entry and a spool for each.
 * Trusts:  nothing.
 * Threads: as conformance.c. */
#include "store/conformance.h"

#include "store/ds_help.h"

static char *folder;
static unsigned cases;

int
conformance_begin(void **state)
{
	return ds_begin(state);
}

int
conformance_end(void **state)
{
	return ds_end(state);
}

struct store *
conformance_open(void)
{
	AUTO(secret) password = secret_new(view_str("Secret.123"));
	struct ldap_params p;
	struct store *s = NULL;
	char base[128];

	folder = help_folder();
	snprintf(base, sizeof(base), "o=case%u,%s", ++cases, DS_SUFFIX);
	p = ds_params(password, base, folder);
	OK(store_setup_ldap(&p, e));
	OK(store_open_ldap(&s, &p, e));
	return s;
}

void
conformance_close(struct store *s)
{
	store_free(s);
	help_remove(folder);
}
