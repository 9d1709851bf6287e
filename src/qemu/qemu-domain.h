/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain.h"
#include "host-facts.h"
#include "qemu-caps.h"

/* Fills in what depends on the emulator, as libvirt's QEMU driver does: canonical machine name, controllers
 * that devices need or the machine has, models, and addresses (PCI, drive, USB, virtio-serial) and aliases.
 * What the user wrote is kept and checked for conflicts; running it twice changes nothing. Then the domain
 * is "effective". 0 or negative errno with the reasons in DIAG. */
int qemu_domain_complete(Domain *d, const QemuCaps *caps, const HostFacts *facts, Diag *diag);
