/* SPDX-License-Identifier: Apache-2.0 */
/* pki_health_checks.c - what pki-healthcheck looks at: system certificates in
 * the token, CS.cfg against the token, answering subsystems.
 * Owns:    nothing.
 * Trusts:  the instance's own files; a server is trusted by its certificate.
 * Threads: none. */
#include "tools/pki_health.h"

#include <openssl/rand.h>

#include "base/text.h"
#include "tools/pki_certs.h"
#include "tools/pki_server_cert.h"

#define SYSTEM_CERTS "pki.server.healthcheck.certs.systemcerts"
#define CONNECTIVITY "pki.server.healthcheck.meta.connectivity"
#define CSCONFIG "pki.server.healthcheck.meta.csconfig"

enum {
	DAY_S = 86400,
	UUID_LEN = 16,
	UUID_TEXT = 37,
	DURATION_TEXT = 32,
	STATUS_MAX = 65536, /* of an answer of getStatus */
};

/* A random UUID (RFC 4122 4.4). */
static const char *
new_uuid(char out[UUID_TEXT])
{
	uint8_t b[UUID_LEN] = { 0 };
	size_t n = 0;

	/* a name of a line in a report: what is left at zero does no harm */
	if (RAND_bytes(b, sizeof(b)) != 1)
		memset(b, 0, sizeof(b));
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	for (size_t i = 0; i < UUID_LEN; i++)
		n += (size_t)snprintf(out + n, UUID_TEXT - n, "%s%02x",
		    i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[i]);
	return out;
}

void
health_add(struct health *h, const char *result, json_t *kw)
{
	char uuid[UUID_TEXT], when[CLOCK_TEXT_MAX], took[DURATION_TEXT];
	int64_t ms = clock_mono_ms(&clock_system) - h->began_ms;

	snprintf(took, sizeof(took), "%lld.%03lld", (long long)(ms / 1000),
	    (long long)(ms % 1000));
	clock_text_dir(when, clock_now(&clock_system));
	json_array_append_new(h->results,
	    json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:o}", "source", h->now->source,
		"check", h->now->name, "result", result, "uuid", new_uuid(uuid),
		"when", when, "duration", took, "kw",
		kw != NULL ? kw : json_object()));
	if (strcmp(result, "SUCCESS") != 0)
		h->failed = true;
}

void
health_run(struct health *h, const struct health_check *c)
{
	struct err e = { RC_OK, "" };
	AUTO_BUF text = buf_empty(0);

	h->now = c;
	h->began_ms = clock_mono_ms(&clock_system);
	if (h->debug)
		fprintf(stderr, "Checking %s.%s\n", c->source, c->name);
	if (server_find(&h->s, h->instance, &e) != RC_OK) {
		buf_addf(&text, "Invalid PKI instance: %s", h->instance);
		health_add(
		    h, "CRITICAL", json_pack("{s:s}", "msg", buf_cstr(&text)));
		return;
	}
	if (!server_has(h->s.paths, c->sub)) {
		health_add(h, "SUCCESS",
		    json_pack(
			"{s:s,s:s}", "key", c->sub, "status", "Not installed"));
		return;
	}
	c->run(h);
}

/* ---- the certificates of a subsystem ---- */

/* One certificate of the subsystem; *why is empty when all is well, else result
 * is what to report. */
static void
each_cert(struct health *h,
    const char *(*look)(
	struct health *h, const struct sys_cert *c, struct buf *why))
{
	struct sys_cert *all[SYS_CERTS_MAX];
	struct err e = { RC_OK, "" };
	size_t n = 0;

	if (sys_cert_list(&h->s, h->now->sub, all, &n, &e) != RC_OK) {
		health_add(h, "CRITICAL", json_pack("{s:s}", "msg", e.text));
		return;
	}
	for (size_t i = 0; i < n; i++) {
		AUTO_BUF why = buf_empty(0);
		const char *result = look(h, all[i], &why);
		json_t *kw = json_pack("{s:s,s:s*}", "cert_id", all[i]->id,
		    "nickname", all[i]->nickname);

		if (why.len > 0)
			json_object_set_new(
			    kw, "msg", json_string(buf_cstr(&why)));
		health_add(h, result, kw);
		sys_cert_free(all[i]);
	}
	if (n == 0)
		health_add(h, "SUCCESS", NULL);
}

