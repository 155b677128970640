/* SPDX-License-Identifier: Apache-2.0 */
/* values_test.c - deployment parameters: sections, interpolation, old names,
 * and what any damage to a file may do.
 * Owns:    nothing.
 * Trusts:  nothing.
 * Threads: one. */
#include "deploy/values.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "deploy/params.h"

static const char sample[] = "# comment\n"
			     "[DEFAULT]\n"
			     "mine = Mine\n"
			     "pki_security_domain_name=%(mine)s 100%%\n"
			     "pki_admin_password=%(as)s 5% it is\n"
			     "; comment\n"
			     "[Tomcat]\n"
			     "pki_admin_uid: tomcat\n"
			     "[CA]\n"
			     "pki_admin_uid = %(mine)s-admin\n"
			     "[KRA]\n"
			     "pki_admin_uid=kraadmin\n";

struct heard {
	char text[4096];
	size_t n;
};

static void
hear(void *arg, const char *line)
{
	struct heard *h = arg;

	snprintf(h->text, sizeof(h->text), "%s", line);
	h->n++;
}

static struct values *
fresh(void)
{
	struct values *v = NULL;

	assert_int_equal(values_new(&v, "CA", NULL), RC_OK);
	return v;
}

static enum rc
parse(struct values *v, const char *text, struct heard *h, struct err *e)
{
	AUTO_STR copy = strdup(text);

	assert_non_null(copy);
	return values_parse(v, copy, "f", hear, h, e);
}

static void
values_parse_flattens_the_sections(void **state)
{
	AUTO(values) v = fresh();
	struct heard h = { "", 0 };

	(void)state;
	assert_int_equal(parse(v, sample, &h, NULL), RC_OK);
	assert_int_equal(values_check(v, NULL), RC_OK);
	assert_string_equal(values_str(v, "pki_admin_uid"), "Mine-admin");
	assert_string_equal(values_str(v, "pki_admin_name"), "Mine-admin");
	assert_string_equal(
	    values_str(v, "pki_security_domain_name"), "Mine 100%");
	assert_int_equal(h.n, 0);
	/* an earlier section never overrides a later one */
	assert_int_equal(
	    parse(v, "[DEFAULT]\npki_admin_uid=late\n", &h, NULL), RC_OK);
	assert_string_equal(values_str(v, "pki_admin_uid"), "Mine-admin");
	assert_int_equal(
	    values_define(v, "pki_admin_uid=last=1", hear, &h, NULL), RC_OK);
	assert_string_equal(values_str(v, "pki_admin_uid"), "last=1");
}

static void
values_take_passwords_as_they_are(void **state)
{
	AUTO(values) v = fresh();
	AUTO_BUF text = buf_empty(64 * 1024);
	struct heard h = { "", 0 };

	(void)state;
	assert_int_equal(parse(v, sample, &h, NULL), RC_OK);
	assert_string_equal(
	    values_str(v, "pki_admin_password"), "%(as)s 5% it is");
	values_user_text(v, &text);
	assert_null(strstr(buf_cstr(&text), "5% it is"));
	assert_non_null(strstr(buf_cstr(&text), "%(mine)s-admin"));
}

static void
values_new_gives_the_documented_defaults(void **state)
{
	AUTO(values) v = fresh();

	(void)state;
	assert_int_equal(values_check(v, NULL), RC_OK);
	assert_string_equal(values_str(v, "pki_instance_name"), "pki-tomcat");
	assert_string_equal(values_str(v, "pki_ca_signing_key_size"), "3072");
	assert_string_equal(values_str(v, "pki_ca_signing_nickname"),
	    "caSigningCert cert-pki-tomcat CA");
	assert_true(values_bool(v, "pki_http_enable"));
	assert_false(values_bool(v, "pki_clone"));
	assert_false(values_given(v, "pki_clone"));
	assert_string_equal(values_str(v, "no_such"), "");
	assert_int_equal(values_supported(v, NULL), RC_OK);
}

