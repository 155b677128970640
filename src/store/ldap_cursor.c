/* SPDX-License-Identifier: Apache-2.0 */
/* ldap_cursor.c - how far the changes of a directory have been seen (design.md,
 * "The feed's cursor"; spec directory 5.4).
 *
 * entryUSN counts what one server has carried out. A number kept here means
 * something only while that server goes on from where it was: so an entry of our
 * own, the sentinel, is written and its number remembered. A server that was
 * loaded anew, or restored, has another number in it, or none. Then a new epoch
 * begins and everything is read again.
 * Owns:    the notes "directory", "epoch", "usn" and "sentinel", and the entry
 *          cn=feed-<name>,ou=signet.
 * Trusts:  nothing from the network.
 * Threads: opening and closing: one; the rest: the feed's. */
#include <openssl/rand.h>

#include "base/log.h"
#include "store/ldap_int.h"

enum {
	NAME_BYTES = 8,
	UNSIGNED_MINUS = 20, /* digits of 18446744073709551615 */
	EPOCH_MAX = 0xfffff,
};

/* --- the server ---------------------------------------------------------- */

/* The USN plug-in's newest number, in the root DSE. */
static enum rc
read_usn(struct ldap_be *be, uint64_t *out, struct err *e)
{
	AUTO_BUF attr = buf_empty(0);
	AUTO_BUF text = buf_empty(0);
	int64_t n = 0;
	enum rc rc;

	*out = 0;
	buf_addf(&attr, "lastusn;%s",
	    be->database != NULL ? be->database : "userroot");
	rc = dir_read_one(be, &text, "", buf_cstr(&attr), e);
	be->has_usn = rc == RC_OK;
	if (rc != RC_OK)
		return rc == RC_NOTFOUND ? RC_OK : rc; /* it does not act */
	/* -1: nothing has been numbered yet; after a death of the server this was
	 * seen as an unsigned number */
	if (text.len == UNSIGNED_MINUS)
		return RC_OK;
	if ((rc = text_int(&n, buf_cstr(&text), -1, INT64_MAX, e)) != RC_OK)
		return rc;
	*out = n > 0 ? (uint64_t)n : 0;
	return RC_OK;
}

/* --- the sentinel -------------------------------------------------------- */

static enum rc
fresh_name(struct buf *out, struct err *e)
{
	uint8_t b[NAME_BYTES];

	if (RAND_bytes(b, sizeof(b)) != 1)
		return err_set(e, RC_INTERNAL, "no random bytes");
	buf_add_hex(out, view_of(b, sizeof(b)));
	return buf_check(out, e);
}

static enum rc
sentinel_dn(struct ldap_be *be, struct buf *out, struct err *e)
{
	AUTO_BUF name = buf_empty(0);
	enum rc rc = dir_note_get(be, &name, "name", e);

	if (rc == RC_OK && name.len == 0 &&
	    (rc = fresh_name(&name, e)) == RC_OK)
		rc = dir_note_set(be, "name", buf_cstr(&name), e);
	buf_addf(out, "cn=feed-%s,ou=signet,%s", buf_cstr(&name), be->base_dn);
	return rc;
}

/* What it says and its number: "mark usn". */
static enum rc
read_sentinel(
    struct ldap_be *be, struct buf *out, const char *dn, struct err *e)
{
	enum rc rc = dir_read_one(be, out, dn, "description", e);

	if (rc != RC_OK)
		return rc;
	buf_add_char(out, ' ');
	return dir_read_one(be, out, dn, "entryUSN", e);
}

/* *as_left: it is as it was left, with that number. */
static enum rc
check_sentinel(struct ldap_be *be, bool *as_left, uint64_t *usn, struct err *e)
{
	AUTO_BUF dn = buf_empty(LDAP_BE_DN_MAX);
	AUTO_BUF want = buf_empty(0);
	AUTO_BUF got = buf_empty(0);
	const char *number;
	int64_t n = 0;
	enum rc rc;

	*as_left = false;
	*usn = 0;
	if ((rc = dir_note_get(be, &want, "sentinel", e)) != RC_OK ||
	    want.len == 0 || (rc = sentinel_dn(be, &dn, e)) != RC_OK)
		return rc;
	rc = read_sentinel(be, &got, buf_cstr(&dn), e);
	if (rc == RC_NOTFOUND)
		return RC_OK;
	if (rc != RC_OK)
		return rc;
	number = strchr(buf_cstr(&want), ' ');
	if (strcmp(buf_cstr(&want), buf_cstr(&got)) != 0 || number == NULL ||
	    text_int(&n, number + 1, 0, INT64_MAX, NULL) != RC_OK)
		return RC_OK;
	*as_left = true;
	*usn = (uint64_t)n;
	return RC_OK;
}

