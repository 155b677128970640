/* SPDX-License-Identifier: Apache-2.0 */
/* range_test.c - the worked numbers of spec deployment 4.5 to 4.8 over LMDB and
 * the simulator; two suppliers never hand out a number twice. */
#include "store/test_help.h"

#include "base/log.h"
#include "store/range.h"
#include "store/sim.h"

enum {
	HOSTS_MAX = 4,
	USED_MAX = 4096,
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
static struct host hosts[HOSTS_MAX];
static struct sim *sim;
static char *folder;
static const struct range_holder first = { 0, 0 };

static enum rc
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

static void
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

static void
set(struct host *h, const char *name, const char *value)
{
	OK(cfg_set(h->cs, name, value, e));
}

static void
begin_host(size_t n, struct store *s)
{
	static const char *const ports[] = { "8443", "8444", "8445", "8446" };

	hosts[n].store = s;
	hosts[n].owner = (struct range_owner){ "ca.example.com", ports[n] };
	hosts[n].id = (uint16_t)(0x1000 + n);
	hosts[n].cs = cfg_new();
}

static void
stop_range(struct host *h, enum range_kind kind)
{
	range_free(h->ranges[kind]);
	h->ranges[kind] = NULL;
}

static int
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

static int
begin_lmdb(void **state)
{
	struct store *s = NULL;

	(void)state;
	memset(hosts, 0, sizeof(hosts));
	sim = NULL;
	folder = help_folder();
	struct lmdb_params p = { .dir = folder, .clock = &clock_system };
	OK(store_open_lmdb(&s, &p, e));
	begin_host(0, s);
	begin_host(1, s);
	return 0;
}

static int
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
	store_free(s);
	help_remove(folder);
	return 0;
}

static void
settle(void)
{
	if (sim != NULL)
		sim_settle(sim);
}

static uint64_t
value(const struct num *n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n->len; i++)
		v = v << 8 | n->b[i];
	return v;
}

static void
takes(struct host *h, enum range_kind kind, uint64_t from, uint64_t to)
{
	for (uint64_t want = from; want <= to; want++) {
		struct num n;
		OK(range_take(h->ranges[kind], &n, e));
		assert_int_equal(value(&n), want);
	}
}

static void
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
static void
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

static bool
add_entry(void *arg, const struct rec *r)
{
	struct entries *x = arg;

	if (text_starts(r->id, x->name) && r->id[strlen(x->name)] == '/')
		buf_addf(&x->text, "%s-%s:%s ", rec_str(r, "beginRange"),
		    rec_str(r, "endRange"), rec_str(r, "SecurePort"));
	return true;
}

/* The directory as "10-19:8443 20-29:8444 next 30". */
static void
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

static void
counter(struct host *h, enum range_kind kind, enum range_form form)
{
	struct range_set ranges = { h->store, kind, form };
	struct range_state s = range_now(h->ranges[kind]);

	OK(range_counter_init(&ranges, range_after(kind, form, s.now.end), e));
}

static void
check(struct host *h, enum range_kind kind)
{
	bool waits = true;

	OK(range_check(h->ranges[kind], &first, &waits, e));
	assert_false(waits);
}

/* request 1-10 increment 10 minimum 5 transfer 5 */
static void
request_settings(struct host *h)
{
	set(h, "dbs.beginRequestNumber", "1");
	set(h, "dbs.endRequestNumber", "10");
	set(h, "dbs.requestIncrement", "10");
	set(h, "dbs.requestLowWaterMark", "5");
	set(h, "dbs.requestCloneTransferNumber", "5");
}

static void
serial_settings(struct host *h, const char *begin, const char *end_text,
    const char *inc, const char *nine)
{
	set(h, "dbs.beginSerialNumber", begin);
	set(h, "dbs.endSerialNumber", end_text);
	set(h, "dbs.serialIncrement", inc);
	set(h, "dbs.serialLowWaterMark", nine);
	set(h, "dbs.serialCloneTransferNumber", nine);
}

static void
manage(struct host *h)
{
	for (size_t k = 0; k < RANGE_KINDS; k++)
		if (h->ranges[k] != NULL)
			range_manage(h->ranges[k]);
}

