/* SPDX-License-Identifier: Apache-2.0 */
/* cfg.h - "name=value" settings: CS.cfg, password.conf, server.cfg, profile
 * files. A struct cfg is a sorted map from name to value; not thread-safe.
 * CS.cfg form (spec deployment 1.5): leading blanks ignored, '#' comment, a
 * trailing '\' continues the line, saved sorted. */
#ifndef BASE_CFG_H
#define BASE_CFG_H

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"

struct cfg;

/* Empty; NULL when memory is out. */
struct cfg *cfg_new(void);
void cfg_free(struct cfg *c);
OWNED(cfg)

/* Adds the settings of text; a repeated name: the last wins. what names the
 * source in messages ("CS.cfg:12: missing '='"). */
MUST enum rc cfg_parse(
    struct cfg *c, struct view text, const char *what, struct err *e);
MUST enum rc cfg_load(struct cfg *c, const char *path, struct err *e);
/* Appends all settings, sorted, one a line. */
void cfg_encode(const struct cfg *c, struct buf *out);
/* Writes durably (file_write). */
MUST enum rc cfg_save(
    const struct cfg *c, const char *path, mode_t mode, struct err *e);

/* NULL when absent; the pointer is valid until that name changes. */
const char *cfg_get(const struct cfg *c, const char *name);
/* The value, or def when absent or empty. */
const char *cfg_str(const struct cfg *c, const char *name, const char *def);
bool cfg_bool(const struct cfg *c, const char *name, bool def);
/* def when absent; RC_INVALID naming the setting when not a number in range. */
MUST enum rc cfg_int(const struct cfg *c, int64_t *out, const char *name,
    int64_t min, int64_t max, int64_t def, struct err *e);
/* printf-style name: cfg_getf(c, "ca.crl.%s.enable", id). */
const char *cfg_getf(const struct cfg *c, const char *fmt, ...) PRINTF(2, 3);

/* Sets or adds a setting; name and value are copied. */
MUST enum rc cfg_set(
    struct cfg *c, const char *name, const char *value, struct err *e);
/* true if it was there. */
bool cfg_del(struct cfg *c, const char *name);
/* Deletes every name with that prefix; returns how many. */
size_t cfg_del_prefix(struct cfg *c, const char *prefix);
size_t cfg_count(const struct cfg *c);
/* The i-th setting in name order; name NULL past the end. */
struct cfg_item {
	const char *name, *value;
	int line; /* of the source, 0 if set by code */
};
struct cfg_item cfg_at(const struct cfg *c, size_t i);
/* Do both hold the same settings? */
bool cfg_equal(const struct cfg *a, const struct cfg *b);
/* Three-way merge into out, which is empty: each setting as mine has it where
 * mine differs from base, else as theirs has it (absent counts as a value).
 * base NULL, when not known: theirs, else mine. *clashes, if not NULL, counts
 * those that both changed, and not alike. */
MUST enum rc cfg_merge(struct cfg *out, const struct cfg *base,
    const struct cfg *mine, const struct cfg *theirs, size_t *clashes,
    struct err *e);
/* Index of the first name >= prefix. */
size_t cfg_lower(const struct cfg *c, const char *prefix);

#endif
