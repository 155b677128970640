/* SPDX-License-Identifier: Apache-2.0 */
/* roles_cfg.c - what CS.cfg says of roles, and how it is kept true (spec
 * deployment 5.3).
 * Owns:    nothing.
 * Trusts:  the settings record as far as cfg_parse does; it replaces whole
 *          families of lines only.
 * Threads: under roles.work. */
#include <inttypes.h>

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

/* Of the file: how often its roles' lines were written or acted on. */
#define GENERATION "ca.role.generation"

static bool
flag(const struct cfg *cs, const char *point, const char *name)
{
	const char *v = cfg_getf(cs, "ca.crl.%s.%s", point, name);

	return v == NULL || v[0] == '\0' || text_bool(v);
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

/* Publishing and jobs: with whichever role is taken up first, because the new
 * holder leaves its settings for the next one at once. */
static enum rc
replace_common(struct cfg *cs, const struct cfg *settings, struct err *e)
{
	enum rc rc = RC_OK;

	for (size_t i = 1; rc == RC_OK && settings != NULL &&
	     i < sizeof(families) / sizeof(families[0]);
	     i++)
		rc = replace_family(cs, settings, families[i], e);
	return rc;
}

/* --- issuing points ------------------------------------------------------- */

static bool
point_wish(const struct cfg *cs, const char *point)
{
	return flag(cs, point, "enable") && flag(cs, point, "enableCRLUpdates");
}

static enum rc
point_master(struct cfg *cs, const char *point, const struct cfg *settings,
    struct err *e)
{
	static const char *const on[] = { "enable", "enableCRLCache",
		"enableCRLUpdates" };
	AUTO_BUF prefix = buf_empty(1024);
	enum rc rc;

	buf_addf(&prefix, "ca.crl.%s.", point);
	rc = buf_check(&prefix, e);
	if (rc == RC_OK && settings != NULL)
		rc = replace_family(cs, settings, buf_cstr(&prefix), e);
	if (rc == RC_OK)
		rc = replace_common(cs, settings, e);
	for (size_t i = 0; rc == RC_OK && i < sizeof(on) / sizeof(on[0]); i++)
		rc = set_flag(cs, point, on[i], true, e);
	cfg_del(cs, "master.ca.agent.host");
	cfg_del(cs, "master.ca.agent.port");
	return rc;
}

static enum rc
point_clone(struct cfg *cs, const char *point, const char *host, int port,
    struct err *e)
{
	char text[16];
	enum rc rc;

	(void)snprintf(text, sizeof(text), "%d", port);
	if ((rc = set_flag(cs, point, "enableCRLCache", false, e)) != RC_OK ||
	    (rc = set_flag(cs, point, "enableCRLUpdates", false, e)) != RC_OK ||
	    (rc = cfg_set(cs, "master.ca.agent.host", host, e)) != RC_OK)
		return rc;
	return cfg_set(cs, "master.ca.agent.port", text, e);
}

/* --- statuses ------------------------------------------------------------- */

static bool
status_wish(const struct cfg *cs, const char *member)
{
	int64_t n;

	(void)member;
	return cfg_int(cs, &n, "ca.certStatusUpdateInterval", 0, INT32_MAX,
		   ROLE_INTERVAL, NULL) != RC_OK ||
	    n > 0;
}

static enum rc
status_master(struct cfg *cs, const char *member, const struct cfg *settings,
    struct err *e)
{
	enum rc rc;

	(void)member;
	rc = replace_common(cs, settings, e);
	if (rc == RC_OK && !status_wish(cs, member))
		rc = cfg_set(cs, "ca.certStatusUpdateInterval", "600", e);
	return rc == RC_OK
	    ? cfg_set(cs, "ca.listenToCloneModifications", "true", e)
	    : rc;
}

static enum rc
status_clone(struct cfg *cs, const char *member, const char *host, int port,
    struct err *e)
{
	enum rc rc = cfg_set(cs, "ca.certStatusUpdateInterval", "0", e);

	(void)member;
	(void)host;
	(void)port;
	return rc == RC_OK
	    ? cfg_set(cs, "ca.listenToCloneModifications", "false", e)
	    : rc;
}

/* --- the roles of a CA ---------------------------------------------------- */

/* The chapter has no line for ranges: they go with the statuses. */
static const struct role_kind role_kinds[] = {
	{ CLAIM_ROLE_CRL, true, NULL, point_wish, point_master, point_clone },
	{ CLAIM_ROLE_STATUS, false, NULL, status_wish, status_master,
	    status_clone },
	{ CLAIM_ROLE_RANGES, false, CLAIM_ROLE_STATUS, NULL, NULL, NULL },
};

const struct role_kind *
role_kind(const char *role, const char **member)
{
	for (size_t i = 0; i < sizeof(role_kinds) / sizeof(role_kinds[0]);
	     i++) {
		const struct role_kind *k = &role_kinds[i];

		if (k->members ? !text_starts(role, k->name)
			       : strcmp(role, k->name) != 0)
			continue;
		if (member != NULL)
			*member = role + strlen(k->name);
		return k;
	}
	return NULL;
}

uint64_t
roles_generation(const struct cfg *cs)
{
	int64_t n;

	return cfg_int(cs, &n, GENERATION, 0, INT64_MAX, 0, NULL) == RC_OK
	    ? (uint64_t)n
	    : 0;
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
	const struct role_kind *k;
	const char *member;
	char text[24];

	(void)snprintf(
	    text, sizeof(text), "%" PRIu64, w->ca->roles.generation + 1);
	if (rc == RC_OK)
		rc = cfg_set(cs, GENERATION, text, e);
	if (rc != RC_OK || w->role == NULL)
		return rc;
	k = role_kind(w->role, &member);
	if (k == NULL || k->follows != NULL)
		return err_set(
		    e, RC_INTERNAL, "role %s has no settings", w->role);
	return w->host == NULL ? k->master(cs, member, w->settings, e)
			       : k->clone(cs, member, w->host, w->port, e);
}

enum rc
roles_write(struct ca *ca, const char *role, const struct cfg *settings,
    const char *host, int port, struct err *e)
{
	struct writing w = { ca, role, host, settings, port };
	enum rc rc = cscfg_change(
	    instance_paths(ca->instance), "ca", write_lines, &w, e);

	if (rc == RC_OK)
		ca->roles.generation++;
	return rc;
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
