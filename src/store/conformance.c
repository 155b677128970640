/* SPDX-License-Identifier: Apache-2.0 */
/* conformance.c - what store.h promises, case by case, on any back-end.
 * Owns:    the store of the running case.
 * Trusts:  nothing.
 * Threads: some cases start committers of their own. */
#include "store/conformance.h"

#include <pthread.h>

static struct store *s; /* of the running case */

static int
begin(void **state)
{
	(void)state;
	s = conformance_open();
	return s != NULL ? 0 : -1;
}

static int
end(void **state)
{
	(void)state;
	conformance_close(s);
	s = NULL;
	return 0;
}

/* Same attributes with the same sets of values. */
static void
assert_same(const struct rec *a, const struct rec *b)
{
	for (size_t i = 0; i < a->n; i++) {
		const struct rec_attr *x = &a->attrs[i];
		const struct rec_attr *y = rec_attr(b, x->name);

		if (y == NULL || x->n != y->n)
			fail_msg("%s: %zu values, want %zu", x->name,
			    y != NULL ? y->n : 0, x->n);
		for (size_t j = 0; j < x->n; j++) {
			bool found = false;

			for (size_t k = 0; k < y->n; k++)
				found |= view_eq(x->values[j], y->values[k]);
			assert_true(found);
		}
	}
	for (size_t i = 0; i < b->n; i++)
		if (rec_attr(a, b->attrs[i].name) == NULL)
			fail_msg("%s: not written", b->attrs[i].name);
}

static void
add(struct rec *r)
{
	AUTO(batch) b = batch_new();

	batch_add(b, r);
	OK(store_commit(s, b, e));
}

static struct rec *
get(enum rec_kind kind, const char *id)
{
	struct rec *r = NULL;

	OK(store_get(s, &r, kind, id, e));
	return r;
}

/* --- records ------------------------------------------------------------ */

static void
absent_record_is_not_found(void **state)
{
	struct rec *r = NULL;

	(void)state;
	RC(RC_NOTFOUND, store_get(s, &r, REC_CERT, "1", e));
	RC(RC_NOTFOUND, store_get(s, &r, REC_USER, "nobody", e));
	RC(RC_INVALID, store_get(s, &r, REC_CERT, "not hex", e));
	RC(RC_INVALID, store_get(s, &r, REC_CERT, "01", e));
	RC(RC_INVALID, store_get(s, &r, REC_USER, "", e));
}

static void
every_kind_is_returned_as_it_was_added(void **state)
{
	static const enum rec_kind kinds[] = { REC_CERT, REC_REQUEST,
		REC_ISSUING_POINT, REC_USER, REC_GROUP, REC_PROFILE,
		REC_AUTHORITY, REC_ACL, REC_TOKEN, REC_DOMAIN_HOST,
		REC_DOMAIN_SESSION, REC_COUNTER, REC_RANGE, REC_CLAIM, REC_HOST,
		REC_SETTING };

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		AUTO(rec) want = sample_rec(kinds[i]);
		AUTO(rec) got = NULL;

		add(sample_rec(kinds[i]));
		got = get(kinds[i], want->id);
		assert_int_equal(got->kind, kinds[i]);
		assert_string_equal(got->id, want->id);
		assert_same(want, got);
	}
}

static bool
collect_id(void *arg, const struct rec *r)
{
	struct buf *b = arg;

	buf_addf(b, "[%s]", r->id);
	return true;
}

