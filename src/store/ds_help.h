/* SPDX-License-Identifier: Apache-2.0 */
/* ds_help.h - a real 389 Directory Server for the tests of store/, by script/ds
 * (SCRIPT_DS is its path). */
#ifndef STORE_DS_HELP_H
#define STORE_DS_HELP_H

#include "store/test_help.h"

#include "base/secret.h"

#define DS_SUFFIX "dc=conformance,dc=test"

static char ds_name[32], ds_url[128];

/* Runs script/ds VERB on our server. */
static inline int
ds_script(const char *verb)
{
	AUTO_STR command = NULL;
	char line[sizeof(ds_url)] = "";
	bool start = strcmp(verb, "start") == 0;
	FILE *f;

	if (asprintf(&command, "%s %s %s %s", SCRIPT_DS, verb, ds_name,
		start ? "--suffix " DS_SUFFIX : "") < 0 ||
	    (f = popen(command, "r")) == NULL)
		return -1;
	if (fgets(line, sizeof(line), f) == NULL)
		line[0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	if (start)
		snprintf(ds_url, sizeof(ds_url), "%s", line);
	return pclose(f);
}

static inline struct ldap_params
ds_params(struct secret *password, const char *base, const char *spool)
{
	return (struct ldap_params){ .url = ds_url,
		.bind_dn = "cn=Directory Manager",
		.password = password,
		.base_dn = base,
		.database = "userRoot",
		.domain = "Example Domain",
		.subsystem = "ca",
		.spool_dir = spool,
		.clock = &clock_system };
}

/* A server with the USN plug-in acting; 0 when all is well. */
static inline int
ds_begin(void **state)
{
	AUTO(secret) password = secret_new(view_str("Secret.123"));
	struct ldap_params p;

	(void)state;
	snprintf(ds_name, sizeof(ds_name), "store%d", (int)getpid());
	if (ds_script("start") != 0)
		return -1;
	p = ds_params(password, DS_SUFFIX, NULL);
	OK(store_setup_ldap(&p, e));
	OK(store_setup_ldap(&p, e)); /* a second time does no harm */
	if (ds_script("stop") != 0)
		return -1;
	return ds_script("start");
}

static inline int
ds_end(void **state)
{
	(void)state;
	return ds_script("remove");
}

#endif
