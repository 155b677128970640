/* SPDX-License-Identifier: Apache-2.0 */
/* listen.h - listening sockets of a net thread. Internal to http/. */
#ifndef HTTP_LISTEN_H
#define HTTP_LISTEN_H

#include "http/conn.h"

/* Binds all listeners of the server for this net thread; the first thread
 * settles which port "any" is. RC_IO naming address and port. */
MUST enum rc listeners_open(struct net *n, struct err *e);
void listeners_close(struct net *n);
/* Tries those again that ran out of descriptors. */
void listeners_resume(struct net *n);

#endif
