/* SPDX-License-Identifier: Apache-2.0 */
/* replication_state.c - how replication stands: update vectors, lag, agreements
 * (spec directory 4.3, 4.5).
 * Owns:    nothing.
 * Trusts:  nothing: vectors and states come from the network.
 * Threads: one. */
#include <jansson.h>

#include "base/text.h"
#include "deploy/replication_int.h"

/* --- update vectors ---------------------------------------------------------- */

static bool
take_ruv(void *arg, const struct ds_entry *x)
{
	ds_ruv_take(arg, x);
	return false;
}

enum rc
repl_ruv_read(
    struct ds_admin *d, struct repl_ruv *out, const char *base, struct err *e)
{
	static const char *const attrs[] = { "nsds50ruv", NULL };
	AUTO_BUF dn = buf_empty(0);
	enum rc rc = repl_replica_dn(d, &dn, base, e);

	memset(out, 0, sizeof(*out));
	if (rc != RC_OK)
		return rc;
	rc =
	    ds_search(d, buf_cstr(&dn), DS_BASE, NULL, attrs, take_ruv, out, e);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}

static int64_t
csn_time(const char *csn)
{
	AUTO_BUF b = buf_empty(8);
	struct view hex = view_of(csn, 8);

	if (text_hex(&b, hex, NULL) != RC_OK || b.len != 4)
		return 0;
	return ((int64_t)b.data[0] << 24) | ((int64_t)b.data[1] << 16) |
	    ((int64_t)b.data[2] << 8) | b.data[3];
}

int64_t
repl_lag(const struct repl_ruv *ahead, const struct repl_ruv *behind)
{
	int64_t lag = 0;

	if (ahead->generation[0] == '\0' ||
	    strcmp(ahead->generation, behind->generation) != 0)
		return -1;
	for (size_t i = 0; i < ahead->n; i++) {
		const struct repl_seen *a = &ahead->seen[i], *b = NULL;

		if (a->csn[0] == '\0')
			continue;
		for (size_t j = 0; j < behind->n; j++)
			if (behind->seen[j].id == a->id)
				b = &behind->seen[j];
		if (b == NULL || b->csn[0] == '\0')
			return -1;
		if (strcmp(a->csn, b->csn) <= 0)
			continue;
		int64_t by = csn_time(a->csn) - csn_time(b->csn);
		/* changes of one second are behind all the same */
		if (by < 1)
			by = 1;
		if (by > lag)
			lag = by;
	}
	return lag;
}

enum rc
repl_own_id(struct ds_admin *d, int64_t *out, const char *base, struct err *e)
{
	AUTO_BUF dn = buf_empty(0), id = buf_empty(0);
	enum rc rc = repl_replica_dn(d, &dn, base, e);

	if (rc != RC_OK)
		return rc;
	rc = ds_get(d, &id, buf_cstr(&dn), "nsDS5ReplicaId", e);
	if (rc != RC_OK && rc != RC_NOTFOUND)
		return rc;
	*out = 0;
	if (id.len == 0)
		return RC_OK;
	return text_int(out, buf_cstr(&id), 1, UINT16_MAX, e);
}

/* --- agreements ---------------------------------------------------------------- */

/* The codes that a server gets over by itself: busy, skewed clock now and then,
 * timeout, transient, and a consumer that is away. */
static enum repl_state
state_of(int64_t code)
{
	switch (code) {
	case 0:
		return REPL_GREEN;
	case 1:
	case 16:
	case 17:
	case 18:
		return REPL_AMBER;
	default:
		return code < 0 ? REPL_AMBER : REPL_RED;
	}
}

