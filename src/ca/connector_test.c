/* SPDX-License-Identifier: Apache-2.0 */
/* connector_test.c - the rules of the KRA connector's settings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "ca/connector.h"
#include "ca/connector_view.h"
#include "x509/fixture.h"

static char certs[2][8192]; /* base64 of two certificates */

static struct connector
one(const char *host, const char *port, const char *cert)
{
	return (struct connector){
		.host = host, .port = port, .transport_cert = cert
	};
}

static struct cfg *
with(const char *host)
{
	struct cfg *c = cfg_new();
	struct connector x = one(host, "8443", certs[0]);

	assert_non_null(c);
	assert_int_equal(
	    cfg_set(c, "ca.cert.subsystem.nickname", "HSM:subsystem", NULL),
	    RC_OK);
	if (host != NULL)
		assert_int_equal(connector_add(c, &x, NULL), RC_OK);
	return c;
}

static void
is(const struct cfg *c, const char *name, const char *value)
{
	const char *v = cfg_getf(c, CONNECTOR_PREFIX "%s", name);

	if (value == NULL)
		assert_null(v);
	else
		assert_string_equal(v != NULL ? v : "(absent)", value);
}

static void
a_new_connector_has_the_eight_lines(void **state)
{
	AUTO(cfg) c = with("h1");

	(void)state;
	is(c, "enable", "true");
	is(c, "host", "h1");
	is(c, "local", "false");
	is(c, "nickName", "HSM:subsystem");
	is(c, "port", "8443");
	is(c, "timeout", "30");
	is(c, "transportCert", certs[0]);
	is(c, "uri", "/kra/agent/kra/connector");
	assert_int_equal(cfg_count(c), 9);
}

static void
hosts_become_a_list_and_a_pair_again(void **state)
{
	AUTO(cfg) c = with("h1");
	struct connector second = one("h2", "9443", certs[0]);

	(void)state;
	assert_int_equal(connector_add(c, &second, NULL), RC_OK);
	is(c, "host", "h1:8443 h2:9443");
	is(c, "port", "8443");
	/* once more changes nothing */
	assert_int_equal(connector_add(c, &second, NULL), RC_OK);
	assert_int_equal(connector_add_host(c, "h1", "8443", NULL), RC_OK);
	is(c, "host", "h1:8443 h2:9443");
	assert_int_equal(connector_add_host(c, "h3", "1", NULL), RC_OK);
	is(c, "host", "h1:8443 h2:9443 h3:1");
	assert_int_equal(connector_remove_host(c, "h1", "8443", NULL), RC_OK);
	is(c, "port", "9443");
	assert_int_equal(connector_remove_host(c, "h3", "1", NULL), RC_OK);
	is(c, "host", "h2");
	is(c, "port", "9443");
}

static void
with_the_last_host_the_connector_goes(void **state)
{
	AUTO(cfg) c = with("h1");

	(void)state;
	assert_int_equal(
	    connector_remove_host(c, "h1", "8444", NULL), RC_NOTFOUND);
	assert_int_equal(connector_remove_host(c, "h1", "8443", NULL), RC_OK);
	assert_false(connector_exists(c));
	assert_int_equal(cfg_count(c), 1);
	assert_int_equal(
	    connector_remove_host(c, "h1", "8443", NULL), RC_NOTFOUND);
}

static void
another_transport_certificate_is_refused(void **state)
{
	AUTO(cfg) c = with("h1");
	struct connector x = one("h2", "8443", certs[1]);
	struct err e = { RC_OK, "" };

	(void)state;
	assert_int_equal(connector_add(c, &x, &e), RC_INVALID);
	assert_string_equal(e.text, "KRA connector already exists");
	is(c, "host", "h1");
}

static void
a_host_needs_a_connector(void **state)
{
	AUTO(cfg) c = with(NULL);
	struct err e = { RC_OK, "" };

	(void)state;
	assert_int_equal(connector_add_host(c, "h1", "8443", &e), RC_INVALID);
	assert_string_equal(e.text, "No KRA connectors");
	assert_int_equal(cfg_count(c), 1);
}

static void
bad_members_change_nothing(void **state)
{
	AUTO(cfg) c = with(NULL);
	struct connector bad[] = { one(NULL, "8443", certs[0]),
		one("h", NULL, certs[0]), one("h", "0", certs[0]),
		one("h", "x", certs[0]), one("h h2:1", "8443", certs[0]),
		one("h\nx=y", "8443", certs[0]), one("h", "8443", NULL),
		one("h", "8443", "MIIB"), one("h", "8443", "!"),
		one("h", "8443", certs[0]), one("h", "8443", certs[0]),
		one("h", "8443", certs[0]) };
	size_t n = sizeof(bad) / sizeof(bad[0]);

	(void)state;
	bad[n - 1].uri = "kra";
	bad[n - 2].timeout = "-1";
	bad[n - 3].subsystem_cert = "MIIB";
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(connector_add(c, &bad[i], NULL), RC_INVALID);
		assert_int_equal(cfg_count(c), 1);
	}
}

/* --- clones ----------------------------------------------------------------------- */

/* A view from "host:h:p", "uri=x" ... words. */
static struct cfg *
view(const char *words)
{
	struct cfg *c = cfg_new();
	AUTO_STR copy = strdup(words);
	char *parts[16];
	size_t n = text_split(copy, " ", parts, 16);

	assert_non_null(c);
	for (size_t i = 0; i < n; i++) {
		char *value = strchr(parts[i], '=');

		if (value != NULL)
			*value++ = '\0';
		assert_int_equal(
		    cfg_set(c, parts[i], value != NULL ? value : "", NULL),
		    RC_OK);
	}
	return c;
}

