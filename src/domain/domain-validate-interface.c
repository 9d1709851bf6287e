/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <arpa/inet.h>

#include "domain-validate.h"
#include "string-util.h"

/* Longest name of a network device, Linux. */
#define DEVICE_NAME_MAX 15U
/* Longest path of a unix socket. */
#define SOCKET_PATH_MAX 107U
/* Longest profile of a virtual port, from 802.1Qbh. */
#define PROFILE_MAX 39U

#define REFUSED_INTERFACES (BIT(INTERFACE_INTERNAL) | BIT(INTERFACE_NULL) | BIT(INTERFACE_VDS))
/* Those with a tap or the like, that a virtual port can be about. */
#define SWITCHED_INTERFACES                                                                                  \
        (BIT(INTERFACE_NETWORK) | BIT(INTERFACE_BRIDGE) | BIT(INTERFACE_DIRECT) | BIT(INTERFACE_HOSTDEV))
#define MTU_INTERFACES                                                                                       \
        (BIT(INTERFACE_NETWORK) | BIT(INTERFACE_BRIDGE) | BIT(INTERFACE_ETHERNET) | BIT(INTERFACE_VHOSTUSER))
#define BRIDGED_INTERFACES (BIT(INTERFACE_NETWORK) | BIT(INTERFACE_BRIDGE))
#define SOCKET_INTERFACES                                                                                    \
        (BIT(INTERFACE_UDP) | BIT(INTERFACE_MCAST) | BIT(INTERFACE_CLIENT) | BIT(INTERFACE_SERVER))

static bool device_name_is_valid(const char *name) {
        return *name && strlen(name) <= DEVICE_NAME_MAX && !streq(name, ".") && !streq(name, "..") &&
               utf8_is_printable(name) && !strpbrk(name, "/: ");
}

static void check_device_name(const DomainInterface *i, const char *what, const char *name, Diag *diag) {
        if (name && !device_name_is_valid(name))
                (void) diag_error(diag, i->info.loc, "interface: %s '%s' is not the name of a network device",
                                  what, name);
}

static const char *type_word(const DomainInterface *i) {
        return interface_type_to_string(i->type ?: INTERFACE_USER);
}

/* A part that there is for other types only. */
static void not_for_type(const DomainInterface *i, const char *what, Diag *diag) {
        (void) diag_error(diag, i->info.loc, "interface of type '%s' has no %s", type_word(i), what);
}

static void needs_source(const DomainInterface *i, const char *attribute, const char *value, Diag *diag) {
        if (isempty(value))
                (void) diag_error(diag, i->info.loc, "interface of type '%s' needs <source %s='…'/>",
                                  type_word(i), attribute);
}

/* --- the host's end --- */

static bool port_is_valid(const SocketAddress *a) {
        return a->has_port && a->port >= 0 && a->port <= 65535;
}

static void check_socket(const DomainInterface *i, Diag *diag) {
        SrcLoc loc = i->info.loc;

        if (!port_is_valid(&i->remote))
                (void) diag_error(diag, loc, "interface of type '%s' needs <source port='…'/> with a port number",
                                  type_word(i));
        if (i->type != INTERFACE_SERVER)
                needs_source(i, "address", i->remote.address, diag);
        if (i->remote.address && strpbrk(i->remote.address, ", \t\n/"))
                (void) diag_error(diag, loc, "interface: '%s' is not an address", i->remote.address);
        if (i->type != INTERFACE_UDP)
                return;
        if (i->local_loc.line == 0)
                (void) diag_error(diag, loc, "interface of type 'udp' needs <local address='…' port='…'/> in <source>");
        else if (!port_is_valid(&i->local))
                (void) diag_error(diag, i->local_loc, "interface: <local> @port is not a port number");
        if (i->local.address && strpbrk(i->local.address, ", \t\n/"))
                (void) diag_error(diag, i->local_loc, "interface: '%s' is not an address", i->local.address);
}

