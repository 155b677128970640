/* SPDX-License-Identifier: Apache-2.0 */
/* crl_writer.c - large lists written around ready entries (RFC 5280 5.1).
 * The digest runs over the entries while they are pushed; they are neither
 * copied nor looked at. The lengths of all that encloses them are known from
 * the start, so head and tail are a few hundred octets.
 * Owns:    head and tail of the TBSCertList, the running digest.
 * Trusts:  the caller's entries and header: they are our own records.
 * Threads: a writer has one owner. */
#include <openssl/evp.h>

#include "base/arena.h"
#include "der/reader.h"
#include "der/writer.h"
#include "x509/crl.h"
#include "x509/impl.h"
#include "x509/name.h"

enum {
	VERSION_2 = 1,
	CRL_LEN_MAX_SHIFT = 40,
};

struct crl_writer {
	enum sigalg sigalg;
	struct buf head; /* TBS up to the entries */
	struct buf tail; /* TBS behind them */
	size_t entries_len, pushed;
	EVP_MD_CTX *md;
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned int digest_len; /* 0: still running */
};

static enum rc
check(const struct crl_header *h, size_t entries_len, struct err *e)
{
	bool has_exts = h->exts != NULL && h->exts->count > 0;

	if ((int)h->sigalg < 0 || h->sigalg >= SIGALG_COUNT)
		return err_set(e, RC_INVALID, "5.1.1.2: no algorithm");
	if (h->v1 && has_exts)
		return err_set(
		    e, RC_INVALID, "5.1.2.7: extensions without version 2");
	if (h->next_update != 0 && h->next_update < h->this_update)
		return err_set(
		    e, RC_INVALID, "5.1.2.5: nextUpdate before thisUpdate");
	if (entries_len >> CRL_LEN_MAX_SHIFT != 0)
		return err_set(
		    e, RC_TOOBIG, "%zu octets of entries", entries_len);
	return name_check(h->issuer, e);
}

/* The TBSCertList's fields before the entries, without its own header. */
static void
put_fields(struct buf *b, const struct crl_header *h, size_t entries_len)
{
	if (!h->v1)
		der_put_int(b, VERSION_2);
	sigalg_put(b, h->sigalg);
	der_put_raw(b, h->issuer);
	der_put_time(b, h->this_update);
	if (h->next_update != 0)
		der_put_time(b, h->next_update);
	if (entries_len > 0)
		impl_put_header(b, DER_SEQUENCE, entries_len);
}

static enum rc
start(struct crl_writer *w, const struct crl_header *h, struct err *e)
{
	AUTO_BUF fields = buf_empty(0);
	size_t mark;

	put_fields(&fields, h, w->entries_len);
	TRY(buf_check(&fields, e));
	if (h->exts != NULL && h->exts->count > 0) {
		mark = der_open(&w->tail, DER_CONTEXT_CONS(0));
		ext_list_put(&w->tail, h->exts);
		der_close(&w->tail, mark);
	}
	TRY(buf_check(&w->tail, e));
	impl_put_header(
	    &w->head, DER_SEQUENCE, fields.len + w->entries_len + w->tail.len);
	buf_add_view(&w->head, buf_view(&fields));
	TRY(buf_check(&w->head, e));
	w->md = EVP_MD_CTX_new();
	if (w->md == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	if (EVP_DigestInit_ex(
		w->md, digest_md(sigalg_digest(w->sigalg)), NULL) != 1 ||
	    EVP_DigestUpdate(w->md, w->head.data, w->head.len) != 1)
		return err_openssl(e, RC_CRYPTO, "digest");
	return RC_OK;
}

enum rc
crl_writer_new(struct crl_writer **out, const struct crl_header *h,
    size_t entries_len, struct err *e)
{
	AUTO(crl_writer) w = NULL;

	TRY(fail(e, check(h, entries_len, e), "crl: RFC 5280"));
	w = calloc(1, sizeof(*w));
	if (w == NULL)
		return err_set(e, RC_NOMEM, "crl: out of memory");
	w->head = buf_empty(0);
	w->tail = buf_empty(0);
	w->sigalg = h->sigalg;
	w->entries_len = entries_len;
	TRY(fail(e, start(w, h, e), "crl"));
	*out = crl_writer_steal(&w);
	return RC_OK;
}

void
crl_writer_free(struct crl_writer *w)
{
	if (w == NULL)
		return;
	buf_done(&w->head);
	buf_done(&w->tail);
	EVP_MD_CTX_free(w->md);
	free(w);
}

enum rc
crl_writer_push(struct crl_writer *w, struct view entries, struct err *e)
{
	if (w->digest_len > 0 || entries.len > w->entries_len - w->pushed)
		return err_set(e, RC_INTERNAL,
		    "crl: more entries than announced (%zu octets)",
		    w->entries_len);
	if (EVP_DigestUpdate(w->md, entries.data, entries.len) != 1)
		return err_openssl(e, RC_CRYPTO, "crl: digest");
	w->pushed += entries.len;
	return RC_OK;
}

enum rc
crl_writer_digest(struct crl_writer *w, struct view *digest, struct err *e)
{
	if (w->pushed != w->entries_len)
		return err_set(e, RC_INTERNAL,
		    "crl: fewer entries than announced (%zu of %zu octets)",
		    w->pushed, w->entries_len);
	if (w->digest_len == 0 &&
	    (EVP_DigestUpdate(w->md, w->tail.data, w->tail.len) != 1 ||
		EVP_DigestFinal_ex(w->md, w->digest, &w->digest_len) != 1))
		return err_openssl(e, RC_CRYPTO, "crl: digest");
	*digest = view_of(w->digest, w->digest_len);
	return RC_OK;
}

enum rc
crl_writer_finish(struct crl_writer *w, struct view sig, struct buf *head,
    struct buf *tail, struct err *e)
{
	AUTO_BUF outer = buf_empty(0);

	if (w->digest_len == 0)
		return err_set(e, RC_INTERNAL, "crl: not digested yet");
	sigalg_put(&outer, w->sigalg);
	der_put_bits(&outer, sig);
	TRY(buf_check(&outer, e));
	impl_put_header(head, DER_SEQUENCE,
	    w->head.len + w->entries_len + w->tail.len + outer.len);
	buf_add_view(head, buf_view(&w->head));
	buf_add_view(tail, buf_view(&w->tail));
	buf_add_view(tail, buf_view(&outer));
	TRY(buf_check(head, e));
	return buf_check(tail, e);
}
