/* SPDX-License-Identifier: Apache-2.0 */
/* domain_client_test.c - the installer's calls against a server of canned
 * answers.
 * Owns:    one server for all cases.
 * Threads: the server's own beside the test's; they meet in `canned`, which a
 *          case sets before it calls. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "domain/domain_client.h"
#include "http/server.h"
#include "http/testcert.h"

#define OK(call)                                               \
	do {                                                   \
		struct err ok_e_ = { RC_OK, "" };              \
		struct err *e = &ok_e_;                        \
		enum rc ok_rc_ = (call);                       \
		if (ok_rc_ != RC_OK)                           \
			fail_msg("%s: %s", #call, ok_e_.text); \
	} while (0)

static struct t_cert root, other, localhost;
static struct http_server *server;
static char url[64];

static struct {
	const char *first,
	    *then; /* bodies: of the first `n` calls, afterwards */
	int n;
	_Atomic int calls;
	char form[4096]; /* of the last post */
	char path[256];
} canned;

static void
answer(struct http_call *c)
{
	int i = atomic_fetch_add(&canned.calls, 1);
	const char *body = i < canned.n ? canned.first : canned.then;

	snprintf(canned.form, sizeof(canned.form), "%.*s", VIEW_ARGS(c->body));
	snprintf(canned.path, sizeof(canned.path), "%s", c->path);
	http_reply(c, 200, "application/xml", view_str(body));
}

static void
login(struct http_call *c)
{
	const char *user = "";
	struct view pw = view_of(NULL, 0);

	rc_ignore(http_basic(c, &user, &pw, NULL)); /* then it is refused */
	if (view_is(pw, "right"))
		http_reply(c, 200, "application/json", view_str("{}"));
	else
		http_reply(c, 401, "application/json",
		    view_str("{\"Message\":\"Invalid password\"}"));
}

static void
token(struct http_call *c)
{
	snprintf(canned.form, sizeof(canned.form), "%s %s",
	    http_query(c, "hostname"), http_query(c, "subsystem"));
	http_reply(
	    c, 200, "application/json", view_str("{\"token\":\"4711\"}"));
}

static const struct http_route routes[] = {
	{ HTTP_POST, "/{sub}/admin/{sub2}/{what}", answer, HTTP_READ, 0, 0 },
	{ HTTP_POST, "/ca/agent/ca/{what}", answer, HTTP_READ, 0, 0 },
	{ HTTP_POST, "/ca/ee/ca/{what}", answer, HTTP_READ, 0, 0 },
	{ HTTP_GET, "/ca/v2/account/login", login, HTTP_READ, 0, 0 },
	{ HTTP_GET, "/ca/v2/account/logout", login, HTTP_READ, 0, 0 },
	{ HTTP_GET, "/ca/v2/securityDomain/installToken", token, HTTP_READ, 0,
	    0 },
	{ HTTP_GET, "/ca/rest/securityDomain/domainInfo", answer, HTTP_READ, 0,
	    0 },
};

static int
start(void **state)
{
	static const struct http_listen l[] = { { "127.0.0.1", 0, true } };
	struct t_want ca = { .cn = "CA", .ca = true };
	struct t_want tls = { .cn = "localhost",
		.ext_usage = "serverAuth",
		.san = "DNS:localhost" };
	struct http_server_params p = { .listen = l, .n_listen = 1 };

	(void)state;
	t_cert_make(&root, NULL, &ca);
	t_cert_make(&other, NULL, &ca);
	t_cert_make(&localhost, &root, &tls);
	p.key = &localhost.key;
	p.chain = &localhost.der;
	p.n_chain = 1;
	OK(http_server_new(&server, &p, e));
	OK(http_server_add(
	    server, routes, sizeof(routes) / sizeof(routes[0]), NULL, e));
	OK(http_server_start(server, e));
	snprintf(url, sizeof(url), "https://localhost:%d",
	    http_server_port(server, 0));
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	http_server_stop(server, 1000);
	http_server_free(server);
	t_cert_done(&root);
	t_cert_done(&other);
	t_cert_done(&localhost);
	return 0;
}

