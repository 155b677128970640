/* SPDX-License-Identifier: Apache-2.0 */
/* ldap_seen.c - which changes of the directory the watchers have been handed, by
 * entryUSN, so that what the persistent search has not brought yet can be asked
 * for.
 *
 * Own changes are handed over at once, others when the search brings them: a
 * number may be seen before a lower one. The numbers jumped over are gaps, which
 * close when a change fills them, or when they have been asked for and are old
 * enough that no operation of then can still be under way (a number is given
 * before the entry can be found). An operation that fails gives its number back,
 * perhaps after another one took the next: so a number may even be given twice,
 * and the last ones are asked for again each time.
 * Owns:    nothing beyond struct dir_seen.
 * Trusts:  nothing from the network.
 * Threads: feed_lock is held. */
#include "store/ldap_int.h"

void
dir_seen_reset(struct dir_seen *s, uint64_t top)
{
	*s = (struct dir_seen){ .top = top };
}

/* The two that lie closest become one. */
static void
make_room(struct dir_seen *s)
{
	size_t best = 1;

	for (size_t i = 2; i < s->n_gaps; i++)
		if (s->gaps[i].from - s->gaps[i - 1].to <
		    s->gaps[best].from - s->gaps[best - 1].to)
			best = i;
	s->gaps[best - 1].to = s->gaps[best].to;
	if (s->gaps[best].since_ms > s->gaps[best - 1].since_ms)
		s->gaps[best - 1].since_ms = s->gaps[best].since_ms;
	s->n_gaps--;
	memmove(&s->gaps[best], &s->gaps[best + 1],
	    (s->n_gaps - best) * sizeof(s->gaps[0]));
}

/* In order, before gap i. */
static void
insert(struct dir_seen *s, size_t i, struct dir_gap g)
{
	memmove(
	    &s->gaps[i + 1], &s->gaps[i], (s->n_gaps - i) * sizeof(s->gaps[0]));
	s->gaps[i] = g;
	s->n_gaps++;
	if (s->n_gaps == LDAP_BE_GAPS)
		make_room(s);
}

static void
remove_gap(struct dir_seen *s, size_t i)
{
	s->n_gaps--;
	memmove(
	    &s->gaps[i], &s->gaps[i + 1], (s->n_gaps - i) * sizeof(s->gaps[0]));
}

void
dir_seen_number(struct dir_seen *s, uint64_t usn, int64_t now_ms)
{
	if (usn > s->top) {
		if (usn > s->top + 1)
			insert(s, s->n_gaps,
			    (struct dir_gap){ s->top + 1, usn - 1, now_ms });
		s->top = usn;
		return;
	}
	for (size_t i = s->n_gaps; i-- > 0;) {
		struct dir_gap g = s->gaps[i];

		if (usn < g.from || usn > g.to)
			continue;
		if (g.from == g.to) {
			remove_gap(s, i);
		} else if (usn == g.from) {
			s->gaps[i].from++;
		} else if (usn == g.to) {
			s->gaps[i].to--;
		} else {
			s->gaps[i].to = usn - 1;
			insert(s, i + 1,
			    (struct dir_gap){ usn + 1, g.to, g.since_ms });
		}
		return;
	}
}

void
dir_seen_asked(struct dir_seen *s, int64_t before_ms)
{
	for (size_t i = s->n_gaps; i-- > 0;)
		if (s->gaps[i].since_ms < before_ms)
			remove_gap(s, i);
}

void
dir_seen_filter(const struct dir_seen *s, struct buf *out)
{
	uint64_t tail = s->top > LDAP_BE_TAIL ? s->top - LDAP_BE_TAIL + 1 : 1;

	buf_addf(out, "(|(entryUSN>=%" PRIu64 ")", tail);
	for (size_t i = 0; i < s->n_gaps && s->gaps[i].from < tail; i++) {
		const struct dir_gap *g = &s->gaps[i];

		if (g->from == g->to)
			buf_addf(out, "(entryUSN=%" PRIu64 ")", g->from);
		else
			buf_addf(out,
			    "(&(entryUSN>=%" PRIu64 ")(entryUSN<=%" PRIu64 "))",
			    g->from, g->to);
	}
	buf_add_char(out, ')');
}

bool
dir_seen_newer(const struct dir_seen *s, uint64_t id_hash, uint64_t usn)
{
	for (size_t i = 0; i < LDAP_BE_RECENT; i++)
		if (s->recent[i].id_hash == id_hash && s->recent[i].usn >= usn)
			return true;
	return false;
}

void
dir_seen_state(struct dir_seen *s, uint64_t id_hash, uint64_t usn)
{
	s->recent[s->recent_at++ % LDAP_BE_RECENT] =
	    (struct dir_recent){ id_hash, usn };
}
