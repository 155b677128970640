/* SPDX-License-Identifier: Apache-2.0 */
/* pkispawn_ask.c - the questions of pkispawn on a terminal (spec deployment
 * 2.1).
 * Owns:    nothing.
 * Trusts:  no answer; each is judged before the next question.
 * Threads: one. */
#include "tools/pkispawn_ask.h"

#include <ctype.h>
#include <stdio.h>
#include <unistd.h>

#include "auth/user.h"
#include "base/secret.h"
#include "base/text.h"
#include "instance/paths.h"

enum {
	ANSWER_MAX = 512,
	PORT_MAX = 65535
};

/* RC_OK when the answer can be used; e says why not. */
typedef enum rc (*judge_fn)(const char *answer, struct err *e);

static enum rc
judge_instance(const char *answer, struct err *e)
{
	AUTO(instance_paths) p = NULL;

	return instance_paths_new(&p, answer, e);
}

static enum rc
judge_port(const char *answer, struct err *e)
{
	int64_t port;

	return text_int(&port, answer, 1, PORT_MAX, e);
}

static enum rc
judge_file(const char *answer, struct err *e)
{
	return access(answer, R_OK) == 0 ? RC_OK
					 : err_errno(e, "%.256s", answer);
}

static enum rc
judge_something(const char *answer, struct err *e)
{
	return answer[0] != '\0' ? RC_OK
				 : err_set(e, RC_INVALID, "it is needed");
}

static enum rc
judge_ca(const char *answer, struct err *e)
{
	return text_ieq(answer, "CA")
	    ? RC_OK
	    : err_set(e, RC_UNSUPPORTED,
		  "subsystem %.16s is not supported by this version", answer);
}

