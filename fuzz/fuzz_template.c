/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_template.c - any bytes as an enrolment template or a search of the command
 * line client, XML or JSON; a template that was read, written as XML, is read
 * again.
 * Owns:    one file in memory.
 * Trusts:  nothing.
 * Threads: none. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tools/pki_template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int fd = -1;
static char path[64];

static void
write_file(const uint8_t *data, size_t len)
{
	if (fd < 0) {
		fd = memfd_create("template", 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	if (ftruncate(fd, 0) != 0 || lseek(fd, 0, SEEK_SET) != 0 ||
	    write(fd, data, len) != (ssize_t)len)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	json_auto_t *o = NULL;
	json_auto_t *again = NULL;
	json_auto_t *search = NULL;
	AUTO_BUF xml = buf_empty(0);
	struct err e = { RC_OK, "" };

	write_file(data, len);
	if (template_load(&o, path, &e) == RC_OK &&
	    template_xml(&xml, o, &e) == RC_OK)
		/* text that XML cannot hold is written, but not read */
		rc_ignore(template_parse_xml(&again, buf_view(&xml), &e));
	if (search_load(&search, path, &e) != RC_OK && e.text[0] == '\0')
		abort();
	return 0;
}
