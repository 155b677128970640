/* SPDX-License-Identifier: Apache-2.0 */
/* api_roles.c - roles as others see them: GET roles, metrics, and the commands
 * behind pki-server ca-promote and ca-demote.
 * Owns:    nothing.
 * Trusts:  the control socket's peer check for the commands; the list is open to
 *          anybody, as the domain's list of hosts is.
 * Threads: workers; the control thread. */
#include "base/log.h"
#include "ca/api.h"
#include "instance/metrics.h"

#define HOST_SETTING "role.host."

/* --- the list ------------------------------------------------------------ */

static const char *
state(struct ca *ca, const struct role *r)
{
	if (r->holds)
		return r->wish ? "held" : "off";
	if (!r->has_holder)
		return "nobody";
	if (r->holder.by.host_id == ca->roles.self.host_id)
		return "released";
	return "clone";
}

/* What the role itself has to say, or where it is on its way or split. */
static void
note_of(struct ca *ca, const struct role *r, char out[ERR_TEXT_MAX],
    const char *successor)
{
	if (r->note[0] != '\0')
		(void)snprintf(out, ERR_TEXT_MAX, "%s", r->note);
	else if (successor[0] != '\0')
		(void)snprintf(out, ERR_TEXT_MAX,
		    "given to %.150s, which has not taken it", successor);
	else
		roles_split(ca, r, out);
}

static json_t *
role_json(struct ca *ca, const struct role *r)
{
	char number[NUM_TEXT_MAX], date[CLOCK_TEXT_MAX], note[ERR_TEXT_MAX],
	    successor[CLAIM_ADDRESS_MAX] = "";
	json_t *o;

	if (r->released_to != 0)
		roles_address(ca, r->released_to, successor);
	note_of(ca, r, note, successor);
	o = json_pack("{s:s,s:s,s:b,s:s}", "role", r->name, "state",
	    state(ca, r), "wish", r->wish, "note", note);

	if (o == NULL || !r->has_holder)
		return o;
	json_object_set_new(o, "holder",
	    json_sprintf("%s:%d", r->holder.by.host, r->holder.by.port));
	json_object_set_new(
	    o, "hostId", json_sprintf("%04x", (unsigned)r->holder.by.host_id));
	if (successor[0] != '\0')
		json_object_set_new(o, "releasedTo", json_string(successor));
	json_object_set_new(o, "claim", json_string(r->holder.id));
	json_object_set_new(
	    o, "kind", json_string(claim_kind_text(r->holder.kind)));
	json_object_set_new(
	    o, "number", json_string(num_0x(number, &r->holder.number)));
	json_object_set_new(
	    o, "since", json_string(clock_text_iso(date, r->holder.made)));
	json_object_set_new(o, "why", json_string(r->holder.why));
	return o;
}

json_t *
api_roles_json(struct ca *ca)
{
	json_t *list = json_array();
	struct role r;

	for (size_t i = 0; roles_at(ca, i, &r); i++)
		json_array_append_new(list, role_json(ca, &r));
	return json_pack("{s:o,s:s,s:o}", "entries", list, "self",
	    ca->roles.self.host, "selfId",
	    json_sprintf("%04x", (unsigned)ca->roles.self.host_id));
}

static void
get_roles(struct http_call *c)
{
	api_json(c, 200, api_roles_json(api_ca(c)));
}

static const struct http_route items[] = {
	{ HTTP_GET, "roles", get_roles, HTTP_READ, 0, 0 },
};
const struct api_routes api_role_routes = { items,
	sizeof(items) / sizeof(items[0]) };

static void
add_role(struct buf *b, const char *what, const char *role, bool on)
{
	buf_addf(b, "pki_ca_role_%s{", what);
	metric_label(b, "role", role);
	buf_addf(b, "} %d\n", on ? 1 : 0);
}

