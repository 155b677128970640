/* SPDX-License-Identifier: Apache-2.0 */
/* api_clone_state.c - what pki-server ca-clone-check compares between CAs of one
 * key: GET clone-state, and the same over the control socket.
 * Owns:    nothing.
 * Trusts:  the groups of the caller; nothing secret is told.
 * Threads: workers; the control thread. */
#include "ca/api.h"
#include "ca/setting_sync.h"
#include "x509/cert.h"

enum {
	TAGS_MAX = 32,
};

/* Beside what replicates: lines that must be alike all the same. Those of a
 * role say who does the work, and differ. */
static const char *const alike[] = { "ca.crl.", "ca.signing.",
	"ca.ocsp_signing.", "dbs.cert.id.", "dbs.request.id.",
	"dbs.enableSerialManagement", "internaldb.basedn",
	"internaldb.database", "securitydomain.name" };
static const char *const of_role[] = { ".enable", ".enableCRLCache",
	".enableCRLUpdates" };

static bool
is_compared(const char *name)
{
	bool found = false;

	for (size_t i = 0; i < sizeof(alike) / sizeof(alike[0]); i++)
		found = found || text_starts(name, alike[i]);
	for (size_t i = 0; i < sizeof(of_role) / sizeof(of_role[0]); i++)
		if (text_starts(name, "ca.crl.") &&
		    text_ends(name, of_role[i]) &&
		    strstr(name, ".extension.") == NULL)
			return false;
	/* certificates and requests are compared as such */
	return found && !text_ends(name, ".cert") &&
	    !text_ends(name, ".certreq") && !text_ends(name, "nickname") &&
	    !text_ends(name, ".tokenname");
}

static void
add_view(json_t *o, const char *prefix, const struct cfg *view)
{
	for (size_t i = 0; i < cfg_count(view); i++) {
		struct cfg_item x = cfg_at(view, i);
		AUTO_BUF name = buf_empty(0);

		buf_addf(&name, "%s%s", prefix, x.name);
		json_object_set_new(o, buf_cstr(&name), json_string(x.value));
	}
}

/* Of the CS.cfg as it is now, not as it was at the start. */
static enum rc
settings_json(struct ca *ca, json_t *o, struct err *e)
{
	AUTO_STR path = paths_cs_cfg(instance_paths(ca->instance), "ca");
	AUTO(cfg) cs = cfg_new();
	AUTO(cfg) connector = cfg_new();
	AUTO(cfg) params = cfg_new();
	enum rc rc;

	if (path == NULL || cs == NULL || connector == NULL || params == NULL)
		return err_set(e, RC_NOMEM, "settings");
	if ((rc = cfg_load(cs, path, e)) != RC_OK ||
	    (rc = setting_connector.view(connector, cs, e)) != RC_OK ||
	    (rc = setting_params.view(params, cs, e)) != RC_OK)
		return rc;
	add_view(o, "ca.connector.KRA.", connector);
	add_view(o, "", params);
	for (size_t i = 0; i < cfg_count(cs); i++)
		if (is_compared(cfg_at(cs, i).name))
			json_object_set_new(o, cfg_at(cs, i).name,
			    json_string(cfg_at(cs, i).value));
	return RC_OK;
}

static bool
add_profile(void *arg, struct profile *x)
{
	AUTO_BUF text = buf_empty(PROFILE_TEXT_MAX), hex = buf_empty(0);
	uint8_t d[DIGEST_MAX];

	profile_encode(x, &text, true);
	buf_add_hex(
	    &hex, view_of(d, digest_of(d, DIGEST_SHA256, buf_view(&text))));
	json_object_set_new(arg, x->id, json_string(buf_cstr(&hex)));
	return true;
}

/* When the certificates of the system end. */
static json_t *
ends_json(struct ca *ca)
{
	AUTO_STR list = strdup(cfg_str(ca->cfg, "ca.cert.list",
	    "signing,ocsp_signing,sslserver,subsystem,audit_signing"));
	char *tags[TAGS_MAX];
	json_t *o = json_object();
	size_t n = list != NULL ? text_split(list, ",", tags, TAGS_MAX) : 0;

	for (size_t i = 0; i < n && i < TAGS_MAX; i++) {
		const char *nick =
		    cfg_getf(ca->cfg, "ca.cert.%s.nickname", tags[i]);
		AUTO_BUF der = buf_empty(CERT_DER_MAX);
		struct cert x;

		if (nick != NULL &&
		    keystore_find_cert(instance_keystore(ca->instance), &der,
			nick, NULL) == RC_OK &&
		    cert_parse(&x, buf_view(&der), NULL) == RC_OK)
			json_object_set_new(
			    o, tags[i], json_integer(x.not_after));
	}
	return o;
}

enum rc
api_clone_state(struct ca *ca, json_t **out, struct err *e)
{
	json_t *settings = json_object(), *profiles = json_object();
	enum rc rc = settings_json(ca, settings, e);

	if (rc != RC_OK) {
		json_decref(settings);
		json_decref(profiles);
		return rc;
	}
	profiles_each(ca->profiles, add_profile, profiles);
	*out = json_pack("{s:o,s:I,s:o,s:o,s:o,s:o}", "address",
	    json_sprintf("%s:%d", ca->roles.self.host, ca->roles.self.port),
	    "time", (json_int_t)clock_now_ms(ca->clock), "numbers",
	    numbers_json(ca->numbers), "settings", settings, "profiles",
	    profiles, "certificates", ends_json(ca));
	return *out != NULL ? RC_OK : err_set(e, RC_NOMEM, "clone state");
}

/* The other CAs come with the subsystem's certificate. */
static void
get_state(struct http_call *c)
{
	AUTO(principal) p = NULL;
	struct err e = { RC_OK, "" };
	json_t *o = NULL;
	enum rc rc = api_caller(c, &p, &e);

	if (rc == RC_OK && p == NULL)
		rc = err_set(&e, RC_AUTH, "Authentication required");
	if (rc == RC_OK && !principal_in(p, "Subsystem Group") &&
	    !principal_in(p, "Administrators") &&
	    !principal_in(p, "Certificate Manager Agents"))
		rc = err_set(&e, RC_DENIED,
		    "only another CA, an administrator or an agent may ask");
	if (rc == RC_OK)
		rc = api_clone_state(api_ca(c), &o, &e);
	if (rc == RC_OK)
		api_json(c, 200, o);
	else
		api_fail(c, rc, &e);
}

static const struct http_route items[] = {
	{ HTTP_GET, "clone-state", get_state, HTTP_READ, HTTP_TLS_ONLY, 0 },
};
const struct api_routes api_clone_routes = { items,
	sizeof(items) / sizeof(items[0]) };
