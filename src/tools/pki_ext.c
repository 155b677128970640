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

#include "x509/name.h"

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

/* Is ",DNS:a" in ",DNS:b,DNS:a"? */
static bool
has_word(const struct buf *list, const char *word)
{
	size_t n = strlen(word);
	const char *at = list->len > 0 ? (const char *)list->data : "";

	for (; (at = strstr(at, word)) != NULL; at += n)
		if (at[n] == '\0' || at[n] == ',')
			return true;
	return false;
}

/* Appends ",DNS:name" unless it is there; what is no host name is left out, so
 * that nothing of a request can add words to the extension. */
static void
add_dns(struct buf *out, struct view name)
{
	AUTO_BUF word = buf_empty(0);

	for (size_t i = 0; i < name.len; i++) {
		char c = (char)name.data[i];

		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') && strchr(".-_*", c) == NULL)
			return;
	}
	buf_addf(&word, ",DNS:%.*s", VIEW_ARGS(name));
	if (name.len > 0 && memchr(name.data, '\0', name.len) == NULL &&
	    !has_word(out, buf_cstr(&word)))
		buf_add_view(out, buf_view(&word));
}

/* The common name of the subject, where it has one. */
static enum rc
add_subject_cn(struct buf *out, const struct certs_subject *of, struct err *e)
{
	AUTO_BUF cn = buf_empty(NAME_DER_MAX);
	enum rc rc;

	if (of->name.len == 0)
		return RC_OK;
	rc = name_get(&cn, of->name, OID_commonName, 0, e);
	if (rc == RC_OK)
		add_dns(out, buf_view(&cn));
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

static enum rc
add_requested_dns(
    struct buf *out, const struct certs_subject *of, struct err *e)
{
	struct view names;
	struct ext x;
	enum rc rc;

	if (!ext_find(of->exts, OID_subjectAltName, &x))
		return RC_OK;
	if ((rc = ext_names(&names, x.value, e)) != RC_OK)
		return rc;
	while (names.len > 0) {
		struct gn g;

		if ((rc = gn_next(&names, &g, e)) != RC_OK)
			return rc;
		if (g.type == GN_DNS)
			add_dns(out, g.value);
	}
	return RC_OK;
}

/* subjectAltName with names of the request. */
static enum rc
add_request_names(struct ext_list *l, CONF *conf, const char *value,
    const struct certs_subject *of, struct err *e)
{
	bool critical;
	AUTO_STR copy = strdup(strip_critical(value, &critical));
	AUTO_BUF out = buf_empty(0), full = buf_empty(0);
	char *rest = copy, *word;
	enum rc rc = RC_OK;

	if (copy == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	while (rc == RC_OK && (word = strsep(&rest, ",")) != NULL) {
		word = text_trim(word);
		if (strcmp(word, "DNS:request_subject_cn") == 0)
			rc = add_subject_cn(&out, of, e);
		else if (strcmp(word, "DNS:request_san_ext") == 0)
			rc = add_requested_dns(&out, of, e);
		else if (*word != '\0')
			buf_addf(&out, ",%s", word);
	}
	if (rc != RC_OK || out.len == 0)
		return rc;
	buf_addf(&full, "%s%s", critical ? "critical" : "",
	    buf_cstr(&out) + (critical ? 0 : 1));
	if ((rc = buf_check(&full, e)) != RC_OK)
		return rc;
	return add_native(l, conf, "subjectAltName", buf_cstr(&full), e);
}

static enum rc
add_line(struct ext_list *l, CONF *conf, const CONF_VALUE *v,
    const struct certs_subject *of, struct err *e)
{
	/* a list of extensions that libcrypto knows by number: their lines
	 * say it all */
	if (strcmp(v->name, "genericExtensions") == 0)
		return RC_OK;
	if (strcmp(v->name, "subjectAltName") == 0 &&
	    strstr(v->value, "DNS:request_") != NULL)
		return add_request_names(l, conf, v->value, of, e);
	return add_one(l, conf, v->name, v->value, of->spki, of->issuer, e);
}

static enum rc
add_all(struct ext_list *l, CONF *conf, const char *path,
    const struct certs_subject *of, struct err *e)
{
	STACK_OF(CONF_VALUE) *lines = NCONF_get_section(conf, "default");
	enum rc rc = RC_OK;

	for (int i = 0; rc == RC_OK && i < sk_CONF_VALUE_num(lines); i++) {
		const CONF_VALUE *v = sk_CONF_VALUE_value(lines, i);

		rc = add_line(l, conf, v, of, e);
	}
	if (rc != RC_OK)
		rc_ignore(err_prefix(e, "%s", path));
	return rc;
}

enum rc
certs_ext_file(struct ext_list *l, const char *path,
    const struct certs_subject *of, struct err *e)
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
		rc = add_all(l, conf, path, of, e);
	BIO_free(bio);
	NCONF_free(conf);
	return rc;
}
