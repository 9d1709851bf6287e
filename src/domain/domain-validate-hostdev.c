/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-validate.h"
#include "parse-util.h"
#include "string-util.h"

#define CID_MIN 3U
#define SHMEM_MIN (UINT64_C(1) << 20)
#define SHMEM_NAME_MAX 200U
#define CRYPTO_QUEUES_MAX 1024U

static const char *type_word(const DomainHostdev *h) {
        return strempty(hostdev_type_to_string(h->type));
}

/* --- kinds of source --- */

static void check_pci(const DomainHostdev *h, Diag *diag) {
        if (h->driver == HOSTDEV_DRIVER_KVM || h->driver == HOSTDEV_DRIVER_XEN)
                refuse(diag, h->info.loc, "hostdev driver", hostdev_driver_to_string(h->driver));
        if (h->teaming == TEAMING_PERSISTENT)
                (void) diag_error(diag, h->info.loc, "hostdev: <teaming type='persistent'> is for interfaces");
        else if (h->teaming == TEAMING_TRANSIENT && isempty(h->teaming_persistent))
                (void) diag_error(diag, h->info.loc, "hostdev: <teaming type='transient'> needs @persistent");
        if (h->info.address.type != ADDRESS_UNSET && h->info.address.type != ADDRESS_PCI &&
            h->info.address.type != ADDRESS_UNASSIGNED)
                (void) diag_error(diag, h->info.address.loc,
                                  "hostdev of type 'pci': an address of type '%s' does not go with it",
                                  address_type_to_string(h->info.address.type));
}

static void check_usb(const DomainHostdev *h, Diag *diag) {
        bool by_place = h->usb_bus.set || h->usb_device.set;

        if (h->vendor.set != h->product.set)
                (void) diag_error(diag, h->source_loc, "hostdev of type 'usb': <%s> is missing",
                                  h->vendor.set ? "product" : "vendor");
        else if (!h->vendor.set && !by_place)
                (void) diag_error(diag, h->source_loc,
                                  "hostdev of type 'usb' needs <vendor> and <product>, or <address>");
        if (h->vendor.set && h->vendor.value == 0)
                (void) diag_error(diag, h->source_loc, "hostdev: <vendor> @id is 0");
}

static void check_iscsi(const DomainHostdev *h, Diag *diag) {
        const char *slash = h->iscsi_name ? strchr(h->iscsi_name, '/') : NULL;
        unsigned number;

        if (isempty(h->iscsi_name) || slash == h->iscsi_name)
                (void) diag_error(diag, h->source_loc, "hostdev: <source> @name has no name of a target");
        if (slash && parse_uint(slash + 1, &number) < 0)
                (void) diag_error(diag, h->source_loc, "hostdev: '%s' does not end in the number of a unit",
                                  h->iscsi_name);
        if (h->n_servers != 1)
                (void) diag_error(diag, h->source_loc, "hostdev: iSCSI needs one <host>, not %zu", h->n_servers);
        FOREACH_ARRAY(s, h->servers, h->n_servers)
                if (s->port && (parse_uint(s->port, &number) < 0 || number > 65535))
                        (void) diag_error(diag, s->loc, "hostdev: <host> @port: '%s' is not a port number", s->port);
        if (h->auth_user && !h->secret_type)
                (void) diag_error(diag, h->source_loc, "hostdev: <auth> needs <secret>");
        if (h->secret_type && !streq(h->secret_type, "iscsi"))
                (void) diag_error(diag, h->source_loc, "hostdev: <secret> @type is '%s', not 'iscsi'", h->secret_type);
        if (h->secret_type && !h->secret_usage == !h->has_secret_uuid)
                (void) diag_error(diag, h->source_loc, "hostdev: <secret> needs either @usage or @uuid");
}

static void check_scsi(const DomainHostdev *h, Diag *diag) {
        if (h->sgio == SGIO_UNFILTERED)
                refuse(diag, h->info.loc, "hostdev sgio", "unfiltered");
        if (h->protocol == HOSTDEV_PROTOCOL_ISCSI) {
                check_iscsi(h, diag);
                return;
        }
        if (h->protocol != HOSTDEV_PROTOCOL_UNSET)
                (void) diag_error(diag, h->source_loc, "hostdev of type 'scsi': protocol '%s' does not go with it",
                                  hostdev_protocol_to_string(h->protocol));
        else if (isempty(h->adapter) || !h->scsi_unit.set)
                (void) diag_error(diag, h->source_loc, "hostdev of type 'scsi' needs <adapter> and <address> in <source>");
        else {
                const char *number = startswith(h->adapter, "scsi_host");
                unsigned n;
                if (!number || parse_uint(number, &n) < 0)
                        (void) diag_error(diag, h->source_loc, "hostdev: adapter '%s' is not scsi_hostN", h->adapter);
        }
}

static bool wwpn_is_valid(const char *s) {
        const char *digits = startswith(s, "naa.");

        return digits && strlen(digits) == 16 && in_charset(digits, DIGITS "abcdefABCDEF");
}

