/* SPDX-License-Identifier: Apache-2.0 */
/* pki_cmds.h - the command tables, one a file; pki_families.c names them all.
 * Each ends with a row whose name is NULL. */
#ifndef TOOLS_PKI_CMDS_H
#define TOOLS_PKI_CMDS_H

#include "tools/pki.h"

/* in this process alone */
extern const struct cmd cmds_client[], cmds_client_cert[], cmds_nss[],
    cmds_nss_cert[], cmds_nss_key[], cmds_pkcs7[], cmds_pkcs12[],
    cmds_pkcs12_cert[], cmds_pkcs12_key[], cmds_password[];
/* with a server */
extern const struct cmd cmds_info[], cmds_ca_cert[], cmds_ca_system_cert[],
    cmds_ca_request[], cmds_ca_profile[], cmds_ca_crl[], cmds_ca_authority[],
    cmds_ca_kraconnector[], cmds_ca_feature[], cmds_securitydomain[],
    cmds_ca_sd[], cmds_ca_publisher[], cmds_ocsp_cert[];
/* the same in every subsystem; names without "ca-" */
extern const struct cmd cmds_user[], cmds_user_cert[], cmds_user_membership[],
    cmds_group[], cmds_group_member[], cmds_audit[], cmds_selftest[],
    cmds_job[], cmds_config[];

#endif
