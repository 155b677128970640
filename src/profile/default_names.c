/* SPDX-License-Identifier: Apache-2.0 */
/* default_names.c - alternative names of subject and issuer (spec profiles
 * 9.4).
 * Owns:    nothing.
 * Trusts:  neither patterns nor what they bring from the request.
 * Threads: as struct profile_run. */
#include "profile/pattern.h"
#include "profile/plugin.h"
#include "x509/name.h"

enum {
	UUID_BYTES = 16,
	UUID_TEXT = 37,
	DNS_NAME_MAX = 255,
	DNS_LABEL_MAX = 63,
};

/* --- reading and writing the list as text ------------------------------------- */

/* Appends the name of type and value, which must be a single one. An OtherName
 * that cannot be made is left out (spec profiles 6). */
static enum rc
put_name(struct buf *names, const char *type, const char *value, struct err *e)
{
	AUTO_BUF one = buf_empty(EXT_VALUE_MAX);
	struct view v;
	struct gn g;
	enum rc rc = gn_parse(&one, type, value, NULL);

	if (rc == RC_INVALID && strcmp(type, "OtherName") == 0)
		return RC_OK;
	v = buf_view(&one);
	if (rc == RC_OK)
		rc = gn_next(&v, &g, NULL);
	if (rc == RC_OK && !gn_is_single(&g))
		rc = RC_INVALID;
	if (rc == RC_INVALID)
		return reject(e,
		    "Not valid for Subject Alternative Name: %s: %s", type,
		    value);
	if (rc != RC_OK)
		return err_set(e, rc, "general name");
	buf_add_view(names, buf_view(&one));
	return buf_check(names, e);
}

static enum rc
names_get(struct profile_run *r, enum oid oid, struct buf *out, struct err *e)
{
	const struct ext *x = run_ext(r, oid);
	struct view names;
	struct gn g;
	enum rc rc;

	if (x == NULL)
		return RC_NOTFOUND;
	rc = ext_names(&names, x->value, e);
	while (rc == RC_OK && names.len > 0) {
		rc = gn_next(&names, &g, e);
		if (rc == RC_OK) {
			gn_put_text(out, &g);
			buf_add_char(out, '\n');
		}
	}
	return rc;
}

/* One line "Type: value". */
static enum rc
put_line(struct buf *names, char *line, struct err *e)
{
	char *colon = strchr(line, ':');
	enum rc rc;

	if (colon == NULL)
		return err_set(e, RC_INVALID, "Missing colon");
	*colon = '\0';
	rc = put_name(names, text_trim(line), text_trim(colon + 1), e);
	if (rc == RC_DENIED && e != NULL)
		e->rc = RC_INVALID;
	return rc == RC_DENIED ? RC_INVALID : rc;
}

/* An empty list removes the extension. */
static enum rc
names_set(struct profile_run *r, enum oid oid, const char *value, struct err *e)
{
	const struct ext *x = run_ext(r, oid);
	AUTO_BUF names = buf_empty(EXT_VALUE_MAX);
	AUTO_BUF b = buf_empty(EXT_VALUE_MAX);
	char *copy = arena_str(r->arena, value);
	enum rc rc = RC_OK;

	if (copy == NULL)
		return err_set(e, RC_NOMEM, "profile: out of memory");
	while (rc == RC_OK && *copy != '\0') {
		size_t len = strcspn(copy, "\r\n");
		char *line = copy;

		copy += len + (copy[len] != '\0');
		line[len] = '\0';
		if (text_trim(line)[0] != '\0')
			rc = put_line(&names, line, e);
	}
	if (rc != RC_OK)
		return rc;
	if (names.len == 0) {
		(void)ext_list_remove(&r->t->exts, oid_der(oid));
		return RC_OK;
	}
	ext_put_names(&b, buf_view(&names));
	return run_ext_set(r, oid, x != NULL && x->critical, &b, e);
}

static enum rc
list_get(struct profile_run *r, enum oid oid, const char *name, struct buf *out,
    struct err *e)
{
	const struct ext *x = run_ext(r, oid);

	if (x == NULL)
		return RC_NOTFOUND;
	if (!text_ends(name, "Critical"))
		return names_get(r, oid, out, e);
	put_bool(out, x->critical);
	return RC_OK;
}

