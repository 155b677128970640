/* SPDX-License-Identifier: Apache-2.0 */
/* selftests.c - are the CA's own certificates and keys there and sound?
 * Owns:    lines appended to logs/ca/selftests.log.
 * Trusts:  the keystore's trust flags for the roots of system certificates.
 * Threads: any; the log is written in whole lines (O_APPEND). */
#include "ca/selftests.h"

#include <fcntl.h>

#include "base/file.h"
#include "base/log.h"
#include "instance/metrics.h"
#include "x509/verify.h"

enum {
	TESTS_MAX = 16, /* names in an order list */
	TAGS_MAX = 16,
	ROOTS_MAX = 64,
	PROBE_LEN = 32
};

/* --- checks ---------------------------------------------------------------------- */

static enum selftest_state
fail(char *text, const char *subject, const struct err *e)
{
	snprintf(text, ERR_TEXT_MAX, "%.80s: %.160s", subject, e->text);
	return SELFTEST_FAILED;
}

/* The private key is the certificate's: it signs, the certificate verifies. */
static enum rc
check_key(struct key *k, const struct cert *c, struct err *e)
{
	static const uint8_t probe[PROBE_LEN] = { 0 };
	AUTO_BUF sig = buf_empty(64 * 1024);
	enum sigalg a = key_default_sigalg(k);
	enum rc rc;

	rc = key_sign_data(k, a, view_of(probe, sizeof(probe)), &sig, e);
	if (rc != RC_OK)
		return rc;
	return spki_verify(
	    c->spki, a, view_of(probe, sizeof(probe)), buf_view(&sig), e);
}

static enum selftest_state
check_time(
    const struct ca *ca, const struct cert *c, const char *subject, char *text)
{
	int64_t now = clock_now(ca->clock);
	char date[CLOCK_TEXT_MAX];

	if (now > c->not_after) {
		snprintf(text, ERR_TEXT_MAX, "%.80s: expired on %s; renew it",
		    subject, clock_text_java(date, c->not_after));
		return SELFTEST_EXPIRED;
	}
	if (now < c->not_before) {
		snprintf(text, ERR_TEXT_MAX, "%.80s: not valid before %s",
		    subject, clock_text_java(date, c->not_before));
		return SELFTEST_EXPIRED;
	}
	return SELFTEST_PASSED;
}

/* The signing certificate and its key are in their token. */
static enum selftest_state
ca_presence(struct ca *ca, char *text)
{
	AUTO(key) k = NULL;
	AUTO_BUF der = buf_empty(CERT_DER_MAX);
	const char *nick = cfg_get(ca->cfg, "ca.cert.signing.nickname");
	struct err e = { RC_OK, "" };
	struct cert c;

	if (nick == NULL)
		nick = cfg_str(ca->cfg, "ca.signing.nickname", "");
	if (keystore_find_pair(
		instance_keystore(ca->instance), &k, &der, nick, &e) != RC_OK ||
	    cert_parse(&c, buf_view(&der), &e) != RC_OK ||
	    check_key(k, &c, &e) != RC_OK)
		return fail(text, nick, &e);
	if (!cert_is_ca(&c)) {
		err_set(&e, RC_INVALID, "not a CA certificate");
		return fail(text, nick, &e);
	}
	snprintf(text, ERR_TEXT_MAX, "CA is present");
	return SELFTEST_PASSED;
}

static enum selftest_state
ca_validity(struct ca *ca, char *text)
{
	enum selftest_state s =
	    check_time(ca, &ca->signing.cert, "CA signing certificate", text);

	if (s == SELFTEST_PASSED)
		snprintf(text, ERR_TEXT_MAX, "CA is valid");
	return s;
}

struct roots {
	struct buf der[ROOTS_MAX];
	struct view views[ROOTS_MAX];
	size_t n;
};

static void
roots_done(struct roots *r)
{
	for (size_t i = 0; i < r->n; i++)
		buf_done(&r->der[i]);
}

static void
roots_add(struct roots *r, struct view der)
{
	if (r->n == ROOTS_MAX)
		return;
	r->der[r->n] = buf_empty(CERT_DER_MAX);
	buf_add_view(&r->der[r->n], der);
	if (buf_check(&r->der[r->n], NULL) != RC_OK) {
		buf_done(&r->der[r->n]);
		return;
	}
	r->views[r->n] = buf_view(&r->der[r->n]);
	r->n++;
}

/* Trusted to issue servers' or clients' certificates. */
static bool
add_trusted(void *arg, const struct keystore_cert *c)
{
	if (strcspn(c->trust, "TC") < strcspn(c->trust, ","))
		roots_add(arg, c->der);
	return true;
}

