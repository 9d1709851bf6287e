/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain-types.h"

typedef struct Domain Domain;
typedef struct DomainInterface DomainInterface;

/* Where the devices of a VM were at its last start, so that inserting one does not move another: what libvirt
 * would have written into the definition. Read from the VM's state directory before a domain is completed, and
 * used where the definition says nothing. */
typedef struct DomainPlace {
        char *key;     /* owned; what is the same device: see qemu-places.c */
        char *alias;   /* owned; the user's own, or NULL */
        bool has_mac;
        uint8_t mac[6];
        char *address; /* owned: "pci 0000:01:00.0", "usb 0:1.2", "virtio-serial 0:0:1"; NULL: none */
        char *added;   /* owned: model of a controller or hub that nobody wrote down; NULL: it was */
        bool used;     /* somebody has it already */
} DomainPlace;

typedef struct DomainPlaces {
        char *machine; /* owned: "x86_64 q35"; places are good for this kind of machine only */
        DomainPlace *items; /* owned */
        size_t n_items;
} DomainPlaces;

void domain_places_done(DomainPlaces *p);

/* The record as a text. Reading: what is wrong with it is said in a word (-EBADMSG), and nothing is remembered. */
int domain_places_parse(const char *text, DomainPlaces *ret);
int domain_places_format(const DomainPlaces *p, char **ret);

/* The place with this alias (may be NULL) or KEY that nobody has taken, or NULL. */
DomainPlace *domain_place_find(DomainPlaces *p, const char *alias, const char *key);

/* An interface without a MAC address in the definition is known by its type, source, and order among those. NULL
 * when memory is out. */
char *interface_place_key(const Domain *d, const DomainInterface *i);
/* Gives interfaces without a MAC address the one they had. 0 or -ENOMEM. */
int domain_remember_macs(Domain *d);
