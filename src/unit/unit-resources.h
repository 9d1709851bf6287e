/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "unit-properties.h"

/* Between libvirt's numbers and systemd's. */

/* systemd's own conversion of the shares of cgroup v1: 1024 is 100; in 1 to 10000. And the way back, for values that
 * somebody else has set. */
uint64_t cpu_shares_to_weight(uint64_t shares);
uint64_t cpu_weight_to_shares(uint64_t weight);

/* 10 to 1000 with 500 in the middle, as systemd converts it: 2 to 200 with 100. */
uint64_t blkio_weight_to_io(uint64_t weight);
uint64_t io_weight_to_blkio(uint64_t weight);
#define IO_WEIGHT_DEFAULT "100" /* of a device, and of a unit, that nothing is said of */

/* Microseconds in a period to hundredths of a percent of one CPU (CPUQuota=), rounded up; -ERANGE when it is more than
 * systemd counts. And CPUQuotaPerSecUSec to microseconds in a period, as systemd computes it. */
int cpu_quota_to_units(uint64_t quota, uint64_t period, uint64_t *ret);
uint64_t cpu_quota_from_usec(uint64_t per_second, uint64_t period);

/* The CPUs of all threads together; a thread without a pin has those of <vcpu cpuset>. False: there are threads that
 * may be everywhere. */
bool domain_cpus(const Domain *d, NumberSet *ret);

/* The nodes of the host that the VM's memory must be on: those of <numatune> (strict or restrictive), and what guest
 * nodes and memory modules have beside them. False: it may be anywhere. */
bool domain_memory_nodes(const Domain *d, NumberSet *ret);

/* The number of "PATH NUMBER" in VALUES whose PATH is that of DEVICE, which is such a text as well; or NULL. */
const char *unit_device_value(char *const *values, const char *device) _pure_;

/* What a setting of the control group is when nothing asks for it; not for lists of devices, which have nothing then. */
const char *unit_resource_default(const UnitProperty *p);
