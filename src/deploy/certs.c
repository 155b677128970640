/* SPDX-License-Identifier: Apache-2.0 */
/* certs.c - keys and certificates of a new CA (spec deployment 2.6, profiles
 * 16).
 * Owns:    nothing; results go into struct install, keystore and store.
 * Trusts:  checked values; the shipped bootstrap profiles.
 * Threads: one. */

#include "base/file.h"
#include "ca/enroll.h"
#include "deploy/install.h"
#include "deploy/join.h"
#include "deploy/plans.h"
#include "keys/keyid.h"
#include "keys/pkcs12.h"
#include "profile/engine.h"
#include "x509/gn.h"
#include "x509/name.h"
#include "x509/req.h"

static enum rc
write_pem(struct install *in, const char *id, const char *suffix,
    const char *label, struct view der, struct err *e)
{
	AUTO_BUF path = buf_empty(4096);
	AUTO_BUF pem = buf_empty(0);

	buf_addf(&path, "%s/%s.%s", in->paths->certs, id, suffix);
	text_add_pem(&pem, label, der, "\n");
	return file_write(buf_cstr(&path), buf_view(&pem), 0660, e);
}

/* The CA's request asks for what it will be (spec deployment 2.6). */
static enum rc
csr_extensions(const struct plan *p, struct ext_list *l, struct err *e)
{
	struct basic_constraints bc = { .ca = true, .path_len = -1 };
	AUTO_BUF b = buf_empty(256);
	enum rc rc;

	if (p != &plan_signing)
		return RC_OK;
	ext_put_basic_constraints(&b, &bc);
	rc = ext_list_set_buf(l, OID_basicConstraints, true, &b, e);
	if (rc != RC_OK)
		return rc;
	ext_put_bits(&b,
	    EXT_KU_DIGITAL_SIGNATURE | EXT_KU_NON_REPUDIATION |
		EXT_KU_KEY_CERT_SIGN | EXT_KU_CRL_SIGN);
	return ext_list_set_buf(l, OID_keyUsage, true, &b, e);
}

/* What one certificate goes through. */
struct making {
	struct install *in;
	const struct plan *plan;
	struct arena *arena;
	struct key *key;
	struct buf subject, csr, der;
	struct profile *profile;
	struct request_rec *req;
	struct cert_template t;
	bool generated; /* the key is a new one */
};

/* The subject of the parameters, unless there is a certificate with one. */
static enum rc
need_subject(struct making *m, struct err *e)
{
	enum rc rc = RC_OK;

	if (m->subject.len == 0) {
		m->subject = buf_empty(NAME_DER_MAX);
		rc = name_parse(&m->subject,
		    view_str(plan_param(m->in, m->plan, "subject_dn")), e);
	}
	if (rc != RC_OK)
		return err_prefix(e, "%s_subject_dn", m->plan->prefix);
	return RC_OK;
}

/* A request file, when it is there and for this key. */
static enum rc
load_csr(struct making *m, const char *path, bool *found, struct err *e)
{
	AUTO_BUF text = buf_empty(REQ_DER_MAX * 2);
	struct req r;
	enum rc rc;

	*found = false;
	if (path[0] == '\0' || !file_exists(path))
		return RC_OK;
	buf_reset(&m->csr);
	if ((rc = file_read(&text, path, e)) != RC_OK ||
	    (rc = text_pem(&m->csr, buf_view(&text), NULL, e)) != RC_OK ||
	    (rc = req_parse(&r, buf_view(&m->csr), e)) != RC_OK)
		return err_prefix(e, "%s", path);
	*found = m->key == NULL || view_eq(r.spki, key_spki(m->key));
	return RC_OK;
}

/* The request that came with the key, in <prefix>_csr_path or in certs/. */
static enum rc
find_csr(struct making *m, bool *found, struct err *e)
{
	AUTO_BUF path = buf_empty(4096);
	enum rc rc = RC_OK;

	*found = false;
	m->csr = buf_empty(REQ_DER_MAX);
	if (!m->in->step_one && m->plan->tag != NULL)
		rc = load_csr(
		    m, plan_param(m->in, m->plan, "csr_path"), found, e);
	if (rc != RC_OK || *found)
		return rc;
	buf_addf(&path, "%s/%s.csr", m->in->paths->certs, m->plan->file_id);
	return load_csr(m, buf_cstr(&path), found, e);
}

