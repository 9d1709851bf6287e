/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "notify-text.h"

static const char ready[] = "READY=1";

static bool is_ready(const NotifyText *t) {
        return t->line_size == sizeof(ready) - 1 && memcmp(t->line, ready, sizeof(ready) - 1) == 0;
}

NotifyVerdict notify_text_add(NotifyText *t, const char *data, size_t size) {
        bool found = false;

        for (size_t i = 0; i < size; i++) {
                if (++t->size > NOTIFY_TEXT_MAX)
                        return NOTIFY_NOTHING;
                if (data[i] == '\n') {
                        found |= is_ready(t);
                        t->line_size = 0;
                } else if (t->line_size < sizeof(t->line)) /* one more than READY=1 has */
                        t->line[t->line_size++] = data[i];
        }
        return found ? NOTIFY_READY : NOTIFY_MORE;
}

NotifyVerdict notify_text_end(const NotifyText *t) {
        return is_ready(t) ? NOTIFY_READY : NOTIFY_NOTHING;
}
