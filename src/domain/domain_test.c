/* SPDX-License-Identifier: Apache-2.0 */
/* domain_test.c - members and install tokens of a security domain over the
 * embedded store and the simulator. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "domain/answer.h"
#include "domain/domain_session.h"
#include "store/sim.h"

enum {
	START_MS = 1795000000, /* any time will do */
	DAY_MS = 24 * 60 * 60 * 1000
};

#define OK(call)                                               \
	do {                                                   \
		struct err ok_e_ = { RC_OK, "" };              \
		struct err *e = &ok_e_;                        \
		enum rc ok_rc_ = (call);                       \
		if (ok_rc_ != RC_OK)                           \
			fail_msg("%s: %s", #call, ok_e_.text); \
	} while (0)

/* --- every case runs over both stores ------------------------------------------ */

struct world {
	char dir[64];
	struct store *lmdb;
	struct sim *sim;
	struct store *s; /* the one under test */
};

static int
over_lmdb(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	struct lmdb_params p = { .map_size = 16 << 20, .clock = &clock_system };

	assert_non_null(w);
	snprintf(w->dir, sizeof(w->dir), "/tmp/signet-domain-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	p.dir = w->dir;
	OK(store_open_lmdb(&w->lmdb, &p, e));
	w->s = w->lmdb;
	*state = w;
	return 0;
}

static int
over_sim(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->sim = sim_new(START_MS);
	assert_non_null(w->sim);
	assert_int_equal(sim_add_replica(w->sim), 0);
	assert_int_equal(sim_add_replica(w->sim), 1);
	w->s = sim_store(w->sim, 0);
	*state = w;
	return 0;
}

static int
end(void **state)
{
	struct world *w = *state;

	store_free(w->lmdb);
	sim_free(w->sim);
	if (w->dir[0] != '\0')
		OK(file_remove_tree(w->dir, e));
	free(w);
	return 0;
}

/* --- members --------------------------------------------------------------------- */

static struct domain_host
member(const char *type, const char *name, int port)
{
	struct domain_host h = { .secure = port, .plain = 8080 };

	snprintf(h.type, sizeof(h.type), "%s", type);
	snprintf(h.name, sizeof(h.name), "%s", name);
	return h;
}

static void
put(struct store *s, const char *type, const char *name, int port)
{
	struct domain_host h = member(type, name, port);

	OK(domain_host_put(s, &h, e));
}

static void
a_member_comes_back_as_it_was_put(void **state)
{
	struct world *w = *state;
	struct domain_host h = member("ca", "pki.example.com", 8443), back;
	AUTO_BUF id = buf_empty(0), user = buf_empty(0);

	h.manager = true;
	h.admin = 8445;
	OK(domain_host_put(w->s, &h, e));
	OK(domain_host_parse(&back, "CA pki.example.com 8443", e));
	OK(domain_host_get(w->s, &back, e));
	assert_string_equal(back.type, "CA");
	assert_string_equal(back.label, "CA pki.example.com 8443");
	assert_int_equal(back.plain, 8080);
	assert_int_equal(back.agent, 8443);
	assert_int_equal(back.admin, 8445);
	assert_true(back.manager);
	assert_false(back.clone);
	domain_host_id(&id, &back);
	domain_host_user(&user, &back);
	assert_string_equal(buf_cstr(&id), "CA pki.example.com 8443");
	assert_string_equal(buf_cstr(&user), "CA-pki.example.com-8443");
}

static void
putting_a_member_again_replaces_it(void **state)
{
	struct world *w = *state;
	struct domain_host h = member("KRA", "a.example.com", 8443);

	OK(domain_host_put(w->s, &h, e));
	h.plain = 80;
	h.clone = true;
	OK(domain_host_put(w->s, &h, e));
	h.plain = 0;
	h.clone = false;
	OK(domain_host_get(w->s, &h, e));
	assert_int_equal(h.plain, 80);
	assert_true(h.clone);
}

static bool
add_name(void *arg, const struct domain_host *h)
{
	domain_host_id(arg, h);
	buf_add_char(arg, '\n');
	return true;
}

static void
members_are_listed_by_type_and_name(void **state)
{
	struct world *w = *state;
	AUTO_BUF all = buf_empty(0);

	put(w->s, "TPS", "a.example.com", 8443);
	put(w->s, "CA", "b.example.com", 8443);
	put(w->s, "KRA", "a.example.com", 8443);
	put(w->s, "CA", "a.example.com", 9443);
	put(w->s, "CA", "a.example.com", 8443);
	OK(domain_host_each(w->s, add_name, &all, e));
	assert_string_equal(buf_cstr(&all),
	    "CA a.example.com 8443\nCA a.example.com 9443\n"
	    "CA b.example.com 8443\nKRA a.example.com 8443\n"
	    "TPS a.example.com 8443\n");
}

static void
a_deleted_member_is_gone_and_once_only(void **state)
{
	struct world *w = *state;
	struct domain_host h = member("CA", "a.example.com", 8443);

	OK(domain_host_put(w->s, &h, e));
	OK(domain_host_delete(w->s, &h, e));
	assert_int_equal(domain_host_get(w->s, &h, NULL), RC_NOTFOUND);
	assert_int_equal(domain_host_delete(w->s, &h, NULL), RC_NOTFOUND);
}

static void
bad_members_are_refused(void **state)
{
	static const char *const ids[] = { "", "CA", "CA h", "CA h 0",
		"CA h 65536", "CA h x", "XX h 8443", "CA h/x 8443",
		"CA h,ou=x 8443", "CA h 8443 x", "CERTIFICATE h 8443",
		"CA h\n 8443 1" };
	struct domain_host h;
	char id[] = "CA pki.example.com 8443";

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		if (domain_host_parse(&h, ids[i], NULL) == RC_OK)
			fail_msg("\"%s\" was taken", ids[i]);
	}
	assert_int_not_equal(domain_host_parse(&h, NULL, NULL), RC_OK);
	for (size_t n = 0; n < 19; n++) {
		AUTO_STR cut = strndup(id, n);

		assert_int_not_equal(domain_host_parse(&h, cut, NULL), RC_OK);
	}
	for (size_t i = 0; id[i] != '\0'; i++) {
		id[i] = (char)(id[i] ^ 0x40);
		rc_ignore(domain_host_parse(&h, id, NULL));
		id[i] = (char)(id[i] ^ 0x40);
	}
}

/* --- tokens ---------------------------------------------------------------------- */

static struct secret *
new_token(struct store *s, int64_t now)
{
	struct domain_session x = { .uid = "caadmin",
		.group = "Enterprise CA Administrators",
		.address = "10.0.0.7",
		.host = "clone.example.com" };
	struct secret *t = NULL;

	OK(domain_session_new(s, &t, &x, now, e));
	return t;
}

static void
a_token_tells_who_asked_for_it_and_for_which_host(void **state)
{
	struct world *w = *state;
	AUTO(secret) t = new_token(w->s, START_MS);
	struct domain_session x;

	OK(domain_session_find(
	    w->s, &x, secret_cstr(t), START_MS + 1, DAY_MS, e));
	assert_string_equal(x.uid, "caadmin");
	assert_string_equal(x.group, "Enterprise CA Administrators");
	assert_string_equal(x.address, "10.0.0.7");
	assert_string_equal(x.host, "clone.example.com");
	assert_int_equal(x.created_ms, START_MS);
	assert_false(x.spent);
}

static void
a_token_is_a_positive_decimal_number_of_its_own(void **state)
{
	struct world *w = *state;
	AUTO(secret) a = new_token(w->s, START_MS);
	AUTO(secret) b = new_token(w->s, START_MS);
	int64_t v;

	OK(text_int(&v, secret_cstr(a), 1, INT64_MAX, e));
	assert_false(secret_eq(a, secret_view(b)));
}

static void
a_token_ends_with_its_time_and_is_purged(void **state)
{
	struct world *w = *state;
	AUTO(secret) old = new_token(w->s, START_MS);
	AUTO(secret) young = new_token(w->s, START_MS + 1000);
	int64_t now = START_MS + (int64_t)DAY_MS;
	struct domain_session x;
	size_t n = 0;

	OK(domain_session_find(w->s, &x, secret_cstr(old), now - 1, DAY_MS, e));
	assert_int_equal(
	    domain_session_find(w->s, &x, secret_cstr(old), now, DAY_MS, NULL),
	    RC_AUTH);
	OK(domain_session_purge(w->s, &n, now, DAY_MS, e));
	assert_int_equal(n, 1);
	/* gone, not only too old */
	assert_int_equal(domain_session_find(w->s, &x, secret_cstr(old),
			     START_MS, DAY_MS, NULL),
	    RC_NOTFOUND);
	OK(domain_session_find(w->s, &x, secret_cstr(young), now, DAY_MS, e));
}

static void
a_spent_token_stays_spent(void **state)
{
	struct world *w = *state;
	AUTO(secret) t = new_token(w->s, START_MS);
	struct domain_session x;

	OK(domain_session_spend(w->s, secret_cstr(t), e));
	OK(domain_session_spend(w->s, secret_cstr(t), e));
	OK(domain_session_find(w->s, &x, secret_cstr(t), START_MS, DAY_MS, e));
	assert_true(x.spent);
	assert_string_equal(x.host, "clone.example.com");
	assert_string_equal(x.address, "10.0.0.7");
}

static void
what_is_no_token_is_refused(void **state)
{
	static const char *const bad[] = { "", "-", "abc", "1 ", "*", "1-",
		"123456789012345678901" };
	struct world *w = *state;
	struct domain_session x;

	assert_int_equal(
	    domain_session_find(w->s, &x, NULL, START_MS, DAY_MS, NULL),
	    RC_AUTH);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(domain_session_find(
				     w->s, &x, bad[i], START_MS, DAY_MS, NULL),
		    RC_AUTH);
	assert_int_equal(domain_session_find(w->s, &x, "5733041839271542133",
			     START_MS, DAY_MS, NULL),
	    RC_NOTFOUND);
}

static void
a_token_is_good_on_the_other_manager_once_it_has_replicated(void **state)
{
	struct world *w = *state;
	struct store *other = sim_store(w->sim, 1);
	AUTO(secret) t = new_token(w->s, START_MS);
	struct domain_session x;
	struct err why = { RC_OK, "" };

	assert_int_equal(domain_session_find(
			     other, &x, secret_cstr(t), START_MS, DAY_MS, &why),
	    RC_NOTFOUND);
	assert_non_null(strstr(why.text, "not replicated yet"));
	assert_null(strstr(why.text, secret_cstr(t)));
	sim_settle(w->sim);
	OK(domain_session_find(other, &x, secret_cstr(t), START_MS, DAY_MS, e));
	/* spent here, seen there */
	OK(domain_session_spend(w->s, secret_cstr(t), e));
	sim_settle(w->sim);
	OK(domain_session_find(other, &x, secret_cstr(t), START_MS, DAY_MS, e));
	assert_true(x.spent);
}

/* --- answers ----------------------------------------------------------------------- */

static void
an_answers_status_becomes_a_result(void **state)
{
	static const struct {
		const char *text;
		enum rc rc;
		const char *why;
	} rows[] = {
		{ "<XMLResponse><Status>0</Status></XMLResponse>", RC_OK, "" },
		{ "{\"Response\":{\"Status\":\"0\"}}", RC_OK, "" },
		{ "<XMLResponse><Status>2</Status><Error>Error: Not "
		  "authenticated</Error></XMLResponse>",
		    RC_AUTH, "Error: Not authenticated" },
		{ "{\"Response\":{\"Status\":\"1\",\"Error\":\"no\"}}",
		    RC_INVALID, "no" },
		{ "<XMLResponse><Status>1</Status></XMLResponse>", RC_INVALID,
		    "The server gave no reason" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_auto_t *o = NULL;
		struct err e = { RC_OK, "" };

		assert_int_equal(
		    answer_parse(&o, view_str(rows[i].text), NULL), RC_OK);
		assert_int_equal(answer_status(o, &e), rows[i].rc);
		assert_string_equal(e.text, rows[i].why);
	}
}

#define BOTH(f)                                   \
	{ #f "_lmdb", f, over_lmdb, end, NULL },  \
	{                                         \
#f "_sim", f, over_sim, end, NULL \
	}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(a_member_comes_back_as_it_was_put),
		BOTH(putting_a_member_again_replaces_it),
		BOTH(members_are_listed_by_type_and_name),
		BOTH(a_deleted_member_is_gone_and_once_only),
		cmocka_unit_test(bad_members_are_refused),
		BOTH(a_token_tells_who_asked_for_it_and_for_which_host),
		BOTH(a_token_is_a_positive_decimal_number_of_its_own),
		BOTH(a_token_ends_with_its_time_and_is_purged),
		BOTH(a_spent_token_stays_spent),
		BOTH(what_is_no_token_is_refused),
		cmocka_unit_test_setup_teardown(
		    a_token_is_good_on_the_other_manager_once_it_has_replicated,
		    over_sim, end),
		cmocka_unit_test(an_answers_status_becomes_a_result),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
