/* SPDX-License-Identifier: Apache-2.0 */
/* pki_server_store.c - records of a subsystem: through the control socket of a
 * running pkid, else in the store itself, under the instance lock (design.md,
 * law 2).
 * Owns:    lock and store during one call.
 * Trusts:  the control socket below /run/pki.
 * Threads: none. */
#include "tools/pki_server.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <sys/file.h>

#include "base/file.h"
#include "base/path.h"
#include "base/text.h"
#include "ca/records.h"
#include "deploy/service.h"
#include "instance/control.h"
#include "instance/dbconf.h"

enum {
	PAGE_SIZE = 2000,
	NAME_MAX_LEN = 96,
};

enum rc
server_lock(const struct server *s, int *fd, struct err *e)
{
	AUTO_STR run = path_new("/run/pki");
	AUTO_FD f = -1;
	enum rc rc;

	if (run == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	if (!file_exists(run) &&
	    ((rc = file_mkdirs(run, 0755, e)) != RC_OK ||
		(rc = server_give(s, run, e)) != RC_OK))
		return rc;
	f = open(s->paths->lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (f < 0)
		return err_errno(e, "%s", s->paths->lock);
	/* pkid of the instance's user must be able to open it later */
	if ((rc = server_give(s, s->paths->lock, e)) != RC_OK)
		return rc;
	if (flock(f, LOCK_EX | LOCK_NB) != 0)
		return err_set(
		    e, RC_CONFLICT, "instance %s is running", s->name);
	*fd = f;
	f = -1;
	return RC_OK;
}

/* In the running server. */
static enum rc
call_remote(struct server *s, const char *command, const json_t *args,
    struct buf *out, struct err *e)
{
	char name[NAME_MAX_LEN];
	char *text = args != NULL ? json_dumps(args, JSON_COMPACT) : NULL;
	enum rc rc;

	snprintf(name, sizeof(name), "%s.%s", s->sub, command);
	server_say(s, "Asking the server: %s", name);
	rc = control_call(s->paths->control, name, text, out, e);
	if (text != NULL) {
		/* it may hold a password */
		OPENSSL_cleanse(text, strlen(text));
		free(text);
	}
	return rc;
}

/* Here, with the lock held. */
static enum rc
call_local(struct server *s, const char *command, const json_t *args,
    struct buf *out, struct err *e)
{
	AUTO_STR dir = paths_store(s->paths, s->sub);
	AUTO(store) store = NULL;
	AUTO(cfg) c = NULL;
	AUTO(cfg) pins = NULL;
	struct keystore *ks = NULL;
	bool wrote;
	enum rc rc = server_cs(s, &c, s->sub, e);

	if (rc != RC_OK || (rc = server_passwords(s, &pins, e)) != RC_OK)
		return rc;
	if (dir == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	if (dbconf_is_directory(c) &&
	    (rc = server_keystore(s, &ks, e)) != RC_OK)
		return rc;
	server_say(s, "Opening the store of %s", s->sub);
	rc = dbconf_open_store(
	    &store, c, pins, s->paths, s->sub, ks, &clock_system, e);
	if (rc != RC_OK)
		return rc;
	rc = ca_records(store, command, args, out, &wrote, e);
	if (rc == RC_UNSUPPORTED)
		rc = err_set(
		    e, rc, "instance %s does not run: start it first", s->name);
	store_free(store_steal(&store));
	/* files that root made in it are the server's */
	if (rc == RC_OK && file_exists(dir))
		rc = server_give(s, dir, e);
	if (rc == RC_OK && file_exists(s->paths->host))
		rc = server_give(s, s->paths->host, e);
	return rc;
}

static enum rc
read_answer(
    const char *command, const struct buf *text, json_t **out, struct err *e)
{
	json_t *answer;

	if (out == NULL)
		return RC_OK;
	answer = json_loadb(
	    (const char *)text->data, text->len, JSON_DECODE_ANY, NULL);
	if (answer == NULL)
		return err_set(e, RC_INTERNAL, "%s: no JSON answer", command);
	*out = answer;
	return RC_OK;
}

enum rc
server_call(struct server *s, const char *command, json_t *args, json_t **out,
    struct err *e)
{
	AUTO_BUF text = buf_empty(CONTROL_MESSAGE_MAX);
	AUTO_FD lock = -1;
	enum rc rc = server_lock(s, &lock, e);

	if (rc == RC_OK)
		rc = call_local(s, command, args, &text, e);
	else if (rc == RC_CONFLICT)
		rc = call_remote(s, command, args, &text, e);
	return rc == RC_OK ? read_answer(command, &text, out, e) : rc;
}

enum rc
server_call_running(struct server *s, const char *command, json_t *args,
    json_t **out, struct err *e)
{
	AUTO_BUF text = buf_empty(CONTROL_MESSAGE_MAX);
	enum rc rc;

	if (service_pid(s->paths) == 0)
		return err_set(e, RC_UNAVAILABLE,
		    "instance %s does not run: start it, then try again",
		    s->name);
	rc = call_remote(s, command, args, &text, e);
	return rc == RC_OK ? read_answer(command, &text, out, e) : rc;
}

enum rc
server_call_all(struct server *s, const char *command, json_t *args,
    json_t **out, struct err *e)
{
	AUTO_JSON all = json_array();
	AUTO_JSON q = args != NULL ? json_deep_copy(args) : json_object();
	size_t n = PAGE_SIZE;
	enum rc rc;

	if (all == NULL || q == NULL)
		return err_set(e, RC_NOMEM, "out of memory");
	json_object_set_new(q, "size", json_integer(PAGE_SIZE));
	while (n == PAGE_SIZE) {
		AUTO_JSON page = NULL;

		json_object_set_new(
		    q, "start", json_integer((json_int_t)json_array_size(all)));
		if ((rc = server_call(s, command, q, &page, e)) != RC_OK)
			return rc;
		n = json_array_size(page);
		if (json_array_extend(all, page) != 0)
			return err_set(e, RC_NOMEM, "out of memory");
	}
	*out = json_incref(all);
	return RC_OK;
}
