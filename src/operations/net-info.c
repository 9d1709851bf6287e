/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "agent.h"
#include "host-file.h"
#include "json-member.h"
#include "net-info.h"
#include "parse-util.h"
#include "string-util.h"

static const char *const address_source_words[] = {
        [ADDRESS_LEASE] = "lease",
        [ADDRESS_AGENT] = "agent",
        [ADDRESS_ARP] = "arp",
};
DEFINE_STRING_TABLE(address_source, AddressSource);

#define INTERFACES_MAX 1024U
#define ADDRESSES_MAX 1024U /* of an interface */
#define WORD_MAX 255U       /* characters of what the guest says */
#define ARP_TABLE_MAX (4U << 20)

const DomainInterface *domain_find_interface(const Domain *d, const char *word) {
        uint8_t mac[6];

        bool is_mac = parse_mac(word, mac) >= 0;
        FOREACH_ARRAY(i, d->interfaces, d->n_interfaces)
                if (is_mac ? i->has_mac && memcmp(i->mac, mac, sizeof(mac)) == 0 : streq_ptr(i->target_dev, word))
                        return i;
        return NULL;
}

/* --- counters --- */

/* What comes out of a tap is what the guest has sent. A macvtap is the guest's end already. */
static void swap_ends(HostNetCounters *c) {
        *c = (HostNetCounters) {
                .rx_bytes = c->tx_bytes, .rx_packets = c->tx_packets, .rx_errors = c->tx_errors, .rx_dropped = c->tx_dropped,
                .tx_bytes = c->rx_bytes, .tx_packets = c->rx_packets, .tx_errors = c->rx_errors, .tx_dropped = c->rx_dropped,
        };
}

int vm_interface_counters(Manager *m, const Domain *d, const char *word, Diag *diag, HostNetCounters *ret) {
        const DomainInterface *i = domain_find_interface(d, word);

        if (!i)
                return diag_error(diag, (SrcLoc) {}, "invalid argument: '%s' is not a known interface", word);
        if (!i->target_dev)
                return diag_error(diag, (SrcLoc) {}, "internal error: Interface name not provided");
        int r = host_net_counters(m->host_root, i->target_dev, ret);
        if (r == -ENOENT)
                return diag_error_code(diag, r, (SrcLoc) {}, "internal error: /proc/net/dev: Interface not found");
        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "Could not open /proc/net/dev: %s", strerror(-r));
        if (i->type != INTERFACE_DIRECT)
                swap_ends(ret);
        return 0;
}

/* --- addresses --- */

static void guest_interface_done(GuestInterface *i) {
        free(i->name);
        free(i->mac);
        FOREACH_ARRAY(a, i->addresses, i->n_addresses)
                free(a->address);
        free(i->addresses);
}

void guest_interfaces_done(GuestInterfaces *i) {
        FREE_LIST(i->items, i->n_items, guest_interface_done);
}

static int add_interface(GuestInterfaces *list, char *name, const char *mac, GuestInterface **ret) {
        if (!name || !ARRAY_GROW(list->items, list->n_items)) {
                free(name);
                return -ENOMEM;
        }
        GuestInterface *i = list->items + list->n_items++;
        *i = (GuestInterface) { .name = name, .mac = mac ? strdup(mac) : NULL };
        *ret = i;
        return mac && !i->mac ? -ENOMEM : 0;
}

static int add_address(GuestInterface *i, bool ipv6, char *address, unsigned prefix) {
        if (!address || !ARRAY_GROW(i->addresses, i->n_addresses)) {
                free(address);
                return -ENOMEM;
        }
        i->addresses[i->n_addresses++] = (GuestAddress) { .ipv6 = ipv6, .address = address, .prefix = prefix };
        return 0;
}

/* A copy of at most so much of the guest's text that nothing in it moves the cursor. */
static char *guest_text(const char *s, size_t n) {
        char *copy = strndup(s, MIN(n, WORD_MAX));

        if (copy && !utf8_is_printable(copy))
                for (char *p = copy; *p; p++)
                        if ((unsigned char) *p < 0x20 || (unsigned char) *p >= 0x7f)
                                *p = '?';
        return copy;
}

/* "eth0:1" is eth0 with one more address. */
static int find_interface(GuestInterfaces *list, const char *word, const char *mac, GuestInterface **ret) {
        _cleanup_free_ char *name = guest_text(word, strcspn(word, ":"));
        _cleanup_free_ char *mac_text = mac ? guest_text(mac, strlen(mac)) : NULL;

        if (!name || (mac && !mac_text))
                return -ENOMEM;
        FOREACH_ARRAY(i, list->items, list->n_items)
                if (streq(i->name, name)) {
                        *ret = i;
                        return 0;
                }
        return list->n_items < INTERFACES_MAX ? add_interface(list, TAKE_PTR(name), mac_text, ret) : -E2BIG;
}

