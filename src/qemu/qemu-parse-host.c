/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "parse-util.h"
#include "qemu-parse-model.h"

/* Devices of the host that the guest is given, and those that connect the two: directories, memory, smart cards and
 * USB devices of a viewer. */

/* Of the list's last element: R is what was found out so far; BACKEND (or NULL) is part of the model with it. */
#define FINISH_WITH(p, i, list, r, backend)                                                       \
        ({                                                                                        \
                Item *_backend = (backend);                                                       \
                int _k = (r);                                                                     \
                if (_k > 0)                                                                       \
                        item_refuse(i);                                                           \
                if (_k >= 0)                                                                      \
                        _k = PARSE_FINISH(p, i, list);                                            \
                if (_k == 0 && _backend)                                                          \
                        _backend->used = true;                                                    \
                _k;                                                                               \
        })

/* A back end nobody else has. */
static Item *find_free(const Parse *p, const char *option, const char *id) {
        Item *i = items_find(&p->items, option, id);

        return i && !i->used ? i : NULL;
}

/* --- PCI and mediated devices, USB devices --- */

/* "0000:01:00.0", "01:00.0" */
static bool read_host_address(const char *s, DeviceAddress *a) {
        unsigned domain = 0, bus, slot, function;
        int n = 0;

        if (!in_charset(s, DIGITS "abcdefABCDEF:."))
                return false;
        if ((sscanf(s, "%4x:%2x:%2x.%1x%n", &domain, &bus, &slot, &function, &n) != 4 || s[n]) &&
            (sscanf(s, "%2x:%2x.%1x%n", &bus, &slot, &function, &n) != 3 || s[n]))
                return false;
        if (strspn(s, "0123456789abcdefABCDEF:.") != strlen(s))
                return false;
        a->type = ADDRESS_PCI;
        a->domain = OPT_UINT(strchr(s, ':') == strrchr(s, ':') ? 0 : domain);
        a->bus = OPT_UINT(bus);
        a->slot = OPT_UINT(slot);
        a->function = OPT_UINT(function);
        return slot <= 0x1f && function <= 7;
}

static bool read_mdev(Item *i, DomainHostdev *h) {
        static const PropRow rows[] = {
                PROP("display", PROP_TRISTATE, DomainHostdev, display),
                PROP("ramfb", PROP_TRISTATE, DomainHostdev, ramfb),
                PROPS_END,
        };
        const char *path = item_get(i, "sysfsdev"), *uuid = path ? startswith(path, "/sys/bus/mdev/devices/") : NULL;

        if (!uuid || strlen(uuid) != 36 || parse_uuid(uuid, h->uuid) < 0)
                return false;
        h->type = HOSTDEV_MDEV;
        h->model = HOSTDEV_MODEL_VFIO_PCI;
        h->has_uuid = true;
        (void) item_take(i, "sysfsdev");
        return props_apply(i, rows, h) >= 0;
}

static DomainHostdev *add_hostdev(Parse *p, HostdevType type) {
        DomainHostdev *h = PARSE_ADD(p, hostdevs);

        if (h) {
                h->mode = HOSTDEV_SUBSYSTEM;
                h->type = type;
                h->source_loc.line = 1;
        }
        return h;
}

int parse_vfio(Parse *p, Item *i, const Driver *d, const char *suffix) {
        static const PropRow rows[] = {
                PROP("failover_pair_id", PROP_STRING, DomainHostdev, teaming_persistent),
                PROPS_END,
        };
        const char *host = item_get(i, "host");
        DomainHostdev *h = add_hostdev(p, HOSTDEV_PCI);
        int r = 1;

        if (!h)
                return -ENOMEM;
        if (host && read_host_address(host, &h->address)) {
                (void) item_take(i, "host");
                r = props_apply(i, rows, h);
                if (h->teaming_persistent)
                        h->teaming = TEAMING_TRANSIENT;
        } else if (!host && read_mdev(i, h))
                r = 0;
        /* The one that cannot be plugged is for a card with a screen of the firmware's. */
        if (r == 0 && (h->ramfb == TRI_YES) != streq(strempty(item_get(i, "driver")), "vfio-pci-nohotplug"))
                r = 1;
        if (r == 0)
                r = parse_common(p, i, &h->info);
        return FINISH_WITH(p, i, hostdevs, r, NULL);
}

