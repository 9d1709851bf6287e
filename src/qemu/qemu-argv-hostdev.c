/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "parse-util.h"
#include "qemu-device.h"
#include "qemu-emit.h"
#include "string-util.h"

/* Devices of the host that the guest is given, and those that connect the two. What is
 * emit_unwired() here has a command line for people, and nobody who hands the device over. */

/* --- PCI --- */

static void json_host_address(Json *j, const DeviceAddress *a) {
        json_add_stringf(j, "host", "%04x:%02x:%02x.%x", a->domain.value, a->bus.value, a->slot.value,
                         a->function.value);
}

static void json_boot(Emit *e, Json *j, const DeviceInfo *info) {
        unsigned boot = boot_index(e->domain, info);

        if (boot > 0)
                json_add_uint(j, "bootindex", boot);
}

/* A network card of the host is the same whether it stands there as an interface or as a device. */
static int emit_pci(Emit *e, const DeviceInfo *info, const DeviceAddress *source, const char *persistent) {
        _cleanup_qjson_ Json j = {};
        _cleanup_free_ char *element = strf("hostdev %s", info->alias);

        if (!element)
                return -ENOMEM;
        if (info->address.type == ADDRESS_UNASSIGNED) /* taken from the host, but not given to the guest */
                return emit_unwired(e, info->loc, "hostdev of type 'pci'");
        json_add_string(&j, "driver", "vfio-pci");
        json_host_address(&j, source);
        json_add_string(&j, "id", info->alias);
        json_boot(e, &j, info);
        json_add_string(&j, "failover_pair_id", persistent);
        json_address(e, &j, info);
        json_rom(e, &j, info, element);
        emit_json(e, "-device", &j);
        return emit_unwired(e, info->loc, "hostdev of type 'pci'");
}

static int emit_interface(Emit *e, const DomainInterface *i) {
        const struct {
                bool asked;
                const char *what;
        } parts[] = {
                { i->vlan_loc.line > 0, "interface with <vlan>" },
                { i->virtualport.loc.line > 0, "interface with <virtualport>" },
        };

        for (size_t k = 0; k < ELEMENTSOF(parts); k++)
                if (parts[k].asked && emit_unwired(e, i->info.loc, parts[k].what) < 0)
                        return -EINVAL;
        return emit_pci(e, &i->info, &i->source_address, i->teaming == TEAMING_TRANSIENT ? i->teaming_persistent : NULL);
}

static int emit_mdev(Emit *e, const DomainHostdev *h) {
        _cleanup_qjson_ Json j = {};
        char uuid[37];

        format_uuid(h->uuid, uuid);
        json_add_string(&j, "driver", h->ramfb == TRI_YES ? "vfio-pci-nohotplug" : "vfio-pci");
        json_add_string(&j, "id", h->info.alias);
        json_add_stringf(&j, "sysfsdev", "/sys/bus/mdev/devices/%s", uuid);
        json_add_string(&j, "display", on_off_to_string(h->display));
        if (h->ramfb == TRI_YES)
                json_add_bool(&j, "ramfb", true);
        json_address(e, &j, &h->info);
        emit_json(e, "-device", &j);
        return emit_unwired(e, h->info.loc, "hostdev of type 'mdev'");
}

/* --- USB --- */

/* The step that prepares the start knows which one it is; a plan that nobody carries out may not. */
static char *usb_file(Emit *e, const DomainHostdev *h) {
        _cleanup_free_ char *name = strf("usb-%s", h->info.alias), *element = strf("hostdev %s", h->info.alias), *path = NULL;

        path = h->usb_bus.set ? strf("/dev/bus/usb/%03u/%03u", h->usb_bus.value, h->usb_device.value) :
                                strf("/dev/bus/usb/%04x:%04x", h->vendor.value, h->product.value);
        return !name || !element || !path ? NULL : emit_file(e, &(FileRequest) {
                .name = name, .path = path, .element = element, .loc = h->info.loc, .writable = true, .char_device = true,
                .exclusive = true, .labelling = LABELLING_IMAGE });
}

