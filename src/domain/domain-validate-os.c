/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-validate.h"
#include "string-util.h"

/* Checks of how the guest boots. */

void check_os(const Domain *d, Diag *diag) {
        const DomainOs *os = &d->os;

        if (os->type != OS_HVM && os->type != OS_UNSET)
                refuse(diag, os->loc, "os type", os_type_to_string(os->type));
        check_path(diag, os->loc, "kernel", os->kernel);
        check_path(diag, os->loc, "initrd", os->initrd);
        check_path(diag, os->loc, "dtb", os->dtb);
        check_path(diag, os->loc, "emulator", d->emulator);
        if (os->initrd && !os->kernel)
                (void) diag_error(diag, os->loc, "initrd '%s': there is no kernel for it", os->initrd);
        if (os->cmdline && !os->kernel)
                (void) diag_error(diag, os->loc, "cmdline '%s': there is no kernel for it", os->cmdline);
        if (os->has_reboot_timeout && (os->reboot_timeout < -1 || os->reboot_timeout > 65535))
                (void) diag_error(diag, os->loc, "bios @rebootTimeout: %d is not a number from -1 to 65535",
                                  os->reboot_timeout);
        for (size_t i = 0; i < os->n_boot; i++)
                for (size_t k = 0; k < i; k++)
                        if (os->boot[i] == os->boot[k]) {
                                (void) diag_error(diag, os->loc, "boot device '%s' is given twice",
                                                  boot_device_to_string(os->boot[i]));
                                break;
                        }
}

void check_firmware(const Domain *d, Diag *diag) {
        const DomainOs *os = &d->os;

        check_path(diag, os->loc, "loader", os->loader);
        check_path(diag, os->loc, "nvram", os->nvram);
        check_path(diag, os->loc, "nvram @template", os->nvram_template);
        if ((os->nvram || os->nvram_template) && os->loader_stateless == TRI_YES)
                (void) diag_error(diag, os->loc, "nvram: a loader with stateless='yes' has none");
        else if ((os->nvram || os->nvram_template) && os->loader_type == LOADER_ROM)
                (void) diag_error(diag, os->loc, "nvram: a loader of type 'rom' has none");
        if (!os->loader && (os->loader_type != LOADER_UNSET || os->loader_readonly != TRI_UNSET) &&
            os->firmware == FIRMWARE_UNSET)
                (void) diag_error(diag, os->loc, "loader has no path");
        if (os->loader_secure == TRI_YES && os->loader_type == LOADER_ROM)
                (void) diag_error(diag, os->loc, "loader secure='yes' needs type='pflash'");
        if (os->loader_secure == TRI_YES && d->features.smm != TRI_YES)
                (void) diag_error(
                        diag, os->loc,
                        "loader secure='yes' needs <smm state='on'/>, else the guest could change it");
}
