/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "domain-validate.h"
#include "string-util.h"

/* Checks of how the guest boots. */

static bool has_serial(const Domain *d) {
        FOREACH_ARRAY(c, d->chars, d->n_chars)
                if (c->kind == CHAR_SERIAL || c->kind == CHAR_CONSOLE)
                        return true;
        return false;
}

void check_os(const Domain *d, Diag *diag) {
        const DomainOs *os = &d->os;

        if (os->type != OS_HVM && os->type != OS_UNSET)
                refuse(diag, os->loc, "os type", os_type_to_string(os->type));
        check_path(diag, os->loc, "kernel", os->kernel);
        check_path(diag, os->loc, "initrd", os->initrd);
        check_path(diag, os->loc, "dtb", os->dtb);
        check_path(diag, os->loc, "acpi table", os->acpi_table);
        check_path(diag, os->loc, "emulator", d->emulator);
        if (os->initrd && !os->kernel)
                (void) diag_error(diag, os->loc, "initrd '%s': there is no kernel for it", os->initrd);
        if (os->cmdline && !os->kernel)
                (void) diag_error(diag, os->loc, "cmdline '%s': there is no kernel for it", os->cmdline);
        if (os->has_reboot_timeout && (os->reboot_timeout < -1 || os->reboot_timeout > 65535))
                (void) diag_error(diag, os->loc, "bios @rebootTimeout: %d is not a number from -1 to 65535",
                                  os->reboot_timeout);
        if (os->bios_useserial == TRI_YES && !has_serial(d))
                (void) diag_error(diag, os->loc, "bios useserial='yes' needs a serial port");
        for (size_t i = 0; i < os->n_boot; i++)
                for (size_t k = 0; k < i; k++)
                        if (os->boot[i] == os->boot[k]) {
                                (void) diag_error(diag, os->loc, "boot device '%s' is given twice",
                                                  boot_device_to_string(os->boot[i]));
                                break;
                        }
}

/* vmunit looks for a firmware: what it is to find must not be written as well. */
static void check_firmware_choice(const Domain *d, Diag *diag) {
        const DomainOs *os = &d->os;
        const struct {
                bool given;
                const char *what;
        } fixed[] = {
                { os->loader, "a path of the loader" },
                { os->loader_readonly != TRI_UNSET, "loader @readonly" },
                { os->loader_type != LOADER_UNSET, "loader @type" },
                { os->loader_secure == TRI_NO, "loader secure='no'" },
                { os->nvram_template, "nvram @template" },
        };

        FOREACH_ARRAY(f, fixed, ELEMENTSOF(fixed))
                if (f->given)
                        (void) diag_error(diag, os->loc, "os firmware='%s': %s cannot be given, it comes with the firmware",
                                          os_firmware_to_string(os->firmware), f->what);
        if (os->enrolled_keys == TRI_YES && os->secure_boot == TRI_NO)
                (void) diag_error(diag, os->loc, "firmware: enrolled-keys need secure-boot");
}

static void check_loader(const Domain *d, Diag *diag) {
        const DomainOs *os = &d->os;

        if (os->secure_boot != TRI_UNSET || os->enrolled_keys != TRI_UNSET)
                (void) diag_error(diag, os->loc, "firmware features: there is no <os firmware=> that looks for them");
        if (!os->loader && os->loader_loc.line > 0)
                (void) diag_error(diag, os->loader_loc, "loader has no path");
        else if (!os->loader && os->nvram_loc.line > 0)
                (void) diag_error(diag, os->nvram_loc, "nvram: there is no loader for it");
        if (os->loader && os->loader_type != LOADER_PFLASH) {
                if (os->nvram || os->nvram_template)
                        (void) diag_error(diag, os->loc, "nvram: a loader of type 'rom' has none");
                if (os->loader_stateless == TRI_NO)
                        (void) diag_error(diag, os->loc, "loader stateless='no' needs type='pflash'");
                if (os->loader_secure == TRI_YES)
                        (void) diag_error(diag, os->loc, "loader secure='yes' needs type='pflash'");
        }
        if (os->loader_secure == TRI_YES && d->features.smm != TRI_YES)
                (void) diag_error(diag, os->loc, "loader secure='yes' needs <smm state='on'/>, else the guest could change it");
}

/* EDK2 for PCs has no other way to tell the guest of its hardware. */
static void check_firmware_acpi(const Domain *d, Diag *diag) {
        const DomainOs *os = &d->os;
        bool uefi = os->firmware == FIRMWARE_EFI || os->loader_type == LOADER_PFLASH;

        if (uefi && (os->arch == ARCH_X86_64 || os->arch == ARCH_I686) && !d->features.acpi)
                (void) diag_error(diag, os->loc, "UEFI firmware needs <features><acpi/> on '%s'", arch_to_string(os->arch));
}

void check_firmware(const Domain *d, Diag *diag) {
        const DomainOs *os = &d->os;

        check_firmware_acpi(d, diag);
        check_path(diag, os->loc, "loader", os->loader);
        check_path(diag, os->loc, "nvram", os->nvram);
        check_path(diag, os->loc, "nvram @template", os->nvram_template);
        if ((os->loader_format != FORMAT_UNSET && os->loader_format != FORMAT_RAW) ||
            (os->nvram_format != FORMAT_UNSET && os->nvram_format != FORMAT_RAW))
                (void) diag_error(diag, os->loc, "not supported: firmware in another format than 'raw'");
        if (os->nvram_type != DISK_UNSET && os->nvram_type != DISK_FILE && os->nvram_type != DISK_BLOCK)
                refuse(diag, os->loc, "nvram type", disk_type_to_string(os->nvram_type));
        else if (os->nvram_type != DISK_UNSET && !os->nvram)
                (void) diag_error(diag, os->loc, "nvram of type '%s' needs <source %s=>", disk_type_to_string(os->nvram_type),
                                  os->nvram_type == DISK_BLOCK ? "dev" : "file");
        if (os->nvram_type == DISK_BLOCK && os->nvram_template)
                (void) diag_warning(diag, os->loc, "nvram of type 'block': the device must have the variables; nothing is written "
                                                   "to it from the template '%s'", os->nvram_template);
        if ((os->nvram || os->nvram_template) && os->loader_stateless == TRI_YES)
                (void) diag_error(diag, os->loc, "nvram: a loader with stateless='yes' has none");
        if (os->firmware != FIRMWARE_UNSET)
                check_firmware_choice(d, diag);
        else
                check_loader(d, diag);
}
