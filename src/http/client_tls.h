/* SPDX-License-Identifier: Apache-2.0 */
/* client_tls.h - how the client judges a server certificate. Internal to http/.
 */
#ifndef HTTP_CLIENT_TLS_H
#define HTTP_CLIENT_TLS_H

#include <openssl/ssl.h>

#include "http/client.h"

enum {
	CLIENT_TLS_WHY_MAX = 160
};

struct client_tls {
	const struct http_client_params *p;
	const char *host; /* of the present exchange, without brackets */
	bool refused;     /* the last handshake ended by our own refusal */
	char why[CLIENT_TLS_WHY_MAX]; /* problem and libcrypto's words for it */
};

/* Sets ctx up for p: trust, identity, verification. t outlives ctx. */
MUST enum rc client_tls_use(struct client_tls *t, SSL_CTX *ctx, struct err *e);

#endif
