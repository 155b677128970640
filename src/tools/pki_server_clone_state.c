/* SPDX-License-Identifier: Apache-2.0 */
/* pki_server_clone_state.c - ca-clone-check: what each CA says of itself,
 * compared with what the own one says.
 * Owns:    struct clone_states.
 * Trusts:  servers whose certificate chains to an issuer that the instance
 *          trusts, for the report alone.
 * Threads: none. */
#include "tools/pki_server_clone.h"

#include "http/client.h"
#include "keys/roots.h"
#include "tools/pki_server_cmds.h"
#include "x509/cert.h"

enum {
	STATE_URL_MAX = 600,
	STATE_MAX = 16 * 1024 * 1024,
	STATUS_OK = 200,
	STATUS_UNKNOWN = 404,
	EXPIRY_DAYS = 28,
	DAY_S = 86400,
	SHOWN_MAX = 60, /* of a value */
};

struct clone_states {
	json_t *own;
	struct keystore *ks; /* the server's */
	struct key *key;
	struct roots *roots;
	struct buf der;
	struct view chain;
	struct http_client *http;
};

void
clone_states_free(struct clone_states *x)
{
	if (x == NULL)
		return;
	http_client_free(x->http);
	key_free(x->key);
	roots_free(x->roots);
	buf_done(&x->der);
	json_decref(x->own);
	free(x);
}
OWNED(clone_states)

