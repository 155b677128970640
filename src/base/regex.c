/* SPDX-License-Identifier: Apache-2.0 */
/* regex.c - match patterns with PCRE2, bounded in time and memory.
 * Owns:    nothing past a call.
 * Trusts:  neither pattern nor text.
 * Threads: pure. */
#include "base/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

static enum rc
compile(pcre2_code **out, const char *pattern, bool whole, struct err *e)
{
	uint32_t options = PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C;
	PCRE2_UCHAR why[128];
	PCRE2_SIZE at;
	int code;

	if (strlen(pattern) > REGEX_PATTERN_MAX)
		return err_set(e, RC_TOOBIG, "pattern: too long");
	if (whole)
		options |= PCRE2_ANCHORED | PCRE2_ENDANCHORED;
	*out = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
	    options, &code, &at, NULL);
	if (*out != NULL)
		return RC_OK;
	if (pcre2_get_error_message(code, why, sizeof(why)) < 0)
		why[0] = '\0';
	return err_set(
	    e, RC_INVALID, "pattern: %s at %zu", (const char *)why, at);
}

enum rc
regex_check(const char *pattern, struct err *e)
{
	pcre2_code *code;
	enum rc rc = compile(&code, pattern, true, e);

	if (rc == RC_OK)
		pcre2_code_free(code);
	return rc;
}

static enum rc
match_it(bool *match, const char *pattern, const char *text, bool whole,
    struct err *e)
{
	pcre2_match_context *ctx = pcre2_match_context_create(NULL);
	pcre2_match_data *data = pcre2_match_data_create(1, NULL);
	pcre2_code *code = NULL;
	enum rc rc;
	int n;

	if (ctx == NULL || data == NULL) {
		rc = err_set(e, RC_NOMEM, "pattern: out of memory");
		goto out;
	}
	rc = compile(&code, pattern, whole, e);
	if (rc != RC_OK)
		goto out;
	pcre2_set_match_limit(ctx, REGEX_MATCH_LIMIT);
	pcre2_set_depth_limit(ctx, REGEX_DEPTH_LIMIT);
	pcre2_set_heap_limit(ctx, REGEX_HEAP_KIB);
	n = pcre2_match(
	    code, (PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, 0, 0, data, ctx);
	if (n >= 0)
		*match = true;
	else if (n == PCRE2_ERROR_NOMATCH)
		*match = false;
	else
		rc = err_set(e, RC_INVALID, "pattern: match gave up (%d)", n);
out:
	pcre2_code_free(code);
	pcre2_match_data_free(data);
	pcre2_match_context_free(ctx);
	return rc;
}

enum rc
regex_match(bool *match, const char *pattern, const char *text, struct err *e)
{
	return match_it(match, pattern, text, true, e);
}

enum rc
regex_find(bool *match, const char *pattern, const char *text, struct err *e)
{
	return match_it(match, pattern, text, false, e);
}
