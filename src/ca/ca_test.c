/* SPDX-License-Identifier: Apache-2.0 */
/* ca_test.c - the CA's operations called directly: a real keystore, a real
 * embedded store and the shipped profiles in a temporary folder, no sockets.
 * Owns:    that folder, one instance at a time.
 * Trusts:  nothing.
 * Threads: the instance's timer beside the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "auth/acl.h"
#include "base/file.h"
#include "base/path.h"
#include "ca/selftests.h"
#include "x509/name.h"
#include "x509/req.h"
#include "x509/verify.h"

#define INSTANCE "t"
#define PIN "Secret.123"
#define CA_NICK "CA cert"
#define TLS_NICK "TLS cert"

enum {
	DAY = 86400,
	YEAR = 365 * DAY
};

/* --- a clock that can be set forward -------------------------------------------- */

static _Atomic int64_t ahead_ms; /* the workers ask for the time */

static int64_t
now_ms(void *arg)
{
	(void)arg;
	return clock_now_ms(&clock_system) + ahead_ms;
}

static int64_t
mono_ms(void *arg)
{
	(void)arg;
	return clock_mono_ms(&clock_system);
}

static const struct clock test_clock = { now_ms, mono_ms, NULL };

/* --- the world --------------------------------------------------------------------- */

static struct {
	char root[64];
	struct instance *instance;
	struct ca *ca;
	struct buf ca_der, csr, weak_csr;
} w;

