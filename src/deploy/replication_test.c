/* SPDX-License-Identifier: Apache-2.0 */
/* replication_test.c - states and vectors as text, and two real directories
 * made to replicate, cut in the middle, filled, looked at, parted. */
#include "deploy/replication.h"
#include "deploy/replication_int.h"

#include <sys/wait.h>

#include "base/secret.h"
#include "store/test_help.h"

#define BASE "dc=ca,dc=pki,dc=test"

enum {
	WAIT_TRIES = 3000, /* of 20 ms */
	WAIT_MS = 20,
};

/* --- two servers by script/ds ------------------------------------------------ */

static struct pair {
	char name[2][32], url[2][128];
	int64_t port[2];
	struct ds_admin *d[2];
	struct secret *password;
} pair;

static int
script(int i, const char *verb)
{
	AUTO_STR command = NULL;
	char line[128] = "";
	FILE *f;

	if (asprintf(&command, "%s %s %s", SCRIPT_DS, verb, pair.name[i]) < 0 ||
	    (f = popen(command, "r")) == NULL)
		return -1;
	if (fgets(line, sizeof(line), f) != NULL &&
	    strcmp(verb, "start") == 0) {
		line[strcspn(line, "\n")] = '\0';
		snprintf(pair.url[i], sizeof(pair.url[i]), "%s", line);
	}
	return pclose(f);
}

static struct dbconf
conf(int i)
{
	static char base[] = BASE, database[] = "ca", sub[] = "ca";

	return (struct dbconf){ .base_dn = base,
		.database = database,
		.subsystem = sub,
		.url = pair.url[i] };
}

static void
connect_to(int i)
{
	struct ldap_params p = { .url = pair.url[i],
		.bind_dn = "cn=Directory Manager",
		.password = pair.password };

	ds_admin_free(pair.d[i]);
	pair.d[i] = NULL;
	OK(ds_admin_open(&pair.d[i], &p, e));
}

/* A new, empty server. */
static void
make_server(int i)
{
	struct dbconf c;

	assert_int_equal(script(i, "start"), 0);
	OK(text_int(&pair.port[i], strrchr(pair.url[i], ':') + 1, 1, 65535, e));
	connect_to(i);
	c = conf(i);
	OK(directory_create_db(pair.d[i], &c, e));
}

static int
begin(void **state)
{
	(void)state;
	pair.password = secret_new(view_str("Secret.123"));
	for (int i = 0; i < 2; i++) {
		struct dbconf c;

		snprintf(pair.name[i], sizeof(pair.name[i]), "repl%d%c",
		    (int)getpid(), 'a' + i);
		make_server(i);
		c = conf(i);
		OK(store_setup_parts(pair.d[i], BASE, "ca",
		    i == 0 ? SETUP_ALL : SETUP_CONFIG | SETUP_SCHEMA, e));
		OK(directory_index_add(pair.d[i], &c, e));
		OK(directory_index_rebuild(pair.d[i], &c, NULL, NULL, e));
	}
	return 0;
}

static int
end(void **state)
{
	int bad = 0;

	(void)state;
	for (int i = 0; i < 2; i++) {
		ds_admin_free(pair.d[i]);
		bad |= script(i, "remove");
	}
	secret_free(pair.password);
	return bad;
}

/* --- helpers ------------------------------------------------------------------- */

static struct repl_pair
two(void)
{
	return (struct repl_pair){ .base = BASE,
		.master = { pair.d[0], "127.0.0.1", pair.port[0],
		    "masterAgreement1-clone.test-pki", pair.password, NULL, 0 },
		.clone = { pair.d[1], "127.0.0.1", pair.port[1],
		    "cloneAgreement1-clone.test-pki", pair.password, NULL,
		    0 } };
}

static void
add_ou(int i, const char *name)
{
	AUTO_BUF dn = buf_empty(0);
	const struct ds_attr attrs[] = { { "objectClass", "organizationalUnit",
					     NULL },
		{ "ou", name, NULL }, { NULL, NULL, NULL } };

	buf_addf(&dn, "ou=%s," BASE, name);
	OK(ds_add(pair.d[i], buf_cstr(&dn), attrs, e));
}

static bool
has_ou(int i, const char *name)
{
	AUTO_BUF dn = buf_empty(0);
	bool there = false;

	buf_addf(&dn, "ou=%s," BASE, name);
	OK(ds_exists(pair.d[i], &there, buf_cstr(&dn), e));
	return there;
}