static void check_vhost_user(const DomainInterface *i, Diag *diag) {
        SrcLoc loc = i->info.loc;

        if (!streq_ptr(i->socket_type, "unix"))
                (void) diag_error(diag, loc, "interface of type 'vhostuser' needs <source type='unix'>, not '%s'",
                                  strempty(i->socket_type));
        needs_source(i, "path", i->socket_path, diag);
        check_path(diag, loc, "interface of type 'vhostuser'", i->socket_path);
        if (i->socket_path && strlen(i->socket_path) > SOCKET_PATH_MAX)
                (void) diag_error(diag, loc, "interface: path '%s' is too long for a socket", i->socket_path);
        needs_source(i, "mode", vhost_user_mode_to_string(i->socket_mode), diag);
        if (!interface_is_virtio(i))
                (void) diag_error(diag, loc, "interface of type 'vhostuser' needs <model type='virtio'/>, not '%s'",
                                  i->model ?: "rtl8139");
        if (i->reconnect_loc.line == 0)
                return;
        if (i->socket_mode == VHOST_USER_SERVER)
                (void) diag_error(diag, i->reconnect_loc, "interface: <reconnect> needs mode='client', not 'server'");
        else if (i->reconnect == TRI_YES && !i->reconnect_timeout.set)
                (void) diag_error(diag, i->reconnect_loc, "interface: <reconnect enabled='yes'> needs @timeout");
}

static void check_hostdev(const DomainInterface *i, Diag *diag) {
        const DeviceAddress *a = &i->source_address;

        if (a->type == ADDRESS_UNSET)
                (void) diag_error(diag, i->info.loc,
                                  "interface of type 'hostdev' needs <source><address type='pci' …/></source>");
        else if (a->type != ADDRESS_PCI)
                (void) diag_error(diag, a->loc, "not supported: interface of type 'hostdev' with an address of type '%s'",
                                  address_type_to_string(a->type));
        if (i->hostdev_driver == HOSTDEV_DRIVER_KVM || i->hostdev_driver == HOSTDEV_DRIVER_XEN)
                refuse(diag, i->info.loc, "driver name", hostdev_driver_to_string(i->hostdev_driver));
}

static void check_interface_source(const DomainInterface *i, Diag *diag) {
        switch (i->type) {
        case INTERFACE_BRIDGE:
                needs_source(i, "bridge", i->source_bridge, diag);
                if (i->source_bridge && *i->source_bridge && !device_name_is_valid(i->source_bridge))
                        (void) diag_error(diag, i->info.loc, "interface: '%s' is not the name of a bridge",
                                          i->source_bridge);
                break;
        case INTERFACE_NETWORK:
                needs_source(i, "network", i->source_network, diag);
                if (i->source_network && (strchr(i->source_network, '/') || !utf8_is_printable(i->source_network)))
                        (void) diag_error(diag, i->info.loc, "interface: '%s' is not the name of a network",
                                          i->source_network);
                break;
        case INTERFACE_DIRECT:
                needs_source(i, "dev", i->source_dev, diag);
                if (i->source_dev && *i->source_dev)
                        check_device_name(i, "source", i->source_dev, diag);
                break;
        case INTERFACE_VDPA:
                needs_source(i, "dev", i->source_dev, diag);
                check_path(diag, i->info.loc, "interface of type 'vdpa'", i->source_dev);
                if (!interface_is_virtio(i))
                        (void) diag_error(diag, i->info.loc, "interface of type 'vdpa' needs <model type='virtio'/>, not '%s'",
                                          i->model ?: "rtl8139");
                break;
        case INTERFACE_VHOSTUSER:
                check_vhost_user(i, diag);
                break;
        case INTERFACE_HOSTDEV:
                check_hostdev(i, diag);
                break;
        default:
                if (IN_SET(i->type, REFUSED_INTERFACES))
                        refuse(diag, i->info.loc, "interface type", type_word(i));
                if (IN_SET(i->type, SOCKET_INTERFACES))
                        check_socket(i, diag);
        }
}

/* --- addresses --- */

typedef struct IpBytes {
        uint8_t bytes[16];
        unsigned bits; /* 32 or 128 */
} IpBytes;

