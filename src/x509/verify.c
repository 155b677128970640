/* SPDX-License-Identifier: Apache-2.0 */
/* verify.c - chains checked by libcrypto's X509_STORE.
 * Owns:    libcrypto objects for one call.
 * Trusts:  the roots its caller gives; nothing else.
 * Threads: pure functions. */
#include "x509/verify.h"

#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "x509/cms.h"
#include "x509/impl.h"
#include "x509/name.h"

/* What one check needs; all freed together. */
struct job {
	X509 *cert;
	X509_STORE *store;
	STACK_OF(X509) * others;
	X509_STORE_CTX *ctx;
};

static void
job_done(struct job *j)
{
	X509_STORE_CTX_free(j->ctx);
	X509_STORE_free(j->store);
	sk_X509_pop_free(j->others, X509_free);
	X509_free(j->cert);
}

/* NULL with a reason in e unless der is one certificate and no more. */
static X509 *
read_cert(struct view der, struct err *e)
{
	const unsigned char *p = der.data;
	X509 *c = NULL;

	ERR_clear_error();
	if (der.len <= CMS_DER_MAX)
		c = d2i_X509(NULL, &p, (long)der.len);
	if (c == NULL || p != der.data + der.len) {
		X509_free(c);
		err_openssl(e, RC_INVALID, "certificate");
		return NULL;
	}
	return c;
}

static enum rc
read_all(
    struct job *j, struct view cert, const struct verify_opts *o, struct err *e)
{
	X509 *c;
	size_t i;
	int good;

	j->cert = read_cert(cert, e);
	if (j->cert == NULL)
		return RC_INVALID;
	j->store = X509_STORE_new();
	j->others = sk_X509_new_null();
	j->ctx = X509_STORE_CTX_new();
	if (j->store == NULL || j->others == NULL || j->ctx == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	for (i = 0; i < o->roots_count; i++) {
		c = read_cert(o->roots[i], e);
		if (c == NULL)
			return RC_INVALID;
		good = X509_STORE_add_cert(j->store, c);
		X509_free(c);
		if (good != 1)
			return err_openssl(e, RC_CRYPTO, "trusted certificate");
	}
	for (i = 0; i < o->others_count; i++) {
		c = read_cert(o->others[i], e);
		if (c == NULL)
			return RC_INVALID;
		if (sk_X509_push(j->others, c) <= 0) {
			X509_free(c);
			return err_set(e, RC_NOMEM, "out of memory");
		}
	}
	return RC_OK;
}

static int
purpose_of(enum verify_purpose p)
{
	switch (p) {
	case VERIFY_ANY:
	case VERIFY_CA:
		return X509_PURPOSE_ANY;
	case VERIFY_SSL_SERVER:
		return X509_PURPOSE_SSL_SERVER;
	case VERIFY_SSL_CLIENT:
		return X509_PURPOSE_SSL_CLIENT;
	case VERIFY_EMAIL:
		return X509_PURPOSE_SMIME_SIGN;
	case VERIFY_OCSP:
		return X509_PURPOSE_OCSP_HELPER;
	}
	return X509_PURPOSE_ANY;
}

static enum rc
refusal(const struct job *j, struct err *e)
{
	AUTO_BUF der = buf_empty(0);
	AUTO_BUF text = buf_empty(0);
	char quoted[TEXT_QUOTE_MAX];
	const X509 *at = X509_STORE_CTX_get_current_cert(j->ctx);
	int why = X509_STORE_CTX_get_error(j->ctx);
	unsigned char *p = NULL;
	int n;

	n = at != NULL ? i2d_X509_NAME(X509_get_subject_name(at), &p) : 0;
	if (n > 0) {
		buf_add(&der, p, (size_t)n);
		OPENSSL_free(p);
		/* only decoration: without it the reason stands alone */
		rc_ignore(name_text(&text, buf_view(&der), NULL));
	}
	return err_set(e, RC_INVALID, "certificate %s: RFC 5280 6: %s",
	    text_quote(quoted, buf_view(&text)),
	    X509_verify_cert_error_string(why));
}

/* An OCSP signer needs the purpose itself, not only nothing against it. */
static enum rc
check_purpose(const struct job *j, enum verify_purpose p, struct err *e)
{
	uint32_t ext = X509_get_extended_key_usage(j->cert);

	if (p == VERIFY_OCSP &&
	    (ext == UINT32_MAX || (ext & XKU_OCSP_SIGN) == 0))
		return err_set(e, RC_INVALID,
		    "certificate: RFC 6960 4.2.2.2: no id-kp-OCSPSigning");
	if (p == VERIFY_CA && X509_check_ca(j->cert) < 1)
		return err_set(
		    e, RC_INVALID, "certificate: RFC 5280 4.2.1.9: not a CA");
	return RC_OK;
}

static enum rc
run(struct job *j, struct view cert, const struct verify_opts *o, struct err *e)
{
	X509_VERIFY_PARAM *param;
	unsigned long flags = 0;

	TRY(read_all(j, cert, o, e));
	if (X509_STORE_CTX_init(j->ctx, j->store, j->cert, j->others) != 1)
		return err_openssl(e, RC_CRYPTO, "chain");
	param = X509_STORE_CTX_get0_param(j->ctx);
	X509_VERIFY_PARAM_set_depth(param, VERIFY_CHAIN_MAX);
	X509_VERIFY_PARAM_set_purpose(param, purpose_of(o->purpose));
	if (o->at != 0)
		X509_VERIFY_PARAM_set_time(param, (time_t)o->at);
	else
		flags |= X509_V_FLAG_NO_CHECK_TIME;
	if (o->partial)
		flags |= X509_V_FLAG_PARTIAL_CHAIN;
	X509_VERIFY_PARAM_set_flags(param, flags);
	if (X509_verify_cert(j->ctx) != 1) {
		ERR_clear_error();
		return refusal(j, e);
	}
	return check_purpose(j, o->purpose, e);
}

enum rc
verify_cert(struct view cert, const struct verify_opts *o, struct err *e)
{
	struct job j = { 0 };
	enum rc rc = run(&j, cert, o, e);

	job_done(&j);
	return rc;
}

static enum rc
copy_chain(struct view *out, size_t max, size_t *n, const struct job *j,
    struct arena *a, struct err *e)
{
	const STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(j->ctx);
	unsigned char *der;
	const char *copy;
	int i, len;

