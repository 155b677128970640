/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - runs of the simulated cluster.
 *
 *   cluster [--seeds FIRST COUNT]      many schedules; ends at the first failure
 *   cluster --seed N [--mutant NAME]   one, with its trace
 *   cluster --mutants [COUNT]          every mutant until a schedule catches it
 *   cluster --moves                    every move of roles, cut at every write
 *
 * Owns:    a scratch root in memory.
 * Trusts:  its arguments.
 * Threads: one. */
#include <malloc.h>
#include <stdio.h>

#include "base/file.h"
#include "base/log.h"
#include "base/path.h"
#include "cluster.h"

enum {
	SEEDS_DEFAULT = 300,
	MUTANT_SEEDS = 1000,
	MOVES_SEED = 4,         /* of a cluster with ranges, without deltas */
	BIG_BLOCK = 512 * 1024, /* from the kernel, zeroed: tables of a CA */
};

static struct cluster run; /* large */

static const struct mutant *
find_mutant(const char *name)
{
	for (size_t i = 0; i < n_mutants; i++)
		if (strcmp(mutants[i].name, name) == 0)
			return &mutants[i];
	return NULL;
}

static int
one(const struct keys *k, uint64_t seed, const struct mutant *m)
{
	bool ok = cluster_run(&run, k, seed, m, NULL, true);

	printf("seed %llu: %s\n", (unsigned long long)seed,
	    ok ? "every promise held" : run.failure);
	cluster_done(&run);
	return ok ? 0 : 1;
}

static int
many(const struct keys *k, uint64_t first, uint64_t count)
{
	size_t splits = 0;

	for (uint64_t seed = first; seed < first + count; seed++) {
		bool ok = cluster_run(&run, k, seed, NULL, NULL, false);

		if (!ok)
			printf("%sseed %llu: %s\nagain: cluster --seed %llu\n",
			    buf_cstr(&run.trace), (unsigned long long)seed,
			    run.failure, (unsigned long long)seed);
		splits += run.splits;
		cluster_done(&run);
		if (!ok)
			return 1;
	}
	printf("%llu schedules from seed %llu: every promise held, roles were "
	       "split at the end of %zu\n",
	    (unsigned long long)count, (unsigned long long)first, splits);
	return 0;
}

static bool
killed(const struct keys *k, const struct mutant *m, uint64_t count)
{
	for (uint64_t seed = 1; seed <= count; seed++) {
		bool ok = cluster_run(&run, k, seed, m, NULL, false);

		cluster_done(&run);
		if (ok)
			continue;
		printf("%-24s seed %4llu  %s\n", m->name,
		    (unsigned long long)seed, run.failure);
		return true;
	}
	printf("%-24s SURVIVED %llu seeds: %s\n", m->name,
	    (unsigned long long)count, m->what);
	return false;
}

static int
all_mutants(const struct keys *k, uint64_t count)
{
	size_t alive = 0;

	for (size_t i = 0; i < n_mutants; i++)
		alive += !killed(k, &mutants[i], count);
	printf("%zu mutants, %zu survived\n", n_mutants, alive);
	return alive == 0 ? 0 : 1;
}

static bool
one_move(const struct keys *k, struct move_plan *p)
{
	bool ok = cluster_run(&run, k, MOVES_SEED, NULL, p, false);

	if (!ok)
		printf("%s%s, %s dies after %zu writes%s, then %s, edge %zu: "
		       "%s\n",
		    buf_cstr(&run.trace), move_text(p->move),
		    p->old ? "h0" : "h1", p->writes,
		    p->back ? " and is back" : "",
		    p->then < MOVES ? move_text(p->then) : "nothing", p->edge,
		    run.failure);
	cluster_done(&run);
	return ok;
}

static int
all_moves(const struct keys *k)
{
	size_t n;

	if (!moves_each(k, one_move, &n))
		return 1;
	printf("%zu moves: every promise held\n", n);
	return 0;
}

static int64_t
number(const char *s, int64_t def)
{
	int64_t n = def;

	if (s != NULL && text_int(&n, s, 0, INT64_MAX, NULL) != RC_OK)
		fprintf(stderr, "cluster: %s: not a number\n", s);
	return n;
}

static int
work(const struct keys *k, int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "--seeds";
	const char *first = argc > 2 ? argv[2] : NULL;
	const char *more = argc > 3 ? argv[3] : NULL;
	const struct mutant *m = NULL;

	if (strcmp(verb, "--mutants") == 0)
		return all_mutants(k, (uint64_t)number(first, MUTANT_SEEDS));
	if (strcmp(verb, "--moves") == 0)
		return all_moves(k);
	if (strcmp(verb, "--seeds") == 0)
		return many(k, (uint64_t)number(first, 1),
		    (uint64_t)number(more, SEEDS_DEFAULT));
	if (strcmp(verb, "--seed") != 0 || first == NULL) {
		fprintf(stderr,
		    "usage: cluster [--seeds FIRST COUNT | --seed N "
		    "[--mutant NAME] | --mutants [COUNT] | --moves]\n");
		return 2;
	}
	if (argc == 5 && strcmp(more, "--mutant") == 0 &&
	    (m = find_mutant(argv[4])) == NULL) {
		fprintf(stderr, "cluster: %s: no such mutant\n", argv[4]);
		return 2;
	}
	return one(k, (uint64_t)number(first, 1), m);
}

int
main(int argc, char **argv)
{
	char root[] = "/dev/shm/signet-cluster-XXXXXX";
	struct err e = { RC_OK, "" };
	struct keys k = { 0 };
	bool locked;
	int status = 2;

	if (mkdtemp(root) == NULL) {
		perror(root);
		return 2;
	}
	mallopt(M_MMAP_THRESHOLD, BIG_BLOCK);
	log_set_level(LOG_LEVEL_ERROR);
	if (path_set_root(root, &e) == RC_OK &&
	    secret_setup(&locked, &e) == RC_OK && keys_make(&k, &e) == RC_OK)
		status = work(&k, argc, argv);
	else
		fprintf(stderr, "cluster: %s\n", e.text);
	keys_done(&k);
	if (file_remove_tree(root, &e) != RC_OK)
		fprintf(stderr, "cluster: %s\n", e.text);
	return status;
}
