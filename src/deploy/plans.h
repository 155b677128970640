/* SPDX-License-Identifier: Apache-2.0 */
/* plans.h - the system certificates of a CA and what the parameters say of
 * each. */
#ifndef DEPLOY_PLANS_H
#define DEPLOY_PLANS_H

#include "deploy/install.h"

/* One system certificate. */
struct plan {
	const char *tag;     /* in CS.cfg; NULL: the administrator */
	const char *prefix;  /* of its parameters: "pki_ca_signing" */
	const char *file_id; /* certs/<id>.csr */
	const char *usage, *trust;
	const char *profile_rsa, *profile_ec; /* bootstrap files */
	/* profiles of the CA that issues it, where another one does */
	const char *remote_rsa, *remote_ec;
};
extern const struct plan plan_signing, plan_ocsp, plan_sslserver,
    plan_subsystem, plan_audit, plan_admin;
/* All but the administrator's, in the order in which they are made; ends with
 * NULL. */
extern const struct plan *const plans_all[];

/* false for the audit certificate where no nickname asks for one. */
bool plan_wanted(struct install *in, const struct plan *p);

/* The parameter <prefix>_<what>. */
const char *plan_param(
    struct install *in, const struct plan *p, const char *what);
/* Key type and size: rsa 2048..., ecc nistp256/384/521. RC_INVALID names the
 * parameter. */
MUST enum rc plan_keygen(
    struct install *in, const struct plan *p, struct keygen *g, struct err *e);
/* The algorithm of <prefix>_<what> where the key can do it, else the key's
 * own. */
enum sigalg plan_alg(struct install *in, const struct plan *p, const char *what,
    const struct key *k);
/* The token its key lives on; NULL = the internal one. */
const char *plan_token(struct install *in, const struct plan *p);
/* Appends "[token:]nickname". */
void plan_nickname(struct install *in, const struct plan *p, struct buf *out);
/* Everything above, and tokens and HSM parameters, before anything is made. */
MUST enum rc plans_check(struct install *in, struct err *e);

#endif