static enum rc
make_csr(struct making *m, struct err *e)
{
	AUTO_BUF tbs = buf_empty(REQ_DER_MAX);
	struct ext_list exts;
	bool found;
	enum rc rc;

	if ((rc = need_subject(m, e)) != RC_OK ||
	    (rc = find_csr(m, &found, e)) != RC_OK)
		return rc;
	if (found)
		return write_pem(m->in, m->plan->file_id, "csr",
		    "CERTIFICATE REQUEST", buf_view(&m->csr), e);
	buf_reset(&m->csr);
	ext_list_init(&exts, m->arena);
	if ((rc = csr_extensions(m->plan, &exts, e)) != RC_OK)
		return rc;
	req_tbs_put(&tbs, buf_view(&m->subject), key_spki(m->key), &exts);
	if ((rc = buf_check(&tbs, e)) != RC_OK ||
	    (rc = key_sign_object(m->key,
		 plan_alg(m->in, m->plan, "key_algorithm", m->key),
		 buf_view(&tbs), &m->csr, e)) != RC_OK)
		return rc;
	return write_pem(m->in, m->plan->file_id, "csr", "CERTIFICATE REQUEST",
	    buf_view(&m->csr), e);
}

static enum rc
load_profile(struct making *m, struct err *e)
{
	AUTO_BUF text = buf_empty(PROFILE_TEXT_MAX);
	AUTO_STR path = NULL;
	char rest[256];
	enum rc rc;

	snprintf(rest, sizeof(rest), "/ca/conf/%s.profile",
	    key_type(m->key) == KEYTYPE_RSA ? m->plan->profile_rsa
					    : m->plan->profile_ec);
	path = paths_share(rest);
	if (path == NULL)
		return err_set(e, RC_NOMEM, "installation profile");
	if ((rc = file_read(&text, path, e)) != RC_OK)
		return rc;
	rc = profile_parse_bootstrap(&m->profile, buf_view(&text), path, e);
	return rc == RC_OK ? RC_OK : err_prefix(e, "%s", path);
}

/* The request record of the installer: what makes it renewable later. */
static enum rc
make_request(struct making *m, struct err *e)
{
	AUTO_BUF pem = buf_empty(REQ_DER_MAX * 2);
	struct num id = num_from_u64(0); /* its own when it is recorded */

	m->req = request_rec_new(&id, "enrollment");
	if (m->req == NULL)
		return err_set(e, RC_NOMEM, "request");
	text_add_pem(&pem, "CERTIFICATE REQUEST", buf_view(&m->csr), "\n");
	m->req->created = m->req->modified = clock_now(&clock_system);
	request_set(m->req, "requesttype", "enrollment");
	request_set(m->req, "profile", "true");
	request_set(m->req, "profileid", m->profile->id);
	request_set(m->req, "profilesetid", m->profile->sets[0].id);
	request_set(m->req, "cert_request_type", "pkcs10");
	request_set(m->req, "cert_request", buf_cstr(&pem));
	request_set_bytes(m->req, "req_key", key_spki(m->key));
	request_set_bytes(m->req, "req_subject_name", buf_view(&m->subject));
	return RC_OK;
}

static enum rc
add_sans(struct making *m, struct err *e)
{
	AUTO_STR list = strdup(values_str(m->in->v, "pki_san_for_server_cert"));
	AUTO_BUF names = buf_empty(64 * 1024);
	AUTO_BUF value = buf_empty(64 * 1024);
	char *item[64];
	size_t n;

	if (m->plan != &plan_sslserver ||
	    !values_bool(m->in->v, "pki_san_inject") || list == NULL)
		return RC_OK;
	n = text_split(list, ",", item, 64);
	for (size_t i = 0; i < n && i < 64; i++)
		gn_put(&names,
		    &(struct gn){ .type = GN_DNS, .value = view_str(item[i]) });
	ext_put_names(&value, buf_view(&names));
	return ext_list_set_buf(
	    &m->t.exts, OID_subjectAltName, false, &value, e);
}

