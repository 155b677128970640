/* SPDX-License-Identifier: Apache-2.0 */
/* p11_token.c - one token: login, sessions, objects and their attributes.
 * Owns:    the sessions and the PIN (kept to log in again after a loss).
 * Trusts:  lengths the module returns, up to P11_ATTR_MAX.
 * Threads: struct token is shared; its lock guards the main session and the
 *          pool. Calls into the module that find or write run under it. */
#include "keys/p11.h"

#include <stdlib.h>
#include <string.h>

#include "base/thread.h"

enum {
	RECOVER_TRIES = 1,
	FIND_BATCH = 64,
};

static CK_RV
session_open(struct token *t, CK_SESSION_HANDLE *s)
{
	CK_FLAGS flags = CKF_SERIAL_SESSION;

	if (!t->read_only)
		flags |= CKF_RW_SESSION;
	return t->f->C_OpenSession(t->slot, flags, NULL, NULL, s);
}

static CK_RV
login(struct token *t)
{
	struct view pin;
	CK_RV rv;

	if (t->pin == NULL)
		return CKR_OK;
	pin = secret_view(t->pin);
	rv = t->f->C_Login(t->main, CKU_USER, p11_attr(0, pin.data, 0).pValue,
	    (CK_ULONG)pin.len);
	return rv == CKR_USER_ALREADY_LOGGED_IN ? CKR_OK : rv;
}

enum rc
token_open(struct token **out, struct p11_module *m, CK_SLOT_ID slot,
    const char *name, bool read_only, struct secret *pin, struct err *e)
{
	struct token *t = calloc(1, sizeof(*t));
	CK_TOKEN_INFO info;
	CK_RV rv;

	if (t == NULL) {
		secret_free(pin);
		return err_set(e, RC_NOMEM, "token");
	}
	atomic_init(&t->refs, 1);
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->idle_cond, NULL);
	t->module = p11_module_ref(m);
	t->f = p11_module_functions(m);
	t->slot = slot;
	t->read_only = read_only;
	t->pin = pin;
	t->internal = name != NULL;
	rv = t->f->C_GetTokenInfo(slot, &info);
	if (rv == CKR_OK) {
		t->locked =
		    pin == NULL && (info.flags & CKF_LOGIN_REQUIRED) != 0;
		p11_module_label(m, slot, t->label);
		if (!t->internal && (info.flags & CKF_WRITE_PROTECTED) != 0)
			t->read_only = true;
		rv = session_open(t, &t->main);
	}
	t->name = strdup(name != NULL ? name : t->label);
	if (rv == CKR_OK)
		rv = login(t);
	if (rv != CKR_OK || t->name == NULL) {
		enum rc rc =
		    p11_err(e, rv, "token %s", name != NULL ? name : t->label);
		token_free(t);
		return rc;
	}
	*out = t;
	return RC_OK;
}

static void
sessions_close(struct token *t)
{
	if (t->main != CK_INVALID_HANDLE)
		t->f->C_CloseSession(t->main);
	t->main = CK_INVALID_HANDLE;
	while (t->n_idle > 0)
		t->f->C_CloseSession(t->idle[--t->n_idle]);
}

struct token *
token_ref(struct token *t)
{
	atomic_fetch_add(&t->refs, 1);
	return t;
}

void
token_free(struct token *t)
{
	if (t == NULL || atomic_fetch_sub(&t->refs, 1) > 1)
		return;
	sessions_close(t);
	if (t->libp11.ctx != NULL)
		p11_module_keep(t->module, &t->libp11);
	if (t->internal)
		p11_nssdb_detach(t->module, t->slot);
	p11_module_free(t->module);
	secret_free(t->pin);
	pthread_cond_destroy(&t->idle_cond);
	pthread_mutex_destroy(&t->lock);
	free(t->name);
	free(t);
}

static bool
is_loss(const struct token *t, CK_RV rv)
{
	return rv == CKR_SESSION_HANDLE_INVALID || rv == CKR_SESSION_CLOSED ||
	    rv == CKR_DEVICE_ERROR || rv == CKR_DEVICE_REMOVED ||
	    rv == CKR_TOKEN_NOT_PRESENT ||
	    (rv == CKR_USER_NOT_LOGGED_IN && t->pin != NULL);
}

