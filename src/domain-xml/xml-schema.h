/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "diag.h"
#include "text.h"

/* RELAX NG of what the tables accept: one grammar, in which every element has a definition of its own. It
 * starts with <domain>. What is not supported is not in it; what is ignored may hold anything. It cannot say
 * what depends on two elements at once: that is left to domain_validate(). */
void domain_schema(Text *t);

/* The elements that stand for themselves in a file: the domain and its devices, each with the name of its
 * definition in the grammar. Calls FUNCTION for each. */
void domain_schema_parts(void (*function)(const char *element, const char *definition, void *userdata), void *userdata);

/* Holds a definition against the schema, under the limits of domain_from_xml(). Every deviation that can be
 * told from the others is an error in DIAG, beginning with "schema:". What is no XML at all is
 * domain_from_xml()'s to report. 0, -EINVAL or -ENOMEM. */
int domain_check_schema(const char *text, size_t size, Diag *diag);
