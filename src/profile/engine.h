/* SPDX-License-Identifier: Apache-2.0 */
/* engine.h - from a submission to a certificate template under a profile (spec
 * profiles 4), as functions over (profile, environment, request, template).
 * They ask no clock, store, socket or random source but through the
 * environment.
 *
 * One submission:
 *	profile_count		how many certificates it asks for
 *	for each: profile_begin	declared inputs into the request record
 *	profile_populate	inputs, then defaults, write the template
 *	profile_validate	constraints
 *	profile_template_store	keep the template in the request
 * An agent's review later: profile_template_load, profile_value_get / _set for
 * each value of each policy, profile_validate.
 *
 * Results: RC_DENIED means the request is to be stored as rejected, the text in
 * err is the reason ("Key Type RSA Not Matched"); all else is an error that
 * leaves no request behind. RC_INVALID: the data; RC_UNSUPPORTED: a plug-in
 * that this build does not have; RC_NOTFOUND: policy set. */
#ifndef PROFILE_ENGINE_H
#define PROFILE_ENGINE_H

#include "base/arena.h"
#include "profile/profile.h"
#include "store/rec_cert.h"
#include "store/rec_request.h"
#include "x509/template.h"

enum profile_cert_key {
	PROFILE_CERT_BY_SUBJECT, /* what: text of the DN */
	PROFILE_CERT_BY_KEY,     /* what: SubjectPublicKeyInfo */
};

struct profile_env {
	int64_t now; /* seconds */

	/* the issuing authority */
	struct view ca_subject;              /* whole Name */
	struct view ca_key_id;               /* as cert_key_id gives it */
	int64_t ca_not_before, ca_not_after; /* not_after 0: signs itself */
	enum sigalg ca_sigalg;               /* ca.signing.default... */
	const enum sigalg *sigalgs;          /* what its key can sign with */
	size_t n_sigalgs;

	/* settings */
	const char *ocsp_uri;    /* ca.defaultOcspUri; NULL or "": host, port */
	const char *host;        /* this server's name */
	unsigned port;           /* plain HTTP port */
	unsigned san_entries;    /* ca.SAN.entryNum; 0 = 4 */
	bool skip_pop;           /* ca.requestVerify.enabled=false */
	struct view client_cert; /* forwarded by an EST server, or empty */

	/* Each may be NULL: what needs it then refuses (RC_UNSUPPORTED).
	 * setting: a value of CS.cfg. certs: calls fn for each certificate of
	 * that subject or key until it returns false. random: n random bytes.
	 * is_agent: the certificate (DER) belongs to an agent. run: runs a
	 * program, *status its exit status, its standard output in out;
	 * RC_TIMEOUT. */
	const char *(*setting)(void *arg, const char *name);
	enum rc (*certs)(void *arg, enum profile_cert_key by, struct view what,
	    bool (*fn)(void *fn_arg, const struct cert_rec *c), void *fn_arg,
	    struct err *e);
	void (*random)(void *arg, uint8_t *out, size_t n);
	bool (*is_agent)(void *arg, struct view cert);
	enum rc (*run)(void *arg, const char *program, const char *const *env,
	    int64_t timeout_s, struct buf *out, int *status, struct err *e);
	void *arg;
};

/* What the requester sent: the value of a name, NULL when absent. */
struct profile_submission {
	const char *(*get)(void *arg, const char *name);
	void *arg;
};

/* Number of certificates this submission asks for: the messages of a CRMF
 * request, else 1. RC_INVALID when the request cannot be read. */
MUST enum rc profile_count(const struct profile *p,
    const struct profile_submission *s, size_t *n, struct err *e);
/* Copies the names that p's inputs declare into r (sn_* escaped as RDN values,
 * but for a record of type "renewal": its values come from the original
 * request) and the bookkeeping (profile, profileId, profileSetId of set number seq,
 * req_seq_num). */
MUST enum rc profile_begin(const struct profile *p,
    const struct profile_env *env, const struct profile_submission *s,
    size_t seq, struct request_rec *r, struct err *e);
/* Presets t (initialised by template_init; its arena also holds what the views
 * look at), reads the request data (proof of possession included) and runs the
 * defaults of the set named by the request's profileSetId in policy order.
 * Subject and key that t has already stay until a default writes others: so the
 * installer gives them to bootstrap profiles, which have neither inputs nor
 * subject and key policies. */
MUST enum rc profile_populate(const struct profile *p,
    const struct profile_env *env, struct request_rec *r,
    struct cert_template *t, struct err *e);
/* Runs the constraints in policy order; some write the request
 * (origNotAfter) or the template (userSubjectName). */
MUST enum rc profile_validate(const struct profile *p,
    const struct profile_env *env, struct request_rec *r,
    struct cert_template *t, struct err *e);

/* --- what is shown and edited ------------------------------------------ */

struct profile_value_desc {
	const char *name;
	const char *syntax;     /* "string", "boolean" ... (spec 17) */
	const char *constraint; /* "readonly", a choice list; NULL = none */
	const char *text;
	const char *def; /* DefaultValue; NULL = none */
};

/* The i-th value of an input, output or default; false past the end. Texts
 * made on the way live in the arena. env may be NULL. */
bool profile_input_value(const struct profile_input *in,
    const struct profile_env *env, size_t i, struct profile_value_desc *out,
    struct arena *a);
bool profile_output_value(
    const struct profile_output *o, size_t i, struct profile_value_desc *out);
bool profile_default_value(const struct profile_policy *pol,
    const struct profile_env *env, size_t i, struct profile_value_desc *out,
    struct arena *a);
/* The i-th configurable value of a constraint with its present value. */
bool profile_constraint_param(const struct profile_policy *pol, size_t i,
    struct profile_value_desc *out, const char **value);
/* What a part does, for people; "" for unknown classes. */
const char *profile_default_text(const struct profile_policy *pol);
const char *profile_constraint_text(const struct profile_policy *pol);
const char *profile_output_text(const struct profile_output *o);

/* Appends the value of a default as an agent sees it. RC_NOTFOUND (and nothing
 * appended) for a null value: an optional extension that is absent. RC_INVALID
 * for a name the default does not have. */
MUST enum rc profile_value_get(const struct profile *p,
    const struct profile_env *env, struct request_rec *r,
    struct cert_template *t, const struct profile_policy *pol, const char *name,
    struct buf *out, struct err *e);
/* Writes an agent's value into the template; NULL = missing in the review.
 * Read-only values are accepted and ignored. RC_INVALID "Invalid property
 * NAME" and the like. */
MUST enum rc profile_value_set(const struct profile *p,
    const struct profile_env *env, struct request_rec *r,
    struct cert_template *t, const struct profile_policy *pol, const char *name,
    const char *value, struct err *e);

/* --- the template between submission and approval ----------------------- */

/* Stores t in r as req_x509info (base64 of a TBSCertificate; serial 0 when it
 * has none, an empty SEQUENCE for a missing key). */
MUST enum rc profile_template_store(
    struct request_rec *r, const struct cert_template *t, struct err *e);
/* Reads it back into t (initialised by template_init). RC_NOTFOUND when the
 * request has none. */
MUST enum rc profile_template_load(
    const struct request_rec *r, struct cert_template *t, struct err *e);
/* The same for bytes. */
MUST enum rc profile_template_encode(
    struct buf *out, const struct cert_template *t, struct err *e);
MUST enum rc profile_template_parse(
    struct cert_template *t, struct view der, struct err *e);

#endif