static bool read_usb_node(Item *i, DomainHostdev *h) {
        const char *path = item_get(i, "hostdevice"), *rest = path ? startswith(path, "/dev/bus/usb/") : NULL;
        unsigned bus, device;
        int n = 0;

        if (!path)
                return true;
        /* sscanf() would take signs and blanks. */
        if (!rest || !in_charset(rest, DIGITS "/") || sscanf(rest, "%3u/%3u%n", &bus, &device, &n) != 2 || rest[n])
                return false;
        h->usb_bus = OPT_UINT(bus);
        h->usb_device = OPT_UINT(device);
        (void) item_take(i, "hostdevice");
        return true;
}

int parse_usb_host(Parse *p, Item *i, const Driver *d, const char *suffix) {
        static const PropRow rows[] = {
                PROP("vendorid", PROP_UINT, DomainHostdev, vendor),
                PROP("productid", PROP_UINT, DomainHostdev, product),
                PROP("hostbus", PROP_UINT, DomainHostdev, usb_bus),
                PROP("hostaddr", PROP_UINT, DomainHostdev, usb_device),
                PROPS_END,
        };
        const char *reset = item_get(i, "guest-reset"), *all = item_get(i, "guest-resets-all");
        DomainHostdev *h = add_hostdev(p, HOSTDEV_USB);

        if (!h)
                return -ENOMEM;
        int r = props_apply(i, rows, h);
        if (r >= 0)
                r = read_usb_node(i, h) && h->usb_bus.set == h->usb_device.set && h->vendor.set == h->product.set &&
                                    h->usb_bus.set != h->vendor.set ? 0 : 1;
        if (reset && (all ? streq(reset, "on") : streq(reset, "off"))) {
                h->guest_reset = !all ? GUEST_RESET_OFF : streq(all, "on") ? GUEST_RESET_ON : GUEST_RESET_UNINITIALIZED;
                (void) item_take(i, "guest-reset");
                (void) item_take(i, "guest-resets-all");
        }
        if (r == 0)
                r = parse_common(p, i, &h->info);
        return FINISH_WITH(p, i, hostdevs, r, NULL);
}

int parse_vhost_scsi(Parse *p, Item *i, const Driver *d, const char *suffix) {
        static const PropRow rows[] = { PROP("wwpn", PROP_STRING, DomainHostdev, wwpn), PROPS_END };
        DomainHostdev *h = add_hostdev(p, HOSTDEV_SCSI_HOST);

        if (!h)
                return -ENOMEM;
        h->protocol = HOSTDEV_PROTOCOL_VHOST;
        if (*suffix)
                h->model = (HostdevModel) parse_generation(&hostdev_model_table, "virtio", suffix);
        int r = props_apply(i, rows, h);
        if (r >= 0)
                r = parse_common(p, i, &h->info);
        return FINISH_WITH(p, i, hostdevs, r, NULL);
}

/* --- directories --- */

static bool read_permissions(Item *i, const char *key, OptUint *ret) {
        const char *s = item_take(i, key);
        uint64_t n;

        if (!s)
                return true;
        if (parse_u64(s, 8, &n) < 0 || n > 0777)
                return false;
        *ret = OPT_UINT((unsigned) n);
        return true;
}

