/* SPDX-License-Identifier: Apache-2.0 */
/* input_request.c - inputs that bring a certificate request: PKCS #10, CRMF,
 * browser keys (spec profiles 7). What it holds is stored in the request record
 * for the defaults: key, subject, extensions, validity.
 * Owns:    nothing.
 * Trusts:  nothing; possession of the key is proved before it is stored.
 * Threads: as struct profile_run. */
#include "der/reader.h"
#include "der/writer.h"
#include "keys/key.h"
#include "profile/input.h"
#include "x509/crmf.h"
#include "x509/name.h"
#include "x509/req.h"

/* What the formats have in common. */
struct asked {
	struct view subject, spki, exts; /* exts: contents */
	struct view sigalg;              /* whole, or empty */
	struct view validity;            /* whole, or empty */
	struct view archive;             /* PKIArchiveOptions, or empty */
};

static enum rc
put_name_part(struct profile_run *r, struct view subject, enum oid attr,
    const char *as, struct err *e)
{
	AUTO_BUF b = buf_empty(NAME_DER_MAX);
	enum rc rc = name_get(&b, subject, attr, 0, NULL);

	if (rc == RC_NOTFOUND || rc == RC_INVALID)
		return RC_OK;
	if (rc == RC_OK && strlen(buf_cstr(&b)) == b.len)
		run_put(r, as, buf_cstr(&b));
	return rc == RC_OK ? buf_check(&b, e) : rc;
}

enum rc
input_set_subject(struct profile_run *r, struct view subject, struct err *e)
{
	enum rc rc;

	run_put_bytes(r, "req_subject_name", subject);
	rc =
	    put_name_part(r, subject, OID_commonName, "req_subject_name.cn", e);
	if (rc == RC_OK)
		rc = put_name_part(
		    r, subject, OID_userId, "req_subject_name.uid", e);
	return rc;
}

/* The template gets it at once: token profiles have no key policy. */
static enum rc
set_key(struct profile_run *r, struct view spki, struct err *e)
{
	AUTO_BUF copy = buf_empty(0);

	run_put_bytes(r, "req_key", spki);
	buf_add_view(&copy, spki);
	return run_keep(r, &r->t->spki, &copy, e);
}

static enum rc
put_asked(struct profile_run *r, const struct asked *a, struct err *e)
{
	AUTO_BUF exts = buf_empty(EXT_VALUE_MAX);
	enum rc rc;

	rc = set_key(r, a->spki, e);
	if (rc == RC_OK && a->subject.len > 0)
		rc = input_set_subject(r, a->subject, e);
	if (rc == RC_OK && a->exts.len > 0) {
		der_put(&exts, DER_SEQUENCE, a->exts);
		rc = buf_check(&exts, e);
		if (rc == RC_OK)
			run_put_bytes(r, "req_extensions", buf_view(&exts));
	}
	if (a->sigalg.len > 0)
		run_put_bytes(r, "req_signing_alg", a->sigalg);
	if (a->validity.len > 0)
		run_put_bytes(r, "req_validity", a->validity);
	if (a->archive.len > 0)
		run_put_bytes(r, "req_archive_options", a->archive);
	return rc;
}

static enum rc
check_pop(struct profile_run *r, struct view spki, struct view sigalg,
    struct view tbs, struct view sig, struct err *e)
{
	enum sigalg a = sigalg_of(sigalg);
	enum keytype type;
	enum oid curve;
	int bits;
	enum rc rc;

	if ((rc = spki_info(spki, &type, &bits, &curve, e)) == RC_INVALID)
		return rc;
	if (r->env->skip_pop)
		return RC_OK;
	if (rc == RC_OK && type == KEYTYPE_EC && curve == OID_COUNT)
		return err_set(
		    e, RC_INVALID, "certificate request: unsupported curve");
	if (a == SIGALG_COUNT)
		return err_set(e, RC_INVALID,
		    "certificate request: unsupported signature algorithm");
	rc = spki_verify(spki, a, tbs, sig, e);
	if (rc != RC_OK)
		return err_set(e, RC_INVALID,
		    "certificate request: proof of possession failed");
	return RC_OK;
}

static enum rc
parse_pkcs10(struct profile_run *r, struct view der, struct err *e)
{
	struct req q;
	struct asked a = { 0 };
	enum rc rc = req_parse(&q, der, e);

	if (rc == RC_OK)
		rc = check_pop(r, q.spki, q.sigalg, q.tbs, q.sig, e);
	if (rc != RC_OK)
		return rc;
	a.subject = q.subject;
	a.spki = q.spki;
	a.exts = q.exts;
	a.sigalg = q.sigalg;
	return put_asked(r, &a, e);
}

