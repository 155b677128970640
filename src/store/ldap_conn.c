/* SPDX-License-Identifier: Apache-2.0 */
/* ldap_conn.c - connections to the directory and their pool.
 * Owns:    the pooled connections.
 * Trusts:  nothing: answers come from the network.
 * Threads: any; a connection belongs to its taker until it is given back. */
#include <poll.h>
#include <time.h>

#include "base/secret.h"
#include "store/ldap_int.h"

enum rc
dir_err(struct err *e, int code, const char *what)
{
	enum rc rc = RC_INTERNAL;

	switch (code) {
	case LDAP_SUCCESS:
		return RC_OK;
	case LDAP_NO_SUCH_OBJECT:
		rc = RC_NOTFOUND;
		break;
	case LDAP_ALREADY_EXISTS:
		rc = RC_EXISTS;
		break;
	case LDAP_NO_SUCH_ATTRIBUTE:
	case LDAP_TYPE_OR_VALUE_EXISTS:
		rc = RC_CONFLICT;
		break;
	case LDAP_INVALID_CREDENTIALS:
	case LDAP_INAPPROPRIATE_AUTH:
		rc = RC_AUTH;
		break;
	case LDAP_INSUFFICIENT_ACCESS:
		rc = RC_DENIED;
		break;
	case LDAP_INVALID_SYNTAX:
	case LDAP_OBJECT_CLASS_VIOLATION:
	case LDAP_UNDEFINED_TYPE:
	case LDAP_CONSTRAINT_VIOLATION:
	case LDAP_INVALID_DN_SYNTAX:
	case LDAP_NAMING_VIOLATION:
	case LDAP_FILTER_ERROR:
		rc = RC_INVALID;
		break;
	case LDAP_SIZELIMIT_EXCEEDED:
	case LDAP_ADMINLIMIT_EXCEEDED:
		rc = RC_TOOBIG;
		break;
	case LDAP_TIMELIMIT_EXCEEDED:
	case LDAP_TIMEOUT:
		rc = RC_TIMEOUT;
		break;
	case LDAP_SERVER_DOWN:
	case LDAP_CONNECT_ERROR:
	case LDAP_UNAVAILABLE:
	case LDAP_BUSY:
	case LDAP_UNWILLING_TO_PERFORM:
	case LDAP_OPERATIONS_ERROR:
		rc = RC_UNAVAILABLE;
		break;
	case LDAP_NO_MEMORY:
		rc = RC_NOMEM;
		break;
	default:
		break;
	}
	return err_set(e, rc, "directory: %s: %s", what, ldap_err2string(code));
}

/* GnuTLS, which libldap stands on, reads them as DER from these options. */
static int
set_client_key(struct ldap_be *be, LDAP *ld)
{
	struct view key = secret_view(be->client_key);
	struct berval b = { be->client_cert.len, (char *)be->client_cert.data };
	int c = ldap_set_option(ld, LDAP_OPT_X_TLS_CERT, &b);

	if (c != LDAP_OPT_SUCCESS)
		return c;
	b = (struct berval){ key.len, (char *)(uintptr_t)key.data };
	return ldap_set_option(ld, LDAP_OPT_X_TLS_KEY, &b);
}

static int
set_options(struct ldap_be *be, LDAP *ld)
{
	struct timeval tv = { be->timeout_ms / 1000,
		(be->timeout_ms % 1000) * 1000 };
	int version = LDAP_VERSION3, fresh = 0, c;

	if ((c = ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version)) !=
		0 ||
	    (c = ldap_set_option(ld, LDAP_OPT_REFERRALS, LDAP_OPT_OFF)) != 0 ||
	    (c = ldap_set_option(ld, LDAP_OPT_NETWORK_TIMEOUT, &tv)) != 0 ||
	    (c = ldap_set_option(ld, LDAP_OPT_TIMEOUT, &tv)) != 0)
		return c;
	if (be->client_key != NULL && (c = set_client_key(be, ld)) != 0)
		return c;
	if (be->ca_file == NULL)
		return 0;
	if ((c = ldap_set_option(ld, LDAP_OPT_X_TLS_CACERTFILE, be->ca_file)) !=
	    0)
		return c;
	return ldap_set_option(ld, LDAP_OPT_X_TLS_NEWCTX, &fresh);
}

enum rc
dir_connect(struct ldap_be *be, LDAP **out, struct err *e)
{
	struct berval cred = { 0, NULL };
	LDAP *ld = NULL;
	int c = ldap_initialize(&ld, be->url);

	if (c != LDAP_SUCCESS)
		return dir_err(e, c, be->url);
	if (be->password != NULL && be->client_key == NULL) {
		cred.bv_val = (char *)(uintptr_t)secret_cstr(be->password);
		cred.bv_len = secret_view(be->password).len;
	}
	c = set_options(be, ld);
	if (c == LDAP_SUCCESS && be->starttls)
		c = ldap_start_tls_s(ld, NULL, NULL);
	if (c == LDAP_SUCCESS && be->client_key != NULL)
		c = ldap_sasl_bind_s(
		    ld, NULL, "EXTERNAL", &cred, NULL, NULL, NULL);
	else if (c == LDAP_SUCCESS)
		c = ldap_sasl_bind_s(
		    ld, be->bind_dn, LDAP_SASL_SIMPLE, &cred, NULL, NULL, NULL);
	if (c != LDAP_SUCCESS) {
		ldap_unbind_ext_s(ld, NULL, NULL);
		return dir_err(e, c, be->url);
	}
	*out = ld;
	return RC_OK;
}

