/* SPDX-License-Identifier: Apache-2.0 */
/* plugin.h - inside the room: what a plug-in is, the tables of all plug-ins
 * (one file a family; tests walk them), and helpers they share. */
#ifndef PROFILE_PLUGIN_H
#define PROFILE_PLUGIN_H

#include "base/text.h"
#include "profile/engine.h"

enum {
	NUMBERED_MAX = 100 /* entries of a numbered parameter list */
};

/* One run over one request. Views live in t's arena. */
struct profile_run {
	const struct profile *p;
	const struct profile_set *set;
	const struct profile_env *env;
	struct request_rec *req;
	struct cert_template *t;
	struct arena *arena; /* t->exts.arena */
};

struct default_class {
	const char *id;
	const char *text;    /* what it does */
	const char *missing; /* why this build refuses it; NULL = it does not */
	/* parameters that are wrong for every request; NULL = none */
	enum rc (*check)(const struct profile_part *p, struct err *e);
	enum rc (*populate)(
	    struct profile_run *r, const struct profile_part *p, struct err *e);
	const struct profile_value_desc *values; /* ends with name NULL */
	/* get appends; RC_NOTFOUND = null value. */
	enum rc (*get)(struct profile_run *r, const struct profile_part *p,
	    const char *name, struct buf *out, struct err *e);
	enum rc (*set)(struct profile_run *r, const struct profile_part *p,
	    const char *name, const char *value, struct err *e);
};

struct constraint_class {
	const char *id;
	const char *text;
	const char *missing;
	const struct profile_value_desc *params;
	enum rc (*check)(const struct profile_part *p, struct err *e);
	enum rc (*validate)(
	    struct profile_run *r, const struct profile_part *p, struct err *e);
};

struct input_class {
	const char *id;
	const char *missing;
	const struct profile_value_desc *values;
	/* for inputs whose values depend on parameters; else NULL */
	bool (*value)(const struct profile_part *p,
	    const struct profile_env *env, size_t i,
	    struct profile_value_desc *out, struct arena *a);
	enum rc (*populate)(
	    struct profile_run *r, const struct profile_part *p, struct err *e);
};

struct output_class {
	const char *id;
	const char *text;
	const struct profile_value_desc *values;
};

/* Tables of the families, each ending with id NULL. */
extern const struct default_class defaults_subject[], defaults_validity[],
    defaults_key[], defaults_id[], defaults_usage[], defaults_names[],
    defaults_location[], defaults_subtree[], defaults_policy[],
    defaults_other[];
extern const struct constraint_class constraints_subject[],
    constraints_validity[], constraints_key[], constraints_ext[],
    constraints_unique[], constraints_other[];
extern const struct input_class inputs_request[], inputs_data[];
extern const struct output_class outputs_all[];

/* All families; end with NULL. */
extern const struct default_class *const default_families[];
extern const struct constraint_class *const constraint_families[];
extern const struct input_class *const input_families[];

/* NULL when unknown. */
const struct default_class *default_find(const char *id);
const struct constraint_class *constraint_find(const char *id);
const struct input_class *input_find(const char *id);
const struct output_class *output_find(const char *id);
/* By the Java class name of a bootstrap profile: its last part is the id
 * without "Impl", in any case. */
const struct default_class *default_find_java(const char *name);

/* Entries of a table of values. */
#define BOOLEAN(name, text)                       \
	{                                         \
		name, "boolean", NULL, text, NULL \
	}
#define STRING(name, text)                       \
	{                                        \
		name, "string", NULL, text, NULL \
	}
#define LIST(name, text)                              \
	{                                             \
		name, "string_list", NULL, text, NULL \
	}
#define INTEGER(name, text)                       \
	{                                         \
		name, "integer", NULL, text, NULL \
	}
#define LAST                                 \
	{                                    \
		NULL, NULL, NULL, NULL, NULL \
	}

/* --- for plug-ins -------------------------------------------------------- */

/* Sets the reason of a rejection; returns RC_DENIED. */
#define reject(e, ...) err_set(e, RC_DENIED, __VA_ARGS__)

/* A request attribute; names in any case. NULL when absent. "auth_token.x" is
 * also found as a field of auth_token. */
const char *run_get(const struct profile_run *r, const char *name);
void run_put(struct profile_run *r, const char *name, const char *value);
void run_put_bytes(struct profile_run *r, const char *name, struct view v);
/* Bytes of a base64 attribute, in the arena; empty when absent. */
MUST enum rc run_bytes(const struct profile_run *r, struct view *out,
    const char *name, struct err *e);
/* A copy of b in the arena; checks b and resets it. */
MUST enum rc run_keep(const struct profile_run *r, struct view *out,
    struct buf *b, struct err *e);

/* Adds an extension: RC_INVALID "Duplicate extension ..." when it is there. */
MUST enum rc run_ext_add(struct profile_run *r, enum oid oid, bool critical,
    struct buf *value, struct err *e);
/* Adds or replaces. */
MUST enum rc run_ext_set(struct profile_run *r, enum oid oid, bool critical,
    struct buf *value, struct err *e);
const struct ext *run_ext(const struct profile_run *r, enum oid oid);
/* Changes an extension's criticality; nothing when it is absent. */
MUST enum rc run_ext_critical(
    struct profile_run *r, enum oid oid, const char *value, struct err *e);

/* Expands a pattern of the request (spec profiles 6) into the arena. A name
 * that the profile's inputs declare but the request lacks is empty. */
MUST enum rc run_expand(const struct profile_run *r, const char **out,
    const char *pattern, struct err *e);

/* Does an input of p declare that name? */
bool profile_declares(
    const struct profile *p, const struct profile_env *env, const char *name);
/* Refuses parts that are unknown or missing: RC_UNSUPPORTED. */
MUST enum rc profile_check_present(const struct profile *p, struct err *e);

/* "true" in any case. */
bool is_true(const char *s);
void put_bool(struct buf *out, bool v);
MUST enum rc bad_property(struct err *e, const char *name);
/* min(the number in parameter `name`, NUMBERED_MAX), 1 when absent. */
size_t part_count(const struct profile_part *p, const char *name);
/* Integer parameter; def when absent or empty. */
MUST enum rc part_int(const struct profile_part *p, int64_t *out,
    const char *name, int64_t def, struct err *e);
/* "" and "-" mean "do not check". */
bool is_any(const char *s);
/* Is item one of a comma list (blanks ignored)? */
bool list_has(const char *list, const char *item, bool any_case);

#endif
