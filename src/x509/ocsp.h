/* SPDX-License-Identifier: Apache-2.0 */
/* ocsp.h - OCSP messages (RFC 6960, 5019, 9654). Requests are read strictly
 * and answers written by hand (measurements F). */
#ifndef X509_OCSP_H
#define X509_OCSP_H

#include "base/text.h"
#include "x509/ext.h"

enum {
	OCSP_REQUEST_MAX = 5000, /* octets */
	OCSP_RESPONSE_MAX = 256 * 1024,
	OCSP_CERTS_MAX = 32,  /* ids in one request */
	OCSP_NONCE_MAX = 128, /* RFC 9654 2.1 */
	OCSP_HASH_MAX = 64,
};

struct ocsp_id {
	struct view whole;  /* CertID as received: echoed in the answer */
	struct view hash;   /* digest algorithm OID */
	enum digest digest; /* valid when known */
	bool known;         /* hash is one of enum digest */
	struct view name_hash, key_hash;
	struct num serial;
};

struct ocsp_request {
	struct ocsp_id ids[OCSP_CERTS_MAX];
	size_t count;          /* at least 1 */
	struct view nonce;     /* octets of the nonce, empty when absent */
	struct view nonce_ext; /* the whole Extension as received, or empty */
	bool is_signed; /* a requestor's signature is there (unchecked) */
	bool critical;  /* an unrecognised critical extension is there */
};

/* *out is scratch: undefined on failure.
 * RC_INVALID (answer malformedRequest) for all that is not DER of a request,
 * for a nonce of 0 or more than OCSP_NONCE_MAX octets; RC_TOOBIG for more than
 * OCSP_CERTS_MAX ids. */
MUST enum rc ocsp_request_parse(
    struct ocsp_request *out, struct view der, struct err *e);
/* Appends a request for one certificate; nonce may be empty. */
void ocsp_request_put(struct buf *out, struct view cert_id, struct view nonce);

/* What CertIDs for one issuer look like. key_bits as spki_split gives them. */
struct ocsp_issuer {
	uint8_t name_hash[OCSP_HASH_MAX], key_hash[OCSP_HASH_MAX];
	size_t len;
	enum digest digest;
};
/* Hashes an issuer's subject Name and SubjectPublicKeyInfo. */
MUST enum rc ocsp_issuer_init(struct ocsp_issuer *out, enum digest d,
    struct view name, struct view spki, struct err *e);
bool ocsp_issuer_is(const struct ocsp_issuer *i, const struct ocsp_id *id);
/* Appends a CertID (hash algorithm with NULL parameters, as is usual). */
void ocsp_id_put(
    struct buf *out, const struct ocsp_issuer *i, const struct num *serial);

enum ocsp_status {
	OCSP_GOOD,
	OCSP_REVOKED,
	OCSP_UNKNOWN,
};
/* responseStatus values */
enum ocsp_error {
	OCSP_SUCCESSFUL = 0,
	OCSP_MALFORMED = 1,
	OCSP_INTERNAL = 2,
	OCSP_TRY_LATER = 3,
	OCSP_SIG_REQUIRED = 5,
	OCSP_UNAUTHORIZED = 6,
};

struct ocsp_single {
	struct view id; /* whole CertID */
	enum ocsp_status status;
	int64_t revoked_at;
	int reason; /* CRLReason; -1 = absent */
	int64_t this_update;
	int64_t next_update; /* 0 = absent */
	/* filled by the reader only: */
	struct ocsp_id parsed;
};

struct ocsp_responder {
	struct view name;     /* byName: whole Name; empty: by key */
	struct view key_hash; /* byKey: SHA-1 of the key bits */
};

/* Appends ResponseData, to be signed. nonce_ext as in the request (empty:
 * no responseExtensions). */
void ocsp_data_put(struct buf *out, const struct ocsp_responder *by,
    int64_t produced_at, const struct ocsp_single *s, size_t n,
    struct view nonce_ext);
/* Appends a whole successful OCSPResponse around a signed ResponseData. certs
 * are whole certificates, signer first. */
void ocsp_response_put(struct buf *out, struct view data, enum sigalg a,
    struct view sig, const struct view *certs, size_t n);
/* Appends an answer without responseBytes. */
void ocsp_error_put(struct buf *out, enum ocsp_error status);

/* ---- the client's side ---- */
struct ocsp_response {
	enum ocsp_error status;
	/* the rest only when status is OCSP_SUCCESSFUL: */
	struct view data; /* whole ResponseData: what is signed */
	struct view sigalg, sig;
	struct ocsp_responder by;
	int64_t produced_at;
	struct ocsp_single singles[OCSP_CERTS_MAX];
	size_t count;
	struct view nonce; /* octets, empty when absent */
	struct view certs; /* contents: certificates one after the other */
};
MUST enum rc ocsp_response_parse(
    struct ocsp_response *out, struct view der, struct err *e);

#endif
