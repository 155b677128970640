/* SPDX-License-Identifier: Apache-2.0 */
/* engine.c - run a profile over a submission (spec profiles 4, 17).
 * Owns:    nothing; see engine.h.
 * Trusts:  the profile's structure and the environment, not the submission.
 * Threads: every call has one request and one template; profiles are shared. */
#include "profile/engine.h"

#include "profile/input.h"
#include "profile/subject.h"
#include "x509/crmf.h"
#include "x509/name.h"

static const uint8_t EMPTY_NAME[] = { 0x30, 0x00 };

/* --- are all parts there? -------------------------------------------------------- */

static enum rc
absent(const struct profile *p, const char *class_id, const char *why,
    struct err *e)
{
	return err_set(e, RC_UNSUPPORTED, "profile %s: plug-in %s: %s", p->id,
	    class_id, why);
}

static enum rc
policy_present(
    const struct profile *p, const struct profile_policy *pol, struct err *e)
{
	if (pol->def_cls == NULL)
		return absent(p, pol->def.class_id, "unknown", e);
	if (pol->def_cls->missing != NULL)
		return absent(p, pol->def.class_id, pol->def_cls->missing, e);
	if (pol->con_cls == NULL)
		return absent(p, pol->con.class_id, "unknown", e);
	if (pol->con_cls->missing != NULL)
		return absent(p, pol->con.class_id, pol->con_cls->missing, e);
	return RC_OK;
}

enum rc
profile_check_present(const struct profile *p, struct err *e)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; i < p->n_inputs; i++) {
		const struct profile_input *in = &p->inputs[i];

		if (in->cls == NULL)
			return absent(p, in->part.class_id, "unknown", e);
		if (in->cls->missing != NULL)
			return absent(
			    p, in->part.class_id, in->cls->missing, e);
	}
	for (size_t i = 0; i < p->n_outputs; i++)
		if (p->outputs[i].cls == NULL)
			return absent(
			    p, p->outputs[i].part.class_id, "unknown", e);
	for (size_t i = 0; i < p->n_updaters; i++)
		if (strcmp(p->updaters[i].class_id,
			"subsystemGroupUpdaterImpl") != 0)
			return absent(p, p->updaters[i].class_id, "unknown", e);
	for (size_t s = 0; s < p->n_sets; s++)
		for (size_t i = 0; rc == RC_OK && i < p->sets[s].n_policies;
		     i++)
			rc = policy_present(p, &p->sets[s].policies[i], e);
	return rc;
}

enum rc
profile_check_plugins(const struct profile *p, struct err *e)
{
	enum rc rc = profile_check_present(p, e);

	for (size_t s = 0; s < p->n_sets; s++)
		for (size_t i = 0; rc == RC_OK && i < p->sets[s].n_policies;
		     i++) {
			const struct profile_policy *pol =
			    &p->sets[s].policies[i];

			if (pol->def_cls->check != NULL)
				rc = pol->def_cls->check(&pol->def, e);
			if (rc == RC_OK && pol->con_cls->check != NULL)
				rc = pol->con_cls->check(&pol->con, e);
			if (rc != RC_OK)
				return err_prefix(e,
					   "profile %s: policyset.%s.%s", p->id,
					   p->sets[s].id, pol->id),
				       rc;
		}
	return rc;
}

/* --- the submission --------------------------------------------------------------- */

bool
profile_declares(
    const struct profile *p, const struct profile_env *env, const char *name)
{
	AUTO(arena) a = arena_new(0);
	struct profile_value_desc d;

	if (a == NULL)
		return false;
	for (size_t i = 0; i < p->n_inputs; i++)
		for (size_t k = 0;
		     profile_input_value(&p->inputs[i], env, k, &d, a); k++)
			if (text_ieq(d.name, name))
				return true;
	return false;
}

enum rc
profile_count(const struct profile *p, const struct profile_submission *s,
    size_t *n, struct err *e)
{
	AUTO(arena) a = arena_new(0);
	AUTO_BUF der = buf_empty(0);
	struct crmf_msg msgs[CRMF_MSGS_MAX];
	const char *type = s->get(s->arg, "cert_request_type");
	const char *text = s->get(s->arg, "cert_request");
	size_t count;
	enum rc rc;

	if (a == NULL)
		return err_set(e, RC_NOMEM, "profile: out of memory");
	if (type == NULL || text == NULL || !text_ieq(type, "crmf") ||
	    !profile_declares(p, NULL, "cert_request")) {
		*n = 1;
		return RC_OK;
	}
	rc = input_decode(&der, text, e);
	if (rc == RC_OK)
		rc = crmf_parse(
		    msgs, CRMF_MSGS_MAX, &count, buf_view(&der), a, e);
	if (rc == RC_OK && count > p->n_sets)
		rc = err_set(e, RC_NOTFOUND, "Policy Set Not Found");
	if (rc == RC_OK)
		*n = count;
	return rc;
}

