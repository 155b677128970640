/* SPDX-License-Identifier: Apache-2.0 */
/* oid.c - the OID table; any OID between dotted text and octets.
 * Owns:    the static table, filled once.
 * Trusts:  its own table; OIDs to be shown may come from the network.
 * Threads: any. */
#include "der/oid.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/text.h"

enum {
	OID_DER_MAX = 16, /* of a table entry */
	ARC_OCTETS_MAX = 10,
	OID_TEXT_MAX = 512,
};

static const struct {
	const char *dotted, *label;
} table[OID_COUNT] = {
#define X(name, dotted, label) { dotted, label },
	OID_LIST(X)
#undef X
};

static uint8_t der_bytes[OID_COUNT][OID_DER_MAX];
static struct view der_views[OID_COUNT];
static enum oid by_der[OID_COUNT]; /* sorted by octets */
static pthread_once_t once = PTHREAD_ONCE_INIT;

static int
order(const void *a, const void *b)
{
	return view_cmp(
	    der_views[*(const enum oid *)a], der_views[*(const enum oid *)b]);
}

static void
fill(void)
{
	size_t i;

	for (i = 0; i < OID_COUNT; i++) {
		AUTO_BUF b = buf_empty(OID_DER_MAX);

		/* the table is ours and its test reads every entry back */
		if (oid_parse(&b, table[i].dotted, NULL) == RC_OK &&
		    b.data != NULL)
			memcpy(der_bytes[i], b.data, b.len);
		der_views[i] = view_of(der_bytes[i], b.len);
		by_der[i] = (enum oid)i;
	}
	qsort(by_der, OID_COUNT, sizeof(by_der[0]), order);
}

struct view
oid_der(enum oid o)
{
	pthread_once(&once, fill);
	return (unsigned)o < OID_COUNT ? der_views[o] : view_of(NULL, 0);
}

const char *
oid_dotted(enum oid o)
{
	return (unsigned)o < OID_COUNT ? table[o].dotted : "";
}

const char *
oid_label(enum oid o)
{
	return (unsigned)o < OID_COUNT ? table[o].label : "";
}

enum oid
oid_find(struct view der)
{
	size_t lo = 0, hi = OID_COUNT, mid;
	int c;

	pthread_once(&once, fill);
	while (lo < hi) {
		mid = lo + (hi - lo) / 2;
		c = view_cmp(der_views[by_der[mid]], der);
		if (c == 0)
			return by_der[mid];
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return OID_COUNT;
}

enum oid
oid_find_text(const char *s)
{
	size_t i;

	for (i = 0; i < OID_COUNT; i++)
		if (strcmp(table[i].dotted, s) == 0 ||
		    (table[i].label[0] != '\0' && text_ieq(table[i].label, s)))
			return (enum oid)i;
	return OID_COUNT;
}

/* Takes one decimal arc and the dot behind it off *s. */
static bool
arc(uint64_t *out, const char **s)
{
	const char *p = *s;
	uint64_t v = 0;

	if (*p < '0' || *p > '9' || (p[0] == '0' && p[1] >= '0' && p[1] <= '9'))
		return false;
	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return false;
	if (*p == '.') {
		p++;
		if (*p == '\0')
			return false;
	} else if (*p != '\0') {
		return false;
	}
	*out = v;
	*s = p;
	return true;
}

static void
put_base128(struct buf *out, uint64_t v)
{
	uint8_t octets[ARC_OCTETS_MAX];
	size_t i = sizeof(octets);

	octets[--i] = (uint8_t)(v & 0x7f);
	while ((v >>= 7) != 0)
		octets[--i] = (uint8_t)(0x80 | (v & 0x7f));
	buf_add(out, octets + i, sizeof(octets) - i);
}

static bool
encode(struct buf *out, const char *s)
{
	uint64_t first, second;

	if (!arc(&first, &s) || *s == '\0' || !arc(&second, &s) || first > 2 ||
	    (first < 2 && second > 39) || second > UINT64_MAX - 80)
		return false;
	put_base128(out, first * 40 + second);
	while (*s != '\0') {
		if (!arc(&first, &s))
			return false;
		put_base128(out, first);
	}
	return true;
}

enum rc
oid_parse(struct buf *out, const char *dotted, struct err *e)
{
	char quoted[TEXT_QUOTE_MAX];
	AUTO_BUF der = buf_empty(OID_TEXT_MAX);
	bool good = dotted != NULL && encode(&der, dotted);

	if (good && der.failed == RC_NOMEM)
		return buf_check(&der, e);
	if (!good || der.failed != RC_OK)
		return err_set(e, RC_INVALID, "%s: not an OID",
		    text_quote(quoted, view_str(dotted)));
	buf_add_view(out, buf_view(&der));
	return buf_check(out, e);
}

static bool
decode(struct buf *out, struct view der)
{
	bool first = true, more = false;
	uint64_t v = 0, top;
	size_t i;

	for (i = 0; i < der.len; i++) {
		if ((!more && der.data[i] == 0x80) || v > UINT64_MAX >> 7)
			return false;
		v = v << 7 | (der.data[i] & 0x7f);
		more = der.data[i] >= 0x80;
		if (more)
			continue;
		if (first) {
			top = v < 80 ? v / 40 : 2;
			buf_add_dec(out, top);
			v -= top * 40;
		}
		buf_add_char(out, '.');
		buf_add_dec(out, v);
		first = false;
		v = 0;
	}
	return der.len > 0 && !more;
}

enum rc
oid_text(struct buf *out, struct view der, struct err *e)
{
	AUTO_BUF text = buf_empty(OID_TEXT_MAX);
	bool good = decode(&text, der);

	if (good && text.failed == RC_NOMEM)
		return buf_check(&text, e);
	if (!good || text.failed != RC_OK)
		return err_set(
		    e, RC_INVALID, "OID: malformed or larger than we show");
	buf_add_view(out, buf_view(&text));
	return buf_check(out, e);
}
