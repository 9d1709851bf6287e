/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <json-c/json.h>
#include <stdio.h>

#include "qemu-json.h"
#include "string-util.h"

static void add(Json *j, const char *key, json_object *value) {
        if (!j->object && !j->failed)
                j->object = json_object_new_object();
        if (!value || !j->object || json_object_object_add(j->object, key, value) < 0) {
                json_object_put(value);
                j->failed = true;
        }
}

void json_add_string(Json *j, const char *key, const char *value) {
        if (value)
                add(j, key, json_object_new_string(value));
}

void json_add_stringf(Json *j, const char *key, const char *format, ...) {
        va_list ap;

        va_start(ap, format);
        _cleanup_free_ char *s = strfv(format, ap);
        va_end(ap);
        if (s)
                json_add_string(j, key, s);
        else
                j->failed = true;
}

const char *json_get_string(const Json *j, const char *key) {
        json_object *v;

        return j->object && json_object_object_get_ex(j->object, key, &v) && json_object_is_type(v, json_type_string)
                       ? json_object_get_string(v)
                       : NULL;
}

void json_remove(Json *j, const char *key) {
        if (j->object)
                json_object_object_del(j->object, key);
}

void json_add_int(Json *j, const char *key, int64_t value) {
        add(j, key, json_object_new_int64(value));
}

void json_add_uint(Json *j, const char *key, uint64_t value) {
        add(j, key, json_object_new_uint64(value));
}

void json_add_opt_uint(Json *j, const char *key, OptUint value) {
        if (value.set)
                json_add_uint(j, key, value.value);
}

void json_add_bool(Json *j, const char *key, bool value) {
        add(j, key, json_object_new_boolean(value));
}

void json_add_tristate(Json *j, const char *key, Tristate value) {
        if (value != TRI_UNSET)
                json_add_bool(j, key, value == TRI_YES);
}

void json_add_null(Json *j, const char *key) {
        if (!j->object && !j->failed)
                j->object = json_object_new_object();
        /* NULL is how json-c spells null. */
        if (!j->object || json_object_object_add(j->object, key, NULL) < 0)
                j->failed = true;
}

void json_add_number_set(Json *j, const char *key, const NumberSet *set) {
        json_object *array = json_object_new_array();

        for (unsigned i = 0; array && i < NUMBER_SET_MAX; i++) {
                if (!number_set_has(set, i))
                        continue;
                json_object *n = json_object_new_uint64(i);
                if (!n || json_object_array_add(array, n) < 0) {
                        json_object_put(n);
                        j->failed = true;
                        break;
                }
        }
        add(j, key, array);
}

void json_add_sub(Json *j, const char *key, Json *sub) {
        j->failed |= sub->failed;
        add(j, key, sub->object);
        *sub = (Json) {};
}

void json_add_list(Json *j, const char *key, Json *items, size_t n) {
        json_object *list = json_object_new_array();

        for (size_t i = 0; i < n; i++) {
                j->failed |= items[i].failed || !list || json_object_array_add(list, items[i].object) < 0;
                items[i] = (Json) {};
        }
        add(j, key, list);
}

static void append(Json *j, json_object *value) {
        if (!j->object && !j->failed)
                j->object = json_object_new_array();
        if (!value || !j->object || json_object_array_add(j->object, value) < 0) {
                json_object_put(value);
                j->failed = true;
        }
}

void json_append_string(Json *j, const char *value) {
        append(j, json_object_new_string(value));
}

void json_append_sub(Json *j, Json *sub) {
        j->failed |= sub->failed;
        append(j, sub->object);
        *sub = (Json) {};
}

int json_finish(Json *j, char **ret) {
        const char *text =
                j->failed || !j->object
                        ? NULL
                        : json_object_to_json_string_ext(j->object, JSON_C_TO_STRING_PLAIN |
                                                                            JSON_C_TO_STRING_NOSLASHESCAPE);
        char *copy = text ? strdup(text) : NULL;

        json_done(j);
        if (!copy)
                return -ENOMEM;
        *ret = copy;
        return 0;
}

void json_done(Json *j) {
        json_object_put(j->object);
        *j = (Json) {};
}
