/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "diag.h"
#include "domain.h"
#include "host-facts.h"

#define DISK_CHAIN_MAX 200U

/* Finds the images behind every disk of DOMAIN that is a file or a block device, or backed by one, and puts them into
 * facts->chains. What the definition says of the chain (<backingStore>) is taken as it is; below that, formats are
 * what the headers of the images say, never guessed: a backing file whose format is not written down is an error, as
 * in libvirt. A disk without an image (an empty drive) has no chain. A removable medium with startupPolicy='optional'
 * that is not there is taken out of the domain, and so is a disk, with a warning. All problems are reported. 0 or
 * negative errno with the reasons in DIAG. */
int disk_chains_resolve(Domain *d, Diag *diag, HostFacts *facts);
