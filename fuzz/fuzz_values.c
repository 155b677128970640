/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_values.c - any bytes as deployment parameters: what is accepted is read
 * whole, and no password gets into the text for the registry.
 * Owns:    nothing.
 * Trusts:  nothing.
 * Threads: none. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "deploy/values.h"
#include "mem_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
ignore(void *arg, const char *line)
{
	(void)arg;
	if (line[0] == '\0')
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO(values) v = NULL;
	AUTO_BUF out = buf_empty(0);
	AUTO_STR text = strndup((const char *)data, len);
	struct err e = { RC_OK, "" };
	const char *path = mem_file(data, len);

	if (text == NULL || values_new(&v, "CA", &e) != RC_OK)
		return 0;
	(void)values_is_sensitive(text);
	/* literally, whatever is in it; it may be too long */
	rc_ignore(values_set(v, "pki_fuzz", text, &e));
	values_forget(v);
	/* as -D, which comes first; what it refuses is left out */
	rc_ignore(values_define(v, text, ignore, NULL, &e));
	if (values_load(v, path, ignore, NULL, &e) != RC_OK ||
	    values_check(v, &e) != RC_OK) {
		if (e.text[0] == '\0')
			abort();
		return 0;
	}
	values_inert(v, ignore, NULL);
	/* any answer is fine, a crash is not */
	rc_ignore(values_supported(v, &e));
	if (strcmp(values_file(v), path) != 0)
		abort();
	values_user_text(v, &out);
	if (out.len > 0 &&
	    strstr(buf_cstr(&out), "\npki_admin_password=") != NULL)
		abort();
	return 0;
}
