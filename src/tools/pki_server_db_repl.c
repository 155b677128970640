/* SPDX-License-Identifier: Apache-2.0 */
/* pki_server_db_repl.c - <sub>-db-repl-*, -db-conflict-*: replication of a
 * subsystem's directory (spec deployment 7.6, 3.10).
 * Owns:    one connection during a command.
 * Trusts:  its user; nothing from the network.
 * Threads: none. */
#include "base/text.h"
#include "deploy/replication.h"
#include "tools/pki_server_cmds.h"
#include "tools/pki_server_ds.h"

static enum rc
replica_secret(const struct args *a, const struct secret **out, struct err *e)
{
	*out = args_secret(a, "replica-bind-password");
	return *out != NULL
	    ? RC_OK
	    : err_set(e, RC_USAGE, "Missing replica bind password");
}

/* The directory that is meant, and that --suffix is one of its suffixes. */
static enum rc
directory_of(struct server *s, const struct args *a, struct dbconf **c,
    struct ds_admin **d, struct err *e)
{
	AUTO_BUF backend = buf_empty(0), suffix = buf_empty(0);
	enum rc rc = server_ds_args(s, a, c, d, e);

	if (rc != RC_OK || !args_has(a, "suffix") ||
	    (rc = directory_holder(*d, &backend, &suffix, (*c)->base_dn, e)) !=
		RC_OK)
		return rc;
	if (suffix.len > 0 && ds_dn_same(buf_cstr(&suffix), (*c)->base_dn))
		return RC_OK;
	return err_set(e, RC_NOTFOUND,
	    "%s is no suffix of %s: make it with %s-db-create first",
	    (*c)->base_dn, ds_admin_url(*d), s->sub);
}

static enum rc
run_enable(struct server *s, const struct args *a, struct err *e)
{
	AUTO(dbconf) c = NULL;
	AUTO(ds_admin) d = NULL;
	const struct secret *password;
	const char *manager, *wanted = args_get(a, "replica-id");
	int64_t id = 0;
	enum rc rc;

	if ((rc = args_need(a, "replica-bind-dn", "replica bind DN", &manager,
		 e)) != RC_OK ||
	    (rc = replica_secret(a, &password, e)) != RC_OK)
		return rc;
	if (wanted != NULL &&
	    text_int(&id, wanted, 1, REPL_ID_MAX, NULL) != RC_OK)
		return err_set(e, RC_USAGE,
		    "Invalid replica ID: %.32s: 1 to %d", wanted, REPL_ID_MAX);
	if ((rc = directory_of(s, a, &c, &d, e)) != RC_OK ||
	    (rc = repl_enable(d, c->base_dn, manager, password, &id, e)) !=
		RC_OK)
		return rc;
	server_say(s, "Replica ID: %lld", (long long)id);
	return RC_OK;
}

