/* SPDX-License-Identifier: Apache-2.0 */
/* connector_sync.c - three-way merge of CS.cfg, what was applied last, and the
 * record that the clones share.
 * Owns:    struct connector_sync.
 * Trusts:  the record as far as its lines can be read; what CS.cfg must not
 *          hold is refused by the rules of connector.c.
 * Threads: any; `lock` keeps runs apart and is outside of cscfg.c's. */
#include "ca/connector_sync.h"

#include <stdatomic.h>

#include "base/file.h"
#include "base/log.h"
#include "base/thread.h"
#include "ca/connector.h"
#include "ca/state.h"
#include "instance/cscfg.h"

enum {
	TRIES = 4,
	RETRY_MS = 15000,
	IDLE_MS = 3600000
};
#define HOST_NAME "host:"

/* Beside the hosts; nickName, local and the pool sizes are a host's own. */
static const char *const shared[] = { "enable", "subsystemCert", "timeout",
	"transportCert", "transportCertNickname", "uri" };
enum {
	N_SHARED = sizeof(shared) / sizeof(shared[0])
};

struct connector_sync {
	struct ca *ca;
	char *applied; /* path */
	pthread_mutex_t lock;
	_Atomic bool dirty;
};

enum rc
connector_sync_new(struct connector_sync **out, struct ca *ca, struct err *e)
{
	AUTO_BUF path = buf_empty(0);
	struct connector_sync *s = calloc(1, sizeof(*s));

	buf_addf(
	    &path, "%s/connector.applied", instance_paths(ca->instance)->host);
	if (s == NULL || (s->applied = buf_steal_str(&path)) == NULL) {
		free(s);
		return err_set(e, RC_NOMEM, "KRA connector");
	}
	s->ca = ca;
	pthread_mutex_init(&s->lock, NULL);
	atomic_store(&s->dirty, true);
	*out = s;
	return RC_OK;
}

void
connector_sync_free(struct connector_sync *s)
{
	if (s == NULL)
		return;
	pthread_mutex_destroy(&s->lock);
	free(s->applied);
	free(s);
}

/* --- views ----------------------------------------------------------------------- */

enum rc
connector_view(struct cfg *out, const struct cfg *cs, struct err *e)
{
	struct connector_hosts h;
	enum rc rc;

	if (!connector_exists(cs))
		return RC_OK;
	if ((rc = connector_hosts_read(&h, cs, e)) != RC_OK)
		return rc;
	for (size_t i = 0; i < h.n && rc == RC_OK; i++) {
		AUTO_BUF name = buf_empty(0);

		buf_addf(&name, HOST_NAME "%s", h.items[i]);
		rc = cfg_set(out, buf_cstr(&name), "", e);
	}
	for (size_t i = 0; i < N_SHARED && rc == RC_OK; i++) {
		const char *v = cfg_getf(cs, CONNECTOR_PREFIX "%s", shared[i]);

		if (v != NULL && v[0] != '\0')
			rc = cfg_set(out, shared[i], v, e);
	}
	return rc;
}

static bool
has_host(const struct cfg *view)
{
	size_t i = cfg_lower(view, HOST_NAME);

	return i < cfg_count(view) &&
	    text_starts(cfg_at(view, i).name, HOST_NAME);
}

static bool
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

enum rc
connector_merge(struct cfg *out, const struct cfg *base, const struct cfg *mine,
    const struct cfg *theirs, struct err *e)
{
	enum rc rc = cfg_merge(out, base, mine, theirs, NULL, e);

	if (rc == RC_OK && !has_host(out))
		cfg_del_prefix(out, "");
	return rc;
}

/* "h:p" in two. */
static enum rc
split_host(const char *item, char host[CONNECTOR_HOST_MAX],
    char port[CONNECTOR_HOST_MAX], struct err *e)
{
	const char *colon = strrchr(item, ':');

	if (colon == NULL || strlen(item) >= CONNECTOR_HOST_MAX)
		return err_set(e, RC_INVALID, "KRA host: %.100s", item);
	snprintf(host, CONNECTOR_HOST_MAX, "%.*s", (int)(colon - item), item);
	snprintf(port, CONNECTOR_HOST_MAX, "%s", colon + 1);
	return RC_OK;
}

