/* SPDX-License-Identifier: Apache-2.0 */
/* pki_server_range.c - <sub>-range-*, <sub>-id-generator-*, <sub>-restore-accept
 * (spec deployment 4, 7.4).
 * Owns:    nothing.
 * Trusts:  the instance's files; a master whose certificate the instance's NSS
 *          database trusts.
 * Threads: none. */
#include "tools/pki_server_cmds.h"

#include <inttypes.h>

#include "base/file.h"
#include "domain/domain_client.h"
#include "instance/control.h"
#include "instance/highwater.h"
#include "keys/keystore.h"
#include "store/range.h"

enum {
	ROOTS_MAX = 256,
	NAME_TEXT_MAX = 64,
};

/* What the generator of a kind is called in CS.cfg and on the command line. */
static const struct numbering {
	enum range_kind kind;
	const char *word;   /* of the commands */
	const char *ca;     /* dbs.<ca>.id.generator */
	const char *record; /* of range-init */
	const char *type;   /* of updateNumberRange */
} numberings[] = {
	{ RANGE_REQUEST, "request", "request", "request", "request" },
	{ RANGE_SERIAL, "cert", "cert", "serial", "serialNo" },
	{ RANGE_REPLICA, "replica", NULL, "replica", "replicaId" },
};
enum {
	SEQUENTIAL = 2 /* the first two have a generator */
};

/* "cert", for a KRA "key". */
static const char *
setting_word(const struct server *s, const struct numbering *n)
{
	return n->kind == RANGE_SERIAL && strcmp(s->sub, "kra") == 0 ? "key"
								     : n->ca;
}

static const char *
generator(
    const struct server *s, const struct cfg *c, const struct numbering *n)
{
	const char *v = cfg_getf(c, "dbs.%s.id.generator", setting_word(s, n));

	return v != NULL && v[0] != '\0' ? v : "random";
}

/* false: random. */
static bool
form_of(const struct server *s, const struct cfg *c, const struct numbering *n,
    enum range_form *out)
{
	const char *word = n->ca != NULL ? generator(s, c, n) : "legacy";

	*out = strcmp(word, "legacy2") == 0 ? RANGE_LEGACY2 : RANGE_LEGACY;
	return strcmp(word, "random") != 0;
}

/* ---- showing ---- */

static enum rc
run_range_show(struct server *s, const struct args *a, struct err *e)
{
	static const char *const rows[][2] = {
		{ "Begin request ID", "dbs.beginRequestNumber" },
		{ "End request ID", "dbs.endRequestNumber" },
		{ "Begin serial number", "dbs.beginSerialNumber" },
		{ "End serial number", "dbs.endSerialNumber" },
		{ "Begin replica ID", "dbs.beginReplicaNumber" },
		{ "End replica ID", "dbs.endReplicaNumber" },
		{ "Enable serial management", "dbs.enableSerialManagement" },
	};
	AUTO(cfg) c = NULL;
	enum rc rc = server_cs(s, &c, s->sub, e);

	(void)a;
	for (size_t i = 0; rc == RC_OK && i < sizeof(rows) / sizeof(*rows); i++)
		out_field(rows[i][0], cfg_str(c, rows[i][1], "None"));
	return rc;
}

static enum rc
run_generator_show(struct server *s, const struct args *a, struct err *e)
{
	AUTO(cfg) c = NULL;
	enum rc rc = server_cs(s, &c, s->sub, e);

	(void)a;
	if (rc != RC_OK)
		return rc;
	out_field("Request ID generator", generator(s, c, &numberings[0]));
	out_field(strcmp(s->sub, "kra") == 0 ? "Key ID generator"
					     : "Cert ID generator",
	    generator(s, c, &numberings[1]));
	return RC_OK;
}

/* ---- nextRange ---- */

static enum rc
init_counter(struct server *s, const struct cfg *c, const struct numbering *n,
    struct err *e)
{
	struct range_state st;
	enum range_form form;
	char next[RANGE_TEXT_MAX];
	AUTO_JSON args = NULL;
	enum rc rc;

