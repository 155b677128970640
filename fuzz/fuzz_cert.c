/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_cert.c - any bytes as a certificate: its fields, each extension, its text;
 * the extensions written again are the same bytes.
 * Owns:    nothing.
 * Trusts:  nothing.
 * Threads: none. */
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "x509/cert.h"
#include "x509/name.h"
#include "x509/print.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What an accepted certificate holds can be read further without surprise. */
static void
read_on(const struct cert *c)
{
	AUTO_BUF text = buf_empty(0);
	AUTO_BUF again = buf_empty(0);
	uint8_t room[DIGEST_MAX];
	struct view r = c->exts, id;
	struct ext x;

	while (r.len > 0) {
		if (ext_next(&r, &x, NULL) != RC_OK)
			abort();
		ext_put(&again, &x);
		/* any answer is fine, a crash is not */
		rc_ignore(ext_value_check(&x, NULL));
		rc_ignore(ext_index_text(&text, &x, NULL));
	}
	if (!view_eq(buf_view(&again), c->exts))
		abort();
	if (name_check(c->issuer, NULL) != RC_OK ||
	    name_check(c->subject, NULL) != RC_OK ||
	    cert_user_id(&text, c, NULL) != RC_OK ||
	    cert_key_id(c, &id, room, NULL) != RC_OK)
		abort();
	(void)cert_is_ca(c);
	(void)cert_key_usage(c);
	(void)cert_has_eku(c, OID_ocspSigning);
	(void)cert_sigalg(c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO_BUF text = buf_empty(0);
	struct cert c;
	struct err e;

	if (cert_parse(&c, view_of(data, len), &e) == RC_OK) {
		read_on(&c);
		/* any answer is fine, a crash is not */
		rc_ignore(print_cert(&text, view_of(data, len), &e));
		print_hex(&text, c.issuer, 16);
	}
	return 0;
}
