/* SPDX-License-Identifier: Apache-2.0 */
/* ca_harness.h - a real CA for fuzz targets: keystore, store, profiles and every
 * handler in one process, in a scratch folder, without sockets. What cannot be
 * set up aborts. One a process. */
#ifndef FUZZ_CA_HARNESS_H
#define FUZZ_CA_HARNESS_H

#include "auth/principal.h"
#include "ca/api.h"
#include "http/call.h"

/* Of the user caadmin. */
#define HARNESS_PASSWORD "Fuzz.Admin-1"

struct harness {
	struct ca *ca;
	struct call *call;       /* the one call, reused */
	struct principal *admin; /* as if logged in by password */
	struct buf admin_cert;   /* DER */
	struct buf subsystem_cert;
};

/* Makes and starts it once, removed again at exit. settings: CS.cfg lines
 * "name=value" to add before the start, NULL-terminated; NULL = none. */
struct harness *harness_start(const char *const *settings);

/* Who asks. */
struct harness_caller {
	bool plain;             /* without TLS */
	bool session;           /* a new session of h->admin */
	struct view peer_cert;  /* DER, validated by TLS; empty = none */
	const char *peer_error; /* or why it was not valid */
};
/* Runs the request (a whole head) up to the end of its reply, whose head goes to
 * `head`. The reply's body is valid until harness_end. An answer that tells of an
 * internal error aborts. */
struct view harness_call(struct harness *h, struct view request,
    struct view body, const struct harness_caller *who, struct buf *head);
void harness_end(struct harness *h);
/* Makes the administrator anew, should an input have taken it or its rights
 * away: inputs share the CA. */
void harness_restore(struct harness *h);

#endif