static enum rc
judge_yes_no(const char *answer, struct err *e)
{
	static const char *const words[] = { "y", "yes", "n", "no" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (text_ieq(answer, words[i]))
			return RC_OK;
	return err_set(e, RC_INVALID, "Yes or No");
}

static enum rc
judge_begin(const char *answer, struct err *e)
{
	if (text_ieq(answer, "q") || text_ieq(answer, "quit") ||
	    judge_yes_no(answer, NULL) == RC_OK)
		return RC_OK;
	return err_set(e, RC_INVALID, "Yes, No or Quit");
}

static bool
is_yes(const char *answer)
{
	return text_ieq(answer, "y") || text_ieq(answer, "yes");
}

/* One line of the terminal; RC_TOOBIG when it is too long. */
static enum rc
read_answer(char line[ANSWER_MAX], struct err *e)
{
	if (fgets(line, ANSWER_MAX, stdin) == NULL) {
		putchar('\n');
		return err_set(e, RC_USAGE, "installation cancelled");
	}
	if (strchr(line, '\n') != NULL || feof(stdin))
		return RC_OK;
	for (int c = 0; c != '\n' && c != EOF;)
		c = getchar();
	return err_set(e, RC_TOOBIG, "an answer has at most %d characters",
	    ANSWER_MAX - 2);
}

/* Asks until the answer is a good one; an empty line is the default. The answer
 * is trimmed, at the beginning of line. */
static enum rc
ask_line(char line[ANSWER_MAX], const char *question, const char *def,
    judge_fn judge, struct err *e)
{
	enum rc rc;

	for (;;) {
		struct err wrong = { RC_OK, "" };
		char *answer;
		printf(
		    def[0] != '\0' ? "  %s [%s]: " : "  %s: ", question, def);
		fflush(stdout);
		if ((rc = read_answer(line, &wrong)) == RC_USAGE) {
			*e = wrong;
			return rc;
		}
		answer = text_trim(line);
		if (rc == RC_OK && answer[0] == '\0')
			snprintf(answer = line, ANSWER_MAX, "%s", def);
		memmove(line, answer, strlen(answer) + 1);
		if (rc == RC_OK && judge != NULL)
			rc = judge(line, &wrong);
		if (rc == RC_OK)
			return RC_OK;
		printf("  Please answer again: %s\n", wrong.text);
	}
}

static enum rc
ask(struct values *v, const char *param, const char *question, judge_fn judge,
    struct err *e)
{
	char line[ANSWER_MAX];
	const char *def = values_str(v, param);
	enum rc rc = ask_line(line, question, def, judge, e);

	/* an unchanged default goes on following what it was made of */
	if (rc != RC_OK || strcmp(line, def) == 0)
		return rc;
	return values_set(v, param, line, e);
}

static enum rc
ask_ports(struct values *v, struct err *e)
{
	enum rc rc;

	for (;;) {
		if ((rc = ask(v, "pki_http_port", "HTTP port", judge_port,
			 e)) != RC_OK ||
		    (rc = ask(v, "pki_https_port", "Secure HTTP port",
			 judge_port, e)) != RC_OK)
			return rc;
		if (strcmp(values_str(v, "pki_http_port"),
			values_str(v, "pki_https_port")) != 0)
			return RC_OK;
		puts("  Please answer again: the two ports must differ");
	}
}

static enum rc
ask_password(struct values *v, struct err *e)
{
	enum rc rc;

	for (;;) {
		struct err wrong = { RC_OK, "" };
		AUTO(secret) a = NULL;
		AUTO(secret) b = NULL;
		if ((rc = secret_ask(&a, "  Password [generated]: ", e)) !=
		    RC_OK)
			return rc;
		if (secret_view(a).len == 0) /* generated */
			return values_set(v, "pki_admin_password", "", e);
		if (user_check_password(secret_view(a), &wrong) != RC_OK) {
			printf("  Please answer again: %s\n", wrong.text);
			continue;
		}
		if ((rc = secret_ask(&b, "  Verify password: ", e)) != RC_OK)
			return rc;
		if (secret_eq(a, secret_view(b)))
			return values_set(
			    v, "pki_admin_password", secret_cstr(a), e);
		puts("Passwords do not match.");
	}
}

/* A certificate that the administrator has already, or where the new one goes.
 */
static enum rc
ask_certificate(struct values *v, struct err *e)
{
	char line[ANSWER_MAX];
	enum rc rc = ask_line(
	    line, "Import certificate (Yes/No)", "No", judge_yes_no, e);

	if (rc != RC_OK)
		return rc;
	if (is_yes(line))
		return ask(v, "pki_admin_cert_path", "Import certificate from",
		    judge_file, e);
	if ((rc = values_set(v, "pki_admin_cert_path", "", e)) != RC_OK)
		return rc;
	return ask(v, "pki_client_admin_cert", "Export certificate to",
	    judge_something, e);
}

static enum rc
ask_administrator(struct values *v, struct err *e)
{
	enum rc rc;

	puts("\nAdministrator:");
	if ((rc = ask(v, "pki_admin_uid", "Username", judge_something, e)) !=
		RC_OK ||
	    (rc = ask_password(v, e)) != RC_OK)
		return rc;
	return ask_certificate(v, e);
}

static enum rc
ask_connection(struct values *v, struct err *e)
{
	char line[ANSWER_MAX];
	enum rc rc;

	rc =
	    ask_line(line, "Secure connection (Yes/No)", "No", judge_yes_no, e);
	if (rc != RC_OK)
		return rc;
	rc = values_set(
	    v, "pki_ds_secure_connection", is_yes(line) ? "True" : "False", e);
	if (rc != RC_OK || !is_yes(line))
		return rc != RC_OK
		    ? rc
		    : ask(v, "pki_ds_ldap_port", "Port", judge_port, e);
	if ((rc = ask(v, "pki_ds_ldaps_port", "Port", judge_port, e)) != RC_OK)
		return rc;
	return ask(v, "pki_ds_secure_connection_ca_pem_file",
	    "PEM file of its issuer", judge_file, e);
}

/* No host: the embedded store. Data that are there are never removed for
 * somebody who types. */
static enum rc
ask_directory(struct values *v, struct err *e)
{
	static const char embedded[] = "none: embedded store";
	char line[ANSWER_MAX];
	AUTO(secret) password = NULL;
	enum rc rc;

	puts("\nDirectory Server:");
	if ((rc = ask_line(line, "Hostname", embedded, NULL, e)) != RC_OK)
		return rc;
	if (strcmp(line, embedded) == 0 || text_ieq(line, "none"))
		return values_set(v, "pki_ds_hostname", "", e);
	if ((rc = values_set(v, "pki_ds_hostname", line, e)) != RC_OK ||
	    (rc = ask_connection(v, e)) != RC_OK ||
	    (rc = ask(v, "pki_ds_bind_dn", "Bind DN", judge_something, e)) !=
		RC_OK ||
	    (rc = secret_ask(&password, "  Bind password: ", e)) != RC_OK ||
	    (rc = values_set(v, "pki_ds_password", secret_cstr(password), e)) !=
		RC_OK ||
	    (rc = ask(v, "pki_ds_base_dn", "Base DN", judge_something, e)) !=
		RC_OK)
		return rc;
	return values_set(v, "pki_ds_remove_data", "False", e);
}

static enum rc
ask_all(struct values *v, struct err *e)
{
	enum rc rc;

	puts("\nTomcat:");
	if ((rc = ask(v, "pki_instance_name", "Instance", judge_instance, e)) !=
		RC_OK ||
	    (rc = ask_ports(v, e)) != RC_OK ||
	    (rc = ask_administrator(v, e)) != RC_OK ||
	    (rc = ask_directory(v, e)) != RC_OK)
		return rc;
	puts("\nSecurity Domain:");
	return ask(v, "pki_security_domain_name", "Name", judge_something, e);
}

enum rc
pkispawn_ask(struct values *v, bool subsystem, struct err *e)
{
	char line[ANSWER_MAX];
	enum rc rc = RC_OK;

	puts("\nAn empty answer takes what stands in brackets.\n");
	if (subsystem)
		rc = ask_line(line, "Subsystem (CA)", "CA", judge_ca, e);
	while (rc == RC_OK && (rc = ask_all(v, e)) == RC_OK) {
		puts("");
		rc = ask_line(line, "Begin installation (Yes/No/Quit)?", "",
		    judge_begin, e);
		if (rc == RC_OK && is_yes(line))
			return RC_OK;
		if (rc == RC_OK && tolower((unsigned char)line[0]) == 'q')
			return err_set(e, RC_USAGE, "installation cancelled");
	}
	return rc;
}