static void
fill_env(struct making *m, struct profile_env *env, uint8_t room[DIGEST_MAX])
{
	struct install *in = m->in;
	static enum sigalg one;
	int64_t port = 0;

	rc_ignore(text_int(&port, values_str(in->v, "pki_http_port"), 0, 65535,
	    NULL)); /* checked before */
	one = in->ca_alg;
	*env = (struct profile_env){ .now = clock_now(&clock_system),
		.ca_sigalg = in->ca_alg,
		.sigalgs = &one,
		.n_sigalgs = 1,
		.host = values_str(in->v, "pki_hostname"),
		.port = (unsigned)port,
		.ocsp_uri = values_str(in->v, "pki_default_ocsp_uri") };
	if (m->plan == &plan_signing) {
		env->ca_subject = buf_view(&m->subject);
		return;
	}
	env->ca_subject = in->ca_cert.subject;
	env->ca_not_before = in->ca_cert.not_before;
	env->ca_not_after = in->ca_cert.not_after;
	rc_ignore(cert_key_id(&in->ca_cert, &env->ca_key_id, room,
	    NULL)); /* our own certificate was just parsed */
}

static enum rc
sign(struct making *m, struct err *e)
{
	struct install *in = m->in;
	struct key *signer = m->plan == &plan_signing ? m->key : in->ca_key;
	AUTO_BUF tbs = buf_empty(CERT_DER_MAX);
	uint8_t room[DIGEST_MAX];
	struct profile_env env;
	const char *fixed = values_str(in->v, "pki_ca_signing_serial_number");
	enum rc rc;

	if (m->plan == &plan_signing)
		in->ca_alg = plan_alg(in, m->plan, "key_algorithm", m->key);
	fill_env(m, &env, room);
	template_init(&m->t, m->arena);
	m->t.subject = buf_view(&m->subject);
	m->t.spki = key_spki(m->key);
	rc = profile_populate(m->profile, &env, m->req, &m->t, e);
	if (rc == RC_OK)
		rc = add_sans(m, e);
	if (rc != RC_OK)
		return err_prefix(e, "%s certificate", m->plan->file_id);
	m->t.issuer = env.ca_subject;
	m->t.sigalg = in->ca_alg;
	if (m->plan != &plan_signing && m->t.not_after > in->ca_cert.not_after)
		m->t.not_after = in->ca_cert.not_after;
	rc = m->plan == &plan_signing && fixed[0] != '\0'
	    ? num_parse(&m->t.serial, fixed, false, e)
	    : install_number(in, RANGE_SERIAL, &m->t.serial, e);
	if (rc != RC_OK || (rc = template_tbs(&tbs, &m->t, e)) != RC_OK)
		return rc;
	m->der = buf_empty(CERT_DER_MAX);
	return key_sign_object(signer, in->ca_alg, buf_view(&tbs), &m->der, e);
}

/* Has the administrator entered this very certificate already? */
static bool
recorded(struct making *m)
{
	AUTO(rec) r = NULL;
	char hex[NUM_TEXT_MAX];
	struct cert x;
	struct cert_rec c;

	return cert_parse(&x, buf_view(&m->der), NULL) == RC_OK &&
	    store_get(m->in->store, &r, REC_CERT, num_hex(hex, &x.serial),
		NULL) == RC_OK &&
	    cert_rec_decode(&c, r, m->arena, NULL) == RC_OK &&
	    view_eq(c.der, buf_view(&m->der));
}

static enum rc
record(struct making *m, struct err *e)
{
	AUTO(batch) b = batch_new();
	const char *meta[3] = { NULL };
	char dec[NUM_TEXT_MAX];
	struct cert_rec c;
	struct rec *r;
	enum rc rc;

