/* SPDX-License-Identifier: Apache-2.0 */
/* keyids.c - keep cloning.<tag>.privkey.id true (spec deployment 6).
 * Owns:    nothing.
 * Trusts:  the token rather than CS.cfg.
 * Threads: start only. */
#include "base/clock.h"
#include "base/log.h"
#include "ca/state.h"
#include "instance/archive.h"
#include "instance/cscfg.h"
#include "keys/keyid.h"

enum rc
ca_archive_settings(struct ca *ca, struct err *e)
{
	AUTO_STR folder = NULL;

	return archive_settings(&folder, instance_paths(ca->instance), "ca",
	    clock_now(ca->clock), e);
}

/* every tag but sslserver, whose certificate is each host's own */
static const char *const tags[] = { "signing", "ocsp_signing", "subsystem",
	"audit_signing" };
enum {
	N_TAGS = sizeof(tags) / sizeof(tags[0])
};

/* The corrected lines, and no other, into the file as it is now. */
static enum rc
put_ids(void *arg, struct cfg *cs, struct err *e)
{
	const struct ca *ca = arg;
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < N_TAGS; i++) {
		char name[128];
		const char *id;

		snprintf(name, sizeof(name), "cloning.%s.privkey.id", tags[i]);
		if ((id = cfg_get(ca->cfg, name)) != NULL)
			rc = cfg_set(cs, name, id, e);
	}
	return rc;
}

/* The present file goes to archives/ before it is replaced. */
static enum rc
save_settings(struct ca *ca, struct err *e)
{
	enum rc rc = ca_archive_settings(ca, e);

	return rc == RC_OK
	    ? cscfg_change(instance_paths(ca->instance), "ca", put_ids, ca, e)
	    : rc;
}

/* true when the line was wrong. */
static bool
check_tag(struct ca *ca, const char *tag, struct err *e)
{
	const char *nick = cfg_getf(ca->cfg, "ca.cert.%s.nickname", tag);
	AUTO(key) key = NULL;
	AUTO_BUF der = buf_empty(CERT_DER_MAX);
	char name[128], id[KEYID_TEXT_MAX];
	const char *old;

	if (nick == NULL || nick[0] == '\0')
		return false;
	snprintf(name, sizeof(name), "cloning.%s.privkey.id", tag);
	old = cfg_get(ca->cfg, name);
	if (keystore_find_pair(instance_keystore(ca->instance), &key, &der,
		nick, e) != RC_OK ||
	    keyid_encode(id, key_id(key), e) != RC_OK) {
		/* a missing key degrades its own link only */
		log_warning("ca", "%s key: %s, continuing", tag, e->text);
		return false;
	}
	if (old != NULL && strcmp(old, id) == 0)
		return false;
	log_info("ca",
	    "CS.cfg: %s was %s, the key in the token is %s: "
	    "corrected",
	    name, old != NULL ? old : "absent", id);
	return cfg_set(ca->cfg, name, id, e) == RC_OK;
}

enum rc
ca_check_key_ids(struct ca *ca, struct err *e)
{
	bool changed = false;
	struct err ignored = { RC_OK, "" };

	for (size_t i = 0; i < N_TAGS; i++)
		changed = check_tag(ca, tags[i], &ignored) || changed;
	return changed ? save_settings(ca, e) : RC_OK;
}
