/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "qemu-device.h"
#include "qemu-disk.h"
#include "string-util.h"
#include "text.h"

/* --- cache --- */

/* What a cache mode means to the host's page cache, to flushes and to the guest's view. */
typedef struct CacheMode {
        bool direct, no_flush, writeback;
} CacheMode;

static const CacheMode cache_modes[_CACHE_MAX] = {
        [CACHE_NONE] = {.direct = true, .writeback = true},
        [CACHE_WRITETHROUGH] = {},
        [CACHE_WRITEBACK] = {.writeback = true},
        [CACHE_DIRECTSYNC] = {.direct = true},
        [CACHE_UNSAFE] = {.no_flush = true, .writeback = true},
};

/* What others write to as well the host's page cache would not know. */
static DiskCache cache_of(const DomainDisk *disk) {
        if (disk->cache != CACHE_UNSET && disk->cache != CACHE_DEFAULT)
                return disk->cache;
        return disk->shareable && !disk_is_read_only(disk) ? CACHE_NONE : CACHE_UNSET;
}

bool disk_has_cache(const DomainDisk *disk) {
        return cache_of(disk) != CACHE_UNSET;
}

bool disk_write_cache(const DomainDisk *disk) {
        return cache_modes[cache_of(disk)].writeback;
}

static void json_cache(Json *j, const DomainDisk *disk) {
        Json cache = {};

        if (!disk_has_cache(disk))
                return;
        json_add_bool(&cache, "direct", cache_modes[cache_of(disk)].direct);
        json_add_bool(&cache, "no-flush", cache_modes[cache_of(disk)].no_flush);
        json_add_sub(j, "cache", &cache);
}

/* --- the chain --- */

static const DiskChain *find_chain(const HostFacts *facts, const char *target_dev) {
        FOREACH_ARRAY(c, facts->chains, facts->n_chains)
                if (streq_ptr(c->target_dev, target_dev) && c->n_images > 0)
                        return c;
        return NULL;
}

size_t disk_chain_length(const Emit *e, const DomainDisk *disk) {
        const DiskChain *chain = find_chain(e->facts, disk->target_dev);
        size_t n = 1;

        if (disk_source_is_empty(&disk->source))
                return 1;
        for (const DiskSource *s = disk->source.backing; s && s->type != DISK_UNSET; s = s->backing)
                n++;
        return chain ? MAX(n, chain->n_images) : n;
}

/* --- one image --- */

static const DiskAuth *node_auth(const DiskNode *n) {
        return n->depth == 0                               ? disk_auth(n->disk)
               : n->source && n->source->auth.loc.line > 0 ? &n->source->auth
                                                           : NULL;
}

static const DiskEncryption *node_encryption(const DiskNode *n) {
        return n->depth == 0                                     ? disk_encryption(n->disk)
               : n->source && n->source->encryption.loc.line > 0 ? &n->source->encryption
                                                                 : NULL;
}

/* QEMU decrypts, not a library behind it. */
static bool is_encrypted(const DiskNode *n) {
        const DiskEncryption *e = node_encryption(n);
        return e && e->engine != ENGINE_LIBRBD;
}

static DiskFormat node_format(const DiskNode *n) {
        return n->source ? n->source->format : n->image->format;
}

bool disk_has_overlay(const Emit *e, const DomainDisk *disk) {
        return disk->transient && !e->native;
}

void json_add_top_format(const Emit *e, Json *j, const char *key, const DomainDisk *disk, unsigned id) {
        if (disk_has_overlay(e, disk))
                json_add_stringf(j, key, "overlay-%s", disk->target_dev);
        else
                json_add_stringf(j, key, "libvirt-%u-format", id);
}

static bool node_is_read_only(const DiskNode *n) {
        return n->depth > 0 || n->below_overlay || disk_is_read_only(n->disk);
}

static bool node_is_local(const DiskNode *n) {
        return !n->source || disk_source_is_local(n->source);
}

/* --- secrets --- */

/* What libvirt's object of that name looks like, without the data. */
static int emit_native_secret(Emit *e, const char *id) {
        _cleanup_qjson_ Json j = {};

        json_add_string(&j, "qom-type", "secret");
        json_add_string(&j, "id", id);
        json_add_string(&j, "data", "");
        json_add_string(&j, "keyid", "masterKey0");
        json_add_string(&j, "iv", "");
        json_add_string(&j, "format", "base64");
        emit_json(e, "-object", &j);
        return 0;
}

