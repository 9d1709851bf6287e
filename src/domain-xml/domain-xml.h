/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "diag.h"
#include "domain.h"

/* The largest definition that is read at all. */
#define DOMAIN_XML_MAX (4U * 1024U * 1024U)
#define DOMAIN_XML_DEPTH_MAX 64U
#define DOMAIN_XML_ATTRIBUTES_MAX 256U /* of an element */
/* The most devices of one kind: so what compares each with each stays quick. */
#define DOMAIN_XML_LIST_MAX 1024U

/* Reads a domain definition. TEXT is SIZE bytes and need not end with NUL; DIAG should have been initialised
 * with the file's name. No DTDs, no external entities, no network. All problems are reported. The result is
 * what was written: neither completed nor validated. 0, -EINVAL (see DIAG) or -ENOMEM. */
int domain_from_xml(const char *text, size_t size, Diag *diag, Domain **ret);

/* Renders the domain in libvirt's order and spelling, two blanks per level. 0 or -ENOMEM. */
typedef enum DomainXmlFlags {
        DOMAIN_XML_SECURE = 1 << 0, /* with passwords (virsh dumpxml --security-info) */
        DOMAIN_XML_INACTIVE = 1 << 1,
} DomainXmlFlags;
int domain_to_xml(const Domain *d, DomainXmlFlags flags, char **ret);
/* <sysinfo> alone, in the same way. */
int sysinfo_to_xml(const DomainSysinfo *s, char **ret);