#define OK(call)                                               \
	do {                                                   \
		struct err ok_e_ = { RC_OK, "" };              \
		struct err *e = &ok_e_;                        \
		enum rc ok_rc_ = (call);                       \
		if (ok_rc_ != RC_OK)                           \
			fail_msg("%s: %s", #call, ok_e_.text); \
	} while (0)

static struct secret *
pin(void *arg, const char *token)
{
	(void)arg;
	(void)token;
	return secret_new(view_str(PIN));
}

static void
write_file(const char *path, const char *text)
{
	AUTO_STR full = path_new("%s", path);
	AUTO_STR dir = path_new("%s", path);

	assert_non_null(full);
	assert_non_null(dir);
	*strrchr(dir, '/') = '\0';
	OK(file_mkdirs(dir, 0770, e));
	OK(file_write(full, view_str(text), 0660, e));
}

static void
copy_profile(const char *id)
{
	AUTO_BUF from = buf_empty(0), to = buf_empty(0), text = buf_empty(0);

	buf_addf(&from, "%s/%s.cfg", PROFILES, id);
	buf_addf(&to, "/etc/pki/" INSTANCE "/ca/profiles/ca/%s.cfg", id);
	OK(file_read(&text, buf_cstr(&from), e));
	write_file(buf_cstr(&to), buf_cstr(&text));
}

static void
write_cs_cfg(const char *more)
{
	AUTO_BUF b = buf_empty(0);

	buf_addf(&b,
	    "cs.state=1\nca.cert.list=signing,sslserver\n"
	    "ca.cert.signing.nickname=" CA_NICK "\n"
	    "ca.cert.signing.certusage=SSLCA\n"
	    "ca.cert.ocsp_signing.nickname=" CA_NICK "\n"
	    "ca.cert.sslserver.nickname=" TLS_NICK "\n"
	    "ca.cert.sslserver.certusage=SSLServer\n"
	    "ca.crl.MasterCRL.enable=true\n%s",
	    more);
	write_file("/etc/pki/" INSTANCE "/ca/CS.cfg", buf_cstr(&b));
}

/* A certificate of `key` signed by `signer`, into the database. */
static void
make_cert(struct keystore *ks, struct key *key, struct key *signer, bool ca,
    const char *nick, struct buf *der)
{
	AUTO(arena) a = arena_new(0);
	AUTO_BUF name = buf_empty(0), issuer = buf_empty(0), tbs = buf_empty(0),
		 v = buf_empty(0);
	struct basic_constraints bc = { .ca = ca, .path_len = -1 };
	int64_t now = clock_now(&clock_system);
	struct cert_template t;

	template_init(&t, a);
	OK(name_parse(&issuer, view_str("CN=Test CA,O=EXAMPLE"), e));
	OK(name_parse(&name,
	    view_str(ca ? "CN=Test CA,O=EXAMPLE" : "CN=localhost,O=EXAMPLE"),
	    e));
	t.serial = num_from_u64(ca ? 1 : 2);
	t.sigalg = key_default_sigalg(signer);
	t.issuer = buf_view(&issuer);
	t.subject = buf_view(&name);
	t.spki = key_spki(key);
	t.not_before = now - DAY;
	t.not_after = now + 10 * (int64_t)YEAR;
	ext_put_basic_constraints(&v, &bc);
	OK(ext_list_set_buf(&t.exts, OID_basicConstraints, true, &v, e));
	if (!ca) {
		OK(ext_put_oid_text(&v, "1.3.6.1.5.5.7.3.1", e));
		OK(ext_list_set_buf(&t.exts, OID_extKeyUsage, false, &v, e));
	}
	OK(template_tbs(&tbs, &t, e));
	OK(key_sign_object(signer, t.sigalg, buf_view(&tbs), der, e));
	OK(keystore_import_cert(
	    ks, nick, buf_view(der), ca ? "CTu,Cu,Cu" : "u,u,u", e));
}

/* A request for CN=www.example.com as PEM text. */
static void
make_csr(struct key *key, struct buf *pem)
{
	AUTO_BUF name = buf_empty(0), tbs = buf_empty(0), der = buf_empty(0);

	OK(name_parse(&name, view_str("CN=www.example.com,O=EXAMPLE"), e));
	req_tbs_put(&tbs, buf_view(&name), key_spki(key), NULL);
	OK(key_sign_object(
	    key, key_default_sigalg(key), buf_view(&tbs), &der, e));
	text_add_pem(pem, "CERTIFICATE REQUEST", buf_view(&der), "\n");
}

static void
make_keys(void)
{
	AUTO_STR dir = path_new("/etc/pki/" INSTANCE "/alias");
	struct keystore_open_params p = {
		.dir = dir, .create = true, .pin = pin
	};
	struct keygen ec = { .type = KEYTYPE_EC,
		.curve = OID_prime256v1,
		.extractable = true,
		.sensitive = true };
	struct keygen rsa = { .type = KEYTYPE_RSA,
		.rsa_bits = 2048,
		.extractable = true,
		.sensitive = true };
	AUTO(keystore) ks = NULL;
	AUTO(key) ca = NULL;
	AUTO(key) tls = NULL;
	AUTO(key) user = NULL;
	AUTO(key) weak = NULL;
	AUTO_BUF der = buf_empty(0);

	OK(file_mkdirs(dir, 0770, e));
	OK(keystore_open(&ks, &p, e));
	OK(keystore_generate(ks, &ca, NULL, &ec, e));
	OK(keystore_generate(ks, &tls, NULL, &ec, e));
	OK(keystore_generate(ks, &user, NULL, &rsa, e));
	rsa.rsa_bits = 1536; /* in no profile's list */
	OK(keystore_generate(ks, &weak, NULL, &rsa, e));
	make_cert(ks, ca, ca, true, CA_NICK, &w.ca_der);
	make_cert(ks, tls, ca, false, TLS_NICK, &der);
	make_csr(user, &w.csr);
	make_csr(weak, &w.weak_csr);
}

static void
make_store(void)
{
	AUTO_STR dir = path_new("/var/lib/pki/" INSTANCE "/ca/db");
	struct lmdb_params p = {
		.dir = dir, .map_size = (size_t)1 << 30, .clock = &test_clock
	};
	AUTO(store) s = NULL;
	AUTO(batch) b = batch_new();
	struct rec *r = rec_new(REC_ACL, "aclResources");

	OK(file_mkdirs(dir, 0770, e));
	OK(store_open_lmdb(&s, &p, e));
	for (const char *const *t = acl_defaults("ca"); *t != NULL; t++)
		rec_add_str(r, "resourceACLS", *t);
	batch_add(b, r);
	OK(store_commit(s, b, e));
}

static enum rc
up(struct err *e)
{
	struct instance_params p = {
		.name = INSTANCE, .clock = &test_clock, .no_listen = true
	};
	enum rc rc = instance_start(&w.instance, &p, e);

	w.ca = rc == RC_OK ? instance_subsystem(w.instance, "ca")->self : NULL;
	return rc;
}

static void
down(void)
{
	instance_stop(w.instance, 1000);
	w.instance = NULL;
	w.ca = NULL;
}

static int
setup(void **state)
{
	(void)state;
	bool locked;

	w.ca_der = w.csr = w.weak_csr = buf_empty(0);
	strcpy(w.root, "/tmp/signet-ca-XXXXXX");
	assert_non_null(mkdtemp(w.root));
	OK(path_set_root(w.root, e));
	OK(secret_setup(&locked, e));
	write_file("/etc/pki/" INSTANCE "/password.conf", "internal=" PIN "\n");
	write_file("/etc/pki/" INSTANCE "/server.cfg",
	    "host=localhost\nsslserver.nickname=" TLS_NICK "\n");
	write_file("/etc/pki/" INSTANCE "/ca/archives/.keep", "");
	copy_profile("caServerCert");
	copy_profile("caManualRenewal");
	write_cs_cfg("");
	make_keys();
	make_store();
	subsystem_register(&ca_class);
	OK(up(e));
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	down();
	buf_done(&w.ca_der);
	buf_done(&w.csr);
	buf_done(&w.weak_csr);
	return file_remove_tree(w.root, NULL) == RC_OK ? 0 : -1;
}

/* --- steps of the cases ----------------------------------------------------------------- */

static char uid[] = "agent1", agents[] = "Certificate Manager Agents";
static char *groups[] = { agents, NULL };
static const struct principal agent = {
	.uid = uid, .full_name = uid, .groups = groups, .method = AUTH_PASSWORD
};

struct form {
	const char *csr, *serial;
};

static const char *
form_get(void *arg, const char *name)
{
	struct form *f = arg;

	if (strcmp(name, "cert_request_type") == 0)
		return f->csr != NULL ? "pkcs10" : NULL;
	return strcmp(name, "cert_request") == 0 ? f->csr
	    : strcmp(name, "serial_num") == 0    ? f->serial
						 : NULL;
}

static enum rc
submit(const char *profile, struct form f, const struct principal *who,
    struct request_rec **out, struct err *e)
{
	struct ca_submission s = { .profile_id = profile,
		.get = form_get,
		.arg = &f,
		.who = who,
		.peer = "127.0.0.1",
		.renewal = f.serial != NULL };
	struct ca_requests r = { .n = 0 };
	enum rc rc = ca_submit(w.ca, &s, &r, e);

	if (rc == RC_OK) {
		assert_int_equal(r.n, 1);
		*out = r.items[0];
	}
	return rc;
}

static struct request_rec *
pending(void)
{
	struct form f = { .csr = buf_cstr(&w.csr) };
	struct request_rec *r = NULL;

	OK(submit("caServerCert", f, NULL, &r, e));
	assert_int_equal(r->state, REQUEST_PENDING);
	return r;
}

static enum rc
act(const struct num *id, enum ca_action a, const struct ca_review *review)
{
	AUTO(request_rec) r = NULL;
	struct err why = { RC_OK, "" };

	return ca_process(w.ca, id, a, review, &agent, &r, &why);
}

static struct num
serial_of(const struct num *request)
{
	AUTO(request_rec) r = NULL;
	AUTO_BUF der = buf_empty(0);
	struct cert x;

	OK(ca_request_get(w.ca, request, &r, e));
	assert_int_equal(r->state, REQUEST_COMPLETE);
	OK(request_ext_bytes(r, &der, "req_issued_cert", e));
	OK(cert_parse(&x, buf_view(&der), e));
	return x.serial;
}

static struct num
issue(void)
{
	AUTO(request_rec) r = pending();

	assert_int_equal(act(&r->id, CA_APPROVE, NULL), RC_OK);
	return serial_of(&r->id);
}

static enum cert_status
status_of(const struct num *serial)
{
	AUTO(arena) a = arena_new(0);
	struct cert_rec c;

	OK(ca_cert_get(w.ca, serial, &c, a, e));
	return c.status;
}

static enum rc
do_revoke(const struct num *serial, int reason)
{
	AUTO(request_rec) r = NULL;
	struct ca_revocation v = {
		.serial = *serial, .reason = reason, .who = &agent
	};
	struct err why = { RC_OK, "" };

	return ca_revoke(w.ca, &v, &r, &why);
}

/* --- enrolment ------------------------------------------------------------------------- */

static void
enrolment_waits_for_an_agent_and_is_issued_on_approval(void **state)
{
	AUTO(request_rec) r = pending();
	AUTO(arena) a = arena_new(0);
	struct cert_rec c;

	(void)state;
	assert_int_equal(act(&r->id, CA_APPROVE, NULL), RC_OK);
	struct num serial = serial_of(&r->id);
	OK(ca_cert_get(w.ca, &serial, &c, a, e));
	assert_int_equal(c.status, CERT_VALID);
	assert_string_equal(c.issued_by, "agent1");
	assert_string_equal(c.profile_id, "caServerCert");
	assert_string_equal(c.subject, "CN=www.example.com,O=EXAMPLE");
	OK(verify_issued(c.der, buf_view(&w.ca_der), e));
}

static void
request_is_approved_once_only(void **state)
{
	AUTO(request_rec) r = pending();

	(void)state;
	assert_int_equal(act(&r->id, CA_APPROVE, NULL), RC_OK);
	assert_int_equal(act(&r->id, CA_APPROVE, NULL), RC_INVALID);
	assert_int_equal(act(&r->id, CA_REJECT, NULL), RC_INVALID);
}

static void
rejected_and_canceled_requests_stay_so(void **state)
{
	static const struct {
		enum ca_action act;
		enum request_state state;
	} ways[] = { { CA_REJECT, REQUEST_REJECTED },
		{ CA_CANCEL, REQUEST_CANCELED } };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		AUTO(request_rec) r = pending();
		AUTO(request_rec) now = NULL;
		assert_int_equal(act(&r->id, ways[i].act, NULL), RC_OK);
		OK(ca_request_get(w.ca, &r->id, &now, e));
		assert_int_equal(now->state, ways[i].state);
		assert_int_equal(act(&r->id, CA_APPROVE, NULL), RC_INVALID);
	}
}

