/* SPDX-License-Identifier: Apache-2.0 */
/* replication_retire.c - takes a server out of replication, also one that is
 * gone, and ends naming conflicts (spec directory 4.7, 4.8).
 * Owns:    nothing.
 * Trusts:  the directories' answers about their own configuration.
 * Threads: one. */
#include <unistd.h>

#include "base/text.h"
#include "deploy/replication_int.h"

enum {
	CLEAN_TIMEOUT_MS = 600 * 1000,
	AGREEMENTS_MAX = 64,
};

/* Agreements of one server that point to the leaving one. */
struct found {
	const struct repl_retire *r;
	char *dn[AGREEMENTS_MAX], *name[AGREEMENTS_MAX];
	size_t n;
	bool all; /* on the leaving server itself every one */
};

static bool
take_matching(void *arg, const struct repl_status *s)
{
	struct found *f = arg;

	if (!f->all &&
	    (!text_ieq(s->host, f->r->host) ||
		(f->r->port != 0 && s->port != f->r->port)))
		return true;
	f->dn[f->n] = strdup(s->dn);
	f->name[f->n] = strdup(s->name);
	f->n++;
	return f->n < AGREEMENTS_MAX && f->dn[f->n - 1] != NULL &&
	    f->name[f->n - 1] != NULL;
}

static void
found_done(struct found *f)
{
	for (size_t i = 0; i < f->n; i++) {
		free(f->dn[i]);
		free(f->name[i]);
	}
}

static void
tell(const struct repl_retire *r, const char *what, struct ds_admin *d)
{
	AUTO_BUF line = buf_empty(0);

	if (r->say == NULL)
		return;
	buf_addf(&line, "%s on %s", what, ds_admin_url(d));
	r->say(r->say_arg, buf_cstr(&line));
}

/* The manager as which the other side of an agreement binds here. */
static enum rc
drop_manager(
    struct ds_admin *d, const char *base, const char *agreement, struct err *e)
{
	AUTO_BUF manager = buf_empty(0), replica = buf_empty(0);
	enum rc rc;

	repl_manager_dn(&manager, agreement);
	if ((rc = repl_replica_dn(d, &replica, base, e)) != RC_OK)
		return rc;
	rc = ds_set(d, buf_cstr(&replica), MOD_DELETE, "nsDS5ReplicaBindDN",
	    buf_cstr(&manager), e);
	if (rc != RC_OK && rc != RC_NOTFOUND)
		return rc;
	rc = ds_delete(d, buf_cstr(&manager), e);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

static enum rc
drop_agreements(const struct repl_retire *r, struct ds_admin *d, bool all,
    size_t *n, struct err *e)
{
	struct found f = { .r = r, .all = all };
	enum rc rc = repl_status_each(d, r->base, take_matching, &f, e);

	for (size_t i = 0; rc == RC_OK && i < f.n; i++) {
		if (f.dn[i] == NULL || f.name[i] == NULL) {
			rc = err_set(e, RC_NOMEM, "replication agreements");
			break;
		}
		tell(r, "Removing replication agreement", d);
		rc = ds_delete(d, f.dn[i], e);
		if (rc == RC_OK || rc == RC_NOTFOUND)
			rc = drop_manager(d, r->base, f.name[i], e);
		(*n)++;
	}
	found_done(&f);
	return rc;
}

/* --- its id ---------------------------------------------------------------------- */

/* "<suffix>;<agreement>;<host>;<port>;<consumer id>;<csn>" of the leaving
 * server's agreement tells the id; else the vector by its URL. */
struct search_id {
	const struct repl_retire *r;
	int64_t id;
};

static bool
take_id(void *arg, const struct ds_entry *x)
{
	struct search_id *s = arg;
	AUTO_BUF v = buf_empty(0);

	for (size_t i = 0;
	     s->id == 0 && ds_value(x, "nsds5agmtmaxcsn", i, &v) != NULL; i++) {
		char *part[7] = { NULL };
		int64_t port = 0;

		if (v.len == 0 || text_split((char *)v.data, ";", part, 7) < 5)
			continue;
		if (!text_ieq(part[2], s->r->host) ||
		    text_int(&port, part[3], 1, 65535, NULL) != RC_OK ||
		    (s->r->port != 0 && port != s->r->port))
			continue;
		/* "unavailable" when it was never reached */
		if (text_int(&s->id, part[4], 1, UINT16_MAX, NULL) != RC_OK)
			s->id = 0;
	}
	return false;
}

static bool
url_names(const char *url, const char *host, int64_t port)
{
	AUTO_STR copy = strdup(url);
	char *at = copy != NULL ? strstr(copy, "://") : NULL, *colon;
	int64_t p = 0;

	if (at == NULL)
		return false;
	at += 3;
	if ((colon = strrchr(at, ':')) == NULL)
		return text_ieq(at, host);
	*colon = '\0';
	return text_ieq(at, host) &&
	    (port == 0 ||
		(text_int(&p, colon + 1, 1, 65535, NULL) == RC_OK &&
		    p == port));
}

/* What this server knows of the id; 0 stays when nothing. */
static enum rc
find_id(const struct repl_retire *r, struct ds_admin *d,
    const struct repl_ruv *ruv, int64_t *id, struct err *e)
{
	static const char *const attrs[] = { "nsds5agmtmaxcsn", NULL };
	struct search_id s = { r, 0 };
	AUTO_BUF dn = buf_empty(0);
	int64_t own = 0;
	enum rc rc;

	if ((rc = repl_replica_dn(d, &dn, r->base, e)) == RC_OK &&
	    (rc = repl_own_id(d, &own, r->base, e)) == RC_OK)
		rc = ds_search(
		    d, buf_cstr(&dn), DS_BASE, NULL, attrs, take_id, &s, e);
	if (rc == RC_NOTFOUND)
		rc = RC_OK;
	for (size_t i = 0; s.id == 0 && i < ruv->n; i++)
		if (ruv->seen[i].id != own &&
		    url_names(ruv->seen[i].url, r->host, r->port))
			s.id = ruv->seen[i].id;
	if (rc == RC_OK && s.id != 0 && s.id != own)
		*id = s.id;
	return rc;
}

/* A vector may call it by another name than the agreements do: the one id that
 * no server in reach has is its. */
static enum rc
left_over(const struct repl_retire *r, const struct repl_ruv *ruv, int64_t *id,
    struct err *e)
{
	size_t unknown = 0;
	int64_t found = 0;

