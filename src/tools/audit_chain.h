/* SPDX-License-Identifier: Apache-2.0 */
/* audit_chain.h - the chain of signatures in a signed audit log (spec ca 4.7):
 * each covers every line and its newline since the signature before it, that
 * signature's own line first. Works line by line, across files. */
#ifndef TOOLS_AUDIT_CHAIN_H
#define TOOLS_AUDIT_CHAIN_H

#include "base/buf.h"
#include "der/oid.h"

enum {
	AUDIT_SPAN_MAX = 256 * 1024 * 1024 /* between two signatures */
};

struct audit_chain {
	struct view spki; /* of the signer; borrowed */
	enum sigalg alg;
	bool started;    /* a signature was met */
	struct buf span; /* what the next signature covers */
	size_t valid, invalid;
	size_t unsigned_lines; /* since the last signature */
};

enum audit_line {
	AUDIT_LINE_PLAIN,
	AUDIT_LINE_START, /* the first signature: a starting point only */
	AUDIT_LINE_VALID,
	AUDIT_LINE_INVALID,
};

/* RC_UNSUPPORTED: no key that signs audit logs. End with audit_chain_done. */
MUST enum rc audit_chain_init(
    struct audit_chain *c, struct view spki, struct err *e);
void audit_chain_done(struct audit_chain *c);
/* Takes one line without its newline. RC_TOOBIG, RC_NOMEM. */
MUST enum rc audit_chain_line(struct audit_chain *c, struct view line,
    enum audit_line *what, struct err *e);
/* At the end: tells on stderr of lines behind the last signature, which nothing
 * covers yet. RC_INVALID when a signature is invalid or there is none. */
MUST enum rc audit_chain_result(const struct audit_chain *c, struct err *e);

#endif
