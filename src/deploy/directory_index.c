/* SPDX-License-Identifier: Apache-2.0 */
/* directory_index.c - indexes and virtual lists (spec directory 3.1, 3.3).
 * Owns:    constant tables.
 * Trusts:  the directory's answers about its own configuration.
 * Threads: one. */
#include "deploy/directory.h"

#include <unistd.h>

#include "base/text.h"

enum {
	/* a million entries take minutes */
	INDEX_TIMEOUT_MS = 3600 * 1000,
	INDEX_TASK_TTL = 10,
	TASK_TEXT_MAX = 192,
	TASK_OWN_ATTRS = 5,
};

/* One index; subs are the subsystems that have it. */
struct index_def {
	const char *attr, *types, *subs;
};

static const struct index_def indexes[] = {
	{ "revokedBy", "eq", "ca ocsp tks" },
	{ "issuedBy", "eq", "ca ocsp tks" },
	{ "publicKeyData", "eq", "ca kra ocsp tks" },
	{ "clientId", "eq", "ca kra ocsp tks" },
	{ "dataType", "eq", "ca kra ocsp tks" },
	{ "status", "eq", "ca kra ocsp tks" },
	{ "description", "eq,pres", "ca kra ocsp tks tps" },
	{ "serialno", "eq,pres", "ca kra ocsp tks" },
	{ "metaInfo", "eq,pres", "ca kra ocsp tks" },
	{ "certStatus", "eq,pres", "ca ocsp tks" },
	{ "requestId", "eq,pres", "ca kra ocsp tks" },
	{ "requestType", "eq,pres", "ca kra ocsp tks" },
	{ "requestState", "eq,pres", "ca kra ocsp tks" },
	{ "requestOwner", "eq,pres", "ca kra ocsp tks" },
	{ "notBefore", "eq,pres", "ca ocsp tks" },
	{ "notAfter", "eq,pres", "ca ocsp tks" },
	{ "duration", "eq,pres", "ca ocsp tks" },
	{ "dateOfCreate", "eq,pres", "ca kra ocsp tks" },
	{ "revokedOn", "eq,pres", "ca ocsp tks" },
	{ "archivedBy", "eq,pres", "ca kra ocsp tks" },
	{ "ownerName", "eq,pres,sub", "ca kra ocsp tks" },
	{ "subjectName", "eq,pres,sub", "ca kra ocsp tks" },
	{ "requestSourceId", "eq,pres,sub", "ca kra ocsp tks" },
	{ "revInfo", "eq,pres,sub", "ca ocsp tks" },
	{ "extension", "eq,pres,sub", "ca ocsp tks" },
	{ "issuerName", "eq,pres,sub", "ca" },
	{ "realm", "eq,pres", "kra" },
	{ "acmeExpires", "eq", "ca" },
	{ "acmeAccountId", "eq", "ca" },
	{ "acmeStatus", "eq", "ca" },
	{ "acmeAuthorizationId", "eq", "ca" },
	{ "acmeIdentifier", "eq", "ca" },
	{ "acmeCertificateId", "eq", "ca" },
	{ "acmeAuthorizationWildcard", "eq,pres", "ca" },
	{ "tokenUserID", "eq,pres,sub", "tps" },
	{ "tokenID", "eq,pres,sub", "tps" },
	{ "dateOfCreate", "eq,pres,sub", "tps" },
	{ "dateOfModify", "eq,pres,sub", "tps" },
	{ "userCertificate", "eq", "tps" },
	{ "tokenSerial", "eq", "tps" },
	{ "tokenKeyType", "eq", "tps" },
};
enum {
	INDEXES = sizeof(indexes) / sizeof(indexes[0]),
	TYPES_MAX = 3,
};

static bool
has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = list; (at = strstr(at, word)) != NULL; at += n)
		if ((at == list || at[-1] == ' ') &&
		    (at[n] == ' ' || at[n] == '\0'))
			return true;
	return false;
}

/* The types of an index as attributes; the texts live in copy. */
static void
list_types(const struct index_def *x, char copy[32], struct ds_attr *out)
{
	char *types[TYPES_MAX];
	size_t n;

	snprintf(copy, 32, "%s", x->types);
	n = text_split(copy, ",", types, TYPES_MAX);
	for (size_t i = 0; i < n && i < TYPES_MAX; i++)
		out[i] = (struct ds_attr){ "nsIndexType", types[i], NULL };
}

