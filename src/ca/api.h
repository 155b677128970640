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
    api_user_routes, api_group_routes, api_selftest_routes, api_audit_routes,
    api_role_routes, api_domain_routes, api_job_routes, api_connector_routes,
    api_clone_routes;
/* Routes with whole paths. */
extern const struct api_routes servlet_ocsp_routes, servlet_crl_routes,
    servlet_enroll_routes, servlet_agent_routes, servlet_cert_routes,
    servlet_profile_routes, servlet_revoke_routes, servlet_info_routes,
    servlet_domain_routes, servlet_config_routes, servlet_connector_routes;

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
/* RC_OK where nonces are off. Single use. given NULL = missing. A caller without
 * a session must show the certificate to which the nonce was handed. */
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
/* As api_fail for an enrolment: where numbers are used up, class and text are
 * those that scripts know (spec deployment 4.4). */
void api_fail_enrol(struct http_call *c, enum rc rc, const struct err *e);
void api_error(
    struct http_call *c, int status, const char *class_name, const char *text);
/* 404 with the class name and the attribute that clients rebuild the exception
 * from (spec ca 1.4). */
enum api_thing {
	API_CERT,
	API_REQUEST,
	API_PROFILE,
	API_USER,
	API_GROUP
};
void api_not_found(
    struct http_call *c, enum api_thing what, const char *id, const char *text);
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

/* --- roles (api_roles.c) ---------------------------------------------------- */

/* {"entries":[{"role","state","wish","note","holder","hostId","claim","kind",
 * "number","since","why","releasedTo"}],"self","selfId"}; state: held, off (ours,
 * switched off), released, clone, nobody; releasedTo: who was given it and has
 * not taken it yet. */
json_t *api_roles_json(struct ca *ca);
/* What ca-clone-check compares between CAs of one key: {"address", "time" (ms),
 * "numbers" (as numbers_json), "settings":{name:value}, "profiles":{id:digest},
 * "certificates":{tag:end}}. The caller owns *out. */
MUST enum rc api_clone_state(struct ca *ca, json_t **out, struct err *e);
/* The CA at that address ("host:port") is no more: another one of that name is
 * not taken for it. */
MUST enum rc api_roles_forget(
    struct ca *ca, const char *address, struct err *e);
/* Appends the gauges of roles and lists. */
void api_roles_metrics(struct ca *ca, struct buf *b);
/* role-list, role-ask, role-withdraw, role-take {above}, role-give {host};
 * *out is the list afterwards. RC_UNSUPPORTED for another word. */
MUST enum rc api_roles_control(struct ca *ca, const char *command,
    const json_t *args, json_t **out, struct err *e);

/* --- users and groups (api_users.c, api_groups.c) -------------------------- */

enum {
	API_FILTER_MIN = 3 /* characters (spec ca 1.3) */
};

/* A CONFIG_ROLE line: scope "users", op "OP_ADD", the record's id and further
 * pairs (those with a NULL value are left out). */
void api_audit_role(struct http_call *c, const struct principal *who,
    enum rc rc, const char *scope, const char *op, const char *id,
    const struct http_pair *params, size_t n);
/* 404 with the class name that clients know. */
void api_no_user(struct http_call *c, const char *uid);
void api_no_group(struct http_call *c, const char *name);
/* Appends a search filter for the parameter `filter` as a substring of any of
 * attrs (NULL-terminated); nothing when it is absent. RC_INVALID when it is too
 * short. */
MUST enum rc api_filter(struct http_call *c, struct buf *out,
    const char *const *attrs, struct err *e);
/* Replies with a page of records {total,entries}, ordered by attrs[0]. */
void api_list_records(struct http_call *c, enum rec_kind kind,
    const char *const *attrs, json_t *(*render)(const struct rec *r));

/* A page of a list that is walked in memory. */
struct api_slice {
	json_t *list;
	size_t start, size, seen;
	const char *filter;
};
/* Reads start, size and filter; has replied when it returns false. */
bool api_page_begin(struct http_call *c, struct api_slice *out);
/* Takes o over; text is what the filter looks at. */
void api_page_add(struct api_slice *s, const char *text, json_t *o);
/* Replies {total,entries}; s is done with. */
void api_page_reply(struct http_call *c, struct api_slice *s);
/* Replies as getStatus does; why it does not run yet, NULL when it does. */
void servlet_status(struct http_call *c, const char *why);
/* 201 with o (taken over) and Location: this path + "/" + id. */
void api_created(struct http_call *c, const char *id, json_t *o);
/* Is uid among the members of a group record? */
bool api_is_member(const struct rec *group, const char *uid);
/* Adds a member; RC_CONFLICT where multiroles.enable=false forbids a second
 * role, RC_NOTFOUND. */
MUST enum rc api_group_join(
    struct http_call *c, const char *group, const char *uid, struct err *e);

/* Objects (spec ca 1.6). */
json_t *api_descriptor(const struct profile_value_desc *d);
/* "params" of a policy's default or constraint. */
json_t *api_part_params(const struct profile_part *p);
/* "constraints" of a policy, with their values. */
json_t *api_constraint_values(const struct profile_policy *pol);
/* Input[] with empty values, or those of a request. */
json_t *api_profile_inputs(struct http_call *c, const struct profile *p,
    const struct profile_env *env, const struct request_rec *r);
json_t *api_profile_outputs(const struct profile *p);
json_t *api_request_info(struct http_call *c, const struct request_rec *r);
MUST enum rc api_cert_data(struct http_call *c, const struct cert_rec *r,
    bool pretty, json_t **out, struct err *e);

#endif
