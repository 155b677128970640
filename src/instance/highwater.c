/* SPDX-License-Identifier: Apache-2.0 */
/* highwater.c - the host's own memory of what it used (instance/highwater.h).
 * Owns:    the rows, as read and as last written.
 * Trusts:  nobody else writes the file.
 * Threads: any; `lock` guards the rows and the file. */
#include "instance/highwater.h"

#include <inttypes.h>

#include <openssl/rand.h>

#include "base/cfg.h"
#include "base/file.h"
#include "base/log.h"
#include "base/path.h"
#include "base/thread.h"

enum {
	DRAWS_MAX = 1000,
	FILE_MODE = 0600,
	FOLDER_MODE = 0700,
	REASON_MAX = 200,
};
#define HOST_ID "hostid"
#define GENERATION "generation"
#define USN "usn"
#define RESTORED "restored"

struct highwater {
	pthread_mutex_t lock;
	struct cfg *rows;
	char *path, *dir;
	struct store *store; /* bound */
	bool embedded;
};

enum rc
highwater_open(struct highwater **out, const struct instance_paths *p,
    const char *sub, struct err *e)
{
	AUTO(highwater) h = calloc(1, sizeof(*h));
	int64_t id;
	enum rc rc;

	if (h == NULL)
		return err_set(e, RC_NOMEM, "high-water file");
	pthread_mutex_init(&h->lock, NULL);
	h->rows = cfg_new();
	h->dir = strdup(p->host);
	if (h->rows == NULL || h->dir == NULL ||
	    asprintf(&h->path, "%s/%s.highwater", p->host, sub) < 0) {
		h->path = NULL;
		return err_set(e, RC_NOMEM, "high-water file");
	}
	if (file_exists(h->path)) {
		if ((rc = cfg_load(h->rows, h->path, e)) != RC_OK ||
		    (rc = cfg_int(
			 h->rows, &id, HOST_ID, 1, UINT16_MAX, 0, e)) != RC_OK)
			return err_prefix(e, "%s", h->path);
	}
	*out = highwater_steal(&h);
	return RC_OK;
}

/* --- writing; lock is held ------------------------------------------------ */

static enum rc
write_rows(struct highwater *h, struct cfg *rows, struct err *e)
{
	char usn[24];
	enum rc rc;

	if (h->store != NULL && h->embedded) {
		snprintf(usn, sizeof(usn), "%" PRIu64, store_usn(h->store));
		if ((rc = cfg_set(rows, USN, usn, e)) != RC_OK)
			return rc;
	}
	if ((rc = file_mkdirs(h->dir, FOLDER_MODE, e)) != RC_OK ||
	    (rc = cfg_save(rows, h->path, FILE_MODE, e)) != RC_OK)
		return err_prefix(e, "high-water file");
	return RC_OK;
}

static struct cfg *
copy_rows(const struct cfg *from)
{
	AUTO(cfg) c = cfg_new();

	for (size_t i = 0; c != NULL && i < cfg_count(from); i++) {
		struct cfg_item x = cfg_at(from, i);
		if (cfg_set(c, x.name, x.value, NULL) != RC_OK)
			return NULL;
	}
	return cfg_steal(&c);
}

/* All rows or none, in memory as on disk. */
static enum rc
set_rows(struct highwater *h, const struct highwater_row *rows, size_t n,
    struct err *e)
{
	AUTO(cfg) next = copy_rows(h->rows);
	enum rc rc;

	if (next == NULL)
		return err_set(e, RC_NOMEM, "high-water file");
	for (size_t i = 0; i < n; i++) {
		if (rows[i].text == NULL)
			cfg_del(next, rows[i].name);
		else if ((rc = cfg_set(next, rows[i].name, rows[i].text, e)) !=
		    RC_OK)
			return rc;
	}
	if ((rc = write_rows(h, next, e)) != RC_OK)
		return rc;
	cfg_free(h->rows);
	h->rows = cfg_steal(&next);
	return RC_OK;
}

void
highwater_free(struct highwater *h)
{
	if (h == NULL)
		return;
	if (h->store != NULL && h->embedded)
		/* an older usn only notices less */
		rc_ignore(set_rows(h, NULL, 0, NULL));
	pthread_mutex_destroy(&h->lock);
	cfg_free(h->rows);
	free(h->path);
	free(h->dir);
	free(h);
}

enum rc
highwater_set(struct highwater *h, const struct highwater_row *rows, size_t n,
    struct err *e)
{
	LOCKED(&h->lock);

	return set_rows(h, rows, n, e);
}

enum rc
highwater_raise(
    struct highwater *h, const char *name, const struct num *n, struct err *e)
{
	char text[NUM_TEXT_MAX];
	struct highwater_row row = { name, num_dec(text, n) };
	const char *old;
	struct num is;

	LOCKED(&h->lock);
	old = cfg_get(h->rows, name);
	if (old != NULL && num_parse(&is, old, false, NULL) == RC_OK &&
	    num_cmp(&is, n) >= 0)
		return RC_OK;
	return set_rows(h, &row, 1, e);
}

/* --- reading -------------------------------------------------------------- */

struct num
highwater_num(struct highwater *h, const char *name)
{
	struct num n = num_from_u64(0);
	const char *text;

	LOCKED(&h->lock);
	text = cfg_get(h->rows, name);
	if (text == NULL || num_parse(&n, text, false, NULL) != RC_OK)
		return num_from_u64(0);
	return n;
}

