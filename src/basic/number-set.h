/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "macro.h"

/* A set of small numbers: CPUs, NUMA nodes, vCPUs. {} is the empty set; copying the struct copies the set. */
#define NUMBER_SET_MAX 1024U

typedef struct NumberSet {
        uint64_t bits[NUMBER_SET_MAX / 64];
} NumberSet;

static inline bool number_set_has(const NumberSet *s, unsigned i) {
        return i < NUMBER_SET_MAX && (s->bits[i / 64] >> (i % 64) & 1);
}

static inline void number_set_add(NumberSet *s, unsigned i) {
        if (i < NUMBER_SET_MAX)
                s->bits[i / 64] |= UINT64_C(1) << (i % 64);
}

static inline void number_set_remove(NumberSet *s, unsigned i) {
        if (i < NUMBER_SET_MAX)
                s->bits[i / 64] &= ~(UINT64_C(1) << (i % 64));
}

/* The greatest number in it, or -1. */
int number_set_last(const NumberSet *s) _pure_;
unsigned number_set_count(const NumberSet *s) _pure_;
bool number_set_is_empty(const NumberSet *s) _pure_;

/* Adds what is in WITH; keeps only that; takes WHAT out. */
void number_set_unite(NumberSet *s, const NumberSet *with);
void number_set_intersect(NumberSet *s, const NumberSet *with);
void number_set_subtract(NumberSet *s, const NumberSet *what);
/* Whether all of A is in B, or some of it. */
bool number_set_is_subset(const NumberSet *a, const NumberSet *b) _pure_;
bool number_set_overlaps(const NumberSet *a, const NumberSet *b) _pure_;

/* "0-3,^1,8": libvirt's form; a `^N` takes N out of what stands before it. -EINVAL for anything else and
 * for an empty result, -ERANGE from NUMBER_SET_MAX on. */
int number_set_parse(const char *s, NumberSet *ret);
/* The same as libvirt's verbs read it: from left to right, blanks before and behind a number, one comma at the end, and
 * nothing may be left. -EINVAL for all else, also for numbers from NUMBER_SET_MAX on. */
int number_set_parse_words(const char *s, NumberSet *ret);
/* "0,2-3,8". NULL when memory is out. */
char *number_set_format(const NumberSet *s);
