/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>

#include "qemu-emit.h"
#include "string-util.h"

/* Credentials for the guest's systemd (systemd.system-credentials(7)): strings of SMBIOS, or, on machines that have none,
 * files of fw_cfg. QEMU reads them from descriptors, so they are in no command line. */

#define FWCFG_PREFIX "opt/io.systemd.credentials/"
#define FWCFG_NAME_MAX 55U

bool has_credentials(const Domain *d) {
        return d->n_credentials > 0 || d->ready.when == READY_VSOCK_NOTIFY;
}

/* On ARM the firmware hands the tables on, and without one nobody does. */
static bool has_smbios_tables(const Domain *d) {
        const char *machine = strempty(d->os.machine);

        switch (d->os.arch) {
        case ARCH_X86_64:
        case ARCH_I686:
                return !startswith(machine, "microvm") && !startswith(machine, "isapc");
        case ARCH_AARCH64:
                return d->os.flash.path;
        default:
                return false;
        }
}

static int emit_credential(Emit *e, const DomainCredential *c, size_t index, bool smbios) {
        _cleanup_free_ char *name = strf("guest-credential-%zu", index);
        _cleanup_free_ char *element = strf("credential '%s' of the guest", c->name);
        _cleanup_options_ Options o = {};

        if (!smbios && strlen(FWCFG_PREFIX) + strlen(c->name) > FWCFG_NAME_MAX)
                return diag_error(e->diag, c->loc, "credential '%s': this machine has no SMBIOS, and in fw_cfg a name has %zu characters at most",
                                  c->name, FWCFG_NAME_MAX - strlen(FWCFG_PREFIX));
        PlanFd *fd = name && element ? emit_fd(e, PLAN_FD_SECRET, name, element, c->loc, 1) : NULL;
        if (!fd || free_and_strdup(&fd->secret, c->value) < 0 || free_and_strdup(&fd->credential, c->from) < 0 ||
            free_and_strdup(&fd->guest_name, c->name) < 0)
                return -ENOMEM;
        fd->smbios = smbios;
        if (smbios) {
                options_add(&o, "type", "11");
                options_addf(&o, "path", "/proc/self/fd/%u", fd->number);
        } else {
                options_addf(&o, "name", FWCFG_PREFIX "%s", c->name);
                options_addf(&o, "file", "/proc/self/fd/%u", fd->number);
        }
        emit_options(e, smbios ? "-smbios" : "-fw_cfg", &o);
        return 0;
}

/* Where the guest's systemd says that it has booted, and who listens there: the monitor. Nobody does for a command line
 * that is meant for people. */
static int emit_notify(Emit *e, bool smbios) {
        const DomainReady *ready = &e->domain->ready;
        char name[] = NOTIFY_CREDENTIAL, address[sizeof("vsock-stream:2:4294967295")];

        if (ready->when != READY_VSOCK_NOTIFY || e->native)
                return 0;
        PlanFd *fd = emit_fd(e, PLAN_FD_LISTEN_VSOCK, QEMU_FD_NOTIFY, "ready", ready->loc, 1);
        if (!fd)
                return -ENOMEM;
        fd->user = PLAN_USER_MONITOR;
        (void) snprintf(address, sizeof(address), "vsock-stream:2:%u", ready->port);
        return emit_credential(e, &(DomainCredential) { .loc = ready->loc, .name = name, .value = address }, e->domain->n_credentials, smbios);
}

int emit_credentials(Emit *e) {
        bool smbios = has_smbios_tables(e->domain);
        int ret = 0;

        FOREACH_ARRAY(c, e->domain->credentials, e->domain->n_credentials) {
                int r = emit_credential(e, c, (size_t) (c - e->domain->credentials), smbios);
                ret = ret < 0 ? ret : r;
        }
        int r = emit_notify(e, smbios);
        return ret < 0 ? ret : r;
}
