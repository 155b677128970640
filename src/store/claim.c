/* SPDX-License-Identifier: Apache-2.0 */
/* claim.c - claims and the notes of a hand-over: order, numbers, entries.
 * Owns:    nothing beyond the lists it hands out.
 * Trusts:  nothing: an entry may be another version's; such are left out.
 * Threads: any. */
#include "store/claim.h"

#include <stdio.h>

enum {
	ROOM_OCTET = NUM_MAX - 5, /* holds bits 32 to 39 */
	ROOM_LOW = 0x0f,          /* its bits below the epoch */
	ADD_TRIES = 64,
};

static const struct {
	const char *word;
	bool holds;
} kinds[CLAIM_KINDS] = {
#define X(name, word, holds) { word, holds },
	CLAIM_KIND_LIST(X)
#undef X
};

const char *
claim_kind_text(enum claim_kind k)
{
	return k < CLAIM_KINDS ? kinds[k].word : "unknown";
}

bool
claim_kind_holds(enum claim_kind k)
{
	return k < CLAIM_KINDS && kinds[k].holds;
}

int
claim_cmp(const struct claim *a, const struct claim *b)
{
	int d = num_cmp(&a->number, &b->number);

	if (d != 0)
		return d;
	if (a->by.host_id != b->by.host_id)
		return a->by.host_id < b->by.host_id ? -1 : 1;
	if (a->n != b->n)
		return a->n < b->n ? -1 : 1;
	return strcmp(a->id, b->id);
}

enum rc
claim_id(char out[CLAIM_ID_MAX], const char *role, uint16_t host_id, uint32_t n,
    struct err *e)
{
	int len = snprintf(
	    out, CLAIM_ID_MAX, "%s.%04x.%u", role, (unsigned)host_id, n);

	if (len < 0 || len >= CLAIM_ID_MAX || strlen(role) >= CLAIM_ROLE_MAX)
		return err_set(e, RC_TOOBIG, "claim: role name too long");
	return RC_OK;
}

/* --- numbers ------------------------------------------------------------ */

struct wide {
	uint8_t b[NUM_MAX]; /* big-endian */
};

static struct wide
widen(const struct num *n)
{
	struct wide w = { { 0 } };

	memcpy(w.b + sizeof(w.b) - n->len, n->b, n->len);
	return w;
}

static struct num
narrow(const struct wide *w)
{
	size_t skip = 0;
	struct num n;

	while (skip + 1 < sizeof(w->b) && w->b[skip] == 0)
		skip++;
	n.len = (uint8_t)(sizeof(w->b) - skip);
	memcpy(n.b, w->b + skip, n.len);
	return n;
}

/* Adds `by` to octet `at`; false when it runs over. */
static bool
carry(struct wide *w, size_t at, unsigned by)
{
	for (;;) {
		by += w->b[at];
		w->b[at] = (uint8_t)(by & 0xff);
		by >>= 8;
		if (by == 0)
			return true;
		if (at-- == 0)
			return false;
	}
}

/* RFC 5280 5.2.3: at most 20 octets, and as an INTEGER it is positive. */
static enum rc
fit(struct num *out, const struct wide *w, bool ok, struct err *e)
{
	if (!ok || (w->b[0] & 0x80) != 0)
		return err_set(e, RC_TOOBIG, "CRL number: used up");
	*out = narrow(w);
	return RC_OK;
}

enum rc
claim_number_after(struct num *out, const struct num *n, struct err *e)
{
	struct wide w = widen(n);
	bool ok = carry(&w, sizeof(w.b) - 1, 1);

	return fit(out, &w, ok, e);
}

enum rc
claim_number_forced(struct num *out, const struct num *greatest,
    uint16_t host_id, struct err *e)
{
	struct wide w = widen(greatest);
	uint64_t room = (uint64_t)host_id << CLAIM_ROOM_BITS;
	bool ok;
	size_t i;

	w.b[ROOM_OCTET] &= (uint8_t)~ROOM_LOW;
	ok = carry(&w, ROOM_OCTET, ROOM_LOW + 1);
	for (i = 0; i < 4; i++)
		w.b[sizeof(w.b) - 1 - i] = (uint8_t)(room >> (8 * i));
	w.b[ROOM_OCTET] |= (uint8_t)(room >> 32);
	return fit(out, &w, ok, e);
}