static char *cookies_text(const DiskSource *s) {
        _cleanup_text_ Text t = {};
        char *text;

        FOREACH_ARRAY(c, s->cookies, s->n_cookies)
                text_appendf(&t, "%s%s=%s", c > s->cookies ? "; " : "", c->name, c->value);
        return text_finish(&t, &text) < 0 ? NULL : text;
}

/* In an argument everybody could read it. KIND: "passphrase"; REF: where it is kept, or NULL for cookies, which are in the
 * definition. */
static int emit_secret(Emit *e, const DiskNode *n, const char *object, const char *kind, const SecretRef *ref, SrcLoc loc) {
        const char *dev = n->disk->target_dev;
        _cleanup_free_ char *id = strf("libvirt-%u-%s", n->id, object),
                            *name = n->depth == 0 ? strf("disk-%s-%s", dev, kind) : strf("disk-%s.%u-%s", dev, n->depth, kind),
                            *element = n->depth == 0 ? strf("the %s of disk %s", kind, dev)
                                                     : strf("the %s of backing file %u of disk %s", kind, n->depth, dev);

        if (!id || !name || !element)
                return -ENOMEM;
        if (e->native)
                return emit_native_secret(e, id);
        return emit_secret_object(e, id, name, element, loc, ref ? NULL : cookies_text(n->source), ref ? secret_credential(ref) : NULL);
}

static int emit_tls(Emit *e, const DiskNode *n) {
        _cleanup_qjson_ Json j = {};
        _cleanup_free_ char *element = strf("disk %s", n->disk->target_dev),
                            *dir = element ? emit_tls_dir(e, TLS_NBD, false, element, n->disk->info.loc) : NULL;

        if (!dir)
                return -ENOMEM;
        json_add_string(&j, "qom-type", "tls-creds-x509");
        json_add_stringf(&j, "id", "objlibvirt-%u-storage_tls0", n->id);
        json_add_string(&j, "dir", dir);
        json_add_string(&j, "endpoint", "client");
        json_add_bool(&j, "verify-peer", true);
        emit_json(e, "-object", &j);
        return 0;
}

static int emit_reservation_helper(Emit *e, SrcLoc loc, const char *id, const char *path) {
        _cleanup_qjson_ Json j = {};

        json_add_string(&j, "qom-type", "pr-manager-helper");
        json_add_string(&j, "id", id);
        json_add_string(&j, "path", path);
        emit_json(e, "-object", &j);
        return emit_refused(e, loc, "<reservations>",
                            "QEMU would have to find the helper's socket again and again by its path, which it does not see");
}

/* One helper for all disks that have none of their own. */
int emit_reservations(Emit *e) {
        const Domain *d = e->domain;

        FOREACH_ARRAY(disk, d->disks, d->n_disks) {
                const DiskReservations *r = &disk->source.reservations;
                if (r->managed != TRI_YES)
                        continue;
                _cleanup_free_ char *path = strf("%s/pr-helper0.sock", e->runtime_dir);
                return path ? emit_reservation_helper(e, r->loc, "pr-helper0", path) : -ENOMEM;
        }
        return 0;
}

/* The objects a node refers to come before it. */
static int emit_objects(Emit *e, const DiskNode *n) {
        const DiskSource *s = n->source;
        const DiskAuth *auth = node_auth(n);
        const DiskEncryption *encryption = node_encryption(n);
        int r = 0;

        if (!s)
                return 0;
        if (s->reservations.managed == TRI_NO && s->reservations.path) {
                _cleanup_free_ char *id = strf("pr-helper-libvirt-%u-storage", n->id);
                r = id ? emit_reservation_helper(e, s->reservations.loc, id, s->reservations.path) : -ENOMEM;
        }
        if (r >= 0 && auth)
                r = emit_secret(e, n, NODE_AUTH, "password", &auth->secret, auth->secret.loc);
        if (r >= 0 && encryption)
                r = emit_secret(e, n, NODE_ENCRYPTION, "passphrase", &encryption->secrets[0], encryption->secrets[0].loc);
        if (r >= 0 && s->n_cookies > 0)
                r = emit_secret(e, n, NODE_COOKIES, "cookies", NULL, s->cookies[0].loc);
        if (r >= 0 && s->tls == TRI_YES)
                r = emit_tls(e, n);
        return r;
}

