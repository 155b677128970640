/* SPDX-License-Identifier: Apache-2.0 */
/* pki_info.c - info, and small read-only families: features, jobs.
 * Owns: nothing. Trusts: nothing of the server. Threads: none. */
#include "tools/pki_cmds.h"
#include "tools/pki_fields.h"

static enum rc
run_info(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF reply = buf_empty(0);
	AUTO_JSON info = NULL;
	int status = 0;
	enum rc rc;

	(void)a;
	out_field("Server URL", p->uri);
	rc = rest_raw(p,
	    &(struct rest_call){ .method = "GET",
		.path =
		    strcmp(p->api, "v1") == 0 ? "/pki/v1/info" : "/pki/v2/info",
		.accept = "application/json" },
	    &reply, &status, e);
	if (rc == RC_OK && status == 404) {
		/* servers before 11.6 */
		buf_reset(&reply);
		rc = rest_raw(p,
		    &(struct rest_call){ .method = "GET",
			.path = "/pki/rest/info",
			.accept = "application/json" },
		    &reply, &status, e);
	}
	if (rc != RC_OK)
		return rc;
	info = json_loadb((const char *)reply.data, reply.len, 0, NULL);
	if (status != 200 || info == NULL)
		return pki_fault(p, e, RC_INTERNAL, "PKIException",
		    "HTTP status %d", status);
	out_field("Server Name", json_str(info, "Name"));
	out_field("Server Version", json_str(info, "Version"));
	return RC_OK;
}

/* ---- features ---- */

static enum rc
run_feature_find(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_JSON list = NULL;
	enum rc rc = rest_get(p, &list, e, "config/features");

	(void)a;
	if (rc == RC_OK)
		fields_print_list(fields_feature, list);
	return rc;
}

static enum rc
run_feature_show(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF path = buf_empty(0);
	AUTO_JSON feature = NULL;
	enum rc rc;

	rest_path(&path, "config/features/", args_at(a, 0), NULL);
	rc = rest_json(p, "GET", buf_cstr(&path), NULL, &feature, e);
	if (rc != RC_OK)
		return rc;
	out_framed("Feature \"%s\"", args_at(a, 0));
	fields_print(fields_feature, feature);
	return RC_OK;
}

/* ---- jobs ---- */

static void
print_job(const json_t *job)
{
	const char *name;
	json_t *value;

	fields_print(fields_job, job);
	json_object_foreach(json_object_get(job, "parameters"), name, value)
	    out_field(name, json_string_value(value));
}

static enum rc
run_job_find(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_JSON list = NULL;
	const json_t *jobs, *job;
	size_t i;
	enum rc rc = rest_get(p, &list, e, "jobs");

	(void)a;
	if (rc != RC_OK)
		return rc;
	jobs = json_is_array(list) ? list : json_object_get(list, "entries");
	json_array_foreach(jobs, i, job)
	{
		out_entry(i);
		fields_print(fields_job, job);
	}
	return RC_OK;
}

static enum rc
run_job_show(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF path = buf_empty(0);
	AUTO_JSON job = NULL;
	enum rc rc;

	rest_path(&path, "jobs/", args_at(a, 0), NULL);
	rc = rest_json(p, "GET", buf_cstr(&path), NULL, &job, e);
	if (rc == RC_OK)
		print_job(job);
	return rc;
}

static enum rc
run_job_start(struct pki *p, const struct args *a, struct err *e)
{
	AUTO_BUF path = buf_empty(0);

	rest_path(&path, "jobs/", args_at(a, 0), "/start", NULL);
	return rest_json(p, "POST", buf_cstr(&path), NULL, NULL, e);
}

const struct cmd cmds_info[] = {
	{ "info", "", "Show the server's name and version", NULL, 0, 0,
	    run_info },
	{ 0 },
};
const struct cmd cmds_ca_feature[] = {
	{ "ca-feature-find", "", "Find features", NULL, 0, 0,
	    run_feature_find },
	{ "ca-feature-show", "<feature ID>", "Show a feature", NULL, 1, 1,
	    run_feature_show },
	{ 0 },
};
const struct cmd cmds_job[] = {
	{ "job-find", "", "Find jobs", NULL, 0, 0, run_job_find },
	{ "job-show", "<job ID>", "Show a job", NULL, 1, 1, run_job_show },
	{ "job-start", "<job ID>", "Start a job", NULL, 1, 1, run_job_start },
	{ 0 },
};
