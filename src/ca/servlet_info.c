/* SPDX-License-Identifier: Apache-2.0 */
/* servlet_info.c - what the CA tells of itself: issuing points (getInfo),
 * counters (getOCSPInfo, getStats), the subsystem certificate (spec ca 2.4).
 * Owns:    nothing.
 * Trusts:  nothing of a request.
 * Threads: workers. */
#include "ca/servlet.h"

/* Number 0: there is no such list yet. */
static bool
none(const struct num *n)
{
	struct num zero = num_from_u64(0);

	return num_cmp(n, &zero) == 0;
}

/* Appends a list of the issuing points as the pages read them, joined by '+':
 * "-" where there is nothing to tell. */
static void
add_number(struct buf *b, size_t i, const struct num *n)
{
	char dec[NUM_TEXT_MAX];

	buf_addf(b, "%s%s", i > 0 ? "+" : "", none(n) ? "-" : num_dec(dec, n));
}

static void
add_count(struct buf *b, size_t i, bool there, uint64_t n)
{
	buf_add_str(b, i > 0 ? "+" : "");
	if (there)
		buf_addf(b, "%llu", (unsigned long long)n);
	else
		buf_add_str(b, "-");
}

static void
issuing_points(struct servlet *s, struct ca *ca)
{
	AUTO_BUF ids = buf_empty(0), texts = buf_empty(0), nums = buf_empty(0);
	AUTO_BUF deltas = buf_empty(0), sizes = buf_empty(0);
	AUTO_BUF delta_sizes = buf_empty(0), changes = buf_empty(0);

	for (size_t i = 0; i < ca->n_points; i++) {
		struct issuing_point_status t;

		issuing_point_status(ca->points[i], &t);
		buf_addf(&ids, "%s%s", i > 0 ? "+" : "", ca->point_ids[i]);
		buf_addf(&texts, "%s%s", i > 0 ? "+" : "",
		    cfg_getf(ca->cfg, "ca.crl.%s.description",
			ca->point_ids[i]) != NULL
			? cfg_getf(ca->cfg, "ca.crl.%s.description",
			      ca->point_ids[i])
			: "");
		add_number(&nums, i, &t.number);
		add_number(&deltas, i, &t.delta);
		add_count(&sizes, i, !none(&t.number), t.count);
		add_count(&delta_sizes, i, !none(&t.delta), t.delta_count);
		buf_addf(&changes, "%s%s", i > 0 ? "+" : "",
		    t.enabled ? t.changed ? "1" : "0" : "-");
	}
	xml_text(&s->head, "crlIssuingPoints", buf_cstr(&ids));
	xml_text(&s->head, "crlDescriptions", buf_cstr(&texts));
	xml_text(&s->head, "crlNumbers", buf_cstr(&nums));
	xml_text(&s->head, "deltaNumbers", buf_cstr(&deltas));
	xml_text(&s->head, "crlSizes", buf_cstr(&sizes));
	xml_text(&s->head, "deltaSizes", buf_cstr(&delta_sizes));
	xml_text(&s->head, "recentChanges", buf_cstr(&changes));
}

static void
get_info(struct http_call *c)
{
	AUTO_SERVLET s = servlet_begin(c, SHAPE_B, "CRL issuing points");
	AUTO(principal) p = NULL;
	struct ca *ca = api_ca(c);
	const struct ca_shared *shared = ca_shared(ca);
	const char *host = cfg_str(ca->cfg, "master.ca.agent.host", "");
	const char *port = cfg_str(ca->cfg, "master.ca.agent.port", "");
	AUTO_BUF algs = buf_empty(0);

	if (!servlet_enter(&s,
		servlet_is_agent(c) ? "certServer.ca.crl" : "certServer.ee.crl",
		"read", &p))
		return;
	issuing_points(&s, ca);
	/* a clone names the CA that makes the lists (spec deployment 5.2) */
	if (host[0] != '\0' && port[0] != '\0') {
		xml_text(&s.head, "master_host", host);
		xml_text(&s.head, "master_port", port);
	}
	xml_text(&s.head, "masterCRLIssuingPoint", "MasterCRL");
	xml_text(&s.head, "defaultAlgorithm",
	    cfg_str(ca->cfg, "ca.crl.MasterCRL.signingAlgorithm",
		sigalg_name(ca->signing.sigalg)));
	for (size_t i = 0; i < shared->n_allowed; i++)
		buf_addf(&algs, "%s%s", i > 0 ? "+" : "",
		    sigalg_name(shared->allowed[i]));
	xml_text(&s.head, "validAlgorithms", buf_cstr(&algs));
	servlet_reply(&s);
}

