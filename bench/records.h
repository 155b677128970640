/* SPDX-License-Identifier: Apache-2.0 */
/* records.h - the certificates of a filled store, the same in every program. */
#ifndef BENCH_RECORDS_H
#define BENCH_RECORDS_H

#include "store/rec_cert.h"

static inline uint64_t
bench_mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

/* 16 octets that look random, the first one 0x40 to 0x7f. */
static inline struct num
bench_serial(uint64_t i)
{
	uint64_t a = bench_mix(2 * i), b = bench_mix(2 * i + 1);
	uint8_t o[16];
	struct num n = num_from_u64(0);

	for (int k = 0; k < 8; k++) {
		o[k] = (uint8_t)(a >> (8 * k));
		o[8 + k] = (uint8_t)(b >> (8 * k));
	}
	o[0] = (uint8_t)((o[0] & 0x7f) | 0x40);
	rc_ignore(num_from_view(&n, view_of(o, 16), NULL)); /* it fits */
	return n;
}

/* The i-th record; an issuer's name or NULL. NULL when memory is out. */
struct rec *bench_cert(
    uint64_t i, const char *issuer, bool revoked, int64_t now);

#endif