static enum rc
run_agreement_add(struct server *s, const struct args *a, struct err *e)
{
	AUTO(dbconf) c = NULL;
	AUTO(dbconf) to = calloc(1, sizeof(*to));
	AUTO(ds_admin) d = NULL;
	struct repl_agreement r = { .name = args_at(a, 0) };
	const char *url;
	enum rc rc;

	if (to == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	if ((rc = args_need(a, "replica-url", "replica URL", &url, e)) !=
		RC_OK ||
	    (rc = args_need(a, "replica-bind-dn", "replica bind DN", &r.bind_dn,
		 e)) != RC_OK ||
	    (rc = replica_secret(a, &r.password, e)) != RC_OK ||
	    (rc = directory_parse_url(to, url, "--replica-url", e)) != RC_OK ||
	    (rc = repl_security_parse(&r.security,
		 args_str(
		     a, "replication-security", to->secure ? "SSL" : "None"),
		 e)) != RC_OK ||
	    (rc = directory_of(s, a, &c, &d, e)) != RC_OK)
		return rc;
	r.host = to->host;
	r.port = to->port;
	return repl_agreement_add(d, c->base_dn, &r, e);
}

static enum rc
run_agreement_init(struct server *s, const struct args *a, struct err *e)
{
	AUTO(dbconf) c = NULL;
	AUTO(ds_admin) d = NULL;
	enum rc rc = directory_of(s, a, &c, &d, e);

	if (rc != RC_OK)
		return rc;
	return repl_initialize(
	    d, NULL, c->base_dn, args_at(a, 0), true, server_ds_say, s, e);
}

/* --- how it stands ---------------------------------------------------------------- */

static bool
print_status(void *arg, const struct repl_status *r)
{
	static const char *const states[] = { "green", "amber", "red" };
	size_t *n = arg;

	out_entry((*n)++);
	out_field("Agreement", r->name);
	out_fieldf("Replica", "%s:%lld", r->host, (long long)r->port);
	out_field("Enabled", r->enabled ? "true" : "false");
	out_field("State", r->busy ? "initializing" : states[r->state]);
	out_field("Message", r->message);
	out_field("Last update", r->last_update[0] ? r->last_update : NULL);
	return true;
}

static enum rc
run_status(struct server *s, const struct args *a, struct err *e)
{
	AUTO(dbconf) c = NULL;
	AUTO(ds_admin) d = NULL;
	int64_t id = 0;
	size_t n = 0;
	enum rc rc = directory_of(s, a, &c, &d, e);

	if (rc != RC_OK || (rc = repl_own_id(d, &id, c->base_dn, e)) != RC_OK)
		return rc;
	if (id == 0) {
		out_field("Replica ID", "None");
		return RC_OK;
	}
	out_fieldf("Replica ID", "%lld", (long long)id);
	putchar('\n');
	return repl_status_each(d, c->base_dn, print_status, &n, e);
}

static bool
print_conflict(void *arg, const struct repl_conflict *x)
{
	size_t *n = arg;

	out_entry((*n)++);
	out_field("Entry", x->dn);
	out_field("Conflict", x->what);
	return true;
}

static enum rc
run_conflict_find(struct server *s, const struct args *a, struct err *e)
{
	AUTO(dbconf) c = NULL;
	AUTO(ds_admin) d = NULL;
	size_t n = 0;
	enum rc rc = directory_of(s, a, &c, &d, e);

	return rc == RC_OK
	    ? repl_conflict_each(d, c->base_dn, print_conflict, &n, e)
	    : rc;
}

static enum rc
run_conflict_resolve(struct server *s, const struct args *a, struct err *e)
{
	AUTO(dbconf) c = NULL;
	AUTO(ds_admin) d = NULL;
	enum rc rc = directory_of(s, a, &c, &d, e);

	return rc == RC_OK
	    ? repl_conflict_resolve(d, args_at(a, 0), args_get(a, "rename"), e)
	    : rc;
}

#define DIRECTORY_OPTS                                                       \
	SERVER_OPTS, OPT("url", "URL", "The directory (default: CS.cfg's)"), \
	    OPT("bind-dn", "DN", "Who binds"),                               \
	    OPT_SECRET("bind-password", "password", "The password"),         \
	    OPT("suffix", "DN", "The replicated suffix")

static const struct opt enable_opts[] = {
	DIRECTORY_OPTS,
	OPT("replica-bind-dn", "DN", "Replication manager"),
	OPT_SECRET("replica-bind-password", "password", "Its password"),
	OPT("replica-id", "number", "Replica ID (default: an unused one)"),
	OPT_END,
};
static const struct opt add_opts[] = {
	DIRECTORY_OPTS,
	OPT("replica-url", "URL", "The other directory"),
	OPT("replica-bind-dn", "DN", "Replication manager there"),
	OPT_SECRET("replica-bind-password", "password", "Its password"),
	OPT("replication-security", "type", "SSL, TLS or None"),
	OPT_END,
};
static const struct opt directory_opts[] = { DIRECTORY_OPTS, OPT_END };
static const struct opt resolve_opts[] = {
	DIRECTORY_OPTS,
	OPT("rename", "RDN", "Keep the entry under this name, as cn=other"),
	OPT_END,
};

const struct server_cmd server_ds_repl[] = {
	{ "db-repl-enable", "", "Make the suffix a replica", enable_opts, 0, 0,
	    run_enable, NEED_SUBSYSTEM },
	{ "db-repl-agmt-add", "<name>", "Add a replication agreement", add_opts,
	    1, 1, run_agreement_add, NEED_SUBSYSTEM },
	{ "db-repl-agmt-init", "<name>", "Fill the other directory",
	    directory_opts, 1, 1, run_agreement_init, NEED_SUBSYSTEM },
	{ "db-repl-status", "", "Show the replication agreements",
	    directory_opts, 0, 0, run_status, NEED_SUBSYSTEM },
	{ "db-conflict-find", "",
	    "Find entries that lost their name to another", directory_opts, 0,
	    0, run_conflict_find, NEED_SUBSYSTEM },
	{ "db-conflict-resolve", "<DN>", "Delete or rename such an entry",
	    resolve_opts, 1, 1, run_conflict_resolve, NEED_SUBSYSTEM },
	{ 0 },
};
