/* SPDX-License-Identifier: Apache-2.0 */
/* pki_server_renew.c - cert-create --renew with credentials: the running CA
 * renews the certificate as it would for any agent (spec deployment 7.3).
 * Owns:    the client session of one command.
 * Trusts:  the CA's TLS certificate as the user's NSS database does.
 * Threads: none. */
#include "base/text.h"
#include "tools/pki_request.h"
#include "tools/pki_server_cert.h"
#include "tools/pki_session.h"
#include "x509/cert.h"

enum {
	ADDRESS_MAX = 512,
	PORT_MAX = 65535,
};

static const char renewal_profile[] = "caManualRenewal";

/* Options that only count when the running CA is asked. */
static const char *const online_only[] = { "p", "d", "c", "C", "w", "W" };
/* Options that only count when this command signs. */
static const char *const local_only[] = { "temp", "issuer", "ext", "token" };

bool
sys_cert_online(const struct args *a)
{
	return args_has(a, "n") || args_has(a, "u");
}

enum rc
sys_cert_online_check(const struct args *a, struct err *e)
{
	const bool online = sys_cert_online(a);

	if (args_has(a, "n") && args_has(a, "u"))
		return err_set(e, RC_USAGE, "-n cannot be used with -u");
	if (args_has(a, "w") && args_has(a, "W"))
		return err_set(e, RC_USAGE, "-w cannot be used with -W");
	for (size_t i = 0;
	     !online && i < sizeof(online_only) / sizeof(*online_only); i++)
		if (args_has(a, online_only[i]))
			return err_set(e, RC_USAGE,
			    "-%s needs -n or -u: without them the running CA "
			    "is not asked",
			    online_only[i]);
	for (size_t i = 0;
	     online && i < sizeof(local_only) / sizeof(*local_only); i++)
		if (args_has(a, local_only[i]))
			return err_set(e, RC_USAGE,
			    "--%s cannot be used with -n or -u", local_only[i]);
	if (online && !args_has(a, "renew"))
		return err_set(e, RC_USAGE,
		    "-n and -u ask the running CA, which only renews: add "
		    "--renew");
	return RC_OK;
}

/* host:port of the CA: on this host, at -p or the instance's own port. */
static enum rc
ca_address(const struct server *s, const struct args *a, char *out, size_t size,
    struct err *e)
{
	AUTO(cfg) c = NULL;
	int64_t port;
	enum rc rc = server_cfg(s, &c, e);

	if (rc != RC_OK)
		return rc;
	rc = text_int(&port, args_str(a, "p", cfg_str(c, "https.port", "8443")),
	    1, PORT_MAX, e);
	if (rc != RC_OK)
		return err_prefix(e, "port");
	snprintf(out, size, "%s:%lld", cfg_str(c, "host", "localhost"),
	    (long long)port);
	return RC_OK;
}

/* --serial, else that of the certificate there is. */
static enum rc
serial_of(struct server *s, const struct sys_cert *c, const struct args *a,
    char out[NUM_TEXT_MAX], struct err *e)
{
	AUTO_BUF nick = buf_empty(0), der = buf_empty(CERT_DER_MAX);
	const char *given = args_get(a, "serial");
	struct keystore *ks;
	struct cert x;
	struct num n;
	enum rc rc;

	if (given != NULL) {
		if ((rc = num_parse(&n, given, false, e)) == RC_OK)
			num_0x(out, &n);
		return rc;
	}
	if ((rc = sys_cert_nick(c, &nick, e)) != RC_OK ||
	    (rc = server_keystore(s, &ks, e)) != RC_OK ||
	    (rc = keystore_find_cert(ks, &der, buf_cstr(&nick), e)) != RC_OK ||
	    (rc = cert_parse(&x, buf_view(&der), e)) != RC_OK)
		return err_prefix(
		    e, "%s, whose serial number was wanted", c->id);
	num_0x(out, &x.serial);
	return RC_OK;
}

/* Requests, approves where that is still to do, and fetches. */
static enum rc
ask(struct pki *p, const char *serial, struct buf *der, struct err *e)
{
	const struct request r = {
		.profile = renewal_profile, .serial = serial, .renewal = true
	};
	AUTO_JSON body = NULL;
	AUTO_JSON info = NULL;
	AUTO_JSON done = NULL;
	const char *status, *id;
	enum rc rc;

	if ((rc = request_fill(p, &body, &r, e)) != RC_OK ||
	    (rc = request_post(p, body, &r, &info, e)) != RC_OK)
		return rc;
	status = json_str(info, "requestStatus");
	id = json_str(info, "requestID");
	if (status == NULL || strcmp(status, "pending") != 0 || id == NULL)
		return request_cert(p, info, der, e);
	if ((rc = request_approve(p, id, &done, e)) != RC_OK)
		return err_prefix(e, "request %s", id);
	return request_cert(p, done, der, e);
}

static enum rc
log_in(struct pki *p, const struct args *a, struct err *e)
{
	const struct pki_session who = { .dir = args_get(a, "d"),
		.nickname = args_get(a, "n"),
		.user = args_get(a, "u") };
	enum rc rc = pki_session_open(p, &who, e);

	if (rc != RC_OK ||
	    (rc = args_password(a, "c", "C", &p->db_pin, e)) != RC_OK ||
	    (rc = args_password(a, "w", "W", &p->password, e)) != RC_OK)
		return rc;
	return who.user != NULL && p->password == NULL
	    ? secret_ask(&p->password, "Enter Password: ", e)
	    : RC_OK;
}

enum rc
sys_cert_renew_online(struct server *s, const struct sys_cert *c,
    const struct args *a, struct buf *der, struct err *e)
{
	char address[ADDRESS_MAX], serial[NUM_TEXT_MAX];
	struct pki p;
	enum rc rc;

	if ((rc = ca_address(s, a, address, sizeof(address), e)) != RC_OK ||
	    (rc = serial_of(s, c, a, serial, e)) != RC_OK)
		return rc;
	rc = log_in(&p, a, e);
	p.verbose = s->verbose;
	if (rc == RC_OK)
		rc = pki_session_turn(&p, address, e);
	if (rc == RC_OK && (rc = ask(&p, serial, der, e)) != RC_OK)
		rc = err_prefix(e, "renewal of %s by %s", serial, address);
	pki_session_close(&p);
	return rc;
}