/* Adds the hosts that CS.cfg lacks; the first one makes the connector. */
static enum rc
add_hosts(struct cfg *cs, const struct cfg *view, struct err *e)
{
	char host[CONNECTOR_HOST_MAX], port[CONNECTOR_HOST_MAX];
	enum rc rc = RC_OK;

	for (size_t i = cfg_lower(view, HOST_NAME);
	     i < cfg_count(view) && rc == RC_OK; i++) {
		const char *name = cfg_at(view, i).name;
		struct connector x = { .host = host,
			.port = port,
			.transport_cert = cfg_get(view, "transportCert") };

		if (!text_starts(name, HOST_NAME))
			break;
		rc = split_host(name + strlen(HOST_NAME), host, port, e);
		if (rc == RC_OK)
			rc = connector_exists(cs)
			    ? connector_add_host(cs, host, port, e)
			    : connector_add(cs, &x, e);
	}
	return rc;
}

static enum rc
remove_hosts(struct cfg *cs, const struct cfg *view, struct err *e)
{
	char host[CONNECTOR_HOST_MAX], port[CONNECTOR_HOST_MAX];
	struct connector_hosts h;
	enum rc rc;

	if ((rc = connector_hosts_read(&h, cs, e)) != RC_OK)
		return rc;
	for (size_t i = 0; i < h.n && rc == RC_OK; i++) {
		AUTO_BUF name = buf_empty(0);

		buf_addf(&name, HOST_NAME "%s", h.items[i]);
		if (cfg_get(view, buf_cstr(&name)) != NULL)
			continue;
		rc = split_host(h.items[i], host, port, e);
		if (rc == RC_OK)
			rc = connector_remove_host(cs, host, port, e);
	}
	return rc;
}

enum rc
connector_apply(struct cfg *cs, const struct cfg *view, struct err *e)
{
	enum rc rc;

	if (!has_host(view)) {
		cfg_del_prefix(cs, CONNECTOR_PREFIX);
		return RC_OK;
	}
	/* additions first: the last host takes the connector along */
	if ((rc = add_hosts(cs, view, e)) != RC_OK ||
	    (rc = remove_hosts(cs, view, e)) != RC_OK)
		return rc;
	for (size_t i = 0; i < N_SHARED && rc == RC_OK; i++) {
		AUTO_BUF name = buf_empty(0);
		const char *v = cfg_get(view, shared[i]);

		buf_addf(&name, CONNECTOR_PREFIX "%s", shared[i]);
		if (v == NULL)
			cfg_del(cs, buf_cstr(&name));
		else
			rc = cfg_set(cs, buf_cstr(&name), v, e);
	}
	return rc;
}

/* --- the record -------------------------------------------------------------------- */

/* Each value is a line "name=value"; of two for one name, which two clones
 * wrote at once, the greater counts on every clone. *found: is there a record? */
