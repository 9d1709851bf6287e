/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "parse-util.h"
#include "qemu-parse-model.h"

/* Network interfaces: a card (-device), and what is behind it (-netdev); or both in the old style. */

static const PropRow virtio_card_rows[] = {
        PROP("ioeventfd", PROP_TRISTATE, DomainInterface, ioeventfd),
        PROP("event_idx", PROP_TRISTATE, DomainInterface, event_idx),
        PROP("rx_queue_size", PROP_UINT, DomainInterface, rx_queue_size),
        PROP("tx_queue_size", PROP_UINT, DomainInterface, tx_queue_size),
        PROP("host_mtu", PROP_UINT, DomainInterface, mtu),
        PROP("csum", PROP_TRISTATE, DomainInterface, host.csum),
        PROP("gso", PROP_TRISTATE, DomainInterface, host.gso),
        PROP("host_tso4", PROP_TRISTATE, DomainInterface, host.tso4),
        PROP("host_tso6", PROP_TRISTATE, DomainInterface, host.tso6),
        PROP("host_ecn", PROP_TRISTATE, DomainInterface, host.ecn),
        PROP("host_ufo", PROP_TRISTATE, DomainInterface, host.ufo),
        PROP("mrg_rxbuf", PROP_TRISTATE, DomainInterface, host.mrg_rxbuf),
        PROP("guest_csum", PROP_TRISTATE, DomainInterface, guest.csum),
        PROP("guest_tso4", PROP_TRISTATE, DomainInterface, guest.tso4),
        PROP("guest_tso6", PROP_TRISTATE, DomainInterface, guest.tso6),
        PROP("guest_ecn", PROP_TRISTATE, DomainInterface, guest.ecn),
        PROP("guest_ufo", PROP_TRISTATE, DomainInterface, guest.ufo),
        PROP("rss", PROP_TRISTATE, DomainInterface, rss),
        PROP("hash", PROP_TRISTATE, DomainInterface, rss_hash_report),
        PROPS_END,
};

/* Two words of a card that are called otherwise in a definition. */
static void read_card_words(Item *i, DomainInterface *n) {
        const char *tx = item_get(i, "tx");

        if (streq_ptr(tx, "bh") || streq_ptr(tx, "timer")) {
                n->txmode = *tx == 'b' ? TX_IOTHREAD : TX_TIMER;
                (void) item_take(i, "tx");
        }
        if (streq_ptr(item_get(i, "failover"), "on")) {
                n->teaming = TEAMING_PERSISTENT;
                (void) item_take(i, "failover");
        }
}

static bool read_mac(Item *i, const char *key, DomainInterface *n) {
        const char *mac = item_get(i, key);

        if (!mac || parse_mac(mac, n->mac) < 0)
                return !mac;
        n->has_mac = true;
        (void) item_take(i, key);
        return true;
}

/* --- what is behind the card --- */

/* "10.0.2.15/24" */
static int add_ip(DomainInterface *n, IpFamily family, const char *address, const char *prefix) {
        const char *slash = strchr(address, '/');
        unsigned bits = 0;

        prefix = prefix ?: slash ? slash + 1 : NULL;
        if (prefix && parse_uint(prefix, &bits) < 0)
                return 1;
        if (!ARRAY_GROW(n->ips, n->n_ips))
                return -ENOMEM;
        InterfaceIp *ip = n->ips + n->n_ips++;
        *ip = (InterfaceIp) { .family = family, .address = strndup(address, slash ? (size_t) (slash - address) : strlen(address)) };
        if (prefix)
                ip->prefix = OPT_UINT(bits);
        return ip->address ? 0 : -ENOMEM;
}

static int read_user(Parse *p, Item *i, DomainInterface *n, Item **ret_chardev) {
        const char *net = item_take(i, "net"), *ipv6 = item_take(i, "ipv6-prefix"), *bits = item_take(i, "ipv6-prefixlen");

        n->type = INTERFACE_USER;
        int r = net ? add_ip(n, FAMILY_IPV4, net, NULL) : 0;
        return r != 0 || !ipv6 ? r ?: bits != NULL : add_ip(n, FAMILY_IPV6, ipv6, bits);
}

