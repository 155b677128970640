/* SPDX-License-Identifier: Apache-2.0 */
/* p11_module.c - loading of PKCS #11 modules; databases as slots of softoken.
 * Owns:    the process-wide list of loaded modules.
 * Trusts:  the modules: they run in our process.
 * Threads: all functions from any thread; registry_lock guards the list, the
 *          counts and the slot numbers in use. */
#include "keys/p11.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include <libp11.h>

#include "base/thread.h"

#define SOFTOKEN_LIBRARY "libsoftokn3.so"
#define SOFTOKEN_ARGS                                        \
	"configdir='' certPrefix='' keyPrefix='' secmod='' " \
	"flags=readOnly,noCertDB,noModDB,forceOpen,optimizeSpace"

enum {
	SOFTOKEN_SLOT_CRYPTO = 1, /* the slot that never has a database */
	SOFTOKEN_SLOT_MIN = 4,    /* SFTK_MIN_USER_SLOT_ID of NSS */
	SOFTOKEN_SLOT_MAX = 100,
	SLOTS_MAX = 256,
	KEPT_MAX = 64,
	SPEC_MAX = 8192,
};

struct p11_module {
	struct p11_module *next;
	char *library;
	void *dl;
	CK_FUNCTION_LIST_PTR f;
	unsigned refs;
	bool initialised;
	bool slot_used[SOFTOKEN_SLOT_MAX + 1];
	struct p11_libp11 kept[KEPT_MAX];
	size_t n_kept;
};

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct p11_module *registry;

CK_FUNCTION_LIST_PTR
p11_module_functions(const struct p11_module *m)
{
	return m->f;
}

const char *
p11_module_library(const struct p11_module *m)
{
	return m->library;
}

static void
module_close(struct p11_module *m)
{
	/* libp11 finalises too; the second C_Finalize is refused, harmlessly */
	for (size_t i = 0; i < m->n_kept; i++) {
		struct p11_libp11 *l = &m->kept[i];

		PKCS11_release_all_slots(l->ctx, l->slots, l->n_slots);
		PKCS11_CTX_unload(l->ctx);
		PKCS11_CTX_free(l->ctx);
	}
	if (m->initialised)
		m->f->C_Finalize(NULL);
	/* the library stays mapped: its threads' exit handlers may still run */
	free(m->library);
	free(m);
}

static enum rc
module_load(struct p11_module *m, const char *args, struct err *e)
{
	CK_C_INITIALIZE_ARGS init = { .flags = CKF_OS_LOCKING_OK };
	CK_C_GetFunctionList get;
	void *sym;
	CK_RV rv;

	m->dl = dlopen(m->library, RTLD_NOW | RTLD_LOCAL);
	if (m->dl == NULL)
		return err_set(e, RC_NOTFOUND, "pkcs11 module: %s", dlerror());
	sym = dlsym(m->dl, "C_GetFunctionList");
	if (sym == NULL)
		return err_set(e, RC_INVALID,
		    "pkcs11 module %s: no C_GetFunctionList", m->library);
	memcpy(&get, &sym, sizeof(get));
	if ((rv = get(&m->f)) != CKR_OK)
		return p11_err(e, rv, "pkcs11 module %s", m->library);
	if (args != NULL)
		init.LibraryParameters =
		    (CK_CHAR_PTR *)p11_attr(0, args, 0).pValue;
	rv = m->f->C_Initialize(&init);
	/* another library of the process may have been first */
	if (rv != CKR_OK && rv != CKR_CRYPTOKI_ALREADY_INITIALIZED)
		return p11_err(
		    e, rv, "pkcs11 module %s: C_Initialize", m->library);
	m->initialised = rv == CKR_OK;
	return RC_OK;
}

static enum rc
module_open(struct p11_module **out, const char *library, const char *args,
    struct err *e)
{
	LOCKED(&registry_lock);
	struct p11_module *m;
	enum rc rc;

	for (m = registry; m != NULL; m = m->next) {
		if (strcmp(m->library, library) == 0) {
			m->refs++;
			*out = m;
			return RC_OK;
		}
	}
	m = calloc(1, sizeof(*m));
	if (m == NULL || (m->library = strdup(library)) == NULL) {
		free(m);
		return err_set(e, RC_NOMEM, "pkcs11 module");
	}
	if ((rc = module_load(m, args, e)) != RC_OK) {
		module_close(m);
		return rc;
	}
	m->refs = 1;
	m->next = registry;
	registry = m;
	*out = m;
	return RC_OK;
}

