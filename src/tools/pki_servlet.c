/* SPDX-License-Identifier: Apache-2.0 */
/* pki_servlet.c - form posts to servlets; answers in JSON or XML.
 * Owns:    the JSON it hands out.
 * Trusts:  nothing of the server; no entities, no network.
 * Threads: none. */
#include "tools/pki_servlet.h"

#include "tools/pki_xml.h"

void
form_add(struct buf *form, const char *name, const char *value)
{
	if (value == NULL)
		return;
	buf_addf(form, "%s%s=", form->len > 0 ? "&" : "", name);
	http_url_encode(form, view_str(value));
}

enum rc
form_add_session(struct buf *form, const struct args *a, struct err *e)
{
	AUTO(secret) token = NULL;
	enum rc rc;

	form_add(form, "sessionID", args_get(a, "session"));
	if (!args_has(a, "install-token"))
		return RC_OK;
	rc = secret_read_file(&token, args_get(a, "install-token"), e);
	if (rc == RC_OK)
		form_add(form, "sessionID", secret_cstr(token));
	return rc;
}

/* <Config><name/><value/></Config> into config. */
static void
add_config(json_t *config, xmlNode *n)
{
	json_t *name = NULL, *value = NULL;

	for (xmlNode *c = n->children; c != NULL; c = c->next) {
		if (c->type != XML_ELEMENT_NODE)
			continue;
		if (strcmp((const char *)c->name, "name") == 0 && name == NULL)
			name = xml_text(c);
		else if (value == NULL)
			value = xml_text(c);
	}
	if (name != NULL && value != NULL)
		json_object_set(config, json_string_value(name), value);
	json_decref(name);
	json_decref(value);
}

static json_t *
members(xmlNode *root)
{
	json_t *o = json_object(), *config = NULL;

	for (xmlNode *c = root->children; c != NULL; c = c->next) {
		if (c->type != XML_ELEMENT_NODE)
			continue;
		if (xml_is(c, "Config")) {
			if (config == NULL) {
				config = json_object();
				json_object_set_new(o, "Config", config);
			}
			add_config(config, c);
		} else {
			json_object_set_new(
			    o, (const char *)c->name, xml_text(c));
		}
	}
	return o;
}

/* <xml><header> of the templates, else the root itself. */
static xmlNode *
interesting(xmlNode *root)
{
	if (!xml_is(root, "xml"))
		return root;
	for (xmlNode *c = root->children; c != NULL; c = c->next)
		if (xml_is(c, "header"))
			return c;
	return root;
}

enum rc
servlet_parse(json_t **out, struct view body, struct err *e)
{
	json_t *o = json_loadb((const char *)body.data, body.len, 0, NULL);
	json_t *inner = json_object_get(o, "Response");
	xmlDoc *doc;
	xmlNode *root;
	enum rc rc;

	if (o != NULL) {
		*out = json_incref(json_is_object(inner) ? inner : o);
		json_decref(o);
		return RC_OK;
	}
	if ((rc = xml_parse(&doc, &root, body, "answer", e)) != RC_OK)
		return rc;
	*out = members(interesting(root));
	xmlFreeDoc(doc);
	return RC_OK;
}

enum rc
servlet_post(struct pki *p, const char *path, const struct buf *form,
    json_t **out, struct err *e)
{
	AUTO_BUF reply = buf_empty(0);
	AUTO_JSON o = NULL;
	const char *text;
	int status = 0;
	enum rc rc = buf_check(form, e);

	if (rc != RC_OK)
		return rc;
	rc = rest_raw(p,
	    &(struct rest_call){ .method = "POST",
		.path = path,
		.type = "application/x-www-form-urlencoded",
		.accept = "application/json, application/xml",
		.body = buf_view(form) },
	    &reply, &status, e);
	if (rc != RC_OK)
		return rc;
	rc = servlet_parse(&o, buf_view(&reply), e);
	if (status != 200 && rc != RC_OK)
		return err_set(e, status == 404 ? RC_NOTFOUND : RC_INTERNAL,
		    "%s: HTTP status %d", path, status);
	if (rc != RC_OK)
		return rc;
	text = json_str(o, "Status");
	if (text != NULL && strcmp(text, "0") != 0) {
		const char *why = json_str(o, "Error");

		return err_set(e, RC_INVALID, "%s",
		    why != NULL ? why : "The server gave no reason");
	}
	*out = json_incref(o);
	return RC_OK;
}
