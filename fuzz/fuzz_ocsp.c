/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_ocsp.c - any bytes as an OCSP request and as an answer; a certificate id
 * that was accepted, asked for again, reads the same.
 * Owns:    nothing.
 * Trusts:  nothing.
 * Threads: none. */
#include <stdint.h>
#include <stdlib.h>

#include "x509/ocsp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
ask_again(const struct ocsp_request *q)
{
	static struct ocsp_request again;
	AUTO_BUF der = buf_empty(0);

	ocsp_request_put(&der, q->ids[0].whole, q->nonce);
	if (ocsp_request_parse(&again, buf_view(&der), NULL) != RC_OK ||
	    again.count != 1 || !view_eq(again.nonce, q->nonce) ||
	    num_cmp(&again.ids[0].serial, &q->ids[0].serial) != 0)
		abort();
}

static void
answer_again(const struct ocsp_response *o)
{
	AUTO_BUF data = buf_empty(0);
	AUTO_BUF der = buf_empty(0);
	static struct ocsp_response again;

	if (o->status != OCSP_SUCCESSFUL)
		return;
	ocsp_data_put(&data, &o->by, o->produced_at, o->singles, o->count,
	    view_of(NULL, 0));
	ocsp_response_put(
	    &der, buf_view(&data), SIGALG_SHA256_RSA, o->sig, NULL, 0);
	if (ocsp_response_parse(&again, buf_view(&der), NULL) != RC_OK ||
	    again.count != o->count)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct ocsp_request q;
	static struct ocsp_response o;
	struct err e;

	if (ocsp_request_parse(&q, view_of(data, len), &e) == RC_OK)
		ask_again(&q);
	if (ocsp_response_parse(&o, view_of(data, len), &e) == RC_OK)
		answer_again(&o);
	return 0;
}