/* Stores one submitted value. */
static enum rc
copy_value(
    struct profile_run *r, const char *name, const char *value, struct err *e)
{
	AUTO_BUF b = buf_empty(NAME_DER_MAX);
	enum rc rc;

	/* a renewal brings the values of the original request: escaped then */
	if (strncasecmp(name, "sn_", strlen("sn_")) != 0 ||
	    strcmp(r->req->type, "renewal") == 0) {
		run_put(r, name, value);
		return RC_OK;
	}
	name_escape(&b, view_str(value));
	rc = buf_check(&b, e);
	if (rc == RC_OK)
		run_put(r, name, buf_cstr(&b));
	return rc;
}

enum rc
profile_begin(const struct profile *p, const struct profile_env *env,
    const struct profile_submission *s, size_t seq, struct request_rec *r,
    struct err *e)
{
	AUTO(arena) a = arena_new(0);
	struct profile_run run = { .p = p, .env = env, .req = r };
	struct profile_value_desc d;
	char text[24];
	enum rc rc = profile_check_present(p, e);

	if (rc != RC_OK)
		return rc;
	if (a == NULL)
		return err_set(e, RC_NOMEM, "profile: out of memory");
	if (!p->renewal && seq >= p->n_sets)
		return err_set(e, RC_NOTFOUND, "Policy Set Not Found");
	run_put(&run, "profile", "true");
	run_put(&run, "profileId", p->id);
	if (!p->renewal)
		run_put(&run, "profileSetId", p->sets[seq].id);
	snprintf(text, sizeof(text), "%zu", seq);
	run_put(&run, "req_seq_num", text);
	for (size_t i = 0; i < p->n_inputs; i++)
		for (size_t k = 0; rc == RC_OK &&
		     profile_input_value(&p->inputs[i], env, k, &d, a);
		     k++) {
			const char *v = s->get(s->arg, d.name);

			if (v != NULL && v[0] != '\0')
				rc = copy_value(&run, d.name, v, e);
		}
	if (rc == RC_OK && r->failed != RC_OK)
		rc = err_set(e, r->failed, "request record");
	return rc;
}

/* --- defaults and constraints --------------------------------------------------------- */

static enum rc
run_init(struct profile_run *run, const struct profile *p,
    const struct profile_env *env, struct request_rec *r,
    struct cert_template *t, struct err *e)
{
	const char *set;

	*run = (struct profile_run){ p, NULL, env, r, t, t->exts.arena };
	set = run_get(run, "profileSetId");
	run->set = set != NULL ? profile_set_find(p, set) : NULL;
	if (run->set == NULL)
		return err_set(e, RC_NOTFOUND, "Policy Set Not Found");
	return profile_check_present(p, e);
}

static enum rc
preset(struct profile_run *run, struct err *e)
{
	struct cert_template *t = run->t;

	t->version = 2;
	t->serial = num_from_u64(0);
	t->sigalg = run->env->ca_sigalg;
	t->issuer = run->env->ca_subject;
	if (t->subject.len == 0)
		t->subject = view_of(EMPTY_NAME, sizeof(EMPTY_NAME));
	t->not_before = t->not_after = run->env->now;
	if (run->p->default_subject[0] == '\0')
		return RC_OK;
	return subject_set_text(run, run->p->default_subject, e);
}

enum rc
profile_populate(const struct profile *p, const struct profile_env *env,
    struct request_rec *r, struct cert_template *t, struct err *e)
{
	struct profile_run run;
	enum rc rc = run_init(&run, p, env, r, t, e);

	if (rc == RC_OK)
		rc = preset(&run, e);
	for (size_t i = 0; rc == RC_OK && i < p->n_inputs; i++)
		if (p->inputs[i].cls->populate != NULL)
			rc = p->inputs[i].cls->populate(
			    &run, &p->inputs[i].part, e);
	for (size_t i = 0; rc == RC_OK && i < run.set->n_policies; i++) {
		const struct profile_policy *pol = &run.set->policies[i];

		rc = pol->def_cls->populate(&run, &pol->def, e);
		if (rc != RC_OK && rc != RC_DENIED)
			return err_prefix(e, "policy %s", pol->id), rc;
	}
	if (rc == RC_OK && r->failed != RC_OK)
		rc = err_set(e, r->failed, "request record");
	return rc;
}

enum rc
profile_validate(const struct profile *p, const struct profile_env *env,
    struct request_rec *r, struct cert_template *t, struct err *e)
{
	struct profile_run run;
	enum rc rc = run_init(&run, p, env, r, t, e);

	for (size_t i = 0; rc == RC_OK && i < run.set->n_policies; i++) {
		const struct profile_policy *pol = &run.set->policies[i];

		rc = pol->con_cls->validate(&run, &pol->con, e);
		if (rc != RC_OK && rc != RC_DENIED)
			return err_prefix(e, "policy %s", pol->id), rc;
	}
	return rc;
}

/* --- what is shown ------------------------------------------------------------------------ */

