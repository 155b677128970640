/* SPDX-License-Identifier: Apache-2.0 */
/* nssdb.c - the folder of an NSS database: made as certutil -N makes it, opened
 * as a slot of softoken.
 * Owns:    nothing.
 * Trusts:  pkcs11.txt: whoever writes it decides which code we load.
 * Threads: any; making one database twice at once is the caller's fault. */
#include "keys/nssdb.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/text.h"
#include "keys/names.h"

enum {
	FOLDER_MODE = 0700,
	FILE_MODE = 0600,
	PKCS11_TXT_MAX = 256 * 1024,
};

/* As certutil 3.87 writes it; NSS takes the folder from its caller. */
static const char pkcs11_txt[] =
    "library=\n"
    "name=NSS Internal PKCS #11 Module\n"
    "parameters=configdir='sql:%s' certPrefix='' keyPrefix='' "
    "secmod='secmod.db' flags= updatedir='' updateCertPrefix='' "
    "updateKeyPrefix='' updateid='' updateTokenDescription='' \n"
    "NSS=Flags=internal,critical trustOrder=75 cipherOrder=100 "
    "slotParams=(1={slotFlags=[ECC,RSA,DSA,DH,RC2,RC4,DES,RANDOM,SHA1,MD5,MD2,"
    "SSL,TLS,AES,Camellia,SEED,SHA256,SHA512] askpw=any timeout=30})\n\n";

static bool
has_file(const char *dir, const char *name)
{
	AUTO_BUF b = buf_empty(0);

	buf_addf(&b, "%s/%s", dir, name);
	return buf_check(&b, NULL) == RC_OK && file_exists(buf_cstr(&b));
}

bool
nssdb_exists(const char *dir)
{
	return has_file(dir, "cert9.db") && has_file(dir, "key4.db");
}

static enum rc
write_pkcs11_txt(const char *dir, struct err *e)
{
	AUTO_BUF path = buf_empty(0);
	AUTO_BUF text = buf_empty(0);
	enum rc rc;

	if (has_file(dir, "pkcs11.txt"))
		return RC_OK;
	buf_addf(&path, "%s/pkcs11.txt", dir);
	buf_addf(&text, pkcs11_txt, dir);
	if ((rc = buf_check(&path, e)) != RC_OK ||
	    (rc = buf_check(&text, e)) != RC_OK)
		return rc;
	return file_write(buf_cstr(&path), buf_view(&text), FILE_MODE, e);
}

/* Gives a new database its password. */
static CK_RV
init_pin(CK_FUNCTION_LIST_PTR f, CK_SLOT_ID slot, struct view pin)
{
	CK_UTF8CHAR none[1] = { 0 };
	CK_UTF8CHAR *p = pin.len > 0 ? p11_attr(0, pin.data, 0).pValue : none;
	CK_SESSION_HANDLE s;
	CK_RV rv;

	rv = f->C_OpenSession(
	    slot, CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &s);
	if (rv != CKR_OK)
		return rv;
	rv = f->C_Login(s, CKU_SO, none, 0);
	if (rv == CKR_OK) {
		rv = f->C_InitPIN(s, p, (CK_ULONG)pin.len);
		f->C_Logout(s);
	}
	f->C_CloseSession(s);
	return rv;
}

/* Initialises if new, and opens. */
static enum rc
open_slot(struct token **out, struct p11_module *m, CK_SLOT_ID slot,
    bool read_only, const struct secret *pin, struct err *e)
{
	CK_FUNCTION_LIST_PTR f = p11_module_functions(m);
	struct secret *mine = NULL;
	CK_TOKEN_INFO info;
	CK_RV rv;

	rv = f->C_GetTokenInfo(slot, &info);
	if (rv == CKR_OK && (info.flags & CKF_USER_PIN_INITIALIZED) == 0 &&
	    !read_only && pin != NULL) {
		rv = init_pin(f, slot, secret_view(pin));
		if (rv == CKR_OK)
			rv = f->C_GetTokenInfo(slot, &info);
	}
	if (rv != CKR_OK)
		return p11_err(e, rv, "token %s: set password", NAMES_INTERNAL);
	/* without a password there is nothing to log in to */
	if (pin != NULL && (info.flags & CKF_LOGIN_REQUIRED) != 0 &&
	    (mine = secret_new(secret_view(pin))) == NULL)
		return err_set(e, RC_NOMEM, "PIN");
	return token_open(out, m, slot, NAMES_INTERNAL, read_only, mine, e);
}

enum rc
nssdb_open(struct token **out, const char *dir, bool create, bool read_only,
    const struct secret *pin, struct err *e)
{
	AUTO(p11_module) m = NULL;
	AUTO(secret) none = NULL;
	CK_SLOT_ID slot;
	enum rc rc;

	if (!nssdb_exists(dir)) {
		if (!create || read_only)
			return err_set(
			    e, RC_NOTFOUND, "no nss database in %s", dir);
		if ((rc = file_mkdirs(dir, FOLDER_MODE, e)) != RC_OK ||
		    (rc = write_pkcs11_txt(dir, e)) != RC_OK)
			return rc;
		if (pin == NULL) {
			pin = none = secret_new(view_str(""));
			if (none == NULL)
				return err_set(e, RC_NOMEM, "PIN");
		}
	}
	if ((rc = p11_module_softoken(&m, e)) != RC_OK)
		return rc;
	rc = p11_nssdb_attach(m, &slot, dir, read_only, e);
	if (rc != RC_OK)
		return rc == RC_CRYPTO
		    ? err_set(e, RC_IO, "nss database %s: cannot open", dir)
		    : rc;
	return open_slot(out, m, slot, read_only, pin, e);
}

/* One "name=value" line of a stanza. */
static void
take_line(char *line, char **name, char **library)
{
	if (text_starts(line, "library="))
		*library = line + strlen("library=");
	else if (text_starts(line, "name="))
		*name = line + strlen("name=");
}

enum rc
nssdb_each_module(const char *dir,
    void (*fn)(void *arg, const char *name, const char *library), void *arg,
    struct err *e)
{
	AUTO_BUF path = buf_empty(0);
	AUTO_BUF b = buf_empty(PKCS11_TXT_MAX);
	AUTO_STR text = NULL;
	char *name = NULL, *library = NULL, *line, *rest;
	enum rc rc;

	buf_addf(&path, "%s/pkcs11.txt", dir);
	if ((rc = buf_check(&path, e)) != RC_OK)
		return rc;
	rc = file_read(&b, buf_cstr(&path), e);
	if (rc != RC_OK)
		return rc == RC_NOTFOUND ? RC_OK : rc;
	buf_add_str(&b, "\n\n");
	text = buf_steal_str(&b);
	rest = text;
	while (rest != NULL && (line = strsep(&rest, "\n")) != NULL) {
		if (line[0] != '\0') {
			take_line(line, &name, &library);
			continue;
		}
		if (library != NULL && library[0] != '\0')
			fn(arg, name != NULL ? name : "", library);
		name = library = NULL;
	}
	return RC_OK;
}