static bool parse_ip(const char *s, IpFamily family, IpBytes *ret) {
        *ret = (IpBytes) { .bits = family == FAMILY_IPV6 ? 128 : 32 };
        return s && inet_pton(family == FAMILY_IPV6 ? AF_INET6 : AF_INET, s, ret->bytes) == 1;
}

/* Without a family an address of IPv6 is known by its colon; a route's is not. */
static IpFamily family_of(const InterfaceIp *ip) {
        return ip->family ?: strchr(strempty(ip->address), ':') ? FAMILY_IPV6 : FAMILY_IPV4;
}

static void check_ips(const InterfaceIp *ips, size_t n, Diag *diag) {
        FOREACH_ARRAY(ip, ips, n) {
                IpFamily family = family_of(ip);
                IpBytes bytes;

                if (ip->address && !parse_ip(ip->address, family, &bytes))
                        (void) diag_error(diag, ip->loc, "<ip>: '%s' is not an %s address", ip->address,
                                          ip_family_to_string(family));
                if (ip->peer && !parse_ip(ip->peer, family, &bytes))
                        (void) diag_error(diag, ip->loc, "<ip> @peer: '%s' is not an %s address", ip->peer,
                                          ip_family_to_string(family));
                if (ip->prefix.set && ip->prefix.value > (family == FAMILY_IPV6 ? 128U : 32U))
                        (void) diag_error(diag, ip->loc, "<ip> @prefix: %u is more than an %s address has",
                                          ip->prefix.value, ip_family_to_string(family));
        }
}

/* Length of the network's part: given, or that of the mask, or that of the old classes. */
static bool route_prefix(const InterfaceRoute *r, const IpBytes *address, unsigned *ret) {
        IpBytes mask;
        unsigned n = 0;

        if (r->prefix.set) {
                *ret = r->prefix.value;
                return *ret <= address->bits;
        }
        if (!r->netmask) {
                uint8_t first = address->bytes[0];
                bool any = memcmp(address->bytes, (uint8_t[16]) {}, 16) == 0;
                *ret = any ? 0 : address->bits == 128 ? 64 : first < 128 ? 8 : first < 192 ? 16 : 24;
                return true;
        }
        if (!parse_ip(r->netmask, address->bits == 128 ? FAMILY_IPV6 : FAMILY_IPV4, &mask))
                return false;
        while (n < mask.bits && mask.bytes[n / 8] & (0x80 >> n % 8))
                n++;
        *ret = n;
        for (; n < mask.bits; n++)
                if (mask.bytes[n / 8] & (0x80 >> n % 8))
                        return false;
        return true;
}

unsigned interface_route_prefix(const InterfaceRoute *r) {
        IpBytes address;
        unsigned prefix = 0;

        if (parse_ip(r->address, r->family ?: FAMILY_IPV4, &address))
                (void) route_prefix(r, &address, &prefix);
        return prefix;
}

/* Without one it is that of the old classes. */
unsigned interface_ip_prefix(const InterfaceIp *ip) {
        return interface_route_prefix(&(InterfaceRoute) { .address = ip->address, .family = family_of(ip), .prefix = ip->prefix });
}

static void check_route(const InterfaceRoute *r, Diag *diag) {
        IpFamily family = r->family ?: FAMILY_IPV4;
        const char *word = ip_family_to_string(family);
        IpBytes address, gateway;
        unsigned prefix;

        if (r->address && !parse_ip(r->address, family, &address))
                (void) diag_error(diag, r->loc, "<route>: '%s' is not an %s address", r->address, word);
        else if (r->prefix.set && r->netmask)
                (void) diag_error(diag, r->loc, "<route> has both @prefix and @netmask");
        else if (r->address && !route_prefix(r, &address, &prefix))
                (void) diag_error(diag, r->loc, "<route>: the network's length is not one of an %s address", word);
        else if (r->address)
                for (unsigned n = prefix; n < address.bits; n++)
                        if (address.bytes[n / 8] & (0x80 >> n % 8)) {
                                (void) diag_error(diag, r->loc, "<route>: '%s' is not the address of a network",
                                                  r->address);
                                break;
                        }
        if (r->gateway && !parse_ip(r->gateway, family, &gateway))
                (void) diag_error(diag, r->loc, "<route> @gateway: '%s' is not an %s address", r->gateway, word);
        if (r->metric.set && r->metric.value == 0)
                (void) diag_error(diag, r->loc, "<route> @metric is 0: the first is 1");
}