/* These stand in several places of a directory, between other entries. */
static void
ranges_counters_and_hosts_are_listed_as_one(void **state)
{
	static const char *const counters[] = { "request", "serial",
		"request_v2", "serial_v2" };
	static const char *const ranges[] = { "replica/1000", "request/11",
		"serial/19", "request_v2/11", "serial_v2/25" };
	static const char *const hosts[] = { "CA/a:8443", "CA/b:8443",
		"KRA/a:8443", "OCSP/b:8443" };
	struct query q = { .kind = REC_RANGE };
	AUTO_BUF got = buf_empty(0);

	(void)state;
	for (size_t i = 0; i < 4; i++)
		add(sample_text(
		    REC_COUNTER, counters[i], "nextRange", "11", NULL));
	for (size_t i = 0; i < 5; i++)
		add(sample_text(REC_RANGE, ranges[i], "beginRange", "1",
		    "endRange", "9", "host", "a", "SecurePort", "8443", NULL));
	for (size_t i = 0; i < 4; i++)
		add(sample_text(REC_DOMAIN_HOST, hosts[i], "host", "a",
		    "SecurePort", "8443", "SubsystemName", "x", "Clone", "TRUE",
		    NULL));
	OK(store_search(s, &q, collect_id, &got, e));
	q.kind = REC_DOMAIN_HOST;
	OK(store_search(s, &q, collect_id, &got, e));
	q.kind = REC_COUNTER;
	OK(store_search(s, &q, collect_id, &got, e));
	for (size_t i = 0; i < 5; i++)
		assert_non_null(strstr(buf_cstr(&got), ranges[i]));
	for (size_t i = 0; i < 4; i++) {
		assert_non_null(strstr(buf_cstr(&got), hosts[i]));
		assert_non_null(strstr(buf_cstr(&got), counters[i]));
	}
}

static void
counter_is_compared_and_swapped(void **state)
{
	AUTO(batch) b = batch_new();
	AUTO(batch) gone = batch_new();
	AUTO(rec) r = NULL;
	struct rec *none = NULL;
	uint64_t n = 0;

	(void)state;
	add(sample_text(REC_COUNTER, "serial", "nextRange", "11", NULL));
	RC(RC_INVALID, store_get(s, &none, REC_COUNTER, "other", e));
	RC(RC_INVALID, store_get(s, &none, REC_RANGE, "other/1", e));
	RC(RC_INVALID, store_get(s, &none, REC_DOMAIN_HOST, "a:8443", e));
	batch_modify(b, REC_COUNTER, "serial");
	batch_mod_str(b, MOD_DELETE, "nextRange", "11");
	batch_mod_str(b, MOD_ADD, "nextRange", "21");
	OK(store_commit(s, b, e));
	RC(RC_CONFLICT, store_commit(s, b, e));
	r = get(REC_COUNTER, "serial");
	assert_string_equal(rec_str(r, "nextRange"), "21");
	batch_delete(gone, REC_COUNTER, "serial");
	OK(store_commit(s, gone, e));
	RC(RC_NOTFOUND, store_get(s, &none, REC_COUNTER, "serial", e));
	OK(store_count(s, &n, REC_DOMAIN_SESSION, NULL, e));
	assert_int_equal(n, 0);
}

static void
text_ids_compare_without_regard_to_case(void **state)
{
	AUTO(batch) b = batch_new();
	AUTO(rec) r = NULL;

	(void)state;
	add(sample_user("Admin"));
	r = get(REC_USER, "aDMIN");
	assert_string_equal(r->id, "Admin");
	batch_add(b, sample_user("ADMIN"));
	RC(RC_EXISTS, store_commit(s, b, e));
}

static void
awkward_ids_and_values_survive(void **state)
{
	static const char *const ids[] = { "a,b", "a+b=c", "#x", "a\\b",
		"\"q\"", "caf\xc3\xa9", "a;b<c>d", "host:8443", "a*b(c)" };

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		struct rec *r = rec_new(REC_PROFILE, ids[i]);
		AUTO(rec) got = NULL;

		rec_add_str(r, "classId", "caEnrollImpl");
		rec_add_str(r, "certProfileConfig", "  x=\xc3\xa9*()\\\n ");
		add(r);
		got = get(REC_PROFILE, ids[i]);
		assert_string_equal(got->id, ids[i]);
		assert_string_equal(
		    rec_str(got, "certProfileConfig"), "  x=\xc3\xa9*()\\\n ");
	}
}

