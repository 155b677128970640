/* SPDX-License-Identifier: Apache-2.0 */
/* keys_test.h - what the tests of this room share: temporary databases, foreign
 * tools, a self-signed certificate. */
#ifndef KEYS_TEST_H
#define KEYS_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/secret.h"
#include "base/text.h"
#include "der/reader.h"
#include "der/writer.h"
#include "keys/keystore.h"

#define TEST_PIN "Secret.123"

struct test_dir {
	char path[64];
};

static inline struct test_dir
dir_new(void)
{
	struct test_dir d = { "/tmp/signet-keys-XXXXXX" };

	assert_non_null(mkdtemp(d.path));
	return d;
}

static inline void
dir_remove(const struct test_dir *d)
{
	assert_int_equal(file_remove_tree(d->path, NULL), RC_OK);
}

static inline void
dir_write(const struct test_dir *d, const char *name, struct view v)
{
	AUTO_BUF path = buf_empty(0);

	buf_addf(&path, "%s/%s", d->path, name);
	assert_int_equal(file_write(buf_cstr(&path), v, 0600, NULL), RC_OK);
}

static inline void
dir_read(const struct test_dir *d, const char *name, struct buf *out)
{
	AUTO_BUF path = buf_empty(0);

	buf_addf(&path, "%s/%s", d->path, name);
	assert_int_equal(file_read(out, buf_cstr(&path), NULL), RC_OK);
}

/* Runs a shell command inside d, its output into out; returns its status. */
static inline int PRINTF(3, 4)
    sh(const struct test_dir *d, struct buf *out, const char *fmt, ...)
{
	AUTO_BUF cmd = buf_empty(0);
	char chunk[1024], line[2048];
	va_list ap;
	size_t n;
	FILE *f;
	int st;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	buf_addf(&cmd, "cd %s && (%s) 2>&1", d->path, line);
	f = popen(buf_cstr(&cmd), "r");
	assert_non_null(f);
	buf_reset(out);
	while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
		buf_add(out, chunk, n);
	st = pclose(f);
	return st;
}

#define assert_sh(d, out, ...)                                  \
	do {                                                    \
		if (sh((d), (out), __VA_ARGS__) != 0)           \
			fail_msg("command: %s", buf_cstr(out)); \
	} while (0)

#define assert_ok(call)                                                        \
	do {                                                                   \
		enum rc rc_ = (call);                                          \
		if (rc_ != RC_OK)                                              \
			fail_msg("%s: %s: %s", #call, rc_text(rc_), err.text); \
	} while (0)

static inline struct secret *
test_pin(void *arg, const char *token)
{
	(void)token;
	return arg != NULL ? secret_new(view_str(arg)) : NULL;
}

static inline void
put_name(struct buf *b, const char *cn)
{
	size_t name = der_open(b, DER_SEQUENCE);
	size_t set = der_open(b, DER_SET);
	size_t atv = der_open(b, DER_SEQUENCE);

	der_put_oid(b, oid_der(OID_commonName));
	der_put_utf8(b, cn);
	der_close(b, atv);
	der_close(b, set);
	der_close(b, name);
}

/* A certificate for spki, signed by k in issuer's name. */
static inline void
make_cert(struct buf *out, struct key *k, const char *issuer, const char *cn,
    struct view spki, int serial, bool ca)
{
	AUTO_BUF tbs = buf_empty(0);
	enum sigalg a = key_default_sigalg(k);
	int64_t now = clock_now(&clock_system);
	size_t seq = der_open(&tbs, DER_SEQUENCE), m, n, v;
	struct err err;

	m = der_open(&tbs, DER_CONTEXT_CONS(0));
	der_put_int(&tbs, 2);
	der_close(&tbs, m);
	der_put_int(&tbs, serial);
	sigalg_put(&tbs, a);
	put_name(&tbs, issuer);
	m = der_open(&tbs, DER_SEQUENCE);
	der_put_time(&tbs, now - 60 + serial);
	der_put_time(&tbs, now + 86400);
	der_close(&tbs, m);
	put_name(&tbs, cn);
	der_put_raw(&tbs, spki);
	if (ca) {
		AUTO_BUF bc = buf_empty(0);

		v = der_open(&bc, DER_SEQUENCE);
		der_put_bool(&bc, true);
		der_close(&bc, v);
		m = der_open(&tbs, DER_CONTEXT_CONS(3));
		n = der_open(&tbs, DER_SEQUENCE);
		v = der_open(&tbs, DER_SEQUENCE);
		der_put_oid(&tbs, oid_der(OID_basicConstraints));
		der_put_bool(&tbs, true);
		der_put_octets(&tbs, buf_view(&bc));
		der_close(&tbs, v);
		der_close(&tbs, n);
		der_close(&tbs, m);
	}
	der_close(&tbs, seq);
	assert_ok(key_sign_object(k, a, buf_view(&tbs), out, &err));
}

#endif
