/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-validate.h"
#include "parse-util.h"
#include "qemu-argv-net.h"
#include "string-util.h"
#include "strv.h"
#include "text.h"

/* Interfaces with a tap, or a macvtap: what the prepare step makes of them, and QEMU's end of it. */

#define TUN_DEVICE "/dev/net/tun"
#define VHOST_DEVICE "/dev/vhost-net"

unsigned interface_queues(const DomainInterface *i) {
        return interface_is_virtio(i) && i->queues.set ? MAX(i->queues.value, 1U) : 1;
}

static bool has_tap(const DomainInterface *i) {
        return IN_SET(i->type, BIT(INTERFACE_BRIDGE) | BIT(INTERFACE_ETHERNET) | BIT(INTERFACE_NETWORK) | BIT(INTERFACE_DIRECT));
}

static bool is_openvswitch(const DomainInterface *i) {
        return i->type == INTERFACE_BRIDGE && i->virtualport.type == VIRTUALPORT_OPENVSWITCH;
}

/* --- what there is not --- */

static int refuse_part(Emit *e, const DomainInterface *i, const char *what, const char *hint) {
        return diag_error(e->diag, i->info.loc, "not supported: interface of type '%s' with %s%s", interface_type_to_string(i->type),
                          what, hint);
}

static int check_virtualport(Emit *e, const DomainInterface *i) {
        const VirtualPort *v = &i->virtualport;
        _cleanup_free_ char *what = NULL;

        if (v->loc.line == 0 || is_openvswitch(i))
                return 0;
        what = strf("<virtualport type='%s'>", strempty(virtualport_type_to_string(v->type)));
        if (!what)
                return -ENOMEM;
        return refuse_part(e, i, what, v->type == VIRTUALPORT_QBG || v->type == VIRTUALPORT_QBH ?
                           ", for which a switch and the host's lldpad agree on the port" : "");
}

int check_host_end(Emit *e, const DomainInterface *i) {
        const struct {
                bool asked;
                const char *what, *hint;
        } parts[] = {
                { i->vlan_loc.line > 0 && !is_openvswitch(i), "<vlan>", ": <virtualport type='openvswitch'> has one" },
                { (i->inbound.average.value > 0 || i->outbound.average.value > 0) && !has_tap(i), "<bandwidth>", "" },
                { i->backend_tap && (!has_tap(i) || i->type == INTERFACE_DIRECT), "<backend tap='…'>", "" },
                { i->backend_vhost && !has_tap(i), "<backend vhost='…'>", "" },
        };
        int ret = e->native ? 0 : check_virtualport(e, i);

        for (size_t k = 0; !e->native && k < ELEMENTSOF(parts); k++)
                if (parts[k].asked)
                        ret = refuse_part(e, i, parts[k].what, parts[k].hint);
        if (i->filter && emit_unwired(e, i->info.loc, "interface with <filterref>, of which there are none yet,") < 0)
                ret = -EINVAL;
        if (!e->native && i->target_managed == TRI_NO && !i->target_dev)
                ret = diag_error(e->diag, i->info.loc, "interface: <target managed='no'/> needs the name of the tap, @dev");
        return ret;
}

/* --- vhost --- */

static bool wants_vhost(const Emit *e, const DomainInterface *i) {
        if (e->native || !interface_is_virtio(i) || i->driver == NET_DRIVER_QEMU)
                return false;
        /* Without KVM the guest is too slow for it to matter, and libvirt leaves it out. */
        return i->driver == NET_DRIVER_VHOST || (e->facts->has_vhost_net && e->domain->type == DOMAIN_KVM);
}

static int check_vhost(Emit *e, const DomainInterface *i) {
        if (i->driver != NET_DRIVER_VHOST || e->facts->has_vhost_net || e->native)
                return 0;
        return diag_error(e->diag, i->info.loc, "<driver name='vhost'>: this host has no /dev/vhost-net");
}

/* --- the port of Open vSwitch --- */

/* A value in ovs-vsctl's quotes. Those are JSON's. */
static int add_id(PlanFd *fd, const char *key, const char *value) {
        _cleanup_text_ Text t = {};
        char *s;

        text_appendf(&t, "%s=\"", key);
        for (const char *c = value; *c; c++)
                if ((unsigned char) *c < 0x20)
                        text_appendf(&t, "\\u%04x", (unsigned) *c);
                else
                        text_appendf(&t, "%s%c", *c == '"' || *c == '\\' ? "\\" : "", *c);
        text_append_char(&t, '"');
        int r = text_finish(&t, &s);
        return r < 0 ? r : strv_consume(&fd->external_ids, s);
}

static int fill_vlan(PlanFd *fd, const DomainInterface *i) {
        _cleanup_text_ Text trunks = {};
        int r = 0;

        FOREACH_ARRAY(t, i->vlan_tags, i->n_vlan_tags) {
                text_appendf(&trunks, "%s%u", trunks.length > 0 ? "," : "trunks=", t->id.value);
                if (r >= 0 && t->native != VLAN_UNSET)
                        r = strv_extendf(&fd->port, "vlan_mode=native-%s", vlan_native_to_string(t->native));
                if (r >= 0 && (t->native != VLAN_UNSET || (i->n_vlan_tags == 1 && i->vlan_trunk != TRI_YES)))
                        r = strv_extendf(&fd->port, "tag=%u", t->id.value);
        }
        if (r < 0 || i->n_vlan_tags == 0 || i->vlan_trunk != TRI_YES)
                return r;
        char *s;
        r = text_finish(&trunks, &s);
        return r < 0 ? r : strv_consume(&fd->port, s);
}

