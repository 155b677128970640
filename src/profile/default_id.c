/* SPDX-License-Identifier: Apache-2.0 */
/* default_id.c - key identifiers (spec profiles 9.3; RFC 5280 4.2.1.1, 4.2.1.2).
 * Owns:    nothing.
 * Trusts:  the environment's key identifier of the CA.
 * Threads: as struct profile_run. */
#include "der/reader.h"
#include "profile/plugin.h"

/* Identifier of the key in the template: its own extension, else SHA-1. */
static enum rc
local_key_id(struct profile_run *r, uint8_t room[DIGEST_MAX], struct view *id,
    struct err *e)
{
	const struct ext *x = run_ext(r, OID_subjectKeyIdentifier);
	size_t len;
	enum rc rc;

	if (x != NULL)
		return ext_ski(id, x->value, e);
	rc = ext_key_id(room, &len, r->t->spki, DIGEST_SHA1, e);
	if (rc == RC_OK)
		*id = view_of(room, len);
	return rc;
}

static enum rc
aki_populate(struct profile_run *r, const struct profile_part *p, struct err *e)
{
	AUTO_BUF b = buf_empty(EXT_VALUE_MAX);
	uint8_t room[DIGEST_MAX];
	struct aki a = { .key_id = r->env->ca_key_id };
	enum rc rc;

	if (part_bool(p, "localKey")) {
		rc = local_key_id(r, room, &a.key_id, e);
		if (rc != RC_OK)
			return rc;
	}
	if (a.key_id.len == 0)
		return err_set(
		    e, RC_INTERNAL, "the CA's key identifier is not known");
	ext_put_aki(&b, &a);
	return run_ext_add(r, OID_authorityKeyIdentifier, false, &b, e);
}

static enum rc
aki_get(struct profile_run *r, const struct profile_part *p, const char *name,
    struct buf *out, struct err *e)
{
	const struct ext *x = run_ext(r, OID_authorityKeyIdentifier);
	struct aki a;
	enum rc rc;

	(void)p;
	if (x == NULL)
		return RC_NOTFOUND;
	if (strcmp(name, "critical") == 0) {
		put_bool(out, x->critical);
		return RC_OK;
	}
	rc = ext_aki(&a, x->value, e);
	if (rc == RC_OK)
		buf_add_hex(out, a.key_id);
	return rc;
}

static const struct profile_value_desc aki_values[] = {
	{ "critical", "string", "readonly", "Criticality", NULL },
	{ "keyid", "string", "readonly", "Key ID", NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};

/* --- subject ------------------------------------------------------------------ */

/* The identifier the request asks for; empty when it asks for none. */
static enum rc
requested_id(struct profile_run *r, struct view *id, struct err *e)
{
	struct view der, exts;
	struct ext x;
	enum rc rc = run_bytes(r, &der, "req_extensions", e);

	*id = view_of(NULL, 0);
	if (rc != RC_OK || der.len == 0)
		return rc;
	rc = der_enter(&der, &exts, DER_SEQUENCE, e);
	if (rc != RC_OK || !ext_find(exts, OID_subjectKeyIdentifier, &x))
		return rc;
	return ext_ski(id, x.value, e);
}

static enum digest
digest_named(const char *name)
{
	static const enum digest all[] = { DIGEST_SHA256, DIGEST_SHA384,
		DIGEST_SHA512 };
	static const char *const names[] = { "SHA-256", "SHA-384", "SHA-512" };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (text_ieq(name, names[i]))
			return all[i];
	return DIGEST_SHA1;
}

static enum rc
ski_populate(struct profile_run *r, const struct profile_part *p, struct err *e)
{
	AUTO_BUF b = buf_empty(EXT_VALUE_MAX);
	uint8_t room[DIGEST_MAX];
	struct view id = view_of(NULL, 0);
	size_t len;
	enum rc rc = RC_OK;

	if (part_bool(p, "useSKIFromCertRequest"))
		rc = requested_id(r, &id, e);
	if (rc == RC_OK && id.len == 0) {
		rc = ext_key_id(room, &len, r->t->spki,
		    digest_named(part_param(p, "messageDigest", "")), e);
		if (rc == RC_OK)
			id = view_of(room, len);
	}
	if (rc != RC_OK)
		return rc;
	ext_put_ski(&b, id);
	return run_ext_add(
	    r, OID_subjectKeyIdentifier, part_bool(p, "critical"), &b, e);
}

static enum rc
ski_get(struct profile_run *r, const struct profile_part *p, const char *name,
    struct buf *out, struct err *e)
{
	const struct ext *x = run_ext(r, OID_subjectKeyIdentifier);
	struct view id;
	enum rc rc;

	if (strcmp(name, "messageDigest") == 0) {
		buf_add_str(out, part_param(p, name, "SHA-1"));
		return RC_OK;
	}
	if (strcmp(name, "useSKIFromCertRequest") == 0) {
		put_bool(out, part_bool(p, name));
		return RC_OK;
	}
	if (x == NULL)
		return RC_NOTFOUND;
	if (strcmp(name, "critical") == 0) {
		put_bool(out, x->critical);
		return RC_OK;
	}
	rc = ext_ski(&id, x->value, e);
	if (rc == RC_OK)
		buf_add_hex(out, id);
	return rc;
}

static const struct profile_value_desc ski_values[] = {
	{ "critical", "string", "readonly", "Criticality", NULL },
	{ "keyid", "string", "readonly", "Key ID", NULL },
	{ "messageDigest", "string", "readonly", "Message digest", NULL },
	{ "useSKIFromCertRequest", "boolean", "readonly",
	    "Take the key ID of the request", NULL },
	{ NULL, NULL, NULL, NULL, NULL },
};

const struct default_class defaults_id[] = {
	{ .id = "authorityKeyIdentifierExtDefaultImpl",
	    .text = "Adds an authority key identifier extension.",
	    .populate = aki_populate,
	    .values = aki_values,
	    .get = aki_get },
	{ .id = "subjectKeyIdentifierExtDefaultImpl",
	    .text = "Adds a subject key identifier extension.",
	    .populate = ski_populate,
	    .values = ski_values,
	    .get = ski_get },
	{ .id = NULL },
};
