/* SPDX-License-Identifier: Apache-2.0 */
/* issuing_point.c - an issuing point from its record to the list it serves.
 * Owns:    struct issuing_point: settings, set, watcher, present list.
 * Trusts:  its own record's number and dates; the file only after its digest.
 * Threads: see issuing_point_int.h for the two locks. */
#include "crl/issuing_point.h"

#include <stdio.h>

#include "base/file.h"
#include "base/log.h"
#include "base/thread.h"
#include "crl/issuing_point_int.h"
#include "x509/cert.h"

enum {
	ID_MAX = 64,
	FILE_MODE = 0644,
	DIR_MODE = 0755,
};

/* Letters, digits, '.', '_', '-': it names a file and settings. */
static bool
id_fits(const char *id)
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "abcdefghijklmnopqrstuvwxyz0123456789._-";
	size_t n = strlen(id);

	return n > 0 && n <= ID_MAX && id[0] != '.' && strspn(id, set) == n;
}

void
issuing_point_free(struct issuing_point *ip)
{
	if (ip == NULL)
		return;
	watch_free(ip->watch);
	crl_file_unref(ip->current);
	crl_file_unref(ip->delta);
	serials_done(&ip->queue);
	serials_done(&ip->leaving);
	revoked_set_free(ip->set);
	key_free(ip->key);
	crl_conf_free(ip->conf);
	while (ip->n_former > 0)
		crl_conf_free(ip->former[--ip->n_former]);
	free(ip->ca_cert);
	free(ip->ca_url);
	pthread_mutex_destroy(&ip->lock);
	pthread_mutex_destroy(&ip->making);
	free(ip->number_text);
	free(ip->delta_text);
	free(ip->issuer_name);
	free(ip->effect);
	free(ip->issuer);
	free(ip->dir);
	free(ip->id);
	free(ip);
}

static char *
copy_str(const char *s, bool *ok)
{
	char *copy = s != NULL ? strdup(s) : NULL;

	*ok = *ok && (s == NULL || copy != NULL);
	return copy;
}

/* The constant part. */
static enum rc
set_up(struct issuing_point *ip, const struct issuing_point_params *p,
    struct err *e)
{
	struct crl_authority a = { p->ca_cert, p->ca_url };
	AUTO(crl_conf) conf = NULL;
	struct cert cert;
	bool ok = true;
	enum rc rc = cert_parse(&cert, p->ca_cert, e);

	if (rc != RC_OK)
		return rc;
	ip->ca_url = copy_str(p->ca_url, &ok);
	ip->ca_cert = malloc(p->ca_cert.len);
	ip->id = copy_str(p->id, &ok);
	ip->dir = copy_str(p->dir, &ok);
	ip->issuer = copy_str(p->issuer, &ok);
	ip->effect = copy_str(p->effect, &ok);
	ip->set = revoked_set_new();
	ip->issuer_name = malloc(cert.subject.len);
	if (!ok || ip->set == NULL || ip->issuer_name == NULL ||
	    ip->ca_cert == NULL)
		return err_set(e, RC_NOMEM, "issuing point %s", p->id);
	memcpy(ip->ca_cert, p->ca_cert.data, p->ca_cert.len);
	ip->ca_cert_len = p->ca_cert.len;
	memcpy(ip->issuer_name, cert.subject.data, cert.subject.len);
	ip->issuer_name_len = cert.subject.len;
	ip->store = p->store;
	ip->clock = p->clock;
	ip->host_ca = p->host_ca;
	ip->bytes_in_record = p->bytes_in_record;
	ip->by_claim = p->by_claim;
	ip->lazy = p->lazy;
	ip->mark = p->mark;
	ip->mark_arg = p->mark_arg;
	ip->floor = p->floor != NULL ? *p->floor : num_from_u64(0);
	ip->key = key_ref(p->key);
	rc = crl_conf_new(&conf, p->cfg, p->id, &a, e);
	ip->conf = crl_conf_steal(&conf);
	return rc == RC_OK ? file_mkdirs(p->dir, DIR_MODE, e) : rc;
}