static int waits;

static void
count_waits(void *arg, const char *why)
{
	(void)arg;
	assert_non_null(strstr(why, "replicated"));
	waits++;
}

static struct domain_client *
client(int patience_ms)
{
	struct domain_client_params p = { .url = url,
		.cas = &root.der,
		.n_cas = 1,
		.patience_ms = patience_ms,
		.waiting = count_waits };
	struct domain_client *c = NULL;

	OK(domain_client_new(&c, &p, e));
	waits = 0;
	return c;
}

static void
will_answer(const char *first, int n, const char *then)
{
	canned.first = first;
	canned.n = n;
	canned.then = then;
	atomic_store(&canned.calls, 0);
}

/* --- tokens ------------------------------------------------------------------------ */

#define UNKNOWN                                             \
	"<XMLResponse><Status>2</Status><Error>Error: Not " \
	"authenticated</Error><Reason>unknown</Reason></XMLResponse>"
#define REFUSED                                             \
	"<XMLResponse><Status>2</Status><Error>Error: Not " \
	"authenticated</Error><Reason>refused</Reason></XMLResponse>"
#define CONFIG                                                        \
	"<XMLResponse><Config><name>a.b</name><value>x&amp;y</value>" \
	"</Config><Config><name>c</name><value/></Config><Status>0"   \
	"</Status></XMLResponse>"

static void
a_token_on_its_way_is_waited_for_aloud(void **state)
{
	AUTO(domain_client) c = client(0);
	AUTO(secret) t = secret_new(view_str("4711"));
	AUTO(cfg) out = cfg_new();

	(void)state;
	will_answer(UNKNOWN, 2, CONFIG);
	OK(domain_client_config(c, out, "ca", t, "a.b,c", NULL, e));
	assert_int_equal(atomic_load(&canned.calls), 3);
	assert_int_equal(waits, 1);
	assert_string_equal(cfg_get(out, "a.b"), "x&y");
	assert_string_equal(cfg_get(out, "c"), "");
	assert_string_equal(canned.path, "/ca/admin/ca/getConfigEntries");
	assert_string_equal(
	    canned.form, "op=get&names=a.b%2Cc&sessionID=4711&xmlOutput=true");
}

static void
a_bad_token_is_told_at_once_in_the_servers_words(void **state)
{
	AUTO(domain_client) c = client(0);
	AUTO(secret) t = secret_new(view_str("4711"));
	struct domain_range r;
	struct err e = { RC_OK, "" };

	(void)state;
	will_answer(REFUSED, 100, "");
	assert_int_equal(
	    domain_client_range(c, &r, "ca", "replicaId", t, &e), RC_AUTH);
	assert_int_equal(atomic_load(&canned.calls), 1);
	assert_non_null(strstr(e.text, "Error: Not authenticated"));
	assert_non_null(strstr(e.text, url));
	assert_null(strstr(e.text, "4711"));
}

static void
without_patience_nothing_is_waited_for(void **state)
{
	AUTO(domain_client) c = client(-1);
	AUTO(secret) t = secret_new(view_str("4711"));
	struct domain_session x;

	(void)state;
	will_answer(UNKNOWN, 100, "");
	assert_int_equal(
	    domain_client_token(c, &x, t, "127.0.0.1", NULL), RC_AUTH);
	assert_int_equal(atomic_load(&canned.calls), 1);
	assert_int_equal(waits, 0);
}

