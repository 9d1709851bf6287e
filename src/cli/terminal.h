/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "macro.h"

/* Connects a terminal (IN_FD, OUT_FD; raw meanwhile) with STREAM_FD in both directions, until ESCAPE is typed, the
 * stream ends or a signal says to end. The terminal is left as it was. 1: the stream ended; 0: the user or a
 * signal ended it; or negative errno. IN_FD need not be
 * a terminal; then its end does not end the session: what the guest still says is wanted. */
int terminal_attach(int in_fd, int out_fd, int stream_fd, char escape);