/* -fsdev: what QEMU itself serves. */
static int read_directory(Item *i, DomainFilesystem *f) {
        static const PropRow rows[] = {
                PROP("path", PROP_STRING, DomainFilesystem, source_dir),
                PROP_WORDS("multidevs", DomainFilesystem, multidevs, filesystem_multidevs),
                PROP_WORDS("writeout", DomainFilesystem, write_policy, filesystem_write),
                PROP("readonly", PROP_FLAG, DomainFilesystem, readonly),
                PROP_REST("id"),
                PROPS_END,
        };
        static const struct { const char *word; FilesystemAccess access; } models[] = {
                { "passthrough", FS_PASSTHROUGH }, { "mapped", FS_MAPPED }, { "mapped-xattr", FS_MAPPED }, { "none", FS_SQUASH },
        };
        const char *model = item_take(i, "security_model");

        FOREACH_ARRAY(m, models, ELEMENTSOF(models))
                if (streq_ptr(m->word, model))
                        f->access = m->access;
        if (!streq_ptr(item_take(i, "fsdriver"), "local") || f->access == FS_ACCESS_UNSET ||
            !read_permissions(i, "fmode", &f->fmode) || !read_permissions(i, "dmode", &f->dmode))
                return 1;
        int r = props_apply(i, rows, f);
        return r < 0 ? r : !item_is_used_up(i) || !f->source_dir;
}

int parse_9p(Parse *p, Item *i, const Driver *d, const char *suffix) {
        static const PropRow rows[] = { PROP("mount_tag", PROP_STRING, DomainFilesystem, target), PROPS_END };
        Item *backend = find_free(p, "-fsdev", item_get(i, "fsdev"));
        DomainFilesystem *f = PARSE_ADD(p, filesystems);

        if (!f)
                return -ENOMEM;
        f->type = FILESYSTEM_MOUNT;
        if (*suffix)
                f->model = (FilesystemModel) parse_generation(&filesystem_model_table, "virtio", suffix);
        int r = backend ? read_directory(backend, f) : 1;
        if (r == 0) {
                (void) item_take(i, "fsdev");
                r = props_virtio(i, &f->virtio);
        }
        if (r == 0)
                r = props_apply(i, rows, f);
        if (r == 0)
                r = parse_common(p, i, &f->info);
        return FINISH_WITH(p, i, filesystems, r, backend);
}

/* Whoever listens at the socket serves the directory. One of vmunit's own would have been started with options that
 * are not to be seen here. */
int parse_virtiofs(Parse *p, Item *i, const Driver *d, const char *suffix) {
        static const PropRow rows[] = {
                PROP("tag", PROP_STRING, DomainFilesystem, target),
                PROP("queue-size", PROP_UINT, DomainFilesystem, queue),
                PROPS_END,
        };
        Item *backend = find_free(p, "-chardev", item_get(i, "chardev"));
        const char *path = backend ? item_get(backend, "path") : NULL;

        if (!path || backend->n_props != 3 || !streq_ptr(item_get(backend, "backend"), "socket") || startswith(path, "/run/vmunit/"))
                return 1;
        DomainFilesystem *f = PARSE_ADD(p, filesystems);
        if (!f)
                return -ENOMEM;
        f->type = FILESYSTEM_MOUNT;
        f->driver = FS_DRIVER_VIRTIOFS;
        int r = free_and_strdup(&f->source_socket, path);
        (void) item_take(i, "chardev");
        if (r >= 0)
                r = props_virtio(i, &f->virtio);
        if (r >= 0)
                r = props_apply(i, rows, f);
        if (r >= 0)
                r = parse_common(p, i, &f->info);
        return FINISH_WITH(p, i, filesystems, r, backend);
}

/* --- USB devices and smart cards of a viewer --- */

/* "0x08:-1:-1:0x0110:1": class, vendor, product, version, allow. */
static bool read_rule(const char *s, RedirRule *rule) {
        OptUint *const parts[] = { &rule->class, &rule->vendor, &rule->product, &rule->version };
        const char *end;
        uint64_t n;

        for (size_t k = 0; k < ELEMENTSOF(parts); k++, s = end + 1) {
                char number[12] = {};
                end = strchr(s, ':');
                if (!end || (size_t) (end - s) >= sizeof(number))
                        return false;
                memcpy(number, s, (size_t) (end - s));
                if (streq(number, "-1"))
                        continue;
                if (parse_u64(number, 0, &n) < 0 || n > 0xffff)
                        return false;
                *parts[k] = OPT_UINT((unsigned) n);
        }
        rule->allow = streq(s, "1") ? TRI_YES : TRI_NO;
        return streq(s, "1") || streq(s, "0");
}

