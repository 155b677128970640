/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_name.c - a Name in DER, or the text of one, or "type<newline>value" of a
 * general name: what is accepted has a text that means the same.
 * Owns:    nothing.
 * Trusts:  nothing.
 * Threads: none. */
#include <stdint.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "x509/gn.h"
#include "x509/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
from_der(struct view der)
{
	AUTO_BUF text = buf_empty(0);
	AUTO_BUF again = buf_empty(0);
	AUTO_BUF twice = buf_empty(0);
	struct err e;

	if (name_text(&text, der, &e) != RC_OK)
		return;
	if (name_check(der, &e) != RC_OK)
		abort();
	/* a foreign name may hold an empty value, or one too long for us */
	if (name_parse(&again, buf_view(&text), &e) != RC_OK)
		return;
	if (name_text(&twice, buf_view(&again), &e) != RC_OK ||
	    !view_eq(buf_view(&text), buf_view(&twice)))
		abort();
}

static void
from_text(struct view text)
{
	AUTO_BUF der = buf_empty(0);
	AUTO_BUF canon = buf_empty(0);
	AUTO_BUF again = buf_empty(0);
	AUTO_BUF twice = buf_empty(0);
	struct err e;

	if (name_parse(&der, text, &e) != RC_OK)
		return;
	if (name_text(&canon, buf_view(&der), &e) != RC_OK)
		abort();
	if (name_parse(&again, buf_view(&canon), &e) != RC_OK)
		return; /* an empty value given as #hex */
	if (name_text(&twice, buf_view(&again), &e) != RC_OK ||
	    !view_eq(buf_view(&canon), buf_view(&twice)))
		abort();
}

static void
from_pair(char *type, char *value)
{
	AUTO_BUF der = buf_empty(0);
	AUTO_BUF text = buf_empty(0);
	AUTO_BUF again = buf_empty(0);
	struct view r;
	struct err e;
	struct gn g;

	if (gn_parse(&der, type, value, &e) != RC_OK)
		return;
	r = buf_view(&der);
	if (gn_next(&r, &g, &e) != RC_OK || r.len != 0)
		abort();
	(void)gn_is_single(&g);
	gn_put(&again, &g);
	if (!view_eq(buf_view(&again), buf_view(&der)))
		abort();
	gn_put_text(&text, &g);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO_STR copy = view_dup_str(view_of(data, len));
	char *newline = copy != NULL ? strchr(copy, '\n') : NULL;

	if (len > 0 && data[0] == 0x30)
		from_der(view_of(data, len));
	else
		from_text(view_of(data, len));
	if (newline != NULL) {
		*newline = '\0';
		from_pair(copy, newline + 1);
	}
	return 0;
}
