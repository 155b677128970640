/* SPDX-License-Identifier: Apache-2.0 */
/* pki_certs.h - what several local commands do with certificates, keys and
 * extensions. */
#ifndef TOOLS_PKI_CERTS_H
#define TOOLS_PKI_CERTS_H

#include "base/arena.h"
#include "base/clock.h"
#include "tools/pki.h"
#include "x509/cert.h"
#include "x509/req.h"

/* Prints "  Serial Number:" ... "  Not Valid After:" of a certificate. */
MUST enum rc certs_print(struct view der, struct err *e);
/* As certs_print, the dates as date writes them. */
MUST enum rc certs_print_with(struct view der,
    const char *(*date)(char out[CLOCK_TEXT_MAX], int64_t t), struct err *e);
/* Subject of a DER certificate as text, appended. */
MUST enum rc certs_subject(struct buf *out, struct view der, struct err *e);
/* One certificate of a keystore_each_cert walk: nickname, lines, trust. */
MUST enum rc certs_print_entry(
    size_t index, const struct keystore_cert *c, struct err *e);
/* The certificate as an object of the members that nss-cert-show prints; the
 * caller owns *out. */
MUST enum rc certs_json(json_t **out, const char *nickname, struct view der,
    const char *trust, struct err *e);

/* RC_NOTFOUND gets the words that scripts look for: "Certificate not found:
 * NICKNAME"; anything else stays as it is. */
enum rc certs_not_found(enum rc rc, const char *nickname, struct err *e);
/* Trust as certutil prints it for a nickname ("CTu,Cu,Cu"), into out; whether
 * the private key is there. RC_NOTFOUND. */
MUST enum rc certs_trust(struct keystore *ks, const char *nickname,
    struct buf *trust, bool *has_key, struct err *e);

/* Fills what to generate from --key-type (or --algorithm), --key-size,
 * --curve, --sensitive, --extractable: type "RSA" or "EC" in any case. */
MUST enum rc certs_keygen(struct keygen *g, const char *type, const char *size,
    const char *curve, struct err *e);
/* Key type as the commands print it, and the id as 0x hex. */
const char *certs_key_type(const struct key *k);
/* Hex with or without 0x, appended as octets. */
MUST enum rc certs_key_id(struct buf *out, const char *text, struct err *e);
/* As certs_key_id with --key-id, or with what stands in --key-id-file; nothing
 * is appended when neither is given. */
MUST enum rc certs_key_id_option(
    struct buf *out, const struct args *a, struct err *e);
/* --hash SHA256 and the key make the signature algorithm. NULL = default. */
MUST enum rc certs_sigalg(
    enum sigalg *out, const struct key *k, const char *hash, struct err *e);

/* Whom extensions are for. */
struct certs_subject {
	struct view spki;
	struct view name; /* Name; may be empty */
	struct view exts; /* contents of what the request asks for, or empty */
	const struct cert *issuer; /* NULL = self-signed, or a request */
};
/* Adds the extensions of a file: lines "basicConstraints = critical, CA:TRUE"
 * as OpenSSL reads them; a policy "@name" is described by lines "name.id",
 * "name.CPS.1". In subjectAltName "DNS:request_subject_cn" stands for the
 * subject's common name and "DNS:request_san_ext" for the DNS names that the
 * request asks for; without any the extension is left out. */
MUST enum rc certs_ext_file(struct ext_list *l, const char *path,
    const struct certs_subject *of, struct err *e);
/* One extension by name and value, in the same form. */
MUST enum rc certs_ext_text(struct ext_list *l, const char *name,
    const char *value, struct view spki, const struct cert *issuer,
    struct err *e);

/* Appends a PKCS #10 request signed by k. exts may be NULL. */
MUST enum rc certs_make_req(struct buf *out, struct key *k, const char *subject,
    const struct ext_list *exts, const char *hash, struct err *e);
/* A request file, PEM ("CERTIFICATE REQUEST" or "NEW CERTIFICATE REQUEST") or
 * DER (format NULL: found out), with its signature checked; r points into
 * der. */
MUST enum rc certs_load_req(struct req *r, struct buf *der, const char *path,
    const char *format, struct err *e);

/* Nickname for a certificate that comes without one: its CN, else its subject;
 * appended. */
MUST enum rc certs_nickname(struct buf *out, struct view der, struct err *e);
/* Puts a certificate file into the database; nickname NULL = certs_nickname,
 * trust NULL = as keystore_import_cert. used gets the nickname. */
MUST enum rc certs_import_file(struct keystore *ks, const char *nickname,
    const char *path, const char *format, const char *trust, struct buf *used,
    struct err *e);
/* Puts all certificates of a PKCS #7 file in: the leaf under nickname, the
 * others under their names; CAs among the others, and a leaf without nickname
 * or that is a root, get trust CT,C,C. */
MUST enum rc certs_import_pkcs7(struct keystore *ks, const char *nickname,
    const char *path, const char *trust, struct err *e);
/* "[token:]nickname" and the issuers found beside it, leaf first, copied into
 * the arena. */
MUST enum rc certs_chain(struct keystore *ks, const char *nickname,
    struct view *out, size_t max, size_t *n, struct arena *a, struct err *e);
/* All certificates of the database, copied into the arena: those that are
 * trusted to issue servers' (or clients') certificates in roots, others in
 * others. */
struct certs_all {
	struct view *roots, *others;
	size_t n_roots, n_others;
	bool failed; /* no memory */
	struct arena *arena;
};
enum {
	CERTS_MAX = 1024
};
MUST enum rc certs_all(
    struct certs_all *out, struct keystore *ks, struct arena *a, struct err *e);
/* Chain, time and usage ("SSLServer", "SSLClient", "SSLCA", "EmailSigner",
 * "StatusResponder", "CheckAllUsages", ...; NULL = any) of a certificate. */
MUST enum rc certs_verify(struct keystore *ks, const char *nickname,
    const char *usage, struct err *e);

#endif