static void
unknown_profile_leaves_no_request(void **state)
{
	struct form f = { .csr = buf_cstr(&w.csr) };
	struct request_rec *r = NULL;
	uint64_t before, after;
	struct err why = { RC_OK, "" };

	(void)state;
	OK(store_count(w.ca->store, &before, REC_REQUEST, NULL, e));
	assert_int_equal(
	    submit("caNoSuchCert", f, NULL, &r, &why), RC_NOTFOUND);
	OK(store_count(w.ca->store, &after, REC_REQUEST, NULL, e));
	assert_int_equal(before, after);
}

static void
broken_request_is_an_error(void **state)
{
	struct form f = { .csr = "MIIB" };
	struct request_rec *r = NULL;
	struct err why = { RC_OK, "" };

	(void)state;
	assert_int_equal(submit("caServerCert", f, NULL, &r, &why), RC_INVALID);
}

static void
key_that_the_profile_forbids_is_stored_as_rejected(void **state)
{
	struct form f = { .csr = buf_cstr(&w.weak_csr) };
	struct request_rec *r = NULL;

	(void)state;
	OK(submit("caServerCert", f, NULL, &r, e));
	AUTO(request_rec) mine = r;
	assert_int_equal(mine->state, REQUEST_REJECTED);
	assert_string_equal(request_ext(r, "error"),
	    "Key Parameters 1024,2048,3072,4096 Not Matched");
	AUTO(request_rec) stored = NULL;
	OK(ca_request_get(w.ca, &r->id, &stored, e));
	assert_int_equal(stored->state, REQUEST_REJECTED);
}

