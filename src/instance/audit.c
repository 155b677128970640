/* SPDX-License-Identifier: Apache-2.0 */
/* audit.c - write, rotate and sign the audit log (spec ca 4.7).
 * Owns:    the log's descriptor, its buffer and the running digest.
 * Trusts:  callers for the truth of a line; escapes what they hand over.
 * Threads: any; one lock around buffer, digest and file. */
#include "instance/audit.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <strings.h>
#include <sys/stat.h>

#include <openssl/evp.h>

#include "base/file.h"
#include "base/log.h"
#include "base/text.h"
#include "base/thread.h"
#include "store/filter.h"

enum {
	AUDIT_LINE_MAX = 64 * 1024,
	AUDIT_EVENTS_MAX = 200,
	AUDIT_BUFFER_MAX = 1024 * 1024,
	AUDIT_MODE = 0640,
};
#define PREFIX "log.instance.SignedAudit."

static const char default_events[] =
    "ACCESS_SESSION_ESTABLISH,ACCESS_SESSION_TERMINATED,AUDIT_LOG_SIGNING,"
    "AUDIT_LOG_STARTUP,AUTH,AUTHORITY_CONFIG,AUTHZ,CERT_PROFILE_APPROVAL,"
    "CERT_REQUEST_PROCESSED,CERT_SIGNING_INFO,CERT_STATUS_CHANGE_REQUEST,"
    "CERT_STATUS_CHANGE_REQUEST_PROCESSED,CONFIG_ACL,CONFIG_AUTH,"
    "CONFIG_CERT_PROFILE,CONFIG_CRL_PROFILE,CONFIG_ROLE,CONFIG_SIGNED_AUDIT,"
    "CRL_SIGNING_INFO,FULL_CRL_GENERATION,OCSP_SIGNING_INFO,"
    "PROFILE_CERT_REQUEST,PROOF_OF_POSSESSION,ROLE_ASSUME,"
    "SCHEDULE_CRL_GENERATION,SECURITY_DOMAIN_UPDATE,SELFTESTS_EXECUTION";

const char *
audit_default_events(void)
{
	return default_events;
}

struct audit {
	const struct clock *clock;
	char *path;
	char *events_text, *events[AUDIT_EVENTS_MAX];
	size_t n_events;
	struct filter *filters[AUDIT_EVENTS_MAX]; /* NULL = all */
	bool enabled, signing;
	int64_t flush_ms, max_bytes, rollover_s;
	size_t buffer_size;
	struct key *key;
	enum sigalg alg;

	pthread_mutex_t lock; /* all below */
	int fd;
	int64_t size, opened;
	struct buf pending; /* lines not yet written */
	EVP_MD_CTX *digest; /* of all since, and with, the last signature */
	bool unsigned_lines;
	struct err failed; /* sticky */
};