static Labelling labelling_of(const DiskNode *n) {
        if (n->depth == 0 && n->disk->shareable)
                return LABELLING_SHARED;
        return node_is_read_only(n) ? LABELLING_CONTENT : LABELLING_IMAGE;
}

static int json_local(Emit *e, Json *j, const DiskNode *n) {
        const DomainDisk *disk = n->disk;
        bool read_only = node_is_read_only(n);
        bool block_device = n->image ? n->image->block_device : n->source->type == DISK_BLOCK;
        _cleanup_free_ char *name = n->depth == 0 ? strf("disk-%s", disk->target_dev)
                                                  : strf("disk-%s.%u", disk->target_dev, n->depth),
                            *element = n->depth == 0 ? strf("disk %s", disk->target_dev)
                                                     : strf("backing file of disk %s", disk->target_dev),
                            *file = NULL;

        if (!name || !element)
                return -ENOMEM;
        FileRequest request = {
                .name = name,
                .path = n->image ? n->image->path : n->source->path,
                .element = element,
                .loc = disk->info.loc,
                .writable = !read_only,
                .read_only_image = read_only,
                .block_device = block_device,
                .labelling = labelling_of(n),
        };
        /* What is written at the disk holds for what is below it. */
        const DiskSource *labelled = n->source && n->source->n_seclabels > 0 ? n->source : &disk->source;
        file_request_seclabel(&request, labelled->seclabels, labelled->n_seclabels);
        file = emit_file(e, &request);
        json_add_string(j, "driver", block_device ? "host_device" : "file");
        json_add_string(j, "filename", file);
        json_add_string(j, "aio", disk_io_to_string(disk->io));
        if (n->source && n->source->reservations.managed == TRI_YES)
                json_add_string(j, "pr-manager", "pr-helper0");
        else if (n->source && n->source->reservations.path)
                json_add_stringf(j, "pr-manager", "pr-helper-libvirt-%u-storage", n->id);
        return file ? 0 : -ENOMEM;
}

static int json_directory(Emit *e, Json *j, const DiskNode *n) {
        json_add_string(j, "driver", "vvfat");
        json_add_string(j, "dir", n->source->path);
        json_add_bool(j, "floppy", n->depth == 0 && n->disk->device == DEVICE_FLOPPY);
        json_add_bool(j, "rw", false);
        return emit_refused(e, n->disk->info.loc, "a disk of type 'dir'",
                            "QEMU does not see directories of the host: use <filesystem>, or an image made of the directory");
}

static int json_nvme(Emit *e, Json *j, const DiskNode *n) {
        const DeviceAddress *a = &n->source->address;

        json_add_string(j, "driver", "nvme");
        json_add_stringf(j, "device", "%04x:%02x:%02x.%x", a->domain.value, a->bus.value, a->slot.value,
                         a->function.value);
        json_add_uint(j, "namespace", n->source->nvme_namespace.value);
        return emit_unwired(e, n->disk->info.loc, "a disk of type 'nvme'");
}

static int json_source(Emit *e, Json *j, const DiskNode *n) {
        const DiskSource *s = n->source;

        if (node_is_local(n))
                return json_local(e, j, n);
        switch (s->type) {
        case DISK_NETWORK:
                return json_network_source(e, j, n, node_auth(n), node_encryption(n));
        case DISK_DIR:
                return json_directory(e, j, n);
        case DISK_NVME:
                return json_nvme(e, j, n);
        case DISK_VOLUME:
                return diag_error(
                        e->diag, n->disk->info.loc,
                        "not supported: disk %s: volume '%s' of pool '%s' (there are no storage pools yet)",
                        n->disk->target_dev, s->volume, s->pool);
        default:
                return diag_error(e->diag, n->disk->info.loc, "not supported: disk %s: type '%s'",
                                  n->disk->target_dev, strempty(disk_type_to_string(s->type)));
        }
}

static int emit_storage(Emit *e, const DiskNode *n) {
        _cleanup_qjson_ Json j = {};
        int r = json_source(e, &j, n);

        if (r < 0)
                return r;
        json_add_stringf(&j, "node-name", "libvirt-%u-storage", n->id);
        json_cache(&j, n->disk);
        /* A descriptor is open for reading or for both, once and for all. */
        if (e->native || !node_is_local(n))
                json_add_bool(&j, "auto-read-only", true);
        else
                json_add_bool(&j, "read-only", node_is_read_only(n));
        json_add_string(&j, "discard", "unmap");
        emit_json(e, "-blockdev", &j);
        return 0;
}

