/* SPDX-License-Identifier: Apache-2.0 */
/* issuing_point_test.c - issuing points over a real store and real keys; lists
 * are checked by libcrypto.
 * Owns:    a temporary folder with database, store and CRL files.
 * Trusts:  libcrypto's CRL parser.
 * Threads: one, but for the case that revokes while lists are made. */
#include "crl/issuing_point.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/thread.h"
#include "crl/test_help.h"
#include "store/test_help.h"

#define ISSUER HELP_ISSUER

static const int64_t start_time = 1800000000;

/* One host: what outlives an issuing point. */
static struct {
	char *dir;
	struct keystore *ks;
	struct key *key;
	struct buf cert;
	struct store *store;
	struct clock clock;
	int64_t now;
	struct issuing_point *ip;
	struct issuing_point_params params;
	struct buf settings;
} h;

static int64_t
fake_ms(void *arg)
{
	(void)arg;
	return h.now * 1000;
}

static int
set_up_keys(void **state)
{
	(void)state;
	h.dir = help_folder();
	h.cert = buf_empty(0);
	help_ca(h.dir, &h.ks, &h.key, &h.cert, start_time);
	return 0;
}

static int
tear_down_keys(void **state)
{
	(void)state;
	key_free(h.key);
	keystore_free(h.ks);
	buf_done(&h.cert);
	help_remove(h.dir);
	return 0;
}

static void
sub(char out[512], const char *name)
{
	assert_true(snprintf(out, 512, "%s/%s", h.dir, name) < 512);
}

/* A fresh store and folder; settings as shipped. */
static int
set_up(void **state)
{
	static char store_dir[512], crl_dir[512];
	struct lmdb_params p = {
		.dir = store_dir, .map_size = (size_t)1 << 30, .clock = &h.clock
	};

	(void)state;
	h.now = start_time;
	h.clock = (struct clock){ fake_ms, fake_ms, NULL };
	sub(store_dir, "store");
	sub(crl_dir, "crl");
	OK(store_open_lmdb(&h.store, &p, e));
	h.settings = buf_empty(0);
	buf_add_str(&h.settings,
	    "ca.crl.M.dailyUpdates=1:00\nca.crl.M.autoUpdateInterval=240\n"
	    "ca.crl.M.signingAlgorithm=SHA256withRSA\n");
	h.params = (struct issuing_point_params){ .id = "M",
		.store = h.store,
		.clock = &h.clock,
		.key = h.key,
		.ca_cert = buf_view(&h.cert),
		.issuer = ISSUER,
		.host_ca = true,
		.dir = crl_dir };
	return 0;
}

static void
close_ip(void)
{
	issuing_point_free(issuing_point_steal(&h.ip));
}

static int
tear_down(void **state)
{
	char path[512];

	(void)state;
	close_ip();
	store_free(h.store);
	h.store = NULL;
	buf_done(&h.settings);
	sub(path, "store");
	OK(file_remove_tree(path, e));
	sub(path, "crl");
	OK(file_remove_tree(path, e));
	return 0;
}

static void
with(const char *setting)
{
	buf_addf(&h.settings, "ca.crl.M.%s\n", setting);
}

static enum rc
try_open(struct err *e)
{
	AUTO(cfg) c = cfg_new();

	assert_int_equal(
	    cfg_parse(c, buf_view(&h.settings), "CS.cfg", e), RC_OK);
	h.params.cfg = c;
	return issuing_point_open(&h.ip, &h.params, e);
}

static void
open_ip(void)
{
	OK(try_open(e));
}

static enum rc
generate(struct err *e)
{
	struct generate_options o = { .force = true, .sigalg = SIGALG_COUNT };

	return issuing_point_generate(h.ip, &o, NULL, e);
}

/* ---- certificates ---- */

static void
add_cert(struct rec *r)
{
	AUTO(batch) b = batch_new();

	batch_add(b, r);
	OK(store_commit(h.store, b, e));
}