/* The record as a new one (spec directory 2.7). */
static struct rec *
new_record(const struct issuing_point *ip)
{
	struct rec *r = rec_new(REC_ISSUING_POINT, ip->id);
	struct num zero = num_from_u64(0);
	int64_t now = clock_now(ip->clock);

	if (r == NULL)
		return NULL;
	rec_add_date(r, "dateOfCreate", now);
	rec_add_date(r, "dateOfModify", now);
	rec_add_num(r, "crlNumber", &zero);
	rec_add_num(r, "deltaNumber", &zero);
	rec_add_str(r, "crlSize", "02-1");
	rec_add_str(r, "deltaSize", "02-1");
	rec_add_str(r, "firstUnsaved", "-2");
	return r;
}

enum rc
issuing_point_record(struct issuing_point *ip, struct rec **out, struct err *e)
{
	AUTO(batch) b = NULL;
	enum rc rc = store_get(ip->store, out, REC_ISSUING_POINT, ip->id, e);

	if (rc != RC_NOTFOUND)
		return rc;
	b = batch_new();
	if (b == NULL)
		return err_set(e, RC_NOMEM, "issuing point %s", ip->id);
	batch_add(b, new_record(ip));
	rc = store_commit(ip->store, b, e);
	if (rc != RC_OK && rc != RC_EXISTS)
		return rc;
	return store_get(ip->store, out, REC_ISSUING_POINT, ip->id, e);
}

/* Where the record keeps what belongs to a full list, and to a delta. */
struct names {
	const char *bytes, *digest, *size;
};
static const struct names full_names = { "certificateRevocationList",
	"crlDigest", "crlSize" };
static const struct names delta_names = { "deltaRevocationList", "deltaDigest",
	"deltaSize" };

/* The file of that number, if it is what the record says; else made again from
 * the record's bytes; else NULL, and a list is due. */
static const struct crl_file *
open_list(struct issuing_point *ip, const struct rec *r,
    const struct num *number, const struct names *names)
{
	AUTO_STR path = crl_file_path(ip->dir, ip->id, number);
	struct view bytes = rec_get(r, names->bytes);
	const char *digest = rec_str(r, names->digest);
	const struct crl_file *f = NULL;
	struct num size = num_from_u64(0);
	struct err e = { 0 };

	if (path == NULL)
		return NULL;
	/* absent or -1: no list was made */
	if (rec_num(r, &size, names->size, NULL) != RC_OK || size.len > 8)
		return NULL;
	if (crl_file_open(&f, path, number, num_u64(&size), &e) == RC_OK) {
		if (bytes.len > 0 ? view_eq(bytes, f->der)
				  : digest != NULL &&
			    text_ieq(digest, crl_file_digest(f)))
			return f;
		crl_file_unref(f);
		f = NULL;
		log_debug("crl", "%s: not what the record says", path);
	}
	if (bytes.len == 0 || file_write(path, bytes, FILE_MODE, &e) != RC_OK ||
	    crl_file_open(&f, path, number, num_u64(&size), &e) != RC_OK) {
		log_debug("crl", "%s: no list to serve: %s", path, e.text);
		return NULL;
	}
	return f;
}

/* The delta of the record, if there is one over that full list. */
static const struct crl_file *
open_delta(struct issuing_point *ip, const struct rec *r,
    const struct num *number, const struct crl_file *full)
{
	const struct crl_file *f = NULL;
	struct num base;
	struct crl crl;

	if (full != NULL && num_cmp(number, &full->number) > 0)
		f = open_list(ip, r, number, &delta_names);
	if (f == NULL ||
	    (crl_parse(&crl, f->der, NULL) == RC_OK &&
		crl_delta_base(&crl, &base) &&
		num_cmp(&base, &full->number) == 0))
		return f;
	crl_file_unref(f);
	return NULL;
}

/* The highest of what the record has and what we have seen. */
static void
raise_number(struct num *n, const struct num *other)
{
	if (num_cmp(other, n) > 0)
		*n = *other;
}