/* ---- counters ---- */

static void
field_count(struct buf *b, const char *name, uint64_t n)
{
	xml_textf(b, name, "%llu", (unsigned long long)n);
}

/* The responder keeps no stop-watch on its hot path: times are not told. */
static void
get_ocsp_info(struct http_call *c)
{
	AUTO_SERVLET s = servlet_begin(c, SHAPE_B, "OCSP responder");
	AUTO(principal) p = NULL;
	struct ca *ca = api_ca(c);
	uint64_t ready = ca->n_ocsp_ready, made = ca->n_ocsp_signed;

	if (!servlet_enter(&s, "certServer.ca.ocsp", "read", &p))
		return;
	field_count(&s.head, "numReq", ready + made);
	field_count(&s.head, "numReady", ready);
	field_count(&s.head, "numSigned", made);
	servlet_reply(&s);
}

static void
stat_row(struct servlet *s, const char *name, uint64_t n)
{
	xml_open(&s->list, "record");
	xml_text(&s->list, "name", name);
	field_count(&s->list, "noOfOp", n);
	xml_close(&s->list, "record");
}

static void
get_stats(struct http_call *c)
{
	AUTO_SERVLET s = servlet_begin(c, SHAPE_B, "Statistics");
	AUTO(principal) p = NULL;
	struct ca *ca = api_ca(c);
	char date[CLOCK_TEXT_MAX];

	if (!servlet_enter(&s, "certServer.ca.systemstatus", "read", &p))
		return;
	xml_text(
	    &s.head, "curTime", clock_text_java(date, clock_now(ca->clock)));
	stat_row(&s, "enrollment", ca->n_issued);
	stat_row(&s, "rejection", ca->n_rejected);
	stat_row(&s, "revocation", ca->n_revoked);
	stat_row(&s, "crl_generation", ca->n_crls);
	stat_row(&s, "ocsp", ca->n_ocsp_ready + ca->n_ocsp_signed);
	servlet_reply(&s);
}

/* ---- the subsystem certificate ---- */

static void
get_subsystem_cert(struct http_call *c)
{
	AUTO_SERVLET s = servlet_begin(c, SHAPE_C, "Subsystem certificate");
	AUTO(principal) p = NULL;
	struct ca *ca = api_ca(c);
	AUTO_BUF der = buf_empty(CERT_DER_MAX), b64 = buf_empty(0);
	struct err e = { RC_OK, "" };
	const char *nick = cfg_get(ca->cfg, "ca.cert.subsystem.nickname");
	enum rc rc;

	if (!servlet_enter(&s, "certServer.ee.certificate", "read", &p))
		return;
	rc = nick == NULL
	    ? err_set(&e, RC_NOTFOUND, "ca.cert.subsystem.nickname is not set")
	    : keystore_find_cert(
		  instance_keystore(ca->instance), &der, nick, &e);
	if (rc != RC_OK) {
		servlet_fail(&s, rc, &e);
		return;
	}
	buf_add_base64(&b64, buf_view(&der), 0, "");
	if (!xml_wanted(c)) {
		api_json(c, 200,
		    json_pack("{s:{s:s,s:s}}", "Response", "Status", "0",
			"Cert", buf_cstr(&b64)));
		return;
	}
	xml_text(&s.head, "Status", "0");
	xml_text(&s.head, "Cert", buf_cstr(&b64));
	servlet_reply(&s);
}

static const struct http_route items[] = {
	{ HTTP_GET | HTTP_POST, "/ca/ee/ca/getInfo", get_info, HTTP_READ, 0,
	    0 },
	{ HTTP_GET | HTTP_POST, "/ca/agent/ca/getInfo", get_info, HTTP_READ,
	    HTTP_TLS_ONLY, 0 },
	{ HTTP_GET | HTTP_POST, "/ca/agent/ca/getOCSPInfo", get_ocsp_info,
	    HTTP_READ, HTTP_TLS_ONLY, 0 },
	{ HTTP_GET | HTTP_POST, "/ca/agent/ca/getStats", get_stats, HTTP_READ,
	    HTTP_TLS_ONLY, 0 },
	{ HTTP_GET | HTTP_POST, "/ca/admin/ca/getSubsystemCert",
	    get_subsystem_cert, HTTP_READ, 0, 0 },
};
const struct api_routes servlet_info_routes = { items,
	sizeof(items) / sizeof(items[0]) };