static void check_addresses(const DomainInterface *i, Diag *diag) {
        unsigned n4 = 0, n6 = 0;

        check_ips(i->host_ips, i->n_host_ips, diag);
        check_ips(i->ips, i->n_ips, diag);
        FOREACH_ARRAY(r, i->host_routes, i->n_host_routes)
                check_route(r, diag);
        if ((i->n_host_ips > 0 || i->n_host_routes > 0) && i->type != INTERFACE_ETHERNET)
                not_for_type(i, "<ip> and <route> in <source>; type 'ethernet' has", diag);
        if (i->n_routes > 0)
                (void) diag_error(diag, i->routes[0].loc, "interface: QEMU gives the guest no <route>");
        if (i->n_ips > 0 && i->type != INTERFACE_USER && i->type != INTERFACE_UNSET) {
                not_for_type(i, "<ip>; type 'user' has", diag);
                return;
        }
        FOREACH_ARRAY(ip, i->ips, i->n_ips) {
                bool v6 = family_of(ip) == FAMILY_IPV6;

                if (ip->peer)
                        (void) diag_error(diag, ip->loc, "interface: the guest's <ip> has no @peer");
                if ((v6 ? ++n6 : ++n4) > 1)
                        (void) diag_error(diag, ip->loc, "interface: a second <ip> of family '%s'",
                                          ip_family_to_string(family_of(ip)));
                if (!v6 && ip->prefix.set && ip->prefix.value != 0 && i->backend != NET_BACKEND_PASST &&
                    (ip->prefix.value < 4 || ip->prefix.value > 27))
                        (void) diag_error(diag, ip->loc, "interface: <ip> @prefix is %u; QEMU wants one from 4 to 27",
                                          ip->prefix.value);
        }
}

static void check_port_forwards(const DomainInterface *i, Diag *diag) {
        if (i->n_port_forwards > 0 && i->backend != NET_BACKEND_PASST)
                (void) diag_error(diag, i->port_forwards[0].loc, "interface: <portForward> needs <backend type='passt'/>");
        FOREACH_ARRAY(p, i->port_forwards, i->n_port_forwards) {
                IpBytes bytes;

                if (p->address && !parse_ip(p->address, strchr(p->address, ':') ? FAMILY_IPV6 : FAMILY_IPV4, &bytes))
                        (void) diag_error(diag, p->loc, "<portForward>: '%s' is not an address", p->address);
                check_device_name(i, "<portForward> @dev", p->dev, diag);
                FOREACH_ARRAY(r, p->ranges, p->n_ranges) {
                        if (r->start.set && r->start.value == 0)
                                (void) diag_error(diag, r->loc, "<range> @start is 0: the first port is 1");
                        if (r->end.set && r->end.value < r->start.value)
                                (void) diag_error(diag, r->loc, "<range>: @end is %u, before @start, %u", r->end.value,
                                                  r->start.value);
                        if (r->to.set && r->exclude == TRI_YES)
                                (void) diag_error(diag, r->loc, "<range> has both @to and exclude='yes'");
                        if (r->to.set && r->to.value + (r->end.set ? r->end.value - r->start.value : 0) > 65535)
                                (void) diag_error(diag, r->loc, "<range> @to: %u leads beyond port 65535", r->to.value);
                }
        }
}

/* --- the switch --- */

