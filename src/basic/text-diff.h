/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "macro.h"

/* What is different in two texts, as `diff -u` writes it: hunks of changed lines with three around them. *ret (the caller's) is
 * "" when the texts are equal. Where the changed parts are very long they are one change. 0 or -ENOMEM. */
int text_diff(const char *a, const char *b, const char *name_a, const char *name_b, char **ret);