/* One filter for all: the first device's. 1: it is another one. */
static int read_filter(Parse *p, const char *filter) {
        if (p->n_redirections++ > 0)
                return !streq_ptr(p->redirection, filter);
        p->redirection = filter;
        if (!filter)
                return 0;
        DomainRedirfilter *f = PARSE_ADD(p, redirfilters);
        _cleanup_free_ char *copy = strdup(filter);
        if (!f || !copy)
                return -ENOMEM;
        for (char *s = copy, *next; s; s = next) {
                RedirRule rule = {};
                next = strchr(s, '|');
                if (next)
                        *next++ = 0;
                if (!read_rule(s, &rule)) {
                        free(f->rules);
                        p->d->n_redirfilters--;
                        p->redirection = "";
                        return 1;
                }
                if (!ARRAY_GROW(f->rules, f->n_rules))
                        return -ENOMEM;
                f->rules[f->n_rules++] = rule;
        }
        return 0;
}

int parse_redirdev(Parse *p, Item *i, const Driver *d, const char *suffix) {
        Item *backend = find_free(p, "-chardev", item_get(i, "chardev"));
        DomainRedirdev *dev = PARSE_ADD(p, redirdevs);

        if (!dev)
                return -ENOMEM;
        dev->bus = REDIRDEV_USB;
        int r = backend ? parse_source(backend, &dev->source, item_get(i, "id"), "usbredir") : 1;
        if (r == 0)
                r = read_filter(p, item_get(i, "filter"));
        if (r == 0) {
                (void) item_take(i, "filter");
                (void) item_take(i, "chardev");
                r = parse_common(p, i, &dev->info);
        }
        return FINISH_WITH(p, i, redirdevs, r, backend);
}

static int read_certificates(Item *i, DomainSmartcard *s) {
        char key[8];

        for (unsigned k = 1; k <= 3; k++) {
                (void) snprintf(key, sizeof(key), "cert%u", k);
                const char *name = item_take(i, key);
                if (!name || !ARRAY_GROW(s->certificates, s->n_certificates))
                        return name ? -ENOMEM : 1;
                s->certificates[s->n_certificates] = (SmartcardCertificate) { .name = strdup(name) };
                if (!s->certificates[s->n_certificates++].name)
                        return -ENOMEM;
        }
        return free_and_strdup(&s->database, item_take(i, "db"));
}

int parse_smartcard(Parse *p, Item *i, const Driver *d, const char *suffix) {
        Item *backend = find_free(p, "-chardev", item_get(i, "chardev"));
        const ParseBus *bus = parse_bus(p, item_get(i, "bus"), CONTROLLER_CCID, NULL);
        const char *kind = item_take(i, "backend");

        if (p->d->n_smartcards > 0)
                return 1;
        DomainSmartcard *s = PARSE_ADD(p, smartcards);
        if (!s)
                return -ENOMEM;
        s->mode = d->value == SMARTCARD_PASSTHROUGH    ? SMARTCARD_PASSTHROUGH :
                  streq_ptr(kind, "nss-emulated") ? SMARTCARD_HOST : SMARTCARD_CERTIFICATES;
        int r = s->mode == SMARTCARD_PASSTHROUGH  ? backend ? parse_source(backend, &s->source, item_get(i, "id"), "smartcard") : 1 :
                s->mode == SMARTCARD_CERTIFICATES ? read_certificates(i, s) : 0;
        if (bus) {
                s->info.address = (DeviceAddress) { .type = ADDRESS_CCID, .controller = OPT_UINT(bus->index), .slot = OPT_UINT(0) };
                (void) item_take(i, "bus");
        }
        if (s->mode == SMARTCARD_PASSTHROUGH)
                (void) item_take(i, "chardev");
        else
                backend = NULL; /* it has none, whatever is named */
        if (r == 0)
                r = parse_common(p, i, &s->info);
        return FINISH_WITH(p, i, smartcards, r, backend);
}