	if (!form_of(s, c, n, &form))
		return RC_OK;
	if ((rc = range_load(&st, c, n->kind, form, e)) != RC_OK)
		return rc;
	snprintf(next, sizeof(next), "%" PRIu64,
	    range_after(n->kind, form, st.now.end));
	args = json_pack("{s:s,s:s,s:s}", "kind", n->record, "form",
	    form == RANGE_LEGACY2 ? "legacy2" : "legacy", "next", next);
	return server_call(s, "range-init", args, NULL, e);
}

static enum rc
run_range_update(struct server *s, const struct args *a, struct err *e)
{
	AUTO(cfg) c = NULL;
	enum rc rc = server_cs(s, &c, s->sub, e);

	(void)a;
	for (size_t i = 0; rc == RC_OK && i < SEQUENTIAL; i++)
		rc = init_counter(s, c, &numberings[i], e);
	return rc;
}

/* ---- a range from the master ---- */

struct roots {
	struct buf der[ROOTS_MAX];
	struct view views[ROOTS_MAX];
	size_t n;
};

static bool
add_root(void *arg, const struct keystore_cert *c)
{
	struct roots *r = arg;

	if (memchr(c->trust, 'C', strcspn(c->trust, ",")) == NULL)
		return true;
	r->der[r->n] = buf_empty(0);
	buf_add_view(&r->der[r->n], c->der);
	if (buf_check(&r->der[r->n], NULL) == RC_OK) {
		r->views[r->n] = buf_view(&r->der[r->n]);
		r->n++;
	}
	return r->n < ROOTS_MAX;
}

/* The session ID or the token, from the command line or a file. */
static enum rc
read_token(const struct args *a, struct secret **out, struct err *e)
{
	const char *session = args_get(a, "session");
	const char *file = args_get(a, "install-token");
	AUTO_BUF text = buf_empty(0);
	enum rc rc;

	if (session == NULL && file == NULL)
		return err_set(
		    e, RC_USAGE, "Missing session ID or install token");
	if (session != NULL) {
		*out = secret_new(view_str(session));
		return *out != NULL ? RC_OK
				    : err_set(e, RC_NOMEM, "out of memory");
	}
	if ((rc = file_read(&text, file, e)) != RC_OK)
		return rc;
	while (text.len > 0 && text.data[text.len - 1] <= ' ')
		text.len--;
	*out = secret_new(buf_view(&text));
	buf_wipe(&text);
	return *out != NULL ? RC_OK : err_set(e, RC_NOMEM, "out of memory");
}

static enum rc
take_range(struct server *s, struct cfg *c, const struct numbering *n,
    struct domain_client *master, const struct secret *token, struct err *e)
{
	struct domain_range got;
	struct range_state st;
	enum range_form form;
	enum rc rc;

	if (!form_of(s, c, n, &form))
		return RC_OK;
	if ((rc = range_load(&st, c, n->kind, form, e)) != RC_OK ||
	    (rc = domain_client_range(
		 master, &got, s->sub, n->type, token, e)) != RC_OK ||
	    (rc = range_parse(&st.now.begin, n->kind, form, got.begin, e)) !=
		RC_OK ||
	    (rc = range_parse(&st.now.end, n->kind, form, got.end, e)) != RC_OK)
		return rc;
	st.next = (struct range_span){ 1, 0 };
	st.managed = true;
	if ((rc = range_save(&st, c, e)) != RC_OK)
		return rc;
	/* what was given is written before more is asked for */
	return server_save_cs(s, s->sub, c, e);
}

static enum rc
must_be_stopped(const struct server *s, struct err *e)
{
	AUTO_FD lock = -1;
	enum rc rc = server_lock(s, &lock, e);

	return rc == RC_CONFLICT
	    ? err_set(e, rc, "Instance %s is running: stop it first", s->name)
	    : rc;
}