static void
a_token_is_drawn_after_a_log_in(void **state)
{
	AUTO(domain_client) c = client(0);
	AUTO(secret) right = secret_new(view_str("right"));
	AUTO(secret) wrong = secret_new(view_str("wrong"));
	AUTO(secret) t = NULL;
	struct err why = { RC_OK, "" };

	(void)state;
	OK(domain_client_login(c, &t, "caadmin", right, "h.example", "CA", e));
	assert_string_equal(secret_cstr(t), "4711");
	assert_string_equal(canned.form, "h.example CA");
	assert_int_equal(domain_client_login(
			     c, &t, "caadmin", wrong, "h.example", "CA", &why),
	    RC_AUTH);
	assert_non_null(strstr(why.text, "Invalid password"));
}

/* --- whom it speaks to --------------------------------------------------------------- */

static void
a_server_that_is_not_trusted_gets_nothing(void **state)
{
	struct domain_client_params p = {
		.url = url, .cas = &other.der, .n_cas = 1
	};
	AUTO(domain_client) c = NULL;
	AUTO(secret) t = secret_new(view_str("4711"));
	AUTO(cfg) out = cfg_new();

	(void)state;
	OK(domain_client_new(&c, &p, e));
	will_answer(CONFIG, 100, "");
	assert_int_equal(
	    domain_client_config(c, out, "ca", t, "a", NULL, NULL), RC_AUTH);
	assert_int_equal(atomic_load(&canned.calls), 0);
	assert_int_equal(cfg_count(out), 0);
}

static void
tokens_never_travel_in_clear(void **state)
{
	struct domain_client_params p = { .url = "http://localhost:8080" };
	struct domain_client *c = NULL;

	(void)state;
	assert_int_equal(domain_client_new(&c, &p, NULL), RC_INVALID);
	assert_null(c);
}

/* --- the rest of an installation ----------------------------------------------------- */

static void
ranges_are_read_from_either_form(void **state)
{
	static const char *const forms[] = {
		"{\"Response\":{\"Status\":\"0\",\"beginNumber\":\"98\","
		"\"endNumber\":\"100\"}}",
		"<XMLResponse><Status>0</Status><beginNumber>98</beginNumber>"
		"<endNumber>100</endNumber></XMLResponse>"
	};
	AUTO(domain_client) c = client(0);
	AUTO(secret) t = secret_new(view_str("4711"));

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct domain_range r = { "", "" };

		will_answer(forms[i], 100, "");
		OK(domain_client_range(c, &r, "kra", "serialNo", t, e));
		assert_string_equal(r.begin, "98");
		assert_string_equal(r.end, "100");
		assert_string_equal(
		    canned.path, "/kra/admin/kra/updateNumberRange");
	}
}

static void
joining_names_every_port(void **state)
{
	AUTO(domain_client) c = client(0);
	AUTO(secret) t = secret_new(view_str("4711"));
	struct domain_host h;

	(void)state;
	OK(domain_host_parse(&h, "CA h.example 8443", e));
	h.plain = 8080;
	h.clone = true;
	will_answer("<XMLResponse><Status>0</Status></XMLResponse>", 100, "");
	OK(domain_client_join(c, &h, t, e));
	assert_string_equal(canned.path, "/ca/admin/ca/updateDomainXML");
	assert_string_equal(canned.form,
	    "list=CAList&type=CA&name=CA%20h.example%208443&host=h.example&"
	    "sport=8443&httpport=8080&agentsport=8443&adminsport=8443&"
	    "eeclientauthsport=8443&dm=false&clone=true&sessionID=4711&"
	    "xmlOutput=true");
	OK(domain_client_leave(c, &h, NULL, e));
	assert_string_equal(canned.path, "/ca/agent/ca/updateDomainXML");
	assert_non_null(strstr(canned.form, "operation=remove"));
	assert_null(strstr(canned.form, "sessionID"));
}