struct num
claim_number_end(const struct num *first)
{
	struct wide w = widen(first);
	bool epoch0 = (w.b[ROOM_OCTET] & ~ROOM_LOW) == 0;
	size_t i;

	for (i = 0; i < ROOM_OCTET && epoch0; i++)
		epoch0 = w.b[i] == 0;
	w.b[sizeof(w.b) - 1] = w.b[sizeof(w.b) - 2] = 0xff;
	w.b[sizeof(w.b) - 3] |= 0x0f;
	if (epoch0) {
		w.b[sizeof(w.b) - 3] = w.b[sizeof(w.b) - 4] = 0xff;
		w.b[ROOM_OCTET] |= ROOM_LOW;
	}
	return narrow(&w);
}

enum rc
claim_number_next(struct num *out, const struct claim *c,
    const struct num *highest, struct err *e)
{
	struct num end = claim_number_end(&c->number);

	if (num_cmp(highest, &c->number) < 0) {
		*out = c->number;
		return RC_OK;
	}
	if (num_cmp(highest, &end) >= 0)
		return err_set(e, RC_TOOBIG,
		    "the numbers of the claim %s are used up", c->id);
	return claim_number_after(out, highest, e);
}

/* --- entries ------------------------------------------------------------ */

struct rec *
claim_encode(const struct claim *c)
{
	struct rec *r = rec_new(REC_CLAIM, c->id);
	char dec[NUM_TEXT_MAX];

	if (r == NULL)
		return NULL;
	rec_add_str(r, "signetRole", c->role);
	rec_add_str(r, "signetClaimNumber", num_dec(dec, &c->number));
	rec_addf(r, "signetHostId", "%u", (unsigned)c->by.host_id);
	rec_add_str(r, "host", c->by.host);
	rec_add_date(r, "dateOfCreate", c->made);
	rec_addf(r, "signetValue", "kind=%s", claim_kind_text(c->kind));
	rec_addf(r, "signetValue", "n=%u", c->n);
	rec_addf(r, "signetValue", "port=%d", c->by.port);
	if (c->about[0] != '\0')
		rec_addf(r, "signetValue", "about=%s", c->about);
	if (c->to != 0)
		rec_addf(r, "signetValue", "to=%u", (unsigned)c->to);
	if (c->why[0] != '\0')
		rec_addf(r, "signetValue", "why=%s", c->why);
	return r;
}

/* The rest of the value "name=..."; NULL when there is none. */
static const char *
detail(const struct rec *r, const char *name)
{
	const struct rec_attr *a = rec_attr(r, "signetValue");
	size_t n = strlen(name), i;

	for (i = 0; a != NULL && i < a->n; i++) {
		const char *s = (const char *)a->values[i].data;

		if (a->values[i].len > n && strncmp(s, name, n) == 0 &&
		    s[n] == '=')
			return s + n + 1;
	}
	return NULL;
}

static enum rc
take_text(char *out, size_t size, const char *text, bool needed,
    const char *name, struct err *e)
{
	if (text == NULL)
		text = "";
	if ((needed && text[0] == '\0') || strlen(text) >= size)
		return err_set(
		    e, RC_INVALID, "claim: %s missing or too long", name);
	memcpy(out, text, strlen(text) + 1);
	return RC_OK;
}

static enum rc
take_int(int64_t *out, const char *text, int64_t min, int64_t max,
    const char *name, struct err *e)
{
	if (text == NULL)
		return err_set(e, RC_INVALID, "claim: %s missing", name);
	if (text_int(out, text, min, max, e) != RC_OK)
		return err_prefix(e, "claim: %s", name);
	return RC_OK;
}

