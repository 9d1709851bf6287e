/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ctype.h>
#include <limits.h>
#include <stdio.h>
#include <strings.h>

#include "parse-util.h"
#include "string-util.h"

int parse_u64(const char *s, unsigned base, uint64_t *ret) {
        char *end;

        /* strtoull() would take white space and signs. */
        if (!isxdigit((unsigned char) s[0]))
                return -EINVAL;
        errno = 0;
        unsigned long long v = strtoull(s, &end, (int) base);
        if (errno != 0)
                return -errno;
        if (*end || end == s)
                return -EINVAL;
        *ret = v;
        return 0;
}

int parse_uint_base(const char *s, unsigned base, unsigned *ret) {
        uint64_t v;
        int r = parse_u64(s, base, &v);
        if (r < 0)
                return r;
        if (v > UINT_MAX)
                return -ERANGE;
        *ret = (unsigned) v;
        return 0;
}

int parse_uint(const char *s, unsigned *ret) {
        return parse_uint_base(s, 10, ret);
}

int parse_int(const char *s, int *ret) {
        uint64_t v;
        bool negative = *s == '-';
        int r = parse_u64(s + negative, 10, &v);
        if (r < 0)
                return r;
        if (v > (uint64_t) INT_MAX + negative)
                return -ERANGE;
        *ret = negative ? (int) -(int64_t) v : (int) v;
        return 0;
}

uint64_t unit_size(const char *unit) {
        static const char prefixes[] = "kmgtpe";

        if (strcasecmp(unit, "b") == 0 || strcasecmp(unit, "byte") == 0 || strcasecmp(unit, "bytes") == 0)
                return 1;
        const char *p = *unit ? strchr(prefixes, tolower((unsigned char) *unit)) : NULL;
        if (!p)
                return 0;

        uint64_t base;
        if (unit[1] == 0 || strcasecmp(unit + 1, "iB") == 0)
                base = 1024;
        else if (strcasecmp(unit + 1, "B") == 0)
                base = 1000;
        else
                return 0;

        uint64_t size = 1;
        for (ptrdiff_t i = 0; i <= p - prefixes; i++)
                size *= base;
        return size;
}

static int hex_value(char c) {
        return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 :
                c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int parse_mac(const char *s, uint8_t ret[6]) {
        uint8_t mac[6];

        /* A group may be short: "0:1b" is "00:1b". */
        for (unsigned i = 0; i < 6; i++) {
                int v = hex_value(*s);
                if (v < 0)
                        return -EINVAL;
                int low = hex_value(*++s);
                if (low >= 0) {
                        v = v << 4 | low;
                        s++;
                }
                if (*s++ != (i < 5 ? ':' : 0))
                        return -EINVAL;
                mac[i] = (uint8_t) v;
        }
        memcpy(ret, mac, sizeof(mac));
        return 0;
}

int parse_uuid(const char *s, uint8_t ret[16]) {
        uint8_t uuid[16];
        unsigned n = 0;

        while (*s) {
                if (*s == '-' || isspace((unsigned char) *s)) {
                        s++;
                        continue;
                }
                int high = hex_value(s[0]), low = high < 0 ? -1 : hex_value(s[1]);
                if (low < 0 || n == sizeof(uuid))
                        return -EINVAL;
                uuid[n++] = (uint8_t) (high << 4 | low);
                s += 2;
        }
        if (n != sizeof(uuid))
                return -EINVAL;
        memcpy(ret, uuid, sizeof(uuid));
        return 0;
}

void format_uuid(const uint8_t u[16], char ret[37]) {
        (void) snprintf(ret, 37, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
                        u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7],
                        u[8], u[9], u[10], u[11], u[12], u[13], u[14], u[15]);
}

void format_mac(const uint8_t m[6], char ret[18]) {
        (void) snprintf(ret, 18, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
}