char *
highwater_text(struct highwater *h, const char *name)
{
	const char *text;

	LOCKED(&h->lock);
	text = cfg_get(h->rows, name);
	return text != NULL ? strdup(text) : NULL;
}

static uint16_t
host_id(const struct highwater *h)
{
	int64_t id;

	return cfg_int(h->rows, &id, HOST_ID, 0, UINT16_MAX, 0, NULL) == RC_OK
	    ? (uint16_t)id
	    : 0;
}

uint16_t
highwater_host_id(struct highwater *h)
{
	LOCKED(&h->lock);

	return host_id(h);
}

bool
highwater_restored(struct highwater *h, char *out, size_t size)
{
	const char *why;

	LOCKED(&h->lock);
	why = cfg_get(h->rows, RESTORED);
	if (why != NULL && out != NULL)
		snprintf(out, size, "%s", why);
	return why != NULL;
}

enum rc
highwater_accept(struct highwater *h, struct err *e)
{
	static const struct highwater_row gone = { RESTORED, NULL };

	return highwater_set(h, &gone, 1, e);
}

/* --- binding -------------------------------------------------------------- */

/* A number that no host of this store has. */
static enum rc
draw_host_id(struct store *s, const char *host, const struct clock *clock,
    char out[8], struct err *e)
{
	uint8_t b[2];
	enum rc rc;

	for (int i = 0; i < DRAWS_MAX; i++) {
		AUTO(batch) x = batch_new();
		char id[8];
		struct rec *r;
		unsigned v;

		if (RAND_bytes(b, sizeof(b)) != 1)
			return err_openssl(e, RC_CRYPTO, "host id");
		if ((v = (unsigned)b[0] << 8 | b[1]) == 0)
			continue;
		snprintf(id, sizeof(id), "%04x", v);
		r = rec_new(REC_HOST, id);
		if (x == NULL || r == NULL) {
			rec_free(r);
			return err_set(e, RC_NOMEM, "host id");
		}
		rec_addf(r, "signetHostId", "%u", v);
		rec_add_str(r, "host", host);
		rec_add_date(r, "dateOfCreate", clock_now(clock));
		batch_add(x, r);
		rc = store_commit(s, x, e);
		if (rc == RC_EXISTS)
			continue;
		snprintf(out, 8, "%u", v);
		return rc;
	}
	return err_set(e, RC_UNAVAILABLE, "no free host id was found");
}

/* Why the store is not the one this host left; *why stays empty if it is. */
static enum rc
compare(
    struct highwater *h, struct store *s, char why[REASON_MAX], struct err *e)
{
	const char *generation = cfg_get(h->rows, GENERATION);
	const char *seen = cfg_get(h->rows, USN);
	uint64_t hosts = 0, usn = store_usn(s);
	int64_t n = 0;
	enum rc rc;

	if (host_id(h) == 0) {
		rc = store_count(s, &hosts, REC_HOST, NULL, e);
		if (rc == RC_OK && hosts > 0)
			snprintf(why, REASON_MAX,
			    "%s is missing, but the store was used before",
			    h->path + strlen(path_root()));
		return rc;
	}
	if (!h->embedded)
		return RC_OK;
	if (generation != NULL && strcmp(generation, store_generation(s)) != 0)
		snprintf(why, REASON_MAX, "the store is another one");
	else if (seen != NULL &&
	    text_int(&n, seen, 0, INT64_MAX, NULL) == RC_OK &&
	    usn < (uint64_t)n)
		snprintf(why, REASON_MAX,
		    "the store is behind: change %" PRIu64
		    " of at least %" PRId64,
		    usn, n);
	return RC_OK;
}

enum rc
highwater_new_host(struct highwater *h, struct store *s, bool embedded,
    const char *host, const struct clock *clock, struct err *e)
{
	char id[8] = "";
	struct highwater_row rows[2] = { { GENERATION, store_generation(s) },
		{ HOST_ID, id } };
	enum rc rc;

	LOCKED(&h->lock);
	if ((rc = draw_host_id(s, host, clock, id, e)) != RC_OK)
		return rc;
	h->embedded = embedded;
	h->store = s;
	return set_rows(h, rows, 2, e);
}

enum rc
highwater_bind(struct highwater *h, struct store *s, bool embedded,
    const char *host, const struct clock *clock, struct err *e)
{
	char why[REASON_MAX] = "", id[8] = "", date[CLOCK_TEXT_MAX];
	char text[REASON_MAX + CLOCK_TEXT_MAX + sizeof(": ")];
	struct highwater_row rows[3] = { { GENERATION, store_generation(s) } };
	size_t n = 1;
	enum rc rc;

	LOCKED(&h->lock);
	h->embedded = embedded;
	if ((rc = compare(h, s, why, e)) != RC_OK)
		return rc;
	if (host_id(h) == 0 || why[0] != '\0') {
		/* a copy must not share its id with the original */
		if ((rc = draw_host_id(s, host, clock, id, e)) != RC_OK)
			return rc;
		rows[n++] = (struct highwater_row){ HOST_ID, id };
	}
	if (why[0] != '\0') {
		clock_text_iso(date, clock_now(clock));
		snprintf(text, sizeof(text), "%s: %s", date, why);
		rows[n++] = (struct highwater_row){ RESTORED, text };
		log_warning("instance",
		    "restored or copied: %s; unused numbers are burnt and no "
		    "role is claimed until pki-server restore-accept, "
		    "continuing",
		    why);
	}
	h->store = s;
	return set_rows(h, rows, n, e);
}
