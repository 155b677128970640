/* SPDX-License-Identifier: Apache-2.0 */
/* p11.h - PKCS #11 modules and tokens (v2.40), inside the room only. A module
 * is loaded and initialised once a process; every NSS database is a slot of its
 * own in softoken, so that several databases live side by side. A token owns
 * one session for all that finds and writes, under its lock, and a bounded pool
 * of sessions that sign. */
#ifndef KEYS_P11_H
#define KEYS_P11_H

#include <pthread.h>
#include <stdatomic.h>

#include <openssl/types.h>
#include <pkcs11.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/secret.h"

enum {
	P11_SESSIONS_MAX = 16,   /* that sign at once on one token */
	P11_OBJECTS_MAX = 65536, /* found by one search */
	P11_ATTR_MAX = 1024 * 1024,
};

struct p11_module;

/* Loads and initialises a module, or takes another reference. RC_NOTFOUND: no
 * such library. */
MUST enum rc p11_module_open(
    struct p11_module **out, const char *library, struct err *e);
/* NSS softoken, initialised without a database. */
MUST enum rc p11_module_softoken(struct p11_module **out, struct err *e);
struct p11_module *p11_module_ref(struct p11_module *m);
/* Drops a reference; the last finalises the module. */
void p11_module_free(struct p11_module *m);
OWNED(p11_module)
CK_FUNCTION_LIST_PTR p11_module_functions(const struct p11_module *m);
const char *p11_module_library(const struct p11_module *m);
/* Slots that hold an initialised token; *out is malloc'ed. */
MUST enum rc p11_module_slots(
    struct p11_module *m, CK_SLOT_ID **out, size_t *n, struct err *e);
/* The token's label without padding; "" when there is no token. */
void p11_module_label(struct p11_module *m, CK_SLOT_ID slot, char out[33]);
/* Opens the database in dir as a new slot of softoken. */
MUST enum rc p11_nssdb_attach(struct p11_module *m, CK_SLOT_ID *out,
    const char *dir, bool read_only, struct err *e);
void p11_nssdb_detach(struct p11_module *m, CK_SLOT_ID slot);
/* libp11's view of a module: context and slots. */
struct p11_libp11 {
	struct PKCS11_ctx_st *ctx;
	struct PKCS11_slot_st *slots;
	unsigned n_slots;
};
/* Keeps them until the module goes (PKCS11_CTX_unload would finalise the
 * module under us). */
void p11_module_keep(struct p11_module *m, const struct p11_libp11 *l);

/* err_set for a failed PKCS #11 call: RC_UNAVAILABLE when the token is lost,
 * RC_AUTH for PIN faults, RC_CRYPTO else. */
enum rc p11_err(struct err *e, CK_RV rv, const char *fmt, ...) PRINTF(3, 4);

struct token {
	atomic_uint refs;
	struct p11_module *module;
	CK_FUNCTION_LIST_PTR f;
	CK_SLOT_ID slot;
	char *name;     /* "internal" for the database */
	char label[33]; /* as the token says */
	bool internal;  /* an NSS database */
	bool read_only;
	struct secret *pin; /* NULL = not logged in */
	bool locked;        /* not logged in where private keys want that */

	pthread_mutex_t lock; /* guards all below; held while main is used */
	CK_SESSION_HANDLE main;
	unsigned generation; /* grows when sessions were lost and reopened */
	pthread_cond_t idle_cond;
	CK_SESSION_HANDLE idle[P11_SESSIONS_MAX];
	size_t n_idle, n_used;
	struct p11_libp11 libp11; /* made by the first TLS use */
};

/* Opens a token and logs in with pin (taken over; NULL = stay logged out).
 * name NULL = the token's own label. RC_AUTH: wrong PIN. */
MUST enum rc token_open(struct token **out, struct p11_module *m,
    CK_SLOT_ID slot, const char *name, bool read_only, struct secret *pin,
    struct err *e);
struct token *token_ref(struct token *t);
void token_free(struct token *t);
OWNED(token)

/* A set of object handles. */
struct p11_objects {
	CK_OBJECT_HANDLE *h;
	size_t n;
};
void p11_objects_done(struct p11_objects *o);
#define AUTO_OBJECTS \
	__attribute__((cleanup(p11_objects_done))) struct p11_objects

MUST enum rc token_find(struct token *t, CK_ATTRIBUTE *tmpl, size_t n,
    struct p11_objects *out, struct err *e);
/* The first match; RC_NOTFOUND when there is none. */
MUST enum rc token_find_one(struct token *t, CK_ATTRIBUTE *tmpl, size_t n,
    CK_OBJECT_HANDLE *out, struct err *e);
/* Appends the bytes of an attribute. RC_NOTFOUND when the object has none. */
MUST enum rc token_attr(struct token *t, CK_OBJECT_HANDLE h,
    CK_ATTRIBUTE_TYPE type, struct buf *out, struct err *e);
/* def when the object has none. */
CK_ULONG token_attr_ulong(
    struct token *t, CK_OBJECT_HANDLE h, CK_ATTRIBUTE_TYPE type, CK_ULONG def);
bool token_attr_bool(
    struct token *t, CK_OBJECT_HANDLE h, CK_ATTRIBUTE_TYPE type, bool def);
MUST enum rc token_create(struct token *t, CK_ATTRIBUTE *tmpl, size_t n,
    CK_OBJECT_HANDLE *out, struct err *e);
MUST enum rc token_set_attr(struct token *t, CK_OBJECT_HANDLE h,
    CK_ATTRIBUTE *tmpl, size_t n, struct err *e);
MUST enum rc token_destroy(struct token *t, CK_OBJECT_HANDLE h, struct err *e);

/* Is rv the loss of a session or device? Then, once per *tries, opens the
 * sessions anew. The caller holds t->lock and repeats its call when true. */
bool token_recover(struct token *t, CK_RV rv, int *tries);

/* A pooled session for one signing or decrypting operation. */
struct p11_session {
	CK_SESSION_HANDLE h;
	unsigned generation; /* of the token when it was taken */
};
MUST enum rc token_take_session(
    struct token *t, struct p11_session *out, struct err *e);
/* Gives it back; keep = false closes it (the operation did not end well). */
void token_put_session(struct token *t, const struct p11_session *s, bool keep);
/* As token_recover, for what failed in a pooled session; takes the lock. */
bool token_recover_pooled(
    struct token *t, const struct p11_session *s, CK_RV rv, int *tries);

/* CK_ATTRIBUTE of a view, a value, a constant. */
static inline CK_ATTRIBUTE
p11_attr(CK_ATTRIBUTE_TYPE type, const void *p, size_t n)
{
	/* PKCS #11 does not write through templates of create and find */
	union {
		const void *c;
		void *v;
	} u = { .c = p };

	return (CK_ATTRIBUTE){ type, u.v, (CK_ULONG)n };
}
#define P11_VAL(type, var) p11_attr((type), &(var), sizeof(var))
#define P11_VIEW(type, v) p11_attr((type), (v).data, (v).len)

#endif
