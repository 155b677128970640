/* SPDX-License-Identifier: Apache-2.0 */
/* install.h - one installation in progress: what the steps of pkispawn share. */
#ifndef DEPLOY_INSTALL_H
#define DEPLOY_INSTALL_H

#include "base/cfg.h"
#include "base/text.h"
#include "deploy/layout.h"
#include "deploy/mark.h"
#include "deploy/values.h"
#include "instance/dbconf.h"
#include "keys/keystore.h"
#include "store/range.h"
#include "store/store.h"
#include "x509/cert.h"

struct join;

struct install {
	struct values *v;
	struct instance_paths *paths;
	struct owner owner;
	struct layout_folders folders;
	struct cfg *cs; /* CS.cfg in the making */
	struct keystore *ks;
	struct store *store;
	struct dbconf *db; /* the directory; NULL = embedded store */
	bool made_db;      /* its data are ours to take back */
	struct secret *pin, *admin_password, *pkcs12_password;
	bool generated_admin, generated_pkcs12;
	struct mark *mark; /* what was there before: a failure leaves it */
	/* what kind of installation */
	bool step_one;    /* ends with keys and requests */
	bool step_two;    /* goes on with what step one left */
	bool external;    /* another CA signs the CA's certificate */
	bool subordinate; /* ... and it is of our security domain */
	bool clone;
	bool complete;      /* an interrupted run had done all */
	bool refill;        /* a replica that was there is filled anew */
	bool replicating;   /* agreements may be there */
	bool added_user;    /* a clone's own user is new */
	struct join *join;  /* security domain and server */
	struct cfg *master; /* a clone: settings of its master */
	struct buf notes;   /* for the summary */
	struct buf chain;   /* PEM of pki_cert_chain_path */
	/* the CA */
	struct key *ca_key;
	enum sigalg ca_alg;
	struct buf ca_der;
	struct cert ca_cert;
	struct buf subsystem_der, admin_der;
	/* numbers in ranges; the others are random */
	struct range_state numbers[RANGE_KINDS];
	bool ranged[RANGE_KINDS], random_serials;
	void (*say)(void *arg, const char *line); /* progress, may be NULL */
	void *say_arg;
};

/* The settings of a new CS.cfg (spec deployment 1.5, ca 4.1). */
MUST enum rc install_settings(struct install *in, struct err *e);
/* Are the parameters of generators and ranges good? Makes nothing. */
MUST enum rc install_numbers_check(struct install *in, struct err *e);
/* The generators and ranges of CS.cfg (spec deployment 4.2); part of
 * install_settings. */
MUST enum rc install_numbers(struct install *in, struct err *e);
/* A clone's range as its master gave it (updateNumberRange); serial management
 * is then on. */
MUST enum rc install_range_given(struct install *in, enum range_kind kind,
    const char *begin, const char *end, struct err *e);
/* The next request id or serial number. */
MUST enum rc install_number(
    struct install *in, enum range_kind kind, struct num *out, struct err *e);
/* nextRange in the store, the host's high-water file; the records are there. */
MUST enum rc install_numbers_finish(struct install *in, struct err *e);
/* Copies of the files beside CS.cfg; those that are there already stay. */
MUST enum rc install_conf_files(struct install *in, struct err *e);
/* PKCS #12 files, chain and certificates that the user brings along, into the
 * NSS database (2.6, step 5). Errors name the parameter. */
MUST enum rc install_imports(struct install *in, struct err *e);
/* Step one: a key and a request for every certificate with a *_csr_path, which
 * it is written to. */
MUST enum rc install_requests(struct install *in, struct err *e);
/* Keys and certificates, their CSR files, records and trust (2.6). */
MUST enum rc install_certs(struct install *in, struct err *e);
/* Groups, ACLs, profiles, users (2.6). */
MUST enum rc install_records(struct install *in, struct err *e);
/* Groups and access rules of a new store; those that are there stay. */
MUST enum rc install_seed(struct store *s, struct err *e);
/* The PKCS #12 file of pki_backup_keys, where wanted. */
MUST enum rc install_backup(struct install *in, struct err *e);
/* The administrator's certificate and PKCS #12 file. */
MUST enum rc install_admin(struct install *in, struct err *e);
/* The directory that the parameters name, looked at before anything is made. */
MUST enum rc install_ds_check(struct install *in, struct err *e);
/* Its lines of password.conf. */
MUST enum rc install_ds_passwords(
    struct install *in, struct cfg *c, struct err *e);
/* Makes the store, embedded or in the directory, and opens it. */
MUST enum rc install_store(struct install *in, struct err *e);
/* Database user, its rights, virtual lists; the records are there. */
MUST enum rc install_ds_finish(struct install *in, struct err *e);
/* Takes the directory's data back after a failure. */
void install_ds_undo(struct install *in);
/* Appends the text that pkispawn prints at its end (2.7). */
void install_summary(struct install *in, struct buf *out);
/* Tells the user of a step. */
void install_say(struct install *in, const char *fmt, ...) PRINTF(2, 3);

#endif