/* Raw images can be cut by the format node itself. */
static bool has_slice_node(const DiskNode *n) {
        return n->source && n->source->n_slices > 0 && (node_format(n) != FORMAT_RAW || is_encrypted(n));
}

static void json_slice(Json *j, const DiskSource *s) {
        json_add_uint(j, "offset", s->slices[0].offset.value);
        json_add_uint(j, "size", s->slices[0].size.value);
}

static void emit_slice(Emit *e, const DiskNode *n) {
        _cleanup_qjson_ Json j = {};

        if (!has_slice_node(n))
                return;
        json_add_string(&j, "driver", "raw");
        json_add_stringf(&j, "node-name", "libvirt-%u-slice-sto", n->id);
        json_slice(&j, n->source);
        json_add_stringf(&j, "file", "libvirt-%u-storage", n->id);
        json_add_bool(&j, "auto-read-only", true);
        json_add_string(&j, "discard", "unmap");
        emit_json(e, "-blockdev", &j);
}

static const char *format_driver(DiskFormat format) {
        switch (format) {
        case FORMAT_ISO:
        case FORMAT_FAT:
        case FORMAT_UNSET:
                return "raw";
        case FORMAT_PLOOP:
                return "parallels";
        default:
                return disk_format_to_string(format);
        }
}

static void json_encryption(Json *j, const DiskNode *n) {
        Json encrypt = {};

        if (!is_encrypted(n))
                return;
        if (node_format(n) == FORMAT_QCOW2) {
                json_add_string(&encrypt, "format", "luks");
                json_add_stringf(&encrypt, "key-secret", "libvirt-%u-" NODE_ENCRYPTION, n->id);
                json_add_sub(j, "encrypt", &encrypt);
        } else
                json_add_stringf(j, "key-secret", "libvirt-%u-" NODE_ENCRYPTION, n->id);
}

static bool format_has_backing(DiskFormat format) {
        return format == FORMAT_QCOW2 || format == FORMAT_QCOW || format == FORMAT_QED ||
               format == FORMAT_VMDK;
}

static DiskDetectZeroes zeroes_of(const DomainDisk *disk) {
        return disk->detect_zeroes == ZEROES_UNMAP && disk->discard != DISCARD_UNMAP ? ZEROES_ON : disk->detect_zeroes;
}

static void emit_format(Emit *e, const DiskNode *n) {
        _cleanup_qjson_ Json j = {};
        const DomainDisk *disk = n->disk;
        DiskFormat format = node_format(n);

        json_add_stringf(&j, "node-name", "libvirt-%u-format", n->id);
        json_add_bool(&j, "read-only", node_is_read_only(n));
        json_add_string(&j, "discard", disk_discard_to_string(disk->discard));
        if (n->depth == 0)
                json_add_string(&j, "detect-zeroes", disk_detect_zeroes_to_string(zeroes_of(disk)));
        json_cache(&j, disk);
        json_add_string(&j, "driver",
                        is_encrypted(n) && format == FORMAT_RAW ? "luks" : format_driver(format));
        json_encryption(&j, n);
        if (n->source && n->source->metadata_cache.set && format == FORMAT_QCOW2)
                json_add_uint(&j, "cache-size", n->source->metadata_cache.value);
        if (n->source && n->source->n_slices > 0 && !has_slice_node(n))
                json_slice(&j, n->source);
        json_add_stringf(&j, "file", has_slice_node(n) ? "libvirt-%u-slice-sto" : "libvirt-%u-storage",
                         n->id);
        if (n->backing > 0)
                json_add_stringf(&j, "backing", "libvirt-%u-format", n->backing);
        else if (n->is_last && format_has_backing(format))
                json_add_null(&j, "backing"); /* QEMU must not go looking for one itself */
        emit_json(e, "-blockdev", &j);
}

static int emit_node(Emit *e, const DiskNode *n) {
        int r = emit_objects(e, n);

        if (r >= 0)
                r = emit_storage(e, n);
        if (r < 0)
                return r;
        emit_slice(e, n);
        emit_format(e, n);
        return 0;
}

/* --- on top of the chain --- */