static void
set_status(uint64_t serial, const char *status, const char *rev_info)
{
	AUTO(batch) b = batch_new();
	char id[NUM_TEXT_MAX];
	struct num n = num_from_u64(serial);

	batch_modify(b, REC_CERT, num_hex(id, &n));
	batch_mod_str(b, MOD_REPLACE, "certStatus", status);
	batch_mod_str(b, MOD_REPLACE, "revInfo", rev_info);
	OK(store_commit(h.store, b, e));
}

/* ---- lists ---- */

/* The present list as libcrypto sees it; the signature is checked. */
static X509_CRL *
current(void)
{
	return help_list(issuing_point_current(h.ip), buf_view(&h.cert));
}

static long
current_number(void)
{
	X509_CRL *crl = current();
	long n = help_number(crl);

	X509_CRL_free(crl);
	return n;
}

/* "2,5,7": decimal serials in the order of the list. */
static void
assert_listed(const char *want)
{
	AUTO_BUF have = buf_empty(0);
	X509_CRL *crl = current();
	STACK_OF(X509_REVOKED) *list = X509_CRL_get_REVOKED(crl);
	int i;

	for (i = 0; i < sk_X509_REVOKED_num(list); i++)
		buf_addf(&have, "%s%ld", i > 0 ? "," : "",
		    ASN1_INTEGER_get(X509_REVOKED_get0_serialNumber(
			sk_X509_REVOKED_value(list, i))));
	assert_string_equal(buf_cstr(&have), want);
	X509_CRL_free(crl);
}

static void
assert_record(const char *attr, const char *want)
{
	AUTO(rec) r = NULL;
	const char *have;

	OK(store_get(h.store, &r, REC_ISSUING_POINT, "M", e));
	have = rec_str(r, attr);
	if (want == NULL)
		assert_null(have);
	else
		assert_string_equal(have != NULL ? have : "(absent)", want);
}

/* ---- cases ---- */

static void
first_list_is_due_at_once_and_empty(void **state)
{
	struct generate_options o = { .sigalg = SIGALG_COUNT };
	struct issuing_point_status s;
	bool made = false;
	X509_CRL *crl;

	(void)state;
	open_ip();
	assert_record("crlNumber", "010");
	assert_record("crlSize", "02-1");
	assert_null(issuing_point_current(h.ip));
	assert_true(issuing_point_due(h.ip) <= h.now);
	OK(issuing_point_generate(h.ip, &o, &made, e));
	assert_true(made);
	crl = current();
	assert_int_equal(help_number(crl), 1);
	assert_int_equal(X509_CRL_get_version(crl), 1);
	assert_int_equal(sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)), -1);
	assert_int_equal(X509_CRL_get_ext_count(crl), 2);
	assert_true(X509_CRL_get_ext_by_NID(
			crl, NID_authority_key_identifier, -1) >= 0);
	X509_CRL_free(crl);
	assert_record("crlNumber", "011");
	assert_record("crlSize", "010");
	assert_record("firstUnsaved", "-2");
	assert_record("thisUpdate", "20270115080000Z");
	assert_record("nextUpdate", "20270115090000Z");
	OK(issuing_point_generate(h.ip, &o, &made, e));
	assert_false(made);
	assert_int_equal(issuing_point_due(h.ip), start_time + 3600);
	issuing_point_status(h.ip, &s);
	assert_true(s.enabled && !s.changed && s.made == 1 && s.failed == 0);
}

