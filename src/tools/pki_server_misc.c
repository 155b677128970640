/* SPDX-License-Identifier: Apache-2.0 */
/* pki_server_misc.c - the NSS database, PKCS #12 of all its certificates,
 * external certificates, self tests, listeners, the banner (spec deployment
 * 7.2).
 * Owns:    nothing.
 * Trusts:  the instance's files.
 * Threads: none. */
#include <errno.h>

#include "base/file.h"
#include "base/text.h"
#include "keys/names.h"
#include "keys/pkcs12.h"
#include "tools/pki_certs.h"
#include "tools/pki_server_cert.h"
#include "tools/pki_server_cmds.h"

enum {
	PKCS12_MAX = 16 * 1024 * 1024,
	TESTS_MAX = 64,
	BANNER_MAX = 65536,
};

/* ---- the NSS database ---- */

static const char *const nss_files[] = { "cert9.db", "key4.db", "pkcs11.txt" };

static bool
nss_exists(const struct server *s)
{
	AUTO_BUF path = buf_empty(4096);

	buf_addf(&path, "%s/%s", s->paths->alias, nss_files[0]);
	return file_exists(buf_cstr(&path));
}

static enum rc
remove_nss(struct server *s, struct err *e)
{
	for (size_t i = 0; i < sizeof(nss_files) / sizeof(*nss_files); i++) {
		AUTO_BUF path = buf_empty(4096);

		buf_addf(&path, "%s/%s", s->paths->alias, nss_files[i]);
		if (unlink(buf_cstr(&path)) != 0 && errno != ENOENT)
			return err_errno(e, "%s", buf_cstr(&path));
	}
	return RC_OK;
}

static struct secret *
give_pin(void *arg, const char *token)
{
	const struct secret *pin = arg;

	(void)token;
	return secret_new(secret_view(pin));
}

/* The PIN: --password, --password-file, none, or that of password.conf. */
static enum rc
nss_pin(
    struct server *s, const struct args *a, struct secret **out, struct err *e)
{
	AUTO(cfg) c = NULL;
	enum rc rc = args_password(a, "password", "password-file", out, e);

	if (rc != RC_OK || *out != NULL)
		return rc;
	if ((rc = server_passwords(s, &c, e)) != RC_OK)
		return rc;
	*out = secret_new(view_str(
	    args_has(a, "no-password") ? "" : cfg_str(c, "internal", "")));
	return *out != NULL ? RC_OK : err_set(e, RC_NOMEM, "out of memory");
}

/* password.conf opens the database from now on. */
static enum rc
keep_pin(struct server *s, const struct secret *pin, struct err *e)
{
	AUTO(cfg) c = NULL;
	enum rc rc = server_passwords(s, &c, e);

	if (rc != RC_OK ||
	    (rc = cfg_set(c, "internal", secret_cstr(pin), e)) != RC_OK ||
	    (rc = cfg_save(c, s->paths->password, 0660, e)) != RC_OK)
		return rc;
	return server_give(s, s->paths->password, e);
}

static enum rc
run_nss_create(struct server *s, const struct args *a, struct err *e)
{
	AUTO(secret) pin = NULL;
	AUTO(keystore) ks = NULL;
	struct keystore_open_params p = {
		.dir = s->paths->alias, .create = true, .pin = give_pin
	};
	enum rc rc = nss_pin(s, a, &pin, e);

	if (rc != RC_OK)
		return rc;
	if (nss_exists(s)) {
		if (!args_has(a, "force"))
			return err_set(e, RC_EXISTS,
			    "NSS database already exists: %s", p.dir);
		if ((rc = remove_nss(s, e)) != RC_OK)
			return rc;
	}
	p.pin_arg = pin;
	if ((rc = file_mkdirs(p.dir, 0770, e)) != RC_OK ||
	    (rc = keystore_open(&ks, &p, e)) != RC_OK ||
	    (rc = server_give(s, p.dir, e)) != RC_OK)
		return rc;
	return keep_pin(s, pin, e);
}

static enum rc
run_nss_remove(struct server *s, const struct args *a, struct err *e)
{
	if (!args_has(a, "force") &&
	    !out_confirm("Are you sure you want to remove the NSS database "
			 "with all its keys (y/N)? "))
		return RC_OK;
	return remove_nss(s, e);
}

/* ---- certificates of the instance ---- */

struct nicks {
	char **name;
	size_t n;
};

