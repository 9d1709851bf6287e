/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "certificate.h"
#include "parse-util.h"
#include "string-util.h"

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END "-----END CERTIFICATE-----"

/* Tags of DER. */
enum { DER_INTEGER = 0x02, DER_UTC_TIME = 0x17, DER_TIME = 0x18, DER_SEQUENCE = 0x30, DER_VERSION = 0xa0 };

typedef struct Bytes {
        const uint8_t *p;
        size_t n;
} Bytes;

static int base64_value(char c) {
        static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const char *at = c ? strchr(alphabet, c) : NULL;

        return at ? (int) (at - alphabet) : -1;
}

static int decode(const char *s, const char *end, uint8_t **ret, size_t *ret_n) {
        _cleanup_free_ uint8_t *out = malloc((size_t) (end - s) + 1);
        uint32_t bits = 0;
        unsigned n_bits = 0;
        size_t n = 0;

        if (!out)
                return -ENOMEM;
        for (; s < end && *s != '='; s++) {
                if (strchr(WHITESPACE, *s))
                        continue;
                int v = base64_value(*s);
                if (v < 0)
                        return -EBADMSG;
                bits = bits << 6 | (uint32_t) v;
                n_bits += 6;
                if (n_bits >= 8) {
                        n_bits -= 8;
                        out[n++] = (uint8_t) (bits >> n_bits);
                }
        }
        *ret_n = n;
        *ret = TAKE_PTR(out);
        return 0;
}

/* Takes the next value off IN: its tag and content. */
static int next(Bytes *in, uint8_t *ret_tag, Bytes *ret) {
        if (in->n < 2)
                return -EBADMSG;
        size_t head = 2, length = in->p[1];
        if (length & 0x80) {
                size_t n = length & 0x7f;
                if (n == 0 || n > 4 || in->n < 2 + n)
                        return -EBADMSG;
                length = 0;
                for (size_t i = 0; i < n; i++)
                        length = length << 8 | in->p[2 + i];
                head += n;
        }
        if (length > in->n - head)
                return -EBADMSG;
        *ret_tag = in->p[0];
        *ret = (Bytes) { in->p + head, length };
        in->p += head + length;
        in->n -= head + length;
        return 0;
}

static int expect(Bytes *in, uint8_t tag, Bytes *ret) {
        uint8_t found;
        int r = next(in, &found, ret);

        return r < 0 ? r : found == tag ? 0 : -EBADMSG;
}

/* "YYMMDDHHMMSSZ", of the years from 1950 on, or "YYYYMMDDHHMMSSZ". */
static int read_time(Bytes *in, time_t *ret) {
        char text[16] = "";
        struct tm tm = {};
        uint8_t tag;
        Bytes b;

        int r = next(in, &tag, &b);
        if (r < 0)
                return r;
        if ((tag != DER_UTC_TIME || b.n != 13) && (tag != DER_TIME || b.n != 15))
                return -EBADMSG;
        memcpy(text, b.p, b.n);
        if (text[b.n - 1] != 'Z' || strspn(text, DIGITS) != b.n - 1)
                return -EBADMSG;
        int digits = tag == DER_UTC_TIME ? 2 : 4;
        int fields[6] = {};
        for (size_t i = 0, at = 0; i < ELEMENTSOF(fields); i++)
                for (int n = i == 0 ? digits : 2; n > 0; n--)
                        fields[i] = fields[i] * 10 + text[at++] - '0';
        if (digits == 2)
                fields[0] += fields[0] < 50 ? 2000 : 1900;
        tm = (struct tm) { .tm_year = fields[0] - 1900, .tm_mon = fields[1] - 1, .tm_mday = fields[2],
                           .tm_hour = fields[3], .tm_min = fields[4], .tm_sec = fields[5] };
        *ret = timegm(&tm);
        return 0;
}

int certificate_validity(const char *pem, size_t size, time_t *ret_from, time_t *ret_to) {
        _cleanup_free_ uint8_t *der = NULL;
        Bytes in = {}, certificate, skipped, validity;
        uint8_t tag;

        const char *begin = memmem(pem, size, BEGIN, strlen(BEGIN));
        if (!begin)
                return -EBADMSG;
        begin += strlen(BEGIN);
        const char *end = memmem(begin, size - (size_t) (begin - pem), END, strlen(END));
        if (!end)
                return -EBADMSG;
        int r = decode(begin, end, &der, &in.n);
        if (r < 0)
                return r;
        in.p = der;
        if ((r = expect(&in, DER_SEQUENCE, &certificate)) < 0 || (r = expect(&certificate, DER_SEQUENCE, &in)) < 0)
                return r;
        /* The version, which may miss; serial number, algorithm, issuer. */
        if ((r = next(&in, &tag, &skipped)) < 0 || (tag == DER_VERSION && (r = next(&in, &tag, &skipped)) < 0))
                return r;
        if (tag != DER_INTEGER || expect(&in, DER_SEQUENCE, &skipped) < 0 || expect(&in, DER_SEQUENCE, &skipped) < 0)
                return -EBADMSG;
        if ((r = expect(&in, DER_SEQUENCE, &validity)) < 0 || (r = read_time(&validity, ret_from)) < 0)
                return r;
        return read_time(&validity, ret_to);
}
