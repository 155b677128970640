/* SPDX-License-Identifier: Apache-2.0 */
/* crl_exts.h - the CRL extensions of an issuing point from its settings. */
#ifndef CRL_CRL_EXTS_H
#define CRL_CRL_EXTS_H

#include "crl/crl_conf.h"

/* Fills conf->fixed with all enabled extensions but the CRL number, and the
 * partition an issuing distribution point stands for (only_cas, only_users,
 * only_reasons). RC_INVALID names the setting. */
MUST enum rc crl_exts_load(struct crl_conf *conf, const struct cfg *c,
    const char *id, const struct crl_authority *a, struct err *e);

#endif
