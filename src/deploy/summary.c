/* SPDX-License-Identifier: Apache-2.0 */
/* summary.c - the text at the end of an installation (spec deployment 2.7).
 * Owns:    nothing.
 * Trusts:  checked values.
 * Threads: one. */
#include "base/file.h"
#include "base/path.h"
#include "deploy/install.h"
#include "deploy/plans.h"

static const char rule[] =
    "    ======================================================="
    "===================\n";

static void
add_admin(struct install *in, struct buf *b)
{
	/* one whose certificate was given has a file of its own */
	bool own = values_str(in->v, "pki_admin_cert_path")[0] == '\0';

	if (in->clone || !values_bool(in->v, "pki_admin_setup"))
		return;
	buf_addf(b, "      Administrator's username:             %s\n",
	    values_str(in->v, "pki_admin_uid"));
	if (in->generated_admin)
		buf_addf(b,
		    "      Administrator's password file:\n"
		    "            %s/ca_admin.password\n",
		    values_str(in->v, "pki_client_dir"));
	if (own)
		buf_addf(b,
		    "      Administrator's PKCS #12 file:\n"
		    "            %s\n",
		    values_str(in->v, "pki_client_admin_cert_p12"));
	if (own && in->generated_pkcs12)
		buf_addf(b,
		    "      Password of the PKCS #12 file in:\n"
		    "            %s/ca_admin_cert.p12.password\n",
		    values_str(in->v, "pki_client_dir"));
	buf_add_char(b, '\n');
}

static void
add_service(struct install *in, struct buf *b)
{
	const char *name = in->paths->name, *root = path_root();

	/* in a container there is no systemd to ask */
	if (values_bool(in->v, "pki_systemd_service_create") &&
	    root[0] == '\0' && file_exists("/run/systemd/system")) {
		buf_addf(b,
		    "      To check the status of the subsystem:\n"
		    "            systemctl status pki-tomcatd@%s.service\n\n"
		    "      To restart the subsystem:\n"
		    "            systemctl restart pki-tomcatd@%s.service\n\n",
		    name, name);
	} else {
		buf_addf(b,
		    "      To check the status of the subsystem:\n"
		    "            pki-server%s%s status %s\n\n"
		    "      To restart the subsystem:\n"
		    "            pki-server%s%s restart %s\n\n",
		    root[0] ? " --root " : "", root, name,
		    root[0] ? " --root " : "", root, name);
	}
}

/* What step one has made and what comes next. */
static void
add_step_one(struct install *in, struct buf *b)
{
	const char *csr = plan_param(in, &plan_signing, "csr_path");

	buf_addf(b,
	    "      The CA subsystem of the '%s' instance is still "
	    "incomplete.\n\n"
	    "      NSS database: %s\n\n",
	    in->paths->name, in->paths->alias);
	if (!in->external) {
		buf_add_str(b,
		    "      The CA subsystem must still be "
		    "configured!\n\n");
		return;
	}
	if (csr[0] != '\0')
		buf_addf(b,
		    "      A CSR for the CA signing certificate has been "
		    "generated in:\n            %s\n\n",
		    csr);
	else
		buf_add_str(b,
		    "      No CSR has been generated for CA signing "
		    "certificate.\n\n");
	buf_add_str(b,
	    "      Obtain the certificates, then run installation "
	    "step two.\n\n");
}

void
install_summary(struct install *in, struct buf *b)
{
	buf_addf(b, "\n%s%32sINSTALLATION SUMMARY\n%s\n", rule, "", rule);
	if (in->step_one) {
		add_step_one(in, b);
		buf_add_str(b, rule);
		return;
	}
	add_admin(in, b);
	if (in->clone)
		buf_addf(b,
		    "      This CA subsystem of the '%s' instance\n"
		    "      is a clone.\n\n",
		    in->paths->name);
	buf_add_view(b, buf_view(&in->notes));
	add_service(in, b);
	buf_addf(b,
	    "      The URL for the subsystem is:\n            "
	    "https://%s:%s/ca\n\n%s",
	    values_str(in->v, "pki_hostname"),
	    values_str(in->v, "pki_https_port"), rule);
}
