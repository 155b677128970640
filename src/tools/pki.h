/* SPDX-License-Identifier: Apache-2.0 */
/* pki.h - the frame of the pki command line client: the command table, parsed
 * options, and the session that the commands of one process share.
 *
 * A command is a row {name, operands, text, options, function}. Its function
 * prints its result on standard output and returns RC_OK, or says in e what
 * went wrong; main prints that once and ends with status 255. */
#ifndef TOOLS_PKI_H
#define TOOLS_PKI_H

#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/secret.h"
#include "http/client.h"
#include "keys/keystore.h"

enum {
	PKI_EXIT_ERROR = 255,
	PKI_LINE_MAX = 65536, /* of one batch line */
	PKI_WORDS_MAX = 256,  /* in one batch line */
};

struct opt {
	const char *name; /* "profile"; NULL ends a table */
	char letter;      /* 0 = none */
	const char *arg;  /* what its value is; NULL = a switch */
	const char *text;
	bool secret;      /* the value is kept in a struct secret only */
	const char *same; /* this is another spelling of that option */
};
extern const char opt_inert[]; /* in place of same: OPT_UNUSED */
#define OPT(n, a, t)                    \
	{                               \
		n, 0, a, t, false, NULL \
	}
#define OPT_LETTER(n, l, a, t)          \
	{                               \
		n, l, a, t, false, NULL \
	}
#define OPT_FLAG(n, t)                     \
	{                                  \
		n, 0, NULL, t, false, NULL \
	}
#define OPT_SECRET(n, a, t)            \
	{                              \
		n, 0, a, t, true, NULL \
	}
#define OPT_SAME(n, s)                     \
	{                                  \
		n, 0, NULL, NULL, false, s \
	}
/* Taken so that a caller's old words still work, but without effect: its use is
 * told in a warning with the reason. */
#define OPT_UNUSED(n, l, a, why)              \
	{                                     \
		n, l, a, why, true, opt_inert \
	}
#define OPT_END                                  \
	{                                        \
		NULL, 0, NULL, NULL, false, NULL \
	}

struct pki;
struct args;

struct cmd {
	const char *name;     /* "ca-cert-find"; NULL ends a table */
	const char *operands; /* "<serial number>...", or "" */
	const char *text;
	const struct opt *opts;
	int min, max; /* operands; max -1 = any number */
	enum rc (*run)(struct pki *p, const struct args *a, struct err *e);
};

/* A family of commands: the group word and what it is about. A generic family
 * exists in every subsystem: its names lack the "ca-" in front. */
struct family {
	const char *name; /* "ca-cert" */
	const char *text;
	const struct cmd *cmds;
	bool generic;
};
extern const struct family families[]; /* ended by name NULL */

/* ---- options and operands (pki_args.c) ---- */

/* Parses words against opts (and, unless first_only, the options that every
 * command has). first_only: stop at the first operand and leave *used there.
 * Values of secret options are overwritten in words. */
MUST enum rc args_parse(struct args **out, const struct opt *opts, char **words,
    size_t n, bool first_only, size_t *used, struct err *e);
void args_free(struct args *a);
OWNED(args)

/* Number of operands. */
size_t args_count(const struct args *a);
/* The i-th operand, or NULL. */
const char *args_at(const struct args *a, size_t i);
/* The last value given, or NULL. The name must be in the table. */
const char *args_get(const struct args *a, const char *name);
/* As args_get, or def. */
const char *args_str(const struct args *a, const char *name, const char *def);
bool args_has(const struct args *a, const char *name);
/* The i-th value given of an option that may stand there often, or NULL. */
const char *args_nth(const struct args *a, const char *name, size_t i);
const struct secret *args_secret(const struct args *a, const char *name);
/* --X or --X-file: the caller owns *out, NULL when neither is given.
 * RC_USAGE when both are. */
MUST enum rc args_password(const struct args *a, const char *name,
    const char *file_name, struct secret **out, struct err *e);
/* RC_USAGE "Missing WHAT" unless the option is there. */
MUST enum rc args_need(const struct args *a, const char *name, const char *what,
    const char **out, struct err *e);
/* Splits a batch line into words in place (quotes ' and ", backslash). */
MUST enum rc args_split(char *line, char **words, size_t *n, struct err *e);
/* Help of one option table. */
void args_help(const struct opt *opts);

/* ---- output (pki_out.c) ---- */

/* A message between two lines of dashes as long as it is. */
void out_framed(const char *fmt, ...) PRINTF(1, 2);
/* "  Label: value"; nothing when value is NULL. */
void out_field(const char *label, const char *value);
void out_fieldf(const char *label, const char *fmt, ...) PRINTF(2, 3);
/* A blank line before every entry of a list but the first. */
void out_entry(size_t index);
/* "Number of entries returned N", framed. */
void out_returned(size_t n);
/* "INFO: ..." on standard error when verbose. */
void out_say(bool verbose, const char *fmt, va_list ap) PRINTF(2, 0);
/* Asks on standard error/terminal, reads standard input; true for y or yes. */
bool out_confirm(const char *question);
/* A line of standard input without its end; RC_UNAVAILABLE at its end. */
MUST enum rc out_ask(struct buf *answer, const char *question, struct err *e);
/* To a file (mode 0666 less umask), or to standard output when path is NULL. */
MUST enum rc out_file(const char *path, struct view data, struct err *e);
/* A file named by the user; "-" is standard input. */
MUST enum rc out_read(struct buf *out, const char *path, struct err *e);
/* As out_read, where the file is the user's PEM, base64 or DER; format PEM or
 * DER, or NULL to find out; appends DER. */
