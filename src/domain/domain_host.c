/* SPDX-License-Identifier: Apache-2.0 */
/* domain_host.c - members of a security domain (spec deployment 8.1, directory
 * 2.12).
 * Owns:    nothing beyond a call.
 * Trusts:  nothing: names and ports come from the network.
 * Threads: any. */
#include "domain/domain_host.h"

#include <ctype.h>

const char *const domain_types[DOMAIN_TYPES] = { "CA", "KRA", "OCSP", "RA",
	"TKS", "TPS", "EST" };

enum {
	PORT_MAX = 65535,
	ID_WORDS = 3
};

const char *
domain_type(const char *type)
{
	for (size_t i = 0; type != NULL && i < DOMAIN_TYPES; i++) {
		if (text_ieq(domain_types[i], type))
			return domain_types[i];
	}
	return NULL;
}

bool
domain_host_is_name(const char *s)
{
	for (const char *p = s; *p != '\0'; p++) {
		if (!isalnum((unsigned char)*p) && strchr(".-_:", *p) == NULL)
			return false;
	}
	return *s != '\0';
}

static enum rc
check_ports(struct domain_host *h, struct err *e)
{
	int *const ports[] = { &h->agent, &h->admin, &h->client_auth };

	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
		if (*ports[i] == 0)
			*ports[i] = h->secure;
		if (*ports[i] < 0 || *ports[i] > PORT_MAX)
			return err_set(
			    e, RC_INVALID, "port %d: 1 to 65535", *ports[i]);
	}
	if (h->secure < 1 || h->secure > PORT_MAX)
		return err_set(
		    e, RC_INVALID, "secure port %d: 1 to 65535", h->secure);
	if (h->plain < 0 || h->plain > PORT_MAX)
		return err_set(
		    e, RC_INVALID, "unsecure port %d: 1 to 65535", h->plain);
	return RC_OK;
}

enum rc
domain_host_check(struct domain_host *h, struct err *e)
{
	const char *type = domain_type(h->type);

	if (type == NULL)
		return err_set(e, RC_INVALID,
		    "Invalid subsystem type: \"%s\" (CA, KRA, OCSP, RA, TKS, "
		    "TPS or EST)",
		    h->type);
	snprintf(h->type, sizeof(h->type), "%s", type);
	if (!domain_host_is_name(h->name))
		return err_set(
		    e, RC_INVALID, "Invalid host name: \"%.100s\"", h->name);
	return check_ports(h, e);
}

enum rc
domain_host_parse(struct domain_host *out, const char *id, struct err *e)
{
	AUTO_STR copy = strdup(id != NULL ? id : "");
	char *words[ID_WORDS], quoted[TEXT_QUOTE_MAX];
	struct domain_host h = { .type = "" };
	int64_t port;
	enum rc rc;

	if (copy == NULL)
		return err_set(e, RC_NOMEM, "host ID");
	if (text_split(copy, " ", words, ID_WORDS) != ID_WORDS ||
	    strlen(words[0]) >= sizeof(h.type) ||
	    strlen(words[1]) >= sizeof(h.name) ||
	    text_int(&port, words[2], 1, PORT_MAX, NULL) != RC_OK)
		return err_set(e, RC_INVALID, "Invalid host ID: %s",
		    text_quote(quoted, view_str(id)));
	snprintf(h.type, sizeof(h.type), "%s", words[0]);
	snprintf(h.name, sizeof(h.name), "%s", words[1]);
	h.secure = (int)port;
	if ((rc = domain_host_check(&h, e)) == RC_OK)
		*out = h;
	return rc;
}

void
domain_host_id(struct buf *out, const struct domain_host *h)
{
	buf_addf(out, "%s %s %d", h->type, h->name, h->secure);
}

void
domain_host_user(struct buf *out, const struct domain_host *h)
{
	buf_addf(out, "%s-%s-%d", h->type, h->name, h->secure);
}

static void
record_id(struct buf *out, const struct domain_host *h)
{
	buf_addf(out, "%s/%s:%d", h->type, h->name, h->secure);
}

/* --- records ------------------------------------------------------------------ */

