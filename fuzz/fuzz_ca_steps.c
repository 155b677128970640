/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_ca_steps.c - a few requests one after the other to a real CA, later ones
 * with what earlier answers said (nonces, ids, tokens), so that the deep paths
 * of the handlers are reached. Input: steps of text, a line "%%" between two:
 *
 *	WHO METHOD TARGET
 *	Header: value		(none or some)
 *				(an empty line)
 *	body
 *
 * WHO: none, or of these with commas between: admin (a session of caadmin), cert
 * (its client certificate), basic (its password), sub (the subsystem
 * certificate), mine:HEX (the certificate of that serial number), bad (one that
 * TLS found invalid), plain (no TLS), crl (the CRLs that are due are made
 * first), later (install tokens have become too old). @{name} anywhere is what followed the last "name" of the answers so
 * far; @{csr} and @{user} are requests, @{cert}, @{sub}, @{cert64}, @{sub64}
 * certificates, @{ocsp:HEX} asks for a status, @{^} is the whole answer before.
 * A body without Content-Type is JSON when it begins like it, else a form.
 * METHOD CONTROL: TARGET is a command of the control socket, the body its
 * arguments. With FUZZ_SHOW in the environment the answers are shown.
 * Owns:    one CA (ca_harness.h).
 * Trusts:  nothing of the input.
 * Threads: the instance's timer beside. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ca_harness.h"
#include "http/client.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum {
	INPUT_MAX = 32768,
	STEPS_MAX = 24,
	PAST_MAX = 1024 * 1024,
	EXPANDED_MAX = 256 * 1024,
	WORDS_MAX = 8
};

/* How text goes into its place. */
enum place {
	PLACE_PLAIN,
	PLACE_URL, /* target or form */
	PLACE_JSON,
};

static struct harness *h;
static bool show;

/* What one input has seen. */
struct run {
	struct buf past;   /* all answers */
	struct buf before; /* body of the last one */
	char cookie[80];   /* "" = none yet */
};

/* CN=fuzz.example.com, with that name as subjectAltName, RSA 2048. */
static const char csr[] =
    "-----BEGIN CERTIFICATE REQUEST-----\n"
    "MIICnTCCAYUCAQAwKjENMAsGA1UECgwERnV6ejEZMBcGA1UEAwwQZnV6ei5leGFt\n"
    "cGxlLmNvbTCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEBAKJTnah6VNUU\n"
    "04Sy1cEFhCYqOhXQIzKW/ZWh0Uv096rejfe5uIil5cajNQ6oyBHPJ2QNReKwxL+b\n"
    "aVXCK2eChycfmO2var0g5AKoRx2RK+X8xu84AKVTiP2tQMbqde//YdLuQeawvvMN\n"
    "l9ookC/PdvI0y8ciahqwk/B8SC9Pf9PowQ8kAUIx3rmBK5SbGWJ2vRSEUiv12CIF\n"
    "JxWDzw43q/aS1CXpmBCq5IvMwb7g2i6jRGg2XRmdewZmGj765UHQgH8Sx+PtKih1\n"
    "C35ZVjlQ+Rv4h2otPp+bbfZAxugdEFDT4Nvkh6B3S4/BtHPqNBmOfcndU8eqEDZq\n"
    "VT1w/HjuSvECAwEAAaAuMCwGCSqGSIb3DQEJDjEfMB0wGwYDVR0RBBQwEoIQZnV6\n"
    "ei5leGFtcGxlLmNvbTANBgkqhkiG9w0BAQsFAAOCAQEAiJbjjr2sv7RTnd+AhdIB\n"
    "ssLpuZygR6zFNpm828OvK7WK/LL1FmhfXMuYnES8wa3px20mMPc8QnthaksSg9Hp\n"
    "BR+77DD668eSobCeKxiEN1oztvhF0aynIxYBeT6Qgk4/HrYUcvMtCuJzvpzbXvi8\n"
    "dMeEcg/tS4nuvYgoh+7+LKWzJuRozaSTKwv/FS/CluQlJct5RElQOUYe376ANef/\n"
    "t6ryOCOeC9IqXUrcBv3BBHM5GzCtLuZIn7CDgOsWzcUxtBxt5FUWLchfOwQ8TMzq\n"
    "C/gCYuLCiYWTiENkFP3A+f532WbsrMDrDPVN+uWh4zPA9su62vKQHmWmXg0QO+w2\n"
    "Fw==\n"
    "-----END CERTIFICATE REQUEST-----\n";
