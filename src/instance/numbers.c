/* SPDX-License-Identifier: Apache-2.0 */
/* numbers.c - the number generators of a running subsystem.
 * Owns:    its ranges; borrows store, settings and high-water file.
 * Trusts:  CS.cfg as far as store/range.c checks it.
 * Threads: any; `work` keeps checks and transfers apart (it is taken before any
 *          lock of store/range.h). */
#include "instance/numbers.h"

#include <inttypes.h>
#include <stdatomic.h>

#include <openssl/rand.h>

#include "base/log.h"
#include "base/thread.h"
#include "instance/cscfg.h"
#include "instance/dbconf.h"
#include "instance/metrics.h"
#include "store/claim.h"

enum {
	ID_BITS_MIN = 64,
	ID_BITS_MAX = 159, /* positive in 20 octets (RFC 5280 4.1.2.2) */
	ID_BITS = 128,
	INTERVAL = 600, /* s, <sub>.serialNumberUpdateInterval */
	INTERVAL_MAX = INT32_MAX,
	TICK_MS = 60000,
	POLL_MS = 50,
	PORT_TEXT = 16,
	ROW_MAX = 64,
};

struct generator {
	enum range_kind kind;
	struct range *range; /* NULL: random */
	enum range_form form;
	int64_t bits; /* of a random one */
};
struct numbers {
	struct subsystem *sub;
	struct generator of[RANGE_KINDS];
	pthread_mutex_t work;
	char port[PORT_TEXT];
	bool directory; /* others may share the store */
	int64_t interval, next_ms;
	_Atomic bool again, waits;
};

static const char *const words[RANGE_KINDS] = {
	[RANGE_REQUEST] = "request",
	[RANGE_SERIAL] = "serial",
	[RANGE_REPLICA] = "replica",
};

/* --- durable state ---------------------------------------------------------- */

static enum rc
save_spans(void *state, struct cfg *cs, struct err *e)
{
	return range_save(state, cs, e);
}

enum rc
numbers_note(struct highwater *h, const struct range_state *s, struct err *e)
{
	char names[2][ROW_MAX], mark[24], top[24];
	struct highwater_row rows[2] = { { names[0], mark },
		{ names[1], top } };

	snprintf(names[0], ROW_MAX, "range.%s.mark", words[s->kind]);
	snprintf(names[1], ROW_MAX, "range.%s.top", words[s->kind]);
	snprintf(mark, sizeof(mark), "%" PRIu64, s->mark);
	snprintf(top, sizeof(top), "%" PRIu64, s->top);
	return highwater_set(h, rows, 2, e);
}

/* The high-water file first: where the two differ, it knows more. */
static enum rc
save(void *arg, const struct range_state *s, bool spans, struct err *e)
{
	struct numbers *n = arg;
	struct range_state copy = *s;
	enum rc rc = numbers_note(n->sub->highwater, s, e);

	if (rc != RC_OK || !spans)
		return rc;
	return cscfg_change(instance_paths(n->sub->instance), n->sub->name,
	    save_spans, &copy, e);
}

static uint64_t
row_number(struct numbers *n, enum range_kind kind, const char *what)
{
	char name[ROW_MAX];
	struct num x;

	snprintf(name, sizeof(name), "range.%s.%s", words[kind], what);
	x = highwater_num(n->sub->highwater, name);
	return num_u64(&x);
}

/* --- who hands out ---------------------------------------------------------- */

/* Everybody's claims to the role; the first one, where nobody has any, is made
 * by a CA that is no clone. */
static enum rc
find_claim(struct numbers *n, struct claims *all, struct err *e)
{
	struct subsystem *s = n->sub;
	struct claim c = { .kind = CLAIM_FIRST,
		.number = num_from_u64(1),
		.by = { .host_id = highwater_host_id(s->highwater),
		    .port = instance_https_port(s->instance) } };
	const char *select = cfg_str(s->cfg, "subsystem.select", "New");
	enum rc rc = claims_load(all, s->store, CLAIM_ROLE_RANGES, e);

	if (rc != RC_OK || claims_greatest(all, CLAIM_ROLE_RANGES) != NULL ||
	    text_ieq(select, "Clone") ||
	    highwater_restored(s->highwater, NULL, 0))
		return rc;
	snprintf(c.role, sizeof(c.role), "%s", CLAIM_ROLE_RANGES);
	snprintf(
	    c.by.host, sizeof(c.by.host), "%s", instance_host(s->instance));
	snprintf(c.why, sizeof(c.why), "installation");
	rc = claim_add(
	    s->store, &c, 0, clock_now(instance_clock(s->instance)), e);
	if (rc != RC_OK)
		return rc;
	claims_done(all);
	*all = (struct claims){ NULL, 0 };
	return claims_load(all, s->store, CLAIM_ROLE_RANGES, e);
}

