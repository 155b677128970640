/* SPDX-License-Identifier: Apache-2.0 */
/* create.c - an instance, or a subsystem, before pkispawn configures it.
 * Owns:    nothing.
 * Trusts:  the instance name, which instance_paths_new has checked.
 * Threads: one. */
#include "deploy/create.h"

#include <ctype.h>
#include <sys/stat.h>

#include "base/cfg.h"
#include "base/file.h"
#include "base/text.h"

bool
create_exists(const struct instance_paths *p)
{
	return file_exists(p->lib) && file_exists(p->server);
}

/* Files that are there already are the administrator's. */
static enum rc
write_new(const char *path, const char *const (*rows)[2], size_t n,
    struct values *v, struct err *e)
{
	AUTO(cfg) c = cfg_new();
	enum rc rc = RC_OK;

	if (c == NULL || path == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	if (file_exists(path))
		return RC_OK;
	for (size_t i = 0; rc == RC_OK && i < n; i++) {
		AUTO_BUF text = buf_empty(4096);

		rc = values_expand(v, &text, rows[i][1], e);
		if (rc == RC_OK)
			rc = cfg_set(c, rows[i][0], buf_cstr(&text), e);
	}
	return rc == RC_OK ? cfg_save(c, path, 0660, e) : rc;
}

static enum rc
write_files(const struct instance_paths *p, struct values *v, struct err *e)
{
	static const char *const server[][2] = {
		{ "host", "%(pki_hostname)s" },
		{ "http.port", "%(pki_http_port)s" },
		{ "https.port", "%(pki_https_port)s" },
		{ "accesslog", "%(pki_enable_access_log)s" },
		{ "sslserver.nickname", "sslserver" },
	};
	AUTO_BUF nick = buf_empty(4096);
	enum rc rc;

	buf_addf(&nick, "%s/serverCertNick.conf", p->conf);
	if ((rc = write_new(p->server, server,
		 sizeof(server) / sizeof(server[0]), v, e)) != RC_OK ||
	    (rc = write_new(p->password, NULL, 0, v, e)) != RC_OK ||
	    file_exists(buf_cstr(&nick)))
		return rc;
	return file_write(buf_cstr(&nick), view_str("sslserver"), 0660, e);
}

/* The parameters' defaults, with what the user gave. */
static enum rc
make_values(struct values **out, const struct create_params *p, struct err *e)
{
	AUTO(values) v = NULL;
	enum rc rc = values_new(&v, "CA", e);

	if (rc != RC_OK ||
	    (rc = values_set(v, "pki_instance_name", p->instance, e)) !=
		RC_OK ||
	    (p->user != NULL &&
		(rc = values_set(v, "pki_user", p->user, e)) != RC_OK) ||
	    (p->group != NULL &&
		(rc = values_set(v, "pki_group", p->group, e)) != RC_OK) ||
	    (rc = values_check(v, e)) != RC_OK)
		return rc;
	*out = values_steal(&v);
	return RC_OK;
}

enum rc
create_instance(const struct create_params *p, struct err *e)
{
	AUTO(instance_paths) paths = NULL;
	AUTO(values) v = NULL;
	struct owner owner;
	enum rc rc = instance_paths_new(&paths, p->instance, e);

	if (rc != RC_OK)
		return rc;
	if (file_exists(paths->lib) && !p->force)
		return err_set(
		    e, RC_EXISTS, "Instance already exists: %s", p->instance);
	if ((rc = layout_folders_check(paths, &p->folders, e)) != RC_OK ||
	    (rc = make_values(&v, p, e)) != RC_OK ||
	    (rc = layout_owner(&owner, v, e)) != RC_OK ||
	    (rc = layout_create(paths, NULL, &p->folders, e)) != RC_OK ||
	    (rc = write_files(paths, v, e)) != RC_OK)
		return rc;
	return layout_give(paths, &owner, e);
}

enum rc
create_subsystem(const struct instance_paths *p, const char *sub, struct err *e)
{
	AUTO_STR path = paths_cs_cfg(p, sub);
	AUTO(values) v = NULL;
	struct layout_folders none = { NULL, NULL };
	struct create_params params = { .instance = p->name };
	char type[8] = "";
	const char *const rows[][2] = {
		{ "cs.state", "0" },
		{ "cs.type", type },
		{ "instanceId", "%(pki_instance_name)s" },
		{ "instanceRoot", "%(pki_instance_path)s" },
	};
	struct owner owner = { 0 };
	struct stat st;
	enum rc rc;

	for (size_t i = 0; sub[i] != '\0' && i + 1 < sizeof(type); i++)
		type[i] = (char)toupper((unsigned char)sub[i]);
	if (layout_exists(p, sub))
		return err_set(
		    e, RC_EXISTS, "%s subsystem already exists", type);
	/* it belongs to whom the instance belongs to */
	if (stat(p->conf, &st) != 0)
		return err_errno(e, "%s", p->conf);
	owner = (struct owner){ st.st_uid, st.st_gid, geteuid() == 0 };
	if ((rc = make_values(&v, &params, e)) != RC_OK ||
	    (rc = layout_create(p, sub, &none, e)) != RC_OK ||
	    (rc = write_new(
		 path, rows, sizeof(rows) / sizeof(rows[0]), v, e)) != RC_OK)
		return rc;
	return layout_give(p, &owner, e);
}