/* UID=fuzz, CN=Fuzz. */
static const char user_csr[] =
    "-----BEGIN CERTIFICATE REQUEST-----\n"
    "MIICeTCCAWECAQAwNDENMAsGA1UECgwERnV6ejENMAsGA1UEAwwERnV6ejEUMBIG\n"
    "CgmSJomT8ixkAQEMBGZ1enowggEiMA0GCSqGSIb3DQEBAQUAA4IBDwAwggEKAoIB\n"
    "AQCiU52oelTVFNOEstXBBYQmKjoV0CMylv2VodFL9Peq3o33ubiIpeXGozUOqMgR\n"
    "zydkDUXisMS/m2lVwitngocnH5jtr2q9IOQCqEcdkSvl/MbvOAClU4j9rUDG6nXv\n"
    "/2HS7kHmsL7zDZfaKJAvz3byNMvHImoasJPwfEgvT3/T6MEPJAFCMd65gSuUmxli\n"
    "dr0UhFIr9dgiBScVg88ON6v2ktQl6ZgQquSLzMG+4Nouo0RoNl0ZnXsGZho++uVB\n"
    "0IB/Esfj7SoodQt+WVY5UPkb+IdqLT6fm232QMboHRBQ0+Db5Iegd0uPwbRz6jQZ\n"
    "jn3J3VPHqhA2alU9cPx47krxAgMBAAGgADANBgkqhkiG9w0BAQsFAAOCAQEASFLg\n"
    "EhvSESzk9kVQ44+1rx0mmwcNRWNj+np/iZiG1RlQ0hTU/W+7dKqmtfvFqHhjMoeB\n"
    "mdpHDZc/l14t9ytSMUh1D88lchd4NwsFiOg6KFtZBTR+JAWMwMAawbEpm8E4ELkT\n"
    "vSRLJHWKn7nLWClXWUskInZSvicpW/bjMFMLJwHQNxO5cWNDEoqQXdBA7kLDjmtI\n"
    "4urb88JwL1NOLgSJFYIIoiLmu39FqOlkhDMEyExmNc9Q2H3ufzLfEHTk5QTHGZvN\n"
    "WSrF0OSP3WUTFEisgZ13znX4Ij565gRGgqSb9yZdGNWmPgbZt1E2YakfrqwdYDmD\n"
    "+qKCKQPChZTaNITJqg==\n"
    "-----END CERTIFICATE REQUEST-----\n";

struct line {
	const char *name, *value;
};

static void
add_record(struct batch *b, enum rec_kind kind, const char *id,
    const struct line *lines, size_t n)
{
	struct rec *r = rec_new(kind, id);

	if (r == NULL)
		abort();
	for (size_t i = 0; i < n; i++)
		rec_add_str(r, lines[i].name, lines[i].value);
	batch_add(b, r);
}

/* What another server may have put into the directory: a CA of the same records
 * and install tokens that are of no use. */
static void
add_records(void)
{
	static const struct line host[] = { { "signetValue",
						"other.example.com:8443" },
		{ "dateOfCreate", "20260101000000Z" } };
	static const struct line token[] = { { "uid", "caadmin" } };
	static const struct line old[] = { { "uid", "caadmin" },
		{ "cmsUserGroup", "Enterprise CA Administrators" },
		{ "host", "192.0.2.1" }, { "dateOfCreate", "1000" } };
	AUTO(batch) b = batch_new();
	struct err e;

	if (b == NULL)
		abort();
	add_record(b, REC_SETTING, "role.host.0001", host, 2);
	add_record(b, REC_DOMAIN_SESSION, "4711", token, 1);
	add_record(b, REC_DOMAIN_SESSION, "4712", old, 4);
	if (store_commit(h->ca->store, b, &e) != RC_OK) {
		fprintf(stderr, "%s\n", e.text);
		abort();
	}
}

