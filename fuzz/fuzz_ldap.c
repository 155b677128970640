/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_ldap.c - any text as an entry of a directory, "dn: name" and then
 * "attribute: value" lines, read as a record of each kind, as a tombstone, as a
 * post-read control and as an update vector; what is a record goes through its
 * typed form and through its bytes and back. Input that begins with W is the
 * bytes of a record, with C those of a change in the spool.
 * Owns:    one connection to itself.
 * Trusts:  nothing of the input.
 * Threads: none. */
#include <openldap.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "store/change_wire.h"
#include "store/claim.h"
#include "store/decision.h"
#include "store/ds_ruv.h"
#include "store/ldap_int.h"
#include "store/rec_cert.h"
#include "store/rec_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum {
	INPUT_MAX = 16384, /* less than a socket holds */
	LINES_MAX = 200,   /* libldap looks for each attribute from the first */
	OVER_TCP = 1,
	ENTRY_TAG = 0x64,
	DONE_TAG = 0x65
};

static char base[] = "dc=ca,dc=example", sub[] = "ca";
static struct ldap_be be = {
	.base_dn = base, .subsystem = sub, .base_rdns = 2
};

/* --- a directory -------------------------------------------------------------- */

static LDAP *ld;
static int server;

static void
setup(void)
{
	int fd[2], version = LDAP_VERSION3;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) != 0 ||
	    ldap_init_fd(fd[0], OVER_TCP, "ldap://localhost", &ld) !=
		LDAP_SUCCESS ||
	    ldap_set_option(ld, LDAP_OPT_PROTOCOL_VERSION, &version) !=
		LDAP_SUCCESS)
		abort();
	server = fd[1];
}

/* "name: value" up to the end of the line; false at the end of the text. */
static bool
next_line(struct view *text, struct view *name, struct view *value)
{
	const uint8_t *nl, *colon;
	struct view line = *text;

	if (text->len == 0)
		return false;
	if ((nl = memchr(line.data, '\n', line.len)) != NULL)
		line.len = (size_t)(nl - line.data);
	*text = view_of(line.data + line.len, text->len - line.len);
	if (nl != NULL)
		*text = view_of(text->data + 1, text->len - 1);
	colon = memmem(line.data, line.len, ": ", 2);
	*name = line;
	*value = view_str("");
	if (colon != NULL) {
		name->len = (size_t)(colon - line.data);
		*value = view_of(colon + 2, line.len - name->len - 2);
	}
	return true;
}

static void
printed(int r)
{
	if (r < 0)
		abort();
}

/* The attributes; lines of one name that follow each other are its values. */
static void
put_attributes(BerElement *ber, struct view text)
{
	struct view name, value, open = view_of(NULL, 0);

	printed(ber_printf(ber, "{"));
	while (next_line(&text, &name, &value)) {
		if (open.len > 0 && !view_eq(name, open))
			printed(ber_printf(ber, "]}"));
		if (open.len == 0 || !view_eq(name, open))
			printed(ber_printf(
			    ber, "{o[", name.data, (ber_len_t)name.len));
		open = name;
		if (name.len == 0) { /* no attribute: closed at once */
			printed(ber_printf(ber, "]}"));
			continue;
		}
		printed(ber_printf(ber, "o", value.data, (ber_len_t)value.len));
	}
	if (open.len > 0)
		printed(ber_printf(ber, "]}"));
	printed(ber_printf(ber, "}"));
}

static void
put_entry(BerElement *ber, struct view text)
{
	struct view name, dn = view_of(NULL, 0);

	if (!next_line(&text, &name, &dn) || !view_is(name, "dn"))
		dn = view_str(base);
	printed(ber_printf(
	    ber, "t{o", (ber_tag_t)ENTRY_TAG, dn.data, (ber_len_t)dn.len));
	put_attributes(ber, text);
	printed(ber_printf(ber, "}"));
}

static BerElement *
new_ber(void)
{
	BerElement *ber = ber_alloc_t(LBER_USE_DER);

	if (ber == NULL)
		abort();
	return ber;
}

/* A search that finds the entry. */
static LDAPMessage *
found(struct view text)
{
	BerElement *ber = new_ber();
	LDAPMessage *result = NULL;
	char waste[4096];
	struct berval v;
	int id = 0;

	if (ldap_search_ext(ld, base, LDAP_SCOPE_BASE, NULL, NULL, 0, NULL,
		NULL, NULL, 0, &id) != LDAP_SUCCESS ||
	    read(server, waste, sizeof(waste)) <= 0)
		abort();
	printed(ber_printf(ber, "{i", id));
	put_entry(ber, text);
	printed(
	    ber_printf(ber, "}{it{ess}}", id, (ber_tag_t)DONE_TAG, 0, "", ""));
	if (ber_flatten2(ber, &v, 0) != 0 ||
	    write(server, v.bv_val, v.bv_len) != (ssize_t)v.bv_len)
		abort();
	ber_free(ber, 1);
	if (ldap_result(ld, id, LDAP_MSG_ALL, NULL, &result) <= 0)
		abort();
	return result;
}