/* The step that prepares the start makes it, as large as the image, without a name beside it. */
static int emit_overlay(Emit *e, const DomainDisk *disk, unsigned id) {
        _cleanup_free_ char *name = strf("overlay-%s", disk->target_dev), *element = strf("disk %s", disk->target_dev);
        _cleanup_qjson_ Json storage = {}, format = {};
        const DiskEncryption *encryption = disk_encryption(disk);
        _cleanup_options_ Options o = {};

        if (!disk_has_overlay(e, disk))
                return 0;
        if (encryption || disk->source.n_slices > 0)
                return emit_refused(e, disk->info.loc, "a transient disk", encryption ? "what is written to it would not be encrypted" :
                                    "its image has a <slice>");
        PlanFd *fd = name && element ? emit_fd(e, PLAN_FD_OVERLAY, name, element, disk->info.loc, 1) : NULL;
        if (!fd || free_and_strdup(&fd->path, disk->source.path) < 0)
                return -ENOMEM;
        fd->format = disk->source.format;
        fd->labelling = LABELLING_IMAGE;
        fd->writable = true;
        fd->fdset = e->next_fdset++;
        options_addf(&o, "fd", "%u", fd->number);
        options_addf(&o, "set", "%d", fd->fdset);
        options_add(&o, "opaque", name);
        json_add_string(&storage, "driver", "file");
        json_add_stringf(&storage, "filename", "/dev/fdset/%d", fd->fdset);
        json_add_stringf(&storage, "node-name", "overlay-%s-storage", disk->target_dev);
        json_cache(&storage, disk);
        json_add_bool(&storage, "read-only", false);
        json_add_string(&storage, "discard", "unmap");
        json_add_top_format(e, &format, "node-name", disk, id);
        json_add_bool(&format, "read-only", false);
        json_add_string(&format, "discard", disk_discard_to_string(disk->discard));
        json_add_string(&format, "detect-zeroes", disk_detect_zeroes_to_string(zeroes_of(disk)));
        json_cache(&format, disk);
        json_add_string(&format, "driver", "qcow2");
        json_add_stringf(&format, "file", "overlay-%s-storage", disk->target_dev);
        json_add_stringf(&format, "backing", "libvirt-%u-format", id);
        emit_options(e, "-add-fd", &o);
        emit_json(e, "-blockdev", &storage);
        emit_json(e, "-blockdev", &format);
        return 0;
}

static void emit_copy_on_read(Emit *e, const DomainDisk *disk, unsigned id) {
        _cleanup_qjson_ Json j = {};

        if (disk->copy_on_read != TRI_YES)
                return;
        json_add_string(&j, "driver", "copy-on-read");
        json_add_stringf(&j, "node-name", "libvirt-CoR-%s", disk->target_dev);
        json_add_top_format(e, &j, "file", disk, id);
        json_add_string(&j, "discard", "unmap");
        emit_json(e, "-blockdev", &j);
}

/* libvirt sets limits when QEMU runs, so they are not among the arguments for people. Here they are there
 * before the guest's first request. */
bool disk_has_throttle(const Emit *e, const DomainDisk *disk) {
        return !e->native && disk_iotune_is_set(&disk->iotune) && !disk_source_is_empty(&disk->source);
}

/* In the order of IotuneValue. */
static const char *const throttle_words[_IOTUNE_MAX] = {
        "bps-total",
        "bps-read",
        "bps-write",
        "iops-total",
        "iops-read",
        "iops-write",
        "bps-total-max",
        "bps-read-max",
        "bps-write-max",
        "iops-total-max",
        "iops-read-max",
        "iops-write-max",
        "iops-size",
        "bps-total-max-length",
        "bps-read-max-length",
        "bps-write-max-length",
        "iops-total-max-length",
        "iops-read-max-length",
        "iops-write-max-length",
};

/* QEMU's rules for bursts, which libvirt's XML does not have. */
static int check_bursts(Emit *e, const DomainDisk *disk) {
        const OptU64 *v = disk->iotune.values;
        int ret = 0;

        for (size_t i = 0; i < 6; i++) {
                uint64_t rate = v[IOTUNE_TOTAL_BYTES_SEC + i].value,
                         burst = v[IOTUNE_TOTAL_BYTES_SEC_MAX + i].value;
                uint64_t length = v[IOTUNE_TOTAL_BYTES_SEC_MAX_LENGTH + i].value;

                if (burst > 0 && burst < rate)
                        ret = diag_error(e->diag, disk->iotune.loc,
                                         "disk %s: iotune: a burst must be more than the limit (%s)",
                                         disk->target_dev, throttle_words[i]);
                else if (burst > 0 && rate == 0)
                        ret = diag_error(e->diag, disk->iotune.loc,
                                         "disk %s: iotune: a burst needs a limit (%s)", disk->target_dev,
                                         throttle_words[i]);
                else if (length > 1 && burst == 0)
                        ret = diag_error(e->diag, disk->iotune.loc,
                                         "disk %s: iotune: a length needs a burst (%s)", disk->target_dev,
                                         throttle_words[i]);
        }
        return ret;
}

