/* SPDX-License-Identifier: Apache-2.0 */
/* ldap_ack.c - a commit waits until other directories have it too
 * (dbs.ackReplicas). After the last write this server's update vector tells the
 * newest change of its own; the vectors of the servers that its agreements name
 * tell which of them have seen that change (spec directory 4.5). What a server
 * has in its vector it has in its database.
 * Owns:    struct dir_ack, a thread and a connection for each other server.
 * Trusts:  nothing from the network.
 * Threads: dir_ack_wait: any; a struct peer's connection is its thread's. */
#include "base/log.h"
#include "base/text.h"
#include "store/ds_ruv.h"
#include "store/ldap_int.h"

enum {
	ACK_PEERS_MAX = 16,
	ACK_POLL_MS = 5,
	ACK_RETRY_MS = 500,
	ACK_LIST_MS = 30000, /* between looks at the agreements */
	ACK_URL_MAX = 512,
};

struct peer {
	struct dir_ack *ack;
	char url[ACK_URL_MAX];
	bool starttls;
	pthread_t thread;
	/* the rest under ack->lock */
	bool listed; /* an agreement names it */
	char csn[REPL_CSN_LEN + 1];
	char why[ERR_TEXT_MAX]; /* it could not be asked; "" = it was */
};

struct dir_ack {
	struct ldap_be *be;
	unsigned want;
	int timeout_ms;

	pthread_mutex_t own_lock; /* of the next three; taken before lock */
	struct ds_admin *own;
	int64_t listed_ms; /* 0 = never */
	int64_t id;        /* of this replica */

	pthread_mutex_t lock;
	pthread_cond_t work, moved;
	bool stop;
	unsigned waiting;
	char newest[REPL_CSN_LEN + 1]; /* that anybody waits for */
	struct peer peers[ACK_PEERS_MAX];
	size_t n;
};

/* --- looking at a server ----------------------------------------------------- */

/* The replica of our suffix there. */
struct look {
	const char *base;
	struct buf dn;
	int64_t id;
	struct repl_ruv ruv;
};

static void
look_free(struct look *l)
{
	if (l != NULL)
		buf_done(&l->dn);
	free(l);
}
OWNED(look)

static bool
take_replica(void *arg, const struct ds_entry *x)
{
	struct look *l = arg;
	AUTO_BUF root = buf_empty(0), id = buf_empty(0);

	if (ds_value(x, "nsDS5ReplicaRoot", 0, &root) == NULL ||
	    !ds_dn_below(l->base, buf_cstr(&root)))
		return true;
	buf_add_str(&l->dn, x->dn);
	if (ds_value(x, "nsDS5ReplicaId", 0, &id) == NULL ||
	    text_int(&l->id, buf_cstr(&id), 0, UINT16_MAX, NULL) != RC_OK)
		l->id = 0;
	ds_ruv_take(&l->ruv, x);
	return false;
}

static enum rc
look_at(struct look **out, struct ds_admin *d, const char *base, struct err *e)
{
	static const char *const attrs[] = { "nsDS5ReplicaRoot",
		"nsDS5ReplicaId", "nsds50ruv", NULL };
	AUTO(look) l = calloc(1, sizeof(*l));
	enum rc rc;

	if (l == NULL)
		return err_set(e, RC_NOMEM, "directory: out of memory");
	l->base = base;
	l->dn = buf_empty(LDAP_BE_DN_MAX);
	rc = ds_search(d, "cn=mapping tree,cn=config", DS_SUB,
	    "(objectClass=nsDS5Replica)", attrs, take_replica, l, e);
	if (rc == RC_OK)
		rc = buf_check(&l->dn, e);
	if (rc == RC_OK && l->dn.len == 0)
		return err_set(e, RC_UNAVAILABLE,
		    "directory %s: %s is not replicated", ds_admin_url(d),
		    base);
	if (rc == RC_OK)
		*out = look_steal(&l);
	return rc;
}

static enum rc
connect_to(struct ldap_be *be, struct ds_admin **out, const char *url,
    bool starttls, struct err *e)
{
	struct ldap_params p = { .url = url,
		.starttls = starttls,
		.ca_file = be->ca_file,
		.bind_dn = be->bind_dn,
		.password = be->password,
		.client_cert = buf_view(&be->client_cert),
		.client_key = be->client_key,
		.timeout_ms = be->timeout_ms };

	return ds_admin_open(out, &p, e);
}

/* --- the others ---------------------------------------------------------------- */

/* Waits until somebody wants to know more of it; false: it is to end. */
static bool
asked(struct peer *p)
{
	struct dir_ack *a = p->ack;

	LOCKED(&a->lock);
	while (!a->stop && (a->waiting == 0 || strcmp(p->csn, a->newest) >= 0))
		pthread_cond_wait(&a->work, &a->lock);
	return !a->stop;
}

