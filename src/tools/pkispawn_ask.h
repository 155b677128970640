/* SPDX-License-Identifier: Apache-2.0 */
/* pkispawn_ask.h - the questions of pkispawn on a terminal (spec deployment
 * 2.1). */
#ifndef TOOLS_PKISPAWN_ASK_H
#define TOOLS_PKISPAWN_ASK_H

#include "deploy/values.h"

/* Asks on stdin and stdout what an installation needs and puts the answers into
 * v; a wrong answer is told and asked for again. subsystem: ask for that, too.
 * RC_USAGE when somebody quits or the input ends. */
MUST enum rc pkispawn_ask(struct values *v, bool subsystem, struct err *e);

#endif