static bool
table_value(const struct profile_value_desc *v, size_t i,
    struct profile_value_desc *out)
{
	if (v == NULL)
		return false;
	for (size_t k = 0; v[k].name != NULL; k++)
		if (k == i) {
			*out = v[k];
			return true;
		}
	return false;
}

bool
profile_input_value(const struct profile_input *in,
    const struct profile_env *env, size_t i, struct profile_value_desc *out,
    struct arena *a)
{
	if (in->cls == NULL)
		return false;
	if (in->cls->value != NULL)
		return in->cls->value(&in->part, env, i, out, a);
	return table_value(in->cls->values, i, out);
}

bool
profile_output_value(
    const struct profile_output *o, size_t i, struct profile_value_desc *out)
{
	return o->cls != NULL && table_value(o->cls->values, i, out);
}

/* The algorithms the CA's key can sign with, as a choice. */
static const char *
alg_choice(const struct profile_env *env, struct arena *a)
{
	AUTO_BUF b = buf_empty(0);

	for (size_t i = 0; i < env->n_sigalgs; i++) {
		if (i > 0)
			buf_add_char(&b, ',');
		buf_add_str(&b, sigalg_name(env->sigalgs[i]));
	}
	return arena_str(a, buf_cstr(&b));
}

bool
profile_default_value(const struct profile_policy *pol,
    const struct profile_env *env, size_t i, struct profile_value_desc *out,
    struct arena *a)
{
	if (pol->def_cls == NULL || !table_value(pol->def_cls->values, i, out))
		return false;
	if (env != NULL && strcmp(out->name, "signingAlg") == 0)
		out->constraint = alg_choice(env, a);
	return true;
}

bool
profile_constraint_param(const struct profile_policy *pol, size_t i,
    struct profile_value_desc *out, const char **value)
{
	if (pol->con_cls == NULL || !table_value(pol->con_cls->params, i, out))
		return false;
	*value = part_param(&pol->con, out->name, "");
	return true;
}

const char *
profile_default_text(const struct profile_policy *pol)
{
	return pol->def_cls != NULL ? pol->def_cls->text : "";
}

const char *
profile_constraint_text(const struct profile_policy *pol)
{
	return pol->con_cls != NULL ? pol->con_cls->text : "";
}

const char *
profile_output_text(const struct profile_output *o)
{
	return o->cls != NULL ? o->cls->text : "";
}

/* --- review --------------------------------------------------------------------------------- */

static const struct profile_value_desc *
value_find(const struct profile_policy *pol, const char *name)
{
	const struct profile_value_desc *v =
	    pol->def_cls != NULL ? pol->def_cls->values : NULL;

	for (; v != NULL && v->name != NULL; v++)
		if (strcmp(v->name, name) == 0)
			return v;
	return NULL;
}

static enum rc
value_get(struct profile_run *run, const struct profile_policy *pol,
    const char *name, struct buf *out, struct err *e)
{
	enum rc rc;

	if (pol->def_cls->get == NULL)
		return err_set(e, RC_NOTFOUND, "%s is not kept", name);
	rc = pol->def_cls->get(run, &pol->def, name, out, e);
	return rc == RC_OK ? buf_check(out, e) : rc;
}

enum rc
profile_value_get(const struct profile *p, const struct profile_env *env,
    struct request_rec *r, struct cert_template *t,
    const struct profile_policy *pol, const char *name, struct buf *out,
    struct err *e)
{
	struct profile_run run = { p, NULL, env, r, t, t->exts.arena };

	if (value_find(pol, name) == NULL)
		return err_set(
		    e, RC_INVALID, "policy %s has no value %s", pol->id, name);
	return value_get(&run, pol, name, out, e);
}

enum rc
profile_value_set(const struct profile *p, const struct profile_env *env,
    struct request_rec *r, struct cert_template *t,
    const struct profile_policy *pol, const char *name, const char *value,
    struct err *e)
{
	struct profile_run run = { p, NULL, env, r, t, t->exts.arena };
	const struct profile_value_desc *d = value_find(pol, name);
	AUTO_BUF now = buf_empty(0);
	bool present;
	enum rc rc;

	if (d == NULL)
		return err_set(
		    e, RC_NOTFOUND, "policy %s has no value %s", pol->id, name);
	if (pol->def_cls->set == NULL ||
	    (d->constraint != NULL && strcmp(d->constraint, "readonly") == 0))
		return RC_OK;
	rc = value_get(&run, pol, name, &now, e);
	if (rc != RC_OK && rc != RC_NOTFOUND)
		return rc;
	present = rc == RC_OK;
	/* a review returned unchanged reproduces the same bytes */
	if (value != NULL && present && strcmp(value, buf_cstr(&now)) == 0)
		return RC_OK;
	if (!present && (value == NULL || value[0] == '\0'))
		return RC_OK;
	return pol->def_cls->set(&run, &pol->def, name, value, e);
}
