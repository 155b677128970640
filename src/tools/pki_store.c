/* SPDX-License-Identifier: Apache-2.0 */
/* pki_store.c - certificates in and out of the user's NSS database, and chains
 * in it.
 * Owns:    nothing.
 * Trusts:  the user's database; files are parsed strictly.
 * Threads: none. */
#include "tools/pki_certs.h"

#include "base/clock.h"
#include "x509/cms.h"
#include "x509/name.h"
#include "x509/verify.h"

enum rc
certs_nickname(struct buf *out, struct view der, struct err *e)
{
	struct cert c;
	enum rc rc = cert_parse(&c, der, e);

	if (rc != RC_OK)
		return rc;
	if (name_get(out, c.subject, OID_commonName, 0, NULL) == RC_OK)
		return buf_check(out, e);
	return name_text(out, c.subject, e);
}

enum rc
certs_import_file(struct keystore *ks, const char *nickname, const char *path,
    const char *format, const char *trust, struct buf *used, struct err *e)
{
	AUTO_BUF der = buf_empty(CERT_DER_MAX);
	enum rc rc = out_read_der(&der, path, format, "CERTIFICATE", e);

	if (rc != RC_OK)
		return rc;
	if (nickname != NULL)
		buf_add_str(used, nickname);
	else if ((rc = certs_nickname(used, buf_view(&der), e)) != RC_OK)
		return rc;
	if ((rc = buf_check(used, e)) != RC_OK)
		return rc;
	return keystore_import_cert(
	    ks, buf_cstr(used), buf_view(&der), trust, e);
}

enum rc
certs_import_pkcs7(struct keystore *ks, const char *nickname, const char *path,
    const char *trust, struct err *e)
{
	struct view certs[CMS_CERTS_MAX];
	AUTO(arena) a = arena_new(0);
	AUTO_BUF file = buf_empty(0);
	size_t n = 0;
	enum rc rc;

	if (a == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	if ((rc = out_read(&file, path, e)) != RC_OK ||
	    (rc = cms_certs_any(
		 certs, CMS_CERTS_MAX, &n, buf_view(&file), a, e)) != RC_OK ||
	    (rc = cms_chain_order(certs, n, e)) != RC_OK)
		return rc;
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		AUTO_BUF nick = buf_empty(0);
		struct cert c;
		const char *t = trust;

		if ((rc = cert_parse(&c, certs[i], e)) != RC_OK)
			break;
		if (i == 0 && nickname != NULL)
			buf_add_str(&nick, nickname);
		else
			rc = certs_nickname(&nick, certs[i], e);
		/* the one that was named is the user's own, but for a root */
		if (i > 0 ||
		    (t == NULL &&
			(nickname == NULL || cert_is_self_issued(&c))))
			t = cert_is_ca(&c) ? "CT,C,C" : NULL;
		if (rc == RC_OK)
			rc = keystore_import_cert(
			    ks, buf_cstr(&nick), certs[i], t, e);
	}
	return rc;
}

static bool
collect(void *arg, const struct keystore_cert *c)
{
	struct certs_all *all = arg;
	const char *trust = c->trust != NULL ? c->trust : "";
	char *copy = arena_view(all->arena, c->der);
	struct view v = view_of(copy, c->der.len);

	if (copy == NULL) {
		all->failed = true;
		return false;
	}
	/* C or T in any of the three fields anchors a chain */
	if (strpbrk(trust, "CT") != NULL) {
		if (all->n_roots < CERTS_MAX)
			all->roots[all->n_roots++] = v;
	} else if (all->n_others < CERTS_MAX) {
		all->others[all->n_others++] = v;
	}
	return true;
}

enum rc
certs_all(
    struct certs_all *out, struct keystore *ks, struct arena *a, struct err *e)
{
	enum rc rc;