static void
setup(void)
{
	static const char *const settings[] = {
		"ca.crl.MasterCRL.extension.DeltaCRLIndicator.enable=true",
		"ca.crl.MasterCRL.updateSchema=3",
		"ca.crl.MasterCRL.alwaysUpdate=true", NULL
	};

	h = harness_start(settings);
	atomic_load(&h->ca->shared)->nonces = true;
	add_records();
	show = getenv("FUZZ_SHOW") != NULL;
}

/* --- texts ------------------------------------------------------------------- */

static void
put(struct buf *out, struct view v, enum place place)
{
	if (place == PLACE_URL) {
		http_url_encode(out, v);
		return;
	}
	for (size_t i = 0; i < v.len; i++) {
		if (place == PLACE_JSON && v.data[i] == '\n')
			buf_add_str(out, "\\n");
		else
			buf_add_char(out, (char)v.data[i]);
	}
}

static void
put_pem(struct buf *out, struct view der, enum place place)
{
	AUTO_BUF pem = buf_empty(0);

	text_add_pem(&pem, "CERTIFICATE", der, "\n");
	put(out, buf_view(&pem), place);
}

static void
put_base64(struct buf *out, struct view der, enum place place)
{
	AUTO_BUF b = buf_empty(0);

	buf_add_base64(&b, der, 0, "");
	put(out, buf_view(&b), place);
}

/* A request for the status of that certificate (hex), base64 in a path. */
static void
put_ocsp(struct buf *out, struct view hex, enum place place)
{
	AUTO_BUF id = buf_empty(0), der = buf_empty(0);
	AUTO_STR text = view_dup_str(hex);
	struct num serial;

	if (text == NULL || num_parse(&serial, text, true, NULL) != RC_OK)
		return;
	ocsp_id_put(&id, &h->ca->issuer_ids[DIGEST_SHA1], &serial);
	ocsp_request_put(&der, buf_view(&id), view_of(NULL, 0));
	if (place == PLACE_URL)
		put_base64(out, buf_view(&der), place);
	else
		buf_add_view(out, buf_view(&der));
}

/* The value at the start of v, behind what stands between it and its name. */
static struct view
value_at(struct view v)
{
	size_t n;

	while (v.len > 0 && memchr("\":=> ", v.data[0], 5) != NULL)
		v = view_of(v.data + 1, v.len - 1);
	for (n = 0; n < v.len; n++)
		if (memchr("\"'<,;&}\r\n", v.data[n], 9) != NULL)
			break;
	return view_of(v.data, n);
}

/* What followed the last mention of name that has a value: in JSON, XML, a header
 * or a form. */
static struct view
recall(const struct run *r, struct view name)
{
	struct view rest = buf_view(&r->past), found = view_of(NULL, 0), v;
	const uint8_t *p;

	while (name.len > 0 && rest.len > 0 &&
	    (p = memmem(rest.data, rest.len, name.data, name.len)) != NULL) {
		p += name.len;
		rest = view_of(p, rest.len - (size_t)(p - rest.data));
		v = value_at(rest);
		if (v.len > 0)
			found = v;
	}
	return found;
}

static void
put_named(
    const struct run *r, struct buf *out, struct view name, enum place place)
{
	struct view v;

	if (view_is(name, "csr")) {
		put(out, view_str(csr), place);
	} else if (view_is(name, "user")) {
		put(out, view_str(user_csr), place);
	} else if (view_is(name, "cert")) {
		put_pem(out, buf_view(&h->admin_cert), place);
	} else if (view_is(name, "sub")) {
		put_pem(out, buf_view(&h->subsystem_cert), place);
	} else if (view_is(name, "cert64")) {
		put_base64(out, buf_view(&h->admin_cert), place);
	} else if (view_is(name, "sub64")) {
		put_base64(out, buf_view(&h->subsystem_cert), place);
	} else if (name.len > 5 && memcmp(name.data, "ocsp:", 5) == 0) {
		put_ocsp(out, view_of(name.data + 5, name.len - 5), place);
	} else if (view_is(name, "^")) {
		buf_add_view(out, buf_view(&r->before));
	} else {
		v = recall(r, name);
		/* out of JSON it is escaped already */
		put(out, v, place == PLACE_JSON ? PLACE_PLAIN : place);
	}
}

