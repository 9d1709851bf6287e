/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "number-set.h"

/* Categories of SELinux as policies write them: "c0.c1023", "c0.c9,c20". */
#define CATEGORY_MAX NUMBER_SET_MAX

/* One category at *S, which is moved behind it. -EINVAL. */
int category_parse(const char **s, unsigned *ret);
/* -EINVAL for anything else. */
int categories_parse(const char *s, NumberSet *ret);
/* NULL when memory is out. */
char *categories_format(const NumberSet *s);
