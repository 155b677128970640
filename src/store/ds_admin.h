/* SPDX-License-Identifier: Apache-2.0 */
/* ds_admin.h - administration of a directory server: single operations on
 * cn=config and on suffixes, below the records of store.h. Everything goes
 * through one connection, one operation at a time.
 *
 * Errors name the entry, what the directory said and its own remark:
 * RC_NOTFOUND, RC_EXISTS, RC_AUTH, RC_DENIED, RC_INVALID, RC_UNAVAILABLE and
 * RC_TIMEOUT as in the table of dir_err. */
#ifndef STORE_DS_ADMIN_H
#define STORE_DS_ADMIN_H

#include "base/buf.h"
#include "store/store.h"

struct ds_admin;

/* Connects and binds. url, starttls, ca_file, bind_dn, password and timeout_ms
 * of p count, the rest is not used. RC_UNAVAILABLE: the server does not answer;
 * RC_AUTH: it refused DN or password. The text says which, with the URL. */
MUST enum rc ds_admin_open(
    struct ds_admin **out, const struct ldap_params *p, struct err *e);
void ds_admin_free(struct ds_admin *d);
OWNED(ds_admin)
/* The URL it was opened with; lives as long as d. */
const char *ds_admin_url(const struct ds_admin *d);

/* One value of an attribute; a name may come several times (several values).
 * A password stands in secret in place of value. Lists end with name NULL. */
struct ds_attr {
	const char *name, *value;
	const struct secret *secret;
};
enum {
	DS_ATTRS_MAX = 64, /* values of one entry or modification */
};

/* Adds an entry. RC_EXISTS when dn is taken. */
MUST enum rc ds_add(struct ds_admin *d, const char *dn,
    const struct ds_attr *attrs, struct err *e);
/* Changes one attribute: all values of the list (its names are ignored but must
 * be set) are added, deleted or put in place of what was there. Adding a value
 * that is there and deleting one that is not: RC_CONFLICT. */
MUST enum rc ds_modify(struct ds_admin *d, const char *dn, enum mod_op op,
    const char *attr, const struct ds_attr *values, struct err *e);
/* The same with one value (NULL: none, as for removing an attribute). A value
 * that is already added, or already gone, is RC_OK. */
MUST enum rc ds_set(struct ds_admin *d, const char *dn, enum mod_op op,
    const char *attr, const char *value, struct err *e);
/* Gives dn the name rdn ("cn=new") in its place; keep_old: the old name's values
 * stay as values. */
MUST enum rc ds_rename(struct ds_admin *d, const char *dn, const char *rdn,
    bool keep_old, struct err *e);
/* RC_NOTFOUND when there is none. */
MUST enum rc ds_delete(struct ds_admin *d, const char *dn, struct err *e);
/* Deletes dn and all below it, deepest first; keep_top leaves dn itself. An
 * absent dn is RC_OK. */
MUST enum rc ds_delete_tree(
    struct ds_admin *d, const char *dn, bool keep_top, struct err *e);

enum ds_scope {
	DS_BASE,
	DS_ONE,
	DS_SUB,
};
/* An entry during the call of a search. */
struct ds_entry {
	const char *dn;
	void *impl[2];
};
/* The i-th value of an attribute, NUL-terminated; NULL = no such. It lives
 * during the call. */
const char *ds_value(
    const struct ds_entry *x, const char *attr, size_t i, struct buf *out);
/* Calls fn for each entry until it returns false. attrs NULL = all user
 * attributes. An absent base is RC_NOTFOUND. */
MUST enum rc ds_search(struct ds_admin *d, const char *base,
    enum ds_scope scope, const char *filter, const char *const *attrs,
    bool (*fn)(void *arg, const struct ds_entry *x), void *arg, struct err *e);
/* First value of an attribute, appended to out; an entry without it leaves out
 * as it was. RC_NOTFOUND: no such entry. */
MUST enum rc ds_get(struct ds_admin *d, struct buf *out, const char *dn,
    const char *attr, struct err *e);
/* *out: is there an entry of that DN? */
MUST enum rc ds_exists(
    struct ds_admin *d, bool *out, const char *dn, struct err *e);

/* Adds definitions to cn=schema in one operation (lists ended by NULL); those
 * that are there already are no error. */
MUST enum rc ds_add_schema(
    struct ds_admin *d, char **types, char **classes, struct err *e);

/* Parts of what a suffix needs before records can live in it. */
enum setup_part {
	SETUP_CONFIG = 1,     /* limits, USN plug-in, ou=csusers */
	SETUP_SCHEMA = 2,     /* all definitions */
	SETUP_BASE = 4,       /* the suffix entry */
	SETUP_CONTAINERS = 8, /* ou=people and its like (spec directory 2.2) */
	SETUP_ALL = 15,
};
/* Makes these parts for a subsystem ("ca") below base; all may be there
 * already. */
MUST enum rc store_setup_parts(struct ds_admin *d, const char *base,
    const char *subsystem, unsigned parts, struct err *e);

/* Adds a task entry, waits for nsTaskExitCode and demands 0; RC_INTERNAL with
 * the task's own words otherwise, RC_TIMEOUT after timeout_ms. progress (may be
 * NULL) gets nsTaskStatus as it changes. */
MUST enum rc ds_task(struct ds_admin *d, const char *dn,
    const struct ds_attr *attrs, int timeout_ms,
    void (*progress)(void *arg, const char *text), void *arg, struct err *e);
/* Waits ms milliseconds between two looks at something in the directory. */
void ds_pause(int ms);

/* Appends value as the value of an RDN (RFC 4514: quoted where it must be). */
void ds_add_rdn(struct buf *out, const char *value);
/* Appends value as it may stand in a filter (RFC 4515). */
void ds_add_filter(struct buf *out, const char *value);
/* Do two DNs name the same entry? Case, blanks and quoting do not count. */
bool ds_dn_same(const char *a, const char *b);
/* Is dn the base itself or below it? */
bool ds_dn_below(const char *dn, const char *base);

#endif