static enum rc
load_record(struct ca *ca, struct cfg *out, bool *found, struct err *e)
{
	AUTO(rec) r = NULL;
	const struct rec_attr *a;
	enum rc rc =
	    store_get(ca->store, &r, REC_SETTING, CONNECTOR_SETTING, e);

	*found = rc == RC_OK;
	if (rc != RC_OK)
		return rc == RC_NOTFOUND ? RC_OK : rc;
	a = rec_attr(r, "signetValue");
	for (size_t i = 0; a != NULL && i < a->n && rc == RC_OK; i++) {
		AUTO_STR line = view_dup_str(a->values[i]);
		char *value = line != NULL ? strchr(line, '=') : NULL;

		if (value == NULL)
			continue;
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
create_record(struct ca *ca, const struct cfg *view, struct err *e)
{
	AUTO(batch) b = batch_new();
	struct rec *r = rec_new(REC_SETTING, CONNECTOR_SETTING);

	if (b == NULL || r == NULL) {
		rec_free(r);
		return err_set(e, RC_NOMEM, "KRA connector");
	}
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
change_record(
    struct ca *ca, const struct cfg *from, const struct cfg *to, struct err *e)
{
	AUTO(batch) b = batch_new();
	bool any = false;

	if (b == NULL)
		return err_set(e, RC_NOMEM, "KRA connector");
	batch_modify(b, REC_SETTING, CONNECTOR_SETTING);
	for (size_t i = 0; i < cfg_count(from) + cfg_count(to); i++) {
		bool old = i < cfg_count(from);
		struct cfg_item x =
		    old ? cfg_at(from, i) : cfg_at(to, i - cfg_count(from));
		AUTO_BUF line = buf_empty(0);

		if (same(cfg_get(old ? to : from, x.name), x.value))
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
		return err_set(e, RC_NOMEM, "KRA connector");
	if ((rc = connector_view(now, cs, e)) != RC_OK)
		return rc;
	if (!cfg_equal(now, r->mine))
		return err_set(e, RC_CONFLICT,
		    "CS.cfg changed while the connector was merged");
	return connector_apply(cs, r->result, e);
}

/* Merge, record, CS.cfg. A death in between leaves what the next run takes for
 * a change of another clone. */
static enum rc
run_once(struct connector_sync *s, const struct cfg *base, struct cfg *result,
    struct err *e)
{
	AUTO_STR path = paths_cs_cfg(instance_paths(s->ca->instance), "ca");
	AUTO(cfg) cs = cfg_new();
	AUTO(cfg) mine = cfg_new();
	AUTO(cfg) theirs = cfg_new();
	struct run r = { mine, result };
	bool found;
	enum rc rc;

	cfg_del_prefix(result, "");
	if (path == NULL || cs == NULL || mine == NULL || theirs == NULL)
		return err_set(e, RC_NOMEM, "KRA connector");
	if ((rc = cfg_load(cs, path, e)) != RC_OK ||
	    (rc = connector_view(mine, cs, e)) != RC_OK ||
	    (rc = load_record(s->ca, theirs, &found, e)) != RC_OK ||
	    (rc = connector_merge(
		 result, found ? base : NULL, mine, theirs, e)) != RC_OK)
		return rc;
	if (found)
		rc = change_record(s->ca, theirs, result, e);
	else if (has_host(result))
		rc = create_record(s->ca, result, e);
	if (rc != RC_OK || cfg_equal(mine, result))
		return rc;
	rc = cscfg_change(
	    instance_paths(s->ca->instance), "ca", apply_result, &r, e);
	if (rc == RC_OK)
		log_info("ca",
		    "CS.cfg: ca.connector.KRA.* as the clones have "
		    "it now");
	return rc;
}

enum rc
connector_sync_run(struct connector_sync *s, struct err *e)
{
	AUTO(cfg) base = cfg_new();
	AUTO(cfg) result = cfg_new();
	bool known;
	LOCKED(&s->lock);
	enum rc rc = RC_OK;

	if (base == NULL || result == NULL)
		return err_set(e, RC_NOMEM, "KRA connector");
	atomic_store(&s->dirty, false);
	known = file_exists(s->applied);
	if (known && (rc = cfg_load(base, s->applied, e)) != RC_OK)
		return rc;
	/* record or file may change between reading and writing */
	for (int i = 0; i < TRIES; i++) {
		rc = run_once(s, known ? base : NULL, result, e);
		if (rc != RC_CONFLICT && rc != RC_EXISTS)
			break;
	}
	if (rc == RC_OK)
		rc = cfg_save(result, s->applied, 0600, e);
	if (rc != RC_OK)
		atomic_store(&s->dirty, true);
	return rc;
}

void
connector_sync_follow(struct connector_sync *s)
{
	atomic_store(&s->dirty, true);
}

int64_t
connector_sync_tick(struct connector_sync *s)
{
	struct err e = { RC_OK, "" };

	if (!atomic_load(&s->dirty))
		return IDLE_MS;
	if (connector_sync_run(s, &e) == RC_OK)
		return IDLE_MS;
	log_warning("ca",
	    "KRA connector of the clones: %s, continuing; next try in %d s",
	    e.text, RETRY_MS / 1000);
	return RETRY_MS;
}
