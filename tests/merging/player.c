/* SPDX-License-Identifier: Apache-2.0 */
/* player.c - plays one schedule of writes on two replicas, which are simulated or
 * real, for tests/scenarios/test_simulator.py: the same lines have to get the
 * same answers and to leave the same entries.
 *
 *   player sim                                 two simulated replicas
 *   player ldap URL URL BASE FOLDER            two directories (password in
 *                                              the environment: PASSWORD)
 *
 * Reads lines and answers each with one:
 *   add R ID [+ATTR=VALUE ...]        a record; R is 0 or 1, ID hex
 *   mod R ID [+|-|=]ATTR=VALUE ...    values added, deleted, in place of all
 *   del R ID
 *   dump R          the records in the order of their last change
 *   usn R           the newest change
 *   since R USN     are the changes since then known? "ok" or "gone"
 *   setup, open     directories only: what installation makes; the stores
 *   tick MS, settle, conflicts R, reinit FROM TO    simulated ones only
 *
 * Owns:    the two stores.
 * Trusts:  its test.
 * Threads: one. */
#include <stdio.h>

#include "base/secret.h"
#include "store/rec_request.h"
#include "store/sim.h"

enum {
	REPLICAS = 2,
	WORDS = 16,
	LINE_LEN = 4096,
	RECORDS_MAX = 512,
};
static const int64_t begin_ms = 1795000000000;
static const char *const shown[] = { "SecurePort", "metaInfo", "revInfo" };

static struct {
	struct sim *sim; /* NULL: directories */
	const char *const *urls;
	const char *base, *folder;
	struct secret *password;
	struct store *stores[REPLICAS];
} w;

static struct store *
at(const char *r)
{
	size_t n = strcmp(r, "1") == 0;

	return w.sim != NULL ? sim_store(w.sim, n) : w.stores[n];
}

/* --- directories ------------------------------------------------------------ */

static enum rc
directory(size_t n, bool setup, struct err *e)
{
	AUTO_BUF spool = buf_empty(0);
	struct ldap_params p = { .url = w.urls[n],
		.bind_dn = "cn=Directory Manager",
		.password = w.password,
		.base_dn = w.base,
		.database = "userRoot",
		.domain = "Example Domain",
		.subsystem = "ca",
		.clock = &clock_system };

	buf_addf(&spool, "%s/%zu", w.folder, n);
	p.spool_dir = buf_cstr(&spool);
	if (setup)
		return store_setup_ldap(&p, e);
	return store_open_ldap(&w.stores[n], &p, e);
}

static void
close_all(void)
{
	for (size_t i = 0; i < REPLICAS; i++) {
		store_free(w.stores[i]);
		w.stores[i] = NULL;
	}
}

static enum rc
directories(const char *verb, struct err *e)
{
	enum rc rc = RC_OK;

	close_all();
	for (size_t i = 0; i < REPLICAS && rc == RC_OK; i++)
		rc = directory(i, strcmp(verb, "setup") == 0, e);
	return rc;
}

/* --- writes ------------------------------------------------------------------- */

static enum rc
add(char **word, struct err *e)
{
	AUTO(request_rec) r = NULL;
	AUTO(batch) b = batch_new();
	struct rec *rec;
	struct num id;
	enum rc rc = num_parse(&id, word[2], true, e);

	if (rc != RC_OK)
		return rc;
	r = request_rec_new(&id, "enrollment");
	if (r == NULL || b == NULL || (rec = request_rec_encode(r)) == NULL)
		return err_set(e, RC_NOMEM, "add");
	for (size_t i = 3; word[i] != NULL; i++) {
		char *value = word[i] + strcspn(word[i], "=");

		*value++ = '\0';
		rec_add_str(rec, word[i] + 1, value);
	}
	batch_add(b, rec);
	return store_commit(at(word[1]), b, e);
}

static enum rc
modify(char **word, struct err *e)
{
	AUTO(batch) b = batch_new();

	if (b == NULL)
		return err_set(e, RC_NOMEM, "mod");
	batch_modify(b, REC_REQUEST, word[2]);
	for (size_t i = 3; word[i] != NULL; i++) {
		char *value = word[i] + 1 + strcspn(word[i] + 1, "=");
		enum mod_op op = word[i][0] == '+' ? MOD_ADD
		    : word[i][0] == '-'            ? MOD_DELETE
						   : MOD_REPLACE;

		*value++ = '\0';
		batch_mod_str(
		    b, op, word[i] + 1, *value != '\0' ? value : NULL);
	}
	return store_commit(at(word[1]), b, e);
}

static enum rc delete (char **word, struct err *e) {
	AUTO(batch)
	b = batch_new();

	    if (b == NULL) return err_set(e, RC_NOMEM, "del");
	    batch_delete(b, REC_REQUEST, word[2]);
	    return store_commit(at(word[1]), b, e);
}

/* --- reading ------------------------------------------------------------------- */

struct records {
	struct rec *items[RECORDS_MAX];
	size_t n;
};

static bool
collect(void *arg, const struct rec *r)
{
	struct records *all = arg;

	return all->n < RECORDS_MAX &&
	    (all->items[all->n] = rec_copy(r)) != NULL && ++all->n > 0;
}