	if (recorded(m))
		return RC_OK;
	if ((rc = install_number(m->in, RANGE_REQUEST, &m->req->id, e)) !=
	    RC_OK)
		return rc;
	meta[0] =
	    arena_printf(m->arena, "requestId:%s", num_dec(dec, &m->req->id));
	meta[1] = arena_printf(m->arena, "profileId:%s", m->profile->id);
	rc = ca_cert_record(&c, buf_view(&m->der), "system", meta,
	    clock_now(&clock_system), m->arena, e);
	if (rc != RC_OK)
		return rc;
	m->req->state = REQUEST_COMPLETE;
	request_set(m->req, "requeststatus", "complete");
	request_set(m->req, "result", "1");
	request_set_bytes(m->req, "req_issued_cert", buf_view(&m->der));
	if (b == NULL || (r = request_rec_encode(m->req)) == NULL)
		return err_set(e, RC_NOMEM, "request");
	batch_add(b, r);
	if ((r = cert_rec_encode(&c)) == NULL)
		return err_set(e, RC_NOMEM, "certificate record");
	batch_add(b, r);
	return store_commit(m->in->store, b, e);
}

/* ca.<tag>.* and cloning.<tag>.privkey.id of CS.cfg. */
static enum rc
write_tag(struct making *m, const char *nick, struct err *e)
{
	struct install *in = m->in;
	const char *tag = m->plan->tag, *token = plan_token(in, m->plan);
	char names[5][128], id[KEYID_TEXT_MAX];
	AUTO_BUF full = buf_empty(4096);
	enum rc rc;

	snprintf(names[0], 128, "ca.%s.nickname", tag);
	snprintf(names[1], 128, "ca.%s.tokenname", tag);
	snprintf(names[2], 128, "ca.cert.%s.nickname", tag);
	snprintf(names[3], 128, "ca.cert.%s.certusage", tag);
	snprintf(names[4], 128, "ca.%s.defaultSigningAlgorithm", tag);
	plan_nickname(in, m->plan, &full);
	if ((rc = cfg_set(in->cs, names[0], nick, e)) != RC_OK ||
	    (rc = cfg_set(in->cs, names[1], token != NULL ? token : "internal",
		 e)) != RC_OK ||
	    (rc = cfg_set(in->cs, names[2], buf_cstr(&full), e)) != RC_OK ||
	    (rc = cfg_set(in->cs, names[3], m->plan->usage, e)) != RC_OK)
		return rc;
	/* keys of TLS sign what TLS says */
	if (strstr(tag, "signing") != NULL &&
	    (rc = cfg_set(in->cs, names[4],
		 sigalg_name(
		     plan_alg(in, m->plan, "signing_algorithm", m->key)),
		 e)) != RC_OK)
		return rc;
	if (strcmp(tag, "sslserver") == 0)
		return RC_OK;
	snprintf(names[0], 128, "cloning.%s.privkey.id", tag);
	if ((rc = keyid_encode(id, key_id(m->key), e)) != RC_OK)
		return rc;
	return cfg_set(in->cs, names[0], id, e);
}

/* On a token other tools still find what they need in the database: trust is
 * kept there, and these certificates (spec deployment 2.6). */
static enum rc
import_copy(struct making *m, const char *nick, struct err *e)
{
	if (plan_token(m->in, m->plan) == NULL || m->plan == &plan_ocsp ||
	    m->plan == &plan_subsystem)
		return RC_OK;
	return keystore_import_cert(
	    m->in->ks, nick, buf_view(&m->der), m->plan->trust, e);
}

static enum rc
import(struct making *m, const char *nick, struct err *e)
{
	struct install *in = m->in;
	AUTO_BUF full = buf_empty(4096);
	enum rc rc;

	if (m->plan == &plan_admin) /* leaves the instance, see install_admin */
		return RC_OK;
	plan_nickname(in, m->plan, &full);
	rc = keystore_import_cert(
	    in->ks, buf_cstr(&full), buf_view(&m->der), m->plan->trust, e);
	if (rc != RC_OK || m->plan->tag == NULL)
		return rc;
	if ((rc = import_copy(m, nick, e)) != RC_OK ||
	    (rc = write_pem(in, m->plan->file_id, "crt", "CERTIFICATE",
		 buf_view(&m->der), e)) != RC_OK)
		return rc;
	return write_tag(m, nick, e);
}

/* A certificate with its key that is there already under the configured name is
 * kept (spec deployment 2.4); *found tells. */
