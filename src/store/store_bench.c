/* SPDX-License-Identifier: Apache-2.0 */
/* store_bench.c - what the embedded store does, each figure beside its limit:
 * commits at several group sizes against raw appends with fdatasync, point
 * reads, the scan of the revoked.
 * usage: store_bench [RECORDS]   (default 100000; the goals name 1000000)
 * Owns:    a temporary folder below TMPDIR.
 * Trusts:  its user.
 * Threads: as many committers as the group size. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>

#include "store/test_help.h"

#include "store/rec_request.h"

enum {
	SECONDS = 3,
	GROUP_SIZES = 3,
	RAW_RECORD = 2048,
};
static const size_t group_sizes[GROUP_SIZES] = { 1, 16, 64 };

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Processor time of this process, seconds. */
static double
cpu(void)
{
	struct rusage r;

	getrusage(RUSAGE_SELF, &r);
	return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) +
	    (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e6;
}

/* Counters of /proc/self/io: bytes and calls of write. */
static void
written(int64_t *bytes, int64_t *calls)
{
	AUTO_BUF b = buf_empty(0);
	char *line[16];
	size_t n;

	*bytes = *calls = 0;
	if (file_read(&b, "/proc/self/io", NULL) != RC_OK)
		return;
	n = text_split((char *)b.data, "\n", line, 15);
	for (size_t i = 0; i < n && i < 15; i++) {
		if (text_starts(line[i], "wchar: "))
			OK(text_int(bytes, line[i] + 7, 0, INT64_MAX, e));
		if (text_starts(line[i], "syscw: "))
			OK(text_int(calls, line[i] + 7, 0, INT64_MAX, e));
	}
}

static uint64_t
mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15u;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

static struct num
random_num(uint64_t i)
{
	uint8_t b[16];

	for (size_t j = 0; j < 8; j++) {
		b[j] = (uint8_t)(mix(2 * i) >> (8 * j));
		b[j + 8] = (uint8_t)(mix(2 * i + 1) >> (8 * j));
	}
	b[0] |= 1;
	{
		struct num n;

		OK(num_from_view(&n, view_of(b, sizeof(b)), e));
		return n;
	}
}

static struct rec *
cert(uint64_t i, bool revoked)
{
	static const uint8_t der[1100] = { 0x30 }, spki[294] = { 0x30 };
	static const char *const exts[] = { "2.5.29.35", "2.5.29.14",
		"2.5.29.15", "2.5.29.37", "1.3.6.1.5.5.7.1.1", NULL };
	struct num req = random_num(i + (1ull << 40));
	char subject[64], id[NUM_TEXT_MAX];
	struct cert_rec c = { .serial = random_num(i),
		.status = revoked ? CERT_REVOKED : CERT_VALID,
		.created = 1795000000 + (int64_t)(i / 1000),
		.modified = 1795000000 + (int64_t)(i / 1000),
		.not_before = 1795000000 + (int64_t)(i / 1000),
		.not_after = 1810000000 + (int64_t)(i / 1000),
		.subject = subject,
		.issuer = "CN=CA Signing Certificate,OU=pki-tomcat,O=EXAMPLE",
		.issued_by = "admin",
		.profile_id = "caServerCert",
		.request_id = id,
		.key_oid = "1.2.840.113549.1.1.1",
		.sig_oid = "1.2.840.113549.1.1.11",
		.extensions = exts,
		.spki = view_of(spki, sizeof(spki)),
		.der = view_of(der, sizeof(der)),
		.auto_renew = true,
		.revoked = revoked,
		.rev = { 1796000000, 1, 0, "admin", 1796000000 } };

	num_hex(id, &req);
	snprintf(subject, sizeof(subject), "CN=host%llu.example.com,O=EXAMPLE",
	    (unsigned long long)mix(i) % 100000000);
	return cert_rec_encode(&c);
}

static struct rec *
request(uint64_t i)
{
	static const uint8_t blob[900] = { 0x30 };
	struct num id = random_num(i + (1ull << 40));
	AUTO(request_rec) q = request_rec_new(&id, "enrollment");

	q->state = REQUEST_COMPLETE;
	q->created = q->modified = 1795000000;
	q->owner = strdup("admin");
	request_set(q, "profileid", "caServerCert");
	request_set(q, "profile", "true");
	request_set(q, "cert_request_type", "pkcs10");
	request_set(q, "requeststatus", "complete");
	request_set(q, "result", "1");
	request_set_bytes(q, "cert_request", view_of(blob, sizeof(blob)));
	return request_rec_encode(q);
}

/* --- commits ------------------------------------------------------------ */

struct run {
	struct store *s;
	_Atomic uint64_t *next;
	_Atomic uint64_t *done;
	double until;
	pthread_t thread;
};

static void *
commit_pairs(void *arg)
{
	struct run *r = arg;

	while (now() < r->until) {
		uint64_t i = (*r->next)++;
		AUTO(batch) b = batch_new();

		batch_add(b, request(i));
		batch_add(b, cert(i, false));
		OK(store_commit(r->s, b, e));
		(*r->done)++;
	}
	return NULL;
}

static double
raw_appends(const char *dir, size_t records)
{
	AUTO_STR path = NULL;
	AUTO_STR data = calloc(records, RAW_RECORD);
	AUTO_FD fd = -1;
	double from = now();
	size_t n = 0;

	if (asprintf(&path, "%s/raw", dir) < 0 ||
	    (fd = open(path, O_WRONLY | O_CREAT, 0600)) < 0)
		return 0;
	for (; now() - from < SECONDS; n++)
		if (write(fd, data, records * RAW_RECORD) < 0 ||
		    fdatasync(fd) != 0)
			return 0;
	unlink(path);
	return (double)n / (now() - from);
}

