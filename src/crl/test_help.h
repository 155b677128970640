/* SPDX-License-Identifier: Apache-2.0 */
/* test_help.h - what tests of crl/ ask libcrypto about a list. */
#ifndef CRL_TEST_HELP_H
#define CRL_TEST_HELP_H

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "crl/crl_file.h"
#include "store/test_help.h"

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