static enum rc
ask(struct peer *p, struct ds_admin **d, struct err *e)
{
	struct dir_ack *a = p->ack;
	AUTO(look) l = NULL;
	enum rc rc = RC_OK;

	if (*d == NULL)
		rc = connect_to(a->be, d, p->url, p->starttls, e);
	if (rc == RC_OK)
		rc = look_at(&l, *d, a->be->base_dn, e);
	if (rc != RC_OK)
		return rc;
	LOCKED(&a->lock);
	(void)snprintf(
	    p->csn, sizeof(p->csn), "%s", ds_ruv_csn(&l->ruv, a->id));
	p->why[0] = '\0';
	pthread_cond_broadcast(&a->moved);
	return RC_OK;
}

static void *
run_peer(void *arg)
{
	struct ds_admin *d = NULL;
	struct peer *p = arg;

	while (asked(p)) {
		struct err e = { RC_OK, "" };

		if (ask(p, &d, &e) == RC_OK) {
			ds_pause(ACK_POLL_MS);
			continue;
		}
		ds_admin_free(d);
		d = NULL;
		pthread_mutex_lock(&p->ack->lock);
		(void)snprintf(
		    p->why, sizeof(p->why), "%.100s: %.140s", p->url, e.text);
		pthread_mutex_unlock(&p->ack->lock);
		ds_pause(ACK_RETRY_MS);
	}
	ds_admin_free(d);
	return NULL;
}

/* An agreement names that server. lock is held. */
static void
add_peer(struct dir_ack *a, const char *url, bool starttls)
{
	struct peer *p = &a->peers[a->n];
	struct err e = { RC_OK, "" };

	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->peers[i].url, url) == 0) {
			a->peers[i].listed = true;
			return;
		}
	if (a->n == ACK_PEERS_MAX)
		return;
	*p = (struct peer){ .ack = a, .starttls = starttls, .listed = true };
	(void)snprintf(p->url, sizeof(p->url), "%s", url);
	if (thread_start(&p->thread, "store-ack", run_peer, p, &e) == RC_OK)
		a->n++;
	else
		log_warning("store", "%s, continuing", e.text);
}

static bool
take_agreement(void *arg, const struct ds_entry *x)
{
	struct dir_ack *a = arg;
	AUTO_BUF host = buf_empty(0), port = buf_empty(0), how = buf_empty(0);
	AUTO_BUF url = buf_empty(ACK_URL_MAX - 1);
	const char *way;
	bool v6;

	if (ds_value(x, "nsDS5ReplicaHost", 0, &host) == NULL ||
	    ds_value(x, "nsDS5ReplicaPort", 0, &port) == NULL)
		return true;
	way = ds_value(x, "nsDS5ReplicaTransportInfo", 0, &how);
	if (way == NULL)
		way = "LDAP";
	v6 = strchr(buf_cstr(&host), ':') != NULL;
	buf_addf(&url, "%s://%s%s%s:%s",
	    text_ieq(way, "SSL") || text_ieq(way, "LDAPS") ? "ldaps" : "ldap",
	    v6 ? "[" : "", buf_cstr(&host), v6 ? "]" : "", buf_cstr(&port));
	if (buf_check(&url, NULL) != RC_OK)
		return true;
	LOCKED(&a->lock);
	add_peer(a, buf_cstr(&url),
	    text_ieq(way, "TLS") || text_ieq(way, "StartTLS"));
	return true;
}

static enum rc
list_peers(struct dir_ack *a, const char *replica, struct err *e)
{
	static const char *const attrs[] = { "nsDS5ReplicaHost",
		"nsDS5ReplicaPort", "nsDS5ReplicaTransportInfo", NULL };

	pthread_mutex_lock(&a->lock);
	for (size_t i = 0; i < a->n; i++)
		a->peers[i].listed = false;
	pthread_mutex_unlock(&a->lock);
	return ds_search(a->own, replica, DS_ONE,
	    "(objectClass=nsDS5ReplicationAgreement)", attrs, take_agreement, a,
	    e);
}

/* --- this one ------------------------------------------------------------------ */

