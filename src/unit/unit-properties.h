/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain.h"
#include "host-facts.h"

/* What a definition adds to its unit. One ordered table (unit-properties.c) says for every systemd setting
 * from which part of the domain it comes; here are the values, to be rendered as a drop-in (text) or as D-Bus
 * properties (src/host/unit-dbus.c). */

/* How the value is written and which D-Bus type it has (org.freedesktop.systemd1(5)). */
typedef enum UnitPropertyKind {
        UNIT_STRING = 1,       /* s: all of the line */
        UNIT_BOOL,             /* b */
        UNIT_U32,              /* u */
        UNIT_U64,              /* t: a number, or "infinity" */
        UNIT_BYTES,            /* t */
        UNIT_USEC,             /* t: "90s" in text, NAMEUSec on the bus; the value is in microseconds */
        UNIT_STRV,             /* as: words; each as one assignment in text */
        UNIT_NAMES,            /* as: names of units, which have escapes of their own */
        UNIT_CPU_QUOTA,        /* t: hundredths of a percent of one CPU; "12.50%" in text, microseconds a second on the bus */
        UNIT_CPUSET,           /* ay: a bit mask on the bus, "0-3" in text */
        UNIT_NUMA_POLICY,      /* i: a word in text */
        UNIT_DEVICE_VALUES,    /* a(st): "PATH NUMBER" */
        UNIT_DEVICE_ALLOW,     /* a(ss): "PATH rw" */
        UNIT_BIND_PATHS,       /* a(ssbt): "PATH", "-PATH" when it may be missing */
        UNIT_ENVIRONMENT,      /* as: NAME=VALUE, quoted in text */
        UNIT_LOG_FIELDS,       /* aay: NAME=VALUE, quoted in text */
        UNIT_EXIT_STATUS,      /* (aiai): numbers */
        UNIT_ADDRESS_FAMILIES, /* (bas): names of families, or of system calls, that are allowed */
        UNIT_NAMESPACES,       /* t: "yes", or words of the kinds that can be made */
        UNIT_CAPABILITIES,     /* t: a bit mask; "CAP_SYS_RAWIO" in text, "" for none */
        UNIT_COMMAND,          /* in files only: written by us, with its specifiers */
        _UNIT_PROPERTY_KIND_MAX,
} UnitPropertyKind;

typedef struct UnitProperty {
        const char *section;  /* "Unit", "Service" */
        const char *name;     /* "CPUWeight": the setting's name in unit files */
        const char *bus_name; /* the D-Bus property, where it differs, else the same; NULL: not settable over D-Bus */
        UnitPropertyKind kind;
        bool live;            /* a cgroup property: SetUnitProperties() can change it while the unit runs */
        bool kept;            /* a daemon-reload leaves it as it is while the VM runs: a change would reach the VM at once,
                               * or its last root steps */
        const char *comment;  /* for the drop-in: why a protection of the template is relaxed; NULL: nothing to say */
        char **values;        /* owned; unescaped; more than one for lists */
} UnitProperty;

typedef struct UnitProperties {
        UnitProperty *items; /* owned; sorted as in the table */
        size_t n_items;
} UnitProperties;

void unit_properties_done(UnitProperties *p);

/* Whether a disk asks for raw SCSI commands, for which QEMU has the capability CAP_SYS_RAWIO. */
bool unit_needs_rawio(const Domain *d) _pure_;
/* Whether QEMU listens to what the kernel says of devices. */
bool unit_needs_uevents(const Domain *d) _pure_;
/* Whether QEMU itself speaks to the network; what a process beside it does is another matter. */
bool unit_qemu_needs_network(const Domain *d) _pure_;

/* ExecStop= of a VM that is saved or ended when the host goes down; the frozen plan and vmunit.conf tell it which, when the time
 * comes. A process that has nothing to do is a tenth of what a stop takes, so a VM for which ACTION is to be asked to power off,
 * as at any other stop, has none: 0. 1 with the line in *RET, or -ENOMEM. */
int unit_stop_command(const HostFacts *facts, HostShutdown action, char **ret);

/* Computes the settings of DOMAIN. Generator and prepare step must come to the same result, so this looks only
 * at what domain_complete() leaves behind: not at addresses or controllers, and not at what FACTS say of the
 * moment. DIGEST is the definition's (siphash.h), SOURCE_PATH its file. 0 or negative errno. */
int unit_properties_new(const Domain *d, const HostFacts *facts, const char *digest, const char *source_path,
                        Diag *diag, UnitProperties *ret);

/* What StartTransientUnit needs for a unit that no file describes: P's settings, and for the others of the table
 * what the template vm@.service has. What is in the prefix drop-in vmunit-vm-.service.d is not among it, since that
 * would win anyway; its commands find the VM by VMUNIT_INSTANCE in the environment. SESSION: for a user's systemd. 0 or
 * negative errno. */
int unit_properties_for_transient(const UnitProperties *p, const char *vm_name, bool session, UnitProperties *ret);

/* The most of it that is read back: a definition that needs more is refused. */
#define UNIT_DROPIN_MAX (1U << 20)

/* The text of the drop-in 10-vmunit.conf: "%" doubled, values quoted where systemd.syntax(7) needs it,
 * byte-stable. 0 or -ENOMEM. */
int unit_properties_to_dropin(const UnitProperties *p, const char *source_path, char **ret);

const UnitProperty *unit_properties_find(const UnitProperties *p, const char *name);

/* Adds the setting NAME of SECTION, for readers of a frozen plan. VALUES are copied. -EINVAL when the table
 * has no such setting. */
int unit_properties_add(UnitProperties *p, const char *section, const char *name, char *const *values);

/* The table's rows, for tests: how the setting is in the template, NULL when it is not there. */
typedef struct UnitPropertyRow {
        UnitProperty property; /* values is NULL */
        const char *template_value;
} UnitPropertyRow;
/* False when there is no row I. */
bool unit_property_row(size_t i, UnitPropertyRow *ret);
