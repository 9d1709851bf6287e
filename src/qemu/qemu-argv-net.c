/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-validate.h"
#include "parse-util.h"
#include "qemu-argv-net.h"
#include "qemu-device.h"
#include "string-util.h"
#include "strv.h"
#include "text.h"

/* --- what is behind the card --- */

/* QEMU's own network stack. The guest's address says in which network it is; QEMU chooses the others in it. */
static int emit_user(Emit *e, const DomainInterface *i, Json *j) {
        if (i->backend == NET_BACKEND_PASST)
                return emit_passt(e, i, j);
        json_add_string(j, "type", "user");
        FOREACH_ARRAY(ip, i->ips, i->n_ips)
                if (ip->family == FAMILY_IPV6) {
                        json_add_string(j, "ipv6-prefix", ip->address);
                        json_add_opt_uint(j, "ipv6-prefixlen", ip->prefix);
                } else if (ip->prefix.set)
                        json_add_stringf(j, "net", "%s/%u", ip->address, ip->prefix.value);
                else
                        json_add_string(j, "net", ip->address);
        return i->source_dev ? emit_unwired(e, i->info.loc, "interface of type 'user' with <source dev=>") : 0;
}

static int emit_socket(Emit *e, const DomainInterface *i, Json *j) {
        const char *key = i->type == INTERFACE_CLIENT ? "connect" : i->type == INTERFACE_SERVER ? "listen" :
                          i->type == INTERFACE_MCAST  ? "mcast" : "udp";

        json_add_string(j, "type", "socket");
        json_add_stringf(j, key, "%s:%d", strempty(i->remote.address), i->remote.port);
        if (i->type == INTERFACE_UDP)
                json_add_stringf(j, "localaddr", "%s:%d", strempty(i->local.address), i->local.port);
        return 0;
}

/* What a confined QEMU cannot have of it. */
static int check_vhost_user(Emit *e, const DomainInterface *i) {
        const struct {
                bool asked;
                const char *what, *why;
        } parts[] = {
                { i->socket_mode == VHOST_USER_SERVER, "an interface of type 'vhostuser' with mode='server'",
                  "QEMU listens there only at a path of its own, which nobody would find: the switch has to listen" },
                { i->reconnect == TRI_YES, "an interface of type 'vhostuser' with <reconnect>",
                  "QEMU would have to find the socket again by its path, which it does not see" },
                { e->facts->session, "an interface of type 'vhostuser' in a session",
                  "QEMU has no way to the sockets of its user's other processes" },
        };
        int ret = 0;

        for (size_t k = 0; !e->native && k < ELEMENTSOF(parts); k++)
                if (parts[k].asked)
                        ret = emit_refused(e, i->info.loc, parts[k].what, parts[k].why);
        if (!e->native && !memory_is_shared(e->domain))
                ret = diag_error(e->diag, i->info.loc, "interface of type 'vhostuser' needs shared memory "
                                 "(<memoryBacking> with <access mode='shared'/>)");
        return ret;
}

/* QEMU passes its memory on by this socket, and it does so with one that it has connected by a path, not with one that it was
 * handed connected. So it has the socket itself, and the right to connect with it. */
static char *vhost_user_path(Emit *e, const DomainInterface *i) {
        _cleanup_free_ char *name = strf("vhost-user-%s", i->info.alias), *element = strf("interface %s", i->info.alias);

        if (e->native || !name || !element)
                return name && element ? strdup(i->socket_path) : NULL;
        return emit_socket_path(e, &(FileRequest) {
                .name = name, .path = i->socket_path, .element = element, .loc = i->info.loc, .writable = true });
}

static int emit_vhost_user(Emit *e, const DomainInterface *i, Json *j) {
        _cleanup_options_ Options o = {};
        int r = check_vhost_user(e, i);

        if (r < 0)
                return r;
        _cleanup_free_ char *path = vhost_user_path(e, i);
        if (!path)
                return -ENOMEM;
        options_word(&o, "socket");
        options_addf(&o, "id", "char%s", i->info.alias);
        options_add(&o, "path", path);
        if (i->socket_mode == VHOST_USER_SERVER)
                options_add(&o, "server", "on");
        if (e->native && i->reconnect != TRI_UNSET)
                options_addf(&o, "reconnect", "%u", i->reconnect == TRI_YES ? i->reconnect_timeout.value : 0);
        emit_options(e, "-chardev", &o);
        json_add_string(j, "type", "vhost-user");
        json_add_stringf(j, "chardev", "char%s", i->info.alias);
        if (interface_queues(i) > 1)
                json_add_uint(j, "queues", interface_queues(i));
        return 0;
}