#define WAIT_FOR(what)                                  \
	do {                                            \
		int tries = 0;                          \
		while (!(what) && tries++ < WAIT_TRIES) \
			ds_pause(WAIT_MS);              \
		assert_true(what);                      \
	} while (0)

struct seen {
	size_t n, lines;
	enum repl_state state;
	bool initialized;
	char dn[512];
};

static bool
see_status(void *arg, const struct repl_status *s)
{
	struct seen *seen = arg;

	seen->n++;
	seen->state = s->state;
	seen->initialized = s->initialized;
	return true;
}

static bool
see_conflict(void *arg, const struct repl_conflict *c)
{
	struct seen *seen = arg;

	seen->n++;
	snprintf(seen->dn, sizeof(seen->dn), "%s", c->dn);
	assert_non_null(strstr(c->what, "namingConflict"));
	assert_true(ds_dn_below(c->valid_dn, BASE));
	return true;
}

static void
count_line(void *arg, const char *line)
{
	struct seen *seen = arg;

	assert_true(line[0] != '\0');
	seen->lines++;
}

static enum rc
next_id(void *arg, int64_t *id, struct err *e)
{
	int64_t *next = arg;

	(void)e;
	*id = (*next)++;
	return RC_OK;
}

static size_t
statuses(int i, struct seen *s)
{
	*s = (struct seen){ 0 };
	OK(repl_status_each(pair.d[i], BASE, see_status, s, e));
	return s->n;
}

static bool
green(int i)
{
	struct seen s;

	return statuses(i, &s) == 1 && s.state == REPL_GREEN && s.initialized;
}

static int64_t
lag(int ahead, int behind)
{
	struct repl_ruv *r = calloc(2, sizeof(*r));
	int64_t n;

	assert_non_null(r);
	OK(repl_ruv_read(pair.d[ahead], &r[0], BASE, e));
	OK(repl_ruv_read(pair.d[behind], &r[1], BASE, e));
	n = repl_lag(&r[0], &r[1]);
	free(r);
	return n;
}

/* --- text ------------------------------------------------------------------------ */

static void
status_texts_of_all_forms_are_read(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		int code;
		enum repl_state state;
	} rows[] = {
		{ "Error (0) Replica acquired successfully: Incremental update "
		  "succeeded",
		    true, 0, REPL_GREEN },
		{ "0 Total update succeeded", true, 0, REPL_GREEN },
		{ "Error (1) Replication error: busy", true, 1, REPL_AMBER },
		{ "Error (-1) Problem connecting to replica - LDAP error: "
		  "Can't contact LDAP server",
		    true, -1, REPL_AMBER },
		{ "Error (19) Replication error acquiring replica", true, 19,
		    REPL_RED },
		{ "{\"state\": \"red\", \"ldap_rc\": \"0\", \"ldap_rc_text\": "
		  "\"Success\", \"repl_rc\": \"19\", \"repl_rc_text\": \"RUV "
		  "error\", \"date\": \"2026-11-21T20:00:00Z\", \"message\": "
		  "\"Error (19) x\"}",
		    true, 19, REPL_RED },
		{ "{\"state\": \"green\", \"ldap_rc\": \"0\", \"repl_rc\": "
		  "\"0\", \"message\": \"fine\"}",
		    true, 0, REPL_GREEN },
		{ "", false, 0, REPL_AMBER },
		{ "Error (x)", false, 0, REPL_AMBER },
		{ "{\"state\": 1}", false, 0, REPL_AMBER },
		{ "{", false, 0, REPL_AMBER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct repl_status s = { .state = REPL_AMBER };
		AUTO_BUF message = buf_empty(0);

		assert_int_equal(
		    repl_status_parse(&s, &message, rows[i].text), rows[i].ok);
		if (!rows[i].ok)
			continue;
		assert_int_equal(s.code, rows[i].code);
		assert_int_equal(s.state, rows[i].state);
		assert_true(message.len > 0);
	}
	/* cut anywhere: read or refused, never worse */
	for (size_t n = 0; n < strlen(rows[5].text); n++) {
		struct repl_status s = { .state = REPL_AMBER };
		AUTO_BUF message = buf_empty(0);
		AUTO_STR cut = strndup(rows[5].text, n);

		assert_false(repl_status_parse(&s, &message, cut));
	}
}

