/* SPDX-License-Identifier: Apache-2.0 */
/* bench_crl.c - a CRL of 10^6 entries: making it beside copying, hashing and
 * signing the same octets; storing it beside a plain write; memory; and what a
 * revocation costs at 10 and at 10^6 revoked certificates.
 * Owns:    a temporary folder.
 * Trusts:  its own numbers.
 * Threads: one, and the store's. */
#include <fcntl.h>
#include <time.h>

#include "base/file.h"
#include "crl/bench_make.h"
#include "crl/issuing_point.h"
#include "keys/keystore.h"
#include "records.h"
#include "x509/name.h"
#include "x509/template.h"

enum {
	ENTRIES = 1000000,
	ENTRIES_SMALL = 20000,
	FEW = 10,
	ROUNDS = 5,
	REVOCATIONS = 501,
	GROUP = 2000,
	PIECE = 64 * 1024,
	BYTES_MAX = 1024 * 1024 * 1024,
};
#define ISSUER "CN=CA Signing Certificate,O=EXAMPLE"

/* A store with its issuing point. */
struct point {
	struct store *store;
	struct issuing_point *ip;
	uint64_t next; /* certificate to be revoked */
};

struct bench {
	char dir[64];
	struct keystore *ks;
	struct key *key;
	struct buf issuer, cert, out, copy;
	struct point few, many;
	int64_t now;
};

static double
ms_of(clockid_t which)
{
	struct timespec t;

	clock_gettime(which, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int
order(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), order);
	return v[n / 2];
}

/* Anonymous memory of the process in MB. */
static double
anon_mb(void)
{
	AUTO_FILE f = fopen("/proc/self/status", "re");
	char line[128];
	int64_t kb = 0;

	while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
		char *s = line + strlen("RssAnon:");
		if (strncmp(line, "RssAnon:", 8) != 0)
			continue;
		s += strspn(s, " \t");
		s[strcspn(s, " ")] = '\0';
		rc_ignore(text_int(&kb, s, 0, INT64_MAX, NULL)); /* 0 then */
	}
	return (double)kb / 1024;
}

/* --- the authority --------------------------------------------------------- */

static enum rc
make_ca(struct bench *b, struct err *e)
{
	AUTO(arena) a = arena_new(0);
	AUTO_BUF tbs = buf_empty(0);
	struct keystore_open_params p = { .dir = b->dir, .create = true };
	struct keygen g = {
		.type = KEYTYPE_EC, .curve = OID_prime256v1, .extractable = true
	};
	struct cert_template t;
	enum rc rc;

	if (a == NULL)
		return err_set(e, RC_NOMEM, "certificate");
	if ((rc = keystore_open(&b->ks, &p, e)) != RC_OK ||
	    (rc = keystore_generate(b->ks, &b->key, NULL, &g, e)) != RC_OK ||
	    (rc = name_parse(&b->issuer, view_str(ISSUER), e)) != RC_OK)
		return rc;
	template_init(&t, a);
	t.serial = num_from_u64(1);
	t.sigalg = key_default_sigalg(b->key);
	t.issuer = t.subject = buf_view(&b->issuer);
	t.spki = key_spki(b->key);
	t.not_before = b->now - 86400;
	t.not_after = b->now + (int64_t)86400 * 3650;
	rc = template_tbs(&tbs, &t, e);
	return rc != RC_OK
	    ? rc
	    : key_sign_object(b->key, t.sigalg, buf_view(&tbs), &b->cert, e);
}

/* An issuing point over a store with n revoked certificates and as many others
 * as will be revoked. */
static enum rc
open_point(struct bench *b, struct point *t, const char *name, uint64_t n,
    struct err *e)
{
	AUTO(cfg) c = cfg_new();
	AUTO_STR db = NULL;
	AUTO_STR crl = NULL;
	struct lmdb_params p = { .clock = &clock_system };
	struct issuing_point_params ip = { .id = "M",
		.clock = &clock_system,
		.key = b->key,
		.ca_cert = buf_view(&b->cert),
		.issuer = ISSUER,
		.host_ca = true };
	enum rc rc = RC_OK;

	if (c == NULL || asprintf(&db, "%s/%s-db", b->dir, name) < 0 ||
	    asprintf(&crl, "%s/%s-crl", b->dir, name) < 0)
		return err_set(e, RC_NOMEM, "issuing point");
	p.dir = db;
	rc = store_open_lmdb(&t->store, &p, e);
	for (uint64_t i = 0; rc == RC_OK && i < n + REVOCATIONS;) {
		AUTO(batch) x = batch_new();

		for (int k = 0; k < GROUP && i < n + REVOCATIONS; k++, i++)
			batch_add(x, bench_cert(i, ISSUER, i < n, b->now));
		rc = store_commit(t->store, x, e);
	}
	t->next = n;
	ip.cfg = c;
	ip.store = t->store;
	ip.dir = crl;
	return rc == RC_OK ? issuing_point_open(&t->ip, &ip, e) : rc;
}