static enum rc
parse_keygen(struct profile_run *r, struct view der, struct err *e)
{
	struct spkac k;
	struct asked a = { 0 };
	enum rc rc = spkac_parse(&k, der, e);

	if (rc == RC_OK)
		rc = check_pop(r, k.spki, k.sigalg, k.tbs, k.sig, e);
	if (rc != RC_OK)
		return rc;
	a.spki = k.spki;
	return put_asked(r, &a, e);
}

static enum rc
crmf_pop(struct profile_run *r, const struct crmf_msg *m, struct err *e)
{
	if (r->env->skip_pop)
		return RC_OK;
	if (m->pop != CRMF_POP_SIGNATURE || m->pop_has_input)
		return err_set(e, RC_INVALID,
		    "certificate request: RFC 4211 4.1: no proof of possession "
		    "by signature");
	return check_pop(r, m->spki, m->pop_sigalg, m->cert_req, m->pop_sig, e);
}

static enum rc
parse_crmf(struct profile_run *r, struct view der, struct err *e)
{
	struct crmf_msg msgs[CRMF_MSGS_MAX];
	AUTO_BUF validity = buf_empty(0);
	struct asked a = { 0 };
	const struct crmf_msg *m;
	const char *seq = run_get(r, "req_seq_num");
	int64_t at = 0;
	size_t n;
	enum rc rc = crmf_parse(msgs, CRMF_MSGS_MAX, &n, der, r->arena, e);

	if (rc == RC_OK && seq != NULL)
		rc = text_int(&at, seq, 0, CRMF_MSGS_MAX, e);
	if (rc != RC_OK)
		return rc;
	if ((size_t)at >= n)
		return err_set(e, RC_INVALID, "Unknown Sequence Number");
	m = &msgs[at];
	rc = crmf_pop(r, m, e);
	if (rc != RC_OK)
		return rc;
	a.subject = m->subject;
	a.spki = m->spki;
	a.exts = m->exts;
	a.archive = m->archive;
	if (m->has_not_before && m->has_not_after) {
		size_t seqm = der_open(&validity, DER_SEQUENCE);

		der_put_time(&validity, m->not_before);
		der_put_time(&validity, m->not_after);
		der_close(&validity, seqm);
		a.validity = buf_view(&validity);
	}
	return put_asked(r, &a, e);
}

/* --- text to request --------------------------------------------------------- */

enum rc
input_decode(struct buf *out, const char *text, struct err *e)
{
	enum rc rc = text_pem(out, view_str(text), NULL, e);

	if (rc != RC_OK)
		return err_prefix(e, "certificate request"), rc;
	if (out->len > CRMF_DER_MAX)
		return err_set(e, RC_TOOBIG, "certificate request: too large");
	return RC_OK;
}

static enum rc
request_populate(
    struct profile_run *r, const struct profile_part *p, struct err *e)
{
	const char *type = run_get(r, "cert_request_type");
	const char *text = run_get(r, "cert_request");
	AUTO_BUF b = buf_empty(0);
	struct view der;
	enum rc rc;

	(void)p;
	if (type == NULL)
		return err_set(
		    e, RC_INVALID, "Unknown Certificate Request Type");
	if (text == NULL)
		return err_set(e, RC_INVALID, "Certificate Request Not Found");
	if (text_ieq(type, "cmc"))
		return err_set(e, RC_UNSUPPORTED,
		    "CMC requests are not supported by this build");
	rc = input_decode(&b, text, e);
	if (rc == RC_OK)
		rc = run_keep(r, &der, &b, e);
	if (rc != RC_OK)
		return rc;
	if (text_ieq(type, "pkcs10"))
		return parse_pkcs10(r, der, e);
	if (text_ieq(type, "crmf"))
		return parse_crmf(r, der, e);
	if (strncasecmp(type, "keygen", strlen("keygen")) == 0)
		return parse_keygen(r, der, e);
	return err_set(
	    e, RC_INVALID, "Unknown Certificate Request Type %s", type);
}

/* The public key of a token: base64 of a SubjectPublicKeyInfo. */
static enum rc
publickey_populate(struct profile_run *r, struct err *e)
{
	const char *text = run_get(r, "publickey");
	AUTO_BUF b = buf_empty(CRMF_DER_MAX);
	struct view whole, v;
	enum rc rc;

	if (text == NULL)
		return err_set(e, RC_INVALID, "Key Not Found");
	rc = text_base64(&b, view_str(text), e);
	v = buf_view(&b);
	if (rc == RC_OK)
		rc = der_take(&v, &whole, DER_SEQUENCE, e);
	if (rc == RC_OK)
		rc = der_end(&v, e);
	if (rc != RC_OK)
		return err_prefix(e, "publickey"), rc;
	return set_key(r, whole, e);
}