static void
lag_is_told_by_the_newest_changes(void **state)
{
	static struct repl_ruv a = { .generation = "6b01ff95000000010000",
		.n = 2,
		.seen = { { 1, "", "6b01ff95000000010000" },
		    { 2, "", "6b01ffa5000000020000" } } };
	static struct repl_ruv b;

	(void)state;
	memcpy(&b, &a, sizeof(b));
	assert_int_equal(repl_lag(&a, &b), 0);
	snprintf(b.seen[1].csn, sizeof(b.seen[1].csn), "6b01ff95000000020000");
	assert_int_equal(repl_lag(&a, &b), 16);
	assert_int_equal(repl_lag(&b, &a), 0);
	b.n = 1;
	assert_int_equal(repl_lag(&a, &b), -1);
	b.generation[0] = '7';
	assert_int_equal(repl_lag(&a, &b), -1);
}

/* --- real servers ------------------------------------------------------------------ */

static void
a_cut_set_up_is_gone_on_with(void **state)
{
	struct repl_pair p = two();
	int64_t next = 96, id = 0;
	struct repl_agreement a = { .name = p.master.agreement,
		.host = "192.0.2.1",
		.bind_dn = "cn=Replication Manager old,ou=csusers,cn=config",
		.port = 1,
		.password = pair.password };

	(void)state;
	/* an earlier run had come as far as the master's replica, and left an
	 * agreement with another address */
	OK(repl_enable(pair.d[0], BASE,
	    "cn=Replication Manager old,ou=csusers,cn=config", pair.password,
	    &id, e));
	assert_int_equal(id, 1);
	OK(repl_agreement_add(pair.d[0], BASE, &a, e));
	p.next_id = next_id;
	p.next_arg = &next;
	OK(repl_setup(&p, e));
	assert_int_equal(p.master.id, 1);
	assert_int_equal(p.clone.id, 96);
	/* again: nothing changes, no number is used */
	OK(repl_setup(&p, e));
	assert_int_equal(p.clone.id, 96);
	assert_int_equal(next, 97);
}

static void
filled_once_and_then_both_ways(void **state)
{
	struct repl_pair p = two();
	struct seen s = { 0 };
	AUTO_BUF age = buf_empty(0);

	(void)state;
	OK(repl_initialize(pair.d[0], pair.d[1], BASE, p.master.agreement,
	    false, count_line, &s, e));
	assert_true(s.lines > 0);
	assert_true(has_ou(1, "people"));
	/* it holds the data: not filled again */
	add_ou(1, "late");
	s.lines = 0;
	OK(repl_initialize(pair.d[0], pair.d[1], BASE, p.master.agreement,
	    false, count_line, &s, e));
	assert_int_equal(s.lines, 0);
	WAIT_FOR(has_ou(0, "late"));
	add_ou(0, "early");
	WAIT_FOR(has_ou(1, "early"));
	WAIT_FOR(lag(0, 1) == 0 && lag(1, 0) == 0);
	WAIT_FOR(green(0) && green(1));
	OK(ds_get(pair.d[1], &age,
	    "cn=changelog,cn=ca,cn=ldbm database,cn=plugins,cn=config",
	    "nsslapd-changelogmaxage", e));
	assert_string_equal(buf_cstr(&age), "7d");
	for (int i = 0; i < 2; i++) {
		AUTO_BUF dn = buf_empty(0), most = buf_empty(0);

		OK(repl_replica_dn(pair.d[i], &dn, BASE, e));
		OK(ds_get(pair.d[i], &most, buf_cstr(&dn),
		    "nsds5ReplicaBackoffMax", e));
		assert_string_equal(buf_cstr(&most), "10");
	}
}

static void
a_replicated_suffix_is_not_emptied(void **state)
{
	struct dbconf c = conf(1);
	struct err err = { 0 };

	(void)state;
	assert_int_equal(directory_empty_db(pair.d[1], &c, &err), RC_CONFLICT);
	assert_true(has_ou(1, "people"));
}

static void
pause_agreements(const char *how)
{
	for (int i = 0; i < 2; i++) {
		struct repl_pair p = two();
		AUTO_BUF dn = buf_empty(0);

		buf_addf(&dn, "cn=%s,cn=replica,",
		    i == 0 ? p.master.agreement : p.clone.agreement);
		directory_mapping_dn(&dn, BASE);
		OK(ds_set(pair.d[i], buf_cstr(&dn), MOD_REPLACE,
		    "nsds5ReplicaEnabled", how, e));
	}
}

