/* SPDX-License-Identifier: Apache-2.0 */
/* clone.h - how a clone comes about (spec deployment 3.2 to 3.9). */
#ifndef DEPLOY_CLONE_H
#define DEPLOY_CLONE_H

#include "deploy/install.h"

/* Parameters that exclude each other or are missing; the bundle can be read.
 * Nothing is asked of another machine. */
MUST enum rc clone_check(struct install *in, struct err *e);
/* Every system certificate but the TLS server's is there with its key. RC_NOTFOUND
 * names the parameter to look at. */
MUST enum rc clone_find_keys(struct install *in, struct err *e);
/* Logs in, reads the master's settings and takes number ranges. */
MUST enum rc clone_begin(struct install *in, struct err *e);
/* Before directory_setup: a replica that an earlier clone has left here is not
 * removed but filled anew (389 DS dies when a back end is removed and made again
 * under its replica). */
MUST enum rc clone_keep_replica(struct install *in, struct err *e);
/* Replicates the master's directory into this one (3.7), which has a back end by
 * now; ends when it holds the master's data and its indexes are built. */
MUST enum rc clone_replicate(struct install *in, struct err *e);
/* Takes agreements and managers back after a failure. */
void clone_replicate_undo(struct install *in);
/* Waits, with a word, until this directory has what the master's has. */
void clone_wait(struct install *in);
/* What CS.cfg of a clone says (3.9). */
MUST enum rc clone_settings(struct install *in, struct err *e);
/* The clone's own user, and the domain's entry. */
MUST enum rc clone_register(struct install *in, struct err *e);

#endif