static void
expand(const struct run *r, struct buf *out, struct view text, enum place place)
{
	while (text.len > 0) {
		const uint8_t *end =
		    text.len > 3 && text.data[0] == '@' && text.data[1] == '{'
		    ? memchr(text.data, '}', text.len)
		    : NULL;
		size_t n = 1;

		if (end != NULL) {
			n = (size_t)(end - text.data) + 1;
			put_named(r, out, view_of(text.data + 2, n - 3), place);
		} else {
			buf_add_char(out, (char)text.data[0]);
		}
		text = view_of(text.data + n, text.len - n);
	}
}

/* --- a step ------------------------------------------------------------------ */

/* Where text stands in v; NULL: nowhere. */
static const uint8_t *
find(struct view v, const char *text)
{
	return v.len > 0 ? memmem(v.data, v.len, text, strlen(text)) : NULL;
}

/* Cuts v at the first mark; what is behind it stays in v. */
static struct view
cut(struct view *v, const char *mark)
{
	const uint8_t *p = find(*v, mark);
	struct view first = *v;

	if (p == NULL) {
		*v = view_of(NULL, 0);
		return first;
	}
	first.len = (size_t)(p - v->data);
	*v = view_of(p + strlen(mark), v->len - first.len - strlen(mark));
	return first;
}

/* As the timer does, at a moment that an input can choose. */
static void
make_lists(void)
{
	const struct generate_options o = { .sigalg = SIGALG_COUNT };

	/* another one may be under way, or none be due */
	for (size_t i = 0; i < h->ca->n_points; i++)
		rc_ignore(ca_crl_generate(h->ca, i, &o, NULL));
}

static void
be_owner(struct harness_caller *who, const char *hex, struct buf *der)
{
	AUTO(arena) a = arena_new(0);
	struct cert_rec x;
	struct num serial;

	if (a != NULL && num_parse(&serial, hex, true, NULL) == RC_OK &&
	    ca_cert_get(h->ca, &serial, &x, a, NULL) == RC_OK)
		buf_add_view(der, x.der);
	who->peer_cert = buf_view(der);
}

/* Reads WHO; further header lines go to head. */
static void
be(struct run *r, struct harness_caller *who, char *text, struct buf *der,
    struct buf *head)
{
	char *words[WORDS_MAX];
	size_t n = text_split(text, ",", words, WORDS_MAX);

	for (size_t i = 0; i < n && i < WORDS_MAX; i++) {
		const char *w = words[i];

		if (strcmp(w, "admin") == 0 && r->cookie[0] != '\0') {
			buf_addf(head, "Cookie: %s\r\n", r->cookie);
		} else if (strcmp(w, "admin") == 0) {
			who->session = true;
		} else if (strcmp(w, "cert") == 0) {
			who->peer_cert = buf_view(&h->admin_cert);
		} else if (strcmp(w, "sub") == 0) {
			who->peer_cert = buf_view(&h->subsystem_cert);
		} else if (text_starts(w, "mine:")) {
			be_owner(who, w + strlen("mine:"), der);
		} else if (strcmp(w, "crl") == 0) {
			make_lists();
		} else if (strcmp(w, "later") == 0) {
			/* there may be none */
			rc_ignore(domain_session_purge(h->ca->store, NULL,
			    clock_now_ms(h->ca->clock) + 1, 0, NULL));
		} else if (strcmp(w, "bad") == 0) {
			who->peer_error = "certificate has expired";
		} else if (strcmp(w, "plain") == 0) {
			who->plain = true;
		} else if (strcmp(w, "basic") == 0) {
			buf_add_str(head, "Authorization: Basic ");
			buf_add_base64(
			    head, view_str("caadmin:" HARNESS_PASSWORD), 0, "");
			buf_add_str(head, "\r\n");
		}
	}
}

/* A request line holds no blanks and no control characters. */
static void
add_word(struct buf *head, struct view v)
{
	for (size_t i = 0; i < v.len; i++)
		buf_add_char(head,
		    v.data[i] > 0x20 && v.data[i] < 0x7f ? (char)v.data[i]
							 : '+');
}

