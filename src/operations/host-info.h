/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "host-tuning.h"
#include "manager.h"

/* What vmunit.conf asks of the host, and what there is. Problems of the files are in DIAG, and the rest of them counts: a
 * negative errno with *ret filled in is one of theirs. */
int host_info(Manager *m, Diag *diag, HostSettings *ret);

/* What others call this host; owned by the caller. */
int host_name(char **ret);

/* <sysinfo> of the host's SMBIOS tables; owned by the caller. */
int host_sysinfo(Manager *m, Diag *diag, char **ret);
