/* SPDX-License-Identifier: Apache-2.0 */
/* text.c - text to numbers, bytes and dates; small string helpers.
 * Owns:    nothing; what it makes goes to the caller's buffer.
 * Trusts:  nothing: all text may come from the network.
 * Threads: any. */
#include "base/text.h"

#include <stdio.h>

#include "base/clock.h"

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

enum rc
text_int(int64_t *out, const char *s, int64_t min, int64_t max, struct err *e)
{
	char quoted[TEXT_QUOTE_MAX];
	bool neg = s != NULL && s[0] == '-';
	const char *p = s == NULL ? "" : s + neg;
	int64_t v = 0;

	if (!is_digit(*p))
		return err_set(e, RC_INVALID, "%s: not a number",
		    text_quote(quoted, view_str(s)));
	for (; is_digit(*p); p++) {
		int d = *p - '0';

		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, neg ? -d : d, &v))
			return err_set(e, RC_INVALID, "%s: out of range",
			    text_quote(quoted, view_str(s)));
	}
	if (*p != '\0')
		return err_set(e, RC_INVALID, "%s: not a number",
		    text_quote(quoted, view_str(s)));
	if (v < min || v > max)
		return err_set(e, RC_INVALID, "%lld: not within %lld to %lld",
		    (long long)v, (long long)min, (long long)max);
	*out = v;
	return RC_OK;
}

bool
text_bool(const char *s)
{
	static const char *const yes[] = { "true", "yes", "on", "t", "1" };
	size_t i;

	for (i = 0; s != NULL && i < sizeof(yes) / sizeof(yes[0]); i++)
		if (text_ieq(s, yes[i]))
			return true;
	return false;
}

static int
hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum rc
text_hex(struct buf *out, struct view s, struct err *e)
{
	size_t i;
	uint8_t *p;

	if (s.len % 2 != 0)
		return err_set(e, RC_INVALID, "hex: odd number of digits");
	for (i = 0; i < s.len; i++)
		if (hex_value(s.data[i]) < 0)
			return err_set(
			    e, RC_INVALID, "hex: not a digit at offset %zu", i);
	p = buf_reserve(out, s.len / 2);
	if (p == NULL)
		return buf_check(out, e);
	for (i = 0; i < s.len; i += 2)
		*p++ = (uint8_t)(hex_value(s.data[i]) << 4 |
		    hex_value(s.data[i + 1]));
	*p = '\0';
	out->len += s.len / 2;
	return RC_OK;
}

/* By table: on random text each comparison would be a branch badly guessed. */
static int
base64_value(uint8_t c)
{
	static const int8_t from_plus[] = { 62, -1, -1, -1, 63, 52, 53, 54, 55,
		56, 57, 58, 59, 60, 61, -1, -1, -1, -1, -1, -1, -1, 0, 1, 2, 3,
		4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20,
		21, 22, 23, 24, 25, -1, -1, -1, -1, -1, -1, 26, 27, 28, 29, 30,
		31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46,
		47, 48, 49, 50, 51 };

	return c < '+' || c > 'z' ? -1 : from_plus[c - '+'];
}

/* Ends the data: the octets that w holds before pad equal signs. Bits left over
 * must be zero. Returns the end or NULL. */
static uint8_t *
base64_last(uint8_t *p, uint32_t w, size_t pad)
{
	if ((w & (pad == 2 ? 0x0f : 0x03)) != 0)
		return NULL;
	w >>= pad == 2 ? 4 : 2;
	if (pad == 1)
		*p++ = (uint8_t)(w >> 8);
	*p++ = (uint8_t)w;
	return p;
}

/* The value of four characters; false when one is not of the alphabet. */
static bool
base64_four(uint32_t *out, const uint8_t *s)
{
	int a = base64_value(s[0]), b = base64_value(s[1]),
	    c = base64_value(s[2]), d = base64_value(s[3]);

	if ((a | b | c | d) < 0)
		return false;
	*out = (uint32_t)a << 18 | (uint32_t)b << 12 | (uint32_t)c << 6 |
	    (uint32_t)d;
	return true;
}

