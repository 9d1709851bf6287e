/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-c/json.h>

/* Members of an object, NULL unless they are there and of the type. O may be NULL. */
json_object *json_member(json_object *o, const char *key, json_type type);
const char *json_member_string(json_object *o, const char *key);
