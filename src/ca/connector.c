/* SPDX-License-Identifier: Apache-2.0 */
/* connector.c - the KRA connector's settings.
 * Owns:    nothing beyond a call.
 * Trusts:  nothing of a client; of CS.cfg only what can be read as a host list.
 * Threads: any; changes of a running CA one at a time (cscfg.c). */
#include "ca/connector.h"

#include "base/log.h"
#include "ca/setting_sync.h"
#include "ca/state.h"
#include "instance/cscfg.h"
#include "x509/cert.h"

#define HOST CONNECTOR_PREFIX "host"
#define PORT CONNECTOR_PREFIX "port"

enum {
	PORT_MAX = 65535,
	TIMEOUT_MAX = 3600
};

/* --- the list of hosts ----------------------------------------------------------- */

static enum rc
hosts_add(struct connector_hosts *h, const char *item, struct err *e)
{
	if (h->n == CONNECTOR_HOSTS_MAX || strlen(item) >= sizeof(h->items[0]))
		return err_set(e, RC_TOOBIG,
		    HOST ": more than %d hosts, or a name too long",
		    CONNECTOR_HOSTS_MAX);
	snprintf(h->items[h->n++], sizeof(h->items[0]), "%s", item);
	return RC_OK;
}

enum rc
connector_hosts_read(
    struct connector_hosts *h, const struct cfg *cs, struct err *e)
{
	AUTO_STR copy = strdup(cfg_str(cs, HOST, ""));
	char *words[CONNECTOR_HOSTS_MAX];
	AUTO_BUF one = buf_empty(0);
	size_t n;
	enum rc rc = RC_OK;

	h->n = 0;
	if (copy == NULL)
		return err_set(e, RC_NOMEM, "KRA connector");
	n = text_split(copy, " ", words, CONNECTOR_HOSTS_MAX);
	if (n > CONNECTOR_HOSTS_MAX)
		return err_set(e, RC_TOOBIG, HOST ": more than %d hosts",
		    CONNECTOR_HOSTS_MAX);
	/* a list has its ports inside, one host alone has not */
	if (n == 1 && strchr(words[0], ':') == NULL) {
		buf_addf(&one, "%s:%s", words[0], cfg_str(cs, PORT, "8443"));
		return hosts_add(h, buf_cstr(&one), e);
	}
	for (size_t i = 0; i < n && rc == RC_OK; i++)
		rc = hosts_add(h, words[i], e);
	return rc;
}

static size_t
hosts_find(const struct connector_hosts *h, const char *item)
{
	for (size_t i = 0; i < h->n; i++) {
		if (text_ieq(h->items[i], item))
			return i;
	}
	return SIZE_MAX;
}

/* One host as a plain pair, several as a list beside the first one's port. */
static enum rc
hosts_write(const struct connector_hosts *h, struct cfg *cs, struct err *e)
{
	AUTO_BUF host = buf_empty(0);
	const char *colon = strrchr(h->items[0], ':');
	const char *port = colon != NULL ? colon + 1 : "8443";
	enum rc rc;

	if (h->n == 1)
		buf_add(&host, h->items[0],
		    colon != NULL ? (size_t)(colon - h->items[0])
				  : strlen(h->items[0]));
	for (size_t i = 0; h->n > 1 && i < h->n; i++)
		buf_addf(&host, "%s%s", i > 0 ? " " : "", h->items[i]);
	if ((rc = buf_check(&host, e)) != RC_OK ||
	    (rc = cfg_set(cs, HOST, buf_cstr(&host), e)) != RC_OK)
		return rc;
	return cfg_set(cs, PORT, port, e);
}

static enum rc
host_item(char out[CONNECTOR_HOST_MAX], const char *host, const char *port,
    struct err *e)
{
	int64_t v;

