/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "diag.h"

/* One VM has four names: its own (<name>, also the file's), its unit's, its user's and its machine's. They
 * are derived here and nowhere else: readable where it can be, escaped or hashed where it must be. */

/* What becomes a path, a unit name and a machine name must not surprise: no "/", no control characters, not
 * "." or "..", no leading "." or "#", valid UTF-8, at most VM_NAME_MAX bytes, and short enough for a unit's name
 * when escaped (58 bytes that are not ASCII). 0 or -EINVAL, with the reason in DIAG. */
#define VM_NAME_MAX 64U
int vm_name_check(const char *name, SrcLoc loc, Diag *diag);

/* "web" → "web", "my-vm" → "my-vm", "my vm" → "my\x20vm": the instance (%i, never %I) of vm@.service.
 * systemd.unit(5). */
char *vm_instance(const char *name);
/* The other way. -EINVAL when INSTANCE is not what vm_instance() makes. */
int vm_instance_to_name(const char *instance, char **ret);
/* "vm@web.service"; "vmunit-vm-web.service" for a transient one. */
char *vm_unit(const char *name);
char *vm_transient_unit(const char *name);
/* The name of the VM whose unit this is; -EINVAL if it is no VM's. */
int vm_name_from_unit(const char *unit, char **ret, bool *ret_transient);

/* "vm-web": at most 31 of [a-zA-Z0-9_-]; "vm-LONGNAME…-HASH" when the name does not fit. systemd.exec(5). */
char *vm_user(const char *name);
/* A host name label or name: "web", or hashed as above. systemd-machined takes up to 64 of [a-zA-Z0-9.-]. */
char *vm_machine(const char *name);

/* The profile of AppArmor: "vmunit-web"; behind the prefix as the machine is called. */
char *vm_profile(const char *name);

/* "/run/vmunit/web", "/var/lib/vmunit/web": the directory of one VM, below vm_directories() (scope.h). */
char *vm_runtime_path(const char *name, const char *file);
char *vm_state_path(const char *name, const char *file);

/* "br-lan" → "sys-subsystem-net-devices-br\x2dlan.device". */
char *net_device_unit(const char *ifname);
/* libvirt's <partition>: "/machine/production" → "machine-production.slice". 0, -EINVAL (see DIAG) or -ENOMEM. */
int partition_slice(const char *partition, SrcLoc loc, Diag *diag, char **ret);
