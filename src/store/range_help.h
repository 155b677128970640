/* SPDX-License-Identifier: Apache-2.0 */
/* range_help.h - hosts with ranges, for the tests of range.h. */
#ifndef STORE_RANGE_HELP_H
#define STORE_RANGE_HELP_H

#include "store/test_help.h"

#include "base/log.h"
#include "store/range.h"
#include "store/sim.h"

enum {
	HOSTS_MAX = 4,
};

/* One instance: its settings, what it saved, its ranges. */
struct host {
	struct store *store;
	struct range_owner owner;
	uint16_t id;
	struct cfg *cs;
	uint64_t mark[RANGE_KINDS], top[RANGE_KINDS];
	struct range *ranges[RANGE_KINDS];
	size_t saves;
	bool refuse; /* the disk is full */
};
__attribute__((unused)) static struct host hosts[HOSTS_MAX];
__attribute__((unused)) static struct sim *sim;
__attribute__((unused)) static char *folder;
__attribute__((unused)) static const struct range_holder first = { 0, 0 };

static inline enum rc
save(void *arg, const struct range_state *s, bool spans, struct err *e)
{
	struct host *h = arg;

	if (h->refuse)
		return err_set(e, RC_IO, "disk full");
	h->saves++;
	h->mark[s->kind] = s->mark;
	h->top[s->kind] = s->top;
	return spans ? range_save(s, h->cs, e) : RC_OK;
}

static inline void
open_range(struct host *h, enum range_kind kind, enum range_form form)
{
	struct range_params p = { .store = h->store,
		.owner = h->owner,
		.host_id = h->id,
		.save = save,
		.arg = h };

	OK(range_load(&p.state, h->cs, kind, form, e));
	p.state.mark = h->mark[kind];
	p.state.top = h->top[kind];
	OK(range_new(&h->ranges[kind], &p, e));
}

static inline void
set(struct host *h, const char *name, const char *value)
{
	OK(cfg_set(h->cs, name, value, e));
}

static inline void
begin_host(size_t n, struct store *s)
{
	static const char *const ports[] = { "8443", "8444", "8445", "8446" };

	hosts[n].store = s;
	hosts[n].owner = (struct range_owner){ "ca.example.com", ports[n] };
	hosts[n].id = (uint16_t)(0x1000 + n);
	hosts[n].cs = cfg_new();
}

static inline void
stop_range(struct host *h, enum range_kind kind)
{
	range_free(h->ranges[kind]);
	h->ranges[kind] = NULL;
}

static inline int
begin_sim(void **state)
{
	(void)state;
	memset(hosts, 0, sizeof(hosts));
	sim = sim_new(1795000000000);
	for (size_t i = 0; i < 2; i++) {
		if (sim_add_replica(sim) != i)
			return -1;
		begin_host(i, sim_store(sim, i));
	}
	return 0;
}

static inline int
begin_lmdb(void **state)
{
	struct store *s = NULL;

	(void)state;
	memset(hosts, 0, sizeof(hosts));
	sim = NULL;
	folder = help_folder();
	struct lmdb_params p = {
		.dir = folder, .map_size = HELP_MAP, .clock = &clock_system
	};
	OK(store_open_lmdb(&s, &p, e));
	begin_host(0, s);
	begin_host(1, s);
	return 0;
}

static inline int
end(void **state)
{
	struct store *s = hosts[0].store;

	(void)state;
	for (size_t i = 0; i < HOSTS_MAX; i++) {
		for (size_t k = 0; k < RANGE_KINDS; k++)
			range_free(hosts[i].ranges[k]);
		cfg_free(hosts[i].cs);
	}
	if (sim != NULL) {
		sim_free(sim);
		return 0;
	}
	if (hosts[1].store != s)
		store_free(hosts[1].store);
	store_free(s);
	help_remove(folder);
	return 0;
}

static inline void
settle(void)
{
	if (sim != NULL)
		sim_settle(sim);
}

static inline uint64_t
value(const struct num *n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n->len; i++)
		v = v << 8 | n->b[i];
	return v;
}

static inline void
takes(struct host *h, enum range_kind kind, uint64_t from, uint64_t to)
{
	for (uint64_t want = from; want <= to; want++) {
		struct num n;
		OK(range_take(h->ranges[kind], &n, e));
		assert_int_equal(value(&n), want);
	}
}

