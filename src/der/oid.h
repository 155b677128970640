/* SPDX-License-Identifier: Apache-2.0 */
/* oid.h - the OID table and the signature algorithm table. An OID is a view of
 * its contents octets. */
#ifndef DER_OID_H
#define DER_OID_H

#include "base/buf.h"
#include "base/err.h"
#include "base/view.h"

/* name, dotted text, short label for people ("" = none) */
#define OID_LIST(X)                                                           \
	X(rsaEncryption, "1.2.840.113549.1.1.1", "PKCS #1 RSA")               \
	X(rsassaPss, "1.2.840.113549.1.1.10", "RSA-PSS")                      \
	X(mgf1, "1.2.840.113549.1.1.8", "")                                   \
	X(sha1WithRSA, "1.2.840.113549.1.1.5", "SHA1withRSA")                 \
	X(sha256WithRSA, "1.2.840.113549.1.1.11", "SHA256withRSA")            \
	X(sha384WithRSA, "1.2.840.113549.1.1.12", "SHA384withRSA")            \
	X(sha512WithRSA, "1.2.840.113549.1.1.13", "SHA512withRSA")            \
	X(ecPublicKey, "1.2.840.10045.2.1", "EC")                             \
	X(prime256v1, "1.2.840.10045.3.1.7", "nistp256")                      \
	X(secp384r1, "1.3.132.0.34", "nistp384")                              \
	X(secp521r1, "1.3.132.0.35", "nistp521")                              \
	X(ecdsaSha256, "1.2.840.10045.4.3.2", "SHA256withEC")                 \
	X(ecdsaSha384, "1.2.840.10045.4.3.3", "SHA384withEC")                 \
	X(ecdsaSha512, "1.2.840.10045.4.3.4", "SHA512withEC")                 \
	X(sha1, "1.3.14.3.2.26", "SHA-1")                                     \
	X(sha256, "2.16.840.1.101.3.4.2.1", "SHA-256")                        \
	X(sha384, "2.16.840.1.101.3.4.2.2", "SHA-384")                        \
	X(sha512, "2.16.840.1.101.3.4.2.3", "SHA-512")                        \
	X(commonName, "2.5.4.3", "CN")                                        \
	X(surname, "2.5.4.4", "SN")                                           \
	X(serialNumber, "2.5.4.5", "SERIALNUMBER")                            \
	X(countryName, "2.5.4.6", "C")                                        \
	X(localityName, "2.5.4.7", "L")                                       \
	X(stateName, "2.5.4.8", "ST")                                         \
	X(streetAddress, "2.5.4.9", "STREET")                                 \
	X(organizationName, "2.5.4.10", "O")                                  \
	X(organizationalUnit, "2.5.4.11", "OU")                               \
	X(title, "2.5.4.12", "T")                                             \
	X(givenName, "2.5.4.42", "GIVENNAME")                                 \
	X(initials, "2.5.4.43", "INITIALS")                                   \
	X(generationQualifier, "2.5.4.44", "GENERATIONQUALIFIER")             \
	X(dnQualifier, "2.5.4.46", "DNQUALIFIER")                             \
	X(domainComponent, "0.9.2342.19200300.100.1.25", "DC")                \
	X(userId, "0.9.2342.19200300.100.1.1", "UID")                         \
	X(emailAddress, "1.2.840.113549.1.9.1", "E")                          \
	X(unstructuredName, "1.2.840.113549.1.9.2", "UNSTRUCTUREDNAME")       \
	X(unstructuredAddress, "1.2.840.113549.1.9.8", "UNSTRUCTUREDADDRESS") \
	X(extensionRequest, "1.2.840.113549.1.9.14", "")                      \
	X(subjectDirectoryAttributes, "2.5.29.9", "")                         \
	X(subjectKeyIdentifier, "2.5.29.14", "")                              \
	X(keyUsage, "2.5.29.15", "")                                          \
	X(privateKeyUsagePeriod, "2.5.29.16", "")                             \
	X(subjectAltName, "2.5.29.17", "")                                    \
	X(issuerAltName, "2.5.29.18", "")                                     \
	X(basicConstraints, "2.5.29.19", "")                                  \
	X(crlNumber, "2.5.29.20", "")                                         \
	X(reasonCode, "2.5.29.21", "")                                        \
	X(holdInstructionCode, "2.5.29.23", "")                               \
	X(invalidityDate, "2.5.29.24", "")                                    \
	X(deltaCRLIndicator, "2.5.29.27", "")                                 \
	X(issuingDistributionPoint, "2.5.29.28", "")                          \
	X(certificateIssuer, "2.5.29.29", "")                                 \
	X(nameConstraints, "2.5.29.30", "")                                   \
	X(cRLDistributionPoints, "2.5.29.31", "")                             \
	X(certificatePolicies, "2.5.29.32", "")                               \
	X(policyMappings, "2.5.29.33", "")                                    \
	X(authorityKeyIdentifier, "2.5.29.35", "")                            \
	X(policyConstraints, "2.5.29.36", "")                                 \
	X(extKeyUsage, "2.5.29.37", "")                                       \
	X(freshestCRL, "2.5.29.46", "")                                       \
	X(inhibitAnyPolicy, "2.5.29.54", "")                                  \
	X(authorityInfoAccess, "1.3.6.1.5.5.7.1.1", "")                       \
	X(subjectInfoAccess, "1.3.6.1.5.5.7.1.11", "")                        \
	X(policyCps, "1.3.6.1.5.5.7.2.1", "")                                 \
	X(policyUserNotice, "1.3.6.1.5.5.7.2.2", "")                          \
	X(serverAuth, "1.3.6.1.5.5.7.3.1", "")                                \
	X(clientAuth, "1.3.6.1.5.5.7.3.2", "")                                \
	X(codeSigning, "1.3.6.1.5.5.7.3.3", "")                               \
	X(emailProtection, "1.3.6.1.5.5.7.3.4", "")                           \
	X(ocspSigning, "1.3.6.1.5.5.7.3.9", "")                               \
	X(ocsp, "1.3.6.1.5.5.7.48.1", "")                                     \
	X(ocspBasic, "1.3.6.1.5.5.7.48.1.1", "")                              \
	X(ocspNonce, "1.3.6.1.5.5.7.48.1.2", "")                              \
	X(ocspNoCheck, "1.3.6.1.5.5.7.48.1.5", "")                            \
	X(caIssuers, "1.3.6.1.5.5.7.48.2", "")                                \
	X(nsCertType, "2.16.840.1.113730.1.1", "")                            \
	X(nsComment, "2.16.840.1.113730.1.13", "")                            \
	X(ctPoison, "1.3.6.1.4.1.11129.2.4.3", "")                            \
	X(signedData, "1.2.840.113549.1.7.2", "")                             \
	X(pkcs7Data, "1.2.840.113549.1.7.1", "")