static enum rc
take_existing(struct making *m, bool *found, struct err *e)
{
	AUTO_BUF full = buf_empty(4096);
	struct cert c;
	enum rc rc;

	*found = false;
	if (m->plan->tag == NULL)
		return RC_OK;
	plan_nickname(m->in, m->plan, &full);
	m->der = buf_empty(CERT_DER_MAX);
	rc =
	    keystore_find_pair(m->in->ks, &m->key, &m->der, buf_cstr(&full), e);
	if (rc == RC_NOTFOUND)
		return RC_OK;
	if (rc != RC_OK || (rc = cert_parse(&c, buf_view(&m->der), e)) != RC_OK)
		return rc;
	install_say(m->in, "Keeping the certificate \"%s\"", buf_cstr(&full));
	m->subject = buf_empty(NAME_DER_MAX);
	buf_add_view(&m->subject, c.subject);
	*found = true;
	return buf_check(&m->subject, e);
}

/* The key of a request that an earlier step has left in certs/, else a new
 * one. */
static enum rc
make_key(struct making *m, struct err *e)
{
	const char *token = plan_token(m->in, m->plan);
	struct keygen g;
	struct req r;
	bool found = false;
	enum rc rc;

	if ((rc = plan_keygen(m->in, m->plan, &g, e)) != RC_OK)
		return rc;
	if (m->plan->tag != NULL) {
		rc = find_csr(m, &found, e);
		if (rc == RC_OK && found)
			rc = req_parse(&r, buf_view(&m->csr), e);
		if (rc != RC_OK)
			return rc;
	}
	if (found) {
		rc = keystore_find_key(m->in->ks, &m->key, token, r.spki, e);
		if (rc != RC_NOTFOUND)
			return rc;
	}
	m->generated = true;
	return keystore_generate(m->in->ks, &m->key, token, &g, e);
}

/* Has this CA issued it, so that its repository lists it? */
static bool
is_ours(struct making *m)
{
	struct view issuer = m->plan == &plan_signing ? buf_view(&m->subject)
						      : m->in->ca_cert.subject;
	struct cert c;

	if (m->in->clone || cert_parse(&c, buf_view(&m->der), NULL) != RC_OK ||
	    !view_eq(c.issuer, issuer))
		return false;
	return m->plan != &plan_signing ||
	    values_bool(m->in->v, "pki_ca_signing_record_create");
}

/* Who signs: this CA, or the one that join_begin has talked to. */
static enum rc
issue(struct making *m, struct err *e)
{
	if (m->plan == (m->in->clone ? &plan_sslserver : &plan_signing) &&
	    (m->in->clone || m->in->subordinate)) {
		m->der = buf_empty(CERT_DER_MAX);
		return join_enroll(m->in, m->plan, key_type(m->key),
		    buf_view(&m->csr), &m->der, e);
	}
	if (m->plan == &plan_signing && m->in->external)
		return err_set(e, RC_INVALID,
		    "no certificate \"%s\" with its key: set "
		    "pki_ca_signing_cert_path to what the external CA has "
		    "issued, or pki_pkcs12_path",
		    plan_param(m->in, m->plan, "nickname"));
	return sign(m, e);
}

static enum rc
make_steps(struct making *m, struct err *e)
{
	const char *nick = plan_param(m->in, m->plan, "nickname");
	bool found;
	enum rc rc;

	if ((rc = take_existing(m, &found, e)) != RC_OK ||
	    (!found && (rc = make_key(m, e)) != RC_OK) ||
	    (rc = make_csr(m, e)) != RC_OK ||
	    (rc = load_profile(m, e)) != RC_OK ||
	    (rc = make_request(m, e)) != RC_OK ||
	    (!found && (rc = issue(m, e)) != RC_OK) ||
	    (rc = import(m, nick, e)) != RC_OK)
		return rc;
	return is_ours(m) ? record(m, e) : RC_OK;
}