/* A start with many certificates does not wait for the set. */
static void
set_may_be_filled_after_open(void **state)
{
	struct issuing_point_status s;

	(void)state;
	add_cert(help_cert(1, CERT_REVOKED));
	add_cert(help_cert(2, CERT_VALID));
	h.params.fill_later = true;
	open_ip();
	assert_int_equal(revoked_count(issuing_point_set(h.ip)), 0);
	set_status(2, "REVOKED", "20270115000000Z;CRLReasonExtension=1");
	OK(issuing_point_refresh(h.ip, e));
	assert_int_equal(revoked_count(issuing_point_set(h.ip)), 2);
	OK(generate(e));
	issuing_point_status(h.ip, &s);
	assert_int_equal(s.count, 2);
	/* again, with a list: what came before the fill is a change */
	close_ip();
	add_cert(help_cert(3, CERT_REVOKED));
	open_ip();
	OK(issuing_point_refresh(h.ip, e));
	issuing_point_status(h.ip, &s);
	assert_true(s.changed && s.count == 2 && s.revoked == 3);
	/* and a generation fills by itself */
	close_ip();
	open_ip();
	OK(generate(e));
	issuing_point_status(h.ip, &s);
	assert_int_equal(s.count, 3);
}

static void
list_follows_the_records(void **state)
{
	X509_CRL *crl;
	X509_REVOKED *entry;
	ASN1_ENUMERATED *reason;
	ASN1_GENERALIZEDTIME *invalidity;
	uint64_t i;

	(void)state;
	for (i = 1; i <= 8; i++)
		add_cert(help_cert(i, CERT_VALID));
	add_cert(help_cert(300, CERT_REVOKED));
	open_ip();
	set_status(5, "REVOKED",
	    "20270101000000Z;CRLReasonExtension=4;"
	    "InvalidityDateExtension=20261201000000Z");
	set_status(2, "REVOKED", "20270102000000Z");
	set_status(7, "REVOKED", "20270102000000Z;CRLReasonExtension=6");
	OK(generate(e));
	assert_listed("2,5,7,300");
	crl = current();
	entry = sk_X509_REVOKED_value(X509_CRL_get_REVOKED(crl), 1);
	reason = X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, NULL, NULL);
	assert_int_equal(ASN1_ENUMERATED_get(reason), 4);
	ASN1_ENUMERATED_free(reason);
	invalidity =
	    X509_REVOKED_get_ext_d2i(entry, NID_invalidity_date, NULL, NULL);
	assert_string_equal(
	    ASN1_STRING_get0_data(invalidity), "20261201000000Z");
	ASN1_GENERALIZEDTIME_free(invalidity);
	/* unspecified is not written */
	entry = sk_X509_REVOKED_value(X509_CRL_get_REVOKED(crl), 0);
	assert_int_equal(X509_REVOKED_get_ext_count(entry), 0);
	X509_CRL_free(crl);
	set_status(7, "VALID", NULL);
	set_status(300, "REVOKED_EXPIRED", "20270101000000Z");
	OK(generate(e));
	assert_listed("2,5");
	assert_record("crlSize", "012");
	assert_int_equal(current_number(), 2);
}

static void
revoked_record_without_readable_info_is_listed(void **state)
{
	(void)state;
	add_cert(help_cert(4, CERT_VALID));
	open_ip();
	set_status(4, "REVOKED", "nonsense");
	OK(generate(e));
	assert_listed("4");
}

static void
restart_serves_the_same_list_and_counts_on(void **state)
{
	const struct crl_file *f;
	AUTO_BUF before = buf_empty(0);

	(void)state;
	add_cert(help_cert(9, CERT_REVOKED));
	open_ip();
	OK(generate(e));
	f = issuing_point_current(h.ip);
	buf_add_view(&before, f->der);
	crl_file_unref(f);
	close_ip();
	add_cert(help_cert(10, CERT_REVOKED));
	h.now += 60;
	open_ip();
	f = issuing_point_current(h.ip);
	assert_true(view_eq(f->der, buf_view(&before)));
	assert_int_equal(f->count, 1);
	crl_file_unref(f);
	assert_int_equal(issuing_point_due(h.ip), start_time + 3600);
	OK(generate(e));
	assert_int_equal(current_number(), 2);
	assert_listed("9,10");
}

