/* SPDX-License-Identifier: Apache-2.0 */
/* rec_request.c - the request record (spec directory 2.8).
 * Owns:    struct request_rec and its texts.
 * Trusts:  nothing: records may come from another vendor's server.
 * Threads: a request has one owner. */
#include "store/rec_request.h"

#include "store/store_backend.h"

static const char *const state_texts[] = {
	[REQUEST_BEGIN] = "begin",
	[REQUEST_PENDING] = "pending",
	[REQUEST_APPROVED] = "approved",
	[REQUEST_SVC_PENDING] = "svc_pending",
	[REQUEST_CANCELED] = "canceled",
	[REQUEST_REJECTED] = "rejected",
	[REQUEST_COMPLETE] = "complete",
};
enum {
	N_STATES = sizeof(state_texts) / sizeof(state_texts[0]),
	EXT_MAX = REC_ATTRS_MAX - 16,
	KEY_MAX = 1024,
	UNIT_MAX = 0x10ffff,
};
static const char prefix[] = "extdata-";

const char *
request_state_text(enum request_state s)
{
	return (size_t)s < N_STATES ? state_texts[s] : "begin";
}

enum rc
request_state_parse(enum request_state *out, const char *s, struct err *e)
{
	char quoted[TEXT_QUOTE_MAX];

	for (size_t i = 0; s != NULL && i < N_STATES; i++) {
		if (!text_ieq(s, state_texts[i]))
			continue;
		*out = (enum request_state)i;
		return RC_OK;
	}
	return err_set(e, RC_INVALID, "request state %s: unknown",
	    text_quote(quoted, view_str(s)));
}

/* --- names ------------------------------------------------------------ */

static bool
alnum(uint32_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z');
}

static uint32_t
lower(uint32_t c)
{
	return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
}

/* Takes one character of UTF-8; UINT32_MAX when it is not well-formed. */
static uint32_t
take_utf8(const uint8_t **p)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	uint32_t c = *(*p)++;
	unsigned more = c < 0x80 ? 0
	    : c < 0xc0           ? 9
	    : c < 0xe0           ? 1
	    : c < 0xf0           ? 2
	    : c < 0xf8           ? 3
				 : 9;

	if (more == 9)
		return UINT32_MAX;
	if (more > 0)
		c &= 0x3fu >> more;
	for (unsigned i = 0; i < more; i++) {
		if ((**p & 0xc0) != 0x80)
			return UINT32_MAX;
		c = c << 6 | (*(*p)++ & 0x3fu);
	}
	if (c < least[more] || c > UNIT_MAX || (c >= 0xd800 && c < 0xe000))
		return UINT32_MAX;
	return c;
}

static void
escape_unit(struct buf *out, uint32_t c)
{
	uint8_t unit[2] = { (uint8_t)(c >> 8), (uint8_t)c };

	buf_add_str(out, "--");
	buf_add_hex(out, view_of(unit, sizeof(unit)));
}

static void
escape_char(struct buf *out, uint32_t c)
{
	if (c >= 0x10000) {
		c -= 0x10000;
		escape_unit(out, 0xd800 + (c >> 10));
		c = 0xdc00 + (c & 0x3ff);
	}
	escape_unit(out, c);
}

static enum rc
enc(struct buf *out, const char *name, struct err *e)
{
	const uint8_t *p = (const uint8_t *)name;
	bool escaped = false;

	if (name[0] == '\0' || strlen(name) > KEY_MAX)
		return err_set(e, RC_INVALID, "extdata: key empty or too long");
	while (*p != '\0') {
		uint32_t c = take_utf8(&p);
		bool pass = alnum(c) ||
		    (c == '-' && !escaped && (*p == '\0' || alnum(*p)));

		if (c == UINT32_MAX)
			return err_set(
			    e, RC_INVALID, "extdata: key is not UTF-8");
		if (pass)
			buf_add_char(out, (char)lower(c));
		else
			escape_char(out, lower(c));
		escaped = !pass;
	}
	return buf_check(out, e);
}

enum rc
extdata_name(struct buf *out, const char *key, const char *sub, struct err *e)
{
	enum rc rc;

	buf_add_str(out, prefix);
	if ((rc = enc(out, key, e)) != RC_OK || sub == NULL)
		return rc;
	buf_add_char(out, ';');
	return enc(out, sub, e);
}

