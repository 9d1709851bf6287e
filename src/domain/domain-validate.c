/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "domain-validate.h"
#include "string-util.h"

void refuse(Diag *diag, SrcLoc loc, const char *what, const char *word) {
        (void) diag_error(diag, loc, "not supported: %s '%s'", what, strempty(word));
}

void check_path(Diag *diag, SrcLoc loc, const char *what, const char *path) {
        if (path && *path != '/')
                (void) diag_error(diag, loc, "%s: '%s' is not an absolute path", what, path);
}

/* What a path, a unit and a machine can be made of is vm_name_check()'s business. */
static void check_name(const Domain *d, Diag *diag) {
        if (isempty(d->name))
                (void) diag_error(diag, d->name_loc.line > 0 ? d->name_loc : d->loc, "<name> is missing: a machine needs one");
}

static void check_title(const Domain *d, Diag *diag) {
        if (d->title && strchr(d->title, '\n'))
                (void) diag_error(diag, d->title_loc, "<title> has a line break: it is one line");
}

/* All of them run, whatever the earlier ones found; so each looks only at what it is about. */
static const DomainCheck checks[] = {
        check_name,         check_title,      check_memory,        check_vcpus,         check_os,
        check_iothreads,    check_cputune,    check_numatune,      check_blkiotune,
        check_memory_backing, check_numa,     check_memory_modules, check_seclabels,
        check_firmware,     check_features,   check_cpu,           check_clock,
        check_lifecycle,    check_disks,      check_disk_targets,  check_disk_addresses, check_disk_iotune,
        check_controllers, check_iommus,  check_interfaces, check_chars,         check_consoles,
        check_hostdevs,     check_vsocks,     check_shmems,        check_cryptos,
        check_serial_ports, check_inputs,     check_graphics,      check_videos,        check_sounds,
        check_filesystems,  check_smartcards, check_redirdevs,
        check_watchdogs,    check_balloons,   check_rngs,          check_panics,
        check_tpms,         check_sysinfos,   check_boot_order,    check_aliases,       check_paths,
        check_qemu,         check_metadata,      check_first_boot,
};

int domain_validate(const Domain *d, Diag *diag) {
        _cleanup_diag_ Diag own = {};
        size_t before;

        /* Without a Diag of the caller's there would be nothing to tell the result from. */
        if (!diag)
                diag = &own;
        before = diag->n_errors;

        /* For another hypervisor everything else would be noise. */
        if (d->type == DOMAIN_TEST && !d->made_up)
                (void) diag_error(diag, d->loc, "unsupported configuration: Emulator '%s' does not support virt type 'test'",
                                  strempty(d->emulator));
        else if (d->type != DOMAIN_QEMU && d->type != DOMAIN_KVM && d->type != DOMAIN_TEST && d->type != DOMAIN_UNSET)
                refuse(diag, d->loc, "domain type", domain_type_to_string(d->type));
        else
                for (size_t i = 0; i < ELEMENTSOF(checks); i++)
                        checks[i](d, diag);
        return diag->n_errors > before ? -EINVAL : 0;
}
