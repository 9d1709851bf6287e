/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain.h"
#include "host-facts.h"

/* What a definition wants of the machine, held against what the machine has (HostFacts.resources). Asked at the start:
 * a definition may be made for another machine. */

/* Whether the definition says anything that HostFacts.resources is needed for. */
bool domain_wants_resources(const Domain *d);

/* CPUs and NUMA nodes that are named anywhere, cgroup controllers that its settings need. 0 or -ENODEV with all the
 * reasons in DIAG; with leniency (HostFacts.lenient) they are warnings. */
int domain_check_resources(const Domain *d, const HostFacts *f, Diag *diag);

/* Only the controllers, of a particular group: WHERE says which ("machine.slice"). */
int domain_check_controllers(const Domain *d, HostControllers controllers, bool lenient, const char *where, Diag *diag);

/* With leniency: takes out what was named and is not there, so that nothing fails on it later. */
void domain_forget_absent(Domain *d, const HostResources *r);

/* Decides placement='auto': memory comes from the node with the most free memory, or from as many as it takes to hold
 * the guest's; processors are those of the same nodes. The domain says it then as if it had been written. Returns
 * whether there was something to decide, and the nodes. */
bool domain_place(Domain *d, const HostResources *r, NumberSet *ret_nodes);
