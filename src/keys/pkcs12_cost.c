/* SPDX-License-Identifier: Apache-2.0 */
/* pkcs12_cost.c - how long a password would be turned into a key (RFC 8018, RFC
 * 7914, RFC 7292 B.2, RFC 9579): read before it is done, for the file says so.
 * Owns:    nothing.
 * Trusts:  nothing.
 * Threads: pure functions. */
#include "keys/pkcs12_impl.h"

#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/x509.h>

/* What is no number, or none above zero, costs nothing: libcrypto refuses it, or
 * takes it for one; what is longer than 64 bits costs most. */
static uint64_t
number(const ASN1_INTEGER *i)
{
	int64_t n;

	if (i == NULL || i->type == V_ASN1_NEG_INTEGER)
		return 0;
	if (ASN1_INTEGER_get_int64(&n, i) != 1)
		return UINT64_MAX;
	return (uint64_t)n;
}

static uint64_t
times(uint64_t a, uint64_t b)
{
	uint64_t n;

	return __builtin_mul_overflow(a, b, &n) ? UINT64_MAX : n;
}

static uint64_t
pbkdf2_cost(const ASN1_TYPE *parameter)
{
	PBKDF2PARAM *p =
	    ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), parameter);
	uint64_t n = p != NULL ? number(p->iter) : 0;

	PBKDF2PARAM_free(p);
	return n;
}

/* The loop runs cost * parallelization times over blocks of blockSize. */
static uint64_t
scrypt_cost(const ASN1_TYPE *parameter)
{
	SCRYPT_PARAMS *p =
	    ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(SCRYPT_PARAMS), parameter);
	uint64_t n = 0;

	if (p != NULL)
		n = times(times(number(p->costParameter),
			      number(p->parallelizationParameter)),
		    number(p->blockSize));
	SCRYPT_PARAMS_free(p);
	return n;
}

/* Of PBES2 and PBMAC1, whose parameters begin alike. */
static uint64_t
pbes2_cost(const ASN1_TYPE *parameter)
{
	PBE2PARAM *p =
	    ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), parameter);
	const X509_ALGOR *kdf = p != NULL ? p->keyfunc : NULL;
	uint64_t n = 0;

	if (kdf != NULL && OBJ_obj2nid(kdf->algorithm) == NID_id_scrypt)
		n = scrypt_cost(kdf->parameter);
	else if (kdf != NULL)
		n = pbkdf2_cost(kdf->parameter);
	PBE2PARAM_free(p);
	return n;
}

static uint64_t
pbe_cost(const ASN1_TYPE *parameter)
{
	PBEPARAM *p =
	    ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBEPARAM), parameter);
	uint64_t n = p != NULL ? number(p->iter) : 0;

	PBEPARAM_free(p);
	return n;
}

uint64_t
pkcs12_cost(const X509_ALGOR *alg)
{
	uint64_t n;

	if (alg == NULL || alg->parameter == NULL)
		return 0;
	switch (OBJ_obj2nid(alg->algorithm)) {
	case NID_pbes2:
	case NID_pbmac1:
		n = pbes2_cost(alg->parameter);
		break;
	default:
		n = pbe_cost(alg->parameter);
	}
	ERR_clear_error();
	return n;
}

uint64_t
pkcs12_mac_cost(const PKCS12 *p12)
{
	const ASN1_INTEGER *iterations = NULL;
	const X509_ALGOR *alg = NULL;
	uint64_t n;

	PKCS12_get0_mac(NULL, &alg, NULL, &iterations, p12);
	n = number(iterations);
	return alg != NULL && OBJ_obj2nid(alg->algorithm) == NID_pbmac1 &&
		pkcs12_cost(alg) > n
	    ? pkcs12_cost(alg)
	    : n;
}
