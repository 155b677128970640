/* SPDX-License-Identifier: Apache-2.0 */
/* conformance_samples.c - a record of every kind, as subsystems write them.
 * Owns:    nothing.
 * Trusts:  nothing.
 * Threads: any. */
#include "store/conformance.h"

#include "store/rec_request.h"

struct rec *
sample_user(const char *id)
{
	struct rec *r = rec_new(REC_USER, id);

	rec_add_str(r, "cn", "Some One");
	rec_add_str(r, "sn", "Some One");
	rec_add_str(r, "usertype", "adminType");
	rec_add_str(r, "userstate", "1");
	return r;
}

struct rec *
sample_point(const char *id)
{
	struct rec *r = rec_new(REC_ISSUING_POINT, id);

	rec_add_str(r, "crlNumber", "010");
	rec_add_str(r, "crlSize", "02-1");
	return r;
}

struct rec *
sample_request(uint64_t n, const char *type, enum request_state state)
{
	struct num id = num_from_u64(n);
	AUTO(request_rec) q = request_rec_new(&id, type);

	q->state = state;
	q->created = q->modified = 1795000000;
	request_set(q, "profileid", "caServerCert");
	request_set_sub(q, "auth_token", "uid", "admin");
	return request_rec_encode(q);
}

struct rec *
sample_text(enum rec_kind kind, const char *id, ...)
{
	struct rec *r = rec_new(kind, id);
	const char *name;
	va_list ap;

	va_start(ap, id);
	while ((name = va_arg(ap, const char *)) != NULL)
		rec_add_str(r, name, va_arg(ap, const char *));
	va_end(ap);
	return r;
}

/* Kinds that clones and their security domain need. */
static struct rec *
domain_sample(enum rec_kind kind)
{
	switch ((int)kind) {
	case REC_TOKEN:
		return sample_text(kind, "40906145C76224192D2B", "tokenStatus",
		    "ACTIVE", "tokenUserID", "jdoe", "numberOfResets", "0",
		    NULL);
	case REC_DOMAIN_HOST:
		return sample_text(kind, "CA/ca1.example.com:8443", "host",
		    "ca1.example.com", "SecurePort", "8443", "Clone", "FALSE",
		    "DomainManager", "TRUE", "SubsystemName", "CA ca1", NULL);
	case REC_DOMAIN_SESSION:
		return sample_text(kind, "-5521437981230012", "host",
		    "192.0.2.1", "uid", "caadmin", "cmsUserGroup",
		    "Enterprise CA Administrators", "dateOfCreate",
		    "1795000000000", NULL);
	case REC_COUNTER:
		return sample_text(kind, "serial_v2", "nextRange", "19", NULL);
	case REC_RANGE:
		return sample_text(kind, "serial/19", "beginRange", "19",
		    "endRange", "30", "host", "ca1.example.com", "SecurePort",
		    "8443", NULL);
	case REC_CLAIM:
		return sample_text(kind, "crl.MasterCRL.3fa2.1", "signetRole",
		    "crl.MasterCRL", "signetClaimNumber", "0217",
		    "signetHostId", "16290", "host", "ca1.example.com",
		    "dateOfCreate", "20261121200700Z", NULL);
	case REC_HOST:
		return sample_text(kind, "3fa2", "signetHostId", "16290",
		    "host", "ca1.example.com", "dateOfCreate",
		    "20261121200700Z", NULL);
	case REC_SETTING:
		return sample_text(kind, "ca.connector.KRA", "signetValue",
		    "enable=true\nhost=kra1.example.com\n", "dateOfModify",
		    "20261121200700Z", NULL);
	default:
		return NULL;
	}
}

struct rec *
sample_rec(enum rec_kind kind)
{
	struct rec *r = NULL;

	switch ((int)kind) {
	case REC_CERT:
		return help_cert(0xabc, CERT_REVOKED);
	case REC_REQUEST:
		return sample_request(0x1f, "enrollment", REQUEST_PENDING);
	case REC_ISSUING_POINT:
		r = sample_point("MasterCRL");
		rec_add(r, "certificateRevocationList",
		    view_of("\x30\x03\x02\x01\x00\xff", 6));
		return r;
	case REC_USER:
		r = sample_user("admin");
		rec_add_str(r, "description", "2;26;CN=CA;CN=admin");
		rec_add(r, "userCertificate", view_of("\x30\x00", 2));
		return r;
	case REC_GROUP:
		r = rec_new(REC_GROUP, "Administrators");
		rec_add_str(r, "description", "People who manage");
		rec_add_str(r, "uniqueMember", "uid=admin,ou=People,dc=x");
		return r;
	case REC_PROFILE:
		r = rec_new(REC_PROFILE, "caServerCert");
		rec_add_str(r, "classId", "caEnrollImpl");
		rec_add_str(r, "certProfileConfig", "a=b\nc=d\n");
		return r;
	case REC_AUTHORITY:
		r = rec_new(
		    REC_AUTHORITY, "d2d8f2d2-0a33-4b7d-9d33-9c5c9c2f5a11");
		rec_add_str(
		    r, "authorityID", "d2d8f2d2-0a33-4b7d-9d33-9c5c9c2f5a11");
		rec_add_str(r, "authorityKeyNickname", "caSigningCert");
		rec_add_str(r, "authorityEnabled", "TRUE");
		rec_add_str(r, "authorityDN", "CN=Sub CA,O=EXAMPLE");
		return r;
	case REC_ACL:
		r = rec_new(REC_ACL, "aclResources");
		rec_add_str(r, "resourceACLS",
		    "certServer.ca.certs:execute:allow (execute) "
		    "group=\"Certificate Manager Agents\":Agents may");
		return r;
	default:
		return domain_sample(kind);
	}
}
