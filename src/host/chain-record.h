/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "diag.h"
#include "host-facts.h"

/* What is behind an image is written in the image, which belongs to the VM: a QEMU that was taken over can name
 * another VM's disk there, and root would open it at the next start. So the chains of a start are written down,
 * and what is behind an image must stay the same, whatever else is edited in the definition: only what that says
 * itself of a chain is the administrator's word. A text: "N FORMAT PATH" for each image, the same N for those of one
 * chain, first the one that the definition names. Images that were not used this time stay in the record. */
#define CHAIN_RECORD "chains"

/* Compares the chains with the record below the directory DIR, which is made if need be, and writes them down.
 * An image that has lost its chain is fine, and so is one that is not in the record. 0 or negative errno with the
 * reason in DIAG. */
int chain_record_check(const char *dir, const DiskChain *chains, size_t n_chains, Diag *diag);
/* When the VM is undefined. 0 or negative errno. */
int chain_record_remove(const char *name);