static void
replica_settings(struct host *h)
{
	set(h, "dbs.beginReplicaNumber", "1");
	set(h, "dbs.endReplicaNumber", "100");
	set(h, "dbs.replicaIncrement", "100");
	set(h, "dbs.replicaLowWaterMark", "20");
	set(h, "dbs.replicaCloneTransferNumber", "5");
}

/* What a clone's installation does with a block it was given. */
static void
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

/* --- spec deployment 4.5 -------------------------------------------------- */

static void
replica_ids_go_to_clones_as_documented(void **state)
{
	struct host *a = &hosts[0], *b = &hosts[1];
	struct range_set ranges = { a->store, RANGE_REPLICA, RANGE_LEGACY };
	struct range_span got;

	(void)state;
	replica_settings(a);
	replica_settings(b);
	open_range(a, RANGE_REPLICA, RANGE_LEGACY);
	OK(range_counter_init(&ranges, 1000, e));
	settle();
	OK(range_transfer(a->ranges[RANGE_REPLICA], &got, &first, true, e));
	assert_int_equal(got.begin, 96);
	assert_int_equal(got.end, 100);
	holds(a, "Replica", "1-95");
	/* 96 and 97 go to the two directories */
	got.begin = 98;
	give(b, "Replica", RANGE_REPLICA, RANGE_LEGACY, &got);
	OK(range_transfer(b->ranges[RANGE_REPLICA], &got, &first, true, e));
	assert_int_equal(got.begin, 1095);
	assert_int_equal(got.end, 1099);
	holds(b, "Replica", "98-100 next 1000-1094");
	settle();
	directory(a, RANGE_REPLICA, RANGE_LEGACY, "1000-1099:8444 next 1100");
	assert_string_equal(
	    cfg_get(a->cs, "dbs.enableSerialManagement"), "true");
}

/* --- spec deployment 4.6 -------------------------------------------------- */

static void
legacy_clone_has_the_documented_numbers(void **state)
{
	struct host *a = &hosts[0], *b = &hosts[1];
	struct range_span got;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		request_settings(&hosts[i]);
		serial_settings(&hosts[i], "1", "12", "12", "9");
	}
	open_range(a, RANGE_REQUEST, RANGE_LEGACY);
	open_range(a, RANGE_SERIAL, RANGE_LEGACY);
	counter(a, RANGE_REQUEST, RANGE_LEGACY);
	counter(a, RANGE_SERIAL, RANGE_LEGACY);
	takes(a, RANGE_REQUEST, 1, 6);
	takes(a, RANGE_SERIAL, 1, 6);
	check(a, RANGE_SERIAL); /* not managed: nothing happens */
	directory(a, RANGE_REQUEST, RANGE_LEGACY, "next 11");
	directory(a, RANGE_SERIAL, RANGE_LEGACY, "next 13");
	manage(a);
	check(a, RANGE_REQUEST);
	check(a, RANGE_SERIAL);
	holds(a, "Request", "1-10 next 11-20");
	directory(a, RANGE_REQUEST, RANGE_LEGACY, "11-20:8443 next 21");
	directory(a, RANGE_SERIAL, RANGE_LEGACY, "next 13");
	/* the clone's server certificate */
	takes(a, RANGE_REQUEST, 7, 7);
	takes(a, RANGE_SERIAL, 7, 7);
	OK(range_transfer(a->ranges[RANGE_REQUEST], &got, &first, false, e));
	give(b, "Request", RANGE_REQUEST, RANGE_LEGACY, &got);
	OK(range_transfer(a->ranges[RANGE_SERIAL], &got, &first, false, e));
	give(b, "Serial", RANGE_SERIAL, RANGE_LEGACY, &got);
	holds(a, "Request", "1-10 next 11-15");
	holds(b, "Request", "16-20");
	holds(a, "Serial", "1-9");
	holds(b, "Serial", "a-12");
	takes(a, RANGE_REQUEST, 8, 9);
	takes(a, RANGE_SERIAL, 8, 9);
	takes(b, RANGE_REQUEST, 16, 20);
	takes(b, RANGE_SERIAL, 10, 14);
	takes(a, RANGE_REQUEST, 10, 10);
	exhausted(a, RANGE_SERIAL, "0x9");
	exhausted(b, RANGE_REQUEST, "20");
	settle();
	check(a, RANGE_REQUEST);
	check(a, RANGE_SERIAL);
	settle();
	check(b, RANGE_REQUEST);
	check(b, RANGE_SERIAL);
	settle();
	directory(
	    a, RANGE_REQUEST, RANGE_LEGACY, "11-20:8443 21-30:8444 next 31");
	directory(
	    a, RANGE_SERIAL, RANGE_LEGACY, "13-30:8443 31-48:8444 next 49");
	takes(a, RANGE_REQUEST, 11, 15);
	takes(b, RANGE_REQUEST, 21, 30);
	takes(a, RANGE_SERIAL, 19, 23);
	takes(b, RANGE_SERIAL, 15, 18);
	takes(b, RANGE_SERIAL, 49, 54);
	holds(a, "Serial", "13-24");
	holds(b, "Serial", "31-42");
}