static bool
note_nick(void *arg, const struct keystore_cert *c)
{
	struct nicks *l = arg;

	if (l->n < CERTS_MAX && (l->name[l->n] = strdup(c->nickname)) != NULL)
		l->n++;
	return l->n < CERTS_MAX;
}

static enum rc
add_all(struct pkcs12 *p12, struct keystore *ks, bool no_key, struct err *e)
{
	struct nicks l = { calloc(CERTS_MAX, sizeof(char *)), 0 };
	enum rc rc;

	if (l.name == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	rc = keystore_each_cert(ks, NULL, note_nick, &l, e);
	for (size_t i = 0; i < l.n; i++) {
		if (rc == RC_OK)
			rc = pkcs12_add_from(
			    p12, ks, l.name[i], no_key, true, e);
		free(l.name[i]);
	}
	free(l.name);
	return rc;
}

static enum rc
run_export(struct server *s, const struct args *a, struct err *e)
{
	AUTO_BUF der = buf_empty(PKCS12_MAX);
	AUTO(pkcs12) p12 = NULL;
	AUTO(secret) pin = NULL;
	struct keystore *ks;
	const char *path;
	enum rc rc = args_need(a, "pkcs12-file", "PKCS #12 file", &path, e);

	if (rc != RC_OK || (rc = server_pkcs12_password(a, &pin, e)) != RC_OK ||
	    (rc = server_keystore(s, &ks, e)) != RC_OK)
		return rc;
	if (args_has(a, "append") && file_exists(path)) {
		if ((rc = file_read(&der, path, e)) != RC_OK ||
		    (rc = pkcs12_parse(&p12, buf_view(&der), pin, e)) != RC_OK)
			return rc;
		buf_reset(&der);
	} else if ((p12 = pkcs12_new()) == NULL) {
		return err_set(e, RC_NOMEM, "out of memory");
	}
	for (size_t i = 0; rc == RC_OK && i < args_count(a); i++)
		rc = pkcs12_add_from(p12, ks, args_at(a, i),
		    args_has(a, "no-key"), args_has(a, "no-chain"), e);
	if (rc == RC_OK && args_count(a) == 0)
		rc = add_all(p12, ks, args_has(a, "no-key"), e);
	for (size_t i = 0; args_has(a, "no-trust-flags") && i < p12->n; i++) {
		free(p12->items[i].trust);
		p12->items[i].trust = NULL;
	}
	if (rc != RC_OK || (rc = pkcs12_encode(&der, p12, pin, e)) != RC_OK)
		return rc;
	return file_write(path, buf_view(&der), 0600, e);
}

/* external_certs.conf: <n>.nickname and <n>.token. */
static enum rc
load_external(
    struct server *s, struct cfg **out, struct buf *path, struct err *e)
{
	AUTO(cfg) c = cfg_new();
	enum rc rc;

	buf_addf(path, "%s/external_certs.conf", s->paths->conf);
	if (c == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	if (file_exists(buf_cstr(path)) &&
	    (rc = cfg_load(c, buf_cstr(path), e)) != RC_OK)
		return rc;
	*out = cfg_steal(&c);
	return RC_OK;
}

/* The number before ".nickname" of that nickname and token; -1 = absent. */
static int64_t
find_external(const struct cfg *c, const char *nickname, const char *token)
{
	for (size_t i = 0; i < cfg_count(c); i++) {
		struct cfg_item x = cfg_at(c, i);
		AUTO_STR copy = strdup(x.name);
		int64_t n;

		if (copy == NULL || !text_ends(x.name, ".nickname") ||
		    strcmp(x.value, nickname) != 0)
			continue;
		copy[strlen(copy) - strlen(".nickname")] = '\0';
		if (text_int(&n, copy, 0, INT32_MAX, NULL) == RC_OK &&
		    names_same(cfg_getf(c, "%s.token", copy), token))
			return n;
	}
	return -1;
}

/* Without a certificate in it the file goes. */
static enum rc
save_external(
    struct server *s, const struct cfg *c, const char *path, struct err *e)
{
	AUTO_BUF text = buf_empty(0);
	enum rc rc;

	if (cfg_count(c) == 0)
		return unlink(path) == 0 || errno == ENOENT
		    ? RC_OK
		    : err_errno(e, "%s", path);
	cfg_encode(c, &text);
	rc = buf_check(&text, e);
	return rc == RC_OK ? server_write(s, path, buf_view(&text), 0660, e)
			   : rc;
}

static enum rc
run_external_add(struct server *s, const struct args *a, struct err *e)
{
	AUTO_BUF path = buf_empty(4096), used = buf_empty(0),
		 full = buf_empty(0);
	AUTO(cfg) c = NULL;
	const char *file, *nickname,
	    *token = args_str(a, "token", NAMES_INTERNAL);
	struct keystore *ks;
	char name[64];
	int64_t n = 0;
	enum rc rc;

	if ((rc = args_need(a, "cert-file", "certificate file", &file, e)) !=
		RC_OK ||
	    (rc = args_need(a, "nickname", "nickname", &nickname, e)) !=
		RC_OK ||
	    (rc = load_external(s, &c, &path, e)) != RC_OK)
		return rc;
	if (find_external(c, nickname, token) >= 0)
		return err_set(e, RC_EXISTS,
		    "Certificate already imported for instance %s.", s->name);
	if (!names_is_internal(token))
		buf_addf(&full, "%s:", token);
	buf_add_str(&full, nickname);
	if ((rc = server_keystore(s, &ks, e)) != RC_OK ||
	    (rc = certs_import_file(ks, buf_cstr(&full), file, NULL,
		 args_str(a, "trust-args", ",,"), &used, e)) != RC_OK)
		return rc;
	while (cfg_getf(c, "%lld.nickname", (long long)n) != NULL)
		n++;
	snprintf(name, sizeof(name), "%lld.nickname", (long long)n);
	if ((rc = cfg_set(c, name, nickname, e)) != RC_OK)
		return rc;
	snprintf(name, sizeof(name), "%lld.token", (long long)n);
	if ((rc = cfg_set(c, name, token, e)) != RC_OK ||
	    (rc = save_external(s, c, buf_cstr(&path), e)) != RC_OK)
		return rc;
	printf("Certificate imported for instance %s.\n", s->name);
	return RC_OK;
}

static enum rc
run_external_del(struct server *s, const struct args *a, struct err *e)
{
	AUTO_BUF path = buf_empty(4096), full = buf_empty(0);
	AUTO(cfg) c = NULL;
	const char *nickname, *token = args_str(a, "token", NAMES_INTERNAL);
	struct keystore *ks;
	char prefix[64];
	int64_t n;
	enum rc rc;

	if ((rc = args_need(a, "nickname", "nickname", &nickname, e)) !=
		RC_OK ||
	    (rc = load_external(s, &c, &path, e)) != RC_OK)
		return rc;
	if ((n = find_external(c, nickname, token)) < 0)
		return err_set(e, RC_NOTFOUND,
		    "No such external certificate: %s", nickname);
	if (!names_is_internal(token))
		buf_addf(&full, "%s:", token);
	buf_add_str(&full, nickname);
	if ((rc = server_keystore(s, &ks, e)) != RC_OK ||
	    (rc = keystore_delete_cert(ks, buf_cstr(&full), false, e)) != RC_OK)
		return rc;
	snprintf(prefix, sizeof(prefix), "%lld.", (long long)n);
	cfg_del_prefix(c, prefix);
	if ((rc = save_external(s, c, buf_cstr(&path), e)) != RC_OK)
		return rc;
	printf("Certificate removed from instance %s.\n", s->name);
	return RC_OK;
}

/* ---- self tests ---- */

#define STARTUP "selftests.container.order.startup"
#define SHIPPED "CAPresence:critical, SystemCertsVerification:critical"

/* "CAPresence" of "CAPresence:critical". */
static bool
is_test(const char *item, const char *id)
{
	size_t n = strcspn(item, ":");

	return strlen(id) == n && strncmp(item, id, n) == 0;
}

/* Appends the tests of a list that are (not) the one called id. */
static void
add_tests(struct buf *out, const char *list, const char *id, bool equal)
{
	AUTO_STR copy = strdup(list);
	char *item[TESTS_MAX];
	size_t n = copy != NULL ? text_split(copy, ",", item, TESTS_MAX) : 0;

	for (size_t i = 0; i < n && i < TESTS_MAX; i++)
		if (id == NULL || is_test(item[i], id) == equal)
			buf_addf(
			    out, "%s%s", out->len > 0 ? ", " : "", item[i]);
}

/* The tests at start-up: all, none, with or without one. */
static enum rc
switch_test(
    struct server *s, const char *sub, const char *id, bool on, struct err *e)
{
	AUTO_BUF list = buf_empty(0);
	AUTO(cfg) c = NULL;
	const char *now;
	enum rc rc = server_cs(s, &c, sub, e);

	if (rc != RC_OK)
		return rc;
	now = cfg_get(c, STARTUP);
	if (now == NULL)
		now = SHIPPED;
	if (id == NULL && on) {
		buf_add_str(&list, SHIPPED);
	} else if (id != NULL) {
		add_tests(&list, now, id, false);
		if (on)
			buf_addf(&list, "%s%s:critical",
			    list.len > 0 ? ", " : "", id);
	}
	if ((rc = buf_check(&list, e)) != RC_OK ||
	    (rc = cfg_set(c, STARTUP, buf_cstr(&list), e)) != RC_OK)
		return rc;
	return server_save_cs(s, sub, c, e);
}

static enum rc
selftest(struct server *s, const struct args *a, bool on, struct err *e)
{
	const char *sub = args_get(a, "subsystem");
	enum rc rc = RC_OK;

	if (sub != NULL)
		rc = server_use(s, sub, e);
	for (size_t i = 0; rc == RC_OK && i < SERVER_SUBSYSTEMS; i++) {
		const char *x = server_subsystems[i];

		if (server_has(s->paths, x) &&
		    (sub == NULL || strcmp(sub, x) == 0))
			rc = switch_test(s, x, args_at(a, 0), on, e);
	}
	return rc;
}

static enum rc
run_selftest_enable(struct server *s, const struct args *a, struct err *e)
{
	return selftest(s, a, true, e);
}

static enum rc
run_selftest_disable(struct server *s, const struct args *a, struct err *e)
{
	return selftest(s, a, false, e);
}

/* ---- listeners and banner ---- */

static enum rc
run_listener_find(struct server *s, const struct args *a, struct err *e)
{
	static const char *const rows[][2] = { { "http.port", "Unsecure" },
		{ "https.port", "Secure" } };
	AUTO(cfg) c = NULL;
	size_t n = 0;
	enum rc rc = server_cfg(s, &c, e);

	(void)a;
	for (size_t i = 0; rc == RC_OK && i < 2; i++) {
		if (strcmp(cfg_str(c, rows[i][0], "8080"), "0") == 0)
			continue;
		out_entry(n++);
		out_field("Listener ID", rows[i][1]);
	}
	return rc;
}

static enum rc
banner_path(struct server *s, const struct args *a, struct buf *out)
{
	const char *file = args_get(a, "file");

	if (file != NULL)
		buf_add_str(out, file);
	else
		buf_addf(out, "%s/banner.txt", s->paths->conf);
	return file_exists(buf_cstr(out)) ? RC_OK : RC_NOTFOUND;
}

static enum rc
run_banner_show(struct server *s, const struct args *a, struct err *e)
{
	AUTO_BUF path = buf_empty(4096), text = buf_empty(BANNER_MAX);
	enum rc rc;

	if (banner_path(s, a, &path) != RC_OK) {
		printf("Banner is not installed\n");
		return RC_OK;
	}
	if ((rc = file_read(&text, buf_cstr(&path), e)) == RC_OK)
		printf("%s\n", text_trim((char *)text.data));
	return rc;
}

/* Characters that are no text: control characters, broken UTF-8. */
static void
invalid_characters(struct view v, struct buf *out)
{
	for (size_t i = 0; i < v.len;) {
		uint8_t c = v.data[i];
		size_t n = c < 0x80      ? 1
		    : (c & 0xe0) == 0xc0 ? 2
		    : (c & 0xf0) == 0xe0 ? 3
		    : (c & 0xf8) == 0xf0 ? 4
					 : 0;
		bool bad = n == 0 || i + n > v.len ||
		    (c < 0x20 && strchr("\t\n\r", c) == NULL) || c == 0x7f;

		for (size_t k = 1; !bad && k < n; k++)
			bad = (v.data[i + k] & 0xc0) != 0x80;
		if (bad)
			buf_addf(out, "%s0x%02x", out->len > 0 ? ", " : "", c);
		i += bad ? 1 : n;
	}
}

static enum rc
run_banner_validate(struct server *s, const struct args *a, struct err *e)
{
	AUTO_BUF path = buf_empty(4096), text = buf_empty(BANNER_MAX),
		 bad = buf_empty(0);
	bool silent = args_has(a, "silent");
	enum rc rc;

	if (banner_path(s, a, &path) != RC_OK) {
		if (!silent)
			printf("Banner is not installed\n");
		return RC_OK;
	}
	if ((rc = file_read(&text, buf_cstr(&path), e)) != RC_OK)
		return rc;
	invalid_characters(buf_view(&text), &bad);
	if (bad.len > 0)
		return err_set(e, RC_INVALID,
		    "Banner contains invalid character(s): %s", buf_cstr(&bad));
	if (text.len == 0 || *text_trim((char *)text.data) == '\0')
		return err_set(e, RC_INVALID, "Banner is empty");
	if (!silent)
		printf("Banner is valid\n");
	return RC_OK;
}

/* ---- the tables ---- */

static const struct opt nss_opts[] = {
	SERVER_OPTS,
	OPT_FLAG("no-password", "No password"),
	OPT_SECRET("password", "password", "Password of the database"),
	OPT("password-file", "file", "File with the password"),
	OPT_FLAG("force", "Replace an existing database"),
	OPT_END,
};
static const struct opt force_opts[] = {
	SERVER_OPTS,
	OPT_FLAG("force", "Do not ask"),
	OPT_END,
};
static const struct opt export_opts[] = {
	SERVER_OPTS,
	OPT("pkcs12-file", "file", "PKCS #12 file"),
	OPT_SECRET("pkcs12-password", "password", "Its password"),
	OPT("pkcs12-password-file", "file", "File with its password"),
	OPT_FLAG("append", "Append to an existing file"),
	OPT_FLAG("no-trust-flags", "Leave trust flags out"),
	OPT_FLAG("no-key", "Leave keys out"),
	OPT_FLAG("no-chain", "Leave issuers out"),
	OPT_UNUSED("mac-type", 0, "type", "the classic MAC is used"),
	OPT_UNUSED("mac-digest", 0, "name", "SHA-256 is used"),
	OPT_END,
};
static const struct opt external_add_opts[] = {
	SERVER_OPTS,
	OPT("cert-file", "file", "Certificate file"),
	OPT("nickname", "name", "Nickname"),
	OPT("trust-args", "flags", "Trust flags (default: \",,\")"),
	OPT("token", "name", "Token (default: internal)"),
	OPT_END,
};
static const struct opt external_del_opts[] = {
	SERVER_OPTS,
	OPT("nickname", "name", "Nickname"),
	OPT("token", "name", "Token (default: internal)"),
	OPT_END,
};
static const struct opt selftest_opts[] = {
	SERVER_OPTS,
	OPT("subsystem", "ID", "Only this subsystem"),
	OPT_END,
};
static const struct opt banner_opts[] = {
	SERVER_OPTS,
	OPT("file", "file", "Another file (default: banner.txt)"),
	OPT_FLAG("silent", "Print nothing"),
	OPT_END,
};

const struct server_cmd server_nss[] = {
	{ "nss-create", "", "Create the NSS database", nss_opts, 0, 0,
	    run_nss_create, NEED_INSTANCE },
	{ "nss-remove", "", "Remove the NSS database", force_opts, 0, 0,
	    run_nss_remove, NEED_INSTANCE },
	{ 0 },
};
const struct server_cmd server_instance_cert[] = {
	{ "instance-cert-export", "[<nickname>...]",
	    "Export certificates and keys into a PKCS #12 file", export_opts, 0,
	    -1, run_export, NEED_INSTANCE },
	{ "instance-externalcert-add", "", "Add an external certificate",
	    external_add_opts, 0, 0, run_external_add, NEED_INSTANCE },
	{ "instance-externalcert-del", "", "Remove an external certificate",
	    external_del_opts, 0, 0, run_external_del, NEED_INSTANCE },
	{ 0 },
};
const struct server_cmd server_selftest[] = {
	{ "selftest-enable", "[<self test ID>]", "Run self tests at start-up",
	    selftest_opts, 0, 1, run_selftest_enable, NEED_INSTANCE },
	{ "selftest-disable", "[<self test ID>]",
	    "Do not run self tests at start-up", selftest_opts, 0, 1,
	    run_selftest_disable, NEED_INSTANCE },
	{ 0 },
};
const struct server_cmd server_listener[] = {
	{ "listener-find", "", "Find listeners", NULL, 0, 0, run_listener_find,
	    NEED_INSTANCE },
	{ 0 },
};
const struct server_cmd server_banner[] = {
	{ "banner-show", "", "Show the banner", banner_opts, 0, 0,
	    run_banner_show, NEED_INSTANCE },
	{ "banner-validate", "", "Check the banner", banner_opts, 0, 0,
	    run_banner_validate, NEED_INSTANCE },
	{ 0 },
};
