/* SPDX-License-Identifier: Apache-2.0 */
/* tls.h - the server's TLS contexts and its judgement of client certificates.
 * Internal to http/. */
#ifndef HTTP_TLS_H
#define HTTP_TLS_H

#include <openssl/ssl.h>

#include "base/clock.h"
#include "keys/key.h"

/* A server context: TLS 1.2 and later, resumption by tickets, client
 * certificates asked for (when there are cas) but never demanded. clock must
 * outlive the context. */
MUST enum rc tls_ctx_new(SSL_CTX **out, struct key *key,
    const struct view *chain, size_t n_chain, const struct view *cas,
    size_t n_cas, const struct clock *clock, struct err *e);

/* After the handshake: the peer's certificate if it was found valid (chain to
 * the cas, time, client use of key and extended key usage; RFC 5280 6.1), else
 * why not, in why. Both stay empty when it showed none. */
void tls_peer(SSL *ssl, struct buf *der, char *why, size_t why_max);
/* Before each further request of a connection: has the peer's certificate come
 * to its end since? Then der is emptied and why tells. judged_s is the second of
 * the last look (0: none): validity is in whole seconds, one look each will do. */
void tls_peer_again(
    SSL *ssl, struct buf *der, int64_t *judged_s, char *why, size_t why_max);

/* Parses DER certificates into a store (and a list of their names, if not
 * NULL). Shared with the client. */
MUST enum rc tls_add_cas(X509_STORE *store, STACK_OF(X509_NAME) * names,
    const struct view *cas, size_t n, struct err *e);

#endif
