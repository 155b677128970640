/* SPDX-License-Identifier: Apache-2.0 */
/* conf_files.c - the files beside CS.cfg that an instance gets a copy of, for
 * its administrator to read and change (spec deployment 1.2).
 * Owns:    nothing.
 * Trusts:  the installed data.
 * Threads: one. */
#include "deploy/install.h"

#include "base/file.h"

/* The form of an installation profile follows the key ("%s": rsa or ecc). */
static const struct {
	const char *name, *from;
	const char *key; /* parameter that names the key's type, or NULL */
} files[] = {
	{ "caCert.profile", "caCert.profile", NULL },
	{ "caOCSPCert.profile", "caOCSPCert.profile", NULL },
	{ "caAuditSigningCert.profile", "caAuditSigningCert.profile", NULL },
	{ "serverCert.profile", "%sServerCert.profile",
	    "pki_sslserver_key_type" },
	{ "subsystemCert.profile", "%sSubsystemCert.profile",
	    "pki_subsystem_key_type" },
	{ "adminCert.profile", "%sAdminCert.profile", "pki_admin_key_type" },
	{ "registry.cfg", "registry.cfg", NULL },
	{ "flatfile.txt", "flatfile.txt", NULL },
	{ "proxy.conf", "proxy.conf", NULL },
};

/* Appends text with @HOST@ and @PORT@ replaced. */
static void
fill(struct buf *out, const char *text, struct values *v)
{
	static const char *const words[][2] = { { "@HOST@", "pki_hostname" },
		{ "@PORT@", "pki_https_port" } };
	size_t n = sizeof(words) / sizeof(words[0]);

	while (*text != '\0') {
		size_t i = 0;

		while (i < n && !text_starts(text, words[i][0]))
			i++;
		if (i < n) {
			buf_add_str(out, values_str(v, words[i][1]));
			text += strlen(words[i][0]);
		} else {
			buf_add_char(out, *text++);
		}
	}
}

static enum rc
copy(struct install *in, size_t i, struct err *e)
{
	AUTO_BUF rest = buf_empty(4096), to = buf_empty(4096);
	AUTO_BUF text = buf_empty(0), done = buf_empty(0);
	AUTO_STR from = NULL;
	const char *type =
	    files[i].key == NULL ? "" : values_str(in->v, files[i].key);
	enum rc rc;

	buf_addf(&to, "%s/ca/%s", in->paths->conf, files[i].name);
	/* what an earlier installation left is the administrator's */
	if (file_exists(buf_cstr(&to)))
		return RC_OK;
	buf_addf(&rest, "/ca/conf/%s%s",
	    files[i].key == NULL           ? ""
		: text_starts(type, "rsa") ? "rsa"
					   : "ecc",
	    files[i].from + (files[i].key == NULL ? 0 : 2));
	if ((from = paths_share(buf_cstr(&rest))) == NULL)
		return err_set(e, RC_NOMEM, "configuration files");
	if ((rc = file_read(&text, from, e)) != RC_OK)
		return rc;
	fill(&done, buf_cstr(&text), in->v);
	if ((rc = buf_check(&done, e)) != RC_OK)
		return rc;
	return file_write(buf_cstr(&to), buf_view(&done), 0660, e);
}

enum rc
install_conf_files(struct install *in, struct err *e)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		enum rc rc = copy(in, i, e);

		if (rc != RC_OK)
			return rc;
	}
	return RC_OK;
}
