/* SPDX-License-Identifier: Apache-2.0 */
/* profile_test.c - the file format, the shipped files, and the tables. */
#include "profile/profile.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/text.h"
#include "profile/plugin.h"

static const char SMALL[] =
    "name=Small\n"
    "desc = A small one\n"
    "# comment\n"
    "! comment \\\n"
    "  # indented \n"
    "visible:true\n"
    "enable true\n"
    "input.list=i1\n"
    "input.i1.class_id=certReqInputImpl\n"
    "policyset.list=s\n"
    "policyset.s.list=2,\\\n"
    "   1\n"
    "policyset.s.1.default.class_id=noDefaultImpl\n"
    "policyset.s.1.constraint.class_id=noConstraintImpl\n"
    "policyset.s.2.default.class_id=keyUsageExtDefaultImpl\n"
    "policyset.s.2.default.params.keyUsageCritical=TRUE\n"
    "policyset.s.2.default.params.x=a\\.b\\\\c\n"
    "policyset.s.2.constraint.class_id=noConstraintImpl\n";

static struct profile *
parsed(const char *text)
{
	struct profile *p = NULL;
	struct err e = { 0 };

	if (profile_parse(&p, view_str(text), "small", &e) != RC_OK)
		fail_msg("%s", e.text);
	return p;
}

static void
profile_parse_reads_parts_in_list_order(void **state)
{
	AUTO(profile) p = parsed(SMALL);

	(void)state;
	assert_string_equal(p->id, "small");
	assert_string_equal(p->class_id, "caEnrollImpl");
	assert_string_equal(p->name, "Small");
	assert_string_equal(p->desc, "A small one");
	assert_true(p->visible);
	assert_true(p->enabled);
	assert_int_equal(p->n_inputs, 1);
	assert_int_equal(p->n_sets, 1);
	assert_int_equal(p->sets[0].n_policies, 2);
	assert_string_equal(p->sets[0].policies[0].id, "2");
	assert_string_equal(p->sets[0].policies[1].id, "1");
}

static void
part_param_keeps_backslashes_and_reads_booleans(void **state)
{
	AUTO(profile) p = parsed(SMALL);
	const struct profile_part *d = &p->sets[0].policies[0].def;

	(void)state;
	assert_string_equal(part_param(d, "x", NULL), "a\\.b\\\\c");
	assert_true(part_bool(d, "keyUsageCritical"));
	assert_false(part_bool(d, "keyUsageCrlSign"));
	assert_null(part_param(d, "absent", NULL));
	assert_string_equal(part_paramf(d, "keyUsage%s", "Critical"), "TRUE");
}

static void
profile_parse_takes_the_last_of_repeated_keys(void **state)
{
	AUTO(profile) p = parsed("name=a\nname=b\n");

	(void)state;
	assert_string_equal(p->name, "b");
}

static void
profile_parse_raw_needs_identity(void **state)
{
	struct profile *p = NULL;
	AUTO(profile) ok = NULL;
	struct err e;

	(void)state;
	assert_int_equal(
	    profile_parse(&p, view_str("name=a\n"), NULL, &e), RC_INVALID);
	assert_int_equal(
	    profile_parse(&p, view_str("profileId=x\n"), NULL, &e), RC_INVALID);
	assert_int_equal(profile_parse(&p,
			     view_str("profileId=../x\nclassId=c\n"), NULL, &e),
	    RC_INVALID);
	assert_null(p);
	assert_int_equal(
	    profile_parse(&ok, view_str("classId=c\nprofileId=x\n"), NULL, &e),
	    RC_OK);
	assert_string_equal(ok->id, "x");
	assert_string_equal(ok->class_id, "c");
	assert_null(profile_get(ok, "profileId"));
}

static void
profile_parse_refuses_a_policy_without_class(void **state)
{
	struct profile *p = NULL;
	struct err e;

	(void)state;
	assert_int_equal(profile_parse(&p,
			     view_str("policyset.list=s\n"
				      "policyset.s.list=1\n"),
			     "x", &e),
	    RC_INVALID);
	assert_non_null(strstr(e.text, "policyset.s.1"));
}

