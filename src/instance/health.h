/* SPDX-License-Identifier: Apache-2.0 */
/* health.h - /health: for load balancers its status, 200 when every part can do
 * its work and else 503; for programs JSON; for somebody with a browser a page. */
#ifndef INSTANCE_HEALTH_H
#define INSTANCE_HEALTH_H

#include "instance/instance.h"

/* Answers a call with the state of every subsystem of i. */
void health_reply(struct instance *i, struct http_call *c);

#endif