static void
large_values_are_kept(void **state)
{
	enum {
		LARGE = 4 * 1024 * 1024
	};
	AUTO_STR data = malloc(LARGE);
	struct rec *r = sample_point("MasterCRL");
	AUTO(rec) got = NULL;

	(void)state;
	for (size_t i = 0; i < LARGE; i++)
		data[i] = (char)(i * 31 >> 3);
	rec_add(r, "certificateRevocationList", view_of(data, LARGE));
	add(r);
	got = get(REC_ISSUING_POINT, "MasterCRL");
	assert_true(view_eq(
	    rec_get(got, "certificateRevocationList"), view_of(data, LARGE)));
}

/* --- changes ------------------------------------------------------------ */

static void
second_add_is_refused_and_changes_nothing(void **state)
{
	AUTO(batch) b = batch_new();
	AUTO(rec) r = NULL;

	(void)state;
	add(help_cert(1, CERT_VALID));
	batch_add(b, help_cert(1, CERT_REVOKED));
	batch_add(b, help_cert(2, CERT_VALID));
	batch_effect(b, "mail", view_str("x"));
	RC(RC_EXISTS, store_commit(s, b, e));
	r = get(REC_CERT, "1");
	assert_string_equal(rec_str(r, "certStatus"), "VALID");
	rec_freep(&r);
	RC(RC_NOTFOUND, store_get(s, &r, REC_CERT, "2", e));
	assert_int_equal(store_effects_waiting(s), 0);
}

static void
changes_are_applied_in_order(void **state)
{
	AUTO(batch) b = batch_new();
	AUTO(rec) r = NULL;

	(void)state;
	batch_add(b, sample_request(7, "revocation", REQUEST_APPROVED));
	batch_add(b, help_cert(7, CERT_VALID));
	batch_modify(b, REC_CERT, "7");
	batch_mod_str(b, MOD_REPLACE, "certStatus", "REVOKED");
	batch_modify(b, REC_CERT, "7");
	batch_mod_str(b, MOD_ADD, "revInfo", "20261121200700Z");
	batch_add(b, sample_user("x"));
	batch_delete(b, REC_USER, "x");
	OK(store_commit(s, b, e));
	r = get(REC_CERT, "7");
	assert_string_equal(rec_str(r, "certStatus"), "REVOKED");
	assert_string_equal(rec_str(r, "revInfo"), "20261121200700Z");
	rec_freep(&r);
	RC(RC_NOTFOUND, store_get(s, &r, REC_USER, "x", e));
}

static void
modification_of_an_absent_record_is_not_found(void **state)
{
	AUTO(batch) b = batch_new();

	(void)state;
	batch_modify(b, REC_CERT, "1");
	batch_mod_str(b, MOD_REPLACE, "certStatus", "REVOKED");
	RC(RC_NOTFOUND, store_commit(s, b, e));
}

static void
modifications_add_delete_and_replace_values(void **state)
{
	AUTO(batch) b = batch_new();
	AUTO(rec) r = NULL;

	(void)state;
	add(help_cert(1, CERT_VALID));
	batch_modify(b, REC_CERT, "1");
	batch_mod_str(b, MOD_ADD, "metaInfo", "renewedCertSerialNo:5");
	batch_mod_str(b, MOD_ADD, "metaInfo", "profileId:caServerCert");
	batch_mod_str(b, MOD_DELETE, "extension", "2.5.29.15");
	batch_mod_str(b, MOD_REPLACE, "autoRenew", "DISABLED");
	batch_mod_str(b, MOD_REPLACE, "issuedBy", NULL);
	batch_mod_str(b, MOD_REPLACE, "revInfo", NULL);
	OK(store_commit(s, b, e));
	r = get(REC_CERT, "1");
	assert_int_equal(rec_attr(r, "metaInfo")->n, 3);
	assert_int_equal(rec_attr(r, "extension")->n, 4);
	assert_false(rec_has(r, "extension", "2.5.29.15"));
	assert_string_equal(rec_str(r, "autoRenew"), "DISABLED");
	assert_null(rec_str(r, "issuedBy"));
}

