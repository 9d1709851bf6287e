/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <arpa/inet.h>
#include <strings.h>

#include "domain-complete.h"
#include "string-util.h"

/* What libvirt fills in for interfaces, and what it leaves out again because it means nothing. */

/* The cards that libvirt knows by name, however they are written. */
static const char *const models[] = {
        "rtl8139", "virtio", "virtio-transitional", "virtio-non-transitional", "e1000", "e1000e", "usb-net",
        "spapr-vlan", "netfront", "lan9118", "vmxnet", "vmxnet2", "vmxnet3", "vlance", "Am79C970A", "Am79C973",
        "82540EM", "82545EM", "82543GC",
};

static int complete_model(DomainInterface *i) {
        if (isempty(i->model)) {
                i->model = mfree(i->model);
                return 0;
        }
        for (size_t k = 0; k < ELEMENTSOF(models); k++)
                if (strcasecmp(i->model, models[k]) == 0)
                        return free_and_strdup(&i->model, models[k]);
        return 0;
}

/* The shortest way to write an address; what is none has been reported. */
static int complete_ip(char **address, IpFamily *family) {
        uint8_t bytes[16];
        char s[INET6_ADDRSTRLEN];

        if (!*address)
                return 0;
        if (family && *family == FAMILY_UNSET)
                *family = strchr(*address, ':') ? FAMILY_IPV6 : FAMILY_IPV4;
        int af = strchr(*address, ':') ? AF_INET6 : AF_INET;
        if (inet_pton(af, *address, bytes) != 1 || !inet_ntop(af, bytes, s, sizeof(s)))
                return 0;
        return free_and_strdup(address, s);
}

static int complete_ips(InterfaceIp *ips, size_t n) {
        FOREACH_ARRAY(ip, ips, n) {
                int r = complete_ip(&ip->address, &ip->family);
                if (r >= 0)
                        r = complete_ip(&ip->peer, NULL);
                if (r < 0)
                        return r;
                if (ip->prefix.value == 0)
                        ip->prefix = (OptUint) {};
        }
        return 0;
}

static int complete_virtualport(Domain *d, const HostFacts *facts, DomainInterface *i) {
        VirtualPort *v = &i->virtualport;
        unsigned position = (unsigned) (i - d->interfaces) + 1;
        int r = 0;

        if (v->type == VIRTUALPORT_OPENVSWITCH && !v->has_interface) {
                r = domain_derive_uuid(d, facts, "interfaceid", position, v->interface);
                v->has_interface = true;
        }
        if (v->type == VIRTUALPORT_QBG && !v->has_instance) {
                r = domain_derive_uuid(d, facts, "instanceid", position, v->instance);
                v->has_instance = true;
        }
        if (v->type == VIRTUALPORT_MIDONET || v->type == VIRTUALPORT_QBG)
                v->profile = mfree(v->profile);
        if (v->type == VIRTUALPORT_QBH || v->type == VIRTUALPORT_QBG)
                v->has_interface = false;
        return r;
}

/* Only virtio's devices have such a thing. */
static void complete_driver(DomainInterface *i) {
        if (!interface_is_virtio(i)) {
                i->driver = NET_DRIVER_UNSET;
                i->txmode = TX_UNSET;
                i->queues = i->rx_queue_size = i->tx_queue_size = (OptUint) {};
                i->event_idx = i->ioeventfd = i->rss = i->rss_hash_report = TRI_UNSET;
                i->host = i->guest = (InterfaceOffloads) {};
        }
        if (i->queues.value <= 1)
                i->queues = (OptUint) {};
        if (i->rx_queue_size.value == 0)
                i->rx_queue_size = (OptUint) {};
        if (i->tx_queue_size.value == 0)
                i->tx_queue_size = (OptUint) {};
}

/* Names that a running VM was given are not asked for the next time. */
static bool is_given_name(const DomainInterface *i) {
        if (!i->target_dev || i->target_managed == TRI_NO)
                return false;
        return startswith(i->target_dev, "vnet") ||
               (i->type == INTERFACE_DIRECT && (startswith(i->target_dev, "macvtap") || startswith(i->target_dev, "macvlan")));
}

static bool has_filter(const DomainInterface *i) {
        return i->type == INTERFACE_NETWORK || i->type == INTERFACE_BRIDGE || i->type == INTERFACE_ETHERNET;
}

/* An average of 0 is no limit at all. */
static void complete_limit(BandwidthLimit *l) {
        if ((l->average.set || l->floor.set) && l->average.value == 0 && l->floor.value == 0)
                *l = (BandwidthLimit) {};
}

static void complete_parts(DomainInterface *i) {
        if (i->type == INTERFACE_DIRECT && i->direct_mode == DIRECT_UNSET)
                i->direct_mode = DIRECT_VEPA;
        if (isempty(i->target_dev) || is_given_name(i))
                i->target_dev = mfree(i->target_dev);
        bool trunk = i->n_vlan_tags > 1;
        bool native = i->n_vlan_tags == 1 && i->vlan_tags[0].native != VLAN_UNSET; /* that is an error */
        if (i->vlan_trunk == TRI_NO && !trunk && !native)
                i->vlan_trunk = TRI_UNSET;
        else if (i->vlan_trunk == TRI_UNSET && trunk)
                i->vlan_trunk = TRI_YES;
        if (!has_filter(i) && i->filter) {
                i->filter = mfree(i->filter);
                FOREACH_ARRAY(p, i->filter_parameters, i->n_filter_parameters) {
                        free(p->name);
                        free(p->value);
                }
                i->n_filter_parameters = 0;
        }
        complete_limit(&i->inbound);
        complete_limit(&i->outbound);
        if (i->mtu.value == 0)
                i->mtu = (OptUint) {};
        if (i->coalesce_frames.value == 0)
                i->coalesce_frames = (OptUint) {};
        if (i->reconnect == TRI_UNSET)
                i->reconnect_timeout = (OptUint) {};
        if (isempty(i->script))
                i->script = mfree(i->script);
        if (isempty(i->downscript))
                i->downscript = mfree(i->downscript);
        if (i->backend == NET_BACKEND_DEFAULT)
                i->backend = NET_BACKEND_UNSET;
}

static int complete_interface(Domain *d, const HostFacts *facts, DomainInterface *i) {
        int r;

        if (i->type == INTERFACE_UNSET)
                i->type = INTERFACE_USER;
        if ((r = complete_model(i)) < 0 || (r = complete_ips(i->ips, i->n_ips)) < 0 ||
            (r = complete_ips(i->host_ips, i->n_host_ips)) < 0 || (r = complete_virtualport(d, facts, i)) < 0)
                return r;
        complete_driver(i);
        complete_parts(i);
        if (i->type == INTERFACE_HOSTDEV) {
                DeviceAddress *a = &i->source_address;
                a->domain.set = a->bus.set = a->slot.set = a->function.set = true;
        }
        return 0;
}

int domain_complete_interfaces(Domain *d, const HostFacts *facts) {
        FOREACH_ARRAY(i, d->interfaces, d->n_interfaces) {
                int r = complete_interface(d, facts, i);
                if (r < 0)
                        return r;
        }
        return 0;
}
