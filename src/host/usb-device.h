/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "diag.h"
#include "domain.h"

/* Finds the devices of the host that D has as <hostdev type='usb'>, below ROOT ("" for this machine), and gives each its
 * place on its bus. One that is missing and need not be there is taken out of D, with a warning. 0 or negative errno with the
 * reason in DIAG: -ENODEV when one is not there, -ENOTUNIQ when it could be several, -EEXIST when two are the same. */
int usb_devices_resolve(const char *root, Domain *d, Diag *diag);
