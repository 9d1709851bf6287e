/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "macro.h"

/* For whoever has a console: hears of it when another takes it by force, and makes copies for those who look on. It has a connection of its own to the monitor, and
 * makes a new one whenever that ends: that a monitor is replaced says nothing about the console. What is missed in between
 * is not lost, because the monitor says it again until the console is free. */
typedef struct ConsoleWatch ConsoleWatch;

/* ALIAS is the console's own: no empty one for the first. To be called when the console is there already: what is said
 * from now on is for its holder. 0 or negative errno; that there is no monitor is no error. */
int console_watch_open(const char *vm_name, const char *alias, ConsoleWatch **ret);
/* The same for the socket at PATH. */
int console_watch_open_path(const char *path, const char *alias, ConsoleWatch **ret);
/* To be polled for input; stays the watch's. */
int console_watch_get_fd(const ConsoleWatch *w);
/* Handles what has come, without waiting: whether the console has been taken. */
bool console_watch_is_taken(ConsoleWatch *w);
/* DATA is what the console has said: a copy for those who look on, if there are any and they have room for it. Never waits. */
void console_watch_copy(ConsoleWatch *w, const char *data, size_t n);
/* NULL is fine. */
ConsoleWatch *console_watch_free(ConsoleWatch *w);
DEFINE_CLEANUP(ConsoleWatch *, console_watch_free)