static enum rc
take_kind(enum claim_kind *out, const char *word, struct err *e)
{
	int k;

	for (k = 0; word != NULL && k < CLAIM_KINDS; k++)
		if (strcmp(word, kinds[k].word) == 0) {
			*out = (enum claim_kind)k;
			return RC_OK;
		}
	return err_set(e, RC_INVALID, "claim: unknown kind");
}

static enum rc
take_numbers(struct claim *out, const struct rec *r, struct err *e)
{
	const char *to = detail(r, "to"),
		   *number = rec_str(r, "signetClaimNumber");
	int64_t host, n, port, succ = 0;
	enum rc rc;

	if ((rc = take_int(&host, rec_str(r, "signetHostId"), 1, UINT16_MAX,
		 "signetHostId", e)) != RC_OK ||
	    (rc = take_int(&n, detail(r, "n"), 1, UINT32_MAX, "n", e)) !=
		RC_OK ||
	    (rc = take_int(&port, detail(r, "port"), 0, UINT16_MAX, "port",
		 e)) != RC_OK ||
	    (to != NULL &&
		(rc = take_int(&succ, to, 1, UINT16_MAX, "to", e)) != RC_OK))
		return rc;
	if (number == NULL)
		return err_set(
		    e, RC_INVALID, "claim: signetClaimNumber missing");
	out->by.host_id = (uint16_t)host;
	out->by.port = (int)port;
	out->n = (uint32_t)n;
	out->to = (uint16_t)succ;
	return num_parse(&out->number, number, false, e);
}

enum rc
claim_decode(struct claim *out, const struct rec *r, struct err *e)
{
	char id[CLAIM_ID_MAX];
	enum rc rc;

	memset(out, 0, sizeof(*out));
	if ((rc = take_text(
		 out->id, sizeof(out->id), r->id, true, "name", e)) != RC_OK ||
	    (rc = take_text(out->role, sizeof(out->role),
		 rec_str(r, "signetRole"), true, "signetRole", e)) != RC_OK ||
	    (rc = take_text(out->by.host, sizeof(out->by.host),
		 rec_str(r, "host"), true, "host", e)) != RC_OK ||
	    (rc = take_text(out->about, sizeof(out->about), detail(r, "about"),
		 false, "about", e)) != RC_OK ||
	    (rc = take_text(out->why, sizeof(out->why), detail(r, "why"), false,
		 "why", e)) != RC_OK ||
	    (rc = take_kind(&out->kind, detail(r, "kind"), e)) != RC_OK ||
	    (rc = take_numbers(out, r, e)) != RC_OK ||
	    (rc = claim_id(id, out->role, out->by.host_id, out->n, e)) != RC_OK)
		return rc;
	if (rec_date(r, &out->made, "dateOfCreate", e) != RC_OK)
		return err_set(e, RC_INVALID, "claim: no usable dateOfCreate");
	/* the name is what makes it unique: it must say the same */
	if (!text_ieq(id, out->id))
		return err_set(
		    e, RC_INVALID, "claim: name and contents differ");
	return RC_OK;
}

/* --- in a store --------------------------------------------------------- */

void
claims_done(struct claims *c)
{
	free(c->items);
	*c = (struct claims){ NULL, 0 };
}

struct loading {
	struct claims list;
	const char *role;
	enum rc rc;
};

static bool
load_one(void *arg, const struct rec *r)
{
	struct loading *l = arg;
	struct claim c, *grown;

	if (claim_decode(&c, r, NULL) != RC_OK ||
	    (l->role != NULL && strcmp(c.role, l->role) != 0))
		return true;
	grown =
	    reallocarray(l->list.items, l->list.n + 1, sizeof(*l->list.items));
	if (grown == NULL) {
		l->rc = RC_NOMEM;
		return false;
	}
	l->list.items = grown;
	grown[l->list.n++] = c;
	return true;
}

enum rc
claims_load(
    struct claims *out, struct store *s, const char *role, struct err *e)
{
	struct query q = { .kind = REC_CLAIM };
	struct loading l = { { NULL, 0 }, role, RC_OK };
	enum rc rc = store_search(s, &q, load_one, &l, e);

