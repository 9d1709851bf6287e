/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <syslog.h>

#include "diag.h"
#include "message-ids.h"

/* Entries of the journal about one VM, with the fields VM_NAME= and VM_UUID=. Where no journal listens they go
 * to stderr, as log.h has it. UUID and MESSAGE_ID may be NULL. UNIT is the VM's: journald finds out by itself
 * which unit wrote, unless the writer has ended by then, as root's short steps have when the machine is busy; so they
 * say it themselves (systemd.journal-fields(7), OBJECT_SYSTEMD_UNIT=). */
typedef struct JournalContext {
        const char *name, *uuid, *unit;
} JournalContext;

void journal_log(const JournalContext *c, int priority, const char *message_id, const char *format, ...)
        _printf_(4, 5);
/* Every entry of DIAG as "FILE:LINE:COLUMN: error: TEXT"; errors with MESSAGE_ID. */
void journal_log_diag(const JournalContext *c, const char *message_id, const Diag *diag);