static enum rc
user_token_populate(
    struct profile_run *r, const struct profile_part *p, struct err *e)
{
	const char *name = run_get(r, "screenname");
	char copy[REC_ID_MAX];

	(void)p;
	if (name == NULL || strlen(name) >= sizeof(copy))
		return err_set(e, RC_INVALID, "screenname: missing or long");
	snprintf(copy, sizeof(copy), "%s", name);
	run_put(r, "aoluid", copy);
	run_put(r, "uid", copy);
	return publickey_populate(r, e);
}

enum {
	CUID_DIGITS = 20
};

static enum rc
device_token_populate(
    struct profile_run *r, const struct profile_part *p, struct err *e)
{
	const char *cuid = run_get(r, "tokencuid");
	char pretty[CUID_DIGITS + CUID_DIGITS / 4 + 1];
	size_t n = 0;

	(void)p;
	if (cuid == NULL || strlen(cuid) != CUID_DIGITS ||
	    strspn(cuid, "0123456789abcdefABCDEF") != CUID_DIGITS)
		return err_set(e, RC_INVALID,
		    "tokencuid is not %d hexadecimal digits", CUID_DIGITS);
	for (size_t i = 0; i < CUID_DIGITS; i++) {
		if (i > 0 && i % 4 == 0)
			pretty[n++] = '-';
		pretty[n++] = cuid[i];
	}
	pretty[n] = '\0';
	run_put(r, "pretty_print_tokencuid", pretty);
	return publickey_populate(r, e);
}

#define REQUEST(kind)                                                          \
	{ "cert_request_type", kind "_type", NULL, "Certificate Request Type", \
		NULL },                                                        \
	{                                                                      \
		"cert_request", kind, NULL, "Certificate Request", NULL        \
	}

static const struct profile_value_desc cert_values[] = {
	REQUEST("cert_request"),
	LAST,
};
static const struct profile_value_desc keygen_values[] = {
	REQUEST("keygen_request"),
	LAST,
};
static const struct profile_value_desc enc_values[] = {
	REQUEST("enc_keygen_request"),
	LAST,
};
static const struct profile_value_desc sign_values[] = {
	REQUEST("sign_keygen_request"),
	LAST,
};
static const struct profile_value_desc dual_values[] = {
	REQUEST("dual_keygen_request"),
	LAST,
};
static const struct profile_value_desc cmc_values[] = {
	{ "cert_request", "cert_request", NULL, "Certificate Request", NULL },
	LAST,
};
static const struct profile_value_desc user_token_values[] = {
	STRING("screenname", "Screen Name"),
	STRING("publickey", "Token Key User Public Key"),
	LAST,
};
static const struct profile_value_desc device_token_values[] = {
	STRING("tokencuid", "Token Key CUID"),
	STRING("publickey", "Token Key User Public Key"),
	LAST,
};
static const struct profile_value_desc server_values[] = {
	{ "serverSideKeygenP12Passwd", "password", NULL, "PKCS #12 Password",
	    NULL },
	{ "keyType", "choice", "RSA,EC", "Key Type", "RSA" },
	{ "keySize", "choice", "1024,2048,3072,4096,nistp256,nistp384,nistp521",
	    "Key Size", "2048" },
	LAST,
};

const struct input_class inputs_request[] = {
	{ .id = "certReqInputImpl",
	    .values = cert_values,
	    .populate = request_populate },
	{ .id = "keyGenInputImpl",
	    .values = keygen_values,
	    .populate = request_populate },
	{ .id = "encKeyGenInputImpl",
	    .values = enc_values,
	    .populate = request_populate },
	{ .id = "signKeyGenInputImpl",
	    .values = sign_values,
	    .populate = request_populate },
	{ .id = "dualKeyGenInputImpl",
	    .values = dual_values,
	    .populate = request_populate },
	{ .id = "cmcCertReqInputImpl",
	    .missing = "needs CMC",
	    .values = cmc_values },
	{ .id = "nsNKeyCertReqInputImpl",
	    .values = user_token_values,
	    .populate = user_token_populate },
	{ .id = "nsHKeyCertReqInputImpl",
	    .values = device_token_values,
	    .populate = device_token_populate },
	{ .id = "serverKeygenInputImpl",
	    .missing = "needs server-side key generation",
	    .values = server_values },
	{ .id = NULL },
};
