/* SPDX-License-Identifier: Apache-2.0 */
/* start.c - bring the CA subsystem up and down; its clockwork and metrics.
 * Owns:    struct ca.
 * Trusts:  CS.cfg as far as each reader checks it.
 * Threads: ca_start and ca_stop on the instance's thread, ca_tick on its timer,
 *          the feed's callback on committing threads. */
#include <stdatomic.h>

#include <openssl/rand.h>

#include "base/file.h"
#include "base/log.h"
#include "ca/api.h"
#include "ca/chain.h"
#include "ca/nonces.h"
#include "ca/selftests.h"
#include "ca/setting_sync.h"
#include "instance/dbconf.h"
#include "instance/metrics.h"
#include "x509/name.h"

enum {
	SHORTEST_SLEEP_MS = 50,
	RETRY_MS = 10000,
	TICK_MS = 60000,
	CATCH_UP_MS = 10000, /* with the directory, before a CRL */
};

static void
identity_done(struct ca_identity *i)
{
	key_free(i->key);
	buf_done(&i->der);
}

void
ca_free(struct ca *ca)
{
	if (ca == NULL)
		return;
	rulings_free(ca->rulings);
	watch_free(ca->watch);
	for (size_t i = 0; i < ca->n_points; i++) {
		issuing_point_free(ca->points[i]);
		free(ca->point_ids[i]);
	}
	numbers_free(ca->numbers);
	roles_done(ca);
	profiles_free(ca->profiles);
	acl_free(ca->acl);
	ocsp_table_free(ca->ocsp_ready);
	callers_free(ca->callers);
	nonces_free(ca->bare_nonces);
	ca_domain_free(ca->domain);
	setting_sync_free(ca->settings);
	ca_shared_done(ca);
	identity_done(&ca->signing);
	identity_done(&ca->ocsp);
	buf_done(&ca->issuer_text);
	ca_chain_done(ca);
	for (size_t i = 0; i < ca->n_patterns; i++)
		free(ca->patterns[i]);
	pthread_rwlock_destroy(&ca->acl_lock);
	for (size_t i = 0; i < CA_LOCKS; i++) {
		pthread_mutex_destroy(&ca->request_locks[i]);
		pthread_mutex_destroy(&ca->cert_locks[i]);
	}
	free(ca);
}

/* Certificate and key of a tag, by ca.cert.<tag>.nickname. */
static enum rc
load_identity(struct ca *ca, struct ca_identity *i, const char *tag,
    const char *alg_name, struct err *e)
{
	const char *nick = cfg_getf(ca->cfg, "ca.cert.%s.nickname", tag);
	const char *alg = cfg_getf(ca->cfg, "ca.%s.%s", tag, alg_name);
	enum rc rc;

	if (nick == NULL)
		nick = cfg_getf(ca->cfg, "ca.%s.nickname", tag);
	if (nick == NULL || nick[0] == '\0')
		return err_set(e, RC_INVALID,
		    "CS.cfg: ca.cert.%s.nickname is missing", tag);
	i->der = buf_empty(CERT_DER_MAX);
	rc = keystore_find_pair(
	    instance_keystore(ca->instance), &i->key, &i->der, nick, e);
	if (rc == RC_OK)
		rc = cert_parse(&i->cert, buf_view(&i->der), e);
	if (rc != RC_OK)
		return err_prefix(e, "%s certificate \"%s\"", tag, nick);
	i->sigalg = key_default_sigalg(i->key);
	if (alg == NULL || alg[0] == '\0')
		return RC_OK;
	i->sigalg = sigalg_find(alg);
	if (i->sigalg == SIGALG_COUNT || !key_can_sign(i->key, i->sigalg))
		return err_set(e, RC_INVALID,
		    "CS.cfg: ca.%s.%s=%s: the key cannot sign with that; "
		    "set it to %s",
		    tag, alg_name, alg,
		    sigalg_name(key_default_sigalg(i->key)));
	return RC_OK;
}

