/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "host-counters.h"
#include "machines.h"
#include "string-table.h"

/* What can be said of a VM's network interfaces and of their addresses. 0 or negative errno, explained in DIAG in
 * libvirt's words. */

/* The interface of D that WORD is: its name on the host, or its MAC address. NULL: none. */
const DomainInterface *domain_find_interface(const Domain *d, const char *word) _pure_;

/* What has gone through the interface WORD of a VM that runs as D, as the guest sees it. */
int vm_interface_counters(Manager *m, const Domain *d, const char *word, Diag *diag, HostNetCounters *ret);

typedef enum AddressSource {
        ADDRESS_LEASE, /* what a network of ours has handed out; there are none yet */
        ADDRESS_AGENT,
        ADDRESS_ARP,   /* whom the host has heard of */
} AddressSource;
DECLARE_STRING_TABLE(address_source, AddressSource); /* "lease", "agent", "arp" */

typedef struct GuestAddress {
        bool ipv6;
        char *address; /* owned */
        unsigned prefix;
} GuestAddress;

typedef struct GuestInterface {
        char *name, *mac; /* owned; MAC may be NULL */
        GuestAddress *addresses; /* owned */
        size_t n_addresses;
} GuestInterface;

typedef struct GuestInterfaces {
        GuestInterface *items; /* owned */
        size_t n_items;
} GuestInterfaces;
void guest_interfaces_done(GuestInterfaces *i);
#define _cleanup_guest_interfaces_ _cleanup_(guest_interfaces_done)

/* D: what runs. What the agent says is printable here. */
int vm_guest_interfaces(Manager *m, const Vm *vm, const Domain *d, AddressSource source, Diag *diag, GuestInterfaces *ret);

/* The guest's name for itself, printable; owned by the caller. */
int vm_guest_hostname(Manager *m, const Vm *vm, AddressSource source, Diag *diag, char **ret);