static void
swap_of_a_value_fails_when_it_has_changed(void **state)
{
	AUTO(batch) b = batch_new();
	AUTO(batch) again = batch_new();
	AUTO(rec) r = NULL;

	(void)state;
	add(sample_point("MasterCRL"));
	for (int i = 0; i < 2; i++) {
		struct batch *x = i == 0 ? b : again;

		batch_modify(x, REC_ISSUING_POINT, "MasterCRL");
		batch_mod_str(x, MOD_DELETE, "crlNumber", "010");
		batch_mod_str(x, MOD_ADD, "crlNumber", "011");
		batch_mod_str(x, MOD_REPLACE, "crlSize", "010");
	}
	OK(store_commit(s, b, e));
	RC(RC_CONFLICT, store_commit(s, again, e));
	r = get(REC_ISSUING_POINT, "MasterCRL");
	assert_string_equal(rec_str(r, "crlNumber"), "011");
	assert_int_equal(rec_attr(r, "crlNumber")->n, 1);
}

static void
deletion_is_idempotent(void **state)
{
	AUTO(batch) b = batch_new();
	struct rec *r = NULL;

	(void)state;
	add(sample_user("x"));
	batch_delete(b, REC_USER, "x");
	OK(store_commit(s, b, e));
	OK(store_commit(s, b, e));
	RC(RC_NOTFOUND, store_get(s, &r, REC_USER, "x", e));
	add(sample_user("x"));
}

static void
revocation_and_release_are_stored(void **state)
{
	AUTO(batch) b = batch_new();
	AUTO(batch) c = batch_new();
	AUTO(arena) a = arena_new(0);
	AUTO(rec) r = NULL;
	struct cert_rec cert;
	uint64_t n = 0;

	(void)state;
	add(help_cert(5, CERT_VALID));
	batch_add(b, sample_request(9, "revocation", REQUEST_COMPLETE));
	batch_modify(b, REC_CERT, "5");
	batch_mod_str(
	    b, MOD_ADD, "revInfo", "20261121200700Z;CRLReasonExtension=6");
	batch_mod_str(b, MOD_ADD, "revokedBy", "agent");
	batch_mod_str(b, MOD_ADD, "revokedOn", "20261121200701Z");
	batch_mod_str(b, MOD_REPLACE, "certStatus", "REVOKED");
	OK(store_commit(s, b, e));
	r = get(REC_CERT, "5");
	OK(cert_rec_decode(&cert, r, a, e));
	assert_true(cert.revoked);
	assert_int_equal(cert.rev.reason, REASON_HOLD);
	OK(store_count(s, &n, REC_CERT, "(certStatus=REVOKED)", e));
	assert_int_equal(n, 1);
	batch_modify(c, REC_CERT, "5");
	batch_mod_str(
	    c, MOD_DELETE, "revInfo", "20261121200700Z;CRLReasonExtension=6");
	batch_mod_str(c, MOD_DELETE, "revokedBy", "agent");
	batch_mod_str(c, MOD_DELETE, "revokedOn", "20261121200701Z");
	batch_mod_str(c, MOD_REPLACE, "certStatus", "VALID");
	OK(store_commit(s, c, e));
	rec_freep(&r);
	r = get(REC_CERT, "5");
	OK(cert_rec_decode(&cert, r, a, e));
	assert_false(cert.revoked);
	assert_int_equal(cert.status, CERT_VALID);
}

/* --- searches ----------------------------------------------------------- */

struct ids {
	char text[1024];
	size_t n, stop_at;
};

static bool
note_id(void *arg, const struct rec *r)
{
	struct ids *x = arg;
	size_t len = strlen(x->text);

	snprintf(x->text + len, sizeof(x->text) - len, "%s%s",
	    x->n > 0 ? " " : "", r->id);
	x->n++;
	return x->n != x->stop_at;
}

static void
assert_ids(struct query q, const char *want)
{
	struct ids got = { .n = 0 };

	OK(store_search(s, &q, note_id, &got, e));
	if (strcmp(got.text, want) != 0)
		fail_msg("%s by %s: \"%s\", want \"%s\"",
		    q.filter ? q.filter : "all", q.order ? q.order : "-",
		    got.text, want);
}

