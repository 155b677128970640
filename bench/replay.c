/* SPDX-License-Identifier: Apache-2.0 */
/* replay.c - the bare directory under the writes of enrolments: reads requests
 * and certificates that enrolments have written, and adds them again under other
 * numbers, request then certificate, on so many connections at once.
 * usage: replay URL BIND-DN PASSWORD BASE-DN CONNECTIONS SECONDS
 * Prints pairs=RATE, in pairs a second, as shell words.
 * Owns:    its connections; what it adds stays.
 * Trusts:  the directory.
 * Threads: one a connection. */
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include <ldap.h>

#include "base/text.h"
#include "base/thread.h"

enum {
	SAMPLES = 100, /* entries of each kind, added in turn */
	CONNECTIONS_MAX = 64,
	NAMES_MAX = 8, /* places in an entry that hold its number */
	DIGITS = 18,   /* of a number, its last ones, which are changed */
	RUN = 8,       /* of them, that tell run and connection */
};

struct entry {
	char *dn;
	LDAPMod *mods[256];
	char *at[NAMES_MAX]; /* the last DIGITS of the number, wherever it is */
	size_t n_at;
};
struct kind {
	const char *container, *filter;
};
static const struct kind kinds[2] = {
	{ "ou=ca,ou=requests", "(&(requestState=complete)(cn=*))" },
	{ "ou=certificateRepository,ou=ca", "(certStatus=VALID)" },
};
struct client {
	char **argv;
	uint64_t number; /* of run and connection */
	LDAP *ld;
	struct entry *entries[2];
	size_t n[2];
	uint64_t done;
	pthread_t thread;
};

static atomic_bool started, stopping;
static atomic_uint ready;
static const struct timespec step = { .tv_nsec = 1000000 };

static void
fail(const char *what, int code)
{
	fprintf(stderr, "replay: %s: %s\n", what, ldap_err2string(code));
	exit(1);
}

static void
note_number(struct entry *x, char *text, size_t len, const char *number)
{
	size_t n = strlen(number);

	if (len >= n && memcmp(text + len - n, number, n) == 0 &&
	    x->n_at < NAMES_MAX)
		x->at[x->n_at++] = text + len - DIGITS;
}

/* The attribute with its values; they live as long as the process. */
static LDAPMod *
attribute(struct entry *x, LDAP *ld, LDAPMessage *m, const char *name,
    const char *number)
{
	LDAPMod *mod = calloc(1, sizeof(*mod));
	struct berval **v = ldap_get_values_len(ld, m, name);

	if (mod == NULL || v == NULL)
		fail(name, LDAP_NO_MEMORY);
	mod->mod_op = LDAP_MOD_ADD | LDAP_MOD_BVALUES;
	mod->mod_type = strdup(name);
	mod->mod_bvalues = v;
	for (size_t i = 0; v[i] != NULL; i++)
		note_number(x, v[i]->bv_val, v[i]->bv_len, number);
	return mod;
}

/* false: its number is too short to be changed. */
static bool
take(struct entry *x, LDAP *ld, LDAPMessage *m)
{
	char number[64];
	struct berval **cn = ldap_get_values_len(ld, m, "cn");
	BerElement *ber = NULL;
	size_t n = 0;

	*x = (struct entry){ .dn = ldap_get_dn(ld, m) };
	snprintf(number, sizeof(number), "%s",
	    cn != NULL && cn[0] != NULL ? cn[0]->bv_val : "");
	ldap_value_free_len(cn);
	if (strlen(number) < DIGITS + 2 || x->dn == NULL)
		return false;
	for (char *a = ldap_first_attribute(ld, m, &ber);
	     a != NULL && n + 1 < sizeof(x->mods) / sizeof(x->mods[0]);
	     a = ldap_next_attribute(ld, m, ber))
		x->mods[n++] = attribute(x, ld, m, a, number);
	ber_free(ber, 0);
	note_number(x, x->dn, strcspn(x->dn, ","), number);
	return true;
}

