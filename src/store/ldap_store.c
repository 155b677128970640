/* SPDX-License-Identifier: Apache-2.0 */
/* ldap_store.c - opening and closing the directory as a store.
 * Owns:    struct ldap_be.
 * Trusts:  nothing from the network.
 * Threads: store_open_ldap and store_free: one; the rest: any. */
#include "base/file.h"
#include "base/log.h"
#include "base/secret.h"
#include "store/ldap_int.h"

static uint64_t
dir_usn(void *impl)
{
	struct ldap_be *be = impl;

	return dir_exposed(be, be->newest);
}

static enum rc
dir_drain(void *impl, const char *type,
    bool (*fn)(void *arg, const struct effect *x), void *arg, struct err *e)
{
	struct ldap_be *be = impl;

	dir_settle_flush(be);
	return store_drain(be->spool, type, fn, arg, e);
}

static uint64_t
dir_effects_waiting(void *impl)
{
	struct ldap_be *be = impl;

	dir_settle_flush(be);
	return store_effects_waiting(be->spool);
}

static const char *
dir_generation(void *impl)
{
	struct ldap_be *be = impl;

	return be->generation;
}

static enum rc
dir_health(void *impl, struct err *e)
{
	struct ldap_be *be = impl;
	AUTO_BUF id = buf_empty(0);
	enum rc rc = dir_read_one(be, &id, be->base_dn, "nsUniqueId", e);

	if (rc != RC_OK)
		return rc;
	if (!be->live)
		return err_set(e, RC_UNAVAILABLE,
		    "directory: no persistent search, changes come late");
	return store_health(be->spool, e);
}

static void
dir_stats(void *impl, struct store_stats *out)
{
	struct ldap_be *be = impl;

	out->commits = out->groups = be->commits;
	out->records = be->records;
	out->reads = be->reads;
	out->searches = be->searches;
}

static void
dir_free(void *impl)
{
	struct ldap_be *be = impl;

	dir_feed_stop(be);
	/* one that was filled anew since is not signed as known */
	if (be->marked != 0 && dir_cursor_holds(be))
		dir_mark(be);
	dir_lists_stop(be);
	dir_ack_free(be->ack);
	dir_settle_stop(be);
	dir_pool_done(be);
	store_free(be->spool);
	secret_free(be->password);
	secret_free(be->client_key);
	buf_done(&be->client_cert);
	free(be->url);
	free(be->ca_file);
	free(be->bind_dn);
	free(be->base_dn);
	free(be->database);
	free(be->subsystem);
	free(be->domain);
	free(be->settles);
	free(be->orphans.list);
	pthread_cond_destroy(&be->pool_free);
	pthread_cond_destroy(&be->landed);
	pthread_cond_destroy(&be->settle_work);
	pthread_cond_destroy(&be->settle_idle);
	pthread_mutex_destroy(&be->pool_lock);
	pthread_mutex_destroy(&be->flight_lock);
	pthread_mutex_destroy(&be->settle_lock);
	pthread_mutex_destroy(&be->feed_lock);
	free(be);
}

static const struct backend dir_backend = {
	.commit = dir_commit,
	.get = dir_get,
	.search = dir_search,
	.count = dir_count,
	.watch = dir_watch,
	.catch_up = dir_catch_up,
	.usn = dir_usn,
	.drain = dir_drain,
	.effects_waiting = dir_effects_waiting,
	.generation = dir_generation,
	.health = dir_health,
	.stats = dir_stats,
	.free = dir_free,
};

static bool
copy(char **out, const char *s)
{
	*out = s != NULL ? strdup(s) : NULL;
	return s == NULL || *out != NULL;
}

static enum rc
fill(struct ldap_be *be, const struct ldap_params *p, struct err *e)
{
	LDAPDN base = NULL;
	bool ok = copy(&be->url, p->url) && copy(&be->ca_file, p->ca_file) &&
	    copy(&be->bind_dn, p->bind_dn) && copy(&be->base_dn, p->base_dn) &&
	    copy(&be->database, p->database) &&
	    copy(&be->subsystem, p->subsystem != NULL ? p->subsystem : "ca") &&
	    copy(&be->domain, p->domain);

	be->starttls = p->starttls;
	be->timeout_ms = p->timeout_ms > 0 ? p->timeout_ms : LDAP_BE_TIMEOUT_MS;
	be->clock = p->clock != NULL ? p->clock : &clock_system;
	be->max_open =
	    p->connections > 0 ? p->connections : LDAP_BE_CONNECTIONS;
	if (be->max_open < 2)
		be->max_open = 2; /* a modification may have to look first */
	be->idle = calloc(be->max_open, sizeof(LDAP *));
	if (ok && p->password != NULL) {
		be->password = secret_new(secret_view(p->password));
		ok = be->password != NULL;
	}
	be->client_cert = buf_empty(0);
	buf_add_view(&be->client_cert, p->client_cert);
	if (ok && p->client_key != NULL) {
		be->client_key = secret_new(secret_view(p->client_key));
		ok = be->client_key != NULL;
	}
	if (!ok || be->idle == NULL ||
	    buf_check(&be->client_cert, NULL) != RC_OK)
		return err_set(e, RC_NOMEM, "directory: out of memory");
	if (be->url == NULL || be->base_dn == NULL || p->spool_dir == NULL)
		return err_set(
		    e, RC_INVALID, "directory: url, base or spool missing");
	if (ldap_str2dn(be->base_dn, &base, LDAP_DN_FORMAT_LDAPV3) !=
	    LDAP_SUCCESS)
		return err_set(
		    e, RC_INVALID, "directory: %.128s is no DN", be->base_dn);
	while (base != NULL && base[be->base_rdns] != NULL)
		be->base_rdns++;
	ldap_dnfree(base);
	return RC_OK;
}

