/* SPDX-License-Identifier: Apache-2.0 */
/* pki_profile_xml.h - profiles on disk: the XML form of a ProfileData (spec ca
 * 1.6), and the same as JSON. */
#ifndef TOOLS_PKI_PROFILE_XML_H
#define TOOLS_PKI_PROFILE_XML_H

#include "tools/pki.h"

/* Reads either form of a profile; the caller owns *out. */
MUST enum rc profile_load(json_t **out, const char *path, struct err *e);
MUST enum rc profile_parse_xml(json_t **out, struct view text, struct err *e);
/* Appends the XML form. */
MUST enum rc profile_xml(struct buf *out, const json_t *profile, struct err *e);

#endif
