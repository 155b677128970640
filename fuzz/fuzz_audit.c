/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_audit.c - any bytes as a signed audit log: its chain of signatures. The
 * corpus holds a log that one key signed; no other signature may count.
 * Owns:    nothing.
 * Trusts:  nothing.
 * Threads: none. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "tools/audit_chain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Of the key that signed the log in the corpus, P-256; it is thrown away. */
static const char signer[] =
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEOPG6TAIJGgznJG6E5owq4aUH"
    "DjWP8Cj6LI9myhs65Y+6xpHLajcQ1m+vqAok17Bd8smV9UJZPrAoe/VPPCuz"
    "0A==";

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO_BUF spki = buf_empty(0);
	struct audit_chain c;
	struct view in = view_of(data, len);
	enum audit_line what;

	if (text_base64(&spki, view_str(signer), NULL) != RC_OK ||
	    audit_chain_init(&c, buf_view(&spki), NULL) != RC_OK)
		abort();
	while (in.len > 0) {
		const uint8_t *nl = memchr(in.data, '\n', in.len);
		struct view line = view_of(
		    in.data, nl != NULL ? (size_t)(nl - in.data) : in.len);

		in = view_of(line.data + line.len, in.len - line.len);
		if (nl != NULL)
			in = view_of(in.data + 1, in.len - 1);
		if (audit_chain_line(&c, line, &what, NULL) != RC_OK)
			break;
		if (what == AUDIT_LINE_VALID && c.valid == 0)
			abort();
	}
	/* accepted only if every signature was, and there was one */
	if (audit_chain_result(&c, NULL) == RC_OK &&
	    (c.invalid > 0 || !c.started))
		abort();
	audit_chain_done(&c);
	return 0;
}
