/* SPDX-License-Identifier: Apache-2.0 */
/* pki_template.c - enrolment templates as XML: read with libxml2, written with
 * its writer.
 * Owns:    the JSON it hands out.
 * Trusts:  nothing in the file; no network, no entities.
 * Threads: none. */
#include "tools/pki_template.h"

#include <libxml/xmlwriter.h>

#include "domain/xmlin.h"

static void
set_attr(json_t *o, const char *member, xmlNode *n, const char *attr)
{
	xmlChar *s = xmlGetProp(n, (const xmlChar *)attr);

	if (s != NULL)
		json_object_set_new(o, member, json_string((const char *)s));
	xmlFree(s);
}

/* Every child element as a member of the same name with its text. */
static json_t *
flat(xmlNode *n)
{
	json_t *o = json_object();

	for (xmlNode *c = n->children; c != NULL; c = c->next)
		if (c->type == XML_ELEMENT_NODE)
			json_object_set_new(
			    o, (const char *)c->name, xmlin_text(c));
	return o;
}

/* <Attribute name=""><Value/><Descriptor/></Attribute> of an input. */
static json_t *
input_attr(xmlNode *n)
{
	json_t *o = json_object();

	set_attr(o, "name", n, "name");
	for (xmlNode *c = n->children; c != NULL; c = c->next)
		if (xmlin_is(c, "Value"))
			json_object_set_new(o, "Value", xmlin_text(c));
		else if (xmlin_is(c, "Descriptor"))
			json_object_set_new(o, "Descriptor", flat(c));
	return o;
}

static json_t *
input(xmlNode *n)
{
	json_t *o = json_object(), *attrs = json_array();

	set_attr(o, "id", n, "id");
	json_object_set_new(o, "ConfigAttribute", json_array());
	for (xmlNode *c = n->children; c != NULL; c = c->next)
		if (xmlin_is(c, "Attribute"))
			json_array_append_new(attrs, input_attr(c));
		else if (c->type == XML_ELEMENT_NODE)
			json_object_set_new(
			    o, (const char *)c->name, xmlin_text(c));
	json_object_set_new(o, "Attribute", attrs);
	return o;
}

/* <Attributes><Attribute name="uid">u</Attribute></Attributes> */
static json_t *
attributes(xmlNode *n)
{
	json_t *list = json_array();

	for (xmlNode *c = n->children; c != NULL; c = c->next)
		if (xmlin_is(c, "Attribute")) {
			json_t *a = json_object();

			set_attr(a, "name", c, "name");
			json_object_set_new(a, "value", xmlin_text(c));
			json_array_append_new(list, a);
		}
	return json_pack("{s:o}", "Attribute", list);
}

static json_t *
request(xmlNode *root)
{
	json_t *o = json_object(), *inputs = json_array();

	for (xmlNode *c = root->children; c != NULL; c = c->next) {
		if (xmlin_is(c, "Attributes")) {
			json_object_set_new(o, "Attributes", attributes(c));
		} else if (xmlin_is(c, "Input")) {
			json_array_append_new(inputs, input(c));
		} else if (xmlin_is(c, "Renewal")) {
			xmlChar *s = xmlNodeGetContent(c);

			json_object_set_new(o, "Renewal",
			    json_boolean(s != NULL &&
				strcmp((const char *)s, "true") == 0));
			xmlFree(s);
		} else if (c->type == XML_ELEMENT_NODE &&
		    !xmlin_is(c, "Output")) {
			json_object_set_new(
			    o, (const char *)c->name, xmlin_text(c));
		}
	}
	json_object_set_new(o, "Input", inputs);
	return o;
}

/* Members of a search: "true" and "false" become booleans. */
static json_t *
search(xmlNode *root)
{
	json_t *o = json_object();

	for (xmlNode *c = root->children; c != NULL; c = c->next) {
		json_t *v;

		if (c->type != XML_ELEMENT_NODE)
			continue;
		v = xmlin_text(c);
		if (v != NULL && strcmp(json_string_value(v), "true") == 0) {
			json_decref(v);
			v = json_true();
		} else if (v != NULL &&
		    strcmp(json_string_value(v), "false") == 0) {
			json_decref(v);
			v = json_false();
		}
		json_object_set_new(o, (const char *)c->name, v);
	}
	return o;
}

static enum rc
parse_xml(json_t **out, struct view text, const char *root_name,
    json_t *(*read)(xmlNode *), struct err *e)
{
	xmlDoc *doc;
	xmlNode *root;
	enum rc rc = xmlin_parse(&doc, &root, text, "template", e);

	if (rc != RC_OK)
		return rc;
	if (!xmlin_is(root, root_name))
		rc = err_set(e, RC_INVALID, "template: no %s", root_name);
	else
		*out = read(root);
	xmlFreeDoc(doc);
	return rc;
}