static enum rc
add_index(struct ds_admin *d, const struct dbconf *c, const struct index_def *x,
    struct err *e)
{
	AUTO_BUF dn = buf_empty(0);
	char copy[32];
	struct ds_attr attrs[4 + TYPES_MAX + 1] = {
		{ "objectClass", "top", NULL },
		{ "objectClass", "nsIndex", NULL },
		{ "cn", x->attr, NULL },
		{ "nsSystemIndex", "false", NULL },
	};
	enum rc rc;

	list_types(x, copy, &attrs[4]);
	buf_addf(&dn, "cn=%s,cn=index,", x->attr);
	directory_backend_dn(&dn, c->database);
	rc = ds_add(d, buf_cstr(&dn), attrs, e);
	if (rc != RC_EXISTS)
		return rc;
	rc = RC_OK;
	for (size_t i = 4; rc == RC_OK && attrs[i].name != NULL; i++)
		rc = ds_set(d, buf_cstr(&dn), MOD_ADD, "nsIndexType",
		    attrs[i].value, e);
	return rc;
}

enum rc
directory_index_add(struct ds_admin *d, const struct dbconf *c, struct err *e)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < INDEXES; i++)
		if (has_word(indexes[i].subs, c->subsystem))
			rc = add_index(d, c, &indexes[i], e);
	return rc;
}

/* An index task in the making. */
struct task {
	struct ds_attr attrs[DS_ATTRS_MAX];
	char text[DS_ATTRS_MAX][TASK_TEXT_MAX];
	size_t n;
};

static void
task_add(struct task *t, const char *attr, const char *a, const char *between,
    const char *b)
{
	if (t->n + TASK_OWN_ATTRS >= DS_ATTRS_MAX)
		return;
	snprintf(t->text[t->n], TASK_TEXT_MAX, "%s%s%s", a, between, b);
	t->attrs[t->n] = (struct ds_attr){ attr, t->text[t->n], NULL };
	t->n++;
}

static enum rc
run_task(struct ds_admin *d, const struct dbconf *c, struct task *t,
    const char *kind, directory_say say, void *arg, struct err *e)
{
	static unsigned runs;
	AUTO_BUF dn = buf_empty(0);
	struct ds_attr *own = &t->attrs[t->n];
	char name[64], ttl[16];

	snprintf(name, sizeof(name), "signet-%s-%ld-%u", kind, (long)getpid(),
	    ++runs);
	snprintf(ttl, sizeof(ttl), "%d", INDEX_TASK_TTL);
	own[0] = (struct ds_attr){ "objectClass", "extensibleObject", NULL };
	own[1] = (struct ds_attr){ "cn", name, NULL };
	own[2] = (struct ds_attr){ "nsInstance", c->database, NULL };
	own[3] = (struct ds_attr){ "ttl", ttl, NULL };
	own[4] = (struct ds_attr){ NULL, NULL, NULL };
	buf_addf(&dn, "cn=%s,cn=index,cn=tasks,cn=config", name);
	return ds_task(
	    d, buf_cstr(&dn), t->attrs, INDEX_TIMEOUT_MS, say, arg, e);
}

enum rc
directory_index_rebuild(struct ds_admin *d, const struct dbconf *c,
    directory_say say, void *arg, struct err *e)
{
	struct task *t = calloc(1, sizeof(*t));
	enum rc rc;

	if (t == NULL)
		return err_set(e, RC_NOMEM, "index task");
	for (size_t i = 0; i < INDEXES; i++)
		if (has_word(indexes[i].subs, c->subsystem))
			task_add(t, "nsIndexAttribute", indexes[i].attr, ":",
			    indexes[i].types);
	if (say != NULL)
		say(arg, "Indexing, which the directory does");
	rc = run_task(d, c, t, "index", say, arg, e);
	free(t);
	return rc;
}

/* --- virtual lists --------------------------------------------------------- */

struct vlv_def {
	const char *name, *filter, *sort, *base, *subs;
};

#define CERTS "ou=certificateRepository,ou=ca"
#define CA_REQUESTS "ou=ca,ou=requests"
#define KRA_REQUESTS "ou=kra,ou=requests"
#define KEYS "ou=keyRepository,ou=kra"
#define IS_CA "(extension=2.5.29.19;*isCA=true*)"
#define CERT(name, filter, sort)                \
	{                                       \
		name, filter, sort, CERTS, "ca" \
	}
