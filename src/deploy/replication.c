/* SPDX-License-Identifier: Apache-2.0 */
/* replication.c - makes two directories replicate a suffix to each other and
 * fills one from the other (spec deployment 3.7, directory 4.1 to 4.3).
 * Owns:    nothing.
 * Trusts:  the directories' answers about their own configuration.
 * Threads: one. */
#include "deploy/replication.h"

#include <strings.h>

#include "base/secret.h"
#include "base/text.h"
#include "deploy/replication_int.h"

enum {
	INIT_POLL_MS = 200,
	INIT_TELL_POLLS = 25, /* a line every five seconds */
	IDS_TRIED_MAX = 1000,
};

static const char changelog_age[] = "7d";
/* Seconds until a supplier tries again to reach a consumer that is down or busy:
 * it doubles from the least to the most. The server's own, 3 and 300, would keep
 * a machine that comes back in ignorance for minutes, of a take-over too. */
static const char backoff_min[] = "1", backoff_max[] = "10";

enum rc
repl_security_parse(enum repl_security *out, const char *text, struct err *e)
{
	static const char *const names[] = { "None", "SSL", "TLS" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (text_ieq(text, names[i])) {
			*out = (enum repl_security)i;
			return RC_OK;
		}
	return err_set(e, RC_INVALID,
	    "replication security %.32s: must be None, SSL or TLS", text);
}

/* --- names ------------------------------------------------------------------- */

enum rc
repl_suffix(struct ds_admin *d, struct buf *suffix, struct buf *backend,
    const char *base, struct err *e)
{
	enum rc rc = directory_holder(d, backend, suffix, base, e);

	if (rc == RC_OK && suffix->len == 0)
		return err_set(e, RC_NOTFOUND, "%s: no database holds %s",
		    ds_admin_url(d), base);
	return rc;
}

enum rc
repl_replica_dn(
    struct ds_admin *d, struct buf *out, const char *base, struct err *e)
{
	AUTO_BUF suffix = buf_empty(0), backend = buf_empty(0);
	enum rc rc = repl_suffix(d, &suffix, &backend, base, e);

	buf_add_str(out, "cn=replica,");
	directory_mapping_dn(out, buf_cstr(&suffix));
	return rc;
}

enum rc
repl_agreement_dn(struct ds_admin *d, struct buf *out, const char *base,
    const char *name, struct err *e)
{
	buf_add_str(out, "cn=");
	ds_add_rdn(out, name);
	buf_add_char(out, ',');
	return repl_replica_dn(d, out, base, e);
}

void
repl_manager_dn(struct buf *out, const char *agreement)
{
	buf_add_str(out, "cn=Replication Manager ");
	ds_add_rdn(out, agreement);
	buf_add_str(out, ",ou=csusers,cn=config");
}

/* --- one server ---------------------------------------------------------------- */

/* The manager with its password; one elsewhere than below cn=config is only
 * looked for. */
static enum rc
make_manager(struct ds_admin *d, const char *dn, const struct secret *password,
    struct err *e)
{
	AUTO_STR cn = strdup(dn);
	const struct ds_attr csusers[] = { { "objectClass", "top", NULL },
		{ "objectClass", "organizationalUnit", NULL },
		{ "ou", "csusers", NULL }, { NULL, NULL, NULL } };
	const struct ds_attr pw[] = { { "userPassword", NULL, password },
		{ NULL, NULL, NULL } };
	bool there;
	enum rc rc;

	if (cn == NULL)
		return err_set(e, RC_NOMEM, "replication manager");
	if ((rc = ds_exists(d, &there, dn, e)) != RC_OK)
		return rc;
	if (there)
		return password == NULL ||
			!ds_dn_below(dn, "ou=csusers,cn=config")
		    ? RC_OK
		    : ds_modify(d, dn, MOD_REPLACE, "userPassword", pw, e);
	if (password == NULL || !ds_dn_below(dn, "cn=config") ||
	    strncasecmp(cn, "cn=", 3) != 0)
		return err_set(e, RC_NOTFOUND,
		    "%s: replication manager %s does not exist: add it first",
		    ds_admin_url(d), dn);
	cn[strcspn(cn, ",")] = '\0';
	const struct ds_attr attrs[] = { { "objectClass", "top", NULL },
		{ "objectClass", "person", NULL }, { "cn", cn + 3, NULL },
		{ "sn", "manager", NULL }, { "userPassword", NULL, password },
		{ NULL, NULL, NULL } };

	rc = ds_add(d, "ou=csusers,cn=config", csusers, e);
	if (rc != RC_OK && rc != RC_EXISTS)
		return rc;
	rc = ds_add(d, dn, attrs, e);
	return rc == RC_EXISTS ? RC_OK : rc;
}

/* Before 389 DS 1.4.4 one for all suffixes; newer servers refuse it with
 * "unwilling to perform" and make one a back end with the replica. */
static enum rc
make_changelog(struct ds_admin *d, struct err *e)
{
	AUTO_BUF dir = buf_empty(0);
	struct err inner = { RC_OK, "" };
	enum rc rc = ds_get(d, &dir, "cn=config", "nsslapd-instancedir", e);

	if (rc != RC_OK)
		return rc;
	buf_add_str(&dir, "/changelogs");
	const struct ds_attr attrs[] = { { "objectClass", "top", NULL },
		{ "objectClass", "extensibleObject", NULL },
		{ "cn", "changelog5", NULL },
		{ "nsslapd-changelogdir", buf_cstr(&dir), NULL },
		{ NULL, NULL, NULL } };

	rc = ds_add(d, "cn=changelog5,cn=config", attrs, &inner);
	if (rc == RC_OK || rc == RC_EXISTS ||
	    strstr(inner.text, "nwilling") != NULL)
		return RC_OK;
	return err_set(e, rc, "%s", inner.text);
}

/* Without it a changelog grows for ever. */
static enum rc
trim_changelog(struct ds_admin *d, const char *backend, struct err *e)
{
	AUTO_BUF dn = buf_empty(0), age = buf_empty(0);
	enum rc rc;

	buf_add_str(&dn, "cn=changelog,");
	directory_backend_dn(&dn, backend);
	rc = ds_get(d, &age, buf_cstr(&dn), "nsslapd-changelogmaxage", e);
	if (rc == RC_NOTFOUND) {
		buf_reset(&dn);
		buf_add_str(&dn, "cn=changelog5,cn=config");
		rc = ds_get(
		    d, &age, buf_cstr(&dn), "nsslapd-changelogmaxage", e);
	}
	if (rc != RC_OK || age.len > 0)
		return rc;
	return ds_set(d, buf_cstr(&dn), MOD_REPLACE, "nsslapd-changelogmaxage",
	    changelog_age, e);
}

/* Whoever has set it keeps it. */
static enum rc
shorten_backoff(struct ds_admin *d, const char *replica, struct err *e)
{
	static const char *const names[] = { "nsds5ReplicaBackoffMin",
		"nsds5ReplicaBackoffMax" };
	AUTO_BUF has = buf_empty(0);
	enum rc rc = RC_OK;

	for (size_t i = 0; i < 2 && rc == RC_OK; i++)
		rc = ds_get(d, &has, replica, names[i], e);
	if (rc != RC_OK || has.len > 0)
		return rc;
	rc = ds_set(d, replica, MOD_REPLACE, names[0], backoff_min, e);
	return rc == RC_OK
	    ? ds_set(d, replica, MOD_REPLACE, names[1], backoff_max, e)
	    : rc;
}

static enum rc
add_replica(struct ds_admin *d, const char *dn, const char *suffix,
    const char *manager, int64_t id, struct err *e)
{
	char number[24];
	const struct ds_attr attrs[] = { { "objectClass", "top", NULL },
		{ "objectClass", "nsDS5Replica", NULL },
		{ "objectClass", "extensibleObject", NULL },
		{ "cn", "replica", NULL }, { "nsDS5ReplicaRoot", suffix, NULL },
		{ "nsDS5ReplicaType", "3", NULL }, { "nsDS5Flags", "1", NULL },
		{ "nsDS5ReplicaId", number, NULL },
		{ "nsDS5ReplicaBindDN", manager, NULL }, { NULL, NULL, NULL } };

	snprintf(number, sizeof(number), "%lld", (long long)id);
	return ds_add(d, dn, attrs, e);
}

/* Replica with its bind DN and a changelog that is trimmed. *id: the one to
 * give, then the one it has. */
static enum rc
make_replica(struct ds_admin *d, const char *base, const char *manager,
    int64_t *id, struct err *e)
{
	AUTO_BUF suffix = buf_empty(0), backend = buf_empty(0);
	AUTO_BUF dn = buf_empty(0);
	int64_t has = 0;
	enum rc rc;

	if ((rc = repl_suffix(d, &suffix, &backend, base, e)) != RC_OK ||
	    (rc = repl_replica_dn(d, &dn, base, e)) != RC_OK ||
	    (rc = repl_own_id(d, &has, base, e)) != RC_OK)
		return rc;
	if (has == 0) {
		rc = add_replica(
		    d, buf_cstr(&dn), buf_cstr(&suffix), manager, *id, e);
	} else {
		*id = has;
		rc = ds_set(d, buf_cstr(&dn), MOD_ADD, "nsDS5ReplicaBindDN",
		    manager, e);
	}
	if (rc == RC_OK)
		rc = shorten_backoff(d, buf_cstr(&dn), e);
	return rc == RC_OK ? trim_changelog(d, buf_cstr(&backend), e) : rc;
}

/* --- replica ids ---------------------------------------------------------------- */

struct ids {
	bool used[REPL_ID_MAX + 1];
};

static enum rc
note_ids(struct ids *ids, struct ds_admin *d, const char *base, struct err *e)
{
	struct repl_ruv *ruv = calloc(1, sizeof(*ruv));
	int64_t own = 0;
	enum rc rc;

	if (ruv == NULL)
		return err_set(e, RC_NOMEM, "replica ids");
	if ((rc = repl_ruv_read(d, ruv, base, e)) == RC_OK)
		rc = repl_own_id(d, &own, base, e);
	for (size_t i = 0; rc == RC_OK && i < ruv->n; i++)
		if (ruv->seen[i].id > 0 && ruv->seen[i].id <= REPL_ID_MAX)
			ids->used[ruv->seen[i].id] = true;
	if (rc == RC_OK && own > 0 && own <= REPL_ID_MAX)
		ids->used[own] = true;
	free(ruv);
	return rc;
}

static enum rc
unused_id(const struct ids *ids, int64_t *id, struct err *e)
{
	for (int64_t i = 1; i <= REPL_ID_MAX; i++)
		if (!ids->used[i]) {
			*id = i;
			return RC_OK;
		}
	return err_set(e, RC_CONFLICT, "no replica id is free");
}

/* An id for a side that has none. */
static enum rc
choose_id(
    struct repl_pair *p, struct ids *ids, struct repl_side *s, struct err *e)
{
	enum rc rc;

	for (int i = 0; i < IDS_TRIED_MAX; i++) {
		int64_t id = 0;

		if (p->next_id != NULL &&
		    (rc = p->next_id(p->next_arg, &id, e)) != RC_OK)
			return rc;
		if (id == 0 && (rc = unused_id(ids, &id, e)) != RC_OK)
			return rc;
		if (id < 1 || id > REPL_ID_MAX)
			return err_set(e, RC_INVALID,
			    "replica id %lld: must be 1 to %d", (long long)id,
			    REPL_ID_MAX);
		if (ids->used[id])
			continue;
		ids->used[id] = true;
		s->id = id;
		return RC_OK;
	}
	return err_set(
	    e, RC_CONFLICT, "all replica ids of the range are in use");
}

static enum rc
side_replica(
    struct repl_pair *p, struct ids *ids, struct repl_side *s, struct err *e)
{
	AUTO_BUF dn = buf_empty(0);
	enum rc rc = repl_own_id(s->ds, &s->id, p->base, e);

	if (rc == RC_OK && s->id == 0)
		rc = choose_id(p, ids, s, e);
	if (rc != RC_OK)
		return rc;
	if (s->manager == NULL)
		repl_manager_dn(&dn, s->agreement);
	else
		buf_add_str(&dn, s->manager);
	return make_replica(s->ds, p->base, buf_cstr(&dn), &s->id, e);
}

/* --- agreements ------------------------------------------------------------------ */

static const char *
transport(enum repl_security s)
{
	return s == REPL_SSL ? "SSL" : s == REPL_TLS ? "TLS" : "LDAP";
}

/* *other: an attribute of the agreement that can be read is not as in attrs. */
static enum rc
agreement_differs(struct ds_admin *d, const char *dn,
    const struct ds_attr *attrs, bool *other, struct err *e)
{
	static const char *const compared[] = { "nsDS5ReplicaHost",
		"nsDS5ReplicaPort", "nsDS5ReplicaBindDN",
		"nsDS5ReplicaTransportInfo" };
	enum rc rc = RC_OK;

	*other = false;
	for (size_t i = 0; rc == RC_OK && attrs[i].name != NULL; i++)
		for (size_t j = 0;
		     rc == RC_OK && j < sizeof(compared) / sizeof(compared[0]);
		     j++) {
			AUTO_BUF now = buf_empty(0);

			if (strcmp(attrs[i].name, compared[j]) != 0)
				continue;
			rc = ds_get(d, &now, dn, compared[j], e);
			*other =
			    *other || !text_ieq(buf_cstr(&now), attrs[i].value);
		}
	return rc;
}

/* A server goes on with an agreement's old address for a while when it is only
 * modified: another address is another agreement. The password may be renewed
 * at any time. */
static enum rc
renew_agreement(struct ds_admin *d, const char *dn, const struct ds_attr *attrs,
    const struct secret *password, struct err *e)
{
	const struct ds_attr pw[] = { { "nsDS5ReplicaCredentials", NULL,
					  password },
		{ NULL, NULL, NULL } };
	bool other;
	enum rc rc = agreement_differs(d, dn, attrs, &other, e);

	if (rc != RC_OK)
		return rc;
	if (!other)
		return ds_modify(
		    d, dn, MOD_REPLACE, "nsDS5ReplicaCredentials", pw, e);
	if ((rc = ds_delete(d, dn, e)) != RC_OK && rc != RC_NOTFOUND)
		return rc;
	return ds_add(d, dn, attrs, e);
}

enum rc
repl_agreement_add(struct ds_admin *d, const char *base,
    const struct repl_agreement *a, struct err *e)
{
	AUTO_BUF suffix = buf_empty(0), backend = buf_empty(0);
	AUTO_BUF dn = buf_empty(0);
	char port[24];
	enum rc rc;

	if ((rc = repl_suffix(d, &suffix, &backend, base, e)) != RC_OK ||
	    (rc = repl_agreement_dn(d, &dn, base, a->name, e)) != RC_OK)
		return rc;
	snprintf(port, sizeof(port), "%lld", (long long)a->port);
	const struct ds_attr attrs[] = { { "objectClass", "top", NULL },
		{ "objectClass", "nsDS5ReplicationAgreement", NULL },
		{ "cn", a->name, NULL }, { "description", a->name, NULL },
		{ "nsDS5ReplicaRoot", buf_cstr(&suffix), NULL },
		{ "nsDS5ReplicaHost", a->host, NULL },
		{ "nsDS5ReplicaPort", port, NULL },
		{ "nsDS5ReplicaBindDN", a->bind_dn, NULL },
		{ "nsDS5ReplicaBindMethod", "SIMPLE", NULL },
		{ "nsDS5ReplicaTransportInfo", transport(a->security), NULL },
		{ "nsDS5ReplicaCredentials", NULL, a->password },
		{ NULL, NULL, NULL } };

	rc = ds_add(d, buf_cstr(&dn), attrs, e);
	return rc == RC_EXISTS
	    ? renew_agreement(d, buf_cstr(&dn), attrs, a->password, e)
	    : rc;
}

static enum rc
agree(const struct repl_pair *p, const struct repl_side *from,
    const struct repl_side *to, struct err *e)
{
	AUTO_BUF dn = buf_empty(0);
	struct repl_agreement a = { .name = from->agreement,
		.host = to->host,
		.port = to->port,
		.security = p->security,
		.password = to->password };

	if (to->manager == NULL)
		repl_manager_dn(&dn, to->agreement);
	else
		buf_add_str(&dn, to->manager);
	a.bind_dn = buf_cstr(&dn);
	return repl_agreement_add(from->ds, p->base, &a, e);
}

/* --- both ------------------------------------------------------------------------- */

static void
tell(const struct repl_pair *p, const char *line)
{
	if (p->say != NULL)
		p->say(p->say_arg, line);
}

static enum rc
side_manager(struct repl_side *s, struct err *e)
{
	AUTO_BUF dn = buf_empty(0);
	enum rc rc;

	if (s->manager == NULL)
		repl_manager_dn(&dn, s->agreement);
	else
		buf_add_str(&dn, s->manager);
	rc = make_manager(s->ds, buf_cstr(&dn), s->password, e);
	return rc == RC_OK ? make_changelog(s->ds, e) : rc;
}

static enum rc
replicas(struct repl_pair *p, struct err *e)
{
	struct ids *ids = calloc(1, sizeof(*ids));
	enum rc rc;

	if (ids == NULL)
		return err_set(e, RC_NOMEM, "replica ids");
	if ((rc = note_ids(ids, p->master.ds, p->base, e)) == RC_OK &&
	    (rc = note_ids(ids, p->clone.ds, p->base, e)) == RC_OK &&
	    (rc = side_replica(p, ids, &p->master, e)) == RC_OK)
		rc = side_replica(p, ids, &p->clone, e);
	free(ids);
	if (rc == RC_OK && p->master.id == p->clone.id)
		return err_set(e, RC_CONFLICT,
		    "%s and %s both have replica id %lld: remove the replica "
		    "entry of one",
		    ds_admin_url(p->master.ds), ds_admin_url(p->clone.ds),
		    (long long)p->clone.id);
	return rc;
}

enum rc
repl_setup(struct repl_pair *p, struct err *e)
{
	enum rc rc;

	tell(p, "Adding replication managers");
	if ((rc = side_manager(&p->master, e)) != RC_OK ||
	    (rc = side_manager(&p->clone, e)) != RC_OK)
		return rc;
	tell(p, "Enabling replication");
	if ((rc = replicas(p, e)) != RC_OK)
		return rc;
	tell(p, "Adding replication agreements");
	if ((rc = agree(p, &p->master, &p->clone, e)) != RC_OK)
		return rc;
	return agree(p, &p->clone, &p->master, e);
}

enum rc
repl_enable(struct ds_admin *d, const char *base, const char *manager,
    const struct secret *password, int64_t *id, struct err *e)
{
	struct ids *ids = NULL;
	enum rc rc;

	if ((rc = make_manager(d, manager, password, e)) != RC_OK ||
	    (rc = make_changelog(d, e)) != RC_OK)
		return rc;
	if (*id == 0) {
		if ((ids = calloc(1, sizeof(*ids))) == NULL)
			return err_set(e, RC_NOMEM, "replica ids");
		if ((rc = note_ids(ids, d, base, e)) == RC_OK)
			rc = unused_id(ids, id, e);
		free(ids);
	}
	return rc == RC_OK ? make_replica(d, base, manager, id, e) : rc;
}

/* --- initialisation ----------------------------------------------------------------- */

/* What an agreement says of its last or present total update. */
struct init {
	struct buf refresh, status, json, host, port;
};

static bool
take_init(void *arg, const struct ds_entry *x)
{
	struct init *i = arg;

	ds_value(x, "nsds5BeginReplicaRefresh", 0, &i->refresh);
	ds_value(x, "nsds5replicaLastInitStatus", 0, &i->status);
	ds_value(x, "nsds5replicaLastInitStatusJSON", 0, &i->json);
	ds_value(x, "nsDS5ReplicaHost", 0, &i->host);
	ds_value(x, "nsDS5ReplicaPort", 0, &i->port);
	return false;
}

static void
init_done(struct init *i)
{
	buf_done(&i->refresh);
	buf_done(&i->status);
	buf_done(&i->json);
	buf_done(&i->host);
	buf_done(&i->port);
}

static enum rc
read_init(struct ds_admin *d, const char *dn, struct init *i, struct err *e)
{
	static const char *const attrs[] = { "nsds5BeginReplicaRefresh",
		"nsds5replicaLastInitStatus", "nsds5replicaLastInitStatusJSON",
		"nsDS5ReplicaHost", "nsDS5ReplicaPort", NULL };

	*i = (struct init){ buf_empty(0), buf_empty(0), buf_empty(0),
		buf_empty(0), buf_empty(0) };
	return ds_search(d, dn, DS_BASE, NULL, attrs, take_init, i, e);
}

static bool
init_text(const struct init *i, struct repl_status *s, struct buf *message)
{
	return repl_status_parse(
	    s, message, buf_cstr(i->json.len > 0 ? &i->json : &i->status));
}

/* *ended: the total update is over, and well. */
static enum rc
judge_init(const struct init *i, bool *ended, struct err *e)
{
	AUTO_BUF message = buf_empty(0);
	struct repl_status s = { .code = -1 };

	*ended = false;
	if (i->refresh.len > 0)
		return RC_OK;
	if (init_text(i, &s, &message) && s.code == 0 &&
	    s.state == REPL_GREEN) {
		*ended = true;
		return RC_OK;
	}
	return err_set(e, RC_UNAVAILABLE,
	    "Replication agreement initialization failed (against %s:%s): %s",
	    buf_cstr(&i->host), buf_cstr(&i->port), buf_cstr(&i->status));
}

static void
tell_init(const struct init *i, unsigned polls, directory_say say, void *arg)
{
	AUTO_BUF line = buf_empty(0);

	if (say == NULL || polls % INIT_TELL_POLLS != 0)
		return;
	buf_addf(&line, "Initializing %s:%s: %u s: %s", buf_cstr(&i->host),
	    buf_cstr(&i->port), polls * INIT_POLL_MS / 1000,
	    i->status.len > 0 ? buf_cstr(&i->status) : "waiting to begin");
	say(arg, buf_cstr(&line));
}

static enum rc
wait_init(struct ds_admin *d, const char *dn, directory_say say, void *arg,
    struct err *e)
{
	bool ended = false;
	enum rc rc = RC_OK;

	for (unsigned polls = 0; rc == RC_OK && !ended; polls++) {
		struct init i;

		ds_pause(INIT_POLL_MS);
		if ((rc = read_init(d, dn, &i, e)) == RC_OK) {
			tell_init(&i, polls, say, arg);
			rc = judge_init(&i, &ended, e);
		}
		init_done(&i);
	}
	return rc;
}

/* Do both hold the same data, as far as their origin goes? */
static enum rc
same_origin(struct ds_admin *d, struct ds_admin *other, const char *base,
    bool *same, struct err *e)
{
	struct repl_ruv *a = calloc(2, sizeof(*a)), *b;
	enum rc rc;

	if (a == NULL)
		return err_set(e, RC_NOMEM, "replication");
	b = a + 1;
	if ((rc = repl_ruv_read(d, a, base, e)) == RC_OK &&
	    (rc = repl_ruv_read(other, b, base, e)) == RC_OK)
		*same = a->generation[0] != '\0' &&
		    strcmp(a->generation, b->generation) == 0;
	free(a);
	return rc;
}

enum rc
repl_initialize(struct ds_admin *d, struct ds_admin *other, const char *base,
    const char *agreement, bool again, directory_say say, void *arg,
    struct err *e)
{
	AUTO_BUF dn = buf_empty(0);
	bool busy = false, same = false;
	struct init i;
	enum rc rc = repl_agreement_dn(d, &dn, base, agreement, e);

	if (rc != RC_OK)
		return rc;
	if ((rc = read_init(d, buf_cstr(&dn), &i, e)) == RC_NOTFOUND)
		err_set(e, rc, "%s: no replication agreement %s",
		    ds_admin_url(d), agreement);
	busy = i.refresh.len > 0;
	init_done(&i);
	if (rc == RC_OK && other != NULL && !busy && !again)
		rc = same_origin(d, other, base, &same, e);
	if (rc != RC_OK || same)
		return rc;
	if (!busy &&
	    (rc = ds_set(d, buf_cstr(&dn), MOD_REPLACE,
		 "nsds5BeginReplicaRefresh", "start", e)) != RC_OK)
		return rc;
	return wait_init(d, buf_cstr(&dn), say, arg, e);
}
