/* SPDX-License-Identifier: Apache-2.0 */
/* import.c - certificates, requests and profiles made elsewhere, put into the CA's
 * records (spec deployment 7.5).
 * Owns:    nothing.
 * Trusts:  its caller for authorisation and for the CA's signature.
 * Threads: any. */
#include "ca/records_int.h"

#include "ca/enroll.h"
#include "ca/profiles.h"
#include "store/rec_cert.h"
#include "store/rec_request.h"
#include "x509/req.h"

/* base64 of an argument, appended; RC_USAGE when it is missing. */
static enum rc
bytes(struct buf *out, const json_t *args, const char *name, struct err *e)
{
	const char *text = records_arg(args, name);

	if (text == NULL)
		return err_set(e, RC_USAGE, "%s is missing", name);
	return text_base64(out, view_str(text), e);
}

enum rc
records_cert_add(
    struct store *s, const json_t *args, struct buf *out, struct err *e)
{
	const char *meta[3] = { NULL };
	const char *request = records_arg(args, "request"),
		   *profile = records_arg(args, "profile");
	AUTO_BUF der = buf_empty(CERT_DER_MAX);
	AUTO(arena) a = arena_new(0);
	AUTO(batch) b = batch_new();
	char dec[NUM_TEXT_MAX];
	struct cert_rec c;
	struct num id;
	struct rec *r;
	size_t n = 0;
	enum rc rc;

	(void)out;
	if (a == NULL || b == NULL)
		return err_set(e, RC_NOMEM, "certificate record");
	if ((rc = bytes(&der, args, "cert", e)) != RC_OK ||
	    (request != NULL &&
		(rc = num_parse(&id, request, false, e)) != RC_OK))
		return rc;
	if (request != NULL)
		meta[n++] = arena_printf(a, "requestId:%s", num_dec(dec, &id));
	if (profile != NULL)
		meta[n++] = arena_printf(a, "profileId:%s", profile);
	rc = ca_cert_record(&c, buf_view(&der), "pki-server", meta,
	    clock_now(&clock_system), a, e);
	if (rc != RC_OK)
		return rc;
	if ((r = cert_rec_encode(&c)) == NULL)
		return err_set(e, RC_NOMEM, "certificate record");
	batch_add(b, r);
	rc = store_commit(s, b, e);
	return rc == RC_EXISTS
	    ? err_set(e, rc, "Certificate serial number already used")
	    : rc;
}

/* What the request says, with the certificate that came of it where there is
 * one. */
static enum rc
fill(struct request_rec *q, const json_t *args, struct view csr, struct err *e)
{
	AUTO_BUF pem = buf_empty(REQ_DER_MAX * 2), cert = buf_empty(0);
	struct req r;
	enum rc rc;

	if ((rc = req_parse(&r, csr, e)) != RC_OK)
		return rc;
	text_add_pem(&pem, "CERTIFICATE REQUEST", csr, "\n");
	q->created = q->modified = clock_now(&clock_system);
	q->state = REQUEST_PENDING;
	request_set(q, "requesttype", "enrollment");
	request_set(q, "requeststatus", "pending");
	request_set(q, "profile", "true");
	request_set(q, "profileid", records_arg(args, "profile"));
	request_set(q, "profilesetid", records_arg(args, "set"));
	request_set(q, "cert_request_type", "pkcs10");
	request_set(q, "cert_request", buf_cstr(&pem));
	request_set_bytes(q, "req_key", r.spki);
	request_set_bytes(q, "req_subject_name", r.subject);
	if (records_arg(args, "cert") == NULL)
		return RC_OK;
	if ((rc = bytes(&cert, args, "cert", e)) != RC_OK)
		return rc;
	q->state = REQUEST_COMPLETE;
	request_set(q, "requeststatus", "complete");
	request_set(q, "result", "1");
	request_set_bytes(q, "req_issued_cert", buf_view(&cert));
	return RC_OK;
}

/* Adds r, which is used up; taken names id where there is one already. */
static enum rc
add_new(struct store *s, struct rec *r, const char *taken, const char *id,
    struct err *e)
{
	AUTO(rec) owned = r;
	AUTO(batch) b = batch_new();
	enum rc rc;

	if (b == NULL || r == NULL)
		return err_set(e, RC_NOMEM, "record %s", id);
	batch_add(b, rec_steal(&owned));
	rc = store_commit(s, b, e);
	return rc == RC_EXISTS ? err_set(e, rc, "%s: %s", taken, id) : rc;
}

enum rc
records_request_add(
    struct store *s, const json_t *args, struct buf *out, struct err *e)
{
	const char *text = records_arg(args, "id");
	AUTO_BUF csr = buf_empty(REQ_DER_MAX);
	AUTO(request_rec) q = NULL;
	struct num id;
	enum rc rc;

	(void)out;
	if (text == NULL)
		return err_set(e, RC_USAGE, "id is missing");
	if ((rc = num_parse(&id, text, false, e)) != RC_OK ||
	    (rc = bytes(&csr, args, "csr", e)) != RC_OK)
		return rc;
	if ((q = request_rec_new(&id, "enrollment")) == NULL)
		return err_set(e, RC_NOMEM, "request");
	if ((rc = fill(q, args, buf_view(&csr), e)) != RC_OK)
		return rc;
	return add_new(
	    s, request_rec_encode(q), "Request ID already used", text, e);
}

/* ---- profiles ---- */

enum rc
records_profile_add(
    struct store *s, const json_t *args, struct buf *out, struct err *e)
{
	const char *id = records_arg(args, "id"),
		   *text = records_arg(args, "text");
	AUTO(profile) x = NULL;
	enum rc rc;

	(void)out;
	if (id == NULL || text == NULL)
		return err_set(e, RC_USAGE, "id and text are needed");
	if (!profile_id_is_valid(id))
		return err_set(e, RC_INVALID, "Invalid profile ID: %s", id);
	if ((rc = profile_parse(&x, view_str(text), id, e)) != RC_OK)
		return rc;
	return add_new(s, profiles_encode(x), "Profile already exists", id, e);
}

enum rc
records_profile_mod(
    struct store *s, const json_t *args, struct buf *out, struct err *e)
{
	static const char *const keys[] = { "name", "desc", "visible",
		"enable" };
	struct profile_param changes[sizeof(keys) / sizeof(keys[0])];
	const char *id = records_arg(args, "id");
	AUTO(profile) old = NULL;
	AUTO(profile) x = NULL;
	AUTO(rec) r = NULL;
	AUTO(rec) now = NULL;
	AUTO(batch) b = batch_new();
	size_t n = 0;
	enum rc rc;

	(void)out;
	if (id == NULL || b == NULL)
		return err_set(e, RC_USAGE, "id is missing");
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (records_arg(args, keys[i]) != NULL)
			changes[n++] = (struct profile_param){ keys[i],
				records_arg(args, keys[i]) };
	rc = store_get(s, &r, REC_PROFILE, id, e);
	if (rc != RC_OK)
		return rc == RC_NOTFOUND
		    ? err_set(e, rc, "Profile %s Not Found", id)
		    : rc;
	if ((rc = profiles_decode(&old, r, e)) != RC_OK ||
	    (rc = profile_edit(&x, old, changes, n, e)) != RC_OK)
		return rc;
	if ((now = profiles_encode(x)) == NULL)
		return err_set(e, RC_NOMEM, "profile");
	batch_modify(b, REC_PROFILE, id);
	batch_mod(b, MOD_REPLACE, "certProfileConfig",
	    rec_get(now, "certProfileConfig"));
	return store_commit(s, b, e);
}