enum rc
clone_states_open(struct clone_states **out, struct server *s, struct err *e)
{
	AUTO(clone_states) x = calloc(1, sizeof(*x));
	AUTO(cfg) cs = NULL;
	struct http_client_params p = { .timeout_ms = CLONE_CALL_MS };
	const char *nick;
	enum rc rc;

	if (x == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	x->der = buf_empty(CERT_DER_MAX);
	if ((rc = server_call(s, "clone-state", NULL, &x->own, e)) != RC_OK ||
	    (rc = server_cs(s, &cs, s->sub, e)) != RC_OK ||
	    (rc = server_keystore(s, &x->ks, e)) != RC_OK ||
	    (rc = roots_load(&x->roots, x->ks, "C", e)) != RC_OK)
		return rc;
	nick = cfg_str(cs, "ca.cert.subsystem.nickname", "subsystem");
	rc = keystore_find_pair(x->ks, &x->key, &x->der, nick, e);
	if (rc != RC_OK)
		return rc;
	x->chain = buf_view(&x->der);
	p.key = x->key;
	p.chain = &x->chain;
	p.n_chain = 1;
	p.cas = x->roots->items;
	p.n_cas = x->roots->n;
	if ((rc = http_client_new(&x->http, &p, e)) == RC_OK)
		*out = clone_states_steal(&x);
	return rc;
}

void
clone_report_end(struct report *r, const char *what, int64_t end)
{
	int64_t days = (end - clock_now(&clock_system)) / DAY_S;

	if (end != 0 && days < EXPIRY_DAYS)
		clone_fault(r, "%s certificate ends in %lld days", what,
		    (long long)days);
}

/* *out NULL when the server does not know the question. */
static enum rc
ask(struct clone_states *x, json_t **out, const char *address, struct err *e)
{
	char url[STATE_URL_MAX];
	struct http_exchange q = { .method = "GET",
		.url = url,
		.accept = "application/json",
		.reply = buf_empty(STATE_MAX),
		.max_reply = STATE_MAX };
	enum rc rc;

	(void)snprintf(
	    url, sizeof(url), "https://%.500s/ca/v2/clone-state", address);
	rc = http_client_do(x->http, &q, e);
	if (rc == RC_OK && q.status == STATUS_OK) {
		*out = json_loadb(
		    (const char *)q.reply.data, q.reply.len, 0, NULL);
		if (!json_is_object(*out))
			rc = err_set(e, RC_INVALID, "%s: no JSON object", url);
	} else if (rc == RC_OK && q.status != STATUS_UNKNOWN) {
		rc = err_set(e, RC_DENIED, "%s: status %d", url, q.status);
	}
	http_exchange_done(&q);
	return rc;
}

static void
report_numbers(struct report *r, const json_t *list)
{
	size_t i;
	json_t *o;

	json_array_foreach(list, i, o)
	{
		json_int_t left =
		    json_integer_value(json_object_get(o, "left"));

		if (json_object_get(o, "left") == NULL)
			continue;
		printf("    Range of %s numbers: %s to %s, %lld left\n",
		    json_str(o, "kind"), json_str(o, "begin"),
		    json_str(o, "end"), (long long)left);
		/* more replica ids are asked for when a clone is made */
		if (strcmp(json_str(o, "kind"), "replica") != 0 &&
		    left <
			json_integer_value(json_object_get(o, "lowWaterMark")))
			clone_fault(
			    r, "few %s numbers are left", json_str(o, "kind"));
	}
}

static void
report_ends(struct report *r, const json_t *ends)
{
	const char *tag;
	json_t *end;

	json_object_foreach((json_t *)(uintptr_t)ends, tag, end)
	    clone_report_end(r, tag, json_integer_value(end));
}

/* What there says otherwise than here, each with its two values. */
static size_t
differences(struct report *r, const char *what, const json_t *here,
    const json_t *there, bool shown)
{
	const json_t *const sides[] = { here, there };
	const char *name;
	size_t n = 0;
	json_t *v;

	for (size_t s = 0; s < 2; s++) {
		json_object_foreach((json_t *)(uintptr_t)sides[s], name, v)
		{
			const json_t *other =
			    json_object_get(sides[1 - s], name);
			const char *a = json_str(here, name),
				   *b = json_str(there, name);

			if (json_equal(v, other) || (s == 1 && other != NULL))
				continue;
			n++;
			if (shown)
				clone_fault(r,
				    "%s %s differs: %.*s here, %.*s there",
				    what, name, SHOWN_MAX,
				    a != NULL ? a : "nothing", SHOWN_MAX,
				    b != NULL ? b : "nothing");
			else
				clone_fault(r, "%s %s differs%s", what, name,
				    other != NULL ? ""
					: s == 0  ? ": it is not there"
						  : ": it is not here");
		}
	}
	return n;
}

static void
compare(struct report *r, const json_t *here, const json_t *there)
{
	const json_t *settings = json_object_get(there, "settings"),
		     *profiles = json_object_get(there, "profiles");

	if (differences(r, "setting", json_object_get(here, "settings"),
		settings, true) == 0)
		printf("    Settings: as here\n");
	if (differences(r, "profile", json_object_get(here, "profiles"),
		profiles, false) == 0)
		printf(
		    "    Profiles: %zu, as here\n", json_object_size(profiles));
}

void
clone_report_state(struct report *r, const char *address)
{
	struct clone_states *x = r->states;
	const char *own = json_str(x->own, "address");
	struct err e = { RC_OK, "" };
	AUTO_JSON there = NULL;
	int64_t before, after, skew;

	if (own != NULL && text_ieq(own, address)) {
		report_numbers(r, json_object_get(x->own, "numbers"));
		return;
	}
	before = clock_now_ms(&clock_system);
	if (ask(x, &there, address, &e) != RC_OK) {
		clone_fault(r, "does not tell its state: %s", e.text);
		return;
	}
	if (there == NULL) {
		printf("    Settings: it cannot be asked\n");
		return;
	}
	after = clock_now_ms(&clock_system);
	skew = (json_integer_value(json_object_get(there, "time")) -
		   (before + after) / 2) /
	    1000;
	printf("    Clock Skew: %lld s\n", (long long)skew);
	/* what the call itself took is no skew */
	if (skew > CLONE_SKEW_S + (after - before) / 1000 ||
	    -skew > CLONE_SKEW_S + (after - before) / 1000)
		clone_fault(r, "its clock is %lld s off", (long long)skew);
	report_numbers(r, json_object_get(there, "numbers"));
	report_ends(r, json_object_get(there, "certificates"));
	compare(r, x->own, there);
}