/* The ids by which controllers find the guest's port, with libvirt's names. */
static int fill_port(const Emit *e, PlanFd *fd, const DomainInterface *i) {
        char mac[18], interface[37], machine[37];

        format_mac(i->mac, mac);
        format_uuid(i->virtualport.interface, interface);
        format_uuid(e->domain->uuid, machine);
        fd->openvswitch = true;
        int r = fill_vlan(fd, i);
        if (r >= 0)
                r = add_id(fd, "attached-mac", mac);
        if (r >= 0)
                r = add_id(fd, "iface-id", interface);
        if (r >= 0)
                r = add_id(fd, "vm-id", machine);
        if (r >= 0 && !isempty(i->virtualport.profile))
                r = add_id(fd, "port-profile", i->virtualport.profile);
        return r < 0 ? r : add_id(fd, "iface-status", "active");
}

/* --- the host's end --- */

static PlanLimit limit_of(const BandwidthLimit *l) {
        return (PlanLimit) { l->average.value, l->peak.value, l->burst.value };
}

static int fill_addresses(PlanFd *fd, const DomainInterface *i) {
        int r = 0;

        FOREACH_ARRAY(ip, i->host_ips, i->n_host_ips)
                if (r >= 0 && ip->address)
                        r = strv_extendf(&fd->addresses, "%s/%u%s%s", ip->address, interface_ip_prefix(ip), ip->peer ? " peer " : "",
                                         strempty(ip->peer));
        FOREACH_ARRAY(route, i->host_routes, i->n_host_routes) {
                _cleanup_free_ char *metric = strf(route->metric.set ? " metric %u" : "", route->metric.value);
                if (r >= 0)
                        r = metric ? strv_extendf(&fd->routes, "%s/%u via %s%s", route->address, interface_route_prefix(route),
                                                  route->gateway, metric) : -ENOMEM;
        }
        return r;
}

static int fill_tap(Emit *e, PlanFd *fd, const DomainInterface *i) {
        bool ethernet = i->type == INTERFACE_ETHERNET, direct = i->type == INTERFACE_DIRECT;

        memcpy(fd->mac, i->mac, sizeof(fd->mac));
        fd->mtu = direct ? (OptUint) {} : i->mtu;
        fd->queues = interface_queues(i);
        fd->managed_tap = i->target_managed != TRI_NO;
        fd->isolated = i->isolated == TRI_YES;
        fd->inbound = limit_of(&i->inbound);
        fd->outbound = limit_of(&i->outbound);
        fd->coalesce = i->coalesce_frames;
        fd->mode = direct ? i->direct_mode : DIRECT_UNSET;
        int r = free_and_strdup(&fd->ifname, i->target_dev);
        if (r >= 0)
                r = free_and_strdup(&fd->bridge, i->source_bridge);
        if (r >= 0)
                r = free_and_strdup(&fd->device, direct ? i->source_dev : NULL);
        if (r >= 0 && i->backend_tap && !streq(i->backend_tap, TUN_DEVICE))
                r = free_and_strdup(&fd->path, i->backend_tap);
        if (r >= 0)
                r = free_and_strdup(&fd->script, ethernet ? i->script : NULL);
        if (r >= 0)
                r = free_and_strdup(&fd->downscript, ethernet ? i->downscript : NULL);
        if (r >= 0 && is_openvswitch(i))
                r = fill_port(e, fd, i);
        return r < 0 ? r : fill_addresses(fd, i);
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

static int emit_vhost(Emit *e, const DomainInterface *i, const char *element, Json *j) {
        _cleanup_free_ char *name = strf("vhost-%s", i->info.alias);
        unsigned queues = interface_queues(i);

        PlanFd *fd = name ? emit_fd(e, PLAN_FD_VHOST_NET, name, element, i->info.loc, queues) : NULL;
        if (!fd || (i->backend_vhost && !streq(i->backend_vhost, VHOST_DEVICE) && free_and_strdup(&fd->path, i->backend_vhost) < 0))
                return -ENOMEM;
        fd->queues = queues;
        json_add_bool(j, "vhost", true);
        json_fds(j, queues > 1 ? "vhostfds" : "vhostfd", fd->number, queues);
        return 0;
}

int emit_tap(Emit *e, const DomainInterface *i, Json *j) {
        _cleanup_free_ char *tap = strf("tap-%s", i->info.alias), *element = strf("interface %s", i->info.alias);
        unsigned queues = interface_queues(i);
        PlanFd *fd;
        int r = check_vhost(e, i);

        if (r < 0)
                return r;
        fd = tap && element ? emit_fd(e, i->type == INTERFACE_DIRECT ? PLAN_FD_MACVTAP : PLAN_FD_TAP, tap, element, i->info.loc,
                                      queues) : NULL;
        if (!fd || fill_tap(e, fd, i) < 0) {
                e->failed = true;
                return 0;
        }
        json_add_string(j, "type", "tap");
        json_fds(j, queues > 1 ? "fds" : "fd", fd->number, queues);
        if (wants_vhost(e, i) && emit_vhost(e, i, element, j) < 0)
                e->failed = true;
        if (i->sndbuf.set)
                json_add_uint(j, "sndbuf", i->sndbuf.value);
        return 0;
}
