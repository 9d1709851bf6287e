/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "open-files.h"
#include "path-walk.h"

/* A mount of the directory that W has found, with what is mounted below it: in no tree of mounts, so nothing leads out of it,
 * and it lives as long as its descriptor; programs and devices in it are of no effect. For a machine with our own uid, in a
 * session, it is made without rights. An O_PATH descriptor; or negative errno and, where that does not say it all, the reason. */
int open_detached(const PathWalk *w, bool writable, uid_t uid, const char **ret_reason);

/* Its path in its file system, which it has for AppArmor; NULL when it is not known. Owned by the caller. */
char *path_inside(const PathWalk *w);

/* Opens the directory of a PLAN_FD_FOLDER: such a mount, which cannot be written to unless p->writable. Who owns the directory
 * is UID in it, and the group GID, so that the machine does there what the owner may, and what it makes is his; where the
 * file system has no such mapping of owners (an idmapped mount), owners are what they are, which is a warning. With our own
 * uid there is nobody to map.
 *
 * 0 or negative errno with the reason in DIAG. */
int open_folder(const PlanFd *p, uid_t uid, gid_t gid, Diag *diag, OpenedFd *ret);
