/* SPDX-License-Identifier: Apache-2.0 */
/* acl.c - read and evaluate access control lists (spec ca 6.1).
 * Owns:    struct acl with its parsed entries.
 * Trusts:  the store for the text; the text itself is checked.
 * Threads: a struct acl is read-only after it was built. */
#include "auth/acl.h"

#include <string.h>
#include <strings.h>

#include "base/regex.h"

enum {
	ACL_TEXT_MAX = 8192,
	ACL_OPS_MAX = 16,
	ACL_RULES_MAX = 16
};

struct rule {
	bool deny;
	char *ops[ACL_OPS_MAX];
	size_t n_ops;
	char *expr;
};
struct entry {
	struct entry *next;
	char *text; /* all strings below point into it */
	char *resource;
	struct rule rules[ACL_RULES_MAX];
	size_t n_rules;
};
struct acl {
	struct entry *first;
};

void
acl_free(struct acl *a)
{
	if (a == NULL)
		return;
	while (a->first != NULL) {
		struct entry *x = a->first;
		a->first = x->next;
		free(x->text);
		free(x);
	}
	free(a);
}

/* Who may ask; shared by the terms of one expression. */
struct asker {
	const struct principal *p;
	const char *peer;
};

/* Is the term true? RC_INVALID for an address pattern that does not compile or
 * takes too long. */
static enum rc
term_value(const struct asker *w, const char *name, const char *value,
    bool *out, struct err *e)
{
	*out = false;
	if (strcasecmp(name, "ipaddress") == 0)
		return w->peer == NULL ? RC_OK
				       : regex_find(out, value, w->peer, e);
	if (strcasecmp(name, "group") == 0)
		*out = principal_in(w->p, value);
	if (strcasecmp(name, "user") != 0)
		return RC_OK; /* user_origreq and others: decided elsewhere */
	if (strcasecmp(value, "anybody") == 0)
		*out = true;
	else if (w->p != NULL)
		*out = strcasecmp(value, "everybody") == 0 ||
		    strcasecmp(value, w->p->uid) == 0;
	return RC_OK;
}

/* name="value" or name!="value" or name=value; s is changed. */
static enum rc
eval_term(const struct asker *w, char *s, bool *out, struct err *e)
{
	char *eq = strchr(s, '='), *value;
	bool negate = false;
	enum rc rc;
	size_t n;

	if (eq == NULL || eq == s)
		return err_set(e, RC_INVALID, "ACL: term without '='");
	value = text_trim(eq + 1);
	if (eq[-1] == '!') {
		negate = true;
		eq--;
	}
	*eq = '\0';
	n = strlen(value);
	if (n >= 2 && value[0] == '"' && value[n - 1] == '"') {
		value[n - 1] = '\0';
		value++;
	}
	rc = term_value(w, text_trim(s), value, out, e);
	*out = *out != negate;
	return rc == RC_OK ? RC_OK : err_prefix(e, "ACL: address");
}

/* Next "||" or "&&" outside quotes, or NULL. */
static char *
find_operator(char *s)
{
	bool quoted = false;

	for (; *s != '\0'; s++) {
		if (*s == '"')
			quoted = !quoted;
		else if (!quoted &&
		    ((s[0] == '|' && s[1] == '|') ||
			(s[0] == '&' && s[1] == '&')))
			return s;
	}
	return NULL;
}

/* Left to right without precedence, as the model evaluates it. */
static enum rc
eval(const struct asker *w, const char *expr, bool *out, struct err *e)
{
	AUTO_STR copy = strdup(expr);
	char *s = copy, *op;
	bool acc = false, first = true, is_and = false, v = false;
	enum rc rc;

	if (copy == NULL)
		return err_set(e, RC_NOMEM, "ACL");
	do {
		op = find_operator(s);
		char which = op != NULL ? *op : '\0';
		if (op != NULL)
			*op = '\0';
		rc = eval_term(w, text_trim(s), &v, e);
		if (rc != RC_OK)
			return rc;
		if (first)
			acc = v;
		else
			acc = is_and ? acc && v : acc || v;
		first = false;
		is_and = which == '&';
		if (op != NULL)
			s = op + 2;
	} while (op != NULL);
	*out = acc;
	return RC_OK;
}

enum rc
acl_eval(const char *expr, const struct principal *p, const char *peer,
    bool *out, struct err *e)
{
	struct asker w = { p, peer };

	return eval(&w, expr, out, e);
}

