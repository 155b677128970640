/* SPDX-License-Identifier: Apache-2.0 */
/* domain_records.c - sd-* commands of the control socket.
 * Owns:    nothing.
 * Trusts:  its callers for authorisation; checks every value.
 * Threads: any. */
#include "ca/domain_records.h"

#include "auth/user.h"
#include "domain/domain_host.h"

static const char *
text(const json_t *o, const char *name)
{
	return json_string_value(json_object_get(o, name));
}

static bool
add_row(void *list, const struct domain_host *h)
{
	AUTO_BUF id = buf_empty(0);
	json_t *o;

	domain_host_id(&id, h);
	o = json_pack("{s:s,s:s,s:i,s:b,s:b}", "id", buf_cstr(&id), "hostname",
	    h->name, "securePort", h->secure, "manager", h->manager, "clone",
	    h->clone);
	if (h->plain > 0)
		json_object_set_new(o, "port", json_integer(h->plain));
	json_array_append_new(list, o);
	return true;
}

static enum rc
find(struct store *s, const json_t *args, struct buf *out, struct err *e)
{
	json_auto_t *list = json_array();
	enum rc rc = domain_host_each(s, add_row, list, e);
	char *dump = rc == RC_OK ? json_dumps(list, JSON_COMPACT) : NULL;

	(void)args;
	buf_add_str(out, dump != NULL ? dump : "null");
	free(dump);
	return rc;
}

static enum rc
set_port(int *out, const json_t *args, const char *name, struct err *e)
{
	const char *v = text(args, name);
	int64_t n;
	enum rc rc;

	if (v == NULL)
		return RC_OK;
	if ((rc = text_int(&n, v, 1, 65535, e)) != RC_OK)
		return err_prefix(e, "%s", name);
	*out = (int)n;
	return RC_OK;
}

/* The id as pki securitydomain-host-add has it, and what options say instead
 * of its parts. */
static enum rc
add(struct store *s, const json_t *args, struct buf *out, struct err *e)
{
	const char *type = text(args, "subsystem"),
		   *name = text(args, "hostname"), *id = text(args, "id");
	struct domain_host h;
	enum rc rc;

	if ((rc = domain_host_parse(&h, id, e)) != RC_OK ||
	    (rc = set_port(&h.plain, args, "port", e)) != RC_OK ||
	    (rc = set_port(&h.secure, args, "securePort", e)) != RC_OK)
		return rc;
	h.agent = h.admin = h.client_auth = h.secure;
	if ((type != NULL && strlen(type) >= sizeof(h.type)) ||
	    (name != NULL && strlen(name) >= sizeof(h.name)) ||
	    strlen(id) >= sizeof(h.label))
		return err_set(e, RC_INVALID, "Invalid host ID: too long");
	if (type != NULL)
		snprintf(h.type, sizeof(h.type), "%s", type);
	if (name != NULL)
		snprintf(h.name, sizeof(h.name), "%s", name);
	snprintf(h.label, sizeof(h.label), "%s", id);
	h.manager = json_is_true(json_object_get(args, "manager"));
	h.clone = json_is_true(json_object_get(args, "clone"));
	buf_add_str(out, "null");
	return domain_host_put(s, &h, e);
}

static enum rc
del(struct store *s, const json_t *args, struct buf *out, struct err *e)
{
	AUTO_BUF uid = buf_empty(0);
	struct domain_host h;
	enum rc rc = domain_host_parse(&h, text(args, "id"), e);

	if (rc != RC_OK)
		return rc;
	domain_host_user(&uid, &h);
	rc = user_delete(s, buf_cstr(&uid), e);
	if (rc != RC_OK && rc != RC_NOTFOUND)
		return rc;
	buf_add_str(out, "null");
	return domain_host_delete(s, &h, e);
}

enum rc
ca_domain_records(struct store *s, const char *command, const json_t *args,
    struct buf *out, bool *wrote, struct err *e)
{
	static const struct {
		const char *name;
		bool writes;
		enum rc (*run)(struct store *s, const json_t *args,
		    struct buf *out, struct err *e);
	} commands[] = {
		{ "sd-find", false, find },
		{ "sd-add", true, add },
		{ "sd-del", true, del },
	};

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (strcmp(commands[i].name, command) == 0) {
			*wrote = commands[i].writes;
			return commands[i].run(s, args, out, e);
		}
	}
	return err_set(e, RC_UNSUPPORTED, "unknown command %.64s", command);
}
