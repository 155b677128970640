/* SPDX-License-Identifier: Apache-2.0 */
/* metrics.c - lines of /metrics.
 * Owns:    nothing.
 * Trusts:  names and help, which are ours; values of labels are escaped.
 * Threads: any. */
#include "instance/metrics.h"

void
metric_head(struct buf *b, const char *name, const char *type, const char *help)
{
	buf_addf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void
metric_add(struct buf *b, const char *name, const char *type, const char *help,
    uint64_t v)
{
	metric_head(b, name, type, help);
	buf_addf(b, "%s %llu\n", name, (unsigned long long)v);
}

void
metric_label(struct buf *b, const char *name, const char *value)
{
	buf_addf(b, "%s=\"", name);
	for (; *value != '\0'; value++) {
		if (*value == '\n') {
			buf_add_str(b, "\\n");
			continue;
		}
		if (*value == '"' || *value == '\\')
			buf_add_char(b, '\\');
		buf_add_char(b, *value);
	}
	buf_add_char(b, '"');
}
