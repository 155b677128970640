/* SPDX-License-Identifier: Apache-2.0 */
/* crmf.h - certificate request messages (RFC 4211) in the subset of the model:
 * template subject, key, validity, extensions; proof of possession by
 * signature; the archive option handed on as opaque bytes. */
#ifndef X509_CRMF_H
#define X509_CRMF_H

#include "base/arena.h"
#include "x509/ext.h"

enum {
	CRMF_DER_MAX = 256 * 1024,
	CRMF_MSGS_MAX = 8,
	CRMF_CONTROLS_MAX = 16,
};

enum crmf_pop {
	CRMF_POP_NONE,         /* absent */
	CRMF_POP_RA_VERIFIED,  /* [0] */
	CRMF_POP_SIGNATURE,    /* [1] */
	CRMF_POP_ENCIPHERMENT, /* [2] */
	CRMF_POP_AGREEMENT,    /* [3] */
};

struct crmf_msg {
	struct view cert_req; /* whole CertRequest: what the POP signs */
	int64_t id;           /* certReqId */
	struct view subject;  /* whole Name, empty when absent */
	struct view spki;     /* whole SubjectPublicKeyInfo (in the arena) */
	struct view exts;     /* contents of Extensions, or empty */
	bool has_not_before, has_not_after;
	int64_t not_before, not_after;
	struct view archive; /* the PKIArchiveOptions element, or empty */
	struct view pop_link_witness; /* octets, or empty */
	enum crmf_pop pop;
	bool pop_has_input; /* poposkInput is there: not supported, refuse */
	struct view pop_sigalg, pop_sig;
};

/* Up to CRMF_MSGS_MAX messages. Not checked: the signature (spki_verify(spki,
 * sigalg_of(pop_sigalg), cert_req, pop_sig)). */
MUST enum rc crmf_parse(struct crmf_msg *out, size_t max, size_t *n,
    struct view der, struct arena *a, struct err *e);

/* Appends a CertRequest for the tools: id 1, version 2, subject, key,
 * extensions, and archive (a PKIArchiveOptions element) unless empty. */
MUST enum rc crmf_request_put(struct buf *out, struct view subject,
    struct view spki, const struct ext_list *exts, struct view archive,
    struct err *e);
/* Appends CertReqMessages of one message; sig empty = no proof of
 * possession. */
void crmf_messages_put(
    struct buf *out, struct view cert_req, enum sigalg a, struct view sig);
/* Appends PKIArchiveOptions with an EncryptedValue: symmAlg (OID, IV), wrapped
 * session key, wrapped private key. */
void crmf_archive_put(struct buf *out, struct view symm_oid, struct view iv,
    struct view session_key, struct view wrapped);

#endif