static enum rc
list_set(struct profile_run *r, enum oid oid, const char *name,
    const char *value, struct err *e)
{
	if (value == NULL)
		return run_ext(r, oid) == NULL ? RC_OK : bad_property(e, name);
	if (text_ends(name, "Critical"))
		return run_ext_critical(r, oid, value, e);
	return names_set(r, oid, value, e);
}

/* --- subject alternative name --------------------------------------------------- */

static const char *
server_token(void *arg, const char *set, const char *name)
{
	if (strcmp(set, "server") == 0 && strcmp(name, "source") == 0)
		return arg;
	return NULL;
}

/* A random UUID (RFC 4122 4.4). */
static enum rc
uuid4(struct profile_run *r, char out[UUID_TEXT], struct err *e)
{
	uint8_t u[UUID_BYTES];

	if (r->env->random == NULL)
		return err_set(e, RC_UNSUPPORTED, "no random source");
	r->env->random(r->env->arg, u, sizeof(u));
	u[6] = (uint8_t)((u[6] & 0x0f) | 0x40);
	u[8] = (uint8_t)((u[8] & 0x3f) | 0x80);
	snprintf(out, UUID_TEXT,
	    "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-"
	    "%02x%02x%02x%02x%02x%02x",
	    u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10],
	    u[11], u[12], u[13], u[14], u[15]);
	return RC_OK;
}

/* The value of an entry with a source; "" = skip. */
static enum rc
from_source(struct profile_run *r, const char *source, const char *type,
    const char *pattern, const char **out, struct err *e)
{
	AUTO_BUF b = buf_empty(PROFILE_TEXT_MAX);
	char uuid[UUID_TEXT];
	struct view v;
	enum rc rc;

	*out = "";
	if (strcmp(source, "UUID4") != 0 || strcmp(type, "OtherName") != 0)
		return RC_OK;
	rc = uuid4(r, uuid, e);
	if (rc == RC_OK)
		rc = pattern_expand(&b, pattern, server_token, uuid, e);
	if (rc == RC_OK)
		rc = run_keep(r, &v, &b, e);
	if (rc == RC_OK)
		*out = (const char *)v.data;
	return rc;
}

static enum rc
san_entry(struct profile_run *r, const struct profile_part *p, size_t i,
    struct buf *names, struct err *e)
{
	const char *type = part_paramf(p, "subjAltExtType_%zu", i);
	const char *pattern = part_paramf(p, "subjAltExtPattern_%zu", i);
	const char *source = part_paramf(p, "subjAltExtSource_%zu", i);
	const char *value;
	enum rc rc;

	if (source[0] != '\0') {
		rc = from_source(r, source, type, pattern, &value, e);
	} else {
		rc = run_expand(r, &value, pattern, e);
		if (rc == RC_OK)
			rc = run_expand(r, &type, type, e);
	}
	if (rc != RC_OK)
		return rc;
	if (value[0] == '\0' || text_starts(value, "$request.req_san_pattern_"))
		return RC_OK;
	return put_name(names, type, value, e);
}

static enum rc
san_populate(struct profile_run *r, const struct profile_part *p, struct err *e)
{
	AUTO_BUF names = buf_empty(EXT_VALUE_MAX);
	AUTO_BUF b = buf_empty(EXT_VALUE_MAX);
	size_t n = part_count(p, "subjAltNameNumGNs");
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < n; i++)
		if (is_true(part_paramf(p, "subjAltExtGNEnable_%zu", i)))
			rc = san_entry(r, p, i, &names, e);
	if (rc != RC_OK || names.len == 0)
		return rc;
	ext_put_names(&b, buf_view(&names));
	return run_ext_add(r, OID_subjectAltName,
	    part_bool(p, "subjAltNameExtCritical"), &b, e);
}

static enum rc
san_get(struct profile_run *r, const struct profile_part *p, const char *name,
    struct buf *out, struct err *e)
{
	(void)p;
	return list_get(r, OID_subjectAltName, name, out, e);
}

static enum rc
san_set(struct profile_run *r, const struct profile_part *p, const char *name,
    const char *value, struct err *e)
{
	(void)p;
	return list_set(r, OID_subjectAltName, name, value, e);
}

static const struct profile_value_desc san_values[] = {
	BOOLEAN("subjAltNameExtCritical", "Criticality"),
	LIST("subjAltNames", "General Names"),
	LAST,
};

/* --- the common name as a DNS name ------------------------------------------------ */

