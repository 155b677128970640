/* SPDX-License-Identifier: Apache-2.0 */
/* fixture.c - see fixture.h; only for tests.
 * Owns:    what struct fixture points to.
 * Trusts:  the tree.
 * Threads: one. */
#include "profile/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "x509/name.h"

static const enum sigalg algs[] = { SIGALG_SHA256_RSA, SIGALG_SHA384_RSA,
	SIGALG_SHA512_RSA };

static enum rc
find_certs(void *arg, enum profile_cert_key by, struct view what,
    bool (*fn)(void *fn_arg, const struct cert_rec *c), void *fn_arg,
    struct err *e)
{
	struct fixture *f = arg;

	(void)e;
	for (size_t i = 0; i < f->n_certs; i++) {
		const struct cert_rec *c = &f->certs[i];
		bool hit = by == PROFILE_CERT_BY_KEY
		    ? view_eq(c->spki, what)
		    : view_eq(view_str(c->subject), what);

		if (hit && !fn(fn_arg, c))
			break;
	}
	return RC_OK;
}

static void
not_random(void *arg, uint8_t *out, size_t n)
{
	struct fixture *f = arg;

	for (size_t i = 0; i < n; i++)
		out[i] = f->random++;
}

void
fixture_init(struct fixture *f)
{
	static const uint8_t key_id[20] = { 0xca, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
		11, 12, 13, 14, 15, 16, 17, 18, 19 };
	AUTO_BUF name = buf_empty(0);
	struct num id = num_from_u64(1);

	memset(f, 0, sizeof(*f));
	f->arena = arena_new(0);
	assert_non_null(f->arena);
	template_init(&f->t, f->arena);
	f->req = request_rec_new(&id, "enrollment");
	assert_non_null(f->req);
	assert_int_equal(
	    name_parse(&name, view_str("CN=Test CA,O=Example"), NULL), RC_OK);
	f->env = (struct profile_env){
		.now = FIXTURE_NOW,
		.ca_subject =
		    view_of(arena_view(f->arena, buf_view(&name)), name.len),
		.ca_key_id = view_of(key_id, sizeof(key_id)),
		.ca_not_before = FIXTURE_NOW - 1000,
		.ca_not_after = FIXTURE_CA_END,
		.ca_sigalg = SIGALG_SHA256_RSA,
		.sigalgs = algs,
		.n_sigalgs = sizeof(algs) / sizeof(algs[0]),
		.host = "ca.example.com",
		.port = 8080,
		.certs = find_certs,
		.random = not_random,
		.arg = f,
	};
}

void
fixture_done(struct fixture *f)
{
	profile_free(f->p);
	request_rec_free(f->req);
	arena_free(f->arena);
	memset(f, 0, sizeof(*f));
}

void
fixture_text(struct fixture *f, const char *id, const char *text)
{
	profile_free(f->p);
	f->p = NULL;
	if (profile_parse(&f->p, view_str(text), id, &f->e) != RC_OK)
		fail_msg("%s: %s", id, f->e.text);
}

static const char *
read_text(struct fixture *f, const char *path)
{
	AUTO_BUF b = buf_empty(0);

	if (file_read(&b, path, &f->e) != RC_OK)
		fail_msg("%s", f->e.text);
	return arena_view(f->arena, buf_view(&b));
}

void
fixture_shipped(struct fixture *f, const char *id)
{
	fixture_text(f, id,
	    read_text(f, arena_printf(f->arena, "%s/ca/%s.cfg", PROFILES, id)));
}

void
fixture_policy(struct fixture *f, const char *def, const char *con,
    const char *const *lines)
{
	AUTO_BUF b = buf_empty(0);

	buf_addf(&b,
	    "input.list=i1,i2\ninput.i1.class_id=certReqInputImpl\n"
	    "input.i2.class_id=submitterInfoInputImpl\n"
	    "policyset.list=s\npolicyset.s.list=1\n"
	    "policyset.s.1.default.class_id=%s\n"
	    "policyset.s.1.constraint.class_id=%s\n",
	    def, con);
	for (; lines != NULL && *lines != NULL; lines++)
		buf_addf(&b, "policyset.s.1.%s\n", *lines);
	fixture_text(f, "one", buf_cstr(&b));
}

void
fixture_value(struct fixture *f, const char *name, const char *value)
{
	assert_true(f->n < FIXTURE_VALUES_MAX);
	f->names[f->n] = name;
	f->values[f->n++] = value;
}

const char *
fixture_file(struct fixture *f, const char *name)
{
	return read_text(f, arena_printf(f->arena, "%s/in/%s", GOLDEN, name));
}

void
fixture_csr(struct fixture *f, const char *name)
{
	fixture_value(f, "cert_request_type", "pkcs10");
	fixture_value(f, "cert_request",
	    fixture_file(f, arena_printf(f->arena, "%s.csr", name)));
}

static const char *
submitted(void *arg, const char *name)
{
	struct fixture *f = arg;

	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->names[i], name) == 0)
			return f->values[i];
	return NULL;
}

enum rc
fixture_begin(struct fixture *f)
{
	struct profile_submission s = { submitted, f };

	return profile_begin(f->p, &f->env, &s, 0, f->req, &f->e);
}

enum rc
fixture_populate(struct fixture *f)
{
	enum rc rc = fixture_begin(f);

	if (rc == RC_OK)
		rc = profile_populate(f->p, &f->env, f->req, &f->t, &f->e);
	return rc;
}

enum rc
fixture_run(struct fixture *f)
{
	enum rc rc = fixture_populate(f);

	if (rc == RC_OK)
		rc = profile_validate(f->p, &f->env, f->req, &f->t, &f->e);
	return rc;
}

enum rc
fixture_tbs(struct fixture *f, struct buf *out)
{
	f->t.serial = num_from_u64(1);
	return template_tbs(out, &f->t, &f->e);
}

const char *
fixture_ext(struct fixture *f, enum oid oid)
{
	const struct ext *x = ext_list_find_oid(&f->t.exts, oid);
	AUTO_BUF b = buf_empty(0);

	if (x == NULL)
		return NULL;
	buf_add_str(&b, x->critical ? "critical " : "");
	buf_add_hex(&b, x->value);
	return arena_str(f->arena, buf_cstr(&b));
}

const struct profile_policy *
fixture_pol(const struct fixture *f, size_t i)
{
	assert_true(f->p->n_sets > 0 && i < f->p->sets[0].n_policies);
	return &f->p->sets[0].policies[i];
}

const char *
fixture_get(struct fixture *f, size_t pol, const char *name)
{
	AUTO_BUF b = buf_empty(0);
	enum rc rc = profile_value_get(
	    f->p, &f->env, f->req, &f->t, fixture_pol(f, pol), name, &b, &f->e);

	if (rc != RC_OK && rc != RC_NOTFOUND)
		fail_msg("%s: %s", name, f->e.text);
	return rc == RC_OK ? arena_str(f->arena, buf_cstr(&b)) : NULL;
}

enum rc
fixture_set(struct fixture *f, size_t pol, const char *name, const char *value)
{
	return profile_value_set(f->p, &f->env, f->req, &f->t,
	    fixture_pol(f, pol), name, value, &f->e);
}

const char *
fixture_subject(struct fixture *f)
{
	AUTO_BUF b = buf_empty(0);

	assert_int_equal(name_text(&b, f->t.subject, NULL), RC_OK);
	return arena_str(f->arena, buf_cstr(&b));
}
