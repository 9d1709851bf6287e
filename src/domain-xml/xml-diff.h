/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "diag.h"

/* Where two domains differ that domain_to_xml() wrote: names of elements and attributes below <domain>, each once:
 * "cputune/shares", "devices/disk/target/@dev". *ret is an array of strings, NULL when there is no difference. 0,
 * -EINVAL or -ENOMEM. */
int xml_diff(const char *a, const char *b, char ***ret);
