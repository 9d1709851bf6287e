/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <limits.h>

#include "domain.h"
#include "parse-util.h"
#include "string-util.h"
#include "xml-table.h"

static int parse_string(const XmlRow *row, const char *s, void *field) {
        return free_and_strdup(field, s);
}

static bool format_string(const XmlRow *row, const void *field, Text *t) {
        const char *s = *(char *const *) field;

        if (s)
                text_append(t, s);
        return s;
}

const XmlType xml_string = {"a string", parse_string, format_string, .verbatim = true};

static int parse_enum(const XmlRow *row, const char *s, void *field) {
        int v = string_table_value(row->words, s);
        if (v < 0)
                return v;
        *(int *) field = v;
        return 0;
}

static bool format_enum(const XmlRow *row, const void *field, Text *t) {
        const char *word = string_table_word(row->words, *(const int *) field);

        if (word)
                text_append(t, word);
        return word;
}

const XmlType xml_enum = {NULL, parse_enum, format_enum};

static int parse_opt_uint(const XmlRow *row, const char *s, void *field) {
        unsigned v;
        int r = parse_uint(s, &v);
        if (r < 0)
                return r;
        if (row->max > 0 && v > row->max)
                return -ERANGE;
        *(OptUint *) field = OPT_UINT(v);
        return 0;
}

static bool format_opt_uint(const XmlRow *row, const void *field, Text *t) {
        const OptUint *v = field;

        if (v->set)
                text_appendf(t, "%u", v->value);
        return v->set;
}

const XmlType xml_uint = {NULL, parse_opt_uint, format_opt_uint, .pattern = "[0-9]+"};

static int parse_u64_base(const XmlRow *row, const char *s, unsigned base, void *field) {
        uint64_t v;
        int r = parse_u64(s, base, &v);
        if (r < 0)
                return r;
        if (row->max > 0 && v > row->max)
                return -ERANGE;
        *(OptU64 *) field = OPT_U64(v);
        return 0;
}

static int parse_opt_u64(const XmlRow *row, const char *s, void *field) {
        return parse_u64_base(row, s, 10, field);
}

static bool format_opt_u64(const XmlRow *row, const void *field, Text *t) {
        const OptU64 *v = field;

        if (v->set)
                text_appendf(t, "%" PRIu64, v->value);
        return v->set;
}

const XmlType xml_u64 = {NULL, parse_opt_u64, format_opt_u64, .pattern = "[0-9]+"};

#define ANY_BASE "0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*"

static int parse_any_base(const XmlRow *row, const char *s, void *field) {
        unsigned v;
        int r = parse_uint_base(s, 0, &v);
        if (r < 0)
                return r;
        if (row->max > 0 && v > row->max)
                return -ERANGE;
        *(OptUint *) field = OPT_UINT(v);
        return 0;
}

static bool format_opt_hex(const XmlRow *row, const void *field, Text *t) {
        const OptUint *v = field;

        if (v->set)
                text_appendf(t, "0x%0*x", (int) row->digits, v->value);
        return v->set;
}

const XmlType xml_hex = {NULL, parse_any_base, format_opt_hex, .pattern = ANY_BASE};
const XmlType xml_c_uint = {NULL, parse_any_base, format_opt_uint, .pattern = ANY_BASE};

static int parse_opt_c_u64(const XmlRow *row, const char *s, void *field) {
        return parse_u64_base(row, s, 0, field);
}

const XmlType xml_c_u64 = {NULL, parse_opt_c_u64, format_opt_u64, .pattern = ANY_BASE};

static int parse_opt_hex64(const XmlRow *row, const char *s, void *field) {
        return parse_u64_base(row, s, 16, field);
}

static bool format_opt_hex64(const XmlRow *row, const void *field, Text *t) {
        const OptU64 *v = field;

        if (v->set)
                text_appendf(t, "0x%" PRIx64, v->value);
        return v->set;
}

const XmlType xml_hex64 = {"a number (0x3f8)", parse_opt_hex64, format_opt_hex64, .pattern = "(0[xX])?[0-9a-fA-F]+"};

static int parse_int_field(const XmlRow *row, const char *s, void *field) {
        return parse_int(s, field);
}

static bool format_int_field(const XmlRow *row, const void *field, Text *t) {
        text_appendf(t, "%d", *(const int *) field);
        return true;
}

const XmlType xml_int = {"a whole number", parse_int_field, format_int_field, .pattern = "-?[0-9]+"};

static int parse_int64_field(const XmlRow *row, const char *s, void *field) {
        uint64_t v;
        bool negative = *s == '-';

        if (streq(s, "reset"))
                return 1;
        int r = parse_u64(s + negative, 10, &v);
        if (r < 0)
                return r;
        if (v > INT64_MAX)
                return -ERANGE;
        *(int64_t *) field = negative ? -(int64_t) v : (int64_t) v;
        return 0;
}

static bool format_int64_field(const XmlRow *row, const void *field, Text *t) {
        text_appendf(t, "%" PRId64, *(const int64_t *) field);
        return true;
}

const XmlType xml_int64 = {"a whole number, or reset", parse_int64_field, format_int64_field, .pattern = "-?[0-9]+|reset"};

static int parse_port(const XmlRow *row, const char *s, void *field) {
        int v, r = parse_int(s, &v);
        if (r < 0)
                return r;
        if (v < -1 || v > 65535)
                return -ERANGE;
        *(int *) field = v;
        return 0;
}

static bool format_port(const XmlRow *row, const void *field, Text *t) {
        int v = *(const int *) field;

        if (v != 0)
                text_appendf(t, "%d", v);
        return v != 0;
}

const XmlType xml_port = {"a port number, or -1 for any", parse_port, format_port, .pattern = "-?[0-9]+"};

static int parse_uuid_field(const XmlRow *row, const char *s, void *field) {
        return parse_uuid(s, field);
}

static bool format_uuid_field(const XmlRow *row, const void *field, Text *t) {
        char s[37];

        format_uuid(field, s);
        text_append(t, s);
        return true;
}

const XmlType xml_uuid = {"a UUID (32 hexadecimal digits, dashes allowed)", parse_uuid_field,
                          format_uuid_field, .pattern = "[0-9a-fA-F\\-]+"};

static int parse_mac_field(const XmlRow *row, const char *s, void *field) {
        return parse_mac(s, field);
}

static bool format_mac_field(const XmlRow *row, const void *field, Text *t) {
        char s[18];

        format_mac(field, s);
        text_append(t, s);
        return true;
}

const XmlType xml_mac = {"a MAC address (52:54:00:12:34:56)", parse_mac_field, format_mac_field, .pattern = "[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2}){5}"};

static int parse_number_set(const XmlRow *row, const char *s, void *field) {
        return number_set_parse(s, field);
}

static bool format_number_set(const XmlRow *row, const void *field, Text *t) {
        _cleanup_free_ char *s = number_set_format(field);

        if (!s)
                t->failed = true;
        else
                text_append(t, s);
        return !isempty(s);
}

const XmlType xml_number_set = {"a set of numbers (0-3,^1,8)", parse_number_set, format_number_set, .pattern = "[0-9,^\\- ]+"};