static enum rc
load(json_t **out, const char *path, const char *root_name,
    json_t *(*read)(xmlNode *), struct err *e)
{
	AUTO_BUF text = buf_empty(0);
	enum rc rc = out_read(&text, path, e);
	size_t skip;

	if (rc != RC_OK)
		return rc;
	skip = strspn(buf_cstr(&text), " \t\r\n");
	if (skip < text.len && text.data[skip] == '<') {
		rc = parse_xml(out, view_of(text.data + skip, text.len - skip),
		    root_name, read, e);
		if (rc != RC_OK)
			rc_ignore(err_prefix(e, "%s", path));
		return rc;
	}
	*out = json_loadb((const char *)text.data, text.len, 0, NULL);
	if (!json_is_object(*out)) {
		json_decref(*out);
		*out = NULL;
		return err_set(
		    e, RC_INVALID, "%s: neither XML nor a JSON object", path);
	}
	return RC_OK;
}

enum rc
template_parse_xml(json_t **out, struct view text, struct err *e)
{
	return parse_xml(out, text, "CertEnrollmentRequest", request, e);
}

enum rc
template_load(json_t **out, const char *path, struct err *e)
{
	return load(out, path, "CertEnrollmentRequest", request, e);
}

enum rc
search_load(json_t **out, const char *path, struct err *e)
{
	return load(out, path, "CertSearchRequest", search, e);
}

/* ---- writing ---- */

static const xmlChar *
x(const char *s)
{
	return (const xmlChar *)s;
}

static void
element(xmlTextWriter *w, const char *name, const json_t *v)
{
	if (json_is_boolean(v))
		xmlTextWriterWriteElement(
		    w, x(name), x(json_is_true(v) ? "true" : "false"));
	else if (json_is_string(v))
		xmlTextWriterWriteElement(w, x(name), x(json_string_value(v)));
}

static void
write_attr(xmlTextWriter *w, const json_t *attr)
{
	const json_t *d = json_object_get(attr, "Descriptor");
	static const char *const parts[] = { "Syntax", "Constraint",
		"Description", "DefaultValue" };

	xmlTextWriterStartElement(w, x("Attribute"));
	if (json_str(attr, "name") != NULL)
		xmlTextWriterWriteAttribute(
		    w, x("name"), x(json_str(attr, "name")));
	element(w, "Value", json_object_get(attr, "Value"));
	if (d != NULL) {
		xmlTextWriterStartElement(w, x("Descriptor"));
		for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
			element(w, parts[i], json_object_get(d, parts[i]));
		xmlTextWriterEndElement(w);
	}
	xmlTextWriterEndElement(w);
}

static void
write_request(xmlTextWriter *w, const json_t *body)
{
	static const char *const plain[] = { "ProfileID", "Renewal",
		"SerialNumber", "RemoteHost", "RemoteAddress" };
	const json_t *in, *attr;
	size_t i, k;

	xmlTextWriterSetIndent(w, 1);
	xmlTextWriterSetIndentString(w, x("    "));
	xmlTextWriterStartDocument(w, NULL, "UTF-8", "yes");
	xmlTextWriterStartElement(w, x("CertEnrollmentRequest"));
	xmlTextWriterWriteElement(w, x("Attributes"), NULL);
	for (i = 0; i < sizeof(plain) / sizeof(*plain); i++)
		element(w, plain[i], json_object_get(body, plain[i]));
	json_array_foreach(json_object_get(body, "Input"), i, in)
	{
		xmlTextWriterStartElement(w, x("Input"));
		if (json_str(in, "id") != NULL)
			xmlTextWriterWriteAttribute(
			    w, x("id"), x(json_str(in, "id")));
		element(w, "ClassID", json_object_get(in, "ClassID"));
		element(w, "Name", json_object_get(in, "Name"));
		json_array_foreach(json_object_get(in, "Attribute"), k, attr)
		    write_attr(w, attr);
		xmlTextWriterEndElement(w);
	}
	xmlTextWriterEndElement(w);
	xmlTextWriterEndDocument(w);
}

enum rc
template_xml(struct buf *out, const json_t *body, struct err *e)
{
	xmlBuffer *b = xmlBufferCreate();
	xmlTextWriter *w = b != NULL ? xmlNewTextWriterMemory(b, 0) : NULL;

	if (w == NULL) {
		xmlBufferFree(b);
		return err_set(e, RC_NOMEM, "out of memory");
	}
	write_request(w, body);
	xmlFreeTextWriter(w);
	buf_add(out, xmlBufferContent(b), (size_t)xmlBufferLength(b));
	xmlBufferFree(b);
	return buf_check(out, e);
}