static void
lost_or_damaged_file_makes_a_new_list_due(void **state)
{
	char path[512];

	(void)state;
	open_ip();
	OK(generate(e));
	close_ip();
	sub(path, "crl/M-1.crl");
	OK(file_write(path, view_str("0\x03garbage"), 0644, e));
	open_ip();
	assert_null(issuing_point_current(h.ip));
	assert_true(issuing_point_due(h.ip) <= h.now);
	OK(generate(e));
	assert_int_equal(current_number(), 2);
	close_ip();
	sub(path, "crl/M-2.crl");
	assert_int_equal(remove(path), 0);
	open_ip();
	assert_null(issuing_point_current(h.ip));
	OK(generate(e));
	assert_int_equal(current_number(), 3);
}

/* A crash between rename and commit: the file's number is never used again. */
static void
number_of_a_cut_generation_is_burned(void **state)
{
	char path[512];

	(void)state;
	open_ip();
	OK(generate(e));
	close_ip();
	sub(path, "crl/M-5.crl");
	OK(file_write(path, view_str("signed, not committed"), 0644, e));
	sub(path, "crl/M-6.crl.tmp-1-1");
	OK(file_write(path, view_str("cut"), 0644, e));
	sub(path, "crl/M-x.crl");
	OK(file_write(path, view_str("not ours"), 0644, e));
	open_ip();
	assert_int_equal(current_number(), 1);
	OK(generate(e));
	assert_int_equal(current_number(), 7);
	sub(path, "crl/M-6.crl.tmp-1-1");
	assert_false(file_exists(path));
	sub(path, "crl/M-x.crl");
	assert_true(file_exists(path));
}

static void
only_the_last_two_files_stay(void **state)
{
	const struct crl_file *first;
	AUTO_BUF copy = buf_empty(0);
	char path[512];
	int i;

	(void)state;
	open_ip();
	OK(generate(e));
	first = issuing_point_current(h.ip);
	buf_add_view(&copy, first->der);
	for (i = 0; i < 3; i++)
		OK(generate(e));
	sub(path, "crl/M-2.crl");
	assert_false(file_exists(path));
	sub(path, "crl/M-3.crl");
	assert_true(file_exists(path));
	sub(path, "crl/M-4.crl");
	assert_true(file_exists(path));
	/* who still reads the first one may finish */
	assert_true(view_eq(first->der, buf_view(&copy)));
	crl_file_unref(first);
}

static void
number_used_by_another_host_is_a_conflict(void **state)
{
	AUTO(batch) b = batch_new();
	struct issuing_point_status s;

	(void)state;
	open_ip();
	OK(generate(e));
	batch_modify(b, REC_ISSUING_POINT, "M");
	batch_mod_str(b, MOD_REPLACE, "crlNumber", "0240");
	OK(store_commit(h.store, b, e));
	RC(RC_CONFLICT, generate(e));
	issuing_point_status(h.ip, &s);
	assert_int_equal(s.failed, 1);
	OK(generate(e));
	assert_int_equal(current_number(), 41);
	assert_record("crlNumber", "0241");
}

static void
clock_behind_the_last_list_waits(void **state)
{
	struct err fault = { 0 };

	(void)state;
	open_ip();
	OK(generate(e));
	h.now -= 10;
	assert_int_equal(generate(&fault), RC_UNAVAILABLE);
	assert_non_null(strstr(fault.text, "clock is behind"));
	assert_int_equal(current_number(), 1);
	close_ip();
	open_ip();
	assert_int_equal(generate(&fault), RC_UNAVAILABLE);
	h.now += 10;
	OK(generate(e));
	assert_int_equal(current_number(), 2);
}

static void
disabled_point_makes_no_list(void **state)
{
	(void)state;
	with("enableCRLUpdates=false");
	open_ip();
	assert_false(issuing_point_enabled(h.ip));
	assert_true(issuing_point_due(h.ip) == SCHEDULE_NEVER);
	RC(RC_UNAVAILABLE, generate(e));
	assert_null(issuing_point_current(h.ip));
}