#define CA_REQ(name, terms)                                      \
	{                                                        \
		"ca" name, terms, "requestId", CA_REQUESTS, "ca" \
	}
#define CA_STATE(name, state)                                           \
	CA_REQ(name, "(requeststate=" state ")"),                       \
	    CA_REQ(name "Enrollment",                                   \
		"(&(requeststate=" state ")(requesttype=enrollment))"), \
	    CA_REQ(name "Renewal",                                      \
		"(&(requeststate=" state ")(requesttype=renewal))"),    \
	    CA_REQ(name "Revocation",                                   \
		"(&(requeststate=" state ")(requesttype=revocation))")
#define KRA_REQ(name, terms)                                         \
	{                                                            \
		"kra" name, "(&" terms "(!(realm=*)))", "requestId", \
		    KRA_REQUESTS, "kra"                              \
	}
#define KRA_STATE(name, state)                                       \
	KRA_REQ(name, "(requeststate=" state ")"),                   \
	    KRA_REQ(name "Enrollment",                               \
		"(requeststate=" state ")(requesttype=enrollment)"), \
	    KRA_REQ(name "Recovery",                                 \
		"(requeststate=" state ")(requesttype=recovery)")

static const struct vlv_def vlvs[] = {
	CERT("allCerts", "(certstatus=*)", "serialno"),
	CERT("allExpiredCerts", "(certstatus=EXPIRED)", "serialno"),
	CERT("allInvalidCerts", "(certstatus=INVALID)", "serialno"),
	CERT("allInValidCertsNotBefore", "(certstatus=INVALID)", "notBefore"),
	CERT("allNonRevokedCerts",
	    "(|(certstatus=VALID)(certstatus=INVALID)(certstatus=EXPIRED))",
	    "serialno"),
	CERT("allRevokedCaCerts", "(&(certstatus=REVOKED)" IS_CA ")",
	    "serialno"),
	CERT("allRevokedCerts", "(certstatus=REVOKED)", "serialno"),
	CERT("allRevokedCertsNotAfter", "(certstatus=REVOKED)", "notAfter"),
	CERT("allRevokedExpiredCerts", "(certstatus=REVOKED_EXPIRED)",
	    "serialno"),
	CERT("allRevokedOrRevokedExpiredCaCerts",
	    "(&(|(certstatus=REVOKED)(certstatus=REVOKED_EXPIRED))" IS_CA ")",
	    "serialno"),
	CERT("allRevokedOrRevokedExpiredCerts",
	    "(|(certstatus=REVOKED)(certstatus=REVOKED_EXPIRED))", "serialno"),
	CERT("allValidCerts", "(certstatus=VALID)", "serialno"),
	CERT("allValidCertsNotAfter", "(certstatus=VALID)", "notAfter"),
	CERT("allValidOrRevokedCerts",
	    "(|(certstatus=VALID)(certstatus=REVOKED))", "serialno"),
	CA_REQ("All", "(requeststate=*)"),
	CA_REQ("Enrollment", "(&(requeststate=*)(requesttype=enrollment))"),
	CA_REQ("Renewal", "(&(requeststate=*)(requesttype=renewal))"),
	CA_REQ("Revocation", "(&(requeststate=*)(requesttype=revocation))"),
	CA_STATE("Canceled", "canceled"),
	CA_STATE("Complete", "complete"),
	CA_STATE("Pending", "pending"),
	CA_STATE("Rejected", "rejected"),
	{ "allKeys", "(&(serialno=*)(!(realm=*)))", "serialno", KEYS, "kra" },
	KRA_REQ("All", "(requeststate=*)"),
	KRA_REQ("Archival", "(requesttype=enrollment)"),
	KRA_REQ("Recovery", "(requesttype=recovery)"),
	KRA_STATE("Canceled", "canceled"),
	KRA_STATE("Complete", "complete"),
	KRA_STATE("Rejected", "rejected"),
	{ "listTokens", "(&(objectClass=top)(objectClass=tokenRecord))",
	    "-dateOfModify -dateOfCreate", "ou=Tokens", "tps" },
	{ "listActivities", "(&(objectClass=top)(objectClass=tokenActivity))",
	    "-dateOfCreate", "ou=Activities", "tps" },
};
enum {
	VLVS = sizeof(vlvs) / sizeof(vlvs[0]),
	VLV_NAME_MAX = 160,
};