void
audit_free(struct audit *a)
{
	if (a == NULL)
		return;
	/* what failed before was said then */
	if (a->fd >= 0 && a->failed.rc == RC_OK &&
	    audit_flush(a, NULL) != RC_OK)
		log_error(
		    "audit", "%s: the last lines were not written", a->path);
	fd_closep(&a->fd);
	for (size_t i = 0; i < a->n_events; i++)
		filter_free(a->filters[i]);
	buf_done(&a->pending);
	EVP_MD_CTX_free(a->digest);
	key_free(a->key);
	free(a->events_text);
	free(a->path);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

/* Feeds bytes to the signature in progress. */
static enum rc
digest_add(struct audit *a, const void *data, size_t len, struct err *e)
{
	if (!a->signing)
		return RC_OK;
	if (EVP_DigestUpdate(a->digest, data, len) != 1)
		return err_openssl(e, RC_CRYPTO, "audit log: digest");
	return RC_OK;
}

static enum rc
write_pending(struct audit *a, struct err *e)
{
	size_t done = 0;

	while (done < a->pending.len) {
		ssize_t n =
		    write(a->fd, a->pending.data + done, a->pending.len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			enum rc rc = err_errno(e, "audit log %s", a->path);

			/* no half of a line stays behind */
			if (done > 0 && ftruncate(a->fd, a->size) != 0)
				log_warning("audit",
				    "%s: ends with half a line, continuing",
				    a->path);
			return rc;
		}
		done += (size_t)n;
	}
	a->size += (int64_t)done;
	buf_reset(&a->pending);
	return RC_OK;
}

static enum rc
append(struct audit *a, struct view line, struct err *e)
{
	enum rc rc;

	if ((rc = digest_add(a, line.data, line.len, e)) != RC_OK ||
	    (rc = digest_add(a, "\n", 1, e)) != RC_OK)
		return rc;
	buf_add_view(&a->pending, line);
	buf_add_char(&a->pending, '\n');
	return buf_check(&a->pending, e);
}

static void
begin_line(struct audit *a, struct buf *out)
{
	static const char *const month[] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct civil c = civil_of(clock_now(a->clock));
	char name[16] = "main";

	pthread_getname_np(pthread_self(), name, sizeof(name));
	buf_addf(out, "0.%s - [%02d/%s/%04d:%02d:%02d:%02d UTC] [14] [6] ",
	    name, c.day, month[c.month - 1], c.year, c.hour, c.minute,
	    c.second);
}

/* Signs all since the last signature and begins the next with this one's line
 * (the chain). */
static enum rc
sign(struct audit *a, struct err *e)
{
	AUTO_BUF line = buf_empty(AUDIT_LINE_MAX);
	AUTO_BUF sig = buf_empty(AUDIT_LINE_MAX);
	uint8_t md[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	enum rc rc;

	if (EVP_DigestFinal_ex(a->digest, md, &n) != 1 ||
	    EVP_DigestInit_ex(
		a->digest, digest_md(sigalg_digest(a->alg)), NULL) != 1)
		return err_openssl(e, RC_CRYPTO, "audit log: digest");
	rc = key_sign(a->key, a->alg, view_of(md, n), &sig, e);
	if (rc != RC_OK)
		return err_prefix(e, "audit log signature");
	begin_line(a, &line);
	buf_add_str(&line,
	    "[AuditEvent=AUDIT_LOG_SIGNING][SubjectID=$System$]"
	    "[Outcome=Success] signature of audit buffer just flushed: sig: ");
	buf_add_base64(&line, buf_view(&sig), 0, "");
	if ((rc = buf_check(&line, e)) != RC_OK)
		return rc;
	a->unsigned_lines = false;
	return append(a, buf_view(&line), e);
}

/* Opens the file, or a new one after a rotation. */
static enum rc
open_file(struct audit *a, struct err *e)
{
	struct stat st;

	a->fd = open(
	    a->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, AUDIT_MODE);
	if (a->fd < 0)
		return err_errno(e,
		    "audit log %s cannot be written; check its "
		    "folder's owner and free space",
		    a->path);
	if (fstat(a->fd, &st) != 0)
		return err_errno(e, "audit log %s", a->path);
	a->size = st.st_size;
	a->opened = clock_now(a->clock);
	return RC_OK;
}

static enum rc
rotate_if_due(struct audit *a, struct err *e)
{
	AUTO_BUF to = buf_empty(4096);
	char when[CLOCK_TEXT_MAX];
	int64_t now = clock_now(a->clock);

	if (a->size == 0 ||
	    ((a->max_bytes == 0 || a->size < a->max_bytes) &&
		(a->rollover_s == 0 || now < a->opened + a->rollover_s)))
		return RC_OK;
	buf_addf(&to, "%s.%.14s", a->path, clock_text_dir(when, now));
	if (buf_check(&to, e) != RC_OK)
		return RC_NOMEM;
	if (file_exists(buf_cstr(&to)))
		return RC_OK; /* within one second: next time */
	if (rename(a->path, buf_cstr(&to)) != 0)
		return err_errno(e, "audit log %s: rotate", a->path);
	fd_closep(&a->fd);
	return open_file(a, e);
}

static enum rc
flush_locked(struct audit *a, struct err *e)
{
	enum rc rc;

	if (a->failed.rc != RC_OK)
		return err_set(e, a->failed.rc, "%s", a->failed.text);
	if (a->signing && a->unsigned_lines) {
		rc = sign(a, &a->failed);
		if (rc != RC_OK)
			return err_set(e, rc, "%s", a->failed.text);
	}
	if (a->pending.len == 0)
		return RC_OK;
	rc = write_pending(a, &a->failed);
	if (rc == RC_OK)
		rc = rotate_if_due(a, &a->failed);
	if (rc != RC_OK)
		return err_set(e, rc, "%s", a->failed.text);
	return RC_OK;
}

enum rc
audit_flush(struct audit *a, struct err *e)
{
	LOCKED(&a->lock);

	return flush_locked(a, e);
}

enum rc
audit_health(struct audit *a, struct err *e)
{
	LOCKED(&a->lock);

	if (a->failed.rc != RC_OK)
		return err_set(e, a->failed.rc, "%s", a->failed.text);
	return RC_OK;
}

int64_t
audit_flush_interval_ms(const struct audit *a)
{
	return a->flush_ms;
}

enum rc
audit_write(struct audit *a, struct view line, struct err *e)
{
	LOCKED(&a->lock);
	enum rc rc;

	if (line.len == 0 || !a->enabled)
		return RC_OK;
	if (a->failed.rc != RC_OK)
		return err_set(e, a->failed.rc, "%s", a->failed.text);
	rc = append(a, line, &a->failed);
	if (rc != RC_OK)
		return err_set(e, rc, "%s", a->failed.text);
	a->unsigned_lines = true;
	if (a->flush_ms == 0 || a->pending.len >= a->buffer_size)
		return flush_locked(a, e);
	return RC_OK;
}

enum rc
audit_write_through(struct audit *a, struct view line, struct err *e)
{
	enum rc rc = audit_write(a, line, e);
	LOCKED(&a->lock);

	if (rc == RC_OK && a->enabled && write_pending(a, &a->failed) != RC_OK)
		rc = err_set(e, a->failed.rc, "%s", a->failed.text);
	return rc;
}

/* A value on one line; brackets would end the field. */
static void
add_value(struct buf *out, const char *v)
{
	if (v == NULL || v[0] == '\0') {
		buf_add_str(out, "<null>");
		return;
	}
	for (; *v != '\0'; v++) {
		unsigned char c = (unsigned char)*v;
		if (c == '\n' || c == '\r' || c < 0x20 || c == 0x7f)
			buf_add_char(out, ' ');
		else if (c == '[' || c == ']')
			buf_addf(out, "%%%02x", c);
		else
			buf_add_char(out, *v);
	}
}

static bool
passes(const struct filter *f, const struct audit_entry *x)
{
	AUTO(rec) r = NULL;

	if (f == NULL)
		return true;
	r = rec_new(REC_SETTING, "audit");
	if (r == NULL)
		return true;
	rec_add_str(r, "Outcome", x->success ? "Success" : "Failure");
	rec_add_str(r, "SubjectID", x->subject);
	for (size_t i = 0; i < x->n; i++)
		rec_add_str(r, x->fields[i].key, x->fields[i].value);
	return filter_match(f, r);
}

static bool
wanted(const struct audit *a, const struct audit_entry *x)
{
	for (size_t i = 0; i < a->n_events; i++) {
		if (strcmp(a->events[i], x->event) == 0)
			return passes(a->filters[i], x);
	}
	return false;
}

void
audit_line(struct audit *a, struct buf *out, const struct audit_entry *x)
{
	if (!a->enabled || !wanted(a, x))
		return;
	begin_line(a, out);
	buf_addf(out, "[AuditEvent=%s][SubjectID=", x->event);
	add_value(out, x->subject != NULL ? x->subject : "$System$");
	buf_addf(out, "][Outcome=%s]", x->success ? "Success" : "Failure");
	for (size_t i = 0; i < x->n; i++) {
		buf_addf(out, "[%s=", x->fields[i].key);
		add_value(out, x->fields[i].value);
		buf_add_char(out, ']');
	}
	if (x->text != NULL) {
		buf_add_char(out, ' ');
		for (const char *s = x->text; *s != '\0'; s++)
			buf_add_char(
			    out, iscntrl((unsigned char)*s) ? ' ' : *s);
	}
}

enum rc
audit_event(struct audit *a, const struct audit_entry *x, struct err *e)
{
	AUTO_BUF line = buf_empty(AUDIT_LINE_MAX);
	enum rc rc;

	audit_line(a, &line, x);
	rc = buf_check(&line, e);
	if (rc != RC_OK)
		return rc;
	return audit_write(a, buf_view(&line), e);
}

/* Continues the chain of an existing file: its last signature line and all that
 * follows is under the next signature. */
static enum rc
resume_chain(struct audit *a, struct err *e)
{
	static const char mark[] = "[AuditEvent=AUDIT_LOG_SIGNING]";
	AUTO_BUF text = buf_empty(1024 * 1024 * 1024);
	const char *s, *last, *next;
	enum rc rc;

	if (!a->signing)
		return RC_OK;
	rc = file_read(&text, a->path, e);
	if (rc == RC_NOTFOUND)
		return RC_OK;
	if (rc != RC_OK)
		return rc;
	s = buf_cstr(&text);
	last = s;
	for (next = strstr(s, mark); next != NULL;
	     next = strstr(next + 1, mark)) {
		last = next;
		while (last > s && last[-1] != '\n')
			last--;
	}
	a->unsigned_lines = *last != '\0';
	return digest_add(a, last, strlen(last), e);
}

static enum rc
load_events(struct audit *a, const struct cfg *cfg, struct err *e)
{
	enum rc rc;

	a->events_text = strdup(cfg_str(cfg, PREFIX "events", default_events));
	if (a->events_text == NULL)
		return err_set(e, RC_NOMEM, "audit log");
	a->n_events =
	    text_split(a->events_text, ",", a->events, AUDIT_EVENTS_MAX);
	if (a->n_events > AUDIT_EVENTS_MAX)
		return err_set(e, RC_TOOBIG, PREFIX "events: more than %d",
		    AUDIT_EVENTS_MAX);
	for (size_t i = 0; i < a->n_events; i++) {
		const char *f =
		    cfg_getf(cfg, PREFIX "filters.%s", a->events[i]);
		if (f == NULL || f[0] == '\0')
			continue;
		rc = filter_parse(&a->filters[i], f, e);
		if (rc != RC_OK)
			return err_prefix(e, PREFIX "filters.%s", a->events[i]);
	}
	return RC_OK;
}

static enum rc
load_signing(
    struct audit *a, const struct cfg *cfg, struct keystore *ks, struct err *e)
{
	const char *nick = cfg_get(cfg, PREFIX "signedAuditCertNickname");
	AUTO_BUF der = buf_empty(0);
	enum rc rc;

	a->signing = a->enabled && cfg_bool(cfg, PREFIX "logSigning", false);
	if (!a->signing)
		return RC_OK;
	if (nick == NULL || nick[0] == '\0')
		return err_set(e, RC_INVALID,
		    PREFIX "signedAuditCertNickname is missing, but "
			   "logSigning is true");
	rc = keystore_find_pair(ks, &a->key, &der, nick, e);
	if (rc != RC_OK)
		return err_prefix(e, "audit signing key");
	a->alg = key_default_sigalg(a->key);
	a->digest = EVP_MD_CTX_new();
	if (a->digest == NULL ||
	    EVP_DigestInit_ex(
		a->digest, digest_md(sigalg_digest(a->alg)), NULL) != 1)
		return err_openssl(e, RC_CRYPTO, "audit log: digest");
	return RC_OK;
}

static enum rc
load_settings(struct audit *a, const struct cfg *cfg, struct err *e)
{
	int64_t flush, size, kb;
	enum rc rc;

	a->enabled = cfg_bool(cfg, PREFIX "enable", true);
	if ((rc = cfg_int(cfg, &flush, PREFIX "flushInterval", 0, 86400, 5,
		 e)) != RC_OK ||
	    (rc = cfg_int(cfg, &size, PREFIX "bufferSize", 0,
		 AUDIT_BUFFER_MAX / 2, 512, e)) != RC_OK ||
	    (rc = cfg_int(cfg, &kb, PREFIX "maxFileSize", 0, 1 << 30, 2000,
		 e)) != RC_OK ||
	    (rc = cfg_int(cfg, &a->rollover_s, PREFIX "rolloverInterval", 0,
		 INT32_MAX, 2592000, e)) != RC_OK)
		return rc;
	a->flush_ms = flush * 1000;
	a->buffer_size = (size_t)size;
	a->max_bytes = kb * 1024;
	return RC_OK;
}

enum rc
audit_open(struct audit **out, const struct cfg *cfg, const char *default_path,
    struct keystore *ks, const struct clock *clock, struct err *e)
{
	AUTO(audit) a = calloc(1, sizeof(*a));
	enum rc rc;

	if (a == NULL)
		return err_set(e, RC_NOMEM, "audit log");
	pthread_mutex_init(&a->lock, NULL);
	a->fd = -1;
	a->clock = clock;
	a->pending = buf_empty(AUDIT_BUFFER_MAX);
	a->path = strdup(default_path);
	if (a->path == NULL)
		return err_set(e, RC_NOMEM, "audit log");
	if ((rc = load_settings(a, cfg, e)) != RC_OK ||
	    (rc = load_events(a, cfg, e)) != RC_OK ||
	    (rc = load_signing(a, cfg, ks, e)) != RC_OK)
		return rc;
	if (a->enabled) {
		if ((rc = resume_chain(a, e)) != RC_OK ||
		    (rc = open_file(a, e)) != RC_OK ||
		    (rc = audit_event(a,
			 &(const struct audit_entry){
			     .event = "AUDIT_LOG_STARTUP",
			     .success = true,
			     .text = "audit function startup" },
			 e)) != RC_OK ||
		    (rc = audit_flush(a, e)) != RC_OK)
			return rc;
	}
	*out = audit_steal(&a);
	return RC_OK;
}
