/* SPDX-License-Identifier: Apache-2.0 */
/* setting_sync.c - three-way merge of CS.cfg, what was applied last, and the
 * record that the clones share.
 * Owns:    struct setting_sync.
 * Trusts:  the record as far as its lines can be read; what CS.cfg must not
 *          hold is refused by the group.
 * Threads: any; `lock` keeps runs apart and is outside of cscfg.c's. */
#include "ca/setting_sync.h"

#include <stdatomic.h>

#include "base/file.h"
#include "base/log.h"
#include "base/thread.h"
#include "ca/state.h"
#include "instance/cscfg.h"

enum {
	TRIES = 4,
	RETRY_MS = 15000,
	IDLE_MS = 3600000,
	NAMES_MAX = 4096,
	MADE_MAX = 64,
};

/* In the file of what was applied: which record that was. */
#define MADE "record"

static const struct setting_group *const all[] = { &setting_connector,
	&setting_params };
enum {
	N_GROUPS = sizeof(all) / sizeof(all[0])
};

struct group_state {
	const struct setting_group *g;
	char *applied; /* path */
	_Atomic bool dirty;
};
struct setting_sync {
	struct ca *ca;
	struct group_state groups[N_GROUPS];
	pthread_mutex_t lock;
};

enum rc
setting_sync_new(struct setting_sync **out, struct ca *ca, struct err *e)
{
	AUTO(setting_sync) s = calloc(1, sizeof(*s));

	if (s == NULL)
		return err_set(e, RC_NOMEM, "settings");
	s->ca = ca;
	pthread_mutex_init(&s->lock, NULL);
	for (size_t i = 0; i < N_GROUPS; i++) {
		AUTO_BUF path = buf_empty(0);

		buf_addf(&path, "%s/%s", instance_paths(ca->instance)->host,
		    all[i]->applied);
		s->groups[i].g = all[i];
		atomic_store(&s->groups[i].dirty, true);
		if ((s->groups[i].applied = buf_steal_str(&path)) == NULL)
			return err_set(e, RC_NOMEM, "settings");
	}
	*out = setting_sync_steal(&s);
	return RC_OK;
}

void
setting_sync_free(struct setting_sync *s)
{
	if (s == NULL)
		return;
	pthread_mutex_destroy(&s->lock);
	for (size_t i = 0; i < N_GROUPS; i++)
		free(s->groups[i].applied);
	free(s);
}

static bool
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* --- the record -------------------------------------------------------------------- */

/* Each value is a line "name=value"; of two for one name, which two clones
 * wrote at once, the greater counts on every clone. *found: is there a record?
 * made: who made it, "" = it does not say. */
static enum rc
load_record(struct ca *ca, const struct setting_group *g, struct cfg *out,
    bool *found, char made[MADE_MAX], struct err *e)
{
	AUTO(rec) r = NULL;
	const struct rec_attr *a;
	enum rc rc = store_get(ca->store, &r, REC_SETTING, g->id, e);

	made[0] = '\0';
	*found = rc == RC_OK;
	if (rc != RC_OK)
		return rc == RC_NOTFOUND ? RC_OK : rc;
	a = rec_attr(r, "signetValue");
	for (size_t i = 0; a != NULL && i < a->n && rc == RC_OK; i++) {
		AUTO_STR line = view_dup_str(a->values[i]);
		char *value = line != NULL ? strchr(line, '=') : NULL;

		if (value == NULL) {
			if (line != NULL)
				(void)snprintf(made, MADE_MAX, "%s", line);
			continue;
		}
		*value++ = '\0';
		const char *other = cfg_get(out, line);
		if (other == NULL || strcmp(value, other) > 0)
			rc = cfg_set(out, line, value, e);
	}
	return rc;
}

static void
add_line(struct buf *b, const struct cfg_item *x)
{
	buf_addf(b, "%s=%s", x->name, x->value);
}

