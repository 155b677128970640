/* SPDX-License-Identifier: Apache-2.0 */
/* profiles.h - the profiles of a CA in memory, from their records, which all
 * clones share. Files under conf/ca/profiles/ca are a hand-edited view
 * (ca/profile_view.h): what was edited since it was applied last changes the
 * record at the next start or redeploy, line by line; a record that changes,
 * here or on a clone, changes memory at once and rewrites its file, unless that
 * holds an edit that waits to be taken. A removed file comes back: profiles are
 * deleted by pki ca-profile-del.
 *
 * How records merge: a change replaces the text that it was made from, and its
 * lastModified is the greater one, whatever the clock says. Of two made at once
 * on two clones the one with the greater lastModified counts, everywhere; the
 * other is dropped and named in the log. */
#ifndef CA_PROFILES_H
#define CA_PROFILES_H

#include "base/clock.h"
#include "profile/profile.h"
#include "store/store.h"

struct profiles;

/* None yet. dir: folder of the files, NULL to keep none; applied: file with the
 * texts last applied. */
MUST enum rc profiles_new(struct profiles **out, struct store *s,
    const char *dir, const char *applied, const struct clock *clock,
    struct err *e);
/* Reads the records and takes edited files over. The feed must be followed
 * already, so that no change falls between. */
MUST enum rc profiles_start(struct profiles *p, struct err *e);
void profiles_free(struct profiles *p);
OWNED(profiles)
/* Installation: every profile file of `from` becomes a record and a file in dir
 * (NULL: no files are kept), in one commit. */
MUST enum rc profiles_install(struct store *s, const char *from,
    const char *dir, const char *applied, struct err *e);

/* The record of a profile (spec directory 2.10), and back; NULL when memory is
 * out. Of several texts the one that counts. */
struct rec *profiles_encode(const struct profile *x);
MUST enum rc profiles_decode(
    struct profile **out, const struct rec *r, struct err *e);

/* A reference; RC_NOTFOUND "Profile X Not Found". */
MUST enum rc profiles_get(
    struct profiles *p, struct profile **out, const char *id, struct err *e);
/* In order of id, until fn returns false. */
void profiles_each(
    struct profiles *p, bool (*fn)(void *arg, struct profile *x), void *arg);

/* Always starts disabled. RC_EXISTS. */
MUST enum rc profiles_add(struct profiles *p, struct profile *x, struct err *e);
/* RC_CONFLICT while enabled, or when another change came first. */
MUST enum rc profiles_modify(
    struct profiles *p, struct profile *x, struct err *e);
MUST enum rc profiles_delete(struct profiles *p, const char *id, struct err *e);
/* RC_CONFLICT when it is in that state already; a profile whose plug-ins cannot
 * work is not enabled. */
MUST enum rc profiles_enable(struct profiles *p, const char *id, bool enable,
    const char *by, struct err *e);

/* The feed's hand: a profile record has changed (r NULL = deleted). The caller
 * sees to it that profiles_tick runs soon. */
void profiles_follow(struct profiles *p, const char *id, const struct rec *r);
/* Brings memory and files in step with the records, if any changed; ms until it
 * wants to run again. */
int64_t profiles_tick(struct profiles *p);

#endif