	if (sk_X509_num(chain) > (int)max)
		return err_set(e, RC_TOOBIG, "chain of %d certificates",
		    sk_X509_num(chain));
	for (i = 0; i < sk_X509_num(chain); i++) {
		der = NULL;
		len = i2d_X509(sk_X509_value(chain, i), &der);
		if (len <= 0)
			return err_openssl(e, RC_CRYPTO, "chain");
		copy = arena_view(a, view_of(der, (size_t)len));
		OPENSSL_free(der);
		if (copy == NULL)
			return err_set(e, RC_NOMEM, "out of memory");
		out[i] = view_of(copy, (size_t)len);
	}
	*n = (size_t)sk_X509_num(chain);
	return RC_OK;
}

enum rc
verify_chain(struct view *out, size_t max, size_t *n, struct view cert,
    const struct verify_opts *o, struct arena *a, struct err *e)
{
	struct job j = { 0 };
	enum rc rc = run(&j, cert, o, e);

	if (rc == RC_OK)
		rc = copy_chain(
		    out, max > INT16_MAX ? INT16_MAX : max, n, &j, a, e);
	job_done(&j);
	return rc;
}

enum rc
verify_issued(struct view cert, struct view issuer, struct err *e)
{
	X509 *c = read_cert(cert, e);
	X509 *i = c != NULL ? read_cert(issuer, e) : NULL;
	enum rc rc = RC_INVALID;

	if (i == NULL)
		goto out;
	if (X509_NAME_cmp(X509_get_issuer_name(c), X509_get_subject_name(i)) !=
	    0)
		rc = err_set(e, RC_INVALID,
		    "certificate: RFC 5280 6.1.3: names do not chain");
	else if (X509_verify(c, X509_get0_pubkey(i)) != 1)
		rc = err_openssl(
		    e, RC_INVALID, "certificate: RFC 5280 6.1.3: signature");
	else
		rc = RC_OK;
out:
	X509_free(c);
	X509_free(i);
	return rc;
}

enum rc
verify_crl(struct view crl, struct view issuer, struct err *e)
{
	const unsigned char *p = crl.data;
	X509 *i = read_cert(issuer, e);
	X509_CRL *c = NULL;
	enum rc rc = RC_INVALID;

	if (i == NULL)
		return RC_INVALID;
	if (crl.len <= INT32_MAX)
		c = d2i_X509_CRL(NULL, &p, (long)crl.len);
	if (c == NULL || p != crl.data + crl.len)
		rc = err_openssl(e, RC_INVALID, "crl: RFC 5280 5.1");
	else if (X509_NAME_cmp(
		     X509_CRL_get_issuer(c), X509_get_subject_name(i)) != 0)
		rc = err_set(
		    e, RC_INVALID, "crl: RFC 5280 6.3.3: another issuer");
	else if (X509_CRL_verify(c, X509_get0_pubkey(i)) != 1)
		rc = err_openssl(
		    e, RC_INVALID, "crl: RFC 5280 6.3.3: signature");
	else
		rc = RC_OK;
	X509_CRL_free(c);
	X509_free(i);
	return rc;
}