/* --- shared memory, cryptography --- */

static int read_shared_memory(Item *i, DomainShmem *s) {
        const char *path = item_get(i, "mem-path"), *name = path ? startswith(path, "/dev/shm/") : NULL;
        uint64_t size;

        if (!name || !*name || strchr(name, '/') || i->n_props != 5 || !streq_ptr(item_get(i, "share"), "on") ||
            !streq_ptr(item_get(i, "qom-type"), "memory-backend-file") || !parse_size(item_get(i, "size"), 0, &size))
                return 1;
        s->size = OPT_U64(size);
        return free_and_strdup(&s->name, name);
}

/* A server's memory has a name, which is to be seen only where libvirt has chosen the socket. */
static int read_shmem_server(const Item *i, DomainShmem *s) {
        const char *path = item_get(i, "path"), *rest = path ? startswith(path, "/var/lib/libvirt/shmem-") : NULL;
        bool end = rest && endswith(rest, "-sock");

        if (!path || i->n_props != 3 || !streq_ptr(item_get(i, "backend"), "socket"))
                return 1;
        s->has_server = true;
        s->name = end ? strndup(rest, strlen(rest) - strlen("-sock")) : strf("shmem%s", strempty(item_get(i, "id")));
        return !s->name ? -ENOMEM : end ? 0 : free_and_strdup(&s->server_path, path);
}

int parse_shmem(Parse *p, Item *i, const Driver *d, const char *suffix) {
        static const PropRow rows[] = {
                PROP("vectors", PROP_UINT, DomainShmem, msi_vectors),
                PROP("ioeventfd", PROP_TRISTATE, DomainShmem, msi_ioeventfd),
                PROPS_END,
        };
        const char *master = item_get(i, "master");
        bool plain = d->value == SHMEM_PLAIN;
        Item *backend = plain ? find_free(p, "-object", item_get(i, "memdev")) : find_free(p, "-chardev", item_get(i, "chardev"));
        DomainShmem *s = PARSE_ADD(p, shmems);

        if (!s)
                return -ENOMEM;
        s->model = (ShmemModel) d->value;
        int r = !backend ? 1 : plain ? read_shared_memory(backend, s) : read_shmem_server(backend, s);
        if (r == 0) {
                (void) item_take(i, plain ? "memdev" : "chardev");
                if (plain && master) {
                        s->role = streq(master, "on") ? SHMEM_MASTER : SHMEM_PEER;
                        (void) item_take(i, "master");
                }
                r = plain ? 0 : props_apply(i, rows, s);
                s->has_msi = s->msi_vectors.set || s->msi_ioeventfd != TRI_UNSET;
        }
        if (r == 0)
                r = parse_common(p, i, &s->info);
        return FINISH_WITH(p, i, shmems, r, backend);
}

int parse_crypto(Parse *p, Item *i, const Driver *d, const char *suffix) {
        static const PropRow rows[] = {
                PROP("queues", PROP_UINT, DomainCrypto, queues),
                PROP_REST("qom-type"),
                PROP_REST("id"),
                PROPS_END,
        };
        Item *backend = find_free(p, "-object", item_get(i, "cryptodev"));
        const char *type = backend ? item_get(backend, "qom-type") : NULL, *word = type ? startswith(type, "cryptodev-backend-") : NULL;
        int kind = word ? (int) crypto_backend_from_string(word) : -1;
        DomainCrypto *c = PARSE_ADD(p, cryptos);

        if (!c)
                return -ENOMEM;
        c->model = CRYPTO_VIRTIO;
        c->type = CRYPTO_TYPE_QEMU;
        c->backend = (CryptoBackend) MAX(kind, 0);
        int r = kind > 0 ? props_apply(backend, rows, c) : 1;
        if (r == 0 && !item_is_used_up(backend))
                r = 1;
        if (r == 0) {
                (void) item_take(i, "cryptodev");
                r = props_virtio(i, &c->virtio);
        }
        if (r == 0)
                r = parse_common(p, i, &c->info);
        return FINISH_WITH(p, i, cryptos, r, backend);
}
