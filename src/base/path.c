/* SPDX-License-Identifier: Apache-2.0 */
/* path.c - the root before every path.
 * Owns:    two static texts.
 * Trusts:  the command line and the environment of the caller.
 * Threads: path_set_root before threads; then any. */
#include "base/path.h"

#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char root_text[PATH_TEXT_MAX];
static char home_text[PATH_TEXT_MAX];
static pthread_once_t root_once = PTHREAD_ONCE_INIT;
static pthread_once_t home_once = PTHREAD_ONCE_INIT;

static enum rc
set_root(const char *root, struct err *e)
{
	char cwd[PATH_TEXT_MAX] = "", text[PATH_TEXT_MAX];
	size_t len;
	int n;

	if (root == NULL || root[0] == '\0') {
		root_text[0] = '\0';
		return RC_OK;
	}
	if (root[0] != '/' && getcwd(cwd, sizeof(cwd)) == NULL)
		return err_errno(e, "root: working folder");
	n = snprintf(
	    text, sizeof(text), "%s%s%s", cwd, root[0] == '/' ? "" : "/", root);
	if (n < 0 || (size_t)n >= sizeof(text))
		return err_set(e, RC_USAGE, "root: path too long");
	len = strlen(text);
	while (len > 0 && text[len - 1] == '/')
		text[--len] = '\0';
	memcpy(root_text, text, sizeof(text));
	return RC_OK;
}

static void
root_from_env(void)
{
	/* A root that is too long leaves none: path_set_root can say so. */
	rc_ignore(set_root(getenv("PKI_ROOT"), NULL));
}

static void
once_done(void)
{
}

enum rc
path_set_root(const char *root, struct err *e)
{
	/* From now on the environment does not count. */
	pthread_once(&root_once, once_done);
	return set_root(root, e);
}

const char *
path_root(void)
{
	pthread_once(&root_once, root_from_env);
	return root_text;
}

char *
path_new(const char *fmt, ...)
{
	const char *root = path_root();
	char *rest = NULL, *whole = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&rest, fmt, ap) < 0)
		rest = NULL;
	va_end(ap);
	if (rest != NULL && asprintf(&whole, "%s%s", root, rest) < 0)
		whole = NULL;
	free(rest);
	return whole;
}

static void
find_home(void)
{
	const char *home = getenv("HOME");
	struct passwd pw, *found = NULL;
	char text[4096];

	if (home == NULL || home[0] != '/') {
		home = "/";
		if (getpwuid_r(geteuid(), &pw, text, sizeof(text), &found) ==
			0 &&
		    found != NULL)
			home = found->pw_dir;
	}
	if (snprintf(home_text, sizeof(home_text), "%s%s", path_root(), home) >=
	    (int)sizeof(home_text))
		home_text[0] = '\0';
}

const char *
path_home(void)
{
	pthread_once(&home_once, find_home);
	return home_text;
}