void
api_roles_metrics(struct ca *ca, struct buf *b)
{
	struct role r;

	metric_head(
	    b, "pki_ca_role_held", "gauge", "1 when this host holds the role");
	for (size_t i = 0; roles_at(ca, i, &r); i++)
		add_role(b, "held", r.name, r.holds);
	metric_head(b, "pki_ca_role_claimed", "gauge",
	    "1 when some host holds the role");
	for (size_t i = 0; roles_at(ca, i, &r); i++)
		add_role(b, "claimed", r.name, r.has_holder);
	metric_head(b, "pki_ca_role_claim_info", "gauge",
	    "the greatest claim of the role and whose it is");
	for (size_t i = 0; roles_at(ca, i, &r); i++) {
		char holder[CLAIM_ADDRESS_MAX + 8];
		if (!r.has_holder)
			continue;
		snprintf(holder, sizeof(holder), "%s:%d", r.holder.by.host,
		    r.holder.by.port);
		buf_add_str(b, "pki_ca_role_claim_info{");
		metric_label(b, "role", r.name);
		buf_add_char(b, ',');
		metric_label(b, "claim", r.holder.id);
		buf_add_char(b, ',');
		metric_label(b, "holder", holder);
		buf_add_str(b, "} 1\n");
	}
	metric_head(b, "pki_ca_crl_next_update_seconds", "gauge",
	    "time when the newest list ends, in seconds since 1970");
	for (size_t i = 0; i < ca->n_points; i++) {
		struct issuing_point_status st;

		issuing_point_status(ca->points[i], &st);
		buf_add_str(b, "pki_ca_crl_next_update_seconds{");
		metric_label(b, "point", ca->point_ids[i]);
		buf_addf(b, "} %lld\n", (long long)st.next_update);
	}
}

/* --- which host has which id -------------------------------------------- */

enum rc
roles_publish_address(struct ca *ca, struct err *e)
{
	char id[64], address[CLAIM_ADDRESS_MAX];
	AUTO(batch) b = batch_new();
	AUTO(rec) old = NULL;
	struct rec *fresh;
	enum rc rc;

	(void)snprintf(id, sizeof(id), HOST_SETTING "%04x",
	    (unsigned)ca->roles.self.host_id);
	(void)snprintf(address, sizeof(address), "%s:%d", ca->roles.self.host,
	    ca->roles.self.port);
	rc = store_get(ca->store, &old, REC_SETTING, id, e);
	if (rc != RC_OK && rc != RC_NOTFOUND)
		return rc;
	if (old != NULL && rec_has(old, "signetValue", address))
		return RC_OK;
	if (b == NULL)
		return err_set(e, RC_NOMEM, "roles");
	if (old != NULL) {
		batch_modify(b, REC_SETTING, id);
		batch_mod_str(b, MOD_REPLACE, "signetValue", address);
	} else {
		fresh = rec_new(REC_SETTING, id);
		if (fresh == NULL)
			return err_set(e, RC_NOMEM, "roles");
		rec_add_str(fresh, "signetValue", address);
		rec_add_date(fresh, "dateOfCreate", clock_now(ca->clock));
		batch_add(b, fresh);
	}
	return store_commit(ca->store, b, e);
}

void
roles_address(struct ca *ca, uint16_t id, char out[CLAIM_ADDRESS_MAX])
{
	AUTO(rec) r = NULL;
	char name[64];

	(void)snprintf(name, sizeof(name), HOST_SETTING "%04x", (unsigned)id);
	out[0] = '\0';
	if (store_get(ca->store, &r, REC_SETTING, name, NULL) == RC_OK &&
	    rec_str(r, "signetValue") != NULL)
		(void)snprintf(
		    out, CLAIM_ADDRESS_MAX, "%s", rec_str(r, "signetValue"));
}

struct finding {
	const char *address;
	int64_t id;
};

