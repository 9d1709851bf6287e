/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stddef.h>

#include "macro.h"

/* The most a secret may have; libvirt's limit. */
#define CREDENTIAL_MAX (64U * 1024U)

/* Reads what the administrator keeps as credential NAME, from where systemd's LoadCredential= and LoadCredentialEncrypted=
 * would take it: what the unit was given, then NAME in credstore.encrypted or credstore below /etc, /run, /usr/local/lib and
 * /usr/lib, the first one that there is. What is encrypted systemd-creds(1) decrypts; what is not must be root's and
 * nobody else's to read. ROOT goes before these directories: "" but in tests.
 * 0, and *ret is owned by the caller, who wipes it; or negative errno, and then *ret_reason, owned by the caller, has a
 * whole message without the purpose ("cannot use '/etc/credstore/x': …"), NULL when memory is out. */
int credential_read(const char *root, const char *name, char **ret, size_t *ret_size, char **ret_reason);