enum oid {
#define X(name, dotted, label) OID_##name,
	OID_LIST(X)
#undef X
	OID_COUNT
};

/* Contents octets (encoded once at first use, thread-safe), dotted text, label.
 */
struct view oid_der(enum oid o);
const char *oid_dotted(enum oid o);
const char *oid_label(enum oid o);
/* Looks contents octets up; OID_COUNT when not in the table. */
enum oid oid_find(struct view der);
/* By dotted text or by label (case-insensitive); OID_COUNT when absent. */
enum oid oid_find_text(const char *s);
/* Dotted text <-> contents octets, for any OID. */
MUST enum rc oid_parse(struct buf *out, const char *dotted, struct err *e);
MUST enum rc oid_text(struct buf *out, struct view der, struct err *e);

enum keytype {
	KEYTYPE_RSA,
	KEYTYPE_EC,
};
struct evp_md_st; /* libcrypto's EVP_MD */
enum digest {
	DIGEST_SHA1,
	DIGEST_SHA256,
	DIGEST_SHA384,
	DIGEST_SHA512,
};
enum {
	DIGEST_MAX = 64
};
/* Fetched once; NULL when libcrypto has none. */
const struct evp_md_st *digest_md(enum digest d);

/* name users write, key type, digest, PSS? */
#define SIGALG_LIST(X)                                                       \
	X(SHA1_RSA, "SHA1withRSA", KEYTYPE_RSA, DIGEST_SHA1, false)          \
	X(SHA256_RSA, "SHA256withRSA", KEYTYPE_RSA, DIGEST_SHA256, false)    \
	X(SHA384_RSA, "SHA384withRSA", KEYTYPE_RSA, DIGEST_SHA384, false)    \
	X(SHA512_RSA, "SHA512withRSA", KEYTYPE_RSA, DIGEST_SHA512, false)    \
	X(SHA256_PSS, "SHA256withRSA/PSS", KEYTYPE_RSA, DIGEST_SHA256, true) \
	X(SHA384_PSS, "SHA384withRSA/PSS", KEYTYPE_RSA, DIGEST_SHA384, true) \
	X(SHA512_PSS, "SHA512withRSA/PSS", KEYTYPE_RSA, DIGEST_SHA512, true) \
	X(SHA256_EC, "SHA256withEC", KEYTYPE_EC, DIGEST_SHA256, false)       \
	X(SHA384_EC, "SHA384withEC", KEYTYPE_EC, DIGEST_SHA384, false)       \
	X(SHA512_EC, "SHA512withEC", KEYTYPE_EC, DIGEST_SHA512, false)

enum sigalg {
#define X(id, name, kt, dg, pss) SIGALG_##id,
	SIGALG_LIST(X)
#undef X
	SIGALG_COUNT
};

/* Name as in CS.cfg, kind of key, digest, and whether it is RSA-PSS. */
const char *sigalg_name(enum sigalg a);
enum keytype sigalg_keytype(enum sigalg a);
enum digest sigalg_digest(enum sigalg a);
bool sigalg_pss(enum sigalg a);
/* SIGALG_COUNT when unknown. */
enum sigalg sigalg_find(const char *name);
/* The AlgorithmIdentifier (RFC 4055, 5758), whole SEQUENCE. */
void sigalg_put(struct buf *out, enum sigalg a);
/* From a whole AlgorithmIdentifier; SIGALG_COUNT when not one of ours. */
enum sigalg sigalg_of(struct view algid);

/* Digest of v into out; returns its length in octets, 0 when libcrypto cannot
 * (not loaded, out of memory). */
size_t digest_of(uint8_t out[DIGEST_MAX], enum digest d, struct view v);
size_t digest_len(enum digest d);

#endif
