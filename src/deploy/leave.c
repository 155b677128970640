/* SPDX-License-Identifier: Apache-2.0 */
/* leave.c - out of the security domain.
 * Owns:    keystore and store for one call.
 * Trusts:  the instance's own settings; the manager's certificate only when it
 *          chains to an issuer that the instance trusts.
 * Threads: one. */
#include "deploy/leave.h"

#include "auth/user.h"
#include "domain/domain_client.h"
#include "instance/dbconf.h"
#include "instance/password.h"
#include "keys/keystore.h"
#include "keys/roots.h"

enum {
	LEAVE_MS = 15000,
	MODULES_MAX = 8
};

/* What is known of the instance. */
struct leaver {
	const struct instance_paths *paths;
	struct cfg *cs, *server, *passwords;
	struct domain_host self;
};

static void
leaver_done(struct leaver *l)
{
	cfg_free(l->cs);
	cfg_free(l->server);
	cfg_free(l->passwords);
}

static enum rc
load(struct leaver *l, const char *sub, struct err *e)
{
	AUTO_STR path = paths_cs_cfg(l->paths, sub);
	const char *name;
	int64_t port;
	enum rc rc;

	l->cs = cfg_new();
	l->server = cfg_new();
	l->passwords = cfg_new();
	if (path == NULL || l->cs == NULL || l->server == NULL ||
	    l->passwords == NULL)
		return err_set(e, RC_NOMEM, "settings");
	if ((rc = cfg_load(l->cs, path, e)) != RC_OK ||
	    (rc = cfg_load(l->server, l->paths->server, e)) != RC_OK ||
	    (rc = cfg_load(l->passwords, l->paths->password, e)) != RC_OK ||
	    (rc = cfg_int(l->server, &port, "https.port", 1, 65535, 8443, e)) !=
		RC_OK)
		return rc;
	name = cfg_str(l->server, "host", "");
	if (strlen(name) >= sizeof(l->self.name) ||
	    strlen(cfg_str(l->cs, "cs.type", "")) >= sizeof(l->self.type))
		return err_set(e, RC_INVALID, "server.cfg: host is too long");
	snprintf(l->self.name, sizeof(l->self.name), "%s", name);
	snprintf(l->self.type, sizeof(l->self.type), "%s",
	    cfg_str(l->cs, "cs.type", "CA"));
	l->self.secure = (int)port;
	return domain_host_check(&l->self, e);
}

static struct secret *
pin(void *arg, const char *token)
{
	const struct leaver *l = arg;
	struct secret *s = NULL;

	/* a token without a PIN is one that cannot be opened */
	rc_ignore(
	    password_token(&s, l->passwords, l->paths->name, token, NULL));
	return s;
}

static enum rc
open_keys(struct leaver *l, struct keystore **out, struct err *e)
{
	struct keystore_module modules[MODULES_MAX];
	struct keystore_open_params p = { .dir = l->paths->alias,
		.modules = modules,
		.pin = pin,
		.pin_arg = l };

	for (size_t i = cfg_lower(l->server, "module.");
	     i < cfg_count(l->server) && p.n_modules < MODULES_MAX; i++) {
		struct cfg_item x = cfg_at(l->server, i);

		if (!text_starts(x.name, "module."))
			break;
		modules[p.n_modules++] =
		    (struct keystore_module){ x.name + strlen("module."),
			    x.value };
	}
	return keystore_open(out, &p, e);
}

/* The domain is in the directory that stays. */
static enum rc
leave_here(struct leaver *l, const char *sub, struct err *e)
{
	AUTO(store) s = NULL;
	AUTO_BUF uid = buf_empty(0);
	enum rc rc;

	if (!dbconf_is_directory(l->cs))
		return RC_OK;
	rc = dbconf_open_store(
	    &s, l->cs, l->passwords, l->paths, sub, NULL, &clock_system, e);
	if (rc != RC_OK)
		return rc;
	domain_host_user(&uid, &l->self);
	rc = user_delete(s, buf_cstr(&uid), e);
	if (rc == RC_OK || rc == RC_NOTFOUND)
		rc = domain_host_delete(s, &l->self, e);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

static enum rc
leave_there(struct leaver *l, const char *sub, struct err *e)
{
	const char *host = cfg_str(l->cs, "securitydomain.host", "");
	const char *nick = cfg_getf(l->cs, "%s.cert.subsystem.nickname", sub);
	AUTO(keystore) ks = NULL;
	AUTO(roots) roots = NULL;
	AUTO(key) key = NULL;
	AUTO(domain_client) c = NULL;
	AUTO_BUF der = buf_empty(0), url = buf_empty(0);
	struct domain_client_params p = { .timeout_ms = LEAVE_MS,
		.patience_ms = -1 };
	struct view chain;
	enum rc rc;

	if (nick == NULL)
		return err_set(e, RC_INVALID,
		    "CS.cfg: %s.cert.subsystem.nickname is missing", sub);
	if ((rc = open_keys(l, &ks, e)) != RC_OK ||
	    (rc = roots_load(&roots, ks, "C", e)) != RC_OK ||
	    (rc = keystore_find_pair(ks, &key, &der, nick, e)) != RC_OK)
		return rc;
	buf_addf(&url, "https://%s:%s", host,
	    cfg_str(l->cs, "securitydomain.httpsadminport", "8443"));
	chain = buf_view(&der);
	p.url = buf_cstr(&url);
	p.cas = roots->items;
	p.n_cas = roots->n;
	p.key = key;
	p.chain = &chain;
	p.n_chain = 1;
	if ((rc = domain_client_new(&c, &p, e)) != RC_OK)
		return rc;
	return domain_client_leave(c, &l->self, NULL, e);
}

enum rc
leave_domain(const struct instance_paths *paths, const char *sub, struct err *e)
{
	__attribute__((cleanup(leaver_done))) struct leaver l = { .paths =
								      paths };
	const char *select;
	enum rc rc = load(&l, sub, e);

	if (rc == RC_OK) {
		select = cfg_str(l.cs, "securitydomain.select", "");
		if (strcmp(select, "new") == 0)
			rc = leave_here(&l, sub, e);
		else if (strcmp(select, "existing") == 0)
			rc = leave_there(&l, sub, e);
	}
	return rc == RC_OK ? RC_OK : err_prefix(e, "security domain");
}
