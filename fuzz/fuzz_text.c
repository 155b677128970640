/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_text.c - any text as each of the small forms: numbers, hex, base64, PEM,
 * dates, key ids, stored passwords, a revocation's text. What was read and is
 * written again reads the same.
 * Owns:    nothing.
 * Trusts:  nothing.
 * Threads: none. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "auth/password.h"
#include "base/clock.h"
#include "keys/keyid.h"
#include "store/rec_cert.h"
#include "x509/crl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
numbers(const char *s)
{
	char text[NUM_TEXT_MAX];
	struct num n, again;
	int64_t v;

	for (int hex = 0; hex < 2; hex++) {
		if (num_parse(&n, s, hex != 0, NULL) != RC_OK)
			continue;
		if (num_parse(&again, num_dec(text, &n), false, NULL) !=
			RC_OK ||
		    num_cmp(&n, &again) != 0 ||
		    num_parse(&again, num_0x(text, &n), false, NULL) != RC_OK ||
		    num_cmp(&n, &again) != 0 ||
		    num_parse(&again, num_hex(text, &n), true, NULL) != RC_OK ||
		    num_cmp(&n, &again) != 0)
			abort();
	}
	if (text_int(&v, s, -1000, INT64_MAX, NULL) == RC_OK && v < -1000)
		abort();
	if (num_from_view(&n, view_str(s), NULL) == RC_OK &&
	    num_from_view(&again, num_view(&n), NULL) != RC_OK)
		abort();
}

static void
octets(struct view v)
{
	AUTO_BUF hex = buf_empty(0), b64 = buf_empty(0), pem = buf_empty(0);
	AUTO_BUF text = buf_empty(0), again = buf_empty(0);

	if (text_hex(&hex, v, NULL) == RC_OK && hex.len * 2 != v.len)
		abort();
	/* any answer is fine, a crash is not */
	rc_ignore(text_pem(&pem, v, NULL, NULL));
	rc_ignore(text_pem(&pem, v, "CERTIFICATE", NULL));
	if (text_base64(&b64, v, NULL) != RC_OK)
		return;
	buf_add_base64(&text, buf_view(&b64), 64, "\n");
	if (text_base64(&again, buf_view(&text), NULL) != RC_OK ||
	    !view_eq(buf_view(&again), buf_view(&b64)))
		abort();
}

static void
dates(const char *s)
{
	char text[CLOCK_TEXT_MAX];
	int64_t t, again;

	if (text_date_dir(&t, s, NULL) == RC_OK &&
	    (text_date_dir(&again, clock_text_dir(text, t), NULL) != RC_OK ||
		again != t))
		abort();
	if (text_date_iso(&t, s, NULL) == RC_OK &&
	    (text_date_iso(&again, clock_text_iso(text, t), NULL) != RC_OK ||
		again != t))
		abort();
}

static void
key_ids(const char *s)
{
	uint8_t id[KEYID_LEN], again[KEYID_LEN];
	char text[KEYID_TEXT_MAX];
	struct err e;

	if (keyid_decode(id, s, &e) == RC_OK &&
	    (keyid_encode(text, view_of(id, sizeof(id)), &e) != RC_OK ||
		keyid_decode(again, text, &e) != RC_OK ||
		memcmp(id, again, sizeof(id)) != 0))
		abort();
	/* any answer is fine, a crash is not */
	rc_ignore(keyid_parse_hex(id, s, &e));
	rc_ignore(keyid_encode(text, view_str(s), &e));
}

static void
revocations(const char *s)
{
	int reason = crl_reason_find(s);
	AUTO_BUF text = buf_empty(0);
	struct revocation r = { .reason = 0 }, again = { .reason = 0 };

	if (reason > CRLREASON_MAX ||
	    (reason_find(s) >= 0 && reason_label(reason_find(s)) == NULL))
		abort();
	if (revocation_parse(&r, s, NULL) != RC_OK)
		return;
	revocation_text(&text, &r);
	if (revocation_parse(&again, buf_cstr(&text), NULL) != RC_OK ||
	    again.date != r.date || again.reason != r.reason)
		abort();
}

static void
words(char *s)
{
	char *parts[8], quoted[TEXT_QUOTE_MAX];
	size_t n;

	if (strlen(text_quote(quoted, view_str(s))) >= sizeof(quoted))
		abort();
	(void)text_bool(s);
	n = text_split(s, ",;", parts, 8);
	for (size_t i = 0; i < n && i < 8; i++)
		if (parts[i][0] == '\0' || strpbrk(parts[i], ",;") != NULL)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO_STR s = strndup((const char *)data, len);

	if (s == NULL)
		return 0;
	numbers(s);
	octets(view_of(data, len));
	dates(s);
	key_ids(s);
	revocations(s);
	/* more rounds than these are right, and slow */
	if (strlen(s) < sizeof("{PBKDF2-SHA512}9999$") ||
	    strspn(s + strlen("{PBKDF2-SHA512}"), "0123456789") < 5)
		/* any answer is fine, a crash is not */
		rc_ignore(password_check(s, view_str("password"), NULL));
	words(s);
	return 0;
}