static void check_vlan(const DomainInterface *i, Diag *diag) {
        unsigned natives = 0;

        if (i->vlan_loc.line == 0)
                return;
        if (i->n_vlan_tags == 0)
                (void) diag_error(diag, i->vlan_loc, "<vlan> needs a <tag id='…'/>");
        if (i->n_vlan_tags > 1 && i->vlan_trunk == TRI_NO)
                (void) diag_error(diag, i->vlan_loc, "<vlan trunk='no'> has more than one <tag>");
        FOREACH_ARRAY(t, i->vlan_tags, i->n_vlan_tags)
                if (t->native != VLAN_UNSET && ++natives == 2)
                        (void) diag_error(diag, t->loc, "<vlan> has a second <tag> with @nativeMode");
        if (natives > 0 && i->vlan_trunk == TRI_NO)
                (void) diag_error(diag, i->vlan_loc, "<vlan trunk='no'> has a <tag> with @nativeMode");
}

static void check_virtualport(const DomainInterface *i, Diag *diag) {
        const VirtualPort *v = &i->virtualport;
        const char *type = virtualport_type_to_string(v->type), *missing = NULL;

        if (v->loc.line == 0)
                return;
        if (!IN_SET(i->type, SWITCHED_INTERFACES)) {
                not_for_type(i, "<virtualport>", diag);
                return;
        }
        if (v->type == VIRTUALPORT_UNSET && i->type != INTERFACE_NETWORK)
                (void) diag_error(diag, v->loc, "<virtualport> needs @type");
        if (v->type == VIRTUALPORT_QBG)
                missing = !v->manager.set ? "managerid" : !v->type_id.set ? "typeid" : !v->type_version.set ? "typeidversion" : NULL;
        else if (v->type == VIRTUALPORT_QBH && isempty(v->profile))
                missing = "profileid";
        else if (v->type == VIRTUALPORT_MIDONET && !v->has_interface)
                missing = "interfaceid";
        if (missing)
                (void) diag_error(diag, v->loc, "<virtualport type='%s'> needs @%s of <parameters>", type, missing);
        if (v->type != VIRTUALPORT_QBG && v->type != VIRTUALPORT_UNSET &&
            (v->manager.set || v->type_id.set || v->type_version.set || v->has_instance))
                (void) diag_error(diag, v->loc, "<virtualport type='%s'> has parameters of type '802.1Qbg'", type);
        if (v->profile && strlen(v->profile) > PROFILE_MAX)
                (void) diag_error(diag, v->loc, "<virtualport>: profile '%s' is longer than %u characters", v->profile,
                                  PROFILE_MAX);
}

static void check_limit(const BandwidthLimit *l, const char *word, Diag *diag) {
        if (l->loc.line > 0 && !l->average.set && !l->floor.set)
                (void) diag_error(diag, l->loc, "<%s> needs @average", word);
}

static void check_switch(const DomainInterface *i, Diag *diag) {
        check_vlan(i, diag);
        check_virtualport(i, diag);
        check_limit(&i->inbound, "inbound", diag);
        check_limit(&i->outbound, "outbound", diag);
        if (i->inbound.floor.value > 0 && i->type != INTERFACE_NETWORK)
                (void) diag_error(diag, i->inbound.loc, "<inbound> @floor needs an interface of type 'network', not '%s'",
                                  type_word(i));
        if (i->isolated == TRI_YES && !IN_SET(i->type, BRIDGED_INTERFACES))
                not_for_type(i, "<port isolated='yes'/>", diag);
        else if (i->isolated == TRI_YES && i->virtualport.type != VIRTUALPORT_UNSET)
                (void) diag_error(diag, i->info.loc, "interface: <port isolated='yes'/> does not go with <virtualport type='%s'>",
                                  virtualport_type_to_string(i->virtualport.type));
}

/* --- the card --- */

static bool is_power_of_two(OptUint v) {
        return !v.set || (v.value & (v.value - 1)) == 0;
}