/* --- spec deployment 4.7 -------------------------------------------------- */

static void
legacy2_clone_has_the_documented_numbers(void **state)
{
	struct host *a = &hosts[0], *b = &hosts[1];
	struct range_span got;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		request_settings(&hosts[i]);
		serial_settings(&hosts[i], "0x9", "0x18", "0x12", "0x9");
	}
	open_range(a, RANGE_REQUEST, RANGE_LEGACY2);
	open_range(a, RANGE_SERIAL, RANGE_LEGACY2);
	counter(a, RANGE_REQUEST, RANGE_LEGACY2);
	counter(a, RANGE_SERIAL, RANGE_LEGACY2);
	directory(a, RANGE_SERIAL, RANGE_LEGACY2, "next 25");
	takes(a, RANGE_REQUEST, 1, 6);
	takes(a, RANGE_SERIAL, 9, 14);
	manage(a);
	check(a, RANGE_REQUEST);
	check(a, RANGE_SERIAL);
	takes(a, RANGE_REQUEST, 7, 7);
	takes(a, RANGE_SERIAL, 15, 15);
	OK(range_transfer(a->ranges[RANGE_REQUEST], &got, &first, false, e));
	give(b, "Request", RANGE_REQUEST, RANGE_LEGACY2, &got);
	OK(range_transfer(a->ranges[RANGE_SERIAL], &got, &first, false, e));
	give(b, "Serial", RANGE_SERIAL, RANGE_LEGACY2, &got);
	holds(a, "Serial", "0x9-0xf");
	holds(b, "Serial", "0x10-0x18");
	holds(a, "Request", "1-10 next 11-15");
	takes(b, RANGE_REQUEST, 16, 20);
	takes(b, RANGE_SERIAL, 16, 20);
	exhausted(b, RANGE_REQUEST, "20");
	exhausted(a, RANGE_SERIAL, "0xf");
	settle();
	check(b, RANGE_REQUEST);
	settle();
	check(a, RANGE_SERIAL);
	settle();
	check(b, RANGE_SERIAL);
	settle();
	directory(
	    a, RANGE_REQUEST, RANGE_LEGACY2, "11-20:8443 21-30:8444 next 31");
	directory(
	    a, RANGE_SERIAL, RANGE_LEGACY2, "25-42:8443 43-60:8444 next 61");
	takes(a, RANGE_SERIAL, 25, 31);
	takes(b, RANGE_SERIAL, 21, 24);
	takes(b, RANGE_SERIAL, 43, 48);
	holds(a, "Serial", "0x19-0x2a");
	holds(b, "Serial", "0x2b-0x3c");
}

/* --- spec deployment 4.8 -------------------------------------------------- */

