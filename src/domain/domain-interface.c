/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain.h"
#include "string-util.h"

bool interface_is_virtio(const DomainInterface *i) {
        const char *m = strempty(i->model);

        return streq(m, "virtio") || streq(m, "virtio-transitional") || streq(m, "virtio-non-transitional");
}

static void ip_done(InterfaceIp *i) {
        free(i->address);
        free(i->peer);
}

static void route_done(InterfaceRoute *r) {
        free(r->address);
        free(r->netmask);
        free(r->gateway);
}

static void port_forward_done(PortForward *p) {
        free(p->address);
        free(p->dev);
        free(p->ranges);
}

static void parameter_done(FilterParameter *p) {
        free(p->name);
        free(p->value);
}

void interface_done(DomainInterface *i) {
        char *const strings[] = {
                i->source_bridge, i->source_network,  i->source_dev,  i->source_portgroup,    i->source_name,
                i->socket_type,   i->socket_path,     i->script,      i->downscript,          i->target_dev,
                i->guest_dev,     i->model,           i->backend_tap, i->backend_vhost,       i->backend_log,
                i->filter,        i->remote.address,  i->local.address, i->teaming_persistent,
                i->virtualport.profile, i->source_address.port,
        };

        device_info_done(&i->info);
        for (size_t k = 0; k < ELEMENTSOF(strings); k++)
                free(strings[k]);
        FREE_LIST(i->host_ips, i->n_host_ips, ip_done);
        FREE_LIST(i->host_routes, i->n_host_routes, route_done);
        free(i->vlan_tags);
        FREE_LIST(i->ips, i->n_ips, ip_done);
        FREE_LIST(i->routes, i->n_routes, route_done);
        FREE_LIST(i->port_forwards, i->n_port_forwards, port_forward_done);
        FREE_LIST(i->filter_parameters, i->n_filter_parameters, parameter_done);
}
