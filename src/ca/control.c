/* SPDX-License-Identifier: Apache-2.0 */
/* control.c - what pki-server asks a running CA through the control socket.
 * Owns:    nothing.
 * Trusts:  the socket's peer check (root or the instance's user).
 * Threads: the control thread. */
#include "ca/api.h"

static void
put(struct buf *out, json_t *o)
{
	char *s = json_dumps(o, JSON_COMPACT);

	buf_add_str(out, s != NULL ? s : "null");
	free(s);
	json_decref(o);
}

static json_t *
point_json(struct ca *ca, size_t i)
{
	struct issuing_point_status st;
	char hex[NUM_TEXT_MAX];

	issuing_point_status(ca->points[i], &st);
	return json_pack("{s:s,s:b,s:s,s:I,s:I,s:I,s:I,s:s}", "id",
	    ca->point_ids[i], "enabled", st.enabled, "number",
	    num_0x(hex, &st.number), "size", (json_int_t)st.count, "revoked",
	    (json_int_t)st.revoked, "thisUpdate", (json_int_t)st.this_update,
	    "nextUpdate", (json_int_t)st.next_update, "failure", st.failure);
}

static enum rc
crl_list(struct ca *ca, struct buf *out)
{
	json_t *list = json_array();

	for (size_t i = 0; i < ca->n_points; i++)
		json_array_append_new(list, point_json(ca, i));
	put(out, list);
	return RC_OK;
}

static enum rc
crl_update(struct ca *ca, const json_t *args, struct buf *out, struct err *e)
{
	static const struct generate_options force = { .force = true,
		.sigalg = SIGALG_COUNT };
	const char *id = json_string_value(json_object_get(args, "id"));
	size_t i = ca_point_find(ca, id != NULL ? id : "MasterCRL");
	enum rc rc;

	if (i == SIZE_MAX)
		return err_set(
		    e, RC_NOTFOUND, "no CRL issuing point %.64s", id);
	rc = ca_crl_generate(ca, i, &force, e);
	if (rc == RC_OK)
		put(out, point_json(ca, i));
	return rc;
}

struct found {
	json_t *list;
	struct err *e;
	enum rc rc;
};

static bool
add_cert(void *arg, const struct rec *r)
{
	struct found *f = arg;
	AUTO(arena) a = arena_new(0);
	struct cert_rec c;
	char hex[NUM_TEXT_MAX];

	f->rc = a != NULL ? cert_rec_decode(&c, r, a, f->e) : RC_NOMEM;
	if (f->rc != RC_OK)
		return false;
	json_t *o = json_pack("{s:s,s:s*,s:s*,s:s,s:I,s:I,s:I,s:s*}", "serial",
	    num_0x(hex, &c.serial), "subject", c.subject, "issuer", c.issuer,
	    "status", cert_status_text(c.status), "notBefore",
	    (json_int_t)c.not_before, "notAfter", (json_int_t)c.not_after,
	    "issuedOn", (json_int_t)c.created, "issuedBy", c.issued_by);
	if (c.revoked) {
		json_object_set_new(o, "revokedOn", json_integer(c.rev.date));
		if (c.rev.by != NULL)
			json_object_set_new(
			    o, "revokedBy", json_string(c.rev.by));
	}
	json_array_append_new(f->list, o);
	return true;
}

static enum rc
cert_find(struct ca *ca, const json_t *args, struct buf *out, struct err *e)
{
	const char *status = json_string_value(json_object_get(args, "status"));
	AUTO_BUF f = buf_empty(1024);
	struct found x = { json_array(), e, RC_OK };
	struct query q = { .kind = REC_CERT };
	enum rc rc;

	if (status != NULL) {
		buf_add_str(&f, "(certStatus=");
		filter_escape(&f, view_str(status));
		buf_add_char(&f, ')');
		q.filter = buf_cstr(&f);
	}
	rc = store_search(ca->store, &q, add_cert, &x, e);
	if (rc == RC_OK)
		rc = x.rc;
	if (rc == RC_OK)
		put(out, x.list);
	else
		json_decref(x.list);
	return rc;
}

enum rc
ca_control(struct subsystem *s, const char *command, struct view args,
    struct buf *out, struct err *e)
{
	struct ca *ca = s->self;
	json_t *o = json_loadb((const char *)args.data, args.len, 0, NULL);
	enum rc rc;

	if (strcmp(command, "crl-list") == 0)
		rc = crl_list(ca, out);
	else if (strcmp(command, "crl-update") == 0)
		rc = crl_update(ca, o, out, e);
	else if (strcmp(command, "cert-find") == 0)
		rc = cert_find(ca, o, out, e);
	else
		rc = err_set(
		    e, RC_UNSUPPORTED, "unknown command ca.%.64s", command);
	json_decref(o);
	return rc;
}
