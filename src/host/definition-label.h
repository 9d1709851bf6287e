/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "label.h"

/* The pair of categories that the definition of NAME fixes by a static label: 1, 0 when it fixes none, or negative
 * errno when it cannot be read. What does not speak of labels is not parsed. */
int definition_static_pair(const char *name, const HostFacts *facts, CategoryPair *ret);
/* Those of all definitions are added to TAKEN. */
int definitions_static_pairs(const HostFacts *facts, CategoryPairs *taken);