static void
fill(void)
{
	AUTO(batch) b = batch_new();

	for (uint64_t i = 1; i <= 12; i++)
		batch_add(b,
		    help_cert(i * 0x10,
			i % 3 == 0       ? CERT_REVOKED
			    : i % 5 == 0 ? CERT_EXPIRED
					 : CERT_VALID));
	batch_add(b, sample_request(1, "enrollment", REQUEST_PENDING));
	batch_add(b, sample_request(2, "enrollment", REQUEST_COMPLETE));
	batch_add(b, sample_request(3, "revocation", REQUEST_COMPLETE));
	OK(store_commit(s, b, e));
}

static void
filters_select_records(void **state)
{
	static const struct {
		enum rec_kind kind;
		const char *filter, *want;
	} cases[] = {
		{ REC_CERT, "(certStatus=REVOKED)", "30 60 90 c0" },
		{ REC_CERT, "(certStatus=expired)", "50 a0" },
		{ REC_CERT, "(|(certStatus=EXPIRED)(serialno=0216))",
		    "10 50 a0" },
		{ REC_CERT, "(&(certStatus=VALID)(serialno>=03128))", "80 b0" },
		{ REC_CERT, "(&(serialno>=0232)(serialno<=0264))", "20 30 40" },
		{ REC_CERT, "(subjectName=cn=HOST16.example.com,o=example)",
		    "10" },
		{ REC_CERT, "(subjectName=*host3*)", "20" },
		{ REC_CERT, "(&(certStatus=*)(!(revInfo=*))(serialno<=0248))",
		    "10 20" },
		{ REC_CERT, "(revInfo=*;CRLReasonExtension=1*)",
		    "30 60 90 c0" },
		{ REC_CERT,
		    "(&(certStatus=REVOKED)(|(!(issuerName=*))"
		    "(issuerName=CN=Test CA,O=EXAMPLE)))",
		    "30 60 90 c0" },
		{ REC_CERT, "(cn=32)", "20" },
		{ REC_CERT, "(metaInfo=requestId:27)", "" },
		{ REC_REQUEST, "(requestState=complete)", "2 3" },
		{ REC_REQUEST,
		    "(&(requestState=complete)(requestType=revocation))", "3" },
		{ REC_USER, NULL, "" },
	};

	(void)state;
	fill();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_ids((struct query){ .kind = cases[i].kind,
			       .filter = cases[i].filter },
		    cases[i].want);
}

static void
order_start_and_limit_make_pages(void **state)
{
	(void)state;
	fill();
	assert_ids((struct query){ .kind = REC_CERT, .limit = 3 }, "10 20 30");
	assert_ids((struct query){ .kind = REC_CERT, .start = 10 }, "b0 c0");
	assert_ids((struct query){ .kind = REC_CERT, .start = 12 }, "");
	assert_ids((struct query){ .kind = REC_CERT, .start = 99 }, "");
	assert_ids((struct query){ .kind = REC_CERT,
		       .order = "-serialno",
		       .start = 1,
		       .limit = 2 },
	    "b0 a0");
	assert_ids((struct query){ .kind = REC_CERT,
		       .filter = "(certStatus=REVOKED)",
		       .order = "serialno",
		       .start = 1,
		       .limit = 2 },
	    "60 90");
	assert_ids((struct query){ .kind = REC_CERT,
		       .filter = "(certStatus=REVOKED)",
		       .order = "-subjectName",
		       .limit = 3 },
	    "60 30 c0");
	assert_ids((struct query){ .kind = REC_REQUEST, .order = "-requestId" },
	    "3 2 1");
}

static void
search_stops_when_told(void **state)
{
	struct query q = { .kind = REC_CERT };
	struct ids got = { .stop_at = 2 };

	(void)state;
	fill();
	OK(store_search(s, &q, note_id, &got, e));
	assert_string_equal(got.text, "10 20");
	q.filter = "(oops";
	RC(RC_INVALID, store_search(s, &q, note_id, &got, e));
}

static bool
look_at_attrs(void *arg, const struct rec *r)
{
	assert_non_null(rec_str(r, "serialno"));
	assert_non_null(rec_str(r, "revInfo"));
	assert_null(rec_str(r, "userCertificate;binary"));
	++*(size_t *)arg;
	return true;
}