static int read_bridge(Parse *p, Item *i, DomainInterface *n, Item **ret_chardev) {
        n->type = INTERFACE_BRIDGE;
        (void) item_take(i, "helper");
        return free_and_strdup(&n->source_bridge, item_take(i, "br") ?: "br0");
}

static int read_tap(Parse *p, Item *i, DomainInterface *n, Item **ret_chardev) {
        static const PropRow rows[] = {
                PROP("sndbuf", PROP_UINT64, DomainInterface, sndbuf),
                PROP("br", PROP_STRING, DomainInterface, source_bridge),
                PROP("ifname", PROP_STRING, DomainInterface, target_dev),
                PROP_REST("fd"),
                PROPS_END,
        };
        const char *script = item_take(i, "script"), *vhost = item_get(i, "vhost");

        int r = props_apply(i, rows, n);
        if (r < 0)
                return r;
        n->type = n->source_bridge ? INTERFACE_BRIDGE : INTERFACE_ETHERNET;
        (void) item_take_if(i, "downscript", "no");
        if (vhost && (streq(vhost, "on") || streq(vhost, "off"))) {
                n->driver = streq(vhost, "on") ? NET_DRIVER_VHOST : NET_DRIVER_QEMU;
                (void) item_take(i, "vhost");
        }
        return script && *script && !streq(script, "no");
}

/* "127.0.0.1:5555", ":5555" */
static int read_socket_address(const char *s, SocketAddress *a) {
        const char *colon = strrchr(s, ':');
        unsigned port;

        if (!colon || parse_uint(colon + 1, &port) < 0 || port > 65535)
                return 1;
        a->has_port = true;
        a->port = (int) port;
        if (colon == s)
                return 0;
        free(a->address);
        a->address = strndup(s, (size_t) (colon - s));
        return a->address ? 0 : -ENOMEM;
}

static int read_socket(Parse *p, Item *i, DomainInterface *n, Item **ret_chardev) {
        static const struct { const char *key; InterfaceType type; } kinds[] = {
                { "listen", INTERFACE_SERVER }, { "connect", INTERFACE_CLIENT }, { "mcast", INTERFACE_MCAST }, { "udp", INTERFACE_UDP },
        };

        FOREACH_ARRAY(k, kinds, ELEMENTSOF(kinds)) {
                const char *remote = item_take(i, k->key), *local;
                if (!remote)
                        continue;
                n->type = k->type;
                int r = read_socket_address(remote, &n->remote);
                if (r != 0 || n->type != INTERFACE_UDP)
                        return r;
                n->local_loc.line = 1;
                local = item_take(i, "localaddr");
                return local ? read_socket_address(local, &n->local) : 1;
        }
        return 1;
}

static int read_vhost_user(Parse *p, Item *i, DomainInterface *n, Item **ret_chardev) {
        Item *c = items_find(&p->items, "-chardev", item_take(i, "chardev"));
        const char *path = c && !c->used ? item_take(c, "path") : NULL, *reconnect = path ? item_take(c, "reconnect") : NULL;
        unsigned seconds = 0;

        n->type = INTERFACE_VHOSTUSER;
        if (!path || !streq_ptr(item_take(c, "backend"), "socket") || (reconnect && parse_uint(reconnect, &seconds) < 0))
                return 1;
        (void) item_take(c, "id");
        n->socket_mode = streq_ptr(item_take(c, "server"), "on") ? VHOST_USER_SERVER : VHOST_USER_CLIENT;
        if (reconnect) {
                n->reconnect_loc.line = 1;
                n->reconnect = seconds > 0 ? TRI_YES : TRI_NO;
                n->reconnect_timeout = (OptUint) { seconds > 0, seconds };
        }
        *ret_chardev = c;
        int r = free_and_strdup(&n->socket_type, "unix");
        return r < 0 ? r : !item_is_used_up(c) ? 1 : free_and_strdup(&n->socket_path, path);
}

