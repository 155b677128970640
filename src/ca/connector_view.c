/* SPDX-License-Identifier: Apache-2.0 */
/* connector_view.c - the lines of the KRA connector that clones share.
 * Owns:    nothing beyond a call.
 * Trusts:  nothing of a record: what CS.cfg must not hold is refused by the
 *          rules of connector.c.
 * Threads: any. */
#include "ca/connector_view.h"

#include "base/text.h"
#include "ca/connector.h"
#include "ca/setting_sync.h"

#define HOST_NAME "host:"

/* Beside the hosts; nickName, local and the pool sizes are a host's own. */
static const char *const shared[] = { "enable", "subsystemCert", "timeout",
	"transportCert", "transportCertNickname", "uri" };
enum {
	N_SHARED = sizeof(shared) / sizeof(shared[0])
};

enum rc
connector_view(struct cfg *out, const struct cfg *cs, struct err *e)
{
	struct connector_hosts h;
	enum rc rc;

	if (!connector_exists(cs))
		return RC_OK;
	if ((rc = connector_hosts_read(&h, cs, e)) != RC_OK)
		return rc;
	for (size_t i = 0; i < h.n && rc == RC_OK; i++) {
		AUTO_BUF name = buf_empty(0);

		buf_addf(&name, HOST_NAME "%s", h.items[i]);
		rc = cfg_set(out, buf_cstr(&name), "", e);
	}
	for (size_t i = 0; i < N_SHARED && rc == RC_OK; i++) {
		const char *v = cfg_getf(cs, CONNECTOR_PREFIX "%s", shared[i]);

		if (v != NULL && v[0] != '\0')
			rc = cfg_set(out, shared[i], v, e);
	}
	return rc;
}

static bool
has_host(const struct cfg *view)
{
	size_t i = cfg_lower(view, HOST_NAME);

	return i < cfg_count(view) &&
	    text_starts(cfg_at(view, i).name, HOST_NAME);
}

enum rc
connector_merge(struct cfg *out, const struct cfg *base, const struct cfg *mine,
    const struct cfg *theirs, struct err *e)
{
	enum rc rc;

	/* what was left of a connector that is gone says nothing of a new one */
	if (base == NULL && !has_host(theirs))
		theirs = mine;
	rc = cfg_merge(out, base, mine, theirs, NULL, e);
	if (rc == RC_OK && !has_host(out))
		cfg_del_prefix(out, "");
	return rc;
}

/* "h:p" in two. */
static enum rc
split_host(const char *item, char host[CONNECTOR_HOST_MAX],
    char port[CONNECTOR_HOST_MAX], struct err *e)
{
	const char *colon = strrchr(item, ':');

	if (colon == NULL || strlen(item) >= CONNECTOR_HOST_MAX)
		return err_set(e, RC_INVALID, "KRA host: %.100s", item);
	snprintf(host, CONNECTOR_HOST_MAX, "%.*s", (int)(colon - item), item);
	snprintf(port, CONNECTOR_HOST_MAX, "%s", colon + 1);
	return RC_OK;
}

/* Adds the hosts that CS.cfg lacks; the first one makes the connector. */
static enum rc
add_hosts(struct cfg *cs, const struct cfg *view, struct err *e)
{
	char host[CONNECTOR_HOST_MAX], port[CONNECTOR_HOST_MAX];
	enum rc rc = RC_OK;

	for (size_t i = cfg_lower(view, HOST_NAME);
	     i < cfg_count(view) && rc == RC_OK; i++) {
		const char *name = cfg_at(view, i).name;
		struct connector x = { .host = host,
			.port = port,
			.transport_cert = cfg_get(view, "transportCert") };

		if (!text_starts(name, HOST_NAME))
			break;
		rc = split_host(name + strlen(HOST_NAME), host, port, e);
		if (rc == RC_OK)
			rc = connector_exists(cs)
			    ? connector_add_host(cs, host, port, e)
			    : connector_add(cs, &x, e);
	}
	return rc;
}

static enum rc
remove_hosts(struct cfg *cs, const struct cfg *view, struct err *e)
{
	char host[CONNECTOR_HOST_MAX], port[CONNECTOR_HOST_MAX];
	struct connector_hosts h;
	enum rc rc;

	if ((rc = connector_hosts_read(&h, cs, e)) != RC_OK)
		return rc;
	for (size_t i = 0; i < h.n && rc == RC_OK; i++) {
		AUTO_BUF name = buf_empty(0);

		buf_addf(&name, HOST_NAME "%s", h.items[i]);
		if (cfg_get(view, buf_cstr(&name)) != NULL)
			continue;
		rc = split_host(h.items[i], host, port, e);
		if (rc == RC_OK)
			rc = connector_remove_host(cs, host, port, e);
	}
	return rc;
}

enum rc
connector_apply(struct cfg *cs, const struct cfg *view, struct err *e)
{
	enum rc rc;

	if (!has_host(view)) {
		cfg_del_prefix(cs, CONNECTOR_PREFIX);
		return RC_OK;
	}
	/* additions first: the last host takes the connector along */
	if ((rc = add_hosts(cs, view, e)) != RC_OK ||
	    (rc = remove_hosts(cs, view, e)) != RC_OK)
		return rc;
	for (size_t i = 0; i < N_SHARED && rc == RC_OK; i++) {
		AUTO_BUF name = buf_empty(0);
		const char *v = cfg_get(view, shared[i]);

		buf_addf(&name, CONNECTOR_PREFIX "%s", shared[i]);
		if (v == NULL)
			cfg_del(cs, buf_cstr(&name));
		else
			rc = cfg_set(cs, buf_cstr(&name), v, e);
	}
	return rc;
}

const struct setting_group setting_connector = {
	.id = "ca.connector.KRA",
	.applied = "connector.applied",
	.what = "KRA connector",
	.members = HOST_NAME,
	.view = connector_view,
	.merge = connector_merge,
	.apply = connector_apply,
};
