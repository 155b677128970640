/* SPDX-License-Identifier: Apache-2.0 */
/* profile_view.h - the files of profiles as a hand-edited view of their records
 * (design.md, decisions), and what was applied last on this host, against which
 * an edit is told from a change made elsewhere. */
#ifndef CA_PROFILE_VIEW_H
#define CA_PROFILE_VIEW_H

#include "profile/profile.h"

struct profile_view;

/* dir: folder of the files; NULL: no files are kept (LDAPProfileSubsystem).
 * applied: host-local file that holds the texts last applied; one that cannot
 * be read counts as missing. */
MUST enum rc profile_view_open(struct profile_view **out, const char *dir,
    const char *applied, struct err *e);
/* Writes what was applied, if that changed. */
MUST enum rc profile_view_save(struct profile_view *v, struct err *e);
void profile_view_free(struct profile_view *v);
OWNED(profile_view)

/* The text last applied; NULL when not known. */
const char *profile_view_base(const struct profile_view *v, const char *id);
/* Appends the file's text; *found false when there is none, or it is empty. */
MUST enum rc profile_view_read(const struct profile_view *v, struct buf *text,
    bool *found, const char *id, struct err *e);
/* Writes the file and holds its text as applied. */
MUST enum rc profile_view_write(
    struct profile_view *v, const struct profile *x, struct err *e);
/* Holds the file as it is as applied; it says what x says. */
MUST enum rc profile_view_accept(
    struct profile_view *v, const struct profile *x, struct err *e);
/* Removes the file and what was applied. */
void profile_view_remove(struct profile_view *v, const char *id);
/* Renames the file to <id>.cfg.replaced. */
MUST enum rc profile_view_set_aside(
    struct profile_view *v, const char *id, struct err *e);
/* Every id that has a file or an applied text, sorted; *out and its strings are
 * the caller's: profile_view_ids_free. */
MUST enum rc profile_view_ids(
    const struct profile_view *v, char ***out, size_t *n, struct err *e);
void profile_view_ids_free(char **ids, size_t n);

/* Do both say the same, key by key? */
bool profile_same(const struct profile *a, const struct profile *b);
/* Line by line: what mine changed since base, else what theirs says; *clashes
 * counts the lines that both changed, where mine counts. The id and class are
 * those of theirs. RC_INVALID when the result is no profile. */
MUST enum rc profile_merge(struct profile **out, const struct profile *base,
    const struct profile *mine, const struct profile *theirs, size_t *clashes,
    struct err *e);

#endif
