/* SPDX-License-Identifier: Apache-2.0 */
/* validity.h - inside the room: calendar ranges. */
#ifndef PROFILE_VALIDITY_H
#define PROFILE_VALIDITY_H

#include "base/clock.h"
#include "profile/plugin.h"

/* from + range units ("year", "month", "day" or "", "hour", "minute"). */
MUST enum rc validity_add(
    int64_t *out, int64_t from, int64_t range, const char *unit, struct err *e);

#endif
