/* SPDX-License-Identifier: Apache-2.0 */
/* pki_template.c - enrolment templates and searches as XML files.
 * Owns:    the JSON it hands out.
 * Trusts:  nothing in the file; no network, no entities.
 * Threads: none. */
#include "tools/pki_template.h"

#include "domain/xmlin.h"
#include "tools/pki_xml.h"

/* <Attributes><Attribute name="uid">u</Attribute></Attributes> */
static json_t *
attributes(xmlNode *n)
{
	json_t *list = json_array();

	for (xmlNode *c = n->children; c != NULL; c = c->next)
		if (xmlin_is(c, "Attribute")) {
			json_t *a = json_object();

			pki_xml_attr(a, "name", c, "name");
			json_object_set_new(a, "value", xmlin_text(c));
			json_array_append_new(list, a);
		}
	return json_pack("{s:o}", "Attribute", list);
}

static json_t *
request(xmlNode *root)
{
	json_t *o = json_object(), *inputs = json_array();

	for (xmlNode *c = root->children; c != NULL; c = c->next)
		if (xmlin_is(c, "Attributes"))
			json_object_set_new(o, "Attributes", attributes(c));
		else if (xmlin_is(c, "Input"))
			json_array_append_new(inputs, pki_xml_input(c));
		else if (xmlin_is(c, "Renewal"))
			json_object_set_new(o, "Renewal", pki_xml_bool(c));
		else if (c->type == XML_ELEMENT_NODE && !xmlin_is(c, "Output"))
			json_object_set_new(
			    o, (const char *)c->name, xmlin_text(c));
	json_object_set_new(o, "Input", inputs);
	return o;
}

/* Members of a search: "true" and "false" become booleans. */
static json_t *
search(xmlNode *root)
{
	json_t *o = json_object();

	for (xmlNode *c = root->children; c != NULL; c = c->next) {
		const char *s;
		json_t *v;

		if (c->type != XML_ELEMENT_NODE)
			continue;
		v = xmlin_text(c);
		s = json_string_value(v);
		if (s != NULL &&
		    (strcmp(s, "true") == 0 || strcmp(s, "false") == 0)) {
			json_decref(v);
			v = pki_xml_bool(c);
		}
		json_object_set_new(o, (const char *)c->name, v);
	}
	return o;
}

enum rc
template_parse_xml(json_t **out, struct view text, struct err *e)
{
	return pki_xml_parse(out, text, "CertEnrollmentRequest", request, e);
}

enum rc
template_load(json_t **out, const char *path, struct err *e)
{
	return pki_xml_load(out, path, "CertEnrollmentRequest", request, e);
}

enum rc
search_load(json_t **out, const char *path, struct err *e)
{
	return pki_xml_load(out, path, "CertSearchRequest", search, e);
}

/* ---- writing ---- */

static void
write_request(xmlTextWriter *w, const json_t *body)
{
	static const char *const plain[] = { "ProfileID", "Renewal",
		"SerialNumber", "RemoteHost", "RemoteAddress" };
	const json_t *in;
	size_t i;

	xmlTextWriterStartElement(w, (const xmlChar *)"CertEnrollmentRequest");
	xmlTextWriterWriteElement(w, (const xmlChar *)"Attributes", NULL);
	for (i = 0; i < sizeof(plain) / sizeof(*plain); i++)
		pki_xml_put(w, plain[i], json_object_get(body, plain[i]));
	json_array_foreach(json_object_get(body, "Input"), i, in)
	    pki_xml_put_input(w, in);
	xmlTextWriterEndElement(w);
}

enum rc
template_xml(struct buf *out, const json_t *body, struct err *e)
{
	return pki_xml_write(out, write_request, body, e);
}
