/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_words.c - what people give the commands: the first octet says what the rest
 * is. A line of a batch with options; extensions as a text "name=value" or as a
 * file; a file in PEM, base64 or DER; a request; a key id.
 * Owns:    nothing between two inputs.
 * Trusts:  nothing of the input.
 * Threads: none. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "keys/names.h"
#include "mem_file.h"
#include "tools/pki.h"
#include "tools/pki_certs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum {
	INPUT_MAX = 32768
};

static const struct opt opts[] = {
	OPT_LETTER("name", 'n', "name", "A name."),
	OPT_FLAG("flag", "A flag."),
	OPT("text", "text", "A text."),
	OPT_SECRET("password", "password", "A secret."),
	OPT("password-file", "file", "A file."),
	OPT_SAME("title", "name"),
	OPT_UNUSED("old", 'o', "x", "nothing is older"),
	OPT_END,
};

static void
words(char *text, const char *path)
{
	char *list[PKI_WORDS_MAX];
	size_t n = PKI_WORDS_MAX, used = 0;
	AUTO(args) a = NULL;
	AUTO(secret) s = NULL;
	struct err e = { RC_OK, "" };
	const char *value, *nick;

	(void)path;
	if (args_split(text, list, &n, &e) != RC_OK) {
		if (e.text[0] == '\0')
			abort();
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (names_split(list[i], &nick) > strlen(list[i]) ||
		    (names_is_internal(list[i]) && !names_same(list[i], NULL)))
			abort();
	if (args_parse(&a, opts, list, n, n % 2 == 1, &used, &e) != RC_OK) {
		if (e.text[0] == '\0')
			abort();
		return;
	}
	for (size_t i = 0; i < args_count(a); i++)
		if (args_at(a, i) == NULL)
			abort();
	if (args_at(a, args_count(a)) != NULL ||
	    args_has(a, "name") != (args_get(a, "name") != NULL) ||
	    args_nth(a, "text", n) != NULL)
		abort();
	if (args_str(a, "name", "x") == NULL)
		abort();
	/* any answer is fine, a crash is not */
	rc_ignore(args_need(a, "text", "text", &value, &e));
	/* no file that an input names is read */
	if (args_get(a, "password-file") == NULL ||
	    args_secret(a, "password") != NULL)
		rc_ignore(
		    args_password(a, "password", "password-file", &s, &e));
}

static void
check_list(const struct ext_list *l)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->items[i].oid.len == 0)
			abort();
}

/* A P-256 key, and a Name with one common name. */
static const uint8_t spki[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86,
	0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
	0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04, 0x6b, 0x17, 0xd1, 0xf2, 0xe1,
	0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77,
	0x03, 0x7d, 0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8,
	0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a, 0x7f, 0x9b, 0x8e,
	0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b,
	0x31, 0x5e, 0xce, 0xcb, 0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5 };
static const uint8_t name[] = { 0x30, 0x0e, 0x31, 0x0c, 0x30, 0x0a, 0x06, 0x03,
	0x55, 0x04, 0x03, 0x0c, 0x03, 'a', '.', 'b' };
/* subjectAltName DNS:c.d, as a request asks for it */
static const uint8_t exts[] = { 0x30, 0x0e, 0x06, 0x03, 0x55, 0x1d, 0x11, 0x04,
	0x07, 0x30, 0x05, 0x82, 0x03, 'c', '.', 'd' };

static void
ext_text(char *text, const char *path)
{
	AUTO(arena) a = arena_new(0);
	char *eq = strchr(text, '=');
	struct ext_list l;
	struct err e = { RC_OK, "" };

	(void)path;
	if (a == NULL || eq == NULL)
		return;
	*eq = '\0';
	ext_list_init(&l, a);
	if (certs_ext_text(&l, text, eq + 1, view_of(spki, sizeof(spki)), NULL,
		&e) != RC_OK &&
	    e.text[0] == '\0')
		abort();
	check_list(&l);
}

static void
ext_file(char *text, const char *path)
{
	AUTO(arena) a = arena_new(0);
	const struct certs_subject of = { .spki = view_of(spki, sizeof(spki)),
		.name = view_of(name, sizeof(name)),
		.exts = view_of(exts, sizeof(exts)) };
	struct ext_list l;
	struct err e = { RC_OK, "" };

	(void)text;
	if (a == NULL)
		return;
	ext_list_init(&l, a);
	if (certs_ext_file(&l, path, &of, &e) != RC_OK && e.text[0] == '\0')
		abort();
	check_list(&l);
}

static void
der_file(char *text, const char *path)
{
	static const char *const formats[] = { NULL, "PEM", "DER", "x" };
	struct err e;

	(void)text;
	for (size_t i = 0; i < 4; i++) {
		AUTO_BUF der = buf_empty(0);

		/* any answer is fine, a crash is not */
		rc_ignore(
		    out_read_der(&der, path, formats[i], "CERTIFICATE", &e));
	}
}

static void
request_file(char *text, const char *path)
{
	AUTO_BUF der = buf_empty(0);
	struct err e = { RC_OK, "" };
	struct req r;

	(void)text;
	if (certs_load_req(&r, &der, path, NULL, &e) != RC_OK &&
	    e.text[0] == '\0')
		abort();
}

static void
id_text(char *text, const char *path)
{
	AUTO_BUF id = buf_empty(0);
	struct err e = { RC_OK, "" };

	(void)path;
	if (certs_key_id(&id, text, &e) != RC_OK && e.text[0] == '\0')
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static void (*const kinds[])(char *text, const char *path) = { words,
		ext_text, ext_file, der_file, request_file, id_text };
	static bool helped;
	AUTO_STR text = NULL;

	if (len < 1 || len > INPUT_MAX)
		return 0;
	if (!helped)
		args_help(opts);
	helped = true;
	text = strndup((const char *)data + 1, len - 1);
	if (text != NULL)
		kinds[data[0] % (sizeof(kinds) / sizeof(kinds[0]))](
		    text, mem_file(data + 1, len - 1));
	return 0;
}
