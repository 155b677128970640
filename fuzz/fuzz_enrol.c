/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_enrol.c - a profile's property lines, a line "%%" and the lines of a form
 * ("name=value", \n in a value for an end of line): inputs, defaults and
 * constraints of the profile engine. What it writes can be encoded, and the
 * values an agent sees can be shown and edited. Lines of the form that tell of
 * the server (see environment): skipPop, pattern, root, ocsp_uri, no_random,
 * no_key_id, certs, cert_ended, cert_revoked, client_cert, agent, run, run_status;
 * what an agent changes: "set <value>=text" and "unset=".
 * Owns:    nothing between two inputs.
 * Trusts:  nothing of the input.
 * Threads: none. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "profile/engine.h"
#include "profile/pattern.h"
#include "x509/name.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum {
	FORM_MAX = 64,
	INPUT_MAX = 32768,
	NOW = 1767323045
};

struct form {
	char *names[FORM_MAX], *values[FORM_MAX];
	size_t n;
};

static const char *
form_get(void *arg, const char *name)
{
	const struct form *f = arg;

	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->names[i], name) == 0)
			return f->values[i];
	return NULL;
}

/* "\n" becomes a line end, in place. */
static void
unescape(char *s)
{
	char *to = s;

	for (; *s != '\0'; s++) {
		if (s[0] == '\\' && s[1] == 'n') {
			*to++ = '\n';
			s++;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

static void
read_form(struct form *f, char *text)
{
	char *line, *eq;

	while (text != NULL && f->n < FORM_MAX) {
		line = text;
		text = strchr(text, '\n');
		if (text != NULL)
			*text++ = '\0';
		if ((eq = strchr(line, '=')) == NULL)
			continue;
		*eq = '\0';
		unescape(eq + 1);
		f->names[f->n] = line;
		f->values[f->n++] = eq + 1;
	}
}

static void
zeros(void *arg, uint8_t *out, size_t n)
{
	(void)arg;
	memset(out, 0, n);
}

static const char *
setting(void *arg, const char *name)
{
	return form_get(arg, name);
}

/* "certs" is a certificate like the one asked for. */
static enum rc
certs(void *arg, enum profile_cert_key by, struct view what,
    bool (*fn)(void *fn_arg, const struct cert_rec *c), void *fn_arg,
    struct err *e)
{
	AUTO_BUF der = buf_empty(0);
	struct cert_rec c = { .not_after = NOW + 1000 };

	(void)by, (void)what;
	if (text_base64(&der, view_str(form_get(arg, "certs")), e) != RC_OK)
		return RC_OK; /* there is none */
	if (form_get(arg, "cert_ended") != NULL)
		c.not_after = NOW - 1000;
	c.revoked = form_get(arg, "cert_revoked") != NULL;
	c.der = buf_view(&der);
	if (fn(fn_arg, &c))
		(void)fn(fn_arg, &c);
	return RC_OK;
}

static bool
is_agent(void *arg, struct view cert)
{
	return cert.len > 0 && form_get(arg, "agent") != NULL;
}

static enum rc
run(void *arg, const char *program, const char *const *env, int64_t timeout_s,
    struct buf *out, int *status, struct err *e)
{
	const char *text = form_get(arg, "run");

	if (program == NULL || timeout_s < 1)
		abort();
	for (; *env != NULL; env++)
		if (strchr(*env, '=') == NULL)
			abort();
	if (text[0] == '\0')
		return err_set(e, RC_TIMEOUT, "it takes too long");
	*status = form_get(arg, "run_status") != NULL;
	buf_add_str(out, text);
	return RC_OK;
}

/* What the form tells of the server; client: room for a certificate. */
static void
environment(struct profile_env *env, struct buf *client)
{
	const char *cert = form_get(env->arg, "client_cert");

	env->skip_pop = form_get(env->arg, "skipPop") != NULL;
	env->ocsp_uri = form_get(env->arg, "ocsp_uri");
	if (form_get(env->arg, "root") != NULL)
		env->ca_not_after = 0;
	if (form_get(env->arg, "no_random") != NULL)
		env->random = NULL;
	if (form_get(env->arg, "no_key_id") != NULL)
		env->ca_key_id = view_of(NULL, 0);
	if (form_get(env->arg, "certs") != NULL)
		env->certs = certs;
	if (form_get(env->arg, "run") != NULL)
		env->run = run;
	if (cert != NULL && text_base64(client, view_str(cert), NULL) == RC_OK)
		env->client_cert = buf_view(client);
}

/* One value, as an agent sees it, and then as he wants it. */
static void
review(const struct profile *p, const struct profile_env *env,
    struct request_rec *r, struct cert_template *t,
    const struct profile_policy *pol, const char *name)
{
	AUTO_BUF text = buf_empty(0);
	char key[64];
	const char *wanted;

	/* any answer is fine, a crash is not */
	rc_ignore(profile_value_get(p, env, r, t, pol, name, &text, NULL));
	snprintf(key, sizeof(key), "set %s", name);
	wanted = form_get(env->arg, key);
	if (wanted != NULL || form_get(env->arg, "unset") != NULL)
		rc_ignore(
		    profile_value_set(p, env, r, t, pol, name, wanted, NULL));
	buf_reset(&text);
	rc_ignore(profile_value_get(p, env, r, t, pol, name, &text, NULL));
}

/* All that an agent would be shown. */
static void
show(const struct profile *p, const struct profile_env *env,
    struct request_rec *r, struct cert_template *t, struct arena *a)
{
	const char *set_id = request_ext(r, "profilesetid");
	const struct profile_set *set =
	    set_id != NULL ? profile_set_find(p, set_id) : NULL;
	struct profile_value_desc d;
	const char *value;

	for (size_t i = 0; set != NULL && i < set->n_policies; i++) {
		const struct profile_policy *pol = &set->policies[i];

		if (profile_default_text(pol) == NULL ||
		    profile_constraint_text(pol) == NULL)
			abort();
		for (size_t k = 0; profile_default_value(pol, env, k, &d, a);
		     k++)
			review(p, env, r, t, pol, d.name);
		for (size_t k = 0; profile_constraint_param(pol, k, &d, &value);
		     k++)
			(void)value;
	}
	for (size_t i = 0; i < p->n_inputs; i++)
		for (size_t k = 0;
		     profile_input_value(&p->inputs[i], env, k, &d, a); k++)
			if (d.name == NULL || d.syntax == NULL)
				abort();
	for (size_t i = 0; i < p->n_outputs; i++) {
		if (profile_output_text(&p->outputs[i]) == NULL)
			abort();
		for (size_t k = 0; profile_output_value(&p->outputs[i], k, &d);
		     k++)
			if (d.name == NULL)
				abort();
	}
}

static void
enrol(const struct profile *p, struct form *f, struct arena *a)
{
	static const enum sigalg algs[] = { SIGALG_SHA256_RSA,
		SIGALG_SHA256_EC };
	const struct profile_submission s = { form_get, f };
	struct profile_env env = { .now = NOW,
		.ca_not_before = NOW - 1000,
		.ca_not_after = NOW + 100000000,
		.ca_sigalg = SIGALG_SHA256_RSA,
		.sigalgs = algs,
		.n_sigalgs = 2,
		.host = "ca.example.com",
		.port = 8080,
		.random = zeros,
		.setting = setting,
		.is_agent = is_agent,
		.arg = f };
	AUTO(request_rec) r = NULL;
	AUTO_BUF subject = buf_empty(0), der = buf_empty(0);
	AUTO_BUF client = buf_empty(0);
	struct num id = num_from_u64(1);
	struct cert_template t;
	struct err e = { RC_OK, "" };
	size_t n = 0;
	enum rc rc;

	if (name_parse(&subject, view_str("CN=CA,O=Fuzz"), &e) != RC_OK)
		abort();
	env.ca_subject = buf_view(&subject);
	env.ca_key_id = view_str("01234567890123456789");
	environment(&env, &client);
	if ((r = request_rec_new(&id, "enrollment")) == NULL)
		return;
	template_init(&t, a);
	if ((rc = profile_count(p, &s, &n, &e)) == RC_OK &&
	    (rc = profile_begin(p, &env, &s, 0, r, &e)) == RC_OK &&
	    (rc = profile_populate(p, &env, r, &t, &e)) == RC_OK) {
		show(p, &env, r, &t, a);
		rc = profile_validate(p, &env, r, &t, &e);
	}
	if (rc != RC_OK && e.text[0] == '\0')
		abort();
	/* any answer is fine, a crash is not */
	if (rc == RC_OK)
		rc_ignore(profile_template_encode(&der, &t, &e));
}

static const char *
token(void *arg, const char *set, const char *name)
{
	return strcmp(set, "request") == 0 ? form_get(arg, name) : NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const uint8_t *mark = len > 0 ? memmem(data, len, "\n%%\n", 4) : NULL;
	struct view lines =
	    view_of(data, mark != NULL ? (size_t)(mark - data) + 1 : len);
	AUTO(arena) a = arena_new(0);
	AUTO(profile) p = NULL;
	AUTO_STR text = NULL;
	AUTO_BUF expanded = buf_empty(0);
	struct form f = { .n = 0 };
	struct err e;
	const char *pattern;

	if (a == NULL || len > INPUT_MAX ||
	    profile_parse(&p, lines, "fuzz", &e) != RC_OK)
		return 0;
	/* one that was stored before the check was made is run all the same */
	rc_ignore(profile_check_plugins(p, &e));
	if (mark != NULL)
		text = view_dup_str(
		    view_of(mark + 4, len - (size_t)(mark + 4 - data)));
	read_form(&f, text);
	pattern = form_get(&f, "pattern");
	if (pattern != NULL) {
		(void)pattern_is_token(pattern);
		rc_ignore(pattern_expand(&expanded, pattern, token, &f, &e));
	}
	enrol(p, &f, a);
	return 0;
}
