/* SPDX-License-Identifier: Apache-2.0 */
/* directory.h - the directory server under a subsystem: back ends, containers,
 * indexes, virtual lists, rights of the database user (spec deployment 1.6,
 * 2.5, 3.6; directory 2 and 3). Every function works on a bound connection and
 * on the suffix that c names; what is there already is left or said. */
#ifndef DEPLOY_DIRECTORY_H
#define DEPLOY_DIRECTORY_H

#include "deploy/values.h"
#include "instance/dbconf.h"
#include "store/ds_admin.h"

/* A line of progress; fn may be NULL where one is taken. */
typedef void (*directory_say)(void *arg, const char *line);

/* --- parameters of pkispawn (directory_spawn.c) --------------------------- */

/* Did the user name a directory (pki_ds_url or an older pki_ds_hostname)? Else
 * the store is the embedded one. */
bool directory_wanted(struct values *v);
/* Sets host, port, secure and url of c from ldap://host:port or ldaps://...;
 * what names the parameter in the refusal. */
MUST enum rc directory_parse_url(
    struct dbconf *c, const char *url, const char *what, struct err *e);
/* Where the parameters say the records go. The URL may hold ldap:// or
 * ldaps://; a missing password is refused as pkispawn does. Issuers are read
 * from pki_ds_secure_connection_ca_pem_file on LDAPS. */
MUST enum rc directory_from_values(struct dbconf **out, struct values *v,
    const struct instance_paths *paths, const char *sub, struct err *e);
/* Everything that can be refused before anything is made: the server answers
 * and takes the password; base DN and database are free or may be removed.
 * RC_EXISTS "ERROR:  Base DN already exists. ..." */
MUST enum rc directory_check(
    struct values *v, const struct dbconf *c, struct err *e);
/* Removes what stands in the way, where pki_ds_remove_data allows it, and makes
 * back end, schema, containers and indexes. *made: directory_undo may remove
 * the data again. containers false: the entries come by replication. */
MUST enum rc directory_setup(struct values *v, const struct dbconf *c,
    bool containers, bool *made, directory_say say, void *arg, struct err *e);
/* Takes back what directory_setup made. */
void directory_undo(struct values *v, const struct dbconf *c);

/* --- back ends (directory_db.c) -------------------------------------------- */

/* Appends the entry names of cn=config. */
void directory_backend_dn(struct buf *out, const char *database);
void directory_mapping_dn(struct buf *out, const char *suffix);
/* Names of back end and suffix that hold dn, appended (nothing: none does). */
MUST enum rc directory_holder(struct ds_admin *d, struct buf *backend,
    struct buf *suffix, const char *dn, struct err *e);
/* Back end and mapping of c; both may be there, for this suffix. RC_CONFLICT
 * "Database <db> is owned by <dn>". */
MUST enum rc directory_create_db(
    struct ds_admin *d, const struct dbconf *c, struct err *e);
/* Mapping with replica and agreements, then the back end with all its data.
 * RC_OK when there is none; RC_CONFLICT as above. */
MUST enum rc directory_remove_db(
    struct ds_admin *d, const struct dbconf *c, struct err *e);
/* All entries below base and base itself. RC_CONFLICT when the suffix has
 * agreements: the deletions would reach the other servers. */
MUST enum rc directory_empty_db(
    struct ds_admin *d, const struct dbconf *c, struct err *e);

/* --- indexes and virtual lists (directory_index.c) ------------------------- */

/* Adds the index definitions of c's subsystem that are missing (also types
 * that one lacks). */
MUST enum rc directory_index_add(
    struct ds_admin *d, const struct dbconf *c, struct err *e);
/* Builds them anew by a task and waits until it has ended well. */
MUST enum rc directory_index_rebuild(struct ds_admin *d, const struct dbconf *c,
    directory_say say, void *arg, struct err *e);
/* The virtual lists of an instance: made, taken away, filled. */
MUST enum rc directory_vlv_add(struct ds_admin *d, const struct dbconf *c,
    const char *instance, struct err *e);
MUST enum rc directory_vlv_del(struct ds_admin *d, const struct dbconf *c,
    const char *instance, struct err *e);
MUST enum rc directory_vlv_reindex(struct ds_admin *d, const struct dbconf *c,
    const char *instance, directory_say say, void *arg, struct err *e);
/* Calls fn for each definition that is there. */
MUST enum rc directory_vlv_find(struct ds_admin *d, const struct dbconf *c,
    bool (*fn)(void *arg, const struct ds_entry *x), void *arg, struct err *e);

/* --- rights (directory_access.c) ------------------------------------------- */

/* What the database user dn needs on suffix and cn=config (spec directory
 * 2.4). Granting twice and revoking what is not there: RC_OK. */
MUST enum rc directory_grant(
    struct ds_admin *d, const struct dbconf *c, const char *dn, struct err *e);
MUST enum rc directory_revoke(
    struct ds_admin *d, const struct dbconf *c, const char *dn, struct err *e);
/* The database user below ou=people: entry, limits, certificate (DER), groups
 * of a CA; seeAlso with its subject leaves all other users. */
MUST enum rc directory_add_user(struct store *s, struct ds_admin *d,
    const struct dbconf *c, const char *dn, struct view cert, struct err *e);

#endif