static void
legacy_alone_has_the_documented_gap(void **state)
{
	struct host *a = &hosts[0];

	(void)state;
	request_settings(a);
	serial_settings(a, "9", "18", "12", "9");
	open_range(a, RANGE_REQUEST, RANGE_LEGACY);
	open_range(a, RANGE_SERIAL, RANGE_LEGACY);
	counter(a, RANGE_REQUEST, RANGE_LEGACY);
	counter(a, RANGE_SERIAL, RANGE_LEGACY);
	directory(a, RANGE_SERIAL, RANGE_LEGACY, "next 19");
	takes(a, RANGE_REQUEST, 1, 6);
	takes(a, RANGE_SERIAL, 9, 14);
	manage(a);
	check(a, RANGE_REQUEST);
	check(a, RANGE_SERIAL);
	takes(a, RANGE_REQUEST, 7, 16);
	takes(a, RANGE_SERIAL, 15, 24);
	holds(a, "Request", "11-20");
	takes(a, RANGE_REQUEST, 17, 17);
	exhausted(a, RANGE_SERIAL, "0x18");
	check(a, RANGE_REQUEST);
	check(a, RANGE_SERIAL);
	holds(a, "Request", "11-20 next 21-30");
	holds(a, "Serial", "9-18 next 19-2a");
	directory(a, RANGE_SERIAL, RANGE_LEGACY, "19-36:8443 next 37");
	takes(a, RANGE_REQUEST, 18, 30);
	takes(a, RANGE_SERIAL, 25, 37);
	exhausted(a, RANGE_REQUEST, "30");
	check(a, RANGE_REQUEST);
	check(a, RANGE_SERIAL);
	holds(a, "Request", "21-30 next 31-40");
	holds(a, "Serial", "19-2a next 37-48");
	directory(
	    a, RANGE_SERIAL, RANGE_LEGACY, "19-36:8443 37-54:8443 next 55");
	takes(a, RANGE_SERIAL, 38, 42);
	takes(a, RANGE_SERIAL, 55, 59);
}

static void
legacy2_alone_has_no_gap(void **state)
{
	struct host *a = &hosts[0];

	(void)state;
	serial_settings(a, "0x9", "0x18", "0x12", "0x9");
	open_range(a, RANGE_SERIAL, RANGE_LEGACY2);
	counter(a, RANGE_SERIAL, RANGE_LEGACY2);
	takes(a, RANGE_SERIAL, 9, 24);
	manage(a);
	check(a, RANGE_SERIAL);
	holds(a, "Serial", "0x9-0x18 next 0x19-0x2a");
	directory(a, RANGE_SERIAL, RANGE_LEGACY2, "25-42:8443 next 43");
	takes(a, RANGE_SERIAL, 25, 37);
	check(a, RANGE_SERIAL);
	holds(a, "Serial", "0x19-0x2a next 0x2b-0x3c");
	directory(
	    a, RANGE_SERIAL, RANGE_LEGACY2, "25-42:8443 43-60:8443 next 61");
	takes(a, RANGE_SERIAL, 38, 44);
}

/* --- what must not happen ------------------------------------------------- */

static void
a_number_is_taken_only_when_its_mark_is_durable(void **state)
{
	struct host *a = &hosts[0];
	struct num n;

	(void)state;
	serial_settings(a, "0x1", "0x10", "0x10", "0x2");
	open_range(a, RANGE_SERIAL, RANGE_LEGACY2);
	takes(a, RANGE_SERIAL, 1, 3);
	a->refuse = true;
	RC(RC_IO, range_take(a->ranges[RANGE_SERIAL], &n, e));
	a->refuse = false;
	/* the process dies: what was saved is what is known */
	assert_int_equal(a->mark[RANGE_SERIAL], 4);
	stop_range(a, RANGE_SERIAL);
	open_range(a, RANGE_SERIAL, RANGE_LEGACY2);
	takes(a, RANGE_SERIAL, 4, 4);
}

static void
a_large_range_saves_seldom_and_loses_little(void **state)
{
	struct host *a = &hosts[0];
	uint64_t died;

	(void)state;
	serial_settings(a, "0x1", "0x10000000", "0x10000000", "0x2000000");
	open_range(a, RANGE_SERIAL, RANGE_LEGACY2);
	takes(a, RANGE_SERIAL, 1, 1000);
	assert_int_equal(a->saves, 1);
	died = a->mark[RANGE_SERIAL];
	assert_true(died > 1000 && died < 3000);
	/* a clean end loses nothing */
	stop_range(a, RANGE_SERIAL);
	open_range(a, RANGE_SERIAL, RANGE_LEGACY2);
	takes(a, RANGE_SERIAL, 1001, 1001);
}