static const char *
other_name(void *arg, const char *policy, const char *name, bool *present)
{
	/* whole reviews come back with every value; here all but the name are
	 * as a client that knows only names would send them */
	const char *const *values = arg;

	(void)policy;
	for (; values[0] != NULL; values += 2) {
		if (strcmp(values[0], name) == 0) {
			*present = true;
			return values[1];
		}
	}
	*present = false;
	return NULL;
}

static void
review_without_the_name_changes_nothing(void **state)
{
	static const char *const none[] = { NULL, NULL };
	struct ca_review review = { other_name, (void *)(uintptr_t)none, NULL };
	AUTO(request_rec) r = pending();
	AUTO(request_rec) now = NULL;

	(void)state;
	assert_int_not_equal(act(&r->id, CA_APPROVE, &review), RC_OK);
	OK(ca_request_get(w.ca, &r->id, &now, e));
	assert_int_equal(now->state, REQUEST_PENDING);
}

static void
renewal_by_an_agent_is_issued_at_once_for_the_same_key(void **state)
{
	struct num old = issue();
	char dec[NUM_TEXT_MAX];
	struct form f = { .serial = num_dec(dec, &old) };
	AUTO(arena) a = arena_new(0);
	struct request_rec *r = NULL;
	struct cert_rec before, after;

	(void)state;
	OK(submit("caManualRenewal", f, &agent, &r, e));
	AUTO(request_rec) mine = r;
	assert_int_equal(mine->state, REQUEST_COMPLETE);
	struct num fresh = serial_of(&r->id);
	assert_int_not_equal(num_cmp(&old, &fresh), 0);
	OK(ca_cert_get(w.ca, &old, &before, a, e));
	OK(ca_cert_get(w.ca, &fresh, &after, a, e));
	assert_true(view_eq(before.spki, after.spki));
	assert_string_equal(before.subject, after.subject);
}

