/* SPDX-License-Identifier: Apache-2.0 */
/* clone_repl.c - a clone's directory as a replica of its master's.
 * Owns:    connections for the time of a call.
 * Trusts:  the master's settings, which came over TLS with a token.
 * Threads: one. */
#include "deploy/clone.h"
#include "deploy/replication.h"

enum {
	NAME_TEXT_MAX = 512,
	WAIT_MS = 60000, /* for what the master has just written */
	WAIT_STEP_MS = 100,
};

/* Both directories and what they are called. */
struct pair {
	struct install *in;
	struct ds_admin *master, *own;
	struct secret *master_password, *own_password;
	char agreement[2][NAME_TEXT_MAX]; /* on the master, on the clone */
	struct repl_pair p;
};

static void
pair_done(struct pair *x)
{
	ds_admin_free(x->master);
	ds_admin_free(x->own);
	secret_free(x->master_password);
	secret_free(x->own_password);
}
#define AUTO_PAIR __attribute__((cleanup(pair_done))) struct pair

static enum rc
open_master(struct install *in, struct ds_admin **out, struct err *e)
{
	const struct cfg *m = in->master;
	const char *host = cfg_str(m, "internaldb.ldapconn.host", ""),
		   *pin = cfg_get(m, "internaldb.ldapauth.password");
	AUTO(secret) password = secret_new(view_str(pin != NULL ? pin : ""));
	AUTO_STR trust = dbconf_trust_path(in->paths);
	AUTO_BUF url = buf_empty(NAME_TEXT_MAX);
	struct ldap_params p = { .ca_file = trust,
		.bind_dn = cfg_str(
		    m, "internaldb.ldapauth.bindDN", "cn=Directory Manager"),
		.password = password };
	bool secure = cfg_bool(m, "internaldb.ldapconn.secureConn", false);
	int64_t port;
	enum rc rc = cfg_int(m, &port, "internaldb.ldapconn.port", 1, 65535,
	    secure ? DBCONF_SECURE_PORT : DBCONF_PORT, e);

	if (rc != RC_OK)
		return rc;
	if (password == NULL || trust == NULL)
		return err_set(e, RC_NOMEM, "directory of the master");
	if (host[0] == '\0' || pin == NULL)
		return err_set(e, RC_INVALID,
		    "the master has told no directory and password: is it on "
		    "an embedded store, or does it bind by certificate?");
	/* in the end of a failure the file of before serves */
	if (in->ks != NULL &&
	    (rc = dbconf_write_trust(in->paths, in->ks, e)) != RC_OK)
		return rc;
	buf_addf(&url, "%s://%s:%lld", secure ? "ldaps" : "ldap", host,
	    (long long)port);
	p.url = buf_cstr(&url);
	rc = ds_admin_open(out, &p, e);
	return rc == RC_OK ? RC_OK : err_prefix(e, "directory of the master");
}

static enum rc
open_both(struct pair *x, struct install *in, struct err *e)
{
	struct ldap_params p = dbconf_params(in->db, &clock_system);
	enum rc rc = open_master(in, &x->master, e);

	x->in = in;
	return rc == RC_OK ? ds_admin_open(&x->own, &p, e) : rc;
}

static enum rc
passwords(struct pair *x, struct err *e)
{
	const char *theirs =
	    cfg_get(x->in->master, "internaldb.replication.password");
	AUTO(cfg) c = cfg_new();
	const char *own;
	enum rc rc;

	if (c == NULL)
		return err_set(e, RC_NOMEM, "replication");
	if ((rc = cfg_load(c, x->in->paths->password, e)) != RC_OK)
		return rc;
	own = cfg_get(c, "replicationdb");
	if (theirs == NULL || own == NULL)
		return err_set(e, RC_NOTFOUND,
		    "No available password for \"replicationdb\" on %s",
		    own == NULL ? "this host" : "the master");
	x->master_password = secret_new(view_str(theirs));
	x->own_password = secret_new(view_str(own));
	return x->master_password != NULL && x->own_password != NULL
	    ? RC_OK
	    : err_set(e, RC_NOMEM, "replication");
}