static bool
is_dns_label(const char *s, size_t n)
{
	if (n == 0 || n > DNS_LABEL_MAX)
		return false;
	for (size_t i = 0; i < n; i++) {
		char c = s[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			(c >= '0' && c <= '9') || c == '-'))
			return false;
	}
	return true;
}

static bool
is_dns_name(const char *s)
{
	size_t labels = 0;

	if (strlen(s) > DNS_NAME_MAX)
		return false;
	for (;;) {
		size_t n = strcspn(s, ".");

		if (!is_dns_label(s, n))
			return false;
		labels++;
		if (s[n] == '\0')
			return labels >= 2;
		s += n + 1;
	}
}

static bool
has_dns(struct view names, const char *dns)
{
	size_t n = strlen(dns);
	struct gn g;

	while (names.len > 0 && gn_next(&names, &g, NULL) == RC_OK)
		if (g.type == GN_DNS && g.value.len == n &&
		    strncasecmp((const char *)g.value.data, dns, n) == 0)
			return true;
	return false;
}

/* Never fails but for want of memory: a name that does not fit is left out. */
static enum rc
cn_populate(struct profile_run *r, const struct profile_part *p, struct err *e)
{
	const struct ext *x = run_ext(r, OID_subjectAltName);
	AUTO_BUF cn = buf_empty(NAME_DER_MAX);
	AUTO_BUF names = buf_empty(EXT_VALUE_MAX);
	AUTO_BUF b = buf_empty(EXT_VALUE_MAX);
	struct view old = view_of(NULL, 0);
	struct gn g = { .type = GN_DNS };

	(void)p;
	if (name_get(&cn, r->t->subject, OID_commonName, 0, NULL) != RC_OK ||
	    strlen(buf_cstr(&cn)) != cn.len || !is_dns_name(buf_cstr(&cn)))
		return RC_OK;
	if (x != NULL && ext_names(&old, x->value, NULL) != RC_OK)
		return RC_OK;
	if (has_dns(old, buf_cstr(&cn)))
		return RC_OK;
	buf_add_view(&names, old);
	g.value = buf_view(&cn);
	gn_put(&names, &g);
	ext_put_names(&b, buf_view(&names));
	return run_ext_set(
	    r, OID_subjectAltName, x != NULL && x->critical, &b, e);
}

/* --- issuer alternative name -------------------------------------------------------- */

static enum rc
ian_populate(struct profile_run *r, const struct profile_part *p, struct err *e)
{
	AUTO_BUF names = buf_empty(EXT_VALUE_MAX);
	AUTO_BUF b = buf_empty(EXT_VALUE_MAX);
	const char *value;
	enum rc rc =
	    run_expand(r, &value, part_param(p, "issuerAltExtPattern", ""), e);

	if (rc != RC_OK || value[0] == '\0')
		return rc;
	rc = put_name(&names, part_param(p, "issuerAltExtType", ""), value, e);
	if (rc != RC_OK || names.len == 0)
		return rc;
	ext_put_names(&b, buf_view(&names));
	return run_ext_add(r, OID_issuerAltName,
	    part_bool(p, "issuerAltNameExtCritical"), &b, e);
}

static enum rc
ian_get(struct profile_run *r, const struct profile_part *p, const char *name,
    struct buf *out, struct err *e)
{
	(void)p;
	return list_get(r, OID_issuerAltName, name, out, e);
}

static enum rc
ian_set(struct profile_run *r, const struct profile_part *p, const char *name,
    const char *value, struct err *e)
{
	(void)p;
	return list_set(r, OID_issuerAltName, name, value, e);
}

static const struct profile_value_desc ian_values[] = {
	BOOLEAN("issuerAltNameExtCritical", "Criticality"),
	LIST("issuerAltNames", "Issuer Alternative Name"),
	LAST,
};

const struct default_class defaults_names[] = {
	{ .id = "subjectAltNameExtDefaultImpl",
	    .text = "Adds a subject alternative name extension.",
	    .populate = san_populate,
	    .values = san_values,
	    .get = san_get,
	    .set = san_set },
	{ .id = "commonNameToSANDefaultImpl",
	    .text = "Adds the common name to the subject alternative names "
		    "when it is a DNS name.",
	    .populate = cn_populate },
	{ .id = "issuerAltNameExtDefaultImpl",
	    .text = "Adds an issuer alternative name extension.",
	    .populate = ian_populate,
	    .values = ian_values,
	    .get = ian_get,
	    .set = ian_set },
	{ .id = NULL },
};
