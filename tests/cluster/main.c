/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - runs of the simulated cluster.
 *
 *   cluster [--seeds FIRST COUNT]      many schedules; ends at the first failure
 *   cluster --seed N [--mutant NAME]   one, with its trace
 *   cluster --mutants [COUNT]          every mutant until a schedule catches it
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
	bool ok = cluster_run(&run, k, seed, m, true);

	printf("seed %llu: %s\n", (unsigned long long)seed,
	    ok ? "every promise held" : run.failure);
	cluster_done(&run);
	return ok ? 0 : 1;
}

static int
many(const struct keys *k, uint64_t first, uint64_t count)
{
	for (uint64_t seed = first; seed < first + count; seed++) {
		bool ok = cluster_run(&run, k, seed, NULL, false);

		if (!ok)
			printf("%sseed %llu: %s\nagain: cluster --seed %llu\n",
			    buf_cstr(&run.trace), (unsigned long long)seed,
			    run.failure, (unsigned long long)seed);
		cluster_done(&run);
		if (!ok)
			return 1;
	}
	printf("%llu schedules from seed %llu: every promise held\n",
	    (unsigned long long)count, (unsigned long long)first);
	return 0;
}

static bool
killed(const struct keys *k, const struct mutant *m, uint64_t count)
{
	for (uint64_t seed = 1; seed <= count; seed++) {
		bool ok = cluster_run(&run, k, seed, m, false);

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
	if (strcmp(verb, "--seeds") == 0)
		return many(k, (uint64_t)number(first, 1),
		    (uint64_t)number(more, SEEDS_DEFAULT));
	if (strcmp(verb, "--seed") != 0 || first == NULL) {
		fprintf(stderr,
		    "usage: cluster [--seeds FIRST COUNT | --seed N "
		    "[--mutant NAME] | --mutants [COUNT]]\n");
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
