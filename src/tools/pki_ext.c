/* SPDX-License-Identifier: Apache-2.0 */
/* pki_ext.c - extensions as text, in OpenSSL's words, for requests and
 * certificates made by the tools. Key identifiers are computed here; all else
 * is libcrypto's own reader of such lines.
 * Owns:    nothing.
 * Trusts:  the file is the user's own.
 * Threads: none. */
#include "tools/pki_certs.h"

#include <openssl/conf.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/x509v3.h>

/* OpenSSL wants what describes "@name" in a section [name]; the files of this
 * trade write "name.id" and "name.CPS.1" instead. */
static void
to_sections(struct buf *out, char *text)
{
	AUTO_BUF sections = buf_empty(0);
	char *rest = text, *line;

	while ((line = strsep(&rest, "\n")) != NULL) {
		char *eq = strchr(line, '='), *dot = strchr(line, '.');
		const char *key;

		if (*text_trim(line) == '#')
			continue;
		if (eq == NULL || dot == NULL || dot > eq ||
		    (line[0] >= '0' && line[0] <= '9')) {
			buf_addf(out, "%s\n", line);
			continue;
		}
		*eq = *dot = '\0';
		key = text_trim(dot + 1);
		buf_addf(&sections, "[%s]\n%s = %s\n", text_trim(line),
		    strcmp(key, "id") == 0 ? "policyIdentifier" : key, eq + 1);
	}
	buf_add_view(out, buf_view(&sections));
}

/* "critical, rest": strips the word. */
static const char *
strip_critical(const char *value, bool *critical)
{
	value += strspn(value, " \t");
	*critical = strncmp(value, "critical", 8) == 0 &&
	    strchr(" ,", value[8]) != NULL;
	if (*critical)
		value += 8 + strspn(value + 8, " ,\t");
	return value;
}

static enum rc
add_key_id(struct ext_list *l, enum oid oid, bool critical, struct view spki,
    const struct cert *issuer, struct err *e)
{
	AUTO_BUF b = buf_empty(EXT_VALUE_MAX);
	uint8_t room[DIGEST_MAX];
	struct view id;
	size_t len;
	enum rc rc;

	if (oid == OID_authorityKeyIdentifier && issuer != NULL) {
		if ((rc = cert_key_id(issuer, &id, room, e)) != RC_OK)
			return rc;
	} else {
		rc = ext_key_id(room, &len, spki, DIGEST_SHA1, e);
		if (rc != RC_OK)
			return rc;
		id = view_of(room, len);
	}
	if (oid == OID_subjectKeyIdentifier)
		ext_put_ski(&b, id);
	else
		ext_put_aki(&b, &(struct aki){ .key_id = id });
	return ext_list_set_buf(l, oid, critical, &b, e);
}

/* One extension through libcrypto. */
static enum rc
add_native(struct ext_list *l, CONF *conf, const char *name, const char *value,
    struct err *e)
{
	X509_EXTENSION *x;
	const ASN1_OBJECT *o;
	const ASN1_OCTET_STRING *v;
	X509V3_CTX ctx;
	enum rc rc;

	ERR_clear_error();
	X509V3_set_ctx(&ctx, NULL, NULL, NULL, NULL, X509V3_CTX_TEST);
	X509V3_set_nconf(&ctx, conf);
	if ((x = X509V3_EXT_nconf(conf, &ctx, name, value)) == NULL)
		return err_openssl(e, RC_INVALID, "Invalid extension %s", name);
	o = X509_EXTENSION_get_object(x);
	v = X509_EXTENSION_get_data(x);
	rc = ext_list_set(l, view_of(OBJ_get0_data(o), OBJ_length(o)),
	    X509_EXTENSION_get_critical(x) == 1,
	    view_of(ASN1_STRING_get0_data(v), (size_t)ASN1_STRING_length(v)),
	    e);
	X509_EXTENSION_free(x);
	return rc;
}

static enum rc
add_one(struct ext_list *l, CONF *conf, const char *name, const char *value,
    struct view spki, const struct cert *issuer, struct err *e)
{
	bool critical;
	const char *rest = strip_critical(value, &critical);

	if (strcmp(name, "subjectKeyIdentifier") == 0 &&
	    text_starts(rest, "hash"))
		return add_key_id(
		    l, OID_subjectKeyIdentifier, critical, spki, issuer, e);
	if (strcmp(name, "authorityKeyIdentifier") == 0 &&
	    text_starts(rest, "keyid"))
		return add_key_id(
		    l, OID_authorityKeyIdentifier, critical, spki, issuer, e);
	return add_native(l, conf, name, value, e);
}

enum rc
certs_ext_text(struct ext_list *l, const char *name, const char *value,
    struct view spki, const struct cert *issuer, struct err *e)
{
	CONF *conf = NCONF_new(NULL);
	enum rc rc;

	if (conf == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	rc = add_one(l, conf, name, value, spki, issuer, e);
	NCONF_free(conf);
	return rc;
}

static enum rc
add_all(struct ext_list *l, CONF *conf, const char *path, struct view spki,
    const struct cert *issuer, struct err *e)
{
	STACK_OF(CONF_VALUE) *lines = NCONF_get_section(conf, "default");
	enum rc rc = RC_OK;

	for (int i = 0; rc == RC_OK && i < sk_CONF_VALUE_num(lines); i++) {
		const CONF_VALUE *v = sk_CONF_VALUE_value(lines, i);

		rc = add_one(l, conf, v->name, v->value, spki, issuer, e);
	}
	if (rc != RC_OK)
		rc_ignore(err_prefix(e, "%s", path));
	return rc;
}

enum rc
certs_ext_file(struct ext_list *l, const char *path, struct view spki,
    const struct cert *issuer, struct err *e)
{
	AUTO_BUF in = buf_empty(0), text = buf_empty(0);
	enum rc rc = out_read(&in, path, e);
	CONF *conf = NULL;
	BIO *bio = NULL;
	long line = 0;

	if (rc != RC_OK)
		return rc;
	if (in.len > 0)
		to_sections(&text, (char *)in.data);
	if ((rc = buf_check(&text, e)) != RC_OK)
		return rc;
	ERR_clear_error();
	bio = BIO_new_mem_buf(buf_cstr(&text), (int)text.len);
	conf = NCONF_new(NULL);
	if (bio == NULL || conf == NULL)
		rc = err_set(e, RC_NOMEM, "out of memory");
	else if (text.len > 0 && NCONF_load_bio(conf, bio, &line) != 1)
		rc = err_openssl(e, RC_INVALID, "%s:%ld", path, line);
	else if (text.len > 0)
		rc = add_all(l, conf, path, spki, issuer, e);
	BIO_free(bio);
	NCONF_free(conf);
	return rc;
}