static enum rc
open_spool(struct ldap_be *be, const struct ldap_params *p, struct err *e)
{
	struct lmdb_params lp = { .dir = p->spool_dir, .clock = be->clock };
	enum rc rc = store_open_lmdb(&be->spool, &lp, e);

	return rc == RC_OK ? RC_OK : (err_prefix(e, "spool"), rc);
}

/* What it acknowledges may be lost with its power. The setting may be unreadable
 * or, in a database of another make, absent. */
static void
check_durable(struct ldap_be *be)
{
	static const char *const places[] = {
		"cn=bdb,cn=config,cn=ldbm database,cn=plugins,cn=config",
		"cn=config,cn=ldbm database,cn=plugins,cn=config",
	};

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		AUTO_BUF text = buf_empty(0);

		if (dir_read_one(be, &text, places[i],
			"nsslapd-db-durable-transaction", NULL) != RC_OK)
			continue;
		if (text_ieq(buf_cstr(&text), "off"))
			log_warning("store",
			    "directory %s: nsslapd-db-durable-transaction is "
			    "off, continuing; a power failure loses what it "
			    "acknowledged last",
			    be->url);
		return;
	}
}

static void
effects_came(void *arg)
{
	struct store *s = arg;

	store_effects_came(s);
}

static enum rc
begin(struct ldap_be *be, const struct ldap_params *p, struct err *e)
{
	AUTO_BUF id = buf_empty(sizeof(be->generation) - 1);
	bool same;
	enum rc rc;

	if ((rc = fill(be, p, e)) != RC_OK ||
	    (rc = dir_ack_new(be, p, e)) != RC_OK ||
	    (rc = open_spool(be, p, e)) != RC_OK ||
	    (rc = dir_read_one(be, &id, be->base_dn, "nsUniqueId", e)) !=
		RC_OK ||
	    (rc = buf_check(&id, e)) != RC_OK)
		return rc;
	memcpy(be->generation, buf_cstr(&id), id.len + 1);
	if ((rc = dir_cursor_check(be, &same, e)) != RC_OK ||
	    (rc = dir_spool_load(be, e)) != RC_OK ||
	    (rc = dir_recover(be, false, e)) != RC_OK ||
	    (rc = dir_settle_start(be, e)) != RC_OK)
		return rc;
	be->opened = be->newest;
	check_durable(be);
	store_on_effect(be->spool, effects_came, be->store);
	if ((rc = dir_lists_new(be, e)) != RC_OK ||
	    (rc = dir_feed_start(be, e)) != RC_OK)
		return rc;
	dir_mark(be);
	return dir_lists_start(be, e);
}

enum rc
store_open_ldap(struct store **out, const struct ldap_params *p, struct err *e)
{
	AUTO(store) s = store_new(&dir_backend);
	struct ldap_be *be = calloc(1, sizeof(*be));
	enum rc rc;

	if (s == NULL || be == NULL) {
		free(be);
		return err_set(e, RC_NOMEM, "store: out of memory");
	}
	s->impl = be;
	be->store = s;
	pthread_mutex_init(&be->pool_lock, NULL);
	pthread_mutex_init(&be->flight_lock, NULL);
	pthread_mutex_init(&be->settle_lock, NULL);
	pthread_mutex_init(&be->feed_lock, NULL);
	pthread_cond_init(&be->pool_free, NULL);
	pthread_cond_init(&be->landed, NULL);
	pthread_cond_init(&be->settle_work, NULL);
	pthread_cond_init(&be->settle_idle, NULL);
	if ((rc = begin(be, p, e)) != RC_OK)
		return rc;
	*out = store_steal(&s);
	return RC_OK;
}
