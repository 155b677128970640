/* SPDX-License-Identifier: Apache-2.0 */
/* ldap_write.c - commits to the directory. Some run at once, each on its own
 * connection; those that touch the same record follow one another, all begin in
 * the order of their calls.
 * Owns:    nothing beyond one commit.
 * Trusts:  the batch passed batch_check.
 * Threads: any. */
#include <time.h>

#include "base/log.h"
#include "store/ldap_int.h"

/* --- boarding ------------------------------------------------------------ */

/* Records are told apart by one of 64 bits; two of one bit take turns though
 * they need not. */
static uint64_t
bit_of(enum rec_kind k, const char *id)
{
	uint64_t h = 0xcbf29ce484222325u + k;

	for (; *id != '\0'; id++)
		h = (h ^ (uint8_t)(*id | 0x20)) * 0x100000001b3u; /* FNV-1a */
	return 1ull << (h >> 58);
}

static uint64_t
bits_of(const struct batch *b)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < b->n; i++)
		bits |= bit_of(b->changes[i].kind, b->changes[i].id);
	return bits;
}

/* Tickets that were given up are passed over. */
static void
next_ticket(struct ldap_be *be)
{
	while (
	    be->given_up[be->boarding % LDAP_BE_GIVEN_UP] == be->boarding + 1)
		be->boarding++;
	pthread_cond_broadcast(&be->landed);
}

/* Waits for its turn: RC_UNAVAILABLE when those in front take too long. */
static enum rc
board(struct ldap_be *be, uint64_t bits, struct err *e)
{
	uint64_t ticket;
	struct timespec until;
	int c = 0;

	until = thread_deadline(CLOCK_REALTIME, INT64_C(2000) * be->timeout_ms);
	LOCKED(&be->flight_lock);
	ticket = be->tickets++;
	while (c == 0 &&
	    (be->boarding != ticket || (be->flying & bits) != 0 ||
		be->n_flying >= LDAP_BE_PIPELINE))
		c = pthread_cond_timedwait(
		    &be->landed, &be->flight_lock, &until);
	if (c != 0) {
		be->given_up[ticket % LDAP_BE_GIVEN_UP] = ticket + 1;
		next_ticket(be);
		return err_set(e, RC_UNAVAILABLE,
		    "directory %s is too slow: %u changes are on their way",
		    be->url, be->n_flying);
	}
	be->boarding++;
	next_ticket(be);
	be->flying |= bits;
	be->n_flying++;
	return RC_OK;
}

static void
land(struct ldap_be *be, uint64_t bits)
{
	LOCKED(&be->flight_lock);
	be->flying &= ~bits;
	be->n_flying--;
	pthread_cond_broadcast(&be->landed);
}

void
dir_wait_landed(struct ldap_be *be, enum rec_kind k, const char *id)
{
	LOCKED(&be->flight_lock);
	while ((be->flying & bit_of(k, id)) != 0)
		pthread_cond_wait(&be->landed, &be->flight_lock);
}

/* --- commits ------------------------------------------------------------- */

struct commit {
	size_t done;  /* changes that are in the directory */
	bool unclear; /* not answered, or refused for now behind the decision */
};

static enum rc
write_one(struct ldap_be *be, LDAP *ld, const struct change *c,
    LDAPControl *post, int *code, struct err *e)
{
	struct op_result r;
	enum rc rc = dir_op(be, ld, c, post, &r, e);

	*code = r.code;
	if (rc == RC_OK) {
		be->records++;
		if (r.now != NULL || r.gone)
			dir_deliver_own(be, c->kind, c->id, r.now);
	}
	rec_free(r.now);
	return rc;
}

static enum rc
write_all(
    struct ldap_be *be, const struct batch *b, struct commit *x, struct err *e)
{
	LDAPControl *post = NULL;
	int code = dir_post_read_control(&post);
	LDAP *ld = NULL;
	enum rc rc;

	if (code != LDAP_SUCCESS)
		return dir_err(e, code, "post-read");
	rc = dir_take(be, &ld, e);
	while (rc == RC_OK && x->done < b->n) {
		rc = write_one(be, ld, &b->changes[x->done], post, &code, e);
		/* a pooled connection may have ended while it rested; whether
		 * this operation reached the directory nobody knows */
		x->unclear =
		    dir_broken(code) || (x->done > 0 && dir_rc_passing(rc));
		if (rc == RC_OK)
			x->done++;
	}
	if (ld != NULL)
		dir_give(be, ld, code);
	ldap_control_free(post);
	return rc;
}

enum rc
dir_commit(void *impl, const struct batch *b, struct err *e)
{
	struct commit x = { 0, false };
	struct ldap_be *be = impl;
	uint64_t intent = 0, bits = bits_of(b);
	enum rc rc = dir_up(be, e);

	if (rc != RC_OK || (rc = board(be, bits, e)) != RC_OK)
		return rc;
	rc = dir_intend(be, &intent, b, e);
	if (rc == RC_OK)
		rc = write_all(be, b, &x, e);
	land(be, bits);
	if (x.unclear)
		dir_orphan(be, intent); /* asked for when it answers again */
	else
		dir_settle(be, intent, x.done > 0 || b->n == 0);
	if (rc == RC_OK)
		be->commits++;
	return rc == RC_OK && dir_ack_wanted(be, b) ? dir_ack_wait(be, e) : rc;
}

/* --- finishing ----------------------------------------------------------- */

enum rc
dir_redo(struct ldap_be *be, const struct change *c, struct err *e)
{
	LDAPControl *post = NULL;
	int code = dir_post_read_control(&post);
	LDAP *ld = NULL;
	enum rc rc;

	if (code != LDAP_SUCCESS)
		return dir_err(e, code, "post-read");
	if ((rc = dir_take(be, &ld, e)) == RC_OK) {
		rc = write_one(be, ld, c, post, &code, e);
		dir_give(be, ld, code);
	}
	ldap_control_free(post);
	if (rc == RC_OK)
		log_info(
		    "store", "finished: %s %s", rec_kind_text(c->kind), c->id);
	/* done before the cut, or overtaken by a later change */
	if (rc == RC_EXISTS || rc == RC_CONFLICT || rc == RC_NOTFOUND)
		rc = RC_OK;
	return rc;
}
