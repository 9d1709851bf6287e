/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-c/json.h>

/* Members of an object, NULL unless they are there and of the type. O may be NULL. */
json_object *json_member(json_object *o, const char *key, json_type type);
const char *json_member_string(json_object *o, const char *key);

/* {"execute": NAME, "arguments": ARGUMENTS}, on one line: a command of QMP or of the guest agent. ARGUMENTS (NULL: none)
 * are taken over. Owned by the caller; NULL when memory is out. */
char *json_command(const char *name, json_object *arguments);

/* An object with members that are strings: KEY, VALUE, KEY, VALUE …, NULL. Owned by the caller; NULL when memory is out. */
json_object *json_strings(const char *key, ...);

/* The value that TEXT is, of at most DEPTH levels. Owned by the caller; NULL when it is none, or null. */
json_object *json_parse(const char *text, int depth);
