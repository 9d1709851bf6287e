/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain-types.h"

/* What a guest is told when it boots for the first time: vmunit.metadata(5). */

/* A credential of the guest's systemd. One of `value` and `from`. */
typedef struct DomainCredential {
        SrcLoc loc;
        char *name;  /* "ssh.authorized_keys.root" */
        char *value;
        char *from;  /* what the host keeps it as (src/host/credential.h) */
} DomainCredential;

/* Files for cloud-init; present when it has a place. */
typedef struct DomainCloudInit {
        SrcLoc loc;
        char *user_data, *meta_data, *network_config, *vendor_data; /* paths; all but the first may be NULL */
} DomainCloudInit;

#define CREDENTIALS_MAX 64U
#define NOTIFY_CREDENTIAL "vmm.notify_socket" /* where the guest's systemd says that it has booted; systemd(1) */
#define CREDENTIAL_NAME_MAX 255U
/* Of all credentials together, SMBIOS has less than 64 KiB. */
#define CREDENTIAL_VALUE_MAX (16U * 1024U)

/* What a systemd takes for the name of a credential, and nothing that means something to SMBIOS or a path. */
bool credential_name_is_valid(const char *name) _pure_;

/* The image for cloud-init is a disk of the machine: this file in its directory for durable state. */
#define CLOUD_INIT_FILE "cloud-init.iso"
#define CLOUD_INIT_LABEL "cidata"

typedef struct Domain Domain;
typedef struct DomainDisk DomainDisk;
/* Is it that disk, of the machine D? */
bool disk_is_cloud_init(const Domain *d, const DomainDisk *disk, const char *state_dir) _pure_;

void credential_done(DomainCredential *c);
void cloud_init_done(DomainCloudInit *c);