static int read_vdpa(Parse *p, Item *i, DomainInterface *n, Item **ret_chardev) {
        const char *path = item_take(i, "vhostdev");

        n->type = INTERFACE_VDPA;
        return path ? free_and_strdup(&n->source_dev, path) : 1;
}

static const struct {
        const char *type;
        int (*read)(Parse *p, Item *i, DomainInterface *n, Item **ret_chardev);
} backends[] = {
        { "user", read_user },     { "bridge", read_bridge },         { "tap", read_tap },
        { "socket", read_socket }, { "vhost-user", read_vhost_user }, { "vhost-vdpa", read_vdpa },
};

/* How many descriptors are named, with colons between them. */
static unsigned count_fds(const char *fds) {
        unsigned n = 1;

        for (; *fds; fds++)
                n += *fds == ':';
        return n;
}

/* 0: understood, with the character device that belongs to it. */
static int read_backend(Parse *p, Item *i, DomainInterface *n, Item **ret_chardev) {
        const char *type = strempty(item_take(i, "type")), *fds = item_take(i, "fds"), *queues = item_get(i, "queues");
        unsigned count;
        int r = 1;

        *ret_chardev = NULL;
        (void) item_take(i, "id");
        FOREACH_ARRAY(b, backends, ELEMENTSOF(backends))
                if (streq(b->type, type))
                        r = b->read(p, i, n, ret_chardev);
        if (fds)
                n->queues = OPT_UINT(count_fds(fds));
        else if (queues && parse_uint(queues, &count) >= 0 && count > 1) {
                n->queues = OPT_UINT(count);
                (void) item_take(i, "queues");
        }
        return r != 0 ? r : !item_is_used_up(i);
}

/* --- cards --- */

/* What many queues bring along. */
static void read_queues(Item *i, const DomainInterface *n) {
        _cleanup_free_ char *vectors = strf("%u", 2 * n->queues.value + 2);

        if (n->queues.value <= 1 || !vectors)
                return;
        (void) item_take_if(i, "mq", "on");
        (void) item_take_if(i, "vectors", vectors);
}

int parse_interface(Parse *p, Item *i, const char *driver) {
        Item *backend = items_find(&p->items, "-netdev", item_get(i, "netdev"));
        const char *rest = startswith(driver, "virtio-net-pci");
        DomainInterface *n = PARSE_ADD(p, interfaces);
        Item *chardev = NULL;
        int r = 1;

        if (!n)
                return -ENOMEM;
        if (backend && !backend->used)
                r = read_backend(p, backend, n, &chardev);
        if (r == 0 && read_mac(i, "mac", n)) {
                n->model = rest ? strf("virtio%s", rest) : strdup(driver);
                if (!n->model)
                        return -ENOMEM;
                (void) item_take(i, "netdev");
                read_queues(i, n);
                if (rest)
                        read_card_words(i, n);
                else
                        n->driver = NET_DRIVER_UNSET; /* it is virtio's */
                r = props_virtio(i, &n->virtio);
                if (r >= 0 && rest)
                        r = props_apply(i, virtio_card_rows, n);
                if (r >= 0)
                        r = parse_common(p, i, &n->info);
        }
        if (r < 0)
                return r;
        if (r > 0)
                item_refuse(i);
        r = PARSE_FINISH(p, i, interfaces);
        if (r == 0 && chardev)
                chardev->used = true;
        if (r == 0) {
                if (item_get(backend, "fd") || item_get(backend, "fds"))
                        (void) diag_warning(p->diag, (SrcLoc) {}, "-netdev %s: a descriptor does not say which bridge it leads to; "
                                            "set <interface type='bridge'>", strempty(item_get(backend, "id")));
                backend->used = true;
        }
        return r;
}

/* --- old styles --- */

static int set_model(const Parse *p, DomainInterface *n, const char *model) {
        model = model ?: parse_default_nic(p);
        return model ? free_and_strdup(&n->model, streq(model, "virtio-net-pci") ? "virtio" : model) : 0;
}