/* TPS lists carry no instance's name. */
static void
vlv_name(char out[VLV_NAME_MAX], const struct vlv_def *x, const char *instance)
{
	if (strcmp(x->subs, "tps") == 0)
		snprintf(out, VLV_NAME_MAX, "%s", x->name);
	else
		snprintf(out, VLV_NAME_MAX, "%s-%.64s", x->name, instance);
}

static void
vlv_dn(struct buf *out, const struct dbconf *c, const char *name)
{
	buf_addf(out, "cn=%s,", name);
	directory_backend_dn(out, c->database);
}

static enum rc
add_vlv(struct ds_admin *d, const struct dbconf *c, const struct vlv_def *x,
    const char *instance, struct err *e)
{
	AUTO_BUF dn = buf_empty(0), base = buf_empty(0), below = buf_empty(0);
	char name[VLV_NAME_MAX], index[VLV_NAME_MAX + 8];
	enum rc rc;

	vlv_name(name, x, instance);
	snprintf(index, sizeof(index), "%sIndex", name);
	buf_addf(&base, "%s,%s", x->base, c->base_dn);
	vlv_dn(&dn, c, name);
	buf_addf(&below, "cn=%s,%s", index, buf_cstr(&dn));
	const struct ds_attr search[] = { { "objectClass", "top", NULL },
		{ "objectClass", "vlvSearch", NULL }, { "cn", name, NULL },
		{ "vlvBase", buf_cstr(&base), NULL }, { "vlvScope", "1", NULL },
		{ "vlvFilter", x->filter, NULL }, { NULL, NULL, NULL } };
	const struct ds_attr list[] = { { "objectClass", "top", NULL },
		{ "objectClass", "vlvIndex", NULL }, { "cn", index, NULL },
		{ "vlvSort", x->sort, NULL }, { "vlvEnabled", "0", NULL },
		{ "vlvUses", "0", NULL }, { NULL, NULL, NULL } };

	rc = ds_add(d, buf_cstr(&dn), search, e);
	if (rc != RC_OK && rc != RC_EXISTS)
		return rc;
	rc = ds_add(d, buf_cstr(&below), list, e);
	return rc == RC_EXISTS ? RC_OK : rc;
}

enum rc
directory_vlv_add(struct ds_admin *d, const struct dbconf *c,
    const char *instance, struct err *e)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < VLVS; i++)
		if (has_word(vlvs[i].subs, c->subsystem))
			rc = add_vlv(d, c, &vlvs[i], instance, e);
	return rc;
}

enum rc
directory_vlv_del(struct ds_admin *d, const struct dbconf *c,
    const char *instance, struct err *e)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < VLVS; i++) {
		AUTO_BUF dn = buf_empty(0);
		char name[VLV_NAME_MAX];

		if (!has_word(vlvs[i].subs, c->subsystem))
			continue;
		vlv_name(name, &vlvs[i], instance);
		vlv_dn(&dn, c, name);
		rc = ds_delete_tree(d, buf_cstr(&dn), false, e);
	}
	return rc;
}

enum rc
directory_vlv_reindex(struct ds_admin *d, const struct dbconf *c,
    const char *instance, directory_say say, void *arg, struct err *e)
{
	struct task *t = calloc(1, sizeof(*t));
	char name[VLV_NAME_MAX];
	enum rc rc = RC_OK;

	if (t == NULL)
		return err_set(e, RC_NOMEM, "index task");
	for (size_t i = 0; i < VLVS; i++) {
		if (!has_word(vlvs[i].subs, c->subsystem))
			continue;
		vlv_name(name, &vlvs[i], instance);
		task_add(t, "nsIndexVLVAttribute", name, "", "Index");
	}
	if (t->n > 0)
		rc = run_task(d, c, t, "vlv", say, arg, e);
	free(t);
	return rc;
}

enum rc
directory_vlv_find(struct ds_admin *d, const struct dbconf *c,
    bool (*fn)(void *arg, const struct ds_entry *x), void *arg, struct err *e)
{
	AUTO_BUF dn = buf_empty(0);

	directory_backend_dn(&dn, c->database);
	return ds_search(d, buf_cstr(&dn), DS_SUB,
	    "(|(objectClass=vlvSearch)(objectClass=vlvIndex))", NULL, fn, arg,
	    e);
}
