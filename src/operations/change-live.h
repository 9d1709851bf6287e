/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "machines.h"
#include "xml-edit.h"

/* From one domain to another, in a VM that runs. The rows of change-live.c say which elements can change and who does
 * it. */

/* Whether everything in which the two differ can be changed; else -EINVAL with a message that names the first
 * element that cannot. */
int change_live_check(const Domain *from, const Domain *to, Diag *diag);

/* Does it; what was done is undone when a step fails. Both domains are effective. */
int change_live_apply(Manager *m, const Vm *vm, const Domain *from, const Domain *to, Diag *diag);

/* The part of it that is about limits of disks. */
int change_live_iotune(Manager *m, const Vm *vm, const Domain *from, const Domain *to, Diag *diag);
/* How QEMU's monitor calls the device of a disk, whose alias is complete; owned by the caller. NULL when memory is out. */
char *disk_qom_name(const DomainDisk *disk);

/* Takes over what has become of the VM without us into the text that D was read from. Where the unit's properties are not
 * what D asks for (`systemctl set-property`), and libvirt has a word for it, the text says what they are; virtual CPUs that
 * the guest has let go of are there no more. 1: the text is another, D is to be read anew; 0: nothing to do, or systemd and
 * QEMU cannot be asked. */
int change_live_reconcile(Manager *m, const Vm *vm, const Domain *d, bool shown, Diag *diag, char **text, size_t *size);