static void
revoked_certificate_is_not_renewed(void **state)
{
	struct num old = issue();
	char dec[NUM_TEXT_MAX];
	struct form f = { .serial = num_dec(dec, &old) };
	struct request_rec *r = NULL;
	struct err why = { RC_OK, "" };

	(void)state;
	assert_int_equal(do_revoke(&old, REASON_SUPERSEDED), RC_OK);
	assert_int_equal(
	    submit("caManualRenewal", f, &agent, &r, &why), RC_INVALID);
}

/* --- revocation ----------------------------------------------------------------------------- */

static void
revoked_certificate_stays_revoked(void **state)
{
	struct num n = issue();
	AUTO(request_rec) r = NULL;

	(void)state;
	assert_int_equal(do_revoke(&n, REASON_KEY_COMPROMISE), RC_OK);
	assert_int_equal(status_of(&n), CERT_REVOKED);
	assert_int_equal(do_revoke(&n, REASON_HOLD), RC_INVALID);
	OK(ca_unrevoke(w.ca, &n, &agent, &r, e));
	assert_string_equal(request_ext(r, "result"), "2");
	assert_int_equal(status_of(&n), CERT_REVOKED);
}

static void
certificate_on_hold_is_released(void **state)
{
	struct num n = issue();
	AUTO(request_rec) r = NULL;

	(void)state;
	assert_int_equal(do_revoke(&n, REASON_HOLD), RC_OK);
	assert_int_equal(status_of(&n), CERT_REVOKED);
	assert_int_equal(do_revoke(&n, REASON_KEY_COMPROMISE), RC_INVALID);
	OK(ca_unrevoke(w.ca, &n, &agent, &r, e));
	assert_string_equal(request_ext(r, "result"), "1");
	assert_int_equal(status_of(&n), CERT_VALID);
	assert_int_equal(do_revoke(&n, REASON_KEY_COMPROMISE), RC_OK);
}

static void
unknown_certificate_is_not_revoked(void **state)
{
	struct num n = num_from_u64(424242);

	(void)state;
	assert_int_equal(do_revoke(&n, REASON_UNSPECIFIED), RC_NOTFOUND);
}

static void
end_entity_certificate_is_not_revoked_as_a_ca(void **state)
{
	struct num n = issue();
	AUTO(request_rec) r = NULL;
	struct ca_revocation v = { .serial = n, .ca_cert = true };
	struct err why = { RC_OK, "" };

	(void)state;
	assert_int_equal(ca_revoke(w.ca, &v, &r, &why), RC_AUTH);
	assert_int_equal(status_of(&n), CERT_VALID);
}

/* --- OCSP -------------------------------------------------------------------------------------- */

static void
ocsp_request(struct buf *out, const struct num *serial)
{
	AUTO_BUF id = buf_empty(0);

	ocsp_id_put(&id, &w.ca->issuer_ids[DIGEST_SHA1], serial);
	ocsp_request_put(out, buf_view(&id), view_of(NULL, 0));
}

static int
ocsp_status(const struct buf *request)
{
	AUTO_BUF answer = buf_empty(0);
	struct ocsp_response x;

	ca_ocsp(w.ca, buf_view(request), &answer);
	OK(ocsp_response_parse(&x, buf_view(&answer), e));
	assert_int_equal(x.count, 1);
	return (int)x.singles[0].status;
}

static void
revocation_drops_the_ready_ocsp_answer(void **state)
{
	struct num n = issue();
	AUTO_BUF request = buf_empty(0), ready = buf_empty(0);

	(void)state;
	ocsp_request(&request, &n);
	assert_int_equal(ocsp_status(&request), OCSP_GOOD);
	assert_int_equal(
	    ca_ocsp_ready(w.ca, buf_view(&request), &ready), RC_OK);
	assert_true(ready.len > 0);
	assert_int_equal(do_revoke(&n, REASON_HOLD), RC_OK);
	buf_reset(&ready);
	assert_int_equal(
	    ca_ocsp_ready(w.ca, buf_view(&request), &ready), RC_NOTFOUND);
	assert_int_equal(ocsp_status(&request), OCSP_REVOKED);
}

static void
ocsp_does_not_know_what_was_never_issued(void **state)
{
	struct num n = num_from_u64(99);
	AUTO_BUF request = buf_empty(0);

	(void)state;
	ocsp_request(&request, &n);
	assert_int_equal(ocsp_status(&request), OCSP_UNKNOWN);
}

