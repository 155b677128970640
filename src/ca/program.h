/* SPDX-License-Identifier: Apache-2.0 */
/* program.h - what the servlets share that only programs call, most of them
 * with an install token (spec deployment 3.4 to 3.8): their answers are XML or
 * JSON whatever was asked for, always with HTTP status 200, and tell success by
 * a Status of their own. */
#ifndef CA_PROGRAM_H
#define CA_PROGRAM_H

#include "ca/api.h"

enum {
	PROGRAM_OK = 0,
	PROGRAM_FAILED = 1,
	PROGRAM_AUTH = 2, /* not authenticated */
};

/* <XMLResponse> with these elements (made with xml_*) in it. */
void program_xml(struct http_call *c, const struct buf *elements);
/* {"Response":{...}}; o, whose members are all text, is taken over. */
void program_json(struct http_call *c, json_t *o);
/* Status and Error, and a Reason where one is given. */
void program_fail_xml(
    struct http_call *c, int status, const char *text, const char *reason);
void program_fail_json(struct http_call *c, int status, const char *text);

/* Who showed a token. */
struct program_caller {
	struct domain_session session;
	struct principal *who;
};
void program_caller_done(struct program_caller *p);
#define AUTO_CALLER \
	__attribute__((cleanup(program_caller_done))) struct program_caller

/* How a servlet words its refusals, and whether they are JSON. */
struct program_words {
	const char *auth, *denied, *trouble;
	bool json;
};
/* Takes the parameter sessionID as an install token and checks the ACL for whom
 * it stands for. fresh: a spent one will not do. Has replied when it returns
 * false. */
bool program_enter(struct http_call *c, struct program_caller *out,
    const char *resource, const char *op, bool fresh,
    const struct program_words *words);
/* The Reason of a refused token: "unknown" where it may be on its way here by
 * replication, else "refused". */
const char *program_reason(enum rc rc);

#endif
