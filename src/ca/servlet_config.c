/* SPDX-License-Identifier: Apache-2.0 */
/* servlet_config.c - what a clone fetches of its master: getConfigEntries and
 * updateNumberRange (spec deployment 3.4, 3.5).
 * Owns:    nothing beyond a call; wipes answers, which hold passwords.
 * Trusts:  nothing of a request; who holds a good token may read CS.cfg and the
 *          two passwords that replication needs, no other file.
 * Threads: workers. */
#include "base/file.h"
#include "base/xml.h"
#include "ca/program.h"
#include "instance/numbers.h"

#define RESOURCE "certServer.clone.configuration"
#define AUTO_WIPED __attribute__((cleanup(buf_wipe))) struct buf

enum {
	NAMES_MAX = 256,
	TAG_MAX = 64
};

/* One answer under way. */
struct entries {
	struct instance *instance;
	struct cfg *cs; /* as it is on the disk now */
	struct buf *out;
};

static void
add_entry(struct entries *x, const char *name, const char *value)
{
	/* a clone stands on another machine */
	if (text_ieq(value, "localhost"))
		value = instance_host(x->instance);
	xml_open(x->out, "Config");
	xml_text(x->out, "name", name);
	xml_text(x->out, "value", value);
	xml_close(x->out, "Config");
}

static void
add_password(struct entries *x, const char *name, const char *password)
{
	AUTO(secret) s = instance_password(x->instance, password);

	if (s != NULL)
		add_entry(x, name, secret_cstr(s));
}

/* "ca.<tag>.certreq" -> the request in certs/, base64 on one line. */
static bool
add_certreq(struct entries *x, const char *name)
{
	AUTO_BUF path = buf_empty(0), pem = buf_empty(0), der = buf_empty(0),
		 line = buf_empty(0);
	char tag[TAG_MAX];
	size_t n = strlen(name);

	if (!text_starts(name, "ca.") || !text_ends(name, ".certreq") ||
	    n <= strlen("ca..certreq") ||
	    n - strlen("ca..certreq") >= sizeof(tag))
		return false;
	n -= strlen("ca..certreq");
	memcpy(tag, name + strlen("ca."), n);
	tag[n] = '\0';
	if (strspn(tag, "abcdefghijklmnopqrstuvwxyz_") != n)
		return false;
	bool shared =
	    strcmp(tag, "sslserver") == 0 || strcmp(tag, "subsystem") == 0;
	buf_addf(&path, "%s/%s%s.csr", instance_paths(x->instance)->certs,
	    shared ? "" : "ca_", tag);
	if (file_read(&pem, buf_cstr(&path), NULL) != RC_OK ||
	    text_pem(&der, buf_view(&pem), NULL, NULL) != RC_OK)
		return false;
	buf_add_base64(&line, buf_view(&der), 0, "");
	add_entry(x, name, buf_cstr(&line));
	return true;
}

static void
add_name(struct entries *x, const char *name)
{
	const char *value;

	if (strcmp(name, "internaldb.ldapauth.password") == 0)
		add_password(x, name, "internaldb");
	else if (strcmp(name, "internaldb.replication.password") == 0)
		add_password(x, name, "replicationdb");
	else if ((value = cfg_get(x->cs, name)) != NULL)
		add_entry(x, name, value);
	else
		add_certreq(x, name); /* unknown names are passed over */
}

/* The settings "<store>.x", those of its own sub-stores not. */
static void
add_substore(struct entries *x, const char *store)
{
	AUTO_BUF prefix = buf_empty(0);

	buf_addf(&prefix, "%s.", store);
	for (size_t i = cfg_lower(x->cs, buf_cstr(&prefix));
	     i < cfg_count(x->cs); i++) {
		struct cfg_item item = cfg_at(x->cs, i);

		if (!text_starts(item.name, buf_cstr(&prefix)))
			break;
		if (strchr(item.name + prefix.len, '.') == NULL)
			add_entry(x, item.name, item.value);
	}
}