static void
add_headers(
    const struct run *r, struct buf *head, struct view lines, struct view body)
{
	bool typed = find(lines, "Content-Type") != NULL;

	while (lines.len > 0) {
		expand(r, head, cut(&lines, "\n"), PLACE_PLAIN);
		buf_add_str(head, "\r\n");
	}
	if (!typed && body.len > 0)
		buf_addf(head, "Content-Type: application/%s\r\n",
		    body.data[0] == '{' || body.data[0] == '['
			? "json"
			: "x-www-form-urlencoded");
	buf_addf(head, "Content-Length: %zu\r\n\r\n", body.len);
}

static void
remember(struct run *r, const struct buf *head, struct view body)
{
	static const char cookie[] = "JSESSIONID=";
	const char *p = strstr(buf_cstr(head), cookie);

	if (p != NULL)
		snprintf(r->cookie, sizeof(r->cookie), "%.*s",
		    (int)strcspn(p, ";\r"), p);
	if (show)
		fprintf(stderr, "%s%.*s\n\n", buf_cstr(head), VIEW_ARGS(body));
	buf_add_view(&r->past, buf_view(head));
	buf_add_view(&r->past, body);
	buf_reset(&r->before);
	buf_add_view(&r->before, body);
}

static enum place
place_of(struct view body)
{
	if (body.len == 0 || memchr("{[", body.data[0], 2) == NULL)
		return PLACE_URL;
	return PLACE_JSON;
}

/* What pki-server asks through the control socket. */
static void
command(struct run *r, const struct buf *name, const struct buf *args)
{
	AUTO_BUF out = buf_empty(0), head = buf_empty(0);
	struct err e = { RC_OK, "" };

	api_roles_metrics(h->ca, &head); /* shows what commands have changed */
	buf_reset(&head);
	if (ca_control(h->ca->sub, buf_cstr(name),
		args->len > 0 ? buf_view(args) : view_str("{}"), &out,
		&e) != RC_OK) {
		if (e.text[0] == '\0')
			abort();
		return;
	}
	remember(r, &head, buf_view(&out));
}

static void
step(struct run *r, struct view text)
{
	AUTO_BUF head = buf_empty(EXPANDED_MAX), lines = buf_empty(0),
		 target = buf_empty(EXPANDED_MAX), who = buf_empty(0),
		 body = buf_empty(EXPANDED_MAX), out = buf_empty(0),
		 der = buf_empty(0);
	struct harness_caller caller = { .session = false };
	struct view top = cut(&text, "\n\n"), line = cut(&top, "\n");
	struct view name = cut(&line, " "), method = cut(&line, " ");
	bool plain = find(top, "Content-Type: text") != NULL ||
	    find(top, "ocsp-request") != NULL || view_is(text, "@{^}");

	expand(r, &who, name, PLACE_PLAIN);
	expand(r, &target, line, PLACE_URL);
	expand(r, &body, text, plain ? PLACE_PLAIN : place_of(text));
	if (view_is(method, "CONTROL")) {
		command(r, &target, &body);
		return;
	}
	AUTO_STR words = buf_steal_str(&who);
	if (words == NULL)
		return;
	be(r, &caller, words, &der, &lines);
	add_word(&head, method);
	buf_add_char(&head, ' ');
	add_word(&head, buf_view(&target));
	buf_add_str(&head, " HTTP/1.1\r\nHost: localhost\r\n");
	buf_add_view(&head, buf_view(&lines));
	add_headers(r, &head, top, buf_view(&body));
	if (head.failed != RC_OK || body.failed != RC_OK)
		return;
	remember(r, &out,
	    harness_call(h, buf_view(&head), buf_view(&body), &caller, &out));
	harness_end(h);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct run r = { buf_empty(PAST_MAX), buf_empty(PAST_MAX), "" };
	struct view in = view_of(data, len);

	if (h == NULL)
		setup();
	harness_restore(h);
	for (int i = 0; i < STEPS_MAX && len <= INPUT_MAX && in.len > 0; i++)
		step(&r, cut(&in, "\n%%\n"));
	buf_done(&r.past);
	buf_done(&r.before);
	return 0;
}
