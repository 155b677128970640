/* SPDX-License-Identifier: Apache-2.0 */
/* conformance_389ds.c - the conformance suite over a real 389 Directory Server.
 * Owns:    one server for all cases; a base entry and a spool for each.
 * Trusts:  nothing.
 * Threads: as conformance.c. */
#include "store/conformance.h"

#include "store/ds_help.h"

static char *folder, *other_folder;
static struct store *other; /* another process on the same directory */
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

static struct store *
open_at(const char *spool, bool set_up)
{
	AUTO(secret) password = secret_new(view_str("Secret.123"));
	struct ldap_params p;
	struct store *s = NULL;
	char base[128];

	snprintf(base, sizeof(base), "o=case%u,%s", cases, DS_SUFFIX);
	p = ds_params(password, base, spool);
	if (set_up)
		OK(store_setup_ldap(&p, e));
	OK(store_open_ldap(&s, &p, e));
	return s;
}

struct store *
conformance_open(void)
{
	cases++;
	folder = help_folder();
	return open_at(folder, true);
}

void
conformance_elsewhere(struct rec *r)
{
	AUTO(batch) b = batch_new();

	if (other == NULL) {
		other_folder = help_folder();
		other = open_at(other_folder, false);
	}
	batch_add(b, r);
	OK(store_commit(other, b, e));
}

void
conformance_close(struct store *s)
{
	store_free(s);
	help_remove(folder);
	if (other == NULL)
		return;
	store_free(other);
	help_remove(other_folder);
	other = NULL;
}