static const struct {
	const char *attr;
	size_t at;
} port_attrs[] = {
	{ "SecurePort", offsetof(struct domain_host, secure) },
	{ "SecureAgentPort", offsetof(struct domain_host, agent) },
	{ "SecureAdminPort", offsetof(struct domain_host, admin) },
	{ "SecureEEClientAuthPort", offsetof(struct domain_host, client_auth) },
	{ "UnSecurePort", offsetof(struct domain_host, plain) },
};

static int *
port_of(struct domain_host *h, size_t i)
{
	return (int *)(void *)((char *)h + port_attrs[i].at);
}

static struct rec *
encode(struct domain_host *h, struct err *e)
{
	AUTO_BUF id = buf_empty(REC_ID_MAX);
	AUTO_BUF label = buf_empty(0);
	struct rec *r;

	record_id(&id, h);
	if (buf_check(&id, e) != RC_OK)
		return NULL;
	if (h->label[0] != '\0')
		buf_add_str(&label, h->label);
	else
		domain_host_id(&label, h);
	if ((r = rec_new(REC_DOMAIN_HOST, buf_cstr(&id))) == NULL) {
		err_set(e, RC_NOMEM, "security domain host");
		return NULL;
	}
	rec_add_str(r, "objectClass", "top");
	rec_add_str(r, "objectClass", "pkiSubsystem");
	rec_addf(r, "cn", "%s:%d", h->name, h->secure);
	rec_add_str(r, "host", h->name);
	rec_add_str(r, "SubsystemName", buf_cstr(&label));
	for (size_t i = 0; i < sizeof(port_attrs) / sizeof(*port_attrs); i++) {
		if (*port_of(h, i) > 0)
			rec_addf(r, port_attrs[i].attr, "%d", *port_of(h, i));
	}
	rec_add_str(r, "DomainManager", h->manager ? "TRUE" : "FALSE");
	rec_add_str(r, "Clone", h->clone ? "TRUE" : "FALSE");
	return r;
}

static bool
is_true(const struct rec *r, const char *attr)
{
	const char *s = rec_str(r, attr);

	return s != NULL && text_ieq(s, "TRUE");
}

/* Type from the record's id, all else from its attributes, which another
 * server may have written: what cannot be read is left out. */
static bool
decode(struct domain_host *out, const struct rec *r)
{
	struct domain_host h = { .type = "" };
	const char *slash = strchr(r->id, '/'), *s;
	int64_t port;

	if (slash == NULL || (size_t)(slash - r->id) >= sizeof(h.type) ||
	    (s = rec_str(r, "host")) == NULL || strlen(s) >= sizeof(h.name))
		return false;
	memcpy(h.type, r->id, (size_t)(slash - r->id));
	snprintf(h.name, sizeof(h.name), "%s", s);
	if ((s = rec_str(r, "SubsystemName")) != NULL)
		snprintf(h.label, sizeof(h.label), "%s", s);
	for (size_t i = 0; i < sizeof(port_attrs) / sizeof(*port_attrs); i++) {
		s = rec_str(r, port_attrs[i].attr);
		if (s != NULL && text_int(&port, s, 1, PORT_MAX, NULL) == RC_OK)
			*port_of(&h, i) = (int)port;
	}
	h.manager = is_true(r, "DomainManager");
	h.clone = is_true(r, "Clone");
	if (domain_host_check(&h, NULL) != RC_OK)
		return false;
	*out = h;
	return true;
}

static enum rc
replace(struct store *s, const struct rec *r, struct err *e)
{
	AUTO(batch) b = batch_new();

	if (b == NULL)
		return err_set(e, RC_NOMEM, "security domain host");
	batch_modify(b, REC_DOMAIN_HOST, r->id);
	for (size_t i = 0; i < r->n; i++) {
		if (!text_ieq(r->attrs[i].name, "objectClass") &&
		    !text_ieq(r->attrs[i].name, "cn"))
			batch_mod(b, MOD_REPLACE, r->attrs[i].name,
			    r->attrs[i].values[0]);
	}
	return store_commit(s, b, e);
}