static void
a_request_that_waits_is_no_certificate(void **state)
{
	AUTO(domain_client) c = client(0);
	AUTO(secret) t = secret_new(view_str("4711"));
	AUTO_BUF der = buf_empty(0);

	(void)state;
	will_answer("<XMLResponse><Status>2</Status><Error>Request Deferred"
		    "</Error></XMLResponse>",
	    100, "");
	assert_int_equal(
	    domain_client_enroll(c, &der, "p", view_str("csr"), t, NULL),
	    RC_CONFLICT);
	/* a CA that does not know the token yet */
	will_answer("<XMLResponse><Status>1</Status><Error>Authentication "
		    "failed: install token: not known here; x</Error>"
		    "</XMLResponse>",
	    1,
	    "<XMLResponse><Status>1</Status><Error>Profile p not enabled"
	    "</Error></XMLResponse>");
	assert_int_equal(
	    domain_client_enroll(c, &der, "p", view_str("csr"), t, NULL),
	    RC_INVALID);
	assert_int_equal(waits, 1);
	will_answer("<XMLResponse><Status>0</Status><Requests><Request><b64>"
		    "MAA=</b64></Request></Requests></XMLResponse>",
	    100, "");
	OK(domain_client_enroll(c, &der, "p", view_str("csr"), t, e));
	assert_int_equal(der.len, 2);
}

/* --- the domain ------------------------------------------------------------------------ */

static const char info_text[] =
    "{\"id\":\"EXAMPLE\",\"subsystems\":{\"CA\":{\"id\":\"CA\",\"hosts\":{"
    "\"CA a 8443\":{\"id\":\"CA a 8443\",\"Hostname\":\"a\",\"Port\":\"80\","
    "\"SecurePort\":\"8443\",\"Clone\":\"FALSE\",\"DomainManager\":\"TRUE\"},"
    "\"CA b 8443\":{\"id\":\"CA b 8443\",\"Hostname\":\"b\","
    "\"SecurePort\":\"8443\",\"Clone\":\"TRUE\"}}}}}";

static void
the_older_paths_serve_where_the_newer_are_missing(void **state)
{
	AUTO(domain_client) c = client(0);
	AUTO(domain_info) i = NULL;

	(void)state;
	will_answer(info_text, 100, "");
	OK(domain_client_info(c, &i, e));
	assert_string_equal(i->name, "EXAMPLE");
	assert_int_equal(i->n, 2);
	assert_string_equal(i->hosts[0].name, "a");
	assert_int_equal(i->hosts[0].plain, 80);
	assert_true(i->hosts[0].manager);
	assert_true(i->hosts[1].clone);
	assert_false(i->hosts[1].manager);
}

static void
domain_information_survives_truncations_and_changes(void **state)
{
	char text[sizeof(info_text)];
	size_t n = sizeof(info_text) - 1;

	(void)state;
	for (size_t i = 0; i < n; i++) {
		AUTO(domain_info) x = NULL;

		assert_int_not_equal(
		    domain_info_parse(&x, view_of(info_text, i), NULL), RC_OK);
		assert_null(x);
	}
	for (size_t i = 0; i < n; i++) {
		AUTO(domain_info) x = NULL;

		memcpy(text, info_text, sizeof(text));
		text[i] = (char)(text[i] ^ 0x11);
		rc_ignore(domain_info_parse(&x, view_of(text, n), NULL));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_on_its_way_is_waited_for_aloud),
		cmocka_unit_test(
		    a_bad_token_is_told_at_once_in_the_servers_words),
		cmocka_unit_test(without_patience_nothing_is_waited_for),
		cmocka_unit_test(a_token_is_drawn_after_a_log_in),
		cmocka_unit_test(a_server_that_is_not_trusted_gets_nothing),
		cmocka_unit_test(tokens_never_travel_in_clear),
		cmocka_unit_test(ranges_are_read_from_either_form),
		cmocka_unit_test(joining_names_every_port),
		cmocka_unit_test(a_request_that_waits_is_no_certificate),
		cmocka_unit_test(
		    the_older_paths_serve_where_the_newer_are_missing),
		cmocka_unit_test(
		    domain_information_survives_truncations_and_changes),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