/* What a card of its own or of -nic is: the card and what is behind it in one option, or with its -netdev. */
static int read_whole(Parse *p, Item *i, const char *mac, DomainInterface *n, Item *backend) {
        const char *model = item_take(i, "model");
        Item *chardev = NULL;
        int r = set_model(p, n, model);

        if (r >= 0)
                r = read_mac(i, mac, n) ? 0 : 1;
        if (r == 0)
                r = read_backend(p, backend, n, &chardev);
        if (r == 0 && chardev)
                r = 1; /* more than one option */
        if (r > 0)
                item_refuse(i);
        if (r < 0)
                return r;
        r = PARSE_FINISH(p, i, interfaces);
        if (r == 0)
                backend->used = true;
        return r;
}

/* The card of -net nic is on a hub with the others of that number. */
static ParseNic *find_nic(Parse *p, const char *vlan) {
        FOREACH_ARRAY(nic, p->nics, p->n_nics)
                if (!nic->connected && streq_ptr(nic->vlan, vlan))
                        return nic;
        return NULL;
}

static int parse_old_nic(Parse *p, Item *i) {
        const char *netdev = item_get(i, "netdev"), *vlan = item_take(i, "vlan");
        Item *backend = netdev ? items_find(&p->items, "-netdev", netdev) : NULL;

        if (p->n_nics >= ELEMENTSOF(p->nics) || (netdev && (!backend || backend->used)))
                return 1;
        DomainInterface *n = PARSE_ADD(p, interfaces);
        if (!n)
                return -ENOMEM;
        (void) item_take(i, "type");
        (void) item_take(i, "name");
        (void) item_take(i, "netdev");
        if (backend)
                return read_whole(p, i, "macaddr", n, backend);
        n->type = INTERFACE_USER;
        int r = set_model(p, n, item_take(i, "model"));
        (void) read_mac(i, "macaddr", n);
        if (r >= 0)
                r = PARSE_FINISH(p, i, interfaces);
        if (r == 0)
                p->nics[p->n_nics++] = (ParseNic) { .index = p->d->n_interfaces - 1, .vlan = vlan ?: "0" };
        return r;
}

/* What is on the hub with a card is behind the card. With more than one of them it is handed on. */
static int parse_old_backend(Parse *p, Item *i) {
        ParseNic *nic = find_nic(p, item_take(i, "vlan") ?: "0");
        DomainInterface behind = {};
        Item *chardev = NULL;

        if (!nic)
                return 1;
        (void) item_take(i, "name");
        int r = read_backend(p, i, &behind, &chardev);
        if (r != 0 || chardev) {
                interface_done(&behind);
                return r < 0 ? r : 1;
        }
        nic->connected = true;
        DomainInterface *n = p->d->interfaces + nic->index;
        behind.has_mac = n->has_mac;
        memcpy(behind.mac, n->mac, sizeof(behind.mac));
        behind.model = TAKE_PTR(n->model);
        interface_done(n);
        *n = behind;
        return 0;
}

/* The cards first: they may come after what is behind them, and QEMU makes them before any -device. */
int parse_net(Parse *p, Item *i) {
        const char *type = item_get(i, "type");
        bool card = streq_ptr(type, "nic");

        if (streq_ptr(type, "none"))
                return i->n_props > 1;
        if (card != (p->phase == PHASE_CONTROLLERS))
                return 2;
        return card ? parse_old_nic(p, i) : parse_old_backend(p, i);
}

int parse_nic(Parse *p, Item *i) {
        if (streq_ptr(item_get(i, "type"), "none"))
                return i->n_props > 1;
        DomainInterface *n = PARSE_ADD(p, interfaces);
        return n ? read_whole(p, i, "mac", n, i) : -ENOMEM;
}

void parse_net_done(Parse *p) {
        FOREACH_ARRAY(nic, p->nics, p->n_nics)
                if (!nic->connected)
                        (void) diag_warning(p->diag, (SrcLoc) {}, "-net nic: nothing is behind the card; the definition has a network of QEMU's own there");
}