static inline void
exhausted(struct host *h, enum range_kind kind, const char *max)
{
	struct err e = { RC_OK, "" };
	char want[128];
	struct num n;

	assert_int_equal(range_take(h->ranges[kind], &n, &e), RC_UNAVAILABLE);
	snprintf(want, sizeof(want),
	    "All serial numbers are used. The max serial number is %s", max);
	assert_string_equal(e.text, want);
}

/* CS.cfg as "begin-end next nextBegin-nextEnd". */
static inline void
holds(struct host *h, const char *kind, const char *want)
{
	const char *begin = cfg_getf(h->cs, "dbs.nextBegin%sNumber", kind);
	AUTO_BUF is = buf_empty(0);

	buf_addf(&is, "%s-%s", cfg_getf(h->cs, "dbs.begin%sNumber", kind),
	    cfg_getf(h->cs, "dbs.end%sNumber", kind));
	if (begin != NULL)
		buf_addf(&is, " next %s-%s", begin,
		    cfg_getf(h->cs, "dbs.nextEnd%sNumber", kind));
	assert_string_equal(buf_cstr(&is), want);
}

struct entries {
	struct buf text;
	const char *name;
};

static inline bool
add_entry(void *arg, const struct rec *r)
{
	struct entries *x = arg;

	if (text_starts(r->id, x->name) && r->id[strlen(x->name)] == '/')
		buf_addf(&x->text, "%s-%s:%s ", rec_str(r, "beginRange"),
		    rec_str(r, "endRange"), rec_str(r, "SecurePort"));
	return true;
}

/* The directory as "10-19:8443 20-29:8444 next 30". */
static inline void
directory(struct host *h, enum range_kind kind, enum range_form form,
    const char *want)
{
	struct range_set ranges = { h->store, kind, form };
	struct entries x = { buf_empty(0), range_name(kind, form) };
	struct query q = { .kind = REC_RANGE };
	uint64_t next;

	OK(store_search(h->store, &q, add_entry, &x, e));
	OK(range_counter(&ranges, &next, e));
	buf_addf(&x.text, "next %llu", (unsigned long long)next);
	assert_string_equal(buf_cstr(&x.text), want);
	buf_done(&x.text);
}

static inline void
counter(struct host *h, enum range_kind kind, enum range_form form)
{
	struct range_set ranges = { h->store, kind, form };
	struct range_state s = range_now(h->ranges[kind]);

	OK(range_counter_init(&ranges, range_after(kind, form, s.now.end), e));
}

static inline void
check(struct host *h, enum range_kind kind)
{
	bool waits = true;

	OK(range_check(h->ranges[kind], &first, &waits, e));
	assert_false(waits);
}

/* request 1-10 increment 10 minimum 5 transfer 5 */
static inline void
request_settings(struct host *h)
{
	set(h, "dbs.beginRequestNumber", "1");
	set(h, "dbs.endRequestNumber", "10");
	set(h, "dbs.requestIncrement", "10");
	set(h, "dbs.requestLowWaterMark", "5");
	set(h, "dbs.requestCloneTransferNumber", "5");
}

static inline void
serial_settings(struct host *h, const char *begin, const char *end_text,
    const char *inc, const char *nine)
{
	set(h, "dbs.beginSerialNumber", begin);
	set(h, "dbs.endSerialNumber", end_text);
	set(h, "dbs.serialIncrement", inc);
	set(h, "dbs.serialLowWaterMark", nine);
	set(h, "dbs.serialCloneTransferNumber", nine);
}

static inline void
manage(struct host *h)
{
	for (size_t k = 0; k < RANGE_KINDS; k++)
		if (h->ranges[k] != NULL)
			range_manage(h->ranges[k]);
}

static inline void
replica_settings(struct host *h)
{
	set(h, "dbs.beginReplicaNumber", "1");
	set(h, "dbs.endReplicaNumber", "100");
	set(h, "dbs.replicaIncrement", "100");
	set(h, "dbs.replicaLowWaterMark", "20");
	set(h, "dbs.replicaCloneTransferNumber", "5");
}

/* What a clone's installation does with a block it was given. */
static inline void
give(struct host *to, const char *kind, enum range_kind k, enum range_form form,
    const struct range_span *span)
{
	char name[64], text[RANGE_TEXT_MAX];

	snprintf(name, sizeof(name), "dbs.begin%sNumber", kind);
	set(to, name, range_text(text, k, form, span->begin));
	snprintf(name, sizeof(name), "dbs.end%sNumber", kind);
	set(to, name, range_text(text, k, form, span->end));
	set(to, "dbs.enableSerialManagement", "true");
	open_range(to, k, form);
}

#endif