/* The region of this claim for one generator, drawn once: the row is
 * "<claim id> <region>". */
static enum rc
find_region(struct numbers *n, const struct generator *g, const struct claim *c,
    bool anew, uint64_t *out, struct err *e)
{
	struct range_set set = { n->sub->store, g->kind, g->form };
	char name[ROW_MAX], text[CLAIM_ID_MAX + 24];
	struct highwater_row row = { name, text };
	AUTO_STR old = NULL;
	size_t len = strlen(c->id);
	int64_t v;
	enum rc rc;

	*out = 0;
	if (c->kind == CLAIM_FIRST && !anew)
		return RC_OK;
	snprintf(name, sizeof(name), "range.%s.region", words[g->kind]);
	old = highwater_text(n->sub->highwater, name);
	if (!anew && old != NULL && strncmp(old, c->id, len) == 0 &&
	    old[len] == ' ' &&
	    text_int(&v, old + len + 1, 0, INT64_MAX, NULL) == RC_OK) {
		*out = (uint64_t)v;
		return RC_OK;
	}
	if ((rc = range_region(&set, c->by.host_id, out, e)) != RC_OK)
		return rc;
	snprintf(text, sizeof(text), "%s %" PRIu64, c->id, *out);
	return highwater_set(n->sub->highwater, &row, 1, e);
}

/* Fills *h and returns true when this instance may grant. */
static enum rc
holder(struct numbers *n, const struct generator *g, bool anew,
    struct range_holder *h, bool *is, struct err *e)
{
	AUTO_CLAIMS all = { NULL, 0 };
	const struct claim *c;
	enum rc rc;

	*h = (struct range_holder){ 0, highwater_host_id(n->sub->highwater) };
	*is = true;
	if (!n->directory)
		return RC_OK;
	if ((rc = find_claim(n, &all, e)) != RC_OK)
		return rc;
	c = claims_greatest(&all, CLAIM_ROLE_RANGES);
	/* a clone of a master of another make: that master's way, a swap */
	if (c == NULL)
		return RC_OK;
	*is =
	    c->by.host_id == h->host_id && claims_release(&all, c->id) == NULL;
	return *is ? find_region(n, g, c, anew, &h->region, e) : RC_OK;
}

/* With work held: one kind. own: what this instance has, too; replica ids are
 * reserved when a clone asks for some. */
static enum rc
check_kind(struct numbers *n, struct generator *g, bool own, bool *waits,
    struct err *e)
{
	struct range_set set = { n->sub->store, g->kind, g->form };
	struct range_holder h;
	size_t granted = 0;
	bool anew = false, is;
	enum rc rc;

	for (;;) {
		if ((rc = holder(n, g, anew, &h, &is, e)) != RC_OK)
			return rc;
		if (own && g->kind != RANGE_REPLICA)
			rc = range_check(g->range, is ? &h : NULL, waits, e);
		if (rc == RC_OK && is && n->directory)
			rc = range_serve(&set, &h, &granted, e);
		if (rc != RC_GONE || anew)
			return rc;
		anew = true; /* the region is used up */
	}
}

/* With work held. */
static enum rc
check_all(struct numbers *n, bool own, struct err *e)
{
	bool waits = false, w;
	enum rc rc = RC_OK, first = RC_OK;

	for (size_t k = 0; k < RANGE_KINDS; k++) {
		struct err why = { RC_OK, "" };
		if (n->of[k].range == NULL)
			continue;
		w = false;
		rc = check_kind(n, &n->of[k], own, &w, &why);
		waits = waits || w;
		if (rc != RC_OK && first == RC_OK)
			first =
			    err_set(e, rc, "%s range: %s", words[k], why.text);
	}
	if (own)
		n->waits = waits;
	return first;
}

static void
wait_a_little(void)
{
	struct timespec t = { 0, POLL_MS * 1000000L };

	nanosleep(&t, NULL);
}

/* Until when an answer is waited for, by the clock that the waiting goes by. */
static int64_t
wait_end(void)
{
	return clock_mono_ms(&clock_system) + NUMBERS_WAIT_MS;
}

static enum rc
look(struct numbers *n, bool own, struct err *e)
{
	LOCKED(&n->work);

	return check_all(n, own, e);
}

