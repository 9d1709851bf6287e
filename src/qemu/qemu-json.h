/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain.h"

/* A JSON object under construction, for options of QEMU that are JSON. Keys keep the order in which they are
 * added; what is absent (NULL, not set) is left out. Memory that runs out sticks and is reported by
 * json_finish(). Initialise with {}. */
typedef struct Json {
        void *object; /* owned; a json_object */
        bool failed;
} Json;

void json_add_string(Json *j, const char *key, const char *value);
void json_add_stringf(Json *j, const char *key, const char *format, ...) _printf_(3, 4);
void json_add_uint(Json *j, const char *key, uint64_t value);
void json_add_opt_uint(Json *j, const char *key, OptUint value);
void json_add_bool(Json *j, const char *key, bool value);
void json_add_tristate(Json *j, const char *key, Tristate value);
void json_add_null(Json *j, const char *key);
/* An array of its numbers. */
void json_add_number_set(Json *j, const char *key, const NumberSet *set);
/* Takes SUB over. */
void json_add_sub(Json *j, const char *key, Json *sub);
/* A list of objects; takes all of them over. */
void json_add_list(Json *j, const char *key, Json *items, size_t n);

/* A list under construction; J is an object or a list, not both. */
void json_append_string(Json *j, const char *value);
/* Takes SUB over. */
void json_append_sub(Json *j, Json *sub);
/* The string of KEY, or NULL. It belongs to J. */
const char *json_get_string(const Json *j, const char *key);
void json_remove(Json *j, const char *key);
void json_add_int(Json *j, const char *key, int64_t value);

/* The text on one line, without blanks. 0 or -ENOMEM. J is empty afterwards. */
int json_finish(Json *j, char **ret);
void json_done(Json *j);
#define _cleanup_qjson_ _cleanup_(json_done)