/* A prefixed decimal (spec directory 2.1). */
static enum rc
number_of_text(struct num *out, const char *s, struct err *e)
{
	AUTO(rec) r = rec_new(REC_ISSUING_POINT, "x");

	if (r == NULL)
		return err_set(e, RC_NOMEM, "issuing point: out of memory");
	rec_add_str(r, "crlNumber", s);
	return rec_num(r, out, "crlNumber", e);
}

/* A number of the record and its text as it stands there (NULL = absent). Where
 * two hosts wrote on either side of a cut both values stay: the highest, and the
 * texts a line each. */
static enum rc
read_number(struct num *out, char **text, const struct rec *r, const char *name,
    struct err *e)
{
	const struct rec_attr *a = rec_attr(r, name);
	AUTO_BUF lines = buf_empty(0);
	struct num n;
	enum rc rc;

	*out = num_from_u64(0);
	for (size_t i = 0; a != NULL && i < a->n; i++) {
		const char *s = (const char *)a->values[i].data;

		if ((rc = number_of_text(&n, s, e)) != RC_OK)
			return rc;
		raise_number(out, &n);
		buf_addf(&lines, "%s%s", i > 0 ? "\n" : "", s);
	}
	if ((rc = buf_check(&lines, e)) != RC_OK || lines.len == 0)
		return rc;
	*text = strdup(buf_cstr(&lines));
	return *text != NULL
	    ? RC_OK
	    : err_set(e, RC_NOMEM, "issuing point: out of memory");
}

/* The number of the list that the record holds: that in its bytes, where there
 * are any, because each attribute of a replicated record has its own writer. */
static struct num
number_of_list(
    const struct rec *r, const struct num *recorded, const struct names *names)
{
	struct view bytes = rec_get(r, names->bytes);
	struct num n = *recorded;
	struct crl crl;

	if (bytes.len > 0 && crl_parse(&crl, bytes, NULL) == RC_OK &&
	    !crl_number(&crl, &n))
		n = *recorded;
	return n;
}

/* What was served here before, also by an earlier process; NULL = nothing. */
static const struct crl_file *
served_before(struct issuing_point *ip)
{
	const struct crl_file *f = issuing_point_current(ip);
	AUTO_STR path = NULL;

	if (f != NULL)
		return f;
	path = crl_file_path(ip->dir, ip->id, &ip->floor);
	if (path == NULL ||
	    crl_file_open(&f, path, &ip->floor, 0, NULL) != RC_OK)
		return NULL;
	return f;
}

/* The list of the record if it may follow what was served here, else the one
 * that was. *behind: the record's is the lesser one. */
static const struct crl_file *
admit(struct issuing_point *ip, const struct rec *r, const struct num *number,
    bool *behind)
{
	const struct crl_file *before = served_before(ip), *f = NULL;
	const struct crl_file *present = issuing_point_current(ip);

	*behind = num_cmp(number, &ip->floor) < 0;
	if (!*behind)
		f = open_list(ip, r, number, &full_names);
	/* after a split the greater claim's list may be of an earlier time than
	 * the deposed one's: thisUpdate does not go back where it is served */
	if (f != NULL && before != NULL &&
	    f->this_update < before->this_update) {
		crl_file_unref(f);
		f = NULL;
		*behind = true;
	}
	/* where the record's list is not what the record says, the floor's file
	 * may be that very one */
	if (f == NULL)
		f = crl_file_ref(*behind ? before : present);
	crl_file_unref(before);
	crl_file_unref(present);
	return f;
}

enum rc
issuing_point_take_over(
    struct issuing_point *ip, const struct rec *r, struct err *e)
{
	AUTO_STR full_text = NULL;
	AUTO_STR delta_text = NULL;
	struct num full, delta, number;
	const struct crl_file *f = NULL, *d, *old, *old_delta;
	int64_t this_update = 0, next_update = 0;
	bool behind = false;
	enum rc rc = read_number(&full, &full_text, r, "crlNumber", e);