/* Decodes into p, which has room for 3 octets a 4 characters; returns the end
 * or NULL. */
static uint8_t *
base64_decode(uint8_t *p, struct view s)
{
	uint32_t w = 0;
	size_t i, n = 0, pad = 0;
	int v;

	for (i = 0; i < s.len; i++) {
		/* most of it: four characters of the alphabet */
		while (n % 4 == 0 && pad == 0 && i + 4 <= s.len &&
		    base64_four(&w, s.data + i)) {
			*p++ = (uint8_t)(w >> 16);
			*p++ = (uint8_t)(w >> 8);
			*p++ = (uint8_t)w;
			w = 0;
			i += 4;
		}
		if (i == s.len)
			break;
		v = base64_value(s.data[i]);
		if (v < 0 && is_space((char)s.data[i]))
			continue;
		if (s.data[i] == '=') {
			if (n % 4 < 2 || ++pad > 2)
				return NULL;
			if (++n % 4 == 0 &&
			    (p = base64_last(p, w, pad)) == NULL)
				return NULL;
			continue;
		}
		if (v < 0 || pad > 0)
			return NULL;
		w = w << 6 | (uint32_t)v;
		if (++n % 4 == 0) {
			*p++ = (uint8_t)(w >> 16);
			*p++ = (uint8_t)(w >> 8);
			*p++ = (uint8_t)w;
			w = 0;
		}
	}
	return n % 4 == 0 ? p : NULL;
}

enum rc
text_base64(struct buf *out, struct view s, struct err *e)
{
	uint8_t *p = buf_reserve(out, s.len / 4 * 3 + 3), *end;

	if (p == NULL)
		return buf_check(out, e);
	end = base64_decode(p, s);
	if (end == NULL) {
		*p = '\0';
		return err_set(e, RC_INVALID, "base64: malformed");
	}
	*end = '\0';
	out->len += (size_t)(end - p);
	return RC_OK;
}

static const uint8_t *
find(struct view s, const char *what)
{
	return s.len == 0 ? NULL : memmem(s.data, s.len, what, strlen(what));
}

/* What lies between s.data and a pointer into s, and from there on. */
static struct view
before(struct view s, const uint8_t *p)
{
	return view_of(s.data, (size_t)(p - s.data));
}

static struct view
after(struct view s, const uint8_t *p)
{
	return view_of(p, s.len - (size_t)(p - s.data));
}

static bool
label_fits(struct view found, const char *label)
{
	static const char new_form[] = "NEW CERTIFICATE REQUEST";

	return label == NULL || view_is(found, label) ||
	    (strcmp(label, new_form + 4) == 0 && view_is(found, new_form));
}

enum rc
text_pem(struct buf *out, struct view s, const char *label, struct err *e)
{
	static const char begin[] = "-----BEGIN ", dashes[] = "-----";
	const uint8_t *p = find(s, begin);
	struct view name;

	if (p == NULL)
		return text_base64(out, s, e);
	while (p != NULL) {
		s = after(s, p + strlen(begin));
		p = find(s, dashes);
		if (p == NULL)
			break;
		name = before(s, p);
		s = after(s, p + strlen(dashes));
		if (label_fits(name, label)) {
			p = find(s, "-----END ");
			if (p == NULL)
				break;
			return text_base64(out, before(s, p), e);
		}
		p = find(s, begin);
	}
	return err_set(e, RC_INVALID, "PEM: no whole block of label %s",
	    label != NULL ? label : "(any)");
}

void
text_add_pem(struct buf *b, const char *label, struct view der, const char *eol)
{
	enum {
		PEM_LINE = 64
	};

	buf_addf(b, "-----BEGIN %s-----%s", label, eol);
	buf_add_base64(b, der, PEM_LINE, eol);
	buf_addf(b, "-----END %s-----%s", label, eol);
}

