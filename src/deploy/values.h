/* SPDX-License-Identifier: Apache-2.0 */
/* values.h - the deployment parameters of pkispawn: built-in defaults, then the
 * user's file, then -D, flattened [DEFAULT] -> [Tomcat] -> subsystem
 * (spec deployment 2.2, 2.3). */
#ifndef DEPLOY_VALUES_H
#define DEPLOY_VALUES_H

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"

struct values;

/* subsystem: "CA"; defaults and start-up variables are set. */
MUST enum rc values_new(
    struct values **out, const char *subsystem, struct err *e);
void values_free(struct values *v);
OWNED(values)

/* Reads the user's file. Errors name file and line. Deprecated and inert names
 * are told to fn (a whole line for the user). */
typedef void (*values_notice)(void *arg, const char *line);
MUST enum rc values_load(struct values *v, const char *path, values_notice fn,
    void *arg, struct err *e);
/* The same from memory; text is changed. path is for messages. */
MUST enum rc values_parse(struct values *v, char *text, const char *path,
    values_notice fn, void *arg, struct err *e);
/* -D name=value, in the subsystem's section. */
MUST enum rc values_define(struct values *v, const char *text, values_notice fn,
    void *arg, struct err *e);
/* Sets one value literally (no interpolation). */
MUST enum rc values_set(
    struct values *v, const char *name, const char *value, struct err *e);

/* After values_set of what others refer to: texts that values_get gave are no
 * longer valid and are worked out anew. */
void values_forget(struct values *v);

/* The value with %(names)s replaced; "" when empty or unknown. Lives until the
 * next values_get of the same name or values_free. RC_INVALID for a loop or an
 * unknown name inside. */
MUST enum rc values_get(
    struct values *v, const char **out, const char *name, struct err *e);
/* Appends text with its %(names)s replaced. */
MUST enum rc values_expand(
    struct values *v, struct buf *out, const char *text, struct err *e);
/* As values_get for values that were checked by values_check; "" on failure. */
const char *values_str(struct values *v, const char *name);
bool values_bool(struct values *v, const char *name);
/* true when the user gave it, in the file or by -D. */
bool values_given(const struct values *v, const char *name);
/* Interpolates everything once, so that later reads cannot fail. */
MUST enum rc values_check(struct values *v, struct err *e);
/* The file that values_load read, for messages; "the deployment parameters"
 * when there was none. */
const char *values_file(const struct values *v);
/* Tells which of the user's parameters this version accepts without effect. */
void values_inert(struct values *v, values_notice fn, void *arg);
/* RC_UNSUPPORTED naming a parameter that must keep its default here. */
MUST enum rc values_supported(struct values *v, struct err *e);
/* The built-in defaults as a file, for the registry's default.cfg. */
void values_default_text(struct buf *out);
/* Is its value a secret (sensitive_parameters)? */
bool values_is_sensitive(const char *name);
/* The user's settings without secrets, for the registry's deployment.cfg. */
void values_user_text(const struct values *v, struct buf *out);

#endif
