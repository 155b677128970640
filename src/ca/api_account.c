/* SPDX-License-Identifier: Apache-2.0 */
/* api_account.c - account/login and account/logout, info (spec ca 1.5).
 * Owns:    nothing.
 * Trusts:  api_caller.
 * Threads: workers. */
#include "ca/api.h"
#include "x509/name.h"

static void
login(struct http_call *c)
{
	AUTO(principal) p = NULL;
	struct err e = { RC_OK, "" };
	json_t *roles, *o;

	if (!api_enter(c, "certServer.ca.account", "login", &p))
		return;
	if (p == NULL) {
		err_set(&e, RC_AUTH, "Anonymous access not allowed.");
		if (c->peer_cert_error != NULL)
			rc_ignore(err_prefix(
			    &e, "client certificate: %s", c->peer_cert_error));
		else if (c->peer_cert.len > 0)
			err_set(&e, RC_AUTH,
			    "no user holds this client certificate");
		api_fail(c, RC_AUTH, &e);
		return;
	}
	if (api_session(c, p) == NULL) {
		err_set(&e, RC_UNAVAILABLE, "no session could be made");
		api_fail(c, RC_UNAVAILABLE, &e);
		return;
	}
	roles = json_array();
	for (char **g = p->groups; g != NULL && *g != NULL; g++)
		json_array_append_new(roles, json_string(*g));
	o = json_pack("{s:s,s:s,s:s*,s:o,s:o}", "id", p->uid, "FullName",
	    p->full_name, "Email", p->email, "Roles", roles, "Attributes",
	    api_attributes());
	api_json(c, 200, o);
}

static void
logout(struct http_call *c)
{
	api_session_close(c);
	http_reply(c, 204, NULL, view_of(NULL, 0));
}

static const struct http_route account_items[] = {
	{ HTTP_GET, "account/login", login, HTTP_ADMIN, HTTP_TLS_ONLY, 0 },
	{ HTTP_GET, "account/logout", logout, HTTP_ADMIN, HTTP_TLS_ONLY, 0 },
};
const struct api_routes api_account_routes = { account_items,
	sizeof(account_items) / sizeof(account_items[0]) };

static void
get_info(struct http_call *c)
{
	api_json(c, 200, json_pack("{s:o}", "Attributes", api_attributes()));
}

static void
get_signing(struct http_call *c)
{
	struct ca *ca = api_ca(c);
	struct cert_rec r = { .serial = ca->signing.cert.serial,
		.der = ca->signing.cert.der,
		.not_before = ca->signing.cert.not_before,
		.not_after = ca->signing.cert.not_after,
		.subject = buf_cstr(&ca->issuer_text),
		.issuer = buf_cstr(&ca->issuer_text) };
	const char *has = http_header(c, "If-None-Match");
	char hex[NUM_TEXT_MAX], tag[96];
	AUTO_BUF issuer = buf_empty(0);
	struct err e = { RC_OK, "" };
	json_t *o = NULL;
	enum rc rc;

	rc = name_text(&issuer, ca->signing.cert.issuer, &e);
	r.issuer = buf_cstr(&issuer);
	if (rc == RC_OK)
		rc = api_cert_data(c, &r, false, &o, &e);
	if (rc != RC_OK) {
		api_fail(c, rc, &e);
		return;
	}
	/* two certificates of one serial number differ in their end */
	snprintf(tag, sizeof(tag), "\"%.64s-%llx\"",
	    num_hex(hex, &ca->signing.cert.serial),
	    (unsigned long long)ca->signing.cert.not_after);
	http_reply_header(c, "ETag", tag);
	http_reply_header(c, "Cache-control", "no-transform, max-age=1000");
	if (has != NULL && strstr(has, tag) != NULL) {
		json_decref(o);
		http_reply(c, 304, NULL, view_of(NULL, 0));
		return;
	}
	api_json(c, 200, o);
}

static json_t *
authority_feature(void)
{
	return json_pack("{s:s,s:s,s:s,s:b}", "id", "authority", "description",
	    "Lightweight CAs", "version", "1.0", "enabled", 0);
}

static void
get_features(struct http_call *c)
{
	api_json(c, 200, json_pack("[o]", authority_feature()));
}

static void
get_feature(struct http_call *c)
{
	const char *id = http_param(c, "id");

	if (id != NULL && strcmp(id, "authority") == 0)
		api_json(c, 200, authority_feature());
	else
		api_error(c, 404, NULL, "Feature not found");
}

static const struct http_route info_items[] = {
	{ HTTP_GET, "info", get_info, HTTP_INLINE, 0, 0 },
	{ HTTP_GET, "config/cert/signing", get_signing, HTTP_READ, 0, 0 },
	{ HTTP_GET, "config/features", get_features, HTTP_INLINE, 0, 0 },
	{ HTTP_GET, "config/features/{id}", get_feature, HTTP_INLINE, 0, 0 },
};
const struct api_routes api_info_routes = { info_items,
	sizeof(info_items) / sizeof(info_items[0]) };
