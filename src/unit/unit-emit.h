/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "unit-properties.h"

/* Internal to src/unit: what the emitters of settings work with. Each appends to *VALUES, and leaves it alone when
 * the definition does not ask for the setting. 0 or negative errno, with the reason in the Diag. */
typedef struct UnitEmit {
        const Domain *d;
        const HostFacts *facts;
        const char *digest, *source_path;
        Diag *diag;
} UnitEmit;

/* --- unit-resources.c --- */

int emit_cpu_weight(const UnitEmit *c, char ***values);
int emit_cpu_quota(const UnitEmit *c, char ***values);
int emit_cpu_quota_period(const UnitEmit *c, char ***values);
int emit_allowed_cpus(const UnitEmit *c, char ***values);
int emit_allowed_memory_nodes(const UnitEmit *c, char ***values);
int emit_numa_policy(const UnitEmit *c, char ***values);
int emit_numa_mask(const UnitEmit *c, char ***values);
int emit_memory_min(const UnitEmit *c, char ***values);
int emit_memory_high(const UnitEmit *c, char ***values);
int emit_memory_max(const UnitEmit *c, char ***values);
int emit_memory_swap_max(const UnitEmit *c, char ***values);
int emit_io_weight(const UnitEmit *c, char ***values);
int emit_io_device_weight(const UnitEmit *c, char ***values);
int emit_io_read_bandwidth(const UnitEmit *c, char ***values);
int emit_io_write_bandwidth(const UnitEmit *c, char ***values);
int emit_io_read_iops(const UnitEmit *c, char ***values);
int emit_io_write_iops(const UnitEmit *c, char ***values);
int emit_limit_memlock(const UnitEmit *c, char ***values);
int emit_limit_rtprio(const UnitEmit *c, char ***values);
int emit_restrict_realtime(const UnitEmit *c, char ***values);

/* --- unit-sandbox.c --- */

/* Whether QEMU itself or a process beside it speaks to the network, so that the unit must have the host's. */
bool unit_needs_network(const Domain *d) _pure_;

int emit_capabilities(const UnitEmit *c, char ***values);
int emit_no_for_rawio(const UnitEmit *c, char ***values);
int emit_private_network(const UnitEmit *c, char ***values);
int emit_address_families(const UnitEmit *c, char ***values);
int emit_proc_subset(const UnitEmit *c, char ***values);
int emit_namespaces(const UnitEmit *c, char ***values);
int emit_system_calls(const UnitEmit *c, char ***values);