void
dir_mark(struct ldap_be *be)
{
	AUTO_BUF dn = buf_empty(LDAP_BE_DN_MAX);
	AUTO_BUF mark = buf_empty(0);
	AUTO_BUF now = buf_empty(0);
	struct err e = { 0 };

	if (!be->has_usn)
		return;
	/* one that cannot be written costs a rescan later, no more */
	if (sentinel_dn(be, &dn, &e) != RC_OK ||
	    fresh_name(&mark, &e) != RC_OK ||
	    dir_put_device(be, buf_cstr(&dn), buf_cstr(&mark), &e) != RC_OK ||
	    read_sentinel(be, &now, buf_cstr(&dn), &e) != RC_OK ||
	    /* a later run relies on all before it having been handed over */
	    (be->in_step && dir_fill_gaps(be, &e) != RC_OK) ||
	    dir_note_set(be, "sentinel", buf_cstr(&now), &e) != RC_OK)
		log_debug("store", "no mark in the directory: %s", e.text);
	be->marked = be->newest;
}

/* --- epochs -------------------------------------------------------------- */

static enum rc
save_epoch(struct ldap_be *be, const char *directory, struct err *e)
{
	char text[32];
	enum rc rc;

	snprintf(text, sizeof(text), "%llu", (unsigned long long)be->epoch);
	if ((rc = dir_note_set(be, "epoch", text, e)) != RC_OK ||
	    (rc = dir_note_set(be, "directory", directory, e)) != RC_OK)
		return rc;
	snprintf(text, sizeof(text), "%llu", (unsigned long long)be->newest);
	return dir_note_set(be, "usn", text, e);
}

enum rc
dir_cursor_check(struct ldap_be *be, bool *same, struct err *e)
{
	AUTO_BUF epoch = buf_empty(0);
	AUTO_BUF last = buf_empty(0);
	AUTO_BUF who = buf_empty(0);
	AUTO_BUF now = buf_empty(0);
	int64_t n = 0, usn = 0;
	uint64_t newest = 0;
	bool as_left = false;
	enum rc rc;

	buf_addf(&now, "%s %s", be->url, be->generation);
	if ((rc = read_usn(be, &newest, e)) != RC_OK ||
	    (rc = dir_note_get(be, &epoch, "epoch", e)) != RC_OK ||
	    (rc = dir_note_get(be, &last, "usn", e)) != RC_OK ||
	    (rc = dir_note_get(be, &who, "directory", e)) != RC_OK ||
	    (rc = check_sentinel(be, &as_left, &be->sure, e)) != RC_OK)
		return rc;
	/* absent or unusable notes begin anew */
	rc_ignore(text_int(&n, buf_cstr(&epoch), 0, EPOCH_MAX, NULL));
	rc_ignore(text_int(&usn, buf_cstr(&last), 0, INT64_MAX, NULL));
	*same = be->has_usn && as_left && newest >= (uint64_t)usn &&
	    newest >= be->newest && strcmp(buf_cstr(&who), buf_cstr(&now)) == 0;
	be->epoch = *same ? (uint64_t)n : ((uint64_t)n + 1) % EPOCH_MAX;
	if (!*same || be->newest == 0) {
		LOCKED(&be->feed_lock);
		be->newest = newest;
		dir_seen_reset(&be->seen, newest);
	}
	return save_epoch(be, buf_cstr(&now), e);
}

bool
dir_cursor_holds(struct ldap_be *be)
{
	uint64_t usn;
	bool as_left = true;

	/* without a sentinel or an answer nobody can say */
	if (!be->has_usn || be->marked == 0 ||
	    check_sentinel(be, &as_left, &usn, NULL) != RC_OK)
		return true;
	return as_left;
}