static bool
parse_json(struct repl_status *out, struct buf *message, const char *text)
{
	json_t *o = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	const char *state = json_string_value(json_object_get(o, "state"));
	const char *said = json_string_value(json_object_get(o, "message"));
	const char *ldap = json_string_value(json_object_get(o, "ldap_rc"));
	const char *repl = json_string_value(json_object_get(o, "repl_rc"));
	int64_t l = 0, r = 0;
	bool ok = state != NULL && said != NULL && ldap != NULL &&
	    repl != NULL &&
	    text_int(&l, ldap, INT32_MIN, INT32_MAX, NULL) == RC_OK &&
	    text_int(&r, repl, INT32_MIN, INT32_MAX, NULL) == RC_OK;

	if (ok) {
		out->code = (int)(l != 0 ? l : r);
		out->state = text_ieq(state, "green") ? REPL_GREEN
		    : text_ieq(state, "amber")        ? REPL_AMBER
						      : REPL_RED;
		buf_add_str(message, said);
	}
	json_decref(o);
	return ok;
}

/* The number of "Error (-1) text", "Error (0) text" or "0 text". */
static bool
parse_plain(struct repl_status *out, struct buf *message, const char *text)
{
	AUTO_STR copy = strdup(text);
	int64_t code;
	char *s = copy;
	size_t n;

	if (s == NULL)
		return false;
	if (text_starts(s, "Error ("))
		s += strlen("Error (");
	n = strcspn(s, ") ");
	if (s[n] != '\0')
		s[n++] = '\0';
	if (text_int(&code, s, INT32_MIN, INT32_MAX, NULL) != RC_OK)
		return false;
	out->code = (int)code;
	out->state = state_of(code);
	buf_add_str(message, text);
	return true;
}

bool
repl_status_parse(
    struct repl_status *out, struct buf *message, const char *text)
{
	return text[0] == '{' ? parse_json(out, message, text)
			      : parse_plain(out, message, text);
}

struct each {
	bool (*fn)(void *arg, const struct repl_status *s);
	void *arg;
};

static bool
take_agreement(void *arg, const struct ds_entry *x)
{
	struct each *each = arg;
	AUTO_BUF name = buf_empty(0), host = buf_empty(0), v = buf_empty(0);
	AUTO_BUF last = buf_empty(0), message = buf_empty(0);
	struct repl_status s = { .dn = x->dn, .state = REPL_AMBER };

	ds_value(x, "cn", 0, &name);
	ds_value(x, "nsDS5ReplicaHost", 0, &host);
	ds_value(x, "nsds5replicaLastUpdateEnd", 0, &last);
	if (ds_value(x, "nsDS5ReplicaPort", 0, &v) != NULL)
		rc_ignore(text_int(&s.port, buf_cstr(&v), 1, 65535, NULL));
	s.enabled = ds_value(x, "nsds5ReplicaEnabled", 0, &v) == NULL ||
	    !text_ieq(buf_cstr(&v), "off");
	s.busy = ds_value(x, "nsds5BeginReplicaRefresh", 0, &v) != NULL;
	if (ds_value(x, "nsds5replicaLastUpdateStatusJSON", 0, &v) == NULL)
		ds_value(x, "nsds5replicaLastUpdateStatus", 0, &v);
	if (!repl_status_parse(&s, &message, buf_cstr(&v)))
		buf_add_str(&message, "no status yet");
	s.initialized = s.code != 19;
	s.name = buf_cstr(&name);
	s.host = buf_cstr(&host);
	s.last_update = buf_cstr(&last);
	s.message = buf_cstr(&message);
	return each->fn(each->arg, &s);
}

enum rc
repl_status_each(struct ds_admin *d, const char *base,
    bool (*fn)(void *arg, const struct repl_status *s), void *arg,
    struct err *e)
{
	static const char *const attrs[] = { "cn", "nsDS5ReplicaHost",
		"nsDS5ReplicaPort", "nsds5replicaLastUpdateEnd",
		"nsds5ReplicaEnabled", "nsds5BeginReplicaRefresh",
		"nsds5replicaLastUpdateStatusJSON",
		"nsds5replicaLastUpdateStatus", NULL };
	struct each each = { fn, arg };
	AUTO_BUF dn = buf_empty(0);
	enum rc rc = repl_replica_dn(d, &dn, base, e);

	if (rc != RC_OK)
		return rc;
	rc = ds_search(d, buf_cstr(&dn), DS_ONE,
	    "(objectClass=nsDS5ReplicationAgreement)", attrs, take_agreement,
	    &each, e);
	return rc == RC_NOTFOUND ? RC_OK : rc;
}
