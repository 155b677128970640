/* SPDX-License-Identifier: Apache-2.0 */
/* conformance_389ds.c - the conformance suite over a real 389 Directory Server,
 * started by script/ds.
 * usage: store_conformance_389ds SCRIPT_DS   (its path)
 * Owns:    one server for all cases; a base entry and a spool for each.
 * Trusts:  nothing.
 * Threads: as conformance.c. */
#include "store/conformance.h"

#include "base/secret.h"

#define SUFFIX "dc=conformance,dc=test"

static char name[32], url[128], base[128], *folder;
static unsigned cases;

/* Runs script/ds; the first line of its output into out. */
static int
script(const char *verb, char *out, size_t size)
{
	AUTO_STR command = NULL;
	char line[256] = "";
	FILE *f;

	if (asprintf(&command, "%s %s %s %s", SCRIPT_DS, verb, name,
		strcmp(verb, "start") == 0 ? "--suffix " SUFFIX : "") < 0 ||
	    (f = popen(command, "r")) == NULL)
		return -1;
	if (fgets(line, sizeof(line), f) == NULL)
		line[0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (out != NULL)
		snprintf(out, size, "%s", line);
	return pclose(f);
}

static struct ldap_params
params(struct secret *password)
{
	return (struct ldap_params){ .url = url,
		.bind_dn = "cn=Directory Manager",
		.password = password,
		.base_dn = base,
		.database = "userRoot",
		.subsystem = "ca",
		.spool_dir = folder,
		.clock = &clock_system };
}

int
conformance_begin(void **state)
{
	AUTO(secret) password = secret_new(view_str("Secret.123"));
	struct ldap_params p;

	(void)state;
	snprintf(name, sizeof(name), "store%d", (int)getpid());
	if (script("start", url, sizeof(url)) != 0)
		return -1;
	snprintf(base, sizeof(base), "%s", SUFFIX);
	p = params(password);
	OK(store_setup_ldap(&p, e));
	OK(store_setup_ldap(&p, e)); /* a second time does no harm */
	/* the USN plug-in acts from the next start on */
	if (script("stop", NULL, 0) != 0)
		return -1;
	return script("start", url, sizeof(url));
}

int
conformance_end(void **state)
{
	(void)state;
	return script("remove", NULL, 0);
}

struct store *
conformance_open(void)
{
	AUTO(secret) password = secret_new(view_str("Secret.123"));
	struct ldap_params p;
	struct store *s = NULL;

	folder = help_folder();
	snprintf(base, sizeof(base), "o=case%u,%s", ++cases, SUFFIX);
	p = params(password);
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
