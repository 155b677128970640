/* SPDX-License-Identifier: Apache-2.0 */
/* random.c - randomness from the seed, for the schedule and, in place of
 * libcrypto's, for the ids that the CAs draw.
 * Owns:    the generator's state (splitmix64).
 * Trusts:  nothing.
 * Threads: one. */
#include <openssl/rand.h>

#include "cluster.h"

enum {
	WEAK_VALUES = 12,
};

static uint64_t state;
static bool few;

void
random_seed(uint64_t seed, bool weak)
{
	state = seed;
	few = weak;
}

uint64_t
random_u64(void)
{
	uint64_t z = (state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

size_t
random_below(size_t n)
{
	return (size_t)(random_u64() % n);
}

bool
random_chance(unsigned percent)
{
	return random_below(100) < percent;
}

/* Our own code calls this one; libcrypto inside goes on with its own. */
int
RAND_bytes(unsigned char *buf, int num)
{
	if (few) {
		memset(buf, 0x11, (size_t)num);
		buf[0] = (unsigned char)(1 + random_below(WEAK_VALUES));
		return 1;
	}
	for (int i = 0; i < num; i++)
		buf[i] = (unsigned char)random_u64();
	return 1;
}