static size_t
conflicts(int i, struct seen *s)
{
	*s = (struct seen){ 0 };
	OK(repl_conflict_each(pair.d[i], BASE, see_conflict, s, e));
	return s->n;
}

static void
entries_of_one_name_are_found_and_parted(void **state)
{
	struct seen s;
	struct err err = { 0 };

	(void)state;
	pause_agreements("off");
	for (int i = 0; i < 2; i++) {
		add_ou(i, "twice");
		add_ou(i, "thrice");
	}
	pause_agreements("on");
	WAIT_FOR(conflicts(0, &s) == 2 && conflicts(1, &s) == 2);
	assert_int_equal(
	    repl_conflict_resolve(pair.d[0], "ou=twice," BASE, NULL, &err),
	    RC_INVALID);
	OK(repl_conflict_resolve(pair.d[0], s.dn, NULL, e));
	WAIT_FOR(conflicts(0, &s) == 1);
	OK(repl_conflict_resolve(pair.d[0], s.dn, "ou=other", e));
	WAIT_FOR(conflicts(0, &s) == 0 && conflicts(1, &s) == 0);
	assert_true(has_ou(0, "twice") && has_ou(0, "thrice"));
	WAIT_FOR(has_ou(1, "other"));
}

static void
one_that_burned_down_is_retired(void **state)
{
	struct repl_pair p = two();
	struct ds_admin *left[] = { pair.d[0] };
	struct repl_ruv *ruv = calloc(1, sizeof(*ruv));
	struct repl_retire r = { .base = BASE,
		.remaining = left,
		.n_remaining = 1,
		.host = "127.0.0.1",
		.port = pair.port[1],
		.force = true };
	struct err err = { 0 };
	struct seen s;
	bool there;

	(void)state;
	assert_non_null(ruv);
	ds_admin_free(pair.d[1]);
	pair.d[1] = NULL;
	assert_int_equal(script(1, "remove"), 0);
	OK(repl_retire(&r, e));
	assert_int_equal(statuses(0, &s), 0);
	OK(repl_ruv_read(pair.d[0], ruv, BASE, e));
	for (size_t i = 0; i < ruv->n; i++)
		assert_int_not_equal(ruv->seen[i].id, 96);
	free(ruv);
	OK(ds_exists(pair.d[0], &there,
	    "cn=Replication Manager masterAgreement1-clone.test-pki,"
	    "ou=csusers,cn=config",
	    e));
	assert_false(there);
	assert_int_equal(repl_retire(&r, &err), RC_NOTFOUND);
	/* another machine of that name joins anew under another id */
	make_server(1);
	p = two();
	OK(repl_setup(&p, e));
	assert_int_equal(p.master.id, 1);
	assert_int_equal(p.clone.id, 2);
	OK(repl_initialize(pair.d[0], pair.d[1], BASE, p.master.agreement,
	    false, NULL, NULL, e));
	assert_true(has_ou(1, "other"));
}

static void
one_in_reach_leaves_whole(void **state)
{
	struct ds_admin *left[] = { pair.d[0] };
	struct repl_retire r = { .base = BASE,
		.remaining = left,
		.n_remaining = 1,
		.gone = pair.d[1],
		.host = "127.0.0.1",
		.port = pair.port[1] };
	struct dbconf c = conf(1);
	struct seen s;
	int64_t id = -1;

	(void)state;
	OK(repl_retire(&r, e));
	OK(repl_own_id(pair.d[1], &id, BASE, e));
	assert_int_equal(id, 0);
	assert_int_equal(statuses(0, &s), 0);
	OK(directory_empty_db(pair.d[1], &c, e));
	assert_true(has_ou(0, "people"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(status_texts_of_all_forms_are_read),
		cmocka_unit_test(lag_is_told_by_the_newest_changes),
		cmocka_unit_test(a_cut_set_up_is_gone_on_with),
		cmocka_unit_test(filled_once_and_then_both_ways),
		cmocka_unit_test(a_replicated_suffix_is_not_emptied),
		cmocka_unit_test(entries_of_one_name_are_found_and_parted),
		cmocka_unit_test(one_that_burned_down_is_retired),
		cmocka_unit_test(one_in_reach_leaves_whole),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