static void
search_returns_the_wanted_attributes(void **state)
{
	static const char *const attrs[] = { "serialno", "revInfo", NULL };
	struct query q = { .kind = REC_CERT,
		.filter = "(certStatus=REVOKED)",
		.attrs = attrs };
	size_t n = 0;

	(void)state;
	fill();
	OK(store_search(s, &q, look_at_attrs, &n, e));
	assert_int_equal(n, 4);
}

static void
counts_are_those_of_searches(void **state)
{
	uint64_t n = 0;

	(void)state;
	fill();
	OK(store_count(s, &n, REC_CERT, NULL, e));
	assert_int_equal(n, 12);
	OK(store_count(s, &n, REC_CERT, "(certStatus=VALID)", e));
	assert_int_equal(n, 6);
	OK(store_count(s, &n, REC_CERT, "(subjectName=*nobody*)", e));
	assert_int_equal(n, 0);
	OK(store_count(s, &n, REC_REQUEST, "(requestType=enrollment)", e));
	assert_int_equal(n, 2);
}

/* --- feed --------------------------------------------------------------- */

struct feed_log {
	char text[2048];
	uint64_t last;
	size_t n, remote;
};

static void
note_item(void *arg, const struct feed_item *i)
{
	struct feed_log *x = arg;
	size_t len = strlen(x->text);
	const char *what = i->rec == NULL ? "gone"
	    : i->kind == REC_CERT         ? rec_str(i->rec, "certStatus")
					  : "there";

	snprintf(x->text + len, sizeof(x->text) - len, "%s%s:%s",
	    x->n > 0 ? " " : "", i->id, what != NULL ? what : "?");
	/* no assertion here: it would leave the back-end by a long jump */
	if (i->usn <= x->last && len + 16 < sizeof(x->text))
		memcpy(x->text + strlen(x->text), "!usn", 5);
	x->last = i->usn;
	x->n++;
	x->remote += !i->local;
}

static void
local_changes_reach_watchers_before_the_commit_returns(void **state)
{
	struct feed_log certs = { .n = 0 }, users = { .n = 0 };
	AUTO(watch) w = NULL;
	AUTO(watch) u = NULL;
	AUTO(batch) b = batch_new();

	(void)state;
	OK(store_watch(
	    s, &w, 1u << REC_CERT, UINT64_MAX, note_item, &certs, e));
	OK(store_watch(
	    s, &u, 1u << REC_USER, UINT64_MAX, note_item, &users, e));
	batch_add(b, help_cert(1, CERT_VALID));
	batch_add(b, sample_user("x"));
	batch_modify(b, REC_CERT, "1");
	batch_mod_str(b, MOD_REPLACE, "certStatus", "REVOKED");
	batch_delete(b, REC_CERT, "1");
	OK(store_commit(s, b, e));
	assert_string_equal(certs.text, "1:VALID 1:REVOKED 1:gone");
	assert_string_equal(users.text, "x:there");
	assert_int_equal(certs.remote, 0);
	assert_true(store_usn(s) >= certs.last);
	watch_freep(&w);
	add(help_cert(2, CERT_VALID));
	assert_int_equal(certs.n, 3);
}

static void
changes_since_a_usn_are_caught_up(void **state)
{
	struct feed_log log = { .n = 0 };
	AUTO(watch) w = NULL;
	AUTO(batch) b = batch_new();
	uint64_t since;

	(void)state;
	add(help_cert(1, CERT_VALID));
	add(help_cert(2, CERT_VALID));
	add(help_cert(3, CERT_VALID));
	since = store_usn(s);
	batch_modify(b, REC_CERT, "2");
	batch_mod_str(b, MOD_REPLACE, "certStatus", "REVOKED");
	batch_modify(b, REC_CERT, "1");
	batch_mod_str(b, MOD_REPLACE, "certStatus", "EXPIRED");
	batch_modify(b, REC_CERT, "2");
	batch_mod_str(b, MOD_REPLACE, "certStatus", "REVOKED_EXPIRED");
	OK(store_commit(s, b, e));
	OK(store_watch(s, &w, 1u << REC_CERT, since, note_item, &log, e));
	assert_string_equal(log.text, "1:EXPIRED 2:REVOKED_EXPIRED");
	add(help_cert(4, CERT_VALID));
	assert_string_equal(log.text, "1:EXPIRED 2:REVOKED_EXPIRED 4:VALID");
}