static void
values_bool_knows_four_words(void **state)
{
	static const char *const yes[] = { "yes", "YES", "True", "t", "T",
		"1" };
	static const char *const no[] = { "no", "on", "0", "", "2", "truely" };
	AUTO(values) v = fresh();

	(void)state;
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		assert_int_equal(values_set(v, "x", yes[i], NULL), RC_OK);
		assert_true(values_bool(v, "x"));
	}
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		assert_int_equal(values_set(v, "x", no[i], NULL), RC_OK);
		assert_false(values_bool(v, "x"));
	}
}

static void
values_tell_of_old_names(void **state)
{
	for (const struct param_renamed *r = params_renamed; r->old != NULL;
	     r++) {
		AUTO(values) v = fresh();
		struct heard h = { "", 0 };
		char line[256];

		(void)state;
		snprintf(line, sizeof(line), "[DEFAULT]\n%s=given\n", r->old);
		assert_int_equal(parse(v, line, &h, NULL), RC_OK);
		assert_int_equal(h.n, 1);
		assert_non_null(strstr(h.text, r->old));
		if (r->now != NULL) {
			assert_non_null(strstr(h.text, r->now));
			/* parts of pki_ds_url keep their names */
			assert_string_equal(
			    values_str(
				v, values_given(v, r->old) ? r->old : r->now),
			    "given");
		} else {
			assert_non_null(strstr(h.text, "is no longer used"));
			assert_false(values_given(v, r->old));
		}
	}
}

/* Every row of the table is used, refused or told, never silently dropped. */
static void
values_refuse_or_tell_what_has_no_effect(void **state)
{
	(void)state;
	for (const struct param *p = params_table; p->name != NULL; p++) {
		AUTO(values) v = fresh();
		struct heard h = { "", 0 };
		struct err e = { RC_OK, "" };
		char text[256];

		snprintf(text, sizeof(text), "%s=%s", p->name,
		    strcmp(p->def, "True") == 0        ? "False"
			: strcmp(p->def, "False") == 0 ? "yes"
						       : "other");
		assert_int_equal(
		    values_define(v, text, NULL, NULL, NULL), RC_OK);
		values_inert(v, hear, &h);
		assert_int_equal(h.n, p->use == PARAM_INERT ? 1 : 0);
		assert_int_equal(values_supported(v, &e),
		    p->use == PARAM_REFUSED ? RC_UNSUPPORTED : RC_OK);
		if (p->use == PARAM_REFUSED)
			assert_non_null(strstr(e.text, p->name));
		/* the default, said aloud, is never in the way */
		snprintf(text, sizeof(text), "%s=%s", p->name, p->def);
		h.n = 0;
		assert_int_equal(
		    values_define(v, text, NULL, NULL, NULL), RC_OK);
		if (strchr(p->def, '%') == NULL)
			values_inert(v, hear, &h);
		assert_int_equal(h.n, 0);
		assert_int_equal(values_supported(v, NULL), RC_OK);
	}
}

static void
values_tell_of_unknown_names(void **state)
{
	AUTO(values) v = fresh();
	struct heard h = { "", 0 };

	(void)state;
	assert_int_equal(parse(v,
			     "[CA]\nmine=1\npki_admin_uid=%(mine)s\n"
			     "pki_hostname=h\npki_admin_uids=x\n",
			     &h, NULL),
	    RC_OK);
	values_inert(v, hear, &h);
	assert_int_equal(h.n, 1);
	assert_string_equal(h.text,
	    "The parameter 'pki_admin_uids' is not known and has no effect.");
}

static void
values_parse_names_the_line_of_a_fault(void **state)
{
	static const char *const wrong[][2] = {
		{ "[DEFAULT]\nx\n", "f:2: missing '='" },
		{ "\n\n[CA\n", "f:3: missing ']'" },
		{ "x=1\n", "f:1: a parameter before the first [section]" },
		{ "[Mine]\n",
		    "Invalid deployment configuration section: Mine" },
		{ "[]\n", "Invalid deployment configuration section: " },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		AUTO(values) v = fresh();
		struct heard h = { "", 0 };
		struct err e = { RC_OK, "" };

		assert_int_equal(parse(v, wrong[i][0], &h, &e), RC_INVALID);
		assert_string_equal(e.text, wrong[i][1]);
	}
}