static void
read_samples(struct client *c, size_t kind)
{
	char base[512];
	LDAPMessage *all = NULL;
	int code;

	snprintf(
	    base, sizeof(base), "%s,%s", kinds[kind].container, c->argv[4]);
	code = ldap_search_ext_s(c->ld, base, LDAP_SCOPE_ONELEVEL,
	    kinds[kind].filter, NULL, 0, NULL, NULL, NULL, SAMPLES, &all);
	if (code != LDAP_SUCCESS && code != LDAP_SIZELIMIT_EXCEEDED)
		fail(base, code);
	c->entries[kind] = calloc(SAMPLES, sizeof(struct entry));
	for (LDAPMessage *m = ldap_first_entry(c->ld, all);
	     m != NULL && c->n[kind] < SAMPLES; m = ldap_next_entry(c->ld, m))
		c->n[kind] += take(&c->entries[kind][c->n[kind]], c->ld, m);
	ldap_msgfree(all);
	if (c->n[kind] == 0)
		fail(base, LDAP_NO_SUCH_OBJECT);
}

static void
add(struct client *c, size_t kind)
{
	struct entry *x = &c->entries[kind][c->done % c->n[kind]];
	uint64_t n = c->done;
	char digits[DIGITS];
	int code;

	for (size_t i = DIGITS; i-- > RUN; n /= 10)
		digits[i] = (char)('0' + n % 10);
	n = c->number;
	for (size_t i = RUN; i-- > 0; n /= 10)
		digits[i] = (char)('0' + n % 10);
	for (size_t i = 0; i < x->n_at; i++)
		memcpy(x->at[i], digits, DIGITS);
	code = ldap_add_ext_s(c->ld, x->dn, x->mods, NULL, NULL);
	if (code != LDAP_SUCCESS)
		fail(x->dn, code);
}

static void *
client(void *arg)
{
	struct client *c = arg;
	struct berval cred = { strlen(c->argv[3]), c->argv[3] };
	int version = LDAP_VERSION3;
	int code = ldap_initialize(&c->ld, c->argv[1]);

	ldap_set_option(c->ld, LDAP_OPT_PROTOCOL_VERSION, &version);
	if (code == LDAP_SUCCESS)
		code = ldap_sasl_bind_s(c->ld, c->argv[2], LDAP_SASL_SIMPLE,
		    &cred, NULL, NULL, NULL);
	if (code != LDAP_SUCCESS)
		fail(c->argv[1], code);
	read_samples(c, 0);
	read_samples(c, 1);
	atomic_fetch_add(&ready, 1);
	/* searches without an index beside the first additions have stopped
	 * 389 DS 2.3 for good, in its Berkeley DB */
	while (!started)
		nanosleep(&step, NULL);
	while (!stopping) {
		add(c, 0);
		add(c, 1);
		c->done++;
	}
	return NULL;
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	static struct client all[CONNECTIONS_MAX];
	struct err e = { RC_OK, "" };
	int64_t n = 0, seconds = 0;
	uint64_t done = 0;
	double from;

	if (argc != 7 ||
	    text_int(&n, argv[5], 1, CONNECTIONS_MAX, &e) != RC_OK ||
	    text_int(&seconds, argv[6], 1, 3600, &e) != RC_OK) {
		fprintf(stderr,
		    "usage: replay URL BIND-DN PASSWORD BASE CONNECTIONS "
		    "SECONDS\n%s\n",
		    e.text);
		return 2;
	}
	for (int64_t i = 0; i < n; i++) {
		/* numbers of their own in each run */
		all[i] = (struct client){ .argv = argv,
			.number = (uint64_t)getpid() * CONNECTIONS_MAX +
			    (uint64_t)i };
		if (thread_start(
			&all[i].thread, "replay", client, &all[i], &e) != RC_OK)
			fail("thread", LDAP_NO_MEMORY);
	}
	while (atomic_load(&ready) < n)
		nanosleep(&step, NULL);
	from = now();
	started = true;
	nanosleep(&(struct timespec){ .tv_sec = seconds }, NULL);
	stopping = true;
	for (int64_t i = 0; i < n; i++) {
		pthread_join(all[i].thread, NULL);
		done += all[i].done;
	}
	printf("pairs=%.1f\n", (double)done / (now() - from));
	return 0;
}