/* --- maintenance, self tests -------------------------------------------------------------------- */

static void
statuses_follow_the_dates(void **state)
{
	struct num valid = issue(), revoked = issue();
	int64_t later = clock_now(&test_clock) + 5 * (int64_t)YEAR;

	(void)state;
	assert_int_equal(do_revoke(&revoked, REASON_SUPERSEDED), RC_OK);
	OK(ca_update_statuses(w.ca, later, e));
	assert_int_equal(status_of(&valid), CERT_EXPIRED);
	assert_int_equal(status_of(&revoked), CERT_REVOKED_EXPIRED);
}

static void
self_tests_pass_on_a_sound_ca(void **state)
{
	(void)state;
	for (size_t i = 0; i < selftest_count(); i++) {
		struct selftest_result r;
		selftest_run(w.ca, i, &r);
		if (r.state != SELFTEST_PASSED)
			fail_msg("%s: %s", r.id, r.text);
	}
}

static void
restart(const char *cs_cfg)
{
	down();
	write_cs_cfg(cs_cfg);
	OK(up(e));
}

static void
certificates_out_of_time_fail_their_test_but_the_ca_starts(void **state)
{
	struct selftest_result r;

	(void)state;
	ahead_ms = 11 * (int64_t)YEAR * 1000;
	restart("");
	selftest_run(w.ca, selftest_find("CAValidity"), &r);
	assert_int_equal(r.state, SELFTEST_EXPIRED);
	selftest_run(w.ca, selftest_find("SystemCertsVerification"), &r);
	assert_int_equal(r.state, SELFTEST_EXPIRED);
	ahead_ms = 0;
	restart("");
}

static void
critical_self_test_that_fails_keeps_the_ca_from_starting(void **state)
{
	struct err why = { RC_OK, "" };

	(void)state;
	down();
	write_cs_cfg("ca.cert.sslserver.nickname=Nobody\n");
	assert_int_equal(up(&why), RC_INVALID);
	assert_non_null(strstr(why.text, "SystemCertsVerification"));
	assert_non_null(strstr(why.text, "Nobody"));
	/* the same test without ":critical" does not */
	write_cs_cfg("ca.cert.sslserver.nickname=Nobody\n"
		     "selftests.container.order.startup=CAPresence:critical,"
		     "SystemCertsVerification\n");
	OK(up(e));
	restart("");
}

static void
what_was_issued_survives_a_restart(void **state)
{
	struct num n = issue();
	AUTO(request_rec) r = pending();

	(void)state;
	restart("");
	assert_int_equal(status_of(&n), CERT_VALID);
	assert_int_equal(act(&r->id, CA_APPROVE, NULL), RC_OK);
}

int
main(void)
{
	const struct CMUnitTest cases[] = {
		cmocka_unit_test(
		    enrolment_waits_for_an_agent_and_is_issued_on_approval),
		cmocka_unit_test(request_is_approved_once_only),
		cmocka_unit_test(rejected_and_canceled_requests_stay_so),
		cmocka_unit_test(unknown_profile_leaves_no_request),
		cmocka_unit_test(broken_request_is_an_error),
		cmocka_unit_test(
		    key_that_the_profile_forbids_is_stored_as_rejected),
		cmocka_unit_test(review_without_the_name_changes_nothing),
		cmocka_unit_test(
		    renewal_by_an_agent_is_issued_at_once_for_the_same_key),
		cmocka_unit_test(revoked_certificate_is_not_renewed),
		cmocka_unit_test(revoked_certificate_stays_revoked),
		cmocka_unit_test(certificate_on_hold_is_released),
		cmocka_unit_test(unknown_certificate_is_not_revoked),
		cmocka_unit_test(end_entity_certificate_is_not_revoked_as_a_ca),
		cmocka_unit_test(revocation_drops_the_ready_ocsp_answer),
		cmocka_unit_test(ocsp_does_not_know_what_was_never_issued),
		cmocka_unit_test(self_tests_pass_on_a_sound_ca),
		cmocka_unit_test(what_was_issued_survives_a_restart),
		cmocka_unit_test(
		    certificates_out_of_time_fail_their_test_but_the_ca_starts),
		cmocka_unit_test(
		    critical_self_test_that_fails_keeps_the_ca_from_starting),
		cmocka_unit_test(statuses_follow_the_dates),
	};

	return cmocka_run_group_tests_name("ca", cases, setup, teardown);
}