enum rc
p11_module_open(struct p11_module **out, const char *library, struct err *e)
{
	return module_open(out, library, NULL, e);
}

enum rc
p11_module_softoken(struct p11_module **out, struct err *e)
{
	return module_open(out, SOFTOKEN_LIBRARY, SOFTOKEN_ARGS, e);
}

struct p11_module *
p11_module_ref(struct p11_module *m)
{
	LOCKED(&registry_lock);

	m->refs++;
	return m;
}

void
p11_module_free(struct p11_module *m)
{
	struct p11_module **p;

	if (m == NULL)
		return;
	LOCKED(&registry_lock);
	if (--m->refs > 0)
		return;
	for (p = &registry; *p != NULL; p = &(*p)->next) {
		if (*p == m) {
			*p = m->next;
			break;
		}
	}
	module_close(m);
}

void
p11_module_keep(struct p11_module *m, const struct p11_libp11 *l)
{
	LOCKED(&registry_lock);

	/* past the limit a context stays until the process ends */
	if (m->n_kept < KEPT_MAX)
		m->kept[m->n_kept++] = *l;
}

enum rc
p11_module_slots(
    struct p11_module *m, CK_SLOT_ID **out, size_t *n, struct err *e)
{
	CK_SLOT_ID *slots = calloc(SLOTS_MAX, sizeof(*slots));
	CK_ULONG count = SLOTS_MAX;
	CK_TOKEN_INFO info;
	size_t kept = 0;
	CK_RV rv;

	if (slots == NULL)
		return err_set(e, RC_NOMEM, "pkcs11 slots");
	rv = m->f->C_GetSlotList(CK_TRUE, slots, &count);
	if (rv != CKR_OK) {
		free(slots);
		return p11_err(
		    e, rv, "pkcs11 module %s: C_GetSlotList", m->library);
	}
	for (CK_ULONG i = 0; i < count; i++) {
		if (m->f->C_GetTokenInfo(slots[i], &info) == CKR_OK &&
		    (info.flags & CKF_TOKEN_INITIALIZED) != 0)
			slots[kept++] = slots[i];
	}
	*out = slots;
	*n = kept;
	return RC_OK;
}

void
p11_module_label(struct p11_module *m, CK_SLOT_ID slot, char out[33])
{
	CK_TOKEN_INFO info;
	size_t n = 0;

	if (m->f->C_GetTokenInfo(slot, &info) == CKR_OK)
		n = sizeof(info.label);
	while (n > 0 && (info.label[n - 1] == ' ' || info.label[n - 1] == 0))
		n--;
	memcpy(out, info.label, n);
	out[n] = 0;
}

/* dir inside '...' inside <...> inside [...]: each layer has its own escapes,
 * which are refused instead of written. */
static bool
dir_is_plain(const char *dir)
{
	return strpbrk(dir, "'\\<>[]\"") == NULL;
}

/* Adds (class CKO_NSS_NEWSLOT) or removes (CKO_NSS_DELSLOT) a slot. */
static CK_RV
slot_change(struct p11_module *m, CK_OBJECT_CLASS cls, char *spec)
{
	CK_ATTRIBUTE tmpl[] = {
		P11_VAL(CKA_CLASS, cls),
		p11_attr(CKA_NSS_MODULE_SPEC, spec, strlen(spec) + 1),
	};
	CK_OBJECT_HANDLE h;
	CK_SESSION_HANDLE s;
	CK_RV rv;

	rv = m->f->C_OpenSession(SOFTOKEN_SLOT_CRYPTO,
	    CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s);
	if (rv != CKR_OK)
		return rv;
	rv = m->f->C_CreateObject(s, tmpl, 2, &h);
	m->f->C_CloseSession(s);
	return rv;
}

