/* SPDX-License-Identifier: Apache-2.0 */
/* pki_args.c - options and operands of a command, and lines of a batch.
 * Owns:    struct args with copies of all words.
 * Trusts:  nothing; the words are the user's.
 * Threads: none. */
#include "tools/pki.h"

#include <assert.h>
#include <openssl/crypto.h>

struct set {
	const struct opt *opt;
	char *value;
	struct secret *secret;
};

struct args {
	const struct opt *opts;
	struct set *set;
	size_t n_set;
	char **operand;
	size_t n;
};

const char opt_inert[] = "";

/* Every command takes these. */
static const struct opt common[] = {
	OPT_FLAG("help", "Show help."),
	OPT_LETTER("verbose", 'v', NULL, "Run in verbose mode."),
	OPT_FLAG("debug", "Run in debug mode."),
	OPT_END,
};

void
args_free(struct args *a)
{
	if (a == NULL)
		return;
	for (size_t i = 0; i < a->n_set; i++) {
		free(a->set[i].value);
		secret_free(a->set[i].secret);
	}
	for (size_t i = 0; i < a->n; i++)
		free(a->operand[i]);
	free(a->set);
	free(a->operand);
	free(a);
}

static const struct opt *
find_name(const struct opt *opts, const char *name, size_t len)
{
	const struct opt *o = opts;

	while (o != NULL && o->name != NULL) {
		if (strlen(o->name) != len || memcmp(o->name, name, len) != 0) {
			o++;
			continue;
		}
		if (o->same == NULL || o->same == opt_inert)
			return o;
		name = o->same; /* another name: from the top with the real */
		len = strlen(name);
		o = opts;
	}
	return NULL;
}

static const struct opt *
find_letter(const struct opt *opts, char letter)
{
	for (const struct opt *o = opts; o != NULL && o->name != NULL; o++)
		if (o->letter != 0 && o->letter == letter)
			return o;
	return NULL;
}

static enum rc
add(struct args *a, const struct opt *o, char *value, struct err *e)
{
	struct set *s = &a->set[a->n_set];

	s->opt = o;
	if (value != NULL && o->secret) {
		s->secret = secret_new(view_str(value));
		/* ps must not show it any longer */
		OPENSSL_cleanse(value, strlen(value));
		if (s->secret == NULL)
			return err_set(e, RC_NOMEM, "out of memory");
	} else if (value != NULL && (s->value = strdup(value)) == NULL) {
		return err_set(e, RC_NOMEM, "out of memory");
	}
	a->n_set++;
	return RC_OK;
}

/* One word that begins with '-': finds its option; *value points behind the
 * '=' or the letter when the value is in the same word. */
static const struct opt *
lookup(const struct opt *opts, bool with_common, char *word, char **value)
{
	const struct opt *o;
	char *eq = strchr(word, '=');
	size_t len;

	*value = NULL;
	if (word[1] != '-' && word[2] == '\0') {
		o = find_letter(opts, word[1]);
		return o != NULL || !with_common ? o
						 : find_letter(common, word[1]);
	}
	/* -Dname=value: a letter that has a value, with it in one word */
	if (word[1] != '-' && (o = find_letter(opts, word[1])) != NULL &&
	    o->arg != NULL && o->letter == 'D') {
		*value = word + 2;
		return o;
	}
	/* long names with one dash are what old scripts write */
	word += word[1] == '-' ? 2 : 1;
	len = eq != NULL ? (size_t)(eq - word) : strlen(word);
	if ((o = find_name(opts, word, len)) == NULL && with_common)
		o = find_name(common, word, len);
	if (eq != NULL)
		*value = eq + 1;
	return o;
}

/* The option at words[*i], with its value, which may be the next word. */
static enum rc
take_option(struct args *a, bool with_common, char **words, size_t n, size_t *i,
    struct err *e)
{
	char *w = words[*i], *value;
	const struct opt *o = lookup(a->opts, with_common, w, &value);

	if (o == NULL)
		return err_set(e, RC_USAGE, "Unrecognized option: %s", w);
	if (o->arg == NULL && value != NULL)
		return err_set(
		    e, RC_USAGE, "Option takes no value: %s", o->name);
	if (o->arg != NULL && value == NULL) {
		if (*i + 1 >= n)
			return err_set(
			    e, RC_USAGE, "Missing argument for option: %s", w);
		value = words[++*i];
	}
	if (o->same == opt_inert)
		fprintf(stderr, "WARNING: option %s%s has no effect: %s\n",
		    strlen(o->name) == 1 ? "-" : "--", o->name, o->text);
	return add(a, o, value, e);
}