enum rc
domain_host_put(struct store *s, struct domain_host *h, struct err *e)
{
	AUTO(batch) b = batch_new();
	AUTO(rec) copy = NULL;
	struct rec *r;
	enum rc rc;

	if ((rc = domain_host_check(h, e)) != RC_OK)
		return rc;
	if ((r = encode(h, e)) == NULL)
		return RC_NOMEM;
	copy = rec_copy(r);
	if (b == NULL || copy == NULL) {
		rec_free(r);
		return err_set(e, RC_NOMEM, "security domain host");
	}
	batch_add(b, r);
	rc = store_commit(s, b, e);
	return rc == RC_EXISTS ? replace(s, copy, e) : rc;
}

enum rc
domain_host_get(struct store *s, struct domain_host *h, struct err *e)
{
	AUTO_BUF id = buf_empty(REC_ID_MAX);
	AUTO(rec) r = NULL;
	enum rc rc;

	record_id(&id, h);
	if ((rc = buf_check(&id, e)) != RC_OK)
		return rc;
	rc = store_get(s, &r, REC_DOMAIN_HOST, buf_cstr(&id), e);
	if (rc == RC_NOTFOUND)
		return err_set(e, rc,
		    "Security domain host not found: %s %s %d", h->type,
		    h->name, h->secure);
	if (rc != RC_OK)
		return rc;
	if (!decode(h, r))
		return err_set(e, RC_INTERNAL,
		    "security domain host %s: unusable entry", buf_cstr(&id));
	return RC_OK;
}

enum rc
domain_host_delete(struct store *s, const struct domain_host *h, struct err *e)
{
	AUTO(batch) b = batch_new();
	AUTO_BUF id = buf_empty(REC_ID_MAX);
	struct domain_host found = *h;
	enum rc rc;

	if ((rc = domain_host_get(s, &found, e)) != RC_OK)
		return rc;
	if (b == NULL)
		return err_set(e, RC_NOMEM, "security domain host");
	record_id(&id, h);
	batch_delete(b, REC_DOMAIN_HOST, buf_cstr(&id));
	return store_commit(s, b, e);
}

/* --- lists -------------------------------------------------------------------- */

struct list {
	struct domain_host *items;
	size_t n, cap;
	enum rc rc;
};

static bool
collect(void *arg, const struct rec *r)
{
	struct list *l = arg;

	if (l->n == DOMAIN_HOSTS_MAX) {
		l->rc = RC_TOOBIG;
		return false;
	}
	if (l->n == l->cap) {
		size_t cap = l->cap == 0 ? 16 : l->cap * 2;
		struct domain_host *p = reallocarray(l->items, cap, sizeof(*p));
		if (p == NULL) {
			l->rc = RC_NOMEM;
			return false;
		}
		l->items = p;
		l->cap = cap;
	}
	if (decode(&l->items[l->n], r))
		l->n++;
	return true;
}

static int
rank(const struct domain_host *h)
{
	for (int i = 0; i < DOMAIN_TYPES; i++) {
		if (strcmp(domain_types[i], h->type) == 0)
			return i;
	}
	return DOMAIN_TYPES;
}

static int
by_type_and_id(const void *a, const void *b)
{
	const struct domain_host *x = a, *y = b;
	int c = rank(x) - rank(y);

	if (c == 0)
		c = strcmp(x->name, y->name);
	return c != 0 ? c : x->secure - y->secure;
}

enum rc
domain_host_each(struct store *s,
    bool (*fn)(void *arg, const struct domain_host *h), void *arg,
    struct err *e)
{
	struct query q = { .kind = REC_DOMAIN_HOST };
	struct list l = { .rc = RC_OK };
	enum rc rc = store_search(s, &q, collect, &l, e);

	if (rc == RC_OK && l.rc != RC_OK)
		rc = err_set(e, l.rc, "security domain: too many hosts");
	if (rc == RC_OK && l.n > 0)
		qsort(l.items, l.n, sizeof(*l.items), by_type_and_id);
	for (size_t i = 0; rc == RC_OK && i < l.n; i++) {
		if (!fn(arg, &l.items[i]))
			break;
	}
	free(l.items);
	return rc;
}
