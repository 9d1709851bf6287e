/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "macro.h"

/* All of these accept exactly the number and nothing around it: no sign where there is none to have, no
 * white space, no overflow. 0, -EINVAL or -ERANGE; *ret is set on success only. */
int parse_u64(const char *s, unsigned base, uint64_t *ret);
int parse_uint(const char *s, unsigned *ret);
int parse_int(const char *s, int *ret);
/* BASE as strtoul() has it: 0 is "0x1f", "037" and "31", 16 is "0x1f" and "1f". */
int parse_uint_base(const char *s, unsigned base, unsigned *ret);

/* The size of UNIT in bytes: b, bytes, KB, k, KiB, MB, M, MiB … EiB as in libvirt's domain XML
 * (https://libvirt.org/formatdomain.html#memory-allocation). 0 when there is no such unit. */
uint64_t unit_size(const char *unit) _pure_;

int parse_mac(const char *s, uint8_t ret[6]);
/* A UUID with dashes anywhere or nowhere, as libvirt reads it. */
int parse_uuid(const char *s, uint8_t ret[16]);
void format_uuid(const uint8_t uuid[16], char ret[37]);
void format_mac(const uint8_t mac[6], char ret[18]);