bool
token_recover(struct token *t, CK_RV rv, int *tries)
{
	if (!is_loss(t, rv) || *tries >= RECOVER_TRIES)
		return false;
	(*tries)++;
	/* what another thread still uses fails there and is tried again there */
	sessions_close(t);
	t->generation++;
	return session_open(t, &t->main) == CKR_OK && login(t) == CKR_OK;
}

bool
token_recover_pooled(
    struct token *t, const struct p11_session *s, CK_RV rv, int *tries)
{
	LOCKED(&t->lock);

	if (is_loss(t, rv) && *tries < RECOVER_TRIES &&
	    s->generation != t->generation) {
		(*tries)++; /* another thread was here before us */
		return true;
	}
	return token_recover(t, rv, tries);
}

void
p11_objects_done(struct p11_objects *o)
{
	free(o->h);
	o->h = NULL;
	o->n = 0;
}

/* The search itself, once C_FindObjectsInit succeeded. */
static CK_RV
find_all(struct token *t, struct p11_objects *out)
{
	CK_OBJECT_HANDLE batch[FIND_BATCH];
	CK_OBJECT_HANDLE *grown;
	CK_ULONG n;
	CK_RV rv;

	for (;;) {
		rv = t->f->C_FindObjects(t->main, batch, FIND_BATCH, &n);
		if (rv != CKR_OK || n == 0)
			return rv;
		if (out->n + n > P11_OBJECTS_MAX)
			return CKR_HOST_MEMORY;
		grown = reallocarray(out->h, out->n + n, sizeof(*grown));
		if (grown == NULL)
			return CKR_HOST_MEMORY;
		memcpy(grown + out->n, batch, n * sizeof(*batch));
		out->h = grown;
		out->n += n;
	}
}

enum rc
token_find(struct token *t, CK_ATTRIBUTE *tmpl, size_t n,
    struct p11_objects *out, struct err *e)
{
	struct p11_objects found = { NULL, 0 };
	int tries = 0;
	CK_RV rv;

	LOCKED(&t->lock);
	do {
		p11_objects_done(&found);
		rv = t->f->C_FindObjectsInit(t->main, tmpl, (CK_ULONG)n);
		if (rv == CKR_OK) {
			rv = find_all(t, &found);
			t->f->C_FindObjectsFinal(t->main);
		}
	} while (token_recover(t, rv, &tries));
	if (rv != CKR_OK) {
		p11_objects_done(&found);
		return p11_err(e, rv, "token %s: search", t->name);
	}
	*out = found;
	return RC_OK;
}

enum rc
token_find_one(struct token *t, CK_ATTRIBUTE *tmpl, size_t n,
    CK_OBJECT_HANDLE *out, struct err *e)
{
	AUTO_OBJECTS found = { NULL, 0 };
	enum rc rc = token_find(t, tmpl, n, &found, e);

	if (rc != RC_OK)
		return rc;
	if (found.n == 0)
		return err_set(e, RC_NOTFOUND, "token %s: no object", t->name);
	*out = found.h[0];
	return RC_OK;
}

enum rc
token_attr(struct token *t, CK_OBJECT_HANDLE h, CK_ATTRIBUTE_TYPE type,
    struct buf *out, struct err *e)
{
	CK_ATTRIBUTE a = { type, NULL, 0 };
	int tries = 0;
	CK_RV rv;

	LOCKED(&t->lock);
	do {
		a.pValue = NULL;
		rv = t->f->C_GetAttributeValue(t->main, h, &a, 1);
		if (rv != CKR_OK)
			continue;
		if (a.ulValueLen == CK_UNAVAILABLE_INFORMATION ||
		    a.ulValueLen > P11_ATTR_MAX) {
			rv = CKR_ATTRIBUTE_TYPE_INVALID;
			continue;
		}
		a.pValue = buf_reserve(out, a.ulValueLen + 1);
		if (a.pValue == NULL)
			return buf_check(out, e);
		rv = t->f->C_GetAttributeValue(t->main, h, &a, 1);
	} while (token_recover(t, rv, &tries));
	if (rv == CKR_ATTRIBUTE_TYPE_INVALID)
		return err_set(e, RC_NOTFOUND, "token %s: no attribute 0x%lx",
		    t->name, (unsigned long)type);
	if (rv != CKR_OK)
		return p11_err(e, rv, "token %s: attribute 0x%lx", t->name,
		    (unsigned long)type);
	out->len += a.ulValueLen;
	return RC_OK;
}

