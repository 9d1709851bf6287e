/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <syslog.h>

#include "macro.h"

/* Messages of the long-running programs, for the journal: on stderr, with the priority in front ("<3>") when
 * the journal listens (sd-daemon(3)) and "error: " otherwise. Programs log, libraries return errors. */
void log_message(int priority, const char *format, ...) _printf_(2, 3);
/* Logs with ": " and the text of the error behind it, and returns ERROR (negative errno). */
int log_errno(int priority, int error, const char *format, ...) _printf_(3, 4);

#define log_error(...) log_message(LOG_ERR, __VA_ARGS__)
#define log_warning(...) log_message(LOG_WARNING, __VA_ARGS__)
#define log_notice(...) log_message(LOG_NOTICE, __VA_ARGS__)
#define log_info(...) log_message(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_message(LOG_DEBUG, __VA_ARGS__)
#define log_error_errno(error, ...) log_errno(LOG_ERR, (error), __VA_ARGS__)
#define log_warning_errno(error, ...) log_errno(LOG_WARNING, (error), __VA_ARGS__)
