/* SPDX-License-Identifier: Apache-2.0 */
/* pki_profile_xml.c - a profile as XML:
 *
 *   <Profile id=""><classId/><name/>...
 *     <Input/>... <Output id=""><name/><classId/><attributes name=""/></Output>
 *     <PolicySets><PolicySet><id/><value id="1">
 *       <def id="NAME" classId=""><description/><policyAttribute name=""/>
 *         <params name=""><value/></params></def>
 *       <constraint id="NAME"><description/><classId/>
 *         <constraint id=""><descriptor/><value/></constraint></constraint>
 *     </value>...</PolicySet></PolicySets></Profile>
 *
 * Owns:    the JSON it hands out.
 * Trusts:  nothing in the file; no network, no entities.
 * Threads: none. */
#include "tools/pki_profile_xml.h"

#include "domain/xmlin.h"
#include "tools/pki_xml.h"

/* ---- reading ---- */

static bool
is_switch(const xmlNode *n)
{
	return xmlin_is(n, "enabled") || xmlin_is(n, "visible") ||
	    xmlin_is(n, "renewal");
}

/* <TAG name=""><Descriptor/></TAG>: an attribute of an output or a default. */
static json_t *
described(xmlNode *n)
{
	json_t *o = json_object();

	pki_xml_attr(o, "name", n, "name");
	for (xmlNode *c = n->children; c != NULL; c = c->next)
		if (xmlin_is(c, "Descriptor"))
			json_object_set_new(o, "Descriptor", pki_xml_flat(c));
	return o;
}

static json_t *
output(xmlNode *n)
{
	json_t *o = json_object(), *attrs = json_array();

	pki_xml_attr(o, "id", n, "id");
	for (xmlNode *c = n->children; c != NULL; c = c->next)
		if (xmlin_is(c, "attributes"))
			json_array_append_new(attrs, described(c));
		else if (c->type == XML_ELEMENT_NODE)
			json_object_set_new(
			    o, (const char *)c->name, xmlin_text(c));
	json_object_set_new(o, "attributes", attrs);
	return o;
}

/* <params name=""><value/></params>, <constraint id=""><value/></constraint> */
static json_t *
valued(xmlNode *n, const char *name)
{
	json_t *o = json_object();

	pki_xml_attr(o, "name", n, name);
	for (xmlNode *c = n->children; c != NULL; c = c->next)
		if (xmlin_is(c, "value"))
			json_object_set_new(o, "value", xmlin_text(c));
		else if (xmlin_is(c, "descriptor"))
			json_object_set_new(o, "descriptor", pki_xml_flat(c));
	return o;
}

static json_t *
policy_default(xmlNode *n)
{
	json_t *o = json_object(), *attrs = json_array(),
	       *params = json_array();

	pki_xml_attr(o, "name", n, "id");
	pki_xml_attr(o, "classId", n, "classId");
	for (xmlNode *c = n->children; c != NULL; c = c->next)
		if (xmlin_is(c, "description"))
			json_object_set_new(o, "text", xmlin_text(c));
		else if (xmlin_is(c, "policyAttribute"))
			json_array_append_new(attrs, described(c));
		else if (xmlin_is(c, "params"))
			json_array_append_new(params, valued(c, "name"));
	json_object_set_new(o, "attributes", attrs);
	json_object_set_new(o, "params", params);
	return o;
}

static json_t *
policy_constraint(xmlNode *n)
{
	json_t *o = json_object(), *list = json_array();

	pki_xml_attr(o, "name", n, "id");
	for (xmlNode *c = n->children; c != NULL; c = c->next)
		if (xmlin_is(c, "description"))
			json_object_set_new(o, "text", xmlin_text(c));
		else if (xmlin_is(c, "classId"))
			json_object_set_new(o, "classId", xmlin_text(c));
		else if (xmlin_is(c, "constraint"))
			json_array_append_new(list, valued(c, "id"));
	json_object_set_new(o, "constraints", list);
	return o;
}

static json_t *
policy(xmlNode *n)
{
	json_t *o = json_object();

	pki_xml_attr(o, "id", n, "id");
	for (xmlNode *c = n->children; c != NULL; c = c->next)
		if (xmlin_is(c, "def"))
			json_object_set_new(o, "def", policy_default(c));
		else if (xmlin_is(c, "constraint"))
			json_object_set_new(
			    o, "constraint", policy_constraint(c));
	return o;
}

/* <PolicySet><id/><value/>...</PolicySet> as a member of sets. */
static void
add_set(json_t *sets, xmlNode *n)
{
	json_t *list = json_array();
	xmlChar *id = NULL;

	for (xmlNode *c = n->children; c != NULL; c = c->next)
		if (xmlin_is(c, "id") && id == NULL)
			id = xmlNodeGetContent(c);
		else if (xmlin_is(c, "value"))
			json_array_append_new(list, policy(c));
	if (id != NULL)
		json_object_set_new(sets, (const char *)id, list);
	else
		json_decref(list);
	xmlFree(id);
}

