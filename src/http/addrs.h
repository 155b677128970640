/* SPDX-License-Identifier: Apache-2.0 */
/* addrs.h - how many connections each client address has open. An IPv6 client
 * counts by its /64. Internal to http/; any thread. */
#ifndef HTTP_ADDRS_H
#define HTTP_ADDRS_H

#include <sys/socket.h>

#include "base/cleanup.h"

struct addrs;
struct addr;

/* At most max connections in all, per_addr for one address. */
struct addrs *addrs_new(size_t max, size_t per_addr);
void addrs_free(struct addrs *t);
OWNED(addrs)
/* Counts one more; NULL when a cap is reached or memory is out. */
struct addr *addrs_take(struct addrs *t, const struct sockaddr_storage *sa);
void addrs_drop(struct addrs *t, struct addr *a);

#endif
