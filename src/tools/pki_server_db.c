/* SPDX-License-Identifier: Apache-2.0 */
/* pki_server_db.c - <sub>-db-*: the directory of a subsystem (spec deployment
 * 7.6).
 * Owns:    one connection during a command.
 * Trusts:  its user and the instance's files; nothing from the network.
 * Threads: none. */
#include "tools/pki_server_ds.h"

#include "base/secret.h"
#include "base/text.h"
#include "deploy/install.h"
#include "instance/password.h"
#include "tools/pki_server_cmds.h"

/* --- which directory ---------------------------------------------------------- */

void
server_ds_say(void *arg, const char *line)
{
	server_say(arg, "%s", line);
}

static enum rc
configured(struct server *s, struct dbconf **conf, struct err *e)
{
	AUTO(cfg) c = NULL;
	AUTO(cfg) pins = NULL;
	struct keystore *ks = NULL;
	enum rc rc;

	if ((rc = server_cs(s, &c, s->sub, e)) != RC_OK ||
	    (rc = server_passwords(s, &pins, e)) != RC_OK)
		return rc;
	if (!dbconf_is_directory(c))
		return err_set(e, RC_UNSUPPORTED,
		    "the records of %s are in its embedded store, not in a "
		    "directory",
		    s->type);
	/* its issuers are trusted in the NSS database */
	if ((cfg_bool(c, "internaldb.ldapconn.secureConn", false) ||
		cfg_bool(c, "internaldb.ldapconn.startTLS", false)) &&
	    (rc = server_keystore(s, &ks, e)) != RC_OK)
		return rc;
	rc = dbconf_new(conf, c, pins, s->paths, s->sub, ks, e);
	return rc;
}

static enum rc
connect_to(const struct dbconf *c, struct ds_admin **d, struct err *e)
{
	struct ldap_params p = dbconf_params(c, &clock_system);

	return ds_admin_open(d, &p, e);
}

enum rc
server_ds(
    struct server *s, struct dbconf **conf, struct ds_admin **d, struct err *e)
{
	enum rc rc = configured(s, conf, e);

	return rc == RC_OK && d != NULL ? connect_to(*conf, d, e) : rc;
}

/* What the command line says; nothing is left that neither it nor CS.cfg
 * says. */
static enum rc
apply_args(struct dbconf *c, const struct args *a, struct err *e)
{
	const struct secret *password = args_secret(a, "bind-password");
	enum rc rc = RC_OK;

	if (args_has(a, "url"))
		rc = directory_parse_url(c, args_get(a, "url"), "--url", e);
	if (rc != RC_OK)
		return rc;
	if (args_has(a, "bind-dn")) {
		free(c->bind_dn);
		c->bind_dn = strdup(args_get(a, "bind-dn"));
	}
	if (args_has(a, "suffix")) {
		free(c->base_dn);
		c->base_dn = strdup(args_get(a, "suffix"));
	}
	if (password != NULL) {
		secret_free(c->password);
		c->password = secret_new(secret_view(password));
	}
	if (c->url == NULL)
		return err_set(e, RC_USAGE, "Missing database URL");
	if (c->base_dn == NULL)
		return err_set(e, RC_USAGE, "Missing database suffix");
	if (c->bind_dn == NULL)
		return err_set(e, RC_USAGE, "Missing database bind DN");
	if (c->password == NULL)
		return err_set(e, RC_USAGE, "Missing database bind password");
	return RC_OK;
}

enum rc
server_ds_args(struct server *s, const struct args *a, struct dbconf **conf,
    struct ds_admin **d, struct err *e)
{
	AUTO(dbconf) c = NULL;
	struct keystore *ks = NULL;
	enum rc rc;

	/* without one the command line must say everything */
	if (configured(s, &c, NULL) != RC_OK &&
	    ((c = calloc(1, sizeof(*c))) == NULL ||
		(c->subsystem = strdup(s->sub)) == NULL))
		return err_set(e, RC_NOMEM, "out of memory");
	if ((rc = apply_args(c, a, e)) != RC_OK)
		return rc;
	if (c->secure && c->ca_file == NULL) {
		if ((rc = server_keystore(s, &ks, e)) != RC_OK ||
		    (rc = dbconf_write_trust(s->paths, ks, e)) != RC_OK)
			return rc;
		if ((c->ca_file = dbconf_trust_path(s->paths)) == NULL)
			return err_set(e, RC_NOMEM, "out of memory");
	}
	if ((rc = connect_to(c, d, e)) == RC_OK)
		*conf = dbconf_steal(&c);
	return rc;
}

