/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain.h"
#include "host-facts.h"

/* What a definition adds to its unit. One ordered table (unit-properties.c) says for every systemd setting
 * from which part of the domain it comes; here are the values, to be rendered as a drop-in (text) or as D-Bus
 * properties (src/host/unit-dbus.c). */

/* How the value is written and which D-Bus type it has (org.freedesktop.systemd1(5)). */
typedef enum UnitPropertyKind {
        UNIT_STRING = 1,  /* s */
        UNIT_BOOL,        /* b */
        UNIT_U64,         /* t: a number, or "infinity" */
        UNIT_BYTES,       /* t */
        UNIT_USEC,        /* t: "90s" in text, NAMEUSec on the bus */
        UNIT_STRV,        /* as: words separated by blanks; each as one assignment in text */
        UNIT_CPUSET,      /* ay: a bit mask on the bus, "0-3" in text */
        UNIT_DEVICE_ALLOW,/* a(ss): "PATH rw" */
        UNIT_BIND_PATHS,  /* a(ssbt) */
        UNIT_EXEC,        /* a(sasb) or a(sasas) */
        UNIT_ENVIRONMENT, /* as: NAME=VALUE, quoted in text */
        UNIT_EXIT_STATUS, /* (aiai) */
} UnitPropertyKind;

typedef struct UnitProperty {
        const char *section;  /* "Unit", "Service" */
        const char *name;     /* "CPUWeight": the setting's name in unit files */
        const char *bus_name; /* the D-Bus property, where it differs, else the same; NULL: not settable over D-Bus */
        UnitPropertyKind kind;
        bool live;            /* a cgroup property: frozen by SetUnitProperties() at start */
        char **values;        /* owned; unescaped; more than one for lists */
} UnitProperty;

typedef struct UnitProperties {
        UnitProperty *items; /* owned; sorted as in the table */
        size_t n_items;
} UnitProperties;

void unit_properties_done(UnitProperties *p);

/* Computes the settings of DOMAIN. Needs no effective domain (it runs in the generator), so it uses only what
 * the definition says. DIGEST is the definition's (siphash.h), SOURCE_PATH its file. 0 or negative errno. */
int unit_properties_new(const Domain *d, const HostFacts *facts, const char *digest, const char *source_path,
                        Diag *diag, UnitProperties *ret);

/* The text of the drop-in 10-vmunit.conf: "%" doubled, values quoted where systemd.syntax(7) needs it,
 * byte-stable. 0 or -ENOMEM. */
int unit_properties_to_dropin(const UnitProperties *p, const char *source_path, char **ret);

const UnitProperty *unit_properties_find(const UnitProperties *p, const char *name);
