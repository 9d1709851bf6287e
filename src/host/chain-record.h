/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "diag.h"
#include "host-facts.h"

/* What is behind an image is written in the image, which belongs to the VM: a QEMU that was taken over can name
 * another VM's disk there, and root would open it at the next start. So the chains of a start are written down,
 * and as long as the definition is the same one they must be the same. A text: the definition's digest, then
 * "TARGET FORMAT PATH" for each image of the disks that have more than one. */
#define CHAIN_RECORD "chains"

/* Compares the chains with the record below the directory DIR, which is made if need be, and writes them down.
 * A disk that has lost its chain is fine, and so is everything when DIGEST is not the record's. 0 or negative
 * errno with the reason in DIAG. */
int chain_record_check(const char *dir, const char *digest, const DiskChain *chains, size_t n_chains, Diag *diag);