static void
bench_commits(struct store *s, const char *dir, _Atomic uint64_t *next)
{
	for (size_t g = 0; g < GROUP_SIZES; g++) {
		size_t n = group_sizes[g];
		double raw = raw_appends(dir, 2 * n), took;
		_Atomic uint64_t done = 0;
		struct run runs[64];
		struct store_stats a, b;

		store_stats(s, &a);
		took = now();
		for (size_t i = 0; i < n; i++) {
			runs[i] =
			    (struct run){ s, next, &done, took + SECONDS, 0 };
			pthread_create(
			    &runs[i].thread, NULL, commit_pairs, &runs[i]);
		}
		for (size_t i = 0; i < n; i++)
			pthread_join(runs[i].thread, NULL);
		took = now() - took;
		store_stats(s, &b);
		printf("committers %2zu: %7.0f commits/s of 2 records "
		       "(%7.0f records/s, %.1f commits a group); raw append "
		       "+ fdatasync of %zu: %6.0f/s, ratio %.2f\n",
		    n, (double)done / took, 2 * (double)done / took,
		    (double)(b.commits - a.commits) /
			(double)(b.groups - a.groups),
		    2 * n, raw,
		    raw > 0 ? (double)(b.groups - a.groups) / took / raw : 0);
	}
}

/* One committer, batches of 64 records made beforehand: the store alone. */
static void
bench_batches(struct store *s, _Atomic uint64_t *next)
{
	enum {
		BATCHES = 200,
		RECORDS = 64
	};
	struct batch *list[BATCHES];
	int64_t bytes, calls, bytes2, calls2;
	double from, used;

	for (size_t i = 0; i < BATCHES; i++) {
		list[i] = batch_new();
		for (size_t j = 0; j < RECORDS / 2; j++) {
			uint64_t n = (*next)++;

			batch_add(list[i], request(n));
			batch_add(list[i], cert(n, false));
		}
	}
	written(&bytes, &calls);
	from = now();
	used = cpu();
	for (size_t i = 0; i < BATCHES; i++)
		OK(store_commit(s, list[i], e));
	used = cpu() - used;
	from = now() - from;
	written(&bytes2, &calls2);
	printf("one committer, 64 records a commit: %7.0f records/s, "
	       "%.1f us of processor a record, %.0f KiB in %.0f writes a "
	       "commit\n",
	    BATCHES * RECORDS / from, used * 1e6 / (BATCHES * RECORDS),
	    (double)(bytes2 - bytes) / 1024 / BATCHES,
	    (double)(calls2 - calls) / BATCHES);
	for (size_t i = 0; i < BATCHES; i++)
		batch_free(list[i]);
}

/* --- reads -------------------------------------------------------------- */

static bool
count_one(void *arg, const struct rec *r)
{
	(void)r;
	++*(uint64_t *)arg;
	return true;
}

static void
bench_reads(struct store *s, uint64_t records)
{
	static const char *const attrs[] = { "serialno", "revInfo", NULL };
	struct query q = { .kind = REC_CERT,
		.filter = "(certStatus=REVOKED)",
		.attrs = attrs };
	struct query page = { .kind = REC_CERT,
		.filter = "(certStatus=VALID)",
		.order = "serialno",
		.limit = 20 };
	double from = now();
	uint64_t n = 0;

	for (uint64_t i = 0; i < 200000; i++) {
		struct num id = random_num(mix(i) % records);
		char hex[NUM_TEXT_MAX];
		AUTO(rec) r = NULL;

		OK(store_get(s, &r, REC_CERT, num_hex(hex, &id), e));
	}
	printf("point reads: %.0f/s\n", 200000 / (now() - from));
	for (int i = 0; i < 3; i++) {
		n = 0;
		from = now();
		OK(store_search(s, &q, count_one, &n, e));
		printf("revoked scan: %llu of %llu in %.3f s\n",
		    (unsigned long long)n, (unsigned long long)records,
		    now() - from);
	}
	from = now();
	OK(store_search(s, &page, count_one, &n, e));
	printf("first page of the valid by serial: %.2f ms\n",
	    (now() - from) * 1000);
}

int
main(int argc, char **argv)
{
	int64_t records = 100000;
	char *dir = help_folder();
	AUTO_STR at = NULL;
	struct store *s = NULL;
	struct lmdb_params p = { 0 };
	_Atomic uint64_t next;
	double from = now();

	if (argc > 1 &&
	    text_int(&records, argv[1], 1000, 100000000, NULL) != RC_OK)
		return 2;
	if (asprintf(&at, "%s/db", dir) < 0)
		return 1;
	p.dir = at;
	OK(store_open_lmdb(&s, &p, e));
	for (uint64_t i = 0; i < (uint64_t)records;) {
		AUTO(batch) b = batch_new();

		for (int j = 0; j < 1000 && i < (uint64_t)records; j++, i++)
			batch_add(b, cert(i, i % 10 == 0));
		OK(store_commit(s, b, e));
	}
	printf("filled with %lld certificates, a tenth revoked, in %.1f s\n",
	    (long long)records, now() - from);
	bench_reads(s, (uint64_t)records);
	next = (uint64_t)records;
	bench_commits(s, dir, &next);
	bench_batches(s, &next);
	from = now();
	store_free(s);
	OK(store_open_lmdb(&s, &p, e));
	printf("close and open: %.1f ms\n", (now() - from) * 1000);
	store_free(s);
	help_remove(dir);
	return 0;
}