/* "allow (a,b) expr" */
static enum rc
parse_rule(struct rule *r, char *s, struct err *e)
{
	char *open = strchr(s, '('), *close;

	s = text_trim(s);
	if (strncasecmp(s, "allow", 5) == 0)
		r->deny = false;
	else if (strncasecmp(s, "deny", 4) == 0)
		r->deny = true;
	else
		return err_set(
		    e, RC_INVALID, "ACL: a rule begins with allow or deny");
	if (open == NULL || (close = strchr(open, ')')) == NULL)
		return err_set(e, RC_INVALID, "ACL: operations without ()");
	*close = '\0';
	r->n_ops = text_split(open + 1, ",", r->ops, ACL_OPS_MAX);
	r->expr = text_trim(close + 1);
	if (r->n_ops > ACL_OPS_MAX || r->expr[0] == '\0')
		return err_set(e, RC_INVALID, "ACL: rule without expression");
	return RC_OK;
}

static enum rc
parse_entry(struct entry *x, struct err *e)
{
	char *ops = strchr(x->text, ':'), *rules, *text, *one;
	enum rc rc;

	if (ops == NULL || (rules = strchr(ops + 1, ':')) == NULL)
		return err_set(e, RC_INVALID,
		    "ACL: not resource:operations:rules:description");
	*ops = '\0';
	*rules++ = '\0';
	x->resource = text_trim(x->text);
	text = strrchr(rules, ':');
	if (text != NULL)
		*text = '\0';
	while (rules != NULL) {
		one = rules;
		rules = strchr(rules, ';');
		if (rules != NULL)
			*rules++ = '\0';
		if (x->n_rules == ACL_RULES_MAX)
			return err_set(e, RC_TOOBIG, "ACL: more than %d rules",
			    ACL_RULES_MAX);
		rc = parse_rule(&x->rules[x->n_rules], one, e);
		if (rc != RC_OK)
			return rc;
		x->n_rules++;
	}
	return RC_OK;
}

enum rc
acl_add(struct acl **a, const char *text, struct err *e)
{
	struct entry *x;
	enum rc rc;

	if (strlen(text) > ACL_TEXT_MAX)
		return err_set(e, RC_TOOBIG, "ACL: longer than %d characters",
		    ACL_TEXT_MAX);
	if (*a == NULL && (*a = calloc(1, sizeof(**a))) == NULL)
		return err_set(e, RC_NOMEM, "ACL");
	x = calloc(1, sizeof(*x));
	if (x == NULL || (x->text = strdup(text)) == NULL) {
		free(x);
		return err_set(e, RC_NOMEM, "ACL");
	}
	rc = parse_entry(x, e);
	if (rc != RC_OK) {
		free(x->text);
		free(x);
		return rc;
	}
	x->next = (*a)->first;
	(*a)->first = x;
	return RC_OK;
}

enum rc
acl_load(struct acl **out, struct store *s, struct err *e)
{
	AUTO(acl) a = calloc(1, sizeof(*a));
	AUTO(rec) r = NULL;
	const struct rec_attr *v;
	enum rc rc;

	if (a == NULL)
		return err_set(e, RC_NOMEM, "ACL");
	rc = store_get(s, &r, REC_ACL, "aclResources", e);
	if (rc != RC_OK)
		return err_prefix(e, "aclResources");
	v = rec_attr(r, "resourceACLS");
	for (size_t i = 0; v != NULL && i < v->n; i++) {
		rc = acl_add(&a, (const char *)v->values[i].data, e);
		if (rc != RC_OK)
			return err_prefix(e, "aclResources: %.40s",
			    (const char *)v->values[i].data);
	}
	*out = acl_steal(&a);
	return RC_OK;
}

static bool
rule_names(const struct rule *r, const char *op)
{
	for (size_t i = 0; i < r->n_ops; i++) {
		if (strcmp(r->ops[i], op) == 0)
			return true;
	}
	return false;
}

/* Does the resource of an entry name this resource or an ancestor of it? */
static bool
covers(const char *entry, const char *resource)
{
	size_t n = strlen(entry);

	return strncmp(entry, resource, n) == 0 &&
	    (resource[n] == '\0' || resource[n] == '.');
}

enum rc
acl_check(const struct acl *a, const struct principal *p, const char *peer,
    const char *resource, const char *op, struct err *e)
{
	struct asker w = { p, peer };
	bool allowed = false, match = false;
	enum rc rc;

	for (const struct entry *x = a->first; x != NULL; x = x->next) {
		if (!covers(x->resource, resource))
			continue;
		for (size_t i = 0; i < x->n_rules; i++) {
			const struct rule *r = &x->rules[i];
			if (!rule_names(r, op))
				continue;
			rc = eval(&w, r->expr, &match, e);
			if (rc != RC_OK)
				return err_prefix(e, "%s", x->resource);
			if (match && r->deny)
				return err_set(e, RC_DENIED, "%s: %s is denied",
				    resource, op);
			allowed = allowed || match;
		}
	}
	if (allowed)
		return RC_OK;
	if (p == NULL)
		return err_set(
		    e, RC_AUTH, "%s: %s needs a log-in", resource, op);
	return err_set(e, RC_DENIED, "%s: %s is not allowed for %.64s",
	    resource, op, p->uid);
}
