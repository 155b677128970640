/* SPDX-License-Identifier: Apache-2.0 */
/* ds_ruv.h - what a directory server has seen of each replica of a suffix: its
 * update vector (spec directory 4.5). */
#ifndef STORE_DS_RUV_H
#define STORE_DS_RUV_H

#include "store/ds_admin.h"

enum {
	REPL_CSN_LEN = 20,
	REPL_IDS = 64, /* replicas of one suffix that are looked at */
};
struct repl_seen {
	int64_t id;
	char url[256];              /* "ldap://host:port", may be "" */
	char csn[REPL_CSN_LEN + 1]; /* newest change; "" = none */
};
struct repl_ruv {
	char generation[REPL_CSN_LEN + 1];
	size_t n;
	struct repl_seen seen[REPL_IDS];
};
/* Reads nsds50ruv of an entry that a search found, a replica's; out begins
 * zeroed. What cannot be read is left out. */
void ds_ruv_take(struct repl_ruv *out, const struct ds_entry *x);
/* Newest change of a replica that was seen; "" = none. */
const char *ds_ruv_csn(const struct repl_ruv *r, int64_t id);

#endif