static void
close_point(struct point *t)
{
	issuing_point_free(issuing_point_steal(&t->ip));
	store_free(store_steal(&t->store));
}

/* --- what is measured --------------------------------------------------------- */

static enum rc
make(struct bench *b, struct err *e)
{
	const struct crl_header h = { .sigalg = key_default_sigalg(b->key),
		.issuer = buf_view(&b->issuer),
		.this_update = b->now,
		.next_update = b->now + 14400 };

	return bench_make(
	    &b->out, issuing_point_set(b->many.ip), &h, b->key, e);
}

static enum rc
bare(struct bench *b, struct err *e)
{
	uint8_t d[DIGEST_MAX];
	AUTO_BUF sig = buf_empty(0);
	size_t n;

	buf_reset(&b->copy);
	buf_add_view(&b->copy, buf_view(&b->out));
	n = digest_of(d, DIGEST_SHA256, buf_view(&b->copy));
	return key_sign(
	    b->key, key_default_sigalg(b->key), view_of(d, n), &sig, e);
}

static enum rc
store_ours(struct bench *b, const char *path, struct err *e)
{
	AUTO(file_out) f = NULL;
	enum rc rc = file_out_new(&f, path, 0600, e);

	for (size_t at = 0; rc == RC_OK && at < b->out.len; at += PIECE) {
		size_t n =
		    b->out.len - at < PIECE ? b->out.len - at : (size_t)PIECE;
		rc = file_out_write(f, view_of(b->out.data + at, n), e);
	}
	return rc == RC_OK ? file_out_commit(f, e) : rc;
}

static enum rc
store_plain(struct bench *b, const char *path, struct err *e)
{
	AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	for (size_t at = 0; fd >= 0 && at < b->out.len;) {
		ssize_t n = write(fd, b->out.data + at, b->out.len - at);
		if (n <= 0)
			return err_errno(e, "%s", path);
		at += (size_t)n;
	}
	return fd >= 0 && fsync(fd) == 0 ? RC_OK : err_errno(e, "%s", path);
}

/* Medians of ours and of the limit, in turn. */
static enum rc
making(struct bench *b, struct err *e)
{
	double ours[ROUNDS], limit[ROUNDS], t;
	enum rc rc = make(b, e); /* warm: buffers have their pages */

	if (rc == RC_OK)
		rc = bare(b, e);
	for (int i = 0; rc == RC_OK && i < ROUNDS; i++) {
		t = ms_of(CLOCK_PROCESS_CPUTIME_ID);
		rc = make(b, e);
		ours[i] = ms_of(CLOCK_PROCESS_CPUTIME_ID) - t;
		t = ms_of(CLOCK_PROCESS_CPUTIME_ID);
		if (rc == RC_OK)
			rc = bare(b, e);
		limit[i] = ms_of(CLOCK_PROCESS_CPUTIME_ID) - t;
	}
	if (rc == RC_OK)
		printf("CRL of %zu entries: build, digest, sign\t%.1f\tms "
		       "CPU\t%.1f\tmemcpy + SHA-256 + signature, aim 3\n",
		    revoked_count(issuing_point_set(b->many.ip)),
		    median(ours, ROUNDS), median(limit, ROUNDS));
	return rc;
}

static enum rc
storing(struct bench *b, struct err *e)
{
	double ours[ROUNDS], limit[ROUNDS], t;
	char path[80];
	enum rc rc = RC_OK;

	for (int i = 0; rc == RC_OK && i < ROUNDS; i++) {
		snprintf(path, sizeof(path), "%s/ours%d", b->dir, i);
		t = ms_of(CLOCK_MONOTONIC);
		rc = store_ours(b, path, e);
		ours[i] = ms_of(CLOCK_MONOTONIC) - t;
		snprintf(path, sizeof(path), "%s/plain%d", b->dir, i);
		t = ms_of(CLOCK_MONOTONIC);
		if (rc == RC_OK)
			rc = store_plain(b, path, e);
		limit[i] = ms_of(CLOCK_MONOTONIC) - t;
	}
	if (rc == RC_OK)
		printf("  storing it, %.1f MB\t%.1f\tms\t%.1f\tplain write + "
		       "fsync, aim 1.3\n",
		    (double)b->out.len / 1e6, median(ours, ROUNDS),
		    median(limit, ROUNDS));
	return rc;
}