static enum verify_purpose
purpose_of(const char *usage)
{
	static const struct {
		const char *name;
		enum verify_purpose purpose;
	} usages[] = { { "SSLCA", VERIFY_CA },
		{ "StatusResponder", VERIFY_OCSP },
		{ "SSLServer", VERIFY_SSL_SERVER },
		{ "SSLClient", VERIFY_SSL_CLIENT } };

	for (size_t i = 0; i < sizeof(usages) / sizeof(usages[0]); i++) {
		if (strcmp(usage, usages[i].name) == 0)
			return usages[i].purpose;
	}
	return VERIFY_ANY;
}

/* ca.cert.<tag>: there, with its key, issued by somebody we trust, for what
 * certusage says, in its time. */
static enum selftest_state
check_tag(struct ca *ca, const char *tag, const struct roots *roots, char *text)
{
	AUTO(key) k = NULL;
	AUTO_BUF der = buf_empty(CERT_DER_MAX);
	const char *nick = cfg_getf(ca->cfg, "ca.cert.%s.nickname", tag),
		   *usage = cfg_getf(ca->cfg, "ca.cert.%s.certusage", tag);
	struct verify_opts o = { .roots = roots->views,
		.roots_count = roots->n,
		.purpose = purpose_of(usage != NULL ? usage : ""),
		.partial = true };
	struct err e = { RC_OK, "" };
	struct cert c;

	if (nick == NULL || nick[0] == '\0') {
		err_set(
		    &e, RC_INVALID, "ca.cert.%.32s.nickname is missing", tag);
		return fail(text, tag, &e);
	}
	if (keystore_find_pair(
		instance_keystore(ca->instance), &k, &der, nick, &e) != RC_OK ||
	    cert_parse(&c, buf_view(&der), &e) != RC_OK ||
	    check_key(k, &c, &e) != RC_OK ||
	    verify_cert(buf_view(&der), &o, &e) != RC_OK)
		return fail(text, nick, &e);
	return check_time(ca, &c, nick, text);
}

static enum selftest_state
system_certs(struct ca *ca, char *text)
{
	AUTO_STR list = strdup(
	    cfg_str(ca->cfg, "ca.cert.list", "signing,ocsp_signing,sslserver"));
	enum selftest_state worst = SELFTEST_PASSED, s;
	struct roots roots = { .n = 0 };
	char *tags[TAGS_MAX], one[ERR_TEXT_MAX];
	struct err e = { RC_OK, "" };
	size_t n;

	if (list == NULL) {
		err_set(&e, RC_NOMEM, "out of memory");
		return fail(text, "system certificates", &e);
	}
	roots_add(&roots, ca->signing.cert.der);
	if (keystore_each_cert(instance_keystore(ca->instance), NULL,
		add_trusted, &roots, &e) != RC_OK) {
		roots_done(&roots);
		return fail(text, "trusted certificates", &e);
	}
	snprintf(text, ERR_TEXT_MAX, "system certificates are sound");
	n = text_split(list, ",", tags, TAGS_MAX);
	for (size_t i = 0; i < n && i < TAGS_MAX; i++) {
		s = check_tag(ca, tags[i], &roots, one);
		if (s > worst) {
			worst = s;
			snprintf(text, ERR_TEXT_MAX, "%s", one);
		}
	}
	roots_done(&roots);
	return worst;
}

static const struct {
	const char *id;
	enum selftest_state (*run)(struct ca *ca, char *text);
} tests[] = { { "CAPresence", ca_presence },
	{ "SystemCertsVerification", system_certs },
	{ "CAValidity", ca_validity } };
_Static_assert(sizeof(tests) / sizeof(tests[0]) <= CA_SELFTESTS_MAX,
    "struct ca has room for the last result of each");

/* --- order --------------------------------------------------------------------------- */

size_t
selftest_count(void)
{
	return sizeof(tests) / sizeof(tests[0]);
}

size_t
selftest_find(const char *id)
{
	for (size_t i = 0; i < selftest_count(); i++) {
		if (text_ieq(tests[i].id, id))
			return i;
	}
	return SIZE_MAX;
}

/* Is the test in a list of "Name" and "Name:critical"? */
static bool
listed(const char *list, const char *id, bool *critical)
{
	AUTO_STR copy = strdup(list);
	char *names[TESTS_MAX];
	size_t n;

	*critical = false;
	n = copy != NULL ? text_split(copy, ",", names, TESTS_MAX) : 0;
	for (size_t i = 0; i < n && i < TESTS_MAX; i++) {
		char *colon = strchr(names[i], ':');
		if (colon != NULL)
			*colon = '\0';
		if (!text_ieq(text_trim(names[i]), id))
			continue;
		*critical =
		    colon != NULL && text_ieq(text_trim(colon + 1), "critical");
		return true;
	}
	return false;
}

