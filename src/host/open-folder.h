/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "open-files.h"

/* Opens the directory of a PLAN_FD_FOLDER for a machine with another uid than ours: a mount of its own, in no tree of
 * mounts, that lives as long as its descriptor. Nothing leads out of it, programs and devices in it are of no effect, and
 * it cannot be written to unless p->writable. Who owns the directory is UID in it, and the group GID, so that the machine
 * does there what the owner may, and what it makes is his; where the file system has no such mapping of owners (an
 * idmapped mount), owners are what they are, which is a warning. For one with our own uid it is just the directory.
 *
 * 0 or negative errno with the reason in DIAG. */
int open_folder(const PlanFd *p, uid_t uid, gid_t gid, Diag *diag, OpenedFd *ret);
