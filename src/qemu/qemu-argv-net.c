/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "parse-util.h"
#include "qemu-emit.h"
#include "string-util.h"
#include "strv.h"
#include "text.h"

/* --- what is behind the card --- */

static bool is_virtio(const DomainInterface *i) {
        return startswith(i->model, "virtio");
}

static unsigned queue_count(const DomainInterface *i) {
        return is_virtio(i) && i->queues.set ? MAX(i->queues.value, 1U) : 1;
}

static bool wants_vhost(const Emit *e, const DomainInterface *i) {
        if (e->native || !is_virtio(i) || i->driver == NET_DRIVER_QEMU)
                return false;
        /* Without KVM the guest is too slow for it to matter, and libvirt leaves it out. */
        return i->driver == NET_DRIVER_VHOST || (e->facts->has_vhost_net && e->domain->type == DOMAIN_KVM);
}

static int check_vhost(Emit *e, const DomainInterface *i) {
        if (i->driver != NET_DRIVER_VHOST || e->facts->has_vhost_net || e->native)
                return 0;
        return diag_error(e->diag, i->info.loc, "<driver name='vhost'>: this host has no /dev/vhost-net");
}

/* "10" or "10:11:12": the descriptors of a tap or of vhost, one for each queue. */
static void json_fds(Json *j, const char *key, unsigned first, unsigned n) {
        _cleanup_text_ Text t = {};

        for (unsigned k = 0; k < n; k++)
                text_appendf(&t, "%s%u", k > 0 ? ":" : "", first + k);
        if (t.failed) {
                j->failed = true;
                return;
        }
        json_add_string(j, key, t.data);
}

static void fill_tap(Emit *e, PlanFd *fd, const DomainInterface *i) {
        memcpy(fd->mac, i->mac, sizeof(fd->mac));
        fd->mtu = i->mtu;
        fd->queues = queue_count(i);
        fd->managed_tap = true;
        if (free_and_strdup(&fd->ifname, i->target_dev) < 0 ||
            free_and_strdup(&fd->bridge, i->source_bridge) < 0)
                e->failed = true;
}

static int emit_tap(Emit *e, const DomainInterface *i, Json *j) {
        _cleanup_free_ char *tap = strf("tap-%s", i->info.alias), *vhost = strf("vhost-%s", i->info.alias),
                            *element = strf("interface %s", i->info.alias);
        unsigned queues = queue_count(i);
        PlanFd *fd;
        int r = check_vhost(e, i);

        if (r < 0)
                return r;
        if (!tap || !vhost || !element ||
            !(fd = emit_fd(e, PLAN_FD_TAP, tap, element, i->info.loc, queues))) {
                e->failed = true;
                return 0;
        }
        fill_tap(e, fd, i);
        json_add_string(j, "type", "tap");
        json_fds(j, queues > 1 ? "fds" : "fd", fd->number, queues);
        if (wants_vhost(e, i)) {
                fd = emit_fd(e, PLAN_FD_VHOST_NET, vhost, element, i->info.loc, queues);
                if (!fd)
                        return 0;
                fd->queues = queues;
                json_add_bool(j, "vhost", true);
                json_fds(j, queues > 1 ? "vhostfds" : "vhostfd", fd->number, queues);
        }
        return 0;
}

static int emit_backend(Emit *e, const DomainInterface *i) {
        _cleanup_qjson_ Json j = {};
        int r = 0;

        switch (i->type) {
        case INTERFACE_USER:
                if (i->backend_type && !streq(i->backend_type, "default"))
                        return diag_error(e->diag, i->info.loc, "not supported: <backend type='%s'>",
                                          i->backend_type);
                json_add_string(&j, "type", "user");
                break;
        case INTERFACE_BRIDGE:
        case INTERFACE_ETHERNET:
                r = emit_tap(e, i, &j);
                break;
        default:
                r = diag_error(e->diag, i->info.loc, "not supported: interface type '%s'",
                               strempty(interface_type_to_string(i->type)));
        }
        if (r < 0)
                return r;
        json_add_stringf(&j, "id", "host%s", i->info.alias);
        emit_json(e, "-netdev", &j);
        return 0;
}

/* --- the card --- */

static void json_virtio(Json *j, const DomainInterface *i) {
        unsigned queues = queue_count(i);

        json_add_stringf(j, "driver", "virtio-net-pci%s", virtio_suffix(i->model));
        json_virtio_options(j, &i->virtio);
        json_add_tristate(j, "ioeventfd", i->ioeventfd);
        json_add_tristate(j, "event_idx", i->event_idx);
        if (queues > 1) {
                json_add_bool(j, "mq", true);
                json_add_uint(j, "vectors",
                              2 * queues + 2); /* receive and send each, configuration, control */
        }
        json_add_opt_uint(j, "rx_queue_size", i->rx_queue_size);
        json_add_opt_uint(j, "tx_queue_size", i->tx_queue_size);
        json_add_opt_uint(j, "host_mtu", i->mtu);
}

static int emit_card(Emit *e, const DomainInterface *i) {
        _cleanup_qjson_ Json j = {};
        _cleanup_free_ char *element = strf("interface %s", i->info.alias);
        unsigned boot = boot_index(e->domain, &i->info);
        char mac[18];

        if (!element)
                return -ENOMEM;
        if (is_virtio(i))
                json_virtio(&j, i);
        else if (qemu_caps_has_type(e->caps, i->model))
                json_add_string(&j, "driver", i->model);
        else
                return diag_error(e->diag, i->info.loc, "emulator '%s' has no network card '%s'",
                                  e->domain->emulator, i->model);
        format_mac(i->mac, mac);
        json_add_stringf(&j, "netdev", "host%s", i->info.alias);
        json_add_string(&j, "id", i->info.alias);
        json_add_string(&j, "mac", mac);
        if (boot > 0)
                json_add_uint(&j, "bootindex", boot);
        json_address(e, &j, &i->info);
        json_rom(e, &j, &i->info, element);
        emit_json(e, "-device", &j);
        if (i->link == LINK_DOWN && strv_extend(&e->out->links_down, i->info.alias) < 0)
                return -ENOMEM;
        return 0;
}

int emit_interfaces(Emit *e) {
        int ret = 0;

        FOREACH_ARRAY(i, e->domain->interfaces, e->domain->n_interfaces) {
                int r = emit_backend(e, i);
                if (r >= 0)
                        r = emit_card(e, i);
                if (r < 0)
                        ret = r;
        }
        return ret;
}