enum rc
dir_connect_params(const struct ldap_params *p, LDAP **out, struct err *e)
{
	struct ldap_be *be = calloc(1, sizeof(*be));
	enum rc rc;

	if (be == NULL)
		return err_set(e, RC_NOMEM, "directory: out of memory");
	be->url = (char *)(uintptr_t)p->url;
	be->ca_file = (char *)(uintptr_t)p->ca_file;
	be->bind_dn = (char *)(uintptr_t)p->bind_dn;
	be->starttls = p->starttls;
	be->timeout_ms = p->timeout_ms > 0 ? p->timeout_ms : LDAP_BE_TIMEOUT_MS;
	be->password = (struct secret *)(uintptr_t)p->password;
	be->client_key = (struct secret *)(uintptr_t)p->client_key;
	be->client_cert = buf_empty(0);
	buf_add_view(&be->client_cert, p->client_cert);
	rc = dir_connect(be, out, e);
	buf_done(&be->client_cert);
	free(be);
	return rc;
}

/* Waits for a connection or the right to open one; false: too long. */
static bool
wait_free(struct ldap_be *be)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += be->timeout_ms / 1000 + 1;
	while (be->n_idle == 0 && be->n_open >= be->max_open)
		if (pthread_cond_timedwait(
			&be->pool_free, &be->pool_lock, &until) != 0)
			return false;
	return true;
}

/* Has the server closed it while it rested? Else the next operation would find
 * out, too late to say whether it was carried out. */
static bool
stale(LDAP *ld)
{
	struct pollfd p = { .events = POLLRDHUP };

	return ldap_get_option(ld, LDAP_OPT_DESC, &p.fd) != LDAP_SUCCESS ||
	    (poll(&p, 1, 0) > 0 && p.revents != 0);
}

enum rc
dir_up(struct ldap_be *be, struct err *e)
{
	if (!be->hung)
		return RC_OK;
	return err_set(e, RC_UNAVAILABLE,
	    "directory %s does not answer within %d ms", be->url,
	    be->timeout_ms);
}

enum rc
dir_take(struct ldap_be *be, LDAP **out, struct err *e)
{
	enum rc rc = dir_up(be, e);

	if (rc != RC_OK)
		return rc;
	pthread_mutex_lock(&be->pool_lock);
	if (!wait_free(be)) {
		pthread_mutex_unlock(&be->pool_lock);
		return err_set(e, RC_UNAVAILABLE,
		    "directory: all %zu connections are busy", be->max_open);
	}
	while (be->n_idle > 0) {
		*out = be->idle[--be->n_idle];
		if (!stale(*out)) {
			pthread_mutex_unlock(&be->pool_lock);
			return RC_OK;
		}
		be->n_open--;
		ldap_unbind_ext_s(*out, NULL, NULL);
		*out = NULL;
	}
	be->n_open++;
	pthread_mutex_unlock(&be->pool_lock);
	if ((rc = dir_connect(be, out, e)) == RC_OK)
		return RC_OK;
	if (rc == RC_TIMEOUT)
		be->hung = true;
	pthread_mutex_lock(&be->pool_lock);
	be->n_open--;
	pthread_cond_signal(&be->pool_free);
	pthread_mutex_unlock(&be->pool_lock);
	return rc;
}

bool
dir_rc_passing(enum rc rc)
{
	return rc == RC_UNAVAILABLE || rc == RC_TIMEOUT || rc == RC_NOMEM;
}

bool
dir_broken(int code)
{
	return code == LDAP_SERVER_DOWN || code == LDAP_CONNECT_ERROR ||
	    code == LDAP_TIMEOUT || code == LDAP_UNAVAILABLE ||
	    code == LDAP_DECODING_ERROR;
}

void
dir_give(struct ldap_be *be, LDAP *ld, int code)
{
	size_t n = 0;

	if (code == LDAP_TIMEOUT)
		be->hung = true; /* until the feed has got an answer */
	pthread_mutex_lock(&be->pool_lock);
	if (!dir_broken(code)) {
		be->idle[be->n_idle++] = ld;
	} else {
		/* what waits beside a broken connection is broken too */
		n = be->n_idle;
		be->n_idle = 0;
		be->n_open -= n + 1;
	}
	pthread_cond_broadcast(&be->pool_free);
	for (size_t i = 0; i < n; i++)
		ldap_unbind_ext_s(be->idle[i], NULL, NULL);
	pthread_mutex_unlock(&be->pool_lock);
	if (dir_broken(code))
		ldap_unbind_ext_s(ld, NULL, NULL);
}

void
dir_pool_done(struct ldap_be *be)
{
	for (size_t i = 0; i < be->n_idle; i++)
		ldap_unbind_ext_s(be->idle[i], NULL, NULL);
	free(be->idle);
	be->idle = NULL;
	be->n_idle = 0;
}
