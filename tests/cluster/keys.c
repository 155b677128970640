/* SPDX-License-Identifier: Apache-2.0 */
/* keys.c - the CA's key and certificate, a client's request, an audit log that
 * nobody reads: made once a process.
 * Owns:    struct keys.
 * Trusts:  nothing.
 * Threads: one. */
#include "base/file.h"
#include "base/path.h"
#include "cluster.h"
#include "x509/name.h"
#include "x509/req.h"

#define PIN "Secret.123"
#define ISSUER "CN=Test CA,O=EXAMPLE"
#define SUBJECT "CN=www.example.com,O=EXAMPLE"

static const int64_t year = 365 * 86400;

static struct secret *
pin(void *arg, const char *token)
{
	(void)arg;
	(void)token;
	return secret_new(view_str(PIN));
}

static enum rc
make_cert(struct keys *k, struct err *e)
{
	AUTO(arena) a = arena_new(0);
	AUTO_BUF name = buf_empty(0), tbs = buf_empty(0), v = buf_empty(0);
	struct basic_constraints bc = { .ca = true, .path_len = -1 };
	int64_t now = clock_now(&clock_system);
	struct cert_template t;
	enum rc rc;

	if (a == NULL)
		return err_set(e, RC_NOMEM, "certificate");
	template_init(&t, a);
	if ((rc = name_parse(&name, view_str(ISSUER), e)) != RC_OK)
		return rc;
	t.serial = num_from_u64(1);
	t.sigalg = key_default_sigalg(k->ca);
	t.issuer = t.subject = buf_view(&name);
	t.spki = key_spki(k->ca);
	t.not_before = now - year;
	t.not_after = now + 20 * year;
	ext_put_basic_constraints(&v, &bc);
	if ((rc = ext_list_set_buf(
		 &t.exts, OID_basicConstraints, true, &v, e)) != RC_OK ||
	    (rc = template_tbs(&tbs, &t, e)) != RC_OK)
		return rc;
	return key_sign_object(k->ca, t.sigalg, buf_view(&tbs), &k->ca_der, e);
}

static enum rc
make_csr(struct keys *k, struct key *key, struct err *e)
{
	AUTO_BUF name = buf_empty(0), tbs = buf_empty(0), der = buf_empty(0);
	enum rc rc;

	if ((rc = name_parse(&name, view_str(SUBJECT), e)) != RC_OK)
		return rc;
	req_tbs_put(&tbs, buf_view(&name), key_spki(key), NULL);
	rc = key_sign_object(
	    key, key_default_sigalg(key), buf_view(&tbs), &der, e);
	if (rc == RC_OK)
		text_add_pem(
		    &k->csr, "CERTIFICATE REQUEST", buf_view(&der), "\n");
	return rc == RC_OK ? buf_check(&k->csr, e) : rc;
}

enum rc
keys_make(struct keys *k, struct err *e)
{
	AUTO_STR dir = path_new("/alias");
	AUTO_STR log = path_new("/audit.log");
	struct keystore_open_params p = {
		.dir = dir, .create = true, .pin = pin
	};
	struct keygen g = { .type = KEYTYPE_EC,
		.curve = OID_prime256v1,
		.extractable = true,
		.sensitive = true };
	struct keygen rsa = { .type = KEYTYPE_RSA,
		.rsa_bits = 2048,
		.extractable = true,
		.sensitive = true };
	AUTO(keystore) ks = NULL;
	AUTO(key) user = NULL;
	AUTO(cfg) cfg = cfg_new();
	enum rc rc;

	k->ca_der = k->csr = buf_empty(0);
	if (dir == NULL || log == NULL || cfg == NULL)
		return err_set(e, RC_NOMEM, "keys");
	if ((rc = file_mkdirs(dir, 0700, e)) != RC_OK ||
	    (rc = keystore_open(&ks, &p, e)) != RC_OK ||
	    (rc = keystore_generate(ks, &k->ca, NULL, &g, e)) != RC_OK ||
	    (rc = keystore_generate(ks, &user, NULL, &rsa, e)) != RC_OK ||
	    (rc = make_cert(k, e)) != RC_OK ||
	    (rc = make_csr(k, user, e)) != RC_OK)
		return rc;
	return audit_open(&k->audit, cfg, log, ks, &clock_system, e);
}

void
keys_done(struct keys *k)
{
	key_free(k->ca);
	buf_done(&k->ca_der);
	buf_done(&k->csr);
	audit_free(k->audit);
}