static void
profile_parse_survives_every_truncation_and_byte(void **state)
{
	char copy[sizeof(SMALL)];

	(void)state;
	for (size_t n = 0; n < sizeof(SMALL) - 1; n++) {
		AUTO(profile) p = NULL;

		rc_ignore(profile_parse(&p, view_of(SMALL, n), "x", NULL));
	}
	for (size_t n = 0; n < sizeof(SMALL) - 1; n++) {
		AUTO(profile) p = NULL;

		memcpy(copy, SMALL, sizeof(copy));
		copy[n] = (char)(copy[n] ^ 0x3d);
		rc_ignore(profile_parse(
		    &p, view_of(copy, sizeof(copy) - 1), "x", NULL));
	}
}

static void
profile_encode_comes_back_equal(void **state)
{
	AUTO(profile) p = parsed(SMALL);
	AUTO(profile) q = NULL;
	AUTO_BUF a = buf_empty(0);
	AUTO_BUF b = buf_empty(0);

	(void)state;
	profile_encode(p, &a, true);
	assert_non_null(strstr(buf_cstr(&a), "\nprofileId=small\n"));
	assert_true(text_starts(buf_cstr(&a), "classId=caEnrollImpl\n"));
	assert_int_equal(profile_parse(&q, buf_view(&a), NULL, NULL), RC_OK);
	profile_encode(q, &b, true);
	assert_string_equal(buf_cstr(&a), buf_cstr(&b));
}

static void
profile_edit_changes_a_copy(void **state)
{
	const struct profile_param on[] = { { "enable", "false" },
		{ "desc", NULL }, { "classId", "caCACertEnrollImpl" } };
	const struct profile_param bad[] = { { "desc", "a\nb" } };
	AUTO(profile) p = parsed(SMALL);
	AUTO(profile) q = NULL;
	struct profile *no = NULL;

	(void)state;
	assert_int_equal(profile_edit(&q, p, on, 3, NULL), RC_OK);
	assert_false(q->enabled);
	assert_string_equal(q->desc, "");
	assert_string_equal(q->class_id, "caCACertEnrollImpl");
	assert_true(p->enabled);
	assert_int_equal(profile_edit(&no, p, bad, 1, NULL), RC_INVALID);
	assert_null(no);
}

static void
profile_check_plugins_names_the_unknown_class(void **state)
{
	AUTO(profile)
	p = parsed("policyset.list=s\npolicyset.s.list=1\n"
		   "policyset.s.1.default.class_id=myImpl\n"
		   "policyset.s.1.constraint.class_id="
		   "noConstraintImpl\n");
	struct err e;

	(void)state;
	assert_int_equal(profile_check_plugins(p, &e), RC_UNSUPPORTED);
	assert_non_null(strstr(e.text, "myImpl"));
}

/* --- the shipped files ----------------------------------------------------- */

static size_t
each_file(const char *dir, const char *suffix,
    void (*fn)(const char *id, struct view text))
{
	DIR *d = opendir(dir);
	struct dirent *x;
	size_t n = 0;

	assert_non_null(d);
	while ((x = readdir(d)) != NULL) {
		AUTO_BUF b = buf_empty(0);
		char path[1024], id[PROFILE_ID_MAX];

		if (!text_ends(x->d_name, suffix))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, x->d_name);
		snprintf(id, sizeof(id), "%.*s",
		    (int)(strlen(x->d_name) - strlen(suffix)), x->d_name);
		assert_int_equal(file_read(&b, path, NULL), RC_OK);
		fn(id, buf_view(&b));
		n++;
	}
	closedir(d);
	return n;
}