static enum rc
create_record(struct ca *ca, const struct setting_group *g,
    const struct cfg *view, char made[MADE_MAX], struct err *e)
{
	struct highwater *h = ca->sub->highwater;
	AUTO(batch) b = batch_new();
	struct rec *r = rec_new(REC_SETTING, g->id);

	if (b == NULL || r == NULL) {
		rec_free(r);
		return err_set(e, RC_NOMEM, "%s", g->what);
	}
	(void)snprintf(made, MADE_MAX, "made by %04x at %lld",
	    h != NULL ? highwater_host_id(h) : 0,
	    (long long)clock_now_ms(ca->clock));
	rec_add_str(r, "signetValue", made);
	rec_add_date(r, "dateOfCreate", clock_now(ca->clock));
	for (size_t i = 0; i < cfg_count(view); i++) {
		struct cfg_item x = cfg_at(view, i);
		AUTO_BUF line = buf_empty(0);

		add_line(&line, &x);
		rec_add(r, "signetValue", buf_view(&line));
	}
	batch_add(b, r);
	return store_commit(ca->store, b, e);
}

/* Value by value, so that another clone's addition is not lost. */
static enum rc
change_record(struct ca *ca, const struct setting_group *g,
    const struct cfg *from, const struct cfg *to, struct err *e)
{
	AUTO(batch) b = batch_new();
	bool any = false;

	if (b == NULL)
		return err_set(e, RC_NOMEM, "%s", g->what);
	batch_modify(b, REC_SETTING, g->id);
	for (size_t i = 0; i < cfg_count(from) + cfg_count(to); i++) {
		bool old = i < cfg_count(from);
		struct cfg_item x =
		    old ? cfg_at(from, i) : cfg_at(to, i - cfg_count(from));
		AUTO_BUF line = buf_empty(0);

		if (same(cfg_get(old ? to : from, x.name), x.value) ||
		    (cfg_count(to) == 0 && g->members != NULL &&
			!text_starts(x.name, g->members)))
			continue;
		add_line(&line, &x);
		batch_mod(b, old ? MOD_DELETE : MOD_ADD, "signetValue",
		    buf_view(&line));
		any = true;
	}
	return any ? store_commit(ca->store, b, e) : RC_OK;
}

/* --- a run -------------------------------------------------------------------------- */

struct run {
	const struct setting_group *g;
	struct cfg *mine, *result;
};

/* Under cscfg.c's lock, which is never held together with a commit: the feed
 * runs others' code in between. */
static enum rc
apply_result(void *arg, struct cfg *cs, struct err *e)
{
	struct run *r = arg;
	AUTO(cfg) now = cfg_new();
	enum rc rc;

	if (now == NULL)
		return err_set(e, RC_NOMEM, "%s", r->g->what);
	if ((rc = r->g->view(now, cs, e)) != RC_OK)
		return rc;
	if (!cfg_equal(now, r->mine))
		return err_set(
		    e, RC_CONFLICT, "CS.cfg changed while it was merged");
	return r->g->apply(cs, r->result, e);
}

/* What was not changed here but differs now. */
static void
tell(const struct setting_group *g, const struct cfg *mine,
    const struct cfg *result, const char *when)
{
	AUTO_BUF names = buf_empty(NAMES_MAX);
	const struct cfg *const sides[] = { mine, result };

	for (size_t s = 0; s < 2; s++) {
		for (size_t i = 0; i < cfg_count(sides[s]); i++) {
			struct cfg_item x = cfg_at(sides[s], i);
			const char *m = cfg_get(mine, x.name),
				   *r = cfg_get(result, x.name);

			if (same(m, r) || (s == 1 && m != NULL))
				continue;
			buf_addf(
			    &names, "%s%s", names.len > 0 ? " " : "", x.name);
		}
	}
	log_info("ca", "CS.cfg: %s as the other CAs have it now%s: %s", g->what,
	    when, buf_check(&names, NULL) == RC_OK ? buf_cstr(&names) : "many");
}

/* They stand in CS.cfg; the running CA goes by them too. */
static void
count_now(struct ca *ca, const struct setting_group *g, const struct cfg *mine,
    const struct cfg *result)
{
	struct err e = { RC_OK, "" };

	if (g->live != NULL && g->live(ca, result, &e) != RC_OK) {
		log_warning("ca", "%s, continuing with what was", e.text);
		tell(g, mine, result, ", which counts from the next start on");
	} else {
		tell(g, mine, result, "");
	}
}

/* Merge, record, CS.cfg. A death in between leaves what the next run takes for
 * a change of another clone. made: in, of the record that base was applied
 * from; out, of the one there now. Where two clones made the record at once one
 * of the two stays: to who made the other one base says nothing. */
