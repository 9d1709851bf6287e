/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "diag.h"
#include "qemu-caps.h"

/* What the emulator at this path can do: from the cache below the cache directory if that was made from this very
 * file (path, time and size), else by asking it. The program is executed without privileges, without network,
 * with limits, for QEMU_PROBE_SECONDS at most. A cache that is damaged or somebody else's is not believed; one
 * that cannot be written is no error. 0 or negative errno with the reason in DIAG. Blocks. */
int qemu_caps_get(const char *emulator, Diag *diag, QemuCaps **ret);
/* Only looks into the cache: -ENOENT when nothing is known about this file. */
int qemu_caps_get_cached(const char *emulator, QemuCaps **ret);

/* The same with another cache directory; NULL: none. */
int qemu_caps_get_at(const char *cache_dir, const char *emulator, bool only_cached, Diag *diag, QemuCaps **ret);

/* One takes a quarter of a second; on a host that boots, with slow CPUs and much to do, it has taken more than ten. */
#define QEMU_PROBE_SECONDS 30U
