/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "strv.h"
#include "unit-emit.h"

/* What the template refuses to all machines, and the drop-in lets those have that cannot do without. */

/* --- who needs what --- */

static bool is_passt(const DomainInterface *i) {
        return i->type == INTERFACE_USER && i->backend == NET_BACKEND_PASST;
}

static bool has_passt(const Domain *d) {
        FOREACH_ARRAY(i, d->interfaces, d->n_interfaces)
                if (is_passt(i))
                        return true;
        return false;
}

static bool has_virtiofsd(const Domain *d) {
        FOREACH_ARRAY(f, d->filesystems, d->n_filesystems)
                if (f->driver == FS_DRIVER_VIRTIOFS && !f->source_socket)
                        return true;
        return false;
}

static bool has_network_interface(const Domain *d) {
        FOREACH_ARRAY(i, d->interfaces, d->n_interfaces)
                switch (i->type) {
                case INTERFACE_USER:
                        if (is_passt(i))
                                break;
                        return true;
                case INTERFACE_UDP:
                case INTERFACE_MCAST:
                case INTERFACE_SERVER:
                case INTERFACE_CLIENT:
                        return true;
                default:
                        break;
                }
        return false;
}

/* The step that prepares the start makes connections, but not again, and it does not know certificates. */
static int find_own_connection(const CharSource *s, SrcLoc loc, void *userdata) {
        *(bool *) userdata |= s->type == CHARDEV_UDP ||
                (s->type == CHARDEV_TCP && (s->reconnect == TRI_YES || (s->tls == TRI_YES && s->mode != SOCKET_BIND)));
        return 0;
}

/* The connection to an NBD server is made by the prepare step. For all other servers QEMU has libraries, which connect
 * by themselves. */
static bool has_network_disk(const Domain *d) {
        FOREACH_ARRAY(disk, d->disks, d->n_disks)
                for (const DiskSource *s = &disk->source; s; s = s->backing)
                        if (s->type == DISK_NETWORK && s->protocol != PROTO_NBD && !disk_source_is_empty(s))
                                return true;
        return false;
}

/* Sockets of streams are made by the prepare step; QEMU's own network stack needs the machine's. */
bool unit_qemu_needs_network(const Domain *d) {
        bool found = false;

        (void) domain_for_sources(d, find_own_connection, &found);
        return found || has_network_interface(d) || has_network_disk(d);
}

bool unit_needs_network(const Domain *d) {
        return has_passt(d) || unit_qemu_needs_network(d);
}

bool unit_needs_rawio(const Domain *d) {
        FOREACH_ARRAY(disk, d->disks, d->n_disks)
                if (disk->rawio == TRI_YES)
                        return true;
        return false;
}

bool unit_needs_uevents(const Domain *d) {
        FOREACH_ARRAY(h, d->hostdevs, d->n_hostdevs)
                if (h->type == HOSTDEV_USB)
                        return true;
        return false;
}

/* --- settings --- */

int emit_capabilities(const UnitEmit *c, char ***values) {
        return unit_needs_rawio(c->d) ? strv_extend(values, "CAP_SYS_RAWIO") : 0;
}

/* PrivateDevices= takes CAP_SYS_RAWIO out of the bounding set, systemd.exec(5); in a user namespace it is worth nothing. */
int emit_no_for_rawio(const UnitEmit *c, char ***values) {
        return unit_needs_rawio(c->d) ? strv_extend(values, "no") : 0;
}

int emit_private_network(const UnitEmit *c, char ***values) {
        return unit_needs_network(c->d) ? strv_extend(values, "no") : 0;
}

/* passt asks the kernel which addresses and routes the host has. */
int emit_address_families(const UnitEmit *c, char ***values) {
        int r = has_passt(c->d) || unit_needs_uevents(c->d) ? strv_extend(values, "AF_NETLINK") : 0;

        if (r < 0 || !unit_needs_network(c->d))
                return r;
        r = strv_extend(values, "AF_INET");
        return r < 0 ? r : strv_extend(values, "AF_INET6");
}

int emit_proc_subset(const UnitEmit *c, char ***values) {
        FOREACH_ARRAY(m, c->d->memories, c->d->n_memories)
                if (m->model == MEMORY_VIRTIO_MEM)
                        return strv_extend(values, "all");
        return has_virtiofsd(c->d) ? strv_extend(values, "all") : 0;
}

/* virtiofsd is root of a user namespace that has nobody but the machine's user; passt makes itself one with nothing in it. */
int emit_namespaces(const UnitEmit *c, char ***values) {
        static const char *const kinds[] = { "user", "mnt", "ipc", "uts", "pid" };
        size_t n = has_passt(c->d) ? ELEMENTSOF(kinds) : has_virtiofsd(c->d) ? 1 : 0;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < n; i++)
                r = strv_extend(values, kinds[i]);
        return r;
}

/* The folder becomes virtiofsd's root directory, an empty one passt's. */
int emit_system_calls(const UnitEmit *c, char ***values) {
        static const char *const calls[] = { "mount", "pivot_root", "umount2" };
        int r = has_virtiofsd(c->d) ? strv_extend(values, "chroot") : 0;

        for (size_t i = 0; r >= 0 && has_passt(c->d) && i < ELEMENTSOF(calls); i++)
                r = strv_extend(values, calls[i]);
        return r;
}
