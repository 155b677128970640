/* SPDX-License-Identifier: Apache-2.0 */
/* bits.h - inside the room: the parameter names of key usage and Netscape type,
 * shared by defaults and constraints. */
#ifndef PROFILE_BITS_H
#define PROFILE_BITS_H

#include "profile/plugin.h"

struct bit_name {
	const char *param; /* "keyUsageDigitalSignature" */
	uint32_t bit;
	const char *text; /* "Digital Signature" */
};
extern const struct bit_name key_usage_bits[], ns_type_bits[]; /* param NULL */
extern const struct profile_value_desc key_usage_values[], ns_type_values[];

#endif