enum rc
numbers_check(struct numbers *n, bool wait, struct err *e)
{
	int64_t end = wait_end();
	enum rc rc;

	for (;;) {
		rc = look(n, true, e);
		if (rc != RC_OK || !wait || !n->waits)
			return rc;
		if (clock_mono_ms(&clock_system) >= end)
			return err_set(e, RC_UNAVAILABLE,
			    "the holder of the role \"ranges\" has not "
			    "answered in %d s; the request stays",
			    NUMBERS_WAIT_MS / 1000);
		wait_a_little();
	}
}

/* --- the timer and the feed -------------------------------------------------- */

bool
numbers_follow(struct numbers *n, const struct feed_item *i)
{
	bool ours = (i->kind == REC_CLAIM && text_starts(i->id, "range.") &&
			i->rec != NULL) ||
	    (i->kind == REC_RANGE && n->waits);

	if (n != NULL && ours && !i->local)
		n->again = true;
	return ours && !i->local;
}

int64_t
numbers_tick(struct numbers *n, int64_t now_ms)
{
	struct err e = { RC_OK, "" };
	bool due = n->interval > 0 && now_ms >= n->next_ms;

	if (atomic_exchange(&n->again, false) || due) {
		/* what others ask is answered at once; what is low here waits
		 * for its time (spec deployment 4.4) */
		if (look(n, due || n->waits, &e) != RC_OK)
			log_warning("instance",
			    "subsystem=%s %s, continuing on the numbers "
			    "that are left",
			    n->sub->name, e.text);
		if (due)
			n->next_ms = now_ms + n->interval * 1000;
	}
	return n->interval > 0 && n->next_ms - now_ms < TICK_MS
	    ? n->next_ms - now_ms
	    : TICK_MS;
}

/* --- numbers ------------------------------------------------------------------ */

enum rc
numbers_new(
    struct numbers *n, enum range_kind kind, struct num *out, struct err *e)
{
	const struct generator *g = &n->of[kind];
	size_t len = (size_t)(g->bits + 7) / 8;
	uint8_t b[NUM_MAX];

	if (g->range != NULL)
		return range_take(g->range, out, e);
	if (RAND_bytes(b, (int)len) != 1)
		return err_openssl(e, RC_CRYPTO, "random number");
	if (g->bits % 8 != 0)
		b[0] &= (uint8_t)((1u << (g->bits % 8)) - 1);
	return num_from_view(out, view_of(b, len), e);
}

bool
numbers_random(struct numbers *n, enum range_kind kind)
{
	return n->of[kind].range == NULL;
}

/* The holder is away: what is left here is divided. */
static enum rc
share(struct numbers *n, struct generator *g, struct range_span *out,
    struct err *e)
{
	if (range_share(g->range, out, e) != RC_OK)
		return err_set(e, RC_UNAVAILABLE,
		    "Unable to update number range: Current range depleted but "
		    "no next range available: the holder of the role "
		    "\"ranges\" has not answered; start it, or take the role "
		    "here (pki-server ca-promote)");
	log_warning("instance",
	    "subsystem=%s the holder of the role \"ranges\" does not answer, "
	    "continuing with part of this host's own %s numbers for a clone",
	    n->sub->name, words[g->kind]);
	return RC_OK;
}

/* With work held. last: it is not asked once more. */
static enum rc
transfer(struct numbers *n, struct generator *g, struct range_span *out,
    bool last, struct err *e)
{
	struct range_holder h;
	bool anew = false, is;
	enum rc rc;

	for (;;) {
		if ((rc = holder(n, g, anew, &h, &is, e)) != RC_OK)
			return rc;
		rc = range_transfer(
		    g->range, out, is ? &h : NULL, g->kind == RANGE_REPLICA, e);
		if (rc != RC_GONE || anew)
			break;
		anew = true;
	}
	if (rc == RC_UNAVAILABLE && !is && last)
		rc = share(n, g, out, e);
	for (size_t k = 0;
	     rc == RC_OK && g->kind == RANGE_REPLICA && k < RANGE_KINDS; k++)
		if (n->of[k].range != NULL)
			range_manage(n->of[k].range);
	return rc;
}