	for (size_t i = 0; i < ruv->n; i++) {
		bool known = false;

		for (size_t j = 0; !known && j < r->n_remaining; j++) {
			int64_t own = 0;
			enum rc rc =
			    repl_own_id(r->remaining[j], &own, r->base, e);

			if (rc != RC_OK)
				return rc;
			known = own == ruv->seen[i].id;
		}
		if (!known) {
			found = ruv->seen[i].id;
			unknown++;
		}
	}
	if (unknown > 1)
		return err_set(e, RC_CONFLICT,
		    "%zu replica ids belong to no server in reach: which one "
		    "is that of %s must be said",
		    unknown, r->host);
	*id = found;
	return RC_OK;
}

static enum rc
its_id(const struct repl_retire *r, int64_t *id, struct err *e)
{
	struct repl_ruv *ruv = calloc(1, sizeof(*ruv));
	enum rc rc = RC_OK;

	if (ruv == NULL)
		return err_set(e, RC_NOMEM, "replica ids");
	*id = r->id;
	for (size_t i = 0; rc == RC_OK && *id == 0 && i < r->n_remaining; i++)
		if ((rc = repl_ruv_read(r->remaining[i], ruv, r->base, e)) ==
		    RC_OK)
			rc = find_id(r, r->remaining[i], ruv, id, e);
	if (rc == RC_OK && *id == 0 && r->n_remaining > 0 && r->gone == NULL)
		rc = left_over(r, ruv, id, e);
	free(ruv);
	return rc;
}

/* --- out of the vectors ------------------------------------------------------------- */

static bool
holds_id(const struct repl_ruv *r, int64_t id)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->seen[i].id == id)
			return true;
	return false;
}

static enum rc
clean(
    const struct repl_retire *r, struct ds_admin *d, int64_t id, struct err *e)
{
	AUTO_BUF dn = buf_empty(0), suffix = buf_empty(0);
	AUTO_BUF backend = buf_empty(0);
	struct repl_ruv *ruv = calloc(1, sizeof(*ruv));
	char number[24], name[64];
	bool needed = false;
	enum rc rc;

	if (ruv == NULL)
		return err_set(e, RC_NOMEM, "replica ids");
	if ((rc = repl_ruv_read(d, ruv, r->base, e)) == RC_OK)
		needed = holds_id(ruv, id);
	free(ruv);
	if (rc != RC_OK || !needed ||
	    (rc = repl_suffix(d, &suffix, &backend, r->base, e)) != RC_OK)
		return rc;
	snprintf(number, sizeof(number), "%lld", (long long)id);
	snprintf(
	    name, sizeof(name), "signet clean %s %ld", number, (long)getpid());
	const struct ds_attr attrs[] = { { "objectClass", "extensibleObject",
					     NULL },
		{ "cn", name, NULL },
		{ "replica-base-dn", buf_cstr(&suffix), NULL },
		{ "replica-id", number, NULL },
		{ "replica-force-cleaning", r->force ? "yes" : "no", NULL },
		{ "ttl", "60", NULL }, { NULL, NULL, NULL } };

	tell(r, "Removing its replica id", d);
	buf_addf(&dn, "cn=%s,cn=cleanallruv,cn=tasks,cn=config", name);
	return ds_task(
	    d, buf_cstr(&dn), attrs, CLEAN_TIMEOUT_MS, r->say, r->say_arg, e);
}

