/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "diag.h"

/* What other programs keep in <metadata>: one element for each namespace. METADATA is the element as Domain.metadata has
 * it, NULL when there is none. */

/* The element of the namespace URI, as XML without that namespace. -ENOENT when there is none, which DIAG says in libvirt's
 * words. *ret is the caller's. */
int xml_metadata_get(const char *metadata, const char *uri, Diag *diag, char **ret);
/* The namespaces of those elements, each once. *ret is the caller's. */
int xml_metadata_uris(const char *metadata, char ***ret);
/* ELEMENT, put into the namespace URI with the prefix KEY, comes in its place; NULL: it goes. *ret is the caller's, NULL when
 * nothing is left. */
int xml_metadata_set(const char *metadata, const char *uri, const char *key, const char *element, Diag *diag, char **ret);