	if (host == NULL || host[0] == '\0')
		return err_set(e, RC_INVALID, "Missing KRA connector host");
	if (port == NULL || port[0] == '\0')
		return err_set(e, RC_INVALID, "Missing KRA connector port");
	if (!domain_host_is_name(host) || strlen(host) >= DOMAIN_NAME_MAX)
		return err_set(
		    e, RC_INVALID, "Invalid host name: \"%.100s\"", host);
	if (text_int(&v, port, 1, PORT_MAX, NULL) != RC_OK)
		return err_set(e, RC_INVALID, "Invalid port: \"%.20s\"", port);
	snprintf(out, CONNECTOR_HOST_MAX, "%s:%lld", host, (long long)v);
	return RC_OK;
}

/* --- the rules -------------------------------------------------------------------- */

bool
connector_exists(const struct cfg *cs)
{
	return cfg_str(cs, HOST, NULL) != NULL;
}

/* A certificate as one line of base64. */
static enum rc
cert_line(struct buf *out, const char *text, const char *what, struct err *e)
{
	AUTO_BUF der = buf_empty(CERT_DER_MAX);
	struct cert x;

	if (text_pem(&der, view_str(text), "CERTIFICATE", NULL) != RC_OK ||
	    cert_parse(&x, buf_view(&der), NULL) != RC_OK)
		return err_set(e, RC_INVALID, "%s certificate malformed", what);
	buf_add_base64(out, buf_view(&der), 0, "");
	return buf_check(out, e);
}

static enum rc
check_words(const struct connector *x, struct err *e)
{
	int64_t v;

	if (x->uri != NULL &&
	    (x->uri[0] != '/' || strpbrk(x->uri, " \t\r\n") != NULL))
		return err_set(
		    e, RC_INVALID, "Invalid URI: \"%.100s\"", x->uri);
	if (x->timeout != NULL &&
	    text_int(&v, x->timeout, 1, TIMEOUT_MAX, NULL) != RC_OK)
		return err_set(
		    e, RC_INVALID, "Invalid timeout: \"%.20s\"", x->timeout);
	return RC_OK;
}

static enum rc
make(struct cfg *cs, const struct connector *x, const char *item,
    const char *transport, const char *subsystem, struct err *e)
{
	const char *nick = cfg_str(cs, "ca.cert.subsystem.nickname",
	    cfg_str(cs, "ca.subsystem.nickname", "subsystem"));
	const struct {
		const char *name, *value;
	} rows[] = {
		{ CONNECTOR_PREFIX "enable",
		    x->enable == NULL || text_bool(x->enable) ? "true"
							      : "false" },
		{ CONNECTOR_PREFIX "local",
		    x->local != NULL && text_bool(x->local) ? "true"
							    : "false" },
		{ CONNECTOR_PREFIX "timeout",
		    x->timeout != NULL ? x->timeout : "30" },
		{ CONNECTOR_PREFIX "uri",
		    x->uri != NULL ? x->uri : "/kra/agent/kra/connector" },
		{ CONNECTOR_PREFIX "nickName", nick },
		{ CONNECTOR_PREFIX "transportCert", transport },
		{ CONNECTOR_PREFIX "transportCertNickname",
		    x->transport_nickname },
		{ CONNECTOR_PREFIX "subsystemCert", subsystem },
	};
	struct connector_hosts h = { .n = 0 };
	enum rc rc = hosts_add(&h, item, e);

	for (size_t i = 0; rc == RC_OK && i < sizeof(rows) / sizeof(*rows);
	     i++) {
		if (rows[i].value != NULL && rows[i].value[0] != '\0')
			rc = cfg_set(cs, rows[i].name, rows[i].value, e);
	}
	return rc == RC_OK ? hosts_write(&h, cs, e) : rc;
}

static enum rc
append(struct cfg *cs, const char *item, struct err *e)
{
	struct connector_hosts h;
	enum rc rc;

	if ((rc = connector_hosts_read(&h, cs, e)) != RC_OK)
		return rc;
	if (hosts_find(&h, item) != SIZE_MAX)
		return RC_OK;
	if ((rc = hosts_add(&h, item, e)) != RC_OK)
		return rc;
	return hosts_write(&h, cs, e);
}

