/* SPDX-License-Identifier: Apache-2.0 */
/* profile.h - one enrolment profile: its file format (spec profiles 2) and its
 * parts, resolved to plug-ins. A profile is immutable after it was parsed, so
 * any number of threads may use it; it is counted, not copied. To change one,
 * make another with profile_edit.
 *
 * Caveat: a profile with an unknown plug-in, or with one this build does not
 * have, still loads (users' files must not be lost); profile_check_plugins and
 * every enrolment then refuse it, naming the class. */
#ifndef PROFILE_PROFILE_H
#define PROFILE_PROFILE_H

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"

enum {
	PROFILE_TEXT_MAX = 1024 * 1024,
	PROFILE_ID_MAX = 128,
	PROFILE_SETS_MAX = 16,
	PROFILE_POLICIES_MAX = 100, /* of one set */
	PROFILE_PARTS_MAX = 32,     /* inputs, outputs, updaters */
};

struct profile_param {
	const char *name, *value;
};

struct default_class;
struct constraint_class;
struct input_class;
struct output_class;

/* An input, output, updater, default or constraint as configured. */
struct profile_part {
	const char *id;       /* "i1"; the policy's id for defaults ... */
	const char *class_id; /* "" when missing */
	const char *name;     /* displayed; "" when missing */
	const struct profile_param *params; /* sorted by name */
	size_t n_params;
};
struct profile_input {
	struct profile_part part;
	const struct input_class *cls; /* NULL: unknown class id */
};
struct profile_output {
	struct profile_part part;
	const struct output_class *cls;
};
struct profile_policy {
	const char *id;
	struct profile_part def, con;
	const struct default_class *def_cls;    /* NULL: unknown */
	const struct constraint_class *con_cls; /* NULL: unknown */
};
struct profile_set {
	const char *id;
	struct profile_policy *policies; /* in order of evaluation */
	size_t n_policies;
};

struct profile {
	const char *id, *class_id; /* "caServerCert", "caEnrollImpl" */
	const char *name, *desc;
	bool visible, enabled, renewal, xml_output, explicit_approval;
	const char *enabled_by;      /* "" if none */
	const char *auth_id;         /* authenticator instance, "" = none */
	const char *acl;             /* "" = none */
	const char *default_subject; /* defaultSubjectName, "" = none */
	int64_t last_modified;       /* ms; 0 when absent */
	struct profile_input *inputs;
	struct profile_output *outputs;
	struct profile_part *updaters;
	struct profile_set *sets;
	size_t n_inputs, n_outputs, n_updaters, n_sets;
	struct profile_own *own; /* of profile.c */
};

/* Reads property lines. id NULL: the raw transfer form, which must name itself
 * with profileId and classId; else these two keys are ignored and class_id is
 * "caEnrollImpl" (see profile_edit). RC_INVALID naming the line or the key;
 * RC_TOOBIG. */
MUST enum rc profile_parse(
    struct profile **out, struct view text, const char *id, struct err *e);
/* The installer's form (spec profiles 16): one set without constraints, no
 * inputs; id, sets[0].id are the mapped profile and set. */
MUST enum rc profile_parse_bootstrap(
    struct profile **out, struct view text, const char *file, struct err *e);
/* Appends property lines, sorted; raw adds profileId and classId. What
 * profile_parse reads back equals p. */
void profile_encode(const struct profile *p, struct buf *out, bool raw);
/* A changed copy: a change with value NULL removes the key, "profileId" and
 * "classId" change the identity. RC_INVALID as profile_parse, or for a value
 * that property lines cannot hold. */
MUST enum rc profile_edit(struct profile **out, const struct profile *p,
    const struct profile_param *changes, size_t n, struct err *e);
struct profile *profile_ref(struct profile *p);
/* Gives one reference back. */
void profile_free(struct profile *p);
OWNED(profile)

/* Letters, digits, '-', '_', '.'; not beginning with '.'; at most
 * PROFILE_ID_MAX. */
bool profile_id_is_valid(const char *id);
/* Any key of the file ("policyset.list"); NULL when absent. */
const char *profile_get(const struct profile *p, const char *key);
/* The i-th key in order; name NULL past the end. */
struct profile_param profile_key_at(const struct profile *p, size_t i);

/* NULL when the set is not there. */
const struct profile_set *profile_set_find(
    const struct profile *p, const char *id);
/* RC_UNSUPPORTED naming the first class that is unknown or that this build does
 * not have; RC_INVALID for a part whose parameters are wrong in every case. */
MUST enum rc profile_check_plugins(const struct profile *p, struct err *e);

/* A parameter of a part, or def when absent (not when empty). Names compare
 * exactly. */
const char *part_param(
    const struct profile_part *p, const char *name, const char *def);
/* printf-style name, "" when absent. */
const char *part_paramf(const struct profile_part *p, const char *fmt, ...)
    PRINTF(2, 3);
/* true only for the text "true" in any case (spec profiles 9). */
bool part_bool(const struct profile_part *p, const char *name);

#endif
