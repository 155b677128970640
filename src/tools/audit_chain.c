/* SPDX-License-Identifier: Apache-2.0 */
/* audit_chain.c - the chain of signatures in a signed audit log.
 * Owns:    the bytes since the last signature.
 * Trusts:  nothing but the signer's key.
 * Threads: a struct audit_chain has one owner. */
#include "tools/audit_chain.h"

#include "base/text.h"
#include "keys/key.h"

static const char event[] = "[AuditEvent=AUDIT_LOG_SIGNING]";
static const char mark[] = " sig: ";

enum rc
audit_chain_init(struct audit_chain *c, struct view spki, struct err *e)
{
	enum keytype type;
	enum oid curve;
	int bits;
	enum rc rc = spki_info(spki, &type, &bits, &curve, e);

	if (rc != RC_OK)
		return rc;
	*c = (struct audit_chain){
		.spki = spki,
		.alg =
		    type == KEYTYPE_RSA ? SIGALG_SHA256_RSA : SIGALG_SHA256_EC,
		.span = buf_empty(AUDIT_SPAN_MAX),
	};
	return RC_OK;
}

void
audit_chain_done(struct audit_chain *c)
{
	buf_done(&c->span);
}

/* The base64 text of a signature line; false for other lines. */
static bool
signature_of(struct view line, struct view *sig)
{
	const uint8_t *p;

	if (memmem(line.data, line.len, event, strlen(event)) == NULL)
		return false;
	p = memmem(line.data, line.len, mark, strlen(mark));
	if (p == NULL)
		return false;
	p += strlen(mark);
	*sig = view_of(p, line.len - (size_t)(p - line.data));
	return true;
}

static bool
verifies(const struct audit_chain *c, struct view text)
{
	AUTO_BUF sig = buf_empty(0);

	return text_base64(&sig, text, NULL) == RC_OK &&
	    spki_verify(c->spki, c->alg, buf_view(&c->span), buf_view(&sig),
		NULL) == RC_OK;
}

enum rc
audit_chain_line(struct audit_chain *c, struct view line, enum audit_line *what,
    struct err *e)
{
	struct view sig;

	*what = AUDIT_LINE_PLAIN;
	if (line.len > 0 && signature_of(line, &sig)) {
		if (!c->started) {
			*what = AUDIT_LINE_START;
		} else if (verifies(c, sig)) {
			*what = AUDIT_LINE_VALID;
			c->valid++;
		} else {
			*what = AUDIT_LINE_INVALID;
			c->invalid++;
		}
		c->started = true;
		c->unsigned_lines = 0;
		buf_reset(&c->span);
	} else {
		c->unsigned_lines++;
	}
	if (!c->started)
		return RC_OK;
	buf_add_view(&c->span, line);
	buf_add_char(&c->span, '\n');
	return buf_check(&c->span, e);
}

enum rc
audit_chain_result(const struct audit_chain *c, struct err *e)
{
	if (!c->started)
		return err_set(
		    e, RC_INVALID, "no signature: nothing was verified");
	if (c->unsigned_lines > 0)
		fprintf(stderr,
		    "the last %zu lines have no signature yet: they are not "
		    "verified\n",
		    c->unsigned_lines);
	return c->invalid == 0
	    ? RC_OK
	    : err_set(e, RC_INVALID, "%zu signatures are invalid", c->invalid);
}