/* --- settings ------------------------------------------------------------------- */

/* Option, setting, label, what it is without. */
static const struct {
	const char *option, *name, *label, *def;
} settings[] = {
	{ "hostname", "internaldb.ldapconn.host", "Hostname", NULL },
	{ "port", "internaldb.ldapconn.port", "Port", NULL },
	{ "secure", "internaldb.ldapconn.secureConn", "Secure", "false" },
	{ "auth", "internaldb.ldapauth.authtype", "Authentication",
	    "BasicAuth" },
	{ "bindDN", "internaldb.ldapauth.bindDN", "Bind DN", NULL },
	{ "bindPWPrompt", "internaldb.ldapauth.bindPWPrompt",
	    "Bind Password Prompt", NULL },
	{ "nickname", "internaldb.ldapauth.clientCertNickname",
	    "Client Certificate", NULL },
	{ "database", "internaldb.database", "Database", NULL },
	{ "baseDN", "internaldb.basedn", "Base DN", NULL },
	{ "multiSuffix", "internaldb.multipleSuffix.enable", "Multiple suffix",
	    "false" },
	{ "maxConns", "internaldb.maxConns", "Maximum connections", NULL },
	{ "minConns", "internaldb.minConns", "Minimum connections", NULL },
};
enum {
	SETTINGS = sizeof(settings) / sizeof(settings[0])
};

static void
print_settings(const struct cfg *c)
{
	for (size_t i = 0; i < SETTINGS; i++)
		out_field(settings[i].label,
		    cfg_str(c, settings[i].name, settings[i].def));
}

static enum rc
run_config_show(struct server *s, const struct args *a, struct err *e)
{
	AUTO(cfg) c = NULL;
	enum rc rc = server_cs(s, &c, s->sub, e);

	(void)a;
	if (rc == RC_OK)
		print_settings(c);
	return rc;
}

/* A value that pkid would refuse at its start is refused here. */
static enum rc
check_setting(const char *option, const char *value, struct err *e)
{
	static const char *const numbers[] = { "port", "maxConns", "minConns" };
	static const char *const switches[] = { "secure", "multiSuffix" };
	int64_t n;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (strcmp(option, numbers[i]) == 0 &&
		    text_int(&n, value, i == 2 ? 0 : 1, 65535, NULL) != RC_OK)
			return err_set(e, RC_USAGE,
			    "Invalid value for --%s: %.64s", option, value);
	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++)
		if (strcmp(option, switches[i]) == 0 &&
		    !text_ieq(value, "true") && !text_ieq(value, "false"))
			return err_set(e, RC_USAGE,
			    "Invalid value for --%s: %.64s: true or false",
			    option, value);
	if (strpbrk(value, "\r\n") != NULL)
		return err_set(e, RC_USAGE, "Invalid value for --%s", option);
	return RC_OK;
}

static enum rc
run_config_mod(struct server *s, const struct args *a, struct err *e)
{
	AUTO(cfg) c = NULL;
	bool any = false;
	enum rc rc = server_cs(s, &c, s->sub, e);

	if (rc != RC_OK)
		return rc;
	if (!dbconf_is_directory(c) && cfg_bool(c, "cs.state", false))
		return err_set(e, RC_CONFLICT,
		    "the records of %s are in its embedded store: a directory "
		    "cannot take its place",
		    s->type);
	for (size_t i = 0; i < SETTINGS; i++) {
		const char *value = args_get(a, settings[i].option);

		if (value == NULL)
			continue;
		any = true;
		if ((rc = check_setting(settings[i].option, value, e)) !=
			RC_OK ||
		    (rc = cfg_set(c, settings[i].name, value, e)) != RC_OK)
			return rc;
	}
	if (any && (rc = cfg_set(c, "dbs.type", "ldap", e)) != RC_OK)
		return rc;
	if (any && (rc = server_save_cs(s, s->sub, c, e)) != RC_OK)
		return rc;
	print_settings(c);
	return RC_OK;
}

/* --- the database ----------------------------------------------------------------- */

/* What is below a running server is not taken away. */
static enum rc
stopped(struct server *s, int *lock, struct err *e)
{
	enum rc rc = server_lock(s, lock, e);

	return rc == RC_CONFLICT
	    ? err_set(e, rc, "instance %s is running: stop it first", s->name)
	    : rc;
}

static enum rc
run_create(struct server *s, const struct args *a, struct err *e)
{
	AUTO(dbconf) c = NULL;
	AUTO(ds_admin) d = NULL;
	enum rc rc = server_ds(s, &c, &d, e);

	(void)a;
	return rc == RC_OK ? directory_create_db(d, c, e) : rc;
}