/* Takes n digits off *s. */
static bool
digits(int *out, const char **s, int n)
{
	int v = 0;

	for (; n > 0; n--, (*s)++) {
		if (!is_digit(**s))
			return false;
		v = v * 10 + (**s - '0');
	}
	*out = v;
	return true;
}

/* Matches s against a form in which Y M D h m s stand for the first digit of
 * each part (the year has four digits, the others two); all else literally.
 * The round trip through seconds refuses what no calendar has. */
static bool
date_match(int64_t *out, const char *s, const char *form)
{
	struct civil c = { 0, 1, 1, 0, 0, 0, 0 }, back;
	int64_t t;

	for (; *form != '\0'; form++) {
		bool ok = *form == 'Y' ? digits(&c.year, &s, 4)
		    : *form == 'M'     ? digits(&c.month, &s, 2)
		    : *form == 'D'     ? digits(&c.day, &s, 2)
		    : *form == 'h'     ? digits(&c.hour, &s, 2)
		    : *form == 'm'     ? digits(&c.minute, &s, 2)
		    : *form == 's'     ? digits(&c.second, &s, 2)
				       : *s++ == *form;
		if (!ok)
			return false;
	}
	if (*s != '\0' || c.year < 1 || c.month < 1 || c.month > 12)
		return false;
	t = civil_to(&c);
	back = civil_of(t);
	if (back.year != c.year || back.month != c.month || back.day != c.day ||
	    back.hour != c.hour || back.minute != c.minute ||
	    back.second != c.second)
		return false;
	*out = t;
	return true;
}

enum rc
text_date_dir(int64_t *out, const char *s, struct err *e)
{
	char quoted[TEXT_QUOTE_MAX];

	if (s != NULL && date_match(out, s, "YMDhmsZ"))
		return RC_OK;
	return err_set(e, RC_INVALID, "%s: not a date (yyyyMMddHHmmssZ)",
	    text_quote(quoted, view_str(s)));
}

enum rc
text_date_iso(int64_t *out, const char *s, struct err *e)
{
	char quoted[TEXT_QUOTE_MAX];

	if (s != NULL &&
	    (date_match(out, s, "Y-M-D h:m:s") || date_match(out, s, "Y-M-D")))
		return RC_OK;
	return err_set(e, RC_INVALID, "%s: not a date (yyyy-MM-dd HH:mm:ss)",
	    text_quote(quoted, view_str(s)));
}

size_t
text_split(char *s, const char *seps, char **out, size_t max)
{
	size_t n = 0;
	char *part;

	while (s != NULL) {
		part = text_trim(strsep(&s, seps));
		if (*part == '\0')
			continue;
		if (n == max)
			return max + 1;
		out[n++] = part;
	}
	return n;
}

char *
text_trim(char *s)
{
	size_t n;

	while (is_space(*s))
		s++;
	n = strlen(s);
	while (n > 0 && is_space(s[n - 1]))
		n--;
	s[n] = '\0';
	return s;
}

bool
text_ieq(const char *a, const char *b)
{
	for (; *a == *b || lower(*a) == lower(*b); a++, b++)
		if (*a == '\0')
			return true;
	return false;
}

bool
text_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool
text_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), k = strlen(suffix);

	return n >= k && strcmp(s + n - k, suffix) == 0;
}

const char *
text_quote(char out[TEXT_QUOTE_MAX], struct view s)
{
	enum {
		SHOWN_MAX = 128
	};
	size_t i, n = 0;
	uint8_t c;

	out[n++] = '"';
	for (i = 0; i < s.len; i++) {
		c = s.data[i];
		if (n + 4 > SHOWN_MAX) {
			memcpy(out + n, "...", 3);
			n += 3;
			break;
		}
		if (c == '"' || c == '\\') {
			out[n++] = '\\';
			out[n++] = (char)c;
		} else if (c >= ' ' && c <= '~') {
			out[n++] = (char)c;
		} else {
			n += (size_t)snprintf(out + n, 5, "\\x%02x", c);
		}
	}
	out[n++] = '"';
	out[n] = '\0';
	return out;
}
