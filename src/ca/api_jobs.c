/* SPDX-License-Identifier: Apache-2.0 */
/* api_jobs.c - the jobs over REST (spec ca 1.5, 4.5).
 * Owns:    nothing.
 * Trusts:  nothing of a request.
 * Threads: workers. A job runs in the call that starts it. */
#include "ca/api.h"

/* Those that this CA can run; jobsScheduler.job.<id>.* describes them. */
static const struct job {
	const char *id, *plugin;
	enum rc (*run)(struct ca *ca, struct err *e);
} jobs[] = {
	{ "serialNumberUpdate", "SerialNumberUpdateJob", ca_check_numbers },
};
enum {
	JOBS = sizeof(jobs) / sizeof(jobs[0])
};

static const char *
setting(struct ca *ca, const struct job *j, const char *name, const char *def)
{
	const char *v =
	    cfg_getf(ca->cfg, "jobsScheduler.job.%s.%s", j->id, name);

	return v != NULL ? v : def;
}

/* Every other setting of the job. */
static json_t *
parameters(struct ca *ca, const struct job *j)
{
	static const char *const known[] = { "enabled", "cron", "pluginName",
		"owner" };
	json_t *o = json_object();
	char prefix[128];
	size_t len = (size_t)snprintf(
	    prefix, sizeof(prefix), "jobsScheduler.job.%s.", j->id);

	for (size_t i = cfg_lower(ca->cfg, prefix); i < cfg_count(ca->cfg);
	     i++) {
		struct cfg_item x = cfg_at(ca->cfg, i);
		bool other = true;
		if (!text_starts(x.name, prefix))
			break;
		for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++)
			other = other && strcmp(x.name + len, known[k]) != 0;
		if (other)
			json_object_set_new(
			    o, x.name + len, json_string(x.value));
	}
	return o;
}

static json_t *
job_json(struct ca *ca, const struct job *j)
{
	return json_pack("{s:s,s:b,s:s*,s:s,s:s*,s:o}", "id", j->id, "enabled",
	    text_bool(setting(ca, j, "enabled", "false")), "cron",
	    setting(ca, j, "cron", NULL), "pluginName",
	    setting(ca, j, "pluginName", j->plugin), "owner",
	    setting(ca, j, "owner", NULL), "parameters", parameters(ca, j));
}

/* Administrators see all, others what they own. */
static bool
may(struct ca *ca, const struct principal *p, const struct job *j)
{
	const char *owner = setting(ca, j, "owner", NULL);

	return principal_in(p, "Administrators") ||
	    (owner != NULL && strcmp(owner, p->uid) == 0);
}

/* Who calls; NULL after a reply. */
static struct principal *
enter(struct http_call *c)
{
	AUTO(principal) p = NULL;
	struct err e = { RC_OK, "" };
	enum rc rc = api_caller(c, &p, &e);

	if (rc == RC_OK && p == NULL)
		rc = err_set(&e, RC_AUTH, "log in first");
	if (rc == RC_OK)
		return principal_steal(&p);
	api_fail(c, rc, &e);
	return NULL;
}

/* The job of the path, for who may see it; NULL after a reply. */
static const struct job *
find(struct http_call *c, const struct principal *p)
{
	const char *id = http_param(c, "id");

	for (size_t i = 0; i < JOBS; i++) {
		if (strcmp(jobs[i].id, id) != 0)
			continue;
		if (may(api_ca(c), p, &jobs[i]))
			return &jobs[i];
		api_error(c, 403, NULL, "the job belongs to somebody else");
		return NULL;
	}
	api_error(
	    c, 404, NULL, arena_printf(c->arena, "Job %.64s not found", id));
	return NULL;
}

static void
list_jobs(struct http_call *c)
{
	AUTO(principal) p = enter(c);
	struct api_slice page;

	if (p == NULL || !api_page_begin(c, &page))
		return;
	for (size_t i = 0; i < JOBS; i++) {
		if (may(api_ca(c), p, &jobs[i]))
			api_page_add(
			    &page, jobs[i].id, job_json(api_ca(c), &jobs[i]));
	}
	api_page_reply(c, &page);
}

static void
get_job(struct http_call *c)
{
	AUTO(principal) p = enter(c);
	const struct job *j = p != NULL ? find(c, p) : NULL;

	if (j != NULL)
		api_json(c, 200, job_json(api_ca(c), j));
}

static void
start_job(struct http_call *c)
{
	AUTO(principal) p = enter(c);
	const struct job *j = p != NULL ? find(c, p) : NULL;
	struct err e = { RC_OK, "" };
	enum rc rc;

	if (j == NULL)
		return;
	rc = j->run(api_ca(c), &e);
	if (rc == RC_OK)
		api_json(c, 200, job_json(api_ca(c), j));
	else
		api_fail(c, rc, &e);
}

static const struct http_route items[] = {
	{ HTTP_GET, "jobs", list_jobs, HTTP_ADMIN, HTTP_TLS_ONLY, 0 },
	{ HTTP_GET, "jobs/{id}", get_job, HTTP_ADMIN, HTTP_TLS_ONLY, 0 },
	{ HTTP_POST, "jobs/{id}/start", start_job, HTTP_ADMIN,
	    HTTP_TLS_ONLY | HTTP_SAME_ORIGIN, 0 },
};
const struct api_routes api_job_routes = { items,
	sizeof(items) / sizeof(items[0]) };
