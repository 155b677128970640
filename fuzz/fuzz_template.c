/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_template.c - any bytes as an enrolment template, a profile or a search of
 * the command line client, XML or JSON; a template that was read, written as
 * XML, is read again.
 * Owns:    nothing.
 * Trusts:  nothing.
 * Threads: none. */
#include <stdint.h>
#include <stdlib.h>

#include "mem_file.h"
#include "tools/pki_profile_xml.h"
#include "tools/pki_template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	json_auto_t *o = NULL;
	json_auto_t *again = NULL;
	json_auto_t *search = NULL;
	json_auto_t *profile = NULL;
	AUTO_BUF xml = buf_empty(0), other = buf_empty(0);
	struct err e = { RC_OK, "" };
	const char *path = mem_file(data, len);

	if (template_load(&o, path, &e) == RC_OK &&
	    template_xml(&xml, o, &e) == RC_OK)
		/* text that XML cannot hold is written, but not read */
		rc_ignore(template_parse_xml(&again, buf_view(&xml), &e));
	if (profile_load(&profile, path, &e) == RC_OK)
		rc_ignore(profile_xml(&other, profile, &e));
	if (search_load(&search, path, &e) != RC_OK && e.text[0] == '\0')
		abort();
	return 0;
}