static void
list_without_extensions_is_v1(void **state)
{
	X509_CRL *crl;

	(void)state;
	with("allowExtensions=false");
	add_cert(help_cert(3, CERT_REVOKED));
	open_ip();
	OK(generate(e));
	assert_listed("3");
	crl = current();
	assert_int_equal(X509_CRL_get_version(crl), 0);
	assert_int_equal(X509_CRL_get_ext_count(crl), 0);
	X509_CRL_free(crl);
	close_ip();
	open_ip();
	OK(generate(e));
	assert_record("crlNumber", "012");
}

static void
expired_certificate_is_listed_once_more(void **state)
{
	(void)state;
	with("includeExpiredCertsOneExtraTime=true");
	add_cert(help_cert(3, CERT_REVOKED));
	add_cert(help_cert(4, CERT_REVOKED));
	open_ip();
	set_status(3, "REVOKED_EXPIRED", "20270101000000Z");
	OK(generate(e));
	assert_listed("3,4");
	OK(generate(e));
	assert_listed("4");
}

static void
expired_certificates_stay_when_configured(void **state)
{
	(void)state;
	with("includeExpiredCerts=true");
	add_cert(help_cert(3, CERT_REVOKED_EXPIRED));
	add_cert(help_cert(4, CERT_REVOKED));
	open_ip();
	set_status(4, "REVOKED_EXPIRED", "20270101000000Z");
	OK(generate(e));
	assert_listed("3,4");
}

static void
partitions_hold(void **state)
{
	struct rec *r;

	(void)state;
	with("beginSerial=10");
	with("endSerial=0x1e");
	with("profileCertsOnly=true");
	with("profileList=caServerCert,other");
	add_cert(help_cert(9, CERT_REVOKED));
	add_cert(help_cert(10, CERT_REVOKED));
	add_cert(help_cert(30, CERT_REVOKED));
	add_cert(help_cert(31, CERT_REVOKED));
	r = help_cert(20, CERT_REVOKED);
	rec_clear(r, "metaInfo");
	rec_add_str(r, "metaInfo", "profileId:caUserCert");
	add_cert(r);
	r = help_cert(21, CERT_REVOKED);
	rec_clear(r, "issuerName");
	add_cert(r);
	r = help_cert(22, CERT_REVOKED);
	rec_clear(r, "issuerName");
	rec_add_str(r, "issuerName", "CN=Sub CA");
	add_cert(r);
	open_ip();
	OK(generate(e));
	assert_listed("10,21,30");
	close_ip();
	h.params.host_ca = false;
	open_ip();
	OK(generate(e));
	assert_listed("10,30");
}

static void
distribution_point_says_what_the_list_holds(void **state)
{
	struct rec *r;
	X509_CRL *crl;
	ISSUING_DIST_POINT *idp;
	int critical = 0;

	(void)state;
	with("extension.IssuingDistributionPoint.enable=true");
	with("extension.IssuingDistributionPoint.critical=true");
	with("extension.IssuingDistributionPoint.pointType=URI");
	with("extension.IssuingDistributionPoint.pointName=http://h/a.crl");
	with("extension.IssuingDistributionPoint.onlyContainsCACerts=true");
	with("extension.AuthorityInformationAccess.enable=true");
	with("extension.AuthorityInformationAccess."
	     "numberOfAccessDescriptions=1");
	h.params.ca_url = "http://ca.example:8080";
	add_cert(help_cert(3, CERT_REVOKED));
	r = help_cert(4, CERT_REVOKED);
	rec_add_str(r, "extension", "2.5.29.19;isCA=true,pathLen=-1");
	add_cert(r);
	open_ip();
	OK(generate(e));
	assert_listed("4");
	crl = current();
	idp = X509_CRL_get_ext_d2i(
	    crl, NID_issuing_distribution_point, &critical, NULL);
	assert_non_null(idp);
	assert_int_equal(critical, 1);
	assert_true(idp->onlyCA > 0 && idp->onlyuser <= 0);
	ISSUING_DIST_POINT_free(idp);
	assert_true(X509_CRL_get_ext_by_NID(crl, NID_info_access, -1) >= 0);
	X509_CRL_free(crl);
}

