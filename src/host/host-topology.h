/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "host-capabilities.h"

/* Processors, NUMA nodes and caches as procfs and sysfs tell them; ROOT is "" but in tests. What cannot be read is absent.
 * 0 or -ENOMEM. */
int host_topology_gather(const char *root, HostTopology *ret);