/* Though no feed has brought it yet, and though own changes came after it. */
static void
what_is_in_the_store_is_handed_over_on_demand(void **state)
{
	enum {
		ROUNDS = 40,
		LIMIT_MS = 60000,
	};
	static struct feed_log log;
	AUTO(watch) w = NULL;

	(void)state;
	log = (struct feed_log){ .n = 0 };
	OK(store_watch(s, &w, 1u << REC_CERT, UINT64_MAX, note_item, &log, e));
	for (uint64_t i = 1; i <= ROUNDS; i++) {
		conformance_elsewhere(help_cert(2 * i, CERT_REVOKED));
		add(help_cert(2 * i + 1, CERT_VALID));
		OK(store_catch_up(s, LIMIT_MS, e));
		assert_int_equal(log.n, 2 * i); /* each once */
	}
	OK(store_catch_up(s, LIMIT_MS, e));
	assert_int_equal(log.n, 2 * ROUNDS);
}

static void
an_unknown_usn_is_gone(void **state)
{
	struct feed_log log = { .n = 0 };
	struct watch *w = NULL;

	(void)state;
	add(help_cert(1, CERT_VALID));
	RC(RC_GONE,
	    store_watch(s, &w, 1u << REC_CERT, store_usn(s) + 1000, note_item,
		&log, e));
}

/* --- effects ------------------------------------------------------------ */

struct drained {
	char text[512];
	const char *keep;
	unsigned tries;
	size_t told;
};

static bool
note_effect(void *arg, const struct effect *x)
{
	struct drained *d = arg;
	size_t len = strlen(d->text);

	snprintf(d->text + len, sizeof(d->text) - len, "%s%s=%.*s",
	    len > 0 ? " " : "", x->type, VIEW_ARGS(x->payload));
	d->tries = x->tries;
	return d->keep == NULL || strcmp(d->keep, x->type) != 0;
}

static void
note_call(void *arg)
{
	struct drained *d = arg;

	d->told++;
}

static void
effects_are_drained_in_order_and_kept_on_demand(void **state)
{
	struct drained d = { .keep = "mail" };
	AUTO(batch) b = batch_new();

	(void)state;
	store_on_effect(s, note_call, &d);
	batch_add(b, help_cert(1, CERT_VALID));
	batch_effect(b, "mail", view_str("one"));
	batch_effect(b, "publish", view_str("two"));
	batch_effect(b, "mail", view_str("three"));
	batch_effect(b, "publish", view_str("four"));
	OK(store_commit(s, b, e));
	assert_int_equal(store_effects_waiting(s), 4);
	assert_int_equal(d.told, 1);
	OK(store_drain(s, "publish", note_effect, &d, e));
	assert_string_equal(d.text, "publish=two publish=four");
	assert_int_equal(store_effects_waiting(s), 2);
	d.text[0] = '\0';
	OK(store_drain(s, NULL, note_effect, &d, e));
	assert_string_equal(d.text, "mail=one");
	assert_int_equal(d.tries, 0);
	d.keep = NULL;
	d.text[0] = '\0';
	OK(store_drain(s, "mail", note_effect, &d, e));
	assert_string_equal(d.text, "mail=one mail=three");
	assert_int_equal(store_effects_waiting(s), 0);
	store_on_effect(s, NULL, NULL);
}

/* --- races -------------------------------------------------------------- */

enum {
	RACERS = 6,
	SWAPS = 10,
};
struct racer {
	pthread_t thread;
	size_t won;
};