static int emit_usb(Emit *e, const DomainHostdev *h) {
        _cleanup_free_ char *file = e->native ? NULL : usb_file(e, h);
        _cleanup_qjson_ Json j = {};

        if (!e->native && !file)
                return -ENOMEM;
        json_add_string(&j, "driver", "usb-host");
        if (file)
                json_add_string(&j, "hostdevice", file);
        else if (h->usb_bus.set)
                json_add_stringf(&j, "hostdevice", "/dev/bus/usb/%03u/%03u", h->usb_bus.value, h->usb_device.value);
        else {
                json_add_opt_uint(&j, "vendorid", h->vendor);
                json_add_opt_uint(&j, "productid", h->product);
        }
        json_add_string(&j, "id", h->info.alias);
        json_boot(e, &j, &h->info);
        if (h->guest_reset != GUEST_RESET_UNSET)
                json_add_bool(&j, "guest-reset", h->guest_reset != GUEST_RESET_OFF);
        if (h->guest_reset == GUEST_RESET_UNINITIALIZED || h->guest_reset == GUEST_RESET_ON)
                json_add_bool(&j, "guest-resets-all", h->guest_reset == GUEST_RESET_ON);
        json_address(e, &j, &h->info);
        emit_json(e, "-device", &j);
        return 0;
}

/* --- SCSI --- */

static int emit_iscsi_node(Emit *e, const DomainHostdev *h, const char *node) {
        _cleanup_qjson_ Json j = {};
        const char *slash = strchr(strempty(h->iscsi_name), '/');

        if (h->auth_user)
                return diag_error(e->diag, h->source_loc, "not supported: <auth> of a hostdev (there are no secrets yet)");
        json_add_string(&j, "driver", "iscsi");
        json_add_stringf(&j, "portal", "%s:%s", h->servers[0].name, h->servers[0].port ?: "3260");
        json_add_stringf(&j, "target", "%.*s", (int) (slash ? slash - h->iscsi_name : 0), strempty(h->iscsi_name));
        json_add_uint(&j, "lun", slash ? strtoul(slash + 1, NULL, 10) : 0); /* known to be a number */
        json_add_string(&j, "transport", "tcp");
        json_add_string(&j, "initiator-name", h->initiator);
        json_add_string(&j, "node-name", node);
        json_add_bool(&j, "read-only", h->readonly);
        emit_json(e, "-blockdev", &j);
        return 0;
}

static void json_scsi_place(Emit *e, Json *j, const DomainHostdev *h) {
        const DeviceAddress *a = &h->info.address;
        const DomainController *c = controller_find(e->domain, CONTROLLER_SCSI, a->controller.value);

        json_add_stringf(j, "bus", "%s.%u", c && c->info.alias ? c->info.alias : "scsi0", a->bus.value);
        if (c && controller_is_narrow(c)) {
                json_add_uint(j, "scsi-id", a->unit.value);
                return;
        }
        json_add_uint(j, "channel", a->bus.value);
        json_add_uint(j, "scsi-id", a->target.value);
        json_add_uint(j, "lun", a->unit.value);
}

/* libvirt goes on counting after the disks. */
static unsigned scsi_number(const Domain *d, const DomainHostdev *h) {
        unsigned n = (unsigned) d->n_disks + 1;

        for (const DomainHostdev *i = d->hostdevs; i < h; i++)
                n += i->type == HOSTDEV_SCSI;
        return n;
}

static int emit_scsi(Emit *e, const DomainHostdev *h) {
        _cleanup_qjson_ Json j = {};
        _cleanup_free_ char *node = strf("libvirt-%u-backend", scsi_number(e->domain, h));

        if (!node)
                return -ENOMEM;
        /* Which /dev/sgN it is, is only known on the host while the device is there. */
        if (h->protocol != HOSTDEV_PROTOCOL_ISCSI)
                return diag_error(e->diag, h->info.loc, "not supported: hostdev of type 'scsi' with an adapter of the host");
        int r = emit_iscsi_node(e, h, node);
        if (r < 0)
                return r;
        json_add_string(&j, "driver", "scsi-generic");
        json_add_string(&j, "drive", node);
        json_add_string(&j, "id", h->info.alias);
        json_boot(e, &j, &h->info);
        json_scsi_place(e, &j, h);
        emit_json(e, "-device", &j);
        return emit_unwired(e, h->info.loc, "hostdev of type 'scsi'");
}

