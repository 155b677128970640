/* SPDX-License-Identifier: Apache-2.0 */
/* password.c - password.conf, keyring, terminal (spec deployment 1.4).
 * Owns:    nothing.
 * Trusts:  the keyring of its own user.
 * Threads: any. */
#include "instance/password.h"

#include <linux/keyctl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "base/text.h"

enum {
	KEY_TEXT_MAX = 512,
	KEY_PAYLOAD_MAX = 4096
};

/* Without libkeyutils: three calls are all that is needed. */
static long
find_key(const char *description)
{
	long key = syscall(SYS_request_key, "user", description, NULL, 0);

	if (key < 0)
		key = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_USER_KEYRING,
		    "user", description, 0);
	return key;
}

struct secret *
password_keyring(const char *instance, const char *name)
{
	char description[KEY_TEXT_MAX], payload[KEY_PAYLOAD_MAX];
	struct secret *s = NULL;
	long key, n;
	int len =
	    snprintf(description, sizeof(description), "%s/%s", instance, name);

	if (len < 0 || (size_t)len >= sizeof(description) ||
	    (key = find_key(description)) < 0)
		return NULL;
	n = syscall(SYS_keyctl, KEYCTL_READ, key, payload, sizeof(payload));
	/* longer than the room: the kernel tells the length it would need */
	if (n > 0 && (size_t)n <= sizeof(payload))
		s = secret_new(view_of((uint8_t *)payload, (size_t)n));
	OPENSSL_cleanse(payload, sizeof(payload));
	return s;
}

enum rc
password_find(struct secret **out, const struct cfg *passwords,
    const char *instance, const char *name, struct err *e)
{
	const char *v = cfg_get(passwords, name);
	AUTO_BUF prompt = buf_empty(KEY_TEXT_MAX);

	if (v != NULL) {
		*out = secret_new(view_str(v));
		return *out != NULL ? RC_OK : err_set(e, RC_NOMEM, "password");
	}
	if ((*out = password_keyring(instance, name)) != NULL)
		return RC_OK;
	buf_addf(&prompt, "Enter password for %s: ", name);
	if (secret_ask(out, buf_cstr(&prompt), NULL) == RC_OK)
		return RC_OK;
	*out = NULL;
	return err_set(
	    e, RC_NOTFOUND, "No available password for \"%.128s\"", name);
}

enum rc
password_token(struct secret **out, const struct cfg *passwords,
    const char *instance, const char *token, struct err *e)
{
	AUTO_BUF name = buf_empty(KEY_TEXT_MAX);
	enum rc rc;

	*out = NULL;
	if (token[0] == '\0') /* a slot without a token */
		return err_set(e, RC_NOTFOUND, "token without a name");
	if (strcmp(token, "internal") != 0)
		buf_add_str(&name, "hardware-");
	buf_add_str(&name, token);
	rc = password_find(out, passwords, instance, buf_cstr(&name), e);
	return rc != RC_NOTFOUND
	    ? rc
	    : err_set(e, rc,
		  "No available password to access the token \"%.128s\"",
		  token);
}