static enum rc
look_here(struct dir_ack *a, char csn[REPL_CSN_LEN + 1], struct err *e)
{
	int64_t now = clock_mono_ms(a->be->clock);
	AUTO(look) l = NULL;
	enum rc rc = RC_OK;

	if (a->own == NULL)
		rc = connect_to(a->be, &a->own, a->be->url, a->be->starttls, e);
	if (rc == RC_OK)
		rc = look_at(&l, a->own, a->be->base_dn, e);
	if (rc != RC_OK)
		return rc;
	a->id = l->id;
	if (a->listed_ms == 0 || now - a->listed_ms > ACK_LIST_MS) {
		rc = list_peers(a, buf_cstr(&l->dn), e);
		a->listed_ms = rc == RC_OK ? now : 0;
	}
	(void)snprintf(csn, REPL_CSN_LEN + 1, "%s", ds_ruv_csn(&l->ruv, l->id));
	return rc;
}

/* Newest change of this server's own. */
static enum rc
own_csn(struct dir_ack *a, char csn[REPL_CSN_LEN + 1], struct err *e)
{
	enum rc rc;

	LOCKED(&a->own_lock);
	rc = look_here(a, csn, e);
	if (rc == RC_OK)
		return RC_OK;
	/* the connection may have ended while it rested */
	ds_admin_free(a->own);
	a->own = NULL;
	return dir_rc_passing(rc) ? look_here(a, csn, e) : rc;
}

/* --- waiting --------------------------------------------------------------------- */

static unsigned
count_having(const struct dir_ack *a, const char *csn, const char **why)
{
	unsigned n = 0;

	*why = "it is still on its way";
	for (size_t i = 0; i < a->n; i++) {
		const struct peer *p = &a->peers[i];

		if (!p->listed)
			continue;
		if (strcmp(p->csn, csn) >= 0)
			n++;
		else if (p->why[0] != '\0')
			*why = p->why;
	}
	return n;
}

bool
dir_ack_wanted(const struct ldap_be *be, const struct batch *b)
{
	for (size_t i = 0; be->ack != NULL && i < b->n; i++) {
		const struct change *c = &b->changes[i];

		if (c->kind == REC_REQUEST ||
		    (c->op == CHANGE_ADD &&
			(c->kind == REC_CERT || c->kind == REC_KEY)))
			return true;
	}
	return false;
}

enum rc
dir_ack_wait(struct ldap_be *be, struct err *e)
{
	struct dir_ack *a = be->ack;
	struct err inner = { RC_OK, "" };
	char csn[REPL_CSN_LEN + 1];
	struct timespec until;
	const char *why;
	unsigned n;
	int c = 0;

	if (own_csn(a, csn, &inner) != RC_OK)
		return err_set(e, RC_UNAVAILABLE,
		    STORE_UNACKED " dbs.ackReplicas=%u cannot be kept: %.160s",
		    a->want, inner.text);
	until = thread_deadline(CLOCK_REALTIME, (int64_t)a->timeout_ms * 1000);
	LOCKED(&a->lock);
	if (strcmp(csn, a->newest) > 0)
		memcpy(a->newest, csn, sizeof(csn));
	a->waiting++;
	pthread_cond_broadcast(&a->work);
	while ((n = count_having(a, csn, &why)) < a->want && c == 0)
		c = pthread_cond_timedwait(&a->moved, &a->lock, &until);
	a->waiting--;
	if (n >= a->want)
		return RC_OK;
	return err_set(e, RC_UNAVAILABLE,
	    STORE_UNACKED
	    " %u of %u other directories (dbs.ackReplicas) had it "
	    "within %d ms: %.128s",
	    n, a->want, a->timeout_ms, why);
}

enum rc
dir_ack_new(struct ldap_be *be, const struct ldap_params *p, struct err *e)
{
	struct dir_ack *a;

	if (p->ack_replicas == 0)
		return RC_OK;
	if ((a = calloc(1, sizeof(*a))) == NULL)
		return err_set(e, RC_NOMEM, "directory: out of memory");
	a->be = be;
	a->want = p->ack_replicas;
	a->timeout_ms =
	    p->ack_timeout_ms > 0 ? p->ack_timeout_ms : LDAP_BE_ACK_MS;
	pthread_mutex_init(&a->own_lock, NULL);
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->work, NULL);
	pthread_cond_init(&a->moved, NULL);
	be->ack = a;
	return RC_OK;
}

void
dir_ack_free(struct dir_ack *a)
{
	if (a == NULL)
		return;
	pthread_mutex_lock(&a->lock);
	a->stop = true;
	pthread_cond_broadcast(&a->work);
	pthread_mutex_unlock(&a->lock);
	for (size_t i = 0; i < a->n; i++)
		pthread_join(a->peers[i].thread, NULL);
	ds_admin_free(a->own);
	pthread_cond_destroy(&a->work);
	pthread_cond_destroy(&a->moved);
	pthread_mutex_destroy(&a->own_lock);
	pthread_mutex_destroy(&a->lock);
	free(a);
}