static void
check_shipped(const char *id, struct view text)
{
	AUTO(profile) p = NULL;
	struct err e = { 0 };

	if (profile_parse(&p, text, id, &e) != RC_OK)
		fail_msg("%s: %s", id, e.text);
	for (size_t i = 0; i < p->n_inputs; i++)
		assert_non_null(p->inputs[i].cls);
	for (size_t i = 0; i < p->n_outputs; i++)
		assert_non_null(p->outputs[i].cls);
	for (size_t s = 0; s < p->n_sets; s++)
		for (size_t i = 0; i < p->sets[s].n_policies; i++) {
			if (p->sets[s].policies[i].def_cls == NULL ||
			    p->sets[s].policies[i].con_cls == NULL)
				fail_msg("%s: policy %s: unknown class", id,
				    p->sets[s].policies[i].id);
		}
	assert_true(p->renewal || p->n_sets > 0);
	/* none is wrong; some need what this build does not have */
	if (profile_check_plugins(p, &e) != RC_OK && e.rc != RC_UNSUPPORTED)
		fail_msg("%s: %s", id, e.text);
}

static void
shipped_profiles_know_all_their_classes(void **state)
{
	(void)state;
	assert_int_equal(each_file(PROFILES "/ca", ".cfg", check_shipped), 109);
}

static void
check_bootstrap(const char *id, struct view text)
{
	AUTO(profile) p = NULL;
	struct err e = { 0 };

	if (profile_parse_bootstrap(&p, text, id, &e) != RC_OK ||
	    profile_check_plugins(p, &e) != RC_OK)
		fail_msg("%s: %s", id, e.text);
	assert_int_equal(p->n_sets, 1);
	assert_true(p->sets[0].n_policies >= 4);
	assert_true(text_starts(p->id, "ca"));
}

static void
bootstrap_profiles_load(void **state)
{
	(void)state;
	assert_int_equal(
	    each_file(PROFILES "/conf", ".profile", check_bootstrap), 12);
}

/* --- the tables ---------------------------------------------------------------- */

static void
tables_are_complete_and_unique(void **state)
{
	(void)state;
	for (size_t f = 0; default_families[f] != NULL; f++)
		for (const struct default_class *c = default_families[f];
		     c->id != NULL; c++) {
			assert_ptr_equal(default_find(c->id), c);
			assert_true(c->text != NULL && c->text[0] != '\0');
			assert_true(c->populate != NULL || c->missing != NULL);
			assert_true(c->values == NULL || c->get != NULL ||
			    c->missing != NULL);
		}
	for (size_t f = 0; constraint_families[f] != NULL; f++)
		for (const struct constraint_class *c = constraint_families[f];
		     c->id != NULL; c++) {
			assert_ptr_equal(constraint_find(c->id), c);
			assert_true(c->text != NULL && c->text[0] != '\0');
			assert_true(c->validate != NULL || c->missing != NULL);
		}
	for (size_t f = 0; input_families[f] != NULL; f++)
		for (const struct input_class *c = input_families[f];
		     c->id != NULL; c++) {
			assert_ptr_equal(input_find(c->id), c);
			assert_true(c->values != NULL || c->value != NULL);
		}
	assert_ptr_equal(
	    default_find_java(
		"com.netscape.cms.profile.def.OCSPNoCheckExtDefault"),
	    default_find("ocspNoCheckExtDefaultImpl"));
	assert_null(default_find_java("Nothing"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(profile_parse_reads_parts_in_list_order),
		cmocka_unit_test(
		    part_param_keeps_backslashes_and_reads_booleans),
		cmocka_unit_test(profile_parse_takes_the_last_of_repeated_keys),
		cmocka_unit_test(profile_parse_raw_needs_identity),
		cmocka_unit_test(profile_parse_refuses_a_policy_without_class),
		cmocka_unit_test(
		    profile_parse_survives_every_truncation_and_byte),
		cmocka_unit_test(profile_encode_comes_back_equal),
		cmocka_unit_test(profile_edit_changes_a_copy),
		cmocka_unit_test(profile_check_plugins_names_the_unknown_class),
		cmocka_unit_test(shipped_profiles_know_all_their_classes),
		cmocka_unit_test(bootstrap_profiles_load),
		cmocka_unit_test(tables_are_complete_and_unique),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
