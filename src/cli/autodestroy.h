/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "cli.h"

/* --autodestroy: machines that end with the connection they were started by, however that ends. A process of its own waits for
 * it, one for each machine, which nothing but SIGKILL ends before. */

/* Before the machine NAME, which does not run, is started. 0 or -1, with the message printed. */
int autodestroy_begin(Cli *cli, const char *name);
/* Behind it: the machine that has been STARTED is meant from now on, and no later one of its name; or none. */
void autodestroy_settle(Cli *cli, const char *name, bool started);
/* The connection ends: so do its machines, and that is waited for. */
void autodestroy_done(Cli *cli);