static void
a_stale_configuration_gives_nothing_twice(void **state)
{
	struct host *a = &hosts[0];

	(void)state;
	serial_settings(a, "0x9", "0x18", "0x12", "0x9");
	open_range(a, RANGE_SERIAL, RANGE_LEGACY2);
	counter(a, RANGE_SERIAL, RANGE_LEGACY2);
	manage(a);
	takes(a, RANGE_SERIAL, 9, 24);
	check(a, RANGE_SERIAL);
	takes(a, RANGE_SERIAL, 25, 26);
	stop_range(a, RANGE_SERIAL);
	/* CS.cfg of an earlier day is put back */
	serial_settings(a, "0x9", "0x18", "0x12", "0x9");
	cfg_del(a->cs, "dbs.nextBeginSerialNumber");
	cfg_del(a->cs, "dbs.nextEndSerialNumber");
	open_range(a, RANGE_SERIAL, RANGE_LEGACY2);
	exhausted(a, RANGE_SERIAL, "0x18");
	manage(a);
	check(a, RANGE_SERIAL);
	takes(a, RANGE_SERIAL, 43, 43);
}

static void
what_was_given_away_is_not_taken_up_again(void **state)
{
	struct host *a = &hosts[0];
	struct range_span got;

	(void)state;
	set(a, "dbs.beginRequestNumber", "1");
	set(a, "dbs.endRequestNumber", "10");
	set(a, "dbs.requestIncrement", "5");
	set(a, "dbs.requestLowWaterMark", "5");
	set(a, "dbs.requestCloneTransferNumber", "5");
	open_range(a, RANGE_REQUEST, RANGE_LEGACY2);
	counter(a, RANGE_REQUEST, RANGE_LEGACY2);
	takes(a, RANGE_REQUEST, 1, 7);
	manage(a);
	/* the whole next range, 11 to 15, goes */
	OK(range_transfer(a->ranges[RANGE_REQUEST], &got, &first, false, e));
	assert_int_equal(got.begin, 11);
	assert_int_equal(got.end, 15);
	holds(a, "Request", "1-10");
	check(a, RANGE_REQUEST);
	holds(a, "Request", "1-10 next 16-20");
	takes(a, RANGE_REQUEST, 8, 10);
	takes(a, RANGE_REQUEST, 16, 20);
}

static void
a_range_of_another_host_is_dropped(void **state)
{
	struct host *a = &hosts[0];
	struct num n;

	(void)state;
	serial_settings(a, "0x9", "0x18", "0x12", "0x9");
	open_range(a, RANGE_SERIAL, RANGE_LEGACY2);
	counter(a, RANGE_SERIAL, RANGE_LEGACY2);
	manage(a);
	takes(a, RANGE_SERIAL, 9, 20);
	check(a, RANGE_SERIAL);
	holds(a, "Serial", "0x9-0x18 next 0x19-0x2a");
	/* replication let another one keep the name */
	AUTO(batch) b = batch_new();
	batch_modify(b, REC_RANGE, "serial_v2/25");
	batch_mod_str(b, MOD_REPLACE, "SecurePort", "9999");
	OK(store_commit(a->store, b, e));
	check(a, RANGE_SERIAL);
	holds(a, "Serial", "0x9-0x18 next 0x2b-0x3c");
	takes(a, RANGE_SERIAL, 21, 24);
	OK(range_take(a->ranges[RANGE_SERIAL], &n, e));
	assert_int_equal(value(&n), 43);
}

static void
a_grant_that_was_not_written_down_is_found_again(void **state)
{
	struct host *a = &hosts[0];
	bool waits;

	(void)state;
	serial_settings(a, "0x9", "0x18", "0x12", "0x9");
	open_range(a, RANGE_SERIAL, RANGE_LEGACY2);
	counter(a, RANGE_SERIAL, RANGE_LEGACY2);
	manage(a);
	takes(a, RANGE_SERIAL, 9, 20);
	a->refuse = true;
	RC(RC_IO, range_check(a->ranges[RANGE_SERIAL], &first, &waits, e));
	a->refuse = false;
	check(a, RANGE_SERIAL);
	holds(a, "Serial", "0x9-0x18 next 0x19-0x2a");
	directory(a, RANGE_SERIAL, RANGE_LEGACY2, "25-42:8443 next 43");
}