static void
bad_settings_are_named(void **state)
{
	static const struct {
		const char *setting, *name;
	} rows[] = {
		{ "dailyUpdates=x", "ca.crl.M.dailyUpdates" },
		{ "signingAlgorithm=MD5withRSA", "ca.crl.M.signingAlgorithm" },
		{ "beginSerial=x", "ca.crl.M.beginSerial" },
		{ "extension.IssuerAlternativeName.enable=1\n"
		  "ca.crl.M.extension.IssuerAlternativeName.numNames=1\n"
		  "ca.crl.M.extension.IssuerAlternativeName.nameType0=x\n"
		  "ca.crl.M.extension.IssuerAlternativeName.name0=y",
		    "ca.crl.M.extension.IssuerAlternativeName.name0" },
	};
	size_t i, len = h.settings.len;
	struct err e;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		h.settings.len = len;
		with(rows[i].setting);
		assert_int_equal(try_open(&e), RC_INVALID);
		if (!text_starts(e.text, rows[i].name))
			fail_msg("%s", e.text);
	}
	h.settings.len = len;
	h.params.id = "../M";
	assert_int_equal(try_open(&e), RC_INVALID);
}

static void
empty_list_may_be_left_out(void **state)
{
	struct generate_options o = { .sigalg = SIGALG_COUNT };
	bool made = true;

	(void)state;
	with("noCRLIfNoRevokedCert=true");
	open_ip();
	OK(issuing_point_generate(h.ip, &o, &made, e));
	assert_false(made);
	assert_true(issuing_point_due(h.ip) > h.now);
	add_cert(help_cert(3, CERT_REVOKED));
	OK(generate(e));
	assert_listed("3");
}

static void
always_update_is_due_with_each_change(void **state)
{
	(void)state;
	with("alwaysUpdate=true");
	add_cert(help_cert(3, CERT_VALID));
	open_ip();
	OK(generate(e));
	assert_true(issuing_point_due(h.ip) > h.now);
	set_status(3, "REVOKED", "20270101000000Z");
	assert_true(issuing_point_due(h.ip) <= h.now);
	OK(generate(e));
	assert_true(issuing_point_due(h.ip) > h.now);
	/* neither the same entry again nor the end of its time */
	set_status(3, "REVOKED", "20270101000000Z");
	set_status(3, "REVOKED_EXPIRED", "20270101000000Z");
	assert_true(issuing_point_due(h.ip) > h.now);
}

static void
first_number_of_a_claim_is_kept(void **state)
{
	struct num first = num_from_u64(256);

	(void)state;
	h.params.first_number = &first;
	open_ip();
	OK(generate(e));
	assert_int_equal(current_number(), 256);
	assert_record("crlNumber", "03256");
}

static void
file_comes_back_from_the_record(void **state)
{
	char path[512];

	(void)state;
	h.params.bytes_in_record = true;
	add_cert(help_cert(3, CERT_REVOKED));
	open_ip();
	OK(generate(e));
	close_ip();
	sub(path, "crl");
	OK(file_remove_tree(path, e));
	open_ip();
	assert_listed("3");
	assert_int_equal(current_number(), 1);
}

static bool
see_effect(void *arg, const struct effect *x)
{
	struct buf *b = arg;

	buf_add_view(b, x->payload);
	return true;
}

static void
effect_goes_with_the_commit(void **state)
{
	AUTO_BUF b = buf_empty(0);

	(void)state;
	h.params.effect = "crl";
	open_ip();
	OK(generate(e));
	OK(store_drain(h.store, "crl", see_effect, &b, e));
	assert_string_equal(buf_cstr(&b), "M 1");
}

