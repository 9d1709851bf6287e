/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "diag.h"

/* The definition of what a command line of QEMU would run, as XML. TEXT is for a shell, as `domxml-to-native`
 * prints it; SOURCE is its file, after which a machine without a name is called. What has no element is in
 * DIAG as a warning. 0 or negative errno. */
int definition_from_native(const char *text, size_t size, const char *source, Diag *diag, char **ret);
