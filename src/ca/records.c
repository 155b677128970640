/* SPDX-License-Identifier: Apache-2.0 */
/* records.c - certificates, requests, profiles and lists in JSON.
 * Owns:    nothing.
 * Trusts:  its caller for authorisation.
 * Threads: any. */
#include "ca/records_int.h"

#include "auth/admin.h"
#include "base/cfg.h"
#include "ca/domain_records.h"
#include "ca/enroll.h"
#include "ca/ranges.h"
#include "store/rec_cert.h"
#include "store/rec_request.h"
#include "x509/cert.h"

/* Gives the reference to o away. */
static enum rc
put(struct buf *out, json_t *o, struct err *e)
{
	char *s = json_dumps(o, JSON_COMPACT);

	json_decref(o);
	if (s == NULL)
		return err_set(e, RC_NOMEM, "JSON");
	buf_add_str(out, s);
	free(s);
	return buf_check(out, e);
}

/* A list in the making: one object a record. */
struct listing {
	json_t *(*render)(const struct rec *r, struct arena *a, struct err *e);
	json_t *list;
	struct err *e;
	bool failed;
};

static bool
add_item(void *listing, const struct rec *r)
{
	struct listing *l = listing;
	AUTO(arena) a = arena_new(0);
	json_t *o = a != NULL ? l->render(r, a, l->e) : NULL;

	l->failed = o == NULL || json_array_append_new(l->list, o) != 0;
	return !l->failed;
}

static enum rc
list_records(struct store *s, struct query *q, struct listing *l,
    const json_t *args, struct buf *out, struct err *e)
{
	json_int_t start = json_integer_value(json_object_get(args, "start")),
		   size = json_integer_value(json_object_get(args, "size"));
	struct err inner = { RC_INTERNAL, "record" };
	enum rc rc;

	q->start = start > 0 ? (size_t)start : 0;
	q->limit = size > 0 ? (size_t)size : 0;
	l->list = json_array();
	l->e = &inner;
	rc = store_search(s, q, add_item, l, e);
	if (rc == RC_OK && l->failed)
		rc = err_set(e, inner.rc, "%s", inner.text);
	if (rc == RC_OK)
		return put(out, l->list, e);
	json_decref(l->list);
	return rc;
}

/* ---- certificates ---- */

static json_t *
cert_json(const struct rec *r, struct arena *a, struct err *e)
{
	char hex[NUM_TEXT_MAX];
	struct cert_rec c;
	json_t *o;

	if (cert_rec_decode(&c, r, a, e) != RC_OK)
		return NULL;
	o = json_pack("{s:s,s:s*,s:s*,s:s,s:I,s:I,s:I,s:s*}", "serial",
	    num_0x(hex, &c.serial), "subject", c.subject, "issuer", c.issuer,
	    "status", cert_status_text(c.status), "notBefore",
	    (json_int_t)c.not_before, "notAfter", (json_int_t)c.not_after,
	    "issuedOn", (json_int_t)c.created, "issuedBy", c.issued_by);
	if (o != NULL && c.revoked) {
		json_object_set_new(o, "revokedOn", json_integer(c.rev.date));
		if (c.rev.by != NULL)
			json_object_set_new(
			    o, "revokedBy", json_string(c.rev.by));
	}
	return o;
}

static enum rc
cert_find(struct store *s, const json_t *args, struct buf *out, struct err *e)
{
	const char *status = records_arg(args, "status");
	struct listing l = { .render = cert_json };
	struct query q = { .kind = REC_CERT };
	AUTO_BUF f = buf_empty(1024);
	enum cert_status known;
	enum rc rc;

	if (status != NULL) {
		if ((rc = cert_status_parse(&known, status, e)) != RC_OK)
			return rc;
		buf_addf(&f, "(certStatus=%s)", cert_status_text(known));
		q.filter = buf_cstr(&f);
	}
	return list_records(s, &q, &l, args, out, e);
}

/* One with its bytes. */
static enum rc
cert_show(struct store *s, const json_t *args, struct buf *out, struct err *e)
{
	const char *text = records_arg(args, "serial");
	AUTO_BUF b64 = buf_empty(0);
	AUTO(arena) a = arena_new(0);
	AUTO(rec) r = NULL;
	char hex[NUM_TEXT_MAX];
	struct cert_rec c;
	struct num serial;
	json_t *o;
	enum rc rc;

	if (a == NULL || text == NULL)
		return err_set(e, RC_USAGE, "serial is missing");
	if ((rc = num_parse(&serial, text, false, e)) != RC_OK ||
	    (rc = store_get(s, &r, REC_CERT, num_hex(hex, &serial), e)) !=
		RC_OK ||
	    (rc = cert_rec_decode(&c, r, a, e)) != RC_OK)
		return rc;
	if ((o = cert_json(r, a, e)) == NULL)
		return err_set(e, RC_INTERNAL, "certificate %s", text);
	buf_add_base64(&b64, c.der, 0, "");
	json_object_set_new(o, "cert", json_string(buf_cstr(&b64)));
	return put(out, o, e);
}

