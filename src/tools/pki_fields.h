/* SPDX-License-Identifier: Apache-2.0 */
/* pki_fields.h - resources as the command line shows them: JSON member and
 * label, in the order of the output (design.md "Two tables"). */
#ifndef TOOLS_PKI_FIELDS_H
#define TOOLS_PKI_FIELDS_H

#include "tools/pki.h"

enum field_form {
	FIELD_TEXT, /* strings, numbers and booleans as they are */
	FIELD_DATE, /* milliseconds, or text as it is */
	FIELD_HEX,  /* a JSON number or decimal text as 0x... */
};

struct field {
	const char *member; /* NULL ends a table */
	const char *label;
	enum field_form form;
};

extern const struct field fields_cert[];         /* CertData */
extern const struct field fields_cert_dates[];   /* end of CertDataInfo */
extern const struct field fields_request[];      /* CertRequestInfo */
extern const struct field fields_profile_info[]; /* ProfileDataInfo */
extern const struct field fields_profile[];      /* ProfileData */
extern const struct field fields_authority[];    /* AuthorityData */
extern const struct field fields_user[];         /* UserData */
extern const struct field fields_user_cert[];    /* UserCertData */
extern const struct field fields_group[];        /* GroupData */
extern const struct field fields_membership[];   /* of a user */
extern const struct field fields_member[];       /* of a group */
extern const struct field fields_selftest[];
extern const struct field fields_selftest_result[];
extern const struct field fields_audit[];
extern const struct field fields_audit_file[];
extern const struct field fields_job[];
extern const struct field fields_feature[];
extern const struct field fields_host[]; /* of the security domain */

/* Prints the members that are there and neither null nor empty. */
void fields_print(const struct field *table, const json_t *o);
/* A member as text into out (appended); false when it is absent or null. */
bool fields_text(
    struct buf *out, const json_t *o, const char *member, enum field_form f);
/* A whole answer {total?, entries:[...]} or [...]: "N entries matched" when
 * there is a total (else as many as came, unless quiet), the entries, "Number
 * of entries returned N". */
void fields_print_list(const struct field *table, const json_t *answer);

/* GET path with --start, --size and a filter (or NULL), printed as a list. */
MUST enum rc fields_list(struct pki *p, const struct args *a,
    const char *filter, struct buf *path, const struct field *table,
    struct err *e);

#endif
