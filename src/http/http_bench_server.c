/* SPDX-License-Identifier: Apache-2.0 */
/* http_bench_server.c - serves a fixed body for comparison with nginx: plain on
 * the first port, TLS on the second, each on the network thread (/) and through
 * a pool (/pool). Not installed.
 * Owns:    the server until SIGINT or SIGTERM.
 * Trusts:  its arguments.
 * Threads: the server's. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "base/text.h"
#include "http/server.h"
#include "http/testcert.h"

enum {
	BODY = 1600
};

static char body[BODY];

static void
serve(struct http_call *c)
{
	http_reply(
	    c, 200, "application/ocsp-response", view_of(body, sizeof(body)));
}

static const struct http_route routes[] = {
	{ HTTP_GET | HTTP_POST, "/", serve, HTTP_INLINE, 0, 0 },
	{ HTTP_GET | HTTP_POST, "/pool", serve, HTTP_OCSP, 0, 0 },
};

static int
run(struct http_server *s)
{
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	if (http_server_start(s, NULL) != RC_OK)
		return 1;
	printf("plain %d tls %d\n", http_server_port(s, 0),
	    http_server_port(s, 1));
	fflush(stdout);
	sigwait(&set, &sig);
	http_server_stop(s, 100);
	return 0;
}

/* Arguments: plain port, TLS port, net threads; all may be left out. */
int
main(int argc, char **argv)
{
	int64_t n[3] = { 0, 0, 1 };
	const struct t_want want = { .cn = "localhost",
		.san = "DNS:localhost" };
	struct t_cert cert;
	AUTO(http_server) s = NULL;

	for (int i = 1; i < argc && i <= 3; i++)
		if (text_int(&n[i - 1], argv[i], 0, 65535, NULL) != RC_OK)
			return 2;
	memset(body, 'x', sizeof(body));
	t_cert_make(&cert, NULL, &want);
	{
		const struct http_listen l[] = {
			{ "127.0.0.1", (int)n[0], false },
			{ "127.0.0.1", (int)n[1], true },
		};
		const struct http_server_params p = { .listen = l,
			.n_listen = 2,
			.key = &cert.key,
			.chain = &cert.der,
			.n_chain = 1,
			.net_threads = (size_t)n[2] };

		if (http_server_new(&s, &p, NULL) != RC_OK ||
		    http_server_add(s, routes, 2, NULL, NULL) != RC_OK)
			return 1;
	}
	return run(s);
}
