/* SPDX-License-Identifier: Apache-2.0 */
/* paths.h - where everything of an instance is (spec deployment 1.2), each path
 * with the root of base/path.h in front. */
#ifndef INSTANCE_PATHS_H
#define INSTANCE_PATHS_H

#include "base/cleanup.h"
#include "base/err.h"

struct instance_paths {
	char *name;
	char *lib;       /* /var/lib/pki/<inst> */
	char *conf;      /* /etc/pki/<inst> */
	char *logs;      /* /var/log/pki/<inst> */
	char *alias;     /* <conf>/alias */
	char *certs;     /* <conf>/certs */
	char *password;  /* <conf>/password.conf */
	char *server;    /* <conf>/server.cfg: ports, TLS */
	char *host;      /* /var/lib/pki/.host/<inst>: high-water, spool */
	char *registry;  /* /etc/sysconfig/pki/tomcat/<inst> */
	char *sysconfig; /* /etc/sysconfig/<inst> */
	char *control;   /* /run/pki/<inst>.sock */
	char *pid;       /* /run/pki/<inst>.pid */
	char *lock; /* /run/pki/<inst>.lock, held by pkid or an offline tool */
};
/* Works out every path of the instance called name; nothing is opened or made.
 * */
MUST enum rc instance_paths_new(
    struct instance_paths **out, const char *name, struct err *e);
void instance_paths_free(struct instance_paths *p);
OWNED(instance_paths)

/* Files of a subsystem, malloc'ed: <conf>/<sub>/CS.cfg, <lib>/<sub>/db (the
 * embedded store), <lib>/<sub>/crl, <logs>/<sub>. NULL when memory is out. */
char *paths_cs_cfg(const struct instance_paths *p, const char *sub);
char *paths_store(const struct instance_paths *p, const char *sub);
char *paths_crl(const struct instance_paths *p, const char *sub);
char *paths_logs(const struct instance_paths *p, const char *sub);
/* <conf>/<sub>/profiles/ca (linked from <lib>/<sub>/profiles). */
char *paths_profiles(const struct instance_paths *p, const char *sub);
/* rest below the folder of installed data: PKI_SHARE of the environment, else
 * root + /usr/share/pki, else ../share/pki beside this program, else
 * /usr/share/pki; malloc'ed. */
char *paths_share(const char *rest);

#endif
