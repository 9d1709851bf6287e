/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "macro.h"

/* What else a session takes part in. */
typedef struct TerminalWatch {
        int fd; /* polled for input; what has come is TAKEN's to handle; negative: nothing */
        bool (*taken)(void *userdata); /* whether another session has taken the stream over */
        void (*copy)(void *userdata, const char *data, size_t n); /* is shown what comes from the stream; NULL */
        void *userdata;
        bool read_only; /* what is typed goes nowhere */
} TerminalWatch;

/* How a session ended. */
typedef enum TerminalEnd {
        TERMINAL_LEFT,  /* by the user, or a signal */
        TERMINAL_ENDED, /* with the stream */
        TERMINAL_TAKEN, /* another has it now */
} TerminalEnd;

/* Connects a terminal (IN_FD, OUT_FD; raw meanwhile) with STREAM_FD in both directions, until ESCAPE is typed, the
 * stream ends, WATCH (may be NULL) says that it is taken or a signal says to end. The terminal is left as it was. A
 * TerminalEnd or negative errno. IN_FD need not be
 * a terminal; then its end does not end the session: what the guest still says is wanted. */
int terminal_attach(int in_fd, int out_fd, int stream_fd, char escape, const TerminalWatch *watch);