static json_t *
profile(xmlNode *root)
{
	json_t *o = json_object(), *inputs = json_array(),
	       *outputs = json_array(), *sets = json_object();

	pki_xml_attr(o, "id", root, "id");
	for (xmlNode *c = root->children; c != NULL; c = c->next)
		if (xmlin_is(c, "Input"))
			json_array_append_new(inputs, pki_xml_input(c));
		else if (xmlin_is(c, "Output"))
			json_array_append_new(outputs, output(c));
		else if (xmlin_is(c, "PolicySets")) {
			for (xmlNode *s = c->children; s != NULL; s = s->next)
				if (xmlin_is(s, "PolicySet"))
					add_set(sets, s);
		} else if (xmlin_is(c, "xmlOutput"))
			json_object_set_new(o, "xmloutput", pki_xml_bool(c));
		else if (is_switch(c))
			json_object_set_new(
			    o, (const char *)c->name, pki_xml_bool(c));
		else if (c->type == XML_ELEMENT_NODE &&
		    !xmlin_is(c, "Attributes"))
			json_object_set_new(
			    o, (const char *)c->name, xmlin_text(c));
	json_object_set_new(o, "inputs", inputs);
	json_object_set_new(o, "outputs", outputs);
	json_object_set_new(o, "policySets", sets);
	return o;
}

enum rc
profile_parse_xml(json_t **out, struct view text, struct err *e)
{
	return pki_xml_parse(out, text, "Profile", profile, e);
}

enum rc
profile_load(json_t **out, const char *path, struct err *e)
{
	return pki_xml_load(out, path, "Profile", profile, e);
}

/* ---- writing ---- */

static void
begin(xmlTextWriter *w, const char *tag)
{
	xmlTextWriterStartElement(w, (const xmlChar *)tag);
}

static void
put(xmlTextWriter *w, const char *tag, const json_t *o, const char *member)
{
	pki_xml_put(w, tag, json_object_get(o, member));
}

/* An array of {name, Descriptor} as <TAG name=""><Descriptor/></TAG>. */
static void
put_described(xmlTextWriter *w, const char *tag, const json_t *list)
{
	const json_t *o;
	size_t i;

	json_array_foreach(list, i, o)
	{
		pki_xml_begin(w, tag, "name", o, "name");
		pki_xml_put_descriptor(
		    w, "Descriptor", json_object_get(o, "Descriptor"));
		xmlTextWriterEndElement(w);
	}
}

/* An array of {name, descriptor, value} as <TAG NAME=""><descriptor/><value/>
 * </TAG>. */
static void
put_valued(
    xmlTextWriter *w, const char *tag, const char *name, const json_t *list)
{
	const json_t *o;
	size_t i;

	json_array_foreach(list, i, o)
	{
		pki_xml_begin(w, tag, name, o, "name");
		pki_xml_put_descriptor(
		    w, "descriptor", json_object_get(o, "descriptor"));
		put(w, "value", o, "value");
		xmlTextWriterEndElement(w);
	}
}

static void
put_policy(xmlTextWriter *w, const json_t *p)
{
	const json_t *d = json_object_get(p, "def"),
		     *c = json_object_get(p, "constraint");

	pki_xml_begin(w, "value", "id", p, "id");
	pki_xml_begin(w, "def", "id", d, "name");
	if (json_str(d, "classId") != NULL)
		xmlTextWriterWriteAttribute(w, (const xmlChar *)"classId",
		    (const xmlChar *)json_str(d, "classId"));
	put(w, "description", d, "text");
	put_described(w, "policyAttribute", json_object_get(d, "attributes"));
	put_valued(w, "params", "name", json_object_get(d, "params"));
	xmlTextWriterEndElement(w);
	pki_xml_begin(w, "constraint", "id", c, "name");
	put(w, "description", c, "text");
	put(w, "classId", c, "classId");
	put_valued(w, "constraint", "id", json_object_get(c, "constraints"));
	xmlTextWriterEndElement(w);
	xmlTextWriterEndElement(w);
}

static void
put_sets(xmlTextWriter *w, json_t *sets)
{
	const json_t *p;
	const char *id;
	json_t *list;
	size_t i;

	begin(w, "PolicySets");
	json_object_foreach(sets, id, list)
	{
		begin(w, "PolicySet");
		xmlTextWriterWriteElement(
		    w, (const xmlChar *)"id", (const xmlChar *)id);
		json_array_foreach(list, i, p) put_policy(w, p);
		xmlTextWriterEndElement(w);
	}
	xmlTextWriterEndElement(w);
}

static void
write_profile(xmlTextWriter *w, const json_t *o)
{
	static const char *const plain[] = { "classId", "name", "description",
		"enabled", "visible", "enabledBy", "authenticatorId",
		"authzAcl", "renewal" };
	const json_t *part;
	size_t i;

	pki_xml_begin(w, "Profile", "id", o, "id");
	for (i = 0; i < sizeof(plain) / sizeof(*plain); i++)
		put(w, plain[i], o, plain[i]);
	put(w, "xmlOutput", o, "xmloutput");
	json_array_foreach(json_object_get(o, "inputs"), i, part)
	    pki_xml_put_input(w, part);
	json_array_foreach(json_object_get(o, "outputs"), i, part)
	{
		pki_xml_begin(w, "Output", "id", part, "id");
		put(w, "name", part, "name");
		put(w, "classId", part, "classId");
		put_described(
		    w, "attributes", json_object_get(part, "attributes"));
		xmlTextWriterEndElement(w);
	}
	put_sets(w, json_object_get(o, "policySets"));
	xmlTextWriterEndElement(w);
}

enum rc
profile_xml(struct buf *out, const json_t *p, struct err *e)
{
	return pki_xml_write(out, write_profile, p, e);
}