/* A list that is there but empty means none. */
static const char *
order(const struct ca *ca, const char *name, const char *def)
{
	const char *v = cfg_get(ca->cfg, name);

	return v != NULL ? v : def;
}

void
selftest_info(const struct ca *ca, size_t i, struct selftest_info *out)
{
	static const char start_def[] =
	    "CAPresence:critical,SystemCertsVerification:critical";
	static const char demand_def[] =
	    "CAPresence:critical,SystemCertsVerification:critical,"
	    "CAValidity:critical";

	out->id = tests[i].id;
	out->at_start =
	    listed(order(ca, "selftests.container.order.startup", start_def),
		out->id, &out->critical_at_start);
	out->on_demand =
	    listed(order(ca, "selftests.container.order.onDemand", demand_def),
		out->id, &out->critical_on_demand);
}

/* --- running ---------------------------------------------------------------------------- */

/* "0.name - [21/Nov/2026:20:07:00 UTC] [20] [1] text", as the model's logs. */
static void
write_line(struct ca *ca, const char *text)
{
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	AUTO_STR logs = paths_logs(instance_paths(ca->instance), "ca");
	AUTO_BUF path = buf_empty(8192);
	AUTO_BUF line = buf_empty(4096);
	struct civil t = civil_of(clock_now(ca->clock));

	buf_addf(&line,
	    "0.selftests - [%02d/%s/%04d:%02d:%02d:%02d UTC] [20] [1] %s\n",
	    t.day, months[t.month - 1], t.year, t.hour, t.minute, t.second,
	    text);
	buf_addf(&path, "%s/selftests.log", logs != NULL ? logs : "");
	if (logs == NULL || file_mkdirs(logs, 0770, NULL) != RC_OK)
		return;
	AUTO_FD fd = open(
	    buf_cstr(&path), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	if (fd < 0 || write(fd, line.data, line.len) != (ssize_t)line.len)
		log_warning("selftests", "%s: not written, continuing",
		    buf_cstr(&path));
}

void
selftest_run(struct ca *ca, size_t i, struct selftest_result *out)
{
	AUTO_BUF line = buf_empty(2048);

	out->id = tests[i].id;
	out->state = tests[i].run(ca, out->text);
	ca->selftest_last[i] = out->state == SELFTEST_PASSED ? 1 : 2;
	buf_addf(&line, "%s: %s: %s", out->id,
	    out->state == SELFTEST_PASSED ? "PASSED" : "FAILED", out->text);
	write_line(ca, buf_cstr(&line));
}

void
selftests_metrics(const struct ca *ca, struct buf *b)
{
	metric_head(b, "pki_ca_selftest_passed", "gauge",
	    "1 when the self test passed when it was run last");
	for (size_t i = 0; i < selftest_count(); i++) {
		int last = ca->selftest_last[i];
		if (last == 0)
			continue;
		buf_add_str(b, "pki_ca_selftest_passed{");
		metric_label(b, "test", tests[i].id);
		buf_addf(b, "} %d\n", last == 1);
	}
}

void
selftests_warnings(const struct ca *ca, struct buf *b)
{
	for (size_t i = 0; i < selftest_count(); i++)
		if (ca->selftest_last[i] == 2)
			buf_addf(b,
			    "self test %s failed: selftests.log tells why\n",
			    tests[i].id);
}

void
selftest_audit(struct ca *ca, const char *subject, bool passed)
{
	const struct audit_entry x = { "SELFTESTS_EXECUTION", subject, passed,
		NULL, 0,
		"self tests execution (see selftests.log for details)" };

	rc_ignore(audit_event(
	    ca->audit, &x, NULL)); /* a failed audit log stops the CA in tick */
}

enum rc
selftests_start(struct ca *ca, struct err *e)
{
	enum rc rc = RC_OK;
	bool passed = true;

	for (size_t i = 0; i < selftest_count() && rc == RC_OK; i++) {
		struct selftest_info info;
		struct selftest_result r;
		selftest_info(ca, i, &info);
		if (!info.at_start)
			continue;
		selftest_run(ca, i, &r);
		if (r.state == SELFTEST_PASSED)
			continue;
		passed = false;
		if (r.state == SELFTEST_FAILED && info.critical_at_start)
			rc = err_set(e, RC_INVALID,
			    "self test %s failed: %s (see selftests.log)", r.id,
			    r.text);
		else
			log_warning(
			    "selftests", "%s: %s, continuing", r.id, r.text);
	}
	selftest_audit(ca, NULL, passed);
	return rc;
}
