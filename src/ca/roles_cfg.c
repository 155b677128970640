/* SPDX-License-Identifier: Apache-2.0 */
/* roles_cfg.c - what CS.cfg says of roles, and how it is kept true (spec
 * deployment 5.3).
 * Owns:    nothing.
 * Trusts:  the settings record as far as cfg_parse does; it replaces whole
 *          families of lines only.
 * Threads: under roles.work. */
#include "base/file.h"
#include "base/log.h"
#include "ca/state.h"
#include "instance/cscfg.h"

enum {
	SETTINGS_MAX = 4 * 1024 * 1024
};
#define SETTINGS_ID "role.ca"

/* What moves with the roles, beside the issuing points. */
static const char *const families[] = { "ca.crl.", "ca.publish.",
	"jobsScheduler." };

static const char *
point_of(const char *role)
{
	return text_starts(role, CLAIM_ROLE_CRL)
	    ? role + sizeof(CLAIM_ROLE_CRL) - 1
	    : NULL;
}

static bool
flag(const struct cfg *cs, const char *point, const char *name)
{
	const char *v = cfg_getf(cs, "ca.crl.%s.%s", point, name);

	return v == NULL || v[0] == '\0' || text_bool(v);
}

bool
roles_wish(const struct cfg *cs, const char *role)
{
	const char *point = point_of(role);
	int64_t n;

	if (point != NULL)
		return flag(cs, point, "enable") &&
		    flag(cs, point, "enableCRLUpdates");
	/* the chapter has no line for ranges: they go with the statuses */
	return cfg_int(cs, &n, "ca.certStatusUpdateInterval", 0, INT32_MAX,
		   ROLE_INTERVAL, NULL) != RC_OK ||
	    n > 0;
}

static enum rc
set_flag(
    struct cfg *cs, const char *point, const char *name, bool on, struct err *e)
{
	AUTO_BUF full = buf_empty(1024);
	enum rc rc;

	buf_addf(&full, "ca.crl.%s.%s", point, name);
	rc = buf_check(&full, e);
	return rc == RC_OK
	    ? cfg_set(cs, buf_cstr(&full), on ? "true" : "false", e)
	    : rc;
}

/* Lines with that prefix: those of `from` in place of those of cs. */
static enum rc
replace_family(
    struct cfg *cs, const struct cfg *from, const char *prefix, struct err *e)
{
	size_t i = cfg_lower(from, prefix);
	enum rc rc = RC_OK;

	if (i == cfg_count(from) || !text_starts(cfg_at(from, i).name, prefix))
		return RC_OK; /* nothing was left: ours stay */
	cfg_del_prefix(cs, prefix);
	for (; rc == RC_OK && i < cfg_count(from); i++) {
		struct cfg_item x = cfg_at(from, i);

		if (!text_starts(x.name, prefix))
			break;
		rc = cfg_set(cs, x.name, x.value, e);
	}
	return rc;
}

enum rc
roles_master_lines(
    struct cfg *cs, const char *role, const struct cfg *settings, struct err *e)
{
	const char *point = point_of(role);
	AUTO_BUF prefix = buf_empty(1024);
	enum rc rc = RC_OK;

	if (point == NULL) {
		for (size_t i = 1; rc == RC_OK && settings != NULL &&
		     i < sizeof(families) / sizeof(families[0]);
		     i++)
			rc = replace_family(cs, settings, families[i], e);
		if (rc == RC_OK && !roles_wish(cs, role))
			rc = cfg_set(
			    cs, "ca.certStatusUpdateInterval", "600", e);
		if (rc == RC_OK)
			rc = cfg_set(
			    cs, "ca.listenToCloneModifications", "true", e);
		return rc;
	}
	buf_addf(&prefix, "ca.crl.%s.", point);
	rc = buf_check(&prefix, e);
	if (rc == RC_OK && settings != NULL)
		rc = replace_family(cs, settings, buf_cstr(&prefix), e);
	if (rc == RC_OK)
		rc = set_flag(cs, point, "enable", true, e);
	if (rc == RC_OK)
		rc = set_flag(cs, point, "enableCRLCache", true, e);
	if (rc == RC_OK)
		rc = set_flag(cs, point, "enableCRLUpdates", true, e);
	cfg_del(cs, "master.ca.agent.host");
	cfg_del(cs, "master.ca.agent.port");
	return rc;
}

enum rc
roles_clone_lines(
    struct cfg *cs, const char *role, const char *host, int port, struct err *e)
{
	const char *point = point_of(role);
	char text[16];
	enum rc rc;

