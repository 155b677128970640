/* SPDX-License-Identifier: Apache-2.0 */
/* name.c - distinguished names in DER and text (RFC 5280 4.1.2.4, RFC 4514).
 * Owns:    nothing; all results go to the caller's buffers.
 * Trusts:  nobody: names come from requests, files and the network.
 * Threads: pure functions. */
#include "x509/name.h"

#include "der/reader.h"
#include "der/writer.h"
#include "x509/impl.h"
#include "x509/str.h"

enum {
	KEYWORD_MAX = 64
};

/* Attribute types with a keyword, and the one string type some must have. */
static const struct {
	enum oid oid;
	int tag; /* 0: a directory string */
} attrs[] = {
	{ OID_commonName, 0 },
	{ OID_organizationalUnit, 0 },
	{ OID_organizationName, 0 },
	{ OID_countryName, DER_PRINTABLE_STRING },
	{ OID_localityName, 0 },
	{ OID_stateName, 0 },
	{ OID_domainComponent, DER_IA5_STRING },
	{ OID_userId, 0 },
	{ OID_emailAddress, DER_IA5_STRING },
	{ OID_serialNumber, DER_PRINTABLE_STRING },
	{ OID_surname, 0 },
	{ OID_givenName, 0 },
	{ OID_title, 0 },
	{ OID_streetAddress, 0 },
	{ OID_initials, 0 },
	{ OID_generationQualifier, 0 },
	{ OID_dnQualifier, DER_PRINTABLE_STRING },
	{ OID_unstructuredName, 0 },
	{ OID_unstructuredAddress, 0 },
};