/* Entries of the delta as "serial:reason", '-' for none. */
static void
assert_delta(long number, long base, const char *want)
{
	const struct crl_file *f = issuing_point_delta(h.ip);
	AUTO_BUF have = buf_empty(0);
	const unsigned char *p;
	STACK_OF(X509_REVOKED) * list;
	ASN1_INTEGER *indicator;
	X509_CRL *crl;
	int critical = 0, i;

	assert_non_null(f);
	p = f->der.data;
	crl = d2i_X509_CRL(NULL, &p, (long)f->der.len);
	assert_non_null(crl);
	assert_int_equal(help_number(crl), number);
	indicator = X509_CRL_get_ext_d2i(crl, NID_delta_crl, &critical, NULL);
	assert_int_equal(critical, 1);
	assert_int_equal(ASN1_INTEGER_get(indicator), base);
	ASN1_INTEGER_free(indicator);
	list = X509_CRL_get_REVOKED(crl);
	assert_int_equal(
	    f->count, list != NULL ? sk_X509_REVOKED_num(list) : 0);
	for (i = 0; i < sk_X509_REVOKED_num(list); i++) {
		X509_REVOKED *x = sk_X509_REVOKED_value(list, i);
		ASN1_ENUMERATED *reason =
		    X509_REVOKED_get_ext_d2i(x, NID_crl_reason, NULL, NULL);

		buf_addf(&have, "%s%ld:%ld", i > 0 ? "," : "",
		    ASN1_INTEGER_get(X509_REVOKED_get0_serialNumber(x)),
		    reason != NULL ? ASN1_ENUMERATED_get(reason) : 0);
		ASN1_ENUMERATED_free(reason);
	}
	assert_string_equal(buf_cstr(&have), want);
	X509_CRL_free(crl);
	crl_file_unref(f);
}

static void
next_list(int64_t seconds)
{
	struct generate_options o = { .sigalg = SIGALG_COUNT };
	bool made = false;

	h.now += seconds;
	OK(issuing_point_generate(h.ip, &o, &made, e));
	assert_true(made);
}

static void
deltas_come_between_full_lists(void **state)
{
	uint64_t i;

	(void)state;
	with("extension.DeltaCRLIndicator.enable=true");
	with("updateSchema=4");
	with("dailyUpdates=");
	with("autoUpdateInterval=60");
	for (i = 1; i <= 6; i++)
		add_cert(help_cert(i, i <= 2 ? CERT_REVOKED : CERT_VALID));
	set_status(1, "REVOKED", "20270101000000Z;CRLReasonExtension=6");
	open_ip();
	next_list(0);
	assert_int_equal(current_number(), 1);
	assert_null(issuing_point_delta(h.ip));
	assert_record("nextUpdate", "20270115120000Z"); /* the next full one */
	set_status(4, "REVOKED", "20270101000000Z;CRLReasonExtension=1");
	set_status(5, "REVOKED", "20270101000000Z;CRLReasonExtension=6");
	set_status(1, "VALID", NULL);
	next_list(3600);
	assert_delta(2, 1, "1:8,4:1,5:6");
	assert_int_equal(current_number(), 1);
	assert_record("crlNumber", "011");
	assert_record("deltaNumber", "012");
	assert_record("deltaSize", "013");
	assert_record("nextUpdate", "20270115100000Z");
	/* a restart knows the delta: 5 was published on hold, 6 never was */
	close_ip();
	set_status(6, "REVOKED", "20270101000000Z;CRLReasonExtension=6");
	open_ip();
	assert_delta(2, 1, "1:8,4:1,5:6");
	set_status(5, "VALID", NULL);
	set_status(6, "VALID", NULL);
	set_status(2, "REVOKED", "20270101000000Z;CRLReasonExtension=4");
	next_list(3600);
	assert_delta(3, 1, "1:8,2:4,4:1,5:8");
	next_list(3600);
	assert_delta(4, 1, "1:8,2:4,4:1,5:8");
	next_list(3600);
	assert_int_equal(current_number(), 5);
	assert_listed("2,4");
	assert_null(issuing_point_delta(h.ip));
	assert_record("deltaSize", "02-1");
	assert_record("deltaNumber", "014");
	/* an agent's list is a full one */
	next_list(3600);
	assert_delta(6, 5, "");
	OK(generate(e));
	assert_int_equal(current_number(), 7);
	assert_null(issuing_point_delta(h.ip));
}

