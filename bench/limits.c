/* SPDX-License-Identifier: Apache-2.0 */
/* limits.c - what the parts of an operation cost by themselves, as shell words.
 * usage: limits crypto               us of one request check, one signature
 *        limits commit STORE GROUP   us of one durable commit of the records of
 *                                    an enrolment into STORE, GROUP committers
 *        limits keygen BITS...       ms of making RSA keys
 * Owns:    nothing; STORE grows.
 * Trusts:  its user.
 * Threads: as many committers as asked for. */
#include <stdatomic.h>
#include <time.h>

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/thread.h"
#include "keys/key.h"
#include "store/store.h"
#include "x509/req.h"

enum {
	CALLS = 2000,
	GROUP_MAX = 256,
	COMMITS = 4000,
	TBS = 1000,
};

static double
clock_of(clockid_t which)
{
	struct timespec t;

	clock_gettime(which, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* --- crypto ---------------------------------------------------------------- */

/* us of one signature. */
static double
sign(EVP_PKEY *key)
{
	static const uint8_t tbs[TBS] = { 0x30 };
	double from = clock_of(CLOCK_PROCESS_CPUTIME_ID);
	uint8_t sig[512];

	for (int i = 0; i < CALLS; i++) {
		EVP_MD_CTX *md = EVP_MD_CTX_new();
		size_t len = sizeof(sig);

		if (md == NULL ||
		    EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, key) !=
			1 ||
		    EVP_DigestSign(md, sig, &len, tbs, TBS) != 1)
			exit(1);
		EVP_MD_CTX_free(md);
	}
	return (clock_of(CLOCK_PROCESS_CPUTIME_ID) - from) / CALLS;
}

/* us of reading a request and checking its proof of possession. */
static double
check(EVP_PKEY *key)
{
	X509_REQ *x = X509_REQ_new();
	unsigned char *der = NULL;
	double from;
	struct req r;
	int n = 0;

	if (x != NULL && X509_REQ_set_pubkey(x, key) == 1 &&
	    X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(x), "CN",
		MBSTRING_UTF8, (const unsigned char *)"www.example.com", -1, -1,
		0) == 1 &&
	    X509_REQ_sign(x, key, EVP_sha256()) > 0)
		n = i2d_X509_REQ(x, &der);
	X509_REQ_free(x);
	if (n <= 0)
		exit(1);
	from = clock_of(CLOCK_PROCESS_CPUTIME_ID);
	for (int i = 0; i < CALLS; i++) {
		if (req_parse(&r, view_of(der, (size_t)n), NULL) != RC_OK ||
		    spki_verify(r.spki, req_sigalg(&r), r.tbs, r.sig, NULL) !=
			RC_OK)
			exit(1);
	}
	from = (clock_of(CLOCK_PROCESS_CPUTIME_ID) - from) / CALLS;
	OPENSSL_free(der);
	return from;
}

static enum rc
crypto(void)
{
	EVP_PKEY *ec = EVP_EC_gen("P-256"), *rsa = EVP_RSA_gen(2048);

	if (ec == NULL || rsa == NULL)
		return RC_CRYPTO;
	printf("check_us=%.1f ec_us=%.1f rsa_us=%.1f\n", check(rsa), sign(ec),
	    sign(rsa));
	EVP_PKEY_free(ec);
	EVP_PKEY_free(rsa);
	return RC_OK;
}

/* --- commits ------------------------------------------------------------------ */

struct commits {
	struct store *s;
	struct rec *request, *cert;
	uint64_t first; /* of the ids, one run's are not another's */
	_Atomic uint64_t next;
};

static struct rec *
with_id(const struct rec *r, uint64_t i)
{
	struct rec *x;
	char id[32];

	snprintf(id, sizeof(id), "%llx",
	    (unsigned long long)(i * UINT64_C(0x9e3779b97f4a7c15)) | 1);
	x = rec_new(r->kind, id);
	for (size_t k = 0; k < r->n; k++)
		for (size_t v = 0; v < r->attrs[k].n; v++)
			rec_add(x, r->attrs[k].name, r->attrs[k].values[v]);
	return x;
}

static void *
committer(void *arg)
{
	struct commits *c = arg;
	static const uint8_t line[300] = { 'x' };
	uint64_t i;

	while ((i = atomic_fetch_add(&c->next, 1)) < COMMITS) {
		AUTO(batch) b = batch_new();
		uint64_t id = c->first + 2 * i;

		batch_add(b, with_id(c->request, id));
		batch_add(b, with_id(c->cert, id + 1));
		batch_effect(b, "audit", view_of(line, sizeof(line)));
		batch_effect(b, "audit", view_of(line, sizeof(line)));
		if (store_commit(c->s, b, NULL) != RC_OK)
			exit(1);
	}
	return NULL;
}

