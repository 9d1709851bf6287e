/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "json-member.h"

json_object *json_member(json_object *o, const char *key, json_type type) {
        json_object *v;

        if (!o || !json_object_is_type(o, json_type_object) || !json_object_object_get_ex(o, key, &v))
                return NULL;
        return json_object_is_type(v, type) ? v : NULL;
}

const char *json_member_string(json_object *o, const char *key) {
        json_object *v = json_member(o, key, json_type_string);
        return v ? json_object_get_string(v) : NULL;
}