MUST enum rc out_read_der(struct buf *out, const char *path, const char *format,
    const char *label, struct err *e);
/* DER to path (NULL = standard output) as PEM (format NULL or "PEM") or DER. */
MUST enum rc out_der(const char *path, const char *format, const char *label,
    struct view der, struct err *e);

/* ---- the session ---- */

struct pki {
	struct args *global;
	char *uri;               /* https://host:8443 */
	char *dir;               /* NSS database */
	const char *sub;         /* subsystem of the running command: "ca" */
	const char *api;         /* "v2" */
	struct secret *db_pin;   /* -c, -C or -f; NULL = none given */
	struct cfg *pins;        /* -f */
	struct secret *password; /* -w, -W or asked */
	bool verbose;
	bool batch; /* standard input holds the commands */
	struct keystore *ks;
	bool ks_locked; /* opened without its password */
	struct http_client *http;
	struct key *tls_key;     /* -n, as long as http */
	struct arena *tls_arena; /* certificates of http */
	bool greeted;            /* banner seen */
	const char *login_sub;   /* account/login done there */
	/* The server's words for the last failure, if it had any. */
	char fault[64];
	struct buf fault_text;
};

/* Marks an error as Exception: text instead of ERROR: text (pki_out.c). */
enum rc pki_fault(struct pki *p, struct err *e, enum rc rc,
    const char *exception, const char *fmt, ...) PRINTF(5, 6);

/* Says on standard error what happens, with --verbose. */
void pki_say(const struct pki *p, const char *fmt, ...) PRINTF(2, 3);

/* The user's NSS database, opened at first use, made when missing (pki_db.c).
 * A password it has and that was not given is asked for on the terminal, or
 * read as a line of standard input. */
MUST enum rc pki_keystore(struct pki *p, struct keystore **out, struct err *e);
/* As pki_keystore for those who need certificates only: without a password
 * given none is asked for; then private keys are not seen and trust cannot be
 * written (RC_AUTH). */
MUST enum rc pki_keystore_certs(
    struct pki *p, struct keystore **out, struct err *e);
/* Drops the open database (before its files are replaced). */
void pki_keystore_close(struct pki *p);
/* -c, -C, -f and -w, -W into p. */
MUST enum rc pki_passwords(struct pki *p, struct err *e);

/* ---- REST (pki_rest.c) ---- */

/* One call on p->sub: path "certs/0x1a?x=y" below /ca/v2/. body and *out may be
 * NULL; the caller owns *out. Logs in first when there are credentials. An
 * answer that is not 2xx is an error in the server's words. */
MUST enum rc rest_json(struct pki *p, const char *method, const char *path,
    json_t *body, json_t **out, struct err *e);
MUST enum rc rest_get(struct pki *p, json_t **out, struct err *e,
    const char *fmt, ...) PRINTF(4, 5);
/* Bytes either way; type and accept as in the header fields. */
MUST enum rc rest_bytes(struct pki *p, const char *method, const char *path,
    const char *type, struct view body, const char *accept, struct buf *out,
    struct err *e);
struct rest_call {
	const char *method, *path;
	const char *type, *accept; /* NULL: none */
	struct view body;
};
/* As rest_bytes, path absolute on the server ("/ca/agent/ca/updateCRL");
 * *status gets the HTTP status, whatever it is. */
MUST enum rc rest_raw(struct pki *p, const struct rest_call *c, struct buf *out,
    int *status, struct err *e);
/* Logs out and drops the connection. */
void rest_close(struct pki *p);

/* jansson objects free themselves too. */
static inline void
json_freep(json_t **j)
{
	json_decref(*j);
	*j = NULL;
}
#define AUTO_JSON __attribute__((cleanup(json_freep))) json_t *

/* A member as text: strings as they are, else NULL. */
static inline const char *
json_str(const json_t *o, const char *name)
{
	return json_string_value(json_object_get(o, name));
}
/* Appends text and percent-encoded ids in turn, ended by NULL:
 * rest_path(&b, "admin/users/", id, "/certs", NULL). */
void rest_path(struct buf *out, ...);
/* "?start=..&size=.." from options that are given: pairs of option and query
 * name, ended by NULL. Appends to path. */
void rest_query(struct buf *path, const struct args *a, ...);
/* JSON from a file the user gave. */
MUST enum rc rest_load(json_t **out, const char *path, struct err *e);
/* base64 or PEM text of a member ("Encoded") as DER, appended. */
MUST enum rc rest_der(
    const json_t *o, const char *member, struct buf *der, struct err *e);

#endif
