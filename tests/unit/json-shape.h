/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-c/json.h>

#include "macro.h"

/* Whether O is what SHAPE (Verb.json, vmunit(1)) says:
 *
 *   string, number, boolean    values; with "?" behind it also null; "a|b": one of them
 *   [TYPE]                     a list of any length
 *   {a: TYPE, [b: TYPE], ...: TYPE}   an object with a member a, maybe b, and others if there is a "..."
 *
 * *ret_why (the caller's) says why not. A shape that is not written like this aborts. */
bool json_has_shape(json_object *o, const char *shape, char **ret_why);