	*out = (struct certs_all){ .arena = a };
	out->roots = arena_alloc(a, CERTS_MAX, sizeof(struct view));
	out->others = arena_alloc(a, CERTS_MAX, sizeof(struct view));
	if (out->roots == NULL || out->others == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	rc = keystore_each_cert(ks, NULL, collect, out, e);
	if (rc == RC_OK && out->failed)
		rc = err_set(e, RC_NOMEM, "out of memory");
	return rc;
}

/* The issuer of c among the certificates, by name and signature. */
static bool
find_issuer(const struct certs_all *all, const struct cert *c, struct cert *out)
{
	const struct view *lists[] = { all->roots, all->others };
	const size_t counts[] = { all->n_roots, all->n_others };

	for (size_t l = 0; l < 2; l++)
		for (size_t i = 0; i < counts[l]; i++)
			if (cert_parse(out, lists[l][i], NULL) == RC_OK &&
			    view_eq(out->subject, c->issuer) &&
			    verify_issued(c->der, out->der, NULL) == RC_OK)
				return true;
	return false;
}

enum rc
certs_chain(struct keystore *ks, const char *nickname, struct view *out,
    size_t max, size_t *n, struct arena *a, struct err *e)
{
	AUTO_BUF der = buf_empty(CERT_DER_MAX);
	struct certs_all all;
	struct cert c, issuer;
	enum rc rc = keystore_find_cert(ks, &der, nickname, e);
	char *copy;

	if ((rc = certs_not_found(rc, nickname, e)) != RC_OK ||
	    (rc = certs_all(&all, ks, a, e)) != RC_OK)
		return rc;
	if ((copy = arena_view(a, buf_view(&der))) == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	*n = 0;
	out[(*n)++] = view_of(copy, der.len);
	if ((rc = cert_parse(&c, out[0], e)) != RC_OK)
		return rc;
	while (*n < max && !cert_is_self_issued(&c) &&
	    find_issuer(&all, &c, &issuer)) {
		out[(*n)++] = issuer.der;
		c = issuer;
	}
	return RC_OK;
}

static const struct {
	const char *name;
	enum verify_purpose purpose;
} usages[] = {
	{ "CheckAllUsages", VERIFY_ANY },
	{ "SSLServer", VERIFY_SSL_SERVER },
	{ "SSLServerWithStepUp", VERIFY_SSL_SERVER },
	{ "SSLClient", VERIFY_SSL_CLIENT },
	{ "SSLCA", VERIFY_CA },
	{ "AnyCA", VERIFY_CA },
	{ "VerifyCA", VERIFY_CA },
	{ "StatusResponder", VERIFY_OCSP },
	{ "ObjectSigner", VERIFY_ANY },
	{ "ProtectedObjectSigner", VERIFY_ANY },
	{ "UserCertImport", VERIFY_ANY },
	{ "EmailSigner", VERIFY_EMAIL },
	{ "EmailRecipient", VERIFY_EMAIL },
};

enum rc
certs_verify(
    struct keystore *ks, const char *nickname, const char *usage, struct err *e)
{
	AUTO_BUF der = buf_empty(CERT_DER_MAX);
	AUTO(arena) a = arena_new(0);
	struct verify_opts o = { .at = clock_now(&clock_system) };
	struct certs_all all;
	size_t i = 0;
	enum rc rc;

	if (a == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	for (; usage != NULL && i < sizeof(usages) / sizeof(*usages); i++)
		if (text_ieq(usage, usages[i].name))
			break;
	if (i == sizeof(usages) / sizeof(*usages))
		return err_set(
		    e, RC_USAGE, "Unsupported certificate usage: %s", usage);
	rc = keystore_find_cert(ks, &der, nickname, e);
	if ((rc = certs_not_found(rc, nickname, e)) != RC_OK ||
	    (rc = certs_all(&all, ks, a, e)) != RC_OK)
		return rc;
	o.purpose = usages[i].purpose;
	o.roots = all.roots;
	o.roots_count = all.n_roots;
	o.others = all.others;
	o.others_count = all.n_others;
	o.partial = true;
	return verify_cert(buf_view(&der), &o, e);
}
