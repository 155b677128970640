/* SPDX-License-Identifier: Apache-2.0 */
/* pki_template.h - enrolment templates on disk: the XML form of a
 * CertEnrollmentRequest (spec ca 1.6), and the same as JSON. */
#ifndef TOOLS_PKI_TEMPLATE_H
#define TOOLS_PKI_TEMPLATE_H

#include "tools/pki.h"

/* Reads either form; the caller owns *out. External entities and networks are
 * never touched. */
MUST enum rc template_load(json_t **out, const char *path, struct err *e);
MUST enum rc template_parse_xml(json_t **out, struct view text, struct err *e);
/* A CertSearchRequest, XML or JSON. */
MUST enum rc search_load(json_t **out, const char *path, struct err *e);
/* Appends the XML form. */
MUST enum rc template_xml(struct buf *out, const json_t *body, struct err *e);

#endif
