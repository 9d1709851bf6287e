/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-validate.h"
#include "string-util.h"

/* What a definition can ask for and only root can do: a machine of a user's own (qemu:///session) cannot have it. One row
 * for each; what a user may do or not, such as opening a file, is found out when it is done. */
typedef struct RootOnly {
        const char *what, *reason;
        /* The place of the I-th thing of this kind; false when there are no more than I. */
        bool (*find)(const Domain *d, size_t i, SrcLoc *ret);
} RootOnly;

/* Takes one off *SKIP for each call that matches; true when it was the one looked for. */
static bool is_turn(bool matches, size_t *skip) {
        return matches && (*skip)-- == 0;
}

static bool find_interface(const Domain *d, InterfaceType type, size_t i, SrcLoc *ret) {
        FOREACH_ARRAY(n, d->interfaces, d->n_interfaces)
                /* A tap that is there already can be one that root has made for this user. */
                if (is_turn(n->type == type && !(type == INTERFACE_ETHERNET && n->target_managed == TRI_NO), &i)) {
                        *ret = n->info.loc;
                        return true;
                }
        return false;
}

#define DEFINE_INTERFACE(name, type) \
        static bool name(const Domain *d, size_t i, SrcLoc *ret) { return find_interface(d, type, i, ret); }
DEFINE_INTERFACE(find_bridge, INTERFACE_BRIDGE)
DEFINE_INTERFACE(find_network, INTERFACE_NETWORK)
DEFINE_INTERFACE(find_ethernet, INTERFACE_ETHERNET)
DEFINE_INTERFACE(find_direct, INTERFACE_DIRECT)
DEFINE_INTERFACE(find_hostdev_interface, INTERFACE_HOSTDEV)
DEFINE_INTERFACE(find_vdpa, INTERFACE_VDPA)

static bool find_hostdev(const Domain *d, size_t i, SrcLoc *ret) {
        if (i >= d->n_hostdevs)
                return false;
        *ret = d->hostdevs[i].info.loc;
        return true;
}

static bool find_rawio(const Domain *d, size_t i, SrcLoc *ret) {
        FOREACH_ARRAY(disk, d->disks, d->n_disks)
                if (is_turn(disk->rawio == TRI_YES, &i)) {
                        *ret = disk->info.loc;
                        return true;
                }
        return false;
}

static bool find_locked(const Domain *d, size_t i, SrcLoc *ret) {
        *ret = d->memory_backing.loc;
        return i == 0 && d->memory_backing.locked;
}

static bool is_realtime(const ThreadSched *s) {
        return s->scheduler == SCHEDULER_FIFO || s->scheduler == SCHEDULER_RR;
}

static bool find_realtime(const Domain *d, size_t i, SrcLoc *ret) {
        const struct {
                const ThreadSched *items;
                size_t n;
        } lists[] = {
                { &d->cputune.emulatorsched, 1 },
                { d->cputune.vcpuscheds, d->cputune.n_vcpuscheds },
                { d->cputune.iothreadscheds, d->cputune.n_iothreadscheds },
        };

        FOREACH_ARRAY(list, lists, ELEMENTSOF(lists))
                FOREACH_ARRAY(s, list->items, list->n)
                        if (is_turn(is_realtime(s), &i)) {
                                *ret = s->loc;
                                return true;
                        }
        return false;
}

static bool find_static_label(const Domain *d, size_t i, SrcLoc *ret) {
        FOREACH_ARRAY(s, d->seclabels, d->n_seclabels)
                if (is_turn(s->type == SECLABEL_STATIC, &i)) {
                        *ret = s->loc;
                        return true;
                }
        return false;
}

static bool find_host_shutdown(const Domain *d, size_t i, SrcLoc *ret) {
        *ret = d->host_shutdown.loc;
        return i == 0 && (d->host_shutdown.action == HOST_SHUTDOWN_SAVE || d->host_shutdown.action == HOST_SHUTDOWN_DESTROY);
}

#define NO_TAP "only root can give it to a machine; type='user' needs nobody"

static const RootOnly table[] = {
        { "interface of type 'bridge'", NO_TAP, find_bridge },
        { "interface of type 'network'", NO_TAP, find_network },
        { "interface of type 'ethernet'", "only root can make a tap; with managed='no' it is one that is there", find_ethernet },
        { "interface of type 'direct'", NO_TAP, find_direct },
        { "interface of type 'hostdev'", NO_TAP, find_hostdev_interface },
        { "interface of type 'vdpa'", NO_TAP, find_vdpa },
        { "hostdev", "only root can give a device of the host to a machine", find_hostdev },
        { "disk with rawio='yes'", "it needs a capability", find_rawio },
        { "memoryBacking/locked", "only root can lock that much memory", find_locked },
        { "cputune: scheduler of real time", "only root can set it", find_realtime },
        { "host-shutdown", "a machine of a session is asked to power off when the session ends", find_host_shutdown },
        { "seclabel of type 'static'", "a machine of a session has the user and the label of that session", find_static_label },
};

int domain_check_session(const Domain *d, Diag *diag) {
        int ret = 0;

        FOREACH_ARRAY(row, table, ELEMENTSOF(table)) {
                SrcLoc loc;
                for (size_t i = 0; row->find(d, i, &loc); i++)
                        ret = diag_error_code(diag, -EPERM, loc, "%s is not possible in a session (qemu:///session): %s", row->what,
                                              row->reason);
        }
        return ret;
}