static int emit_vhost_scsi(Emit *e, const DomainHostdev *h) {
        _cleanup_qjson_ Json j = {};

        json_virtio_driver(&j, "vhost-scsi", &h->info, hostdev_model_to_string(h->model));
        json_add_string(&j, "wwpn", h->wwpn);
        json_add_string(&j, "id", h->info.alias);
        json_address(e, &j, &h->info);
        emit_json(e, "-device", &j);
        return emit_unwired(e, h->info.loc, "hostdev of type 'scsi_host'");
}

static int emit_hostdev(Emit *e, const DomainHostdev *h) {
        switch (h->type) {
        case HOSTDEV_PCI:
                return emit_pci(e, &h->info, &h->address, h->teaming == TEAMING_TRANSIENT ? h->teaming_persistent : NULL);
        case HOSTDEV_USB:
                return emit_usb(e, h);
        case HOSTDEV_SCSI:
                return emit_scsi(e, h);
        case HOSTDEV_SCSI_HOST:
                return emit_vhost_scsi(e, h);
        case HOSTDEV_MDEV:
                return emit_mdev(e, h);
        default:
                return diag_error(e->diag, h->info.loc, "not supported: hostdev type '%s'",
                                  strempty(hostdev_type_to_string(h->type)));
        }
}

int emit_hostdevs(Emit *e) {
        int ret = 0;

        FOREACH_ARRAY(i, e->domain->interfaces, e->domain->n_interfaces)
                if (i->type == INTERFACE_HOSTDEV && emit_interface(e, i) < 0)
                        ret = -EINVAL;
        FOREACH_ARRAY(h, e->domain->hostdevs, e->domain->n_hostdevs)
                if (emit_hostdev(e, h) < 0)
                        ret = -EINVAL;
        return ret;
}

/* --- sockets between host and guest --- */

/* QEMU gets the kernel's device as a descriptor, which has the address already. A plan that nobody carries out shows the first
 * address there is. */
static int emit_vsock(Emit *e, const DomainVsock *v) {
        _cleanup_qjson_ Json j = {};
        PlanFd *fd = NULL;

        if (!e->native) {
                _cleanup_free_ char *name = strf("vsock-%s", v->info.alias);
                fd = name ? emit_fd(e, PLAN_FD_FILE, name, "vsock", v->info.loc, 1) : NULL;
                if (!fd || free_and_strdup(&fd->path, "/dev/vhost-vsock") < 0) {
                        e->failed = true;
                        return 0;
                }
                fd->writable = fd->char_device = true;
        }
        json_virtio_driver(&j, "vhost-vsock", &v->info, vsock_model_to_string(v->model));
        json_virtio_options(&j, &v->virtio);
        json_add_string(&j, "id", v->info.alias);
        json_add_uint(&j, "guest-cid", v->cid.set ? v->cid.value : 3);
        if (fd)
                json_add_stringf(&j, "vhostfd", "%u", fd->number);
        json_address(e, &j, &v->info);
        emit_json(e, "-device", &j);
        return 0;
}

int emit_vsocks(Emit *e) {
        int ret = 0;

        FOREACH_ARRAY(v, e->domain->vsocks, e->domain->n_vsocks) {
                int r = emit_vsock(e, v);
                if (r < 0)
                        ret = r;
        }
        return ret;
}

/* --- shared memory --- */

static int emit_shared_memory(Emit *e, const DomainShmem *s) {
        _cleanup_free_ char *path = strf("/dev/shm/%s", s->name), *name = strf("shared-memory-%s", s->info.alias), *file = NULL;
        _cleanup_qjson_ Json j = {};

        if (!path || !name)
                return -ENOMEM;
        file = e->native ? strdup(path) : emit_mapped(e, &(FileRequest) {
                .name = name, .path = path, .element = "shmem", .loc = s->info.loc, .writable = true, .create = true,
                .labelling = LABELLING_SHARED }, s->size.value);
        if (!file)
                return -ENOMEM;
        json_add_string(&j, "qom-type", "memory-backend-file");
        json_add_stringf(&j, "id", "shmmem-%s", s->info.alias);
        json_add_string(&j, "mem-path", file);
        json_add_uint(&j, "size", s->size.value);
        json_add_bool(&j, "share", true);
        emit_json(e, "-object", &j);
        return 0;
}

