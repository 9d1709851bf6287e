/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "siphash.h"

typedef struct State {
        uint64_t v0, v1, v2, v3;
} State;

static uint64_t rotate(uint64_t x, unsigned n) {
        return (x << n) | (x >> (64 - n));
}

static uint64_t load_le64(const uint8_t *p) {
        uint64_t x = 0;
        for (unsigned i = 0; i < 8; i++)
                x |= (uint64_t) p[i] << (8 * i);
        return x;
}

static void store_le64(uint8_t *p, uint64_t x) {
        for (unsigned i = 0; i < 8; i++)
                p[i] = (uint8_t) (x >> (8 * i));
}

static void rounds(State *s, unsigned n) {
        while (n-- > 0) {
                s->v0 += s->v1, s->v1 = rotate(s->v1, 13) ^ s->v0, s->v0 = rotate(s->v0, 32);
                s->v2 += s->v3, s->v3 = rotate(s->v3, 16) ^ s->v2;
                s->v0 += s->v3, s->v3 = rotate(s->v3, 21) ^ s->v0;
                s->v2 += s->v1, s->v1 = rotate(s->v1, 17) ^ s->v2, s->v2 = rotate(s->v2, 32);
        }
}

void siphash128(const void *data, size_t size, const uint8_t key[16], uint8_t ret[16]) {
        const uint8_t *p = data, *end = p + (size & ~(size_t) 7);
        uint64_t k0 = load_le64(key), k1 = load_le64(key + 8), last = (uint64_t) size << 56;
        State s = {
                .v0 = k0 ^ 0x736f6d6570736575ULL,
                .v1 = k1 ^ 0x646f72616e646f6dULL ^ 0xee, /* 0xee selects the 128-bit variant */
                .v2 = k0 ^ 0x6c7967656e657261ULL,
                .v3 = k1 ^ 0x7465646279746573ULL,
        };

        for (; p < end; p += 8) {
                uint64_t m = load_le64(p);
                s.v3 ^= m;
                rounds(&s, 2);
                s.v0 ^= m;
        }
        for (unsigned i = 0; i < (size & 7); i++)
                last |= (uint64_t) p[i] << (8 * i);
        s.v3 ^= last;
        rounds(&s, 2);
        s.v0 ^= last;

        s.v2 ^= 0xee;
        rounds(&s, 4);
        store_le64(ret, s.v0 ^ s.v1 ^ s.v2 ^ s.v3);
        s.v1 ^= 0xdd;
        rounds(&s, 4);
        store_le64(ret + 8, s.v0 ^ s.v1 ^ s.v2 ^ s.v3);
}

void digest_hex(const void *data, size_t size, char ret[33]) {
        static const uint8_t key[16] = "vmunit-digest-1";
        static const char hex[] = "0123456789abcdef";
        uint8_t digest[16];

        siphash128(data, size, key, digest);
        for (unsigned i = 0; i < 16; i++) {
                ret[2 * i] = hex[digest[i] >> 4];
                ret[2 * i + 1] = hex[digest[i] & 15];
        }
        ret[32] = 0;
}