static void
a_restored_instance_burns_what_it_had(void **state)
{
	struct host *a = &hosts[0];
	struct range_state s;
	char text[RANGE_TEXT_MAX];

	(void)state;
	serial_settings(a, "0x9", "0x18", "0x12", "0x9");
	set(a, "dbs.nextBeginSerialNumber", "0x19");
	set(a, "dbs.nextEndSerialNumber", "0x2a");
	OK(range_load(&s, a->cs, RANGE_SERIAL, RANGE_LEGACY2, e));
	range_burn(&s);
	assert_int_equal(range_left(&s), 0);
	assert_int_equal(s.mark, 43);
	assert_int_equal(s.top, 42);
	assert_string_equal(
	    range_text(text, RANGE_SERIAL, RANGE_LEGACY2, s.top), "0x2a");
}

static void
a_random_range_gives_each_number_once(void **state)
{
	struct host *a = &hosts[0];
	bool seen[64] = { false };
	struct range_params p = { .store = a->store,
		.owner = a->owner,
		.random = true,
		.save = save,
		.arg = a };
	struct num n;

	(void)state;
	serial_settings(a, "10", "2f", "20", "8");
	OK(range_load(&p.state, a->cs, RANGE_SERIAL, RANGE_LEGACY, e));
	OK(range_new(&a->ranges[RANGE_SERIAL], &p, e));
	for (size_t i = 0; i < 32; i++) {
		OK(range_take(a->ranges[RANGE_SERIAL], &n, e));
		assert_in_range(value(&n), 0x10, 0x2f);
		assert_false(seen[value(&n)]);
		seen[value(&n)] = true;
	}
	exhausted(a, RANGE_SERIAL, "0x2f");
}

static void
texts_are_in_the_right_radix(void **state)
{
	static const struct {
		uint64_t end, next;
	} after[] = { { 0x12, 13 }, { 0x18, 19 }, { 0x19, 20 }, { 0x1f, 20 },
		{ 0x9f, 100 }, { 0x10000000, 10000001 }, { 0xffff, 10000 },
		{ 0x1a5, 200 } };
	char text[RANGE_TEXT_MAX];
	uint64_t v;

	(void)state;
	for (size_t i = 0; i < sizeof(after) / sizeof(after[0]); i++)
		assert_int_equal(
		    range_after(RANGE_SERIAL, RANGE_LEGACY, after[i].end),
		    after[i].next);
	assert_int_equal(range_after(RANGE_SERIAL, RANGE_LEGACY2, 24), 25);
	assert_int_equal(range_after(RANGE_REQUEST, RANGE_LEGACY, 24), 25);
	assert_string_equal(
	    range_text(text, RANGE_SERIAL, RANGE_LEGACY, 0x1a), "1a");
	assert_string_equal(
	    range_text(text, RANGE_SERIAL, RANGE_LEGACY2, 0x1a), "0x1a");
	assert_string_equal(
	    range_text(text, RANGE_REQUEST, RANGE_LEGACY2, 26), "26");
	OK(range_parse(&v, RANGE_SERIAL, RANGE_LEGACY, "10", e));
	assert_int_equal(v, 16);
	OK(range_parse(&v, RANGE_SERIAL, RANGE_LEGACY2, "0x10", e));
	assert_int_equal(v, 16);
	RC(RC_INVALID, range_parse(&v, RANGE_REQUEST, RANGE_LEGACY, "1f", e));
	RC(RC_INVALID,
	    range_parse(
		&v, RANGE_SERIAL, RANGE_LEGACY2, "0x8000000000000000", e));
}

static void
settings_that_make_no_range_are_refused(void **state)
{
	static const char *const bad[][2] = {
		{ "dbs.beginSerialNumber", "x" },
		{ "dbs.endSerialNumber", "-1" },
		{ "dbs.serialIncrement", "0" },
		{ "dbs.beginSerialNumber", "0x30" },
		{ "dbs.nextBeginSerialNumber", "1g" },
		{ "dbs.serialLowWaterMark", "99999999999999999999999999" },
	};
	struct range_state s;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		serial_settings(&hosts[0], "0x9", "0x18", "0x12", "0x9");
		cfg_del(hosts[0].cs, "dbs.nextBeginSerialNumber");
		set(&hosts[0], bad[i][0], bad[i][1]);
		RC(RC_INVALID,
		    range_load(
			&s, hosts[0].cs, RANGE_SERIAL, RANGE_LEGACY2, e));
	}
}

