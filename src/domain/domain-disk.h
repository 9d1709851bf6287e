/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "domain-types.h"

/* The model of storage: disks and the controllers that devices are plugged into. */

/* A secret that is kept elsewhere: the definition has its name only. */
typedef struct SecretRef {
        SrcLoc loc;
        SecretUse use;
        bool has_uuid;
        uint8_t uuid[16];
        char *usage; /* the other way to name it */
} SecretRef;

/* The credential it is kept in: "vmunit.secret." and its UUID, or its usage escaped. Owned by the caller; NULL when memory
 * is out. */
#define CREDENTIAL_PREFIX "vmunit.secret."
char *secret_credential(const SecretRef *s);

/* Who QEMU says it is to a storage server. Present when it has a place. */
typedef struct DiskAuth {
        SrcLoc loc;
        DiskAuthType type;
        char *username;
        SecretRef secret;
} DiskAuth;

typedef struct DiskEncryption {
        SrcLoc loc;
        EncryptionFormat format;
        EncryptionEngine engine;
        SecretRef *secrets; /* the first is used */
        size_t n_secrets;
} DiskEncryption;

typedef struct DiskHost {
        SrcLoc loc;
        HostTransport transport; /* tcp when absent */
        char *name;
        OptUint port;
        char *socket; /* unix */
} DiskHost;

typedef struct DiskCookie {
        SrcLoc loc;
        char *name, *value;
} DiskCookie;

/* Part of an image, in bytes. */
typedef struct DiskSlice {
        SrcLoc loc;
        char *type; /* "storage" */
        OptU64 offset, size;
} DiskSlice;

/* Persistent reservations on a SCSI unit: a helper has the privilege that QEMU lacks. */
typedef struct DiskReservations {
        SrcLoc loc;
        Tristate managed;
        char *type, *path, *mode; /* "unix", the helper's socket, "client" */
} DiskReservations;

/* Where the bytes of one image are: a disk's own, or one it is backed by. */
typedef struct DiskSource DiskSource;
struct DiskSource {
        SrcLoc loc; /* of <source> */
        DiskType type;
        DiskFormat format;     /* raw when absent, never guessed */
        OptU64 metadata_cache; /* bytes */
        char *path;            /* file= or dev= or dir=; vhostuser: the socket */
        DiskStartup startup;
        DeviceSeclabel *seclabels;
        size_t n_seclabels;
        DiskSlice *slices; /* one at most */
        size_t n_slices;
        DiskReservations reservations;
        DiskAuth auth;
        DiskEncryption encryption;
        /* network */
        DiskProtocol protocol;
        char *name, *query;
        Tristate tls;
        char *tls_hostname;
        DiskHost *hosts;
        size_t n_hosts;
        char *snapshot, *config; /* rbd */
        char *initiator;         /* iscsi */
        Tristate ssl_verify;
        DiskCookie *cookies;
        size_t n_cookies;
        OptU64 readahead; /* bytes */
        OptU64 timeout;   /* seconds */
        char *nfs_user, *nfs_group;
        /* volume */
        char *pool, *volume;
        VolumeMode volume_mode;
        /* nvme, vhostuser */
        char *subtype; /* "pci", "unix" */
        Tristate managed;
        OptU64 nvme_namespace;
        DeviceAddress address;
        SrcLoc reconnect_loc;
        Tristate reconnect;
        OptUint reconnect_timeout; /* seconds */
        /* What is below, as far as it is written down: owned; of no type when there is nothing below, and that is
         * written down. NULL: the image itself says. */
        DiskSource *backing;
};

typedef enum IotuneValue {
        IOTUNE_TOTAL_BYTES_SEC,
        IOTUNE_READ_BYTES_SEC,
        IOTUNE_WRITE_BYTES_SEC,
        IOTUNE_TOTAL_IOPS_SEC,
        IOTUNE_READ_IOPS_SEC,
        IOTUNE_WRITE_IOPS_SEC,
        IOTUNE_TOTAL_BYTES_SEC_MAX,
        IOTUNE_READ_BYTES_SEC_MAX,
        IOTUNE_WRITE_BYTES_SEC_MAX,
        IOTUNE_TOTAL_IOPS_SEC_MAX,
        IOTUNE_READ_IOPS_SEC_MAX,
        IOTUNE_WRITE_IOPS_SEC_MAX,
        IOTUNE_SIZE_IOPS_SEC,
        IOTUNE_TOTAL_BYTES_SEC_MAX_LENGTH,
        IOTUNE_READ_BYTES_SEC_MAX_LENGTH,
        IOTUNE_WRITE_BYTES_SEC_MAX_LENGTH,
        IOTUNE_TOTAL_IOPS_SEC_MAX_LENGTH,
        IOTUNE_READ_IOPS_SEC_MAX_LENGTH,
        IOTUNE_WRITE_IOPS_SEC_MAX_LENGTH,
        _IOTUNE_MAX,
} IotuneValue;

/* <iotune>: limits of throughput. */
typedef struct DiskIotune {
        SrcLoc loc;
        OptU64 values[_IOTUNE_MAX];
        char *group; /* disks of one group share one limit */
} DiskIotune;

typedef struct DomainDisk {
        DeviceInfo info;
        DiskSource source;
        DiskAuth auth;             /* where libvirt once had them: beside <source> */
        DiskEncryption encryption;
        DiskDevice device;
        DiskModel model;
        Tristate rawio;
        DiskSgio sgio;
        DiskSnapshot snapshot;
        char *target_dev; /* "vda": mandatory */
        DiskBus bus;
        unsigned turn; /* when it gets its address; see domain_complete() */
        Tristate removable;
        OptUint rotation_rate;
        TrayState tray;
        char *driver_name; /* "qemu" */
        DiskCache cache;
        DiskIo io;
        DiskDiscard discard;
        DiskDetectZeroes detect_zeroes;
        DiskErrorPolicy error_policy, rerror_policy;
        Tristate copy_on_read, event_idx, ioeventfd;
        OptUint queues, queue_size, iothread;
        bool readonly, shareable, transient;
        Tristate share_backing; /* of a transient disk */
        char *serial, *wwn, *vendor, *product;
        OptUint cylinders, heads, sectors;
        GeometryTranslation translation;
        OptUint logical_block_size, physical_block_size, discard_granularity;
        DiskIotune iotune;
        VirtioOptions virtio;
} DomainDisk;

/* Nothing is in the drive. */
bool disk_source_is_empty(const DiskSource *s) _pure_;
/* On this machine, by a path. */
bool disk_source_is_local(const DiskSource *s) _pure_;
/* Wherever they stand; NULL when there are none. Only the disk's own image can have them beside <source>. */
const DiskAuth *disk_auth(const DomainDisk *disk) _pure_;
const DiskEncryption *disk_encryption(const DomainDisk *disk) _pure_;
bool disk_is_read_only(const DomainDisk *disk) _pure_;
bool disk_iotune_is_set(const DiskIotune *t) _pure_;
/* Frees what S owns, the chain below included, and leaves {}. */
void disk_source_done(DiskSource *s);
void disk_done(DomainDisk *d);
