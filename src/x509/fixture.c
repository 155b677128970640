/* SPDX-License-Identifier: Apache-2.0 */
/* fixture.c - keys, objects and abuse for unit tests. Only tests link it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "base/cleanup.h"
#include "der/oid.h"
#include "der/reader.h"
#include "x509/fixture.h"

EVP_PKEY *
fix_rsa(void)
{
	static EVP_PKEY *key;

	if (key == NULL)
		key = EVP_RSA_gen(2048);
	assert_non_null(key);
	return key;
}

EVP_PKEY *
fix_ec(void)
{
	static EVP_PKEY *key;

	if (key == NULL)
		key = EVP_EC_gen("P-256");
	assert_non_null(key);
	return key;
}

struct view
fix_spki(EVP_PKEY *key)
{
	static uint8_t room[2][1024];
	uint8_t *p = room[key == fix_rsa()];
	const uint8_t *start = p;
	int n = i2d_PUBKEY(key, &p);

	assert_true(n > 0);
	return view_of(start, (size_t)n);
}

X509_NAME *
fix_name(const char *slashed)
{
	X509_NAME *n = X509_NAME_new();
	char copy[512], *save = NULL, *part, *eq;

	assert_true(strlen(slashed) < sizeof(copy));
	memcpy(copy, slashed, strlen(slashed) + 1);
	for (part = strtok_r(copy, "/", &save); part != NULL;
	     part = strtok_r(NULL, "/", &save)) {
		eq = strchr(part, '=');
		assert_non_null(eq);
		*eq++ = '\0';
		assert_int_equal(
		    X509_NAME_add_entry_by_txt(n, part, MBSTRING_UTF8,
			(const unsigned char *)eq, -1, -1, 0),
		    1);
	}
	return n;
}

void
fix_ext(struct buf *out, int nid, const char *conf, X509 *issuer)
{
	X509V3_CTX ctx;
	X509_EXTENSION *x;
	ASN1_OCTET_STRING *s;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, issuer, NULL, NULL, 0);
	x = X509V3_EXT_conf_nid(NULL, &ctx, nid, conf);
	if (x == NULL)
		fail_msg("nid %d: %s", nid, conf);
	s = X509_EXTENSION_get_data(x);
	buf_add(out, ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
	X509_EXTENSION_free(x);
}

X509 *
fix_cert(const char *issuer, const char *subject, long serial, EVP_PKEY *key,
    EVP_PKEY *signer, const char *const *exts, X509 *ca)
{
	X509 *c = X509_new();
	X509_NAME *in = fix_name(issuer), *sn = fix_name(subject);
	X509V3_CTX ctx;
	X509_EXTENSION *x;

	X509_set_version(c, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(c), serial);
	X509_set_issuer_name(c, in);
	X509_set_subject_name(c, sn);
	ASN1_TIME_set(X509_getm_notBefore(c), 1700000000);
	ASN1_TIME_set(X509_getm_notAfter(c), 4000000000);
	X509_set_pubkey(c, key);
	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, ca != NULL ? ca : c, c, NULL, NULL, 0);
	for (; exts != NULL && exts[0] != NULL; exts += 2) {
		x = X509V3_EXT_conf(NULL, &ctx, exts[0], exts[1]);
		assert_non_null(x);
		X509_add_ext(c, x, -1);
		X509_EXTENSION_free(x);
	}
	assert_true(X509_sign(c, signer, EVP_sha256()) > 0);
	X509_NAME_free(in);
	X509_NAME_free(sn);
	return c;
}

bool
fix_is_der(struct view v)
{
	struct view open[DER_DEPTH_MAX], body;
	size_t depth = 1;
	int tag;

	open[0] = v;
	while (depth > 0) {
		if (open[depth - 1].len == 0) {
			depth--;
			continue;
		}
		if (der_any(&open[depth - 1], &tag, NULL, &body, NULL) != RC_OK)
			return false;
		if ((tag & 0x20) == 0)
			continue;
		if (depth == DER_DEPTH_MAX)
			return false;
		open[depth++] = body;
	}
	return true;
}

/* Parses a heap copy of exactly that size. */
static enum rc
parse_copy(struct view v, fix_parse parse, void *arg)
{
	uint8_t *copy = malloc(v.len > 0 ? v.len : 1);
	struct err e = { 0 };
	enum rc rc;

	assert_non_null(copy);
	memcpy(copy, v.data, v.len);
	rc = parse(view_of(copy, v.len), arg, &e);
	if (rc != RC_OK)
		assert_true(e.text[0] != '\0');
	free(copy);
	return rc;
}

static void
abuse_bytes(struct view v, fix_parse parse, void *arg, bool der)
{
	static const uint8_t flips[] = { 0x01, 0x20, 0x80, 0xff };
	uint8_t *copy = malloc(v.len);
	size_t i, k;

	assert_non_null(copy);
	memcpy(copy, v.data, v.len);
	for (i = 0; i < v.len; i++) {
		for (k = 0; k < sizeof(flips); k++) {
			copy[i] ^= flips[k];
			if (parse_copy(view_of(copy, v.len), parse, arg) ==
				RC_OK &&
			    der)
				assert_true(fix_is_der(view_of(copy, v.len)));
			copy[i] ^= flips[k];
		}
	}
	free(copy);
}

void
fix_abuse(struct view der, fix_parse parse, void *arg)
{
	uint8_t *longer = malloc(der.len + 1);
	size_t i;

	assert_int_equal(parse_copy(der, parse, arg), RC_OK);
	for (i = 0; i < der.len; i++)
		assert_int_not_equal(
		    parse_copy(view_of(der.data, i), parse, arg), RC_OK);
	assert_non_null(longer);
	memcpy(longer, der.data, der.len);
	longer[der.len] = 0;
	assert_int_not_equal(
	    parse_copy(view_of(longer, der.len + 1), parse, arg), RC_OK);
	free(longer);
	abuse_bytes(der, parse, arg, true);
}

void
fix_abuse_text(const char *text, fix_parse parse, void *arg)
{
	struct view v = view_str(text);
	size_t i;

	assert_int_equal(parse_copy(v, parse, arg), RC_OK);
	for (i = 0; i < v.len; i++)
		(void)parse_copy(view_of(v.data, i), parse, arg);
	abuse_bytes(v, parse, arg, false);
}

void
fix_corpus(const char *kind, struct view v)
{
	const char *dir = getenv("X509_CORPUS");
	AUTO_BUF path = buf_empty(0);
	AUTO_FILE f = NULL;
	uint8_t h[DIGEST_MAX];
	size_t n;

	if (dir == NULL)
		return;
	n = digest_of(h, DIGEST_SHA1, v);
	buf_addf(&path, "%s/%s/", dir, kind);
	buf_add_hex(&path, view_of(h, n));
	f = fopen(buf_cstr(&path), "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(v.data, 1, v.len, f), v.len);
}

void
fix_equal(struct view a, struct view b)
{
	AUTO_BUF x = buf_empty(0);
	AUTO_BUF y = buf_empty(0);

	if (view_eq(a, b))
		return;
	buf_add_hex(&x, a);
	buf_add_hex(&y, b);
	assert_string_equal(buf_cstr(&x), buf_cstr(&y));
	fail();
}
