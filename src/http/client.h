/* SPDX-License-Identifier: Apache-2.0 */
/* client.h - HTTP requests over libcurl, keys by handle
 * (CURLOPT_SSL_CTX_FUNCTION). A client keeps connections, cookies and TLS
 * sessions; one thread at a time. */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/secret.h"
#include "keys/key.h"

struct http_client;

/* What is wrong with a server certificate, in the words of the command line. */
enum http_cert_problem {
	HTTP_CERT_OK,
	HTTP_CERT_UNTRUSTED_ISSUER,
	HTTP_CERT_UNKNOWN_ISSUER,
	HTTP_CERT_EXPIRED_CERTIFICATE,
	HTTP_CERT_BAD_CERT_DOMAIN,
	HTTP_CERT_CA_CERT_INVALID,
	HTTP_CERT_OTHER,
};
const char *http_cert_problem_name(enum http_cert_problem p);

struct http_client_params {
	struct key *key;          /* client certificate, or NULL */
	const struct view *chain; /* its chain, DER, leaf first */
	size_t n_chain;
	const struct view *cas; /* trusted CA certificates, DER */
	size_t n_cas;
	const char *user; /* Basic authentication, or NULL */
	const struct secret *password;
	/* Decides about a server certificate with a problem; NULL = refuse.
	 * der is the server's certificate. */
	bool (*accept)(void *arg, enum http_cert_problem p, struct view der);
	void *accept_arg;
	int timeout_ms;         /* whole exchange; 0 = 60,000 */
	const char *record_dir; /* numbered request/response files, or NULL */
};

/* Makes a client with these settings; no connection is made yet. */
MUST enum rc http_client_new(struct http_client **out,
    const struct http_client_params *p, struct err *e);
void http_client_free(struct http_client *c);
OWNED(http_client)

struct http_exchange {
	const char *method, *url;
	const char *type, *accept; /* header values, NULL = none */
	struct view body;
	/* results */
	int status;
	struct buf reply; /* bounded by max_reply, 0 = 64 MiB */
	size_t max_reply;
	char reply_type[128];
};
/* RC_OK for any HTTP status; RC_UNAVAILABLE when no connection came about (the
 * text names host and cause), RC_TIMEOUT, RC_AUTH for a refused certificate. */
MUST enum rc http_client_do(
    struct http_client *c, struct http_exchange *x, struct err *e);
void http_exchange_done(struct http_exchange *x);

/* Percent-encoding of a query value or path segment; appends. */
void http_url_encode(struct buf *out, struct view v);

#endif