CK_ULONG
token_attr_ulong(
    struct token *t, CK_OBJECT_HANDLE h, CK_ATTRIBUTE_TYPE type, CK_ULONG def)
{
	AUTO_BUF b = buf_empty(64);
	CK_ULONG v;

	if (token_attr(t, h, type, &b, NULL) != RC_OK || b.len != sizeof(v))
		return def;
	memcpy(&v, b.data, sizeof(v));
	return v;
}

bool
token_attr_bool(
    struct token *t, CK_OBJECT_HANDLE h, CK_ATTRIBUTE_TYPE type, bool def)
{
	AUTO_BUF b = buf_empty(64);

	if (token_attr(t, h, type, &b, NULL) != RC_OK ||
	    b.len != sizeof(CK_BBOOL))
		return def;
	return b.data[0] != CK_FALSE;
}

enum rc
token_create(struct token *t, CK_ATTRIBUTE *tmpl, size_t n,
    CK_OBJECT_HANDLE *out, struct err *e)
{
	int tries = 0;
	CK_RV rv;

	LOCKED(&t->lock);
	do {
		rv = t->f->C_CreateObject(t->main, tmpl, (CK_ULONG)n, out);
	} while (token_recover(t, rv, &tries));
	if (rv != CKR_OK)
		return p11_err(e, rv, "token %s: create object", t->name);
	return RC_OK;
}

enum rc
token_set_attr(struct token *t, CK_OBJECT_HANDLE h, CK_ATTRIBUTE *tmpl,
    size_t n, struct err *e)
{
	int tries = 0;
	CK_RV rv;

	LOCKED(&t->lock);
	do {
		rv = t->f->C_SetAttributeValue(t->main, h, tmpl, (CK_ULONG)n);
	} while (token_recover(t, rv, &tries));
	if (rv != CKR_OK)
		return p11_err(e, rv, "token %s: change object", t->name);
	return RC_OK;
}

enum rc
token_destroy(struct token *t, CK_OBJECT_HANDLE h, struct err *e)
{
	int tries = 0;
	CK_RV rv;

	LOCKED(&t->lock);
	do {
		rv = t->f->C_DestroyObject(t->main, h);
	} while (token_recover(t, rv, &tries));
	if (rv != CKR_OK)
		return p11_err(e, rv, "token %s: delete object", t->name);
	return RC_OK;
}

enum rc
token_take_session(struct token *t, struct p11_session *out, struct err *e)
{
	LOCKED(&t->lock);
	CK_SESSION_HANDLE h = CK_INVALID_HANDLE;
	int tries = 0;
	CK_RV rv;

	for (;;) {
		if (t->n_used >= P11_SESSIONS_MAX) {
			pthread_cond_wait(&t->idle_cond, &t->lock);
			continue;
		}
		if (t->n_idle > 0) {
			h = t->idle[--t->n_idle];
			break;
		}
		rv = session_open(t, &h);
		if (rv == CKR_OK)
			break;
		/* a token may allow fewer sessions than we do */
		if (rv == CKR_SESSION_COUNT && t->n_used > 0)
			pthread_cond_wait(&t->idle_cond, &t->lock);
		else if (!token_recover(t, rv, &tries))
			return p11_err(
			    e, rv, "token %s: open session", t->name);
	}
	t->n_used++;
	*out = (struct p11_session){ h, t->generation };
	return RC_OK;
}

void
token_put_session(struct token *t, const struct p11_session *s, bool keep)
{
	LOCKED(&t->lock);

	t->n_used--;
	if (s->generation == t->generation) {
		if (keep && t->n_idle < P11_SESSIONS_MAX)
			t->idle[t->n_idle++] = s->h;
		else
			t->f->C_CloseSession(s->h);
	}
	pthread_cond_signal(&t->idle_cond);
}