enum rc
numbers_transfer(struct numbers *n, const char *type,
    char begin[RANGE_TEXT_MAX], char end[RANGE_TEXT_MAX], struct err *e)
{
	static const char *const types[RANGE_KINDS] = { "request", "serialNo",
		"replicaId" };
	struct generator *g = NULL;
	struct range_span span;
	int64_t until;
	enum rc rc;

	for (size_t k = 0; k < RANGE_KINDS; k++)
		if (text_ieq(type, types[k]))
			g = &n->of[k];
	if (g == NULL || g->range == NULL)
		return err_set(e, RC_INVALID,
		    "Unable to update number range: %s",
		    g == NULL ? "unknown type"
			      : "its numbers are random and need no range");
	until = wait_end();
	for (;;) {
		bool last = clock_mono_ms(&clock_system) >= until;

		pthread_mutex_lock(&n->work);
		rc = transfer(n, g, &span, last, e);
		pthread_mutex_unlock(&n->work);
		if (rc != RC_UNAVAILABLE || last || !n->directory)
			break;
		wait_a_little(); /* the holder may be about to answer */
	}
	if (rc != RC_OK)
		return rc;
	range_text(begin, g->kind, g->form, span.begin);
	range_text(end, g->kind, g->form, span.end);
	log_info("instance", "subsystem=%s %s range %s to %s transferred",
	    n->sub->name, words[g->kind], begin, end);
	return RC_OK;
}

/* --- start ---------------------------------------------------------------------- */

static enum rc
open_range(struct numbers *n, struct generator *g, bool random, bool burn,
    struct err *e)
{
	struct subsystem *s = n->sub;
	struct range_params p = { .store = s->store,
		.owner = { instance_host(s->instance), n->port },
		.random = random,
		.save = save,
		.arg = n };
	enum rc rc = range_load(&p.state, s->cfg, g->kind, g->form, e);

	if (rc != RC_OK)
		return rc;
	p.host_id = highwater_host_id(s->highwater);
	p.state.mark = row_number(n, g->kind, "mark");
	p.state.top = row_number(n, g->kind, "top");
	if (burn) {
		range_burn(&p.state);
		p.state.managed = true;
		if ((rc = save(n, &p.state, true, e)) != RC_OK)
			return rc;
		log_warning("instance",
		    "subsystem=%s the %s numbers up to %" PRIu64
		    " are burnt, continuing",
		    s->name, words[g->kind], p.state.top);
	}
	return range_new(&g->range, &p, e);
}

/* An embedded store was put back with its nextRange: the block behind it may be
 * used too. */
