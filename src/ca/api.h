/* SPDX-License-Identifier: Apache-2.0 */
/* api.h - what the api_*.c and servlet_*.c files share: who calls, may they,
 * JSON in and out, nonces. Handlers reach their CA through call->route_arg. */
#ifndef CA_API_H
#define CA_API_H

#include <jansson.h>

#include "ca/state.h"
#include "instance/instance_http.h"
#include "profile/engine.h"

/* A table of routes relative to a version's base ("certs/{id}"). */
struct api_routes {
	const struct http_route *items;
	size_t n;
};
extern const struct api_routes api_info_routes, api_account_routes,
    api_cert_routes, api_request_routes, api_review_routes, api_profile_routes,
    api_user_routes, api_group_routes, api_selftest_routes, api_audit_routes;
/* Routes with whole paths. */
extern const struct api_routes servlet_ocsp_routes, servlet_crl_routes,
    servlet_enroll_routes, servlet_agent_routes, servlet_cert_routes;

/* The CA that serves the call. */
struct ca *api_ca(struct http_call *c);

/* Who calls: the session's user, else Basic credentials, else the client
 * certificate; *out NULL for nobody. RC_AUTH for wrong credentials. The caller
 * frees. A failed log-in is audited here. */
MUST enum rc api_caller(
    struct http_call *c, struct principal **out, struct err *e);
/* api_caller and the ACL check; has replied when it returns false. With
 * need_login somebody must be logged in. */
bool api_enter(struct http_call *c, const char *resource, const char *op,
    struct principal **out);
/* The session of the caller, made when there is none. */
struct http_session *api_session(
    struct http_call *c, const struct principal *who);
void api_session_close(struct http_call *c);

/* Nonces (spec ca 1.2): kind "cert-revoke" or "cert-request". */
MUST enum rc api_nonce_new(struct http_call *c, const struct principal *who,
    const char *kind, const char *id, uint64_t *out, struct err *e);
/* RC_OK where nonces are off. Single use. given NULL = missing. */
MUST enum rc api_nonce_check(struct http_call *c, const char *kind,
    const char *id, const char *given, struct err *e);

/* The JSON object of the body. */
MUST enum rc api_body(struct http_call *c, json_t **out, struct err *e);
/* A member as text; numbers and booleans are written out. NULL when absent;
 * lives in the call's arena. */
const char *api_text(struct http_call *c, const json_t *o, const char *name);
/* Sends and drops o. */
void api_json(struct http_call *c, int status, json_t *o);
void api_fail(struct http_call *c, enum rc rc, const struct err *e);
void api_error(
    struct http_call *c, int status, const char *class_name, const char *text);
/* {"Attribute":[]} */
json_t *api_attributes(void);

/* Paging parameters start and size (default 20). */
enum {
	API_SIZE_DEFAULT = 20,
	API_SIZE_MAX = 100000
};
MUST enum rc api_page(struct http_call *c, const char *size_name, size_t *start,
    size_t *size, struct err *e);
/* The path's id, "0x1a" or "26". */
MUST enum rc api_id(struct http_call *c, struct num *out, struct err *e);

/* Objects (spec ca 1.6). */
json_t *api_descriptor(const struct profile_value_desc *d);
/* Input[] with empty values, or those of a request. */
json_t *api_profile_inputs(struct http_call *c, const struct profile *p,
    const struct profile_env *env, const struct request_rec *r);
json_t *api_profile_outputs(const struct profile *p);
json_t *api_request_info(struct http_call *c, const struct request_rec *r);
MUST enum rc api_cert_data(struct http_call *c, const struct cert_rec *r,
    bool pretty, json_t **out, struct err *e);

#endif