static void check_vhost(const DomainHostdev *h, Diag *diag) {
        if (h->protocol != HOSTDEV_PROTOCOL_VHOST)
                (void) diag_error(diag, h->source_loc, "hostdev of type 'scsi_host' needs <source protocol='vhost'>");
        if (h->wwpn && !wwpn_is_valid(h->wwpn))
                (void) diag_error(diag, h->source_loc, "hostdev: '%s' is not naa. and 16 hexadecimal digits", h->wwpn);
        if (h->model > HOSTDEV_MODEL_NON_TRANSITIONAL)
                (void) diag_error(diag, h->info.loc, "hostdev of type 'scsi_host': model '%s' does not go with it",
                                  hostdev_model_to_string(h->model));
        if (h->info.boot_order.set)
                (void) diag_error(diag, h->info.loc, "hostdev of type 'scsi_host': nothing boots from it");
}

static void check_mdev(const Domain *d, const DomainHostdev *h, Diag *diag) {
        if (h->model == HOSTDEV_MODEL_UNSET)
                (void) diag_error(diag, h->info.loc, "hostdev of type 'mdev' needs @model");
        else if (h->model == HOSTDEV_MODEL_VFIO_CCW || h->model == HOSTDEV_MODEL_VFIO_AP)
                refuse(diag, h->info.loc, "hostdev model", hostdev_model_to_string(h->model));
        else if (h->model != HOSTDEV_MODEL_VFIO_PCI)
                (void) diag_error(diag, h->info.loc, "hostdev of type 'mdev': model '%s' does not go with it",
                                  hostdev_model_to_string(h->model));
        if (!h->has_uuid)
                (void) diag_error(diag, h->source_loc, "hostdev of type 'mdev' needs <address uuid='…'/> in <source>");
        if (h->display == TRI_YES && d->n_graphics == 0)
                (void) diag_error(diag, h->info.loc, "hostdev: display='on' needs a <graphics>");
        if (h->info.boot_order.set)
                (void) diag_error(diag, h->info.loc, "hostdev of type 'mdev': nothing boots from it");
}

/* --- all of them --- */

static bool same_pci(const DeviceAddress *a, const DeviceAddress *b) {
        return a->domain.value == b->domain.value && a->bus.value == b->bus.value && a->slot.value == b->slot.value &&
               a->function.value == b->function.value;
}

static bool same_source(const DomainHostdev *a, const DomainHostdev *b) {
        if (a->type != b->type)
                return false;
        switch (a->type) {
        case HOSTDEV_PCI:
                return same_pci(&a->address, &b->address);
        case HOSTDEV_USB:
                if (a->usb_bus.set && b->usb_bus.set)
                        return a->usb_bus.value == b->usb_bus.value && a->usb_device.value == b->usb_device.value;
                return !a->usb_bus.set && !b->usb_bus.set && a->vendor.set && a->vendor.value == b->vendor.value &&
                       a->product.value == b->product.value;
        case HOSTDEV_SCSI:
                if (a->protocol != b->protocol)
                        return false;
                if (a->protocol == HOSTDEV_PROTOCOL_ISCSI)
                        return a->iscsi_name && a->n_servers > 0 && b->n_servers > 0 &&
                               streq_ptr(a->iscsi_name, b->iscsi_name) &&
                               streq_ptr(a->servers[0].name, b->servers[0].name);
                return a->adapter && streq_ptr(a->adapter, b->adapter) && a->scsi_bus.value == b->scsi_bus.value &&
                       a->scsi_target.value == b->scsi_target.value && a->scsi_unit.value == b->scsi_unit.value;
        case HOSTDEV_SCSI_HOST:
                return a->wwpn && streq_ptr(a->wwpn, b->wwpn);
        case HOSTDEV_MDEV:
                return a->has_uuid && b->has_uuid && memcmp(a->uuid, b->uuid, sizeof(a->uuid)) == 0;
        default:
                return false;
        }
}

/* A device can be in one place only, whether as an interface or as such. */
static void check_twice(const Domain *d, const DomainHostdev *h, Diag *diag) {
        bool twice = false;

        for (const DomainHostdev *other = d->hostdevs; other < h; other++)
                twice |= same_source(other, h);
        FOREACH_ARRAY(i, d->interfaces, d->n_interfaces)
                twice |= h->type == HOSTDEV_PCI && i->type == INTERFACE_HOSTDEV && same_pci(&i->source_address, &h->address);
        if (twice)
                (void) diag_error(diag, h->info.loc, "hostdev of type '%s': the guest has this device already", type_word(h));
}