/* --- two suppliers -------------------------------------------------------- */

static void
one_who_is_not_the_holder_asks_and_is_answered(void **state)
{
	struct host *a = &hosts[0], *b = &hosts[1];
	struct range_set at_a = { a->store, RANGE_SERIAL, RANGE_LEGACY2 };
	struct range *r;
	size_t granted = 0;
	bool waits = false;

	(void)state;
	serial_settings(b, "0x10", "0x18", "0x12", "0x9");
	set(b, "dbs.enableSerialManagement", "true");
	OK(range_counter_init(&at_a, 25, e));
	settle();
	open_range(b, RANGE_SERIAL, RANGE_LEGACY2);
	r = b->ranges[RANGE_SERIAL];
	takes(b, RANGE_SERIAL, 0x10, 0x11);
	for (int i = 0; i < 2; i++) {
		OK(range_check(r, NULL, &waits, e));
		assert_true(waits);
	}
	/* cut off it lives on what it has, then says so */
	OK(range_serve(&at_a, &first, &granted, e));
	assert_int_equal(granted, sim != NULL ? 0 : 1);
	takes(b, RANGE_SERIAL, 0x12, 0x18);
	exhausted(b, RANGE_SERIAL, "0x18");
	settle();
	for (int i = 0; i < 2; i++)
		OK(range_serve(&at_a, &first, &granted, e));
	assert_int_equal(granted, 1);
	settle();
	OK(range_check(r, NULL, &waits, e));
	assert_false(waits);
	takes(b, RANGE_SERIAL, 25, 30);
	settle();
	/* what was asked is gone with its answer */
	OK(range_serve(&at_a, &first, &granted, e));
	assert_int_equal(granted, 1);
	directory(b, RANGE_SERIAL, RANGE_LEGACY2, "25-42:8444 next 43");
}

static uint64_t used[USED_MAX];
static size_t n_used, n_twice;

static void
note_used(uint64_t v)
{
	for (size_t i = 0; i < n_used; i++)
		if (used[i] == v)
			n_twice++;
	assert_true(n_used < USED_MAX);
	used[n_used++] = v;
}

static uint64_t random_state;

static uint32_t
random_below(uint32_t n)
{
	random_state = random_state * UINT64_C(6364136223846793005) + 1;
	return (uint32_t)(random_state >> 33) % n;
}

/* Schedules of three hosts on three suppliers: taking, checking, serving by
 * whoever believes to be the holder, forced take-overs on either side of a cut,
 * deaths, sessions in any order. */