	if (rc == RC_OK && l.rc != RC_OK)
		rc = err_set(e, l.rc, "claims: out of memory");
	if (rc != RC_OK) {
		claims_done(&l.list);
		return err_prefix(e, "claims");
	}
	*out = l.list;
	return RC_OK;
}

const struct claim *
claims_greatest(const struct claims *c, const char *role)
{
	const struct claim *best = NULL;

	for (size_t i = 0; i < c->n; i++) {
		const struct claim *x = &c->items[i];

		if (claim_kind_holds(x->kind) && strcmp(x->role, role) == 0 &&
		    (best == NULL || claim_cmp(x, best) > 0))
			best = x;
	}
	return best;
}

/* The least of the notes of that kind about a claim. */
static const struct claim *
note_about(const struct claims *c, enum claim_kind kind, const char *id)
{
	const struct claim *best = NULL;

	for (size_t i = 0; i < c->n; i++) {
		const struct claim *x = &c->items[i];

		if (x->kind == kind && strcmp(x->about, id) == 0 &&
		    (best == NULL || claim_cmp(x, best) < 0))
			best = x;
	}
	return best;
}

const struct claim *
claims_release(const struct claims *c, const char *id)
{
	return note_about(c, CLAIM_RELEASE, id);
}

const struct claim *
claims_ask(const struct claims *c, const char *id)
{
	return note_about(c, CLAIM_ASK, id);
}

struct num
claims_highest(const struct claims *c, const char *role)
{
	struct num highest = num_from_u64(0);

	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->items[i].role, role) == 0 &&
		    num_cmp(&c->items[i].number, &highest) > 0)
			highest = c->items[i].number;
	return highest;
}

static uint32_t
own_n(const struct claims *c, uint16_t host_id)
{
	uint32_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		if (c->items[i].by.host_id == host_id && c->items[i].n > n)
			n = c->items[i].n;
	return n;
}

enum rc
claim_add(struct store *s, struct claim *c, uint32_t n_min, int64_t now,
    struct err *e)
{
	AUTO_CLAIMS all = { NULL, 0 };
	enum rc rc = claims_load(&all, s, c->role, e);

	if (rc != RC_OK)
		return rc;
	c->n = own_n(&all, c->by.host_id);
	c->n = c->n > n_min ? c->n : n_min;
	c->made = now;
	for (int i = 0; i < ADD_TRIES; i++) {
		AUTO(batch) b = batch_new();

		if (c->n == UINT32_MAX)
			return err_set(e, RC_TOOBIG, "claim: no number left");
		c->n++;
		rc = claim_id(c->id, c->role, c->by.host_id, c->n, e);
		if (rc != RC_OK)
			return rc;
		if (b == NULL)
			return err_set(e, RC_NOMEM, "claim");
		batch_add(b, claim_encode(c));
		rc = store_commit(s, b, e);
		if (rc != RC_EXISTS)
			break;
	}
	return rc;
}

enum rc
claim_still_holds(struct store *s, const struct claim *c, struct err *e)
{
	AUTO_CLAIMS all = { NULL, 0 };
	const struct claim *best, *end;
	char text[CLOCK_TEXT_MAX];
	enum rc rc = claims_load(&all, s, c->role, e);

	if (rc != RC_OK)
		return rc;
	best = claims_greatest(&all, c->role);
	if (best == NULL)
		return err_set(
		    e, RC_GONE, "role %s: claimed by nobody", c->role);
	if (claim_cmp(best, c) != 0)
		return err_set(e, RC_GONE,
		    "role %s is held by %.100s:%d since %s", c->role,
		    best->by.host, best->by.port,
		    clock_text_iso(text, best->made));
	end = claims_release(&all, c->id);
	if (end != NULL)
		return err_set(e, RC_GONE, "role %s was released to host %04x",
		    c->role, (unsigned)end->to);
	return RC_OK;
}
