/* SPDX-License-Identifier: Apache-2.0 */
/* export_audit_test.c - PKCS12Export and AuditVerify as users run them; their
 * paths are the program's arguments.
 * Owns:    temporary folders.
 * Trusts:  nothing.
 * Threads: one. */
#include <limits.h>

#include "keys/keys_test.h"

static char pin_text[] = TEST_PIN;
static const char *pkcs12export, *auditverify;

static struct keystore *
open_db(const struct test_dir *d)
{
	struct keystore_open_params p = { .dir = d->path,
		.create = true,
		.pin = test_pin,
		.pin_arg = pin_text };
	struct keystore *ks = NULL;
	struct err err;

	assert_ok(keystore_open(&ks, &p, &err));
	return ks;
}

static struct key *
new_pair(struct keystore *ks, enum keytype type, const char *nick)
{
	const struct keygen g = { .type = type,
		.rsa_bits = 2048,
		.curve = OID_prime256v1,
		.extractable = true,
		.sensitive = true };
	struct key *k = NULL;
	AUTO_BUF cert = buf_empty(0);
	struct err err;

	assert_ok(keystore_generate(ks, &k, NULL, &g, &err));
	make_cert(&cert, k, nick, nick, key_spki(k), 1, true);
	assert_ok(
	    keystore_import_cert(ks, nick, buf_view(&cert), "CTu,Cu,Cu", &err));
	return k;
}

static void
export_takes_everything_and_the_documented_command(void **state)
{
	struct test_dir d = dir_new();
	struct keystore *ks = open_db(&d);
	AUTO_BUF out = buf_empty(0);

	(void)state;
	key_free(new_pair(ks, KEYTYPE_RSA, "caSigningCert cert-x CA"));
	key_free(new_pair(ks, KEYTYPE_EC, "a: b"));
	keystore_free(ks);
	dir_write(&d, "internal.txt", view_str(TEST_PIN "\nsecond line\n"));
	dir_write(&d, "p12pwd.txt", view_str("p12 secret\n"));
	assert_sh(&d, &out,
	    "%s -debug -d . -w p12pwd.txt -p internal.txt -o master.p12",
	    pkcs12export);
	assert_non_null(strstr(buf_cstr(&out), "Export complete.\n"));
	assert_sh(&d, &out, "stat -c %%a master.p12");
	assert_string_equal(buf_cstr(&out), "600\n");
	assert_sh(&d, &out,
	    "openssl pkcs12 -in master.p12 -passin file:p12pwd.txt -nodes "
	    "| grep -c 'BEGIN'");
	assert_string_equal(buf_cstr(&out), "4\n");
	dir_remove(&d);
}

static void
export_says_what_is_wrong(void **state)
{
	struct test_dir d = dir_new();
	AUTO_BUF out = buf_empty(0);

	(void)state;
	keystore_free(open_db(&d));
	dir_write(&d, "pw", view_str("wrong\n"));
	assert_int_not_equal(
	    sh(&d, &out, "%s -d . -w pw -p pw -o o.p12", pkcs12export), 0);
	assert_true(
	    text_starts(buf_cstr(&out), "Unable to export PKCS #12 file: "));
	assert_int_not_equal(sh(&d, &out, "%s -d .", pkcs12export), 0);
	assert_true(text_starts(buf_cstr(&out), "Usage: "));
	dir_remove(&d);
}

/* Appends n lines and their signature; the signature line starts the next
 * span. */
static void
write_span(struct buf *log, struct buf *span, struct key *k, int n)
{
	AUTO_BUF sig = buf_empty(0);
	AUTO_BUF line = buf_empty(0);
	struct err err;

	for (int i = 0; i < n; i++)
		buf_addf(&line,
		    "0.main - [..] [14] [6] [AuditEvent=AUTH]"
		    "[SubjectID=a][Outcome=Success] %d\n",
		    i);
	buf_add_view(log, buf_view(&line));
	buf_add_view(span, buf_view(&line));
	assert_ok(key_sign_data(k,
	    key_type(k) == KEYTYPE_RSA ? SIGALG_SHA256_RSA : SIGALG_SHA256_EC,
	    buf_view(span), &sig, &err));
	buf_reset(&line);
	buf_add_str(&line,
	    "0.main - [..] [14] [6] "
	    "[AuditEvent=AUDIT_LOG_SIGNING][SubjectID=$System$]"
	    "[Outcome=Success] signature of audit buffer just flushed: sig: ");
	buf_add_base64(&line, buf_view(&sig), 0, "");
	buf_add_char(&line, '\n');
	buf_add_view(log, buf_view(&line));
	buf_reset(span);
	buf_add_view(span, buf_view(&line));
}

static void
audit_chain_is_followed_across_files(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct test_dir d = dir_new();
		struct keystore *ks = open_db(&d);
		AUTO(key)
		k = new_pair(ks, i ? KEYTYPE_EC : KEYTYPE_RSA, "audit signer");
		AUTO_BUF one = buf_empty(0);
		AUTO_BUF two = buf_empty(0);
		AUTO_BUF span = buf_empty(0);
		AUTO_BUF out = buf_empty(0);

		write_span(&one, &span, k, 3);
		write_span(&one, &span, k, 2);
		write_span(&two, &span, k, 4);
		dir_write(&d, "one", buf_view(&one));
		dir_write(&d, "two", buf_view(&two));
		dir_write(&d, "list", view_str("one, two\n"));
		assert_sh(&d, &out,
		    "%s -d . -n 'audit signer' -a list -P '' -v", auditverify);
		assert_non_null(
		    strstr(buf_cstr(&out), "Valid signatures: 2\n"));
		assert_non_null(
		    strstr(buf_cstr(&out), "Invalid signatures: 0\n"));
		/* a changed line breaks the signature that covers it */
		two.data[two.len / 8] ^= 1;
		dir_write(&d, "two", buf_view(&two));
		assert_int_not_equal(
		    sh(&d, &out, "%s -d . -n 'audit signer' -a list",
			auditverify),
		    0);
		assert_non_null(strstr(buf_cstr(&out), "VERIFICATION FAILED"));
		assert_non_null(
		    strstr(buf_cstr(&out), "Invalid signatures: 1\n"));
		assert_int_not_equal(
		    sh(&d, &out, "%s -d . -n nobody -a list", auditverify), 0);
		keystore_free(ks);
		dir_remove(&d);
	}
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    export_takes_everything_and_the_documented_command),
		cmocka_unit_test(export_says_what_is_wrong),
		cmocka_unit_test(audit_chain_is_followed_across_files),
	};

	static char export_path[PATH_MAX], verify_path[PATH_MAX];

	if (argc != 3)
		return 2;
	/* the commands run in folders of their own */
	pkcs12export = realpath(argv[1], export_path);
	auditverify = realpath(argv[2], verify_path);
	if (pkcs12export == NULL || auditverify == NULL)
		return 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