	if (rc == RC_OK)
		rc = read_number(&delta, &delta_text, r, "deltaNumber", e);
	if (rc != RC_OK)
		return rc;
	/* absent before the first list */
	rc_ignore(rec_date(r, &this_update, "thisUpdate", NULL));
	rc_ignore(rec_date(r, &next_update, "nextUpdate", NULL));
	number = number_of_list(r, &full, &full_names);
	if (this_update != 0 || num_cmp(&ip->floor, &number) > 0)
		f = admit(ip, r, &number, &behind);
	number = number_of_list(r, &delta, &delta_names);
	d = open_delta(ip, r, &number, f);
	pthread_mutex_lock(&ip->lock);
	raise_number(&ip->number, &full);
	raise_number(&ip->number, &delta);
	if (f != NULL)
		raise_number(&ip->number, &f->number);
	ip->behind = behind;
	free(ip->number_text);
	free(ip->delta_text);
	ip->number_text = str_steal(&full_text);
	ip->delta_text = str_steal(&delta_text);
	if (this_update >= ip->last_this) {
		ip->last_this = this_update;
		ip->last_next = next_update;
	}
	/* the record may know less: a directory filled anew */
	if (f != NULL && f->this_update > ip->last_this) {
		ip->last_this = f->this_update;
		ip->last_next = f->next_update;
	}
	old = ip->current;
	old_delta = ip->delta;
	ip->current = f;
	ip->delta = d;
	pthread_mutex_unlock(&ip->lock);
	crl_file_unref(old);
	crl_file_unref(old_delta);
	if (f != NULL)
		issuing_point_served(ip, &f->number);
	return RC_OK;
}

/* The set as it is at open, or as soon after it as the caller likes. */
static enum rc
fill_first(struct issuing_point *ip, struct err *e)
{
	bool changed;
	enum rc rc;

	pthread_mutex_lock(&ip->lock);
	changed = ip->changed;
	pthread_mutex_unlock(&ip->lock);
	if ((rc = issuing_point_fill(ip, e)) != RC_OK)
		return rc;
	LOCKED(&ip->lock);
	ip->unfilled = false;
	if (ip->current != NULL)
		/* what happened since that list is not known */
		ip->changed = changed || ip->delta != NULL ||
		    revoked_count(ip->set) != ip->current->count;
	return RC_OK;
}

static enum rc
start(struct issuing_point *ip, const struct issuing_point_params *p,
    struct err *e)
{
	struct num highest = num_from_u64(0), zero = num_from_u64(0);
	AUTO(rec) r = NULL;
	enum rc rc = issuing_point_record(ip, &r, e);

	if (rc == RC_OK)
		rc = crl_file_highest(&highest, ip->dir, ip->id, e);
	if (rc != RC_OK)
		return rc;
	ip->number = highest;
	if (p->used != NULL)
		raise_number(&ip->number, p->used);
	raise_number(&ip->number, &ip->floor);
	/* the number before the first one */
	if (p->first_number != NULL && num_cmp(p->first_number, &zero) > 0) {
		struct num before = *p->first_number;
		size_t i = before.len;

		while (i > 0 && before.b[--i]-- == 0)
			continue;
		rc = num_from_view(&before, num_view(&before), e);
		if (rc != RC_OK)
			return rc;
		raise_number(&ip->number, &before);
	}
	rc = store_watch(ip->store, &ip->watch,
	    1U << REC_CERT | 1U << REC_ISSUING_POINT, UINT64_MAX,
	    issuing_point_feed, ip, e);
	if (rc == RC_OK)
		rc = issuing_point_take_over(ip, r, e);
	ip->unfilled = true;
	if (rc == RC_OK && !p->fill_later)
		rc = fill_first(ip, e);
	return rc;
}

enum rc
issuing_point_open(struct issuing_point **out,
    const struct issuing_point_params *p, struct err *e)
{
	AUTO(issuing_point) ip = NULL;
	enum rc rc;

	if (!id_fits(p->id))
		return err_set(e, RC_INVALID, "issuing point: malformed id");
	ip = calloc(1, sizeof(*ip));
	if (ip == NULL)
		return err_set(e, RC_NOMEM, "issuing point %s", p->id);
	pthread_mutex_init(&ip->lock, NULL);
	pthread_mutex_init(&ip->making, NULL);
	rc = set_up(ip, p, e);
	if (rc == RC_OK)
		rc = start(ip, p, e);
	if (rc != RC_OK)
		return rc;
	*out = issuing_point_steal(&ip);
	return RC_OK;
}