static void
run_schedule(uint64_t seed, enum range_form form, bool all_hold)
{
	struct range_holder held[3] = { { 0, 0 } };
	int claim[3] = { 1, 0, 0 }, greatest[3] = { 1, 1, 1 }, newest = 1;

	random_state = seed * 7919 + 1;
	n_used = n_twice = 0;
	memset(hosts, 0, sizeof(hosts));
	sim = sim_new(1795000000000);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(sim_add_replica(sim), i);
		begin_host(i, sim_store(sim, i));
	}
	for (size_t i = 0; i < 3; i++) {
		char from[RANGE_TEXT_MAX], to[RANGE_TEXT_MAX];
		range_text(from, RANGE_SERIAL, form, 1 + 8 * i);
		range_text(to, RANGE_SERIAL, form, 8 + 8 * i);
		serial_settings(&hosts[i], from, to,
		    form == RANGE_LEGACY ? "8" : "0x8",
		    form == RANGE_LEGACY ? "6" : "0x6");
		set(&hosts[i], "dbs.enableSerialManagement", "true");
		open_range(&hosts[i], RANGE_SERIAL, form);
	}
	struct range_set root = { hosts[0].store, RANGE_SERIAL, form };
	OK(range_counter_init(&root, range_after(RANGE_SERIAL, form, 24), e));
	sim_settle(sim);
	for (size_t step = 0; step < 200; step++) {
		size_t i = random_below(3), j = random_below(3);
		struct range_set at = { sim_store(sim, i), RANGE_SERIAL, form };
		bool holds_it =
		    all_hold || (claim[i] > 0 && claim[i] == greatest[i]);
		bool waits;
		struct num n;
		size_t granted = 0;

		sim_advance(sim, 10);
		switch (random_below(8)) {
		case 0:
		case 1:
		case 2:
			if (range_take(hosts[i].ranges[RANGE_SERIAL], &n,
				NULL) == RC_OK)
				note_used(value(&n));
			break;
		case 3:
			OK(range_check(hosts[i].ranges[RANGE_SERIAL],
			    holds_it ? &held[i] : NULL, &waits, e));
			break;
		case 4:
			if (holds_it)
				OK(range_serve(&at, &held[i], &granted, e));
			break;
		case 5:
			if (i == j)
				break;
			sim_replicate(sim, i, j);
			if (greatest[i] > greatest[j])
				greatest[j] = greatest[i];
			break;
		case 6: /* forced, now and then */
			if (all_hold || random_below(6) != 0)
				break;
			claim[i] = greatest[i] = ++newest;
			held[i].host_id = hosts[i].id;
			OK(range_region(&at, hosts[i].id, &held[i].region, e));
			break;
		default: /* dies between two of its writes */
			sim_cut_after(sim, i, random_below(3));
			rc_ignore(range_check(hosts[i].ranges[RANGE_SERIAL],
			    holds_it ? &held[i] : NULL, &waits, NULL));
			hosts[i].refuse = true; /* no clean end */
			stop_range(&hosts[i], RANGE_SERIAL);
			hosts[i].refuse = false;
			OK(sim_restart(sim, i, e));
			hosts[i].store = sim_store(sim, i);
			open_range(&hosts[i], RANGE_SERIAL, form);
			break;
		}
	}
	for (size_t i = 0; i < 3; i++) {
		stop_range(&hosts[i], RANGE_SERIAL);
		cfg_free(hosts[i].cs);
	}
	sim_free(sim);
}

static enum range_form
form_of(uint64_t seed)
{
	return seed % 2 == 0 ? RANGE_LEGACY : RANGE_LEGACY2;
}

static void
no_number_is_given_twice_in_any_schedule(void **state)
{
	size_t most = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 400; seed++) {
		run_schedule(seed, form_of(seed), false);
		if (n_twice > 0)
			fail_msg("seed %llu: %zu numbers were given twice",
			    (unsigned long long)seed, n_twice);
		most = n_used > most ? n_used : most;
	}
	/* ranges did change hands */
	assert_true(most > 40);
}

/* The model's way: everybody swaps nextRange on the own supplier. */
static void
the_schedules_catch_a_shared_next_range(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (n_twice = 0; n_twice == 0 && seed <= 400; seed++)
		run_schedule(seed, form_of(seed), true);
	assert_true(n_twice > 0);
}

#define BOTH(f)                                    \
	{ "lmdb_" #f, f, begin_lmdb, end, NULL },  \
	{                                          \
		"sim_" #f, f, begin_sim, end, NULL \
	}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(replica_ids_go_to_clones_as_documented),
		BOTH(legacy_clone_has_the_documented_numbers),
		BOTH(legacy2_clone_has_the_documented_numbers),
		BOTH(legacy_alone_has_the_documented_gap),
		BOTH(legacy2_alone_has_no_gap),
		BOTH(a_number_is_taken_only_when_its_mark_is_durable),
		BOTH(a_large_range_saves_seldom_and_loses_little),
		BOTH(a_stale_configuration_gives_nothing_twice),
		BOTH(what_was_given_away_is_not_taken_up_again),
		BOTH(a_range_of_another_host_is_dropped),
		BOTH(a_grant_that_was_not_written_down_is_found_again),
		BOTH(one_who_is_not_the_holder_asks_and_is_answered),
		BOTH(a_random_range_gives_each_number_once),
		cmocka_unit_test_setup_teardown(
		    a_restored_instance_burns_what_it_had, begin_sim, end),
		cmocka_unit_test(texts_are_in_the_right_radix),
		cmocka_unit_test_setup_teardown(
		    settings_that_make_no_range_are_refused, begin_sim, end),
		cmocka_unit_test(no_number_is_given_twice_in_any_schedule),
		cmocka_unit_test(the_schedules_catch_a_shared_next_range),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