/* Step one of one certificate: its key and request. */
static enum rc
request_steps(struct making *m, struct err *e)
{
	const char *path = plan_param(m->in, m->plan, "csr_path");
	AUTO_BUF pem = buf_empty(0);
	enum rc rc;

	if ((rc = make_key(m, e)) != RC_OK || (rc = make_csr(m, e)) != RC_OK)
		return rc;
	text_add_pem(&pem, "CERTIFICATE REQUEST", buf_view(&m->csr), "\n");
	rc = file_write(path, buf_view(&pem), 0644, e);
	return rc == RC_OK ? RC_OK
			   : err_prefix(e, "%s_csr_path", m->plan->prefix);
}

/* Runs the steps; der and key may be NULL. */
static enum rc
work(struct install *in, const struct plan *p,
    enum rc (*steps)(struct making *m, struct err *e), struct buf *der,
    struct key **key, struct err *e)
{
	AUTO(arena) a = arena_new(0);
	struct making m = { .in = in, .plan = p, .arena = a };
	enum rc rc;

	rc = a != NULL ? steps(&m, e) : err_set(e, RC_NOMEM, "memory");
	/* a key made in vain does not stay; the first error is reported */
	if (rc != RC_OK && m.generated && m.key != NULL)
		rc_ignore(keystore_delete_key(in->ks, m.key, NULL));
	if (rc == RC_OK && der != NULL)
		buf_add_view(der, buf_view(&m.der));
	if (rc == RC_OK && key != NULL)
		*key = key_ref(m.key);
	key_free(m.key);
	profile_free(m.profile);
	request_rec_free(m.req);
	buf_done(&m.subject);
	buf_done(&m.csr);
	buf_done(&m.der);
	return rc;
}

static enum rc
make(struct install *in, const struct plan *p, struct buf *der,
    struct key **key, struct err *e)
{
	install_say(in, "Creating %s certificate", p->file_id);
	return work(in, p, make_steps, der, key, e);
}

enum rc
install_requests(struct install *in, struct err *e)
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && plans_all[i] != NULL; i++) {
		const struct plan *p = plans_all[i];

		if (!plan_wanted(in, p) ||
		    plan_param(in, p, "csr_path")[0] == '\0')
			continue;
		install_say(in, "Creating %s request", p->file_id);
		rc = work(in, p, request_steps, NULL, NULL, e);
	}
	return rc;
}

enum rc
install_certs(struct install *in, struct err *e)
{
	const char *audit = values_str(in->v, "pki_audit_signing_nickname");
	AUTO_BUF pem = buf_empty(64 * 1024 * 1024);
	AUTO_BUF path = buf_empty(4096);
	enum rc rc;

	if ((rc = make(in, &plan_signing, &in->ca_der, &in->ca_key, e)) !=
		RC_OK ||
	    (rc = cert_parse(&in->ca_cert, buf_view(&in->ca_der), e)) != RC_OK)
		return rc;
	in->ca_alg =
	    plan_alg(in, &plan_signing, "signing_algorithm", in->ca_key);
	if ((rc = cfg_set(in->cs, "ca.crl.MasterCRL.signingAlgorithm",
		 sigalg_name(in->ca_alg), e)) != RC_OK ||
	    (rc = make(in, &plan_ocsp, NULL, NULL, e)) != RC_OK ||
	    (rc = make(in, &plan_sslserver, NULL, NULL, e)) != RC_OK ||
	    (rc = make(in, &plan_subsystem, &in->subsystem_der, NULL, e)) !=
		RC_OK)
		return rc;
	if (audit[0] != '\0') {
		if ((rc = make(in, &plan_audit, NULL, NULL, e)) != RC_OK ||
		    (rc = cfg_set(in->cs,
			 "log.instance.SignedAudit.signedAuditCertNickname",
			 cfg_str(
			     in->cs, "ca.cert.audit_signing.nickname", audit),
			 e)) != RC_OK)
			return rc;
	}
	rc = cfg_set(in->cs, "ca.cert.list",
	    audit[0] != '\0'
		? "signing,ocsp_signing,sslserver,subsystem,audit_signing"
		: "signing,ocsp_signing,sslserver,subsystem",
	    e);
	if (rc != RC_OK)
		return rc;
	text_add_pem(&pem, "CERTIFICATE", buf_view(&in->ca_der), "\n");
	buf_add_view(&pem, buf_view(&in->chain));
	buf_addf(&path, "%s/ca.crt", in->paths->alias);
	return file_write(buf_cstr(&path), buf_view(&pem), 0644, e);
}