static enum rc
cert_del(struct store *s, const json_t *args, struct buf *out, struct err *e)
{
	const char *text = records_arg(args, "serial");
	AUTO(arena) a = arena_new(0);
	AUTO(batch) b = batch_new();
	AUTO(rec) r = NULL;
	char hex[NUM_TEXT_MAX];
	struct cert_rec c;
	struct num serial;
	enum rc rc;

	(void)out;
	if (a == NULL || b == NULL || text == NULL)
		return err_set(e, RC_USAGE, "serial is missing");
	if ((rc = num_parse(&serial, text, false, e)) != RC_OK ||
	    (rc = store_get(s, &r, REC_CERT, num_hex(hex, &serial), e)) !=
		RC_OK ||
	    (rc = cert_rec_decode(&c, r, a, e)) != RC_OK)
		return rc;
	/* its record is what keeps it on the CRL */
	if (c.status == CERT_REVOKED)
		return err_set(e, RC_CONFLICT,
		    "certificate %s is revoked and has not expired", text);
	batch_delete(b, REC_CERT, r->id);
	return store_commit(s, b, e);
}

/* ---- requests ---- */

static json_t *
request_json(const struct rec *r, struct arena *a, struct err *e)
{
	AUTO(request_rec) q = NULL;
	char hex[NUM_TEXT_MAX];

	(void)a;
	if (request_rec_decode(&q, r, e) != RC_OK)
		return NULL;
	/* as people know them: short ones are of a range, decimal */
	return json_pack("{s:s,s:s*,s:s,s:s*,s:I}", "id",
	    q->id.len <= sizeof(uint64_t) ? num_dec(hex, &q->id)
					  : num_0x(hex, &q->id),
	    "type", q->type, "status", request_state_text(q->state), "request",
	    request_ext(q, "cert_request"), "created", (json_int_t)q->created);
}

static enum rc
one_request(struct store *s, const char *id, bool listed, struct buf *out,
    struct err *e)
{
	AUTO(arena) a = arena_new(0);
	AUTO(rec) r = NULL;
	enum rc rc = store_get(s, &r, REC_REQUEST, id, e);
	json_t *o;

	if (rc != RC_OK)
		return rc == RC_NOTFOUND
		    ? err_set(e, rc, "Request %s not found", id)
		    : rc;
	if (a == NULL || (o = request_json(r, a, e)) == NULL)
		return err_set(e, RC_INTERNAL, "request %s", id);
	return put(out, listed ? json_pack("[o]", o) : o, e);
}

/* The request that a certificate came from. */
static enum rc
request_of_cert(
    struct store *s, const char *serial, struct buf *out, struct err *e)
{
	AUTO(arena) a = arena_new(0);
	AUTO(rec) r = NULL;
	char hex[NUM_TEXT_MAX];
	struct cert_rec c;
	struct num n;
	enum rc rc;

	if (a == NULL)
		return err_set(e, RC_NOMEM, "request");
	if ((rc = num_parse(&n, serial, false, e)) != RC_OK)
		return rc;
	rc = store_get(s, &r, REC_CERT, num_hex(hex, &n), e);
	if (rc == RC_NOTFOUND)
		return put(out, json_array(), e);
	if (rc != RC_OK || (rc = cert_rec_decode(&c, r, a, e)) != RC_OK)
		return rc;
	return c.request_id != NULL ? one_request(s, c.request_id, true, out, e)
				    : put(out, json_array(), e);
}

static enum rc
request_find(
    struct store *s, const json_t *args, struct buf *out, struct err *e)
{
	struct listing l = { .render = request_json };
	struct query q = { .kind = REC_REQUEST };
	const char *serial = records_arg(args, "serial");

	if (serial != NULL)
		return request_of_cert(s, serial, out, e);
	return list_records(s, &q, &l, args, out, e);
}

static enum rc
request_show(
    struct store *s, const json_t *args, struct buf *out, struct err *e)
{
	const char *text = records_arg(args, "id");
	char hex[NUM_TEXT_MAX];
	struct num id;
	enum rc rc;

	if (text == NULL)
		return err_set(e, RC_USAGE, "id is missing");
	if ((rc = num_parse(&id, text, false, e)) != RC_OK)
		return rc;
	return one_request(s, num_hex(hex, &id), false, out, e);
}

/* ---- profiles and lists ---- */

static json_t *
profile_json(const struct rec *r, struct arena *a, struct err *e)
{
	AUTO(cfg) c = cfg_new();

	(void)a;
	if (c == NULL ||
	    cfg_parse(c, rec_get(r, "certProfileConfig"), r->id, e) != RC_OK)
		return NULL;
	return json_pack("{s:s,s:s*,s:s*,s:s*,s:s*}", "id", r->id, "name",
	    cfg_get(c, "name"), "description", cfg_get(c, "desc"), "visible",
	    cfg_get(c, "visible"), "enable", cfg_get(c, "enable"));
}

