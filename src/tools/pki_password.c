/* SPDX-License-Identifier: Apache-2.0 */
/* pki_password.c - password-generate.
 * Owns:    the password while it is written.
 * Trusts:  libcrypto's random numbers.
 * Threads: none. */
#include "tools/pki_cmds.h"

#include <openssl/rand.h>

#include "base/file.h"
#include "base/text.h"

enum {
	PASSWORD_LENGTH_DEFAULT = 32,
	PASSWORD_LENGTH_MAX = 4096,
	PASSWORD_CHARACTERS_MAX = 256,
};

static const char default_characters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    "!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~";

static enum rc
run_generate(struct pki *p, const struct args *a, struct err *e)
{
	const char *set = args_str(a, "characters", default_characters);
	const char *length = args_get(a, "length"), *path;
	AUTO_BUF out = buf_empty(PASSWORD_LENGTH_MAX + 1);
	int64_t n = PASSWORD_LENGTH_DEFAULT;
	size_t n_set = strlen(set);
	enum rc rc = RC_OK;

	(void)p;
	if (length != NULL &&
	    text_int(&n, length, 1, PASSWORD_LENGTH_MAX, NULL) != RC_OK)
		return err_set(
		    e, RC_USAGE, "Invalid password length: %s", length);
	if (n_set < 2 || n_set > PASSWORD_CHARACTERS_MAX)
		return err_set(e, RC_USAGE, "Invalid password characters");
	while (out.len < (size_t)n) {
		uint8_t r;

		if (RAND_bytes(&r, 1) != 1)
			return err_openssl(e, RC_CRYPTO, "random numbers");
		/* all characters equally likely */
		if (r < 256 - 256 % n_set)
			buf_add_char(&out, set[r % n_set]);
	}
	buf_add_char(&out, '\n');
	if ((path = args_get(a, "output-file")) != NULL)
		rc = file_write(path, buf_view(&out), 0600, e);
	else
		printf("%s", buf_cstr(&out));
	buf_wipe(&out);
	return rc;
}

static const struct opt generate_opts[] = {
	OPT("length", "number", "Password length (default: 32)"),
	OPT("characters", "set", "Characters to choose from"),
	OPT("output-file", "file", "File (default: standard output)"),
	OPT_END,
};

const struct cmd cmds_password[] = {
	{ "password-generate", "", "Generate a random password", generate_opts,
	    0, 0, run_generate },
	{ 0 },
};
