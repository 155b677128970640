/* SPDX-License-Identifier: Apache-2.0 */
/* addrs.c - connection caps, in all and per address.
 * Owns:    one entry for each address with an open connection.
 * Trusts:  the kernel's word about the peer's address.
 * Threads: any, under the table's lock. */
#include "http/addrs.h"

#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/queue.h>

#include "base/thread.h"

enum {
	BUCKETS = 1024
};

struct addr {
	LIST_ENTRY(addr) link;
	uint64_t key; /* the /64, or an IPv4 address */
	size_t n;
};

struct addrs {
	pthread_mutex_t lock;
	size_t n, max, per_addr;
	LIST_HEAD(addr_bucket, addr) buckets[BUCKETS];
};

struct addrs *
addrs_new(size_t max, size_t per_addr)
{
	struct addrs *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return NULL;
	pthread_mutex_init(&t->lock, NULL);
	t->max = max;
	t->per_addr = per_addr;
	return t;
}

void
addrs_free(struct addrs *t)
{
	struct addr *a;

	if (t == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++)
		while ((a = LIST_FIRST(&t->buckets[i])) != NULL) {
			LIST_REMOVE(a, link);
			free(a);
		}
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static uint64_t
key_of(const struct sockaddr_storage *sa)
{
	struct sockaddr_in6 v6;
	struct sockaddr_in v4;
	uint64_t key = 0;
	uint32_t low;

	if (sa->ss_family == AF_INET) {
		memcpy(&v4, sa, sizeof(v4));
		return v4.sin_addr.s_addr;
	}
	memcpy(&v6, sa, sizeof(v6));
	if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
		memcpy(&low, &v6.sin6_addr.s6_addr[12], sizeof(low));
		return low;
	}
	memcpy(&key, &v6.sin6_addr, sizeof(key));
	return key;
}

struct addr *
addrs_take(struct addrs *t, const struct sockaddr_storage *sa)
{
	uint64_t key = key_of(sa);
	struct addr_bucket *b =
	    &t->buckets[(key * 0x9e3779b97f4a7c15ULL >> 32) % BUCKETS];
	struct addr *a;
	LOCKED(&t->lock);

	if (t->n >= t->max)
		return NULL;
	LIST_FOREACH(a, b, link)
	if (a->key == key)
		break;
	if (a == NULL) {
		a = calloc(1, sizeof(*a));
		if (a == NULL)
			return NULL;
		a->key = key;
		LIST_INSERT_HEAD(b, a, link);
	}
	if (a->n >= t->per_addr)
		return NULL;
	a->n++;
	t->n++;
	return a;
}

void
addrs_drop(struct addrs *t, struct addr *a)
{
	LOCKED(&t->lock);

	t->n--;
	if (--a->n == 0) {
		LIST_REMOVE(a, link);
		free(a);
	}
}
