/* SPDX-License-Identifier: Apache-2.0 */
/* paths.c - the files of an instance (spec deployment 1.2).
 * Owns:    struct instance_paths.
 * Trusts:  nothing; an instance name is checked before it becomes a path.
 * Threads: any; read-only once made. */
#include "instance/paths.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>

#include "base/file.h"
#include "base/path.h"

enum {
	INSTANCE_NAME_MAX = 64
};

void
instance_paths_free(struct instance_paths *p)
{
	if (p == NULL)
		return;
	free(p->name);
	free(p->lib);
	free(p->conf);
	free(p->logs);
	free(p->alias);
	free(p->certs);
	free(p->password);
	free(p->server);
	free(p->host);
	free(p->registry);
	free(p->sysconfig);
	free(p->control);
	free(p->pid);
	free(p->lock);
	free(p);
}

static bool
name_ok(const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n > INSTANCE_NAME_MAX || name[0] == '.')
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!isalnum((unsigned char)name[i]) &&
		    strchr("-_.", name[i]) == NULL)
			return false;
	}
	return true;
}

enum rc
instance_paths_new(struct instance_paths **out, const char *name, struct err *e)
{
	AUTO(instance_paths) p = calloc(1, sizeof(*p));

	if (!name_ok(name))
		return err_set(e, RC_INVALID,
		    "Invalid instance: %.64s: a name is 1 to %d letters, "
		    "digits, '-', '_' or '.'",
		    name, INSTANCE_NAME_MAX);
	if (p == NULL)
		return err_set(e, RC_NOMEM, "instance paths");
	p->name = strdup(name);
	p->lib = path_new("/var/lib/pki/%s", name);
	p->conf = path_new("/etc/pki/%s", name);
	p->logs = path_new("/var/log/pki/%s", name);
	p->alias = path_new("/etc/pki/%s/alias", name);
	p->certs = path_new("/etc/pki/%s/certs", name);
	p->password = path_new("/etc/pki/%s/password.conf", name);
	p->server = path_new("/etc/pki/%s/server.cfg", name);
	p->host = path_new("/var/lib/pki/.host/%s", name);
	p->registry = path_new("/etc/sysconfig/pki/tomcat/%s", name);
	p->sysconfig = path_new("/etc/sysconfig/%s", name);
	p->control = path_new("/run/pki/%s.sock", name);
	p->pid = path_new("/run/pki/%s.pid", name);
	p->lock = path_new("/run/pki/%s.lock", name);
	if (p->name == NULL || p->lib == NULL || p->conf == NULL ||
	    p->logs == NULL || p->alias == NULL || p->certs == NULL ||
	    p->password == NULL || p->server == NULL || p->host == NULL ||
	    p->registry == NULL || p->sysconfig == NULL || p->control == NULL ||
	    p->pid == NULL || p->lock == NULL)
		return err_set(e, RC_NOMEM, "instance paths");
	*out = instance_paths_steal(&p);
	return RC_OK;
}

char *
paths_cs_cfg(const struct instance_paths *p, const char *sub)
{
	return path_new("/etc/pki/%s/%s/CS.cfg", p->name, sub);
}

char *
paths_store(const struct instance_paths *p, const char *sub)
{
	return path_new("/var/lib/pki/%s/%s/db", p->name, sub);
}

char *
paths_crl(const struct instance_paths *p, const char *sub)
{
	return path_new("/var/lib/pki/%s/crl/%s", p->name, sub);
}

char *
paths_logs(const struct instance_paths *p, const char *sub)
{
	return path_new("/var/log/pki/%s/%s", p->name, sub);
}

char *
paths_profiles(const struct instance_paths *p, const char *sub)
{
	return path_new("/etc/pki/%s/%s/profiles/%s", p->name, sub, sub);
}

/* share/pki beside the folder of this program: an installed tree that was
 * moved, or staged for tests. */
static char *
share_beside(const char *rest)
{
	char exe[PATH_MAX], *slash, *s;
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	if (n <= 0)
		return NULL;
	exe[n] = '\0';
	slash = strrchr(exe, '/');
	*slash = '\0';
	return asprintf(&s, "%s/../share/pki%s", exe, rest) < 0 ? NULL : s;
}

char *
paths_share(const char *rest)
{
	const char *env = getenv("PKI_SHARE");
	char *s;

	if (env != NULL && env[0] != '\0')
		return asprintf(&s, "%s%s", env, rest) < 0 ? NULL : s;
	s = path_new("/usr/share/pki%s", rest);
	if (s != NULL && file_exists(s))
		return s;
	free(s);
	s = share_beside(rest);
	if (s != NULL && file_exists(s))
		return s;
	free(s);
	return asprintf(&s, "/usr/share/pki%s", rest) < 0 ? NULL : s;
}
