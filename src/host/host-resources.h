/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "host-facts.h"

#define HOST_CGROUP_ROOT "/sys/fs/cgroup"

/* What the machine has at this moment: CPUs, NUMA nodes with their free memory and huge pages, cgroup controllers.
 * ROOT is "" but in tests. What cannot be read is absent. 0 or -ENOMEM. */
int host_resources_gather(const char *root, HostResources *ret);

/* The nodes with memory; 0 where the kernel knows nothing of NUMA. */
void host_numa_nodes(const char *root, NumberSet *ret);

/* The controllers of the group with this directory; none when it cannot be read. */
HostControllers host_controllers_of(const char *group);

/* A group's guarantee of memory (memory.min) is worth as much as those of the groups above it. Returns the smallest of
 * those and its group's directory (owned by the caller); UINT64_MAX when there is nothing to say. */
uint64_t host_memory_min_above(const char *group, char **ret_above);

/* Are the devices of <blkiotune> there? 0 or -ENODEV with the reasons in DIAG; with LENIENT these are warnings. */
int host_check_block_devices(const Domain *d, bool lenient, Diag *diag);
