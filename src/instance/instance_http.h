/* SPDX-License-Identifier: Apache-2.0 */
/* instance_http.h - what the instance itself serves: /pki/v2/info, /health,
 * /metrics, the root page; the access log; the look of errors. */
#ifndef INSTANCE_INSTANCE_HTTP_H
#define INSTANCE_INSTANCE_HTTP_H

#include "instance/instance.h"

struct instance_http;

/* Protocol version that clients read (design.md, decisions). */
#define PROTOCOL_VERSION "11.10.0"

/* Opens the access log <logs>/localhost_access_log.<day>.txt. */
MUST enum rc instance_http_new(
    struct instance_http **out, struct instance *i, struct err *e);
void instance_http_free(struct instance_http *h);
/* Sets access log and error renderer in the server's parameters. */
void instance_http_hooks(struct instance_http *h, struct http_server_params *p);
/* Adds the routes to the instance's server. */
MUST enum rc instance_http_routes(struct instance_http *h, struct err *e);

/* The model's error object (spec ca 1.4) as the reply of a call: class_name
 * without package, or NULL for the one that goes with the status. */
void instance_http_error(
    struct http_call *c, int status, const char *class_name, const char *text);
/* Same, with one of Attributes: clients rebuild what it is about from it. */
void instance_http_error_of(struct http_call *c, int status,
    const char *class_name, const char *text, const char *name,
    const char *value);
/* Same, from an rc and its err. */
void instance_http_fail(struct http_call *c, enum rc rc, const struct err *e);

#endif