enum rc
args_parse(struct args **out, const struct opt *opts, char **words, size_t n,
    bool first_only, size_t *used, struct err *e)
{
	AUTO(args) a = calloc(1, sizeof(*a));
	bool plain = false;
	enum rc rc;
	size_t i;

	if (a == NULL || (a->set = calloc(n + 1, sizeof(*a->set))) == NULL ||
	    (a->operand = calloc(n + 1, sizeof(*a->operand))) == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	a->opts = opts;
	for (i = 0; i < n; i++) {
		const char *w = words[i];

		if (plain || w[0] != '-' || w[1] == '\0') {
			if (first_only)
				break;
			if ((a->operand[a->n] = strdup(w)) == NULL)
				return err_set(e, RC_NOMEM, "out of memory");
			a->n++;
			continue;
		}
		if (strcmp(w, "--") == 0) {
			plain = true;
			continue;
		}
		if ((rc = take_option(a, !first_only, words, n, &i, e)) !=
		    RC_OK)
			return rc;
	}
	if (used != NULL)
		*used = i;
	*out = args_steal(&a);
	return RC_OK;
}

size_t
args_count(const struct args *a)
{
	return a->n;
}

const char *
args_at(const struct args *a, size_t i)
{
	return i < a->n ? a->operand[i] : NULL;
}

static const struct set *
find(const struct args *a, const char *name)
{
	const struct opt *o = find_name(a->opts, name, strlen(name));

	if (o == NULL)
		o = find_name(common, name, strlen(name));
	assert(o != NULL);
	for (size_t i = a->n_set; i-- > 0;)
		if (a->set[i].opt == o)
			return &a->set[i];
	return NULL;
}

const char *
args_get(const struct args *a, const char *name)
{
	const struct set *s = find(a, name);

	return s != NULL ? s->value : NULL;
}

const char *
args_nth(const struct args *a, const char *name, size_t i)
{
	const struct opt *o = find_name(a->opts, name, strlen(name));

	assert(o != NULL);
	for (size_t k = 0; k < a->n_set; k++)
		if (a->set[k].opt == o && i-- == 0)
			return a->set[k].value;
	return NULL;
}

const char *
args_str(const struct args *a, const char *name, const char *def)
{
	const char *v = args_get(a, name);

	return v != NULL ? v : def;
}

bool
args_has(const struct args *a, const char *name)
{
	return find(a, name) != NULL;
}

const struct secret *
args_secret(const struct args *a, const char *name)
{
	const struct set *s = find(a, name);

	return s != NULL ? s->secret : NULL;
}

enum rc
args_password(const struct args *a, const char *name, const char *file_name,
    struct secret **out, struct err *e)
{
	const struct secret *s = args_secret(a, name);
	const char *file = args_get(a, file_name);

	if (s != NULL && file != NULL)
		return err_set(e, RC_USAGE,
		    "The --%s and --%s options are mutually exclusive.", name,
		    file_name);
	if (file != NULL)
		return secret_read_file(out, file, e);
	*out = NULL;
	if (s != NULL && (*out = secret_new(secret_view(s))) == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	return RC_OK;
}

enum rc
args_need(const struct args *a, const char *name, const char *what,
    const char **out, struct err *e)
{
	const char *v = args_get(a, name);

	if (v == NULL)
		return err_set(e, RC_USAGE, "Missing %s", what);
	*out = v;
	return RC_OK;
}

/* Unquotes the word at *at in place, up to the blank behind it; *at then points
 * behind that. false: a quote is not closed. */
static bool
split_word(char **at)
{
	char *r = *at, *w = r, quote = 0;

	for (; *r != '\0' && (quote != 0 || strchr(" \t\r\n", *r) == NULL);
	     r++) {
		if (quote == 0 && (*r == '\'' || *r == '"')) {
			quote = *r;
			continue;
		}
		if (quote != 0 && *r == quote) {
			quote = 0;
			continue;
		}
		if (*r == '\\' && quote != '\'' && r[1] != '\0')
			r++;
		*w++ = *r;
	}
	if (*r != '\0')
		r++;
	*w = '\0';
	*at = r;
	return quote == 0;
}

enum rc
args_split(char *line, char **words, size_t *n, struct err *e)
{
	char *r = line;

	for (*n = 0;;) {
		r += strspn(r, " \t\r\n");
		if (*r == '\0' || *r == '#')
			return RC_OK;
		if (*n == PKI_WORDS_MAX)
			return err_set(e, RC_USAGE, "Too many words in a line");
		words[(*n)++] = r;
		if (!split_word(&r))
			return err_set(e, RC_USAGE, "Unterminated quote");
	}
}

static void
help_line(const struct opt *o)
{
	char left[80];
	int n = 0;

	if (o->letter != 0 && strlen(o->name) == 1)
		n = snprintf(left, sizeof(left), " -%c", o->letter);
	else if (o->letter != 0)
		n = snprintf(
		    left, sizeof(left), " -%c,--%s", o->letter, o->name);
	else
		n = snprintf(left, sizeof(left), "    --%s", o->name);
	if (o->arg != NULL && n > 0 && (size_t)n < sizeof(left))
		snprintf(left + n, sizeof(left) - (size_t)n, " <%s>", o->arg);
	if (strlen(left) > 37)
		printf("%s\n%-38s", left, "");
	else
		printf("%-38s", left);
	printf("%s%s\n", o->same == opt_inert ? "No effect: " : "", o->text);
}

void
args_help(const struct opt *opts)
{
	for (const struct opt *o = opts; o != NULL && o->name != NULL; o++)
		if (o->same == NULL || o->same == opt_inert)
			help_line(o);
	for (const struct opt *o = common; o->name != NULL; o++)
		if (opts == NULL ||
		    find_name(opts, o->name, strlen(o->name)) == NULL)
			help_line(o);
}
