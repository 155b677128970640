/* SPDX-License-Identifier: Apache-2.0 */
/* records.c - certificate records of usual size.
 * Owns:    nothing.
 * Trusts:  its callers.
 * Threads: any. */
#include "records.h"

#include "base/clock.h"

enum {
	DAY = 86400
};

struct rec *
bench_cert(uint64_t i, const char *issuer, bool revoked, int64_t now)
{
	static const uint8_t der[1000] = { 0x30 }, spki[294] = { 0x30 };
	static const char *const exts[] = { "2.5.29.35", "2.5.29.15",
		"2.5.29.37", "1.3.6.1.5.5.7.1.1", "2.5.29.17", NULL };
	char subject[64], request[NUM_TEXT_MAX];
	struct num id = num_from_u64(bench_mix(i) >> 1);
	int64_t made = now - DAY - (int64_t)(i % 1000);
	struct cert_rec c = { .serial = bench_serial(i),
		.status = revoked ? CERT_REVOKED : CERT_VALID,
		.created = made,
		.modified = made,
		.not_before = made,
		.not_after = made + 180 * (int64_t)DAY,
		.subject = subject,
		.issuer = issuer,
		.issued_by = "caadmin",
		.profile_id = "caAgentServerCert",
		.request_id = num_hex(request, &id),
		.key_oid = "1.2.840.113549.1.1.1",
		.sig_oid = "1.2.840.10045.4.3.2",
		.extensions = exts,
		.spki = view_of(spki, sizeof(spki)),
		.der = view_of(der, sizeof(der)),
		.auto_renew = true,
		.revoked = revoked,
		.rev = {
		    made + 1, REASON_KEY_COMPROMISE, 0, "caadmin", made + 1 } };

	snprintf(subject, sizeof(subject), "CN=host%llu.example.com,O=EXAMPLE",
	    (unsigned long long)i);
	return cert_rec_encode(&c);
}