static void check_hostdev(const Domain *d, const DomainHostdev *h, Diag *diag) {
        SrcLoc loc = h->info.loc;
        bool pci = h->type == HOSTDEV_PCI || h->type == HOSTDEV_MDEV || h->type == HOSTDEV_SCSI_HOST;

        if (h->mode == HOSTDEV_CAPABILITIES) {
                refuse(diag, loc, "hostdev mode", "capabilities");
                return;
        }
        if (h->source_loc.line == 0) {
                (void) diag_error(diag, loc, "hostdev of type '%s' needs <source>", type_word(h));
                return;
        }
        switch (h->type) {
        case HOSTDEV_PCI:
                check_pci(h, diag);
                break;
        case HOSTDEV_USB:
                check_usb(h, diag);
                break;
        case HOSTDEV_SCSI:
                check_scsi(h, diag);
                break;
        case HOSTDEV_SCSI_HOST:
                check_vhost(h, diag);
                break;
        case HOSTDEV_MDEV:
                check_mdev(d, h, diag);
                break;
        default:
                refuse(diag, loc, "hostdev type", type_word(h));
                return;
        }
        if (h->startup_policy != HOSTDEV_POLICY_UNSET && h->type != HOSTDEV_USB)
                (void) diag_error(diag, h->source_loc, "hostdev of type '%s': startupPolicy is for USB devices", type_word(h));
        if (!pci && (h->info.rom_enabled != TRI_UNSET || h->info.rom_bar != TRI_UNSET || h->info.rom_file))
                (void) diag_error(diag, loc, "hostdev of type '%s': <rom> is for PCI devices", type_word(h));
        check_path(diag, loc, "hostdev rom", h->info.rom_file);
        check_twice(d, h, diag);
}

void check_hostdevs(const Domain *d, Diag *diag) {
        FOREACH_ARRAY(h, d->hostdevs, d->n_hostdevs)
                check_hostdev(d, h, diag);
        for (size_t i = 0; i < d->n_interfaces; i++)
                for (size_t k = 0; k < i; k++)
                        if (d->interfaces[i].type == INTERFACE_HOSTDEV && d->interfaces[k].type == INTERFACE_HOSTDEV &&
                            same_pci(&d->interfaces[i].source_address, &d->interfaces[k].source_address))
                                (void) diag_error(diag, d->interfaces[i].info.loc,
                                                  "interface of type 'hostdev': the guest has this device already");
}

void check_vsocks(const Domain *d, Diag *diag) {
        for (size_t i = 0; i < d->n_vsocks; i++) {
                const DomainVsock *v = d->vsocks + i;

                if (i == 1)
                        (void) diag_error(diag, v->info.loc, "vsock is given twice");
                if (v->cid.set && v->cid.value < CID_MIN)
                        (void) diag_error(diag, v->cid_loc, "vsock: <cid> @address is %u: the first is %u", v->cid.value,
                                          CID_MIN);
                else if (v->auto_cid == TRI_NO && !v->cid.set)
                        (void) diag_error(diag, v->info.loc, "vsock: <cid auto='no'> needs @address");
        }
}

static void check_shmem(const DomainShmem *s, Diag *diag) {
        SrcLoc loc = s->info.loc;
        const char *model = strempty(shmem_model_to_string(s->model));

        if (isempty(s->name) || strlen(s->name) > SHMEM_NAME_MAX || strchr(s->name, '/') || streq(s->name, ".") ||
            streq(s->name, "..") || !utf8_is_printable(s->name))
                (void) diag_error(diag, loc, "shmem: '%s' is not a name", strempty(s->name));
        if (s->model == SHMEM_IVSHMEM)
                refuse(diag, loc, "shmem model", model);
        if (s->size.set && s->size.value < SHMEM_MIN)
                (void) diag_error(diag, loc, "shmem: the size is less than 1 MiB");
        else if (s->size.set && (s->size.value & (s->size.value - 1)) != 0)
                (void) diag_error(diag, loc, "shmem: the size is not a power of two");
        if (s->model == SHMEM_PLAIN && s->has_server)
                (void) diag_error(diag, loc, "shmem: model '%s' has no <server>", model);
        if (s->has_msi && !s->has_server)
                (void) diag_error(diag, loc, "shmem: <msi> needs <server>");
        if (s->model == SHMEM_DOORBELL && !s->has_server)
                (void) diag_error(diag, loc, "shmem: model '%s' needs <server>", model);
        if (s->model == SHMEM_DOORBELL && s->size.set)
                (void) diag_error(diag, loc, "shmem: model '%s' has no <size>: the server knows it", model);
        check_path(diag, loc, "shmem server", s->server_path);
        if (s->info.address.type != ADDRESS_UNSET && s->info.address.type != ADDRESS_PCI)
                (void) diag_error(diag, s->info.address.loc, "shmem: an address of type '%s' does not go with it",
                                  address_type_to_string(s->info.address.type));
}

void check_shmems(const Domain *d, Diag *diag) {
        FOREACH_ARRAY(s, d->shmems, d->n_shmems)
                check_shmem(s, diag);
}

void check_cryptos(const Domain *d, Diag *diag) {
        FOREACH_ARRAY(c, d->cryptos, d->n_cryptos)
                if (c->queues.value > CRYPTO_QUEUES_MAX)
                        (void) diag_error(diag, c->info.loc, "crypto: %u queues; there can be %u", c->queues.value,
                                          CRYPTO_QUEUES_MAX);
}