/* The server hands the memory over itself, and an event descriptor for each of its clients. */
static int emit_shmem_server(Emit *e, const DomainShmem *s) {
        _cleanup_free_ char *path = s->server_path ? strdup(s->server_path) : strf("/var/lib/libvirt/shmem-%s-sock", s->name),
                            *name = strf("shared-memory-%s", s->info.alias);
        _cleanup_options_ Options o = {};

        if (!path || !name)
                return -ENOMEM;
        options_word(&o, "socket");
        options_addf(&o, "id", "char%s", s->info.alias);
        if (e->native)
                options_add(&o, "path", path);
        else {
                PlanFd *fd = emit_fd(e, PLAN_FD_CONNECT, name, "shmem", s->info.loc, 1);
                if (!fd)
                        return -ENOMEM;
                fd->path = TAKE_PTR(path);
                options_addf(&o, "fd", "%u", fd->number);
        }
        emit_options(e, "-chardev", &o);
        return 0;
}

static int emit_shmem(Emit *e, const DomainShmem *s) {
        _cleanup_qjson_ Json j = {};

        int r = s->model == SHMEM_PLAIN ? emit_shared_memory(e, s) : 0;
        if (r < 0)
                return r;
        json_add_string(&j, "driver", shmem_model_to_string(s->model));
        json_add_string(&j, "id", s->info.alias);
        if (s->model == SHMEM_PLAIN)
                json_add_stringf(&j, "memdev", "shmmem-%s", s->info.alias);
        else {
                json_add_stringf(&j, "chardev", "char%s", s->info.alias);
                json_add_opt_uint(&j, "vectors", s->msi_vectors);
                json_add_tristate(&j, "ioeventfd", s->msi_ioeventfd);
        }
        if (s->role != SHMEM_ROLE_UNSET && s->model == SHMEM_PLAIN)
                json_add_string(&j, "master", s->role == SHMEM_MASTER ? "on" : "off");
        json_address(e, &j, &s->info);
        emit_json(e, "-device", &j);
        return s->model != SHMEM_PLAIN ? emit_shmem_server(e, s) : 0;
}

int emit_shmems(Emit *e) {
        int ret = 0;

        FOREACH_ARRAY(s, e->domain->shmems, e->domain->n_shmems) {
                int r = emit_shmem(e, s);
                if (r < 0)
                        ret = r;
        }
        return ret;
}

/* --- crypto --- */

static int emit_crypto(Emit *e, const DomainCrypto *c) {
        _cleanup_qjson_ Json backend = {}, j = {};
        _cleanup_free_ char *type = strf("cryptodev-backend-%s", crypto_backend_to_string(c->backend));

        if (!type)
                return -ENOMEM;
        if (!qemu_caps_has_type(e->caps, type))
                return diag_error(e->diag, c->info.loc, "emulator '%s' has no crypto backend '%s'", e->domain->emulator,
                                  crypto_backend_to_string(c->backend));
        json_add_string(&backend, "qom-type", type);
        json_add_stringf(&backend, "id", "obj%s", c->info.alias);
        json_add_opt_uint(&backend, "queues", c->queues);
        emit_json(e, "-object", &backend);
        json_virtio_driver(&j, "virtio-crypto", &c->info, NULL);
        json_virtio_options(&j, &c->virtio);
        json_add_stringf(&j, "cryptodev", "obj%s", c->info.alias);
        json_add_string(&j, "id", c->info.alias);
        json_address(e, &j, &c->info);
        emit_json(e, "-device", &j);
        return 0;
}

int emit_cryptos(Emit *e) {
        int ret = 0;

        FOREACH_ARRAY(c, e->domain->cryptos, e->domain->n_cryptos) {
                int r = emit_crypto(e, c);
                if (r < 0)
                        ret = r;
        }
        return ret;
}
