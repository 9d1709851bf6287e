/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "vmunit-config.h"

/* Reads vmunit.conf and vmunit.conf.d/NAME.conf of the directories of definitions (definition.h), as systemd reads its own: the
 * first directory's vmunit.conf; then the others, sorted by name over all directories, the first directory's if several have
 * it. An empty file or a link to /dev/null masks.
 * *ret is always set and holds what could be used. 0, or negative errno with the reasons in DIAG; ret->wrong says whom
 * they concern. No file is no error. */
int config_load(Config *ret, Diag *diag);
