/* SPDX-License-Identifier: Apache-2.0 */
/* fixture.h - for the tests of this room: a CA that does not sign, a shipped or
 * given profile, a submission, all in one object. */
#ifndef PROFILE_FIXTURE_H
#define PROFILE_FIXTURE_H

#include "profile/engine.h"
#include "x509/cert.h"

enum {
	FIXTURE_NOW = 1767323045, /* 2026-01-02 03:04:05 */

	FIXTURE_VALUES_MAX = 32,
};

#define FIXTURE_CA_END INT64_C(2398291199) /* 2045-12-30 23:59:59 */

struct fixture {
	struct profile *p;
	struct profile_env env;
	struct request_rec *req;
	struct cert_template t;
	struct arena *arena;
	const char *names[FIXTURE_VALUES_MAX], *values[FIXTURE_VALUES_MAX];
	size_t n;
	struct cert_rec certs[4]; /* what env.certs finds */
	size_t n_certs;
	uint8_t random;
	struct err e;
};

/* A fixture without a profile; done frees all. */
void fixture_init(struct fixture *f);
void fixture_done(struct fixture *f);
/* Loads data/profiles/ca/<id>.cfg, or text. Fails the test when it cannot. */
void fixture_shipped(struct fixture *f, const char *id);
void fixture_text(struct fixture *f, const char *id, const char *text);
/* One policy in one set; default and constraint parameters as lines
 * "default.params.x=1" (the key before them is added). */
void fixture_policy(struct fixture *f, const char *def, const char *con,
    const char *const *lines);
/* Adds a value to the submission. */
void fixture_value(struct fixture *f, const char *name, const char *value);
/* Adds cert_request of golden/in/<name>.csr and its type. */
void fixture_csr(struct fixture *f, const char *name);
/* The text of golden/in/<name>, in the arena. */
const char *fixture_file(struct fixture *f, const char *name);
/* begin, populate, validate; stops at the first that fails. */
enum rc fixture_begin(struct fixture *f);
enum rc fixture_populate(struct fixture *f);
enum rc fixture_run(struct fixture *f);
/* Serial 1 and the TBSCertificate. */
enum rc fixture_tbs(struct fixture *f, struct buf *out);
/* Hex of an extension's value in the template, in the arena; NULL = absent. */
const char *fixture_ext(struct fixture *f, enum oid oid);
/* Policy number i of the only set. */
const struct profile_policy *fixture_pol(const struct fixture *f, size_t i);
/* A review value as text in the arena; NULL = null value. */
const char *fixture_get(struct fixture *f, size_t pol, const char *name);
enum rc fixture_set(
    struct fixture *f, size_t pol, const char *name, const char *value);
const char *fixture_subject(struct fixture *f);

#endif
