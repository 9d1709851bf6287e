/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "host-facts.h"

/* Looks at this machine. Chains stay empty: disk_chains_resolve(). What cannot be found out counts as absent.
 * 0 or negative errno; host_facts_done() when it is not needed any more. */
int host_facts_gather(HostFacts *ret);

/* Its parts, in files of their own. */
int host_read_firmwares(FirmwareList *ret);
/* From N_DIRS directories, of which later ones go before earlier ones. */
int host_read_firmwares_from(char *const *dirs, size_t n_dirs, FirmwareList *ret);
int host_read_smbios(DomainSysinfo **ret); /* NULL when there are no tables; the caller's */
