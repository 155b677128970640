/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_domain.c - any bytes as what a domain manager or master answers, and as
 * a host id: what is accepted can be written and read again.
 * Owns:    nothing.
 * Trusts:  nothing.
 * Threads: none. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "domain/answer.h"
#include "domain/domain_client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_host(const struct domain_host *h)
{
	AUTO_BUF id = buf_empty(0);
	struct domain_host again;

	again = *h;
	again.secure = 65536;
	if (domain_host_check(&again, NULL) == RC_OK)
		abort();
	again = *h;
	again.plain = -1;
	if (domain_host_check(&again, NULL) == RC_OK)
		abort();
	domain_host_id(&id, h);
	if (domain_host_parse(&again, buf_cstr(&id), NULL) != RC_OK ||
	    strcmp(again.type, h->type) != 0 ||
	    strcmp(again.name, h->name) != 0 || again.secure != h->secure)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO(domain_info) info = NULL;
	AUTO_STR text = strndup((const char *)data, len);
	json_auto_t *o = NULL;
	struct domain_host h;
	struct err e = { RC_OK, "" };

	if (domain_info_parse(&info, view_of(data, len), &e) == RC_OK) {
		for (size_t i = 0; i < info->n; i++)
			check_host(&info->hosts[i]);
	} else if (e.text[0] == '\0') {
		abort();
	}
	if (answer_parse(&o, view_of(data, len), NULL) == RC_OK)
		/* any answer is fine, a crash is not */
		rc_ignore(answer_status(o, &e));
	if (text != NULL && domain_host_parse(&h, text, NULL) == RC_OK)
		check_host(&h);
	return 0;
}
