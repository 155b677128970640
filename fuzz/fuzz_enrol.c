/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_enrol.c - a profile's property lines, a line "%%" and the lines of a form
 * ("name=value", \n in a value for an end of line): inputs, defaults and
 * constraints of the profile engine. What it writes can be encoded, and the
 * values an agent sees can be shown.
 * Owns:    nothing between two inputs.
 * Trusts:  nothing of the input.
 * Threads: none. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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

		for (size_t k = 0; profile_default_value(pol, env, k, &d, a);
		     k++) {
			AUTO_BUF text = buf_empty(0);

			/* any answer is fine, a crash is not */
			rc_ignore(profile_value_get(
			    p, env, r, t, pol, d.name, &text, NULL));
		}
		for (size_t k = 0; profile_constraint_param(pol, k, &d, &value);
		     k++)
			(void)value;
	}
	for (size_t i = 0; i < p->n_inputs; i++)
		for (size_t k = 0;
		     profile_input_value(&p->inputs[i], env, k, &d, a); k++)
			if (d.name == NULL || d.syntax == NULL)
				abort();
	for (size_t i = 0; i < p->n_outputs; i++)
		for (size_t k = 0; profile_output_value(&p->outputs[i], k, &d);
		     k++)
			if (d.name == NULL)
				abort();
}

static void
enrol(const struct profile *p, struct form *f, struct arena *a)
{
	static const enum sigalg algs[] = { SIGALG_SHA256_RSA,
		SIGALG_SHA256_EC };
	const struct profile_submission s = { form_get, f };
	const char *skip = form_get(f, "skipPop");
	struct profile_env env = { .now = NOW,
		.ca_not_before = NOW - 1000,
		.ca_not_after = NOW + 100000000,
		.ca_sigalg = SIGALG_SHA256_RSA,
		.sigalgs = algs,
		.n_sigalgs = 2,
		.host = "ca.example.com",
		.port = 8080,
		.skip_pop = skip != NULL,
		.random = zeros,
		.setting = setting,
		.arg = f };
	AUTO(request_rec) r = NULL;
	AUTO_BUF subject = buf_empty(0), der = buf_empty(0);
	struct num id = num_from_u64(1);
	struct cert_template t;
	struct err e = { RC_OK, "" };
	size_t n = 0;
	enum rc rc;

	if (name_parse(&subject, view_str("CN=CA,O=Fuzz"), &e) != RC_OK)
		abort();
	env.ca_subject = buf_view(&subject);
	env.ca_key_id = view_str("01234567890123456789");
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
