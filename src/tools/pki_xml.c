/* SPDX-License-Identifier: Apache-2.0 */
/* pki_xml.c - parts of the client's XML files: read with libxml2, written with
 * its writer.
 * Owns:    the JSON it hands out.
 * Trusts:  nothing in a file; no network, no entities.
 * Threads: none. */
#include "tools/pki_xml.h"

#include "domain/xmlin.h"

void
pki_xml_attr(json_t *o, const char *member, xmlNode *n, const char *attr)
{
	xmlChar *s = xmlGetProp(n, (const xmlChar *)attr);

	if (s != NULL)
		json_object_set_new(o, member, json_string((const char *)s));
	xmlFree(s);
}

json_t *
pki_xml_flat(xmlNode *n)
{
	json_t *o = json_object();

	for (xmlNode *c = n->children; c != NULL; c = c->next)
		if (c->type == XML_ELEMENT_NODE)
			json_object_set_new(
			    o, (const char *)c->name, xmlin_text(c));
	return o;
}

json_t *
pki_xml_bool(xmlNode *n)
{
	xmlChar *s = xmlNodeGetContent(n);
	json_t *v =
	    json_boolean(s != NULL && strcmp((const char *)s, "true") == 0);

	xmlFree(s);
	return v;
}

/* <Attribute name=""><Value/><Descriptor/></Attribute> */
static json_t *
input_attr(xmlNode *n)
{
	json_t *o = json_object();

	pki_xml_attr(o, "name", n, "name");
	for (xmlNode *c = n->children; c != NULL; c = c->next)
		if (xmlin_is(c, "Value"))
			json_object_set_new(o, "Value", xmlin_text(c));
		else if (xmlin_is(c, "Descriptor"))
			json_object_set_new(o, "Descriptor", pki_xml_flat(c));
	return o;
}

json_t *
pki_xml_input(xmlNode *n)
{
	json_t *o = json_object(), *attrs = json_array();

	pki_xml_attr(o, "id", n, "id");
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

enum rc
pki_xml_parse(json_t **out, struct view text, const char *root_name,
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

enum rc
pki_xml_load(json_t **out, const char *path, const char *root_name,
    json_t *(*read)(xmlNode *), struct err *e)
{
	AUTO_BUF text = buf_empty(0);
	enum rc rc = out_read(&text, path, e);
	size_t skip;

	if (rc != RC_OK)
		return rc;
	skip = strspn(buf_cstr(&text), " \t\r\n");
	if (skip < text.len && text.data[skip] == '<') {
		rc = pki_xml_parse(out,
		    view_of(text.data + skip, text.len - skip), root_name, read,
		    e);
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

/* ---- writing ---- */

static const xmlChar *
x(const char *s)
{
	return (const xmlChar *)s;
}

void
pki_xml_put(xmlTextWriter *w, const char *name, const json_t *v)
{
	if (json_is_boolean(v))
		xmlTextWriterWriteElement(
		    w, x(name), x(json_is_true(v) ? "true" : "false"));
	else if (json_is_string(v))
		xmlTextWriterWriteElement(w, x(name), x(json_string_value(v)));
}

void
pki_xml_begin(xmlTextWriter *w, const char *tag, const char *name,
    const json_t *o, const char *member)
{
	xmlTextWriterStartElement(w, x(tag));
	if (json_str(o, member) != NULL)
		xmlTextWriterWriteAttribute(w, x(name), x(json_str(o, member)));
}

void
pki_xml_put_descriptor(xmlTextWriter *w, const char *tag, const json_t *d)
{
	static const char *const parts[] = { "Syntax", "Constraint",
		"Description", "DefaultValue" };

	if (d == NULL)
		return;
	xmlTextWriterStartElement(w, x(tag));
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		pki_xml_put(w, parts[i], json_object_get(d, parts[i]));
	xmlTextWriterEndElement(w);
}

void
pki_xml_put_input(xmlTextWriter *w, const json_t *in)
{
	const json_t *attr;
	size_t k;

	pki_xml_begin(w, "Input", "id", in, "id");
	pki_xml_put(w, "ClassID", json_object_get(in, "ClassID"));
	pki_xml_put(w, "Name", json_object_get(in, "Name"));
	json_array_foreach(json_object_get(in, "Attribute"), k, attr)
	{
		pki_xml_begin(w, "Attribute", "name", attr, "name");
		pki_xml_put(w, "Value", json_object_get(attr, "Value"));
		pki_xml_put_descriptor(
		    w, "Descriptor", json_object_get(attr, "Descriptor"));
		xmlTextWriterEndElement(w);
	}
	xmlTextWriterEndElement(w);
}

enum rc
pki_xml_write(struct buf *out, void (*write)(xmlTextWriter *w, const json_t *o),
    const json_t *o, struct err *e)
{
	xmlBuffer *b = xmlBufferCreate();
	xmlTextWriter *w = b != NULL ? xmlNewTextWriterMemory(b, 0) : NULL;

	if (w == NULL) {
		xmlBufferFree(b);
		return err_set(e, RC_NOMEM, "out of memory");
	}
	xmlTextWriterSetIndent(w, 1);
	xmlTextWriterSetIndentString(w, x("    "));
	xmlTextWriterStartDocument(w, NULL, "UTF-8", "yes");
	write(w, o);
	xmlTextWriterEndDocument(w);
	xmlFreeTextWriter(w);
	buf_add(out, xmlBufferContent(b), (size_t)xmlBufferLength(b));
	xmlBufferFree(b);
	return buf_check(out, e);
}
