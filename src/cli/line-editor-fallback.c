/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "line-editor.h"

bool line_editor_begin(const char *program, const char *history, LineCompleter complete, void *userdata) {
        return false;
}

char *line_editor_read(const char *prompt) {
        return NULL;
}

void line_editor_end(void) {
}
