/* SPDX-License-Identifier: Apache-2.0 */
/* install.h - one installation in progress: what the steps of pkispawn share. */
#ifndef DEPLOY_INSTALL_H
#define DEPLOY_INSTALL_H

#include "base/cfg.h"
#include "base/text.h"
#include "deploy/layout.h"
#include "deploy/values.h"
#include "keys/keystore.h"
#include "store/store.h"
#include "x509/cert.h"

struct install {
	struct values *v;
	struct instance_paths *paths;
	struct owner owner;
	struct layout_folders folders;
	struct cfg *cs; /* CS.cfg in the making */
	struct keystore *ks;
	struct store *store;
	struct secret *pin, *admin_password, *pkcs12_password;
	bool generated_admin, generated_pkcs12;
	/* there before we came: an end in failure leaves them */
	bool had_conf, had_logs, had_client;
	/* the CA */
	struct key *ca_key;
	enum sigalg ca_alg;
	struct buf ca_der;
	struct cert ca_cert;
	struct buf subsystem_der, admin_der;
	void (*say)(void *arg, const char *line); /* progress, may be NULL */
	void *say_arg;
};

/* The settings of a new CS.cfg (spec deployment 1.5, ca 4.1). */
MUST enum rc install_settings(struct install *in, struct err *e);
/* Copies of the files beside CS.cfg; those that are there already stay. */
MUST enum rc install_conf_files(struct install *in, struct err *e);
/* Keys and certificates, their CSR files, records and trust (2.6). */
MUST enum rc install_certs(struct install *in, struct err *e);
/* Groups, ACLs, profiles, users (2.6). */
MUST enum rc install_records(struct install *in, struct err *e);
/* The PKCS #12 file of pki_backup_keys, where wanted. */
MUST enum rc install_backup(struct install *in, struct err *e);
/* The administrator's certificate and PKCS #12 file. */
MUST enum rc install_admin(struct install *in, struct err *e);
void install_say(struct install *in, const char *fmt, ...) PRINTF(2, 3);

#endif