/* The certificate of the token; says why when it cannot be had. */
static bool
load(struct health *h, const struct sys_cert *c, struct buf *nick,
    struct buf *der, struct cert *out, struct buf *why)
{
	struct err e = { RC_OK, "" };
	struct keystore *ks;

	if (sys_cert_nick(c, nick, &e) == RC_OK &&
	    server_keystore(&h->s, &ks, &e) == RC_OK &&
	    keystore_find_cert(ks, der, buf_cstr(nick), &e) == RC_OK &&
	    cert_parse(out, buf_view(der), &e) == RC_OK)
		return true;
	buf_addf(why, "Unable to load cert from NSS database: %s", e.text);
	return false;
}

/* Trust flags, then the end of its time. */
static const char *
look_system(struct health *h, const struct sys_cert *c, struct buf *why)
{
	AUTO_BUF nick = buf_empty(0), der = buf_empty(0), trust = buf_empty(0);
	struct err e = { RC_OK, "" };
	struct cert x;
	int64_t left;
	bool has_key;

	if (!load(h, c, &nick, &der, &x, why))
		return "CRITICAL";
	if (certs_trust(h->s.ks, buf_cstr(&nick), &trust, &has_key, &e) !=
	    RC_OK) {
		buf_addf(
		    why, "Unable to load cert from NSS database: %s", e.text);
		return "CRITICAL";
	}
	/* a token other than the database keeps no trust */
	if (c->token == NULL &&
	    strcmp(buf_cstr(&trust), sys_cert_trust(c)) != 0) {
		buf_addf(why,
		    "Incorrect trust attributes for %s. Got %s expected %s",
		    c->nickname, buf_cstr(&trust), sys_cert_trust(c));
		return "ERROR";
	}
	left = x.not_after - clock_now(&clock_system);
	if (left < 0) {
		buf_add_str(why, "Certificate has ALREADY EXPIRED");
		return "ERROR";
	}
	if (left < DAY_S) {
		buf_add_str(why, "Expiring within next 24 hours");
		return "WARNING";
	}
	if (left < h->warn_days * DAY_S) {
		buf_addf(why, "Your certificate expires within %lld days.",
		    (long long)(left / DAY_S));
		return "WARNING";
	}
	return "SUCCESS";
}

static void
system_certs(struct health *h)
{
	each_cert(h, look_system);
}

/* Older files hold the certificate itself: it must be the token's. */
static const char *
look_config(struct health *h, const struct sys_cert *c, struct buf *why)
{
	AUTO_BUF nick = buf_empty(0), der = buf_empty(0), kept = buf_empty(0);
	AUTO(cfg) cs = NULL;
	struct err e = { RC_OK, "" };
	const char *text;
	struct cert x;

	if (!load(h, c, &nick, &der, &x, why))
		return "CRITICAL";
	if (server_cs(&h->s, &cs, h->now->sub, &e) != RC_OK) {
		buf_add_str(why, e.text);
		return "CRITICAL";
	}
	text = cfg_getf(cs, "%s.%s.cert", h->now->sub, c->tag);
	if (text == NULL || *text == '\0')
		return "SUCCESS";
	if (text_base64(&kept, view_str(text), NULL) == RC_OK &&
	    view_eq(buf_view(&kept), buf_view(&der)))
		return "SUCCESS";
	buf_addf(why,
	    "Certificate '%s' does not match the value of %s.%s.cert in CS.cfg",
	    c->nickname, h->now->sub, c->tag);
	return "ERROR";
}

static void
config_certs(struct health *h)
{
	each_cert(h, look_config);
}

/* ---- does it answer? ---- */