/* Groups and access rules are records; the base entry must be there. */
static enum rc
seed(struct server *s, struct err *e)
{
	AUTO(cfg) c = NULL;
	AUTO(cfg) pins = NULL;
	AUTO(store) store = NULL;
	enum rc rc;

	if ((rc = server_cs(s, &c, s->sub, e)) != RC_OK ||
	    (rc = server_passwords(s, &pins, e)) != RC_OK ||
	    (rc = dbconf_open_store(&store, c, pins, s->paths, s->sub, NULL,
		 &clock_system, e)) != RC_OK ||
	    (rc = install_seed(store, e)) != RC_OK)
		return rc;
	store_free(store_steal(&store));
	return server_give(s, s->paths->host, e);
}

static enum rc
run_init(struct server *s, const struct args *a, struct err *e)
{
	static const char *const skips[] = { "skip-config", "skip-schema",
		"skip-base", "skip-containers" };
	AUTO(dbconf) c = NULL;
	AUTO(ds_admin) d = NULL;
	AUTO_FD lock = -1;
	unsigned parts = 0;
	enum rc rc = server_ds(s, &c, &d, e);

	for (unsigned i = 0; i < sizeof(skips) / sizeof(skips[0]); i++)
		if (!args_has(a, skips[i]))
			parts |= 1U << i;
	if (rc != RC_OK ||
	    (rc = store_setup_parts(d, c->base_dn, s->sub, parts, e)) != RC_OK)
		return rc;
	if ((parts & SETUP_CONTAINERS) == 0 || strcmp(s->sub, "ca") != 0)
		return RC_OK;
	if ((rc = stopped(s, &lock, e)) != RC_OK)
		return rc;
	return seed(s, e);
}

static enum rc
run_away(struct server *s, const struct args *a, struct err *e,
    enum rc (*fn)(struct ds_admin *d, const struct dbconf *c, struct err *e))
{
	AUTO(dbconf) c = NULL;
	AUTO(ds_admin) d = NULL;
	AUTO_FD lock = -1;
	enum rc rc;

	if ((rc = stopped(s, &lock, e)) != RC_OK ||
	    (rc = server_ds(s, &c, &d, e)) != RC_OK)
		return rc;
	if (!args_has(a, "force") && !out_confirm("Are you sure (y/N)? "))
		return RC_OK;
	return fn(d, c, e);
}

static enum rc
run_empty(struct server *s, const struct args *a, struct err *e)
{
	return run_away(s, a, e, directory_empty_db);
}

static enum rc
run_remove(struct server *s, const struct args *a, struct err *e)
{
	return run_away(s, a, e, directory_remove_db);
}

static enum rc
upgrade(struct server *s, const struct args *a, struct err *e)
{
	AUTO(cfg) cs = NULL;
	AUTO(dbconf) c = NULL;
	AUTO(ds_admin) d = NULL;
	enum rc rc = server_cs(s, &cs, s->sub, e);

	(void)a;
	/* the embedded store brings itself up to date when it is opened */
	if (rc != RC_OK || !dbconf_is_directory(cs))
		return rc;
	if ((rc = server_ds(s, &c, &d, e)) != RC_OK ||
	    (rc = store_setup_parts(d, c->base_dn, s->sub,
		 SETUP_CONFIG | SETUP_SCHEMA | SETUP_CONTAINERS, e)) != RC_OK)
		return rc;
	return directory_index_add(d, c, e);
}

static enum rc
run_upgrade(struct server *s, const struct args *a, struct err *e)
{
	enum rc rc = upgrade(s, a, e);

	if (rc == RC_OK)
		printf("%s database upgraded\n", s->type);
	return rc;
}

/* Every subsystem of the instance. */
static enum rc
each_subsystem(struct server *s, const struct args *a, struct err *e,
    enum rc (*fn)(struct server *s, const struct args *a, struct err *e))
{
	enum rc rc = RC_OK;

	for (size_t i = 0; rc == RC_OK && i < SERVER_SUBSYSTEMS; i++) {
		if (!server_has(s->paths, server_subsystems[i]))
			continue;
		s->sub = server_subsystems[i];
		s->type = server_type(s->sub);
		rc = fn(s, a, e);
	}
	if (rc == RC_OK)
		out_framed("Upgrade complete");
	return rc;
}

static enum rc
run_upgrade_all(struct server *s, const struct args *a, struct err *e)
{
	return each_subsystem(s, a, e, upgrade);
}

