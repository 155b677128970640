/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_filter.c - any text as a search filter: of the store, whose own text of
 * it means the same, and of the model's pages over certificates and requests.
 * Owns:    two records.
 * Trusts:  nothing.
 * Threads: none. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ca/servlet.h"
#include "store/filter.h"
#include "store/ldap_int.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct rec *records[2];

static void
setup(void)
{
	records[0] = rec_new(REC_CERT, "1a");
	records[1] = rec_new(REC_REQUEST, "1b");
	if (records[0] == NULL || records[1] == NULL)
		abort();
	rec_add_str(records[0], "serialno", "0226");
	rec_add_str(records[0], "certStatus", "VALID");
	rec_add_str(records[0], "subjectName", "CN=A  b c,O=Example");
	rec_add_str(records[0], "notAfter", "20300101000000Z");
	rec_add_str(records[0], "metaInfo", "profileId:caServerCert");
	rec_add_str(records[1], "requestState", "pending");
	rec_add_str(records[1], "requestType", "enrollment");
}

static void
in_store(const char *text)
{
	AUTO(filter) f = NULL;
	AUTO(filter) again = NULL;
	AUTO_BUF own = buf_empty(0), twice = buf_empty(0), dir = buf_empty(0);
	struct err e = { RC_OK, "" };

	if (filter_parse(&f, text, &e) != RC_OK) {
		if (e.text[0] == '\0')
			abort();
		return;
	}
	filter_text(f, &own);
	if (own.len > FILTER_TEXT_MAX) /* escaped it is longer */
		return;
	if (filter_parse(&again, buf_cstr(&own), &e) != RC_OK)
		abort();
	filter_text(again, &twice);
	if (!view_eq(buf_view(&own), buf_view(&twice)))
		abort();
	for (int i = 0; i < 2; i++) {
		if (filter_match(f, records[i]) !=
		    filter_match(again, records[i]))
			abort();
		(void)dir_filter(&dir, records[i]->kind, f);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO_STR s = strndup((const char *)data, len);
	AUTO_BUF cert = buf_empty(FILTER_TEXT_MAX),
		 request = buf_empty(FILTER_TEXT_MAX);

	if (records[0] == NULL)
		setup();
	if (s == NULL)
		return 0;
	in_store(s);
	/* what a page's filter becomes, the store can read */
	if (servlet_filter(&cert, s, NULL) == RC_OK && cert.failed == RC_OK)
		in_store(buf_cstr(&cert));
	if (servlet_request_filter(&request, s, NULL) == RC_OK &&
	    request.failed == RC_OK)
		in_store(buf_cstr(&request));
	return 0;
}
