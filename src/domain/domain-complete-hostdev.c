/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-complete.h"
#include "string-util.h"

/* What libvirt fills in for devices of the host. */

#define SHMEM_DEFAULT_SIZE (UINT64_C(4) << 20)

static int complete_iscsi(DomainHostdev *h) {
        if (!h->iscsi_name || strchr(h->iscsi_name, '/'))
                return 0;
        char *name = strf("%s/0", h->iscsi_name);
        if (!name)
                return -ENOMEM;
        free(h->iscsi_name);
        h->iscsi_name = name;
        return 0;
}

static int complete_hostdev(DomainHostdev *h) {
        if (h->mode == HOSTDEV_MODE_UNSET)
                h->mode = HOSTDEV_SUBSYSTEM;
        if (h->managed == TRI_UNSET)
                h->managed = TRI_NO;
        if (h->type == HOSTDEV_PCI) {
                DeviceAddress *a = &h->address;
                a->domain.set = a->bus.set = a->slot.set = a->function.set = true;
        }
        if (h->usb_bus.value == 0 && h->usb_device.value == 0)
                h->usb_bus = h->usb_device = (OptUint) {};
        if (h->type == HOSTDEV_MDEV && h->model == HOSTDEV_MODEL_VFIO_PCI && h->display == TRI_UNSET)
                h->display = TRI_NO;
        return complete_iscsi(h);
}

int domain_complete_hostdevs(Domain *d, const HostFacts *facts) {
        FOREACH_ARRAY(h, d->hostdevs, d->n_hostdevs) {
                int r = complete_hostdev(h);
                if (r < 0)
                        return r;
        }
        FOREACH_ARRAY(v, d->vsocks, d->n_vsocks) {
                v->model = v->model ?: VSOCK_VIRTIO;
                if (v->auto_cid == TRI_UNSET)
                        v->auto_cid = v->cid.set ? TRI_NO : TRI_YES;
        }
        FOREACH_ARRAY(s, d->shmems, d->n_shmems) {
                if (s->model == SHMEM_PLAIN && !s->size.set)
                        s->size = OPT_U64(SHMEM_DEFAULT_SIZE);
                if (s->has_msi && s->msi_ioeventfd == TRI_UNSET)
                        s->msi_ioeventfd = TRI_YES;
                if (s->msi_vectors.value == 0)
                        s->msi_vectors = (OptUint) {};
        }
        FOREACH_ARRAY(c, d->cryptos, d->n_cryptos)
                if (c->queues.value == 0)
                        c->queues = (OptUint) {};
        return 0;
}
