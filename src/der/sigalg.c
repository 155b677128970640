/* SPDX-License-Identifier: Apache-2.0 */
/* sigalg.c - signature algorithms as AlgorithmIdentifiers; digests.
 * Owns:    the static encodings and the fetched digests, made once.
 * Trusts:  nothing in an AlgorithmIdentifier to be looked up.
 * Threads: any. */
#include <pthread.h>

#include <openssl/evp.h>

#include "der/oid.h"
#include "der/reader.h"
#include "der/writer.h"

enum {
	ALGID_MAX = 80,
	/* Of RSA (RFC 4055 5) and of the hashes inside PSS (2.1), absent
	 * parameters count as NULL when read. */
	FORM_NULL = 0,
	FORM_ABSENT = 1,
	FORMS = 2,
};

static const struct {
	const char *name;
	enum keytype keytype;
	enum digest digest;
	bool pss;
} table[SIGALG_COUNT] = {
#define X(id, name, kt, dg, pss) { name, kt, dg, pss },
	SIGALG_LIST(X)
#undef X
};

static const struct {
	const char *name;
	size_t len;
	enum oid hash, rsa, ec;
} digests[] = {
	{ "SHA1", 20, OID_sha1, OID_sha1WithRSA, OID_COUNT },
	{ "SHA256", 32, OID_sha256, OID_sha256WithRSA, OID_ecdsaSha256 },
	{ "SHA384", 48, OID_sha384, OID_sha384WithRSA, OID_ecdsaSha384 },
	{ "SHA512", 64, OID_sha512, OID_sha512WithRSA, OID_ecdsaSha512 },
};

enum {
	DIGEST_COUNT = sizeof(digests) / sizeof(digests[0])
};

static uint8_t algid_bytes[SIGALG_COUNT][FORMS][ALGID_MAX];
static struct view algids[SIGALG_COUNT][FORMS];
static EVP_MD *fetched[DIGEST_COUNT];
static pthread_once_t algid_once = PTHREAD_ONCE_INIT;
static pthread_once_t digest_once = PTHREAD_ONCE_INIT;

static void
put_algid(struct buf *b, enum oid o, int form)
{
	size_t seq = der_open(b, DER_SEQUENCE);

	der_put_oid(b, oid_der(o));
	if (form == FORM_NULL)
		der_put_null(b);
	der_close(b, seq);
}

/* RSASSA-PSS-params (RFC 4055 3.1), salt as long as the digest. */
static void
put_pss(struct buf *b, enum digest d, int form)
{
	size_t seq = der_open(b, DER_SEQUENCE), params, field, mgf;

	der_put_oid(b, oid_der(OID_rsassaPss));
	params = der_open(b, DER_SEQUENCE);
	field = der_open(b, DER_CONTEXT_CONS(0));
	put_algid(b, digests[d].hash, form);
	der_close(b, field);
	field = der_open(b, DER_CONTEXT_CONS(1));
	mgf = der_open(b, DER_SEQUENCE);
	der_put_oid(b, oid_der(OID_mgf1));
	put_algid(b, digests[d].hash, form);
	der_close(b, mgf);
	der_close(b, field);
	field = der_open(b, DER_CONTEXT_CONS(2));
	der_put_int(b, (int64_t)digests[d].len);
	der_close(b, field);
	der_close(b, params);
	der_close(b, seq);
}

static void
fill(void)
{
	size_t a;
	int form;

	for (a = 0; a < SIGALG_COUNT; a++) {
		for (form = 0; form < FORMS; form++) {
			AUTO_BUF b = buf_empty(ALGID_MAX);
			enum digest d = table[a].digest;

			if (table[a].pss)
				put_pss(&b, d, form);
			else if (table[a].keytype == KEYTYPE_RSA)
				put_algid(&b, digests[d].rsa, form);
			else
				put_algid(&b, digests[d].ec, FORM_ABSENT);
			memcpy(algid_bytes[a][form], b.data, b.len);
			algids[a][form] = view_of(algid_bytes[a][form], b.len);
		}
	}
}

const char *
sigalg_name(enum sigalg a)
{
	return (unsigned)a < SIGALG_COUNT ? table[a].name : "";
}

enum keytype
sigalg_keytype(enum sigalg a)
{
	return table[a].keytype;
}

enum digest
sigalg_digest(enum sigalg a)
{
	return table[a].digest;
}

bool
sigalg_pss(enum sigalg a)
{
	return table[a].pss;
}

enum sigalg
sigalg_find(const char *name)
{
	size_t i;

	for (i = 0; name != NULL && i < SIGALG_COUNT; i++)
		if (text_ieq(table[i].name, name))
			return (enum sigalg)i;
	return SIGALG_COUNT;
}

void
sigalg_put(struct buf *out, enum sigalg a)
{
	pthread_once(&algid_once, fill);
	buf_add_view(out, algids[a][FORM_NULL]);
}

enum sigalg
sigalg_of(struct view algid)
{
	size_t a;

	pthread_once(&algid_once, fill);
	for (a = 0; a < SIGALG_COUNT; a++)
		if (view_eq(algid, algids[a][FORM_NULL]) ||
		    view_eq(algid, algids[a][FORM_ABSENT]))
			return (enum sigalg)a;
	return SIGALG_COUNT;
}

static void
fetch(void)
{
	size_t i;

	for (i = 0; i < DIGEST_COUNT; i++)
		fetched[i] = EVP_MD_fetch(NULL, digests[i].name, NULL);
}

const EVP_MD *
digest_md(enum digest d)
{
	pthread_once(&digest_once, fetch);
	return fetched[d];
}

size_t
digest_of(uint8_t out[DIGEST_MAX], enum digest d, struct view v)
{
	const EVP_MD *md = digest_md(d);
	unsigned n = 0;

	if (md == NULL ||
	    EVP_Digest(v.len > 0 ? v.data : (const uint8_t *)"", v.len, out, &n,
		md, NULL) != 1)
		return 0;
	return n;
}

size_t
digest_len(enum digest d)
{
	return digests[d].len;
}