/* Each word of a comma list. */
static enum rc
each_word(struct entries *x, const char *list,
    void (*fn)(struct entries *x, const char *word), struct err *e)
{
	AUTO_STR copy = strdup(list != NULL ? list : "");
	char *words[NAMES_MAX];
	size_t n;

	if (copy == NULL)
		return err_set(e, RC_NOMEM, "configuration");
	if ((n = text_split(copy, ",", words, NAMES_MAX)) > NAMES_MAX)
		return err_set(e, RC_TOOBIG, "more than %d names", NAMES_MAX);
	for (size_t i = 0; i < n; i++)
		fn(x, words[i]);
	return RC_OK;
}

static enum rc
collect(struct http_call *c, struct buf *out, struct err *e)
{
	struct ca *ca = api_ca(c);
	AUTO_STR path = paths_cs_cfg(instance_paths(ca->instance), "ca");
	AUTO(cfg) cs = cfg_new();
	struct entries x = { ca->instance, cs, out };
	const char *op = http_arg(c, "op");
	enum rc rc;

	if (path == NULL || cs == NULL)
		return err_set(e, RC_NOMEM, "configuration");
	if (op != NULL && strcmp(op, "get") != 0)
		return err_set(e, RC_INVALID, "op: only get is known");
	if ((rc = cfg_load(cs, path, e)) != RC_OK ||
	    (rc = each_word(&x, http_arg(c, "names"), add_name, e)) != RC_OK ||
	    (rc = each_word(&x, http_arg(c, "substores"), add_substore, e)) !=
		RC_OK)
		return rc;
	xml_text(out, "Status", "0");
	return buf_check(out, e);
}

static void
get_config_entries(struct http_call *c)
{
	static const struct program_words words = { "Error: Not authenticated",
		"Error: Not authorized",
		"Error: Encountered problem during authorization.", false };
	AUTO_CALLER caller = { .who = NULL };
	AUTO_WIPED out = buf_empty(XML_MAX);
	struct err e = { RC_OK, "" };

	if (!program_enter(c, &caller, RESOURCE, "read", true, &words))
		return;
	if (collect(c, &out, &e) == RC_OK)
		program_xml(c, &out);
	else
		program_fail_xml(c, PROGRAM_FAILED, e.text, NULL);
}

static void
update_number_range(struct http_call *c)
{
	static const struct program_words words = {
		"Error: Authentication failed", "Error: Authorization failed",
		"Error: Authorization failed", false
	};
	const char *type = http_arg(c, "type");
	struct ca *ca = api_ca(c);
	AUTO_CALLER caller = { .who = NULL };
	AUTO_BUF pairs = buf_empty(0);
	char begin[RANGE_TEXT_MAX] = "", end[RANGE_TEXT_MAX] = "";
	struct err e = { RC_OK, "" };
	enum rc rc;

	if (!program_enter(c, &caller, RESOURCE, "modify", true, &words))
		return;
	rc = numbers_transfer(
	    ca->numbers, type != NULL ? type : "", begin, end, &e);
	buf_addf(&pairs,
	    "source;;updateNumberRange+type;;%s+beginNumber;;%s+"
	    "endNumber;;%s",
	    type != NULL ? type : "", begin, end);
	rc_ignore(audit_event(ca->audit,
	    AUDIT_ENTRY("CONFIG_SERIAL_NUMBER", caller.who->uid, rc == RC_OK,
		"serial number ranges configuration change",
		{ "ParamNameValPairs", buf_cstr(&pairs) }),
	    NULL)); /* a failed audit log stops the CA in tick */
	if (rc != RC_OK) {
		rc_ignore(err_prefix(&e, "Error"));
		program_fail_xml(c, PROGRAM_FAILED, e.text, NULL);
		return;
	}
	program_json(c,
	    json_pack("{s:s,s:s,s:s}", "Status", "0", "beginNumber", begin,
		"endNumber", end));
}

enum {
	SAFE = HTTP_TLS_ONLY | HTTP_SAME_ORIGIN
};
static const struct http_route items[] = {
	{ HTTP_POST, "/ca/admin/ca/getConfigEntries", get_config_entries,
	    HTTP_ADMIN, SAFE, 0 },
	{ HTTP_POST, "/ca/admin/ca/updateNumberRange", update_number_range,
	    HTTP_ADMIN, SAFE, 0 },
};
const struct api_routes servlet_config_routes = { items,
	sizeof(items) / sizeof(items[0]) };
