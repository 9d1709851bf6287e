/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "host-facts.h"
#include "qemu-emit.h"

/* Internal to the emitters of disks. A disk is a chain of images, each a storage node with a format node above it, and
 * a device on top. The nodes have libvirt's names, so that both kinds of tools mean the same by them. */

/* One image of a chain. */
typedef struct DiskNode {
        const DomainDisk *disk;
        const DiskSource *source; /* NULL: not written down, only found */
        const DiskImage *image;   /* NULL: not looked for, or not on this machine */
        unsigned depth;   /* 0: the disk itself; else one that it is backed by */
        unsigned id;      /* in node names */
        unsigned backing; /* id of the next image; 0: none */
        bool below_overlay; /* nothing is written to it */
        bool is_last;     /* known to have nothing below */
} DiskNode;

/* How many images the chain of DISK has, as far as is known. */
size_t disk_chain_length(const Emit *e, const DomainDisk *disk) _pure_;
/* Emits the nodes of the chain, the lowest image first; ID is that of the disk's own. 0 or negative errno. */
int emit_disk_nodes(Emit *e, const DomainDisk *disk, unsigned id);

bool disk_has_cache(const DomainDisk *disk) _pure_;
bool disk_write_cache(const DomainDisk *disk) _pure_;
/* The limits of the disk are a node of their own, because there is no other way to have them from the beginning. */
bool disk_has_throttle(const Emit *e, const DomainDisk *disk) _pure_;

/* All that is written goes into an overlay, which is thrown away (libvirt makes its own when QEMU runs). */
bool disk_has_overlay(const Emit *e, const DomainDisk *disk) _pure_;
/* KEY is the topmost node with a format: the image's, whose number is ID, or the overlay's. */
void json_add_top_format(const Emit *e, Json *j, const char *key, const DomainDisk *disk, unsigned id);

/* The secrets of a node: what the object is called. */
#define NODE_AUTH "storage-auth-secret0"
#define NODE_COOKIES "storage-httpcookie-secret0"
#define NODE_ENCRYPTION "format-encryption-secret0"

/* What is behind the driver of a storage node for an image on a server. 0 or negative errno. */
int json_network_source(Emit *e, Json *j, const DiskNode *n, const DiskAuth *auth, const DiskEncryption *encryption);