enum rc
connector_add(struct cfg *cs, const struct connector *x, struct err *e)
{
	AUTO_BUF transport = buf_empty(0), subsystem = buf_empty(0),
		 present = buf_empty(0);
	char item[CONNECTOR_HOST_MAX];
	const char *old = cfg_get(cs, CONNECTOR_PREFIX "transportCert");
	enum rc rc;

	if ((rc = host_item(item, x->host, x->port, e)) != RC_OK)
		return rc;
	if (x->transport_cert == NULL || x->transport_cert[0] == '\0')
		return err_set(e, RC_INVALID, "Missing transport certificate");
	if ((rc = cert_line(&transport, x->transport_cert, "Transport", e)) !=
		RC_OK ||
	    (rc = check_words(x, e)) != RC_OK)
		return rc;
	if (x->subsystem_cert != NULL && x->subsystem_cert[0] != '\0' &&
	    (rc = cert_line(&subsystem, x->subsystem_cert, "Subsystem", e)) !=
		RC_OK)
		return rc;
	if (!connector_exists(cs))
		return make(
		    cs, x, item, buf_cstr(&transport), buf_cstr(&subsystem), e);
	if (old == NULL || cert_line(&present, old, "", NULL) != RC_OK ||
	    !view_eq(buf_view(&present), buf_view(&transport)))
		return err_set(e, RC_INVALID, "KRA connector already exists");
	return append(cs, item, e);
}

enum rc
connector_add_host(
    struct cfg *cs, const char *host, const char *port, struct err *e)
{
	char item[CONNECTOR_HOST_MAX];
	enum rc rc;

	if ((rc = host_item(item, host, port, e)) != RC_OK)
		return rc;
	if (!connector_exists(cs))
		return err_set(e, RC_INVALID, "No KRA connectors");
	return append(cs, item, e);
}

enum rc
connector_remove_host(
    struct cfg *cs, const char *host, const char *port, struct err *e)
{
	char item[CONNECTOR_HOST_MAX];
	struct connector_hosts h;
	size_t at;
	enum rc rc;

	if ((rc = host_item(item, host, port, e)) != RC_OK ||
	    (rc = connector_hosts_read(&h, cs, e)) != RC_OK)
		return rc;
	if ((at = hosts_find(&h, item)) == SIZE_MAX)
		return err_set(e, RC_NOTFOUND, "No KRA connector for %s", item);
	if (h.n == 1) {
		cfg_del_prefix(cs, CONNECTOR_PREFIX);
		return RC_OK;
	}
	memmove(
	    h.items[at], h.items[at + 1], (h.n - at - 1) * sizeof(h.items[0]));
	h.n--;
	return hosts_write(&h, cs, e);
}

/* --- a running CA ------------------------------------------------------------------ */

enum rc
ca_connector_change(struct ca *ca, const char *who, const char *what,
    enum rc (*fn)(void *arg, struct cfg *cs, struct err *e), void *arg,
    struct err *e)
{
	AUTO_BUF pairs = buf_empty(0);
	struct err later = { RC_OK, "" };
	enum rc rc =
	    cscfg_change(instance_paths(ca->instance), "ca", fn, arg, e);

	/* done here; what fails on the way to the clones is tried again */
	if (rc == RC_OK && ca->settings != NULL &&
	    setting_sync_run(ca->settings, &setting_connector, &later) !=
		RC_OK) {
		log_warning("ca", "KRA connector of the clones: %s, continuing",
		    later.text);
		instance_wake(ca->instance);
	}

	buf_addf(&pairs, "Scope;;KRA connector+Operation;;%s", what);
	rc_ignore(audit_event(ca->audit,
	    AUDIT_ENTRY("CONFIG_DRM", who, rc == RC_OK,
		"KRA connector configuration change",
		{ "ParamNameValPairs", buf_cstr(&pairs) }),
	    NULL)); /* a failed audit log stops the CA in tick */
	return rc;
}
