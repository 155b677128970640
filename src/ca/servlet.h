/* SPDX-License-Identifier: Apache-2.0 */
/* servlet.h - what the servlet_*.c files share: the three shapes of their XML
 * (spec ca 2) and, where XML was not asked for, a plain page of the same.
 *
 * A servlet writes its elements with xml_*; the page is made from those
 * elements, whose text is escaped already, so nothing of a request or record
 * reaches a browser unescaped. */
#ifndef CA_SERVLET_H
#define CA_SERVLET_H

#include "base/xml.h"
#include "ca/api.h"

enum servlet_shape {
	SHAPE_A, /* <xml><output><set>, text/xml */
	SHAPE_B, /* <xml><header><fixed><records> */
	SHAPE_C, /* <XMLResponse> */
};
/* fixed/requestStatus of shape B */
enum {
	SERVLET_UNAUTHORIZED = 1,
	SERVLET_SUCCESS = 2,
	SERVLET_PENDING = 3,
	SERVLET_REJECTED = 5,
	SERVLET_ERROR = 6,
	SERVLET_EXCEPTION = 7,
};

/* Does the caller want XML (xml=true or xmlOutput=true)? */
bool xml_wanted(const struct http_call *c);

/* An answer under way. */
struct servlet {
	struct http_call *c;
	enum servlet_shape shape;
	const char *title;            /* of the page */
	struct buf head, fixed, list; /* elements: A and C use head only */
	struct buf form;              /* further HTML of the page, no XML */
	int status;                   /* HTTP status, 200 unless set */
};
/* Use with AUTO_SERVLET. */
struct servlet servlet_begin(
    struct http_call *c, enum servlet_shape shape, const char *title);
void servlet_done(struct servlet *s);
#define AUTO_SERVLET __attribute__((cleanup(servlet_done))) struct servlet

/* Caller and ACL check as api_enter, failing in the servlet's shape; has
 * replied when it returns false. */
bool servlet_enter(struct servlet *s, const char *resource, const char *op,
    struct principal **out);
/* Sends what was written. */
void servlet_reply(struct servlet *s);
/* Drops what was written and sends the failure: errorCode and errorReason (A),
 * requestStatus and unexpectedError (B), Status and Error (C). */
void servlet_fail(struct servlet *s, enum rc rc, const struct err *e);

/* Lists of shape A: <name><list> <name><set>..</set></name> ... </list></name>,
 * the form that certmonger's helper reads. */
void servlet_list_open(struct servlet *s, const char *name);
void servlet_item_open(struct servlet *s, const char *name);
void servlet_item_close(struct servlet *s, const char *name);
void servlet_list_close(struct servlet *s, const char *name);

/* The argument of that name as a request id or serial number ("0x1a" or
 * "26"). */
MUST enum rc servlet_num(
    struct http_call *c, const char *name, struct num *out, struct err *e);
/* A number within [0, max]; def when the argument is not there. */
MUST enum rc servlet_int(struct http_call *c, const char *name, int64_t max,
    int64_t def, int64_t *out, struct err *e);
/* Is it a page of agents? */
bool servlet_is_agent(const struct http_call *c);
/* Appends a term "(serialno>=0226)". */
void servlet_serial_term(struct buf *out, const char *op, const struct num *n);
/* Appends a filter of a page, over the model's names, as one over ours.
 * RC_INVALID for an unknown attribute. */
MUST enum rc servlet_filter(struct buf *out, const char *text, struct err *e);
/* The same over requests. */
MUST enum rc servlet_request_filter(
    struct buf *out, const char *text, struct err *e);
/* A row of a list of certificates (shape B). */
void servlet_cert_row(struct servlet *s, const struct cert_rec *r);
/* Elements of a certificate into a record of shape B: serialNumber (hex),
 * subject, issuer, dates, base64Cert (PEM), certPrettyPrint, pkcs7ChainBase64.
 */
MUST enum rc servlet_cert(struct servlet *s, struct view der, struct err *e);
/* Appends the certificate and the CA's own as base64 PKCS #7. */
MUST enum rc servlet_chain(
    struct ca *ca, struct buf *out, struct view der, struct err *e);

/* Profile, inputs and outputs in shape A (servlet_enroll.c); r NULL = a blank
 * form. With form, the inputs' fields are appended to s->form too. */
void servlet_profile(struct servlet *s, const struct profile *p);
void servlet_inputs(struct servlet *s, const struct profile *p,
    const struct profile_env *env, const struct request_rec *r, bool form);
void servlet_outputs(
    struct servlet *s, const struct profile *p, const struct request_rec *r);
/* A field of a form: name, value (may be NULL), as its descriptor says. */
void servlet_field(struct servlet *s, const char *name,
    const struct profile_value_desc *d, const char *value);
/* A hidden field. */
void servlet_hidden(struct servlet *s, const char *name, const char *value);

#endif