enum rc
ca_use_keys(struct ca *ca, struct err *e)
{
	enum rc rc;

	rc = cert_key_id(&ca->signing.cert, &ca->key_id, ca->key_id_room, e);
	if (rc != RC_OK)
		return rc;
	ca->issuer_text = buf_empty(0);
	rc = name_text(&ca->issuer_text, ca->signing.cert.subject, e);
	if (rc != RC_OK)
		return rc;
	for (int d = 0; d < CA_DIGESTS; d++) {
		rc = ocsp_issuer_init(&ca->issuer_ids[d], (enum digest)d,
		    ca->signing.cert.subject, ca->signing.cert.spki, e);
		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}

static enum rc
load_keys(struct ca *ca, struct err *e)
{
	enum rc rc;

	if ((rc = load_identity(ca, &ca->signing, "signing",
		 "defaultSigningAlgorithm", e)) != RC_OK ||
	    (rc = load_identity(ca, &ca->ocsp, "ocsp_signing",
		 "defaultSigningAlgorithm", e)) != RC_OK ||
	    (rc = ca_use_keys(ca, e)) != RC_OK ||
	    (rc = ca_chain_load(ca, instance_keystore(ca->instance), e)) !=
		RC_OK)
		return rc;
	return ca_check_key_ids(ca, e);
}

enum rc
ca_new_request_id(struct ca *ca, struct num *out, struct err *e)
{
	enum rc rc = numbers_new(ca->numbers, RANGE_REQUEST, out, e);

	/* a request that is there already keeps its number */
	while (rc == RC_OK && !numbers_random(ca->numbers, RANGE_REQUEST)) {
		AUTO(rec) there = NULL;
		char hex[NUM_TEXT_MAX];
		rc = store_get(
		    ca->store, &there, REC_REQUEST, num_hex(hex, out), e);
		if (rc == RC_NOTFOUND)
			return RC_OK;
		if (rc == RC_OK)
			rc = numbers_new(ca->numbers, RANGE_REQUEST, out, e);
	}
	return rc;
}

enum rc
ca_new_serial(struct ca *ca, struct num *out, struct err *e)
{
	AUTO(rec) there = NULL;
	char hex[NUM_TEXT_MAX];
	enum rc rc = numbers_new(ca->numbers, RANGE_SERIAL, out, e);

	/* the request is stored before the certificate: too late to ask then;
	 * a random number needs no asking */
	if (rc != RC_OK || numbers_random(ca->numbers, RANGE_SERIAL))
		return rc;
	rc = store_get(ca->store, &there, REC_CERT, num_hex(hex, out), e);
	if (rc == RC_NOTFOUND)
		return RC_OK;
	return rc == RC_OK
	    ? err_set(e, RC_EXISTS,
		  "Unable to add certificate record: Record already exists")
	    : rc;
}

enum rc
ca_check_numbers(struct ca *ca, struct err *e)
{
	return numbers_check(ca->numbers, true, e);
}

static const char *
env_setting(void *arg, const char *name)
{
	return cfg_get(((struct ca *)arg)->cfg, name);
}

static void
env_random(void *arg, uint8_t *out, size_t n)
{
	(void)arg;
	if (RAND_bytes(out, (int)n) != 1)
		memset(out, 0, n);
}

/* Certificates by subject or key, for uniqueness constraints. */
struct lookup {
	bool (*fn)(void *arg, const struct cert_rec *c);
	void *arg;
	struct err *e;
	enum rc rc;
};

static bool
lookup_one(void *arg, const struct rec *r)
{
	struct lookup *l = arg;
	AUTO(arena) a = arena_new(0);
	struct cert_rec c;

	l->rc = a != NULL ? cert_rec_decode(&c, r, a, l->e) : RC_NOMEM;
	return l->rc == RC_OK && l->fn(l->arg, &c);
}

static enum rc
env_certs(void *arg, enum profile_cert_key by, struct view what,
    bool (*fn)(void *fn_arg, const struct cert_rec *c), void *fn_arg,
    struct err *e)
{
	struct ca *ca = arg;
	AUTO_BUF f = buf_empty(FILTER_TEXT_MAX);
	struct lookup l = { fn, fn_arg, e, RC_OK };
	struct query q = { .kind = REC_CERT };
	enum rc rc;

	buf_add_str(&f,
	    by == PROFILE_CERT_BY_SUBJECT ? "(subjectName="
					  : "(publicKeyData=");
	filter_escape(&f, what);
	buf_add_char(&f, ')');
	if ((rc = buf_check(&f, e)) != RC_OK)
		return rc;
	q.filter = buf_cstr(&f);
	rc = store_search(ca->store, &q, lookup_one, &l, e);
	return rc == RC_OK ? l.rc : rc;
}

static bool
env_is_agent(void *arg, struct view cert)
{
	AUTO(principal) p = NULL;

	return auth_certificate(((struct ca *)arg)->store, &p, cert, NULL) ==
	    RC_OK &&
	    principal_in(p, "Certificate Manager Agents");
}

void
ca_profile_env(struct ca *ca, struct profile_env *env)
{
	const struct ca_shared *shared = ca_shared(ca);

	*env = (struct profile_env){
		.now = clock_now(ca->clock),
		.ca_subject = ca->signing.cert.subject,
		.ca_key_id = ca->key_id,
		.ca_not_before = ca->signing.cert.not_before,
		.ca_not_after = ca->signing.cert.not_after,
		.ca_sigalg = ca->signing.sigalg,
		.sigalgs = shared->allowed,
		.n_sigalgs = shared->n_allowed,
		.ocsp_uri = shared->ocsp_uri,
		.san_entries = shared->san_entries,
		.host = instance_host(ca->instance),
		.port = (unsigned)instance_http_port(ca->instance),
		.skip_pop = !shared->verify_requests,
		.setting = env_setting,
		.certs = env_certs,
		.random = env_random,
		.is_agent = env_is_agent,
		.arg = ca,
	};
}

void
ca_audit_effect(struct ca *ca, struct batch *b, const struct audit_entry *x)
{
	AUTO_BUF line = buf_empty(64 * 1024);

	audit_line(ca->audit, &line, x);
	if (line.len > 0 && buf_check(&line, NULL) == RC_OK)
		batch_effect(b, AUDIT_EFFECT, buf_view(&line));
}

const char *
ca_subject_id(const struct principal *p)
{
	return p != NULL ? p->uid : "$Unidentified$";
}

enum rc
ca_allowed(struct ca *ca, const struct principal *p, const char *peer,
    const char *resource, const char *op, struct err *e)
{
	enum rc rc;

	pthread_rwlock_rdlock(&ca->acl_lock);
	rc = acl_check(ca->acl, p, peer, resource, op, e);
	pthread_rwlock_unlock(&ca->acl_lock);
	return rc;
}

/* --- the feed ------------------------------------------------------------ */

static void
reload_acl(struct ca *ca, const struct rec *r)
{
	const struct rec_attr *v =
	    r != NULL ? rec_attr(r, "resourceACLS") : NULL;
	struct acl *fresh = NULL;

	for (size_t i = 0; v != NULL && i < v->n; i++) {
		struct err e = { RC_OK, "" };
		if (acl_add(&fresh, (const char *)v->values[i].data, &e) ==
		    RC_OK)
			continue;
		log_error("ca",
		    "ACLs changed but cannot be read, the former "
		    "ones stay: %s",
		    e.text);
		acl_free(fresh);
		return;
	}
	if (fresh == NULL)
		return;
	pthread_rwlock_wrlock(&ca->acl_lock);
	struct acl *old = ca->acl;
	ca->acl = fresh;
	pthread_rwlock_unlock(&ca->acl_lock);
	acl_free(old);
}

static void
follow(void *arg, const struct feed_item *i)
{
	struct ca *ca = arg;
	struct num serial;

	switch ((int)i->kind) {
	case REC_CERT:
		if (i->id[0] == '\0') { /* some were missed */
			ocsp_table_clear(ca->ocsp_ready);
			callers_users_changed(ca->callers);
		} else if (num_parse(&serial, i->id, true, NULL) == RC_OK) {
			ocsp_table_drop(ca->ocsp_ready, &serial);
			callers_cert_changed(ca->callers, &serial);
		}
		break;
	case REC_USER:
	case REC_GROUP:
		callers_users_changed(ca->callers);
		break;
	case REC_PROFILE:
		profiles_follow(ca->profiles, i->id, i->rec);
		instance_wake(ca->instance);
		break;
	case REC_ACL:
		reload_acl(ca, i->rec);
		break;
	case REC_CLAIM:
		roles_follow(ca);
		if (numbers_follow(ca->numbers, i))
			instance_wake(ca->instance);
		break;
	case REC_ISSUING_POINT:
		if (!i->local) /* another host's list is to be served */
			instance_wake(ca->instance);
		break;
	case REC_SETTING:
		if (!i->local && setting_sync_follow(ca->settings, i->id))
			instance_wake(ca->instance);
		break;
	default:
		if (numbers_follow(ca->numbers, i))
			instance_wake(ca->instance);
		break;
	}
}

/* --- CRLs ------------------------------------------------------------------ */

size_t
ca_point_find(const struct ca *ca, const char *id)
{
	for (size_t i = 0; i < ca->n_points; i++) {
		if (strcmp(ca->point_ids[i], id) == 0)
			return i;
	}
	return SIZE_MAX;
}

static bool
new_point_id(const struct ca *ca, const char *name, size_t n)
{
	for (size_t i = 0; i < ca->n_points; i++) {
		if (strlen(ca->point_ids[i]) == n &&
		    strncmp(ca->point_ids[i], name, n) == 0)
			return false;
	}
	return true;
}

/* The numbers of this host's lists that no restored store forgets. */
static enum rc
mark_number(void *arg, const char *id, const struct num *number, bool served,
    struct err *e)
{
	struct ca *ca = arg;
	char row[256];

	(void)snprintf(
	    row, sizeof(row), "crl.%.128s.%s", id, served ? "served" : "used");
	return highwater_raise(ca->sub->highwater, row, number, e);
}

enum rc
ca_point_raise(
    struct ca *ca, size_t point, const struct num *number, struct err *e)
{
	issuing_point_seen(ca->points[point], number);
	return mark_number(ca, ca->point_ids[point], number, false, e);
}

static struct num
marked(struct ca *ca, const char *id, const char *what)
{
	char row[256];

	(void)snprintf(row, sizeof(row), "crl.%.128s.%s", id, what);
	return ca->sub->highwater != NULL
	    ? highwater_num(ca->sub->highwater, row)
	    : num_from_u64(0);
}

enum rc
ca_point_open(
    struct ca *ca, const struct cfg *cfg, const char *id, struct err *e)
{
	AUTO_STR dir = paths_crl(instance_paths(ca->instance), "ca");
	struct num used = marked(ca, id, "used"),
		   served = marked(ca, id, "served");
	struct issuing_point_params p = { .id = id,
		.cfg = cfg,
		.store = ca->store,
		.clock = ca->clock,
		.key = ca->signing.key,
		.ca_cert = ca->signing.cert.der,
		.issuer = buf_cstr(&ca->issuer_text),
		.host_ca = true,
		.dir = dir,
		.ca_url = ca->plain_url,
		.bytes_in_record = dbconf_is_directory(ca->cfg),
		.fill_later = true,
		.by_claim = ca->sub->highwater != NULL,
		.lazy =
		    !cfg_bool(ca->cfg, "ca.listenToCloneModifications", false),
		.used = &used,
		.floor = &served,
		.mark = ca->sub->highwater != NULL ? mark_number : NULL,
		.mark_arg = ca };
	size_t n = ca->n_points;
	enum rc rc;

	if (n == CA_POINTS_MAX)
		return err_set(e, RC_TOOBIG, "more than %d CRL issuing points",
		    CA_POINTS_MAX);
	if (dir == NULL || (ca->point_ids[n] = strdup(id)) == NULL)
		return err_set(e, RC_NOMEM, "issuing points");
	rc = issuing_point_open(&ca->points[n], &p, e);
	if (rc != RC_OK) {
		free(ca->point_ids[n]);
		return err_prefix(e, "issuing point");
	}
	ca->n_points = n + 1;
	return RC_OK;
}

static enum rc
open_points(struct ca *ca, struct err *e)
{
	AUTO_STR dir = paths_crl(instance_paths(ca->instance), "ca");
	size_t from = cfg_lower(ca->cfg, "ca.crl.");
	enum rc rc;

	if (dir == NULL)
		return err_set(e, RC_NOMEM, "issuing points");
	if ((rc = file_mkdirs(dir, 0770, e)) != RC_OK)
		return rc;
	for (size_t i = from; i < cfg_count(ca->cfg); i++) {
		struct cfg_item x = cfg_at(ca->cfg, i);
		if (!text_starts(x.name, "ca.crl."))
			break;
		const char *id = x.name + 7, *dot = strchr(id, '.');
		if (dot == NULL || strncmp(id, "pageSize", 8) == 0 ||
		    !new_point_id(ca, id, (size_t)(dot - id)))
			continue;
		AUTO_STR name = strndup(id, (size_t)(dot - id));
		if (name == NULL)
			return err_set(e, RC_NOMEM, "issuing points");
		if ((rc = ca_point_open(ca, ca->cfg, name, e)) != RC_OK)
			return rc;
	}
	return RC_OK;
}

/* Whatever is in the directory by now is to be on the list, though the feed may
 * not have brought it yet. Where nobody can say what that is (*o), the set is
 * read anew; the directory not answering, there is no list. */
static enum rc
catch_up(struct ca *ca, size_t point, struct generate_options *o, struct err *e)
{
	enum rc rc;

	if (!issuing_point_enabled(ca->points[point]))
		return RC_OK; /* it says so itself */
	rc = store_catch_up(ca->store, CATCH_UP_MS, e);
	if (rc == RC_GONE)
		o->clear = true;
	else if (rc != RC_OK)
		return err_prefix(e,
		    "issuing point %s: no CRL is made while revocations may be "
		    "waiting in the directory",
		    ca->point_ids[point]);
	return RC_OK;
}

enum rc
ca_crl_generate(struct ca *ca, size_t point,
    const struct generate_options *wanted, struct err *e)
{
	struct generate_options o = *wanted;
	struct issuing_point_status st;
	char dec[NUM_TEXT_MAX];
	bool made = false;
	enum rc rc;

	rc = catch_up(ca, point, &o, e);
	/* what has arrived is on it, whatever merging made of the records */
	if (rc == RC_OK)
		rc = rulings_settle(ca->rulings, true, NULL, e);
	if (rc == RC_OK)
		rc = issuing_point_generate(ca->points[point], &o, &made, e);
	if (rc == RC_GONE)
		roles_follow(ca);
	if (rc != RC_OK) {
		rc_ignore(audit_event(ca->audit,
		    AUDIT_ENTRY("FULL_CRL_GENERATION", NULL, false,
			"full CRL generation failed",
			{ "FailureReason", e != NULL ? e->text : NULL }),
		    NULL)); /* a failed audit log stops the CA in tick */
		return rc;
	}
	if (!made)
		return RC_OK;
	atomic_fetch_add(&ca->n_crls, 1);
	issuing_point_status(ca->points[point], &st);
	num_dec(dec, &st.number);
	log_info("crl", "issuing_point=%s number=%s entries=%llu took_ms=%lld",
	    ca->point_ids[point], dec, (unsigned long long)st.count,
	    (long long)st.took_ms);
	return audit_event(ca->audit,
	    AUDIT_ENTRY("FULL_CRL_GENERATION", NULL, true,
		"full CRL generation", { "CRLnum", dec }),
	    e);
}

/* --- clockwork -------------------------------------------------------------- */

static bool
write_audit(void *arg, const struct effect *x)
{
	struct ca *ca = arg;

	return audit_write_through(ca->audit, x->payload, NULL) == RC_OK;
}

static int64_t
tick_statuses(struct ca *ca, int64_t now_ms)
{
	struct err e = { RC_OK, "" };
	int64_t interval;

	pthread_mutex_lock(&ca->roles.lock);
	interval = ca->roles.interval;
	pthread_mutex_unlock(&ca->roles.lock);
	if (interval == 0 || !roles_hold(ca, CLAIM_ROLE_STATUS))
		return RETRY_MS;
	if (now_ms >= ca->next_status_ms) {
		if (ca_update_statuses(ca, now_ms / 1000, &e) != RC_OK)
			log_warning(
			    "ca", "status maintenance: %s, continuing", e.text);
		ca->next_status_ms = now_ms + interval * 1000;
	}
	return ca->next_status_ms - now_ms;
}

static int64_t
tick_rulings(struct ca *ca)
{
	struct err e = { RC_OK, "" };
	int64_t wait_ms = -1;

	if (rulings_settle(ca->rulings, false, &wait_ms, &e) == RC_OK)
		return wait_ms >= 0 ? wait_ms : TICK_MS;
	log_warning(
	    "ca", "%s, continuing; next try in %d s", e.text, RETRY_MS / 1000);
	return RETRY_MS;
}

static void
renew_if_used_up(struct ca *ca, size_t point)
{
	struct num high = issuing_point_highest(ca->points[point]), next;
	char role[CLAIM_ROLE_MAX];
	struct claim c;

	if (!issuing_point_claimed(ca->points[point], &c) ||
	    claim_number_next(&next, &c, &high, NULL) == RC_OK)
		return;
	(void)snprintf(
	    role, sizeof(role), CLAIM_ROLE_CRL "%s", ca->point_ids[point]);
	roles_renew(ca, role);
}

static int64_t
tick_points(struct ca *ca, int64_t now_ms)
{
	static const struct generate_options when_due = { .sigalg =
							      SIGALG_COUNT };
	int64_t next = TICK_MS;

	for (size_t i = 0; i < ca->n_points; i++) {
		struct err e = { RC_OK, "" };
		int64_t due;
		renew_if_used_up(ca, i);
		if (issuing_point_refresh(ca->points[i], &e) != RC_OK ||
		    (issuing_point_due(ca->points[i]) <= now_ms / 1000 &&
			ca_crl_generate(ca, i, &when_due, &e) != RC_OK)) {
			log_warning("crl",
			    "issuing_point=%s: %s, continuing; next try in "
			    "%d s",
			    ca->point_ids[i], e.text, RETRY_MS / 1000);
			next = next < RETRY_MS ? next : RETRY_MS;
			continue;
		}
		due = issuing_point_due(ca->points[i]);
		if (due < now_ms / 1000 + TICK_MS / 1000 &&
		    due * 1000 - now_ms < next)
			next = due * 1000 - now_ms;
	}
	return next;
}

static int64_t
ca_tick(struct subsystem *s, int64_t now_ms)
{
	struct ca *ca = s->self;
	struct err e = { RC_OK, "" };
	int64_t a, b;

	if (store_drain(ca->store, AUDIT_EFFECT, write_audit, ca, &e) != RC_OK)
		log_warning("ca", "effects journal: %s, continuing", e.text);
	a = roles_tick(ca);
	b = tick_rulings(ca);
	a = a < b ? a : b;
	b = tick_statuses(ca, now_ms);
	a = a < b ? a : b;
	b = tick_points(ca, now_ms);
	a = a < b ? a : b;
	b = numbers_tick(ca->numbers, now_ms);
	a = a < b ? a : b;
	b = ca_domain_tick(ca, now_ms);
	a = a < b ? a : b;
	b = profiles_tick(ca->profiles);
	a = a < b ? a : b;
	b = setting_sync_tick(ca->settings);
	a = a < b ? a : b;
	return a > SHORTEST_SLEEP_MS ? a : SHORTEST_SLEEP_MS;
}

static void
ca_metrics(struct subsystem *s, struct buf *b)
{
	struct ca *ca = s->self;
	const struct {
		const char *name, *help;
		uint64_t v;
	} all[] = {
		{ "pki_ca_issued_total", "certificates issued", ca->n_issued },
		{ "pki_ca_rejected_total", "requests rejected",
		    ca->n_rejected },
		{ "pki_ca_revoked_total", "certificates revoked",
		    ca->n_revoked },
		{ "pki_ca_ocsp_ready_total", "OCSP answers given again",
		    ca->n_ocsp_ready },
		{ "pki_ca_ocsp_signed_total", "OCSP answers signed",
		    ca->n_ocsp_signed },
		{ "pki_ca_statuses_repaired_total",
		    "certificates whose status was derived anew",
		    rulings_repaired(ca->rulings) },
		{ "pki_ca_crls_total", "revocation lists made", ca->n_crls },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		metric_add(b, all[i].name, "counter", all[i].help, all[i].v);
	selftests_metrics(ca, b);
	api_roles_metrics(ca, b);
	numbers_metrics(ca->numbers, b);
}

static void
ca_warnings(struct subsystem *s, struct buf *b)
{
	struct ca *ca = s->self;

	selftests_warnings(ca, b);
	for (size_t i = 0; i < ca->n_points; i++) {
		struct issuing_point_status st;
		issuing_point_status(ca->points[i], &st);
		if (st.failure[0] != '\0')
			buf_addf(b, "%s: the last list was not made: %s\n",
			    ca->point_ids[i], st.failure);
	}
}

/* --- start ------------------------------------------------------------------ */

enum rc
ca_open_parts(struct ca *ca, struct err *e)
{
	const struct instance_paths *p = instance_paths(ca->instance);
	AUTO_STR profiles = paths_profiles(p, "ca");
	/* of a deployment that has no files, or has files that do not count */
	const char *dir = strstr(cfg_str(ca->cfg, "subsystem.1.class", ""),
			      "LDAPProfileSubsystem") != NULL
	    ? NULL
	    : profiles;
	AUTO_BUF applied = buf_empty(4096), cursor = buf_empty(4096);
	enum rc rc;

	buf_addf(&applied, "%s/profiles.applied", p->host);
	buf_addf(&cursor, "%s/ca.cursor", p->host);
	if (profiles == NULL)
		return err_set(e, RC_NOMEM, "CA");
	snprintf(ca->plain_url, sizeof(ca->plain_url), "http://%s:%d",
	    instance_host(ca->instance), instance_http_port(ca->instance));
	if ((rc = file_mkdirs(p->host, 0700, e)) != RC_OK ||
	    (rc = ca_shared_take(ca, ca->cfg, e)) != RC_OK ||
	    (rc = numbers_open(&ca->numbers, ca->sub, e)) != RC_OK ||
	    (rc = ca_domain_new(ca, &ca->domain, e)) != RC_OK ||
	    (rc = setting_sync_new(&ca->settings, ca, e)) != RC_OK ||
	    (rc = acl_load(&ca->acl, ca->store, e)) != RC_OK ||
	    (rc = profiles_new(&ca->profiles, ca->store, dir,
		 buf_cstr(&applied), ca->clock, e)) != RC_OK ||
	    (rc = open_points(ca, e)) != RC_OK)
		return rc;
	ca->ocsp_ready = ocsp_table_new();
	ca->callers = callers_new();
	ca->bare_nonces = nonces_new();
	if (ca->ocsp_ready == NULL || ca->callers == NULL ||
	    ca->bare_nonces == NULL)
		return err_set(e, RC_NOMEM, "CA");
	rc = store_watch(ca->store, &ca->watch,
	    1u << REC_CERT | 1u << REC_PROFILE | 1u << REC_ACL |
		1u << REC_USER | 1u << REC_GROUP | 1u << REC_ISSUING_POINT |
		NUMBERS_KINDS | 1u << REC_CLAIM | 1u << REC_SETTING,
	    UINT64_MAX, follow, ca, e);
	if (rc == RC_OK)
		rc = profiles_start(ca->profiles, e);
	if (rc == RC_OK)
		rc = rulings_open(&ca->rulings, ca, buf_cstr(&cursor), e);
	/* last: a role that is taken up makes its first list at once */
	return rc == RC_OK ? roles_start(ca, e) : rc;
}

static void
effects_waiting(void *arg)
{
	/* each drain costs a commit of its own: one for many groups */
	instance_wake_soon(arg);
}

struct ca *
ca_new(struct subsystem *s)
{
	struct ca *ca = calloc(1, sizeof(*ca));

	if (ca == NULL)
		return NULL;
	ca->sub = s;
	ca->instance = s->instance;
	ca->store = s->store;
	ca->cfg = s->cfg;
	ca->audit = s->audit;
	ca->clock = instance_clock(s->instance);
	pthread_rwlock_init(&ca->acl_lock, NULL);
	for (size_t i = 0; i < CA_LOCKS; i++) {
		pthread_mutex_init(&ca->request_locks[i], NULL);
		pthread_mutex_init(&ca->cert_locks[i], NULL);
	}
	return ca;
}

static enum rc
ca_start(struct subsystem *s, struct err *e)
{
	struct ca *ca = ca_new(s);
	enum rc rc;

	if (ca == NULL)
		return err_set(e, RC_NOMEM, "CA");
	if ((rc = load_keys(ca, e)) != RC_OK ||
	    (rc = ca_open_parts(ca, e)) != RC_OK ||
	    (rc = selftests_start(ca, e)) != RC_OK ||
	    (rc = ca_routes(ca, e)) != RC_OK) {
		ca_free(ca);
		return rc;
	}
	s->self = ca;
	store_on_effect(ca->store, effects_waiting, ca->instance);
	log_info("ca", "issuer=\"%s\" points=%zu", buf_cstr(&ca->issuer_text),
	    ca->n_points);
	return RC_OK;
}

static void
ca_stop(struct subsystem *s)
{
	struct ca *ca = s->self;

	store_on_effect(ca->store, NULL, NULL);
	if (store_drain(ca->store, AUDIT_EFFECT, write_audit, ca, NULL) !=
	    RC_OK)
		log_warning("ca",
		    "effects stay for the next start, "
		    "continuing");
	/* else the next start asks for more */
	rc_ignore(store_catch_up(ca->store, CATCH_UP_MS, NULL));
	rulings_keep_place(ca->rulings);
	ca_free(ca);
	s->self = NULL;
}

const struct subsystem_class ca_class = {
	.name = "ca",
	.type = "CA",
	.start = ca_start,
	.wait = ca_wait,
	.tick = ca_tick,
	.control = ca_control,
	.metrics = ca_metrics,
	.warnings = ca_warnings,
	.stop = ca_stop,
};