static enum rc
burn_block(struct numbers *n, const struct generator *g, struct err *e)
{
	static const struct range_owner nobody = { "burnt", "0" };
	struct range_set set = { n->sub->store, g->kind, g->form };
	struct range_holder h = { 0, highwater_host_id(n->sub->highwater) };
	uint64_t ignored;
	enum rc rc;

	rc = range_grant(
	    &set, &h, range_now(g->range).increment, &nobody, &ignored, e);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

/* "random" by its length, else a range. */
static enum rc
open_generator(struct numbers *n, struct generator *g, const char *what,
    bool burn, struct err *e)
{
	const struct cfg *c = n->sub->cfg;
	const char *word = cfg_getf(c, "dbs.%s.id.generator", what);
	char name[ROW_MAX];

	if (word == NULL || word[0] == '\0' || strcmp(word, "random") == 0) {
		snprintf(name, sizeof(name), "dbs.%s.id.length", what);
		return cfg_int(
		    c, &g->bits, name, ID_BITS_MIN, ID_BITS_MAX, ID_BITS, e);
	}
	if (n->sub->highwater == NULL)
		return err_set(e, RC_INTERNAL, "ranges need a high-water file");
	if (strcmp(word, "legacy2") == 0)
		g->form = RANGE_LEGACY2;
	else if (strcmp(word, "legacy") != 0)
		return err_set(e, RC_INVALID,
		    "CS.cfg: dbs.%s.id.generator=%s: random, legacy or legacy2 "
		    "is possible",
		    what, word);
	return open_range(n, g,
	    g->kind == RANGE_SERIAL && g->form == RANGE_LEGACY &&
		cfg_bool(c, "dbs.enableRandomSerialNumbers", false),
	    burn, e);
}

static enum rc
open_all(struct numbers *n, bool burn, struct err *e)
{
	enum rc rc;

	if ((rc = open_generator(
		 n, &n->of[RANGE_REQUEST], "request", burn, e)) != RC_OK ||
	    (rc = open_generator(n, &n->of[RANGE_SERIAL],
		 strcmp(n->sub->name, "kra") == 0 ? "key" : "cert", burn, e)) !=
		RC_OK ||
	    n->sub->highwater == NULL)
		return rc;
	rc = open_range(n, &n->of[RANGE_REPLICA], false, burn, e);
	if (rc != RC_OK)
		return rc;
	for (size_t k = 0; burn && !n->directory && k < RANGE_KINDS; k++)
		if (n->of[k].range != NULL &&
		    (rc = burn_block(n, &n->of[k], e)) != RC_OK)
			return rc;
	return RC_OK;
}

enum rc
numbers_open(struct numbers **out, struct subsystem *s, struct err *e)
{
	AUTO(numbers) n = calloc(1, sizeof(*n));
	AUTO_STR done = NULL;
	char why[ERR_TEXT_MAX] = "", name[ROW_MAX];
	struct highwater_row row = { "range.burnt", why };
	struct err soft = { RC_OK, "" };
	bool burn;
	enum rc rc;

	if (n == NULL)
		return err_set(e, RC_NOMEM, "numbers");
	n->sub = s;
	pthread_mutex_init(&n->work, NULL);
	for (size_t k = 0; k < RANGE_KINDS; k++)
		n->of[k].kind = (enum range_kind)k;
	n->directory = dbconf_is_directory(s->cfg);
	snprintf(
	    n->port, sizeof(n->port), "%d", instance_https_port(s->instance));
	snprintf(name, sizeof(name), "%s.serialNumberUpdateInterval", s->name);
	if ((rc = cfg_int(s->cfg, &n->interval, name, 0, INTERVAL_MAX, INTERVAL,
		 e)) != RC_OK)
		return rc;
	if (s->highwater != NULL)
		done = highwater_text(s->highwater, "range.burnt");
	burn = s->highwater != NULL &&
	    highwater_restored(s->highwater, why, sizeof(why)) &&
	    (done == NULL || strcmp(done, why) != 0);
	if ((rc = open_all(n, burn, e)) != RC_OK)
		return rc;
	if (burn && (rc = highwater_set(s->highwater, &row, 1, e)) != RC_OK)
		return rc;
	if (numbers_check(n, false, &soft) != RC_OK)
		log_warning("instance",
		    "subsystem=%s %s, continuing on the numbers that are left",
		    s->name, soft.text);
	n->next_ms =
	    clock_now_ms(instance_clock(s->instance)) + n->interval * 1000;
	*out = numbers_steal(&n);
	return RC_OK;
}

void
numbers_free(struct numbers *n)
{
	if (n == NULL)
		return;
	for (size_t k = 0; k < RANGE_KINDS; k++)
		range_free(n->of[k].range);
	pthread_mutex_destroy(&n->work);
	free(n);
}

static const char *
generator_word(const struct generator *g)
{
	if (g->kind == RANGE_REPLICA)
		return "replica";
	if (g->range == NULL)
		return "random";
	return g->form == RANGE_LEGACY ? "legacy" : "legacy2";
}

json_t *
numbers_json(struct numbers *n)
{
	json_t *list = json_array();

	for (size_t k = 0; list != NULL && k < RANGE_KINDS; k++) {
		const struct generator *g = &n->of[k];
		json_t *o = json_pack("{s:s,s:s}", "kind", words[k],
		    "generator", generator_word(g));
		if (o != NULL && g->range != NULL) {
			struct range_state s = range_now(g->range);
			char begin[RANGE_TEXT_MAX], end[RANGE_TEXT_MAX];
			json_t *more = json_pack("{s:s,s:s,s:I,s:I}", "begin",
			    range_text(begin, s.kind, s.form, s.now.begin),
			    "end", range_text(end, s.kind, s.form, s.now.end),
			    "left", (json_int_t)range_left(&s), "lowWaterMark",
			    (json_int_t)s.low_water);
			json_object_update(o, more);
			json_decref(more);
		}
		json_array_append_new(list, o);
	}
	return list;
}

void
numbers_metrics(struct numbers *n, struct buf *out)
{
	const char *sub = n->sub->name;
	bool restored = n->sub->highwater != NULL &&
	    highwater_restored(n->sub->highwater, NULL, 0);

	metric_head(out, "pki_restored", "gauge",
	    "1 when the store was put back or copied and nobody said that it "
	    "may serve its roles");
	buf_addf(out, "pki_restored{subsystem=\"%s\"} %d\n", sub, restored);
	metric_head(out, "pki_range_left", "gauge",
	    "numbers left of the ranges of this host");
	for (size_t k = 0; k < RANGE_KINDS; k++) {
		struct range_state s;
		if (n->of[k].range == NULL)
			continue;
		s = range_now(n->of[k].range);
		buf_addf(out,
		    "pki_range_left{subsystem=\"%s\",kind=\"%s\"} %" PRIu64
		    "\n",
		    sub, words[k], range_left(&s));
	}
}
