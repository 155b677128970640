/* SPDX-License-Identifier: Apache-2.0 */
/* pki_server_create.c - create and remove an instance, <sub>-create, -deploy and
 * -undeploy (spec deployment 7.2).
 * Owns:    nothing.
 * Trusts:  its user.
 * Threads: none. */
#include "tools/pki_server_cmds.h"

#include "base/file.h"
#include "deploy/create.h"
#include "deploy/service.h"

static enum rc
run_create(struct server *s, const struct args *a, struct err *e)
{
	struct create_params p = {
		.instance = args_count(a) > 0 ? args_at(a, 0) : s->name,
		.user = args_get(a, "user"),
		.group = args_get(a, "group"),
		.folders = { args_get(a, "conf"), args_get(a, "logs") },
		.force = args_has(a, "force"),
	};

	return create_instance(&p, e);
}

/* Stops the server first. */
static enum rc
run_remove(struct server *s, const struct args *a, struct err *e)
{
	const char *name = args_count(a) > 0 ? args_at(a, 0) : s->name;
	enum rc rc = server_find(s, name, e);

	if (rc != RC_OK)
		return rc == RC_NOTFOUND && args_has(a, "force") ? RC_OK : rc;
	rc = service_stop(s->paths, SERVICE_WAIT_MS, e);
	if ((rc != RC_OK && rc != RC_NOTFOUND) ||
	    (rc = service_disable(s->paths, e)) != RC_OK)
		return rc;
	return layout_remove_instance(s->paths, args_has(a, "remove-conf"),
	    args_has(a, "remove-logs"), e);
}

/* The subsystem of the command need not be there: "ca" of "ca-create". */
static enum rc
run_sub_create(struct server *s, const struct args *a, struct err *e)
{
	(void)a;
	server_say(s, "Creating subsystem %s", s->sub);
	return create_subsystem(s->paths, s->sub, e);
}

static const struct opt create_opts[] = {
	SERVER_OPTS,
	OPT("user", "name", "Owner (default: pkiuser)"),
	OPT("group", "name", "Group (default: pkiuser)"),
	OPT("conf", "folder", "Folder for the configuration"),
	OPT("logs", "folder", "Folder for the logs"),
	OPT_UNUSED("with-maven-deps", 0, NULL, "there is no servlet container"),
	OPT_FLAG("force", "Go on where the instance exists"),
	OPT_END,
};
static const struct opt remove_opts[] = {
	SERVER_OPTS,
	OPT_FLAG("remove-conf", "Remove the configuration too"),
	OPT_FLAG("remove-logs", "Remove the logs too"),
	OPT_FLAG("force", "No error where there is no instance"),
	OPT_END,
};

const struct server_cmd server_create[] = {
	{ "create", "[<instance ID>]", "Create an instance without subsystems",
	    create_opts, 0, 1, run_create, NEED_NOTHING },
	{ "remove", "[<instance ID>]", "Remove an instance", remove_opts, 0, 1,
	    run_remove, NEED_NOTHING },
	{ 0 },
};
const struct server_cmd server_sub_create[] = {
	{ "create", "", "Create a subsystem for pkispawn to configure", NULL, 0,
	    0, run_sub_create, NEED_NO_SUBSYSTEM },
	{ 0 },
};
