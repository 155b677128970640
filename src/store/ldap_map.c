/* SPDX-License-Identifier: Apache-2.0 */
/* ldap_map.c - records to entries and back (spec directory 2).
 * Owns:    nothing.
 * Trusts:  nothing: entries may be another vendor's.
 * Threads: any. */
#include "store/ldap_int.h"

/* --- names -------------------------------------------------------------- */

/* RFC 4514 2.4; everything outside letters, digits and a few marks as \XX. */
static void
escape_rdn(struct buf *out, struct view v)
{
	for (size_t i = 0; i < v.len; i++) {
		uint8_t c = v.data[i];
		bool inner = i > 0 && i + 1 < v.len;
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		    (c >= '0' && c <= '9') || c == '-' || c == '_' ||
		    c == '.' || c == ':' || c == '/' || c == '@' ||
		    (c == ' ' && inner);

		if (plain)
			buf_add_char(out, (char)c);
		else
			buf_addf(out, "\\%02x", c);
	}
}

enum rc
dir_container(struct ldap_be *be, struct buf *out, int *scope, enum rec_kind k,
    struct err *e)
{
	const struct kind_info *info = kind_info(k);
	const char *sub = strstr(info->container, "%s");

	*scope = info->scattered ? LDAP_SCOPE_SUBTREE : LDAP_SCOPE_ONELEVEL;
	if (sub != NULL) {
		buf_add(out, info->container, (size_t)(sub - info->container));
		buf_add_str(out, be->subsystem);
		buf_add_str(out, sub + 2);
	} else
		buf_add_str(out, info->container);
	if (info->container[0] != '\0')
		buf_add_char(out, ',');
	buf_add_str(out, be->base_dn);
	return buf_check(out, e);
}

enum rc
dir_dn(struct ldap_be *be, struct buf *out, enum rec_kind k, const char *id,
    struct err *e)
{
	AUTO_BUF rdn = buf_empty(0);
	AUTO_BUF parent = buf_empty(0);
	enum rc rc = kind_place(&rdn, &parent, k, id, be->subsystem, e);

	if (rc != RC_OK)
		return rc;
	buf_addf(out, "%s=", kind_info(k)->rdn);
	escape_rdn(out, buf_view(&rdn));
	buf_add_char(out, ',');
	if (parent.len > 0)
		buf_addf(out, "%s,", buf_cstr(&parent));
	buf_add_str(out, be->base_dn);
	return buf_check(out, e);
}

enum rc
dir_rdn_value(struct ldap_be *be, struct buf *out, enum rec_kind k,
    const char *id, struct err *e)
{
	AUTO_BUF parent = buf_empty(0);

	return kind_place(out, &parent, k, id, be->subsystem, e);
}

static size_t
rdn_count(LDAPDN dn)
{
	size_t n = 0;

	while (dn != NULL && dn[n] != NULL)
		n++;
	return n;
}

/* The DN between the first RDN and the base, as text. */
static bool
parent_text(struct buf *out, LDAPDN dn, size_t base_rdns)
{
	size_t n = rdn_count(dn);
	LDAPRDN cut;
	char *text = NULL;
	bool ok;

	if (n < base_rdns + 1)
		return false;
	cut = dn[n - base_rdns];
	dn[n - base_rdns] = NULL;
	ok = ldap_dn2str(dn + 1, &text, LDAP_DN_FORMAT_LDAPV3) == LDAP_SUCCESS;
	dn[n - base_rdns] = cut;
	buf_add_str(out, ok && text != NULL ? text : "");
	ldap_memfree(text);
	return ok;
}

/* id of a record from its entry's DN. */
static enum rc
dn_id(struct ldap_be *be, const char *dn, enum rec_kind k, struct buf *out,
    struct err *e)
{
	LDAPDN parsed = NULL;
	AUTO_BUF parent = buf_empty(0);
	enum rc rc;

	/* two values in the first RDN: a conflict entry (spec 4.8) */
	if (ldap_str2dn(dn, &parsed, LDAP_DN_FORMAT_LDAPV3) != LDAP_SUCCESS ||
	    parsed == NULL || parsed[0] == NULL || parsed[0][0] == NULL ||
	    parsed[0][1] != NULL ||
	    !parent_text(&parent, parsed, be->base_rdns)) {
		ldap_dnfree(parsed);
		return err_set(e, RC_INVALID, "directory: unusable DN");
	}
	rc = kind_id_at(out, k,
	    view_of(
		parsed[0][0]->la_value.bv_val, parsed[0][0]->la_value.bv_len),
	    buf_cstr(&parent), be->subsystem, e);
	ldap_dnfree(parsed);
	return rc;
}

/* --- entries ------------------------------------------------------------ */

/* The class that tells a kind: the last of its list, but for requests. */
static bool
tells(enum rec_kind k, struct view class)
{
	const char *text = kind_info(k)->classes;
	const char *end =
	    k == REC_REQUEST ? strchr(text, ' ') : text + strlen(text);
	const char *from = end;

	while (from > text && from[-1] != ' ')
		from--;
	return value_equal(
	    "objectClass", class, view_of(from, (size_t)(end - from)));
}

bool
dir_kind_of(LDAP *ld, LDAPMessage *entry, enum rec_kind *out)
{
	struct berval **v = ldap_get_values_len(ld, entry, "objectClass");
	bool found = false;

	for (size_t i = 0; v != NULL && v[i] != NULL && !found; i++)
		for (enum rec_kind k = 0; k < REC_KINDS && !found; k++) {
			if (!tells(k, view_of(v[i]->bv_val, v[i]->bv_len)))
				continue;
			*out = k;
			found = true;
		}
	if (v != NULL)
		ldap_value_free_len(v);
	return found;
}