/* On the leaving server itself: it must not go on sending. */
static enum rc
leave(const struct repl_retire *r, int64_t *id, size_t *n, struct err *e)
{
	AUTO_BUF dn = buf_empty(0);
	enum rc rc;

	if ((rc = repl_own_id(r->gone, id, r->base, e)) == RC_NOTFOUND)
		return RC_OK; /* its database is gone already */
	if (rc != RC_OK ||
	    (rc = drop_agreements(r, r->gone, true, n, e)) != RC_OK ||
	    (rc = repl_replica_dn(r->gone, &dn, r->base, e)) != RC_OK)
		return rc;
	tell(r, "Removing replica", r->gone);
	return ds_delete_tree(r->gone, buf_cstr(&dn), false, e);
}

enum rc
repl_retire(const struct repl_retire *r, struct err *e)
{
	int64_t id = 0;
	size_t n = 0;
	enum rc rc;

	/* the id first: with the agreements goes what names it */
	rc = its_id(r, &id, e);
	for (size_t i = 0; rc == RC_OK && i < r->n_remaining; i++)
		rc = drop_agreements(r, r->remaining[i], false, &n, e);
	if (rc == RC_OK && r->gone != NULL) {
		int64_t own = 0;

		rc = leave(r, &own, &n, e);
		if (own != 0)
			id = own;
	}
	if (rc != RC_OK)
		return rc;
	if (id == 0 && n == 0)
		return err_set(e, RC_NOTFOUND,
		    "no server replicates %s to or from %s", r->base, r->host);
	for (size_t i = 0; rc == RC_OK && id != 0 && i < r->n_remaining; i++)
		rc = clean(r, r->remaining[i], id, e);
	return rc;
}

/* --- conflicts ------------------------------------------------------------------------ */

struct conflicts {
	bool (*fn)(void *arg, const struct repl_conflict *c);
	void *arg;
};

static bool
take_conflict(void *arg, const struct ds_entry *x)
{
	struct conflicts *c = arg;
	AUTO_BUF what = buf_empty(0);
	struct repl_conflict r = { .dn = x->dn, .valid_dn = "" };
	const char *close;

	ds_value(x, "nsds5ReplConflict", 0, &what);
	r.what = buf_cstr(&what);
	if ((close = strchr(r.what, ')')) != NULL)
		r.valid_dn = close + 1 + strspn(close + 1, " ");
	return c->fn(c->arg, &r);
}

enum rc
repl_conflict_each(struct ds_admin *d, const char *base,
    bool (*fn)(void *arg, const struct repl_conflict *c), void *arg,
    struct err *e)
{
	static const char *const attrs[] = { "nsds5ReplConflict", NULL };
	struct conflicts c = { fn, arg };

	/* without the class the server hides them */
	return ds_search(d, base, DS_SUB,
	    "(&(objectClass=ldapsubentry)(nsds5ReplConflict=*))", attrs,
	    take_conflict, &c, e);
}

/* The server lets the unique id go from the name only in two steps: a new name
 * beside the old values, then the old values. */
static enum rc
rename_loser(struct ds_admin *d, const char *dn, const char *rdn,
    const char *parent, struct err *e)
{
	AUTO_BUF now = buf_empty(0);
	AUTO_STR attr = strdup(rdn);
	char *value = attr != NULL ? strchr(attr, '=') : NULL;
	enum rc rc;

	if (value == NULL)
		return err_set(
		    e, RC_INVALID, "%s: not a name such as cn=other", rdn);
	*value++ = '\0';
	buf_addf(&now, "%s%s", rdn, parent);
	if ((rc = ds_rename(d, dn, rdn, true, e)) != RC_OK ||
	    (rc = ds_set(d, buf_cstr(&now), MOD_REPLACE, attr, value, e)) !=
		RC_OK ||
	    (rc = ds_set(d, buf_cstr(&now), MOD_REPLACE, "nsds5ReplConflict",
		 NULL, e)) != RC_OK)
		return rc;
	return ds_set(
	    d, buf_cstr(&now), MOD_DELETE, "objectClass", "ldapsubentry", e);
}

enum rc
repl_conflict_resolve(
    struct ds_admin *d, const char *dn, const char *rdn, struct err *e)
{
	AUTO_BUF what = buf_empty(0);
	const char *parent = strchr(dn, ',');
	enum rc rc = ds_get(d, &what, dn, "nsds5ReplConflict", e);

	if (rc != RC_OK)
		return rc;
	if (what.len == 0 || parent == NULL)
		return err_set(e, RC_INVALID,
		    "%s: no entry that lost its name to another", dn);
	if (rdn == NULL)
		return ds_delete_tree(d, dn, false, e);
	return rename_loser(d, dn, rdn, parent, e);
}