static enum rc
run_once(struct ca *ca, const struct setting_group *g, const struct cfg *base,
    struct cfg *result, char made[MADE_MAX], struct err *e)
{
	AUTO_STR path = paths_cs_cfg(instance_paths(ca->instance), "ca");
	AUTO(cfg) cs = cfg_new();
	AUTO(cfg) mine = cfg_new();
	AUTO(cfg) theirs = cfg_new();
	struct run r = { g, mine, result };
	char now[MADE_MAX];
	bool found;
	enum rc rc;

	cfg_del_prefix(result, "");
	if (path == NULL || cs == NULL || mine == NULL || theirs == NULL)
		return err_set(e, RC_NOMEM, "%s", g->what);
	if ((rc = cfg_load(cs, path, e)) != RC_OK ||
	    (rc = g->view(mine, cs, e)) != RC_OK ||
	    (rc = load_record(ca, g, theirs, &found, now, e)) != RC_OK ||
	    (rc = g->merge(result,
		 found && strcmp(made, now) == 0 ? base : NULL, mine, theirs,
		 e)) != RC_OK)
		return rc;
	if (found)
		rc = change_record(ca, g, theirs, result, e);
	else if (cfg_count(result) > 0)
		rc = create_record(ca, g, result, now, e);
	if (rc == RC_OK)
		memcpy(made, now, sizeof(now));
	if (rc != RC_OK || cfg_equal(mine, result))
		return rc;
	rc = cscfg_change(
	    instance_paths(ca->instance), "ca", apply_result, &r, e);
	if (rc == RC_OK)
		count_now(ca, g, mine, result);
	return rc;
}

/* Under the lock. */
static enum rc
run(struct setting_sync *s, struct group_state *x, struct err *e)
{
	AUTO(cfg) base = cfg_new();
	AUTO(cfg) result = cfg_new();
	char made[MADE_MAX], former[MADE_MAX];
	bool known;
	enum rc rc = RC_OK;

	if (base == NULL || result == NULL)
		return err_set(e, RC_NOMEM, "%s", x->g->what);
	atomic_store(&x->dirty, false);
	known = file_exists(x->applied);
	if (known && (rc = cfg_load(base, x->applied, e)) != RC_OK)
		return rc;
	(void)snprintf(former, sizeof(former), "%s", cfg_str(base, MADE, ""));
	memcpy(made, former, sizeof(made));
	cfg_del(base, MADE);
	/* record or file may change between reading and writing */
	for (int i = 0; i < TRIES; i++) {
		rc =
		    run_once(s->ca, x->g, known ? base : NULL, result, made, e);
		if (rc != RC_CONFLICT && rc != RC_EXISTS)
			break;
	}
	if (rc == RC_OK &&
	    !(known && cfg_equal(base, result) && strcmp(made, former) == 0)) {
		if (made[0] != '\0')
			rc = cfg_set(result, MADE, made, e);
		if (rc == RC_OK)
			rc = cfg_save(result, x->applied, 0600, e);
	}
	if (rc != RC_OK)
		atomic_store(&x->dirty, true);
	return rc;
}

enum rc
setting_sync_run(
    struct setting_sync *s, const struct setting_group *g, struct err *e)
{
	LOCKED(&s->lock);

	for (size_t i = 0; i < N_GROUPS; i++)
		if (s->groups[i].g == g)
			return run(s, &s->groups[i], e);
	return err_set(e, RC_NOTFOUND, "%s", g->id);
}

bool
setting_sync_follow(struct setting_sync *s, const char *id)
{
	for (size_t i = 0; i < N_GROUPS; i++) {
		if (strcmp(s->groups[i].g->id, id) != 0)
			continue;
		atomic_store(&s->groups[i].dirty, true);
		return true;
	}
	return false;
}

int64_t
setting_sync_tick(struct setting_sync *s)
{
	int64_t next = IDLE_MS;

	for (size_t i = 0; i < N_GROUPS; i++) {
		struct group_state *x = &s->groups[i];
		struct err e = { RC_OK, "" };

		if (!atomic_load(&x->dirty) ||
		    setting_sync_run(s, x->g, &e) == RC_OK)
			continue;
		log_warning("ca",
		    "%s of the clones: %s, continuing; next try in %d s",
		    x->g->what, e.text, RETRY_MS / 1000);
		next = RETRY_MS;
	}
	return next;
}
