/* SPDX-License-Identifier: Apache-2.0 */
/* control.c - what pki-server asks a running CA through the control socket.
 * Owns:    nothing.
 * Trusts:  the socket's peer check (root or the instance's user).
 * Threads: the control thread. */
#include "ca/api.h"
#include "ca/connector.h"
#include "ca/records.h"

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

/* Changes that root or the instance's user makes are in the audit log too. */
static void
audit_change(struct ca *ca, const char *command, const json_t *args, bool ok)
{
	static const char *const names[] = { "id", "group", "serial", "host",
		"above" };
	AUTO_BUF b = buf_empty(4096);

	buf_addf(&b, "Scope;;pki-server+Operation;;%s", command);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *v =
		    json_string_value(json_object_get(args, names[i]));
		if (v != NULL)
			buf_addf(&b, "+%s;;%s", names[i], v);
	}
	rc_ignore(audit_event(ca->audit,
	    AUDIT_ENTRY("CONFIG_ROLE", NULL, ok,
		"role configuration parameter(s) change",
		{ "ParamNameValPairs", buf_cstr(&b) }),
	    NULL)); /* a failed audit log stops the CA in tick */
}

static enum rc
records(struct ca *ca, const char *command, const json_t *args, struct buf *out,
    struct err *e)
{
	bool wrote = false;
	enum rc rc = ca_records(ca->store, command, args, out, &wrote, e);

	if (wrote)
		audit_change(ca, command, args, rc == RC_OK);
	return rc;
}

static enum rc
restore_accept(struct ca *ca, const char *command, struct err *e)
{
	enum rc rc = highwater_accept(ca->sub->highwater, e);

	if (rc == RC_OK) { /* what the roles say of it is over */
		roles_follow(ca);
		(void)roles_tick(ca);
	}
	audit_change(ca, command, NULL, rc == RC_OK);
	if (rc == RC_OK)
		roles_follow(ca); /* they may be claimed now */
	return rc;
}

static enum rc
role_command(struct ca *ca, const char *command, const json_t *args,
    struct buf *out, struct err *e)
{
	json_t *list = NULL;
	enum rc rc = api_roles_control(ca, command, args, &list, e);

	if (strcmp(command, "role-list") != 0)
		audit_change(ca, command, args, rc == RC_OK);
	if (rc == RC_OK)
		put(out, list);
	return rc;
}

/* {host, port} as connector_remove_host wants it; one that is not there is out
 * already. */
static enum rc
forget_connector(void *arg, struct cfg *cs, struct err *e)
{
	const json_t *o = arg;
	enum rc rc = connector_remove_host(cs,
	    json_string_value(json_object_get(o, "host")),
	    json_string_value(json_object_get(o, "port")), e);

	return rc == RC_NOTFOUND ? RC_OK : rc;
}

/* What points to a host that has retired. */
static enum rc
clone_forget(struct ca *ca, json_t *args, struct buf *out, struct err *e)
{
	const char *host = json_string_value(json_object_get(args, "host")),
		   *port = json_string_value(json_object_get(args, "port"));
	AUTO_BUF address = buf_empty(1024);
	enum rc rc;

	if (host == NULL || port == NULL)
		return err_set(e, RC_USAGE, "host and port are needed");
	buf_addf(&address, "%s:%s", host, port);
	rc = buf_check(&address, e);
	if (rc == RC_OK)
		rc = api_roles_forget(ca, buf_cstr(&address), e);
	if (rc == RC_OK)
		rc = ca_connector_change(
		    ca, "$System$", "OP_DELETE", forget_connector, args, e);
	put(out, json_null());
	return rc;
}

static enum rc
clone_state(struct ca *ca, struct buf *out, struct err *e)
{
	json_t *o = NULL;
	enum rc rc = api_clone_state(ca, &o, e);

	if (rc == RC_OK)
		put(out, o);
	return rc;
}

enum rc
ca_control(struct subsystem *s, const char *command, struct view args,
    struct buf *out, struct err *e)
{
	struct ca *ca = s->self;
	json_t *o = json_loadb((const char *)args.data, args.len, 0, NULL);
	enum rc rc = RC_OK;

	if (strcmp(command, "crl-list") == 0)
		rc = crl_list(ca, out);
	else if (strcmp(command, "crl-update") == 0)
		rc = crl_update(ca, o, out, e);
	else if (text_starts(command, "role-"))
		rc = role_command(ca, command, o, out, e);
	else if (strcmp(command, "numbers") == 0)
		put(out, numbers_json(ca->numbers));
	else if (strcmp(command, "clone-forget") == 0)
		rc = clone_forget(ca, o, out, e);
	else if (strcmp(command, "clone-state") == 0)
		rc = clone_state(ca, out, e);
	else if (strcmp(command, "numbers-check") == 0)
		rc = ca_check_numbers(ca, e);
	else if (strcmp(command, "restore-accept") == 0)
		rc = restore_accept(ca, command, e);
	else
		rc = records(ca, command, o, out, e);
	json_decref(o);
	return rc;
}