static enum rc
upgrade_schema(struct server *s, const struct args *a, struct err *e)
{
	AUTO(dbconf) c = NULL;
	AUTO(ds_admin) d = NULL;
	const char *dn = args_get(a, "bind-dn");
	const struct secret *pw = args_secret(a, "bind-password");
	enum rc rc = server_ds(s, &c, NULL, e);

	if (rc == RC_UNSUPPORTED)
		return RC_OK;
	if (rc == RC_OK && dn != NULL) {
		free(c->bind_dn);
		c->bind_dn = strdup(dn);
	}
	if (rc == RC_OK && pw != NULL) {
		secret_free(c->password);
		c->password = secret_new(secret_view(pw));
	}
	if (rc == RC_OK && (rc = connect_to(c, &d, e)) == RC_OK)
		rc = store_setup_parts(d, c->base_dn, s->sub, SETUP_SCHEMA, e);
	return rc == RC_OK ? rc : err_prefix(e, "Unable to update schema");
}

static enum rc
run_schema_upgrade(struct server *s, const struct args *a, struct err *e)
{
	return each_subsystem(s, a, e, upgrade_schema);
}

/* --- rights, indexes, virtual lists -------------------------------------------------- */

static enum rc
run_grant(struct server *s, const struct args *a, struct err *e)
{
	AUTO(dbconf) c = NULL;
	AUTO(ds_admin) d = NULL;
	enum rc rc = server_ds(s, &c, &d, e);

	return rc == RC_OK ? directory_grant(d, c, args_at(a, 0), e) : rc;
}

static enum rc
run_revoke(struct server *s, const struct args *a, struct err *e)
{
	AUTO(dbconf) c = NULL;
	AUTO(ds_admin) d = NULL;
	enum rc rc = server_ds(s, &c, &d, e);

	return rc == RC_OK ? directory_revoke(d, c, args_at(a, 0), e) : rc;
}

static enum rc
run_index_add(struct server *s, const struct args *a, struct err *e)
{
	AUTO(dbconf) c = NULL;
	AUTO(ds_admin) d = NULL;
	enum rc rc = server_ds(s, &c, &d, e);

	(void)a;
	return rc == RC_OK ? directory_index_add(d, c, e) : rc;
}

static enum rc
run_index_rebuild(struct server *s, const struct args *a, struct err *e)
{
	AUTO(dbconf) c = NULL;
	AUTO(ds_admin) d = NULL;
	enum rc rc = server_ds(s, &c, &d, e);

	(void)a;
	return rc == RC_OK ? directory_index_rebuild(d, c, server_ds_say, s, e)
			   : rc;
}

/* The values of one attribute of a list's definition. */
static void
print_values(const struct ds_entry *x, const char *attr)
{
	AUTO_BUF v = buf_empty(0);

	for (size_t i = 0; ds_value(x, attr, i, &v) != NULL; i++)
		out_field(attr, buf_cstr(&v));
}

static bool
print_vlv(void *arg, const struct ds_entry *x)
{
	static const char *const attrs[] = { "objectClass", "cn", "vlvBase",
		"vlvScope", "vlvFilter", "vlvSort", "vlvEnabled", "vlvUses" };
	size_t *n = arg;

	out_entry((*n)++);
	out_field("dn", x->dn);
	for (size_t i = 0; i < sizeof(attrs) / sizeof(attrs[0]); i++)
		print_values(x, attrs[i]);
	return true;
}

static enum rc
run_vlv_find(struct server *s, const struct args *a, struct err *e)
{
	AUTO(dbconf) c = NULL;
	AUTO(ds_admin) d = NULL;
	size_t n = 0;
	enum rc rc = server_ds(s, &c, &d, e);

	(void)a;
	return rc == RC_OK ? directory_vlv_find(d, c, print_vlv, &n, e) : rc;
}

static enum rc
run_vlv_add(struct server *s, const struct args *a, struct err *e)
{
	AUTO(dbconf) c = NULL;
	AUTO(ds_admin) d = NULL;
	enum rc rc = server_ds(s, &c, &d, e);

	(void)a;
	return rc == RC_OK ? directory_vlv_add(d, c, s->name, e) : rc;
}

static enum rc
run_vlv_del(struct server *s, const struct args *a, struct err *e)
{
	AUTO(dbconf) c = NULL;
	AUTO(ds_admin) d = NULL;
	enum rc rc = server_ds(s, &c, &d, e);

	(void)a;
	return rc == RC_OK ? directory_vlv_del(d, c, s->name, e) : rc;
}

