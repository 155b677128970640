/* SPDX-License-Identifier: Apache-2.0 */
/* pki_server_files.c - the instance of a command: its subsystems, settings,
 * passwords and keys.
 * Owns:    what hangs in struct server.
 * Trusts:  the files of the instance.
 * Threads: none. */
#include "tools/pki_server.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/text.h"
#include "deploy/create.h"
#include "instance/archive.h"
#include "instance/cscfg.h"
#include "keys/names.h"

enum {
	CS_MODE = 0660,
	MODULES_MAX = 8,
};

const struct opt server_opts[] = { SERVER_OPTS, OPT_END };

void
server_say(const struct server *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	out_say(s->verbose, fmt, ap);
	va_end(ap);
}

void
server_done(struct server *s)
{
	keystore_free(s->ks);
	cfg_free(s->cs);
	cfg_free(s->pins);
	for (size_t i = 0; s->read != NULL && i < SERVER_SUBSYSTEMS; i++)
		cfg_free(s->read[i]);
	free(s->read);
	instance_paths_free(s->paths);
	args_free(s->global);
}

const char *const server_subsystems[SERVER_SUBSYSTEMS] = { "ca", "kra", "ocsp",
	"tks", "tps" };

const char *
server_type(const char *sub)
{
	static const char *const types[SERVER_SUBSYSTEMS] = { "CA", "KRA",
		"OCSP", "TKS", "TPS" };

	for (size_t i = 0; i < SERVER_SUBSYSTEMS; i++)
		if (strcmp(sub, server_subsystems[i]) == 0)
			return types[i];
	return NULL;
}

bool
server_has(const struct instance_paths *p, const char *sub)
{
	return layout_exists(p, sub);
}

bool
server_exists(const struct instance_paths *p)
{
	if (create_exists(p))
		return true;
	for (size_t i = 0; i < SERVER_SUBSYSTEMS; i++)
		if (server_has(p, server_subsystems[i]))
			return true;
	return false;
}

