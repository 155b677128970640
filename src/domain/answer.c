/* SPDX-License-Identifier: Apache-2.0 */
/* answer.c - form posts to servlets; answers in JSON or XML.
 * Owns:    the JSON it hands out.
 * Trusts:  nothing of the server; no entities, no network.
 * Threads: any. */
#include "domain/answer.h"

#include "domain/xmlin.h"
#include "http/client.h"

void
form_add(struct buf *form, const char *name, const char *value)
{
	if (value == NULL)
		return;
	buf_addf(form, "%s%s=", form->len > 0 ? "&" : "", name);
	http_url_encode(form, view_str(value));
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
			name = xmlin_text(c);
		else if (value == NULL)
			value = xmlin_text(c);
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
		if (xmlin_is(c, "Config")) {
			if (config == NULL) {
				config = json_object();
				json_object_set_new(o, "Config", config);
			}
			add_config(config, c);
		} else {
			json_object_set_new(
			    o, (const char *)c->name, xmlin_text(c));
		}
	}
	return o;
}

/* <xml><header> of the templates, else the root itself. */
static xmlNode *
interesting(xmlNode *root)
{
	if (!xmlin_is(root, "xml"))
		return root;
	for (xmlNode *c = root->children; c != NULL; c = c->next)
		if (xmlin_is(c, "header"))
			return c;
	return root;
}

enum rc
answer_parse(json_t **out, struct view body, struct err *e)
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
	if ((rc = xmlin_parse(&doc, &root, body, "answer", e)) != RC_OK)
		return rc;
	*out = members(interesting(root));
	xmlFreeDoc(doc);
	return RC_OK;
}

const char *
answer_text(const json_t *answer, const char *name)
{
	return json_string_value(json_object_get(answer, name));
}

enum rc
answer_status(const json_t *answer, struct err *e)
{
	const char *status = answer_text(answer, "Status");
	const char *why = answer_text(answer, "Error");

	if (status == NULL || strcmp(status, "0") == 0)
		return RC_OK;
	return err_set(e, strcmp(status, "2") == 0 ? RC_AUTH : RC_INVALID, "%s",
	    why != NULL ? why : "The server gave no reason");
}
