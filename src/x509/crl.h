/* SPDX-License-Identifier: Apache-2.0 */
/* crl.h - certificate revocation lists (RFC 5280 5). Entries are kept ready
 * encoded; a list of 10^6 entries is written for the price of copying and
 * hashing them (measurements D). x509/ makes the bytes, keys/ signs. */
#ifndef X509_CRL_H
#define X509_CRL_H

#include "base/text.h"
#include "x509/ext.h"

enum {
	CRL_ENTRY_MAX = 256, /* octets of an entry we write */
	CRLREASON_NONE = -1, /* no reasonCode extension */
	CRLREASON_KEY_COMPROMISE = 1,
	CRLREASON_HOLD = 6,
	CRLREASON_REMOVE = 8,
	CRLREASON_MAX = 10,
};

/* Hold instructions of the model (RFC 3280 5.3.2). */
enum crl_hold {
	CRL_HOLD_ABSENT,
	CRL_HOLD_NONE,
	CRL_HOLD_CALLISSUER,
	CRL_HOLD_REJECT,
};

struct crl_entry {
	struct num serial;
	int64_t date; /* revocationDate */
	int reason;   /* CRLReason, or CRLREASON_NONE; 0 is never written */
	bool has_invalidity;
	int64_t invalidity;
	enum crl_hold hold;
	struct view exts; /* reader: contents of crlEntryExtensions */
};

/* Appends one ready entry. Extensions come in the order reasonCode,
 * holdInstruction, invalidityDate. */
void crl_entry_put(struct buf *out, const struct crl_entry *x);
/* Takes the next entry; unknown critical entry extensions are RC_INVALID,
 * unknown others are skipped. */
MUST enum rc crl_entry_next(
    struct view *entries, struct crl_entry *out, struct err *e);

/* "Key_Compromise" (REST, command line), case-insensitive, '-' and ' ' as '_';
 * or the number. -1 = unknown. And back; "" for none. */
int crl_reason_find(const char *label);
const char *crl_reason_label(int reason);

/* ---- writing ---- */
struct crl_header {
	enum sigalg sigalg;
	struct view issuer; /* whole Name */
	int64_t this_update;
	int64_t next_update;         /* 0 = absent */
	const struct ext_list *exts; /* crlExtensions; NULL or empty: a v1 list
					if no entry has extensions */
	bool v1; /* leave the version out (allowExtensions=false) */
};

/* A list in the making: TBS head, entries (the caller's), TBS tail. One
 * owner. */
struct crl_writer;

/* entries_len is the exact octet count of all entries to come. */
MUST enum rc crl_writer_new(struct crl_writer **out, const struct crl_header *h,
    size_t entries_len, struct err *e);
void crl_writer_free(struct crl_writer *w);
OWNED(crl_writer)
/* Digests the next piece: one or many whole entries, ascending by serial. */
MUST enum rc crl_writer_push(
    struct crl_writer *w, struct view entries, struct err *e);
/* The digest to sign, valid as long as w. RC_INTERNAL unless exactly
 * entries_len octets were pushed. */
MUST enum rc crl_writer_digest(
    struct crl_writer *w, struct view *digest, struct err *e);
/* Given the signature: the file is *head, then the entries again in the same
 * order, then *tail. Both are appended. */
MUST enum rc crl_writer_finish(struct crl_writer *w, struct view sig,
    struct buf *head, struct buf *tail, struct err *e);

/* ---- reading ---- */
struct crl {
	struct view der, tbs, sigalg, sig;
	int version; /* 1 = v2, 0 = v1 */
	struct view issuer;
	int64_t this_update;
	int64_t next_update; /* 0 = absent */
	struct view entries; /* for crl_entry_next */
	struct view exts;
};

/* Header and structure; entries are checked when they are read. Unknown
 * critical CRL extensions are RC_INVALID. */
MUST enum rc crl_parse(struct crl *out, struct view der, struct err *e);
enum sigalg crl_sigalg(const struct crl *c);
/* false when the extension is absent or malformed. */
bool crl_number(const struct crl *c, struct num *out);
bool crl_delta_base(const struct crl *c, struct num *out);
/* Walks the entries. RC_NOTFOUND when the serial is not there. */
MUST enum rc crl_find(const struct crl *c, struct crl_entry *out,
    const struct num *serial, struct err *e);

#endif