/* Asks the subsystem over TLS, trusting what the instance trusts. */
static enum rc
ask(struct health *h, const char *url, struct err *e)
{
	AUTO(arena) a = arena_new(0);
	AUTO(http_client) client = NULL;
	struct http_client_params p = { 0 };
	struct http_exchange x = { .method = "GET",
		.url = url,
		.max_reply = STATUS_MAX,
		.reply = buf_empty(STATUS_MAX) };
	struct certs_all all;
	struct keystore *ks;
	enum rc rc;

	if (a == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	if ((rc = server_keystore(&h->s, &ks, e)) != RC_OK ||
	    (rc = certs_all(&all, ks, a, e)) != RC_OK)
		return rc;
	p.cas = all.roots;
	p.n_cas = all.n_roots;
	if ((rc = http_client_new(&client, &p, e)) != RC_OK)
		return rc;
	rc = http_client_do(client, &x, e);
	if (rc == RC_OK &&
	    (x.status != 200 || strstr(buf_cstr(&x.reply), "running") == NULL))
		rc = err_set(
		    e, RC_UNAVAILABLE, "%s: HTTP status %d", url, x.status);
	http_exchange_done(&x);
	return rc;
}

static void
connectivity(struct health *h)
{
	AUTO_BUF url = buf_empty(0), msg = buf_empty(0);
	AUTO(cfg) c = NULL;
	struct err e = { RC_OK, "" };
	const char *sub = h->now->sub, *type = server_type(sub);
	enum rc rc = server_cfg(&h->s, &c, &e);

	if (rc == RC_OK) {
		buf_addf(&url, "https://%s:%s/%s/admin/%s/getStatus",
		    cfg_str(c, "host", "localhost"),
		    cfg_str(c, "https.port", "8443"), sub, sub);
		rc = ask(h, buf_cstr(&url), &e);
	}
	if (h->debug && rc != RC_OK)
		fprintf(stderr, "%s\n", e.text);
	buf_addf(&msg, "%s subsystem is down", type);
	health_add(h, rc == RC_OK ? "SUCCESS" : "ERROR",
	    rc == RC_OK ? json_pack("{s:s,s:s,s:s}", "instance_name", h->s.name,
			      "subsystem", type, "status", "Running")
			: json_pack("{s:s,s:s,s:s,s:s,s:s}", "instance_name",
			      h->s.name, "subsystem", type, "status", "Stopped",
			      "msg", buf_cstr(&msg), "cause", e.text));
}

const struct health_check health_checks[] = {
	{ SYSTEM_CERTS, "CASystemCertCheck", "ca", system_certs },
	{ SYSTEM_CERTS, "KRASystemCertCheck", "kra", system_certs },
	{ SYSTEM_CERTS, "OCSPSystemCertCheck", "ocsp", system_certs },
	{ SYSTEM_CERTS, "TKSSystemCertCheck", "tks", system_certs },
	{ SYSTEM_CERTS, "TPSSystemCertCheck", "tps", system_certs },
	{ CSCONFIG, "CADogtagCertsConfigCheck", "ca", config_certs },
	{ CSCONFIG, "KRADogtagCertsConfigCheck", "kra", config_certs },
	{ CSCONFIG, "OCSPDogtagCertsConfigCheck", "ocsp", config_certs },
	{ CSCONFIG, "TKSDogtagCertsConfigCheck", "tks", config_certs },
	{ CSCONFIG, "TPSDogtagCertsConfigCheck", "tps", config_certs },
	{ CONNECTIVITY, "DogtagCACertsConnectivityCheck", "ca", connectivity },
	{ CONNECTIVITY, "DogtagKRAConnectivityCheck", "kra", connectivity },
	{ CONNECTIVITY, "DogtagOCSPConnectivityCheck", "ocsp", connectivity },
	{ CONNECTIVITY, "DogtagTKSConnectivityCheck", "tks", connectivity },
	{ CONNECTIVITY, "DogtagTPSConnectivityCheck", "tps", connectivity },
	{ NULL, NULL, NULL, NULL },
};
