/* SPDX-License-Identifier: Apache-2.0 */
/* test_help.h - what the tests of store/ share. */
#ifndef STORE_TEST_HELP_H
#define STORE_TEST_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/file.h"
#include "store/rec_cert.h"

#define OK(call)                                                            \
	do {                                                                \
		struct err oe_ = { 0 };                                     \
		struct err *e = &oe_;                                       \
		enum rc orc_ = (call);                                      \
		if (orc_ != RC_OK)                                          \
			fail_msg(                                           \
			    "%s: %s (%s)", #call, rc_text(orc_), oe_.text); \
	} while (0)
#define RC(want, call)                                                         \
	do {                                                                   \
		struct err re_ = { 0 };                                        \
		struct err *e = &re_;                                          \
		enum rc rrc_ = (call);                                         \
		if (rrc_ != (want))                                            \
			fail_msg("%s: %s (%s), want %s", #call, rc_text(rrc_), \
			    re_.text, rc_text(want));                          \
	} while (0)

/* A certificate record as issuance writes it: serial n, issued by
 * CN=Test CA. */
static inline struct rec *
help_cert(uint64_t n, enum cert_status status)
{
	static const uint8_t der[1100] = { 0x30, 0x82, 0x04, 0x48, 0x00 };
	static const uint8_t spki[294] = { 0x30, 0x82, 0x01, 0x22, 0x00 };
	static const char *const exts[] = { "2.5.29.35", "2.5.29.14",
		"2.5.29.15", "2.5.29.37", "1.3.6.1.5.5.7.1.1", NULL };
	char subject[96];
	struct cert_rec c = {
		.serial = num_from_u64(n),
		.status = status,
		.created = 1795000000 + (int64_t)(n / 16),
		.modified = 1795000000 + (int64_t)(n / 16),
		.not_before = 1795000000 + (int64_t)(n / 16),
		.not_after = 1810000000 + (int64_t)(n / 16),
		.subject = subject,
		.issuer = "CN=Test CA,O=EXAMPLE",
		.issued_by = "admin",
		.profile_id = "caServerCert",
		.request_id = "1a",
		.key_oid = "1.2.840.113549.1.1.1",
		.sig_oid = "1.2.840.113549.1.1.11",
		.extensions = exts,
		.spki = view_of(spki, sizeof(spki)),
		.der = view_of(der, sizeof(der)),
		.auto_renew = true,
	};

	snprintf(subject, sizeof(subject), "CN=host%llu.example.com,O=EXAMPLE",
	    (unsigned long long)n);
	if (status == CERT_REVOKED || status == CERT_REVOKED_EXPIRED) {
		c.revoked = true;
		c.rev = (struct revocation){ .date = 1796000000,
			.reason = REASON_KEY_COMPROMISE,
			.by = "admin",
			.recorded = 1796000100 };
	}
	return cert_rec_encode(&c);
}

/* of a test's LMDB store: valgrind cannot map the 64 GiB of the default */
#define HELP_MAP ((size_t)1 << 30)

static inline char *
help_folder(void)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = NULL;

	if (asprintf(&dir, "%s/signet-store-XXXXXX", tmp ? tmp : "/tmp") < 0 ||
	    mkdtemp(dir) == NULL)
		fail_msg("no temporary folder");
	return dir;
}

static inline void
help_remove(char *dir)
{
	OK(file_remove_tree(dir, e));
	free(dir);
}

#endif
