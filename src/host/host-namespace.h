/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Taps, listening sockets and bridges are the machine's, but PrivateNetwork= holds for a unit's root steps ("+"), too. A
 * session has no such steps: nothing is done there. 0 or negative errno. */
int enter_host_network(void);
/* systemd makes TemporaryFileSystem= and BindPaths= for the "+" steps as well, while it leaves out the rest. Call this
 * before anything else. 0 or negative errno. */
int enter_host_mounts(void);
