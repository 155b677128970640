/* SPDX-License-Identifier: Apache-2.0 */
/* params.h - the table of deployment parameters: one row gives name, section
 * and default (spec deployment 2.3). */
#ifndef DEPLOY_PARAMS_H
#define DEPLOY_PARAMS_H

/* What this version does with a parameter. */
enum param_use {
	PARAM_USED,
	PARAM_REFUSED, /* only its default is possible */
	PARAM_INERT,   /* accepted, told to the user, no effect */
};
struct param {
	const char *section, *name, *def;
	enum param_use use;
};
/* Ends with a NULL name. */
extern const struct param params_table[];

/* Names that must never be written to a file or log, NULL-terminated. */
extern const char *const params_sensitive[];

/* Old names; now NULL = no longer used. Ends with a NULL old. */
struct param_renamed {
	const char *old, *now;
};
extern const struct param_renamed params_renamed[];

#endif