static const struct {
	const char *word;
	enum oid oid;
} aliases[] = {
	{ "EMAILADDRESS", OID_emailAddress },
	{ "EMAIL", OID_emailAddress },
	{ "MAIL", OID_emailAddress },
	{ "S", OID_stateName },
	{ "SURNAME", OID_surname },
	{ "USERID", OID_userId },
	{ "STREETADDRESS", OID_streetAddress },
	{ "GENERATION", OID_generationQualifier },
	{ "DNQ", OID_dnQualifier },
	{ "COMMONNAME", OID_commonName },
	{ "COUNTRYNAME", OID_countryName },
	{ "ORGANIZATIONNAME", OID_organizationName },
	{ "ORGANIZATIONALUNITNAME", OID_organizationalUnit },
	{ "LOCALITYNAME", OID_localityName },
	{ "STATEORPROVINCENAME", OID_stateName },
	{ "DOMAINCOMPONENT", OID_domainComponent },
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* ---- DER ---- */

/* A walk over the attributes in DER order. */
struct walk {
	struct view rdns, rdn;
	struct view last; /* element before in this RDN */
	size_t index, attrs;
	bool begun;
};

static enum rc
walk_begin(struct walk *w, struct view der, struct err *e)
{
	*w = (struct walk){ 0 };
	if (der.len > NAME_DER_MAX)
		return err_set(
		    e, RC_TOOBIG, "more than %d octets", NAME_DER_MAX);
	TRY(der_enter(&der, &w->rdns, DER_SEQUENCE, e));
	return der_end(&der, e);
}

static bool
walk_done(const struct walk *w)
{
	return w->rdns.len == 0 && w->rdn.len == 0;
}

static enum rc
walk_next(struct walk *w, struct name_attr *out, struct err *e)
{
	struct view attr, body;

	if (++w->attrs > NAME_ATTRS_MAX)
		return err_set(
		    e, RC_TOOBIG, "more than %d attributes", NAME_ATTRS_MAX);
	if (w->rdn.len == 0) {
		TRY(der_enter(&w->rdns, &w->rdn, DER_SET, e));
		if (w->rdn.len == 0)
			return err_set(e, RC_INVALID, "empty RDN");
		if (w->begun)
			w->index++;
		w->begun = true;
		w->last = view_of(NULL, 0);
	}
	TRY(der_take(&w->rdn, &attr, DER_SEQUENCE, e));
	if (w->last.len > 0 && view_cmp(w->last, attr) >= 0)
		return err_set(e, RC_INVALID, "X.690 11.6: SET not in order");
	w->last = attr;
	TRY(der_enter(&attr, &body, DER_SEQUENCE, e));
	TRY(der_oid(&body, &out->oid, e));
	TRY(impl_any(&body, &out->tag, &out->whole, &out->value, e));
	out->rdn = w->index;
	return der_end(&body, e);
}

static enum rc
split(struct name *out, struct view der, struct err *e)
{
	struct walk w;

	out->count = 0;
	TRY(walk_begin(&w, der, e));
	while (!walk_done(&w)) {
		TRY(walk_next(&w, &out->attrs[out->count], e));
		out->count++;
	}
	return RC_OK;
}

enum rc
name_split(struct name *out, struct view der, struct err *e)
{
	return fail(e, split(out, der, e), "name: RFC 5280 4.1.2.4");
}

enum rc
name_check(struct view der, struct err *e)
{
	struct name_attr a;
	struct walk w;
	enum rc rc;

	rc = walk_begin(&w, der, e);
	while (rc == RC_OK && !walk_done(&w))
		rc = walk_next(&w, &a, e);
	return fail(e, rc, "name: RFC 5280 4.1.2.4");
}

/* ---- keywords ---- */

static int
forced_tag(struct view oid)
{
	size_t i;

	for (i = 0; i < COUNT(attrs); i++) {
		if (view_eq(oid, oid_der(attrs[i].oid)))
			return attrs[i].tag;
	}
	return 0;
}

const char *
name_keyword(struct view oid)
{
	size_t i;

	for (i = 0; i < COUNT(attrs); i++) {
		if (view_eq(oid, oid_der(attrs[i].oid)))
			return oid_label(attrs[i].oid);
	}
	return NULL;
}

enum oid
name_keyword_find(struct view keyword)
{
	char word[KEYWORD_MAX];
	size_t i;

	if (keyword.len == 0 || keyword.len >= sizeof(word) ||
	    !str_is_ia5(keyword))
		return OID_COUNT;
	memcpy(word, keyword.data, keyword.len);
	word[keyword.len] = '\0';
	for (i = 0; i < COUNT(attrs); i++) {
		if (text_ieq(word, oid_label(attrs[i].oid)))
			return attrs[i].oid;
	}
	for (i = 0; i < COUNT(aliases); i++) {
		if (text_ieq(word, aliases[i].word))
			return aliases[i].oid;
	}
	return OID_COUNT;
}

/* ---- DER to text ---- */

void
name_escape(struct buf *out, struct view v)
{
	size_t i;
	uint8_t c;

	for (i = 0; i < v.len; i++) {
		c = v.data[i];
		if (c < 0x20 || c == 0x7f) {
			buf_addf(out, "\\%02X", (unsigned int)c);
			continue;
		}
		if (strchr("\"+,;<>\\", c) != NULL ||
		    (c == ' ' && (i == 0 || i == v.len - 1)) ||
		    (c == '#' && i == 0))
			buf_add_char(out, '\\');
		buf_add_char(out, (char)c);
	}
}

static enum rc
attr_text(struct buf *out, const struct name_attr *a, struct err *e)
{
	const char *word = name_keyword(a->oid);
	AUTO_BUF text = buf_empty(NAME_DER_MAX);

	if (word != NULL)
		buf_add_str(out, word);
	else
		TRY(oid_text(out, a->oid, e));
	buf_add_char(out, '=');
	if (word != NULL &&
	    str_to_utf8(&text, a->tag, a->value, NULL) == RC_OK) {
		TRY(buf_check(&text, e));
		name_escape(out, buf_view(&text));
	} else {
		buf_add_char(out, '#');
		buf_add_hex(out, a->whole);
	}
	return RC_OK;
}

enum rc
name_text(struct buf *out, struct view der, struct err *e)
{
	struct name n;
	size_t first, last, i;

	TRY(name_split(&n, der, e));
	for (last = n.count; last > 0; last = first) {
		first = last - 1;
		while (first > 0 &&
		    n.attrs[first - 1].rdn == n.attrs[last - 1].rdn)
			first--;
		if (last < n.count)
			buf_add_char(out, ',');
		for (i = first; i < last; i++) {
			if (i > first)
				buf_add_char(out, '+');
			TRY(fail(e, attr_text(out, &n.attrs[i], e), "name"));
		}
	}
	return buf_check(out, e);
}

enum rc
name_get(
    struct buf *out, struct view der, enum oid attr, size_t nth, struct err *e)
{
	struct name n;
	size_t i;

	TRY(name_split(&n, der, e));
	for (i = n.count; i > 0; i--) {
		if (!view_eq(n.attrs[i - 1].oid, oid_der(attr)) || nth-- > 0)
			continue;
		TRY(fail(e,
		    str_to_utf8(
			out, n.attrs[i - 1].tag, n.attrs[i - 1].value, e),
		    oid_label(attr)));
		return buf_check(out, e);
	}
	return err_set(e, RC_NOTFOUND, "name has no %s", oid_label(attr));
}

/* ---- text to DER ---- */

/* One attribute found in a text: where its encoding stands in the scratch. */
struct found {
	size_t start, len, rdn;
};

struct parser {
	struct view r;    /* text still to be read */
	struct buf ders;  /* encoded attributes, in text order */
	struct buf oid;   /* of the attribute at hand */
	struct buf value; /* its value, unescaped */
	struct found found[NAME_ATTRS_MAX];
	size_t count, rdn;
	int tag; /* forced for directory strings, 0 = choose */
};

static int
peek(const struct parser *p)
{
	return p->r.len > 0 ? p->r.data[0] : -1;
}

static void
skip(struct parser *p)
{
	p->r = view_of(p->r.data + 1, p->r.len - 1);
}

static bool
is_blank(int c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void
skip_blanks(struct parser *p)
{
	while (is_blank(peek(p)))
		skip(p);
}

static bool
is_end(int c)
{
	return c == -1 || c == ',' || c == ';' || c == '+';
}

static enum rc
parse_type(struct parser *p, struct err *e)
{
	struct view word = { p->r.data, 0 };
	char dotted[KEYWORD_MAX];
	char quoted[TEXT_QUOTE_MAX];
	const char *s = dotted;
	enum oid oid;

	while (peek(p) != '=' && !is_end(peek(p))) {
		skip(p);
		word.len++;
	}
	while (word.len > 0 && is_blank(word.data[word.len - 1]))
		word.len--;
	if (peek(p) != '=' || word.len == 0)
		return err_set(e, RC_INVALID, "no '=' behind %s",
		    text_quote(quoted, word));
	skip(p);
	buf_reset(&p->oid);
	oid = name_keyword_find(word);
	if (oid != OID_COUNT) {
		buf_add_view(&p->oid, oid_der(oid));
		return buf_check(&p->oid, e);
	}
	if (word.len >= sizeof(dotted) || !str_is_ia5(word))
		return err_set(e, RC_INVALID, "attribute type too long");
	memcpy(dotted, word.data, word.len);
	dotted[word.len] = '\0';
	if (word.len > 4 && memcmp(s, "OID.", 4) == 0)
		s += 4;
	if (oid_parse(&p->oid, s, NULL) != RC_OK)
		return err_set(e, RC_INVALID, "unknown attribute type %s",
		    text_quote(quoted, word));
	return buf_check(&p->oid, e);
}

static int
hex_digit(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Behind a '\': one special character or two hex digits (RFC 4514 3). */
static enum rc
parse_escape(struct parser *p, struct err *e)
{
	int c = peek(p), high, low;

	if (c > 0 && strchr(" \"#+,;<=>\\", c) != NULL) {
		buf_add_char(&p->value, (char)c);
		skip(p);
		return RC_OK;
	}
	high = hex_digit(c);
	if (high < 0 || p->r.len < 2 || (low = hex_digit(p->r.data[1])) < 0)
		return err_set(e, RC_INVALID, "bad escape");
	buf_add_char(&p->value, (char)(high << 4 | low));
	skip(p);
	skip(p);
	return RC_OK;
}

static enum rc
parse_quoted(struct parser *p, struct err *e)
{
	int c;

	skip(p);
	while ((c = peek(p)) != '"') {
		if (c == -1)
			return err_set(e, RC_INVALID, "no closing quote");
		skip(p);
		if (c == '\\')
			TRY(parse_escape(p, e));
		else
			buf_add_char(&p->value, (char)c);
	}
	skip(p);
	return RC_OK;
}

static enum rc
parse_plain(struct parser *p, struct err *e)
{
	size_t kept = 0; /* length up to the last character that is no blank */
	int c;

	while (!is_end(c = peek(p))) {
		skip(p);
		if (c == '"')
			return err_set(e, RC_INVALID, "quote inside a value");
		if (c == '\\') {
			TRY(parse_escape(p, e));
			kept = p->value.len;
		} else {
			buf_add_char(&p->value, (char)c);
			if (!is_blank(c))
				kept = p->value.len;
		}
	}
	if (kept < p->value.len)
		p->value.len = kept;
	return RC_OK;
}

/* "#hex": the value's element as it is. */
static enum rc
parse_hex(struct parser *p, struct err *e)
{
	struct view hex, r;

	skip(p);
	hex = view_of(p->r.data, 0);
	while (hex_digit(peek(p)) >= 0) {
		skip(p);
		hex.len++;
	}
	TRY(text_hex(&p->value, hex, e));
	TRY(buf_check(&p->value, e));
	r = buf_view(&p->value);
	TRY(impl_any(&r, NULL, NULL, NULL, e));
	return der_end(&r, e);
}

static enum rc
put_value(struct buf *out, int forced, struct view oid, struct view text,
    struct err *e)
{
	int tag = forced_tag(oid);
	size_t mark;

	if (text.len == 0)
		return err_set(e, RC_INVALID, "empty value");
	if (text.len > NAME_VALUE_MAX)
		return err_set(e, RC_TOOBIG, "value longer than %d octets",
		    NAME_VALUE_MAX);
	if (tag == 0)
		tag = forced != 0 ? forced : str_tag(text);
	mark = der_open(out, tag);
	TRY(str_from_utf8(out, tag, text, e));
	der_close(out, mark);
	return RC_OK;
}

static enum rc
parse_attr(struct parser *p, struct err *e)
{
	struct found *f;
	size_t mark;
	bool raw = false;

	if (p->count == NAME_ATTRS_MAX)
		return err_set(
		    e, RC_TOOBIG, "more than %d attributes", NAME_ATTRS_MAX);
	f = &p->found[p->count];
	skip_blanks(p);
	TRY(parse_type(p, e));
	skip_blanks(p);
	buf_reset(&p->value);
	if (peek(p) == '"') {
		TRY(parse_quoted(p, e));
	} else if (peek(p) == '#') {
		TRY(parse_hex(p, e));
		raw = true;
	} else {
		TRY(parse_plain(p, e));
	}
	skip_blanks(p);
	if (!is_end(peek(p)))
		return err_set(e, RC_INVALID, "text behind a value");
	TRY(buf_check(&p->value, e));
	f->start = p->ders.len;
	f->rdn = p->rdn;
	mark = der_open(&p->ders, DER_SEQUENCE);
	der_put_oid(&p->ders, buf_view(&p->oid));
	if (raw)
		der_put_raw(&p->ders, buf_view(&p->value));
	else
		TRY(put_value(&p->ders, p->tag, buf_view(&p->oid),
		    buf_view(&p->value), e));
	der_close(&p->ders, mark);
	TRY(buf_check(&p->ders, e));
	f->len = p->ders.len - f->start;
	p->count++;
	return RC_OK;
}

static struct view
found_view(const struct parser *p, size_t i)
{
	return view_of(p->ders.data + p->found[i].start, p->found[i].len);
}

/* Appends the RDN of found[first, last): X.690 11.6 wants a SET OF sorted. */
static enum rc
put_rdn(
    struct buf *out, struct parser *p, size_t first, size_t last, struct err *e)
{
	struct found swap;
	size_t i, j, mark;

	for (i = first + 1; i < last; i++) {
		for (j = i; j > first &&
		     view_cmp(found_view(p, j - 1), found_view(p, j)) > 0;
		     j--) {
			swap = p->found[j];
			p->found[j] = p->found[j - 1];
			p->found[j - 1] = swap;
		}
	}
	mark = der_open(out, DER_SET);
	for (i = first; i < last; i++) {
		if (i > first &&
		    view_eq(found_view(p, i - 1), found_view(p, i)))
			return err_set(e, RC_INVALID, "attribute twice in RDN");
		der_put_raw(out, found_view(p, i));
	}
	der_close(out, mark);
	return RC_OK;
}

static enum rc
put_name(struct buf *out, struct parser *p, struct err *e)
{
	size_t first, last, mark, start = out->len;

	mark = der_open(out, DER_SEQUENCE);
	for (last = p->count; last > 0; last = first) {
		first = last - 1;
		while (first > 0 &&
		    p->found[first - 1].rdn == p->found[last - 1].rdn)
			first--;
		TRY(put_rdn(out, p, first, last, e));
	}
	der_close(out, mark);
	TRY(buf_check(out, e));
	if (out->len - start > NAME_DER_MAX)
		return err_set(
		    e, RC_TOOBIG, "more than %d octets", NAME_DER_MAX);
	return RC_OK;
}

static enum rc
parse(struct parser *p, struct err *e)
{
	int c;

	skip_blanks(p);
	if (peek(p) == -1)
		return RC_OK;
	for (;;) {
		TRY(parse_attr(p, e));
		c = peek(p);
		if (c == -1)
			return RC_OK;
		skip(p);
		if (c != '+')
			p->rdn++;
	}
}

enum rc
name_parse_as(struct buf *out, struct view text, int tag, struct err *e)
{
	struct parser p = { .r = text, .tag = tag };
	AUTO_BUF der = buf_empty(2 * NAME_DER_MAX);
	enum rc rc;

	if (tag != 0 && tag != DER_PRINTABLE_STRING && tag != DER_UTF8_STRING &&
	    tag != DER_IA5_STRING && tag != DER_BMP_STRING)
		return err_set(e, RC_UNSUPPORTED, "name: string tag %#x",
		    (unsigned int)tag);
	p.ders = buf_empty(2 * NAME_DER_MAX);
	p.oid = buf_empty(NAME_DER_MAX);
	p.value = buf_empty(2 * NAME_DER_MAX);
	rc = parse(&p, e);
	if (rc == RC_OK)
		rc = put_name(&der, &p, e);
	buf_done(&p.ders);
	buf_done(&p.oid);
	buf_done(&p.value);
	if (rc != RC_OK)
		return fail(e, rc, "name");
	buf_add_view(out, buf_view(&der));
	return buf_check(out, e);
}

enum rc
name_parse(struct buf *out, struct view text, struct err *e)
{
	return name_parse_as(out, text, 0, e);
}

/* ---- building ---- */

size_t
name_open(struct buf *out)
{
	return der_open(out, DER_SEQUENCE);
}

enum rc
name_add(struct buf *out, enum oid attr, const char *value, struct err *e)
{
	size_t set, seq, start = out->len;
	enum rc rc;

	if (value == NULL || value[0] == '\0')
		return RC_OK;
	set = der_open(out, DER_SET);
	seq = der_open(out, DER_SEQUENCE);
	der_put_oid(out, oid_der(attr));
	rc = put_value(out, 0, oid_der(attr), view_str(value), e);
	if (rc != RC_OK) {
		out->len = start;
		return fail(e, rc, oid_label(attr));
	}
	der_close(out, seq);
	der_close(out, set);
	return buf_check(out, e);
}

void
name_close(struct buf *out, size_t mark)
{
	der_close(out, mark);
}