	if (point == NULL) {
		rc = cfg_set(cs, "ca.certStatusUpdateInterval", "0", e);
		return rc == RC_OK
		    ? cfg_set(cs, "ca.listenToCloneModifications", "false", e)
		    : rc;
	}
	(void)snprintf(text, sizeof(text), "%d", port);
	if ((rc = set_flag(cs, point, "enableCRLCache", false, e)) != RC_OK ||
	    (rc = set_flag(cs, point, "enableCRLUpdates", false, e)) != RC_OK ||
	    (rc = cfg_set(cs, "master.ca.agent.host", host, e)) != RC_OK)
		return rc;
	return cfg_set(cs, "master.ca.agent.port", text, e);
}

struct writing {
	struct ca *ca;
	const char *role, *host;
	const struct cfg *settings;
	int port;
};

static enum rc
write_lines(void *arg, struct cfg *cs, struct err *e)
{
	const struct writing *w = arg;
	enum rc rc = ca_archive_settings(w->ca, e);

	if (rc != RC_OK)
		return rc;
	return w->host == NULL
	    ? roles_master_lines(cs, w->role, w->settings, e)
	    : roles_clone_lines(cs, w->role, w->host, w->port, e);
}

enum rc
roles_write(struct ca *ca, const char *role, const struct cfg *settings,
    const char *host, int port, struct err *e)
{
	struct writing w = { ca, role, host, settings, port };

	return cscfg_change(
	    instance_paths(ca->instance), "ca", write_lines, &w, e);
}

/* --- for the successor --------------------------------------------------- */

enum rc
roles_settings_load(struct ca *ca, struct cfg **out, struct err *e)
{
	AUTO(rec) r = NULL;
	AUTO(cfg) c = cfg_new();
	enum rc rc = store_get(ca->store, &r, REC_SETTING, SETTINGS_ID, e);

	if (c == NULL)
		return err_set(e, RC_NOMEM, "settings of the roles");
	if (rc == RC_OK)
		rc = cfg_parse(c, rec_get(r, "signetValue"), SETTINGS_ID, e);
	else if (rc == RC_NOTFOUND)
		rc = RC_OK;
	if (rc == RC_OK)
		*out = cfg_steal(&c);
	return rc;
}

/* Their lines in this host's CS.cfg, as on the disk. */
static enum rc
own_settings(struct ca *ca, struct buf *out, struct err *e)
{
	AUTO_STR path = paths_cs_cfg(instance_paths(ca->instance), "ca");
	AUTO(cfg) cs = cfg_new();
	enum rc rc;

	if (path == NULL || cs == NULL)
		return err_set(e, RC_NOMEM, "settings of the roles");
	if ((rc = cfg_load(cs, path, e)) != RC_OK)
		return rc;
	for (size_t f = 0; f < sizeof(families) / sizeof(families[0]); f++)
		for (size_t i = cfg_lower(cs, families[f]); i < cfg_count(cs);
		     i++) {
			struct cfg_item x = cfg_at(cs, i);

			if (!text_starts(x.name, families[f]))
				break;
			buf_addf(out, "%s=%s\n", x.name, x.value);
		}
	return buf_check(out, e);
}

static enum rc
add_settings(struct batch *b, const struct rec *old, struct view text,
    int64_t now, struct err *e)
{
	char date[CLOCK_TEXT_MAX];

	if (old == NULL) {
		struct rec *r = rec_new(REC_SETTING, SETTINGS_ID);

		if (r == NULL)
			return err_set(e, RC_NOMEM, "settings of the roles");
		rec_add(r, "signetValue", text);
		rec_add_date(r, "dateOfCreate", now);
		rec_add_date(r, "dateOfModify", now);
		batch_add(b, r);
		return RC_OK;
	}
	batch_modify(b, REC_SETTING, SETTINGS_ID);
	batch_mod(b, MOD_REPLACE, "signetValue", text);
	batch_mod_str(
	    b, MOD_REPLACE, "dateOfModify", clock_text_dir(date, now));
	return RC_OK;
}

enum rc
roles_settings_save(struct ca *ca, struct err *e)
{
	AUTO_BUF text = buf_empty(SETTINGS_MAX);
	AUTO(batch) b = batch_new();
	AUTO(rec) old = NULL;
	enum rc rc = own_settings(ca, &text, e);

	if (rc == RC_OK) {
		rc = store_get(ca->store, &old, REC_SETTING, SETTINGS_ID, e);
		rc = rc == RC_NOTFOUND ? RC_OK : rc;
	}
	if (rc != RC_OK || text.len == 0 ||
	    (old != NULL &&
		view_eq(rec_get(old, "signetValue"), buf_view(&text))))
		return rc;
	if (b == NULL)
		return err_set(e, RC_NOMEM, "settings of the roles");
	rc = add_settings(b, old, buf_view(&text), clock_now(ca->clock), e);
	return rc == RC_OK ? store_commit(ca->store, b, e) : rc;
}