static int emit_backend(Emit *e, const DomainInterface *i) {
        _cleanup_qjson_ Json j = {};
        int r = check_host_end(e, i);

        if (r < 0)
                return r;
        switch (i->type) {
        case INTERFACE_USER:
                r = emit_user(e, i, &j);
                break;
        case INTERFACE_NETWORK:
                if (!e->native)
                        return diag_error(e->diag, i->info.loc, "network '%s' is not yet supported",
                                          strempty(i->source_network));
                r = emit_tap(e, i, &j);
                break;
        case INTERFACE_DIRECT:
        case INTERFACE_BRIDGE:
        case INTERFACE_ETHERNET:
                r = emit_tap(e, i, &j);
                break;
        case INTERFACE_UDP:
        case INTERFACE_MCAST:
        case INTERFACE_SERVER:
        case INTERFACE_CLIENT:
                r = emit_socket(e, i, &j);
                break;
        case INTERFACE_VHOSTUSER:
                r = emit_vhost_user(e, i, &j);
                break;
        case INTERFACE_VDPA:
                json_add_string(&j, "type", "vhost-vdpa");
                json_add_string(&j, "vhostdev", i->source_dev);
                if (interface_queues(i) > 1)
                        json_add_uint(&j, "queues", interface_queues(i));
                r = emit_unwired(e, i->info.loc, "interface of type 'vdpa'");
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

static void json_offloads(Json *j, const DomainInterface *i) {
        json_add_tristate(j, "csum", i->host.csum);
        json_add_tristate(j, "gso", i->host.gso);
        json_add_tristate(j, "host_tso4", i->host.tso4);
        json_add_tristate(j, "host_tso6", i->host.tso6);
        json_add_tristate(j, "host_ecn", i->host.ecn);
        json_add_tristate(j, "host_ufo", i->host.ufo);
        json_add_tristate(j, "mrg_rxbuf", i->host.mrg_rxbuf);
        json_add_tristate(j, "guest_csum", i->guest.csum);
        json_add_tristate(j, "guest_tso4", i->guest.tso4);
        json_add_tristate(j, "guest_tso6", i->guest.tso6);
        json_add_tristate(j, "guest_ecn", i->guest.ecn);
        json_add_tristate(j, "guest_ufo", i->guest.ufo);
}

static void json_virtio(Json *j, const DomainInterface *i) {
        unsigned queues = interface_queues(i);

        json_virtio_driver(j, "virtio-net", &i->info, i->model);
        json_virtio_options(j, &i->virtio);
        if (i->txmode != TX_UNSET)
                json_add_string(j, "tx", i->txmode == TX_IOTHREAD ? "bh" : "timer");
        json_add_tristate(j, "ioeventfd", i->ioeventfd);
        json_add_tristate(j, "event_idx", i->event_idx);
        json_offloads(j, i);
        if (queues > 1) {
                json_add_bool(j, "mq", true);
                json_add_uint(j, "vectors",
                              2 * queues + 2); /* receive and send each, configuration, control */
        }
        json_add_opt_uint(j, "rx_queue_size", i->rx_queue_size);
        json_add_opt_uint(j, "tx_queue_size", i->tx_queue_size);
        json_add_tristate(j, "rss", i->rss);
        json_add_tristate(j, "hash", i->rss_hash_report);
        json_add_opt_uint(j, "host_mtu", i->mtu);
        if (i->teaming == TEAMING_PERSISTENT)
                json_add_bool(j, "failover", true);
}

static int emit_card(Emit *e, const DomainInterface *i) {
        _cleanup_qjson_ Json j = {};
        _cleanup_free_ char *element = strf("interface %s", i->info.alias);
        unsigned boot = boot_index(e->domain, &i->info);
        char mac[18];

        if (!element)
                return -ENOMEM;
        if (interface_is_virtio(i))
                json_virtio(&j, i);
        else if (qemu_caps_has_type(e->caps, i->model) || qemu_caps_has_type(e->caps, qemu_driver_name(i->model)))
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
                if (i->type == INTERFACE_HOSTDEV) /* with the other devices of the host */
                        continue;
                int r = emit_backend(e, i);
                if (r >= 0)
                        r = emit_card(e, i);
                if (r < 0)
                        ret = r;
        }
        return ret;
}
