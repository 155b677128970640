/* SPDX-License-Identifier: Apache-2.0 */
/* bench_make.h - a CRL as a generation makes it, into memory in place of a file:
 * what the benchmarks of the revoked set and of the issuing point measure. */
#ifndef CRL_BENCH_MAKE_H
#define CRL_BENCH_MAKE_H

#include "crl/revoked.h"
#include "keys/key.h"
#include "x509/crl.h"

/* The list of set under h, signed by key; *out is emptied first. */
static inline enum rc
bench_make(struct buf *out, struct revoked_set *set, const struct crl_header *h,
    struct key *key, struct err *e)
{
	AUTO(revoked_snapshot) v = NULL;
	AUTO(crl_writer) w = NULL;
	AUTO_BUF sig = buf_empty(0);
	AUTO_BUF head = buf_empty(0);
	AUTO_BUF tail = buf_empty(0);
	struct view piece, digest;
	enum rc rc = revoked_snapshot_new(&v, set, e);

	if (rc == RC_OK)
		rc = crl_writer_new(&w, h, revoked_snapshot_bytes(v), e);
	for (size_t i = 0;
	     rc == RC_OK && (piece = revoked_snapshot_piece(v, i)).len > 0; i++)
		rc = crl_writer_push(w, piece, e);
	if (rc == RC_OK)
		rc = crl_writer_digest(w, &digest, e);
	if (rc == RC_OK)
		rc = key_sign(key, h->sigalg, digest, &sig, e);
	if (rc == RC_OK)
		rc = crl_writer_finish(w, buf_view(&sig), &head, &tail, e);
	if (rc != RC_OK)
		return rc;
	buf_reset(out);
	buf_add_view(out, buf_view(&head));
	for (size_t i = 0; (piece = revoked_snapshot_piece(v, i)).len > 0; i++)
		buf_add_view(out, piece);
	buf_add_view(out, buf_view(&tail));
	return buf_check(out, e);
}

#endif
