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
        PROPS_END,
};

static bool read_mac(Item *i, const char *key, DomainInterface *n) {
        const char *mac = item_get(i, key);

        if (!mac || parse_mac(mac, n->mac) < 0)
                return !mac;
        n->has_mac = true;
        (void) item_take(i, key);
        return true;
}

/* What is behind the card. 0: understood. */
static int read_backend(Item *i, DomainInterface *n) {
        const char *type = item_get(i, "type"), *br = item_take(i, "br"), *ifname = item_take(i, "ifname");
        const char *script = item_get(i, "script"), *fds = item_get(i, "fds"), *queues = item_get(i, "queues");
        unsigned count;

        (void) item_take(i, "type");
        (void) item_take(i, "id");
        if (streq_ptr(type, "user"))
                n->type = INTERFACE_USER;
        else if (streq_ptr(type, "bridge")) {
                n->type = INTERFACE_BRIDGE;
                if (free_and_strdup(&n->source_bridge, br ?: "br0") < 0)
                        return -ENOMEM;
                (void) item_take(i, "helper");
        } else if (streq_ptr(type, "tap")) {
                n->type = br ? INTERFACE_BRIDGE : INTERFACE_ETHERNET;
                if (free_and_strdup(&n->source_bridge, br) < 0 || free_and_strdup(&n->target_dev, ifname) < 0)
                        return -ENOMEM;
                if (script && !streq(script, "no") && !streq(script, ""))
                        return 1;
                (void) item_take(i, "script");
                (void) item_take_if(i, "downscript", "no");
                (void) item_take(i, "fd");
        } else
                return 1;
        if (fds) {
                count = 1;
                for (const char *c = fds; *c; c++)
                        count += *c == ':';
                n->queues = OPT_UINT(count);
                (void) item_take(i, "fds");
        } else if (queues && parse_uint(queues, &count) >= 0 && count > 1) {
                n->queues = OPT_UINT(count);
                (void) item_take(i, "queues");
        }
        return item_is_used_up(i) ? 0 : 1;
}

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
        int r = 1;

        if (!n)
                return -ENOMEM;
        if (backend && !backend->used)
                r = read_backend(backend, n);
        if (r == 0 && read_mac(i, "mac", n)) {
                n->model = rest ? strf("virtio%s", rest) : strdup(driver);
                if (!n->model)
                        return -ENOMEM;
                (void) item_take(i, "driver");
                (void) item_take(i, "netdev");
                read_queues(i, n);
                r = props_virtio(i, &n->virtio);
                if (r >= 0 && rest)
                        r = props_apply(i, virtio_card_rows, n);
                if (r >= 0)
                        r = parse_info(p, i, &n->info);
        }
        if (r < 0)
                return r;
        if (r > 0 && item_is_used_up(i))
                i->props[0].used = false;
        r = PARSE_FINISH(p, i, interfaces);
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

/* -net nic has its card, -net user and the others what is behind the card before, or behind the next one. */
static int parse_old_nic(Parse *p, Item *i) {
        const char *model = item_take(i, "model");
        DomainInterface *n = PARSE_ADD(p, interfaces);

        if (!n)
                return -ENOMEM;
        n->type = INTERFACE_USER;
        (void) item_take(i, "type");
        (void) item_take(i, "vlan");
        (void) item_take(i, "name");
        (void) item_take(i, "netdev");
        if (!read_mac(i, "macaddr", n))
                return PARSE_FINISH(p, i, interfaces);
        int r = set_model(p, n, model);
        return r < 0 ? r : PARSE_FINISH(p, i, interfaces);
}

int parse_net(Parse *p, Item *i) {
        const char *type = item_get(i, "type");
        DomainInterface *n = p->d->n_interfaces > 0 ? p->d->interfaces + p->d->n_interfaces - 1 : NULL;

        if (streq_ptr(type, "none"))
                return i->n_props > 1;
        if (streq(i->option, "-nic")) {
                if (!(n = PARSE_ADD(p, interfaces)))
                        return -ENOMEM;
                const char *model = item_take(i, "model");
                int r = set_model(p, n, model);
                if (r >= 0)
                        r = read_mac(i, "mac", n) ? read_backend(i, n) : 1;
                if (r > 0 && item_is_used_up(i))
                        i->props[0].used = false;
                return r < 0 ? r : PARSE_FINISH(p, i, interfaces);
        }
        if (streq_ptr(type, "nic"))
                return parse_old_nic(p, i);
        if (!n)
                return 1;
        DomainInterface copy = { .type = n->type };
        (void) item_take(i, "vlan");
        (void) item_take(i, "name");
        int r = read_backend(i, &copy);
        if (r == 0) {
                n->type = copy.type;
                free(n->source_bridge);
                free(n->target_dev);
                n->source_bridge = copy.source_bridge;
                n->target_dev = copy.target_dev;
                return 0;
        }
        free(copy.source_bridge);
        free(copy.target_dev);
        return r;
}
