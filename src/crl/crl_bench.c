/* SPDX-License-Identifier: Apache-2.0 */
/* crl_bench.c - a CRL of 10^6 entries (16-octet serial, date, reason): time of
 * making and signing it, as a ratio to copying and hashing the same octets.
 *   crl_bench [entries]
 * Owns:    its set and a temporary NSS database.
 * Trusts:  its own numbers.
 * Threads: one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "crl/bench_make.h"
#include "keys/keystore.h"
#include "x509/name.h"

enum {
	ENTRIES_DEFAULT = 1000000,
	ENTRIES_MAX = 10000000,
	ROUNDS = 9,
	BYTES_MAX = 1024 * 1024 * 1024,
};

struct bench {
	struct revoked_set *set;
	struct keystore *ks;
	struct key *key;
	struct buf issuer, out, copy;
};

static double
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* Anonymous memory of the process in MB. */
static double
anon_mb(void)
{
	AUTO_FILE f = fopen("/proc/self/status", "re");
	char line[128];
	int64_t kb = 0;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "RssAnon:", 8) == 0) {
			char *s = line + 8;

			while (*s == ' ' || *s == '\t')
				s++;
			*strchrnul(s, ' ') = '\0';
			rc_ignore(text_int(&kb, s, 0, INT64_MAX, NULL));
		}
	return (double)kb / 1024;
}

static struct num
random_serial(uint64_t i)
{
	uint64_t a = (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
	uint64_t b = (a ^ a >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
	uint8_t be[16];
	struct num n;
	size_t k;

	for (k = 0; k < 8; k++) {
		be[k] = (uint8_t)(a >> 8 * k);
		be[8 + k] = (uint8_t)(b >> 8 * k);
	}
	be[0] = (uint8_t)((be[0] & 0x7f) | 0x40); /* RSNv3: no sign octet */
	rc_ignore(num_from_view(&n, view_of(be, 16), NULL)); /* it fits */
	return n;
}

static enum rc
fill(struct bench *b, size_t n, struct err *e)
{
	struct crl_entry x = { .date = 1700000000, .reason = 1 };
	enum rc rc = RC_OK;
	size_t i;

	b->set = revoked_set_new();
	if (b->set == NULL)
		return err_set(e, RC_NOMEM, "set");
	for (i = 0; rc == RC_OK && i < n; i++) {
		x.serial = random_serial(i);
		x.date = 1700000000 + (int64_t)(i % 10000000);
		rc = revoked_put(b->set, &x, e);
	}
	return rc;
}

static enum rc
make(struct bench *b, struct err *e)
{
	const struct crl_header h = { .sigalg = key_default_sigalg(b->key),
		.issuer = buf_view(&b->issuer),
		.this_update = 1700000000,
		.next_update = 1700014400 };

	return bench_make(&b->out, b->set, &h, b->key, e);
}

static void
limit(struct bench *b)
{
	uint8_t d[DIGEST_MAX];

	buf_reset(&b->copy);
	buf_add_view(&b->copy, buf_view(&b->out));
	if (digest_of(d, DIGEST_SHA256, buf_view(&b->copy)) == 0)
		exit(1);
}

static int
order(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static enum rc
measure(struct bench *b, size_t n, struct err *e)
{
	double ours[ROUNDS], bare[ROUNDS], t, began = now_ms();
	double before = anon_mb(), filled;
	enum rc rc = fill(b, n, e);
	size_t i;

	if (rc != RC_OK)
		return rc;
	filled = now_ms() - began;
	printf("entries %zu: %.1f MB of DER in %.1f MB of memory, filled in "
	       "%.0f ms (%.2f us an entry)\n",
	    n, (double)revoked_bytes(b->set) / 1e6, anon_mb() - before, filled,
	    filled * 1e3 / (double)n);
	rc = make(b, e); /* warm: buffers have their pages */
	limit(b);
	for (i = 0; rc == RC_OK && i < ROUNDS; i++) {
		t = now_ms();
		rc = make(b, e);
		ours[i] = now_ms() - t;
		t = now_ms();
		limit(b);
		bare[i] = now_ms() - t;
	}
	if (rc != RC_OK)
		return rc;
	qsort(ours, ROUNDS, sizeof(*ours), order);
	qsort(bare, ROUNDS, sizeof(*bare), order);
	printf("crl: build+digest+sign %.1f ms [%.1f-%.1f], memcpy+SHA-256 "
	       "%.1f ms [%.1f-%.1f], ratio %.2f\n",
	    ours[ROUNDS / 2], ours[0], ours[ROUNDS - 1], bare[ROUNDS / 2],
	    bare[0], bare[ROUNDS - 1], ours[ROUNDS / 2] / bare[ROUNDS / 2]);
	return RC_OK;
}

static enum rc
run(struct bench *b, const char *dir, size_t n, struct err *e)
{
	struct keystore_open_params p = { .dir = dir, .create = true };
	struct keygen g = {
		.type = KEYTYPE_EC, .curve = OID_prime256v1, .extractable = true
	};
	enum rc rc = keystore_open(&b->ks, &p, e);

	if (rc == RC_OK)
		rc = keystore_generate(b->ks, &b->key, NULL, &g, e);
	if (rc == RC_OK)
		rc = name_parse(
		    &b->issuer, view_str("CN=CA Signing,O=EXAMPLE"), e);
	return rc == RC_OK ? measure(b, n, e) : rc;
}

int
main(int argc, char **argv)
{
	struct bench b = { .issuer = buf_empty(0),
		.out = buf_empty(BYTES_MAX),
		.copy = buf_empty(BYTES_MAX) };
	char dir[] = "/tmp/signet-crl-bench-XXXXXX";
	int64_t n = ENTRIES_DEFAULT;
	struct err e = { 0 };
	enum rc rc = RC_OK;

	if (argc > 1)
		rc = text_int(&n, argv[1], 1, ENTRIES_MAX, &e);
	if (rc == RC_OK && mkdtemp(dir) == NULL)
		rc = err_errno(&e, "%s", dir);
	if (rc == RC_OK) {
		rc = run(&b, dir, (size_t)n, &e);
		key_free(b.key);
		keystore_free(b.ks);
		revoked_set_free(b.set);
		rc_ignore(file_remove_tree(dir, NULL)); /* it is in /tmp */
	}
	if (rc != RC_OK)
		fprintf(stderr, "crl_bench: %s\n", e.text);
	buf_done(&b.issuer);
	buf_done(&b.out);
	buf_done(&b.copy);
	return rc_exit(rc);
}