enum rc
server_find(struct server *s, const char *name, struct err *e)
{
	enum rc rc;

	instance_paths_free(s->paths);
	s->paths = NULL;
	if ((rc = instance_paths_new(&s->paths, name, e)) != RC_OK)
		return rc;
	s->name = s->paths->name;
	if (s->read == NULL &&
	    (s->read = calloc(SERVER_SUBSYSTEMS, sizeof(struct cfg *))) == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	if (!server_exists(s->paths))
		return err_set(e, RC_NOTFOUND, "Invalid instance: %s", name);
	return RC_OK;
}

enum rc
server_use(struct server *s, const char *sub, struct err *e)
{
	s->type = server_type(sub);
	if (s->type == NULL)
		return err_set(e, RC_NOTFOUND, "No such subsystem: %s", sub);
	if (!server_has(s->paths, sub))
		return err_set(e, RC_NOTFOUND, "No %s subsystem in instance %s",
		    s->type, s->name);
	s->sub = sub;
	return RC_OK;
}

static enum rc
load(struct cfg **out, const char *path, bool may_miss, struct err *e)
{
	AUTO(cfg) c = cfg_new();
	enum rc rc;

	if (c == NULL || path == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	if (!may_miss || file_exists(path)) {
		if ((rc = cfg_load(c, path, e)) != RC_OK)
			return rc;
	}
	*out = cfg_steal(&c);
	return RC_OK;
}

static struct cfg **
first_read(const struct server *s, const char *sub)
{
	for (size_t i = 0; s->read != NULL && i < SERVER_SUBSYSTEMS; i++)
		if (strcmp(server_subsystems[i], sub) == 0)
			return &s->read[i];
	return NULL;
}

static enum rc
copy_cfg(struct cfg **out, const struct cfg *c, struct err *e)
{
	AUTO(cfg) copy = cfg_new();
	enum rc rc = RC_OK;

	if (copy == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	for (size_t i = 0; rc == RC_OK && i < cfg_count(c); i++)
		rc = cfg_set(copy, cfg_at(c, i).name, cfg_at(c, i).value, e);
	if (rc == RC_OK) {
		cfg_free(*out);
		*out = cfg_steal(&copy);
	}
	return rc;
}

enum rc
server_cs(
    const struct server *s, struct cfg **out, const char *sub, struct err *e)
{
	AUTO_STR path = paths_cs_cfg(s->paths, sub);
	struct cfg **first = first_read(s, sub);
	enum rc rc = load(out, path, false, e);

	if (rc != RC_OK || first == NULL || *first != NULL)
		return rc;
	return copy_cfg(first, *out, e);
}

enum rc
server_cfg(const struct server *s, struct cfg **out, struct err *e)
{
	return load(out, s->paths->server, false, e);
}

enum rc
server_passwords(const struct server *s, struct cfg **out, struct err *e)
{
	return load(out, s->paths->password, true, e);
}

enum rc
server_give(const struct server *s, const char *path, struct err *e)
{
	struct stat st;

	if (geteuid() != 0)
		return RC_OK;
	if (stat(s->paths->conf, &st) != 0)
		return err_errno(e, "%s", s->paths->conf);
	return file_chown_tree(path, st.st_uid, st.st_gid, e);
}

enum rc
server_write(const struct server *s, const char *path, struct view data,
    mode_t mode, struct err *e)
{
	enum rc rc = file_write(path, data, mode, e);

	return rc == RC_OK ? server_give(s, path, e) : rc;
}

enum rc
server_save_cs(
    const struct server *s, const char *sub, const struct cfg *c, struct err *e)
{
	AUTO_STR path = paths_cs_cfg(s->paths, sub);
	AUTO_STR archives = NULL;
	AUTO_BUF text = buf_empty(0);
	AUTO(cfg) now = NULL;
	AUTO(cfg) all = cfg_new();
	AUTO_FD held = -1;
	struct cfg **first = first_read(s, sub);
	enum rc rc;

	if (path == NULL || all == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	if ((rc = cscfg_lock(&held, s->paths, sub, e)) != RC_OK)
		return rc;
	if (first != NULL && *first != NULL) {
		if ((rc = load(&now, path, false, e)) != RC_OK ||
		    (rc = cfg_merge(all, *first, c, now, NULL, e)) != RC_OK ||
		    (rc = copy_cfg(first, all, e)) != RC_OK)
			return rc;
		cfg_encode(all, &text);
	} else {
		cfg_encode(c, &text);
	}
	if ((rc = buf_check(&text, e)) != RC_OK ||
	    (rc = archive_settings(&archives, s->paths, sub,
		 clock_now(&clock_system), e)) != RC_OK ||
	    (archives != NULL && (rc = server_give(s, archives, e)) != RC_OK))
		return rc;
	return server_write(s, path, buf_view(&text), CS_MODE, e);
}

static struct secret *
pin(void *arg, const char *token)
{
	const struct server *s = arg;
	const char *v = names_is_internal(token)
	    ? cfg_get(s->pins, "internal")
	    : cfg_getf(s->pins, "hardware-%s", token);
	AUTO_BUF prompt = buf_empty(512);
	struct secret *asked = NULL;

	if (v != NULL)
		return secret_new(view_str(v));
	buf_addf(&prompt, "Enter password for %s: ", token);
	if (secret_ask(&asked, buf_cstr(&prompt), NULL) != RC_OK)
		return NULL;
	return asked;
}

enum rc
server_keystore(struct server *s, struct keystore **out, struct err *e)
{
	struct keystore_module modules[MODULES_MAX];
	struct keystore_open_params p = { .dir = s->paths->alias,
		.modules = modules,
		.pin = pin,
		.pin_arg = s };
	AUTO(cfg) c = NULL;
	enum rc rc;

	if (s->ks != NULL) {
		*out = s->ks;
		return RC_OK;
	}
	if ((rc = server_cfg(s, &c, e)) != RC_OK ||
	    (rc = server_passwords(s, &s->pins, e)) != RC_OK)
		return rc;
	for (size_t i = cfg_lower(c, "module.");
	     i < cfg_count(c) && p.n_modules < MODULES_MAX; i++) {
		struct cfg_item x = cfg_at(c, i);

		if (!text_starts(x.name, "module."))
			break;
		modules[p.n_modules++] =
		    (struct keystore_module){ x.name + 7, x.value };
	}
	server_say(s, "Opening NSS database %s", p.dir);
	if ((rc = keystore_open(&s->ks, &p, e)) == RC_OK)
		*out = s->ks;
	return rc;
}

const char *
server_date(char out[CLOCK_TEXT_MAX], int64_t t)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	struct civil c = civil_of(t);

	snprintf(out, CLOCK_TEXT_MAX, "%.3s %.3s %2d %02d:%02d:%02d %d",
	    days + (size_t)c.weekday * 3, months + (size_t)(c.month - 1) * 3,
	    c.day, c.hour, c.minute, c.second, c.year);
	return out;
}