static char *throttle_group(const Domain *d, const DomainDisk *disk) {
        if (!disk->iotune.group)
                return strf("throttle-%s", disk->target_dev);
        /* Names of objects are narrower than what a group may be called: the first disk of the group names
         * it. */
        FOREACH_ARRAY(first, d->disks, d->n_disks)
                if (streq_ptr(first->iotune.group, disk->iotune.group) &&
                    !disk_source_is_empty(&first->source))
                        return strf("throttle-group-%s", first->target_dev);
        return NULL;
}

static bool is_first_of_group(const Domain *d, const DomainDisk *disk) {
        for (const DomainDisk *other = d->disks; disk->iotune.group && other < disk; other++)
                if (streq_ptr(other->iotune.group, disk->iotune.group) &&
                    !disk_source_is_empty(&other->source))
                        return false;
        return true;
}

static int emit_throttle(Emit *e, const DomainDisk *disk, unsigned id) {
        _cleanup_free_ char *group = NULL;
        _cleanup_qjson_ Json object = {}, node = {};
        Json limits = {};

        if (!disk_has_throttle(e, disk))
                return 0;
        int r = check_bursts(e, disk);
        if (r < 0)
                return r;
        group = throttle_group(e->domain, disk);
        if (!group)
                return -ENOMEM;
        if (is_first_of_group(e->domain, disk)) {
                for (size_t i = 0; i < _IOTUNE_MAX; i++)
                        if (disk->iotune.values[i].set)
                                json_add_uint(&limits, throttle_words[i], disk->iotune.values[i].value);
                json_add_string(&object, "qom-type", "throttle-group");
                json_add_string(&object, "id", group);
                json_add_sub(&object, "limits", &limits);
                emit_json(e, "-object", &object);
        }
        json_add_string(&node, "driver", "throttle");
        json_add_stringf(&node, "node-name", "libvirt-throttle-%s", disk->target_dev);
        json_add_string(&node, "throttle-group", group);
        if (disk->copy_on_read == TRI_YES)
                json_add_stringf(&node, "file", "libvirt-CoR-%s", disk->target_dev);
        else
                json_add_top_format(e, &node, "file", disk, id);
        json_add_string(&node, "discard", "unmap");
        emit_json(e, "-blockdev", &node);
        return 0;
}

/* The lowest image first, as each refers to the one below. */
int emit_disk_nodes(Emit *e, const DomainDisk *disk, unsigned id) {
        const DiskChain *chain = find_chain(e->facts, disk->target_dev);
        size_t n = disk_chain_length(e, disk), k = 0;
        _cleanup_free_ DiskNode *nodes = calloc(n, sizeof(DiskNode));
        const DiskSource *s = &disk->source;
        int r = 0;

        if (!nodes)
                return -ENOMEM;
        for (; k < n; k++) {
                DiskNode *node = nodes + k;
                *node = (DiskNode){
                        .disk = disk,
                        .depth = (unsigned) k,
                        .id = id + (unsigned) k,
                        .below_overlay = disk_has_overlay(e, disk),
                        .source = s && s->type != DISK_UNSET ? s : NULL,
                        .image = chain && k < chain->n_images && chain->images[k].path ? chain->images + k
                                                                                       : NULL,
                        .backing = k + 1 < n ? id + (unsigned) k + 1 : 0,
                };
                s = s ? s->backing : NULL;
                node->is_last = k + 1 == n && (s || (chain && !chain->is_open));
        }
        while (k-- > 0) {
                int one = emit_node(e, nodes + k);
                if (one < 0)
                        r = one;
        }
        if (r < 0)
                return r;
        r = emit_overlay(e, disk, id);
        if (r < 0)
                return r;
        emit_copy_on_read(e, disk, id);
        return emit_throttle(e, disk, id);
}
