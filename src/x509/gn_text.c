/* SPDX-License-Identifier: Apache-2.0 */
/* gn_text.c - general names in the text forms of profiles (spec profiles 6).
 * Owns:    nothing.
 * Trusts:  nobody: text comes from requests, profiles and agents.
 * Threads: pure functions. */
#include "x509/gn.h"

#include <arpa/inet.h>

#include "base/arena.h"
#include "der/reader.h"
#include "der/writer.h"
#include "x509/impl.h"
#include "x509/name.h"
#include "x509/str.h"

enum {
	IP4_LEN = 4,
	IP6_LEN = 16,
	ADDR_TEXT_MAX = 64,
	KRB_NAMES_MAX = 16,
	TEXT_MAX = 4096, /* of one general name */
};

/* KRB5PrincipalName, RFC 4556 3.2.2 */
#define KRB5_OID "1.3.6.1.5.2.2"

static const char *const type_names[] = {
	[GN_OTHER] = "OtherName",
	[GN_EMAIL] = "RFC822Name",
	[GN_DNS] = "DNSName",
	[GN_X400] = "X400Address",
	[GN_DIRECTORY] = "DirectoryName",
	[GN_EDI] = "EDIPartyName",
	[GN_URI] = "URIName",
	[GN_IP] = "IPAddress",
	[GN_OID] = "OIDName",
};

