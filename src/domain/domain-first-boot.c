/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "disk-name.h"
#include "domain-complete.h"
#include "domain-validate.h"
#include "host-facts.h"
#include "string-util.h"

/* Credentials and cloud-init: what <metadata> has for the guest's first boot. */

void credential_done(DomainCredential *c) {
        if (c->value)
                explicit_bzero(c->value, strlen(c->value));
        free(c->name);
        free(c->value);
        free(c->from);
}

void cloud_init_done(DomainCloudInit *c) {
        free(c->user_data);
        free(c->meta_data);
        free(c->network_config);
        free(c->vendor_data);
}

bool credential_name_is_valid(const char *name) {
        return !isempty(name) && strlen(name) <= CREDENTIAL_NAME_MAX && *name != '.' && in_charset(name, ALPHANUMERICAL "._@+-");
}

/* --- the disk --- */

static bool has_disk(const Domain *d, const char *path) {
        FOREACH_ARRAY(i, d->disks, d->n_disks)
                if (streq_ptr(i->source.path, path))
                        return true;
        return false;
}

/* Behind all others of its bus: which disk the guest boots from stays the same. */
static char *next_target(const Domain *d) {
        unsigned next = 0;

        FOREACH_ARRAY(i, d->disks, d->n_disks) {
                unsigned index;
                DiskBus bus;
                if (disk_name_parse(strempty(i->target_dev), &bus, &index) != -EINVAL && bus == BUS_VIRTIO)
                        next = MAX(next, index + 1);
        }
        return next < 26 ? strf("vd%c", (char) ('a' + next)) : strf("vd%c%c", (char) ('a' + (next / 26 - 1) % 26), (char) ('a' + next % 26));
}

/* The effective definition has it, as if it had been written. */
int domain_complete_cloud_init(Domain *d, const HostFacts *facts) {
        if (d->cloud_init.loc.line == 0)
                return 0;
        _cleanup_free_ char *path = strf("%s/%s/" CLOUD_INIT_FILE, facts->state_dir, d->name), *target = next_target(d);
        if (!path || !target)
                return -ENOMEM;
        if (has_disk(d, path))
                return 0;
        if (!ARRAY_GROW(d->disks, d->n_disks))
                return -ENOMEM;
        d->disks[d->n_disks++] = (DomainDisk) {
                .info.loc = d->cloud_init.loc, .device = DEVICE_DISK, .bus = BUS_VIRTIO, .readonly = true,
                .target_dev = TAKE_PTR(target),
                .source = { .loc = d->cloud_init.loc, .type = DISK_FILE, .format = FORMAT_RAW, .path = TAKE_PTR(path) },
        };
        return 0;
}

bool disk_is_cloud_init(const Domain *d, const DomainDisk *disk, const char *state_dir) {
        const char *p = d->cloud_init.loc.line > 0 && disk->source.path ? startswith(disk->source.path, state_dir) : NULL;

        p = p && *p == '/' ? startswith(p + 1, strempty(d->name)) : NULL;
        return streq_ptr(p, "/" CLOUD_INIT_FILE);
}

/* --- checks --- */

static void check_credential(const Domain *d, const DomainCredential *c, Diag *diag) {
        if (!credential_name_is_valid(c->name))
                (void) diag_error(diag, c->loc, "credential: '%.64s' is no name of a credential: letters, digits and ._@+- are, without "
                                  "a point in front", strempty(c->name));
        if (!c->value == !c->from)
                (void) diag_error(diag, c->loc, "credential '%.64s' needs either @value or @from", strempty(c->name));
        if (c->from && !credential_name_is_valid(c->from))
                (void) diag_error(diag, c->loc, "credential '%.64s': @from '%.64s' is no name of a credential of the host",
                                  strempty(c->name), c->from);
        if (c->value && strlen(c->value) > CREDENTIAL_VALUE_MAX)
                (void) diag_error(diag, c->loc, "credential '%.64s' is larger than %u bytes", strempty(c->name), CREDENTIAL_VALUE_MAX);
        for (const DomainCredential *i = d->credentials; i < c; i++)
                if (streq_ptr(i->name, c->name)) {
                        (void) diag_error(diag, c->loc, "credential '%.64s' is given twice", strempty(c->name));
                        break;
                }
}

void check_first_boot(const Domain *d, Diag *diag) {
        const DomainCloudInit *c = &d->cloud_init;

        if (d->n_credentials > CREDENTIALS_MAX)
                (void) diag_error(diag, d->credentials[CREDENTIALS_MAX].loc, "more than %u credentials", CREDENTIALS_MAX);
        FOREACH_ARRAY(i, d->credentials, MIN(d->n_credentials, CREDENTIALS_MAX))
                check_credential(d, i, diag);
        check_path(diag, c->loc, "cloud-init @user-data", c->user_data);
        check_path(diag, c->loc, "cloud-init @meta-data", c->meta_data);
        check_path(diag, c->loc, "cloud-init @network-config", c->network_config);
        check_path(diag, c->loc, "cloud-init @vendor-data", c->vendor_data);
}