enum rc
p11_nssdb_attach(struct p11_module *m, CK_SLOT_ID *out, const char *dir,
    bool read_only, struct err *e)
{
	LOCKED(&registry_lock);
	char spec[SPEC_MAX];
	CK_SLOT_ID id;
	CK_RV rv;
	int n;

	for (id = SOFTOKEN_SLOT_MIN; m->slot_used[id]; id++) {
		if (id == SOFTOKEN_SLOT_MAX)
			return err_set(e, RC_UNAVAILABLE,
			    "nss database: too many open in this process");
	}
	if (!dir_is_plain(dir))
		return err_set(e, RC_INVALID,
		    "nss database: folder name has a quote or bracket");
	n = snprintf(spec, sizeof(spec),
	    "tokens=[0x%lx=<configDir='sql:%s' certPrefix='' keyPrefix='' "
	    "tokenDescription='signet nss %lu' flags=%s minPWLen=0>]",
	    id, dir, id, read_only ? "readOnly" : "");
	if (n < 0 || (size_t)n >= sizeof(spec))
		return err_set(e, RC_TOOBIG, "nss database: folder name");
	rv = slot_change(m, CKO_NSS_NEWSLOT, spec);
	if (rv != CKR_OK)
		return p11_err(e, rv, "nss database %s", dir);
	m->slot_used[id] = true;
	*out = id;
	return RC_OK;
}

void
p11_nssdb_detach(struct p11_module *m, CK_SLOT_ID slot)
{
	LOCKED(&registry_lock);
	char spec[64];

	snprintf(spec, sizeof(spec), "tokens=[0x%lx=<>]", slot);
	slot_change(m, CKO_NSS_DELSLOT, spec);
	m->slot_used[slot] = false;
}

static enum rc
rc_of(CK_RV rv)
{
	switch (rv) {
	case CKR_PIN_INCORRECT:
	case CKR_PIN_INVALID:
	case CKR_PIN_LEN_RANGE:
	case CKR_PIN_LOCKED:
	case CKR_PIN_EXPIRED:
	case CKR_USER_NOT_LOGGED_IN:
		return RC_AUTH;
	case CKR_DEVICE_ERROR:
	case CKR_DEVICE_REMOVED:
	case CKR_SESSION_CLOSED:
	case CKR_SESSION_HANDLE_INVALID:
	case CKR_TOKEN_NOT_PRESENT:
	case CKR_SESSION_COUNT:
	case CKR_CRYPTOKI_NOT_INITIALIZED:
		return RC_UNAVAILABLE;
	case CKR_HOST_MEMORY:
	case CKR_DEVICE_MEMORY:
		return RC_NOMEM;
	case CKR_TOKEN_WRITE_PROTECTED:
	case CKR_SESSION_READ_ONLY:
		return RC_DENIED;
	case CKR_MECHANISM_INVALID:
	case CKR_FUNCTION_NOT_SUPPORTED:
		return RC_UNSUPPORTED;
	default:
		return RC_CRYPTO;
	}
}

/* The commoner codes in words. */
static const char *
words_of(CK_RV rv)
{
	static const struct {
		CK_RV rv;
		const char *words;
	} all[] = {
		{ CKR_GENERAL_ERROR, "the token failed" },
		{ CKR_DEVICE_ERROR, "the token's device failed" },
		{ CKR_DEVICE_MEMORY, "the token is full" },
		{ CKR_DEVICE_REMOVED, "the token was removed" },
		{ CKR_TOKEN_NOT_PRESENT, "the token is not there" },
		{ CKR_TOKEN_WRITE_PROTECTED, "the token is write-protected" },
		{ CKR_SESSION_READ_ONLY, "the token is read-only" },
		{ CKR_MECHANISM_INVALID, "the token cannot do it" },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i].rv == rv)
			return all[i].words;
	return "the token refused";
}

enum rc
p11_err(struct err *e, CK_RV rv, const char *fmt, ...)
{
	char text[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (rc_of(rv) == RC_AUTH && rv != CKR_USER_NOT_LOGGED_IN)
		return err_set(e, RC_AUTH, "%s: wrong PIN (CKR 0x%lx)", text,
		    (unsigned long)rv);
	if (rv == CKR_USER_NOT_LOGGED_IN)
		return err_set(e, RC_AUTH, "%s: not logged in", text);
	return err_set(e, rc_of(rv), "%s: %s (CKR 0x%lx)", text, words_of(rv),
	    (unsigned long)rv);
}