/* pki_backup_keys: every system certificate but the server's own, with its key,
 * as a clone would need them. */
enum rc
install_backup(struct install *in, struct err *e)
{
	static const struct plan *const all[] = { &plan_signing, &plan_ocsp,
		&plan_subsystem, &plan_audit };
	const char *given = values_str(in->v, "pki_backup_file");
	AUTO(secret)
	password =
	    secret_new(view_str(values_str(in->v, "pki_backup_password")));
	AUTO(pkcs12) p12 = pkcs12_new();
	AUTO_BUF path = buf_empty(4096);
	AUTO_BUF der = buf_empty(0);
	enum rc rc = RC_OK;

	if (!values_bool(in->v, "pki_backup_keys"))
		return RC_OK;
	if (p12 == NULL || password == NULL)
		return err_set(e, RC_NOMEM, "backup of keys");
	install_say(in, "Backing up the keys");
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		const char *nick = plan_param(in, all[i], "nickname");
		if (nick[0] == '\0')
			continue;
		rc = pkcs12_add_from(p12, in->ks, nick, false, true, e);
		if (rc != RC_OK)
			return err_prefix(e, "backup of %s", nick);
	}
	if (given[0] != '\0')
		buf_add_str(&path, given);
	else
		buf_addf(&path, "%s/ca_backup_keys.p12", in->paths->alias);
	if ((rc = pkcs12_encode(&der, p12, password, e)) != RC_OK)
		return rc;
	return file_write(buf_cstr(&path), buf_view(&der), 0600, e);
}

/* pki_admin_cert_path: the administrator has a certificate and its key. */
static enum rc
take_admin(struct install *in, const char *path, struct err *e)
{
	AUTO_BUF text = buf_empty(CERT_DER_MAX * 2);
	AUTO_BUF pem = buf_empty(0);
	struct cert c;
	enum rc rc;

	in->admin_der = buf_empty(CERT_DER_MAX);
	if ((rc = file_read(&text, path, e)) != RC_OK ||
	    (rc = text_pem(
		 &in->admin_der, buf_view(&text), "CERTIFICATE", e)) != RC_OK ||
	    (rc = cert_parse(&c, buf_view(&in->admin_der), e)) != RC_OK)
		return err_prefix(e, "pki_admin_cert_path: %s", path);
	text_add_pem(&pem, "CERTIFICATE", buf_view(&in->admin_der), "\n");
	return file_write(values_str(in->v, "pki_client_admin_cert"),
	    buf_view(&pem), 0644, e);
}

/* The key leaves the instance in the administrator's PKCS #12 file and is never
 * in the database. */
enum rc
install_admin(struct install *in, struct err *e)
{
	const char *given = values_str(in->v, "pki_admin_cert_path");
	const char *nick = values_str(in->v, "pki_admin_nickname"),
		   *p12_path = values_str(in->v, "pki_client_admin_cert_p12"),
		   *cert_path = values_str(in->v, "pki_client_admin_cert");
	AUTO(pkcs12) p12 = pkcs12_new();
	AUTO_BUF der = buf_empty(0);
	AUTO_BUF pem = buf_empty(0);
	AUTO(key) key = NULL;
	enum rc rc;

	if (given[0] != '\0')
		return take_admin(in, given, e);
	if (p12 == NULL)
		return err_set(e, RC_NOMEM, "PKCS #12");
	if ((rc = make(in, &plan_admin, &in->admin_der, &key, e)) != RC_OK ||
	    (rc = pkcs12_add_pair(p12, key, buf_view(&in->admin_der), nick,
		 "u,u,u", e)) != RC_OK ||
	    (rc = pkcs12_encode(&der, p12, in->pkcs12_password, e)) != RC_OK)
		return rc;
	text_add_pem(&pem, "CERTIFICATE", buf_view(&in->admin_der), "\n");
	if ((rc = file_write(cert_path, buf_view(&pem), 0644, e)) != RC_OK)
		return rc;
	return file_write(p12_path, buf_view(&der), 0600, e);
}