static const struct {
	const char *word;
	int tag;
} other_kinds[] = {
	{ "(UTF8String)", DER_UTF8_STRING },
	{ "(PrintableString)", DER_PRINTABLE_STRING },
	{ "(IA5String)", DER_IA5_STRING },
	{ "(BMPString)", DER_BMP_STRING },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

int
gn_type_find(const char *type)
{
	size_t i;

	if (strcmp(type, type_names[GN_OTHER]) == 0)
		return GN_OTHER;
	if (text_ieq(type, "URI"))
		return GN_URI;
	for (i = 1; i < COUNT(type_names); i++) {
		if (i != GN_X400 && text_ieq(type, type_names[i]))
			return (int)i;
	}
	return -1;
}

const char *
gn_type_name(enum gn_type t)
{
	return type_names[t];
}

/* ---- text to DER ---- */

/* Prefix length in bits -> mask of len octets. */
static void
mask_of(uint8_t *mask, size_t len, int64_t bits)
{
	size_t i;

	for (i = 0; i < len; i++) {
		mask[i] = (uint8_t)(bits >= 8 ? 0xff
			: bits > 0            ? 0xff << (8 - bits)
					      : 0);
		bits = bits > 8 ? bits - 8 : 0;
	}
}

/* "a.b.c.d", "x::y", with "/bits" or ",mask" behind them. */
static enum rc
parse_ip(struct buf *b, const char *value, struct err *e)
{
	char text[ADDR_TEXT_MAX];
	uint8_t a[2 * IP6_LEN];
	char *tail, *mask;
	int family;
	size_t len;
	int64_t bits;

	if (strlen(value) >= sizeof(text))
		return err_set(e, RC_INVALID, "address too long");
	memcpy(text, value, strlen(value) + 1);
	family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
	len = family == AF_INET6 ? IP6_LEN : IP4_LEN;
	tail = strpbrk(text, "/,");
	mask = NULL;
	if (tail != NULL) {
		mask = tail + 1;
		if (*tail == '/') {
			TRY(text_int(&bits, mask, 0, (int64_t)len * 8, e));
			mask_of(a + len, len, bits);
		} else if (inet_pton(family, text_trim(mask), a + len) != 1) {
			return err_set(e, RC_INVALID, "not a network mask");
		}
		*tail = '\0';
	}
	if (inet_pton(family, text_trim(text), a) != 1)
		return err_set(e, RC_INVALID, "not an address");
	der_put(b, DER_CONTEXT(GN_IP), view_of(a, mask ? 2 * len : len));
	return RC_OK;
}

static void
put_general(struct buf *b, const char *s)
{
	der_put(b, STR_TAG_GENERAL, view_str(s));
}

/* "realm|nametype|name1,name2" (RFC 4120 5.2.2) */
static enum rc
put_kerberos(struct buf *b, char *value, struct err *e)
{
	char *names, *type, *part[KRB_NAMES_MAX];
	size_t m[5], n, i;
	int64_t number;

	type = strchr(value, '|');
	names = type != NULL ? strchr(type + 1, '|') : NULL;
	if (names == NULL || !str_is_ia5(view_str(value)))
		return err_set(e, RC_INVALID, "KerberosName without two '|'");
	*type++ = '\0';
	*names++ = '\0';
	TRY(text_int(&number, type, INT32_MIN, INT32_MAX, e));
	n = text_split(names, ",", part, KRB_NAMES_MAX);
	if (n == 0 || n > KRB_NAMES_MAX)
		return err_set(e, RC_INVALID, "KerberosName without names");
	m[0] = der_open(b, DER_SEQUENCE);
	m[1] = der_open(b, DER_CONTEXT_CONS(0));
	put_general(b, value);
	der_close(b, m[1]);
	m[1] = der_open(b, DER_CONTEXT_CONS(1));
	m[2] = der_open(b, DER_SEQUENCE);
	m[3] = der_open(b, DER_CONTEXT_CONS(0));
	der_put_int(b, number);
	der_close(b, m[3]);
	m[3] = der_open(b, DER_CONTEXT_CONS(1));
	m[4] = der_open(b, DER_SEQUENCE);
	for (i = 0; i < n; i++)
		put_general(b, part[i]);
	for (i = 5; i > 0; i--)
		der_close(b, m[i - 1]);
	return RC_OK;
}

/* One well-formed element given in hex. */
static enum rc
put_hex(struct buf *b, const char *hex, struct err *e)
{
	AUTO_BUF der = buf_empty(TEXT_MAX);
	struct view r;

	TRY(text_hex(&der, view_str(hex), e));
	TRY(buf_check(&der, e));
	r = buf_view(&der);
	TRY(impl_any(&r, NULL, NULL, NULL, e));
	TRY(der_end(&r, e));
	buf_add_view(b, buf_view(&der));
	return RC_OK;
}

static enum rc
put_string(struct buf *b, int tag, const char *value, struct err *e)
{
	size_t mark = der_open(b, tag);

	TRY(str_from_utf8(b, tag, view_str(value), e));
	der_close(b, mark);
	return RC_OK;
}

/* The value of "(Kind)rest" into b; *oid = what names the type. rest is cut up
 * in place. */
static enum rc
other_value(struct buf *b, char *text, const char **oid, struct err *e)
{
	char *rest = strchr(text, ')'), *value;
	size_t i;

	if (text[0] != '(' || rest == NULL)
		return err_set(e, RC_INVALID, "OtherName without (kind)");
	rest++;
	if (text_starts(text, "(KerberosName)")) {
		*oid = KRB5_OID;
		return put_kerberos(b, rest, e);
	}
	value = strchr(rest, ',');
	if (value == NULL)
		return err_set(e, RC_INVALID, "OtherName without ','");
	*value++ = '\0';
	*oid = text_trim(rest);
	if (text_starts(text, "(Any)"))
		return put_hex(b, value, e);
	for (i = 0; i < COUNT(other_kinds); i++) {
		if (text_starts(text, other_kinds[i].word))
			return put_string(b, other_kinds[i].tag, value, e);
	}
	return err_set(e, RC_INVALID, "OtherName of unknown kind");
}

static enum rc
parse_other(struct buf *b, const char *text, struct err *e)
{
	AUTO_BUF value = buf_empty(TEXT_MAX);
	AUTO_BUF type = buf_empty(TEXT_MAX);
	AUTO_STR copy = strdup(text);
	const char *oid = NULL;
	size_t mark, inner;

	if (copy == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	TRY(other_value(&value, copy, &oid, e));
	TRY(buf_check(&value, e));
	TRY(oid_parse(&type, oid, e));
	TRY(buf_check(&type, e));
	mark = der_open(b, DER_CONTEXT_CONS(GN_OTHER));
	der_put_oid(b, buf_view(&type));
	inner = der_open(b, DER_CONTEXT_CONS(0));
	der_put_raw(b, buf_view(&value));
	der_close(b, inner);
	der_close(b, mark);
	return RC_OK;
}

static enum rc
parse_edi(struct buf *b, const char *value, struct err *e)
{
	size_t mark, party;

	mark = der_open(b, DER_CONTEXT_CONS(GN_EDI));
	party = der_open(b, DER_CONTEXT_CONS(1));
	TRY(put_string(b, str_tag(view_str(value)), value, e));
	der_close(b, party);
	der_close(b, mark);
	return RC_OK;
}

static enum rc
parse_directory(struct buf *b, const char *value, struct err *e)
{
	size_t mark = der_open(b, DER_CONTEXT_CONS(GN_DIRECTORY));

	TRY(name_parse(b, view_str(value), e));
	der_close(b, mark);
	return RC_OK;
}

static enum rc
parse_oid(struct buf *b, const char *value, struct err *e)
{
	size_t mark = der_open(b, DER_CONTEXT(GN_OID));

	TRY(oid_parse(b, value, e));
	der_close(b, mark);
	return RC_OK;
}

static enum rc
parse_typed(struct buf *b, enum gn_type t, const char *value, struct err *e)
{
	switch (t) {
	case GN_OTHER:
		return parse_other(b, value, e);
	case GN_EMAIL:
	case GN_DNS:
	case GN_URI:
		if (!str_is_ia5(view_str(value)))
			return err_set(
			    e, RC_INVALID, "character outside IA5String");
		der_put(b, DER_CONTEXT((int)t), view_str(value));
		return RC_OK;
	case GN_DIRECTORY:
		return parse_directory(b, value, e);
	case GN_EDI:
		return parse_edi(b, value, e);
	case GN_IP:
		return parse_ip(b, value, e);
	case GN_OID:
		return parse_oid(b, value, e);
	case GN_X400:
		break;
	}
	return err_set(e, RC_UNSUPPORTED, "type not supported");
}

enum rc
gn_parse(struct buf *b, const char *type, const char *value, struct err *e)
{
	AUTO_BUF der = buf_empty(2 * TEXT_MAX);
	char quoted[TEXT_QUOTE_MAX];
	int t = gn_type_find(type);
	enum rc rc;

	if (t < 0)
		return err_set(e, RC_INVALID, "unknown general name type %s",
		    text_quote(quoted, view_str(type)));
	if (value[0] == '\0' || strlen(value) > TEXT_MAX)
		return err_set(
		    e, RC_INVALID, "%s: empty or too long", type_names[t]);
	/* in a buffer of its own: a failure must not leave half of it in b */
	rc = parse_typed(&der, (enum gn_type)t, value, e);
	if (rc == RC_OK)
		rc = buf_check(&der, e);
	if (rc != RC_OK)
		return fail(e, rc, type_names[t]);
	buf_add_view(b, buf_view(&der));
	return buf_check(b, e);
}

bool
gn_is_single(const struct gn *g)
{
	struct view v = g->value;

	switch (g->type) {
	case GN_IP:
		return v.len == IP4_LEN || v.len == IP6_LEN;
	case GN_DNS:
	case GN_EMAIL:
	case GN_URI:
		return v.len > 0 && v.data[0] != '.' &&
		    (g->type == GN_URI || memchr(v.data, '*', v.len) == NULL);
	case GN_OTHER:
	case GN_X400:
	case GN_DIRECTORY:
	case GN_EDI:
	case GN_OID:
		return true;
	}
	return false;
}

/* ---- DER to text ---- */

static void
text_ip(struct buf *out, struct view v)
{
	char text[ADDR_TEXT_MAX];
	bool six = v.len == IP6_LEN || v.len == 2 * IP6_LEN;
	size_t len = six ? IP6_LEN : IP4_LEN;
	int family = six ? AF_INET6 : AF_INET;

	if (v.len != len && v.len != 2 * len)
		return;
	if (inet_ntop(family, v.data, text, sizeof(text)) != NULL)
		buf_add_str(out, text);
	if (v.len == len)
		return;
	buf_add_char(out, ',');
	if (inet_ntop(family, v.data + len, text, sizeof(text)) != NULL)
		buf_add_str(out, text);
}

/* A GeneralString under an explicit tag, or a SEQUENCE OF them. */
static enum rc
text_general(struct buf *out, struct view r, char sep)
{
	struct view s;
	size_t n = 0;

	while (r.len > 0) {
		TRY(der_enter(&r, &s, STR_TAG_GENERAL, NULL));
		if (n++ > 0)
			buf_add_char(out, sep);
		TRY(str_to_utf8(out, STR_TAG_GENERAL, s, NULL));
	}
	return n > 0 ? RC_OK : RC_INVALID;
}

static enum rc
text_kerberos(struct buf *out, struct view r)
{
	struct view seq, part, inner, list;
	int64_t type;

	TRY(der_enter(&r, &seq, DER_SEQUENCE, NULL));
	TRY(der_end(&r, NULL));
	TRY(der_enter(&seq, &part, DER_CONTEXT_CONS(0), NULL));
	TRY(text_general(out, part, ','));
	TRY(der_enter(&seq, &part, DER_CONTEXT_CONS(1), NULL));
	TRY(der_end(&seq, NULL));
	TRY(der_enter(&part, &inner, DER_SEQUENCE, NULL));
	TRY(der_end(&part, NULL));
	TRY(der_enter(&inner, &part, DER_CONTEXT_CONS(0), NULL));
	TRY(der_int64(&part, &type, NULL));
	TRY(der_end(&part, NULL));
	buf_addf(out, "|%lld|", (long long)type);
	TRY(der_enter(&inner, &part, DER_CONTEXT_CONS(1), NULL));
	TRY(der_end(&inner, NULL));
	TRY(der_enter(&part, &list, DER_SEQUENCE, NULL));
	TRY(der_end(&part, NULL));
	return text_general(out, list, ',');
}

static enum rc
text_other_kind(struct buf *out, const char *oid, int tag, struct view value)
{
	size_t i;

	for (i = 0; i < COUNT(other_kinds); i++) {
		if (other_kinds[i].tag != tag)
			continue;
		buf_addf(out, "%s%s,", other_kinds[i].word, oid);
		return str_to_utf8(out, tag, value, NULL);
	}
	return RC_INVALID;
}

static void
text_other(struct buf *out, struct view v)
{
	AUTO_BUF oid_buf = buf_empty(TEXT_MAX);
	AUTO_BUF text = buf_empty(2 * TEXT_MAX);
	struct view oid, r, whole, value;
	int tag;

	if (der_oid(&v, &oid, NULL) != RC_OK ||
	    der_enter(&v, &r, DER_CONTEXT_CONS(0), NULL) != RC_OK ||
	    oid_text(&oid_buf, oid, NULL) != RC_OK)
		return;
	if (view_is(buf_view(&oid_buf), KRB5_OID)) {
		buf_add_str(&text, "(KerberosName)");
		if (text_kerberos(&text, r) == RC_OK) {
			buf_add_view(out, buf_view(&text));
			return;
		}
		buf_reset(&text);
	}
	if (der_any(&r, &tag, &whole, &value, NULL) != RC_OK)
		return;
	if (text_other_kind(&text, buf_cstr(&oid_buf), tag, value) != RC_OK) {
		buf_reset(&text);
		buf_addf(&text, "(Any)%s,", buf_cstr(&oid_buf));
		buf_add_hex(&text, whole);
	}
	buf_add_view(out, buf_view(&text));
}

static void
text_edi(struct buf *out, struct view v)
{
	struct view part, value;
	bool has;
	int tag;

	if (der_optional(&v, &part, DER_CONTEXT_CONS(0), &has, NULL) != RC_OK ||
	    der_enter(&v, &part, DER_CONTEXT_CONS(1), NULL) != RC_OK ||
	    der_any(&part, &tag, NULL, &value, NULL) != RC_OK)
		return;
	/* nothing readable: nothing printed */
	rc_ignore(str_to_utf8(out, tag, value, NULL));
}

void
gn_put_value_text(struct buf *out, const struct gn *g)
{
	switch (g->type) {
	case GN_EMAIL:
	case GN_DNS:
	case GN_URI:
		buf_add_view(out, g->value);
		break;
	case GN_DIRECTORY:
		/* gn_next has checked it; a failed buffer says so itself */
		rc_ignore(name_text(out, g->value, NULL));
		break;
	case GN_IP:
		text_ip(out, g->value);
		break;
	case GN_OID:
		/* as above */
		rc_ignore(oid_text(out, g->value, NULL));
		break;
	case GN_OTHER:
		text_other(out, g->value);
		break;
	case GN_EDI:
		text_edi(out, g->value);
		break;
	case GN_X400:
		buf_add_hex(out, g->value);
		break;
	}
}

void
gn_put_text(struct buf *out, const struct gn *g)
{
	buf_addf(out, "%s: ", type_names[g->type]);
	gn_put_value_text(out, g);
}