/* --- records ------------------------------------------------------------------- */

/* The bytes cut short, and with one of them changed. */
static void
damage(struct buf *wire)
{
	size_t len = wire->len, pieces = 8;

	for (size_t i = 0; i < pieces; i++) {
		AUTO(rec) r = NULL;
		struct view v = view_of(wire->data, len * i / pieces);

		if (rec_read(&r, v, NULL, NULL) == RC_OK ||
		    (i == 0 && rec_read_usn(v) != 0))
			abort();
	}
	for (size_t i = 0; i < len; i += 1 + len / 64) {
		AUTO(rec) r = NULL;

		wire->data[i] ^= 0x81;
		/* any answer is fine, a crash is not */
		rc_ignore(rec_read(&r, buf_view(wire), NULL, NULL));
		wire->data[i] ^= 0x81;
	}
}

static void
bytes_and_back(const struct rec *r)
{
	AUTO_BUF wire = buf_empty(0), again = buf_empty(0);
	AUTO(rec) q = NULL;
	struct err e;

	rec_write(&wire, r, 7, NULL);
	if (rec_read(&q, buf_view(&wire), NULL, &e) != RC_OK ||
	    rec_read_usn(buf_view(&wire)) != 7)
		abort();
	rec_write(&again, q, 7, NULL);
	if (!view_eq(buf_view(&wire), buf_view(&again)))
		abort();
	damage(&wire);
}

/* What an agent would change, as a modification. */
static void
change_request(const struct request_rec *old, struct request_rec *now)
{
	AUTO(batch) b = batch_new();
	AUTO_BUF bytes = buf_empty(0), wire = buf_empty(0);

	for (size_t i = 0; i < old->n_ext; i++) {
		const struct extdata *x = &old->ext[i];

		if (i % 2 == 0)
			request_set(now, x->key, NULL);
		else
			request_set_sub(now, x->key, "new", "value");
	}
	request_set_bytes(now, "bytes", view_str("abc"));
	if (request_ext_bytes(now, &bytes, "bytes", NULL) != RC_OK ||
	    !view_is(buf_view(&bytes), "abc"))
		abort();
	now->state = REQUEST_CANCELED;
	if (b == NULL)
		return;
	batch_modify(b, REC_REQUEST, "1a");
	request_rec_diff(b, old, now);
	if (batch_check(b, NULL) == RC_OK)
		change_write(&wire, &b->changes[0]);
}

static void
read_request(const struct rec *rec)
{
	AUTO(request_rec) r = NULL;
	AUTO(request_rec) again = NULL;
	AUTO(rec) x = NULL;
	struct merge_decision d;
	struct num serial;

	(void)decision_serial(&serial, rec);
	if (request_rec_decode(&r, rec, NULL) != RC_OK)
		return;
	(void)decision_read(&d, r);
	if ((x = request_rec_encode(r)) == NULL)
		return;
	if (request_rec_decode(&again, x, NULL) != RC_OK ||
	    again->n_ext > r->n_ext)
		abort();
	change_request(r, again);
}

static void
read_cert(const struct rec *r)
{
	AUTO(arena) a = arena_new(0);
	AUTO(rec) x = NULL;
	struct cert_rec c, again;

	if (a == NULL || cert_rec_decode(&c, r, a, NULL) != RC_OK)
		return;
	(void)cert_rec_status(&c, 1767323045);
	x = cert_rec_encode(&c);
	if (x != NULL &&
	    (cert_rec_decode(&again, x, a, NULL) != RC_OK ||
		again.revoked != c.revoked))
		abort();
}

/* Where the record would stand, and the change that stores it. */
static void
places(const struct rec *r)
{
	AUTO_BUF dn = buf_empty(0), base_of_kind = buf_empty(0),
		 wire = buf_empty(0), again = buf_empty(0);
	AUTO(batch) b = batch_new();
	AUTO(batch) q = batch_new();
	int scope;

	/* an id may be too long for a DN */
	rc_ignore(dir_dn(&be, &dn, r->kind, r->id, NULL));
	if (dir_container(&be, &base_of_kind, &scope, r->kind, NULL) != RC_OK)
		abort();
	if (b == NULL || q == NULL)
		return;
	batch_add(b, rec_copy(r));
	if (batch_check(b, NULL) != RC_OK)
		return;
	change_write(&wire, &b->changes[0]);
	if (change_read(q, buf_view(&wire), NULL) != RC_OK)
		abort();
	change_write(&again, &q->changes[0]);
	if (!view_eq(buf_view(&wire), buf_view(&again)))
		abort();
}