static void
rebuild_gives_the_same_list(void **state)
{
	struct generate_options o = {
		.force = true, .clear = true, .sigalg = SIGALG_SHA384_EC
	};
	X509_CRL *crl;
	uint64_t i;

	(void)state;
	for (i = 1; i < 50; i++)
		add_cert(help_cert(i, i % 7 == 0 ? CERT_REVOKED : CERT_VALID));
	open_ip();
	OK(generate(e));
	assert_listed("7,14,21,28,35,42,49");
	OK(issuing_point_generate(h.ip, &o, NULL, e));
	assert_listed("7,14,21,28,35,42,49");
	crl = current();
	assert_int_equal(
	    X509_CRL_get_signature_nid(crl), NID_ecdsa_with_SHA384);
	X509_CRL_free(crl);
	o.sigalg = SIGALG_SHA256_RSA;
	RC(RC_INVALID, issuing_point_generate(h.ip, &o, NULL, e));
}

static atomic_bool stop;

static void *
revoke_all(void *arg)
{
	uint64_t i;

	for (i = 1; i <= 100; i++)
		set_status(i, "REVOKED", "20270101000000Z");
	atomic_store(&stop, true);
	return arg;
}

static void
revocations_go_on_while_lists_are_made(void **state)
{
	struct generate_options o = { .force = true, .sigalg = SIGALG_COUNT };
	const struct crl_file *f;
	uint64_t i, last = 0;
	pthread_t t;

	(void)state;
	for (i = 1; i <= 100; i++)
		add_cert(help_cert(i, CERT_VALID));
	open_ip();
	atomic_store(&stop, false);
	OK(thread_start(&t, "revoke", revoke_all, NULL, e));
	while (!atomic_load(&stop)) {
		o.clear = !o.clear;
		OK(issuing_point_generate(h.ip, &o, NULL, e));
		f = issuing_point_current(h.ip);
		assert_true(f->count >= last);
		last = f->count;
		crl_file_unref(f);
	}
	pthread_join(t, NULL);
	OK(generate(e));
	f = issuing_point_current(h.ip);
	assert_int_equal(f->count, 100);
	crl_file_unref(f);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(first_list_is_due_at_once_and_empty),
		CASE(set_may_be_filled_after_open),
		CASE(list_follows_the_records),
		CASE(revoked_record_without_readable_info_is_listed),
		CASE(restart_serves_the_same_list_and_counts_on),
		CASE(lost_or_damaged_file_makes_a_new_list_due),
		CASE(number_of_a_cut_generation_is_burned),
		CASE(only_the_last_two_files_stay),
		CASE(number_used_by_another_host_is_a_conflict),
		CASE(clock_behind_the_last_list_waits),
		CASE(disabled_point_makes_no_list),
		CASE(list_without_extensions_is_v1),
		CASE(expired_certificate_is_listed_once_more),
		CASE(expired_certificates_stay_when_configured),
		CASE(partitions_hold),
		CASE(distribution_point_says_what_the_list_holds),
		CASE(bad_settings_are_named),
		CASE(empty_list_may_be_left_out),
		CASE(always_update_is_due_with_each_change),
		CASE(first_number_of_a_claim_is_kept),
		CASE(file_comes_back_from_the_record),
		CASE(effect_goes_with_the_commit),
		CASE(deltas_come_between_full_lists),
		CASE(rebuild_gives_the_same_list),
		CASE(revocations_go_on_while_lists_are_made),
	};

	return cmocka_run_group_tests(tests, set_up_keys, tear_down_keys);
}
