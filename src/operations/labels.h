/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "label.h"
#include "manager.h"

/* Labels of SELinux, seen from outside of a start. Without SELinux these do nothing. */

/* Gives D the labels it would be started with: those that systemd has loaded for its unit, else those it would get. */
int labels_foresee(Manager *m, Domain *d, Diag *diag);

/* Gives D, which has no file, labels of its own and reserves them. The reservation lasts as long as the machine runs, or
 * *ret_hold is open (the caller's; -EBADF when there is nothing to hold). */
int labels_reserve(Manager *m, Domain *d, Diag *diag, int *ret_hold);
/* The start has failed. */
void labels_give_up(Manager *m, const Domain *d);

/* Whether the unit of D was loaded before there was a label for it, or with one that nobody wants any more. */
bool labels_are_stale(Manager *m, const Domain *d, const VmUnitLoad *load);
