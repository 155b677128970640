/* SPDX-License-Identifier: Apache-2.0 */
/* pki_server_config.c - <sub>-config-*, password-*: the settings of a subsystem
 * and password.conf (spec deployment 1.4, 1.5, 7.4).
 * Owns:    nothing.
 * Trusts:  the instance's files; a changed CS.cfg counts after a restart.
 * Threads: none. */
#include "tools/pki_server_cmds.h"

#include "base/text.h"

/* ---- CS.cfg ---- */

/* cloning.<tag>.privkey.id: what the server wrote of the keys in its token, and
 * nobody's setting. */
static bool
is_derived(const char *name)
{
	return text_starts(name, "cloning.") &&
	    strstr(name, ".privkey.id") != NULL;
}

static enum rc
run_config_find(struct server *s, const struct args *a, struct err *e)
{
	AUTO(cfg) c = NULL;
	enum rc rc = server_cs(s, &c, s->sub, e);

	(void)a;
	for (size_t i = 0; rc == RC_OK && i < cfg_count(c); i++)
		if (!is_derived(cfg_at(c, i).name))
			printf(
			    "%s=%s\n", cfg_at(c, i).name, cfg_at(c, i).value);
	return rc;
}

static enum rc
run_config_show(struct server *s, const struct args *a, struct err *e)
{
	AUTO(cfg) c = NULL;
	const char *value;
	enum rc rc = server_cs(s, &c, s->sub, e);

	if (rc != RC_OK)
		return rc;
	if ((value = cfg_get(c, args_at(a, 0))) == NULL)
		return err_set(
		    e, RC_NOTFOUND, "No such parameter: %s", args_at(a, 0));
	printf("%s\n", value);
	return RC_OK;
}

/* A name or value that the file could not hold. */
static enum rc
check_parameter(const char *name, const char *value, struct err *e)
{
	if (*name == '\0' || *name == '#' || strpbrk(name, "= \t\r\n") != NULL)
		return err_set(e, RC_USAGE, "Invalid parameter name: %s", name);
	if (strpbrk(value, "\r\n") != NULL || text_ends(value, "\\"))
		return err_set(e, RC_USAGE, "Invalid parameter value");
	return RC_OK;
}

static enum rc
run_config_set(struct server *s, const struct args *a, struct err *e)
{
	AUTO(cfg) c = NULL;
	const char *name = args_at(a, 0), *value = args_at(a, 1);
	enum rc rc;

	if ((rc = check_parameter(name, value, e)) != RC_OK ||
	    (rc = server_cs(s, &c, s->sub, e)) != RC_OK)
		return rc;
	if (cfg_get(c, name) != NULL && strcmp(cfg_get(c, name), value) == 0)
		return RC_OK;
	if ((rc = cfg_set(c, name, value, e)) != RC_OK)
		return rc;
	return server_save_cs(s, s->sub, c, e);
}

static enum rc
run_config_unset(struct server *s, const struct args *a, struct err *e)
{
	AUTO(cfg) c = NULL;
	enum rc rc = server_cs(s, &c, s->sub, e);

	if (rc != RC_OK)
		return rc;
	/* what is not there is unset already */
	if (!cfg_del(c, args_at(a, 0)))
		return RC_OK;
	return server_save_cs(s, s->sub, c, e);
}

