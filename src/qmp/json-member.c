/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <limits.h>
#include <stdarg.h>
#include <string.h>

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

char *json_command(const char *name, json_object *arguments) {
        json_object *o = json_object_new_object();

        if (!o) {
                json_object_put(arguments);
                return NULL;
        }
        json_object_object_add(o, "execute", json_object_new_string(name));
        if (arguments)
                json_object_object_add(o, "arguments", arguments);
        char *text = strdup(json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
        json_object_put(o);
        return text;
}

json_object *json_strings(const char *key, ...) {
        json_object *o = json_object_new_object();
        va_list ap;

        va_start(ap, key);
        for (; o && key; key = va_arg(ap, const char *))
                json_object_object_add(o, key, json_object_new_string(va_arg(ap, const char *)));
        va_end(ap);
        return o;
}

json_object *json_parse(const char *text, int depth) {
        size_t length = strlen(text);
        json_tokener *t = length < INT_MAX ? json_tokener_new_ex(depth) : NULL;

        if (!t)
                return NULL;
        json_object *o = json_tokener_parse_ex(t, text, (int) length + 1);
        json_tokener_free(t);
        return o;
}
