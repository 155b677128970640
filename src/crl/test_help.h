/* SPDX-License-Identifier: Apache-2.0 */
/* test_help.h - what tests of crl/ ask libcrypto about a list. */
#ifndef CRL_TEST_HELP_H
#define CRL_TEST_HELP_H

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "crl/crl_file.h"
#include "keys/keystore.h"
#include "store/test_help.h"
#include "x509/name.h"
#include "x509/template.h"

#define HELP_ISSUER "CN=Test CA,O=EXAMPLE"

/* A P-256 key in a database below dir and its CA certificate, appended. */
static inline void
help_ca(const char *dir, struct keystore **ks, struct key **key,
    struct buf *cert, int64_t from)
{
	AUTO(arena) a = arena_new(0);
	AUTO_BUF name = buf_empty(0);
	AUTO_BUF tbs = buf_empty(0);
	AUTO_BUF value = buf_empty(0);
	struct cert_template t;
	struct keygen g = {
		.type = KEYTYPE_EC, .curve = OID_prime256v1, .extractable = true
	};
	AUTO_STR path = NULL;
	struct keystore_open_params p = { .create = true };

	assert_true(asprintf(&path, "%s/alias", dir) > 0);
	OK(file_mkdirs(path, 0700, e));
	p.dir = path;
	OK(keystore_open(ks, &p, e));
	OK(keystore_generate(*ks, key, NULL, &g, e));
	OK(name_parse(&name, view_str(HELP_ISSUER), e));
	template_init(&t, a);
	t.serial = num_from_u64(1);
	t.sigalg = key_default_sigalg(*key);
	t.issuer = t.subject = buf_view(&name);
	t.spki = key_spki(*key);
	t.not_before = from;
	t.not_after = from + 86400 * 3650;
	ext_put_ski(&value, view_str("0123456789abcdefghij"));
	OK(ext_list_set_buf(
	    &t.exts, OID_subjectKeyIdentifier, false, &value, e));
	OK(template_tbs(&tbs, &t, e));
	OK(key_sign_object(*key, t.sigalg, buf_view(&tbs), cert, e));
}

/* The list f, whole and signed by the key of ca; lets go of f. The caller frees
 * it with X509_CRL_free. */
static inline X509_CRL *
help_list(const struct crl_file *f, struct view ca)
{
	const unsigned char *p, *q = ca.data;
	X509_CRL *crl;
	X509 *issuer;

	assert_non_null(f);
	p = f->der.data;
	crl = d2i_X509_CRL(NULL, &p, (long)f->der.len);
	assert_non_null(crl);
	assert_ptr_equal(p, f->der.data + f->der.len);
	issuer = d2i_X509(NULL, &q, (long)ca.len);
	assert_non_null(issuer);
	assert_int_equal(X509_CRL_verify(crl, X509_get0_pubkey(issuer)), 1);
	X509_free(issuer);
	crl_file_unref(f);
	return crl;
}

/* Its cRLNumber; -1 = none. */
static inline long
help_number(X509_CRL *crl)
{
	ASN1_INTEGER *n = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
	long v = n != NULL ? ASN1_INTEGER_get(n) : -1;

	ASN1_INTEGER_free(n);
	return v;
}

#endif