/* Adds one attribute of an entry; what only the directory needs is left out. */
static void
take_attr(
    struct rec *r, const char *rdn_value, const char *name, struct berval **v)
{
	for (size_t i = 0; v != NULL && v[i] != NULL; i++) {
		struct view value = view_of(v[i]->bv_val, v[i]->bv_len);
		int64_t usn;

		if (text_ieq(name, "objectClass"))
			return;
		if (text_ieq(name, "entryUSN")) {
			AUTO_STR text = view_dup_str(value);

			if (text != NULL &&
			    text_int(&usn, text, 0, INT64_MAX, NULL) == RC_OK)
				r->usn = (uint64_t)usn;
			return;
		}
		if (text_ieq(name, kind_info(r->kind)->rdn) &&
		    value_equal(name, value, view_str(rdn_value)))
			continue;
		rec_add(r, name, value);
	}
}

static enum rc
new_rec(struct ldap_be *be, struct rec **out, struct buf *rdn, enum rec_kind k,
    const char *id, struct err *e)
{
	enum rc rc = dir_rdn_value(be, rdn, k, id, e);

	if (rc == RC_OK && (*out = rec_new(k, id)) == NULL)
		rc = err_set(e, RC_NOMEM, "directory: out of memory");
	return rc;
}

enum rc
dir_gone_rec(struct ldap_be *be, LDAP *ld, LDAPMessage *entry, enum rec_kind k,
    struct rec **out, struct err *e)
{
	char *dn = ldap_get_dn(ld, entry);
	/* the first RDN is the server's: nsuniqueid=... */
	const char *rest = dn != NULL ? strchr(dn, ',') : NULL;
	struct berval **v = ldap_get_values_len(ld, entry, "entryUSN");
	AUTO_BUF id = buf_empty(0);
	AUTO(rec) r = NULL;
	enum rc rc = RC_INVALID;

	if (rest != NULL)
		rc = dn_id(be, rest + 1, k, &id, e);
	ldap_memfree(dn);
	if (rc == RC_OK && (r = rec_new(k, buf_cstr(&id))) == NULL)
		rc = err_set(e, RC_NOMEM, "directory: out of memory");
	if (rc == RC_OK)
		take_attr(r, "", "entryUSN", v);
	if (v != NULL)
		ldap_value_free_len(v);
	if (rc == RC_OK)
		*out = rec_steal(&r);
	return rc;
}

/* Every repository is an entry of the class that counters have. */
static enum rc
finish(struct rec **out, struct rec **r, struct err *e)
{
	enum rc rc = rec_check(*r, e);

	if (rc != RC_OK)
		return rc;
	if ((*r)->kind == REC_COUNTER && rec_attr(*r, "nextRange") == NULL)
		return err_set(e, RC_NOTFOUND, "%s %.64s: not found",
		    rec_kind_text(REC_COUNTER), (*r)->id);
	*out = rec_steal(r);
	return RC_OK;
}

enum rc
dir_to_rec(struct ldap_be *be, LDAP *ld, LDAPMessage *entry, enum rec_kind k,
    struct rec **out, struct err *e)
{
	char *dn = ldap_get_dn(ld, entry), *name;
	AUTO_BUF id = buf_empty(0);
	AUTO_BUF rdn = buf_empty(0);
	BerElement *ber = NULL;
	AUTO(rec) r = NULL;
	enum rc rc;

	if (dn == NULL)
		return err_set(e, RC_INVALID, "directory: entry without DN");
	if ((rc = dn_id(be, dn, k, &id, e)) == RC_OK)
		rc = new_rec(be, &r, &rdn, k, buf_cstr(&id), e);
	ldap_memfree(dn);
	if (rc != RC_OK)
		return rc;
	for (name = ldap_first_attribute(ld, entry, &ber); name != NULL;
	     name = ldap_next_attribute(ld, entry, ber)) {
		struct berval **v = ldap_get_values_len(ld, entry, name);

		take_attr(r, buf_cstr(&rdn), name, v);
		if (v != NULL)
			ldap_value_free_len(v);
		ldap_memfree(name);
	}
	if (ber != NULL)
		ber_free(ber, 0);
	return finish(out, &r, e);
}

/* RFC 4527: the control's value is a SearchResultEntry. */
enum rc
dir_post_read(struct ldap_be *be, struct berval *value, enum rec_kind k,
    const char *id, struct rec **out, struct err *e)
{
	BerElement *ber = ber_init(value);
	AUTO_BUF rdn = buf_empty(0);
	AUTO(rec) r = NULL;
	char *last = NULL;
	ber_len_t len;
	ber_tag_t tag;
	enum rc rc;

	if (ber == NULL)
		return err_set(e, RC_NOMEM, "directory: out of memory");
	rc = new_rec(be, &r, &rdn, k, id, e);
	if (rc == RC_OK && ber_scanf(ber, "{x") == LBER_ERROR)
		rc = err_set(e, RC_INVALID, "directory: damaged post-read");
	for (tag = rc == RC_OK ? ber_first_element(ber, &len, &last)
			       : LBER_DEFAULT;
	     tag != LBER_DEFAULT; tag = ber_next_element(ber, &len, last)) {
		struct berval **v = NULL;
		char *name = NULL;

		if (ber_scanf(ber, "{a[V]}", &name, &v) == LBER_ERROR)
			break;
		take_attr(r, buf_cstr(&rdn), name, v);
		ber_bvecfree(v);
		ber_memfree(name);
	}
	ber_free(ber, 1);
	return rc == RC_OK ? finish(out, &r, e) : rc;
}