static enum rc
run_config_check(struct server *s, const struct args *a, struct err *e)
{
	AUTO(cfg) c = cfg_new();
	const char *path = args_get(a, "file");
	enum rc rc;

	if (c == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	if (path != NULL) {
		rc = cfg_load(c, path, e);
	} else {
		cfg_free(c);
		c = NULL;
		rc = server_cs(s, &c, s->sub, e);
	}
	if (rc != RC_OK)
		return rc;
	if (strcmp(cfg_str(c, "cs.type", s->type), s->type) != 0)
		return err_set(e, RC_INVALID, "cs.type is %s, not %s",
		    cfg_get(c, "cs.type"), s->type);
	out_framed("Configuration is valid, %zu parameters", cfg_count(c));
	return RC_OK;
}

/* ---- password.conf ---- */

static enum rc
save_passwords(struct server *s, const struct cfg *c, struct err *e)
{
	AUTO_BUF text = buf_empty(0);
	enum rc rc;

	cfg_encode(c, &text);
	if ((rc = buf_check(&text, e)) == RC_OK)
		rc = server_write(
		    s, s->paths->password, buf_view(&text), 0660, e);
	buf_wipe(&text);
	return rc;
}

static enum rc
run_password_find(struct server *s, const struct args *a, struct err *e)
{
	AUTO(cfg) c = NULL;
	enum rc rc = server_passwords(s, &c, e);

	(void)a;
	for (size_t i = 0; rc == RC_OK && i < cfg_count(c); i++) {
		out_entry(i);
		out_field("Password ID", cfg_at(c, i).name);
	}
	return rc;
}

static enum rc
set_password(struct server *s, const struct args *a, bool add, struct err *e)
{
	const char *name = args_at(a, 0);
	AUTO(secret) password = NULL;
	AUTO(cfg) c = NULL;
	AUTO_BUF prompt = buf_empty(512);
	enum rc rc = server_passwords(s, &c, e);

	if (rc != RC_OK)
		return rc;
	if (add && cfg_get(c, name) != NULL)
		return err_set(
		    e, RC_EXISTS, "Password already exists: %s", name);
	rc = args_password(a, "password", "password-file", &password, e);
	if (rc != RC_OK)
		return rc;
	buf_addf(&prompt, "Enter password for %s: ", name);
	if (password == NULL &&
	    (rc = secret_ask(&password, buf_cstr(&prompt), e)) != RC_OK)
		return rc;
	if (*name == '\0' || *name == '#' || strpbrk(name, "=\r\n") != NULL)
		return err_set(e, RC_USAGE, "Invalid password ID: %s", name);
	rc = cfg_set(c, name, secret_cstr(password), e);
	return rc == RC_OK ? save_passwords(s, c, e) : rc;
}

static enum rc
run_password_add(struct server *s, const struct args *a, struct err *e)
{
	return set_password(s, a, true, e);
}

static enum rc
run_password_set(struct server *s, const struct args *a, struct err *e)
{
	return set_password(s, a, false, e);
}

static enum rc
run_password_del(struct server *s, const struct args *a, struct err *e)
{
	AUTO(cfg) c = NULL;
	enum rc rc = server_passwords(s, &c, e);

	if (rc != RC_OK)
		return rc;
	if (!cfg_del(c, args_at(a, 0)))
		return err_set(
		    e, RC_NOTFOUND, "No such password: %s", args_at(a, 0));
	return save_passwords(s, c, e);
}

static const struct opt check_opts[] = {
	SERVER_OPTS,
	OPT("file", "file", "Another file (default: CS.cfg)"),
	OPT_END,
};
static const struct opt password_opts[] = {
	SERVER_OPTS,
	OPT_SECRET("password", "password", "The password"),
	OPT("password-file", "file", "File with the password"),
	OPT_END,
};

const struct server_cmd server_config[] = {
	{ "config-find", "", "Find the parameters of a subsystem", NULL, 0, 0,
	    run_config_find, NEED_SUBSYSTEM },
	{ "config-show", "<parameter name>", "Show a parameter", NULL, 1, 1,
	    run_config_show, NEED_SUBSYSTEM },
	{ "config-set", "<parameter name> <parameter value>", "Set a parameter",
	    NULL, 2, 2, run_config_set, NEED_SUBSYSTEM },
	{ "config-unset", "<parameter name>", "Remove a parameter", NULL, 1, 1,
	    run_config_unset, NEED_SUBSYSTEM },
	{ "config-check", "", "Check CS.cfg without starting the server",
	    check_opts, 0, 0, run_config_check, NEED_SUBSYSTEM },
	{ 0 },
};
const struct server_cmd server_password[] = {
	{ "password-find", "", "Find passwords", NULL, 0, 0, run_password_find,
	    NEED_INSTANCE },
	{ "password-add", "<password ID>", "Add a password", password_opts, 1,
	    1, run_password_add, NEED_INSTANCE },
	{ "password-set", "<password ID>", "Add or replace a password",
	    password_opts, 1, 1, run_password_set, NEED_INSTANCE },
	{ "password-del", "<password ID>", "Remove a password", NULL, 1, 1,
	    run_password_del, NEED_INSTANCE },
	{ "password-unset", "<password ID>", "As password-del", NULL, 1, 1,
	    run_password_del, NEED_INSTANCE },
	{ 0 },
};
