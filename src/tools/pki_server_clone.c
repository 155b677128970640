/* SPDX-License-Identifier: Apache-2.0 */
/* pki_server_clone.c - ca-clone-check: the documented test of a clone and a look
 * at the whole topology; ca-clone-retire: a clone that is no more (spec
 * deployment 3.1, 3.11).
 * Owns:    one client session.
 * Trusts:  the own server and directory; of other hosts what they serve in
 *          public, for the report alone.
 * Threads: none. */
#include "tools/pki_server_cmds.h"

#include "deploy/replication.h"
#include "domain/answer.h"
#include "domain/domain_host.h"
#include "tools/pki_certs.h"
#include "tools/pki_request.h"
#include "tools/pki_server_cert.h"
#include "tools/pki_server_clone.h"
#include "tools/pki_server_ds.h"
#include "tools/pki_servlet.h"
#include "tools/pki_session.h"
#include "x509/crl.h"

enum {
	URL_MAX = 600,
	CRL_MAX = 256 * 1024 * 1024,
	STEP_MS = 100,
	WAIT_MAX = 3600,
	RSA_BITS = 2048, /* the profile wants RSA */
	DIRECTORIES_MAX = 32,
};

void
clone_fault(struct report *r, const char *fmt, ...)
{
	va_list ap;

	r->faults++;
	fputs("    ATTENTION: ", stdout);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

static void PRINTF(1, 2) step(const char *fmt, ...)
{
	va_list ap;

	fputs("  ", stdout);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
	fflush(stdout);
}

/* --- other hosts ---------------------------------------------------------- */

/* Keeps the end of the server's certificate; only what is public is asked. */
static bool
note_end(void *arg, enum http_cert_problem p, struct view der)
{
	int64_t *end = arg;
	struct cert c;

	(void)p;
	if (end != NULL && cert_parse(&c, der, NULL) == RC_OK)
		*end = c.not_after;
	return true;
}

static enum rc
fetch_crl(
    const char *address, struct buf *der, int64_t *cert_end, struct err *e)
{
	struct http_client_params p = { .accept = note_end,
		.accept_arg = cert_end,
		.timeout_ms = CLONE_CALL_MS };
	AUTO(http_client) c = NULL;
	char url[URL_MAX];
	struct http_exchange x = { .method = "GET",
		.url = url,
		.reply = buf_empty(CRL_MAX),
		.max_reply = CRL_MAX };
	enum rc rc = http_client_new(&c, &p, e);

	if (rc != RC_OK)
		return rc;
	snprintf(url, sizeof(url),
	    "https://%.500s/ca/ee/ca/"
	    "getCRL?op=getCRL&crlIssuingPoint=MasterCRL",
	    address);
	rc = http_client_do(c, &x, e);
	if (rc == RC_OK && x.status != 200)
		rc = err_set(e, RC_UNAVAILABLE, "%s: status %d", url, x.status);
	if (rc == RC_OK)
		buf_add_view(der, buf_view(&x.reply));
	http_exchange_done(&x);
	return rc == RC_OK ? buf_check(der, e) : rc;
}

static void
report_host(struct report *r, const json_t *o)
{
	AUTO_BUF der = buf_empty(CRL_MAX);
	struct err e = { RC_OK, "" };
	char address[DOMAIN_NAME_MAX + 16], number[NUM_TEXT_MAX] = "none";
	int64_t end = 0, now = clock_now(&clock_system);
	struct num n;
	struct crl c;

	snprintf(address, sizeof(address), "%s:%lld", json_str(o, "hostname"),
	    (long long)json_integer_value(json_object_get(o, "securePort")));
	printf("  %s%s\n", json_str(o, "id"),
	    json_is_true(json_object_get(o, "clone")) ? " (clone)" : "");
	if (fetch_crl(address, &der, &end, &e) != RC_OK) {
		if (end == 0)
			clone_fault(r, "does not answer: %s", e.text);
		else
			clone_fault(r, "serves no CRL: %s", e.text);
	} else if (crl_parse(&c, buf_view(&der), &e) != RC_OK) {
		clone_fault(r, "its CRL cannot be read: %s", e.text);
	} else {
		if (crl_number(&c, &n))
			num_dec(number, &n);
		printf("    Reachable: yes\n    CRL Number: %s\n"
		       "    CRL Age: %lld s\n",
		    number, (long long)(now - c.this_update));
		if (c.next_update != 0 && c.next_update < now)
			clone_fault(r, "its CRL is overdue");
		if (c.this_update > now + CLONE_SKEW_S)
			clone_fault(r,
			    "its CRL is dated %lld s ahead of this host's "
			    "clock",
			    (long long)(c.this_update - now));
	}
	clone_report_end(r, "its TLS server", end);
	clone_report_state(r, address);
}

/* --- directories ------------------------------------------------------------ */

struct directories {
	struct report *r;
	struct dbconf *conf;
	struct ds_admin *own;
	struct repl_ruv *ruv, *other;
};

static int64_t
directory_clock(struct ds_admin *d)
{
	AUTO_BUF text = buf_empty(64);
	int64_t t;

	return ds_get(d, &text, "cn=monitor", "currenttime", NULL) == RC_OK &&
		text_date_dir(&t, buf_cstr(&text), NULL) == RC_OK
	    ? t
	    : 0;
}

/* The other end of an agreement, with the own bind DN and password: clones have
 * the same. */
static void
report_other(struct directories *x, const struct repl_status *s)
{
	struct ldap_params p = dbconf_params(x->conf, &clock_system);
	AUTO(ds_admin) d = NULL;
	AUTO_BUF url = buf_empty(URL_MAX);
	struct err e = { RC_OK, "" };
	int64_t lag, back, skew;

	buf_addf(&url, "%s://%s:%lld", x->conf->secure ? "ldaps" : "ldap",
	    s->host, (long long)s->port);
	p.url = buf_cstr(&url);
	p.timeout_ms = CLONE_CALL_MS;
	if (ds_admin_open(&d, &p, &e) != RC_OK) {
		clone_fault(x->r, "%s", e.text);
		return;
	}
	skew = directory_clock(d) - directory_clock(x->own);
	if (repl_ruv_read(d, x->other, x->conf->base_dn, &e) != RC_OK ||
	    repl_ruv_read(x->own, x->ruv, x->conf->base_dn, &e) != RC_OK) {
		clone_fault(x->r, "%s", e.text);
		return;
	}
	lag = repl_lag(x->ruv, x->other);
	back = repl_lag(x->other, x->ruv);
	printf("    Lag: %lld s there, %lld s here\n    Clock Skew: %lld s\n",
	    (long long)lag, (long long)back, (long long)skew);
	if (lag < 0 || back < 0)
		clone_fault(x->r,
		    "%s holds other data than this directory: fill it with "
		    "ca-db-repl-agmt-init",
		    s->host);
	if (skew > CLONE_SKEW_S || skew < -CLONE_SKEW_S)
		clone_fault(x->r, "the clock of %s is %lld s off", s->host,
		    (long long)skew);
}

static bool
report_agreement(void *arg, const struct repl_status *s)
{
	struct directories *x = arg;

	printf("  Agreement %s to %s:%lld\n    Status: %s\n", s->name, s->host,
	    (long long)s->port, s->message);
	if (s->state == REPL_RED || !s->enabled)
		clone_fault(x->r, "it does not replicate: %s",
		    s->enabled ? s->message : "it is switched off");
	report_other(x, s);
	return true;
}

static bool
report_conflict(void *arg, const struct repl_conflict *c)
{
	struct directories *x = arg;

	clone_fault(x->r,
	    "conflict entry %s; end it with: pki-server ca-db-conflict-resolve "
	    "'%s'",
	    c->dn, c->dn);
	return true;
}

static enum rc
report_directories(struct report *r, struct err *e)
{
	AUTO(dbconf) conf = NULL;
	AUTO(ds_admin) d = NULL;
	struct directories x = { .r = r };
	enum rc rc = server_ds(r->s, &conf, &d, e);

	if (rc == RC_UNSUPPORTED) {
		puts("  Directory: none, this CA is on the embedded store");
		return RC_OK;
	}
	if (rc != RC_OK)
		return rc;
	x.conf = conf;
	x.own = d;
	x.ruv = calloc(1, sizeof(*x.ruv));
	x.other = calloc(1, sizeof(*x.other));
	printf("  Directory %s\n", conf->url);
	if (x.ruv == NULL || x.other == NULL)
		rc = err_set(e, RC_NOMEM, "out of memory");
	else
		rc =
		    repl_status_each(d, conf->base_dn, report_agreement, &x, e);
	if (rc == RC_OK)
		rc = repl_conflict_each(
		    d, conf->base_dn, report_conflict, &x, e);
	free(x.ruv);
	free(x.other);
	return rc;
}

/* --- this instance ------------------------------------------------------------ */

static enum rc
report_certs(struct report *r, struct err *e)
{
	struct sys_cert *all[SYS_CERTS_MAX];
	struct keystore *ks;
	size_t n;
	enum rc rc = sys_cert_list(r->s, NULL, all, &n, e);

	if (rc != RC_OK)
		return rc;
	rc = server_keystore(r->s, &ks, e);
	for (size_t i = 0; i < n; i++) {
		AUTO_BUF nick = buf_empty(0), der = buf_empty(CERT_DER_MAX);
		struct cert c;

		if (rc == RC_OK &&
		    sys_cert_nick(all[i], &nick, NULL) == RC_OK &&
		    keystore_find_cert(ks, &der, buf_cstr(&nick), NULL) ==
			RC_OK &&
		    cert_parse(&c, buf_view(&der), NULL) == RC_OK)
			clone_report_end(r, all[i]->id, c.not_after);
		else if (rc == RC_OK)
			clone_fault(
			    r, "no certificate %s in the token", all[i]->id);
		sys_cert_free(all[i]);
	}
	return rc;
}

/* Who holds which role, by the claims that this server sees. */
static void
report_roles(struct report *r)
{
	AUTO_JSON roles = NULL;
	struct err e = { RC_OK, "" };
	size_t i;
	json_t *o;

	puts("  Roles:");
	if (server_call_running(r->s, "role-list", NULL, &roles, &e) != RC_OK) {
		clone_fault(r, "%s", e.text);
		return;
	}
	json_array_foreach(json_object_get(roles, "entries"), i, o)
	{
		const char *role = json_str(o, "role"),
			   *state = json_str(o, "state"),
			   *holder = json_str(o, "holder"),
			   *claim = json_str(o, "claim"),
			   *note = json_str(o, "note");

		printf("    %s: %s (%s, claim %s)\n", role,
		    holder != NULL ? holder : "nobody", state,
		    claim != NULL ? claim : "none");
		if (strcmp(state, "held") != 0 && strcmp(state, "clone") != 0)
			clone_fault(r, "%s: nobody does it (%s)", role, state);
		if (note != NULL && note[0] != '\0')
			clone_fault(r, "%s: %s", role, note);
	}
}

static enum rc
report_all(struct server *s, struct err *e)
{
	struct report r = { .s = s };
	AUTO_JSON hosts = NULL;
	size_t i;
	json_t *o;
	enum rc rc = server_call(s, "sd-find", NULL, &hosts, e);

	if (rc != RC_OK || (rc = clone_states_open(&r.states, s, e)) != RC_OK)
		return rc;
	puts("Topology:");
	json_array_foreach(hosts, i, o)
	{
		if (text_starts(json_str(o, "id"), "CA "))
			report_host(&r, o);
	}
	clone_states_free(r.states);
	report_roles(&r);
	if ((rc = report_directories(&r, e)) != RC_OK ||
	    (rc = report_certs(&r, e)) != RC_OK)
		return rc;
	if (r.faults > 0)
		return err_set(
		    e, RC_CONFLICT, "%zu things need attention", r.faults);
	puts("Nothing needs attention.");
	return RC_OK;
}

/* --- the documented test ------------------------------------------------------ */

static enum rc
open_session(struct pki *p, const struct args *a, struct err *e)
{
	const struct pki_session who = { .dir = args_get(a, "client-database"),
		.nickname = args_get(a, "client-nickname") };
	enum rc rc = pki_session_open(p, &who, e);

	if (rc != RC_OK || !args_has(a, "client-password-file"))
		return rc;
	return secret_read_file(
	    &p->db_pin, args_get(a, "client-password-file"), e);
}

struct test {
	struct pki p;
	char here[DOMAIN_NAME_MAX + 16], master[DOMAIN_NAME_MAX + 16];
	char serial[NUM_TEXT_MAX];
	int64_t wait_ms;
};

static enum rc
issue(struct test *t, struct err *e)
{
	struct keygen g = {
		.type = KEYTYPE_RSA, .rsa_bits = RSA_BITS, .temporary = true
	};
	AUTO_BUF der = buf_empty(REQ_DER_MAX), pem = buf_empty(0),
		 cert = buf_empty(CERT_DER_MAX);
	AUTO_JSON body = NULL;
	AUTO_JSON info = NULL;
	AUTO_JSON done = NULL;
	AUTO(key) key = NULL;
	const char *status;
	struct keystore *ks;
	struct request q = { .profile = "caUserCert",
		.subject = "UID=clone-check",
		.type = "pkcs10" };
	struct cert c;
	enum rc rc;

	if ((rc = pki_session_turn(&t->p, t->here, e)) != RC_OK ||
	    (rc = pki_keystore(&t->p, &ks, e)) != RC_OK ||
	    (rc = keystore_generate(ks, &key, NULL, &g, e)) != RC_OK ||
	    (rc = certs_make_req(
		 &der, key, "UID=clone-check", NULL, NULL, e)) != RC_OK)
		return rc;
	text_add_pem(&pem, "CERTIFICATE REQUEST", buf_view(&der), "\n");
	q.csr = buf_cstr(&pem);
	if ((rc = request_fill(&t->p, &body, &q, e)) != RC_OK ||
	    (rc = request_post(&t->p, body, &q, &info, e)) != RC_OK)
		return rc;
	step("requested on %s: %s", t->here, json_str(info, "requestID"));
	status = json_str(info, "requestStatus");
	/* an agent's own may be issued at once */
	if (status != NULL && strcmp(status, "complete") == 0)
		done = json_incref(info);
	else if (status != NULL && strcmp(status, "pending") != 0)
		rc = err_set(e, RC_DENIED, "request %s is %s: %s",
		    json_str(info, "requestID"), status,
		    json_str(info, "errorMessage") != NULL
			? json_str(info, "errorMessage")
			: "no reason given");
	else
		rc = request_approve(
		    &t->p, json_str(info, "requestID"), &done, e);
	if (rc != RC_OK ||
	    (rc = request_cert(&t->p, done, &cert, e)) != RC_OK ||
	    (rc = cert_parse(&c, buf_view(&cert), e)) != RC_OK)
		return rc;
	num_0x(t->serial, &c.serial);
	step("approved and fetched there: certificate %s", t->serial);
	return RC_OK;
}

static enum rc
revoke_there(struct test *t, struct err *e)
{
	AUTO_JSON cert = NULL;
	AUTO_JSON body = NULL;
	AUTO_BUF path = buf_empty(0);
	enum rc rc = rest_get(&t->p, &cert, e, "agent/certs/%s", t->serial);

	if (rc != RC_OK)
		return rc;
	body = json_pack("{s:s,s:O*,s:O*}", "Reason", "Unspecified", "Encoded",
	    json_object_get(cert, "Encoded"), "Nonce",
	    json_object_get(cert, "Nonce"));
	buf_addf(&path, "agent/certs/%s/revoke", t->serial);
	rc = rest_json(&t->p, "POST", buf_cstr(&path), body, NULL, e);
	if (rc == RC_OK)
		step("revoked there");
	return rc;
}

/* Until the master shows the revocation; the time that takes is the lag. */
static enum rc
await_revocation(struct test *t, struct err *e)
{
	int64_t begun = clock_mono_ms(&clock_system), took;
	const char *status;
	enum rc rc = pki_session_turn(&t->p, t->master, e);

	if (rc != RC_OK)
		return rc;
	for (;;) {
		AUTO_JSON cert = NULL;

		rc = rest_get(&t->p, &cert, e, "certs/%s", t->serial);
		took = clock_mono_ms(&clock_system) - begun;
		status = json_str(cert, "Status");
		if (rc == RC_OK && status != NULL &&
		    text_starts(status, "REVOKED"))
			break;
		if (took > t->wait_ms)
			return err_set(e, RC_TIMEOUT,
			    "%s does not know of the revocation after %lld s: "
			    "is replication at work?",
			    t->master, (long long)t->wait_ms / 1000);
		ds_pause(STEP_MS);
	}
	step("known on %s after %lld ms", t->master, (long long)took);
	return RC_OK;
}

static enum rc
force_crl(struct test *t, struct err *e)
{
	AUTO_BUF form = buf_empty(0), der = buf_empty(CRL_MAX);
	AUTO_JSON o = NULL;
	struct crl_entry entry;
	struct num serial, n;
	struct crl c;
	char dec[NUM_TEXT_MAX] = "without number";
	const char *result;
	enum rc rc;

	form_add(&form, "crlIssuingPoint", "MasterCRL");
	form_add(&form, "xml", "true");
	form_add(&form, "waitForUpdate", "true");
	rc = servlet_post(&t->p, "/ca/agent/ca/updateCRL", &form, &o, e);
	if (rc != RC_OK)
		return rc;
	result = json_str(o, "crlUpdate");
	if (result == NULL || strcmp(result, "Success") != 0)
		return err_set(e, RC_CONFLICT, "%s made no CRL: %s", t->master,
		    result != NULL ? result : "no result");
	if ((rc = fetch_crl(t->master, &der, NULL, e)) != RC_OK ||
	    (rc = crl_parse(&c, buf_view(&der), e)) != RC_OK ||
	    (rc = num_parse(&serial, t->serial, false, e)) != RC_OK)
		return rc;
	if (crl_number(&c, &n))
		num_dec(dec, &n);
	rc = crl_find(&c, &entry, &serial, e);
	if (rc == RC_OK)
		step("found on CRL %s of %s", dec, t->master);
	return rc == RC_NOTFOUND
	    ? err_set(e, rc, "certificate %s is not on CRL %s of %s", t->serial,
		  dec, t->master)
	    : rc;
}

/* Who makes the CRLs, by the claims; master.ca.agent.* where none tells. */
static enum rc
find_hosts(struct server *s, struct test *t, struct err *e)
{
	AUTO(cfg) cs = NULL;
	AUTO(cfg) server = NULL;
	AUTO_JSON roles = NULL;
	const char *host;
	size_t i;
	json_t *o;
	enum rc rc;

	if ((rc = server_cs(s, &cs, s->sub, e)) != RC_OK ||
	    (rc = server_cfg(s, &server, e)) != RC_OK)
		return rc;
	host = cfg_str(server, "host", cfg_str(cs, "machineName", "localhost"));
	snprintf(t->here, sizeof(t->here), "%.200s:%.5s", host,
	    cfg_str(server, "https.port", "8443"));
	memcpy(t->master, t->here, sizeof(t->master));
	if (cfg_str(cs, "master.ca.agent.host", "")[0] != '\0')
		snprintf(t->master, sizeof(t->master), "%.200s:%.5s",
		    cfg_get(cs, "master.ca.agent.host"),
		    cfg_str(cs, "master.ca.agent.port", "8443"));
	if ((rc = server_call(s, "role-list", NULL, &roles, e)) != RC_OK)
		return rc;
	json_array_foreach(json_object_get(roles, "entries"), i, o)
	{
		const char *holder = json_str(o, "holder");

		if (strcmp(json_str(o, "role"), "crl.MasterCRL") == 0 &&
		    holder != NULL && strchr(holder, ':') != NULL)
			snprintf(t->master, sizeof(t->master), "%s", holder);
	}
	return RC_OK;
}

static enum rc
run_check(struct server *s, const struct args *a, struct err *e)
{
	struct test t = { .wait_ms = 0 };
	int64_t wait;
	enum rc rc = text_int(&wait, args_str(a, "wait", "60"), 1, WAIT_MAX, e);

	if (rc != RC_OK)
		return err_prefix(e, "--wait");
	if (!args_has(a, "client-nickname"))
		return report_all(s, e);
	t.wait_ms = wait * 1000;
	if ((rc = find_hosts(s, &t, e)) == RC_OK)
		rc = open_session(&t.p, a, e);
	if (rc != RC_OK) {
		pki_session_close(&t.p);
		return rc;
	}
	puts("Test:");
	if ((rc = issue(&t, e)) == RC_OK &&
	    (rc = revoke_there(&t, e)) == RC_OK &&
	    (rc = await_revocation(&t, e)) == RC_OK)
		rc = force_crl(&t, e);
	pki_session_close(&t.p);
	return rc == RC_OK ? report_all(s, e) : rc;
}

/* --- retire -------------------------------------------------------------------- */

/* The directories that stay: the own one and those that it has agreements
 * with. */
struct staying {
	const struct dbconf *conf;
	const char *host; /* the one that goes */
	int64_t port;
	struct ds_admin *ds[DIRECTORIES_MAX];
	size_t n;
};

static void
staying_done(struct staying *x)
{
	/* the first is the caller's */
	for (size_t i = 1; i < x->n; i++)
		ds_admin_free(x->ds[i]);
}
#define AUTO_STAYING __attribute__((cleanup(staying_done))) struct staying

/* NULL when it does not answer. */
static struct ds_admin *
open_directory(const struct dbconf *conf, const char *host, int64_t port)
{
	struct ldap_params p = dbconf_params(conf, &clock_system);
	AUTO_BUF url = buf_empty(URL_MAX);
	struct ds_admin *d = NULL;

	buf_addf(&url, "%s://%s:%lld", conf->secure ? "ldaps" : "ldap", host,
	    (long long)(port != 0 ? port : conf->port));
	p.url = buf_cstr(&url);
	p.timeout_ms = CLONE_CALL_MS;
	return ds_admin_open(&d, &p, NULL) == RC_OK ? d : NULL;
}

static bool
add_staying(void *arg, const struct repl_status *s)
{
	struct staying *x = arg;
	struct ds_admin *d;

	if (text_ieq(s->host, x->host) && (x->port == 0 || s->port == x->port))
		return true;
	d = open_directory(x->conf, s->host, s->port);
	if (d != NULL)
		x->ds[x->n++] = d;
	return x->n < DIRECTORIES_MAX;
}

/* Its directory leaves replication; ds is its host:port. */
static enum rc
retire_directory(
    struct server *s, const char *ds, const struct args *a, struct err *e)
{
	AUTO(dbconf) conf = NULL;
	AUTO(ds_admin) own = NULL;
	AUTO(ds_admin) gone = NULL;
	AUTO_STR host = strdup(ds);
	AUTO_STAYING rest = { .host = host };
	char *colon = host != NULL ? strrchr(host, ':') : NULL;
	int64_t port = 0, id = 0;
	enum rc rc =
	    text_int(&id, args_str(a, "replica-id", "0"), 0, REPL_ID_MAX, e);

	if (rc != RC_OK)
		return err_prefix(e, "--replica-id");
	if ((rc = server_ds(s, &conf, &own, e)) != RC_OK)
		return rc;
	if (host == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	if (colon != NULL) {
		*colon = '\0';
		if ((rc = text_int(&port, colon + 1, 1, 65535, e)) != RC_OK)
			return err_prefix(e, "--directory");
	}
	rest.conf = conf;
	rest.port = port;
	rest.ds[rest.n++] = own;
	rc = repl_status_each(own, conf->base_dn, add_staying, &rest, e);
	if (rc != RC_OK)
		return rc;
	/* one that has burned down does not answer */
	gone = open_directory(conf, host, port);
	const struct repl_retire r = { .base = conf->base_dn,
		.remaining = rest.ds,
		.n_remaining = rest.n,
		.gone = gone,
		.host = host,
		.port = port,
		.id = id,
		.force = args_has(a, "force") || gone == NULL,
		.say = server_ds_say,
		.say_arg = s };
	rc = repl_retire(&r, e);
	if (rc == RC_OK)
		step("directory %s has left replication", ds);
	return rc;
}

/* What else points to it; only a running server's settings follow on the
 * clones. */
static enum rc
forget(struct server *s, const struct domain_host *h, struct err *e)
{
	char port[NUM_TEXT_MAX];
	AUTO_JSON q = NULL;
	enum rc rc;

	(void)snprintf(port, sizeof(port), "%d", h->secure);
	q = json_pack("{s:s,s:s}", "host", h->name, "port", port);
	rc = server_call(s, "clone-forget", q, NULL, e);
	if (rc == RC_UNSUPPORTED) {
		step("the server does not run: should the KRA connector have "
		     "%s:%s, take it out with ca-kraconnector-del",
		    h->name, port);
		return RC_OK;
	}
	if (rc == RC_OK)
		step("no connector and no role points to it");
	return rc;
}

static enum rc
run_retire(struct server *s, const struct args *a, struct err *e)
{
	const char *id = args_at(a, 0);
	AUTO_JSON list = NULL;
	AUTO_JSON q = json_pack("{s:s}", "id", id);
	AUTO_BUF spoken = buf_empty(0);
	struct domain_host h = { .type = "" };
	bool known = false;
	size_t i;
	json_t *o;
	enum rc rc;

	if ((rc = domain_host_parse(&h, id, e)) != RC_OK ||
	    (rc = server_call(s, "sd-find", NULL, &list, e)) != RC_OK)
		return rc;
	domain_host_id(&spoken, &h);
	json_array_foreach(list, i, o)
	{
		known =
		    known || strcmp(json_str(o, "id"), buf_cstr(&spoken)) == 0;
	}
	if (!known && !args_has(a, "directory"))
		return err_set(e, RC_NOTFOUND,
		    "No such member of the domain: %s; ca-sd-subsystem-find "
		    "lists them",
		    id);
	if (args_has(a, "directory") &&
	    (rc = retire_directory(s, args_get(a, "directory"), a, e)) !=
		RC_OK &&
	    (rc != RC_NOTFOUND || !known))
		return rc;
	if (known) {
		rc = server_call(s, "sd-del", q, NULL, e);
		if (rc != RC_OK)
			return rc;
		step("%s has left the domain", id);
	}
	rc = forget(s, &h, e);
	if (rc == RC_OK)
		puts("  its number ranges are not given out again");
	return rc;
}

static const struct opt check_opts[] = {
	SERVER_OPTS,
	OPT_LETTER("client-database", 'd', "folder",
	    "NSS database of an agent (default: ~/.dogtag/nssdb)"),
	OPT_LETTER(
	    "client-password-file", 'C', "file", "File with its password"),
	OPT_LETTER("client-nickname", 'n', "nickname",
	    "Agent's certificate; without it nothing is issued"),
	OPT("wait", "seconds", "How long replication may take (default: 60)"),
	OPT_END,
};
static const struct opt retire_opts[] = {
	SERVER_OPTS,
	OPT("directory", "host[:port]",
	    "Its directory, as the agreements name it"),
	OPT("replica-id", "number",
	    "Its replica id, where several could be its"),
	OPT_FLAG("force", "Do not wait for directories out of reach"),
	OPT_END,
};

const struct server_cmd server_clones[] = {
	{ "clone-check", "", "Test a clone, show the whole topology",
	    check_opts, 0, 0, run_check, NEED_SUBSYSTEM },
	{ "clone-retire", "<host ID>",
	    "Take a clone out of replication and domain", retire_opts, 1, 1,
	    run_retire, NEED_SUBSYSTEM },
	{ 0 },
};
