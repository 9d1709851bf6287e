/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* A message of sd_notify(3) as it comes in, of whatever pieces: lines FIELD=VALUE. Of a line no more is kept than tells whether
 * it is READY=1, so it does not matter how long they are; a whole message has a limit. */

#define NOTIFY_TEXT_MAX 8192U

typedef struct NotifyText {
        size_t size;  /* so far */
        char line[8]; /* the beginning of the last line */
        size_t line_size;
} NotifyText;

typedef enum NotifyVerdict {
        NOTIFY_MORE,    /* not over yet */
        NOTIFY_READY,   /* READY=1 was among it */
        NOTIFY_NOTHING, /* over, or too long: nothing to be expected */
} NotifyVerdict;

NotifyVerdict notify_text_add(NotifyText *t, const char *data, size_t size);
/* Nothing comes any more. */
NotifyVerdict notify_text_end(const NotifyText *t);