static void *
race_to_add(void *arg)
{
	struct racer *x = arg;

	for (uint64_t i = 1; i <= 10; i++) {
		AUTO(batch) b = batch_new();
		enum rc rc;

		batch_add(b, help_cert(i, CERT_VALID));
		rc = store_commit(s, b, NULL);
		x->won += rc == RC_OK;
		assert_true(rc == RC_OK || rc == RC_EXISTS);
	}
	return NULL;
}

/* Counts up by swaps until it has won SWAPS times. */
static void *
race_to_swap(void *arg)
{
	struct racer *x = arg;

	while (x->won < SWAPS) {
		AUTO(batch) b = batch_new();
		AUTO(rec) r = get(REC_ISSUING_POINT, "MasterCRL");
		char next[32];
		int64_t n = 0;
		enum rc rc;

		OK(text_int(&n, rec_str(r, "firstUnsaved"), 0, INT64_MAX, e));
		snprintf(next, sizeof(next), "%lld", (long long)n + 1);
		batch_modify(b, REC_ISSUING_POINT, "MasterCRL");
		batch_mod_str(
		    b, MOD_DELETE, "firstUnsaved", rec_str(r, "firstUnsaved"));
		batch_mod_str(b, MOD_ADD, "firstUnsaved", next);
		rc = store_commit(s, b, NULL);
		x->won += rc == RC_OK;
		assert_true(rc == RC_OK || rc == RC_CONFLICT);
	}
	return NULL;
}

static size_t
race(void *(*fn)(void *))
{
	struct racer r[RACERS] = { { 0 } };
	size_t won = 0;

	for (size_t i = 0; i < RACERS; i++)
		pthread_create(&r[i].thread, NULL, fn, &r[i]);
	for (size_t i = 0; i < RACERS; i++) {
		pthread_join(r[i].thread, NULL);
		won += r[i].won;
	}
	return won;
}

static void
one_of_many_adders_wins(void **state)
{
	(void)state;
	assert_int_equal(race(race_to_add), 10);
}

static void
racing_swaps_lose_no_step(void **state)
{
	struct rec *r = sample_point("MasterCRL");
	AUTO(rec) got = NULL;

	(void)state;
	rec_add_str(r, "firstUnsaved", "0");
	add(r);
	assert_int_equal(race(race_to_swap), RACERS * SWAPS);
	got = get(REC_ISSUING_POINT, "MasterCRL");
	assert_string_equal(rec_str(got, "firstUnsaved"), "60");
}

static void
store_knows_its_generation_and_health(void **state)
{
	(void)state;
	assert_non_null(store_generation(s));
	assert_true(strlen(store_generation(s)) >= 16);
	OK(store_health(s, e));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(absent_record_is_not_found),
		CASE(every_kind_is_returned_as_it_was_added),
		CASE(ranges_counters_and_hosts_are_listed_as_one),
		CASE(counter_is_compared_and_swapped),
		CASE(text_ids_compare_without_regard_to_case),
		CASE(awkward_ids_and_values_survive),
		CASE(large_values_are_kept),
		CASE(second_add_is_refused_and_changes_nothing),
		CASE(changes_are_applied_in_order),
		CASE(modification_of_an_absent_record_is_not_found),
		CASE(modifications_add_delete_and_replace_values),
		CASE(swap_of_a_value_fails_when_it_has_changed),
		CASE(deletion_is_idempotent),
		CASE(revocation_and_release_are_stored),
		CASE(filters_select_records),
		CASE(order_start_and_limit_make_pages),
		CASE(search_stops_when_told),
		CASE(search_returns_the_wanted_attributes),
		CASE(counts_are_those_of_searches),
		CASE(local_changes_reach_watchers_before_the_commit_returns),
		CASE(changes_since_a_usn_are_caught_up),
		CASE(what_is_in_the_store_is_handed_over_on_demand),
		CASE(an_unknown_usn_is_gone),
		CASE(effects_are_drained_in_order_and_kept_on_demand),
		CASE(one_of_many_adders_wins),
		CASE(racing_swaps_lose_no_step),
		CASE(store_knows_its_generation_and_health),
	};

	return cmocka_run_group_tests(
	    tests, conformance_begin, conformance_end);
}