static bool
keep(void *arg, const struct rec *r)
{
	*(struct rec **)arg = rec_copy(r);
	return false;
}

/* The newest request that has a certificate, and a certificate. */
static enum rc
samples(struct commits *c, struct err *e)
{
	struct query q = { .kind = REC_REQUEST,
		.filter = "(requestState=complete)",
		.order = "-dateOfCreate",
		.limit = 1 };
	enum rc rc = store_search(c->s, &q, keep, &c->request, e);

	q = (struct query){ .kind = REC_CERT,
		.filter = "(certStatus=VALID)",
		.order = "-dateOfCreate",
		.limit = 1 };
	if (rc == RC_OK)
		rc = store_search(c->s, &q, keep, &c->cert, e);
	if (rc == RC_OK && (c->request == NULL || c->cert == NULL))
		rc = err_set(e, RC_NOTFOUND, "no enrolment in the store");
	return rc;
}

static enum rc
commit(const char *dir, int64_t group, struct err *e)
{
	struct commits c = { .first = (uint64_t)clock_now_ms(&clock_system)
		    << 16 };
	struct lmdb_params p = { .dir = dir, .clock = &clock_system };
	struct store_stats was, now;
	pthread_t threads[GROUP_MAX];
	double cpu, wall;
	enum rc rc;

	if ((rc = store_open_lmdb(&c.s, &p, e)) != RC_OK ||
	    (rc = samples(&c, e)) != RC_OK)
		return rc;
	store_stats(c.s, &was);
	cpu = clock_of(CLOCK_PROCESS_CPUTIME_ID);
	wall = clock_of(CLOCK_MONOTONIC);
	for (int64_t i = 0; i < group; i++) {
		rc = thread_start(&threads[i], "commit", committer, &c, e);
		if (rc != RC_OK)
			exit(1);
	}
	for (int64_t i = 0; i < group; i++)
		pthread_join(threads[i], NULL);
	store_stats(c.s, &now);
	printf("commit_us=%.1f commit_wall_us=%.1f commit_group=%.1f\n",
	    (clock_of(CLOCK_PROCESS_CPUTIME_ID) - cpu) / COMMITS,
	    (clock_of(CLOCK_MONOTONIC) - wall) / COMMITS,
	    (double)COMMITS / (double)(now.groups - was.groups));
	store_free(c.s);
	rec_free(c.request);
	rec_free(c.cert);
	return RC_OK;
}

/* --- keys ------------------------------------------------------------------------ */

/* ms: made by libcrypto, the least that must be done. */
static enum rc
keygen(char **bits, int n, struct err *e)
{
	double from = clock_of(CLOCK_MONOTONIC);
	double cpu = clock_of(CLOCK_PROCESS_CPUTIME_ID);

	for (int i = 0; i < n; i++) {
		int64_t b;
		EVP_PKEY *k = NULL;
		enum rc rc = text_int(&b, bits[i], 1024, 8192, e);

		if (rc != RC_OK)
			return rc;
		if ((k = EVP_RSA_gen((unsigned)b)) == NULL)
			return err_openssl(e, RC_CRYPTO, "RSA key");
		EVP_PKEY_free(k);
	}
	printf("keygen_ms=%.1f keygen_cpu_ms=%.1f\n",
	    (clock_of(CLOCK_MONOTONIC) - from) / 1e3,
	    (clock_of(CLOCK_PROCESS_CPUTIME_ID) - cpu) / 1e3);
	return RC_OK;
}

int
main(int argc, char **argv)
{
	struct err e = { RC_OK, "wrong arguments, see limits.c" };
	enum rc rc = RC_INVALID;
	int64_t n;

	if (argc == 2 && strcmp(argv[1], "crypto") == 0)
		rc = crypto();
	else if (argc == 4 && strcmp(argv[1], "commit") == 0 &&
	    text_int(&n, argv[3], 1, GROUP_MAX, NULL) == RC_OK)
		rc = commit(argv[2], n, &e);
	else if (argc > 2 && strcmp(argv[1], "keygen") == 0)
		rc = keygen(argv + 2, argc - 2, &e);
	if (rc != RC_OK)
		fprintf(stderr, "limits: %s\n", e.text);
	return rc_exit(rc);
}
