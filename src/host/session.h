/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "diag.h"
#include "scope.h"

/* From here on this process is about the machines of SCOPE. A session is that of the user who runs it: his systemd, and
 * the directories that the environment names (XDG_RUNTIME_DIR, XDG_CONFIG_HOME, XDG_STATE_HOME, XDG_CACHE_HOME, HOME).
 * 0, or negative errno with the reason in DIAG: root has no session. That the user has a systemd at all is not looked at. */
int session_enter(VmScope scope, Diag *diag);