/* The whole of it through the issuing point. */
static enum rc
generating(struct bench *b, double before, struct err *e)
{
	struct generate_options o = { .force = true, .sigalg = SIGALG_COUNT };
	double t = ms_of(CLOCK_MONOTONIC), cpu;
	bool made;
	enum rc rc;

	cpu = ms_of(CLOCK_PROCESS_CPUTIME_ID);
	rc = issuing_point_generate(b->many.ip, &o, &made, e);
	if (rc != RC_OK)
		return rc;
	printf("CRL through the issuing point, in all\t%.0f\tms\t-\t%.0f ms of "
	       "it CPU\n",
	    ms_of(CLOCK_MONOTONIC) - t, ms_of(CLOCK_PROCESS_CPUTIME_ID) - cpu);
	printf("  anonymous memory after it\t%.1f\tMB\t-\t%.1f MB before the "
	       "set was there\n",
	    anon_mb(), before);
	return RC_OK;
}

/* CPU us of one revocation's commit, feed and set included. */
static enum rc
revoke_one(struct point *p, double *us, struct err *e)
{
	struct num serial = bench_serial(p->next++);
	char id[NUM_TEXT_MAX];
	AUTO(batch) x = batch_new();
	double t = ms_of(CLOCK_PROCESS_CPUTIME_ID);
	enum rc rc;

	batch_modify(x, REC_CERT, num_hex(id, &serial));
	batch_mod_str(x, MOD_REPLACE, "certStatus", "REVOKED");
	batch_mod_str(
	    x, MOD_REPLACE, "revInfo", "20261121200700Z;CRLReasonExtension=1");
	rc = store_commit(p->store, x, e);
	*us = (ms_of(CLOCK_PROCESS_CPUTIME_ID) - t) * 1e3;
	return rc;
}

/* In turn, so that whatever else the machine does meets both alike. */
static enum rc
revoking(struct bench *b, uint64_t n, struct err *e)
{
	double few[REVOCATIONS], many[REVOCATIONS];
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < REVOCATIONS; i++) {
		rc = revoke_one(&b->few, &few[i], e);
		if (rc == RC_OK)
			rc = revoke_one(&b->many, &many[i], e);
	}
	if (rc == RC_OK)
		printf("revocation among %llu\t%.1f\tus CPU\t%.1f\tamong %d; "
		       "medians of %d in turn\n",
		    (unsigned long long)n, median(many, REVOCATIONS),
		    median(few, REVOCATIONS), FEW, REVOCATIONS);
	return rc;
}

static enum rc
run(struct bench *b, uint64_t n, struct err *e)
{
	double before;
	enum rc rc;

	if ((rc = make_ca(b, e)) != RC_OK ||
	    (rc = open_point(b, &b->few, "few", FEW, e)) != RC_OK)
		return rc;
	before = anon_mb();
	if ((rc = open_point(b, &b->many, "many", n, e)) != RC_OK ||
	    (rc = generating(b, before, e)) != RC_OK ||
	    (rc = making(b, e)) != RC_OK || (rc = storing(b, e)) != RC_OK)
		return rc;
	return revoking(b, n, e);
}

int
main(void)
{
	static struct bench b = { .dir = "/tmp/signet-bench-crl-XXXXXX" };
	const char *scale = getenv("BENCH_SCALE");
	bool small = scale != NULL && strcmp(scale, "small") == 0;
	struct err e = { RC_OK, "" };
	enum rc rc = RC_OK;

	b.now = clock_now(&clock_system);
	b.issuer = b.cert = buf_empty(0);
	b.out = b.copy = buf_empty(BYTES_MAX);
	if (mkdtemp(b.dir) == NULL)
		rc = err_errno(&e, "%s", b.dir);
	if (rc == RC_OK) {
		rc = run(&b, small ? ENTRIES_SMALL : ENTRIES, &e);
		close_point(&b.few);
		close_point(&b.many);
		key_free(b.key);
		keystore_free(b.ks);
		rc_ignore(file_remove_tree(b.dir, NULL)); /* it is in /tmp */
	}
	if (rc != RC_OK)
		fprintf(stderr, "bench_crl: %s\n", e.text);
	buf_done(&b.issuer);
	buf_done(&b.cert);
	buf_done(&b.out);
	buf_done(&b.copy);
	return rc_exit(rc);
}