static enum rc
profile_find(
    struct store *s, const json_t *args, struct buf *out, struct err *e)
{
	struct listing l = { .render = profile_json };
	struct query q = { .kind = REC_PROFILE, .order = "cn" };

	return list_records(s, &q, &l, args, out, e);
}

/* A prefixed decimal ("0226") as 0x text, a size as decimal ("02-1": none). */
static void
set_number(json_t *o, const char *member, const struct rec *r, const char *attr,
    bool hex)
{
	const char *text = rec_str(r, attr);
	char room[NUM_TEXT_MAX];
	struct num n;

	if (text == NULL || rec_num(r, &n, attr, NULL) != RC_OK)
		return;
	json_object_set_new(
	    o, member, json_string(hex ? num_0x(room, &n) : num_dec(room, &n)));
}

static enum rc
crl_record(struct store *s, const json_t *args, struct buf *out, struct err *e)
{
	const char *id = records_arg(args, "id");
	AUTO(rec) r = NULL;
	int64_t this_update = 0, next_update = 0;
	json_t *o;
	enum rc rc;

	if (id == NULL)
		return err_set(e, RC_USAGE, "id is missing");
	rc = store_get(s, &r, REC_ISSUING_POINT, id, e);
	if (rc != RC_OK)
		return rc == RC_NOTFOUND
		    ? err_set(e, rc, "No such CRL issuing point: %s", id)
		    : rc;
	/* absent before the first list */
	rc_ignore(rec_date(r, &this_update, "thisUpdate", NULL));
	rc_ignore(rec_date(r, &next_update, "nextUpdate", NULL));
	o = json_pack("{s:s,s:I,s:I}", "id", r->id, "thisUpdate",
	    (json_int_t)this_update, "nextUpdate", (json_int_t)next_update);
	set_number(o, "number", r, "crlNumber", true);
	set_number(o, "size", r, "crlSize", false);
	set_number(o, "deltaNumber", r, "deltaNumber", true);
	set_number(o, "deltaSize", r, "deltaSize", false);
	return put(out, o, e);
}

/* ---- the store ---- */

static enum rc
db_backup(struct store *s, const json_t *args, struct buf *out, struct err *e)
{
	const char *dir = records_arg(args, "dir");

	(void)out;
	return dir != NULL ? store_backup_lmdb(s, dir, e)
			   : err_set(e, RC_USAGE, "dir is missing");
}

static enum rc
db_info(struct store *s, const json_t *args, struct buf *out, struct err *e)
{
	static const struct {
		enum rec_kind kind;
		const char *name;
	} kinds[] = { { REC_CERT, "certificates" }, { REC_REQUEST, "requests" },
		{ REC_USER, "users" }, { REC_GROUP, "groups" },
		{ REC_PROFILE, "profiles" } };
	json_t *o = json_pack("{s:s}", "generation", store_generation(s));
	uint64_t n;
	enum rc rc = RC_OK;

	(void)args;
	for (size_t i = 0; rc == RC_OK && i < sizeof(kinds) / sizeof(*kinds);
	     i++) {
		rc = store_count(s, &n, kinds[i].kind, NULL, e);
		json_object_set_new(
		    o, kinds[i].name, json_integer((json_int_t)n));
	}
	if (rc == RC_OK)
		return put(out, o, e);
	json_decref(o);
	return rc;
}

static const struct {
	const char *name;
	bool writes;
	enum rc (*run)(struct store *s, const json_t *args, struct buf *out,
	    struct err *e);
} commands[] = {
	{ "cert-find", false, cert_find },
	{ "cert-show", false, cert_show },
	{ "db-backup", false, db_backup },
	{ "db-info", false, db_info },
	{ "cert-add", true, records_cert_add },
	{ "request-add", true, records_request_add },
	{ "cert-del", true, cert_del },
	{ "request-find", false, request_find },
	{ "request-show", false, request_show },
	{ "profile-find", false, profile_find },
	{ "profile-add", true, records_profile_add },
	{ "profile-mod", true, records_profile_mod },
	{ "crl-record", false, crl_record },
	{ "range-init", true, ca_range_init },
	{ "range-convert", true, ca_range_convert },
};

enum rc
ca_records(struct store *s, const char *command, const json_t *args,
    struct buf *out, bool *wrote, struct err *e)
{
	enum rc rc;

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (strcmp(commands[i].name, command) == 0) {
			*wrote = commands[i].writes;
			return commands[i].run(s, args, out, e);
		}
	rc = ca_domain_records(s, command, args, out, wrote, e);
	return rc == RC_UNSUPPORTED
	    ? auth_admin(s, command, args, out, wrote, e)
	    : rc;
}