static void
merges_to(
    const char *base, const char *mine, const char *theirs, const char *want)
{
	AUTO(cfg) b = base != NULL ? view(base) : NULL;
	AUTO(cfg) m = view(mine);
	AUTO(cfg) t = view(theirs);
	AUTO(cfg) w = view(want);
	AUTO(cfg) out = cfg_new();
	AUTO_BUF got = buf_empty(0), wanted = buf_empty(0);

	assert_int_equal(connector_merge(out, b, m, t, NULL), RC_OK);
	cfg_encode(out, &got);
	cfg_encode(w, &wanted);
	assert_string_equal(buf_cstr(&got), buf_cstr(&wanted));
}

static void
changes_of_two_clones_at_once_both_count(void **state)
{
	(void)state;
	/* added on both sides, removed on one */
	merges_to("host:a:1 uri=/x", "host:a:1 host:b:1 uri=/x",
	    "host:a:1 host:c:1 uri=/x", "host:a:1 host:b:1 host:c:1 uri=/x");
	merges_to("host:a:1 host:b:1", "host:b:1", "host:a:1 host:b:1 host:c:1",
	    "host:b:1 host:c:1");
	merges_to(
	    "host:a:1 host:b:1", "host:a:1 host:b:1", "host:b:1", "host:b:1");
	/* settings one by one */
	merges_to("host:a:1 timeout=30 uri=/x", "host:a:1 timeout=60 uri=/x",
	    "host:a:1 timeout=30 uri=/y", "host:a:1 timeout=60 uri=/y");
	/* nothing changed anywhere */
	merges_to("host:a:1", "host:a:1", "host:a:1", "host:a:1");
}

static void
with_the_last_host_the_rest_goes_everywhere(void **state)
{
	(void)state;
	merges_to("host:a:1 uri=/x", "host:a:1 host:b:1 uri=/x", "uri=/x",
	    "host:b:1 uri=/x");
	merges_to("host:a:1 uri=/x", "", "host:a:1 uri=/x", "");
	merges_to("host:a:1 uri=/x", "host:a:1 uri=/x", "", "");
}

static void
lines_copied_by_hand_keep_working(void **state)
{
	(void)state;
	/* nothing applied here yet: hosts are united, the clones' value wins */
	merges_to(NULL, "host:a:1 uri=/mine", "host:a:1 host:b:1 uri=/theirs",
	    "host:a:1 host:b:1 uri=/theirs");
	merges_to(NULL, "host:a:1 uri=/x", "uri=/old", "host:a:1 uri=/x");
	merges_to(NULL, "host:a:1 uri=/x", "", "host:a:1 uri=/x");
	merges_to(NULL, "", "host:a:1 uri=/x", "host:a:1 uri=/x");
}

static void
a_view_comes_back_from_the_file_it_made(void **state)
{
	AUTO(cfg) from = with("h1");
	AUTO(cfg) to = with(NULL);
	AUTO(cfg) a = cfg_new();
	AUTO(cfg) b = cfg_new();
	AUTO(cfg) none = cfg_new();

	(void)state;
	assert_int_equal(connector_add_host(from, "h2", "9443", NULL), RC_OK);
	assert_int_equal(connector_view(a, from, NULL), RC_OK);
	assert_int_equal(connector_apply(to, a, NULL), RC_OK);
	is(to, "host", "h1:8443 h2:9443");
	is(to, "nickName", "HSM:subsystem");
	assert_int_equal(connector_view(b, to, NULL), RC_OK);
	assert_int_equal(cfg_count(a), cfg_count(b));
	/* a host's own lines stay, the others follow */
	assert_int_equal(
	    cfg_set(to, CONNECTOR_PREFIX "maxHttpConns", "3", NULL), RC_OK);
	cfg_del(a, "host:h1:8443");
	assert_int_equal(connector_apply(to, a, NULL), RC_OK);
	is(to, "host", "h2");
	is(to, "maxHttpConns", "3");
	assert_int_equal(connector_apply(to, none, NULL), RC_OK);
	assert_false(connector_exists(to));
	assert_int_equal(cfg_count(to), 1);
}

static int
make_certs(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		AUTO_BUF der = buf_empty(0), text = buf_empty(0);
		X509 *x = fix_cert("O=x/CN=CA", "O=x/CN=transport", i + 1,
		    fix_ec(), fix_ec(), NULL, NULL);

		FIX_DER(&der, X509, x);
		X509_free(x);
		buf_add_base64(&text, buf_view(&der), 0, "");
		snprintf(certs[i], sizeof(certs[i]), "%s", buf_cstr(&text));
	}
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_connector_has_the_eight_lines),
		cmocka_unit_test(hosts_become_a_list_and_a_pair_again),
		cmocka_unit_test(with_the_last_host_the_connector_goes),
		cmocka_unit_test(another_transport_certificate_is_refused),
		cmocka_unit_test(a_host_needs_a_connector),
		cmocka_unit_test(bad_members_change_nothing),
		cmocka_unit_test(changes_of_two_clones_at_once_both_count),
		cmocka_unit_test(with_the_last_host_the_rest_goes_everywhere),
		cmocka_unit_test(lines_copied_by_hand_keep_working),
		cmocka_unit_test(a_view_comes_back_from_the_file_it_made),
	};

	return cmocka_run_group_tests(tests, make_certs, NULL);
}