/* The next number of the range that the master has given; the mark knows it
 * before it is used. 0 when none is left: then any that is free. */
static enum rc
next_id(void *arg, int64_t *id, struct err *e)
{
	struct install *in = arg;
	char text[24], both[64];
	int64_t begin, end;
	enum rc rc;

	if ((rc = cfg_int(in->cs, &begin, "dbs.beginReplicaNumber", 0,
		 REPL_ID_MAX + 1, 0, e)) != RC_OK ||
	    (rc = cfg_int(in->cs, &end, "dbs.endReplicaNumber", 0, REPL_ID_MAX,
		 0, e)) != RC_OK)
		return rc;
	*id = begin > 0 && begin <= end ? begin : 0;
	if (*id == 0)
		return RC_OK;
	snprintf(text, sizeof(text), "%lld", (long long)begin + 1);
	snprintf(both, sizeof(both), "%s-%lld", text, (long long)end);
	if ((rc = mark_set(in->mark, "range.replicaId", both, e)) != RC_OK)
		return rc;
	in->numbers[RANGE_REPLICA].now.begin = (uint64_t)begin + 1;
	in->numbers[RANGE_REPLICA].mark = (uint64_t)begin + 1;
	return cfg_set(in->cs, "dbs.beginReplicaNumber", text, e);
}

/* A port of the parameters, else the one of the connection. */
static enum rc
port_of(struct install *in, int64_t *out, const char *param, int64_t def,
    struct err *e)
{
	const char *s = values_str(in->v, param);
	enum rc rc;

	*out = def;
	if (s[0] == '\0')
		return RC_OK;
	rc = text_int(out, s, 1, 65535, e);
	return rc == RC_OK ? RC_OK : err_prefix(e, "%s", param);
}

static void
say_line(void *arg, const char *line)
{
	install_say(arg, "%s", line);
}

/* Where the other server reaches this one. */
static const char *
own_host(const struct install *in)
{
	const char *machine = values_str(in->v, "pki_hostname");

	return text_ieq(in->db->host, "localhost") ? machine : in->db->host;
}

static enum rc
describe(struct pair *x, struct err *e)
{
	struct install *in = x->in;
	const struct cfg *m = in->master;
	struct repl_pair *p = &x->p;
	int64_t master_port;
	enum rc rc;

	*p = (struct repl_pair){ .base = in->db->base_dn,
		.next_id = next_id,
		.next_arg = in,
		.say = say_line,
		.say_arg = in };
	p->master = (struct repl_side){ .ds = x->master,
		.host = cfg_str(m, "internaldb.ldapconn.host", ""),
		.agreement = x->agreement[0],
		.password = x->master_password };
	p->clone = (struct repl_side){ .ds = x->own,
		.host = own_host(in),
		.agreement = x->agreement[1],
		.password = x->own_password };
	for (int i = 0; i < 2; i++)
		snprintf(x->agreement[i], NAME_TEXT_MAX,
		    "%sAgreement1-%.200s-%.200s", i == 0 ? "master" : "clone",
		    values_str(in->v, "pki_hostname"), in->paths->name);
	if ((rc = cfg_int(m, &master_port, "internaldb.ldapconn.port", 1, 65535,
		 DBCONF_PORT, e)) != RC_OK ||
	    (rc = port_of(in, &p->master.port,
		 "pki_clone_replication_master_port", master_port, e)) !=
		RC_OK ||
	    (rc = port_of(in, &p->clone.port,
		 "pki_clone_replication_clone_port", in->db->port, e)) != RC_OK)
		return rc;
	/* a port that speaks TLS only takes nothing else */
	if (in->db->secure && p->clone.port == in->db->port) {
		p->security = REPL_SSL;
		return RC_OK;
	}
	return repl_security_parse(&p->security,
	    values_str(in->v, "pki_clone_replication_security"), e);
}