static int
by_usn(const void *a, const void *b)
{
	const struct rec *const *x = a, *const *y = b;

	return (*x)->usn < (*y)->usn ? -1 : (*x)->usn > (*y)->usn;
}

static int
by_text(const void *a, const void *b)
{
	const struct view *x = a, *y = b;

	return view_cmp(*x, *y);
}

static void
show(const struct rec *r)
{
	printf("%s", r->id);
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
		const struct rec_attr *a = rec_attr(r, shown[i]);
		struct view values[WORDS];
		size_t n = a != NULL && a->n < WORDS ? a->n : 0;

		for (size_t k = 0; k < n; k++)
			values[k] = a->values[k];
		qsort(values, n, sizeof(values[0]), by_text);
		for (size_t k = 0; k < n; k++)
			printf(" %s=%.*s", shown[i], (int)values[k].len,
			    (const char *)values[k].data);
	}
	putchar('|');
}

static enum rc
dump(char **word, struct err *e)
{
	struct query q = { .kind = REC_REQUEST };
	static struct records all;
	enum rc rc;

	all.n = 0;
	rc = store_search(at(word[1]), &q, collect, &all, e);
	if (rc == RC_OK)
		qsort(all.items, all.n, sizeof(all.items[0]), by_usn);
	for (size_t i = 0; i < all.n; i++) {
		if (rc == RC_OK)
			show(all.items[i]);
		rec_free(all.items[i]);
	}
	return rc;
}

static void
nothing(void *arg, const struct feed_item *i)
{
	(void)arg;
	(void)i;
}

static enum rc
known_since(char **word, struct err *e)
{
	AUTO(watch) watch = NULL;
	int64_t usn;
	enum rc rc = text_int(&usn, word[2], 0, INT64_MAX, e);

	return rc == RC_OK ? store_watch(at(word[1]), &watch, 1u << REC_REQUEST,
				 (uint64_t)usn, nothing, NULL, e)
			   : rc;
}

/* --- lines ----------------------------------------------------------------------- */

static enum rc
simulated(char **word, struct err *e)
{
	size_t r = word[1] != NULL && strcmp(word[1], "1") == 0;
	int64_t ms;
	enum rc rc = RC_OK;

	if (strcmp(word[0], "tick") == 0) {
		if ((rc = text_int(&ms, word[1], 0, INT32_MAX, e)) == RC_OK)
			sim_advance(w.sim, ms);
	} else if (strcmp(word[0], "settle") == 0) {
		sim_settle(w.sim);
	} else if (strcmp(word[0], "conflicts") == 0) {
		printf("%zu ", sim_conflicts(w.sim, r, REC_REQUEST));
	} else if (strcmp(word[0], "reinit") == 0) {
		if ((rc = sim_reinit(w.sim, r, 1 - r, e)) == RC_OK)
			rc = sim_restart(w.sim, 1 - r, e);
	} else {
		rc = err_set(e, RC_INVALID, "%s: unknown", word[0]);
	}
	return rc;
}

static enum rc
obey(char **word, struct err *e)
{
	static const struct {
		const char *name;
		enum rc (*fn)(char **word, struct err *e);
	} verbs[] = { { "add", add }, { "mod", modify }, { "del", delete },
		{ "dump", dump }, { "since", known_since } };

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(word[0], verbs[i].name) == 0)
			return verbs[i].fn(word, e);
	if (strcmp(word[0], "usn") == 0) {
		printf("%llu ", (unsigned long long)store_usn(at(word[1])));
		return RC_OK;
	}
	if (w.sim != NULL)
		return simulated(word, e);
	return directories(word[0], e);
}

static void
play(void)
{
	char line[LINE_LEN];

	while (fgets(line, sizeof(line), stdin) != NULL) {
		struct err e = { RC_OK, "" };
		char *rest = line, *word[WORDS + 1] = { NULL };
		size_t n = 0;

		line[strcspn(line, "\n")] = '\0';
		while (n < WORDS && (word[n] = strsep(&rest, " ")) != NULL)
			n++;
		if (n == 0 || obey(word, &e) == RC_OK)
			puts("ok");
		else
			printf("%s: %s\n", rc_text(e.rc), e.text);
		fflush(stdout);
	}
}

int
main(int argc, char **argv)
{
	const char *password = getenv("PASSWORD");
	bool locked;

	if (secret_setup(&locked, NULL) != RC_OK)
		return 2;
	if (argc == 2 && strcmp(argv[1], "sim") == 0) {
		if ((w.sim = sim_new(begin_ms)) == NULL)
			return 2;
		for (size_t i = 0; i < REPLICAS; i++)
			if (sim_add_replica(w.sim) != i)
				return 2;
	} else if (argc == 6 && password != NULL) {
		w.urls = (const char *const *)&argv[2];
		w.base = argv[4];
		w.folder = argv[5];
		w.password = secret_new(view_str(password));
	} else {
		return 2;
	}
	play();
	close_all();
	sim_free(w.sim);
	secret_free(w.password);
	return 0;
}