/* Claims compare as they should, and their numbers go on. */
static void
use_claim(struct claim *c)
{
	struct claim other = *c;
	struct claims all = { &other, 1 };
	struct num n, end = claim_number_end(&c->number), highest;

	if (num_cmp(&end, &c->number) < 0)
		abort();
	if (claim_number_forced(&n, &c->number, c->by.host_id, NULL) == RC_OK &&
	    num_cmp(&n, &c->number) <= 0)
		abort();
	/* any answer is fine, a crash is not */
	rc_ignore(claim_number_next(&n, c, &end, NULL));
	rc_ignore(claim_number_after(&n, &c->number, NULL));
	other.n++;
	if (claim_cmp(c, &other) == 0 || claim_cmp(&other, c) == 0)
		abort();
	other.by.host_id++;
	if (claim_cmp(c, &other) == 0)
		abort();
	highest = claims_highest(&all, c->role);
	if (num_cmp(&highest, &other.number) != 0)
		abort();
	(void)claims_greatest(&all, c->role);
	(void)claims_release(&all, c->about);
	(void)claims_ask(&all, c->about);
	(void)claim_kind_text(c->kind);
}

/* Attributes taken out and put back. */
static void
edit(const struct rec *r)
{
	static const char *const some[] = { "cn", "metaInfo", NULL };
	AUTO(rec) x = rec_copy(r);
	AUTO(rec) part = rec_project(r, some);
	struct num n;
	int64_t t;

	if (x == NULL || part == NULL)
		return;
	if (rec_num(r, &n, "absent", NULL) != RC_NOTFOUND)
		abort();
	for (size_t i = 0; i < part->n; i++)
		if (!rec_name_in(some, part->attrs[i].name))
			abort();
	for (size_t i = 0; i < r->n; i++) {
		const char *name = r->attrs[i].name;

		/* any answer is fine, a crash is not */
		rc_ignore(rec_num(r, &n, name, NULL));
		rc_ignore(rec_date(r, &t, name, NULL));
		if (rec_get(r, name).len == 0)
			abort();
		rec_add(x, name, view_str("one more"));
		rec_add_date(x, "added", 0);
		rec_remove_value(x, name, 0);
		if (i % 2 == 0)
			rec_clear(x, name);
	}
	if (rec_check(x, NULL) == RC_OK)
		bytes_and_back(x);
}

static void
read_typed(const struct rec *r)
{
	struct claim c, again;

	bytes_and_back(r);
	places(r);
	edit(r);
	if (r->kind == REC_CERT)
		read_cert(r);
	else if (r->kind == REC_REQUEST)
		read_request(r);
	if (r->kind == REC_CLAIM && claim_decode(&c, r, NULL) == RC_OK) {
		AUTO(rec) x = claim_encode(&c);

		if (x == NULL || claim_decode(&again, x, NULL) != RC_OK ||
		    claim_cmp(&c, &again) != 0)
			abort();
		use_claim(&c);
	}
}

static void
read_entry(struct view text)
{
	LDAPMessage *all = found(text), *entry = ldap_first_entry(ld, all);
	struct ds_entry x = { NULL, { ld, entry } };
	static struct repl_ruv ruv; /* large */
	enum rec_kind kind;

	if (entry == NULL)
		abort();
	for (enum rec_kind k = 0; k < REC_KINDS; k++) {
		AUTO(rec) r = NULL;
		AUTO(rec) gone = NULL;

		if (dir_to_rec(&be, ld, entry, k, &r, NULL) == RC_OK)
			read_typed(r);
		/* any answer is fine, a crash is not */
		rc_ignore(dir_gone_rec(&be, ld, entry, k, &gone, NULL));
	}
	(void)dir_kind_of(ld, entry, &kind);
	memset(&ruv, 0, sizeof(ruv));
	ds_ruv_take(&ruv, &x);
	(void)ds_ruv_csn(&ruv, 1);
	ldap_msgfree(all);
}

/* The entry as an operation left it. */
static void
read_post(struct view text)
{
	BerElement *ber = new_ber();
	AUTO(rec) r = NULL;
	struct berval v;

	put_entry(ber, text);
	if (ber_flatten2(ber, &v, 0) != 0)
		abort();
	if (dir_post_read(&be, &v, REC_CERT, "1a", &r, NULL) == RC_OK)
		read_typed(r);
	if (v.bv_len > 1) { /* cut short */
		AUTO(rec) q = NULL;

		v.bv_len /= 2;
		rc_ignore(dir_post_read(&be, &v, REC_USER, "u", &q, NULL));
	}
	ber_free(ber, 1);
}

static void
read_wire(struct view v, bool change)
{
	AUTO(rec) r = NULL;
	AUTO(batch) b = NULL;
	struct err e = { RC_OK, "" };

	if (!change && rec_read(&r, v, NULL, &e) == RC_OK)
		read_typed(r);
	if (change && (b = batch_new()) != NULL)
		/* any answer is fine, a crash is not */
		rc_ignore(change_read(b, v, &e));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	size_t lines = 0;

	if (ld == NULL)
		setup();
	if (len < 1 || len > INPUT_MAX)
		return 0;
	if (data[0] == 'W' || data[0] == 'C') {
		read_wire(view_of(data + 1, len - 1), data[0] == 'C');
		return 0;
	}
	for (size_t i = 0; i < len; i++)
		lines += data[i] == '\n';
	if (lines > LINES_MAX)
		return 0;
	read_entry(view_of(data, len));
	read_post(view_of(data, len));
	return 0;
}