static void
add_utf8(struct buf *out, uint32_t c)
{
	if (c < 0x80) {
		buf_add_char(out, (char)c);
	} else if (c < 0x800) {
		buf_add_char(out, (char)(0xc0 | c >> 6));
		buf_add_char(out, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		buf_add_char(out, (char)(0xe0 | c >> 12));
		buf_add_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_add_char(out, (char)(0x80 | (c & 0x3f)));
	} else {
		buf_add_char(out, (char)(0xf0 | c >> 18));
		buf_add_char(out, (char)(0x80 | (c >> 12 & 0x3f)));
		buf_add_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
		buf_add_char(out, (char)(0x80 | (c & 0x3f)));
	}
}

/* Reads "--hhhh" at s; false when it is not one. */
static bool
take_escape(const char *s, size_t left, uint32_t *unit)
{
	AUTO_BUF b = buf_empty(2);

	if (left < 6 || s[0] != '-' || s[1] != '-' ||
	    text_hex(&b, view_of(s + 2, 4), NULL) != RC_OK)
		return false;
	*unit = (uint32_t)(b.data[0] << 8 | b.data[1]);
	return *unit != 0;
}

/* Malloc'ed; NULL when memory is out. A half surrogate becomes '?'. */
static char *
dec(const char *s, size_t len)
{
	AUTO_BUF b = buf_empty(0);
	uint32_t c, second;

	buf_add(&b, "", 0);
	for (size_t i = 0; i < len;) {
		if (!take_escape(s + i, len - i, &c)) {
			buf_add_char(&b, (char)lower((uint8_t)s[i++]));
			continue;
		}
		i += 6;
		if (c >= 0xd800 && c < 0xdc00 &&
		    take_escape(s + i, len - i, &second) && second >= 0xdc00 &&
		    second < 0xe000) {
			c = 0x10000 + ((c - 0xd800) << 10) + (second - 0xdc00);
			i += 6;
		} else if (c >= 0xd800 && c < 0xe000)
			c = '?';
		add_utf8(&b, lower(c));
	}
	return b.failed == RC_OK ? strdup(buf_cstr(&b)) : NULL;
}

/* --- the request in memory -------------------------------------------- */

struct request_rec *
request_rec_new(const struct num *id, const char *type)
{
	AUTO(request_rec) r = calloc(1, sizeof(*r));

	if (r == NULL)
		return NULL;
	r->id = *id;
	if (type != NULL && (r->type = strdup(type)) == NULL)
		return NULL;
	return request_rec_steal(&r);
}

static void
ext_free(struct extdata *x)
{
	free(x->key);
	free(x->sub);
	free(x->value);
}

void
request_rec_free(struct request_rec *r)
{
	if (r == NULL)
		return;
	for (size_t i = 0; i < r->n_ext; i++)
		ext_free(&r->ext[i]);
	free(r->ext);
	free(r->type);
	free(r->owner);
	free(r->source_id);
	free(r->realm);
	free(r);
}

static bool
same_sub(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : text_ieq(a, b);
}

static struct extdata *
find(const struct request_rec *r, const char *key, const char *sub)
{
	uint32_t tag = text_tag(key, strlen(key));

	for (size_t i = 0; i < r->n_ext; i++)
		if (r->ext[i].tag == tag && text_ieq(r->ext[i].key, key) &&
		    same_sub(r->ext[i].sub, sub))
			return &r->ext[i];
	return NULL;
}

const char *
request_ext_sub(const struct request_rec *r, const char *key, const char *sub)
{
	const struct extdata *x = find(r, key, sub);

	return x != NULL ? x->value : NULL;
}

const char *
request_ext(const struct request_rec *r, const char *key)
{
	return request_ext_sub(r, key, NULL);
}

static void
remove_at(struct request_rec *r, size_t i)
{
	ext_free(&r->ext[i]);
	memmove(
	    &r->ext[i], &r->ext[i + 1], (r->n_ext - i - 1) * sizeof(r->ext[0]));
	r->n_ext--;
}

/* A key is simple or nested: removes what stands in the way of (key, sub), and
 * that one itself. */
static void
remove_other(struct request_rec *r, const char *key, const char *sub)
{
	uint32_t tag = text_tag(key, strlen(key));

	for (size_t i = r->n_ext; i-- > 0;)
		if (r->ext[i].tag == tag && text_ieq(r->ext[i].key, key) &&
		    (sub == NULL || r->ext[i].sub == NULL ||
			text_ieq(r->ext[i].sub, sub)))
			remove_at(r, i);
}

static void
fail(struct request_rec *r, enum rc rc)
{
	if (r->failed == RC_OK)
		r->failed = rc;
}

static void
lower_text(char *s)
{
	for (; *s != '\0'; s++)
		*s = (char)lower((uint8_t)*s);
}

/* Takes value over. */
static void
append(struct request_rec *r, const char *key, const char *sub, char *value)
{
	struct extdata x = { strdup(key), sub != NULL ? strdup(sub) : NULL,
		value, text_tag(key, strlen(key)) };
	size_t cap = r->cap_ext == 0 ? 32 : r->cap_ext * 2;
	struct extdata *list;

	if (x.key == NULL || (sub != NULL && x.sub == NULL) ||
	    x.value == NULL || r->n_ext >= EXT_MAX) {
		fail(r, r->n_ext >= EXT_MAX ? RC_TOOBIG : RC_NOMEM);
		ext_free(&x);
		return;
	}
	if (r->n_ext == r->cap_ext) {
		if ((list = reallocarray(r->ext, cap, sizeof(*list))) == NULL) {
			fail(r, RC_NOMEM);
			ext_free(&x);
			return;
		}
		r->ext = list;
		r->cap_ext = cap;
	}
	lower_text(x.key);
	if (x.sub != NULL)
		lower_text(x.sub);
	r->ext[r->n_ext++] = x;
}

static char *
trimmed(const char *value)
{
	char *copy = strdup(value != NULL ? value : "");
	char *from = copy != NULL ? text_trim(copy) : NULL;

	if (from != copy)
		memmove(copy, from, strlen(from) + 1);
	return copy;
}

void
request_set_sub(
    struct request_rec *r, const char *key, const char *sub, const char *value)
{
	struct extdata *x;
	char *v;

	if (r->failed != RC_OK)
		return;
	if ((v = trimmed(value)) == NULL) {
		fail(r, RC_NOMEM);
		return;
	}
	if (v[0] != '\0' && (x = find(r, key, sub)) != NULL) {
		free(x->value);
		x->value = v;
		return;
	}
	remove_other(r, key, sub);
	if (v[0] != '\0')
		append(r, key, sub, v);
	else
		free(v);
}

void
request_set(struct request_rec *r, const char *key, const char *value)
{
	request_set_sub(r, key, NULL, value);
}

void
request_set_bytes(struct request_rec *r, const char *key, struct view v)
{
	AUTO_BUF b = buf_empty(REC_VALUE_MAX);

	buf_add_base64(&b, v, 0, "");
	if (b.failed != RC_OK)
		fail(r, b.failed);
	else
		request_set(r, key, buf_cstr(&b));
}

enum rc
request_ext_bytes(const struct request_rec *r, struct buf *out, const char *key,
    struct err *e)
{
	const char *text = request_ext(r, key);
	enum rc rc;

	if (text == NULL)
		return err_set(e, RC_NOTFOUND, "request: no %.64s", key);
	if ((rc = text_base64(out, view_str(text), e)) != RC_OK)
		return err_prefix(e, "request: %.64s", key);
	return RC_OK;
}

/* --- records ---------------------------------------------------------- */

static enum rc
decode_ext(struct request_rec *q, const struct rec_attr *a, struct err *e)
{
	const char *name = a->name + sizeof(prefix) - 1;
	const char *semi = strchr(name, ';');
	size_t len = semi != NULL ? (size_t)(semi - name) : strlen(name);
	AUTO_STR key = dec(name, len);
	AUTO_STR sub = semi != NULL ? dec(semi + 1, strlen(semi + 1)) : NULL;
	struct view best = a->values[0];
	uint32_t tag;
	char *value;

	if (key == NULL || (semi != NULL && sub == NULL))
		return err_set(e, RC_NOMEM, "out of memory");
	if (len == 0 || (semi != NULL && strchr(semi + 1, ';') != NULL))
		return err_set(
		    e, RC_INVALID, "%.64s: not one key and option", a->name);
	tag = text_tag(key, strlen(key));
	for (size_t i = 0; i < q->n_ext; i++)
		if (q->ext[i].tag == tag && text_ieq(q->ext[i].key, key) &&
		    (q->ext[i].sub == NULL) != (sub == NULL))
			return err_set(e, RC_INVALID,
			    "%.64s: key is both simple and nested", key);
	/* replication may leave several: the same one everywhere */
	for (size_t i = 1; i < a->n; i++)
		if (view_cmp(a->values[i], best) > 0)
			best = a->values[i];
	if ((value = view_dup_str(best)) == NULL)
		return err_set(e, RC_INVALID, "%.64s: not a text", a->name);
	append(q, key, sub, value);
	return q->failed != RC_OK ? err_set(e, q->failed, "extdata") : RC_OK;
}

static enum rc
copy_text(char **out, const struct rec *r, const char *name, struct err *e)
{
	const char *s = rec_str(r, name);

	if (s != NULL && (*out = strdup(s)) == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	return RC_OK;
}

static enum rc
decode_plain(struct request_rec *q, const struct rec *r, struct err *e)
{
	enum rc rc;

	if ((rc = request_state_parse(
		 &q->state, rec_str(r, "requestState"), e)) != RC_OK ||
	    (rc = copy_text(&q->type, r, "requestType", e)) != RC_OK ||
	    (rc = copy_text(&q->owner, r, "requestOwner", e)) != RC_OK ||
	    (rc = copy_text(&q->source_id, r, "requestSourceId", e)) != RC_OK ||
	    (rc = copy_text(&q->realm, r, "realm", e)) != RC_OK)
		return rc;
	rc = rec_date(r, &q->created, "dateOfCreate", e);
	if (rc == RC_OK || rc == RC_NOTFOUND)
		rc = rec_date(r, &q->modified, "dateOfModify", e);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

enum rc
request_rec_decode(struct request_rec **out, const struct rec *r, struct err *e)
{
	AUTO(request_rec) q = NULL;
	struct num id;
	enum rc rc;

	if ((rc = num_parse(&id, r->id, true, e)) != RC_OK)
		return err_prefix(e, "request record %.64s", r->id);
	if ((q = request_rec_new(&id, NULL)) == NULL)
		return err_set(e, RC_NOMEM, "request record: out of memory");
	if ((rc = decode_plain(q, r, e)) != RC_OK)
		return err_prefix(e, "request record %.64s", r->id);
	for (size_t i = 0; i < r->n; i++) {
		if (strncasecmp(r->attrs[i].name, prefix, sizeof(prefix) - 1) !=
			0 ||
		    r->attrs[i].n == 0)
			continue;
		if ((rc = decode_ext(q, &r->attrs[i], e)) != RC_OK)
			return err_prefix(e, "request record %.64s", r->id);
	}
	*out = request_rec_steal(&q);
	return RC_OK;
}

struct rec *
request_rec_encode(const struct request_rec *r)
{
	char id[NUM_TEXT_MAX];
	AUTO(rec) out = rec_new(REC_REQUEST, num_hex(id, &r->id));

	if (out == NULL || r->failed != RC_OK)
		return NULL;
	rec_add_num(out, "requestId", &r->id);
	rec_add_str(out, "requestState", request_state_text(r->state));
	rec_add_str(out, "requestType", r->type);
	rec_add_date(out, "dateOfCreate", r->created);
	rec_add_date(out, "dateOfModify", r->modified);
	rec_add_str(out, "requestOwner", r->owner);
	rec_add_str(out, "requestSourceId", r->source_id);
	rec_add_str(out, "realm", r->realm);
	for (size_t i = 0; i < r->n_ext; i++) {
		const struct extdata *x = &r->ext[i];
		AUTO_BUF name = buf_empty(0);

		if (extdata_name(&name, x->key, x->sub, NULL) != RC_OK)
			return NULL;
		rec_add_str(out, buf_cstr(&name), x->value);
	}
	return out->failed == RC_OK ? rec_steal(&out) : NULL;
}

static void
diff_text(struct batch *b, const char *attr, const char *old, const char *now)
{
	if (old != NULL ? now == NULL || strcmp(old, now) != 0 : now != NULL)
		batch_mod_str(b, MOD_REPLACE, attr, now);
}

static void
diff_date(struct batch *b, const char *attr, int64_t old, int64_t now)
{
	char text[CLOCK_TEXT_MAX];

	if (old != now)
		batch_mod_str(b, MOD_REPLACE, attr, clock_text_dir(text, now));
}

static void
diff_ext(
    struct batch *b, const struct extdata *x, const char *old, const char *now)
{
	AUTO_BUF name = buf_empty(0);

	if (extdata_name(&name, x->key, x->sub, NULL) == RC_OK)
		diff_text(b, buf_cstr(&name), old, now);
}

void
request_rec_diff(struct batch *b, const struct request_rec *old,
    const struct request_rec *now)
{
	char id[NUM_TEXT_MAX];

	if (now->failed != RC_OK)
		batch_fail(b, now->failed);
	batch_modify(b, REC_REQUEST, num_hex(id, &now->id));
	diff_text(b, "requestState", request_state_text(old->state),
	    request_state_text(now->state));
	diff_text(b, "requestType", old->type, now->type);
	diff_date(b, "dateOfCreate", old->created, now->created);
	diff_date(b, "dateOfModify", old->modified, now->modified);
	diff_text(b, "requestOwner", old->owner, now->owner);
	diff_text(b, "requestSourceId", old->source_id, now->source_id);
	diff_text(b, "realm", old->realm, now->realm);
	for (size_t i = 0; i < old->n_ext; i++) {
		const struct extdata *x = &old->ext[i];

		if (find(now, x->key, x->sub) == NULL)
			diff_ext(b, x, x->value, NULL);
	}
	for (size_t i = 0; i < now->n_ext; i++) {
		const struct extdata *x = &now->ext[i];

		diff_ext(b, x, request_ext_sub(old, x->key, x->sub), x->value);
	}
}
