/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "domain-validate.h"
#include "string-util.h"

/* Checks of the images behind a disk: the source, and what is below it. */

typedef struct SourceCheck {
        const Domain *d;
        const DomainDisk *disk;
        const DiskSource *source;
        bool below; /* an image the disk's own is backed by */
        Diag *diag;
} SourceCheck;

static SrcLoc place(const SourceCheck *c) {
        return c->below && c->source->loc.line > 0 ? c->source->loc : c->disk->info.loc;
}

static const char *disk_name(const SourceCheck *c) {
        return strempty(c->disk->target_dev);
}

#define problem(c, format, ...)                                                                              \
        (void) diag_error((c)->diag, place(c), "disk '%s': " format, disk_name(c), ##__VA_ARGS__)

/* --- format --- */

/* Words of libvirt's that QEMU has no driver for, or that have a better way to say them. */
#define REFUSED_FORMATS                                                                                      \
        (BIT(FORMAT_ISO) | BIT(FORMAT_LUKS) | BIT(FORMAT_VHDX) | BIT(FORMAT_PARALLELS) | BIT(FORMAT_DIR) |   \
         BIT(FORMAT_VHD) | BIT(FORMAT_COW))
#define BACKED_FORMATS (BIT(FORMAT_QCOW2) | BIT(FORMAT_QCOW) | BIT(FORMAT_QED) | BIT(FORMAT_VMDK))

static void check_format(const SourceCheck *c) {
        const DiskSource *s = c->source;
        DiskFormat format = s->format == FORMAT_UNSET ? FORMAT_RAW : s->format;
        const char *word = disk_format_to_string(format);

        if (format == FORMAT_LUKS)
                problem(c, "format 'luks' is written as format 'raw' with <encryption format='luks'>");
        else if (IN_SET(format, REFUSED_FORMATS))
                refuse(c->diag, place(c), "disk format", word);
        else if (format == FORMAT_FAT && s->type != DISK_DIR)
                problem(c, "format 'fat' is for type 'dir' only");
        else if (s->type == DISK_DIR && format != FORMAT_FAT)
                problem(c, "type 'dir' needs format 'fat', not '%s'", word);
        if (s->type == DISK_DIR && !c->below && !disk_is_read_only(c->disk) && !disk_source_is_empty(s))
                problem(c, "a directory cannot be written as a FAT file system; add <readonly/>");
        if (s->metadata_cache.set && format != FORMAT_QCOW2)
                problem(c, "metadata_cache is for format 'qcow2' only, not for '%s'", word);
        if (s->backing && s->backing->type != DISK_UNSET && !IN_SET(format, BACKED_FORMATS) &&
            !disk_source_is_empty(s))
                problem(c, "format '%s' has no backing file, but there is a <backingStore>", word);
}

/* --- secrets --- */

static void check_secret(const SourceCheck *c, const SecretRef *secret) {
        if (secret->has_uuid && secret->usage)
                (void) diag_error(c->diag, secret->loc,
                                  "disk '%s': a secret has either @uuid or @usage, not both", disk_name(c));
        else if (!secret->has_uuid && isempty(secret->usage))
                (void) diag_error(c->diag, secret->loc, "disk '%s': a secret needs @uuid or @usage",
                                  disk_name(c));
}

static void check_auth(const SourceCheck *c, const DiskAuth *auth) {
        const DiskSource *s = c->source;
        const char *protocol = strempty(disk_protocol_to_string(s->protocol));
        SecretUse use = s->protocol == PROTO_ISCSI ? SECRET_ISCSI
                        : s->protocol == PROTO_RBD ? SECRET_CEPH
                                                   : SECRET_UNSET;

        if (s->type != DISK_NETWORK) {
                (void) diag_error(c->diag, auth->loc, "disk '%s': auth is for type 'network' only",
                                  disk_name(c));
                return;
        }
        if (use == SECRET_UNSET)
                (void) diag_error(c->diag, auth->loc, "disk '%s': protocol '%s' has no auth", disk_name(c),
                                  protocol);
        else if (auth->secret.use != use && auth->secret.use != SECRET_UNSET)
                (void) diag_error(c->diag, auth->secret.loc,
                                  "disk '%s': protocol '%s' needs a secret of type '%s', not '%s'",
                                  disk_name(c), protocol, secret_use_to_string(use),
                                  secret_use_to_string(auth->secret.use));
        check_secret(c, &auth->secret);
}

static void check_encryption(const SourceCheck *c, const DiskEncryption *e) {
        const DiskSource *s = c->source;
        bool librbd = e->engine == ENGINE_LIBRBD;
        const char *name = disk_name(c);

        if (e->format == ENCRYPTION_DEFAULT || e->format == ENCRYPTION_QCOW)
                (void) diag_error(
                        c->diag, e->loc,
                        "disk '%s': the old encryption of qcow and qcow2 is not supported, use format 'luks'",
                        name);
        else if (e->format == ENCRYPTION_LUKS2 && !librbd)
                (void) diag_error(c->diag, e->loc,
                                  "disk '%s': encryption format 'luks2' needs engine 'librbd'", name);
        if (librbd && (s->type != DISK_NETWORK || s->protocol != PROTO_RBD))
                (void) diag_error(c->diag, e->loc,
                                  "disk '%s': encryption engine 'librbd' is for protocol 'rbd' only", name);
        if (s->format != FORMAT_UNSET && s->format != FORMAT_RAW && s->format != FORMAT_QCOW2)
                (void) diag_error(c->diag, e->loc,
                                  "disk '%s': encryption needs format 'raw' or 'qcow2', not '%s'", name,
                                  disk_format_to_string(s->format));
        if (e->n_secrets == 0)
                (void) diag_error(c->diag, e->loc, "disk '%s': encryption needs a <secret>", name);
        FOREACH_ARRAY(secret, e->secrets, e->n_secrets) {
                if (secret->use != SECRET_PASSPHRASE && secret->use != SECRET_UNSET)
                        (void) diag_error(
                                c->diag, secret->loc,
                                "disk '%s': encryption needs a secret of type 'passphrase', not '%s'", name,
                                secret_use_to_string(secret->use));
                check_secret(c, secret);
        }
}

static void check_secrets(const SourceCheck *c) {
        const DiskAuth *auth = c->below ? NULL : disk_auth(c->disk);
        const DiskEncryption *encryption = c->below ? NULL : disk_encryption(c->disk);

        if (!auth && c->source->auth.loc.line > 0)
                auth = &c->source->auth;
        if (!encryption && c->source->encryption.loc.line > 0)
                encryption = &c->source->encryption;
        if (auth)
                check_auth(c, auth);
        if (encryption)
                check_encryption(c, encryption);
        if (c->below)
                return;
        if (c->disk->auth.loc.line > 0 && c->source->auth.loc.line > 0)
                (void) diag_error(c->diag, c->disk->auth.loc,
                                  "disk '%s': auth stands in <disk> and in <source>", disk_name(c));
        if (c->disk->encryption.loc.line > 0 && c->source->encryption.loc.line > 0)
                (void) diag_error(c->diag, c->disk->encryption.loc,
                                  "disk '%s': encryption stands in <disk> and in <source>", disk_name(c));
}

/* --- network --- */

typedef enum NetworkFlags {
        NET_ONE_HOST = 1 << 0,  /* exactly one */
        NET_ANY_HOSTS = 1 << 1, /* none is fine, too */
        NET_UNIX = 1 << 2,      /* sockets are understood */
        NET_NO_NAME = 1 << 3,
        NET_TWO_PARTS = 1 << 4, /* the name is POOL/IMAGE */
        NET_MISSING = 1 << 5,   /* QEMU cannot do it (any more) */
} NetworkFlags;

static const NetworkFlags network_flags[_PROTO_MAX] = {
        [PROTO_NBD] = NET_ONE_HOST | NET_UNIX | NET_NO_NAME,
        [PROTO_RBD] = NET_ANY_HOSTS | NET_TWO_PARTS,
        [PROTO_SHEEPDOG] = NET_MISSING,
        [PROTO_GLUSTER] = NET_UNIX | NET_TWO_PARTS,
        [PROTO_ISCSI] = NET_ONE_HOST,
        [PROTO_HTTP] = NET_ONE_HOST,
        [PROTO_HTTPS] = NET_ONE_HOST,
        [PROTO_FTP] = NET_ONE_HOST,
        [PROTO_FTPS] = NET_ONE_HOST,
        [PROTO_TFTP] = NET_MISSING,
        [PROTO_SSH] = NET_ONE_HOST,
        [PROTO_VXHS] = NET_MISSING,
        [PROTO_NFS] = NET_ONE_HOST,
};

static void check_host(const SourceCheck *c, const DiskHost *h, NetworkFlags flags) {
        const char *name = disk_name(c), *protocol = disk_protocol_to_string(c->source->protocol);

        if (h->transport == TRANSPORT_RDMA)
                (void) diag_error(c->diag, h->loc, "not supported: disk '%s': transport 'rdma'", name);
        else if (h->transport == TRANSPORT_UNIX && !(flags & NET_UNIX))
                (void) diag_error(c->diag, h->loc, "disk '%s': protocol '%s' has no transport 'unix'", name,
                                  protocol);
        else if (h->transport == TRANSPORT_UNIX && isempty(h->socket))
                (void) diag_error(c->diag, h->loc, "disk '%s': a host with transport 'unix' needs @socket",
                                  name);
        else if (h->transport == TRANSPORT_UNIX)
                check_path(c->diag, h->loc, "socket", h->socket);
        else if (h->socket)
                (void) diag_error(c->diag, h->loc, "disk '%s': a host's @socket needs transport 'unix'",
                                  name);
        else if (isempty(h->name))
                (void) diag_error(c->diag, h->loc, "disk '%s': a host needs @name", name);
        else if (!in_charset(h->name, ALPHANUMERICAL "_.-:%[]"))
                (void) diag_error(c->diag, h->loc,
                                  "disk '%s': host '%s' has characters that are not a host's", name, h->name);
        if (c->source->protocol == PROTO_NFS && h->port.set && h->port.value > 0)
                (void) diag_error(c->diag, h->loc, "disk '%s': a host of protocol 'nfs' has no port", name);
}

/* RFC 6265, section 4.1.1. */
#define COOKIE_NAME ALPHANUMERICAL "!#$%&'*+-.^_`|~"
#define COOKIE_VALUE COOKIE_NAME "()/:<=>?@[]{}"

static void check_cookies(const SourceCheck *c) {
        const DiskSource *s = c->source;

        FOREACH_ARRAY(k, s->cookies, s->n_cookies) {
                const char *value = strempty(k->value);
                size_t length = strlen(value);
                bool quoted = length >= 2 && value[0] == '"' && value[length - 1] == '"';
                _cleanup_free_ char *inner = strndup(value + quoted, length - 2U * quoted);

                if (isempty(k->name) || !in_charset(k->name, COOKIE_NAME))
                        (void) diag_error(c->diag, k->loc, "disk '%s': '%s' is not the name of a cookie",
                                          disk_name(c), strempty(k->name));
                if (length == 0)
                        (void) diag_error(c->diag, k->loc, "disk '%s': cookie '%s' has no value",
                                          disk_name(c), strempty(k->name));
                else if (!in_charset(strempty(inner),
                                     COOKIE_VALUE)) /* the value is a secret: not in a message */
                        (void) diag_error(
                                c->diag, k->loc,
                                "disk '%s': the value of cookie '%s' has characters that cannot be in one",
                                disk_name(c), strempty(k->name));
                for (const DiskCookie *other = s->cookies; other < k; other++)
                        if (streq_ptr(other->name, k->name)) {
                                (void) diag_error(c->diag, k->loc, "disk '%s': cookie '%s' is given twice",
                                                  disk_name(c), k->name);
                                break;
                        }
        }
}

static void check_name(const SourceCheck *c, NetworkFlags flags) {
        const DiskSource *s = c->source;
        const char *protocol = disk_protocol_to_string(s->protocol), *slash = strchr(strempty(s->name), '/');

        if (!s->name) {
                if (!(flags & NET_NO_NAME))
                        problem(c, "protocol '%s' needs @name of the source", protocol);
                return;
        }
        if ((flags & NET_TWO_PARTS) && (!slash || slash == s->name || !slash[1]))
                problem(c, "'%s' is not a name of protocol '%s' (%s)", s->name, protocol,
                        s->protocol == PROTO_RBD ? "POOL/IMAGE" : "VOLUME/IMAGE");
        if (s->protocol == PROTO_ISCSI && slash &&
            (!slash[1] || strlen(slash + 1) > 9 || !in_charset(slash + 1, DIGITS)))
                problem(c, "'%s' is not the name of an iSCSI unit (TARGET/NUMBER)", s->name);
}

/* "+0" or the name of a user, which only the host can know. */
static bool is_identity(const char *s) {
        return !s || (*s == '+' && s[1] && strlen(s) <= 10 && in_charset(s + 1, DIGITS)) ||
               (*s && *s != '-' && in_charset(s, ALPHANUMERICAL "_.-@$\\"));
}

static void check_network(const SourceCheck *c) {
        const DiskSource *s = c->source;
        NetworkFlags flags = network_flags[s->protocol];
        const char *protocol = disk_protocol_to_string(s->protocol);

        if (flags & NET_MISSING) {
                refuse(c->diag, place(c), "disk protocol", protocol);
                return;
        }
        check_name(c, flags);
        if (s->n_hosts == 0 && !(flags & NET_ANY_HOSTS))
                problem(c, "protocol '%s' needs a <host>", protocol);
        else if (s->n_hosts > 1 && (flags & NET_ONE_HOST))
                problem(c, "protocol '%s' has one <host> only, not %zu", protocol, s->n_hosts);
        FOREACH_ARRAY(h, s->hosts, s->n_hosts)
                check_host(c, h, flags);
        if (s->tls == TRI_YES && s->protocol != PROTO_NBD)
                problem(c, "protocol '%s' has no tls", protocol);
        check_path(c->diag, place(c), "config @file", s->config);
        check_cookies(c);
        if (!is_identity(s->nfs_user) || !is_identity(s->nfs_group))
                problem(c, "identity: '%s' is not a user or group",
                        is_identity(s->nfs_user) ? s->nfs_group : s->nfs_user);
}

/* --- other types --- */

static void check_nvme(const SourceCheck *c) {
        const DiskSource *s = c->source;

        if (!streq_ptr(s->subtype, "pci"))
                problem(c, "an nvme source needs type 'pci'%s%s", s->subtype ? ", not " : "",
                        strempty(s->subtype));
        if (!s->nvme_namespace.set)
                problem(c, "an nvme source needs @namespace");
        else if (s->nvme_namespace.value == 0)
                problem(c, "the first namespace of an nvme device is 1");
        if (s->address.loc.line == 0)
                problem(c, "an nvme source needs an <address>");
}

static void check_vhostuser(const SourceCheck *c) {
        const DiskSource *s = c->source;
        const DomainDisk *disk = c->disk;
        const struct {
                const char *what;
                bool set;
        } refused[] = {
                {"readonly", disk_is_read_only(disk)},
                {"transient", disk->transient},
                {"serial", disk->serial},
                {"wwn", disk->wwn},
                {"vendor", disk->vendor},
                {"product", disk->product},
                {"shareable", disk->shareable},
                {"encryption", disk_encryption(disk)},
                {"auth", disk_auth(disk)},
                {"reservations", s->reservations.loc.line > 0},
                {"backingStore", s->backing},
                {"geometry", disk->cylinders.set || disk->heads.set || disk->sectors.set},
                {"blockio", disk->logical_block_size.set || disk->physical_block_size.set ||
                                    disk->discard_granularity.set},
                {"iotune", disk_iotune_is_set(&disk->iotune)},
                {"seclabel", s->n_seclabels > 0},
                {"cache", disk->cache != CACHE_UNSET && disk->cache != CACHE_DEFAULT},
                {"error_policy", disk->error_policy != ERRORS_UNSET},
                {"rerror_policy", disk->rerror_policy != ERRORS_UNSET},
                {"io", disk->io != IO_UNSET},
                {"ioeventfd", disk->ioeventfd != TRI_UNSET},
                {"copy_on_read", disk->copy_on_read != TRI_UNSET},
                {"discard", disk->discard != DISCARD_UNSET},
                {"iothread", disk->iothread.set},
                {"detect_zeroes", disk->detect_zeroes != ZEROES_UNSET},
                {"metadata_cache", s->metadata_cache.set},
        };

        if (!streq_ptr(s->subtype, "unix"))
                problem(c, "a vhostuser source needs type 'unix'%s%s", s->subtype ? ", not " : "",
                        strempty(s->subtype));
        check_path(c->diag, place(c), "vhostuser @path", s->path);
        if (disk->bus != BUS_VIRTIO)
                problem(c, "type 'vhostuser' is for bus 'virtio' only");
        if (s->reconnect == TRI_YES && !s->reconnect_timeout.set)
                (void) diag_error(c->diag, s->reconnect_loc, "disk '%s': reconnect needs @timeout",
                                  disk_name(c));
        if (disk->snapshot != SNAPSHOT_NO && disk->snapshot != SNAPSHOT_UNSET)
                problem(c, "type 'vhostuser' has snapshot 'no' only");
        FOREACH_ARRAY(r, refused, ELEMENTSOF(refused))
                if (r->set)
                        problem(c, "%s is not for type 'vhostuser'", r->what);
        if (!memory_is_shared(c->d))
                problem(c, "type 'vhostuser' needs shared memory (<memoryBacking> with <access "
                           "mode='shared'/>)");
}

static void check_startup(const SourceCheck *c) {
        const DiskSource *s = c->source;
        const DomainDisk *disk = c->disk;
        const char *word = disk_startup_to_string(s->startup);

        if (!word)
                return;
        if (s->type == DISK_NETWORK)
                problem(c, "startupPolicy '%s' is not for type 'network'", word);
        else if (s->startup == STARTUP_REQUISITE && disk->device != DEVICE_CDROM &&
                 disk->device != DEVICE_FLOPPY)
                problem(c, "startupPolicy 'requisite' is for cdrom and floppy only");
}

static void check_reservations(const SourceCheck *c) {
        const DiskReservations *r = &c->source->reservations;

        if (r->loc.line == 0)
                return;
        if (c->below || c->disk->device != DEVICE_LUN)
                (void) diag_error(c->diag, r->loc, "disk '%s': reservations are for device 'lun' only",
                                  disk_name(c));
        if (r->managed == TRI_NO && !r->path)
                (void) diag_error(c->diag, r->loc,
                                  "disk '%s': reservations that are not managed need a <source>",
                                  disk_name(c));
        if (r->type && !streq(r->type, "unix"))
                (void) diag_error(c->diag, r->loc,
                                  "disk '%s': reservations have a source of type 'unix', not '%s'",
                                  disk_name(c), r->type);
        if (r->mode && !streq(r->mode, "client"))
                (void) diag_error(c->diag, r->loc,
                                  "disk '%s': reservations have a source of mode 'client', not '%s'",
                                  disk_name(c), r->mode);
        check_path(c->diag, r->loc, "reservations @path", r->path);
}

static void check_slices(const SourceCheck *c) {
        const DiskSource *s = c->source;

        FOREACH_ARRAY(slice, s->slices, s->n_slices)
                if (slice->type && !streq(slice->type, "storage"))
                        (void) diag_error(c->diag, slice->loc, "disk '%s': slice @type: '%s' is not storage",
                                          disk_name(c), slice->type);
        if (s->n_slices > 1)
                (void) diag_error(c->diag, s->slices[1].loc, "disk '%s': there can be one slice only",
                                  disk_name(c));
        if (s->n_slices > 0 && !c->below && c->disk->device == DEVICE_LUN)
                problem(c, "a slice is not for device 'lun'");
}

static void check_disk_seclabels(const SourceCheck *c) {
        const DiskSource *s = c->source;

        FOREACH_ARRAY(l, s->seclabels, s->n_seclabels) {
                if (l->relabel == TRI_NO && l->label)
                        (void) diag_error(c->diag, l->loc,
                                          "disk '%s': seclabel with relabel='no' has no label", disk_name(c));
                for (const DeviceSeclabel *other = s->seclabels; other < l; other++)
                        if (streq_ptr(other->model, l->model)) {
                                (void) diag_error(c->diag, l->loc,
                                                  "disk '%s': there are two labels of one model",
                                                  disk_name(c));
                                break;
                        }
        }
}

static void check_one(const SourceCheck *c) {
        const DiskSource *s = c->source;
        bool removable = c->disk->device == DEVICE_CDROM || c->disk->device == DEVICE_FLOPPY;

        if (s->type == DISK_VHOSTVDPA)
                refuse(c->diag, place(c), "disk type", "vhostvdpa");
        else if (disk_source_is_empty(s)) {
                if (c->below)
                        problem(c, "a <backingStore> has no source");
                else if (!removable)
                        (void) diag_error(c->diag, place(c), "disk '%s' has no source", disk_name(c));
        } else if (s->type == DISK_NETWORK)
                check_network(c);
        else if (s->type == DISK_NVME)
                check_nvme(c);
        else if (s->type == DISK_VHOSTUSER && c->below)
                problem(c, "type 'vhostuser' cannot be below another image");
        else if (s->type == DISK_VHOSTUSER)
                check_vhostuser(c);
        else if (s->type == DISK_VOLUME) {
                if (isempty(s->pool) || isempty(s->volume))
                        problem(c, "a volume source needs @pool and @volume");
        } else if (*s->path != '/')
                problem(c, "source '%s' is not an absolute path", s->path);
        if (!c->below)
                check_startup(c);
        check_format(c);
        check_secrets(c);
        check_reservations(c);
        check_slices(c);
        check_disk_seclabels(c);
}

#define CHAIN_MAX 200U

void check_disk_source(const Domain *d, const DomainDisk *disk, Diag *diag) {
        SourceCheck c = {.d = d, .disk = disk, .source = &disk->source, .diag = diag};
        unsigned n = 1;

        check_one(&c);
        for (const DiskSource *s = disk->source.backing; s && s->type != DISK_UNSET; s = s->backing, n++) {
                c.source = s;
                c.below = true;
                check_one(&c);
        }
        if (n > CHAIN_MAX) {
                c.below = false;
                problem(&c, "more than %u images in a chain", CHAIN_MAX);
        }
}