static int read_address(json_object *o, GuestInterface *i) {
        const char *type = json_member_string(o, "ip-address-type"), *address = json_member_string(o, "ip-address");
        json_object *prefix = json_member(o, "prefix", json_type_int);

        bool ipv6 = streq_ptr(type, "ipv6");
        if (!address || !prefix || !(ipv6 || streq_ptr(type, "ipv4")) || json_object_get_int64(prefix) < 0 ||
            json_object_get_int64(prefix) > 128 || i->n_addresses >= ADDRESSES_MAX)
                return -EBADMSG;
        return add_address(i, ipv6, guest_text(address, strlen(address)), (unsigned) json_object_get_int64(prefix));
}

static int read_interface(json_object *o, GuestInterfaces *list) {
        const char *name = json_member_string(o, "name");
        json_object *addresses = json_member(o, "ip-addresses", json_type_array);
        GuestInterface *i;

        int r = name ? find_interface(list, name, json_member_string(o, "hardware-address"), &i) : -EBADMSG;
        for (size_t k = 0; r >= 0 && addresses && k < json_object_array_length(addresses); k++)
                r = read_address(json_object_array_get_idx(addresses, k), i);
        return r;
}

static int ask_agent(Manager *m, const Vm *vm, Diag *diag, GuestInterfaces *list) {
        json_object *reply;

        int r = vm_agent_ask(m, vm, "guest-network-get-interfaces", NULL, diag, &reply);
        if (r < 0)
                return r;
        if (!json_object_is_type(reply, json_type_array))
                r = -EBADMSG;
        for (size_t i = 0; r >= 0 && i < json_object_array_length(reply); i++)
                r = read_interface(json_object_array_get_idx(reply, i), list);
        json_object_put(reply);
        return r == -EBADMSG || r == -E2BIG ? vm_agent_malformed(diag) : r;
}

/* One entry a line, as libvirt has it: "192.168.0.2 0x1 0x2 52:54:00:00:00:01 * br0". */
static int read_neighbour(const char *line, const Domain *d, GuestInterfaces *list) {
        char address[46], mac_text[18];
        unsigned flags;
        uint8_t mac[6];

        if (sscanf(line, "%45s %*s %x %17s", address, &flags, mac_text) != 3 || !(flags & 2 /* ATF_COM */) ||
            parse_mac(mac_text, mac) < 0)
                return 0;
        FOREACH_ARRAY(i, d->interfaces, d->n_interfaces) {
                GuestInterface *added;

                if (!i->has_mac || memcmp(i->mac, mac, sizeof(mac)) != 0 || list->n_items >= INTERFACES_MAX)
                        continue;
                format_mac(mac, mac_text);
                int r = add_interface(list, strdup(i->target_dev ?: "-"), mac_text, &added);
                return r < 0 ? r : add_address(added, false, strdup(address), 0);
        }
        return 0;
}

static int ask_host(Manager *m, const Domain *d, Diag *diag, GuestInterfaces *list) {
        _cleanup_free_ char *text = NULL;

        int r = host_read_file(ARP_TABLE_MAX, &text, "%s/proc/net/arp", m->host_root);
        if (r < 0)
                return diag_error_code(diag, r, (SrcLoc) {}, "cannot read /proc/net/arp: %s", strerror(-r));
        for (char *line = text, *next; r >= 0 && *line; line = next) {
                size_t n = strcspn(line, "\n");
                next = line + n + (line[n] == '\n');
                line[n] = 0;
                r = read_neighbour(line, d, list);
        }
        return r;
}

int vm_guest_interfaces(Manager *m, const Vm *vm, const Domain *d, AddressSource source, Diag *diag, GuestInterfaces *ret) {
        _cleanup_guest_interfaces_ GuestInterfaces list = {};

        int r = source == ADDRESS_AGENT ? ask_agent(m, vm, diag, &list) : source == ADDRESS_ARP ? ask_host(m, d, diag, &list) : 0;
        if (r < 0)
                return r;
        *ret = list;
        list = (GuestInterfaces) {};
        return 0;
}

int vm_guest_hostname(Manager *m, const Vm *vm, AddressSource source, Diag *diag, char **ret) {
        json_object *reply;

        if (source == ADDRESS_LEASE)
                return diag_error_code(diag, -ENOENT, (SrcLoc) {}, "no hostname found: no hostname found for domain %s", vm->name);
        int r = vm_agent_ask(m, vm, "guest-get-host-name", NULL, diag, &reply);
        if (r < 0)
                return r;
        const char *name = json_member_string(reply, "host-name");
        *ret = name ? guest_text(name, strlen(name)) : NULL;
        r = !name ? vm_agent_malformed(diag) : !*ret ? -ENOMEM : 0;
        json_object_put(reply);
        return r;
}