static bool
find_address(void *arg, const struct rec *r)
{
	struct finding *f = arg;
	struct num n;

	if (!text_starts(r->id, HOST_SETTING) ||
	    !rec_has(r, "signetValue", f->address) ||
	    num_parse(&n, r->id + sizeof(HOST_SETTING) - 1, true, NULL) !=
		RC_OK ||
	    n.len > 2)
		return true;
	f->id = n.len == 2 ? n.b[0] << 8 | n.b[1] : n.b[0];
	return false;
}

enum rc
roles_host_id(struct ca *ca, const char *address, uint16_t *out, struct err *e)
{
	struct query q = { .kind = REC_SETTING };
	struct finding f = { address, 0 };
	enum rc rc;

	if (address == NULL)
		return err_set(e, RC_INVALID, "no host given");
	rc = store_search(ca->store, &q, find_address, &f, e);
	if (rc != RC_OK)
		return rc;
	if (f.id == 0)
		return err_set(e, RC_NOTFOUND,
		    "%.100s: no CA of this directory says that it is there",
		    address);
	if (f.id == ca->roles.self.host_id)
		return err_set(
		    e, RC_INVALID, "%.100s is this instance", address);
	*out = (uint16_t)f.id;
	return RC_OK;
}

struct stale {
	const char *address;
	const struct ca *ca;
	struct batch *b;
	bool any;
};

static bool
drop_address(void *arg, const struct rec *r)
{
	struct stale *x = arg;
	char own[64];

	(void)snprintf(own, sizeof(own), HOST_SETTING "%04x",
	    (unsigned)x->ca->roles.self.host_id);
	if (text_starts(r->id, HOST_SETTING) && strcmp(r->id, own) != 0 &&
	    rec_has(r, "signetValue", x->address)) {
		batch_delete(x->b, REC_SETTING, r->id);
		x->any = true;
	}
	return true;
}

enum rc
api_roles_forget(struct ca *ca, const char *address, struct err *e)
{
	AUTO(batch) b = batch_new();
	struct query q = { .kind = REC_SETTING };
	struct stale x = { address, ca, b, false };
	enum rc rc;

	if (b == NULL)
		return err_set(e, RC_NOMEM, "roles");
	rc = store_search(ca->store, &q, drop_address, &x, e);
	return rc == RC_OK && x.any ? store_commit(ca->store, b, e) : rc;
}

/* --- commands ------------------------------------------------------------ */

static enum rc
give(struct ca *ca, const json_t *args, struct err *e)
{
	uint16_t to = 0;
	enum rc rc = roles_host_id(
	    ca, json_string_value(json_object_get(args, "host")), &to, e);

	return rc == RC_OK ? roles_give(ca, to, e) : rc;
}

static enum rc
take(struct ca *ca, const json_t *args, struct err *e)
{
	const char *text = json_string_value(json_object_get(args, "above"));
	struct num above;
	enum rc rc;

	if (text == NULL)
		return roles_take(ca, NULL, e);
	if ((rc = num_parse(&above, text, false, e)) != RC_OK)
		return err_prefix(e, "--above");
	return roles_take(ca, &above, e);
}

enum rc
api_roles_control(struct ca *ca, const char *command, const json_t *args,
    json_t **out, struct err *e)
{
	enum rc rc = RC_OK;

	if (!ca->roles.running)
		return err_set(e, RC_UNSUPPORTED, "this CA has no roles");
	if (strcmp(command, "role-ask") == 0)
		rc = roles_ask(ca, e);
	else if (strcmp(command, "role-withdraw") == 0)
		rc = roles_withdraw(ca, e);
	else if (strcmp(command, "role-take") == 0)
		rc = take(ca, args, e);
	else if (strcmp(command, "role-give") == 0)
		rc = give(ca, args, e);
	else if (strcmp(command, "role-list") != 0)
		return err_set(e, RC_UNSUPPORTED, "%.64s: unknown", command);
	if (rc == RC_OK)
		*out = api_roles_json(ca);
	instance_wake(ca->instance);
	return rc;
}