enum rc
clone_keep_replica(struct install *in, struct err *e)
{
	struct ldap_params p = dbconf_params(in->db, &clock_system);
	AUTO(ds_admin) d = NULL;
	int64_t id = 0;
	enum rc rc = ds_admin_open(&d, &p, e);

	if (rc != RC_OK)
		return rc;
	if (!values_bool(in->v, "pki_clone_setup_replication") ||
	    !values_bool(in->v, "pki_ds_remove_data") ||
	    repl_own_id(d, &id, in->db->base_dn, NULL) != RC_OK || id == 0)
		return RC_OK;
	install_say(in,
	    "Keeping the replica %lld that is there, to be filled "
	    "anew",
	    (long long)id);
	in->refill = true;
	return values_set(in->v, "pki_ds_remove_data", "False", e);
}

enum rc
clone_replicate(struct install *in, struct err *e)
{
	AUTO_PAIR x = { .in = in };
	enum rc rc;

	if ((rc = open_both(&x, in, e)) != RC_OK ||
	    (rc = passwords(&x, e)) != RC_OK || (rc = describe(&x, e)) != RC_OK)
		return rc;
	install_say(in, "Setting up replication with ldap://%s:%lld",
	    x.p.master.host, (long long)x.p.master.port);
	in->replicating = true;
	if ((rc = mark_set(in->mark, "replicating", "1", e)) != RC_OK ||
	    (rc = repl_setup(&x.p, e)) != RC_OK ||
	    (rc = repl_initialize(x.master, x.own, in->db->base_dn,
		 x.agreement[0], in->refill, say_line, in, e)) != RC_OK ||
	    (rc = directory_index_rebuild(x.own, in->db, say_line, in, e)) !=
		RC_OK)
		return rc;
	return RC_OK;
}

void
clone_replicate_undo(struct install *in)
{
	AUTO_PAIR x = { .in = in };

	/* the first error is the one to report */
	if (!in->replicating || open_both(&x, in, NULL) != RC_OK)
		return;
	struct ds_admin *rest[] = { x.master };
	const struct repl_retire r = { .base = in->db->base_dn,
		.remaining = rest,
		.n_remaining = 1,
		.gone = x.own,
		.host = own_host(in),
		.force = true };

	rc_ignore(repl_retire(&r, NULL));
}

/* Seconds behind; 0 when nothing can be said. */
static int64_t
lag_of(struct pair *x, struct repl_ruv *ahead, struct repl_ruv *behind)
{
	return repl_ruv_read(x->own, behind, x->in->db->base_dn, NULL) == RC_OK
	    ? repl_lag(ahead, behind)
	    : 0;
}

void
clone_wait(struct install *in)
{
	AUTO_PAIR x = { .in = in };
	struct repl_ruv *ruv = calloc(2, sizeof(*ruv));
	int64_t until = clock_mono_ms(&clock_system) + WAIT_MS, lag = 0;
	bool said = false;

	if (ruv != NULL && in->replicating &&
	    open_both(&x, in, NULL) == RC_OK &&
	    repl_ruv_read(x.master, &ruv[0], in->db->base_dn, NULL) == RC_OK)
		lag = lag_of(&x, &ruv[0], &ruv[1]);
	while (lag != 0 && clock_mono_ms(&clock_system) < until) {
		if (!said && lag < 0)
			install_say(in,
			    "Waiting for replication: this directory has not "
			    "seen all of the master's changes");
		else if (!said)
			install_say(in,
			    "Waiting for replication: this directory is %lld s "
			    "behind the master's",
			    (long long)lag);
		said = true;
		ds_pause(WAIT_STEP_MS);
		lag = lag_of(&x, &ruv[0], &ruv[1]);
	}
	free(ruv);
	if (lag != 0)
		buf_add_str(&in->notes,
		    "      This directory is still behind the master's; see\n"
		    "      pki-server ca-clone-check.\n\n");
}