static void check_driver(const DomainInterface *i, Diag *diag) {
        SrcLoc loc = i->info.loc;
        const VirtioOptions *o = &i->virtio;

        if (!is_power_of_two(i->rx_queue_size) || !is_power_of_two(i->tx_queue_size))
                (void) diag_error(diag, loc, "interface: %s is not a power of two: %u",
                                  is_power_of_two(i->rx_queue_size) ? "tx_queue_size" : "rx_queue_size",
                                  is_power_of_two(i->rx_queue_size) ? i->tx_queue_size.value : i->rx_queue_size.value);
        if (interface_is_virtio(i))
                return;
        if (o->iommu != TRI_UNSET || o->ats != TRI_UNSET || o->packed != TRI_UNSET || o->page_per_vq != TRI_UNSET)
                (void) diag_error(diag, loc, "interface: iommu, ats, packed and page_per_vq need model 'virtio', not '%s'",
                                  i->model ?: "rtl8139");
}

static void check_teaming(const DomainInterface *i, Diag *diag) {
        SrcLoc loc = i->info.loc;

        if (i->teaming == TEAMING_PERSISTENT && i->teaming_persistent)
                (void) diag_error(diag, loc, "interface: <teaming type='persistent'> has no @persistent");
        if (i->teaming != TEAMING_TRANSIENT)
                return;
        if (isempty(i->teaming_persistent))
                (void) diag_error(diag, loc, "interface: <teaming type='transient'> needs @persistent");
        if (i->type != INTERFACE_HOSTDEV)
                (void) diag_error(diag, loc, "interface: <teaming type='transient'> needs type 'hostdev', not '%s'",
                                  type_word(i));
}

static void check_tap(const DomainInterface *i, Diag *diag) {
        SrcLoc loc = i->info.loc;

        check_device_name(i, "target", i->target_dev, diag);
        if (i->target_managed == TRI_NO && i->type != INTERFACE_ETHERNET)
                not_for_type(i, "<target managed='no'/>; type 'ethernet' has", diag);
        if (i->mtu.set && i->mtu.value > 0 && !IN_SET(i->type, MTU_INTERFACES))
                not_for_type(i, "<mtu>", diag);
        if (i->coalesce_frames.set && i->coalesce_frames.value > 0 && !IN_SET(i->type, BRIDGED_INTERFACES))
                not_for_type(i, "<coalesce>", diag);
        if (i->backend == NET_BACKEND_PASST && i->type != INTERFACE_USER)
                not_for_type(i, "<backend type='passt'/>; type 'user' has", diag);
        if (i->backend_log && i->backend != NET_BACKEND_PASST)
                (void) diag_error(diag, loc, "interface: <backend> @logFile needs type='passt'");
        check_path(diag, loc, "interface backend @logFile", i->backend_log);
        if (i->script && i->type != INTERFACE_ETHERNET)
                (void) diag_warning(diag, loc, "interface: <script> is for type 'ethernet'; nothing runs '%s'", i->script);
        if (i->downscript && i->type != INTERFACE_ETHERNET)
                (void) diag_warning(diag, loc, "interface: <downscript> is for type 'ethernet'; nothing runs '%s'", i->downscript);
}

static void check_interface(const DomainInterface *i, Diag *diag) {
        SrcLoc loc = i->info.loc;

        check_interface_source(i, diag);
        check_addresses(i, diag);
        check_port_forwards(i, diag);
        check_switch(i, diag);
        check_driver(i, diag);
        check_teaming(i, diag);
        check_tap(i, diag);
        if (i->has_mac && (i->mac[0] & 1))
                (void) diag_error(diag, loc,
                                  "interface: MAC address %02x:%02x:%02x:%02x:%02x:%02x is a multicast address",
                                  i->mac[0], i->mac[1], i->mac[2], i->mac[3], i->mac[4], i->mac[5]);
        if (i->model && !in_charset(i->model, ALPHANUMERICAL "-_"))
                (void) diag_error(diag, loc, "interface model '%s' has characters other than a-z, A-Z, 0-9, - and _",
                                  i->model);
        check_path(diag, loc, "interface rom", i->info.rom_file);
        if (i->info.acpi_index.set && i->info.acpi_index.value == 0)
                (void) diag_error(diag, loc, "interface: acpi index is 0: the first is 1");
}

void check_interfaces(const Domain *d, Diag *diag) {
        FOREACH_ARRAY(i, d->interfaces, d->n_interfaces)
                check_interface(i, diag);
}
