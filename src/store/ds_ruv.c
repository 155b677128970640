/* SPDX-License-Identifier: Apache-2.0 */
/* ds_ruv.c - reading an update vector.
 * Owns:    nothing.
 * Trusts:  nothing: vectors come from the network.
 * Threads: any. */
#include "store/ds_ruv.h"

#include <ctype.h>

#include "base/text.h"

/* 20 hex digits into out; false: none. */
static bool
csn_copy(char out[REPL_CSN_LEN + 1], const char *s)
{
	for (size_t i = 0; i < REPL_CSN_LEN; i++) {
		if (!isxdigit((unsigned char)s[i]))
			return false;
		out[i] = (char)tolower((unsigned char)s[i]);
	}
	out[REPL_CSN_LEN] = '\0';
	return true;
}

/* "{replica 2 ldap://h:389} <min> <max>", without CSNs before a change. */
static void
parse_replica(struct repl_ruv *r, char *text)
{
	char *part[5] = { NULL };
	char *close = strchr(text, '}');
	struct repl_seen *s = &r->seen[r->n];
	size_t n;

	if (r->n == REPL_IDS || close == NULL)
		return;
	*close = '\0';
	n = text_split(text, " ", part, 5);
	if (n < 2 || n > 5 ||
	    text_int(&s->id, part[1], 1, UINT16_MAX, NULL) != RC_OK)
		return;
	s->url[0] = s->csn[0] = '\0';
	if (n > 2)
		snprintf(s->url, sizeof(s->url), "%s", part[2]);
	n = text_split(close + 1, " ", part, 5);
	if (n >= 2 && n <= 5 && !csn_copy(s->csn, part[1]))
		s->csn[0] = '\0';
	r->n++;
}

void
ds_ruv_take(struct repl_ruv *r, const struct ds_entry *x)
{
	static const char generation[] = "{replicageneration}";
	AUTO_BUF v = buf_empty(0);

	for (size_t i = 0; ds_value(x, "nsds50ruv", i, &v) != NULL; i++) {
		char *text = (char *)v.data;

		if (v.len == 0)
			continue;
		if (text_starts(text, generation)) {
			if (!csn_copy(r->generation,
				text_trim(text + sizeof(generation) - 1)))
				r->generation[0] = '\0';
		} else if (text_starts(text, "{replica ")) {
			parse_replica(r, text);
		}
	}
}

const char *
ds_ruv_csn(const struct repl_ruv *r, int64_t id)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->seen[i].id == id)
			return r->seen[i].csn;
	return "";
}
