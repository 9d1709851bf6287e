/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain-types.h"

/* The model of what a viewer or the host lends to the guest: smart cards and USB devices. */

typedef struct SmartcardCertificate {
        SrcLoc loc;
        char *name;
} SmartcardCertificate;

typedef struct DomainSmartcard {
        DeviceInfo info;
        SmartcardMode mode;
        SmartcardCertificate *certificates; /* three */
        size_t n_certificates;
        char *database;
        CharSource source; /* passthrough */
} DomainSmartcard;

typedef struct DomainRedirdev {
        DeviceInfo info;
        RedirdevBus bus;
        CharSource source;
} DomainRedirdev;

/* A rule on USB devices; what is not set is any. */
typedef struct RedirRule {
        SrcLoc loc;
        OptUint class, vendor, product;
        OptUint version; /* binary coded decimal: 0x0110 is 1.10 */
        Tristate allow;
} RedirRule;

typedef struct DomainRedirfilter {
        SrcLoc loc;
        RedirRule *rules;
        size_t n_rules;
} DomainRedirfilter;