static void
values_check_refuses_bad_interpolation(void **state)
{
	static const char *const wrong[][2] = {
		{ "[CA]\na=%(b)s\nb=%(a)s\n", "%()s refers to itself" },
		{ "[CA]\na=%(none)s\n", "a: %(none)s: no such parameter" },
		{ "[CA]\na=50%\n", "a: a literal % is written %%" },
		{ "[CA]\na=%(b\n", "a: a literal % is written %%" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		AUTO(values) v = fresh();
		struct heard h = { "", 0 };
		struct err e = { RC_OK, "" };

		assert_int_equal(parse(v, wrong[i][0], &h, &e), RC_OK);
		assert_int_equal(values_check(v, &e), RC_INVALID);
		assert_non_null(strstr(e.text, wrong[i][1]));
	}
}

/* Whatever happens to a file, it is read or refused with a text. */
static void
survive(const char *text)
{
	AUTO(values) v = fresh();
	AUTO_BUF out = buf_empty(64 * 1024);
	struct heard h = { "", 0 };
	struct err e = { RC_OK, "" };

	if (parse(v, text, &h, &e) != RC_OK || values_check(v, &e) != RC_OK) {
		assert_true(e.text[0] != '\0');
		return;
	}
	values_user_text(v, &out);
	assert_null(strstr(buf_cstr(&out), "pki_admin_password"));
}

static void
values_parse_survives_truncation(void **state)
{
	char text[sizeof(sample)];

	(void)state;
	for (size_t n = 0; n < sizeof(sample); n++) {
		memcpy(text, sample, n);
		text[n] = '\0';
		survive(text);
	}
}

static void
values_parse_survives_single_byte_changes(void **state)
{
	static const char put[] = { '%', '(', ')', 's', '=', '[', ']', '\n',
		' ', '\xff', 'x' };
	char text[sizeof(sample)];

	(void)state;
	for (size_t n = 0; n < sizeof(sample) - 1; n++) {
		for (size_t i = 0; i < sizeof(put); i++) {
			memcpy(text, sample, sizeof(sample));
			text[n] = put[i];
			survive(text);
		}
	}
}

static void
values_define_takes_one_line(void **state)
{
	AUTO(values) v = fresh();
	struct err e = { RC_OK, "" };

	(void)state;
	assert_int_equal(
	    values_define(v, "a=b\npki_admin_password=secret", NULL, NULL, &e),
	    RC_USAGE);
	assert_null(strstr(e.text, "secret"));
	assert_int_equal(
	    values_define(v, "a\r\npki_admin_password=secret", NULL, NULL, &e),
	    RC_USAGE);
	assert_null(strstr(e.text, "secret"));
}

static void
values_limit_their_number(void **state)
{
	AUTO(values) v = fresh();
	char line[64];
	enum rc rc = RC_OK;

	(void)state;
	for (int i = 0; rc == RC_OK && i < 5000; i++) {
		snprintf(line, sizeof(line), "p%d=x", i);
		rc = values_define(v, line, NULL, NULL, NULL);
	}
	assert_int_equal(rc, RC_TOOBIG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_parse_flattens_the_sections),
		cmocka_unit_test(values_take_passwords_as_they_are),
		cmocka_unit_test(values_define_takes_one_line),
		cmocka_unit_test(values_new_gives_the_documented_defaults),
		cmocka_unit_test(values_bool_knows_four_words),
		cmocka_unit_test(values_tell_of_old_names),
		cmocka_unit_test(values_refuse_or_tell_what_has_no_effect),
		cmocka_unit_test(values_tell_of_unknown_names),
		cmocka_unit_test(values_parse_names_the_line_of_a_fault),
		cmocka_unit_test(values_check_refuses_bad_interpolation),
		cmocka_unit_test(values_parse_survives_truncation),
		cmocka_unit_test(values_parse_survives_single_byte_changes),
		cmocka_unit_test(values_limit_their_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