static enum rc
run_range_request(struct server *s, const struct args *a, struct err *e)
{
	AUTO(domain_client) master = NULL;
	AUTO(secret) token = NULL;
	AUTO(cfg) c = NULL;
	struct domain_client_params p = { .url = args_get(a, "master") };
	struct roots *roots = calloc(1, sizeof(*roots));
	struct keystore *ks;
	enum rc rc;

	if (roots == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	p.cas = roots->views;
	if (p.url == NULL)
		rc = err_set(e, RC_USAGE, "Missing master URL");
	else if ((rc = must_be_stopped(s, e)) == RC_OK &&
	    (rc = read_token(a, &token, e)) == RC_OK &&
	    (rc = server_cs(s, &c, s->sub, e)) == RC_OK &&
	    (rc = server_keystore(s, &ks, e)) == RC_OK)
		rc = keystore_each_cert(ks, NULL, add_root, roots, e);
	p.n_cas = roots->n;
	if (rc == RC_OK)
		rc = domain_client_new(&master, &p, e);
	for (size_t i = 0; rc == RC_OK && i < RANGE_KINDS; i++)
		rc = take_range(s, c, &numberings[i], master, token, e);
	domain_client_free(domain_client_steal(&master));
	for (size_t i = 0; i < roots->n; i++)
		buf_done(&roots->der[i]);
	free(roots);
	return rc;
}

/* ---- another generator ---- */

/* The store's part; *entries: this host's ranges as legacy2 has them. */
static enum rc
convert_store(struct server *s, const struct numbering *n,
    const struct range_state *st, json_t **entries, struct err *e)
{
	AUTO(cfg) c = NULL;
	AUTO_JSON args = NULL;
	char next[RANGE_TEXT_MAX];
	enum rc rc = server_cfg(s, &c, e);

	if (rc != RC_OK)
		return rc;
	snprintf(next, sizeof(next), "%" PRIu64, st->now.end + 1);
	args = json_pack("{s:s,s:s,s:s,s:s}", "kind", n->record, "host",
	    cfg_str(c, "host", "localhost"), "port",
	    cfg_str(c, "https.port", "8443"), "next", next);
	return server_call(s, "range-convert", args, entries, e);
}

/* A range of an entry reaches as far as the entry now says, unless its end was
 * moved down for a clone; the numbers between belong to nobody else. */
static void
widen(struct range_span *x, uint64_t increment, const json_t *entries)
{
	const json_t *one;
	size_t i;

	if (x->begin > x->end || x->end != x->begin + increment - 1)
		return;
	json_array_foreach(entries, i, one)
	{
		json_int_t begin =
		    json_integer_value(json_object_get(one, "begin"));
		json_int_t end =
		    json_integer_value(json_object_get(one, "end"));
		if ((uint64_t)begin == x->begin && (uint64_t)end > x->end) {
			x->end = (uint64_t)end;
			return;
		}
	}
}

static enum rc
to_legacy2(struct server *s, struct cfg *c, const struct numbering *n,
    const char *range_dn, struct err *e)
{
	AUTO_JSON entries = NULL;
	struct range_state st;
	enum rc rc = range_load(&st, c, n->kind, RANGE_LEGACY, e);

	if (rc != RC_OK ||
	    (rc = convert_store(s, n, &st, &entries, e)) != RC_OK)
		return rc;
	widen(&st.now, st.increment, entries);
	widen(&st.next, st.increment, entries);
	st.form = RANGE_LEGACY2;
	if ((rc = range_save_new(&st, c, s->sub, e)) != RC_OK ||
	    range_dn == NULL)
		return rc;
	return cfg_set(c,
	    n->kind == RANGE_SERIAL ? "dbs.serialRangeDN"
				    : "dbs.requestRangeDN",
	    range_dn, e);
}

static void
to_random(struct cfg *c, const struct numbering *n)
{
	range_remove(n->kind, c);
	if (n->kind != RANGE_SERIAL)
		return;
	cfg_del(c, "dbs.enableRandomSerialNumbers");
	cfg_del(c, "dbs.randomSerialNumberCounter");
}

static enum rc
run_generator_update(struct server *s, const struct args *a, struct err *e)
{
	const char *object = args_at(a, 0), *type = args_get(a, "type");
	const struct numbering *n = NULL;
	AUTO(cfg) c = NULL;
	char name[NAME_TEXT_MAX];
	const char *was;
	enum rc rc;

	for (size_t i = 0; i < SEQUENTIAL; i++)
		if (strcmp(object, setting_word(s, &numberings[i])) == 0)
			n = &numberings[i];
	if (n == NULL)
		return err_set(e, RC_USAGE, "Unsupported object: %s", object);
	if (type == NULL ||
	    (strcmp(type, "random") != 0 && strcmp(type, "legacy2") != 0))
		return err_set(e, RC_USAGE,
		    "Unsupported type: %s (legacy2 or random is possible)",
		    type != NULL ? type : "none");
	if ((rc = must_be_stopped(s, e)) != RC_OK ||
	    (rc = server_cs(s, &c, s->sub, e)) != RC_OK)
		return rc;
	was = generator(s, c, n);
	if (strcmp(was, type) == 0)
		return RC_OK;
	if (strcmp(was, "random") == 0)
		return err_set(e, RC_INVALID,
		    "The %s ID generator is random: ranges have no numbers "
		    "left to trust after it",
		    object);
	if (strcmp(type, "random") == 0)
		to_random(c, n);
	else if ((rc = to_legacy2(s, c, n, args_get(a, "range"), e)) != RC_OK)
		return rc;
	snprintf(name, sizeof(name), "dbs.%s.id.generator", object);
	if ((rc = cfg_set(c, name, type, e)) != RC_OK)
		return rc;
	return server_save_cs(s, s->sub, c, e);
}

/* ---- a restored instance ---- */

static enum rc
run_restore_accept(struct server *s, const struct args *a, struct err *e)
{
	AUTO(highwater) h = NULL;
	AUTO_FD lock = -1;
	char why[ERR_TEXT_MAX];
	enum rc rc = server_lock(s, &lock, e);

	(void)a;
	if (rc == RC_CONFLICT)
		rc = server_call(s, "restore-accept", NULL, NULL, e);
	else if (rc == RC_OK &&
	    (rc = highwater_open(&h, s->paths, s->sub, e)) == RC_OK &&
	    highwater_restored(h, why, sizeof(why)))
		rc = highwater_accept(h, e);
	if (rc == RC_OK && file_exists(s->paths->host))
		rc = server_give(s, s->paths->host, e);
	if (rc == RC_OK)
		out_framed("Instance %s may claim roles again", s->name);
	return rc;
}

static const struct opt request_opts[] = {
	SERVER_OPTS,
	OPT("master", "URL", "Master URL"),
	OPT_SECRET("session", "ID", "Session ID"),
	OPT("install-token", "file", "File with the install token"),
	OPT_END,
};
static const struct opt generator_opts[] = {
	SERVER_OPTS,
	OPT_LETTER("type", 't', "type", "Generator type: random, legacy2"),
	OPT_LETTER("range", 'r', "DN", "DN of the range subtree"),
	OPT_END,
};

const struct server_cmd server_range[] = {
	{ "range-show", "", "Show the number ranges", NULL, 0, 0,
	    run_range_show, NEED_SUBSYSTEM },
	{ "range-request", "", "Get ranges from a master", request_opts, 0, 0,
	    run_range_request, NEED_SUBSYSTEM },
	{ "range-update", "", "Set where the next ranges begin", NULL, 0, 0,
	    run_range_update, NEED_SUBSYSTEM },
	{ 0 },
};
const struct server_cmd server_generator[] = {
	{ "id-generator-show", "", "Show how numbers are made", NULL, 0, 0,
	    run_generator_show, NEED_SUBSYSTEM },
	{ "id-generator-update", "<object>",
	    "Change how numbers of an object (cert, request) are made",
	    generator_opts, 1, 1, run_generator_update, NEED_SUBSYSTEM },
	{ 0 },
};
const struct server_cmd server_restored[] = {
	{ "restore-accept", "",
	    "Let a restored or copied instance claim roles again", NULL, 0, 0,
	    run_restore_accept, NEED_SUBSYSTEM },
	{ 0 },
};