const char *
issuing_point_id(const struct issuing_point *ip)
{
	return ip->id;
}

bool
issuing_point_enabled(struct issuing_point *ip)
{
	LOCKED(&ip->lock);

	return ip->conf->enabled && (!ip->by_claim || ip->has_claim);
}

enum rc
issuing_point_refresh_locked(struct issuing_point *ip, struct err *e)
{
	AUTO(rec) r = NULL;
	bool needed, unfilled;
	enum rc rc;

	pthread_mutex_lock(&ip->lock);
	unfilled = ip->unfilled;
	pthread_mutex_unlock(&ip->lock);
	if (unfilled && (rc = fill_first(ip, e)) != RC_OK)
		return rc;
	pthread_mutex_lock(&ip->lock);
	needed = ip->record_changed;
	ip->record_changed = false;
	pthread_mutex_unlock(&ip->lock);
	if (!needed)
		return RC_OK;
	rc = issuing_point_record(ip, &r, e);
	if (rc == RC_OK)
		rc = issuing_point_take_over(ip, r, e);
	if (rc != RC_OK) {
		pthread_mutex_lock(&ip->lock);
		ip->record_changed = true;
		pthread_mutex_unlock(&ip->lock);
	}
	return rc;
}

enum rc
issuing_point_refresh(struct issuing_point *ip, struct err *e)
{
	LOCKED(&ip->making);

	return issuing_point_refresh_locked(ip, e);
}

/* Under ip->lock. */
static int64_t
due(const struct issuing_point *ip)
{
	const struct crl_conf *c = ip->conf;
	int64_t last = ip->current != NULL ? ip->last_this : 0, at;

	if (!c->enabled || (ip->by_claim && !ip->has_claim))
		return SCHEDULE_NEVER;
	if (issuing_point_claim_due(ip))
		last = 0; /* at once */
	if (c->none_if_empty && ip->skipped > last)
		last = ip->skipped;
	at = schedule_due(&c->schedule, last, ip->changed);
	if (c->fail_max > 0 && ip->failures >= c->fail_max &&
	    at < ip->failed_at + c->fail_wait)
		at = ip->failed_at + c->fail_wait;
	return at;
}

int64_t
issuing_point_due(struct issuing_point *ip)
{
	LOCKED(&ip->lock);

	return due(ip);
}

const struct crl_file *
issuing_point_current(struct issuing_point *ip)
{
	LOCKED(&ip->lock);

	return crl_file_ref(ip->current);
}

const struct crl_file *
issuing_point_delta(struct issuing_point *ip)
{
	LOCKED(&ip->lock);

	return crl_file_ref(ip->delta);
}

struct revoked_set *
issuing_point_set(struct issuing_point *ip)
{
	return ip->set;
}

void
issuing_point_status(struct issuing_point *ip, struct issuing_point_status *out)
{
	LOCKED(&ip->lock);

	*out = (struct issuing_point_status){
		.enabled =
		    ip->conf->enabled && (!ip->by_claim || ip->has_claim),
		.changed = ip->changed,
		.generating = ip->generating,
		.number =
		    ip->current != NULL ? ip->current->number : num_from_u64(0),
		.this_update = ip->last_this,
		.next_update = ip->last_next,
		.due = due(ip),
		.count = ip->current != NULL ? ip->current->count : 0,
		.delta =
		    ip->delta != NULL ? ip->delta->number : num_from_u64(0),
		.delta_count = ip->delta != NULL ? ip->delta->count : 0,
		.revoked = revoked_count(ip->set),
		.made = ip->made,
		.failed = ip->failed,
		.took_ms = ip->took_ms,
	};
	memcpy(out->failure, ip->failure, sizeof(out->failure));
}
