/* SPDX-License-Identifier: Apache-2.0 */
/* cluster.c - one run: a fresh cluster, its schedule, its trace.
 * Owns:    the simulator and the hosts of a run.
 * Trusts:  its own test program.
 * Threads: one. */
#include "cluster.h"
#include "auth/acl.h"
#include "base/file.h"
#include "base/path.h"

enum {
	TRACE_MAX = 1024 * 1024,
};
static const int64_t begin_ms = 1795000000000;

void
cluster_note(struct cluster *c, const char *fmt, ...)
{
	AUTO_BUF line = buf_empty(4096);
	va_list ap;
	char text[1024];

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_addf(&line, "%4zu %6llds %s\n", c->steps,
	    (long long)(clock_now_ms(sim_clock(c->sim)) - begin_ms) / 1000,
	    text);
	if (c->told)
		fputs(buf_cstr(&line), stdout);
	buf_add_str(&c->trace, buf_cstr(&line));
}

void
cluster_fail(struct cluster *c, const char *fmt, ...)
{
	va_list ap;

	if (cluster_failed(c))
		return;
	va_start(ap, fmt);
	(void)vsnprintf(c->failure, sizeof(c->failure), fmt, ap);
	va_end(ap);
	cluster_note(c, "BROKEN %s", c->failure);
}

bool
cluster_failed(const struct cluster *c)
{
	return c->failure[0] != '\0';
}

/* The records that installation writes. */
static enum rc
seed_records(struct cluster *c, struct err *e)
{
	AUTO(batch) b = batch_new();
	AUTO(rec) acls = rec_new(REC_ACL, "aclResources");

	if (b == NULL || acls == NULL)
		return err_set(e, RC_NOMEM, "records");
	for (const char *const *t = acl_defaults("ca"); *t != NULL; t++)
		rec_add_str(acls, "resourceACLS", *t);
	batch_add(b, rec_steal(&acls));
	return store_commit(sim_store(c->sim, 0), b, e);
}

static enum rc
copy_profile(const char *id, struct err *e)
{
	AUTO_STR to = path_new("/profiles/%s.cfg", id);
	AUTO_BUF from = buf_empty(0), text = buf_empty(0);
	enum rc rc;

	buf_addf(&from, "%s/%s.cfg", PROFILES, id);
	if (to == NULL)
		return err_set(e, RC_NOMEM, "profile");
	rc = file_read(&text, buf_cstr(&from), e);
	return rc == RC_OK ? file_write(to, buf_view(&text), 0600, e) : rc;
}

static enum rc
install_profiles(struct cluster *c, struct err *e)
{
	AUTO_STR from = path_new("/profiles");
	AUTO_STR dir = path_new("/installed");
	AUTO_STR applied = path_new("/installed/applied");
	enum rc rc;

	if (from == NULL || dir == NULL || applied == NULL)
		return err_set(e, RC_NOMEM, "profile");
	if ((rc = file_mkdirs(from, 0700, e)) != RC_OK ||
	    (rc = file_mkdirs(dir, 0700, e)) != RC_OK ||
	    (rc = copy_profile("caServerCert", e)) != RC_OK ||
	    (rc = copy_profile(SWITCHED, e)) != RC_OK)
		return rc;
	return profiles_install(sim_store(c->sim, 0), from, dir, applied, e);
}

/* What a host keeps on its own disk is of this run only. */
static enum rc
clean_disks(struct err *e)
{
	static const char *const below[] = { "/var", "/etc", "/installed",
		"/backup" };
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < sizeof(below) / sizeof(below[0]);
	     i++) {
		AUTO_STR path = path_new("%s", below[i]);

		if (path == NULL)
			return err_set(e, RC_NOMEM, "path");
		rc = file_remove_tree(path, e);
		if (rc == RC_NOTFOUND)
			rc = RC_OK;
	}
	return rc;
}

static enum rc
begin(struct cluster *c, const struct keys *k, struct err *e)
{
	enum rc rc;

	if ((c->sim = sim_new(begin_ms)) == NULL)
		return err_set(e, RC_NOMEM, "simulator");
	if (c->mutant != NULL)
		sim_set_mutant(c->sim, c->mutant->sim);
	for (size_t i = 0; i < HOSTS; i++) {
		struct host *h = &c->hosts[i];

		if (sim_add_replica(c->sim) != i)
			return err_set(e, RC_NOMEM, "replica");
		*h = (struct host){ .c = c, .n = i };
		snprintf(h->name, sizeof(h->name), "h%zu", i);
		for (size_t k2 = 0; k2 < HOSTS; k2++)
			c->link[i][k2] = i != k2;
	}
	if ((rc = clean_disks(e)) != RC_OK ||
	    (rc = seed_records(c, e)) != RC_OK ||
	    (rc = install_profiles(c, e)) != RC_OK)
		return rc;
	sim_settle(c->sim);
	AUTO_STR backups = path_new("/backup");
	if (backups == NULL)
		return err_set(e, RC_NOMEM, "path");
	rc = file_mkdirs(backups, 0700, e);
	for (size_t i = 0; rc == RC_OK && i < HOSTS; i++) {
		rc = host_start(&c->hosts[i], k, e);
		sim_settle(c->sim); /* a clone begins with what is there */
	}
	return rc;
}

bool
cluster_run(struct cluster *c, const struct keys *k, uint64_t seed,
    const struct mutant *m, struct move_plan *p, bool told)
{
	struct err e = { RC_OK, "" };

	memset(c, 0, sizeof(*c));
	c->seed = seed;
	c->mutant = m;
	c->told = told;
	c->ranged = seed % 3 != 0;
	c->form = seed % 3 == 1 ? RANGE_LEGACY2 : RANGE_LEGACY;
	c->deltas = seed / 3 % 2 == 0;
	c->chains = seed % 2 == 1;
	c->trace = buf_empty(TRACE_MAX);
	mutant_play(m);
	random_seed(seed, m != NULL && m->weak_random);
	if (begin(c, k, &e) != RC_OK)
		cluster_fail(c, "the cluster does not start: %s", e.text);
	else if (p != NULL)
		moves_run(c, k, p);
	else
		schedule_run(c, k);
	for (size_t i = 0; i < HOSTS; i++)
		host_stop(&c->hosts[i]);
	sim_free(c->sim);
	c->sim = NULL;
	return !cluster_failed(c);
}

void
cluster_done(struct cluster *c)
{
	buf_done(&c->trace);
}