static enum rc
run_vlv_reindex(struct server *s, const struct args *a, struct err *e)
{
	AUTO(dbconf) c = NULL;
	AUTO(ds_admin) d = NULL;
	enum rc rc = server_ds(s, &c, &d, e);

	(void)a;
	return rc == RC_OK
	    ? directory_vlv_reindex(d, c, s->name, server_ds_say, s, e)
	    : rc;
}

/* --- tables ------------------------------------------------------------------------- */

static const struct opt mod_opts[] = {
	SERVER_OPTS,
	OPT("hostname", "name", "Host of the directory"),
	OPT("port", "port", "Its port"),
	OPT("secure", "true|false", "LDAPS"),
	OPT("auth", "type", "BasicAuth or SslClientAuth"),
	OPT("bindDN", "DN", "Who binds"),
	OPT("bindPWPrompt", "name", "Name of the password in password.conf"),
	OPT("nickname", "nickname", "Client certificate"),
	OPT("database", "name", "Back end"),
	OPT("baseDN", "DN", "Base of all records"),
	OPT("multiSuffix", "true|false", "Several suffixes"),
	OPT("maxConns", "number", "Most connections"),
	OPT("minConns", "number", "Fewest connections"),
	OPT_END,
};
static const struct opt init_opts[] = {
	SERVER_OPTS,
	OPT_FLAG("skip-config", "Leave the server's settings alone"),
	OPT_FLAG("skip-schema", "Do not add the schema"),
	OPT_FLAG("skip-base", "Do not add the base entry"),
	OPT_FLAG("skip-containers", "Do not add containers and groups"),
	OPT_END,
};
static const struct opt force_opts[] = {
	SERVER_OPTS,
	OPT_FLAG("force", "Do not ask"),
	OPT_END,
};
static const struct opt schema_opts[] = {
	SERVER_OPTS,
	OPT_LETTER("bind-dn", 'D', "DN", "Who binds"),
	{ "bind-password", 'w', "password", "The password", true, NULL },
	OPT_END,
};

const struct server_cmd server_ds_cmds[] = {
	{ "db-config-show", "", "Show the connection to the database", NULL, 0,
	    0, run_config_show, NEED_SUBSYSTEM },
	{ "db-config-mod", "", "Change the connection to the database",
	    mod_opts, 0, 0, run_config_mod, NEED_SUBSYSTEM },
	{ "db-create", "", "Make back end and suffix", NULL, 0, 0, run_create,
	    NEED_SUBSYSTEM },
	{ "db-init", "", "Make schema, base entry and containers", init_opts, 0,
	    0, run_init, NEED_SUBSYSTEM },
	{ "db-empty", "", "Delete all entries", force_opts, 0, 0, run_empty,
	    NEED_SUBSYSTEM },
	{ "db-remove", "", "Delete back end and suffix", force_opts, 0, 0,
	    run_remove, NEED_SUBSYSTEM },
	{ "db-upgrade", "", "Bring schema, containers and indexes up to date",
	    NULL, 0, 0, run_upgrade, NEED_SUBSYSTEM },
	{ "db-access-grant", "<DN>", "Give a database user its rights", NULL, 1,
	    1, run_grant, NEED_SUBSYSTEM },
	{ "db-access-revoke", "<DN>", "Take a database user's rights", NULL, 1,
	    1, run_revoke, NEED_SUBSYSTEM },
	{ "db-index-add", "", "Add missing indexes", NULL, 0, 0, run_index_add,
	    NEED_SUBSYSTEM },
	{ "db-index-rebuild", "", "Build all indexes anew", NULL, 0, 0,
	    run_index_rebuild, NEED_SUBSYSTEM },
	{ "db-vlv-find", "", "Find virtual lists", NULL, 0, 0, run_vlv_find,
	    NEED_SUBSYSTEM },
	{ "db-vlv-add", "", "Add virtual lists", NULL, 0, 0, run_vlv_add,
	    NEED_SUBSYSTEM },
	{ "db-vlv-del", "", "Remove virtual lists", NULL, 0, 0, run_vlv_del,
	    NEED_SUBSYSTEM },
	{ "db-vlv-reindex", "", "Fill virtual lists", NULL, 0, 0,
	    run_vlv_reindex, NEED_SUBSYSTEM },
	{ 0 },
};
const struct server_cmd server_db_all[] = {
	{ "db-upgrade", "", "Bring the databases of all subsystems up to date",
	    NULL, 0, 0, run_upgrade_all, NEED_INSTANCE },
	{ "db-schema-upgrade", "", "Add missing schema", schema_opts, 0, 0,
	    run_schema_upgrade, NEED_INSTANCE },
	{ 0 },
};
